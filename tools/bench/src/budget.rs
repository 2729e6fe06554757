//! `make budgets`: compares counts that do not depend on the machine's load with a committed file.
//! Requests, units and log lines are exact; sizes and instructions may grow slightly, and so may the
//! units of a scan, which reads the whole table.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use bench::{
    binaries::{self, HELLO, Way},
    report::Function,
};
use local::{
    executor::executor, lambda::Lambda, limits::Limits, meter::Meter, outcome::Outcome, project,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    measure,
    run::{Bench, of},
    scenarios::{Events, Expected, Scenario},
};

/// Path of the committed file.
const FILE: &str = "tests/budgets.json";
/// Number of calls between the first and the last, over which instructions are averaged.
const CALLS: usize = 10;
/// The same of calls that hash a password.
const HASHING_CALLS: usize = 1;
/// Tolerance of sizes above the budget, in thousandths.
const SIZE_SLACK: u64 = 20;
/// Tolerance of instructions, in thousandths: addresses, hash seeds and the clock change them slightly.
const INSTRUCTION_SLACK: u64 = 40;
/// Tolerance up to the first response, in thousandths, which includes the loader and the environment.
const FIRST_SLACK: u64 = 80;
/// Slack of everything that a scan needs, in thousandths: it reads the whole table, and what orders leave there
/// is still written and removed beside it.
const SCAN_SLACK: u64 = 150;
/// The function that scans. It is counted before the others change the table.
const SCANS: &str = "reconcile-stock";
/// A function that reads the list to which each of its calls adds. It is counted before the list is longer than a read unit.
const READS_ITS_LIST: &str = "create-customer-group";
/// Timeout for a process to write its counts.
const PATIENCE: Duration = Duration::from_secs(60);

/// The function that carries the PDF renderer and its fonts.
const PDF: &str = "render-invoice";

/// Budgets by function.
type Budgets = BTreeMap<String, Budget>;

/// Budget of one function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Budget {
    /// Size of the deployed archive.
    zip_bytes: u64,
    /// Instructions up to the first response, with a connection but without TLS.
    first_instructions: u64,
    /// Budgets by scenario.
    scenarios: BTreeMap<String, Need>,
}

/// Budget of one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Need {
    /// Instructions per call; 0 if they are not counted ([`Scenario::is_brief`]).
    instructions: u64,
    /// Number of requests by operation, such as `DynamoDB GetItem`.
    requests: BTreeMap<String, f64>,
    /// DynamoDB read units.
    read_units: f64,
    /// DynamoDB write units.
    write_units: f64,
    /// Number of log lines.
    log_lines: f64,
}

/// Counts, then compares the counts with the file or writes them into it.
pub(crate) fn run(write: bool, no_build: bool) -> Outcome {
    let root = project::root();
    if !no_build {
        binaries::build(&root)?;
    }
    let counted = executor()?.block_on(count(&root))?;
    let path = root.join(FILE);
    if write {
        fs::write(&path, serde_json::to_string_pretty(&counted)? + "\n")?;
        println!("{FILE} is written: {} functions", counted.len());
        return Ok(());
    }
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("{FILE}: {error}; `cargo xtask budgets --write` writes it"))?;
    let budgets: Budgets = serde_json::from_str(&text)?;
    let mut findings = compare(&budgets, &counted);
    let limits = Limits::read(&root)?;
    findings.extend(
        limited(&counted)
            .into_iter()
            .filter_map(|(name, is)| limits.finding(name, is)),
    );
    if findings.is_empty() {
        println!("{} functions are within their budgets", counted.len());
        return Ok(());
    }
    for finding in &findings {
        eprintln!("budget: {finding}");
    }
    Err(format!(
        "{} budget(s) do not fit, listed above; if that is right, `cargo xtask budgets --write` and say \
         why in the commit",
        findings.len()
    )
    .into())
}

/// Counts that docs/budgets.md limits, by the names of its rows.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "sizes and units are not money"
)]
fn limited(counted: &Budgets) -> Vec<(&'static str, f64)> {
    let need = |function: &str, scenario: &str| {
        let need = counted
            .get(function)
            .and_then(|it| it.scenarios.get(scenario));
        need.cloned().unwrap_or_default()
    };
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let zip = |function: &str| megabytes(counted.get(function).map_or(0, |it| it.zip_bytes));
    let others = counted.iter().filter(|(name, _)| *name != PDF);
    let largest = others.map(|(_, budget)| budget.zip_bytes).max();
    let line = need("set-cart-line", "one-line");
    let order = need("place-order", "one-line");
    let cart = need("create-cart", "new");
    let login = need("log-in", "password");
    let with_app = need("log-in", "password-and-app");
    let failed = need("log-in", "wrong");
    let wrong_code = need("log-in", "wrong-code");
    let refresh = need("refresh-session", "next");
    let (guest, person) = (
        need("get-cart", "one-line"),
        need("get-cart", "one-line-with-token"),
    );
    vec![
        (
            "product page, read units",
            need("get-product", "page-uncached").read_units,
        ),
        (
            "list of 24 products, read units",
            need("list-products", "list-24-uncached").read_units,
        ),
        ("new cart, write units", cart.write_units),
        ("cart line, read units", line.read_units),
        ("cart line, write units", line.write_units),
        ("order of one line, read units", order.read_units),
        ("order of one line, write units", order.write_units),
        ("login, read units", login.read_units),
        ("login, write units", login.write_units),
        ("login with an app, read units", with_app.read_units),
        ("login with an app, write units", with_app.write_units),
        ("failed login, read units", failed.read_units),
        ("failed login, write units", failed.write_units),
        (
            "failed login with an app, read units",
            wrong_code.read_units,
        ),
        (
            "failed login with an app, write units",
            wrong_code.write_units,
        ),
        ("refresh of a session, read units", refresh.read_units),
        ("refresh of a session, write units", refresh.write_units),
        (
            "check of a token, read units",
            person.read_units - guest.read_units,
        ),
        (
            "check of a token, write units",
            person.write_units - guest.write_units,
        ),
        ("zip of get-product, in MB", zip("get-product")),
        ("zip of render-invoice, in MB", zip(PDF)),
        (
            "largest other zip, in MB",
            megabytes(largest.unwrap_or_default()),
        ),
    ]
}

/// All deviations from the budgets.
fn compare(budgets: &Budgets, counted: &Budgets) -> Vec<String> {
    let mut findings = Vec::new();
    for name in budgets.keys().filter(|name| !counted.contains_key(*name)) {
        findings.push(format!("{name} has a budget and is not there"));
    }
    for (name, now) in counted {
        let Some(budget) = budgets.get(name) else {
            findings.push(format!("{name} has no budget"));
            continue;
        };
        let (first, most) = (now.first_instructions, budget.first_instructions);
        let first_slack = match name == SCANS {
            true => SCAN_SLACK,
            false => FIRST_SLACK,
        };
        findings.extend(
            [
                outside("zip bytes", now.zip_bytes, budget.zip_bytes, SIZE_SLACK),
                outside("instructions to the first answer", first, most, first_slack),
            ]
            .into_iter()
            .flatten()
            .map(|finding| format!("{name}: {finding}")),
        );
        for (scenario, need) in &now.scenarios {
            let Some(most) = budget.scenarios.get(scenario) else {
                findings.push(format!("{name} has no budget for {scenario}"));
                continue;
            };
            let what = format!("{scenario}: instructions");
            let slack = match scans(need) {
                true => SCAN_SLACK,
                false => INSTRUCTION_SLACK,
            };
            let finding = outside(&what, need.instructions, most.instructions, slack);
            findings.extend(finding.map(|finding| format!("{name}: {finding}")));
            if !is_even(need) {
                findings.push(format!(
                    "{name}: {scenario}: calls differ by a unit, {} on average: an item's size is at the edge of a unit, and \
                     some of its times are a digit shorter; change the length of a text in tools/bench/src/world.rs",
                    words(need)
                ));
            } else if !counts_fit(need, most) {
                findings.push(format!(
                    "{name}: {scenario}: needs {}, budgeted {}",
                    words(need),
                    words(most)
                ));
            }
        }
    }
    findings
}

/// Whether the counts of a call match the budget.
#[expect(clippy::float_arithmetic, reason = "units are not money")]
fn counts_fit(now: &Need, budget: &Need) -> bool {
    let others = |need: &Need| (need.write_units, need.log_lines);
    if !scans(now) {
        let reads = |need: &Need| (need.requests.clone(), need.read_units);
        return reads(now) == reads(budget) && others(now) == others(budget);
    }
    let near = |now: f64, budget: f64| (now - budget).abs() <= budget * 0.001 * SCAN_SLACK as f64;
    let requests = |need: &Need| need.requests.values().sum::<f64>();
    now.requests.keys().eq(budget.requests.keys())
        && near(requests(now), requests(budget))
        && near(now.read_units, budget.read_units)
        && others(now) == others(budget)
}

/// Whether all calls cost the same units. A scan's pages, which end at a size, may differ.
#[expect(clippy::float_arithmetic, reason = "units are not money")]
fn is_even(need: &Need) -> bool {
    let is_whole = |units: f64| (units - units.round()).abs() < 1e-6;
    scans(need) || (is_whole(need.read_units * 2.0) && is_whole(need.write_units))
}

fn scans(need: &Need) -> bool {
    let mut requests = need.requests.keys();
    requests.any(|request| request.ends_with(" Scan"))
}

/// A deviation of a count that may be `slack` thousandths above its budget, and twice as much below.
fn outside(what: &str, now: u64, budget: u64, slack: u64) -> Option<String> {
    let most = budget + budget * slack / 1000;
    let least = budget - budget * slack * 2 / 1000;
    match now {
        now if now > most => Some(format!("{what} {now}, of {budget} (at most {most})")),
        now if now < least => Some(format!("{what} only {now}: lower the budget of {budget}")),
        _ => None,
    }
}

fn words(need: &Need) -> String {
    let requests: Vec<String> = need
        .requests
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    format!(
        "[{}], {} read units, {} write units, {} log lines",
        requests.join(", "),
        need.read_units,
        need.write_units,
        need.log_lines
    )
}

/// Counts all functions, half of them in each of two shops at a time: a counted process is busy on one core.
async fn count(root: &Path) -> Outcome<Budgets> {
    let halves = [("counted", 0), ("counted-too", 1)];
    let [first, second] = halves.map(|(folder, from)| count_half(root, folder, from));
    let (mut counted, others) = tokio::try_join!(first, second)?;
    counted.extend(others);
    Ok(counted)
}

/// Counts every other function, from the first or the second on, in a shop with its binaries in `folder`.
async fn count_half(root: &Path, folder: &str, from: usize) -> Outcome<Budgets> {
    let bench = Bench::start(root, folder, Meter::new(), 3 * (CALLS + 2)).await?;
    let mut counted = Budgets::new();
    let mut names = bench.names();
    names.sort_by_key(|name| {
        // Lists before others make them longer.
        let is_list = name.starts_with("list-");
        (name != SCANS, !is_list, name != READS_ITS_LIST)
    });
    if from > 0 {
        counted.insert(HELLO.to_owned(), bench.count_floor().await?);
    }
    for name in names.into_iter().skip(from).step_by(2) {
        println!("counting {name}");
        counted.insert(name.clone(), bench.count(&name).await?);
    }
    bench.world.stop().await;
    Ok(counted)
}

/// A scenario whose calls were counted.
struct CountedScenario {
    /// Instructions up to the first response.
    first_instructions: u64,
    need: Need,
}

/// Instructions of a process.
#[derive(Default)]
struct Instructions {
    /// Up to the first response.
    first: u64,
    /// Per later call.
    per_call: u64,
}

impl Bench {
    async fn count_floor(&self) -> Outcome<Budget> {
        let lambda = &self.floor.lambda;
        let events = Events {
            events: vec![self.floor.event.clone(); CALLS + 2],
            repeatable: true,
            expected: Expected::Success,
        };
        let instructions = self.instructions(lambda, HELLO, false, &events).await?;
        lambda.restart(None).await;
        let need = Need {
            instructions: instructions.per_call,
            ..Need::default()
        };
        Ok(Budget {
            zip_bytes: self.zip_bytes(HELLO)?,
            first_instructions: instructions.first,
            scenarios: BTreeMap::from([(HELLO.to_owned(), need)]),
        })
    }

    async fn count(&self, name: &str) -> Outcome<Budget> {
        let mut budget = Budget {
            zip_bytes: self.zip_bytes(name)?,
            ..Budget::default()
        };
        for scenario in of(name) {
            let counted = self.need(name, scenario).await?;
            if !scenario.uncached && !scenario.is_brief {
                budget.first_instructions = counted.first_instructions;
            }
            budget
                .scenarios
                .insert(scenario.name.to_owned(), counted.need);
        }
        Ok(budget)
    }

    async fn need(&self, name: &str, scenario: &Scenario) -> Outcome<CountedScenario> {
        let lambda = &self.world.stack.lambda;
        // One more before the first, and in a process of its own the first.
        let counted = match scenario.hashes {
            true => HASHING_CALLS + 2,
            false => CALLS + 2,
        };
        let count = CALLS + 1 + counted;
        let events = scenario.events(&self.world, count).await?;
        let mut events = match events.repeatable {
            true => vec![events.events[0].clone(); count],
            false => events.events,
        };
        let counted = events.split_off(CALLS + 1);
        self.run_as(name, scenario.way()).await?;
        let of = |events| Events {
            events,
            repeatable: false,
            expected: scenario.expected,
        };
        let (payload, counted) = (of(events), of(counted));
        let effort = measure::Effort {
            starts: 0,
            invocations: CALLS,
            once: CALLS,
            soak: 0,
        };
        let figures =
            measure::warm(lambda, Some(&self.world), name, &payload, None, effort).await?;
        let instructions = match scenario.is_brief {
            true => Instructions::default(),
            false => {
                self.instructions(lambda, name, scenario.uncached, &counted)
                    .await?
            }
        };
        let mut need = Need {
            instructions: instructions.per_call,
            log_lines: figures.log_lines,
            ..Need::default()
        };
        for (operation, calls) in figures.calls {
            need.requests.insert(operation, calls.requests);
            add(&mut need.read_units, calls.read_units);
            add(&mut need.write_units, calls.write_units);
        }
        Ok(CountedScenario {
            first_instructions: instructions.first,
            need,
        })
    }

    async fn instructions(
        &self,
        lambda: &Lambda,
        name: &str,
        uncached: bool,
        events: &Events,
    ) -> Outcome<Instructions> {
        self.binaries.install(
            name,
            Way {
                uncached,
                counted: true,
            },
        )?;
        let expected = events.expected;
        let (one, more) = events.events.split_at(1);
        let first = self.run_counted(lambda, name, one, expected).await?;
        let all = self.run_counted(lambda, name, more, expected).await?;
        self.binaries.install(name, Way::default())?;
        lambda.restart(Some(&[name.to_owned()])).await;
        let calls = u64::try_from(more.len().saturating_sub(1).max(1))?;
        Ok(Instructions {
            first,
            per_call: all.saturating_sub(first) / calls,
        })
    }

    /// Instructions of a process that handles these calls and is stopped.
    async fn run_counted(
        &self,
        lambda: &Lambda,
        name: &str,
        events: &[Value],
        expected: Expected,
    ) -> Outcome<u64> {
        lambda.restart(Some(&[name.to_owned()])).await;
        for event in events {
            let response = lambda.invoke(name, event.to_string().into()).await?;
            expected.check(name, &response)?;
        }
        let processes = lambda.processes(name);
        let [process] = processes[..] else {
            return Err(format!("{name} has {} processes, not one", processes.len()).into());
        };
        let ended = Command::new("kill")
            .args(["-TERM", &process.id.to_string()])
            .status()?;
        if !ended.success() {
            return Err(format!("{name} cannot be ended").into());
        }
        let path = format!("{}.{}", self.binaries.counts(name).display(), process.id);
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
            if let Some(totals) = totals {
                fs::remove_file(&path)?;
                return Ok(totals.trim().parse()?);
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("no instructions were counted for {name}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn zip_bytes(&self, name: &str) -> Outcome<u64> {
        let mut function = Function::default();
        measure::sizes(&self.binaries.deployed(name), &mut function)?;
        Ok(function.zip_bytes)
    }
}

#[expect(clippy::float_arithmetic, reason = "units are not money")]
fn add(sum: &mut f64, units: f64) {
    *sum += units;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(zip: u64, instructions: u64, units: f64) -> Budgets {
        let need = Need {
            instructions,
            read_units: units,
            requests: BTreeMap::from([("DynamoDB GetItem".to_owned(), 1.0)]),
            ..Need::default()
        };
        let budget = Budget {
            zip_bytes: zip,
            first_instructions: 1_000_000,
            scenarios: BTreeMap::from([("page".to_owned(), need)]),
        };
        BTreeMap::from([("get-product".to_owned(), budget)])
    }

    #[test]
    fn a_scan_may_find_a_little_more_and_a_query_may_not() {
        let need = |request: &str, units| Need {
            read_units: units,
            requests: BTreeMap::from([(request.to_owned(), 8.0)]),
            ..Need::default()
        };
        let scan = |units| need("DynamoDB Scan", units);
        let query = |units| need("DynamoDB Query", units);
        assert!(counts_fit(&scan(340.0), &scan(356.0)));
        assert!(counts_fit(&scan(372.0), &scan(356.0)));
        assert!(!counts_fit(&scan(430.0), &scan(356.0)));
        assert!(!counts_fit(&query(354.0), &query(356.0)));
    }

    #[test]
    fn what_grows_is_found_and_what_shrinks_must_be_noted() {
        let held = budgets(1_000_000, 200_000, 0.5);
        assert!(compare(&held, &held).is_empty());
        assert!(compare(&held, &budgets(1_010_000, 205_000, 0.5)).is_empty());
        for (now, what) in [
            (budgets(1_030_000, 200_000, 0.5), "zip"),
            (budgets(1_000_000, 210_000, 0.5), "instructions"),
            (budgets(1_000_000, 100_000, 0.5), "only"),
            (budgets(1_000_000, 200_000, 1.0), "read units"),
            (Budgets::new(), "not there"),
        ] {
            let findings = compare(&held, &now);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].contains(what), "{findings:?}");
        }
    }
}
