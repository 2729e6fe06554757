//! `POST /v1/admin/orders/{order_id}/returns`: records goods that came back, or that will not be shipped.
//! Moves no money.

use std::process::ExitCode;

use domain::{
    id::ReturnId,
    identity::Permission,
    orders::{ReturnGoodsBody, StaffOrderView},
};
use orders::{OrderPath, change_as_staff};
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ReturnGoods {
    store: Store,
}

impl Endpoint for ReturnGoods {
    const ACCESS: Access = Access::Staff(Permission::OrdersRefund);
    const SUCCESS: u16 = 201;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = Json<ReturnGoodsBody>;
    type Response = StaffOrderView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StaffOrderView>, Failure> {
        let command = request.body.0.clone().parse()?;
        change_as_staff(
            &self.store,
            &request,
            &command,
            |order, identified, staff| {
                // Derived from the version too: the same key may be used for another request a day
                // later.
                let id =
                    ReturnId::derived(&[&identified.id.to_string(), &order.version.to_string()]);
                order.goods_returned(id, &command, staff, request.now)
            },
        )
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ReturnGoods { store }))
}
