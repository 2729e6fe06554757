//! The audit trail between several writers, and somebody who tampers with it. The table is real.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod lists;
mod persons;
mod trail;
mod world;
