//! A login, and what its response means.

use reqwest::{Client, header::RETRY_AFTER};
use serde_json::Value;

/// The response to a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 200.
    SignedIn,
    /// 401.
    Refused,
    /// 429, with the seconds of `Retry-After`.
    Limited(u64),
    /// 503, with the seconds of `Retry-After`.
    Busy(u64),
    /// None in time.
    None,
    /// Any other, or one of those without `Retry-After`: its status, or the failure of the connection.
    Wrong(String),
}

impl Answer {
    /// Name of the answer in the report.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::SignedIn => "200".to_owned(),
            Self::Refused => "401".to_owned(),
            Self::Limited(_) => "429".to_owned(),
            Self::Busy(_) => "503".to_owned(),
            Self::None => "none".to_owned(),
            Self::Wrong(what) => what.clone(),
        }
    }

    fn of(status: u16, retry_after: Option<&str>) -> Self {
        let wait = retry_after.and_then(|seconds| seconds.parse().ok());
        match (status, wait) {
            (200, _) => Self::SignedIn,
            (401, _) => Self::Refused,
            (429, Some(seconds)) => Self::Limited(seconds),
            (503, Some(seconds)) => Self::Busy(seconds),
            (429 | 503, None) => Self::Wrong(format!("{status} without Retry-After")),
            _ => Self::Wrong(status.to_string()),
        }
    }
}

/// Sends a login and reads the complete response.
pub(crate) async fn log_in(client: &Client, shop: &str, body: &Value) -> Answer {
    let failed = |error: &reqwest::Error| match error {
        error if error.is_timeout() => Answer::None,
        error if error.is_connect() => Answer::Wrong("no connection".to_owned()),
        _ => Answer::Wrong("broken connection".to_owned()),
    };
    let request = client.post(format!("{shop}/v1/auth/login")).json(body);
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).cloned();
    if let Err(error) = response.bytes().await {
        return failed(&error);
    }
    let retry_after = retry_after.as_ref().and_then(|value| value.to_str().ok());
    Answer::of(status, retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_turned_away_must_be_told_until_when() {
        assert_eq!(Answer::of(200, None), Answer::SignedIn);
        assert_eq!(Answer::of(401, Some("1")), Answer::Refused);
        assert_eq!(Answer::of(429, Some("7")), Answer::Limited(7));
        assert_eq!(Answer::of(503, Some("2")), Answer::Busy(2));
        for (status, retry_after, name) in [
            (429, None, "429 without Retry-After"),
            (503, Some("soon"), "503 without Retry-After"),
            (500, Some("1"), "500"),
        ] {
            assert_eq!(Answer::of(status, retry_after).name(), name);
        }
    }
}
