//! Under which names this server answers.
//!
//! A device signs the origin it talks to, so the server must know its own; and a page of another origin must
//! neither open sockets nor, by a name that resolves to this machine, act as if it were ours.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// The origins that are this server.
#[derive(Clone, Debug)]
pub struct Origins {
    configured: Vec<String>,
    port: u16,
}

impl Origins {
    /// The configured origins; without any, `http://localhost` and loopback addresses with this port.
    #[must_use]
    pub const fn new(configured: Vec<String>, port: u16) -> Self {
        Self { configured, port }
    }

    /// The origin to tell people first.
    #[must_use]
    pub fn first(&self) -> String {
        self.configured.first().cloned().unwrap_or_else(|| format!("http://localhost:{}", self.port))
    }

    /// Whether every way here is encrypted, so that browsers may be told to insist on it.
    #[must_use]
    pub fn all_https(&self) -> bool {
        !self.configured.is_empty() && self.configured.iter().all(|origin| origin.starts_with("https://"))
    }

    /// The origin a request was made to, by its `Host`; none if that is not us.
    #[must_use]
    pub fn of_host(&self, headers: &HeaderMap) -> Option<String> {
        let host = headers.get(HOST)?.to_str().ok()?.to_ascii_lowercase();
        if self.configured.is_empty() {
            let (name, port) = host.rsplit_once(':').unwrap_or((&host, "80"));
            let loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
            return (loopback && port == self.port.to_string())
                .then(|| if self.port == 80 { format!("http://{name}") } else { format!("http://{host}") });
        }
        let authority =
            |origin: &&String| origin.split_once("://").is_some_and(|(_, authority)| authority == host);
        self.configured.iter().find(authority).cloned()
    }

    /// The same for a request that a browser may have been made to send by a page of another origin: its `Origin`,
    /// where there is one, must be the one it was made to.
    #[must_use]
    pub fn of_request(&self, headers: &HeaderMap) -> Option<String> {
        let ours = self.of_host(headers)?;
        match headers.get(ORIGIN) {
            Some(origin) => (origin.as_bytes() == ours.as_bytes()).then_some(ours),
            None => Some(ours),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn without_configuration_only_loopback_names_are_us() {
        let origins = Origins::new(Vec::new(), 8080);
        for (host, origin) in [
            ("localhost:8080", Some("http://localhost:8080")),
            ("LOCALHOST:8080", Some("http://localhost:8080")),
            ("127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("[::1]:8080", Some("http://[::1]:8080")),
            ("localhost", None),
            ("localhost:80", None),
            ("evil.example:8080", None),
            ("localhost.evil.example:8080", None),
        ] {
            assert_eq!(origins.of_host(&request(host, None)).as_deref(), origin, "{host}");
        }
        let plain = Origins::new(Vec::new(), 80);
        assert_eq!(plain.of_host(&request("localhost", None)).as_deref(), Some("http://localhost"));
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let origins = Origins::new(vec!["https://sotto.example".into()], 8080);
        assert!(origins.of_request(&request("sotto.example", Some("https://sotto.example"))).is_some());
        assert!(origins.of_request(&request("sotto.example", None)).is_some());
        assert!(origins.of_request(&request("sotto.example", Some("http://sotto.example"))).is_none());
        assert!(origins.of_request(&request("sotto.example", Some("null"))).is_none());
        assert!(origins.of_request(&request("localhost:8080", Some("http://localhost:8080"))).is_none());
    }
}
