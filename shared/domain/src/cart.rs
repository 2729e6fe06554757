//! Guest carts. A cart remembers SKUs and quantities, never prices: totals are worked out from
//! what the variants cost now.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::Sku,
    fault::{Code, FieldFault, Rejection},
    id::{CartId, OrderId},
    inventory::Variant,
    money::{Currency, Money, MoneyError},
};

/// Most lines of a cart: with its order and itself, well inside the 100 actions of a transaction.
pub const MAX_LINES: usize = 50;
/// Most units of one line.
pub const MAX_QUANTITY: u32 = 999;
/// How long an untouched cart is kept.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 14);

/// A guest's cart.
#[derive(Clone, Debug)]
pub struct Cart {
    /// Whoever knows it may use the cart.
    pub id: CartId,
    /// Raised by every change, so that an order is placed for exactly the cart that was priced.
    pub version: u64,
    /// In the order they were first added.
    pub lines: Vec<CartLine>,
    /// From then on the cart is gone.
    pub expires_at: Timestamp,
    /// The order this cart became.
    pub order_id: Option<OrderId>,
}

/// One SKU in a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLine {
    /// What is wanted.
    pub sku: Sku,
    /// How many, 1 to [`MAX_QUANTITY`].
    pub quantity: u32,
}

impl Cart {
    /// A new, empty cart.
    pub fn new(random: [u8; 16], now: Timestamp) -> Self {
        Self {
            id: CartId::random(random),
            version: 0,
            lines: Vec::new(),
            expires_at: now + LIFETIME,
            order_id: None,
        }
    }
}

/// Body of `PUT /v1/carts/{cart_id}/lines/{sku}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLineBody {
    /// Units wanted, 1 to 999. Whether they can be served is decided when the order is placed.
    pub quantity: i64,
}

impl SetLineBody {
    /// The quantity, if it is one.
    pub fn parse(self) -> Result<u32, Rejection> {
        u32::try_from(self.quantity)
            .ok()
            .filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))
            .ok_or_else(|| {
                let message = format!("Must be from 1 to {MAX_QUANTITY}.");
                Rejection::invalid(vec![FieldFault::new("quantity", "out_of_range", message)])
            })
    }
}

/// Why a cart could not be changed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangeCartError {
    /// Never existed, or expired.
    #[error("there is no such cart")]
    NoSuchCart,
    /// Became an order.
    #[error("the cart has become an order")]
    AlreadyOrdered,
    /// Has [`MAX_LINES`] lines.
    #[error("the cart is full")]
    Full,
    /// No variant has this SKU, or it is not for sale.
    #[error("unknown SKU")]
    UnknownSku(Sku),
    /// The SKU is not in the cart.
    #[error("no such line")]
    NoSuchLine(Sku),
}

impl From<ChangeCartError> for Rejection {
    fn from(error: ChangeCartError) -> Self {
        match error {
            ChangeCartError::NoSuchCart => Self::not_found("cart"),
            ChangeCartError::AlreadyOrdered => already_ordered(),
            ChangeCartError::Full => Self::new(
                Code::CartFull,
                format!("A cart takes {MAX_LINES} lines; place an order or remove a line."),
            ),
            ChangeCartError::UnknownSku(sku) => Self::new(
                Code::UnknownSku,
                format!("No product for sale has the SKU {sku}."),
            ),
            ChangeCartError::NoSuchLine(sku) => Self::new(
                Code::NotFound,
                format!("The cart has no line with the SKU {sku}."),
            ),
        }
    }
}

/// The rejection of a cart that is used up.
pub fn already_ordered() -> Rejection {
    Rejection::new(
        Code::CartAlreadyOrdered,
        "This cart has become an order; start a new cart.",
    )
}

/// A cart as its guest sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CartView {
    /// Whoever knows it may use the cart.
    pub id: CartId,
    /// In the order they were first added.
    pub lines: Vec<CartLineView>,
    /// Of the lines that are for sale.
    pub totals: Totals,
    /// From then on the cart is gone; every change moves it.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// The order this cart became, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

/// One line of a cart, at the price of now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CartLineView {
    /// Stock keeping unit.
    pub sku: String,
    /// Product and options.
    pub title: String,
    /// Slug of the product.
    pub product_slug: String,
    /// Units wanted.
    pub quantity: u32,
    /// What one costs now.
    pub unit_price: Money,
    /// What the line costs now.
    pub line_total: Money,
    /// Whether the stock would serve the whole line now. Only an order reserves it.
    pub available: bool,
}

/// What it comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Sum of the lines.
    pub subtotal: Money,
    /// What is to be paid.
    pub total: Money,
}

impl Totals {
    /// Totals of lines that come to these amounts.
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

/// Prices a cart. Lines whose variant is gone or no longer for sale are shown as not available and
/// do not count.
pub fn price_cart(
    cart: &Cart,
    variants: &HashMap<Sku, Variant>,
    currency: Currency,
) -> Result<CartView, MoneyError> {
    let mut lines = Vec::with_capacity(cart.lines.len());
    let mut counted = Vec::with_capacity(cart.lines.len());
    for line in &cart.lines {
        let Some(variant) = variants.get(&line.sku) else {
            continue;
        };
        let line_total = variant.price.times(line.quantity)?;
        if variant.for_sale {
            counted.push(line_total);
        }
        lines.push(CartLineView {
            sku: line.sku.to_string(),
            title: variant.title.clone(),
            product_slug: variant.product_slug.clone(),
            quantity: line.quantity,
            unit_price: variant.price,
            line_total,
            available: variant.can_sell(line.quantity),
        });
    }
    Ok(CartView {
        id: cart.id,
        lines,
        totals: Totals::of(counted, currency)?,
        expires_at: cart.expires_at,
        order_id: cart.order_id,
    })
}
