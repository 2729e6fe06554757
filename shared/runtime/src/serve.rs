//! Running an endpoint.

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
    call::Call,
    environment::Environment,
    problem::Problem,
    process,
    reply::{self, Reply},
    request::HttpRequest,
};

/// One route of the API. The OpenAPI document is made from these types.
pub trait Endpoint: Sized + Send + Sync + 'static {
    /// Whom it answers.
    const ACCESS: Access;
    /// Status of its answer when all is well.
    const SUCCESS: u16 = 200;
    /// Whether it wants an `Idempotency-Key`.
    const IDEMPOTENCY_KEY: bool = false;
    /// Parameters of its path.
    type Path: DeserializeOwned + JsonSchema + Send;
    /// Parameters of its query.
    type Query: DeserializeOwned + JsonSchema + Send;
    /// Its body.
    type Body: Body + Send;
    /// Its answer.
    type Answer: Serialize + JsonSchema;

    /// Answers one request.
    fn handle(
        &self,
        call: Call<Self>,
    ) -> impl Future<Output = Result<Reply<Self::Answer>, Failure>> + Send;
}

/// Runs the endpoint that `connect` makes of the environment, once per cold start, until the
/// process is ended. Returns only when it cannot start.
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
    // The gateway's identifier of the request; Lambda's own where there is no gateway.
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
                    // The one place where an internal failure is logged.
                    tracing::error!(request.id = trace_id, error = %cause, retryable, "request failed");
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
    // Who calls comes first: what is wrong with a stranger's request is not the stranger's business.
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
    let call = Call::read(request, crate::now(), trace_id.to_owned(), subject)?;
    let reply = endpoint.handle(call).await?;
    let status = StatusCode::from_u16(E::SUCCESS).map_err(Failure::internal)?;
    reply.respond(status, request.header("if-none-match"))
}
