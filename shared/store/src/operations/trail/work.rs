//! Entries of what staff do with orders and jobs.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{AuditAction, AuditActor, AuditSubject, SubjectKind},
    id::{AccountId, ExportId, JobId},
    jobs::{Job, JobState},
    money::Money,
    orders::Order,
};
use jiff::Timestamp;

use super::{Action, AuditDraft, field, named, new_image, occurred_at, old_image, position, staff};
use crate::{
    StoreError,
    jobs::{JobRecord, RunRecord},
    orders::read_order,
};

/// A change of an order by staff.
pub(super) fn order(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let read = |image: &serde_dynamo::Item| match image.is_empty() {
        true => Ok(None),
        false => read_order(image.clone().into()).map(Some),
    };
    let Some(order) = read(&record.change.new_image)? else {
        return Ok(None);
    };
    let Some(change) = order.last_change() else {
        return Ok(None);
    };
    let Some(actor) = staff(&change.by) else {
        return Ok(None);
    };
    let before = read(&record.change.old_image)?;
    if before
        .as_ref()
        .is_some_and(|it| it.version == order.version)
    {
        return Ok(None);
    }
    let status = |order: &Order| order.status().as_str();
    let refund = change
        .refund_id
        .and_then(|id| order.refunds.iter().find(|it| it.id == id));
    let amount = refund.map(|it| Money::new(it.amount, order.totals.total.currency));
    // The reason is the author's own words, and the order has it.
    let changes = [
        named("what", Some(change.what.as_str())),
        field("status", before.as_ref().map(status), Some(status(&order))),
        named("fulfilment_id", change.fulfilment_id),
        named("return_id", change.return_id),
        named("refund_id", change.refund_id),
        named("amount", amount),
    ];
    let action = Action {
        actor,
        action: AuditAction::OrderChanged,
        subject: AuditSubject::new(SubjectKind::Order, order.id),
        at: change.at,
        // An order's `trace_id` is that of the request that has placed it.
        trace_id: order.traceparent.trace_id(),
    };
    let id = format!("{}.{}", order.id, order.version);
    AuditDraft::new(id, action, changes.into_iter().flatten().collect()).map(Some)
}

/// A job that staff have created, paused or canceled.
pub(super) fn job(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let Some(job) = new_image::<JobRecord>(record)?.map(Job::from) else {
        return Ok(None);
    };
    match old_image::<JobRecord>(record)?.map(Job::from) {
        None => created(job),
        Some(before) => stopped(&before, job, position(record)),
    }
}

fn created(job: Job) -> Result<Option<AuditDraft>, StoreError> {
    if let Some(account) = job.account {
        return exported(job, account).map(Some);
    }
    let Some(actor) = staff(&job.created_by) else {
        return Ok(None);
    };
    let (kind, subject, changes) = match job.import() {
        Some(import) => (
            AuditAction::ImportCreated,
            AuditSubject::new(SubjectKind::Import, import),
            named("job", Some(job.id)),
        ),
        None => (
            AuditAction::JobCreated,
            AuditSubject::new(SubjectKind::Job, job.id),
            named("kind", Some(job.kind.name())),
        ),
    };
    let action = Action {
        actor,
        action: kind,
        subject,
        at: job.created_at,
        trace_id: job.trace_id,
    };
    let id = format!("{}.created", job.id);
    AuditDraft::new(id, action, changes.into_iter().collect()).map(Some)
}

/// An export that the owner of an account has asked for.
fn exported(job: Job, account: AccountId) -> Result<AuditDraft, StoreError> {
    let action = Action {
        actor: AuditActor::Customer(account),
        action: AuditAction::AccountExported,
        subject: AuditSubject::new(SubjectKind::Account, account),
        at: job.created_at,
        trace_id: job.trace_id,
    };
    let export = named("export", Some(ExportId::of(job.id)));
    let id = format!("{}.created", job.id);
    AuditDraft::new(id, action, export.into_iter().collect())
}

fn stopped(before: &Job, job: Job, position: &str) -> Result<Option<AuditDraft>, StoreError> {
    let by_staff = matches!(job.state, JobState::Paused | JobState::Cancelled);
    let Some(change) = job.last_change.filter(|_| by_staff) else {
        return Ok(None);
    };
    let (Some(actor), Some(state)) = (
        staff(&change.by),
        field("state", Some(before.state.name()), Some(job.state.name())),
    ) else {
        return Ok(None);
    };
    let action = changed(actor, job.id, job.updated_at, change.trace_id);
    let id = format!("{}.{}.{position}", job.id, job.state.name());
    AuditDraft::new(id, action, vec![state]).map(Some)
}

fn changed(actor: AuditActor, job: JobId, at: Timestamp, trace_id: String) -> Action {
    Action {
        actor,
        action: AuditAction::JobChanged,
        subject: AuditSubject::new(SubjectKind::Job, job),
        at,
        trace_id,
    }
}

/// A run of a job that staff have resumed.
pub(super) fn run(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    if !record.change.old_image.is_empty() {
        return Ok(None);
    }
    let Some(run) = new_image::<RunRecord>(record)? else {
        return Ok(None);
    };
    let Some(actor) = run.resumed_by.as_ref().and_then(staff) else {
        return Ok(None);
    };
    let changes = [
        named("state", Some(JobState::Running.name())),
        named("run", Some(run.run)),
    ];
    let action = changed(actor, run.job, occurred_at(record)?, run.trace_id);
    let id = format!("{}.run.{}", run.job, run.run);
    AuditDraft::new(id, action, changes.into_iter().flatten().collect()).map(Some)
}

#[cfg(test)]
mod tests {
    use domain::{
        jobs::{JobChange, JobKind},
        orders::Actor,
        trace::{Cause, TraceParent},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        keys::Key,
        operations::trail::tests::{AT, POSITION, changes, draft, has_none, stored},
    };

    /// An image of an order with this version, the last of whose changes is `what` of `by`.
    fn order(version: u64, by: &str, what: &str) -> Value {
        let sample = include_str!("../../../../../events/relay-events/order-paid.json");
        let sample: Value = serde_json::from_str(sample).unwrap();
        let mut order = sample["Records"][0]["dynamodb"]["NewImage"].clone();
        order["version"] = json!({ "N": version.to_string() });
        let entry = json!({ "M": {
            "at": { "S": AT }, "by": { "S": by }, "what": { "S": what },
            "reason": { "S": "Ada Lovelace called" },
        } });
        let history = order["history"]["L"].as_array_mut().unwrap();
        history.push(entry);
        order
    }

    #[test]
    fn a_change_of_an_order_by_staff_is_recorded() {
        let paid = order(3, "shop", "paid");
        let mut shipped = order(4, "staff:ada", "refund_requested");
        shipped["history"]["L"][2]["M"]["refund_id"] =
            json!({ "S": "ref_5T0RCE3VWQ8X4H2YJZ9N6KDPGA" });
        shipped["refunds"] = json!({ "L": [{ "M": {
            "id": { "S": "ref_5T0RCE3VWQ8X4H2YJZ9N6KDPGA" }, "at": { "S": AT },
            "amount": { "N": "1050" }, "status": { "S": "requested" },
        } }] });
        shipped["traceparent"] =
            json!({ "S": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" });
        let draft = draft(Some(paid), Some(shipped));
        let entry = &draft.entry;
        assert_eq!(entry.id.as_str(), "ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA.4");
        assert_eq!(entry.actor.to_string(), "token:ada");
        assert_eq!(entry.action, AuditAction::OrderChanged);
        assert_eq!(
            entry.subject.to_string(),
            "order:ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA"
        );
        assert_eq!(entry.at.to_string(), AT);
        assert_eq!(entry.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(
            changes(&draft),
            [
                "what: - → refund_requested",
                "refund_id: - → ref_5T0RCE3VWQ8X4H2YJZ9N6KDPGA",
                "amount: - → 10.50 USD",
            ]
        );
        let json = serde_json::to_string(entry).unwrap();
        assert!(
            !json.contains("Lovelace") && !json.contains("ada@"),
            "{json}"
        );
    }

    #[test]
    fn what_the_shop_or_a_customer_does_with_an_order_is_not() {
        let placed = order(1, "shop", "paid");
        for by in ["shop", "customer"] {
            assert!(
                has_none(Some(placed.clone()), Some(order(2, by, "paid"))),
                "{by}"
            );
        }
        let mut new = order(1, "shop", "paid");
        new.as_object_mut().unwrap().remove("history");
        assert!(has_none(None, Some(new)));
        // Written without a new version.
        let canceled = order(4, "staff:ada", "cancelled");
        assert!(has_none(Some(canceled.clone()), Some(canceled.clone())));
        assert!(has_none(Some(canceled.clone()), None));
        let draft = draft(Some(placed), Some(canceled));
        assert_eq!(changes(&draft)[0], "what: - → cancelled");
    }

    fn queued(kind: JobKind, by: Actor) -> Job {
        let at = AT.parse().unwrap();
        let place = TraceParent::begin("r");
        Job::queued(JobId::random([5; 16]), kind, by, at, "r", place)
    }

    fn ada() -> Actor {
        Actor::Staff("ada".to_owned())
    }

    fn image(job: &Job) -> Value {
        stored(&Key::job(job.id), &JobRecord::from(job))
    }

    fn by_ada(job: Job) -> Job {
        job.by(JobChange {
            by: ada(),
            trace_id: "s".to_owned(),
        })
    }

    #[test]
    fn a_job_or_an_import_is_created_by_staff() {
        let job = queued(JobKind::OrderListsRebuild, ada());
        let rebuild = draft(None, Some(image(&job)));
        let entry = &rebuild.entry;
        assert_eq!(entry.id.as_str(), format!("{}.created", job.id));
        assert_eq!(entry.action, AuditAction::JobCreated);
        assert_eq!(entry.subject.to_string(), format!("job:{}", job.id));
        assert_eq!(
            (entry.at.to_string().as_str(), entry.trace_id.as_str()),
            (AT, "r")
        );
        assert_eq!(changes(&rebuild), ["kind: - → order_lists_rebuild"]);
        let job = queued(JobKind::ProductImport, ada());
        let import = draft(None, Some(image(&job)));
        assert_eq!(import.entry.action, AuditAction::ImportCreated);
        let id = job.import().unwrap();
        assert_eq!(import.entry.subject.to_string(), format!("import:{id}"));
        assert_eq!(changes(&import), [format!("job: - → {}", job.id)]);
        // An import of an earlier release that became a job.
        let adopted = queued(JobKind::ProductImport, Actor::Shop);
        assert!(has_none(None, Some(image(&adopted))));
    }

    #[test]
    fn a_job_is_paused_and_canceled_by_staff() {
        let later = "2026-11-22T10:05:00Z".parse().unwrap();
        let running = queued(JobKind::ProductImport, ada());
        let paused = by_ada(running.paused(later).unwrap().unwrap());
        let pause = draft(Some(image(&running)), Some(image(&paused)));
        let entry = &pause.entry;
        assert_eq!(
            entry.id.as_str(),
            format!("{}.paused.{POSITION}", paused.id)
        );
        assert_eq!(entry.action, AuditAction::JobChanged);
        assert_eq!(entry.at, later);
        assert_eq!(entry.trace_id, "s");
        assert_eq!(changes(&pause), ["state: queued → paused"]);
        let canceled = by_ada(paused.cancelled(later).unwrap().unwrap());
        let cancel = draft(Some(image(&paused)), Some(image(&canceled)));
        assert_eq!(changes(&cancel), ["state: paused → cancelled"]);
        // A step that was at work ends.
        let step = Job {
            done: 100,
            ..paused.clone()
        };
        assert!(has_none(Some(image(&paused)), Some(image(&step))));
        // Its end is the shop's.
        let completed = Job {
            state: JobState::Completed,
            ..paused.clone()
        };
        assert!(has_none(Some(image(&paused)), Some(image(&completed))));
        // By a release that did not name the author.
        let nobody = running.paused(later).unwrap().unwrap();
        assert!(has_none(Some(image(&running)), Some(image(&nobody))));
    }

    #[test]
    fn a_job_is_resumed_by_a_run() {
        let resumed = queued(JobKind::ProductImport, ada()).resumed(AT.parse().unwrap());
        let resumed = by_ada(resumed.unwrap());
        let cause = Cause {
            trace_id: "s",
            traceparent: TraceParent::begin("s"),
        };
        let key = Key::job_run(resumed.id, 2);
        let image = |job: &Job| stored(&key, &RunRecord::of(job, cause, Timestamp::MAX));
        let run = draft(None, Some(image(&resumed)));
        assert_eq!(run.entry.id.as_str(), format!("{}.run.2", resumed.id));
        assert_eq!(run.entry.action, AuditAction::JobChanged);
        assert_eq!(run.entry.trace_id, "s");
        assert_eq!(run.entry.at.to_string(), AT);
        assert_eq!(changes(&run), ["state: - → running", "run: - → 2"]);
        assert!(has_none(Some(image(&resumed)), Some(image(&resumed))));
        assert!(has_none(Some(image(&resumed)), None));
        // The first one comes with the job.
        assert!(has_none(
            None,
            Some(image(&queued(JobKind::OrderListsRebuild, ada())))
        ));
    }
}
