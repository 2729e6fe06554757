//! Reads the measurements of `make bench` that the cost model uses.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

pub(crate) use bench::report::Scenario;
use bench::report::{Function, Machine};
use local::outcome::Outcome;
use serde::Deserialize;

/// Path of the report that the page is based on.
pub(crate) const COMMITTED: &str = "docs/performance/report.json";

/// Supported version of the schema.
const SCHEMA: u32 = 1;

#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    schema: u32,
    pub(crate) date: String,
    pub(crate) revision: String,
    pub(crate) machine: Machine,
    functions: BTreeMap<String, Function>,
    /// Missing measurements, and their substitutes.
    #[serde(skip)]
    notes: RefCell<BTreeSet<String>>,
}

impl Report {
    /// Reads a report. If it is missing, the error says how to create it.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path).map_err(|error| {
            format!(
                "{}: {error}; run `make bench` first, it measures what the model counts with",
                path.display()
            )
        })?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let report: Self = serde_json::from_str(text)?;
        if report.schema != SCHEMA {
            return Err(format!(
                "its schema is {}, and {SCHEMA} is known here: update tools/cost/src/report.rs",
                report.schema
            )
            .into());
        }
        Ok(report)
    }

    pub(crate) fn function(&self, name: &str) -> Outcome<&Function> {
        self.functions.get(name).ok_or_else(|| {
            format!("the report has no figures of {name}: run `make bench` again").into()
        })
    }

    /// A function's scenario; if it was not measured, the first one is used and noted.
    pub(crate) fn scenario(&self, function: &str, name: &str) -> Outcome<&Scenario> {
        let scenarios = &self.function(function)?.scenarios;
        if let Some(scenario) = scenarios.get(name) {
            return Ok(scenario);
        }
        let (other, scenario) = scenarios.iter().next().ok_or_else(|| {
            format!("the report has no scenario of {function}: run `make bench` again")
        })?;
        if !name.is_empty() {
            self.note(format!(
                "The report has no scenario `{name}` of `{function}`; `{other}` stands in for it."
            ));
        }
        Ok(scenario)
    }

    /// Adds a note about a missing measurement.
    pub(crate) fn note(&self, note: String) {
        self.notes.borrow_mut().insert(note);
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.borrow().iter().cloned().collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use local::project;

    use super::*;

    /// A report with the figures of ADR 0014 and round numbers, for calculations by hand.
    pub(crate) fn fixture() -> Report {
        Report::read(&project::root().join("tools/cost/fixtures/report.json")).unwrap()
    }

    #[test]
    fn a_report_that_is_not_there_says_how_to_make_it() {
        let error = Report::read(Path::new("nowhere.json")).unwrap_err();
        assert!(error.to_string().contains("make bench"), "{error}");
        let error = Report::parse(
            r#"{"schema": 9, "date": "", "revision": "", "machine": {"cpu": "", "cores": 1}, "functions": {}}"#,
        );
        assert!(error.unwrap_err().to_string().contains("schema is 9"));
    }

    #[test]
    fn what_was_not_measured_is_said() {
        let report = fixture();
        assert!(
            report
                .function("fly")
                .unwrap_err()
                .to_string()
                .contains("fly")
        );
        assert!(report.notes().is_empty());
        report.scenario("get-order", "none").unwrap();
        assert_eq!(
            report.notes(),
            ["The report has no scenario `none` of `get-order`; `one` stands in for it."]
        );
    }
}
