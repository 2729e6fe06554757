//! The order of changes that may arrive late: data of an import, a count by staff.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ImportId, StockChangeId};

/// When a change of data was made: by this, and not by its arrival, the newest change wins. Stamps sort by
/// milliseconds, then by random digits, and are unique.
///
/// An import is as old as its ticket, a count as its request. The milliseconds are those of the process that
/// made the stamp: of two changes within the difference between two processes' clocks (on Lambda
/// milliseconds), either may be the newer one, but it is the same one for all of their data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeStamp(String);

/// What the stamp of a count ends with.
const COUNT: &str = "-count";

impl ChangeStamp {
    /// The stamp of a count by staff, which is as old as its id.
    pub fn of_count(id: StockChangeId) -> Self {
        Self(format!("{}{COUNT}", id.digits()))
    }

    /// Whether the change is an import: unlike a count, it may break off and be half done.
    pub fn is_import(&self) -> bool {
        !self.0.ends_with(COUNT)
    }

    /// The stamp as text, which sorts like the stamp.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ImportId> for ChangeStamp {
    fn from(import: ImportId) -> Self {
        Self(import.digits())
    }
}

impl fmt::Display for ChangeStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The kind: an older message overwrites newer truth.
        #[test]
        fn stamps_sort_by_time(a in 0_i64..9_999_999_999_999, step in 1_i64..1_000_000, x: [u8; 16], y: [u8; 16]) {
            let early = Timestamp::from_millisecond(a).unwrap();
            let late = Timestamp::from_millisecond(a + step).unwrap();
            let changes = |at, random| {
                let count = StockChangeId::at(at, random);
                [ChangeStamp::from(ImportId::at(at, random)), ChangeStamp::of_count(count)]
            };
            for early in changes(early, x) {
                for late in changes(late, y) {
                    prop_assert!(early < late);
                    prop_assert!(early.as_str() < late.as_str());
                }
            }
        }
    }
}
