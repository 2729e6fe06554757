//! Stores customer groups.

use aws_sdk_dynamodb::types::{Update, builders::UpdateBuilder};
use domain::{
    customers::{CustomerGroup, GroupDetails, GroupId},
    orders::Actor,
    trace::{self, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, number, to_item},
    keys::{GROUPS_PARTITION, Key},
};

/// A customer group as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    id: GroupId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    members: u64,
    version: u64,
    created_at: Timestamp,
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

impl Record for GroupRecord {
    const ENTITY: &'static str = "customer_group";
}

impl From<&CustomerGroup> for GroupRecord {
    fn from(group: &CustomerGroup) -> Self {
        Self {
            id: group.id.clone(),
            name: group.details.name.clone(),
            note: group.details.note.clone(),
            members: group.members,
            version: group.version,
            created_at: group.created_at,
            changed_at: group.changed_at,
            changed_by: group.changed_by.clone(),
            is_removed: group.is_removed,
            trace_id: group.trace_id.clone(),
            traceparent: Some(group.traceparent),
            expires_at: group.expires_at().map(|at| at.as_second()),
        }
    }
}

impl From<GroupRecord> for CustomerGroup {
    fn from(record: GroupRecord) -> Self {
        Self {
            id: record.id,
            details: GroupDetails {
                name: record.name,
                note: record.note,
            },
            members: record.members,
            version: record.version,
            created_at: record.created_at,
            changed_at: record.changed_at,
            changed_by: record.changed_by,
            is_removed: record.is_removed,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl Store {
    /// Lists the customer groups, by id. Key: [`GROUPS_PARTITION`], strongly consistent. 1 read unit for each 4 KB.
    pub async fn customer_groups(&self) -> Result<Vec<CustomerGroup>> {
        let mut groups = Vec::new();
        self.partition("Query customer groups", GROUPS_PARTITION, |item| {
            groups.push(CustomerGroup::from(from_item::<GroupRecord>(item)?));
            Ok(())
        })
        .await?;
        groups.retain(|group| !group.is_removed);
        Ok(groups)
    }

    /// Reads a customer group, also one that was removed. Key: [`Key::customer_group`], strongly consistent. 1 read unit.
    pub async fn customer_group(&self, id: &GroupId) -> Result<Option<CustomerGroup>> {
        let key = Key::customer_group(id);
        let item = self
            .get("GetItem customer group", &key, Consistency::Strong)
            .await?;
        let record = item.map(from_item::<GroupRecord>).transpose()?;
        Ok(record.map(CustomerGroup::from))
    }

    /// Stores a version of a customer group. Returns whether it was written. Key: [`Key::customer_group`], on the condition that the
    /// group has the version before and as many members as when it was read, or, for the first version, that there is none. 1 write
    /// unit for each KB.
    pub async fn put_customer_group(&self, group: &CustomerGroup) -> Result<bool> {
        let item = to_item(&Key::customer_group(&group.id), &GroupRecord::from(group))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        let put = match group.version {
            1 => put.condition_expression("attribute_not_exists(PK)"),
            version => put
                .condition_expression("version = :before AND #members = :members")
                .expression_attribute_names("#members", "members")
                .expression_attribute_values(":before", number(version - 1))
                .expression_attribute_values(":members", number(group.members)),
        };
        Ok(self.write("PutItem customer group", put).await?.is_done())
    }

    /// Counts a member who comes (1) or goes (-1), on the condition that the group is there: so nobody removes it at the same time.
    pub(super) fn count_member(&self, group: &GroupId, change: i64) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::customer_group(group).attributes()))
            .update_expression("ADD #members :change")
            .condition_expression("attribute_exists(PK) AND attribute_not_exists(is_removed)")
            .expression_attribute_names("#members", "members")
            .expression_attribute_values(":change", number(change))
    }
}

#[cfg(test)]
mod tests {
    use domain::{customers::NewGroup, staff::Author, trace::Cause};

    use super::*;
    use crate::item::size;

    #[test]
    fn the_largest_group_fits_and_comes_back() {
        let author = Author {
            actor: Actor::Staff("s".repeat(128)),
            at: "9000-01-01T00:00:00.123456789Z".parse().unwrap(),
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        };
        let new = NewGroup {
            id: "x".repeat(40).parse().unwrap(),
            details: GroupDetails {
                name: "\u{10ffff}".repeat(60),
                note: Some("\u{10ffff}".repeat(500)),
            },
        };
        let group = CustomerGroup::new(&new, None, &author);
        for group in [group.clone(), group.removed(&author).unwrap()] {
            let item = to_item(&Key::customer_group(&group.id), &GroupRecord::from(&group));
            let item = item.unwrap();
            size::must_fit("customer group", &item);
            // Which `count_member` and the deletion by its expiry look at.
            assert_eq!(item.contains_key("is_removed"), group.is_removed);
            assert_eq!(item.contains_key("expires_at"), group.is_removed);
            let read = CustomerGroup::from(from_item::<GroupRecord>(item).unwrap());
            assert_eq!(read, group);
        }
    }
}
