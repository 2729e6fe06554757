//! Stores who belongs to the staff: the account, its login, its place in the list and the number of owners change together.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use domain::{
    id::{AccountId, PasskeyId},
    identity::{Account, PasswordHash},
    notifications::suppression::AddressHash,
    orders::Actor,
    staff::{GivenRole, Invitation, StaffEntry},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::owners::OwnersChange;
use crate::{
    Consistency, Result, Store,
    identity::accounts::{AccountRecord, LoginRecord, is_refused, no_key, password_value},
    item::{Record, from_item, number, string, to_item},
    keys::{Key, STAFF_PARTITION},
    transaction::{First, Outcome, delete_action, put_action, update_action},
};

/// A member of the staff as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct StaffRecord {
    account: AccountId,
    role: String,
    joined_at: Timestamp,
    invited_by: Actor,
}

impl Record for StaffRecord {
    const ENTITY: &'static str = "staff";
}

/// Result of a change of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaffOutcome {
    /// It was written.
    Changed,
    /// It would leave no owner.
    LastOwner,
    /// The account or the role has changed in the meantime.
    Superseded,
}

/// The account of a person who accepts an invitation.
#[derive(Clone, Copy, Debug)]
pub enum Joining<'a> {
    /// It is made.
    New,
    /// It is there, and has these passkeys, which it loses: nobody knows whose they are.
    Existing(&'a [PasskeyId]),
}

/// Result of accepting an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptOutcome {
    /// The account belongs to the staff.
    Accepted,
    /// The invitation was accepted or revoked before, or has expired.
    NotOpen,
    /// The account or the role has changed in the meantime, or the address has an account now.
    Superseded,
}

impl From<StaffRecord> for StaffEntry {
    fn from(record: StaffRecord) -> Self {
        Self {
            account: record.account,
            role: record.role,
            joined_at: record.joined_at,
            invited_by: record.invited_by,
        }
    }
}

impl Store {
    /// Lists the staff, without what the accounts know. Key: [`STAFF_PARTITION`], strongly consistent. 1 read unit for each 4 KB.
    pub async fn staff(&self) -> Result<Vec<StaffEntry>> {
        let owners = Key::owners();
        let mut entries = Vec::new();
        self.partition("Query staff", STAFF_PARTITION, |item| {
            if Key::of_item(&item)? != owners {
                entries.push(StaffEntry::from(from_item::<StaffRecord>(item)?));
            }
            Ok(())
        })
        .await?;
        Ok(entries)
    }

    /// Reads one member of the list. Key: [`Key::staff`], strongly consistent. 1 read unit.
    pub async fn staff_entry(&self, account: AccountId) -> Result<Option<StaffEntry>> {
        let key = Key::staff(account);
        let item = self.get("GetItem staff", &key, Consistency::Strong).await?;
        let record = item.map(from_item::<StaffRecord>).transpose()?;
        Ok(record.map(StaffEntry::from))
    }

    /// Replaces a member's account `before` by its next version `after`, which has the role `given`, or none. Keys: [`Key::account`], on
    /// the condition that its version is the one before; [`Key::login`], on the condition that it is the account's;
    /// [`Key::staff`], on the condition that it exists; if an owner comes or goes [`Key::owners`], on the condition that one is
    /// left; for a role of the shop's own [`Key::role`], on the condition that the role has not changed. 6 to 10 write units.
    pub async fn change_staff(
        &self,
        before: &Account,
        after: &Account,
        given: Option<&GivenRole>,
    ) -> Result<StaffOutcome> {
        let key = Key::staff(after.id);
        let entry = match &after.staff {
            Some(staff) => update_action(
                Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key.attributes()))
                    .update_expression("SET #role = :role")
                    .condition_expression("attribute_exists(PK)")
                    .expression_attribute_names("#role", "role")
                    .expression_attribute_values(":role", string(&staff.role)),
            )?,
            None => delete_action(
                Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(key.attributes()))
                    .condition_expression("attribute_exists(PK)"),
            )?,
        };
        let mut actions = vec![
            put_action(self.next_version(after)?)?,
            self.login_of(after)?,
            entry,
        ];
        let counted = self.count(&mut actions, Some(before), after, given)?;
        let outcome = self.transact("change staff", First::Write, actions);
        Ok(match outcome.await? {
            Outcome::Committed { .. } => StaffOutcome::Changed,
            Outcome::Refused(reasons) => {
                let is_current = !is_refused(&reasons, 0);
                match counted.filter(|place| is_current && is_refused(&reasons, *place)) {
                    Some(_) => StaffOutcome::LastOwner,
                    None => StaffOutcome::Superseded,
                }
            }
            Outcome::InProgress => return Err(no_key()),
        })
    }

    /// Makes the owner of an invitation's address a member of the staff, by the account `after`, which was none before and has
    /// `password` from now on. Keys: [`Key::invitation`], on the condition that it can be accepted; [`Key::account`] and
    /// [`Key::login`], on the condition that they do not exist, or as in [`change_staff`](Self::change_staff); of an account that is
    /// there also [`Key::totp`], and [`Key::passkey`] and [`Key::passkey_owner`] of its passkeys, all of which are deleted;
    /// [`Key::staff`]; [`Key::owners`] and [`Key::role`] as there. 8 to 14 write units, and 4 for each passkey, or 6 for a long
    /// credential.
    pub async fn accept_invitation(
        &self,
        invitation: &Invitation,
        joining: Joining<'_>,
        after: &Account,
        password: &PasswordHash,
        given: &GivenRole,
    ) -> Result<AcceptOutcome> {
        let now = after.last_change.at;
        let accepted = self.invitation_is_accepted(invitation.id, after.id, now);
        let mut actions = vec![update_action(accepted)?];
        match joining {
            Joining::New => {
                let login = to_item(
                    &Key::login(&AddressHash::of(&after.email)),
                    &LoginRecord::first(after, password),
                )?;
                let account = to_item(&Key::account(after.id), &AccountRecord::from(after))?;
                for item in [account, login] {
                    let put = Put::builder()
                        .table_name(&self.table)
                        .set_item(Some(item))
                        .condition_expression("attribute_not_exists(PK)");
                    actions.push(put_action(put)?);
                }
            }
            Joining::Existing(passkeys) => {
                // A passkey or an app that is added meanwhile makes another version.
                actions.push(put_action(self.next_version(after)?)?);
                actions.push(self.login_begins_anew(after, password)?);
                for key in factors(after.id, passkeys) {
                    let delete = Delete::builder()
                        .table_name(&self.table)
                        .set_key(Some(key.attributes()));
                    actions.push(delete_action(delete)?);
                }
            }
        }
        let record = StaffRecord {
            account: after.id,
            role: given.name.clone(),
            joined_at: now,
            invited_by: invitation.invited_by.clone(),
        };
        let entry = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::staff(after.id), &record)?));
        actions.push(put_action(entry)?);
        self.count(&mut actions, None, after, Some(given))?;
        let outcome = self.transact("accept invitation", First::Write, actions);
        Ok(match outcome.await? {
            Outcome::Committed { .. } => AcceptOutcome::Accepted,
            Outcome::Refused(reasons) if is_refused(&reasons, 0) => AcceptOutcome::NotOpen,
            Outcome::Refused(_) => AcceptOutcome::Superseded,
            Outcome::InProgress => return Err(no_key()),
        })
    }

    /// Gives the login of an account that joins the staff a password as its only way to sign in, and the generation of sessions.
    fn login_begins_anew(
        &self,
        account: &Account,
        password: &PasswordHash,
    ) -> Result<TransactWriteItem> {
        let key = Key::login(&AddressHash::of(&account.email));
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(
                "SET generation = :generation, is_staff = :yes, has_totp = :no, \
                 password = :password, password_set_at = :now",
            )
            .condition_expression("account = :account")
            .expression_attribute_values(":generation", number(account.generation))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":password", password_value(password)?)
            .expression_attribute_values(":now", string(account.last_change.at.to_string()))
            .expression_attribute_values(":account", string(account.id.to_string()));
        update_action(update)
    }

    /// Gives the login of an account its generation of sessions, and tells it whether it is one of staff.
    fn login_of(&self, account: &Account) -> Result<TransactWriteItem> {
        let key = Key::login(&AddressHash::of(&account.email));
        let is_staff = account.staff.is_some();
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression("SET generation = :generation, is_staff = :staff")
            .condition_expression("account = :account")
            .expression_attribute_values(":generation", number(account.generation))
            .expression_attribute_values(":staff", AttributeValue::Bool(is_staff))
            .expression_attribute_values(":account", string(account.id.to_string()));
        update_action(update)
    }

    /// Counts owners, and that a role of the shop's own is given. Returns the place of the action that counts owners, if any.
    fn count(
        &self,
        actions: &mut Vec<TransactWriteItem>,
        before: Option<&Account>,
        after: &Account,
        given: Option<&GivenRole>,
    ) -> Result<Option<usize>> {
        let before = before.and_then(|account| account.staff.as_ref());
        let change = OwnersChange::of(before, after.staff.as_ref());
        let place = change.map(|_| actions.len());
        if let Some(change) = change {
            actions.push(update_action(change.update(&self.table))?);
        }
        if let Some(given) = given
            && let Some(version) = given.version
        {
            actions.push(update_action(self.role_is_given(&given.name, version))?);
        }
        Ok(place)
    }
}

/// The keys of an account's app and its passkeys.
fn factors(account: AccountId, passkeys: &[PasskeyId]) -> Vec<Key> {
    let of_passkeys = passkeys
        .iter()
        .flat_map(|id| [Key::passkey(account, *id), Key::passkey_owner(*id)]);
    std::iter::once(Key::totp(account))
        .chain(of_passkeys)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::size;

    #[test]
    fn nothing_of_before_signs_in_once_somebody_has_joined() {
        let account = AccountId::random([1; 16]);
        let (one, two) = (PasskeyId::random([2; 16]), PasskeyId::random([3; 16]));
        assert_eq!(factors(account, &[]), [Key::totp(account)]);
        let keys = [
            Key::totp(account),
            Key::passkey(account, one),
            Key::passkey_owner(one),
            Key::passkey(account, two),
            Key::passkey_owner(two),
        ];
        assert_eq!(factors(account, &[one, two]), keys);
        // Of the most passkeys, with what else is written, within a transaction, which has 100 actions.
        assert!(factors(account, &[one; 20]).len() < 90);
    }

    #[test]
    fn the_largest_entry_is_small_and_comes_back() {
        let record = StaffRecord {
            account: AccountId::random([255; 16]),
            role: "r".repeat(40),
            joined_at: "9000-01-01T00:00:00.123456789Z".parse().unwrap(),
            invited_by: Actor::Staff("s".repeat(128)),
        };
        let item = to_item(&Key::staff(record.account), &record).unwrap();
        let bytes = size::of(&item);
        assert!(bytes < 512, "{bytes}");
        let entry = StaffEntry::from(from_item::<StaffRecord>(item).unwrap());
        assert_eq!(entry.account, AccountId::random([255; 16]));
        assert_eq!(entry.invited_by, Actor::Staff("s".repeat(128)));
    }
}
