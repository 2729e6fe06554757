//! Covers: list-products, get-product, refresh-availability.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Product, Shop, catalogue};

fn shirts() -> Vec<Product> {
    let product = |handle, product_type, tags, collection, price| Product {
        product_type,
        tags,
        collection,
        ..Product::single(handle, handle, price, 5)
    };
    vec![
        product("alpha", "Shirts", "men, cotton", "Summer", "30.00"),
        product("bravo", "Shirts", "women", "Summer", "10.00"),
        product("charlie", "Trousers", "Men", "Winter", "20.00"),
    ]
}

fn slugs(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["slug"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn lists_are_narrowed_sorted_and_paged() {
    let shop = Shop::start().await;
    shop.stock_up(&shirts()).await;

    let sorted = async |path: &str| {
        let mut slugs = slugs(&shop.get(path).await.expect(200));
        slugs.sort();
        slugs.join(" ")
    };
    assert_eq!(sorted("/v1/products").await, "alpha bravo charlie");
    assert_eq!(sorted("/v1/products?tag=men").await, "alpha charlie");
    assert_eq!(sorted("/v1/products?tag=MEN").await, "alpha charlie");
    assert_eq!(sorted("/v1/products?type=Shirts").await, "alpha bravo");
    assert_eq!(
        sorted("/v1/products?collection=summer").await,
        "alpha bravo"
    );
    assert_eq!(sorted("/v1/products?tag=nobody").await, "");

    let by_price = shop.get("/v1/products?sort=price").await.expect(200);
    assert_eq!(slugs(&by_price), ["bravo", "charlie", "alpha"]);
    let dearest = shop
        .get("/v1/products?sort=-price&tag=men")
        .await
        .expect(200);
    assert_eq!(slugs(&dearest), ["alpha", "charlie"]);

    for sort in ["newest", "price", "-price"] {
        let whole = slugs(
            &shop
                .get(&format!("/v1/products?sort={sort}"))
                .await
                .expect(200),
        );
        let mut paged = Vec::new();
        let mut path = format!("/v1/products?sort={sort}&limit=1");
        loop {
            let page = shop.get(&path).await.expect(200);
            paged.extend(slugs(&page));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/products?sort={sort}&limit=1&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(paged, whole, "{sort}");
    }
}

#[tokio::test]
async fn a_cursor_serves_no_other_list() {
    let shop = Shop::start().await;
    shop.stock_up(&shirts()).await;
    let page = shop
        .get("/v1/products?sort=price&limit=1")
        .await
        .expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let elsewhere = [
        format!("/v1/products?sort=newest&cursor={cursor}"),
        format!("/v1/products?sort=-price&cursor={cursor}"),
        format!("/v1/products?sort=price&tag=men&cursor={cursor}"),
        format!("/v1/products?sort=price&cursor={}", &cursor[1..]),
        "/v1/products?cursor=forged".to_owned(),
        "/v1/products?cursor=".to_owned(),
    ];
    for path in elsewhere {
        shop.get(&path).await.expect_problem(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn a_product_has_its_whole_shape_and_can_be_cached() {
    let shop = Shop::start().await;
    let file = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,\
                Variant SKU,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Image Alt Text\n\
                tee,Tee,\"<p onclick=\"\"steal()\"\">Soft<script>alert(1)</script></p>\",Brand,Shirts,\"a, b\",true,Size,S,Colour,Red,,3,32,40.00,https://example.com/1.jpg,Front\n\
                tee,,,,,,,,M,,Red,TEE-M,0,,,,\n\
                tee,,,,,,,,,,,,,,,https://example.com/2.jpg,Back\n";
    let import = shop.import(file).await;
    assert_eq!(
        (&import["rows_total"], &import["rows_imported"]),
        (&3.into(), &3.into()),
        "{import}"
    );

    let answer = shop.get("/v1/products/tee").await;
    let mut product = answer.expect(200);
    assert!(product["id"].as_str().unwrap().starts_with("prd_"));
    product.as_object_mut().unwrap().remove("id");
    let money =
        |amount: i64| serde_json::json!({ "amount": amount, "currency": "USD", "decimals": 2 });
    let want = serde_json::json!({
        "slug": "tee", "title": "Tee", "description_html": "<p>Soft</p>", "vendor": "Brand", "type": "Shirts",
        "tags": ["a", "b"], "collections": [],
        "options": [{ "name": "Size", "values": ["S", "M"] }, { "name": "Colour", "values": ["Red"] }],
        "variants": [
            { "sku": "tee.s.red", "title": "S / Red", "option_values": ["S", "Red"], "price": money(3200),
              "compare_at_price": money(4000), "available": true },
            { "sku": "TEE-M", "title": "M / Red", "option_values": ["M", "Red"], "price": money(3200),
              "compare_at_price": null, "available": false },
        ],
        "images": [
            { "url": "https://example.com/1.jpg", "alt": "Front" },
            { "url": "https://example.com/2.jpg", "alt": "Back" },
        ],
    });
    assert_eq!(product, want);
    let mut listed = shop.get("/v1/products").await.expect(200)["items"][0].clone();
    assert!(listed["id"].as_str().unwrap().starts_with("prd_"));
    listed.as_object_mut().unwrap().remove("id");
    let want = serde_json::json!({
        "slug": "tee", "title": "Tee", "vendor": "Brand", "type": "Shirts", "tags": ["a", "b"], "collections": [],
        "price": money(3200), "price_varies": false, "compare_at_price": money(4000), "reduced": true,
        "available": true, "image": { "url": "https://example.com/1.jpg", "alt": "Front" },
    });
    assert_eq!(listed, want);

    for path in ["/v1/products/tee", "/v1/products"] {
        let first = shop.get(path).await;
        assert!(
            first.headers["cache-control"].starts_with("public, max-age="),
            "{path}"
        );
        let etag = &first.headers["etag"];
        for known in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"other\", {etag}"),
            "*".to_owned(),
        ] {
            let request = shop.request("GET", path).header("If-None-Match", &known);
            let again = shop.send(request).await;
            assert_eq!(
                (again.status, again.text.as_str()),
                (304, ""),
                "{path} {known}"
            );
            assert_eq!(&again.headers["etag"], etag);
        }
        let request = shop
            .request("GET", path)
            .header("If-None-Match", "\"other\"");
        assert_eq!(shop.send(request).await.status, 200);
    }
    shop.get("/v1/products/nobody")
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn drafts_are_seen_by_nobody() {
    let shop = Shop::start().await;
    let file = "Handle,Title,Published,Variant SKU,Variant Inventory Qty,Variant Price\n\
                hidden,Hidden,false,HIDDEN,5,10\n";
    assert_eq!(shop.import(file).await["rows_imported"], 1);
    shop.get("/v1/products/hidden")
        .await
        .expect_problem(404, "not_found");
    assert_eq!(slugs(&shop.get("/v1/products").await.expect(200)).len(), 0);
    let cart = shop.cart(&[]).await;
    let path = format!("/v1/carts/{cart}/lines/HIDDEN");
    let line = shop
        .call("PUT", &path, &serde_json::json!({ "quantity": 1 }))
        .await;
    line.expect_problem(404, "unknown_sku");
    // A published product appears; hidden again, it disappears from every list.
    let published = file.replace("false", "true");
    shop.import(published).await;
    shop.forget_pages().await;
    assert_eq!(
        slugs(&shop.get("/v1/products").await.expect(200)),
        ["hidden"]
    );
    shop.import(file).await;
    assert_eq!(
        slugs(&shop.get("/v1/products?sort=price").await.expect(200)).len(),
        0
    );
}

#[tokio::test]
async fn pages_show_that_a_variant_sold_out_and_came_back() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 2)])
        .await;
    let available = async |want: bool| {
        shop.eventually(&format!("available is {want}"), async || {
            let product = shop.get("/v1/products/tee").await.expect(200);
            let list = shop.get("/v1/products?sort=price").await.expect(200);
            let shown =
                [&product["variants"], &list["items"]].map(|things| things[0]["available"] == want);
            if shown != [true, true] {
                // Pages are cached for seconds.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            (shown == [true, true]).then_some(())
        })
        .await;
    };
    available(true).await;
    shop.buy(&[("TEE", 2)], "tok_ok", "paid").await;
    available(false).await;
    shop.staff_call(
        "PUT",
        "/v1/admin/stock/TEE",
        &serde_json::json!({ "on_hand": 1 }),
    )
    .await
    .expect(200);
    available(true).await;
}

#[tokio::test]
async fn a_change_shows_within_the_age_that_is_promised() {
    let shop = Shop::start().await;
    let file = catalogue(&shirts());
    shop.import(file.clone()).await;
    let paths = ["/v1/products/alpha", "/v1/products?tag=cotton"];
    let before = Instant::now();
    for path in paths {
        let page = shop.get(path).await;
        assert!(page.text.contains("alpha title"), "{}", page.text);
        assert_eq!(
            page.headers["cache-control"],
            "public, max-age=10, s-maxage=30, stale-while-revalidate=60"
        );
    }
    shop.import(file.replace("alpha title", "Omega")).await;
    let changed = Instant::now();
    let mut oldest = 0;
    for path in paths {
        shop.eventually(path, async || {
            let asked = Instant::now();
            let page = shop.get(path).await;
            // The time that a page was cached here is deducted from its caching headers.
            let cache = &page.headers["cache-control"];
            let (_, rest) = cache.split_once("s-maxage=").unwrap();
            let left: u64 = rest.split(',').next().unwrap().parse().unwrap();
            let age = 30 - left;
            oldest = oldest.max(age);
            if page.text.contains("Omega") {
                return Some(());
            }
            assert!(age <= before.elapsed().as_secs() + 1, "{cache}");
            assert!(
                asked < changed + Duration::from_secs(30),
                "{path} is too old"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        })
        .await;
    }
    assert!(oldest > 1, "nothing was kept");
}

/// The kind of fault: documentation without tests.
#[tokio::test]
async fn a_slug_is_found_in_every_spelling() {
    let shop = Shop::start().await;
    shop.stock_up(&[
        Product::single("headliner-tee", "TEE", "10.00", 2),
        Product::single("café", "CAFE", "10.00", 2),
    ])
    .await;
    for (slug, spellings) in [
        (
            "headliner-tee",
            ["headliner-tee", "Headliner%20TEE", "HEADLINER--tee%21"],
        ),
        ("café", ["caf%C3%A9", "CAF%C3%89", "cafe%CC%81"]),
    ] {
        for spelling in spellings {
            let found = shop.get(&format!("/v1/products/{spelling}")).await;
            assert_eq!(found.expect(200)["slug"], slug, "{spelling}");
        }
    }
    for missing in ["%21", "headliner", "cafe"] {
        let found = shop.get(&format!("/v1/products/{missing}")).await;
        found.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn made_up_names_are_not_found_and_come_to_be() {
    let shop = Shop::start().await;
    for path in ["/v1/products/tee", "/v1/products/tee"] {
        shop.get(path).await.expect_problem(404, "not_found");
    }
    let list = "/v1/products?tag=none";
    let empty = shop.get(list).await;
    let again = shop.get(list).await;
    assert_eq!(empty.text, r#"{"items":[],"next_cursor":null}"#);
    assert_eq!(empty.headers["etag"], again.headers["etag"]);
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 2)])
        .await;
    shop.eventually("the product is there", async || {
        let status = shop.get("/v1/products/tee").await.status;
        if status == 404 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        (status == 200).then_some(())
    })
    .await;
}

/// The route that `infra/edge.yaml` names for a function.
fn route_of(function: &str) -> &'static str {
    match function {
        "get-product" => "GET /v1/products/{slug}",
        _ => "GET /v1/products",
    }
}

#[tokio::test]
async fn a_read_past_the_gateway_is_the_read_through_it() {
    let shop = Shop::start().await;
    shop.stock_up(&shirts()).await;
    // The event of a function URL: no gateway has validated the path, and the distribution names the route.
    let past = async |function: &str, path: &str| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": { "accept": "application/json", "stampede-route": route_of(function) },
            "requestContext": { "http": { "method": "GET", "path": path }, "routeKey": "$default" },
            "isBase64Encoded": false,
        });
        let answer = shop.invoke(function, &event).await.unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (answer["statusCode"].clone(), body)
    };
    for (function, path, status) in [
        ("list-products", "/v1/products", 200),
        ("list-products", "/v1/products?sort=price&limit=2", 200),
        ("list-products", "/v1/products?limit=0", 422),
        ("get-product", "/v1/products/alpha", 200),
        ("get-product", "/v1/products/%61lpha", 200),
        ("get-product", "/v1/products/omega", 404),
    ] {
        let mut through = shop.get(path).await.expect(status);
        let (told, mut page) = past(function, path).await;
        for body in [&mut through, &mut page] {
            // Each request gets its own id.
            body.as_object_mut().unwrap().remove("request_id");
        }
        assert_eq!((told, page), (json!(status), through), "{path}");
    }
    let (status, _) = past("get-product", "/v1/products/alpha/reviews").await;
    assert_eq!(status, 404);
    let routes = r#""http.route":"GET /v1/products/{slug}""#;
    assert!(shop.log().contains(routes), "{}", shop.log());
}
