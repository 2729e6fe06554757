//! A queue that records its messages.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use domain::event::Envelope;
use local::emulators::Tables;
use payments::OwnQueue;
use runtime::Environment;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const URL: &str = "http://sqs.invalid/000000000000/own-queue";

/// A message as it was sent to the queue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) message: Envelope,
    pub(crate) delay: Duration,
}

/// SQS with one queue.
pub(crate) struct Queue {
    state: Arc<Sqs>,
    environment: Environment,
}

#[derive(Default)]
struct Sqs {
    sent: Mutex<Vec<Sent>>,
    refuses: AtomicBool,
}

impl Queue {
    pub(crate) async fn open(tables: &Tables) -> Self {
        let state = Arc::new(Sqs::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(send));
        let router = router.with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            state,
            environment: Environment::of(tables.environment(&endpoint)),
        }
    }

    /// The queue as its consumer uses it.
    pub(crate) fn own(&self) -> OwnQueue {
        OwnQueue::new(&self.environment, URL).unwrap()
    }

    /// Rejects all messages from now on.
    pub(crate) fn refuse(&self) {
        self.state.refuses.store(true, Ordering::SeqCst);
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.state.sent.lock().unwrap().clone()
    }
}

async fn send(State(sqs): State<Arc<Sqs>>, body: String) -> (StatusCode, Json<Value>) {
    if sqs.refuses.load(Ordering::SeqCst) {
        let error = json!({ "__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone" });
        return (StatusCode::BAD_REQUEST, Json(error));
    }
    let request: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(request["QueueUrl"], URL);
    let mut successful = Vec::new();
    for entry in request["Entries"].as_array().unwrap() {
        let message = entry["MessageBody"].as_str().unwrap();
        sqs.sent.lock().unwrap().push(Sent {
            message: serde_json::from_str(message).unwrap(),
            delay: Duration::from_secs(entry["DelaySeconds"].as_u64().unwrap()),
        });
        successful.push(json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "" }));
    }
    let answer = json!({ "Successful": successful, "Failed": [] });
    (StatusCode::OK, Json(answer))
}
