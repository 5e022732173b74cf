//! Ephemeral messages: in session, but beside the chains, so that losing any number of them costs nothing.
//!
//! They are numbered by `x` under the `XK` of the sender's ratchet key, accepted only when `x` rises, never skipped,
//! acknowledged or retried. One under a new ratchet key brings the root step along as any message does.

use super::chain::MessageKey;
use super::header::Header;
use super::{MAX_BODY, MessageKind, RatchetError, Session};
use crate::Timestamp;
use crate::label::Purpose;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// `XK` of our ratchet key and the next `x`.
pub(super) struct EphemeralSender {
    pub(super) key: Zeroizing<[u8; 32]>,
    pub(super) next: u32,
}

impl EphemeralSender {
    pub(super) const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key, next: 0 }
    }
}

/// `XK` of a ratchet key of the peer and the last `x` accepted.
pub(super) struct EphemeralReceiver {
    pub(super) key: Zeroizing<[u8; 32]>,
    pub(super) last: Option<u32>,
}

impl EphemeralReceiver {
    pub(super) const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key, last: None }
    }

    pub(super) fn duplicate(&self) -> Self {
        Self { key: self.key.clone(), last: self.last }
    }

    /// The key of a message whose `x` rises.
    fn message_key(&self, header: &Header) -> Result<MessageKey, RatchetError> {
        if self.last.is_some_and(|last| header.n() <= last) {
            return Err(RatchetError::KeyGone);
        }
        Ok(ephemeral_key(&self.key, header))
    }
}

fn ephemeral_key(key: &[u8; 32], header: &Header) -> MessageKey {
    let (session, x) = (header.session_id(), header.n().to_be_bytes());
    let context: [&[u8]; 3] = [session.as_bytes(), header.dh(), &x];
    MessageKey::derive(header.salt(), key, Purpose::RATCHET_EPHEMERAL, &context)
}

impl Session {
    /// Seals an ephemeral message. Store the session before sending it, as for any message: it may be the first under a
    /// new ratchet key, without which the answers could not be opened.
    ///
    /// # Errors
    /// [`RatchetError::TooLong`] or [`RatchetError::Exhausted`].
    pub fn seal_ephemeral<R: CryptoRng + ?Sized>(
        &mut self,
        plaintext: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, RatchetError> {
        if plaintext.len() > MAX_BODY {
            return Err(RatchetError::TooLong);
        }
        let header = Header::new(MessageKind::Ephemeral, self.id, rng);
        let (key, header) = self.with_sending(rng, |chain, dh, pn| {
            let x = chain.ephemeral.next;
            chain.ephemeral.next = x.checked_add(1).ok_or(RatchetError::Exhausted)?;
            let header = header.under(dh, pn, x);
            Ok((ephemeral_key(&chain.ephemeral.key, &header), header))
        })?;
        Ok(self.encrypt(&header, &key, plaintext))
    }

    /// Opens an ephemeral message.
    ///
    /// # Errors
    /// [`RatchetError::KeyGone`] for a number that does not rise or a ratchet key older than the previous one;
    /// otherwise those of [`Session::open`]. Nothing is changed then.
    pub fn open_ephemeral(&mut self, message: &[u8], now: Timestamp) -> Result<Vec<u8>, RatchetError> {
        let parsed = self.parse(message, MessageKind::Ephemeral)?;
        let header = &parsed.header;
        if let Some(place) = self.past.iter().position(|chain| chain.dh == *header.dh()) {
            let receiver = self.past.get(place).and_then(|chain| chain.ephemeral.as_ref());
            let key = receiver.ok_or(RatchetError::KeyGone)?.message_key(header)?;
            let plaintext = self.decrypt(&parsed, &key)?;
            if let Some(receiver) = self.past.get_mut(place).and_then(|chain| chain.ephemeral.as_mut()) {
                receiver.last = Some(header.n());
            }
            return Ok(plaintext);
        }
        let mut advance = self.reach(&parsed, now)?;
        let key = advance.receiving.ephemeral.message_key(header)?;
        let plaintext = self.decrypt(&parsed, &key)?;
        advance.receiving.ephemeral.last = Some(header.n());
        self.commit(advance);
        Ok(plaintext)
    }
}
