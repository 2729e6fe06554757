//! Reproducible random numbers: a shopper behaves identically in every run with the same seed.

#![expect(clippy::float_arithmetic, reason = "chances and waits are not money")]

/// SplitMix64: small, fast, and identical on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Starts the sequence of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent sequence for one of many, so that none depends on the others' consumption.
    pub(crate) fn of(seed: u64, index: u64) -> Self {
        let mut mixed = Self(seed);
        let seed = mixed.next();
        let mut mixed = Self(seed ^ index.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(mixed.next())
    }

    /// The next number of the sequence.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in (0, 1].
    pub(crate) fn fraction(&mut self) -> f64 {
        // A double has 53 bits of precision.
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        let low = u32::try_from(self.next() >> 43).unwrap_or_default();
        (f64::from(bits) * 2_097_152.0 + f64::from(low) + 1.0) / 9_007_199_254_740_992.0
    }

    /// An exponentially distributed wait between independent events.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.fraction().ln()
    }

    /// One of `0..count`; 0 if the range is empty.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % count).unwrap_or_default()
    }

    /// Whether an event with this probability occurs.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        self.fraction() <= share
    }
}

/// Popularity by Zipf's law: item n is viewed 1/n^exponent times as often as the first.
#[derive(Clone, Debug)]
pub(crate) struct Zipf {
    cumulated: Vec<f64>,
}

impl Zipf {
    /// Makes the distribution over `0..count`.
    pub(crate) fn new(count: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut place = 0.0_f64;
        let weights = (0..count.max(1)).map(|_| {
            place += 1.0;
            sum += place.powf(-exponent);
            sum
        });
        Self {
            cumulated: weights.collect(),
        }
    }

    /// Draws an index.
    pub(crate) fn pick(&self, random: &mut Random) -> usize {
        let last = self.cumulated.len() - 1;
        let point = random.fraction() * self.cumulated[last];
        self.cumulated.partition_point(|sum| *sum < point).min(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers_and_another_does_not() {
        let numbers = |seed| {
            let mut random = Random::new(seed);
            [random.next(), random.next(), random.next()]
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
        assert_ne!(Random::of(7, 0).next(), Random::of(7, 1).next());
        // SplitMix64's published first number.
        assert_eq!(Random::new(0).next(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn fractions_and_waits_have_their_means() {
        let mut random = Random::new(1);
        let (mut fractions, mut waits, mut hits) = (0.0, 0.0, 0);
        for _ in 0..100_000 {
            let fraction = random.fraction();
            assert!(fraction > 0.0 && fraction <= 1.0);
            fractions += fraction;
            waits += random.exponential(2.0);
            hits += i32::from(random.happens(0.3));
        }
        assert!((fractions / 100_000.0 - 0.5).abs() < 0.01, "{fractions}");
        assert!((waits / 100_000.0 - 2.0).abs() < 0.05, "{waits}");
        assert!((hits - 30_000).abs() < 600, "{hits}");
    }

    #[test]
    fn zipf_prefers_the_first_as_it_should() {
        let zipf = Zipf::new(100, 1.0);
        let mut random = Random::new(3);
        let mut counts = [0_u32; 100];
        for _ in 0..200_000 {
            counts[zipf.pick(&mut random)] += 1;
        }
        // 1 / (1 + 1/2 + … + 1/100) = 19.3 %, the second half as often, the tenth a tenth.
        let share = |index: usize| f64::from(counts[index]) / 200_000.0;
        assert!((share(0) - 0.193).abs() < 0.005, "{}", share(0));
        assert!((share(1) - 0.0964).abs() < 0.004, "{}", share(1));
        assert!((share(9) - 0.0193).abs() < 0.002, "{}", share(9));
        assert!(counts.iter().all(|count| *count > 0));
    }

    #[test]
    fn zipf_without_exponent_prefers_none_and_one_is_always_found() {
        let mut random = Random::new(4);
        let zipf = Zipf::new(4, 0.0);
        let mut counts = [0_i32; 4];
        for _ in 0..40_000 {
            counts[zipf.pick(&mut random)] += 1;
        }
        assert!(
            counts.iter().all(|count| (count - 10_000).abs() < 500),
            "{counts:?}"
        );
        assert_eq!(Zipf::new(1, 1.0).pick(&mut random), 0);
    }
}
