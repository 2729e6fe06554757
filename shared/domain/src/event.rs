//! Domain events, in the past tense. The table's stream is the outbox: `relay-events` turns each change
//! into an event and sends it to the queues of its subscribers.
//!
//! Events have versions: a message of a version that the code does not know ends in the dead-letter queue, like one of
//! an unknown type. `tests/contracts/events` has the schema of each (docs/adr/0023).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    catalog::Sku,
    id::{AccountId, EmailChangeId, JobId, OrderId, SessionId},
    identity::{AccountChangeKind, LinkPurpose, export::NOTICE_STEP},
    jobs::JobKind,
    orders::OrderEventKind,
    payments::Provider,
    trace::{self, TraceParent},
};

/// An event with its metadata. Events carry ids only; consumers read the current state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Message", try_from = "Message")]
pub struct Envelope {
    /// Identical for all deliveries of an event: consumers use it as their idempotency key.
    pub event_id: String,
    /// Time of the change in the table.
    pub occurred_at: Timestamp,
    /// Request id of the request that caused it, for correlation across functions.
    pub trace_id: String,
    /// Its place in the trace of that request.
    pub traceparent: TraceParent,
    /// Deliveries to the consumer before the one that last requeued the message. They may have failed anywhere,
    /// also before they reached the consumer, so nothing is given up by their number.
    pub attempts: u32,
    /// How often a consumer has requeued the message, at most [`MAX_REQUEUES`] times.
    pub requeues: u32,
    /// The event itself.
    pub event: Event,
}

/// An event as it is sent to a queue.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Identical for all deliveries of an event: an idempotency key.
    event_id: String,
    /// Time of the change in the table.
    #[schemars(with = "String")]
    occurred_at: Timestamp,
    /// Id of the request that caused it.
    trace_id: String,
    /// Place in the trace of that request, in the format of W3C Trace Context. Missing in events from before.
    #[serde(
        default,
        deserialize_with = "trace::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(
        with = "String",
        regex(pattern = "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$")
    )]
    traceparent: Option<TraceParent>,
    /// Version of the event's shape. Missing in events from before: they are of version 1.
    #[serde(default = "first_version")]
    schema_version: u32,
    /// Deliveries to the consumer before the one that last requeued the message.
    #[serde(default, skip_serializing_if = "is_zero")]
    attempts: u32,
    /// How often a consumer has requeued the message.
    #[serde(default, skip_serializing_if = "is_zero")]
    requeues: u32,
    /// The event's type and fields.
    #[serde(flatten)]
    #[schemars(skip)]
    event: Map<String, Value>,
}

/// Why a message is not an event.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableEvent {
    /// Of a type that this version of the code does not know.
    #[error("the event has the unknown type {0:?}")]
    Type(String),
    /// Of a version that this version of the code does not know.
    #[error("{kind} has the unknown version {version}; this code reads version {known}")]
    Version {
        /// Type of the event.
        kind: String,
        /// Version of the message.
        version: u32,
        /// Version that is read.
        known: u32,
    },
    /// Fields are missing or have other types.
    #[error("the event cannot be read")]
    Fields(#[from] serde_json::Error),
}

impl From<Envelope> for Message {
    fn from(envelope: Envelope) -> Self {
        let event = match serde_json::to_value(&envelope.event) {
            Ok(Value::Object(event)) => event,
            // Cannot happen: an event has a type, which makes it an object, and no key of it is anything but a text.
            _ => Map::new(),
        };
        Self {
            event_id: envelope.event_id,
            occurred_at: envelope.occurred_at,
            trace_id: envelope.trace_id,
            traceparent: Some(envelope.traceparent),
            schema_version: envelope.event.schema_version(),
            attempts: envelope.attempts,
            requeues: envelope.requeues,
            event,
        }
    }
}

impl TryFrom<Message> for Envelope {
    type Error = UnreadableEvent;

    fn try_from(message: Message) -> Result<Self, UnreadableEvent> {
        let kind = message
            .event
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let known =
            Event::version_of(kind).ok_or_else(|| UnreadableEvent::Type(kind.to_owned()))?;
        // The place where the version before is converted, for as long as messages of it may be waiting.
        if message.schema_version != known {
            return Err(UnreadableEvent::Version {
                kind: kind.to_owned(),
                version: message.schema_version,
                known,
            });
        }
        Ok(Self {
            traceparent: trace::stored(message.traceparent, &message.trace_id),
            event_id: message.event_id,
            occurred_at: message.occurred_at,
            trace_id: message.trace_id,
            attempts: message.attempts,
            requeues: message.requeues,
            event: Event::deserialize(Value::Object(message.event))?,
        })
    }
}

const fn first_version() -> u32 {
    1
}

/// A message that may name the request that caused it. Log lines about the message carry that id.
pub trait Correlated {
    /// Id of the request, or `None` if the message does not name one.
    fn request_id(&self) -> Option<&str>;

    /// Place in the trace of that request, if the message names it.
    fn traceparent(&self) -> Option<TraceParent> {
        None
    }
}

impl Correlated for Envelope {
    fn request_id(&self) -> Option<&str> {
        Some(&self.trace_id)
    }

    fn traceparent(&self) -> Option<TraceParent> {
        Some(self.traceparent)
    }
}

/// Limit of requeues. Lambda's loop detection stops a message that a function sends to its own queue
/// after about 16 deliveries; with the first delivery this is 11. A test and `xtask tidy` check it.
pub const MAX_REQUEUES: u32 = 10;

impl Envelope {
    /// Copies the envelope for a requeue by a consumer that has received it `attempt` times. Waiting
    /// does not count as a failure, and earlier failures are kept. `None` after [`MAX_REQUEUES`]
    /// requeues.
    pub fn requeue(&self, attempt: u32) -> Option<Self> {
        if self.requeues >= MAX_REQUEUES {
            return None;
        }
        let mut again = self.clone();
        again.attempts += attempt.saturating_sub(1);
        again.requeues += 1;
        again.traceparent = self
            .traceparent
            .child(&format!("requeue {}", again.requeues));
        Some(again)
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// All events of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// An order was placed: its stock is reserved, its payment is due.
    OrderPlaced {
        /// The new order.
        order_id: OrderId,
    },
    /// An order changed after it was placed.
    OrderChanged {
        /// The changed order.
        order_id: OrderId,
        /// Version of the order after the change.
        version: u64,
        /// Kind of change.
        what: OrderEventKind,
    },
    /// A payment provider sent a webhook event.
    ProviderEventReceived {
        /// The provider that sent it.
        provider: Provider,
        /// The provider's id of the event.
        provider_event_id: String,
    },
    /// A job was started again: its consumer sends the steps that are not done.
    JobStarted {
        /// The job.
        job_id: JobId,
        /// Its kind.
        kind: JobKind,
        /// Number of the run that began.
        run: u32,
    },
    /// A step of a job is to be done: the one before it in its chain has been counted.
    JobStepDue {
        /// The job.
        job_id: JobId,
        /// Its kind.
        kind: JobKind,
        /// Number of the step.
        step: u32,
    },
    /// Somebody asked for something that a mail's link completes.
    LinkRequested {
        /// What the link is for.
        purpose: LinkPurpose,
        /// Identifier of the request.
        request_id: String,
    },
    /// An account was made or changed.
    AccountChanged {
        /// The account.
        account_id: AccountId,
        /// Version of the account after the change.
        version: u64,
        /// Kind of change.
        what: AccountChangeKind,
        /// The request that a change of the address completes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email_change_id: Option<EmailChangeId>,
    },
    /// Somebody signed in.
    SessionBegan {
        /// The account.
        account_id: AccountId,
        /// The session.
        session_id: SessionId,
    },
    /// The last unit of a variant was reserved, or a sold-out variant is back in stock.
    AvailabilityChanged {
        /// SKU of the variant.
        sku: Sku,
        /// Slug of its product.
        product_slug: String,
    },
}

/// Consumers that events are sent to, one queue each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subscriber {
    /// Authorizes and captures payments.
    CapturePayment,
    /// Refunds and voids payments.
    RefundPayment,
    /// Handles webhook events of payment providers.
    HandlePaymentEvent,
    /// Sends emails to customers.
    SendEmail,
    /// Issues invoices and credit notes.
    RenderInvoice,
    /// Updates availability in the catalog.
    RefreshAvailability,
    /// Reads product files and sends their rows.
    StartImport,
    /// Maintains the lists of orders.
    ProjectOrders,
    /// Collects the data of an account for its owner, and deletes what is left of a deleted one.
    ExportAccount,
}

impl Event {
    /// The events' types, each with the version of its shape. A field that is removed, renamed or has another type makes a new
    /// version; one that is added and may be missing does not.
    pub const VERSIONS: [(&str, u32); 9] = [
        ("order_placed", 1),
        ("order_changed", 1),
        ("provider_event_received", 1),
        ("job_started", 1),
        ("job_step_due", 1),
        ("link_requested", 1),
        ("account_changed", 1),
        ("session_began", 1),
        ("availability_changed", 1),
    ];

    /// The event's type, as it is sent.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OrderPlaced { .. } => "order_placed",
            Self::OrderChanged { .. } => "order_changed",
            Self::ProviderEventReceived { .. } => "provider_event_received",
            Self::JobStarted { .. } => "job_started",
            Self::JobStepDue { .. } => "job_step_due",
            Self::LinkRequested { .. } => "link_requested",
            Self::AccountChanged { .. } => "account_changed",
            Self::SessionBegan { .. } => "session_began",
            Self::AvailabilityChanged { .. } => "availability_changed",
        }
    }

    /// Version of a type; `None` for an unknown one.
    pub fn version_of(kind: &str) -> Option<u32> {
        let versions = Self::VERSIONS.iter();
        versions
            .copied()
            .find_map(|(known, version)| (known == kind).then_some(version))
    }

    fn schema_version(&self) -> u32 {
        Self::version_of(self.kind()).unwrap_or_default()
    }

    /// The consumers that receive the event.
    pub const fn subscribers(&self) -> &'static [Subscriber] {
        match self {
            Self::OrderPlaced { .. } => &[Subscriber::CapturePayment, Subscriber::ProjectOrders],
            // Every version of an order is projected.
            Self::OrderChanged { what, .. } => match what {
                OrderEventKind::PaymentActionRequired
                | OrderEventKind::PaymentAuthorised
                | OrderEventKind::UnpaidNotice
                | OrderEventKind::Returned
                | OrderEventKind::Claimed
                | OrderEventKind::RefundFailed => &[Subscriber::ProjectOrders],
                OrderEventKind::Paid | OrderEventKind::Refunded => &[
                    Subscriber::SendEmail,
                    Subscriber::RenderInvoice,
                    Subscriber::ProjectOrders,
                ],
                OrderEventKind::Fulfilled => &[Subscriber::SendEmail, Subscriber::ProjectOrders],
                OrderEventKind::PaymentFailed
                | OrderEventKind::Expired
                | OrderEventKind::Cancelled => &[
                    Subscriber::RefundPayment,
                    Subscriber::SendEmail,
                    Subscriber::ProjectOrders,
                ],
                OrderEventKind::RefundRequested => {
                    &[Subscriber::RefundPayment, Subscriber::ProjectOrders]
                }
            },
            Self::ProviderEventReceived { .. } => &[Subscriber::HandlePaymentEvent],
            Self::JobStarted { kind, .. } => match kind {
                JobKind::ProductImport => &[Subscriber::StartImport],
                JobKind::OrderListsRebuild => &[Subscriber::ProjectOrders],
                JobKind::AccountExport => &[Subscriber::ExportAccount],
            },
            Self::JobStepDue { kind, step, .. } => match kind {
                // The list of its errors. Its other steps are sent at once, with their rows.
                JobKind::ProductImport => &[Subscriber::StartImport],
                JobKind::OrderListsRebuild => &[Subscriber::ProjectOrders],
                // The owner is told that the data are ready.
                JobKind::AccountExport if *step == NOTICE_STEP => &[Subscriber::SendEmail],
                JobKind::AccountExport => &[Subscriber::ExportAccount],
            },
            Self::LinkRequested { .. } | Self::SessionBegan { .. } => &[Subscriber::SendEmail],
            Self::AccountChanged { what, .. } => match what {
                AccountChangeKind::PasswordChanged
                | AccountChangeKind::PasswordReset
                | AccountChangeKind::EmailChanged
                | AccountChangeKind::RefreshTokenReused
                | AccountChangeKind::PasskeyAdded
                | AccountChangeKind::PasskeyRemoved
                | AccountChangeKind::PasskeyCloned
                | AccountChangeKind::TotpEnabled
                | AccountChangeKind::TotpDisabled
                | AccountChangeKind::RecoveryCodeUsed
                | AccountChangeKind::CodesSuspended => &[Subscriber::SendEmail],
                AccountChangeKind::Verified
                | AccountChangeKind::ProfileChanged
                | AccountChangeKind::SignedOutEverywhere
                | AccountChangeKind::StaffJoined
                | AccountChangeKind::RoleChanged
                | AccountChangeKind::StaffRemoved
                | AccountChangeKind::GroupsChanged => &[],
                AccountChangeKind::Erased => &[Subscriber::ExportAccount],
            },
            Self::AvailabilityChanged { .. } => &[Subscriber::RefreshAvailability],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed() -> Envelope {
        Envelope {
            event_id: "ord_X.1".to_owned(),
            occurred_at: Timestamp::UNIX_EPOCH,
            trace_id: "t".to_owned(),
            traceparent: TraceParent::begin("t").child("ord_X.1"),
            attempts: 0,
            requeues: 0,
            event: Event::OrderPlaced {
                order_id: OrderId::random([1; 16]),
            },
        }
    }

    #[test]
    fn a_message_is_requeued_so_often_and_no_further() {
        let mut message = placed();
        for requeues in 1..=MAX_REQUEUES {
            message = message.requeue(1).unwrap();
            assert_eq!((message.requeues, message.attempts), (requeues, 0));
        }
        assert_eq!(message.requeue(1), None);
    }

    #[test]
    fn failures_before_a_requeue_are_remembered() {
        // Delivered three times: two failures, and a third delivery that has to wait.
        let again = placed().requeue(3).unwrap();
        assert_eq!((again.attempts, again.requeues), (2, 1));
        assert_eq!(again.requeue(2).unwrap().attempts, 3);
    }

    #[test]
    fn a_requeued_message_stays_in_its_trace() {
        let (first, again) = (placed(), placed().requeue(1).unwrap());
        assert_eq!(again.traceparent.trace_id(), first.traceparent.trace_id());
        assert_ne!(again.traceparent, first.traceparent);
        assert_ne!(again.requeue(1).unwrap().traceparent, again.traceparent);
    }

    fn sent() -> Value {
        serde_json::to_value(placed()).unwrap()
    }

    fn read(message: &Value) -> Result<Envelope, String> {
        // As a consumer does: from text.
        serde_json::from_str(&message.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_message_has_a_version_and_no_count_of_nothing() {
        let message = sent();
        assert_eq!(message["schema_version"], 1);
        assert!(
            message.get("requeues").is_none() && message.get("attempts").is_none(),
            "{message}"
        );
        assert_eq!(read(&message).unwrap(), placed());
    }

    #[test]
    fn a_message_from_before_versions_and_traces_is_read() {
        let mut message = sent();
        let fields = message.as_object_mut().unwrap();
        fields.remove("schema_version");
        fields.remove("traceparent");
        fields.insert("due_at".to_owned(), "2026-11-22T10:15:00Z".into());
        let begun = TraceParent::begin("t");
        assert_eq!(
            read(&message).unwrap(),
            Envelope {
                traceparent: begun,
                ..placed()
            }
        );
    }

    #[test]
    fn a_trace_that_cannot_be_read_is_no_reason_to_refuse_an_event() {
        let mut message = sent();
        message["traceparent"] = "00-x".into();
        assert_eq!(read(&message).unwrap().traceparent, TraceParent::begin("t"));
    }

    #[test]
    fn what_is_not_known_is_refused_and_says_why() {
        let with = |field: &str, value: Value| {
            let mut message = sent();
            message[field] = value;
            read(&message).unwrap_err()
        };
        let error = with("schema_version", 2.into());
        assert_eq!(
            error,
            "order_placed has the unknown version 2; this code reads version 1"
        );
        assert!(with("schema_version", 0.into()).contains("unknown version 0"));
        assert!(with("schema_version", "1".into()).contains("invalid type"));
        assert_eq!(
            with("type", "order_lost".into()),
            "the event has the unknown type \"order_lost\""
        );
        assert_eq!(
            with("type", Value::Null),
            "the event has the unknown type \"\""
        );
        assert_eq!(with("order_id", "crt_1".into()), "the event cannot be read");
    }

    #[test]
    fn the_last_step_of_an_export_is_a_mail() {
        let subscribers = |step: u32| {
            let job_id = JobId::random([1; 16]);
            let kind = JobKind::AccountExport;
            let event = Event::JobStepDue { job_id, kind, step };
            event.subscribers()
        };
        assert_eq!(subscribers(NOTICE_STEP), [Subscriber::SendEmail]);
        assert_eq!(subscribers(1), [Subscriber::ExportAccount]);
    }

    #[test]
    fn each_event_has_its_type_and_version() {
        let schema = schemars::schema_for!(Event).to_value();
        let variants = schema["oneOf"].as_array().unwrap().iter();
        let kinds: Vec<&str> = variants
            .map(|variant| variant["properties"]["type"]["const"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, Event::VERSIONS.map(|(kind, _)| kind));
        assert_eq!(sent()["type"], placed().event.kind());
    }
}
