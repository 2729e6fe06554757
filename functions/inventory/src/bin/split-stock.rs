//! `PUT /v1/admin/stock/{sku}/shards`: splits the stock of a SKU into shards, so that more orders per
//! second can reserve it.

use std::process::ExitCode;

use domain::{
    fault::{Code, Rejection},
    id::StockChangeId,
    identity::Permission,
    inventory::{SplitStockBody, StockView},
};
use inventory::StockPath;
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::{ByStaff, SplitOutcome, Store};

pub(crate) struct SplitStock {
    store: Store,
}

impl Endpoint for SplitStock {
    const ACCESS: Access = Access::Staff(Permission::StockWrite);
    type Path = StockPath;
    type Query = NoQuery;
    type Body = Json<SplitStockBody>;
    type Response = StockView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StockView>, Failure> {
        let shards = request.body.0.clone().parse()?;
        let sku = &request.path.sku;
        let by = ByStaff {
            id: StockChangeId::at(request.now, runtime::random()?),
            author: &request.author(),
        };
        let split = self.store.split_stock(sku, shards, request.now, Some(by));
        match split.await? {
            SplitOutcome::Split(variant) => {
                tracing::info!(variant.sku = %sku, stock.shards = shards, "stock split");
                Reply::of(&StockView::of(&variant))
            }
            SplitOutcome::HasMore(variant) => Err(Rejection::new(
                Code::ShardsCannotShrink,
                format!(
                    "The stock has {} shards and orders refer to them; send that number or a higher one.",
                    variant.shards
                ),
            )
            .into()),
            SplitOutcome::NoSuchVariant => Err(Rejection::not_found("SKU").into()),
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(SplitStock { store }))
}
