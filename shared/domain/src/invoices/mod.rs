//! Invoices and credit notes. Their content is frozen when they are issued; prices include tax.
//!
//! The number is assigned last, from the counter of the document's series ([`Document::series`]), in
//! the transaction that writes the document. So numbers have no gaps and no duplicates (docs/adr/0012).

mod api;
mod rules;

pub use api::{CreditNoteView, InvoiceView};
pub use rules::{
    Buyer, Document, Invoice, Kind, Line, Seller, Series, TaxLine, TaxRule, credited, is_due,
    missing,
};
