//! Counts, splits and reads the stock of variants, all shards together.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, Update,
};
use domain::{
    catalog::Sku,
    change::ChangeStamp,
    inventory::{Stock, Variant},
};
use jiff::Timestamp;

use super::record::{StockRecord, VariantRecord, read_variant};
use crate::{
    Result, Store,
    attempts::Attempts,
    item::{Record, from_item, number, string, to_item},
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
    /// Whether the counters of each shard satisfy the invariant.
    pub balanced: bool,
}

/// A count of the units on hand.
#[derive(Clone, Copy, Debug)]
pub struct CountStock<'a> {
    /// The SKU that was counted.
    pub sku: &'a Sku,
    /// Units on hand.
    pub on_hand: i64,
    /// When it was counted.
    pub stamp: &'a ChangeStamp,
    /// What it replaces.
    pub replaces: Replaces,
}

/// Which state of a stock a count may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaces {
    /// Any: somebody counts now, and waits for the answer.
    Any,
    /// The version that the person who counts has seen.
    Version(u64),
    /// A count that is older, of a variant that no newer change has written, as the message may be late.
    Older,
}

/// Result of a count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountOutcome {
    /// The stock was set.
    Counted(Variant),
    /// The same count was made before; nothing was changed.
    Repeated,
    /// A newer count was made, or a newer change has written the variant; nothing was changed.
    Superseded,
    /// The stock has another version; nothing was changed.
    OtherVersion,
    /// No variant has this SKU.
    NoSuchVariant,
}

/// Condition that stock and details of the first shard are not from a newer change. A change that has written
/// the details has decided about the stock, too.
const COUNTED_BEFORE: &str = " AND (attribute_not_exists(counted_by) OR counted_by < :stamp) \
     AND (attribute_not_exists(changed_by) OR changed_by <= :stamp)";
/// Condition that the counters of a shard have not changed.
const SAME_VERSION: &str = " AND (stock_version = :version \
     OR (attribute_not_exists(stock_version) AND :version = :zero))";

impl Store {
    /// Sets the units on hand; reservations are kept. Keys: [`Key::variant`], on the condition that
    /// `replaces` states, and [`Key::variant_shard`] of each additional shard. 1 write unit; 2 for each shard
    /// if there are several, and 1 read unit.
    pub async fn set_stock(&self, count: CountStock<'_>) -> Result<CountOutcome> {
        let mut update = self
            .update(&Key::variant(count.sku))
            .update_expression(
                "SET available = :on_hand - reserved, counted = :on_hand, \
                 sold_at_count = if_not_exists(sold, :zero), counted_by = :stamp \
                 ADD stock_version :one",
            )
            .expression_attribute_values(":on_hand", number(count.on_hand))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":stamp", string(count.stamp.as_str()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let condition = match count.replaces {
            Replaces::Any => "",
            Replaces::Older => COUNTED_BEFORE,
            Replaces::Version(version) => {
                update = update.expression_attribute_values(":version", number(version));
                SAME_VERSION
            }
        };
        update = update.condition_expression(format!(
            "attribute_exists(PK) AND attribute_not_exists(shards){condition}"
        ));
        let found = match self.write("UpdateItem stock", update).await? {
            Written::Done(item) => return read_variant(item).map(CountOutcome::Counted),
            Written::Refused(None) => return Ok(CountOutcome::NoSuchVariant),
            Written::Refused(Some(item)) => from_item::<VariantRecord>(item)?,
        };
        if found.shards.is_some_and(|shards| shards > 1) {
            return self.set_split_stock(count).await;
        }
        // The response of an earlier attempt was lost, and sales may have followed.
        if let Replaces::Version(_) = count.replaces
            && found.counted_by.as_ref() == Some(count.stamp)
        {
            return Ok(CountOutcome::Counted(found.into()));
        }
        Ok(refused_count(count, &found))
    }

    /// The same for several shards: the available units are distributed evenly.
    async fn set_split_stock(&self, count: CountStock<'_>) -> Result<CountOutcome> {
        let mut attempts = Attempts::new("set split stock");
        loop {
            attempts.next().await?;
            let Some(mut variant) = self.whole_variant(count.sku).await? else {
                return Ok(CountOutcome::NoSuchVariant);
            };
            let total = variant.total();
            let same_version = match count.replaces {
                Replaces::Version(version) if version != total.version => {
                    return Ok(CountOutcome::OtherVersion);
                }
                Replaces::Version(_) => SAME_VERSION,
                Replaces::Any | Replaces::Older => "",
            };
            let free = Stock::split(count.on_hand - total.reserved, variant.shards);
            let mut actions = Vec::with_capacity(variant.stock.len());
            for (shard, (stock, available)) in
                (0..variant.shards).zip(variant.stock.iter_mut().zip(free))
            {
                let is_first = shard == 0;
                let by = if is_first {
                    ", counted_by = :stamp"
                } else {
                    ""
                };
                let before = match count.replaces {
                    Replaces::Older if is_first => COUNTED_BEFORE,
                    _ => "",
                };
                let mut update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(Key::variant_shard(count.sku, shard).attributes()))
                    .update_expression(format!(
                        "SET available = :available, counted = :counted, sold_at_count = sold{by} \
                         ADD stock_version :one"
                    ))
                    .condition_expression(format!("reserved = :reserved{before}{same_version}"))
                    .expression_attribute_values(":available", number(available))
                    .expression_attribute_values(":counted", number(available + stock.reserved))
                    .expression_attribute_values(":reserved", number(stock.reserved))
                    .expression_attribute_values(":one", number(1))
                    .return_values_on_condition_check_failure(
                        ReturnValuesOnConditionCheckFailure::AllOld,
                    );
                if !same_version.is_empty() {
                    update = update
                        .expression_attribute_values(":version", number(stock.version))
                        .expression_attribute_values(":zero", number(0));
                }
                if is_first {
                    let stamp = string(count.stamp.as_str());
                    update = update.expression_attribute_values(":stamp", stamp);
                }
                actions.push(update_action(update)?);
                stock.available = available;
                stock.counted = available + stock.reserved;
                stock.sold_at_count = stock.sold;
                stock.version += 1;
            }
            match self
                .transact("set split stock", First::Write, actions)
                .await?
            {
                Outcome::Committed { .. } => return Ok(CountOutcome::Counted(variant)),
                Outcome::Refused(reasons) => {
                    let first = reasons.into_iter().next().flatten();
                    let Some(item) = first.and_then(|reason| reason.item) else {
                        continue;
                    };
                    let found: VariantRecord = from_item(item)?;
                    let refused = refused_count(count, &found);
                    // With another version of a shard, the next look decides.
                    if matches!(refused, CountOutcome::Repeated | CountOutcome::Superseded) {
                        return Ok(refused);
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
    pub async fn split_stock(&self, sku: &Sku, shards: u8, now: Timestamp) -> Result<SplitOutcome> {
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
            if let Some(split) = self.split_from(&variant, shards, now).await? {
                return Ok(SplitOutcome::Split(split));
            }
        }
    }

    /// Splits the stock of `variant`, on the condition that it is unchanged.
    async fn split_from(
        &self,
        variant: &Variant,
        shards: u8,
        now: Timestamp,
    ) -> Result<Option<Variant>> {
        let old = variant.shards;
        let sku = &variant.sku;
        let mut split = variant.clone();
        split.shards = shards;
        split.split_at = Some(now);
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
            stock.version += 1;
            let first = if shard == 0 {
                " SET shards = :shards, split_at = :now"
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
                    .expression_attribute_values(":now", string(now.to_string()))
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
                split_at: None,
                available: part,
                reserved: 0,
                sold: 0,
                counted: Some(part),
                sold_at_count: 0,
                stock_version: 0,
                withdrawn: false,
                changed_by: None,
                counted_by: None,
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
            check.stock += stock;
            check.balanced &= stock.is_balanced();
        };
        self.scan("Scan variants", VariantRecord::ENTITY, &READ, add)
            .await?;
        Ok(found)
    }
}

/// Why a count was refused by the first shard as it was `found`.
fn refused_count(count: CountStock<'_>, found: &VariantRecord) -> CountOutcome {
    let is_newer = |by: &Option<ChangeStamp>| by.as_ref() > Some(count.stamp);
    if count.replaces != Replaces::Older {
        CountOutcome::OtherVersion
    } else if is_newer(&found.counted_by) || is_newer(&found.changed_by) {
        CountOutcome::Superseded
    } else if found.counted_by.as_ref() == Some(count.stamp) {
        CountOutcome::Repeated
    } else {
        CountOutcome::OtherVersion
    }
}
