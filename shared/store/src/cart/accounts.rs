//! Which cart is the current one of an account: at most one is in use, however many devices sign in at once.

use aws_sdk_dynamodb::types::{
    ConditionCheck, Put, TransactWriteItem, Update, builders::UpdateBuilder,
};
use domain::{
    cart::Cart,
    id::{AccountId, CartId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value;

use super::carts::CartRecord;
use crate::{
    Consistency, Result, Store, StoreError,
    item::{Record, from_item, number, string, to_item},
    keys::Key,
    transaction::{First, Outcome, put_action, unbuildable, update_action},
};

/// The pointer to an account's current cart. It stays when the cart is ordered or expires, and names the next one then.
#[derive(Debug, Serialize, Deserialize)]
struct AccountCartRecord {
    cart: CartId,
}

impl Record for AccountCartRecord {
    const ENTITY: &'static str = "account_cart";
}

/// The current cart of an account, as it was read.
#[derive(Clone, Debug)]
pub struct AccountCart {
    account: AccountId,
    /// The cart that the pointer names, in whatever state.
    pointer: Option<CartId>,
    /// The cart, if it is in use: neither ordered nor expired.
    pub cart: Option<Cart>,
}

impl Store {
    /// Reads the current cart of an account. Keys: [`Key::account_cart`], then [`Key::cart`], strongly consistent. 2 read units,
    /// or 1 if the account never had a cart.
    pub async fn account_cart(&self, account: AccountId, now: Timestamp) -> Result<AccountCart> {
        let key = Key::account_cart(account);
        let item = self
            .get("GetItem account cart", &key, Consistency::Strong)
            .await?;
        let record = item.map(from_item::<AccountCartRecord>).transpose()?;
        let pointer = record.map(|record| record.cart);
        let cart = match pointer {
            Some(id) => self.cart(id, now, Consistency::Strong).await?,
            None => None,
        };
        let is_usable = |cart: &Cart| cart.account == Some(account) && cart.is_in_use(now);
        Ok(AccountCart {
            account,
            pointer,
            cart: cart.filter(is_usable),
        })
    }

    /// Writes a new cart of an account and makes it the current one, in one transaction. Returns whether it was written: not
    /// if the account has got another current cart since `before` was read. Keys: [`Key::cart`], on the condition that it does
    /// not exist; [`Key::account_cart`], on the condition that it is unchanged. 4 write units.
    pub async fn create_account_cart(&self, cart: &Cart, before: &AccountCart) -> Result<bool> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::cart(cart.id), &CartRecord::from(cart))?))
            .condition_expression("attribute_not_exists(PK)");
        let actions = vec![self.point_to(cart.id, before)?, put_action(put)?];
        self.is_committed("create account cart", actions).await
    }

    /// Makes a guest's cart the current one of an account: `adopted` is its next version. Returns whether it was written.
    /// Keys: [`Key::cart`], on the condition that it is unchanged, without an owner and in use; [`Key::account_cart`], on the
    /// condition that it is unchanged. 2 write units for each KB of cart, and 2.
    pub async fn adopt_cart(&self, adopted: &Cart, before: &AccountCart) -> Result<bool> {
        let update = self
            .change_cart(adopted.id, adopted.version - 1)
            .update_expression("SET account = :account, version = :next, expires_at = :expires_at")
            .condition_expression(format!("{UNCHANGED} AND attribute_not_exists(account)"))
            .expression_attribute_values(":account", string(before.account.to_string()))
            .expression_attribute_values(":next", number(adopted.version))
            .expression_attribute_values(":expires_at", number(adopted.expires_at.as_second()));
        let actions = vec![self.point_to(adopted.id, before)?, update_action(update)?];
        self.is_committed("adopt cart", actions).await
    }

    /// Puts the lines of a guest's cart into the current one of an account, whose next version is `joined`, and marks the
    /// guest's as merged. Returns whether it was written. Keys: [`Key::cart`] of both, on the condition that they are unchanged
    /// and in use, the one with and the other without that owner; [`Key::account_cart`], on the condition that it is unchanged. 2
    /// write units for each KB of either cart, and 2.
    pub async fn join_carts(
        &self,
        guest: &Cart,
        joined: &Cart,
        before: &AccountCart,
    ) -> Result<bool> {
        let record = CartRecord::from(joined);
        let map = |map: Result<_, serde_dynamo::Error>| {
            map.map_err(|error| StoreError::unwritable(CartRecord::ENTITY, error))
        };
        let target = self
            .change_cart(joined.id, joined.version - 1)
            .update_expression(
                "SET quantities = :quantities, added = :added, version = :next, expires_at = :expires_at",
            )
            .condition_expression(format!("{UNCHANGED} AND account = :account"))
            .expression_attribute_values(":quantities", map(to_attribute_value(&record.quantities))?)
            .expression_attribute_values(":added", map(to_attribute_value(&record.added))?)
            .expression_attribute_values(":account", string(before.account.to_string()))
            .expression_attribute_values(":next", number(joined.version))
            .expression_attribute_values(":expires_at", number(joined.expires_at.as_second()));
        let source = self
            .change_cart(guest.id, guest.version)
            .update_expression("SET merged_into = :target, version = :next")
            .condition_expression(format!("{UNCHANGED} AND attribute_not_exists(account)"))
            .expression_attribute_values(":target", string(joined.id.to_string()))
            .expression_attribute_values(":next", number(guest.version + 1));
        let actions = vec![
            self.still_points_to(joined.id, before)?,
            update_action(target)?,
            update_action(source)?,
        ];
        self.is_committed("join carts", actions).await
    }

    fn change_cart(&self, id: CartId, version: u64) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::cart(id).attributes()))
            .expression_attribute_values(":version", number(version))
    }

    /// Makes a cart the current one, if the pointer is what it was.
    fn point_to(&self, cart: CartId, before: &AccountCart) -> Result<TransactWriteItem> {
        let key = Key::account_cart(before.account);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &AccountCartRecord { cart })?));
        put_action(match before.pointer {
            None => put.condition_expression("attribute_not_exists(PK)"),
            Some(cart) => put
                .condition_expression("cart = :before")
                .expression_attribute_values(":before", string(cart.to_string())),
        })
    }

    /// Checks that a cart is the current one: lines that are put into another one would be lost.
    fn still_points_to(&self, cart: CartId, before: &AccountCart) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::account_cart(before.account).attributes()))
            .condition_expression("cart = :cart")
            .expression_attribute_values(":cart", string(cart.to_string()))
            .build();
        let check = check.map_err(unbuildable)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    async fn is_committed(
        &self,
        operation: &'static str,
        actions: Vec<TransactWriteItem>,
    ) -> Result<bool> {
        let outcome = self.transact(operation, First::Write, actions).await?;
        Ok(matches!(outcome, Outcome::Committed { .. }))
    }
}

/// Condition of a change of a cart that was read before. An order leaves the version as it is.
const UNCHANGED: &str =
    "version = :version AND attribute_not_exists(order_id) AND attribute_not_exists(merged_into)";
