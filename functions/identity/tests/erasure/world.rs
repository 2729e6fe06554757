//! Accounts in a real table.

use std::path::Path;

use domain::{
    id::{AccountId, JobId, RegistrationId},
    identity::{Account, ChangeCause, PasswordHash, Registration},
    jobs::{Job, JobKind},
    orders::Actor,
    trace::{Cause, TraceParent},
};
use jiff::Timestamp;
use local::emulators::Tables;
use runtime::Environment;
use serde_json::Value;
use store::{Store, VerifyOutcome};

const TABLE: &str = "accounts";

/// A shop's table, and nothing else of it.
pub(crate) struct World {
    pub(crate) store: Store,
    tables: Tables,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-26T10:00:00Z".parse().unwrap()
}

/// A change by whoever has the account.
pub(crate) fn cause() -> ChangeCause<'static> {
    ChangeCause {
        by: "account:acc_1".to_owned(),
        from: Some("203.0.113.7".parse().unwrap()),
        now: now(),
        cause: Cause {
            trace_id: "t",
            traceparent: TraceParent::begin("t"),
        },
    }
}

/// A job that exports the data of an account.
pub(crate) fn export(number: u8, account: AccountId) -> Job {
    let job = Job::queued(
        JobId::random([number; 16]),
        JobKind::AccountExport,
        Actor::Customer,
        now(),
        "t",
        TraceParent::begin("t"),
    );
    job.of_account(account)
}

impl World {
    pub(crate) async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tables = Tables::start(&root.canonicalize().unwrap()).await.unwrap();
        tables.create(TABLE).unwrap();
        let environment = Environment::of(tables.environment("http://127.0.0.1:9"));
        Self {
            store: Store::new(&environment.sdk_config().unwrap(), TABLE),
            tables,
        }
    }

    /// Registers and verifies an account.
    pub(crate) async fn account(&self, number: u8, email: &str) -> Account {
        let registration = Registration {
            id: RegistrationId::random([number; 16]),
            email: email.to_owned(),
            name: Some("Ada".to_owned()),
            password: PasswordHash {
                phc: "$argon2id$x".to_owned(),
                pepper: 1,
            },
            created_at: now(),
            account: None,
            trace_id: "t".to_owned(),
            traceparent: TraceParent::begin("t"),
        };
        self.store.register(&registration).await.unwrap();
        let account = Account::of(&registration, &cause());
        let verified = self.store.verify_registration(&registration, &account);
        assert_eq!(verified.await.unwrap(), VerifyOutcome::Verified);
        account
    }

    /// All items, in DynamoDB JSON.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.tables.items(TABLE).unwrap()
    }

    /// Keys of all items.
    pub(crate) fn keys(&self) -> Vec<String> {
        let items = self.items();
        let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
        let mut keys: Vec<String> = items
            .iter()
            .map(|item| format!("{} | {}", text(&item["PK"]), text(&item["SK"])))
            .collect();
        keys.sort();
        keys
    }
}
