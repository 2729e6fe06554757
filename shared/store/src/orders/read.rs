//! Reads orders, one by its id or all of them to reconcile the stock.

use std::collections::HashMap;

use domain::{catalog::Sku, id::OrderId, inventory::HeldUnits, orders::Order};

use super::record::{HoldRecord, OrderRecord, read_order};
use crate::{Consistency, Result, Store, item::Record, keys::Key};

/// Stock that is held by all orders.
#[derive(Debug, Default)]
pub struct HeldByOrders {
    /// Number of orders.
    pub orders: u64,
    /// Held units by SKU.
    pub units: HashMap<Sku, HeldUnits>,
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

    /// Reads every order and adds up the reserved and sold units of each SKU. Scans the table: for the
    /// daily reconciliation with the stock only, never for a request. 1 read unit for 4 KB of table.
    pub async fn held_by_orders(&self) -> Result<HeldByOrders> {
        const READ: [&str; 4] = ["closed", "currency", "lines", "payment.status"];
        let mut held = HeldByOrders::default();
        let add = |order: HoldRecord| {
            held.orders += 1;
            for line in order.lines {
                let line = line.read(order.currency);
                let units = line.held(order.closed, order.payment.status);
                *held.units.entry(line.sku).or_default() += units;
            }
        };
        self.scan("Scan orders", OrderRecord::ENTITY, &READ, add)
            .await?;
        Ok(held)
    }
}
