//! Stores carts and changes their lines without reading them first.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{
    cart::{Cart, CartLine, ChangeCartError, LIFETIME, MAX_LINES},
    catalog::Sku,
    fault::{Failure, Rejection},
    id::{AccountId, CartId, OrderId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, string},
    keys::Key,
    write::Written,
};

/// A cart as it is stored: two maps by SKU instead of a list of lines, so that a line can be set
/// without reading the cart.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CartRecord {
    id: CartId,
    version: u64,
    /// Units by SKU.
    pub(super) quantities: BTreeMap<Sku, u32>,
    /// Time at which each SKU was added, in milliseconds since 1970: the sort order of the lines.
    pub(super) added: BTreeMap<Sku, i64>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
    /// Missing on a guest's cart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    /// Only on a guest's cart that was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merged_into: Option<CartId>,
}

impl Record for CartRecord {
    const ENTITY: &'static str = "cart";
}

impl TryFrom<CartRecord> for Cart {
    type Error = StoreError;

    fn try_from(record: CartRecord) -> Result<Self> {
        let added = record.added;
        let mut lines: Vec<CartLine> = record
            .quantities
            .into_iter()
            .map(|(sku, quantity)| CartLine {
                added_at: time_of(added.get(&sku)),
                sku,
                quantity,
            })
            .collect();
        // Stable sort: lines with the same time stay sorted by SKU.
        lines.sort_by_key(|line| line.added_at);
        Ok(Self {
            id: record.id,
            version: record.version,
            lines,
            expires_at: Timestamp::from_second(record.expires_at)
                .map_err(|error| StoreError::unreadable(CartRecord::ENTITY, error))?,
            order_id: record.order_id,
            account: record.account,
            merged_into: record.merged_into,
        })
    }
}

/// Why a line of a cart was not changed.
#[derive(Debug, thiserror::Error)]
pub enum CartLineError {
    /// The cart forbids the change.
    #[error(transparent)]
    Refused(#[from] ChangeCartError),
    /// Accessing the table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CartLineError> for Failure {
    fn from(error: CartLineError) -> Self {
        match error {
            CartLineError::Refused(error) => Rejection::from(error).into(),
            CartLineError::Store(error) => error.into(),
        }
    }
}

impl From<&Cart> for CartRecord {
    fn from(cart: &Cart) -> Self {
        let lines = || cart.lines.iter();
        let added = |line: &CartLine| (line.sku.clone(), line.added_at.as_millisecond());
        Self {
            id: cart.id,
            version: cart.version,
            quantities: lines()
                .map(|line| (line.sku.clone(), line.quantity))
                .collect(),
            added: lines().map(added).collect(),
            expires_at: cart.expires_at.as_second(),
            order_id: cart.order_id,
            account: cart.account,
            merged_into: cart.merged_into,
        }
    }
}

/// The time of a line; one that is missing or out of range sorts first, and is no reason to lose the cart.
pub(super) fn time_of(added: Option<&i64>) -> Timestamp {
    let added = added.and_then(|millis| Timestamp::from_millisecond(*millis).ok());
    added.unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Store {
    /// Writes a new cart of a guest. Key: [`Key::cart`]. 1 write unit.
    pub async fn create_cart(&self, cart: &Cart) -> Result<()> {
        let record = CartRecord::from(cart);
        self.insert_new("PutItem cart", &Key::cart(cart.id), &record)
            .await
    }

    /// Reads a cart that has not expired. Key: [`Key::cart`]. 0.5 or 1 read unit.
    pub async fn cart(
        &self,
        id: CartId,
        now: Timestamp,
        consistency: Consistency,
    ) -> Result<Option<Cart>> {
        let item = self
            .get("GetItem cart", &Key::cart(id), consistency)
            .await?;
        let cart = item.map(read_cart).transpose()?;
        // The table deletes expired items with a delay of up to days.
        Ok(cart.filter(|cart| cart.expires_at > now))
    }

    /// Sets the quantity of a line for whoever calls, a guest or the owner of an account, without reading the cart first.
    /// Key: [`Key::cart`], on the condition that the cart is open, the caller may use it, and it has room. 1 write unit for
    /// each KB of cart.
    pub async fn set_cart_line(
        &self,
        id: CartId,
        caller: Option<AccountId>,
        sku: &Sku,
        quantity: u32,
        now: Timestamp,
    ) -> Result<Cart, CartLineError> {
        let has_room = "(attribute_exists(quantities.#sku) OR size(quantities) < :max)";
        let update = self
            .change_line(id, caller, sku, has_room, now)
            .update_expression(
                "SET quantities.#sku = :quantity, added.#sku = if_not_exists(added.#sku, :millis), \
                 version = version + :one, expires_at = :expires_at",
            )
            .expression_attribute_values(":quantity", number(quantity))
            .expression_attribute_values(":millis", number(now.as_millisecond()))
            .expression_attribute_values(":max", number(MAX_LINES));
        let written = self.write("UpdateItem set cart line", update).await?;
        changed(written, caller, now, ChangeCartError::Full)
    }

    /// Removes a line for whoever calls, without reading the cart first. Key: [`Key::cart`], on the condition that the cart is
    /// open, the caller may use it, and it has the line. 1 write unit for each KB of cart.
    pub async fn remove_cart_line(
        &self,
        id: CartId,
        caller: Option<AccountId>,
        sku: &Sku,
        now: Timestamp,
    ) -> Result<Cart, CartLineError> {
        let has_line = "attribute_exists(quantities.#sku)";
        let update = self
            .change_line(id, caller, sku, has_line, now)
            .update_expression(
                "REMOVE quantities.#sku, added.#sku SET version = version + :one, expires_at = :expires_at",
            );
        let written = self.write("UpdateItem remove cart line", update).await?;
        let missing = ChangeCartError::NoSuchLine(sku.clone());
        changed(written, caller, now, missing)
    }

    /// A change of one line, on the condition that the cart is in use, by `caller`, and on another one.
    fn change_line(
        &self,
        id: CartId,
        caller: Option<AccountId>,
        sku: &Sku,
        condition: &str,
        now: Timestamp,
    ) -> UpdateItemFluentBuilder {
        let is_theirs = match caller {
            None => "attribute_not_exists(account)",
            Some(_) => "(attribute_not_exists(account) OR account = :caller)",
        };
        let caller = caller.map(|account| (":caller".to_owned(), string(account.to_string())));
        self.update(&Key::cart(id))
            .condition_expression(format!(
                "attribute_exists(PK) AND expires_at > :now AND attribute_not_exists(order_id) \
                 AND attribute_not_exists(merged_into) AND {is_theirs} AND {condition}"
            ))
            .set_expression_attribute_values(Some(caller.into_iter().collect()))
            .expression_attribute_names("#sku", sku.as_str())
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":expires_at", number((now + LIFETIME).as_second()))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// The cart after an update, or why the condition failed: because of the cart's own state, or for the
/// reason specific to the update.
fn changed(
    written: Written,
    caller: Option<AccountId>,
    now: Timestamp,
    particular: ChangeCartError,
) -> Result<Cart, CartLineError> {
    match written {
        Written::Done(cart) => Ok(read_cart(cart)?),
        Written::Refused(found) => {
            let reason = refusal(found.unwrap_or_default(), caller, now)?;
            Err(reason.unwrap_or(particular).into())
        }
    }
}

/// Parses a cart from its item.
pub(crate) fn read_cart(item: Item) -> Result<Cart> {
    from_item::<CartRecord>(item).and_then(Cart::try_from)
}

/// The reason why this cart cannot be changed, if the cart's own state is the reason.
fn refusal(
    item: Item,
    caller: Option<AccountId>,
    now: Timestamp,
) -> Result<Option<ChangeCartError>> {
    if item.is_empty() {
        return Ok(Some(ChangeCartError::NoSuchCart));
    }
    let cart = read_cart(item)?;
    let ordered = cart.order_id.map(|_| ChangeCartError::AlreadyOrdered);
    Ok(cart.refusal(caller, now).or(ordered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{size, to_item};

    /// The kind of fault: a list inside an item without a bound.
    #[test]
    fn a_full_cart_fits_into_an_item() {
        let account = Some(AccountId::random([255; 16]));
        let cart = Cart::new([255; 16], account, Timestamp::UNIX_EPOCH);
        // The longest SKUs: 100 characters of four bytes.
        let skus = (0..MAX_LINES).map(|line| format!("{line:04}{}", "\u{1F6D2}".repeat(96)));
        let skus: Vec<Sku> = skus.map(|sku| sku.parse().unwrap()).collect();
        let record = CartRecord {
            version: u64::MAX,
            quantities: skus.iter().map(|sku| (sku.clone(), u32::MAX)).collect(),
            added: skus.iter().map(|sku| (sku.clone(), i64::MAX)).collect(),
            expires_at: i64::MAX,
            order_id: Some(OrderId::random([255; 16])),
            merged_into: Some(cart.id),
            ..CartRecord::from(&cart)
        };
        size::must_fit("cart", &to_item(&Key::cart(cart.id), &record).unwrap());
    }

    #[test]
    fn a_cart_is_read_as_it_was_written() {
        let at = |millis: i64| Timestamp::from_millisecond(millis).unwrap();
        let line = |sku: &str, quantity: u32, millis: i64| CartLine {
            sku: sku.parse().unwrap(),
            quantity,
            added_at: at(millis),
        };
        let mut cart = Cart::new([1; 16], None, at(1_700_000_000_123));
        cart.lines = vec![line("C", 3, 5), line("A", 1, 7), line("B", 2, 7)];
        let item = |cart: &Cart| to_item(&Key::cart(cart.id), &CartRecord::from(cart)).unwrap();
        assert_eq!(read_cart(item(&cart)).unwrap(), cart);
        // Nothing of accounts is in a guest's cart.
        let guests = item(&cart);
        assert!(!guests.contains_key("account") && !guests.contains_key("merged_into"));
        cart.account = Some(AccountId::random([2; 16]));
        cart.merged_into = Some(CartId::random([3; 16]));
        cart.order_id = Some(OrderId::random([4; 16]));
        assert_eq!(read_cart(item(&cart)).unwrap(), cart);
        // Of a time that nobody has.
        let mut odd = CartRecord::from(&cart);
        odd.added = BTreeMap::from([("A".parse().unwrap(), i64::MAX)]);
        let odd = read_cart(to_item(&Key::cart(cart.id), &odd).unwrap()).unwrap();
        let skus: Vec<&str> = odd.lines.iter().map(|line| line.sku.as_str()).collect();
        assert_eq!(skus, ["A", "B", "C"]);
    }
}
