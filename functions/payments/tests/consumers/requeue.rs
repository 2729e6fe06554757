//! `capture-payment` and `refund-payment` as consumers: the number of the attempt, and messages that
//! wait for the circuit breaker.

use std::time::Duration;

use domain::{
    event::{Envelope, Event, MAX_REQUEUES},
    orders::OrderEventKind,
    payments::{PaymentFailure, Provider, breaker::COOLDOWN},
};
use local::emulators::Tables;
use payments::ATTEMPTS;
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

#[test]
fn failures_before_a_requeue_count_as_attempts() {
    // `ATTEMPTS` deliveries without an answer fail the order, however they are counted.
    for (name, attempts, attempt, result, order) in [
        (
            "first",
            0,
            1,
            "fails: the provider gave no conclusive answer: bad gateway",
            "PendingPayment: no payment Pending",
        ),
        (
            "last-delivery",
            0,
            ATTEMPTS,
            "ok",
            "PaymentFailed: no payment Failed (ProviderUnavailable)",
        ),
        (
            "last-after-a-requeue",
            ATTEMPTS - 1,
            1,
            "ok",
            "PaymentFailed: no payment Failed (ProviderUnavailable)",
        ),
    ] {
        run(async |tables| {
            let world = World::start(&tables, name, &[]).await;
            let queue = Queue::open(&tables).await;
            let mut placed = placed(&world);
            placed.attempts = attempts;
            world.provider.prepare(vec![Answer::unavailable()]);
            let consumer = capture_payment(&world, &queue);
            assert_eq!(deliver(&consumer, &placed, attempt).await, result, "{name}");
            let call = format!(
                "authorise ORDER, key ORDER, 1700 USD, tok_1, attempt {}",
                attempts + attempt
            );
            assert_eq!(world.provider.calls(), [call], "{name}");
            assert_eq!(world.shop.summary().await, order, "{name}");
            assert_eq!(queue.sent(), []);
        });
    }
    // The refunds' consumer counts alike: with the tenth attempt it stops to query.
    run(async |tables| {
        let unknown = &[Change::Failed(PaymentFailure::ProviderUnavailable)];
        let world = World::start(&tables, "query", unknown).await;
        let queue = Queue::open(&tables).await;
        let mut changed = changed(&world);
        changed.attempts = 7;
        let consumer = refund_payment(&world, &queue);
        for (attempt, result) in [
            (
                2,
                "fails: the provider gave no conclusive answer: bad gateway",
            ),
            (3, "ok"),
        ] {
            world.provider.prepare(vec![Answer::unavailable()]);
            assert_eq!(deliver(&consumer, &changed, attempt).await, result);
            let call = format!(
                "authorise ORDER, key ORDER, 1700 USD, tok_1, attempt {}",
                7 + attempt
            );
            assert_eq!(world.provider.calls(), [call]);
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
        let want = Envelope {
            requeues,
            ..first.clone()
        };
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

fn delays(sent: &[Sent]) -> Vec<u64> {
    sent.iter().map(|sent| sent.delay.as_secs()).collect()
}

const DELAYS: [u64; 10] = [30, 60, 120, 240, 480, 900, 900, 900, 900, 900];

#[test]
fn a_message_waits_for_the_breaker_up_to_its_limit() {
    run(async |tables| {
        let before = &[Change::BreakerOpens];
        let world = World::start(&tables, "capture", before).await;
        let queue = Queue::open(&tables).await;
        let consumer = capture_payment(&world, &queue);
        let sent = follow(&consumer, &queue, placed(&world)).await;
        assert_eq!(delays(&sent), DELAYS);

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
        assert_eq!(delays(&sent), DELAYS);
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
        let want = Envelope {
            attempts: 2,
            requeues: 1,
            ..placed(&world)
        };
        let sent = queue.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].message, want);
        assert_eq!(sent[0].delay, Duration::from_secs(15));
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
