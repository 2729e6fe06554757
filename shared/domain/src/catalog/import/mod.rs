//! Product files in Shopify's CSV format: a product is one row, plus further rows with the same handle
//! for its other variants and images.
//!
//! A file is imported in two steps. [`read_file`] validates the file and groups its rows by product;
//! [`draft_product`] turns one group into a product. In between, [`chunks`] of the rows travel through a
//! queue, each with the SKUs that [unusable rows](ReadFile::find_uncertain_skus) of the file name. Errors are reported by line and reject as few rows as possible.

mod api;
mod draft;
mod draft_product;
mod fault;
mod group;
mod made_sku;
mod options;
mod pack;
mod read;
mod records;
mod row;
mod uncertain;
mod upload;

#[cfg(test)]
mod merge_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod uncertain_tests;

pub use api::{CreateImportBody, ImportState, ImportTicket, ImportView, UploadTicket};
pub use draft::{Draft, DraftVariant};
pub use draft_product::{DraftRules, Drafted, draft_product, sanitize};
pub use fault::LineFault;
pub use group::{RowFaults, RowGroup};
pub use pack::{Chunk, chunks};
pub use read::{ReadFile, read_file};
pub use row::{Columns, Row};
pub use uncertain::UncertainSkus;
pub use upload::{error_list_key, first_errors_key, id_of_upload, upload_key};

/// Maximum file size in bytes, the same as Shopify's.
pub const MAX_FILE_BYTES: u64 = 15 * 1024 * 1024;
/// Maximum number of faults that are kept of one step, and that are shown of an import; the counts stay exact.
pub const MAX_FAULTS: usize = 1000;
/// Number of the step that writes the list of an import's errors, after all of its chunks.
pub const RESULT_STEP: u32 = 0;
/// Maximum number of variants of one product.
pub const MAX_VARIANTS: usize = 1000;
/// Shopify's placeholder for the only option value of a product without options.
const DEFAULT_TITLE: &str = "Default Title";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
