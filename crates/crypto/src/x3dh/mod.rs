//! X3DH (Signal's specification, on P-256) with an optional one-time prekey and an optional pre-shared key from an
//! invite, both bound by the transcript.
//!
//! ```text
//! DH1 = (DIK_A, SPK_B)  DH2 = (EK_A, DIK_B)  DH3 = (EK_A, SPK_B)  DH4 = (EK_A, OPK_B)
//! th  = SHA-256(label ‖ suite ‖ flags ‖ AIK_A ‖ device_id_A ‖ DSK_A ‖ DIK_A ‖ the same of B
//!               ‖ spk_id ‖ SPK ‖ opk_id ‖ (OPK or zeros) ‖ (invite_id or zeros) ‖ EK)
//! SK  = HKDF(salt = 32 zero bytes, ikm = DH1 ‖ DH2 ‖ DH3 ‖ (DH4 or zeros) ‖ (PSK or zeros), info = label ‖ th)
//! session_id = SHA-256(label ‖ th)[..16]
//! ```
//! `suite` is two bytes, `flags` one (bit 0: OPK, bit 1: PSK), ids of absent keys are zero.

mod agreement;

use crate::invite::InviteCredential;
use crate::kdf::hkdf;
use crate::keys::{
    BundleSigner, DeviceIdentityKey, DevicePublic, EphemeralKey, EphemeralPublic, OneTimePreKey,
    OneTimePreKeyPublic, SignedPreKey, SignedPreKeyPublic,
};
use crate::label::Purpose;
use crate::point::Point;
use crate::{InviteId, PreKeyId};
use agreement::Agreed;
pub use agreement::{InitiatorAgreement, ResponderAgreement};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// The cipher suite of this version: P-256, HKDF-SHA-256, AES-256-GCM. Part of every transcript.
pub const SUITE: u16 = 1;

/// Why no secret was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum X3dhError {
    /// The peer presented keys or the device id of this device, or the same key twice.
    #[error("own or repeated keys presented as the peer's")]
    OwnKeys,
    /// The first message names other prekeys or another invite than those given.
    #[error("first message names other prekeys or another invite")]
    OtherKeys,
}

/// What the initiator uses of the responder's verified bundle. Without a verified signature there is none:
///
/// ```compile_fail,E0451
/// # use sotto_crypto::{keys::{DevicePublic, SignedPreKeyPublic}, x3dh::PeerKeys};
/// # fn skip(device: DevicePublic, signed_prekey: SignedPreKeyPublic) {
/// let peer = PeerKeys { device, signed_prekey, one_time_prekey: None };
/// # }
/// ```
/// ```compile_fail,E0308
/// # use sotto_crypto::{keys::{DevicePublic, SignedPreKeyPublic}, x3dh::PeerKeys};
/// # fn skip(device: DevicePublic, signed_prekey: SignedPreKeyPublic) {
/// let peer = PeerKeys::new(device, signed_prekey, None);
/// # }
/// ```
/// ```compile_fail,E0423
/// # use sotto_crypto::keys::{BundleSigner, DevicePublic};
/// # fn skip(device: DevicePublic) {
/// let signer = BundleSigner(device);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerKeys {
    device: DevicePublic,
    signed_prekey: SignedPreKeyPublic,
    one_time_prekey: Option<OneTimePreKeyPublic>,
}

impl PeerKeys {
    /// The device that signed the bundle, the signed prekey of that bundle, and the one-time prekey that was handed out
    /// with it, if there was one. That the device is in the newest list under the pinned account key is for who reads
    /// the bundle to see: of the formats only `sotto_wire`'s `Bundle` gives these keys.
    pub const fn new(
        signer: BundleSigner,
        signed_prekey: SignedPreKeyPublic,
        one_time_prekey: Option<OneTimePreKeyPublic>,
    ) -> Self {
        Self { device: *signer.device(), signed_prekey, one_time_prekey }
    }

    /// The signed prekey, which the initiator's ratchet begins with.
    pub const fn signed_prekey(&self) -> &SignedPreKeyPublic {
        &self.signed_prekey
    }
}

/// What the first messages carry besides the initiator's device list, until the first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstKeys {
    /// The initiator's ephemeral key (`EK`).
    pub ephemeral: EphemeralPublic,
    /// Number of the responder's signed prekey.
    pub spk_id: PreKeyId,
    /// Number of the responder's one-time prekey, if one was used.
    pub opk_id: Option<PreKeyId>,
    /// The invite whose pre-shared key was used, if any.
    pub invite_id: Option<InviteId>,
}

impl FirstKeys {
    /// Bit 0: a one-time prekey was used. Bit 1: an invite's pre-shared key was used. Others are zero.
    pub const fn flags(&self) -> u8 {
        match (self.opk_id.is_some(), self.invite_id.is_some()) {
            (false, false) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (true, true) => 3,
        }
    }
}

/// The responder's private keys for one first message.
#[derive(Clone, Copy, Debug)]
pub struct ResponderKeys<'a> {
    /// This device.
    pub device: &'a DevicePublic,
    /// Its identity key.
    pub identity: &'a DeviceIdentityKey,
    /// The signed prekey named by `spk_id`.
    pub signed_prekey: &'a SignedPreKey,
    /// The one-time prekey named by `opk_id`, exactly when that is present.
    pub one_time_prekey: Option<&'a OneTimePreKey>,
    /// The invite named by `invite_id`, exactly when that is present.
    pub invite: Option<&'a InviteCredential>,
}

/// Runs X3DH as initiator (A) with a peer whose bundle was verified.
///
/// # Errors
/// [`X3dhError::OwnKeys`] if the peer's device is this one, shares a long-lived key with it, presents a prekey that
/// is one of the long-lived keys, or, with an invite, belongs to this very account.
pub fn initiate<R: CryptoRng + ?Sized>(
    device: &DevicePublic,
    identity: &DeviceIdentityKey,
    peer: &PeerKeys,
    invite: Option<&InviteCredential>,
    rng: &mut R,
) -> Result<(InitiatorAgreement, FirstKeys), X3dhError> {
    let ephemeral = EphemeralKey::generate(rng);
    let first = FirstKeys {
        ephemeral: ephemeral.public(),
        spk_id: peer.signed_prekey.id(),
        opk_id: peer.one_time_prekey.map(|key| key.id()),
        invite_id: invite.map(InviteCredential::id),
    };
    refuse_own_keys(device, &peer.device, invite.is_some())?;
    refuse_repeated(&[device, &peer.device], &prekeys(&peer.signed_prekey, peer.one_time_prekey.as_ref()))?;

    let dh1 = identity.0.agree(&peer.signed_prekey.point);
    let dh2 = ephemeral.0.agree(&peer.device.identity().0);
    let dh3 = ephemeral.0.agree(&peer.signed_prekey.point);
    let dh4 = peer.one_time_prekey.map(|key| ephemeral.0.agree(&key.point));
    let parties = Parties { initiator: device, responder: &peer.device };
    let transcript = parties.transcript(&first, &peer.signed_prekey, peer.one_time_prekey.as_ref());
    let agreed = derive(transcript, [&dh1, &dh2, &dh3], dh4, invite);
    Ok((InitiatorAgreement { agreed, signed_prekey: peer.signed_prekey }, first))
}

/// Runs X3DH as responder (B) for the keys named by a first message. Nothing about the peer is proven by this alone:
/// the first ratchet message must open under the agreement.
///
/// # Errors
/// [`X3dhError::OtherKeys`] if `first` names other prekeys or another invite than `keys` holds;
/// [`X3dhError::OwnKeys`] as for [`initiate`], also for an ephemeral key that is one of this device's keys.
pub fn respond(
    keys: &ResponderKeys<'_>,
    peer: &DevicePublic,
    first: &FirstKeys,
) -> Result<ResponderAgreement, X3dhError> {
    if first.spk_id != keys.signed_prekey.id()
        || first.opk_id != keys.one_time_prekey.map(OneTimePreKey::id)
        || first.invite_id != keys.invite.map(InviteCredential::id)
    {
        return Err(X3dhError::OtherKeys);
    }
    let signed_prekey = keys.signed_prekey.public();
    let one_time_prekey = keys.one_time_prekey.map(OneTimePreKey::public);
    refuse_own_keys(keys.device, peer, keys.invite.is_some())?;
    let mut fresh = prekeys(&signed_prekey, one_time_prekey.as_ref());
    fresh.push(&first.ephemeral.0);
    refuse_repeated(&[keys.device, peer], &fresh)?;

    let dh1 = keys.signed_prekey.pair.agree(&peer.identity().0);
    let dh2 = keys.identity.0.agree(&first.ephemeral.0);
    let dh3 = keys.signed_prekey.pair.agree(&first.ephemeral.0);
    let dh4 = keys.one_time_prekey.map(|key| key.pair.agree(&first.ephemeral.0));
    let parties = Parties { initiator: peer, responder: keys.device };
    let transcript = parties.transcript(first, &signed_prekey, one_time_prekey.as_ref());
    let agreed = derive(transcript, [&dh1, &dh2, &dh3], dh4, keys.invite);
    Ok(ResponderAgreement { agreed, signed_prekey: keys.signed_prekey.pair.duplicate() })
}

fn refuse_own_keys(own: &DevicePublic, peer: &DevicePublic, invited: bool) -> Result<(), X3dhError> {
    let same_device = own.device_id() == peer.device_id()
        || [&peer.signing().0, &peer.identity().0].into_iter().any(|point| own.holds(point))
        || [&own.signing().0, &own.identity().0].into_iter().any(|point| peer.holds(point));
    // Devices of one account do talk to each other, but nobody invites oneself.
    if same_device || (invited && own.account() == peer.account()) {
        return Err(X3dhError::OwnKeys);
    }
    Ok(())
}

fn prekeys<'a>(signed: &'a SignedPreKeyPublic, one_time: Option<&'a OneTimePreKeyPublic>) -> Vec<&'a Point> {
    core::iter::once(&signed.point).chain(one_time.map(|key| &key.point)).collect()
}

/// Short-lived keys must differ from all long-lived ones and from each other.
fn refuse_repeated(devices: &[&DevicePublic], fresh: &[&Point]) -> Result<(), X3dhError> {
    let mut rest = fresh;
    while let Some((point, others)) = rest.split_first() {
        if others.contains(point) || devices.iter().any(|device| device.holds(point)) {
            return Err(X3dhError::OwnKeys);
        }
        rest = others;
    }
    Ok(())
}

struct Parties<'a> {
    initiator: &'a DevicePublic,
    responder: &'a DevicePublic,
}

impl Parties<'_> {
    fn transcript(
        &self,
        first: &FirstKeys,
        signed_prekey: &SignedPreKeyPublic,
        one_time_prekey: Option<&OneTimePreKeyPublic>,
    ) -> [u8; 32] {
        let [a, b] = [self.initiator, self.responder];
        let opk_id = one_time_prekey.map_or(0, |key| key.id().0);
        Purpose::X3DH_TRANSCRIPT.hash(&[
            &SUITE.to_be_bytes(),
            &[first.flags()],
            a.account().as_bytes(),
            a.device_id().as_bytes(),
            a.signing().as_bytes(),
            a.identity().as_bytes(),
            b.account().as_bytes(),
            b.device_id().as_bytes(),
            b.signing().as_bytes(),
            b.identity().as_bytes(),
            &signed_prekey.id().0.to_be_bytes(),
            signed_prekey.as_bytes(),
            &opk_id.to_be_bytes(),
            one_time_prekey.map_or(&[0; Point::LENGTH], |key| key.as_bytes()),
            first.invite_id.as_ref().map_or(&[0; 16], |id| id.as_bytes()),
            first.ephemeral.as_bytes(),
        ])
    }
}

fn derive(
    transcript: [u8; 32],
    [dh1, dh2, dh3]: [&[u8; 32]; 3],
    dh4: Option<Zeroizing<[u8; 32]>>,
    invite: Option<&InviteCredential>,
) -> Agreed {
    let dh4 = dh4.unwrap_or_default();
    let psk = invite.map(InviteCredential::psk).unwrap_or_default();
    let ikm: [&[u8]; 5] = [dh1, dh2, dh3, dh4.as_slice(), psk.as_slice()];
    let secret = hkdf::<32>(&[0; 32], &ikm, Purpose::X3DH_SECRET, &[&transcript]);
    Agreed { transcript, secret: *secret }
}
