//! Runs HTTP endpoints.

use std::{future::Future, process::ExitCode, sync::Arc, time::Instant};

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use bytes::Bytes;
use domain::fault::{Code, Failure, Rejection};
use http::{Response, StatusCode};
use lambda_http::{LambdaEvent, lambda_runtime, service_fn};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    auth::{self, Access, StaffCheck},
    body::Body,
    call::Request,
    environment::Environment,
    problem::Problem,
    process,
    reply::{self, Reply},
    request::HttpRequest,
};

/// One route of the API. The OpenAPI document is generated from these types.
pub trait Endpoint: Sized + Send + Sync + 'static {
    /// Who may call the endpoint.
    const ACCESS: Access;
    /// HTTP status of a successful response.
    const SUCCESS: u16 = 200;
    /// Whether an `Idempotency-Key` is required.
    const IDEMPOTENCY_KEY: bool = false;
    /// Path parameters.
    type Path: DeserializeOwned + JsonSchema + Send;
    /// Query parameters.
    type Query: DeserializeOwned + JsonSchema + Send;
    /// Request body.
    type Body: Body + Send;
    /// Response body.
    type Response: Serialize + JsonSchema;

    /// Handles one request.
    fn handle(
        &self,
        request: Request<Self>,
    ) -> impl Future<Output = Result<Reply<Self::Response>, Failure>> + Send;
}

/// Runs the endpoint that `connect` makes from the environment, once per cold start, until the process
/// ends. Returns only if it cannot start.
pub fn serve<E: Endpoint>(
    connect: impl FnOnce(&Environment) -> Result<E, Box<dyn std::error::Error>>,
) -> ExitCode {
    let connect = |environment: &Environment| {
        let public_key = match E::ACCESS {
            Access::Staff => environment.get("STAFF_TOKEN_PUBLIC_KEY"),
            Access::Public | Access::Token => None,
        };
        Ok((connect(environment)?, StaffCheck::new(public_key)))
    };
    process::run(connect, |connected| {
        let connected = Arc::new(connected);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let connected = Arc::clone(&connected);
            async move {
                let (endpoint, staff) = &*connected;
                answer(endpoint, staff, &event).await
            }
        }))
    })
}

async fn answer<E: Endpoint>(
    endpoint: &E,
    staff: &StaffCheck,
    event: &LambdaEvent<Box<RawValue>>,
) -> Result<ApiGatewayV2httpResponse, lambda_runtime::Error> {
    let started = Instant::now();
    let read = HttpRequest::read(event.payload.get());
    let request = read.as_ref();
    // The gateway's request id, or Lambda's own if there is no gateway.
    let trace_id = request.ok().and_then(HttpRequest::id);
    let trace_id = trace_id.unwrap_or(&event.context.request_id);
    let answered = match request {
        Ok(request) => handle(endpoint, staff, request, trace_id).await,
        Err(error) => {
            tracing::warn!(request.id = trace_id, error = %domain::fault::chain(error), "unreadable event");
            Err(Rejection::new(Code::BadRequest, error.to_string()).into())
        }
    };
    let (response, code) = match answered {
        Ok(response) => (response, None),
        Err(failure) => {
            let problem = match failure {
                Failure::Rejected(rejection) => Problem::of(rejection),
                Failure::Failed { cause, retryable } => {
                    // The only place where an internal failure is logged.
                    tracing::error!(request.id = trace_id, error = %domain::fault::chain(&*cause), retryable, "request failed");
                    Problem::internal(retryable)
                }
            };
            (reply::problem(&problem), Some(problem.code()))
        }
    };
    tracing::info!(
        request.id = trace_id,
        http.route = request.map_or("unreadable", HttpRequest::route),
        http.status = response.status().as_u16(),
        problem.code = code,
        duration.us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    Ok(reply::envelope(response)?)
}

async fn handle<E: Endpoint>(
    endpoint: &E,
    staff: &StaffCheck,
    request: &HttpRequest,
    trace_id: &str,
) -> Result<Response<Bytes>, Failure> {
    // Authenticate first: an unauthorized caller must not learn whether the request is valid.
    let authorization = request.header("authorization");
    let subject = match E::ACCESS {
        Access::Public => None,
        Access::Token => {
            auth::bearer(authorization)?;
            None
        }
        Access::Staff => {
            let claims = staff.check(authorization)?;
            tracing::info!(request.id = trace_id, staff.sub = %claims.sub, "staff request");
            Some(claims.sub)
        }
    };
    let call = Request::read(request, crate::now(), trace_id.to_owned(), subject)?;
    let reply = endpoint.handle(call).await?;
    let status = StatusCode::from_u16(E::SUCCESS).map_err(Failure::internal)?;
    reply.respond(status, request.header("if-none-match"))
}
