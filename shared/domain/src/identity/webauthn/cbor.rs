//! CBOR (RFC 8949), as far as authenticators write it: definite lengths, no tags, no key twice in a map (CTAP 2.2, section 8).
//! Input comes from strangers: depth is bounded, and memory by the input's length.

use std::collections::BTreeMap;

/// Most containers within each other; CTAP allows 4, and an attestation object adds some around its own.
const MAX_DEPTH: u8 = 8;

/// A value. Those that no structure of ours needs are read over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cbor<'a> {
    /// An integer.
    Int(i64),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A text.
    Text(&'a str),
    /// A map.
    Map(Map<'a>),
    /// A list, a boolean, a null or a float.
    Other,
}

/// A map.
pub(super) type Map<'a> = BTreeMap<Key<'a>, Cbor<'a>>;

/// A key of a map. Authenticators use no other types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'a> {
    /// A number, as in COSE keys.
    Int(i64),
    /// A name.
    Text(&'a str),
}

/// Bytes that are read from the front. `None` means that they end too early, or are not of the type that is read.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Cbor<'a> {
    /// Reads one value that takes up the whole input.
    pub(super) fn read(input: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(input);
        let value = reader.value()?;
        reader.rest.is_empty().then_some(value)
    }

    /// The map, if it is one.
    pub(super) fn into_map(self) -> Option<Map<'a>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The bytes, if it is a byte string.
    pub(super) fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<'a> Reader<'a> {
    /// Begins at the front of `input`.
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// The bytes that have not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Reads a fixed number of bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// Reads one value.
    pub(super) fn value(&mut self) -> Option<Cbor<'a>> {
        self.nested(MAX_DEPTH)
    }

    /// Reads one value with the bytes that encode it.
    pub(super) fn encoded(&mut self) -> Option<&'a [u8]> {
        let before = self.rest;
        self.value()?;
        before.get(..before.len() - self.rest.len())
    }

    fn nested(&mut self, depth: u8) -> Option<Cbor<'a>> {
        let [head] = self.array()?;
        let argument = self.argument(head & 31)?;
        match head >> 5 {
            0 => Some(Cbor::Int(i64::try_from(argument).ok()?)),
            1 => Some(Cbor::Int(-1 - i64::try_from(argument).ok()?)),
            2 => Some(Cbor::Bytes(self.take(usize::try_from(argument).ok()?)?)),
            3 => {
                let text = self.take(usize::try_from(argument).ok()?)?;
                Some(Cbor::Text(str::from_utf8(text).ok()?))
            }
            4 => {
                let depth = depth.checked_sub(1)?;
                // Each value takes a byte at least: a length beyond the input ends with it.
                for _ in 0..argument {
                    self.nested(depth)?;
                }
                Some(Cbor::Other)
            }
            5 => self.map(argument, depth.checked_sub(1)?).map(Cbor::Map),
            // False, true, null, undefined and floats of 16, 32 and 64 bits.
            7 if matches!(head & 31, 20..=23 | 25..=27) => Some(Cbor::Other),
            _ => None,
        }
    }

    /// The number in a value's head, by the head's lower five bits. Those above 27 are reserved, or an indefinite length.
    fn argument(&mut self, bits: u8) -> Option<u64> {
        match bits {
            0..=23 => Some(u64::from(bits)),
            24 => self.array().map(u8::from_be_bytes).map(u64::from),
            25 => self.array().map(u16::from_be_bytes).map(u64::from),
            26 => self.array().map(u32::from_be_bytes).map(u64::from),
            27 => self.array().map(u64::from_be_bytes),
            _ => None,
        }
    }

    fn map(&mut self, members: u64, depth: u8) -> Option<Map<'a>> {
        let mut map = Map::new();
        for _ in 0..members {
            let key = match self.nested(depth)? {
                Cbor::Int(number) => Key::Int(number),
                Cbor::Text(name) => Key::Text(name),
                _ => return None,
            };
            if map.insert(key, self.nested(depth)?).is_some() {
                return None;
            }
        }
        Some(map)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values() {
        // Examples of RFC 8949, appendix A.
        let known: [(&[u8], Cbor); 20] = [
            (b"\x00", Cbor::Int(0)),
            (b"\x17", Cbor::Int(23)),
            (b"\x18\x18", Cbor::Int(24)),
            (b"\x19\x03\xE8", Cbor::Int(1000)),
            (b"\x1A\x00\x0F\x42\x40", Cbor::Int(1_000_000)),
            (
                b"\x1B\x00\x00\x00\xE8\xD4\xA5\x10\x00",
                Cbor::Int(1_000_000_000_000),
            ),
            (b"\x1B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", Cbor::Int(i64::MAX)),
            (b"\x20", Cbor::Int(-1)),
            (b"\x39\x03\xE7", Cbor::Int(-1000)),
            (b"\x3B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", Cbor::Int(i64::MIN)),
            (b"\x40", Cbor::Bytes(b"")),
            (b"\x44\x01\x02\x03\x04", Cbor::Bytes(&[1, 2, 3, 4])),
            (b"\x60", Cbor::Text("")),
            (b"\x62\xC3\xBC", Cbor::Text("ü")),
            (b"\x83\x01\x02\x03", Cbor::Other),
            (b"\xA0", Cbor::Map(Map::new())),
            (
                b"\xA2\x61a\x01\x20\x80",
                Cbor::Map(Map::from([
                    (Key::Text("a"), Cbor::Int(1)),
                    (Key::Int(-1), Cbor::Other),
                ])),
            ),
            (b"\xF5", Cbor::Other),
            (b"\xF6", Cbor::Other),
            (b"\xFB\x3F\xF1\x99\x99\x99\x99\x99\x9A", Cbor::Other),
        ];
        for (bytes, value) in known {
            assert_eq!(Cbor::read(bytes), Some(value), "{bytes:02x?}");
            // Cut off, and with a rest.
            for end in 0..bytes.len() {
                assert_eq!(Cbor::read(&bytes[..end]), None, "{bytes:02x?} to {end}");
            }
            assert_eq!(Cbor::read(&[bytes, &[0]].concat()), None, "{bytes:02x?}");
        }
    }

    #[test]
    fn values_that_authenticators_do_not_write_are_refused() {
        let refused: [(&str, &[u8]); 13] = [
            ("indefinite bytes", b"\x5F\x41\x00\xFF"),
            ("an indefinite text", b"\x7F\x61a\xFF"),
            ("an indefinite list", b"\x9F\xFF"),
            ("an indefinite map", b"\xBF\xFF"),
            ("a reserved head", b"\x1C"),
            ("a tag", b"\xC0\x00"),
            ("an unassigned simple value", b"\xE0"),
            ("a simple value of two bytes", b"\xF8\xFF"),
            ("a break", b"\xFF"),
            ("no UTF-8", b"\x61\xFF"),
            ("a key of bytes", b"\xA1\x41\x00\x00"),
            (
                "a number beyond 63 bits",
                b"\x1B\x80\x00\x00\x00\x00\x00\x00\x00",
            ),
            (
                "a negative one beyond 63 bits",
                b"\x3B\x80\x00\x00\x00\x00\x00\x00\x00",
            ),
        ];
        for (name, bytes) in refused {
            assert_eq!(Cbor::read(bytes), None, "{name}");
        }
    }

    #[test]
    fn a_key_is_in_a_map_once() {
        for (name, bytes) in [
            ("numbers", b"\xA2\x01\x00\x01\x00".as_slice()),
            ("names", b"\xA2\x61a\x00\x61a\x01"),
            // The same number in a longer form.
            ("forms", b"\xA2\x01\x00\x18\x01\x00"),
            (
                "a map in a list in a map",
                b"\xA1\x01\x81\xA2\x20\x00\x20\x00",
            ),
        ] {
            assert_eq!(Cbor::read(bytes), None, "{name}");
        }
        assert!(Cbor::read(b"\xA2\x01\x00\x61\x31\x00").is_some());
    }

    #[test]
    fn depth_is_bounded() {
        for container in [b"\x81".as_slice(), b"\xA1\x00"] {
            let nested = |depth| [container.repeat(depth), vec![0]].concat();
            assert!(Cbor::read(&nested(8)).is_some());
            assert_eq!(Cbor::read(&nested(9)), None);
            assert_eq!(Cbor::read(&nested(1_000_000)), None);
        }
    }

    #[test]
    fn a_length_beyond_the_input_takes_neither_time_nor_memory() {
        for kind in 2..=5_u8 {
            for length in [u64::MAX, u64::from(u32::MAX), 1 << 40] {
                let head = [(kind << 5) | 27];
                let bytes = [head.as_slice(), &length.to_be_bytes(), &[0; 100]].concat();
                assert_eq!(Cbor::read(&bytes), None, "{kind}, {length}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            if let Some(encoded) = reader.encoded() {
                prop_assert_eq!([encoded, reader.rest()].concat(), bytes.clone());
                prop_assert!(Cbor::read(encoded).is_some());
            }
        }
    }
}
