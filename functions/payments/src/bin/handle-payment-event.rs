//! Handles an event of a payment provider. The event is only a trigger: the provider is asked for the
//! current state, so events may be late, duplicated or out of order.

use std::process::ExitCode;

use domain::{
    event::{Envelope, Event},
    id::OrderId,
};
use gateways::payments::{PaymentProvider, TestProvider};
use payments::{CallError, Next, OwnQueue, Payments};
use runtime::{ConsumeError, Consumer, Delivery};
use store::{Consistency, PaymentEvent, PaymentEventOutcome};
use tracing::Instrument;

pub(crate) struct HandlePaymentEvent<T = TestProvider> {
    pub(crate) payments: Payments<T>,
    pub(crate) own_queue: OwnQueue,
}

impl<T: PaymentProvider + 'static> Consumer for HandlePaymentEvent<T> {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let Event::ProviderEventReceived {
            provider,
            provider_event_id,
        } = &delivery.message.event
        else {
            return Ok(());
        };
        let store = &self.payments.store;
        let event = store.payment_event(*provider, provider_event_id).await?;
        let event = event.ok_or_else(|| format!("event {provider_event_id} not found"))?;
        let outcome = match self.reconcile(&event, delivery.now).await? {
            Reconciled::As(outcome) => outcome,
            Reconciled::Later(wait) => {
                self.own_queue.requeue(&delivery, wait).await?;
                return Ok(());
            }
        };
        tracing::info!(
            event.id = %event.event_id,
            event.kind = %event.kind,
            event.outcome = outcome.as_str(),
            "payment event"
        );
        store
            .note_payment_event(*provider, provider_event_id, outcome)
            .await?;
        Ok(())
    }
}

/// What came of an event.
enum Reconciled {
    /// It is settled.
    As(PaymentEventOutcome),
    /// The circuit breaker is open for so long.
    Later(std::time::Duration),
}

impl<T: PaymentProvider> HandlePaymentEvent<T> {
    /// Brings the order in line with the payment that the event names.
    async fn reconcile(
        &self,
        event: &PaymentEvent,
        now: jiff::Timestamp,
    ) -> Result<Reconciled, ConsumeError> {
        let Some(payment_id) = &event.payment_id else {
            return Ok(Reconciled::As(PaymentEventOutcome::Ignored));
        };
        let call = self.payments.providers.payment(event.provider, payment_id);
        // As the payment's other calls name it, if the event does.
        let name = event.order_id.as_ref().unwrap_or(payment_id);
        let payment = match self
            .payments
            .with_circuit_breaker(event.provider, name, now, call)
            .await
        {
            Ok(payment) => payment,
            Err(CallError::Open(wait)) => return Ok(Reconciled::Later(wait)),
            Err(error) => return Err(error.into()),
        };
        let Some(payment) = payment else {
            return Ok(Reconciled::As(PaymentEventOutcome::Refused));
        };
        let order_id = payment.order_id.as_ref().or(event.order_id.as_ref());
        let order_id = order_id.and_then(|id| id.parse::<OrderId>().ok());
        let order = match order_id {
            Some(id) => self.payments.store.order(id, Consistency::Strong).await?,
            None => None,
        };
        let Some(order) = order else {
            return Ok(Reconciled::As(PaymentEventOutcome::UnknownOrder));
        };
        if order.payment.method.provider != event.provider {
            return Ok(Reconciled::As(PaymentEventOutcome::Refused));
        }
        // From here on it is about the order, so lines have the ids of the request that placed it instead
        // of the one that delivered the event.
        let span = runtime::request_span(&order.trace_id, order.traceparent);
        let reconciled = self
            .payments
            .reconcile(order, payment, now)
            .instrument(span);
        Ok(match reconciled.await? {
            Next::Done => Reconciled::As(PaymentEventOutcome::Done),
            Next::Refused => Reconciled::As(PaymentEventOutcome::Refused),
            Next::Wait(wait) => Reconciled::Later(wait),
        })
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(HandlePaymentEvent {
            payments: Payments::connect(environment)?,
            own_queue: OwnQueue::new(
                environment,
                environment.require("HANDLE_PAYMENT_EVENT_QUEUE_URL")?,
            )?,
        })
    })
}
