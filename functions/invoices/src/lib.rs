//! Looks up an order's invoice and credit notes and presigns their downloads.

use std::time::Duration;

use domain::{
    fault::Rejection,
    id::OrderId,
    invoices::{self, CreditNoteView, Invoice, InvoiceView, Kind},
    orders::Order,
};
use gateways::objects::{Bucket, PresignedDownload};
use jiff::Timestamp;
use runtime::{Failure, Reply};
use store::{Consistency, Store};

/// Path parameters of an order's invoice.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct OrderPath {
    /// Identifier of the order.
    pub order_id: OrderId,
}

/// Lifetime of a presigned download URL.
const LINK_LIFETIME: Duration = Duration::from_secs(300);

/// The invoice and credit notes of an order with presigned download URLs. Missing orders and orders
/// rejected by `may_see` both return 404, so that order ids cannot be probed.
pub async fn show(
    store: &Store,
    bucket: &Bucket,
    id: OrderId,
    now: Timestamp,
    may_see: impl Fn(&Order) -> bool,
) -> Result<Reply<InvoiceView>, Failure> {
    let order = store.order(id, Consistency::Strong).await?;
    let order = order.filter(|order| may_see(order));
    let order = order.ok_or_else(|| Rejection::not_found("order"))?;
    let issued = store.invoices(id).await?;
    let Some(invoice) = issued.invoice.filter(|invoice| invoice.stored) else {
        return Err(invoices::missing(&order).into());
    };
    let mut notes: Vec<Invoice> = issued
        .credit_notes
        .into_iter()
        .filter_map(|note| note.stored.then_some(note.invoice))
        .collect();
    notes.sort_by_key(|note| note.document.issued_at);
    let mut credit_notes = Vec::with_capacity(notes.len());
    for note in notes {
        let Kind::CreditNote { refund_id, .. } = note.document.kind else {
            continue;
        };
        let link = link(bucket, &note, now).await?;
        credit_notes.push(CreditNoteView {
            refund_id,
            issued_at: note.document.issued_at,
            total: note.document.total,
            number: note.number,
            url: link.url,
            url_expires_at: link.expires_at,
        });
    }
    let link = link(bucket, &invoice.invoice, now).await?;
    Reply::of(&InvoiceView {
        issued_at: invoice.invoice.document.issued_at,
        total: invoice.invoice.document.total,
        number: invoice.invoice.number,
        url: link.url,
        url_expires_at: link.expires_at,
        credit_notes,
    })
}

async fn link(
    bucket: &Bucket,
    invoice: &Invoice,
    now: Timestamp,
) -> Result<PresignedDownload, Failure> {
    let (key, file_name) = (invoice.object_key(), invoice.file_name());
    let link = bucket.presign_download(&key, now, LINK_LIFETIME, &file_name);
    Ok(link.await?)
}
