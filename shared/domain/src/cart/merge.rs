//! What becomes of a guest's cart once its guest has signed in: part of the account's cart, or that cart itself.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Cart, CartLine, MAX_LINES, MAX_QUANTITY, already_ordered, rules::expiry};
use crate::{
    catalog::Sku,
    fault::{Code, Rejection},
    id::{AccountId, CartId},
    orders::UnitLimits,
};

/// What is to be done with a cart that is to be merged into that of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Nothing: it is the account's own.
    Own,
    /// Nothing: it was merged before, into this cart.
    Before(CartId),
    /// The account has no cart in use: the guest's becomes the account's. Its next version.
    Adopted(Cart),
    /// The account's cart takes its lines. The next version of the account's cart.
    Joined(Cart),
}

/// Why a cart was not merged. Nothing was changed.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeCartsError {
    /// The cart never existed, has expired, or is another account's.
    #[error("cart not found")]
    NoSuchCart,
    /// An order has been placed from the cart.
    #[error("an order was placed from this cart")]
    AlreadyOrdered,
    /// Together the carts have more than [`MAX_LINES`] lines.
    #[error("the carts have too many lines together")]
    Full,
}

impl From<MergeCartsError> for Rejection {
    fn from(error: MergeCartsError) -> Self {
        match error {
            MergeCartsError::NoSuchCart => Self::not_found("cart"),
            MergeCartsError::AlreadyOrdered => already_ordered(),
            MergeCartsError::Full => Self::new(
                Code::CartFull,
                format!(
                    "A cart holds at most {MAX_LINES} lines, and both carts have more together; place an order or \
                     remove lines, then merge again."
                ),
            ),
        }
    }
}

/// Decides how `cart` becomes part of the cart of `account`. `current` is that cart if it is in use at `now`. The store commits
/// the decision only if both carts are unchanged.
pub fn merge_carts(
    cart: &Cart,
    current: Option<&Cart>,
    account: AccountId,
    limits: UnitLimits,
    now: Timestamp,
) -> Result<Merge, MergeCartsError> {
    if cart.expires_at <= now || !cart.is_open_to(Some(account)) {
        return Err(MergeCartsError::NoSuchCart);
    }
    if cart.account.is_some() {
        return Ok(Merge::Own);
    }
    if let Some(target) = cart.merged_into {
        return Ok(Merge::Before(target));
    }
    if cart.order_id.is_some() {
        return Err(MergeCartsError::AlreadyOrdered);
    }
    let Some(current) = current else {
        return Ok(Merge::Adopted(Cart {
            version: cart.version + 1,
            expires_at: cart.expires_at.max(expiry(now)),
            account: Some(account),
            ..cart.clone()
        }));
    };
    let lines = merged_lines(&current.lines, &cart.lines, limits);
    if lines.len() > MAX_LINES {
        return Err(MergeCartsError::Full);
    }
    Ok(Merge::Joined(Cart {
        version: current.version + 1,
        expires_at: current.expires_at.max(expiry(now)),
        lines,
        ..current.clone()
    }))
}

/// The lines of two carts: every SKU of either, as old as its older line. Of a SKU in both, the larger quantity: a shopper who
/// chose it as a guest and before, on another device, does not get both. No quantity exceeds the limits.
fn merged_lines(these: &[CartLine], those: &[CartLine], limits: UnitLimits) -> Vec<CartLine> {
    let mut lines: BTreeMap<&Sku, CartLine> = BTreeMap::new();
    for line in these.iter().chain(those) {
        let merged = lines.entry(&line.sku).or_insert_with(|| line.clone());
        let larger = merged.quantity.max(line.quantity);
        merged.quantity = limits.within(larger).min(MAX_QUANTITY);
        merged.added_at = merged.added_at.min(line.added_at);
    }
    let mut lines: Vec<CartLine> = lines.into_values().collect();
    // Stable, as where carts are read: lines of the same time stay sorted by SKU.
    lines.sort_by_key(|line| line.added_at);
    lines
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{cart::LIFETIME, id::OrderId};

    fn now() -> Timestamp {
        "2026-11-26T10:00:00.5Z".parse().unwrap()
    }

    fn ada() -> AccountId {
        AccountId::random([1; 16])
    }

    fn line(sku: &str, quantity: u32, second: i64) -> CartLine {
        CartLine {
            sku: sku.parse().unwrap(),
            quantity,
            added_at: now() + SignedDuration::from_secs(second),
        }
    }

    fn cart(id: u8, account: Option<AccountId>, lines: Vec<CartLine>) -> Cart {
        Cart {
            version: 7,
            lines,
            ..Cart::new([id; 16], account, now() - SignedDuration::from_hours(24))
        }
    }

    fn merge(cart: &Cart, current: Option<&Cart>) -> Result<Merge, MergeCartsError> {
        merge_carts(cart, current, ada(), UnitLimits::default(), now())
    }

    #[test]
    fn a_cart_is_merged_once_and_by_those_who_may_use_it() {
        let guest = cart(1, None, vec![line("A", 1, 0)]);
        let own = cart(2, Some(ada()), vec![line("A", 3, 1), line("B", 1, 2)]);
        let bea = Some(AccountId::random([2; 16]));
        let with = |change: fn(&mut Cart)| {
            let mut guest = guest.clone();
            change(&mut guest);
            guest
        };
        let into = own.id;
        let merged = Cart {
            merged_into: Some(into),
            ..guest.clone()
        };
        let ordered = with(|it| it.order_id = Some(OrderId::random([1; 16])));
        let expired = with(|it| it.expires_at = now());
        for current in [None, Some(&own)] {
            for (cart, outcome) in [
                (own.clone(), Ok(Merge::Own)),
                (merged.clone(), Ok(Merge::Before(into))),
                (ordered.clone(), Err(MergeCartsError::AlreadyOrdered)),
                (expired.clone(), Err(MergeCartsError::NoSuchCart)),
                (cart(3, bea, Vec::new()), Err(MergeCartsError::NoSuchCart)),
            ] {
                assert_eq!(merge(&cart, current), outcome, "{cart:?}");
            }
        }
        let Ok(Merge::Adopted(adopted)) = merge(&guest, None) else {
            panic!("the account has no cart");
        };
        assert_eq!((adopted.id, adopted.account), (guest.id, Some(ada())));
        assert_eq!((adopted.version, &adopted.lines), (8, &guest.lines));
        let Ok(Merge::Joined(joined)) = merge(&guest, Some(&own)) else {
            panic!("the account has a cart");
        };
        assert_eq!((joined.id, joined.account), (own.id, Some(ada())));
        // The larger quantity, and the place of the older line.
        assert_eq!(joined.lines, [line("A", 3, 0), line("B", 1, 2)]);
        assert_eq!(joined.version, 8);
        for next in [adopted, joined] {
            let left = next.expires_at.duration_since(now());
            assert_eq!(left, LIFETIME - SignedDuration::from_millis(500));
        }
        // An ordered cart of the account's own is shown as it is.
        let ordered = Cart {
            order_id: Some(OrderId::random([1; 16])),
            ..own
        };
        assert_eq!(merge(&ordered, None), Ok(Merge::Own));
    }

    /// Kind of fault: off by one at a bound.
    #[test]
    fn lines_that_do_not_fit_are_not_left_out() {
        let lines = |from: usize, to: usize| (from..to).map(|it| line(&format!("S{it}"), 1, 0));
        let own = cart(2, Some(ada()), lines(0, 30).collect());
        let fits = cart(1, None, lines(10, MAX_LINES).collect());
        let Ok(Merge::Joined(joined)) = merge(&fits, Some(&own)) else {
            panic!("both have {MAX_LINES} lines");
        };
        assert_eq!(joined.lines.len(), MAX_LINES);
        let more = cart(1, None, lines(10, MAX_LINES + 1).collect());
        assert_eq!(merge(&more, Some(&own)), Err(MergeCartsError::Full));
        assert!(merge(&more, None).is_ok(), "it was that large before");
    }

    fn any_lines() -> impl Strategy<Value = Vec<CartLine>> {
        let any_line = (0_u8..12, 1_u32..=MAX_QUANTITY, 0_i64..4);
        prop::collection::vec(any_line, 0..10).prop_map(|lines| {
            let lines = lines.into_iter();
            let of_sku: BTreeMap<u8, CartLine> = lines
                .map(|(sku, quantity, second)| (sku, line(&format!("S{sku}"), quantity, second)))
                .collect();
            let mut lines: Vec<CartLine> = of_sku.into_values().collect();
            lines.sort_by(|a, b| (a.added_at, &a.sku).cmp(&(b.added_at, &b.sku)));
            lines
        })
    }

    proptest! {
        #[test]
        fn merging_loses_nothing_doubles_nothing_and_keeps_the_limits(
            a in any_lines(), b in any_lines(), c in any_lines(), per_sku in 0_u32..1500,
        ) {
            let limits = UnitLimits { per_sku, per_order: 1 };
            let merged = |a: &[CartLine], b: &[CartLine]| merged_lines(a, b, limits);
            let both = merged(&a, &b);
            prop_assert_eq!(&both, &merged(&b, &a), "which cart is the account's does not matter");
            prop_assert_eq!(&both, &merged(&both, &b), "nor how often");
            prop_assert_eq!(&both, &merged(&both, &both));
            prop_assert_eq!(merged(&both, &c), merged(&a, &merged(&b, &c)), "nor in which order");
            let most = if per_sku == 0 { MAX_QUANTITY } else { per_sku.min(MAX_QUANTITY) };
            let of = |lines: &[CartLine], sku: &Sku| {
                lines.iter().find(|line| line.sku == *sku).map(|line| line.quantity)
            };
            for line in a.iter().chain(&b) {
                let wanted = of(&a, &line.sku).max(of(&b, &line.sku));
                prop_assert_eq!(of(&both, &line.sku), wanted.map(|it| it.min(most)));
            }
            let known = |line: &CartLine| of(&a, &line.sku).or(of(&b, &line.sku)).is_some();
            prop_assert!(both.iter().all(known));
            let mut skus: Vec<&Sku> = both.iter().map(|line| &line.sku).collect();
            skus.sort();
            skus.dedup();
            prop_assert_eq!(skus.len(), both.len(), "each SKU once");
            prop_assert!(both.is_sorted_by_key(|line| (line.added_at, line.sku.clone())));
        }
    }
}
