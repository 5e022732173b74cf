//! Answers to challenges as the server judges them, frames and bodies as both sides read them.

use sotto_wire::server::{
    Accepted, ClientFrame, CreateInvite, Failure, FetchPreKeys, FetchTurn, FetchedPreKeys, InviteCardAnswer,
    LookAtInvite, Message, Nonce, NotAuthentic, PutEnvelope, RedeemInvite, RedeemedInvite, RevokeInvite,
    ServerFrame, TurnAnswer, challenge_bytes,
};

use crate::given::each;

#[test]
fn challenges() {
    each("server", "challenge", |case| {
        let path = if case.has("/refused") { "/given/authentication" } else { "/expect/frame" };
        let ClientFrame::Authenticate(answer) = ClientFrame::decode(&case.bytes(path)).unwrap() else {
            panic!()
        };
        let now = "/given/server_nonce_now";
        let nonce = Nonce(case.array(if case.has(now) { now } else { "/given/server_nonce" }));
        let verified: Result<(), NotAuthentic> = answer.verify(case.text("/given/origin"), &nonce);
        if case.judge(verified).is_some() {
            let signed = challenge_bytes(case.text("/given/origin"), &nonce, &answer);
            assert_eq!(signed, case.bytes("/expect/signed"));
            assert_eq!(*answer.signature, case.array("/expect/signature"));
            assert_eq!(*answer.device_id.as_bytes(), case.array("/given/device_id"));
            assert_eq!(*answer.mailbox.as_bytes(), case.array("/given/mailbox"));
        }
    });
}

fn again<T: Message>(encoded: &[u8]) -> Vec<u8> {
    T::decode(encoded).unwrap().encode()
}

#[test]
fn frames_and_bodies() {
    each("server", "", |case| {
        if !case.has("/given/kind") {
            return;
        }
        let encoded = case.bytes("/expect/encoded");
        let written = match case.text("/given/kind") {
            "client frame" => again::<ClientFrame>(&encoded),
            "server frame" => again::<ServerFrame>(&encoded),
            "/v1/envelopes request" => again::<PutEnvelope>(&encoded),
            "/v1/envelopes answer" => again::<Accepted>(&encoded),
            "/v1/invites request" => again::<CreateInvite>(&encoded),
            "/v1/invites/card request" => again::<LookAtInvite>(&encoded),
            "/v1/invites/card answer" => again::<InviteCardAnswer>(&encoded),
            "/v1/invites/redeem request" => again::<RedeemInvite>(&encoded),
            "/v1/invites/redeem answer" => again::<RedeemedInvite>(&encoded),
            "/v1/invites/revoke request" => again::<RevokeInvite>(&encoded),
            "/v1/prekeys request" => again::<FetchPreKeys>(&encoded),
            "/v1/prekeys answer" => again::<FetchedPreKeys>(&encoded),
            "/v1/turn request" => again::<FetchTurn>(&encoded),
            "/v1/turn answer" => again::<TurnAnswer>(&encoded),
            "failure" => again::<Failure>(&encoded),
            other => panic!("{other}"),
        };
        assert_eq!(written, encoded);
    });
}
