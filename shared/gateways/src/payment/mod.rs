//! Reserving, taking and returning money, whoever the provider is.
//!
//! Money is reserved first (authorised) and taken later (captured), so that it is only ever taken for
//! goods that are there. Every call that changes something carries an idempotency key: the same call
//! sent again has no second effect.

use std::{fmt, future::Future, time::Duration};

use domain::{money::Money, payment::Provider};
use jiff::Timestamp;
use tokio::time::timeout;

mod signature;
mod stripe;
mod test_provider;

pub use stripe::{InvalidStripe, STRIPE, Stripe};
pub use test_provider::TestProvider;

/// Money to reserve for an order.
#[derive(Clone)]
pub struct Authorisation<'a> {
    /// The order it is for; the provider keeps it with the payment.
    pub order_id: &'a str,
    /// The same for every attempt at the same authorisation: the money is reserved once.
    pub idempotency_key: &'a str,
    /// How much.
    pub amount: Money,
    /// The provider's token for the customer's means of payment; `None` if the customer's own client
    /// will confirm the payment with the provider.
    pub token: Option<&'a str>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// Without the token: whoever has it may use it.
impl fmt::Debug for Authorisation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorisation")
            .field("order_id", &self.order_id)
            .field("idempotency_key", &self.idempotency_key)
            .field("amount", &self.amount)
            .field("token", &self.token.map(|_| "…"))
            .field("attempt", &self.attempt)
            .finish()
    }
}

/// Where a payment stands with the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// The customer has to do something: confirm, or authenticate with the bank.
    RequiresAction,
    /// The provider does not know yet.
    Processing,
    /// The money is reserved, none is taken.
    Authorised,
    /// Money is ours; nothing is reserved any more.
    Captured {
        /// How much was taken, in minor units.
        amount: i64,
        /// How much of it went back since. What was reserved and never taken does not count.
        refunded: i64,
    },
    /// Nothing is reserved, and this payment never will.
    Cancelled,
    /// The last try failed and nothing is reserved. A customer's client that has the payment's secret
    /// may try again, until the payment is cancelled.
    Failed {
        /// The provider's reason.
        code: String,
    },
}

/// A payment as the provider knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderPayment {
    /// The provider's name for it.
    pub payment_id: String,
    /// The order it is for, if the provider can say.
    pub order_id: Option<String>,
    /// What was asked for, in minor units.
    pub amount: i64,
    /// ISO 4217 code, in capitals.
    pub currency: String,
    /// Where it stands.
    pub state: PaymentState,
    /// With it the customer's own client confirms the payment; for that customer alone.
    pub client_secret: Option<String>,
}

/// Without the client's secret: whoever has it may act on the payment.
impl fmt::Debug for ProviderPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderPayment")
            .field("payment_id", &self.payment_id)
            .field("order_id", &self.order_id)
            .field("amount", &self.amount)
            .field("currency", &self.currency)
            .field("state", &self.state)
            .field("client_secret", &self.client_secret.as_ref().map(|_| "…"))
            .finish()
    }
}

/// Money to give back.
#[derive(Clone, Debug)]
pub struct Refund<'a> {
    /// The captured payment.
    pub payment_id: &'a str,
    /// The same for every attempt at the same refund: the money goes back once.
    pub idempotency_key: &'a str,
    /// How much.
    pub amount: Money,
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// The money is on its way; the provider answers for it.
    Succeeded,
    /// Not settled yet; an event will tell.
    Pending,
    /// The money stays with us; it has to be returned in another way.
    Failed {
        /// The provider's reason.
        code: String,
    },
}

/// A refund as the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRefund {
    /// The provider's name for it.
    pub refund_id: String,
    /// Where it stands.
    pub state: RefundState,
}

/// Why there is no answer about the money.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PaymentError {
    /// The bank or the provider said no; asking again will not help.
    #[error("the provider declined: {code}")]
    Declined {
        /// The provider's reason.
        code: String,
    },
    /// The provider will never accept this request: a bug, or wrong keys.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// No answer, or none that settles it: it may have happened. The same call again, with the same
    /// key, finds out.
    #[error("the provider gave no answer: {0}")]
    Unavailable(String),
}

/// Something that happened at the provider. It is a reason to look ([`PaymentProvider::payment`]),
/// not the truth: events come late, twice and in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The same for every delivery of the same event.
    pub event_id: String,
    /// The provider's word for what happened, such as `payment_intent.succeeded`.
    pub kind: String,
    /// The payment it is about, if it is about one.
    pub payment_id: Option<String>,
    /// The order of that payment, if the event says so.
    pub order_id: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
}

/// Why a delivery from the provider is not accepted.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventError {
    /// No signature, or one that is not ours.
    #[error("the signature is missing or wrong")]
    Signature,
    /// Signed, but too long ago or too far ahead.
    #[error("the signature is too old or from the future")]
    Stale,
    /// Signed, but not an event.
    #[error("the event cannot be read: {0}")]
    Unreadable(String),
    /// This provider sends no events.
    #[error("this provider sends no events")]
    NotOffered,
    /// The keys could not be read; the provider will deliver again.
    #[error("the event cannot be checked now: {0}")]
    Unavailable(String),
}

/// Someone who reserves, takes and returns money.
pub trait PaymentProvider {
    /// Reserves the money and takes none, once for each idempotency key. Answers with how the payment
    /// stands now, also if it was begun by an earlier call.
    fn authorise(
        &self,
        authorisation: &Authorisation<'_>,
    ) -> impl Future<Output = Result<ProviderPayment, PaymentError>> + Send;

    /// Takes what is reserved, or a part of it; the rest is released. Answers with what is true
    /// afterwards: a payment that was captured before, or was cancelled, says so.
    fn capture(
        &self,
        payment_id: &str,
        idempotency_key: &str,
        amount: Money,
    ) -> impl Future<Output = Result<ProviderPayment, PaymentError>> + Send;

    /// Releases what is reserved, and makes sure that nothing is reserved later. Too late is no error:
    /// the answer is then `Captured`.
    fn cancel(
        &self,
        payment_id: &str,
        idempotency_key: &str,
    ) -> impl Future<Output = Result<ProviderPayment, PaymentError>> + Send;

    /// Gives money back, once for each idempotency key.
    fn refund(
        &self,
        refund: &Refund<'_>,
    ) -> impl Future<Output = Result<ProviderRefund, PaymentError>> + Send;

    /// How the payment stands now; `None` if there is none of that name.
    fn payment(
        &self,
        payment_id: &str,
    ) -> impl Future<Output = Result<Option<ProviderPayment>, PaymentError>> + Send;
}

/// How long the test provider may take for an answer; it has nobody to ask.
const TEST: Duration = Duration::from_secs(2);
/// How long Stripe may take to reserve or take money. It asks the customer's bank meanwhile, which
/// takes seconds on a bad day, and an answer not waited for costs another attempt. A function has
/// 30 s: both, and the rest to write down what came out.
const STRIPE_MOVES: Duration = Duration::from_secs(8);
/// How long Stripe may take for what it answers from its own books.
const STRIPE_BOOKS: Duration = Duration::from_secs(5);

/// Every provider of the shop, each with the patience it deserves.
#[derive(Clone, Debug, Default)]
pub struct PaymentProviders {
    test: TestProvider,
    stripe: Option<Stripe>,
}

impl PaymentProviders {
    /// The test provider, and Stripe if it is set up.
    pub fn new(stripe: Option<Stripe>) -> Self {
        Self {
            test: TestProvider,
            stripe,
        }
    }

    /// Reserves money with `provider`; see [`PaymentProvider::authorise`].
    pub async fn authorise(
        &self,
        provider: Provider,
        authorisation: &Authorisation<'_>,
    ) -> Result<ProviderPayment, PaymentError> {
        match provider {
            Provider::Test => patient(TEST, self.test.authorise(authorisation)).await,
            Provider::Stripe => {
                patient(STRIPE_MOVES, self.stripe()?.authorise(authorisation)).await
            }
        }
    }

    /// Takes money with `provider`; see [`PaymentProvider::capture`].
    pub async fn capture(
        &self,
        provider: Provider,
        payment_id: &str,
        idempotency_key: &str,
        amount: Money,
    ) -> Result<ProviderPayment, PaymentError> {
        match provider {
            Provider::Test => {
                let call = self.test.capture(payment_id, idempotency_key, amount);
                patient(TEST, call).await
            }
            Provider::Stripe => {
                let call = self.stripe()?.capture(payment_id, idempotency_key, amount);
                patient(STRIPE_MOVES, call).await
            }
        }
    }

    /// Releases money with `provider`; see [`PaymentProvider::cancel`].
    pub async fn cancel(
        &self,
        provider: Provider,
        payment_id: &str,
        idempotency_key: &str,
    ) -> Result<ProviderPayment, PaymentError> {
        match provider {
            Provider::Test => patient(TEST, self.test.cancel(payment_id, idempotency_key)).await,
            Provider::Stripe => {
                let call = self.stripe()?.cancel(payment_id, idempotency_key);
                patient(STRIPE_BOOKS, call).await
            }
        }
    }

    /// Gives money back with `provider`; see [`PaymentProvider::refund`].
    pub async fn refund(
        &self,
        provider: Provider,
        refund: &Refund<'_>,
    ) -> Result<ProviderRefund, PaymentError> {
        match provider {
            Provider::Test => patient(TEST, self.test.refund(refund)).await,
            Provider::Stripe => patient(STRIPE_BOOKS, self.stripe()?.refund(refund)).await,
        }
    }

    /// Looks a payment up with `provider`; see [`PaymentProvider::payment`].
    pub async fn payment(
        &self,
        provider: Provider,
        payment_id: &str,
    ) -> Result<Option<ProviderPayment>, PaymentError> {
        match provider {
            Provider::Test => patient(TEST, self.test.payment(payment_id)).await,
            Provider::Stripe => patient(STRIPE_BOOKS, self.stripe()?.payment(payment_id)).await,
        }
    }

    /// Reads an event that `provider` has delivered. `signature` is the header in which it signs
    /// (for Stripe `Stripe-Signature`), `body` the bytes as they came. That an event is delivered
    /// again is for the caller to notice, by its id.
    pub async fn verify_event(
        &self,
        provider: Provider,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, EventError> {
        match (provider, &self.stripe) {
            (Provider::Stripe, Some(stripe)) => stripe.verify_event(signature, body, now).await,
            (Provider::Stripe, None) | (Provider::Test, _) => Err(EventError::NotOffered),
        }
    }

    fn stripe(&self) -> Result<&Stripe, PaymentError> {
        self.stripe
            .as_ref()
            .ok_or_else(|| PaymentError::Refused("stripe is not set up".into()))
    }
}

async fn patient<T>(
    patience: Duration,
    call: impl Future<Output = Result<T, PaymentError>>,
) -> Result<T, PaymentError> {
    timeout(patience, call)
        .await
        .unwrap_or_else(|_| Err(PaymentError::Unavailable("no answer in time".into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stripe_is_refused_until_it_is_set_up() {
        let providers = PaymentProviders::default();
        let refused = providers.payment(Provider::Stripe, "pi_1").await;
        assert_eq!(
            refused,
            Err(PaymentError::Refused("stripe is not set up".into()))
        );
        for provider in [Provider::Test, Provider::Stripe] {
            let event = providers
                .verify_event(provider, None, b"", Timestamp::UNIX_EPOCH)
                .await;
            assert_eq!(event, Err(EventError::NotOffered));
        }
    }

    #[test]
    fn what_grants_something_is_not_printed() {
        let authorisation = Authorisation {
            order_id: "o",
            idempotency_key: "k",
            amount: Money::new(1, "USD".parse().unwrap()),
            token: Some("pm_of_a_customer"),
            attempt: 1,
        };
        let payment = ProviderPayment {
            payment_id: "pi_1".into(),
            order_id: None,
            amount: 1,
            currency: "USD".into(),
            state: PaymentState::RequiresAction,
            client_secret: Some("pi_1_secret_x".into()),
        };
        let printed = format!("{authorisation:?} {payment:?}");
        assert!(!printed.contains("pm_of") && !printed.contains("_secret_x"));
    }
}
