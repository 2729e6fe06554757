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
    cursor::ListError,
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
    imported: Vec<ImportedRecord>,
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

/// The stock columns of one variant.
#[derive(Debug, Serialize, Deserialize)]
struct ImportedRecord {
    /// Missing if it is that of the variant with the same index in `view`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sku: Option<Sku>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantity: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    backorder: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    untracked: bool,
}

impl ImportedRecord {
    /// The record of the variant at `index`.
    fn of(index: usize, imported: &ImportedVariant, view: &ProductView) -> Self {
        let same = view.variants.get(index).map(|variant| &variant.sku);
        Self {
            sku: Some(imported.sku.clone()).filter(|sku| same != Some(sku)),
            quantity: imported.quantity,
            backorder: imported.backorder,
            untracked: imported.untracked,
        }
    }

    fn read(self, index: usize, view: &ProductView) -> Option<ImportedVariant> {
        let same = || view.variants.get(index).map(|variant| variant.sku.clone());
        Some(ImportedVariant {
            sku: self.sku.or_else(same)?,
            quantity: self.quantity,
            backorder: self.backorder,
            untracked: self.untracked,
        })
    }
}

impl ProductRecord {
    /// The record of a product with its page. `stale` are the entries to delete, if its lists are not complete.
    fn of(product: &Product, view: String, stale: Option<&[Key]>) -> Self {
        let imported = product.imported.iter().enumerate();
        Self {
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
            imported: imported
                .map(|(index, imported)| ImportedRecord::of(index, imported, &product.view))
                .collect(),
            imported_quantities: Vec::new(),
            view,
            listed: stale.is_none(),
            stale_entries: stale.unwrap_or_default().iter().map(owned_pair).collect(),
        }
    }
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
        let imported = record.imported.into_iter().enumerate();
        let imported = imported.filter_map(|(index, imported)| imported.read(index, &view));
        let imported = imported.chain(older).collect();
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
    /// KB of the product, times one plus twice the number of its facets. Entries that an interrupted write
    /// of `previous` has left are deleted first, so that the item keeps those of one version only.
    pub async fn put_product(
        &self,
        product: &Product,
        previous: Option<&StoredProduct>,
    ) -> Result<PutProductOutcome> {
        let json = serde_json::to_string(&product.view)
            .map_err(|error| StoreError::unreadable(ProductRecord::ENTITY, error))?;
        if let Some(stored) = previous {
            let stale = stored.stale_entries.iter().cloned().map(Key::from_pair);
            let stale = stale.map(|key| self.delete(&key)).collect::<Result<_>>()?;
            let version = stored.product.version;
            let outcome = self.write_entries(&product.view.slug, version, stale, MAX_ENTRIES);
            if outcome.await? == PutProductOutcome::VersionConflict {
                return Ok(PutProductOutcome::VersionConflict);
            }
        }
        let entries = entries(product);
        let kept: HashSet<&Key> = entries.iter().collect();
        let before = previous.map(|stored| self::entries(&stored.product));
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
            actions.push(self.delete(key)?);
        }
        let per_transaction = MAX_ENTRIES
            .min(MAX_BYTES / (json.len().max(entry.len()) + 500))
            .max(1);
        let whole = actions.len() < per_transaction;
        let record = ProductRecord::of(product, json, (!whole).then_some(&stale[..]));
        let put = self.put_version(&record, previous.map(|stored| stored.product.version))?;

        if whole {
            actions.push(put);
            return self.commit_version(actions).await;
        }
        if self.commit_version(vec![put]).await? == PutProductOutcome::VersionConflict {
            return Ok(PutProductOutcome::VersionConflict);
        }
        let outcome = self
            .write_entries(&record.slug, record.version, actions, per_transaction)
            .await?;
        if outcome == PutProductOutcome::VersionConflict {
            return Ok(PutProductOutcome::VersionConflict);
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

    /// Writes list entries in as few transactions as they fit, on the condition that the product has this
    /// version.
    async fn write_entries(
        &self,
        slug: &str,
        version: u64,
        actions: Vec<TransactWriteItem>,
        per_transaction: usize,
    ) -> Result<PutProductOutcome> {
        let mut rest = actions.into_iter().peekable();
        while rest.peek().is_some() {
            let mut batch: Vec<TransactWriteItem> = rest.by_ref().take(per_transaction).collect();
            batch.push(self.still_version(slug, version)?);
            if self.commit_version(batch).await? == PutProductOutcome::VersionConflict {
                return Ok(PutProductOutcome::VersionConflict);
            }
        }
        Ok(PutProductOutcome::Put)
    }

    fn delete(&self, key: &Key) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()));
        let delete = delete.build().map_err(unbuildable)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn still_version(&self, slug: &str, version: u64) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::product(slug).attributes()))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(version));
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
    use domain::{
        catalog::import::{DraftRules, RowFaults, draft_product, read_file, sanitize},
        id::ImportId,
        money::PriceRule,
    };

    use super::*;
    use crate::item::size;

    /// Header of a file, and the cells of the row with a number, from 0.
    type Shape = (&'static str, fn(usize) -> String);

    const LONG: &str = "\u{1F6D2}";

    /// Products that are large in different ways; the number of rows, tags or bytes grows with the size.
    const SHAPES: [Shape; 6] = [
        ("Option1 Name,Option1 Value,Variant SKU", |row| {
            format!("Size,{row},{row:04}{}", LONG.repeat(96))
        }),
        ("Option1 Name,Option1 Value,Variant SKU", |row| {
            format!("Size,{row},{row}")
        }),
        ("Option1 Name,Option1 Value", |row| {
            format!("Size,{row:04}{}", LONG.repeat(250))
        }),
        ("Image Src,Image Alt Text", |row| {
            let path = "x".repeat(2_000);
            format!("https://example.com/{row}{path},{}", LONG.repeat(512))
        }),
        ("Tags", |_| String::new()),
        ("Body (HTML)", |_| String::new()),
    ];

    /// A product file of `size` rows in this shape; of one row with `size` tags or with a text of that size.
    fn file((header, cells): Shape, size: usize) -> String {
        let mut file = format!("Handle,Title,Variant Price,Variant Inventory Qty,{header}\n");
        let row = |row: usize, cells: &str| match (row, header.starts_with("Image")) {
            (0, _) => format!("p,T,99999999.99,1000000000,{cells}\n"),
            (_, false) => format!("p,,99999999.99,1000000000,{cells}\n"),
            (_, true) => format!("p,,,,{cells}\n"),
        };
        match header {
            "Tags" => {
                let tag = |tag| format!("{tag:04}{}", LONG.repeat(250));
                let tags: Vec<String> = (0..size).map(tag).collect();
                file.push_str(&row(0, &format!("\"{}\"", tags.join(","))));
            }
            "Body (HTML)" => file.push_str(&row(0, &"x".repeat(size * 100))),
            _ => (0..size).for_each(|number| file.push_str(&row(number, &cells(number)))),
        }
        file
    }

    /// The product of a file, if it is imported as a whole.
    fn product(file: &str) -> Option<Product> {
        let read = read_file(file.as_bytes()).unwrap();
        let group = read.groups.first()?;
        let prices = PriceRule {
            currency: "USD".parse().unwrap(),
            offered: Vec::new(),
        };
        let rules = DraftRules {
            columns: &read.columns,
            uncertain_skus: &read.uncertain_skus,
            prices: &prices,
            sanitize,
        };
        let drafted = draft_product(group, &rules, None, RowFaults::default());
        let draft = drafted.draft.filter(|_| drafted.faults.is_empty())?;
        let available = vec![false; draft.variants.len()];
        let stamp = ChangeStamp::from(ImportId::random([255; 16]));
        let product = draft.product(None, &available, ProductId::random([255; 16]), stamp);
        Some(product.unwrap())
    }

    /// The largest product of a shape that is imported.
    fn largest(shape: Shape) -> Product {
        let (mut fits, mut least) = (1_usize, 2_000);
        while fits + 1 < least {
            let size = fits.midpoint(least);
            match product(&file(shape, size)) {
                Some(_) => fits = size,
                None => least = size,
            }
        }
        product(&file(shape, fits)).unwrap()
    }

    /// The kind of fault: a list inside an item without a bound. The variants with their SKUs, and the entries
    /// of the version before, whichever of both is larger.
    #[test]
    fn the_largest_products_fit_into_items() {
        let products = SHAPES.map(largest);
        let stale = products.iter().map(entries).max_by_key(|keys| {
            let bytes = |key: &Key| key.as_pair().0.len() + key.as_pair().1.len();
            keys.iter().map(bytes).sum::<usize>()
        });
        let stale = stale.unwrap();
        for (product, (header, _)) in products.iter().zip(SHAPES) {
            let json = serde_json::to_string(&product.view).unwrap();
            assert!(json.len() > 10_000, "{header}: only {}", json.len());
            let record = ProductRecord::of(product, json, Some(&stale));
            let item = to_item(&Key::product(&record.slug), &record).unwrap();
            size::must_fit(header, &item);
            let entry = ListingRecord::of(&product.view).unwrap();
            size::must_fit(header, &to_item(&stale[0], &entry).unwrap());
            // What is read is what was written.
            let read: ProductRecord = from_item(item).unwrap();
            let read = read.imported.into_iter().enumerate();
            let read = read.map(|(index, imported)| imported.read(index, &product.view).unwrap());
            assert_eq!(read.collect::<Vec<_>>(), product.imported);
        }
    }

    #[test]
    fn stock_columns_of_older_items_are_read() {
        let product = product(&file(SHAPES[1], 2)).unwrap();
        let older = serde_json::json!([{ "sku": "1", "quantity": 7 }, { "sku": "0" }]);
        let older: Vec<ImportedRecord> = serde_json::from_value(older).unwrap();
        let read = older.into_iter().enumerate();
        let skus = read.map(|(index, it)| it.read(index, &product.view).unwrap().sku);
        assert_eq!(
            skus.collect::<Vec<_>>(),
            ["1", "0"].map(|it| it.parse().unwrap())
        );
    }

    #[test]
    fn a_page_of_the_first_version_gets_the_decimals_of_its_amounts() {
        let old = r#"{"id":"prd_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE","slug":"a","title":"\"decimals\":","description_html":"","vendor":"","type":"","tags":[],"collections":[],"options":[],"variants":[{"sku":"A","title":"A","option_values":[],"price":{"amount":5,"currency":"KWD"},"compare_at_price":null,"available":true}],"images":[]}"#;
        let new = current_form(old.to_owned()).unwrap();
        let price = r#""price":{"amount":5,"currency":"KWD","decimals":3}"#;
        assert!(new.contains(price), "{new}");
        assert_eq!(current_form(new.clone()).unwrap(), new);
    }
}
