//! What staff may do: permissions, and the roles that are sets of them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($(#[$doc:meta])* $permission:ident = $name:literal;)*) => {
        /// What an endpoint of staff requires. Each endpoint declares one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $name)] $permission,)*
        }

        impl Permission {
            /// All permissions.
            pub const ALL: &[Self] = &[$(Self::$permission),*];

            /// The permission with a name; `None` for a name of a later release.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.name() == name)
            }

            /// The name, as in tokens and roles.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$permission => $name,)*
                }
            }
        }
    };
}

permissions! {
    /// See products and imports.
    CatalogRead = "catalog:read";
    /// Change them.
    CatalogWrite = "catalog:write";
    /// See stock.
    StockRead = "stock:read";
    /// Count and split it.
    StockWrite = "stock:write";
    /// See orders and invoices.
    OrdersRead = "orders:read";
    /// Ship orders.
    OrdersFulfil = "orders:fulfil";
    /// Cancel, refund, and take goods back.
    OrdersRefund = "orders:refund";
    /// See customers.
    CustomersRead = "customers:read";
    /// Change customer groups and their members.
    CustomersWrite = "customers:write";
    /// See settings and their history.
    SettingsRead = "settings:read";
    /// Change them.
    SettingsWrite = "settings:write";
    /// See jobs.
    JobsRead = "jobs:read";
    /// Start, pause and cancel jobs.
    JobsWrite = "jobs:write";
    /// See staff, roles and keys.
    StaffRead = "staff:read";
    /// Manage staff, roles and keys.
    StaffWrite = "staff:write";
    /// See and export the audit trail.
    AuditRead = "audit:read";
}

/// A role that every shop has.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything. The last owner cannot be removed.
    Owner,
    /// Everything but changes of staff.
    Manager,
    /// Ships orders and counts stock.
    Fulfilment,
    /// Helps customers.
    Support,
    /// Sees everything but staff.
    ReadOnly,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::Owner,
        Self::Manager,
        Self::Fulfilment,
        Self::Support,
        Self::ReadOnly,
    ];

    /// The name, as stored and sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Fulfilment => "fulfilment",
            Self::Support => "support",
            Self::ReadOnly => "read_only",
        }
    }

    /// The role with a name; `None` for one of a shop's own, and for a name of a later release.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// What the role may do.
    pub fn permissions(self) -> BTreeSet<Permission> {
        use Permission as P;
        let all = Permission::ALL.iter().copied();
        match self {
            Self::Owner => all.collect(),
            Self::Manager => all.filter(|it| *it != P::StaffWrite).collect(),
            Self::Fulfilment => BTreeSet::from([
                P::CatalogRead,
                P::StockRead,
                P::StockWrite,
                P::OrdersRead,
                P::OrdersFulfil,
                P::JobsRead,
            ]),
            Self::Support => BTreeSet::from([
                P::CatalogRead,
                P::StockRead,
                P::OrdersRead,
                P::OrdersRefund,
                P::CustomersRead,
                P::CustomersWrite,
            ]),
            Self::ReadOnly => all
                .filter(|it| it.name().ends_with(":read"))
                .filter(|it| !matches!(it, P::AuditRead | P::StaffRead))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_may_everything_and_others_less() {
        let owner = Role::Owner.permissions();
        assert_eq!(owner.len(), Permission::ALL.len());
        for role in Role::ALL.into_iter().skip(1) {
            let permissions = role.permissions();
            assert!(
                permissions.is_subset(&owner) && permissions != owner,
                "{role:?}"
            );
            assert!(!permissions.contains(&Permission::StaffWrite), "{role:?}");
        }
        let writes = |it: &Permission| !it.name().ends_with(":read");
        assert!(!Role::ReadOnly.permissions().iter().any(writes));
        let sees_staff = |role: Role| role.permissions().contains(&Permission::StaffRead);
        let seeing: Vec<Role> = Role::ALL.into_iter().filter(|it| sees_staff(*it)).collect();
        assert_eq!(seeing, [Role::Owner, Role::Manager]);
    }

    #[test]
    fn names_are_those_of_the_wire() {
        for permission in Permission::ALL {
            let name = serde_json::to_value(permission).unwrap();
            assert_eq!(name, permission.name());
            assert_eq!(Permission::named(permission.name()), Some(*permission));
        }
        assert_eq!(Role::named("Owner"), None);
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
            assert_eq!(Role::named(role.name()), Some(role));
        }
    }
}
