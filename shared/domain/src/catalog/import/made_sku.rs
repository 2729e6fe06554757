//! Generates the SKUs of rows that have none.

use ring::digest::{Context, SHA256};

use super::hex;
use crate::catalog::{Sku, slug};

/// Generates the SKU of a row that has none, unique for its handle and options. The parts are joined by
/// a dot, which handles cannot contain; values that are too long or not ASCII are distinguished by a
/// hash.
pub(super) fn made_sku(handle: &str, option_values: &[String]) -> Sku {
    let mut exact = true;
    let mut text = String::new();
    for (index, part) in std::iter::once(handle)
        .chain(option_values.iter().map(String::as_str))
        .enumerate()
    {
        if index > 0 {
            text.push('.');
        }
        let ascii: String = part.chars().filter(char::is_ascii).collect();
        let plain = slug(&ascii).unwrap_or_default();
        // Case and spaces may be dropped only where values stay distinct.
        exact &= part.to_lowercase().replace(' ', "-") == plain;
        text.push_str(&plain);
    }
    if !exact || text.len() > 90 {
        let mut hash = Context::new(&SHA256);
        for part in std::iter::once(handle).chain(option_values.iter().map(String::as_str)) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        text.truncate(80);
        text = format!(
            "{}.{}",
            text.trim_matches('.'),
            hex(&hash.finish().as_ref()[..5])
        );
        text = text.trim_start_matches('.').to_owned();
    }
    Sku::made(text)
}
