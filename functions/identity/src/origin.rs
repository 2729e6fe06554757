//! Origins of pages, as `SHOP_ADDRESS` and `ALLOWED_ORIGINS` name them.

/// An origin, as browsers write it.
pub(crate) struct Origin {
    /// Host, in lower case.
    pub(crate) host: String,
    /// Scheme, host, and the port unless it is the scheme's own.
    pub(crate) text: String,
}

impl Origin {
    /// The origin of an address without a path; `None` for anything else.
    pub(crate) fn of(address: &str) -> Option<Self> {
        let address = address.trim_end_matches('/').to_ascii_lowercase();
        let (scheme, authority) = address.split_once("://")?;
        let own_port = match scheme {
            "https" => "443",
            "http" => "80",
            _ => return None,
        };
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        if host.is_empty() || !host.chars().all(is_host) || !port.is_none_or(is_port) {
            return None;
        }
        let text = match port.filter(|port| *port != own_port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Some(Self {
            host: host.to_owned(),
            text,
        })
    }
}
