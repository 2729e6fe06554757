//! Where documents are read from: the table, or a test's own.

use std::future::Future;

use domain::documents::{DocumentKind, StoredRevision};
use store::{Consistency, ControlItem, Store, StoreError};

/// The reads of a check.
pub trait Source: Send + Sync + 'static {
    /// The control item; `None` without one.
    fn control(
        &self,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Option<ControlItem>, StoreError>> + Send;

    /// One revision of a document; `None` if it is missing.
    fn document(
        &self,
        kind: DocumentKind,
        revision: u64,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Option<StoredRevision>, StoreError>> + Send;
}

impl Source for Store {
    fn control(
        &self,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Option<ControlItem>, StoreError>> + Send {
        Self::control(self, consistency)
    }

    fn document(
        &self,
        kind: DocumentKind,
        revision: u64,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Option<StoredRevision>, StoreError>> + Send {
        Self::document(self, kind, revision, consistency)
    }
}
