//! Page cursors, bound to the list that returned them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{fault::Failure, page::invalid_cursor};
use ring::digest::{SHA256, digest};

use crate::StoreError;

/// A cursor that does not belong to the list.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the cursor does not belong to this list")]
pub struct InvalidCursor;

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The cursor does not belong to the list.
    #[error(transparent)]
    InvalidCursor(#[from] InvalidCursor),
    /// Accessing the table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Self {
        match error {
            ListError::InvalidCursor(InvalidCursor) => invalid_cursor().into(),
            ListError::Store(error) => error.into(),
        }
    }
}

/// Version of the cursor's format.
const VERSION: u8 = 1;
/// Longer than any valid cursor, in characters.
const MAX_LENGTH: usize = 400;
const FINGERPRINT: usize = 8;

/// Encodes a cursor that continues after `position` in `partition`. It contains the sort key only; the
/// partition always comes from the request, so a cursor cannot reach into another list.
pub(crate) fn encode(partition: &str, order: &str, position: &str) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&fingerprint(partition, order));
    bytes.extend_from_slice(position.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes the position in `cursor`, if the cursor was made for `partition` and `order`, which the position begins with.
pub(crate) fn decode(partition: &str, order: &str, cursor: &str) -> Result<String, InvalidCursor> {
    let position = decode_bound(partition, order, cursor)?;
    let prefix = order.trim_start_matches('-');
    position
        .starts_with(prefix)
        .then_some(position)
        .ok_or(InvalidCursor)
}

/// Decodes the position in `cursor`, if the cursor was made for `partition` and `order`. The caller checks the position.
pub(crate) fn decode_bound(
    partition: &str,
    order: &str,
    cursor: &str,
) -> Result<String, InvalidCursor> {
    if cursor.len() > MAX_LENGTH {
        return Err(InvalidCursor);
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
    let rest = bytes.strip_prefix(&[VERSION]).ok_or(InvalidCursor)?;
    let (theirs, position) = rest.split_at_checked(FINGERPRINT).ok_or(InvalidCursor)?;
    if theirs != fingerprint(partition, order) {
        return Err(InvalidCursor);
    }
    String::from_utf8(position.to_vec()).map_err(|_| InvalidCursor)
}

fn fingerprint(partition: &str, order: &str) -> [u8; FINGERPRINT] {
    let digest = digest(&SHA256, format!("{partition}\0{order}").as_bytes());
    let mut fingerprint = [0; FINGERPRINT];
    fingerprint.copy_from_slice(&digest.as_ref()[..FINGERPRINT]);
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_serves_its_own_list_only() {
        let cursor = encode("LISTING#all", "newest#", "newest#prd_1");
        assert_eq!(
            decode("LISTING#all", "newest#", &cursor),
            Ok("newest#prd_1".into())
        );
        assert_eq!(
            decode("LISTING#tag#men", "newest#", &cursor),
            Err(InvalidCursor)
        );
        assert_eq!(decode("LISTING#all", "price#", &cursor), Err(InvalidCursor));
        let long = "A".repeat(MAX_LENGTH + 1);
        for forged in ["", "x", "!!!", "AQ", &cursor[1..], &long] {
            assert_eq!(
                decode("LISTING#all", "newest#", forged),
                Err(InvalidCursor),
                "{forged}"
            );
        }
    }
}
