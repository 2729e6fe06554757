//! The number of owners, in an item of its own: every transaction that makes an owner, or takes one away, counts in it, so that of
//! two changes at once no two take the last ones away.

use aws_sdk_dynamodb::types::{Update, builders::UpdateBuilder};
use domain::identity::StaffMember;

use crate::{
    item::{number, string},
    keys::Key,
};

const ENTITY: &str = "owners";
const SCHEMA: u32 = 1;

/// What a change of somebody's role does to the number of owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnersChange {
    /// One more.
    More,
    /// One less.
    Less,
}

impl OwnersChange {
    /// By the roles before and after; `None` if the number stays.
    pub(super) fn of(before: Option<&StaffMember>, after: Option<&StaffMember>) -> Option<Self> {
        let is_owner = |member: Option<&StaffMember>| member.is_some_and(StaffMember::is_owner);
        match (is_owner(before), is_owner(after)) {
            (false, true) => Some(Self::More),
            (true, false) => Some(Self::Less),
            (true, true) | (false, false) => None,
        }
    }

    /// Counts. One less on the condition that one is left.
    pub(super) fn update(self, table: &str) -> UpdateBuilder {
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(Key::owners().attributes()))
            .update_expression(
                "SET entity_type = :entity, schema_version = :schema ADD #owners :change",
            )
            .expression_attribute_names("#owners", "owners")
            .expression_attribute_values(":entity", string(ENTITY))
            .expression_attribute_values(":schema", number(SCHEMA));
        match self {
            Self::More => update.expression_attribute_values(":change", number(1)),
            Self::Less => update
                .condition_expression("#owners > :last")
                .expression_attribute_values(":change", number(-1))
                .expression_attribute_values(":last", number(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_changes_with_the_role_of_owners_only() {
        let member = |role: &str| StaffMember {
            role: role.to_owned(),
            permissions: Vec::new(),
        };
        let (owner, other) = (member("owner"), member("support"));
        for (before, after, change) in [
            (None, Some(&owner), Some(OwnersChange::More)),
            (Some(&other), Some(&owner), Some(OwnersChange::More)),
            (Some(&owner), Some(&other), Some(OwnersChange::Less)),
            (Some(&owner), None, Some(OwnersChange::Less)),
            (Some(&owner), Some(&owner), None),
            (Some(&other), None, None),
            (None, Some(&other), None),
            (None, None, None),
        ] {
            let found = OwnersChange::of(before, after);
            assert_eq!(found, change, "{before:?} {after:?}");
        }
    }

    #[test]
    fn only_one_less_has_a_condition() {
        let condition = |change: OwnersChange| {
            let update = change.update("t").build().unwrap();
            update.condition_expression
        };
        assert_eq!(condition(OwnersChange::More), None);
        let less = condition(OwnersChange::Less);
        assert_eq!(less.as_deref(), Some("#owners > :last"));
    }
}
