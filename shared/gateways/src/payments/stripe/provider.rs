//! Authorizes, captures, voids and refunds payments at Stripe.

use domain::money::Money;
use http::StatusCode;

use super::{
    Stripe,
    client::StripeResponse,
    convert::{StripeAmount, in_stripes_units, intent_path},
    problem::Problem,
    wire::{Intent, RefundAnswer},
};
use crate::payments::{
    Authorisation, PaymentError, PaymentProvider, PaymentState, ProviderPayment, ProviderRefund,
    Refund,
};

impl PaymentProvider for Stripe {
    async fn authorise(
        &self,
        authorisation: &Authorisation<'_>,
    ) -> Result<ProviderPayment, PaymentError> {
        let StripeAmount { amount, currency } = in_stripes_units(authorisation.amount)?;
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", currency.as_str()),
            ("capture_method", "manual"),
            ("metadata[order_id]", authorisation.order_id),
            ("expand[]", "latest_charge"),
        ];
        match authorisation.token {
            // Not `off_session`: that is for customers who are away and have agreed to it before, and
            // turns a bank's question into a refusal. This customer has just left the checkout and can
            // be asked. Cards (and the wallets that hold cards) only: others need a page to return to.
            Some(token) => form.extend([
                ("payment_method", token),
                ("payment_method_types[]", "card"),
                ("confirm", "true"),
            ]),
            None => form.push(("automatic_payment_methods[enabled]", "true")),
        }
        let key = key("authorise", authorisation.idempotency_key);
        match self.post("/v1/payment_intents", &key, &form).await {
            Ok(answer) => self.intent(answer).await,
            Err(problem) => Err(problem.without(authorisation.token).into()),
        }
    }

    async fn capture(
        &self,
        payment_id: &str,
        idempotency_key: &str,
        amount: Money,
    ) -> Result<ProviderPayment, PaymentError> {
        let path = format!("{}/capture", intent_path(payment_id)?);
        let StripeAmount { amount, .. } = in_stripes_units(amount)?;
        let form = [
            ("amount_to_capture", amount.as_str()),
            ("expand[]", "latest_charge"),
        ];
        match self
            .post(&path, &key("capture", idempotency_key), &form)
            .await
        {
            Ok(answer) => self.intent(answer).await,
            Err(problem) => {
                self.settled_before(payment_id, problem, |state| {
                    *state != PaymentState::Authorised
                })
                .await
            }
        }
    }

    async fn cancel(
        &self,
        payment_id: &str,
        idempotency_key: &str,
    ) -> Result<ProviderPayment, PaymentError> {
        let path = format!("{}/cancel", intent_path(payment_id)?);
        let form = [("expand[]", "latest_charge")];
        match self
            .post(&path, &key("cancel", idempotency_key), &form)
            .await
        {
            Ok(answer) => self.intent(answer).await,
            Err(problem) => {
                self.settled_before(payment_id, problem, |state| {
                    matches!(
                        state,
                        PaymentState::Captured { .. }
                            | PaymentState::Cancelled
                            | PaymentState::Processing
                    )
                })
                .await
            }
        }
    }

    async fn refund(&self, refund: &Refund<'_>) -> Result<ProviderRefund, PaymentError> {
        intent_path(refund.payment_id)?;
        let StripeAmount { amount, .. } = in_stripes_units(refund.amount)?;
        let form = [
            ("payment_intent", refund.payment_id),
            ("amount", amount.as_str()),
        ];
        let key = key("refund", refund.idempotency_key);
        let answer = self.post("/v1/refunds", &key, &form).await?;
        Ok(answer.read::<RefundAnswer>()?.into())
    }

    async fn payment(&self, payment_id: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        self.look_up(payment_id).await
    }
}

impl Stripe {
    /// The current state of the intent in a response.
    async fn intent(&self, answer: StripeResponse) -> Result<ProviderPayment, PaymentError> {
        let intent: Intent = answer.read()?;
        if answer.is_replayed {
            // A stored response may be outdated: the customer may have paid since.
            return self.look_up(&intent.id).await?.ok_or_else(|| {
                PaymentError::Unavailable("a payment that Stripe created cannot be found".into())
            });
        }
        Ok(intent.into())
    }

    async fn look_up(&self, payment_id: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        let path = format!("{}?expand[]=latest_charge", intent_path(payment_id)?);
        match self.get(&path).await {
            Ok(answer) => Ok(Some(answer.read::<Intent>()?.into())),
            Err(problem) if problem.status == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(problem) => Err(problem.into()),
        }
    }

    /// The state of an intent that Stripe refused to change: that it is already beyond that point is a
    /// result, not an error.
    async fn settled_before(
        &self,
        payment_id: &str,
        problem: Problem,
        is_settled: impl Fn(&PaymentState) -> bool,
    ) -> Result<ProviderPayment, PaymentError> {
        if problem.status == Some(StatusCode::BAD_REQUEST)
            && let Some(payment) = self.look_up(payment_id).await?
            && is_settled(&payment.state)
        {
            return Ok(payment);
        }
        Err(problem.into())
    }
}

/// Stripe's idempotency keys are valid account-wide: including the operation keeps an order's key from
/// matching the stored response of another operation.
fn key(operation: &str, idempotency_key: &str) -> String {
    format!("{operation}:{idempotency_key}")
}
