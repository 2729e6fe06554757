//! Pages of lists: how many items, of which time, and where a page continues.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fault::{Code, FieldFault, Rejection};

/// Maximum size of a page of a list without rules of its own.
const MAX_PAGE: u32 = 100;
const DEFAULT_PAGE: u32 = 25;

/// Query of a list that has no filters.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Page size, 1 to 100; 25 by default.
    pub limit: Option<String>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// A validated query for one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Maximum number of items to return.
    pub limit: u32,
    /// Cursor to continue from; the first page if missing.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Validates the query.
    pub fn parse(self) -> Result<PageRequest, Rejection> {
        let limit = page_size(self.limit, DEFAULT_PAGE, MAX_PAGE);
        Ok(PageRequest {
            limit: limit.map_err(|fault| Rejection::invalid(vec![fault]))?,
            cursor: self.cursor,
        })
    }
}

/// The page size that the parameter `limit` names, from 1 to `most`.
pub fn page_size(limit: Option<String>, default: u32, most: u32) -> Result<u32, FieldFault> {
    let size = limit.map_or(Some(default), |limit| limit.parse().ok());
    size.filter(|size| (1..=most).contains(size))
        .ok_or_else(|| {
            let message = format!("Must be from 1 to {most}.");
            FieldFault::new("limit", "out_of_range", message)
        })
}

/// The moment that a date stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Its start: the day is included.
    Start,
    /// Its end: the day is included, too.
    End,
}

/// The time that a parameter names: RFC 3339, or a date in UTC. Returns a message for people if it names none.
pub fn time(text: &str, boundary: Boundary) -> Result<Timestamp, &'static str> {
    const EXPECTED: &str =
        "Must be a time such as 2026-11-22T10:00:00Z, with + as %2B, or a date such as 2026-11-22.";
    if text.len() != "2026-11-22".len() {
        return text.parse().map_err(|_| EXPECTED);
    }
    let date: Date = text.parse().map_err(|_| EXPECTED)?;
    let date = match boundary {
        Boundary::End => date.tomorrow().map_err(|_| EXPECTED)?,
        Boundary::Start => date,
    };
    let begin = date.to_zoned(TimeZone::UTC).map_err(|_| EXPECTED)?;
    Ok(begin.timestamp())
}

/// The rejection for a cursor that another list has returned, or none.
pub fn invalid_cursor() -> Rejection {
    Rejection::of_fields(
        Code::InvalidCursor,
        "The cursor does not belong to this list; start again without one.",
        vec![FieldFault::new(
            "cursor",
            "invalid",
            "Send a next_cursor of this list and keep the other parameters.",
        )],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_size() {
        let limit = |limit: Option<&str>| {
            let query = PageQuery {
                limit: limit.map(str::to_owned),
                cursor: None,
            };
            let parsed = query.parse().map(|page| page.limit);
            parsed.map_err(|it| (it.code, it.fields[0].field.clone()))
        };
        assert_eq!(limit(None), Ok(25));
        assert_eq!(limit(Some("100")), Ok(100));
        for bad in ["", "0", "101", "-1", "1.5", "x"] {
            let fault = (Code::ValidationFailed, "limit".to_owned());
            assert_eq!(limit(Some(bad)), Err(fault), "{bad}");
        }
    }
}
