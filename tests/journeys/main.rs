//! Journeys across functions: from a product file to a paid order, and all variants.
//!
//! `sale`, `accounts` and `people` also run against a deployed shop: see [`testkit::Shop::deployed_or_started`].

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod accounts;
mod imports;
mod invoices;
mod jobs;
mod late;
mod life;
mod load;
mod logs;
mod mails;
mod payments;
mod people;
mod projections;
mod redelivery;
mod sale;
mod settings;
mod shards;
