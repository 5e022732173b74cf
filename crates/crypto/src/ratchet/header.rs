//! The 75-byte header in front of every ratchet message.

use super::{MAX_BODY, MESSAGE_OVERHEAD, RatchetError};
use crate::aead::TAG;
use crate::bytes::{Reader, join};
use crate::id::SessionId;
use crate::point::Point;
use rand_core::CryptoRng;

const VERSION: u8 = 1;

/// What kind of ratchet message something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Uses up a chain key: delivered, acknowledged, retried.
    Message,
    /// Beside the chain: signalling, typing, presence.
    Ephemeral,
}

impl MessageKind {
    const fn code(self) -> u8 {
        match self {
            Self::Message => 1,
            Self::Ephemeral => 2,
        }
    }
}

/// What can be seen of a ratchet message before opening it: enough to find its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The session it names.
    pub session_id: SessionId,
    /// Whether [`Session::open`](super::Session::open) or [`Session::open_ephemeral`](super::Session::open_ephemeral)
    /// is for it.
    pub kind: MessageKind,
}

impl Preview {
    /// Looks at a message's header.
    ///
    /// # Errors
    /// [`RatchetError::Malformed`] if it is too short or long, or of unknown version or type.
    pub fn of(message: &[u8]) -> Result<Self, RatchetError> {
        let Parsed { header, .. } = Parsed::read(message)?;
        Ok(Self { session_id: header.session_id, kind: header.kind })
    }
}

/// `version 1 ‖ type 1 ‖ session_id 16 ‖ dh 33 ‖ pn 4 ‖ n 4 ‖ r 16`.
#[derive(Clone, Copy)]
pub(super) struct Header {
    kind: MessageKind,
    session_id: SessionId,
    dh: [u8; Point::LENGTH],
    pn: u32,
    n: u32,
    salt: [u8; 16],
    bytes: [u8; Self::LENGTH],
}

impl Header {
    pub(super) const LENGTH: usize = 1 + 1 + 16 + Point::LENGTH + 4 + 4 + 16;

    /// With a random salt; chain and number follow by [`Header::under`].
    pub(super) fn new<R: CryptoRng + ?Sized>(kind: MessageKind, session_id: SessionId, rng: &mut R) -> Self {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        Self { kind, session_id, dh: [0; Point::LENGTH], pn: 0, n: 0, salt, bytes: [0; Self::LENGTH] }
    }

    pub(super) fn under(mut self, dh: &[u8; Point::LENGTH], pn: u32, n: u32) -> Self {
        (self.dh, self.pn, self.n) = (*dh, pn, n);
        self.bytes = join(&[
            &[VERSION, self.kind.code()],
            self.session_id.as_bytes(),
            dh,
            &pn.to_be_bytes(),
            &n.to_be_bytes(),
            &self.salt,
        ]);
        self
    }

    fn read(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let kind = match (reader.u8()?, reader.u8()?) {
            (VERSION, 1) => MessageKind::Message,
            (VERSION, 2) => MessageKind::Ephemeral,
            _ => return None,
        };
        let session_id = SessionId::from_bytes(*reader.array()?);
        let dh = *reader.array()?;
        let (pn, n) = (reader.u32()?, reader.u32()?);
        let salt = *reader.array()?;
        reader.end()?;
        Some(Self { kind, session_id, dh, pn, n, salt, bytes: *bytes })
    }

    pub(super) const fn kind(&self) -> MessageKind {
        self.kind
    }

    pub(super) const fn session_id(&self) -> SessionId {
        self.session_id
    }

    pub(super) const fn dh(&self) -> &[u8; Point::LENGTH] {
        &self.dh
    }

    pub(super) const fn pn(&self) -> u32 {
        self.pn
    }

    pub(super) const fn n(&self) -> u32 {
        self.n
    }

    pub(super) const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    pub(super) const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.bytes
    }
}

/// A ratchet message taken apart.
pub(super) struct Parsed<'a> {
    pub(super) header: Header,
    pub(super) ciphertext: &'a [u8],
    pub(super) tag: &'a [u8; TAG],
}

impl<'a> Parsed<'a> {
    pub(super) fn read(message: &'a [u8]) -> Result<Self, RatchetError> {
        Self::take_apart(message).ok_or(RatchetError::Malformed)
    }

    fn take_apart(message: &'a [u8]) -> Option<Self> {
        if message.len() > MAX_BODY + MESSAGE_OVERHEAD {
            return None;
        }
        let (header, rest) = message.split_first_chunk::<{ Header::LENGTH }>()?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
        Some(Self { header: Header::read(header)?, ciphertext, tag })
    }

    /// The ratchet key, if it is a point and not `known`.
    pub(super) fn fresh_point(&self, known: &Point) -> Result<Point, RatchetError> {
        let point = Point::from_bytes(&self.header.dh).map_err(|_| RatchetError::Malformed)?;
        if point == *known { Err(RatchetError::Malformed) } else { Ok(point) }
    }
}
