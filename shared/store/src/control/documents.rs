//! Revisions of documents: written once, never changed or deleted.

use domain::{
    documents::{DocumentKind, HistoryPage, NewRevision, Revision, StoredRevision},
    orders::Actor,
    page::PageRequest,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, ListError, Result, Store, StoreError, cursor,
    item::{Item, Record, from_item, string},
    keys::{Key, SK, document_partition},
};

/// A revision as it is stored. The document is a text: only its kind knows its shape.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DocumentRecord {
    revision: u64,
    changed_at: Timestamp,
    changed_by: Actor,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restored_from: Option<u64>,
    body: String,
}

impl Record for DocumentRecord {
    const ENTITY: &'static str = "document";
}

impl DocumentRecord {
    pub(crate) fn of(new: &NewRevision, number: u64) -> Self {
        Self {
            revision: number,
            changed_at: new.changed_at,
            changed_by: new.changed_by.clone(),
            changed: new.changed.clone(),
            restored_from: new.restored_from,
            body: new.body.clone(),
        }
    }
}

impl From<DocumentRecord> for StoredRevision {
    fn from(record: DocumentRecord) -> Self {
        Self {
            revision: Revision {
                number: record.revision,
                changed_by: record.changed_by,
                changed_at: record.changed_at,
                changed: record.changed,
                restored_from: record.restored_from,
            },
            body: record.body,
        }
    }
}

impl Store {
    /// Reads one revision of a document; `None` if there is none of this number. Key: [`Key::document`]. For each 4 KB 0.5
    /// read units, or 1 if strongly consistent.
    pub async fn document(
        &self,
        kind: DocumentKind,
        revision: u64,
        consistency: Consistency,
    ) -> Result<Option<StoredRevision>> {
        let key = Key::document(kind, revision);
        let item = self.get("GetItem document", &key, consistency).await?;
        let record = item.map(from_item::<DocumentRecord>).transpose()?;
        Ok(record.map(StoredRevision::from))
    }

    /// Number of the newest revision that is stored, whether the control item knows it or not; 0 if there is none. Key:
    /// the last of [`document_partition`], strongly consistent. 1 read unit for 4 KB.
    pub async fn newest_document(&self, kind: DocumentKind) -> Result<u64> {
        let (items, _) = self.newest(kind, 1, None, true).await?;
        match items.first() {
            // By its key: the rest of it may be what is broken.
            Some(item) => numbered(&sort_key(item)?),
            None => Ok(0),
        }
    }

    /// Lists revisions, newest first, without their documents. Key: [`document_partition`]. 0.5 read units for each 4 KB
    /// of the documents. An item that cannot be read is left out: it is not in the way of the others.
    pub async fn list_documents(
        &self,
        kind: DocumentKind,
        list: &PageRequest,
    ) -> Result<HistoryPage, ListError> {
        let partition = document_partition(kind);
        let start = match &list.cursor {
            None => None,
            Some(text) => Some(cursor::decode(&partition, "", text)?),
        };
        let limit = usize::try_from(list.limit).unwrap_or(usize::MAX);
        let mut position = start;
        let mut revisions = Vec::new();
        let mut next_cursor = None;
        'pages: loop {
            // One more than requested tells whether there is a next page.
            let missing = limit + 1 - revisions.len();
            let (items, more) = self
                .newest(kind, missing, position.as_deref(), false)
                .await?;
            for item in items {
                if revisions.len() == limit {
                    next_cursor = position.map(|it| cursor::encode(&partition, "", &it));
                    break 'pages;
                }
                position = Some(sort_key(&item)?);
                match from_item::<DocumentRecord>(item) {
                    Ok(record) => revisions.push(StoredRevision::from(record).revision),
                    Err(error) => tracing::warn!(
                        document.kind = kind.name(),
                        document.position = position,
                        error = %domain::fault::chain(&error),
                        "revision not listed"
                    ),
                }
            }
            if !more {
                break;
            }
        }
        Ok(HistoryPage {
            revisions,
            next_cursor,
        })
    }

    /// Some items of a partition, the newest first, and whether there may be more.
    async fn newest(
        &self,
        kind: DocumentKind,
        limit: usize,
        before: Option<&str>,
        consistent: bool,
    ) -> Result<(Vec<Item>, bool)> {
        let partition = document_partition(kind);
        let start = before.map(|position| Key::of(&partition, position).attributes());
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", string(&partition))
            .scan_index_forward(false)
            .consistent_read(consistent)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::call("Query document", error))?;
        let more = answer.last_evaluated_key.is_some();
        Ok((answer.items.unwrap_or_default(), more))
    }
}

/// The number in a sort key.
fn numbered(position: &str) -> Result<u64> {
    let number = position.parse();
    number.map_err(|error| StoreError::unreadable(DocumentRecord::ENTITY, error))
}

fn sort_key(item: &Item) -> Result<String> {
    let position = item.get(SK).and_then(|position| position.as_s().ok());
    let position = position.cloned();
    position.ok_or_else(|| StoreError::inconsistent(DocumentRecord::ENTITY, "no SK"))
}

#[cfg(test)]
mod tests {
    use domain::documents::MAX_DOCUMENT_BYTES;

    use super::*;
    use crate::{
        item::{size, to_item},
        keys::document_position,
    };

    fn largest() -> NewRevision {
        NewRevision {
            kind: DocumentKind::Settings,
            body: "x".repeat(MAX_DOCUMENT_BYTES),
            changed_by: Actor::Staff("s".repeat(128)),
            changed_at: Timestamp::MAX,
            changed: vec!["n".repeat(64); 100],
            restored_from: Some(u64::MAX),
        }
    }

    #[test]
    fn the_largest_document_fits_and_comes_back() {
        let new = largest();
        let record = DocumentRecord::of(&new, u64::MAX);
        let item = to_item(&Key::document(new.kind, u64::MAX), &record).unwrap();
        size::must_fit("document", &item);
        let stored = StoredRevision::from(from_item::<DocumentRecord>(item).unwrap());
        assert_eq!(stored.body, new.body);
        assert_eq!(stored.revision.number, u64::MAX);
        assert_eq!(stored.revision.changed_by, new.changed_by);
        assert_eq!(stored.revision.restored_from, new.restored_from);
    }

    /// What is sorted as text must sort like the number, for as many revisions as there ever will be.
    #[test]
    fn revisions_sort_by_their_numbers() {
        let numbers = [1, 9, 10, 99, 100, 4_294_967_296, 9_999_999_999];
        let positions: Vec<String> = numbers.map(document_position).to_vec();
        assert!(positions.is_sorted(), "{positions:?}");
        let read: Vec<u64> = positions.iter().map(|it| numbered(it).unwrap()).collect();
        assert_eq!(read, numbers);
        assert!(numbered("x").is_err());
    }
}
