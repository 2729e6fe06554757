//! Refuses requests that a web page of somebody else sends to this machine under a name of its own (DNS
//! rebinding): for the browser such a page and the shop are one origin, so it could read everything here.

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header, uri::Authority},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};

/// The names that only this machine has.
const NAMES: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Lets only requests to this machine's own names reach `router`.
pub(crate) fn guard(router: Router) -> Router {
    router.layer(from_fn(check))
}

async fn check(request: Request, next: Next) -> Response {
    let mut given = request.headers().get_all(header::HOST).into_iter();
    let is_ours = match (given.next(), given.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_this_machine),
        _ => false,
    };
    if is_ours {
        next.run(request).await
    } else {
        let names = NAMES.join(", ");
        let text = format!("The header Host names another machine; use one of {names}.\n");
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    }
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
}
