//! Issues the invoice of a paid order and the credit note of a refund: first the number, then the PDF.
//!
//! Each step checks whether it has been done, so deliveries may be repeated, late or out of order.

use std::process::ExitCode;

use control::{Control, Current};
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
    control: Control,
    bucket: Bucket,
    /// The template's, where the settings have none.
    seller: Seller,
    /// The template's; the settings may give the tax another name.
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
        // Read for each message: the settings of the moment in which the document is issued.
        let current = self.control.current(delivery.now).await?;
        let invoice = self.invoice(&order, &found, &current, delivery.now).await?;
        if paid || !invoice.stored {
            self.file(&invoice.invoice, delivery.now).await?;
        }
        if let Some(refund) = refund {
            let note = match found.credit_note(refund) {
                Some(note) => note.clone(),
                None => {
                    let document =
                        self.credit_note(&order, &invoice.invoice, refund, &current, delivery.now);
                    self.issue(&document?).await?
                }
            };
            self.file(&note.invoice, delivery.now).await?;
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
        current: &Current,
        now: Timestamp,
    ) -> Result<IssuedInvoice, ConsumeError> {
        if let Some(invoice) = &found.invoice {
            return Ok(invoice.clone());
        }
        let settings = current.settings();
        let tax = TaxRule {
            name: settings.tax_name(&self.tax.name).to_owned(),
            ..self.tax
        };
        let document = Invoice::of_order(order, &settings.seller(&self.seller), &tax, now)?;
        self.issue(&document).await
    }

    /// The credit note of a refund, without a number.
    fn credit_note(
        &self,
        order: &Order,
        invoice: &Invoice,
        id: RefundId,
        current: &Current,
        now: Timestamp,
    ) -> Result<Document, ConsumeError> {
        let refund = invoices::credited(order).find(|refund| refund.id == id);
        let refund = refund.ok_or_else(|| format!("{} has no refund {id}", order.id))?;
        let seller = current.settings().seller(&self.seller);
        Ok(invoice.credit_note(refund, &seller, now)?)
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
        let rate = environment.require("TAX_RATE_BASIS_POINTS")?;
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(RenderInvoice {
            control: Control::new(&store, environment)?,
            store,
            bucket: Bucket::new(
                &environment.sdk_config()?,
                environment.require("INVOICE_BUCKET")?,
            ),
            seller: environment.seller()?,
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
