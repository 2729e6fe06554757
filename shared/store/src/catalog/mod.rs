//! Products with the lists that contain them, and imports of product files.

mod imports;
mod products;

pub use imports::{ImportHeader, StartOutcome};
pub use products::{ListError, PutProductOutcome, StoredProduct, StoredView};
