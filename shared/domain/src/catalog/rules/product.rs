//! Products with the fields that only the shop needs, and their slugs.

use serde::{Deserialize, Serialize};

use super::{Facet, FacetKind, Sku};
use crate::{
    catalog::ProductView,
    change::ChangeStamp,
    text::{is_invisible, is_mark, key},
};

/// A product with the fields that only the shop needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Incremented by every change (optimistic locking).
    pub version: u64,
    /// Handle that the product was imported under, from which its slug derives. Another handle with the
    /// same slug is another product; `None` if it was stored before handles were.
    pub handle: Option<String>,
    /// Whether the product is published, which shoppers see if its status allows it.
    pub published: bool,
    /// Status of the product.
    pub status: ProductStatus,
    /// The change that the product's data are from; `None` if it was stored before changes had stamps.
    pub changed_by: Option<ChangeStamp>,
    /// The change that is writing the product's variants, which may be ahead of it.
    pub changing_by: Option<ChangeStamp>,
    /// Hash of the imported content, so that a repeated import changes nothing.
    pub content_hash: String,
    /// Stock columns of the last import.
    pub imported: Vec<ImportedVariant>,
    /// The product as shoppers see it.
    pub view: ProductView,
}

/// Status of a product, apart from being published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductStatus {
    /// For sale.
    #[default]
    Active,
    /// For sale, but in no list.
    Unlisted,
    /// Not for sale yet.
    Draft,
    /// No longer for sale; another product may take its SKUs.
    Archived,
}

/// What the last import said of a variant's stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedVariant {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Units on hand, if a file gave them: only another quantity touches the stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// Whether the variant is sold beyond its stock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backorder: bool,
    /// Whether its units are not counted, and sold without limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untracked: bool,
}

impl Product {
    /// Whether a change that is newer than `stamp` has written the product, or is writing it.
    pub fn is_newer_than(&self, stamp: &ChangeStamp) -> bool {
        let newest = self.changed_by.iter().chain(&self.changing_by).max();
        newest.is_some_and(|newest| newest > stamp)
    }

    /// Whether shoppers can see and buy the product.
    pub const fn is_for_sale(&self) -> bool {
        is_for_sale(self.published, self.status)
    }

    /// The lists that contain the product; none if it is not listed.
    pub fn facets(&self) -> Vec<Facet> {
        if !self.is_for_sale() || self.status == ProductStatus::Unlisted {
            return Vec::new();
        }
        let view = &self.view;
        let mut facets = vec![Facet::all()];
        let mut add = |facet: Option<Facet>| {
            if let Some(facet) = facet.filter(|facet| !facets.contains(facet)) {
                facets.push(facet);
            }
        };
        add(Facet::new(FacetKind::Type, &view.product_type));
        for tag in &view.tags {
            add(Facet::new(FacetKind::Tag, tag));
        }
        for collection in &view.collections {
            add(Facet::new(FacetKind::Collection, collection));
        }
        facets
    }

    /// Sort key of lists by price: the lowest price of its variants.
    pub fn lowest_price(&self) -> i64 {
        let prices = self
            .view
            .variants
            .iter()
            .map(|variant| variant.price.amount);
        prices.min().unwrap_or(0)
    }
}

/// Whether shoppers can see and buy a product.
pub(in crate::catalog) const fn is_for_sale(published: bool, status: ProductStatus) -> bool {
    published && matches!(status, ProductStatus::Active | ProductStatus::Unlisted)
}

/// Converts `text` to a slug of lower-case letters with their marks, digits and single hyphens, in NFC;
/// `None` if nothing is left, or more than 255 characters. Different texts may have the same slug.
pub fn slug(text: &str) -> Option<String> {
    let mut slug = String::with_capacity(text.len());
    let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    for c in key(&visible).chars() {
        let marks_a_letter = is_mark(c) && !slug.is_empty() && !slug.ends_with('-');
        if c.is_alphanumeric() || c == '_' || marks_a_letter {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty() && slug.chars().count() <= 255).then(|| slug.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind: a lossy form as key.
    #[test]
    fn marks_are_kept_and_forms_are_one() {
        assert_eq!(slug("हिन्दी कमीज़"), Some(key("हिन्दी-कमीज़")));
        assert_eq!(slug("Cafe\u{301}"), Some("café".into()));
        assert_eq!(slug("İstanbul"), slug("I\u{307}stanbul"));
        assert_eq!(slug("I ❤\u{FE0F} tea"), Some("i-tea".into()));
        assert_eq!(slug("e\u{200D}\u{301}\u{AD}t"), Some("ét".into()));
        let once = slug("Ḍ\u{307}rift").unwrap();
        assert_eq!(slug(&once), Some(once));
    }

    #[test]
    fn slugs() {
        assert_eq!(
            slug(" Ocean Blue -- Shirt! "),
            Some("ocean-blue-shirt".into())
        );
        assert_eq!(slug("Größe 3"), Some("größe-3".into()));
        assert_eq!(slug("!!"), None);
    }
}
