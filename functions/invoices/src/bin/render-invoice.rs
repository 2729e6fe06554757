//! Issues the invoice of a paid order and the credit note of a refund: first the number, then the PDF.
//!
//! Each step checks whether it has been done, so deliveries may be repeated, late or out of order.

use std::process::ExitCode;

use domain::{
    event::{Envelope, Event},
    id::RefundId,
    invoices::{self, Document, Invoice, Seller, TaxRule},
    orders::{Order, OrderEventKind},
};
use gateways::objects::Bucket;
use jiff::Timestamp;
use runtime::{ConsumeError, Consumer, Delivery};
use store::{Consistency, IssuedInvoice, OrderInvoices, Store};
use tokio::sync::Mutex;

struct RenderInvoice {
    store: Store,
    bucket: Bucket,
    seller: Seller,
    tax: TaxRule,
    /// Held while a number is assigned: otherwise the records of one batch would conflict with each
    /// other.
    numbering: Mutex<()>,
}

impl Consumer for RenderInvoice {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let Event::OrderChanged {
            order_id, version, ..
        } = delivery.message.event
        else {
            return Ok(());
        };
        let order = self.store.order(order_id, Consistency::Strong).await?;
        let order = order.ok_or_else(|| format!("order {order_id} not found"))?;
        let change = order.change(version);
        let change = change.ok_or_else(|| format!("{order_id} has no version {version}"))?;
        // Proceed even if the document is already stored: its file may have been lost.
        let (paid, refund) = match change.what {
            OrderEventKind::Paid => (true, None),
            OrderEventKind::Refunded => (false, change.refund_id),
            _ => return Ok(()),
        };
        if !invoices::is_due(&order) {
            // The payment arrived after the goods were gone. Nothing was sold, so there is nothing to
            // credit.
            return Ok(());
        }
        // Skip the read for a new invoice: issuing returns the existing one, if any.
        let found = match refund {
            Some(_) => self.store.invoices(order_id).await?,
            None => OrderInvoices::default(),
        };
        let invoice = self.invoice(&order, &found, delivery.now).await?;
        if paid || !invoice.stored {
            self.file(&invoice.invoice, delivery.now).await?;
        }
        if let Some(refund) = refund {
            let note = self.credit_note(&order, &invoice.invoice, &found, refund, delivery.now);
            self.file(&note.await?.invoice, delivery.now).await?;
        }
        Ok(())
    }
}

impl RenderInvoice {
    /// The invoice of an order, issued now unless it exists.
    async fn invoice(
        &self,
        order: &Order,
        found: &OrderInvoices,
        now: Timestamp,
    ) -> Result<IssuedInvoice, ConsumeError> {
        if let Some(invoice) = &found.invoice {
            return Ok(invoice.clone());
        }
        let document = Invoice::of_order(order, &self.seller, &self.tax, now)?;
        self.issue(&document).await
    }

    /// The credit note of a refund, issued now unless it exists.
    async fn credit_note(
        &self,
        order: &Order,
        invoice: &Invoice,
        found: &OrderInvoices,
        id: RefundId,
        now: Timestamp,
    ) -> Result<IssuedInvoice, ConsumeError> {
        if let Some(note) = found.credit_note(id) {
            return Ok(note.clone());
        }
        let refund = invoices::credited(order).find(|refund| refund.id == id);
        let refund = refund.ok_or_else(|| format!("{} has no refund {id}", order.id))?;
        let document = invoice.credit_note(refund, &self.seller, now)?;
        self.issue(&document).await
    }

    async fn issue(&self, document: &Document) -> Result<IssuedInvoice, ConsumeError> {
        let _turn = self.numbering.lock().await;
        let issued = self.store.issue_invoice(document).await?;
        tracing::info!(
            order.id = %document.order_id,
            invoice.number = %issued.invoice.number,
            "invoice issued"
        );
        Ok(issued)
    }

    /// Renders a document and stores its PDF. An existing file is left unchanged.
    async fn file(&self, invoice: &Invoice, now: Timestamp) -> Result<(), ConsumeError> {
        let bytes = pdf::render(invoice)?;
        let size = bytes.len();
        let key = invoice.object_key();
        let new = self.bucket.put_new(&key, bytes, "application/pdf").await?;
        self.store
            .mark_invoice_stored(&invoice.document, now)
            .await?;
        tracing::info!(
            order.id = %invoice.document.order_id,
            invoice.number = %invoice.number,
            invoice.bytes = size,
            invoice.new = new,
            "invoice stored"
        );
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        let address = environment.get("SELLER_ADDRESS").unwrap_or_default();
        let lines = address.split('|').map(str::trim);
        let rate = environment.require("TAX_RATE_BASIS_POINTS")?;
        Ok(RenderInvoice {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            bucket: Bucket::new(
                &environment.sdk_config()?,
                environment.require("INVOICE_BUCKET")?,
            ),
            seller: Seller {
                name: environment.require("SELLER_NAME")?.to_owned(),
                address: lines
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned)
                    .collect(),
                tax_id: environment.get("SELLER_TAX_ID").map(str::to_owned),
                email: environment.require("SELLER_EMAIL")?.to_owned(),
            },
            tax: TaxRule {
                name: environment.require("TAX_NAME")?.to_owned(),
                rate_basis_points: rate.parse().map_err(|error| {
                    format!("TAX_RATE_BASIS_POINTS must be a whole number: {error}")
                })?,
            },
            numbering: Mutex::new(()),
        })
    })
}
