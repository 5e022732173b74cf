//! How the bytes of a link travel, from the selected candidate pair.

use core::net::IpAddr;

/// How the bytes of a link travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPath {
    /// From browser to browser, within one network.
    Local,
    /// From browser to browser, over the internet.
    Internet,
    /// Through a TURN server, which sees only DTLS.
    Relayed(RelayTransport),
}

impl LinkPath {
    /// Whether it goes from browser to browser.
    #[must_use]
    pub fn is_direct(self) -> bool {
        matches!(self, Self::Local | Self::Internet)
    }
}

/// How a TURN server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayTransport {
    /// Over UDP.
    Udp,
    /// Over TCP.
    Tcp,
    /// Over TLS on TCP.
    Tls,
    /// It is the other side's: how it is reached is known only there.
    Theirs,
}

/// The kind of a candidate (RFC 8445 section 5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// An address of the device itself.
    Host,
    /// As a STUN server saw it.
    ServerReflexive,
    /// As the other side saw it.
    PeerReflexive,
    /// Of a TURN server.
    Relay,
}

/// One end of the selected candidate pair, as the browser tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairEnd {
    /// Its kind.
    pub kind: CandidateKind,
    /// Its address, where the browser does not hide it.
    pub address: Option<IpAddr>,
    /// How the relay of one's own is reached that it is behind: also of a peer-reflexive end, where a relay is seen at
    /// another address than it knows of.
    pub transport: Option<RelayTransport>,
}

impl LinkPath {
    /// The path between two ends, as far as the browser tells them; `None` where they do not say it. A device that hides
    /// its address (`relay_only`) is behind a relay, also where its browser takes that end for another kind.
    #[must_use]
    pub fn between(own: Option<&PairEnd>, theirs: Option<&PairEnd>, relay_only: bool) -> Option<Self> {
        let transport = own.and_then(|own| own.transport);
        let relayed = relay_only || own.is_some_and(|own| own.kind == CandidateKind::Relay);
        if transport.is_some() || relayed {
            return Some(Self::Relayed(transport.unwrap_or(RelayTransport::Udp)));
        }
        Some(Self::without_own_relay(own?, theirs?))
    }

    fn without_own_relay(own: &PairEnd, theirs: &PairEnd) -> Self {
        use CandidateKind::{Host, PeerReflexive, Relay, ServerReflexive};
        match (own.kind, theirs.kind) {
            (Relay, _) | (_, Relay) => Self::Relayed(RelayTransport::Theirs),
            (ServerReflexive, _) | (_, ServerReflexive) => Self::Internet,
            // Two addresses of devices meet only within a network, or both are on the internet itself.
            (Host, Host) => match (own.address, theirs.address) {
                (Some(own), Some(theirs)) if same_network(own, theirs) => Self::Local,
                (_, Some(theirs)) if is_global(theirs) => Self::Internet,
                _ => Self::Local,
            },
            (Host | PeerReflexive, Host | PeerReflexive) => {
                let within = |end: &PairEnd| match (end.kind, end.address) {
                    (Host, _) => true,
                    (_, Some(address)) => !is_global(address),
                    // A peer's address that nobody has told is mostly that of its router.
                    (_, None) => false,
                };
                if within(own) && within(theirs) { Self::Local } else { Self::Internet }
            }
        }
    }
}

/// Whether an address can be reached from anywhere: what no network keeps to itself.
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !(address.is_private() || address.is_loopback() || address.is_link_local()),
        // Unique local (RFC 4193) and link-local (RFC 4291 section 2.5.6) addresses stay within.
        IpAddr::V6(address) => {
            !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local())
        }
    }
}

/// Whether two global addresses of IPv6 are on one link: its prefix is 64 bits (RFC 4291 section 2.5.4).
fn same_network(own: IpAddr, theirs: IpAddr) -> bool {
    match (own, theirs) {
        (IpAddr::V6(own), IpAddr::V6(theirs)) => own.to_bits() >> 64 == theirs.to_bits() >> 64,
        _ => own == theirs,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use CandidateKind::{Host, PeerReflexive, Relay, ServerReflexive};

    fn end(kind: CandidateKind, address: &str) -> PairEnd {
        PairEnd { kind, address: address.parse().ok(), transport: None }
    }

    #[test]
    fn the_path_is_told_from_both_ends() {
        let hidden = "";
        for (own, theirs, path) in [
            (end(Host, hidden), end(Host, hidden), LinkPath::Local),
            (end(Host, "192.168.1.2"), end(Host, "192.168.1.3"), LinkPath::Local),
            (end(Host, "203.0.113.1"), end(Host, "198.51.100.2"), LinkPath::Internet),
            (end(Host, "2001:db8:1::1"), end(Host, "2001:db8:2::1"), LinkPath::Internet),
            (end(Host, "2001:db8:1::1"), end(Host, "2001:db8:1::2"), LinkPath::Local),
            (end(Host, "fd00::1"), end(Host, "fd01::1"), LinkPath::Local),
            (end(Host, hidden), end(ServerReflexive, "203.0.113.1"), LinkPath::Internet),
            (end(ServerReflexive, hidden), end(Host, "192.168.1.3"), LinkPath::Internet),
            (end(Host, hidden), end(PeerReflexive, "203.0.113.1"), LinkPath::Internet),
            (end(Host, hidden), end(PeerReflexive, hidden), LinkPath::Internet),
            (end(Host, hidden), end(PeerReflexive, "10.0.0.2"), LinkPath::Local),
            (end(PeerReflexive, "127.0.0.1"), end(Host, hidden), LinkPath::Local),
        ] {
            let found = LinkPath::between(Some(&own), Some(&theirs), false);
            assert_eq!(found, Some(path), "{own:?} {theirs:?}");
            let hidden = LinkPath::between(Some(&own), Some(&theirs), true);
            assert_eq!(hidden, Some(LinkPath::Relayed(RelayTransport::Udp)), "{own:?} {theirs:?}");
        }
    }

    #[test]
    fn a_relay_on_either_side_is_a_relay() {
        let own = |transport| PairEnd { transport, ..end(Relay, "203.0.113.1") };
        for transport in [RelayTransport::Udp, RelayTransport::Tcp, RelayTransport::Tls] {
            for theirs in [Some(&end(Relay, "")), None] {
                let path = LinkPath::between(Some(&own(Some(transport))), theirs, false);
                assert_eq!(path, Some(LinkPath::Relayed(transport)));
            }
        }
        let seen_elsewhere = PairEnd { kind: PeerReflexive, ..own(Some(RelayTransport::Udp)) };
        assert_eq!(
            LinkPath::between(Some(&seen_elsewhere), Some(&end(Host, "")), false),
            Some(LinkPath::Relayed(RelayTransport::Udp))
        );
        assert_eq!(
            LinkPath::between(Some(&end(Host, "")), Some(&end(Relay, "")), false),
            Some(LinkPath::Relayed(RelayTransport::Theirs))
        );
    }

    #[test]
    fn a_path_that_the_browser_does_not_tell_is_no_direct_one() {
        let host = end(Host, "192.168.1.2");
        for (own, theirs) in [(None, None), (Some(&host), None), (None, Some(&host))] {
            assert_eq!(LinkPath::between(own, theirs, false), None);
            let hidden = Some(LinkPath::Relayed(RelayTransport::Udp));
            assert_eq!(LinkPath::between(own, theirs, true), hidden);
        }
        assert_eq!(
            LinkPath::between(Some(&end(Relay, "")), None, false),
            Some(LinkPath::Relayed(RelayTransport::Udp))
        );
    }
}
