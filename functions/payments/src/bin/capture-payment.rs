//! Charges a placed order and marks it paid, or failed with its stock released.

use std::process::ExitCode;

use domain::{
    event::{Envelope, Event},
    order::{OrderStatus, Settlement},
    payment::PaymentFailure,
};
use gateways::payment::{CaptureError, Charge, PaymentProviders};
use runtime::{ConsumeError, Consumer, Delivery};
use store::{Consistency, SettleOutcome, Store};

/// After so many attempts without an answer the order fails. Fewer than the queue delivers, so that
/// it is decided here and not by a dead-letter queue.
const ATTEMPTS: u32 = 4;

struct CapturePayment {
    store: Store,
    providers: PaymentProviders,
}

impl Consumer for CapturePayment {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let Event::OrderPlaced { order_id } = delivery.message.event else {
            return Ok(());
        };
        let order = self.store.order(order_id, Consistency::Strong).await?;
        let order = order.ok_or_else(|| format!("there is no order {order_id}"))?;
        if order.status != OrderStatus::PendingPayment {
            return Ok(());
        }
        // The same for every attempt: the provider takes the money once.
        let idempotency_key = order.id.to_string();
        let charge = Charge {
            idempotency_key: &idempotency_key,
            amount: order.totals.total,
            token: &order.payment.method.token,
            attempt: delivery.attempt,
        };
        let provider = order.payment.method.provider;
        let settlement = match self.providers.capture(provider, &charge).await {
            Ok(charge_id) => Settlement::Captured { charge_id },
            Err(CaptureError::Declined) => Settlement::Failed(PaymentFailure::Declined),
            Err(unavailable) if delivery.attempt < ATTEMPTS => return Err(unavailable.into()),
            Err(CaptureError::Unavailable(_)) => {
                // The money may have been taken without us hearing of it.
                self.providers.cancel(provider, &idempotency_key).await?;
                Settlement::Failed(PaymentFailure::ProviderUnavailable)
            }
        };
        let Some(settled) = order.settled(settlement) else {
            return Ok(());
        };
        match self.store.settle_order(&settled).await? {
            SettleOutcome::Settled => {
                tracing::info!(
                    order.id = %order.id,
                    order.status = ?settled.status,
                    request.id = %order.trace_id,
                    "order settled"
                );
                Ok(())
            }
            SettleOutcome::Overtaken => {
                Err("the order was changed meanwhile; it is looked at again".into())
            }
        }
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(CapturePayment {
            store: Store::new(
                &environment.aws("DYNAMODB")?,
                environment.require("TABLE_NAME")?,
            ),
            providers: PaymentProviders::default(),
        })
    })
}
