//! Reads, writes and presigns objects in S3.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{Client, error::ProvideErrorMetadata, presigning::PresigningConfig};
use aws_types::{SdkConfig, service_config::ServiceConfigKey};
use jiff::{SignedDuration, Timestamp};

use crate::{GatewayError, retry_partition};

/// A presigned upload: anyone who has it may upload once it was issued, until it expires.
#[derive(Clone, Debug)]
pub struct PresignedUpload {
    /// HTTP method.
    pub method: String,
    /// URL to upload to.
    pub url: String,
    /// Headers to send unchanged.
    pub headers: BTreeMap<String, String>,
    /// The URL is refused from this time on.
    pub expires_at: Timestamp,
}

/// A presigned download: anyone who has the URL may download the object until it expires.
#[derive(Clone, Debug)]
pub struct PresignedDownload {
    /// URL to `GET` the object from.
    pub url: String,
    /// The URL is refused from this time on.
    pub expires_at: Timestamp,
}

/// An object that was read.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its version, as of [`Bucket::version`].
    pub version: String,
}

/// A client of one bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// Makes a client of the bucket `name` that connects at its first call.
    pub fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        // AWS addresses buckets by host, its stand-ins by path.
        let path_style = has_other_endpoint(config);
        let config = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(path_style)
            .retry_partition(retry_partition("objects"));
        Self {
            client: Client::from_conf(config.build()),
            name: name.into(),
        }
    }

    /// Presigns an upload of exactly `bytes` to `key` for `lifetime`, without a call.
    pub async fn presign_upload(
        &self,
        key: &str,
        bytes: u64,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<PresignedUpload, GatewayError> {
        let presigned = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            // Signed: S3 refuses another size.
            .content_length(i64::try_from(bytes).unwrap_or(i64::MAX))
            .presigned(presigning(now, lifetime)?)
            .await
            .map_err(|error| GatewayError::call("S3", "presign PutObject", error))?;
        let headers = presigned.headers();
        Ok(PresignedUpload {
            method: presigned.method().to_owned(),
            url: presigned.uri().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            expires_at: until(now, lifetime),
        })
    }

    /// Presigns a download of `key` for `lifetime`, which browsers save as `file_name` (letters,
    /// digits, dots and dashes). Makes no call, so the object need not exist.
    pub async fn presign_download(
        &self,
        key: &str,
        now: Timestamp,
        lifetime: Duration,
        file_name: &str,
    ) -> Result<PresignedDownload, GatewayError> {
        let presigned = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .response_content_disposition(format!("attachment; filename=\"{file_name}\""))
            .presigned(presigning(now, lifetime)?)
            .await
            .map_err(|error| GatewayError::call("S3", "presign GetObject", error))?;
        Ok(PresignedDownload {
            url: presigned.uri().to_owned(),
            expires_at: until(now, lifetime),
        })
    }

    /// Writes an object unless it exists. Returns whether it was written.
    pub async fn put_new(
        &self,
        key: &str,
        bytes: Vec<u8>,
        content_type: &str,
    ) -> Result<bool, GatewayError> {
        let answer = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type)
            .if_none_match("*")
            .body(bytes.into())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(false),
            Err(error) => Err(GatewayError::call("S3", "PutObject", error)),
        }
    }

    /// Writes an object, or replaces it.
    pub async fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        content_type: &str,
    ) -> Result<(), GatewayError> {
        let request = self.client.put_object().bucket(&self.name).key(key);
        let request = request.content_type(content_type).body(bytes.into());
        let written = request.send().await;
        written.map_err(|error| GatewayError::call("S3", "PutObject", error))?;
        Ok(())
    }

    /// The version of an object: its ETag without quotation marks, as in S3's notifications. `None` if it does not exist.
    pub async fn version(&self, key: &str) -> Result<Option<String>, GatewayError> {
        let request = self.client.head_object().bucket(&self.name).key(key);
        match request.send().await {
            Ok(object) => Ok(Some(version_of(object.e_tag()))),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_not_found()) =>
            {
                Ok(None)
            }
            Err(error) => Err(GatewayError::call("S3", "HeadObject", error)),
        }
    }

    /// Deletes an object; no error if it does not exist.
    pub async fn delete(&self, key: &str) -> Result<(), GatewayError> {
        let request = self.client.delete_object().bucket(&self.name).key(key);
        let deleted = request.send().await;
        deleted.map_err(|error| GatewayError::call("S3", "DeleteObject", error))?;
        Ok(())
    }

    /// Reads an object as a whole; `None` if it does not exist.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, GatewayError> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await;
        let object = match answer {
            Ok(object) => object,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(GatewayError::call("S3", "GetObject", error)),
        };
        let version = version_of(object.e_tag());
        let body = object.body.collect().await.map_err(|error| GatewayError {
            service: "S3",
            operation: "GetObject",
            reason: "the object cannot be read to its end".to_owned(),
            source: Some(error.into()),
        })?;
        Ok(Some(Object {
            bytes: body.to_vec(),
            version,
        }))
    }
}

/// The version that an ETag names.
fn version_of(tag: Option<&str>) -> String {
    tag.unwrap_or_default().trim_matches('"').to_owned()
}

/// Whether the endpoint of S3 is overridden.
fn has_other_endpoint(config: &SdkConfig) -> bool {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let services = config.service_config().zip(key.ok());
    services.is_some_and(|(services, key)| services.load_config(key).is_some())
}

fn presigning(now: Timestamp, lifetime: Duration) -> Result<PresigningConfig, GatewayError> {
    let config = PresigningConfig::builder()
        .start_time(now.into())
        .expires_in(lifetime);
    config.build().map_err(|error| GatewayError {
        service: "S3",
        operation: "presign",
        reason: "the lifetime is not valid".to_owned(),
        source: Some(error.into()),
    })
}

fn until(now: Timestamp, lifetime: Duration) -> Timestamp {
    now + SignedDuration::from_secs(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX))
}
