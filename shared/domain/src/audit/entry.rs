//! An entry of the audit trail: an action with its actor, its subject and what it changed.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AuditAction, AuditActor, AuditSubject, PersonalField};
use crate::text;

/// Most changed fields of an entry.
pub(super) const MAX_CHANGES: usize = 32;
/// Most personal fields of an entry.
pub(super) const MAX_PERSONAL: usize = 16;
/// Longest name of a field, in bytes.
pub(super) const MAX_FIELD: usize = 100;
/// Longest value before or after a change, in bytes.
pub(super) const MAX_VALUE: usize = 500;
/// Longest id of an entry, in bytes: an event about a SKU. It is part of a sort key, which has at most 1,024.
const MAX_ID: usize = 600;
/// Longest id of a request, in bytes.
const MAX_TRACE_ID: usize = 128;

/// Parts of the names of fields whose values are never recorded. Their changes should be [`FieldChange::hidden`]; this is for
/// the day on which one is not.
const SECRETS: [&str; 9] = [
    "hash", "password", "pepper", "phc", "secret", "secrets", "seed", "token", "tokens",
];

/// A text that is not the part of an entry that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct InvalidAuditText {
    /// The form of the part.
    pub expected: &'static str,
}

/// Identifier of an entry: that of the event it follows from, so that an event that comes twice is recorded once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryId(String);

/// A field that an action changed. Without values it was changed and nothing is kept of them, as of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// Name of the field, with dots between its parts.
    pub field: String,
    /// Value before the action, as text; of a person's data in [`AuditEntry::personal`] instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Value after the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// An action that belongs in the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Identifier.
    #[schemars(with = "String")]
    pub id: EntryId,
    /// The originator.
    #[schemars(with = "String")]
    pub actor: AuditActor,
    /// The action.
    pub action: AuditAction,
    /// What it changed.
    #[schemars(with = "String")]
    pub subject: AuditSubject,
    /// Time of the action.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Id of the request; of its trace, or of the event, where nothing else is known.
    pub trace_id: String,
    /// The fields that it changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// Values about a person. The network address that the request came from is the one that is named
    /// [`PersonalField::FROM`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<PersonalField>,
}

impl EntryId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EntryId {
    type Error = InvalidAuditText;

    fn try_from(text: String) -> Result<Self, InvalidAuditText> {
        match (1..=MAX_ID).contains(&text.len()) && !text.contains(char::is_control) {
            true => Ok(Self(text)),
            false => Err(InvalidAuditText {
                expected: "an entry's id of 1 to 600 bytes without control characters",
            }),
        }
    }
}

impl From<EntryId> for String {
    fn from(id: EntryId) -> Self {
        id.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FieldChange {
    /// A change whose values are not kept.
    pub fn hidden(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            before: None,
            after: None,
        }
    }

    /// The change without values that are secret, and with texts that have their lengths.
    fn fitted(self) -> Self {
        let mut parts = self.field.split(|c: char| !c.is_alphanumeric());
        let is_secret = parts.any(|part| SECRETS.iter().any(|it| it.eq_ignore_ascii_case(part)));
        let value = |value: Option<String>| {
            let value = value.filter(|_| !is_secret);
            value.map(|value| text::shortened(value, MAX_VALUE))
        };
        Self {
            before: value(self.before),
            after: value(self.after),
            field: text::shortened(self.field, MAX_FIELD),
        }
    }
}

impl AuditEntry {
    /// Takes secrets out, and cuts what is too long or too many: an action is recorded in any case. Returns how many fields
    /// were left out.
    pub(super) fn fit(&mut self) -> u32 {
        let surplus = |length: usize, most: usize| {
            u32::try_from(length.saturating_sub(most)).unwrap_or(u32::MAX)
        };
        let omitted = surplus(self.changes.len(), MAX_CHANGES)
            .saturating_add(surplus(self.personal.len(), MAX_PERSONAL));
        self.changes.truncate(MAX_CHANGES);
        self.personal.truncate(MAX_PERSONAL);
        let changes = std::mem::take(&mut self.changes).into_iter();
        self.changes = changes.map(FieldChange::fitted).collect();
        self.trace_id = text::shortened(std::mem::take(&mut self.trace_id), MAX_TRACE_ID);
        self.actor.fit();
        omitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::entry;

    #[test]
    fn ids_are_bounded_and_printable() {
        let read = |text: &str| EntryId::try_from(text.to_owned()).is_ok();
        assert!(read("ord_X.2") && read(&"x".repeat(600)));
        for none in ["", "a\nb", "a\0", &"x".repeat(601)] {
            assert!(!read(none), "{none}");
        }
    }

    #[test]
    fn values_of_secrets_are_not_kept() {
        let value = || Some("hunter2".to_owned());
        let kept = |field: &str| {
            let mut entry = entry(1);
            entry.changes = vec![FieldChange {
                field: field.to_owned(),
                before: value(),
                after: value(),
            }];
            entry.fit();
            let change = &entry.changes[0];
            assert_eq!(change.field, field);
            assert_eq!(change.before, change.after);
            change.after.is_some()
        };
        for secret in [
            "password",
            "password.phc",
            "Password-Hash",
            "stripe.secret",
            "webhook_secret",
            "refresh_token",
            "totp seed",
        ] {
            assert!(!kept(secret), "{secret}");
        }
        for open in [
            "name",
            "roles",
            "tokenizer",
            "payment_window",
            "hashtag",
            "passwordless",
        ] {
            assert!(kept(open), "{open}");
        }
        assert_eq!(
            FieldChange::hidden("password").fitted(),
            FieldChange::hidden("password")
        );
    }

    #[test]
    fn what_is_too_long_or_too_many_is_cut_visibly() {
        let mut entry = entry(1);
        let long = "\u{1F6D2}".repeat(10_000);
        let change = FieldChange {
            field: long.clone(),
            before: Some(long.clone()),
            after: Some(String::new()),
        };
        entry.changes = vec![change; MAX_CHANGES + 3];
        let personal = entry.personal[0].clone();
        entry.personal = vec![personal; MAX_PERSONAL + 2];
        entry.trace_id = long.clone();
        entry.actor = AuditActor::Token(long);
        assert_eq!(entry.fit(), 5);
        assert_eq!(
            (entry.changes.len(), entry.personal.len()),
            (MAX_CHANGES, MAX_PERSONAL)
        );
        for change in &entry.changes {
            let before = change.before.as_ref().unwrap();
            assert!(change.field.len() <= MAX_FIELD && change.field.ends_with('…'));
            assert!(before.len() <= MAX_VALUE && before.ends_with('…'));
            assert_eq!(change.after.as_deref(), Some(""));
        }
        assert!(entry.trace_id.len() <= MAX_TRACE_ID);
        // A cut entry is read back as it is.
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<AuditEntry>(&json).unwrap(), entry);
        assert_eq!(entry.clone().fit(), 0);
    }
}
