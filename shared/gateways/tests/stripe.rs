//! Contract tests with Stripe, against the stand-in of `shared/local`: localstripe behind a proxy.

#![expect(
    clippy::unwrap_used,
    reason = "a test; its helpers are not test functions, so clippy.toml does not cover them"
)]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use domain::{money::Money, payments::Provider::Stripe as STRIPE};
use gateways::{
    payments::{
        Authorisation, EventError, PaymentError, PaymentProviders, PaymentState, ProviderPayment,
        Refund, RefundState, Stripe,
    },
    secrets::{Keys, Secret},
};
use local::stripe::{CARD, CARD_ASKS, CARD_DECLINED, Fault, Intent, KEY, StripeStandIn, sign};
use tokio::{net::TcpListener, sync::mpsc};

const SECRET: &str = "whsec_test";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn eur(amount: i64) -> Money {
    Money::new(amount, "EUR".parse().unwrap())
}

fn keys(secret_key: &str, webhook_secrets: &[&str]) -> Keys {
    Keys {
        secret_key: secret_key.into(),
        webhook_secrets: webhook_secrets.iter().map(|it| (*it).into()).collect(),
    }
}

fn order<'a>(id: &'a str, token: Option<&'a str>) -> Authorisation<'a> {
    Authorisation {
        order_id: id,
        idempotency_key: id,
        amount: eur(1000),
        token,
        attempt: 1,
    }
}

/// A shop's providers and the Stripe stand-in that they call.
struct Shop {
    stand_in: StripeStandIn,
    providers: PaymentProviders,
}

impl Shop {
    async fn open() -> Self {
        let stand_in = StripeStandIn::start(&root()).await.unwrap();
        let secret = Secret::fixed(keys(KEY, &[SECRET]));
        let stripe = Stripe::new(stand_in.url(), secret).unwrap();
        Self {
            providers: PaymentProviders::new(Some(stripe)),
            stand_in,
        }
    }

    async fn authorise(&self, order: &Authorisation<'_>) -> Result<ProviderPayment, PaymentError> {
        self.providers.authorise(STRIPE, order).await
    }

    async fn capture(
        &self,
        id: &str,
        key: &str,
        amount: i64,
    ) -> Result<PaymentState, PaymentError> {
        let payment = self.providers.capture(STRIPE, id, key, eur(amount)).await;
        payment.map(|payment| payment.state)
    }

    async fn cancel(&self, id: &str) -> Result<PaymentState, PaymentError> {
        let payment = self.providers.cancel(STRIPE, id, id).await;
        payment.map(|payment| payment.state)
    }

    async fn refund(&self, id: &str, key: &str, amount: i64) -> Result<RefundState, PaymentError> {
        let refund = Refund {
            payment_id: id,
            refund_id: key,
            amount: eur(amount),
        };
        let refund = self.providers.refund(STRIPE, &refund).await;
        refund.map(|refund| refund.state)
    }

    async fn state(&self, id: &str) -> PaymentState {
        let payment = self.providers.payment(STRIPE, id).await.unwrap();
        payment.unwrap().state
    }

    /// Authorizes a payment and returns its id.
    async fn authorised(&self, id: &str) -> String {
        let payment = self.authorise(&order(id, Some("pm_card_visa"))).await;
        payment.unwrap().payment_id
    }

    /// The only existing payment.
    async fn only(&self) -> Intent {
        let intents = self.stand_in.intents().await.unwrap();
        assert_eq!(intents.len(), 1, "{intents:?}");
        intents.into_iter().next().unwrap()
    }
}

fn captured(amount: i64, refunded: i64) -> PaymentState {
    PaymentState::Captured { amount, refunded }
}

fn is_refused<T>(outcome: &Result<T, PaymentError>) -> bool {
    matches!(outcome, Err(PaymentError::Refused(_)))
}

fn is_unavailable<T>(outcome: &Result<T, PaymentError>) -> bool {
    matches!(outcome, Err(PaymentError::Unavailable(_)))
}

#[tokio::test]
async fn money_is_reserved_with_the_customers_token_and_then_taken() {
    let shop = Shop::open().await;
    let payment = shop
        .authorise(&order("o1", Some("pm_card_visa")))
        .await
        .unwrap();
    assert_eq!(payment.state, PaymentState::Authorised);
    assert_eq!(payment.order_id.as_deref(), Some("o1"));
    assert_eq!((payment.amount, payment.currency.as_str()), (1000, "EUR"));
    assert_eq!(shop.only().await.captured, 0);

    let id = payment.payment_id.as_str();
    assert_eq!(shop.capture(id, "c", 1000).await, Ok(captured(1000, 0)));
    let intent = shop.only().await;
    assert_eq!((intent.captured, intent.refunded), (1000, 0));
    assert_eq!(shop.state(id).await, captured(1000, 0));
}

#[tokio::test]
async fn a_declined_card_is_an_answer_with_a_reason() {
    let shop = Shop::open().await;
    for _ in 0..2 {
        let declined = shop
            .authorise(&order("o1", Some("pm_card_chargeDeclined")))
            .await;
        let code = "generic_decline".to_owned();
        assert_eq!(declined, Err(PaymentError::Declined { code }));
    }
    assert_eq!(shop.only().await.captured, 0);
    let nonsense = shop.authorise(&order("o2", Some("pm_nonsense"))).await;
    assert!(is_refused(&nonsense), "{nonsense:?}");
    assert!(!format!("{nonsense:?}").contains("pm_nonsense"));
}

#[tokio::test]
async fn a_bank_that_asks_the_customer_is_waited_for() {
    let shop = Shop::open().await;
    let token = shop.stand_in.card(CARD_ASKS).await.unwrap();
    let payment = shop.authorise(&order("o1", Some(&token))).await.unwrap();
    assert_eq!(payment.state, PaymentState::Confirming);
    assert!(payment.client_secret.is_some());
    let id = payment.payment_id.as_str();
    let early = shop.capture(id, "too early", 1000).await;
    assert_eq!(early, Ok(PaymentState::Confirming));

    shop.stand_in.authenticate(id, true).await.unwrap();
    assert_eq!(shop.state(id).await, PaymentState::Authorised);
    // The stored response of the first call is outdated; the current state is returned.
    let again = shop.authorise(&order("o1", Some(&token))).await.unwrap();
    assert_eq!(again.state, PaymentState::Authorised);
    assert_eq!(again.payment_id, id);
    assert_eq!(shop.capture(id, "c", 1000).await, Ok(captured(1000, 0)));
}

#[tokio::test]
async fn a_customer_who_fails_the_banks_question_pays_nothing() {
    let shop = Shop::open().await;
    let token = "pm_card_authenticationRequired";
    let payment = shop.authorise(&order("o1", Some(token))).await.unwrap();
    let id = payment.payment_id.as_str();
    shop.stand_in.authenticate(id, false).await.unwrap();
    let code = "payment_intent_authentication_failure".to_owned();
    assert_eq!(shop.state(id).await, PaymentState::Failed { code });
    assert_eq!(shop.cancel(id).await, Ok(PaymentState::Cancelled));
}

#[tokio::test]
async fn the_customers_own_client_confirms() {
    let shop = Shop::open().await;
    let payment = shop.authorise(&order("o1", None)).await.unwrap();
    assert_eq!(payment.state, PaymentState::RequiresAction);
    assert!(payment.client_secret.is_some());
    let id = payment.payment_id.as_str();
    let status = shop.stand_in.confirm(id, CARD).await.unwrap();
    assert_eq!(status, "requires_capture");
    assert_eq!(shop.capture(id, "c", 1000).await, Ok(captured(1000, 0)));

    let payment = shop.authorise(&order("o2", None)).await.unwrap();
    let id = payment.payment_id.as_str();
    shop.stand_in.confirm(id, CARD_DECLINED).await.unwrap();
    let code = "card_declined".to_owned();
    assert_eq!(shop.state(id).await, PaymentState::Failed { code });
}

#[tokio::test]
async fn a_part_is_taken_and_the_rest_released() {
    let shop = Shop::open().await;
    let id = shop.authorised("o1").await;
    let too_much = shop.capture(&id, "c1", 1001).await;
    assert!(is_refused(&too_much), "{too_much:?}");
    assert_eq!(shop.capture(&id, "c2", 700).await, Ok(captured(700, 0)));
    assert_eq!(shop.refund(&id, "r", 200).await, Ok(RefundState::Succeeded));
    assert_eq!(shop.state(&id).await, captured(700, 200));
    let intent = shop.only().await;
    assert_eq!((intent.captured, intent.refunded), (700, 200));
}

#[tokio::test]
async fn whatever_is_sent_twice_happens_once() {
    let shop = Shop::open().await;
    let id = shop.authorised("o1").await;
    assert_eq!(shop.authorised("o1").await, id);
    for _ in 0..2 {
        assert_eq!(shop.capture(&id, "c", 600).await, Ok(captured(600, 0)));
    }
    // Another key with another amount: the payment is captured, and stays as it is.
    assert_eq!(shop.capture(&id, "other", 1000).await, Ok(captured(600, 0)));
    for _ in 0..2 {
        assert_eq!(shop.refund(&id, "r", 100).await, Ok(RefundState::Succeeded));
    }
    let intent = shop.only().await;
    assert_eq!((intent.captured, intent.refunded), (600, 100));

    // Reusing the key for another request is a bug, and has no effect.
    let reused = shop.refund(&id, "r", 101).await;
    assert!(is_refused(&reused), "{reused:?}");
    let mut other = order("o1", Some("pm_card_visa"));
    other.amount = eur(1001);
    assert!(is_refused(&shop.authorise(&other).await));
    assert_eq!(shop.only().await, intent);
}

#[tokio::test]
async fn calls_at_the_same_time_happen_once() {
    let shop = Shop::open().await;
    let id = shop.authorised("o1").await;
    shop.stand_in.fail_next(Fault::Late(Duration::from_secs(1)));
    let (first, second) = tokio::join!(shop.capture(&id, "c", 1000), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        shop.capture(&id, "c", 1000).await
    });
    assert_eq!(first, Ok(captured(1000, 0)));
    assert!(is_unavailable(&second), "{second:?}");
    assert_eq!(shop.capture(&id, "c", 1000).await, first);
    let (one, two) = tokio::join!(shop.refund(&id, "r", 400), shop.refund(&id, "r", 400));
    for refund in [one, two] {
        assert!(refund.is_ok() || is_unavailable(&refund), "{refund:?}");
    }
    let intent = shop.only().await;
    assert_eq!((intent.captured, intent.refunded), (1000, 400));
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_again() {
    let shop = Shop::open().await;
    let authorisation = order("o1", Some("pm_card_visa"));
    shop.stand_in.fail_next(Fault::LoseAnswer);
    let lost = shop.authorise(&authorisation).await;
    assert!(is_unavailable(&lost), "{lost:?}");
    let payment = shop.authorise(&authorisation).await.unwrap();
    assert_eq!(payment.state, PaymentState::Authorised);
    let id = payment.payment_id.as_str();

    // The same over a pooled connection.
    shop.stand_in.fail_next(Fault::LoseAnswer);
    assert!(is_unavailable(&shop.capture(id, "c", 900).await));
    assert_eq!(shop.capture(id, "c", 900).await, Ok(captured(900, 0)));

    shop.stand_in.fail_next(Fault::LoseAnswer);
    assert!(is_unavailable(&shop.refund(id, "r", 300).await));
    assert_eq!(shop.refund(id, "r", 300).await, Ok(RefundState::Succeeded));
    let intent = shop.only().await;
    assert_eq!((intent.captured, intent.refunded), (900, 300));
}

#[tokio::test]
async fn too_late_to_cancel_is_an_answer() {
    let shop = Shop::open().await;
    let reserved = shop.authorised("o1").await;
    assert_eq!(shop.cancel(&reserved).await, Ok(PaymentState::Cancelled));
    assert_eq!(shop.cancel(&reserved).await, Ok(PaymentState::Cancelled));
    let again = shop
        .providers
        .cancel(STRIPE, &reserved, "another key")
        .await;
    assert_eq!(again.unwrap().state, PaymentState::Cancelled);
    let capture = shop.capture(&reserved, "c", 1000).await;
    assert_eq!(capture, Ok(PaymentState::Cancelled));

    let taken = shop.authorised("o2").await;
    shop.capture(&taken, "c2", 1000).await.unwrap();
    assert_eq!(shop.cancel(&taken).await, Ok(captured(1000, 0)));

    let unpaid = shop.authorise(&order("o3", None)).await.unwrap().payment_id;
    assert_eq!(shop.cancel(&unpaid).await, Ok(PaymentState::Cancelled));

    let expired = shop.authorised("o4").await;
    shop.stand_in.expire(&expired).await.unwrap();
    assert_eq!(shop.state(&expired).await, PaymentState::Cancelled);
}

#[tokio::test]
async fn money_goes_back_in_parts_or_whole_and_never_more() {
    let shop = Shop::open().await;
    let id = shop.authorised("o1").await;
    let early = shop.refund(&id, "early", 1).await;
    assert!(is_refused(&early), "{early:?}");
    shop.capture(&id, "c", 1000).await.unwrap();
    assert_eq!(
        shop.refund(&id, "r1", 300).await,
        Ok(RefundState::Succeeded)
    );
    let too_much = shop.refund(&id, "r2", 701).await;
    assert!(is_refused(&too_much), "{too_much:?}");
    assert_eq!(
        shop.refund(&id, "r3", 700).await,
        Ok(RefundState::Succeeded)
    );
    assert_eq!(shop.state(&id).await, captured(1000, 1000));
    assert!(is_refused(&shop.refund(&id, "r4", 1).await));
}

/// The kind of fault: a message outlives what makes it harmless to repeat.
#[tokio::test]
async fn what_a_forgotten_key_began_is_found_by_its_id() {
    let shop = Shop::open().await;
    let find = async |refund_id: &str, payment_id: &str| {
        let found = shop
            .providers
            .find_refund(STRIPE, payment_id, refund_id)
            .await;
        found.unwrap().map(|refund| refund.state)
    };
    let of_order = async || shop.providers.find_payment(STRIPE, "o1").await.unwrap();
    assert_eq!(of_order().await, None);
    let id = shop.authorised("o1").await;
    let other = shop.authorised("o2").await;
    for payment in [&id, &other] {
        shop.capture(payment, payment, 1000).await.unwrap();
    }
    assert_eq!(find("r1", &id).await, None);
    shop.refund(&id, "r1", 300).await.unwrap();
    shop.refund(&other, "r2", 300).await.unwrap();
    assert_eq!(find("r1", &id).await, Some(RefundState::Succeeded));
    assert_eq!(find("r2", &id).await, None);

    shop.stand_in.forget_keys();
    assert_eq!(find("r1", &id).await, Some(RefundState::Succeeded));
    let found = of_order().await.unwrap();
    assert_eq!(
        (found.payment_id, found.state),
        (id.clone(), captured(1000, 300))
    );
    // Why it has to be looked up: the same call is a second refund, and a second authorization.
    shop.refund(&id, "r1", 300).await.unwrap();
    assert_eq!(shop.state(&id).await, captured(1000, 600));
    let second = shop.authorised("o1").await;
    assert_ne!(second, id);
    // Of both payments, the one with the money.
    let found = of_order().await.unwrap();
    assert_eq!(found.payment_id, id);
    for bad in ["", "o'1", "o1&x"] {
        assert!(is_refused(&shop.providers.find_payment(STRIPE, bad).await));
    }
}

/// The kind of fault: a list that is read to the end of its first page only.
#[tokio::test]
async fn a_refund_is_found_on_every_page() {
    let page = |ids: std::ops::Range<usize>, has_more: bool| {
        let refund = |id| {
            let metadata = serde_json::json!({ "refund_id": format!("r{id}") });
            serde_json::json!({ "id": format!("re_{id}"), "status": "succeeded", "metadata": metadata })
        };
        let data: Vec<_> = ids.map(refund).collect();
        serde_json::json!({ "object": "list", "data": data, "has_more": has_more }).to_string()
    };
    let answer = move |uri: axum::http::Uri| async move {
        match uri.query() {
            Some("payment_intent=pi_1&limit=100") => page(0..100, true),
            Some("payment_intent=pi_1&limit=100&starting_after=re_99") => page(100..150, false),
            other => panic!("an unexpected page: {other:?}"),
        }
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/refunds", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let stripe = Stripe::new(&url, Secret::fixed(keys(KEY, &[SECRET]))).unwrap();
    let providers = PaymentProviders::new(Some(stripe));
    for (id, is_there) in [("r0", true), ("r140", true), ("r150", false)] {
        let found = providers.find_refund(STRIPE, "pi_1", id).await.unwrap();
        assert_eq!(found.is_some(), is_there, "{id}");
    }
}

#[tokio::test]
async fn a_payment_nobody_knows_is_none() {
    let shop = Shop::open().await;
    assert_eq!(shop.providers.payment(STRIPE, "pi_unknown").await, Ok(None));
    assert!(is_refused(&shop.capture("pi_unknown", "c", 1).await));
    assert!(is_refused(&shop.cancel("pi_unknown").await));
    assert!(is_refused(&shop.refund("pi_unknown", "r", 1).await));
    assert!(is_refused(
        &shop.providers.payment(STRIPE, "pi_/../x").await
    ));
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let shop = Shop::open().await;
    let secret = Secret::fixed(keys("sk_test_wrong", &[]));
    let stripe = Stripe::new(shop.stand_in.url(), secret).unwrap();
    let providers = PaymentProviders::new(Some(stripe));
    let refused = providers
        .authorise(STRIPE, &order("o1", Some("pm_card_visa")))
        .await;
    assert!(is_refused(&refused), "{refused:?}");
    assert!(shop.stand_in.intents().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_may_pass_is_told_apart_from_what_will_not() {
    let shop = Shop::open().await;
    for status in [429, 500, 503] {
        shop.stand_in.fail_next(Fault::Refuse(status));
        let outcome = shop.authorise(&order("o1", None)).await;
        assert!(is_unavailable(&outcome), "{status}: {outcome:?}");
    }
    shop.stand_in.fail_next(Fault::Refuse(403));
    assert!(is_refused(&shop.authorise(&order("o1", None)).await));
    assert!(shop.authorise(&order("o1", None)).await.is_ok());
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let shop = Shop::open().await;
    let id = shop.authorised("o1").await;
    shop.stand_in.fail_next(Fault::Hang);
    assert!(is_unavailable(&shop.providers.payment(STRIPE, &id).await));
    shop.stand_in.fail_next(Fault::Hang);
    assert!(is_unavailable(&shop.capture(&id, "c", 1000).await));
    assert_eq!(shop.only().await.captured, 0);

    let mut shop = shop;
    shop.stand_in.stop().await;
    assert!(is_unavailable(&shop.providers.payment(STRIPE, &id).await));
}

/// A webhook that forwards signature and body.
async fn webhook() -> (String, mpsc::UnboundedReceiver<(String, Bytes)>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
        let _ = sender.send((signature, body));
    };
    let router = Router::new().route("/events", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, receiver)
}

#[tokio::test]
async fn events_are_told_from_forgeries() {
    let shop = Shop::open().await;
    let (url, mut deliveries) = webhook().await;
    shop.stand_in.deliver_events(&url, SECRET).await.unwrap();
    let id = shop.authorised("o1").await;
    shop.capture(&id, "c", 1000).await.unwrap();
    shop.refund(&id, "r", 1).await.unwrap();

    let mut kinds = Vec::new();
    for _ in 0..3 {
        let delivery = tokio::time::timeout(Duration::from_secs(10), deliveries.recv()).await;
        let (signature, body) = delivery.unwrap().unwrap();
        let now = runtime::now();
        let verify = |signature: Option<String>, body: Bytes, now| {
            let providers = shop.providers.clone();
            async move {
                let signature = signature.as_deref();
                providers.verify_event(STRIPE, signature, &body, now).await
            }
        };
        let event = verify(Some(signature.clone()), body.clone(), now)
            .await
            .unwrap();
        assert_eq!(event.payment_id.as_deref(), Some(id.as_str()));
        assert_eq!(event.order_id.as_deref(), Some("o1"));
        kinds.push(event.kind);

        let forged = sign("whsec_other", now.as_second(), &body);
        for signature in [None, Some(forged), Some(String::new())] {
            let verdict = verify(signature, body.clone(), now).await;
            assert_eq!(verdict, Err(EventError::Signature));
        }
        let changed = Bytes::from([&body[..], b" "].concat());
        let verdict = verify(Some(signature.clone()), changed, now).await;
        assert_eq!(verdict, Err(EventError::Signature));
        let later = now + jiff::SignedDuration::from_mins(6);
        let verdict = verify(Some(signature), body, later).await;
        assert_eq!(verdict, Err(EventError::Stale));
    }
    kinds.sort();
    // The first two come from the proxy, the last from localstripe itself.
    assert_eq!(
        kinds,
        [
            "charge.refunded",
            "payment_intent.amount_capturable_updated",
            "payment_intent.succeeded"
        ]
    );
}

/// A Secrets Manager with one secret, and the number of times it was read.
async fn secrets_manager(texts: Vec<&'static str>) -> (runtime::Environment, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let counted = Arc::clone(&reads);
    let read = move |headers: HeaderMap| async move {
        assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
        let read = counted.fetch_add(1, Ordering::SeqCst);
        let text = texts[read.min(texts.len() - 1)];
        let quoted = text.replace('"', "\\\"");
        format!(r#"{{"Name": "stripe", "SecretString": "{quoted}"}}"#)
    };
    let router = Router::new().route("/", post(read));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url.as_str()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (runtime::Environment::of(variables), reads)
}

#[tokio::test]
async fn keys_may_be_exchanged_while_the_shop_is_open() {
    const NEW: &str = "sk_test_after_rotation";
    let stand_in = StripeStandIn::start(&root()).await.unwrap();
    let (environment, reads) = secrets_manager(vec![
        r#"{"secret_key":"sk_test_stampede","webhook_secrets":["whsec_a"]}"#,
        r#"{"secret_key":"sk_test_after_rotation","webhook_secrets":["whsec_a","whsec_b"]}"#,
    ])
    .await;
    let secret = Secret::new(&environment.sdk_config().unwrap(), "stripe");
    let stripe = Stripe::new(stand_in.url(), secret).unwrap();
    let providers = PaymentProviders::new(Some(stripe));
    assert_eq!(reads.load(Ordering::SeqCst), 0);
    for _ in 0..3 {
        let payment = providers.authorise(STRIPE, &order("o1", None)).await;
        assert!(payment.is_ok(), "{payment:?}");
    }
    assert_eq!(reads.load(Ordering::SeqCst), 1);

    stand_in.accept_only(NEW);
    // Keys that were just read are not doubted, so time must pass.
    assert!(is_refused(&providers.payment(STRIPE, "pi_1").await));
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    assert_eq!(providers.payment(STRIPE, "pi_1").await, Ok(None));
    assert_eq!(reads.load(Ordering::SeqCst), 2);

    let now = runtime::now();
    let body = br#"{"id":"evt_1","type":"x","created":1795000000,"data":{"object":{}}}"#;
    let signature = sign("whsec_b", now.as_second(), body);
    let event = providers
        .verify_event(STRIPE, Some(&signature), body, now)
        .await;
    assert_eq!(event.unwrap().event_id, "evt_1");
    let forged = sign("whsec_c", now.as_second(), body);
    for _ in 0..20 {
        let event = providers
            .verify_event(STRIPE, Some(&forged), body, now)
            .await;
        assert_eq!(event, Err(EventError::Signature));
    }
    assert!(
        reads.load(Ordering::SeqCst) <= 3,
        "forgeries must not cost a read each"
    );
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_says_so_without_its_words() {
    let stand_in = StripeStandIn::start(&root()).await.unwrap();
    let (environment, _) = secrets_manager(vec!["sk_live_pasted_by_mistake"]).await;
    let secret = Secret::new(&environment.sdk_config().unwrap(), "stripe");
    let stripe = Stripe::new(stand_in.url(), secret).unwrap();
    let providers = PaymentProviders::new(Some(stripe));
    let outcome = providers.payment(STRIPE, "pi_1").await;
    assert!(is_unavailable(&outcome), "{outcome:?}");
    assert!(!format!("{outcome:?}").contains("sk_live"));
    let event = providers
        .verify_event(STRIPE, Some("t=1,v1=x"), b"", runtime::now())
        .await;
    assert!(
        matches!(event, Err(EventError::Unavailable(_))),
        "{event:?}"
    );
}
