//! The current cart of an account: made once, and joined by the carts of guests who sign in, however many devices do so at
//! the same time.

use domain::{
    cart::{Cart, Merge, MergeCartsError, merge_carts},
    fault::{Failure, Rejection},
    id::{AccountId, CartId},
    orders::UnitLimits,
};
use jiff::Timestamp;
use store::{Attempts, Consistency, Store};

/// The current cart of an account, which is a new and empty one if it has none.
pub async fn current(store: &Store, account: AccountId, now: Timestamp) -> Result<Cart, Failure> {
    let mut attempts = Attempts::new("create account cart");
    loop {
        attempts.next().await?;
        let before = store.account_cart(account, now).await?;
        if let Some(cart) = before.cart {
            return Ok(cart);
        }
        let cart = Cart::new(runtime::random()?, Some(account), now);
        // Another device may have created one meanwhile: then that is the current one.
        if store.create_account_cart(&cart, &before).await? {
            return Ok(cart);
        }
    }
}

/// Merges a cart into the current one of an account, and returns the one that has its lines. Repeated, it changes nothing.
pub async fn merge(
    store: &Store,
    id: CartId,
    account: AccountId,
    limits: UnitLimits,
    now: Timestamp,
) -> Result<Cart, Failure> {
    let missing = || Rejection::from(MergeCartsError::NoSuchCart);
    let mut attempts = Attempts::new("merge carts");
    loop {
        attempts.next().await?;
        // The account's cart first: a guest's that has become it meanwhile is then read as the account's own.
        let current = store.account_cart(account, now).await?;
        let cart = store.cart(id, now, Consistency::Strong).await?;
        let cart = cart.ok_or_else(missing)?;
        let merge = merge_carts(&cart, current.cart.as_ref(), account, limits, now);
        let (next, is_written) = match merge.map_err(Rejection::from)? {
            Merge::Own => return Ok(cart),
            Merge::Before(target) => {
                let target = store.cart(target, now, Consistency::Strong).await?;
                let target = target.filter(|target| target.account == Some(account));
                return Ok(target.ok_or_else(missing)?);
            }
            Merge::Adopted(next) => {
                let is_written = store.adopt_cart(&next, &current).await?;
                (next, is_written)
            }
            Merge::Joined(next) => {
                let is_written = store.join_carts(&cart, &next, &current).await?;
                (next, is_written)
            }
        };
        if is_written {
            tracing::info!(cart.lines = next.lines.len(), "cart merged");
            return Ok(next);
        }
        // One of the carts was changed, merged or ordered meanwhile, or the account has got another one.
    }
}
