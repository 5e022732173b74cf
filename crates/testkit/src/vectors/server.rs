//! What a client and its server say: frames, bodies, and the answer to the server's challenge.

use serde_json::{Value, json};
use sotto_crypto::keys::DeviceSigningKey;
use sotto_crypto::{DeliveryToken, DeviceId, InviteId, MailboxId};
use sotto_wire::server::{
    Accepted, Authentication, Blob, BundleBytes, Class, ClientFrame, CreateInvite, ErrorCode, Failure,
    FetchPreKeys, FetchTurn, FetchedPreKeys, IceUrl, InviteBundle, InviteCard, InviteCardAnswer, List,
    ListedToken, LookAtInvite, Message, Nonce, OneTimePreKeyEntry, OneTimePreKeys, OwnerSecret, PutEnvelope,
    RedeemId, RedeemInvite, RedeemedInvite, RequestId, RevokeInvite, Sequence, ServerFrame, TokenHash,
    TokenHashes, TurnAnswer, TurnServer, TurnText, challenge_bytes,
};

use super::form::{Case, Cases, Structure, hex};
use super::primitives::hash;

pub(super) const SERVER: Structure = Structure {
    name: "server",
    sections: "14",
    about: "Cases that begin with `challenge` are a device's answer to the server's challenge: `signed` is what the \
            signature is over; refused ones give an `authentication` that the server at `origin`, having sent \
            `server_nonce`, does not take. All others: `kind` is client frame, server frame, or a path with request or \
            answer; `fields` are named as in the document.",
    fill,
};

const ORIGIN: &str = "https://sotto.example";
const MAILBOX: [u8; 16] = [3; 16];
const POINT: &str = "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";

fn fill(cases: &mut Cases) {
    challenges(cases);
    client_frames(cases);
    server_frames(cases);
    bodies(cases);
    turn(cases);
}

/// A device that answers, and its answer.
fn answer(case: &mut Case, origin: &str) -> (DeviceSigningKey, Nonce, Authentication) {
    let key = DeviceSigningKey::generate(case.random(["DSK"]));
    let mut draw = |what: &str| {
        let mut bytes = [0; 32];
        rand_core::Rng::fill_bytes(case.random([what]), &mut bytes);
        Nonce(bytes)
    };
    let (server, client_nonce) = (draw("server nonce"), draw("client nonce"));
    let mut authentication = Authentication {
        version: 1,
        device_id: DeviceId::generate(case.random(["device id"])),
        signing_key: (*key.public().as_bytes()).into(),
        mailbox: MailboxId::generate(case.random(["mailbox"])),
        client_nonce,
        signature: [0; 64].into(),
    };
    let signed = challenge_bytes(origin, &server, &authentication);
    authentication.signature = key.sign_challenge(&signed, case.random(["hedge"])).to_bytes().into();
    case.given("DSK", super::people::pair(key.to_bytes(), key.public().as_bytes()));
    case.given("origin", ORIGIN);
    case.given("server_nonce", hex(server.as_bytes()));
    (key, server, authentication)
}

fn challenges(cases: &mut Cases) {
    cases.case("challenge answered", |case| {
        let (_, server, authentication) = answer(case, ORIGIN);
        authentication.verify(ORIGIN, &server).expect("verifies");
        case.given("device_id", hex(authentication.device_id.as_bytes()));
        case.given("mailbox", hex(authentication.mailbox.as_bytes()));
        case.given("client_nonce", hex(authentication.client_nonce.as_bytes()));
        case.expect("signed", hex(challenge_bytes(ORIGIN, &server, &authentication)));
        case.expect("signature", hex(authentication.signature.as_slice()));
        case.expect("frame", hex(ClientFrame::Authenticate(authentication).encode()));
    });
    type Alter = fn(&mut Authentication);
    let altered: [(&str, Alter); 6] = [
        ("another device id", |answer| answer.device_id = DeviceId::from_bytes([7; 16])),
        ("another mailbox", |answer| answer.mailbox = MailboxId::from_bytes([7; 16])),
        ("another client nonce", |answer| answer.client_nonce = Nonce([7; 32])),
        ("another version", |answer| answer.version = 2),
        ("a key that is no point", |answer| answer.signing_key = [7; 33].into()),
        ("high s", |answer| answer.signature = super::signatures::with_high_s(&answer.signature).into()),
    ];
    for (name, alter) in altered {
        cases.case(&format!("challenge: {name}"), |case| {
            let (_, server, mut authentication) = answer(case, ORIGIN);
            alter(&mut authentication);
            refused(case, &server, authentication);
        });
    }
    cases.case("challenge: answered for another origin", |case| {
        let (_, server, authentication) = answer(case, "https://evil.example");
        refused(case, &server, authentication);
    });
    cases.case("challenge: signed as a bundle", |case| {
        let (key, server, mut authentication) = answer(case, ORIGIN);
        let signed = challenge_bytes(ORIGIN, &server, &authentication);
        authentication.signature = key.sign_bundle(&signed, case.random(["second hedge"])).to_bytes().into();
        refused(case, &server, authentication);
    });
    cases.case("challenge: of another connection", |case| {
        let (_, _, authentication) = answer(case, ORIGIN);
        case.given("server_nonce_now", hex([7; 32]));
        refused(case, &Nonce([7; 32]), authentication);
    });
}

fn refused(case: &mut Case, server: &Nonce, authentication: Authentication) {
    let verified = authentication.verify(ORIGIN, server);
    case.given("authentication", hex(ClientFrame::Authenticate(authentication).encode()));
    case.refused("not-authentic", verified);
}

fn encodes<T: Message>(cases: &mut Cases, name: &str, kind: &str, message: &T, fields: Value) {
    cases.case(name, |case| {
        let encoded = message.encode();
        T::decode(&encoded).expect("reads");
        case.given("kind", kind);
        case.given("fields", fields);
        case.expect("encoded", hex(encoded));
    });
}

fn one_time() -> (OneTimePreKeyEntry, Value) {
    let point: [u8; 33] = super::form::unhex(POINT).try_into().expect("33 bytes");
    (OneTimePreKeyEntry { id: 9, key: point.into() }, json!({ "id": 9, "key": POINT }))
}

fn client_frames(cases: &mut Cases) {
    let hashes = || {
        let two = [6, 7].map(|byte| ListedToken(TokenHash::from_bytes([byte; 32]))).to_vec();
        (TokenHashes::new(two).expect("two"), json!([hex([6; 32]), hex([7; 32])]))
    };
    let (add, added) = hashes();
    let (revoke, revoked) = hashes();
    let (entry, told) = one_time();
    let all = [
        ("Credit", ClientFrame::Credit { n: 64 }, json!({ "type": "Credit", "n": 64 })),
        (
            "Acknowledge",
            ClientFrame::acknowledge(vec![Sequence(1), Sequence(u64::MAX)]).expect("two"),
            json!({ "type": "Acknowledge", "sequences": [1, u64::MAX.to_string()] }),
        ),
        (
            "Add tokens",
            ClientFrame::AddTokens { request: 1, hashes: add },
            json!({ "type": "Add tokens", "request": 1, "hashes": added }),
        ),
        (
            "Revoke tokens",
            ClientFrame::RevokeTokens { request: 2, hashes: revoke },
            json!({ "type": "Revoke tokens", "request": 2, "hashes": revoked }),
        ),
        (
            "Publish prekeys",
            ClientFrame::PublishPreKeys {
                request: 3,
                bundle: BundleBytes::new(vec![8; 3]).expect("short"),
                one_time: OneTimePreKeys::new(vec![entry]).expect("one"),
            },
            json!({ "type": "Publish prekeys", "request": 3, "bundle": hex([8; 3]), "one_time": [told] }),
        ),
        ("Ping", ClientFrame::Ping { n: 5 }, json!({ "type": "Ping", "n": 5 })),
    ];
    for (name, frame, fields) in all {
        encodes(cases, name, "client frame", &frame, fields);
    }
}

fn server_frames(cases: &mut Cases) {
    let blob = || Blob::new(vec![1; 1_024]).expect("a size");
    let all = [
        (
            "Challenge",
            ServerFrame::Challenge { version: 1, nonce: Nonce([1; 32]) },
            json!({ "type": "Challenge", "version": 1, "nonce": hex([1; 32]) }),
        ),
        (
            "Welcome",
            ServerFrame::Welcome { acknowledged_through: Sequence(3), one_time_left: 4, waiting: 5 },
            json!({ "type": "Welcome", "acknowledged": 3, "one_time_left": 4, "waiting": 5 }),
        ),
        (
            "Deliver",
            ServerFrame::Deliver {
                sequence: Sequence(1),
                envelope_id: blob().id(),
                class: Class::Stored,
                blob: blob(),
            },
            json!({ "type": "Deliver", "sequence": 1, "envelope_id": hex(blob().id().as_bytes()), "class": 0, "blob": hex([1; 1_024]) }),
        ),
        ("Done", ServerFrame::Done { request: 1 }, json!({ "type": "Done", "request": 1 })),
        (
            "Failed",
            ServerFrame::Failed { request: 2, code: ErrorCode::Quota },
            json!({ "type": "Failed", "request": 2, "code": 4 }),
        ),
        ("Pong", ServerFrame::Pong { n: 1 }, json!({ "type": "Pong", "n": 1 })),
        ("Drained", ServerFrame::Drained {}, json!({ "type": "Drained" })),
    ];
    for (name, frame, fields) in all {
        encodes(cases, name, "server frame", &frame, fields);
    }
}

fn bodies(cases: &mut Cases) {
    let mailbox = MailboxId::from_bytes(MAILBOX);
    let token = || DeliveryToken::from_bytes(&[9; 32]);
    let invite_id = InviteId::from_bytes([1; 16]);
    let (entry, told) = one_time();
    let blob = Blob::new(vec![1; 1_024]).expect("a size");
    let id = hex(blob.id().as_bytes());
    encodes(
        cases,
        "post an envelope",
        "/v1/envelopes request",
        &PutEnvelope {
            mailbox,
            token: token(),
            envelope_id: blob.id(),
            class: Class::Ephemeral,
            lifetime_s: 2_592_000,
            blob,
        },
        json!({
            "mailbox": hex(MAILBOX), "delivery_token": hex([9; 32]), "envelope_id": id, "class": 1,
            "lifetime": 2_592_000, "blob": hex([1; 1_024]),
        }),
    );
    encodes(cases, "accepted", "/v1/envelopes answer", &Accepted {}, json!({}));
    let owner_hash = OwnerSecret::from_bytes([2; 32]).hash();
    assert_eq!(*owner_hash.as_bytes(), hash("invite-owner", &[&[2; 32]]));
    encodes(
        cases,
        "create an invite, whose owner secret is 32 times 02",
        "/v1/invites request",
        &CreateInvite {
            invite_id,
            owner_hash,
            expires_at: 1_800_000_000,
            card: InviteCard::new(vec![3; 3]).expect("short"),
            bundle: InviteBundle::new(vec![4; 3]).expect("short"),
        },
        json!({
            "invite_id": hex([1; 16]), "owner_hash": hex(owner_hash.as_bytes()), "expires": 1_800_000_000,
            "card": "030303", "bundle": "040404",
        }),
    );
    let named = json!({ "invite_id": hex([1; 16]) });
    encodes(cases, "look at an invite", "/v1/invites/card request", &LookAtInvite { invite_id }, named);
    encodes(
        cases,
        "an invite's card",
        "/v1/invites/card answer",
        &InviteCardAnswer { card: InviteCard::new(vec![3; 3]).expect("short"), expires_at: 1_800_000_000 },
        json!({ "card": "030303", "expires": 1_800_000_000 }),
    );
    encodes(
        cases,
        "redeem an invite",
        "/v1/invites/redeem request",
        &RedeemInvite { invite_id, redeem_id: RedeemId([2; 16]) },
        json!({ "invite_id": hex([1; 16]), "redeem_id": hex([2; 16]) }),
    );
    encodes(
        cases,
        "an invite's bundle",
        "/v1/invites/redeem answer",
        &RedeemedInvite { bundle: InviteBundle::new(vec![4; 3]).expect("short") },
        json!({ "bundle": "040404" }),
    );
    encodes(
        cases,
        "revoke an invite",
        "/v1/invites/revoke request",
        &RevokeInvite { invite_id, owner_secret: OwnerSecret::from_bytes([2; 32]) },
        json!({ "invite_id": hex([1; 16]), "owner_secret": hex([2; 32]) }),
    );
    encodes(
        cases,
        "fetch prekeys",
        "/v1/prekeys request",
        &FetchPreKeys { mailbox, token: token() },
        json!({ "mailbox": hex(MAILBOX), "delivery_token": hex([9; 32]) }),
    );
    for (name, one_time, key) in
        [("prekeys", Some(entry), Some(told)), ("prekeys, no one-time prekey left", None, None)]
    {
        let mut fields = json!({ "bundle": "080808" });
        if let Some(key) = key {
            fields["one_time"] = key;
        }
        let answer = FetchedPreKeys { bundle: BundleBytes::new(vec![8; 3]).expect("short"), one_time };
        encodes(cases, name, "/v1/prekeys answer", &answer, fields);
    }
    for (name, code, after) in [
        ("a failure", ErrorCode::NotFound, None),
        ("a failure that says when", ErrorCode::RateLimited, Some(30)),
    ] {
        let mut fields = json!({ "code": if after.is_some() { 3 } else { 6 }, "request_id": hex([1; 8]) });
        if let Some(seconds) = after {
            fields["retry_after"] = seconds.into();
        }
        let failure = Failure { code, request_id: RequestId([1; 8]), retry_after_s: after };
        encodes(cases, name, "failure", &failure, fields);
    }
}

/// A STUN server, and a TURN server with a credential.
fn turn_answer() -> TurnAnswer {
    let urls = |urls: &[&str]| {
        let urls = urls.iter().map(|url| IceUrl::new((*url).to_owned()).expect("a URL"));
        List::new(urls.collect()).expect("few")
    };
    let text = |text: &str| Some(TurnText::new(text.to_owned()).expect("short"));
    let stun = TurnServer { urls: urls(&["stun:sotto.example:3478"]), username: None, credential: None };
    let turn = TurnServer {
        urls: urls(&["turn:sotto.example:3478?transport=udp", "turns:[2001:db8::1]:5349"]),
        username: text("1800000000:0102030405060708"),
        credential: text("AQIDBAUGBwgJCgsMDQ4PEBESExQ="),
    };
    TurnAnswer { servers: List::new(vec![stun, turn]).expect("two"), lifetime_s: 3_600 }
}

fn turn(cases: &mut Cases) {
    let path = "/v1/turn answer";
    encodes(cases, "ask for STUN and TURN servers", "/v1/turn request", &FetchTurn {}, json!({}));
    let stun = json!({ "urls": ["stun:sotto.example:3478"] });
    let turn = json!({
        "urls": ["turn:sotto.example:3478?transport=udp", "turns:[2001:db8::1]:5349"],
        "username": "1800000000:0102030405060708", "credential": "AQIDBAUGBwgJCgsMDQ4PEBESExQ=",
    });
    let fields = json!({ "servers": [stun, turn], "lifetime": 3_600 });
    encodes(cases, "STUN and TURN servers", path, &turn_answer(), fields);
    let none = TurnAnswer { servers: List::new(Vec::new()).expect("none"), lifetime_s: 3_600 };
    encodes(cases, "no STUN or TURN server", path, &none, json!({ "servers": [], "lifetime": 3_600 }));
}
