//! What the deletion of an account leaves.

use domain::{
    audit::PersonKey,
    cart::Cart,
    id::{EmailChangeId, ExportId},
    identity::EmailChange,
    trace::TraceParent,
};
use store::{AccountOutcome, StartExport};

use crate::world::{World, cause, export, now};

#[tokio::test]
async fn what_belongs_to_an_account_elsewhere_goes_with_it() {
    let world = World::start().await;
    let store = &world.store;
    let ada = world.account(1, "ada@example.com").await;
    let cart = Cart::new([3; 16], Some(ada.id), now());
    let none = store.account_cart(ada.id, now()).await.unwrap();
    assert!(store.create_account_cart(&cart, &none).await.unwrap());
    let change = EmailChange {
        id: EmailChangeId::random([4; 16]),
        account: ada.id,
        old: ada.email.clone(),
        new: "countess@example.org".to_owned(),
        password_set_at: Some(now()),
        may_change_factors: false,
        created_at: now(),
        trace_id: "t".to_owned(),
        traceparent: TraceParent::begin("t"),
    };
    store.request_email_change(&change).await.unwrap();
    let newest = store.newest_export(ada.id).await.unwrap();
    let job = export(5, ada.id);
    let started = store.start_export(ada.id, &job, &newest).await.unwrap();
    assert_eq!(started, StartExport::Started);
    let key = PersonKey::new([6; 32]);
    let sealing = store.person_key(ada.id, key, now()).await.unwrap();
    assert!(sealing.is_some());

    let erased = ada.erased(&cause());
    let written = store.erase_account(&erased, &ada).await.unwrap();
    assert_eq!(written, AccountOutcome::Changed);
    let again = store.erase_account(&erased, &ada).await.unwrap();
    assert_eq!(again, AccountOutcome::Superseded);

    // Again, as of a process that died.
    for _ in 0..2 {
        store.delete_belongings(ada.id).await.unwrap();
    }

    let text = serde_json::to_string(&world.items()).unwrap();
    for personal in ["ada@example.com", "countess@example.org", "203.0.113.7"] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    // The key is never made again.
    let late = store.person_key(ada.id, PersonKey::new([7; 32]), now());
    assert_eq!(late.await.unwrap(), None);
    assert!(!text.contains(&PersonKey::new([6; 32]).reveal()), "{text}");
    let export_id = ExportId::of(job.id);
    let left = [
        format!("ACCOUNT#{} | ACCOUNT", ada.id),
        format!("ACCOUNT#{} | EXPORT#{export_id}", ada.id),
        format!("JOB#{} | RUN#000000001", job.id),
        format!("JOBS | {}", job.id),
        format!("PERSON#{} | KEY", ada.id),
    ];
    assert_eq!(world.keys(), left);
    // Its files are found, and then forgotten.
    assert_eq!(store.exports(ada.id).await.unwrap(), [export_id]);
    store.forget_export(ada.id, export_id).await.unwrap();
    assert!(store.exports(ada.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_cart_of_another_is_left_alone() {
    let world = World::start().await;
    let store = &world.store;
    let ada = world.account(1, "ada@example.com").await;
    let bob = world.account(2, "bob@example.com").await;
    let bobs = Cart::new([3; 16], Some(bob.id), now());
    let none = store.account_cart(bob.id, now()).await.unwrap();
    assert!(store.create_account_cart(&bobs, &none).await.unwrap());
    store.delete_belongings(ada.id).await.unwrap();
    let cart = store.account_cart(bob.id, now()).await.unwrap().cart;
    assert_eq!(cart.map(|cart| cart.id), Some(bobs.id));
}
