//! A shop whose functions' calls may fail, and clients that send a request again.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use testkit::{Faults, Response, Shop};

/// Requests that a client sends before it gives up.
const ATTEMPTS: u32 = 40;
/// Time between them.
const PAUSE: Duration = Duration::from_millis(100);

/// A shop, and the faults of its functions' calls.
pub(crate) struct Intercepted {
    pub(crate) shop: Shop,
    pub(crate) faults: Faults,
}

impl Intercepted {
    /// Starts an empty shop, without a fault.
    pub(crate) async fn start() -> Self {
        let faults = Faults::new();
        let shop = Shop::start_wired(BTreeMap::new(), Some(faults.wiring(None))).await;
        faults.watch(&shop.stack().lambda);
        Self { shop, faults }
    }
}

/// Sends a request with a bearer token, if there is one, until it has a response that is not for want of another moment.
pub(crate) async fn insist(
    shop: &Shop,
    token: Option<&str>,
    method: &str,
    path: &str,
    body: &Value,
) -> Response {
    insist_with(shop, || {
        let request = shop.request(method, path).json(body);
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    })
    .await
}

/// The same with a request that is made anew for each attempt.
pub(crate) async fn insist_with(
    shop: &Shop,
    request: impl Fn() -> reqwest::RequestBuilder,
) -> Response {
    for _ in 0..ATTEMPTS {
        let answer = shop.send(request()).await;
        if answer.status < 500 {
            return answer;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("never answered\n{}", shop.log());
}
