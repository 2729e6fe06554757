//! Converts between Stripe's objects and those of any payment provider.

use domain::{money::Money, payments::Provider};
use jiff::Timestamp;

use super::wire::{Charge, Event, Intent, Named, RefundAnswer};
use crate::payments::{
    EventError, PaymentError, PaymentState, ProviderEvent, ProviderPayment, ProviderRefund,
    RefundState,
};

/// Path of a PaymentIntent in the API.
pub(super) fn intent_path(payment_id: &str) -> Result<String, PaymentError> {
    if !payment_id.starts_with("pi_") {
        return Err(PaymentError::Refused(
            "this is not the id of a payment at Stripe".into(),
        ));
    }
    Ok(format!("/v1/payment_intents/{}", plain(payment_id)?))
}

/// An id that is a part of a path or query as it is.
pub(super) fn plain(id: &str) -> Result<&str, PaymentError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if id.is_empty() || !id.bytes().all(is_name) {
        return Err(PaymentError::Refused("this is not an id".into()));
    }
    Ok(id)
}

/// An amount in Stripe's notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StripeAmount {
    /// Minor units, in decimal digits.
    pub(super) amount: String,
    /// ISO 4217 code in lower case.
    pub(super) currency: String,
}

/// Converts an amount to Stripe's notation.
pub(super) fn in_stripes_units(money: Money) -> Result<StripeAmount, PaymentError> {
    // Prices are checked when they are set; Stripe may have been offered since.
    Provider::Stripe
        .check_amount(money)
        .map_err(|error| PaymentError::Refused(error.to_string()))?;
    let Money { amount, currency } = money;
    let currency = currency.to_string();
    if amount <= 0 {
        return Err(PaymentError::Refused("the amount must be positive".into()));
    }
    Ok(StripeAmount {
        amount: amount.to_string(),
        currency: currency.to_ascii_lowercase(),
    })
}

impl From<Intent> for ProviderPayment {
    fn from(intent: Intent) -> Self {
        let state = match intent.status.as_str() {
            "requires_capture" => PaymentState::Authorised,
            "succeeded" => PaymentState::Captured {
                amount: intent.amount_received,
                refunded: intent.refunded(),
            },
            "canceled" => PaymentState::Cancelled,
            "requires_action" | "requires_confirmation" => PaymentState::Confirming,
            "requires_payment_method" => match intent.last_payment_error {
                None => PaymentState::RequiresAction,
                Some(error) => PaymentState::Failed {
                    code: error
                        .decline_code
                        .or(error.code)
                        .unwrap_or_else(|| "unknown".into()),
                },
            },
            // `processing`, or a future status: nothing to do yet.
            _ => PaymentState::Processing,
        };
        Self {
            payment_id: intent.id,
            order_id: intent.metadata.and_then(|metadata| metadata.order_id),
            amount: intent.amount,
            currency: intent.currency.to_ascii_uppercase(),
            state,
            client_secret: intent.client_secret,
        }
    }
}

impl Intent {
    /// Amount refunded after the capture. Stripe also counts the part that a partial capture releases
    /// as refunded, but that was never captured.
    fn refunded(&self) -> i64 {
        match self.latest_charge {
            Some(Charge::Expanded {
                amount,
                amount_refunded,
            }) => {
                let released = amount.saturating_sub(self.amount_received);
                amount_refunded.saturating_sub(released).max(0)
            }
            _ => 0,
        }
    }
}

impl RefundAnswer {
    /// Whether it was made with the shop's id of a refund.
    pub(super) fn is_of(&self, refund_id: &str) -> bool {
        let metadata = self.metadata.as_ref();
        metadata.and_then(|it| it.refund_id.as_deref()) == Some(refund_id)
    }
}

impl From<RefundAnswer> for ProviderRefund {
    fn from(refund: RefundAnswer) -> Self {
        let state = match refund.status.as_deref() {
            Some("succeeded") => RefundState::Succeeded,
            Some(status @ ("failed" | "canceled")) => RefundState::Failed {
                code: refund.failure_reason.unwrap_or_else(|| status.to_owned()),
            },
            _ => RefundState::Pending,
        };
        Self {
            refund_id: refund.id,
            state,
        }
    }
}

/// Parses a webhook event.
pub(super) fn read_event(body: &[u8]) -> Result<ProviderEvent, EventError> {
    let event: Event =
        serde_json::from_slice(body).map_err(|error| EventError::Unreadable(error.to_string()))?;
    let created_at = Timestamp::from_second(event.created)
        .map_err(|error| EventError::Unreadable(error.to_string()))?;
    let object = event.data.object;
    let payment_id = if object.object.as_deref() == Some("payment_intent") {
        object.id
    } else {
        object.payment_intent.map(|named| match named {
            Named::Name(id) | Named::Expanded { id } => id,
        })
    };
    Ok(ProviderEvent {
        event_id: event.id,
        kind: event.kind,
        payment_id,
        order_id: object.metadata.and_then(|metadata| metadata.order_id),
        created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(intent: serde_json::Value) -> ProviderPayment {
        serde_json::from_value::<Intent>(intent).unwrap().into()
    }

    #[test]
    fn every_status_has_a_meaning_also_one_that_is_new() {
        for (status, want) in [
            ("requires_payment_method", PaymentState::RequiresAction),
            ("requires_confirmation", PaymentState::Confirming),
            ("requires_action", PaymentState::Confirming),
            ("processing", PaymentState::Processing),
            ("requires_capture", PaymentState::Authorised),
            ("canceled", PaymentState::Cancelled),
            ("requires_patience", PaymentState::Processing),
        ] {
            let payment = payment(serde_json::json!({
                "id": "pi_1", "amount": 5, "currency": "eur", "status": status, "anything": {"else": []},
                "latest_charge": "ch_1",
            }));
            assert_eq!(payment.state, want, "{status}");
            assert_eq!(payment.currency, "EUR");
        }
    }

    #[test]
    fn a_failed_try_says_why() {
        let payment = payment(serde_json::json!({
            "id": "pi_1", "amount": 5, "currency": "eur", "status": "requires_payment_method",
            "metadata": {"order_id": "o"},
            "last_payment_error": {"type": "card_error", "code": "card_declined", "decline_code": "lost_card"},
        }));
        let code = "lost_card".to_owned();
        assert_eq!(payment.state, PaymentState::Failed { code });
        assert_eq!(payment.order_id.as_deref(), Some("o"));
    }

    #[test]
    fn what_a_partial_capture_releases_is_not_refunded() {
        for (amount_received, amount_refunded, refunded) in [
            (20_675, 0, 0),
            (20_675, 20_675, 20_675),
            (20_300, 375, 0),
            (20_300, 1375, 1000),
            (20_300, 0, 0),
        ] {
            let payment = payment(serde_json::json!({
                "id": "pi_1", "amount": 20_675, "amount_received": amount_received, "currency": "usd",
                "status": "succeeded",
                "latest_charge": {"id": "ch_1", "amount": 20_675, "amount_refunded": amount_refunded},
            }));
            let want = PaymentState::Captured {
                amount: amount_received,
                refunded,
            };
            assert_eq!(payment.state, want);
        }
    }

    #[test]
    fn amounts_are_sent_only_where_both_count_alike() {
        let units =
            |amount, code: &str| in_stripes_units(Money::new(amount, code.parse().unwrap()));
        for (amount, code, digits, currency) in
            [(500, "JPY", "500", "jpy"), (1990, "EUR", "1990", "eur")]
        {
            let want = StripeAmount {
                amount: digits.into(),
                currency: currency.into(),
            };
            assert_eq!(units(amount, code), Ok(want));
        }
        for (amount, code) in [
            (500, "ISK"),
            (500, "UGX"),
            (500, "MGA"),
            (0, "EUR"),
            (-1, "EUR"),
        ] {
            assert!(matches!(units(amount, code), Err(PaymentError::Refused(_))));
        }
    }

    #[test]
    fn names_do_not_reach_into_the_address() {
        for name in [
            "",
            "pi",
            "ch_1",
            "pi_1/capture",
            "pi_1?x",
            "pi_../refunds",
            "pi_é",
        ] {
            assert!(intent_path(name).is_err(), "{name}");
        }
        assert_eq!(intent_path("pi_3Mr").unwrap(), "/v1/payment_intents/pi_3Mr");
    }

    #[test]
    fn refunds_that_are_not_settled_are_pending() {
        for (status, want) in [
            (Some("succeeded"), RefundState::Succeeded),
            (Some("pending"), RefundState::Pending),
            (Some("requires_action"), RefundState::Pending),
            (Some("new_word"), RefundState::Pending),
            (None, RefundState::Pending),
            (
                Some("failed"),
                RefundState::Failed {
                    code: "failed".into(),
                },
            ),
            (
                Some("canceled"),
                RefundState::Failed {
                    code: "canceled".into(),
                },
            ),
        ] {
            let answer = RefundAnswer {
                id: "re_1".into(),
                status: status.map(str::to_owned),
                failure_reason: None,
                metadata: None,
            };
            assert_eq!(ProviderRefund::from(answer).state, want, "{status:?}");
        }
    }

    #[test]
    fn events_name_the_payment_wherever_it_stands() {
        for (object, payment_id, order_id) in [
            (
                r#"{"object":"payment_intent","id":"pi_1","metadata":{"order_id":"o"}}"#,
                Some("pi_1"),
                Some("o"),
            ),
            (
                r#"{"object":"charge","id":"ch_1","payment_intent":"pi_1","metadata":{}}"#,
                Some("pi_1"),
                None,
            ),
            (
                r#"{"object":"refund","id":"re_1","payment_intent":{"id":"pi_1"},"metadata":null}"#,
                Some("pi_1"),
                None,
            ),
            (r#"{"object":"balance","payment_intent":null}"#, None, None),
        ] {
            let body = format!(
                r#"{{"id":"evt_1","type":"x.y","created":1795000000,"api_version":null,"data":{{"object":{object}}}}}"#
            );
            let event = read_event(body.as_bytes()).unwrap();
            assert_eq!(event.payment_id.as_deref(), payment_id, "{object}");
            assert_eq!(event.order_id.as_deref(), order_id, "{object}");
            assert_eq!(event.created_at.as_second(), 1_795_000_000);
        }
        for body in [
            "",
            "[]",
            "{}",
            r#"{"id":"evt_1","type":"x","created":99999999999999,"data":{"object":{}}}"#,
        ] {
            assert!(matches!(
                read_event(body.as_bytes()),
                Err(EventError::Unreadable(_))
            ));
        }
    }
}
