//! Brings an order in line with its payment at the provider.
//!
//! A payment takes two steps. It is authorized and the order records that ([`Order::authorised`]),
//! which keeps the order from expiring or being canceled; only then it is captured. So only reserved
//! stock is ever paid for, and if a process dies between two steps, the next delivery continues with
//! the same idempotency keys (docs/adr/0010).

use std::{future::Future, time::Duration};

use domain::{
    event::Envelope,
    id::OrderId,
    money::Money,
    orders::{ChangeError, Order, OrderStatus, RefundStatus, Transition},
    payments::{
        PaymentFailure, PaymentStatus, Provider,
        breaker::{Admission, COOLDOWN, THRESHOLD},
    },
};
use gateways::{
    payments::{
        Authorisation, KEYS_REMEMBERED, PaymentError, PaymentProvider, PaymentProviders,
        PaymentState, ProviderPayment, ProviderRefund, Refund, RefundState, STRIPE, Stripe,
        TestProvider,
    },
    secrets::Secret,
};
use jiff::Timestamp;
use queue::Queues;
use runtime::{ConsumeError, Delivery, Environment, SdkConfigError};
use store::{ChangeOutcome, Consistency, Store, StoreError};

/// Calls without an answer of the provider after which an order fails. Calls and not deliveries: these also
/// count when the table was unreachable or no function was free. Below the queue's limit, so that the order
/// is decided here and not sent to the dead-letter queue.
pub const ATTEMPTS: u32 = 4;
/// Attempts to change an order when it changes concurrently.
const ROUNDS: u32 = 6;
/// Calls without an answer after which the state of a payment is no longer queried.
pub const QUESTIONS: u32 = 10;

/// Authorizes, captures, voids and refunds the payments of orders. `T` is the provider that is called
/// for [`Provider::Test`].
pub struct Payments<T = TestProvider> {
    /// The table with orders and circuit breakers.
    pub store: Store,
    /// The payment providers that this shop has configured.
    pub providers: PaymentProviders<T>,
}

/// A consumer's own queue, to which it requeues messages that wait for the circuit breaker.
pub struct OwnQueue {
    queues: Queues,
    url: String,
}

impl OwnQueue {
    /// Opens the queue at `url`.
    pub fn new(environment: &Environment, url: &str) -> Result<Self, SdkConfigError> {
        Ok(Self {
            queues: Queues::new(&environment.sdk_config()?),
            url: url.to_owned(),
        })
    }

    /// Requeues a message as a new one, so that waiting for the circuit breaker does not use up its
    /// deliveries. A message that reached the limit of requeues fails instead, like any other.
    pub async fn requeue(
        &self,
        delivery: &Delivery<Envelope>,
        wait: Duration,
    ) -> Result<(), ConsumeError> {
        let message = &delivery.message;
        let again = message
            .requeue(delivery.attempt)
            .ok_or("the circuit breaker is open, and the message has reached its requeue limit")?;
        // Without randomness the message waits the least time, which is still correct.
        let random = runtime::random_number().unwrap_or_default();
        let delay = requeue_delay(wait, message.requeues, random);
        self.queues
            .send_delayed(&self.url, &[(&again, delay)])
            .await?;
        Ok(())
    }
}

/// Delay of a requeued message: the breaker's remaining time at first, then twice its cooldown,
/// doubling up to the maximum of SQS; by `random` up to a quarter more, as the breaker stops all messages in
/// the same moment. All requeues together outlast an outage of an hour and a half.
fn requeue_delay(wait: Duration, requeues: u32, random: u64) -> Duration {
    let grown = match requeues {
        0 => Duration::ZERO,
        _ => COOLDOWN
            .unsigned_abs()
            .saturating_mul(1_u32.checked_shl(requeues).unwrap_or(u32::MAX)),
    };
    let least = wait.max(grown);
    let more = random % (least.as_secs() / 4 + 1);
    (least + Duration::from_secs(more)).min(queue::MAX_DELAY)
}

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The order and its payment are settled.
    Done,
    /// The circuit breaker is open: retry after this time.
    Wait(Duration),
    /// The payment does not match the order; the log says how.
    Refused,
}

/// Why a call to a provider failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The circuit breaker is open for this long.
    #[error("the circuit breaker is open for another {0:?}")]
    Open(Duration),
    /// The provider returned an error or did not answer.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The circuit breaker's state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Payments {
    /// Connects to the providers that the environment configures: the test provider, and Stripe if
    /// `STRIPE_SECRET_NAME` names the secret with its keys.
    pub fn connect(environment: &Environment) -> Result<Self, Box<dyn std::error::Error>> {
        let stripe = match environment.get("STRIPE_SECRET_NAME") {
            Some(name) => {
                let secret = Secret::new(&environment.sdk_config()?, name);
                // Another endpoint is only used by the stand-ins in tests.
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
}

impl<T: PaymentProvider> Payments<T> {
    /// Authorizes and captures the payment of a placed order, or fails the order. `is_redelivered`: an
    /// earlier delivery may have called the provider and died.
    pub async fn authorize_and_capture(
        &self,
        order_id: OrderId,
        is_redelivered: bool,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        let order = self.store.order(order_id, Consistency::Strong).await?;
        let order = order.ok_or_else(|| format!("order {order_id} not found"))?;
        match (order.status(), order.payment.status) {
            (OrderStatus::PendingPayment, PaymentStatus::Pending) => {
                if order.totals.total.amount == 0 {
                    return self
                        .note(order, |order| order.captured("free", 0, now))
                        .await;
                }
                // Past the due time: the sweep expires the order.
                if now >= order.due_at && !is_redelivered {
                    return Ok(Next::Done);
                }
                self.authorise(order, now).await
            }
            (OrderStatus::PendingPayment, PaymentStatus::Authorised) => {
                self.capture(order, now).await
            }
            // An earlier delivery may have authorized the payment and died before the order recorded
            // it.
            _ if is_redelivered && order.closed.is_some() && order.payment.payment_id.is_none() => {
                self.void(order, now).await
            }
            _ => Ok(Next::Done),
        }
    }

    /// Brings an order to the state of its payment as reported by the provider.
    pub async fn reconcile(
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
            PaymentState::RequiresAction => {
                let secret = payment.client_secret.clone();
                self.note(order, |order| {
                    order.action_required(id, secret.clone(), now)
                })
                .await
            }
            PaymentState::Confirming | PaymentState::Processing => {
                let secret = payment.client_secret.clone();
                self.note(order, |order| order.confirming(id, secret.clone(), now))
                    .await
            }
            PaymentState::Authorised => self.authorised(order, &payment, now).await,
            // The full amount was captured: a zero amount is not a valid answer.
            PaymentState::Captured { amount: 0, .. } if order.totals.total.amount > 0 => {
                Err("the provider reports a captured amount of zero; it is asked again".into())
            }
            PaymentState::Captured { amount, .. } => self.captured(order, id, amount, now).await,
            PaymentState::Cancelled => {
                let failure = PaymentFailure::Cancelled;
                self.note(order, |order| order.payment_failed(failure, now))
                    .await
            }
            // The customer may try again until the order expires.
            PaymentState::Failed { .. } => Ok(Next::Done),
        }
    }

    /// Executes requested refunds, and voids the authorization of a closed order.
    pub async fn refund_or_void(
        &self,
        order_id: OrderId,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        let order = self.store.order(order_id, Consistency::Strong).await?;
        let order = order.ok_or_else(|| format!("order {order_id} not found"))?;
        if order.took_money() {
            return self.refund(order, now).await;
        }
        let unknown = order.payment.failure == Some(PaymentFailure::ProviderUnavailable);
        if order.closed.is_some() && (order.payment.payment_id.is_some() || unknown) {
            return self.void(order, now).await;
        }
        Ok(Next::Done)
    }

    async fn authorise(&self, order: Order, now: Timestamp) -> Result<Next, ConsumeError> {
        let attempt = order.payment.unanswered + 1;
        match self.ask_to_authorise(&order, attempt, now).await {
            Ok(payment) => self.reconcile(order, payment, now).await,
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
            Err(CallError::Payment(error)) => {
                if self.store.count_unanswered(&order).await? < ATTEMPTS {
                    return Err(error.into());
                }
                // Voiding will tell whether the payment was authorized.
                self.fail(order, PaymentFailure::ProviderUnavailable, now)
                    .await
            }
        }
    }

    /// Authorizes the payment, or returns the one that an earlier attempt authorized, also if the provider
    /// has forgotten its key.
    async fn ask_to_authorise(
        &self,
        order: &Order,
        attempt: u32,
        now: Timestamp,
    ) -> Result<ProviderPayment, CallError> {
        if is_forgotten(order.placed_at, now)
            && let Some(payment) = self.find_payment(order, now).await?
        {
            return Ok(payment);
        }
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
        self.with_circuit_breaker(provider, &id, now, call).await
    }

    async fn find_payment(
        &self,
        order: &Order,
        now: Timestamp,
    ) -> Result<Option<ProviderPayment>, CallError> {
        let provider = order.payment.method.provider;
        let id = order.id.to_string();
        let call = self.providers.find_payment(provider, &id);
        self.with_circuit_breaker(provider, &id, now, call).await
    }

    /// Records the authorization in the order, then captures the payment.
    async fn authorised(
        &self,
        mut order: Order,
        payment: &ProviderPayment,
        now: Timestamp,
    ) -> Result<Next, ConsumeError> {
        for _ in 0..ROUNDS {
            match order.authorised(&payment.payment_id, now) {
                Ok(change) => match self.store.change_order(&change, None).await? {
                    ChangeOutcome::Changed => return self.capture(change.order, now).await,
                    ChangeOutcome::NoStock => {
                        return self.cancel(order, &payment.payment_id, now).await;
                    }
                    _ => order = self.reread(&order).await?,
                },
                Err(ChangeError::AlreadyDone) => return self.capture(order, now).await,
                Err(_) if order.took_money() => return Ok(Next::Done),
                // The order is closed and its stock is gone.
                Err(_) => return self.cancel(order, &payment.payment_id, now).await,
            }
        }
        Err(overtaken())
    }

    /// Records the captured amount in the order; if the stock is gone, requests a refund of it.
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
                let Ok(in_vain) = order.captured_after_close(payment_id, amount, now) else {
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

    /// Captures the payment of an order that has recorded its authorization.
    async fn capture(&self, order: Order, now: Timestamp) -> Result<Next, ConsumeError> {
        let provider = order.payment.method.provider;
        let id = order.id.to_string();
        let payment_id = order.payment.payment_id.clone().unwrap_or_default();
        let key = format!("{}.capture", order.id);
        let call = self
            .providers
            .capture(provider, &payment_id, &key, order.totals.total);
        match self.with_circuit_breaker(provider, &id, now, call).await {
            Ok(payment) => match payment.state {
                PaymentState::Captured { amount, .. } => {
                    self.captured(order, &payment.payment_id, amount, now).await
                }
                PaymentState::Cancelled | PaymentState::Failed { .. } => {
                    self.fail(order, PaymentFailure::Cancelled, now).await
                }
                state => Err(format!("the capture ended in the unexpected state {state:?}").into()),
            },
            Err(CallError::Open(wait)) => Ok(Next::Wait(wait)),
            Err(CallError::Store(error)) => Err(error.into()),
            Err(CallError::Payment(error)) => {
                if let PaymentError::Unavailable(words) = &error
                    && self.store.count_unanswered(&order).await? < ATTEMPTS
                {
                    return Err(words.as_str().into());
                }
                // The capture failed for good, so the authorization must be voided.
                tracing::error!(order.id = %order.id, error = %error, "capture given up");
                self.cancel(order, &payment_id, now).await
            }
        }
    }

    /// Voids the payment of a closed order. If it was captured meanwhile, that is recorded instead.
    async fn void(&self, order: Order, now: Timestamp) -> Result<Next, ConsumeError> {
        if let Some(payment_id) = order.payment.payment_id.clone() {
            return self.cancel(order, &payment_id, now).await;
        }
        // Repeating the call with the same idempotency key returns the outcome of the first one. If the key
        // is forgotten, it would start a new payment.
        let attempt = (order.payment.unanswered + 1).max(2);
        let found = if is_forgotten(order.placed_at, now) {
            self.find_payment(&order, now).await
        } else {
            self.ask_to_authorise(&order, attempt, now).await.map(Some)
        };
        match found {
            Ok(Some(payment)) => self.cancel(order, &payment.payment_id, now).await,
            Ok(None) => Ok(Next::Done),
            Err(CallError::Open(wait)) => Ok(Next::Wait(wait)),
            Err(CallError::Payment(PaymentError::Declined { .. } | PaymentError::Refused(_))) => {
                Ok(Next::Done)
            }
            Err(CallError::Payment(error)) => {
                if self.store.count_unanswered(&order).await? < QUESTIONS {
                    return Err(error.into());
                }
                // Stop retrying at some point. The provider releases an authorization by itself within
                // days, and an event about it is still handled.
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
        let id = order.id.to_string();
        let key = format!("{id}.cancel");
        let call = self.providers.cancel(provider, payment_id, &key);
        match self.with_circuit_breaker(provider, &id, now, call).await {
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
            // Waiting does not count as a delivery, and a first delivery does not look for a payment
            // that its closed order does not know: after a failed one, the next does.
            Err(CallError::Open(_)) if order.payment.payment_id.is_none() => {
                Err("the circuit breaker opened before the authorization was voided".into())
            }
            Err(CallError::Open(wait)) => Ok(Next::Wait(wait)),
            Err(error) => Err(error.into()),
        }
    }

    async fn refund(&self, mut order: Order, now: Timestamp) -> Result<Next, ConsumeError> {
        let id = order.id.to_string();
        let provider = order.payment.method.provider;
        let currency = order.totals.total.currency;
        let payment_id = order.payment.payment_id.clone().unwrap_or_default();
        for refund in order.refunds.clone() {
            if refund.status != RefundStatus::Requested {
                continue;
            }
            let refund_id = refund.id.to_string();
            let wanted = Refund {
                payment_id: &payment_id,
                refund_id: &refund_id,
                amount: Money::new(refund.amount, currency),
            };
            let is_forgotten = is_forgotten(refund.at, now);
            let call = self.refund_once(provider, &wanted, is_forgotten);
            let succeeded = match self.with_circuit_breaker(provider, &id, now, call).await {
                Ok(answer) => match answer.state {
                    // A pending refund is guaranteed by the provider, so it counts as succeeded.
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

    /// Refunds once, also if the provider has forgotten the key of an earlier attempt.
    async fn refund_once(
        &self,
        provider: Provider,
        refund: &Refund<'_>,
        is_forgotten: bool,
    ) -> Result<ProviderRefund, PaymentError> {
        let Refund {
            payment_id,
            refund_id,
            ..
        } = refund;
        if is_forgotten
            && let Some(made) = self
                .providers
                .find_refund(provider, payment_id, refund_id)
                .await?
        {
            return Ok(made);
        }
        self.providers.refund(provider, refund).await
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

    /// Writes a change and decides it again after each version conflict. If it is no longer allowed,
    /// the order has already been settled otherwise.
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
        order.ok_or_else(|| "order not found".into())
    }

    /// Calls a provider through its circuit breaker, for a `payment`, by its order's id where it is known. A
    /// payment that keeps failing counts once: it must not block all others.
    pub async fn with_circuit_breaker<R>(
        &self,
        provider: Provider,
        payment: &str,
        now: Timestamp,
        call: impl Future<Output = Result<R, PaymentError>>,
    ) -> Result<R, CallError> {
        let name = provider.name();
        let breaker = self.store.breaker(name).await?;
        let admission = breaker.admit(now);
        match admission {
            Admission::Closed => {}
            Admission::Open(wait) => return Err(CallError::Open(wait.unsigned_abs())),
            Admission::HalfOpen => {
                if !self.store.claim_attempt(name, &breaker, now).await? {
                    let wait = COOLDOWN.unsigned_abs();
                    return Err(CallError::Open(wait));
                }
            }
        }
        let answer = call.await;
        match &answer {
            Err(PaymentError::Unavailable(words)) => {
                // A trial stands for all payments, so it counts whichever it was.
                let counted = (admission == Admission::Closed).then_some(payment);
                let is_counted = counted.is_some_and(|payment| breaker.payments.contains(payment));
                let failures = match is_counted {
                    true => None,
                    false => self.store.note_failure(name, counted, now).await?,
                };
                match failures {
                    None => {
                        tracing::warn!(provider = name, error = %words, "provider failed again");
                    }
                    Some(failures) => {
                        tracing::warn!(provider = name, error = %words, provider.failures = failures, "provider failed");
                        if failures >= THRESHOLD {
                            runtime::metric("ProviderLeftAlone", 1);
                        }
                    }
                }
            }
            _ if breaker.failures > 0 => self.store.close_breaker(name).await?,
            _ => {}
        }
        Ok(answer?)
    }
}

/// Whether the provider may have forgotten the key of a call that was first made after `since`. Messages live
/// longer than keys: 4 days in their queue, and 14 as dead letters.
fn is_forgotten(since: Timestamp, now: Timestamp) -> bool {
    now >= since + KEYS_REMEMBERED
}

/// Returns how a payment does not match its order, or `None` if it does.
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
        "order changed"
    );
}

fn overtaken() -> ConsumeError {
    "version conflict: the order keeps changing; it is retried".into()
}

#[cfg(test)]
mod tests {
    use domain::event::MAX_REQUEUES;

    use super::*;

    #[test]
    fn requeues_wait_longer_each_time_and_outlast_an_hour_and_a_half() {
        let wait = Duration::from_secs(30);
        let delays: Vec<u64> = (0..MAX_REQUEUES)
            .map(|requeues| requeue_delay(wait, requeues, 0).as_secs())
            .collect();
        assert_eq!(
            delays,
            [30, 60, 120, 240, 480, 900, 900, 900, 900, 900],
            "in seconds"
        );
        // The breaker may be about to admit a trial call each time the message arrives.
        let least: Duration = (0..MAX_REQUEUES)
            .map(|requeues| requeue_delay(Duration::ZERO, requeues, 0))
            .sum();
        assert!(least >= Duration::from_secs(5_400), "{least:?}");
        assert_eq!(requeue_delay(wait, u32::MAX, 0), queue::MAX_DELAY);
        // The kind: retries. Messages that were stopped together do not come back together.
        let spread: Vec<u64> = (0..8)
            .map(|random| requeue_delay(wait, 0, random).as_secs())
            .collect();
        assert_eq!(spread, [30, 31, 32, 33, 34, 35, 36, 37]);
    }
}
