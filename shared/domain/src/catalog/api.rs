//! Query and views of the catalog's endpoints. Products are also stored as their view, so that a read
//! needs no conversion.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Facet, FacetKind, ListProducts, MAX_PAGE, Sku, Sort};
use crate::{
    fault::{FieldFault, Rejection},
    id::ProductId,
    money::Money,
    page::page_size,
};

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

/// One page of a product list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProductPage {
    /// Products in the requested order.
    pub items: Vec<ProductSummary>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
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
        match page_size(self.limit, DEFAULT_PAGE, MAX_PAGE) {
            Ok(limit) if faults.is_empty() => Ok(ListProducts {
                facet: facet.unwrap_or_else(Facet::all),
                sort,
                limit,
                cursor: self.cursor,
            }),
            limit => {
                faults.extend(limit.err());
                Err(Rejection::invalid(faults))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
