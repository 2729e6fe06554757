//! Tests the storefront in a real browser, and the other files that the shop serves.

use std::path::{Path, PathBuf};

use domain::money::Money;
use serde_json::Value;
use testkit::{Product, Shop, root};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
};

#[tokio::test]
async fn one_address_serves_everything() {
    let shop = Shop::start().await;
    let page = shop.get("/").await;
    assert_eq!(
        (page.status, page.headers["content-type"].as_str()),
        (200, "text/html; charset=utf-8")
    );
    assert_eq!(
        shop.get("/openapi.json").await.expect(200)["openapi"],
        "3.1.0"
    );
    let picture = root().join("web/demo/media");
    let picture = std::fs::read_dir(picture)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    shop.stack()
        .upload("MediaBucketName", "media/test.svg", &picture)
        .await
        .unwrap();
    let media = shop.get("/media/test.svg").await;
    assert_eq!(
        (media.status, media.headers["content-type"].as_str()),
        (200, "image/svg+xml")
    );
    assert_eq!(shop.get("/_dev").await.status, 200);
    for path in [
        "/media/none.svg",
        "/none",
        "/../Cargo.toml",
        "/..%2fCargo.toml",
        "/demo/catalogue.csv",
        "/client/package.json",
        "/client/src/index.ts",
        "/.hidden",
    ] {
        assert_eq!(shop.get(path).await.status, 404, "{path}");
    }
}

/// Sends a request line and a `Host` as they are, which HTTP clients would correct first; returns the response.
async fn raw(shop: &Shop, path: &str, host: &str) -> String {
    let address = shop
        .address
        .strip_prefix("http://")
        .expect("the shop answers");
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("the shop answers");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the shop answers");
    let mut response = Vec::new();
    stream
        .read_to_end(&mut response)
        .await
        .expect("the shop answers");
    String::from_utf8_lossy(&response).into_owned()
}

// Kind of fault: a server for this machine only is reached by others, and gives them more than the shop has.
#[tokio::test]
async fn only_the_shop_is_served_and_only_to_this_machine() {
    let shop = Shop::start().await;
    let picture = root().join("web/demo/media");
    let mut pictures = std::fs::read_dir(picture).unwrap();
    let picture = pictures.next().unwrap().unwrap().path();
    let stack = shop.stack();
    stack
        .upload("InvoiceBucketName", "invoices/secret.pdf", &picture)
        .await
        .unwrap();
    stack
        .upload("MediaBucketName", "media/a b%.svg", &picture)
        .await
        .unwrap();
    stack
        .upload("MediaBucketName", "private.svg", &picture)
        .await
        .unwrap();
    let invoices = &stack.template.outputs["InvoiceBucketName"];
    let secret = std::env::temp_dir().join(format!("stampede-secret-{}", std::process::id()));
    std::fs::write(&secret, "secret").unwrap();
    let secret_path = secret.to_str().unwrap();

    let here = "127.0.0.1:8080";
    let served = raw(&shop, "/media/a%20b%25.svg", here).await;
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
    for path in [
        format!("/{secret_path}"),
        format!("/_dev/{secret_path}"),
        format!("/%2F{}", &secret_path[1..]),
        "//etc/passwd".to_owned(),
        "/_dev//etc/passwd".to_owned(),
        "/../Cargo.toml".to_owned(),
        "/%2e%2e/Cargo.toml".to_owned(),
        "/_dev/%2e%2e/mends.py".to_owned(),
        "/media/%2e%2e/".to_owned(),
        "/media/%2e%2e/private.svg".to_owned(),
        "/media/".to_owned(),
        "/media/?list-type=2".to_owned(),
        format!("/media/../../{invoices}/invoices/secret.pdf"),
        format!("/media/%2e%2e/%2e%2e/{invoices}/invoices/secret.pdf"),
        format!("/media/%2e%2e%2f%2e%2e%2f{invoices}/invoices/secret.pdf"),
    ] {
        let response = raw(&shop, &path, here).await;
        assert!(response.starts_with("HTTP/1.1 404"), "{path}: {response}");
    }
    std::fs::remove_file(&secret).unwrap();

    for host in ["127.0.0.1", "localhost:8080", "[::1]:8080"] {
        let response = raw(&shop, "/", host).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{host}: {response}");
    }
    for host in [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "",
    ] {
        for path in ["/", "/_dev/mails", "/v1/products", "/media/a%20b%25.svg"] {
            let response = raw(&shop, path, host).await;
            assert!(
                response.starts_with("HTTP/1.1 421"),
                "{host} {path}: {response}"
            );
        }
    }
    let absolute = raw(&shop, "http://evil.example/_dev/mails", here).await;
    assert!(absolute.starts_with("HTTP/1.1 421"), "{absolute}");
    // The emulators have the same data, and let pages of any origin read it by themselves.
    let client = reqwest::Client::new();
    let messages = || {
        let emulator = &stack.emulators.endpoint;
        client.get(format!("{emulator}/_ministack/ses/messages"))
    };
    let tables = || {
        let request = client.post(&stack.emulators.dynamodb);
        let request = request.header("x-amz-target", "DynamoDB_20120810.ListTables");
        request.body("{}")
    };
    let calls: [&dyn Fn() -> reqwest::RequestBuilder; 2] = [&messages, &tables];
    for call in calls {
        for (header, value, status) in [
            ("host", "evil.example", 421),
            ("host", "127.0.0.1", 200),
            ("origin", "https://evil.example", 403),
            ("origin", "null", 403),
            ("origin", "http://127.0.0.1:8080", 200),
        ] {
            let response = call().header(header, value).send().await.unwrap();
            assert_eq!(response.status(), status, "{header} {value}");
        }
    }
    let asked = client.request(reqwest::Method::OPTIONS, &stack.emulators.dynamodb);
    let asked = asked.header("origin", "http://127.0.0.1:1");
    let asked = asked.header("access-control-request-method", "POST");
    let answered = asked.send().await.unwrap();
    assert!(
        !answered
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn dev_shows_mails_functions_and_queues() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    shop.buy(&[("TEE", 1)], "tok_ok", "paid").await;
    let mails = shop
        .eventually("the mail is caught", async || {
            let mails = shop.get("/_dev/mails").await.expect(200);
            mails["items"][0].is_object().then_some(mails)
        })
        .await;
    let mail = &mails["items"][0];
    for part in ["id", "sent_at", "from", "subject", "text", "html"] {
        assert!(
            mail[part].as_str().is_some_and(|text| !text.is_empty()),
            "{part}: {mail}"
        );
    }
    let state = shop.get("/_dev/state").await.expect(200);
    let functions = state["functions"].as_array().unwrap();
    let place = functions
        .iter()
        .find(|function| function["name"] == "place-order")
        .unwrap();
    assert_eq!(
        (&place["route"], &place["invocations"]),
        (&"POST /v1/orders".into(), &1.into())
    );
    assert!(
        state["queues"]
            .as_array()
            .unwrap()
            .iter()
            .all(|queue| queue["waiting"] == 0),
        "{state}"
    );
}

#[tokio::test]
async fn dev_shows_every_kind_of_mail() {
    let shop =
        Shop::start_with([("ShopName".to_owned(), "Longmeadow & Co".to_owned())].into()).await;
    let templates = shop.get("/_dev/templates").await.expect(200);
    let templates = templates["items"].as_array().unwrap();
    assert_eq!(templates.len(), 8, "{templates:?}");
    for template in templates {
        let subject = template["subject"].as_str().unwrap();
        assert!(
            !subject.is_empty() && template["when"].is_string(),
            "{template}"
        );
        for (form, kind, name) in [
            ("html", "text/html; charset=utf-8", "Longmeadow &#38; Co"),
            ("text", "text/plain; charset=utf-8", "Longmeadow & Co"),
        ] {
            let sample = shop.get(template[form].as_str().unwrap()).await;
            assert_eq!(
                (sample.status, sample.headers["content-type"].as_str()),
                (200, kind)
            );
            assert!(sample.text.contains(name), "{}", sample.text);
            assert!(sample.headers["content-security-policy"].starts_with("sandbox;"));
        }
    }
    for path in ["none.html", "shipped", "shipped.pdf", "../dev.js"] {
        let path = format!("/_dev/templates/{path}");
        let answer = shop.send(shop.request("GET", &path)).await;
        assert!(answer.status == 404 || path.contains(".."), "{path}");
    }
}

/// Kind of fault: two tables for one fact. The browser's locale data has other decimals than ISO 4217
/// for 17 currencies; the page uses those of the API.
#[tokio::test]
async fn the_storefront_shows_amounts_with_the_decimals_of_the_api() {
    let letters = || 'A'..='Z';
    let codes =
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| (a, b, c))));
    let amounts: Vec<Money> = codes
        .filter_map(|(a, b, c)| format!("{a}{b}{c}").parse().ok())
        .map(|currency| Money::new(150_000, currency))
        .collect();
    assert!(amounts.len() > 150, "{}", amounts.len());
    let mut node = Command::new("node");
    node.args(["--input-type=module", "--eval"])
        .arg(
            "import { readFileSync } from 'node:fs';
             const source = encodeURIComponent(readFileSync(process.argv[1], 'utf8'));
             const { formatMoney } = await import('data:text/javascript,' + source);
             for (const amount of JSON.parse(process.argv[2])) console.log(formatMoney(amount));",
        )
        .arg(root().join("web/assets/money.js"))
        .arg(serde_json::to_string(&amounts).unwrap())
        .env("LC_ALL", "en_US.UTF-8");
    let (status, said) = crate::run(&mut node).await;
    assert!(status.success(), "{status}\n{said}");
    let shown: Vec<&str> = said.lines().collect();
    assert_eq!(shown.len(), amounts.len(), "{said}");
    for (shown, amount) in shown.into_iter().zip(amounts) {
        let digits = shown.replace(',', "");
        assert!(digits.ends_with(&amount.decimal()), "{shown}: {amount}");
    }
}

/// Skipped without a browser, which `make test` allows with SKIP_MISSING=1 only.
#[tokio::test]
async fn a_browser_buys_something() {
    let Some(chromium) = browser() else {
        println!("skipped: no Chromium or Chrome is in PATH");
        return;
    };
    let shop = Shop::start().await;
    let import = shop
        .import(std::fs::read(root().join("web/demo/catalogue.csv")).unwrap())
        .await;
    assert_eq!(
        (&import["state"], &import["rows_failed"]),
        (&Value::from("completed"), &0.into()),
        "{import}"
    );
    shop.stack().upload_demo_pictures(&root()).await.unwrap();
    browse("storefront.mjs", &shop.address, &chromium).await;
}

/// Skipped like the purchase.
#[tokio::test]
async fn a_browser_signs_in_with_a_passkey() {
    let Some(chromium) = browser() else {
        println!("skipped: no Chromium or Chrome is in PATH");
        return;
    };
    let shop = Shop::start().await;
    // The name under which the shop knows itself: browsers have no passkeys for a bare address.
    let address = shop.address.replace("127.0.0.1", "localhost");
    browse("passkeys.mjs", &address, &chromium).await;
}

/// Runs a script of `tests/browser` against a shop.
async fn browse(script: &str, address: &str, chromium: &Path) {
    assert!(
        root().join("node_modules/playwright-core").exists(),
        "run `npm ci` first; `make test` does"
    );
    let mut node = Command::new("node");
    node.arg(root().join("tests/browser").join(script))
        .arg(address)
        .env("CHROMIUM", chromium);
    let (status, said) = crate::run(&mut node).await;
    assert!(status.success(), "{status}\n{said}");
}

/// The browser that `infra/local/prerequisites.sh` looks for, too.
fn browser() -> Option<PathBuf> {
    let environment = runtime::Environment::load();
    let folders: Vec<PathBuf> = std::env::split_paths(environment.get("PATH")?).collect();
    ["chromium", "google-chrome", "chromium-browser"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.exists())
}
