//! Maps failures to `application/problem+json` (RFC 9457), in this one place.

use domain::fault::{Code, FieldFault, Rejection};
use http::StatusCode;
use serde::Serialize;

/// Problems that a retry can resolve, with the least and the most seconds to wait before it.
const RETRY_AFTER: [(Code, u64, u64); 6] = [
    (Code::RequestInProgress, 1, 3),
    (Code::Busy, 1, 5),
    (Code::PaymentInProgress, 5, 10),
    (Code::InvoiceNotReady, 5, 10),
    (Code::TooManyUnpaidOrders, 10, 20),
    (Code::RateLimited, 1, 3),
];

/// A problem (RFC 9457).
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Problem {
    /// `/problems/` and the code: identifies the type of the problem.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldFault>,
    /// For the header `Allow`.
    #[serde(skip)]
    allowed_methods: Vec<&'static str>,
    /// Least seconds of `Retry-After`, where they depend on the request.
    #[serde(skip)]
    least_wait: Option<u64>,
}

/// HTTP status and title of a code.
pub const fn status_and_title(code: Code) -> (StatusCode, &'static str) {
    match code {
        Code::MalformedJson => (StatusCode::BAD_REQUEST, "The body is not valid JSON"),
        Code::BadRequest => (StatusCode::BAD_REQUEST, "The request is not valid"),
        Code::ValidationFailed => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Some values are not valid",
        ),
        Code::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Code::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "The path does not accept this method",
        ),
        Code::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
        Code::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be JSON"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "A valid token is required"),
        Code::Forbidden => (StatusCode::FORBIDDEN, "Not permitted"),
        Code::CrossSiteRequest => (StatusCode::FORBIDDEN, "The request comes from another site"),
        Code::InvalidCredentials => (StatusCode::UNAUTHORIZED, "The credentials are wrong"),
        Code::SecondFactorRequired => (StatusCode::UNAUTHORIZED, "A second factor is required"),
        Code::ReauthenticationRequired => (StatusCode::FORBIDDEN, "A recent login is required"),
        Code::TooManyPasskeys => (StatusCode::CONFLICT, "The account has too many passkeys"),
        Code::RefreshTokenReused => (
            StatusCode::UNAUTHORIZED,
            "The refresh token was used before",
        ),
        Code::AddressBookFull => (StatusCode::CONFLICT, "The address book is full"),
        Code::InvalidLink => (StatusCode::BAD_REQUEST, "The link is not valid"),
        Code::IdempotencyKeyMissing => (StatusCode::BAD_REQUEST, "An Idempotency-Key is required"),
        Code::IdempotencyKeyInvalid => {
            (StatusCode::BAD_REQUEST, "The Idempotency-Key is not valid")
        }
        Code::IdempotencyKeyReused => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The Idempotency-Key was used before",
        ),
        Code::CartEmpty => (StatusCode::CONFLICT, "The cart is empty"),
        Code::CartAlreadyOrdered => (StatusCode::CONFLICT, "The cart was already ordered"),
        Code::CartFull => (StatusCode::CONFLICT, "The cart is full"),
        Code::WishlistFull => (StatusCode::CONFLICT, "The wish list is full"),
        Code::UnknownSku => (StatusCode::NOT_FOUND, "Unknown SKU"),
        Code::OutOfStock => (StatusCode::CONFLICT, "Not enough in stock"),
        Code::TooManyUnits => (StatusCode::UNPROCESSABLE_ENTITY, "Too many units"),
        Code::TooManyUnpaidOrders => (StatusCode::TOO_MANY_REQUESTS, "Too many unpaid orders"),
        Code::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        Code::ChallengeRequired => (StatusCode::FORBIDDEN, "A challenge must be solved"),
        Code::RequestInProgress => (StatusCode::CONFLICT, "The request is in progress"),
        Code::OrderStatus => (
            StatusCode::CONFLICT,
            "The order's status does not allow this",
        ),
        Code::OrderRefunded => (StatusCode::CONFLICT, "The order was refunded in full"),
        Code::OrderShipped => (StatusCode::CONFLICT, "Part of the order has been shipped"),
        Code::PaymentInProgress => (StatusCode::CONFLICT, "A capture is in progress"),
        Code::RefundTooHigh => (StatusCode::CONFLICT, "The refund is too high"),
        Code::ShardsCannotShrink => (StatusCode::CONFLICT, "The stock already has more shards"),
        Code::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "The resource has changed"),
        Code::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "If-Match is required"),
        Code::JobEnded => (StatusCode::CONFLICT, "The job has ended"),
        Code::RoleInUse => (StatusCode::CONFLICT, "The role is in use"),
        Code::GroupExists => (StatusCode::CONFLICT, "The customer group exists"),
        Code::GroupInUse => (StatusCode::CONFLICT, "The customer group is in use"),
        Code::TooManyGroups => (StatusCode::CONFLICT, "Too many customer groups"),
        Code::LastOwner => (StatusCode::CONFLICT, "The shop needs an owner"),
        Code::AlreadyMember => (StatusCode::CONFLICT, "Already a member of the staff"),
        Code::RevisionUnreadable => (StatusCode::CONFLICT, "The revision cannot be read"),
        Code::InvalidSignature => (StatusCode::BAD_REQUEST, "The signature is not valid"),
        Code::InvoiceNotReady => (StatusCode::NOT_FOUND, "The invoice is not ready yet"),
        Code::InvalidCursor => (StatusCode::BAD_REQUEST, "The cursor is not valid"),
        Code::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Busy, try again"),
    }
}

impl Problem {
    pub(crate) fn of(rejection: Rejection) -> Self {
        let (status, title) = status_and_title(rejection.code);
        let problem = Self::new(
            status,
            title,
            rejection.code.as_str(),
            rejection.detail,
            rejection.fields,
        );
        Self {
            allowed_methods: rejection.allowed_methods,
            least_wait: rejection.retry_after,
            ..problem
        }
    }

    /// Does not reveal the cause, which is only logged.
    pub(crate) fn internal(retryable: bool) -> Self {
        if retryable {
            let (status, title) = status_and_title(Code::Busy);
            let detail = "The shop is temporarily unavailable; send the same request again.";
            return Self::new(
                status,
                title,
                Code::Busy.as_str(),
                detail.into(),
                Vec::new(),
            );
        }
        let detail =
            "An internal error occurred; it has been logged. Contact the shop if it persists.";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(
            status,
            "Internal error",
            "internal_error",
            detail.into(),
            Vec::new(),
        )
    }

    fn new(
        status: StatusCode,
        title: &'static str,
        code: &'static str,
        detail: String,
        errors: Vec<FieldFault>,
    ) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title,
            status: status.as_u16(),
            detail,
            code,
            errors,
            allowed_methods: Vec::new(),
            least_wait: None,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        // Problems are made from valid status codes, so the fallback is never used.
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// `Retry-After` in seconds, for problems that a retry can resolve: by `random` within a range, so that
    /// callers who are turned away in one second do not all come back in one second. Where the least wait depends on the
    /// request, the range begins there and is half as long, at least as long as the code's.
    pub(crate) fn retry_after(&self, random: u64) -> Option<u64> {
        let mut ranges = RETRY_AFTER.iter();
        let range = ranges.find(|(code, ..)| code.as_str() == self.code);
        range.map(|(_, least, most)| {
            let usual = most - least;
            let (least, spread) = match self.least_wait {
                Some(least) => (least, usual.max(least / 2)),
                None => (*least, usual),
            };
            least.saturating_add(random % (spread + 1))
        })
    }

    /// `Allow`, if the path exists with other methods.
    pub(crate) fn allow(&self) -> Option<String> {
        (!self.allowed_methods.is_empty()).then(|| self.allowed_methods.join(", "))
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply;

    /// The response as it is sent: status, headers and body.
    fn response(problem: &Problem) -> String {
        let response = reply::problem(problem, 0);
        let mut lines = vec![response.status().to_string()];
        for (name, value) in response.headers() {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
        lines[1..].sort();
        let body = std::str::from_utf8(response.body()).unwrap();
        lines.push(format!("{body}\n"));
        lines.join("\n")
    }

    /// The response of every code, and those of failures whose cause is not sent.
    #[test]
    fn problems() {
        let mut responses: Vec<String> = Code::ALL
            .iter()
            .map(|code| response(&Problem::of(Rejection::new(*code, "The detail."))))
            .collect();
        let fields = vec![
            FieldFault::new("quantity", "out_of_range", "Must be from 1 to 999."),
            FieldFault::new("sku", "required", "Is required."),
        ];
        responses.push(response(&Problem::of(Rejection::invalid(fields))));
        for retryable in [true, false] {
            responses.push(response(&Problem::internal(retryable)));
        }
        insta::assert_snapshot!(responses.join("\n"));
    }
    /// The kind: retries. Without jitter everybody comes back in the same second.
    #[test]
    fn callers_are_told_to_come_back_at_different_times() {
        for (code, least, most) in RETRY_AFTER {
            let problem = Problem::of(Rejection::new(code, "The detail."));
            let mut told: Vec<u64> = (0..100)
                .map(|random| problem.retry_after(random).unwrap())
                .collect();
            told.sort_unstable();
            told.dedup();
            assert_eq!(told, (least..=most).collect::<Vec<_>>(), "{code:?}");
            assert!(told.len() > 2, "{code:?}");
        }
    }

    #[test]
    fn a_wait_that_depends_on_the_request_is_told_and_spread() {
        let told = |wait: i64, random: u64| {
            let problem = Problem::of(domain::limits::rate_limited(wait * 1_000_000));
            problem.retry_after(random).unwrap()
        };
        let all = |wait: i64| (0..1000).map(move |random| told(wait, random));
        for (wait, most) in [(1, 3), (4, 6), (60, 90), (3600, 5400)] {
            assert_eq!(all(wait).min(), Some(wait.unsigned_abs()), "{wait}");
            let latest = all(wait).max().unwrap();
            assert!(
                latest <= most && latest > wait.unsigned_abs(),
                "{wait}: {latest}"
            );
        }
    }
}
