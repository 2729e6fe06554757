//! The bad days of a process: its own clock, and a table that lags, loses and breaks.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use domain::{
    documents,
    identity::{PublicKey, TokenState},
    orders::Actor,
};
use proptest::prelude::*;
use store::ControlItem;
use tracing::{Event, Metadata, Subscriber, field::Field, span};

use super::*;

/// A table of a test.
#[derive(Default)]
struct Table {
    /// What an eventually consistent read returns, if it lags.
    lagging: Option<Option<u64>>,
    current: Option<u64>,
    documents: BTreeMap<u64, String>,
    /// Revisions that only a consistent read finds.
    unreplicated: Vec<u64>,
    tokens: TokenState,
    fails: bool,
    hangs: bool,
}

#[derive(Default)]
struct Fake {
    table: Mutex<Table>,
    checks: AtomicUsize,
    consistent: AtomicUsize,
    loads: AtomicUsize,
}

impl Fake {
    fn set(&self, change: impl FnOnce(&mut Table)) {
        change(&mut self.table.lock().unwrap());
    }

    /// Writes a revision that names the shop after its number.
    fn change(&self, revision: u64) {
        self.set(|table| {
            table.current = Some(revision);
            table.documents.insert(revision, named(revision));
        });
    }

    fn checks(&self) -> usize {
        self.checks.load(Ordering::Relaxed)
    }

    async fn answer<T>(&self, read: impl FnOnce(&Table) -> T) -> Result<T, StoreError> {
        let hangs = self.table.lock().unwrap().hangs;
        if hangs {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        let table = self.table.lock().unwrap();
        if table.fails {
            return Err(down());
        }
        Ok(read(&table))
    }
}

fn down() -> StoreError {
    StoreError::Call {
        operation: "test",
        reason: "down".to_owned(),
        retryable: true,
        source: None,
    }
}

fn named(revision: u64) -> String {
    format!(r#"{{"shop_name":"shop {revision}"}}"#)
}

impl Source for Arc<Fake> {
    async fn control(&self, consistency: Consistency) -> Result<Option<ControlItem>, StoreError> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        if consistency == Consistency::Strong {
            self.consistent.fetch_add(1, Ordering::Relaxed);
        }
        let seen = self.answer(|table| match consistency {
            Consistency::Eventual => table.lagging.unwrap_or(table.current),
            Consistency::Strong => table.current,
        });
        let tokens = self.table.lock().unwrap().tokens.clone();
        Ok(seen.await?.map(|settings| ControlItem {
            revisions: Revisions { settings },
            tokens,
        }))
    }

    async fn document(
        &self,
        _: DocumentKind,
        revision: u64,
        consistency: Consistency,
    ) -> Result<Option<documents::StoredRevision>, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let body = self.answer(|table| {
            let lags = table.unreplicated.contains(&revision);
            let is_seen = consistency == Consistency::Strong || !lags;
            is_seen
                .then(|| table.documents.get(&revision).cloned())
                .flatten()
        });
        Ok(body.await?.map(|body| documents::StoredRevision {
            revision: Revision {
                number: revision,
                changed_by: Actor::Shop,
                changed_at: Timestamp::UNIX_EPOCH,
                changed: Vec::new(),
                restored_from: None,
            },
            body,
        }))
    }
}

/// A process: its reader, and its table.
struct Process {
    control: Control<Arc<Fake>>,
    fake: Arc<Fake>,
}

fn process() -> Process {
    let fake = Arc::new(Fake::default());
    Process {
        control: Control::with_interval(Scope::All, Arc::clone(&fake), INTERVAL),
        fake,
    }
}

/// The time in milliseconds after the start of the test.
fn at(millis: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_millis(millis)
}

impl Process {
    /// The revision in use, after a background check, if one was begun, has ended.
    async fn revision(&self, millis: i64) -> Result<u64, ControlError> {
        let current = self.control.current(at(millis)).await?;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let revision = current.revisions().settings;
        let name = current.settings().shop_name("template").to_owned();
        // Whatever happens, the content is that of the revision.
        match revision {
            0 => assert_eq!(name, "template"),
            revision => assert_eq!(name, format!("shop {revision}")),
        }
        Ok(revision)
    }

    async fn uses(&self, millis: i64) -> u64 {
        self.revision(millis).await.unwrap()
    }
}

/// Counts the log lines of a test, metrics among them.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let guard = tracing::subscriber::set_default(log.clone());
        (log, guard)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Line(String);
        impl tracing::field::Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                match field.name() {
                    "message" => self.0 = format!("{value:?}{}", self.0),
                    "document.revision" | "metric.name" => self.0 += &format!(" {value:?}"),
                    _ => {}
                }
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

const NOT_USED: &str = "document not used";
const COUNTED: &str = "metric \"DocumentNotUsed\"";

#[tokio::test]
async fn without_a_control_item_the_template_applies() {
    let (log, _guard) = Log::start();
    let process = process();
    assert_eq!(process.uses(0).await, 0);
    assert_eq!(process.uses(60_000).await, 0);
    assert_eq!(process.fake.loads.load(Ordering::Relaxed), 0);
    assert!(log.take().is_empty(), "it is the state of every new shop");
}

/// The budget: one read of 0.5 units for all requests of five seconds, and a change is seen with the next.
#[tokio::test]
async fn a_busy_process_checks_once_in_an_interval() {
    let process = process();
    process.fake.change(1);
    for millis in (0..5_000).step_by(10) {
        assert_eq!(process.uses(millis).await, 1);
    }
    assert_eq!(process.fake.checks(), 1);
    process.fake.change(2);
    // Answered from memory, while the check runs.
    assert_eq!(process.uses(5_000).await, 1);
    assert_eq!(process.uses(5_010).await, 2);
    assert_eq!(process.fake.checks(), 2);
    for millis in (5_020..60_000).step_by(10) {
        process.uses(millis).await;
    }
    assert_eq!(process.fake.checks(), 12);
    assert_eq!(process.fake.loads.load(Ordering::Relaxed), 2);
    assert_eq!(process.fake.consistent.load(Ordering::Relaxed), 0);
}

/// A process that was frozen for an hour does not answer with what it had then.
#[tokio::test]
async fn an_idle_process_waits_for_its_check() {
    let process = process();
    process.fake.change(1);
    assert_eq!(process.uses(0).await, 1);
    process.fake.change(2);
    assert_eq!(process.uses(USABLE.as_millis() as i64).await, 2);
    process.fake.change(3);
    assert_eq!(process.uses(3_600_000).await, 3);
}

#[tokio::test]
async fn concurrent_requests_share_one_check() {
    let process = process();
    process.fake.change(1);
    let ask = || async { process.control.current(at(0)).await.unwrap().revisions() };
    let answers = tokio::join!(ask(), ask(), ask(), ask());
    assert_eq!(answers.0.settings, 1);
    assert!(answers.0 == answers.1 && answers.1 == answers.2 && answers.2 == answers.3);
    assert_eq!(process.fake.checks(), 1);
    assert_eq!(process.fake.loads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn processes_that_start_together_do_not_check_together() {
    let intervals: Vec<i128> = [0, 1, 499, 999, 1_000, u64::MAX]
        .map(|random| interval(random).as_millis())
        .to_vec();
    assert_eq!(intervals, [5_000, 5_001, 5_499, 5_999, 5_000, 5_615]);
    assert!(INTERVAL + JITTER < USABLE);
    // A change takes effect in ten seconds, two of which are for the check and for replication.
    assert!(USABLE <= SignedDuration::from_secs(8));
}

#[tokio::test]
async fn a_document_that_cannot_be_parsed_is_not_used() {
    let (log, _guard) = Log::start();
    let process = process();
    process.fake.change(1);
    assert_eq!(process.uses(0).await, 1);
    for broken in ["", "{", "[]", r#"{"shop_name":7}"#] {
        process.fake.set(|table| {
            table.current = Some(2);
            table.documents.insert(2, broken.to_owned());
        });
        for seconds in 1..10 {
            assert_eq!(process.uses(seconds * 10_000).await, 1, "{broken}");
        }
        // Once in a process, however often it checks and whatever is wrong with it.
        let said = log.take();
        let expected: &[String] = &[format!("{NOT_USED} 2"), COUNTED.to_owned()];
        assert_eq!(said, if broken.is_empty() { expected } else { &[] });
    }
    process.fake.change(3);
    assert_eq!(
        process.uses(200_000).await,
        3,
        "repaired by the next change"
    );
    assert!(log.take().is_empty());
    // Another one is another event.
    process.fake.set(|table| {
        table.current = Some(4);
        table.documents.insert(4, "x".to_owned());
    });
    assert_eq!(process.uses(300_000).await, 3);
    assert_eq!(log.take(), [format!("{NOT_USED} 4"), COUNTED.to_owned()]);
}

#[tokio::test]
async fn a_document_that_is_gone_is_not_used() {
    let (log, _guard) = Log::start();
    let process = process();
    process.fake.change(1);
    assert_eq!(process.uses(0).await, 1);
    process.fake.set(|table| table.current = Some(2));
    assert_eq!(process.uses(10_000).await, 1);
    assert_eq!(process.uses(20_000).await, 1);
    assert_eq!(log.take(), [format!("{NOT_USED} 2"), COUNTED.to_owned()]);
    // It was only late.
    process.fake.change(2);
    assert_eq!(process.uses(30_000).await, 2);
}

/// A replica has the control item already, and the document not yet.
#[tokio::test]
async fn a_document_that_is_not_replicated_yet_is_read_consistently() {
    let (log, _guard) = Log::start();
    let process = process();
    process.fake.change(1);
    process.fake.set(|table| table.unreplicated = vec![1, 2]);
    assert_eq!(process.uses(0).await, 1);
    process.fake.change(2);
    assert_eq!(process.uses(10_000).await, 2);
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn a_control_item_that_is_missing_or_older_turns_nothing_back() {
    let (log, _guard) = Log::start();
    let process = process();
    process.fake.change(1);
    process.fake.change(2);
    assert_eq!(process.uses(0).await, 2);
    for (index, lower) in [Some(1), None, Some(0)].into_iter().enumerate() {
        process.fake.set(|table| table.current = lower);
        let from = (index as i64 + 1) * 100_000;
        for seconds in 0..5 {
            assert_eq!(process.uses(from + seconds * 10_000).await, 2, "{lower:?}");
        }
        let said = log.take();
        let revision = lower.unwrap_or(0);
        match index {
            // Missing and 0 are the same.
            2 => assert!(said.is_empty(), "{said:?}"),
            _ => assert_eq!(said, [format!("{NOT_USED} {revision}"), COUNTED.to_owned()]),
        }
    }
    // Repaired.
    process.fake.set(|table| table.current = Some(2));
    assert_eq!(process.uses(1_000_000).await, 2);
    assert!(log.take().is_empty());
    // A process that starts now, while the item is missing, has nothing else than the template.
    process.fake.set(|table| table.current = None);
    let cold = Control::with_interval(Scope::All, Arc::clone(&process.fake), INTERVAL);
    let found = cold.current(at(0)).await.unwrap();
    assert_eq!(found.revisions().settings, 0);
}

/// Eventually consistent reads go back and forth between replicas.
#[tokio::test]
async fn a_replica_that_lags_is_no_trouble() {
    let (log, _guard) = Log::start();
    let process = process();
    process.fake.change(7);
    assert_eq!(process.uses(0).await, 7);
    for (number, lag) in [Some(6), None, Some(5)].into_iter().enumerate() {
        process.fake.set(|table| table.lagging = Some(lag));
        assert_eq!(process.uses((number as i64 + 1) * 10_000).await, 7);
    }
    assert!(log.take().is_empty());
    // One consistent read for each check that saw less, and none otherwise.
    assert_eq!(process.fake.consistent.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_table_that_does_not_answer_leaves_the_last_good_documents() {
    let (log, _guard) = Log::start();
    let process = process();
    process.fake.change(1);
    assert_eq!(process.uses(0).await, 1);
    process.fake.set(|table| table.fails = true);
    for seconds in 1..20 {
        assert_eq!(process.uses(seconds * 10_000).await, 1);
    }
    assert_eq!(log.take(), ["documents not checked"]);
    process.fake.set(|table| table.fails = false);
    process.fake.change(2);
    assert_eq!(process.uses(300_000).await, 2);
    process.fake.set(|table| table.fails = true);
    assert_eq!(process.uses(310_000).await, 2);
    assert_eq!(log.take(), ["documents not checked"], "another outage");
}

/// Kind of fault: a check that failed counts as one, so that old documents are taken for new, here and in caches.
#[tokio::test]
async fn a_check_that_fails_is_repeated_soon_and_makes_nothing_younger() {
    let process = process();
    let age = async |millis: i64| {
        let current = process.control.current(at(millis)).await.unwrap();
        (current.revisions().settings, current.age.as_millis())
    };
    process.fake.change(1);
    assert_eq!(process.uses(0).await, 1);
    process.fake.change(2);
    process.fake.set(|table| table.fails = true);
    // One in the background.
    assert_eq!(process.uses(6_000).await, 1);
    assert_eq!(process.fake.checks(), 2);
    process.fake.set(|table| table.fails = false);
    assert_eq!(age(7_999).await, (1, 7_999));
    assert_eq!(process.fake.checks(), 2);
    assert_eq!(age(8_000).await, (2, 0));

    // One that a request waits for.
    process.fake.change(3);
    process.fake.set(|table| table.fails = true);
    assert_eq!(age(16_000).await, (2, 8_000));
    process.fake.set(|table| table.fails = false);
    assert_eq!(age(18_000).await, (3, 0));
    // A clock that was set back, and the table does not answer: nobody knows how old they are.
    process.fake.set(|table| table.fails = true);
    assert_eq!(age(-600_000).await, (3, 618_000));
}

/// A hanging table takes a second of one request in a while, not the request.
#[tokio::test(start_paused = true)]
async fn a_table_that_hangs_costs_a_bounded_time() {
    let process = process();
    process.fake.change(1);
    assert_eq!(process.uses(0).await, 1);
    process.fake.set(|table| table.hangs = true);
    let started = tokio::time::Instant::now();
    assert_eq!(process.uses(60_000).await, 1);
    assert!(started.elapsed() <= CHECK_LIMIT + Duration::from_millis(50));
    let started = tokio::time::Instant::now();
    assert_eq!(process.uses(60_010).await, 1);
    assert_eq!(started.elapsed(), Duration::ZERO, "checked a moment ago");
}

/// Nothing is decided by guess: neither by the template's values nor by none.
#[tokio::test]
async fn a_cold_process_without_a_table_fails_its_request_and_no_other() {
    let process = process();
    process.fake.change(1);
    process.fake.set(|table| table.fails = true);
    let error = process.revision(0).await.unwrap_err();
    let failure = Failure::from(error);
    assert!(matches!(
        failure,
        Failure::Failed {
            retryable: true,
            ..
        }
    ));
    process.fake.set(|table| table.fails = false);
    assert_eq!(process.uses(10).await, 1, "the next request asks again");
}

#[tokio::test]
async fn a_cold_process_uses_what_the_others_use() {
    let (log, _guard) = Log::start();
    let process = process();
    process.fake.change(3);
    process.fake.set(|table| {
        table.current = Some(5);
        table.documents.insert(4, "{".to_owned());
    });
    assert_eq!(process.uses(0).await, 3);
    let said = log.take();
    let both = [
        format!("{NOT_USED} 5"),
        COUNTED.to_owned(),
        format!("{NOT_USED} 4"),
        COUNTED.to_owned(),
    ];
    assert_eq!(said, both);
    // Still so at the next check, which is worth one line more: it is the state of a warm process.
    assert_eq!(process.uses(10_000).await, 3);
    assert_eq!(process.uses(20_000).await, 3);
    assert_eq!(log.take(), both[..2]);

    // Not without end: after so many, the template's values are at least whole.
    let lost = self::process();
    lost.fake.change(1);
    lost.fake.set(|table| table.current = Some(2 + STEPS_BACK));
    assert_eq!(lost.uses(0).await, 0);
    // Two reads for each that is missing.
    assert_eq!(lost.fake.loads.load(Ordering::Relaxed), 2 * 6);
}

/// Clocks that differ by minutes: a process only compares its own times, which may be set back.
#[tokio::test]
async fn a_clock_that_jumps_neither_stops_nor_floods_the_checks() {
    let process = process();
    process.fake.change(1);
    assert_eq!(process.uses(600_000).await, 1);
    process.fake.change(2);
    // Set back by ten minutes: the age of the last check is unknown, so it is repeated, once.
    assert_eq!(process.uses(0).await, 2);
    let checks = process.fake.checks();
    for millis in 0..100 {
        process.uses(millis).await;
    }
    assert_eq!(process.fake.checks(), checks);
    process.fake.change(3);
    assert_eq!(process.uses(600_000).await, 3);
}

/// A state of the keys with one key.
fn keyed(version: u64, id: &str) -> TokenState {
    let key = PublicKey {
        id: id.to_owned(),
        x: String::new(),
        published_at: at(0),
    };
    TokenState {
        version,
        keys: vec![key],
        ..TokenState::default()
    }
}

/// The keys in use at a time.
async fn key_in_use(process: &Process, now: i64) -> String {
    let current = process.control.current(at(now)).await.unwrap();
    let keys = &current.verifier().state().keys;
    keys.first().map(|key| key.id.clone()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn keys_change_beside_the_settings_and_never_go_back() {
    let process = process();
    process.fake.change(1);
    process.fake.set(|table| table.tokens = keyed(2, "first"));
    assert_eq!(key_in_use(&process, 0).await, "first");
    process.fake.set(|table| table.tokens = keyed(3, "second"));
    assert_eq!(key_in_use(&process, 10_000).await, "second");
    assert_eq!(process.revision(10_000).await.unwrap(), 1);
    // Older, as from a backup, or lost.
    for older in [keyed(1, "zeroth"), TokenState::default()] {
        process.fake.set(|table| table.tokens = older);
        assert_eq!(key_in_use(&process, 20_000).await, "second");
    }
    process.fake.set(|table| table.current = None);
    assert_eq!(key_in_use(&process, 30_000).await, "second");
    // Settings that cannot be read are not in the way of new keys.
    process.fake.set(|table| {
        table.tokens = keyed(4, "third");
        table.documents.insert(2, "{".into());
        table.current = Some(2);
    });
    assert_eq!(key_in_use(&process, 40_000).await, "third");
    assert_eq!(process.revision(40_000).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_needs_keys_alone_reads_no_document() {
    let fake = Arc::new(Fake::default());
    fake.change(1);
    fake.set(|table| table.tokens = keyed(1, "first"));
    let process = Process {
        control: Control::with_interval(Scope::Keys, Arc::clone(&fake), INTERVAL),
        fake,
    };
    assert_eq!(key_in_use(&process, 0).await, "first");
    process.fake.change(2);
    process.fake.set(|table| table.tokens = keyed(2, "second"));
    assert_eq!(key_in_use(&process, 10_000).await, "second");
    assert_eq!(process.fake.loads.load(Ordering::Relaxed), 0);
}

proptest! {
    /// Whatever the table does, revisions only grow, and each is whole.
    #[test]
    fn revisions_only_grow(steps in prop::collection::vec((0_u8..8, 0_i64..12_000), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let process = process();
            process.fake.change(1);
            let (mut now, mut last, mut next) = (0, 0, 2);
            for (step, wait) in steps {
                now += wait;
                match step {
                    0 | 1 => { process.fake.change(next); next += 1; }
                    2 => process.fake.set(|table| table.current = None),
                    3 => process.fake.set(|table| table.current = Some(1)),
                    4 => process.fake.set(|table| { table.documents.insert(next, "{".into()); table.current = Some(next); next += 1; }),
                    5 => process.fake.set(|table| table.fails = !table.fails),
                    6 => process.fake.set(|table| table.lagging = Some(Some(1))),
                    _ => process.fake.set(|table| { table.lagging = None; table.current = Some(next); next += 1; }),
                }
                if let Ok(used) = process.revision(now).await {
                    prop_assert!(used >= last, "{used} after {last}");
                    last = used;
                }
            }
            Ok(())
        })?;
    }
}
