//! Compares the shop's stock with the shoppers' own record.

use std::{collections::BTreeMap, sync::Arc};

use domain::inventory::{HeldUnits, StockView};
use local::outcome::Outcome as Result;
use serde::Serialize;

use crate::{
    catalogue::root_of,
    drive::{Outcome, Placed, StatusView, World, place_again},
};

/// Result of the comparison.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct StockCheck {
    /// Number of SKUs that were ordered; all of them are compared.
    pub(crate) skus: u64,
    /// Units of paid orders.
    pub(crate) units_sold: i64,
    /// Units of orders that are not paid yet.
    pub(crate) units_reserved: i64,
    /// Number of repeated orders without a conclusive response.
    pub(crate) asked_again: u64,
    /// Number of those that had been placed, or were placed now.
    pub(crate) found_again: u64,
    /// Discrepancies that were found.
    pub(crate) findings: Vec<String>,
}

/// Compares the stock of each ordered SKU.
pub(crate) async fn check(world: &Arc<World>, token: &str, imported: i64) -> Result<StockCheck> {
    let mut check = StockCheck::default();
    ask_again(world, &mut check).await;
    let orders = world.books().orders.clone();
    let mut orders_now = Vec::new();
    for order in orders {
        orders_now.push(look_again(world, order).await);
    }
    for (sku, held) in by_sku(&orders_now) {
        let stock: StockView = world
            .http
            .get(format!("{}/v1/admin/stock/{sku}", world.address))
            .bearer_auth(token)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| format!("the stock of {sku} cannot be read: {}", root_of(&error)))?
            .json()
            .await?;
        check.skus += 1;
        check.units_sold += held.sold;
        check.units_reserved += held.reserved;
        check.findings.extend(compare(&stock, imported, held));
    }
    Ok(check)
}

/// Discrepancies of one SKU, given its imported units and those that orders hold.
fn compare(stock: &StockView, imported: i64, held: HeldUnits) -> Vec<String> {
    let mut findings = Vec::new();
    let (sku, HeldUnits { reserved, sold }) = (&stock.sku, held);
    if stock.on_hand + sold != imported {
        findings.push(format!(
            "{sku}: {} on hand and {sold} sold, but {imported} were imported",
            stock.on_hand
        ));
    }
    if stock.reserved != reserved {
        findings.push(format!(
            "{sku}: {} reserved, but unpaid orders have {reserved}",
            stock.reserved
        ));
    }
    if stock.available + stock.reserved != stock.on_hand || stock.available < 0 {
        findings.push(format!("{sku}: the counters disagree: {stock:?}"));
    }
    findings
}

/// Units that orders hold, by SKU.
fn by_sku(orders: &[Placed]) -> BTreeMap<String, HeldUnits> {
    let mut units: BTreeMap<String, HeldUnits> = BTreeMap::new();
    for order in orders {
        for (sku, quantity) in &order.lines {
            let of_sku = units.entry(sku.clone()).or_default();
            match order.status.as_str() {
                "paid" => of_sku.sold += i64::from(*quantity),
                "pending_payment" => of_sku.reserved += i64::from(*quantity),
                _ => {}
            }
        }
    }
    units
}

/// Repeats orders without a conclusive response: the same key returns the existing order, if any.
async fn ask_again(world: &Arc<World>, check: &mut StockCheck) {
    let unclear = std::mem::take(&mut world.books().unclear);
    for order in unclear {
        check.asked_again += 1;
        match place_again(world, &order).await {
            Outcome::Placed(placed) => {
                check.found_again += 1;
                world.books().orders.push(Placed {
                    id: placed.id,
                    token: placed.access_token,
                    lines: order.lines,
                    status: "pending_payment".to_owned(),
                });
            }
            Outcome::SoldOut => {}
            Outcome::Unclear => check.findings.push(format!(
                "nobody knows whether the order with the key {} was placed",
                order.key
            )),
        }
    }
}

/// The current order, unless it was closed before.
async fn look_again(world: &Arc<World>, mut order: Placed) -> Placed {
    // An order found just now may take a moment to be paid.
    for _ in 0..40 {
        if order.status != "pending_payment" {
            break;
        }
        let request = world
            .http
            .get(format!("{}/v1/orders/{}", world.address, order.id))
            .bearer_auth(&order.token);
        if let Ok(answer) = request.send().await
            && let Ok(view) = answer.json::<StatusView>().await
        {
            order.status = view.status;
        }
        if order.status == "pending_payment" {
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(sku: &str, quantity: u32, status: &str) -> Placed {
        Placed {
            id: String::new(),
            token: String::new(),
            lines: vec![(sku.to_owned(), quantity)],
            status: status.to_owned(),
        }
    }

    #[test]
    fn units_are_counted_by_how_their_order_stands() {
        let orders = [
            order("A", 2, "paid"),
            order("A", 1, "pending_payment"),
            order("A", 5, "payment_failed"),
            order("B", 1, "paid"),
        ];
        let units = by_sku(&orders);
        let held = |sold, reserved| HeldUnits { reserved, sold };
        assert_eq!((units["A"], units["B"]), (held(2, 1), held(1, 0)));
    }

    #[test]
    fn a_unit_sold_twice_is_found() {
        let stock = |on_hand, reserved| StockView {
            sku: "A".to_owned(),
            on_hand,
            reserved,
            available: on_hand - reserved,
            shards: 1,
            stock_version: 1,
            backorder: false,
            untracked: false,
        };
        let held = |sold, reserved| HeldUnits { reserved, sold };
        assert!(compare(&stock(7, 1), 10, held(3, 1)).is_empty());
        let sold_twice = compare(&stock(0, 0), 10, held(11, 0));
        assert!(
            sold_twice[0].contains("11 sold, but 10 were imported"),
            "{sold_twice:?}"
        );
        assert_eq!(compare(&stock(7, 0), 10, held(3, 1)).len(), 1);
        assert_eq!(compare(&stock(-1, 0), 10, held(11, 0)).len(), 1);
    }
}
