//! Products with the fields that only the shop needs, and their slugs.

use super::{Facet, FacetKind, Sku};
use crate::catalog::ProductView;

/// A product with the fields that only the shop needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Incremented by every change (optimistic locking).
    pub version: u64,
    /// Whether shoppers can see the product.
    pub published: bool,
    /// Hash of the imported content, so that a repeated import changes nothing.
    pub content_hash: String,
    /// Quantities of the last import: only a changed one touches the stock.
    pub imported_quantities: Vec<(Sku, i64)>,
    /// The product as shoppers see it.
    pub view: ProductView,
}

impl Product {
    /// The lists that contain the product; none if it is not published.
    pub fn facets(&self) -> Vec<Facet> {
        if !self.published {
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

/// Converts `text` to a slug of lower-case letters, digits and single hyphens; `None` if nothing is
/// left, or more than 255 characters.
pub fn slug(text: &str) -> Option<String> {
    let mut slug = String::with_capacity(text.len());
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == '_' {
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
