//! What holds the house together: sample events, documents, pages.

mod documents;
mod events;
mod pages;
