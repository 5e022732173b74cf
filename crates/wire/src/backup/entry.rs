//! The entries of a backup.

use minicbor::decode::{Decoder, Error};
use minicbor::{Decode, Encode};
use sotto_crypto::backup::ITEM_MAX;
use sotto_crypto::keys::AccountKey;
use sotto_crypto::{AccountId, DeliveryToken, MailboxId};
use zeroize::Zeroizing;

use crate::peer::codec::{self, decode_signed, encode};
use crate::peer::{DeviceList, Name, PeerError, Text, limits};

/// One entry.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub enum BackupEntry {
    /// Whose backup this is; first, and once.
    #[n(0)]
    Account {
        /// Version of all entries, [`limits::VERSION`].
        #[n(0)]
        #[cbor(decode_with = "known_version")]
        version: u8,
        /// The account's private key, which signs the list with the new device.
        #[n(1)]
        #[cbor(with = "codec::item")]
        key: AccountKey,
        /// The account's newest device list.
        #[n(2)]
        #[cbor(with = "codec::item")]
        list: DeviceList,
        /// What the account's owner calls itself.
        #[n(3)]
        name: Name,
        /// When the backup was made, in milliseconds since 1970.
        #[n(4)]
        created: u64,
    },
    /// A contact; the messages with it follow.
    #[n(1)]
    Contact {
        /// Its newest known device list.
        #[n(0)]
        #[cbor(with = "codec::item")]
        list: DeviceList,
        /// What it calls itself.
        #[n(1)]
        name: Name,
        /// What the owner calls it; empty for its own name.
        #[n(2)]
        petname: Name,
        /// Whether safety numbers were compared.
        #[n(3)]
        verified: bool,
        /// Whether it may be talked to.
        #[n(4)]
        standing: Standing,
        /// Its mailbox.
        #[n(5)]
        #[cbor(with = "codec::item")]
        mailbox: MailboxId,
        /// What lets the owner write to it and fetch its bundle.
        #[n(6)]
        #[cbor(with = "codec::item")]
        token: DeliveryToken,
    },
    /// A message with the contact before it.
    #[n(2)]
    Message {
        /// Lamport time of its place in the conversation.
        #[n(0)]
        lamport: u64,
        /// Who wrote it: the owner or the contact.
        #[n(1)]
        #[cbor(with = "codec::item")]
        author: AccountId,
        /// The author's counter.
        #[n(2)]
        sequence: u64,
        /// Its name.
        #[n(3)]
        #[cbor(with = "minicbor::bytes")]
        message_id: [u8; 16],
        /// Milliseconds since 1970 by the author's clock.
        #[n(4)]
        sent_at: u64,
        /// What it says.
        #[n(5)]
        said: Said,
    },
}

/// Whether a contact may be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Standing {
    /// The owner used its link; it has not confirmed yet.
    #[n(0)]
    AwaitingTheirs,
    /// It came by the owner's link and waits to be confirmed.
    #[n(1)]
    AwaitingOurs,
    /// Confirmed on both sides.
    #[n(2)]
    Confirmed,
    /// The conversation was ended.
    #[n(3)]
    Ended,
}

/// What a message in a backup says. Messages that expire or may be seen once have no form here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub enum Said {
    /// A text.
    #[n(0)]
    Text {
        /// As written.
        #[n(0)]
        text: Text<{ limits::TEXT_MAX }>,
    },
    /// A file was offered: remembered, neither its key nor its bytes.
    #[n(1)]
    File {
        /// Its name, as its sender had it.
        #[n(0)]
        name: Text<{ limits::FILE_NAME_MAX }>,
        /// Its size in bytes, at most [`limits::FILE_SIZE_MAX`].
        #[n(1)]
        #[cbor(decode_with = "file_size")]
        size: u64,
        /// Its media type, may be empty.
        #[n(2)]
        mime: Text<{ limits::MIME_MAX }>,
    },
    /// Messages of this author are missing here.
    #[n(2)]
    Missing {
        /// How many.
        #[n(0)]
        count: u64,
    },
    /// Something happened in the conversation itself.
    #[n(3)]
    Milestone {
        /// What.
        #[n(0)]
        kind: Milestone,
    },
}

/// Things that happen in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Milestone {
    /// The contact came by the owner's link.
    #[n(0)]
    CameByOurLink,
    /// The owner came by the contact's link.
    #[n(1)]
    CameByTheirLink,
    /// The inviter confirmed the invitee.
    #[n(2)]
    Confirmed,
    /// The contact ended the conversation.
    #[n(3)]
    Ended,
}

impl BackupEntry {
    /// The bytes of the entry: an item of a backup.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(encode(self))
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`PeerError`]; [`PeerError::WrongAccount`] for an account whose device list is another's.
    pub fn decode(bytes: &[u8]) -> Result<Self, PeerError> {
        let entry: Self = decode_signed(bytes, ITEM_MAX)?;
        match &entry {
            Self::Account { key, list, .. } if key.public() != *list.account() => {
                Err(PeerError::WrongAccount)
            }
            _ => Ok(entry),
        }
    }
}

fn known_version<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<u8, Error> {
    let version = d.u8()?;
    if version == limits::VERSION { Ok(version) } else { Err(codec::refused(PeerError::UnknownVersion)) }
}

fn file_size<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<u64, Error> {
    let size = d.u64()?;
    if size <= limits::FILE_SIZE_MAX { Ok(size) } else { Err(codec::refused(PeerError::OutOfBounds)) }
}
