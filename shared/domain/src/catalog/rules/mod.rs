//! Rules of products and of the lists that contain them.

mod list;
mod product;
mod sku;

pub use list::{Facet, FacetKind, ListProducts, MAX_PAGE, Sort};
pub(in crate::catalog) use product::is_for_sale;
pub use product::{ImportedVariant, Product, ProductStatus, slug};
pub use sku::{InvalidSku, Sku};
