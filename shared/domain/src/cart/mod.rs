//! Guest carts. A cart stores SKUs and quantities, never prices; totals are computed from the current
//! prices.

mod api;
mod rules;

pub use api::{CartLineView, CartView, SetLineBody, price_cart};
pub use rules::{
    Cart, CartLine, ChangeCartError, LIFETIME, MAX_LINES, MAX_QUANTITY, Totals, already_ordered,
};
