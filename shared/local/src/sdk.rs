//! SDK clients for the emulators, which create queues and buckets, as no function does.

use std::sync::OnceLock;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::{SdkConfig, region::Region, sdk_config::SharedHttpClient};

use crate::REGION;

/// Configuration of a client for the emulator at `endpoint`.
pub(crate) fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "emulator");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .endpoint_url(endpoint)
        .build()
}

/// One HTTP client, so that all clients share its connections.
fn http_client() -> SharedHttpClient {
    static CLIENT: OnceLock<SharedHttpClient> = OnceLock::new();
    CLIENT.get_or_init(|| Builder::new().build_http()).clone()
}
