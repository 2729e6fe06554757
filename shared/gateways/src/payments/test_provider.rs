//! The built-in payment provider for tests and demos.

use domain::money::{Currency, Money};

use super::{
    Authorisation, PaymentError, PaymentProvider, PaymentState, ProviderPayment, ProviderRefund,
    Refund, RefundState,
};

/// The built-in payment provider for tests and demos. It moves no money and keeps no state; its tokens
/// determine the outcome.
///
/// | token | outcome |
/// | --- | --- |
/// | `tok_ok` | authorized |
/// | `tok_flaky` | no answer at first, authorized on retry |
/// | `tok_timeout` | never answers |
/// | `tok_refund_fails` | authorized and captured; refunds fail |
/// | anything else, such as `tok_declined`, or none | declined |
///
/// Later calls read from the payment's id: amount, currency, and whether refunds fail.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestProvider;

impl PaymentProvider for TestProvider {
    async fn authorise(
        &self,
        authorisation: &Authorisation<'_>,
    ) -> Result<ProviderPayment, PaymentError> {
        let returns_money = match authorisation.token {
            Some("tok_ok") => true,
            Some("tok_flaky") if authorisation.attempt < 2 => {
                return Err(PaymentError::Unavailable("an internal error".into()));
            }
            Some("tok_flaky") => true,
            Some("tok_refund_fails") => false,
            Some("tok_timeout") => std::future::pending().await,
            Some(_) => return Err(declined("card_declined")),
            None => return Err(declined("token_missing")),
        };
        let name = Name {
            returns_money,
            amount: authorisation.amount,
        };
        Ok(ProviderPayment {
            order_id: Some(authorisation.order_id.to_owned()),
            ..name.payment(
                &name.of(authorisation.idempotency_key),
                PaymentState::Authorised,
            )
        })
    }

    async fn capture(
        &self,
        payment_id: &str,
        _: &str,
        amount: Money,
    ) -> Result<ProviderPayment, PaymentError> {
        let name = Name::read(payment_id).ok_or_else(unknown)?;
        if amount.currency != name.amount.currency
            || !(1..=name.amount.amount).contains(&amount.amount)
        {
            return Err(PaymentError::Refused(
                "the amount exceeds the authorized amount".into(),
            ));
        }
        let state = PaymentState::Captured {
            amount: amount.amount,
            refunded: 0,
        };
        Ok(name.payment(payment_id, state))
    }

    async fn cancel(&self, payment_id: &str, _: &str) -> Result<ProviderPayment, PaymentError> {
        let name = Name::read(payment_id).ok_or_else(unknown)?;
        Ok(name.payment(payment_id, PaymentState::Cancelled))
    }

    async fn refund(&self, refund: &Refund<'_>) -> Result<ProviderRefund, PaymentError> {
        let name = Name::read(refund.payment_id).ok_or_else(unknown)?;
        if refund.amount.currency != name.amount.currency
            || !(1..=name.amount.amount).contains(&refund.amount.amount)
        {
            return Err(PaymentError::Refused(
                "the amount exceeds the captured amount".into(),
            ));
        }
        Ok(ProviderRefund {
            refund_id: format!("test_refund_{}", refund.refund_id),
            state: if name.returns_money {
                RefundState::Succeeded
            } else {
                RefundState::Failed {
                    code: "lost_or_stolen_card".into(),
                }
            },
        })
    }

    /// Without state, there is nothing to find; repeating the refund has no second effect.
    async fn find_refund(&self, _: &str, _: &str) -> Result<Option<ProviderRefund>, PaymentError> {
        Ok(None)
    }

    /// Without state, there is nothing to find; the payment's id follows from its key.
    async fn find_payment(&self, _: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        Ok(None)
    }

    /// Without state, only one fact is known: the payment was authorized.
    async fn payment(&self, payment_id: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        Ok(Name::read(payment_id).map(|name| name.payment(payment_id, PaymentState::Authorised)))
    }
}

fn declined(code: &str) -> PaymentError {
    PaymentError::Declined { code: code.into() }
}

fn unknown() -> PaymentError {
    PaymentError::Refused("payment not found".into())
}

/// Data in the id of a payment: `test_a1999USD_<key>`, with `b` if its refunds fail.
#[derive(Clone, Copy)]
struct Name {
    returns_money: bool,
    amount: Money,
}

impl Name {
    fn of(self, idempotency_key: &str) -> String {
        let kind = if self.returns_money { 'a' } else { 'b' };
        let Money { amount, currency } = self.amount;
        format!("test_{kind}{amount}{currency}_{idempotency_key}")
    }

    fn read(payment_id: &str) -> Option<Self> {
        let (facts, _) = payment_id.strip_prefix("test_")?.split_once('_')?;
        let (returns_money, facts) = match facts.strip_prefix('a') {
            Some(facts) => (true, facts),
            None => (false, facts.strip_prefix('b')?),
        };
        let (amount, currency) = facts.split_at_checked(facts.len().checked_sub(3)?)?;
        let currency: Currency = currency.parse().ok()?;
        Some(Self {
            returns_money,
            amount: Money::new(amount.parse().ok()?, currency),
        })
    }

    fn payment(self, payment_id: &str, state: PaymentState) -> ProviderPayment {
        ProviderPayment {
            payment_id: payment_id.to_owned(),
            order_id: None,
            amount: self.amount.amount,
            currency: self.amount.currency.to_string(),
            state,
            client_secret: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn money(amount: i64) -> Money {
        Money::new(amount, "USD".parse().unwrap())
    }

    fn authorisation(token: Option<&str>, attempt: u32) -> Authorisation<'_> {
        Authorisation {
            order_id: "order",
            idempotency_key: "key_1",
            amount: money(1999),
            token,
            attempt,
        }
    }

    #[tokio::test]
    async fn a_payment_goes_its_way_without_a_memory() {
        let payment = TestProvider
            .authorise(&authorisation(Some("tok_ok"), 1))
            .await
            .unwrap();
        assert_eq!(payment.state, PaymentState::Authorised);
        assert_eq!(payment.order_id.as_deref(), Some("order"));
        let id = payment.payment_id.as_str();
        assert_eq!(id, "test_a1999USD_key_1");

        let captured = TestProvider.capture(id, "k", money(1500)).await.unwrap();
        assert_eq!(
            captured.state,
            PaymentState::Captured {
                amount: 1500,
                refunded: 0
            }
        );
        let too_much = TestProvider.capture(id, "k", money(2000)).await;
        assert!(matches!(too_much, Err(PaymentError::Refused(_))));
        let cancelled = TestProvider.cancel(id, "k").await.unwrap();
        assert_eq!(cancelled.state, PaymentState::Cancelled);
        let known = TestProvider.payment(id).await.unwrap().unwrap();
        assert_eq!((known.amount, known.currency.as_str()), (1999, "USD"));
        assert_eq!(TestProvider.payment("pi_1").await, Ok(None));

        let refund = Refund {
            payment_id: id,
            refund_id: "k",
            amount: money(1500),
        };
        let refunded = TestProvider.refund(&refund).await.unwrap();
        assert_eq!(refunded.state, RefundState::Succeeded);
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_say_what_happens() {
        for (token, attempt, declined) in [
            (Some("tok_declined"), 1, true),
            (Some("tok_unheard_of"), 1, true),
            (None, 1, true),
            (Some("tok_flaky"), 2, false),
        ] {
            let outcome = TestProvider.authorise(&authorisation(token, attempt)).await;
            let is_declined = matches!(outcome, Err(PaymentError::Declined { .. }));
            assert_eq!(is_declined, declined, "{token:?}");
        }
        let flaky = TestProvider
            .authorise(&authorisation(Some("tok_flaky"), 1))
            .await;
        assert!(matches!(flaky, Err(PaymentError::Unavailable(_))));
        let waited = tokio::time::timeout(
            Duration::from_secs(60),
            TestProvider.authorise(&authorisation(Some("tok_timeout"), 4)),
        )
        .await;
        assert!(waited.is_err());
    }

    #[tokio::test]
    async fn the_name_tells_the_provider_and_nobody_else_that_refunds_fail() {
        let payment = TestProvider
            .authorise(&authorisation(Some("tok_refund_fails"), 1))
            .await
            .unwrap();
        assert!(!payment.payment_id.contains("refund"));
        let refund = Refund {
            payment_id: &payment.payment_id,
            refund_id: "k",
            amount: money(1),
        };
        let refunded = TestProvider.refund(&refund).await.unwrap();
        assert!(matches!(refunded.state, RefundState::Failed { .. }));
    }

    proptest! {
        #[test]
        fn any_name_is_read_or_is_not(text in "(test_)?[ab]?[0-9é]{0,4}[A-Zé]{0,4}_?.*") {
            let _ = Name::read(&text);
        }

        #[test]
        fn a_name_says_what_it_was_made_of(amount in 1..i64::MAX, key in "[!-~]{1,64}") {
            let name = Name { returns_money: false, amount: money(amount) };
            let read = Name::read(&name.of(&key)).unwrap();
            prop_assert!(!read.returns_money);
            prop_assert_eq!(read.amount, money(amount));
        }
    }
}
