//! Identifiers with a type prefix, such as `ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA`.

use std::{fmt, marker::PhantomData, str::FromStr};

use jiff::Timestamp;
use ring::digest::{Context, SHA256};

/// Crockford's base 32: without I, L, O and U, so that ids can be read out over the phone.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Number of base 32 digits for 128 bits.
const DIGITS: usize = 26;

/// Kind of resource that an [`Id`] identifies.
pub trait Kind {
    /// Prefix including the underscore, such as `ord_`.
    const PREFIX: &'static str;
}

/// 128-bit identifier of a resource of kind `K`.
pub struct Id<K> {
    bits: u128,
    kind: PhantomData<fn() -> K>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $alias:ident, $prefix:literal;)*) => {$(
        #[doc = concat!("Marks ids that start with `", $prefix, "`.")]
        #[derive(Debug)]
        pub enum $kind {}
        impl Kind for $kind { const PREFIX: &'static str = $prefix; }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// Identifies a product; ids of newer products sort after older ones.
    ProductKind = ProductId, "prd_";
    /// Identifies a cart; knowing it grants access to the cart.
    CartKind = CartId, "crt_";
    /// Identifies an order; derived from its idempotency key.
    OrderKind = OrderId, "ord_";
    /// Identifies a refund; also its idempotency key at the provider.
    RefundKind = RefundId, "ref_";
    /// Identifies a return: goods that came back, or that will not be shipped.
    ReturnKind = ReturnId, "ret_";
    /// Identifies a fulfilment of an order.
    FulfilmentKind = FulfilmentId, "ful_";
    /// Identifies an idempotent request; derived from its caller, route and key.
    RequestKind = RequestId, "req_";
    /// Identifies a product import; newer ones sort after older ones.
    ImportKind = ImportId, "imp_";
    /// Identifies a job; newer ones sort after older ones. An import and its job have the same digits.
    JobKind = JobId, "job_";
    /// Identifies an export of an account's data. An export and its job have the same digits.
    ExportKind = ExportId, "exp_";
    /// Identifies an account of a customer or of staff.
    AccountKind = AccountId, "acc_";
    /// Identifies a session: one device on which somebody is signed in.
    SessionKind = SessionId, "ses_";
    /// Identifies a registration that is not verified yet.
    RegistrationKind = RegistrationId, "reg_";
    /// Identifies a request to set a new password.
    ResetKind = ResetId, "rst_";
    /// Identifies a request to change an account's address.
    EmailChangeKind = EmailChangeId, "emc_";
    /// Identifies a passkey; derived from the id of its credential.
    PasskeyKind = PasskeyId, "psk_";
    /// Identifies an address of an account's address book.
    AddressKind = AddressId, "adr_";
    /// Identifies an API key.
    ApiKeyKind = ApiKeyId, "key_";
    /// Identifies an invitation to the staff.
    InvitationKind = InvitationId, "inv_";
    /// Identifies a change of a stock by staff; newer ones sort after older ones.
    StockChangeKind = StockChangeId, "stk_";
}

impl<K: Kind> Id<K> {
    /// An unguessable id of 128 random bits.
    pub fn random(random: [u8; 16]) -> Self {
        Self::from_bits(u128::from_be_bytes(random))
    }

    /// An id that sorts by time: 48 bits of milliseconds and 80 random bits (a ULID).
    pub fn at(now: Timestamp, random: [u8; 16]) -> Self {
        let millis = u128::from(now.as_millisecond().max(0).unsigned_abs());
        Self::from_bits((millis << 80) | (u128::from_be_bytes(random) >> 48))
    }

    /// Derives an id from `parts` by a one-way hash: equal parts give equal ids.
    pub fn derived(parts: &[&str]) -> Self {
        let mut hash = Context::new(&SHA256);
        for part in [K::PREFIX].iter().chain(parts) {
            // The length prefix keeps ("ab", "c") and ("a", "bc") apart.
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finish();
        let mut bits = [0; 16];
        bits.copy_from_slice(&digest.as_ref()[..16]);
        Self::random(bits)
    }

    /// The id of this kind with the same digits as `other`.
    pub fn of<L: Kind>(other: Id<L>) -> Self {
        Self::from_bits(other.bits)
    }

    fn from_bits(bits: u128) -> Self {
        Self {
            bits,
            kind: PhantomData,
        }
    }

    /// Assigns the id to one of `parts` partitions, evenly.
    pub fn part(&self, parts: u8) -> u8 {
        u8::try_from(self.bits % u128::from(parts.max(1))).unwrap_or_default()
    }

    /// The 128 bits, most significant first; [`Id::random`] makes the id of them.
    pub fn to_bytes(self) -> [u8; 16] {
        self.bits.to_be_bytes()
    }

    /// The 26 digits after the prefix.
    pub fn digits(&self) -> String {
        crockford(self.bits)
    }
}

/// Encodes 128 bits as 26 base 32 digits, most significant first.
pub(crate) fn crockford(bits: u128) -> String {
    (0..DIGITS)
        .rev()
        .map(|digit| char::from(ALPHABET[((bits >> (5 * digit)) & 31) as usize]))
        .collect()
}

/// The digit that a person means: letters in either case, and the letters that the alphabet leaves out as the digits they
/// look like. `None` for what is not a digit.
pub(crate) fn digit_meant(typed: char) -> Option<char> {
    let digit = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        digit => digit,
    };
    let known = u8::try_from(digit).is_ok_and(|digit| ALPHABET.contains(&digit));
    known.then_some(digit)
}

/// Text that is not an id of the expected kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected an id that starts with {prefix}")]
pub struct InvalidId {
    /// Expected prefix, such as `ord_`.
    pub prefix: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { prefix: K::PREFIX };
        let Some(digits) = text.strip_prefix(K::PREFIX) else {
            return Err(invalid);
        };
        // 26 digits hold 130 bits, so the first must be 0 to 7.
        if digits.len() != DIGITS || digits.as_bytes()[0] > b'7' {
            return Err(invalid);
        }
        let mut bits = 0_u128;
        for byte in digits.bytes() {
            let Some(value) = ALPHABET.iter().position(|digit| *digit == byte) else {
                return Err(invalid);
            };
            bits = (bits << 5) | value as u128;
        }
        Ok(Self::from_bits(bits))
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", K::PREFIX, self.digits())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// Derives would require `K: Clone` and so on, which the marker types do not implement.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<K> Eq for Id<K> {}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

impl<K: Kind> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<K: Kind> schemars::JsonSchema for Id<K> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}id", K::PREFIX).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let pattern = format!("^{}[0-7][0-9A-HJKMNP-TV-Z]{{25}}$", K::PREFIX);
        schemars::json_schema!({ "type": "string", "pattern": pattern })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_id_are_the_same_thing(random: [u8; 16]) {
            let id = CartId::random(random);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn no_text_is_an_id_by_accident(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<OrderId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn later_ids_sort_later(a in 0_i64..9_999_999_999_999, step in 1_i64..1_000_000, x: [u8; 16], y: [u8; 16]) {
            let early = ProductId::at(Timestamp::from_millisecond(a).unwrap(), x);
            let late = ProductId::at(Timestamp::from_millisecond(a + step).unwrap(), y);
            prop_assert!(early.to_string() < late.to_string());
        }
    }

    #[test]
    fn kinds_do_not_mix() {
        let cart = CartId::random([7; 16]).to_string();
        assert_eq!(cart.parse::<OrderId>(), Err(InvalidId { prefix: "ord_" }));
    }

    #[test]
    fn derived_ids_keep_their_parts_apart() {
        assert_ne!(
            OrderId::derived(&["ab", "c"]),
            OrderId::derived(&["a", "bc"])
        );
    }
}
