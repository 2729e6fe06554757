//! Entries of who may do what: invitations to the staff, roles of the shop's own, API keys.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{AuditAction, AuditActor, AuditSubject, FieldChange, SubjectKind},
    orders::Actor,
    staff::{ApiKey, CustomRole, Invitation},
};

use super::{Action, AuditDraft, field, named, new_image, occurred_at, old_image, staff};
use crate::{
    StoreError,
    staff::{ApiKeyRecord, InvitationRecord, RoleRecord},
};

/// An invitation that was sent, or revoked. That it was accepted is a change of the account.
pub(super) fn invitation(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let Some(invitation) = new_image::<InvitationRecord>(record)?.map(Invitation::from) else {
        return Ok(None);
    };
    let before = old_image::<InvitationRecord>(record)?.map(Invitation::from);
    let subject = AuditSubject::new(SubjectKind::Invitation, invitation.id);
    let trace_id = invitation.trace_id;
    let (what, action) = match (before, invitation.revoked_by) {
        (None, _) => (
            "sent",
            Action {
                // An operator's command names nobody.
                actor: author(&invitation.invited_by),
                action: AuditAction::StaffInvited,
                subject,
                at: invitation.created_at,
                trace_id,
            },
        ),
        (Some(before), Some(by)) if before.revoked_by.is_none() => (
            "revoked",
            Action {
                actor: author(&by),
                action: AuditAction::InvitationRevoked,
                subject,
                at: occurred_at(record)?,
                trace_id,
            },
        ),
        _ => return Ok(None),
    };
    // Its address is of somebody who may have no account, so that no key could erase it.
    let role = named("role", Some(invitation.role));
    let id = format!("{}.{what}", invitation.id);
    AuditDraft::new(id, action, role.into_iter().collect()).map(Some)
}

/// A role that was made, changed or removed.
pub(super) fn role(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let Some(role) = new_image::<RoleRecord>(record)?.map(CustomRole::from) else {
        return Ok(None);
    };
    let before = old_image::<RoleRecord>(record)?.map(CustomRole::from);
    // It was given to somebody, which is a change of the account.
    if before.as_ref().is_some_and(|it| it.version == role.version) {
        return Ok(None);
    }
    let permissions = |role: &CustomRole| match role.is_removed {
        true => None,
        false => Some(role.permissions.join(" ")),
    };
    let had = before.as_ref().and_then(permissions);
    let changes = field("permissions", had, permissions(&role));
    let action = Action {
        actor: author(&role.changed_by),
        action: match role.is_removed {
            true => AuditAction::RoleRemoved,
            false => AuditAction::RoleChanged,
        },
        subject: AuditSubject::new(SubjectKind::Role, &role.name),
        at: role.changed_at,
        trace_id: role.trace_id,
    };
    // A role that is made again after its item is gone begins with version 1 once more.
    let id = format!(
        "role.{}.{}.{}",
        role.name,
        role.version,
        action.at.as_millisecond()
    );
    AuditDraft::new(id, action, changes.into_iter().collect()).map(Some)
}

/// An API key that was made, or revoked. Its uses are not recorded.
pub(super) fn api_key(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let Some(key) = new_image::<ApiKeyRecord>(record)?.map(ApiKey::from) else {
        return Ok(None);
    };
    let before = old_image::<ApiKeyRecord>(record)?.map(ApiKey::from);
    let subject = AuditSubject::new(SubjectKind::ApiKey, key.id);
    let trace_id = key.trace_id;
    let (what, changes, action) = match (before, key.revoked_by) {
        (None, _) => (
            "created",
            vec![
                named("name", Some(key.name)),
                named("scopes", Some(key.scopes.join(" "))),
                named("expires_at", Some(key.expires_at)),
            ],
            Action {
                actor: author(&key.created_by),
                action: AuditAction::ApiKeyCreated,
                subject,
                at: key.created_at,
                trace_id,
            },
        ),
        (Some(before), Some(by)) if before.revoked_by.is_none() => (
            "revoked",
            vec![named("name", Some(key.name))],
            Action {
                actor: author(&by),
                action: AuditAction::ApiKeyRevoked,
                subject,
                at: occurred_at(record)?,
                trace_id,
            },
        ),
        _ => return Ok(None),
    };
    let id = format!("{}.{what}", key.id);
    let changes: Vec<FieldChange> = changes.into_iter().flatten().collect();
    AuditDraft::new(id, action, changes).map(Some)
}

/// Somebody of the staff, or the shop for the command of an operator.
fn author(actor: &Actor) -> AuditActor {
    staff(actor).unwrap_or(AuditActor::System)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{
        id::{AccountId, ApiKeyId, InvitationId},
        identity::Permission,
        staff::{ApiKeyHash, ApiKeySecret, Author},
        trace::{Cause, TraceParent},
    };
    use serde_json::Value;

    use super::*;
    use crate::{
        keys::Key,
        operations::trail::tests::{AT, changes, draft, has_none, stored},
    };

    fn ada() -> Author<'static> {
        Author {
            actor: Actor::Staff("ada".to_owned()),
            at: AT.parse().unwrap(),
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        }
    }

    /// Action, author and changes.
    fn entry(old: Option<&Value>, new: &Value) -> (AuditAction, String, Vec<String>) {
        let draft = draft(old.cloned(), Some(new.clone()));
        assert_eq!(draft.values, []);
        let actor = draft.entry.actor.to_string();
        (draft.entry.action, actor, changes(&draft))
    }

    #[test]
    fn invitations_are_recorded_without_their_addresses() {
        let sent = Invitation {
            id: InvitationId::random([1; 16]),
            email: "bea@example.com".to_owned(),
            role: "support".to_owned(),
            invited_by: ada().actor,
            created_at: AT.parse().unwrap(),
            account: None,
            revoked_by: None,
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        };
        let item = |it: &Invitation| stored(&Key::invitation(it.id), &InvitationRecord::from(it));
        let role = vec!["role: - → support".to_owned()];
        let by = |name: &str| name.to_owned();
        assert_eq!(
            entry(None, &item(&sent)),
            (AuditAction::StaffInvited, by("token:ada"), role.clone())
        );
        let of_operator = Invitation {
            invited_by: Actor::Shop,
            ..sent.clone()
        };
        assert_eq!(entry(None, &item(&of_operator)).1, "system");
        let revoked = Invitation {
            revoked_by: Some(ada().actor),
            ..sent.clone()
        };
        assert_eq!(
            entry(Some(&item(&sent)), &item(&revoked)),
            (AuditAction::InvitationRevoked, by("token:ada"), role)
        );
        let accepted = Invitation {
            account: Some(AccountId::random([2; 16])),
            ..sent.clone()
        };
        assert!(has_none(Some(item(&sent)), Some(item(&accepted))));
        assert!(has_none(Some(item(&revoked)), Some(item(&revoked))));
        assert!(has_none(Some(item(&sent)), None));
    }

    #[test]
    fn roles_are_recorded_with_their_permissions() {
        let item = |it: &CustomRole| stored(&Key::role(&it.name), &RoleRecord::from(it));
        let [one, other] = [Permission::ALL[0], Permission::ALL[1]];
        let made = CustomRole::new("packer", &BTreeSet::from([one]), &ada());
        let (action, actor, changes) = entry(None, &item(&made));
        assert_eq!((action, &*actor), (AuditAction::RoleChanged, "token:ada"));
        assert_eq!(changes, [format!("permissions: - → {}", one.name())]);
        let changed = made.with(&BTreeSet::from([other]), &ada());
        let (_, _, changes) = entry(Some(&item(&made)), &item(&changed));
        let both = format!("permissions: {} → {}", one.name(), other.name());
        assert_eq!(changes, [both]);
        let removed = changed.removed(&ada());
        let (action, _, changes) = entry(Some(&item(&changed)), &item(&removed));
        assert_eq!(action, AuditAction::RoleRemoved);
        assert_eq!(changes, [format!("permissions: {} → -", other.name())]);
        let given = CustomRole {
            uses: 1,
            ..made.clone()
        };
        assert!(has_none(Some(item(&made)), Some(item(&given))));
        assert!(has_none(Some(item(&removed)), None));
    }

    #[test]
    fn api_keys_are_recorded_without_their_secrets() {
        let hash: ApiKeyHash = ApiKeySecret::new([3; 32]).hash();
        let item = |it: &ApiKey| stored(&Key::api_key(&hash), &ApiKeyRecord::from(it));
        let made = ApiKey {
            id: ApiKeyId::random([4; 16]),
            name: "warehouse".to_owned(),
            scopes: vec!["stock:read".to_owned(), "stock:write".to_owned()],
            created_by: ada().actor,
            created_at: AT.parse().unwrap(),
            expires_at: "2027-01-01T00:00:00Z".parse().unwrap(),
            last_used_at: None,
            revoked_by: None,
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        };
        let (action, actor, changes) = entry(None, &item(&made));
        assert_eq!((action, &*actor), (AuditAction::ApiKeyCreated, "token:ada"));
        let expected = [
            "name: - → warehouse",
            "scopes: - → stock:read stock:write",
            "expires_at: - → 2027-01-01T00:00:00Z",
        ];
        assert_eq!(changes, expected);
        let used = ApiKey {
            last_used_at: Some(AT.parse().unwrap()),
            ..made.clone()
        };
        assert!(has_none(Some(item(&made)), Some(item(&used))));
        let revoked = ApiKey {
            revoked_by: Some(ada().actor),
            ..used.clone()
        };
        let (action, _, changes) = entry(Some(&item(&used)), &item(&revoked));
        assert_eq!(action, AuditAction::ApiKeyRevoked);
        assert_eq!(changes, ["name: - → warehouse"]);
        assert!(has_none(Some(item(&revoked)), None));
    }
}
