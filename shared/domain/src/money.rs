//! Money in minor units, without floating point.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::payments::Provider;

/// Maximum price in minor units: a hundred million dollars. The total of a cart with the largest lines
/// still fits into a number that JavaScript represents exactly (2^53).
pub const MAX_PRICE: i64 = 10_000_000_000;

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Number of decimals of an amount in this currency: 2 for USD, 0 for JPY.
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

/// Text that is not an ISO 4217 currency code.
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

/// An amount in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Money {
    /// Amount in minor units: 5000 is 50.00 USD, or 5000 JPY.
    pub amount: i64,
    /// ISO 4217 currency code.
    pub currency: Currency,
}

// How clients see `Money`: they need no table of currencies, and those that they have, such as a browser's,
// differ from ISO 4217.
/// An amount in one currency.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Money")]
struct MoneyView {
    /// Amount in minor units: 5000 is 50.00 USD, or 5000 JPY.
    amount: i64,
    /// ISO 4217 currency code.
    currency: Currency,
    /// How many of the amount's digits are decimals: 2 for USD, 0 for JPY.
    decimals: u32,
}

impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = MoneyView {
            amount: self.amount,
            currency: self.currency,
            decimals: self.currency.decimals(),
        };
        view.serialize(serializer)
    }
}

impl schemars::JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        MoneyView::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        MoneyView::json_schema(generator)
    }
}

/// An arithmetic error.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MoneyError {
    /// The amounts are in different currencies.
    #[error("cannot add amounts in {0} and {1}")]
    CurrencyMismatch(Currency, Currency),
    /// The result is out of range.
    #[error("the amount is too large")]
    Overflow,
}

impl Money {
    /// An amount in minor units.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Zero in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Adds two amounts of the same currency.
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

    /// Multiplies a unit price by a quantity.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(i64::from(quantity));
        Ok(Self::new(
            amount.ok_or(MoneyError::Overflow)?,
            self.currency,
        ))
    }

    /// Parses a price column such as `50`, `9.99` or `1234.5`: digits and at most one decimal point.
    /// More decimals than the currency has are an error, unless they are zeros.
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

impl Money {
    /// The amount as a decimal number without the currency, such as `50.00`.
    pub fn decimal(self) -> String {
        let decimals = self.currency.decimals() as usize;
        let digits = format!(
            "{:0>width$}",
            self.amount.unsigned_abs(),
            width = decimals + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if self.amount < 0 { "-" } else { "" };
        let dot = if decimals == 0 { "" } else { "." };
        format!("{sign}{whole}{dot}{fraction}")
    }
}

/// Formats as `50.00 USD`: for people, not for machines.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

/// The prices that a shop can charge: those of its currency that all its payment providers accept.
#[derive(Clone, Debug)]
pub struct PriceRule {
    /// Currency of the shop.
    pub currency: Currency,
    /// Providers of which customers may choose one.
    pub offered: Vec<Provider>,
}

impl PriceRule {
    /// Parses a price column ([`Money::parse_decimal`]). The error says which prices there are.
    pub fn parse(&self, text: &str) -> Result<Money, String> {
        let currency = self.currency;
        let price = Money::parse_decimal(text, currency).ok_or_else(|| {
            let example = Money::new(1234 * 10_i64.pow(currency.decimals()), currency).decimal();
            let most = Money::new(MAX_PRICE, currency).decimal();
            format!(
                "{text:?} is not a price in {currency}; write it like {example}, from 0 to {most}."
            )
        })?;
        for provider in &self.offered {
            provider
                .check_amount(price)
                .map_err(|error| format!("{text:?} cannot be charged: {error}."))?;
        }
        Ok(price)
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

    /// Kind of fault: two tables for one fact. A browser's locale data has no decimals for HUF, which
    /// has two in ISO 4217.
    #[test]
    fn an_amount_says_how_many_decimals_it_has() {
        for (code, decimals) in [
            ("USD", 2),
            ("HUF", 2),
            ("COP", 2),
            ("IDR", 2),
            ("JPY", 0),
            ("KWD", 3),
        ] {
            let json = serde_json::to_value(Money::new(150_000, currency(code))).unwrap();
            let want =
                serde_json::json!({ "amount": 150_000, "currency": code, "decimals": decimals });
            assert_eq!(json, want);
            // Stored amounts have no decimals of their own.
            let stored = serde_json::json!({ "amount": 150_000, "currency": code });
            let read: Money = serde_json::from_value(stored).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), want);
        }
    }

    #[test]
    fn a_price_is_one_that_can_be_paid() {
        let rule = |code: &str, offered: &[Provider]| PriceRule {
            currency: currency(code),
            offered: offered.to_vec(),
        };
        let stripe = [Provider::Test, Provider::Stripe];
        // In the units of the currency.
        for (code, most) in [
            ("USD", "100000000.00"),
            ("JPY", "10000000000"),
            ("KWD", "10000000.000"),
        ] {
            let rule = rule(code, &[Provider::Test]);
            assert_eq!(rule.parse(most).unwrap().amount, MAX_PRICE);
            let message = rule.parse("99999999999").unwrap_err();
            assert!(message.contains(&format!("from 0 to {most}.")), "{message}");
        }
        // Stripe takes three-decimal amounts only with a last digit of 0.
        for code in ["BHD", "JOD", "KWD", "OMR", "TND"] {
            assert!(rule(code, &stripe).parse("1.230").is_ok());
            let message = rule(code, &stripe).parse("1.234").unwrap_err();
            assert!(message.contains("0.010"), "{message}");
            assert!(rule(code, &[Provider::Test]).parse("1.234").is_ok());
        }
        for code in ["ISK", "MGA", "UGX"] {
            assert!(rule(code, &stripe).parse("100").is_err());
        }
        assert!(rule("USD", &stripe).parse("1.23").is_ok());
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
