//! Reconciles each SKU's stock with the orders, once a day: a difference is a bug. As it reads every order,
//! it also finds those whose due note was lost, which nothing else would ever end.

use std::{collections::HashSet, process::ExitCode};

use domain::{catalog::Sku, inventory::HeldUnits};
use jiff::SignedDuration;
use runtime::{ConsumeError, Task, Tick};
use store::{Due, DueChange, StockCheck, Store};

/// Passes over the orders: a SKU that was sold during a pass cannot be judged by it.
const PASSES: u32 = 3;
/// Time after which the sweep, which runs every minute, has ended an unpaid order whose note it finds.
const LATE: SignedDuration = SignedDuration::from_mins(10);

struct ReconcileStock {
    store: Store,
}

impl Task for ReconcileStock {
    async fn run(&self, tick: Tick) -> Result<(), ConsumeError> {
        let mut drifted: HashSet<Sku> = HashSet::new();
        let mut unsettled: Option<HashSet<Sku>> = None;
        let (mut skus, mut orders) = (0, 0);
        let mut overdue: Vec<Due> = Vec::new();
        for _ in 0..PASSES {
            // Read the stock, then the orders and, where they differ, the stock again. A change of an
            // order's reservation writes to the stock in the same transaction, so an unchanged stock
            // was compared with exactly the orders it belongs to.
            let before = self.store.all_stock().await?;
            let held = self.store.held_by_orders(tick.now - LATE).await?;
            (skus, orders) = (before.len(), held.orders);
            overdue = held.overdue;
            let agrees = |sku: &Sku, check: &StockCheck| {
                let held = held.units.get(sku).copied().unwrap_or_default();
                check.balanced && check.stock.held() == held
            };
            let homeless = held.units.iter();
            let homeless = homeless
                .filter(|(sku, held)| !before.contains_key(*sku) && **held != HeldUnits::default());
            let homeless: Vec<&Sku> = homeless.map(|(sku, _)| sku).collect();
            if homeless.is_empty() && before.iter().all(|(sku, check)| agrees(sku, check)) {
                unsettled = Some(HashSet::new());
                break;
            }
            let after = self.store.all_stock().await?;
            let mut left = HashSet::new();
            for (sku, check) in &before {
                if unsettled.as_ref().is_some_and(|left| !left.contains(sku)) || agrees(sku, check)
                {
                    continue;
                }
                let held = held.units.get(sku).copied().unwrap_or_default();
                let stock = check.stock;
                if after
                    .get(sku)
                    .is_none_or(|after| after.stock.version != check.stock.version)
                {
                    left.insert(sku.clone());
                    continue;
                }
                tracing::error!(
                    variant.sku = %sku,
                    stock.balanced = check.balanced,
                    stock.reserved = stock.reserved,
                    orders.reserved = held.reserved,
                    stock.sold = stock.sold,
                    orders.sold = held.sold,
                    "stock and orders disagree"
                );
                drifted.insert(sku.clone());
            }
            for sku in homeless.into_iter().filter(|sku| !after.contains_key(sku)) {
                tracing::error!(variant.sku = %sku, "orders hold what has no stock");
                drifted.insert(sku.clone());
            }
            let settled = left.is_empty();
            unsettled = Some(left);
            if settled {
                break;
            }
        }
        let unsettled = unsettled.map_or(0, |left| left.len());
        tracing::info!(
            skus = skus,
            orders = orders,
            skus.drifted = drifted.len(),
            skus.unsettled = unsettled,
            "stock reconciled"
        );
        runtime::metric("StockDrift", drifted.len() as u64);
        self.note_lost(&overdue).await
    }
}

impl ReconcileStock {
    /// Writes the due notes that overdue orders lack. That is safe: the sweep decides by the order itself.
    async fn note_lost(&self, overdue: &[Due]) -> Result<(), ConsumeError> {
        let mut lost = Vec::new();
        for due in overdue {
            if !self.store.is_due_noted(*due).await? {
                tracing::error!(order.id = %due.order_id, "the order had no due note");
                lost.push(DueChange::Noted(*due));
            }
        }
        runtime::metric_if_any("OrdersOverdue", lost.len() as u64);
        Ok(self.store.change_due_notes(&lost).await?)
    }
}

fn main() -> ExitCode {
    runtime::run_on_schedule(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(ReconcileStock { store })
    })
}
