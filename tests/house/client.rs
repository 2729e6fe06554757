//! Buys something through the typed client of `web/client`, in TypeScript.

use testkit::{Shop, root};
use tokio::process::Command;

#[tokio::test]
async fn the_typed_client_buys_something() {
    let folder = root().join("tests/client");
    assert!(
        root().join("node_modules/@stampede/client").exists(),
        "run `npm ci` first; `make test` does"
    );
    let shop = Shop::start().await;
    let mut buy = Command::new("node");
    buy.current_dir(folder)
        .args(["--import", "tsx", "--test", "buys.test.ts"])
        .env("SHOP", &shop.address)
        .env("STAFF_TOKEN", &shop.staff_token);
    let (status, said) = crate::run(&mut buy).await;
    assert!(status.success(), "{status}\n{said}\n{}", shop.log());
}
