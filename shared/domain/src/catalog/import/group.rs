//! Groups the rows of a file by product.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map};

use serde::{Deserialize, Serialize};

use super::{LineFault, Row, uncertain};

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
    /// Whether the file has rows that cannot be read and may be this product's: then a variant that is not
    /// among the rows may be among those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// SKUs of these rows that another product of the file has, too, and the slug of the one that may take
    /// them. This product keeps those that it has, and takes none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contested: BTreeMap<String, String>,
}

impl RowGroup {
    /// Whether no row has a title, so that the handle may be a mistyped one, and not all that the rows say can be
    /// found again by SKU.
    fn may_be_anyones(&self) -> bool {
        let is_nameless = self.rows.iter().all(|row| row.title.is_empty());
        let mut rows = self.rows.iter();
        is_nameless && rows.any(|row| row.sku.is_empty() || !row.image.is_empty())
    }

    /// Whether the product is archived, so that others may take its SKUs.
    fn gives_up_skus(&self) -> bool {
        let first = self.rows.first();
        first.is_some_and(|row| row.status.eq_ignore_ascii_case("archived"))
    }

    /// Completes `faults` with one made by `fault` for each row that has none.
    pub fn fail_rest(&self, mut faults: RowFaults, fault: impl Fn(u64) -> LineFault) -> RowFaults {
        for (index, row) in self.rows.iter().enumerate() {
            faults.add(index, || fault(row.line));
        }
        faults
    }

    /// One fault, made by `fault`, for each row.
    pub fn fail_all(&self, fault: impl Fn(u64) -> LineFault) -> RowFaults {
        self.fail_rest(RowFaults::default(), fault)
    }
}

/// Faults of the rows of a product by their index in the group: at most one for each row, so that rows and
/// faults add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFaults(BTreeMap<usize, LineFault>);

impl RowFaults {
    /// Adds the fault of a row, unless it has one already.
    pub fn add(&mut self, row: usize, fault: impl FnOnce() -> LineFault) {
        self.0.entry(row).or_insert_with(fault);
    }

    /// Adds the faults of `others`, except for rows that have one already.
    pub fn extend(&mut self, others: Self) {
        for (row, fault) in others.0 {
            self.add(row, || fault);
        }
    }

    /// The fault of a row, if it has one.
    pub fn get(&self, row: usize) -> Option<&LineFault> {
        self.0.get(&row)
    }

    /// Whether the row has a fault.
    pub fn has(&self, row: usize) -> bool {
        self.0.contains_key(&row)
    }

    /// Number of rows with a fault.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether every row is free of faults.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fault of the first row that has one.
    pub fn first(&self) -> Option<&LineFault> {
        self.0.values().next()
    }
}

impl IntoIterator for RowFaults {
    type Item = LineFault;
    type IntoIter = btree_map::IntoValues<usize, LineFault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_values()
    }
}

/// The groups of a file that can be imported.
#[derive(Default)]
pub(super) struct UsableGroups {
    pub(super) groups: Vec<RowGroup>,
    /// A fault for each row of the other groups.
    pub(super) faults: Vec<LineFault>,
    /// SKUs of these rows, and of those that cannot be read.
    pub(super) uncertain_skus: BTreeSet<String>,
}

/// The groups of a file that is being read, in the file's order.
#[derive(Default)]
pub(super) struct Groups {
    groups: Vec<RowGroup>,
    /// Index of a product's group, by handle.
    index: HashMap<String, usize>,
    /// Handles of rows that cannot be read.
    missed: HashSet<Option<String>>,
    /// SKUs that they may name.
    missed_skus: BTreeSet<String>,
}

impl Groups {
    /// Adds a row to the group of its product, with the slug of its handle.
    pub(super) fn add(&mut self, slug: String, handle: String, row: Row) {
        let Self { groups, index, .. } = self;
        let group = *index.entry(handle).or_insert_with_key(|handle| {
            groups.push(RowGroup {
                slug,
                handle: handle.clone(),
                // Most products of the largest files have one row: room for more would be three times as much memory.
                rows: Vec::with_capacity(1),
                incomplete: false,
                contested: BTreeMap::new(),
            });
            groups.len() - 1
        });
        groups[group].rows.push(row);
    }

    /// Notes a row that cannot be read, with its handle if that is known, and the SKUs that it may name.
    pub(super) fn miss_row(
        &mut self,
        handle: Option<String>,
        skus: impl IntoIterator<Item = String>,
    ) {
        self.missed.insert(handle);
        self.missed_skus.extend(skus);
    }

    /// The groups that can be imported, and a fault for each row of the others: of those that do not fit
    /// into a message, and of handles that share a slug. None of these is preferred, so that the result does
    /// not depend on the order of rows.
    pub(super) fn finish(mut self) -> UsableGroups {
        let mut usable = UsableGroups::default();
        contest(&mut self.groups);
        let others = sharing_slug(&self.groups);
        // A row whose handle is not that of a product of the file may belong to any.
        let any = |handle: &Option<String>| {
            let handle = handle.as_ref();
            handle.is_none_or(|handle| !self.index.contains_key(handle))
        };
        let any_missed =
            self.missed.iter().any(any) || self.groups.iter().any(RowGroup::may_be_anyones);
        usable.uncertain_skus = self.missed_skus;
        for (mut group, other) in self.groups.into_iter().zip(others) {
            group.incomplete = any_missed || self.missed.contains(&Some(group.handle.clone()));
            // Rows that cannot be serialized do not fit either.
            let bytes = serde_json::to_vec(&group).map_or(usize::MAX, |json| json.len());
            if other.is_some() || bytes > MAX_GROUP_BYTES {
                let skus = group.rows.iter().map(|row| row.sku.as_str());
                usable.uncertain_skus.extend(uncertain::skus(skus));
            }
            if let Some(other) = other {
                let fault = |line| LineFault::handle_collision(line, &group.handle, &other);
                usable.faults.extend(group.fail_all(fault));
            } else if bytes > MAX_GROUP_BYTES {
                usable
                    .faults
                    .extend(group.fail_all(LineFault::product_too_large));
            } else {
                usable.groups.push(group);
            }
        }
        // Stable sort: products give their SKUs up before others take them.
        usable.groups.sort_by_key(|group| !group.gives_up_skus());
        usable
    }
}

/// For each product the handle of another one with its slug, the first in the file's order.
fn sharing_slug(groups: &[RowGroup]) -> Vec<Option<String>> {
    /// The first two products with a slug.
    struct Sharing {
        first: usize,
        second: Option<usize>,
    }
    let mut by_slug: HashMap<&str, Sharing> = HashMap::with_capacity(groups.len());
    for (index, group) in groups.iter().enumerate() {
        by_slug
            .entry(&group.slug)
            .and_modify(|sharing| sharing.second = sharing.second.or(Some(index)))
            .or_insert(Sharing {
                first: index,
                second: None,
            });
    }
    let other = |(index, group): (usize, &RowGroup)| {
        let sharing = by_slug.get(group.slug.as_str())?;
        let other = match sharing.first == index {
            true => sharing.second?,
            false => sharing.first,
        };
        Some(groups[other].handle.clone())
    };
    groups.iter().enumerate().map(other).collect()
}

/// Notes the SKUs that several products have. The first one by slug may take them, so that it depends on
/// neither chance nor the order of rows. A product that is archived has none.
fn contest(groups: &mut [RowGroup]) {
    /// A SKU of a product that another one may take.
    struct Contested {
        group: usize,
        sku: String,
        taker: String,
    }
    fn skus(group: &RowGroup) -> impl Iterator<Item = &str> {
        let skus = group.rows.iter().map(|row| row.sku.as_str());
        skus.filter(|sku| !sku.is_empty())
    }
    let selling = || {
        let groups = groups.iter().enumerate();
        groups.filter(|(_, group)| !group.gives_up_skus())
    };
    let mut takers: HashMap<&str, &str> = HashMap::new();
    for (_, group) in selling() {
        for sku in skus(group) {
            let taker = takers.entry(sku).or_insert(&group.slug);
            *taker = (*taker).min(&group.slug);
        }
    }
    let mut contested = Vec::new();
    for (index, group) in selling() {
        for sku in skus(group) {
            if let Some(taker) = takers.get(sku).filter(|taker| **taker != group.slug) {
                contested.push(Contested {
                    group: index,
                    sku: sku.to_owned(),
                    taker: (*taker).to_owned(),
                });
            }
        }
    }
    for Contested { group, sku, taker } in contested {
        groups[group].contested.insert(sku, taker);
    }
}
