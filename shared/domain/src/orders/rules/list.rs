//! Lists by which staff and customers find orders, and what is known of a customer from theirs. An order has an entry in each of its
//! lists, which shows what a page of orders needs, and has a bounded size.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use super::{Order, OrderStatus};
use crate::{
    catalog::Sku,
    id::{AccountId, OrderId, crockford, digit_meant},
    money::{Currency, Money},
    notifications::suppression::AddressHash,
    page::PageRequest,
    text::shortened,
};

/// Maximum page size of a list of orders.
pub const MAX_ORDERS_PAGE: u32 = 100;
/// Maximum number of orders that the sums of a customer are made of; of a customer with more, the newest.
pub const MAX_CUSTOMER_ORDERS: usize = 1_000;
/// Maximum size of an entry's email address, in bytes. Longer ones are shortened; the order has them in full.
const MAX_ENTRY_EMAIL: usize = 60;
/// Maximum size of an entry's name, in bytes.
const MAX_ENTRY_NAME: usize = 40;

/// Order number for people: the last ten digits of the order's id. Two orders may have the same one, which is as likely as
/// to win a lottery twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderNumber(String);

impl OrderNumber {
    /// Number of digits.
    const DIGITS: usize = 10;

    /// The number of an order.
    pub fn of(id: OrderId) -> Self {
        let digits = id.digits();
        Self(digits[digits.len() - Self::DIGITS..].to_owned())
    }

    /// The ten digits without a dash, as in keys.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.0.split_at(Self::DIGITS / 2);
        write!(f, "{first}-{last}")
    }
}

/// Text that is not an order number.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected an order number such as 7K3MQ-9QXPB")]
pub struct InvalidOrderNumber;

impl FromStr for OrderNumber {
    type Err = InvalidOrderNumber;

    /// Reads a number as people type it: in either case, with dashes and spaces anywhere or nowhere, and with O for 0.
    fn from_str(text: &str) -> Result<Self, InvalidOrderNumber> {
        let typed = text.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let digits: Option<String> = typed.take(Self::DIGITS + 1).map(digit_meant).collect();
        let digits = digits.filter(|digits| digits.len() == Self::DIGITS);
        digits.map(Self).ok_or(InvalidOrderNumber)
    }
}

/// Stands in for a customer's email address in keys: equal for all spellings of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomerHash(String);

impl CustomerHash {
    /// Hashes an address by the rule of [`AddressHash`]: case does not count.
    pub fn of(address: &str) -> Self {
        let mut hash = AddressHash::of(address).to_string();
        // 128 bits.
        hash.truncate(32);
        Self(hash)
    }
}

/// One list of orders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrderList {
    /// All orders.
    All,
    /// Orders with one status. The only list that an order leaves.
    Status(OrderStatus),
    /// Orders that contain one SKU.
    Sku(Sku),
    /// Orders of one email address.
    Customer(CustomerHash),
    /// Orders of one account, for its owner. The only list that an order may join later.
    Account(AccountId),
}

impl OrderList {
    /// The lists that an order never leaves, without that of all orders: from the beginning, but for that of an account that
    /// has claimed it.
    pub fn lasting(order: &Order) -> Vec<Self> {
        let mut lists = vec![Self::Customer(CustomerHash::of(&order.email))];
        lists.extend(order.account.map(Self::Account));
        for line in &order.lines {
            let list = Self::Sku(line.sku.clone());
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
        lists
    }

    /// Name of the list in keys, such as `paid`. It is short, whatever the SKU, as it counts in the size of each entry.
    pub fn key(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Status(status) => status.as_str().to_owned(),
            Self::Sku(sku) => {
                let digest = digest(&SHA256, sku.as_str().as_bytes());
                let mut bits = [0; 16];
                bits[6..].copy_from_slice(&digest.as_ref()[..10]);
                // 80 bits: sixteen digits, after ten zeros.
                format!("sku#{}", &crockford(u128::from_be_bytes(bits))[10..])
            }
            Self::Customer(CustomerHash(hash)) => format!("customer#{hash}"),
            Self::Account(account) => format!("account#{account}"),
        }
    }
}

/// An order as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEntry {
    /// The order.
    pub order_id: OrderId,
    /// Version of the order that the entry shows.
    pub version: u64,
    /// Time at which the order was placed.
    pub placed_at: Timestamp,
    /// Its status.
    pub status: OrderStatus,
    /// Its total.
    pub total: Money,
    /// Captured amount less refunds, in minor units.
    pub paid: i64,
    /// Units of all lines.
    pub units: u32,
    /// Email address of its customer, shortened if it is very long.
    pub email: String,
    /// Name of its recipient, shortened if it is long.
    pub name: String,
}

impl OrderEntry {
    /// The entry of an order, as it is now.
    pub fn of(order: &Order) -> Self {
        Self {
            order_id: order.id,
            version: order.version,
            placed_at: order.placed_at,
            status: order.status(),
            total: order.totals.total,
            paid: order.payment.captured - order.refunded(),
            units: order.units(),
            email: shortened(order.email.clone(), MAX_ENTRY_EMAIL),
            name: shortened(order.shipping_address.name.clone(), MAX_ENTRY_NAME),
        }
    }

    /// Whether both show the same, whatever versions they are of.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        let version = self.version;
        *self
            == Self {
                version,
                ..other.clone()
            }
    }
}

/// A validated query for one page of orders, newest first. All filters apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOrders {
    /// Account that the orders belong to.
    pub account: Option<AccountId>,
    /// Email address of the customer.
    pub email: Option<String>,
    /// Order number.
    pub number: Option<OrderNumber>,
    /// Status.
    pub status: Option<OrderStatus>,
    /// A SKU that the order contains.
    pub sku: Option<Sku>,
    /// Earliest time of placing.
    pub from: Option<Timestamp>,
    /// Time before which the order was placed.
    pub to: Option<Timestamp>,
    /// Maximum number of orders to return.
    pub limit: u32,
    /// Cursor to continue from; the first page if missing.
    pub cursor: Option<String>,
}

impl ListOrders {
    /// One page of all orders of an account.
    pub fn of_account(account: AccountId, page: PageRequest) -> Self {
        Self {
            account: Some(account),
            email: None,
            number: None,
            status: None,
            sku: None,
            from: None,
            to: None,
            limit: page.limit,
            cursor: page.cursor,
        }
    }

    /// The list to read: of those that contain every order asked for, the one with the fewest others.
    pub fn list(&self) -> OrderList {
        if let Some(account) = self.account {
            return OrderList::Account(account);
        }
        if let Some(email) = &self.email {
            return OrderList::Customer(CustomerHash::of(email));
        }
        if let Some(sku) = &self.sku {
            return OrderList::Sku(sku.clone());
        }
        self.status.map_or(OrderList::All, OrderList::Status)
    }

    /// Whether an entry of that list passes the filters, as far as it shows.
    pub fn takes(&self, entry: &OrderEntry) -> bool {
        self.status.is_none_or(|status| entry.status == status)
            && self.from.is_none_or(|from| entry.placed_at >= from)
            && self.to.is_none_or(|to| entry.placed_at < to)
    }

    /// Whether the orders themselves must be read: entries do not show which SKUs an order contains.
    pub const fn needs_orders(&self) -> bool {
        self.number.is_some() || (self.email.is_some() && self.sku.is_some())
    }

    /// Whether an order passes all filters.
    pub fn takes_order(&self, order: &Order) -> bool {
        let is_theirs = |email: &String| CustomerHash::of(email) == CustomerHash::of(&order.email);
        let has = |sku: &Sku| order.lines.iter().any(|line| line.sku == *sku);
        let is_it = |number: &OrderNumber| *number == OrderNumber::of(order.id);
        let has_owner = |account: AccountId| order.account == Some(account);
        self.takes(&OrderEntry::of(order))
            && self.account.is_none_or(has_owner)
            && self.email.as_ref().is_none_or(is_theirs)
            && self.sku.as_ref().is_none_or(has)
            && self.number.as_ref().is_none_or(is_it)
    }

    /// The filters as text, to which a cursor is bound.
    pub fn filters(&self) -> String {
        let Self {
            status,
            sku,
            from,
            to,
            ..
        } = self;
        format!("{status:?} {sku:?} {from:?} {to:?}")
    }
}

/// A customer, by email address, as far as their orders tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Name on the newest order, shortened if it is long.
    pub name: String,
    /// Number of orders, whatever became of them.
    pub orders: usize,
    /// Paid amounts less refunds, one for each currency of an order.
    pub totals: Vec<Money>,
    /// The oldest order of the sums.
    pub first: OrderEntry,
    /// The newest order.
    pub last: OrderEntry,
    /// Whether there are orders older than those of the sums.
    pub has_more: bool,
}

impl Customer {
    /// Sums up a customer's entries, newest first; `None` without any. Nothing is counted up or down anywhere: so the sums
    /// cannot drift from the orders, whatever happens twice, late or in another order.
    pub fn of(entries: &[OrderEntry], has_more: bool) -> Option<Self> {
        let (last, first) = (entries.first()?, entries.last()?);
        let mut totals: Vec<Money> = Vec::new();
        for entry in entries {
            let currency: Currency = entry.total.currency;
            match totals.iter_mut().find(|sum| sum.currency == currency) {
                Some(sum) => sum.amount = sum.amount.saturating_add(entry.paid),
                None => totals.push(Money::new(entry.paid, currency)),
            }
        }
        Some(Self {
            name: last.name.clone(),
            orders: entries.len(),
            totals,
            first: first.clone(),
            last: last.clone(),
            has_more,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::orders::{Actor, placed};

    #[test]
    fn a_number_is_read_as_people_type_it() {
        let order = placed(&[("A", 1, 500)]);
        let number = OrderNumber::of(order.id);
        assert_eq!(number.to_string(), order.number());
        assert_eq!(order.number().parse(), Ok(number.clone()));
        let typed = order.number().to_lowercase().replace('0', "o");
        for text in [
            typed.replace('1', "l"),
            typed.replace('-', " "),
            format!(" {} ", number.digits()),
        ] {
            assert_eq!(text.parse(), Ok(number.clone()), "{text}");
        }
        for bad in [
            "",
            "7K3MQ",
            "7K3MQ-9QXPBX",
            "7K3MQ-9QXP!",
            "UUUUU-UUUUU",
            "ééééé-ééééé",
        ] {
            assert_eq!(bad.parse::<OrderNumber>(), Err(InvalidOrderNumber), "{bad}");
        }
    }

    #[test]
    fn an_order_is_in_the_list_of_each_sku_once_and_of_its_customer() {
        let order = placed(&[("A", 1, 500), ("B", 2, 100)]);
        let keys: Vec<String> = OrderList::lasting(&order)
            .iter()
            .map(OrderList::key)
            .collect();
        assert_eq!(keys.len(), 3);
        assert!(
            keys[0].starts_with("customer#") && !keys[0].contains("ada"),
            "{keys:?}"
        );
        assert!(
            keys[1].starts_with("sku#") && keys[1].len() == 20,
            "{keys:?}"
        );
        assert_ne!(keys[1], keys[2]);
        let same = CustomerHash::of(" ADA@Example.com");
        assert_eq!(same, CustomerHash::of(&order.email));
        assert_ne!(same, CustomerHash::of("ada+1@example.com"));
    }

    #[test]
    fn an_order_of_an_account_is_in_its_list() {
        let account = AccountId::random([1; 16]);
        let mut order = placed(&[("A", 1, 500)]);
        let of_account = OrderList::Account(account);
        assert!(!OrderList::lasting(&order).contains(&of_account));
        order.account = Some(account);
        assert!(OrderList::lasting(&order).contains(&of_account));
        // No longer than a customer's, which has room in a page's read unit.
        let of_customer = OrderList::Customer(CustomerHash::of(&order.email));
        assert!(of_account.key().len() <= of_customer.key().len());
    }

    fn all() -> ListOrders {
        ListOrders {
            account: None,
            email: None,
            number: None,
            status: None,
            sku: None,
            from: None,
            to: None,
            limit: 25,
            cursor: None,
        }
    }

    #[test]
    fn the_list_with_the_fewest_orders_answers() {
        let sku: Sku = "A".parse().unwrap();
        let paid = ListOrders {
            status: Some(OrderStatus::Paid),
            ..all()
        };
        let of_sku = ListOrders {
            sku: Some(sku.clone()),
            ..paid.clone()
        };
        let of_customer = ListOrders {
            email: Some("ada@example.com".into()),
            ..of_sku.clone()
        };
        assert_eq!(all().list(), OrderList::All);
        assert_eq!(paid.list(), OrderList::Status(OrderStatus::Paid));
        assert_eq!(of_sku.list(), OrderList::Sku(sku));
        assert!(matches!(of_customer.list(), OrderList::Customer(_)));
        assert!(of_customer.needs_orders() && !of_sku.needs_orders());
        let account = AccountId::random([1; 16]);
        let page = PageRequest {
            limit: 25,
            cursor: None,
        };
        let of_account = ListOrders::of_account(account, page);
        assert_eq!(of_account.list(), OrderList::Account(account));
        assert!(!of_account.needs_orders());
    }

    #[test]
    fn filters_combine() {
        let order = placed(&[("A", 1, 500)]);
        let at = order.placed_at;
        let every = ListOrders {
            account: None,
            email: Some("Ada@example.com".into()),
            number: Some(OrderNumber::of(order.id)),
            status: Some(OrderStatus::PendingPayment),
            sku: Some("A".parse().unwrap()),
            from: Some(at),
            to: Some(at + SignedDuration::from_nanos(1)),
            ..all()
        };
        assert!(every.takes_order(&order) && all().takes_order(&order));
        let misses: [fn(&mut ListOrders); 7] = [
            |list| list.account = Some(AccountId::random([1; 16])),
            |list| list.email = Some("bea@example.com".into()),
            |list| list.number = Some(OrderNumber::of(OrderId::random([9; 16]))),
            |list| list.status = Some(OrderStatus::Paid),
            |list| list.sku = "B".parse().ok(),
            |list| list.from = list.to,
            |list| list.to = list.from,
        ];
        for (index, miss) in misses.into_iter().enumerate() {
            let mut list = every.clone();
            miss(&mut list);
            assert!(!list.takes_order(&order), "{index}");
        }
    }

    #[test]
    fn a_customer_is_the_sum_of_their_orders() {
        let order = placed(&[("A", 2, 500)]);
        let now = order.placed_at;
        let paid = order.captured("p", 1000, now).unwrap().order;
        let body = serde_json::json!({ "amount": 300 });
        let body: crate::orders::RefundOrderBody = serde_json::from_value(body).unwrap();
        let refund = crate::id::RefundId::random([1; 16]);
        let by = Actor::Staff("s".into());
        let asked = paid.refund_requested(refund, &body.parse().unwrap(), by, now);
        let refunded = asked
            .unwrap()
            .order
            .refund_settled(refund, true, now)
            .unwrap();
        let mut yen = OrderEntry::of(&refunded.order);
        assert_eq!(yen.paid, 700);
        yen.total.currency = "JPY".parse().unwrap();
        let newest = OrderEntry {
            name: "Countess".into(),
            ..OrderEntry::of(&paid)
        };
        let entries = [
            newest,
            OrderEntry::of(&refunded.order),
            yen,
            OrderEntry::of(&order),
        ];
        let customer = Customer::of(&entries, false).unwrap();
        let totals: Vec<String> = customer.totals.iter().map(Money::to_string).collect();
        assert_eq!(totals.len(), 2);
        let amounts: Vec<i64> = customer.totals.iter().map(|sum| sum.amount).collect();
        assert_eq!(amounts, [1700, 700]);
        assert_eq!((customer.orders, customer.name.as_str()), (4, "Countess"));
        assert_eq!(Customer::of(&[], false), None);
    }
}
