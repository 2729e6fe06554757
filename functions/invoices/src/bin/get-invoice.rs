//! `GET /v1/orders/{order_id}/invoice`: returns an order's invoice and credit notes to the holder of
//! its access token, or to the person whose account the order belongs to.

use std::process::ExitCode;

use domain::{invoices::InvoiceView, orders::Order};
use gateways::objects::Bucket;
use invoices::{OrderPath, show};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetInvoice {
    store: Store,
    bucket: Bucket,
}

impl Endpoint for GetInvoice {
    const ACCESS: Access = Access::Token;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = InvoiceView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<InvoiceView>, Failure> {
        let (caller, token) = (request.identity(), request.bearer().ok());
        let opens = |order: &Order| order.opens_to(caller, token);
        show(
            &self.store,
            &self.bucket,
            request.path.order_id,
            request.now,
            opens,
        )
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(GetInvoice {
            store,
            bucket: Bucket::new(
                &environment.sdk_config()?,
                environment.require("INVOICE_BUCKET")?,
            ),
        })
    })
}
