//! Reads the deployment from templates and sources, so that the model follows them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use local::{
    files::with_extension,
    outcome::Outcome,
    series,
    template::{Function, Settings, Template, Trigger, load_all, resources},
};
use serde_json::Value;

/// The facts about the stack that the model needs.
#[derive(Debug)]
pub(crate) struct Shop {
    /// Functions by binary.
    functions: BTreeMap<String, Function>,
    /// Functions whose responses the CDN caches.
    cacheable: BTreeSet<String>,
    /// Metrics that each function reports even if they are 0, from its source.
    metrics: BTreeMap<String, BTreeSet<String>>,
    /// Total number of metric series.
    pub(crate) figures: u64,
    pub(crate) alarms: u64,
    /// Number of their metrics, each of which is billed.
    pub(crate) alarm_metrics: u64,
    /// Number of alarms on dead-letter queues.
    pub(crate) dead_letter_alarms: u64,
    /// Secrets of the templates.
    pub(crate) secrets: u64,
    pub(crate) log_retention_days: u64,
    /// Whether point-in-time recovery of the table is enabled.
    pub(crate) backup: bool,
}

/// The names that a source gives to a function.
fn called(text: &str, call: &str) -> BTreeSet<String> {
    let calls = text.split(call).skip(1);
    let names = calls.filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

/// Metrics of an alarm: one, or those that its expression combines.
fn metrics_of(alarm: &Value) -> u64 {
    let metrics = alarm["Properties"]["Metrics"].as_array();
    metrics.map_or(1, |metrics| {
        let read = metrics
            .iter()
            .filter(|metric| !metric["MetricStat"].is_null());
        read.count() as u64
    })
}

impl Shop {
    pub(crate) fn read(root: &Path) -> Outcome<Self> {
        let settings = Settings {
            stack_name: "cost".to_owned(),
            endpoint: "http://127.0.0.1".to_owned(),
            parameters: BTreeMap::new(),
        };
        let functions = Template::read(root, &settings)?.functions;
        let functions: BTreeMap<String, Function> = functions
            .into_iter()
            .map(|function| (function.binary.clone(), function))
            .collect();
        let (mut cacheable, mut metrics) = (BTreeSet::new(), BTreeMap::new());
        let mut sources = Vec::new();
        for source in with_extension(&root.join("functions"), "rs")? {
            let text = fs::read_to_string(&source)?;
            let names = called(&text, "runtime::metric(\"");
            let path = source.strip_prefix(root).unwrap_or(&source);
            sources.push((path.display().to_string(), text.clone()));
            let name = source.file_stem().unwrap_or_default().to_string_lossy();
            if !functions.contains_key(name.as_ref()) {
                continue;
            }
            // By the reply itself, or by the catalog's pages.
            if [".cached(", ".cached_strictly(", "catalog::reply("]
                .iter()
                .any(|call| text.contains(call))
            {
                cacheable.insert(name.clone().into_owned());
            }
            metrics.insert(name.into_owned(), names);
        }
        // What several functions report is in a crate that they share.
        for source in with_extension(&root.join("shared"), "rs")? {
            let path = source.strip_prefix(root).unwrap_or(&source);
            sources.push((path.display().to_string(), fs::read_to_string(&source)?));
        }
        let templates = load_all(root)?;
        let nested = || templates.values().flat_map(resources);
        let alarms = || nested().filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm");
        let secrets = nested().filter(|it| it["Type"] == "AWS::SecretsManager::Secret");
        let on_queues = alarms().filter(|alarm| alarm["Properties"]["Namespace"] == "AWS/SQS");
        let table = nested().find(|resource| resource["Type"] == "AWS::DynamoDB::Table");
        let recovery = table.map(|table| &table["Properties"]["PointInTimeRecoverySpecification"]);
        Ok(Self {
            alarms: alarms().count() as u64,
            alarm_metrics: alarms().map(metrics_of).sum(),
            dead_letter_alarms: on_queues.count() as u64,
            secrets: secrets.count() as u64,
            backup: recovery.is_some_and(|is| is["PointInTimeRecoveryEnabled"] == true),
            log_retention_days:
                templates["template.yaml"]["Parameters"]["LogRetentionDays"]["Default"]
                    .as_u64()
                    .ok_or("template.yaml: LogRetentionDays has no default")?,
            functions,
            cacheable,
            metrics,
            figures: series::all(&sources, &templates).series.len() as u64,
        })
    }

    pub(crate) fn function(&self, name: &str) -> Outcome<&Function> {
        self.functions.get(name).ok_or_else(|| {
            format!("no template has the function {name}: add it to tools/cost/src/model.rs").into()
        })
    }

    pub(crate) fn is_cacheable(&self, name: &str) -> bool {
        self.cacheable.contains(name)
    }

    pub(crate) fn is_endpoint(&self, name: &str) -> bool {
        self.has_trigger(name, |trigger| matches!(trigger, Trigger::Route { .. }))
    }

    pub(crate) fn reads_queue(&self, name: &str) -> bool {
        self.has_trigger(name, |trigger| matches!(trigger, Trigger::Queue { .. }))
    }

    pub(crate) fn reads_stream(&self, name: &str) -> bool {
        self.has_trigger(name, |trigger| matches!(trigger, Trigger::Stream { .. }))
    }

    fn has_trigger(&self, name: &str, is: impl Fn(&Trigger) -> bool) -> bool {
        let function = self.functions.get(name);
        function.is_some_and(|function| function.triggers.iter().any(is))
    }

    /// Maximum number of concurrent batches of a consumer, if limited.
    pub(crate) fn concurrency(&self, name: &str) -> Option<u64> {
        let triggers = self.functions.get(name).map(|f| f.triggers.as_slice());
        triggers
            .unwrap_or_default()
            .iter()
            .find_map(|trigger| match trigger {
                Trigger::Queue { concurrency, .. } => concurrency.map(|limit| limit as u64),
                _ => None,
            })
    }

    /// Number of queues that Lambda polls.
    pub(crate) fn polled_queues(&self) -> u64 {
        let names = self.functions.keys();
        names.filter(|name| self.reads_queue(name)).count() as u64
    }

    /// Scheduled functions with their intervals in seconds.
    pub(crate) fn schedules(&self) -> impl Iterator<Item = (&str, u64)> {
        self.functions.iter().flat_map(|(name, function)| {
            function
                .triggers
                .iter()
                .filter_map(|trigger| match trigger {
                    Trigger::Schedule { every } => Some((name.as_str(), *every)),
                    _ => None,
                })
        })
    }

    /// Number of metrics that a function reports even if they are 0.
    pub(crate) fn metrics(&self, name: &str) -> u64 {
        self.metrics.get(name).map_or(0, |names| names.len() as u64)
    }

    /// Whether a function may scan the table.
    pub(crate) fn scans(&self, name: &str) -> bool {
        let function = self.functions.get(name);
        function.is_some_and(|function| {
            let actions = function
                .statements
                .iter()
                .map(|is| is["Action"].to_string());
            actions
                .into_iter()
                .any(|actions| actions.contains("dynamodb:Scan"))
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use local::project::root;

    /// The real shop, with round sizes for calculations by hand.
    pub(crate) fn shop() -> Shop {
        let mut shop = Shop::read(&root()).unwrap();
        for (name, function) in &mut shop.functions {
            function.memory = if name == "render-invoice" { 512 } else { 256 };
        }
        shop.log_retention_days = 30;
        shop
    }

    #[test]
    fn the_templates_are_read_as_they_are() {
        let shop = shop();
        assert!(shop.is_endpoint("get-product") && shop.is_cacheable("get-product"));
        assert!(!shop.is_cacheable("place-order"));
        assert!(shop.reads_queue("capture-payment") && shop.reads_stream("relay-events"));
        assert!(shop.concurrency("render-invoice").is_some());
        assert!(shop.alarm_metrics > shop.alarms);
        assert!(shop.polled_queues() >= 9 && shop.alarms > shop.dead_letter_alarms);
        // Three consumers that can wait share their dead letters with another one; the relay has some without a polled queue.
        assert_eq!(shop.dead_letter_alarms + 2, shop.polled_queues());
        let clock: Vec<_> = shop.schedules().collect();
        assert!(clock.contains(&("sweep-orders", 60)));
        assert_eq!(shop.metrics("sweep-orders"), 0);
        assert_eq!(shop.metrics("reconcile-stock"), 1);
        assert!(shop.figures > 3);
        assert!(shop.scans("reconcile-stock") && !shop.scans("sweep-orders"));
        assert!(shop.backup);
        assert!(shop.function("fly").is_err());
    }
}
