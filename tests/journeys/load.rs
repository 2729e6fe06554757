//! Covers: `make load`, with few shoppers for a few seconds.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

/// Runs the tool beside this test; returns whether it succeeded, and its output.
async fn load(arguments: &[&str]) -> (bool, String) {
    let test = std::env::current_exe().unwrap();
    let tool = test.ancestors().nth(2).unwrap().join("stampede-load");
    assert!(
        tool.exists(),
        "{} is missing: run `cargo build --workspace --bins` first",
        tool.display()
    );
    let ran = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (ran.status.success(), said.concat())
}

#[tokio::test]
async fn a_few_shoppers_are_driven_through_the_shop_and_reported() {
    let out = std::env::temp_dir().join(format!("stampede-load-{}", std::process::id()));
    let arguments = "--debug --rate 5 --seconds 3 --think 0.1 --pages 2 --carts 100 --orders 60 --products 5 --seed 7";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.extend(["--out", out.to_str().unwrap()]);
    let (content, said) = load(&arguments).await;
    assert!(content, "{said}");
    let report: Value =
        serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    std::fs::remove_dir_all(&out).unwrap();

    assert_eq!(report["errors"], 0, "{said}");
    let routes: Vec<&str> = report["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| route["route"].as_str().unwrap())
        .collect();
    for route in [
        "GET /v1/products",
        "POST /v1/orders",
        "GET /v1/orders/{order_id}",
    ] {
        assert!(routes.contains(&route), "{route}: {routes:?}");
        assert!(page.contains(route), "{route}");
    }
    assert!(
        report["latency_ms"]["p50"].as_f64() >= report["service_ms"]["p50"].as_f64(),
        "{report}"
    );
    let placed = report["orders"]["placed"].as_u64().unwrap();
    assert!(placed > 0, "{said}");
    assert_eq!(report["orders"]["paid"], placed, "{said}");
    assert_eq!(report["stock"]["findings"], serde_json::json!([]), "{said}");
    let function = |name: &str| {
        let functions = report["functions"].as_array().unwrap().iter();
        functions
            .clone()
            .find(|function| function["function"] == name)
            .unwrap_or_else(|| panic!("{name} was not called: {said}"))
    };
    let placing = function("place-order");
    assert_eq!(placing["invocations"], placed, "{placing}");
    // docs/adr/0014.
    assert_eq!(placing["per_invocation"]["write_units"], 6.0, "{placing}");
    // And 0.5 for each check of the settings by a process (docs/adr/0022).
    let reads = placing["per_invocation"]["read_units"].as_f64().unwrap();
    assert!((1.0..=1.5).contains(&reads), "{placing}");
    assert_eq!(function("capture-payment")["errors"], 0);
    assert!(page.contains("Nothing was sold twice") && !page.contains("NaN"));
}

#[tokio::test]
async fn what_cannot_be_driven_is_refused_with_a_word() {
    let cases = [
        (
            ["--rate", "0"],
            "--rate 0: the number of shoppers a second is from 0.01 to 10000",
        ),
        (["--rate", "-3"], "--rate -3: "),
        (["--seconds", "0"], "--seconds 0: the length of the run"),
        (
            ["--products", "1000000"],
            "--products 1000000: the number of products is from 1 to 10000",
        ),
        (["--orders", "50"], "who orders has a cart"),
        (["--url", "ftp://x"], "begins with http:// or https://"),
        (["--url", "http://127.0.0.1:9"], "does not answer"),
    ];
    for (arguments, word) in cases {
        let (content, said) = load(&arguments).await;
        assert!(!content && said.contains(word), "{arguments:?}: {said}");
    }
}
