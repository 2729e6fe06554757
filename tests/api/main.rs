//! Every endpoint, called as its users call it.

mod bad_input;
mod carts;
mod orders;
mod products;
mod staff;
