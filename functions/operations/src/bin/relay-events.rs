//! Relays events from the table's stream (the outbox) to the queues of their subscribers, and maintains
//! the due notes of unpaid orders for the sweep.
//!
//! Failures of the table or of a queue are retried for hours. A record that cannot be read is set aside,
//! as nothing but a new version of the code helps it, and those behind it must not wait for that.

use std::{
    collections::{BTreeMap, HashMap},
    process::ExitCode,
};

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    event::{Envelope, Subscriber},
    fault::chain,
    trace::TraceParent,
};
use queue::Queues;
use runtime::{Change, ConsumeError, StreamConsumer};
use store::{
    DueChange, Store,
    outbox::{self, UnreadableRecord},
};

/// Name by which a record that is set aside says who has done so.
const READER: &str = "relay-events";

struct RelayEvents {
    store: Store,
    queues: Queues,
    urls: HashMap<Subscriber, String>,
    /// Queue of the records that cannot be read.
    set_aside_url: String,
}

impl StreamConsumer for RelayEvents {
    fn request_id(record: &EventRecord) -> &str {
        outbox::request_id(record)
    }

    fn traceparent(record: &EventRecord) -> TraceParent {
        outbox::traceparent(record)
    }

    async fn handle(&self, changes: &[Change<'_>]) -> Result<(), ConsumeError> {
        let mut events: Vec<(&Change<'_>, Envelope)> = Vec::new();
        let mut due: Vec<DueChange> = Vec::new();
        let mut unreadable: Vec<UnreadableRecord> = Vec::new();
        for change in changes {
            match change.in_span(|| outbox::relay_of(change.record)) {
                Ok(relay) => {
                    due.extend(relay.due);
                    let event = relay.event;
                    let event = event.filter(|event| !event.event.subscribers().is_empty());
                    events.extend(event.map(|event| (change, event)));
                }
                Err(error) => {
                    let record = UnreadableRecord::of(change.record, READER);
                    change.in_span(|| {
                        tracing::error!(
                            stream.sequence_number = record.sequence_number,
                            item.pk = record.pk,
                            error = %chain(&error),
                            "record set aside"
                        );
                    });
                    unreadable.push(record);
                }
            }
        }
        // In the order of the subscribers: a queue that rejects everything holds up only those behind it.
        let mut messages: BTreeMap<Subscriber, Vec<&Envelope>> = BTreeMap::new();
        for (_, envelope) in &events {
            for subscriber in envelope.event.subscribers() {
                messages.entry(*subscriber).or_default().push(envelope);
            }
        }
        // Write due notes before sending: from then on the sweep finds the order even if a message is
        // lost.
        self.store.change_due_notes(&due).await?;
        for (subscriber, envelopes) in &messages {
            let url = self.urls.get(subscriber);
            let url = url.ok_or_else(|| format!("no queue for {subscriber:?}"))?;
            // A failed call does not tell which record it failed for. The whole batch is retried;
            // consumers handle duplicate events.
            self.queues.send(url, envelopes).await?;
        }
        // Last, so that a record is set aside once even if the rest is retried.
        if !unreadable.is_empty() {
            self.queues.send(&self.set_aside_url, &unreadable).await?;
        }
        for (change, envelope) in &events {
            change.in_span(|| tracing::debug!(event.id = %envelope.event_id, "event relayed"));
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::read_stream(|environment| {
        let url = |name| environment.require(name).map(str::to_owned);
        let urls = HashMap::from([
            (
                Subscriber::CapturePayment,
                url("CAPTURE_PAYMENT_QUEUE_URL")?,
            ),
            (Subscriber::RefundPayment, url("REFUND_PAYMENT_QUEUE_URL")?),
            (
                Subscriber::HandlePaymentEvent,
                url("HANDLE_PAYMENT_EVENT_QUEUE_URL")?,
            ),
            (Subscriber::SendEmail, url("SEND_EMAIL_QUEUE_URL")?),
            (Subscriber::RenderInvoice, url("RENDER_INVOICE_QUEUE_URL")?),
            (
                Subscriber::RefreshAvailability,
                url("REFRESH_AVAILABILITY_QUEUE_URL")?,
            ),
            (Subscriber::StartImport, url("START_IMPORT_QUEUE_URL")?),
            (Subscriber::ProjectOrders, url("PROJECT_ORDERS_QUEUE_URL")?),
            (Subscriber::ExportAccount, url("EXPORT_ACCOUNT_QUEUE_URL")?),
        ]);
        Ok(RelayEvents {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            queues: Queues::new(&environment.sdk_config()?),
            urls,
            set_aside_url: url("RELAY_FAILURES_QUEUE_URL")?,
        })
    })
}
