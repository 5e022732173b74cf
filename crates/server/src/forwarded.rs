//! Who sent a request, where proxies stand in between.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Who sent a request: the connection's peer, or, while that is one of our proxies, the address it saw, counted
/// from the right of `X-Forwarded-For`. An entry that is no address ends the count: what is left of it was
/// written by who knows whom.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let ours = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    let lines: Vec<&[u8]> =
        headers.get_all("x-forwarded-for").iter().map(axum::http::HeaderValue::as_bytes).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
        if !ours(client) {
            break;
        }
        match address(hop) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// An address as proxies write it: bare, with a port, or (IPv6) in brackets.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", axum::http::HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn only_our_proxies_are_believed_and_from_the_right() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for (peer, lines, client) in [
            ("203.0.113.1", &[&b"198.51.100.1"[..]][..], "203.0.113.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[b""], "10.0.0.1"),
            ("10.0.0.1", &[b"198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[b"1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &[b"1.2.3.4", b"198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[b"198.51.100.1, 10.0.0.3, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &[b"1.2.3.4, garbage"], "10.0.0.1"),
            ("10.0.0.1", &[b"1.2.3.4, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[b"1.2.3.4,,"], "10.0.0.1"),
            // What is no text hides nothing behind it.
            ("10.0.0.1", &[b"\xff, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[b"1.2.3.4", b"\xff"], "10.0.0.1"),
            ("10.0.0.1", &[b"1.2.3.4", b"\xff, 198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &[b"198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[b"::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[b"198.51.100.1:4711"], "198.51.100.1"),
            ("fd00::1", &[b"2001:db8::1"], "2001:db8::1"),
            ("fd00::1", &[b"1.2.3.4, [2001:db8::1]"], "2001:db8::1"),
            ("fd00::1", &[b"1.2.3.4, [2001:db8::1]:4711, fd00::2"], "2001:db8::1"),
            ("fd00::1", &[b"1.2.3.4, 2001:db8::1%eth0"], "fd00::1"),
        ] {
            let found = client_address(peer.parse().unwrap(), &forwarded(lines), &proxies);
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
    }
}
