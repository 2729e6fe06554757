//! Stock keeping units: the names under which variants are sold.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text;

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
        let unusable = |c: char| c.is_control() || c == '/';
        if text.trim().contains(unusable) {
            return Err(InvalidSku);
        }
        // One SKU has one spelling.
        let text = text::line(text);
        if !(1..=100).contains(&text.chars().count()) || matches!(&*text, "." | "..") {
            return Err(InvalidSku);
        }
        Ok(Self(text))
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
        for bad in [
            "",
            "  ",
            "a/b",
            "a\nb",
            "\u{200B}\u{2060}",
            "..",
            &"x".repeat(101),
        ] {
            assert!(bad.parse::<Sku>().is_err(), "{bad:?}");
        }
        // Kind of fault: invisible text, which makes two SKUs of what looks like one.
        for same in ["Gro\u{308}ße\u{200B}#3 ", "\u{202E}Größe#3"] {
            assert_eq!(same.parse::<Sku>(), "Größe#3".parse(), "{same:?}");
        }
    }
}
