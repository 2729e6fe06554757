//! Which orders an account has, all at once: for the export of its data.

use domain::{
    id::{AccountId, OrderId},
    orders::OrderList,
};

use crate::{
    Result, Store, StoreError,
    item::string,
    keys::{SK, order_list_partition, read_order_position},
};

/// The orders of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountOrders {
    /// The newest ones, newest first.
    pub orders: Vec<OrderId>,
    /// Whether there are more.
    pub has_more: bool,
}

impl Store {
    /// Lists the orders of an account, at most `limit`, without what is in them. Key: the list of the account
    /// ([`order_list_partition`]), strongly consistent; the list itself lags the orders by seconds. 1 read unit for each 4 KB.
    pub async fn orders_of_account(
        &self,
        account: AccountId,
        limit: usize,
    ) -> Result<AccountOrders> {
        // Such a list has one part.
        let partition = order_list_partition(&OrderList::Account(account), 0);
        let mut orders: Vec<OrderId> = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("PK = :pk")
                .expression_attribute_values(":pk", string(&partition))
                .projection_expression(SK)
                .scan_index_forward(false)
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| StoreError::call("Query orders of account", error))?;
            for item in answer.items.unwrap_or_default() {
                let position = item.get(SK).and_then(|sk| sk.as_s().ok());
                let order = position.and_then(|position| read_order_position(position));
                let (_, order) = order.ok_or_else(|| {
                    StoreError::inconsistent("entry", "its position names no order")
                })?;
                if orders.len() == limit {
                    return Ok(AccountOrders {
                        orders,
                        has_more: true,
                    });
                }
                orders.push(order);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(AccountOrders {
                    orders,
                    has_more: false,
                });
            }
        }
    }
}
