//! What X3DH leaves each side with: a type for the initiator and one for the responder, so that a session is begun in the
//! role, and with the signed prekey, in which the secret was agreed.

use crate::SessionId;
use crate::id::truncate;
use crate::keys::SignedPreKeyPublic;
use crate::label::Purpose;
use crate::point::KeyPair;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The transcript hash `th` and the secret `SK`, the same on both sides.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Agreed {
    pub(crate) transcript: [u8; 32],
    pub(crate) secret: [u8; 32],
}

impl Agreed {
    pub(crate) fn session_id(&self) -> SessionId {
        SessionId::from_bytes(truncate(Purpose::SESSION_ID.hash(&[&self.transcript])))
    }
}

/// What the initiator agreed: [`Session::initiate`](crate::ratchet::Session::initiate) takes it, nothing else.
///
/// ```compile_fail,E0308
/// # use sotto_crypto::{Timestamp, ratchet::Session, x3dh::InitiatorAgreement};
/// # fn confuse(ours: InitiatorAgreement, message: &[u8], now: Timestamp) {
/// let session = Session::respond(&ours, message, now);
/// # }
/// ```
pub struct InitiatorAgreement {
    pub(crate) agreed: Agreed,
    /// The peer's, which the ratchet begins towards.
    pub(crate) signed_prekey: SignedPreKeyPublic,
}

/// What the responder agreed: [`Session::respond`](crate::ratchet::Session::respond) takes it, nothing else.
///
/// ```compile_fail,E0308
/// # use rand_core::CryptoRng;
/// # use sotto_crypto::{ratchet::Session, x3dh::ResponderAgreement};
/// # fn confuse(theirs: ResponderAgreement, rng: &mut impl CryptoRng) {
/// let session = Session::initiate(&theirs, rng);
/// # }
/// ```
pub struct ResponderAgreement {
    pub(crate) agreed: Agreed,
    /// This device's own, with which the ratchet begins.
    pub(crate) signed_prekey: KeyPair,
}

impl InitiatorAgreement {
    /// `SHA-256(label ‖ th)[..16]`, the same on both sides.
    pub fn session_id(&self) -> SessionId {
        self.agreed.session_id()
    }
}

impl ResponderAgreement {
    /// `SHA-256(label ‖ th)[..16]`. Remember accepted ids while the signed prekey's private half exists.
    pub fn session_id(&self) -> SessionId {
        self.agreed.session_id()
    }
}

impl core::fmt::Debug for InitiatorAgreement {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InitiatorAgreement").field("session_id", &self.session_id()).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for ResponderAgreement {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ResponderAgreement").field("session_id", &self.session_id()).finish_non_exhaustive()
    }
}
