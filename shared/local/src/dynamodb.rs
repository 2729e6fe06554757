//! DynamoDB's HTTP API on a database of dynoxide. Its own server answers every `Host` and lets pages of every
//! origin read the answers; this one answers programs on this machine, and functions only what their policies allow.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path as UrlPath, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use dynoxide::{Database, DynoxideError};
use tokio::net::TcpListener;

use crate::{LocalError, Result, policies::Policies};

/// Maximum size of a request.
const MAX_BODY: usize = 16 * 1024 * 1024;
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Serves a database on a free port until the runtime ends; returns the endpoint.
pub(crate) async fn serve(database: Database, policies: Policies) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|error| LocalError::new("DynamoDB cannot listen", error))?;
    let address = listener
        .local_addr()
        .map_err(|error| LocalError(error.to_string()))?;
    let router = Router::new()
        .route("/", post(answer))
        .route("/{function}/", post(answer_function))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state((database, policies));
    let router = crate::host::guard_private(router);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

async fn answer(state: State<(Database, Policies)>, headers: HeaderMap, body: String) -> Response {
    answer_function(state, UrlPath(String::new()), headers, body).await
}

async fn answer_function(
    State((database, policies)): State<(Database, Policies)>,
    UrlPath(function): UrlPath<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // `DynamoDB_20120810.GetItem`, `DynamoDBStreams_20120810.GetRecords`
    let operation = header("x-amz-target").and_then(|target| target.rsplit_once('.'));
    let operation = operation.map_or("", |(_, operation)| operation);
    let result = match policies.refusal(&function, operation, &body) {
        Some(refusal) => Err(DynoxideError::AccessDeniedException(refusal)),
        None => call(&database, operation, &body),
    };
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code());
            (status.unwrap_or(StatusCode::BAD_REQUEST), error.to_json())
        }
    };
    let id = uuid::Uuid::new_v4().simple().to_string();
    let headers = [
        (header::CONTENT_TYPE.as_str(), CONTENT_TYPE),
        ("x-amzn-requestid", id.as_str()),
    ];
    (status, headers, body).into_response()
}

macro_rules! operations {
    ($($name:literal => $method:ident,)*) => {
        /// Executes an operation of DynamoDB; request and response are JSON.
        fn call(database: &Database, operation: &str, body: &str) -> dynoxide::Result<String> {
            match operation {
                $($name => {
                    let request = serde_json::from_str(body).map_err(unreadable)?;
                    serde_json::to_string(&database.$method(request)?).map_err(unreadable)
                })*
                _ => Err(DynoxideError::ValidationException(format!(
                    "there is no operation {operation:?} here"
                ))),
            }
        }
    };
}

operations! {
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "CreateTable" => create_table,
    "DeleteItem" => delete_item,
    "DeleteTable" => delete_table,
    "DescribeStream" => describe_stream,
    "DescribeTable" => describe_table,
    "DescribeTimeToLive" => describe_time_to_live,
    "ExecuteStatement" => execute_statement,
    "GetItem" => get_item,
    "GetRecords" => get_records,
    "GetShardIterator" => get_shard_iterator,
    "ListStreams" => list_streams,
    "ListTables" => list_tables,
    "PutItem" => put_item,
    "Query" => query,
    "Scan" => scan,
    "TransactGetItems" => transact_get_items,
    "TransactWriteItems" => transact_write_items,
    "UpdateItem" => update_item,
    "UpdateTable" => update_table,
    "UpdateTimeToLive" => update_time_to_live,
}

fn unreadable(error: serde_json::Error) -> DynoxideError {
    DynoxideError::SerializationException(error.to_string())
}
