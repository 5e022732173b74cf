//! Labels and the derivations straight under them.

use sotto_crypto::Purpose;

use super::form::{Case, Cases, Structure, hex};
use super::primitives::{hash, hkdf, hmac, label};

pub(super) const LABELS: Structure = Structure {
    name: "labels",
    sections: "1.1, 1.2, 20",
    about: "Every label of the protocol, and what HKDF, HMAC and H give under it: with the context and key material \
            given, label(purpose, context), H(purpose, data), HKDF(salt, ikm, label, 64), HMAC(ikm, data).",
    fill,
};

fn fill(cases: &mut Cases) {
    for purpose in Purpose::ALL {
        let bytes = purpose.label(&[]);
        let text = core::str::from_utf8(&bytes).expect("ASCII");
        let name = text.trim_start_matches("sotto/v1/").trim_end_matches('\0');
        cases.case(name, |case| one(case, *purpose, name));
    }
}

fn one(case: &mut Case, purpose: Purpose, name: &str) {
    let mut context = [0; 16];
    let mut ikm = [0; 32];
    let mut salt = [0; 32];
    let mut data = [0; 33];
    let rng = case.random(["context", "ikm", "salt", "data"]);
    for bytes in [context.as_mut_slice(), &mut ikm, &mut salt, &mut data] {
        rand_core::Rng::fill_bytes(rng, bytes);
    }
    assert_eq!(purpose.label(&[&context]), label(name, &[&context]));
    assert_eq!(purpose.hash(&[&data]), hash(name, &[&data]));
    case.given("purpose", name);
    case.given("context", hex(context));
    case.given("ikm", hex(ikm));
    case.given("salt", hex(salt));
    case.given("data", hex(data));
    case.expect("label", hex(label(name, &[&context])));
    case.expect("H", hex(hash(name, &[&data])));
    case.expect("HKDF", hex(hkdf::<64>(&salt, &ikm, name, &[&context])));
    case.expect("HMAC", hex(hmac(&ikm, &[&data])));
}
