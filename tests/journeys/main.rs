//! What crosses functions: from a product file to a paid order, and every way that can go.
//!
//! `sale` also runs against a shop that is deployed already: see [`testkit::Shop::deployed_or_started`].

mod imports;
mod payments;
mod redelivery;
mod sale;
