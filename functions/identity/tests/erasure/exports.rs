//! At most one export of an account is under way.

use domain::{
    catalog::import::LineFault,
    id::{AccountId, ExportId},
    jobs::JobState,
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use store::{Consistency, StartExport};

use crate::world::{World, cause, export, now};

#[tokio::test]
async fn of_several_requests_one_starts_an_export() {
    let world = World::start().await;
    let store = &world.store;
    let ada = world.account(1, "ada@example.com").await.id;
    let newest = store.newest_export(ada).await.unwrap();
    assert_eq!(newest.clone().running(now()), None);
    let attempts = (1..=6).map(|number| {
        let newest = newest.clone();
        async move {
            let job = export(number, ada);
            store.start_export(ada, &job, &newest).await.unwrap()
        }
    });
    let outcomes = join_all(attempts).await;
    let started = outcomes.iter().filter(|it| **it == StartExport::Started);
    assert_eq!(started.count(), 1, "{outcomes:?}");
    assert!(!outcomes.contains(&StartExport::NoAccount), "{outcomes:?}");

    let newest = store.newest_export(ada).await.unwrap();
    let running = newest.clone().running(now()).unwrap();
    assert_eq!(running.account, Some(ada));
    assert_eq!(running.state, JobState::Queued);
    // One that is stuck is not waited for.
    let later = now() + SignedDuration::from_hours(24);
    assert_eq!(newest.running(later), None);

    // The next one comes after it.
    let fault = LineFault::export_not_made();
    let failed = store.fail_job(running.id, None, fault, now());
    assert!(failed.await.unwrap());
    let newest = store.newest_export(ada).await.unwrap();
    assert_eq!(newest.clone().running(now()), None);
    let next = export(9, ada);
    let started = store.start_export(ada, &next, &newest).await.unwrap();
    assert_eq!(started, StartExport::Started);
    assert_eq!(store.exports(ada).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_export_is_found_by_its_owner_alone() {
    let world = World::start().await;
    let store = &world.store;
    let ada = world.account(1, "ada@example.com").await.id;
    let bob = world.account(2, "bob@example.com").await.id;
    let newest = store.newest_export(ada).await.unwrap();
    let job = export(3, ada);
    store.start_export(ada, &job, &newest).await.unwrap();
    let id = ExportId::of(job.id);
    let found = async |account: AccountId| store.export(account, id).await.unwrap();
    assert_eq!(found(ada).await.map(|it| it.id), Some(job.id));
    assert_eq!(found(bob).await, None);
    let none = ExportId::random([4; 16]);
    assert_eq!(store.export(ada, none).await.unwrap(), None);
    let stored = store.job(job.id, Consistency::Strong).await.unwrap();
    assert_eq!(stored.unwrap().account, Some(ada));
}

#[tokio::test]
async fn a_deleted_account_starts_no_export() {
    let world = World::start().await;
    let store = &world.store;
    let ada = world.account(1, "ada@example.com").await;
    let newest = store.newest_export(ada.id).await.unwrap();
    store
        .erase_account(&ada.erased(&cause()), &ada)
        .await
        .unwrap();
    let job = export(3, ada.id);
    let started = store.start_export(ada.id, &job, &newest).await.unwrap();
    assert_eq!(started, StartExport::NoAccount);
    let nobody = AccountId::random([9; 16]);
    let newest = store.newest_export(nobody).await.unwrap();
    let job = export(4, nobody);
    let started = store.start_export(nobody, &job, &newest).await.unwrap();
    assert_eq!(started, StartExport::NoAccount);
}
