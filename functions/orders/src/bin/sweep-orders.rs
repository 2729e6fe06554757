//! Every minute: ends orders that were not paid in their time, and releases their stock.

use std::{process::ExitCode, time::Duration};

use domain::order::ChangeError;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use runtime::{ConsumeError, Task, Tick};
use store::{ChangeOutcome, Consistency, Due, DueChange, Store, StoreError};

/// Parts of the due notes that are worked on at once, and orders of each: as many transactions as meet at
/// one variant when a launch goes unpaid.
const PARTS_AT_ONCE: usize = 4;
const ORDERS_AT_ONCE: usize = 8;
/// No order is begun when less time than this is left: enough for an order's calls and their retries.
const SPARE: Duration = Duration::from_secs(15);
/// An order that should have ended so long ago and has not is trouble.
const LATE: SignedDuration = SignedDuration::from_mins(10);
/// How often an order is read anew because somebody else changed it meanwhile.
const ATTEMPTS: u32 = 6;

struct SweepOrders {
    store: Store,
}

/// What became of an order whose time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It was ended now.
    Ended,
    /// It is paid, or was over before: only its note was left.
    Over,
    /// Its money is being taken; the next sweep looks again.
    InPayment,
    /// Its note is of another time than its own.
    NotDue,
    /// It could not be ended; the next sweep tries again.
    Failed,
    /// The function's time is up; the next sweep goes on here.
    Left,
}

/// What a sweep did.
#[derive(Debug, Default)]
struct Sweep {
    ended: u64,
    over: u64,
    in_payment: u64,
    failed: u64,
    left: u64,
    /// Of those ended or failed, and of those in payment, the ones whose time was up [`LATE`] ago.
    overdue: u64,
    stuck: u64,
    /// Why a part could not be read to its end, or notes not be deleted: the last reason.
    error: Option<StoreError>,
}

impl Task for SweepOrders {
    async fn run(&self, tick: Tick) -> Result<(), ConsumeError> {
        let mut parts: Vec<u8> = Store::due_parts().collect();
        // Which parts come first changes with every minute: when there is more to do than time, none of
        // them is always the last.
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
            // So that Lambda counts the run as failed, which has an alarm.
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

impl SweepOrders {
    /// Goes through the notes of one part, oldest first and each once, page by page. What stays noted is
    /// passed by, so it holds up nobody behind it.
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
                        tracing::warn!(error = %error, "due note not read");
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
                if let (Some(due), Outcome::Ended | Outcome::Over) = (due, outcome) {
                    settled.push(DueChange::Settled(due));
                }
            }
            // A note that is left behind costs the next sweep a read.
            if let Err(error) = self.store.change_due_notes(&settled).await {
                sweep.error = Some(error);
            }
            from = page.next;
            if from.is_none() || sweep.left > 0 {
                return sweep;
            }
        }
    }

    /// Ends an order; what fails is logged and must not stop the others.
    async fn end(&self, due: Due, tick: Tick) -> Outcome {
        if tick.time_left() < SPARE {
            return Outcome::Left;
        }
        match expire(&self.store, due, tick.now).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::warn!(order.id = %due.order_id, error = %error, "order not swept");
                Outcome::Failed
            }
        }
    }
}

/// Ends an order that was not paid in its time.
async fn expire(store: &Store, due: Due, now: Timestamp) -> Result<Outcome, StoreError> {
    for _ in 0..ATTEMPTS {
        let Some(order) = store.order(due.order_id, Consistency::Strong).await? else {
            return Ok(Outcome::Over);
        };
        let change = match order.expired(now) {
            Ok(change) => change,
            Err(ChangeError::NotDue(_)) => return Ok(Outcome::NotDue),
            Err(ChangeError::PaymentInProgress) => return Ok(Outcome::InPayment),
            Err(_) => return Ok(Outcome::Over),
        };
        if let ChangeOutcome::Changed = store.change_order(&change, None).await? {
            tracing::info!(order.id = %order.id, request.id = %order.trace_id, "order expired");
            return Ok(Outcome::Ended);
        }
    }
    Err(StoreError::Contended {
        operation: "expire order",
    })
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
            Outcome::NotDue => {}
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
