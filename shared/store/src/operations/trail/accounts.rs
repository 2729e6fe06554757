//! Entries of accounts and sessions.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{AuditAction, AuditActor, AuditSubject, FieldChange, SubjectKind},
    customers::GroupId,
    identity::{Account, AccountChange, AccountChangeKind, Session},
};

use super::{Action, AuditDraft, DraftValue, new_image, occurred_at, old_image};
use crate::{
    StoreError,
    identity::{accounts::AccountRecord, sessions::SessionRecord},
};

/// Principal by which DynamoDB deletes expired items.
const EXPIRY: &str = "dynamodb.amazonaws.com";

/// A new version of an account.
pub(super) fn account(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let Some(account) = new_image::<AccountRecord>(record)? else {
        return Ok(None);
    };
    let account = Account::from(account);
    let before = old_image::<AccountRecord>(record)?.map(Account::from);
    if before
        .as_ref()
        .is_some_and(|it| it.version == account.version)
    {
        return Ok(None);
    }
    let change = &account.last_change;
    let action = Action {
        actor: author(&account, change),
        action: action_of(change.kind),
        subject: AuditSubject::new(SubjectKind::Account, account.id),
        at: change.at,
        trace_id: account.trace_id.clone(),
    };
    // Of a change by the shop itself, an address would be that of the owner.
    let person = action.actor.person().unwrap_or(account.id);
    let id = format!("{}.{}", account.id, account.version);
    let (changes, values) = compared(before.as_ref(), &account);
    let mut draft = AuditDraft::new(id, action, changes)?;
    if change.kind == AccountChangeKind::Erased {
        // Nothing about the person is written any more, not even sealed: the key is destroyed with the account.
        return Ok(Some(draft));
    }
    draft
        .values
        .extend(change.from.map(|it| DraftValue::from(person, it)));
    draft.values.extend(values);
    Ok(Some(draft))
}

/// A session that began, or was ended.
pub(super) fn session(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let now = new_image::<SessionRecord>(record)?.map(Session::from);
    let before = old_image::<SessionRecord>(record)?.map(Session::from);
    let (session, kind, what) = match (before, now) {
        (None, Some(begun)) => (begun, AuditAction::LoginSucceeded, "began"),
        (Some(ended), None) if !has_expired(record) => (ended, AuditAction::SessionEnded, "ended"),
        // Refreshed, or gone by its time.
        _ => return Ok(None),
    };
    let has_begun = kind == AuditAction::LoginSucceeded;
    let action = Action {
        actor: match session.is_of_staff() {
            true => AuditActor::Staff(session.account),
            false => AuditActor::Customer(session.account),
        },
        action: kind,
        subject: AuditSubject::new(SubjectKind::Account, session.account),
        at: match has_begun {
            true => session.created_at,
            false => occurred_at(record)?,
        },
        // An item that is deleted does not name the request.
        trace_id: match has_begun {
            true => session.trace_id.clone(),
            false => record.event_id.clone(),
        },
    };
    let id = session.id.to_string();
    let named = match has_begun {
        true => super::field("session", None::<String>, Some(id)),
        false => super::field("session", Some(id), None::<String>),
    };
    let mut draft = AuditDraft::new(
        format!("{}.{what}", session.id),
        action,
        named.into_iter().collect(),
    )?;
    // Where it was ended is another matter, which its item does not say.
    let from = session.from.filter(|_| has_begun);
    draft
        .values
        .extend(from.map(|it| DraftValue::from(session.account, it)));
    draft.values.push(DraftValue {
        person: session.account,
        name: "device",
        value: session.device,
    });
    Ok(Some(draft))
}

/// Whether DynamoDB has deleted an item because of its expiry.
fn has_expired(record: &EventRecord) -> bool {
    let identity = record.user_identity.as_ref();
    identity.is_some_and(|identity| identity.principal_id == EXPIRY)
}

/// The author of a change of an account: its owner, somebody of the staff, or the shop.
fn author(account: &Account, change: &AccountChange) -> AuditActor {
    match change.by.split_once(':') {
        Some(("account", id)) => match id.parse() {
            Ok(owner) if owner == account.id && account.staff.is_none() => {
                AuditActor::Customer(owner)
            }
            Ok(owner) => AuditActor::Staff(owner),
            Err(_) => AuditActor::System,
        },
        Some(("staff", subject)) => AuditActor::staff(subject),
        _ => AuditActor::System,
    }
}

const fn action_of(kind: AccountChangeKind) -> AuditAction {
    match kind {
        AccountChangeKind::Verified => AuditAction::AccountVerified,
        AccountChangeKind::ProfileChanged => AuditAction::AccountChanged,
        AccountChangeKind::PasswordChanged => AuditAction::PasswordChanged,
        AccountChangeKind::PasswordReset => AuditAction::PasswordReset,
        AccountChangeKind::EmailChanged => AuditAction::EmailChanged,
        AccountChangeKind::SignedOutEverywhere => AuditAction::SessionsEnded,
        AccountChangeKind::RefreshTokenReused => AuditAction::RefreshReused,
        AccountChangeKind::PasskeyAdded => AuditAction::PasskeyAdded,
        AccountChangeKind::PasskeyRemoved => AuditAction::PasskeyRemoved,
        AccountChangeKind::PasskeyCloned => AuditAction::PasskeyCloned,
        AccountChangeKind::TotpEnabled => AuditAction::TotpEnabled,
        AccountChangeKind::TotpDisabled => AuditAction::TotpDisabled,
        AccountChangeKind::RecoveryCodeUsed => AuditAction::RecoveryUsed,
        AccountChangeKind::CodesSuspended => AuditAction::LoginFailedTooOften,
        AccountChangeKind::StaffJoined => AuditAction::StaffJoined,
        AccountChangeKind::RoleChanged => AuditAction::StaffRoleChanged,
        AccountChangeKind::StaffRemoved => AuditAction::StaffRemoved,
        AccountChangeKind::GroupsChanged => AuditAction::AccountGroupsChanged,
        AccountChangeKind::Erased => AuditAction::AccountErased,
    }
}

/// What has changed, and the values, which are about the owner.
fn compared(before: Option<&Account>, account: &Account) -> (Vec<FieldChange>, Vec<DraftValue>) {
    let text = |consent: Option<jiff::Timestamp>| consent.map(|it| it.to_string());
    let fields = [
        (
            ["email", "email.before", "email.after"],
            before.map(|it| it.email.clone()),
            Some(account.email.clone()),
        ),
        (
            ["name", "name.before", "name.after"],
            before.and_then(|it| it.name.clone()),
            account.name.clone(),
        ),
        (
            [
                "email_consent",
                "email_consent.before",
                "email_consent.after",
            ],
            before.and_then(|it| text(it.email_consent)),
            text(account.email_consent),
        ),
        // Only those that differ: a record has no room for all.
        (
            ["groups", "groups.before", "groups.after"],
            before.and_then(|it| groups_without(it, Some(account))),
            groups_without(account, before),
        ),
    ];
    let (mut changes, mut values) = (Vec::new(), Vec::new());
    for ([field, name_before, name_after], before, after) in fields {
        if before == after {
            continue;
        }
        changes.push(FieldChange::hidden(field));
        let sides = [(name_before, before), (name_after, after)];
        values.extend(sides.into_iter().filter_map(|(name, value)| {
            Some(DraftValue {
                person: account.id,
                name,
                value: value?,
            })
        }));
    }
    // Whoever looks for lost factors finds them here.
    if account.last_change.kind == AccountChangeKind::StaffJoined && before.is_some() {
        changes.extend(["password", "passkeys", "totp"].map(FieldChange::hidden));
    }
    let role = |account: &Account| account.staff.as_ref().map(|it| it.role.clone());
    changes.extend(super::field("role", before.and_then(role), role(account)));
    (changes, values)
}

/// Groups of an account that it does not have in another version; `None` if there are none.
fn groups_without(account: &Account, other: Option<&Account>) -> Option<String> {
    let has = |id: &GroupId| other.is_some_and(|other| other.groups.contains(id));
    let groups = account.groups.iter().filter(|id| !has(id));
    let groups: Vec<&str> = groups.map(GroupId::as_str).collect();
    (!groups.is_empty()).then(|| groups.join(", "))
}

#[cfg(test)]
mod tests {
    use domain::{
        id::{AccountId, RegistrationId},
        identity::{ChangeCause, NewSession, PasswordHash, Registration, StaffMember},
        trace::{Cause, TraceParent},
    };
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        keys::Key,
        operations::trail::{
            entry_of,
            tests::{AT, changes, draft, has_none, record, stored},
        },
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cause(by: &str) -> ChangeCause<'static> {
        ChangeCause {
            by: by.to_owned(),
            from: Some("203.0.113.7".parse().unwrap()),
            now: at("2026-11-22T09:59:58Z"),
            cause: Cause {
                trace_id: "JKJaXmPLvHcESHA=",
                traceparent: TraceParent::begin("JKJaXmPLvHcESHA="),
            },
        }
    }

    fn registered() -> Account {
        let registration = Registration {
            id: RegistrationId::random([3; 16]),
            email: "ada@example.com".to_owned(),
            name: Some("Ada".to_owned()),
            password: PasswordHash {
                phc: "$argon2id$hunter2".to_owned(),
                pepper: 1,
            },
            created_at: at("2026-11-22T09:00:00Z"),
            account: None,
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        };
        let account = Account::of(&registration, &cause(""));
        let by = format!("account:{}", account.id);
        Account::of(&registration, &cause(&by))
    }

    fn image(account: &Account) -> Value {
        stored(&Key::account(account.id), &AccountRecord::from(account))
    }

    /// Names and values of what is sealed.
    fn values(draft: &AuditDraft) -> Vec<(&'static str, &str)> {
        let values = draft.values.iter();
        values.map(|it| (it.name, it.value.as_str())).collect()
    }

    #[test]
    fn a_verified_account_is_its_owners_action() {
        let account = registered();
        let draft = draft(None, Some(image(&account)));
        let entry = &draft.entry;
        assert_eq!(entry.id.as_str(), format!("{}.1", account.id));
        assert_eq!(entry.actor, AuditActor::Customer(account.id));
        assert_eq!(entry.action, AuditAction::AccountVerified);
        assert_eq!(entry.subject.to_string(), format!("account:{}", account.id));
        assert_eq!(entry.at, at("2026-11-22T09:59:58Z"));
        assert_eq!(entry.trace_id, "JKJaXmPLvHcESHA=");
        assert_eq!(changes(&draft), ["email: - → -", "name: - → -"]);
        assert_eq!(
            values(&draft),
            [
                ("from", "203.0.113.7"),
                ("email.after", "ada@example.com"),
                ("name.after", "Ada")
            ]
        );
        assert!(draft.values.iter().all(|it| it.person == account.id));
        // Nothing that is known about a person is outside of what is sealed.
        let json = serde_json::to_string(entry).unwrap();
        for secret in ["ada@", "Ada", "203.0", "hunter2"] {
            assert!(!json.contains(secret), "{json}");
        }
    }

    #[test]
    fn every_kind_of_change_has_its_action() {
        use AccountChangeKind as Kind;
        let before = registered();
        let by = format!("account:{}", before.id);
        for (kind, action) in [
            (Kind::ProfileChanged, "account.changed"),
            (Kind::PasswordChanged, "password.changed"),
            (Kind::PasswordReset, "password.reset"),
            (Kind::EmailChanged, "email.changed"),
            (Kind::SignedOutEverywhere, "sessions.ended"),
            (Kind::RefreshTokenReused, "refresh.reused"),
            (Kind::CodesSuspended, "login.failed_too_often"),
        ] {
            let after = before.changed(kind, &cause(&by));
            let draft = draft(Some(image(&before)), Some(image(&after)));
            assert_eq!(draft.entry.action.name(), action);
            assert_eq!(draft.entry.id.as_str(), format!("{}.2", before.id));
            assert_eq!(changes(&draft), [""; 0]);
            assert_eq!(values(&draft), [("from", "203.0.113.7")]);
        }
    }

    #[test]
    fn an_address_is_sealed_before_and_after() {
        let before = registered();
        let after = Account {
            email: "ada@example.org".to_owned(),
            name: None,
            email_consent: Some(at(AT)),
            ..before.changed(AccountChangeKind::EmailChanged, &cause("shop"))
        };
        let draft = draft(Some(image(&before)), Some(image(&after)));
        assert_eq!(draft.entry.actor, AuditActor::System);
        assert_eq!(
            changes(&draft),
            ["email: - → -", "name: - → -", "email_consent: - → -"]
        );
        assert_eq!(
            values(&draft),
            [
                ("from", "203.0.113.7"),
                ("email.before", "ada@example.com"),
                ("email.after", "ada@example.org"),
                ("name.before", "Ada"),
                ("email_consent.after", AT),
            ]
        );
    }

    #[test]
    fn the_entry_of_an_erased_account_has_no_value_about_the_person() {
        let before = registered();
        let by = format!("account:{}", before.id);
        let draft = draft(
            Some(image(&before)),
            Some(image(&before.erased(&cause(&by)))),
        );
        assert_eq!(draft.entry.action, AuditAction::AccountErased);
        assert_eq!(draft.entry.actor, AuditActor::Customer(before.id));
        assert_eq!(changes(&draft), ["email: - → -", "name: - → -"]);
        assert_eq!(values(&draft), []);
    }

    #[test]
    fn staff_who_change_the_groups_of_an_account_are_named() {
        let id = |text: &str| text.parse::<GroupId>().unwrap();
        let mut before = registered();
        before.groups.insert(id("vip"));
        let mut after = before.changed(AccountChangeKind::GroupsChanged, &cause("staff:ada"));
        after.groups.insert(id("wholesale"));
        let joined = draft(Some(image(&before)), Some(image(&after)));
        assert_eq!(joined.entry.actor.to_string(), "token:ada");
        assert_eq!(joined.entry.action, AuditAction::AccountGroupsChanged);
        assert_eq!(changes(&joined), ["groups: - → -"]);
        let groups = |draft: &AuditDraft| -> Vec<(&'static str, String)> {
            let values = values(draft).into_iter();
            let values = values.filter(|(name, _)| *name != "from");
            values
                .map(|(name, value)| (name, value.to_owned()))
                .collect()
        };
        assert_eq!(groups(&joined), [("groups.after", "wholesale".to_owned())]);
        assert!(joined.values.iter().skip(1).all(|it| it.person == after.id));
        let by_hand = cause("staff:ada");
        let left = Account {
            groups: [id("vip")].into(),
            ..after.changed(AccountChangeKind::GroupsChanged, &by_hand)
        };
        let left = draft(Some(image(&after)), Some(image(&left)));
        assert_eq!(groups(&left), [("groups.before", "wholesale".to_owned())]);
        // Its owner deletes the account.
        let by = format!("account:{}", after.id);
        let erased = draft(Some(image(&after)), Some(image(&after.erased(&cause(&by)))));
        assert_eq!(erased.entry.action, AuditAction::AccountErased);
        assert_eq!(changes(&erased)[2], "groups: - → -");
        assert_eq!(values(&erased), []);
    }

    #[test]
    fn the_author_is_the_owner_or_staff() {
        let account = registered();
        let owner = format!("account:{}", account.id);
        let other = AccountId::random([9; 16]);
        let staff = Account {
            staff: Some(StaffMember {
                role: "support".to_owned(),
                permissions: Vec::new(),
            }),
            ..account.clone()
        };
        for (account, by, actor) in [
            (&account, owner.clone(), AuditActor::Customer(account.id)),
            (&staff, owner, AuditActor::Staff(account.id)),
            (
                &account,
                format!("account:{other}"),
                AuditActor::Staff(other),
            ),
            (&account, format!("staff:{other}"), AuditActor::Staff(other)),
            (
                &account,
                "staff:ci".to_owned(),
                AuditActor::Token("ci".to_owned()),
            ),
            (&account, "shop".to_owned(), AuditActor::System),
            (&account, "account:ada".to_owned(), AuditActor::System),
            (&account, String::new(), AuditActor::System),
        ] {
            let after = account.changed(AccountChangeKind::ProfileChanged, &cause(&by));
            let draft = draft(Some(image(account)), Some(image(&after)));
            assert_eq!(draft.entry.actor, actor, "{by}");
            // The address is that of the author.
            let person = actor.person().unwrap_or(account.id);
            assert_eq!(draft.values[0].person, person, "{by}");
        }
        let given = draft(
            Some(image(&account)),
            Some(image(
                &staff.changed(AccountChangeKind::ProfileChanged, &cause("shop")),
            )),
        );
        assert_eq!(changes(&given), ["role: - → support"]);
    }

    #[test]
    fn a_write_without_a_new_version_has_no_entry() {
        let account = registered();
        assert!(has_none(Some(image(&account)), Some(image(&account))));
        assert!(has_none(Some(image(&account)), None));
        let again = draft(None, Some(image(&account)));
        assert_eq!(again, draft(None, Some(image(&account))));
    }

    fn begun(is_staff: bool) -> Session {
        let new = NewSession {
            account: AccountId::random([1; 16]),
            generation: 1,
            is_staff,
            is_strong: false,
            device: "Firefox",
            from: Some("203.0.113.7".parse().unwrap()),
            now: at("2026-11-22T09:59:59Z"),
            cause: cause("").cause,
        };
        new.begin([2; 16], [3; 32]).session
    }

    fn session_image(session: &Session) -> Value {
        json!({
            "entity_type": { "S": "session" }, "schema_version": { "N": "1" },
            "id": { "S": session.id.to_string() }, "account": { "S": session.account.to_string() },
            "generation": { "N": "1" }, "current": { "S": session.tokens.current },
            "rotated_at": { "S": session.created_at.to_string() },
            "created_at": { "S": session.created_at.to_string() },
            "device": { "S": session.device }, "from": { "S": "203.0.113.7" }, "is_strong": { "BOOL": false },
            "idle_seconds": { "N": session.idle.as_secs().to_string() },
            "ends_at": { "N": session.ends_at.as_second().to_string() },
            "trace_id": { "S": session.trace_id }, "expires_at": { "N": "1" },
        })
    }

    #[test]
    fn a_session_is_a_login_of_staff_or_of_a_customer() {
        for (is_staff, actor) in [(false, "customer"), (true, "staff")] {
            let session = begun(is_staff);
            let draft = draft(None, Some(session_image(&session)));
            let entry = &draft.entry;
            assert_eq!(
                entry.actor.to_string(),
                format!("{actor}:{}", session.account)
            );
            assert_eq!(entry.action, AuditAction::LoginSucceeded);
            assert_eq!(entry.id.as_str(), format!("{}.began", session.id));
            assert_eq!(entry.at, session.created_at);
            assert_eq!(entry.trace_id, "JKJaXmPLvHcESHA=");
            assert_eq!(changes(&draft), [format!("session: - → {}", session.id)]);
            assert_eq!(
                values(&draft),
                [("from", "203.0.113.7"), ("device", "Firefox")]
            );
            let json = serde_json::to_string(entry).unwrap();
            assert!(!json.contains(&session.tokens.current), "{json}");
        }
    }

    #[test]
    fn a_session_that_was_deleted_has_ended_unless_its_time_was_over() {
        let session = begun(false);
        let image = session_image(&session);
        let ended = draft(Some(image.clone()), None);
        assert_eq!(ended.entry.action, AuditAction::SessionEnded);
        assert_eq!(ended.entry.id.as_str(), format!("{}.ended", session.id));
        assert_eq!(ended.entry.at, at(AT));
        let change = &ended.entry.changes[0];
        assert_eq!(change.before, Some(session.id.to_string()));
        assert_eq!(change.after, None);
        assert_eq!(ended.entry.trace_id, "c4ca4238a0b923820dcc509a6f758404");
        // Refreshed.
        assert!(has_none(Some(image.clone()), Some(image.clone())));
        let expired = |principal: &str| {
            let mut expired = record(Some(image.clone()), None);
            let identity = json!({ "type": "Service", "principalId": principal });
            expired.user_identity = serde_json::from_value(identity).unwrap();
            entry_of(&expired).unwrap().is_none()
        };
        assert!(expired("dynamodb.amazonaws.com"));
        assert!(!expired("somebody"));
    }
}
