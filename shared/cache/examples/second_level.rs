//! Measures the cost of a hit in either level, in time and CPU of this process.
//!
//! ```sh
//! redis-server --port 6399 --save "" &
//! cargo run --release -p stampede-cache --features redis --example second_level -- redis://127.0.0.1:6399
//! ```

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool that measures, and has a clock of its own"
)]

use std::{
    error::Error,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cache::{Ages, Cache, Limits, Redis, Value};
use jiff::{SignedDuration, Timestamp};

struct Page(Bytes);

impl Value for Page {
    const SCHEMA: u32 = 1;

    fn weight(&self) -> usize {
        self.0.len()
    }

    fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    fn from_bytes(bytes: Bytes) -> Option<Self> {
        Some(Self(bytes))
    }
}

type Pages = Cache<Page, std::io::Error>;

/// Ages for the benchmark: half a minute is enough for a round.
const AGES: Ages = Ages {
    fresh: SignedDuration::from_secs(300),
    usable: SignedDuration::from_secs(300),
    missing: SignedDuration::from_secs(1),
};

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("which server? redis://…")?;
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    executor.block_on(measure(&url))
}

async fn measure(url: &str) -> Result<(), Box<dyn Error>> {
    println!("| page | level | p50 | p99 | CPU of this process |");
    println!("| --- | --- | --- | --- | --- |");
    for bytes in [2_000, 50_000, 200_000] {
        let first = Pages::new("measure", &limits(4 * 1024 * 1024));
        let kept = rounds(&first, bytes, 200_000).await?;
        println!("| {bytes} B | first | {kept} |");
        // Zero capacity, so that every call goes to the second level.
        let level = Redis::new(url)?;
        let second = Pages::over("measure", &limits(1), level.into(), &bytes.to_string());
        let shared = rounds(&second, bytes, 5_000).await?;
        println!("| {bytes} B | second | {shared} |");
    }
    Ok(())
}

/// Requests an existing page `rounds` times.
async fn rounds(pages: &Pages, bytes: usize, rounds: usize) -> Result<String, Box<dyn Error>> {
    let page = Bytes::from(vec![b'x'; bytes]);
    let now = Timestamp::now();
    let ask = async |is_there: bool| {
        let page = page.clone();
        let fetch = move || async move {
            if is_there {
                return Err(std::io::Error::other("it should have been there"));
            }
            Ok(Some(Page(page)))
        };
        pages.get("page", now, fetch).await
    };
    for _ in 0..20 {
        ask(false).await?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut times = Vec::with_capacity(rounds);
    let before = cpu()?;
    for _ in 0..rounds {
        let started = Instant::now();
        let found = ask(true).await?.ok_or("it should have been there")?;
        times.push(started.elapsed());
        drop(Arc::clone(&found.value));
    }
    let each = (cpu()? - before) / u32::try_from(rounds)?;
    times.sort_unstable();
    let (p50, p99) = (times[rounds / 2], times[rounds * 99 / 100]);
    Ok(format!("{p50:.1?} | {p99:.1?} | {each:.1?}"))
}

fn limits(bytes: u64) -> Limits {
    Limits {
        bytes,
        missing_bytes: 1024,
        ages: AGES,
    }
}

/// CPU time of this thread, the only one.
fn cpu() -> Result<Duration, Box<dyn Error>> {
    let schedule = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = schedule.split(' ').next().ok_or("no figures")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}
