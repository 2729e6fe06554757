//! Traces: which request caused what, in the format of W3C Trace Context.
//!
//! A request continues the trace that its caller names, or begins one. What it writes carries its place in the trace, and so do
//! the messages that follow from that.

use std::{fmt, str::FromStr};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Length of a `traceparent` of version 00.
const LENGTH: usize = 55;
/// The only flag that is passed on: the caller records the trace.
const SAMPLED: u8 = 1;

/// A place in a trace: `00-<trace id>-<parent id>-<flags>`. The parent is the request or message that it stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace: u128,
    parent: u64,
    flags: u8,
}

/// The request that causes a change.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    /// Its id, for the logs.
    pub trace_id: &'a str,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// A text that is not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent in the format of W3C Trace Context")]
pub struct InvalidTraceParent;

impl TraceParent {
    /// The place of a request: in the trace that its caller names, if the header is valid, otherwise in a new one.
    pub fn of_request(header: Option<&str>, request_id: &str) -> Self {
        match header.map(Self::from_str) {
            Some(Ok(caller)) => caller.child(request_id),
            Some(Err(InvalidTraceParent)) | None => Self::begin(request_id),
        }
    }

    /// The place of a request in a trace of its own. The same for each call with an id, so that it need not be stored beside
    /// the id.
    pub fn begin(request_id: &str) -> Self {
        let Ids { trace, parent } = hash(&["trace", request_id]);
        Self {
            trace,
            parent,
            flags: SAMPLED,
        }
    }

    /// The place of what follows, such as a message: in the same trace, with a parent of its own, which is the same for each
    /// call with a name.
    pub fn child(self, name: &str) -> Self {
        let Ids { parent, .. } = hash(&["child", &self.to_string(), name]);
        Self { parent, ..self }
    }

    /// Id of the trace: 32 hexadecimal digits.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// Ids of a trace and of a place in it; neither may be 0.
struct Ids {
    trace: u128,
    parent: u64,
}

/// Derives ids from parts: equal parts give equal ids.
fn hash(parts: &[&str]) -> Ids {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finish();
    let (mut trace, mut parent) = ([0; 16], [0; 8]);
    trace.copy_from_slice(&digest.as_ref()[..16]);
    parent.copy_from_slice(&digest.as_ref()[16..24]);
    Ids {
        trace: u128::from_be_bytes(trace).max(1),
        parent: u64::from_be_bytes(parent).max(1),
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    /// Reads a `traceparent`. Of a later version, the part that version 00 has is read, as the standard says.
    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let digits = |from: usize, to: usize| {
            let digits = text.get(from..to).ok_or(InvalidTraceParent)?;
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            match digits.bytes().all(is_digit) {
                true => u128::from_str_radix(digits, 16).map_err(|_| InvalidTraceParent),
                false => Err(InvalidTraceParent),
            }
        };
        let byte = |from: usize| Ok(u8::try_from(digits(from, from + 2)?).unwrap_or_default());
        let version = byte(0)?;
        let ends = match text.len() {
            LENGTH => version != 0xff,
            _ => version != 0 && version != 0xff && text.as_bytes().get(LENGTH) == Some(&b'-'),
        };
        let dashes = [2, 35, 52]
            .iter()
            .all(|at| text.as_bytes().get(*at) == Some(&b'-'));
        let (trace, parent) = (digits(3, 35)?, digits(36, 52)?);
        if !ends || !dashes || trace == 0 || parent == 0 {
            return Err(InvalidTraceParent);
        }
        Ok(Self {
            trace,
            parent: u64::try_from(parent).unwrap_or_default(),
            flags: byte(53)? & SAMPLED,
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace,
            parent,
            flags,
        } = self;
        write!(formatter, "00-{trace:032x}-{parent:016x}-{flags:02x}")
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The stored place in a trace; if it is missing, that of a request in a trace of its own.
pub fn stored(place: Option<TraceParent>, request_id: &str) -> TraceParent {
    place.unwrap_or_else(|| TraceParent::begin(request_id))
}

/// Reads a `traceparent` that may be missing. An invalid one counts as missing: nothing fails because of its trace.
pub fn lenient<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TraceParent>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The standard's own example.
    const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_request_continues_the_trace_of_its_caller() {
        let place = TraceParent::of_request(Some(SENT), "r=");
        assert_eq!(place.trace_id(), TRACE);
        assert_ne!(
            place.to_string(),
            SENT,
            "the request is a parent of its own"
        );
        assert_eq!(place, TraceParent::of_request(Some(SENT), "r="));
        assert_ne!(place, TraceParent::of_request(Some(SENT), "another="));
        let unrecorded = SENT.replace("-01", "-00");
        let place = TraceParent::of_request(Some(&unrecorded), "r=").to_string();
        assert!(place.ends_with("-00"), "{place}");
    }

    #[test]
    fn a_request_without_a_valid_header_begins_a_trace() {
        let begun = TraceParent::begin("r=");
        assert_ne!(begun.trace_id(), TraceParent::begin("another=").trace_id());
        assert_eq!(TraceParent::of_request(None, "r="), begun);
        for header in [
            "",
            "r=",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-é",
            "00-4bf92f3577b34da6a3ce929d0e0e47é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(
                TraceParent::of_request(Some(header), "r="),
                begun,
                "{header}"
            );
        }
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        for later in [
            SENT.replace("00-4b", "01-4b"),
            SENT.replace("00-4b", "cc-4b") + "-what-the-future-brings",
        ] {
            let place: TraceParent = later.parse().unwrap();
            assert_eq!(place.to_string(), SENT, "{later}");
        }
        // Of the flags only the one that version 00 knows is passed on.
        let flags: TraceParent = SENT.replace("-01", "-ff").parse().unwrap();
        assert_eq!(flags.to_string(), SENT);
    }

    #[test]
    fn what_follows_is_in_the_same_trace_with_a_parent_of_its_own() {
        let request = TraceParent::begin("r=");
        let [placed, paid] = ["ord_X.1", "ord_X.2"].map(|name| request.child(name));
        assert!(placed != paid && placed != request && paid != request);
        assert_eq!(
            [placed.trace_id(), paid.trace_id()],
            [request.trace_id(), request.trace_id()]
        );
        assert_eq!(placed, request.child("ord_X.1"), "a repetition is the same");
    }

    proptest! {
        #[test]
        fn text_and_place_are_the_same(id in "\\PC{0,40}", name in "\\PC{0,40}") {
            let place = TraceParent::begin(&id).child(&name);
            prop_assert_eq!(place.to_string().parse(), Ok(place));
            prop_assert_eq!(place.to_string().len(), LENGTH);
        }

        #[test]
        fn no_text_is_a_place_by_accident(text in "\\PC{0,60}") {
            if let Ok(place) = text.parse::<TraceParent>() {
                prop_assert_eq!(&place.to_string()[3..52], &text[3..52]);
            }
        }
    }
}
