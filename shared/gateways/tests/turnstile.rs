//! Contract tests with Cloudflare Turnstile, against a server that answers as its documentation says.

#![expect(
    clippy::unwrap_used,
    reason = "a test; its helpers are not test functions, so clippy.toml does not cover them"
)]

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use domain::limits::ChallengeAction;
use gateways::{
    challenges::{ChallengeError, Challenged, Challenges, Turnstile},
    secrets::{Keys, Secret},
};
use tokio::net::TcpListener;

const SECRET: &str = "0x4AAAAAAA_secret";
const HOST: &str = "shop.example";

/// How the server fails, instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Hang,
    Status(u16),
    Garbage,
    Internal,
    BadRequest,
    Endless,
}

/// The server: tokens are `<host>/<action>/<anything>`, and each counts once.
#[derive(Debug, Default)]
struct Cloudflare {
    fault: Mutex<Option<Fault>>,
    used: Mutex<HashSet<String>>,
    forms: Mutex<Vec<HashMap<String, String>>>,
}

impl Cloudflare {
    async fn start() -> (Arc<Self>, String) {
        let server = Arc::new(Self::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::clone(&server);
        let answer = move |body: Bytes| {
            let server = Arc::clone(&shared);
            async move { server.answer(&body).await }
        };
        let router = Router::new().route("/turnstile/v0/siteverify", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, url)
    }

    async fn answer(&self, body: &[u8]) -> (StatusCode, String) {
        let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        self.forms.lock().unwrap().push(form.clone());
        let fault = *self.fault.lock().unwrap();
        let failed = |code: &str| {
            let body = format!(r#"{{"success":false,"error-codes":["{code}"],"messages":[]}}"#);
            (StatusCode::OK, body)
        };
        match fault {
            Some(Fault::Hang) => std::future::pending::<()>().await,
            Some(Fault::Status(status)) => {
                return (StatusCode::from_u16(status).unwrap(), String::new());
            }
            Some(Fault::Garbage) => return (StatusCode::OK, "<html>".to_owned()),
            Some(Fault::Internal) => return failed("internal-error"),
            Some(Fault::BadRequest) => return failed("bad-request"),
            Some(Fault::Endless) => return (StatusCode::OK, " ".repeat(1_000_000)),
            None => {}
        }
        if form["secret"] != SECRET {
            return failed("invalid-input-secret");
        }
        let token = &form["response"];
        let parts: Vec<&str> = token.split('/').collect();
        let [host, action, _] = parts[..] else {
            return failed("invalid-input-response");
        };
        if !self.used.lock().unwrap().insert(token.clone()) {
            return failed("timeout-or-duplicate");
        }
        let body = format!(
            r#"{{"success":true,"challenge_ts":"2026-11-26T10:00:00.000Z","hostname":"{host}","error-codes":[],
                "action":"{action}","cdata":"","metadata":{{"interactive":false}}}}"#
        );
        (StatusCode::OK, body)
    }

    fn fail(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    fn calls(&self) -> usize {
        self.forms.lock().unwrap().len()
    }
}

fn challenges(url: &str, secret: &str) -> Challenges {
    let keys = Keys {
        secret_key: secret.to_owned(),
        webhook_secrets: Vec::new(),
    };
    let hosts = vec!["Shop.Example".to_owned(), "app.example".to_owned()];
    Challenges::turnstile(Turnstile::new(url, Secret::fixed(keys), hosts).unwrap())
}

async fn log_in(challenges: &Challenges, token: &str) -> Challenged {
    let viewer: IpAddr = "203.0.113.7".parse().unwrap();
    let action = ChallengeAction::Login;
    challenges.check(Some(token), action, Some(viewer)).await
}

fn is_unavailable(outcome: &Challenged) -> bool {
    matches!(
        outcome,
        Challenged::Unchecked(ChallengeError::Unavailable(_))
    )
}

#[tokio::test]
async fn a_token_counts_once_and_with_the_clients_address() {
    let (server, url) = Cloudflare::start().await;
    let challenges = challenges(&url, SECRET);
    let token = format!("{HOST}/login/1 &=+ü");
    assert_eq!(log_in(&challenges, &token).await, Challenged::Passed);
    let form = server.forms.lock().unwrap()[0].clone();
    assert_eq!(form["secret"], SECRET);
    assert_eq!(form["response"], token);
    assert_eq!(form["remoteip"], "203.0.113.7");

    let again = log_in(&challenges, &token).await;
    let reason = "timeout-or-duplicate".to_owned();
    assert_eq!(again, Challenged::Required(Some(reason)));
    // Nobody's address is made up.
    let token = format!("{HOST}/login/2");
    let action = ChallengeAction::Login;
    let unknown = challenges.check(Some(&token), action, None).await;
    assert_eq!(unknown, Challenged::Passed);
    let form = server.forms.lock().unwrap()[2].clone();
    assert!(!form.contains_key("remoteip"), "{form:?}");
}

/// The kind of fault: a token that a page of somebody else has got, or one for something harmless.
#[tokio::test]
async fn a_token_counts_for_its_page_and_action_only() {
    let (_, url) = Cloudflare::start().await;
    let challenges = challenges(&url, SECRET);
    for good in ["shop.example/login/1", "app.example/login/2"] {
        assert_eq!(
            log_in(&challenges, good).await,
            Challenged::Passed,
            "{good}"
        );
    }
    for bad in [
        "eve.example/login/3",
        "shop.example.eve.example/login/4",
        "/login/5",
        "shop.example/register/6",
        "shop.example//7",
        "shop.example/LOGIN/8",
        "made up",
    ] {
        let outcome = log_in(&challenges, bad).await;
        assert!(matches!(outcome, Challenged::Required(Some(_))), "{bad}");
    }
}

#[tokio::test]
async fn nothing_is_called_without_a_token_that_may_be_one() {
    let (server, url) = Cloudflare::start().await;
    let challenges = challenges(&url, SECRET);
    let none = challenges.check(None, ChallengeAction::Login, None).await;
    assert_eq!(none, Challenged::Required(None));
    for token in ["", &"x".repeat(2049)] {
        let outcome = log_in(&challenges, token).await;
        assert!(matches!(outcome, Challenged::Required(Some(_))));
    }
    assert_eq!(server.calls(), 0);
    log_in(&challenges, &"x".repeat(2048)).await;
    assert_eq!(server.calls(), 1);
}

/// The kind of fault: an outage of the provider, or a mistake of the operator, is held against the client.
#[tokio::test]
async fn what_is_not_the_clients_fault_stops_nobody() {
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Status(404),
        Fault::Garbage,
        Fault::Internal,
        Fault::Endless,
    ] {
        let (server, url) = Cloudflare::start().await;
        server.fail(Some(fault));
        let outcome = log_in(&challenges(&url, SECRET), "anything").await;
        assert!(is_unavailable(&outcome), "{fault:?}: {outcome:?}");
    }
    let (server, url) = Cloudflare::start().await;
    let outcome = log_in(&challenges(&url, "another"), "shop.example/login/1").await;
    let is_ours = |outcome: &Challenged| {
        let Challenged::Unchecked(ChallengeError::Misconfigured(reason)) = outcome else {
            return false;
        };
        !reason.contains("another")
    };
    assert!(is_ours(&outcome), "{outcome:?}");
    server.fail(Some(Fault::BadRequest));
    let outcome = log_in(&challenges(&url, SECRET), "anything").await;
    assert!(is_ours(&outcome), "{outcome:?}");
    // Nobody listens there.
    let gone = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    assert!(is_unavailable(
        &log_in(&challenges(&url, SECRET), "x").await
    ));
}

#[tokio::test]
async fn nobody_waits_for_long_and_soon_not_at_all() {
    let (server, url) = Cloudflare::start().await;
    let challenges = challenges(&url, SECRET);
    server.fail(Some(Fault::Hang));
    for _ in 0..2 {
        let started = tokio::time::Instant::now();
        assert!(is_unavailable(&log_in(&challenges, "anything").await));
        assert!(started.elapsed() < Duration::from_secs(4));
    }
    let calls = server.calls();
    let left = Challenged::Unchecked(ChallengeError::LeftAlone);
    assert_eq!(log_in(&challenges, "anything").await, left);
    let none = challenges.check(None, ChallengeAction::Login, None).await;
    assert_eq!(none, left);
    assert_eq!(server.calls(), calls);
}

#[tokio::test]
async fn answers_in_between_keep_the_breaker_closed() {
    let (server, url) = Cloudflare::start().await;
    let challenges = challenges(&url, SECRET);
    for number in 0..3 {
        server.fail(Some(Fault::Internal));
        assert!(is_unavailable(&log_in(&challenges, "anything").await));
        server.fail(None);
        // A refusal is an answer, too.
        let refused = log_in(&challenges, "made up").await;
        assert!(matches!(refused, Challenged::Required(Some(_))));
        let token = format!("{HOST}/login/{number}");
        assert_eq!(log_in(&challenges, &token).await, Challenged::Passed);
    }
}
