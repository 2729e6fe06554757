//! Faults of a product file, reported by line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_FILE_BYTES;
use crate::{catalog::Sku, text::shortened};

/// Maximum length of a fault's message in bytes: a thousand of them fit into one item of 400 KB.
pub(super) const MAX_MESSAGE: usize = 250;

/// An error of one line, or of the file as a whole (line 0 or 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineFault {
    /// Line on which the row starts; the header is line 1.
    pub line: u64,
    /// Stable, machine-readable code of the error.
    pub code: String,
    /// Explanation for people: how to correct the line.
    pub message: String,
}

impl LineFault {
    pub(super) fn new(line: u64, code: &str, message: impl Into<String>) -> Self {
        Self {
            line,
            code: code.to_owned(),
            // Messages may quote cells, which may be as long as the file.
            message: shortened(message.into(), MAX_MESSAGE),
        }
    }

    /// A file that is larger than [`MAX_FILE_BYTES`].
    pub fn file_too_large(bytes: u64) -> Self {
        let most = MAX_FILE_BYTES / 1024 / 1024;
        let message =
            format!("The file is {bytes} bytes; split it into files of at most {most} MiB.");
        Self::new(0, "file_too_large", message)
    }

    /// A further row of a product whose first row is unusable because of `first`.
    pub(super) fn product_rejected_with_first(line: u64, first: Option<&Self>) -> Self {
        let first = first.map_or(line, |fault| fault.line);
        let message = format!("The product was rejected because of line {first}.");
        Self::new(line, "product_rejected", message)
    }

    /// A valid row of a product that cannot be imported because of its other rows.
    pub fn product_rejected(line: u64) -> Self {
        Self::new(
            line,
            "product_rejected",
            "The product was left as it is because of other rows; correct their errors.",
        )
    }

    /// A row of a product that exceeds the size limit.
    pub fn product_too_large(line: u64) -> Self {
        let message = "The product is too large: use fewer tags or variants, or shorter texts.";
        Self::new(line, "product_too_large", message)
    }

    /// A row of a handle whose slug is that of another handle.
    pub fn handle_collision(line: u64, handle: &str, other: &str) -> Self {
        // Both names are needed to understand the message, so each is shortened by itself.
        let short = |text: &str| {
            let mut chars = text.chars();
            let start: String = chars.by_ref().take(50).collect();
            if chars.next().is_some() {
                format!("{start}…")
            } else {
                start
            }
        };
        let message = format!(
            "The handles {:?} and {:?} have the same address; change one of them.",
            short(handle),
            short(other)
        );
        Self::new(line, "handle_collision", message)
    }

    /// A valid row that could not be stored.
    pub fn not_stored(line: u64) -> Self {
        let message = "The shop could not confirm that the row was stored; import it again.";
        Self::new(line, "not_stored", message)
    }

    /// Orders of a part of the table that cannot be read or projected.
    pub fn orders_not_projected(part: u64, orders: u64) -> Self {
        let message = format!(
            "{orders} orders of this part of the table could not be read or listed; see the log, and rebuild again."
        );
        Self::new(part, "orders_not_projected", message)
    }

    /// A part of the table whose orders were not projected, again and again.
    pub fn part_not_projected(part: u64) -> Self {
        let message = "The orders of this part of the table were not projected; see the log, and rebuild again.";
        Self::new(part, "part_not_projected", message)
    }

    /// An export of an account that was deleted meanwhile.
    pub fn account_deleted() -> Self {
        let message = "The account was deleted; its export has ended, and its files are gone.";
        Self::new(0, "account_deleted", message)
    }

    /// An export that was not made because of a failure of the shop.
    pub fn export_not_made() -> Self {
        let message =
            "The data could not be collected; see the log. The owner can start another export.";
        Self::new(0, "export_not_made", message)
    }

    /// An export whose files were deleted before it was complete.
    pub fn export_gone() -> Self {
        let message =
            "The files are gone, which are kept for 7 days. The owner can start another export.";
        Self::new(0, "export_gone", message)
    }

    /// An import that staff have canceled.
    pub fn cancelled() -> Self {
        let message = "The import was canceled; rows that were imported before stay.";
        Self::new(0, "cancelled", message)
    }

    /// A file that is not the one that the import has begun with.
    pub fn file_replaced() -> Self {
        let message =
            "The file was replaced after its import had begun; create a new import for it.";
        Self::new(0, "file_replaced", message)
    }

    /// A file that was deleted before all of its rows were imported.
    pub fn file_gone() -> Self {
        let message =
            "The file is gone, which is kept for 30 days; create a new import for the rest.";
        Self::new(0, "file_gone", message)
    }

    /// A file that could not be read because of a failure of the shop.
    pub fn not_started() -> Self {
        Self::new(
            0,
            "not_started",
            "The shop could not read the file; import it again.",
        )
    }

    /// A row whose SKU belongs to the product `owner`.
    pub fn sku_taken(line: u64, sku: &Sku, owner: &str) -> Self {
        let owner: String = owner.chars().take(60).collect();
        let message = format!(
            "The product {owner} has the SKU {sku}; change one of them, or import {owner} without it or archived."
        );
        Self::new(line, "sku_taken", message)
    }

    /// A row of an import that is older than the product's data.
    pub fn superseded(line: u64) -> Self {
        let message = "A newer import has changed the product; nothing of this row was used.";
        Self::new(line, "superseded", message)
    }

    /// A row whose quantity is older than the last count.
    pub fn quantity_superseded(line: u64) -> Self {
        let message = "The stock was counted after this import was created; all but the row's quantity was used.";
        Self::new(line, "superseded", message)
    }
}
