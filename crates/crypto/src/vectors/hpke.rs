//! HPKE: the base-mode case of DHKEM(P-256, HKDF-SHA-256), HKDF-SHA-256, AES-256-GCM from the test vectors that RFC 9180
//! refers to (appendix A: `test-vectors.json` of cfrg/draft-irtf-cfrg-hpke at 5f503c5; the appendix itself prints the
//! AES-128 member of this family only). Its encryption 0 is what a single-shot seal gives.

use super::Tally;
use core::convert::Infallible;
use hex_literal::hex;
use hpke::aead::{AeadTag, AesGcm256};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::{TryCryptoRng, TryRng};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const INFO: &[u8] = &hex!("4f6465206f6e2061204772656369616e2055726e");
const IKM_E: [u8; 32] = hex!("a90d3417c3da9cb6c6ae19b4b5dd6cc9529a4cc24efb7ae0ace1f31887a8cd6c");
const IKM_R: [u8; 32] = hex!("a0ce15d49e28bd47a18a97e147582d814b08cbe00109fed5ec27d1b4e9f6f5e3");
const SK_R: [u8; 32] = hex!("317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2");
const PK_R: [u8; 65] = hex!(
    "04abc7e49a4c6b3566d77d0304addc6ed0e98512ffccf505e6a8e3eb25c68513"
    "6f853148544876de76c0f2ef99cdc3a05ccf5ded7860c7c021238f9e2073d2356c"
);
const ENC: [u8; 65] = hex!(
    "04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f0"
    "3e0b21bd31a86c6048af3cb2d98e0d3bf01da5cc4c39ff5370d331a4f1f7d5a4e0"
);
const AAD: &[u8] = &hex!("436f756e742d30");
const PLAINTEXT: &[u8] = &hex!("4265617574792069732074727574682c20747275746820626561757479");
const CIPHERTEXT: [u8; 45] =
    hex!("58c61a45059d0c5704560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f");

type Suite = DhP256HkdfSha256;

/// Gives `ikmE` once: an ephemeral key is one draw of 32 bytes.
struct Once(Option<[u8; 32]>);

impl TryRng for Once {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0.take().expect("one draw"));
        Ok(())
    }
}

impl TryCryptoRng for Once {}

#[test]
fn base_p256_sha256_aes256gcm() {
    let mut tally = Tally::default();
    let (private, public) = Suite::derive_keypair(&IKM_R);
    assert_eq!((&private.to_bytes()[..], &public.to_bytes()[..]), (&SK_R[..], &PK_R[..]));
    tally.count("key pair derived");

    let mut text = PLAINTEXT.to_vec();
    let (enc, tag) = hpke::single_shot_seal_inout_detached_with_rng::<AesGcm256, HkdfSha256, Suite>(
        &OpModeS::Base,
        &public,
        INFO,
        InOutBuf::from(text.as_mut_slice()),
        AAD,
        &mut Once(Some(IKM_E)),
    )
    .unwrap();
    assert_eq!(enc.to_bytes()[..], ENC);
    assert_eq!([text.as_slice(), &tag.to_bytes()].concat(), CIPHERTEXT);
    tally.count("sealed");

    let enc = <Suite as Kem>::EncappedKey::from_bytes(&ENC).unwrap();
    let private = <Suite as Kem>::PrivateKey::from_bytes(&SK_R).unwrap();
    let (sealed, tag) = CIPHERTEXT.split_at(PLAINTEXT.len());
    let tag = AeadTag::<AesGcm256>::from_bytes(tag).unwrap();
    let open = |info: &[u8], aad: &[u8]| {
        let mut text = sealed.to_vec();
        let buffer = InOutBuf::from(text.as_mut_slice());
        let opened = hpke::single_shot_open_inout_detached::<AesGcm256, HkdfSha256, Suite>(
            &OpModeR::Base,
            &private,
            &enc,
            info,
            buffer,
            aad,
            &tag,
        );
        opened.map(|()| text)
    };
    assert_eq!(open(INFO, AAD).as_deref(), Ok(PLAINTEXT));
    tally.count("opened");
    assert!(open(b"", AAD).is_err() && open(INFO, b"").is_err());
    let expected = [("key pair derived", 1), ("opened", 1), ("sealed", 1)];
    tally.assert("RFC 9180, mode 0, suite 0010 0001 0002, encryption 0", &expected, 3);
}
