//! One request, in types.

use domain::{
    fault::{Code, Failure, Rejection},
    idempotency::{self, IdempotencyKey},
    order::Actor,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{auth, body::Body, request::HttpRequest, serve::Endpoint};

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
        request: &HttpRequest,
        now: Timestamp,
        trace_id: String,
        staff: Option<String>,
    ) -> Result<Self, Rejection> {
        // What is no parameter of this path is not there at all.
        let path =
            parameters(request.path_parameters()).map_err(|_| Rejection::not_found("thing"))?;
        let query = parameters(request.query_parameters()).map_err(|error| {
            Rejection::new(
                Code::BadRequest,
                format!("The query cannot be read: {error}."),
            )
        })?;
        let owned = |name: &str| request.header(name).map(str::to_owned);
        Ok(Self {
            path,
            query,
            body: E::Body::read(request.body(), request.header("content-type"))?,
            now,
            trace_id,
            authorization: owned("authorization"),
            signature: owned("stripe-signature"),
            staff,
            idempotency_key: owned("idempotency-key"),
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

/// Parameters are text: their types parse it.
fn parameters<T: DeserializeOwned>(
    pairs: impl Iterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Result<T, serde_json::Error> {
    let pairs = pairs.map(|(name, value)| (name.into(), value.into().into()));
    T::deserialize(serde_json::Value::Object(pairs.collect()))
}
