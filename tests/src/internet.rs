//! An internet in miniature: the server's network in the middle, and two homes, each behind a NAT of its own whose line
//! is a relay that can be made bad.
//!
//! ```text
//!   home 0 ── NAT 0 ══ relay ══ server ══ relay ══ NAT 1 ── home 1
//!  10.0.0.2   198.51.100.10    192.0.2.1    203.0.113.10    10.0.1.2
//! ```

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use sotto_testkit::namespace::Namespace;
use sotto_testkit::relay::{Conditions, End, Relay};

/// Where the server is.
pub(crate) const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 8080);
/// Where coturn is.
pub(crate) const TURN: SocketAddr = SocketAddr::new(SERVER.ip(), 3478);

/// The network outside of each NAT.
const OUTSIDE: [&str; 2] = ["198.51.100", "203.0.113"];

/// How a NAT chooses ports outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// It keeps those used inside: whoever learns a port from a third can use it. RFC 4787 calls the mapping
    /// endpoint-independent; what comes in is let in from where something went out to.
    Cone,
    /// Another one at random for each place outside: what a third has learned is of no use.
    Symmetric,
}

/// What a home lets out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firewall {
    /// Everything.
    Open,
    /// Everything but UDP.
    NoUdp,
    /// The page's server and nothing else.
    WebOnly,
}

/// The server's network and two homes.
pub struct Internet {
    // Before the networks, so that its devices go first.
    homes: [Home; 2],
    server: Arc<Namespace>,
}

/// Somebody's network at home.
pub struct Home {
    number: usize,
    relay: Relay,
    nat: Namespace,
    inside: Arc<Namespace>,
}

impl Internet {
    /// Builds it, with perfect lines.
    ///
    /// # Errors
    ///
    /// What `ip` and `nft` say.
    pub(crate) fn build(nats: [Nat; 2]) -> io::Result<Internet> {
        let server = Arc::new(router("server")?);
        server.ip(&format!("address add {}/32 dev lo", SERVER.ip()))?;
        let [one, other] = nats;
        let homes = [Home::build(0, one, &server)?, Home::build(1, other, &server)?];
        Ok(Internet { homes, server })
    }

    /// The server's network.
    pub(crate) fn server(&self) -> Arc<Namespace> {
        Arc::clone(&self.server)
    }

    /// Both homes.
    pub fn homes(&self) -> &[Home; 2] {
        &self.homes
    }
}

impl Home {
    fn build(number: usize, kind: Nat, server: &Namespace) -> io::Result<Home> {
        let nat = router(&format!("nat{number}"))?;
        let inside = Arc::new(Namespace::new(&format!("home{number}"))?);
        inside.set("net/ipv6/conf/all/disable_ipv6", "1")?;

        let line = format!("line{number}");
        let ends = [End { namespace: &nat, device: "line" }, End { namespace: server, device: &line }];
        let relay = Relay::start(ends, u64::try_from(number).unwrap_or_default())?;
        nat.ip("link set line up")?;
        server.ip(&format!("link set {line} up"))?;
        let outside = OUTSIDE.get(number).copied().unwrap_or_default();
        server.ip(&format!("route add {outside}.0/24 dev {line} src {}", SERVER.ip()))?;

        nat.ip(&format!("link add lan type veth peer name eth0 netns {}", inside.name()))?;
        nat.ip(&format!("address add 10.0.{number}.1/24 dev lan"))?;
        nat.ip("link set lan up")?;
        inside.ip("link set eth0 up")?;

        let ports = match kind {
            Nat::Cone => "",
            Nat::Symmetric => "random,fully-random",
        };
        // What nobody asked for is dropped, not answered: an answer would keep the port from being used later.
        nat.nft(&format!(
            "table ip nat {{
                chain input {{ type filter hook input priority filter; iifname line ct state new drop; }}
                chain blocked {{ }}
                chain forward {{
                    type filter hook forward priority filter; policy drop;
                    jump blocked
                    iifname lan accept
                    ct state established,related accept
                }}
                chain outgoing {{ type nat hook postrouting priority srcnat; oifname line masquerade {ports}; }}
            }}\n"
        ))?;
        let home = Home { number, relay, nat, inside };
        home.take_address_outside(10)?;
        home.take_address_inside(2)?;
        Ok(home)
    }

    /// The network that the person is in.
    pub(crate) fn namespace(&self) -> Arc<Namespace> {
        Arc::clone(&self.inside)
    }

    /// Makes the line to the server and to the other home bad, or perfect again.
    pub fn set(&self, conditions: Conditions) {
        self.relay.set(conditions);
    }

    /// Packets that the line has lost, doubled or held back so far, or dropped while it was cut.
    pub fn harmed(&self) -> u64 {
        self.relay.counts().iter().map(|counts| counts.lost + counts.doubled + counts.held + counts.cut).sum()
    }

    /// Forbids what a firewall at home may forbid, also where it was allowed before.
    ///
    /// # Errors
    ///
    /// What `nft` says.
    pub fn set_firewall(&self, firewall: Firewall) -> io::Result<()> {
        let web = SERVER.port();
        let rules = match firewall {
            Firewall::Open => String::new(),
            Firewall::NoUdp => "add rule ip nat blocked meta l4proto udp drop\n".to_owned(),
            Firewall::WebOnly => format!(
                "add rule ip nat blocked iifname lan tcp dport != {web} drop\n\
                 add rule ip nat blocked meta l4proto udp drop\n"
            ),
        };
        self.nat.nft(&format!("flush chain ip nat blocked\n{rules}"))
    }

    /// The provider gives the NAT another address: connections through the old one are dead, and nobody inside is told.
    ///
    /// # Errors
    ///
    /// What `ip` says.
    pub fn take_address_outside(&self, last: u8) -> io::Result<()> {
        let outside = OUTSIDE.get(self.number).copied().unwrap_or_default();
        self.nat.ip("address flush dev line")?;
        self.nat.ip(&format!("address add {outside}.{last}/32 dev line"))?;
        self.nat.ip("route replace default dev line")
    }

    /// The device gets another address at home, as when it changes networks: the browser notices.
    ///
    /// # Errors
    ///
    /// What `ip` says.
    pub fn take_address_inside(&self, last: u8) -> io::Result<()> {
        let number = self.number;
        self.inside.ip("address flush dev eth0")?;
        self.inside.ip(&format!("address add 10.0.{number}.{last}/24 dev eth0"))?;
        self.inside.ip(&format!("route replace default via 10.0.{number}.1"))
    }
}

/// A namespace that passes packets on.
fn router(role: &str) -> io::Result<Namespace> {
    let namespace = Namespace::new(role)?;
    namespace.set("net/ipv6/conf/all/disable_ipv6", "1")?;
    namespace.set("net/ipv4/ip_forward", "1")?;
    namespace.set("net/ipv4/conf/all/rp_filter", "0")?;
    namespace.set("net/ipv4/conf/default/rp_filter", "0")?;
    Ok(namespace)
}
