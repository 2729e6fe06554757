//! `GET /v1/admin/stock/{sku}`: returns the units of a SKU on hand, reserved and available.

use std::process::ExitCode;

use domain::{fault::Rejection, identity::Permission, inventory::StockView};
use inventory::StockPath;
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetStock {
    store: Store,
}

impl Endpoint for GetStock {
    const ACCESS: Access = Access::Staff(Permission::StockRead);
    type Path = StockPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = StockView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StockView>, Failure> {
        let sku = request.path.sku;
        let variant = self.store.whole_variant(&sku).await?;
        let variant = variant.ok_or_else(|| Rejection::not_found("SKU"))?;
        let view = StockView::of(&variant);
        Ok(Reply::of(&view)?.versioned(view.stock_version))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetStock { store }))
}
