//! The configuration that every AWS client of a process is made from (docs/adr/0004, docs/adr/0019):
//! credentials from the environment, where Lambda puts them; Amazon's own roots as the only trust store;
//! one pool of connections; standard retries.
//!
//! `store`, `queue` and `gateways` make their own clients from it, so that none of them knows another's
//! service.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Connector, HttpClientError,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion,
    http::{
        HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
        http_client_fn,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::{byte_stream::ByteStream, retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{
    SdkConfig,
    region::Region,
    sdk_config::SharedCredentialsProvider,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::sync::watch;

use crate::environment::{Environment, MissingVariable};

/// The roots that AWS endpoints chain to, from <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Time to reach a host, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// One attempt, connecting included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// All attempts of a call together, so that an endpoint still answers within its own 10 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// Attempts of a call, the first one included.
const ATTEMPTS: u32 = 3;
/// Longest wait before the second attempt; the third may wait twice as long. The SDK's default, 1 s, is
/// made for slower services than those that a request waits for here.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// Why the configuration cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SdkConfigError {
    /// A variable is not set.
    #[error(transparent)]
    Missing(#[from] MissingVariable),
    /// The client's TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] HttpClientError),
    /// `AWS_CA_BUNDLE` names a file without certificates, or one that cannot be read.
    #[error("AWS_CA_BUNDLE: the certificates in {path} cannot be read")]
    Bundle {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What the clients of a process share.
#[derive(Clone, Debug)]
pub(crate) struct Sdk {
    config: SdkConfig,
    connections: Connections,
}

impl Environment {
    /// The configuration that all AWS clients of this process share; made once.
    ///
    /// `AWS_ENDPOINT_URL_<SERVICE>` and `AWS_ENDPOINT_URL` lead the clients elsewhere, and `AWS_CA_BUNDLE`
    /// adds certificates to Amazon's roots, as in Amazon's own tools.
    pub fn sdk_config(&self) -> Result<SdkConfig, SdkConfigError> {
        if let Some(sdk) = self.sdk.get() {
            return Ok(sdk.config.clone());
        }
        let credentials = Credentials::new(
            self.require("AWS_ACCESS_KEY_ID")?,
            self.require("AWS_SECRET_ACCESS_KEY")?,
            self.get("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "environment",
        );
        let connections = Connections::new(
            TlsContext::builder()
                .with_trust_store(self.trust_store()?)
                .build()?,
        );
        let connector = SharedHttpConnector::new(connections.clone());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.require("AWS_REGION")?.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .service_config(self.endpoints())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(ATTEMPTS)
                    .with_initial_backoff(FIRST_BACKOFF),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            )
            .build();
        let sdk = Sdk {
            config,
            connections,
        };
        Ok(self.sdk.get_or_init(|| sdk).config.clone())
    }

    /// Connects to the table's service if this function has a table, so that its first call need not.
    /// For the time while a function waits for its first event.
    ///
    /// Nothing is done for a function without clients, nor without TLS, which is what takes time.
    pub(crate) fn connect_ahead(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        let sdk = self.sdk.get()?;
        self.get("TABLE_NAME")?;
        let endpoint = self.endpoints().of("DynamoDB").or_else(|| {
            let region = sdk.config.region()?;
            let suffix = match region.as_ref().starts_with("cn-") {
                true => "amazonaws.com.cn",
                false => "amazonaws.com",
            };
            Some(format!("https://dynamodb.{region}.{suffix}"))
        })?;
        let tls = endpoint.starts_with("https://");
        tls.then(|| sdk.connections.clone().connect_ahead(endpoint))
    }

    fn endpoints(&self) -> Endpoints {
        let variables = self.variables();
        let endpoints = variables.filter(|(name, _)| name.starts_with(ENDPOINT_URL));
        Endpoints(
            endpoints
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// Amazon's roots, and what `AWS_CA_BUNDLE` adds.
    fn trust_store(&self) -> Result<TrustStore, SdkConfigError> {
        let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
        let Some(path) = self.get("AWS_CA_BUNDLE") else {
            return Ok(roots);
        };
        let added = read_bundle(path).map_err(|source| SdkConfigError::Bundle {
            path: path.to_owned(),
            source,
        })?;
        Ok(roots.with_pem_certificate(added))
    }
}

/// Reads the file that `AWS_CA_BUNDLE` names. Checked here, as the client's TLS takes what it is given and
/// would end the process over a certificate that is not one.
fn read_bundle(path: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let pem = std::fs::read(path)?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate in PEM".into());
    }
    Ok(pem)
}

const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The variables that lead clients to another address than AWS's own.
#[derive(Debug)]
struct Endpoints(HashMap<String, String>);

impl Endpoints {
    /// The address of the service with that id, if it is not AWS's own.
    fn of(&self, service_id: &str) -> Option<String> {
        let service = service_id.to_ascii_uppercase().replace(' ', "_");
        let own = self.0.get(&format!("{ENDPOINT_URL}_{service}"));
        own.or_else(|| self.0.get(ENDPOINT_URL)).cloned()
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        match key.env() {
            ENDPOINT_URL => self.of(key.service_id()),
            _ => None,
        }
    }
}

/// The SDK's connector, with its connections, for all clients of a process. While a connection is made
/// ahead, calls wait for that one instead of making another.
#[derive(Clone, Debug)]
struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tls: TlsContext,
    /// Made at the first call: reading the certificates takes as long as the rest of the start.
    connector: OnceLock<Connector>,
    /// Whether a connection is being made ahead.
    connecting: watch::Sender<bool>,
}

impl Connections {
    fn new(tls: TlsContext) -> Self {
        Self {
            shared: Arc::new(Shared {
                tls,
                connector: OnceLock::new(),
                connecting: watch::Sender::new(false),
            }),
        }
    }

    /// Makes a connection by asking for something that needs no signature and costs nothing. A failure
    /// shows at the first call.
    async fn connect_ahead(self, endpoint: String) {
        let shared = &self.shared;
        shared.connecting.send_replace(true);
        let ping = async {
            let request = HttpRequest::get(format!("{endpoint}/ping"));
            let request = request.map_err(|error| ConnectorError::user(error.into()))?;
            let response = shared.connector().call(request).await?;
            // Only a response that was read to its end leaves its connection to the next request.
            let read = ByteStream::new(response.into_body()).collect().await;
            read.map_err(|error| ConnectorError::io(error.into()))
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, ping).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "connecting ahead failed"),
            Err(error) => tracing::debug!(%error, "connecting ahead took too long"),
        }
        shared.connecting.send_replace(false);
    }
}

impl Shared {
    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT);
            Connector::builder()
                .connector_settings(settings.build())
                .sleep_impl(TokioSleep::new())
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(self.tls.clone())
                .build()
        })
    }
}

impl HttpConnector for Connections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !*self.shared.connecting.borrow() {
            return self.shared.connector().call(request);
        }
        let shared = Arc::clone(&self.shared);
        HttpConnectorFuture::new(async move {
            // Fails only when the sender is gone, and that is in `shared`.
            let _ = shared.connecting.subscribe().wait_for(|busy| !busy).await;
            shared.connector().call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_can_be_read() {
        let count = CertificateDer::pem_slice_iter(AMAZON_ROOTS)
            .filter(Result::is_ok)
            .count();
        assert_eq!(count, 5);
    }

    #[test]
    fn a_bundle_must_hold_certificates() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        assert!(read_bundle(path).is_err());
        std::fs::write(
            path,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert!(read_bundle(path).is_err());
        std::fs::write(path, AMAZON_ROOTS).unwrap();
        assert_eq!(read_bundle(path).unwrap(), AMAZON_ROOTS);
        assert!(read_bundle("/nowhere/bundle.pem").is_err());
    }

    #[test]
    fn an_endpoint_of_a_service_comes_before_the_common_one() {
        let environment = Environment::of(
            [
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:2"),
                ("AWS_ENDPOINT_URL_SQS", ""),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let endpoints = environment.endpoints();
        let of = |service| endpoints.of(service).unwrap();
        assert_eq!(of("Secrets Manager"), "http://127.0.0.1:2");
        assert_eq!(of("SQS"), "http://127.0.0.1:1");
        assert_eq!(of("DynamoDB"), "http://127.0.0.1:1");
        assert_eq!(Environment::of([]).endpoints().of("DynamoDB"), None);
    }
}
