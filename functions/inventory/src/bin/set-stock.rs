//! `PUT /v1/admin/stock/{sku}`: sets the counted units on hand. Reservations are kept.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    inventory::{SetStockBody, StockView},
};
use inventory::StockPath;
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct SetStock {
    store: Store,
}

impl Endpoint for SetStock {
    const ACCESS: Access = Access::Staff;
    type Path = StockPath;
    type Query = NoQuery;
    type Body = Json<SetStockBody>;
    type Response = StockView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StockView>, Failure> {
        let sku = request.path.sku;
        let on_hand = request.body.0.parse()?;
        let variant = self.store.set_stock(&sku, on_hand, None).await?;
        let variant = variant.ok_or_else(|| Rejection::not_found("SKU"))?;
        tracing::info!(variant.sku = %sku, stock.on_hand = on_hand, "stock set");
        Reply::of(&StockView::of(&variant))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(SetStock { store })
    })
}
