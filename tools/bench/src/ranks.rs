//! The Mann–Whitney test: whether the values of one sample tend to be larger than those of another. It assumes no
//! distribution, and outliers of a shared machine do not decide it.

#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "statistics are not money"
)]

use std::f64::consts::SQRT_2;

/// Result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// Probability that a value of the first sample is larger than one of the second, ties counted by half. 0.5 without a
    /// difference.
    pub(crate) larger: f64,
    /// Two-sided p-value, by the normal approximation with corrections for continuity and ties. It takes more than 20 values.
    pub(crate) p: f64,
}

/// Compares two samples.
pub(crate) fn compare(first: &[f64], second: &[f64]) -> Comparison {
    let (n, m) = (first.len() as f64, second.len() as f64);
    let mut all: Vec<(f64, bool)> = Vec::with_capacity(first.len() + second.len());
    all.extend(first.iter().map(|value| (*value, true)));
    all.extend(second.iter().map(|value| (*value, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for equal in all.chunk_by(|a, b| a.0 == b.0) {
        let count = equal.len() as f64;
        let of_first = equal.iter().filter(|(_, is_first)| *is_first).count() as f64;
        // Equal values share the mean of their ranks, which begin with 1.
        rank_sum += of_first * (before + (count + 1.0) / 2.0);
        ties += count * count * count - count;
        before += count;
    }
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    let distance = ((u - n * m / 2.0).abs() - 0.5).max(0.0);
    // Without any difference between the values there is no variance.
    let p = match variance > 0.0 {
        true => two_sided(distance / variance.sqrt()),
        false => 1.0,
    };
    Comparison {
        larger: u / (n * m),
        p,
    }
}

/// Smallest distance of the means of two normal distributions, in standard deviations, that a comparison of `count` values each
/// finds at the significance `alpha` with a probability of 80 %.
pub(crate) fn detectable(count: usize, alpha: f64) -> f64 {
    /// Quantile of the normal distribution at 80 %.
    const POWER: f64 = 0.841_621;
    /// Asymptotic efficiency of the test for normal distributions, 3/π.
    const EFFICIENCY: f64 = 0.954_930;
    (critical(alpha) + POWER) * (2.0 / (count.max(1) as f64 * EFFICIENCY)).sqrt()
}

/// Probability that a standard normal value is at least this far from 0.
fn two_sided(distance: f64) -> f64 {
    libm::erfc(distance / SQRT_2)
}

/// The distance from 0 that a standard normal value exceeds with this probability, on either side.
fn critical(alpha: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        match two_sided(middle) > alpha {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-4
    }

    // Computed by hand: U is 35 of 50, its variance 66.7, so 9.5 below the mean with the correction is 1.1635 deviations.
    #[test]
    fn ranks_give_the_probabilities() {
        let first = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let second = [1.15, 0.88, 0.90, 0.74, 1.21];
        let found = compare(&first, &second);
        assert!(is_near(found.larger, 0.7), "{found:?}");
        assert!(is_near(found.p, 0.24462), "{found:?}");
        let turned = compare(&second, &first);
        assert!(is_near(turned.larger, 0.3) && is_near(turned.p, found.p));
    }

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(compare(&[1.0; 30], &[1.0; 30]).p, 1.0);
        let few: Vec<f64> = (0..60).map(|index| f64::from(index % 3)).collect();
        let found = compare(&few, &few);
        assert!(is_near(found.larger, 0.5) && found.p > 0.9, "{found:?}");
    }

    #[test]
    fn a_shift_is_found_and_an_outlier_is_none() {
        let first: Vec<f64> = (0..1000).map(f64::from).collect();
        let shifted: Vec<f64> = first.iter().map(|value| value + 60.5).collect();
        assert!(compare(&first, &shifted).p < 1e-5);
        let mut disturbed = first.clone();
        disturbed[0] = 1e9;
        assert!(compare(&first, &disturbed).p > 0.9);
    }

    #[test]
    fn more_values_find_smaller_differences() {
        assert!(is_near(critical(0.05), 1.959_96), "{}", critical(0.05));
        assert!(is_near(critical(0.01), 2.575_83));
        let few = detectable(500, 0.01);
        assert!(is_near(detectable(2000, 0.01), few / 2.0));
        assert!((0.10..0.12).contains(&detectable(2000, 0.01)));
    }
}
