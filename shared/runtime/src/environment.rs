//! The environment variables of the process, read once.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use crate::sdk::Sdk;

/// Configuration of a function.
#[derive(Clone, Debug)]
pub struct Environment {
    variables: HashMap<String, String>,
    /// Shared by the AWS clients; made at first use.
    pub(crate) sdk: Arc<OnceLock<Sdk>>,
}

/// A required variable that is not set.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is not set; the template of its context sets it")]
pub struct MissingVariable(pub String);

impl Environment {
    /// Reads the environment of the process.
    pub fn load() -> Self {
        Self::of(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// An environment with the given variables, for tools.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            sdk: Arc::default(),
        }
    }

    /// All variables with a non-empty value.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.variables.iter();
        variables
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(_, value)| !value.is_empty())
    }

    /// An optional variable; an empty value counts as missing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A required variable.
    pub fn require(&self, name: &str) -> Result<&str, MissingVariable> {
        self.get(name)
            .ok_or_else(|| MissingVariable(name.to_owned()))
    }

    /// A variable with a whole number of seconds.
    pub fn seconds(&self, name: &str) -> Result<jiff::SignedDuration, Box<dyn std::error::Error>> {
        let seconds: u32 = self
            .require(name)?
            .parse()
            .map_err(|error| format!("{name} must be a whole number of seconds: {error}"))?;
        Ok(jiff::SignedDuration::from_secs(i64::from(seconds)))
    }

    /// A variable with a whole number that is not negative.
    pub fn number(&self, name: &str) -> Result<u32, Box<dyn std::error::Error>> {
        let number = self.require(name)?.parse();
        Ok(number.map_err(|error| format!("{name} must be a whole number: {error}"))?)
    }

    /// A variable that is `on` or `off`.
    pub fn switch(&self, name: &str) -> Result<bool, Box<dyn std::error::Error>> {
        match self.require(name)? {
            "on" => Ok(true),
            "off" => Ok(false),
            other => Err(format!("{name} is on or off, not {other:?}").into()),
        }
    }

    /// The secret that the shop shares with its CDN, to name what must not be guessed; empty if there is none. Of two during
    /// a rotation it is the first, the new one: so that names change once.
    pub fn origin_secret(&self) -> &str {
        let mut secrets = self.get("ORIGIN_SECRETS").unwrap_or_default().split(',');
        secrets
            .find(|secret| !secret.is_empty())
            .unwrap_or_default()
    }

    /// The providers that the shop offers, from `PAYMENT_METHODS`.
    pub fn payment_methods(
        &self,
    ) -> Result<Vec<domain::payments::Provider>, Box<dyn std::error::Error>> {
        let names = self.require("PAYMENT_METHODS")?;
        Ok(domain::payments::offered(names)?)
    }

    /// The prices that the shop can charge, from `CURRENCY` and `PAYMENT_METHODS`.
    pub fn prices(&self) -> Result<domain::money::PriceRule, Box<dyn std::error::Error>> {
        Ok(domain::money::PriceRule {
            currency: self.currency()?,
            offered: self.payment_methods()?,
        })
    }

    /// How long stock is reserved for a payment unless staff have set other times, from `HOLD_SECONDS` and
    /// `PAYMENT_WINDOW_SECONDS`.
    pub fn payment_window(
        &self,
    ) -> Result<domain::orders::PaymentWindow, Box<dyn std::error::Error>> {
        Ok(domain::orders::PaymentWindow {
            hold: self.seconds("HOLD_SECONDS")?,
            whole: self.seconds("PAYMENT_WINDOW_SECONDS")?,
        })
    }

    /// The seller on invoices unless staff have set another one, from `SELLER_NAME`, `SELLER_ADDRESS`, `SELLER_TAX_ID` and
    /// `SELLER_EMAIL`.
    pub fn seller(&self) -> Result<domain::invoices::Seller, MissingVariable> {
        Ok(domain::invoices::Seller::of_template(
            self.require("SELLER_NAME")?,
            self.get("SELLER_ADDRESS").unwrap_or_default(),
            self.get("SELLER_TAX_ID"),
            self.require("SELLER_EMAIL")?,
        ))
    }

    /// The shop's currency, from `CURRENCY`.
    pub fn currency(&self) -> Result<domain::money::Currency, Box<dyn std::error::Error>> {
        Ok(self.require("CURRENCY")?.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind of fault: each of the two steps of a rotation resets the counts of all limits.
    #[test]
    fn names_are_made_with_the_new_secret_of_two() {
        for (secrets, first) in [
            ("old", "old"),
            ("new,old", "new"),
            ("new", "new"),
            (",old", "old"),
            ("", ""),
        ] {
            let variables = [("ORIGIN_SECRETS".to_owned(), secrets.to_owned())];
            let environment = Environment::of(variables);
            assert_eq!(environment.origin_secret(), first, "{secrets}");
        }
    }
}
