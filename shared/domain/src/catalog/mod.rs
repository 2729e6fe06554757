//! Products, their variants, the lists that contain them, and the files that they are imported from.

mod api;
pub mod import;
mod rules;

pub use api::{
    ImageView, ListProductsQuery, OptionView, ProductPage, ProductSummary, ProductView, VariantView,
};
pub use rules::{
    Facet, FacetKind, ImportedVariant, InvalidSku, ListProducts, MAX_PAGE, Product, ProductStatus,
    Sku, Sort, slug,
};
