//! Counts, splits and reads the stock of variants, all shards together.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use domain::{
    catalog::Sku,
    change::ChangeStamp,
    id::StockChangeId,
    inventory::{Stock, StockChange, StockChangeKind, Variant},
    staff::Author,
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

/// A count of the units on hand that an import brings.
#[derive(Clone, Copy, Debug)]
pub struct ImportStock<'a> {
    /// The SKU that was counted.
    pub sku: &'a Sku,
    /// Units on hand.
    pub on_hand: i64,
    /// When it was counted. It replaces an older count, of a variant that no newer change has written, as the message may
    /// be late.
    pub stamp: &'a ChangeStamp,
}

/// Result of a count that an import brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The stock was set.
    Counted(Variant),
    /// The same count was made before; nothing was changed.
    Repeated,
    /// A newer count was made, or a newer change has written the variant; nothing was changed.
    Superseded,
    /// No variant has this SKU.
    NoSuchVariant,
}

/// The member of staff who changes a stock, for the audit trail.
#[derive(Clone, Copy, Debug)]
pub struct ByStaff<'a> {
    /// Identifier of the change, of which each request makes a new one.
    pub id: StockChangeId,
    /// The author.
    pub author: &'a Author<'a>,
}

/// A count of the units on hand by staff, who wait for the answer.
#[derive(Clone, Copy, Debug)]
pub struct CountStock<'a> {
    /// The SKU that was counted.
    pub sku: &'a Sku,
    /// Units on hand.
    pub on_hand: i64,
    /// The version of the stock that they have seen, if the count replaces no other; [`Stock::version`] of all shards.
    pub expected: Option<u64>,
    /// Who has counted.
    pub by: ByStaff<'a>,
}

/// Result of a count by staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountOutcome {
    /// The stock was set.
    Counted(Variant),
    /// The stock has another version than the expected one; nothing was changed.
    OtherVersion,
    /// No variant has this SKU.
    NoSuchVariant,
}

/// Sets the units on hand of a stock with one shard, whatever is reserved.
const SET_ON_HAND: &str = "SET available = :on_hand - reserved, counted = :on_hand, \
     sold_at_count = if_not_exists(sold, :zero), counted_by = :stamp \
     ADD stock_version :one";
/// Condition that there is a stock with one shard.
const IS_NOT_SPLIT: &str = "attribute_exists(PK) AND attribute_not_exists(shards)";
/// Condition that stock and details of the first shard are not from a newer change. A change that has written
/// the details has decided about the stock, too.
const COUNTED_BEFORE: &str = " AND (attribute_not_exists(counted_by) OR counted_by < :stamp) \
     AND (attribute_not_exists(changed_by) OR changed_by <= :stamp)";
/// Condition that the units that a shard has promised have not changed.
const SAME_RESERVED: &str = "reserved = :reserved";
/// Condition that the counters of a shard have not changed.
const SAME_VERSION: &str = "attribute_exists(PK) AND (stock_version = :version \
     OR (attribute_not_exists(stock_version) AND :version = :zero))";
/// Condition that the units on hand have not changed: they follow from these counters, of which a reservation changes none.
const SAME_ON_HAND: &str = " AND (counted = :counted OR attribute_not_exists(counted)) \
     AND (sold = :sold OR (attribute_not_exists(sold) AND :sold = :zero)) \
     AND (sold_at_count = :sold_at_count \
     OR (attribute_not_exists(sold_at_count) AND :sold_at_count = :zero))";

/// State of a stock that a count must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meets {
    /// An older count, and the units reserved that were read.
    OlderCount,
    /// The version that was read of each shard.
    Version,
}

impl Store {
    /// Sets the units on hand to those of an import; reservations are kept. Keys: [`Key::variant`], on the condition that its
    /// count and its details are not newer, and [`Key::variant_shard`] of each additional shard. 1 write unit; 2 for each shard
    /// if there are several, and 1 read unit.
    pub async fn import_stock(&self, count: ImportStock<'_>) -> Result<ImportOutcome> {
        let update = self
            .update(&Key::variant(count.sku))
            .update_expression(SET_ON_HAND)
            .condition_expression(format!("{IS_NOT_SPLIT}{COUNTED_BEFORE}"))
            .expression_attribute_values(":on_hand", number(count.on_hand))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":stamp", string(count.stamp.as_str()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let found = match self.write("UpdateItem stock", update).await? {
            Written::Done(item) => return read_variant(item).map(ImportOutcome::Counted),
            Written::Refused(None) => return Ok(ImportOutcome::NoSuchVariant),
            Written::Refused(Some(item)) => from_item::<VariantRecord>(item)?,
        };
        match refused_import(count.stamp, &found) {
            Some(refused) => Ok(refused),
            None => self.import_split_stock(count).await,
        }
    }

    /// The same for several shards: the available units are distributed evenly.
    async fn import_split_stock(&self, count: ImportStock<'_>) -> Result<ImportOutcome> {
        let mut attempts = Attempts::new("set split stock");
        loop {
            attempts.next().await?;
            let Some(mut variant) = self.whole_variant(count.sku).await? else {
                return Ok(ImportOutcome::NoSuchVariant);
            };
            let actions =
                self.count_shards(&mut variant, count.on_hand, count.stamp, Meets::OlderCount)?;
            match self
                .transact("set split stock", First::Write, actions)
                .await?
            {
                Outcome::Committed { .. } => return Ok(ImportOutcome::Counted(variant)),
                Outcome::Refused(reasons) => {
                    let first = reasons.into_iter().next().flatten();
                    let Some(item) = first.and_then(|reason| reason.item) else {
                        continue;
                    };
                    // With other units reserved, the next look decides.
                    if let Some(refused) = refused_import(count.stamp, &from_item(item)?) {
                        return Ok(refused);
                    }
                }
                Outcome::InProgress => {}
            }
        }
    }

    /// Sets the units on hand to those that staff have counted; reservations are kept. Keys: [`Key::variant`] and
    /// [`Key::variant_shard`] of each additional shard, on the condition that the units on hand are those that were read; new,
    /// [`Key::stock_change`], by which the audit trail knows what was there before. 1 read unit and 2 write units for each
    /// shard, and 2 write units.
    pub async fn count_stock(&self, count: CountStock<'_>) -> Result<CountOutcome> {
        let stamp = ChangeStamp::of_count(count.by.id);
        let mut attempts = Attempts::new("count stock");
        let mut was_overtaken = false;
        loop {
            attempts.next().await?;
            let Some(mut variant) = self.whole_variant(count.sku).await? else {
                return Ok(CountOutcome::NoSuchVariant);
            };
            let total = variant.total();
            if count.expected.is_some_and(|seen| seen != total.version) {
                return Ok(CountOutcome::OtherVersion);
            }
            let kind = StockChangeKind::Counted {
                before: total.available + total.reserved,
                after: count.on_hand,
            };
            // With the same version, the answer is known beforehand. Where orders keep coming, it must be enough that the units
            // on hand are the same, which reservations do not change.
            let is_known = count.expected.is_some() || variant.shards > 1 || !was_overtaken;
            let mut actions = match is_known {
                true => self.count_shards(&mut variant, count.on_hand, &stamp, Meets::Version)?,
                false => vec![self.count_on_hand(&variant, count.on_hand, &stamp)?],
            };
            actions.push(self.put_on_record(count.sku, kind, count.by)?);
            match self.transact("count stock", First::Write, actions).await? {
                Outcome::Committed { .. } if is_known => {
                    return Ok(CountOutcome::Counted(variant));
                }
                Outcome::Committed { .. } => return self.counted(count.sku).await,
                // It is on record: the answer of an earlier attempt was lost.
                Outcome::Refused(reasons) if matches!(reasons.last(), Some(Some(_))) => {
                    return self.counted(count.sku).await;
                }
                Outcome::Refused(_) => was_overtaken = true,
                Outcome::InProgress => {}
            }
        }
    }

    /// A stock that was counted, with what has happened since.
    async fn counted(&self, sku: &Sku) -> Result<CountOutcome> {
        let variant = self.whole_variant(sku).await?;
        Ok(variant.map_or(CountOutcome::NoSuchVariant, CountOutcome::Counted))
    }

    /// The writes of a count, one for each shard in order, and the variant as it is then: the available units are distributed
    /// evenly.
    fn count_shards(
        &self,
        variant: &mut Variant,
        on_hand: i64,
        stamp: &ChangeStamp,
        meets: Meets,
    ) -> Result<Vec<TransactWriteItem>> {
        let free = Stock::split(on_hand - variant.total().reserved, variant.shards);
        let mut actions = Vec::with_capacity(variant.stock.len() + 1);
        for (shard, (stock, available)) in
            (0..variant.shards).zip(variant.stock.iter_mut().zip(free))
        {
            let is_first = shard == 0;
            let by = match is_first {
                true => ", counted_by = :stamp",
                false => "",
            };
            let condition = match meets {
                Meets::Version => SAME_VERSION.to_owned(),
                Meets::OlderCount if is_first => format!("{SAME_RESERVED}{COUNTED_BEFORE}"),
                Meets::OlderCount => SAME_RESERVED.to_owned(),
            };
            let mut update = Update::builder()
                .table_name(&self.table)
                .set_key(Some(Key::variant_shard(&variant.sku, shard).attributes()))
                .update_expression(format!(
                    "SET available = :available, counted = :counted, \
                     sold_at_count = if_not_exists(sold, :zero){by} \
                     ADD stock_version :one"
                ))
                .condition_expression(condition)
                .expression_attribute_values(":available", number(available))
                .expression_attribute_values(":counted", number(available + stock.reserved))
                .expression_attribute_values(":zero", number(0))
                .expression_attribute_values(":one", number(1))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
            update = match meets {
                Meets::Version => {
                    update.expression_attribute_values(":version", number(stock.version))
                }
                Meets::OlderCount => {
                    update.expression_attribute_values(":reserved", number(stock.reserved))
                }
            };
            if is_first {
                let stamp = string(stamp.as_str());
                update = update.expression_attribute_values(":stamp", stamp);
            }
            actions.push(update_action(update)?);
            stock.available = available;
            stock.counted = available + stock.reserved;
            stock.sold_at_count = stock.sold;
            stock.version += 1;
        }
        Ok(actions)
    }

    /// The write of a count of a stock with one shard, whatever was reserved since it was read.
    fn count_on_hand(
        &self,
        variant: &Variant,
        on_hand: i64,
        stamp: &ChangeStamp,
    ) -> Result<TransactWriteItem> {
        let stock = variant.total();
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::variant(&variant.sku).attributes()))
            .update_expression(SET_ON_HAND)
            .condition_expression(format!("{IS_NOT_SPLIT}{SAME_ON_HAND}"))
            .expression_attribute_values(":on_hand", number(on_hand))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":stamp", string(stamp.as_str()))
            .expression_attribute_values(":counted", number(stock.counted))
            .expression_attribute_values(":sold", number(stock.sold))
            .expression_attribute_values(":sold_at_count", number(stock.sold_at_count));
        update_action(update)
    }

    /// The write by which the audit trail learns of a change.
    fn put_on_record(
        &self,
        sku: &Sku,
        kind: StockChangeKind,
        by: ByStaff<'_>,
    ) -> Result<TransactWriteItem> {
        self.put_stock_change(&StockChange::new(by.id, sku, kind, by.author))
    }

    /// Splits a stock over more shards, each in its own partition, so that more orders per second can
    /// reserve it. The available units are distributed over all of them. Keys: [`Key::variant_shard`]
    /// of each shard, on the condition that the old ones still have the units they give and the details
    /// as read, and that the new ones do not exist; if staff split it, also a new [`Key::stock_change`] for the audit trail. 1 read
    /// unit and 2 write units for each shard, and 2 write units by staff.
    pub async fn split_stock(
        &self,
        sku: &Sku,
        shards: u8,
        now: Timestamp,
        by: Option<ByStaff<'_>>,
    ) -> Result<SplitOutcome> {
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
            if let Some(split) = self.split_from(&variant, shards, now, by).await? {
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
        by: Option<ByStaff<'_>>,
    ) -> Result<Option<Variant>> {
        let old = variant.shards;
        let sku = &variant.sku;
        let mut split = variant.clone();
        split.shards = shards;
        split.split_at = Some(now);
        split.stock.resize(usize::from(shards), Stock::default());
        // Shards with negative stock keep it; the positive stock of the others is distributed.
        let targets = Stock::split(variant.total().available.max(0), shards);
        let mut actions = Vec::with_capacity(usize::from(shards) + 1);
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
        if let Some(by) = by {
            let kind = StockChangeKind::Split {
                before: old,
                after: shards,
            };
            actions.push(self.put_on_record(sku, kind, by)?);
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

/// Why the count of an import was refused by the first shard as it was `found`; `None` if for nothing that stays.
fn refused_import(stamp: &ChangeStamp, found: &VariantRecord) -> Option<ImportOutcome> {
    let is_newer = |by: &Option<ChangeStamp>| by.as_ref() > Some(stamp);
    if is_newer(&found.counted_by) || is_newer(&found.changed_by) {
        Some(ImportOutcome::Superseded)
    } else if found.counted_by.as_ref() == Some(stamp) {
        Some(ImportOutcome::Repeated)
    } else {
        None
    }
}
