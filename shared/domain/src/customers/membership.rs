//! Accounts in groups: the account has the ids of its groups, so that whoever knows the account, or its token, needs no other
//! read.

use jiff::Timestamp;

use super::GroupId;
use crate::{
    fault::{Code, Rejection},
    id::AccountId,
    identity::{Account, AccountChangeKind, ChangeCause},
    orders::Actor,
};

/// Most groups of an account: its access tokens carry them.
pub const MAX_GROUPS_OF_ACCOUNT: usize = 20;

/// A member of a group, as its list has it: the account has the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The account.
    pub account: AccountId,
    /// Time at which it was added.
    pub added_at: Timestamp,
    /// Whoever has added it.
    pub added_by: Actor,
}

/// The next version of an account, which is in the group; `None` if it is in it already.
pub fn join_group(
    account: &Account,
    group: &GroupId,
    cause: &ChangeCause<'_>,
) -> Result<Option<Account>, Rejection> {
    if account.groups.contains(group) {
        return Ok(None);
    }
    if account.groups.len() >= MAX_GROUPS_OF_ACCOUNT {
        return Err(Rejection::new(
            Code::TooManyGroups,
            format!(
                "The account is in {MAX_GROUPS_OF_ACCOUNT} customer groups; remove it from one first."
            ),
        ));
    }
    let mut next = account.changed(AccountChangeKind::GroupsChanged, cause);
    next.groups.insert(group.clone());
    Ok(Some(next))
}

/// The next version of an account, which is not in the group; `None` if it is not in it anyway.
pub fn leave_group(account: &Account, group: &GroupId, cause: &ChangeCause<'_>) -> Option<Account> {
    if !account.groups.contains(group) {
        return None;
    }
    let mut next = account.changed(AccountChangeKind::GroupsChanged, cause);
    next.groups.remove(group);
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::StaffMember,
        trace::{Cause, TraceParent},
    };

    fn cause() -> ChangeCause<'static> {
        ChangeCause {
            by: "staff:ada".to_owned(),
            from: None,
            now: Timestamp::UNIX_EPOCH,
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        }
    }

    fn account() -> Account {
        let staff = StaffMember {
            role: "support".to_owned(),
            permissions: Vec::new(),
        };
        let (id, email) = (AccountId::random([1; 16]), "ada@example.com".to_owned());
        Account::joining(id, email, None, staff, &cause())
    }

    fn id(number: usize) -> GroupId {
        format!("group-{number}").parse().unwrap()
    }

    #[test]
    fn an_account_joins_and_leaves_once() {
        let before = account();
        let joined = join_group(&before, &id(1), &cause()).unwrap().unwrap();
        assert_eq!(joined.version, before.version + 1);
        assert_eq!(joined.last_change.kind, AccountChangeKind::GroupsChanged);
        assert_eq!(joined.last_change.by, "staff:ada");
        // Sessions go on: their next token has the groups.
        assert_eq!(joined.generation, before.generation);
        assert_eq!(join_group(&joined, &id(1), &cause()), Ok(None));
        assert_eq!(leave_group(&joined, &id(2), &cause()), None);
        let left = leave_group(&joined, &id(1), &cause()).unwrap();
        assert!(left.groups.is_empty() && left.version == joined.version + 1);
        assert_eq!(leave_group(&left, &id(1), &cause()), None);
        assert!(joined.erased(&cause()).groups.is_empty());
    }

    #[test]
    fn an_account_is_in_so_many_groups() {
        let mut account = account();
        for number in 0..MAX_GROUPS_OF_ACCOUNT {
            let joined = join_group(&account, &id(number), &cause());
            account = joined.unwrap().unwrap();
        }
        let refused = join_group(&account, &id(99), &cause()).unwrap_err();
        assert_eq!(refused.code, Code::TooManyGroups);
        // One that it has is no matter of room.
        assert_eq!(join_group(&account, &id(0), &cause()), Ok(None));
    }
}
