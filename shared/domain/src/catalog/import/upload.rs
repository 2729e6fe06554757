//! Object keys of the uploaded product files.

use crate::id::ImportId;

/// Object key of an import's upload.
pub fn upload_key(id: ImportId) -> String {
    format!("imports/{id}.csv")
}

/// The import that an uploaded object belongs to, from its key.
pub fn id_of_upload(key: &str) -> Option<ImportId> {
    key.strip_prefix("imports/")?
        .strip_suffix(".csv")?
        .parse()
        .ok()
}
