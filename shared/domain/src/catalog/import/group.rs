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
    /// Handle of the product in lower case, from which the slug derives.
    pub handle: String,
    /// Rows in the file's order, at least one.
    pub rows: Vec<Row>,
}

impl RowGroup {
    /// Returns `faults`, with one made by `fault` added for each row that has none.
    pub fn fail_rest(
        &self,
        mut faults: Vec<LineFault>,
        fault: impl Fn(u64) -> LineFault,
    ) -> Vec<LineFault> {
        let named: HashSet<u64> = faults.iter().map(|fault| fault.line).collect();
        let rest = self.rows.iter().filter(|row| !named.contains(&row.line));
        faults.extend(rest.map(|row| fault(row.line)));
        faults
    }
}

/// The groups of a file that can be imported.
#[derive(Default)]
pub(super) struct UsableGroups {
    pub(super) groups: Vec<RowGroup>,
    /// A fault for each row of the other groups.
    pub(super) faults: Vec<LineFault>,
}

/// The groups of a file that is being read, in the file's order.
#[derive(Default)]
pub(super) struct Groups {
    groups: Vec<RowGroup>,
    /// Index of a product's group, by handle.
    index: HashMap<String, usize>,
}

impl Groups {
    /// Adds a row to the group of its product, with the slug of its handle.
    pub(super) fn add(&mut self, slug: String, handle: String, row: Row) {
        let Self { groups, index } = self;
        let group = *index.entry(handle).or_insert_with_key(|handle| {
            groups.push(RowGroup {
                slug,
                handle: handle.clone(),
                rows: Vec::new(),
            });
            groups.len() - 1
        });
        groups[group].rows.push(row);
    }

    /// The groups that can be imported, and a fault for each row of the others: of those that do not fit
    /// into a message, and of handles that share a slug. None of these is preferred, so that the result does
    /// not depend on the order of rows.
    pub(super) fn finish(self) -> UsableGroups {
        let mut usable = UsableGroups::default();
        let mut handles: HashMap<String, Vec<String>> = HashMap::new();
        for group in &self.groups {
            let sharing = handles.entry(group.slug.clone()).or_default();
            sharing.push(group.handle.clone());
        }
        for group in self.groups {
            let sharing = handles.get(&group.slug);
            let other = sharing
                .into_iter()
                .flatten()
                .find(|other| **other != group.handle);
            // Rows that cannot be serialized do not fit either.
            let bytes = serde_json::to_vec(&group).map_or(usize::MAX, |json| json.len());
            if let Some(other) = other {
                let fault = |line| LineFault::handle_collision(line, &group.handle, other);
                usable.faults.extend(group.fail_rest(Vec::new(), fault));
            } else if bytes > MAX_GROUP_BYTES {
                usable.faults.extend(group.fail_rest(Vec::new(), LineFault::product_too_large));
            } else {
                usable.groups.push(group);
            }
        }
        usable
    }
}
