//! `make bench-timing`: whether the time of a response tells which addresses have accounts.
//!
//! One process of the real function answers requests that differ in the state of their address, in a random order. Each
//! response is timed where it leaves the function, without a network, which would hide more than an attacker can count on.

#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "times are not money"
)]

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use bench::{
    binaries::{self, Binaries},
    report::Percentiles,
};
use local::{executor::executor, meter::Meter, outcome::Outcome, project};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    measure::micros,
    people::{PASSWORD, ask_for_reset, log_in_with, new_email, register},
    ranks::{self, Comparison},
    run::machine,
    scenarios::Expected,
    world::{Setting, World},
};

/// Addresses in each state: what the caches of one address do is not the difference.
const ADDRESSES: usize = 20;
/// Rounds before the measured ones.
const WARM_UP: usize = 20;
/// Rounds of a group that may be left out.
const MOST_LEFT_OUT: u32 = 5;
/// Goal: a difference is found if it has this probability at most in a run over all pairs without any difference.
const ALPHA: f64 = 0.01;
/// A password that nobody has, as long as the right one.
const WRONG: &str = "wrong horse battery..";
/// How long a function may take to learn of new limits.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much to measure.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Responses for each state of an address
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    samples: u32,
    /// Take the binaries as they are
    #[arg(long)]
    no_build: bool,
    /// Folder of the report
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

/// Requests of one route whose responses must not differ.
struct Group {
    name: &'static str,
    function: &'static str,
    expected: Expected,
    states: Vec<State>,
}

/// Requests for addresses in one state.
struct State {
    name: &'static str,
    payloads: Vec<String>,
}

/// Report of a run.
#[derive(Serialize)]
struct Report {
    date: String,
    revision: String,
    machine: bench::report::Machine,
    /// Responses for each state.
    samples: u32,
    /// Significance of the whole run. A pair has its share (Bonferroni).
    alpha: f64,
    groups: Vec<GroupReport>,
    pairs: Vec<Pair>,
}

#[derive(Serialize)]
struct GroupReport {
    name: &'static str,
    /// Rounds that were left out, as a response was not the expected one.
    left_out: u32,
    /// Times of the responses by state, in microseconds.
    states: Vec<StateReport>,
}

#[derive(Serialize)]
struct StateReport {
    name: &'static str,
    us: Percentiles,
}

/// Comparison of two states.
#[derive(Serialize)]
struct Pair {
    group: &'static str,
    first: &'static str,
    second: &'static str,
    /// Median of the first less that of the second, in microseconds.
    difference_us: f64,
    /// Probability that a response of the first takes longer than one of the second.
    longer: f64,
    /// p-value of this pair alone.
    p: f64,
    /// p-value times the number of pairs.
    adjusted_p: f64,
    /// Difference that a run like this one finds four times of five, in microseconds.
    detectable_us: f64,
}

/// Measures, prints a table, writes `timing.json`, and fails if a difference was found.
pub(crate) fn run(options: &Options) -> Outcome {
    if !options.no_build {
        binaries::build(&project::root())?;
    }
    let revision = project::revision(&project::root());
    let measured = executor()?.block_on(measure(options.samples as usize))?;
    let report = Report {
        date: runtime::now().strftime("%Y-%m-%d").to_string(),
        revision,
        machine: machine(),
        samples: options.samples,
        alpha: ALPHA,
        groups: measured.iter().map(Measured::report).collect(),
        pairs: pairs(&measured),
    };
    let out = project::root().join(&options.out);
    fs::create_dir_all(&out)?;
    let path = out.join("timing.json");
    fs::write(&path, serde_json::to_string_pretty(&report)? + "\n")?;
    print!("{}", text(&report));
    println!("report  {}", options.out.join("timing.json").display());
    let found = report.pairs.iter().filter(|pair| pair.adjusted_p <= ALPHA);
    match found.count() {
        0 => Ok(()),
        count => Err(format!(
            "{count} pair(s) of states can be told apart by the time of the response, listed above"
        )
        .into()),
    }
}

async fn measure(samples: usize) -> Outcome<Vec<Measured>> {
    let root = project::root();
    let binaries = Binaries::new(&root, &root.join("target/bench/timing"))?;
    println!("starting a shop with accounts");
    let world = World::start_empty(Setting {
        binaries: binaries.folder.clone(),
        root,
        // Without TLS, which only adds noise.
        meter: Meter::new(),
        orders: 0,
    })
    .await?;
    let addresses = Addresses::make(&world).await?;
    let mut measured = Vec::new();
    for group in addresses.groups() {
        measured.push(group.measure(&world, samples).await?);
    }
    let limited = addresses.limited();
    limited.meet_limit(&world).await?;
    measured.push(limited.measure(&world, samples).await?);
    world.stop().await;
    Ok(measured)
}

/// Addresses by their state, all equally long.
struct Addresses {
    unknown: Vec<String>,
    known: Vec<String>,
    /// Of accounts that an operator has locked: they have no password.
    locked: Vec<String>,
}

impl Addresses {
    async fn make(world: &World) -> Outcome<Self> {
        let mut made = Self {
            unknown: Vec::new(),
            known: Vec::new(),
            locked: Vec::new(),
        };
        for _ in 0..ADDRESSES {
            made.unknown.push(new_email());
            let (known, locked) = (new_email(), new_email());
            world.account_at(&known).await?;
            world.account_at(&locked).await?;
            world.remove_password(&locked)?;
            made.known.push(known);
            made.locked.push(locked);
        }
        Ok(made)
    }

    /// What is measured without limits. A registration and a reset leave addresses in their states.
    fn groups(&self) -> [Group; 3] {
        let wrong = |email: &str| log_in_with(&json!({ "email": email, "password": WRONG }));
        let states = |request: &dyn Fn(&str) -> Value| {
            vec![
                state("unknown address", &self.unknown, request),
                state("known address", &self.known, request),
            ]
        };
        let login = Group {
            name: "login",
            function: "log-in",
            expected: Expected::Status(401),
            states: vec![
                state("unknown address", &self.unknown, &wrong),
                state("wrong password", &self.known, &wrong),
                state("locked account", &self.locked, &wrong),
            ],
        };
        let reset = Group {
            name: "password reset",
            function: "request-password-reset",
            expected: Expected::Status(202),
            states: states(&ask_for_reset),
        };
        let registration = Group {
            name: "registration",
            function: "register-account",
            expected: Expected::Status(202),
            states: states(&register),
        };
        [login, reset, registration]
    }

    /// Logins past the limit, with the right password where there is one.
    fn limited(&self) -> Group {
        let right = |email: &str| log_in_with(&json!({ "email": email, "password": PASSWORD }));
        Group {
            name: "limited login",
            function: "log-in",
            expected: Expected::Status(429),
            states: vec![
                state("unknown address", &self.unknown, &right),
                state("known address", &self.known, &right),
            ],
        }
    }
}

fn state(name: &'static str, addresses: &[String], request: &dyn Fn(&str) -> Value) -> State {
    let payloads = addresses.iter().map(|email| request(email).to_string());
    State {
        name,
        payloads: payloads.collect(),
    }
}

impl Group {
    /// Uses up the limit of each address.
    async fn meet_limit(&self, world: &World) -> Outcome {
        let once = json!({ "sign_in": { "requests": 1, "seconds": 86_400 } });
        world.limit_callers(&once).await?;
        // A process may know the settings of seconds ago.
        world
            .stack
            .lambda
            .restart(Some(&[self.function.to_owned()]))
            .await;
        let started = Instant::now();
        for payload in self.states.iter().flat_map(|state| &state.payloads) {
            loop {
                let response = self.invoke(world, payload).await?;
                if self.expected.check(self.function, &response).is_ok() {
                    break;
                }
                if started.elapsed() > PATIENCE {
                    return Err("the limit of logins does not apply".into());
                }
            }
        }
        Ok(())
    }

    async fn invoke(&self, world: &World, payload: &str) -> Outcome<Vec<u8>> {
        let lambda = &world.stack.lambda;
        let response = lambda.invoke(self.function, payload.to_owned().into());
        Ok(response.await?.to_vec())
    }

    /// Times `samples` responses for each state. Each round has one of each, in a random order, so that whatever the machine does
    /// in the meantime happens to all. A round with another response is left out: a machine that stands still for seconds makes
    /// a 503 of a response, and of no state more than of another.
    async fn measure(self, world: &World, samples: usize) -> Outcome<Measured> {
        println!("measuring {}, {samples} of each state", self.name);
        let mut times = vec![Vec::with_capacity(samples); self.states.len()];
        let (mut rounds, mut left_out) = (0, 0);
        while rounds < WARM_UP + samples {
            let order = shuffled(self.states.len())?;
            let round = match self.round(world, &order).await {
                Ok(round) => round,
                Err(error) if left_out >= MOST_LEFT_OUT => return Err(error),
                Err(_) => {
                    left_out += 1;
                    continue;
                }
            };
            if rounds >= WARM_UP {
                for (index, time) in order.into_iter().zip(round) {
                    times[index].push(time);
                }
            }
            rounds += 1;
        }
        let names = self.states.iter().map(|state| state.name);
        Ok(Measured {
            name: self.name,
            left_out,
            states: names.zip(times).collect(),
        })
    }

    /// Times of one response for each of these states, in microseconds.
    async fn round(&self, world: &World, order: &[usize]) -> Outcome<Vec<f64>> {
        let mut times = Vec::with_capacity(order.len());
        for index in order {
            let payloads = &self.states[*index].payloads;
            let payload = &payloads[below(payloads.len())?];
            let started = Instant::now();
            let response = self.invoke(world, payload).await?;
            times.push(micros(started.elapsed()));
            self.expected.check(self.function, &response)?;
        }
        Ok(times)
    }
}

/// A random number below `count`, which is small: the bias of the remainder does not matter.
fn below(count: usize) -> Outcome<usize> {
    let random = runtime::random_number().map_err(|_| "no random numbers")?;
    Ok(usize::try_from(random % u64::try_from(count.max(1))?)?)
}

/// The numbers below `count` in a random order.
fn shuffled(count: usize) -> Outcome<Vec<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, below(last + 1)?);
    }
    Ok(order)
}

/// Times of a group by state, in microseconds.
struct Measured {
    name: &'static str,
    /// Rounds with another response than the expected one.
    left_out: u32,
    states: Vec<(&'static str, Vec<f64>)>,
}

impl Measured {
    fn report(&self) -> GroupReport {
        let states = self.states.iter().map(|(name, times)| StateReport {
            name,
            us: Percentiles::of(times.clone()),
        });
        GroupReport {
            name: self.name,
            left_out: self.left_out,
            states: states.collect(),
        }
    }
}

/// Compares each two states of each group.
fn pairs(measured: &[Measured]) -> Vec<Pair> {
    let of = |group: &Measured| group.states.len() * (group.states.len() - 1) / 2;
    let count = measured.iter().map(of).sum::<usize>() as f64;
    let mut pairs = Vec::new();
    for group in measured {
        for (index, (first, times)) in group.states.iter().enumerate() {
            for (second, others) in &group.states[index + 1..] {
                let Comparison { larger, p } = ranks::compare(times, others);
                let spread = spread(times).max(spread(others));
                pairs.push(Pair {
                    group: group.name,
                    first,
                    second,
                    difference_us: quantile(times, 0.5) - quantile(others, 0.5),
                    longer: larger,
                    p,
                    adjusted_p: (p * count).min(1.0),
                    detectable_us: spread * ranks::detectable(times.len(), ALPHA / count),
                });
            }
        }
    }
    pairs
}

/// Standard deviation as the quartiles tell it, so that outliers do not.
fn spread(times: &[f64]) -> f64 {
    /// Distance of the quartiles of a normal distribution, in standard deviations.
    const QUARTILES: f64 = 1.349;
    (quantile(times, 0.75) - quantile(times, 0.25)) / QUARTILES
}

fn quantile(times: &[f64], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index).copied().unwrap_or_default()
}

fn text(report: &Report) -> String {
    let mut text = format!("\n{:<44} {:>9} {:>9}\n", "µs", "p50", "p99");
    for group in &report.groups {
        if group.left_out > 0 {
            text.push_str(&format!(
                "{}: {} round(s) left out\n",
                group.name, group.left_out
            ));
        }
        for state in &group.states {
            let name = format!("{}: {}", group.name, state.name);
            let us = state.us;
            text.push_str(&format!("{name:<44} {:>9.0} {:>9.0}\n", us.p50, us.p99));
        }
    }
    text.push_str(&format!(
        "\n{:<52} {:>9} {:>7} {:>8} {:>8} {:>10}\n",
        "pair", "µs apart", "longer", "p", "adjusted", "detectable"
    ));
    for pair in &report.pairs {
        let name = format!("{}: {} / {}", pair.group, pair.first, pair.second);
        let mark = match pair.adjusted_p <= report.alpha {
            true => "  told apart",
            false => "",
        };
        text.push_str(&format!(
            "{name:<52} {:>9.1} {:>7.3} {:>8.4} {:>8.4} {:>10.1}{mark}\n",
            pair.difference_us, pair.longer, pair.p, pair.adjusted_p, pair.detectable_us
        ));
    }
    text.push_str(&format!(
        "A pair is told apart if its p-value times the {} pairs is at most {}.\n",
        report.pairs.len(),
        report.alpha
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(shift: f64) -> Measured {
        let times = |shift: f64| {
            (0..2000)
                .map(|index| f64::from(index % 500) + shift)
                .collect()
        };
        Measured {
            name: "login",
            left_out: 0,
            states: vec![
                ("unknown address", times(0.0)),
                ("wrong password", times(0.0)),
                ("locked account", times(shift)),
            ],
        }
    }

    #[test]
    fn a_state_that_takes_longer_is_told_apart() {
        let none = pairs(&[measured(0.0)]);
        assert_eq!(none.len(), 3);
        assert!(none.iter().all(|pair| pair.adjusted_p > 0.9));
        let pairs = pairs(&[measured(50.0)]);
        let apart: Vec<bool> = pairs.iter().map(|pair| pair.adjusted_p <= ALPHA).collect();
        assert_eq!(apart, [false, true, true]);
        assert_eq!(pairs[1].difference_us, -50.0);
        assert!(pairs[1].longer < 0.5);
        assert!(pairs[1].detectable_us < 50.0);
    }

    #[test]
    fn an_order_has_each_number_once() {
        for _ in 0..100 {
            let mut order = shuffled(5).unwrap();
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4]);
        }
        let firsts: std::collections::BTreeSet<usize> =
            (0..200).map(|_| shuffled(3).unwrap()[0]).collect();
        assert_eq!(firsts.len(), 3);
    }

    #[test]
    fn a_wrong_password_is_as_long_as_the_right_one() {
        assert_eq!(WRONG.len(), PASSWORD.len());
        assert_ne!(WRONG, PASSWORD);
    }
}
