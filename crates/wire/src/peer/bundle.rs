//! What begins a session with a device while it is away, signed by that device.

use minicbor::{Decode, Encode};
use sotto_crypto::keys::{
    AccountPublic, BundleSigner, DeliveryPublic, DeviceIdentityPublic, DevicePublic, DeviceSigningKey,
    DeviceSigningPublic, OneTimePreKeyPublic, SignedPreKeyPublic,
};
use sotto_crypto::x3dh::{self, PeerKeys};
use sotto_crypto::{CryptoRng, DeviceId, Signature, Timestamp};

use super::codec::{self, decode, decode_signed, encode};
use super::signed::SignedBytes;
use super::{DeviceList, PeerError, limits};

#[derive(Encode, Decode)]
#[cbor(map)]
struct Signed {
    #[n(0)]
    version: u8,
    #[n(1)]
    suite: u16,
    #[n(2)]
    #[cbor(with = "codec::item")]
    account: AccountPublic,
    #[n(3)]
    #[cbor(with = "codec::item")]
    device: DeviceId,
    #[n(4)]
    #[cbor(with = "codec::item")]
    signing: DeviceSigningPublic,
    #[n(5)]
    #[cbor(with = "codec::item")]
    identity: DeviceIdentityPublic,
    #[n(6)]
    #[cbor(with = "codec::item")]
    signed_prekey: SignedPreKeyPublic,
    #[n(7)]
    #[cbor(with = "codec::item")]
    delivery: DeliveryPublic,
    /// Milliseconds since 1970.
    #[n(8)]
    created: u64,
}

/// What a device signs and publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsignedBundle {
    /// The device.
    pub device: DevicePublic,
    /// Its signed prekey.
    pub signed_prekey: SignedPreKeyPublic,
    /// Its delivery key.
    pub delivery: DeliveryPublic,
    /// When it was made, by the device's clock.
    pub created: Timestamp,
}

impl UnsignedBundle {
    /// Signs it and gives the bytes to publish.
    #[must_use]
    pub fn sign(&self, key: &DeviceSigningKey, rng: &mut (impl CryptoRng + ?Sized)) -> Vec<u8> {
        let signed = encode(&Signed {
            version: limits::VERSION,
            suite: x3dh::SUITE,
            account: *self.device.account(),
            device: self.device.device_id(),
            signing: *self.device.signing(),
            identity: *self.device.identity(),
            signed_prekey: self.signed_prekey,
            delivery: self.delivery,
            created: self.created.as_millis(),
        });
        let signature = key.sign_bundle(&signed, rng).to_bytes().into();
        encode(&SignedBytes { signed: signed.into(), signature })
    }
}

/// A bundle whose signature was verified, of a device that its account's list names. It is read, and not made:
///
/// ```compile_fail,E0451
/// # use sotto_crypto::keys::BundleSigner;
/// # use sotto_wire::peer::{Bundle, UnsignedBundle};
/// # fn skip(signer: BundleSigner, UnsignedBundle { signed_prekey, delivery, created, .. }: UnsignedBundle) {
/// let bundle = Bundle { signer, signed_prekey, delivery, created };
/// # }
/// ```
/// Only such a one gives keys to begin a session with:
///
/// ```compile_fail,E0599
/// # use sotto_wire::peer::UnsignedBundle;
/// # fn skip(bundle: UnsignedBundle) {
/// let peer = bundle.peer_keys(None);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundle {
    signer: BundleSigner,
    signed_prekey: SignedPreKeyPublic,
    delivery: DeliveryPublic,
    created: Timestamp,
}

impl Bundle {
    /// Reads a bundle and verifies that a device of this list signed it, no longer than 30 days ago.
    ///
    /// # Errors
    /// [`PeerError`]
    pub fn decode(bytes: &[u8], list: &DeviceList, now: Timestamp) -> Result<Self, PeerError> {
        let outer: SignedBytes = decode(bytes, limits::BUNDLE_MAX)?;
        let signed: Signed = decode_signed(&outer.signed, limits::BUNDLE_MAX)?;
        if signed.version != limits::VERSION || signed.suite != x3dh::SUITE {
            return Err(PeerError::UnknownVersion);
        }
        let device = *list.device(signed.device).ok_or(PeerError::UnlistedDevice)?;
        if device != DevicePublic::new(signed.account, signed.device, signed.signing, signed.identity)? {
            return Err(PeerError::UnlistedDevice);
        }
        let keys = [
            device.account().as_bytes(),
            device.signing().as_bytes(),
            device.identity().as_bytes(),
            signed.signed_prekey.as_bytes(),
            signed.delivery.as_bytes(),
        ];
        if keys.iter().enumerate().any(|(place, key)| keys.iter().skip(place + 1).any(|other| other == key)) {
            return Err(PeerError::ReusedKey);
        }
        let signature = Signature::from_bytes(&outer.signature)?;
        let signer = device.verify_bundle(&outer.signed, &signature)?;
        let created = Timestamp::from_millis(signed.created);
        let expires = created.saturating_add(limits::BUNDLE_LIFETIME).saturating_add(limits::CLOCK_SKEW);
        if now > expires || created > now.saturating_add(limits::CLOCK_SKEW) {
            return Err(PeerError::Expired);
        }
        Ok(Self { signer, signed_prekey: signed.signed_prekey, delivery: signed.delivery, created })
    }

    /// The device that signed it.
    #[must_use]
    pub const fn device(&self) -> &DevicePublic {
        self.signer.device()
    }

    /// Its signed prekey.
    #[must_use]
    pub const fn signed_prekey(&self) -> &SignedPreKeyPublic {
        &self.signed_prekey
    }

    /// Its delivery key.
    #[must_use]
    pub const fn delivery(&self) -> &DeliveryPublic {
        &self.delivery
    }

    /// When it was made, by the device's clock.
    #[must_use]
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// What X3DH begins with, together with the one-time prekey that was handed out, if there was one.
    #[must_use]
    pub const fn peer_keys(&self, one_time: Option<OneTimePreKeyPublic>) -> PeerKeys {
        PeerKeys::new(self.signer, self.signed_prekey, one_time)
    }
}
