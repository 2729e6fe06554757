//! Running an endpoint.

use std::{future::Future, process::ExitCode, sync::Arc, time::Instant};

use domain::fault::Failure;
use lambda_http::{Request, RequestExt, Response, request::RequestContext, service_fn};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    auth::{self, Access, StaffCheck},
    body::Body,
    call::{Call, header},
    environment::Environment,
    problem::Problem,
    process,
    reply::{self, Reply},
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
        lambda_http::run(service_fn(move |request: Request| {
            let connected = Arc::clone(&connected);
            async move {
                let (endpoint, staff) = &*connected;
                Ok::<_, std::convert::Infallible>(answer(endpoint, staff, &request).await)
            }
        }))
    })
}

async fn answer<E: Endpoint>(
    endpoint: &E,
    staff: &StaffCheck,
    request: &Request,
) -> Response<reply::Body> {
    let started = Instant::now();
    let trace_id = trace_id(request);
    let handled = handle(endpoint, staff, request, trace_id.clone()).await;
    let (response, code) = match handled {
        Ok(reply) => (
            reply.respond(E::SUCCESS, header(request, "if-none-match")),
            None,
        ),
        Err(Failure::Rejected(rejection)) => {
            let problem = Problem::of(rejection);
            (reply::problem(&problem), Some(problem.code()))
        }
        Err(Failure::Failed { cause, retryable }) => {
            // The one place where an internal failure is logged.
            tracing::error!(request.id = %trace_id, error = %cause, retryable, "request failed");
            let problem = Problem::internal(retryable);
            (reply::problem(&problem), Some(problem.code()))
        }
    };
    tracing::info!(
        request.id = %trace_id,
        http.route = route(request).unwrap_or_default(),
        http.status = response.status().as_u16(),
        problem.code = code,
        duration.us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

async fn handle<E: Endpoint>(
    endpoint: &E,
    staff: &StaffCheck,
    request: &Request,
    trace_id: String,
) -> Result<Reply<E::Answer>, Failure> {
    // Who calls comes first: what is wrong with a stranger's request is not the stranger's business.
    let authorization = header(request, "authorization");
    let subject = match E::ACCESS {
        Access::Public => None,
        Access::Token => {
            auth::bearer(authorization)?;
            None
        }
        Access::Staff => {
            let claims = staff.check(authorization)?;
            tracing::info!(request.id = %trace_id, staff.sub = %claims.sub, "staff request");
            Some(claims.sub)
        }
    };
    let call = Call::read(request, crate::now(), trace_id, subject)?;
    endpoint.handle(call).await
}

/// The gateway's identifier of the request; Lambda's own where there is no gateway.
fn trace_id(request: &Request) -> String {
    let gateway = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    };
    gateway
        .or_else(|| {
            request
                .lambda_context_ref()
                .map(|context| context.request_id.clone())
        })
        .unwrap_or_default()
}

/// The route as in `template.yaml`: unlike the path it names no customer's thing.
fn route(request: &Request) -> Option<&str> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.route_key.as_deref(),
        _ => None,
    }
}
