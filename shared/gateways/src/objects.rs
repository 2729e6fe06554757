//! Files in S3.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{
    Client, config::Builder, error::ProvideErrorMetadata, presigning::PresigningConfig,
};
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};

use crate::GatewayError;

/// One upload that is allowed for a while, by whoever has it.
#[derive(Clone, Debug)]
pub struct PresignedUpload {
    /// HTTP method.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Headers that must be sent as they are.
    pub headers: BTreeMap<String, String>,
    /// From then on the URL is refused.
    pub expires_at: Timestamp,
}

/// One download that is allowed for a while, by whoever has its address.
#[derive(Clone, Debug)]
pub struct PresignedDownload {
    /// Where from, with `GET`.
    pub url: String,
    /// From then on the URL is refused.
    pub expires_at: Timestamp,
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// The bucket of that name. Connects at the first call.
    pub fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        let config = Builder::from(config)
            // An emulator has no host name for every bucket.
            .force_path_style(config.endpoint_url().is_some())
            .build();
        Self {
            client: Client::from_conf(config),
            name: name.into(),
        }
    }

    /// Allows an upload to `key` for `lifetime`. No call is made.
    pub async fn presign_upload(
        &self,
        key: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<PresignedUpload, GatewayError> {
        let failed = |cause: String| GatewayError {
            service: "S3",
            operation: "presign PutObject",
            cause,
        };
        let presigning =
            PresigningConfig::expires_in(lifetime).map_err(|error| failed(error.to_string()))?;
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .presigned(presigning)
            .await
            .map_err(|error| GatewayError::call("S3", "presign PutObject", &error))?;
        // The SDK sets others beside them, which the signature does not cover.
        let signed = request
            .uri()
            .split("X-Amz-SignedHeaders=")
            .nth(1)
            .unwrap_or_default();
        let signed = signed.split('&').next().unwrap_or_default().to_owned();
        let is_signed = |name: &str| signed.split("%3B").any(|signed| signed == name);
        let headers = request.headers().filter(|(name, _)| is_signed(name));
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Ok(PresignedUpload {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            expires_at: now + SignedDuration::from_secs(seconds),
        })
    }

    /// Allows a download of `key` for `lifetime`, which browsers store as `file_name` (letters, digits,
    /// dots and dashes). No call is made, so the object need not be there.
    pub async fn presign_download(
        &self,
        key: &str,
        now: Timestamp,
        lifetime: Duration,
        file_name: &str,
    ) -> Result<PresignedDownload, GatewayError> {
        let presigning = PresigningConfig::expires_in(lifetime).map_err(|error| GatewayError {
            service: "S3",
            operation: "presign GetObject",
            cause: error.to_string(),
        })?;
        let request = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .response_content_disposition(format!("attachment; filename=\"{file_name}\""))
            .presigned(presigning)
            .await
            .map_err(|error| GatewayError::call("S3", "presign GetObject", &error))?;
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Ok(PresignedDownload {
            url: request.uri().to_owned(),
            expires_at: now + SignedDuration::from_secs(seconds),
        })
    }

    /// Writes an object unless there is one: what was stored stays as it is. Says whether it is new.
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
            Err(error) => Err(GatewayError::call("S3", "PutObject", &error)),
        }
    }

    /// Reads a whole object; `None` if there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, GatewayError> {
        let failed = |cause: String| GatewayError {
            service: "S3",
            operation: "GetObject",
            cause,
        };
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
            Err(error) => return Err(GatewayError::call("S3", "GetObject", &error)),
        };
        let body = object
            .body
            .collect()
            .await
            .map_err(|error| failed(error.to_string()))?;
        Ok(Some(body.to_vec()))
    }
}
