//! Root keys, chain keys, message secrets: each gives the next and cannot be turned back.

use crate::aead::NONCE;
use crate::id::SessionId;
use crate::kdf::{hkdf, hmac, split};
use crate::label::Purpose;
use zeroize::Zeroizing;

/// `RK`.
pub(super) struct RootKey(Zeroizing<[u8; 32]>);

impl RootKey {
    /// RK₀ = SK.
    pub(super) fn from_agreement(secret: &[u8; 32]) -> Self {
        Self::from_bytes(secret)
    }

    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The next root key, a chain key and `XK`.
    pub(super) fn step(&self, shared: &[u8; 32]) -> (RootKey, ChainKey, Zeroizing<[u8; 32]>) {
        let material = hkdf::<96>(self.0.as_slice(), &[shared], Purpose::RATCHET_ROOT, &[]);
        let (root, rest) = split::<96, 32, 64>(&material);
        let (chain, ephemeral) = split::<64, 32, 32>(&rest);
        (RootKey(root), ChainKey(chain), ephemeral)
    }
}

/// `CK`.
pub(super) struct ChainKey(Zeroizing<[u8; 32]>);

impl ChainKey {
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// The secret of the next message; the chain moves on behind it.
    pub(super) fn advance(&mut self) -> MessageSecret {
        let secret = MessageSecret(Box::new(hmac(self.0.as_slice(), &[&[1]])));
        self.0 = hmac(self.0.as_slice(), &[&[2]]);
        secret
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

    pub(super) fn message_key(&self, salt: &[u8; 16], session: SessionId) -> MessageKey {
        MessageKey::derive(salt, &self.0, Purpose::RATCHET_MESSAGE, &[session.as_bytes()])
    }
}

/// Key and nonce of one message.
pub(super) struct MessageKey {
    key: Zeroizing<[u8; 32]>,
    nonce: Zeroizing<[u8; NONCE]>,
}

impl MessageKey {
    pub(super) fn derive(salt: &[u8; 16], secret: &[u8; 32], purpose: Purpose, context: &[&[u8]]) -> Self {
        let (key, nonce) = split::<44, 32, NONCE>(&hkdf::<44>(salt, &[secret], purpose, context));
        Self { key, nonce }
    }

    pub(super) fn key(&self) -> &[u8; 32] {
        &self.key
    }

    pub(super) fn nonce(&self) -> &[u8; NONCE] {
        &self.nonce
    }
}
