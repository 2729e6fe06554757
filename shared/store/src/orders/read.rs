//! Reads orders, one by its id or all of them to reconcile the stock.

use std::collections::HashMap;

use domain::{catalog::Sku, id::OrderId, inventory::HeldUnits, orders::Order};
use jiff::Timestamp;

use super::record::{HoldRecord, OrderRecord, read_order};
use crate::{Consistency, Due, Result, Store, item::Record, keys::Key};

/// Stock that is held by all orders, and the orders that hold it for too long.
#[derive(Debug, Default)]
pub struct HeldByOrders {
    /// Number of orders.
    pub orders: u64,
    /// Held units by SKU.
    pub units: HashMap<Sku, HeldUnits>,
    /// Orders that still wait for their payment although it was due.
    pub overdue: Vec<Due>,
}

impl Store {
    /// Reads an order; functions read it strongly consistent. Key: [`Key::order`]. 0.5 or 1 read unit
    /// for 4 KB.
    pub async fn order(&self, id: OrderId, consistency: Consistency) -> Result<Option<Order>> {
        let item = self
            .get("GetItem order", &Key::order(id), consistency)
            .await?;
        item.map(read_order).transpose()
    }

    /// Reads every order, adds up the reserved and sold units of each SKU, and lists the orders that were
    /// due before `due_before` and still wait for their payment. Scans the table: for the daily
    /// reconciliation only, never for a request. 1 read unit for 4 KB of table.
    pub async fn held_by_orders(&self, due_before: Timestamp) -> Result<HeldByOrders> {
        const READ: [&str; 6] = [
            "id",
            "closed",
            "currency",
            "due_at",
            "lines",
            "payment.status",
        ];
        let mut held = HeldByOrders::default();
        let add = |order: HoldRecord| {
            held.orders += 1;
            // An order that waits for its payment has its units reserved.
            let mut waits = false;
            for line in order.lines {
                let line = line.read(order.currency);
                let units = line.held(order.closed, order.payment.status);
                waits |= units.reserved > 0;
                *held.units.entry(line.sku).or_default() += units;
            }
            let due = order.due_at.filter(|due| waits && *due < due_before);
            held.overdue.extend(due.map(|at| Due {
                order_id: order.id,
                at,
            }));
        };
        self.scan("Scan orders", OrderRecord::ENTITY, &READ, add)
            .await?;
        Ok(held)
    }
}
