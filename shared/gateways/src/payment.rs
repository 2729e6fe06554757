//! Taking money.

use std::{future::Future, time::Duration};

use domain::{money::Money, payment::Provider};
use tokio::time::timeout;

/// How long a provider may take for one answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Money to take.
#[derive(Clone, Debug)]
pub struct Charge<'a> {
    /// The same for every attempt at the same charge: the provider takes the money once.
    pub idempotency_key: &'a str,
    /// How much.
    pub amount: Money,
    /// The provider's token for the customer's means of payment.
    pub token: &'a str,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// Why no money was taken, or why that is not known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CaptureError {
    /// The provider said no; asking again will not help.
    #[error("the provider declined")]
    Declined,
    /// No answer, or none that settles it; the money may have been taken.
    #[error("the provider gave no answer: {0}")]
    Unavailable(&'static str),
}

/// Someone who takes money.
pub trait PaymentProvider {
    /// Takes the money, once for each idempotency key. Answers with the provider's name for the
    /// charge.
    fn capture(
        &self,
        charge: &Charge<'_>,
    ) -> impl Future<Output = Result<String, CaptureError>> + Send;

    /// Makes sure that a charge of unknown outcome takes no money, now or later.
    fn cancel(
        &self,
        idempotency_key: &str,
    ) -> impl Future<Output = Result<(), CaptureError>> + Send;
}

/// The built-in provider for trying things out. It moves no money and keeps no state; its tokens
/// say what happens.
///
/// | token | outcome |
/// | --- | --- |
/// | `tok_ok` | captured |
/// | `tok_flaky` | no answer at first, captured when tried again |
/// | `tok_timeout` | never an answer |
/// | anything else, such as `tok_declined` | declined |
#[derive(Clone, Copy, Debug, Default)]
pub struct TestProvider;

impl PaymentProvider for TestProvider {
    async fn capture(&self, charge: &Charge<'_>) -> Result<String, CaptureError> {
        match charge.token {
            "tok_ok" => Ok(charge_id(charge)),
            "tok_flaky" if charge.attempt < 2 => {
                Err(CaptureError::Unavailable("an internal error"))
            }
            "tok_flaky" => Ok(charge_id(charge)),
            "tok_timeout" => std::future::pending().await,
            _ => Err(CaptureError::Declined),
        }
    }

    async fn cancel(&self, _: &str) -> Result<(), CaptureError> {
        Ok(())
    }
}

fn charge_id(charge: &Charge<'_>) -> String {
    format!("test_{}", charge.idempotency_key)
}

/// Every provider of the shop, each with the same patience.
#[derive(Clone, Copy, Debug, Default)]
pub struct PaymentProviders {
    test: TestProvider,
}

impl PaymentProviders {
    /// Takes the money with `provider`; see [`PaymentProvider::capture`].
    pub async fn capture(
        &self,
        provider: Provider,
        charge: &Charge<'_>,
    ) -> Result<String, CaptureError> {
        match provider {
            Provider::Test => patient(self.test.capture(charge)).await,
        }
    }

    /// Cancels with `provider`; see [`PaymentProvider::cancel`].
    pub async fn cancel(
        &self,
        provider: Provider,
        idempotency_key: &str,
    ) -> Result<(), CaptureError> {
        match provider {
            Provider::Test => patient(self.test.cancel(idempotency_key)).await,
        }
    }
}

async fn patient<T>(
    call: impl Future<Output = Result<T, CaptureError>>,
) -> Result<T, CaptureError> {
    timeout(PATIENCE, call)
        .await
        .unwrap_or(Err(CaptureError::Unavailable("no answer in time")))
}
