//! `POST /v1/admin/orders/{order_id}/fulfilments`: notes that goods were handed to a carrier, all that is
//! left or some.

use std::process::ExitCode;

use domain::{
    id::FulfilmentId,
    order::{FulfilOrderBody, Order, StaffOrderView},
};
use orders::{OrderPath, answer, change, find};
use runtime::{Access, Call, Endpoint, Failure, MaybeJson, NoQuery, Reply};
use store::Store;

pub(crate) struct FulfilOrder {
    store: Store,
}

impl Endpoint for FulfilOrder {
    const ACCESS: Access = Access::Staff;
    const SUCCESS: u16 = 201;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = MaybeJson<FulfilOrderBody>;
    type Answer = StaffOrderView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<StaffOrderView>, Failure> {
        let staff = call.staff();
        let id = call.path.order_id;
        let command = call.body.0.clone().parse()?;
        let route = "POST /v1/admin/orders/{order_id}/fulfilments";
        let request = call.request(&staff.to_string(), route, &(id, &command))?;
        // Of the version, too: a key may be used for something else a day later.
        let fulfilment = |order: &Order| {
            FulfilmentId::derived(&[&request.id.to_string(), &order.version.to_string()])
        };
        let order = find(&self.store, id, |_| true).await?;
        change(
            &self.store,
            order,
            &request,
            call.now,
            |order| order.fulfilled(fulfilment(order), &command, staff.clone(), call.now),
            |order| answer(&StaffOrderView::of(order)?),
        )
        .await
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.aws("DYNAMODB")?,
            environment.require("TABLE_NAME")?,
        );
        Ok(FulfilOrder { store })
    })
}
