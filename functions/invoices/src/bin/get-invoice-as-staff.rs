//! `GET /v1/admin/orders/{order_id}/invoice`: returns an order's invoice and credit notes to staff.

use std::process::ExitCode;

use domain::invoice::InvoiceView;
use gateways::objects::Bucket;
use invoices::{OrderPath, show};
use runtime::{Access, Call, Endpoint, Failure, NoBody, NoQuery, Reply};
use store::Store;

pub(crate) struct GetInvoiceAsStaff {
    store: Store,
    bucket: Bucket,
}

impl Endpoint for GetInvoiceAsStaff {
    const ACCESS: Access = Access::Staff;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Answer = InvoiceView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<InvoiceView>, Failure> {
        show(
            &self.store,
            &self.bucket,
            call.path.order_id,
            call.now,
            |_| true,
        )
        .await
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        Ok(GetInvoiceAsStaff {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            bucket: Bucket::new(
                &environment.sdk_config()?,
                environment.require("INVOICE_BUCKET")?,
            ),
        })
    })
}
