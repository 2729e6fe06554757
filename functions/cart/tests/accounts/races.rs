//! Several devices at once.

use domain::{
    cart::{Cart, ChangeCartError},
    fault::{Code, Failure},
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use store::CartLineError;

use crate::world::{World, ada, bea, code, lines, now};

/// Rounds of each race, in which the two sides start at different times.
const ROUNDS: u64 = 25;

/// Waits a little, more in each round, on one side or the other.
async fn wait(round: u64, side: u64) {
    if round % 2 == side {
        tokio::time::sleep(std::time::Duration::from_micros(round * 150)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_that_sign_in_at_once_share_a_cart() {
    let world = World::start().await;
    let made = join_all((0..8).map(|_| world.own(ada(), &[]))).await;
    assert!(made.iter().all(|cart| cart.id == made[0].id), "{made:?}");
    let carts = world.items().into_iter();
    let carts = carts.filter(|item| item["entity_type"]["S"] == "cart");
    assert_eq!(carts.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cart_is_merged_once_by_many() {
    for has_cart in [false, true] {
        let world = World::start().await;
        if has_cart {
            world.own(ada(), &[("A", 1)]).await;
        }
        let guest = world.guest(&[("A", 3), ("B", 2)]).await;
        let merges = (0..6).map(|_| world.merge(guest.id, ada()));
        let merged: Vec<Cart> = join_all(merges)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert!(merged.iter().all(|cart| *cart == merged[0]), "{merged:?}");
        assert_eq!(lines(&merged[0]), [("A", 3), ("B", 2)]);
        assert_eq!(world.current(ada()).await.cart.as_ref(), Some(&merged[0]));
    }
}

/// One cart, two accounts: a browser that two people use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_is_merged_into_one_account() {
    for round in 0..ROUNDS {
        let world = World::start().await;
        world.own(ada(), &[("A", 1)]).await;
        let guest = world.guest(&[("B", 2)]).await;
        let (by_ada, by_bea) = tokio::join!(
            async {
                wait(round, 0).await;
                world.merge(guest.id, ada()).await
            },
            async {
                wait(round, 1).await;
                world.merge(guest.id, bea()).await
            }
        );
        assert!(by_ada.is_ok() != by_bea.is_ok(), "{by_ada:?} {by_bea:?}");
        let lost = if by_ada.is_ok() { by_bea } else { by_ada };
        assert_eq!(code(lost), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn carts_of_several_devices_lose_no_line() {
    let world = World::start().await;
    let skus = ["A", "B", "C", "D", "E", "F"];
    let mut guests = Vec::new();
    for sku in skus {
        guests.push(world.guest(&[(sku, 2), ("X", 1)]).await);
    }
    let merges = guests.iter().map(|guest| world.merge(guest.id, ada()));
    let merged: Vec<_> = join_all(merges)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(merged.iter().all(|cart| cart.id == merged[0].id));
    let current = world.current(ada()).await.cart.unwrap();
    let mut expected: Vec<(&str, u32)> = skus.iter().map(|sku| (*sku, 2)).collect();
    expected.push(("X", 1));
    assert_eq!(lines(&current), expected);
}

/// The guest's other tab goes on shopping, or so does another device of the account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_set_meanwhile_is_in_the_cart_or_refused() {
    let mut refused = 0;
    for round in 0..2 * ROUNDS {
        let world = World::start().await;
        let own = match round % 3 {
            0 => None,
            _ => Some(world.own(ada(), &[("A", 1)]).await),
        };
        let guest = world.guest(&[("B", 2)]).await;
        let (target, caller) = match (&own, round % 3) {
            (Some(own), 2) => (own.id, Some(ada())),
            _ => (guest.id, None),
        };
        let sku = "C".parse().unwrap();
        let later = now() + SignedDuration::from_secs(1);
        let (merged, set) = tokio::join!(
            async {
                wait(round, 0).await;
                world.merge(guest.id, ada()).await
            },
            async {
                wait(round, 1).await;
                world
                    .store
                    .set_cart_line(target, caller, &sku, 7, later)
                    .await
            }
        );
        let current = world.current(ada()).await.cart.unwrap();
        assert_eq!(current.id, merged.unwrap().id);
        let has = |sku: &str| lines(&current).iter().any(|(it, _)| *it == sku);
        assert!(has("B") && (own.is_none() || has("A")), "{current:?}");
        match set {
            Ok(_) => assert!(has("C"), "{current:?}"),
            // The guest's cart has become the account's, or is merged.
            Err(CartLineError::Refused(ChangeCartError::Merged | ChangeCartError::NoSuchCart)) => {
                refused += 1;
                assert!(!has("C"));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 0 && refused < 2 * ROUNDS, "{refused}");
}

/// The guest's other tab orders, or so does another device of the account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_placed_meanwhile_is_of_a_whole_cart() {
    let mut placed = 0;
    for round in 0..2 * ROUNDS {
        let world = World::start().await;
        let is_owner = round % 3 == 2;
        let own = match round % 3 {
            0 => None,
            _ => Some(world.own(ada(), &[("A", 1)]).await),
        };
        let guest = world.guest(&[("B", 2)]).await;
        let (ordered, caller) = match (&own, is_owner) {
            (Some(own), true) => (own, Some(ada())),
            _ => (&guest, None),
        };
        let (merged, is_placed) = tokio::join!(
            async {
                wait(round, 0).await;
                world.merge(guest.id, ada()).await
            },
            async {
                wait(round, 1).await;
                world.place(ordered, caller).await
            }
        );
        placed += u64::from(is_placed);
        let current = world.current(ada()).await.cart;
        match (is_placed, is_owner) {
            // The account's cart was ordered as it was before: the guest's is the next one.
            (true, true) => {
                let merged = merged.unwrap();
                assert_eq!((merged.id, lines(&merged)), (guest.id, vec![("B", 2)]));
                assert_eq!(current, Some(merged));
            }
            (true, false) => {
                assert_eq!(code::<Cart>(merged), Code::CartAlreadyOrdered);
                assert_eq!(current, own, "it stays as it was");
            }
            (false, _) => {
                let merged: Result<Cart, Failure> = merged;
                assert_eq!(current, Some(merged.unwrap()));
            }
        }
    }
    assert!(placed > 0 && placed < 2 * ROUNDS, "{placed}");
}
