//! What was released stays readable: the items of a table, the events, and the API.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod dump;
#[path = "../faults/world.rs"]
#[expect(dead_code, reason = "the tests with faults use the rest")]
mod world;
