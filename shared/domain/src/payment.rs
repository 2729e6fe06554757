//! Payment of an order, whoever the provider is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the customer pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Which provider takes it.
    pub provider: Provider,
    /// The provider's token for the customer's means of payment; never card data.
    pub token: String,
}

/// The providers the shop knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// The built-in provider for trying things out; moves no money.
    Test,
}

impl Provider {
    /// The provider of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

/// Where the payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Not attempted, or no final answer yet.
    Pending,
    /// The money is ours.
    Captured,
    /// The provider refused, or never answered; nothing was taken.
    Failed,
}

/// Why a payment failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentFailure {
    /// The provider said no.
    Declined,
    /// The provider gave no answer in time, again and again.
    ProviderUnavailable,
}
