//! Persons whose keys are destroyed.

use std::collections::HashMap;

use domain::{
    audit::{
        AuditRecordView, ChainHead, ChainNumber, PersonKey, PersonalField, PersonalValue,
        TrailItem, Verifier,
    },
    id::AccountId,
};
use store::{Consistency, TrailOrder};

use crate::{
    trail::{at, entry},
    world::World,
};

fn person(number: u8) -> AccountId {
    AccountId::random([number; 16])
}

fn key(number: u8) -> PersonKey {
    PersonKey::new([number; 32])
}

#[tokio::test]
async fn a_person_has_one_key_until_it_is_destroyed() {
    let World { store, .. } = &World::start().await;
    let ask = async |new: u8| store.person_key(person(1), key(new), at(0)).await.unwrap();
    let keys = async || {
        store
            .person_keys([person(1), person(2), person(1)])
            .await
            .unwrap()
    };
    assert!(keys().await.is_empty());
    let asked = futures_util::future::join_all((1..=8).map(&ask)).await;
    let first = asked[0].clone().unwrap();
    assert!(
        asked.iter().all(|it| it.as_ref() == Some(&first)),
        "{asked:?}"
    );
    assert_eq!(ask(9).await, Some(first.clone()));
    assert_eq!(keys().await, HashMap::from([(person(1), first)]));
    for _ in 0..2 {
        store.destroy_person_key(person(1), at(1)).await.unwrap();
        assert_eq!(ask(10).await, None);
        assert!(keys().await.is_empty());
    }
    // Before there was one: a late event must not make it.
    store.destroy_person_key(person(3), at(1)).await.unwrap();
    assert_eq!(
        store.person_key(person(3), key(3), at(2)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn more_keys_than_one_call_takes_are_read() {
    let World { store, .. } = &World::start().await;
    let persons: Vec<AccountId> = (1..=130).map(person).collect();
    for (number, person) in (1..=130).zip(&persons) {
        let made = store.person_key(*person, key(number), at(0)).await.unwrap();
        assert_eq!(made, Some(key(number)));
    }
    let keys = store.person_keys(persons.clone()).await.unwrap();
    assert_eq!(keys.len(), 130);
    assert_eq!(keys[&persons[129]], key(130));
}

#[tokio::test]
async fn an_erased_person_is_gone_and_the_chain_verifies() {
    let world = World::start().await;
    let store = &world.store;
    let mut entry = entry(1);
    let key = store.person_key(person(1), key(1), at(0)).await.unwrap();
    let from = PersonalValue {
        person: person(1),
        name: PersonalField::FROM,
        value: "203.0.113.7",
    };
    let sealed = from.seal(&entry.id, &key.unwrap(), [1; 12]);
    entry.personal.push(sealed.unwrap());
    let chain = ChainNumber::of(&entry.subject);
    let genesis = ChainHead::genesis(chain);
    store.append_audit(&genesis, &[entry], at(2)).await.unwrap();

    let shown = async || {
        let order = TrailOrder::OldestFirst;
        let page = store.audit_page(chain, None, 10, order, Consistency::Strong);
        let page = page.await.unwrap();
        let mut verifier = Verifier::new(genesis);
        verifier.feed(&page.items).unwrap();
        let TrailItem::Record(record) = &page.items[0] else {
            unreachable!("it was written just now")
        };
        let persons = record.entry.personal.iter().map(|it| it.person);
        let keys = store.person_keys(persons).await.unwrap();
        AuditRecordView::of(record, &keys).from
    };
    assert_eq!(shown().await.as_deref(), Some("203.0.113.7"));
    store.destroy_person_key(person(1), at(3)).await.unwrap();
    assert_eq!(shown().await, None);
    // Neither the address nor the key is anywhere.
    let left = serde_json::to_string(&world.items().await).unwrap();
    assert!(!left.contains("203.0.113.7"), "{left}");
    assert!(!left.contains(&PersonKey::new([1; 32]).reveal()), "{left}");
}
