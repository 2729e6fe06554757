//! Lines, limits, owner, lifetime and totals of a cart, and the reasons why it cannot be used or changed.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::Sku,
    fault::{Code, Rejection},
    id::{AccountId, CartId, OrderId},
    money::{Currency, Money, MoneyError},
};

/// Maximum number of lines of a cart. Together with cart and order they fit well inside the 100 actions
/// of a transaction.
pub const MAX_LINES: usize = 50;
/// Maximum quantity of one line.
pub const MAX_QUANTITY: u32 = 999;
/// Lifetime of a cart since its last change.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 14);

/// A cart of a guest or of an account, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    /// Of a guest's cart also the credential: anyone who knows the id may use it.
    pub id: CartId,
    /// Incremented by every change, so that an order is placed for exactly the cart that was priced.
    pub version: u64,
    /// Lines in the order in which they were first added.
    pub lines: Vec<CartLine>,
    /// The cart does not exist from this time on.
    pub expires_at: Timestamp,
    /// The order that was placed from this cart.
    pub order_id: Option<OrderId>,
    /// The account that it belongs to, whose owner alone may use it; `None` for a guest's cart.
    pub account: Option<AccountId>,
    /// The account's cart that has its lines since its guest signed in. Nobody uses it any more.
    pub merged_into: Option<CartId>,
}

/// One SKU of a cart with its quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLine {
    /// The SKU to buy.
    pub sku: Sku,
    /// Units to buy, 1 to [`MAX_QUANTITY`].
    pub quantity: u32,
    /// Time at which the line was added, in whole milliseconds.
    pub added_at: Timestamp,
}

impl Cart {
    /// Creates an empty cart of an account or a guest, that expires after [`LIFETIME`].
    pub fn new(random: [u8; 16], account: Option<AccountId>, now: Timestamp) -> Self {
        Self {
            id: CartId::random(random),
            version: 0,
            lines: Vec::new(),
            expires_at: expiry(now),
            order_id: None,
            account,
            merged_into: None,
        }
    }

    /// Whether somebody may use it: of an account's cart the owner alone, by the account of whoever is signed in; of a
    /// guest's cart anyone who knows its id.
    pub fn is_open_to(&self, caller: Option<AccountId>) -> bool {
        self.account.is_none() || self.account == caller
    }

    /// Why this caller cannot use it at `now`, if the cart's own state is the reason. An ordered cart can be read.
    pub fn refusal(&self, caller: Option<AccountId>, now: Timestamp) -> Option<ChangeCartError> {
        if self.expires_at <= now || !self.is_open_to(caller) {
            return Some(ChangeCartError::NoSuchCart);
        }
        self.merged_into.map(|_| ChangeCartError::Merged)
    }

    /// Whether lines can be put into it at `now`, and an order be placed from it.
    pub fn is_in_use(&self, now: Timestamp) -> bool {
        self.expires_at > now && self.order_id.is_none() && self.merged_into.is_none()
    }
}

/// Expiry of a cart that is changed at `now`, in whole seconds, as the table stores it.
pub(super) fn expiry(now: Timestamp) -> Timestamp {
    let expires_at = now + LIFETIME;
    expires_at - SignedDuration::from_nanos(expires_at.subsec_nanosecond().into())
}

/// Why a cart cannot be used or changed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangeCartError {
    /// The cart never existed, has expired, or is another's.
    #[error("cart not found")]
    NoSuchCart,
    /// The cart was merged into that of an account.
    #[error("the cart was merged into the cart of an account")]
    Merged,
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
            ChangeCartError::Merged => merged(),
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

/// The rejection for a cart whose lines are in the cart of an account. It is gone, also for clients that know nothing of
/// accounts, which then create another one.
pub fn merged() -> Rejection {
    Rejection::new(
        Code::NotFound,
        "This cart was merged into the cart of an account; sign in and read GET /v1/me/cart, or create a new cart.",
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
