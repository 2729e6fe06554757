//! Base 32 of random bytes that people type.

/// Writes bytes as digits of `alphabet`, 5 bits each, most significant first. There is no padding, as 5 bytes are 8 digits.
pub(super) fn base32<const N: usize>(bytes: &[u8; N], alphabet: &[u8; 32]) -> String {
    const { assert!(N.is_multiple_of(5), "only whole groups of 5 bytes") };
    let groups = bytes.chunks_exact(5).map(|group| {
        let next = |bits, byte: &u8| (bits << 8) | u64::from(*byte);
        group.iter().fold(0_u64, next)
    });
    groups
        .flat_map(|bits| (0..8).rev().map(move |digit| (bits >> (5 * digit)) & 31))
        .filter_map(|value| alphabet.get(usize::try_from(value).ok()?))
        .map(|digit| char::from(*digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_standard() {
        const RFC_4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        // RFC 4648, section 10.
        assert_eq!(base32(b"fooba", RFC_4648), "MZXW6YTB");
        assert_eq!(base32(&[0; 10], RFC_4648), "A".repeat(16));
        assert_eq!(base32(&[255; 10], RFC_4648), "7".repeat(16));
        assert_eq!(base32(&[0, 0, 0, 0, 1], RFC_4648), "AAAAAAAB");
        assert_eq!(base32(&[], RFC_4648), "");
    }
}
