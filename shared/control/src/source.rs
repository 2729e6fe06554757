//! Where documents are read from: the table, or a test's own.

use std::future::Future;

use domain::documents::{DocumentKind, Revisions, StoredRevision};
use store::{Consistency, Store, StoreError};

/// The reads of a check.
pub trait Source: Send + Sync + 'static {
    /// The current revisions; `None` without a control item.
    fn revisions(
        &self,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Option<Revisions>, StoreError>> + Send;

    /// One revision of a document; `None` if it is missing.
    fn document(
        &self,
        kind: DocumentKind,
        revision: u64,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Option<StoredRevision>, StoreError>> + Send;
}

impl Source for Store {
    fn revisions(
        &self,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Option<Revisions>, StoreError>> + Send {
        Self::revisions(self, consistency)
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
