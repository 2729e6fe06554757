//! Stores who is in which customer group: account, login, the group's list and its number of members change together.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use domain::{
    customers::{GroupId, GroupMember},
    id::AccountId,
    identity::Account,
    notifications::suppression::AddressHash,
    orders::Actor,
    page::PageRequest,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AccountOutcome, ListError, Result, Store, StoreError, cursor,
    identity::accounts::{groups_value, no_key},
    item::{Record, from_item, string, to_item},
    keys::{Key, MEMBER_PREFIX, SK, group_partition},
    log_units,
    transaction::{First, Outcome, delete_action, put_action, update_action},
};

/// A member of a group as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct MemberRecord {
    account: AccountId,
    added_at: Timestamp,
    added_by: Actor,
}

impl Record for MemberRecord {
    const ENTITY: &'static str = "group_member";
}

/// One page of the members of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMemberPage {
    /// Members, by the ids of their accounts.
    pub members: Vec<GroupMember>,
    /// Cursor of the next page.
    pub next_cursor: Option<String>,
}

impl From<&GroupMember> for MemberRecord {
    fn from(member: &GroupMember) -> Self {
        Self {
            account: member.account,
            added_at: member.added_at,
            added_by: member.added_by.clone(),
        }
    }
}

impl From<MemberRecord> for GroupMember {
    fn from(record: MemberRecord) -> Self {
        Self {
            account: record.account,
            added_at: record.added_at,
            added_by: record.added_by,
        }
    }
}

impl Store {
    /// Reads a member of a group. Key: [`Key::group_member`], strongly consistent. 1 read unit.
    pub async fn group_member(
        &self,
        group: &GroupId,
        account: AccountId,
    ) -> Result<Option<GroupMember>> {
        let key = Key::group_member(group, account);
        let item = self
            .get("GetItem group member", &key, crate::Consistency::Strong)
            .await?;
        let record = item.map(from_item::<MemberRecord>).transpose()?;
        Ok(record.map(GroupMember::from))
    }

    /// Lists the members of a group, by account. Key: [`group_partition`], eventually consistent. 0.5 read units for each 4 KB,
    /// which is about 20 members.
    pub async fn group_members(
        &self,
        group: &GroupId,
        list: &PageRequest,
    ) -> Result<GroupMemberPage, ListError> {
        let partition = group_partition(group);
        let start = match &list.cursor {
            None => None,
            Some(text) => {
                let position = cursor::decode(&partition, MEMBER_PREFIX, text)?;
                Some(Key::of(&partition, &position).attributes())
            }
        };
        let limit = usize::try_from(list.limit).unwrap_or(usize::MAX);
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk AND begins_with(SK, :member)")
            .expression_attribute_values(":pk", string(&partition))
            .expression_attribute_values(":member", string(MEMBER_PREFIX))
            // One more than requested tells whether there is a next page.
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("Query group members", error))?;
        log_units("Query group members", answer.consumed_capacity.as_slice());
        let items = answer.items.unwrap_or_default();
        let more = items.len() > limit || answer.last_evaluated_key.is_some();
        let (mut members, mut last) = (Vec::with_capacity(items.len()), None);
        for item in items.into_iter().take(limit) {
            last = item.get(SK).and_then(|it| it.as_s().ok()).cloned();
            members.push(GroupMember::from(from_item::<MemberRecord>(item)?));
        }
        let last = last.filter(|_| more);
        Ok(GroupMemberPage {
            members,
            next_cursor: last.map(|it| cursor::encode(&partition, MEMBER_PREFIX, &it)),
        })
    }

    /// Puts an account into a group: `account` is its next version. Keys: [`Key::account`], on the condition that its version is the
    /// one before; [`Key::login`], on the condition that it is the account's; [`Key::group_member`], on the condition that it does
    /// not exist; [`Key::customer_group`], on the condition that it was not removed. 8 write units.
    pub async fn join_group(
        &self,
        account: &Account,
        group: &GroupId,
        member: &GroupMember,
    ) -> Result<AccountOutcome> {
        let key = Key::group_member(group, account.id);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &MemberRecord::from(member))?))
            .condition_expression("attribute_not_exists(PK)");
        let actions = vec![
            put_action(self.next_version(account)?)?,
            self.login_in_groups(account)?,
            put_action(put)?,
            update_action(self.count_member(group, 1))?,
        ];
        let outcome = self.transact("join group", First::Write, actions);
        changed(outcome.await?)
    }

    /// Takes an account out of a group: `account` is its next version. Keys: [`Key::account`], on the condition that its version is
    /// the one before; [`Key::login`], on the condition that it is the account's; [`Key::group_member`], on the condition that
    /// it exists; [`Key::customer_group`], on the condition that it was not removed. 8 write units.
    pub async fn leave_group(&self, account: &Account, group: &GroupId) -> Result<AccountOutcome> {
        let mut actions = vec![
            put_action(self.next_version(account)?)?,
            self.login_in_groups(account)?,
        ];
        actions.extend(self.membership_ends(account.id, group)?);
        let outcome = self.transact("leave group", First::Write, actions);
        changed(outcome.await?)
    }

    /// What a group loses with a member, on the condition that both are there.
    pub(crate) fn membership_ends(
        &self,
        account: AccountId,
        group: &GroupId,
    ) -> Result<[TransactWriteItem; 2]> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::group_member(group, account).attributes()))
            .condition_expression("attribute_exists(PK)");
        Ok([
            delete_action(delete)?,
            update_action(self.count_member(group, -1))?,
        ])
    }

    /// Tells the login of an account its groups: a login by password reads no account.
    fn login_in_groups(&self, account: &Account) -> Result<TransactWriteItem> {
        let key = Key::login(&AddressHash::of(&account.email));
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression("SET #groups = :groups")
            .condition_expression("account = :account")
            .expression_attribute_names("#groups", "groups")
            .expression_attribute_values(":groups", groups_value(&account.groups))
            .expression_attribute_values(":account", string(account.id.to_string()));
        update_action(update)
    }
}

/// Whatever was refused has changed since it was read: the next attempt finds out how.
fn changed(outcome: Outcome) -> Result<AccountOutcome> {
    match outcome {
        Outcome::Committed { .. } => Ok(AccountOutcome::Changed),
        Outcome::Refused(_) => Ok(AccountOutcome::Superseded),
        Outcome::InProgress => Err(no_key()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::size;

    #[test]
    fn the_largest_member_is_small_and_comes_back() {
        let member = GroupMember {
            account: AccountId::random([255; 16]),
            added_at: "9000-01-01T00:00:00.123456789Z".parse().unwrap(),
            added_by: Actor::Staff("s".repeat(128)),
        };
        let group = "x".repeat(40).parse().unwrap();
        let key = Key::group_member(&group, member.account);
        let item = to_item(&key, &MemberRecord::from(&member)).unwrap();
        let bytes = size::of(&item);
        assert!(bytes < 512, "{bytes}");
        let read = GroupMember::from(from_item::<MemberRecord>(item).unwrap());
        assert_eq!(read, member);
    }
}
