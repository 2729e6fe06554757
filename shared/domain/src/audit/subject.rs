//! What a recorded action changes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::InvalidAuditText;
use crate::text;

/// Longest id of a subject, in bytes: a SKU of 100 characters.
const MAX_SUBJECT: usize = 400;

/// Kind of what an action changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// An account with its sessions and passkeys, by its id.
    Account,
    /// An invitation to the staff, by its id.
    Invitation,
    /// A role, by its name.
    Role,
    /// A customer group, by its id.
    CustomerGroup,
    /// An API key, by its id.
    ApiKey,
    /// The keys that sign tokens.
    Keys,
    /// The settings.
    Settings,
    /// An order, by its id.
    Order,
    /// The stock of a variant, by its SKU.
    Stock,
    /// A job, by its id.
    Job,
    /// An import, by its id.
    Import,
}

/// What an action changes: `order:ord_…`. All records of one subject are in one chain, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuditSubject {
    kind: SubjectKind,
    id: String,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Account,
        Self::Invitation,
        Self::Role,
        Self::CustomerGroup,
        Self::ApiKey,
        Self::Keys,
        Self::Settings,
        Self::Order,
        Self::Stock,
        Self::Job,
        Self::Import,
    ];

    /// The name, as in records and queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Invitation => "invitation",
            Self::Role => "role",
            Self::CustomerGroup => "customer_group",
            Self::ApiKey => "api_key",
            Self::Keys => "keys",
            Self::Settings => "settings",
            Self::Order => "order",
            Self::Stock => "stock",
            Self::Job => "job",
            Self::Import => "import",
        }
    }
}

impl AuditSubject {
    /// The subject with an id, which is shortened to 400 bytes: ids of this shop are shorter.
    pub fn new(kind: SubjectKind, id: impl fmt::Display) -> Self {
        Self {
            kind,
            id: text::shortened(id.to_string(), MAX_SUBJECT),
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl FromStr for AuditSubject {
    type Err = InvalidAuditText;

    fn from_str(text: &str) -> Result<Self, InvalidAuditText> {
        let invalid = InvalidAuditText {
            expected: "a subject such as order:ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA",
        };
        let (name, id) = text.split_once(':').ok_or(invalid)?;
        let mut kinds = SubjectKind::ALL.into_iter();
        let kind = kinds.find(|kind| kind.name() == name).ok_or(invalid)?;
        match id.len() <= MAX_SUBJECT {
            true => Ok(Self {
                kind,
                id: id.to_owned(),
            }),
            false => Err(invalid),
        }
    }
}

impl TryFrom<String> for AuditSubject {
    type Error = InvalidAuditText;

    fn try_from(text: String) -> Result<Self, InvalidAuditText> {
        text.parse()
    }
}

impl From<AuditSubject> for String {
    fn from(subject: AuditSubject) -> Self {
        subject.to_string()
    }
}

impl fmt::Display for AuditSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_have_one_text() {
        for kind in SubjectKind::ALL {
            let subject = AuditSubject::new(kind, "a:b");
            assert_eq!(subject.to_string().parse(), Ok(subject.clone()));
            assert_eq!((subject.kind(), subject.id()), (kind, "a:b"));
        }
        let long = format!("stock:{}", "x".repeat(401));
        for none in ["", "order", ":x", "Order:x", "thing:x", &long] {
            assert!(none.parse::<AuditSubject>().is_err(), "{none}");
        }
        let longest = AuditSubject::new(SubjectKind::Stock, "\u{1F6D2}".repeat(101));
        assert_eq!(longest.to_string().parse(), Ok(longest.clone()));
        assert!(longest.id().ends_with('…'));
    }
}
