//! Stores variants with their price and stock.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{
        AttributeValue, KeysAndAttributes, Put, ReturnConsumedCapacity, ReturnValue,
        ReturnValuesOnConditionCheckFailure, Update,
    },
};
use domain::{
    catalog::Sku,
    inventory::{Stock, Variant},
    money::{Currency, Money},
};
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, string, to_item},
    keys::Key,
    log_units,
    transaction::{First, Outcome, backoff, put_action, update_action},
};

/// A variant as it is stored, and each additional shard of its stock: a shard contains everything that
/// a sale needs, so an order touches no other item.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VariantRecord {
    pub(crate) sku: Sku,
    pub(crate) product_slug: String,
    title: String,
    price: i64,
    currency: Currency,
    for_sale: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    backorder: bool,
    /// Number of shards; only on the first shard, and only if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shards: Option<u8>,
    /// Units available for sale. With `reserved`, the units on hand.
    pub(crate) available: i64,
    reserved: i64,
    #[serde(default)]
    sold: i64,
    /// Missing if the stock was not counted since the ledger was introduced.
    #[serde(default)]
    counted: Option<i64>,
    #[serde(default)]
    sold_at_count: i64,
    /// Incremented by every change of a counter.
    #[serde(default)]
    stock_version: u64,
}

impl Record for VariantRecord {
    const ENTITY: &'static str = "variant";
}

/// Counters of a variant or one of its shards, where nothing else is read. Not flattened into
/// [`VariantRecord`], as serde would then buffer every item that a cart or an order reads.
#[derive(Debug, Deserialize)]
struct StockRecord {
    sku: Sku,
    available: i64,
    reserved: i64,
    #[serde(default)]
    sold: i64,
    #[serde(default)]
    counted: Option<i64>,
    #[serde(default)]
    sold_at_count: i64,
    #[serde(default)]
    stock_version: u64,
}

impl StockRecord {
    fn stock(&self) -> Stock {
        let units = [self.available, self.reserved, self.sold];
        stock(units, self.counted, self.sold_at_count)
    }
}

impl VariantRecord {
    fn stock(&self) -> Stock {
        let units = [self.available, self.reserved, self.sold];
        stock(units, self.counted, self.sold_at_count)
    }
}

fn stock([available, reserved, sold]: [i64; 3], counted: Option<i64>, sold_at_count: i64) -> Stock {
    Stock {
        available,
        reserved,
        sold,
        counted: counted.unwrap_or(available + reserved + sold),
        sold_at_count,
    }
}

impl From<VariantRecord> for Variant {
    fn from(record: VariantRecord) -> Self {
        let stock = vec![record.stock()];
        Self {
            sku: record.sku,
            product_slug: record.product_slug,
            title: record.title,
            price: Money::new(record.price, record.currency),
            for_sale: record.for_sale,
            backorder: record.backorder,
            shards: record.shards.unwrap_or(1),
            stock,
        }
    }
}

/// How much of a variant's stock is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shards {
    /// Only the first shard.
    First,
    /// All shards: one more read for each additional shard; few variants have any.
    All,
}

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

/// Fields of a variant that an import sets.
#[derive(Clone, Debug)]
pub struct VariantDetails<'a> {
    /// Stock keeping unit.
    pub sku: &'a Sku,
    /// Slug of its product.
    pub product_slug: &'a str,
    /// Title for a cart line: product and options.
    pub title: &'a str,
    /// Price of one unit.
    pub price: Money,
    /// Whether the product is published and the variant is for sale.
    pub for_sale: bool,
    /// Whether the variant is sold beyond its stock.
    pub backorder: bool,
    /// Units on hand, if the variant is new.
    pub initial_quantity: i64,
}

/// The SKU belongs to another product.
#[derive(Debug, PartialEq, Eq)]
pub struct SkuTaken;

/// Attempts to change a stock of several shards when orders change it concurrently.
const ATTEMPTS: u32 = 8;

impl Store {
    /// Reads one variant with the stock of its first shard. Key: [`Key::variant`]. 0.5 or 1 read unit.
    pub async fn variant(&self, sku: &Sku, consistency: Consistency) -> Result<Option<Variant>> {
        let item = self
            .get("GetItem variant", &Key::variant(sku), consistency)
            .await?;
        item.map(read_variant).transpose()
    }

    /// Reads up to 100 variants at once; missing ones are omitted. Keys: [`Key::variant`], and for
    /// [`Shards::All`] also [`Key::variant_shard`]. 0.5 or 1 read unit each.
    pub async fn variants<'a>(
        &self,
        skus: impl IntoIterator<Item = &'a Sku>,
        consistency: Consistency,
        look: Shards,
    ) -> Result<HashMap<Sku, Variant>> {
        let keys = skus.into_iter().map(|sku| Key::variant(sku).attributes());
        let items = self
            .get_batch("BatchGetItem variants", keys.collect(), consistency)
            .await?;
        let mut found = HashMap::with_capacity(items.len());
        for item in items {
            let variant = read_variant(item)?;
            found.insert(variant.sku.clone(), variant);
        }
        if look == Shards::First {
            return Ok(found);
        }
        let split = found.values().filter(|variant| variant.shards > 1);
        let further: Vec<Item> = split
            .flat_map(|variant| {
                let key = |shard| Key::variant_shard(&variant.sku, shard).attributes();
                (1..variant.shards).map(key)
            })
            .collect();
        for batch in further.chunks(100) {
            let items = self
                .get_batch("BatchGetItem shards", batch.to_vec(), consistency)
                .await?;
            // Items come in any order; the key tells which variant a shard belongs to.
            let mut shards: Vec<(u8, VariantRecord)> = Vec::with_capacity(items.len());
            for item in items {
                shards.push((shard_of(&item)?, from_item(item)?));
            }
            shards.sort_by_key(|(shard, _)| *shard);
            for (shard, record) in shards {
                if let Some(variant) = found.get_mut(&record.sku) {
                    // A shard that cannot be read yet counts as empty.
                    variant.stock.resize(usize::from(shard), Stock::default());
                    variant.stock.push(record.stock());
                }
            }
        }
        for variant in found.values_mut() {
            variant
                .stock
                .resize(usize::from(variant.shards), Stock::default());
        }
        Ok(found)
    }

    /// Reads one variant with the stock of all shards, strongly consistent. 1 read unit for each.
    pub async fn whole_variant(&self, sku: &Sku) -> Result<Option<Variant>> {
        let mut found = self
            .variants([sku], Consistency::Strong, Shards::All)
            .await?;
        Ok(found.remove(sku))
    }

    async fn get_batch(
        &self,
        operation: &'static str,
        keys: Vec<Item>,
        consistency: Consistency,
    ) -> Result<Vec<Item>> {
        let mut found = Vec::with_capacity(keys.len());
        let mut wanted = keys;
        let mut attempt = 0;
        while !wanted.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(|error| StoreError::corrupt("variant", error))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, request)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::call(operation, &error))?;
            log_units(operation, answer.consumed_capacity());
            let items = answer.responses.unwrap_or_default().remove(&self.table);
            found.extend(items.unwrap_or_default());
            // A throttled batch returns a partial result and the keys that are missing.
            let rest = answer
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.table);
            wanted = rest.map(|rest| rest.keys).unwrap_or_default();
            if !wanted.is_empty() {
                if attempt == 6 {
                    return Err(StoreError::Contended { operation });
                }
                backoff(attempt).await;
                attempt += 1;
            }
        }
        Ok(found)
    }

    /// Writes the fields of a variant that an import sets, and its stock if it is new. Keys:
    /// [`Key::variant`], on the condition that no other product uses the SKU, and
    /// [`Key::variant_shard`] of each additional shard. 1 write unit for each shard.
    pub async fn put_variant_details(
        &self,
        details: &VariantDetails<'_>,
    ) -> Result<std::result::Result<Variant, SkuTaken>> {
        let answer = self
            .update(&Key::variant(details.sku))
            .update_expression(
                "SET entity_type = :entity, schema_version = :schema, sku = :sku, \
                 product_slug = :slug, title = :title, price = :price, currency = :currency, \
                 for_sale = :for_sale, backorder = :backorder, \
                 available = if_not_exists(available, :quantity), \
                 reserved = if_not_exists(reserved, :zero), \
                 counted = if_not_exists(counted, :quantity), \
                 sold = if_not_exists(sold, :zero), \
                 sold_at_count = if_not_exists(sold_at_count, :zero) REMOVE withdrawn",
            )
            .condition_expression(
                "attribute_not_exists(PK) OR product_slug = :slug OR withdrawn = :yes",
            )
            .expression_attribute_values(":entity", string(VariantRecord::ENTITY))
            .expression_attribute_values(":schema", number(VariantRecord::VERSION))
            .expression_attribute_values(":sku", string(details.sku.as_str()))
            .expression_attribute_values(":slug", string(details.product_slug))
            .expression_attribute_values(":title", string(details.title))
            .expression_attribute_values(":price", number(details.price.amount))
            .expression_attribute_values(":currency", string(details.price.currency.to_string()))
            .expression_attribute_values(":for_sale", AttributeValue::Bool(details.for_sale))
            .expression_attribute_values(":backorder", AttributeValue::Bool(details.backorder))
            .expression_attribute_values(":quantity", number(details.initial_quantity))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let variant = match answer {
            Ok(answer) => read_variant(answer.attributes.unwrap_or_default())?,
            Err(error) if is_condition_failure(&error) => return Ok(Err(SkuTaken)),
            Err(error) => return Err(StoreError::call("UpdateItem variant details", &error)),
        };
        for shard in 1..variant.shards {
            self.update(&Key::variant_shard(details.sku, shard))
                .update_expression(
                    "SET product_slug = :slug, title = :title, price = :price, \
                     currency = :currency, for_sale = :for_sale, backorder = :backorder",
                )
                .condition_expression("attribute_exists(PK)")
                .expression_attribute_values(":slug", string(details.product_slug))
                .expression_attribute_values(":title", string(details.title))
                .expression_attribute_values(":price", number(details.price.amount))
                .expression_attribute_values(
                    ":currency",
                    string(details.price.currency.to_string()),
                )
                .expression_attribute_values(":for_sale", AttributeValue::Bool(details.for_sale))
                .expression_attribute_values(":backorder", AttributeValue::Bool(details.backorder))
                .send()
                .await
                .map_err(|error| StoreError::call("UpdateItem shard details", &error))?;
        }
        if variant.shards > 1 {
            let whole = self.whole_variant(details.sku).await?;
            return Ok(Ok(whole.unwrap_or(variant)));
        }
        Ok(Ok(variant))
    }

    /// Takes a variant off sale because its product no longer has it, which frees its SKU for another
    /// product. Keys: [`Key::variant`], on the condition that it still belongs to the product, and
    /// [`Key::variant_shard`] of each additional shard. 1 write unit for each shard.
    pub async fn withdraw_variant(&self, sku: &Sku, product_slug: &str) -> Result<()> {
        let answer = self
            .update(&Key::variant(sku))
            .update_expression("SET for_sale = :no, withdrawn = :yes")
            .condition_expression("product_slug = :slug")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":slug", string(product_slug))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let variant = match answer {
            Ok(answer) => read_variant(answer.attributes.unwrap_or_default())?,
            // The SKU belongs to another product by now, or to none: nothing to withdraw.
            Err(error) if is_condition_failure(&error) => return Ok(()),
            Err(error) => return Err(StoreError::call("UpdateItem withdraw variant", &error)),
        };
        for shard in 1..variant.shards {
            self.update(&Key::variant_shard(sku, shard))
                .update_expression("SET for_sale = :no")
                .condition_expression("attribute_exists(PK)")
                .expression_attribute_values(":no", AttributeValue::Bool(false))
                .send()
                .await
                .map_err(|error| StoreError::call("UpdateItem withdraw shard", &error))?;
        }
        Ok(())
    }

    /// Sets the units on hand; reservations are kept. With `import`, only once per import; `None` if
    /// the variant does not exist, or the import has set it before. Keys: [`Key::variant`], and
    /// [`Key::variant_shard`] of each additional shard. 1 write unit; 2 for each shard if there are
    /// several, and 1 read unit.
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
        let error = match update.send().await {
            Ok(answer) => return read_variant(answer.attributes.unwrap_or_default()).map(Some),
            Err(error) => error,
        };
        let found = match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                failed.item().cloned().unwrap_or_default()
            }
            _ => return Err(StoreError::call("UpdateItem stock", &error)),
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
        for attempt in 0..ATTEMPTS {
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
            backoff(attempt).await;
        }
        Err(StoreError::Contended {
            operation: "set split stock",
        })
    }

    /// Splits a stock over more shards, each in its own partition, so that more orders per second can
    /// reserve it. The available units are distributed over all of them. Keys: [`Key::variant_shard`]
    /// of each shard. 1 read unit and 2 write units for each shard.
    pub async fn split_stock(&self, sku: &Sku, shards: u8) -> Result<SplitOutcome> {
        for attempt in 0..ATTEMPTS {
            let Some(variant) = self.whole_variant(sku).await? else {
                return Ok(SplitOutcome::NoSuchVariant);
            };
            if variant.shards == shards {
                return Ok(SplitOutcome::Split(variant));
            }
            if variant.shards > shards {
                return Ok(SplitOutcome::HasMore(variant));
            }
            let Some(split) = self.split_from(&variant, shards).await? else {
                backoff(attempt).await;
                continue;
            };
            return Ok(SplitOutcome::Split(split));
        }
        Err(StoreError::Contended {
            operation: "split stock",
        })
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

/// Condition that the import has not set the stock before.
const NOT_BY_IMPORT: &str = " AND (attribute_not_exists(stock_set_by) OR stock_set_by <> :import)";

fn read_variant(item: Item) -> Result<Variant> {
    from_item::<VariantRecord>(item).map(Variant::from)
}

/// Index of the shard that an item holds, from its key.
fn shard_of(item: &Item) -> Result<u8> {
    let key = item.get(crate::keys::PK).and_then(|key| key.as_s().ok());
    let number = key
        .and_then(|key| key.rsplit_once('#'))
        .map(|(_, number)| number);
    number
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| StoreError::corrupt(VariantRecord::ENTITY, "the key is not that of a shard"))
}

/// Whether an update failed because its condition did not hold.
pub(crate) fn is_condition_failure(error: &SdkError<UpdateItemError>) -> bool {
    error
        .as_service_error()
        .is_some_and(|error| error.is_conditional_check_failed_exception())
}
