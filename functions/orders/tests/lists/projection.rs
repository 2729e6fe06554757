//! The lists of orders under everything that can happen to their messages.

use std::collections::HashMap;

use domain::{
    id::{OrderId, RefundId},
    money::Money,
    orders::{
        Actor, Customer, CustomerHash, ListOrders, OrderEntry, OrderList, OrderNumber, OrderStatus,
        RefundOrderBody,
    },
};
use jiff::SignedDuration;
use orders::projection::{Care, Rebuilt, Written, project, rebuild};
use serde_json::json;
use store::{ListError, Over};

use crate::world::{Random, TABLE, World, start_of_time};

fn list(limit: u32) -> ListOrders {
    ListOrders {
        account: None,
        email: None,
        number: None,
        status: None,
        sku: None,
        from: None,
        to: None,
        limit,
        cursor: None,
    }
}

#[tokio::test]
async fn an_order_moves_from_list_to_list() {
    let world = World::start().await;
    let placed = world.place(1, "ada@example.com", &["TEE", "MUG"]).await;
    assert_eq!(world.project(&placed, Care::Changed).await, Written::Yes);
    world.must_show(&[placed.id]).await;
    let paid = world.pay(&placed).await;
    assert_eq!(world.project(&paid, Care::Changed).await, Written::Yes);
    world.must_show(&[placed.id]).await;
    // Duplicates, and late messages: the order is read, not the message.
    for care in [Care::Changed, Care::Every] {
        assert_eq!(world.project(&placed, care).await, Written::Nothing);
    }
    // A change that the lists do not show: its version is noted, so that nobody who is late writes an older one.
    let now = paid.placed_at;
    let refund = RefundId::random([1; 16]);
    let by = Actor::Staff("s".into());
    let body: RefundOrderBody = serde_json::from_value(json!({ "amount": 300 })).unwrap();
    let asked = paid.refund_requested(refund, &body.parse().unwrap(), by, now);
    let asked = world.change(asked.unwrap()).await;
    assert_eq!(world.project(&asked, Care::Changed).await, Written::Yes);
    let shown = world.store.projected([&asked]).await.unwrap();
    assert_eq!(shown[&asked.id].version(), asked.version);
    world.must_show(&[placed.id]).await;
    let refunded = asked.refund_settled(refund, true, now).unwrap();
    let refunded = world.change(refunded).await;
    world.project(&refunded, Care::Changed).await;
    world.must_show(&[placed.id]).await;
}

#[tokio::test]
async fn an_order_that_is_not_there_or_cannot_be_read_fails_alone() {
    let world = World::start().await;
    let (good, bad) = (
        world.place(1, "ada@example.com", &["TEE"]).await,
        world.place(2, "bea@example.com", &["TEE"]).await,
    );
    let mut items = world.tables.items(TABLE).unwrap();
    items.retain(|item| item["id"]["S"] == bad.id.to_string());
    items[0]["version"] = json!({ "S": "x" });
    world.tables.put(TABLE, items).unwrap();
    let nobody = OrderId::random([9; 16]);
    let wanted = [good.id, bad.id, nobody].map(|id| (id, Care::Changed));
    let outcomes = project(&world.store, &wanted.into()).await.unwrap();
    assert_eq!(*outcomes[&good.id].as_ref().unwrap(), Written::Yes);
    assert!(outcomes[&bad.id].is_err());
    assert!(!outcomes.contains_key(&nobody));
}

/// Kind of fault: a process dies between two lines. Every prefix of the writes of a change, and then the message again.
#[tokio::test]
async fn a_change_that_broke_off_is_completed() {
    let world = World::start().await;
    let mut ids = Vec::new();
    for steps in 0..=4 {
        let placed = world.place(steps, "ada@example.com", &["TEE"]).await;
        ids.push(placed.id);
        world.project(&placed, Care::Changed).await;
        let paid = world.pay(&placed).await;
        let entry = OrderEntry::of(&paid);
        let over = Over::Version(entry.version);
        let mut lists = OrderList::lasting(&paid);
        lists.push(OrderList::Status(OrderStatus::Paid));
        for list in lists.iter().take(steps as usize) {
            let put = world.store.put_order_entry(list, &entry, over);
            assert!(put.await.unwrap());
        }
        if steps == 4 {
            let left = OrderList::Status(OrderStatus::PendingPayment);
            let deletion = world.store.delete_order_entry(&left, &entry, over);
            assert!(deletion.await.unwrap());
        }
        assert_eq!(world.project(&paid, Care::Every).await, Written::Yes);
        world.must_show(&ids).await;
    }
}

/// Kind of fault: an older message overwrites newer truth. Many at once about the same orders, some of which end between any
/// two lines and come again, in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_messages_leaves_the_lists_right() {
    for seed in 0..4 {
        let world = World::start().await;
        let mut random = Random(seed);
        let mut orders = Vec::new();
        for number in 0..4 {
            let order = world.place(number, "ada@example.com", &["TEE", "MUG"]);
            orders.push(order.await);
        }
        let mut tasks = Vec::new();
        for _ in 0..60 {
            let index = usize::try_from(random.below(4)).unwrap();
            if let Some(changed) = world.change_somehow(&orders[index], &mut random).await {
                orders[index] = changed;
            }
            let (own, id) = (world.clone(), orders[index].id);
            let task = tokio::spawn(async move {
                let wanted = HashMap::from([(id, Care::Changed)]);
                let mut outcomes = project(&own.store, &wanted).await.unwrap();
                outcomes.remove(&id).unwrap().unwrap()
            });
            // Some are killed, at once or a little later.
            if random.below(3) == 0 {
                let later = std::time::Duration::from_micros(random.below(6_000));
                tokio::time::sleep(later).await;
                task.abort();
            }
            tasks.push((id, task));
        }
        for (id, task) in tasks {
            if task.await.is_err() {
                let order = orders.iter().find(|order| order.id == id).unwrap();
                world.project(order, Care::Every).await;
            }
        }
        let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
        world.must_show(&ids).await;
    }
}

async fn rebuild_all(world: &World, segments: u32, limit: u32) -> Rebuilt {
    let mut sum = Rebuilt::default();
    for segment in 0..segments {
        let mut from: Option<String> = None;
        loop {
            let step = rebuild(&world.store, segment, segments, from.as_deref(), limit);
            let step = step.await.unwrap();
            sum.orders += step.orders;
            sum.corrected += step.corrected;
            sum.failed += step.failed;
            from = step.next;
            if from.is_none() {
                break;
            }
        }
    }
    sum
}

#[tokio::test]
async fn a_rebuild_corrects_what_is_missing_or_wrong_and_nothing_else() {
    let world = World::start().await;
    let mut orders = Vec::new();
    for number in 0..12 {
        let placed = world
            .place(number, "ada@example.com", &["TEE", "CAP"])
            .await;
        orders.push(world.pay(&placed).await);
    }
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    // From nothing.
    let built = rebuild_all(&world, 3, 10).await;
    assert_eq!((built.orders, built.corrected, built.failed), (12, 12, 0));
    world.must_show(&ids).await;
    // Again: nothing to do.
    let again = rebuild_all(&world, 2, 7).await;
    assert_eq!((again.orders, again.corrected, again.failed), (12, 0, 0));

    // Of a version that the order has not reached, and in a list where it does not belong.
    let wrong = OrderEntry {
        version: 999,
        units: 77,
        ..OrderEntry::of(&orders[0])
    };
    let mut lists = OrderList::lasting(&orders[0]);
    lists.push(OrderList::Status(OrderStatus::Refunded));
    for list in &lists {
        let put = world
            .store
            .put_order_entry(list, &wrong, Over::Version(999));
        assert!(put.await.unwrap());
    }
    let before = world.store.projected([&orders[0]]).await.unwrap();
    let commit = world
        .store
        .commit_order_entry(&wrong, &before[&orders[0].id]);
    assert!(commit.await.unwrap());
    // Missing.
    let second = OrderEntry::of(&orders[1]);
    for list in [OrderList::All, OrderList::Status(OrderStatus::Paid)] {
        let deletion = world
            .store
            .delete_order_entry(&list, &second, Over::Anything);
        assert!(deletion.await.unwrap());
    }
    // Unreadable.
    world.edit_entries(orders[2].id, |item| {
        *item = json!({
            "PK": item["PK"], "SK": item["SK"], "entity_type": item["entity_type"],
            "version": { "S": "x" },
        });
    });
    let fixed = rebuild_all(&world, 1, 100).await;
    assert_eq!((fixed.orders, fixed.corrected, fixed.failed), (12, 3, 0));
    world.must_show(&ids).await;
}

/// The lists are built from nothing while orders arrive and change, and their messages come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_runs_while_orders_arrive() {
    let world = World::start().await;
    let mut random = Random(7);
    let mut orders = Vec::new();
    for number in 0..20 {
        orders.push(world.place(number, "ada@example.com", &["TEE"]).await);
    }
    let own = world.clone();
    let rebuilding = tokio::spawn(async move {
        for _ in 0..3 {
            rebuild_all(&own, 4, 15).await;
        }
    });
    let mut number = 20;
    while !rebuilding.is_finished() {
        if number < 60 && random.below(3) == 0 {
            orders.push(world.place(number, "bea@example.com", &["MUG"]).await);
            number += 1;
        }
        let index = usize::try_from(random.below(orders.len() as u64)).unwrap();
        if let Some(changed) = world.change_somehow(&orders[index], &mut random).await {
            orders[index] = changed;
        }
        world.project(&orders[index], Care::Changed).await;
        world.project(orders.last().unwrap(), Care::Changed).await;
    }
    rebuilding.await.unwrap();
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    world.must_show(&ids).await;
}

#[tokio::test]
async fn pages_are_complete_newest_first_and_without_repetition() {
    let world = World::start().await;
    let mut orders = Vec::new();
    for number in 0..60 {
        let email = match number % 20 {
            0 => "ada@example.com",
            _ => "bea@example.com",
        };
        let sku = if number % 4 == 0 { "MUG" } else { "TEE" };
        let mut order = world.place(number, email, &[sku]).await;
        if number % 3 == 0 {
            order = world.pay(&order).await;
        }
        world.project(&order, Care::Changed).await;
        orders.push(order);
    }
    orders.reverse();
    let at = |number: i64| Some(start_of_time() + SignedDuration::from_secs(number));
    let queries = [
        list(25),
        ListOrders {
            status: Some(OrderStatus::Paid),
            ..list(25)
        },
        ListOrders {
            sku: "MUG".parse().ok(),
            status: Some(OrderStatus::PendingPayment),
            ..list(3)
        },
        ListOrders {
            email: Some("ADA@example.com".into()),
            ..list(2)
        },
        ListOrders {
            from: at(10),
            to: at(50),
            ..list(7)
        },
        ListOrders {
            sku: "TEE".parse().ok(),
            from: at(59),
            ..list(1)
        },
        ListOrders {
            status: Some(OrderStatus::Refunded),
            ..list(100)
        },
    ];
    for query in queries {
        let wanted = orders.iter().filter(|order| query.takes_order(order));
        let wanted: Vec<OrderId> = wanted.map(|order| order.id).collect();
        let pages = world.pages(&query).await;
        assert_eq!(pages.concat(), wanted, "{query:?}");
        let most = query.limit as usize;
        assert!(pages.iter().all(|page| page.len() <= most), "{pages:?}");
    }
    // A page of 25 is full, or nearly.
    let pages = world.pages(&list(25)).await;
    assert!(pages[0].len() >= 18, "{pages:?}");
    let all = world.pages(&list(100)).await;
    assert_eq!((all.len(), all[0].len()), (1, 60));

    // A cursor belongs to its list and its filters.
    let page = world.store.list_orders(&list(5)).await.unwrap();
    let cursor = page.next_cursor;
    let foreign = [
        ListOrders {
            status: Some(OrderStatus::Paid),
            cursor: cursor.clone(),
            ..list(5)
        },
        ListOrders {
            from: at(10),
            cursor: cursor.clone(),
            ..list(5)
        },
        ListOrders {
            cursor: cursor.map(|cursor| format!("{cursor}AA")),
            ..list(5)
        },
        ListOrders {
            cursor: Some("x".into()),
            ..list(5)
        },
    ];
    for query in foreign {
        let error = world.store.list_orders(&query).await.unwrap_err();
        assert!(matches!(error, ListError::InvalidCursor(_)), "{error}");
    }

    let number = OrderNumber::of(orders[7].id);
    let found = world.store.orders_numbered(&number).await.unwrap();
    assert_eq!(found, [orders[7].id]);
    let none = OrderNumber::of(OrderId::random([9; 16]));
    assert!(world.store.orders_numbered(&none).await.unwrap().is_empty());

    let ada = CustomerHash::of("Ada@Example.com");
    let (entries, has_more) = world.store.customer_entries(&ada).await.unwrap();
    let customer = Customer::of(&entries, has_more).unwrap();
    assert_eq!((customer.orders, customer.has_more), (3, false));
    // Those with the numbers 0, 20 and 40, of which the first is paid.
    assert_eq!(customer.totals, [Money::new(2000, "USD".parse().unwrap())]);
    assert_eq!(customer.name, "Customer 40");
}

/// Kind of fault: off by one at a bound.
#[tokio::test]
async fn a_customer_with_as_many_orders_as_are_summed_has_no_more() {
    let world = World::start().await;
    let order = world.place(1, "ada@example.com", &["TEE"]).await;
    world.project(&order, Care::Changed).await;
    let mut items = world.tables.items(TABLE).unwrap();
    items.retain(|item| {
        let list = item["PK"]["S"].as_str().unwrap();
        list.starts_with("ORDERS#customer#")
    });
    let copies = |numbers: std::ops::Range<u64>| {
        let copies = numbers.map(|number| {
            let mut copy = items[0].clone();
            copy["SK"]["S"] = json!(format!("{number:019}#{}", order.id.digits()));
            copy
        });
        world.tables.put(TABLE, copies.collect()).unwrap();
    };
    let ada = CustomerHash::of("ada@example.com");
    for (numbers, has_more) in [(1..1_000, false), (1_000..1_001, true)] {
        copies(numbers);
        let (entries, more) = world.store.customer_entries(&ada).await.unwrap();
        assert_eq!((entries.len(), more), (1_000, has_more));
    }
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_left_out_until_it_is_written_again() {
    let world = World::start().await;
    let mut orders = Vec::new();
    for number in 0..3 {
        let order = world.place(number, "ada@example.com", &["TEE"]).await;
        world.project(&order, Care::Changed).await;
        orders.push(order);
    }
    world.edit_entries(orders[1].id, |item| item["status"] = json!({ "S": "lost" }));
    let wanted = vec![orders[2].id, orders[0].id];
    assert_eq!(world.pages(&list(25)).await, [wanted]);
    assert_eq!(world.project(&orders[1], Care::Changed).await, Written::Yes);
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    world.must_show(&ids).await;
}
