//! A payment provider with prepared answers that records its calls.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use domain::money::Money;
use gateways::payments::{
    Authorisation, PaymentError, PaymentProvider, PaymentState, ProviderPayment, ProviderRefund,
    Refund, RefundState,
};

use crate::world::{Change, PAYMENT, Shop};

/// An answer of the provider, and changes of the shop while the call is under way.
pub(crate) struct Answer {
    meanwhile: &'static [Change],
    reply: Reply,
}

enum Reply {
    /// A payment that differs from the order's by an edit.
    Payment(PaymentState, fn(&mut ProviderPayment)),
    Refund(RefundState),
    /// No payment has the id.
    Missing,
    Error(PaymentError),
    /// The call never ends.
    Silence,
}

impl Answer {
    /// The order's payment in some state.
    pub(crate) fn payment(state: PaymentState) -> Self {
        Self::other(state, |_| {})
    }

    /// A payment that differs from the order's.
    pub(crate) fn other(state: PaymentState, edit: fn(&mut ProviderPayment)) -> Self {
        Reply::Payment(state, edit).into()
    }

    pub(crate) fn authorised() -> Self {
        Self::payment(PaymentState::Authorised)
    }

    pub(crate) fn captured(amount: i64) -> Self {
        Self::payment(captured(amount))
    }

    pub(crate) fn voided() -> Self {
        Self::payment(PaymentState::Cancelled)
    }

    pub(crate) fn refund(state: RefundState) -> Self {
        Reply::Refund(state).into()
    }

    pub(crate) fn missing() -> Self {
        Reply::Missing.into()
    }

    pub(crate) fn declined() -> Self {
        let code = "card_declined".to_owned();
        Reply::Error(PaymentError::Declined { code }).into()
    }

    pub(crate) fn refused() -> Self {
        Reply::Error(PaymentError::Refused("wrong key".to_owned())).into()
    }

    pub(crate) fn unavailable() -> Self {
        Reply::Error(PaymentError::Unavailable("bad gateway".to_owned())).into()
    }

    /// No answer until the caller gives up.
    pub(crate) fn silence() -> Self {
        Reply::Silence.into()
    }

    /// The same answer, with changes of the shop before it arrives.
    pub(crate) fn after(self, meanwhile: &'static [Change]) -> Self {
        Self { meanwhile, ..self }
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self {
            meanwhile: &[],
            reply,
        }
    }
}

/// A captured payment of which nothing was refunded.
pub(crate) fn captured(amount: i64) -> PaymentState {
    PaymentState::Captured {
        amount,
        refunded: 0,
    }
}

/// A payment provider that answers as prepared, in this order, and panics at a call too many.
#[derive(Clone)]
pub(crate) struct PreparedProvider {
    shop: Shop,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    calls: Vec<String>,
}

impl PreparedProvider {
    pub(crate) fn new(shop: Shop) -> Self {
        Self {
            shop,
            script: Arc::default(),
        }
    }

    /// Replaces the answers and forgets the calls.
    pub(crate) fn prepare(&self, answers: Vec<Answer>) {
        let mut script = self.script.lock().unwrap();
        script.answers = answers.into();
        script.calls.clear();
    }

    /// The calls so far, with the order's id as `ORDER` and the ids of its refunds as `REFUND-1` and so
    /// on: operation, payment, idempotency key, amount.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.script.lock().unwrap().calls.clone()
    }

    async fn answer(&self, call: String) -> Reply {
        let answer = {
            let mut script = self.script.lock().unwrap();
            let answer = script.answers.pop_front();
            let answer = answer.unwrap_or_else(|| panic!("no answer is prepared for: {call}"));
            script.calls.push(call);
            answer
        };
        for change in answer.meanwhile {
            self.shop.apply(*change).await;
        }
        answer.reply
    }

    async fn payment_answer(&self, call: String) -> Result<Option<ProviderPayment>, PaymentError> {
        match self.answer(call).await {
            Reply::Payment(state, edit) => {
                let order = self.shop.order().await;
                let mut payment = ProviderPayment {
                    payment_id: PAYMENT.to_owned(),
                    order_id: Some(order.id.to_string()),
                    amount: order.totals.total.amount,
                    currency: order.totals.total.currency.to_string(),
                    state,
                    client_secret: Some("secret".to_owned()),
                };
                edit(&mut payment);
                Ok(Some(payment))
            }
            Reply::Missing => Ok(None),
            Reply::Error(error) => Err(error),
            Reply::Silence => std::future::pending().await,
            Reply::Refund(state) => panic!("{state:?} answers refunds only"),
        }
    }

    async fn named(&self, text: &str) -> String {
        let order = self.shop.order().await;
        let mut text = text.replace(&order.id.to_string(), "ORDER");
        for (index, refund) in order.refunds.iter().enumerate() {
            text = text.replace(&refund.id.to_string(), &format!("REFUND-{}", index + 1));
        }
        text
    }
}

fn sum(money: Money) -> String {
    format!("{} {}", money.amount, money.currency)
}

impl PaymentProvider for PreparedProvider {
    async fn authorise(
        &self,
        authorisation: &Authorisation<'_>,
    ) -> Result<ProviderPayment, PaymentError> {
        let Authorisation {
            order_id,
            idempotency_key,
            amount,
            token,
            attempt,
        } = authorisation;
        let call = format!(
            "authorise {order_id}, key {idempotency_key}, {}, {}, attempt {attempt}",
            sum(*amount),
            token.unwrap_or("no token"),
        );
        let payment = self.payment_answer(self.named(&call).await).await?;
        Ok(payment.unwrap())
    }

    async fn capture(
        &self,
        payment_id: &str,
        idempotency_key: &str,
        amount: Money,
    ) -> Result<ProviderPayment, PaymentError> {
        let call = format!(
            "capture {payment_id}, key {idempotency_key}, {}",
            sum(amount)
        );
        let payment = self.payment_answer(self.named(&call).await).await?;
        Ok(payment.unwrap())
    }

    async fn cancel(
        &self,
        payment_id: &str,
        idempotency_key: &str,
    ) -> Result<ProviderPayment, PaymentError> {
        let call = format!("void {payment_id}, key {idempotency_key}");
        let payment = self.payment_answer(self.named(&call).await).await?;
        Ok(payment.unwrap())
    }

    async fn refund(&self, refund: &Refund<'_>) -> Result<ProviderRefund, PaymentError> {
        let call = format!(
            "refund {}, key {}, {}",
            refund.payment_id,
            refund.refund_id,
            sum(refund.amount)
        );
        match self.answer(self.named(&call).await).await {
            Reply::Refund(state) => Ok(ProviderRefund {
                refund_id: "re_1".to_owned(),
                state,
            }),
            Reply::Error(error) => Err(error),
            Reply::Silence => std::future::pending().await,
            Reply::Payment(..) | Reply::Missing => panic!("{call} is answered with a payment"),
        }
    }

    async fn find_refund(
        &self,
        payment_id: &str,
        refund_id: &str,
    ) -> Result<Option<ProviderRefund>, PaymentError> {
        let call = format!("find {refund_id} of {payment_id}");
        match self.answer(self.named(&call).await).await {
            Reply::Refund(state) => Ok(Some(ProviderRefund {
                refund_id: "re_1".to_owned(),
                state,
            })),
            Reply::Missing => Ok(None),
            Reply::Error(error) => Err(error),
            Reply::Silence => std::future::pending().await,
            Reply::Payment(..) => panic!("{call} is answered with a payment"),
        }
    }

    async fn find_payment(&self, order_id: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        let call = format!("find payment of {order_id}");
        self.payment_answer(self.named(&call).await).await
    }

    async fn payment(&self, payment_id: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        self.payment_answer(format!("read {payment_id}")).await
    }
}
