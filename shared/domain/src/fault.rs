//! Errors of a request: stable codes and details for the client.

use std::borrow::Cow;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal;)*) => {
        /// Stable, machine-readable reason for a rejection. `runtime` assigns each an HTTP status and a
        /// title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The code as sent to clients.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or not UTF-8.
    MalformedJson = "malformed_json";
    /// The request as a whole cannot be read (path, query or headers).
    BadRequest = "bad_request";
    /// The body is JSON, but fields are missing, unknown, of a wrong type or out of range.
    ValidationFailed = "validation_failed";
    /// The resource does not exist, or the caller may not see it.
    NotFound = "not_found";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed";
    /// The body exceeds the endpoint's limit.
    PayloadTooLarge = "payload_too_large";
    /// The body is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type";
    /// The bearer token is missing or not valid.
    Unauthenticated = "unauthenticated";
    /// The token is valid, but lacks the permission; or the request came past the CDN.
    Forbidden = "forbidden";
    /// A request with cookies that no page of the shop has made.
    CrossSiteRequest = "cross_site_request";
    /// No account has this email address and this password, this passkey or this code, or it is locked.
    InvalidCredentials = "invalid_credentials";
    /// The password is right, and the account takes a code, too.
    SecondFactorRequired = "second_factor_required";
    /// The session began too long ago for this change, or without the second factor that the account has.
    ReauthenticationRequired = "reauthentication_required";
    /// The account has the maximum number of passkeys.
    TooManyPasskeys = "too_many_passkeys";
    /// The refresh token has been replaced before: its session has ended.
    RefreshTokenReused = "refresh_token_reused";
    /// The address book has the maximum number of addresses.
    AddressBookFull = "address_book_full";
    /// The token of a mail's link is not valid, has been used, or has expired.
    InvalidLink = "invalid_link";
    /// The endpoint requires an `Idempotency-Key`.
    IdempotencyKeyMissing = "idempotency_key_missing";
    /// The `Idempotency-Key` is too long or has characters that are not printable ASCII.
    IdempotencyKeyInvalid = "idempotency_key_invalid";
    /// The key was used before with a different request.
    IdempotencyKeyReused = "idempotency_key_reused";
    /// The cart has no lines.
    CartEmpty = "cart_empty";
    /// An order has been placed from the cart.
    CartAlreadyOrdered = "cart_already_ordered";
    /// The cart has the maximum number of lines.
    CartFull = "cart_full";
    /// The wish list has the maximum number of entries.
    WishlistFull = "wishlist_full";
    /// No variant has this SKU, or it is not for sale.
    UnknownSku = "unknown_sku";
    /// Lines that exceed the available stock.
    OutOfStock = "out_of_stock";
    /// More units than the shop sells at once.
    TooManyUnits = "too_many_units";
    /// Too many orders of the caller are not paid.
    TooManyUnpaidOrders = "too_many_unpaid_orders";
    /// More requests than the shop takes from the caller in this time.
    RateLimited = "rate_limited";
    /// The request takes the token of a solved challenge.
    ChallengeRequired = "challenge_required";
    /// The same request is being processed.
    RequestInProgress = "request_in_progress";
    /// The order's status does not allow the change.
    OrderStatus = "order_status";
    /// Part of the order has been shipped.
    OrderShipped = "order_shipped";
    /// The order was refunded in full, so the units to ship must be named.
    OrderRefunded = "order_refunded";
    /// A capture of the payment is in progress.
    PaymentInProgress = "payment_in_progress";
    /// The refund exceeds the refundable amount.
    RefundTooHigh = "refund_too_high";
    /// The stock already has more shards.
    ShardsCannotShrink = "shards_cannot_shrink";
    /// The resource has another version than `If-Match` names.
    PreconditionFailed = "precondition_failed";
    /// The change requires `If-Match`.
    PreconditionRequired = "precondition_required";
    /// The job has ended.
    JobEnded = "job_ended";
    /// Staff, or an open invitation, have the role.
    RoleInUse = "role_in_use";
    /// Another customer group has this id.
    GroupExists = "group_exists";
    /// The customer group has members.
    GroupInUse = "group_in_use";
    /// The account is in the maximum number of customer groups.
    TooManyGroups = "too_many_groups";
    /// It would leave the shop without an owner.
    LastOwner = "last_owner";
    /// The account belongs to the staff already.
    AlreadyMember = "already_member";
    /// The revision exists, but its document cannot be read.
    RevisionUnreadable = "revision_unreadable";
    /// The signature of a webhook event is missing, wrong or expired.
    InvalidSignature = "invalid_signature";
    /// The order's invoice has not been issued yet.
    InvoiceNotReady = "invoice_not_ready";
    /// The cursor does not belong to this list.
    InvalidCursor = "invalid_cursor";
    /// Repeated version conflicts or throttling; the same request may be retried.
    Busy = "busy";
}

/// A validation error of one field.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct FieldFault {
    /// Path of the field in the body (`shipping_address.city`), or the name of a parameter.
    pub field: String,
    /// Stable code: `required`, `unknown_field`, `wrong_type`, `out_of_range`, `too_long`, …
    pub code: Cow<'static, str>,
    /// Explanation for people: how to correct the value.
    pub message: String,
}

impl FieldFault {
    /// Makes an error of `field` with a stable `code` and a message for people.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }
}

/// A rejected request, with everything that the client needs to correct it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Stable reason for the rejection.
    pub code: Code,
    /// Explanation of this occurrence, for people; never another customer's data.
    pub detail: String,
    /// The invalid fields, if any.
    pub fields: Vec<FieldFault>,
    /// The methods that the path accepts, if it does not accept the request's.
    pub allowed_methods: Vec<&'static str>,
    /// Least seconds after which a retry may succeed, where they depend on the request.
    pub retry_after: Option<u64>,
}

impl Rejection {
    /// A rejection that does not concern a single field.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            allowed_methods: Vec::new(),
            retry_after: None,
        }
    }

    /// A rejection that names the fields that it concerns.
    pub fn of_fields(code: Code, detail: impl Into<String>, fields: Vec<FieldFault>) -> Self {
        Self {
            fields,
            ..Self::new(code, detail)
        }
    }

    /// A `method_not_allowed` with the methods that the path does accept.
    pub fn method_not_allowed(methods: Vec<&'static str>) -> Self {
        Self {
            allowed_methods: methods,
            ..Self::new(
                Code::MethodNotAllowed,
                "The path does not accept this method; use one that the header Allow names.",
            )
        }
    }

    /// A `validation_failed` with the invalid fields.
    pub fn invalid(fields: Vec<FieldFault>) -> Self {
        let detail = "Some fields are not valid; correct those listed in errors.";
        Self::of_fields(Code::ValidationFailed, detail, fields)
    }

    /// A `not_found` that names the kind of resource.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("The {what} was not found; check its identifier."),
        )
    }
}

/// Formats an error with all its causes on one line, for the log.
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

/// Code and message of a service's error, or that there was no answer, for the log.
pub fn reason(code: Option<&str>, message: Option<&str>) -> String {
    let code = code.unwrap_or("no answer");
    message.map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"))
}

/// Why a request has no successful response.
#[derive(Debug)]
pub enum Failure {
    /// The client can correct it.
    Rejected(Rejection),
    /// The client cannot correct it; the cause is logged, not sent.
    Failed {
        /// Cause, for the log only.
        cause: Box<dyn std::error::Error + Send + Sync>,
        /// Whether a retry of the same request may succeed.
        retryable: bool,
    },
}

impl Failure {
    /// A failure that a retry does not fix.
    pub fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Failed {
            cause: Box::new(cause),
            retryable: false,
        }
    }

    /// A failure of a dependency, such as throttling or a timeout.
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::{
        cart::ChangeCartError,
        idempotency, invoices, limits,
        money::MoneyError,
        orders::{ChangeError, OrderStatus, PlaceOrderError, Shortage, placed},
        page,
        payments::UnpayableAmount,
        staff,
    };

    /// Every rejection of a use case, as the client reads it.
    #[test]
    fn rejections() {
        let sku = || "TEE".parse().unwrap();
        let short = |available| Shortage {
            sku: sku(),
            wanted: 3,
            available,
        };
        let order = placed(&[("TEE", 1, 500)]);
        let canceled = order.expired(order.due_at).unwrap().order;
        let rejections: Vec<(&str, Rejection)> = vec![
            ("a cart that is missing", ChangeCartError::NoSuchCart.into()),
            (
                "a cart that was ordered",
                ChangeCartError::AlreadyOrdered.into(),
            ),
            ("a full cart", ChangeCartError::Full.into()),
            ("an unknown SKU", ChangeCartError::UnknownSku(sku()).into()),
            ("a missing line", ChangeCartError::NoSuchLine(sku()).into()),
            (
                "an order without a cart",
                PlaceOrderError::NoSuchCart.into(),
            ),
            ("an order of nothing", PlaceOrderError::CartEmpty.into()),
            ("a second order", PlaceOrderError::CartAlreadyOrdered.into()),
            ("a key of another order", PlaceOrderError::KeyReused.into()),
            (
                "too few units",
                PlaceOrderError::OutOfStock(vec![short(0), short(2)]).into(),
            ),
            (
                "a total without end",
                PlaceOrderError::Money(MoneyError::Overflow).into(),
            ),
            ("too many buyers", PlaceOrderError::Contended.into()),
            ("too many shards", PlaceOrderError::TooManyShards.into()),
            ("a change made before", ChangeError::AlreadyDone.into()),
            (
                "a change in the wrong status",
                ChangeError::WrongStatus(OrderStatus::Fulfilled).into(),
            ),
            (
                "a change during a payment",
                ChangeError::PaymentInProgress.into(),
            ),
            ("an order not due", ChangeError::NotDue(order.due_at).into()),
            ("a shipped order", ChangeError::AlreadyShipped.into()),
            ("a refunded order", ChangeError::Refunded.into()),
            (
                "lines that do not fit",
                ChangeError::Lines(vec![FieldFault::new("lines[0].sku", "not_in_order", "…")])
                    .into(),
            ),
            (
                "a refund that is too high",
                ChangeError::AboveCaptured {
                    left: order.totals.total,
                }
                .into(),
            ),
            (
                "a refund that the provider cannot make",
                ChangeError::Unpayable(UnpayableAmount::Step(order.totals.total)).into(),
            ),
            ("nothing left", ChangeError::NothingLeft.into()),
            ("too many parts", ChangeError::TooMany.into()),
            ("no idempotency key", idempotency::missing()),
            ("an unusable idempotency key", {
                "schlüssel"
                    .parse::<idempotency::IdempotencyKey>()
                    .unwrap_err()
            }),
            ("a reused idempotency key", idempotency::reused()),
            ("a request in progress", idempotency::in_progress()),
            ("a foreign cursor", page::invalid_cursor()),
            ("an invoice too early", invoices::missing(&order)),
            ("an invoice of nothing", invoices::missing(&canceled)),
            ("too many requests", limits::rate_limited(1)),
            ("no challenge solved", limits::challenge_required()),
            ("a role that staff have", staff::role_in_use()),
            ("no owner left", staff::last_owner()),
            ("a member who is invited", staff::already_member()),
            ("a role that does not exist", staff::unknown_role()),
            ("a role of every shop", {
                staff::own_role_name("owner").unwrap_err()
            }),
            ("too many roles", staff::too_many_roles()),
        ];
        let mut text = String::new();
        for (name, rejection) in rejections {
            let code = rejection.code.as_str();
            writeln!(text, "{name}: {code}\n  {}", rejection.detail).unwrap();
            for fault in rejection.fields {
                writeln!(text, "  {}: {}, {}", fault.field, fault.code, fault.message).unwrap();
            }
        }
        insta::assert_snapshot!(text);
    }
}
