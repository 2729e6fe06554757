//! Stores invoices and credit notes. Numbers come from one counter per series, in the transaction that
//! writes the document, so they have no gaps and no duplicates.

use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use domain::{
    catalog::Sku,
    id::{OrderId, RefundId},
    invoices::{Buyer, Document, Invoice, Kind, Line, Seller, Series, TaxLine},
    money::{Currency, Money},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store,
    attempts::Attempts,
    item::{Item, Record, from_item, number, string, to_item},
    keys::{Key, invoice_partition},
    transaction::{First, Outcome, put_action},
};

/// An invoice or credit note as it is stored, frozen at issue except for `stored_at`. Amounts are minor
/// units of the document's currency, and positive on credit notes, too.
#[derive(Debug, Serialize, Deserialize)]
struct InvoiceRecord {
    number: String,
    #[serde(flatten)]
    kind: Kind,
    issued_at: Timestamp,
    order_id: OrderId,
    order_number: String,
    seller: Seller,
    buyer: Buyer,
    currency: Currency,
    lines: Vec<LineRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taxes: Vec<TaxRecord>,
    net: i64,
    total: i64,
    /// Time at which its PDF was stored in S3; `None` until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LineRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sku: Option<Sku>,
    title: String,
    quantity: u32,
    price: i64,
    total: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct TaxRecord {
    name: String,
    rate_basis_points: u32,
    net: i64,
    amount: i64,
}

impl Record for InvoiceRecord {
    const ENTITY: &'static str = "invoice";
}

/// Counter of a series.
#[derive(Debug, Serialize, Deserialize)]
struct CounterRecord {
    /// Number of issued documents, which is also the last number.
    issued: u64,
    /// Time of the last issue; no later document has an earlier date.
    issued_at: Timestamp,
}

impl Record for CounterRecord {
    const ENTITY: &'static str = "counter";
}

impl InvoiceRecord {
    fn of(invoice: &Invoice) -> Self {
        let document = &invoice.document;
        let line = |line: &Line| LineRecord {
            sku: line.sku.clone(),
            title: line.title.clone(),
            quantity: line.quantity,
            price: line.unit_price.amount,
            total: line.total.amount,
        };
        let tax = |tax: &TaxLine| TaxRecord {
            name: tax.name.clone(),
            rate_basis_points: tax.rate_basis_points,
            net: tax.net.amount,
            amount: tax.amount.amount,
        };
        Self {
            number: invoice.number.clone(),
            kind: document.kind.clone(),
            issued_at: document.issued_at,
            order_id: document.order_id,
            order_number: document.order_number.clone(),
            seller: document.seller.clone(),
            buyer: document.buyer.clone(),
            currency: document.total.currency,
            lines: document.lines.iter().map(line).collect(),
            taxes: document.taxes.iter().map(tax).collect(),
            net: document.net.amount,
            total: document.total.amount,
            stored_at: None,
        }
    }
}

impl From<InvoiceRecord> for IssuedInvoice {
    fn from(record: InvoiceRecord) -> Self {
        let money = |amount| Money::new(amount, record.currency);
        let line = |line: LineRecord| Line {
            sku: line.sku,
            title: line.title,
            quantity: line.quantity,
            unit_price: money(line.price),
            total: money(line.total),
        };
        let tax = |tax: TaxRecord| TaxLine {
            name: tax.name,
            rate_basis_points: tax.rate_basis_points,
            net: money(tax.net),
            amount: money(tax.amount),
        };
        Self {
            invoice: Invoice {
                number: record.number,
                document: Document {
                    kind: record.kind,
                    issued_at: record.issued_at,
                    order_id: record.order_id,
                    order_number: record.order_number,
                    seller: record.seller,
                    buyer: record.buyer,
                    lines: record.lines.into_iter().map(line).collect(),
                    taxes: record.taxes.into_iter().map(tax).collect(),
                    net: money(record.net),
                    total: money(record.total),
                },
            },
            stored: record.stored_at.is_some(),
        }
    }
}

/// An issued document with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedInvoice {
    /// Number and content.
    pub invoice: Invoice,
    /// Whether its PDF is stored in S3.
    pub stored: bool,
}

/// All documents that were issued for one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderInvoices {
    /// The invoice, if it was issued.
    pub invoice: Option<IssuedInvoice>,
    /// Credit notes, sorted by the ids of their refunds.
    pub credit_notes: Vec<IssuedInvoice>,
}

impl OrderInvoices {
    /// The credit note of a refund, if it was issued.
    pub fn credit_note(&self, refund: RefundId) -> Option<&IssuedInvoice> {
        self.credit_notes.iter().find(
            |note| matches!(&note.invoice.document.kind, Kind::CreditNote { refund_id, .. } if *refund_id == refund),
        )
    }
}

impl Store {
    /// Assigns the next number of its series to a document and writes it. If the document was issued
    /// before, returns the stored one, even if it differs. Keys: [`Key::counter`], read first, on the
    /// condition that it is unchanged; [`Key::invoice`] or [`Key::credit_note`], on the condition that
    /// it does not exist. 1 read unit; 2 write units for the counter and 2 for each KB of document,
    /// again for each conflict.
    pub async fn issue_invoice(&self, document: &Document) -> Result<IssuedInvoice> {
        let mut attempts = Attempts::new("issue invoice");
        loop {
            attempts.next().await?;
            let series = document.series();
            let counter = self
                .get(
                    "GetItem counter",
                    &Key::counter(series),
                    Consistency::Strong,
                )
                .await?;
            let counter: Option<CounterRecord> = counter.map(from_item).transpose()?;
            let issued = counter.as_ref().map_or(0, |counter| counter.issued);
            // A later request may be issued first: dates must increase with the numbers.
            let last_at = counter.as_ref().map(|counter| counter.issued_at);
            let document = Document {
                issued_at: last_at.map_or(document.issued_at, |last| last.max(document.issued_at)),
                ..document.clone()
            };
            let count = CounterRecord {
                issued: issued + 1,
                issued_at: document.issued_at,
            };
            let invoice = document.numbered(issued + 1);
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(item_of(&invoice)?))
                .condition_expression("attribute_not_exists(PK)")
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
            let actions = vec![
                put_action(put)?,
                self.put_counter(series, &count, counter.is_some())?,
            ];
            match self
                .transact("issue invoice", First::Write, actions)
                .await?
            {
                Outcome::Committed { .. } => {
                    return Ok(IssuedInvoice {
                        invoice,
                        stored: false,
                    });
                }
                Outcome::Refused(reasons) => {
                    if let Some(exists) = reasons.into_iter().next().flatten() {
                        return read_refused(exists);
                    }
                }
                Outcome::InProgress => {}
            }
        }
    }

    /// Reads all documents of an order. Query of [`invoice_partition`], strongly consistent. 1 read
    /// unit for each 4 KB.
    pub async fn invoices(&self, order: OrderId) -> Result<OrderInvoices> {
        let mut found = OrderInvoices::default();
        self.partition("Query invoices", &invoice_partition(order), |item| {
            let issued = read(item)?;
            match issued.invoice.document.kind {
                Kind::Invoice => found.invoice = Some(issued),
                Kind::CreditNote { .. } => found.credit_notes.push(issued),
            }
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Records that the PDF of a document is stored in S3. Key: [`Key::invoice`] or
    /// [`Key::credit_note`], which must exist. 1 write unit for each KB of document.
    pub async fn mark_invoice_stored(&self, document: &Document, now: Timestamp) -> Result<()> {
        let update = self
            .update(&key_of(document))
            .update_expression("SET stored_at = if_not_exists(stored_at, :now)")
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":now", string(now.to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let written = self.write("UpdateItem invoice stored", update).await?;
        written.or_inconsistent(InvoiceRecord::ENTITY)?;
        Ok(())
    }

    /// Sets the counter of a series, on the condition that it is one less.
    fn put_counter(
        &self,
        series: Series,
        count: &CounterRecord,
        exists: bool,
    ) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::counter(series), count)?));
        put_action(if exists {
            put.condition_expression("issued = :before")
                .expression_attribute_values(":before", number(count.issued - 1))
        } else {
            put.condition_expression("attribute_not_exists(PK)")
        })
    }
}

/// The key of a document.
fn key_of(document: &Document) -> Key {
    match &document.kind {
        Kind::Invoice => Key::invoice(document.order_id),
        Kind::CreditNote { refund_id, .. } => Key::credit_note(document.order_id, *refund_id),
    }
}

/// The item of an issued document.
pub(crate) fn item_of(invoice: &Invoice) -> Result<Item> {
    to_item(&key_of(&invoice.document), &InvoiceRecord::of(invoice))
}

fn read(item: Item) -> Result<IssuedInvoice> {
    from_item::<InvoiceRecord>(item).map(IssuedInvoice::from)
}

fn read_refused(reason: CancellationReason) -> Result<IssuedInvoice> {
    read(reason.item.unwrap_or_default())
}
