//! An API tester over the OpenAPI document: it sends what the document allows and what it does not, and
//! checks that every answer is one that the document allows and that none is an internal error.

use std::fs;

use testkit::{Product, Shop, catalogue, order_body, root};
use tokio::process::Command;

/// What the tester checks. Not among them: whether every value that the document does not allow is
/// rejected, as unknown query parameters are ignored, and whether each that it does allow is accepted,
/// as the shop also has rules that a schema cannot express.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance";

/// A run of the tester repeats the requests of the last one.
const SEED: &str = "13";
/// Requests of each operation whose values are random; those at the limits of the schema come on top.
const EXAMPLES: &str = "25";

#[tokio::test]
async fn a_stranger_gets_only_answers_that_the_document_allows() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 500)])
        .await;
    test(&shop, "stranger", None, &[]).await;
}

#[tokio::test]
async fn a_guest_gets_only_answers_that_the_document_allows() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 500)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = shop.order("k", &order_body(&cart, "tok_ok")).await;
    let placed = placed.expect(201);
    let text = |name: &str| placed[name].as_str().unwrap().to_owned();
    shop.order_becomes(&placed, "paid").await;
    let open = shop.cart(&[("TEE", 2)]).await;
    let known = [
        ("order_id", text("id")),
        ("cart_id", open),
        ("sku", "TEE".into()),
        ("slug", "tee".into()),
    ];
    test(&shop, "guest", Some(&text("access_token")), &known).await;
}

#[tokio::test]
async fn staff_get_only_answers_that_the_document_allows() {
    let shop = Shop::start().await;
    let import = shop
        .import(catalogue(&[Product::single("tee", "TEE", "10.00", 500)]))
        .await;
    let cart = shop.cart(&[("TEE", 3)]).await;
    let placed = shop.order("k", &order_body(&cart, "tok_ok")).await;
    let placed = placed.expect(201);
    shop.order_becomes(&placed, "paid").await;
    let known = [
        ("order_id", placed["id"].as_str().unwrap().to_owned()),
        ("import_id", import["id"].as_str().unwrap().to_owned()),
        ("sku", "TEE".into()),
    ];
    test(&shop, "staff", Some(&shop.staff_token), &known).await;
}

/// Runs the tester as one caller. `known` are path parameters of resources that exist.
async fn test(shop: &Shop, caller: &str, token: Option<&str>, known: &[(&str, String)]) {
    let program = root().join(".venv/tester/bin/schemathesis");
    assert!(
        program.exists(),
        "run `make setup-tester` first; `make test` does"
    );
    // Where the tester may leave files of its own.
    let folder = root().join("target/tester").join(caller);
    fs::create_dir_all(&folder).expect("a writable target");
    let config = folder.join("schemathesis.toml");
    let mut settings = String::from("[parameters]\n");
    for (name, value) in known {
        settings.push_str(&format!("\"path.{name}\" = {value:?}\n"));
    }
    fs::write(&config, settings).expect("a writable target");
    let mut tester = Command::new(program);
    tester
        .current_dir(&folder)
        .args(["--no-color", "--config-file"])
        .arg(&config)
        .arg("run")
        .arg(root().join("web/openapi.json"))
        .args(["--url", &shop.address, "--checks", CHECKS])
        .args(["--phases", "coverage,fuzzing", "--continue-on-failure"])
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--no-shrink"])
        .args(["--generation-database", "none"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(["--workers", "2", "--request-timeout", "30"]);
    if let Some(token) = token {
        tester.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let (status, said) = crate::run(&mut tester).await;
    assert!(status.success(), "{status}\n{said}");
    // A tester that finds nothing to test finds nothing wrong.
    assert!(said.contains("Operations:"), "{said}");
}
