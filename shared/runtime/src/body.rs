//! Parses request bodies into types before an endpoint sees them.

use domain::fault::{Code, FieldFault, Rejection};
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Maximum size of a request body, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// Media type of a body.
const JSON: &str = "application/json";

/// How an endpoint receives its body.
pub trait Body: Sized {
    /// Type of the JSON body, for the OpenAPI document.
    type Json: JsonSchema;
    /// Whether a body is required; `None` if the endpoint takes none.
    const REQUIRED: Option<bool>;
    /// Media types of the body, of which its `Content-Type` must be one.
    const MEDIA_TYPES: &'static [&'static str] = &[JSON];

    /// Parses the body.
    fn read(bytes: &[u8], content_type: Option<&str>) -> Result<Self, Rejection>;
}

/// No body; one that is sent is ignored.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

impl Body for NoBody {
    type Json = ();
    const REQUIRED: Option<bool> = None;

    fn read(_: &[u8], _: Option<&str>) -> Result<Self, Rejection> {
        Ok(Self)
    }
}

/// The unparsed body, to verify a signature over its bytes.
#[derive(Clone, Debug)]
pub struct RawBody(pub Vec<u8>);

impl Body for RawBody {
    type Json = serde_json::Value;
    const REQUIRED: Option<bool> = Some(true);

    fn read(bytes: &[u8], _: Option<&str>) -> Result<Self, Rejection> {
        check_size(bytes)?;
        Ok(Self(bytes.to_vec()))
    }
}

/// A required JSON body.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + JsonSchema> Body for Json<T> {
    type Json = T;
    const REQUIRED: Option<bool> = Some(true);

    fn read(bytes: &[u8], content_type: Option<&str>) -> Result<Self, Rejection> {
        read(bytes, content_type, Self::MEDIA_TYPES).map(Self)
    }
}

/// A required JSON Merge Patch (RFC 7396), under its own media type or as any other JSON.
#[derive(Clone, Debug)]
pub struct MergePatch<T>(pub T);

impl<T: DeserializeOwned + JsonSchema> Body for MergePatch<T> {
    type Json = T;
    const REQUIRED: Option<bool> = Some(true);
    const MEDIA_TYPES: &'static [&'static str] = &[JSON, "application/merge-patch+json"];

    fn read(bytes: &[u8], content_type: Option<&str>) -> Result<Self, Rejection> {
        read(bytes, content_type, Self::MEDIA_TYPES).map(Self)
    }
}

/// An optional JSON body.
#[derive(Clone, Debug)]
pub struct MaybeJson<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + Default> Body for MaybeJson<T> {
    type Json = T;
    const REQUIRED: Option<bool> = Some(false);

    fn read(bytes: &[u8], content_type: Option<&str>) -> Result<Self, Rejection> {
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        Json::read(bytes, content_type).map(|Json(value)| Self(value))
    }
}

/// Parses a body of one of these media types.
fn read<T: DeserializeOwned>(
    bytes: &[u8],
    content_type: Option<&str>,
    media_types: &[&str],
) -> Result<T, Rejection> {
    check_size(bytes)?;
    let media_type = content_type.unwrap_or_default().split(';').next();
    let media_type = media_type.unwrap_or_default().trim();
    if !media_types
        .iter()
        .any(|it| it.eq_ignore_ascii_case(media_type))
    {
        let names = media_types.join(" or ");
        let detail = format!("Send the body as JSON with the header Content-Type: {names}.");
        return Err(Rejection::new(Code::UnsupportedMediaType, detail));
    }
    parse(bytes)
}

fn check_size(bytes: &[u8]) -> Result<(), Rejection> {
    if bytes.len() <= MAX_BODY {
        return Ok(());
    }
    let detail = format!(
        "The body has {} bytes; send at most {MAX_BODY}.",
        bytes.len()
    );
    Err(Rejection::new(Code::PayloadTooLarge, detail))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Rejection> {
    let malformed = |detail: String| Rejection::new(Code::MalformedJson, detail);
    let text = std::str::from_utf8(bytes)
        .map_err(|_| malformed("The body is not UTF-8; encode it as UTF-8.".into()))?;
    // Check for valid JSON up to the end first: otherwise the first invalid field would be reported.
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| malformed(format!("The body is not JSON: {error}.")))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    domain::wire::object(tracked).map_err(|cause: serde_json::Error| {
        if cause.is_data() {
            Rejection::invalid(vec![field_fault(
                &track.path().to_string(),
                &cause.to_string(),
            )])
        } else {
            malformed(format!("The body is not JSON: {cause}."))
        }
    })
}

/// The field that an error of serde concerns. Only its messages name a missing or unknown field.
fn field_fault(path: &str, message: &str) -> FieldFault {
    let named = message.split('`').nth(1).unwrap_or_default();
    // Neither the position nor serde's wording helps a client.
    let message = message.split(" at line ").next().unwrap_or(message);
    let child = || match path {
        "." | "" => named.to_owned(),
        parent if parent == named || parent.ends_with(&format!(".{named}")) => parent.to_owned(),
        parent => format!("{parent}.{named}"),
    };
    let whole = || {
        if path == "." {
            "body".to_owned()
        } else {
            path.to_owned()
        }
    };
    if message.starts_with("missing field") {
        FieldFault::new(child(), "required", "Must be given.")
    } else if message.starts_with("unknown field") {
        FieldFault::new(child(), "unknown_field", "Is not a known field; remove it.")
    } else if message.starts_with("duplicate field") {
        FieldFault::new(child(), "duplicate_field", "Is given more than once.")
    } else if message.starts_with("invalid type") || message.starts_with("invalid value") {
        FieldFault::new(
            whole(),
            "wrong_type",
            format!("Has the wrong type: {message}."),
        )
    } else {
        FieldFault::new(whole(), "invalid", format!("Is not valid: {message}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Outer {
        quantity: i64,
        #[serde(deserialize_with = "domain::wire::object")]
        #[schemars(with = "Inner")]
        inner: Inner,
    }

    #[derive(Debug, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Inner {
        city: String,
    }

    #[test]
    fn a_merge_patch_has_a_media_type_of_its_own() {
        let body: &[u8] = br#"{"city":"x"}"#;
        let own = Some("application/merge-patch+json; charset=utf-8");
        for content_type in [Some("application/json"), own] {
            let patch = MergePatch::<Inner>::read(body, content_type);
            assert!(patch.is_ok(), "{content_type:?}");
        }
        for content_type in [None, Some("application/json-patch+json")] {
            let rejection = MergePatch::<Inner>::read(body, content_type).unwrap_err();
            assert_eq!(rejection.code, Code::UnsupportedMediaType);
        }
        let other = Json::<Inner>::read(body, own).unwrap_err();
        assert_eq!(other.code, Code::UnsupportedMediaType, "not a patch");
    }

    /// Bodies that are not read, and the rejection of each.
    #[test]
    fn bodies() {
        let mut text = String::new();
        let json = "application/json; charset=utf-8";
        let mut reject = |name: &str, body: &[u8], content_type: Option<&str>| {
            let rejection = Json::<Outer>::read(body, content_type).unwrap_err();
            let code = rejection.code.as_str();
            text += &format!("{name}\n  {code}: {}\n", rejection.detail);
            for fault in rejection.fields {
                text += &format!("  {}: {}, {}\n", fault.field, fault.code, fault.message);
            }
        };
        for body in [
            r#"{"quantity":1}"#,
            r#"{"quantity":1,"inner":{}}"#,
            r#"{"quantity":1,"inner":{"city":"x","town":"y"}}"#,
            r#"{"extra":1}"#,
            r#"{"quantity":"1"}"#,
            r#"{"quantity":1.5}"#,
            r#"{"quantity":99999999999999999999}"#,
            r#"{"quantity":1,"inner":["x"]}"#,
            r#"{"quantity":1,"quantity":2}"#,
            "[]",
            r#"[1,{"city":"x"}]"#,
            "null",
            "",
            "{",
            "{}}",
            "nope",
            "{'a':1}",
            r#"{"quantity":1e999}"#,
        ] {
            reject(body, body.as_bytes(), Some(json));
        }
        let deep = "[".repeat(5000);
        reject("5000 brackets", deep.as_bytes(), Some(json));
        reject("not UTF-8", b"{\"quantity\":\xff}", Some(json));
        reject("a byte too many", &[b' '; MAX_BODY + 1], Some(json));
        for content_type in [None, Some("text/plain"), Some("application/jsonp")] {
            reject(&format!("{content_type:?}"), b"{}", content_type);
        }
        insta::assert_snapshot!(text);
    }
}
