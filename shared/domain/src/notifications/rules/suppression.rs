//! Suppression list: addresses that bounced permanently or whose owners complained. Only a hash of the
//! address is stored.

use std::fmt;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::text;

/// Stands in for an email address in logs and keys. Given an address, its hash can be computed and
/// compared; addresses cannot be listed from hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressHash(String);

impl AddressHash {
    /// Hashes the address of a mailbox as mails write it, with or without a display name (`Ada <ada@example.com>`).
    pub fn of_mailbox(mailbox: &str) -> Self {
        Self::of(match mailbox.rsplit_once('<') {
            Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
            None => mailbox,
        })
    }

    /// Hashes an address, case-insensitively. All spellings that [`text::email`] takes for one address have one hash.
    pub fn of(address: &str) -> Self {
        // Feedback may write a domain in its own script that was sent to in punycode.
        let address = text::email(address).unwrap_or_else(|| address.trim().to_owned());
        let digest = digest(&SHA256, address.to_lowercase().as_bytes());
        Self(
            digest
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

impl fmt::Display for AddressHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an address is suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Permanent bounce: the address cannot receive email.
    Bounce,
    /// The recipient marked an email as spam.
    Complaint,
}

impl Reason {
    /// Name of the reason in the table and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
        }
    }
}

/// One entry of the suppression list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Hash of the suppressed address.
    pub address: AddressHash,
    /// Bounce or complaint.
    pub reason: Reason,
    /// The mail service's subtype, such as `General` or `abuse`.
    pub detail: String,
    /// Time of the bounce or complaint.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let hash = AddressHash::of("ada@example.com");
        for same in [
            "Ada@Example.COM",
            " ada@example.com ",
            "Ada <ada@example.com>",
        ] {
            assert_eq!(AddressHash::of_mailbox(same), hash, "{same}");
        }
        assert_ne!(AddressHash::of("Ada <ada@example.com>"), hash);
        assert_eq!(
            AddressHash::of_mailbox("Pia <pia@Bücher.example>"),
            AddressHash::of("pia@xn--bcher-kva.example")
        );
        assert_ne!(AddressHash::of("bea@example.com"), hash);
        assert_eq!(
            hash.to_string(),
            "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72".to_owned()
        );
    }
}
