//! One request, in types.

use domain::{
    fault::{Code, Failure, Rejection},
    idempotency::{self, IdempotencyKey},
    order::Actor,
};
use jiff::Timestamp;
use lambda_http::{Request, RequestExt};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{auth, body::Body, serve::Endpoint};

/// An endpoint without parameters in its path.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
pub struct NoPath {}

/// An endpoint without query parameters.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
pub struct NoQuery {}

/// One request to the endpoint `E`.
#[derive(Debug)]
pub struct Call<E: Endpoint> {
    /// Parameters of the path.
    pub path: E::Path,
    /// Parameters of the query.
    pub query: E::Query,
    /// The body.
    pub body: E::Body,
    /// When the request arrived.
    pub now: Timestamp,
    /// Identifier of the request; goes with everything it sets off.
    pub trace_id: String,
    authorization: Option<String>,
    idempotency_key: Option<String>,
    signature: Option<String>,
    staff: Option<String>,
}

impl<E: Endpoint> Call<E> {
    /// Reads a request, whose caller has been checked.
    pub(crate) fn read(
        request: &Request,
        now: Timestamp,
        trace_id: String,
        staff: Option<String>,
    ) -> Result<Self, Rejection> {
        let path = request.path_parameters();
        // What is no parameter of this path is not there at all.
        let path = parameters(path.iter()).map_err(|_| Rejection::not_found("thing"))?;
        let query = request.query_string_parameters();
        let query = parameters(query.iter()).map_err(|error| {
            Rejection::new(
                Code::BadRequest,
                format!("The query cannot be read: {error}."),
            )
        })?;
        let body = E::Body::read(request.body(), header(request, "content-type"))?;
        Ok(Self {
            path,
            query,
            body,
            now,
            trace_id,
            authorization: header(request, "authorization").map(str::to_owned),
            signature: header(request, "stripe-signature").map(str::to_owned),
            staff,
            // Whatever its bytes are, it was sent: the key's own check names what is wrong with it.
            idempotency_key: request
                .headers()
                .get("idempotency-key")
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        })
    }

    /// The bearer token.
    pub fn bearer(&self) -> Result<&str, Rejection> {
        auth::bearer(self.authorization.as_deref())
    }

    /// Who of the staff calls: the subject of the token that was checked.
    pub fn staff(&self) -> Actor {
        Actor::Staff(self.staff.clone().unwrap_or_default())
    }

    /// What a provider signed its event with.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The request that may be sent again: of `caller`, to `route`, asking for `command`.
    pub fn request<C: Serialize>(
        &self,
        caller: &str,
        route: &str,
        command: &C,
    ) -> Result<idempotency::Request, Failure> {
        let key = self.idempotency_key()?;
        idempotency::Request::new(caller, route, &key, command).map_err(Failure::internal)
    }

    /// The `Idempotency-Key`.
    pub fn idempotency_key(&self) -> Result<IdempotencyKey, Rejection> {
        self.idempotency_key
            .as_deref()
            .ok_or_else(idempotency::missing)?
            .parse()
    }
}

/// A header's value, if it is text.
pub(crate) fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// Parameters are text: their types parse it.
fn parameters<'a, T: DeserializeOwned>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<T, serde_json::Error> {
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.into()));
    T::deserialize(serde_json::Value::Object(pairs.collect()))
}
