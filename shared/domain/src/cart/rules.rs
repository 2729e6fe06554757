//! Lines, limits, lifetime and totals of a cart, and the reasons why it cannot be changed.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::Sku,
    fault::{Code, Rejection},
    id::{CartId, OrderId},
    money::{Currency, Money, MoneyError},
};

/// Maximum number of lines of a cart. Together with cart and order they fit well inside the 100 actions
/// of a transaction.
pub const MAX_LINES: usize = 50;
/// Maximum quantity of one line.
pub const MAX_QUANTITY: u32 = 999;
/// Lifetime of a cart since its last change.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 14);

/// A guest cart as it is stored.
#[derive(Clone, Debug)]
pub struct Cart {
    /// Also the credential: anyone who knows the id may use the cart.
    pub id: CartId,
    /// Incremented by every change, so that an order is placed for exactly the cart that was priced.
    pub version: u64,
    /// Lines in the order in which they were first added.
    pub lines: Vec<CartLine>,
    /// The cart does not exist from this time on.
    pub expires_at: Timestamp,
    /// The order that was placed from this cart.
    pub order_id: Option<OrderId>,
}

/// One SKU of a cart with its quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLine {
    /// The SKU to buy.
    pub sku: Sku,
    /// Units to buy, 1 to [`MAX_QUANTITY`].
    pub quantity: u32,
}

impl Cart {
    /// Creates an empty cart that expires after [`LIFETIME`], in whole seconds, as the table stores it.
    pub fn new(random: [u8; 16], now: Timestamp) -> Self {
        let expires_at = now + LIFETIME;
        let fraction = SignedDuration::from_nanos(expires_at.subsec_nanosecond().into());
        Self {
            id: CartId::random(random),
            version: 0,
            lines: Vec::new(),
            expires_at: expires_at - fraction,
            order_id: None,
        }
    }
}

/// Why a cart cannot be changed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangeCartError {
    /// The cart never existed, or has expired.
    #[error("cart not found")]
    NoSuchCart,
    /// An order has been placed from the cart.
    #[error("an order was placed from this cart")]
    AlreadyOrdered,
    /// The cart has [`MAX_LINES`] lines.
    #[error("the cart is full")]
    Full,
    /// No variant has this SKU, or it is not for sale.
    #[error("unknown SKU")]
    UnknownSku(Sku),
    /// The SKU is not in the cart.
    #[error("the cart has no line with this SKU")]
    NoSuchLine(Sku),
}

impl From<ChangeCartError> for Rejection {
    fn from(error: ChangeCartError) -> Self {
        match error {
            ChangeCartError::NoSuchCart => Self::not_found("cart"),
            ChangeCartError::AlreadyOrdered => already_ordered(),
            ChangeCartError::Full => Self::new(
                Code::CartFull,
                format!("A cart holds at most {MAX_LINES} lines; place an order or remove a line."),
            ),
            ChangeCartError::UnknownSku(sku) => Self::new(
                Code::UnknownSku,
                format!("No product for sale has the SKU {sku}; check the SKU."),
            ),
            ChangeCartError::NoSuchLine(sku) => Self::new(
                Code::NotFound,
                format!("The cart has no line with the SKU {sku}."),
            ),
        }
    }
}

/// The rejection for a cart from which an order has been placed.
pub fn already_ordered() -> Rejection {
    Rejection::new(
        Code::CartAlreadyOrdered,
        "An order was already placed from this cart; create a new cart.",
    )
}

/// Totals of a cart or an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Sum of the lines.
    pub subtotal: Money,
    /// Amount to pay.
    pub total: Money,
}

impl Totals {
    /// Adds up line totals.
    pub fn of(
        lines: impl IntoIterator<Item = Money>,
        currency: Currency,
    ) -> Result<Self, MoneyError> {
        let subtotal = lines
            .into_iter()
            .try_fold(Money::zero(currency), Money::plus)?;
        Ok(Self {
            subtotal,
            total: subtotal,
        })
    }
}
