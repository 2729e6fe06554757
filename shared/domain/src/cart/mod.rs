//! Carts of guests and of accounts, and wish lists. A cart stores SKUs and quantities, never prices; totals are computed from the current
//! prices.

mod api;
mod merge;
mod rules;
mod wishlist;

pub use api::{CartLineView, CartView, MergeCartsBody, SetLineBody, price_cart};
pub use merge::{Merge, MergeCartsError, merge_carts};
pub use rules::{
    Cart, CartLine, ChangeCartError, LIFETIME, MAX_LINES, MAX_QUANTITY, Totals, already_ordered,
    merged,
};
pub use wishlist::{MAX_WISHES, Wish, WishView, WishlistView, wishlist_full};
