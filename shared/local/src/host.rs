//! Refuses requests that a web page of somebody else sends to this machine: under a name of its own (DNS
//! rebinding), which for the browser makes such a page and the shop one origin, or across origins, where no
//! page of others has any business.

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header, uri::Authority},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};

/// The names that only this machine has.
const NAMES: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Lets only requests to this machine's own names reach `router`.
pub(crate) fn guard(router: Router) -> Router {
    router.layer(from_fn(check))
}

/// The same for a service that is not the shop itself: pages of other origins may not call it either.
pub(crate) fn guard_private(router: Router) -> Router {
    guard(router.layer(from_fn(check_origin)))
}

async fn check(request: Request, next: Next) -> Response {
    if names_this_machine(&request) {
        next.run(request).await
    } else {
        let names = NAMES.join(", ");
        let text = format!("The header Host names another machine; use one of {names}.\n");
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    }
}

async fn check_origin(request: Request, next: Next) -> Response {
    if is_of_this_machine(request.headers()) {
        next.run(request).await
    } else {
        let text = "Pages of other origins may not call this service.\n";
        (StatusCode::FORBIDDEN, text).into_response()
    }
}

/// Whether the one `Host` of a request is this machine, and its target, if that has a host: it takes precedence
/// (RFC 9112, 3.2.2).
pub fn names_this_machine<B>(request: &axum::http::Request<B>) -> bool {
    let target = request.uri().authority();
    if target.is_some_and(|target| !is_this_machine(target.as_str())) {
        return false;
    }
    let mut given = request.headers().get_all(header::HOST).into_iter();
    match (given.next(), given.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_this_machine),
        _ => false,
    }
}

/// Whether no page of another machine has sent a request: programs send no `Origin`.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).into_iter();
    origins.all(|origin| {
        let origin = origin.to_str().ok();
        let host = origin.and_then(|origin| origin.strip_prefix("http://"));
        host.is_some_and(is_this_machine)
    })
}

/// Whether a `Host` is this machine, on whichever port: a tunnel may end at another one.
fn is_this_machine(host: &str) -> bool {
    // An authority may name a user, which a host cannot.
    !host.contains('@')
        && host.parse::<Authority>().is_ok_and(|authority| {
            NAMES
                .iter()
                .any(|name| authority.host().eq_ignore_ascii_case(name))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Kind of fault: a server on this machine trusts every page that reaches it.
    #[test]
    fn only_names_of_this_machine_are_accepted() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "localhost:8080",
            "LOCALHOST",
            "[::1]:8080",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "evil.example@127.0.0.1",
            "0.0.0.0:8080",
            "192.168.1.5:8080",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
    // The same kind, across origins: a server that lets all of them read what it says.
    #[test]
    fn only_pages_of_this_machine_call_its_services() {
        let from = |origins: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append(header::ORIGIN, (*origin).parse().unwrap());
            }
            is_of_this_machine(&headers)
        };
        assert!(from(&[]));
        assert!(from(&["http://127.0.0.1:8080"]));
        assert!(from(&["http://localhost:8080"]));
        for foreign in [
            "null",
            "",
            "https://evil.example",
            "http://evil.example",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(!from(&[foreign]), "{foreign}");
            assert!(!from(&["http://127.0.0.1:8080", foreign]), "{foreign}");
        }
    }
}
