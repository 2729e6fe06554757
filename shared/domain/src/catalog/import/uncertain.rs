//! SKUs that unusable rows of a file name. Whichever product has one keeps it, as the row may have been meant
//! to take it from there.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Columns, DraftRules, LineFault, ReadFile, Row, RowFaults, RowGroup, draft_product, row::Column,
};
use crate::{catalog::Sku, inventory::MAX_ON_HAND, money::PriceRule};

/// Maximum size of the SKUs that are noted, in bytes of JSON: with the largest product they fit into a message.
const MAX_BYTES: usize = 12 * 1024;

/// SKUs that unusable rows name, shared by all chunks of their file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeSet<String>", into = "BTreeSet<String>")]
pub struct UncertainSkus(Arc<BTreeSet<String>>);

impl UncertainSkus {
    /// Whether no unusable row names a SKU.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, sku: &Sku) -> bool {
        self.0.contains(sku.as_str())
    }
}

impl From<BTreeSet<String>> for UncertainSkus {
    fn from(skus: BTreeSet<String>) -> Self {
        Self(Arc::new(skus))
    }
}

impl From<UncertainSkus> for BTreeSet<String> {
    fn from(skus: UncertainSkus) -> Self {
        Arc::unwrap_or_clone(skus.0)
    }
}

/// The SKUs among texts, as rows spell them.
pub(super) fn skus<'a>(texts: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = String> {
    // A character has at most four bytes; descriptions need not be cleaned.
    let short = texts.into_iter().filter(|text| text.len() <= 400);
    let cells = short.map(|text| Column::sku.clean(text));
    cells.filter(|cell| cell.parse::<Sku>().is_ok())
}

impl ReadFile {
    /// Adds the SKUs of those rows of its groups that no stored product can make usable. If they are too many for
    /// a message, every group is incomplete instead, so that no variant goes off sale.
    pub fn find_uncertain_skus(&mut self, prices: &PriceRule) {
        let rules = DraftRules {
            columns: &self.columns,
            uncertain_skus: &UncertainSkus::default(),
            prices,
            sanitize: str::to_owned,
        };
        let mut certain = BTreeSet::from(std::mem::take(&mut self.uncertain_skus));
        let mut all = certain.clone();
        for group in &self.groups {
            let faults = draft_product(group, &rules, None, RowFaults::default()).faults;
            for (row, fault) in unusable(group, &faults) {
                all.extend(skus([row.sku.as_str()]));
                if !may_be_usable(row, fault, &self.columns) {
                    certain.extend(skus([row.sku.as_str()]));
                }
            }
        }
        let fits = |skus: &BTreeSet<String>| {
            serde_json::to_vec(skus).is_ok_and(|json| json.len() <= MAX_BYTES)
        };
        if fits(&all) {
            self.uncertain_skus = all.into();
        } else if fits(&certain) {
            // The others are usually those of the products that have them.
            self.uncertain_skus = certain.into();
        } else {
            for group in &mut self.groups {
                group.incomplete = true;
            }
        }
    }
}

/// The rows with a fault whose SKU no usable row of the product has.
fn unusable<'a>(
    group: &'a RowGroup,
    faults: &'a RowFaults,
) -> impl Iterator<Item = (&'a Row, &'a LineFault)> {
    let rows = || group.rows.iter().enumerate();
    let usable = rows().filter(|(index, _)| !faults.has(*index));
    let used: HashSet<&str> = usable.map(|(_, row)| row.sku.as_str()).collect();
    let unusable = rows().filter_map(|(index, row)| Some((row, faults.get(index)?)));
    unusable.filter(move |(row, _)| !used.contains(row.sku.as_str()))
}

/// Whether the product that is stored may make a row usable that has this fault without it: variants are told
/// apart by SKU if the file has no options, and a stored policy allows for oversold units.
fn may_be_usable(row: &Row, fault: &LineFault, columns: &Columns) -> bool {
    match fault.code.as_str() {
        "duplicate_variant" => !Column::OPTION_VALUES.iter().any(|it| columns.has(*it)),
        "invalid_quantity" => {
            let oversold = row.quantity.parse::<i64>();
            row.inventory_policy.is_empty()
                && oversold.is_ok_and(|units| (-MAX_ON_HAND..0).contains(&units))
        }
        _ => false,
    }
}
