//! HTTP/1.1 to one host, for a function that handles one request at a time: as many connections as
//! there are calls at once, kept for the next ones (docs/adr/0016).

mod crypto;

use std::{
    error::Error,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderValue, Uri, response::Parts};
use http_body_util::{BodyExt, Full, Limited};
pub use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, TrustAnchor, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Connections that are kept while nobody uses them.
const KEPT: usize = 4;

/// A connection that cannot be made, or broke.
#[derive(Debug)]
pub struct Broken {
    what: &'static str,
    error: Box<dyn Error + Send + Sync>,
}

impl Broken {
    /// What could not be done, and why.
    pub fn of(what: &'static str, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            what,
            error: error.into(),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.error)
    }
}

impl Error for Broken {
    // The error itself is in our own words already; what is behind it is not.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// What is waited for and read at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time to reach the host, TLS included.
    pub connect: Duration,
    /// How long a connection may go unused and still be used again.
    pub idle: Duration,
    /// The longest answer that is read, in bytes.
    pub answer: usize,
}

/// The endpoint is no address that can be called.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no endpoint: it must be https://host or http://host:port")]
pub struct InvalidEndpoint(String);

/// Whose certificates are believed, and nobody else's.
#[derive(Clone)]
pub struct Trust {
    config: Arc<OnceLock<Arc<ClientConfig>>>,
    roots: Roots,
}

#[derive(Clone)]
enum Roots {
    Pem(Arc<Vec<u8>>),
    Anchors(&'static [TrustAnchor<'static>]),
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

impl Trust {
    /// Believes these certificates. They are read when the first connection is made.
    pub fn pem(pem: impl Into<Vec<u8>>) -> Self {
        Self::new(Roots::Pem(Arc::new(pem.into())))
    }

    /// Believes those who are compiled in, as by `webpki-roots`.
    pub fn anchors(anchors: &'static [TrustAnchor<'static>]) -> Self {
        Self::new(Roots::Anchors(anchors))
    }

    fn new(roots: Roots) -> Self {
        Self {
            config: Arc::default(),
            roots,
        }
    }

    /// How many certificates there are.
    pub fn count(&self) -> usize {
        self.roots().map_or(0, |roots| roots.len())
    }

    fn roots(&self) -> Result<RootCertStore, Broken> {
        let mut roots = RootCertStore::empty();
        match &self.roots {
            Roots::Anchors(anchors) => roots.extend(anchors.iter().cloned()),
            Roots::Pem(pem) => {
                let unreadable = "a certificate to trust";
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|error| Broken::of(unreadable, error))?;
                    let added = roots.add(certificate);
                    added.map_err(|error| Broken::of(unreadable, error))?;
                }
            }
        }
        Ok(roots)
    }

    /// TLS as every client of the process has it.
    fn config(&self) -> Result<Arc<ClientConfig>, Broken> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(crypto::provider());
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
pub struct Endpoint {
    is_tls: bool,
    host: String,
    port: u16,
    authority: String,
    authority_header: HeaderValue,
}

impl Endpoint {
    /// Such as `https://sqs.eu-central-1.amazonaws.com`.
    pub fn origin(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// Whether TLS is spoken there.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Name or address of the host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Host, and port if it is not the usual one.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The same as the `Host` of a request.
    pub fn authority_header(&self) -> &HeaderValue {
        &self.authority_header
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

/// Connections to one host.
pub struct Connections {
    endpoint: Endpoint,
    trust: Trust,
    limits: Limits,
    /// With the moment since which nobody uses it.
    idle: Mutex<Vec<(Connection, Instant)>>,
    /// Held while a connection is made ahead, so that the first call waits for that one.
    warming: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = &self.endpoint;
        f.debug_struct("Connections")
            .field("endpoint", endpoint)
            .finish_non_exhaustive()
    }
}

impl Connections {
    /// Connections to `endpoint`, of which none is made yet.
    pub fn new(endpoint: Endpoint, trust: Trust, limits: Limits) -> Self {
        Self {
            endpoint,
            trust,
            limits,
            idle: Mutex::default(),
            warming: tokio::sync::Mutex::default(),
        }
    }

    /// Where they lead.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Makes a connection for the first call.
    pub async fn warm(&self) {
        let _warming = self.warming.lock().await;
        match self.connect().await {
            Ok(connection) => self.keep(connection),
            Err(error) => tracing::debug!(error = %error, "connecting ahead failed"),
        }
    }

    /// Sends a request, with its `Host`, and reads its whole answer. A kept connection that the other side
    /// has closed meanwhile, as it does when a function was frozen for long, is replaced without a word:
    /// the request may then have been read twice, so it must be one that may.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<(Parts, Bytes), Broken> {
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
        let body = Limited::new(body, self.limits.answer)
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
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((connection, since)) = idle.pop() {
            if since.elapsed() < self.limits.idle {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && !connection.is_closed() {
            idle.push((connection, Instant::now()));
        }
    }

    async fn connect(&self) -> Result<Connection, Broken> {
        match tokio::time::timeout(self.limits.connect, self.open()).await {
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

#[cfg(test)]
mod tests {
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::TcpListener,
        sync::mpsc,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const LIMITS: Limits = Limits {
        connect: Duration::from_secs(5),
        idle: Duration::MAX,
        answer: 100,
    };

    /// One byte more than is read.
    const LONG: &str = match str::from_utf8(&[b'x'; LIMITS.answer + 1]) {
        Ok(long) => long,
        Err(_) => unreachable!(),
    };

    fn ask(connections: &Connections) -> impl Future<Output = Result<(Parts, Bytes), Broken>> {
        let mut request = http::Request::new(Bytes::from_static(b"question"));
        let host = connections.endpoint().authority_header().clone();
        request.headers_mut().insert(http::header::HOST, host);
        connections.send(request)
    }

    /// Answers `answers` requests with `body`, then hangs up.
    async fn converse(
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        answers: usize,
        body: &str,
    ) {
        for _ in 0..answers {
            let mut read = Vec::new();
            while !read.ends_with(b"question") {
                if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// A host that hangs up after so many answers. Tells of each connection when it is over.
    async fn host(answers: usize, body: &'static str) -> (Endpoint, mpsc::UnboundedReceiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (over, overs) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let over = over.clone();
                tokio::spawn(async move {
                    converse(&mut stream, answers, body).await;
                    drop(stream);
                    over.send(()).unwrap();
                });
            }
        });
        (endpoint.parse().unwrap(), overs)
    }

    fn trust_nobody() -> Trust {
        Trust::anchors(&[])
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_the_next_request() {
        let (endpoint, mut overs) = host(3, "answer").await;
        let connections = Connections::new(endpoint, trust_nobody(), LIMITS);
        connections.warm().await;
        for _ in 0..3 {
            assert_eq!(ask(&connections).await.unwrap().1, "answer");
        }
        // One connection had all three; nobody opened another.
        overs.recv().await.unwrap();
        assert!(overs.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_connection_that_the_other_side_closed_is_replaced_without_a_word() {
        let (endpoint, mut overs) = host(1, "answer").await;
        let connections = Connections::new(endpoint, trust_nobody(), LIMITS);
        for _ in 0..3 {
            assert_eq!(ask(&connections).await.unwrap().1, "answer");
            overs.recv().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_not_used_for_long_is_not_used_again() {
        let (endpoint, mut overs) = host(9, "answer").await;
        let limits = Limits {
            idle: Duration::ZERO,
            ..LIMITS
        };
        let connections = Connections::new(endpoint, trust_nobody(), limits);
        for _ in 0..2 {
            assert_eq!(ask(&connections).await.unwrap().1, "answer");
        }
        // The second request let go of the first connection.
        overs.recv().await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let (endpoint, _overs) = host(1, LONG).await;
        let connections = Connections::new(endpoint, trust_nobody(), LIMITS);
        let error = ask(&connections).await.unwrap_err().to_string();
        assert!(error.contains("limit"), "{error}");
    }

    #[tokio::test]
    async fn where_nobody_listens_the_error_says_what_was_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let connections = Connections::new(endpoint.parse().unwrap(), trust_nobody(), LIMITS);
        connections.warm().await;
        let error = ask(&connections).await.unwrap_err().to_string();
        assert!(error.starts_with("connecting: "), "{error}");
    }

    #[tokio::test]
    async fn only_who_is_trusted_is_spoken_to() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let pem = made.cert.pem();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    converse(&mut stream, 1, "answer").await;
                }
            }
        });
        let by_pem = Trust::pem(pem);
        let anchors = by_pem.roots().unwrap().roots;
        let by_anchor = Trust::anchors(Box::leak(anchors.into_boxed_slice()));
        let endpoint = |host: &str| format!("https://{host}:{port}").parse().unwrap();
        for trust in [by_pem.clone(), by_anchor] {
            assert_eq!(trust.count(), 1);
            let connections = Connections::new(endpoint("localhost"), trust, LIMITS);
            assert_eq!(ask(&connections).await.unwrap().1, "answer");
        }
        // A stranger, and a host of another name.
        for (host, trust) in [("localhost", trust_nobody()), ("127.0.0.1", by_pem)] {
            let connections = Connections::new(endpoint(host), trust, LIMITS);
            let error = ask(&connections).await.unwrap_err().to_string();
            assert!(error.contains("certificate"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_is_a_host_and_nothing_else() {
        let endpoint: Endpoint = "https://sqs.eu-central-1.amazonaws.com".parse().unwrap();
        assert!(endpoint.is_tls());
        assert_eq!(endpoint.authority(), "sqs.eu-central-1.amazonaws.com");
        let endpoint: Endpoint = "http://127.0.0.1:8000".parse().unwrap();
        assert_eq!((endpoint.host(), endpoint.is_tls()), ("127.0.0.1", false));
        assert_eq!(endpoint.origin(), "http://127.0.0.1:8000");
        for wrong in [
            "",
            "x",
            "ftp://x",
            "https://x/y",
            "https://x?y",
            "https://u@x",
            "https://",
        ] {
            assert_eq!(
                wrong.parse::<Endpoint>().unwrap_err(),
                InvalidEndpoint(wrong.to_owned())
            );
        }
    }
}
