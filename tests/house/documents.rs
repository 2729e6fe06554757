//! Checks that the documents match the code: the OpenAPI document and the README's walkthrough.

use std::fs;

use serde_json::Value;
use testkit::{Shop, root};
use tokio::process::Command;

#[test]
fn the_openapi_document_is_what_the_code_says() {
    let committed: Value =
        serde_json::from_str(&fs::read_to_string(root().join("web/openapi.json")).unwrap())
            .unwrap();
    assert!(
        committed == openapi::document(),
        "run `cargo xtask openapi` and look at the difference"
    );
}

/// Runs every line of the README between the marks as it stands.
#[tokio::test]
async fn the_readme_walks_from_import_to_paid_order() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, walk) = readme
        .split_once("<!-- walk:start -->")
        .expect("the README has a walk");
    let (walk, _) = walk
        .split_once("<!-- walk:end -->")
        .expect("the walk has an end");
    let blocks = walk
        .split("```bash\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap());
    let script: String = blocks.collect();
    assert!(script.contains("/v1/orders"), "the walk places an order");

    let shop = Shop::start().await;
    let mut walk = Command::new("bash");
    walk.args(["-euo", "pipefail", "-c", &script])
        .current_dir(root())
        .env("SHOP", &shop.address)
        .env("TOKEN", &shop.staff_token);
    let (status, said) = crate::run(&mut walk).await;
    assert!(status.success(), "{status}\n{said}\n{}", shop.log());
    assert!(said.contains("status: paid"), "{said}");
}
