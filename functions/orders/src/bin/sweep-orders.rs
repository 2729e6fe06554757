//! Expires orders that were not paid in time and releases their stock. Runs once a minute.

use std::{process::ExitCode, time::Duration};

use domain::{fault::chain, orders::ChangeError};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use runtime::{ConsumeError, Task, Tick, request_span};
use store::{Attempts, ChangeOutcome, Consistency, Due, DueChange, Store, StoreError};
use tracing::Instrument;

/// Partitions of the due notes that are processed concurrently, and orders of each: the number of
/// transactions that may contend for one variant when a launch goes unpaid.
const PARTS_AT_ONCE: usize = 4;
const ORDERS_AT_ONCE: usize = 8;
/// No order is started with less time left than this, which covers an order's calls and their retries.
const SPARE: Duration = Duration::from_secs(15);
/// An order that is still not expired this long after its due time is reported as overdue.
const LATE: SignedDuration = SignedDuration::from_mins(10);
struct SweepOrders {
    store: Store,
}

/// Result of processing one due note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The order was expired now.
    Ended,
    /// The order was paid or closed before; only its note was deleted.
    Over,
    /// A payment is in progress; the next sweep looks again.
    InPayment,
    /// The order is due later than the note says; the note is moved.
    Moved(Timestamp),
    /// The order could not be expired; the next sweep retries it.
    Failed,
    /// The function ran out of time; the next sweep continues here.
    Left,
}

/// Counts of one sweep, by outcome.
#[derive(Debug, Default)]
struct Sweep {
    ended: u64,
    over: u64,
    in_payment: u64,
    failed: u64,
    left: u64,
    /// Orders ended, failed or in payment whose due time passed more than [`LATE`] ago.
    overdue: u64,
    stuck: u64,
    /// The last error of reading a partition or deleting notes.
    error: Option<StoreError>,
}

impl Task for SweepOrders {
    async fn run(&self, tick: Tick) -> Result<(), ConsumeError> {
        let mut parts: Vec<u8> = Store::due_parts().collect();
        // The starting partition rotates every minute, so that under load none of them is always last.
        let minute = usize::try_from(tick.now.as_second() / 60).unwrap_or(0);
        let first = minute * PARTS_AT_ONCE % parts.len().max(1);
        parts.rotate_left(first);
        let sweep = stream::iter(parts)
            .map(|part| self.sweep_part(part, tick))
            .buffer_unordered(PARTS_AT_ONCE)
            .fold(Sweep::default(), async |sum, part| sum.and(part))
            .await;
        tracing::info!(
            orders.ended = sweep.ended,
            orders.over = sweep.over,
            orders.failed = sweep.failed,
            orders.in_payment = sweep.in_payment,
            orders.left = sweep.left,
            "swept"
        );
        runtime::metric_if_any("OrdersOverdue", sweep.overdue);
        runtime::metric_if_any("OrdersInPayment", sweep.stuck);
        match sweep.error {
            // An error makes Lambda count the invocation as failed, which raises an alarm.
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

impl SweepOrders {
    /// Processes the notes of one partition page by page, oldest first and each once. Notes that remain
    /// are skipped, so that they do not block later ones.
    async fn sweep_part(&self, part: u8, tick: Tick) -> Sweep {
        let mut sweep = Sweep::default();
        let mut from = None;
        loop {
            let page = match self.store.due_orders(part, tick.now, from).await {
                Ok(page) => page,
                Err(error) => {
                    sweep.error = Some(error);
                    return sweep;
                }
            };
            let outcomes = stream::iter(page.notes)
                .map(async |note| match note {
                    Ok(due) => (Some(due), self.end(due, tick).await),
                    Err(error) => {
                        tracing::warn!(error = %chain(&error), "due note not read");
                        (None, Outcome::Failed)
                    }
                })
                .buffer_unordered(ORDERS_AT_ONCE)
                .collect::<Vec<_>>()
                .await;
            let mut settled = Vec::new();
            for (due, outcome) in outcomes {
                let is_late = due.is_none_or(|due| tick.now.duration_since(due.at) > LATE);
                sweep.count(outcome, is_late);
                let Some(due) = due else { continue };
                match outcome {
                    Outcome::Ended | Outcome::Over => settled.push(DueChange::Settled(due)),
                    // The relay moves it too, but may be behind.
                    Outcome::Moved(at) => {
                        settled.push(DueChange::Settled(due));
                        settled.push(DueChange::Noted(Due { at, ..due }));
                    }
                    Outcome::InPayment | Outcome::Failed | Outcome::Left => {}
                }
            }
            // A note that cannot be deleted costs the next sweep a read.
            if let Err(error) = self.store.change_due_notes(&settled).await {
                sweep.error = Some(error);
            }
            from = page.next;
            if from.is_none() || sweep.left > 0 {
                return sweep;
            }
        }
    }

    /// Expires one order. A failure is logged and does not stop the others.
    async fn end(&self, due: Due, tick: Tick) -> Outcome {
        if tick.time_left() < SPARE {
            return Outcome::Left;
        }
        match expire(&self.store, due, tick.now).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::warn!(order.id = %due.order_id, error = %chain(&error), "order not swept");
                Outcome::Failed
            }
        }
    }
}

/// Expires an order that was not paid in time.
async fn expire(store: &Store, due: Due, now: Timestamp) -> Result<Outcome, StoreError> {
    let mut attempts = Attempts::new("expire order");
    loop {
        attempts.next().await?;
        let Some(order) = store.order(due.order_id, Consistency::Strong).await? else {
            return Ok(Outcome::Over);
        };
        let change = match order.expired(now) {
            Ok(change) => change,
            Err(ChangeError::NotDue(at)) => return Ok(Outcome::Moved(at)),
            Err(ChangeError::PaymentInProgress) => return Ok(Outcome::InPayment),
            Err(_) => return Ok(Outcome::Over),
        };
        let end = async {
            let outcome = store.change_order(&change, None).await?;
            let changed = matches!(outcome, ChangeOutcome::Changed);
            if changed {
                tracing::info!(order.id = %order.id, "order expired");
            }
            Ok::<_, StoreError>(changed)
        };
        // Lines about the order have the ids of the request that placed it, not of the sweep.
        if end
            .instrument(request_span(&order.trace_id, order.traceparent))
            .await?
        {
            return Ok(Outcome::Ended);
        }
    }
}

impl Sweep {
    fn count(&mut self, outcome: Outcome, is_late: bool) {
        let late = u64::from(is_late);
        match outcome {
            Outcome::Ended => {
                self.ended += 1;
                self.overdue += late;
            }
            Outcome::Failed => {
                self.failed += 1;
                self.overdue += late;
            }
            Outcome::InPayment => {
                self.in_payment += 1;
                self.stuck += late;
            }
            Outcome::Over => self.over += 1,
            Outcome::Moved(_) => {}
            Outcome::Left => self.left += 1,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            ended: self.ended + other.ended,
            over: self.over + other.over,
            in_payment: self.in_payment + other.in_payment,
            failed: self.failed + other.failed,
            left: self.left + other.left,
            overdue: self.overdue + other.overdue,
            stuck: self.stuck + other.stuck,
            error: other.error.or(self.error),
        }
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
