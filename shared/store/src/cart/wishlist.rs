//! Stores the wish list of an account: one item with a map by SKU, so that an entry is added or removed without reading the list,
//! and concurrent changes lose nothing.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::{
    cart::{MAX_WISHES, Wish},
    catalog::Sku,
    id::AccountId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::carts::time_of;
use crate::{
    Attempts, Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, to_item},
    keys::Key,
    write::Written,
};

/// A wish list as it is stored.
#[derive(Debug, Default, Serialize, Deserialize)]
struct WishlistRecord {
    /// Time at which each SKU was added, in milliseconds since 1970.
    added: BTreeMap<Sku, i64>,
}

impl Record for WishlistRecord {
    const ENTITY: &'static str = "wishlist";
}

impl WishlistRecord {
    fn wishes(self) -> Vec<Wish> {
        let added = self.added.into_iter();
        added
            .map(|(sku, millis)| Wish {
                sku,
                added_at: time_of(Some(&millis)),
            })
            .collect()
    }
}

/// Result of adding an entry to a wish list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WishOutcome {
    /// It is there, now or since an earlier request.
    Added(Wish),
    /// The list has the maximum number of entries.
    Full,
}

impl Store {
    /// Reads the wish list of an account, by SKU; empty if it has none. Also what an export of the account's data has of it. Key:
    /// [`Key::wishlist`], strongly consistent. 1 read unit for each 4 KB.
    pub async fn wishlist(&self, account: AccountId) -> Result<Vec<Wish>> {
        let key = Key::wishlist(account);
        let item = self
            .get("GetItem wishlist", &key, Consistency::Strong)
            .await?;
        let record = item.map(from_item::<WishlistRecord>).transpose()?;
        Ok(record.unwrap_or_default().wishes())
    }

    /// Adds an entry to the wish list of an account; one that is there keeps its time. Key: [`Key::wishlist`], on the condition that
    /// there is room for it; the first entry of all on the condition that there is no list. 1 write unit for each KB of the list.
    pub async fn add_wish(
        &self,
        account: AccountId,
        sku: &Sku,
        now: Timestamp,
    ) -> Result<WishOutcome> {
        let key = Key::wishlist(account);
        let mut attempts = Attempts::new("add wish");
        loop {
            attempts.next().await?;
            let update = self
                .update(&key)
                .update_expression("SET added.#sku = if_not_exists(added.#sku, :millis)")
                .condition_expression(
                    "attribute_exists(PK) AND (attribute_exists(added.#sku) OR size(added) < :max)",
                )
                .expression_attribute_names("#sku", sku.as_str())
                .expression_attribute_values(":millis", number(now.as_millisecond()))
                .expression_attribute_values(":max", number(MAX_WISHES))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
            match self.write("UpdateItem add wish", update).await? {
                Written::Done(item) => return Ok(WishOutcome::Added(read_wish(item, sku)?)),
                Written::Refused(Some(_)) => return Ok(WishOutcome::Full),
                Written::Refused(None) => {}
            }
            let record = WishlistRecord {
                added: BTreeMap::from([(sku.clone(), now.as_millisecond())]),
            };
            let item = to_item(&key, &record)?;
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item.clone()))
                .condition_expression("attribute_not_exists(PK)");
            // Otherwise another request has begun the list.
            if self.write("PutItem wishlist", put).await?.is_done() {
                return Ok(WishOutcome::Added(read_wish(item, sku)?));
            }
        }
    }

    /// Removes an entry from the wish list of an account. Returns whether it was there. Key: [`Key::wishlist`], on the condition that
    /// it has the entry. 1 write unit for each KB of the list.
    pub async fn remove_wish(&self, account: AccountId, sku: &Sku) -> Result<bool> {
        let update = self
            .update(&Key::wishlist(account))
            .update_expression("REMOVE added.#sku")
            .condition_expression("attribute_exists(added.#sku)")
            .expression_attribute_names("#sku", sku.as_str());
        let written = self.write("UpdateItem remove wish", update).await?;
        Ok(written.is_done())
    }
}

/// One entry of a list that was written.
fn read_wish(item: Item, sku: &Sku) -> Result<Wish> {
    let wishes = from_item::<WishlistRecord>(item)?.wishes();
    let wish = wishes.into_iter().find(|wish| wish.sku == *sku);
    wish.ok_or_else(|| {
        StoreError::inconsistent(
            WishlistRecord::ENTITY,
            "the entry that was written is missing",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::size;

    #[test]
    fn the_largest_wish_list_fits() {
        let skus = (0..MAX_WISHES).map(|entry| format!("{entry:04}{}", "\u{1F6D2}".repeat(96)));
        let record = WishlistRecord {
            added: skus.map(|sku| (sku.parse().unwrap(), i64::MAX)).collect(),
        };
        let key = Key::wishlist(AccountId::random([255; 16]));
        size::must_fit("wishlist", &to_item(&key, &record).unwrap());
    }

    #[test]
    fn a_wish_list_is_read_as_it_was_written() {
        let record = WishlistRecord {
            added: BTreeMap::from([
                ("B".parse().unwrap(), 1_700_000_000_123),
                // Of a time that nobody has: no reason to lose the list.
                ("A".parse().unwrap(), i64::MAX),
            ]),
        };
        let item = to_item(&Key::wishlist(AccountId::random([1; 16])), &record).unwrap();
        let sku = |text: &str| text.parse::<Sku>().unwrap();
        let read = read_wish(item.clone(), &sku("B")).unwrap();
        assert_eq!(read.added_at.as_millisecond(), 1_700_000_000_123);
        let odd = read_wish(item.clone(), &sku("A")).unwrap();
        assert_eq!(odd.added_at, Timestamp::UNIX_EPOCH);
        assert!(read_wish(item, &sku("C")).is_err());
    }
}
