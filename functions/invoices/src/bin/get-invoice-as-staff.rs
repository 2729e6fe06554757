//! `GET /v1/admin/orders/{order_id}/invoice`: returns an order's invoice and credit notes to staff.

use std::process::ExitCode;

use domain::{identity::Permission, invoices::InvoiceView};
use gateways::objects::Bucket;
use invoices::{OrderPath, show};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetInvoiceAsStaff {
    store: Store,
    bucket: Bucket,
}

impl Endpoint for GetInvoiceAsStaff {
    const ACCESS: Access = Access::Staff(Permission::OrdersRead);
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = InvoiceView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<InvoiceView>, Failure> {
        show(
            &self.store,
            &self.bucket,
            request.path.order_id,
            request.now,
            |_| true,
        )
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(GetInvoiceAsStaff {
            store,
            bucket: Bucket::new(
                &environment.sdk_config()?,
                environment.require("INVOICE_BUCKET")?,
            ),
        })
    })
}
