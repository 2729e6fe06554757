//! Stores the address book of an account: one item, so that its defaults always agree with its addresses.

use domain::{
    id::{AccountId, AddressId},
    identity::{AddressBook, BookEntry},
    orders::Address,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::accounts::AccountOutcome;
use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, number, to_item},
    keys::Key,
};

/// An address book as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct BookRecord {
    entries: Vec<EntryRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_shipping: Option<AddressId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_billing: Option<AddressId>,
    version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct EntryRecord {
    id: AddressId,
    address: Address,
    created_at: Timestamp,
}

impl Record for BookRecord {
    const ENTITY: &'static str = "address_book";
}

impl From<BookRecord> for AddressBook {
    fn from(record: BookRecord) -> Self {
        let entries = record.entries.into_iter().map(|entry| BookEntry {
            id: entry.id,
            address: entry.address,
            created_at: entry.created_at,
        });
        Self {
            entries: entries.collect(),
            default_shipping: record.default_shipping,
            default_billing: record.default_billing,
            version: record.version,
        }
    }
}

impl From<&AddressBook> for BookRecord {
    fn from(book: &AddressBook) -> Self {
        let entries = book.entries.iter().map(|entry| EntryRecord {
            id: entry.id,
            address: entry.address.clone(),
            created_at: entry.created_at,
        });
        Self {
            entries: entries.collect(),
            default_shipping: book.default_shipping,
            default_billing: book.default_billing,
            version: book.version,
        }
    }
}

impl Store {
    /// Reads the address book of an account, empty if it has none. Key: [`Key::address_book`], strongly consistent. 1 read
    /// unit for each 4 KB.
    pub async fn address_book(&self, account: AccountId) -> Result<AddressBook> {
        let key = Key::address_book(account);
        let item = self
            .get("GetItem address book", &key, Consistency::Strong)
            .await?;
        let record = item.map(from_item::<BookRecord>).transpose()?;
        Ok(record.map(AddressBook::from).unwrap_or_default())
    }

    /// Replaces the address book of an account by its next version. Key: [`Key::address_book`], on the condition that its
    /// version is the one before. 1 write unit for each KB.
    pub async fn put_address_book(
        &self,
        account: AccountId,
        book: &AddressBook,
    ) -> Result<AccountOutcome> {
        let item = to_item(&Key::address_book(account), &BookRecord::from(book))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        let put = match book.version {
            1 => put.condition_expression("attribute_not_exists(PK)"),
            version => put
                .condition_expression("version = :before")
                .expression_attribute_values(":before", number(version - 1)),
        };
        let written = self.write("PutItem address book", put).await?;
        Ok(match written.is_done() {
            true => AccountOutcome::Changed,
            false => AccountOutcome::Superseded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::size;

    #[test]
    fn the_largest_address_book_fits() {
        let text = |length: usize| "\u{10ffff}".repeat(length);
        let entry = BookEntry {
            id: AddressId::random([1; 16]),
            address: Address {
                name: text(100),
                line1: text(200),
                line2: Some(text(200)),
                city: Some(text(100)),
                region: Some(text(100)),
                postal_code: Some(text(20)),
                country: "DE".to_owned(),
            },
            created_at: Timestamp::MAX,
        };
        let book = AddressBook {
            entries: vec![entry; 20],
            default_shipping: Some(AddressId::random([1; 16])),
            default_billing: Some(AddressId::random([1; 16])),
            version: u64::MAX,
        };
        let key = Key::address_book(AccountId::random([1; 16]));
        size::must_fit(
            "address book",
            &to_item(&key, &BookRecord::from(&book)).unwrap(),
        );
    }
}
