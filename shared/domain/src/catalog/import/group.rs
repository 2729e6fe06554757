//! Groups the rows of a file by product.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{LineFault, Row};

/// Maximum size of the rows of one product, in bytes of JSON: with the envelope it still fits into a
/// message.
const MAX_GROUP_BYTES: usize = 240 * 1024;

/// All rows of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowGroup {
    /// Slug of the product.
    pub slug: String,
    /// Rows in the file's order, at least one.
    pub rows: Vec<Row>,
}

impl RowGroup {
    /// Returns `faults`, with one made by `fault` added for each row that has none.
    pub fn fail_rest(
        &self,
        mut faults: Vec<LineFault>,
        fault: fn(u64) -> LineFault,
    ) -> Vec<LineFault> {
        let named: HashSet<u64> = faults.iter().map(|fault| fault.line).collect();
        let rest = self.rows.iter().filter(|row| !named.contains(&row.line));
        faults.extend(rest.map(|row| fault(row.line)));
        faults
    }
}

/// The groups of a file that fit into a message.
#[derive(Default)]
pub(super) struct FittingGroups {
    pub(super) groups: Vec<RowGroup>,
    /// A fault for each row of the other groups.
    pub(super) faults: Vec<LineFault>,
}

/// The groups of a file that is being read, in the file's order.
#[derive(Default)]
pub(super) struct Groups {
    groups: Vec<RowGroup>,
    /// Index of a product's group, by slug.
    index: HashMap<String, usize>,
}

impl Groups {
    /// Adds a row to the group of the product `slug`.
    pub(super) fn add(&mut self, slug: String, row: Row) {
        let Self { groups, index } = self;
        let group = *index.entry(slug).or_insert_with_key(|slug| {
            groups.push(RowGroup {
                slug: slug.clone(),
                rows: Vec::new(),
            });
            groups.len() - 1
        });
        groups[group].rows.push(row);
    }

    /// Sorts out the groups that are too large for a message.
    pub(super) fn fitting(self) -> FittingGroups {
        let mut fitting = FittingGroups::default();
        for group in self.groups {
            // Rows that cannot be serialized do not fit either.
            let bytes = serde_json::to_vec(&group).map_or(usize::MAX, |json| json.len());
            if bytes <= MAX_GROUP_BYTES {
                fitting.groups.push(group);
            } else {
                fitting
                    .faults
                    .extend(group.fail_rest(Vec::new(), LineFault::product_too_large));
            }
        }
        fitting
    }
}
