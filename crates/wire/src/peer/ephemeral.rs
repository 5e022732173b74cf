//! The plaintext of an ephemeral message: worth nothing a minute later, never stored, retried or acknowledged.

use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::codec::{decode, encode};
use super::{PeerError, Signal, limits};
use crate::server::List;

/// The plaintext of one ephemeral message.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub enum Ephemeral {
    /// "I am online": whoever gets it may offer a link.
    #[n(0)]
    Here {},
    /// Steps of the negotiation of a link, in their order.
    #[n(1)]
    Signal {
        /// Random name of the attempt at a link, chosen by the side that offers first.
        #[n(0)]
        attempt: u64,
        /// The steps.
        #[n(1)]
        signals: List<Signal, { limits::SIGNALS_MAX }>,
    },
    /// This attempt at a link is over on the sender's side.
    #[n(2)]
    HangUp {
        /// Which.
        #[n(0)]
        attempt: u64,
    },
}

impl Ephemeral {
    /// The plaintext to encrypt.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(encode(self))
    }

    /// Reads what was decrypted.
    ///
    /// # Errors
    /// [`PeerError`]
    pub fn decode(bytes: &[u8]) -> Result<Self, PeerError> {
        decode(bytes, limits::EPHEMERAL_MAX)
    }
}
