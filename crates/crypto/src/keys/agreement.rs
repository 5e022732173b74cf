//! Keys that agree on secrets by ECDH, and the HPKE key of envelopes.

use super::{numbered_key, private_key, public_key};
use crate::point::KeyPair;

/// Long-lived ECDH key of a device: X3DH and envelope tags.
pub struct DeviceIdentityKey(pub(crate) KeyPair);
private_key!(DeviceIdentityKey, DeviceIdentityPublic);
public_key! {
    /// Public half of [`DeviceIdentityKey`] (`DIK`).
    DeviceIdentityPublic
}

/// ECDH key made for one X3DH by its initiator.
pub(crate) struct EphemeralKey(pub(crate) KeyPair);

impl EphemeralKey {
    pub(crate) fn generate<R: rand_core::CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self(KeyPair::generate(rng))
    }

    pub(crate) fn public(&self) -> EphemeralPublic {
        EphemeralPublic(*self.0.public())
    }
}

public_key! {
    /// The initiator's ephemeral public key in X3DH (`EK`).
    EphemeralPublic
}

numbered_key! {
    /// ECDH key renewed every 7 days: X3DH, and the responder's first ratchet key.
    SignedPreKey,
    /// Public half of [`SignedPreKey`] (`spk_id`, `SPK`).
    SignedPreKeyPublic,
    PreKeyId
}

numbered_key! {
    /// ECDH key for one X3DH; delete it in the transaction that stores the session.
    OneTimePreKey,
    /// Public half of [`OneTimePreKey`] (`opk_id`, `OPK`).
    OneTimePreKeyPublic,
    PreKeyId
}

numbered_key! {
    /// HPKE key renewed every 7 days: opens envelopes.
    DeliveryKey,
    /// Public half of [`DeliveryKey`] (`dk_id`, `DK`).
    DeliveryPublic,
    DeliveryKeyId
}
