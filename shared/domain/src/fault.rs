//! What can be wrong with a request, in words that stay stable for clients.

use std::borrow::Cow;

/// Stable, machine-readable reason of a refusal. `runtime` gives each its HTTP status and title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON, or not UTF-8.
    MalformedJson,
    /// The request as a whole cannot be read (path, query or headers).
    BadRequest,
    /// The body is JSON, but fields are missing, unknown, of a wrong type or out of range.
    ValidationFailed,
    /// No such thing, or not for this caller.
    NotFound,
    /// The body is larger than the endpoint takes.
    PayloadTooLarge,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// No valid bearer token.
    Unauthenticated,
    /// A valid token that does not allow this.
    Forbidden,
    /// The endpoint wants an `Idempotency-Key`.
    IdempotencyKeyMissing,
    /// The `Idempotency-Key` is too long or has characters that are not printable ASCII.
    IdempotencyKeyInvalid,
    /// The key was used before, with another request.
    IdempotencyKeyReused,
    /// The cart has no lines.
    CartEmpty,
    /// The cart has become an order.
    CartAlreadyOrdered,
    /// The cart has as many lines as one may have.
    CartFull,
    /// No variant has this SKU, or it is not for sale.
    UnknownSku,
    /// Lines that cannot be served from stock.
    OutOfStock,
    /// The same request is being worked on at this moment.
    RequestInProgress,
    /// Where the order stands does not allow this.
    OrderStatus,
    /// Some of the order has been shipped.
    OrderShipped,
    /// The payment is being taken at this moment.
    PaymentInProgress,
    /// More than is left of what was captured.
    RefundTooHigh,
    /// The stock is split over more shards already.
    ShardsCannotShrink,
    /// The signature of a provider's event is missing, wrong or too old.
    InvalidSignature,
    /// The order's invoice has not been made yet.
    InvoiceNotReady,
    /// The cursor was not made by this list.
    InvalidCursor,
    /// Other writers were faster again and again; the same request may be sent again.
    Busy,
}

impl Code {
    /// The code as clients see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::BadRequest => "bad_request",
            Self::ValidationFailed => "validation_failed",
            Self::NotFound => "not_found",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::IdempotencyKeyMissing => "idempotency_key_missing",
            Self::IdempotencyKeyInvalid => "idempotency_key_invalid",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::CartEmpty => "cart_empty",
            Self::CartAlreadyOrdered => "cart_already_ordered",
            Self::CartFull => "cart_full",
            Self::UnknownSku => "unknown_sku",
            Self::OutOfStock => "out_of_stock",
            Self::RequestInProgress => "request_in_progress",
            Self::OrderStatus => "order_status",
            Self::OrderShipped => "order_shipped",
            Self::PaymentInProgress => "payment_in_progress",
            Self::RefundTooHigh => "refund_too_high",
            Self::ShardsCannotShrink => "shards_cannot_shrink",
            Self::InvalidSignature => "invalid_signature",
            Self::InvoiceNotReady => "invoice_not_ready",
            Self::InvalidCursor => "invalid_cursor",
            Self::Busy => "busy",
        }
    }
}

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct FieldFault {
    /// Path of the field in the body (`shipping_address.city`), or the name of a parameter.
    pub field: String,
    /// Stable reason: `required`, `unknown_field`, `wrong_type`, `out_of_range`, `too_long`, …
    pub code: Cow<'static, str>,
    /// What to do about it, for people.
    pub message: String,
}

impl FieldFault {
    /// A fault of `field` with a stable `code` and a message for people.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }
}

/// A request that is refused, with everything its sender needs to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Stable reason.
    pub code: Code,
    /// The case at hand, for people; never another customer's data.
    pub detail: String,
    /// The fields at fault, if fields are.
    pub fields: Vec<FieldFault>,
}

impl Rejection {
    /// A rejection that no single field is to blame for.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
        }
    }

    /// A `validation_failed` that names its fields.
    pub fn invalid(fields: Vec<FieldFault>) -> Self {
        Self {
            code: Code::ValidationFailed,
            detail: "Some fields are not valid; see errors.".into(),
            fields,
        }
    }

    /// `not_found`, naming the kind of thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }
}

/// An error with all its causes in one line, for the log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Why a request has no answer.
#[derive(Debug)]
pub enum Failure {
    /// The caller can mend it.
    Rejected(Rejection),
    /// The caller cannot; the log has the cause, the answer has not.
    Failed {
        /// For the log.
        cause: Box<dyn std::error::Error + Send + Sync>,
        /// Whether the same request may succeed later.
        retryable: bool,
    },
}

impl Failure {
    /// A failure nobody outside can do anything about.
    pub fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Failed {
            cause: Box::new(cause),
            retryable: false,
        }
    }

    /// A failure of something the shop depends on, which may pass.
    pub fn dependency(
        cause: impl std::error::Error + Send + Sync + 'static,
        retryable: bool,
    ) -> Self {
        Self::Failed {
            cause: Box::new(cause),
            retryable,
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
