//! Products, their variants, and the lists that contain them.

pub mod import;

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    fault::{Code, FieldFault, Rejection},
    id::ProductId,
    money::Money,
};

/// Stock keeping unit: 1 to 100 characters, unique in the shop, usable as one part of a path.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(String);

impl Sku {
    /// The SKU as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Wraps a generated SKU, which is valid by construction.
    pub(crate) fn made(text: String) -> Self {
        Self(text)
    }
}

/// Text that is not a valid SKU.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a SKU needs 1 to 100 characters, without slashes and control characters")]
pub struct InvalidSku;

impl FromStr for Sku {
    type Err = InvalidSku;

    fn from_str(text: &str) -> Result<Self, InvalidSku> {
        let text = text.trim();
        let length = text.chars().count();
        let unusable = |c: char| c.is_control() || c == '/';
        if length == 0 || length > 100 || text.chars().any(unusable) || matches!(text, "." | "..") {
            return Err(InvalidSku);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Sku {
    type Error = InvalidSku;

    fn try_from(text: String) -> Result<Self, InvalidSku> {
        text.parse()
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A product as shoppers see it. Stored in the same form, so that a read needs no conversion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductView {
    /// Identifier; ids of newer products sort after older ones.
    pub id: ProductId,
    /// Slug, the product's name in URLs.
    pub slug: String,
    /// Title of the product.
    pub title: String,
    /// Description as sanitized HTML.
    pub description_html: String,
    /// Brand of the product.
    pub vendor: String,
    /// Product type, such as `Mug`.
    #[serde(rename = "type")]
    pub product_type: String,
    /// Tags for filtering, in the file's order.
    pub tags: Vec<String>,
    /// Names of the collections that contain it.
    pub collections: Vec<String>,
    /// Options to choose from; empty for a product with one variant and no options.
    pub options: Vec<OptionView>,
    /// Variants for sale.
    pub variants: Vec<VariantView>,
    /// Images in display order.
    pub images: Vec<ImageView>,
}

/// One option, such as the size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptionView {
    /// Name of the option, such as `Size`.
    pub name: String,
    /// Values such as `Small`, in the file's order.
    pub values: Vec<String>,
}

/// One variant of a product, sold under a SKU of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariantView {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Option values, or `Default Title`.
    pub title: String,
    /// One value per option, in the order of `options`.
    pub option_values: Vec<String>,
    /// Price of one unit.
    pub price: Money,
    /// Former price, to show a reduction.
    pub compare_at_price: Option<Money>,
    /// Whether the variant is in stock; seconds behind the stock itself.
    pub available: bool,
}

/// One image of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageView {
    /// Absolute URL, or a path under `/media/` on the shop's own host.
    pub url: String,
    /// Alternative text for screen readers.
    pub alt: String,
}

/// A product in a list: the fields of its card and those by which a list is filtered. The product's
/// page has the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductSummary {
    /// Identifier; ids of newer products sort after older ones.
    pub id: ProductId,
    /// Slug, the product's name in URLs.
    pub slug: String,
    /// Title of the product.
    pub title: String,
    /// Brand of the product.
    pub vendor: String,
    /// Product type, such as `Mug`.
    #[serde(rename = "type")]
    pub product_type: String,
    /// Tags for filtering, in the file's order.
    pub tags: Vec<String>,
    /// Names of the collections that contain it.
    pub collections: Vec<String>,
    /// Lowest price of its available variants; null if none is available.
    pub price: Option<Money>,
    /// Whether another variant has a higher price.
    pub price_varies: bool,
    /// Former price of the cheapest variant, if it was higher.
    pub compare_at_price: Option<Money>,
    /// Whether an available variant has a higher former price.
    pub reduced: bool,
    /// Whether any variant is in stock; seconds behind the stock itself.
    pub available: bool,
    /// First image of the product.
    pub image: Option<ImageView>,
}

impl From<&ProductView> for ProductSummary {
    fn from(product: &ProductView) -> Self {
        let was = |variant: &VariantView| {
            let before = variant.compare_at_price?;
            let now = variant.price;
            (before.currency == now.currency && before.amount > now.amount).then_some(before)
        };
        let variants = &product.variants;
        let cheapest = variants.iter().min_by_key(|variant| variant.price.amount);
        Self {
            id: product.id,
            slug: product.slug.clone(),
            title: product.title.clone(),
            vendor: product.vendor.clone(),
            product_type: product.product_type.clone(),
            tags: product.tags.clone(),
            collections: product.collections.clone(),
            price: cheapest.map(|variant| variant.price),
            price_varies: variants
                .iter()
                .any(|variant| cheapest.is_some_and(|least| variant.price != least.price)),
            compare_at_price: cheapest.and_then(was),
            reduced: variants
                .iter()
                .any(|variant| variant.available && was(variant).is_some()),
            available: variants.iter().any(|variant| variant.available),
            image: product.images.first().cloned(),
        }
    }
}

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

    /// The list of `kind` and `value`, case-insensitive; `None` for an empty value.
    pub fn new(kind: FacetKind, value: &str) -> Option<Self> {
        let words: Vec<&str> = value.split_whitespace().collect();
        let value = words.join(" ").to_lowercase();
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

/// Query of `GET /v1/products`. At most one of `collection`, `type` and `tag`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ListProductsQuery {
    /// Name of a collection.
    pub collection: Option<String>,
    /// Product type, such as `Mug`.
    #[serde(rename = "type")]
    pub product_type: Option<String>,
    /// Tag, such as `men`.
    pub tag: Option<String>,
    /// `newest` (default), `price` or `-price`.
    pub sort: Option<String>,
    /// Page size, 1 to 100; 24 by default.
    pub limit: Option<String>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
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
const DEFAULT_PAGE: u32 = 24;

impl ListProductsQuery {
    /// Validates the query and reports all invalid parameters at once.
    pub fn parse(self) -> Result<ListProducts, Rejection> {
        let mut faults = Vec::new();
        let filters = [
            (FacetKind::Collection, "collection", self.collection),
            (FacetKind::Type, "type", self.product_type),
            (FacetKind::Tag, "tag", self.tag),
        ];
        let mut facet = None;
        for (kind, field, value) in filters {
            let Some(value) = value else { continue };
            if facet.is_some() {
                let message = "Filter by only one of collection, type and tag.";
                faults.push(FieldFault::new(field, "conflict", message));
            } else if value.chars().count() > 255 {
                faults.push(FieldFault::new(
                    field,
                    "too_long",
                    "At most 255 characters.",
                ));
            } else if let Some(named) = Facet::new(kind, &value) {
                facet = Some(named);
            } else {
                faults.push(FieldFault::new(field, "required", "Must not be empty."));
            }
        }
        let sort = match self.sort.as_deref() {
            None | Some("newest") => Sort::Newest,
            Some("price") => Sort::PriceAscending,
            Some("-price") => Sort::PriceDescending,
            Some(_) => {
                let message = "Must be newest, price or -price.";
                faults.push(FieldFault::new("sort", "unknown_value", message));
                Sort::Newest
            }
        };
        let limit = self
            .limit
            .map_or(Some(DEFAULT_PAGE), |limit| limit.parse().ok());
        let limit = limit.filter(|limit| (1..=MAX_PAGE).contains(limit));
        if limit.is_none() {
            let message = format!("Must be from 1 to {MAX_PAGE}.");
            faults.push(FieldFault::new("limit", "out_of_range", message));
        }
        match limit {
            Some(limit) if faults.is_empty() => Ok(ListProducts {
                facet: facet.unwrap_or_else(Facet::all),
                sort,
                limit,
                cursor: self.cursor,
            }),
            _ => Err(Rejection::invalid(faults)),
        }
    }
}

/// The rejection for a cursor that another list has returned, or none.
pub fn invalid_cursor() -> Rejection {
    Rejection {
        code: Code::InvalidCursor,
        detail: "The cursor does not belong to this list; start again without one.".into(),
        fields: vec![FieldFault {
            field: "cursor".into(),
            code: Cow::Borrowed("invalid"),
            message: "Send a next_cursor of this list and keep the other parameters.".into(),
        }],
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
    fn skus() {
        for good in ["A-1", "ab 12", "classic-varsity-top.small", "Größe#3"] {
            assert!(good.parse::<Sku>().is_ok(), "{good}");
        }
        for bad in ["", "  ", "a/b", "a\nb", "..", &"x".repeat(101)] {
            assert!(bad.parse::<Sku>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn facets_are_found_however_they_are_spelt() {
        let tag = |value| Facet::new(FacetKind::Tag, value).map(|facet| facet.key());
        assert_eq!(
            tag(" Plants  And\tPots "),
            Some("tag#plants and pots".into())
        );
        assert_eq!(tag("  "), None);
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

    #[test]
    fn a_list_names_every_parameter_at_fault() {
        let query = ListProductsQuery {
            tag: Some("men".into()),
            product_type: Some("Outdoor".into()),
            sort: Some("random".into()),
            limit: Some("0".into()),
            ..ListProductsQuery::default()
        };
        let fields: Vec<String> = query
            .parse()
            .unwrap_err()
            .fields
            .into_iter()
            .map(|fault| fault.field)
            .collect();
        assert_eq!(fields, ["tag", "sort", "limit"]);
    }
}
