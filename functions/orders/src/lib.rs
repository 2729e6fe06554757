//! Applies a change to an order exactly once per idempotency key, limits unpaid orders, and maintains the lists of orders.

pub mod holds;
pub mod projection;
pub mod rebuild;

use domain::{
    catalog::Sku,
    fault::{Rejection, chain},
    id::OrderId,
    idempotency::{self, IdempotentRequest, Shown, StoredResponse},
    money::MoneyError,
    orders::{Actor, ChangeError, Order, StaffOrderView, Transition},
};
use jiff::Timestamp;
use runtime::{Endpoint, Failure, Reply, Request};
use serde::Serialize;
use store::{Attempts, ChangeOutcome, Consistency, Store, StoreError};

/// Path parameters of an order.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct OrderPath {
    /// Identifier of the order.
    pub order_id: OrderId,
}

/// Returns the order if `may_see` allows it. Missing and forbidden orders both return 404.
pub async fn find(
    store: &Store,
    id: OrderId,
    may_see: impl Fn(&Order) -> bool,
) -> Result<Order, Failure> {
    let order = store.order(id, Consistency::Strong).await?;
    let order = order.filter(|order| may_see(order));
    order.ok_or_else(|| Rejection::not_found("order").into())
}

/// Changes an order on behalf of staff, see [`change`]. `command` is the request, which the idempotency
/// fingerprint covers; `decide` also receives the staff member.
pub async fn change_as_staff<E: Endpoint<Path = OrderPath>, C: Serialize>(
    store: &Store,
    request: &Request<E>,
    command: &C,
    decide: impl Fn(&Order, &IdempotentRequest, Actor) -> Result<Transition, ChangeError>,
) -> Result<Reply<StaffOrderView>, Failure> {
    let staff = request.staff();
    let id = request.path.order_id;
    let identified = request.idempotent(&staff.to_string(), &(id, command))?;
    let order = find(store, id, |_| true).await?;
    change(
        store,
        order,
        &identified,
        request,
        |order| decide(order, &identified, staff.clone()),
        |order| answer(&StaffOrderView::of(order)?),
    )
    .await
}

/// Changes an order once per idempotency key. `decide` computes the new order, `view` the response from it;
/// both are stored in one transaction, and a repeated request returns the stored response.
///
/// `order` is read before the response is looked up, here and after each conflict: an order that shows the
/// effect of this very request, made by another call with its key, then comes with its response, and is not
/// taken for a reason to reject it.
pub async fn change<E: Endpoint<Path = OrderPath>, T>(
    store: &Store,
    order: Order,
    identified: &IdempotentRequest,
    request: &Request<E>,
    decide: impl Fn(&Order) -> Result<Transition, ChangeError>,
    view: impl Fn(&Order) -> Result<String, IdempotencyError>,
) -> Result<Reply<T>, Failure> {
    let (id, now) = (order.id, request.now);
    let stored = |answer: StoredResponse| match identified.replay(answer)? {
        Shown::Order(order) => Ok(Reply::stored(view(&order).map_err(Failure::internal)?)),
        Shown::Body(body) => Ok(Reply::stored(body)),
    };
    let mut order = order;
    let mut attempts = Attempts::new("change order");
    loop {
        let enough = attempts.next().await.is_err();
        if let Some(answer) = store.answer(identified.id, now).await? {
            return stored(answer);
        }
        if enough {
            return Err(Rejection::new(
                domain::fault::Code::Busy,
                "Version conflict: the order is being changed concurrently; send the same request again.",
            )
            .into());
        }
        let mut change = decide(&order).map_err(Rejection::from)?;
        // What follows from the change belongs to the trace of this request.
        change.order.traceparent = request.traceparent;
        let body = view(&change.order).map_err(Failure::internal)?;
        let answer = identified.answered(change.order.clone(), now);
        match store.change_order(&change, Some(&answer)).await? {
            ChangeOutcome::Changed => {
                tracing::info!(
                    order.id = %id,
                    order.status = change.order.status().as_str(),
                    order.version = change.order.version,
                    "order changed"
                );
                return Ok(Reply::stored(body));
            }
            ChangeOutcome::Answered(answer) => return stored(answer),
            ChangeOutcome::InProgress => return Err(idempotency::in_progress().into()),
            ChangeOutcome::VersionConflict | ChangeOutcome::NoStock => {
                order = find(store, id, |_| true).await?;
            }
        }
    }
}

/// Serializes a response body, as it is stored and sent.
pub fn answer<T: serde::Serialize>(view: &T) -> Result<String, IdempotencyError> {
    Ok(serde_json::to_string(view)?)
}

/// A response body that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The amounts overflow or mix currencies.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Serialization failed.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Splits the stock of SKUs with many concurrent orders, provided that they have enough units and were not
/// split just before. An optimization for later orders only: nobody waits for it, and a failure is logged
/// and ignored.
pub async fn relieve(store: Store, contended: Vec<Sku>, now: Timestamp) {
    for sku in &contended {
        if let Err(error) = split(&store, sku, now).await {
            tracing::warn!(error = %chain(&error), "stock not split");
        }
    }
}

async fn split(store: &Store, sku: &Sku, now: Timestamp) -> Result<(), StoreError> {
    let variant = store.whole_variant(sku).await?;
    let Some(shards) = variant.and_then(|variant| variant.shards_to_relieve(now)) else {
        return Ok(());
    };
    store.split_stock(sku, shards, now, None).await?;
    tracing::info!(variant.sku = %sku, stock.shards = shards, "stock split");
    Ok(())
}
