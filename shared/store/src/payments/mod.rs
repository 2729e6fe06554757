//! Circuit breakers and webhook events of payment providers.

mod breakers;
mod payment_events;

pub(crate) use payment_events::read_payment_event;
pub use payment_events::{PaymentEvent, PaymentEventOutcome};
