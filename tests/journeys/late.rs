//! Covers: import-rows, set-stock, get-stock, get-import when messages are late, and when SKUs change hands.

use serde_json::{Value, json};
use testkit::{Product, Shop, StockCounts, catalogue, sqs_event};

const HEAD: &str = "Handle,Title,Status,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n";
const COLUMNS: [&str; 8] = [
    "handle",
    "title",
    "status",
    "option1_name",
    "option1_value",
    "sku",
    "quantity",
    "price",
];

/// Creates an import whose file is never uploaded, so that the test can deliver its rows.
async fn ticket(shop: &Shop) -> String {
    let ticket = shop.import_ticket(1000).await;
    runs(shop, &ticket["job_id"], 0, 1_000).await;
    ticket["id"].as_str().unwrap().to_owned()
}

/// Lets a job run with so many chunks, some of which are done.
async fn runs(shop: &Shop, job: &Value, done: u32, total: u32) {
    let progress = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": "JOBS" }, "SK": { "S": job } },
        "UpdateExpression": "SET #state = :running, #input = :input, chains_total = :total, chains_done = :done",
        "ConditionExpression": "attribute_exists(PK)",
        "ExpressionAttributeNames": { "#state": "state", "#input": "input" },
        "ExpressionAttributeValues": {
            ":running": { "S": "running" },
            ":input": { "M": { "version": { "S": "etag" } } },
            ":total": { "N": total.to_string() },
            ":done": { "N": done.to_string() },
        },
    });
    shop.table("UpdateItem", &progress).await;
}

/// A chunk of one product with one variant.
fn chunk(import: &str, sku: &str, quantity: &str, price: &str) -> Value {
    let row = json!({
        "line": 2, "title": "P", "option1_name": "Title", "option1_value": "Default Title",
        "sku": sku, "quantity": quantity, "price": price,
    });
    let group = json!({ "slug": "p", "handle": "p", "rows": [row] });
    json!({ "import_id": import, "number": 1, "columns": COLUMNS, "groups": [group] })
}

async fn deliver(shop: &Shop, chunk: &Value) {
    let event = sqs_event(&[&chunk.to_string()], 1);
    let answer = shop.invoke("import-rows", &event).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]), "{answer}");
}

async fn report(shop: &Shop, import: &str) -> Value {
    shop.staff_get(&format!("/v1/admin/imports/{import}"))
        .await
        .expect(200)
}

fn codes(import: &Value) -> Vec<(u64, &str)> {
    let errors = import["errors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            (
                error["line"].as_u64().unwrap(),
                error["code"].as_str().unwrap(),
            )
        })
        .collect()
}

async fn price(shop: &Shop, slug: &str) -> i64 {
    shop.forget_pages().await;
    let page = shop.get(&format!("/v1/products/{slug}")).await.expect(200);
    page["variants"][0]["price"]["amount"].as_i64().unwrap()
}

/// The kind of fault: an older message overwrites newer truth.
#[tokio::test]
async fn a_late_chunk_changes_nothing_newer() {
    let shop = Shop::start().await;
    let first = ticket(&shop).await;
    let second = ticket(&shop).await;
    let newer = shop
        .import(format!("{HEAD}p,P,active,Title,Default Title,P1,3,22.00\n"))
        .await;
    assert_eq!(newer["rows_imported"], 1, "{newer}");

    deliver(&shop, &chunk(&first, "P1", "50", "11.00")).await;
    let late = report(&shop, &first).await;
    assert_eq!(codes(&late), [(2, "superseded")], "{late}");
    assert_eq!(
        (price(&shop, "p").await, shop.stock("P1").await),
        (2200, StockCounts::unreserved(3))
    );

    // The same data as a newer import's are no conflict, and so is a newer import that changes nothing: it
    // keeps older ones out as well.
    deliver(&shop, &chunk(&second, "P1", "3", "22.00")).await;
    assert_eq!(codes(&report(&shop, &second).await), []);
    let third = ticket(&shop).await;
    let unchanged = ticket(&shop).await;
    deliver(&shop, &chunk(&unchanged, "P1", "3", "22.00")).await;
    deliver(&shop, &chunk(&third, "P1", "60", "12.00")).await;
    assert_eq!(codes(&report(&shop, &third).await), [(2, "superseded")]);
    assert_eq!(
        (price(&shop, "p").await, shop.stock("P1").await),
        (2200, StockCounts::unreserved(3))
    );
}

/// The kind of fault: an older message overwrites newer truth.
#[tokio::test]
async fn a_count_is_newer_than_the_imports_before_it() {
    let shop = Shop::start().await;
    shop.import(format!("{HEAD}p,P,active,Title,Default Title,P1,5,10.00\n"))
        .await;
    let before = ticket(&shop).await;
    shop.staff_call("PUT", "/v1/admin/stock/P1", &json!({ "on_hand": 200 }))
        .await
        .expect(200);
    deliver(&shop, &chunk(&before, "P1", "50", "11.00")).await;
    let late = report(&shop, &before).await;
    assert_eq!(codes(&late), [(2, "superseded")], "{late}");
    assert!(
        late["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("counted")
    );
    assert_eq!(
        (price(&shop, "p").await, shop.stock("P1").await),
        (1100, StockCounts::unreserved(200))
    );

    // The chunk again, and its quantity in a newer import, which says nothing new.
    deliver(&shop, &chunk(&before, "P1", "50", "11.00")).await;
    assert!(shop.log().contains("chunk imported before"));
    shop.import(format!(
        "{HEAD}p,P,active,Title,Default Title,P1,50,12.00\n"
    ))
    .await;
    assert_eq!(
        (price(&shop, "p").await, shop.stock("P1").await),
        (1200, StockCounts::unreserved(200))
    );
    shop.import(format!(
        "{HEAD}p,P,active,Title,Default Title,P1,60,12.00\n"
    ))
    .await;
    assert_eq!(shop.stock("P1").await, StockCounts::unreserved(60));
}

/// The kind of fault: an older message overwrites newer truth. A process may end between a product's variants
/// and the product.
#[tokio::test]
async fn an_import_that_broke_off_is_completed_or_replaced() {
    let shop = Shop::start().await;
    let file = |price: &str, quantity: &str| {
        format!("{HEAD}p,P,active,Title,Default Title,P1,{quantity},{price}\n")
    };
    let update = async |key: &str, sort: &str, stamp: &str, expression: &str| {
        let update = json!({
            "TableName": shop.stack().template.table["TableName"],
            "Key": { "PK": { "S": key }, "SK": { "S": sort } },
            "UpdateExpression": expression,
            "ExpressionAttributeValues": { ":stamp": { "S": stamp.trim_start_matches("imp_") }, ":n": { "N": "50" } },
        });
        shop.table("UpdateItem", &update).await;
    };
    shop.import(file("10.00", "5")).await;
    // The files that come after two imports have broken off, and the stock that they leave.
    for (after, left) in [(file("10.00", "5"), 5), (file("11.00", ""), 50)] {
        let broken = ticket(&shop).await;
        let begun = ticket(&shop).await;
        // One has begun, and written price and stock; the other one has only begun.
        for import in [&broken, &begun] {
            let begin = "SET changing_by = :stamp ADD version :n";
            update("PRODUCT#p", "PRODUCT", import, begin).await;
        }
        let write = "SET changed_by = :stamp, counted_by = :stamp, price = :n, available = :n, counted = :n, sold_at_count = sold";
        update("VARIANT#P1", "VARIANT", &broken, write).await;

        let newer = shop.import(after).await;
        assert_eq!(newer["rows_imported"], 1, "{newer}");
        assert_eq!(
            shop.stock("P1").await,
            StockCounts::unreserved(left),
            "the product's data alone look unchanged"
        );
        shop.buy(&[("P1", 2)], "tok_ok", "paid").await;
        for import in [&broken, &begun] {
            deliver(&shop, &chunk(import, "P1", "60", "0.50")).await;
            assert_eq!(codes(&report(&shop, import).await), [(2, "superseded")]);
        }
        assert_eq!(shop.stock("P1").await, StockCounts::unreserved(left - 2));
    }
    // The last quantity was not 5, although no import has said another one to its end.
    shop.import(file("10.00", "5")).await;
    assert_eq!(
        (price(&shop, "p").await, shop.stock("P1").await),
        (1000, StockCounts::unreserved(5))
    );
}

/// The kind of fault: an older message overwrites newer truth. The message is a person's.
#[tokio::test]
async fn a_count_from_before_a_sale_is_rejected() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 40)])
        .await;
    let path = "/v1/admin/stock/TEE";
    let count = async |version: &str, on_hand: i64| {
        let request = shop
            .request("PUT", path)
            .bearer_auth(&shop.staff_token)
            .header("If-Match", version)
            .json(&json!({ "on_hand": on_hand }));
        shop.send(request).await
    };
    for shards in [1, 2] {
        let split = json!({ "shards": shards });
        shop.staff_call("PUT", &format!("{path}/shards"), &split)
            .await
            .expect(200);
        let seen = shop.staff_get(path).await;
        let view = seen.expect(200);
        let tag = seen.headers["etag"].clone();
        assert_eq!(tag, format!("\"{}\"", view["stock_version"]));
        shop.buy(&[("TEE", 1)], "tok_ok", "paid").await;
        let sold = shop.stock("TEE").await;
        count(&tag, 40)
            .await
            .expect_problem(412, "precondition_failed");
        assert_eq!(shop.stock("TEE").await, sold);
        let tag = shop.staff_get(path).await.headers["etag"].clone();
        let counted = count(&tag, 40).await;
        assert_eq!(counted.expect(200)["on_hand"], 40);
        let next = counted.headers["etag"].clone();
        assert_eq!(next, shop.staff_get(path).await.headers["etag"]);
        count(&next, 41).await.expect(200);
        count("*", 40).await.expect(200);
    }
    count("7", 1).await.expect_problem(400, "bad_request");
    // As a client returns the tag that a CDN has weakened.
    let tag = shop.staff_get(path).await.headers["etag"].clone();
    count(&format!("W/{tag}"), 41).await.expect(200);
    count(&format!("W/{tag}"), 42)
        .await
        .expect_problem(412, "precondition_failed");
}

/// The kind of fault: the owner of a SKU depends on the order of rows.
#[tokio::test]
async fn skus_change_hands_in_any_order() {
    let shop = Shop::start().await;
    let line = |handle: &str, status: &str, sku: &str| {
        format!("{handle},P,{status},Title,Default Title,{sku},5,10.00\n")
    };
    let old = |handle: &str| line(handle, "active", "S1");
    // The product that has the SKU is archived, or has another one, in the file that gives it away.
    for (index, gives) in ["archived", "active"].into_iter().enumerate() {
        for owner_first in [true, false] {
            let before = format!("before-{index}-{owner_first}");
            let after = format!("after-{index}-{owner_first}");
            shop.import(format!(
                "{HEAD}{}",
                old(&before).replace("S1", &format!("S-{before}"))
            ))
            .await;
            let sku = format!("S-{before}");
            let kept = if gives == "archived" {
                sku.clone()
            } else {
                format!("N-{before}")
            };
            let mut rows = [line(&before, gives, &kept), line(&after, "active", &sku)];
            if !owner_first {
                rows.reverse();
            }
            let file = format!("{HEAD}{}", rows.concat());
            for _ in 0..2 {
                let import = shop.import(file.clone()).await;
                assert_eq!(
                    (import["rows_imported"].as_u64(), codes(&import)),
                    (Some(2), vec![]),
                    "{file}{import}"
                );
            }
            let cart = shop.cart(&[(&sku, 1)]).await;
            let cart = shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
            assert_eq!(cart["lines"][0]["product_slug"], after, "{file}");
            assert_eq!(cart["lines"][0]["available"], true, "{file}");
        }
    }
    // Two products swap theirs.
    shop.import(format!(
        "{HEAD}{}{}",
        line("a", "active", "A"),
        line("b", "active", "B")
    ))
    .await;
    let swapped = format!(
        "{HEAD}{}{}",
        line("a", "active", "B"),
        line("b", "active", "A")
    );
    let import = shop.import(swapped).await;
    assert_eq!(codes(&import), [], "{import}");
    for (slug, sku) in [("a", "B"), ("b", "A")] {
        shop.forget_pages().await;
        let page = shop.get(&format!("/v1/products/{slug}")).await.expect(200);
        assert_eq!(page["variants"][0]["sku"], sku);
        assert_eq!(page["variants"][0]["available"], true);
    }
}

/// The kind of fault: the owner of a SKU depends on the order of rows.
#[tokio::test]
async fn a_sku_that_is_not_given_up_stays_and_its_owner_is_named() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("owner", "S1", "10.00", 5)])
        .await;
    let sizes =
        |m: &str| format!("{HEAD}thief,T,active,Size,S,T-S,5,10.00\nthief,,,,M,{m},5,10.00\n");
    shop.import(sizes("T-M")).await;
    let import = shop.import(sizes("S1")).await;
    assert_eq!(codes(&import), [(3, "sku_taken")], "{import}");
    assert!(
        import["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("owner"),
        "{import}"
    );
    shop.buy(&[("S1", 1), ("T-S", 1), ("T-M", 1)], "tok_ok", "paid")
        .await;
    shop.forget_pages().await;
    let page = shop.get("/v1/products/thief").await.expect(200);
    assert_eq!(page["variants"][1]["sku"], "T-M", "M stays as it was");

    // Two new products of one file: the first by slug has it, in either order, and the message names it.
    for sku in ["X1", "X2"] {
        let mut rows = ["x", "y"]
            .map(|handle| format!("{handle}-{sku},X,active,Title,Default Title,{sku},5,10.00\n"));
        let lines = if sku == "X1" { [3, 2] } else { [2, 3] };
        if sku == "X2" {
            rows.reverse();
        }
        // Again in the other order: the one that has it keeps it.
        for line in lines {
            let import = shop.import(format!("{HEAD}{}", rows.concat())).await;
            assert_eq!(codes(&import), [(line, "sku_taken")], "{import}");
            let message = import["errors"][0]["message"].as_str().unwrap();
            assert!(
                message.contains(&format!(" x-{} ", sku.to_lowercase())),
                "{import}"
            );
            rows.reverse();
        }
    }
}

/// The kind of fault: the owner of a SKU depends on the order of rows, here in different chunks.
#[tokio::test]
async fn skus_change_hands_between_chunks() {
    let shop = Shop::start().await;
    let filler: String = (0..120)
        .map(|index| format!("f-{index},F,active,Title,Default Title,F-{index},1,1.00\n"))
        .collect();
    shop.stock_up(&[Product::single("old", "MOVED", "10.00", 5)])
        .await;
    let import = shop
        .import(format!(
            "{HEAD}new,New,active,Title,Default Title,MOVED,5,10.00\n{filler}\
             old,Old,active,Title,Default Title,OTHER,5,10.00\n"
        ))
        .await;
    assert_eq!(
        (import["rows_imported"].as_u64(), codes(&import)),
        (Some(122), vec![]),
        "{import}"
    );
    let cart = shop.cart(&[("MOVED", 1)]).await;
    let cart = shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
    assert_eq!(cart["lines"][0]["product_slug"], "new");

    // A chunk waits for others only: not for ever, and not once they are done. Deliveries count that reach the
    // function, not those that SQS counts.
    for (done, deliveries, waits) in [(0, 1, true), (0, 3, true), (0, 4, false), (1, 1, false)] {
        let import = ticket(&shop).await;
        runs(&shop, &json!(import.replace("imp_", "job_")), done, 2).await;
        let body = chunk(&import, "MOVED", "1", "1.00").to_string();
        let mut waiting = 0;
        for delivery in 1..=deliveries {
            let received = if delivery == 1 { 1 } else { delivery + 3 };
            let event = sqs_event(&[&body], received);
            let answer = shop.invoke("import-rows", &event).await.unwrap();
            waiting = answer["batchItemFailures"].as_array().unwrap().len();
        }
        assert_eq!(waiting, usize::from(waits), "{done} {deliveries}");
        let report = report(&shop, &import).await;
        let faults = if waits {
            vec![]
        } else {
            vec![(2, "sku_taken")]
        };
        assert_eq!(codes(&report), faults, "{report}");
    }
}

/// The kind of fault: absent, empty and default as one value.
#[tokio::test]
async fn a_price_file_changes_prices() {
    let shop = Shop::start().await;
    shop.import(
        "Handle,Title,Published,Status,Variant SKU,Variant Inventory Qty,Variant Price\n\
         p,Secret,FALSE,draft,P1,7,10.00\n",
    )
    .await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 20)])
        .await;
    shop.buy(&[("TEE", 3)], "tok_ok", "paid").await;
    let files = [
        "Handle,Title,Variant SKU,Variant Price\np,Secret,P1,11.00\ntee,Tee,TEE,11.00\n",
        "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\np,Secret,P1,,12.00\ntee,Tee,TEE,,12.00\n",
    ];
    for (index, file) in files.into_iter().enumerate() {
        let import = shop.import(file).await;
        assert_eq!(import["rows_imported"], 2, "{import}");
        assert_eq!(price(&shop, "tee").await, 1100 + 100 * index as i64);
        shop.get("/v1/products/p")
            .await
            .expect_problem(404, "not_found");
        assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(17));
        assert_eq!(shop.stock("P1").await, StockCounts::unreserved(7));
    }
    let page = shop.get("/v1/products/tee").await.expect(200);
    assert_eq!(page["description_html"], "<p>About tee</p>");
}

/// The kind of fault: unreadable treated as removed.
#[tokio::test]
async fn an_unreadable_row_does_not_take_its_variant_off_sale() {
    let shop = Shop::start().await;
    let sizes = |price: &str| {
        format!(
            "{HEAD}tee,Tee,active,Size,S,T-S,5,10.00\ntee,,,,M,T-M,5,{price}\ntee,,,,L,T-L,5,10.00\n"
        )
    };
    shop.import(sizes("10.00")).await;
    let cart = shop.cart(&[("T-M", 1)]).await;
    let import = shop.import(sizes("\"1,299.00\"")).await;
    assert_eq!(codes(&import), [(3, "invalid_price")], "{import}");
    let line = shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
    assert_eq!(line["lines"][0]["available"], true);
    assert_eq!(line["lines"][0]["unit_price"]["amount"], 1000);
    shop.buy(&[("T-M", 1)], "tok_ok", "paid").await;

    // Nor does one of another product, which was to have the variant.
    let moved = |price: &str| {
        format!(
            "{HEAD}tee,Tee,active,Size,S,T-S,5,10.00\ntee,,,,L,T-L,5,10.00\n\
             hat,Hat,active,Title,Default Title,T-M,5,{price}\n"
        )
    };
    let import = shop.import(moved("\"1,299.00\"")).await;
    assert_eq!(codes(&import), [(4, "invalid_price")], "{import}");
    shop.buy(&[("T-M", 1)], "tok_ok", "paid").await;
    assert_eq!(codes(&shop.import(moved("20.00")).await), []);
    let cart = shop.cart(&[("T-M", 1)]).await;
    let line = shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
    assert_eq!(line["lines"][0]["unit_price"]["amount"], 2000, "{line}");
}

/// The kind of fault: unreadable treated as removed, here under another handle than the variant's.
#[tokio::test]
async fn an_unusable_row_under_another_handle_does_not_take_a_variant_off_sale() {
    let shop = Shop::start().await;
    let head =
        "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price,Option1 Name,Option1 Value\n";
    let sizes = |handle: &str, skus: [&str; 2]| {
        let [s, m] = skus;
        format!("{handle},A,{s},5,5.00,Size,S\n{handle},,{m},5,6.00,,M\n")
    };
    let all = [
        sizes("rv-mv", ["RVMA", "RVMB"]),
        sizes("rv-col", ["RVCA", "RVCB"]),
    ];
    shop.import(format!("{head}{}", all.concat())).await;
    let owner = async |sku: &str| {
        let cart = shop.cart(&[(sku, 1)]).await;
        let cart = shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
        let line = cart["lines"][0].clone();
        assert_eq!(line["available"], true, "{line}");
        line["product_slug"].as_str().unwrap().to_owned()
    };
    // The rows are in one chunk, or in two, in either order.
    let filler: String = (0..120)
        .map(|index| format!("f-{index},F,F-{index},1,1.00,,\n"))
        .collect();
    let moved = |price: &str| format!("rv-mvnew,New,RVMB,5,{price},,\n");
    let kept = "rv-mv,A,RVMA,5,5.00,Size,S\nrv-col,A,RVCA,5,5.00,Size,S\n";
    let mistyped = "rv-colx,,RVCB,5,6.00,,M\n";
    let bad = moved("\"1,299.00\"");
    for (file, lines) in [
        (format!("{head}{kept}{bad}{mistyped}"), [4, 5]),
        (format!("{head}{kept}{filler}{bad}{mistyped}"), [124, 125]),
        (format!("{head}{mistyped}{bad}{filler}{kept}"), [3, 2]),
    ] {
        let import = shop.import(file).await;
        let mut want = [(lines[0], "invalid_price"), (lines[1], "title_missing")];
        want.sort_unstable();
        assert_eq!(codes(&import), want, "{import}");
        assert_eq!(owner("RVMB").await, "rv-mv");
        assert_eq!(owner("RVCB").await, "rv-col");
    }
    shop.buy(&[("RVMB", 1), ("RVCB", 1)], "tok_ok", "paid")
        .await;

    // Corrected, the row takes the SKU, and what no row names goes off sale.
    let cart = shop.cart(&[("RVCB", 1)]).await;
    let import = shop
        .import(format!("{head}{kept}{}", moved("1299.00")))
        .await;
    assert_eq!(codes(&import), [], "{import}");
    assert_eq!(owner("RVMB").await, "rv-mvnew");
    let cart = shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
    assert_eq!(cart["lines"][0]["available"], false, "{cart}");
}

/// The kind of fault: a column that changes the meaning of others.
#[tokio::test]
async fn untracked_variants_are_sold_without_limit() {
    let shop = Shop::start().await;
    let file = |tracker: &str| {
        format!(
            "Handle,Title,Gift Card,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price\n\
             book,Book,true,BOOK,{tracker},2,deny,10.00\n\
             sold,Sold,,SOLD,shopify,-2,deny,10.00\n"
        )
    };
    let import = shop.import(file("")).await;
    assert_eq!(import["rows_imported"], 2, "{import}");
    assert_eq!(import["ignored_columns"], json!(["Gift Card"]));
    shop.buy(&[("BOOK", 30)], "tok_ok", "paid").await;
    let stock = shop.staff_get("/v1/admin/stock/BOOK").await.expect(200);
    assert_eq!(
        (&stock["untracked"], &stock["backorder"]),
        (&json!(true), &json!(true))
    );
    let page = shop.get("/v1/products/book").await.expect(200);
    assert_eq!(page["variants"][0]["available"], true);
    let page = shop.get("/v1/products/sold").await.expect(200);
    assert_eq!(page["variants"][0]["available"], false);
    assert_eq!(shop.stock("SOLD").await, StockCounts::unreserved(-2));
    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    assert!(shop.log().contains(r#""StockDrift":0"#), "{}", shop.log());

    // Once it is tracked, its units count from that file on.
    shop.import(file("shopify")).await;
    assert_eq!(shop.stock("BOOK").await, StockCounts::unreserved(2));
    let cart = shop.cart(&[("BOOK", 3)]).await;
    shop.order(&cart, &testkit::order_body(&cart, "tok_ok"))
        .await
        .expect_problem(409, "out_of_stock");
}

/// The kind of fault: a lossy form as key, here over two files.
#[tokio::test]
async fn a_handle_does_not_overwrite_another() {
    let shop = Shop::start().await;
    let file = |handle: &str| {
        format!("Handle,Title,Tags,Variant Price\n{handle},{handle},cafe\u{301},1.00\n")
    };
    shop.import(file("shirt-1")).await;
    let import = shop.import(file("shirt+1")).await;
    assert_eq!(codes(&import), [(2, "handle_collision")]);
    let message = import["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("shirt+1") && message.contains("shirt-1"),
        "{message}"
    );
    let page = shop.get("/v1/products/shirt-1").await.expect(200);
    assert_eq!(page["title"], "shirt-1");
    for tag in ["caf%C3%A9", "CAFE%CC%81"] {
        let list = shop
            .get(&format!("/v1/products?tag={tag}"))
            .await
            .expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{tag}");
    }
    let devanagari = "Handle,Title,Variant Price\nहिन्दी,Hindi,1.00\n";
    shop.import(devanagari).await;
    shop.get("/v1/products/%E0%A4%B9%E0%A4%BF%E0%A4%A8%E0%A5%8D%E0%A4%A6%E0%A5%80")
        .await
        .expect(200);
}

/// The file of a test shop is read with every line end.
#[tokio::test]
async fn counts_add_up_with_every_line_end() {
    let shop = Shop::start().await;
    let file = catalogue(&[
        Product::single("one", "ONE", "10.00", 5),
        Product::single("two", "TWO", "free", 5),
    ]);
    for end in ["\n", "\r\n", "\r"] {
        let import = shop.import(file.replace('\n', end)).await;
        let counts = ["rows_total", "rows_imported", "rows_failed"].map(|it| import[it].as_u64());
        assert_eq!(counts, [Some(2), Some(1), Some(1)], "{end:?}");
        assert_eq!(codes(&import), [(3, "invalid_price")], "{end:?}");
    }
}
