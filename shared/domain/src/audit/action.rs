//! What is recorded in the audit trail.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal;)*) => {
        /// An action of staff, of security or of the owner of an account. Old records are read forever: no action is renamed
        /// or removed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum AuditAction {
            $($(#[$doc])* #[serde(rename = $name)] $action,)*
        }

        impl AuditAction {
            /// All actions.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// The name, as in records and queries.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                }
            }
        }
    };
}

actions! {
    /// The address of a registration was verified, and its account made.
    AccountVerified = "account.verified";
    /// Name or consent of an account were changed.
    AccountChanged = "account.changed";
    /// An account was put into a customer group, or removed from one.
    AccountGroupsChanged = "account.groups_changed";
    /// An account and what is known of its owner were erased.
    AccountErased = "account.erased";
    /// The owner of an account asked for a copy of its data.
    AccountExported = "account.exported";
    /// Somebody signed in.
    LoginSucceeded = "login.succeeded";
    /// The limit of wrong app codes was reached: right passwords with wrong codes. Wrong passwords are not recorded.
    LoginFailedTooOften = "login.failed_too_often";
    /// One session was ended.
    SessionEnded = "session.ended";
    /// All sessions of an account were ended.
    SessionsEnded = "sessions.ended";
    /// A refresh token was used again after it had been replaced.
    RefreshReused = "refresh.reused";
    /// A password was changed by somebody who knew it.
    PasswordChanged = "password.changed";
    /// A password was set by a mail's link.
    PasswordReset = "password.reset";
    /// The address of an account was changed.
    EmailChanged = "email.changed";
    /// A passkey was added.
    PasskeyAdded = "passkey.added";
    /// A passkey was removed.
    PasskeyRemoved = "passkey.removed";
    /// A passkey's counter went back: there is a copy of it.
    PasskeyCloned = "passkey.cloned";
    /// One-time passwords were enabled.
    TotpEnabled = "totp.enabled";
    /// One-time passwords were disabled.
    TotpDisabled = "totp.disabled";
    /// A recovery code was used.
    RecoveryUsed = "recovery.used";
    /// Somebody was invited to the staff.
    StaffInvited = "staff.invited";
    /// An invitation was revoked.
    InvitationRevoked = "staff.invitation_revoked";
    /// An invitation was accepted.
    StaffJoined = "staff.joined";
    /// A staff member got other roles.
    StaffRoleChanged = "staff.role_changed";
    /// A staff member was removed.
    StaffRemoved = "staff.removed";
    /// A role was made or got other permissions.
    RoleChanged = "role.changed";
    /// A role was removed.
    RoleRemoved = "role.removed";
    /// A customer group was created.
    CustomerGroupCreated = "customer_group.created";
    /// Name or note of a customer group were changed.
    CustomerGroupChanged = "customer_group.changed";
    /// A customer group was removed.
    CustomerGroupRemoved = "customer_group.removed";
    /// An API key was made.
    ApiKeyCreated = "api_key.created";
    /// An API key was revoked.
    ApiKeyRevoked = "api_key.revoked";
    /// A signing key was made or dropped.
    KeysRotated = "keys.rotated";
    /// Settings were changed or restored.
    SettingsChanged = "settings.changed";
    /// Staff changed an order: canceled, shipped, refunded, took goods back.
    OrderChanged = "order.changed";
    /// Staff counted or split stock.
    StockChanged = "stock.changed";
    /// A job was created.
    JobCreated = "job.created";
    /// A job was paused, resumed or canceled.
    JobChanged = "job.changed";
    /// An import was created.
    ImportCreated = "import.created";
}

impl AuditAction {
    /// The action with a name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|action| action.name() == name)
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_action_has_one_name_everywhere() {
        for action in AuditAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
            assert_eq!(AuditAction::named(action.name()), Some(*action));
            let (subject, verb) = action.name().split_once('.').unwrap();
            assert!(!subject.is_empty() && !verb.is_empty() && !verb.contains('.'));
        }
        let names: BTreeSet<_> = AuditAction::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), AuditAction::ALL.len());
        for none in ["", "login", "Login.succeeded", "login.succeeded "] {
            assert_eq!(AuditAction::named(none), None, "{none}");
        }
    }
}
