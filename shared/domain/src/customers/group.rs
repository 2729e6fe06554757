//! Customer groups: their ids, their versions, and the rejections of their changes.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    fault::{Code, FieldFault, Rejection},
    orders::Actor,
    staff::Author,
    trace::TraceParent,
};

/// Most groups of a shop: they are listed on one page.
pub const MAX_GROUPS: usize = 100;
/// Longest id of a group, in characters. Access tokens carry the ids of an account's groups.
const MAX_ID: usize = 40;
/// How long a removed group is kept, which says who has removed it.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Identifier of a customer group, such as `wholesale`: 1 to 40 lower-case letters, digits and hyphens, with a letter or
/// digit at both ends. It never changes.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId(String);

/// Text that is not the id of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a group is 1 to 40 lower-case letters, digits and hyphens")]
pub struct InvalidGroupId;

impl GroupId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that follows from a name: its ASCII letters and digits, with a hyphen in place of everything between them. `None`
    /// if the name has neither.
    pub fn derived(name: &str) -> Option<Self> {
        let mut id = String::with_capacity(MAX_ID);
        for character in name.chars() {
            match character.to_ascii_lowercase() {
                _ if id.len() == MAX_ID => break,
                character if character.is_ascii_alphanumeric() => id.push(character),
                _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
                _ => {}
            }
        }
        id.trim_end_matches('-').parse().ok()
    }
}

impl FromStr for GroupId {
    type Err = InvalidGroupId;

    fn from_str(text: &str) -> Result<Self, InvalidGroupId> {
        let may_be_in = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_id = (1..=MAX_ID).contains(&text.len())
            && text.bytes().all(may_be_in)
            && !text.starts_with('-')
            && !text.ends_with('-');
        match is_id {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidGroupId),
        }
    }
}

impl TryFrom<String> for GroupId {
    type Error = InvalidGroupId;

    fn try_from(text: String) -> Result<Self, InvalidGroupId> {
        text.parse()
    }
}

impl From<GroupId> for String {
    fn from(id: GroupId) -> Self {
        id.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What staff say about a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDetails {
    /// Name for people.
    pub name: String,
    /// Note for staff.
    pub note: Option<String>,
}

/// A valid group to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name and note.
    pub details: GroupDetails,
}

/// A customer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerGroup {
    /// Identifier.
    pub id: GroupId,
    /// Name and note.
    pub details: GroupDetails,
    /// Number of its members. A change of it is not a new version of the group.
    pub members: u64,
    /// Incremented by each change of name or note, and by the removal.
    pub version: u64,
    /// Time at which it was created.
    pub created_at: Timestamp,
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

impl CustomerGroup {
    /// A new group without members. `before` is what is left of a removed one with the same id, whose versions go on.
    pub fn new(new: &NewGroup, before: Option<&Self>, author: &Author<'_>) -> Self {
        Self {
            id: new.id.clone(),
            details: new.details.clone(),
            members: 0,
            version: before.map_or(1, |it| it.version + 1),
            created_at: author.at,
            changed_at: author.at,
            changed_by: author.actor.clone(),
            is_removed: false,
            trace_id: author.cause.trace_id.to_owned(),
            traceparent: author.cause.traceparent,
        }
    }

    /// The next version, with another name or note.
    pub fn with(&self, details: GroupDetails, author: &Author<'_>) -> Self {
        Self {
            details,
            version: self.version + 1,
            changed_at: author.at,
            changed_by: author.actor.clone(),
            trace_id: author.cause.trace_id.to_owned(),
            traceparent: author.cause.traceparent,
            ..self.clone()
        }
    }

    /// What is left of a group that is removed. Rejects the removal of one that has members.
    pub fn removed(&self, author: &Author<'_>) -> Result<Self, Rejection> {
        if self.members > 0 {
            return Err(group_in_use());
        }
        Ok(Self {
            is_removed: true,
            ..self.with(self.details.clone(), author)
        })
    }

    /// Time from which on nobody needs what is left of it; `None` while it is there.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.is_removed.then(|| self.changed_at + KEPT)
    }
}

/// The rejection of a group that does not exist.
pub fn no_such_group() -> Rejection {
    Rejection::not_found("customer group")
}

/// The rejection of a new group with the id of another one.
pub fn group_exists(id: &GroupId) -> Rejection {
    Rejection::new(
        Code::GroupExists,
        format!("Another customer group has the id {id}; send another id, or change that group."),
    )
}

/// The rejection of the removal of a group that has members.
pub fn group_in_use() -> Rejection {
    Rejection::new(
        Code::GroupInUse,
        "The customer group has members; remove them from it first.",
    )
}

/// The rejection of one group too many.
pub fn too_many_groups() -> Rejection {
    Rejection::invalid(vec![FieldFault::new(
        "id",
        "too_many",
        format!("A shop has at most {MAX_GROUPS} customer groups; delete one first."),
    )])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Cause;

    fn author(by: &str, second: i64) -> Author<'static> {
        Author {
            actor: Actor::Staff(by.to_owned()),
            at: Timestamp::from_second(second).unwrap(),
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        }
    }

    fn new(id: &str) -> NewGroup {
        NewGroup {
            id: id.parse().unwrap(),
            details: GroupDetails {
                name: "Wholesale".to_owned(),
                note: None,
            },
        }
    }

    #[test]
    fn an_id_is_short_and_plain() {
        let longest = "x".repeat(MAX_ID);
        for id in ["a", "vip-2", "0", longest.as_str()] {
            assert_eq!(id.parse::<GroupId>().unwrap().as_str(), id);
        }
        let long = "x".repeat(MAX_ID + 1);
        for text in [
            "", "-", "-a", "a-", "VIP", "v_p", "a b", "é", "a/b", "a#b", &long,
        ] {
            assert_eq!(text.parse::<GroupId>(), Err(InvalidGroupId), "{text}");
        }
    }

    #[test]
    fn an_id_follows_from_a_name() {
        let derived = |name: &str| GroupId::derived(name).map(String::from);
        assert_eq!(
            derived(" Friends & Family! ").as_deref(),
            Some("friends-family")
        );
        assert_eq!(derived("VIP").as_deref(), Some("vip"));
        assert_eq!(derived("Händler").as_deref(), Some("h-ndler"));
        for name in ["", "!!", "友達"] {
            assert_eq!(derived(name), None, "{name}");
        }
        // Cut where it ends with a hyphen.
        let name = format!("{} b", "a".repeat(MAX_ID - 1));
        assert_eq!(derived(&name), Some("a".repeat(MAX_ID - 1)));
        assert_eq!(derived(&"a".repeat(1_000)), Some("a".repeat(MAX_ID)));
    }

    #[test]
    fn each_change_is_a_version_that_names_its_author() {
        let mut group = CustomerGroup::new(&new("wholesale"), None, &author("ada", 1));
        assert_eq!((group.version, group.members), (1, 0));
        group.members = 3;
        let details = GroupDetails {
            name: "Resellers".to_owned(),
            note: Some("Net 30".to_owned()),
        };
        let next = group.with(details.clone(), &author("bob", 2));
        assert_eq!((next.version, next.members), (2, 3));
        assert_eq!(next.changed_by, Actor::Staff("bob".to_owned()));
        assert_eq!(
            (next.created_at, &next.details),
            (group.created_at, &details)
        );
        assert_eq!(next.expires_at(), None);
    }

    #[test]
    fn a_group_with_members_stays() {
        let mut group = CustomerGroup::new(&new("wholesale"), None, &author("ada", 1));
        group.members = 1;
        let refused = group.removed(&author("bob", 2)).unwrap_err();
        assert_eq!(refused.code, Code::GroupInUse);
        group.members = 0;
        let removed = group.removed(&author("bob", 2)).unwrap();
        assert!(removed.is_removed && removed.expires_at() > Some(removed.changed_at));
        assert_eq!(removed.version, 2);
        // Made again under the same id: an If-Match of before does not fit.
        let again = CustomerGroup::new(&new("wholesale"), Some(&removed), &author("ada", 3));
        assert_eq!((again.version, again.is_removed), (3, false));
        assert_eq!(again.created_at, again.changed_at);
    }
}
