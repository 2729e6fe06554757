//! Configuration of all AWS clients of a process (docs/adr/0004, docs/adr/0019): credentials from the
//! environment, as Lambda provides them; Amazon's root certificates as the only trust store; one
//! connection pool; standard retries.
//!
//! `store`, `queue` and `gateways` make their own clients from it, so that none of them depends on the
//! services of another.

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

/// Root certificates of AWS endpoints, from <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Timeout to connect, including TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout of one attempt, including the connection.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout of all attempts of a call, so that an endpoint still responds within its own 10 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// Maximum number of attempts of a call, including the first.
const ATTEMPTS: u32 = 3;
/// Maximum backoff before the second attempt; the third may wait twice as long. The SDK's default of 1
/// s is meant for slower services.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// Why the configuration cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SdkConfigError {
    /// A required variable is not set.
    #[error(transparent)]
    Missing(#[from] MissingVariable),
    /// The TLS client cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] HttpClientError),
    /// `AWS_CA_BUNDLE` names an unreadable file, or one without certificates.
    #[error("AWS_CA_BUNDLE: the certificates in {path} cannot be read")]
    Bundle {
        /// Path of the file.
        path: String,
        /// Why it cannot be used.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Shared by the AWS clients of a process.
#[derive(Clone, Debug)]
pub(crate) struct Sdk {
    config: SdkConfig,
    connections: Connections,
}

impl Environment {
    /// The configuration shared by all AWS clients of the process; made once.
    ///
    /// `AWS_ENDPOINT_URL_<SERVICE>` and `AWS_ENDPOINT_URL` override the endpoints, and `AWS_CA_BUNDLE`
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

    /// Connects to DynamoDB while the function waits for its first event, so that its first call need
    /// not.
    ///
    /// `None` for a function without a table, or without TLS, which is the slow part.
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

    /// Amazon's root certificates and those of `AWS_CA_BUNDLE`.
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

/// Reads and checks the file of `AWS_CA_BUNDLE`: the TLS client does not check certificates and would
/// end the process if one is not valid.
fn read_bundle(path: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let pem = std::fs::read(path)?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() {
        return Err("it does not contain a PEM certificate".into());
    }
    Ok(pem)
}

const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// Endpoints that override those of AWS.
#[derive(Debug)]
struct Endpoints(HashMap<String, String>);

impl Endpoints {
    /// The overriding endpoint of a service, if any.
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

/// The SDK's connector and its connections, shared by all clients of a process. While a connection is
/// established ahead of time, calls wait for it instead of opening another.
#[derive(Clone, Debug)]
struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tls: TlsContext,
    /// Made at the first call: reading the certificates takes as long as the rest of the start.
    connector: OnceLock<Connector>,
    /// Whether a connection is being established ahead of time.
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

    /// Connects by sending a request that needs no signature and costs nothing. A failure surfaces at
    /// the first call.
    async fn connect_ahead(self, endpoint: String) {
        let shared = &self.shared;
        shared.connecting.send_replace(true);
        let ping = async {
            let request = HttpRequest::get(format!("{endpoint}/ping"));
            let request = request.map_err(|error| ConnectorError::user(error.into()))?;
            let response = shared.connector().call(request).await?;
            // A connection is only reused after its response was read to the end.
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
            // Only fails if the sender is dropped, but `shared` owns it.
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
