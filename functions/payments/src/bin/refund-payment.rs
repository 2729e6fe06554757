//! Refunds requested amounts and voids authorizations of closed orders.

use std::process::ExitCode;

use domain::event::{Envelope, Event};
use gateways::payments::{PaymentProvider, TestProvider};
use payments::{Next, OwnQueue, Payments};
use runtime::{ConsumeError, Consumer, Delivery};

pub(crate) struct RefundPayment<T = TestProvider> {
    pub(crate) payments: Payments<T>,
    pub(crate) own_queue: OwnQueue,
}

impl<T: PaymentProvider + 'static> Consumer for RefundPayment<T> {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let Event::OrderChanged { order_id, .. } = delivery.message.event else {
            return Ok(());
        };
        let next = self.payments.refund_or_void(order_id, delivery.now).await?;
        if let Next::Wait(wait) = next {
            self.own_queue.requeue(&delivery, wait).await?;
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(RefundPayment {
            payments: Payments::connect(environment)?,
            own_queue: OwnQueue::new(
                environment,
                environment.require("REFUND_PAYMENT_QUEUE_URL")?,
            )?,
        })
    })
}
