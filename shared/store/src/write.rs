//! Conditional writes of one item. A write that meets a transaction of the same item is repeated:
//! DynamoDB rejects it with `TransactionConflictException`, which the SDK does not retry.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        delete_item::{DeleteItemError, builders::DeleteItemFluentBuilder},
        put_item::{PutItemError, builders::PutItemFluentBuilder},
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{ConsumedCapacity, error::ConditionalCheckFailedException},
};

use serde::Serialize;

use crate::{
    Result, Store, StoreError,
    attempts::Attempts,
    item::{Item, Record, to_item},
    keys::Key,
    log_units,
};

/// Code of the error of a write that met a transaction of the same item.
const TRANSACTION_CONFLICT: &str = "TransactionConflictException";

/// A write of one item, to be sent by [`Store::write`].
#[derive(Clone)]
pub(crate) enum Write {
    /// Replaces the item.
    Put(PutItemFluentBuilder),
    /// Changes attributes of the item.
    Update(UpdateItemFluentBuilder),
    /// Removes the item.
    Delete(DeleteItemFluentBuilder),
}

/// Result of a write of one item.
#[derive(Debug)]
pub(crate) enum Written {
    /// The item was written: its attributes, as far as the request asked for them.
    Done(Item),
    /// The condition failed: the existing item, if the request asked for it and there is one.
    Refused(Option<Item>),
}

/// Why one attempt failed.
enum Failed {
    /// The condition did not hold.
    Condition(Option<Item>),
    /// A transaction of the same item was in progress.
    Conflict,
    /// Anything else.
    Other(StoreError),
}

impl Store {
    /// Sends a write of one item, and repeats it with backoff while transactions of the item are in
    /// progress.
    pub(crate) async fn write(
        &self,
        operation: &'static str,
        write: impl Into<Write>,
    ) -> Result<Written> {
        let write = write.into();
        let mut attempts = Attempts::new(operation);
        loop {
            attempts.next().await?;
            match write.clone().send(operation).await {
                Ok(item) => return Ok(Written::Done(item)),
                Err(Failed::Condition(item)) => return Ok(Written::Refused(item)),
                Err(Failed::Conflict) => {}
                Err(Failed::Other(error)) => return Err(error),
            }
        }
    }

    /// Writes an item of a random key that the caller has just made, on the condition that there is none. 1 write unit for each KB.
    pub(crate) async fn insert_new<R: Record + Serialize>(
        &self,
        operation: &'static str,
        key: &Key,
        record: &R,
    ) -> Result<()> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(key, record)?))
            .condition_expression("attribute_not_exists(PK)");
        // Refused: an earlier attempt was written, and its answer was lost. Nobody else has the key.
        self.write(operation, put).await?;
        Ok(())
    }
}

impl Written {
    /// The written item; a failed condition is an error, as `entity` should have met it.
    pub(crate) fn or_inconsistent(self, entity: &'static str) -> Result<Item> {
        match self {
            Self::Done(item) => Ok(item),
            Self::Refused(_) => Err(StoreError::inconsistent(
                entity,
                "the condition of its write failed",
            )),
        }
    }

    /// Whether the item was written.
    pub(crate) const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl Write {
    async fn send(self, operation: &'static str) -> Result<Item, Failed> {
        let (item, capacity): (_, Option<ConsumedCapacity>) = match self {
            Self::Put(put) => {
                let answer = put.send().await;
                let answer = answer.map_err(|error| failed(operation, error))?;
                (answer.attributes, answer.consumed_capacity)
            }
            Self::Update(update) => {
                let answer = update.send().await;
                let answer = answer.map_err(|error| failed(operation, error))?;
                (answer.attributes, answer.consumed_capacity)
            }
            Self::Delete(delete) => {
                let answer = delete.send().await;
                let answer = answer.map_err(|error| failed(operation, error))?;
                (answer.attributes, answer.consumed_capacity)
            }
        };
        log_units(operation, capacity.as_slice());
        Ok(item.unwrap_or_default())
    }
}

/// The errors of all kinds of write.
trait WriteError {
    /// The failure of the condition, if that is the error.
    fn condition(&self) -> Option<&ConditionalCheckFailedException>;
}

impl WriteError for PutItemError {
    fn condition(&self) -> Option<&ConditionalCheckFailedException> {
        match self {
            Self::ConditionalCheckFailedException(failed) => Some(failed),
            _ => None,
        }
    }
}

impl WriteError for UpdateItemError {
    fn condition(&self) -> Option<&ConditionalCheckFailedException> {
        match self {
            Self::ConditionalCheckFailedException(failed) => Some(failed),
            _ => None,
        }
    }
}

impl WriteError for DeleteItemError {
    fn condition(&self) -> Option<&ConditionalCheckFailedException> {
        match self {
            Self::ConditionalCheckFailedException(failed) => Some(failed),
            _ => None,
        }
    }
}

fn failed<E, R>(operation: &'static str, error: SdkError<E, R>) -> Failed
where
    E: WriteError + ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error().and_then(WriteError::condition) {
        Some(condition) => Failed::Condition(condition.item().cloned()),
        None if is_conflict(&error) => Failed::Conflict,
        None => Failed::Other(StoreError::call(operation, error)),
    }
}

/// Whether a write met a transaction of the same item.
pub(crate) fn is_conflict<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some(TRANSACTION_CONFLICT)
}

impl From<PutItemFluentBuilder> for Write {
    fn from(put: PutItemFluentBuilder) -> Self {
        Self::Put(put)
    }
}

impl From<DeleteItemFluentBuilder> for Write {
    fn from(delete: DeleteItemFluentBuilder) -> Self {
        Self::Delete(delete)
    }
}

impl From<UpdateItemFluentBuilder> for Write {
    fn from(update: UpdateItemFluentBuilder) -> Self {
        Self::Update(update)
    }
}
