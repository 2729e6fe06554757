//! Codes of an app that are guessed, at the same time.

use domain::identity::{Account, AccountChangeKind, SecondFactor};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use store::{Attempts, FactorOutcome, Store};

use crate::world::{World, cause, now};

const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Wrong codes of a window.
const MOST: u32 = 3;
/// Step of the code with which the app was confirmed.
const STEP: u64 = 60_000_000;

/// An account whose app is in use.
async fn enrolled(world: &World) -> Account {
    let account = world.account(1, "ada@example.com").await;
    let next = account.changed(AccountChangeKind::TotpEnabled, &cause());
    let codes = vec!["hash".to_owned(); 10];
    let factor = SecondFactor::confirmed(account.id, "sealed".to_owned(), STEP, codes);
    let store = &world.store;
    store
        .start_second_factor(account.id, "sealed")
        .await
        .unwrap();
    let confirmed = store.confirm_second_factor(&next, &factor).await.unwrap();
    assert_eq!(confirmed, FactorOutcome::Changed);
    next
}

async fn read(store: &Store, account: &Account) -> SecondFactor {
    store.second_factor(account.id).await.unwrap().unwrap()
}

async fn count(store: &Store, factor: &SecondFactor) -> bool {
    let wrong = factor.with_wrong_code(WINDOW, now());
    store.count_wrong_code(factor, wrong).await.unwrap()
}

async fn spend(store: &Store, factor: &SecondFactor, step: u64, now: Timestamp) -> bool {
    store.spend_step(factor, step, now).await.unwrap()
}

/// Kind of fault: many requests read the item before the first of them has counted its code.
#[tokio::test]
async fn of_guesses_from_one_state_one_is_counted_and_no_right_one_follows() {
    let world = World::start().await;
    let store = &world.store;
    let account = enrolled(&world).await;
    for guessed in 1..=MOST {
        let factor = read(store, &account).await;
        let counted = join_all([(); 10].map(|()| count(store, &factor))).await;
        assert_eq!(counted.iter().filter(|it| **it).count(), 1, "{guessed}");
        // The right one among them was compared with what is no longer so.
        assert!(!spend(store, &factor, STEP + 1, now()).await, "{guessed}");
        let wrong = read(store, &account).await.wrong_codes;
        assert_eq!(wrong.map(|it| it.count), Some(guessed));
    }
    let factor = read(store, &account).await;
    assert_eq!(factor.used_up(MOST, now()), Some(now() + WINDOW));
}

/// As a login does it: whoever was overtaken reads again.
#[tokio::test]
async fn no_more_guesses_are_evaluated_at_once_than_one_by_one() {
    let world = World::start().await;
    let (store, account) = (&world.store, enrolled(&world).await);
    let guess = async || {
        let mut attempts = Attempts::new("guess");
        loop {
            attempts.next().await.unwrap();
            let factor = read(store, &account).await;
            if factor.used_up(MOST, now()).is_some() {
                return false;
            }
            if count(store, &factor).await {
                return true;
            }
        }
    };
    let evaluated = join_all((0..40).map(|_| guess())).await;
    assert_eq!(evaluated.iter().filter(|it| **it).count(), 3);
    // The next window takes as many.
    let factor = read(store, &account).await;
    assert_eq!(factor.used_up(MOST, now() + WINDOW), None);
    assert!(spend(store, &factor, STEP + 1, now() + WINDOW).await);
}

#[tokio::test]
async fn no_step_is_spent_while_codes_are_suspended() {
    let world = World::start().await;
    let (store, account) = (&world.store, enrolled(&world).await);
    let until = now() + WINDOW;
    let before = read(store, &account).await;
    let next = account.changed(AccountChangeKind::CodesSuspended, &cause());
    let suspend = async |account: &Account| {
        let suspended = store.suspend_codes(account, until, now());
        suspended.await.unwrap()
    };
    assert_eq!(suspend(&next).await, FactorOutcome::Changed);
    // The owner is told once.
    let again = next.changed(AccountChangeKind::CodesSuspended, &cause());
    assert_eq!(suspend(&again).await, FactorOutcome::Unfit);
    let after = read(store, &account).await;
    let second = SignedDuration::from_secs(1);
    for factor in [&before, &after] {
        assert!(!spend(store, factor, STEP + 1, now()).await);
        assert!(!spend(store, factor, STEP + 1, until - second).await);
    }
    assert!(!spend(store, &after, STEP, until).await, "it is spent");
    assert!(spend(store, &after, STEP + 1, until).await);
    assert!(!spend(store, &after, STEP + 1, until).await, "once");
}
