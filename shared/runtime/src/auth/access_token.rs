//! Signs and verifies access tokens.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    fault::Rejection,
    identity::{AUDIENCE, AccessClaims, ISSUER, LEEWAY, SigningKey, TOKEN_TYPE, TokenState},
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::Error};

use super::{crypto, invalid};

/// Verifies access tokens with the keys of one state. Made when the state changes, not for each request.
pub struct TokenVerifier {
    state: TokenState,
    keys: Vec<(String, DecodingKey)>,
    rules: Validation,
}

impl TokenVerifier {
    /// Takes the keys of `state`; one that cannot be read verifies nothing.
    pub fn new(state: TokenState) -> Self {
        crypto::install();
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.leeway = LEEWAY.unsigned_abs();
        rules.validate_nbf = true;
        rules.set_audience(&[AUDIENCE]);
        rules.set_issuer(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let keys = state.keys.iter().filter_map(|key| {
            let bytes = URL_SAFE_NO_PAD.decode(&key.x).ok()?;
            let bytes = (bytes.len() == 32).then_some(bytes)?;
            Some((key.id.clone(), DecodingKey::from_ed_der(&bytes)))
        });
        Self {
            keys: keys.collect(),
            state,
            rules,
        }
    }

    /// The state that it was made of.
    pub fn state(&self) -> &TokenState {
        &self.state
    }

    /// Verifies a token at `now` and returns its claims.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<AccessClaims, Rejection> {
        let claims = self.claims(token).filter(|claims| claims.is_current(now));
        let claims = claims.ok_or_else(invalid)?;
        match self.state.has_ended(&claims) {
            true => Err(invalid()),
            false => Ok(claims),
        }
    }

    fn claims(&self, token: &str) -> Option<AccessClaims> {
        // Not verified yet: it only chooses the key, among those that are known.
        let header = jsonwebtoken::decode_header(token).ok()?;
        let is_ours = header.alg == Algorithm::EdDSA
            && header.typ.as_deref() == Some(TOKEN_TYPE)
            // The library does not look at it, and none of ours has extensions.
            && header.crit.is_none();
        let kid = header.kid.filter(|_| is_ours)?;
        let (_, key) = self.keys.iter().find(|(id, _)| *id == kid)?;
        let decoded = jsonwebtoken::decode::<AccessClaims>(token, key, &self.rules);
        decoded.ok().map(|data| data.claims)
    }
}

/// Verifiers of one state verify the same.
impl PartialEq for TokenVerifier {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Signs an access token.
pub fn sign_access_token(claims: &AccessClaims, key: &SigningKey) -> Result<String, Error> {
    crypto::install();
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TOKEN_TYPE.to_owned());
    header.kid = Some(key.id.clone());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(key.reveal()))
}
