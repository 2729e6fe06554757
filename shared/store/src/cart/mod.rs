//! Carts of guests and of accounts, and wish lists.

mod accounts;
mod carts;
mod wishlist;

pub use accounts::AccountCart;
pub use carts::CartLineError;
pub use wishlist::WishOutcome;
