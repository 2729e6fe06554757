//! Rules of products and of the lists that contain them.

mod list;
mod product;
mod sku;

pub use list::{Facet, FacetKind, ListProducts, MAX_PAGE, Sort};
pub use product::{Product, slug};
pub use sku::{InvalidSku, Sku};
