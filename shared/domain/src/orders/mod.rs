//! Orders: placed together with their reservation in one transaction, then paid, shipped and possibly
//! refunded (see [`Order::status`] and the changes beside it).

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{Context, SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    cart::{Cart, Totals},
    catalog::Sku,
    fault::{Code, FieldFault, Rejection},
    id::{CartId, OrderId},
    idempotency::{Fingerprint, IdempotencyKey},
    inventory::{Share, Variant},
    money::{Currency, Money, MoneyError},
    payments::{PaymentFailure, PaymentMethod, PaymentStatus, Provider},
    text::FieldCheck,
};

mod change;
mod life;
mod view;

pub use change::{CancelOrderBody, FulfilOrderBody, RefundOrderBody};
pub use life::{
    Actor, ChangeError, CloseReason, Fulfil, Fulfilment, HistoryEntry, MAX_PARTS, OrderEventKind,
    Refund, RefundStatus, RequestRefund, Transition, Units,
};
pub use view::{OrderLineView, OrderView, PaymentView, RefundView, StaffOrderView};

/// Body of `POST /v1/orders`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderBody {
    /// Cart to place the order from; it cannot be used again.
    pub cart_id: String,
    /// Email address for the confirmation.
    pub email: String,
    /// Address to ship to.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "AddressBody")]
    pub shipping_address: AddressBody,
    /// Payment method of the order.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "PaymentBody")]
    pub payment: PaymentBody,
}

/// A postal address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressBody {
    /// Recipient, at most 100 characters.
    pub name: String,
    /// Street and number, at most 200 characters.
    pub line1: String,
    /// Apartment, company and the like, at most 200 characters.
    #[serde(default)]
    pub line2: Option<String>,
    /// City, at most 100 characters.
    pub city: String,
    /// State, province or county, at most 100 characters.
    #[serde(default)]
    pub region: Option<String>,
    /// Postal code, at most 20 characters.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2 country code, such as `DE`.
    pub country: String,
}

/// Payment method with its token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentBody {
    /// `test` for the built-in provider, or `stripe`; the shop may offer only one of them.
    pub method: String,
    /// The provider's token for the payment method. For `test` one of `tok_ok`, `tok_flaky`,
    /// `tok_timeout`, `tok_refund_fails`; any other is declined. For `stripe` the id of a payment
    /// method (`pm_…`), or nothing: then the customer's client confirms the payment with the
    /// `client_secret` of the order.
    #[serde(default)]
    pub token: Option<String>,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Name of the recipient.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Apartment, company and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// City or town.
    pub city: String,
    /// State, province or county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code, as written in the country.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2 country code, such as `DE`.
    pub country: String,
}

/// The command of [`place_order`]; its serialized form is what the idempotency fingerprint covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceOrder {
    /// Cart to place the order from.
    pub cart_id: CartId,
    /// Email address for the confirmation.
    pub email: String,
    /// Address to ship to.
    pub shipping_address: Address,
    /// Payment method of the order.
    pub payment: PaymentMethod,
}

impl PlaceOrderBody {
    /// Validates the body and reports all invalid fields at once; the payment method must be one of the
    /// `offered` providers.
    pub fn parse(self, offered: &[Provider]) -> Result<PlaceOrder, Rejection> {
        let mut check = FieldCheck::default();
        let cart_id = self.cart_id.parse::<CartId>();
        if cart_id.is_err() {
            check.fault("cart_id", "invalid", "Must be the id of a cart (crt_…).");
        }
        let email = check.email("email", &self.email);
        let shipping_address = self.shipping_address.parse(&mut check);
        let provider = Provider::named(&self.payment.method);
        let provider = provider.filter(|provider| offered.contains(provider));
        if provider.is_none() {
            let names: Vec<&str> = offered.iter().map(|provider| provider.name()).collect();
            let message = format!("Must be one of: {}.", names.join(", "));
            check.fault("payment.method", "unknown_method", message);
        }
        let token = match (self.payment.token, provider) {
            (None, Some(Provider::Test)) => {
                check.fault("payment.token", "required", "Must be given.");
                None
            }
            (token, _) => token.map(|token| check.line("payment.token", &token, 255)),
        };
        let (Ok(cart_id), Some(provider)) = (cart_id, provider) else {
            return Err(Rejection::invalid(check.into_faults()));
        };
        let command = PlaceOrder {
            cart_id,
            email,
            shipping_address,
            payment: PaymentMethod { provider, token },
        };
        check.finish(command).map_err(Rejection::invalid)
    }
}

impl AddressBody {
    fn parse(self, check: &mut FieldCheck) -> Address {
        let field = |name: &str| format!("shipping_address.{name}");
        let mut optional = |name: &str, text: Option<String>, max| {
            text.filter(|text| !text.trim().is_empty())
                .map(|text| check.line(&field(name), &text, max))
        };
        let line2 = optional("line2", self.line2, 200);
        let region = optional("region", self.region, 100);
        let country = check.line(&field("country"), &self.country, 2);
        let known = country.parse::<iso_country::Country>();
        if (known.is_err() || country == "__") && !check.has(&field("country")) {
            check.fault(
                &field("country"),
                "unknown_country",
                "Must be an ISO 3166-1 alpha-2 code in upper case, such as DE.",
            );
        }
        Address {
            name: check.line(&field("name"), &self.name, 100),
            line1: check.line(&field("line1"), &self.line1, 200),
            line2,
            city: check.line(&field("city"), &self.city, 100),
            region,
            postal_code: check.line(&field("postal_code"), &self.postal_code, 20),
            country,
        }
    }
}

/// Status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// The stock is reserved, the payment is due.
    PendingPayment,
    /// The payment is captured; nothing is shipped yet.
    Paid,
    /// Part of the order was shipped.
    PartiallyFulfilled,
    /// The whole order was shipped.
    Fulfilled,
    /// The payment failed; the stock was released.
    PaymentFailed,
    /// The order was not paid in time; the stock was released.
    Expired,
    /// The order was canceled; the stock was released, the payment is voided or refunded.
    Cancelled,
    /// Part of the captured amount was refunded.
    PartiallyRefunded,
    /// The captured amount was refunded in full.
    Refunded,
}

impl OrderStatus {
    /// The status as sent to clients.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Paid => "paid",
            Self::PartiallyFulfilled => "partially_fulfilled",
            Self::Fulfilled => "fulfilled",
            Self::PaymentFailed => "payment_failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

/// An order with its payment, fulfilments, refunds and history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Derived from the idempotency key, so that a repeated request finds the same order.
    pub id: OrderId,
    /// Incremented by every change (optimistic locking).
    pub version: u64,
    /// Why it ended without a sale, if it did.
    pub closed: Option<CloseReason>,
    /// The cart it was placed from; the access token is derived from it.
    pub cart_id: CartId,
    /// Email address for the confirmation.
    pub email: String,
    /// Address to ship to.
    pub shipping_address: Address,
    /// Lines at the prices at which they were bought.
    pub lines: Vec<OrderLine>,
    /// Totals at the time of the order.
    pub totals: Totals,
    /// Payment of the order.
    pub payment: Payment,
    /// Fingerprint of the request that placed the order.
    pub fingerprint: Fingerprint,
    /// Time at which it was placed.
    pub placed_at: Timestamp,
    /// Time until which its stock is reserved for a payment.
    pub due_at: Timestamp,
    /// Id of the request that placed it, for correlation across functions.
    pub trace_id: String,
    /// Shipments, oldest first.
    pub fulfilments: Vec<Fulfilment>,
    /// Refunds in any state, oldest first.
    pub refunds: Vec<Refund>,
    /// Changes since it was placed: one entry per version after the first.
    pub history: Vec<HistoryEntry>,
}

/// The payment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Provider and token.
    #[serde(flatten)]
    pub method: PaymentMethod,
    /// Progress of the payment.
    pub status: PaymentStatus,
    /// Why the payment failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<PaymentFailure>,
    /// The provider's id of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// Secret with which the customer's client confirms the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Captured amount in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub captured: i64,
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// SKU of the variant.
    pub sku: Sku,
    /// Title at the time of the order.
    pub title: String,
    /// Number of units.
    pub quantity: u32,
    /// Unit price at the time of the order.
    pub unit_price: Money,
    /// Shards of the stock that the units were taken from; empty if all came from the first.
    pub shards: Vec<Share>,
    /// Units that were shipped.
    pub fulfilled: u32,
    /// Units that were refunded before shipping, and will not be shipped.
    pub withdrawn: u32,
    /// Units that were refunded after shipping.
    pub returned: u32,
    /// Returned units that can be sold again.
    pub returned_to_stock: u32,
}

/// A line that exceeds the available stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// SKU of the line.
    pub sku: Sku,
    /// Units requested.
    pub wanted: u32,
    /// Units available.
    pub available: i64,
}

/// Why an order was not placed. Nothing was reserved, and nothing is charged.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlaceOrderError {
    /// The cart never existed, or has expired.
    #[error("cart not found")]
    NoSuchCart,
    /// The cart has no lines.
    #[error("the cart is empty")]
    CartEmpty,
    /// Another order was placed from the cart.
    #[error("another order was placed from this cart")]
    CartAlreadyOrdered,
    /// The key was used for a different request.
    #[error("the idempotency key was used for a different request")]
    KeyReused,
    /// Lines that exceed the available stock.
    #[error("{} line(s) exceed the available stock", .0.len())]
    OutOfStock(Vec<Shortage>),
    /// The prices mix currencies or overflow.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Repeated conflicts with other buyers.
    #[error("the transaction kept conflicting with others")]
    Contended,
    /// The last units of many lines are spread over too many shards for one transaction.
    #[error("the units are spread over too many shards")]
    TooManyShards,
}

impl From<PlaceOrderError> for Rejection {
    fn from(error: PlaceOrderError) -> Self {
        match error {
            PlaceOrderError::NoSuchCart => Self::not_found("cart"),
            PlaceOrderError::CartEmpty => {
                Self::new(Code::CartEmpty, "The cart is empty; add a line first.")
            }
            PlaceOrderError::CartAlreadyOrdered => crate::cart::already_ordered(),
            PlaceOrderError::KeyReused => crate::idempotency::reused(),
            PlaceOrderError::OutOfStock(shortages) => {
                let field = |short: &Shortage| {
                    let message = match short.available {
                        ..=0 => "Sold out.".to_owned(),
                        left => format!("Only {left} left; {} were requested.", short.wanted),
                    };
                    FieldFault::new(short.sku.as_str(), "out_of_stock", message)
                };
                let skus: Vec<&str> = shortages.iter().map(|short| short.sku.as_str()).collect();
                Self {
                    code: Code::OutOfStock,
                    detail: format!("Not enough in stock: {}.", skus.join(", ")),
                    fields: shortages.iter().map(field).collect(),
                }
            }
            PlaceOrderError::Money(error) => Self::invalid(vec![FieldFault::new(
                "cart_id",
                "not_payable",
                format!("The cart has no valid total: {error}."),
            )]),
            PlaceOrderError::TooManyShards => Self::new(
                Code::CartFull,
                "Too many lines are down to their last units; place several smaller orders.",
            ),
            PlaceOrderError::Contended => Self::new(
                Code::Busy,
                "Many people are ordering this right now; send the same request again.",
            ),
        }
    }
}

/// The id of the order that belongs to an idempotency key.
pub fn order_id(key: &IdempotencyKey) -> OrderId {
    OrderId::derived(&["guest", "POST /v1/orders", key.as_str()])
}

/// Data that an order is placed from: the cart and the current prices and stock of its variants.
#[derive(Clone, Copy, Debug)]
pub struct PricingContext<'a> {
    /// The cart to order.
    pub cart: &'a Cart,
    /// Variants of the cart's lines, by SKU.
    pub variants: &'a HashMap<Sku, Variant>,
    /// Currency of the shop.
    pub currency: Currency,
    /// Current time.
    pub now: Timestamp,
    /// How long the stock is reserved for a payment.
    pub payment_window: SignedDuration,
    /// Random number that spreads buyers over the shards of a stock.
    pub random: u64,
    /// Id of the request, for correlation.
    pub trace_id: &'a str,
}

/// Decides which order a cart becomes. The store commits it only if the data it was decided from is
/// unchanged.
pub fn place_order(
    command: PlaceOrder,
    key: &IdempotencyKey,
    fingerprint: Fingerprint,
    basis: PricingContext<'_>,
) -> Result<Order, PlaceOrderError> {
    let PricingContext {
        cart,
        variants,
        currency,
        now,
        payment_window,
        random,
        trace_id,
    } = basis;
    if cart.order_id.is_some() {
        return Err(PlaceOrderError::CartAlreadyOrdered);
    }
    if cart.lines.is_empty() {
        return Err(PlaceOrderError::CartEmpty);
    }
    let mut lines = Vec::with_capacity(cart.lines.len());
    let mut amounts = Vec::with_capacity(cart.lines.len());
    let mut shortages = Vec::new();
    for line in &cart.lines {
        let variant = variants.get(&line.sku).filter(|variant| variant.for_sale);
        let shares = variant.and_then(|variant| variant.allocate(line.quantity, random));
        let (Some(variant), Some(shares)) = (variant, shares) else {
            shortages.push(Shortage {
                sku: line.sku.clone(),
                wanted: line.quantity,
                available: variant.map_or(0, |variant| variant.total().available),
            });
            continue;
        };
        amounts.push(variant.price.times(line.quantity)?);
        // Empty means all from the first shard.
        let plain = shares.len() == 1 && shares[0].shard == 0;
        lines.push(OrderLine {
            sku: line.sku.clone(),
            title: variant.title.clone(),
            quantity: line.quantity,
            unit_price: variant.price,
            shards: if plain { Vec::new() } else { shares },
            fulfilled: 0,
            withdrawn: 0,
            returned: 0,
            returned_to_stock: 0,
        });
    }
    if !shortages.is_empty() {
        return Err(PlaceOrderError::OutOfStock(shortages));
    }
    Ok(Order {
        id: order_id(key),
        version: 1,
        closed: None,
        cart_id: command.cart_id,
        email: command.email,
        shipping_address: command.shipping_address,
        totals: Totals::of(amounts, currency)?,
        lines,
        payment: Payment {
            method: command.payment,
            status: PaymentStatus::Pending,
            failure: None,
            payment_id: None,
            client_secret: None,
            captured: 0,
        },
        fingerprint,
        placed_at: now,
        due_at: now + payment_window,
        trace_id: trace_id.to_owned(),
        fulfilments: Vec::new(),
        refunds: Vec::new(),
        history: Vec::new(),
    })
}

impl Order {
    /// Order number for people: ten digits of its id, such as `7K3MQ-9QXPB`.
    pub fn number(&self) -> String {
        let digits = self.id.digits();
        let (_, last) = digits.split_at(digits.len() - 10);
        format!("{}-{}", &last[..5], &last[5..])
    }

    /// The bearer token that grants a guest access to the order. It is derived from the cart's id and
    /// not stored; a repeated request gets the same token.
    pub fn access_token(&self) -> String {
        let mut hash = Context::new(&SHA256);
        hash.update(b"order access token\0");
        hash.update(self.cart_id.to_string().as_bytes());
        hash.update(b"\0");
        hash.update(self.id.to_string().as_bytes());
        format!("oat_{}", URL_SAFE_NO_PAD.encode(hash.finish()))
    }

    /// Whether `token` grants access to the order. Compares in constant time.
    pub fn opens_with(&self, token: &str) -> bool {
        let ours = digest(&SHA256, self.access_token().as_bytes());
        let theirs = digest(&SHA256, token.as_bytes());
        let differing = ours
            .as_ref()
            .iter()
            .zip(theirs.as_ref())
            .fold(0, |differing, (a, b)| differing | (a ^ b));
        differing == 0
    }

    /// The order as it was placed: the response to a repeated request.
    pub fn as_placed(&self) -> Self {
        let mut order = self.clone();
        order.version = 1;
        order.closed = None;
        order.payment = Payment {
            method: order.payment.method,
            status: PaymentStatus::Pending,
            failure: None,
            payment_id: None,
            client_secret: None,
            captured: 0,
        };
        for line in &mut order.lines {
            line.fulfilled = 0;
            line.withdrawn = 0;
            line.returned = 0;
            line.returned_to_stock = 0;
        }
        order.fulfilments.clear();
        order.refunds.clear();
        order.history.clear();
        order
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::inventory::Stock;
    use proptest::prelude::*;

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    fn variant(sku: &str, price: i64, available: i64, for_sale: bool) -> Variant {
        Variant {
            sku: sku.parse().unwrap(),
            product_slug: "p".into(),
            title: "T".into(),
            price: Money::new(price, usd()),
            for_sale,
            backorder: false,
            shards: 1,
            stock: vec![Stock {
                available,
                counted: available,
                ..Stock::default()
            }],
        }
    }

    fn command(cart_id: CartId) -> PlaceOrder {
        PlaceOrder {
            cart_id,
            email: "ada@example.com".into(),
            shipping_address: Address {
                name: "Ada".into(),
                line1: "1".into(),
                line2: None,
                city: "C".into(),
                region: None,
                postal_code: "1".into(),
                country: "GB".into(),
            },
            payment: PaymentMethod {
                provider: Provider::Test,
                token: Some("tok_ok".into()),
            },
        }
    }

    fn place(lines: &[(String, u32)], variants: &[Variant]) -> Result<Order, PlaceOrderError> {
        let mut cart = Cart::new([7; 16], Timestamp::UNIX_EPOCH);
        let line = |(sku, quantity): &(String, u32)| crate::cart::CartLine {
            sku: sku.parse().unwrap(),
            quantity: *quantity,
        };
        cart.lines = lines.iter().map(line).collect();
        let variants: HashMap<Sku, Variant> = variants
            .iter()
            .map(|variant| (variant.sku.clone(), variant.clone()))
            .collect();
        let command = command(cart.id);
        let fingerprint = Fingerprint::of(&command).unwrap();
        let basis = PricingContext {
            cart: &cart,
            variants: &variants,
            currency: usd(),
            now: Timestamp::UNIX_EPOCH,
            payment_window: SignedDuration::from_mins(15),
            random: 0,
            trace_id: "t",
        };
        place_order(command, &"key".parse().unwrap(), fingerprint, basis)
    }

    /// An order of these lines (SKU, quantity, price), as placed.
    pub(crate) fn placed(lines: &[(&str, u32, i64)]) -> Order {
        let wanted: Vec<(String, u32)> = lines
            .iter()
            .map(|(sku, quantity, _)| ((*sku).into(), *quantity))
            .collect();
        let variants: Vec<Variant> = lines
            .iter()
            .map(|(sku, quantity, price)| variant(sku, *price, i64::from(*quantity), true))
            .collect();
        place(&wanted, &variants).unwrap()
    }

    proptest! {
        #[test]
        fn an_order_is_served_whole_or_names_exactly_what_is_short(
            wanted in prop::collection::vec((1_u32..=999, 0_i64..1200, 0_i64..100_000, any::<bool>()), 1..8)
        ) {
            let mut lines = Vec::new();
            let mut variants = Vec::new();
            let (mut short, mut total) = (Vec::new(), 0);
            for (index, (quantity, available, price, for_sale)) in wanted.into_iter().enumerate() {
                let sku = format!("S{index}");
                if !for_sale || available < i64::from(quantity) {
                    short.push(sku.clone());
                }
                total += price * i64::from(quantity);
                variants.push(variant(&sku, price, available, for_sale));
                lines.push((sku, quantity));
            }
            match place(&lines, &variants) {
                Ok(order) => {
                    prop_assert!(short.is_empty());
                    prop_assert_eq!(order.totals.total.amount, total);
                    prop_assert_eq!(order.lines.len(), lines.len());
                }
                Err(PlaceOrderError::OutOfStock(shortages)) => {
                    let named: Vec<String> = shortages.iter().map(|short| short.sku.to_string()).collect();
                    prop_assert_eq!(named, short);
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }

    #[test]
    fn only_its_own_token_opens_an_order() {
        let order = place(&[("S".into(), 1)], &[variant("S", 100, 1, true)]).unwrap();
        let mut of_another_cart = order.clone();
        of_another_cart.cart_id = CartId::random([8; 16]);
        assert!(order.opens_with(&order.access_token()));
        assert!(!order.opens_with(&of_another_cart.access_token()));
        assert!(!order.opens_with(""));
    }
}
