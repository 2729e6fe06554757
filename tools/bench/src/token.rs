//! `make bench-token`: the CPU time that the check of an access token adds to a request.
//!
//! One process answers the same request with and without a token, in turn. The kernel counts its CPU time.

#![expect(clippy::float_arithmetic, reason = "times are not money")]

use bench::binaries;
use local::{executor::executor, lambda::Lambda, meter::Meter, outcome::Outcome, project};
use serde_json::Value;

use crate::{
    measure::{cpu_of, micros},
    run::Bench,
    scenarios::Expected,
    world::get_cart,
};

/// An endpoint that takes guests and people who are signed in, and does the same for both.
const FUNCTION: &str = "get-cart";
/// Calls of one kind in a row: the kernel's counts of one call are coarse.
const BLOCK: u32 = 50;
/// Blocks of each kind before the measured ones.
const WARM_UP: u32 = 4;
/// Goal: most microseconds of CPU time that a check may take.
const MOST_US: f64 = 100.0;

/// How much to measure.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Blocks of 50 calls with a token, and as many without
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    blocks: u32,
    /// Take the binaries as they are
    #[arg(long)]
    no_build: bool,
}

/// CPU time per call, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Check {
    /// Median of the calls without a token.
    without: f64,
    /// Median of the calls with one.
    with: f64,
    /// Median of the differences between neighboring blocks.
    median: f64,
    /// Bounds of that median, at a confidence of 95 %.
    low: f64,
    high: f64,
}

/// Measures, prints the result, and fails if the goal is missed.
pub(crate) fn run(options: &Options) -> Outcome {
    if !options.no_build {
        binaries::build(&project::root())?;
    }
    let check = executor()?.block_on(measure(options.blocks))?;
    println!(
        "CPU of {FUNCTION}, median: {:.0} µs without a token, {:.0} µs with one",
        check.without, check.with
    );
    println!(
        "check of a token: {:.1} µs of CPU (95 %: {:.1} to {:.1}), goal at most {MOST_US:.0}",
        check.median, check.low, check.high
    );
    match check.median <= MOST_US {
        true => Ok(()),
        false => Err("the check of a token takes longer than its goal".into()),
    }
}

async fn measure(blocks: u32) -> Outcome<Check> {
    let root = project::root();
    // No order: the cart is enough.
    let bench = Bench::start(&root, "token", Meter::new(), 0).await?;
    let world = &bench.world;
    let without = get_cart(&world.cart().await?);
    let with = world.person().await?.authorize(without.clone());
    let lambda = &world.stack.lambda;
    let forged = forged(&with).ok_or("a request without a token")?;
    let refused = lambda.invoke(FUNCTION, forged.to_string().into()).await?;
    // Otherwise nothing is checked, and nothing measured.
    Expected::Status(401).check(FUNCTION, &refused)?;
    for _ in 0..WARM_UP {
        block(lambda, &without).await?;
        block(lambda, &with).await?;
    }
    println!("measuring");
    let (mut guests, mut people) = (Vec::new(), Vec::new());
    for index in 0..blocks {
        // Neither always comes first.
        if index % 2 == 0 {
            guests.push(block(lambda, &without).await?);
            people.push(block(lambda, &with).await?);
        } else {
            people.push(block(lambda, &with).await?);
            guests.push(block(lambda, &without).await?);
        }
    }
    bench.world.stop().await;
    Ok(Check::of(&guests, &people))
}

/// The request with a token of which one letter is another, in the middle of its signature.
fn forged(request: &Value) -> Option<Value> {
    let mut token = request["headers"]["authorization"].as_str()?.to_owned();
    let place = token.len() - 40;
    let other = if token.get(place..=place)? == "A" {
        "B"
    } else {
        "A"
    };
    token.replace_range(place..=place, other);
    let mut forged = request.clone();
    forged["headers"]["authorization"] = Value::String(token);
    Some(forged)
}

/// CPU time per call of one block, in microseconds.
async fn block(lambda: &Lambda, event: &Value) -> Outcome<f64> {
    let payload = event.to_string();
    let mut before = None;
    for _ in 0..=BLOCK {
        let response = lambda.invoke(FUNCTION, payload.clone().into()).await?;
        Expected::Success.check(FUNCTION, &response)?;
        // The first call is not counted: its process may still be busy with the block before.
        if before.is_none() {
            before = Some(cpu_of(lambda, FUNCTION)?);
        }
    }
    let spent = cpu_of(lambda, FUNCTION)?.saturating_sub(before.unwrap_or_default());
    Ok(micros(spent) / f64::from(BLOCK))
}

impl Check {
    /// Evaluates blocks that were measured in turn.
    fn of(without: &[f64], with: &[f64]) -> Self {
        let pairs = without.iter().zip(with);
        let differences = sorted(pairs.map(|(without, with)| with - without).collect());
        let last = differences.len().saturating_sub(1);
        // Ranks of the interval by the sign test, whose count of differences below the median is binomial.
        let spread = 0.98 * (differences.len() as f64).sqrt();
        let middle = differences.len() as f64 / 2.0;
        let low = (middle - spread).floor().max(0.0) as usize;
        let high = (middle + spread).ceil() as usize;
        let at = |rank: usize| differences.get(rank.min(last)).copied().unwrap_or_default();
        Self {
            without: median(&sorted(without.to_vec())),
            with: median(&sorted(with.to_vec())),
            median: median(&differences),
            low: at(low),
            high: at(high),
        }
    }
}

fn sorted(mut figures: Vec<f64>) -> Vec<f64> {
    figures.sort_by(f64::total_cmp);
    figures
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_that_of_neighbors() {
        // The machine becomes slower, and one block is disturbed.
        let without: Vec<f64> = (0..100).map(|index| 500.0 + f64::from(index)).collect();
        let mut with: Vec<f64> = without.iter().map(|time| time + 80.0).collect();
        with[50] = 9000.0;
        let check = Check::of(&without, &with);
        assert_eq!((check.low, check.median, check.high), (80.0, 80.0, 80.0));
        assert_eq!(check.without, 550.0);
    }

    #[test]
    fn a_forged_token_differs_in_its_signature() {
        let bearer = format!("Bearer head.claims.{}", "s".repeat(86));
        let request = serde_json::json!({ "headers": { "authorization": bearer } });
        let forged = forged(&request).unwrap();
        let forged = forged["headers"]["authorization"].as_str().unwrap();
        assert_eq!(forged.len(), bearer.len());
        assert!(forged.starts_with("Bearer head.claims.ss") && forged != bearer);
    }

    #[test]
    fn the_bounds_hold_the_median() {
        let with: Vec<f64> = (0..100).map(f64::from).collect();
        let check = Check::of(&[0.0; 100], &with);
        assert_eq!((check.low, check.median, check.high), (40.0, 50.0, 60.0));
    }
}
