//! Maintains the lists of orders (docs/adr/0024): makes an order's entries show its current version, whatever was written
//! before, by whom, and where it broke off.
//!
//! An order's entries are written in this order: those of its lists, the deletion of that of its old status, and last the
//! entry in the list of all orders, under the condition that nobody has written that since this change began. The message of a
//! process that dies before is delivered again; a process that fails there was not alone. Both then look at all of the
//! order's entries.

use std::collections::HashMap;

use domain::{
    fault::chain,
    id::OrderId,
    orders::{Order, OrderEntry, OrderList},
};
use futures_util::{
    StreamExt,
    future::{join, try_join_all},
    stream,
};
use runtime::request_span;
use store::{Attempts, Consistency, OrderEntries, Over, Projected, Store, StoreError};
use tracing::Instrument;

/// Orders that are projected at the same time: as many as one connection to the table carries without a queue.
const AT_ONCE: usize = 16;

/// How an order's entries are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// The entry in the list of all orders tells what the other ones are: if it shows an older version, they are written.
    Changed,
    /// Every entry is read, also in lists in which the order should not be, and what differs is corrected. For messages
    /// whose earlier delivery may have broken off, and for a rebuild.
    Every,
}

/// Result of projecting an order.
pub type Outcome = Result<Written, StoreError>;

/// Whether the lists were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Something was written.
    Yes,
    /// The entries were right, or newer.
    Nothing,
}

/// Projects orders by their ids, up to 100. The result of each; an order that does not exist is not among them.
pub async fn project(
    store: &Store,
    wanted: &HashMap<OrderId, Care>,
) -> Result<HashMap<OrderId, Outcome>, StoreError> {
    let ids: Vec<OrderId> = wanted.keys().copied().collect();
    let mut outcomes = HashMap::new();
    let mut orders = Vec::new();
    for (id, order) in store.current_orders(&ids).await? {
        match order {
            Ok(order) => orders.push(order),
            Err(error) => {
                outcomes.insert(id, Err(error));
            }
        }
    }
    let care = |id: OrderId| wanted.get(&id).copied().unwrap_or(Care::Changed);
    let quick = orders
        .iter()
        .filter(|order| care(order.id) == Care::Changed);
    let quick: Vec<&Order> = quick.collect();
    let mut projected = match quick.is_empty() {
        true => HashMap::new(),
        false => store.projected(quick).await?,
    };
    let tasks = orders.into_iter().map(|order| {
        let id = order.id;
        let before = match care(id) {
            Care::Changed => Some(projected.remove(&id).unwrap_or(Projected::NOT_YET)),
            Care::Every => None,
        };
        // An entry that cannot be read tells nothing of the others.
        let before = before.filter(|it| it.entry.is_some() || *it == Projected::NOT_YET);
        // Lines about the order have the ids of the request that placed it.
        let span = request_span(&order.trace_id, order.traceparent);
        async move { (id, project_one(store, order, before).await) }.instrument(span)
    });
    let done: Vec<_> = stream::iter(tasks)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    outcomes.extend(done);
    Ok(outcomes)
}

/// Projects an order. `before` is its entry in the list of all orders, if the others need not be looked at.
async fn project_one(store: &Store, order: Order, before: Option<Projected>) -> Outcome {
    let (mut order, mut before) = (order, before);
    let mut attempts = Attempts::new("project order");
    let mut written = Written::Nothing;
    loop {
        attempts.next().await?;
        let step = match before.take() {
            Some(before) => advance(store, &order, &before).await?,
            None => {
                let found = store.order_entries(&order).await?;
                // Read after its entries: none of them can rightly show a newer version.
                let id = order.id;
                let current = store.order(id, Consistency::Strong).await?;
                order = current.ok_or_else(|| gone(id))?;
                correct(store, &order, &found).await?
            }
        };
        match step {
            Step::Done(now) if written == Written::Nothing => return Ok(now),
            Step::Done(_) => return Ok(written),
            // Somebody else projects the order, perhaps a newer version. Look again, and at everything.
            Step::Overtaken => written = Written::Yes,
        }
    }
}

/// Result of one attempt.
enum Step {
    Done(Written),
    /// Others have written entries of the order meanwhile.
    Overtaken,
}

/// Writes what differs between the version that is shown and the current one.
async fn advance(store: &Store, order: &Order, before: &Projected) -> Result<Step, StoreError> {
    let entry = OrderEntry::of(order);
    let shown = before.entry.as_ref();
    if before.version() >= order.version {
        return Ok(Step::Done(Written::Nothing));
    }
    let lists = match shown.is_some_and(|shown| shown.shows_the_same(&entry)) {
        false => {
            let status = OrderList::Status(entry.status);
            let lasting = OrderList::lasting(order).into_iter();
            lasting.chain([status]).collect()
        }
        // No entry shows whose the order is, but its list begins with the claim.
        true if order.was_claimed_after(before.version()) => {
            order.account.map(OrderList::Account).into_iter().collect()
        }
        true => Vec::new(),
    };
    if !lists.is_empty() {
        let over = Over::Version(entry.version);
        let puts = lists
            .iter()
            .map(|list| store.put_order_entry(list, &entry, over));
        let number = async {
            match shown {
                Some(_) => Ok(()),
                None => store.put_order_number(order.id).await,
            }
        };
        let (puts, number) = join(try_join_all(puts), number).await;
        number?;
        if puts?.contains(&false) {
            return Ok(Step::Overtaken);
        }
        // Once the order is in its new list, or a reader would find it in neither.
        if let Some(shown) = shown.filter(|shown| shown.status != entry.status) {
            let left = OrderList::Status(shown.status);
            if !store.delete_order_entry(&left, &entry, over).await? {
                return Ok(Step::Overtaken);
            }
        }
    }
    complete(store, &entry, before).await
}

/// Corrects whatever entry of the order is missing, wrong, or in a list in which the order should not be.
async fn correct(store: &Store, order: &Order, found: &OrderEntries) -> Result<Step, StoreError> {
    let entry = OrderEntry::of(order);
    let mut wanted = OrderList::lasting(order);
    wanted.push(OrderList::Status(entry.status));
    let is_right = |shown: &OrderEntry| shown.shows_the_same(&entry);
    let at = |list: &OrderList| found.listed.iter().find(|listed| listed.list == *list);
    let wrong = wanted.iter().filter(|list| {
        let shown = at(list).and_then(|listed| listed.entry.as_ref());
        !shown.is_some_and(is_right)
    });
    let wrong: Vec<&OrderList> = wrong.collect();
    let lists = found.listed.iter().map(|listed| &listed.list);
    let strays: Vec<&OrderList> = lists.filter(|list| !wanted.contains(list)).collect();
    let shown = found.projected.entry.as_ref();
    let is_complete = shown.is_some_and(is_right) && found.projected.version() == order.version;
    if wrong.is_empty() && strays.is_empty() && found.is_numbered && is_complete {
        return Ok(Step::Done(Written::Nothing));
    }
    // Also what shows a version that the order has not reached.
    let over = |list: &OrderList| match at(list).map(|listed| &listed.entry) {
        Some(None) => Over::Anything,
        Some(Some(shown)) => Over::Version(entry.version.max(shown.version)),
        None => Over::Version(entry.version),
    };
    let puts = wrong
        .iter()
        .map(|list| store.put_order_entry(list, &entry, over(list)));
    let number = async {
        match found.is_numbered {
            true => Ok(()),
            false => store.put_order_number(order.id).await,
        }
    };
    let (puts, number) = join(try_join_all(puts), number).await;
    number?;
    let deletions = strays
        .iter()
        .map(|list| store.delete_order_entry(list, &entry, over(list)));
    let deletions = try_join_all(deletions).await?;
    // An entry that is newer than what was read stays: somebody else is at work.
    if puts?.contains(&false) || deletions.contains(&false) {
        return Ok(Step::Overtaken);
    }
    complete(store, &entry, &found.projected).await
}

async fn complete(
    store: &Store,
    entry: &OrderEntry,
    before: &Projected,
) -> Result<Step, StoreError> {
    Ok(match store.commit_order_entry(entry, before).await? {
        true => Step::Done(Written::Yes),
        false => Step::Overtaken,
    })
}

fn gone(id: OrderId) -> StoreError {
    StoreError::unreadable("order", format!("{id} is gone"))
}

/// Result of one step of a rebuild.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Orders that were looked at.
    pub orders: u64,
    /// Of these, orders of which an entry was missing or wrong.
    pub corrected: u64,
    /// Orders that could not be read or projected; the log has the reasons.
    pub failed: u64,
    /// Where the segment goes on; `None` at its end.
    pub next: Option<String>,
}

/// Projects some orders again, also those whose entries are of the right version: one step of a rebuild, which may be
/// repeated, and runs beside the consumer. The table is divided into `segments`, each of which is read from its beginning
/// (`from` is `None`) to its end, in steps that look at `limit` items of any kind.
pub async fn rebuild(
    store: &Store,
    segment: u32,
    segments: u32,
    from: Option<&str>,
    limit: u32,
) -> Result<Rebuilt, StoreError> {
    let page = store.order_page(segment, segments, from, limit).await?;
    let mut rebuilt = Rebuilt {
        next: page.next,
        ..Rebuilt::default()
    };
    let mut orders = Vec::new();
    for order in page.orders {
        rebuilt.orders += 1;
        match order {
            Ok(order) => orders.push(order),
            Err(error) => {
                rebuilt.failed += 1;
                tracing::error!(error = %chain(&error), "order not projected");
            }
        }
    }
    let tasks = orders.into_iter().map(|order| {
        let span = request_span(&order.trace_id, order.traceparent);
        let id = order.id;
        let project = async move {
            let outcome = project_one(store, order, None).await;
            if let Err(error) = &outcome {
                tracing::error!(order.id = %id, error = %chain(error), "order not projected");
            }
            outcome
        };
        project.instrument(span)
    });
    let outcomes: Vec<Outcome> = stream::iter(tasks)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for outcome in outcomes {
        match outcome {
            Ok(Written::Yes) => rebuilt.corrected += 1,
            Ok(Written::Nothing) => {}
            // The table is busy: the page is read again, which changes nothing of what is right.
            Err(error) if error.is_retryable() => return Err(error),
            Err(_) => rebuilt.failed += 1,
        }
    }
    Ok(rebuilt)
}
