//! Bodies and views of customer groups, and of a customer as staff see them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CustomerGroup, GroupDetails, GroupId, GroupMember, NewGroup};
use crate::{
    fault::Rejection,
    id::AccountId,
    identity::Account,
    money::Money,
    orders::{Customer, OrderSummary},
    text::FieldCheck,
    wire::Patch,
};

/// Longest name of a group, in characters.
const MAX_NAME: usize = 60;
/// Longest note of a group, in characters.
const MAX_NOTE: usize = 500;

/// Body of `POST /v1/admin/customer-groups`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroupBody {
    /// Identifier, which never changes: 1 to 40 lower-case letters, digits and hyphens. By default it follows from the name:
    /// `Friends & Family` becomes `friends-family`.
    #[serde(default)]
    pub id: Option<String>,
    /// Name for people, at most 60 characters.
    pub name: String,
    /// Note for staff, at most 500 characters.
    #[serde(default)]
    pub note: Option<String>,
}

impl CreateGroupBody {
    /// Checks all fields.
    pub fn parse(&self) -> Result<NewGroup, Rejection> {
        let mut check = FieldCheck::default();
        let name = check.line("name", &self.name, MAX_NAME);
        let note = check.optional_line("note", self.note.clone(), MAX_NOTE);
        let id = match &self.id {
            Some(id) => id.parse().ok(),
            None => GroupId::derived(&name),
        };
        if id.is_none() {
            match &self.id {
                Some(_) => check.fault(
                    "id",
                    "invalid",
                    "Must be 1 to 40 lower-case letters, digits and hyphens, with a letter or digit at both ends.",
                ),
                // Of a name that is missing, nothing else is said.
                None if check.has("name") => {}
                None => check.fault(
                    "id",
                    "required",
                    "Must be given, as the name has no letter from a to z and no digit.",
                ),
            }
        }
        let details = GroupDetails { name, note };
        match (check.finish(()), id) {
            (Ok(()), Some(id)) => Ok(NewGroup { id, details }),
            (faults, _) => Err(Rejection::invalid(faults.err().unwrap_or_default())),
        }
    }
}

/// Body of `PATCH /v1/admin/customer-groups/{group_id}`: a JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GroupPatch {
    /// Name for people, at most 60 characters.
    pub name: Patch<String>,
    /// Note for staff, at most 500 characters; `null` removes it.
    pub note: Patch<String>,
}

impl GroupPatch {
    /// Name and note after the patch.
    pub fn apply(self, details: &GroupDetails) -> Result<GroupDetails, Rejection> {
        let mut check = FieldCheck::default();
        let mut changed = details.clone();
        match self.name {
            Patch::Keep => {}
            Patch::Reset => check.fault("name", "required", "Must not be empty."),
            Patch::Set(name) => changed.name = check.line("name", &name, MAX_NAME),
        }
        match self.note {
            Patch::Keep => {}
            Patch::Reset => changed.note = None,
            Patch::Set(note) => {
                changed.note = check.optional_line("note", Some(note), MAX_NOTE);
            }
        }
        check.finish(changed).map_err(Rejection::invalid)
    }
}

/// A customer group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GroupView {
    /// Identifier.
    pub id: GroupId,
    /// Name for people.
    pub name: String,
    /// Note for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Number of its members.
    pub members: u64,
    /// Version of name and note, also the `ETag`.
    pub version: u64,
    /// Time at which it was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Time at which name or note were last changed.
    #[schemars(with = "String")]
    pub changed_at: Timestamp,
    /// Author of that change: `staff:` and the account or the subject of a token.
    pub changed_by: String,
}

impl From<&CustomerGroup> for GroupView {
    fn from(group: &CustomerGroup) -> Self {
        Self {
            id: group.id.clone(),
            name: group.details.name.clone(),
            note: group.details.note.clone(),
            members: group.members,
            version: group.version,
            created_at: group.created_at,
            changed_at: group.changed_at,
            changed_by: group.changed_by.to_string(),
        }
    }
}

/// All customer groups.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GroupsView {
    /// The groups, by their ids.
    pub items: Vec<GroupView>,
}

impl GroupsView {
    /// The list of these groups.
    pub fn of(groups: &[CustomerGroup]) -> Self {
        Self {
            items: groups.iter().map(GroupView::from).collect(),
        }
    }
}

/// A member of a customer group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GroupMemberView {
    /// Identifier of the account.
    pub account_id: AccountId,
    /// Email address.
    pub email: String,
    /// Name of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Time at which the account was added to the group.
    #[schemars(with = "String")]
    pub added_at: Timestamp,
    /// Whoever has added it: `staff:` and the account or the subject of a token.
    pub added_by: String,
}

impl GroupMemberView {
    /// A member with its account.
    pub fn of(member: &GroupMember, account: &Account) -> Self {
        Self {
            account_id: account.id,
            email: account.email.clone(),
            name: account.name.clone(),
            added_at: member.added_at,
            added_by: member.added_by.to_string(),
        }
    }
}

/// One page of the members of a customer group, by the ids of their accounts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GroupMembersView {
    /// Members; fewer than the limit do not mean that it is the last page.
    pub items: Vec<GroupMemberView>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl GroupMembersView {
    /// The page with these members, whose accounts come in any order. A member without one is being deleted.
    pub fn of(members: &[GroupMember], accounts: &[Account], next_cursor: Option<String>) -> Self {
        let view = |member: &GroupMember| {
            let account = accounts.iter().find(|it| it.id == member.account)?;
            Some(GroupMemberView::of(member, account))
        };
        Self {
            items: members.iter().filter_map(view).collect(),
            next_cursor,
        }
    }
}

/// The orders of an account, which the list lags by seconds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CustomerOrdersView {
    /// Number of orders, whatever became of them.
    pub count: usize,
    /// Paid amounts less refunds, one for each currency of an order.
    pub totals: Vec<Money>,
    /// The oldest of these orders; missing without orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_order: Option<OrderSummary>,
    /// The newest order; missing without orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_order: Option<OrderSummary>,
    /// Whether there are older orders: number and totals are of the newest 1,000.
    pub has_more: bool,
}

impl From<Option<&Customer>> for CustomerOrdersView {
    fn from(customer: Option<&Customer>) -> Self {
        Self {
            count: customer.map_or(0, |it| it.orders),
            totals: customer.map(|it| it.totals.clone()).unwrap_or_default(),
            first_order: customer.map(|it| OrderSummary::from(&it.first)),
            last_order: customer.map(|it| OrderSummary::from(&it.last)),
            has_more: customer.is_some_and(|it| it.has_more),
        }
    }
}

/// A customer with an account, as staff see them. It has nothing that opens the account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CustomerProfileView {
    /// Identifier of the account.
    pub account_id: AccountId,
    /// Email address.
    pub email: String,
    /// Whether the address was verified. That of an account always was.
    pub verified: bool,
    /// Name of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the person agrees to get advertising by email.
    pub email_consent: bool,
    /// Time at which the person agreed; missing without consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub email_consent_at: Option<Timestamp>,
    /// Ids of the customer groups that the account is in.
    pub groups: BTreeSet<GroupId>,
    /// Time at which the address was verified.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// The orders of the account, whatever their address.
    pub orders: CustomerOrdersView,
}

impl CustomerProfileView {
    /// The owner of an account with the sums of its orders, if it has any.
    pub fn of(account: &Account, customer: Option<&Customer>) -> Self {
        Self {
            account_id: account.id,
            email: account.email.clone(),
            verified: true,
            name: account.name.clone(),
            email_consent: account.email_consent.is_some(),
            email_consent_at: account.email_consent,
            groups: account.groups.clone(),
            created_at: account.created_at,
            orders: CustomerOrdersView::from(customer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults<T: std::fmt::Debug>(parsed: Result<T, Rejection>) -> Vec<String> {
        let fields = parsed.unwrap_err().fields.into_iter();
        fields
            .map(|it| format!("{} {}", it.field, it.code))
            .collect()
    }

    fn body(id: Option<&str>, name: &str, note: Option<&str>) -> CreateGroupBody {
        CreateGroupBody {
            id: id.map(str::to_owned),
            name: name.to_owned(),
            note: note.map(str::to_owned),
        }
    }

    #[test]
    fn a_group_has_a_name_and_an_id_that_may_follow_from_it() {
        let new = body(None, "  Friends  &  Family ", Some(" \u{200B} ")).parse();
        let new = new.unwrap();
        assert_eq!(new.id.as_str(), "friends-family");
        assert_eq!(new.details.name, "Friends & Family");
        assert_eq!(new.details.note, None);
        let new = body(Some("vip"), "友達", Some("Since 2026"))
            .parse()
            .unwrap();
        assert_eq!(new.id.as_str(), "vip");
        assert_eq!(new.details.note.as_deref(), Some("Since 2026"));
        assert_eq!(faults(body(None, "友達", None).parse()), ["id required"]);
        assert_eq!(faults(body(None, " ", None).parse()), ["name required"]);
        let long = "x".repeat(501);
        let all = body(Some("VIP"), &long, Some(&long)).parse();
        assert_eq!(
            faults(all),
            ["name too_long", "note too_long", "id invalid"]
        );
    }

    #[test]
    fn absent_and_null_are_different() {
        let before = GroupDetails {
            name: "VIP".to_owned(),
            note: Some("Since 2026".to_owned()),
        };
        let patch = |json: &str| {
            let patch: GroupPatch = serde_json::from_str(json).unwrap();
            patch.apply(&before)
        };
        assert_eq!(patch("{}").unwrap(), before);
        assert_eq!(patch(r#"{"note": null}"#).unwrap().note, None);
        assert_eq!(patch(r#"{"note": ""}"#).unwrap().note, None);
        assert_eq!(patch(r#"{"name": " Best "}"#).unwrap().name, "Best");
        for name in ["null", "\"\""] {
            let found = faults(patch(&format!("{{\"name\": {name}}}")));
            assert_eq!(found, ["name required"], "{name}");
        }
    }

    #[test]
    fn a_customer_without_orders_has_sums_of_nothing() {
        let orders = serde_json::to_value(CustomerOrdersView::from(None)).unwrap();
        let none = serde_json::json!({ "count": 0, "totals": [], "has_more": false });
        assert_eq!(orders, none);
    }
}
