//! Connections to one host: as many as there are calls at once, kept for the next ones.

use std::{
    str::FromStr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use http::{HeaderValue, Uri, response::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Reaching the host, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections that are kept while nobody uses them.
const KEPT: usize = 4;

/// A connection that cannot be made, or broke.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(String);

impl Broken {
    pub(crate) fn of(what: &str, error: impl std::fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }
}

/// The endpoint is no address that can be called.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no endpoint: it must be https://host or http://host:port")]
pub struct InvalidEndpoint(String);

/// Whose certificates are believed: those in PEM, and nobody else's.
#[derive(Clone)]
pub struct Trust {
    config: Arc<OnceLock<Arc<ClientConfig>>>,
    pem: Arc<Vec<u8>>,
}

impl Trust {
    /// Believes these certificates. They are read when the first connection is made.
    pub fn pem(pem: impl Into<Vec<u8>>) -> Self {
        Self {
            config: Arc::default(),
            pem: Arc::new(pem.into()),
        }
    }

    /// How many certificates there are.
    pub fn count(&self) -> usize {
        self.roots().map_or(0, |roots| roots.len())
    }

    fn roots(&self) -> Result<RootCertStore, Broken> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&self.pem) {
            let certificate =
                certificate.map_err(|error| Broken::of("a certificate to trust", error))?;
            roots
                .add(certificate)
                .map_err(|error| Broken::of("a certificate to trust", error))?;
        }
        Ok(roots)
    }

    /// TLS as every client of the process has it.
    fn config(&self) -> Result<Arc<ClientConfig>, Broken> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Broken::of("TLS", error))?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(KEPT);
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }
}

/// Where a service answers.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    is_tls: bool,
    pub(crate) host: String,
    port: u16,
    /// Host, and port if it is not the usual one.
    pub(crate) authority: String,
    pub(crate) authority_header: HeaderValue,
}

impl Endpoint {
    /// Such as `https://sqs.eu-central-1.amazonaws.com`.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let invalid = || InvalidEndpoint(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let host = uri.host().ok_or_else(invalid)?.to_owned();
        let is_bare = uri.path() == "/" && uri.query().is_none();
        let authority = uri.authority().ok_or_else(invalid)?.as_str().to_owned();
        if !is_bare || authority.contains('@') {
            return Err(invalid());
        }
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self {
            is_tls,
            host,
            port,
            authority_header: HeaderValue::from_str(&authority).map_err(|_| invalid())?,
            authority,
        })
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// See the module's documentation.
pub(crate) struct Connections {
    endpoint: Endpoint,
    trust: Trust,
    idle: Mutex<Vec<Connection>>,
    /// Held while a connection is made ahead, so that the first call waits for that one.
    warming: tokio::sync::Mutex<()>,
}

impl Connections {
    pub(crate) fn new(endpoint: Endpoint, trust: Trust) -> Self {
        Self {
            endpoint,
            trust,
            idle: Mutex::default(),
            warming: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Makes a connection for the first call.
    pub(crate) async fn warm(&self) {
        let _warming = self.warming.lock().await;
        match self.connect().await {
            Ok(connection) => self.keep(connection),
            Err(error) => tracing::debug!(error = %error, "connecting ahead failed"),
        }
    }

    /// Sends a request and reads its whole answer. A kept connection that the other side has closed
    /// meanwhile, as it does when a function was frozen for long, is replaced without a word.
    pub(crate) async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<(Parts, Bytes), Broken> {
        let (parts, body) = request.into_parts();
        let request = || http::Request::from_parts(parts.clone(), Full::new(body.clone()));
        while let Some(mut connection) = self.idle().await {
            if connection.ready().await.is_err() {
                continue;
            }
            match connection.send_request(request()).await {
                Ok(response) => return self.read(connection, response).await,
                // Nobody reads it there any more. If it was read after all, it is done twice, as by any
                // attempt whose answer is lost.
                Err(error) => tracing::debug!(%error, "a kept connection was gone"),
            }
        }
        let mut connection = self.connect().await?;
        let response = connection
            .send_request(request())
            .await
            .map_err(|error| Broken::of("no answer", error))?;
        self.read(connection, response).await
    }

    async fn read(
        &self,
        connection: Connection,
        response: http::Response<hyper::body::Incoming>,
    ) -> Result<(Parts, Bytes), Broken> {
        let (parts, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| Broken::of("half an answer", error))?;
        self.keep(connection);
        Ok((parts, body.to_bytes()))
    }

    /// A kept connection, or the one that is being made ahead.
    async fn idle(&self) -> Option<Connection> {
        if let Some(connection) = self.take() {
            return Some(connection);
        }
        let _warm = self.warming.lock().await;
        self.take()
    }

    fn take(&self) -> Option<Connection> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && !connection.is_closed() {
            idle.push(connection);
        }
    }

    async fn connect(&self) -> Result<Connection, Broken> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.open()).await {
            Ok(connection) => connection,
            Err(late) => Err(Broken::of("connecting", late)),
        }
    }

    async fn open(&self) -> Result<Connection, Broken> {
        let endpoint = &self.endpoint;
        let failed = |error: std::io::Error| Broken::of("connecting", error);
        let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port))
            .await
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        if !endpoint.is_tls {
            return speak(stream).await;
        }
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|error| Broken::of("the host's name", error))?;
        let connector = TlsConnector::from(self.trust.config()?);
        speak(connector.connect(name, stream).await.map_err(failed)?).await
    }
}

/// HTTP over a stream.
async fn speak(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
) -> Result<Connection, Broken> {
    let (connection, driver) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Broken::of("connecting", error))?;
    tokio::spawn(async move {
        // What breaks it is told to whoever waits for an answer.
        let _ = driver.await;
    });
    Ok(connection)
}
