//! Stores guest carts and changes their lines without reading them first.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::{
    cart::{Cart, CartLine, ChangeCartError, LIFETIME, MAX_LINES},
    catalog::Sku,
    fault::{Failure, Rejection},
    id::{CartId, OrderId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, to_item},
    keys::Key,
    write::Written,
};

/// A cart as it is stored: two maps by SKU instead of a list of lines, so that a line can be set
/// without reading the cart.
#[derive(Debug, Serialize, Deserialize)]
struct CartRecord {
    id: CartId,
    version: u64,
    /// Units by SKU.
    quantities: BTreeMap<Sku, u32>,
    /// Time at which each SKU was added, in milliseconds since 1970: the sort order of the lines.
    added: BTreeMap<Sku, i64>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
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
            .map(|(sku, quantity)| CartLine { sku, quantity })
            .collect();
        // Stable sort: lines with the same time stay sorted by SKU.
        lines.sort_by_key(|line| added.get(&line.sku).copied());
        Ok(Self {
            id: record.id,
            version: record.version,
            lines,
            expires_at: Timestamp::from_second(record.expires_at)
                .map_err(|error| StoreError::unreadable(CartRecord::ENTITY, error))?,
            order_id: record.order_id,
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

impl Store {
    /// Writes a new cart. Key: [`Key::cart`]. 1 write unit.
    pub async fn create_cart(&self, cart: &Cart) -> Result<()> {
        let record = CartRecord {
            id: cart.id,
            version: cart.version,
            quantities: BTreeMap::new(),
            added: BTreeMap::new(),
            expires_at: cart.expires_at.as_second(),
            order_id: None,
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::cart(cart.id), &record)?))
            .condition_expression("attribute_not_exists(PK)");
        let written = self.write("PutItem cart", put).await?;
        written.or_inconsistent(CartRecord::ENTITY)?;
        Ok(())
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

    /// Sets the quantity of a line, without reading the cart first. Key: [`Key::cart`], on the
    /// condition that the cart is open and has room. 1 write unit for each KB of cart.
    pub async fn set_cart_line(
        &self,
        id: CartId,
        sku: &Sku,
        quantity: u32,
        now: Timestamp,
    ) -> Result<Cart, CartLineError> {
        let update = self
            .update(&Key::cart(id))
            .update_expression(
                "SET quantities.#sku = :quantity, added.#sku = if_not_exists(added.#sku, :millis), \
                 version = version + :one, expires_at = :expires_at",
            )
            .condition_expression(
                "attribute_exists(PK) AND expires_at > :now AND attribute_not_exists(order_id) \
                 AND (attribute_exists(quantities.#sku) OR size(quantities) < :max)",
            )
            .expression_attribute_names("#sku", sku.as_str())
            .expression_attribute_values(":quantity", number(quantity))
            .expression_attribute_values(":millis", number(now.as_millisecond()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":expires_at", number((now + LIFETIME).as_second()))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":max", number(MAX_LINES))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let written = self.write("UpdateItem set cart line", update).await?;
        changed(written, now, ChangeCartError::Full)
    }

    /// Removes a line without reading the cart first. Key: [`Key::cart`], on the condition that the
    /// cart is open and has the line. 1 write unit for each KB of cart.
    pub async fn remove_cart_line(
        &self,
        id: CartId,
        sku: &Sku,
        now: Timestamp,
    ) -> Result<Cart, CartLineError> {
        let update = self
            .update(&Key::cart(id))
            .update_expression(
                "REMOVE quantities.#sku, added.#sku SET version = version + :one, expires_at = :expires_at",
            )
            .condition_expression(
                "attribute_exists(PK) AND expires_at > :now AND attribute_not_exists(order_id) \
                 AND attribute_exists(quantities.#sku)",
            )
            .expression_attribute_names("#sku", sku.as_str())
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":expires_at", number((now + LIFETIME).as_second()))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let written = self.write("UpdateItem remove cart line", update).await?;
        changed(written, now, ChangeCartError::NoSuchLine(sku.clone()))
    }
}

/// The cart after an update, or why the condition failed: because of the cart's own state, or for the
/// reason specific to the update.
fn changed(
    written: Written,
    now: Timestamp,
    particular: ChangeCartError,
) -> Result<Cart, CartLineError> {
    match written {
        Written::Done(cart) => Ok(read_cart(cart)?),
        Written::Refused(found) => {
            let reason = refusal(found.unwrap_or_default(), now)?;
            Err(reason.unwrap_or(particular).into())
        }
    }
}

/// Parses a cart from its item.
pub(crate) fn read_cart(item: Item) -> Result<Cart> {
    from_item::<CartRecord>(item).and_then(Cart::try_from)
}

/// The reason why this cart cannot be changed, if the cart's own state is the reason.
fn refusal(item: Item, now: Timestamp) -> Result<Option<ChangeCartError>> {
    if item.is_empty() {
        return Ok(Some(ChangeCartError::NoSuchCart));
    }
    let cart = read_cart(item)?;
    Ok(if cart.expires_at <= now {
        Some(ChangeCartError::NoSuchCart)
    } else if cart.order_id.is_some() {
        Some(ChangeCartError::AlreadyOrdered)
    } else {
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::size;

    /// The kind of fault: a list inside an item without a bound.
    #[test]
    fn a_full_cart_fits_into_an_item() {
        let cart = Cart::new([255; 16], Timestamp::UNIX_EPOCH);
        // The longest SKUs: 100 characters of four bytes.
        let skus = (0..MAX_LINES).map(|line| format!("{line:04}{}", "\u{1F6D2}".repeat(96)));
        let skus: Vec<Sku> = skus.map(|sku| sku.parse().unwrap()).collect();
        let record = CartRecord {
            id: cart.id,
            version: u64::MAX,
            quantities: skus.iter().map(|sku| (sku.clone(), u32::MAX)).collect(),
            added: skus.iter().map(|sku| (sku.clone(), i64::MAX)).collect(),
            expires_at: i64::MAX,
            order_id: Some(OrderId::random([255; 16])),
        };
        size::must_fit("cart", &to_item(&Key::cart(cart.id), &record).unwrap());
    }
}
