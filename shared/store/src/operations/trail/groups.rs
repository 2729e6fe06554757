//! Entries of customer groups. Who joins and leaves them is an action on the account.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{AuditAction, AuditSubject, FieldChange, SubjectKind},
    customers::CustomerGroup,
};

use super::{Action, AuditDraft, field, new_image, old_image, staff};
use crate::{StoreError, customers::GroupRecord};

/// A new version of a customer group. A member who comes or goes makes none.
pub(super) fn group(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let Some(group) = new_image::<GroupRecord>(record)?.map(CustomerGroup::from) else {
        return Ok(None);
    };
    let before = old_image::<GroupRecord>(record)?.map(CustomerGroup::from);
    if before
        .as_ref()
        .is_some_and(|it| it.version == group.version)
    {
        return Ok(None);
    }
    let Some(actor) = staff(&group.changed_by) else {
        return Ok(None);
    };
    // What is left of a removed group is not a group.
    let before = before.filter(|it| !it.is_removed);
    let action = match (&before, group.is_removed) {
        (_, true) => AuditAction::CustomerGroupRemoved,
        (None, false) => AuditAction::CustomerGroupCreated,
        (Some(_), false) => AuditAction::CustomerGroupChanged,
    };
    let details = |group: &CustomerGroup| group.details.clone();
    let (old, new) = (before.as_ref().map(details), details(&group));
    let mut changes = Vec::new();
    changes.extend(field(
        "name",
        old.as_ref().map(|it| it.name.clone()),
        Some(&new.name),
    ));
    // The author's own words, which the group has.
    if old.and_then(|it| it.note) != new.note {
        changes.push(FieldChange::hidden("note"));
    }
    let action = Action {
        actor,
        action,
        subject: AuditSubject::new(SubjectKind::CustomerGroup, &group.id),
        at: group.changed_at,
        trace_id: group.trace_id,
    };
    // With the time: versions begin again once what is left of a removed group has expired.
    let at = group.changed_at.as_millisecond();
    let id = format!("group.{}.{}.{at}", group.id, group.version);
    AuditDraft::new(id, action, changes).map(Some)
}

#[cfg(test)]
mod tests {
    use domain::{
        customers::{GroupDetails, NewGroup},
        orders::Actor,
        staff::Author,
        trace::{Cause, TraceParent},
    };
    use serde_json::Value;

    use super::*;
    use crate::{
        keys::Key,
        operations::trail::tests::{AT, changes, draft, has_none, stored},
    };

    fn by(actor: Actor) -> Author<'static> {
        Author {
            actor,
            at: AT.parse().unwrap(),
            cause: Cause {
                trace_id: "s",
                traceparent: TraceParent::begin("s"),
            },
        }
    }

    fn ada() -> Author<'static> {
        by(Actor::Staff("ada".to_owned()))
    }

    fn details(name: &str, note: Option<&str>) -> GroupDetails {
        GroupDetails {
            name: name.to_owned(),
            note: note.map(str::to_owned),
        }
    }

    fn vip() -> CustomerGroup {
        let new = NewGroup {
            id: "vip".parse().unwrap(),
            details: details("VIP", Some("Ada Lovelace and friends")),
        };
        CustomerGroup::new(&new, None, &ada())
    }

    fn image(group: &CustomerGroup) -> Value {
        stored(&Key::customer_group(&group.id), &GroupRecord::from(group))
    }

    #[test]
    fn a_group_is_created_changed_and_removed_by_staff() {
        let group = vip();
        let created = draft(None, Some(image(&group)));
        let entry = &created.entry;
        assert_eq!(entry.id.as_str(), "group.vip.1.1795341600000");
        assert_eq!(entry.actor.to_string(), "token:ada");
        assert_eq!(entry.action, AuditAction::CustomerGroupCreated);
        assert_eq!(entry.subject.to_string(), "customer_group:vip");
        assert_eq!(
            (entry.at.to_string().as_str(), entry.trace_id.as_str()),
            (AT, "s")
        );
        assert_eq!(changes(&created), ["name: - → VIP", "note: - → -"]);
        let json = serde_json::to_string(entry).unwrap();
        assert!(!json.contains("Lovelace"), "{json}");

        let renamed = group.with(details("Best", group.details.note.as_deref()), &ada());
        let change = draft(Some(image(&group)), Some(image(&renamed)));
        assert_eq!(change.entry.action, AuditAction::CustomerGroupChanged);
        assert_eq!(changes(&change), ["name: VIP → Best"]);

        let removed = renamed.removed(&ada()).unwrap();
        let removal = draft(Some(image(&renamed)), Some(image(&removed)));
        assert_eq!(removal.entry.action, AuditAction::CustomerGroupRemoved);
        assert_eq!(changes(&removal), [""; 0]);

        let new = NewGroup {
            id: group.id.clone(),
            details: details("VIP", None),
        };
        let again = CustomerGroup::new(&new, Some(&removed), &ada());
        let again = draft(Some(image(&removed)), Some(image(&again)));
        assert_eq!(again.entry.action, AuditAction::CustomerGroupCreated);
        assert_eq!(changes(&again), ["name: - → VIP"]);
    }

    #[test]
    fn a_member_who_comes_or_goes_is_no_change_of_the_group() {
        let group = vip();
        let with_member = CustomerGroup {
            members: 1,
            ..group.clone()
        };
        assert!(has_none(Some(image(&group)), Some(image(&with_member))));
        assert!(has_none(Some(image(&with_member)), Some(image(&group))));
        // Gone by its time.
        assert!(has_none(Some(image(&group)), None));
        let by_shop = group.with(details("VIP", None), &by(Actor::Shop));
        assert!(has_none(Some(image(&group)), Some(image(&by_shop))));
    }
}
