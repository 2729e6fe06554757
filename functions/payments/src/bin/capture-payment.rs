//! Authorizes and captures the payment of a placed order, or fails the order and releases its stock.

use std::process::ExitCode;

use domain::event::{Envelope, Event};
use gateways::payments::{PaymentProvider, TestProvider};
use payments::{Next, OwnQueue, Payments};
use runtime::{ConsumeError, Consumer, Delivery};

pub(crate) struct CapturePayment<T = TestProvider> {
    pub(crate) payments: Payments<T>,
    pub(crate) own_queue: OwnQueue,
}

impl<T: PaymentProvider + 'static> Consumer for CapturePayment<T> {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let Event::OrderPlaced { order_id, .. } = delivery.message.event else {
            return Ok(());
        };
        let is_redelivered = delivery.message.attempts + delivery.attempt > 1;
        let next = self
            .payments
            .authorize_and_capture(order_id, is_redelivered, delivery.now)
            .await?;
        if let Next::Wait(wait) = next {
            self.own_queue.requeue(&delivery, wait).await?;
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(CapturePayment {
            payments: Payments::connect(environment)?,
            own_queue: OwnQueue::new(
                environment,
                environment.require("CAPTURE_PAYMENT_QUEUE_URL")?,
            )?,
        })
    })
}
