use std::collections::BTreeMap;

use domain::{
    id::{AccountId, SessionId},
    identity::{PublicKey, Secrets, SigningKey, TokenState},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::*;

const ROOT: &str = r#"{"version":1,"root":"0123456789abcdefghijklmnopqrstuvwxyz"}"#;

fn keys() -> Vec<SigningKey> {
    let secrets = Secrets::parse(ROOT).unwrap();
    secrets.public_keys(crate::now()).unwrap()
}

fn verifier(keys: &[SigningKey], ended: BTreeMap<String, i64>) -> TokenVerifier {
    let keys = keys.iter().map(|key| PublicKey {
        id: key.id.clone(),
        x: key.x.clone(),
        published_at: Timestamp::UNIX_EPOCH,
    });
    TokenVerifier::new(TokenState {
        version: 1,
        keys: keys.collect(),
        ended,
    })
}

fn claims() -> AccessClaims {
    let (account, session) = (AccountId::random([1; 16]), SessionId::random([2; 16]));
    AccessClaims::issue(account, session, [Permission::OrdersRead], crate::now())
}

/// Signs claims under any header.
fn signed(header: &Header, claims: &impl serde::Serialize, key: &SigningKey) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(key.reveal())).unwrap()
}

#[test]
fn a_token_verifies_under_each_known_key() {
    let keys = keys();
    let verifier = verifier(&keys, BTreeMap::new());
    for key in &keys {
        let token = sign_access_token(&claims(), key).unwrap();
        let found = verifier.check(&token, crate::now()).unwrap();
        assert_eq!(found.sub, AccountId::random([1; 16]));
        assert_eq!(TokenKind::of(&token), TokenKind::Person);
    }
}

#[test]
fn tokens_that_the_shop_has_not_issued_are_refused() {
    let keys = keys();
    let (known, stranger) = (&keys[..2], &keys[2]);
    let verifier = verifier(known, BTreeMap::new());
    let refuses = |token: &str| verifier.check(token, crate::now()).is_err();
    let good = sign_access_token(&claims(), &known[0]).unwrap();
    assert!(!refuses(&good));

    assert!(
        refuses(&sign_access_token(&claims(), stranger).unwrap()),
        "unknown key"
    );
    let header = |change: fn(&mut Header)| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(known[0].id.clone());
        change(&mut header);
        signed(&header, &claims(), &known[0])
    };
    assert!(!refuses(&header(|_| {})));
    assert!(refuses(&header(|it| it.kid = None)));
    assert!(refuses(&header(
        |it| it.kid = Some("../../etc/passwd".to_owned())
    )));
    assert!(refuses(&header(
        |it| it.kid = Some("https://eve.example/jwks.json".to_owned())
    )));
    assert!(refuses(&header(|it| it.typ = Some("JWT".to_owned()))));
    assert!(refuses(&header(|it| it.typ = None)));
    assert!(refuses(
        &header(|it| it.crit = Some(vec!["exp".to_owned()]))
    ));

    let with = |change: fn(&mut AccessClaims)| {
        let mut claims = claims();
        change(&mut claims);
        sign_access_token(&claims, &known[0]).unwrap()
    };
    assert!(refuses(&with(|it| it.iss = "https://eve.example".into())));
    assert!(refuses(&with(|it| it.aud = "stampede".into())));
    assert!(
        refuses(&with(|it| {
            it.iat -= 7200;
            it.exp -= 7200
        })),
        "expired"
    );
    assert!(
        refuses(&with(|it| {
            it.iat += 7200;
            it.exp += 7200
        })),
        "from the future"
    );
    assert!(refuses(&with(|it| it.exp += 7200)), "valid for too long");

    // Without a signature, with another one, and under another algorithm.
    let (signing_input, signature) = good.rsplit_once('.').unwrap();
    assert!(refuses(&format!("{signing_input}.")));
    assert!(refuses(signing_input));
    assert!(refuses(&format!(
        "{signing_input}.{}",
        "A".repeat(signature.len())
    )));
    let (_, payload) = signing_input.split_once('.').unwrap();
    for alg in ["none", "None", "HS256", "RS256", "ES256", ""] {
        let header = format!(
            r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{}"}}"#,
            known[0].id
        );
        let header = URL_SAFE_NO_PAD.encode(header);
        for signature in ["", signature] {
            assert!(refuses(&format!("{header}.{payload}.{signature}")), "{alg}");
        }
    }
    for garbage in [
        "",
        ".",
        "..",
        "a.b.c",
        &"x".repeat(100_000),
        &format!("{good},{good}"),
    ] {
        assert!(refuses(garbage), "{garbage:.20}");
    }
}

#[test]
fn an_ended_session_is_over_at_once() {
    let keys = keys();
    let claims = claims();
    let token = sign_access_token(&claims, &keys[0]).unwrap();
    let ended = BTreeMap::from([(claims.sid.to_string(), crate::now().as_millisecond())]);
    assert!(verifier(&keys, ended).check(&token, crate::now()).is_err());
}

#[test]
fn no_key_verifies_nothing() {
    let token = sign_access_token(&claims(), &keys()[0]).unwrap();
    let verifier = verifier(&[], BTreeMap::new());
    assert!(verifier.check(&token, crate::now()).is_err());
}

#[test]
fn bearer_tokens_have_one_form() {
    for header in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Basic abc"),
    ] {
        assert!(bearer(header).is_err(), "{header:?}");
    }
    assert_eq!(bearer(Some("bearer  abc ")), Ok("abc"));
    assert_eq!(TokenKind::of("stk_abc"), TokenKind::ApiKey);
    for other in ["", "abc", "a.b.c", "ey.ey.ey"] {
        assert_eq!(TokenKind::of(other), TokenKind::Other, "{other}");
    }
}
