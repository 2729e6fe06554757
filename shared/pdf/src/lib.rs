//! Renders invoices and credit notes as PDF: A4, archivable (PDF/A-3a) and accessible (PDF/UA-1).
//!
//! Rendering is deterministic, so that a retry overwrites a file with identical bytes. The invoice is
//! the only input: fonts are compiled in (`fonts/README.md`).

mod layout;
mod paint;
mod text;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use domain::{
    invoices::{Document, Invoice, Kind},
    money::Currency,
};
use jiff::{civil::Date, tz::TimeZone};

/// Why a document cannot be rendered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RenderError {
    /// Amounts in different currencies; the columns name only one.
    #[error("the document is in {0}, but one of its amounts is in {1}")]
    Currencies(Currency, Currency),
    /// A compiled-in font cannot be parsed.
    #[error("font {0} cannot be parsed")]
    Font(&'static str),
    /// The file would violate PDF/A or PDF/UA.
    #[error("the PDF could not be written: {0}")]
    Pdf(String),
}

/// Renders an invoice or credit note. Amounts are printed as given; nothing is added up here.
///
/// Characters that are in none of the fonts are shown as `�`; texts are truncated to 2,000 characters
/// and marked with `…`, an address that would fill the page is truncated too.
pub fn render(invoice: &Invoice) -> Result<Vec<u8>, RenderError> {
    render_reporting(invoice).map(|rendered| rendered.bytes)
}

/// State that is reused between documents, because computing it is half of the work.
struct Renderer {
    typesetter: text::Typesetter,
    fonts: paint::Fonts,
}

impl Renderer {
    fn new() -> Self {
        keep_freed_memory();
        Self {
            typesetter: text::Typesetter::new(),
            fonts: paint::Fonts::default(),
        }
    }
}

thread_local! {
    /// A function renders on one thread, one document at a time.
    static RENDERER: RefCell<Renderer> = RefCell::new(Renderer::new());
}

/// Makes the allocator keep the memory that a document frees for the next one.
///
/// Each of a file's seven streams is compressed with buffers of 0.3 MB. glibc returns freed memory at
/// the end of the heap to the system and requests it again page by page: 400 page faults per document,
/// a quarter of its time. It stops doing so for sizes up to the largest block that was ever mapped
/// separately and freed. This block is never touched, so it takes no memory.
fn keep_freed_memory() {
    const BYTES: usize = 4 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BYTES)));
}

pub(crate) struct Rendered {
    pub(crate) bytes: Vec<u8>,
    /// Characters that are in none of the fonts, in the order of their occurrence.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests ask for it"))]
    pub(crate) missing: Vec<String>,
}

pub(crate) fn render_reporting(invoice: &Invoice) -> Result<Rendered, RenderError> {
    check_currencies(&invoice.document)?;
    RENDERER.with_borrow_mut(|Renderer { typesetter, fonts }| {
        let pages = layout::lay_out(invoice, typesetter);
        let missing = std::mem::take(&mut typesetter.missing);
        let bytes = paint::paint(invoice, &pages, fonts)?;
        Ok(Rendered { bytes, missing })
    })
}

fn check_currencies(document: &Document) -> Result<(), RenderError> {
    let expected = document.total.currency;
    let lines = document.lines.iter().flat_map(|l| [l.unit_price, l.total]);
    let taxes = document.taxes.iter().flat_map(|t| [t.net, t.amount]);
    let amounts = lines.chain(taxes).chain([document.net]);
    match amounts.map(|m| m.currency).find(|c| *c != expected) {
        Some(other) => Err(RenderError::Currencies(expected, other)),
        None => Ok(()),
    }
}

/// Name of the kind of document, as printed.
pub(crate) fn kind_title(kind: &Kind) -> &'static str {
    match kind {
        Kind::Invoice => "Invoice",
        Kind::CreditNote { .. } => "Credit note",
    }
}

/// Date of issue in UTC.
pub(crate) fn issued_on(document: &Document) -> Date {
    document.issued_at.to_zoned(TimeZone::UTC).date()
}
