//! Rules of payments: states and failures of a payment, and the circuit breaker of a provider.

pub mod breaker;
mod payment;

pub use payment::{
    PaymentFailure, PaymentMethod, PaymentStatus, Provider, UnknownProvider, UnpayableAmount,
    offered,
};
