//! Documents: data that every request may need and few people change, such as the settings.
//!
//! A document is immutable. Each change makes a new **revision**, numbered from 1 for each kind; one small item, the
//! control item, names the current revision of every kind. Revision 0 is the state before the first change: the
//! template's values.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    fault::{Code, Rejection},
    orders::Actor,
};

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// Decisions of staff: [`crate::settings::Settings`].
    Settings,
}

impl DocumentKind {
    /// All kinds.
    pub const ALL: [Self; 1] = [Self::Settings];

    /// Name of the kind, as used in keys and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
        }
    }
}

/// One revision of each kind of document; 0 is the template's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revisions {
    /// Revision of the settings.
    #[serde(default)]
    pub settings: u64,
}

impl Revisions {
    /// The revision of a kind.
    pub const fn of(&self, kind: DocumentKind) -> u64 {
        match kind {
            DocumentKind::Settings => self.settings,
        }
    }

    /// Whether no kind has been changed yet.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Maximum size of a document, in bytes of JSON. A change is read by every process within seconds and all read the
/// same partition: a thousand processes take 8 read units each for this much, 1,600 a second, which is about half of
/// what a partition gives. Larger data belongs in several documents, or in S3.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// A revision that has not been written yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevision {
    /// Kind of the document.
    pub kind: DocumentKind,
    /// The document as JSON, at most [`MAX_DOCUMENT_BYTES`].
    pub body: String,
    /// Author of the change.
    pub changed_by: Actor,
    /// Time of the change by the clock of the process that made it. Only the number orders revisions.
    pub changed_at: Timestamp,
    /// Names of the fields that differ from the revision before.
    pub changed: Vec<String>,
    /// The revision whose content this one repeats.
    pub restored_from: Option<u64>,
}

/// A stored revision, without its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Number of the revision, from 1.
    pub number: u64,
    /// Author of the change.
    pub changed_by: Actor,
    /// Time of the change.
    pub changed_at: Timestamp,
    /// Names of the fields that differ from the revision before.
    pub changed: Vec<String>,
    /// The revision whose content this one repeats.
    pub restored_from: Option<u64>,
}

/// A stored revision with its document as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRevision {
    /// The revision.
    pub revision: Revision,
    /// The document.
    pub body: String,
}

/// One page of the history, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// The revisions.
    pub revisions: Vec<Revision>,
    /// Cursor of the next page.
    pub next_cursor: Option<String>,
}

/// Number of a revision in a path: digits without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevisionNumber(pub u64);

impl<'de> Deserialize<'de> for RevisionNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse::<u64>().map_err(serde::de::Error::custom)?;
        // One name for each revision: neither +7 nor 07.
        if number.to_string() != text {
            return Err(serde::de::Error::custom("not the number of a revision"));
        }
        Ok(Self(number))
    }
}

impl JsonSchema for RevisionNumber {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RevisionNumber".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(0|[1-9][0-9]{0,9})$" })
    }
}

/// A revision in the history.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RevisionView {
    /// Number of the revision.
    pub revision: u64,
    /// Time of the change.
    #[schemars(with = "String")]
    pub changed_at: Timestamp,
    /// Author of the change: `staff:` and the subject of their token.
    pub changed_by: String,
    /// Names of the fields that differ from the revision before.
    pub changed: Vec<String>,
    /// The revision whose content this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<u64>,
}

/// One page of the history, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RevisionsView {
    /// The revisions.
    pub items: Vec<RevisionView>,
    /// Cursor of the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl From<&Revision> for RevisionView {
    fn from(revision: &Revision) -> Self {
        Self {
            revision: revision.number,
            changed_at: revision.changed_at,
            changed_by: revision.changed_by.to_string(),
            changed: revision.changed.clone(),
            restored_from: revision.restored_from,
        }
    }
}

impl From<&HistoryPage> for RevisionsView {
    fn from(page: &HistoryPage) -> Self {
        Self {
            items: page.revisions.iter().map(RevisionView::from).collect(),
            next_cursor: page.next_cursor.clone(),
        }
    }
}

/// The rejection of a change that names no version.
pub fn version_required() -> Rejection {
    Rejection::new(
        Code::PreconditionRequired,
        "Send the header If-Match with the ETag of the state that you change, so that no other change is lost.",
    )
}

/// The rejection of a revision that exists and cannot be read.
pub fn unreadable() -> Rejection {
    Rejection::new(
        Code::RevisionUnreadable,
        "This revision cannot be read; restore another one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_has_one_name() {
        let number = |text: &str| serde_json::from_value::<RevisionNumber>(text.into()).ok();
        assert_eq!(number("0"), Some(RevisionNumber(0)));
        assert_eq!(number("17"), Some(RevisionNumber(17)));
        for other in [
            "",
            "07",
            "+7",
            "-1",
            "7.0",
            " 7",
            "x",
            "99999999999999999999",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn a_kind_has_a_name_and_a_revision_of_its_own() {
        let mut names: Vec<&str> = DocumentKind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DocumentKind::ALL.len());
        let revisions = Revisions { settings: 7 };
        assert_eq!(revisions.of(DocumentKind::Settings), 7);
        assert!(!revisions.are_none() && Revisions::default().are_none());
    }
}
