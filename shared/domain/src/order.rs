//! The order: placed in one transaction with its reservation, then paid or not.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    cart::{Cart, Totals},
    catalog::Sku,
    fault::{Code, FieldFault, Rejection},
    id::{CartId, OrderId},
    idempotency::{Fingerprint, IdempotencyKey},
    inventory::Variant,
    money::{Currency, Money, MoneyError},
    payment::{PaymentFailure, PaymentMethod, PaymentStatus, Provider},
    text::FieldCheck,
};

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
    /// `test`, the built-in provider.
    pub method: String,
    /// The provider's token: for `test` one of `tok_ok`, `tok_flaky`, `tok_timeout`; any other is
    /// declined.
    pub token: String,
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
    /// The command, or all fields at fault at once.
    pub fn parse(self) -> Result<PlaceOrder, Rejection> {
        let mut check = FieldCheck::default();
        let cart_id = self.cart_id.parse::<CartId>();
        if cart_id.is_err() {
            check.fault("cart_id", "invalid", "Must be the id of a cart (crt_…).");
        }
        let email = check.email("email", &self.email);
        let shipping_address = self.shipping_address.parse(&mut check);
        let provider = Provider::named(&self.payment.method);
        if provider.is_none() {
            check.fault("payment.method", "unknown_method", "Must be \"test\".");
        }
        let token = check.line("payment.token", &self.payment.token, 100);
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// The stock is reserved, the payment is due.
    PendingPayment,
    /// Paid; the goods are the customer's.
    Paid,
    /// The payment failed; the stock was released.
    PaymentFailed,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Derived from the idempotency key, so that a repeated request meets the same order.
    pub id: OrderId,
    /// Raised by every change.
    pub version: u64,
    /// Where it stands.
    pub status: OrderStatus,
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
    /// Identifier of the request that placed it, to follow it across functions.
    pub trace_id: String,
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
    /// The provider's name for the charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_id: Option<String>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What was bought.
    pub sku: Sku,
    /// Its title then.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// What one cost then.
    pub unit_price: Money,
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
        let available = variant.map_or(0, |variant| variant.available);
        match variant {
            Some(variant) if available >= i64::from(line.quantity) => {
                amounts.push(variant.price.times(line.quantity)?);
                lines.push(OrderLine {
                    sku: line.sku.clone(),
                    title: variant.title.clone(),
                    quantity: line.quantity,
                    unit_price: variant.price,
                });
            }
            _ => shortages.push(Shortage {
                sku: line.sku.clone(),
                wanted: line.quantity,
                available,
            }),
        }
    }
    if !shortages.is_empty() {
        return Err(PlaceOrderError::OutOfStock(shortages));
    }
    Ok(Order {
        id: order_id(key),
        version: 1,
        status: OrderStatus::PendingPayment,
        cart_id: command.cart_id,
        email: command.email,
        shipping_address: command.shipping_address,
        totals: Totals::of(amounts, currency)?,
        lines,
        payment: Payment {
            method: command.payment,
            status: PaymentStatus::Pending,
            failure: None,
            charge_id: None,
        },
        fingerprint,
        placed_at: now,
        trace_id: trace_id.to_owned(),
    })
}

/// How the attempt to charge an order ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The money is ours.
    Captured {
        /// The provider's name for the charge.
        charge_id: String,
    },
    /// No money was taken, and none will be.
    Failed(PaymentFailure),
}

impl Order {
    /// The order after its payment was settled; `None` if it is settled already, so that a message
    /// seen twice changes nothing.
    pub fn settled(&self, settlement: Settlement) -> Option<Self> {
        if self.status != OrderStatus::PendingPayment {
            return None;
        }
        let mut order = self.clone();
        order.version += 1;
        match settlement {
            Settlement::Captured { charge_id } => {
                order.status = OrderStatus::Paid;
                order.payment.status = PaymentStatus::Captured;
                order.payment.charge_id = Some(charge_id);
            }
            Settlement::Failed(failure) => {
                order.status = OrderStatus::PaymentFailed;
                order.payment.status = PaymentStatus::Failed;
                order.payment.failure = Some(failure);
            }
        }
        Some(order)
    }

    /// What people call the order: ten digits of its id, such as `7K3MQ-9QXPB`.
    pub fn number(&self) -> String {
        let digits = self.id.digits();
        let (_, last) = digits.split_at(digits.len() - 10);
        format!("{}-{}", &last[..5], &last[5..])
    }

    /// The guest's right to read the order. Only who knows the cart can have it, and the order
    /// does not store it; the same request gets the same one.
    pub fn access_token(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"order access token\0");
        hash.update(self.cart_id.to_string());
        hash.update(b"\0");
        hash.update(self.id.to_string());
        format!("oat_{}", URL_SAFE_NO_PAD.encode(hash.finalize()))
    }

    /// Whether `token` opens this order. Takes as long for a nearly right token as for any other.
    pub fn opens_with(&self, token: &str) -> bool {
        let ours = Sha256::digest(self.access_token());
        let theirs = Sha256::digest(token);
        let differing = ours
            .iter()
            .zip(theirs.iter())
            .fold(0, |differing, (a, b)| differing | (a ^ b));
        differing == 0
    }

    /// The order as it was when it was placed: what a repeated request is answered with.
    pub fn as_placed(&self) -> Self {
        let mut order = self.clone();
        order.version = 1;
        order.status = OrderStatus::PendingPayment;
        order.payment.status = PaymentStatus::Pending;
        order.payment.failure = None;
        order.payment.charge_id = None;
        order
    }
}

/// An order as its customer sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OrderView {
    /// Identifier.
    pub id: OrderId,
    /// What people call it.
    pub number: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// What was bought.
    pub lines: Vec<OrderLineView>,
    /// What it comes to.
    pub totals: Totals,
    /// The payment.
    pub payment: PaymentView,
    /// Where the confirmation goes.
    pub email: String,
    /// Where the goods go.
    pub shipping_address: Address,
    /// When it was placed.
    #[schemars(with = "String")]
    pub placed_at: Timestamp,
    /// The right to read the order, as bearer token; given once, to who placed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

/// One line of an order, as its customer sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OrderLineView {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Product and options.
    pub title: String,
    /// Units.
    pub quantity: u32,
    /// What one cost.
    pub unit_price: Money,
    /// What the line cost.
    pub line_total: Money,
}

/// The payment of an order, as its customer sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PaymentView {
    /// Which provider takes it.
    pub method: Provider,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<PaymentFailure>,
}

impl OrderView {
    /// The order for a reader who has shown the token.
    pub fn of(order: &Order) -> Result<Self, MoneyError> {
        let lines = order.lines.iter().map(|line| {
            Ok(OrderLineView {
                sku: line.sku.clone(),
                title: line.title.clone(),
                quantity: line.quantity,
                unit_price: line.unit_price,
                line_total: line.unit_price.times(line.quantity)?,
            })
        });
        Ok(Self {
            id: order.id,
            number: order.number(),
            status: order.status,
            lines: lines.collect::<Result<_, MoneyError>>()?,
            totals: order.totals.clone(),
            payment: PaymentView {
                method: order.payment.method.provider,
                status: order.payment.status,
                failure: order.payment.failure,
            },
            email: order.email.clone(),
            shipping_address: order.shipping_address.clone(),
            placed_at: order.placed_at,
            access_token: None,
        })
    }

    /// The answer to who placed the order: as it was placed, with the token.
    pub fn placed(order: &Order) -> Result<Self, MoneyError> {
        let mut view = Self::of(&order.as_placed())?;
        view.access_token = Some(order.access_token());
        Ok(view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            available,
            reserved: 0,
            for_sale,
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
                token: "tok_ok".into(),
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
            trace_id: "t",
        };
        place_order(command, &"key".parse().unwrap(), fingerprint, basis)
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
    fn an_order_is_settled_once() {
        let order = place(&[("S".into(), 1)], &[variant("S", 100, 1, true)]).unwrap();
        let paid = order
            .settled(Settlement::Captured {
                charge_id: "c".into(),
            })
            .unwrap();
        assert_eq!(
            (paid.status, paid.payment.status),
            (OrderStatus::Paid, PaymentStatus::Captured)
        );
        let failed = order
            .settled(Settlement::Failed(PaymentFailure::Declined))
            .unwrap();
        assert_eq!(failed.status, OrderStatus::PaymentFailed);
        for settled in [&paid, &failed] {
            assert_eq!(settled.version, order.version + 1);
            assert_eq!(
                settled.settled(Settlement::Failed(PaymentFailure::Declined)),
                None
            );
            assert_eq!(
                settled.as_placed(),
                order,
                "a replay answers with the order as it was placed"
            );
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
