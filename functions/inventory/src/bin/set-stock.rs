//! `PUT /v1/admin/stock/{sku}`: sets the counted units on hand. Reservations are kept. With `If-Match`, only
//! if no unit was sold or counted since the stock was read.

use std::process::ExitCode;

use domain::{
    change::ChangeStamp,
    fault::Rejection,
    identity::Permission,
    inventory::{SetStockBody, StockView},
};
use inventory::StockPath;
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::{CountOutcome, CountStock, Replaces, Store};

pub(crate) struct SetStock {
    store: Store,
}

impl Endpoint for SetStock {
    const ACCESS: Access = Access::Staff(Permission::StockWrite);
    const IF_MATCH: bool = true;
    type Path = StockPath;
    type Query = NoQuery;
    type Body = Json<SetStockBody>;
    type Response = StockView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StockView>, Failure> {
        let expected = request.expected_version()?;
        let sku = request.path.sku;
        let on_hand = request.body.0.parse()?;
        let count = CountStock {
            sku: &sku,
            on_hand,
            stamp: &ChangeStamp::of_count(request.now, runtime::random()?),
            replaces: expected.map_or(Replaces::Any, Replaces::Version),
        };
        let variant = match self.store.set_stock(count).await? {
            CountOutcome::Counted(variant) => variant,
            CountOutcome::NoSuchVariant => return Err(Rejection::not_found("SKU").into()),
            CountOutcome::OtherVersion | CountOutcome::Repeated | CountOutcome::Superseded => {
                return Err(runtime::version_mismatch().into());
            }
        };
        tracing::info!(variant.sku = %sku, stock.on_hand = on_hand, "stock set");
        let view = StockView::of(&variant);
        Ok(Reply::of(&view)?.versioned(view.stock_version))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(SetStock { store }))
}
