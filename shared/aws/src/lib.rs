//! Calls to AWS: the shapes, the wire format and the errors of the official SDK, over a transport made
//! for a function that handles one request at a time (docs/adr/0016).
//!
//! The SDK's own orchestrator resolves endpoint, credentials, signing scheme, retries and interceptors
//! anew for each call, which costs more than the call. Here all of that is known from the start: one
//! host, one key, one connection that is kept. An [`Operation`] borrows the SDK's serializer and
//! deserializer; [`Client::call`] does the rest.

#![expect(
    clippy::result_large_err,
    reason = "the SDK's own error, so that callers keep reading it as the SDK documents"
)]

mod retry;
mod sign;

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_smithy_runtime_api::{
    client::{
        interceptors::context::Input,
        orchestrator::{HttpRequest, HttpResponse},
        result::{ConnectorError, SdkError},
        ser_de::{
            DeserializeResponse, SerializeRequest, SharedRequestSerializer,
            SharedResponseDeserializer,
        },
    },
    http::StatusCode,
};
use aws_smithy_types::{
    body::SdkBody,
    config_bag::{ConfigBag, FrozenLayer},
    error::metadata::ProvideErrorMetadata,
};
use http::{HeaderMap, HeaderValue, Method, Uri};
use jiff::Timestamp;

use transport::{Broken, Bytes, Connections, Endpoint, Limits};

pub use crate::sign::Credentials;
use crate::sign::Signer;
pub use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
pub use transport::{InvalidEndpoint, Trust};

/// What the SDK returns when a call failed, and so what ours return.
pub type Error<E> = SdkError<E, HttpResponse>;

/// All attempts of a call together.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// One attempt, connecting included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a call is tried.
const ATTEMPTS: u32 = 3;
/// AWS hangs up when it has waited long enough, and a kept connection that is gone is replaced.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(1),
    idle: Duration::MAX,
    answer: usize::MAX,
};

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("stampede/", env!("CARGO_PKG_VERSION")));

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The table.
    DynamoDb,
    /// Files.
    S3,
    /// Keys of others.
    SecretsManager,
    /// Mails.
    Ses,
    /// Queues.
    Sqs,
}

impl Service {
    /// Its part of `AWS_ENDPOINT_URL_<service>`.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "DYNAMODB",
            Self::S3 => "S3",
            Self::SecretsManager => "SECRETS_MANAGER",
            Self::Ses => "SESV2",
            Self::Sqs => "SQS",
        }
    }

    /// How signatures name it.
    const fn signing_name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::Ses => "ses",
            Self::Sqs => "sqs",
        }
    }

    /// How its host begins.
    const fn host(self) -> &'static str {
        match self {
            Self::Ses => "email",
            other => other.signing_name(),
        }
    }
}

/// What every client of a function has in common.
#[derive(Clone)]
pub struct Config {
    /// Such as `eu-central-1`.
    pub region: String,
    /// Whose calls they are.
    pub credentials: Credentials,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// The clock.
    pub now: fn() -> Timestamp,
}

impl Config {
    /// Where AWS answers for a host of the region.
    fn address(&self, host: &str) -> String {
        let region = &self.region;
        let suffix = match region.starts_with("cn-") {
            true => "amazonaws.com.cn",
            false => "amazonaws.com",
        };
        format!("https://{host}.{region}.{suffix}")
    }
}

/// A way to one service. Cloning it is cheap, and clones share their connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    service: Service,
    /// Begins every path.
    prefix: String,
    config: Config,
    signer: Signer,
    connections: Connections,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = self.inner.service;
        f.debug_struct("Client").field("service", &service).finish()
    }
}

/// One operation of a service: how its input is written and its answer read, by the SDK.
pub struct Operation<I, O, E> {
    name: &'static str,
    plugin: fn() -> Option<FrozenLayer>,
    layer: OnceLock<Option<FrozenLayer>>,
    types: PhantomData<fn(I) -> Result<O, E>>,
}

/// Serializer and deserializer of one operation, borrowed from the SDK.
struct Codec<'a> {
    serializer: &'a SharedRequestSerializer,
    deserializer: &'a SharedResponseDeserializer,
}

impl<I, O, E> Operation<I, O, E> {
    /// The operation of that name; `plugin` is the configuration of the SDK's runtime plugin, such as
    /// `|| GetItem::new().config()`.
    pub const fn new(name: &'static str, plugin: fn() -> Option<FrozenLayer>) -> Self {
        Self {
            name,
            plugin,
            layer: OnceLock::new(),
            types: PhantomData,
        }
    }

    fn codec(&self) -> Result<Codec<'_>, SdkError<E, HttpResponse>> {
        let layer = self.layer.get_or_init(self.plugin).as_ref();
        layer
            .and_then(|layer| {
                Some(Codec {
                    serializer: layer.load::<SharedRequestSerializer>()?,
                    deserializer: layer.load::<SharedResponseDeserializer>()?,
                })
            })
            .ok_or_else(|| {
                SdkError::construction_failure(format!("{} has no wire format", self.name))
            })
    }
}

/// A request before it is signed.
struct Request {
    method: Method,
    /// Encoded, from the host's root, with its query.
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// An address that is good for a while, for whoever has it.
#[derive(Clone, Debug)]
pub struct Presigned {
    /// HTTP method.
    pub method: String,
    /// Address.
    pub url: String,
    /// Headers that must be sent as they are.
    pub headers: Vec<(String, String)>,
}

impl Client {
    /// A client of `service`, at `endpoint` instead of AWS if it is given. Connects at the first call,
    /// or by [`Client::warm`].
    pub fn new(
        service: Service,
        config: &Config,
        endpoint: Option<&str>,
    ) -> Result<Self, InvalidEndpoint> {
        let endpoint = match endpoint {
            Some(endpoint) => endpoint.to_owned(),
            None => config.address(service.host()),
        };
        Ok(Self::at(service, config, endpoint.parse()?, String::new()))
    }

    /// The client of S3 that this one is, for one bucket. AWS knows a bucket by its host; whoever stands
    /// in for it, by the path.
    pub fn in_bucket(&self, name: &str) -> Result<Self, InvalidEndpoint> {
        let inner = &self.inner;
        let (config, endpoint) = (&inner.config, inner.connections.endpoint());
        if endpoint.origin() == config.address(inner.service.host()) {
            let address = config.address(&format!("{name}.{}", inner.service.host()));
            return Ok(Self::at(
                inner.service,
                config,
                address.parse()?,
                String::new(),
            ));
        }
        let prefix = format!("/{name}");
        Ok(Self::at(inner.service, config, endpoint.clone(), prefix))
    }

    fn at(service: Service, config: &Config, endpoint: Endpoint, prefix: String) -> Self {
        Self {
            inner: Arc::new(Inner {
                service,
                prefix,
                signer: Signer::new(&config.credentials, &config.region, service.signing_name()),
                connections: Connections::new(endpoint, config.trust.clone(), LIMITS),
                config: config.clone(),
            }),
        }
    }

    /// Connects, so that the first call need not. A failure shows at the first call.
    pub async fn warm(&self) {
        self.inner.connections.warm().await;
    }

    /// Makes a call, up to three times where it may be tried again.
    pub async fn call<I, O, E>(
        &self,
        operation: &Operation<I, O, E>,
        input: I,
    ) -> Result<O, SdkError<E, HttpResponse>>
    where
        I: fmt::Debug + Send + Sync + 'static,
        O: fmt::Debug + Send + Sync + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let codec = operation.codec()?;
        let request = self.serialize(&codec, input)?;
        match tokio::time::timeout(CALL_TIMEOUT, self.attempts(&codec, &request)).await {
            Ok(outcome) => outcome,
            Err(late) => Err(SdkError::timeout_error(late)),
        }
    }

    /// Allows whoever has the address to make a call, once or often, until `expires` have passed. No
    /// call is made.
    pub fn presign<I, O, E>(
        &self,
        operation: &Operation<I, O, E>,
        input: I,
        expires: Duration,
    ) -> Result<Presigned, SdkError<E, HttpResponse>>
    where
        I: fmt::Debug + Send + Sync + 'static,
    {
        let request = self.serialize(&operation.codec()?, input)?;
        let endpoint = self.inner.connections.endpoint();
        let now = (self.inner.config.now)();
        // What the caller has to send with it, beside the host. The type is the serializer's guess, and
        // the caller's business.
        let signed: Vec<(String, String)> = request
            .headers
            .iter()
            .filter(|(name, _)| *name != http::header::CONTENT_TYPE)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into_owned())
            })
            .collect();
        let path = self.inner.signer.presign(
            &request.method,
            &request.path,
            endpoint.authority(),
            &signed,
            expires,
            now,
        );
        Ok(Presigned {
            method: request.method.to_string(),
            url: format!("{}{path}", endpoint.origin()),
            headers: signed,
        })
    }

    /// Writes an input as the service reads it.
    fn serialize<I, E>(
        &self,
        codec: &Codec<'_>,
        input: I,
    ) -> Result<Request, SdkError<E, HttpResponse>>
    where
        I: fmt::Debug + Send + Sync + 'static,
    {
        let mut bag = ConfigBag::base();
        let request: HttpRequest = codec
            .serializer
            .serialize_input(Input::erase(input), &mut bag)
            .map_err(SdkError::construction_failure)?;
        let unreadable = || SdkError::construction_failure("the request is not one of HTTP");
        let mut headers = HeaderMap::with_capacity(8);
        for (name, value) in request.headers() {
            let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| unreadable())?;
            // Told by the transport, from the body.
            if name != http::header::CONTENT_LENGTH {
                headers.append(
                    name,
                    HeaderValue::from_str(value).map_err(|_| unreadable())?,
                );
            }
        }
        Ok(Request {
            method: Method::from_bytes(request.method().as_bytes()).map_err(|_| unreadable())?,
            path: format!("{}{}", self.inner.prefix, request.uri()),
            headers,
            // Bodies are held in memory: nothing here streams.
            body: Bytes::copy_from_slice(request.body().bytes().ok_or_else(unreadable)?),
        })
    }

    async fn attempts<O, E>(
        &self,
        codec: &Codec<'_>,
        request: &Request,
    ) -> Result<O, SdkError<E, HttpResponse>>
    where
        O: fmt::Debug + Send + Sync + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let mut attempt = 1;
        loop {
            let outcome = tokio::time::timeout(ATTEMPT_TIMEOUT, self.attempt(codec, request)).await;
            let error = match outcome {
                Ok(Ok(output)) => return Ok(output),
                Ok(Err(error)) => error,
                Err(late) => SdkError::timeout_error(late),
            };
            if attempt == ATTEMPTS || !retry::may_pass(&error) {
                return Err(error);
            }
            retry::backoff(attempt).await;
            attempt += 1;
        }
    }

    async fn attempt<O, E>(
        &self,
        codec: &Codec<'_>,
        request: &Request,
    ) -> Result<O, SdkError<E, HttpResponse>>
    where
        O: fmt::Debug + Send + Sync + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let broken = |error: Broken| {
            SdkError::dispatch_failure(ConnectorError::io(error.to_string().into()))
        };
        let inner = &self.inner;
        let endpoint = inner.connections.endpoint();
        let mut sent = http::Request::new(request.body.clone());
        *sent.method_mut() = request.method.clone();
        *sent.uri_mut() = Uri::try_from(&request.path).map_err(SdkError::construction_failure)?;
        *sent.headers_mut() = request.headers.clone();
        let headers = sent.headers_mut();
        headers.insert(http::header::USER_AGENT, USER_AGENT);
        headers.insert(http::header::HOST, endpoint.authority_header().clone());
        inner
            .signer
            .sign(&mut sent, (inner.config.now)())
            .map_err(SdkError::construction_failure)?;
        let (parts, body) = inner.connections.send(sent).await.map_err(broken)?;
        let status = StatusCode::try_from(parts.status.as_u16())
            .map_err(|error| broken(Broken::of("the answer's status", error)))?;
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        for (name, value) in &parts.headers {
            // What is not text no deserializer reads.
            if let Ok(value) = value.to_str() {
                response
                    .headers_mut()
                    .append(name.as_str().to_owned(), value.to_owned());
            }
        }
        deserialize(codec, response)
    }
}

/// Reads an answer as the SDK does.
fn deserialize<O, E>(
    codec: &Codec<'_>,
    mut response: HttpResponse,
) -> Result<O, SdkError<E, HttpResponse>>
where
    O: fmt::Debug + Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let bag = ConfigBag::base();
    let read = codec
        .deserializer
        .deserialize_streaming_with_config(&mut response, &bag)
        .unwrap_or_else(|| {
            codec
                .deserializer
                .deserialize_nonstreaming_with_config(&response, &bag)
        });
    let other = |response| SdkError::response_error("an answer of another type", response);
    let error = match read {
        Ok(output) => return output.downcast::<O>().map_err(|_| other(response)),
        Err(error) => error,
    };
    let mut service = None;
    let rest = error.map_operation_error(|error| service = Some(error));
    match service.map(|error| error.downcast::<E>()) {
        Some(Ok(error)) => Err(SdkError::service_error(error, response)),
        Some(Err(_)) => Err(other(response)),
        None => Err(SdkError::response_error(format!("{rest:?}"), response)),
    }
}

/// Makes the input builders of the SDK callable: `GetItemInput::builder()…​.call(&client)`. Each line
/// names a module of the SDK's `operation`, and the types in it.
///
/// ```text
/// aws::operations! { aws_sdk_sqs:
///     send_message_batch(SendMessageBatch, SendMessageBatchInput, SendMessageBatchInputBuilder, SendMessageBatchOutput, SendMessageBatchError)
/// }
/// ```
#[macro_export]
macro_rules! operations {
    ($sdk:ident: $($module:ident($operation:ident, $input:ident, $builder:ident, $output:ident, $error:ident))*) => {
        /// An input that can be sent.
        pub(crate) trait Call: Sized {
            /// What is sent.
            type Input: std::fmt::Debug + Send + Sync + 'static;
            /// What is answered.
            type Output: 'static;
            /// What is refused.
            type Error: 'static;

            /// The operation's wire format.
            fn operation() -> &'static $crate::Operation<Self::Input, Self::Output, Self::Error>;

            /// What has been built.
            fn finish(self) -> Result<Self::Input, $crate::Error<Self::Error>>;

            /// Makes the call, up to three times where it may be tried again.
            fn call(
                self,
                client: &$crate::Client,
            ) -> impl Future<Output = Result<Self::Output, $crate::Error<Self::Error>>> + Send;
        }

        $(
            impl Call for $sdk::operation::$module::builders::$builder {
                type Input = $sdk::operation::$module::$input;
                type Output = $sdk::operation::$module::$output;
                type Error = $sdk::operation::$module::$error;

                fn operation() -> &'static $crate::Operation<Self::Input, Self::Output, Self::Error> {
                    static OPERATION: $crate::Operation<
                        $sdk::operation::$module::$input,
                        $sdk::operation::$module::$output,
                        $sdk::operation::$module::$error,
                    > = $crate::Operation::new(stringify!($operation), || {
                        $crate::RuntimePlugin::config(&$sdk::operation::$module::$operation::new())
                    });
                    &OPERATION
                }

                fn finish(self) -> Result<Self::Input, $crate::Error<Self::Error>> {
                    // Refused only where a required field was never set.
                    self.build().map_err($crate::Error::construction_failure)
                }

                async fn call(
                    self,
                    client: &$crate::Client,
                ) -> Result<Self::Output, $crate::Error<Self::Error>> {
                    let input = self.finish()?;
                    client.call(Self::operation(), input).await
                }
            }
        )*
    };
}
