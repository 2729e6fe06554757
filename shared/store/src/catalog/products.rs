//! Stores products and their entries in lists.
//!
//! A list entry contains the fields that a list shows, so that a page is a single query; it is packed,
//! because queries are billed by size. The product and its entries are written in one transaction. A
//! product with more entries than fit into a transaction is written in several: each checks that the
//! product still has the same version, and the remaining work is recorded on the product until it is
//! done.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use domain::{
    catalog::{
        ImageView, ImportedVariant, ListProducts, Product, ProductPage, ProductStatus,
        ProductSummary, ProductView, Sku,
    },
    change::ChangeStamp,
    id::ProductId,
    money::{Currency, Money},
};
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError, cursor,
    cursor::InvalidCursor,
    item::{Record, from_item, number, string, to_item},
    keys::{Key, ListPosition, SK, list_order, listing_partition},
    transaction::{First, Outcome, put_action, unbuildable, update_action},
};

/// Maximum number of list entries per transaction; one more action checks the product.
const MAX_ENTRIES: usize = 99;
/// Maximum bytes of one page of a list. A function can return 6 MB, in which each quotation mark of the
/// page is escaped and takes two bytes.
const MAX_PAGE_BYTES: usize = 2_500_000;
/// Maximum bytes of one transaction, below DynamoDB's 4 MB.
const MAX_BYTES: usize = 3_000_000;

/// A product as it is stored. `view` is the JSON that shoppers see, so it is served without conversion.
#[derive(Debug, Serialize, Deserialize)]
struct ProductRecord {
    id: ProductId,
    slug: String,
    /// Missing in products that were written before handles were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    /// Optimistic locking: incremented by every change.
    version: u64,
    /// Whether shoppers can see the page.
    published: bool,
    /// Whether the product is published as far as it is active; missing in older products, where it is
    /// `published`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published_if_active: Option<bool>,
    #[serde(default)]
    status: ProductStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed_by: Option<ChangeStamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changing_by: Option<ChangeStamp>,
    /// Hash of the imported data, so that the same import changes nothing.
    content_hash: String,
    /// Stock columns of the last import: the stock is only set where the next one differs.
    #[serde(default)]
    imported: Vec<ImportedVariant>,
    /// The older form of `imported`: quantities only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    imported_quantities: Vec<(Sku, i64)>,
    /// The page's JSON, sent unchanged.
    view: String,
    /// Whether all lists are up to date with this version.
    listed: bool,
    /// Keys of list entries that may exist and must be deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stale_entries: Vec<(String, String)>,
}

impl Record for ProductRecord {
    const ENTITY: &'static str = "product";
    const VERSION: u32 = 2;
}

/// An entry of a product in a list.
#[derive(Debug, Serialize, Deserialize)]
struct ListingRecord {
    /// The entry as JSON of a [`Packed`].
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    packed: Option<String>,
    /// Form of the entry up to version 2: JSON of the whole product. Still read; the next change
    /// replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<String>,
}

impl Record for ListingRecord {
    const ENTITY: &'static str = "listing";
    const VERSION: u32 = 2;
}

/// [`Money`] without the decimals, which its currency tells: entries of lists are read by the page.
#[derive(Serialize, Deserialize)]
struct StoredMoney {
    amount: i64,
    currency: Currency,
}

impl From<Money> for StoredMoney {
    fn from(money: Money) -> Self {
        Self {
            amount: money.amount,
            currency: money.currency,
        }
    }
}

impl From<StoredMoney> for Money {
    fn from(money: StoredMoney) -> Self {
        Self::new(money.amount, money.currency)
    }
}

/// A [`ProductSummary`] without field names: 24 of them fit into 12 KB.
#[derive(Serialize, Deserialize)]
struct Packed(
    ProductId,
    String,
    String,
    String,
    String,
    Vec<String>,
    Vec<String>,
    Option<StoredMoney>,
    bool,
    Option<StoredMoney>,
    bool,
    bool,
    Option<(String, String)>,
);

impl From<ProductSummary> for Packed {
    fn from(it: ProductSummary) -> Self {
        Self(
            it.id,
            it.slug,
            it.title,
            it.vendor,
            it.product_type,
            it.tags,
            it.collections,
            it.price.map(StoredMoney::from),
            it.price_varies,
            it.compare_at_price.map(StoredMoney::from),
            it.reduced,
            it.available,
            it.image.map(|image| (image.url, image.alt)),
        )
    }
}

impl From<Packed> for ProductSummary {
    fn from(it: Packed) -> Self {
        Self {
            id: it.0,
            slug: it.1,
            title: it.2,
            vendor: it.3,
            product_type: it.4,
            tags: it.5,
            collections: it.6,
            price: it.7.map(Money::from),
            price_varies: it.8,
            compare_at_price: it.9.map(Money::from),
            reduced: it.10,
            available: it.11,
            image: it.12.map(|(url, alt)| ImageView { url, alt }),
        }
    }
}

impl ListingRecord {
    fn of(product: &ProductView) -> Result<Self> {
        let packed = Packed::from(ProductSummary::from(product));
        let packed = serde_json::to_string(&packed)
            .map_err(|error| StoreError::unreadable(Self::ENTITY, error))?;
        Ok(Self {
            packed: Some(packed),
            view: None,
        })
    }

    fn summary(self) -> Result<ProductSummary> {
        let unreadable = |error| StoreError::unreadable(Self::ENTITY, error);
        match (self.packed, self.view) {
            (Some(packed), _) => serde_json::from_str::<Packed>(&packed)
                .map(ProductSummary::from)
                .map_err(unreadable),
            (None, Some(view)) => serde_json::from_str::<ProductView>(&view)
                .map(|view| ProductSummary::from(&view))
                .map_err(unreadable),
            (None, None) => Err(StoreError::inconsistent(Self::ENTITY, "neither s nor view")),
        }
    }

    fn len(&self) -> usize {
        self.packed
            .as_ref()
            .or(self.view.as_ref())
            .map_or(0, String::len)
    }
}

/// A product with the state of its lists.
#[derive(Clone, Debug)]
pub struct StoredProduct {
    /// The product as it is stored.
    pub product: Product,
    /// Whether all lists are up to date with it.
    pub listed: bool,
    stale_entries: Vec<(String, String)>,
}

/// A product as shoppers see it, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredView {
    /// The [`ProductView`] as JSON.
    pub json: String,
}

/// Result of an attempt to write a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutProductOutcome {
    /// The product and its lists were written.
    Put,
    /// Version conflict: the product was changed concurrently; read it again.
    VersionConflict,
}

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The cursor does not belong to the list.
    #[error(transparent)]
    InvalidCursor(#[from] InvalidCursor),
    /// Accessing the table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page as it is written now: in version 1, its amounts did not say how many decimals they have.
fn current_form(json: String) -> Result<String> {
    // Within a text of the page the quotation marks would be escaped. Without prices nothing changes.
    if json.contains("\"decimals\":") {
        return Ok(json);
    }
    serde_json::from_str::<ProductView>(&json)
        .and_then(|view| serde_json::to_string(&view))
        .map_err(|error| StoreError::unreadable(ProductRecord::ENTITY, error))
}

impl Store {
    /// Reads a published product for its page. Key: [`Key::product`], eventually consistent.
    /// 0.5 read units for each 4 KB.
    pub async fn product_view(&self, slug: &str) -> Result<Option<StoredView>> {
        // Reads the page only: the other attributes would take additional time.
        let wanted = self
            .client
            .get_item()
            .projection_expression("published, #view")
            .expression_attribute_names("#view", "view");
        let key = Key::product(slug);
        let item = self.get_part("GetItem product view", &key, wanted).await?;
        let Some(mut item) = item else {
            return Ok(None);
        };
        match (item.remove("published"), item.remove("view")) {
            (Some(AttributeValue::Bool(false)), _) => Ok(None),
            (Some(AttributeValue::Bool(true)), Some(AttributeValue::S(json))) => {
                current_form(json).map(|json| Some(StoredView { json }))
            }
            _ => Err(StoreError::inconsistent(
                ProductRecord::ENTITY,
                "no published view",
            )),
        }
    }

    /// Reads a product in order to change it. Key: [`Key::product`], strongly consistent. 1 read unit
    /// for each 4 KB.
    pub async fn product(&self, slug: &str) -> Result<Option<StoredProduct>> {
        let key = Key::product(slug);
        let item = self
            .get("GetItem product", &key, Consistency::Strong)
            .await?;
        let Some(item) = item else {
            return Ok(None);
        };
        let record: ProductRecord = from_item(item)?;
        let view: ProductView = serde_json::from_str(&record.view)
            .map_err(|error| StoreError::unreadable(ProductRecord::ENTITY, error))?;
        let older = record.imported_quantities.into_iter();
        let older = older.map(|(sku, quantity)| ImportedVariant {
            sku,
            quantity: Some(quantity),
            backorder: false,
            untracked: false,
        });
        let imported = record.imported.into_iter().chain(older).collect();
        Ok(Some(StoredProduct {
            product: Product {
                version: record.version,
                handle: record.handle,
                published: record.published_if_active.unwrap_or(record.published),
                status: record.status,
                changed_by: record.changed_by,
                changing_by: record.changing_by,
                content_hash: record.content_hash,
                imported,
                view,
            },
            listed: record.listed,
            stale_entries: record.stale_entries,
        }))
    }

    /// Reads a page of a list with the cursor of the next page, if there is one. A page ends early if
    /// its products are too large for one response. Query of [`listing_partition`] in one sort order,
    /// eventually consistent. 0.5 read units for each 4 KB of entries, of about 300 bytes each.
    pub async fn list_products(&self, list: &ListProducts) -> Result<ProductPage, ListError> {
        let partition = listing_partition(&list.facet);
        let (prefix, forward) = list_order(list.sort);
        // Ascending and descending order have separate cursors.
        let order = if forward {
            prefix.to_owned()
        } else {
            format!("-{prefix}")
        };
        let start = match &list.cursor {
            None => None,
            Some(text) => Some(cursor::decode(&partition, &order, text)?),
        };
        let mut products = Vec::new();
        let mut bytes = 0;
        let mut last = start;
        loop {
            // One more than requested tells whether there is a next page.
            let missing = list.limit as usize + 1 - products.len();
            let start_key = last.as_ref().map(|sk| {
                [("PK", partition.as_str()), (SK, sk.as_str())]
                    .map(|(name, value)| (name.to_owned(), string(value)))
                    .into()
            });
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
                .expression_attribute_values(":pk", string(&partition))
                .expression_attribute_values(":prefix", string(prefix))
                .scan_index_forward(forward)
                .limit(i32::try_from(missing).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start_key)
                .send()
                .await
                .map_err(|error| StoreError::call("Query listing", error))?;
            for item in answer.items.unwrap_or_default() {
                let position = match item.get(SK) {
                    Some(AttributeValue::S(sk)) => sk.clone(),
                    _ => {
                        return Err(StoreError::inconsistent(ListingRecord::ENTITY, "no SK").into());
                    }
                };
                let entry: ListingRecord = from_item(item)?;
                bytes += entry.len();
                let full = products.len() == list.limit as usize || bytes > MAX_PAGE_BYTES;
                if full
                    && let Some(last) = &last
                    && !products.is_empty()
                {
                    return Ok(ProductPage {
                        items: products,
                        next_cursor: Some(cursor::encode(&partition, &order, last)),
                    });
                }
                last = Some(position);
                products.push(entry.summary()?);
            }
            // A query stops at 1 MB regardless of its limit.
            if answer.last_evaluated_key.is_none() {
                return Ok(ProductPage {
                    items: products,
                    next_cursor: None,
                });
            }
        }
    }

    /// Writes a product and its entries in all lists. Keys: [`Key::product`], on the condition that it
    /// still is `previous`, and [`Key::listing`] for each facet and sort order. 2 write units for each
    /// KB of the product, times one plus twice the number of its facets.
    pub async fn put_product(
        &self,
        product: &Product,
        previous: Option<&StoredProduct>,
    ) -> Result<PutProductOutcome> {
        let json = serde_json::to_string(&product.view)
            .map_err(|error| StoreError::unreadable(ProductRecord::ENTITY, error))?;
        let entries = entries(product);
        let kept: HashSet<&Key> = entries.iter().collect();
        let before = previous.map(|stored| {
            let stale = stored.stale_entries.iter().cloned().map(Key::from_pair);
            self::entries(&stored.product)
                .into_iter()
                .chain(stale)
                .collect::<HashSet<Key>>()
        });
        let stale: Vec<Key> = before
            .unwrap_or_default()
            .into_iter()
            .filter(|key| !kept.contains(key))
            .collect();

        let entry = ListingRecord::of(&product.view)?;
        let mut actions = Vec::with_capacity(entries.len() + stale.len());
        for key in &entries {
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(to_item(key, &entry)?));
            actions.push(put_action(put)?);
        }
        for key in &stale {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key.attributes()));
            actions.push(
                TransactWriteItem::builder()
                    .delete(delete.build().map_err(unbuildable)?)
                    .build(),
            );
        }
        let per_transaction = MAX_ENTRIES
            .min(MAX_BYTES / (json.len().max(entry.len()) + 500))
            .max(1);
        let whole = actions.len() < per_transaction;
        let record = ProductRecord {
            id: product.view.id,
            slug: product.view.slug.clone(),
            handle: product.handle.clone(),
            version: product.version,
            published: product.is_for_sale(),
            published_if_active: Some(product.published),
            status: product.status,
            changed_by: product.changed_by.clone(),
            changing_by: product.changing_by.clone(),
            content_hash: product.content_hash.clone(),
            imported: product.imported.clone(),
            imported_quantities: Vec::new(),
            view: json,
            listed: whole,
            stale_entries: if whole {
                Vec::new()
            } else {
                stale.iter().map(owned_pair).collect()
            },
        };
        let put = self.put_version(&record, previous.map(|stored| stored.product.version))?;

        if whole {
            actions.push(put);
            return self.commit_version(actions).await;
        }
        if self.commit_version(vec![put]).await? == PutProductOutcome::VersionConflict {
            return Ok(PutProductOutcome::VersionConflict);
        }
        let mut rest = actions.into_iter().peekable();
        while rest.peek().is_some() {
            let mut batch: Vec<TransactWriteItem> = rest.by_ref().take(per_transaction).collect();
            batch.push(self.still_version(&record)?);
            if self.commit_version(batch).await? == PutProductOutcome::VersionConflict {
                return Ok(PutProductOutcome::VersionConflict);
            }
        }
        self.commit_version(vec![self.mark_listed(&record)?]).await
    }

    /// Notes that the change `stamp` is about to write the product's variants, so that no older change
    /// interferes and no newer one takes the product for a description of its variants. Key:
    /// [`Key::product`], on the condition that it still is `stored`, whose version grows by one. 1 write unit
    /// for each KB.
    pub async fn begin_change(
        &self,
        stored: &mut StoredProduct,
        stamp: &ChangeStamp,
    ) -> Result<PutProductOutcome> {
        let expression = "SET changing_by = :stamp, version = :version";
        let outcome = self
            .stamp_product("UpdateItem begin change", stored, stamp, expression)
            .await?;
        stored.product.version += 1;
        stored.product.changing_by = Some(stamp.clone());
        Ok(outcome)
    }

    /// Notes that the change `stamp` has found the product as it wants it, so that no older change writes it.
    /// Key and condition as for [`Store::begin_change`]. 1 write unit for each KB.
    pub async fn confirm_product(
        &self,
        stored: &StoredProduct,
        stamp: &ChangeStamp,
    ) -> Result<PutProductOutcome> {
        let expression = "SET changed_by = :stamp, version = :version";
        self.stamp_product("UpdateItem confirm product", stored, stamp, expression)
            .await
    }

    async fn stamp_product(
        &self,
        operation: &'static str,
        stored: &StoredProduct,
        stamp: &ChangeStamp,
        expression: &str,
    ) -> Result<PutProductOutcome> {
        let version = stored.product.version;
        let update = self
            .update(&Key::product(&stored.product.view.slug))
            .update_expression(expression)
            .condition_expression("version = :before")
            .expression_attribute_values(":stamp", string(stamp.as_str()))
            .expression_attribute_values(":before", number(version))
            .expression_attribute_values(":version", number(version + 1));
        Ok(match self.write(operation, update).await?.is_done() {
            true => PutProductOutcome::Put,
            false => PutProductOutcome::VersionConflict,
        })
    }

    fn put_version(
        &self,
        record: &ProductRecord,
        before: Option<u64>,
    ) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::product(&record.slug), record)?));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(PK)"),
            Some(version) => put
                .condition_expression("version = :before")
                .expression_attribute_values(":before", number(version)),
        };
        put_action(put)
    }

    fn still_version(&self, record: &ProductRecord) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::product(&record.slug).attributes()))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(record.version));
        let check = check.build().map_err(unbuildable)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn mark_listed(&self, record: &ProductRecord) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::product(&record.slug).attributes()))
            .update_expression("SET listed = :yes REMOVE stale_entries")
            .condition_expression("version = :version")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":version", number(record.version));
        update_action(update)
    }

    /// The only condition in these transactions is the version of the product.
    async fn commit_version(&self, actions: Vec<TransactWriteItem>) -> Result<PutProductOutcome> {
        Ok(
            match self.transact("put product", First::Write, actions).await? {
                Outcome::Committed { .. } => PutProductOutcome::Put,
                Outcome::Refused(_) | Outcome::InProgress => PutProductOutcome::VersionConflict,
            },
        )
    }
}

/// Keys of a product's list entries: by age and by price, for each of its facets.
fn entries(product: &Product) -> Vec<Key> {
    let id = product.view.id;
    let positions = [
        ListPosition::Newest(id),
        ListPosition::Price(product.lowest_price(), id),
    ];
    let facets = product.facets();
    let keys = facets.iter().flat_map(|facet| {
        positions
            .iter()
            .map(|position| Key::listing(facet, position))
    });
    keys.collect()
}

fn owned_pair(key: &Key) -> (String, String) {
    let (pk, sk) = key.as_pair();
    (pk.to_owned(), sk.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_first_version_gets_the_decimals_of_its_amounts() {
        let old = r#"{"id":"prd_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE","slug":"a","title":"\"decimals\":","description_html":"","vendor":"","type":"","tags":[],"collections":[],"options":[],"variants":[{"sku":"A","title":"A","option_values":[],"price":{"amount":5,"currency":"KWD"},"compare_at_price":null,"available":true}],"images":[]}"#;
        let new = current_form(old.to_owned()).unwrap();
        let price = r#""price":{"amount":5,"currency":"KWD","decimals":3}"#;
        assert!(new.contains(price), "{new}");
        assert_eq!(current_form(new.clone()).unwrap(), new);
    }
}
