//! Stores roles of the shop's own.

use aws_sdk_dynamodb::types::{Update, builders::UpdateBuilder};
use domain::{
    identity::Role,
    orders::Actor,
    staff::{CustomRole, GivenRole, is_role_name},
    trace::{self, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, number, to_item},
    keys::{Key, ROLES_PARTITION},
};

/// A role as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RoleRecord {
    name: String,
    permissions: Vec<String>,
    version: u64,
    uses: u64,
    changed_at: Timestamp,
    changed_by: Actor,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_removed: bool,
    trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry of a removed one, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl Record for RoleRecord {
    const ENTITY: &'static str = "role";
}

impl From<&CustomRole> for RoleRecord {
    fn from(role: &CustomRole) -> Self {
        Self {
            name: role.name.clone(),
            permissions: role.permissions.clone(),
            version: role.version,
            uses: role.uses,
            changed_at: role.changed_at,
            changed_by: role.changed_by.clone(),
            is_removed: role.is_removed,
            trace_id: role.trace_id.clone(),
            traceparent: Some(role.traceparent),
            expires_at: role.expires_at().map(|at| at.as_second()),
        }
    }
}

impl From<RoleRecord> for CustomRole {
    fn from(record: RoleRecord) -> Self {
        Self {
            name: record.name,
            permissions: record.permissions,
            version: record.version,
            uses: record.uses,
            changed_at: record.changed_at,
            changed_by: record.changed_by,
            is_removed: record.is_removed,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl Store {
    /// Lists the roles of the shop's own, by name. Key: [`ROLES_PARTITION`], strongly consistent. 1 read unit for each 4 KB.
    pub async fn roles(&self) -> Result<Vec<CustomRole>> {
        let mut roles = Vec::new();
        self.partition("Query roles", ROLES_PARTITION, |item| {
            roles.push(CustomRole::from(from_item::<RoleRecord>(item)?));
            Ok(())
        })
        .await?;
        roles.retain(|role| !role.is_removed);
        Ok(roles)
    }

    /// Reads a role of the shop's own, also one that was removed. Key: [`Key::role`], strongly consistent. 1 read unit.
    pub async fn role(&self, name: &str) -> Result<Option<CustomRole>> {
        let item = self
            .get("GetItem role", &Key::role(name), Consistency::Strong)
            .await?;
        let record = item.map(from_item::<RoleRecord>).transpose()?;
        Ok(record.map(CustomRole::from))
    }

    /// The role with a name, to be given to somebody; `None` if there is none. One that every shop has costs nothing, another
    /// one what [`role`](Self::role) does.
    pub async fn role_to_give(&self, name: &str) -> Result<Option<GivenRole>> {
        if let Some(role) = Role::named(name) {
            return Ok(Some(GivenRole::built_in(role)));
        }
        // What cannot be a name may not even be a key.
        if !is_role_name(name) {
            return Ok(None);
        }
        let role = self.role(name).await?;
        Ok(role.as_ref().and_then(GivenRole::own))
    }

    /// Stores a version of a role. Returns whether it was written. Key: [`Key::role`], on the condition that the role has the version
    /// before and was not given to anybody since it was read, or, for the first version, that there is none. 1 write unit
    /// for each KB.
    pub async fn put_role(&self, role: &CustomRole) -> Result<bool> {
        let item = to_item(&Key::role(&role.name), &RoleRecord::from(role))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        let put = match role.version {
            1 => put.condition_expression("attribute_not_exists(PK)"),
            version => put
                .condition_expression("version = :before AND #uses = :uses")
                .expression_attribute_names("#uses", "uses")
                .expression_attribute_values(":before", number(version - 1))
                .expression_attribute_values(":uses", number(role.uses)),
        };
        Ok(self.write("PutItem role", put).await?.is_done())
    }

    /// Counts that a role is given to somebody, on the condition that it has this version: so that nobody gets permissions that
    /// it no longer has, and nobody removes it at the same time.
    pub(super) fn role_is_given(&self, name: &str, version: u64) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::role(name).attributes()))
            .update_expression("ADD #uses :one")
            .condition_expression("version = :version")
            .expression_attribute_names("#uses", "uses")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":version", number(version))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{identity::Permission, staff::Author, trace::Cause};

    use super::*;
    use crate::item::size;

    #[test]
    fn the_largest_role_fits_and_comes_back() {
        let author = Author {
            actor: Actor::Staff("s".repeat(128)),
            at: "9000-01-01T00:00:00.123456789Z".parse().unwrap(),
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        };
        let all: BTreeSet<Permission> = Permission::ALL.iter().copied().collect();
        let role = CustomRole::new(&"x".repeat(40), &all, &author);
        for role in [role.clone(), role.removed(&author)] {
            let item = to_item(&Key::role(&role.name), &RoleRecord::from(&role)).unwrap();
            size::must_fit("role", &item);
            assert_eq!(item.contains_key("expires_at"), role.is_removed);
            let read = CustomRole::from(from_item::<RoleRecord>(item).unwrap());
            assert_eq!(read, role);
        }
    }
}
