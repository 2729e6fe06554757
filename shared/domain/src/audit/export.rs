//! The records of one chain as they are stored, for whoever verifies them elsewhere; and the verification of a part by the shop.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AuditFaultKind, AuditRecord, ChainHead, ChainNumber, RecordHash, TrailItem, VerifiedPart,
};
use crate::{fault::Rejection, page::page_size, text::FieldCheck};

const DEFAULT_EXPORT: u32 = 100;
const MAX_EXPORT: u32 = 500;

/// Number of a chain in a path: 0 to 15, without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainInPath(pub ChainNumber);

/// Query of the records of one chain.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportChainQuery {
    /// Number of the record after which to begin: `next` of the previous page. At the first record without it.
    pub after: Option<String>,
    /// Page size, 1 to 500; 100 by default. A page may be shorter although more follow.
    pub limit: Option<String>,
}

/// A validated query for some records of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportChain {
    /// Number of the record after which to begin.
    pub after: Option<u64>,
    /// Maximum number of records to return.
    pub limit: u32,
}

/// Some records of one chain as they are stored, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedChain {
    /// Number of the chain, 0 to 15.
    #[schemars(with = "u8")]
    pub chain: ChainNumber,
    /// The chain's head as it was before the records were read.
    pub head: ExportedHead,
    /// The records.
    pub items: Vec<ExportedItem>,
    /// Number after which the next page begins; null on the last page.
    pub next: Option<u64>,
}

/// The last record of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedHead {
    /// Number of the record; 0 before the first one.
    pub sequence: u64,
    /// Its hash, in base64url.
    #[schemars(with = "String")]
    pub hash: RecordHash,
}

/// One place of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedItem {
    /// The number under which it is stored.
    pub sequence: u64,
    /// The record; null if it cannot be read.
    pub record: Option<AuditRecord>,
}

/// Body of a request to verify a part of a chain.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyAuditBody {
    /// Number of the chain, 0 to 15.
    pub chain: i64,
    /// Number of the record after which to begin, which was verified before: `verified_to` of the part before. 0 for the first
    /// part.
    #[serde(default)]
    pub after: i64,
}

/// A validated request to verify a part of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyAudit {
    /// The chain.
    pub chain: ChainNumber,
    /// Number of the record after which to begin; 0 at the first one.
    pub after: u64,
}

/// Result of verifying a part of a chain.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditVerificationView {
    /// Number of the chain, 0 to 15.
    pub chain: u8,
    /// Number of the last record that is in order. Unless the chain is complete or has a fault, go on after it.
    pub verified_to: u64,
    /// Whether the chain was verified to its end, and agrees with its head and its anchors.
    pub complete: bool,
    /// The first fault; null if there is none.
    pub fault: Option<AuditFaultView>,
}

/// What is wrong with a chain, and where.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditFaultView {
    /// Number of the record.
    pub sequence: u64,
    /// Kind of fault.
    pub kind: AuditFaultKind,
    /// The same in words.
    pub message: String,
}

impl<'de> Deserialize<'de> for ChainInPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse::<u8>().ok();
        let chain = number.and_then(|number| ChainNumber::try_from(number).ok());
        // One spelling: neither +7 nor 07.
        let chain = chain.filter(|chain| chain.to_string() == text);
        let invalid = || serde::de::Error::custom("not the number of a chain");
        chain.map(Self).ok_or_else(invalid)
    }
}

impl JsonSchema for ChainInPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChainInPath".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^([0-9]|1[0-5])$" })
    }
}

impl ExportChainQuery {
    /// Validates the query and reports all invalid parameters at once.
    pub fn parse(self) -> Result<ExportChain, Rejection> {
        let mut check = FieldCheck::default();
        let after = check.parsed("after", self.after, |text| {
            text.parse::<u64>()
                .map_err(|_| "Must be the number of a record.")
        });
        let limit = check.accept(page_size(self.limit, DEFAULT_EXPORT, MAX_EXPORT));
        let export = ExportChain {
            after,
            limit: limit.unwrap_or(DEFAULT_EXPORT),
        };
        check.finish(export).map_err(Rejection::invalid)
    }
}

impl ExportedChain {
    /// Some records of a chain, whose `head` was read before them.
    pub fn of(head: &ChainHead, items: Vec<TrailItem>, next: Option<u64>) -> Self {
        let item = |item: TrailItem| match item {
            TrailItem::Record(record) => ExportedItem {
                sequence: record.sequence,
                record: Some(*record),
            },
            TrailItem::Unreadable { sequence } => ExportedItem {
                sequence,
                record: None,
            },
        };
        Self {
            chain: head.chain,
            head: ExportedHead {
                sequence: head.sequence,
                hash: head.hash,
            },
            items: items.into_iter().map(item).collect(),
            next,
        }
    }

    /// The chain's head as it was before the records were read.
    pub const fn head(&self) -> ChainHead {
        ChainHead {
            chain: self.chain,
            sequence: self.head.sequence,
            hash: self.head.hash,
        }
    }

    /// The records, as they are verified.
    pub fn into_items(self) -> Vec<TrailItem> {
        let items = self.items.into_iter();
        items
            .map(|item| match item.record {
                Some(record) => TrailItem::Record(Box::new(record)),
                None => TrailItem::Unreadable {
                    sequence: item.sequence,
                },
            })
            .collect()
    }
}

impl VerifyAuditBody {
    /// Validates the body and reports all faults at once.
    pub fn parse(self) -> Result<VerifyAudit, Rejection> {
        let mut check = FieldCheck::default();
        let chain = u8::try_from(self.chain).ok();
        let chain = chain.and_then(|number| ChainNumber::try_from(number).ok());
        if chain.is_none() {
            check.fault("chain", "out_of_range", "Must be from 0 to 15.");
        }
        let after = u64::try_from(self.after).ok();
        if after.is_none() {
            check.fault("after", "out_of_range", "Must not be negative.");
        }
        match (chain, after) {
            (Some(chain), Some(after)) => Ok(VerifyAudit { chain, after }),
            _ => Err(Rejection::invalid(check.into_faults())),
        }
    }
}

impl AuditVerificationView {
    /// The view of the verification of a part of `chain`.
    pub fn of(chain: ChainNumber, verified: &VerifiedPart) -> Self {
        Self {
            chain: chain.get(),
            verified_to: verified.to,
            complete: verified.is_complete,
            fault: verified.fault.map(|fault| AuditFaultView {
                sequence: fault.sequence,
                kind: fault.kind,
                message: fault.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{
        AuditFault,
        tests::{chain, items, trail},
    };

    #[test]
    fn an_export_is_verified_like_the_chain() {
        let records = trail(3);
        let mut places = items(&records);
        places.push(TrailItem::Unreadable { sequence: 4 });
        let export = ExportedChain::of(&records[2].head(), places.clone(), Some(4));
        let json = serde_json::to_string(&export).unwrap();
        let read: ExportedChain = serde_json::from_str(&json).unwrap();
        assert_eq!(read, export);
        assert_eq!(read.head(), records[2].head());
        assert_eq!(read.into_items(), places);
        // One in another place than it says is not moved there.
        let json = json.replacen(
            "\"items\":[{\"sequence\":1",
            "\"items\":[{\"sequence\":9",
            1,
        );
        let moved: ExportedChain = serde_json::from_str(&json).unwrap();
        assert_ne!(moved, export);
        assert_eq!(moved.into_items(), places);
    }

    #[test]
    fn a_chain_has_one_path() {
        let read = |text: &str| serde_json::from_value::<ChainInPath>(text.into()).ok();
        assert_eq!(read("3"), Some(ChainInPath(chain())));
        assert_eq!(read("15").map(|it| it.0.get()), Some(15));
        for none in ["", "16", "-1", "+3", "03", "3.0", "x", " 3", "256"] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn an_export_begins_after_a_record() {
        let parse = |after: Option<&str>, limit: Option<&str>| {
            let query = ExportChainQuery {
                after: after.map(str::to_owned),
                limit: limit.map(str::to_owned),
            };
            let fields = |it: Rejection| it.fields.into_iter().map(|it| it.field).collect();
            query.parse().map_err(fields)
        };
        let export = |after, limit| Ok::<_, Vec<String>>(ExportChain { after, limit });
        assert_eq!(parse(None, None), export(None, 100));
        assert_eq!(parse(Some("0"), Some("500")), export(Some(0), 500));
        assert_eq!(
            parse(Some("18446744073709551615"), None),
            export(Some(u64::MAX), 100)
        );
        for bad in ["", "-1", "x", "1.5", "18446744073709551616"] {
            assert_eq!(parse(Some(bad), None), Err(vec!["after".into()]), "{bad}");
        }
        let both = vec!["after".to_owned(), "limit".to_owned()];
        assert_eq!(parse(Some("x"), Some("501")), Err(both));
        let unknown = serde_json::json!({ "form": "1" });
        assert!(serde_json::from_value::<ExportChainQuery>(unknown).is_err());
    }

    #[test]
    fn a_verification_names_a_chain_and_a_place() {
        let parse = |body: serde_json::Value| {
            let body: VerifyAuditBody = serde_json::from_value(body).map_err(|_| Vec::new())?;
            let fields = |it: Rejection| it.fields.into_iter().map(|it| it.field).collect();
            body.parse().map_err(fields)
        };
        let verify = |after| {
            Ok::<_, Vec<String>>(VerifyAudit {
                chain: chain(),
                after,
            })
        };
        assert_eq!(parse(serde_json::json!({ "chain": 3 })), verify(0));
        assert_eq!(
            parse(serde_json::json!({ "chain": 3, "after": 9 })),
            verify(9)
        );
        let faults = parse(serde_json::json!({ "chain": 16, "after": -1 }));
        assert_eq!(faults, Err(vec!["chain".to_owned(), "after".to_owned()]));
        for shape in [
            serde_json::json!({}),
            serde_json::json!({ "chain": "3" }),
            serde_json::json!({ "chain": 3, "to": 9 }),
        ] {
            assert_eq!(parse(shape.clone()), Err(Vec::new()), "{shape}");
        }
    }

    #[test]
    fn a_view_says_what_is_wrong_or_that_nothing_is() {
        let mut verified = VerifiedPart {
            to: 4,
            is_complete: true,
            fault: None,
        };
        let view = |verified: &VerifiedPart| {
            serde_json::to_value(AuditVerificationView::of(chain(), verified)).unwrap()
        };
        assert_eq!(
            view(&verified),
            serde_json::json!({ "chain": 3, "verified_to": 4, "complete": true, "fault": null })
        );
        verified.is_complete = false;
        verified.fault = Some(AuditFault {
            chain: chain(),
            sequence: 5,
            kind: AuditFaultKind::BeyondHead,
        });
        let fault = &view(&verified)["fault"];
        assert_eq!(
            (&fault["sequence"], &fault["kind"]),
            (&5.into(), &"beyond_head".into())
        );
        assert!(fault["message"].as_str().unwrap().contains("record 5"));
    }
}
