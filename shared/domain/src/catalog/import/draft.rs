//! Products and variants as the rows of a file describe them.

use ring::digest::{SHA256, digest};
use serde::Serialize;

use super::{DEFAULT_TITLE, hex};
use crate::{
    catalog::{
        ImageView, ImportedVariant, OptionView, Product, ProductStatus, ProductView, Sku,
        VariantView, rules::is_for_sale,
    },
    change::ChangeStamp,
    id::ProductId,
    money::Money,
};

/// Maximum size of a product as shoppers see it, in bytes of JSON: an item of the table holds 400 KB.
const MAX_VIEW_BYTES: usize = 200 * 1024;
/// Maximum size of a product's entries in all its lists, in bytes.
const MAX_LISTED_BYTES: usize = 8 * 1024 * 1024;

/// A product as its rows describe it, completed by the product that is stored where the file says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Slug of the product.
    pub slug: String,
    /// Handle that the slug derives from.
    pub handle: String,
    /// Title of the product.
    pub title: String,
    /// Description as sanitized HTML.
    pub description_html: String,
    /// Brand of the product.
    pub vendor: String,
    /// Product type, such as `Mug`.
    pub product_type: String,
    /// Tags in the file's order.
    pub tags: Vec<String>,
    /// Names of the collections that contain it.
    pub collections: Vec<String>,
    /// Whether the product is published.
    pub published: bool,
    /// Status of the product.
    pub status: ProductStatus,
    /// Options with the values that its variants use.
    pub options: Vec<OptionView>,
    /// Variants, at least one.
    pub variants: Vec<DraftVariant>,
    /// Images in display order.
    pub images: Vec<ImageView>,
}

/// A variant as its row describes it, or as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DraftVariant {
    /// Index of its row in the group; `None` for a stored variant that stays as it is.
    #[serde(skip)]
    pub row: Option<usize>,
    /// SKU of the row, or generated from handle and options if it has none.
    pub sku: Sku,
    /// One value per option.
    pub option_values: Vec<String>,
    /// Price of one unit.
    pub price: Money,
    /// Former price, to show a reduction.
    pub compare_at_price: Option<Money>,
    /// Units on hand according to this file or an earlier one.
    pub quantity: Option<i64>,
    /// Units on hand according to this file.
    #[serde(skip)]
    pub given_quantity: Option<i64>,
    /// The same if an earlier file did not say so.
    #[serde(skip)]
    pub new_quantity: Option<i64>,
    /// Whether the SKU is new to the product.
    #[serde(skip)]
    pub is_new: bool,
    /// Whether the variant is sold beyond its stock.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backorder: bool,
    /// Whether its units are not counted, and sold without limit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub untracked: bool,
}

impl DraftVariant {
    /// The option values, or `Default Title`.
    pub fn title(&self) -> String {
        if self.option_values.is_empty() {
            DEFAULT_TITLE.to_owned()
        } else {
            self.option_values.join(" / ")
        }
    }

    /// Title for a cart line: the product's title and the option values.
    pub fn line_title(&self, product_title: &str) -> String {
        if self.option_values.is_empty() {
            product_title.to_owned()
        } else {
            format!("{product_title} ({})", self.title())
        }
    }
}

impl Draft {
    /// Whether shoppers can see and buy the product.
    pub const fn is_for_sale(&self) -> bool {
        is_for_sale(self.published, self.status)
    }

    /// Whether the product, or its entries in all lists, would exceed the size limits.
    pub(super) fn is_too_large(&self) -> bool {
        // Option values and titles appear in the view more than once.
        let values: usize = self
            .variants
            .iter()
            .flat_map(|variant| &variant.option_values)
            .map(String::len)
            .sum();
        let json = serde_json::to_vec(self).map_or(usize::MAX / 2, |json| json.len()) + values;
        // One list of all products, one of its type, and one for each tag and collection; each in two
        // sort orders.
        let places = 2 * (2 + self.tags.len() + self.collections.len());
        json > MAX_VIEW_BYTES || json.saturating_mul(places) > MAX_LISTED_BYTES
    }

    /// Hash of the content, independent of the file it came from.
    pub fn content_hash(&self) -> Result<String, serde_json::Error> {
        let digest = digest(&SHA256, &serde_json::to_vec(self)?);
        Ok(hex(&digest.as_ref()[..16]))
    }

    /// Makes the product, as the successor of `previous` if there was one, changed by `stamp`. `available`
    /// holds the availability of each variant, in order.
    pub fn product(
        self,
        previous: Option<&Product>,
        available: &[bool],
        new_id: ProductId,
        stamp: ChangeStamp,
    ) -> Result<Product, serde_json::Error> {
        let content_hash = self.content_hash()?;
        let variants = self
            .variants
            .iter()
            .zip(available)
            .map(|(variant, available)| VariantView {
                sku: variant.sku.clone(),
                title: variant.title(),
                option_values: variant.option_values.clone(),
                price: variant.price,
                compare_at_price: variant.compare_at_price,
                available: *available,
            });
        let imported = self.variants.iter().map(|variant| ImportedVariant {
            sku: variant.sku.clone(),
            quantity: variant.quantity,
            backorder: variant.backorder,
            untracked: variant.untracked,
        });
        Ok(Product {
            version: previous.map_or(0, |product| product.version) + 1,
            handle: Some(self.handle),
            published: self.published,
            changed_by: Some(stamp),
            changing_by: None,
            content_hash,
            status: self.status,
            imported: imported.collect(),
            view: ProductView {
                id: previous.map_or(new_id, |product| product.view.id),
                variants: variants.collect(),
                slug: self.slug,
                title: self.title,
                description_html: self.description_html,
                vendor: self.vendor,
                product_type: self.product_type,
                tags: self.tags,
                collections: self.collections,
                options: self.options,
                images: self.images,
            },
        })
    }
}
