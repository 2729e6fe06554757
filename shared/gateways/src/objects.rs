//! Reads, writes and presigns objects in S3.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{
    Client, error::ProvideErrorMetadata, operation::get_object::builders::GetObjectFluentBuilder,
    presigning::PresigningConfig,
};
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

/// The first version of an object. Where versions are locked, nobody can replace it: a later one, or a deletion, only hides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstVersion {
    /// Key of the object.
    pub key: String,
    /// S3's identifier of the version.
    id: String,
}

/// Most pages of a list of versions: objects of which there should be one version have few.
const MAX_PAGES: usize = 20;

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

    /// Deletes all objects whose keys begin with `prefix`; none is not an error. Those that are written meanwhile may stay.
    pub async fn delete_all(&self, prefix: &str) -> Result<(), GatewayError> {
        for _ in 0..MAX_PAGES {
            let answer = self
                .client
                .list_objects_v2()
                .bucket(&self.name)
                .prefix(prefix)
                .send()
                .await
                .map_err(|error| GatewayError::call("S3", "ListObjectsV2", error))?;
            for object in answer.contents() {
                if let Some(key) = object.key() {
                    self.delete(key).await?;
                }
            }
            // The next list begins anew, as those of this one are gone.
            if answer.is_truncated() != Some(true) {
                return Ok(());
            }
        }
        Err(GatewayError {
            service: "S3",
            operation: "ListObjectsV2",
            reason: format!("too many objects of {prefix}"),
            source: None,
        })
    }

    /// Lists the first versions of objects whose keys begin with `prefix` and come after `after`, in the order of their keys and
    /// at most `limit`: also those of objects that were written again or deleted.
    pub async fn first_versions(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<FirstVersion>, GatewayError> {
        let mut found: Vec<FirstVersion> = Vec::new();
        let (mut key_marker, mut version_marker) = (after.to_owned(), None);
        for _ in 0..MAX_PAGES {
            let answer = self
                .client
                .list_object_versions()
                .bucket(&self.name)
                .prefix(prefix)
                .key_marker(&key_marker)
                .set_version_id_marker(version_marker.take())
                .send()
                .await
                .map_err(|error| GatewayError::call("S3", "ListObjectVersions", error))?;
            for version in answer.versions() {
                let (Some(key), Some(id)) = (version.key(), version.version_id()) else {
                    continue;
                };
                if key <= after {
                    continue;
                }
                // The versions of an object come the newest first.
                if let Some(last) = found.last_mut().filter(|last| last.key == key) {
                    id.clone_into(&mut last.id);
                    continue;
                }
                if found.len() == limit {
                    return Ok(found);
                }
                found.push(FirstVersion {
                    key: key.to_owned(),
                    id: id.to_owned(),
                });
            }
            match answer.next_key_marker() {
                Some(next) if answer.is_truncated() == Some(true) => {
                    next.clone_into(&mut key_marker);
                    version_marker = answer.next_version_id_marker().map(str::to_owned);
                }
                _ => return Ok(found),
            }
        }
        Err(too_many(prefix))
    }

    /// Lists the folders in the folder `prefix` that have objects, or had some.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, GatewayError> {
        let answer = self
            .client
            .list_object_versions()
            .bucket(&self.name)
            .prefix(prefix)
            .delimiter("/")
            .send()
            .await
            .map_err(|error| GatewayError::call("S3", "ListObjectVersions", error))?;
        if answer.is_truncated() == Some(true) {
            return Err(too_many(prefix));
        }
        let folders = answer.common_prefixes().iter();
        let folders = folders.filter_map(|it| it.prefix().map(str::to_owned));
        Ok(folders.collect())
    }

    /// Reads the first version of an object as a whole; `None` if it does not exist any more.
    pub async fn get_first(&self, first: &FirstVersion) -> Result<Option<Object>, GatewayError> {
        let request = self.client.get_object().bucket(&self.name);
        Self::read(request.key(&first.key).version_id(&first.id)).await
    }

    /// Reads an object as a whole; `None` if it does not exist.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, GatewayError> {
        let request = self.client.get_object().bucket(&self.name);
        Self::read(request.key(key)).await
    }

    async fn read(request: GetObjectFluentBuilder) -> Result<Option<Object>, GatewayError> {
        let object = match request.send().await {
            Ok(object) => object,
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "NoSuchVersion")) => {
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

/// The error of a list that is longer than anybody has made it on purpose.
fn too_many(prefix: &str) -> GatewayError {
    GatewayError {
        service: "S3",
        operation: "ListObjectVersions",
        reason: format!("too many versions of {prefix}"),
        source: None,
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
