//! Roles: those that every shop has, and those of its own.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Author;
use crate::{
    fault::{FieldFault, Rejection},
    identity::{Permission, Role, StaffMember},
    orders::Actor,
    trace::TraceParent,
};

/// Most roles of a shop's own.
pub const MAX_ROLES: usize = 50;
/// Longest name of a role, in characters.
const MAX_NAME: usize = 40;
/// How long a removed role is kept, which says who has removed it.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A role of the shop's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRole {
    /// Its name.
    pub name: String,
    /// Its permissions, by name.
    pub permissions: Vec<String>,
    /// Incremented by each change, the removal included.
    pub version: u64,
    /// How often it was given to somebody: a removal that has seen nobody with it must not miss the next one.
    pub uses: u64,
    /// Time of the last change.
    pub changed_at: Timestamp,
    /// Author of the last change.
    pub changed_by: Actor,
    /// Whether the last change was its removal.
    pub is_removed: bool,
    /// Id of the request that made it.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// A role with what it permits, as it is given to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRole {
    /// Its name.
    pub name: String,
    /// What it permits.
    pub permissions: BTreeSet<Permission>,
    /// Version of a role of the shop's own, which must be the current one; `None` of one that every shop has.
    pub version: Option<u64>,
}

impl CustomRole {
    /// A new role.
    pub fn new(name: &str, permissions: &BTreeSet<Permission>, author: &Author<'_>) -> Self {
        Self {
            name: name.to_owned(),
            permissions: names(permissions),
            version: 1,
            uses: 0,
            changed_at: author.at,
            changed_by: author.actor.clone(),
            is_removed: false,
            trace_id: author.cause.trace_id.to_owned(),
            traceparent: author.cause.traceparent,
        }
    }

    /// The next version of the role, with these permissions.
    pub fn with(&self, permissions: &BTreeSet<Permission>, author: &Author<'_>) -> Self {
        Self {
            version: self.version + 1,
            uses: self.uses,
            ..Self::new(&self.name, permissions, author)
        }
    }

    /// What is left of a role that is removed.
    pub fn removed(&self, author: &Author<'_>) -> Self {
        Self {
            is_removed: true,
            ..self.with(&BTreeSet::new(), author)
        }
    }

    /// What it permits. Names of a later release are left out.
    pub fn permissions(&self) -> BTreeSet<Permission> {
        let names = self.permissions.iter();
        names.filter_map(|name| Permission::named(name)).collect()
    }

    /// Whether it is there and permits exactly this.
    pub fn permits(&self, permissions: &BTreeSet<Permission>) -> bool {
        !self.is_removed && self.permissions == names(permissions)
    }

    /// Time from which on nobody needs what is left of it; `None` while it is there.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.is_removed.then(|| self.changed_at + KEPT)
    }
}

impl GivenRole {
    /// A role that every shop has.
    pub fn built_in(role: Role) -> Self {
        Self {
            name: role.name().to_owned(),
            permissions: role.permissions(),
            version: None,
        }
    }

    /// A role of the shop's own; `None` if it was removed.
    pub fn own(role: &CustomRole) -> Option<Self> {
        (!role.is_removed).then(|| Self {
            name: role.name.clone(),
            permissions: role.permissions(),
            version: Some(role.version),
        })
    }

    /// What somebody with this role may do.
    pub fn member(&self) -> StaffMember {
        StaffMember {
            role: self.name.clone(),
            permissions: names(&self.permissions),
        }
    }
}

fn names(permissions: &BTreeSet<Permission>) -> Vec<String> {
    let permissions = permissions.iter();
    permissions.map(|it| it.name().to_owned()).collect()
}

/// Whether a text can be the name of a role: 1 to 40 lower-case letters, digits and underscores.
pub fn is_role_name(text: &str) -> bool {
    let may_be_in = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(may_be_in)
}

/// Reads the name of a role of the shop's own.
pub fn own_role_name(text: &str) -> Result<&str, Rejection> {
    let invalid = |message: &str| {
        let fault = FieldFault::new("role", "invalid", message);
        Err(Rejection::invalid(vec![fault]))
    };
    if Role::named(text).is_some() {
        return invalid("Every shop has this role, and it stays as it is; choose another name.");
    }
    match is_role_name(text) {
        true => Ok(text),
        false => invalid("Must be 1 to 40 lower-case letters, digits and underscores."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Cause;

    fn author(by: &str) -> Author<'static> {
        Author {
            actor: Actor::Staff(by.to_owned()),
            at: Timestamp::UNIX_EPOCH,
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        }
    }

    fn packer() -> CustomRole {
        let permissions = BTreeSet::from([Permission::OrdersFulfil, Permission::OrdersRead]);
        CustomRole::new("packer", &permissions, &author("ada"))
    }

    #[test]
    fn each_change_is_a_version_that_names_its_author() {
        let mut role = packer();
        assert_eq!(role.permissions, ["orders:read", "orders:fulfil"]);
        role.uses = 7;
        let reads = BTreeSet::from([Permission::OrdersRead]);
        let next = role.with(&reads, &author("bob"));
        assert_eq!((next.version, next.uses), (2, 7));
        assert_eq!(next.changed_by, Actor::Staff("bob".to_owned()));
        assert!(next.permits(&reads) && !role.permits(&reads));
        let removed = next.removed(&author("eve"));
        assert_eq!((removed.version, removed.uses), (3, 7));
        assert!(removed.is_removed && removed.expires_at().is_some());
        assert_eq!(next.expires_at(), None);
        assert_eq!(GivenRole::own(&removed), None);
        assert!(!removed.permits(&BTreeSet::new()));
        // Made again under the same name.
        let again = removed.with(&reads, &author("ada"));
        assert_eq!(again.version, 4);
        assert!(!again.is_removed && again.permits(&reads));
    }

    #[test]
    fn a_member_has_what_the_role_permits() {
        let given = GivenRole::own(&packer()).unwrap();
        assert_eq!(given.version, Some(1));
        let member = given.member();
        assert_eq!(member.role, "packer");
        assert_eq!(member.permissions, ["orders:read", "orders:fulfil"]);
        let owner = GivenRole::built_in(Role::Owner);
        assert_eq!(owner.version, None);
        assert!(owner.member().is_owner() && !member.is_owner());
        // Of a later release.
        let mut later = packer();
        later.permissions.push("orders:teleport".to_owned());
        assert_eq!(later.permissions(), packer().permissions());
    }

    #[test]
    fn a_name_is_short_and_plain_and_none_of_every_shop() {
        let longest = "x".repeat(40);
        for name in ["a", "packer_2", "_", &longest] {
            assert_eq!(own_role_name(name), Ok(name));
        }
        let long = "x".repeat(41);
        let huge = "x".repeat(100_000);
        for text in [
            "", " ", "Packer", "packer-2", "päcker", "a b", "a#b", "a\0", &long, &huge,
        ] {
            assert!(own_role_name(text).is_err(), "{text:.50}");
            assert!(!is_role_name(text), "{text:.50}");
        }
        for role in Role::ALL {
            assert!(own_role_name(role.name()).is_err(), "{role:?}");
            assert!(is_role_name(role.name()), "{role:?}");
        }
    }
}
