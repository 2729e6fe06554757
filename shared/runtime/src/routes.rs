//! The API's routes, for requests that none of them takes.

use percent_encoding::percent_decode_str;

/// A path of the API with the methods that it accepts.
#[derive(Clone, Copy, Debug)]
pub struct ApiPath {
    /// Path with its parameters, such as `/v1/products/{slug}`.
    pub pattern: &'static str,
    /// Methods that have a route.
    pub methods: &'static [&'static str],
}

/// The methods that `path` accepts; empty if no route has it.
pub fn allowed_methods(paths: &[ApiPath], path: &str) -> Vec<&'static str> {
    let mut methods: Vec<&str> = paths
        .iter()
        .filter(|known| parameters(known.pattern, path).is_some())
        .flat_map(|known| known.methods.iter().copied())
        .collect();
    methods.sort_unstable();
    methods.dedup();
    methods
}

/// The parameters of a path, decoded, if it matches the pattern.
pub(crate) fn parameters(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    let mut parameters = Vec::new();
    loop {
        let (wanted, found) = match (pattern.next(), path.next()) {
            (None, None) => return Some(parameters),
            (wanted, found) => (wanted?, found?),
        };
        let name = wanted.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        match name {
            // The gateway gives no parameter an empty value.
            Some(_) if found.is_empty() => return None,
            Some(name) => {
                let value = percent_decode_str(found).decode_utf8().ok()?;
                parameters.push((name.to_owned(), value.into_owned()));
            }
            None if wanted == found => {}
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_accepts_the_methods_of_every_pattern_that_it_matches() {
        let paths = [
            ApiPath {
                pattern: "/v1/carts",
                methods: &["POST"],
            },
            ApiPath {
                pattern: "/v1/carts/{id}",
                methods: &["GET", "HEAD"],
            },
            ApiPath {
                pattern: "/v1/carts/new",
                methods: &["GET", "PUT"],
            },
        ];
        let cases: [(&str, &[&str]); 8] = [
            ("/v1/carts", &["POST"]),
            ("/v1/carts/1", &["GET", "HEAD"]),
            ("/v1/carts/a%2Fb", &["GET", "HEAD"]),
            ("/v1/carts/new", &["GET", "HEAD", "PUT"]),
            ("/v1/carts/", &[]),
            ("/v1/carts/1/lines", &[]),
            ("/v1/carts/%FF", &[]),
            ("/v1/nothing", &[]),
        ];
        for (path, methods) in cases {
            assert_eq!(allowed_methods(&paths, path), methods, "{path}");
        }
    }
}
