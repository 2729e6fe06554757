//! `GET /v1/admin/orders`: lists orders for staff, newest first, by customer, number, status, SKU and time.

use std::process::ExitCode;

use domain::{
    identity::Permission,
    orders::{
        ListOrders as List, ListOrdersQuery, OrderEntry, OrderNumber, OrderPage, OrderSummary,
    },
    page::invalid_cursor,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::{EntryPage, Store};

pub(crate) struct ListOrders {
    store: Store,
}

impl Endpoint for ListOrders {
    const ACCESS: Access = Access::Staff(Permission::OrdersRead);
    type Path = NoPath;
    type Query = ListOrdersQuery;
    type Body = NoBody;
    type Response = OrderPage;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<OrderPage>, Failure> {
        let list = request.query.parse()?;
        let page = match &list.number {
            Some(number) => numbered(&self.store, &list, number).await?,
            None => listed(&self.store, &list).await?,
        };
        Reply::of(&OrderPage {
            items: page.entries.iter().map(OrderSummary::from).collect(),
            next_cursor: page.next_cursor,
        })
    }
}

/// One page of the list that answers the query.
async fn listed(store: &Store, list: &List) -> Result<EntryPage, Failure> {
    let mut page = store.list_orders(list).await?;
    if list.needs_orders() {
        let ids: Vec<_> = page.entries.iter().map(|entry| entry.order_id).collect();
        let orders = match ids.is_empty() {
            true => Vec::new(),
            false => store.orders(ids).await?,
        };
        page.entries.retain(|entry| {
            let mut orders = orders.iter();
            orders.any(|order| order.id == entry.order_id && list.takes_order(order))
        });
    }
    Ok(page)
}

/// The orders with a number, as they are.
async fn numbered(store: &Store, list: &List, number: &OrderNumber) -> Result<EntryPage, Failure> {
    if list.cursor.is_some() {
        // Their list has one page.
        return Err(invalid_cursor().into());
    }
    let ids = store.orders_numbered(number).await?;
    let orders = match ids.is_empty() {
        true => Vec::new(),
        false => store.orders(ids).await?,
    };
    let orders = orders.iter().filter(|order| list.takes_order(order));
    let mut entries: Vec<OrderEntry> = orders.map(OrderEntry::of).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.placed_at));
    entries.truncate(list.limit as usize);
    Ok(EntryPage {
        entries,
        next_cursor: None,
    })
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListOrders { store }))
}
