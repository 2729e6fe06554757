//! Quantities and money as integers: measurements are converted once, and all calculations are exact.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Mul, Sub},
    str::FromStr,
};

use serde::{Deserialize, Serialize, Serializer};

/// Scale of fixed-point numbers.
const MILLION: u128 = 1_000_000;

/// A quantity in millionths; also used for shares of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(pub(crate) u128);

impl Quantity {
    pub(crate) const ONE: Self = Self(MILLION);

    /// A whole number.
    pub(crate) const fn whole(count: u64) -> Self {
        Self(count as u128 * MILLION)
    }

    /// Converts a measurement, rounded up to a millionth.
    #[expect(
        clippy::float_arithmetic,
        reason = "a measurement, on its one way to whole numbers"
    )]
    pub(crate) fn measured(figure: f64) -> Self {
        Self((figure * 1e6).ceil() as u128)
    }

    pub(crate) const fn percent(percent: u64) -> Self {
        Self(percent as u128 * 10_000)
    }

    /// One minus this share.
    pub(crate) fn rest(self) -> Self {
        Self(MILLION.saturating_sub(self.0))
    }

    /// Rounds up to a whole number.
    pub(crate) fn ceil(self) -> u64 {
        u64::try_from(self.0.div_ceil(MILLION)).unwrap_or(u64::MAX)
    }

    /// Divides by `count`.
    pub(crate) fn over(self, count: u64) -> Self {
        Self(self.0 / u128::from(count.max(1)))
    }
}

impl Mul for Quantity {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0 / MILLION)
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Quantity {
    type Output = Self;

    /// Saturates at zero.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// With thousands separators, and three decimals if there are any.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = (self.0 + 500) / 1000;
        let whole = thousands(thousandths / 1000);
        match thousandths % 1000 {
            0 => f.pad(&whole),
            part => {
                let part = format!("{part:03}");
                f.pad(&format!("{whole}.{}", part.trim_end_matches('0')))
            }
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&decimal(self.0, 6))
    }
}

/// US dollars in units of 10^-12: a GB-second's price has ten decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dollars(pub(crate) u128);

impl Dollars {
    const DECIMALS: usize = 12;
    const ONE: u128 = MILLION * MILLION;

    /// The price of `quantity`, where `self` is the price of `per`.
    pub(crate) fn times(self, quantity: Quantity, per: u64) -> Self {
        Self(self.0 * quantity.0 / (u128::from(per.max(1)) * MILLION))
    }

    /// Formats all decimals.
    pub(crate) fn exact(self) -> String {
        decimal(self.0, Self::DECIMALS)
    }

    /// How many times the other amount fits into this one.
    pub(crate) fn buys(self, other: Self) -> Quantity {
        Quantity(self.0 * MILLION / other.0.max(1))
    }
}

impl Add for Dollars {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Dollars {
    type Output = Self;

    /// Saturates at zero.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Dollars {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// Parses plain decimals such as `0.0000133334`.
impl FromStr for Dollars {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a price: write it like \"0.20\"");
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > Self::DECIMALS {
            return Err(wrong());
        }
        let all = format!("{whole}{part:0<width$}", width = Self::DECIMALS);
        all.parse().map(Self).map_err(|_| wrong())
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Four decimals below ten dollars, cents above, rounded to the nearest.
impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals: u32 = if self.0 < 10 * Self::ONE { 4 } else { 2 };
        let unit = Self::ONE / 10_u128.pow(decimals);
        let rounded = (self.0 + unit / 2) / unit;
        let scale = 10_u128.pow(decimals);
        let (whole, part) = (thousands(rounded / scale), rounded % scale);
        f.pad(&format!(
            "{whole}.{part:0>width$}",
            width = decimals as usize
        ))
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.exact())
    }
}

/// Formats a count with thousands separators.
pub(crate) fn thousands(count: u128) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a fixed-point number without trailing zeros.
fn decimal(value: u128, decimals: usize) -> String {
    let digits = format!("{value:0>width$}", width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    match part.trim_end_matches('0') {
        "" => whole.to_owned(),
        part => format!("{whole}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(text: &str) -> Dollars {
        text.parse().unwrap()
    }

    #[test]
    fn prices_are_read_to_the_last_decimal() {
        assert_eq!(dollars("0.0000133334"), Dollars(13_333_400));
        assert_eq!(dollars("1"), Dollars(1_000_000_000_000));
        for wrong in ["", ".5", "-1", "1e3", "$1", "1.0000000000001"] {
            assert!(wrong.parse::<Dollars>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn money_is_exact_where_floating_point_is_not() {
        let tenth = dollars("0.10").times(Quantity::whole(3), 1);
        assert_eq!(tenth, dollars("0.30"));
        let requests = dollars("0.20").times(Quantity::whole(15_000), 1_000_000);
        assert_eq!(requests, dollars("0.003"));
    }

    #[test]
    fn what_is_shown_is_rounded_and_what_is_sent_is_not() {
        assert_eq!(dollars("0.00005").to_string(), "0.0001");
        assert_eq!(dollars("1234.567").to_string(), "1,234.57");
        assert_eq!(format!("{:>8}", dollars("0.25")), "  0.2500");
        assert_eq!(
            serde_json::to_value(dollars("0.0000133334")).unwrap(),
            "0.0000133334"
        );
        assert_eq!(Quantity::measured(1234.5).to_string(), "1,234.5");
        assert_eq!(Quantity::whole(6_480_000).to_string(), "6,480,000");
    }

    #[test]
    fn shares_and_parts() {
        assert_eq!(
            Quantity::percent(25) * Quantity::whole(8),
            Quantity::whole(2)
        );
        assert_eq!(Quantity::percent(99).rest(), Quantity::percent(1));
        assert_eq!(Quantity::measured(1.2).ceil(), 2);
        assert_eq!(Quantity::whole(1) - Quantity::whole(2), Quantity::default());
        assert_eq!(dollars("73").buys(dollars("0.5")), Quantity::whole(146));
    }
}
