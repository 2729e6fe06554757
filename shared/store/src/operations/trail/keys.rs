//! Entries of the keys that sign access tokens.

use std::collections::BTreeSet;

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{AuditAction, AuditActor, AuditSubject, SubjectKind},
    identity::PublicKey,
};

use super::{Action, AuditDraft, field, new_image, occurred_at, old_image, position};
use crate::{StoreError, control::ControlRecord};

/// Keys that were made or dropped. The control item has other contents, too.
pub(super) fn rotated(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let keys = |control: Option<ControlRecord>| control.map(|it| it.token_keys).unwrap_or_default();
    let before = ids(&keys(old_image(record)?));
    let after = ids(&keys(new_image(record)?));
    let Some(change) = field("keys", before, after) else {
        return Ok(None);
    };
    let action = Action {
        actor: AuditActor::System,
        action: AuditAction::KeysRotated,
        subject: AuditSubject::new(SubjectKind::Keys, "access_tokens"),
        at: occurred_at(record)?,
        // The control item does not name the request.
        trace_id: record.event_id.clone(),
    };
    let id = format!("keys.{}", position(record));
    AuditDraft::new(id, action, vec![change]).map(Some)
}

/// Identifiers of keys, in a fixed order.
fn ids(keys: &[PublicKey]) -> Option<String> {
    let ids: BTreeSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    (!ids.is_empty()).then(|| ids.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::operations::trail::tests::{AT, POSITION, changes, draft, has_none};

    fn control(settings: u64, keys: &[&str]) -> Value {
        let key = |id: &&str| {
            json!({ "M": {
                "id": { "S": id }, "x": { "S": "secret" }, "published_at": { "S": AT },
            } })
        };
        json!({
            "PK": { "S": "CONTROL" }, "SK": { "S": "CONTROL" }, "entity_type": { "S": "control" },
            "schema_version": { "N": "1" }, "settings": { "N": settings.to_string() },
            "token_version": { "N": "4" }, "token_keys": { "L": keys.iter().map(key).collect::<Vec<_>>() },
            "ended": { "M": {} },
        })
    }

    #[test]
    fn a_key_that_was_made_or_dropped_is_named() {
        let made = draft(Some(control(1, &["b"])), Some(control(1, &["b", "a"])));
        assert_eq!(changes(&made), ["keys: b → a, b"]);
        let entry = &made.entry;
        assert_eq!(entry.id.as_str(), format!("keys.{POSITION}"));
        assert_eq!(entry.actor, AuditActor::System);
        assert_eq!(entry.action, AuditAction::KeysRotated);
        assert_eq!(entry.at.to_string(), AT);
        let first = draft(None, Some(control(0, &["a"])));
        assert_eq!(changes(&first), ["keys: - → a"]);
        // The control item was lost.
        let lost = draft(Some(control(0, &["a"])), None);
        assert_eq!(changes(&lost), ["keys: a → -"]);
    }

    #[test]
    fn another_change_of_the_control_item_has_no_entry() {
        assert!(has_none(
            Some(control(1, &["a", "b"])),
            Some(control(2, &["b", "a"]))
        ));
        let mut without = control(1, &[]);
        without.as_object_mut().unwrap().remove("token_keys");
        assert!(has_none(None, Some(without)));
    }
}
