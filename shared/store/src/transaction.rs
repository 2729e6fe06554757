//! Transactions: what each failed condition means, by position; conflicts tried again.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, ReturnConsumedCapacity, TransactWriteItem,
        builders::{PutBuilder, UpdateBuilder},
    },
};

use crate::{Result, Store, StoreError, log_units};

/// How a transaction ended.
pub(crate) enum Outcome {
    /// All of it is written.
    Committed {
        /// How often each action met another writer on the way, in order; empty if none did.
        conflicts: Vec<u32>,
    },
    /// Nothing of it is: one reason for each action, in order; `None` where the action itself was
    /// not to blame.
    Refused(Vec<Option<CancellationReason>>),
    /// Nothing of it is: another request with the same key is being written at this moment.
    InProgress,
}

/// What the first action of a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// The trace of the request itself: whoever writes it at the same time is the same request.
    Request,
    /// A write like the others.
    Write,
}

/// How often a transaction that met another one is tried before the caller hears of it.
const ATTEMPTS: u32 = 6;

impl Store {
    /// Writes all of `actions`, or nothing.
    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        first: First,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Outcome> {
        let mut conflicts = Vec::new();
        for attempt in 0..ATTEMPTS {
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
                // An attempt of the SDK's whose answer was lost, known by the token that it sends with all of
                // them: what it did is found by the next one.
                backoff(attempt).await;
                continue;
            }
            let Some(reasons) = cancellation_reasons(&error) else {
                return Err(StoreError::call(operation, &error));
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
                return Err(StoreError::call(operation, &error));
            }
            let met = |reason: &CancellationReason| reason.code() == Some("TransactionConflict");
            if first == First::Request && reasons.first().is_some_and(met) {
                return Ok(Outcome::InProgress);
            }
            conflicts.resize(reasons.len(), 0);
            for (count, reason) in conflicts.iter_mut().zip(reasons) {
                *count += u32::from(met(reason));
            }
            backoff(attempt).await;
        }
        Err(StoreError::Contended { operation })
    }
}

/// Waits for a random time of up to 10 ms, 20 ms, 40 ms and so on (full jitter), so that those who
/// met do not meet again.
pub(crate) async fn backoff(attempt: u32) {
    let most = 10_000_u64 << attempt.min(6);
    let mut random = [0; 8];
    // Without randomness everybody waits the longest time, which is still right.
    let micros = match getrandom::fill(&mut random) {
        Ok(()) => u64::from_be_bytes(random) % most,
        Err(_) => most,
    };
    tokio::time::sleep(Duration::from_micros(micros)).await;
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

/// A put as part of a transaction.
pub(crate) fn put_action(put: PutBuilder) -> Result<TransactWriteItem> {
    let put = put.build().map_err(unbuildable)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// An update as part of a transaction.
pub(crate) fn update_action(update: UpdateBuilder) -> Result<TransactWriteItem> {
    let update = update.build().map_err(unbuildable)?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// A builder refuses only when a required field was never set, which no caller forgets.
pub(crate) fn unbuildable(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::corrupt("transaction", error)
}
