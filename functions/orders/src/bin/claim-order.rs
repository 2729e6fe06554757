//! `POST /v1/orders/{order_id}/claim`: makes a guest's order that of the person who is signed in, if it was placed with the verified address of
//! their account.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    identity::Account,
    orders::{ClaimOrderBody, ClaimOrderError, Order, OrderView},
};
use orders::{OrderPath, find};
use runtime::{Access, Endpoint, Failure, MaybeJson, NoQuery, Reply, Request};
use store::{Attempts, ChangeOutcome, Consistency, Store};

pub(crate) struct ClaimOrder {
    store: Store,
}

impl Endpoint for ClaimOrder {
    const ACCESS: Access = Access::Person;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = MaybeJson<ClaimOrderBody>;
    type Response = OrderView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<OrderView>, Failure> {
        let id = request.account()?;
        let account = self.store.account(id, Consistency::Strong).await?;
        // Deleted, since the token was issued.
        let account = account.ok_or_else(|| Rejection::not_found("order"))?;
        let order = self.claim(&account, &request).await?;
        Reply::of(&OrderView::of(&order).map_err(Failure::internal)?)
    }
}

impl ClaimOrder {
    async fn claim(&self, account: &Account, request: &Request<Self>) -> Result<Order, Failure> {
        let mut attempts = Attempts::new("claim order");
        loop {
            attempts.next().await?;
            let order = find(&self.store, request.path.order_id, |_| true).await?;
            let mut change = match order.claimed(account, request.now) {
                Ok(change) => change,
                Err(ClaimOrderError::AlreadyTheirs) => return Ok(order),
                Err(refusal) => return Err(Rejection::from(refusal).into()),
            };
            change.order.traceparent = request.traceparent;
            if let ChangeOutcome::Changed = self.store.change_order(&change, None).await? {
                tracing::info!(
                    order.id = %order.id,
                    order.status = change.order.status().as_str(),
                    order.version = change.order.version,
                    "order changed"
                );
                return Ok(change.order);
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ClaimOrder { store }))
}
