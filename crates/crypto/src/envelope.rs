//! Envelopes: one message sealed to one device's delivery key, of four sizes, naming nobody outside.
//!
//! ```text
//! blob    = version 1 ‖ suite 2 ‖ dk_id 4 ‖ enc 65 ‖ HPKE ciphertext ‖ tag 16        1, 4, 16 or 64 KiB in all
//! content = sender account 16 ‖ sender device 16 ‖ sender tag 16 ‖ length u32 ‖ message ‖ zeros
//! HPKE    = base mode, DHKEM(P-256, HKDF-SHA-256), HKDF-SHA-256, AES-256-GCM (RFC 9180),
//!           info = label ‖ version ‖ suite, AAD = mailbox ‖ dk_id ‖ class
//! sender tag = HMAC(tag key, mailbox ‖ dk_id ‖ sender account ‖ sender device ‖ message)[..16]
//! ```
//! Base mode authenticates nobody: only [`UnverifiedEnvelope::verify`] says who sealed it, and a wrong tag gets no
//! reaction of any kind.

use crate::aead::TAG;
use crate::bytes::Reader;
use crate::id::{AccountId, DeliveryKeyId, DeviceId, MailboxId};
use crate::kdf::{hkdf, hmac};
use crate::keys::{DeliveryKey, DeliveryPublic, DeviceIdentityKey, DeviceIdentityPublic};
use crate::label::Purpose;
use crate::x3dh::SUITE;
use hpke::aead::{AeadTag, AesGcm256};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use p256::elliptic_curve::sec1::ToSec1Point;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// First byte of every envelope.
pub const VERSION: u8 = 1;

const HEAD: usize = 1 + 2 + 4;
const ENC: usize = 65;
const SENDER: usize = 16 + 16 + 16 + 4;
const OVERHEAD: usize = HEAD + ENC + SENDER + TAG;

type Suite = DhP256HkdfSha256;
type HpkePublic = <Suite as Kem>::PublicKey;
type HpkePrivate = <Suite as Kem>::PrivateKey;
type HpkeEnc = <Suite as Kem>::EncappedKey;

/// Why an envelope could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The message does not fit the largest envelope: it has to travel as a file.
    #[error("message too long for an envelope")]
    TooLong,
    /// Wrong size, version, suite, point or inner layout.
    #[error("malformed envelope")]
    Malformed,
    /// Sealed to another delivery key than the one given.
    #[error("envelope for another delivery key")]
    OtherKey,
    /// The envelope was altered, or was sealed for another mailbox or key.
    #[error("envelope does not open")]
    BadTag,
    /// The sender tag is not the named sender's.
    #[error("envelope does not come from the named sender")]
    BadSender,
}

/// The four sizes an envelope may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnvelopeClass {
    /// 1 KiB.
    Kib1,
    /// 4 KiB.
    Kib4,
    /// 16 KiB.
    Kib16,
    /// 64 KiB.
    Kib64,
}

impl EnvelopeClass {
    const ALL: [EnvelopeClass; 4] = [Self::Kib1, Self::Kib4, Self::Kib16, Self::Kib64];

    /// Size of the whole envelope in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::Kib1 => 1 << 10,
            Self::Kib4 => 1 << 12,
            Self::Kib16 => 1 << 14,
            Self::Kib64 => 1 << 16,
        }
    }

    /// Longest message that fits, in bytes.
    pub const fn capacity(self) -> usize {
        self.size() - OVERHEAD
    }

    /// The smallest class that holds a message of `length` bytes.
    pub fn for_message(length: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|class| length <= class.capacity())
    }

    /// The class whose envelopes have exactly `size` bytes.
    pub fn of_size(size: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|class| size == class.size())
    }

    /// The byte bound into the envelope: 0, 1, 2, 3 from small to large.
    const fn code(self) -> u8 {
        match self {
            Self::Kib1 => 0,
            Self::Kib4 => 1,
            Self::Kib16 => 2,
            Self::Kib64 => 3,
        }
    }
}

/// Who sealed an envelope; a claim until its tag was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sender {
    /// The sending account.
    pub account: AccountId,
    /// The sending device of that account.
    pub device: DeviceId,
}

/// Key of the sender tag between two parties; the same on both sides.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TagKey([u8; 32]);

impl TagKey {
    /// `HKDF(salt = empty, ikm = ECDH(own DIK, their DIK), info = label)`. One ECDH: worth keeping.
    pub fn between(own: &DeviceIdentityKey, theirs: &DeviceIdentityPublic) -> Self {
        Self(*hkdf(&[], &[own.0.agree(&theirs.0).as_slice()], Purpose::ENVELOPE_TAG, &[]))
    }

    /// Takes the key from storage.
    pub const fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The 32 bytes, for encrypted storage: an invite's tag key outlives its secret, to recognise that its link was
    /// used twice. Wiped when dropped.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0)
    }

    fn tag(&self, mailbox: MailboxId, key: DeliveryKeyId, sender: Sender, message: &[u8]) -> [u8; 16] {
        let hash = hmac(
            &self.0,
            &[
                mailbox.as_bytes(),
                &key.0.to_be_bytes(),
                sender.account.as_bytes(),
                sender.device.as_bytes(),
                message,
            ],
        );
        crate::id::truncate(*hash)
    }
}

impl core::fmt::Debug for TagKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TagKey(..)")
    }
}

/// Where an envelope goes: the mailbox and the delivery key of the device behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The recipient device's mailbox.
    pub mailbox: MailboxId,
    /// Its current delivery key.
    pub delivery_key: DeliveryPublic,
}

/// Seals `message` into the smallest envelope that holds it.
///
/// # Errors
/// [`EnvelopeError::TooLong`] above [`EnvelopeClass::capacity`] of [`EnvelopeClass::Kib64`].
pub fn seal<R: CryptoRng + ?Sized>(
    to: &Address,
    sender: Sender,
    tag_key: &TagKey,
    message: &[u8],
    mut rng: &mut R,
) -> Result<Vec<u8>, EnvelopeError> {
    let class = EnvelopeClass::for_message(message.len()).ok_or(EnvelopeError::TooLong)?;
    let length = u32::try_from(message.len()).map_err(|_| EnvelopeError::TooLong)?;
    let key_id = to.delivery_key.id();

    let mut content = Zeroizing::new(Vec::with_capacity(class.size()));
    content.extend_from_slice(sender.account.as_bytes());
    content.extend_from_slice(sender.device.as_bytes());
    content.extend_from_slice(&tag_key.tag(to.mailbox, key_id, sender, message));
    content.extend_from_slice(&length.to_be_bytes());
    content.extend_from_slice(message);
    content.resize(class.size() - HEAD - ENC - TAG, 0);

    let (enc, tag) = hpke::single_shot_seal_inout_detached_with_rng::<AesGcm256, HkdfSha256, Suite>(
        &OpModeS::Base,
        &hpke_public(&to.delivery_key)?,
        &info(),
        InOutBuf::from(content.as_mut_slice()),
        &associated(to.mailbox, key_id, class),
        &mut rng,
    )
    .map_err(|_| EnvelopeError::Malformed)?;

    let mut blob = Vec::with_capacity(class.size());
    blob.push(VERSION);
    blob.extend_from_slice(&SUITE.to_be_bytes());
    blob.extend_from_slice(&key_id.0.to_be_bytes());
    blob.extend_from_slice(&enc.to_bytes());
    blob.extend_from_slice(&content);
    blob.extend_from_slice(&tag.to_bytes());
    Ok(blob)
}

/// A received envelope whose outside is well formed: right size, version, suite and encapsulated point.
#[derive(Clone, Copy, Debug)]
pub struct SealedEnvelope<'a> {
    class: EnvelopeClass,
    key_id: DeliveryKeyId,
    enc: &'a [u8; ENC],
    content: &'a [u8],
    tag: &'a [u8; TAG],
}

impl<'a> SealedEnvelope<'a> {
    /// Reads the outside of an envelope.
    ///
    /// # Errors
    /// [`EnvelopeError::Malformed`] for another size, version or suite, or an `enc` not beginning with 04.
    pub fn parse(blob: &'a [u8]) -> Result<Self, EnvelopeError> {
        Self::read(blob).ok_or(EnvelopeError::Malformed)
    }

    fn read(blob: &'a [u8]) -> Option<Self> {
        let class = EnvelopeClass::of_size(blob.len())?;
        let mut reader = Reader::new(blob);
        if (reader.u8()?, reader.u16()?) != (VERSION, SUITE) {
            return None;
        }
        let key_id = DeliveryKeyId(reader.u32()?);
        let enc = reader.array::<ENC>()?;
        let [4, ..] = enc else { return None };
        let (content, tag) = reader.rest().split_last_chunk::<TAG>()?;
        Some(Self { class, key_id, enc, content, tag })
    }

    /// The delivery key it was sealed to.
    pub const fn key_id(&self) -> DeliveryKeyId {
        self.key_id
    }

    /// Its size class.
    pub const fn class(&self) -> EnvelopeClass {
        self.class
    }

    /// Opens the envelope with the delivery key it names.
    ///
    /// # Errors
    /// [`EnvelopeError::OtherKey`] if `key` is not the one it names; [`EnvelopeError::BadTag`] if it was altered or
    /// sealed for another mailbox; [`EnvelopeError::Malformed`] if its point is not on the curve or the inside is not
    /// as sealing makes it.
    pub fn open(&self, mailbox: MailboxId, key: &DeliveryKey) -> Result<UnverifiedEnvelope, EnvelopeError> {
        if key.id() != self.key_id {
            return Err(EnvelopeError::OtherKey);
        }
        let private =
            HpkePrivate::from_bytes(key.to_bytes().as_slice()).map_err(|_| EnvelopeError::Malformed)?;
        let enc = HpkeEnc::from_bytes(self.enc).map_err(|_| EnvelopeError::Malformed)?;
        let tag = AeadTag::<AesGcm256>::from_bytes(self.tag).map_err(|_| EnvelopeError::Malformed)?;
        let mut content = Zeroizing::new(self.content.to_vec());
        hpke::single_shot_open_inout_detached::<AesGcm256, HkdfSha256, Suite>(
            &OpModeR::Base,
            &private,
            &enc,
            &info(),
            InOutBuf::from(content.as_mut_slice()),
            &associated(mailbox, self.key_id, self.class),
            &tag,
        )
        .map_err(|_| EnvelopeError::BadTag)?;
        self.unpack(mailbox, &content).ok_or(EnvelopeError::Malformed)
    }

    fn unpack(&self, mailbox: MailboxId, content: &[u8]) -> Option<UnverifiedEnvelope> {
        let mut reader = Reader::new(content);
        let account = AccountId::from_bytes(*reader.array()?);
        let device = DeviceId::from_bytes(*reader.array()?);
        let tag = *reader.array()?;
        let length = usize::try_from(reader.u32()?).ok()?;
        // A message that fits a smaller class than its envelope was not sealed by us.
        if EnvelopeClass::for_message(length) != Some(self.class) {
            return None;
        }
        let message = Zeroizing::new(reader.slice(length)?.to_vec());
        if reader.rest().iter().any(|byte| *byte != 0) {
            return None;
        }
        let sender = Sender { account, device };
        Some(UnverifiedEnvelope { mailbox, key_id: self.key_id, sender, tag, message })
    }
}

/// An opened envelope whose sender is still a claim.
pub struct UnverifiedEnvelope {
    mailbox: MailboxId,
    key_id: DeliveryKeyId,
    sender: Sender,
    tag: [u8; 16],
    message: Zeroizing<Vec<u8>>,
}

impl UnverifiedEnvelope {
    /// Who claims to have sealed it.
    pub const fn claimed_sender(&self) -> Sender {
        self.sender
    }

    /// The message, to find in it the key that verifies it (first messages carry the sender's device list and invite
    /// id). Act on nothing in it before [`verify`](Self::verify).
    pub fn unverified_message(&self) -> &[u8] {
        &self.message
    }

    /// Verifies the sender tag and gives the message.
    ///
    /// # Errors
    /// [`EnvelopeError::BadSender`]: drop it, without any reaction.
    pub fn verify(mut self, tag_key: &TagKey) -> Result<(Sender, Vec<u8>), EnvelopeError> {
        let expected = tag_key.tag(self.mailbox, self.key_id, self.sender, &self.message);
        if bool::from(expected.ct_eq(&self.tag)) {
            Ok((self.sender, core::mem::take(&mut *self.message)))
        } else {
            Err(EnvelopeError::BadSender)
        }
    }
}

impl core::fmt::Debug for UnverifiedEnvelope {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UnverifiedEnvelope").field("claimed_sender", &self.sender).finish_non_exhaustive()
    }
}

fn info() -> Vec<u8> {
    Purpose::ENVELOPE.label(&[&[VERSION], &SUITE.to_be_bytes()])
}

fn associated(mailbox: MailboxId, key: DeliveryKeyId, class: EnvelopeClass) -> Vec<u8> {
    [mailbox.as_bytes().as_slice(), &key.0.to_be_bytes(), &[class.code()]].concat()
}

fn hpke_public(key: &DeliveryPublic) -> Result<HpkePublic, EnvelopeError> {
    HpkePublic::from_bytes(key.point.key().to_sec1_point(false).as_bytes())
        .map_err(|_| EnvelopeError::Malformed)
}
