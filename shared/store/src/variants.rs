//! Variants: price and stock of what can be sold.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnConsumedCapacity, ReturnValue,
};
use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{UpdateItemError, UpdateItemOutput},
};
use domain::{
    catalog::Sku,
    inventory::{Stock, Variant},
    money::{Currency, Money},
};
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, string},
    keys::Key,
    log_units,
    transaction::backoff,
};

/// What is stored of a variant.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VariantRecord {
    pub(crate) sku: Sku,
    pub(crate) product_slug: String,
    title: String,
    price: i64,
    currency: Currency,
    /// Units that can be promised. With `reserved` it makes up what is on hand.
    pub(crate) available: i64,
    reserved: i64,
    for_sale: bool,
}

impl Record for VariantRecord {
    const ENTITY: &'static str = "variant";
}

impl From<VariantRecord> for Variant {
    fn from(record: VariantRecord) -> Self {
        Self {
            sku: record.sku,
            product_slug: record.product_slug,
            title: record.title,
            price: Money::new(record.price, record.currency),
            available: record.available,
            reserved: record.reserved,
            for_sale: record.for_sale,
        }
    }
}

/// What an import knows of a variant.
#[derive(Clone, Debug)]
pub struct VariantDetails<'a> {
    /// Stock keeping unit.
    pub sku: &'a Sku,
    /// Slug of its product.
    pub product_slug: &'a str,
    /// Title for a cart line.
    pub title: &'a str,
    /// What one costs.
    pub price: Money,
    /// Whether the product is published.
    pub for_sale: bool,
    /// Units on hand, should the variant be new.
    pub initial_quantity: i64,
}

/// The SKU belongs to another product.
#[derive(Debug, PartialEq, Eq)]
pub struct SkuTaken;

impl Store {
    /// Reads one variant. Key: [`Key::variant`]. 0.5 or 1 read unit.
    pub async fn variant(&self, sku: &Sku, consistency: Consistency) -> Result<Option<Variant>> {
        let item = self
            .get("GetItem variant", &Key::variant(sku), consistency)
            .await?;
        item.map(read_variant).transpose()
    }

    /// Reads several variants at once, at most 100; those that do not exist are missing from the
    /// answer. Key: [`Key::variant`]. 0.5 or 1 read unit each.
    pub async fn variants<'a>(
        &self,
        skus: impl IntoIterator<Item = &'a Sku>,
        consistency: Consistency,
    ) -> Result<HashMap<Sku, Variant>> {
        let keys: Vec<Item> = skus
            .into_iter()
            .map(|sku| Key::variant(sku).attributes())
            .collect();
        let mut found = HashMap::with_capacity(keys.len());
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
                .map_err(|error| StoreError::call("BatchGetItem variants", &error))?;
            log_units("BatchGetItem variants", answer.consumed_capacity());
            let items = answer.responses.unwrap_or_default().remove(&self.table);
            for item in items.unwrap_or_default() {
                let variant = read_variant(item)?;
                found.insert(variant.sku.clone(), variant);
            }
            // A throttled batch answers in part and names the rest.
            let rest = answer
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.table);
            wanted = rest.map(|rest| rest.keys).unwrap_or_default();
            if !wanted.is_empty() {
                if attempt == 6 {
                    return Err(StoreError::Contended {
                        operation: "BatchGetItem variants",
                    });
                }
                backoff(attempt).await;
                attempt += 1;
            }
        }
        Ok(found)
    }

    /// Writes what an import says of a variant, and its stock if it is new. Key: [`Key::variant`],
    /// on the condition that no other product has the SKU, unless it has given it up. 1 write unit.
    pub async fn put_variant_details(
        &self,
        details: &VariantDetails<'_>,
    ) -> Result<std::result::Result<Stock, SkuTaken>> {
        let answer = self
            .update(&Key::variant(details.sku))
            .update_expression(
                "SET entity_type = :entity, schema_version = :schema, sku = :sku, \
                 product_slug = :slug, title = :title, price = :price, currency = :currency, \
                 for_sale = :for_sale, available = if_not_exists(available, :quantity), \
                 reserved = if_not_exists(reserved, :zero) REMOVE withdrawn",
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
            .expression_attribute_values(":quantity", number(details.initial_quantity))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let stock = stock_if_met("UpdateItem variant details", answer)?;
        Ok(stock.ok_or(SkuTaken))
    }

    /// Sets what is on hand because `import` says so, once, however often that import is tried.
    /// Key: [`Key::variant`]. 1 write unit.
    pub async fn set_imported_stock(
        &self,
        sku: &Sku,
        on_hand: i64,
        import: &str,
    ) -> Result<Option<Stock>> {
        let answer = self.update(&Key::variant(sku))
            .update_expression("SET available = :on_hand - reserved, stock_set_by = :import")
            .condition_expression(
                "attribute_exists(PK) AND (attribute_not_exists(stock_set_by) OR stock_set_by <> :import)",
            )
            .expression_attribute_values(":on_hand", number(on_hand))
            .expression_attribute_values(":import", string(import))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        stock_if_met("UpdateItem imported stock", answer)
    }

    /// Takes a variant out of sale because its product no longer has it; another may take its SKU. Key: [`Key::variant`],
    /// on the condition that it still is that product's. 1 write unit.
    pub async fn withdraw_variant(&self, sku: &Sku, product_slug: &str) -> Result<()> {
        let answer = self
            .update(&Key::variant(sku))
            .update_expression("SET for_sale = :no, withdrawn = :yes")
            .condition_expression("product_slug = :slug")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":slug", string(product_slug))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            // Another product has it by now, or nobody: nothing to withdraw.
            Err(error) if is_condition_failure(&error) => Ok(()),
            Err(error) => Err(StoreError::call("UpdateItem withdraw variant", &error)),
        }
    }

    /// Sets what is on hand; what is promised stays promised. Key: [`Key::variant`], on the
    /// condition that it exists. 1 write unit.
    pub async fn set_stock(&self, sku: &Sku, on_hand: i64) -> Result<Option<Stock>> {
        let answer = self
            .update(&Key::variant(sku))
            .update_expression("SET available = :on_hand - reserved")
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":on_hand", number(on_hand))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        stock_if_met("UpdateItem stock", answer)
    }
}

fn read_variant(item: Item) -> Result<Variant> {
    from_item::<VariantRecord>(item).map(Variant::from)
}

/// The stock after an update; `None` if its condition did not hold.
fn stock_if_met(
    operation: &'static str,
    answer: std::result::Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Option<Stock>> {
    match answer {
        Ok(answer) => read_stock(answer.attributes).map(Some),
        Err(error) if is_condition_failure(&error) => Ok(None),
        Err(error) => Err(StoreError::call(operation, &error)),
    }
}

fn read_stock(attributes: Option<Item>) -> Result<Stock> {
    read_variant(attributes.unwrap_or_default()).map(|variant| variant.stock())
}

/// Whether an update was refused because its condition did not hold.
pub(crate) fn is_condition_failure(error: &SdkError<UpdateItemError>) -> bool {
    error
        .as_service_error()
        .is_some_and(|error| error.is_conditional_check_failed_exception())
}
