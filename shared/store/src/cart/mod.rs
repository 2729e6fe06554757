//! Guest carts.

mod carts;

pub use carts::CartLineError;
