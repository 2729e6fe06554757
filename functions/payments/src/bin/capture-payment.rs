//! Takes the money for a placed order: paid, or failed with its stock released.

use std::process::ExitCode;

use domain::event::{Envelope, Event};
use payments::{Next, Payments};
use queue::Queues;
use runtime::{ConsumeError, Consumer, Delivery};

struct CapturePayment {
    payments: Payments,
    queues: Queues,
    queue_url: String,
}

impl Consumer for CapturePayment {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let Event::OrderPlaced { order_id, .. } = delivery.message.event else {
            return Ok(());
        };
        let next = self
            .payments
            .collect(
                order_id,
                delivery.message.attempts + delivery.attempt,
                delivery.now,
            )
            .await?;
        if let Next::Wait(wait) = next {
            // A new message: waiting is no failure, and must not end as a dead letter.
            let message = &delivery.message.put_back(delivery.attempt);
            self.queues
                .send_delayed(&self.queue_url, &[(message, wait)])
                .await?;
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(CapturePayment {
            payments: Payments::connect(environment)?,
            queues: Queues::new(&environment.aws("SQS")?),
            queue_url: environment.require("CAPTURE_PAYMENT_QUEUE_URL")?.to_owned(),
        })
    })
}
