//! Maintains the lists by which staff find orders, and customers, from the events of orders. Also does the steps of a job
//! that rebuilds them.
//!
//! The queue delays messages by some seconds, in which most orders are placed and paid: then their entries are written once.

use std::{
    collections::{HashMap, hash_map::Entry},
    process::ExitCode,
};

use domain::{
    event::{Envelope, Event},
    fault::chain,
    id::OrderId,
};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use orders::{
    projection::{self, Care, Written},
    rebuild::{self, Pass},
};
use runtime::{BatchConsumer, ConsumeError, Delivery, Dimensions};
use store::Store;

/// A message that is older may be one that had failed for good and was sent again by hand, with a receive count of 1: then
/// its earlier deliveries may have broken off. Looking at every entry costs several times the reads, which a backlog of
/// minutes must not.
const OLD: SignedDuration = SignedDuration::from_hours(1);

struct ProjectOrders {
    store: Store,
}

/// The messages of a batch about one order.
struct About {
    /// Their places in the batch.
    places: Vec<usize>,
    /// Time of the oldest change among them.
    since: Timestamp,
    care: Care,
}

impl BatchConsumer for ProjectOrders {
    type Message = Envelope;

    async fn handle(&self, deliveries: Vec<Delivery<Envelope>>) -> HashMap<usize, ConsumeError> {
        // Orders first: the lists stay current while they are rebuilt.
        let mut errors = self.project(&deliveries).await;
        errors.extend(self.rebuild(&deliveries).await);
        errors
    }
}

impl ProjectOrders {
    /// Projects the orders of a batch, and returns the errors by their place in it.
    async fn project(&self, deliveries: &[Delivery<Envelope>]) -> HashMap<usize, ConsumeError> {
        let mut errors = HashMap::new();
        let orders = by_order(deliveries);
        if orders.is_empty() {
            return errors;
        }
        let wanted = orders.iter().map(|(id, about)| (*id, about.care)).collect();
        let mut outcomes = match projection::project(&self.store, &wanted).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let error = chain(&error);
                let places = orders.values().flat_map(|about| &about.places);
                errors.extend(places.map(|place| (*place, error.clone().into())));
                return errors;
            }
        };
        let mut oldest: Option<Timestamp> = None;
        for (id, about) in orders {
            let error = match outcomes.remove(&id) {
                Some(Ok(Written::Nothing)) => continue,
                Some(Ok(Written::Yes)) => {
                    oldest = Some(oldest.map_or(about.since, |since| since.min(about.since)));
                    continue;
                }
                Some(Err(error)) => chain(&error),
                None => format!("order {id} not found"),
            };
            errors.extend(
                about
                    .places
                    .iter()
                    .map(|place| (*place, error.clone().into())),
            );
        }
        if let Some(since) = oldest {
            // Clocks may differ by more than the lag is.
            let lag = u64::try_from(runtime::now().duration_since(since).as_secs()).unwrap_or(0);
            runtime::metric_by(
                "ProjectionLag",
                Dimensions {
                    context: "orders",
                    class: "lists",
                },
                lag,
            );
        }
        errors
    }

    /// Does what messages of jobs ask for, side by side, and returns the errors by their place in the batch.
    async fn rebuild(&self, deliveries: &[Delivery<Envelope>]) -> HashMap<usize, ConsumeError> {
        let is_step =
            |it: &&Delivery<Envelope>| matches!(it.message.event, Event::JobStepDue { .. });
        let pass = Pass::of(deliveries.iter().filter(is_step).count());
        let tasks = deliveries
            .iter()
            .enumerate()
            .map(|(place, delivery)| async move {
                let (attempt, now) = (delivery.attempt, delivery.now);
                let done = match delivery.message.event {
                    Event::JobStarted { job_id, .. } => {
                        rebuild::start(&self.store, job_id, now).await
                    }
                    Event::JobStepDue { job_id, step, .. } => {
                        rebuild::do_step(&self.store, job_id, step, pass, attempt, now).await
                    }
                    _ => Ok(()),
                };
                done.err().map(|error| (place, error))
            });
        join_all(tasks).await.into_iter().flatten().collect()
    }
}

/// The orders of a batch, each with its messages: two of them are one change of the lists.
fn by_order(deliveries: &[Delivery<Envelope>]) -> HashMap<OrderId, About> {
    let mut orders: HashMap<OrderId, About> = HashMap::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        let order_id = match delivery.message.event {
            Event::OrderPlaced { order_id } | Event::OrderChanged { order_id, .. } => order_id,
            Event::JobStarted { .. }
            | Event::JobStepDue { .. }
            | Event::ProviderEventReceived { .. }
            | Event::LinkRequested { .. }
            | Event::AccountChanged { .. }
            | Event::SessionBegan { .. }
            | Event::AvailabilityChanged { .. } => continue,
        };
        let since = delivery.message.occurred_at;
        let may_have_broken_off = delivery.attempt > 1 || delivery.now.duration_since(since) > OLD;
        let care = match may_have_broken_off {
            true => Care::Every,
            false => Care::Changed,
        };
        match orders.entry(order_id) {
            Entry::Vacant(none) => {
                none.insert(About {
                    places: vec![place],
                    since,
                    care,
                });
            }
            Entry::Occupied(mut about) => {
                let about = about.get_mut();
                about.places.push(place);
                about.since = about.since.min(since);
                if care == Care::Every {
                    about.care = care;
                }
            }
        }
    }
    orders
}

fn main() -> ExitCode {
    runtime::consume_batches(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(ProjectOrders { store })
    })
}
