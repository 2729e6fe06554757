//! `POST /v1/orders`: places an order: reserves the stock and creates the order in one transaction.
//! Repeating a request with the same `Idempotency-Key` returns the same order.

use std::{process::ExitCode, sync::Arc};

use control::{Control, ControlError};
use domain::{
    fault::Rejection,
    id::AccountId,
    idempotency::{self, Fingerprint, IdempotencyKey},
    money::Currency,
    orders::{
        Holder, Order, OrderView, PaymentWindow, PlaceOrder as Command, PlaceOrderBody,
        PlaceOrderError, PricingContext, UnitLimits, UnpaidLimit, UnpaidLimits, order_id,
        place_order,
    },
    payments::Provider,
    trace::Cause,
};
use futures_util::future::try_join;
use jiff::Timestamp;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::{Attempts, Consistency, Placement, Shards, Store, StoreError};

pub(crate) struct PlaceOrder {
    store: Store,
    control: Arc<Control>,
    currency: Currency,
    /// The template's, where the settings have none.
    payment_window: PaymentWindow,
    units: UnitLimits,
    unpaid: UnpaidLimits,
    /// With which holders of unpaid orders are named.
    secret: String,
    offered: Vec<Provider>,
}

impl Endpoint for PlaceOrder {
    const ACCESS: Access = Access::Guest;
    const SUCCESS: u16 = 201;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<PlaceOrderBody>;
    type Response = OrderView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<OrderView>, Failure> {
        let key = request.idempotency_key()?;
        let cause = Cause {
            trace_id: &request.trace_id,
            traceparent: request.traceparent,
        };
        let account = request.identity().account();
        let command = request.body.0.parse(&self.offered)?;
        let holders = self
            .unpaid
            .holders(&self.secret, &command.email, account, request.viewer);
        let intent = Intent {
            fingerprint: Fingerprint::of(&command).map_err(Failure::internal)?,
            command,
            account,
            key,
        };
        let order = self.place(&intent, &holders, request.now, cause).await?;
        tracing::info!(order.id = %order.id, "order placed");
        let view = OrderView::placed(&order).map_err(Failure::internal)?;
        Ok(Reply::of(&view)?.at(format!("/v1/orders/{}", order.id)))
    }
}

/// The order that somebody wants to place.
struct Intent {
    command: Command,
    fingerprint: Fingerprint,
    /// Of the person who is signed in.
    account: Option<AccountId>,
    key: IdempotencyKey,
}

/// Why no order was placed.
enum NotPlaced {
    /// A rule forbids it; the client is told which.
    Rejected(PlaceOrderError),
    /// Something failed.
    Failed(Failure),
}

impl From<PlaceOrderError> for NotPlaced {
    fn from(error: PlaceOrderError) -> Self {
        Self::Rejected(error)
    }
}

impl From<Failure> for NotPlaced {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for NotPlaced {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ControlError> for NotPlaced {
    fn from(error: ControlError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NotPlaced> for Failure {
    fn from(error: NotPlaced) -> Self {
        match error {
            NotPlaced::Rejected(error) => Rejection::from(error).into(),
            NotPlaced::Failed(failure) => failure,
        }
    }
}

impl PlaceOrder {
    async fn place(
        &self,
        intent: &Intent,
        holders: &[(Holder, UnpaidLimit)],
        now: Timestamp,
        cause: Cause<'_>,
    ) -> Result<Order, NotPlaced> {
        let mut is_counted = false;
        // Start with eventually consistent reads, as the transaction checks everything they return. A
        // rejection is only based on a consistent read.
        let mut consistency = Consistency::Eventual;
        let mut attempts = Attempts::new("place order");
        while consistency == Consistency::Eventual || attempts.next().await.is_ok() {
            let decided = self.decide(intent, now, cause, consistency).await;
            if let Ok((order, _)) = &decided
                && !is_counted
            {
                // Outside of the transaction: an item that all orders of a network write would be in all of
                // their ways.
                if !orders::holds::count(&self.store, holders, order, now).await? {
                    return Err(PlaceOrderError::TooManyUnpaid.into());
                }
                is_counted = true;
            }
            match decided {
                Ok((order, cart)) => match self.store.place_order(&order, &cart).await? {
                    Placement::Placed { contended } => {
                        if !contended.is_empty() {
                            let relief = orders::relieve(self.store.clone(), contended, now);
                            runtime::after_response(relief);
                        }
                        return Ok(order);
                    }
                    Placement::Exists(order) => return Ok(replay(*order, intent)?),
                    Placement::InProgress => {
                        return Err(Failure::from(idempotency::in_progress()).into());
                    }
                    Placement::TooManyShards => {
                        return self.refuse(PlaceOrderError::TooManyShards, intent).await;
                    }
                    Placement::BasisChanged => {}
                },
                Err(NotPlaced::Rejected(refusal)) if consistency == Consistency::Strong => {
                    return self.refuse(refusal, intent).await;
                }
                // An eventually consistent read may be out of date.
                Err(NotPlaced::Rejected(_)) => {}
                Err(failed) => return Err(failed),
            }
            consistency = Consistency::Strong;
        }
        self.refuse(PlaceOrderError::Contended, intent).await
    }

    /// The order that the cart would become, from the data read so far.
    async fn decide(
        &self,
        intent: &Intent,
        now: Timestamp,
        cause: Cause<'_>,
        consistency: Consistency,
    ) -> Result<(Order, domain::cart::Cart), NotPlaced> {
        // Together, as the control item is checked now and then; the settings of a retry are as new as its cart.
        let current = async { Ok::<_, NotPlaced>(self.control.current(now).await?) };
        let cart_id = intent.command.cart_id;
        let cart = async { Ok(self.store.cart(cart_id, now, consistency).await?) };
        let (current, cart) = try_join(current, cart).await?;
        let Some(cart) = cart else {
            return Err(PlaceOrderError::NoSuchCart.into());
        };
        let skus = cart.lines.iter().map(|line| &line.sku);
        // For a split stock, reading the first shard is enough to price a line; an order is rejected as
        // out of stock only after reading all shards.
        let look = match consistency {
            Consistency::Eventual => Shards::First,
            Consistency::Strong => Shards::All,
        };
        let variants = self.store.variants(skus, consistency, look).await?;
        let basis = PricingContext {
            cart: &cart,
            account: intent.account,
            variants: &variants,
            currency: self.currency,
            now,
            payment_window: current.settings().payment_window(self.payment_window),
            limits: self.units,
            random: runtime::random_number()?,
            cause,
            revisions: current.revisions(),
        };
        let (command, fingerprint) = (intent.command.clone(), intent.fingerprint.clone());
        let order = place_order(command, &intent.key, fingerprint, basis);
        Ok((order?, cart))
    }

    /// Rejects the request, unless the order of its own key exists by now: another call with the key may
    /// have placed it, which used up the cart, or the last units that this call found missing.
    async fn refuse(&self, refusal: PlaceOrderError, intent: &Intent) -> Result<Order, NotPlaced> {
        let id = order_id(intent.account, &intent.key);
        match self.store.order(id, Consistency::Strong).await? {
            Some(order) => Ok(replay(order, intent)?),
            None => Err(refusal.into()),
        }
    }
}

/// The order to return for an idempotency key that was used before.
fn replay(order: Order, intent: &Intent) -> Result<Order, PlaceOrderError> {
    if order.fingerprint == intent.fingerprint {
        Ok(order)
    } else {
        Err(PlaceOrderError::KeyReused)
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(PlaceOrder {
            control,
            store,
            currency: environment.currency()?,
            payment_window: environment.payment_window()?,
            units: UnitLimits {
                per_sku: environment.number("MAX_UNITS_PER_SKU")?,
                per_order: environment.number("MAX_UNITS_PER_ORDER")?,
            },
            unpaid: UnpaidLimits {
                orders_per_email: environment.number("MAX_UNPAID_ORDERS_PER_EMAIL")?,
                units_per_email: environment.number("MAX_UNPAID_UNITS_PER_EMAIL")?,
                orders_per_network: environment.number("MAX_UNPAID_ORDERS_PER_NETWORK")?,
            },
            secret: environment.origin_secret().to_owned(),
            offered: environment.payment_methods()?,
        })
    })
}
