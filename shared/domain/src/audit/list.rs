//! Which records of the trail a page shows.

use jiff::{SignedDuration, Timestamp};

use super::{AuditAction, AuditActor, AuditRecord, AuditSubject, ChainNumber};

/// Maximum number of records on a page.
pub const MAX_AUDIT_PAGE: u32 = 100;
/// Most that the clocks of two processes differ by: more than ever happens.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A validated query for one page of the trail, newest first. All filters apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListAudit {
    /// Only actions of this originator.
    pub actor: Option<AuditActor>,
    /// Only this action.
    pub action: Option<AuditAction>,
    /// Only actions on this subject.
    pub subject: Option<AuditSubject>,
    /// Only actions at this time or later.
    pub since: Option<Timestamp>,
    /// Only actions before this time.
    pub until: Option<Timestamp>,
    /// Only records of this chain.
    pub chain: Option<ChainNumber>,
    /// Maximum number of records to return.
    pub limit: u32,
    /// Cursor to continue from; the first page if missing.
    pub cursor: Option<String>,
}

impl ListAudit {
    /// The chains that may have records of the page. None if the subject belongs to another chain than the one that is asked
    /// for.
    pub fn chains(&self) -> Vec<ChainNumber> {
        let of_subject = self.subject.as_ref().map(ChainNumber::of);
        let is_wanted = |chain: &ChainNumber| {
            self.chain.is_none_or(|wanted| wanted == *chain)
                && of_subject.is_none_or(|wanted| wanted == *chain)
        };
        ChainNumber::all().filter(is_wanted).collect()
    }

    /// Whether the page shows a record.
    pub fn takes(&self, record: &AuditRecord) -> bool {
        let entry = &record.entry;
        self.actor.as_ref().is_none_or(|it| *it == entry.actor)
            && self.action.is_none_or(|it| it == entry.action)
            && self.subject.as_ref().is_none_or(|it| *it == entry.subject)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
            && self.chain.is_none_or(|it| it == record.chain)
    }

    /// Whether neither this record nor an older one of its chain is of the time that is asked for: an action is recorded after
    /// it has happened.
    pub fn is_before(&self, record: &AuditRecord) -> bool {
        let latest = record.recorded_at.saturating_add(CLOCK_SKEW);
        match (self.since, latest) {
            (Some(since), Ok(latest)) => latest < since,
            (None, _) | (_, Err(_)) => false,
        }
    }

    /// Names the filters, which a cursor is bound to.
    pub fn filters(&self) -> String {
        let Self {
            actor,
            action,
            subject,
            since,
            until,
            chain,
            limit: _,
            cursor: _,
        } = self;
        format!("{actor:?} {action:?} {subject:?} {since:?} {until:?} {chain:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{
        ChainHead, SubjectKind,
        tests::{at, chain, entry},
    };

    fn record() -> AuditRecord {
        AuditRecord::next(&ChainHead::genesis(chain()), entry(1), at(60))
    }

    #[test]
    fn every_filter_leaves_something_out() {
        let record = record();
        let entry = &record.entry;
        assert!(ListAudit::default().takes(&record));
        let same = ListAudit {
            actor: Some(entry.actor.clone()),
            action: Some(entry.action),
            subject: Some(entry.subject.clone()),
            since: Some(entry.at),
            until: Some(entry.at + SignedDuration::from_nanos(1)),
            chain: Some(record.chain),
            limit: 1,
            cursor: None,
        };
        assert!(same.takes(&record));
        let others = [
            ListAudit {
                actor: Some(AuditActor::System),
                ..same.clone()
            },
            ListAudit {
                action: Some(AuditAction::KeysRotated),
                ..same.clone()
            },
            ListAudit {
                subject: Some(AuditSubject::new(SubjectKind::Job, entry.subject.id())),
                ..same.clone()
            },
            ListAudit {
                since: same.until,
                ..same.clone()
            },
            ListAudit {
                until: same.since,
                ..same.clone()
            },
            ListAudit {
                chain: ChainNumber::all().find(|it| *it != record.chain),
                ..same.clone()
            },
        ];
        for other in others {
            assert!(!other.takes(&record), "{other:?}");
            assert_ne!(other.filters(), same.filters());
        }
        let next = ListAudit {
            limit: 2,
            cursor: Some("c".into()),
            ..same.clone()
        };
        assert_eq!(next.filters(), same.filters());
    }

    #[test]
    fn a_list_reads_the_chains_that_it_may_be_in() {
        assert_eq!(ListAudit::default().chains().len(), 16);
        let subject = record().entry.subject;
        let of = ChainNumber::of(&subject);
        let list = ListAudit {
            subject: Some(subject),
            ..ListAudit::default()
        };
        assert_eq!(list.chains(), [of]);
        for chain in ChainNumber::all() {
            let one = ListAudit {
                chain: Some(chain),
                ..ListAudit::default()
            };
            assert_eq!(one.chains(), [chain]);
            let both = ListAudit {
                chain: Some(chain),
                ..list.clone()
            };
            assert_eq!(both.chains().is_empty(), chain != of);
        }
    }

    #[test]
    fn a_list_ends_where_records_are_older_than_it_asks_for() {
        let since = |seconds: i64| ListAudit {
            since: Some(at(seconds)),
            ..ListAudit::default()
        };
        let record = record();
        assert!(!ListAudit::default().is_before(&record));
        assert!(!since(60).is_before(&record));
        // Clocks differ.
        assert!(!since(60 + 300).is_before(&record));
        assert!(since(60 + 301).is_before(&record));
        let last = AuditRecord {
            recorded_at: Timestamp::MAX,
            ..record
        };
        assert!(!since(0).is_before(&last));
    }
}
