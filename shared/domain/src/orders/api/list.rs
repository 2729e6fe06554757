//! Queries and views of the lists of orders and customers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    customers::GroupId,
    fault::{FieldFault, Rejection},
    id::{AccountId, OrderId},
    identity::Account,
    money::Money,
    orders::{Customer, ListOrders, MAX_ORDERS_PAGE, OrderEntry, OrderNumber, OrderStatus},
    page::{Boundary, page_size, time},
    text::FieldCheck,
};

const DEFAULT_ORDERS_PAGE: u32 = 25;

/// Query of `GET /v1/admin/orders`. All filters apply.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListOrdersQuery {
    /// Email address of the customer, in upper or lower case.
    pub email: Option<String>,
    /// Order number, such as `7K3MQ-9QXPB`.
    pub number: Option<String>,
    /// Status of the order, such as `paid`.
    pub status: Option<String>,
    /// SKU that the order contains.
    pub sku: Option<String>,
    /// Earliest time of placing: RFC 3339, or a date in UTC.
    pub from: Option<String>,
    /// Time before which the order was placed: RFC 3339, or the last date in UTC.
    pub to: Option<String>,
    /// Page size, 1 to 100; 25 by default.
    pub limit: Option<String>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

impl ListOrdersQuery {
    /// Validates the query and reports all invalid parameters at once.
    pub fn parse(self) -> Result<ListOrders, Rejection> {
        let mut check = FieldCheck::default();
        let email = self.email.map(|email| address(&mut check, &email));
        let number = check.parsed("number", self.number, |number| {
            let message = "Must be an order number such as 7K3MQ-9QXPB.";
            number.parse::<OrderNumber>().map_err(|_| message)
        });
        let status = self.status.and_then(|status| {
            let mut all = OrderStatus::ALL.into_iter();
            let known = all.find(|known| known.as_str() == status);
            if known.is_none() {
                let names = OrderStatus::ALL.map(OrderStatus::as_str).join(", ");
                check.fault(
                    "status",
                    "unknown_value",
                    format!("Must be one of {names}."),
                );
            }
            known
        });
        let sku = check.parsed("sku", self.sku, |sku| {
            sku.parse()
                .map_err(|_| "Must be a SKU: 1 to 100 characters.")
        });
        let from = check.parsed("from", self.from, |text| time(text, Boundary::Start));
        let to = check.parsed("to", self.to, |text| time(text, Boundary::End));
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            check.fault("to", "conflict", "Must be later than from.");
        }
        let limit = check.accept(page_size(self.limit, DEFAULT_ORDERS_PAGE, MAX_ORDERS_PAGE));
        let list = ListOrders {
            account: None,
            email,
            number,
            status,
            sku,
            from,
            to,
            limit: limit.unwrap_or(DEFAULT_ORDERS_PAGE),
            cursor: self.cursor,
        };
        check.finish(list).map_err(Rejection::invalid)
    }
}

/// The email address of a query, in its canonical form. In a query a plus is a space.
fn address(check: &mut FieldCheck, email: &str) -> String {
    let local = email.trim().split('@').next().unwrap_or_default();
    if local.contains(' ') {
        let message = "Must be an email address such as ada@example.com, with + as %2B.";
        check.fault("email", "invalid_email", message);
        return String::new();
    }
    check.email("email", email)
}

/// An order in a list. It lags the order by seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderSummary {
    /// Identifier of the order.
    pub id: OrderId,
    /// Order number for people, such as `7K3MQ-9QXPB`.
    pub number: String,
    /// Status of the order.
    pub status: OrderStatus,
    /// Time at which it was placed.
    #[schemars(with = "String")]
    pub placed_at: Timestamp,
    /// Email address of the customer; shortened if it is longer than 60 bytes.
    pub email: String,
    /// Name of the recipient; shortened if it is longer than 40 bytes.
    pub name: String,
    /// Units of all lines.
    pub units: u32,
    /// Total at the time of the order.
    pub total: Money,
    /// Captured amount less refunds.
    pub paid: Money,
}

/// An order in the list of its owner. It lags the order by seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MyOrderSummary {
    /// Identifier of the order.
    pub id: OrderId,
    /// Order number for people, such as `7K3MQ-9QXPB`.
    pub number: String,
    /// Status of the order.
    pub status: OrderStatus,
    /// Time at which it was placed.
    #[schemars(with = "String")]
    pub placed_at: Timestamp,
    /// Name of the recipient; shortened if it is longer than 40 bytes.
    pub name: String,
    /// Units of all lines.
    pub units: u32,
    /// Total at the time of the order.
    pub total: Money,
    /// Captured amount less refunds.
    pub paid: Money,
}

/// One page of the orders of the person who is signed in, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MyOrderPage {
    /// Orders.
    pub items: Vec<MyOrderSummary>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl From<&OrderEntry> for MyOrderSummary {
    fn from(entry: &OrderEntry) -> Self {
        Self {
            id: entry.order_id,
            number: OrderNumber::of(entry.order_id).to_string(),
            status: entry.status,
            placed_at: entry.placed_at,
            name: entry.name.clone(),
            units: entry.units,
            total: entry.total,
            paid: Money::new(entry.paid, entry.total.currency),
        }
    }
}

/// One page of orders, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderPage {
    /// Orders; fewer than the limit, or none, do not mean that it is the last page.
    pub items: Vec<OrderSummary>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl From<&OrderEntry> for OrderSummary {
    fn from(entry: &OrderEntry) -> Self {
        Self {
            id: entry.order_id,
            number: OrderNumber::of(entry.order_id).to_string(),
            status: entry.status,
            placed_at: entry.placed_at,
            email: entry.email.clone(),
            name: entry.name.clone(),
            units: entry.units,
            total: entry.total,
            paid: Money::new(entry.paid, entry.total.currency),
        }
    }
}

/// Query of `GET /v1/admin/customers`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListCustomersQuery {
    /// Email address of the customer, in upper or lower case. Required.
    pub email: Option<String>,
}

impl ListCustomersQuery {
    /// Returns the email address in its canonical form.
    pub fn parse(self) -> Result<String, Rejection> {
        let Some(email) = self.email else {
            let message =
                "Name the customer's email address; orders are listed by GET /v1/admin/orders.";
            return Err(Rejection::invalid(vec![FieldFault::new(
                "email", "required", message,
            )]));
        };
        let mut check = FieldCheck::default();
        let email = address(&mut check, &email);
        check.finish(email).map_err(Rejection::invalid)
    }
}

/// A customer: somebody with orders, with an account, or with both. Sums lag the orders by seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CustomerView {
    /// Email address, as it was asked for.
    pub email: String,
    /// The account that has the address; missing for a customer who has ordered as a guest only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// Whether the address was verified, which is so if it has an account.
    pub verified: bool,
    /// Ids of the customer groups that the account is in.
    pub groups: BTreeSet<GroupId>,
    /// Name on the newest order, shortened if it is longer than 40 bytes; without orders that of the account, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of orders with this address, whatever became of them.
    pub orders: usize,
    /// Paid amounts less refunds, one for each currency of an order.
    pub totals: Vec<Money>,
    /// The oldest of these orders; missing without orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_order: Option<OrderSummary>,
    /// The newest order; missing without orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_order: Option<OrderSummary>,
    /// Whether there are older orders: number and totals are of the newest 1,000.
    pub has_more: bool,
}

/// The customers who match: one or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CustomerPage {
    /// The customers.
    pub items: Vec<CustomerView>,
    /// Always null: there is one page.
    pub next_cursor: Option<String>,
}

impl CustomerPage {
    /// The page with the owner of an email address: somebody who has orders, an account, or both.
    pub fn of(email: &str, customer: Option<&Customer>, account: Option<&Account>) -> Self {
        let name = || account.and_then(|it| it.name.clone());
        let view = CustomerView {
            email: email.to_owned(),
            account_id: account.map(|it| it.id),
            verified: account.is_some(),
            groups: account.map(|it| it.groups.clone()).unwrap_or_default(),
            name: customer.map(|it| it.name.clone()).or_else(name),
            orders: customer.map_or(0, |it| it.orders),
            totals: customer.map(|it| it.totals.clone()).unwrap_or_default(),
            first_order: customer.map(|it| OrderSummary::from(&it.first)),
            last_order: customer.map(|it| OrderSummary::from(&it.last)),
            has_more: customer.is_some_and(|it| it.has_more),
        };
        let is_known = customer.is_some() || account.is_some();
        Self {
            items: is_known.then_some(view).into_iter().collect(),
            next_cursor: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, value: &str) -> Result<ListOrders, Vec<String>> {
        let query = serde_json::json!({ name: value });
        let query: ListOrdersQuery = serde_json::from_value(query).unwrap();
        let faults = |rejection: Rejection| {
            let fields = rejection.fields.into_iter();
            fields
                .map(|it| format!("{} {}", it.field, it.code))
                .collect()
        };
        query.parse().map_err(faults)
    }

    #[test]
    fn a_query_without_parameters_is_for_the_newest_orders() {
        let list = ListOrdersQuery::default().parse().unwrap();
        assert_eq!(list.limit, 25);
        assert_eq!(list.list(), crate::orders::OrderList::All);
    }

    #[test]
    fn parameters_are_checked_one_by_one() {
        for (name, value, code) in [
            ("email", "", "required"),
            ("email", "ada", "invalid_email"),
            ("number", "", "invalid"),
            ("number", "123", "invalid"),
            ("status", "Paid", "unknown_value"),
            ("status", "", "unknown_value"),
            ("sku", "", "invalid"),
            ("sku", "a/b", "invalid"),
            ("from", "yesterday", "invalid"),
            ("from", "2026-11-22T10:00", "invalid"),
            ("from", "2026-13-01", "invalid"),
            ("from", "2026-11-22T10:00:00 01:00", "invalid"),
            ("to", "", "invalid"),
            ("to", "9999-12-31", "invalid"),
            ("limit", "0", "out_of_range"),
            ("limit", "101", "out_of_range"),
            ("limit", "many", "out_of_range"),
        ] {
            let faults = query(name, value).unwrap_err();
            assert_eq!(faults, [format!("{name} {code}")], "{value}");
        }
        let unknown = serde_json::json!({ "stauts": "paid" });
        assert!(serde_json::from_value::<ListOrdersQuery>(unknown).is_err());
        let all = ListOrdersQuery {
            status: Some("x".into()),
            from: Some("2026-11-23".into()),
            to: Some("2026-11-22".into()),
            ..ListOrdersQuery::default()
        };
        assert_eq!(all.parse().unwrap_err().fields.len(), 2);
    }

    #[test]
    fn a_date_is_a_whole_day_in_utc() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let day = query("from", "2026-11-22").unwrap();
        assert_eq!(day.from, Some(at("2026-11-22T00:00:00Z")));
        let day = query("to", "2026-11-22").unwrap();
        assert_eq!(day.to, Some(at("2026-11-23T00:00:00Z")));
        let moment = query("to", "2026-11-22T10:00:00+01:00").unwrap();
        assert_eq!(moment.to, Some(at("2026-11-22T09:00:00Z")));
        let same_day = ListOrdersQuery {
            from: Some("2026-11-22".into()),
            to: Some("2026-11-22".into()),
            ..ListOrdersQuery::default()
        };
        assert!(same_day.parse().is_ok());
    }

    #[test]
    fn a_customer_is_asked_for_by_email() {
        let ask = |email: Option<&str>| {
            let query = ListCustomersQuery {
                email: email.map(str::to_owned),
            };
            query.parse().map_err(|it| it.fields[0].code.clone())
        };
        assert_eq!(ask(Some("Ada@EXAMPLE.com ")), Ok("Ada@example.com".into()));
        assert_eq!(ask(None), Err("required".into()));
        assert_eq!(ask(Some("ada")), Err("invalid_email".into()));
    }

    /// The kind of fault: a message that does not say what to do. In a query a plus is a space.
    #[test]
    fn an_address_with_a_plus_says_how_to_send_it() {
        let fault = |email: &str| {
            let query = ListCustomersQuery {
                email: Some(email.to_owned()),
            };
            query.parse().unwrap_err().fields[0].clone()
        };
        let unescaped = fault("ada 1@example.com");
        assert_eq!(unescaped.code, "invalid_email");
        assert!(unescaped.message.contains("%2B"), "{unescaped:?}");
        assert!(!fault("ada").message.contains("%2B"));
        let query = ListCustomersQuery {
            email: Some("ada+1@example.com".to_owned()),
        };
        assert_eq!(query.parse().unwrap(), "ada+1@example.com");
    }

    #[test]
    fn a_customer_has_orders_or_an_account() {
        let page = |customer, account: Option<&Account>| {
            let page = CustomerPage::of("ada@example.com", customer, account);
            serde_json::to_value(page).unwrap()
        };
        let nobody = serde_json::json!({ "items": [], "next_cursor": null });
        assert_eq!(page(None, None), nobody);
        let mut account = crate::orders::account(1, "ada@example.com");
        account.groups.insert("vip".parse().unwrap());
        let expected = serde_json::json!({
            "email": "ada@example.com", "account_id": account.id, "verified": true, "groups": ["vip"],
            "orders": 0, "totals": [], "has_more": false,
        });
        assert_eq!(page(None, Some(&account))["items"][0], expected);
        account.name = Some("Ada".to_owned());
        assert_eq!(page(None, Some(&account))["items"][0]["name"], "Ada");
    }
}
