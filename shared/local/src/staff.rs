//! Keys and staff tokens that are signed by hand, for machines and emergencies.

use std::{fs, io::Write, path::Path};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use runtime::{StaffClaims, TOKEN_AUDIENCE};

use crate::outcome::Outcome;

const FILE: &str = "staff-key.pem";

/// Creates `staff-key.pem` in `dir` unless it exists, and returns the public key in base64url.
pub fn make_key(dir: &Path) -> Outcome<String> {
    let path = dir.join(FILE);
    if !path.exists() {
        fs::create_dir_all(dir)?;
        let text = STANDARD.encode(new_key()?);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        write_private(&path, &pem)?;
    }
    public_key(&read_key(dir)?)
}

/// Creates a private key without storing it.
pub fn new_key() -> Outcome<Vec<u8>> {
    let key =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| "no random numbers")?;
    Ok(key.as_ref().to_vec())
}

/// The public key of a private key, in base64url.
pub fn public_key(key: &[u8]) -> Outcome<String> {
    let pair =
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(key).map_err(|error| error.to_string())?;
    Ok(URL_SAFE_NO_PAD.encode(pair.public_key()))
}

/// Signs a token for `subject` with the key in `dir`.
pub fn make_token(dir: &Path, subject: &str, hours: u32) -> Outcome<String> {
    token_of(&read_key(dir)?, subject, hours)
}

/// Signs a token for `subject` with a key.
pub fn token_of(key: &[u8], subject: &str, hours: u32) -> Outcome<String> {
    let now = runtime::now().as_second();
    let claims = StaffClaims {
        sub: subject.to_owned(),
        role: "staff".to_owned(),
        aud: TOKEN_AUDIENCE.to_owned(),
        iat: now,
        exp: now + i64::from(hours) * 3600,
    };
    Ok(runtime::sign_staff_token(&claims, key)?)
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, text: &str) -> Outcome {
    use std::os::unix::fs::OpenOptionsExt;
    // Recreated, as the mode only applies to a new file.
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

fn read_key(dir: &Path) -> Outcome<Vec<u8>> {
    let path = dir.join(FILE);
    let pem = fs::read_to_string(&path).map_err(|error| {
        format!(
            "{}: {error}; make the key with `cargo xtask staff-key`",
            path.display()
        )
    })?;
    let text: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    Ok(STANDARD.decode(text)?)
}
