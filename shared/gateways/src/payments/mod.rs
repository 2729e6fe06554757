//! Authorizes, captures, voids and refunds payments, independent of the provider.
//!
//! A payment is authorized first and captured later, so that only goods in stock are paid for. Every
//! call that changes something has an idempotency key: repeating the call has no second effect, as long as
//! the provider remembers the key. Messages live longer: what a forgotten key began is found by the ids that
//! payments and refunds carry ([`PaymentProvider::find_payment`], [`PaymentProvider::find_refund`]).

use std::{fmt, future::Future, time::Duration};

use domain::{money::Money, payments::Provider};
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

mod signature;
mod stripe;
mod test_provider;

pub use stripe::{InvalidStripe, STRIPE, Stripe};
pub use test_provider::TestProvider;

/// For how long repeating a call with its key is known to have no second effect. Stripe keeps keys for at least
/// 24 hours; the rest is for clocks and calls that take their time.
pub const KEYS_REMEMBERED: SignedDuration = SignedDuration::from_hours(20);

/// A payment to authorize.
#[derive(Clone)]
pub struct Authorisation<'a> {
    /// The order to pay for; the provider stores it with the payment.
    pub order_id: &'a str,
    /// Identical for all attempts, so that the payment is only authorized once.
    pub idempotency_key: &'a str,
    /// Amount to authorize.
    pub amount: Money,
    /// The provider's token for the customer's payment method; `None` if the customer's client will
    /// confirm the payment with the provider.
    pub token: Option<&'a str>,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

/// Omits the token, as anyone who has it may use it.
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

/// State of a payment at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// The customer has to confirm the payment, and has not begun to.
    RequiresAction,
    /// The customer has begun to confirm: the provider has a payment method, and the bank asks the customer.
    Confirming,
    /// The provider does not know the result yet.
    Processing,
    /// Authorized: the money is held, nothing is captured.
    Authorised,
    /// Captured; nothing is held any more.
    Captured {
        /// Captured amount in minor units.
        amount: i64,
        /// Refunded amount in minor units, without the part of the authorization that was never
        /// captured.
        refunded: i64,
    },
    /// Voided: nothing is held, and nothing will be.
    Cancelled,
    /// The last attempt failed and nothing is held. A customer's client that has the payment's secret
    /// may try again until the payment is voided.
    Failed {
        /// The provider's error code.
        code: String,
    },
}

/// A payment as the provider reports it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderPayment {
    /// The provider's id of the payment.
    pub payment_id: String,
    /// The order it is for, if the provider knows it.
    pub order_id: Option<String>,
    /// Requested amount in minor units.
    pub amount: i64,
    /// ISO 4217 currency code, in upper case.
    pub currency: String,
    /// Current state of the payment.
    pub state: PaymentState,
    /// Secret with which the customer's client confirms the payment; for that customer only.
    pub client_secret: Option<String>,
}

/// Omits the client secret, as anyone who has it may act on the payment.
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

/// A refund to execute.
#[derive(Clone, Debug)]
pub struct Refund<'a> {
    /// The captured payment to refund.
    pub payment_id: &'a str,
    /// The shop's id of the refund. It is the idempotency key, so that the refund is only made once, and the
    /// provider stores it with the refund.
    pub refund_id: &'a str,
    /// Amount to refund.
    pub amount: Money,
}

/// State of a refund at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// The refund is on its way, guaranteed by the provider.
    Succeeded,
    /// Not settled yet; a webhook event will follow.
    Pending,
    /// The refund failed, so the amount must be returned in another way.
    Failed {
        /// The provider's error code.
        code: String,
    },
}

/// A refund as the provider reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRefund {
    /// The provider's id of the refund.
    pub refund_id: String,
    /// Current state of the refund.
    pub state: RefundState,
}

/// Why a call has no result.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PaymentError {
    /// The bank or the provider declined; a retry does not help.
    #[error("the provider declined the payment: {code}")]
    Declined {
        /// The provider's error code.
        code: String,
    },
    /// The provider will never accept this request: a bug, or wrong keys.
    #[error("the provider rejected the request: {0}")]
    Refused(String),
    /// No conclusive response: the call may have taken effect. Repeating it with the same idempotency
    /// key finds out.
    #[error("the provider gave no conclusive answer: {0}")]
    Unavailable(String),
}

/// A webhook event. It only triggers a look at the payment ([`PaymentProvider::payment`]), as events
/// may be late, duplicated and out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Identical for all deliveries of an event.
    pub event_id: String,
    /// The provider's type of the event, such as `payment_intent.succeeded`.
    pub kind: String,
    /// Id of the payment, if the event concerns one.
    pub payment_id: Option<String>,
    /// Id of the payment's order, if the event names it.
    pub order_id: Option<String>,
    /// Time at which the provider created the event.
    pub created_at: Timestamp,
}

/// Why a webhook delivery is rejected.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventError {
    /// The signature is missing, or not valid.
    #[error("the signature is missing or not valid")]
    Signature,
    /// The signature is valid, but its timestamp is out of tolerance.
    #[error("the signature's timestamp is too old or in the future")]
    Stale,
    /// The signature is valid, but the body is not an event.
    #[error("the event cannot be parsed: {0}")]
    Unreadable(String),
    /// The provider does not send events, or is not configured.
    #[error("this provider does not send events")]
    NotOffered,
    /// The keys could not be read; the provider will deliver the event again.
    #[error("the signature cannot be verified now: {0}")]
    Unavailable(String),
}

/// A service that authorizes, captures, voids and refunds payments.
pub trait PaymentProvider: Send + Sync {
    /// Authorizes a payment without capturing it, once per idempotency key. Returns the current state
    /// of the payment, even if an earlier call started it.
    fn authorise(
        &self,
        authorisation: &Authorisation<'_>,
    ) -> impl Future<Output = Result<ProviderPayment, PaymentError>> + Send;

    /// Captures all or part of the authorized amount; the rest is released. Returns the resulting
    /// state: if the payment was captured or voided before, that state.
    fn capture(
        &self,
        payment_id: &str,
        idempotency_key: &str,
        amount: Money,
    ) -> impl Future<Output = Result<ProviderPayment, PaymentError>> + Send;

    /// Voids an authorization and prevents a later one. If the payment was captured before, that is not
    /// an error: the result is `Captured`.
    fn cancel(
        &self,
        payment_id: &str,
        idempotency_key: &str,
    ) -> impl Future<Output = Result<ProviderPayment, PaymentError>> + Send;

    /// Refunds a captured payment, once per id of a refund, as long as the provider remembers the key
    /// ([`KEYS_REMEMBERED`]).
    fn refund(
        &self,
        refund: &Refund<'_>,
    ) -> impl Future<Output = Result<ProviderRefund, PaymentError>> + Send;

    /// The refund of a payment that was made with the shop's id of a refund, however long ago; `None` if there
    /// is none.
    fn find_refund(
        &self,
        payment_id: &str,
        refund_id: &str,
    ) -> impl Future<Output = Result<Option<ProviderRefund>, PaymentError>> + Send;

    /// The payment that was authorized for an order, however long ago; of several, the one that holds or took
    /// money. `None` if there is none, or if the provider cannot tell, as it has no memory. A payment of the
    /// last minutes may be missing.
    fn find_payment(
        &self,
        order_id: &str,
    ) -> impl Future<Output = Result<Option<ProviderPayment>, PaymentError>> + Send;

    /// The current state of a payment; `None` if no payment has this id.
    fn payment(
        &self,
        payment_id: &str,
    ) -> impl Future<Output = Result<Option<ProviderPayment>, PaymentError>> + Send;
}

/// Timeout of the test provider, which makes no calls.
const TEST: Duration = Duration::from_secs(2);
/// Timeout of Stripe for an authorization or a capture. Stripe asks the customer's bank meanwhile,
/// which can take seconds, and abandoning the call costs another attempt. Two such calls and the writes
/// after them fit into the function's 30 s.
const STRIPE_MOVES: Duration = Duration::from_secs(8);
/// Timeout of Stripe for calls that do not involve a bank.
const STRIPE_BOOKS: Duration = Duration::from_secs(5);

/// All payment providers of the shop, each with its own timeouts. `T` is called for
/// [`Provider::Test`]: the built-in provider, or in unit tests one with prepared answers.
#[derive(Clone, Debug)]
pub struct PaymentProviders<T = TestProvider> {
    test: T,
    stripe: Option<Stripe>,
}

impl PaymentProviders {
    /// The test provider, and Stripe if it is configured.
    pub fn new(stripe: Option<Stripe>) -> Self {
        Self {
            test: TestProvider,
            stripe,
        }
    }
}

impl<T: PaymentProvider> PaymentProviders<T> {
    /// Only `test`, in place of the built-in test provider.
    pub fn of(test: T) -> Self {
        Self { test, stripe: None }
    }

    /// Authorizes a payment with `provider`; see [`PaymentProvider::authorise`].
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

    /// Captures a payment with `provider`; see [`PaymentProvider::capture`].
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

    /// Voids a payment with `provider`; see [`PaymentProvider::cancel`].
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

    /// Refunds a payment with `provider`; see [`PaymentProvider::refund`].
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

    /// Finds a refund at `provider`; see [`PaymentProvider::find_refund`].
    pub async fn find_refund(
        &self,
        provider: Provider,
        payment_id: &str,
        refund_id: &str,
    ) -> Result<Option<ProviderRefund>, PaymentError> {
        match provider {
            Provider::Test => patient(TEST, self.test.find_refund(payment_id, refund_id)).await,
            Provider::Stripe => {
                let call = self.stripe()?.find_refund(payment_id, refund_id);
                patient(STRIPE_BOOKS, call).await
            }
        }
    }

    /// Finds the payment of an order at `provider`; see [`PaymentProvider::find_payment`].
    pub async fn find_payment(
        &self,
        provider: Provider,
        order_id: &str,
    ) -> Result<Option<ProviderPayment>, PaymentError> {
        match provider {
            Provider::Test => patient(TEST, self.test.find_payment(order_id)).await,
            Provider::Stripe => patient(STRIPE_BOOKS, self.stripe()?.find_payment(order_id)).await,
        }
    }

    /// Reads a payment from `provider`; see [`PaymentProvider::payment`].
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

    /// Verifies and parses a webhook event of `provider`. `signature` is the header with the signature
    /// (`Stripe-Signature` for Stripe), `body` the unparsed body. The caller has to detect duplicates
    /// by the event's id.
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
        let providers = PaymentProviders::new(None);
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
