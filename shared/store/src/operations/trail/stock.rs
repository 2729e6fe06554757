//! Entries of counts and splits of the stock by staff.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{AuditAction, AuditSubject, FieldChange, SubjectKind},
    inventory::{StockChange, StockChangeKind},
};

use super::{Action, AuditDraft, new_image, staff};
use crate::{StoreError, inventory::StockChangeRecord};

/// A change of a stock by staff, which is an item of its own that never changes. The variant names nobody.
pub(super) fn changed(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    if !record.change.old_image.is_empty() {
        return Ok(None);
    }
    let change = new_image::<StockChangeRecord>(record)?.map(StockChange::from);
    let Some(change) = change else {
        return Ok(None);
    };
    let Some(actor) = staff(&change.by) else {
        return Ok(None);
    };
    let (field, before, after) = match change.kind {
        StockChangeKind::Counted { before, after } => {
            ("on_hand", before.to_string(), after.to_string())
        }
        StockChangeKind::Split { before, after } => {
            ("shards", before.to_string(), after.to_string())
        }
    };
    // Also where both are the same: that the stock was counted is the action.
    let changes = vec![FieldChange {
        field: field.to_owned(),
        before: Some(before),
        after: Some(after),
    }];
    let action = Action {
        actor,
        action: AuditAction::StockChanged,
        subject: AuditSubject::new(SubjectKind::Stock, &change.sku),
        at: change.at,
        trace_id: change.trace_id,
    };
    AuditDraft::new(change.id.to_string(), action, changes).map(Some)
}

#[cfg(test)]
mod tests {
    use domain::orders::Actor;
    use serde_json::Value;

    use super::*;
    use crate::{
        inventory::change_record::tests::change,
        keys::Key,
        operations::trail::tests::{AT, changes, draft, has_none, stored},
    };

    fn image(change: &StockChange) -> Value {
        let record = StockChangeRecord::from(change);
        stored(&Key::stock_change(change.id), &record)
    }

    const COUNTED: StockChangeKind = StockChangeKind::Counted {
        before: -2,
        after: 20,
    };

    #[test]
    fn a_count_names_author_units_and_request() {
        let count = change(COUNTED);
        let draft = draft(None, Some(image(&count)));
        let entry = &draft.entry;
        assert_eq!(entry.id.as_str(), count.id.to_string());
        assert_eq!(entry.actor.to_string(), "token:ada");
        assert_eq!(entry.action, AuditAction::StockChanged);
        assert_eq!(entry.subject.to_string(), "stock:TEE-1");
        assert_eq!(entry.at.to_string(), AT);
        assert_eq!(entry.trace_id, "r");
        assert_eq!(changes(&draft), ["on_hand: -2 → 20"]);
        assert_eq!(draft.values, []);
    }

    #[test]
    fn a_count_that_confirms_the_stock_is_one_too() {
        let same = StockChangeKind::Counted {
            before: 5,
            after: 5,
        };
        let draft = draft(None, Some(image(&change(same))));
        assert_eq!(changes(&draft), ["on_hand: 5 → 5"]);
    }

    #[test]
    fn a_split_is_recorded_with_its_shards() {
        let split = StockChangeKind::Split {
            before: 1,
            after: 16,
        };
        let draft = draft(None, Some(image(&change(split))));
        assert_eq!(draft.entry.action, AuditAction::StockChanged);
        assert_eq!(changes(&draft), ["shards: 1 → 16"]);
    }

    #[test]
    fn only_a_new_change_by_staff_is_one() {
        let count = image(&change(COUNTED));
        assert!(has_none(Some(count.clone()), Some(count.clone())));
        // It has expired.
        assert!(has_none(Some(count), None));
        let by_shop = StockChange {
            by: Actor::Shop,
            ..change(COUNTED)
        };
        assert!(has_none(None, Some(image(&by_shop))));
    }
}
