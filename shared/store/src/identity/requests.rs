//! Stores requests that a mail's link completes: registrations, new passwords, new addresses. Their insertion is what sends
//! the mail.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::{
    id::{AccountId, EmailChangeId, RegistrationId, ResetId},
    identity::{EmailChange, PasswordReset, Registration},
    trace::{self, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::accounts::{PasswordRecord, no_key};
use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, to_item},
    keys::Key,
    transaction::{First, Outcome, put_action},
};

/// A registration as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RegistrationRecord {
    id: RegistrationId,
    email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    password: PasswordRecord,
    created_at: Timestamp,
    /// The account that was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

/// A request to set a new password as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ResetRecord {
    id: ResetId,
    email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_set_at: Option<Timestamp>,
    created_at: Timestamp,
    trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

/// A request to replace an address as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EmailChangeRecord {
    id: EmailChangeId,
    account: AccountId,
    old: String,
    new: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_set_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    may_change_factors: bool,
    created_at: Timestamp,
    trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

/// That an item of another partition belongs to an account, for its deletion: the key says which. It expires with that item.
#[derive(Debug, Serialize, Deserialize)]
struct AccountRequestRecord {
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for AccountRequestRecord {
    const ENTITY: &'static str = "account_request";
}

/// A record whose insertion sends a mail with a link.
pub(crate) trait LinkRecord: Record + DeserializeOwned {
    /// Identifier of the request, and that of the call that made it.
    fn into_parts(self) -> (String, String);
}

impl LinkRecord for RegistrationRecord {
    fn into_parts(self) -> (String, String) {
        (self.id.to_string(), self.trace_id)
    }
}

impl LinkRecord for ResetRecord {
    fn into_parts(self) -> (String, String) {
        (self.id.to_string(), self.trace_id)
    }
}

impl LinkRecord for EmailChangeRecord {
    fn into_parts(self) -> (String, String) {
        (self.id.to_string(), self.trace_id)
    }
}

/// A record that the table deletes after its time, with a delay of up to days.
trait Expiring: Record + Serialize + DeserializeOwned {
    /// Expiry in seconds since 1970.
    fn expires_at(&self) -> i64;
}

impl Record for RegistrationRecord {
    const ENTITY: &'static str = "registration";
}

impl Record for ResetRecord {
    const ENTITY: &'static str = "password_reset";
}

impl Record for EmailChangeRecord {
    const ENTITY: &'static str = "email_change";
}

impl Expiring for RegistrationRecord {
    fn expires_at(&self) -> i64 {
        self.expires_at
    }
}

impl Expiring for ResetRecord {
    fn expires_at(&self) -> i64 {
        self.expires_at
    }
}

impl From<RegistrationRecord> for Registration {
    fn from(record: RegistrationRecord) -> Self {
        Self {
            id: record.id,
            email: record.email,
            name: record.name,
            password: record.password.into(),
            created_at: record.created_at,
            account: record.account,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl From<ResetRecord> for PasswordReset {
    fn from(record: ResetRecord) -> Self {
        Self {
            id: record.id,
            email: record.email,
            password_set_at: record.password_set_at,
            created_at: record.created_at,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl From<EmailChangeRecord> for EmailChange {
    fn from(record: EmailChangeRecord) -> Self {
        Self {
            id: record.id,
            account: record.account,
            old: record.old,
            new: record.new,
            password_set_at: record.password_set_at,
            may_change_factors: record.may_change_factors,
            created_at: record.created_at,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl Store {
    /// Stores a registration, from whose insertion its mail follows. Key: [`Key::registration`], on the condition that it does
    /// not exist. 1 write unit.
    pub async fn register(&self, registration: &Registration) -> Result<()> {
        let record = RegistrationRecord {
            id: registration.id,
            email: registration.email.clone(),
            name: registration.name.clone(),
            password: (&registration.password).into(),
            created_at: registration.created_at,
            account: None,
            trace_id: registration.trace_id.clone(),
            traceparent: Some(registration.traceparent),
            expires_at: registration.expires_at().as_second(),
        };
        let key = Key::registration(registration.id);
        self.insert_new("PutItem registration", &key, &record).await
    }

    /// Stores a request to set a new password, from whose insertion its mail follows. Key: [`Key::password_reset`], on the
    /// condition that it does not exist. 1 write unit.
    pub async fn request_password_reset(&self, reset: &PasswordReset) -> Result<()> {
        let record = ResetRecord {
            id: reset.id,
            email: reset.email.clone(),
            password_set_at: reset.password_set_at,
            created_at: reset.created_at,
            trace_id: reset.trace_id.clone(),
            traceparent: Some(reset.traceparent),
            expires_at: reset.expires_at().as_second(),
        };
        let key = Key::password_reset(reset.id);
        self.insert_new("PutItem password reset", &key, &record)
            .await
    }

    /// Stores a request to replace an address, from whose insertion its mail follows. Keys: [`Key::email_change`], on the
    /// condition that it does not exist; [`Key::account_email_change`], by which the deletion of the account finds it. 4 write
    /// units.
    pub async fn request_email_change(&self, change: &EmailChange) -> Result<()> {
        let record = EmailChangeRecord {
            id: change.id,
            account: change.account,
            old: change.old.clone(),
            new: change.new.clone(),
            password_set_at: change.password_set_at,
            may_change_factors: change.may_change_factors,
            created_at: change.created_at,
            trace_id: change.trace_id.clone(),
            traceparent: Some(change.traceparent),
            expires_at: change.kept_until().as_second(),
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::email_change(change.id), &record)?))
            .condition_expression("attribute_not_exists(PK)");
        let pointer = Key::account_email_change(change.account, change.id);
        let actions = vec![
            put_action(put)?,
            self.put_request(&pointer, change.kept_until())?,
        ];
        let operation = "request email change";
        match self.transact(operation, First::Write, actions).await? {
            // Refused: an earlier attempt was written, and its answer was lost.
            Outcome::Committed { .. } | Outcome::Refused(_) => Ok(()),
            Outcome::InProgress => Err(no_key()),
        }
    }

    /// Writes that the item of another partition, which expires then, belongs to an account.
    pub(super) fn put_request(
        &self,
        key: &Key,
        expires_at: Timestamp,
    ) -> Result<TransactWriteItem> {
        let record = AccountRequestRecord {
            expires_at: expires_at.as_second(),
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(key, &record)?));
        put_action(put)
    }

    /// Reads a registration that has not expired. Key: [`Key::registration`], strongly consistent. 1 read unit.
    pub async fn registration(
        &self,
        id: RegistrationId,
        now: Timestamp,
    ) -> Result<Option<Registration>> {
        let key = Key::registration(id);
        let record = self.unexpired::<RegistrationRecord>("GetItem registration", &key, now);
        Ok(record.await?.map(Registration::from))
    }

    /// Reads a request to set a new password that has not expired. Key: [`Key::password_reset`], strongly consistent. 1 read
    /// unit.
    pub async fn password_reset(
        &self,
        id: ResetId,
        now: Timestamp,
    ) -> Result<Option<PasswordReset>> {
        let key = Key::password_reset(id);
        let record = self.unexpired::<ResetRecord>("GetItem password reset", &key, now);
        Ok(record.await?.map(PasswordReset::from))
    }

    /// Reads a request to replace an address, whether or not its link still works. Key: [`Key::email_change`], strongly
    /// consistent. 1 read unit.
    pub async fn email_change(&self, id: EmailChangeId) -> Result<Option<EmailChange>> {
        let key = Key::email_change(id);
        let operation = "GetItem email change";
        let item = self.get(operation, &key, Consistency::Strong).await?;
        let record = item.map(from_item::<EmailChangeRecord>).transpose()?;
        Ok(record.map(EmailChange::from))
    }

    async fn unexpired<R: Expiring>(
        &self,
        operation: &'static str,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<R>> {
        let item = self.get(operation, key, Consistency::Strong).await?;
        let record = item.map(from_item::<R>).transpose()?;
        Ok(record.filter(|record| record.expires_at() > now.as_second()))
    }
}
