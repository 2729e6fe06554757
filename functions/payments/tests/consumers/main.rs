//! Tables of an order's state, the provider's answers and the number of the delivery, with the calls to
//! the provider, the result and the order that follow. The table is real, the provider is prepared.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod breaker;
mod capture;
mod events;
mod provider;
mod queue;
mod refund;
mod requeue;
mod world;

// The consumers' own sources, with a prepared provider in place of the built-in one.
#[expect(dead_code, reason = "nothing here calls its `main`")]
#[path = "../../src/bin/capture-payment.rs"]
mod capture_payment;
#[expect(dead_code, reason = "nothing here calls its `main`")]
#[path = "../../src/bin/handle-payment-event.rs"]
mod handle_payment_event;
#[expect(dead_code, reason = "nothing here calls its `main`")]
#[path = "../../src/bin/refund-payment.rs"]
mod refund_payment;
