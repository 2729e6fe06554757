//! Runs the shoppers: each follows its plan at the planned times, regardless of the shop's speed (open
//! loop).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{RequestBuilder, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use crate::{
    catalogue::Catalogue,
    plan::{Action, Facet, Visit},
    record::{Ending, Record, Route, timed},
};

/// Polling interval while an order is not paid yet.
const POLL: Duration = Duration::from_millis(500);
/// Timeout of polling for the payment.
const PAYMENT_PATIENCE: Duration = Duration::from_secs(60);
/// Timeout of a request: longer than API Gateway's.
pub(crate) const REQUEST_PATIENCE: Duration = Duration::from_secs(31);

/// State shared by all shoppers.
pub(crate) struct World {
    pub(crate) http: reqwest::Client,
    pub(crate) address: String,
    pub(crate) catalogue: Catalogue,
    pub(crate) record: Record,
    /// Distinguishes this run's idempotency keys and addresses from those of other runs.
    pub(crate) run: u64,
    /// Domain of the shoppers' email addresses, which nobody reads.
    pub(crate) mailbox: Mailbox,
    /// Whether the run is to end early.
    over: watch::Sender<bool>,
    pub(crate) books: Mutex<Books>,
    /// `ETag`s by URL.
    etags: Mutex<HashMap<String, String>>,
}

/// Destination of the shoppers' emails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mailbox {
    /// The emulator, which keeps them.
    Emulated,
    /// SES's mailbox simulator, so that no email bounces or reaches anybody.
    Simulator,
}

/// The shoppers' own record of their orders.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) orders: Vec<Placed>,
    /// Orders without a conclusive response: the same request will be repeated.
    pub(crate) unclear: Vec<Unclear>,
}

/// An order that was placed.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) lines: Vec<(String, u32)>,
    pub(crate) status: String,
}

/// An order for which it is unknown whether it was placed.
#[derive(Clone, Debug)]
pub(crate) struct Unclear {
    pub(crate) key: String,
    pub(crate) body: Value,
    pub(crate) lines: Vec<(String, u32)>,
}

/// Fields of the response to placing an order.
#[derive(Deserialize)]
pub(crate) struct PlacedView {
    pub(crate) id: String,
    pub(crate) access_token: String,
}

/// Fields of an order's view.
#[derive(Deserialize)]
pub(crate) struct StatusView {
    pub(crate) status: String,
}

#[derive(Deserialize)]
struct IdView {
    id: String,
}

#[derive(Deserialize)]
struct PageView {
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct CodeView {
    code: String,
}

impl World {
    pub(crate) fn new(
        http: reqwest::Client,
        address: String,
        catalogue: Catalogue,
        length: Duration,
        run: u64,
        mailbox: Mailbox,
    ) -> Self {
        Self {
            http,
            address,
            catalogue,
            record: Record::new(length),
            run,
            mailbox,
            over: watch::Sender::new(false),
            books: Mutex::default(),
            etags: Mutex::default(),
        }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn etags(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.etags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run: shoppers start nothing more.
    pub(crate) fn end(&self) {
        self.over.send_replace(true);
    }

    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Waits until a moment, or the end of the run if that is earlier.
    async fn wait_until(&self, moment: Instant) {
        let mut over = self.over.subscribe();
        tokio::select! {
            () = tokio::time::sleep_until(moment) => {}
            _ = over.wait_for(|over| *over) => {}
        }
    }
}

/// Starts all shoppers at their times, and waits until the last one has finished.
pub(crate) async fn drive(world: &Arc<World>, plan: impl Iterator<Item = Visit>, start: Instant) {
    let mut visits = JoinSet::new();
    for visit in plan {
        let Some(first) = visit.steps.first() else {
            continue;
        };
        // Slightly early, so that the first request is on time.
        let door = (start + first.at).checked_sub(Duration::from_millis(2));
        world.wait_until(door.unwrap_or(start)).await;
        if world.is_over() {
            break;
        }
        visits.spawn(Shopper::new(Arc::clone(world), start).visit(visit));
        while visits.try_join_next().is_some() {}
    }
    while visits.join_next().await.is_some() {}
}

/// A shopper during a visit.
struct Shopper {
    world: Arc<World>,
    start: Instant,
    /// Time since which it has only waited for the time of its next step.
    free: Instant,
    /// Path of the current list, and the cursor of its next page.
    list: Option<(String, Option<String>)>,
    cart: Option<String>,
    lines: Vec<(String, u32)>,
    order: Option<usize>,
    placed: Instant,
}

/// A response as expected.
struct Response {
    status: u16,
    body: Vec<u8>,
}

impl Shopper {
    fn new(world: Arc<World>, start: Instant) -> Self {
        Self {
            world,
            start,
            free: start,
            list: None,
            cart: None,
            lines: Vec::new(),
            order: None,
            placed: start,
        }
    }

    async fn visit(mut self, visit: Visit) {
        self.world.record.tally().arrived += 1;
        for step in &visit.steps {
            self.world.wait_until(self.start + step.at).await;
            // Shoppers who have ordered wait for the response even when the run ends.
            if self.world.is_over() && step.what != Action::AwaitPayment {
                if self.order.is_some() {
                    continue;
                }
                break;
            }
            self.step(visit.number, step.at, step.what).await;
        }
        self.world.record.tally().gone += 1;
    }

    async fn step(&mut self, number: u64, at: Duration, what: Action) {
        match what {
            Action::List {
                facet,
                cheapest_first,
                again,
            } => {
                let address = self.list_address(facet, cheapest_first);
                self.look_at_list(at, address.clone(), &address, again)
                    .await;
            }
            Action::NextPage => {
                let Some((list, next)) = self.list.take() else {
                    return;
                };
                // After the last page, return to the first, which the browser has cached.
                let address = match next {
                    Some(cursor) => format!("{list}&cursor={cursor}"),
                    None => list.clone(),
                };
                self.look_at_list(at, address, &list, true).await;
            }
            Action::Product { rank, again } => self.look_at_product(at, rank, again).await,
            Action::CreateCart => self.create_cart(at).await,
            Action::SetLine {
                rank,
                choice,
                quantity,
            } => self.set_line(at, rank, choice, quantity).await,
            Action::GetCart => {
                if let Some(cart) = &self.cart {
                    let request = self.get(&format!("/v1/carts/{cart}"));
                    self.send(Route::GetCart, at, request, &[200]).await;
                }
            }
            Action::PlaceOrder => self.place_order(number, at).await,
            Action::AwaitPayment => self.await_payment(at).await,
        }
    }

    fn list_address(&self, facet: Facet, cheapest_first: bool) -> String {
        let catalogue = &self.world.catalogue;
        let (name, value) = match facet {
            Facet::All => ("", None),
            Facet::Collection(index) => ("collection", catalogue.collections.get(index)),
            Facet::Type(index) => ("type", catalogue.types.get(index)),
            Facet::Tag(index) => ("tag", catalogue.tags.get(index)),
        };
        let sort = if cheapest_first { "price" } else { "newest" };
        let filter = value.map(|value| format!("&{name}={}", encoded(value)));
        format!("/v1/products?sort={sort}{}", filter.unwrap_or_default())
    }

    async fn look_at_list(&mut self, at: Duration, address: String, list: &str, again: bool) {
        let answer = self.look(Route::ListProducts, at, &address, again).await;
        let page = answer.and_then(|answer| serde_json::from_slice::<PageView>(&answer.body).ok());
        // After a 304 the shopper does not go to the next page.
        let next = page.and_then(|page| page.next_cursor);
        self.list = Some((list.to_owned(), next.map(|cursor| encoded(&cursor))));
    }

    async fn look_at_product(&mut self, at: Duration, rank: usize, again: bool) {
        let Some(product) = self.world.catalogue.products.get(rank) else {
            return;
        };
        let address = format!("/v1/products/{}", encoded(&product.slug));
        self.look(Route::GetProduct, at, &address, again).await;
    }

    /// Requests a cacheable page, with the `ETag` of the last response if `again`.
    async fn look(
        &mut self,
        route: Route,
        at: Duration,
        address: &str,
        again: bool,
    ) -> Option<Response> {
        let mut request = self.get(address);
        let known = self.world.etags().get(address).cloned();
        if let Some(etag) = known.filter(|_| again) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        self.send(route, at, request, &[200, 304]).await
    }

    async fn create_cart(&mut self, at: Duration) {
        let request = self
            .world
            .http
            .post(format!("{}/v1/carts", self.world.address));
        let answer = self.send(Route::CreateCart, at, request, &[201]).await;
        let cart = answer.and_then(|answer| serde_json::from_slice::<IdView>(&answer.body).ok());
        self.cart = cart.map(|cart| cart.id);
    }

    async fn set_line(&mut self, at: Duration, rank: usize, choice: usize, quantity: u32) {
        let (Some(cart), Some(product)) = (&self.cart, self.world.catalogue.products.get(rank))
        else {
            return;
        };
        let sku = product.skus[choice % product.skus.len()].clone();
        let address = format!(
            "{}/v1/carts/{cart}/lines/{}",
            self.world.address,
            encoded(&sku)
        );
        let request = self
            .world
            .http
            .put(address)
            .json(&json!({ "quantity": quantity }));
        let answer = self.send(Route::SetCartLine, at, request, &[200]).await;
        if answer.is_some() {
            self.lines.push((sku, quantity));
        }
    }

    async fn place_order(&mut self, number: u64, at: Duration) {
        let Some(cart) = self.cart.clone().filter(|_| !self.lines.is_empty()) else {
            return;
        };
        let key = format!("load-{:016x}-{number}", self.world.run);
        let email = match self.world.mailbox {
            Mailbox::Emulated => format!("shopper-{number}@example.com"),
            Mailbox::Simulator => format!("success+{number}@simulator.amazonses.com"),
        };
        let body = json!({
            "cart_id": cart,
            "email": email,
            "shipping_address": {
                "name": "Ada Lovelace",
                "line1": "12 St James's Square",
                "city": "London",
                "postal_code": "SW1Y 4JH",
                "country": "GB",
            },
            "payment": { "method": "test", "token": "tok_ok" },
        });
        let request = place_request(&self.world, &key, &body);
        let lines = std::mem::take(&mut self.lines);
        match self.send_order(at, request).await {
            Outcome::Placed(placed) => {
                self.placed = Instant::now();
                self.world.record.tally().orders.placed += 1;
                let mut books = self.world.books();
                self.order = Some(books.orders.len());
                books.orders.push(Placed {
                    id: placed.id,
                    token: placed.access_token,
                    lines,
                    status: "pending_payment".to_owned(),
                });
            }
            Outcome::SoldOut => self.world.record.tally().orders.sold_out += 1,
            Outcome::Unclear => {
                let unclear = Unclear { key, body, lines };
                self.world.books().unclear.push(unclear);
            }
        }
    }

    async fn await_payment(&mut self, at: Duration) {
        let Some(index) = self.order else { return };
        let order = self.world.books().orders[index].clone();
        // The plan determines the first poll; each response determines the next.
        let mut next = at.max(self.placed.duration_since(self.start));
        loop {
            let address = format!("/v1/orders/{}", order.id);
            let request = self.get(&address).bearer_auth(&order.token);
            let answer = self.send(Route::GetOrder, next, request, &[200]).await;
            let view =
                answer.and_then(|answer| serde_json::from_slice::<StatusView>(&answer.body).ok());
            if let Some(view) = view.filter(|view| view.status != "pending_payment") {
                let mut tally = self.world.record.tally();
                if view.status == "paid" {
                    tally.orders.paid += 1;
                    tally.paid_after.add(self.placed.elapsed());
                } else {
                    tally.orders.not_paid += 1;
                }
                drop(tally);
                self.world.books().orders[index].status = view.status;
                return;
            }
            if self.placed.elapsed() > PAYMENT_PATIENCE {
                self.world.record.tally().orders.not_paid += 1;
                return;
            }
            next = self.start.elapsed() + POLL;
        }
    }

    fn get(&self, address: &str) -> RequestBuilder {
        self.world
            .http
            .get(format!("{}{address}", self.world.address))
    }

    /// Sends a request at its time and records the result. `None` if it failed.
    async fn send(
        &mut self,
        route: Route,
        at: Duration,
        request: RequestBuilder,
        expected: &[u16],
    ) -> Option<Response> {
        let (timing, sent) = self.at(at, request).await;
        let (ending, answer) = match sent {
            Ok(answer) if expected.contains(&answer.status) => {
                (Ending::Fine(answer.status), Some(answer))
            }
            Ok(answer) => (Ending::Wrong(code(&answer)), None),
            Err(what) => (Ending::Wrong(what.to_owned()), None),
        };
        self.world.record.note(route, timing, &ending);
        answer
    }

    async fn send_order(&mut self, at: Duration, request: RequestBuilder) -> Outcome {
        let (timing, sent) = self.at(at, request).await;
        let (ending, outcome) = match &sent {
            Ok(answer) => judge(answer),
            Err(what) => (Ending::Wrong((*what).to_owned()), Outcome::Unclear),
        };
        self.world.record.note(Route::PlaceOrder, timing, &ending);
        outcome
    }

    async fn at(
        &mut self,
        at: Duration,
        request: RequestBuilder,
    ) -> (crate::record::Timing, Result<Response, &'static str>) {
        let world = Arc::clone(&self.world);
        let (timing, sent) = timed(self.start, at, self.free, async {
            world.record.tally().in_flight += 1;
            let sent = exchange(&world, request).await;
            world.record.tally().in_flight -= 1;
            sent
        })
        .await;
        self.free = Instant::now();
        (timing, sent)
    }
}

/// Result of an attempt to order.
pub(crate) enum Outcome {
    Placed(PlacedView),
    SoldOut,
    /// It is unknown whether the order was placed.
    Unclear,
}

/// Repeats an order without a conclusive response.
pub(crate) async fn place_again(world: &World, order: &Unclear) -> Outcome {
    let request = place_request(world, &order.key, &order.body);
    match exchange(world, request).await {
        Ok(answer) => judge(&answer).1,
        Err(_) => Outcome::Unclear,
    }
}

fn place_request(world: &World, key: &str, body: &Value) -> RequestBuilder {
    world
        .http
        .post(format!("{}/v1/orders", world.address))
        .header("Idempotency-Key", key)
        .json(body)
}

/// Interprets a response to `POST /v1/orders`.
fn judge(answer: &Response) -> (Ending, Outcome) {
    match answer.status {
        201 => match serde_json::from_slice(&answer.body) {
            Ok(placed) => (Ending::Fine(201), Outcome::Placed(placed)),
            Err(_) => (
                Ending::Wrong("201 without an order".to_owned()),
                Outcome::Unclear,
            ),
        },
        409 => {
            let code = code(answer);
            if code == "409 out_of_stock" {
                (Ending::Refused(409), Outcome::SoldOut)
            } else {
                (Ending::Wrong(code), Outcome::Unclear)
            }
        }
        _ => (Ending::Wrong(code(answer)), Outcome::Unclear),
    }
}

/// Sends a request and reads the complete response.
async fn exchange(world: &World, request: RequestBuilder) -> Result<Response, &'static str> {
    let failed = |error: &reqwest::Error| match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "no connection",
        _ => "broken connection",
    };
    let response = request.send().await.map_err(|error| failed(&error))?;
    let status = response.status().as_u16();
    let etag = response.headers().get(header::ETAG).cloned();
    let address = response.url().as_str()[world.address.len()..].to_owned();
    let body = response.bytes().await.map_err(|error| failed(&error))?;
    if let Some(etag) = etag.as_ref().and_then(|etag| etag.to_str().ok()) {
        world.etags().insert(address, etag.to_owned());
    }
    Ok(Response {
        status,
        body: body.into(),
    })
}

/// Name of an unexpected response: its status, and the code of its problem if it has one.
fn code(answer: &Response) -> String {
    let problem = serde_json::from_slice::<CodeView>(&answer.body);
    match problem {
        Ok(problem) => format!("{} {}", answer.status, problem.code),
        Err(_) => answer.status.to_string(),
    }
}

/// Percent-encodes a path segment or a query value.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_answer_to_an_order_is_understood() {
        let placed = judge(&answer(
            201,
            r#"{"id":"ord_1","access_token":"oat_1","more":1}"#,
        ));
        assert!(matches!(placed, (Ending::Fine(201), Outcome::Placed(view)) if view.id == "ord_1"));
        let sold_out = judge(&answer(409, r#"{"code":"out_of_stock"}"#));
        assert!(matches!(sold_out, (Ending::Refused(409), Outcome::SoldOut)));
        let busy = judge(&answer(503, r#"{"code":"busy"}"#));
        assert!(matches!(busy, (Ending::Wrong(code), Outcome::Unclear) if code == "503 busy"));
        let gateway = judge(&answer(500, r#"{"message":"Internal Server Error"}"#));
        assert!(matches!(gateway, (Ending::Wrong(code), Outcome::Unclear) if code == "500"));
    }

    #[test]
    fn names_are_encoded_for_an_address() {
        assert_eq!(encoded("Rain or Shine/ü"), "Rain%20or%20Shine%2F%C3%BC");
    }
}
