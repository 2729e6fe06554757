//! Object keys of the uploaded product files, and of the lists of their errors.

use crate::id::{ImportId, JobId};

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

/// Object key of the errors that were found while the file was read, if the table cannot keep them.
pub fn first_errors_key(id: JobId) -> String {
    format!("results/{id}.first.csv")
}

/// Object key of the list of all errors, the job's result.
pub fn error_list_key(id: JobId) -> String {
    format!("results/{id}.csv")
}
