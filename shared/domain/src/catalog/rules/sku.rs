//! Stock keeping units: the names under which variants are sold.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stock keeping unit: 1 to 100 characters, unique in the shop, usable as one part of a path.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(String);

impl Sku {
    /// The SKU as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Wraps a generated SKU, which is valid by construction.
    pub(crate) fn made(text: String) -> Self {
        Self(text)
    }
}

/// Text that is not a valid SKU.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a SKU needs 1 to 100 characters, without slashes and control characters")]
pub struct InvalidSku;

impl FromStr for Sku {
    type Err = InvalidSku;

    fn from_str(text: &str) -> Result<Self, InvalidSku> {
        let text = text.trim();
        let length = text.chars().count();
        let unusable = |c: char| c.is_control() || c == '/';
        if length == 0 || length > 100 || text.chars().any(unusable) || matches!(text, "." | "..") {
            return Err(InvalidSku);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Sku {
    type Error = InvalidSku;

    fn try_from(text: String) -> Result<Self, InvalidSku> {
        text.parse()
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skus() {
        for good in ["A-1", "ab 12", "classic-varsity-top.small", "Größe#3"] {
            assert!(good.parse::<Sku>().is_ok(), "{good}");
        }
        for bad in ["", "  ", "a/b", "a\nb", "..", &"x".repeat(101)] {
            assert!(bad.parse::<Sku>().is_err(), "{bad:?}");
        }
    }
}
