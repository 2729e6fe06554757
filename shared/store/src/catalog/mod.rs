//! Products with the lists that contain them.

mod products;

pub use products::{PutProductOutcome, StoredProduct, StoredView};
