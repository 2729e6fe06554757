//! Places an order for a cart: decides its lines, stock and totals, or the reason for a rejection.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Address, Excess, Order, OrderLine, Payment, PaymentWindow, UnitLimits, too_many_units,
};
use crate::{
    cart::{Cart, Totals},
    catalog::Sku,
    documents::Revisions,
    fault::{Code, FieldFault, Rejection},
    id::{AccountId, CartId, OrderId},
    idempotency::{Fingerprint, IdempotencyKey},
    inventory::Variant,
    money::{Currency, MoneyError},
    payments::{PaymentMethod, PaymentStatus},
    text::shortened,
    trace::Cause,
};

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
    /// The cart never existed, has expired, or is another's.
    #[error("cart not found")]
    NoSuchCart,
    /// The cart was merged into that of an account.
    #[error("the cart was merged into the cart of an account")]
    CartMerged,
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
    /// More units of a SKU, or of the order, than the shop's limits.
    #[error("{} limit(s) of units are exceeded", .0.len())]
    TooManyUnits(Vec<Excess>),
    /// Too many unpaid orders of the email address or the network.
    #[error("a holder has too many unpaid orders")]
    TooManyUnpaid,
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
            PlaceOrderError::CartMerged => crate::cart::merged(),
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
                Self::of_fields(
                    Code::OutOfStock,
                    format!("Not enough in stock: {}.", skus.join(", ")),
                    shortages.iter().map(field).collect(),
                )
            }
            PlaceOrderError::Money(error) => Self::invalid(vec![FieldFault::new(
                "cart_id",
                "not_payable",
                format!("The cart has no valid total: {error}."),
            )]),
            PlaceOrderError::TooManyUnits(excesses) => too_many_units(&excesses),
            PlaceOrderError::TooManyUnpaid => Self::new(
                Code::TooManyUnpaidOrders,
                "Too many orders of this email address or network are not paid; pay or cancel one, or try again later.",
            ),
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

/// Maximum size of a line's title, in bytes: an order is one item with all its lines. Titles of products and
/// options may be longer.
pub const MAX_TITLE_BYTES: usize = 600;

/// The id of the order that belongs to an idempotency key. Guests share one space of keys, each account has its own.
pub fn order_id(account: Option<AccountId>, key: &IdempotencyKey) -> OrderId {
    let caller = account.map_or_else(|| "guest".to_owned(), |account| account.to_string());
    OrderId::derived(&[&caller, "POST /v1/orders", key.as_str()])
}

/// Data that an order is placed from: the cart and the current prices and stock of its variants.
#[derive(Clone, Copy, Debug)]
pub struct PricingContext<'a> {
    /// The cart to order.
    pub cart: &'a Cart,
    /// The account of the person who is signed in; `None` for a guest.
    pub account: Option<AccountId>,
    /// Variants of the cart's lines, by SKU.
    pub variants: &'a HashMap<Sku, Variant>,
    /// Currency of the shop.
    pub currency: Currency,
    /// Current time.
    pub now: Timestamp,
    /// How long the stock is reserved for a payment.
    pub payment_window: PaymentWindow,
    /// Most units of a SKU and of the order.
    pub limits: UnitLimits,
    /// Random number that spreads buyers over the shards of a stock.
    pub random: u64,
    /// Id of the request, for correlation.
    pub cause: Cause<'a>,
    /// Revisions of the documents that these data are from.
    pub revisions: Revisions,
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
        account,
        variants,
        currency,
        now,
        payment_window,
        limits,
        random,
        cause,
        revisions,
    } = basis;
    if !cart.is_open_to(account) {
        return Err(PlaceOrderError::NoSuchCart);
    }
    if cart.merged_into.is_some() {
        return Err(PlaceOrderError::CartMerged);
    }
    if cart.order_id.is_some() {
        return Err(PlaceOrderError::CartAlreadyOrdered);
    }
    if cart.lines.is_empty() {
        return Err(PlaceOrderError::CartEmpty);
    }
    let excesses = limits.excesses(cart.lines.iter().map(|line| (&line.sku, line.quantity)));
    if !excesses.is_empty() {
        return Err(PlaceOrderError::TooManyUnits(excesses));
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
            title: shortened(variant.title.clone(), MAX_TITLE_BYTES),
            quantity: line.quantity,
            unit_price: variant.price,
            shards: if plain { Vec::new() } else { shares },
            fulfilled: 0,
            withdrawn: 0,
            returned: 0,
            returned_to_stock: 0,
            refunded: 0,
        });
    }
    if !shortages.is_empty() {
        return Err(PlaceOrderError::OutOfStock(shortages));
    }
    Ok(Order {
        id: order_id(account, key),
        version: 1,
        closed: None,
        cart_id: command.cart_id,
        account,
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
            unanswered: 0,
        },
        fingerprint,
        placed_at: now,
        due_at: payment_window.first_due(now),
        window: payment_window,
        unpaid_notice_at: None,
        trace_id: cause.trace_id.to_owned(),
        traceparent: cause.traceparent,
        revisions,
        fulfilments: Vec::new(),
        refunds: Vec::new(),
        returns: Vec::new(),
        history: Vec::new(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use jiff::SignedDuration;

    use super::*;
    use crate::trace::TraceParent;
    use crate::{inventory::Stock, money::Money, payments::Provider};

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
            untracked: false,
            shards: 1,
            split_at: None,
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
                city: Some("C".into()),
                region: None,
                postal_code: Some("1".into()),
                country: "GB".into(),
            },
            payment: PaymentMethod {
                provider: Provider::Test,
                token: Some("tok_ok".into()),
            },
        }
    }

    fn place(lines: &[(String, u32)], variants: &[Variant]) -> Result<Order, PlaceOrderError> {
        let mut cart = Cart::new([7; 16], None, Timestamp::UNIX_EPOCH);
        let line = |(sku, quantity): &(String, u32)| crate::cart::CartLine {
            sku: sku.parse().unwrap(),
            quantity: *quantity,
            added_at: Timestamp::UNIX_EPOCH,
        };
        cart.lines = lines.iter().map(line).collect();
        let variants: HashMap<Sku, Variant> = variants
            .iter()
            .map(|variant| (variant.sku.clone(), variant.clone()))
            .collect();
        place_from(&cart, None, &variants)
    }

    fn place_from(
        cart: &Cart,
        account: Option<AccountId>,
        variants: &HashMap<Sku, Variant>,
    ) -> Result<Order, PlaceOrderError> {
        let command = command(cart.id);
        let fingerprint = Fingerprint::of(&command).unwrap();
        let basis = PricingContext {
            cart,
            account,
            variants,
            currency: usd(),
            now: Timestamp::UNIX_EPOCH,
            payment_window: PaymentWindow::flat(SignedDuration::from_mins(15)),
            limits: UnitLimits::default(),
            random: 0,
            cause: Cause {
                trace_id: "t",
                traceparent: TraceParent::begin("t"),
            },
            revisions: Revisions::default(),
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

    /// Kind of fault: a credential that is taken for another one.
    #[test]
    fn a_cart_of_an_account_is_ordered_by_its_owner() {
        let [ada, bea] = [1, 2].map(|id| Some(AccountId::random([id; 16])));
        let variants = HashMap::from([("S".parse().unwrap(), variant("S", 100, 9, true))]);
        let cart = |account| Cart {
            lines: vec![crate::cart::CartLine {
                sku: "S".parse().unwrap(),
                quantity: 1,
                added_at: Timestamp::UNIX_EPOCH,
            }],
            ..Cart::new([7; 16], account, Timestamp::UNIX_EPOCH)
        };
        for (owner, caller, opens) in [
            (None, None, true),
            (None, ada, true),
            (ada, ada, true),
            (ada, bea, false),
            (ada, None, false),
        ] {
            let placed = place_from(&cart(owner), caller, &variants);
            match opens {
                true => assert_eq!(placed.unwrap().account, caller),
                false => assert_eq!(placed, Err(PlaceOrderError::NoSuchCart)),
            }
        }
        let merged = Cart {
            merged_into: Some(CartId::random([8; 16])),
            ..cart(None)
        };
        for caller in [None, ada] {
            let placed = place_from(&merged, caller, &variants);
            assert_eq!(placed, Err(PlaceOrderError::CartMerged));
        }
    }

    /// Keys of orders that are stored: they stay as they are.
    #[test]
    fn an_account_has_idempotency_keys_of_its_own() {
        let key = "key".parse().unwrap();
        let of_guests = OrderId::derived(&["guest", "POST /v1/orders", "key"]);
        assert_eq!(order_id(None, &key), of_guests);
        let [ada, bea] = [1, 2].map(|id| order_id(Some(AccountId::random([id; 16])), &key));
        assert!(ada != bea && ada != of_guests);
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
}
