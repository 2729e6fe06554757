//! Payment of an order, whoever the provider is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the customer pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Which provider takes it.
    pub provider: Provider,
    /// The provider's token for the customer's means of payment, never card data. Without one the
    /// customer's own client confirms the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The providers the shop knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// The built-in provider for trying things out; moves no money.
    Test,
    /// Stripe: cards, wallets and what else is switched on there.
    Stripe,
}

impl Provider {
    /// The provider of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "test" => Some(Self::Test),
            "stripe" => Some(Self::Stripe),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Stripe => "stripe",
        }
    }
}

/// The providers a shop offers, from a list of names such as `test,stripe`.
pub fn offered(names: &str) -> Result<Vec<Provider>, UnknownProvider> {
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| Provider::named(name).ok_or_else(|| UnknownProvider(name.to_owned())))
        .collect()
}

/// No provider has this name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no payment provider; known are \"test\" and \"stripe\"")]
pub struct UnknownProvider(pub String);

/// Where the payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Not attempted, or no answer yet.
    Pending,
    /// The customer has to confirm it with the provider.
    RequiresAction,
    /// The provider holds the money for us; it is being taken. Until that is settled the order can
    /// neither expire nor be cancelled.
    Authorised,
    /// The money is ours.
    Captured,
    /// The provider refused, or never answered; nothing was taken.
    Failed,
    /// Nothing was taken, and nothing will be: the order expired or was cancelled.
    Voided,
    /// Some of the money went back.
    PartiallyRefunded,
    /// All of the money went back.
    Refunded,
}

/// Why a payment failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentFailure {
    /// The provider said no.
    Declined,
    /// The provider gave no answer in time, again and again.
    ProviderUnavailable,
    /// The payment was cancelled at the provider.
    Cancelled,
}
