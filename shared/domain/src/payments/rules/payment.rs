//! Payment methods, states and failures, independent of the provider.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

/// Provider and token with which an order is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// The provider that processes the payment.
    pub provider: Provider,
    /// The provider's token for the customer's payment method, never card data. Without it, the
    /// customer's client confirms the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Supported payment providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Built-in provider for tests and demos; it moves no money.
    Test,
    /// Stripe: cards, wallets and other methods that are enabled there.
    Stripe,
}

impl Provider {
    /// The provider of that name, if it is supported.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "test" => Some(Self::Test),
            "stripe" => Some(Self::Stripe),
            _ => None,
        }
    }

    /// Name of the provider, as used in URLs and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Stripe => "stripe",
        }
    }

    /// Whether the provider can charge and refund this amount (docs.stripe.com/currencies).
    pub fn check_amount(self, amount: Money) -> Result<(), UnpayableAmount> {
        let currency = amount.currency;
        match self {
            Self::Test => Ok(()),
            Self::Stripe if COUNTED_OTHERWISE.contains(&&*currency.to_string()) => {
                Err(UnpayableAmount::Currency(currency))
            }
            Self::Stripe if currency.decimals() == 3 && amount.amount % 10 != 0 => {
                Err(UnpayableAmount::Step(Money::new(10, currency)))
            }
            Self::Stripe => Ok(()),
        }
    }
}

/// Currencies whose minor units differ between Stripe and ISO 4217. A payment in them would be a
/// hundred times too large or too small.
const COUNTED_OTHERWISE: [&str; 3] = ["ISK", "MGA", "UGX"];

/// Why a provider cannot charge an amount.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnpayableAmount {
    /// The provider counts the currency in other units.
    #[error("amounts in {0} are not supported with Stripe, which counts them in other units")]
    Currency(Currency),
    /// The provider charges multiples of this amount only.
    #[error("Stripe charges amounts in steps of {0}")]
    Step(Money),
}

/// Parses the providers that a shop offers, from a list such as `test,stripe`.
pub fn offered(names: &str) -> Result<Vec<Provider>, UnknownProvider> {
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| Provider::named(name).ok_or_else(|| UnknownProvider(name.to_owned())))
        .collect()
}

/// A name that is not a payment provider's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a payment provider; use \"test\" or \"stripe\"")]
pub struct UnknownProvider(pub String);

/// Progress of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Not attempted, or without an answer so far.
    Pending,
    /// The customer has to confirm the payment with the provider.
    RequiresAction,
    /// Authorized: the provider holds the money, and the capture is in progress. Until it is captured
    /// or voided, the order can neither expire nor be canceled.
    Authorised,
    /// The money was captured.
    Captured,
    /// The provider declined, or never answered; nothing was captured.
    Failed,
    /// Nothing was or will be captured: the order expired or was canceled.
    Voided,
    /// Part of the captured amount was refunded.
    PartiallyRefunded,
    /// The captured amount was refunded in full.
    Refunded,
}

/// Why a payment failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentFailure {
    /// The provider declined the payment.
    Declined,
    /// The provider did not answer in time, in several attempts.
    ProviderUnavailable,
    /// The payment was canceled at the provider.
    Cancelled,
}
