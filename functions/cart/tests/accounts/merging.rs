//! Merging, one step after the other.

use domain::{
    cart::{Cart, ChangeCartError, MAX_LINES},
    fault::Code,
    id::{AccountId, CartId},
    orders::UnitLimits,
};
use jiff::SignedDuration;
use store::CartLineError;

use crate::world::{World, ada, bea, code, lines, now};

#[tokio::test]
async fn the_first_cart_of_an_account_is_the_guests() {
    let world = World::start().await;
    let guest = world.guest(&[("A", 1), ("B", 2)]).await;
    let adopted = world.merge(guest.id, ada()).await.unwrap();
    let expected = Cart {
        account: Some(ada()),
        version: guest.version + 1,
        ..guest
    };
    assert_eq!(adopted, expected);
    assert_eq!(world.cart(adopted.id).await, expected);
    assert_eq!(world.current(ada()).await.cart, Some(expected.clone()));
    // Again: it is the account's own, and nothing changes.
    let before = world.items();
    assert_eq!(world.merge(adopted.id, ada()).await.unwrap(), expected);
    assert_eq!(code(world.merge(adopted.id, bea()).await), Code::NotFound);
    assert_eq!(world.items(), before);
}

#[tokio::test]
async fn a_guests_cart_joins_that_of_the_account_once() {
    let world = World::start().await;
    let own = world.own(ada(), &[("A", 1), ("B", 5)]).await;
    let guest = world.guest(&[("B", 2), ("C", 3)]).await;
    let joined = world.merge(guest.id, ada()).await.unwrap();
    assert_eq!(joined.id, own.id);
    assert_eq!(lines(&joined), [("A", 1), ("B", 5), ("C", 3)]);
    assert_eq!(world.cart(own.id).await, joined);
    assert_eq!(world.current(ada()).await.cart, Some(joined.clone()));
    assert_eq!(world.cart(guest.id).await.merged_into, Some(own.id));
    // Again, also after a change of the account's cart.
    let before = world.items();
    assert_eq!(world.merge(guest.id, ada()).await.unwrap(), joined);
    assert_eq!(code(world.merge(guest.id, bea()).await), Code::NotFound);
    assert_eq!(world.items(), before);
    let sku = "B".parse().unwrap();
    let removed = world
        .store
        .remove_cart_line(own.id, Some(ada()), &sku, now());
    let removed = removed.await.unwrap();
    assert_eq!(world.merge(guest.id, ada()).await.unwrap(), removed);
    assert_eq!(
        lines(&removed),
        [("A", 1), ("C", 3)],
        "it does not come back"
    );
    // As it is, also once it is ordered.
    assert!(world.place(&removed, Some(ada())).await);
    let ordered = world.merge(guest.id, ada()).await.unwrap();
    assert_eq!((ordered.id, ordered.order_id.is_some()), (own.id, true));
}

/// Kind of fault: a reference without a holder.
#[tokio::test]
async fn a_cart_that_was_merged_into_one_that_is_gone_is_gone() {
    let world = World::start().await;
    let own = world.own(ada(), &[]).await;
    let guest = world.guest(&[("A", 1)]).await;
    world.merge(guest.id, ada()).await.unwrap();
    world.expire(own.id);
    assert_eq!(code(world.merge(guest.id, ada()).await), Code::NotFound);
}

#[tokio::test]
async fn a_cart_that_cannot_be_merged_stays_as_it_is() {
    let world = World::start().await;
    let ordered = world.guest(&[("A", 1)]).await;
    assert!(world.place(&ordered, None).await);
    let expired = world.guest(&[("A", 1)]).await;
    world.expire(expired.id);
    let of_bea = world.own(bea(), &[("A", 1)]).await;
    for with_cart in [false, true] {
        if with_cart {
            world.own(ada(), &[("B", 1)]).await;
        }
        let before = world.items();
        for (cart, expected) in [
            (ordered.id, Code::CartAlreadyOrdered),
            (expired.id, Code::NotFound),
            (of_bea.id, Code::NotFound),
            (CartId::random([77; 16]), Code::NotFound),
        ] {
            assert_eq!(code(world.merge(cart, ada()).await), expected, "{cart}");
        }
        assert_eq!(world.items(), before);
    }
}

#[tokio::test]
async fn a_cart_that_is_over_is_followed_by_the_guests() {
    let world = World::start().await;
    for is_ordered in [true, false] {
        let own = world.own(ada(), &[("A", 1)]).await;
        match is_ordered {
            true => assert!(world.place(&own, Some(ada())).await),
            false => world.expire(own.id),
        }
        assert_eq!(world.current(ada()).await.cart, None);
        let guest = world.guest(&[("B", 2)]).await;
        let adopted = world.merge(guest.id, ada()).await.unwrap();
        assert_eq!((adopted.id, lines(&adopted)), (guest.id, vec![("B", 2)]));
        assert!(world.place(&adopted, Some(ada())).await);
    }
}

#[tokio::test]
async fn lines_that_do_not_fit_change_nothing() {
    let world = World::start().await;
    let names = World::many();
    let all: Vec<(&str, u32)> = names.iter().map(|sku| (sku.as_str(), 1)).collect();
    world.own(ada(), &all[..30]).await;
    let more = world.guest(&all[10..]).await;
    let before = world.items();
    assert_eq!(code(world.merge(more.id, ada()).await), Code::CartFull);
    assert_eq!(world.items(), before);
    let sku = names[MAX_LINES].parse().unwrap();
    let removed = world.store.remove_cart_line(more.id, None, &sku, now());
    removed.await.unwrap();
    let joined = world.merge(more.id, ada()).await.unwrap();
    assert_eq!(joined.lines.len(), MAX_LINES);
}

#[tokio::test]
async fn merged_lines_keep_the_shops_limit_and_their_order() {
    let world = World::start().await;
    world.own(ada(), &[("A", 2), ("B", 9)]).await;
    let guest = world.guest(&[("C", 8), ("B", 3)]).await;
    let limits = UnitLimits {
        per_sku: 5,
        per_order: 0,
    };
    let merged = cart::accounts::merge(&world.store, guest.id, ada(), limits, now());
    let merged = merged.await.unwrap();
    // By the time of adding: A and C in the first second, B in the second.
    let order: Vec<_> = merged
        .lines
        .iter()
        .map(|line| (line.sku.as_str(), line.quantity))
        .collect();
    assert_eq!(order, [("A", 2), ("C", 5), ("B", 5)]);
    assert_eq!(
        world.cart(merged.id).await,
        merged,
        "the table has the same order"
    );
}

/// Who may use which cart.
#[tokio::test]
async fn a_cart_answers_to_those_whose_it_is() {
    let world = World::start().await;
    let guest = world.guest(&[("A", 1)]).await;
    let own = world.own(ada(), &[("A", 1)]).await;
    let gone = world.guest(&[("A", 1)]).await;
    world.merge(gone.id, ada()).await.unwrap();
    let use_it = async |cart: CartId, caller: Option<AccountId>| {
        let read = world.cart(cart).await.refusal(caller, now());
        let sku = "B".parse().unwrap();
        let later = now() + SignedDuration::from_secs(5);
        let set = world.store.set_cart_line(cart, caller, &sku, 1, later);
        let set = set.await;
        let removed = world.store.remove_cart_line(cart, caller, &sku, later);
        let removed = removed.await;
        let refused = |outcome: Result<Cart, CartLineError>| match outcome {
            Ok(_) => None,
            Err(CartLineError::Refused(refusal)) => Some(refusal),
            Err(CartLineError::Store(error)) => panic!("{error}"),
        };
        let all = [read, refused(set), refused(removed)];
        assert!(all.iter().all(|it| *it == all[0]), "{all:?}");
        let [refusal, ..] = all;
        refusal
    };
    for (cart, caller, refusal) in [
        (guest.id, None, None),
        (guest.id, Some(ada()), None),
        (own.id, Some(ada()), None),
        (own.id, Some(bea()), Some(ChangeCartError::NoSuchCart)),
        (own.id, None, Some(ChangeCartError::NoSuchCart)),
        (gone.id, None, Some(ChangeCartError::Merged)),
        (gone.id, Some(ada()), Some(ChangeCartError::Merged)),
    ] {
        assert_eq!(use_it(cart, caller).await, refusal, "{cart} {caller:?}");
    }
    // An ordered cart of another's is not told from one that is missing.
    let own = world.cart(own.id).await;
    assert!(world.place(&own, Some(ada())).await);
    let sku = "B".parse().unwrap();
    for (caller, refusal) in [
        (Some(ada()), ChangeCartError::AlreadyOrdered),
        (Some(bea()), ChangeCartError::NoSuchCart),
        (None, ChangeCartError::NoSuchCart),
    ] {
        let set = world.store.set_cart_line(own.id, caller, &sku, 1, now());
        let Err(CartLineError::Refused(refused)) = set.await else {
            panic!("{caller:?} has set a line");
        };
        assert_eq!(refused, refusal);
    }
}
