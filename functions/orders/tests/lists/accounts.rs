//! The list of an account's orders: those that its owner has placed, and those that were claimed.

use domain::{
    id::{AccountId, OrderId},
    orders::{ListOrders, Order, OrderEntry, OrderList},
    page::PageRequest,
};
use orders::projection::{Care, Rebuilt, Written, rebuild};
use store::{ListError, Over};

use crate::world::{World, account, start_of_time};

fn of_account(account: AccountId, limit: u32) -> ListOrders {
    let page = PageRequest {
        limit,
        cursor: None,
    };
    ListOrders::of_account(account, page)
}

async fn placed(world: &World, account: Option<AccountId>, number: u32, email: &str) -> Order {
    let order = world.place_as(account, number, email, &["TEE"]).await;
    world.project(&order, Care::Changed).await;
    order
}

#[tokio::test]
async fn an_account_lists_its_own_orders_newest_first() {
    let world = World::start().await;
    let (ada, bea) = (account(1, "ada@example.com"), account(2, "bea@example.com"));
    let mut orders = Vec::new();
    for number in 0..12 {
        // Also of a guest with the same address, which is not the account's.
        let owner = [Some(ada.id), Some(bea.id), None][number as usize % 3];
        let mut order = placed(&world, owner, number, "ada@example.com").await;
        if number % 2 == 0 {
            order = world.pay(&order).await;
            world.project(&order, Care::Changed).await;
        }
        orders.push(order);
    }
    let all: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    world.must_show(&all).await;
    orders.reverse();
    for (owner, limit, sizes) in [
        (ada.id, 25, vec![4]),
        (bea.id, 3, vec![3, 1]),
        (bea.id, 4, vec![4]),
        (ada.id, 2, vec![2, 2]),
        (ada.id, 1, vec![1; 4]),
        (AccountId::random([9; 16]), 25, vec![0]),
    ] {
        let query = of_account(owner, limit);
        let wanted = orders.iter().filter(|order| query.takes_order(order));
        let wanted: Vec<OrderId> = wanted.map(|order| order.id).collect();
        let pages = world.pages(&query).await;
        assert_eq!(pages.concat(), wanted, "{owner}");
        let read: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert_eq!(read, sizes, "{owner}");
    }
    // A cursor of another account's list says nothing here.
    let page = world.store.list_orders(&of_account(ada.id, 1)).await;
    let foreign = ListOrders {
        cursor: page.unwrap().next_cursor,
        ..of_account(bea.id, 1)
    };
    assert!(foreign.cursor.is_some());
    let error = world.store.list_orders(&foreign).await.unwrap_err();
    assert!(matches!(error, ListError::InvalidCursor(_)), "{error}");
}

#[tokio::test]
async fn a_claimed_order_joins_the_list_whenever_it_is_projected() {
    let world = World::start().await;
    let ada = account(1, "ada@example.com");
    let mut ids = Vec::new();
    // How many of the changes were projected: placed, claimed, paid.
    for (number, projected) in (0..).zip([
        [true, true, true],
        [true, true, false],
        [true, false, true],
        [false, true, true],
        [false, false, true],
    ]) {
        let order = world
            .place(number, "ada@example.com", &["TEE", "MUG"])
            .await;
        if projected[0] {
            assert_eq!(world.project(&order, Care::Changed).await, Written::Yes);
        }
        let order = world.claim(&order, &ada).await.unwrap();
        if projected[1] {
            assert_eq!(world.project(&order, Care::Changed).await, Written::Yes);
        }
        let order = world.pay(&order).await;
        if projected[2] {
            assert_eq!(world.project(&order, Care::Changed).await, Written::Yes);
        }
        let shown = world.pages(&of_account(ada.id, 25)).await.concat();
        assert!(shown.contains(&order.id), "{projected:?}");
        world.project(&order, Care::Changed).await;
        ids.push(order.id);
        world.must_show(&ids).await;
    }
}

/// Kind of fault: a process dies between two lines. Every prefix of the writes of a claim, and then the message again.
#[tokio::test]
async fn a_claim_whose_projection_broke_off_is_completed() {
    let world = World::start().await;
    let ada = account(1, "ada@example.com");
    let mut ids = Vec::new();
    for is_listed in [false, true] {
        let order = placed(&world, None, u32::from(is_listed), &ada.email).await;
        let claimed = world.claim(&order, &ada).await.unwrap();
        if is_listed {
            let entry = OrderEntry::of(&claimed);
            let over = Over::Version(entry.version);
            let list = OrderList::Account(ada.id);
            assert!(
                world
                    .store
                    .put_order_entry(&list, &entry, over)
                    .await
                    .unwrap()
            );
        }
        assert_eq!(world.project(&claimed, Care::Every).await, Written::Yes);
        ids.push(order.id);
        world.must_show(&ids).await;
    }
}

#[tokio::test]
async fn a_rebuild_fills_the_lists_of_accounts() {
    let world = World::start().await;
    let ada = account(1, "ada@example.com");
    let of_account = of_account(ada.id, 25);
    let own = world.place_as(Some(ada.id), 1, &ada.email, &["TEE"]).await;
    let claimed = world.place(2, &ada.email, &["TEE"]).await;
    let claimed = world.claim(&claimed, &ada).await.unwrap();
    let guests = world.place(3, &ada.email, &["TEE"]).await;
    let step = async || rebuild(&world.store, 0, 1, None, 1000).await.unwrap();
    let looked_at = |corrected: u64| Rebuilt {
        orders: 3,
        corrected,
        failed: 0,
        next: None,
    };
    assert_eq!(step().await, looked_at(3));
    let all = [own.id, claimed.id, guests.id];
    world.must_show(&all).await;
    assert_eq!(step().await, looked_at(0));
    let entry = OrderEntry::of(&claimed);
    let list = OrderList::Account(ada.id);
    let deletion = world
        .store
        .delete_order_entry(&list, &entry, Over::Anything);
    assert!(deletion.await.unwrap());
    assert_eq!(world.pages(&of_account).await, [[own.id]]);
    assert_eq!(step().await, looked_at(1));
    world.must_show(&all).await;
    assert_eq!(world.pages(&of_account).await, [[claimed.id, own.id]]);
    assert!(entry.placed_at > start_of_time());
}
