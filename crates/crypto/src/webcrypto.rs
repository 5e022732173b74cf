//! Our primitives beside the browser's own (W3C Web Cryptography API), on the same random inputs: what one makes the
//! other must take, byte for byte where nothing is random, and what was altered both must refuse.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the lints know test functions, but not asynchronous ones nor the helpers beside them"
)]

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use p256::elliptic_curve::sec1::ToSec1Point;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::aead::{Cipher, NONCE, TAG};
use crate::kdf::expand;
use crate::label::Purpose;
use crate::point::{KeyPair, Point};
use crate::signature::{Signature, SignatureError, sign, verify_parts};

/// Another seed makes other inputs; whoever changes it sees it printed.
const SEED: u64 = 0x5077_0003;
/// Longest input of bytes.
const LONGEST: usize = 64 << 10;
/// Lengths around those of blocks and chunks, tried before random ones.
const EDGES: [usize; 20] =
    [0, 1, 12, 15, 16, 17, 31, 32, 33, 55, 56, 63, 64, 65, 255, 4_095, 4_096, 4_097, LONGEST - 1, LONGEST];

/// Each function takes byte arrays and resolves to one, or to null where the browser refuses.
const BROWSER: &str = "(() => {
    const subtle = crypto.subtle;
    const number = ([high, low]) => (high << 8) | low;
    const url = (bytes) =>
        btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const curve = (name) => ({ name, namedCurve: 'P-256' });
    const secretKey = (name, d, point, uses) => {
        const key = { kty: 'EC', crv: 'P-256', d: url(d), x: url(point.subarray(1, 33)), y: url(point.subarray(33)) };
        return subtle.importKey('jwk', key, curve(name), false, uses);
    };
    const publicKey = (name, point, uses) => subtle.importKey('raw', point, curve(name), false, uses);
    const cipher = (key) => subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
    const gcm = (iv, additionalData) => ({ name: 'AES-GCM', iv, additionalData, tagLength: 128 });
    const ecdsa = { name: 'ECDSA', hash: 'SHA-256' };
    const functions = {
        agree: async (d, own, theirs) => {
            const secret = await secretKey('ECDH', d, own, ['deriveBits']);
            return subtle.deriveBits({ name: 'ECDH', public: await publicKey('ECDH', theirs, []) }, secret, 256);
        },
        derive: async (salt, material, info, length) => {
            const key = await subtle.importKey('raw', material, 'HKDF', false, ['deriveBits']);
            return subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, number(length) * 8);
        },
        seal: async (key, nonce, associated, text) => subtle.encrypt(gcm(nonce, associated), await cipher(key), text),
        open: async (key, nonce, associated, sealed) =>
            subtle.decrypt(gcm(nonce, associated), await cipher(key), sealed),
        sign: async (d, own, message) => subtle.sign(ecdsa, await secretKey('ECDSA', d, own, ['sign']), message),
        verify: async (point, message, signature) =>
            (await subtle.verify(ecdsa, await publicKey('ECDSA', point, ['verify']), signature, message))
                ? new Uint8Array(0)
                : null,
    };
    return async (name, ...inputs) => {
        try {
            const made = await functions[name](...inputs);
            return made && new Uint8Array(made);
        } catch (error) {
            if (error.name === 'OperationError' || error.name === 'DataError') return null;
            throw error;
        }
    };
})()";

/// The browser's answer; `None` is a refusal.
async fn browser(function: &str, inputs: &[&[u8]]) -> Option<Vec<u8>> {
    thread_local! {
        static FUNCTIONS: Function = js_sys::eval(BROWSER).unwrap().unchecked_into();
    }
    let arguments = Array::of1(&function.into());
    for input in inputs {
        arguments.push(&Uint8Array::from(*input));
    }
    let promise: Promise = FUNCTIONS
        .with(|functions| Reflect::apply(functions, &JsValue::NULL, &arguments))
        .unwrap()
        .unchecked_into();
    let made = JsFuture::from(promise).await.expect("a refusal is no exception");
    (!made.is_null()).then(|| made.unchecked_into::<Uint8Array>().to_vec())
}

/// Fails without printing what may be long.
fn same(made: Option<Vec<u8>>, expected: &[u8], case: usize) {
    assert!(made.as_deref() == Some(expected), "case {case}, {} bytes", expected.len());
}

/// The inputs of one test.
struct Inputs(ChaCha12Rng);

impl Inputs {
    fn of(test: u64) -> Self {
        console_log!("seed {SEED:#x}, test {test}");
        Self(ChaCha12Rng::seed_from_u64(SEED ^ (test << 32)))
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(end).unwrap()).unwrap()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A length for the case of this number: first the edges, then any, each order of magnitude as often as another.
    fn length(&mut self, case: usize, most: usize) -> usize {
        match EDGES.get(case) {
            Some(edge) => (*edge).min(most),
            None => {
                let end = (2_usize << self.below(17)).min(most + 1);
                self.below(end)
            }
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// The same with one bit turned over; none for nothing.
    fn altered(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut altered = bytes.to_vec();
        let place = self.below(altered.len().max(1));
        *altered.get_mut(place)? ^= 1 << self.below(8);
        Some(altered)
    }

    fn pair(&mut self) -> (KeyPair, [u8; 32], Vec<u8>) {
        let pair = KeyPair::generate(&mut self.0);
        let secret = *pair.to_bytes();
        let point = pair.public().key().to_sec1_point(false).as_bytes().to_vec();
        (pair, secret, point)
    }
}

#[wasm_bindgen_test]
async fn ecdh_agrees_with_webcrypto() {
    let mut inputs = Inputs::of(1);
    let (mut off_curve, mut on_curve) = (0, 0);
    for case in 0..200 {
        let (ours, secret, point) = inputs.pair();
        let (theirs, their_secret, their_point) = inputs.pair();
        let shared = ours.agree(theirs.public());
        assert_eq!(shared, theirs.agree(ours.public()), "case {case}");
        for made in [
            browser("agree", &[&secret, &point, &their_point]).await,
            browser("agree", &[&their_secret, &their_point, &point]).await,
        ] {
            assert_eq!(made.as_deref(), Some(shared.as_slice()), "case {case}");
        }

        // Another x, of which about half belong to no point.
        let mut altered = *theirs.public().as_bytes();
        let place = 1 + inputs.below(32);
        altered[place] ^= 1 << inputs.below(8);
        match Point::from_bytes(&altered) {
            Ok(other) => {
                on_curve += 1;
                let whole = other.key().to_sec1_point(false);
                let made = browser("agree", &[&secret, &point, whole.as_bytes()]).await;
                assert_eq!(made.as_deref(), Some(ours.agree(&other).as_slice()), "case {case}");
            }
            Err(_) => {
                off_curve += 1;
                let whole = [&[4], &altered[1..], &their_point[33..]].concat();
                assert_eq!(browser("agree", &[&secret, &point, &whole]).await, None, "case {case}");
            }
        }
    }
    // Shared secrets that begin with a zero byte, which must not be cut off.
    let (ours, secret, point) = inputs.pair();
    for case in 0..4 {
        let found = (0..10_000).map(|_| inputs.pair().0).find(|theirs| ours.agree(theirs.public())[0] == 0);
        let theirs = found.expect("one of 256 begins so");
        let their_point = theirs.public().key().to_sec1_point(false);
        let made = browser("agree", &[&secret, &point, their_point.as_bytes()]).await;
        assert_eq!(made.as_deref(), Some(ours.agree(theirs.public()).as_slice()), "zero byte, case {case}");
    }
    console_log!("ecdh: 200 pairs; of altered points {off_curve} refused by both, {on_curve} agreed upon");
    assert!(off_curve > 50 && on_curve > 50);
}

#[wasm_bindgen_test]
async fn hkdf_gives_the_bytes_of_webcrypto() {
    let mut inputs = Inputs::of(2);
    for case in 0..300 {
        let salt_length = inputs.length(case % 23, 4_096);
        let material_length = inputs.length(case, LONGEST);
        let info_length = inputs.length(case % 29, 4_096);
        let (salt, material, info) =
            (inputs.bytes(salt_length), inputs.bytes(material_length), inputs.bytes(info_length));
        let output_length = 1 + inputs.below(if case % 10 == 0 { 255 * 32 } else { 128 });
        let (first, second) = material.split_at(inputs.below(material.len() + 1));
        let mut output = vec![0; output_length];
        expand(&salt, &[first, second], &info, &mut output);
        let length = u16::try_from(output_length).unwrap().to_be_bytes();
        let theirs = browser("derive", &[&salt, &material, &info, &length]).await;
        same(theirs, &output, case);

        if let Some(altered) = inputs.altered(&info) {
            let theirs = browser("derive", &[&salt, &material, &altered, &length]).await;
            expand(&salt, &[&material], &altered, &mut output);
            same(theirs, &output, case);
        }
    }
    console_log!("hkdf: 300 inputs");
}

#[wasm_bindgen_test]
async fn aes_gcm_agrees_with_webcrypto() {
    let mut inputs = Inputs::of(3);
    let mut refused = 0;
    for case in 0..300 {
        let (key, nonce) = (inputs.array::<32>(), inputs.array::<NONCE>());
        let associated_length = inputs.length(case % 31, LONGEST);
        let text_length = inputs.length(case, LONGEST);
        let (associated, text) = (inputs.bytes(associated_length), inputs.bytes(text_length));
        let cipher = Cipher::new(&key);
        let mut sealed = text.clone();
        let tag = cipher.seal(&nonce, &associated, &mut sealed);
        sealed.extend(tag);
        let theirs = browser("seal", &[&key, &nonce, &associated, &text]).await;
        same(theirs, &sealed, case);
        let theirs = browser("open", &[&key, &nonce, &associated, &sealed]).await;
        same(theirs, &text, case);
        same(open(&key, &nonce, &associated, &sealed), &text, case);

        let wrong_key = inputs.altered(&key).unwrap();
        let wrong_nonce = inputs.altered(&nonce).unwrap();
        let wrong_sealed = inputs.altered(&sealed).unwrap();
        let mut longer = associated.clone();
        longer.push(0);
        let wrong_associated = inputs.altered(&associated).unwrap_or_else(|| longer.clone());
        for [key, nonce, associated, sealed] in [
            [&wrong_key, &nonce.to_vec(), &associated, &sealed],
            [&key.to_vec(), &wrong_nonce, &associated, &sealed],
            [&key.to_vec(), &nonce.to_vec(), &wrong_associated, &sealed],
            [&key.to_vec(), &nonce.to_vec(), &longer, &sealed],
            [&key.to_vec(), &nonce.to_vec(), &associated, &wrong_sealed],
            [&key.to_vec(), &nonce.to_vec(), &associated, &sealed[..sealed.len() - 1].to_vec()],
        ] {
            assert_eq!(browser("open", &[key, nonce, associated, sealed]).await, None, "case {case}");
            assert_eq!(
                open(
                    key.as_slice().try_into().unwrap(),
                    nonce.as_slice().try_into().unwrap(),
                    associated,
                    sealed
                ),
                None,
                "case {case}"
            );
            refused += 1;
        }
    }
    console_log!("aes-256-gcm: 300 inputs, {refused} altered ones refused by both");
}

fn open(key: &[u8; 32], nonce: &[u8; NONCE], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (text, tag) = sealed.split_last_chunk::<TAG>()?;
    let mut text = text.to_vec();
    Cipher::new(key).open(nonce, associated, &mut text, tag).ok()?;
    Some(text)
}

#[wasm_bindgen_test]
async fn ecdsa_agrees_with_webcrypto() {
    let mut inputs = Inputs::of(4);
    let (mut high, mut refused) = (0, 0);
    for case in 0..200 {
        let (pair, secret, point) = inputs.pair();
        let length = inputs.length(case, LONGEST);
        let message = inputs.bytes(length);
        let signed = [Purpose::BUNDLE.label(&[]), message.clone()].concat();

        let ours = sign(&pair, Purpose::BUNDLE, &message, &mut inputs.0);
        assert!(browser("verify", &[&point, &signed, &ours.to_bytes()]).await.is_some(), "case {case}");

        let theirs: [u8; 64] =
            browser("sign", &[&secret, &point, &signed]).await.unwrap().try_into().unwrap();
        let low = p256::ecdsa::Signature::from_slice(&theirs).unwrap().normalize_s();
        if low.to_bytes().as_slice() != theirs {
            // Ours takes one of the two forms of a signature only.
            assert_eq!(Signature::from_bytes(&theirs), Err(SignatureError::HighS), "case {case}");
            high += 1;
        }
        let low = Signature::from_bytes(&low.to_bytes().into()).unwrap();
        assert_eq!(verify_parts(pair.public(), &[&signed], &low), Ok(()), "case {case}");

        let (other, _, other_point) = inputs.pair();
        let wrong_signature = inputs.altered(&ours.to_bytes()).unwrap();
        let wrong_message = inputs.altered(&signed).unwrap();
        for (pair, point, message, signature) in [
            (&other, &other_point, &signed, ours.to_bytes().to_vec()),
            (&pair, &point, &wrong_message, ours.to_bytes().to_vec()),
            (&pair, &point, &signed, wrong_signature),
        ] {
            assert_eq!(browser("verify", &[point, message, &signature]).await, None, "case {case}");
            let verdict = Signature::from_bytes(signature.as_slice().try_into().unwrap())
                .and_then(|signature| verify_parts(pair.public(), &[message], &signature));
            assert!(verdict.is_err(), "case {case}");
            refused += 1;
        }
    }
    console_log!(
        "ecdsa: 200 messages, each signed by both; {high} of WebCrypto's had a high s; {refused} altered ones refused by both"
    );
    assert!(high > 50);
}
