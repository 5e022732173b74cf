//! Chain keys and message secrets: each gives the next and cannot be turned back.

use crate::aead::{Cipher, NONCE};
use crate::id::{ChainId, GroupId};
use crate::kdf::{hkdf, hmac, split};
use crate::label::Purpose;
use crate::secret::secrets;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

secrets! {
    /// `CK` of a sender chain.
    SenderChainKey;
}

impl SenderChainKey {
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The secret of the next message, and the key behind it.
    pub(super) fn step(&self) -> (MessageSecret, SenderChainKey) {
        let secret = MessageSecret(Box::new(hmac(&self.0, &[&[1]])));
        (secret, Self::from_bytes(&hmac(&self.0, &[&[2]])))
    }
}

/// `mk`. Boxed, so that growing lists leave no copies behind.
pub(super) struct MessageSecret(Box<Zeroizing<[u8; 32]>>);

impl MessageSecret {
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Key, nonce and commitment of message `n` with this salt.
    pub(super) fn message_key(&self, salt: &[u8; 16], group: GroupId, chain: ChainId, n: u32) -> MessageKey {
        let context: [&[u8]; 3] = [group.as_bytes(), chain.as_bytes(), &n.to_be_bytes()];
        let material = hkdf::<76>(salt, &[self.as_bytes()], Purpose::SENDER_MESSAGE, &context);
        let (key, rest) = split::<76, 32, 44>(&material);
        let (nonce, commit) = split::<44, NONCE, 32>(&rest);
        MessageKey { cipher: Cipher::new(&key), nonce, commit: *commit }
    }
}

/// What one message is sealed with.
pub(super) struct MessageKey {
    pub(super) cipher: Cipher,
    pub(super) nonce: Zeroizing<[u8; NONCE]>,
    /// Not secret: it stands in the header.
    pub(super) commit: [u8; 32],
}

impl MessageKey {
    pub(super) fn commits(&self, commit: &[u8; 32]) -> bool {
        self.commit.ct_eq(commit).into()
    }
}
