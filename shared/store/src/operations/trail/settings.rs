//! Entries of the settings.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{AuditAction, AuditActor, AuditSubject, FieldChange, SubjectKind},
    documents::{DocumentKind, StoredRevision},
    settings,
};
use serde_dynamo::AttributeValue;

use super::{Action, AuditDraft, new_image, staff};
use crate::{
    StoreError,
    control::DocumentRecord,
    item::Record,
    keys::{PK, document_partition},
};

/// A new revision of the settings.
pub(super) fn changed(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    // A revision never changes.
    if !record.change.old_image.is_empty() {
        return Ok(None);
    }
    let kind = DocumentKind::Settings;
    let partition = AttributeValue::S(document_partition(kind));
    if record.change.new_image.get(PK) != Some(&partition) {
        return Ok(None);
    }
    let Some(document) = new_image::<DocumentRecord>(record)? else {
        return Ok(None);
    };
    let StoredRevision { revision, body } = StoredRevision::from(document);
    let values = settings::values(&body)
        .map_err(|error| StoreError::unreadable(DocumentRecord::ENTITY, error))?;
    let changed = revision.changed.iter().map(|name| FieldChange {
        field: name.clone(),
        before: None,
        after: values.get(name).cloned(),
    });
    let about = [
        super::named("revision", Some(revision.number)),
        super::named("restored_from", revision.restored_from),
    ];
    let action = Action {
        actor: staff(&revision.changed_by).unwrap_or(AuditActor::System),
        action: AuditAction::SettingsChanged,
        subject: AuditSubject::new(SubjectKind::Settings, kind.name()),
        at: revision.changed_at,
        // A revision does not name the request.
        trace_id: record.event_id.clone(),
    };
    let id = format!("{}.{}", kind.name(), revision.number);
    let changes = about.into_iter().flatten().chain(changed).collect();
    let mut draft = AuditDraft::new(id, action, changes)?;
    draft.replaces = revision.number.checked_sub(1).filter(|number| *number > 0);
    Ok(Some(draft))
}

/// The draft with the values before the change, from the document that it has replaced. One that cannot be read has none.
pub fn compared(mut draft: AuditDraft, replaced: &str) -> AuditDraft {
    let values = settings::values(replaced).unwrap_or_default();
    let about = ["revision", "restored_from"];
    let changes = draft.entry.changes.iter_mut();
    for change in changes.filter(|it| !about.contains(&it.field.as_str())) {
        change.before = values.get(&change.field).cloned();
    }
    draft
}

#[cfg(test)]
mod tests {
    use domain::{documents::NewRevision, orders::Actor};
    use serde_json::Value;

    use super::*;
    use crate::{
        keys::Key,
        operations::trail::tests::{AT, changes, draft, has_none, stored},
    };

    const BEFORE: &str = r#"{"shop_name":"Meadow","payment_window_seconds":900}"#;

    fn image(number: u64, by: Actor, restored_from: Option<u64>) -> Value {
        let new = NewRevision {
            kind: DocumentKind::Settings,
            body: r#"{"shop_name":"Long Meadow","flags":{"gifts":true},"seller":{"tax_id":"7"}}"#
                .to_owned(),
            changed_by: by,
            changed_at: AT.parse().unwrap(),
            changed: [
                "flags",
                "payment_window_seconds",
                "seller.tax_id",
                "shop_name",
            ]
            .map(str::to_owned)
            .to_vec(),
            restored_from,
        };
        let record = DocumentRecord::of(&new, number);
        stored(&Key::document(DocumentKind::Settings, number), &record)
    }

    fn ada() -> Actor {
        Actor::Staff("ada".to_owned())
    }

    #[test]
    fn a_revision_names_author_fields_and_values() {
        let draft = draft(None, Some(image(7, ada(), None)));
        let entry = &draft.entry;
        assert_eq!(entry.id.as_str(), "settings.7");
        assert_eq!(entry.actor.to_string(), "token:ada");
        assert_eq!(entry.action, AuditAction::SettingsChanged);
        assert_eq!(entry.subject.to_string(), "settings:settings");
        assert_eq!(entry.at.to_string(), AT);
        assert_eq!(draft.replaces, Some(6));
        assert_eq!(draft.values, []);
        let after = [
            "revision: - → 7",
            "flags: - → {\"gifts\":true}",
            "payment_window_seconds: - → -",
            "seller.tax_id: - → 7",
            "shop_name: - → Long Meadow",
        ];
        assert_eq!(changes(&draft), after);
        let both = compared(draft.clone(), BEFORE);
        assert_eq!(
            changes(&both)[2..],
            [
                "payment_window_seconds: 900 → -",
                "seller.tax_id: - → 7",
                "shop_name: Meadow → Long Meadow",
            ]
        );
        for broken in ["", "{", "[]", "null"] {
            assert_eq!(changes(&compared(draft.clone(), broken)), after, "{broken}");
        }
    }

    #[test]
    fn a_restored_revision_says_of_which() {
        let draft = draft(None, Some(image(1, Actor::Shop, Some(3))));
        assert_eq!(draft.entry.actor, AuditActor::System);
        assert_eq!(
            draft.replaces, None,
            "the template's values are not a revision"
        );
        let all = changes(&draft);
        assert_eq!(all[..2], ["revision: - → 1", "restored_from: - → 3"]);
        assert_eq!(changes(&compared(draft, "{}")), all);
    }

    #[test]
    fn only_a_new_revision_of_the_settings_is_one() {
        let revision = image(7, ada(), None);
        assert!(has_none(Some(revision.clone()), Some(revision.clone())));
        assert!(has_none(Some(revision.clone()), None));
        let mut other = revision;
        other["PK"]["S"] = "DOCUMENT#prices".into();
        assert!(has_none(None, Some(other)));
    }
}
