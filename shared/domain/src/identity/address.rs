//! The address book of an account.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    fault::{Code, Rejection},
    id::AddressId,
    orders::{Address, AddressBody},
    text::FieldCheck,
};

/// Most addresses of an account: the book is one item.
const MAX_ADDRESSES: usize = 20;

/// All addresses of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressBook {
    /// The addresses, in the order in which they were added.
    pub entries: Vec<BookEntry>,
    /// Where orders go unless another address is chosen.
    pub default_shipping: Option<AddressId>,
    /// What invoices name unless another address is chosen.
    pub default_billing: Option<AddressId>,
    /// Incremented by each change; 0 before the first one.
    pub version: u64,
}

/// An address of an address book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookEntry {
    /// Identifier.
    pub id: AddressId,
    /// The address.
    pub address: Address,
    /// Time at which it was added.
    pub created_at: Timestamp,
}

/// Body of `POST /v1/me/addresses` and `PUT /v1/me/addresses/{address_id}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BookEntryBody {
    /// The address.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "AddressBody")]
    pub address: AddressBody,
    /// Whether orders go to it unless another one is chosen; absent leaves that as it is.
    #[serde(default)]
    pub default_shipping: Option<bool>,
    /// Whether invoices name it unless another one is chosen; absent leaves that as it is.
    #[serde(default)]
    pub default_billing: Option<bool>,
}

/// A valid address, and what it is the default for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAddress {
    address: Address,
    default_shipping: Option<bool>,
    default_billing: Option<bool>,
}

impl BookEntryBody {
    /// Checks the address as orders do.
    pub fn parse(self) -> Result<PutAddress, Rejection> {
        let mut check = FieldCheck::default();
        let address = self.address.parse("address", &mut check);
        let put = PutAddress {
            address,
            default_shipping: self.default_shipping,
            default_billing: self.default_billing,
        };
        check.finish(put).map_err(Rejection::invalid)
    }
}

impl AddressBook {
    /// The book with a new address. The first one is the default for both, unless the request says otherwise.
    pub fn adding(
        &self,
        id: AddressId,
        put: &PutAddress,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        if self.entries.len() >= MAX_ADDRESSES {
            return Err(Rejection::new(
                Code::AddressBookFull,
                format!("The address book has {MAX_ADDRESSES} addresses; delete one first."),
            ));
        }
        let is_first = self.entries.is_empty();
        let mut book = self.clone();
        book.entries.push(BookEntry {
            id,
            address: put.address.clone(),
            created_at: now,
        });
        let first = |wanted: Option<bool>| wanted.or(is_first.then_some(true));
        Ok(book.with_defaults(id, first(put.default_shipping), first(put.default_billing)))
    }

    /// The book with another address in place of one.
    pub fn replacing(&self, id: AddressId, put: &PutAddress) -> Result<Self, Rejection> {
        let mut book = self.clone();
        let entry = book.entries.iter_mut().find(|entry| entry.id == id);
        let entry = entry.ok_or_else(|| Rejection::not_found("address"))?;
        entry.address = put.address.clone();
        Ok(book.with_defaults(id, put.default_shipping, put.default_billing))
    }

    /// The book without an address, which is then the default for nothing.
    pub fn removing(&self, id: AddressId) -> Result<Self, Rejection> {
        let mut book = self.clone();
        book.entries.retain(|entry| entry.id != id);
        if book.entries.len() == self.entries.len() {
            return Err(Rejection::not_found("address"));
        }
        Ok(book.with_defaults(id, Some(false), Some(false)))
    }

    fn with_defaults(
        mut self,
        id: AddressId,
        shipping: Option<bool>,
        billing: Option<bool>,
    ) -> Self {
        for (default, wanted) in [
            (&mut self.default_shipping, shipping),
            (&mut self.default_billing, billing),
        ] {
            match wanted {
                Some(true) => *default = Some(id),
                Some(false) if *default == Some(id) => *default = None,
                Some(false) | None => {}
            }
        }
        self.version += 1;
        self
    }

    /// One address as its owner sees it.
    pub fn view(&self, id: AddressId) -> Option<BookEntryView> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.id == id).map(|it| self.seen(it))
    }

    fn seen(&self, entry: &BookEntry) -> BookEntryView {
        BookEntryView {
            id: entry.id,
            address: entry.address.clone(),
            default_shipping: self.default_shipping == Some(entry.id),
            default_billing: self.default_billing == Some(entry.id),
            created_at: entry.created_at,
        }
    }
}

/// An address of an address book.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BookEntryView {
    /// Identifier.
    pub id: AddressId,
    /// The address.
    pub address: Address,
    /// Whether orders go to it unless another one is chosen.
    pub default_shipping: bool,
    /// Whether invoices name it unless another one is chosen.
    pub default_billing: bool,
    /// Time at which it was added.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// All addresses of an account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AddressBookView {
    /// The addresses, in the order in which they were added.
    pub items: Vec<BookEntryView>,
}

impl From<&AddressBook> for AddressBookView {
    fn from(book: &AddressBook) -> Self {
        Self {
            items: book.entries.iter().map(|it| book.seen(it)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> AddressId {
        AddressId::random([number; 16])
    }

    fn put(shipping: Option<bool>, billing: Option<bool>) -> PutAddress {
        PutAddress {
            address: Address {
                name: "Ada Lovelace".to_owned(),
                line1: "12 St James's Square".to_owned(),
                line2: None,
                city: Some("London".to_owned()),
                region: None,
                postal_code: Some("SW1Y 4JH".to_owned()),
                country: "GB".to_owned(),
            },
            default_shipping: shipping,
            default_billing: billing,
        }
    }

    #[test]
    fn one_address_at_most_is_a_default() {
        let now = Timestamp::UNIX_EPOCH;
        let add = |book: &AddressBook, number: u8, put: &PutAddress| {
            book.adding(id(number), put, now).unwrap()
        };
        let book = add(&AddressBook::default(), 1, &put(None, None));
        assert_eq!(book.default_shipping, Some(id(1)));
        assert_eq!(book.default_billing, Some(id(1)));
        let book = add(&book, 2, &put(Some(true), None));
        assert_eq!(book.default_shipping, Some(id(2)));
        assert_eq!(book.default_billing, Some(id(1)));
        // Not a default: nothing changes for the others.
        let book = book.replacing(id(1), &put(Some(false), None)).unwrap();
        assert_eq!(book.default_shipping, Some(id(2)));
        let book = book.removing(id(2)).unwrap();
        assert_eq!((book.default_shipping, book.entries.len()), (None, 1));
        assert_eq!(book.version, 4);
        assert!(book.removing(id(2)).is_err());
        assert!(book.replacing(id(2), &put(None, None)).is_err());
        let none = add(&AddressBook::default(), 1, &put(Some(false), Some(false)));
        assert_eq!((none.default_shipping, none.default_billing), (None, None));
    }

    #[test]
    fn a_book_has_room_for_so_many() {
        let now = Timestamp::UNIX_EPOCH;
        let mut book = AddressBook::default();
        for number in 0..MAX_ADDRESSES {
            let number = u8::try_from(number).unwrap();
            book = book.adding(id(number), &put(None, None), now).unwrap();
        }
        let full = book.adding(id(99), &put(None, None), now).unwrap_err();
        assert_eq!(full.code, Code::AddressBookFull);
    }
}
