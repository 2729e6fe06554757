//! Covers: create-import, start-import, import-rows, get-import with good, bad and real files.

use serde_json::{Value, json};
use testkit::{Product, Shop, StockCounts, Variant, catalogue, order_body, root};

/// Rows of a file by their result.
#[derive(Debug, PartialEq, Eq)]
struct RowCounts {
    imported: u64,
    failed: u64,
}

impl RowCounts {
    fn all_imported(imported: u64) -> Self {
        Self {
            imported,
            failed: 0,
        }
    }
}

fn counts(import: &Value) -> RowCounts {
    let count = |name| import[name].as_u64().unwrap();
    let counts = RowCounts {
        imported: count("rows_imported"),
        failed: count("rows_failed"),
    };
    assert_eq!(
        count("rows_total"),
        counts.imported + counts.failed,
        "{import}"
    );
    counts
}

fn faults(import: &Value) -> Vec<(u64, &str)> {
    let faults = import["errors"].as_array().unwrap().iter();
    faults
        .map(|fault| {
            (
                fault["line"].as_u64().unwrap(),
                fault["code"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let shop = Shop::start().await;
    let file = catalogue(&[
        Product::single("tee", "TEE", "10.00", 5),
        Product::single("mug", "MUG", "5", 5),
    ]);
    let first = shop.import(file.clone()).await;
    assert_eq!(counts(&first), RowCounts::all_imported(2));
    shop.buy(&[("TEE", 2)], "tok_ok", "paid").await;
    shop.staff_call("PUT", "/v1/admin/stock/MUG", &json!({ "on_hand": 50 }))
        .await
        .expect(200);
    let before = (
        shop.get("/v1/products/tee").await.text,
        shop.get("/v1/products").await.text,
    );

    let again = shop.import(file.clone()).await;
    assert_eq!(counts(&again), RowCounts::all_imported(2));
    shop.forget_pages().await;
    let after = (
        shop.get("/v1/products/tee").await.text,
        shop.get("/v1/products").await.text,
    );
    assert_eq!(before, after);
    assert_eq!(
        shop.stock("TEE").await,
        StockCounts::unreserved(3),
        "what was sold stays sold"
    );
    assert_eq!(
        shop.stock("MUG").await,
        StockCounts::unreserved(50),
        "what was counted stays counted"
    );

    // A changed title does not touch the stock; a changed quantity is a new count.
    shop.import(file.replace("tee title", "A better tee")).await;
    shop.forget_pages().await;
    assert_eq!(
        shop.get("/v1/products/tee").await.expect(200)["title"],
        "A better tee"
    );
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(3));
    shop.import(catalogue(&[Product::single("tee", "TEE", "10.00", 9)]))
        .await;
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(9));
}

#[tokio::test]
async fn a_variant_that_is_gone_is_not_sold_and_its_sku_may_be_used_again() {
    let shop = Shop::start().await;
    let sizes = |variants: &[(&'static str, &'static str)]| {
        let variants = variants.iter().map(|(size, sku)| Variant {
            option: size,
            sku,
            price: "10.00",
            quantity: 5,
        });
        Product {
            variants: variants.collect(),
            ..Product::single("tee", "", "", 0)
        }
    };
    shop.stock_up(&[sizes(&[("S", "TEE-S"), ("M", "TEE-M")])])
        .await;
    let cart = shop.cart(&[("TEE-M", 1)]).await;
    shop.stock_up(&[sizes(&[("S", "TEE-S")])]).await;
    let gone = shop.order("gone", &order_body(&cart, "tok_ok")).await;
    gone.expect_problem(409, "out_of_stock");
    let line = shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
    assert_eq!(line["lines"][0]["available"], false);
    assert_eq!(line["totals"]["total"]["amount"], 0);
    shop.stock_up(&[Product::single("mug", "TEE-M", "3.00", 9)])
        .await;
    shop.buy(&[("TEE-M", 1)], "tok_ok", "paid").await;
    let taken = shop
        .import(catalogue(&[Product::single("thief", "TEE-S", "1.00", 9)]))
        .await;
    assert_eq!(faults(&taken), [(2, "sku_taken")]);
}

#[tokio::test]
async fn good_rows_are_imported_and_bad_ones_named_by_line() {
    let shop = Shop::start().await;
    let file = "Handle,Title,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src\n\
                good,Good,true,Size,S,G-S,5,10.00,\n\
                good,,,,M,G-M,5,ten,\n\
                good,,,,L,G-L,-1,10.00,\n\
                good,,,,XL,G-XL,5,10.00,javascript:alert(1)\n\
                good,,,,S,G-S2,5,10.00,\n\
                good,,,,XXL,G-S,5,10.00,\n\
                good,,,,,G-X,5,10.00,\n\
                untitled,,true,Title,Default Title,U-1,5,10.00,\n\
                untitled,,,,,U-2,5,10.00,\n\
                ,No handle,true,Title,Default Title,N-1,5,10.00,\n\
                !!!,No letters,true,Title,Default Title,N-2,5,10.00,\n\
                short,Short\n\
                ,,,,,,,,\n\
                priceless,Priceless,true,Title,Default Title,P-1,5,,\n\
                thief,Thief,true,Title,Default Title,G-S,5,1.00,\n\
                maybe,Maybe,perhaps,Title,Default Title,M-1,5,1.00,\n\
                last,Last,true,Title,Default Title,L-1,5,10.00,\n";
    let import = shop.import(file).await;
    assert_eq!(import["state"], "completed");
    let want = [
        (3, "invalid_price"),
        (4, "invalid_quantity"),
        (5, "invalid_image_url"),
        (6, "duplicate_variant"),
        (7, "duplicate_sku"),
        (8, "option_missing"),
        (9, "title_missing"),
        (10, "product_rejected"),
        (11, "handle_missing"),
        (12, "invalid_handle"),
        (13, "wrong_column_count"),
        (15, "price_missing"),
        (16, "sku_taken"),
        (17, "invalid_published"),
    ];
    assert_eq!(faults(&import), want, "{import}");
    assert_eq!(
        counts(&import),
        RowCounts {
            imported: 2,
            failed: 14
        }
    );
    let good = shop.get("/v1/products/good").await.expect(200);
    assert_eq!(good["variants"].as_array().unwrap().len(), 1);
    shop.get("/v1/products/last").await.expect(200);
    for slug in ["untitled", "short", "priceless", "thief", "maybe"] {
        shop.get(&format!("/v1/products/{slug}"))
            .await
            .expect_problem(404, "not_found");
    }
    assert_eq!(
        shop.stock("G-S").await,
        StockCounts::unreserved(5),
        "the thief did not get the SKU"
    );
}

#[tokio::test]
async fn a_file_that_is_none_fails_with_its_reason() {
    let shop = Shop::start().await;
    let good = catalogue(&[Product::single("tee", "TEE", "10.00", 5)]);
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(good.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let latin1: Vec<u8> = good
        .replace("About", "\u{dc}ber")
        .chars()
        .map(|c| c as u8)
        .collect();
    let header = good.lines().next().unwrap();
    let files: [(&str, Vec<u8>); 11] = [
        (
            "duplicate_column",
            good.replacen("Handle,Title", "Handle,Handle", 1)
                .replacen("Body (HTML)", "Title", 1)
                .into_bytes(),
        ),
        ("empty_file", b"\xEF\xBB\xBF \n\n".to_vec()),
        ("no_rows", format!("{header}\n").into_bytes()),
        ("no_rows", header.to_owned().into_bytes()),
        ("unsupported_encoding", utf16),
        ("unsupported_encoding", latin1),
        ("not_csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("not_csv", br#"{"products":[{"handle":"tee"}]}"#.to_vec()),
        ("not_csv", b"<html><body>Sign in</body></html>".to_vec()),
        ("missing_columns", b"Handle,Body\ntee,x\n".to_vec()),
        ("wrong_delimiter", good.replace(',', ";").into_bytes()),
    ];
    for (code, file) in files {
        let shown = String::from_utf8_lossy(&file[..file.len().min(40)]).into_owned();
        let import = shop.import(file).await;
        assert_eq!(import["state"], "failed", "{shown:?} {import}");
        let (_, found) = faults(&import)[0];
        assert_eq!(
            (found, faults(&import).len()),
            (code, 1),
            "{shown:?} {import}"
        );
    }
    assert_eq!(
        shop.get("/v1/products").await.expect(200)["items"],
        json!([])
    );
}

#[tokio::test]
async fn what_is_too_large_is_named_and_takes_nothing_down_with_it() {
    let shop = Shop::start().await;
    let head = "Handle,Title,Collection,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n";
    let good = "good,Good,,,,,GOOD,5,10.00\n";
    let cell = "c".repeat(1_200_000);
    let tags: Vec<String> = (0..250)
        .map(|index| format!("{index}{}", "t".repeat(240)))
        .collect();
    let wide: String = (0..900)
        .map(|index| {
            format!(
                "wide,{},,,,{index}{},W-{index},1,\n",
                if index == 0 { "Wide" } else { "" },
                "v".repeat(250)
            )
        })
        .collect();
    let files = [
        (
            "too_long",
            1,
            format!("{head}big,Big,{cell},,,,BIG,5,10.00\n{good}"),
        ),
        (
            "too_long",
            1,
            format!("{head}big,Big,,,{cell},x,BIG,5,10.00\n{good}"),
        ),
        (
            "too_long",
            1,
            format!("{head}big,Big,,,,,BIG,5,{}\n{good}", "9".repeat(1_200_000)),
        ),
        (
            "product_too_large",
            1,
            format!(
                "{head}big,Big,,\"{}\",,,BIG,5,10.00\n{good}",
                tags.join(",")
            ),
        ),
        (
            "product_too_large",
            900,
            format!("{head}{}{good}", wide.replacen(",1,\n", ",1,5\n", 1)),
        ),
    ];
    for (code, rows, file) in files {
        let import = shop.import(file).await;
        assert_eq!(
            counts(&import),
            RowCounts {
                imported: 1,
                failed: rows
            },
            "{code} {:.300}",
            import.to_string()
        );
        assert!(
            faults(&import).iter().all(|(_, found)| *found == code),
            "{code} {:.300}",
            import["errors"].to_string()
        );
    }
    shop.get("/v1/products/big")
        .await
        .expect_problem(404, "not_found");
    shop.get("/v1/products/good").await.expect(200);
}

#[tokio::test]
async fn a_page_of_large_products_is_as_small_as_any() {
    let shop = Shop::start().await;
    let mut file = "Handle,Title,Body (HTML),Variant Price\n".to_owned();
    for index in 0..60 {
        file.push_str(&format!(
            "heavy-{index},Heavy,\"{}\",{index}\n",
            "<b>x</b> ".repeat(6000)
        ));
    }
    assert_eq!(
        counts(&shop.import(file).await),
        RowCounts::all_imported(60)
    );
    let page = shop.get("/v1/products?sort=price&limit=100").await;
    assert_eq!(page.expect(200)["items"].as_array().unwrap().len(), 60);
    assert!(page.text.len() < 60 * 400, "{}", page.text.len());
}

#[tokio::test]
async fn an_import_that_cannot_go_on_ends() {
    let shop = Shop::start().await;
    let ticket = shop.import_ticket(1000).await;
    let path = format!("/v1/admin/imports/{}", ticket["id"].as_str().unwrap());
    let key = format!("imports/{}.csv", ticket["id"].as_str().unwrap());
    let sample = std::fs::read_to_string(root().join("events/start-import/uploaded.json")).unwrap();
    let sample: Value = serde_json::from_str(&sample).unwrap();
    let mut uploaded: Value =
        serde_json::from_str(sample["Records"][0]["body"].as_str().unwrap()).unwrap();
    uploaded["Records"][0]["s3"]["object"]["key"] = json!(key);
    // Kind of fault: retries. A receive count may be high although the function has not run.
    let uploaded = testkit::sqs_event(&[&uploaded.to_string()], 7);
    let mut import = Value::Null;
    for _ in 0..4 {
        assert_ne!(import["state"].as_str(), Some("failed"), "{import}");
        // As long as the import is wanted, the upload that is not there is no reason to end it.
        shop.invoke("start-import", &uploaded).await.unwrap();
        import = shop.staff_get(&path).await.expect(200);
    }
    assert_eq!(
        (import["state"].as_str(), faults(&import)),
        (Some("failed"), vec![(0, "not_started")])
    );
}

// Kind of fault: a bound is checked after what it should bound has arrived.
#[tokio::test]
async fn an_upload_is_no_larger_than_announced() {
    let shop = Shop::start().await;
    let ticket = shop.import_ticket(1000).await;
    let url = ticket["upload"]["url"].as_str().unwrap();
    assert!(
        url.contains("X-Amz-SignedHeaders=content-length%3B"),
        "{url}"
    );
    assert_eq!(ticket["upload"]["headers"]["content-length"], "1000");
    for body in [
        json!({}),
        json!({ "bytes": 0 }),
        json!({ "bytes": -1 }),
        json!({ "bytes": 15 * 1024 * 1024 + 1 }),
        json!({ "bytes": 1.5 }),
        json!({ "bytes": "1000" }),
    ] {
        let refused = shop.staff_call("POST", "/v1/admin/imports", &body).await;
        refused.expect_problem(422, "validation_failed");
    }

    // One that got there all the same, past the signature, which the emulator does not check.
    let key = format!("imports/{}.csv", ticket["id"].as_str().unwrap());
    let stack = shop.stack();
    let bucket = &stack.template.outputs["UploadBucketName"];
    let large = vec![b'x'; 15 * 1024 * 1024 + 1];
    let s3 = &stack.emulators.s3;
    let put = s3.put_object().bucket(bucket).key(&key).body(large.into());
    put.send().await.unwrap();
    let path = format!("/v1/admin/imports/{}", ticket["id"].as_str().unwrap());
    let import = shop
        .eventually("the import has failed", async || {
            let import = shop.staff_get(&path).await.expect(200);
            (import["state"] == "failed").then_some(import)
        })
        .await;
    assert_eq!(faults(&import), [(0, "file_too_large")]);
    assert!(
        s3.head_object()
            .bucket(bucket)
            .key(&key)
            .send()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn one_import_takes_one_file() {
    let shop = Shop::start().await;
    let files = [("first", "A"), ("again", "B")].map(|(handle, sku)| {
        let file = catalogue(&[Product::single(handle, sku, "10.00", 5)]);
        (handle, file)
    });
    // Both are of one size: the upload takes no other.
    assert_eq!(files[0].1.len(), files[1].1.len());
    let ticket = shop.import_ticket(files[0].1.len()).await;
    let id = ticket["id"].as_str().unwrap();
    let waiting = shop
        .staff_get(&format!("/v1/admin/imports/{id}"))
        .await
        .expect(200);
    assert_eq!(
        (waiting["state"].as_str(), counts(&waiting)),
        (Some("awaiting_upload"), RowCounts::all_imported(0))
    );
    let http = reqwest::Client::new();
    let url = ticket["upload"]["url"].as_str().unwrap();
    for (handle, file) in files {
        assert!(
            http.put(url)
                .body(file)
                .send()
                .await
                .unwrap()
                .status()
                .is_success()
        );
        shop.eventually("the file is looked at", async || {
            let import = shop
                .staff_get(&format!("/v1/admin/imports/{id}"))
                .await
                .expect(200);
            let looked_at = handle == "first" || shop.log().contains("the job does not run");
            (import["state"] == "completed" && looked_at).then_some(())
        })
        .await;
    }
    shop.get("/v1/products/first").await.expect(200);
    shop.get("/v1/products/again")
        .await
        .expect_problem(404, "not_found");
}

/// The kind of fault: a message about something else decides. The first file's import goes on, whatever is uploaded after it.
#[tokio::test]
async fn an_unusable_file_that_is_uploaded_later_ends_no_import() {
    let shop = Shop::start().await;
    let good = catalogue(&[Product::single("good", "GOOD", "10.00", 5)]);
    let ticket = shop.import_ticket(good.len()).await;
    shop.upload(&ticket, good.clone()).await;
    let job = format!("/v1/admin/jobs/{}", ticket["job_id"].as_str().unwrap());
    let batches = || {
        let log = shop.log();
        let lines = log.lines().filter(|line| line.starts_with("start-import:"));
        lines
            .filter(|line| line.contains(r#""message":"batch""#))
            .count()
    };
    shop.eventually(
        "the file has been read, and its message is done",
        async || {
            let job = shop.staff_get(&job).await.expect(200);
            (job["state"] == "completed" && batches() > 0).then_some(())
        },
    )
    .await;
    // As if another chunk was still on its way.
    let table = shop.stack().template.table["TableName"].clone();
    let running = json!({
        "TableName": table,
        "Key": { "PK": { "S": "JOBS" }, "SK": { "S": ticket["job_id"] } },
        "UpdateExpression": "SET #state = :running, chains_total = :two",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": { ":running": { "S": "running" }, ":two": { "N": "2" } },
    });
    shop.table("UpdateItem", &running).await;
    let before = batches();
    shop.upload(&ticket, vec![0; good.len()]).await;
    shop.eventually("the second file has been read", async || {
        (batches() > before).then_some(())
    })
    .await;
    let after = shop.staff_get(&job).await.expect(200);
    assert_eq!(
        (&after["state"], &after["errors"]),
        (&json!("running"), &json!([])),
        "{after}"
    );
    // An unusable file that an import waits for ends it.
    let waiting = shop.import_ticket(good.len()).await;
    shop.upload(&waiting, vec![0; good.len()]).await;
    let path = format!("/v1/admin/imports/{}", waiting["id"].as_str().unwrap());
    let failed = shop
        .eventually("the import has failed", async || {
            let import = shop.staff_get(&path).await.expect(200);
            (import["state"] == "failed").then_some(import)
        })
        .await;
    assert_eq!(failed["errors"][0]["code"], "not_csv", "{failed}");
}

#[tokio::test]
async fn many_products_travel_in_many_messages() {
    let shop = Shop::start().await;
    let mut file =
        "Handle,Title,Body (HTML),Type,Variant SKU,Variant Inventory Qty,Variant Price\n"
            .to_owned();
    for index in 0..400 {
        let text = "long ".repeat(300);
        file.push_str(&format!(
            "p-{index},Product {index},<p>{text}</p>,Bulk,SKU-{index},1,{index}.50\n"
        ));
    }
    let import = shop.import(file).await;
    assert_eq!(
        counts(&import),
        RowCounts::all_imported(400),
        "{}",
        import["errors"]
    );
    let (mut path, mut seen) = (
        "/v1/products?type=bulk&sort=price&limit=100".to_owned(),
        Vec::new(),
    );
    loop {
        let page = shop.get(&path).await.expect(200);
        let prices = page["items"].as_array().unwrap().iter();
        seen.extend(prices.map(|item| item["price"]["amount"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(cursor) => {
                path = format!("/v1/products?type=bulk&sort=price&limit=100&cursor={cursor}")
            }
            None => break,
        }
    }
    let want: Vec<i64> = (0..400).map(|index| index * 100 + 50).collect();
    assert_eq!(seen, want);
}

#[tokio::test]
async fn a_product_may_stand_in_more_lists_than_a_transaction_holds() {
    let shop = Shop::start().await;
    let tags: Vec<String> = (0..120).map(|index| format!("tag {index}")).collect();
    let file = |tags: &[String]| {
        let tags = tags.join(",");
        format!(
            "Handle,Title,Tags,Variant SKU,Variant Inventory Qty,Variant Price\nwide,Wide,\"{tags}\",WIDE,1,1\n"
        )
    };
    assert_eq!(
        counts(&shop.import(file(&tags)).await),
        RowCounts::all_imported(1)
    );
    let listed = async |tag: usize| {
        let page = shop
            .get(&format!("/v1/products?tag=tag%20{tag}"))
            .await
            .expect(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(
        (listed(0).await, listed(60).await, listed(119).await),
        (1, 1, 1)
    );
    assert_eq!(
        counts(&shop.import(file(&tags[60..])).await),
        RowCounts::all_imported(1)
    );
    shop.forget_pages().await;
    assert_eq!(
        (listed(0).await, listed(60).await, listed(119).await),
        (0, 1, 1)
    );
}

#[tokio::test]
async fn real_files_of_another_shop() {
    let folder = root().join("../shared/data/shopify-csv");
    if !folder.exists() {
        println!(
            "skipped: the real product files are not at {}",
            folder.display()
        );
        return;
    }
    let shop = Shop::start().await;
    let mut total = 0;
    for name in ["apparel.csv", "home-and-garden.csv"] {
        let file = std::fs::read(folder.join(name)).unwrap();
        let import = shop.import(file).await;
        assert_eq!(
            (import["state"].as_str(), import["rows_failed"].as_u64()),
            (Some("completed"), Some(0)),
            "{import}"
        );
        total += import["rows_imported"].as_u64().unwrap();
    }
    assert_eq!(total, 43);
    let shirt = shop
        .get("/v1/products/classic-varsity-top")
        .await
        .expect(200);
    let skus: Vec<&str> = shirt["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["sku"].as_str().unwrap())
        .collect();
    assert_eq!(
        skus,
        [
            "classic-varsity-top.small",
            "classic-varsity-top.medium",
            "classic-varsity-top.large"
        ]
    );
    shop.buy(
        &[("classic-varsity-top.small", 1), ("ocean-blue-shirt", 1)],
        "tok_ok",
        "paid",
    )
    .await;
}
