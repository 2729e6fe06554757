//! Derives the units that AWS bills from invocations.

use local::outcome::Outcome;

use crate::{
    bill::{Bill, Item},
    money::Quantity,
    report::{Report, Scenario},
    shop::Shop,
};

/// Memory size that comes with one full vCPU.
const VCPU_MB: u64 = 1_769;
/// Billing unit of the HTTP API, in bytes.
const GATEWAY_UNIT: u64 = 512 * 1024;
/// Seconds of an average month of 730 hours.
pub(crate) const MONTH_SECONDS: u64 = 730 * 3_600;

/// Duration of a call of an AWS service, network included, in microseconds.
const ROUND_TRIPS: [(&str, u64); 5] = [
    ("DynamoDB", 4_000),
    ("SQS", 8_000),
    ("S3", 25_000),
    ("SES", 60_000),
    ("SecretsManager", 10_000),
];
/// Duration of Lambda's INIT before the process starts, in microseconds: hello world starts in 1 ms
/// here and in 13.9 ms there.
const PLATFORM_INIT_US: u64 = 13_000;
/// Duration of the first connection to a service, in microseconds.
const CONNECT_US: u64 = 5_000;
/// Number of Lambda's lines per invocation: START, END and REPORT.
const PLATFORM_LINES: u64 = 3;
const PLATFORM_BYTES: u64 = 300;
/// Bytes that CloudWatch adds to each stored line, and the share that remains after compression.
const KEPT_LINE_BYTES: u64 = 26;
const KEPT_PERCENT: u64 = 15;
/// Pollers of an idle queue, and the duration of each poll in seconds.
const POLLERS: u64 = 5;
const POLL_SECONDS: u64 = 20;
/// Size of response headers.
const HEADER_BYTES: u64 = 500;
/// Share that compression leaves of a cacheable JSON response of a thousand bytes or more.
const COMPRESSED_PERCENT: u64 = 30;
/// Share of page views that show a product; the others are lists of 24.
const PRODUCT_PERCENT: u64 = 75;
/// Bytes that an order leaves in the table: order, invoice, cart, inbox, and its five entries in the lists of staff.
const ORDER_BYTES: u64 = 5_100;
/// Share of orders whose invoice is downloaded, and its size.
const INVOICE_FETCHED_PERCENT: u64 = 20;
const INVOICE_BYTES: u64 = 20_000;
/// Number of times a shopper looks at the order.
const LOOKS: u64 = 3;
/// Relays of changes without an event: two of the variant.
const SILENT_RELAYS: u64 = 2;
/// Versions of an order of which the projection is told, beside that which it writes: placed and authorized.
const PROJECTED_BEFORE: u64 = 2;
/// Bytes in an idle shop's table and buckets.
pub(crate) const IDLE_TABLE_BYTES: u64 = 100_000_000;
const IDLE_BUCKET_BYTES: u64 = 1_000_000_000;
/// A scheduled function with a shorter interval than this, in seconds, stays warm.
const KEPT_WARM_SECONDS: u64 = 300;
/// Passes of the daily reconciliation over the table, and its duration per MB in microseconds.
const CHECK_PASSES: u64 = 2;
const SCAN_US_A_MB: u64 = 50_000;
/// With Stripe: duration of its responses for one payment, and number of its events.
const STRIPE_WAIT_US: u64 = 2_000_000;
const STRIPE_EVENTS: u64 = 2;

/// How the CDN reaches cacheable reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Origin {
    /// Through the HTTP API, as deployed
    HttpApi,
    /// Through a function URL of each function, which has no charge of its own
    FunctionUrl,
}

/// Extent of logging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Logs {
    /// Every request, and Lambda's own lines (`PlatformLogLevel` is `INFO`)
    All,
    /// Every request, as deployed
    Requests,
    /// Of cacheable reads only errors; Lambda's own lines are off
    Errors,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Architecture {
    Arm64,
    #[value(name = "x86_64")]
    X86,
}

/// Options of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) architecture: Architecture,
    pub(crate) origin: Origin,
    pub(crate) logs: Logs,
    pub(crate) stripe: bool,
    pub(crate) free_tier: bool,
}

/// Distribution of traffic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    /// Share of invocations that are cold starts.
    pub(crate) cold: Quantity,
    /// Messages per batch of a consumer.
    pub(crate) batch: u64,
    /// Share of cacheable requests that the CDN serves.
    pub(crate) edge_hits: Quantity,
    /// Share of the remaining requests that the in-process cache serves.
    pub(crate) process_hits: Quantity,
}

/// Behavior of a launch hour's visitors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch {
    /// Page views per visitor: [`PRODUCT_PERCENT`] products, the others lists.
    pub(crate) views: u64,
    /// Static files per visitor, and their bytes.
    pub(crate) files: u64,
    pub(crate) file_bytes: u64,
    /// Share of visitors who fill a cart, and who order.
    pub(crate) carts: Quantity,
    pub(crate) orders: Quantity,
    /// Share of the hour's traffic in its busiest minute.
    pub(crate) busiest_minute: Quantity,
    pub(crate) traffic: Traffic,
}

pub(crate) const DIRECT: Traffic = Traffic {
    cold: Quantity::percent(1),
    batch: 1,
    edge_hits: Quantity::percent(0),
    process_hits: Quantity::percent(50),
};

pub(crate) const THROUGH_CDN: Traffic = Traffic {
    cold: Quantity::percent(2),
    batch: 1,
    edge_hits: Quantity::percent(90),
    process_hits: Quantity::percent(20),
};

pub(crate) const ORDERS: Traffic = Traffic {
    cold: Quantity::percent(25),
    batch: 1,
    edge_hits: Quantity::percent(0),
    process_hits: Quantity::percent(0),
};

pub(crate) const LAUNCH: Launch = Launch {
    views: 4,
    files: 8,
    file_bytes: 150_000,
    carts: Quantity::percent(20),
    orders: Quantity::percent(10),
    busiest_minute: Quantity::percent(20),
    traffic: Traffic {
        cold: Quantity::percent(1),
        batch: 4,
        edge_hits: Quantity::percent(99),
        process_hits: Quantity::percent(50),
    },
};

/// Whether a step makes the measured calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calls {
    All,
    Only(&'static str),
    None,
}

/// Invocations of one function in one scenario.
#[derive(Clone, Copy, Debug)]
struct Step {
    function: &'static str,
    scenario: &'static str,
    /// Number per counted unit.
    times: Quantity,
    calls: Calls,
    /// Wait for a service other than AWS, in microseconds.
    wait_us: u64,
}

const fn step(function: &'static str, scenario: &'static str, times: Quantity) -> Step {
    Step {
        function,
        scenario,
        times,
        calls: Calls::All,
        wait_us: 0,
    }
}

/// Usage of some traffic: the bill, and the work of each function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) bill: Bill,
    pub(crate) work: Vec<Work>,
}

/// One function's share of some traffic.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) function: String,
    pub(crate) invocations: Quantity,
    /// Billed duration of one warm invocation.
    pub(crate) billed_ms: u64,
}

/// The model: measurements, deployment and usage.
#[derive(Clone, Copy)]
pub(crate) struct Model<'a> {
    pub(crate) report: &'a Report,
    pub(crate) shop: &'a Shop,
    pub(crate) options: Options,
}

impl<'a> Model<'a> {
    pub(crate) fn with(self, origin: Origin, logs: Logs) -> Self {
        let options = Options {
            origin,
            logs,
            ..self.options
        };
        Self { options, ..self }
    }

    /// Usage of `views` page views of products and lists.
    pub(crate) fn page_views(&self, views: Quantity, traffic: Traffic) -> Outcome<Usage> {
        let mut usage = Usage::default();
        let product = Quantity::percent(PRODUCT_PERCENT);
        for (function, cached, uncached, share) in [
            ("get-product", "page", "page-uncached", product),
            (
                "list-products",
                "list-24",
                "list-24-uncached",
                product.rest(),
            ),
        ] {
            let views = views * share;
            let missed = views * traffic.edge_hits.rest();
            let known = missed * traffic.process_hits;
            self.run(
                &mut usage,
                &step(function, cached, known),
                Quantity::ONE,
                traffic,
            )?;
            let read = step(function, uncached, missed - known);
            self.run(&mut usage, &read, Quantity::ONE, traffic)?;
            // Responses of the CDN itself are transferred all the same.
            let answer = self.report.scenario(function, cached)?;
            self.deliver(&mut usage, function, answer, views - missed);
        }
        Ok(usage)
    }

    /// Usage of carts with one line, including looking at them.
    pub(crate) fn carts(&self, carts: Quantity, traffic: Traffic) -> Outcome<Usage> {
        let once = Quantity::ONE;
        self.all(
            &[
                step("create-cart", "new", once),
                step("set-cart-line", "one-line", once),
                step("get-cart", "one-line", once),
            ],
            carts,
            traffic,
        )
    }

    /// Usage of orders with one line, from placing to payment, email and invoice.
    pub(crate) fn checkouts(&self, orders: Quantity, traffic: Traffic) -> Outcome<Usage> {
        let once = Quantity::ONE;
        let fetched = Quantity::percent(INVOICE_FETCHED_PERCENT);
        let stripe = self.options.stripe;
        let mut steps = vec![
            step("place-order", "one-line", once),
            step("get-order", "one", Quantity::whole(LOOKS)),
            step("relay-events", "placed", once),
            // Two messages, and the deletion of its due note.
            step("relay-events", "paid", once),
            // The authorization, of which the projection alone is told.
            Step {
                calls: Calls::Only("SQS"),
                ..step("relay-events", "placed", once)
            },
            Step {
                calls: Calls::None,
                ..step("relay-events", "placed", Quantity::whole(SILENT_RELAYS))
            },
            step("project-orders", "paid", once),
            Step {
                calls: Calls::None,
                ..step("project-orders", "paid", Quantity::whole(PROJECTED_BEFORE))
            },
            Step {
                wait_us: if stripe { STRIPE_WAIT_US } else { 0 },
                ..step("capture-payment", "capture", once)
            },
            step("send-email", "confirmation", once),
            step("render-invoice", "invoice", once),
            step("get-invoice", "", fetched),
        ];
        if stripe {
            let events = Quantity::whole(STRIPE_EVENTS);
            steps.extend([
                step("receive-payment-event", "", events),
                Step {
                    calls: Calls::Only("SQS"),
                    ..step("relay-events", "placed", events)
                },
                step("handle-payment-event", "", events),
            ]);
        }
        let mut usage = self.all(&steps, orders, traffic)?;
        let bill = &mut usage.bill;
        bill.add(Item::S3Gets, orders * fetched);
        bill.add(
            Item::TransferOut,
            orders * fetched * Quantity::whole(INVOICE_BYTES),
        );
        self.store(bill, orders * Quantity::whole(ORDER_BYTES));
        Ok(usage)
    }

    /// Usage of orders with their carts.
    pub(crate) fn orders(&self, orders: Quantity, traffic: Traffic) -> Outcome<Usage> {
        let mut usage = self.carts(orders, traffic)?;
        usage.join(self.checkouts(orders, traffic)?);
        Ok(usage)
    }

    /// Usage of a month without visitors, with this number of bytes in the table.
    pub(crate) fn idle_month(&self, table: u64) -> Outcome<Usage> {
        let mut usage = Usage::default();
        let polls = self.shop.polled_queues() * POLLERS * MONTH_SECONDS / POLL_SECONDS;
        usage.bill.add(Item::SqsRequests, Quantity::whole(polls));
        usage
            .bill
            .add(Item::Alarms, Quantity::whole(self.shop.alarm_metrics));
        usage
            .bill
            .add(Item::Secrets, Quantity::whole(self.shop.secrets));
        for (function, every) in self.shop.schedules() {
            let calls = Quantity::whole(MONTH_SECONDS).over(every);
            usage.bill.add(Item::ScheduleTicks, calls);
            // A metric is billed for each hour in which it is reported.
            let hours = calls.min(Quantity::whole(MONTH_SECONDS / 3600));
            let months = hours.over(MONTH_SECONDS / 3600);
            let figures = Quantity::whole(self.shop.metrics(function));
            usage.bill.add(Item::Metrics, figures * months);
            if self.shop.scans(function) {
                let units = table.div_ceil(4096) * CHECK_PASSES;
                usage
                    .bill
                    .add(Item::DynamodbReads, calls * Quantity::whole(units));
                let time = table / 1_000_000 * SCAN_US_A_MB * CHECK_PASSES;
                self.compute(&mut usage.bill, function, calls, time.div_ceil(1000))?;
                usage.bill.add(Item::LambdaRequests, calls);
            } else if self.report.function(function).is_ok() {
                let cold = match every < KEPT_WARM_SECONDS {
                    true => DIRECT.cold,
                    false => Quantity::ONE,
                };
                let traffic = Traffic { cold, ..DIRECT };
                self.invoke(&mut usage, function, "", calls, (Calls::All, 0), traffic)?;
            } else {
                self.report.note(format!(
                    "The report has no figures of `{function}`; its runs by the clock are not counted."
                ));
            }
        }
        self.store(&mut usage.bill, Quantity::whole(table));
        usage
            .bill
            .add(Item::S3Storage, Quantity::whole(IDLE_BUCKET_BYTES));
        if self.options.stripe {
            usage.bill.add(Item::Secrets, Quantity::ONE);
        }
        Ok(usage)
    }

    /// Usage of an hour with `users` visitors.
    pub(crate) fn launch_hour(&self, users: u64, launch: &Launch) -> Outcome<Usage> {
        let (users, traffic) = (Quantity::whole(users), launch.traffic);
        let mut usage = self.page_views(users * Quantity::whole(launch.views), traffic)?;
        usage.join(self.carts(users * launch.carts, traffic)?);
        usage.join(self.checkouts(users * launch.orders, traffic)?);
        let files = users * Quantity::whole(launch.files);
        usage.bill.add(Item::CloudfrontRequests, files);
        usage.bill.add(
            Item::CloudfrontBytes,
            users * Quantity::whole(launch.file_bytes),
        );
        usage
            .bill
            .add(Item::S3Gets, files * traffic.edge_hits.rest());
        Ok(usage)
    }

    fn all(&self, steps: &[Step], count: Quantity, traffic: Traffic) -> Outcome<Usage> {
        let mut usage = Usage::default();
        for step in steps {
            self.run(&mut usage, step, count, traffic)?;
        }
        Ok(usage)
    }

    fn run(&self, usage: &mut Usage, step: &Step, count: Quantity, traffic: Traffic) -> Outcome {
        let kind = (step.calls, step.wait_us);
        let times = count * step.times;
        self.invoke(usage, step.function, step.scenario, times, kind, traffic)
    }

    /// Adds `times` events of one function with everything they cause.
    fn invoke(
        &self,
        usage: &mut Usage,
        name: &str,
        scenario: &str,
        times: Quantity,
        (calls, wait_us): (Calls, u64),
        traffic: Traffic,
    ) -> Outcome {
        let scenario = self.report.scenario(name, scenario)?;
        let is_endpoint = self.shop.is_endpoint(name);
        let is_consumer = self.shop.reads_queue(name);
        // The messages of a batch are processed one after the other, at the cost of each alone.
        let batch = match is_consumer || self.shop.reads_stream(name) {
            true => traffic.batch,
            false => 1,
        };
        let invocations = times.over(batch);
        let billed_ms = self.duration_us(name, scenario, calls, wait_us)? * batch;
        let billed_ms = billed_ms.div_ceil(1000);
        self.compute(&mut usage.bill, name, invocations, billed_ms)?;
        let cold = invocations * traffic.cold;
        let start_ms = self.start_us(name, scenario)?.div_ceil(1000);
        self.compute(&mut usage.bill, name, cold, start_ms)?;
        let bill = &mut usage.bill;
        bill.add(Item::LambdaRequests, invocations);
        for (operation, made) in &scenario.calls {
            let service = operation.split(' ').next().unwrap_or_default();
            if !calls.count(service) {
                continue;
            }
            let requests = times * Quantity::measured(made.requests);
            match operation.as_str() {
                "S3 PUT" => {
                    bill.add(Item::S3Puts, requests);
                    bill.add(Item::S3Storage, times * Quantity::measured(made.bytes_sent));
                }
                "S3 GET" => bill.add(Item::S3Gets, requests),
                _ if service == "DynamoDB" => {
                    bill.add(
                        Item::DynamodbReads,
                        times * Quantity::measured(made.read_units),
                    );
                    bill.add(
                        Item::DynamodbWrites,
                        times * Quantity::measured(made.write_units),
                    );
                }
                _ if service == "SQS" => bill.add(Item::SqsRequests, requests),
                _ if service == "SES" => bill.add(Item::SesMails, requests),
                _ if service == "SecretsManager" => bill.add(Item::SecretReads, requests),
                _ => {
                    return Err(format!(
                        "{name} calls {operation}, which has no price here: add it to tools/cost/src/model.rs"
                    )
                    .into());
                }
            }
        }
        if is_consumer {
            // Receive and delete, once per batch.
            bill.add(Item::SqsRequests, invocations + invocations);
        }
        if is_endpoint {
            let is_direct =
                self.options.origin == Origin::FunctionUrl && self.shop.is_cacheable(name);
            if !is_direct {
                let size = scenario.event_bytes.max(scenario.answer_bytes);
                let units = Quantity::whole(size.div_ceil(GATEWAY_UNIT).max(1));
                bill.add(Item::HttpApiRequests, times * units);
            }
        }
        self.log(bill, name, scenario, (times, invocations));
        if is_endpoint {
            self.deliver(usage, name, scenario, times);
        }
        usage.work.push(Work {
            function: name.to_owned(),
            invocations,
            billed_ms,
        });
        Ok(())
    }

    /// Adds log lines: ingestion, and storage for the retention of the template.
    fn log(
        &self,
        bill: &mut Bill,
        name: &str,
        scenario: &Scenario,
        (times, invocations): (Quantity, Quantity),
    ) {
        let logs = self.options.logs;
        let (mut bytes, mut lines) = (Quantity::default(), Quantity::default());
        if !(logs == Logs::Errors && self.shop.is_cacheable(name)) {
            bytes += times * Quantity::measured(scenario.logged_bytes);
            lines += times * Quantity::measured(scenario.log_lines);
        }
        if logs == Logs::All {
            bytes += invocations * Quantity::whole(PLATFORM_BYTES);
            lines += invocations * Quantity::whole(PLATFORM_LINES);
        }
        bill.add(Item::LogBytes, bytes);
        let kept = bytes + lines * Quantity::whole(KEPT_LINE_BYTES);
        let days = Quantity::whole(self.shop.log_retention_days).over(30);
        bill.add(
            Item::LogStorage,
            kept * Quantity::percent(KEPT_PERCENT) * days,
        );
    }

    /// Adds the transfer of responses through the CDN to browsers.
    fn deliver(&self, usage: &mut Usage, name: &str, scenario: &Scenario, times: Quantity) {
        let mut body = Quantity::whole(scenario.answer_bytes);
        if self.shop.is_cacheable(name) && scenario.answer_bytes >= 1000 {
            body = body * Quantity::percent(COMPRESSED_PERCENT);
        }
        let bytes = body + Quantity::whole(HEADER_BYTES);
        usage.bill.add(Item::CloudfrontRequests, times);
        usage.bill.add(Item::CloudfrontBytes, times * bytes);
    }

    /// Adds a month of storage in the table.
    fn store(&self, bill: &mut Bill, bytes: Quantity) {
        bill.add(Item::DynamodbStorage, bytes);
        if self.shop.backup {
            bill.add(Item::DynamodbBackup, bytes);
        }
    }

    fn compute(&self, bill: &mut Bill, name: &str, times: Quantity, billed_ms: u64) -> Outcome {
        let memory = self.shop.function(name)?.memory;
        let item = match self.options.architecture {
            Architecture::Arm64 => Item::LambdaArm64,
            Architecture::X86 => Item::LambdaX86,
        };
        // Converts MB-milliseconds to GB-seconds.
        let used = times * Quantity::whole(billed_ms * memory);
        bill.add(item, used.over(1024 * 1000));
        Ok(())
    }

    /// Duration of a warm invocation on Lambda, in microseconds.
    fn duration_us(
        &self,
        name: &str,
        scenario: &Scenario,
        calls: Calls,
        wait_us: u64,
    ) -> Outcome<u64> {
        let mut trips = Quantity::default();
        for (operation, made) in &scenario.calls {
            let service = operation.split(' ').next().unwrap_or_default();
            let known = ROUND_TRIPS.iter().find(|(known, _)| *known == service);
            if let Some((_, us)) = known
                && calls.count(service)
            {
                trips += Quantity::measured(made.requests) * Quantity::whole(*us);
            }
        }
        let cpu = self.slowed(name, Quantity::measured(scenario.cpu_us))?;
        Ok(cpu + trips.ceil() + wait_us)
    }

    /// Additional duration of a cold start: INIT, and a first event that has to connect.
    fn start_us(&self, name: &str, scenario: &Scenario) -> Outcome<u64> {
        let measured = self.report.function(name)?;
        let start = Quantity::measured(measured.start_cpu_us.median);
        let first =
            Quantity::measured(measured.first_cpu_us.median) - Quantity::measured(scenario.cpu_us);
        let mut services: Vec<_> = scenario
            .calls
            .keys()
            .map(|is| is.split(' ').next())
            .collect();
        services.dedup();
        let connects = services.len() as u64 * CONNECT_US;
        Ok(PLATFORM_INIT_US + connects + self.slowed(name, start + first)?)
    }

    /// Duration of CPU time at the share of a vCPU that a function's memory comes with.
    fn slowed(&self, name: &str, cpu_us: Quantity) -> Outcome<u64> {
        let memory = self.shop.function(name)?.memory;
        Ok((cpu_us * Quantity::whole(VCPU_MB.max(memory)))
            .over(memory)
            .ceil())
    }
}

impl Calls {
    fn count(self, service: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == service,
            Self::None => false,
        }
    }
}

impl Usage {
    pub(crate) fn join(&mut self, other: Self) {
        for (item, quantity) in other.bill.0 {
            self.bill.add(item, quantity);
        }
        self.work.extend(other.work);
    }
}

/// Lists all assumptions that were not measured.
pub(crate) fn assumptions(report: &Report, shop: &Shop, options: &Options) -> Vec<String> {
    let ms = |us: u64| format!("{} ms", Quantity::measured(us as f64).over(1000));
    let trips: Vec<String> = ROUND_TRIPS
        .iter()
        .map(|(service, us)| format!("{service} {}", ms(*us)))
        .collect();
    let share = |share: Quantity| format!("{} %", share * Quantity::whole(100));
    let launch = LAUNCH;
    let sizes = [IDLE_TABLE_BYTES, IDLE_BUCKET_BYTES].map(|bytes| bytes / 1_000_000);
    let mut lines = vec![
        format!(
            "Measured at revision {} on {}, {} cores of {}; one of them counts as one vCPU of Lambda.",
            report.revision, report.date, report.machine.cores, report.machine.cpu
        ),
        format!("Below {VCPU_MB} MB of memory, CPU takes {VCPU_MB}/memory times as long."),
        format!(
            "Waiting for a call of AWS, one after the other: {}.",
            trips.join(", ")
        ),
        format!(
            "A cold start is billed {} before our process, its CPU, {} for each service it connects to, and the first event's further CPU.",
            ms(PLATFORM_INIT_US),
            ms(CONNECT_US)
        ),
        format!(
            "Cold starts: {} of requests when all reach the functions, {} behind the CDN, {} of an order's invocations, {} in a launch hour, {} of schedules more frequent than every {KEPT_WARM_SECONDS} s, all of the others.",
            share(DIRECT.cold),
            share(THROUGH_CDN.cold),
            share(ORDERS.cold),
            share(launch.traffic.cold),
            share(DIRECT.cold)
        ),
        format!(
            "A page view is one response of the API: {PRODUCT_PERCENT} % products, the others lists of 24. Only launch hours count pages, scripts and pictures."
        ),
        format!(
            "Cache hits: {} in the CDN, in a launch hour {}; {} in the process behind the CDN, {} without it, {} in a launch hour.",
            share(THROUGH_CDN.edge_hits),
            share(launch.traffic.edge_hits),
            share(THROUGH_CDN.process_hits),
            share(DIRECT.process_hits),
            share(launch.traffic.process_hits)
        ),
        format!(
            "A response has {HEADER_BYTES} B of headers; the CDN compresses a cacheable one of 1,000 B or more to {COMPRESSED_PERCENT} %."
        ),
        format!(
            "An order has one line. Its shopper creates a cart, sets a line, reads the cart, orders, and reads the order {LOOKS} times; {INVOICE_FETCHED_PERCENT} % fetch the invoice ({} KB). Page views are separate.",
            INVOICE_BYTES / 1000
        ),
        format!(
            "Of its {} relays one sends and writes the due note, one sends and deletes it, one tells the projection alone, {SILENT_RELAYS} send nothing. The projection reads and writes once for the order's {} messages, which come within its delay. An order stores {} KB, counted for one month.",
            3 + SILENT_RELAYS,
            1 + PROJECTED_BEFORE,
            ORDER_BYTES / 1000
        ),
        format!(
            "A batch has one message, in a launch hour {}; it takes one receive and one delete.",
            launch.traffic.batch
        ),
        match options.logs {
            Logs::All => format!(
                "Lambda logs {PLATFORM_LINES} lines of {PLATFORM_BYTES} B in all for each invocation."
            ),
            Logs::Requests => "Lambda's own lines are off (`PlatformLogLevel`).".to_owned(),
            Logs::Errors => {
                "Lambda's own lines are off, cacheable reads log errors only.".to_owned()
            }
        },
        format!(
            "Log lines are kept {} days, with {KEPT_LINE_BYTES} B added to each, compressed to {KEPT_PERCENT} %.",
            shop.log_retention_days
        ),
        format!(
            "Idle: {} queues, {POLLERS} pollers each, long polls of {POLL_SECONDS} s, {} hours. A table of {} MB, which the daily reconciliation reads {CHECK_PASSES} times; buckets of {} MB.",
            shop.polled_queues(),
            MONTH_SECONDS / 3600,
            sizes[0],
            sizes[1]
        ),
        format!(
            "Of {} metrics, those that a schedule also reports at 0 are counted; a report of another costs an hour of a metric.",
            shop.figures
        ),
        format!(
            "A launch hour's visitor views {} pages and loads {} files of {} KB in all; {} fill a cart, {} order, all the same SKU; {} come in the busiest minute. Rejected orders are not counted.",
            launch.views,
            launch.files,
            launch.file_bytes / 1000,
            share(launch.carts),
            share(launch.orders),
            share(launch.busiest_minute)
        ),
    ];
    if options.stripe {
        lines.push(format!(
            "Stripe takes {} of a payment and tells of it {STRIPE_EVENTS} times.",
            ms(STRIPE_WAIT_US)
        ));
    }
    lines.push(match options.free_tier {
        true => "What AWS gives away every month for good is taken off, of each table as if there were no other.".to_owned(),
        false => "Without any free tier, tax, support, or Stripe's fees.".to_owned(),
    });
    lines
}
