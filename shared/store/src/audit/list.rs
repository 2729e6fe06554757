//! Lists the records of all chains together, newest first.

use std::collections::VecDeque;

use domain::audit::{AuditRecord, ChainNumber, ListAudit, TrailItem};
use futures_util::future::try_join_all;

use super::TrailOrder;
use crate::{Consistency, ListError, Result, Store, cursor};

/// Name of the list, which a cursor is bound to.
const LIST: &str = "AUDIT";
/// Records that are read of each of several chains, as a part of the page: few pages need more of one.
const OF_EACH_CHAIN: u32 = 4;
/// Most rounds of queries of one page: filters may leave little of what is read.
const ROUNDS: u32 = 4;

/// Some records of the trail, newest first.
#[derive(Debug)]
pub struct AuditList {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// Cursor of the next page, if there may be one.
    pub next_cursor: Option<String>,
}

/// One chain that is being read.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    chain: ChainNumber,
    /// Records that the page may show, newest first.
    read: VecDeque<AuditRecord>,
    /// Number of the last record that was read, or that the page before has ended with.
    last: Option<u64>,
    is_at_end: bool,
}

impl Store {
    /// Reads one page of the trail, newest first by the time of recording, and leaves out records that its filters do not take
    /// or that cannot be read. The page may have fewer records than the limit although there are more. Keys: those of
    /// [`Store::audit_page`] for each chain, eventually consistent. 0.5 or 1 read units for each chain, or 2 or 3 for 25 records
    /// of one; filters that take little of what is read: up to four times as much.
    pub async fn list_audit(&self, list: &ListAudit) -> Result<AuditList, ListError> {
        let filters = list.filters();
        let mut parts = match &list.cursor {
            None => list.chains().into_iter().map(Part::new).collect(),
            Some(text) => {
                let place = cursor::decode_bound(LIST, &filters, text)?;
                read_place(&place, &list.chains()).ok_or(cursor::InvalidCursor)?
            }
        };
        let each = match parts.len() {
            1 => list.limit,
            _ => list.limit.div_ceil(OF_EACH_CHAIN),
        };
        let limit = usize::try_from(list.limit).unwrap_or(usize::MAX);
        let mut records = Vec::new();
        let mut rounds = 0;
        while records.len() < limit {
            if parts.iter().any(Part::is_to_be_read) {
                if rounds == ROUNDS {
                    break;
                }
                let unread = parts.iter_mut().filter(|part| part.is_to_be_read());
                try_join_all(unread.map(|part| self.read_chain(part, list, each))).await?;
                rounds += 1;
                continue;
            }
            let Some(record) = newest(&mut parts) else {
                break;
            };
            records.push(record);
        }
        let place = place(&parts);
        Ok(AuditList {
            records,
            next_cursor: place.map(|place| cursor::encode(LIST, &filters, &place)),
        })
    }

    /// Reads on in one chain.
    async fn read_chain(&self, part: &mut Part, list: &ListAudit, limit: u32) -> Result<()> {
        let page = self.audit_page(
            part.chain,
            part.last,
            limit,
            TrailOrder::NewestFirst,
            Consistency::Eventual,
        );
        let page = page.await?;
        part.last = page.next;
        part.is_at_end = page.next.is_none();
        for item in page.items {
            // One that cannot be read was logged, and is not in the way of the others.
            let TrailItem::Record(record) = item else {
                continue;
            };
            if list.is_before(&record) {
                part.is_at_end = true;
                break;
            }
            if list.takes(&record) {
                part.read.push_back(*record);
            }
        }
        Ok(())
    }
}

impl Part {
    const fn new(chain: ChainNumber) -> Self {
        Self {
            chain,
            read: VecDeque::new(),
            last: None,
            is_at_end: false,
        }
    }

    fn is_to_be_read(&self) -> bool {
        self.read.is_empty() && !self.is_at_end
    }

    /// The number below which the next page goes on; `None` if there is nothing left.
    fn rest(&self) -> Option<u64> {
        match self.read.front() {
            Some(first) => Some(first.sequence.saturating_add(1)),
            None => self.last.filter(|_| !self.is_at_end),
        }
    }
}

/// Takes the newest record of all chains. Each has been read as far as that takes.
fn newest(parts: &mut [Part]) -> Option<AuditRecord> {
    let time = |part: &Part| part.read.front().map(|first| first.recorded_at);
    let part = parts.iter_mut().max_by_key(|part| time(part))?;
    part.read.pop_front()
}

/// Where the next page goes on: of each chain that is not at its end, its number and that of a record, in hexadecimal digits.
/// So a cursor has its length until chains have 2^48 records.
fn place(parts: &[Part]) -> Option<String> {
    let rests = parts
        .iter()
        .filter_map(|part| Some((part.chain, part.rest()?)));
    let rests: Vec<String> = rests
        .map(|(chain, rest)| format!("{:x}:{rest:x}", chain.get()))
        .collect();
    (!rests.is_empty()).then(|| rests.join(","))
}

/// Reads what [`place`] has written, if it names chains of this list only, each once.
fn read_place(text: &str, chains: &[ChainNumber]) -> Option<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for rest in text.split(',') {
        let (chain, last) = rest.split_once(':')?;
        let chain = u8::from_str_radix(chain, 16).ok()?;
        let chain = ChainNumber::try_from(chain).ok()?;
        let last = u64::from_str_radix(last, 16).ok()?;
        let is_new = parts.last().is_none_or(|before| before.chain < chain);
        if !is_new || !chains.contains(&chain) {
            return None;
        }
        parts.push(Part {
            last: Some(last),
            ..Part::new(chain)
        });
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(chain: u8, last: Option<u64>) -> Part {
        Part {
            last,
            ..Part::new(ChainNumber::try_from(chain).unwrap())
        }
    }

    #[test]
    fn a_page_goes_on_in_the_chains_that_are_not_at_their_end() {
        let all: Vec<ChainNumber> = ChainNumber::all().collect();
        let ended = Part {
            is_at_end: true,
            ..part(4, Some(9))
        };
        let parts = [part(3, Some(17)), ended, part(15, Some(u64::MAX))];
        let text = place(&parts).unwrap();
        assert_eq!(text, "3:11,f:ffffffffffffffff");
        let read = read_place(&text, &all).unwrap();
        assert_eq!(read, [part(3, Some(17)), part(15, Some(u64::MAX))]);
        assert_eq!(place(&parts[1..2]), None);
        let longest: Vec<Part> = all.iter().map(|it| part(it.get(), Some(1 << 48))).collect();
        let text = place(&longest).unwrap();
        assert_eq!(read_place(&text, &all).unwrap(), longest);
        let cursor = cursor::encode(LIST, "", &text);
        assert_eq!(cursor::decode_bound(LIST, "", &cursor), Ok(text));
    }

    #[test]
    fn a_forged_place_is_refused() {
        let chains = [3, 4].map(|it| ChainNumber::try_from(it).unwrap());
        assert!(read_place("3:1,4:2", &chains).is_some());
        for forged in [
            "",
            "3",
            "3:",
            ":1",
            "3:x",
            "3:1,",
            "5:1",
            "10:1",
            "3:1,3:2",
            "4:1,3:1",
            "3:11111111111111111",
        ] {
            assert_eq!(read_place(forged, &chains), None, "{forged}");
        }
    }
}
