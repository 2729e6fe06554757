//! Lists of orders: an entry of each order in each of its lists, by which staff and its owner find it. They are a projection of the
//! orders, which `project-orders` maintains behind the stream (docs/adr/0024); nothing of a sale reads or writes them.
//!
//! The entry in the list of all orders comes last in every change, under the condition that nobody has written it since the
//! change began. A writer that fails there knows that others were at work, and looks at all of the order's entries.

use std::collections::{HashMap, VecDeque};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use domain::{
    id::{AccountId, OrderId},
    money::{Currency, Money},
    orders::{
        CustomerHash, ListOrders, MAX_CUSTOMER_ORDERS, Order, OrderEntry, OrderList, OrderNumber,
        OrderStatus,
    },
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::{OrderRecord, read_order};
use crate::{
    Consistency, ListError, Result, Store, StoreError, cursor,
    item::{Item, Record, from_item, number, string, to_item},
    keys::{
        Key, PK, SK, order_list_partition, order_list_parts, order_number_partition,
        orders_placed_before, read_order_position,
    },
    log_units,
    write::Written,
};

/// Entries that a page of 25 reads of each of two parts: typical ones take half a read unit, and most pages need no more of
/// either. A page of another size reads in proportion.
const OF_EACH_PART: u32 = 18;
const PAGE: u32 = 25;
/// Most rounds of queries of one page: filters may leave little of what is read.
const ROUNDS: u32 = 4;

/// Attributes have short names and no time or id, which are in the key: 25 entries, however long their texts, are at most
/// 8 KB, which is one read unit.
#[derive(Debug, Serialize, Deserialize)]
struct EntryRecord {
    version: u64,
    status: OrderStatus,
    currency: Currency,
    total: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    paid: i64,
    units: u32,
    email: String,
    name: String,
    /// Number of writes; only in the list of all orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
}

impl Record for EntryRecord {
    const ENTITY: &'static str = "entry";
}

/// Only keys: the order says the rest.
#[derive(Debug, Serialize, Deserialize)]
struct NumberRecord {}

impl Record for NumberRecord {
    const ENTITY: &'static str = "order_number";
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// An order as the list of all orders shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projected {
    /// The entry; `None` if there is none, or none that can be read.
    pub entry: Option<OrderEntry>,
    written: WrittenBefore,
}

/// Whether and how often the entry was written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WrittenBefore {
    Never,
    Times(u64),
    /// There is an item that cannot be read.
    Unreadable,
}

impl Projected {
    /// An order that is in no list.
    pub const NOT_YET: Self = Self {
        entry: None,
        written: WrittenBefore::Never,
    };

    fn read(item: Item) -> Self {
        let revision = item.get("revision").and_then(|value| value.as_n().ok());
        let revision = revision.and_then(|value| value.parse().ok());
        Self {
            entry: read_entry(item).ok(),
            written: revision.map_or(WrittenBefore::Unreadable, WrittenBefore::Times),
        }
    }

    /// Version of the order that is shown; 0 if none is.
    pub fn version(&self) -> u64 {
        self.entry.as_ref().map_or(0, |entry| entry.version)
    }
}

/// The entry of an order in one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The list.
    pub list: OrderList,
    /// The entry; `None` if it cannot be read.
    pub entry: Option<OrderEntry>,
}

/// Which entry a write may replace or delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// One that shows at most this version of the order.
    Version(u64),
    /// Any: it cannot be read.
    Anything,
}

/// All entries of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEntries {
    /// Its entry in the list of all orders.
    pub projected: Projected,
    /// Its entries in all other lists that an order can be in.
    pub listed: Vec<Listed>,
    /// Whether it can be found by its number.
    pub is_numbered: bool,
}

/// Some orders of a list, newest first.
#[derive(Debug)]
pub struct EntryPage {
    /// The orders' entries.
    pub entries: Vec<OrderEntry>,
    /// Cursor of the next page, if there may be one.
    pub next_cursor: Option<String>,
}

/// Some orders of a scan, in any order.
#[derive(Debug)]
pub struct ScannedOrders {
    /// The orders, or for each unreadable one the error.
    pub orders: Vec<Result<Order>>,
    /// Where the scan of the segment goes on; `None` at its end.
    pub next: Option<String>,
}

impl Store {
    /// Reads up to 100 orders at once, each by itself: one that cannot be read is an error of its own. Missing ones are
    /// omitted. Keys: [`Key::order`], strongly consistent, as the message about a change may be faster than a replica.
    /// 1 read unit for 4 KB each.
    pub async fn current_orders(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Result<Order>>> {
        let keys = ids.iter().map(|id| Key::order(*id).attributes());
        let keys = keys.collect();
        let items = self.get_batch("BatchGetItem orders", keys, Consistency::Strong);
        let mut found = HashMap::new();
        for item in items.await? {
            // By its key: the rest of it may be what cannot be read.
            let id = text(&item, PK).and_then(Key::order_of);
            let id = id.ok_or_else(|| no_key(OrderRecord::ENTITY))?;
            found.insert(id, read_order(item));
        }
        Ok(found)
    }

    /// Up to 100 orders as the list of all orders shows them; those that are not in it are omitted. Keys:
    /// [`Key::order_entry`], strongly consistent. 1 read unit each.
    pub async fn projected<'a>(
        &self,
        orders: impl IntoIterator<Item = &'a Order>,
    ) -> Result<HashMap<OrderId, Projected>> {
        let keys = orders
            .into_iter()
            .map(|order| Key::order_entry(&OrderList::All, order.placed_at, order.id).attributes());
        let keys = keys.collect();
        let items = self.get_batch("BatchGetItem entries", keys, Consistency::Strong);
        let mut found = HashMap::new();
        for item in items.await? {
            let (_, id) = position(&item).ok_or_else(|| no_key(EntryRecord::ENTITY))?;
            found.insert(id, Projected::read(item));
        }
        Ok(found)
    }

    /// All entries of an order, also in lists in which it should not be. Keys: [`Key::order_entry`] in every list that an
    /// order can be in, and [`Key::order_number`], strongly consistent. 12 read units, and 1 for each SKU and for an account.
    pub async fn order_entries(&self, order: &Order) -> Result<OrderEntries> {
        let at = |list: &OrderList| Key::order_entry(list, order.placed_at, order.id);
        let all = at(&OrderList::All);
        let numbered = Key::order_number(order.id);
        let statuses = OrderStatus::ALL.into_iter().map(OrderList::Status);
        let lists: Vec<OrderList> = statuses.chain(OrderList::lasting(order)).collect();
        let mut keys = vec![all.attributes(), numbered.attributes()];
        keys.extend(lists.iter().map(|list| at(list).attributes()));
        let items = self.get_batch("BatchGetItem entries", keys, Consistency::Strong);
        let mut found: HashMap<String, Item> = HashMap::new();
        for item in items.await? {
            let partition = text(&item, PK).ok_or_else(|| no_key(EntryRecord::ENTITY))?;
            found.insert(partition.to_owned(), item);
        }
        let mut take = |key: &Key| found.remove(key.as_pair().0);
        let projected = take(&all).map_or(Projected::NOT_YET, Projected::read);
        let is_numbered = take(&numbered).is_some();
        let mut listed = Vec::new();
        for list in lists {
            if let Some(item) = take(&at(&list)) {
                listed.push(Listed {
                    list,
                    entry: read_entry(item).ok(),
                });
            }
        }
        Ok(OrderEntries {
            projected,
            listed,
            is_numbered,
        })
    }

    /// Writes an order's entry in one list other than that of all orders. Returns whether it was written. Key:
    /// [`Key::order_entry`], on the condition that there is none, or one that may be replaced. 1 write unit.
    pub async fn put_order_entry(
        &self,
        list: &OrderList,
        entry: &OrderEntry,
        over: Over,
    ) -> Result<bool> {
        let key = Key::order_entry(list, entry.placed_at, entry.order_id);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &EntryRecord::of(entry, None))?))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = match over {
            Over::Version(version) => put
                .condition_expression(NOT_NEWER)
                .expression_attribute_values(":version", number(version)),
            Over::Anything => put,
        };
        Ok(self.write("PutItem entry", put).await?.is_done())
    }

    /// Deletes an order's entry in a list in which the order does not belong. Returns whether it is gone. Key:
    /// [`Key::order_entry`], on the condition that there is none, or one that may be deleted. 1 write unit, also if there
    /// is none.
    pub async fn delete_order_entry(
        &self,
        list: &OrderList,
        entry: &OrderEntry,
        over: Over,
    ) -> Result<bool> {
        let key = Key::order_entry(list, entry.placed_at, entry.order_id);
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let delete = match over {
            Over::Version(version) => delete
                .condition_expression(NOT_NEWER)
                .expression_attribute_values(":version", number(version)),
            Over::Anything => delete,
        };
        Ok(self.write("DeleteItem entry", delete).await?.is_done())
    }

    /// Completes the change of an order's entries by its entry in the list of all orders. Returns whether it was written:
    /// not if anybody has written it since `before` was read. Key: [`Key::order_entry`], on the condition that `revision`
    /// is unchanged. 1 write unit.
    pub async fn commit_order_entry(&self, entry: &OrderEntry, before: &Projected) -> Result<bool> {
        let key = Key::order_entry(&OrderList::All, entry.placed_at, entry.order_id);
        let revision = match before.written {
            WrittenBefore::Never | WrittenBefore::Unreadable => 1,
            WrittenBefore::Times(revision) => revision + 1,
        };
        let record = EntryRecord::of(entry, Some(revision));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &record)?))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = match before.written {
            WrittenBefore::Never => put.condition_expression("attribute_not_exists(PK)"),
            WrittenBefore::Times(revision) => put
                .condition_expression("revision = :before")
                .expression_attribute_values(":before", number(revision)),
            // Nobody can tell what it is; replaced as a whole.
            WrittenBefore::Unreadable => put,
        };
        match self.write("PutItem entry", put).await? {
            Written::Done(_) => Ok(true),
            Written::Refused(_) => Ok(false),
        }
    }

    /// Makes an order be found by its number. Key: [`Key::order_number`]; the item is the same however often it is
    /// written. 1 write unit.
    pub async fn put_order_number(&self, order: OrderId) -> Result<()> {
        let item = to_item(&Key::order_number(order), &NumberRecord {})?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let written = self.write("PutItem number", put).await?;
        written.or_inconsistent(NumberRecord::ENTITY).map(drop)
    }

    /// The orders with a number: one, but for chance. Key: [`order_number_partition`], eventually consistent. 0.5 read
    /// units.
    pub async fn orders_numbered(&self, order_number: &OrderNumber) -> Result<Vec<OrderId>> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", string(order_number_partition(order_number)))
            .limit(10)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("Query number", error))?;
        log_units("Query number", answer.consumed_capacity.as_slice());
        let items = answer.items.unwrap_or_default();
        let id = |item: &Item| text(item, SK).and_then(|id| id.parse().ok());
        let ids = items.iter().map(|item| {
            id(item).ok_or_else(|| StoreError::inconsistent(NumberRecord::ENTITY, "no order id"))
        });
        ids.collect()
    }

    /// Reads one page of the list that [`ListOrders::list`] names, newest first, and leaves out what its filters do not
    /// take. The page may have fewer orders than the limit although there are more. Keys: [`order_list_partition`] for
    /// each part of the list, eventually consistent. 1 read unit for a page of 25, or 0.5 of the few orders of a customer or an account;
    /// filters that take little of what is read: up to four times as much.
    pub async fn list_orders(&self, list: &ListOrders) -> Result<EntryPage, ListError> {
        let of = list.list();
        let (name, filters) = (of.key(), list.filters());
        let after = match &list.cursor {
            None => None,
            Some(text) => {
                let position = cursor::decode_bound(&name, &filters, text)?;
                read_order_position(&position).ok_or(cursor::InvalidCursor)?;
                Some(position)
            }
        };
        let earliest = list.from.unwrap_or(Timestamp::UNIX_EPOCH);
        let latest = list.to.map(orders_placed_before);
        // Sorts behind every time.
        let latest = latest.unwrap_or_else(|| ":".to_owned());
        let range = Range {
            low: orders_placed_before(earliest),
            high: after
                .clone()
                .map_or(latest.clone(), |after| after.min(latest)),
            after: after.clone(),
        };
        if range.high < range.low {
            // The table would refuse to look there.
            return Ok(EntryPage {
                entries: Vec::new(),
                next_cursor: None,
            });
        }
        let parts = order_list_parts(&of);
        let limit = list.limit as usize;
        let each = match parts {
            // One more than requested tells whether there is a next page; the first is the last one of the page before.
            1 => list.limit + 1 + u32::from(after.is_some()),
            _ => (list.limit * OF_EACH_PART).div_ceil(PAGE),
        };
        let mut parts: Vec<Part> = (0..parts)
            .map(|part| Part::new(order_list_partition(&of, part)))
            .collect();
        let mut page = EntryPage {
            entries: Vec::new(),
            next_cursor: None,
        };
        let (mut last, mut rounds) = (after, 0);
        let next =
            |last: Option<String>| last.map(|position| cursor::encode(&name, &filters, &position));
        loop {
            if parts.iter().any(Part::is_to_be_read) {
                // A page that is half full is worth more than another read unit.
                let is_enough = rounds > 0 && page.entries.len() * 2 >= limit;
                if is_enough || rounds == ROUNDS {
                    page.next_cursor = next(last);
                    return Ok(page);
                }
                let reads = parts.iter_mut().filter(|part| part.is_to_be_read());
                try_join_all(reads.map(|part| self.read_part(part, &range, each))).await?;
                rounds += 1;
                continue;
            }
            let newest = parts.iter_mut().max_by(|a, b| a.first().cmp(&b.first()));
            let Some((position, entry)) = newest.and_then(|part| part.read.pop_front()) else {
                return Ok(page);
            };
            page.entries.extend(entry.filter(|entry| list.takes(entry)));
            last = Some(position);
            if page.entries.len() == limit {
                let is_over = parts.iter().all(Part::is_over);
                page.next_cursor = if is_over { None } else { next(last) };
                return Ok(page);
            }
        }
    }

    /// Reads the newest entries of one customer, up to [`MAX_CUSTOMER_ORDERS`], and whether there are more. Key:
    /// [`order_list_partition`], eventually consistent. 0.5 read units for 4 KB, which is about 17 orders.
    pub async fn customer_entries(
        &self,
        customer: &CustomerHash,
    ) -> Result<(Vec<OrderEntry>, bool)> {
        let list = OrderList::Customer(customer.clone());
        self.newest_entries(&list).await
    }

    /// Reads the newest entries of one account, like [`customer_entries`](Self::customer_entries). Key: [`order_list_partition`],
    /// eventually consistent. 0.5 read units for 4 KB, which is about 17 orders.
    pub async fn account_entries(&self, account: AccountId) -> Result<(Vec<OrderEntry>, bool)> {
        self.newest_entries(&OrderList::Account(account)).await
    }

    /// Reads the newest entries of a list that has one part, and whether there are more.
    async fn newest_entries(&self, list: &OrderList) -> Result<(Vec<OrderEntry>, bool)> {
        let mut part = Part::new(order_list_partition(list, 0));
        let range = Range {
            low: orders_placed_before(Timestamp::UNIX_EPOCH),
            high: ":".to_owned(),
            after: None,
        };
        let mut entries = Vec::new();
        while part.is_to_be_read() {
            // One more than is used tells whether there are more.
            let missing = MAX_CUSTOMER_ORDERS + 1 - entries.len();
            let limit = u32::try_from(missing).unwrap_or(PAGE);
            self.read_part(&mut part, &range, limit).await?;
            let read = part.read.drain(..);
            entries.extend(read.filter_map(|(_, entry)| entry));
            if entries.len() > MAX_CUSTOMER_ORDERS {
                entries.truncate(MAX_CUSTOMER_ORDERS);
                return Ok((entries, true));
            }
        }
        Ok((entries, false))
    }

    /// Number of items in the table, as DynamoDB last counted them: some hours ago.
    pub async fn table_items(&self) -> Result<u64> {
        let described = self
            .client
            .describe_table()
            .table_name(&self.table)
            .send()
            .await;
        let described = described.map_err(|error| StoreError::call("DescribeTable", error))?;
        let items = described.table.and_then(|table| table.item_count);
        Ok(items
            .and_then(|items| u64::try_from(items).ok())
            .unwrap_or_default())
    }

    /// Reads some orders of one of `segments` parts of the table, to project all of them again. Scans the table: for a
    /// rebuild only, never for a request. Strongly consistent; `limit` is the number of items that are looked at, of any
    /// kind. 1 read unit for 4 KB of table.
    pub async fn order_page(
        &self,
        segment: u32,
        segments: u32,
        from: Option<&str>,
        limit: u32,
    ) -> Result<ScannedOrders> {
        let start = from.map(read_place).transpose()?;
        let whole = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .segment(whole(segment))
            .total_segments(whole(segments))
            .limit(whole(limit))
            .filter_expression("entity_type = :entity")
            .expression_attribute_values(":entity", string(OrderRecord::ENTITY))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("Scan orders", error))?;
        log_units("Scan orders", answer.consumed_capacity.as_slice());
        let next = answer.last_evaluated_key.as_ref().map(place);
        let items = answer.items.unwrap_or_default();
        Ok(ScannedOrders {
            orders: items.into_iter().map(read_order).collect(),
            next: next.transpose()?,
        })
    }

    /// Reads on in one part of a list.
    async fn read_part(&self, part: &mut Part, range: &Range, limit: u32) -> Result<()> {
        let start = part.last.as_ref();
        let start = start.map(|position| Key::of(&part.partition, position).attributes());
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk AND SK BETWEEN :low AND :high")
            .expression_attribute_values(":pk", string(&part.partition))
            .expression_attribute_values(":low", string(&range.low))
            .expression_attribute_values(":high", string(&range.high))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("Query entries", error))?;
        log_units("Query entries", answer.consumed_capacity.as_slice());
        part.is_at_end = answer.last_evaluated_key.is_none();
        for item in answer.items.unwrap_or_default() {
            let position = text(&item, SK).ok_or_else(|| no_key(EntryRecord::ENTITY))?;
            let position = position.to_owned();
            part.last = Some(position.clone());
            // The cursor's own order ends the page before.
            if range.after.as_ref() == Some(&position) {
                continue;
            }
            let entry = read_entry(item).inspect_err(|error| {
                tracing::warn!(
                    entry.position = position,
                    error = %domain::fault::chain(error),
                    "order not listed"
                );
            });
            part.read.push_back((position, entry.ok()));
        }
        Ok(())
    }
}

/// Condition of a write that must not replace what a newer one has written.
const NOT_NEWER: &str = "attribute_not_exists(PK) OR version <= :version";

/// Positions between which a list is read.
struct Range {
    low: String,
    high: String,
    /// Where the page before has ended; not part of this one.
    after: Option<String>,
}

/// One part of a list that is being read.
struct Part {
    partition: String,
    /// Items that are read and not used, newest first; without an entry if that cannot be read.
    read: VecDeque<(String, Option<OrderEntry>)>,
    /// Position of the last item that was read.
    last: Option<String>,
    is_at_end: bool,
}

impl Part {
    const fn new(partition: String) -> Self {
        Self {
            partition,
            read: VecDeque::new(),
            last: None,
            is_at_end: false,
        }
    }

    fn first(&self) -> Option<&String> {
        self.read.front().map(|(position, _)| position)
    }

    fn is_to_be_read(&self) -> bool {
        self.read.is_empty() && !self.is_at_end
    }

    fn is_over(&self) -> bool {
        self.read.is_empty() && self.is_at_end
    }
}

impl EntryRecord {
    fn of(entry: &OrderEntry, revision: Option<u64>) -> Self {
        Self {
            version: entry.version,
            status: entry.status,
            currency: entry.total.currency,
            total: entry.total.amount,
            paid: entry.paid,
            units: entry.units,
            email: entry.email.clone(),
            name: entry.name.clone(),
            revision,
        }
    }
}

fn read_entry(item: Item) -> Result<OrderEntry> {
    let (placed_at, order_id) = position(&item).ok_or_else(|| no_key(EntryRecord::ENTITY))?;
    let record: EntryRecord = from_item(item)?;
    Ok(OrderEntry {
        order_id,
        version: record.version,
        placed_at,
        status: record.status,
        total: Money::new(record.total, record.currency),
        paid: record.paid,
        units: record.units,
        email: record.email,
        name: record.name,
    })
}

/// Time and order of an entry.
fn position(item: &Item) -> Option<(Timestamp, OrderId)> {
    read_order_position(text(item, SK)?)
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn no_key(entity: &'static str) -> StoreError {
    StoreError::inconsistent(entity, "its key is not one of its kind")
}

/// A place in a scan, as text.
fn place(key: &HashMap<String, AttributeValue>) -> Result<String> {
    let pair = (text(key, PK), text(key, SK));
    serde_json::to_string(&pair).map_err(|error| StoreError::unreadable("place in a scan", error))
}

fn read_place(place: &str) -> Result<Item> {
    let pair: (String, String) = serde_json::from_str(place)
        .map_err(|error| StoreError::unreadable("place in a scan", error))?;
    Ok(Key::from_pair(pair).attributes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{item::size, keys::order_position};

    fn entry(email: &str, name: &str) -> OrderEntry {
        OrderEntry {
            order_id: OrderId::random([255; 16]),
            version: 9_999,
            placed_at: "2026-11-22T10:15:00.123456789Z".parse().unwrap(),
            status: OrderStatus::PartiallyRefunded,
            // The largest number that JavaScript has exactly.
            total: Money::new(9_007_199_254_740_991, "USD".parse().unwrap()),
            paid: 9_007_199_254_740_991,
            units: 50_000,
            email: email.to_owned(),
            name: name.to_owned(),
        }
    }

    fn bytes(list: &OrderList, entry: &OrderEntry, revision: Option<u64>) -> usize {
        let key = Key::order_entry(list, entry.placed_at, entry.order_id);
        size::of(&to_item(&key, &EntryRecord::of(entry, revision)).unwrap())
    }

    fn lists() -> [OrderList; 5] {
        [
            OrderList::All,
            OrderList::Status(OrderStatus::PartiallyRefunded),
            OrderList::Sku("\u{1F6D2}".repeat(100).parse().unwrap()),
            OrderList::Customer(CustomerHash::of("ada@example.com")),
            OrderList::Account(AccountId::random([255; 16])),
        ]
    }

    /// Half a read unit for 4 KB, eventually consistent: the cost of a page of 25.
    #[test]
    fn a_page_takes_one_read_unit() {
        let typical = OrderEntry {
            total: Money::new(129_900, "USD".parse().unwrap()),
            paid: 129_900,
            units: 3,
            version: 4,
            status: OrderStatus::Paid,
            ..entry("ada.lovelace@example.com", "Augusta Lovelace")
        };
        // As long as `OrderEntry::of` lets them be.
        let largest = entry(&"e".repeat(60), &"n".repeat(40));
        for list in lists() {
            let revision = (list == OrderList::All).then_some(9_999);
            let (usual, most) = (
                bytes(&list, &typical, revision),
                bytes(&list, &largest, revision),
            );
            // The list of a customer or an account has one part, the others two.
            let each = match order_list_parts(&list) {
                1 => 8192 / 25,
                _ => 4096 / 18,
            };
            assert!(usual <= each, "{list:?}: {usual} of {each}");
            // However long the texts: 25 of them are at most one read unit.
            assert!(most <= 8192 / 25, "{list:?}: {most}");
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = entry("ada@example.com", "Ada");
        for list in lists() {
            let key = Key::order_entry(&list, entry.placed_at, entry.order_id);
            let item = to_item(&key, &EntryRecord::of(&entry, Some(3))).unwrap();
            let projected = Projected::read(item.clone());
            assert_eq!(projected.written, WrittenBefore::Times(3));
            assert_eq!(projected.version(), 9_999);
            assert_eq!(read_entry(item.clone()).unwrap(), entry);
            let mut broken = item;
            broken.remove("status");
            assert!(read_entry(broken.clone()).is_err());
            let projected = Projected::read(broken.clone());
            assert_eq!(projected.entry, None);
            assert_eq!(projected.written, WrittenBefore::Times(3));
            broken.remove("revision");
            assert_eq!(Projected::read(broken).written, WrittenBefore::Unreadable);
        }
    }

    #[test]
    fn a_place_in_a_scan_is_text_and_nothing_else_is() {
        let key = Key::product("a \"quoted\" slug");
        let text = place(&key.attributes()).unwrap();
        assert_eq!(read_place(&text).unwrap(), key.attributes());
        assert!(read_place("").is_err() && read_place("[1,2]").is_err());
    }

    #[test]
    fn positions_of_a_list_are_in_its_range() {
        let entry = entry("ada@example.com", "Ada");
        let position = order_position(entry.placed_at, entry.order_id);
        assert!(position.as_str() < ":");
        assert!(orders_placed_before(Timestamp::UNIX_EPOCH) < position);
    }
}
