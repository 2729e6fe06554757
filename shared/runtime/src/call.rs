//! A parsed request to an endpoint.

use std::net::IpAddr;

use domain::{
    customers::GroupId,
    fault::{Code, Failure, Rejection},
    id::AccountId,
    idempotency::{self, IdempotencyKey},
    identity::{ChangeCause, Identity},
    limits::Caller,
    orders::Actor,
    staff::Author,
    trace::{Cause, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    auth::{
        self,
        cookies::{self, REFRESH_COOKIE},
    },
    body::Body,
    request::HttpRequest,
    serve::Endpoint,
};

/// Path of an endpoint without path parameters.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
pub struct NoPath {}

/// Query of an endpoint without query parameters.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
pub struct NoQuery {}

/// A request to the endpoint `E`, parsed and authenticated.
#[derive(Debug)]
pub struct Request<E: Endpoint> {
    /// Path parameters, parsed.
    pub path: E::Path,
    /// Query parameters, parsed.
    pub query: E::Query,
    /// Body, parsed as the endpoint requires.
    pub body: E::Body,
    /// Time at which the request arrived.
    pub now: Timestamp,
    /// Address of the viewer, where it is known; nobody can forge it. Never log it: it is personal data.
    pub viewer: Option<IpAddr>,
    /// Request id, which is passed on to everything the request causes.
    pub trace_id: String,
    /// Place of the request in the trace of its caller, or in a new one; also passed on.
    pub traceparent: TraceParent,
    path_sent: String,
    route: String,
    authorization: Option<String>,
    idempotency_key: Option<String>,
    signature: Option<String>,
    if_match: Option<String>,
    user_agent: Option<String>,
    cookies: Option<String>,
    identity: Identity,
    identity_name: String,
    own_page: Result<(), Rejection>,
}

/// What is known of a request besides what it says.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    /// Time at which it arrived.
    pub(crate) now: Timestamp,
    /// Its place in traces.
    pub(crate) cause: Cause<'a>,
    /// Address of the viewer.
    pub(crate) viewer: Option<IpAddr>,
    /// The verified caller.
    pub(crate) identity: Identity,
    /// Whether a page of the shop makes it, so that its cookies count.
    pub(crate) own_page: Result<(), Rejection>,
}

impl<E: Endpoint> Request<E> {
    /// Parses a request whose caller has been authenticated.
    pub(crate) fn read(request: &HttpRequest, known: Known<'_>) -> Result<Self, Rejection> {
        let Known {
            now,
            cause,
            viewer,
            identity,
            own_page,
        } = known;
        // A value that does not parse cannot belong to an existing resource.
        let path = parameters(request.path_parameters())
            .map_err(|_| Rejection::new(Code::NotFound, "No resource matches this path."))?;
        let query = parameters(request.query_parameters()).map_err(|error| {
            Rejection::new(
                Code::BadRequest,
                format!("The query is not valid: {error}."),
            )
        })?;
        let owned = |name: &str| request.header(name).map(str::to_owned);
        Ok(Self {
            path,
            query,
            body: E::Body::read(request.body(), request.header("content-type"))?,
            now,
            viewer,
            trace_id: cause.trace_id.to_owned(),
            traceparent: cause.traceparent,
            path_sent: request.path().to_owned(),
            route: request.route_or_path(),
            authorization: owned("authorization"),
            signature: owned("stripe-signature"),
            if_match: owned("if-match"),
            user_agent: owned("user-agent"),
            cookies: owned("cookie"),
            identity_name: identity.name(),
            identity,
            own_page,
            idempotency_key: owned("idempotency-key"),
        })
    }

    /// The path as it was sent, for an endpoint that takes every path.
    pub fn path_sent(&self) -> &str {
        &self.path_sent
    }

    /// The request, for what it causes.
    pub fn cause(&self) -> Cause<'_> {
        Cause {
            trace_id: &self.trace_id,
            traceparent: self.traceparent,
        }
    }

    /// The bearer token of the request.
    pub fn bearer(&self) -> Result<&str, Rejection> {
        auth::bearer(self.authorization.as_deref())
    }

    /// The verified caller.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The account of the person who is signed in. Endpoints with `Access::Person` always have one.
    pub fn account(&self) -> Result<AccountId, Rejection> {
        self.identity.account().ok_or_else(auth::invalid)
    }

    /// The customer groups of the person who is signed in, as the access token has them: nobody else is in any. They cost no
    /// read; a change of them takes effect with the next token, so within 15 minutes.
    pub fn groups(&self) -> &[GroupId] {
        self.identity.groups()
    }

    /// The staff member who calls.
    pub fn staff(&self) -> Actor {
        self.identity.staff()
    }

    /// The staff member who calls, as the author of what the request changes.
    pub fn author(&self) -> Author<'_> {
        Author {
            actor: self.staff(),
            at: self.now,
            cause: self.cause(),
        }
    }

    /// The same for a change of somebody's account.
    pub fn change_cause(&self) -> ChangeCause<'_> {
        ChangeCause {
            by: self.staff().to_string(),
            from: self.viewer,
            now: self.now,
            cause: self.cause(),
        }
    }

    /// The caller as far as it is known, for limits: the address, and the account of a person or of staff. An endpoint that
    /// learns of an email address adds it.
    pub fn caller(&self) -> Caller<'_> {
        let name = self.identity_name.as_str();
        Caller {
            address: self.viewer,
            account: (!name.is_empty()).then_some(name),
            email: None,
        }
    }

    /// The program that the request comes from, as it describes itself.
    pub fn user_agent(&self) -> &str {
        self.user_agent.as_deref().unwrap_or_default()
    }

    /// Rejects a request that asks for cookies but does not come from a page of the shop: another site must not sign its
    /// visitors in.
    pub fn must_be_own_page(&self) -> Result<(), Rejection> {
        self.own_page.clone()
    }

    /// The refresh token of a browser, which only counts from a page of the shop.
    pub fn refresh_cookie(&self) -> Result<Option<&str>, Rejection> {
        let cookie = cookies::read(self.cookies.as_deref(), REFRESH_COOKIE)?;
        if cookie.is_some() {
            self.must_be_own_page()?;
        }
        Ok(cookie)
    }

    /// The version that the request expects (`If-Match`): a version as in [`Reply::versioned`]; `None` for any.
    ///
    /// [`Reply::versioned`]: crate::Reply::versioned
    pub fn expected_version(&self) -> Result<Option<u64>, Rejection> {
        self.if_match.as_deref().map_or(Ok(None), expected_version)
    }

    /// Like [`expected_version`](Self::expected_version), for a change that must not be made without: another one would be
    /// lost.
    pub fn required_version(&self) -> Result<Option<u64>, Rejection> {
        if self.if_match.is_none() {
            return Err(domain::documents::version_required());
        }
        self.expected_version()
    }

    /// The provider's signature of a webhook event.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The idempotent request of `caller` to this route whose command is `command`.
    pub fn idempotent<C: Serialize>(
        &self,
        caller: &str,
        command: &C,
    ) -> Result<idempotency::IdempotentRequest, Failure> {
        let key = self.idempotency_key()?;
        idempotency::IdempotentRequest::new(caller, &self.route, &key, command)
            .map_err(Failure::internal)
    }

    /// Like [`idempotent`](Self::idempotent), for a route on which the key may be missing.
    pub fn idempotent_if_keyed<C: Serialize>(
        &self,
        caller: &str,
        command: &C,
    ) -> Result<Option<idempotency::IdempotentRequest>, Failure> {
        match self.idempotency_key {
            None => Ok(None),
            Some(_) => self.idempotent(caller, command).map(Some),
        }
    }

    /// The `Idempotency-Key` header, which is required.
    pub fn idempotency_key(&self) -> Result<IdempotencyKey, Rejection> {
        self.idempotency_key
            .as_deref()
            .ok_or_else(idempotency::missing)?
            .parse()
    }
}

/// Implements If-Match (RFC 9110, 13.1.1) for versions. With weak comparison, unlike the RFC: a CDN that compresses weakens
/// tags, and a version names one state, whatever the bytes by which it was sent.
fn expected_version(header: &str) -> Result<Option<u64>, Rejection> {
    let header = header.trim();
    if header == "*" {
        return Ok(None);
    }
    let tag = header.strip_prefix("W/").unwrap_or(header);
    let tag = tag
        .strip_prefix('"')
        .and_then(|tag| tag.strip_suffix('"'))
        .filter(|tag| !tag.contains('"'))
        .ok_or_else(|| {
            let detail = "If-Match must be one ETag in quotation marks, such as \"7\", or a star.";
            Rejection::new(Code::BadRequest, detail)
        })?;
    // Another well-formed tag belongs to another state.
    tag.parse().map(Some).map_err(|_| version_mismatch())
}

/// The rejection for a resource whose version is another than the expected one.
pub fn version_mismatch() -> Rejection {
    Rejection::new(
        Code::PreconditionFailed,
        "The resource has changed since it was read; read it again.",
    )
}

/// Parses parameters from text.
fn parameters<T: DeserializeOwned>(
    pairs: impl Iterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Result<T, serde_json::Error> {
    let pairs = pairs.map(|(name, value)| (name.into(), value.into().into()));
    T::deserialize(serde_json::Value::Object(pairs.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind: an older message overwrites newer truth.
    #[test]
    fn if_match_names_one_version() {
        assert_eq!(expected_version("\"7\""), Ok(Some(7)));
        assert_eq!(expected_version("W/\"7\""), Ok(Some(7)));
        assert_eq!(expected_version(" * "), Ok(None));
        for other in ["W/\"\"", "\"\"", "\"x\"", "\"-7\""] {
            let code = expected_version(other).unwrap_err().code;
            assert_eq!(code, Code::PreconditionFailed, "{other}");
        }
        for malformed in ["7", "", "W/7", "w/\"7\"", "\"7", "\"6\", \"7\""] {
            let code = expected_version(malformed).unwrap_err().code;
            assert_eq!(code, Code::BadRequest, "{malformed}");
        }
    }
}
