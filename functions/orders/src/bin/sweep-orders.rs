//! Every quarter of an hour: ends orders that should have been ended and were not, because a message
//! was lost.

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use orders::{Expiry, expire};
use runtime::{ConsumeError, Task};
use store::Store;

/// How long the message that ends an order may be late before the sweep does its work.
const GRACE: SignedDuration = SignedDuration::from_mins(5);

struct SweepOrders {
    store: Store,
}

impl Task for SweepOrders {
    async fn run(&self, now: Timestamp) -> Result<(), ConsumeError> {
        let overdue = self.store.overdue(now - GRACE).await?;
        let (mut ended, mut over, mut failed, mut in_payment) = (0, 0, 0, 0);
        for due in overdue {
            match expire(&self.store, due, now).await {
                Ok(Expiry::Ended) => ended += 1,
                // Only its note was left behind.
                Ok(Expiry::Over) => over += 1,
                Ok(Expiry::Later(_)) => in_payment += 1,
                // The others are not to wait for it; the next sweep looks again.
                Err(error) => {
                    tracing::warn!(order.id = %due.0, error = %error, "order not swept");
                    failed += 1;
                }
            }
        }
        tracing::info!(
            orders.ended = ended,
            orders.over = over,
            orders.failed = failed,
            orders.in_payment = in_payment,
            "swept"
        );
        runtime::metric_if_any("OrdersOverdue", ended + failed);
        runtime::metric_if_any("OrdersInPayment", in_payment);
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::run_on_schedule(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(SweepOrders { store })
    })
}
