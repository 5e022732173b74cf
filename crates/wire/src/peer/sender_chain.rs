//! How a device announces its sender chain, inside the session with each reader.

use minicbor::{Decode, Encode};
use sotto_crypto::keys::GroupSigningPublic;
use sotto_crypto::sender_key::{ChainAnnouncement, MAX_MESSAGES, RosterPlace, SenderChainKey};
use sotto_crypto::{GroupId, RosterHash};
use zeroize::Zeroizing;

use super::codec::{self, decode, encode};
use super::{PeerError, limits};

#[derive(Encode, Decode)]
#[cbor(map)]
struct SenderChain {
    #[n(0)]
    version: u8,
    #[n(1)]
    #[cbor(with = "codec::item")]
    group: GroupId,
    #[n(2)]
    epoch: u32,
    #[n(3)]
    #[cbor(with = "codec::item")]
    hash: RosterHash,
    #[n(4)]
    next: u32,
    #[n(5)]
    #[cbor(with = "codec::item")]
    key: SenderChainKey,
    #[n(6)]
    #[cbor(with = "codec::item")]
    signing: GroupSigningPublic,
}

/// The bytes of an announcement. Secret.
#[must_use]
pub fn encode_sender_chain(announcement: &ChainAnnouncement) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(encode(&SenderChain {
        version: limits::VERSION,
        group: announcement.group,
        epoch: announcement.made.epoch,
        hash: announcement.made.hash,
        next: announcement.next,
        key: SenderChainKey::from_bytes(&announcement.key.to_bytes()),
        signing: announcement.signing,
    }))
}

/// Reads an announcement. Whose chain it is only the session says by which it came.
///
/// # Errors
/// [`PeerError`]; [`PeerError::OutOfBounds`] for a position beyond a chain's end.
pub fn decode_sender_chain(bytes: &[u8]) -> Result<ChainAnnouncement, PeerError> {
    let SenderChain { version, group, epoch, hash, next, key, signing } =
        decode(bytes, limits::SENDER_CHAIN_MAX)?;
    if version != limits::VERSION {
        return Err(PeerError::UnknownVersion);
    }
    if next >= MAX_MESSAGES {
        return Err(PeerError::OutOfBounds);
    }
    Ok(ChainAnnouncement { group, made: RosterPlace { epoch, hash }, next, key, signing })
}
