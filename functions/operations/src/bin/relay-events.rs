//! Turns the table's stream, the outbox, into messages: each event goes to every queue that asked
//! for its type.

use std::{collections::HashMap, process::ExitCode};

use aws_lambda_events::dynamodb::EventRecord;
use domain::event::{Envelope, Event, Subscriber};
use jiff::SignedDuration;
use queue::Queues;
use runtime::{StreamConsumer, StreamFailure};
use store::{Due, Store};

struct RelayEvents {
    store: Store,
    queues: Queues,
    urls: HashMap<Subscriber, String>,
}

impl StreamConsumer for RelayEvents {
    async fn handle(&self, records: &[EventRecord]) -> Result<(), StreamFailure> {
        let mut messages: HashMap<Subscriber, Vec<Envelope>> = HashMap::new();
        let mut unreadable = None;
        for (done, record) in records.iter().enumerate() {
            match store::outbox::event_of(record) {
                Ok(None) => {}
                Ok(Some(envelope)) => {
                    for subscriber in envelope.event.subscribers() {
                        messages
                            .entry(*subscriber)
                            .or_default()
                            .push(envelope.clone());
                    }
                }
                Err(error) => {
                    // What came before it still goes out.
                    unreadable = Some(StreamFailure {
                        done,
                        cause: error.into(),
                    });
                    break;
                }
            }
        }
        let now = runtime::now();
        // Before anything is told: a message that is lost later is found by the sweep.
        let mut due: Vec<Due> = messages
            .get(&Subscriber::ExpireOrder)
            .into_iter()
            .flatten()
            .filter_map(due_of)
            .collect();
        // A batch that names a key twice is refused as a whole.
        due.dedup();
        if !due.is_empty() {
            let noted = self.store.note_due(&due).await;
            noted.map_err(|cause| StreamFailure {
                done: 0,
                cause: cause.into(),
            })?;
        }
        for (subscriber, envelopes) in &messages {
            let delayed = envelopes.iter().map(|envelope| {
                let wait = match (subscriber, due_of(envelope)) {
                    (Subscriber::ExpireOrder, Some((_, at))) => at.duration_since(now),
                    _ => SignedDuration::ZERO,
                };
                (envelope, wait.max(SignedDuration::ZERO).unsigned_abs())
            });
            let delayed: Vec<_> = delayed.collect();
            let sent = match self.urls.get(subscriber) {
                Some(url) => self
                    .queues
                    .send_delayed(url, &delayed)
                    .await
                    .map_err(Into::into),
                None => Err(format!("no queue for {subscriber:?}").into()),
            };
            // Which record a failed call was about is not known: all of them come again, and
            // consumers take an event twice.
            sent.map_err(|cause| StreamFailure { done: 0, cause })?;
        }
        unreadable.map_or(Ok(()), Err)
    }
}

/// Until when the order that an event placed has to be paid.
fn due_of(envelope: &Envelope) -> Option<Due> {
    match envelope.event {
        Event::OrderPlaced { order_id, due_at } => Some((order_id, due_at)),
        _ => None,
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
            (Subscriber::ExpireOrder, url("EXPIRE_ORDER_QUEUE_URL")?),
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
