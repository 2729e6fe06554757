//! `capture-payment` and `refund-payment` as consumers: the attempts that count, and messages that wait
//! for the circuit breaker.

use domain::{
    event::{Envelope, Event, MAX_REQUEUES},
    orders::OrderEventKind,
    payments::{PaymentFailure, Provider, breaker::COOLDOWN},
    trace::TraceParent,
};
use local::emulators::Tables;
use payments::{ATTEMPTS, QUESTIONS};
use runtime::{Consumer, Delivery};

use crate::{
    capture_payment::CapturePayment,
    provider::{Answer, PreparedProvider},
    queue::{Queue, Sent},
    refund_payment::RefundPayment,
    world::{Change, World, due, placed_at, run, soon},
};

fn message(event: Event) -> Envelope {
    Envelope {
        event_id: "ord_1.1".into(),
        occurred_at: placed_at(),
        trace_id: "request-1".into(),
        traceparent: TraceParent::begin("request-1"),
        attempts: 0,
        requeues: 0,
        event,
    }
}

fn placed(world: &World) -> Envelope {
    message(Event::OrderPlaced {
        order_id: world.shop.order_id,
    })
}

fn changed(world: &World) -> Envelope {
    message(Event::OrderChanged {
        order_id: world.shop.order_id,
        version: 2,
        what: OrderEventKind::Cancelled,
    })
}

fn capture_payment(world: &World, queue: &Queue) -> CapturePayment<PreparedProvider> {
    CapturePayment {
        payments: world.payments(),
        own_queue: queue.own(),
    }
}

fn refund_payment(world: &World, queue: &Queue) -> RefundPayment<PreparedProvider> {
    RefundPayment {
        payments: world.payments(),
        own_queue: queue.own(),
    }
}

async fn deliver<C: Consumer<Message = Envelope>>(
    consumer: &C,
    message: &Envelope,
    attempt: u32,
) -> String {
    let delivery = Delivery {
        message: message.clone(),
        attempt,
        now: soon(),
    };
    match consumer.handle(delivery).await {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("fails: {error}"),
    }
}

/// The kind: retries. Deliveries count although no function was free for them, or the table was unreachable;
/// the order fails after `ATTEMPTS` calls without an answer, and not before.
#[test]
fn calls_without_an_answer_count_and_deliveries_do_not() {
    run(async |tables| {
        let world = World::start(&tables, "capture-counts", &[]).await;
        let queue = Queue::open(&tables).await;
        let mut placed = placed(&world);
        placed.attempts = 5;
        let consumer = capture_payment(&world, &queue);
        for call in 1..=ATTEMPTS {
            world.provider.prepare(vec![Answer::unavailable()]);
            let result = deliver(&consumer, &placed, 2 * ATTEMPTS).await;
            let calls = world.provider.calls();
            let want = format!("authorise ORDER, key ORDER, 1700 USD, tok_1, attempt {call}");
            assert_eq!(calls, [want]);
            let (want, order) = match call {
                ATTEMPTS => (
                    "ok",
                    "PaymentFailed: no payment Failed (ProviderUnavailable)",
                ),
                _ => (
                    "fails: the provider gave no conclusive answer: bad gateway",
                    "PendingPayment: no payment Pending",
                ),
            };
            assert_eq!(result, want, "call {call}");
            assert_eq!(world.shop.summary().await, order, "call {call}");
        }
        assert_eq!(queue.sent(), []);
    });
    // The refunds' consumer counts alike, from the beginning: it is another question.
    run(async |tables| {
        let unknown = &[Change::Failed(PaymentFailure::ProviderUnavailable)];
        let world = World::start(&tables, "query", unknown).await;
        let queue = Queue::open(&tables).await;
        let changed = changed(&world);
        let consumer = refund_payment(&world, &queue);
        for call in 1..=QUESTIONS {
            world.provider.prepare(vec![Answer::unavailable()]);
            let result = deliver(&consumer, &changed, 2 * QUESTIONS).await;
            let want = format!(
                "authorise ORDER, key ORDER, 1700 USD, tok_1, attempt {}",
                call.max(2)
            );
            assert_eq!(world.provider.calls(), [want]);
            assert_eq!(result == "ok", call == QUESTIONS, "call {call}: {result}");
        }
    });
}

#[test]
fn events_of_other_kinds_are_ignored() {
    run(async |tables| {
        let world = World::start(&tables, "others", &[Change::Cancelled]).await;
        let queue = Queue::open(&tables).await;
        let received = message(Event::ProviderEventReceived {
            provider: Provider::Test,
            provider_event_id: "evt_1".into(),
        });
        let capture = capture_payment(&world, &queue);
        let refund = refund_payment(&world, &queue);
        assert_eq!(deliver(&capture, &received, 2).await, "ok");
        assert_eq!(deliver(&capture, &changed(&world), 2).await, "ok");
        assert_eq!(deliver(&refund, &received, 2).await, "ok");
        assert_eq!(deliver(&refund, &placed(&world), 2).await, "ok");
        assert_eq!(world.provider.calls(), [""; 0]);
        assert_eq!(queue.sent(), []);
    });
}

/// Delivers a message and each requeued copy of it while the breaker stays open.
async fn follow<C: Consumer<Message = Envelope>>(
    consumer: &C,
    queue: &Queue,
    first: Envelope,
) -> Vec<Sent> {
    let mut message = first.clone();
    for requeues in 1..=MAX_REQUEUES {
        // Delivered for the first time: waiting does not use up deliveries.
        assert_eq!(deliver(consumer, &message, 1).await, "ok");
        let sent = queue.sent().pop().unwrap();
        let want = message.requeue(1).unwrap();
        assert_eq!((want.requeues, want.attempts), (requeues, 0));
        assert_eq!(sent.message, want);
        message = sent.message;
    }
    let sent = queue.sent();
    assert_eq!(
        deliver(consumer, &message, 1).await,
        "fails: the circuit breaker is open, and the message has reached its requeue limit"
    );
    assert_eq!(queue.sent(), sent, "nothing more is sent");
    sent
}

/// The least delays; each is up to a quarter longer, at random.
const DELAYS: [u64; 10] = [30, 60, 120, 240, 480, 900, 900, 900, 900, 900];

fn delays_must_grow(sent: &[Sent]) {
    assert_eq!(sent.len(), DELAYS.len());
    for (sent, least) in sent.iter().zip(DELAYS) {
        let delay = sent.delay.as_secs();
        let most = (least + least / 4).min(900);
        assert!((least..=most).contains(&delay), "{delay} of {least}");
    }
}

#[test]
fn a_message_waits_for_the_breaker_up_to_its_limit() {
    run(async |tables| {
        let before = &[Change::BreakerOpens];
        let world = World::start(&tables, "capture", before).await;
        let queue = Queue::open(&tables).await;
        let consumer = capture_payment(&world, &queue);
        let sent = follow(&consumer, &queue, placed(&world)).await;
        delays_must_grow(&sent);

        let before = &[
            Change::Authorised,
            Change::Captured,
            Change::RefundRequested(500),
            Change::BreakerOpens,
        ];
        let refunded = World::start(&tables, "refund", before).await;
        let queue = Queue::open(&tables).await;
        let consumer = refund_payment(&refunded, &queue);
        let sent = follow(&consumer, &queue, changed(&refunded)).await;
        delays_must_grow(&sent);
        for world in [world, refunded] {
            assert_eq!(world.provider.calls(), [""; 0]);
        }
    });
}

#[test]
fn a_requeue_keeps_earlier_failures_and_waits_as_long_as_the_breaker() {
    run(async |tables| {
        let world = World::start(&tables, "kept", &[Change::BreakerOpens]).await;
        let queue = Queue::open(&tables).await;
        let consumer = capture_payment(&world, &queue);
        let delivery = Delivery {
            message: placed(&world),
            attempt: 3,
            now: soon() + COOLDOWN.checked_div(2).unwrap(),
        };
        consumer.handle(delivery).await.unwrap();
        let want = placed(&world).requeue(3).unwrap();
        assert_eq!((want.requeues, want.attempts), (1, 2));
        let sent = queue.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].message, want);
        let delay = sent[0].delay.as_secs();
        assert!((15..=18).contains(&delay), "{delay}");
    });
}

#[test]
fn a_message_that_cannot_be_requeued_fails() {
    run(async |tables| {
        let world = World::start(&tables, "broken", &[Change::BreakerOpens]).await;
        let queue = Queue::open(&tables).await;
        queue.refuse();
        let consumer = capture_payment(&world, &queue);
        let result = deliver(&consumer, &placed(&world), 1).await;
        assert!(
            result.starts_with("fails: SQS SendMessageBatch failed"),
            "{result}"
        );
        assert_eq!(queue.sent(), []);
    });
}

#[test]
fn an_authorization_is_voided_although_the_breaker_opens_in_between() {
    run(async |tables| {
        let world = World::start(&tables, "void-later", &[]).await;
        let queue = Queue::open(&tables).await;
        let consumer = capture_payment(&world, &queue);
        let placed = placed(&world);
        // Authorized, but canceled by the customer meanwhile; then the breaker opens before the void.
        world.provider.prepare(vec![
            Answer::authorised().after(&[Change::Cancelled, Change::BreakerOpens]),
        ]);
        assert_eq!(
            deliver(&consumer, &placed, 1).await,
            "fails: the circuit breaker opened before the authorization was voided"
        );
        assert_eq!(queue.sent(), [], "a copy would count as a first delivery");
        // The next delivery finds the breaker open and waits.
        world.provider.prepare(Vec::new());
        assert_eq!(deliver(&consumer, &placed, 2).await, "ok");
        let waiting = queue.sent().pop().unwrap().message;
        // The copy arrives when the breaker admits calls again, and voids the authorization.
        let answers = vec![Answer::authorised(), Answer::voided()];
        world.provider.prepare(answers);
        let delivery = Delivery {
            message: waiting,
            attempt: 1,
            now: due(),
        };
        consumer.handle(delivery).await.unwrap();
        assert_eq!(
            world.provider.calls(),
            [
                "authorise ORDER, key ORDER, 1700 USD, tok_1, attempt 2",
                "void pay_1, key ORDER.cancel"
            ]
        );
        world.shop.stock_must_match("void-later").await;
    });
}

#[test]
fn a_message_delivered_twice_pays_once() {
    async fn twice(tables: &Tables, name: &str, second: u32) {
        let world = World::start(tables, name, &[]).await;
        let queue = Queue::open(tables).await;
        let consumer = capture_payment(&world, &queue);
        let answers = vec![Answer::authorised(), Answer::captured(1700)];
        world.provider.prepare(answers);
        assert_eq!(deliver(&consumer, &placed(&world), 1).await, "ok");
        assert_eq!(deliver(&consumer, &placed(&world), second).await, "ok");
        assert_eq!(world.provider.calls().len(), 2, "{name}");
        assert_eq!(world.shop.summary().await, "Paid: pay_1 Captured 1700");
    }
    run(async |tables| {
        twice(&tables, "by-the-stream", 1).await;
        twice(&tables, "by-the-queue", 2).await;
    });
}
