//! Authorizes, captures, voids and refunds payments at Stripe.

use domain::money::Money;
use http::StatusCode;

use super::{
    Stripe,
    client::StripeResponse,
    convert::{StripeAmount, in_stripes_units, intent_path, plain},
    problem::Problem,
    wire::{Intent, List, RefundAnswer},
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
            ("metadata[refund_id]", refund.refund_id),
        ];
        let key = key("refund", refund.refund_id);
        let answer = self.post("/v1/refunds", &key, &form).await?;
        Ok(answer.read::<RefundAnswer>()?.into())
    }

    async fn find_refund(
        &self,
        payment_id: &str,
        refund_id: &str,
    ) -> Result<Option<ProviderRefund>, PaymentError> {
        intent_path(payment_id)?;
        let mut after = String::new();
        loop {
            let path = format!("/v1/refunds?payment_intent={payment_id}&limit=100{after}");
            let page: List<RefundAnswer> = self.get(&path).await?.read()?;
            let last = page.data.last().map(|refund| refund.id.clone());
            let mut refunds = page.data.into_iter();
            if let Some(found) = refunds.find(|refund| refund.is_of(refund_id)) {
                return Ok(Some(found.into()));
            }
            match last.filter(|_| page.has_more) {
                Some(last) => after = format!("&starting_after={}", plain(&last)?),
                None => return Ok(None),
            }
        }
    }

    async fn find_payment(&self, order_id: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        let order_id = plain(order_id)?;
        // The query is metadata['order_id']:'ord_…'.
        let path = format!(
            "/v1/payment_intents/search?query=metadata%5B%27order_id%27%5D%3A%27{order_id}%27\
             &limit=100&expand[]=data.latest_charge"
        );
        let page: List<Intent> = self.get(&path).await?.read()?;
        let payments = page.data.into_iter().map(ProviderPayment::from);
        Ok(payments.max_by_key(|payment| match payment.state {
            PaymentState::Captured { .. } => 3,
            PaymentState::Authorised => 2,
            PaymentState::RequiresAction | PaymentState::Confirming | PaymentState::Processing => 1,
            PaymentState::Failed { .. } | PaymentState::Cancelled => 0,
        }))
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
