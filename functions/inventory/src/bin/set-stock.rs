//! `PUT /v1/admin/stock/{sku}`: sets the counted units on hand. Reservations are kept. With `If-Match`, only
//! if no unit was sold or counted since the stock was read.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    id::StockChangeId,
    identity::Permission,
    inventory::{SetStockBody, StockView},
};
use inventory::StockPath;
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::{ByStaff, CountOutcome, CountStock, Store};

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
        let on_hand = request.body.0.clone().parse()?;
        let sku = &request.path.sku;
        let count = CountStock {
            sku,
            on_hand,
            expected,
            by: ByStaff {
                id: StockChangeId::at(request.now, runtime::random()?),
                author: &request.author(),
            },
        };
        let variant = match self.store.count_stock(count).await? {
            CountOutcome::Counted(variant) => variant,
            CountOutcome::NoSuchVariant => return Err(Rejection::not_found("SKU").into()),
            CountOutcome::OtherVersion => return Err(runtime::version_mismatch().into()),
        };
        tracing::info!(variant.sku = %sku, stock.on_hand = on_hand, "stock set");
        let view = StockView::of(&variant);
        Ok(Reply::of(&view)?.versioned(view.stock_version))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(SetStock { store }))
}
