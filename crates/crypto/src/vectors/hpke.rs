//! HPKE: the base-mode cases of DHKEM(P-256, HKDF-SHA-256) from the test vectors of RFC 9180. Ours, with HKDF-SHA-256
//! and AES-256-GCM, is in the file that the RFC refers to (appendix A: `test-vectors.json` of cfrg/draft-irtf-cfrg-hpke
//! at 5f503c5); the appendix itself prints the other members of the family. Of these, key derivation and encapsulation are
//! ours as they are, and with AES-128-GCM the rest runs through the same code. ChaCha20-Poly1305 is not compiled in, so
//! its case is followed to the shared secret.
//!
//! Encryption 0 is what a single-shot seal gives, and envelopes are sealed in no other way (section 7): encryptions 1 and
//! up, exported secrets, and the modes with PSK or sender key have nothing here that they could be run through.

use super::Tally;
use core::convert::Infallible;
use hex_literal::hex;
use hpke::aead::{Aead, AeadTag, AesGcm128, AesGcm256};
use hpke::inout::InOutBuf;
use hpke::kdf::{HkdfSha256, HkdfSha512, Kdf};
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::{TryCryptoRng, TryRng};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const INFO: &[u8] = &hex!("4f6465206f6e2061204772656369616e2055726e");
const AAD: &[u8] = &hex!("436f756e742d30");
const PLAINTEXT: &[u8] = &hex!("4265617574792069732074727574682c20747275746820626561757479");

type Suite = DhP256HkdfSha256;

/// What a case gives, up to the shared secret; that is absent where only what follows from it was looked up.
struct Encapsulation {
    ikm_e: [u8; 32],
    ikm_r: [u8; 32],
    sk_r: [u8; 32],
    pk_r: [u8; 65],
    enc: [u8; 65],
    shared_secret: Option<[u8; 32]>,
}

/// HKDF-SHA-256, AES-256-GCM: the suite of envelopes.
const OURS: Encapsulation = Encapsulation {
    ikm_e: hex!("a90d3417c3da9cb6c6ae19b4b5dd6cc9529a4cc24efb7ae0ace1f31887a8cd6c"),
    ikm_r: hex!("a0ce15d49e28bd47a18a97e147582d814b08cbe00109fed5ec27d1b4e9f6f5e3"),
    sk_r: hex!("317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2"),
    pk_r: hex!(
        "04abc7e49a4c6b3566d77d0304addc6ed0e98512ffccf505e6a8e3eb25c68513"
        "6f853148544876de76c0f2ef99cdc3a05ccf5ded7860c7c021238f9e2073d2356c"
    ),
    enc: hex!(
        "04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f0"
        "3e0b21bd31a86c6048af3cb2d98e0d3bf01da5cc4c39ff5370d331a4f1f7d5a4e0"
    ),
    shared_secret: None,
};
const OUR_CIPHERTEXT: [u8; 45] =
    hex!("58c61a45059d0c5704560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f");

/// A.3.1: HKDF-SHA-256, AES-128-GCM.
const A3: Encapsulation = Encapsulation {
    ikm_e: hex!("4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e"),
    ikm_r: hex!("668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550"),
    sk_r: hex!("f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2"),
    pk_r: hex!(
        "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a"
        "826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0"
    ),
    enc: hex!(
        "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325a"
        "c98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
    ),
    shared_secret: Some(hex!("c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8")),
};
const A3_CIPHERTEXT: [u8; 45] =
    hex!("5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434");

/// A.4.1: HKDF-SHA-512 behind the same KEM, AES-128-GCM.
const A4: Encapsulation = Encapsulation {
    ikm_e: hex!("4ab11a9dd78c39668f7038f921ffc0993b368171d3ddde8031501ee1e08c4c9a"),
    ikm_r: hex!("ea9ff7cc5b2705b188841c7ace169290ff312a9cb31467784ca92d7a2e6e1be8"),
    sk_r: hex!("3ac8530ad1b01885960fab38cf3cdc4f7aef121eaa239f222623614b4079fb38"),
    pk_r: hex!(
        "04085aa5b665dc3826f9650ccbcc471be268c8ada866422f739e2d531d4a8818"
        "a9466bc6b449357096232919ec4fe9070ccbac4aac30f4a1a53efcf7af90610edd"
    ),
    enc: hex!(
        "0493ed86735bdfb978cc055c98b45695ad7ce61ce748f4dd63c525a3b8d53a15"
        "565c6897888070070c1579db1f86aaa56deb8297e64db7e8924e72866f9a472580"
    ),
    shared_secret: Some(hex!("02f584736390fc93f5b4ad039826a3fa08e9911bd1215a3db8e8791ba533cafd")),
};
const A4_CIPHERTEXT: [u8; 45] =
    hex!("d3cf4984931484a080f74c1bb2a6782700dc1fef9abe8442e44a6f09044c88907200b332003543754eb51917ba");

/// A.5.1: HKDF-SHA-256, ChaCha20-Poly1305.
const A5: Encapsulation = Encapsulation {
    ikm_e: hex!("f1f1a3bc95416871539ecb51c3a8f0cf608afb40fbbe305c0a72819d35c33f1f"),
    ikm_r: hex!("61092f3f56994dd424405899154a9918353e3e008171517ad576b900ddb275e7"),
    sk_r: hex!("a4d1c55836aa30f9b3fbb6ac98d338c877c2867dd3a77396d13f68d3ab150d3b"),
    pk_r: hex!(
        "04a697bffde9405c992883c5c439d6cc358170b51af72812333b015621dc0f40"
        "bad9bb726f68a5c013806a790ec716ab8669f84f6b694596c2987cf35baba2a006"
    ),
    enc: hex!(
        "04c07836a0206e04e31d8ae99bfd549380b072a1b1b82e563c935c095827824f"
        "c1559eac6fb9e3c70cd3193968994e7fe9781aa103f5b50e934b5b2f387e381291"
    ),
    shared_secret: Some(hex!("806520f82ef0b03c823b7fc524b6b55a088f566b9751b89551c170f4113bd850")),
};

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

fn encapsulates(case: &Encapsulation, tally: &mut Tally) {
    let (private, public) = Suite::derive_keypair(&case.ikm_r);
    assert_eq!((&private.to_bytes()[..], &public.to_bytes()[..]), (&case.sk_r[..], &case.pk_r[..]));
    tally.count("key pair derived");
    let (secret, enc) = Suite::encap_with_rng(&public, None, &mut Once(Some(case.ikm_e))).unwrap();
    assert_eq!(enc.to_bytes()[..], case.enc);
    assert_eq!(Suite::decap(&private, None, &enc).unwrap().0, secret.0);
    if let Some(expected) = case.shared_secret {
        assert_eq!(secret.0[..], expected);
        tally.count("shared secret");
    }
    tally.count("encapsulated");
}

fn seals<A: Aead, K: Kdf>(case: &Encapsulation, ciphertext: &[u8; 45], tally: &mut Tally) {
    let (private, public) = Suite::derive_keypair(&case.ikm_r);
    let mut text = PLAINTEXT.to_vec();
    let (enc, tag) = hpke::single_shot_seal_inout_detached_with_rng::<A, K, Suite>(
        &OpModeS::Base,
        &public,
        INFO,
        InOutBuf::from(text.as_mut_slice()),
        AAD,
        &mut Once(Some(case.ikm_e)),
    )
    .unwrap();
    assert_eq!(enc.to_bytes()[..], case.enc);
    assert_eq!([text.as_slice(), &tag.to_bytes()].concat(), ciphertext);
    tally.count("sealed");

    let enc = <Suite as Kem>::EncappedKey::from_bytes(&case.enc).unwrap();
    let (sealed, tag) = ciphertext.split_at(PLAINTEXT.len());
    let tag = AeadTag::<A>::from_bytes(tag).unwrap();
    let open = |info: &[u8], aad: &[u8]| {
        let mut text = sealed.to_vec();
        let buffer = InOutBuf::from(text.as_mut_slice());
        let opened = hpke::single_shot_open_inout_detached::<A, K, Suite>(
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
    assert!(open(b"", AAD).is_err() && open(INFO, b"").is_err());
    tally.count("opened");
}

#[test]
fn base_p256() {
    let mut tally = Tally::default();
    for case in [&OURS, &A3, &A4, &A5] {
        encapsulates(case, &mut tally);
    }
    seals::<AesGcm256, HkdfSha256>(&OURS, &OUR_CIPHERTEXT, &mut tally);
    seals::<AesGcm128, HkdfSha256>(&A3, &A3_CIPHERTEXT, &mut tally);
    seals::<AesGcm128, HkdfSha512>(&A4, &A4_CIPHERTEXT, &mut tally);
    let expected =
        [("encapsulated", 4), ("key pair derived", 4), ("opened", 3), ("sealed", 3), ("shared secret", 3)];
    tally.assert("RFC 9180, mode 0, KEM 0010, encryption 0", &expected, 17);
}
