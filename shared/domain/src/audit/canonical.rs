//! One spelling of values as bytes, for what is hashed or sealed.

use jiff::Timestamp;

/// Values as bytes, in order. A text or a list has its length before it and other values have a fixed length, so that different
/// values never have the same bytes.
#[derive(Debug, Default)]
pub(super) struct Canonical(Vec<u8>);

impl Canonical {
    /// A value of a fixed length.
    pub(super) fn fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.extend(bytes);
    }

    /// A number or a length: eight bytes, the most significant first.
    pub(super) fn number(&mut self, number: u64) {
        self.fixed(number.to_be_bytes());
    }

    /// Nanoseconds since 1970: sixteen bytes, the most significant first.
    pub(super) fn time(&mut self, time: Timestamp) {
        self.fixed(time.as_nanosecond().to_be_bytes());
    }

    /// Bytes of any length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// A text, as UTF-8.
    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A text that may be missing, which is not the same as an empty one.
    pub(super) fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.fixed([0]),
            Some(text) => {
                self.fixed([1]);
                self.text(text);
            }
        }
    }

    /// The length of a list, before its members.
    pub(super) fn count(&mut self, length: usize) {
        // No machine counts further.
        self.number(u64::try_from(length).unwrap_or(u64::MAX));
    }

    /// All bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(write: impl Fn(&mut Canonical)) -> Vec<u8> {
        let mut canonical = Canonical::default();
        write(&mut canonical);
        canonical.into_bytes()
    }

    #[test]
    fn different_values_have_different_bytes() {
        let texts = |texts: &[&str]| of(|it| texts.iter().for_each(|text| it.text(text)));
        assert_ne!(texts(&["ab", "c"]), texts(&["a", "bc"]));
        assert_ne!(texts(&["", "a"]), texts(&["a", ""]));
        assert_ne!(of(|it| it.optional(None)), of(|it| it.optional(Some(""))));
        let epoch = Timestamp::UNIX_EPOCH;
        let later = Timestamp::from_nanosecond(1).unwrap();
        assert_ne!(of(|it| it.time(epoch)), of(|it| it.time(later)));
        assert_eq!(of(|it| it.text("é")), [0, 0, 0, 0, 0, 0, 0, 2, 0xC3, 0xA9]);
    }
}
