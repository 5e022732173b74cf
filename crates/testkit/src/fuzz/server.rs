//! Everything a client can hand the server and the server a client. The first byte says as what the rest is read.

use sotto_wire::server::{
    Accepted, Authentication, Blob, BundleBytes, Class, ClientFrame, CreateInvite, ErrorCode, Failure,
    FetchPreKeys, FetchTurn, FetchedPreKeys, IceUrl, IceUrls, InviteBundle, InviteCard, InviteCardAnswer,
    List, ListedToken, LookAtInvite, Message, Nonce, OneTimePreKeyEntry, OneTimePreKeys, OwnerSecret,
    PutEnvelope, RedeemId, RedeemInvite, RedeemedInvite, RequestId, RevokeInvite, Sequence, ServerFrame,
    TokenHash, TokenHashes, TurnAnswer, TurnServer, TurnText, challenge_bytes, limits,
};
use sotto_wire::server::{DeliveryToken, InviteId, MailboxId};

use super::Seeds;
use super::someone::{Someone, rng};

const ORIGIN: &str = "https://sotto.example";

/// What the first byte chooses. Append only: the corpora name places in this list.
const READERS: [fn(&[u8]) -> bool; 16] = [
    client_frame,
    again::<ServerFrame>,
    put_envelope,
    again::<Accepted>,
    again::<CreateInvite>,
    again::<LookAtInvite>,
    again::<InviteCardAnswer>,
    again::<RedeemInvite>,
    again::<RedeemedInvite>,
    again::<RevokeInvite>,
    again::<FetchPreKeys>,
    again::<FetchedPreKeys>,
    again::<Failure>,
    padded_envelope,
    again::<FetchTurn>,
    turn_answer,
];

/// Reads the bytes as one of the frames and bodies between client and server.
pub fn server(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    READERS.get(usize::from(*kind)).is_some_and(|read| read(bytes))
}

/// Written again, what was read has lost unknown keys at most, and reads the same.
fn read<T: Message>(bytes: &[u8]) -> Option<T> {
    let message = T::decode(bytes).ok()?;
    let written = message.encode();
    assert!(written.len() < bytes.len() || written == bytes, "one encoding");
    assert!(bytes.len() <= T::MAX);
    let again = T::decode(&written).expect("what was written can be read");
    assert_eq!(again.encode(), written);
    Some(again)
}

fn again<T: Message>(bytes: &[u8]) -> bool {
    read::<T>(bytes).is_some()
}

fn client_frame(bytes: &[u8]) -> bool {
    let Some(frame) = read::<ClientFrame>(bytes) else { return false };
    match &frame {
        ClientFrame::Authenticate(authentication) => {
            // Nobody but Anna signs here, and she signs for this origin only.
            assert!(authentication.verify("https://other.example", &NONCE).is_err());
            if authentication.verify(ORIGIN, &NONCE).is_ok() {
                assert_eq!(*authentication, authenticated());
            }
        }
        ClientFrame::Acknowledge { sequences } => {
            assert!(sequences.as_slice().len() <= limits::ACKNOWLEDGE_MAX);
        }
        ClientFrame::AddTokens { hashes, .. } | ClientFrame::RevokeTokens { hashes, .. } => {
            assert!(hashes.as_slice().len() <= limits::TOKENS_PER_FRAME_MAX);
        }
        ClientFrame::PublishPreKeys { bundle, one_time, .. } => {
            assert!(one_time.as_slice().len() <= limits::ONE_TIME_PREKEYS_MAX);
            assert!((1..=limits::BUNDLE_MAX).contains(&bundle.as_bytes().len()));
        }
        ClientFrame::Credit { .. } | ClientFrame::Ping { .. } => {}
    }
    true
}

fn put_envelope(bytes: &[u8]) -> bool {
    let Some(put) = read::<PutEnvelope>(bytes) else { return false };
    assert!(limits::ENVELOPE_SIZES.contains(&put.blob.as_bytes().len()));
    true
}

/// An envelope's post without its last 1,024 bytes, which would only fill the corpus.
fn padded_envelope(bytes: &[u8]) -> bool {
    put_envelope(&[bytes, &[0; 1024]].concat())
}

fn turn_answer(bytes: &[u8]) -> bool {
    let Some(answer) = read::<TurnAnswer>(bytes) else { return false };
    assert!(answer.servers.as_slice().len() <= limits::ICE_SERVERS_MAX);
    for server in answer.servers.as_slice() {
        assert!(server.urls.as_slice().len() <= limits::ICE_URLS_MAX);
        for url in server.urls.as_slice() {
            assert!(IceUrl::new(url.as_str().to_owned()).is_ok());
        }
    }
    true
}

const NONCE: Nonce = Nonce([9; 32]);

fn authenticated() -> Authentication {
    use std::sync::OnceLock;
    static SIGNED: OnceLock<Authentication> = OnceLock::new();
    let sign = || {
        let anna = Someone::new(1);
        let mut authentication = Authentication {
            version: limits::VERSION,
            device_id: anna.device().device_id(),
            signing_key: (*anna.signing.public().as_bytes()).into(),
            mailbox: MailboxId::from_bytes([3; 16]),
            client_nonce: Nonce([4; 32]),
            signature: [0; 64].into(),
        };
        let bytes = challenge_bytes(ORIGIN, &NONCE, &authentication);
        authentication.signature = anna.signing.sign_challenge(&bytes, &mut rng(1)).to_bytes().into();
        authentication
    };
    SIGNED.get_or_init(sign).clone()
}

pub(super) fn seeds() -> Seeds {
    let hashes = || {
        let hash = |byte| ListedToken(TokenHash::from_bytes([byte; 32]));
        TokenHashes::new(vec![hash(1), hash(2)]).unwrap()
    };
    let invite_id = InviteId::from_bytes([1; 16]);
    let mailbox = MailboxId::from_bytes([2; 16]);
    let token = || DeliveryToken::from_bytes(&[3; 32]);
    let card = || InviteCard::new(vec![4; 40]).unwrap();
    let bundle = || InviteBundle::new(vec![5; 60]).unwrap();
    let entry = OneTimePreKeyEntry { id: 9, key: [2; 33].into() };
    let blob = Blob::new(vec![0; 1024]).unwrap();
    let put = PutEnvelope {
        mailbox,
        token: token(),
        envelope_id: blob.id(),
        class: Class::Stored,
        lifetime_s: 2_592_000,
        blob: blob.clone(),
    };
    let published = BundleBytes::new(vec![8; 50]).unwrap();
    let client = [
        ("authenticate", ClientFrame::Authenticate(authenticated())),
        ("credit", ClientFrame::Credit { n: 64 }),
        ("acknowledge", ClientFrame::acknowledge(vec![Sequence(1), Sequence(u64::MAX)]).unwrap()),
        ("add-tokens", ClientFrame::AddTokens { request: 1, hashes: hashes() }),
        ("revoke-tokens", ClientFrame::RevokeTokens { request: 2, hashes: hashes() }),
        ("publish", {
            let one_time = OneTimePreKeys::new(vec![entry]).unwrap();
            ClientFrame::PublishPreKeys { request: 3, bundle: published.clone(), one_time }
        }),
        ("ping", ClientFrame::Ping { n: 5 }),
    ];
    let deliver =
        ServerFrame::Deliver { sequence: Sequence(1), envelope_id: blob.id(), class: Class::Ephemeral, blob };
    let server = [
        ("challenge", ServerFrame::Challenge { version: limits::VERSION, nonce: NONCE }),
        ("welcome", ServerFrame::Welcome { acknowledged_through: Sequence(3), one_time_left: 4, waiting: 5 }),
        ("deliver", deliver),
        ("done", ServerFrame::Done { request: 1 }),
        ("failed", ServerFrame::Failed { request: 2, code: ErrorCode::Quota }),
        ("pong", ServerFrame::Pong { n: 1 }),
        ("drained", ServerFrame::Drained {}),
    ];
    let mut seeds: Vec<(u8, &str, Vec<u8>)> = Vec::new();
    seeds.extend(client.iter().map(|(name, frame)| (0, *name, frame.encode())));
    seeds.extend(server.iter().map(|(name, frame)| (1, *name, frame.encode())));
    let cut = put.encode();
    seeds.push((13, "put-envelope", cut[..cut.len() - 1024].to_vec()));
    seeds.push((3, "accepted", Accepted {}.encode()));
    let create = CreateInvite {
        invite_id,
        owner_hash: OwnerSecret::from_bytes([2; 32]).hash(),
        expires_at: 1_800_000_000,
        card: card(),
        bundle: bundle(),
    };
    seeds.push((4, "create-invite", create.encode()));
    seeds.push((5, "look-at-invite", LookAtInvite { invite_id }.encode()));
    seeds.push((6, "invite-card", InviteCardAnswer { card: card(), expires_at: 1 }.encode()));
    seeds.push((7, "redeem-invite", RedeemInvite { invite_id, redeem_id: RedeemId([2; 16]) }.encode()));
    seeds.push((8, "redeemed-invite", RedeemedInvite { bundle: bundle() }.encode()));
    let owner_secret = OwnerSecret::from_bytes([2; 32]);
    seeds.push((9, "revoke-invite", RevokeInvite { invite_id, owner_secret }.encode()));
    seeds.push((10, "fetch-prekeys", FetchPreKeys { mailbox, token: token() }.encode()));
    let fetched = FetchedPreKeys { bundle: published, one_time: Some(entry) };
    seeds.push((11, "fetched-prekeys", fetched.encode()));
    let failure =
        Failure { code: ErrorCode::RateLimited, request_id: RequestId([1; 8]), retry_after_s: Some(2) };
    seeds.push((12, "failure", failure.encode()));
    let urls = |url: &str| IceUrls::new(vec![IceUrl::new(url.to_owned()).unwrap()]).unwrap();
    let text = |text: &str| Some(TurnText::new(text.to_owned()).unwrap());
    let servers = vec![
        TurnServer { urls: urls("stun:a.example:3478"), username: None, credential: None },
        TurnServer {
            urls: urls("turns:[::1]:5349?transport=tcp"),
            username: text("9:ab"),
            credential: text("c2VjcmV0"),
        },
    ];
    let answer = TurnAnswer { servers: List::new(servers).unwrap(), lifetime_s: 3_600 };
    seeds.push((14, "fetch-turn", FetchTurn {}.encode()));
    seeds.push((15, "turn-answer", answer.encode()));
    seeds
        .into_iter()
        .map(|(kind, name, bytes)| (name.to_owned(), [&[kind], bytes.as_slice()].concat()))
        .collect()
}
