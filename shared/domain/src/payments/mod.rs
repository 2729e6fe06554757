//! Payments, independent of the provider. The context has no bodies and views of its own: an order
//! shows its payment.

mod rules;

pub use rules::{
    PaymentFailure, PaymentMethod, PaymentStatus, Provider, UnknownProvider, UnpayableAmount,
    breaker, offered,
};
