//! Lists of products: one of all products, and one for each collection, type and tag.

use crate::text;

/// Kind of filter that defines a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FacetKind {
    /// All products.
    All,
    /// Products of one collection.
    Collection,
    /// Products of one type.
    Type,
    /// Products with one tag.
    Tag,
}

/// One list of products, such as all with the tag `men`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    kind: FacetKind,
    value: String,
}

impl Facet {
    /// The list of all products.
    pub fn all() -> Self {
        Self {
            kind: FacetKind::All,
            value: String::new(),
        }
    }

    /// The list of `kind` and `value`, whatever their case, spaces and Unicode form; `None` for an empty
    /// value.
    pub fn new(kind: FacetKind, value: &str) -> Option<Self> {
        let value = text::key(value);
        (!value.is_empty()).then_some(Self { kind, value })
    }

    /// Key of the list, such as `tag#men`.
    pub fn key(&self) -> String {
        match self.kind {
            FacetKind::All => "all".to_owned(),
            FacetKind::Collection => format!("collection#{}", self.value),
            FacetKind::Type => format!("type#{}", self.value),
            FacetKind::Tag => format!("tag#{}", self.value),
        }
    }
}

/// Sort order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Newest product first.
    Newest,
    /// By lowest price, cheapest product first.
    PriceAscending,
    /// By lowest price, most expensive product first.
    PriceDescending,
}

/// A validated query for one page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListProducts {
    /// The list to read.
    pub facet: Facet,
    /// Sort order of the list.
    pub sort: Sort,
    /// Maximum number of products to return.
    pub limit: u32,
    /// Cursor to continue from; the first page if missing.
    pub cursor: Option<String>,
}

/// Maximum page size.
pub const MAX_PAGE: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facets_are_found_however_they_are_spelt() {
        let tag = |value| Facet::new(FacetKind::Tag, value).map(|facet| facet.key());
        assert_eq!(
            tag(" Plants  And\tPots "),
            Some("tag#plants and pots".into())
        );
        assert_eq!(tag("Cafe\u{301}"), tag("CAFÉ"), "one Unicode form");
        assert_eq!(tag("men\u{200B}"), tag("Men"), "nothing invisible");
        assert_eq!(tag("  "), None);
    }
}
