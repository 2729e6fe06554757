//! Turns the table's stream, the outbox, into messages: each event goes to every queue that asked
//! for its type. Of orders that wait for their payment it keeps a note for the sweep.

use std::{collections::HashMap, process::ExitCode};

use aws_lambda_events::dynamodb::EventRecord;
use domain::event::{Envelope, Subscriber};
use queue::Queues;
use runtime::{StreamConsumer, StreamFailure};
use store::{DueChange, Store};

struct RelayEvents {
    store: Store,
    queues: Queues,
    urls: HashMap<Subscriber, String>,
}

impl StreamConsumer for RelayEvents {
    async fn handle(&self, records: &[EventRecord]) -> Result<(), StreamFailure> {
        let mut messages: HashMap<Subscriber, Vec<Envelope>> = HashMap::new();
        let mut due: Vec<DueChange> = Vec::new();
        let mut unreadable = None;
        for (done, record) in records.iter().enumerate() {
            match store::outbox::relay_of(record) {
                Ok(relay) => {
                    due.extend(relay.due);
                    let Some(envelope) = relay.event else {
                        continue;
                    };
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
        // Before anything is told: from then on the sweep finds the order, whatever is lost later.
        let noted = self.store.change_due_notes(&due).await;
        noted.map_err(|cause| StreamFailure {
            done: 0,
            cause: cause.into(),
        })?;
        for (subscriber, envelopes) in &messages {
            let sent = match self.urls.get(subscriber) {
                Some(url) => self.queues.send(url, envelopes).await.map_err(Into::into),
                None => Err(format!("no queue for {subscriber:?}").into()),
            };
            // Which record a failed call was about is not known: all of them come again, and
            // consumers take an event twice.
            sent.map_err(|cause| StreamFailure { done: 0, cause })?;
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
