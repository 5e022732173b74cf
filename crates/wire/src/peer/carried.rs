//! What an envelope or a link carries: a ratchet message, and in first messages what lets the other side answer.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sotto_crypto::keys::{AccountPublic, EphemeralPublic};
use sotto_crypto::x3dh::FirstKeys;
use sotto_crypto::{InviteId, PreKeyId};

use super::codec::{self, decode, encode};
use super::{DeviceList, PeerError, limits};

#[derive(Encode, Decode)]
#[cbor(map)]
struct Prefix {
    #[n(0)]
    #[cbor(with = "codec::item")]
    account: AccountPublic,
    #[n(1)]
    device_list: ByteVec,
    #[n(2)]
    #[cbor(with = "codec::item")]
    ephemeral: EphemeralPublic,
    #[n(3)]
    #[cbor(with = "codec::item")]
    spk_id: PreKeyId,
    #[n(4)]
    #[cbor(with = "codec::option", has_nil)]
    opk_id: Option<PreKeyId>,
    #[n(5)]
    #[cbor(with = "codec::option", has_nil)]
    invite_id: Option<InviteId>,
    #[n(6)]
    flags: u8,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Outer {
    #[n(0)]
    prefix: Option<Prefix>,
    #[n(1)]
    ratchet: ByteVec,
}

/// The prefix of first messages, repeated until the first answer: who begins, and with which of the other's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstPrefix {
    /// The beginner's device list, verified under its own account key.
    pub device_list: DeviceList,
    /// What X3DH needs.
    pub keys: FirstKeys,
}

/// A ratchet message on its way, still encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Present until the beginner has got its first answer.
    pub first: Option<FirstPrefix>,
    /// The ratchet message, or an ephemeral one.
    pub ratchet: Vec<u8>,
}

impl Carried {
    /// The bytes to seal into an envelope or to send over a link.
    #[must_use]
    pub fn encode(first: Option<&FirstPrefix>, ratchet: &[u8]) -> Vec<u8> {
        let prefix = first.map(|first| Prefix {
            account: *first.device_list.account(),
            device_list: first.device_list.as_bytes().to_vec().into(),
            ephemeral: first.keys.ephemeral,
            spk_id: first.keys.spk_id,
            opk_id: first.keys.opk_id,
            invite_id: first.keys.invite_id,
            flags: first.keys.flags(),
        });
        encode(&Outer { prefix, ratchet: ratchet.to_vec().into() })
    }

    /// Reads what came out of an envelope or a link. The device list's signature is verified; nothing else is.
    ///
    /// # Errors
    /// [`PeerError`]; [`PeerError::WrongAccount`] if the prefix names another account than its device list.
    pub fn decode(bytes: &[u8]) -> Result<Self, PeerError> {
        let outer: Outer = decode(bytes, limits::CARRIED_MAX)?;
        let first = outer.prefix.map(FirstPrefix::try_from).transpose()?;
        Ok(Self { first, ratchet: outer.ratchet.into() })
    }
}

impl TryFrom<Prefix> for FirstPrefix {
    type Error = PeerError;

    fn try_from(prefix: Prefix) -> Result<Self, PeerError> {
        let device_list = DeviceList::decode(&prefix.device_list)?;
        if *device_list.account() != prefix.account {
            return Err(PeerError::WrongAccount);
        }
        let Prefix { ephemeral, spk_id, opk_id, invite_id, flags, .. } = prefix;
        let keys = FirstKeys { ephemeral, spk_id, opk_id, invite_id };
        if keys.flags() != flags {
            return Err(PeerError::Malformed);
        }
        Ok(Self { device_list, keys })
    }
}
