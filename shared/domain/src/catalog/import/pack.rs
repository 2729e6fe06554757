//! Packs products into chunks that each fit into a message.

use serde::{Deserialize, Serialize};

use super::{Columns, ReadFile, RowGroup, UncertainSkus};
use crate::{event::Correlated, id::ImportId};

/// Maximum size of the rows of one chunk, in bytes of JSON: below the 256 KiB that every queue accepts.
const MAX_CHUNK_BYTES: usize = 180 * 1024;
/// Maximum number of rows of one chunk, so that it is processed well within the consumer's timeout.
const MAX_CHUNK_ROWS: usize = 100;

/// A part of a file that is sent as one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The import that the chunk belongs to.
    pub import_id: ImportId,
    /// Number of the chunk, from 1.
    pub number: u32,
    /// Columns of the file.
    pub columns: Columns,
    /// SKUs that unusable rows name, anywhere in the file. Missing in messages of older functions.
    #[serde(default, skip_serializing_if = "UncertainSkus::is_empty")]
    pub uncertain_skus: UncertainSkus,
    /// Whole products; a product is never split across chunks.
    pub groups: Vec<RowGroup>,
}

impl Correlated for Chunk {
    /// A chunk names its import instead; the id of its message ties its lines together.
    fn request_id(&self) -> Option<&str> {
        None
    }
}

/// Packs the products of a file into chunks, each as full as a message may be.
pub fn chunks(import_id: ImportId, file: ReadFile) -> Result<Vec<Chunk>, serde_json::Error> {
    let ReadFile {
        columns,
        uncertain_skus,
        groups,
        ..
    } = file;
    let mut chunks: Vec<Chunk> = Vec::new();
    let (mut bytes, mut rows) = (0, 0);
    for group in groups {
        let group_bytes = serde_json::to_vec(&group)?.len();
        bytes += group_bytes;
        rows += group.rows.len();
        match chunks.last_mut() {
            Some(chunk) if bytes <= MAX_CHUNK_BYTES && rows <= MAX_CHUNK_ROWS => {
                chunk.groups.push(group)
            }
            _ => {
                (bytes, rows) = (group_bytes, group.rows.len());
                chunks.push(Chunk {
                    import_id,
                    number: chunks.len() as u32 + 1,
                    columns: columns.clone(),
                    uncertain_skus: uncertain_skus.clone(),
                    groups: vec![group],
                });
            }
        }
    }
    Ok(chunks)
}
