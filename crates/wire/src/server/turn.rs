//! Which STUN and TURN servers a client may use: bodies of `POST /v1/turn`.

use core::fmt;

use minicbor::decode::{Decoder, Error};
use minicbor::encode::{Encoder, Write};
use minicbor::{Decode, Encode};

use super::codec::{List, OutOfBounds, Text, message};
use super::{FrameError, limits};

/// URLs of one server, in the order in which to try them.
pub type IceUrls = List<IceUrl, { limits::ICE_URLS_MAX }>;

/// A name or a credential for a TURN server. `Debug` prints its length only.
pub type TurnText = Text<{ limits::ICE_TEXT_MAX }>;

/// Asks for STUN and TURN servers. Answered without any where the operator has configured none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FetchTurn {}

/// What to give the browser's `RTCPeerConnection`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TurnAnswer {
    /// The servers; may be empty.
    #[n(0)]
    pub servers: List<TurnServer, { limits::ICE_SERVERS_MAX }>,
    /// How long the credentials are good from now on, in seconds. Ask again before.
    #[n(1)]
    pub lifetime_s: u32,
}

/// One server, or several that take the same credential.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TurnServer {
    /// Where it is.
    #[n(0)]
    pub urls: IceUrls,
    /// Who asks: when the credential ends, in seconds since 1970, and randomness. Absent for STUN.
    #[n(1)]
    pub username: Option<TurnText>,
    /// What the server of that name takes. Absent for STUN.
    #[n(2)]
    pub credential: Option<TurnText>,
}

message!(FetchTurn: 64, TurnAnswer: limits::TURN_ANSWER_MAX);

/// A STUN URI (RFC 7064 §3.1) or TURN URI (RFC 7065 §3.1) as browsers take it: `stun:host`, `turn:host:3478?transport=udp`,
/// `turns:[2001:db8::1]:5349`, of at most [`limits::ICE_TEXT_MAX`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct IceUrl(String);

impl IceUrl {
    /// Takes a URL.
    ///
    /// # Errors
    /// [`FrameError::OutOfBounds`] if it is too long, or none of these.
    pub fn new(url: String) -> Result<Self, FrameError> {
        if is_ice_url(&url) { Ok(Self(url)) } else { Err(FrameError::OutOfBounds) }
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL, without a copy.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether this is a TURN server, which asks for a name and a credential.
    #[must_use]
    pub fn is_turn(&self) -> bool {
        self.0.starts_with("turn")
    }
}

impl fmt::Debug for IceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_ice_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else { return false };
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    let query_is_known = match query {
        None => true,
        Some(query) => scheme.starts_with("turn") && ["transport=udp", "transport=tcp"].contains(&query),
    };
    url.len() <= limits::ICE_TEXT_MAX
        && ["stun", "stuns", "turn", "turns"].contains(&scheme)
        && query_is_known
        && is_host_and_port(place)
}

fn is_host_and_port(place: &str) -> bool {
    let (host_is_one, after) = match place.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, after))) => (address.parse::<core::net::Ipv6Addr>().is_ok(), after),
        Some(None) => return false,
        None => {
            let end = place.find(':').unwrap_or(place.len());
            let (name, after) = place.split_at(end);
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (!name.is_empty() && name.bytes().all(allowed), after)
        }
    };
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let port_is_one = match after.strip_prefix(':') {
        Some(port) => digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0),
        None => after.is_empty(),
    };
    host_is_one && port_is_one
}

impl<C> Encode<C> for IceUrl {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for IceUrl {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let url = d.str()?;
        if is_ice_url(url) { Ok(Self(url.to_owned())) } else { Err(Error::custom(OutOfBounds)) }
    }
}
