//! Views of the invoices' endpoints.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{id::RefundId, money::Money};

/// The invoice of an order, with its credit notes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct InvoiceView {
    /// Its number, such as `INV-2026-000123`.
    pub number: String,
    /// Time of issue.
    #[schemars(with = "String")]
    pub issued_at: Timestamp,
    /// Invoiced amount, taxes included.
    pub total: Money,
    /// Presigned URL of the PDF: anyone who has it can download the file.
    pub url: String,
    /// The URL is refused from this time on; request the invoice again for a new one.
    #[schemars(with = "String")]
    pub url_expires_at: Timestamp,
    /// Credit notes for refunds of the order.
    pub credit_notes: Vec<CreditNoteView>,
}

/// A credit note for a refund.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CreditNoteView {
    /// Its number, such as `CRN-2026-000123`.
    pub number: String,
    /// The refund that it documents.
    pub refund_id: RefundId,
    /// Time of issue.
    #[schemars(with = "String")]
    pub issued_at: Timestamp,
    /// Refunded amount, taxes included.
    pub total: Money,
    /// Presigned URL of the PDF: anyone who has it can download the file.
    pub url: String,
    /// The URL is refused from this time on; request the invoice again for a new one.
    #[schemars(with = "String")]
    pub url_expires_at: Timestamp,
}
