//! Writes the functions' environments for cargo-lambda: a file with the shared variables, and
//! separately the variables that differ between functions.

use std::collections::{BTreeMap, BTreeSet};

use crate::{LocalError, Result, template::Function};

/// Values of variables, by name.
pub type Variables = BTreeMap<String, String>;

/// The environments of all functions.
#[derive(Debug, PartialEq, Eq)]
pub struct Environments {
    /// Variables with the same value wherever the template sets them. Functions that do not read one
    /// are not affected.
    pub shared: Variables,
    /// Variables with different values, by binary. Never among the shared ones: a function for which
    /// the template does not set them would read another function's value.
    pub by_function: BTreeMap<String, Variables>,
}

impl Environments {
    /// Determines the shared variables.
    pub fn of(functions: &[Function]) -> Self {
        let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, value) in functions.iter().flat_map(|function| &function.environment) {
            values.entry(name).or_default().insert(value);
        }
        let mut environments = Self {
            shared: Variables::new(),
            by_function: BTreeMap::new(),
        };
        for function in functions {
            for (name, value) in &function.environment {
                let differs = values
                    .get(name.as_str())
                    .is_some_and(|values| values.len() > 1);
                let variables = if differs {
                    let own = environments.by_function.entry(function.binary.clone());
                    own.or_default()
                } else {
                    &mut environments.shared
                };
                variables.insert(name.clone(), value.clone());
            }
        }
        environments
    }
}

/// Content of the file from which `cargo lambda watch` reads variables, one per line.
pub fn env_file(variables: &Variables) -> Result<String> {
    let lines = variables.iter().map(|(name, value)| {
        let value = quoted(value).ok_or_else(|| {
            LocalError(format!(
                "cargo-lambda's environment files cannot hold the value of {name}, {value:?}: \
                 avoid \\n, and quotes of three kinds"
            ))
        })?;
        Ok(format!("{name}={value}\n"))
    });
    lines.collect()
}

/// Quotes a value for the parser of these files (env-file-reader). Single quotes where possible, as a
/// shell reads those identically.
fn quoted(value: &str) -> Option<String> {
    // Inside any quotes, the parser turns a backslash and an n into a line break.
    let breaks = value.contains("\\n");
    // A backslash before the closing quote would make the quote part of the value.
    let escapes = value.ends_with('\\');
    let fits = |quote: char| !breaks && !escapes && !value.contains(quote);
    if let Some(quote) = ['\'', '"', '`'].into_iter().find(|quote| fits(*quote)) {
        return Some(format!("{quote}{value}{quote}"));
    }
    // Outside quotes, a backslash is literal.
    let ends = |c: char| c.is_whitespace() || "='`\"#".contains(c);
    let bare = !value.is_empty() && value != "export" && !value.contains(ends);
    bare.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(binary: &str, environment: &[(&str, &str)]) -> Function {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Function {
            logical_id: binary.to_owned(),
            binary: binary.to_owned(),
            timeout: 10,
            memory: 256,
            environment: environment.collect(),
            triggers: Vec::new(),
            statements: Vec::new(),
        }
    }

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        function("any", pairs).environment
    }

    #[test]
    fn what_differs_by_function_is_kept_apart() {
        let functions = [
            function(
                "list",
                &[("TABLE", "t"), ("ROUTE", "GET /a"), ("SHOP", "s")],
            ),
            function("get", &[("TABLE", "t"), ("ROUTE", "GET /a/{id}")]),
            function("relay", &[("TABLE", "t")]),
        ];
        let environments = Environments::of(&functions);
        assert_eq!(
            environments.shared,
            variables(&[("SHOP", "s"), ("TABLE", "t")])
        );
        assert_eq!(
            environments.by_function,
            BTreeMap::from([
                ("get".to_owned(), variables(&[("ROUTE", "GET /a/{id}")])),
                ("list".to_owned(), variables(&[("ROUTE", "GET /a")])),
            ])
        );
    }

    /// The parser itself parses each of these; a test in `tests/house` has cargo-lambda read a file.
    #[test]
    fn values_are_quoted_for_the_parser() {
        let cases = [
            ("plain", "'plain'"),
            ("", "''"),
            ("export", "'export'"),
            ("two words", "'two words'"),
            ("$HOME #1 | 100 % = `x`", "'$HOME #1 | 100 % = `x`'"),
            ("two\nlines", "'two\nlines'"),
            ("O'Neill & Co", "\"O'Neill & Co\""),
            (r#"O'Neill "Shirts""#, r#"`O'Neill "Shirts"`"#),
            (r"a\b c", r"'a\b c'"),
            (r"C:\new", r"C:\new"),
            (r"C:\", r"C:\"),
        ];
        for (value, written) in cases {
            assert_eq!(quoted(value).as_deref(), Some(written));
        }
        for value in [r"C:\new folder", r"ends with \", "'\"`"] {
            assert_eq!(quoted(value), None);
        }
        let file = env_file(&variables(&[("A", ""), ("B", "b c")])).unwrap();
        assert_eq!(file, "A=''\nB='b c'\n");
        let error = env_file(&variables(&[("B", "'\"`")])).unwrap_err();
        assert!(error.to_string().contains("the value of B"), "{error}");
    }
}
