//! Where settings come from and limits are stored: the table, or a test's own.

use std::{future::Future, sync::Arc};

use control::{Control, ControlError, Snapshot};
use domain::limits::{Share, Take};
use jiff::Timestamp;
use store::{Store, StoreError, Taken};

/// The calls of a check.
pub trait Source: Send + Sync {
    /// The documents at the time of the request.
    fn documents(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<Arc<Snapshot>, ControlError>> + Send;

    /// Takes one token, or counts one request.
    fn take(
        &self,
        share: &Share,
        take: &Take,
        now: Timestamp,
    ) -> impl Future<Output = Result<Taken, StoreError>> + Send;
}

/// The table, and the documents that the process has.
#[derive(Debug)]
pub struct Table {
    pub(crate) store: Store,
    pub(crate) control: Arc<Control>,
}

impl Source for Table {
    async fn documents(&self, now: Timestamp) -> Result<Arc<Snapshot>, ControlError> {
        Ok(self.control.current(now).await?.snapshot)
    }

    fn take(
        &self,
        share: &Share,
        take: &Take,
        now: Timestamp,
    ) -> impl Future<Output = Result<Taken, StoreError>> + Send {
        self.store.take(share, take, now)
    }
}
