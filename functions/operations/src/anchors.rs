//! The anchors of the audit trail: objects that are locked, so that a chain that was written anew contradicts them.

use domain::audit::{Anchor, AnchorItem, ChainNumber};
use gateways::{
    GatewayError,
    objects::{Bucket, FirstVersion},
};

/// The bucket of the anchors.
pub struct Anchors {
    bucket: Bucket,
}

/// An anchor that is in the bucket.
#[derive(Debug)]
pub struct AnchorPlace {
    /// The chain.
    pub chain: ChainNumber,
    /// Number of the record.
    pub sequence: u64,
    version: FirstVersion,
}

impl Anchors {
    /// The anchors in a bucket.
    pub const fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    /// The chains that have anchors.
    pub async fn chains(&self) -> Result<Vec<ChainNumber>, GatewayError> {
        let folders = self.bucket.folders(Anchor::FOLDER).await?;
        let has_folder = |chain: &ChainNumber| folders.contains(&Anchor::prefix(*chain));
        Ok(ChainNumber::all().filter(has_folder).collect())
    }

    /// Lists anchors of a chain whose records come after the number `after`, in order, at most `limit`.
    pub async fn after(
        &self,
        chain: ChainNumber,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AnchorPlace>, GatewayError> {
        let (prefix, start) = (Anchor::prefix(chain), Anchor::key(chain, after));
        let versions = self.bucket.first_versions(&prefix, &start, limit).await?;
        // Another object is not an anchor, whoever has put it there.
        let place = |version: FirstVersion| {
            Some(AnchorPlace {
                chain,
                sequence: Anchor::read_key(chain, &version.key)?,
                version,
            })
        };
        Ok(versions.into_iter().filter_map(place).collect())
    }

    /// Reads an anchor.
    pub async fn read(&self, place: &AnchorPlace) -> Result<AnchorItem, GatewayError> {
        let object = self.bucket.get_first(&place.version).await?;
        let sequence = place.sequence;
        let anchor = object.and_then(|it| Anchor::read(place.chain, sequence, &it.bytes));
        Ok(anchor.map_or(AnchorItem::Unreadable { sequence }, AnchorItem::Anchor))
    }

    /// Writes an anchor unless its record has one. Returns whether it was written.
    pub async fn put(&self, anchor: &Anchor) -> Result<bool, GatewayError> {
        let key = Anchor::key(anchor.chain, anchor.sequence);
        let bytes = serde_json::to_vec(anchor).map_err(|error| GatewayError {
            service: "S3",
            operation: "PutObject",
            reason: "the anchor cannot be written as JSON".to_owned(),
            source: Some(error.into()),
        })?;
        self.bucket.put_new(&key, bytes, "application/json").await
    }
}
