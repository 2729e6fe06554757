//! Holds callers to the limits of unpaid orders.

use domain::orders::{self, Holder, Order, UnpaidLimit};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use store::{Attempts, Hold, Holds, Store, StoreError};

/// Counts an order for its holders before it is placed. Returns whether all of them may hold it. An order that
/// is not placed after all counts for some seconds.
pub async fn count(
    store: &Store,
    holders: &[(Holder, UnpaidLimit)],
    order: &Order,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let counts = holders
        .iter()
        .map(|(holder, limit)| count_one(store, holder, *limit, order, now));
    let allowed = try_join_all(counts).await?;
    Ok(allowed.into_iter().all(|is_allowed| is_allowed))
}

async fn count_one(
    store: &Store,
    holder: &Holder,
    limit: UnpaidLimit,
    order: &Order,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut attempts = Attempts::new("count unpaid orders");
    loop {
        attempts.next().await?;
        let Some(full) = store.count_unpaid(holder, order, limit, now).await? else {
            return Ok(true);
        };
        if !orders::is_recount_due(full.checked_at, now) {
            return Ok(false);
        }
        // Full, as far as is known: most of them may be paid by now.
        let kept = unpaid(store, &full, now).await?;
        // If it has changed meanwhile, the next attempt tells how.
        store.recount_unpaid(holder, &full, &kept, now).await?;
    }
}

/// The orders of a holder that still count.
async fn unpaid(store: &Store, full: &Holds, now: Timestamp) -> Result<Vec<Hold>, StoreError> {
    let found = store.orders(full.orders.iter().map(|hold| hold.order_id));
    let found = found.await?;
    let still = full.orders.iter().filter(|hold| {
        let order = found.iter().find(|order| order.id == hold.order_id);
        orders::still_counts(order, hold.since, now)
    });
    Ok(still.copied().collect())
}
