//! Whole ceremonies: the standard's test vectors, and an authenticator that says whatever it is told to.

mod attestation;
mod client_data;
mod device;
mod login;
mod registration;
mod vectors;

use super::{Challenge, RelyingParty};

/// The relying party of the standard's test vectors.
fn party() -> RelyingParty {
    RelyingParty {
        id: "example.org".to_owned(),
        name: "Example".to_owned(),
        origins: vec![
            "https://example.org".to_owned(),
            "https://shop.example.org:8443".to_owned(),
        ],
    }
}

fn challenge() -> Challenge {
    Challenge::new([0xC4; 32])
}

/// A test and a change that it makes to an answer.
type Case<T, E> = (&'static str, fn(&mut T), E);
