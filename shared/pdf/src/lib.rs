//! Invoices and credit notes as PDF files: A4, archivable (PDF/A-3a) and accessible (PDF/UA-1).
//!
//! The same document always gives the same bytes, so that a retry overwrites a file with itself.
//! Nothing is read but the document: the fonts are compiled in (`fonts/README.md`).

mod layout;
mod paint;
mod text;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use domain::money::{Currency, Money};
use jiff::civil::Date;

/// What is printed. All amounts are shown as they are: nothing is added up here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Invoice or credit note.
    pub kind: Kind,
    /// The document's own number, as the books know it.
    pub number: String,
    /// The day it was issued.
    pub issued_on: Date,
    /// Who sells.
    pub seller: Party,
    /// Who buys.
    pub buyer: Party,
    /// Number of the order that is charged or credited.
    pub order_number: String,
    /// What was bought, in the order it is printed.
    pub lines: Vec<Line>,
    /// Taxes, one for each name and rate.
    pub taxes: Vec<Tax>,
    /// Sum without taxes.
    pub net: Money,
    /// Sum with taxes.
    pub total: Money,
    /// Something to say below the total. Line breaks are kept, of at most 200 lines.
    pub note: Option<String>,
}

/// What kind of document it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks for money, or says that it was paid.
    Invoice,
    /// Takes back an invoice or a part of it. Its amounts are printed as they are given.
    CreditNote {
        /// Number of the invoice.
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

/// Seller or buyer. An address that would fill the page is cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// A person's or a company's name.
    pub name: String,
    /// The address, line by line, with the country.
    pub address: Vec<String>,
    /// Number by which the tax office knows them.
    pub tax_id: Option<String>,
    /// Where to write to.
    pub email: Option<String>,
}

/// One line of what was bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The variant's SKU.
    pub sku: String,
    /// Title of product and variant. Takes as many rows as it needs.
    pub description: String,
    /// How many.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: Money,
    /// Price of all of them.
    pub total: Money,
}

/// One tax at one rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tax {
    /// What it is called: `VAT`.
    pub name: String,
    /// Hundredths of a percent: 1900 is 19 %.
    pub rate_basis_points: u32,
    /// What is taxed.
    pub net: Money,
    /// The tax.
    pub amount: Money,
}

/// Why there is no PDF.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RenderError {
    /// The columns name one currency; an amount of another one would be read as that.
    #[error("the document is in {0}, and one of its amounts in {1}")]
    Currencies(Currency, Currency),
    /// A font that is compiled in cannot be read.
    #[error("font {0} cannot be read")]
    Font(&'static str),
    /// The file would break a rule of PDF/A or PDF/UA.
    #[error("the PDF could not be written: {0}")]
    Pdf(String),
}

/// Renders a document. A character that no font has is shown as `�`; of a text longer than 2,000
/// characters the rest is left out, marked by `…`.
pub fn render(document: &Document) -> Result<Vec<u8>, RenderError> {
    render_reporting(document).map(|rendered| rendered.bytes)
}

/// What outlives a document, because finding it out is half of the work.
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
    /// A function renders on one thread, one document after the other.
    static RENDERER: RefCell<Renderer> = RefCell::new(Renderer::new());
}

/// Has the allocator keep what a document frees, for the next one.
///
/// Each of a file's seven streams is packed with buffers of 0.3 MB. glibc gives memory that is freed
/// at the end of the heap back to the system, and takes it again page by page: with 400 page faults a
/// document, a quarter of its time. It stops doing so for sizes up to the largest block that it ever
/// mapped apart and freed. This one is never touched, so that it takes no memory.
fn keep_freed_memory() {
    const BYTES: usize = 4 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BYTES)));
}

pub(crate) struct Rendered {
    pub(crate) bytes: Vec<u8>,
    /// What no font has, in the order it was met.
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
