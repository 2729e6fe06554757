//! What holds the house together: sample events, documents, pages.

#![expect(clippy::print_stdout, reason = "a test that skips itself says why")]

mod documents;
mod events;
mod pages;
