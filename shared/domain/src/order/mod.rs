//! The order: placed in one transaction with its reservation, then paid, shipped, refunded or not
//! ([`Order::status`] and the changes beside it).

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
    payment::{PaymentFailure, PaymentMethod, PaymentStatus, Provider},
    text::FieldCheck,
};

mod change;
mod life;
mod view;

pub use change::{CancelOrderBody, FulfilOrderBody, RefundOrderBody};
pub use life::{
    Actor, ChangeError, Closed, Fulfil, Fulfilment, HistoryEntry, MAX_PARTS, Refund, RefundStatus,
    RequestRefund, Transition, Units, What,
};
pub use view::{OrderLineView, OrderView, PaymentView, RefundView, StaffOrderView};

/// Body of `POST /v1/orders`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderBody {
    /// The cart to order; it is used up.
    pub cart_id: String,
    /// Where the confirmation goes.
    pub email: String,
    /// Where the goods go.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "AddressBody")]
    pub shipping_address: AddressBody,
    /// How it is paid.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "PaymentBody")]
    pub payment: PaymentBody,
}

/// A postal address as sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressBody {
    /// Recipient, at most 100 characters.
    pub name: String,
    /// Street and number, at most 200 characters.
    pub line1: String,
    /// Flat, company and the like, at most 200 characters.
    #[serde(default)]
    pub line2: Option<String>,
    /// At most 100 characters.
    pub city: String,
    /// State, province or county, at most 100 characters.
    #[serde(default)]
    pub region: Option<String>,
    /// At most 20 characters.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
}

/// Means of payment as sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentBody {
    /// `test`, the built-in provider, or `stripe`; whichever the shop offers.
    pub method: String,
    /// The provider's token for the means of payment. For `test` one of `tok_ok`, `tok_flaky`,
    /// `tok_timeout`, `tok_refund_fails`; any other is declined. For `stripe` a payment method
    /// (`pm_…`), or nothing: then the customer's own client confirms the payment with the
    /// `client_secret` that the order shows.
    #[serde(default)]
    pub token: Option<String>,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Recipient.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Flat, company and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// City.
    pub city: String,
    /// State, province or county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
}

/// The command of [`place_order`]; serialises to what its idempotency fingerprint is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceOrder {
    /// The cart to order.
    pub cart_id: CartId,
    /// Where the confirmation goes.
    pub email: String,
    /// Where the goods go.
    pub shipping_address: Address,
    /// How it is paid.
    pub payment: PaymentMethod,
}

impl PlaceOrderBody {
    /// The command, or all fields at fault at once; payable with one of the `offered` providers.
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
            let message = format!("The shop takes: {}.", names.join(", "));
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
                "Must be an ISO 3166-1 alpha-2 code such as DE, in capitals.",
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

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// The stock is reserved, the payment is due.
    PendingPayment,
    /// Paid; the goods are the customer's.
    Paid,
    /// Some of it was shipped.
    PartiallyFulfilled,
    /// All of it was shipped.
    Fulfilled,
    /// The payment failed; the stock was released.
    PaymentFailed,
    /// It was not paid in time; the stock was released.
    Expired,
    /// It was called off; the stock was released, what was paid goes back.
    Cancelled,
    /// Some of the money went back.
    PartiallyRefunded,
    /// All of the money went back.
    Refunded,
}

impl OrderStatus {
    /// Its name on the wire.
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

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Derived from the idempotency key, so that a repeated request meets the same order.
    pub id: OrderId,
    /// Raised by every change.
    pub version: u64,
    /// Why it ended without being sold, if it did.
    pub closed: Option<Closed>,
    /// The cart it came from; the access token is derived from it.
    pub cart_id: CartId,
    /// Where the confirmation goes.
    pub email: String,
    /// Where the goods go.
    pub shipping_address: Address,
    /// What was bought, at the price it was bought for.
    pub lines: Vec<OrderLine>,
    /// What it comes to.
    pub totals: Totals,
    /// How it is paid.
    pub payment: Payment,
    /// Fingerprint of the request that placed it.
    pub fingerprint: Fingerprint,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Until when its stock is reserved for a payment.
    pub due_at: Timestamp,
    /// Identifier of the request that placed it, to follow it across functions.
    pub trace_id: String,
    /// What was handed to carriers.
    pub fulfilments: Vec<Fulfilment>,
    /// What goes back, or went.
    pub refunds: Vec<Refund>,
    /// What has happened to it since it was placed: one entry for each version after the first.
    pub history: Vec<HistoryEntry>,
}

/// The payment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// How the customer pays.
    #[serde(flatten)]
    pub method: PaymentMethod,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<PaymentFailure>,
    /// The provider's name for the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// What the customer's client confirms the payment with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// What was captured, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub captured: i64,
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// What was bought.
    pub sku: Sku,
    /// Its title then.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// What one cost then.
    pub unit_price: Money,
    /// The shards of the stock it was taken from; none for all from the first.
    pub shards: Vec<Share>,
    /// Units handed to a carrier.
    pub fulfilled: u32,
    /// Units that were refunded before they were shipped, and never will be.
    pub withdrawn: u32,
    /// Units that were refunded after they were shipped.
    pub returned: u32,
    /// Of those, how many can be sold again.
    pub returned_to_stock: u32,
}

/// A line that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The SKU.
    pub sku: Sku,
    /// How many were wanted.
    pub wanted: u32,
    /// How many there are.
    pub available: i64,
}

/// Why an order was not placed. Nothing was reserved and nothing will be charged.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlaceOrderError {
    /// Never existed, or expired.
    #[error("there is no such cart")]
    NoSuchCart,
    /// Nothing in it.
    #[error("the cart is empty")]
    CartEmpty,
    /// Became another order.
    #[error("the cart has become another order")]
    CartAlreadyOrdered,
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Lines that cannot be served.
    #[error("{} line(s) cannot be served", .0.len())]
    OutOfStock(Vec<Shortage>),
    /// The prices are not of one currency, or too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Other buyers were faster again and again.
    #[error("the transaction met others again and again")]
    Contended,
    /// The last units of many lines lie in too many places for one transaction.
    #[error("the units lie in too many places")]
    Scattered,
}

impl From<PlaceOrderError> for Rejection {
    fn from(error: PlaceOrderError) -> Self {
        match error {
            PlaceOrderError::NoSuchCart => Self::not_found("cart"),
            PlaceOrderError::CartEmpty => Self::new(
                Code::CartEmpty,
                "The cart is empty; put something in first.",
            ),
            PlaceOrderError::CartAlreadyOrdered => crate::cart::already_ordered(),
            PlaceOrderError::KeyReused => crate::idempotency::reused(),
            PlaceOrderError::OutOfStock(shortages) => {
                let field = |short: &Shortage| {
                    let message = match short.available {
                        ..=0 => "Sold out.".to_owned(),
                        left => format!("Only {left} left; {} were wanted.", short.wanted),
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
            PlaceOrderError::Scattered => Self::new(
                Code::CartFull,
                "Too many of these are down to their last units for one order; order fewer at once.",
            ),
            PlaceOrderError::Contended => Self::new(
                Code::Busy,
                "Many people order this at the moment; send the same request again.",
            ),
        }
    }
}

/// The id of the order that this key asks for.
pub fn order_id(key: &IdempotencyKey) -> OrderId {
    OrderId::derived(&["guest", "POST /v1/orders", key.as_str()])
}

/// What an order is placed from: the cart, and what its variants cost and hold now.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The cart.
    pub cart: &'a Cart,
    /// Its variants.
    pub variants: &'a HashMap<Sku, Variant>,
    /// The shop's currency.
    pub currency: Currency,
    /// The time.
    pub now: Timestamp,
    /// How long the stock is reserved for a payment.
    pub payment_window: SignedDuration,
    /// Spreads buyers over the shards of a stock.
    pub random: u64,
    /// Identifier of the request.
    pub trace_id: &'a str,
}

/// Decides what a cart becomes. The store then commits it only if its basis still holds.
pub fn place_order(
    command: PlaceOrder,
    key: &IdempotencyKey,
    fingerprint: Fingerprint,
    basis: Basis<'_>,
) -> Result<Order, PlaceOrderError> {
    let Basis {
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
        // All from the first is what is not worth a word.
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
    /// What people call the order: ten digits of its id, such as `7K3MQ-9QXPB`.
    pub fn number(&self) -> String {
        let digits = self.id.digits();
        let (_, last) = digits.split_at(digits.len() - 10);
        format!("{}-{}", &last[..5], &last[5..])
    }

    /// The guest's right to read the order. Only who knows the cart can have it, and the order
    /// does not store it; the same request gets the same one.
    pub fn access_token(&self) -> String {
        let mut hash = Context::new(&SHA256);
        hash.update(b"order access token\0");
        hash.update(self.cart_id.to_string().as_bytes());
        hash.update(b"\0");
        hash.update(self.id.to_string().as_bytes());
        format!("oat_{}", URL_SAFE_NO_PAD.encode(hash.finish()))
    }

    /// Whether `token` opens this order. Takes as long for a nearly right token as for any other.
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

    /// The order as it was when it was placed: what a repeated request is answered with.
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
        let basis = Basis {
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
