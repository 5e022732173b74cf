//! A session as bytes, for encrypted storage.
//!
//! ```text
//! version 1 ‖ th 32 ‖ RK 32 ‖ own secret 32 ‖ peer 33 ‖ pn 4
//! ‖ 0, or 1 ‖ sending CK 32 ‖ n 4 ‖ XK 32 ‖ x 4
//! ‖ 0, or 1 ‖ receiving dh 33 ‖ CK 32 ‖ n 4 ‖ XK 32 ‖ last x
//! ‖ count 1 ‖ past chains, newest first: dh 33 ‖ (0, or 1 ‖ XK 32 ‖ last x)
//! ‖ count 2 ‖ skipped keys, oldest first: dh 33 ‖ n 4 ‖ milliseconds 8 ‖ mk 32
//! last x = 0, or 1 ‖ x 4
//! ```

use super::chain::{ChainKey, MessageSecret, RootKey};
use super::ephemeral::{EphemeralReceiver, EphemeralSender};
use super::skipped::SkippedKeys;
use super::{MAX_RECEIVING_CHAINS, MAX_SKIPPED, PastChain, ReceivingChain, SendingChain, Session};
use crate::Timestamp;
use crate::bytes::Reader;
use crate::id::{SessionId, truncate};
use crate::label::Purpose;
use crate::point::{KeyPair, Point};
use std::collections::VecDeque;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const SKIPPED_LENGTH: usize = Point::LENGTH + 4 + 8 + 32;
/// Everything but the skipped keys, at its longest.
const LONGEST_HEAD: usize = 1
    + 32 * 3
    + Point::LENGTH
    + 4
    + (1 + 32 + 4 + 32 + 4)
    + (1 + Point::LENGTH + 32 + 4 + 32 + 5)
    + (1 + (MAX_RECEIVING_CHAINS - 1) * (Point::LENGTH + 1 + 32 + 5))
    + 2;

/// The bytes are not a session that [`Session::to_bytes`] of this version wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed session state")]
pub struct StateError;

/// Appends fixed layouts to a buffer that was made large enough, so that no copy of a secret is left behind.
struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn presence(&mut self, present: bool) -> &mut Self {
        self.put(&[u8::from(present)])
    }

    fn receiver(&mut self, receiver: &EphemeralReceiver) {
        self.put(receiver.key.as_slice()).presence(receiver.last.is_some());
        if let Some(last) = receiver.last {
            self.put(&last.to_be_bytes());
        }
    }
}

impl Reader<'_> {
    fn presence(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.presence()? { read(self).map(Some) } else { Some(None) }
    }

    fn key(&mut self) -> Option<Zeroizing<[u8; 32]>> {
        self.array().map(|bytes| Zeroizing::new(*bytes))
    }

    fn receiver(&mut self) -> Option<EphemeralReceiver> {
        Some(EphemeralReceiver { key: self.key()?, last: self.optional(Self::u32)? })
    }
}

impl Session {
    /// The whole state, to be stored encrypted; at most some 160 KB, usually under 1 KB. Wiped when dropped.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let capacity = LONGEST_HEAD + self.skipped.len() * SKIPPED_LENGTH;
        let mut out = Writer(Zeroizing::new(Vec::with_capacity(capacity)));
        out.put(&[VERSION])
            .put(&self.transcript)
            .put(self.root.as_bytes())
            .put(self.own.to_bytes().as_slice())
            .put(self.peer.as_bytes())
            .put(&self.previous_length.to_be_bytes())
            .presence(self.sending.is_some());
        if let Some(SendingChain { key, next, ephemeral }) = &self.sending {
            out.put(key.as_bytes())
                .put(&next.to_be_bytes())
                .put(ephemeral.key.as_slice())
                .put(&ephemeral.next.to_be_bytes());
        }
        out.presence(self.receiving.is_some());
        if let Some(ReceivingChain { dh, key, next, ephemeral }) = &self.receiving {
            out.put(dh).put(key.as_bytes()).put(&next.to_be_bytes()).receiver(ephemeral);
        }
        out.put(&[u8::try_from(self.past.len()).unwrap_or(u8::MAX)]);
        for PastChain { dh, ephemeral } in &self.past {
            out.put(dh).presence(ephemeral.is_some());
            if let Some(receiver) = ephemeral {
                out.receiver(receiver);
            }
        }
        out.put(&u16::try_from(self.skipped.len()).unwrap_or(u16::MAX).to_be_bytes());
        for key in self.skipped.iter() {
            out.put(&key.dh)
                .put(&key.n.to_be_bytes())
                .put(&key.since.as_millis().to_be_bytes())
                .put(key.secret.as_bytes());
        }
        out.0
    }

    /// Takes a session back from storage.
    ///
    /// # Errors
    /// [`StateError`] for anything [`Session::to_bytes`] did not write, counts beyond the limits included.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        Self::read(Reader::new(bytes)).ok_or(StateError)
    }

    fn read(mut reader: Reader<'_>) -> Option<Self> {
        if reader.u8()? != VERSION {
            return None;
        }
        let transcript = *reader.array()?;
        let root = RootKey::from_bytes(reader.array()?);
        let own = KeyPair::from_bytes(reader.array()?).ok()?;
        let peer = Point::from_bytes(reader.array()?).ok()?;
        let previous_length = reader.u32()?;
        let sending = reader.optional(|reader| {
            let key = ChainKey::from_bytes(reader.array()?);
            let next = reader.u32()?;
            let ephemeral = EphemeralSender { key: reader.key()?, next: reader.u32()? };
            Some(SendingChain { key, next, ephemeral })
        })?;
        let receiving = reader.optional(|reader| {
            let dh = *reader.array()?;
            let key = ChainKey::from_bytes(reader.array()?);
            let next = reader.u32()?;
            Some(ReceivingChain { dh, key, next, ephemeral: reader.receiver()? })
        })?;
        let past = Self::read_past(&mut reader)?;
        let skipped = Self::read_skipped(&mut reader)?;
        reader.end()?;
        let id = SessionId::from_bytes(truncate(Purpose::SESSION_ID.hash(&[&transcript])));
        Some(Self { transcript, id, root, own, peer, sending, previous_length, receiving, past, skipped })
    }

    fn read_past(reader: &mut Reader<'_>) -> Option<VecDeque<PastChain>> {
        let count = usize::from(reader.u8()?);
        if count >= MAX_RECEIVING_CHAINS {
            return None;
        }
        let chain = |reader: &mut Reader<'_>| {
            let dh = *reader.array()?;
            Some(PastChain { dh, ephemeral: reader.optional(Reader::receiver)? })
        };
        (0..count).map(|_| chain(reader)).collect()
    }

    fn read_skipped(reader: &mut Reader<'_>) -> Option<SkippedKeys> {
        let count = usize::from(reader.u16()?);
        if count > MAX_SKIPPED {
            return None;
        }
        let mut skipped = SkippedKeys::default();
        for _ in 0..count {
            let dh = *reader.array()?;
            let n = reader.u32()?;
            let since = Timestamp::from_millis(reader.u64()?);
            skipped.push(dh, n, MessageSecret::from_bytes(reader.array()?), since);
        }
        Some(skipped)
    }
}
