//! Guest carts.

mod carts;
