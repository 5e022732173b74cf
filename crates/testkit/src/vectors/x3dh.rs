//! X3DH with and without one-time prekey and invite, up to the first message; and what both sides refuse.

use serde_json::{Value, json};
use sotto_crypto::PreKeyId;
use sotto_crypto::invite::{InviteCredential, InviteSecret};
use sotto_crypto::keys::{
    AccountKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, EphemeralPublic, OneTimePreKey,
    SignedPreKey,
};
use sotto_crypto::ratchet::Session;
use sotto_crypto::x3dh::{self, FirstKeys, InitiatorAgreement, ResponderAgreement, ResponderKeys};
use sotto_wire::peer::{Carried, FirstPrefix};

use super::conversation::Told;
use super::form::{Case, Cases, Structure, hex};
use super::people::{Person, pair};
use super::primitives::{ecdh, hash, hkdf, public};

pub(super) const X3DH: Structure = Structure {
    name: "x3dh",
    sections: "5, 6.1, 6.2, 7.1",
    about: "A begins a session with B and seals its first message. `one_time_prekey` says whether B's OPK was handed \
            out; `s` is the secret of B's invite, if A has one. Refused cases name the `role` that refuses and what it \
            is given; `first` is what A's prefix says.",
    fill,
};

/// What X3DH gave, and what is told of it.
pub(super) struct Agreed {
    pub(super) at_a: InitiatorAgreement,
    pub(super) at_b: ResponderAgreement,
    pub(super) first: FirstKeys,
    pub(super) transcript: [u8; 32],
    pub(super) secret: [u8; 32],
    pub(super) told: Value,
}

/// Runs X3DH between two people, and computes once more what it hides.
pub(super) fn agree(
    case: &mut Case,
    a: &Person,
    b: &Person,
    one_time: bool,
    invite: Option<&InviteSecret>,
) -> Agreed {
    let credential = invite.map(InviteSecret::credential);
    let (at_a, first) = x3dh::initiate(
        &a.device(),
        &a.identity,
        &b.peer_keys(one_time),
        credential.as_ref(),
        case.random(["EK"]),
    )
    .expect("an agreement");
    let at_b = respond(b, &a.device(), &first, one_time, credential.as_ref()).expect("the same agreement");
    let ephemeral = case.scalar("EK");
    assert_eq!(public(&ephemeral), *first.ephemeral.as_bytes());

    let spk = b.signed_prekey.public();
    let opk = b.one_time_prekey.public();
    let dh1 = ecdh(a.identity.to_bytes().as_slice(), spk.as_bytes());
    let dh2 = ecdh(&ephemeral, b.identity.public().as_bytes());
    let dh3 = ecdh(&ephemeral, spk.as_bytes());
    let dh4 = if one_time { ecdh(&ephemeral, opk.as_bytes()) } else { [0; 32] };
    let psk = invite.map_or([0; 32], |s| hkdf(&[], s.to_bytes().as_slice(), "invite-psk", &[]));
    let invite_id = invite.map_or([0; 16], |s| *s.id().as_bytes());
    let opk_id = if one_time { opk.id().0 } else { 0 };
    let transcript = hash(
        "x3dh-transcript",
        &[
            &[0, 1, first.flags()],
            &flat(a),
            &flat(b),
            &spk.id().0.to_be_bytes(),
            spk.as_bytes(),
            &opk_id.to_be_bytes(),
            if one_time { opk.as_bytes() } else { &[0; 33] },
            &invite_id,
            first.ephemeral.as_bytes(),
        ],
    );
    let ikm = [dh1, dh2, dh3, dh4, psk].concat();
    let secret = hkdf::<32>(&[0; 32], &ikm, "x3dh-secret", &[&transcript]);
    let session_id = &hash("session-id", &[&transcript])[..16];
    assert_eq!(session_id, at_a.session_id().as_bytes());
    assert_eq!(at_a.session_id(), at_b.session_id());
    let told = json!({
        "EK": pair(ephemeral, first.ephemeral.as_bytes()),
        "flags": first.flags(),
        "DH1": hex(dh1),
        "DH2": hex(dh2),
        "DH3": hex(dh3),
        "DH4": hex(dh4),
        "PSK": hex(psk),
        "invite_id": hex(invite_id),
        "th": hex(transcript),
        "SK": hex(secret),
        "session_id": hex(session_id),
    });
    Agreed { at_a, at_b, first, transcript, secret, told }
}

fn flat(person: &Person) -> Vec<u8> {
    let (aik, dsk, dik) = (person.account.public(), person.signing.public(), person.identity.public());
    [aik.as_bytes().as_slice(), person.device_id.as_bytes(), dsk.as_bytes(), dik.as_bytes()].concat()
}

fn respond(
    b: &Person,
    peer: &DevicePublic,
    first: &FirstKeys,
    one_time: bool,
    invite: Option<&InviteCredential>,
) -> Result<ResponderAgreement, x3dh::X3dhError> {
    let keys = ResponderKeys {
        device: &b.device(),
        identity: &b.identity,
        signed_prekey: &b.signed_prekey,
        one_time_prekey: one_time.then_some(&b.one_time_prekey),
        invite,
    };
    x3dh::respond(&keys, peer, first)
}

fn fill(cases: &mut Cases) {
    for (name, one_time, invited) in [
        ("with OPK and PSK", true, true),
        ("with OPK, without PSK", true, false),
        ("without OPK, with PSK", false, true),
        ("without OPK and PSK", false, false),
    ] {
        cases.case(name, |case| agreement(case, one_time, invited));
    }
    initiator_refuses(cases);
    responder_refuses(cases);
}

fn agreement(case: &mut Case, one_time: bool, invited: bool) {
    let a = Person::new(case, "A");
    let b = Person::new(case, "B");
    let invite = invited.then(|| InviteSecret::generate(case.random(["s"])));
    case.given("one_time_prekey", one_time);
    if let Some(s) = &invite {
        case.given("s", hex(s.to_bytes().as_slice()));
    }
    let agreed = agree(case, &a, &b, one_time, invite.as_ref());
    for (key, value) in agreed.told.as_object().expect("an object") {
        case.expect(key, value.clone());
    }

    let plaintext = b"the first message";
    let list = a.list(case);
    let before = case.drawn();
    let mut told = Told::new(&agreed, &b);
    let mut session = Session::initiate(&agreed.at_a, case.random(["ratchet key"]));
    told.initiated(case);
    let message = session.seal(plaintext, case.random(["r"])).expect("sealed");
    let mut step = told.sealed(0, &message, plaintext);
    step.insert("random".to_owned(), case.drawn());
    Session::respond(&agreed.at_b, &message, super::NOW).expect("opens");
    case.restore(before);
    case.given("plaintext", hex(plaintext));
    case.expect("device_list_A", hex(list.as_bytes()));
    case.expect("first_message", step);
    let prefix = FirstPrefix { device_list: list, keys: agreed.first };
    case.expect("carried", hex(Carried::encode(Some(&prefix), &message)));
}

fn initiator_refuses(cases: &mut Cases) {
    let refused = |cases: &mut Cases, name: &str, invited: bool, alter: fn(&Person, &mut Person)| {
        cases.case(&format!("initiator: {name}"), |case| {
            let a = Person::new(case, "A");
            let mut b = Person::draw(case, "B");
            alter(&a, &mut b);
            case.given("B", b.json());
            case.given("role", "initiator");
            case.given("one_time_prekey", true);
            let s = invited.then(|| InviteSecret::generate(case.random(["s"])));
            if let Some(s) = &s {
                case.given("s", hex(s.to_bytes().as_slice()));
            }
            let credential = s.as_ref().map(InviteSecret::credential);
            let rng = case.random(["EK"]);
            let outcome =
                x3dh::initiate(&a.device(), &a.identity, &b.peer_keys(true), credential.as_ref(), rng);
            case.refused("own-keys", outcome);
        });
    };
    refused(cases, "own device id", false, |a, b| b.device_id = a.device_id);
    refused(cases, "own DIK", false, |a, b| {
        b.identity = copy(DeviceIdentityKey::from_bytes(&a.identity.to_bytes()))
    });
    refused(cases, "own DSK", false, |a, b| {
        b.signing = copy(DeviceSigningKey::from_bytes(&a.signing.to_bytes()))
    });
    refused(cases, "own DSK as DIK", false, |a, b| {
        b.identity = copy(DeviceIdentityKey::from_bytes(&a.signing.to_bytes()));
    });
    refused(cases, "own DSK as AIK", false, |a, b| {
        b.account = copy(AccountKey::from_bytes(&a.signing.to_bytes()));
    });
    refused(cases, "own DIK as AIK", false, |a, b| {
        b.account = copy(AccountKey::from_bytes(&a.identity.to_bytes()));
    });
    refused(cases, "own AIK as DSK", false, |a, b| {
        b.signing = copy(DeviceSigningKey::from_bytes(&a.account.to_bytes()));
    });
    refused(cases, "own AIK by invite", true, |a, b| {
        b.account = copy(AccountKey::from_bytes(&a.account.to_bytes()));
    });
    refused(cases, "SPK is B's DIK", false, |_, b| b.signed_prekey = spk(&b.identity.to_bytes()));
    refused(cases, "SPK is A's DIK", false, |a, b| b.signed_prekey = spk(&a.identity.to_bytes()));
    refused(cases, "OPK is the SPK", false, |_, b| {
        b.one_time_prekey = copy(OneTimePreKey::from_bytes(PreKeyId(100), &b.signed_prekey.to_bytes()));
    });
    refused(cases, "OPK is B's AIK", false, |_, b| {
        b.one_time_prekey = copy(OneTimePreKey::from_bytes(PreKeyId(100), &b.account.to_bytes()));
    });
}

fn copy<T: core::fmt::Debug>(key: Result<T, sotto_crypto::keys::KeyError>) -> T {
    key.expect("a valid scalar")
}

fn spk(private: &[u8; 32]) -> SignedPreKey {
    copy(SignedPreKey::from_bytes(PreKeyId(7), private))
}

fn responder_refuses(cases: &mut Cases) {
    let refused =
        |cases: &mut Cases, name: &str, rule: &'static str, alter: fn(&Person, &Person, &mut FirstKeys)| {
            cases.case(&format!("responder: {name}"), |case| {
                let a = Person::new(case, "A");
                let b = Person::new(case, "B");
                let rng = case.random(["EK"]);
                let (_, mut first) =
                    x3dh::initiate(&a.device(), &a.identity, &b.peer_keys(true), None, rng).expect("agreed");
                alter(&a, &b, &mut first);
                case.given("role", "responder");
                case.given("one_time_prekey", true);
                let mut told = json!({ "EK": hex(first.ephemeral.as_bytes()), "spk_id": first.spk_id.0 });
                if let Some(id) = first.opk_id {
                    told["opk_id"] = id.0.into();
                }
                if let Some(id) = first.invite_id {
                    told["invite_id"] = hex(id.as_bytes()).into();
                }
                case.given("first", told);
                case.refused(rule, respond(&b, &a.device(), &first, true, None));
            });
        };
    refused(cases, "another signed prekey", "other-keys", |_, _, first| first.spk_id = PreKeyId(8));
    refused(cases, "another one-time prekey", "other-keys", |_, _, first| first.opk_id = Some(PreKeyId(101)));
    refused(cases, "no one-time prekey where one is held", "other-keys", |_, _, first| first.opk_id = None);
    refused(cases, "an invite that is not held", "other-keys", |_, _, first| {
        first.invite_id = Some(sotto_crypto::InviteId::from_bytes([1; 16]));
    });
    refused(cases, "EK is B's SPK", "own-keys", |_, b, first| {
        first.ephemeral = copy(EphemeralPublic::from_bytes(b.signed_prekey.public().as_bytes()));
    });
    refused(cases, "EK is B's OPK", "own-keys", |_, b, first| {
        first.ephemeral = copy(EphemeralPublic::from_bytes(b.one_time_prekey.public().as_bytes()));
    });
    refused(cases, "EK is B's DIK", "own-keys", |_, b, first| {
        first.ephemeral = copy(EphemeralPublic::from_bytes(b.identity.public().as_bytes()));
    });
    refused(cases, "EK is A's DIK", "own-keys", |a, _, first| {
        first.ephemeral = copy(EphemeralPublic::from_bytes(a.identity.public().as_bytes()));
    });
}
