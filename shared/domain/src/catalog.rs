//! Products, their variants, and the lists they stand in.

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
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A SKU the shop made itself, from parts that cannot be wrong.
    pub(crate) fn made(text: String) -> Self {
        Self(text)
    }
}

/// The text cannot be a SKU.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a SKU has 1 to 100 characters, none of them a slash or a control character")]
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

/// A product as shoppers see it; also the form it is stored in, so that reading one needs no
/// translation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductView {
    /// Identifier; later products sort later.
    pub id: ProductId,
    /// Its name in a path.
    pub slug: String,
    /// Title.
    pub title: String,
    /// Sanitised HTML.
    pub description_html: String,
    /// Brand.
    pub vendor: String,
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub product_type: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Names of the collections it is in.
    pub collections: Vec<String>,
    /// What can be chosen; empty for a product of one variant without options.
    pub options: Vec<OptionView>,
    /// What can be bought.
    pub variants: Vec<VariantView>,
    /// Pictures, the first one first.
    pub images: Vec<ImageView>,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptionView {
    /// Such as `Size`.
    pub name: String,
    /// Such as `Small`, in the file's order.
    pub values: Vec<String>,
}

/// One thing to buy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariantView {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Its option values, or `Default Title`.
    pub title: String,
    /// One value for each option.
    pub option_values: Vec<String>,
    /// What one costs.
    pub price: Money,
    /// What it used to cost.
    pub compare_at_price: Option<Money>,
    /// Whether any can be sold; seconds behind the stock itself.
    pub available: bool,
}

/// One picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageView {
    /// Absolute, or a path under `/media/` of the shop's own address.
    pub url: String,
    /// What it shows, for who cannot see it.
    pub alt: String,
}

/// A product as it stands in a list: what a card of it shows, and what it can be narrowed by. Its page
/// has the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductSummary {
    /// Identifier; later products sort later.
    pub id: ProductId,
    /// Its name in a path.
    pub slug: String,
    /// Title.
    pub title: String,
    /// Brand.
    pub vendor: String,
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub product_type: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Names of the collections it is in.
    pub collections: Vec<String>,
    /// What its cheapest variant costs; null if nothing of it can be bought.
    pub price: Option<Money>,
    /// Whether another variant costs more.
    pub price_varies: bool,
    /// What the cheapest variant used to cost, if that was more.
    pub compare_at_price: Option<Money>,
    /// Whether a variant that can be bought used to cost more.
    pub reduced: bool,
    /// Whether any variant can be sold; seconds behind the stock itself.
    pub available: bool,
    /// Its first picture.
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

/// A product with what the shop needs to keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Raised by every change.
    pub version: u64,
    /// Whether shoppers see it.
    pub published: bool,
    /// Hash of what was imported, so that the same import changes nothing.
    pub content_hash: String,
    /// The quantities the last import named, so that only a changed one touches the stock.
    pub imported_quantities: Vec<(Sku, i64)>,
    /// What shoppers see.
    pub view: ProductView,
}

impl Product {
    /// The lists it stands in: none unless published.
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

    /// The price it is sorted by: its cheapest variant's.
    pub fn lowest_price(&self) -> i64 {
        let prices = self
            .view
            .variants
            .iter()
            .map(|variant| variant.price.amount);
        prices.min().unwrap_or(0)
    }
}

/// What a list can be narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FacetKind {
    /// Everything.
    All,
    /// One collection.
    Collection,
    /// One type.
    Type,
    /// One tag.
    Tag,
}

/// One list of products, such as all with the tag `men`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    kind: FacetKind,
    value: String,
}

impl Facet {
    /// The list of everything.
    pub fn all() -> Self {
        Self {
            kind: FacetKind::All,
            value: String::new(),
        }
    }

    /// The list of `kind` and `value`, however it is spelt; `None` for an empty value.
    pub fn new(kind: FacetKind, value: &str) -> Option<Self> {
        let words: Vec<&str> = value.split_whitespace().collect();
        let value = words.join(" ").to_lowercase();
        (!value.is_empty()).then_some(Self { kind, value })
    }

    /// Such as `tag#men`.
    pub fn key(&self) -> String {
        match self.kind {
            FacetKind::All => "all".to_owned(),
            FacetKind::Collection => format!("collection#{}", self.value),
            FacetKind::Type => format!("type#{}", self.value),
            FacetKind::Tag => format!("tag#{}", self.value),
        }
    }
}

/// How a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// The newest product first.
    Newest,
    /// The cheapest first.
    PriceAscending,
    /// The dearest first.
    PriceDescending,
}

/// Query of `GET /v1/products`. At most one of `collection`, `type` and `tag`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ListProductsQuery {
    /// Name of a collection.
    pub collection: Option<String>,
    /// A product type.
    #[serde(rename = "type")]
    pub product_type: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// `newest` (default), `price` or `-price`.
    pub sort: Option<String>,
    /// Products a page, 1 to 100; 24 by default.
    pub limit: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A list that can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListProducts {
    /// Which list.
    pub facet: Facet,
    /// In which order.
    pub sort: Sort,
    /// How many products at most.
    pub limit: u32,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Most products of a page.
pub const MAX_PAGE: u32 = 100;
const DEFAULT_PAGE: u32 = 24;

impl ListProductsQuery {
    /// The list asked for, or the parameters at fault.
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
                let message = "Narrow by one of collection, type and tag at a time.";
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

/// The rejection of a cursor that this list did not give.
pub fn invalid_cursor() -> Rejection {
    Rejection {
        code: Code::InvalidCursor,
        detail: "The cursor does not belong to this list; start again without one.".into(),
        fields: vec![FieldFault {
            field: "cursor".into(),
            code: Cow::Borrowed("invalid"),
            message: "Take it from next_cursor and keep the other parameters.".into(),
        }],
    }
}

/// `text` as a slug: lower case, letters, digits and single hyphens; `None` if nothing is left or
/// it is longer than 255 characters.
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
