//! Relays events from the table's stream (the outbox) to the queues of their subscribers, and maintains
//! the due notes of unpaid orders for the sweep.

use std::{collections::HashMap, process::ExitCode};

use aws_lambda_events::dynamodb::EventRecord;
use domain::event::{Envelope, Subscriber};
use queue::Queues;
use runtime::{Change, StreamConsumer, StreamFailure};
use store::{DueChange, Store};

struct RelayEvents {
    store: Store,
    queues: Queues,
    urls: HashMap<Subscriber, String>,
}

impl StreamConsumer for RelayEvents {
    fn request_id(record: &EventRecord) -> &str {
        store::outbox::request_id(record)
    }

    async fn handle(&self, changes: &[Change<'_>]) -> Result<(), StreamFailure> {
        let mut events: Vec<(&Change<'_>, Envelope)> = Vec::new();
        let mut due: Vec<DueChange> = Vec::new();
        let mut unreadable = None;
        for (done, change) in changes.iter().enumerate() {
            match change.in_span(|| store::outbox::relay_of(change.record)) {
                Ok(relay) => {
                    due.extend(relay.due);
                    let event = relay.event;
                    let event = event.filter(|event| !event.event.subscribers().is_empty());
                    events.extend(event.map(|event| (change, event)));
                }
                Err(error) => {
                    // Records before the unreadable one are still relayed.
                    unreadable = Some(StreamFailure::Record {
                        done,
                        cause: error.into(),
                    });
                    break;
                }
            }
        }
        let mut messages: HashMap<Subscriber, Vec<&Envelope>> = HashMap::new();
        for (_, envelope) in &events {
            for subscriber in envelope.event.subscribers() {
                messages.entry(*subscriber).or_default().push(envelope);
            }
        }
        // Write due notes before sending: from then on the sweep finds the order even if a message is
        // lost.
        let noted = self.store.change_due_notes(&due).await;
        noted.map_err(|cause| StreamFailure::Batch(cause.into()))?;
        for (subscriber, envelopes) in &messages {
            let sent = match self.urls.get(subscriber) {
                Some(url) => self.queues.send(url, envelopes).await.map_err(Into::into),
                None => Err(format!("no queue for {subscriber:?}").into()),
            };
            // A failed call does not tell which record it failed for. The whole batch is retried;
            // consumers handle duplicate events.
            sent.map_err(StreamFailure::Batch)?;
        }
        for (change, envelope) in &events {
            change.in_span(|| tracing::debug!(event.id = %envelope.event_id, "event relayed"));
        }
        unreadable.map_or(Ok(()), Err)
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
        ]);
        Ok(RelayEvents {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            queues: Queues::new(&environment.sdk_config()?),
            urls,
        })
    })
}
