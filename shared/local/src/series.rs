//! Counts the metric series that the project's own code and templates make. CloudWatch charges for each, and for each value of
//! a dimension: so the only dimensions are a context and a class, with values that the sources name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::template::resources;

/// The most series that there may be.
pub const MOST: usize = 25;
/// What makes a series without dimensions.
const PLAIN: [&str; 2] = ["runtime::metric(\"", "runtime::metric_if_any(\""];
/// What makes a series of a context and a class.
const CLASSED: &str = "runtime::metric_by(\"";
/// The only source that writes the embedded metric format.
const WRITER: &str = "shared/runtime/src/metric.rs";

/// The series of the project, and what cannot be counted.
#[derive(Debug, Default)]
pub struct AllSeries {
    /// Name of a metric, with the values of its dimensions.
    pub series: BTreeSet<String>,
    /// Names of the metrics.
    pub names: BTreeSet<String>,
    /// What makes series that are not counted, each with its place.
    pub findings: Vec<String>,
}

/// Finds all series. `sources` are those of deployed code with their paths; `templates` are all templates.
pub fn all(sources: &[(String, String)], templates: &BTreeMap<String, Value>) -> AllSeries {
    let mut all = AllSeries::default();
    for (path, source) in sources {
        of_source(path, source, &mut all);
    }
    for (path, template) in templates {
        for resource in resources(template) {
            of_resource(path, resource, &mut all);
        }
    }
    if all.series.len() > MOST {
        all.findings.push(format!(
            "there are {} metric series, and {MOST} are the most: log a field instead, as for routes (docs/LOGGING.md, metrics)",
            all.series.len()
        ));
    }
    all
}

fn of_source(path: &str, source: &str, all: &mut AllSeries) {
    if path != WRITER && source.contains("CloudWatchMetrics") {
        all.findings
            .push(format!("{path} writes metrics itself: use runtime::metric"));
    }
    let code = source.split("#[cfg(test)]").next().unwrap_or(source);
    let code: String = code.split_whitespace().collect();
    let calls = |call: &'static str| code.split(call).skip(1);
    for name in PLAIN.into_iter().flat_map(calls).filter_map(literal) {
        all.series.insert(name.to_owned());
        all.names.insert(name.to_owned());
    }
    for call in calls(CLASSED) {
        let name = literal(call).unwrap_or_default();
        let arguments = call.split('}').next().unwrap_or_default();
        let value = |field: &str| {
            let field = format!("{field}:\"");
            arguments
                .split_once(&field)
                .and_then(|(_, rest)| literal(rest))
        };
        all.names.insert(name.to_owned());
        match (value("context"), value("class")) {
            (Some(context), Some(class)) => {
                all.series.insert(format!("{name}, {context}, {class}"));
                if !path.starts_with(&format!("functions/{context}/")) {
                    all.findings.push(format!("{path}: the series {name} has the context {context}, which is not its own"));
                }
            }
            _ => all.findings.push(format!(
                "{path}: the series of {name} cannot be counted: name context and class where it is reported"
            )),
        }
    }
}

/// The rest of a text literal.
fn literal(rest: &str) -> Option<&str> {
    rest.split('"').next()
}

fn of_resource(path: &str, resource: &Value, all: &mut AllSeries) {
    let properties = &resource["Properties"];
    match resource["Type"].as_str().unwrap_or_default() {
        "AWS::Logs::MetricFilter" => {
            for made in properties["MetricTransformations"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let name = made["MetricName"].as_str().unwrap_or_default();
                all.series.insert(name.to_owned());
                all.names.insert(name.to_owned());
                if made["Dimensions"]
                    .as_array()
                    .is_some_and(|dimensions| !dimensions.is_empty())
                {
                    all.findings.push(format!("{path}: the series of the filter {name} cannot be counted: it has dimensions"));
                }
            }
        }
        "AWS::CloudFront::MonitoringSubscription" => {
            all.findings.push(format!(
                "{path}: a monitoring subscription makes series of its own"
            ));
        }
        "AWS::S3::Bucket" if !properties["MetricsConfigurations"].is_null() => {
            all.findings.push(format!(
                "{path}: a bucket's metrics are series of their own"
            ));
        }
        "AWS::ApiGatewayV2::Stage" if has_true(properties, "DetailedMetricsEnabled") => {
            all.findings.push(format!(
                "{path}: detailed metrics make a series for each route: routes are log fields"
            ));
        }
        _ => {}
    }
}

/// Whether a field of this name is true anywhere in the value.
fn has_true(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(field, value)| (field == name && *value == true) || has_true(value, name)),
        Value::Array(values) => values.iter().any(|value| has_true(value, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(path: &str, source: &str, resource: Value) -> AllSeries {
        let template = json!({ "Resources": { "It": resource } });
        all(
            &[(path.to_owned(), source.to_owned())],
            &[("a.yaml".to_owned(), template)].into(),
        )
    }

    fn code(source: &str) -> AllSeries {
        of("functions/orders/src/bin/a.rs", source, Value::Null)
    }

    fn series(all: &AllSeries) -> Vec<&str> {
        all.series.iter().map(String::as_str).collect()
    }

    #[test]
    fn each_name_and_each_class_is_a_series() {
        let found = code(
            r#"runtime::metric("Drift", 1);
            runtime::metric_if_any(
                "Overdue",
                count);
            runtime::metric("Drift", 2);
            runtime::metric_by("Lag", Dimensions { context: "orders", class: "list" }, 1);
            runtime::metric_by(
                "Lag",
                runtime::Dimensions { context: "orders", class: "search" },
                1,
            );
            #[cfg(test)]
            runtime::metric("NotDeployed", 1);"#,
        );
        assert_eq!(
            series(&found),
            [
                "Drift",
                "Lag, orders, list",
                "Lag, orders, search",
                "Overdue"
            ]
        );
        assert_eq!(found.findings, [""; 0]);
        assert_eq!(found.names.len(), 3);
    }

    #[test]
    fn a_dimension_without_a_known_value_is_a_finding() {
        for source in [
            r#"runtime::metric_by("Lag", Dimensions { context: "orders", class }, 1)"#,
            r#"runtime::metric_by("Lag", dimensions, 1); f("class:\"x\"")"#,
        ] {
            let found = code(source);
            assert!(found.findings[0].contains("cannot be counted"), "{found:?}");
        }
        let found =
            code(r#"runtime::metric_by("Lag", Dimensions { context: "cart", class: "x" }, 1)"#);
        assert!(found.findings[0].contains("not its own"), "{found:?}");
        let found = code(r#"println!("{}", json!({ "CloudWatchMetrics": [] }))"#);
        assert!(
            found.findings[0].contains("writes metrics itself"),
            "{found:?}"
        );
        let own = of(WRITER, r#""CloudWatchMetrics""#, Value::Null);
        assert_eq!(own.findings, [""; 0]);
    }

    #[test]
    fn one_more_than_the_most_is_a_finding() {
        let calls = |count: usize| -> String {
            (0..count)
                .map(|n| format!("runtime::metric(\"M{n}\", 1);"))
                .collect()
        };
        assert_eq!(code(&calls(MOST)).findings, [""; 0]);
        let found = code(&calls(MOST + 1)).findings;
        assert!(
            found.len() == 1 && found[0].contains("26 metric series"),
            "{found:?}"
        );
    }

    #[test]
    fn templates_make_series_too() {
        let filter = |dimensions: Value| {
            json!({ "Type": "AWS::Logs::MetricFilter", "Properties": { "MetricTransformations": [
                { "MetricName": "Slow", "Dimensions": dimensions },
            ] } })
        };
        let found = of("a.rs", "", filter(json!([])));
        assert_eq!((series(&found), found.findings.len()), (vec!["Slow"], 0));
        assert_eq!(
            of("a.rs", "", filter(json!([{ "Key": "route" }])))
                .findings
                .len(),
            1
        );
        let stage = |detailed: bool| {
            let settings = json!({ "GET /v1/products": { "DetailedMetricsEnabled": detailed } });
            json!({ "Type": "AWS::ApiGatewayV2::Stage", "Properties": { "RouteSettings": settings } })
        };
        assert_eq!(of("a.rs", "", stage(false)).findings, [""; 0]);
        assert!(of("a.rs", "", stage(true)).findings[0].contains("for each route"));
        for (kind, properties) in [
            ("AWS::CloudFront::MonitoringSubscription", json!({})),
            (
                "AWS::S3::Bucket",
                json!({ "MetricsConfigurations": [{ "Id": "all" }] }),
            ),
        ] {
            let found = of(
                "a.rs",
                "",
                json!({ "Type": kind, "Properties": properties }),
            );
            assert_eq!(found.findings.len(), 1, "{kind}");
        }
    }
}
