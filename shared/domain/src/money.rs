//! Money in whole minor units. No floating point anywhere near it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Largest amount a price may have, in minor units: a hundred million dollars. A cart of the
/// largest lines still adds up to a number that JavaScript holds exactly (2^53).
pub const MAX_PRICE: i64 = 10_000_000_000;

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// How many decimals an amount of this currency is written with: 2 for USD, 0 for JPY.
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

/// The text is no ISO 4217 code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not an ISO 4217 currency code")]
pub struct UnknownCurrency(pub String);

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(code)
            .map(Self)
            .ok_or_else(|| UnknownCurrency(code.into()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code." })
    }
}

/// An amount of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Money {
    /// Minor units: 5000 is 50.00 USD, and 5000 JPY.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

/// Arithmetic that has no right answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MoneyError {
    /// Amounts of two currencies do not add up.
    #[error("{0} and {1} do not add up")]
    CurrencyMismatch(Currency, Currency),
    /// Too large to represent.
    #[error("the amount is too large")]
    Overflow,
}

impl Money {
    /// `amount` minor units.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The sum, if both are of one currency and it can be represented.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let amount = self.amount.checked_add(other.amount);
        Ok(Self::new(
            amount.ok_or(MoneyError::Overflow)?,
            self.currency,
        ))
    }

    /// The price of `quantity` units.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(i64::from(quantity));
        Ok(Self::new(
            amount.ok_or(MoneyError::Overflow)?,
            self.currency,
        ))
    }

    /// Reads what people write in a price column: `50`, `9.99`, `1234.5`. Digits and at most one
    /// dot; more decimals than the currency has are an error, unless they are zeros.
    pub fn parse_decimal(text: &str, currency: Currency) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
            return None;
        }
        let decimals = currency.decimals() as usize;
        let (kept, rest) = fraction.split_at(fraction.len().min(decimals));
        if rest.bytes().any(|byte| byte != b'0') {
            return None;
        }
        let amount: i64 = format!("{whole}{kept:0<decimals$}").parse().ok()?;
        (amount <= MAX_PRICE).then_some(Self::new(amount, currency))
    }
}

/// `50.00 USD`: for e-mails, not for machines.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals() as usize;
        let digits = format!(
            "{:0>width$}",
            self.amount.unsigned_abs(),
            width = decimals + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if self.amount < 0 { "-" } else { "" };
        let dot = if decimals == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{dot}{fraction} {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn prices_are_read_by_the_decimals_of_the_currency() {
        let cases = [
            ("50", "USD", Some(5000)),
            ("9.99", "USD", Some(999)),
            ("9.9", "USD", Some(990)),
            ("9.990", "USD", Some(999)),
            ("9.999", "USD", None),
            ("500", "JPY", Some(500)),
            ("500.00", "JPY", Some(500)),
            ("500.5", "JPY", None),
            ("1.234", "KWD", Some(1234)),
            ("", "USD", None),
            (".5", "USD", None),
            ("5.", "USD", None),
            ("-1", "USD", None),
            ("+1", "USD", None),
            ("1,000.00", "USD", None),
            ("1e3", "USD", None),
            ("$5", "USD", None),
            ("٥", "USD", None),
            ("100000000.00", "USD", Some(MAX_PRICE)),
            ("100000000.01", "USD", None),
            ("99999999999999999999", "USD", None),
        ];
        for (text, code, want) in cases {
            let got = Money::parse_decimal(text, currency(code)).map(|money| money.amount);
            assert_eq!(got, want, "{text} {code}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(amount in 0..=MAX_PRICE, code in prop::sample::select(vec!["USD", "JPY", "KWD"])) {
            let money = Money::new(amount, currency(code));
            let text = money.to_string();
            let number = text.strip_suffix(&format!(" {code}")).unwrap();
            prop_assert_eq!(Money::parse_decimal(number, money.currency), Some(money));
        }
    }

    #[test]
    fn the_largest_cart_is_exact_in_javascript() {
        let line = Money::new(MAX_PRICE, currency("USD")).times(crate::cart::MAX_QUANTITY);
        let cart = line.unwrap().times(crate::cart::MAX_LINES as u32).unwrap();
        assert!(cart.amount < 1 << 53);
    }

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let usd = Money::new(i64::MAX, currency("USD"));
        assert!(matches!(
            usd.plus(Money::zero(currency("EUR"))),
            Err(MoneyError::CurrencyMismatch(..))
        ));
        assert_eq!(
            usd.plus(Money::new(1, currency("USD"))),
            Err(MoneyError::Overflow)
        );
        assert_eq!(usd.times(2), Err(MoneyError::Overflow));
    }
}
