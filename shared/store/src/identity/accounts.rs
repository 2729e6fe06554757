//! Stores registrations, and the accounts that are made of them.

use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, Update, builders::PutBuilder,
};
use domain::{
    id::{AccountId, RegistrationId},
    identity::{Account, Login, PasswordHash, Registration},
    notifications::suppression::AddressHash,
    trace::{self, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Record, from_item, number, string, to_item},
    keys::Key,
    transaction::{First, Outcome, put_action, update_action},
};

/// A registration as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct RegistrationRecord {
    id: RegistrationId,
    email: String,
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

impl Record for RegistrationRecord {
    const ENTITY: &'static str = "registration";
}

/// A password's hash as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct PasswordRecord {
    phc: String,
    pepper: u32,
}

/// What a login reads.
#[derive(Debug, Serialize, Deserialize)]
struct LoginRecord {
    account: AccountId,
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<PasswordRecord>,
}

impl Record for LoginRecord {
    const ENTITY: &'static str = "login";
}

/// An account as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct AccountRecord {
    id: AccountId,
    email: String,
    generation: u64,
    created_at: Timestamp,
    version: u64,
}

impl Record for AccountRecord {
    const ENTITY: &'static str = "account";
}

/// Result of making an account of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyOutcome {
    /// The account exists now, or since an earlier call for the same registration.
    Verified(AccountId),
    /// The address has an account that was made of another registration.
    AddressTaken,
}

/// Result of changing a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangePasswordOutcome {
    /// Changed: sessions of before have ended.
    Changed,
    /// The account has changed in the meantime.
    Superseded,
}

impl From<&PasswordHash> for PasswordRecord {
    fn from(hash: &PasswordHash) -> Self {
        Self {
            phc: hash.phc.clone(),
            pepper: hash.pepper,
        }
    }
}

impl From<PasswordRecord> for PasswordHash {
    fn from(record: PasswordRecord) -> Self {
        Self {
            phc: record.phc,
            pepper: record.pepper,
        }
    }
}

impl From<RegistrationRecord> for Registration {
    fn from(record: RegistrationRecord) -> Self {
        Self {
            id: record.id,
            email: record.email,
            password: record.password.into(),
            created_at: record.created_at,
            account: record.account,
            traceparent: record
                .traceparent
                .unwrap_or_else(|| TraceParent::begin(&record.trace_id)),
            trace_id: record.trace_id,
        }
    }
}

impl From<AccountRecord> for Account {
    fn from(record: AccountRecord) -> Self {
        Self {
            id: record.id,
            email: record.email,
            generation: record.generation,
            created_at: record.created_at,
            version: record.version,
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
            password: (&registration.password).into(),
            created_at: registration.created_at,
            account: None,
            trace_id: registration.trace_id.clone(),
            traceparent: Some(registration.traceparent),
            expires_at: registration.expires_at().as_second(),
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::registration(registration.id), &record)?))
            .condition_expression("attribute_not_exists(PK)");
        let written = self.write("PutItem registration", put).await?;
        written.or_inconsistent(RegistrationRecord::ENTITY)?;
        Ok(())
    }

    /// Reads a registration that has not expired. Key: [`Key::registration`], strongly consistent. 1 read unit.
    pub async fn registration(
        &self,
        id: RegistrationId,
        now: Timestamp,
    ) -> Result<Option<Registration>> {
        let key = Key::registration(id);
        let item = self
            .get("GetItem registration", &key, Consistency::Strong)
            .await?;
        let record = item.map(from_item::<RegistrationRecord>).transpose()?;
        // The table deletes expired items with a delay of up to days.
        let record = record.filter(|record| record.expires_at > now.as_second());
        Ok(record.map(Registration::from))
    }

    /// Makes the account of a registration: of several for one address the first one wins. Keys: [`Key::login`] and
    /// [`Key::account`], on the condition that they do not exist; [`Key::registration`]. 6 write units.
    pub async fn verify_registration(
        &self,
        registration: &Registration,
        now: Timestamp,
    ) -> Result<VerifyOutcome> {
        let account = Account::of(registration, now);
        let login = LoginRecord {
            account: account.id,
            generation: account.generation,
            password: Some((&registration.password).into()),
        };
        let record = AccountRecord {
            id: account.id,
            email: account.email.clone(),
            generation: account.generation,
            created_at: account.created_at,
            version: account.version,
        };
        let new = |put: PutBuilder| {
            put.table_name(&self.table)
                .condition_expression("attribute_not_exists(PK)")
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
        };
        let key = Key::login(&AddressHash::of(&registration.email));
        let put_login = new(Put::builder()).set_item(Some(to_item(&key, &login)?));
        let key = Key::account(account.id);
        let put_account = new(Put::builder()).set_item(Some(to_item(&key, &record)?));
        let mark = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::registration(registration.id).attributes()))
            .update_expression("SET account = :account")
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":account", string(account.id.to_string()));
        let actions = vec![
            put_action(put_login)?,
            put_action(put_account)?,
            update_action(mark)?,
        ];
        let outcome = self.transact("verify registration", First::Write, actions);
        match outcome.await? {
            Outcome::Committed { .. } => Ok(VerifyOutcome::Verified(account.id)),
            Outcome::Refused(reasons) => {
                let taken = reasons.into_iter().next().flatten();
                let found = taken.and_then(|reason| reason.item);
                let login = found.map(from_item::<LoginRecord>).transpose()?;
                match login {
                    // An account's id follows from its registration.
                    Some(login) if login.account == account.id => {
                        Ok(VerifyOutcome::Verified(account.id))
                    }
                    Some(_) => Ok(VerifyOutcome::AddressTaken),
                    None => Err(StoreError::inconsistent(
                        AccountRecord::ENTITY,
                        "exists without a login",
                    )),
                }
            }
            Outcome::InProgress => Err(StoreError::inconsistent(
                RegistrationRecord::ENTITY,
                "no idempotency key",
            )),
        }
    }

    /// Reads what a login needs. Key: [`Key::login`], strongly consistent: a password that was changed must not open any more.
    /// 1 read unit.
    pub async fn login(&self, address: &AddressHash) -> Result<Option<Login>> {
        let item = self
            .get("GetItem login", &Key::login(address), Consistency::Strong)
            .await?;
        let record = item.map(from_item::<LoginRecord>).transpose()?;
        Ok(record.map(|record| Login {
            account: record.account,
            generation: record.generation,
            password: record.password.map(PasswordHash::from),
        }))
    }

    /// Reads an account. Key: [`Key::account`]. 0.5 read units, or 1 if strongly consistent.
    pub async fn account(
        &self,
        id: AccountId,
        consistency: Consistency,
    ) -> Result<Option<Account>> {
        let item = self
            .get("GetItem account", &Key::account(id), consistency)
            .await?;
        Ok(item
            .map(from_item::<AccountRecord>)
            .transpose()?
            .map(Account::from))
    }

    /// Stores a hash of the same password under newer parameters. Key: [`Key::login`], on the condition that the password is the one that
    /// was verified. 1 write unit. Whether it was written does not matter: another login has done the same, or the password
    /// has been changed.
    pub async fn rehash_password(
        &self,
        address: &AddressHash,
        verified: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<()> {
        let update = self
            .update(&Key::login(address))
            .update_expression("SET password.phc = :phc, password.pepper = :pepper")
            .condition_expression("password.phc = :verified")
            .expression_attribute_values(":phc", string(&new.phc))
            .expression_attribute_values(":pepper", number(new.pepper))
            .expression_attribute_values(":verified", string(&verified.phc));
        self.write("UpdateItem rehash password", update).await?;
        Ok(())
    }

    /// Ends all sessions of an account and, with a password, changes it. Keys: [`Key::account`], on the condition that its
    /// version is that of `account`; [`Key::login`]. 4 write units.
    pub async fn begin_generation(
        &self,
        account: &Account,
        password: Option<&PasswordHash>,
    ) -> Result<ChangePasswordOutcome> {
        let next = account.generation + 1;
        let change = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::account(account.id).attributes()))
            .update_expression("SET generation = :next, version = :version")
            .condition_expression("version = :before")
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":version", number(account.version + 1))
            .expression_attribute_values(":before", number(account.version));
        let key = Key::login(&AddressHash::of(&account.email));
        let mut login = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression("account = :account")
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":account", string(account.id.to_string()));
        login = match password {
            None => login.update_expression("SET generation = :next"),
            Some(hash) => {
                let record = PasswordRecord::from(hash);
                let value = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(record);
                let value =
                    value.map_err(|error| StoreError::unwritable(LoginRecord::ENTITY, error))?;
                login
                    .update_expression("SET generation = :next, password = :password")
                    .expression_attribute_values(":password", value)
            }
        };
        let actions = vec![update_action(change)?, update_action(login)?];
        let outcome = self.transact("begin generation", First::Write, actions);
        Ok(match outcome.await? {
            Outcome::Committed { .. } => ChangePasswordOutcome::Changed,
            Outcome::Refused(_) | Outcome::InProgress => ChangePasswordOutcome::Superseded,
        })
    }
}
