//! Stores accounts, and the logins by which their addresses find them.

use std::{collections::BTreeSet, net::IpAddr};

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, Update,
    builders::PutBuilder,
};
use domain::{
    customers::GroupId,
    id::{AccountId, CartId, EmailChangeId, SessionId},
    identity::{
        Account, AccountChange, AccountChangeKind, EmailChange, Login, PasswordHash, Registration,
        StaffMember,
    },
    notifications::suppression::AddressHash,
    trace::{self, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value;

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Record, from_item, from_part, number, string, to_item},
    keys::{Key, account_partition},
    transaction::{First, Outcome, delete_action, put_action, update_action},
};

/// A password's hash as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PasswordRecord {
    phc: String,
    pepper: u32,
}

/// What a login reads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LoginRecord {
    account: AccountId,
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<PasswordRecord>,
    password_set_at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_staff: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_totp: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    groups: BTreeSet<GroupId>,
}

/// An account as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    pub(crate) id: AccountId,
    email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email_consent: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    staff: Option<StaffRecord>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    groups: BTreeSet<GroupId>,
    generation: u64,
    created_at: Timestamp,
    pub(crate) version: u64,
    pub(crate) last_change: ChangeRecord,
    pub(crate) trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
}

/// What an account may do as staff, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct StaffRecord {
    role: String,
    permissions: Vec<String>,
}

/// The last change of an account as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ChangeRecord {
    pub(crate) kind: AccountChangeKind,
    by: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email_change: Option<EmailChangeId>,
}

impl Record for LoginRecord {
    const ENTITY: &'static str = "login";
}

impl Record for AccountRecord {
    const ENTITY: &'static str = "account";
}

/// Result of making an account of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyOutcome {
    /// The account exists now, or since an earlier call for the same registration.
    Verified,
    /// The address has an account that was made of another registration.
    AddressTaken,
}

/// Result of a change of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOutcome {
    /// It was written.
    Changed,
    /// The account, or what else the change depends on, has changed in the meantime.
    Superseded,
}

/// Result of replacing the address of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailOutcome {
    /// It was replaced.
    Changed,
    /// Another account has the new address.
    AddressTaken,
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

impl LoginRecord {
    /// The login of a new account.
    pub(crate) fn first(account: &Account, password: &PasswordHash) -> Self {
        Self {
            account: account.id,
            generation: account.generation,
            password: Some(password.into()),
            password_set_at: account.created_at,
            is_staff: account.staff.is_some(),
            has_totp: false,
            groups: account.groups.clone(),
        }
    }
}

impl From<LoginRecord> for Login {
    fn from(record: LoginRecord) -> Self {
        Self {
            account: record.account,
            generation: record.generation,
            password: record.password.map(PasswordHash::from),
            password_set_at: record.password_set_at,
            is_staff: record.is_staff,
            has_totp: record.has_totp,
            groups: record.groups,
        }
    }
}

impl From<&Account> for AccountRecord {
    fn from(account: &Account) -> Self {
        let change = &account.last_change;
        Self {
            id: account.id,
            email: account.email.clone(),
            name: account.name.clone(),
            email_consent: account.email_consent,
            staff: account.staff.as_ref().map(|staff| StaffRecord {
                role: staff.role.clone(),
                permissions: staff.permissions.clone(),
            }),
            groups: account.groups.clone(),
            generation: account.generation,
            created_at: account.created_at,
            version: account.version,
            last_change: ChangeRecord {
                kind: change.kind,
                by: change.by.clone(),
                at: change.at,
                from: change.from,
                email_change: change.email_change,
            },
            trace_id: account.trace_id.clone(),
            traceparent: Some(account.traceparent),
        }
    }
}

impl From<AccountRecord> for Account {
    fn from(record: AccountRecord) -> Self {
        let change = record.last_change;
        Self {
            id: record.id,
            email: record.email,
            name: record.name,
            email_consent: record.email_consent,
            staff: record.staff.map(|staff| StaffMember {
                role: staff.role,
                permissions: staff.permissions,
            }),
            groups: record.groups,
            generation: record.generation,
            created_at: record.created_at,
            version: record.version,
            last_change: AccountChange {
                kind: change.kind,
                by: change.by,
                at: change.at,
                from: change.from,
                email_change: change.email_change,
            },
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl Store {
    /// Makes `account` of a registration: of several for one address the first one wins. Keys: [`Key::login`] and
    /// [`Key::account`], on the condition that they do not exist; [`Key::registration`]; [`Key::account_registration`], by which
    /// the deletion of the account finds the registration. 8 write units.
    pub async fn verify_registration(
        &self,
        registration: &Registration,
        account: &Account,
    ) -> Result<VerifyOutcome> {
        let login = LoginRecord::first(account, &registration.password);
        let new = |put: PutBuilder| {
            put.table_name(&self.table)
                .condition_expression("attribute_not_exists(PK)")
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
        };
        let key = Key::login(&AddressHash::of(&registration.email));
        let put_login = new(Put::builder()).set_item(Some(to_item(&key, &login)?));
        let item = to_item(&Key::account(account.id), &AccountRecord::from(account))?;
        let put_account = new(Put::builder()).set_item(Some(item));
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
            self.put_request(
                &Key::account_registration(account.id, registration.id),
                registration.expires_at(),
            )?,
        ];
        let outcome = self.transact("verify registration", First::Write, actions);
        match outcome.await? {
            Outcome::Committed { .. } => Ok(VerifyOutcome::Verified),
            Outcome::Refused(reasons) => {
                let taken = reasons.into_iter().next().flatten();
                let found = taken.and_then(|reason| reason.item);
                let login = found.map(from_item::<LoginRecord>).transpose()?;
                match login {
                    // An account's id follows from its registration.
                    Some(login) if login.account == account.id => Ok(VerifyOutcome::Verified),
                    Some(_) => Ok(VerifyOutcome::AddressTaken),
                    None => Err(StoreError::inconsistent(
                        AccountRecord::ENTITY,
                        "exists without a login, or its registration is gone",
                    )),
                }
            }
            Outcome::InProgress => Err(no_key()),
        }
    }

    /// Reads what a login needs. Key: [`Key::login`], strongly consistent: a password that was changed must not open any more.
    /// 1 read unit.
    pub async fn login(&self, address: &AddressHash) -> Result<Option<Login>> {
        let item = self
            .get("GetItem login", &Key::login(address), Consistency::Strong)
            .await?;
        Ok(item
            .map(from_item::<LoginRecord>)
            .transpose()?
            .map(Login::from))
    }

    /// Finds the account of an address, without what a login needs. Key: [`Key::login`], eventually consistent. 0.5 read units.
    pub async fn account_of_address(&self, address: &AddressHash) -> Result<Option<AccountId>> {
        /// The part of a login that is read.
        #[derive(Deserialize)]
        struct Found {
            account: AccountId,
        }
        let wanted = self.client.get_item().projection_expression("account");
        let key = Key::login(address);
        let item = self
            .get_part("GetItem account of address", &key, wanted)
            .await?;
        let found = item.map(|item| from_part::<Found>(LoginRecord::ENTITY, item));
        Ok(found.transpose()?.map(|found| found.account))
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
        let account = item.map(from_item::<AccountRecord>).transpose()?;
        // A tombstone is nobody's account.
        let account = account.map(Account::from);
        Ok(account.filter(|account| !account.is_erased()))
    }

    /// Reads accounts, in any order; those that are missing or deleted are left out. Key: [`Key::account`], strongly consistent. 1
    /// read unit for each.
    pub async fn accounts(&self, ids: &[AccountId]) -> Result<Vec<Account>> {
        let mut accounts = Vec::with_capacity(ids.len());
        for ids in ids.chunks(100) {
            let keys = ids.iter().map(|id| Key::account(*id).attributes());
            let found = self
                .get_batch("BatchGetItem accounts", keys.collect(), Consistency::Strong)
                .await?;
            for item in found {
                accounts.push(Account::from(from_item::<AccountRecord>(item)?));
            }
        }
        accounts.retain(|account| !account.is_erased());
        Ok(accounts)
    }

    /// Replaces an account by its next version, which leaves address, password and sessions as they are. Key:
    /// [`Key::account`], on the condition that its version is the one before. 1 write unit for each KB.
    pub async fn change_account(&self, account: &Account) -> Result<AccountOutcome> {
        let item = to_item(&Key::account(account.id), &AccountRecord::from(account))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("version = :before")
            .expression_attribute_values(":before", number(account.version - 1));
        let written = self.write("PutItem account", put).await?;
        Ok(match written.is_done() {
            true => AccountOutcome::Changed,
            false => AccountOutcome::Superseded,
        })
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

    /// Ends all sessions of before, sets a password if there is one, and keeps the session `kept`: `account` is the next version of the account,
    /// with the next generation. Keys: [`Key::account`], on the condition that its version is the one before; [`Key::login`], on the
    /// condition that its password was set at the time that `login` says; [`Key::session`]. 4 write units, or 6.
    pub async fn begin_generation(
        &self,
        account: &Account,
        login: &Login,
        password: Option<&PasswordHash>,
        kept: Option<SessionId>,
    ) -> Result<AccountOutcome> {
        let mut actions = vec![
            put_action(self.next_version(account)?)?,
            update_action({
                let key = Key::login(&AddressHash::of(&account.email));
                let update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key.attributes()))
                    .condition_expression("account = :account AND password_set_at = :before")
                    .expression_attribute_values(":next", number(account.generation))
                    .expression_attribute_values(":account", string(account.id.to_string()))
                    .expression_attribute_values(
                        ":before",
                        string(login.password_set_at.to_string()),
                    );
                match password {
                    None => update.update_expression("SET generation = :next"),
                    Some(hash) => update
                        .update_expression(
                            "SET generation = :next, password = :password, password_set_at = :now",
                        )
                        .expression_attribute_values(":password", password_value(hash)?)
                        .expression_attribute_values(
                            ":now",
                            string(account.last_change.at.to_string()),
                        ),
                }
            })?,
        ];
        if let Some(session) = kept {
            let update = Update::builder()
                .table_name(&self.table)
                .set_key(Some(Key::session(account.id, session).attributes()))
                .update_expression("SET generation = :next")
                .condition_expression("attribute_exists(PK)")
                .expression_attribute_values(":next", number(account.generation));
            actions.push(update_action(update)?);
        }
        let outcome = self.transact("begin generation", First::Write, actions);
        Ok(match outcome.await? {
            Outcome::Committed { .. } => AccountOutcome::Changed,
            Outcome::Refused(_) | Outcome::InProgress => AccountOutcome::Superseded,
        })
    }

    /// Replaces the address of an account, whose next version is `account` and whose login is `login`. Keys: [`Key::login`] of the old address, which is deleted if it has
    /// the password of `login`, and of the new one, on the condition that it does not exist; [`Key::account`], on the condition that its version is the one
    /// before. 6 write units.
    pub async fn change_email(
        &self,
        account: &Account,
        login: &Login,
        change: &EmailChange,
    ) -> Result<EmailOutcome> {
        let old = AddressHash::of(&change.old);
        let record = LoginRecord {
            account: account.id,
            generation: account.generation,
            password: login.password.as_ref().map(PasswordRecord::from),
            password_set_at: login.password_set_at,
            is_staff: login.is_staff,
            has_totp: login.has_totp,
            // Those of the version that the condition is about: the login may have been read before another change of them.
            groups: account.groups.clone(),
        };
        let item = to_item(&Key::login(&AddressHash::of(&change.new)), &record)?;
        let put_login = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(PK)");
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::login(&old).attributes()))
            .condition_expression("account = :account AND password_set_at = :set_at")
            .expression_attribute_values(":account", string(account.id.to_string()))
            .expression_attribute_values(":set_at", string(login.password_set_at.to_string()));
        let actions = vec![
            put_action(put_login)?,
            put_action(self.next_version(account)?)?,
            delete_action(delete)?,
        ];
        let outcome = self.transact("change email", First::Write, actions);
        Ok(match outcome.await? {
            Outcome::Committed { .. } => EmailOutcome::Changed,
            Outcome::Refused(reasons) => match is_refused(&reasons, 0) {
                true => EmailOutcome::AddressTaken,
                false => EmailOutcome::Superseded,
            },
            Outcome::InProgress => return Err(no_key()),
        })
    }

    /// Deletes the login of an account and leaves its tombstone, the version `account` after `before`. Keys: [`Key::login`], on
    /// the condition that it is the account's; [`Key::account`], on the condition that its version is the one before;
    /// [`Key::person_key`], which is destroyed; of staff, who must not be owners, also [`Key::staff`];
    /// [`Key::group_member`] and [`Key::customer_group`] of each group. 6 write units, 2 more for staff, and 4 for each group.
    pub async fn erase_account(
        &self,
        account: &Account,
        before: &Account,
    ) -> Result<AccountOutcome> {
        let address = AddressHash::of(&before.email);
        let delete = |key: &Key| {
            Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key.attributes()))
        };
        let login = delete(&Key::login(&address))
            .condition_expression("account = :account")
            .expression_attribute_values(":account", string(account.id.to_string()));
        let mut actions = vec![
            put_action(self.next_version(account)?)?,
            delete_action(login)?,
            // With the account, so that there is none whose trail cannot be read, and no person who is erased by half.
            update_action(self.person_key_is_destroyed(account.id, account.last_change.at))?,
        ];
        if before.staff.is_some() {
            actions.push(delete_action(delete(&Key::staff(account.id)))?);
        }
        for group in &before.groups {
            actions.extend(self.membership_ends(account.id, group)?);
        }
        let outcome = self.transact("erase account", First::Write, actions);
        Ok(match outcome.await? {
            Outcome::Committed { .. } => AccountOutcome::Changed,
            Outcome::Refused(_) | Outcome::InProgress => AccountOutcome::Superseded,
        })
    }

    /// Deletes everything in the partition of an account but the account itself and its exports, whose files go first: sessions,
    /// addresses, passkeys and the like. Keys: [`account_partition`]; [`Key::passkey_owner`] of its passkeys, [`Key::cart`] of its
    /// current cart, [`Key::registration`] and [`Key::email_change`], as far as they are its own. A read unit for each 4 KB, and
    /// a write unit for each KB of an item.
    pub async fn delete_belongings(&self, id: AccountId) -> Result<()> {
        let mut keys = Vec::new();
        let mut cart: Option<CartId> = None;
        let (account, account_cart) = (Key::account(id), Key::account_cart(id));
        self.partition("Query belongings", &account_partition(id), |item| {
            let key = Key::of_item(&item)?;
            if key == account || key.as_export().is_some() {
                return Ok(());
            }
            if key == account_cart {
                cart = item.get("cart").and_then(|it| it.as_s().ok()?.parse().ok());
            }
            // What is elsewhere goes first: if the deletion breaks off in between, the next one finds it again.
            keys.extend(key.elsewhere());
            keys.push(key);
            Ok(())
        })
        .await?;
        if let Some(cart) = cart {
            let delete = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(Key::cart(cart).attributes()))
                .condition_expression("account = :account")
                .expression_attribute_values(":account", string(id.to_string()));
            // Condition failed: it has expired.
            self.write("DeleteItem cart", delete).await?;
        }
        for key in keys {
            let delete = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(key.attributes()));
            self.write("DeleteItem belonging", delete).await?;
        }
        Ok(())
    }

    /// Replaces an account by its next version, on the condition that its version is the one before.
    pub(crate) fn next_version(&self, account: &Account) -> Result<PutBuilder> {
        let item = to_item(&Key::account(account.id), &AccountRecord::from(account))?;
        Ok(Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("version = :before")
            .expression_attribute_values(":before", number(account.version - 1)))
    }
}

pub(crate) fn password_value(hash: &PasswordHash) -> Result<AttributeValue> {
    to_attribute_value(PasswordRecord::from(hash))
        .map_err(|error| StoreError::unwritable(LoginRecord::ENTITY, error))
}

/// Groups as accounts and logins have them.
pub(crate) fn groups_value(groups: &BTreeSet<GroupId>) -> AttributeValue {
    AttributeValue::L(groups.iter().map(|id| string(id.as_str())).collect())
}

/// Whether the action at this place was refused.
pub(crate) fn is_refused(reasons: &[Option<CancellationReason>], place: usize) -> bool {
    reasons.get(place).is_some_and(Option::is_some)
}

/// Only a transaction with an idempotency key is ever in progress.
pub(crate) fn no_key() -> StoreError {
    StoreError::inconsistent(AccountRecord::ENTITY, "no idempotency key")
}
