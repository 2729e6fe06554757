//! The limits of docs/budgets.md: what the shop may cost.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{LocalError, Result};

/// The document, from the repository's root.
const PATH: &str = "docs/budgets.md";

/// The table of limits, by the names of its rows.
#[derive(Debug)]
pub struct Limits(BTreeMap<String, Limit>);

/// One row.
#[derive(Debug)]
struct Limit {
    at_most: f64,
    /// The current value, as it is written.
    now: String,
}

impl Limits {
    /// Reads docs/budgets.md.
    pub fn read(root: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(root.join(PATH)).map_err(|error| LocalError::new(PATH, error))?;
        Ok(Self::parse(&text))
    }

    /// Rows are `| name | at most | now | checked by |`; rows without a number are not limits.
    fn parse(text: &str) -> Self {
        let rows = text.lines().filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, name, at_most, now, _, _] = cells[..] else {
                return None;
            };
            let limit = Limit {
                at_most: at_most.parse().ok()?,
                now: now.to_owned(),
            };
            Some((name.to_owned(), limit))
        });
        Self(rows.collect())
    }

    /// What is wrong with a value, if it exceeds its limit, if the document says another value, or if it has
    /// no limit. The value is rounded to the decimals of the document.
    pub fn finding(&self, name: &str, is: f64) -> Option<String> {
        let Some(limit) = self.0.get(name) else {
            return Some(format!("{PATH} has no limit for {name:?}"));
        };
        let decimals = limit.now.split_once('.').map_or(0, |(_, rest)| rest.len());
        let rounded = format!("{is:.decimals$}");
        if is > limit.at_most {
            return Some(format!("{name}: {rounded} of at most {}", limit.at_most));
        }
        (rounded != limit.now).then(|| {
            format!(
                "{name} is {rounded}: write it into {PATH}, which says {}",
                limit.now
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_within_its_limit_and_as_written() {
        let limits = Limits::parse(
            "| budget | at most | now | checked by |\n| --- | --- | --- | --- |\n| a | 0.5 | 0.25 | `make` |\n",
        );
        assert_eq!(limits.finding("a", 0.251), None);
        assert!(
            limits
                .finding("a", 0.26)
                .is_some_and(|it| it.contains("write it"))
        );
        assert!(
            limits
                .finding("a", 0.51)
                .is_some_and(|it| it.contains("at most"))
        );
        assert!(
            limits
                .finding("b", 0.1)
                .is_some_and(|it| it.contains("no limit"))
        );
    }
}
