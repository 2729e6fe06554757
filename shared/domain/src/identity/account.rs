//! Accounts: the person, what may be changed, and what a login reads.

use std::{collections::BTreeSet, net::IpAddr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PasswordHash, Permission, Registration, Role};
use crate::{
    customers::GroupId,
    id::{AccountId, EmailChangeId},
    trace::{Cause, TraceParent},
};

/// An account of a person: a customer, staff, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Identifier.
    pub id: AccountId,
    /// Verified address in canonical form.
    pub email: String,
    /// Name, as the person wrote it.
    pub name: Option<String>,
    /// Time at which the person agreed to get advertising by email; `None` without consent.
    pub email_consent: Option<Timestamp>,
    /// What the person may do as staff.
    pub staff: Option<StaffMember>,
    /// The customer groups that it is in.
    pub groups: BTreeSet<GroupId>,
    /// Generation of its sessions: those of earlier ones have ended.
    pub generation: u64,
    /// Time at which the address was verified.
    pub created_at: Timestamp,
    /// Incremented by each change.
    pub version: u64,
    /// The change that made this version.
    pub last_change: AccountChange,
    /// Id of the request that made it.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// What an account may do as staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// Name of the role.
    pub role: String,
    /// Its permissions, by name: those of the role when it was given or last changed.
    pub permissions: Vec<String>,
}

/// One change of an account, for its owner and for the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// Kind of change.
    pub kind: AccountChangeKind,
    /// Whoever made it: `account:` and an identifier, `staff:` and one, or `shop`.
    pub by: String,
    /// Time of the change.
    pub at: Timestamp,
    /// Address that the request came from.
    pub from: Option<IpAddr>,
    /// The change of address that it completes.
    pub email_change: Option<EmailChangeId>,
}

/// Kinds of changes of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountChangeKind {
    /// The address was verified: the account exists.
    Verified,
    /// Name or consent were changed.
    ProfileChanged,
    /// The password was changed by somebody who knew it.
    PasswordChanged,
    /// The password was set by a mail's link.
    PasswordReset,
    /// The address was replaced.
    EmailChanged,
    /// All sessions were ended.
    SignedOutEverywhere,
    /// A refresh token was used a second time: its session was ended.
    RefreshTokenReused,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey was refused: there may be a copy of it.
    PasskeyCloned,
    /// Codes of an authenticator app are asked for from now on, or those of another app.
    TotpEnabled,
    /// No codes are asked for any more.
    TotpDisabled,
    /// A recovery code stood in for the authenticator app.
    RecoveryCodeUsed,
    /// Too many codes of the authenticator app were wrong, after the right password: none are accepted for a while.
    CodesSuspended,
    /// The person has accepted an invitation to the staff.
    StaffJoined,
    /// The person has got another role, or the role other permissions.
    RoleChanged,
    /// The person no longer belongs to the staff.
    StaffRemoved,
    /// Staff have put the account into a customer group, or removed it from one.
    GroupsChanged,
    /// The person has deleted the account: what is left says only that.
    Erased,
}

/// Who changes an account, and from where.
#[derive(Clone, Debug)]
pub struct ChangeCause<'a> {
    /// Whoever makes it, as in [`AccountChange::by`].
    pub by: String,
    /// Address that the request comes from.
    pub from: Option<IpAddr>,
    /// Time of the request.
    pub now: Timestamp,
    /// The request.
    pub cause: Cause<'a>,
}

/// What a login reads, by the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub account: AccountId,
    /// Generation of its sessions.
    pub generation: u64,
    /// Hash of its password; `None` if it has none.
    pub password: Option<PasswordHash>,
    /// Time at which the password was set: a request that was made with another one is void.
    pub password_set_at: Timestamp,
    /// Whether the account is one of staff, whose sessions are shorter.
    pub is_staff: bool,
    /// Whether the password alone is not enough: the account has an authenticator app.
    pub has_totp: bool,
    /// The customer groups of the account.
    pub groups: BTreeSet<GroupId>,
}

impl Account {
    /// Identifier of the account that a registration becomes. It follows from the registration, so that verifying twice makes
    /// one.
    pub fn id_of(registration: &Registration) -> AccountId {
        AccountId::derived(&[&registration.id.to_string()])
    }

    /// The account that a registration becomes.
    pub fn of(registration: &Registration, cause: &ChangeCause<'_>) -> Self {
        Self {
            id: Self::id_of(registration),
            email: registration.email.clone(),
            name: registration.name.clone(),
            email_consent: None,
            staff: None,
            groups: BTreeSet::new(),
            generation: 1,
            created_at: cause.now,
            version: 1,
            last_change: AccountChange::new(AccountChangeKind::Verified, cause),
            trace_id: cause.cause.trace_id.to_owned(),
            traceparent: cause.cause.traceparent,
        }
    }

    /// The account of a person who joins the staff without having one. The invitation's mail has verified the address.
    pub fn joining(
        id: AccountId,
        email: String,
        name: Option<String>,
        staff: StaffMember,
        cause: &ChangeCause<'_>,
    ) -> Self {
        Self {
            id,
            email,
            name,
            email_consent: None,
            staff: Some(staff),
            groups: BTreeSet::new(),
            generation: 1,
            created_at: cause.now,
            version: 1,
            last_change: AccountChange::new(AccountChangeKind::StaffJoined, cause),
            trace_id: cause.cause.trace_id.to_owned(),
            traceparent: cause.cause.traceparent,
        }
    }

    /// The next version of the account.
    pub fn changed(&self, kind: AccountChangeKind, cause: &ChangeCause<'_>) -> Self {
        Self {
            version: self.version + 1,
            last_change: AccountChange::new(kind, cause),
            trace_id: cause.cause.trace_id.to_owned(),
            traceparent: cause.cause.traceparent,
            ..self.clone()
        }
    }

    /// The next version, in which all sessions of before have ended.
    pub fn signed_out(&self, kind: AccountChangeKind, cause: &ChangeCause<'_>) -> Self {
        Self {
            generation: self.generation + 1,
            ..self.changed(kind, cause)
        }
    }

    /// What is left of a deleted account: no address, name, group or right, nor the network address of the request.
    pub fn erased(&self, cause: &ChangeCause<'_>) -> Self {
        let cause = ChangeCause {
            from: None,
            ..cause.clone()
        };
        Self {
            email: String::new(),
            name: None,
            email_consent: None,
            staff: None,
            groups: BTreeSet::new(),
            ..self.signed_out(AccountChangeKind::Erased, &cause)
        }
    }

    /// Whether it was deleted.
    pub fn is_erased(&self) -> bool {
        self.last_change.kind == AccountChangeKind::Erased
    }

    /// What it may do as staff: of a role that every shop has what this release says, as it may have others than when the role
    /// was given. Names of a later release are left out.
    pub fn permissions(&self) -> Vec<Permission> {
        let Some(staff) = &self.staff else {
            return Vec::new();
        };
        match Role::named(&staff.role) {
            Some(role) => role.permissions().into_iter().collect(),
            None => {
                let names = staff.permissions.iter();
                names.filter_map(|it| Permission::named(it)).collect()
            }
        }
    }
}

impl StaffMember {
    /// Whether it is an owner, of whom a shop keeps one.
    pub fn is_owner(&self) -> bool {
        self.role == Role::Owner.name()
    }
}

impl AccountChange {
    fn new(kind: AccountChangeKind, cause: &ChangeCause<'_>) -> Self {
        Self {
            kind,
            by: cause.by.clone(),
            at: cause.now,
            from: cause.from,
            email_change: None,
        }
    }
}

impl AccountChangeKind {
    /// Name of the kind, in the table and in events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::ProfileChanged => "profile_changed",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::EmailChanged => "email_changed",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeyCloned => "passkey_cloned",
            Self::TotpEnabled => "totp_enabled",
            Self::TotpDisabled => "totp_disabled",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::CodesSuspended => "codes_suspended",
            Self::StaffJoined => "staff_joined",
            Self::RoleChanged => "role_changed",
            Self::StaffRemoved => "staff_removed",
            Self::GroupsChanged => "groups_changed",
            Self::Erased => "erased",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(role: &str, permissions: &[&str]) -> Account {
        let cause = ChangeCause {
            by: "shop".to_owned(),
            from: None,
            now: Timestamp::UNIX_EPOCH,
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        };
        let staff = StaffMember {
            role: role.to_owned(),
            permissions: permissions.iter().map(|it| (*it).to_owned()).collect(),
        };
        let email = "ada@example.com".to_owned();
        Account::joining(AccountId::random([1; 16]), email, None, staff, &cause)
    }

    #[test]
    fn a_role_of_every_shop_has_what_the_release_says_and_one_of_its_own_what_was_stored() {
        let owner = account("owner", &["orders:read"]);
        assert_eq!(owner.permissions(), Permission::ALL);
        let packer = account("packer", &["orders:fulfil", "orders:teleport"]);
        assert_eq!(packer.permissions(), [Permission::OrdersFulfil]);
        let mut nobody = packer;
        nobody.staff = None;
        assert!(nobody.permissions().is_empty());
    }

    #[test]
    fn a_deleted_account_says_only_that_it_was() {
        let cause = ChangeCause {
            by: "account:acc_1".to_owned(),
            from: Some("203.0.113.7".parse().unwrap()),
            now: Timestamp::UNIX_EPOCH,
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        };
        let before = Account {
            name: Some("Ada".to_owned()),
            email_consent: Some(Timestamp::UNIX_EPOCH),
            ..account("owner", &[])
        };
        let erased = before.erased(&cause);
        assert!(erased.is_erased());
        assert_eq!(erased.version, before.version + 1);
        assert_eq!(erased.generation, before.generation + 1);
        assert_eq!((erased.email.as_str(), &erased.name), ("", &None));
        assert_eq!((erased.email_consent, &erased.staff), (None, &None));
        assert_eq!(erased.last_change.from, None);
    }

    #[test]
    fn only_the_role_of_that_name_is_an_owner() {
        let is_owner = |role: &str| account(role, &[]).staff.is_some_and(|it| it.is_owner());
        assert!(is_owner("owner"));
        for role in ["manager", "Owner", "owners", ""] {
            assert!(!is_owner(role), "{role}");
        }
    }
}
