//! Query and views of the audit trail.

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AuditAction, AuditActor, AuditRecord, ChainNumber, FieldChange, ListAudit, MAX_AUDIT_PAGE,
    PersonKey, PersonalField,
};
use crate::{
    fault::Rejection,
    id::AccountId,
    page::{Boundary, page_size, time},
    text::FieldCheck,
};

const DEFAULT_AUDIT_PAGE: u32 = 25;

/// Query of the audit trail. All filters apply.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAuditQuery {
    /// Originator of the action: `system`, `token:` with a subject, `staff:` or `customer:` with the id of an account.
    pub actor: Option<String>,
    /// Name of the action, such as `staff.invited`.
    pub action: Option<String>,
    /// What was changed: kind and id, such as `order:ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA`.
    pub subject: Option<String>,
    /// Earliest time of the action: RFC 3339, or a date in UTC.
    pub since: Option<String>,
    /// Time before which the action was: RFC 3339, or the last date in UTC.
    pub until: Option<String>,
    /// Number of the chain, 0 to 15.
    pub chain: Option<String>,
    /// Page size, 1 to 100; 25 by default.
    pub limit: Option<String>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

impl ListAuditQuery {
    /// Validates the query and reports all invalid parameters at once.
    pub fn parse(self) -> Result<ListAudit, Rejection> {
        let mut check = FieldCheck::default();
        let actor = check.parsed("actor", self.actor, |text| {
            let message = "Must be system, token:<subject>, or staff: or customer: with the id of an account.";
            text.parse::<AuditActor>().map_err(|_| message)
        });
        let action = self.action.and_then(|name| {
            let known = AuditAction::named(&name);
            if known.is_none() {
                let message = "Must be the name of an action, such as staff.invited.";
                check.fault("action", "unknown_value", message);
            }
            known
        });
        let subject = check.parsed("subject", self.subject, |text| {
            let message = "Must be a kind and an id, such as order:ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA.";
            text.parse().map_err(|_| message)
        });
        let since = check.parsed("since", self.since, |text| time(text, Boundary::Start));
        let until = check.parsed("until", self.until, |text| time(text, Boundary::End));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            check.fault("until", "conflict", "Must be later than since.");
        }
        let chain = self.chain.and_then(|text| {
            let number = text.parse::<u8>().ok();
            let chain = number.and_then(|number| ChainNumber::try_from(number).ok());
            // One spelling: neither +7 nor 07.
            let chain = chain.filter(|chain| chain.to_string() == text);
            if chain.is_none() {
                check.fault("chain", "out_of_range", "Must be from 0 to 15.");
            }
            chain
        });
        let limit = check.accept(page_size(self.limit, DEFAULT_AUDIT_PAGE, MAX_AUDIT_PAGE));
        let list = ListAudit {
            actor,
            action,
            subject,
            since,
            until,
            chain,
            limit: limit.unwrap_or(DEFAULT_AUDIT_PAGE),
            cursor: self.cursor,
        };
        check.finish(list).map_err(Rejection::invalid)
    }
}

/// A record of the audit trail.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditRecordView {
    /// Number of the chain, 0 to 15.
    pub chain: u8,
    /// Number of the record in its chain, from 1.
    pub sequence: u64,
    /// Hash of the record before, in base64url.
    pub previous: String,
    /// Hash of the record, in base64url.
    pub hash: String,
    /// Time at which it was appended, after the action.
    #[schemars(with = "String")]
    pub recorded_at: Timestamp,
    /// Identifier of the action.
    pub id: String,
    /// Time of the action.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Originator of the action, as in the query.
    pub actor: String,
    /// Name of the action.
    pub action: AuditAction,
    /// What was changed, as in the query.
    pub subject: String,
    /// Network address that the request came from; null if it is unknown or erased.
    pub from: Option<String>,
    /// Id of the request; of its trace, or of the event, where nothing else is known.
    pub trace_id: String,
    /// Changed fields.
    pub changes: Vec<FieldChangeView>,
    /// Values about persons.
    pub personal: Vec<PersonalView>,
    /// Number of fields that were left out because there were too many.
    pub omitted: u32,
}

/// A field that an action changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldChangeView {
    /// Name of the field.
    pub field: String,
    /// Value before the action; null if there was none, or if it is not kept.
    pub before: Option<String>,
    /// Value after the action; null if there is none, or if it is not kept.
    pub after: Option<String>,
}

/// A value about a person.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PersonalView {
    /// Account of the person.
    pub person: AccountId,
    /// Name of the value.
    pub name: String,
    /// The value; null if it is erased.
    pub value: Option<String>,
}

/// One page of the audit trail, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditPage {
    /// Records; fewer than the limit, or none, do not mean that it is the last page.
    pub items: Vec<AuditRecordView>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl std::fmt::Debug for PersonalView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonalView")
            .field("person", &self.person)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl From<&FieldChange> for FieldChangeView {
    fn from(change: &FieldChange) -> Self {
        Self {
            field: change.field.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
        }
    }
}

impl AuditRecordView {
    /// Shows a record, and of the persons in `keys` what is known about them.
    pub fn of(record: &AuditRecord, keys: &HashMap<AccountId, PersonKey>) -> Self {
        let entry = &record.entry;
        let open = |field: &PersonalField| field.open(&entry.id, keys.get(&field.person));
        let is_from = |field: &&PersonalField| field.name == PersonalField::FROM;
        let from = entry.personal.iter().find(is_from);
        let others = entry.personal.iter().filter(|field| !is_from(field));
        Self {
            chain: record.chain.get(),
            sequence: record.sequence,
            previous: record.previous.to_string(),
            hash: record.hash.to_string(),
            recorded_at: record.recorded_at,
            id: entry.id.to_string(),
            at: entry.at,
            actor: entry.actor.to_string(),
            action: entry.action,
            subject: entry.subject.to_string(),
            from: from.and_then(open),
            trace_id: entry.trace_id.clone(),
            changes: entry.changes.iter().map(FieldChangeView::from).collect(),
            personal: others
                .map(|field| PersonalView {
                    person: field.person,
                    name: field.name.clone(),
                    value: open(field),
                })
                .collect(),
            omitted: record.omitted,
        }
    }
}

impl AuditPage {
    /// The page with these records.
    pub fn of(
        records: &[AuditRecord],
        keys: &HashMap<AccountId, PersonKey>,
        next_cursor: Option<String>,
    ) -> Self {
        let records = records.iter();
        Self {
            items: records.map(|it| AuditRecordView::of(it, keys)).collect(),
            next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{
        AuditSubject, ChainHead, PersonalValue,
        tests::{KEY, at, chain, entry, person},
    };

    fn query(name: &str, value: &str) -> Result<ListAudit, Vec<String>> {
        let query = serde_json::json!({ name: value });
        let query: ListAuditQuery = serde_json::from_value(query).unwrap();
        let faults = |rejection: Rejection| {
            let fields = rejection.fields.into_iter();
            fields
                .map(|it| format!("{} {}", it.field, it.code))
                .collect()
        };
        query.parse().map_err(faults)
    }

    #[test]
    fn a_query_without_parameters_is_for_the_newest_records() {
        let list = ListAuditQuery::default().parse().unwrap();
        assert_eq!(list.limit, 25);
        assert_eq!(list.chains().len(), 16);
    }

    #[test]
    fn parameters_are_read() {
        let subject: AuditSubject = "stock:TEE-1".parse().unwrap();
        assert_eq!(
            query("subject", "stock:TEE-1").unwrap().subject,
            Some(subject)
        );
        assert_eq!(
            query("actor", "system").unwrap().actor,
            Some(AuditActor::System)
        );
        let action = query("action", "staff.invited").unwrap().action;
        assert_eq!(action, Some(AuditAction::StaffInvited));
        assert_eq!(
            query("chain", "15").unwrap().chain,
            ChainNumber::try_from(15).ok()
        );
        let day = "2026-11-22T00:00:00Z".parse().unwrap();
        assert_eq!(query("since", "2026-11-22").unwrap().since, Some(day));
        assert_eq!(query("until", "2026-11-21").unwrap().until, Some(day));
    }

    #[test]
    fn parameters_are_checked_one_by_one() {
        let huge = format!("order:{}", "x".repeat(1_000_000));
        for (name, value, code) in [
            ("actor", "", "invalid"),
            ("actor", "ada", "invalid"),
            ("actor", "staff:ada", "invalid"),
            ("action", "", "unknown_value"),
            ("action", "Staff.invited", "unknown_value"),
            ("subject", "", "invalid"),
            ("subject", "ord_1", "invalid"),
            ("subject", &huge, "invalid"),
            ("since", "yesterday", "invalid"),
            ("until", "9999-12-31", "invalid"),
            ("chain", "", "out_of_range"),
            ("chain", "16", "out_of_range"),
            ("chain", "07", "out_of_range"),
            ("chain", "+7", "out_of_range"),
            ("limit", "0", "out_of_range"),
            ("limit", "101", "out_of_range"),
        ] {
            let faults = query(name, value).unwrap_err();
            assert_eq!(faults, [format!("{name} {code}")], "{value:.50}");
        }
        let unknown = serde_json::json!({ "form": "x" });
        assert!(serde_json::from_value::<ListAuditQuery>(unknown).is_err());
        let all = ListAuditQuery {
            actor: Some("x".into()),
            action: Some("x".into()),
            since: Some("2026-11-23".into()),
            until: Some("2026-11-22".into()),
            chain: Some("x".into()),
            ..ListAuditQuery::default()
        };
        let faults = all.parse().unwrap_err().fields;
        let fields: Vec<&str> = faults.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["actor", "action", "until", "chain"]);
    }

    #[test]
    fn a_view_shows_what_is_not_erased() {
        let mut entry = entry(1);
        let email = PersonalValue {
            person: person(),
            name: "email.after",
            value: "ada@example.com",
        };
        let sealed = email.seal(&entry.id, &PersonKey::new(KEY), [3; 12]);
        entry.personal.push(sealed.unwrap());
        let record = AuditRecord::next(&ChainHead::genesis(chain()), entry, at(60));
        let keys = HashMap::from([(person(), PersonKey::new(KEY))]);
        let view = AuditRecordView::of(&record, &keys);
        assert_eq!(view.from.as_deref(), Some("203.0.113.7"));
        assert_eq!(view.personal.len(), 1);
        assert_eq!(view.personal[0].value.as_deref(), Some("ada@example.com"));
        assert!(!format!("{:?}", view.personal).contains("ada@"));
        let erased = AuditRecordView::of(&record, &HashMap::new());
        assert_eq!(erased.from, None);
        assert_eq!(erased.personal[0].value, None);
        let json = serde_json::to_value(&erased).unwrap();
        assert_eq!(json["from"], serde_json::Value::Null);
        assert_eq!(json["actor"], record.entry.actor.to_string());
        assert_eq!(json["subject"], record.entry.subject.to_string());
        assert_eq!(json["changes"][0]["field"], "name");
        let page = AuditPage::of(&[record], &keys, Some("c".into()));
        assert_eq!(
            (page.items.len(), page.next_cursor.as_deref()),
            (1, Some("c"))
        );
    }
}
