//! The Double Ratchet (Signal's specification) with a random salt in every message, and ephemeral messages beside
//! the chains.
//!
//! ```text
//! root step  HKDF(salt = RK, ikm = DH, info = label, 96 bytes) → RK′ ‖ CK ‖ XK
//! chain      mk = HMAC(CK, 01), CK′ = HMAC(CK, 02)
//! message    HKDF(salt = r, ikm = mk, info = label ‖ session_id) → key 32 ‖ nonce 12
//! ephemeral  HKDF(salt = r, ikm = XK, info = label ‖ session_id ‖ dh ‖ x) → key 32 ‖ nonce 12
//! header     version 1 ‖ type 1 ‖ session_id 16 ‖ dh 33 ‖ pn 4 ‖ n 4 ‖ r 16        (type 1: message, 2: ephemeral, n = x)
//! on the wire: header ‖ AES-256-GCM ciphertext ‖ tag 16, AAD = th ‖ header
//! ```
//! `r` is 16 random bytes: a rolled-back or copied state cannot repeat a key with its nonce. A root step for sending
//! is taken when something is sent, one for receiving when something under a new `dh` opened, ephemeral messages
//! included; chain keys are used by messages only. A responder therefore never answers under the key X3DH gave.

mod chain;
mod ephemeral;
mod header;
mod skipped;
mod store;

use crate::Timestamp;
use crate::aead::{Cipher, NONCE, TAG};
use crate::id::SessionId;
use crate::point::{KeyPair, Point};
use crate::x3dh::{InitiatorAgreement, ResponderAgreement};
use chain::{ChainKey, MessageKey, RootKey};
use ephemeral::{EphemeralReceiver, EphemeralSender};
use header::{Header, Parsed};
pub use header::{MessageKind, Preview};
use rand_core::CryptoRng;
use skipped::SkippedKeys;
use std::collections::VecDeque;
pub use store::StateError;

/// Longest plaintext of a message in bytes; what is larger travels as a file.
pub const MAX_BODY: usize = 60 << 10;
/// Bytes a ratchet message is longer than its plaintext.
pub const MESSAGE_OVERHEAD: usize = Header::LENGTH + TAG;
/// Most keys one message may skip in a chain.
pub const MAX_JUMP: u32 = 1_000;
/// Most skipped keys kept in a session; the oldest go first.
pub const MAX_SKIPPED: usize = 2_000;
/// Most receiving chains remembered, the current one included. Only the newest two open ephemeral messages.
pub const MAX_RECEIVING_CHAINS: usize = 5;

/// Why a message could not be sealed or opened. The session is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatchetError {
    /// Not a ratchet message of the expected type, or its ratchet key is no valid point or one it must not be.
    #[error("malformed ratchet message")]
    Malformed,
    /// For another session.
    #[error("message for another session")]
    WrongSession,
    /// More than [`MAX_JUMP`] messages missing before it.
    #[error("too many messages missing before this one")]
    TooFarAhead,
    /// Its key was used, or was dropped after its time: a duplicate, or undecryptable.
    #[error("the key of this message is gone")]
    KeyGone,
    /// Altered, or sealed by somebody else.
    #[error("message does not open")]
    BadTag,
    /// Longer than [`MAX_BODY`].
    #[error("message too long")]
    TooLong,
    /// 2³² messages under one ratchet key: begin another session.
    #[error("sending chain used up")]
    Exhausted,
}

/// The chain under which this side sends.
struct SendingChain {
    key: ChainKey,
    next: u32,
    ephemeral: EphemeralSender,
}

/// The chain under which the peer sends.
struct ReceivingChain {
    dh: [u8; Point::LENGTH],
    key: ChainKey,
    next: u32,
    ephemeral: EphemeralReceiver,
}

/// A chain the peer used before: its missing messages' keys are among the skipped.
struct PastChain {
    dh: [u8; Point::LENGTH],
    ephemeral: Option<EphemeralReceiver>,
}

/// One ratchet session with one device. Everything in it is secret: store [`Session::to_bytes`] encrypted, and make
/// it durable before what it sealed leaves the device.
pub struct Session {
    transcript: [u8; 32],
    id: SessionId,
    root: RootKey,
    /// Our newest ratchet key.
    own: KeyPair,
    /// The peer's newest ratchet key; at the initiator, until the first answer, its signed prekey.
    peer: Point,
    /// `None` when the peer's newest key asks for a root step before sending.
    sending: Option<SendingChain>,
    /// `pn`: messages sent under the ratchet key before `own`.
    previous_length: u32,
    receiving: Option<ReceivingChain>,
    /// Newest first.
    past: VecDeque<PastChain>,
    skipped: SkippedKeys,
}

/// What a received message would change; merged into the session only once its tag verified.
struct Advance {
    /// The root step to a new ratchet key of the peer, if the message brings one.
    step: Option<(RootKey, Point)>,
    receiving: ReceivingChain,
    skipped: SkippedKeys,
}

impl Session {
    /// Begins a session as X3DH's initiator, towards the signed prekey the agreement was made with. The agreement is
    /// borrowed, not moved: a move would leave a copy of its secret behind.
    pub fn initiate<R: CryptoRng + ?Sized>(agreement: &InitiatorAgreement, rng: &mut R) -> Self {
        let own = KeyPair::generate(rng);
        let peer = agreement.signed_prekey.point;
        let (root, key, ephemeral) =
            RootKey::from_agreement(&agreement.agreed.secret).step(&own.agree(&peer));
        Self {
            transcript: agreement.agreed.transcript,
            id: agreement.session_id(),
            root,
            own,
            peer,
            sending: Some(SendingChain { key, next: 0, ephemeral: EphemeralSender::new(ephemeral) }),
            previous_length: 0,
            receiving: None,
            past: VecDeque::new(),
            skipped: SkippedKeys::default(),
        }
    }

    /// Begins a session as X3DH's responder. There is none without a message that opens: returned is its plaintext.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn respond(
        agreement: &ResponderAgreement,
        message: &[u8],
        now: Timestamp,
    ) -> Result<(Self, Vec<u8>), RatchetError> {
        let parsed = Parsed::read(message)?;
        let own = agreement.signed_prekey.duplicate();
        let peer = parsed.fresh_point(own.public())?;
        let (root, key, ephemeral) =
            RootKey::from_agreement(&agreement.agreed.secret).step(&own.agree(&peer));
        let dh = *peer.as_bytes();
        let mut session = Self {
            transcript: agreement.agreed.transcript,
            id: agreement.session_id(),
            root,
            own,
            peer,
            sending: None,
            previous_length: 0,
            receiving: Some(ReceivingChain {
                dh,
                key,
                next: 0,
                ephemeral: EphemeralReceiver::new(ephemeral),
            }),
            past: VecDeque::new(),
            skipped: SkippedKeys::default(),
        };
        let plaintext = session.open(message, now)?;
        Ok((session, plaintext))
    }

    /// The session's id, the same on both sides.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Whether the peer never answered: the initiator's messages carry X3DH's keys until it did.
    pub const fn is_unanswered(&self) -> bool {
        self.receiving.is_none()
    }

    /// Seals a message: header, ciphertext and tag. Store the session before sending it.
    ///
    /// # Errors
    /// [`RatchetError::TooLong`] or [`RatchetError::Exhausted`].
    pub fn seal<R: CryptoRng + ?Sized>(
        &mut self,
        plaintext: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, RatchetError> {
        if plaintext.len() > MAX_BODY {
            return Err(RatchetError::TooLong);
        }
        let header = Header::new(MessageKind::Message, self.id, rng);
        let (key, header) = self.with_sending(rng, |chain, dh, pn| {
            let n = chain.next;
            chain.next = n.checked_add(1).ok_or(RatchetError::Exhausted)?;
            let header = header.under(dh, pn, n);
            Ok((chain.key.advance().message_key(header.salt(), header.session_id()), header))
        })?;
        Ok(self.encrypt(&header, &key, plaintext))
    }

    /// Opens a message and forgets its key. `now` dates the keys of messages skipped by it.
    ///
    /// # Errors
    /// [`RatchetError`], with nothing changed.
    pub fn open(&mut self, message: &[u8], now: Timestamp) -> Result<Vec<u8>, RatchetError> {
        let parsed = self.parse(message, MessageKind::Message)?;
        let (dh, n) = (parsed.header.dh(), parsed.header.n());
        if let Some(key) = self.skipped.get(dh, n) {
            let key = key.message_key(parsed.header.salt(), self.id);
            let plaintext = self.decrypt(&parsed, &key)?;
            self.skipped.remove(dh, n);
            return Ok(plaintext);
        }
        if self.past.iter().any(|chain| chain.dh == *dh) {
            return Err(RatchetError::KeyGone);
        }
        let mut advance = self.reach(&parsed, now)?;
        if n < advance.receiving.next {
            return Err(RatchetError::KeyGone);
        }
        advance.receiving.skip_to(n, now, &mut advance.skipped)?;
        let secret = advance.receiving.key.advance();
        advance.receiving.next = n.checked_add(1).ok_or(RatchetError::Malformed)?;
        let plaintext = self.decrypt(&parsed, &secret.message_key(parsed.header.salt(), self.id))?;
        self.commit(advance);
        Ok(plaintext)
    }

    /// Forgets the keys of messages skipped before `time`.
    pub fn forget_skipped_before(&mut self, time: Timestamp) {
        self.skipped.forget_before(time);
    }

    /// Reads a message's outside and refuses what is not this session's, not of this kind, or under our own key.
    fn parse<'a>(&self, message: &'a [u8], kind: MessageKind) -> Result<Parsed<'a>, RatchetError> {
        let parsed = Parsed::read(message)?;
        if parsed.header.session_id() != self.id {
            return Err(RatchetError::WrongSession);
        }
        if parsed.header.kind() != kind || parsed.header.dh() == self.own.public().as_bytes() {
            return Err(RatchetError::Malformed);
        }
        Ok(parsed)
    }

    /// The receiving chain of a message's ratchet key: a copy of the current one, or a new one with the root step
    /// to it and the keys skipped at the end of the current one.
    fn reach(&self, parsed: &Parsed<'_>, now: Timestamp) -> Result<Advance, RatchetError> {
        let mut skipped = SkippedKeys::default();
        if let Some(current) = &self.receiving {
            let mut current = current.duplicate();
            if current.dh == *parsed.header.dh() {
                return Ok(Advance { step: None, receiving: current, skipped });
            }
            current.skip_to(parsed.header.pn().max(current.next), now, &mut skipped)?;
        }
        // Only the initiator's first peer key is not among the chains: answering under it is no fresh DH.
        let peer = parsed.fresh_point(&self.peer)?;
        let (root, key, ephemeral) = self.root.step(&self.own.agree(&peer));
        let ephemeral = EphemeralReceiver::new(ephemeral);
        let receiving = ReceivingChain { dh: *peer.as_bytes(), key, next: 0, ephemeral };
        Ok(Advance { step: Some((root, peer)), receiving, skipped })
    }

    fn commit(&mut self, advance: Advance) {
        self.skipped.append(advance.skipped);
        let former = self.receiving.replace(advance.receiving);
        let Some((root, peer)) = advance.step else { return };
        self.root = root;
        self.peer = peer;
        if let Some(sending) = &self.sending {
            self.previous_length = sending.next;
        }
        // Dropped where it lies: moved out, it may leave its keys behind.
        self.sending = None;
        for chain in &mut self.past {
            chain.ephemeral = None;
        }
        if let Some(ReceivingChain { dh, ephemeral, .. }) = former {
            self.past.push_front(PastChain { dh, ephemeral: Some(ephemeral) });
            self.past.truncate(MAX_RECEIVING_CHAINS - 1);
        }
    }

    /// Gives `use_chain` the sending chain, our ratchet key and `pn`, after the root step if one is due. Nothing is
    /// kept when it fails.
    fn with_sending<R: CryptoRng + ?Sized, T>(
        &mut self,
        rng: &mut R,
        use_chain: impl FnOnce(&mut SendingChain, &[u8; Point::LENGTH], u32) -> Result<T, RatchetError>,
    ) -> Result<T, RatchetError> {
        if let Some(chain) = &mut self.sending {
            return use_chain(chain, self.own.public().as_bytes(), self.previous_length);
        }
        let own = KeyPair::generate(rng);
        let (root, key, ephemeral) = self.root.step(&own.agree(&self.peer));
        let mut chain = SendingChain { key, next: 0, ephemeral: EphemeralSender::new(ephemeral) };
        let result = use_chain(&mut chain, own.public().as_bytes(), self.previous_length)?;
        self.root = root;
        self.own = own;
        self.sending = Some(chain);
        Ok(result)
    }

    fn encrypt(&self, header: &Header, key: &MessageKey, plaintext: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(plaintext.len() + MESSAGE_OVERHEAD);
        message.extend_from_slice(header.as_bytes());
        message.extend_from_slice(plaintext);
        let (_, text) = message.split_at_mut(Header::LENGTH);
        let tag = key.cipher().seal(key.nonce(), &self.associated(header), text);
        message.extend_from_slice(&tag);
        message
    }

    fn decrypt(&self, parsed: &Parsed<'_>, key: &MessageKey) -> Result<Vec<u8>, RatchetError> {
        let mut text = parsed.ciphertext.to_vec();
        key.cipher()
            .open(key.nonce(), &self.associated(&parsed.header), &mut text, parsed.tag)
            .map_err(|_| RatchetError::BadTag)?;
        Ok(text)
    }

    fn associated(&self, header: &Header) -> Vec<u8> {
        [self.transcript.as_slice(), header.as_bytes()].concat()
    }
}

impl ReceivingChain {
    fn duplicate(&self) -> Self {
        Self {
            dh: self.dh,
            key: self.key.duplicate(),
            next: self.next,
            ephemeral: self.ephemeral.duplicate(),
        }
    }

    /// Moves on to message `n`, which is not before `next`, keeping the keys in between.
    fn skip_to(&mut self, n: u32, now: Timestamp, skipped: &mut SkippedKeys) -> Result<(), RatchetError> {
        if n.saturating_sub(self.next) > MAX_JUMP {
            return Err(RatchetError::TooFarAhead);
        }
        for missing in self.next..n {
            skipped.push(self.dh, missing, self.key.advance(), now);
        }
        self.next = n;
        Ok(())
    }
}

impl MessageKey {
    fn cipher(&self) -> Cipher {
        Cipher::new(self.key())
    }
}

const _: () = assert!(NONCE == 12, "message keys carry 12 bytes of nonce");

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}
