//! What the payment functions share: one way to bring an order and its payment together, whoever
//! notices that they differ.
//!
//! Money moves in two steps. First it is reserved at the provider and the order notes it
//! ([`Order::authorised`]): from then on nobody expires or cancels the order. Only then it is taken.
//! So money is taken for reserved stock alone, and whatever dies between two steps is taken up by the
//! next delivery, with the same idempotency keys (docs/adr/0010).

use std::{future::Future, time::Duration};

use domain::{
    breaker::{Admission, COOLDOWN},
    event::Envelope,
    id::OrderId,
    money::Money,
    order::{ChangeError, Order, OrderStatus, RefundStatus, Transition},
    payment::{PaymentFailure, PaymentStatus, Provider},
};
use gateways::{
    payment::{
        Authorisation, PaymentError, PaymentProviders, PaymentState, ProviderPayment, Refund,
        RefundState, STRIPE, Stripe,
    },
    secrets::Secret,
};
use jiff::Timestamp;
use queue::Queues;
use runtime::{ConsumeError, Delivery, Environment, SdkConfigError};
use store::{ChangeOutcome, Consistency, Store, StoreError};

/// After so many deliveries without an answer of the provider an order fails. Fewer than the queue
/// delivers, so that it is decided here and not by a dead-letter queue.
pub const ATTEMPTS: u32 = 4;
/// How often an order is read anew because somebody else changed it meanwhile.
const ROUNDS: u32 = 6;
/// After so many deliveries nobody asks any more what became of a payment without an answer.
const QUESTIONS: u32 = 10;

/// Orders and their payments.
pub struct Payments {
    /// The table.
    pub store: Store,
    /// Who takes the money.
    pub providers: PaymentProviders,
}

/// The queue that a consumer reads, for messages that have to wait for its provider.
pub struct OwnQueue {
    queues: Queues,
    url: String,
}

impl OwnQueue {
    /// The queue at `url`.
    pub fn new(environment: &Environment, url: &str) -> Result<Self, SdkConfigError> {
        Ok(Self {
            queues: Queues::new(&environment.sdk_config()?),
            url: url.to_owned(),
        })
    }

    /// Has a message come back as a new one, so that waiting for the provider's breaker does not use up
    /// its deliveries. One that was requeued too often fails instead, like any other message.
    pub async fn requeue(
        &self,
        delivery: &Delivery<Envelope>,
        wait: Duration,
    ) -> Result<(), ConsumeError> {
        let message = &delivery.message;
        let again = message
            .requeue(delivery.attempt)
            .ok_or("the provider is left alone, and the message was requeued too often")?;
        let delay = requeue_delay(wait, message.requeues);
        self.queues
            .send_delayed(&self.url, &[(&again, delay)])
            .await?;
        Ok(())
    }
}

/// How long a message waits that was requeued so often before: at first as long as the breaker says,
/// then twice its cooldown, and twice as long each time, up to what SQS allows. All requeues together
/// outlast an outage of an hour and a half.
fn requeue_delay(wait: Duration, requeues: u32) -> Duration {
    let grown = match requeues {
        0 => Duration::ZERO,
        _ => COOLDOWN
            .unsigned_abs()
            .saturating_mul(1_u32.checked_shl(requeues).unwrap_or(u32::MAX)),
    };
    wait.max(grown).min(queue::MAX_DELAY)
}

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Done,
    /// The same again after a while: the provider is left alone until then.
    Wait(Duration),
    /// Nothing, as the payment does not go together with the order; the log says how.
    Refused,
}

/// Why a call of a provider has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It is left alone for so long.
    #[error("the provider is left alone for {0:?}")]
    Open(Duration),
    /// It answered, or did not.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The breaker cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Payments {
    /// With the providers that the environment sets up: the test provider, and Stripe if
    /// `STRIPE_SECRET_NAME` names its keys.
    pub fn connect(environment: &Environment) -> Result<Self, Box<dyn std::error::Error>> {
        let stripe = match environment.get("STRIPE_SECRET_NAME") {
            Some(name) => {
                let secret = Secret::new(&environment.sdk_config()?, name);
                // Another address is for stand-ins of tests.
                let address = environment.get("STRIPE_ADDRESS").unwrap_or(STRIPE);
                Some(Stripe::new(address, secret)?)
            }
            None => None,
        };
        Ok(Self {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            providers: PaymentProviders::new(stripe),
        })
    }

    /// Takes the money for a placed order, or ends it.
    pub async fn collect(
        &self,
        order_id: OrderId,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        let order = self.store.order(order_id, Consistency::Strong).await?;
        let order = order.ok_or_else(|| format!("there is no order {order_id}"))?;
        match (order.status(), order.payment.status) {
            (OrderStatus::PendingPayment, PaymentStatus::Pending) => {
                if order.totals.total.amount == 0 {
                    return self
                        .note(order, |order| order.captured("free", 0, now))
                        .await;
                }
                // The time is up: whoever ends the order is on the way.
                if now >= order.due_at && attempt == 1 {
                    return Ok(Next::Done);
                }
                self.authorise(order, attempt, now).await
            }
            (OrderStatus::PendingPayment, PaymentStatus::Authorised) => {
                self.capture(order, attempt, now).await
            }
            // An earlier delivery may have reserved money and died before the order knew.
            _ if attempt > 1 && order.closed.is_some() && order.payment.payment_id.is_none() => {
                self.let_go(order, attempt, now).await
            }
            _ => Ok(Next::Done),
        }
    }

    /// Brings an order to where its payment is, by the provider's own word.
    pub async fn follow(
        &self,
        order: Order,
        payment: ProviderPayment,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        if let Some(mismatch) = mismatch(&order, &payment) {
            tracing::error!(order.id = %order.id, payment.mismatch = mismatch, "payment refused");
            runtime::metric("PaymentMismatch", 1);
            return Ok(Next::Refused);
        }
        let id = &payment.payment_id;
        match payment.state {
            PaymentState::RequiresAction | PaymentState::Processing => {
                let secret = payment.client_secret.clone();
                self.note(order, |order| {
                    order.action_required(id, secret.clone(), now)
                })
                .await
            }
            PaymentState::Authorised => self.authorised(order, &payment, now).await,
            // All of the order's money was asked for: nothing is no answer.
            PaymentState::Captured { amount: 0, .. } if order.totals.total.amount > 0 => {
                Err("the provider has captured nothing, it says; it is asked again".into())
            }
            PaymentState::Captured { amount, .. } => self.captured(order, id, amount, now).await,
            PaymentState::Cancelled => {
                let failure = PaymentFailure::Cancelled;
                self.note(order, |order| order.payment_failed(failure, now))
                    .await
            }
            // The customer may try again, until the order expires.
            PaymentState::Failed { .. } => Ok(Next::Done),
        }
    }

    /// Gives back what an order should not keep: refunds that were asked for, and money that is
    /// reserved for an order that is over.
    pub async fn give_back(
        &self,
        order_id: OrderId,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        let order = self.store.order(order_id, Consistency::Strong).await?;
        let order = order.ok_or_else(|| format!("there is no order {order_id}"))?;
        if order.took_money() {
            return self.refund(order, attempt, now).await;
        }
        let unknown = order.payment.failure == Some(PaymentFailure::ProviderUnavailable);
        if order.closed.is_some() && (order.payment.payment_id.is_some() || unknown) {
            return self.let_go(order, attempt, now).await;
        }
        Ok(Next::Done)
    }

    async fn authorise(
        &self,
        order: Order,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        match self.ask_to_authorise(&order, attempt, now).await {
            Ok(payment) => self.follow(order, payment, now).await,
            Err(CallError::Open(wait)) => Ok(Next::Wait(wait)),
            Err(CallError::Store(error)) => Err(error.into()),
            Err(CallError::Payment(PaymentError::Declined { .. })) => {
                self.fail(order, PaymentFailure::Declined, now).await
            }
            Err(CallError::Payment(PaymentError::Refused(words))) => {
                tracing::error!(order.id = %order.id, error = %words, "the provider refused");
                self.fail(order, PaymentFailure::ProviderUnavailable, now)
                    .await
            }
            Err(error) if attempt < ATTEMPTS => Err(error.into()),
            // Whether money is reserved is found out when it is let go.
            Err(_) => {
                self.fail(order, PaymentFailure::ProviderUnavailable, now)
                    .await
            }
        }
    }

    async fn ask_to_authorise(
        &self,
        order: &Order,
        attempt: u32,
        now: Timestamp,
    ) -> Result<ProviderPayment, CallError> {
        let id = order.id.to_string();
        let authorisation = Authorisation {
            order_id: &id,
            idempotency_key: &id,
            amount: order.totals.total,
            token: order.payment.method.token.as_deref(),
            attempt,
        };
        let provider = order.payment.method.provider;
        let call = self.providers.authorise(provider, &authorisation);
        self.guarded(provider, attempt, now, call).await
    }

    /// The provider holds the money: the order notes it, then the money is taken.
    async fn authorised(
        &self,
        mut order: Order,
        payment: &ProviderPayment,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        for _ in 0..ROUNDS {
            match order.authorised(&payment.payment_id, now) {
                Ok(change) => match self.store.change_order(&change, None).await? {
                    ChangeOutcome::Changed => return self.capture(change.order, 1, now).await,
                    ChangeOutcome::NoStock => {
                        return self.cancel(order, &payment.payment_id, now).await;
                    }
                    _ => order = self.reread(&order).await?,
                },
                Err(ChangeError::AlreadyDone) => return self.capture(order, 1, now).await,
                Err(_) if order.took_money() => return Ok(Next::Done),
                // It is over, and its goods are gone.
                Err(_) => return self.cancel(order, &payment.payment_id, now).await,
            }
        }
        Err(overtaken())
    }

    /// The order notes that the money is ours; for an order without goods it goes back.
    async fn captured(
        &self,
        mut order: Order,
        payment_id: &str,
        amount: i64,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        for _ in 0..ROUNDS {
            let mut change = match order.captured(payment_id, amount, now) {
                Err(ChangeError::AlreadyDone) => return Ok(Next::Done),
                change => change,
            };
            if let Ok(honoured) = &change {
                match self.store.change_order(honoured, None).await? {
                    ChangeOutcome::Changed => {
                        settled(&honoured.order);
                        return Ok(Next::Done);
                    }
                    ChangeOutcome::NoStock => change = Err(ChangeError::NothingLeft),
                    _ => {
                        order = self.reread(&order).await?;
                        continue;
                    }
                }
            }
            if change.is_err() {
                let Ok(in_vain) = order.captured_in_vain(payment_id, amount, now) else {
                    return Ok(Next::Done);
                };
                if let ChangeOutcome::Changed = self.store.change_order(&in_vain, None).await? {
                    runtime::metric("PaymentInVain", 1);
                    settled(&in_vain.order);
                    return Ok(Next::Done);
                }
                order = self.reread(&order).await?;
            }
        }
        Err(overtaken())
    }

    /// Takes what is reserved for an order that has noted it.
    async fn capture(
        &self,
        order: Order,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        let provider = order.payment.method.provider;
        let payment_id = order.payment.payment_id.clone().unwrap_or_default();
        let key = format!("{}.capture", order.id);
        let call = self
            .providers
            .capture(provider, &payment_id, &key, order.totals.total);
        match self.guarded(provider, attempt, now, call).await {
            Ok(payment) => match payment.state {
                PaymentState::Captured { amount, .. } => {
                    self.captured(order, &payment.payment_id, amount, now).await
                }
                PaymentState::Cancelled | PaymentState::Failed { .. } => {
                    self.fail(order, PaymentFailure::Cancelled, now).await
                }
                state => Err(format!("a capture ended as {state:?}").into()),
            },
            Err(CallError::Open(wait)) => Ok(Next::Wait(wait)),
            Err(CallError::Store(error)) => Err(error.into()),
            Err(CallError::Payment(PaymentError::Unavailable(words))) if attempt < ATTEMPTS => {
                Err(words.into())
            }
            // It will not be taken: then it must not be held either.
            Err(CallError::Payment(error)) => {
                tracing::error!(order.id = %order.id, error = %error, "capture given up");
                self.cancel(order, &payment_id, now).await
            }
        }
    }

    /// Lets go of the money of an order that is over. What was taken meanwhile is noted instead.
    async fn let_go(
        &self,
        order: Order,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        if let Some(payment_id) = order.payment.payment_id.clone() {
            return self.cancel(order, &payment_id, now).await;
        }
        // The same call again, with the same key, tells what became of it.
        match self.ask_to_authorise(&order, attempt.max(2), now).await {
            Ok(payment) => self.cancel(order, &payment.payment_id, now).await,
            Err(CallError::Open(wait)) => Ok(Next::Wait(wait)),
            Err(CallError::Payment(PaymentError::Declined { .. } | PaymentError::Refused(_))) => {
                Ok(Next::Done)
            }
            // Whatever it is about this payment, it must not go on for ever. What the provider may
            // hold it lets go by itself in days; its event, should one come, is acted on.
            Err(CallError::Payment(error)) if attempt >= QUESTIONS => {
                tracing::error!(order.id = %order.id, error = %error, "payment without an answer");
                runtime::metric("PaymentUnknown", 1);
                Ok(Next::Done)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn cancel(
        &self,
        order: Order,
        payment_id: &str,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        let provider = order.payment.method.provider;
        let key = format!("{}.cancel", order.id);
        let call = self.providers.cancel(provider, payment_id, &key);
        match self.guarded(provider, 1, now, call).await {
            Ok(payment) => match payment.state {
                PaymentState::Captured { amount, .. } => {
                    self.captured(order, payment_id, amount, now).await
                }
                _ if order.closed.is_some() => Ok(Next::Done),
                _ => {
                    self.fail(order, PaymentFailure::ProviderUnavailable, now)
                        .await
                }
            },
            Err(CallError::Open(wait)) => Ok(Next::Wait(wait)),
            Err(error) => Err(error.into()),
        }
    }

    async fn refund(
        &self,
        mut order: Order,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        let provider = order.payment.method.provider;
        let currency = order.totals.total.currency;
        let payment_id = order.payment.payment_id.clone().unwrap_or_default();
        for refund in order.refunds.clone() {
            if refund.status != RefundStatus::Requested {
                continue;
            }
            let key = refund.id.to_string();
            let wanted = Refund {
                payment_id: &payment_id,
                idempotency_key: &key,
                amount: Money::new(refund.amount, currency),
            };
            let call = self.providers.refund(provider, &wanted);
            let succeeded = match self.guarded(provider, attempt, now, call).await {
                Ok(answer) => match answer.state {
                    // The provider answers for a pending one, too.
                    RefundState::Succeeded | RefundState::Pending => true,
                    RefundState::Failed { .. } => false,
                },
                Err(CallError::Payment(
                    PaymentError::Declined { .. } | PaymentError::Refused(_),
                )) => false,
                Err(CallError::Open(wait)) => return Ok(Next::Wait(wait)),
                Err(error) => return Err(error.into()),
            };
            if !succeeded {
                tracing::error!(order.id = %order.id, refund.id = %refund.id, "refund failed");
                runtime::metric("RefundFailed", 1);
            }
            self.note(order.clone(), |order| {
                order.refund_settled(refund.id, succeeded, now)
            })
            .await?;
            order = self.reread(&order).await?;
        }
        Ok(Next::Done)
    }

    async fn fail(
        &self,
        order: Order,
        failure: PaymentFailure,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        self.note(order, |order| order.payment_failed(failure, now))
            .await
    }

    /// Writes a change, decided anew as often as somebody else was faster. What cannot be any more
    /// has been decided otherwise.
    async fn note(
        &self,
        mut order: Order,
        decide: impl Fn(&Order) -> Result<Transition, ChangeError>,
    ) -> Result<Next, ConsumeError> {
        for _ in 0..ROUNDS {
            let Ok(change) = decide(&order) else {
                return Ok(Next::Done);
            };
            if let ChangeOutcome::Changed = self.store.change_order(&change, None).await? {
                settled(&change.order);
                return Ok(Next::Done);
            }
            order = self.reread(&order).await?;
        }
        Err(overtaken())
    }

    async fn reread(&self, order: &Order) -> Result<Order, ConsumeError> {
        let order = self.store.order(order.id, Consistency::Strong).await?;
        order.ok_or_else(|| "the order is gone".into())
    }

    /// A call of a provider through its circuit breaker. Only first attempts count as failures of the
    /// provider: one payment that fails again and again is no reason to stop all others.
    pub async fn guarded<T>(
        &self,
        provider: Provider,
        attempt: u32,
        now: Timestamp,
        call: impl Future<Output = Result<T, PaymentError>>,
    ) -> Result<T, CallError> {
        let name = provider.name();
        let breaker = self.store.breaker(name).await?;
        let admission = breaker.admit(now);
        match admission {
            Admission::Closed => {}
            Admission::Open(wait) => return Err(CallError::Open(wait.unsigned_abs())),
            Admission::HalfOpen => {
                if !self.store.claim_attempt(name, breaker, now).await? {
                    let wait = COOLDOWN.unsigned_abs();
                    return Err(CallError::Open(wait));
                }
            }
        }
        let answer = call.await;
        match &answer {
            Err(PaymentError::Unavailable(words))
                if attempt > 1 && admission == Admission::Closed =>
            {
                tracing::warn!(provider = name, error = %words, "provider failed again");
            }
            Err(PaymentError::Unavailable(words)) => {
                let after = self.store.note_failure(name, now).await?;
                tracing::warn!(provider = name, error = %words, provider.failures = after.failures, "provider failed");
                if after.open_until.is_some() {
                    runtime::metric("ProviderLeftAlone", 1);
                }
            }
            _ if breaker.failures > 0 => self.store.close_breaker(name).await?,
            _ => {}
        }
        Ok(answer?)
    }
}

/// How a payment does not fit its order, if it does not.
fn mismatch(order: &Order, payment: &ProviderPayment) -> Option<&'static str> {
    let total = order.totals.total;
    let of_order = payment
        .order_id
        .as_ref()
        .is_none_or(|id| *id == order.id.to_string());
    let known = &order.payment.payment_id;
    if !of_order {
        Some("it is for another order")
    } else if known
        .as_ref()
        .is_some_and(|known| *known != payment.payment_id)
    {
        Some("the order has another payment")
    } else if payment.amount != total.amount {
        Some("it is of another amount")
    } else if !payment
        .currency
        .eq_ignore_ascii_case(&total.currency.to_string())
    {
        Some("it is in another currency")
    } else {
        None
    }
}

fn settled(order: &Order) {
    tracing::info!(
        order.id = %order.id,
        order.status = order.status().as_str(),
        order.version = order.version,
        request.id = %order.trace_id,
        "order changed"
    );
}

fn overtaken() -> ConsumeError {
    "the order is changed by others again and again".into()
}

#[cfg(test)]
mod tests {
    use domain::event::MAX_REQUEUES;

    use super::*;

    #[test]
    fn requeues_wait_longer_each_time_and_outlast_an_hour_and_a_half() {
        let wait = Duration::from_secs(30);
        let delays: Vec<u64> = (0..MAX_REQUEUES)
            .map(|requeues| requeue_delay(wait, requeues).as_secs())
            .collect();
        assert_eq!(
            delays,
            [30, 60, 120, 240, 480, 900, 900, 900, 900, 900],
            "in seconds"
        );
        // The breaker may be about to let somebody try when the message meets it each time.
        let least: Duration = (0..MAX_REQUEUES)
            .map(|requeues| requeue_delay(Duration::ZERO, requeues))
            .sum();
        assert!(least >= Duration::from_secs(5_400), "{least:?}");
        assert_eq!(requeue_delay(wait, u32::MAX), queue::MAX_DELAY);
    }
}
