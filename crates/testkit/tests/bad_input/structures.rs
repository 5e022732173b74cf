//! Every structure of CBOR: a valid one, how it is read, and what is special about it.

use std::rc::Rc;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::file::FileKey;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DeviceSigningKey, EphemeralPublic, GroupSigningPublic,
    OneTimePreKey, SignedPreKey,
};
use sotto_crypto::sender_key::{ChainAnnouncement, RosterPlace, SenderChainKey};
use sotto_crypto::x3dh::FirstKeys;
use sotto_crypto::{
    DeliveryKeyId, DeliveryToken, DeviceId, FileId, GroupId, InviteId, MailboxId, MessageHash, PreKeyId,
    RosterHash, Timestamp,
};
use sotto_wire::backup::{BackupEntry, Milestone, Said, Standing};
use sotto_wire::peer::{
    Body, Bundle, CancelReason, Carried, Content, DescriptionKind, DeviceList, Ephemeral, FirstPrefix,
    InviteContents, LinkFrame, ListedDevice, Manifest, Message, MessageIds, Name, PeerError, ReceivedEntry,
    Signal, Text, UnsignedBundle, VerifiedEntry, decode_sender_chain, encode_sender_chain, limits,
};
use sotto_wire::server::{self, List, Opaque};

use crate::cbor::Item;

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Whether unknown keys are ignored.
#[derive(Clone, Copy, PartialEq)]
pub enum Strictness {
    /// Ignored.
    Plain,
    /// Refused: in what is signed, and in backups.
    Strict,
}

type Decode = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, String>>;

pub struct Structure {
    /// The type that reads it, and which of its forms this is.
    pub name: String,
    pub valid: Vec<u8>,
    /// Reads, and writes again what was read; or the name of the rule.
    pub decode: Decode,
    pub max: usize,
    pub strictness: Strictness,
    /// Place of the version among the items.
    pub version: Option<usize>,
    /// Whether 33 bytes are a point that is checked.
    pub points: bool,
}

impl Structure {
    fn new(
        name: &str,
        max: usize,
        valid: Vec<u8>,
        decode: impl Fn(&[u8]) -> Result<Vec<u8>, String> + 'static,
    ) -> Self {
        let strictness = Strictness::Plain;
        let decode = Box::new(decode);
        Self { name: name.to_owned(), valid, decode, max, strictness, version: None, points: true }
    }

    fn strict(self) -> Self {
        Self { strictness: Strictness::Strict, ..self }
    }

    fn versioned(self, place: usize) -> Self {
        Self { version: Some(place), ..self }
    }
}

pub fn rule<E: core::fmt::Debug>(error: E) -> String {
    format!("{error:?}")
}

fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

pub struct Person {
    pub account: AccountKey,
    pub signing: DeviceSigningKey,
    pub identity: DeviceIdentityKey,
    pub list: DeviceList,
}

pub fn person(seed: u64) -> Person {
    let rng = &mut rng(seed);
    let account = AccountKey::generate(rng);
    let signing = DeviceSigningKey::generate(rng);
    let identity = DeviceIdentityKey::generate(rng);
    let id = DeviceId::generate(rng);
    let listed = ListedDevice { id, signing: signing.public(), identity: identity.public() };
    let list = DeviceList::sign(&account, 1, [0; 32], vec![listed], rng).unwrap();
    Person { account, signing, identity, list }
}

/// The map around something signed, with the two keys it has.
fn put_together(signed: &[u8], signature: &[u8]) -> Vec<u8> {
    Item::Map(vec![(0, Item::Bytes(signed.to_vec())), (1, Item::Bytes(signature.to_vec()))]).write()
}

/// Its two keys, whatever else it has.
fn taken_apart(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let Item::Map(entries) = Item::read(bytes) else { panic!("a map") };
    match entries.as_slice() {
        [(0, Item::Bytes(signed)), (1, Item::Bytes(signature)), ..] => (signed.clone(), signature.clone()),
        _ => panic!("signed and signature"),
    }
}

/// Two rows for something signed: the map around it, and what is signed, signed again as it is bent.
fn signed(
    name: &str,
    max: usize,
    valid: &[u8],
    decode: impl Fn(&[u8]) -> Result<(), PeerError> + 'static,
    sign: impl Fn(&[u8]) -> [u8; 64] + 'static,
) -> [Structure; 2] {
    let decode = Rc::new(decode);
    let (inside, signature) = taken_apart(valid);
    // Around what fills the limit, the length is said in three bytes.
    let around = 1 + 1 + 3 + 1 + 2 + signature.len();
    let outer = Rc::clone(&decode);
    let outer = move |bytes: &[u8]| {
        outer(bytes).map_err(rule)?;
        let (signed, signature) = taken_apart(bytes);
        Ok(put_together(&signed, &signature))
    };
    let inner =
        move |bytes: &[u8]| decode(&put_together(bytes, &sign(bytes))).map_err(rule).map(|()| bytes.to_vec());
    [
        Structure::new(name, max, valid.to_vec(), outer),
        Structure::new(&format!("{name}, signed"), max - around, inside, inner).strict().versioned(1),
    ]
}

fn signed_structures() -> Vec<Structure> {
    let mut all = Vec::new();
    let anna = person(1);
    let valid = anna.list.as_bytes().to_vec();
    let decode = |bytes: &[u8]| DeviceList::decode(bytes).map(drop);
    let sign = move |bytes: &[u8]| anna.account.sign_device_list(bytes, &mut rng(2)).to_bytes();
    all.extend(signed("DeviceList", limits::DEVICE_LIST_MAX, &valid, decode, sign));

    let anna = person(1);
    let (_, valid) = bundle(&anna);
    let list = anna.list.clone();
    let decode = move |bytes: &[u8]| Bundle::decode(bytes, &list, NOW).map(drop);
    let sign = move |bytes: &[u8]| anna.signing.sign_bundle(bytes, &mut rng(3)).to_bytes();
    all.extend(signed("Bundle", limits::BUNDLE_MAX, &valid, decode, sign));

    let anna = person(1);
    let device = anna.list.devices()[0].device_id();
    let founded = VerifiedEntry::found(&anna.list, device, &anna.signing, &mut rng(4)).unwrap();
    let list = anna.list.clone();
    let decode = move |bytes: &[u8]| {
        let entry = ReceivedEntry::decode(bytes)?;
        entry.verify(&list, &list).map(drop).map_err(|_| PeerError::BadSignature)
    };
    let sign = move |bytes: &[u8]| anna.signing.sign_roster_entry(bytes, &mut rng(5)).to_bytes();
    all.extend(signed("ReceivedEntry", limits::ROSTER_ENTRY_MAX, founded.as_bytes(), decode, sign));
    all
}

pub fn bundle(person: &Person) -> (UnsignedBundle, Vec<u8>) {
    let bundle = UnsignedBundle {
        device: person.list.devices()[0],
        signed_prekey: SignedPreKey::generate(PreKeyId(3), &mut rng(6)).public(),
        delivery: DeliveryKey::generate(DeliveryKeyId(4), &mut rng(7)).public(),
        created: NOW,
    };
    (bundle, bundle.sign(&person.signing, &mut rng(8)))
}

fn token(byte: u8) -> DeliveryToken {
    DeliveryToken::from_bytes(&[byte; 32])
}

fn invite_contents() -> Structure {
    let anna = person(1);
    let (_, bytes) = bundle(&anna);
    let one_time = OneTimePreKey::generate(PreKeyId(9), &mut rng(9)).public();
    let mailbox = MailboxId::from_bytes([6; 16]);
    let valid = InviteContents::encode(&anna.list, &bytes, one_time, mailbox, token(7)).to_vec();
    Structure::new("InviteContents", limits::INVITE_BUNDLE_MAX, valid, move |input| {
        let account = anna.list.account().hash();
        let read = InviteContents::decode(input, &account, NOW).map_err(rule)?;
        let InviteContents { device_list, one_time, mailbox, token, .. } = read;
        Ok(InviteContents::encode(&device_list, &bytes, one_time, mailbox, token).to_vec())
    })
}

fn carried() -> Vec<Structure> {
    let keys = FirstKeys {
        ephemeral: EphemeralPublic::from_bytes(person(3).identity.public().as_bytes()).unwrap(),
        spk_id: PreKeyId(1),
        opk_id: Some(PreKeyId(2)),
        invite_id: Some(InviteId::from_bytes([3; 16])),
    };
    let first = FirstPrefix { device_list: person(1).list, keys };
    let bare = FirstKeys { opk_id: None, invite_id: None, ..keys };
    let bare = FirstPrefix { device_list: person(1).list, keys: bare };
    [("with a prefix", Some(first)), ("with a bare prefix", Some(bare)), ("without", None)]
        .into_iter()
        .map(|(form, first)| {
            let valid = Carried::encode(first.as_ref(), &[1, 2, 3]);
            let decode = |bytes: &[u8]| {
                let read = Carried::decode(bytes).map_err(rule)?;
                Ok(Carried::encode(read.first.as_ref(), &read.ratchet))
            };
            Structure::new(&format!("Carried, {form}"), limits::CARRIED_MAX, valid, decode)
        })
        .collect()
}

fn body(content: Content) -> Message {
    Message::Body(Body {
        message_id: [1; 16],
        sequence: 2,
        previous: [3; 32],
        lamport: 4,
        sent_at: NOW.as_millis(),
        list_version: 1,
        list_hash: [5; 32],
        content,
        delivery: Some(DeliveryKey::generate(DeliveryKeyId(6), &mut rng(10)).public()),
        token: Some(token(7)),
        mailbox: Some(MailboxId::from_bytes([8; 16])),
        era: Some(1),
    })
}

fn messages() -> Vec<Structure> {
    let file = FileId::from_bytes([1; 16]);
    let name = || Name::new("Änna".to_owned()).unwrap();
    let manifest = Manifest {
        version: 1,
        file,
        key: FileKey::from_bytes(&[2; 32]),
        size: 65_537,
        root: Some([3; 32]),
        name: Text::new("naïve.txt".to_owned()).unwrap(),
        mime: Text::new("text/plain".to_owned()).unwrap(),
    };
    let mailbox = MailboxId::from_bytes([8; 16]);
    let bundle = Opaque::new(vec![1, 2, 3]).unwrap();
    let ids = MessageIds::new(vec![[1; 16].into(), [2; 16].into()]).unwrap();
    let list = Opaque::new(vec![1, 2, 3]).unwrap();
    [
        ("hello", body(Content::Hello { name: name(), mailbox, token: token(9), bundle })),
        ("confirmed", body(Content::Confirmed { name: name(), token: token(9) })),
        ("profile", body(Content::Profile { name: name() })),
        ("text", body(Content::Text { text: Text::new("hi 🙂".to_owned()).unwrap() })),
        ("file offer", body(Content::FileOffer(manifest))),
        ("file accept", body(Content::FileAccept { file })),
        ("file decline", body(Content::FileDecline { file })),
        ("file cancel", body(Content::FileCancel { file, reason: CancelReason::Corrupt })),
        ("file root", body(Content::FileRoot { file, root: [4; 32] })),
        ("devices", body(Content::Devices { lists: List::new(vec![list]).unwrap() })),
        ("acknowledge", Message::Acknowledge { ids }),
        ("retry", Message::Retry { hash: MessageHash::from_bytes([3; 16]) }),
        ("end", Message::End {}),
    ]
    .into_iter()
    .map(|(form, message)| {
        let valid = message.encode().to_vec();
        let decode = |bytes: &[u8]| Message::decode(bytes).map(|read| read.encode().to_vec()).map_err(rule);
        let structure = Structure::new(&format!("Message, {form}"), limits::MESSAGE_MAX, valid, decode);
        // [0, {0: {…, 7: [4, {0: {0: version, …}}], …}}]
        if form == "file offer" { structure.versioned(15) } else { structure }
    })
    .collect()
}

fn ephemerals() -> Vec<Structure> {
    let signals = vec![
        Signal::Description { kind: DescriptionKind::Answer, sdp: "v=0".to_owned() },
        Signal::Candidate {
            candidate: "candidate:1".to_owned(),
            mid: Some("0".to_owned()),
            line_index: Some(0),
        },
        Signal::Candidate { candidate: String::new(), mid: None, line_index: None },
    ];
    [
        ("here", Ephemeral::Here {}),
        ("signals", Ephemeral::Signal { attempt: 7, signals: List::new(signals).unwrap() }),
        ("hang up", Ephemeral::HangUp { attempt: 7 }),
    ]
    .into_iter()
    .map(|(form, ephemeral)| {
        let valid = ephemeral.encode().to_vec();
        let decode = |bytes: &[u8]| Ephemeral::decode(bytes).map(|read| read.encode().to_vec()).map_err(rule);
        Structure::new(&format!("Ephemeral, {form}"), limits::EPHEMERAL_MAX, valid, decode)
    })
    .collect()
}

fn link_frames() -> Vec<Structure> {
    let file = FileId::from_bytes([1; 16]);
    [
        ("carried", LinkFrame::Carried(Opaque::new(vec![1, 2, 3]).unwrap())),
        ("ping", LinkFrame::Ping { n: 1 }),
        ("pong", LinkFrame::Pong { n: 300 }),
        ("file start", LinkFrame::FileStart { file }),
        ("file ready", LinkFrame::FileReady { file }),
        ("path", LinkFrame::Path { relayed: true }),
    ]
    .into_iter()
    .map(|(form, frame)| {
        let decode = |bytes: &[u8]| LinkFrame::decode(bytes).map(|read| read.encode()).map_err(rule);
        Structure::new(&format!("LinkFrame, {form}"), limits::LINK_FRAME_MAX, frame.encode(), decode)
    })
    .collect()
}

fn sender_chain() -> Structure {
    let signing = person(5).signing.public();
    let announcement = ChainAnnouncement {
        group: GroupId::from_bytes([1; 16]),
        made: RosterPlace { epoch: 3, hash: RosterHash::from_bytes([2; 32]) },
        next: 4,
        key: SenderChainKey::from_bytes(&[5; 32]),
        signing: GroupSigningPublic::from_bytes(signing.as_bytes()).unwrap(),
    };
    let valid = encode_sender_chain(&announcement).to_vec();
    let decode = |bytes: &[u8]| {
        decode_sender_chain(bytes).map(|read| encode_sender_chain(&read).to_vec()).map_err(rule)
    };
    Structure::new("sender_chain", limits::SENDER_CHAIN_MAX, valid, decode).versioned(1)
}

fn backup_entries() -> Vec<Structure> {
    let anna = person(1);
    let name = || Name::new("Änna".to_owned()).unwrap();
    let message = |said| BackupEntry::Message {
        lamport: 1,
        author: anna.list.account().id(),
        sequence: 2,
        message_id: [3; 16],
        sent_at: 4,
        said,
    };
    let text = Text::new("hi".to_owned()).unwrap();
    let mime = Text::new("text/plain".to_owned()).unwrap();
    let file = Text::new("file.txt".to_owned()).unwrap();
    let mut all: Vec<Structure> = [
        (
            "account",
            BackupEntry::Account {
                version: 1,
                key: AccountKey::from_bytes(&anna.account.to_bytes()).unwrap(),
                list: anna.list.clone(),
                name: name(),
                created: 5,
            },
        ),
        (
            "contact",
            BackupEntry::Contact {
                list: person(2).list,
                name: name(),
                petname: name(),
                verified: true,
                standing: Standing::Confirmed,
                mailbox: MailboxId::from_bytes([6; 16]),
                token: token(7),
            },
        ),
        ("text", message(Said::Text { text })),
        ("file", message(Said::File { name: file, size: 9, mime })),
        ("missing", message(Said::Missing { count: 3 })),
        ("milestone", message(Said::Milestone { kind: Milestone::Confirmed })),
    ]
    .into_iter()
    .map(|(form, entry)| {
        let valid = entry.encode().to_vec();
        let decode =
            |bytes: &[u8]| BackupEntry::decode(bytes).map(|read| read.encode().to_vec()).map_err(rule);
        let max = sotto_crypto::backup::ITEM_MAX;
        Structure::new(&format!("BackupEntry, {form}"), max, valid, decode).strict()
    })
    .collect();
    // [0, {0: version, …}]
    all[0].version = Some(3);
    all
}

fn of_server<T: server::Message + 'static>(name: &str, form: &str, message: &T) -> Structure {
    let name = if form.is_empty() { name.to_owned() } else { format!("{name}, {form}") };
    let decode = |bytes: &[u8]| T::decode(bytes).map(|read| read.encode()).map_err(rule);
    Structure { points: false, ..Structure::new(&name, T::MAX, message.encode(), decode) }
}

fn frames() -> Vec<Structure> {
    use sotto_wire::server::{
        Authentication, Blob, BundleBytes, Class, ClientFrame, ErrorCode, ListedToken, Nonce,
        OneTimePreKeyEntry, OneTimePreKeys, Sequence, ServerFrame, TokenHash, TokenHashes,
    };
    let hashes = || TokenHashes::new(vec![ListedToken(TokenHash::from_bytes([1; 32]))]).unwrap();
    let authentication = Authentication {
        version: 1,
        device_id: DeviceId::from_bytes([1; 16]),
        signing_key: [2; 33].into(),
        mailbox: MailboxId::from_bytes([3; 16]),
        client_nonce: Nonce([4; 32]),
        signature: [5; 64].into(),
    };
    let one_time = OneTimePreKeys::new(vec![OneTimePreKeyEntry { id: 9, key: [2; 33].into() }]).unwrap();
    let bundle = BundleBytes::new(vec![8; 50]).unwrap();
    let blob = Blob::new(vec![1; 1024]).unwrap();
    let envelope_id = blob.id();
    let mut all: Vec<Structure> = [
        ("authenticate", ClientFrame::Authenticate(authentication)),
        ("credit", ClientFrame::Credit { n: 64 }),
        ("acknowledge", ClientFrame::acknowledge(vec![Sequence(1), Sequence(1 << 40)]).unwrap()),
        ("add tokens", ClientFrame::AddTokens { request: 1, hashes: hashes() }),
        ("revoke tokens", ClientFrame::RevokeTokens { request: 2, hashes: hashes() }),
        ("publish", ClientFrame::PublishPreKeys { request: 3, bundle, one_time }),
        ("ping", ClientFrame::Ping { n: 5 }),
    ]
    .iter()
    .map(|(form, frame)| of_server("ClientFrame", form, frame))
    .collect();
    let sequence = Sequence(1);
    let server = [
        ("challenge", ServerFrame::Challenge { version: 1, nonce: Nonce([1; 32]) }),
        ("welcome", ServerFrame::Welcome { acknowledged_through: Sequence(3), one_time_left: 4, waiting: 5 }),
        ("deliver", ServerFrame::Deliver { sequence, envelope_id, class: Class::Stored, blob }),
        ("done", ServerFrame::Done { request: 1 }),
        ("failed", ServerFrame::Failed { request: 2, code: ErrorCode::Quota }),
        ("pong", ServerFrame::Pong { n: 1 }),
        ("drained", ServerFrame::Drained {}),
    ];
    all.extend(server.iter().map(|(form, frame)| of_server("ServerFrame", form, frame)));
    all
}

fn bodies() -> Vec<Structure> {
    use sotto_wire::server::{
        Accepted, Blob, BundleBytes, Class, CreateInvite, ErrorCode, Failure, FetchPreKeys, FetchTurn,
        FetchedPreKeys, IceUrl, IceUrls, InviteBundle, InviteCard, InviteCardAnswer, LookAtInvite,
        OneTimePreKeyEntry, OwnerSecret, PutEnvelope, RedeemId, RedeemInvite, RedeemedInvite, RequestId,
        RevokeInvite, TurnAnswer, TurnServer, TurnText,
    };
    let invite_id = InviteId::from_bytes([1; 16]);
    let mailbox = MailboxId::from_bytes([2; 16]);
    let card = || InviteCard::new(vec![4; 40]).unwrap();
    let bundle = || InviteBundle::new(vec![5; 60]).unwrap();
    let blob = Blob::new(vec![1; 1024]).unwrap();
    let put = PutEnvelope {
        mailbox,
        token: token(3),
        envelope_id: blob.id(),
        class: Class::Ephemeral,
        lifetime_s: 2_592_000,
        blob,
    };
    let create = CreateInvite {
        invite_id,
        owner_hash: OwnerSecret::from_bytes([2; 32]).hash(),
        expires_at: 1_800_000_000,
        card: card(),
        bundle: bundle(),
    };
    let entry = OneTimePreKeyEntry { id: 9, key: [2; 33].into() };
    let published = || BundleBytes::new(vec![8; 50]).unwrap();
    let fetched = FetchedPreKeys { bundle: published(), one_time: Some(entry) };
    let bare = FetchedPreKeys { bundle: published(), one_time: None };
    let failure =
        Failure { code: ErrorCode::RateLimited, request_id: RequestId([1; 8]), retry_after_s: Some(2) };
    let url = |url: &str| IceUrls::new(vec![IceUrl::new(url.to_owned()).unwrap()]).unwrap();
    let text = |text: &str| Some(TurnText::new(text.to_owned()).unwrap());
    let stun = TurnServer { urls: url("stun:a.example"), username: None, credential: None };
    let turn =
        TurnServer { urls: url("turn:a.example"), username: text("9:ab"), credential: text("c2VjcmV0") };
    let turn = TurnAnswer { servers: List::new(vec![stun, turn]).unwrap(), lifetime_s: 3_600 };
    let redeem = RedeemInvite { invite_id, redeem_id: RedeemId([2; 16]) };
    let revoke = RevokeInvite { invite_id, owner_secret: OwnerSecret::from_bytes([2; 32]) };
    vec![
        of_server("PutEnvelope", "", &put),
        of_server("Accepted", "", &Accepted {}),
        of_server("CreateInvite", "", &create),
        of_server("LookAtInvite", "", &LookAtInvite { invite_id }),
        of_server("InviteCardAnswer", "", &InviteCardAnswer { card: card(), expires_at: 1 }),
        of_server("RedeemInvite", "", &redeem),
        of_server("RedeemedInvite", "", &RedeemedInvite { bundle: bundle() }),
        of_server("RevokeInvite", "", &revoke),
        of_server("FetchPreKeys", "", &FetchPreKeys { mailbox, token: token(3) }),
        of_server("FetchedPreKeys", "with a one-time prekey", &fetched),
        of_server("FetchedPreKeys", "without", &bare),
        of_server("Failure", "", &failure),
        of_server("FetchTurn", "", &FetchTurn {}),
        of_server("TurnAnswer", "with a server of each kind", &turn),
        of_server(
            "TurnAnswer",
            "empty",
            &TurnAnswer { servers: List::new(Vec::new()).unwrap(), lifetime_s: 9 },
        ),
    ]
}

/// All of them. A decoder that is not here is found by `listed.rs`.
pub fn structures() -> Vec<Structure> {
    let mut all = signed_structures();
    all.push(invite_contents());
    all.extend(carried());
    all.extend(messages());
    all.extend(ephemerals());
    all.extend(link_frames());
    all.push(sender_chain());
    all.extend(backup_entries());
    all.extend(frames());
    all.extend(bodies());
    all
}
