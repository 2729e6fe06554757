//! A shop to measure: real functions, a catalog, orders in every state, and the events for the
//! functions.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use local::{
    event::{self, API_DOMAIN, http_event},
    meter::Meter,
    outcome::Outcome,
    project,
    stack::{Options, Stack},
    staff,
};
use reqwest::Url;
use serde_json::{Value, json};

use crate::people::Person;

/// Number of products: more than one page of a list.
const PRODUCTS: usize = 60;
/// Timeout for asynchronous work of the shop.
const PATIENCE: Duration = Duration::from_secs(120);

/// Log output of the functions.
#[derive(Default)]
pub(crate) struct Logged {
    pub(crate) bytes: AtomicU64,
    pub(crate) lines: AtomicU64,
}

/// A running shop whose functions are only called by the benchmark.
pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) meter: Meter,
    pub(crate) logged: Arc<Logged>,
    token: String,
    /// Paid orders with their access tokens.
    pub(crate) paid: Vec<Value>,
}

/// Configuration of the shop.
pub(crate) struct Setting {
    /// Folder of the binaries.
    pub(crate) binaries: PathBuf,
    /// Folder of the project.
    pub(crate) root: PathBuf,
    /// Meter between the functions and AWS.
    pub(crate) meter: Meter,
    /// Number of orders that are paid before the measurement.
    pub(crate) orders: usize,
}

impl World {
    /// Starts the shop, places orders and disables the triggers.
    pub(crate) async fn start(setting: Setting) -> Outcome<Self> {
        let orders = setting.orders;
        let mut world = Self::open(setting).await?;
        world.stock_up().await?;
        for _ in 0..orders {
            let placed = world.place().await?;
            world.paid.push(placed);
        }
        for index in 0..world.paid.len() {
            world.settled(index).await?;
        }
        world.rest().await;
        Ok(world)
    }

    /// Starts a shop without products and orders, and disables the triggers.
    pub(crate) async fn start_empty(setting: Setting) -> Outcome<Self> {
        let mut world = Self::open(setting).await?;
        world.rest().await;
        Ok(world)
    }

    async fn open(setting: Setting) -> Outcome<Self> {
        let keys = tempfile::tempdir()?;
        let public_key = staff::make_key(keys.path())?;
        let token = staff::make_token(keys.path(), "bench", 24)?;
        let logged = Arc::new(Logged::default());
        let sink = Arc::clone(&logged);
        let stack = Stack::start(Options {
            root: setting.root,
            binaries: setting.binaries,
            data: None,
            port: 0,
            parameters: parameters(public_key),
            log: Arc::new(move |_, line| {
                sink.bytes
                    .fetch_add(line.len() as u64 + 1, Ordering::Relaxed);
                sink.lines.fetch_add(1, Ordering::Relaxed);
            }),
            before_invoke: None,
            wiring: Some(setting.meter.wiring()),
            impatient: true,
        })
        .await?;
        let world = Self {
            stack,
            meter: setting.meter,
            logged,
            token,
            paid: Vec::new(),
        };
        world.count_callers().await?;
        Ok(world)
    }

    /// Disables the triggers, and waits until no function is being called any more: then all queued work is done.
    async fn rest(&mut self) {
        self.stack.stop_triggers();
        let mut progress = self.stack.lambda.progress();
        while tokio::time::timeout(Duration::from_millis(500), progress.changed())
            .await
            .is_ok_and(|changed| changed.is_ok())
        {}
    }

    /// Creates an import, and returns the id of its job, which waits for the file.
    pub(crate) async fn job(&self) -> Outcome<String> {
        let body = json!({ "bytes": 1_000_000 });
        let request = self.staff("POST /v1/admin/imports", &[], Some(&body));
        let ticket = self.api("create-import", &request).await?;
        Ok(text(&ticket["job_id"]))
    }

    /// Stops the shop.
    pub(crate) async fn stop(self) {
        self.stack.stop().await;
    }

    /// Invokes a function as Lambda does and returns its response.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Outcome<Value> {
        let answer = self
            .stack
            .lambda
            .invoke(function, event.to_string().into())
            .await?;
        Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    /// Invokes a function of the API and returns the body of its response, which must be a success.
    pub(crate) async fn api(&self, function: &str, event: &Value) -> Outcome<Value> {
        let answer = self.invoke(function, event).await?;
        let body = answer["body"].as_str().unwrap_or_default();
        match answer["statusCode"].as_u64() {
            Some(200..=299) => Ok(serde_json::from_str(body).unwrap_or(Value::Null)),
            status => Err(format!("{function} answered {status:?}: {body}").into()),
        }
    }

    /// Has each limit of callers counted, and none of them met: the defaults are off on a developer's machine.
    async fn count_callers(&self) -> Outcome {
        let most = json!({ "requests": 1_000_000, "seconds": 1 });
        let names = domain::limits::ALL.iter().map(|limit| limit.name);
        let limits: serde_json::Map<String, Value> =
            names.map(|name| (name.to_owned(), most.clone())).collect();
        self.limit_callers(&json!(limits)).await
    }

    /// Sets limits of callers, by name.
    pub(crate) async fn limit_callers(&self, limits: &Value) -> Outcome {
        let body = json!({ "limits": limits });
        let mut event = self.staff("PATCH /v1/admin/settings", &[], Some(&body));
        event["headers"]["if-match"] = json!("*");
        let answer = self.invoke("change-settings", &event).await?;
        match answer["statusCode"].as_u64() {
            // A revision that is measured as the base may not know them.
            Some(200 | 422) => Ok(()),
            status => Err(format!("the limits were not set: {status:?}").into()),
        }
    }

    async fn stock_up(&self) -> Outcome {
        let file = catalogue().into_bytes();
        let body = json!({ "bytes": file.len() });
        let route = self.staff("POST /v1/admin/imports", &[], Some(&body));
        let ticket = self.api("create-import", &route).await?;
        // Bypasses the meter, whose certificate only the functions trust: only bucket and key of the
        // URL matter.
        let upload: Url = text(&ticket["upload"]["url"]).parse()?;
        let mut path = upload.path().trim_start_matches('/').splitn(2, '/');
        let (bucket, key) = (
            path.next().unwrap_or_default(),
            path.next().unwrap_or_default(),
        );
        let put = self.stack.emulators.s3.put_object().bucket(bucket).key(key);
        put.body(file.into()).send().await?;
        let id = text(&ticket["id"]);
        let event = self.staff(
            "GET /v1/admin/imports/{import_id}",
            &[("import_id", &id)],
            None,
        );
        self.eventually("the catalog is imported", async || {
            let import = self.api("get-import", &event).await?;
            if import["state"] == "failed" || import["rows_failed"].as_u64() > Some(0) {
                return Err(format!("the catalog cannot be imported: {import}").into());
            }
            Ok((import["state"] == "completed").then_some(()))
        })
        .await
    }

    async fn settled(&self, index: usize) -> Outcome {
        let id = text(&self.paid[index]["id"]);
        let order = self.order(&id);
        self.eventually("orders are paid and have their invoices", async || {
            let order = self.api("get-order-as-staff", &order).await?;
            Ok((order["status"] == "paid").then_some(()))
        })
        .await?;
        let invoice = self.invoice(index);
        self.eventually("orders have their invoices", async || {
            Ok(self.api("get-invoice", &invoice).await.ok().map(|_| ()))
        })
        .await
    }

    /// Checks again after each invocation of a function, until `look` returns a value.
    async fn eventually<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Outcome<Option<T>>,
    ) -> Outcome<T> {
        let started = Instant::now();
        let mut progress = self.stack.lambda.progress();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("waited {} s in vain: {what}", PATIENCE.as_secs()).into());
            }
            progress.mark_unchanged();
            // The check is an invocation itself, so wait for time to pass or for another one.
            let _ = tokio::time::timeout(Duration::from_millis(20), progress.changed()).await;
        }
    }

    /// Creates a cart with one line.
    pub(crate) async fn cart(&self) -> Outcome<String> {
        let cart = self
            .api("create-cart", &http("POST /v1/carts", &[], &[], None))
            .await?;
        let id = text(&cart["id"]);
        self.api("set-cart-line", &set_line(&id, "SKU-0", 1))
            .await?;
        Ok(id)
    }

    /// The id of a person's current cart, which has one line.
    pub(crate) async fn own_cart(&self, person: &Person) -> Outcome<String> {
        let create = person.authorize(http("POST /v1/carts", &[], &[], None));
        let id = text(&self.api("create-cart", &create).await?["id"]);
        let set = person.authorize(set_line(&id, "SKU-1", 1));
        self.api("set-cart-line", &set).await?;
        Ok(id)
    }

    /// Places an order; only the shop's own queues would capture its payment.
    pub(crate) async fn place(&self) -> Outcome<Value> {
        let cart = self.cart().await?;
        self.api("place-order", &place_order(&cart)).await
    }

    /// Places an order and captures its payment by invoking the consumer.
    pub(crate) async fn pay(&self) -> Outcome<Value> {
        let placed = self.place().await?;
        self.invoke("capture-payment", &order_placed(&placed))
            .await?;
        Ok(placed)
    }

    /// A request by staff.
    pub(crate) fn staff(&self, route: &str, path: &[(&str, &str)], body: Option<&Value>) -> Value {
        let token = format!("Bearer {}", self.token);
        http(
            route,
            path,
            &[("authorization", &token), ("idempotency-key", &unique())],
            body,
        )
    }

    /// A sample event as it is; a request for staff gets a valid token.
    pub(crate) fn authorized(&self, mut event: Value) -> Value {
        let path = event["rawPath"].as_str().unwrap_or_default();
        if path.starts_with("/v1/admin/") {
            event["headers"]["authorization"] = json!(format!("Bearer {}", self.token));
        }
        event
    }

    /// A request for an order by staff.
    pub(crate) fn order(&self, id: &str) -> Value {
        self.staff("GET /v1/admin/orders/{order_id}", &[("order_id", id)], None)
    }

    /// A request for the invoice of a paid order by its customer.
    pub(crate) fn invoice(&self, index: usize) -> Value {
        customer("GET /v1/orders/{order_id}/invoice", &self.paid[index], None)
    }
}

/// A request by the customer who placed an order.
pub(crate) fn customer(route: &str, placed: &Value, body: Option<&Value>) -> Value {
    let (id, token) = (text(&placed["id"]), text(&placed["access_token"]));
    let token = format!("Bearer {token}");
    http(
        route,
        &[("order_id", &id)],
        &[("authorization", &token), ("idempotency-key", &unique())],
        body,
    )
}

/// A request for a cart.
pub(crate) fn get_cart(cart: &str) -> Value {
    let path = [("cart_id", cart)];
    http("GET /v1/carts/{cart_id}", &path, &[], None)
}

/// A request that sets a line of a cart.
pub(crate) fn set_line(cart: &str, sku: &str, quantity: u32) -> Value {
    http(
        "PUT /v1/carts/{cart_id}/lines/{sku}",
        &[("cart_id", cart), ("sku", sku)],
        &[],
        Some(&json!({ "quantity": quantity })),
    )
}

/// Parameters of the template: the limits of shoppers, which are off on a developer's machine, are counted.
fn parameters(public_key: String) -> BTreeMap<String, String> {
    let most = |name: &str| (name.to_owned(), "100".to_owned());
    let limits = [
        "MaxUnpaidOrdersPerEmail",
        "MaxUnpaidOrdersPerNetwork",
        "MaxUnpaidUnitsPerEmail",
    ];
    let mut parameters: BTreeMap<String, String> = limits.map(most).into();
    parameters.insert("StaffTokenPublicKey".to_owned(), public_key);
    parameters
}

/// A request that places an order for a cart, of a customer and a network of its own.
pub(crate) fn place_order(cart: &str) -> Value {
    static CUSTOMERS: AtomicU32 = AtomicU32::new(0);
    let customer = CUSTOMERS.fetch_add(1, Ordering::Relaxed);
    let body = json!({
        "cart_id": cart,
        "email": format!("a{customer:05}@example.com"),
        "shipping_address": {
            "name": "Ada Lovelace", "line1": "12 St James's Square", "line2": "Second floor, on the left", "city": "London",
            "postal_code": "SW1Y 4JH", "country": "GB",
        },
        "payment": { "method": "test", "token": "tok_ok" },
    });
    let mut event = http(
        "POST /v1/orders",
        &[],
        &[("idempotency-key", &unique())],
        Some(&body),
    );
    let address = Ipv4Addr::from_bits((10 << 24) | (customer << 8));
    event["requestContext"]["http"]["sourceIp"] = json!(address.to_string());
    event
}

/// The message that starts the payment of an order.
pub(crate) fn order_placed(placed: &Value) -> Value {
    let id = text(&placed["id"]);
    message(&json!({
        "event_id": format!("{id}.1"),
        "occurred_at": placed["placed_at"],
        "trace_id": "JKJaXmPLvHcESHA=",
        "type": "order_placed",
        "order_id": id,
    }))
}

/// The message about a change of an order.
pub(crate) fn order_changed(placed: &Value, version: u64, what: &str) -> Value {
    let id = text(&placed["id"]);
    message(&json!({
        "event_id": format!("{id}.{version}"),
        "occurred_at": placed["placed_at"],
        "trace_id": "JKJaXmPLvHcESHA=",
        "type": "order_changed",
        "order_id": id,
        "version": version,
        "what": what,
    }))
}

/// A delivery of SQS.
pub(crate) fn message(body: &Value) -> Value {
    json!({ "Records": [{
        "messageId": "059f36b4-87a3-44ab-83d2-661970000000",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body.to_string(),
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": "1795341600000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1795341600010",
        },
        "messageAttributes": {},
        "md5OfBody": "93c2bbcb7409c9b597db2d7ece318e72",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:Queue",
        "awsRegion": "us-east-1",
    }] })
}

/// A sample event of `events/`.
pub(crate) fn sample(function: &str) -> Outcome<Value> {
    let folder = project::root().join("events").join(function);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let file = files.first().ok_or("no sample event")?;
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

/// A sample event of `events/`, by its name.
pub(crate) fn sample_named(function: &str, name: &str) -> Outcome<Value> {
    let file = project::root().join("events").join(function);
    let file = file.join(format!("{name}.json"));
    let text = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

/// A request in the HTTP API's format, with the headers that CloudFront and browsers add.
pub(crate) fn http(
    route: &str,
    path: &[(&str, &str)],
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Value {
    let mut all = event::headers([
        ("accept", "application/json"),
        ("accept-encoding", "gzip, br"),
        ("accept-language", "en-GB,en;q=0.9"),
        ("content-length", "0"),
        ("host", API_DOMAIN),
        (
            "user-agent",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        ),
        ("via", "2.0 3f1f0d3a.cloudfront.net (CloudFront)"),
        (
            "x-amz-cf-id",
            "kpmyVZLFCYZfiTCLVXrjuJc2wHXvq8X7kGZ0wC1qzYHhxOfUTrfpXA==",
        ),
        (
            "x-amzn-trace-id",
            "Root=1-67406a2b-4f6a1a0f7d5b0a7c5c3f2f10",
        ),
        ("x-forwarded-for", "203.0.113.7, 130.176.1.1"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ]);
    let own = headers.iter().copied();
    all.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut event = http_event(route, path, &all, body);
    // A change that finds the id of its own request takes it for made. As long as the gateway's.
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    let id = format!("{:015}=", REQUESTS.fetch_add(1, Ordering::Relaxed));
    event["requestContext"]["requestId"] = json!(id);
    event
}

/// The text of a required field.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A new idempotency key.
fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("bench-{:012}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A realistic product file: products with three sizes, four tags and two images, about 1.5 kB each as
/// JSON.
fn catalogue() -> String {
    let mut file = String::from(
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Collection,Option1 Name,Option1 Value,\
         Variant SKU,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Image Alt Text\n",
    );
    for number in 0..PRODUCTS {
        let handle = format!("headliner-tee-{number}");
        for (index, size) in ["Small", "Medium", "Large"].iter().enumerate() {
            let sku = match index {
                0 => format!("SKU-{number}"),
                _ => format!("SKU-{number}-{index}"),
            };
            let image = format!("/media/demo/{handle}-{index}.webp");
            let details = match index {
                0 => format!(
                    "Headliner Tee No. {number},\"<p>A heavyweight tee from organic cotton, cut straight, \
                     made for the front row. It is knitted in Portugal, dyed once, washed twice, and \
                     printed by hand. The print lasts longer than the tour.</p><ul><li>240 g per square \
                     metre</li><li>Ribbed collar</li><li>Fits true to size</li></ul>\",Stampede,Shirts,\
                     \"cotton, tee, men, new\",Tour"
                ),
                _ => ",,,,,".to_owned(),
            };
            let option = if index == 0 { "Size" } else { "" };
            file.push_str(&format!(
                "{handle},{details},{option},{size},{sku},1000000,{}.00,40.00,{image},Headliner Tee {size}\n",
                20 + number % 15
            ));
        }
    }
    file
}
