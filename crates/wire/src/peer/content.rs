//! What a message says.

use minicbor::{Decode, Encode};
use sotto_crypto::file::FileKey;
use sotto_crypto::{DeliveryToken, FileId, MailboxId};

use super::codec::{self, Text};
use super::{PeerError, limits};
use crate::server::{List, Opaque};

/// A person's name as it travels.
pub type Name = Text<{ limits::NAME_MAX }>;

/// What a sequenced message says.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub enum Content {
    /// The first message of someone who used an invite.
    #[n(0)]
    Hello {
        /// What it calls itself.
        #[n(0)]
        name: Name,
        /// Its mailbox.
        #[n(1)]
        #[cbor(with = "codec::item")]
        mailbox: MailboxId,
        /// What lets the inviter write to it.
        #[n(2)]
        #[cbor(with = "codec::item")]
        token: DeliveryToken,
        /// Its signed bundle, for the delivery key.
        #[n(3)]
        bundle: Opaque<1, { limits::BUNDLE_MAX }>,
    },
    /// The inviter confirms who came.
    #[n(1)]
    Confirmed {
        /// What it calls itself.
        #[n(0)]
        name: Name,
        /// Replaces the invite's token.
        #[n(1)]
        #[cbor(with = "codec::item")]
        token: DeliveryToken,
    },
    /// The author calls itself something else now.
    #[n(2)]
    Profile {
        /// What it calls itself.
        #[n(0)]
        name: Name,
    },
    /// A text.
    #[n(3)]
    Text {
        /// As written; not empty.
        #[n(0)]
        text: Text<{ limits::TEXT_MAX }>,
    },
    /// A file is offered.
    #[n(4)]
    FileOffer(#[n(0)] Manifest),
    /// The receiver wants the file.
    #[n(5)]
    FileAccept {
        /// Which.
        #[n(0)]
        #[cbor(with = "codec::item")]
        file: FileId,
    },
    /// The receiver does not want the file.
    #[n(6)]
    FileDecline {
        /// Which.
        #[n(0)]
        #[cbor(with = "codec::item")]
        file: FileId,
    },
    /// The transfer is over before its end, or the offer is withdrawn.
    #[n(7)]
    FileCancel {
        /// Which.
        #[n(0)]
        #[cbor(with = "codec::item")]
        file: FileId,
        /// Why; any reason that this version does not know is read as [`CancelReason::Stopped`].
        #[n(1)]
        #[cbor(decode_with = "cancel_reason")]
        reason: CancelReason,
    },
    /// From the sender: the root of the file that was sent. From the receiver: the same root, computed from what is on
    /// its disk, once both are equal.
    #[n(8)]
    FileRoot {
        /// Which.
        #[n(0)]
        #[cbor(with = "codec::item")]
        file: FileId,
        /// Root of the hash tree over the ciphertext.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        root: [u8; 32],
    },
    /// The author's device lists that the reader may not know, in the order of their versions; the last is its newest.
    #[n(9)]
    Devices {
        /// At least one, each encoded and signed, see [`DeviceList`](super::DeviceList).
        #[n(0)]
        lists: List<Opaque<1, { limits::DEVICE_LIST_MAX }>, { limits::DEVICE_LISTS_MAX }>,
    },
}

/// Why a transfer is over before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum CancelReason {
    /// The person stopped it.
    #[n(0)]
    Stopped,
    /// The link broke, or a page was closed or reloaded.
    #[n(1)]
    Interrupted,
    /// The sender's file changed or cannot be read any more.
    #[n(2)]
    Unreadable,
    /// The receiver has no room.
    #[n(3)]
    NoSpace,
    /// What arrived is not what was sent.
    #[n(4)]
    Corrupt,
    /// A device cannot go on: its storage refuses, or what moves files there has stopped.
    #[n(5)]
    DeviceFailed,
}

/// What a file is and the key that opens it.
#[derive(Encode, Decode)]
#[cbor(map)]
pub struct Manifest {
    /// Version of the file format, [`limits::FILE_VERSION`].
    #[n(0)]
    #[cbor(decode_with = "file_version")]
    pub version: u8,
    /// The file, named at random by its sender.
    #[n(1)]
    #[cbor(with = "codec::item")]
    pub file: FileId,
    /// Its one-time key.
    #[n(2)]
    #[cbor(with = "codec::item")]
    pub key: FileKey,
    /// Plaintext bytes, at most [`limits::FILE_SIZE_MAX`].
    #[n(3)]
    #[cbor(decode_with = "file_size")]
    pub size: u64,
    /// Root of the hash tree, if it is known already.
    #[n(4)]
    #[cbor(with = "optional_root", has_nil)]
    pub root: Option<[u8; 32]>,
    /// Name of the file, as its sender has it.
    #[n(5)]
    pub name: Text<{ limits::FILE_NAME_MAX }>,
    /// Media type, may be empty.
    #[n(6)]
    pub mime: Text<{ limits::MIME_MAX }>,
}

impl core::fmt::Debug for Manifest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Manifest({} bytes)", self.size)
    }
}

fn cancel_reason<C>(
    d: &mut minicbor::Decoder<'_>,
    _: &mut C,
) -> Result<CancelReason, minicbor::decode::Error> {
    match d.decode() {
        // The transfer is over, whatever the reason.
        Err(error) if error.is_unknown_variant() => Ok(CancelReason::Stopped),
        reason => reason,
    }
}

fn file_version<C>(d: &mut minicbor::Decoder<'_>, _: &mut C) -> Result<u8, minicbor::decode::Error> {
    let version = d.u8()?;
    if version == limits::FILE_VERSION { Ok(version) } else { Err(codec::refused(PeerError::UnknownVersion)) }
}

fn file_size<C>(d: &mut minicbor::Decoder<'_>, _: &mut C) -> Result<u64, minicbor::decode::Error> {
    let size = d.u64()?;
    if size <= limits::FILE_SIZE_MAX { Ok(size) } else { Err(codec::out_of_bounds()) }
}

mod optional_root {
    use crate::FixedBytes;
    use minicbor::decode::{Decoder, Error};
    use minicbor::encode::{self, Encoder, Write};

    pub(super) fn encode<C, W: Write>(
        value: &Option<[u8; 32]>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match value {
            Some(root) => e.bytes(root)?.ok(),
            None => e.null()?.ok(),
        }
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Option<[u8; 32]>, Error> {
        Ok(d.decode::<Option<FixedBytes<32>>>()?.map(Into::into))
    }

    pub(super) fn nil() -> Option<Option<[u8; 32]>> {
        Some(None)
    }

    pub(super) fn is_nil(value: &Option<[u8; 32]>) -> bool {
        value.is_none()
    }
}
