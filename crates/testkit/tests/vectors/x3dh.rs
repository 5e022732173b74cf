//! X3DH from both sides, and the first message as its receiver reads it.

use sotto_crypto::keys::EphemeralPublic;
use sotto_crypto::ratchet::Session;
use sotto_crypto::x3dh::{self, FirstKeys};
use sotto_crypto::{InviteId, PreKeyId};
use sotto_testkit::vectors::NOW;
use sotto_wire::peer::Carried;

use crate::given::{Draws, each};
use crate::people::{Person, invite};

/// The responder reads what was carried, and finds the session and the plaintext.
#[test]
fn the_responder_opens_the_first_message() {
    each("x3dh", "with", |case| {
        let (a, b) = (Person::of(case, "A"), Person::of(case, "B"));
        let one_time = case.at("/given/one_time_prekey").as_bool().unwrap();
        let carried = Carried::decode(&case.bytes("/expect/carried")).unwrap();
        let first = carried.first.unwrap();
        assert_eq!(first.device_list.as_bytes(), case.bytes("/expect/device_list_A"));
        assert_eq!(first.device_list.devices(), [a.device]);
        assert_eq!(*first.keys.ephemeral.as_bytes(), case.array("/expect/EK/public"));
        assert_eq!(u32::from(first.keys.flags()), case.number("/expect/flags"));
        let agreement = b.respond(&a.device, &first.keys, one_time, invite(case).as_ref()).unwrap();
        assert_eq!(*agreement.session_id().as_bytes(), case.array("/expect/session_id"));
        assert_eq!(carried.ratchet, case.bytes("/expect/first_message/message"));
        let (session, plaintext) = Session::respond(&agreement, &carried.ratchet, NOW).unwrap();
        assert_eq!(plaintext, case.bytes("/given/plaintext"));
        assert_eq!(*session.id().as_bytes(), case.array("/expect/session_id"));
    });
}

/// The initiator, drawing what was drawn, makes the same bytes.
#[test]
fn the_initiator_makes_the_first_message() {
    each("x3dh", "with", |case| {
        let (a, b) = (Person::of(case, "A"), Person::of(case, "B"));
        let one_time = case.at("/given/one_time_prekey").as_bool().unwrap();
        let credential = invite(case).map(|s| s.credential());
        let mut draws = Draws::of(case, "/random", "EK");
        let (agreement, first) =
            x3dh::initiate(&a.device, &a.identity, &b.peer_keys(one_time), credential.as_ref(), &mut draws)
                .unwrap();
        assert_eq!(*first.ephemeral.as_bytes(), case.array("/expect/EK/public"));
        let mut draws = Draws::of(case, "/expect/first_message/random", "");
        let mut session = Session::initiate(&agreement, &mut draws);
        let message = session.seal(&case.bytes("/given/plaintext"), &mut draws).unwrap();
        assert_eq!(message, case.bytes("/expect/first_message/message"));
    });
}

#[test]
fn initiators_refuse() {
    each("x3dh", "initiator", |case| {
        let (a, b) = (Person::of(case, "A"), Person::of(case, "B"));
        let credential = invite(case).map(|s| s.credential());
        let mut draws = Draws::of(case, "/random", "EK");
        let outcome =
            x3dh::initiate(&a.device, &a.identity, &b.peer_keys(true), credential.as_ref(), &mut draws);
        assert!(case.judge(outcome).is_none());
    });
}

#[test]
fn responders_refuse() {
    each("x3dh", "responder", |case| {
        let (a, b) = (Person::of(case, "A"), Person::of(case, "B"));
        let optional = |path: &str| case.has(path).then(|| PreKeyId(case.number(path)));
        let first = FirstKeys {
            ephemeral: EphemeralPublic::from_bytes(&case.array("/given/first/EK")).unwrap(),
            spk_id: PreKeyId(case.number("/given/first/spk_id")),
            opk_id: optional("/given/first/opk_id"),
            invite_id: case
                .has("/given/first/invite_id")
                .then(|| InviteId::from_bytes(case.array("/given/first/invite_id"))),
        };
        assert!(case.judge(b.respond(&a.device, &first, true, None)).is_none());
    });
}
