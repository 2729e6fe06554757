//! Carts of guests and of accounts.

mod accounts;
mod carts;

pub use accounts::AccountCart;
pub use carts::CartLineError;
