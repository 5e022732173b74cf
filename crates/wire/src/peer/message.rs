//! The plaintext of a ratchet message.

use crate::FixedBytes;
use minicbor::{Decode, Encode};
use sotto_crypto::keys::DeliveryPublic;
use sotto_crypto::{DeliveryToken, MailboxId, MessageHash, Purpose};
use zeroize::Zeroizing;

use super::codec::{self, decode, encode};
use super::{Content, PeerError, limits};
use crate::server::List;

/// Names of messages in one acknowledgement.
pub type MessageIds = List<FixedBytes<16>, { limits::ACKNOWLEDGE_MAX }>;

/// The plaintext of one ratchet message.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
#[expect(clippy::large_enum_variant, reason = "nearly every message is a body, and none is kept")]
pub enum Message {
    /// Something said, in its place; acknowledged end to end.
    #[n(0)]
    Body(#[n(0)] Body),
    /// These messages are safe on the other device. Itself not acknowledged.
    #[n(1)]
    Acknowledge {
        /// Which.
        #[n(0)]
        ids: MessageIds,
    },
    /// The message of this hash could not be decrypted: say it again in this session. Not acknowledged.
    #[n(2)]
    Retry {
        /// Hash of the ratchet message.
        #[n(0)]
        #[cbor(with = "codec::item")]
        hash: MessageHash,
    },
    /// The conversation is over; the sender has destroyed its keys. Not acknowledged.
    #[n(3)]
    End {},
}

/// Something said, with its place among what its author's device said in this conversation.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub struct Body<C = Content> {
    /// Its name, random.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub message_id: [u8; 16],
    /// Counter of the author's device in this conversation and era, from 1.
    #[n(1)]
    pub sequence: u64,
    /// [`Message::body_hash`] of the author's body before this one; zeros for the first.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub previous: [u8; 32],
    /// Lamport time.
    #[n(3)]
    pub lamport: u64,
    /// Milliseconds since 1970 by the author's clock.
    #[n(4)]
    pub sent_at: u64,
    /// Version of the author's device list.
    #[n(5)]
    pub list_version: u32,
    /// Hash of the author's device list.
    #[n(6)]
    #[cbor(with = "minicbor::bytes")]
    pub list_hash: [u8; 32],
    /// What is said.
    #[n(7)]
    pub content: C,
    /// The author's delivery key, when it has a newer one.
    #[n(8)]
    #[cbor(with = "codec::option", has_nil)]
    pub delivery: Option<DeliveryPublic>,
    /// Replaces the token by which the reader writes to the author.
    #[n(9)]
    #[cbor(with = "codec::option", has_nil)]
    pub token: Option<DeliveryToken>,
    /// The author's mailbox, when it has another one.
    #[n(10)]
    #[cbor(with = "codec::option", has_nil)]
    pub mailbox: Option<MailboxId>,
    /// How often the author's device has lost its state and counts anew; absent for never. Sequences and hashes of
    /// different eras have nothing to do with each other.
    #[n(11)]
    pub era: Option<u32>,
}

/// A content that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer;

impl<'b, C> Decode<'b, C> for Newer {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.skip().map(|()| Self)
    }
}

/// A [`Message::Body`] whose content is not read.
#[derive(Decode)]
#[cbor(map)]
enum Placed {
    #[n(0)]
    Body(#[n(0)] Body<Newer>),
}

impl<C> Body<C> {
    /// The same with another form of its content.
    #[must_use]
    pub fn map<D>(self, content: impl FnOnce(C) -> D) -> Body<D> {
        Body {
            message_id: self.message_id,
            sequence: self.sequence,
            previous: self.previous,
            lamport: self.lamport,
            sent_at: self.sent_at,
            list_version: self.list_version,
            list_hash: self.list_hash,
            content: content(self.content),
            delivery: self.delivery,
            token: self.token,
            mailbox: self.mailbox,
            era: self.era,
        }
    }
}

impl Message {
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
        decode(bytes, limits::MESSAGE_MAX)
    }

    /// Reads a [`Message::Body`] of which [`Message::decode`] said [`PeerError::UnknownType`] or
    /// [`PeerError::UnknownVersion`], but for its content: a newer version says something there that this one cannot.
    ///
    /// # Errors
    /// [`PeerError`], also if it is another message.
    pub fn decode_newer(bytes: &[u8]) -> Result<Body<Newer>, PeerError> {
        decode(bytes, limits::MESSAGE_MAX).map(|Placed::Body(body)| body)
    }

    /// `SHA-256(label ‖ plaintext)` of an encoded [`Message::Body`], which its author's next body names.
    #[must_use]
    pub fn body_hash(plaintext: &[u8]) -> [u8; 32] {
        Purpose::BODY_HASH.hash(&[plaintext])
    }
}
