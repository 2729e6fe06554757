//! Transactions that report which condition failed and retry conflicts with backoff.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, ReturnConsumedCapacity, TransactWriteItem,
        builders::{DeleteBuilder, PutBuilder, UpdateBuilder},
    },
};

use crate::{Result, Store, StoreError, attempts::Attempts, log_units};

/// Result of a transaction.
pub(crate) enum Outcome {
    /// All actions were written.
    Committed {
        /// Number of conflicts of each action before it succeeded, in order; empty if there were none.
        conflicts: Vec<u32>,
    },
    /// Nothing was written: the reason of each action, in order; `None` for an action that did not
    /// fail.
    Refused(Vec<Option<CancellationReason>>),
    /// Nothing was written: a call with the same idempotency key is in progress.
    InProgress,
}

/// Role of the first action of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// The record of the request itself: a concurrent writer of it is the same request.
    Request,
    /// An ordinary write.
    Write,
}

impl Store {
    /// Writes all of `actions`, or none.
    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        first: First,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Outcome> {
        let mut conflicts = Vec::new();
        let mut attempts = Attempts::new(operation);
        loop {
            attempts.next().await?;
            let request = self
                .client
                .transact_write_items()
                .set_transact_items(Some(actions.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let error = match request.send().await {
                Ok(answer) => {
                    log_units(operation, answer.consumed_capacity());
                    return Ok(Outcome::Committed { conflicts });
                }
                Err(error) => error,
            };
            if is_in_progress(&error) {
                // An earlier attempt of the SDK, whose response was lost, with the same client request
                // token: the next attempt returns its result.
                continue;
            }
            let Some(reasons) = cancellation_reasons(&error) else {
                return Err(StoreError::call(operation, error));
            };
            let refused: Vec<Option<CancellationReason>> = reasons
                .iter()
                .map(|reason| {
                    (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.clone())
                })
                .collect();
            if refused.iter().any(Option::is_some) {
                return Ok(Outcome::Refused(refused));
            }
            let passes = |reason: &CancellationReason| {
                matches!(
                    reason.code(),
                    None | Some(
                        "None"
                            | "TransactionConflict"
                            | "ThrottlingError"
                            | "ProvisionedThroughputExceeded"
                    )
                )
            };
            if !reasons.iter().all(passes) {
                return Err(StoreError::call(operation, error));
            }
            let met = |reason: &CancellationReason| reason.code() == Some("TransactionConflict");
            if first == First::Request && reasons.first().is_some_and(met) {
                return Ok(Outcome::InProgress);
            }
            conflicts.resize(reasons.len(), 0);
            for (count, reason) in conflicts.iter_mut().zip(reasons) {
                *count += u32::from(met(reason));
            }
        }
    }
}

fn cancellation_reasons<R>(
    error: &SdkError<TransactWriteItemsError, R>,
) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            Some(cancelled.cancellation_reasons())
        }
        _ => None,
    }
}

fn is_in_progress<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(TransactWriteItemsError::is_transaction_in_progress_exception)
}

/// A put as an action of a transaction.
pub(crate) fn put_action(put: PutBuilder) -> Result<TransactWriteItem> {
    let put = put.build().map_err(unbuildable)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// An update as an action of a transaction.
pub(crate) fn update_action(update: UpdateBuilder) -> Result<TransactWriteItem> {
    let update = update.build().map_err(unbuildable)?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// A deletion as an action of a transaction.
pub(crate) fn delete_action(delete: DeleteBuilder) -> Result<TransactWriteItem> {
    let delete = delete.build().map_err(unbuildable)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// A builder only fails if a required field is missing, which no caller omits.
pub(crate) fn unbuildable(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Unbuildable { source: error }
}
