//! The steps of an export, and where its files are.
//!
//! Which orders it has is decided once, before the first step, so that each step has the same orders however often it is done.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::id::{ExportId, OrderId};

/// How long the document of an export can be downloaded. The bucket deletes it afterwards.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Most orders of a document, the newest ones: the document is put together in memory.
pub const MAX_EXPORTED_ORDERS: usize = 10_000;
/// Number of the step that tells the owner that the document is ready, after all others.
pub const NOTICE_STEP: u32 = 0;
/// Orders of one step: a few seconds of reads.
const ORDERS_OF_A_STEP: usize = 25;

/// The orders of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportPlan {
    /// The orders of the account, newest first.
    pub orders: Vec<OrderId>,
    /// Whether the account has more orders than a document takes.
    pub has_more_orders: bool,
}

/// The work of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportStep<'a> {
    /// Everything but the orders.
    Account,
    /// Some of the orders.
    Orders(&'a [OrderId]),
    /// Puts the document together.
    Document,
}

impl ExportPlan {
    /// Number of the last step. The first one has the number 1.
    pub fn last_step(&self) -> u32 {
        let pages = self.orders.len().div_ceil(ORDERS_OF_A_STEP);
        u32::try_from(pages).unwrap_or(u32::MAX).saturating_add(2)
    }

    /// The work of a step; `None` if there is no step of this number.
    pub fn step(&self, number: u32) -> Option<ExportStep<'_>> {
        let last = self.last_step();
        match number {
            1 => Some(ExportStep::Account),
            number if number == last => Some(ExportStep::Document),
            number if number > 1 && number < last => {
                let page = usize::try_from(number - 2).ok()?;
                let orders = self.orders.chunks(ORDERS_OF_A_STEP).nth(page)?;
                Some(ExportStep::Orders(orders))
            }
            _ => None,
        }
    }

    /// Number of the items that are counted: the account and its orders.
    pub fn items(&self) -> u64 {
        u64::try_from(self.orders.len()).map_or(u64::MAX, |orders| orders.saturating_add(1))
    }
}

impl ExportStep<'_> {
    /// Number of the items that the step counts.
    pub fn items(&self) -> u64 {
        match self {
            Self::Account => 1,
            Self::Orders(orders) => u64::try_from(orders.len()).unwrap_or(u64::MAX),
            Self::Document => 0,
        }
    }
}

/// Beginning of the object keys of an export.
pub fn export_folder(id: ExportId) -> String {
    format!("exports/{id}/")
}

/// Beginning of the object keys of what is only needed while the document is made.
pub fn work_folder(id: ExportId) -> String {
    format!("{}work/", export_folder(id))
}

/// Object key of the document.
pub fn document_key(id: ExportId) -> String {
    format!("{}data.json", export_folder(id))
}

/// Object key of the plan.
pub fn plan_key(id: ExportId) -> String {
    format!("{}plan.json", work_folder(id))
}

/// Object key of the part of the document that a step has collected.
pub fn part_key(id: ExportId, step: u32) -> String {
    format!("{}{step:09}.json", work_folder(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(orders: usize) -> ExportPlan {
        let id = |number: usize| OrderId::derived(&[&number.to_string()]);
        ExportPlan {
            orders: (0..orders).map(id).collect(),
            has_more_orders: false,
        }
    }

    #[test]
    fn every_order_is_in_one_step_and_the_document_comes_last() {
        for orders in [0, 1, 24, 25, 26, 50, 51, MAX_EXPORTED_ORDERS] {
            let plan = plan(orders);
            let last = plan.last_step();
            assert_eq!(plan.step(1), Some(ExportStep::Account), "{orders}");
            assert_eq!(plan.step(last), Some(ExportStep::Document), "{orders}");
            let mut found = Vec::new();
            let mut items = 0;
            for number in 1..=last {
                let step = plan.step(number).unwrap();
                items += step.items();
                if let ExportStep::Orders(some) = step {
                    assert!(!some.is_empty() && some.len() <= ORDERS_OF_A_STEP);
                    found.extend_from_slice(some);
                }
            }
            assert_eq!(found, plan.orders, "{orders}");
            assert_eq!(items, plan.items(), "{orders}");
            for none in [0, last + 1, u32::MAX] {
                assert_eq!(plan.step(none), None, "{orders}: {none}");
            }
        }
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plan = plan(3);
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<ExportPlan>(&json).unwrap(), plan);
    }

    #[test]
    fn all_files_of_an_export_are_in_its_folder() {
        let id = ExportId::random([1; 16]);
        let folder = export_folder(id);
        for key in [document_key(id), plan_key(id), part_key(id, 7)] {
            assert!(key.starts_with(&folder), "{key}");
            // What the work leaves does not take the document with it.
            let is_work = key.starts_with(&work_folder(id));
            assert_eq!(is_work, key != document_key(id), "{key}");
        }
        assert_ne!(part_key(id, 1), part_key(id, 10));
        let other = ExportId::random([2; 16]);
        assert!(!document_key(other).starts_with(&folder));
    }
}
