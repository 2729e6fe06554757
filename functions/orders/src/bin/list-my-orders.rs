//! `GET /v1/orders`: lists the orders of the person who is signed in, newest first.

use std::process::ExitCode;

use domain::{
    orders::{ListOrders, MyOrderPage, MyOrderSummary},
    page::PageQuery,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::Store;

pub(crate) struct ListMyOrders {
    store: Store,
}

impl Endpoint for ListMyOrders {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = PageQuery;
    type Body = NoBody;
    type Response = MyOrderPage;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<MyOrderPage>, Failure> {
        let account = request.account()?;
        let list = ListOrders::of_account(account, request.query.parse()?);
        let page = self.store.list_orders(&list).await?;
        Reply::of(&MyOrderPage {
            items: page.entries.iter().map(MyOrderSummary::from).collect(),
            next_cursor: page.next_cursor,
        })
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListMyOrders { store }))
}
