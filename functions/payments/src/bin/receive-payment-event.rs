//! `POST /v1/payments/{provider}/events`: receives a webhook event from a payment provider. Verifies
//! the signature, stores the event once and responds at once; processing is asynchronous.

use std::process::ExitCode;

use domain::{
    fault::{Code, Rejection},
    payments::Provider,
};
use gateways::payments::EventError;
use payments::Payments;
use runtime::{Access, Endpoint, Failure, NoQuery, RawBody, Reply, Request};
use store::PaymentEvent;

pub(crate) struct ReceivePaymentEvent {
    payments: Payments,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ProviderPath {
    /// Name of the provider: `stripe`.
    provider: Provider,
}

/// Acknowledgment of a webhook event.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(crate) struct ReceivedView {
    /// Always true.
    received: bool,
}

impl Endpoint for ReceivePaymentEvent {
    const ACCESS: Access = Access::Public;
    type Path = ProviderPath;
    type Query = NoQuery;
    type Body = RawBody;
    type Response = ReceivedView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ReceivedView>, Failure> {
        let provider = request.path.provider;
        let body = &request.body.0;
        let verified = self
            .payments
            .providers
            .verify_event(provider, request.signature(), body, request.now)
            .await;
        let event = verified.map_err(refusal)?;
        let event = PaymentEvent {
            provider,
            event_id: event.event_id,
            kind: event.kind,
            payment_id: event.payment_id,
            order_id: event.order_id,
            body: String::from_utf8_lossy(body).into_owned(),
            received_at: request.now,
            trace_id: request.trace_id,
            traceparent: request.traceparent,
        };
        // Already stored: a redelivery gets the same response.
        let new = self.payments.store.keep_payment_event(&event).await?;
        tracing::info!(
            event.id = %event.event_id,
            event.kind = %event.kind,
            event.new = new,
            "payment event received"
        );
        Reply::of(&ReceivedView { received: true })
    }
}

fn refusal(error: EventError) -> Failure {
    let rejection = match &error {
        EventError::Signature | EventError::Stale => {
            runtime::metric("PaymentEventRefused", 1);
            Rejection::new(Code::InvalidSignature, format!("{error}."))
        }
        EventError::Unreadable(_) => Rejection::new(Code::BadRequest, format!("{error}.")),
        EventError::NotOffered => Rejection::not_found("provider with events"),
        EventError::Unavailable(_) => return Failure::dependency(error, true),
    };
    rejection.into()
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        Ok(ReceivePaymentEvent {
            payments: Payments::connect(environment)?,
        })
    })
}
