//! Products with the lists that contain them.

mod products;

pub use products::{ListError, PutProductOutcome, StoredProduct, StoredView};
