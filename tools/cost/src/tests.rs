//! Compares the model with calculations by hand, on a report with round numbers, and the page with the
//! model.

use std::fs;

use local::{outcome::print, project::root};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    bill::{Bill, Item, tests::prices},
    model::{
        Architecture, DIRECT, IDLE_TABLE_BYTES, LAUNCH, Logs, Model, ORDERS, Options, Origin,
        THROUGH_CDN, Traffic,
    },
    money::{Dollars, Quantity},
    outlook::outlook,
    page,
    report::{self, Report, tests::fixture},
    shop::tests::shop,
};

const OPTIONS: Options = Options {
    architecture: Architecture::Arm64,
    origin: Origin::HttpApi,
    logs: Logs::All,
    stripe: false,
    free_tier: false,
};

/// Calls `test` with the fixture's model, as deployed except for Lambda's own lines.
pub(crate) fn with_model(test: impl FnOnce(&Model<'_>)) {
    let (report, shop) = (fixture(), shop());
    test(&Model {
        report: &report,
        shop: &shop,
        options: OPTIONS,
    });
}

/// Asserts the quantities of a bill, written with all decimals.
fn assert_bill(bill: &Bill, want: &[(Item, &str)]) {
    for (item, want) in want {
        let got = serde_json::to_value(bill.of(*item)).unwrap();
        assert_eq!(got, *want, "{item:?}");
    }
}

fn total(bill: &Bill) -> Dollars {
    bill.price(&prices(), false).unwrap().total()
}

/// Asserts the dollars of a bill, by service.
fn assert_services(bill: &Bill, want: &[(&str, &str)]) {
    let priced = bill.price(&prices(), false).unwrap();
    for (service, want) in want {
        assert_eq!(priced.service(service).exact(), *want, "{service}");
    }
}

#[test]
fn a_million_page_views_that_all_reach_the_origin() {
    with_model(|model| {
        let usage = model
            .page_views(Quantity::whole(1_000_000), DIRECT)
            .unwrap();
        assert_bill(
            &usage.bill,
            &[
                (Item::HttpApiRequests, "1000000"),
                (Item::LambdaRequests, "1000000"),
                // Warm, a vCPU being 1769/256 of what they have: products 375,000 × 1 ms
                // (0.1 × 6.91) and 375,000 × 7 ms (0.3 × 6.91 + 4), lists 125,000 × 2 ms and
                // 125,000 × 11 ms, of a quarter of a GB: 1,156.25. Cold, 1 %: 3,750 × 47 and 51 ms,
                // 1,250 × 47 and 46 ms: 120.9375.
                (Item::LambdaArm64, "1277.1875"),
                // 375,000 × 0.5 + 125,000 × 5.
                (Item::DynamodbReads, "812500"),
                // 200 B of our own and 300 B of Lambda's.
                (Item::LogBytes, "500000000"),
                // With 26 B for each of 4 lines, packed to 15 %.
                (Item::LogStorage, "90600000"),
                (Item::CloudfrontRequests, "1000000"),
                // 750,000 × (2,500 × 30 % + 500) + 250,000 × (36,000 × 30 % + 500).
                (Item::CloudfrontBytes, "3762500000"),
            ],
        );
        // 1 + 0.2 + 1,277.1875 × 0.0000133334 + 0.1015625 + 0.25 + 0.002718 + 1 + 0.3198125.
        assert_eq!(total(&usage.bill), "2.891122251812".parse().unwrap());
    });
}

#[test]
fn a_million_page_views_through_the_cdn() {
    with_model(|model| {
        let usage = model
            .page_views(Quantity::whole(1_000_000), THROUGH_CDN)
            .unwrap();
        assert_bill(
            &usage.bill,
            &[
                (Item::HttpApiRequests, "100000"),
                (Item::LambdaRequests, "100000"),
                // 75,000 × 80 % × 0.5 + 25,000 × 80 % × 5.
                (Item::DynamodbReads, "130000"),
                (Item::LogBytes, "50000000"),
                // The CDN's part does not change with what it knows.
                (Item::CloudfrontRequests, "1000000"),
                (Item::CloudfrontBytes, "3762500000"),
            ],
        );
        assert_services(
            &usage.bill,
            &[
                ("API Gateway", "0.1"),
                // 0.02 and 190.85 GB-seconds: warm 60,000 × 7 + 15,000 × 1 + 20,000 × 11 + 5,000 × 2
                // ms, cold 2 % of them 51, 47, 46 and 47 ms.
                ("Lambda", "0.02254467939"),
                ("DynamoDB", "0.01625"),
                ("CloudWatch logs", "0.0252718"),
                ("CloudFront", "1.3198125"),
            ],
        );
    });
}

#[test]
fn a_thousand_orders() {
    with_model(|model| {
        let usage = model.orders(Quantity::whole(1000), ORDERS).unwrap();
        assert_bill(
            &usage.bill,
            &[
                // Cart 3, order 1, looks 3, invoice 0.2.
                (Item::HttpApiRequests, "7200"),
                // Those, 5 relays, 3 consumers, and 3 messages of the projection.
                (Item::LambdaRequests, "18200"),
                // Cart 2, placing 6, due note 1 and its deletion 1, paying 5, mail 2, invoice 5, lists 5.
                (Item::DynamodbWrites, "27000"),
                // Line 1, cart 1.5, placing 1, looks 3, paying 2, mail 1.5, invoice 2, its looks 0.2 × 2, lists 2.
                (Item::DynamodbReads, "14400"),
                (Item::DynamodbStorage, "5100000"),
                (Item::DynamodbBackup, "5100000"),
                // 4 sends; 6 messages received and deleted.
                (Item::SqsRequests, "16000"),
                // Ours 1,540 + 500 + 300 + 300 + 400 + 3 × 300, Lambda's 18.2 × 300.
                (Item::LogBytes, "9400000"),
                (Item::CloudfrontRequests, "7200"),
                (Item::S3Puts, "1000"),
                (Item::S3Gets, "200"),
                (Item::S3Storage, "20000000"),
                (Item::TransferOut, "4000000"),
                (Item::SesMails, "1000"),
            ],
        );
        assert_services(
            &usage.bill,
            &[
                ("API Gateway", "0.0072"),
                // 18,200 × 0.20 / million, and 186.6 GB-seconds. Warm 128.35: carts 7 + 12 + 12 ms, placing 18,
                // looks 3 × 7, relays 16 + 24 + 12 + 2 × 4, payment 27, mail 83, lists 35 + 2 × 7, invoice looked
                // at 0.2 × 12, all of a quarter of a GB, and made 111 of half a GB. Cold 25 %: 872 ms of
                // a quarter, 30 of half a GB.
                ("Lambda", "0.00612801244"),
                // 27,000 × 0.625 / million + 14,400 × 0.125 / million + 0.0051 × (0.25 + 0.20).
                ("DynamoDB", "0.02097"),
                ("SQS", "0.0064"),
                // 0.0094 × 0.50, and (9,400,000 + 80,800 lines × 26 B) × 15 % × 0.03.
                ("CloudWatch logs", "0.0047517536"),
                // 7,200 × 0.01 / 10,000 + 0.0072 × 0.085.
                ("CloudFront", "0.007812"),
                // 1,000 × 0.005 / 1,000 + 200 × 0.0004 / 1,000 + 0.02 × 0.023 + 0.004 × 0.09.
                ("S3", "0.0059"),
                ("SES", "0.1"),
            ],
        );
        assert_eq!(total(&usage.bill).exact(), "0.15916176604");
    });
}

#[test]
fn stripe_costs_a_secret_time_and_events() {
    with_model(|model| {
        let options = Options {
            stripe: true,
            ..OPTIONS
        };
        let with_stripe = Model { options, ..*model };
        let thousand = Quantity::whole(1000);
        let without = model.orders(thousand, ORDERS).unwrap().bill;
        let with = with_stripe.orders(thousand, ORDERS).unwrap().bill;
        let more = |item| with.of(item) - without.of(item);
        // Two events, each written twice with 5 KB.
        assert_eq!(more(Item::DynamodbWrites), Quantity::whole(20_000));
        // Received, relayed, handled.
        assert_eq!(more(Item::LambdaRequests), Quantity::whole(6_000));
        // 1,000 × 2 s × 0.25 GB, and the events' own.
        assert!(more(Item::LambdaArm64) > Quantity::whole(500));
        let idle = with_stripe.idle_month(IDLE_TABLE_BYTES).unwrap().bill;
        // The root secret of accounts, and Stripe's keys.
        assert_bill(&idle, &[(Item::Secrets, "2")]);
    });
}

#[test]
fn an_idle_month() {
    with_model(|model| {
        let bill = model.idle_month(IDLE_TABLE_BYTES).unwrap().bill;
        // 5 pollers × 3 a minute × 60 × 730, for each queue.
        let polls = Quantity::whole(model.shop.polled_queues() * 657_000);
        assert_eq!(bill.of(Item::SqsRequests), polls);
        assert_eq!(
            bill.of(Item::Alarms),
            Quantity::whole(model.shop.alarm_metrics)
        );
        // 43,800 sweeps × 8, and 730 / 24 checks × 2 × 24,415 pages of 4 KB.
        let reads = Quantity::whole(43_800 * 8) + Quantity::whole(730 * 48_830).over(24);
        let difference = bill.of(Item::DynamodbReads).0.abs_diff(reads.0);
        assert!(difference < 1_000_000, "less than a unit: {difference}");
        assert_bill(
            &bill,
            &[
                (Item::DynamodbStorage, "100000000"),
                (Item::S3Storage, "1000000000"),
            ],
        );
        assert_services(&bill, &[("S3", "0.023"), ("EventBridge", "0")]);
        let priced = bill.price(&prices(), false).unwrap();
        // 1,835,645.8 × 0.125 / million + 0.1 × (0.25 + 0.20).
        assert_eq!(priced.service("DynamoDB").to_string(), "0.2745");
        // 43,830.4 × 0.20 / million, and 1,163.6 GB-seconds: 43,800 × 99 ms and 1 % of them 32 ms more of a
        // quarter of a GB, 30.4 × 10 s.
        assert_eq!(priced.service("Lambda").to_string(), "0.0243");
        let queue: Dollars = "0.2628".parse().unwrap();
        let queues = Quantity::whole(model.shop.polled_queues());
        assert_eq!(priced.service("SQS"), queue.times(queues, 1));
    });
}

#[test]
fn a_launch_hour() {
    with_model(|model| {
        let bill = model.launch_hour(100_000, &LAUNCH).unwrap().bill;
        assert_bill(
            &bill,
            &[
                // 400,000 × 1 % + 20,000 × 3 + 10,000 × 4.2.
                (Item::HttpApiRequests, "106000"),
                // 20,000 × 2 + 10,000 × 25.
                (Item::DynamodbWrites, "290000"),
                // 400,000 views, 102,000 other requests, 800,000 files.
                (Item::CloudfrontRequests, "1302000"),
                // 10,000 × (4 + 6 × 2 / 4).
                (Item::SqsRequests, "70000"),
                // 4,000 + 60,000 + 42,000, and (5 + 6) × 10,000 / 4.
                (Item::LambdaRequests, "133500"),
                (Item::SesMails, "10000"),
            ],
        );
        assert_services(
            &bill,
            &[
                ("API Gateway", "0.106"),
                // 290,000 × 0.625 / million, (3,250 + 20,000 × 2.5 + 10,000 × 11.9) × 0.125 / million,
                // 0.051 × (0.25 + 0.20).
                ("DynamoDB", "0.22573125"),
                ("SQS", "0.028"),
                // 1.302, and 300,000 × 1,250 + 100,000 × 11,300 + 102,000 × 1,000 + 100,000 × 150,000 B.
                ("CloudFront", "2.713595"),
                // 10,000 × 0.005 / 1,000 + 10,000 × 0.0004 / 1,000 + 0.2 × 0.023 + 0.04 × 0.09.
                ("S3", "0.0622"),
                ("SES", "1"),
            ],
        );
    });
}

#[test]
fn what_ifs_save_the_gateway_and_the_lines_of_cacheable_reads_alone() {
    with_model(|model| {
        let lean = model.with(Origin::FunctionUrl, Logs::Errors);
        let views = Quantity::whole(1_000_000);
        let bill = lean.page_views(views, DIRECT).unwrap().bill;
        assert_bill(
            &bill,
            &[(Item::HttpApiRequests, "0"), (Item::LogBytes, "0")],
        );
        let thousand = Quantity::whole(1000);
        let bill = lean.orders(thousand, ORDERS).unwrap().bill;
        // What is not cacheable goes through the gateway and is logged, but for Lambda's lines.
        assert_bill(
            &bill,
            &[(Item::HttpApiRequests, "7200"), (Item::LogBytes, "3940000")],
        );
    });
}

#[test]
fn lambdas_own_lines_are_off_as_the_template_says() {
    let templates = local::template::load_all(&root()).unwrap();
    let mut contexts = 0;
    for (path, context) in &templates {
        if !path.starts_with("functions/") {
            continue;
        }
        let logging = &context["Globals"]["Function"]["LoggingConfig"];
        assert_eq!(logging["LogFormat"], "JSON", "{path}");
        assert_eq!(
            logging["SystemLogLevel"]["Ref"], "PlatformLogLevel",
            "{path}"
        );
        contexts += 1;
    }
    assert!(contexts > 5);
    let level = &templates["template.yaml"]["Parameters"]["PlatformLogLevel"]["Default"];
    assert_eq!(level, "WARN");
    with_model(|model| {
        let thousand = Quantity::whole(1000);
        let with = model.orders(thousand, ORDERS).unwrap().bill;
        let without = model.with(Origin::HttpApi, Logs::Requests);
        let without = without.orders(thousand, ORDERS).unwrap().bill;
        let saved = with.of(Item::LogBytes) - without.of(Item::LogBytes);
        // 300 B for each invocation.
        let invocations = with.of(Item::LambdaRequests);
        assert_eq!(saved, invocations * Quantity::whole(300));
    });
}

#[test]
fn x86_costs_a_quarter_more_a_second() {
    with_model(|model| {
        let options = Options {
            architecture: Architecture::X86,
            ..OPTIONS
        };
        let x86 = Model { options, ..*model };
        let views = Quantity::whole(1_000_000);
        let bill = x86.page_views(views, DIRECT).unwrap().bill;
        assert_bill(
            &bill,
            &[(Item::LambdaX86, "1277.1875"), (Item::LambdaArm64, "0")],
        );
    });
}

#[test]
fn each_goal_says_what_stands_in_its_way() {
    let outlook = outlook(&root(), &fixture(), OPTIONS).unwrap();
    let [_, cdn, direct, lean, idle] = outlook.goals.as_slice() else {
        unreachable!("five goals")
    };
    assert!(cdn.is_met && lean.is_met && !direct.is_met && !idle.is_met);
    assert_eq!(direct.cause, "API Gateway");
    assert_eq!(idle.cause, "CloudWatch alarms");
    let text = page::tables(&outlook);
    assert!(text.contains("**missed by $"), "{text}");
    assert!(
        outlook
            .notes
            .iter()
            .all(|note| !note.contains("get-product"))
    );
}

#[test]
fn a_call_that_has_no_price_is_refused() {
    let text = fs::read_to_string(root().join("tools/cost/fixtures/report.json")).unwrap();
    let report = Report::parse(&text.replace("SES POST", "Kinesis PutRecord")).unwrap();
    let error = outlook(&root(), &report, OPTIONS).unwrap_err().to_string();
    assert!(error.contains("Kinesis PutRecord"), "{error}");
}

#[test]
fn twice_the_traffic_never_costs_less() {
    with_model(|model| {
        let prices = prices();
        let costs = |count, traffic, free_tier| {
            let quantity = Quantity::whole(count);
            let usages = [
                model.page_views(quantity, traffic),
                model.orders(quantity, traffic),
                model.launch_hour(count, &LAUNCH),
            ];
            usages.map(|usage| {
                let priced = usage.unwrap().bill.price(&prices, free_tier);
                priced.unwrap().total()
            })
        };
        let traffic = (1_u64..2_000_000, 0_u64..=100, 1_u64..=10, any::<bool>());
        let mut runner = TestRunner::new(ProptestConfig::with_cases(100));
        let ran = runner.run(&traffic, |(count, cold, batch, free_tier)| {
            let traffic = Traffic {
                cold: Quantity::percent(cold),
                batch,
                ..THROUGH_CDN
            };
            let once = costs(count, traffic, free_tier);
            let twice = costs(2 * count, traffic, free_tier);
            for (once, twice) in once.into_iter().zip(twice) {
                prop_assert!(twice >= once, "{once} and {twice}");
            }
            Ok(())
        });
        ran.unwrap();
    });
}

#[test]
fn the_page_shows_what_the_committed_report_yields() {
    let root = root();
    let path = root.join(report::COMMITTED);
    if !path.exists() {
        let skipped = format!(
            "skipped: {} does not exist yet, `make bench` creates it",
            report::COMMITTED
        );
        print(&skipped).unwrap();
        return;
    }
    let report = Report::read(&path).unwrap();
    let as_deployed = Options {
        logs: Logs::Requests,
        ..OPTIONS
    };
    let outlook = outlook(&root, &report, as_deployed).unwrap();
    let text = fs::read_to_string(root.join(page::PATH)).unwrap();
    let new = page::replace(&text, &page::summary(&outlook)).unwrap();
    assert!(
        text == new,
        "run `cargo xtask cost --markdown` and look at the difference"
    );
}
