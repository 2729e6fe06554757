//! Reads variants with their price and stock, and writes the fields that an import sets.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{
    catalog::Sku,
    change::ChangeStamp,
    inventory::{Stock, Variant},
    money::Money,
};

use super::record::{VariantRecord, read_variant};
use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, string},
    keys::Key,
    write::Written,
};

/// How much of a variant's stock is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shards {
    /// Only the first shard.
    First,
    /// All shards: one more read for each additional shard; few variants have any.
    All,
}

/// Condition of a write to a further shard: it exists, and no newer change has written it.
const SHARD_NOT_NEWER: &str =
    "attribute_exists(PK) AND (attribute_not_exists(changed_by) OR changed_by <= :stamp)";

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
    /// Whether its units are not counted, and sold without limit.
    pub untracked: bool,
    /// Whether the SKU is new to the product, so that the variant may be new.
    pub is_new: bool,
    /// Units on hand, if the variant is new.
    pub initial_quantity: i64,
    /// Whether another product may take the SKU, because this one is archived.
    pub withdrawn: bool,
    /// Whether the product may take a SKU that nobody has.
    pub may_take: bool,
    /// The change that the details are from.
    pub stamp: &'a ChangeStamp,
}

/// Result of an attempt to write a variant's details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutVariantOutcome {
    /// The details were written.
    Put {
        /// The variant.
        variant: Variant,
        /// The change that has set its stock.
        counted_by: Option<ChangeStamp>,
    },
    /// The SKU belongs to another product; nothing was written.
    Taken {
        /// Slug of that product.
        owner: String,
        /// The change by which it has the SKU.
        since: Option<ChangeStamp>,
    },
    /// The SKU belongs to nobody, and may not be taken; nothing was written.
    Free,
    /// A newer change has written the variant, or given up its SKU; nothing was written.
    Superseded {
        /// Slug of the product that has or had the SKU.
        owner: String,
    },
}

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

    /// Writes the fields of a variant that an import sets, and its stock if it is new. Keys:
    /// [`Key::variant`], on the condition that no other product uses the SKU and that no newer change has
    /// written it, and [`Key::variant_shard`] of each additional shard. 1 write unit for each shard.
    pub async fn put_variant_details(
        &self,
        details: &VariantDetails<'_>,
    ) -> Result<PutVariantOutcome> {
        // One attribute for the conditions of a sale, whatever the reason.
        let beyond_stock = AttributeValue::Bool(details.backorder || details.untracked);
        let withdrawn = if details.withdrawn {
            ", withdrawn = :yes"
        } else {
            " REMOVE withdrawn"
        };
        // A product keeps its SKU, and may take one that nobody has or that was given up.
        let ours = if details.may_take {
            "attribute_not_exists(PK) OR ((product_slug = :slug OR withdrawn = :yes)"
        } else {
            "(product_slug = :slug"
        };
        // A known variant without this attribute was counted before counts had stamps, and by another change.
        let counted_by = if details.is_new {
            "counted_by = if_not_exists(counted_by, :stamp), "
        } else {
            ""
        };
        let mut update = self
            .update(&Key::variant(details.sku))
            .update_expression(format!(
                "SET entity_type = :entity, schema_version = :schema, sku = :sku, \
                 product_slug = :slug, title = :title, price = :price, currency = :currency, \
                 for_sale = :for_sale, backorder = :backorder, untracked = :untracked, \
                 changed_by = :stamp, \
                 available = if_not_exists(available, :quantity), \
                 reserved = if_not_exists(reserved, :zero), \
                 counted = if_not_exists(counted, :quantity), \
                 {counted_by}sold = if_not_exists(sold, :zero), \
                 sold_at_count = if_not_exists(sold_at_count, :zero){withdrawn}"
            ))
            .condition_expression(format!(
                "{ours} AND (attribute_not_exists(changed_by) OR changed_by <= :stamp))"
            ))
            .expression_attribute_values(":entity", string(VariantRecord::ENTITY))
            .expression_attribute_values(":schema", number(VariantRecord::VERSION))
            .expression_attribute_values(":sku", string(details.sku.as_str()))
            .expression_attribute_values(":slug", string(details.product_slug))
            .expression_attribute_values(":title", string(details.title))
            .expression_attribute_values(":price", number(details.price.amount))
            .expression_attribute_values(":currency", string(details.price.currency.to_string()))
            .expression_attribute_values(":for_sale", AttributeValue::Bool(details.for_sale))
            .expression_attribute_values(":backorder", beyond_stock.clone())
            .expression_attribute_values(":untracked", AttributeValue::Bool(details.untracked))
            .expression_attribute_values(":stamp", string(details.stamp.as_str()))
            .expression_attribute_values(":quantity", number(details.initial_quantity))
            .expression_attribute_values(":zero", number(0))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        // A value that no expression uses is an error.
        if details.may_take || details.withdrawn {
            update = update.expression_attribute_values(":yes", AttributeValue::Bool(true));
        }
        let found: VariantRecord = match self.write("UpdateItem variant details", update).await? {
            Written::Done(item) => {
                let record = from_item(item)?;
                return self.put_shard_details(details, beyond_stock, record).await;
            }
            Written::Refused(None) => return Ok(PutVariantOutcome::Free),
            Written::Refused(Some(item)) => from_item(item)?,
        };
        let is_ours = found.product_slug == details.product_slug;
        Ok(if is_ours || (found.withdrawn && details.may_take) {
            PutVariantOutcome::Superseded {
                owner: found.product_slug,
            }
        } else if found.withdrawn {
            PutVariantOutcome::Free
        } else {
            PutVariantOutcome::Taken {
                owner: found.product_slug,
                since: found.changed_by,
            }
        })
    }

    /// Writes the same fields to the further shards of a variant whose first shard was written.
    async fn put_shard_details(
        &self,
        details: &VariantDetails<'_>,
        beyond_stock: AttributeValue,
        record: VariantRecord,
    ) -> Result<PutVariantOutcome> {
        let counted_by = record.counted_by.clone();
        let variant = Variant::from(record);
        for shard in 1..variant.shards {
            let update = self
                .update(&Key::variant_shard(details.sku, shard))
                .update_expression(
                    "SET product_slug = :slug, title = :title, price = :price, \
                     currency = :currency, for_sale = :for_sale, backorder = :backorder, \
                     changed_by = :stamp",
                )
                .condition_expression(SHARD_NOT_NEWER)
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .expression_attribute_values(":stamp", string(details.stamp.as_str()))
                .expression_attribute_values(":slug", string(details.product_slug))
                .expression_attribute_values(":title", string(details.title))
                .expression_attribute_values(":price", number(details.price.amount))
                .expression_attribute_values(
                    ":currency",
                    string(details.price.currency.to_string()),
                )
                .expression_attribute_values(":for_sale", AttributeValue::Bool(details.for_sale))
                .expression_attribute_values(":backorder", beyond_stock.clone());
            let written = self.write("UpdateItem shard details", update).await?;
            if let Written::Refused(Some(_)) = written {
                // A newer change has come to the first shard since, and to this one.
                return Ok(PutVariantOutcome::Superseded {
                    owner: details.product_slug.to_owned(),
                });
            }
            written.or_inconsistent(VariantRecord::ENTITY)?;
        }
        if variant.shards > 1 {
            let whole = self.whole_variant(details.sku).await?;
            return Ok(PutVariantOutcome::Put {
                variant: whole.unwrap_or(variant),
                counted_by,
            });
        }
        Ok(PutVariantOutcome::Put {
            variant,
            counted_by,
        })
    }

    /// Gives up the SKU of a variant that its product no longer has, so that another product may take it.
    /// Key: [`Key::variant`], on the condition that it still belongs to the product and that no newer change
    /// has written it. It stays on sale until it is taken or [withdrawn](Store::withdraw_variant). 1 write
    /// unit.
    pub async fn release_sku(
        &self,
        sku: &Sku,
        product_slug: &str,
        stamp: &ChangeStamp,
    ) -> Result<()> {
        let update = self
            .give_up(sku, product_slug, stamp)
            .update_expression("SET withdrawn = :yes, changed_by = :stamp");
        // Refused: it has another owner by now, or a newer change has written it.
        self.write("UpdateItem release SKU", update).await?;
        Ok(())
    }

    fn give_up(
        &self,
        sku: &Sku,
        product_slug: &str,
        stamp: &ChangeStamp,
    ) -> UpdateItemFluentBuilder {
        self.update(&Key::variant(sku))
            .condition_expression(
                "product_slug = :slug AND (attribute_not_exists(changed_by) OR changed_by <= :stamp)",
            )
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":slug", string(product_slug))
            .expression_attribute_values(":stamp", string(stamp.as_str()))
    }

    /// Takes a variant off sale because its product no longer has it, which frees its SKU for another
    /// product. Keys and condition as for [`Store::release_sku`], and [`Key::variant_shard`] of each
    /// additional shard. 1 write unit for each shard.
    pub async fn withdraw_variant(
        &self,
        sku: &Sku,
        product_slug: &str,
        stamp: &ChangeStamp,
    ) -> Result<()> {
        let update = self
            .give_up(sku, product_slug, stamp)
            .update_expression("SET for_sale = :no, withdrawn = :yes, changed_by = :stamp")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .return_values(ReturnValue::AllNew);
        let variant = match self.write("UpdateItem withdraw variant", update).await? {
            Written::Done(item) => read_variant(item)?,
            // The SKU belongs to another product by now, to none, or to a newer change: nothing to withdraw.
            Written::Refused(_) => return Ok(()),
        };
        for shard in 1..variant.shards {
            let update = self
                .update(&Key::variant_shard(sku, shard))
                .update_expression("SET for_sale = :no, changed_by = :stamp")
                .condition_expression(SHARD_NOT_NEWER)
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .expression_attribute_values(":no", AttributeValue::Bool(false))
                .expression_attribute_values(":stamp", string(stamp.as_str()));
            let written = self.write("UpdateItem withdraw shard", update).await?;
            if let Written::Refused(Some(_)) = written {
                return Ok(());
            }
            written.or_inconsistent(VariantRecord::ENTITY)?;
        }
        Ok(())
    }
}

/// Index of the shard that an item holds, from its key.
fn shard_of(item: &Item) -> Result<u8> {
    let key = item.get(crate::keys::PK).and_then(|key| key.as_s().ok());
    let number = key
        .and_then(|key| key.rsplit_once('#'))
        .map(|(_, number)| number);
    number
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| {
            StoreError::inconsistent(VariantRecord::ENTITY, "the key is not that of a shard")
        })
}
