//! What happens between the reads and the transaction of a merge: every change of what was read refuses it, and then nothing
//! is written.

use domain::{
    cart::{Cart, Merge, merge_carts},
    orders::UnitLimits,
};
use store::AccountCart;

use crate::world::{World, ada, bea, now};

/// Something that others do meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    GuestSetsLine,
    GuestOrders,
    GuestIsMerged,
    GuestIsAnothers,
    OwnerSetsLine,
    OwnerOrders,
    OwnerHasAnother,
}

impl Meanwhile {
    const ALL: [Self; 8] = [
        Self::Nothing,
        Self::GuestSetsLine,
        Self::GuestOrders,
        Self::GuestIsMerged,
        Self::GuestIsAnothers,
        Self::OwnerSetsLine,
        Self::OwnerOrders,
        Self::OwnerHasAnother,
    ];

    async fn happens(self, world: &World, guest: &Cart, own: Option<&Cart>) {
        let sku = "C".parse().unwrap();
        match self {
            Self::Nothing => {}
            Self::GuestSetsLine => {
                let set = world.store.set_cart_line(guest.id, None, &sku, 1, now());
                set.await.unwrap();
            }
            Self::GuestOrders => assert!(world.place(guest, None).await),
            Self::GuestIsMerged => {
                world.merge(guest.id, ada()).await.unwrap();
            }
            Self::GuestIsAnothers => {
                world.merge(guest.id, bea()).await.unwrap();
            }
            Self::OwnerSetsLine => {
                if let Some(own) = own {
                    let set = world
                        .store
                        .set_cart_line(own.id, Some(ada()), &sku, 1, now());
                    set.await.unwrap();
                }
            }
            Self::OwnerOrders => {
                if let Some(own) = own {
                    assert!(world.place(own, Some(ada())).await);
                }
            }
            Self::OwnerHasAnother => {
                if let Some(own) = own {
                    assert!(world.place(own, Some(ada())).await);
                }
                world.own(ada(), &[]).await;
            }
        }
    }
}

async fn write(world: &World, guest: &Cart, before: &AccountCart) -> bool {
    let limits = UnitLimits::default();
    let merge = merge_carts(guest, before.cart.as_ref(), ada(), limits, now());
    let written = match merge.unwrap() {
        Merge::Adopted(next) => world.store.adopt_cart(&next, before).await,
        Merge::Joined(next) => world.store.join_carts(guest, &next, before).await,
        other => panic!("{other:?}"),
    };
    written.unwrap()
}

#[tokio::test]
async fn a_change_of_what_was_read_refuses_the_merge() {
    for has_cart in [false, true] {
        for meanwhile in Meanwhile::ALL {
            let world = World::start().await;
            let own = match has_cart {
                true => Some(world.own(ada(), &[("A", 1)]).await),
                false => None,
            };
            let guest = world.guest(&[("B", 2)]).await;
            let before = world.current(ada()).await;
            assert_eq!(before.cart, own);
            meanwhile.happens(&world, &guest, own.as_ref()).await;
            let items = world.items();
            let is_written = write(&world, &guest, &before).await;
            let is_nothing = meanwhile == Meanwhile::Nothing
                // They need a cart of the account.
                || (!has_cart && [Meanwhile::OwnerSetsLine, Meanwhile::OwnerOrders].contains(&meanwhile));
            assert_eq!(is_written, is_nothing, "{meanwhile:?}, {has_cart}");
            if !is_written {
                assert_eq!(world.items(), items, "{meanwhile:?}, {has_cart}");
            }
        }
    }
}

/// The other way around: what was read before a merge is not ordered after it.
#[tokio::test]
async fn a_merge_refuses_orders_of_what_was_there_before() {
    for has_cart in [false, true] {
        let world = World::start().await;
        let own = match has_cart {
            true => Some(world.own(ada(), &[("A", 1)]).await),
            false => None,
        };
        let guest = world.guest(&[("B", 2)]).await;
        let merged = world.merge(guest.id, ada()).await.unwrap();
        assert!(!world.place(&guest, None).await, "of the guest");
        if let Some(own) = own {
            assert!(!world.place(&own, Some(ada())).await, "of the owner");
        }
        assert!(world.place(&merged, Some(ada())).await);
    }
}

#[tokio::test]
async fn a_cart_is_created_for_what_was_read() {
    let world = World::start().await;
    let before = world.current(ada()).await;
    let cart = |number: u8| Cart::new([number; 16], Some(ada()), now());
    let create = async |number: u8, before: &AccountCart| {
        let cart = cart(number);
        let created = world.store.create_account_cart(&cart, before);
        created.await.unwrap()
    };
    assert!(create(1, &before).await);
    assert!(!create(2, &before).await, "there is one");
    let first = world.current(ada()).await;
    assert_eq!(first.cart, Some(cart(1)));
    assert!(create(3, &first).await, "in place of the one that was read");
    assert!(!create(4, &first).await);
    assert_eq!(world.current(ada()).await.cart, Some(cart(3)));
}
