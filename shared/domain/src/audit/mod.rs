//! The audit trail: an entry for every action of staff and of security, in chains of records that nobody can change unnoticed
//! (docs/adr/0029).
//!
//! Each record carries the hash of the one before. Anchors, which are kept where nobody can replace them, tell whether a chain
//! was rewritten or truncated. Personal values are encrypted with a key of that person, and the hash covers the ciphertext: once
//! the key is deleted the values cannot be read, and the chain still verifies.

mod action;
mod actor;
mod api;
mod canonical;
mod entry;
mod export;
mod list;
mod part;
mod personal;
mod record;
mod subject;
mod verify;

pub use action::AuditAction;
pub use actor::AuditActor;
pub use api::{AuditPage, AuditRecordView, FieldChangeView, ListAuditQuery, PersonalView};
pub use entry::{AuditEntry, EntryId, FieldChange, InvalidAuditText};
pub use export::{
    AuditFaultView, AuditVerificationView, ChainInPath, ExportChain, ExportChainQuery,
    ExportedChain, ExportedHead, ExportedItem, VerifyAudit, VerifyAuditBody,
};
pub use list::{ListAudit, MAX_AUDIT_PAGE};
pub use part::{AnchorItem, ChainPart, NoSuchRecord, VerifiedPart};
pub use personal::{PersonKey, PersonalField, PersonalValue, Sealed, Unsealable};
pub use record::{AuditRecord, ChainHead, ChainNumber, InvalidRecord, RecordHash};
pub use subject::{AuditSubject, SubjectKind};
pub use verify::{Anchor, AnchorCheck, AuditFault, AuditFaultKind, TrailItem, Verifier};

#[cfg(test)]
mod tests;
