//! Runs HTTP endpoints.

use std::{future::Future, process::ExitCode, sync::Arc, time::Instant};

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use bytes::Bytes;
use domain::{
    fault::{Code, Failure, Rejection},
    limits::Limit,
    trace::{Cause, TraceParent},
};
use http::{Response, StatusCode};
use lambda_http::{LambdaEvent, lambda_runtime, service_fn};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::{
    auth::{Access, Authenticator, Callers, NoAuthenticator},
    body::Body,
    call::{Known, Request},
    environment::Environment,
    problem::Problem,
    process,
    reply::{self, Reply},
    request::{HttpRequest, InvalidEvent},
    telemetry::request_span,
    viewer::Origin,
};

/// One route of the API. The OpenAPI document is generated from these types.
pub trait Endpoint: Sized + Send + Sync + 'static {
    /// Who may call the endpoint.
    const ACCESS: Access;
    /// HTTP status of a successful response.
    const SUCCESS: u16 = 200;
    /// Whether a public endpoint rejects credentials in its body or cookies (401), for the OpenAPI document.
    const CREDENTIALS: bool = false;
    /// Whether an `Idempotency-Key` is required.
    const IDEMPOTENCY_KEY: bool = false;
    /// Whether one is heeded if it is sent, for the OpenAPI document.
    const IDEMPOTENCY_KEY_OPTIONAL: bool = false;
    /// Whether the endpoint heeds `If-Match`, for the OpenAPI document.
    const IF_MATCH: bool = false;
    /// Whether it rejects a request without it, for the OpenAPI document.
    const IF_MATCH_REQUIRED: bool = false;
    /// The limits of callers that it checks, by `limiter::Limiter`; for the OpenAPI document.
    const LIMITS: &'static [&'static Limit] = &[];
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
/// ends. Returns only if it cannot start. For public endpoints; the others take `access::serve`.
pub fn serve<E: Endpoint>(
    connect: impl FnOnce(&Environment) -> Result<E, Box<dyn std::error::Error>>,
) -> ExitCode {
    const { assert!(!E::ACCESS.is_verified(), "use access::serve") }
    serve_with(|environment| Ok((connect(environment)?, NoAuthenticator)))
}

/// Like [`serve`], with what verifies the callers.
pub fn serve_with<E: Endpoint, A: Authenticator>(
    connect: impl FnOnce(&Environment) -> Result<(E, A), Box<dyn std::error::Error>>,
) -> ExitCode {
    let connect = |environment: &Environment| {
        let (endpoint, authenticator) = connect(environment)?;
        Ok(Connected {
            endpoint,
            origin: Origin::new(environment),
            callers: Callers::new(E::ACCESS, authenticator, environment),
        })
    };
    process::run(connect, |connected| {
        let connected = Arc::new(connected);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let connected = Arc::clone(&connected);
            // Boxed, or the types of all futures from Lambda's loop down to the table nest too deeply for the compiler.
            Box::pin(async move { answer(&connected, &event).await })
        }))
    })
}

/// An endpoint, and what decides who may call it.
struct Connected<E, A> {
    endpoint: E,
    origin: Origin,
    callers: Callers<A>,
}

async fn answer<E: Endpoint, A: Authenticator>(
    connected: &Connected<E, A>,
    event: &LambdaEvent<Box<RawValue>>,
) -> Result<ApiGatewayV2httpResponse, lambda_runtime::Error> {
    let started = Instant::now();
    let read = HttpRequest::read(event.payload.get());
    let request = read.as_ref();
    // The gateway's request id, or Lambda's own if there is no gateway.
    let trace_id = request.ok().and_then(HttpRequest::id);
    let trace_id = trace_id.unwrap_or(&event.context.request_id);
    let header = request.ok().and_then(|it| it.header("traceparent"));
    let cause = Cause {
        trace_id,
        traceparent: TraceParent::of_request(header, trace_id),
    };
    answer_in_span(connected, request, cause, started)
        .instrument(request_span(trace_id, cause.traceparent))
        .await
}

async fn answer_in_span<E: Endpoint, A: Authenticator>(
    connected: &Connected<E, A>,
    request: Result<&HttpRequest, &InvalidEvent>,
    cause: Cause<'_>,
    started: Instant,
) -> Result<ApiGatewayV2httpResponse, lambda_runtime::Error> {
    let answered = match request {
        Ok(request) => handle(connected, request, cause).await,
        Err(error) => {
            tracing::warn!(error = %domain::fault::chain(error), "unreadable event");
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
                    tracing::error!(error = %domain::fault::chain(&*cause), retryable, "request failed");
                    Problem::internal(retryable)
                }
            };
            // Without randomness everybody waits the least time, which is still correct.
            let random = crate::random_number().unwrap_or_default();
            (reply::problem(&problem, random), Some(problem.code()))
        }
    };
    tracing::info!(
        http.route = request.map_or("unreadable", HttpRequest::route),
        http.status = response.status().as_u16(),
        problem.code = code,
        duration.us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    Ok(reply::envelope(response)?)
}

async fn handle<E: Endpoint, A: Authenticator>(
    connected: &Connected<E, A>,
    request: &HttpRequest,
    cause: Cause<'_>,
) -> Result<Response<Bytes>, Failure> {
    let now = crate::now();
    let viewer = connected.origin.viewer(request)?;
    // Authenticate first: an unauthorized caller must not learn whether the request is valid.
    let callers = &connected.callers;
    let identity = callers.authenticate(E::ACCESS, request, now).await?;
    if let Access::Staff(_) = E::ACCESS {
        tracing::info!(staff.sub = identity.name(), "staff request");
    }
    let known = Known {
        now,
        cause,
        viewer,
        identity,
        own_page: callers.own_page(request),
    };
    let call = Request::read(request, known)?;
    let reply = connected.endpoint.handle(call).await?;
    let status = StatusCode::from_u16(E::SUCCESS).map_err(Failure::internal)?;
    // For reads: a change was made, whatever its caller has.
    let theirs = request.header("if-none-match");
    reply.respond(status, theirs.filter(|_| request.is_read()))
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;
    use serde_json::{Value, json};

    use super::*;
    use crate::{NoBody, NoPath, NoQuery, telemetry::testing::Log};

    /// Logs from deep inside, as a store or a gateway does, across a wait.
    struct Deep {
        fails: bool,
    }

    impl Endpoint for Deep {
        const ACCESS: Access = Access::Public;
        type Path = NoPath;
        type Query = NoQuery;
        type Body = NoBody;
        type Response = Vec<u8>;

        async fn handle(&self, _: Request<Self>) -> Result<Reply<Vec<u8>>, Failure> {
            tokio::task::yield_now().await;
            tracing::info!("deep");
            tracing::warn!(target: "aws_smithy_runtime", "a retry");
            match self.fails {
                true => Err(Failure::internal(std::io::Error::other("no answer"))),
                false => Reply::of(&Vec::new()),
            }
        }
    }

    fn event(request_id: Option<&str>) -> Value {
        json!({
            "version": "2.0",
            "routeKey": "GET /v1/deep",
            "rawPath": "/v1/deep",
            "rawQueryString": "",
            "headers": { "host": "shop.example" },
            "requestContext": {
                "http": { "method": "GET", "path": "/v1/deep", "sourceIp": "203.0.113.7" },
                "requestId": request_id,
                "routeKey": "GET /v1/deep",
                "stage": "$default",
            },
            "isBase64Encoded": false,
        })
    }

    /// Status of the response to an event, which Lambda calls `of-lambda`.
    async fn status(fails: bool, event: &Value) -> i64 {
        let mut context = Context::default();
        context.request_id = "of-lambda".to_owned();
        let payload = RawValue::from_string(event.to_string()).unwrap();
        let event = LambdaEvent::new(payload, context);
        let environment = Environment::of([]);
        let connected = Connected {
            endpoint: Deep { fails },
            origin: Origin::new(&environment),
            callers: Callers::new(Deep::ACCESS, NoAuthenticator, &environment),
        };
        let response = answer(&connected, &event).await.unwrap();
        response.status_code
    }

    #[tokio::test]
    async fn each_line_of_a_request_has_its_id() {
        let log = Log::start();
        assert_eq!(status(false, &event(Some("first="))).await, 200);
        assert_eq!(status(false, &event(Some("second="))).await, 200);
        for message in ["deep", "a retry", "request"] {
            let ids: Vec<_> = log
                .of(message)
                .iter()
                .map(|it| it["request.id"].clone())
                .collect();
            assert_eq!(ids, ["first=", "second="], "{message}");
        }
        tracing::info!("afterwards");
        assert!(log.one("afterwards")["request.id"].is_null());
    }

    #[tokio::test]
    async fn the_error_of_a_failed_request_has_its_id() {
        let log = Log::start();
        assert_eq!(status(true, &event(Some("failed="))).await, 500);
        let line = log.one("request failed");
        assert_eq!(
            (&line["request.id"], &line["error"]),
            (&json!("failed="), &json!("no answer"))
        );
        assert_eq!(log.one("request")["request.id"], "failed=");
    }

    #[tokio::test]
    async fn a_request_is_logged_in_the_trace_of_its_caller_or_a_new_one() {
        let log = Log::start();
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut calling = event(Some("r="));
        for header in [sent, "00-garbage", ""] {
            calling["headers"]["traceparent"] = json!(header);
            assert_eq!(status(false, &calling).await, 200);
        }
        let new = TraceParent::begin("r=").trace_id();
        for message in ["deep", "request"] {
            let traces: Vec<_> = log
                .of(message)
                .iter()
                .map(|it| it["trace.id"].clone())
                .collect();
            assert_eq!(
                traces,
                ["4bf92f3577b34da6a3ce929d0e0e4736", &new, &new],
                "{message}"
            );
        }
    }

    #[tokio::test]
    async fn without_a_gateway_the_id_is_lambdas() {
        let log = Log::start();
        assert_eq!(status(false, &event(None)).await, 200);
        let lines = log.lines();
        assert_eq!(lines.len(), 3);
        assert!(
            lines.iter().all(|line| line["request.id"] == "of-lambda"),
            "{lines:?}"
        );
    }

    #[tokio::test]
    async fn an_unreadable_event_is_logged_with_lambdas_id() {
        let mut no_url = event(Some("unread="));
        no_url["rawPath"] = json!("no-slash");
        for event in [no_url, json!({}), json!([])] {
            let log = Log::start();
            assert_eq!(status(false, &event).await, 400);
            for message in ["unreadable event", "request"] {
                assert_eq!(log.one(message)["request.id"], "of-lambda");
            }
        }
    }
}
