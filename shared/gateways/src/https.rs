//! The HTTP client that calls services other than AWS, and the addresses that it may send secrets to.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

/// Timeout to connect, without TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum idle time of a connection before it is replaced. A function is frozen between calls, and the
/// server closes the connection meanwhile.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A client with a pool of connections. It follows no redirect.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The HTTP client that also underlies the SDK's, with the public web's root certificates, as Amazon's
/// do not sign the hosts of others. They are compiled in, so no file is read.
pub(crate) fn client() -> Result<HttpClient, rustls::Error> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.enforce_http(false);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(provider)?
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build(https))
}

/// Scheme and authority of a service that secrets may be sent to: with TLS, or on this machine. `None` for any other address.
pub(crate) fn base(address: &str) -> Option<String> {
    let base = address.trim_end_matches('/');
    let uri: Uri = base.parse().ok()?;
    let is_bare = uri.path() == "/" && uri.query().is_none();
    let authority = uri.authority()?;
    let is_safe = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => authority.host() == "127.0.0.1",
        _ => false,
    };
    let is_base = is_bare && is_safe && !authority.as_str().contains('@');
    is_base.then(|| base.to_owned())
}
