//! Ends an order that was not paid in its time, and releases its stock. Its message comes when that
//! time is up.

use std::process::ExitCode;

use domain::event::{Envelope, Event};
use orders::{Expiry, expire};
use queue::Queues;
use runtime::{ConsumeError, Consumer, Delivery};
use store::Store;

struct ExpireOrder {
    store: Store,
    queues: Queues,
    queue_url: String,
}

impl Consumer for ExpireOrder {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let Event::OrderPlaced { order_id, due_at } = delivery.message.event else {
            return Ok(());
        };
        match expire(&self.store, (order_id, due_at), delivery.now).await? {
            Expiry::Ended | Expiry::Over => Ok(()),
            // Too early, as a queue holds a message for a quarter of an hour at most; or its payment
            // is being taken.
            Expiry::Later(wait) => {
                let message = &delivery.message;
                self.queues
                    .send_delayed(&self.queue_url, &[(message, wait)])
                    .await?;
                Ok(())
            }
        }
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(ExpireOrder {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            queues: Queues::new(&environment.sdk_config()?),
            queue_url: environment.require("EXPIRE_ORDER_QUEUE_URL")?.to_owned(),
        })
    })
}
