//! Renders invoices and credit notes as PDF: A4, archivable (PDF/A-3a) and accessible (PDF/UA-1).
//!
//! Rendering is deterministic, so that a retry overwrites a file with identical bytes. The document is
//! the only input: fonts are compiled in (`fonts/README.md`).

mod layout;
mod paint;
mod text;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use domain::money::{Currency, Money};
use jiff::civil::Date;

/// Content to print. Amounts are printed as given; nothing is added up here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Invoice or credit note.
    pub kind: Kind,
    /// Number of the document, unique in the books.
    pub number: String,
    /// Date of issue.
    pub issued_on: Date,
    /// The seller, printed at the top.
    pub seller: Party,
    /// The buyer, printed as the recipient.
    pub buyer: Party,
    /// Number of the order that is invoiced or credited.
    pub order_number: String,
    /// Lines in the order in which they are printed.
    pub lines: Vec<Line>,
    /// Taxes, one per name and rate.
    pub taxes: Vec<Tax>,
    /// Total without taxes.
    pub net: Money,
    /// Total including taxes.
    pub total: Money,
    /// Note below the total. Line breaks are kept; at most 200 lines.
    pub note: Option<String>,
}

/// Invoice or credit note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An invoice, paid or to be paid.
    Invoice,
    /// A credit note for all or part of an invoice. Its amounts are printed as given.
    CreditNote {
        /// Number of the invoice that it corrects.
        of: String,
    },
}

impl Kind {
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::CreditNote { .. } => "Credit note",
        }
    }
}

/// Seller or buyer. An address that would fill the page is truncated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Name of the person or company.
    pub name: String,
    /// Address, line by line, with the country.
    pub address: Vec<String>,
    /// Tax identification number.
    pub tax_id: Option<String>,
    /// Contact address.
    pub email: Option<String>,
}

/// One line of the table of goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// SKU of the variant.
    pub sku: String,
    /// Title of product and variant, on as many rows as it needs.
    pub description: String,
    /// Number of units.
    pub quantity: u32,
    /// Price of one unit.
    pub unit_price: Money,
    /// Price of the line.
    pub total: Money,
}

/// One tax at one rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tax {
    /// Name of the tax, such as `VAT`.
    pub name: String,
    /// Rate in basis points (hundredths of a percent): 1900 is 19 %.
    pub rate_basis_points: u32,
    /// Net amount that is taxed.
    pub net: Money,
    /// Amount of the tax.
    pub amount: Money,
}

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

/// Renders a document. Characters that are in none of the fonts are shown as `�`; texts are truncated
/// to 2,000 characters and marked with `…`.
pub fn render(document: &Document) -> Result<Vec<u8>, RenderError> {
    render_reporting(document).map(|rendered| rendered.bytes)
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

pub(crate) fn render_reporting(document: &Document) -> Result<Rendered, RenderError> {
    check_currencies(document)?;
    RENDERER.with_borrow_mut(|Renderer { typesetter, fonts }| {
        let pages = layout::lay_out(document, typesetter);
        let missing = std::mem::take(&mut typesetter.missing);
        let bytes = paint::paint(document, &pages, fonts)?;
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
