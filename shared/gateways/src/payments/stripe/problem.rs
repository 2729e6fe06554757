//! Tells failed calls apart: declined, rejected, or without a conclusive response.

use http::StatusCode;

use super::wire::StripeErrorBody;
use crate::payments::PaymentError;

/// Maximum length of Stripe's message in an error.
const MAX_WORDS: usize = 300;

/// A failed call.
pub(super) struct Problem {
    /// Status of Stripe's response; `None` if there was none, or no call was made.
    pub(super) status: Option<StatusCode>,
    error: PaymentError,
}

impl Problem {
    pub(super) fn ours(cause: &str) -> Self {
        Self {
            status: None,
            error: PaymentError::Refused(cause.to_owned()),
        }
    }

    pub(super) fn no_answer(cause: String) -> Self {
        Self {
            status: None,
            error: PaymentError::Unavailable(cause),
        }
    }

    pub(super) fn of(status: StatusCode, body: &[u8], secret_key: &str) -> Self {
        let StripeErrorBody { error } = serde_json::from_slice(body).unwrap_or_default();
        let code = error.code.as_deref();
        let words = format!(
            "{}: {}",
            code.or(error.kind.as_deref()).unwrap_or(status.as_str()),
            error.message.unwrap_or_default()
        );
        let words: String = words
            .replace(secret_key, "…")
            .chars()
            .take(MAX_WORDS)
            .collect();
        let is_passing = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT
                    | StatusCode::CONFLICT
                    | StatusCode::FAILED_DEPENDENCY
                    | StatusCode::TOO_MANY_REQUESTS
            )
            // Another call with the same key is in progress, or holds a lock on the object.
            || matches!(code, Some("idempotency_key_in_use" | "lock_timeout" | "rate_limit"))
            // Neither success nor an error of Stripe: an intermediary responded.
            || !status.is_client_error();
        let is_declined =
            status == StatusCode::PAYMENT_REQUIRED || error.kind.as_deref() == Some("card_error");
        let error = if is_passing {
            PaymentError::Unavailable(words)
        } else if is_declined {
            let code = error.decline_code.or(error.code);
            PaymentError::Declined {
                code: code.unwrap_or_else(|| "card_error".into()),
            }
        } else {
            PaymentError::Refused(words)
        };
        Self {
            status: Some(status),
            error,
        }
    }

    /// Removes the token, which Stripe may quote, as it must not be logged.
    pub(super) fn without(mut self, token: Option<&str>) -> Self {
        if let (PaymentError::Refused(words) | PaymentError::Unavailable(words), Some(token)) =
            (&mut self.error, token)
            && !token.is_empty()
        {
            *words = words.replace(token, "…");
        }
        self
    }
}

impl From<Problem> for PaymentError {
    fn from(problem: Problem) -> Self {
        problem.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        #[derive(Debug, PartialEq)]
        enum Kind {
            Declined(String),
            Refused,
            Unavailable,
        }
        let declined = |code: &str| Kind::Declined(code.into());
        for (status, body, want) in [
            (
                402,
                r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"do_not_honor"}}"#,
                declined("do_not_honor"),
            ),
            (
                402,
                r#"{"error":{"type":"card_error","code":"expired_card"}}"#,
                declined("expired_card"),
            ),
            (402, "", declined("card_error")),
            (
                400,
                r#"{"error":{"type":"invalid_request_error","code":"parameter_missing","message":"m"}}"#,
                Kind::Refused,
            ),
            (
                400,
                r#"{"error":{"type":"idempotency_error","message":"other parameters"}}"#,
                Kind::Refused,
            ),
            (
                400,
                r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#,
                Kind::Unavailable,
            ),
            (401, "{}", Kind::Refused),
            (403, "<html>", Kind::Refused),
            (404, "[]", Kind::Refused),
            (
                409,
                r#"{"error":{"type":"idempotency_error"}}"#,
                Kind::Unavailable,
            ),
            (424, "", Kind::Unavailable),
            (
                429,
                r#"{"error":{"code":"lock_timeout"}}"#,
                Kind::Unavailable,
            ),
            (500, r#"{"error":{"type":"api_error"}}"#, Kind::Unavailable),
            (302, "", Kind::Unavailable),
            (503, "<html>", Kind::Unavailable),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let got = match Problem::of(status, body.as_bytes(), "sk_test_1").error {
                PaymentError::Declined { code } => Kind::Declined(code),
                PaymentError::Refused(_) => Kind::Refused,
                PaymentError::Unavailable(_) => Kind::Unavailable,
            };
            assert_eq!(got, want, "{status} {body}");
        }
    }

    #[test]
    fn words_do_not_carry_keys_or_tokens() {
        let body =
            r#"{"error":{"code":"resource_missing","message":"No such pm_x, with sk_test_1"}}"#;
        let problem = Problem::of(StatusCode::BAD_REQUEST, body.as_bytes(), "sk_test_1");
        assert_eq!(
            problem.without(Some("pm_x")).error,
            PaymentError::Refused("resource_missing: No such …, with …".into())
        );
    }
}
