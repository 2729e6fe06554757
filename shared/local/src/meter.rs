//! Measures the functions' calls to AWS on the wire.
//!
//! Each function gets its own endpoint per service, so that calls are attributed to functions. DynamoDB
//! is always asked for the consumed capacity. With [`Meter::with_tls`] the endpoints use TLS with a
//! generated certificate, as AWS does.

use std::{
    collections::BTreeMap,
    io::Error,
    ops::AddAssign,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::{LocalError, Result, stack::Wiring};

/// Usage of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Number of requests, counting each attempt.
    pub requests: u64,
    /// Number of error responses, including failed conditions.
    pub errors: u64,
    /// DynamoDB read units.
    pub read_units: f64,
    /// DynamoDB write units, without rejected calls, whose responses do not report them.
    pub write_units: f64,
    /// Bytes of request bodies.
    pub bytes_sent: u64,
    /// Bytes of response bodies.
    pub bytes_received: u64,
}

impl AddAssign for Usage {
    #[expect(clippy::float_arithmetic, reason = "units are not money")]
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
    }
}

/// Usage by operation, such as `DynamoDB GetItem` or `SQS SendMessageBatch`.
pub type Operations = BTreeMap<String, Usage>;

/// Measures calls; see the module's documentation. Clones share their counts.
#[derive(Clone, Default)]
pub struct Meter {
    counts: Arc<Mutex<BTreeMap<String, Operations>>>,
    client: Arc<OnceLock<reqwest::Client>>,
    tls: Option<Arc<Tls>>,
}

struct Tls {
    acceptor: TlsAcceptor,
    /// File with the certificate, for `AWS_CA_BUNDLE`.
    certificate: tempfile::NamedTempFile,
}

impl Meter {
    /// Makes a meter without TLS.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a meter with TLS. The functions are told to trust its certificate through `AWS_CA_BUNDLE`.
    pub fn with_tls() -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| LocalError::new("the meter's TLS", error);
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .map_err(|error| failed(&error))?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .map_err(|error| failed(&error))?;
        let certificate = tempfile::NamedTempFile::new().map_err(|error| failed(&error))?;
        std::fs::write(certificate.path(), made.cert.pem()).map_err(|error| failed(&error))?;
        Ok(Self {
            tls: Some(Arc::new(Tls {
                acceptor: TlsAcceptor::from(Arc::new(config)),
                certificate,
            })),
            ..Self::default()
        })
    }

    /// Routes the functions' calls through the meter.
    pub fn wiring(&self) -> Wiring {
        let meter = self.clone();
        Box::new(move |function, environment| {
            let services = [
                ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"),
                ("SQS", "AWS_ENDPOINT_URL_SQS"),
                ("S3", "AWS_ENDPOINT_URL_S3"),
                ("SES", "AWS_ENDPOINT_URL_SESV2"),
                ("SecretsManager", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            ];
            for (service, variable) in services {
                let upstream = environment
                    .get(variable)
                    .or_else(|| environment.get("AWS_ENDPOINT_URL"))
                    .cloned();
                // Without a free port the calls remain unmeasured, which a report shows.
                if let Some(upstream) = upstream
                    && let Ok(address) = meter.listen(function, service, &upstream)
                {
                    environment.insert(variable.to_owned(), address);
                }
            }
            if let Some(tls) = &meter.tls {
                let path = tls.certificate.path().to_string_lossy().into_owned();
                environment.insert("AWS_CA_BUNDLE".to_owned(), path);
            }
        })
    }

    /// Usage of each function since the start or the last [`Meter::reset`].
    pub fn counts(&self) -> BTreeMap<String, Operations> {
        self.lock().clone()
    }

    /// Resets all counts.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Operations>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts an endpoint of one service for one function.
    fn listen(
        &self,
        function: &str,
        service: &'static str,
        upstream: &str,
    ) -> std::io::Result<String> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = TcpListener::from_std(listener)?;
        let wire = Wire {
            meter: self.clone(),
            function: function.to_owned(),
            service,
            upstream: upstream.to_owned(),
        };
        let wire = Arc::new(wire);
        let tls = self.tls.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Only fails on a socket that is already closed.
                let _ = stream.set_nodelay(true);
                let (wire, tls) = (Arc::clone(&wire), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => wire.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.acceptor.accept(stream).await {
                                wire.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Ok(match &self.tls {
            None => format!("http://127.0.0.1:{port}"),
            Some(_) => format!("https://localhost:{port}"),
        })
    }
}

/// Connection of one function to one service.
struct Wire {
    meter: Meter,
    function: String,
    service: &'static str,
    upstream: String,
}

impl Wire {
    async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(move |request| {
            let wire = Arc::clone(&self);
            async move { wire.pass(request).await }
        });
        // A function that exits breaks its connection.
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn pass(&self, request: Request<Incoming>) -> std::io::Result<Response<Full<Bytes>>> {
        // The request with which a function connects ahead of time: answered as AWS does, and free of
        // charge.
        if request.uri().path() == "/ping" {
            return Ok(Response::new(Full::new("healthy".into())));
        }
        if !crate::host::names_this_machine(&request) {
            let mut refused = Response::new(Full::default());
            *refused.status_mut() = StatusCode::MISDIRECTED_REQUEST;
            return Ok(refused);
        }
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(Error::other)?.to_bytes();
        let operation = match parts.headers.get("x-amz-target") {
            Some(target) => {
                let target = target.to_str().unwrap_or_default();
                target.rsplit('.').next().unwrap_or_default().to_owned()
            }
            None => parts.method.to_string(),
        };
        let mut usage = Usage {
            requests: 1,
            bytes_sent: body.len() as u64,
            ..Usage::default()
        };
        let is_table = self.service == "DynamoDB";
        let body = if is_table { with_units(&body) } else { body };
        let client = self.meter.client.get_or_init(reqwest::Client::new);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut forwarded = client.request(parts.method, format!("{}{path}", self.upstream));
        for (name, value) in &parts.headers {
            if name != "content-length" {
                forwarded = forwarded.header(name, value);
            }
        }
        let answer = forwarded.body(body).send().await.map_err(Error::other)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.map_err(Error::other)?;
        usage.bytes_received = bytes.len() as u64;
        usage.errors = u64::from(!status.is_success());
        if is_table {
            let units = consumed(&bytes);
            match operation.as_str() {
                "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => {
                    usage.read_units = units;
                }
                _ => usage.write_units = units,
            }
        }
        *self
            .meter
            .lock()
            .entry(self.function.clone())
            .or_default()
            .entry(format!("{} {operation}", self.service))
            .or_default() += usage;
        let mut response = Response::new(Full::new(bytes));
        *response.status_mut() = status;
        for (name, value) in &headers {
            if name != "transfer-encoding" && name != "content-length" {
                response.headers_mut().append(name, value.clone());
            }
        }
        Ok(response)
    }
}

/// Adds a request for the consumed capacity to the body.
fn with_units(body: &Bytes) -> Bytes {
    let Ok(Value::Object(mut request)) = serde_json::from_slice(body) else {
        return body.clone();
    };
    request
        .entry("ReturnConsumedCapacity")
        .or_insert_with(|| json!("TOTAL"));
    serde_json::to_vec(&request).map_or_else(|_| body.clone(), Bytes::from)
}

/// Consumed capacity in a response, summed over all tables.
#[expect(clippy::float_arithmetic, reason = "units are not money")]
fn consumed(answer: &[u8]) -> f64 {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Metered {
        consumed_capacity: Option<Value>,
    }
    let capacity = serde_json::from_slice::<Metered>(answer)
        .ok()
        .and_then(|answer| answer.consumed_capacity);
    let units = |table: &Value| table["CapacityUnits"].as_f64().unwrap_or_default();
    match capacity {
        Some(Value::Array(tables)) => tables.iter().map(units).sum::<f64>() + 0.0,
        Some(table) => units(&table),
        None => 0.0,
    }
}
