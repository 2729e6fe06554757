//! Counts, splits and reads the stock of variants, all shards together.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, Update,
};
use domain::{
    catalog::Sku,
    inventory::{Stock, Variant},
};

use super::record::{StockRecord, VariantRecord, read_variant};
use crate::{
    Result, Store,
    attempts::Attempts,
    item::{Record, number, string, to_item},
    keys::Key,
    transaction::{First, Outcome, put_action, update_action},
    write::Written,
};

/// Result of an attempt to split a stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitOutcome {
    /// The stock has the requested number of shards.
    Split(Variant),
    /// The stock already has more shards; nothing was changed.
    HasMore(Variant),
    /// No variant has this SKU.
    NoSuchVariant,
}

/// A variant's stock as read for the daily reconciliation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StockCheck {
    /// Sum of all shards.
    pub stock: Stock,
    /// Changes with every change of a counter.
    pub version: u64,
    /// Whether the counters of each shard satisfy the invariant.
    pub balanced: bool,
}

/// Condition that the import has not set the stock before.
const NOT_BY_IMPORT: &str = " AND (attribute_not_exists(stock_set_by) OR stock_set_by <> :import)";

impl Store {
    /// Sets the units on hand; reservations are kept. With `import`, only once per import; `None` if
    /// the variant does not exist, or the import has set it before. Keys: [`Key::variant`], and
    /// [`Key::variant_shard`] of each additional shard, on the condition that its reservations are as
    /// read. 1 write unit; 2 for each shard if there are several, and 1 read unit.
    pub async fn set_stock(
        &self,
        sku: &Sku,
        on_hand: i64,
        import: Option<&str>,
    ) -> Result<Option<Variant>> {
        let mut update = self
            .update(&Key::variant(sku))
            .update_expression(
                "SET available = :on_hand - reserved, counted = :on_hand, \
                 sold_at_count = if_not_exists(sold, :zero), stock_set_by = :import \
                 ADD stock_version :one",
            )
            .expression_attribute_values(":on_hand", number(on_hand))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":import", string(import.unwrap_or("staff")))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        update = update.condition_expression(format!(
            "attribute_exists(PK) AND attribute_not_exists(shards){}",
            if import.is_some() { NOT_BY_IMPORT } else { "" }
        ));
        let found = match self.write("UpdateItem stock", update).await? {
            Written::Done(item) => return read_variant(item).map(Some),
            Written::Refused(found) => found.unwrap_or_default(),
        };
        if found.is_empty() || read_variant(found)?.shards < 2 {
            return Ok(None);
        }
        self.set_split_stock(sku, on_hand, import).await
    }

    /// The same for several shards: the available units are distributed evenly.
    async fn set_split_stock(
        &self,
        sku: &Sku,
        on_hand: i64,
        import: Option<&str>,
    ) -> Result<Option<Variant>> {
        let mut attempts = Attempts::new("set split stock");
        loop {
            attempts.next().await?;
            let Some(mut variant) = self.whole_variant(sku).await? else {
                return Ok(None);
            };
            let free = Stock::split(on_hand - variant.total().reserved, variant.shards);
            let mut actions = Vec::with_capacity(variant.stock.len());
            for (shard, (stock, available)) in
                (0..variant.shards).zip(variant.stock.iter_mut().zip(free))
            {
                let guard = if shard == 0 && import.is_some() {
                    NOT_BY_IMPORT
                } else {
                    ""
                };
                let by = if shard == 0 {
                    ", stock_set_by = :import"
                } else {
                    ""
                };
                let mut update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(Key::variant_shard(sku, shard).attributes()))
                    .update_expression(format!(
                        "SET available = :available, counted = :counted, sold_at_count = sold{by} \
                         ADD stock_version :one"
                    ))
                    .condition_expression(format!("reserved = :reserved{guard}"))
                    .expression_attribute_values(":available", number(available))
                    .expression_attribute_values(":counted", number(available + stock.reserved))
                    .expression_attribute_values(":reserved", number(stock.reserved))
                    .expression_attribute_values(":one", number(1))
                    .return_values_on_condition_check_failure(
                        ReturnValuesOnConditionCheckFailure::AllOld,
                    );
                if shard == 0 {
                    let import = string(import.unwrap_or("staff"));
                    update = update.expression_attribute_values(":import", import);
                }
                actions.push(update_action(update)?);
                stock.available = available;
                stock.counted = available + stock.reserved;
                stock.sold_at_count = stock.sold;
            }
            match self
                .transact("set split stock", First::Write, actions)
                .await?
            {
                Outcome::Committed { .. } => return Ok(Some(variant)),
                Outcome::Refused(reasons) => {
                    let item = reasons
                        .into_iter()
                        .next()
                        .flatten()
                        .and_then(|reason| reason.item);
                    let by = item.as_ref().and_then(|item| item.get("stock_set_by"));
                    if import.is_some_and(|import| by == Some(&string(import))) {
                        return Ok(None);
                    }
                }
                Outcome::InProgress => {}
            }
        }
    }

    /// Splits a stock over more shards, each in its own partition, so that more orders per second can
    /// reserve it. The available units are distributed over all of them. Keys: [`Key::variant_shard`]
    /// of each shard, on the condition that the old ones still have the units they give and the details
    /// as read, and that the new ones do not exist. 1 read unit and 2 write units for each shard.
    pub async fn split_stock(&self, sku: &Sku, shards: u8) -> Result<SplitOutcome> {
        let mut attempts = Attempts::new("split stock");
        loop {
            attempts.next().await?;
            let Some(variant) = self.whole_variant(sku).await? else {
                return Ok(SplitOutcome::NoSuchVariant);
            };
            if variant.shards == shards {
                return Ok(SplitOutcome::Split(variant));
            }
            if variant.shards > shards {
                return Ok(SplitOutcome::HasMore(variant));
            }
            if let Some(split) = self.split_from(&variant, shards).await? {
                return Ok(SplitOutcome::Split(split));
            }
        }
    }

    /// Splits the stock of `variant`, on the condition that it is unchanged.
    async fn split_from(&self, variant: &Variant, shards: u8) -> Result<Option<Variant>> {
        let old = variant.shards;
        let sku = &variant.sku;
        let mut split = variant.clone();
        split.shards = shards;
        split.stock.resize(usize::from(shards), Stock::default());
        // Shards with negative stock keep it; the positive stock of the others is distributed.
        let targets = Stock::split(variant.total().available.max(0), shards);
        let mut actions = Vec::with_capacity(usize::from(shards));
        let mut given = 0;
        for (shard, target) in (0..old).zip(&targets) {
            let stock = &mut split.stock[usize::from(shard)];
            let gives = (stock.available - target).max(0);
            given += gives;
            stock.available -= gives;
            stock.counted -= gives;
            let first = if shard == 0 {
                " SET shards = :shards"
            } else {
                ""
            };
            let same = if shard == 0 {
                " AND price = :price AND currency = :currency AND title = :title \
                 AND for_sale = :for_sale AND product_slug = :slug \
                 AND (backorder = :backorder OR attribute_not_exists(backorder)) \
                 AND (shards = :old OR (attribute_not_exists(shards) AND :old = :first))"
            } else {
                ""
            };
            let mut update = Update::builder()
                .table_name(&self.table)
                .set_key(Some(Key::variant_shard(sku, shard).attributes()))
                .update_expression(format!(
                    "ADD available :less, counted :less, stock_version :one{first}"
                ))
                .condition_expression(format!("available >= :gives{same}"))
                .expression_attribute_values(":less", number(-gives))
                .expression_attribute_values(":one", number(1))
                // The redistributed stock must not offset negative stock.
                .expression_attribute_values(
                    ":gives",
                    number(if gives > 0 { gives } else { i64::MIN / 2 }),
                );
            if shard == 0 {
                update = update
                    .expression_attribute_values(":shards", number(shards))
                    .expression_attribute_values(":old", number(old))
                    .expression_attribute_values(":first", number(1))
                    .expression_attribute_values(":price", number(variant.price.amount))
                    .expression_attribute_values(
                        ":for_sale",
                        AttributeValue::Bool(variant.for_sale),
                    )
                    .expression_attribute_values(
                        ":currency",
                        string(variant.price.currency.to_string()),
                    )
                    .expression_attribute_values(":title", string(&variant.title))
                    .expression_attribute_values(
                        ":backorder",
                        AttributeValue::Bool(variant.backorder),
                    )
                    .expression_attribute_values(":slug", string(&variant.product_slug));
            }
            actions.push(update_action(update)?);
        }
        for (shard, part) in (old..shards).zip(Stock::split(given, shards - old)) {
            let record = VariantRecord {
                sku: sku.clone(),
                product_slug: variant.product_slug.clone(),
                title: variant.title.clone(),
                price: variant.price.amount,
                currency: variant.price.currency,
                for_sale: variant.for_sale,
                backorder: variant.backorder,
                untracked: variant.untracked,
                shards: None,
                available: part,
                reserved: 0,
                sold: 0,
                counted: Some(part),
                sold_at_count: 0,
                stock_version: 0,
            };
            split.stock[usize::from(shard)] = record.stock();
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(to_item(&Key::variant_shard(sku, shard), &record)?))
                .condition_expression("attribute_not_exists(PK)");
            actions.push(put_action(put)?);
        }
        match self.transact("split stock", First::Write, actions).await? {
            Outcome::Committed { .. } => Ok(Some(split)),
            Outcome::Refused(_) | Outcome::InProgress => Ok(None),
        }
    }

    /// Reads the stock of every variant. Scans the table: for the daily reconciliation with the orders
    /// only, never for a request. 1 read unit for 4 KB of table.
    pub async fn all_stock(&self) -> Result<HashMap<Sku, StockCheck>> {
        const READ: [&str; 7] = [
            "sku",
            "available",
            "reserved",
            "sold",
            "counted",
            "sold_at_count",
            "stock_version",
        ];
        let mut found: HashMap<Sku, StockCheck> = HashMap::new();
        let add = |record: StockRecord| {
            let stock = record.stock();
            let check = found.entry(record.sku).or_insert(StockCheck {
                balanced: true,
                ..StockCheck::default()
            });
            check.stock.available += stock.available;
            check.stock.reserved += stock.reserved;
            check.stock.sold += stock.sold;
            check.stock.counted += stock.counted;
            check.stock.sold_at_count += stock.sold_at_count;
            check.version += record.stock_version;
            check.balanced &= stock.is_balanced();
        };
        self.scan("Scan variants", VariantRecord::ENTITY, &READ, add)
            .await?;
        Ok(found)
    }
}
