//! Everything a peer, a link or a scanned code can hand us in the clear. The first byte says as what the rest is read.

use std::sync::OnceLock;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sotto_crypto::file::FileKey;
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{AccountKey, AccountPublic, EphemeralPublic, GroupSigningPublic};
use sotto_crypto::safety_number::{Fingerprint, SafetyNumber};
use sotto_crypto::sender_key::{ChainAnnouncement, MAX_MESSAGES, RosterPlace, SenderChainKey};
use sotto_crypto::x3dh::FirstKeys;
use sotto_crypto::{
    DeliveryToken, FileId, GroupId, InviteId, MailboxId, MessageHash, PreKeyId, RosterHash, Signature,
};
use sotto_wire::FixedBytes;
use sotto_wire::backup::{BackupEntry, Said, Standing};
use sotto_wire::peer::{
    Body, Bundle, CancelReason, Carried, Content, DescriptionKind, DeviceList, Ephemeral, FirstPrefix,
    InviteContents, InviteLink, LinkFrame, ListedDevice, Manifest, Message, MessageIds, Name, Operation,
    PeerError, ReceivedEntry, Role, RosterEntry, Signal, Text, UnsignedBundle, VerifiedEntry,
    decode_sender_chain, encode_sender_chain, limits,
};
use sotto_wire::server::{List, Opaque};

use super::Seeds;
use super::someone::{NOW, Someone, rng};

const ORIGIN: &str = "https://sotto.example";

type Reader = fn(&Someone, &[u8]) -> bool;

/// What the first byte chooses. Append only: the corpora name places in this list.
const READERS: [Reader; 18] = [
    device_list,
    signed_device_list,
    bundle,
    signed_bundle,
    invite_contents,
    invite_content_of_signed,
    carried,
    message,
    ephemeral,
    link_frame,
    invite_link,
    safety_number,
    point,
    signature,
    roster_entry,
    signed_roster_entry,
    sender_chain,
    backup_entry,
];

/// Reads the bytes as one of the peer's structures.
pub fn peer(data: &[u8]) -> bool {
    static ANNA: OnceLock<Someone> = OnceLock::new();
    let Some((kind, bytes)) = data.split_first() else { return false };
    let Some(read) = READERS.get(usize::from(*kind)) else { return false };
    read(ANNA.get_or_init(|| Someone::new(1)), bytes)
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct SignedBytes {
    #[n(0)]
    signed: ByteVec,
    #[n(1)]
    signature: FixedBytes<64>,
}

fn signed_part(bytes: &[u8]) -> Vec<u8> {
    minicbor::decode::<SignedBytes>(bytes).expect("what was accepted has this shape").signed.into()
}

fn put_together(signed: &[u8], signature: Signature) -> Vec<u8> {
    let both = SignedBytes { signed: signed.to_vec().into(), signature: signature.to_bytes().into() };
    minicbor::to_vec(both).expect("a Vec takes everything")
}

/// Only Anna's own signatures verify in this target, so what was accepted is encoded as she encodes it.
fn device_list(anna: &Someone, bytes: &[u8]) -> bool {
    let Ok(list) = DeviceList::decode(bytes) else { return false };
    assert!(bytes.len() <= limits::DEVICE_LIST_MAX);
    assert_eq!(list.as_bytes(), bytes);
    assert!(list.account().id() == AccountKey::public(&anna.account).id() && list.version() > 0);
    assert!((1..=limits::DEVICES_MAX).contains(&list.devices().len()));
    let devices = list.devices().iter().map(|device| {
        assert_eq!(list.device(device.device_id()), Some(device));
        ListedDevice { id: device.device_id(), signing: *device.signing(), identity: *device.identity() }
    });
    let again =
        DeviceList::sign(&anna.account, list.version(), *list.previous(), devices.collect(), &mut rng(1));
    let again = again.expect("what was read can be signed again");
    assert_eq!(signed_part(again.as_bytes()), signed_part(bytes), "one encoding");
    assert_eq!(again.hash(), list.hash());
    true
}

/// The bytes, signed as a device list.
fn signed_device_list(anna: &Someone, bytes: &[u8]) -> bool {
    let signature = anna.account.sign_device_list(bytes, &mut rng(2));
    device_list(anna, &put_together(bytes, signature))
}

fn bundle(anna: &Someone, bytes: &[u8]) -> bool {
    let Ok(bundle) = Bundle::decode(bytes, &anna.list, NOW) else { return false };
    assert!(bytes.len() <= limits::BUNDLE_MAX);
    assert_eq!(bundle.device(), anna.device());
    let (signed_prekey, delivery) = (*bundle.signed_prekey(), *bundle.delivery());
    let again =
        UnsignedBundle { device: *bundle.device(), signed_prekey, delivery, created: bundle.created() };
    let again = again.sign(&anna.signing, &mut rng(3));
    assert_eq!(signed_part(&again), signed_part(bytes), "one encoding");
    true
}

/// The bytes, signed as a bundle.
fn signed_bundle(anna: &Someone, bytes: &[u8]) -> bool {
    let signature = anna.signing.sign_bundle(bytes, &mut rng(4));
    bundle(anna, &put_together(bytes, signature))
}

fn invite_contents(anna: &Someone, bytes: &[u8]) -> bool {
    let account = anna.list.account().hash();
    let Ok(contents) = InviteContents::decode(bytes, &account, NOW) else { return false };
    assert!(bytes.len() <= limits::INVITE_BUNDLE_MAX);
    assert_eq!(contents.device_list.account().hash(), account);
    assert_eq!(contents.bundle.device(), anna.device());
    true
}

/// Two bytes of length, the signed part of a list of that length, and the signed part of a bundle: in one invite.
fn invite_content_of_signed(anna: &Someone, bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk() else { return false };
    let Some((list, bundle)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else {
        return false;
    };
    let list = put_together(list, anna.account.sign_device_list(list, &mut rng(5)));
    let Ok(list) = DeviceList::decode(&list) else { return false };
    let bundle = put_together(bundle, anna.signing.sign_bundle(bundle, &mut rng(6)));
    let mailbox = MailboxId::from_bytes([6; 16]);
    let token = DeliveryToken::from_bytes(&[7; 32]);
    let contents = InviteContents::encode(&list, &bundle, anna.one_time.public(), mailbox, token);
    let account = anna.list.account().hash();
    let Ok(read) = InviteContents::decode(&contents, &account, NOW) else { return false };
    assert!(read.device_list == list && read.mailbox == mailbox && read.one_time == anna.one_time.public());
    true
}

/// Plain structures: written again, what was read has lost unknown keys at most, and reads the same.
fn plain<T>(
    bytes: &[u8],
    max: usize,
    decode: impl Fn(&[u8]) -> Result<T, PeerError>,
    encode: impl Fn(&T) -> Vec<u8>,
) -> Option<T> {
    let value = decode(bytes).ok()?;
    let written = encode(&value);
    assert!(written.len() < bytes.len() || written == bytes, "one encoding");
    assert!(bytes.len() <= max);
    let again = decode(&written).expect("what was written can be read");
    assert_eq!(encode(&again), written);
    Some(again)
}

fn carried(_: &Someone, bytes: &[u8]) -> bool {
    let encode = |carried: &Carried| Carried::encode(carried.first.as_ref(), &carried.ratchet);
    plain(bytes, limits::CARRIED_MAX, Carried::decode, encode).is_some()
}

fn message(_: &Someone, bytes: &[u8]) -> bool {
    let message = plain(bytes, limits::MESSAGE_MAX, Message::decode, |message| message.encode().to_vec());
    match &message {
        Some(Message::Body(Body { content: Content::FileOffer(manifest), .. })) => {
            assert!(manifest.size <= limits::FILE_SIZE_MAX);
            assert!(manifest.name.as_str().len() <= limits::FILE_NAME_MAX);
        }
        Some(Message::Body(Body { content: Content::Text { text }, .. })) => {
            assert!(text.as_str().len() <= limits::TEXT_MAX);
        }
        Some(Message::Acknowledge { ids }) => assert!(ids.as_slice().len() <= limits::ACKNOWLEDGE_MAX),
        _ => {}
    }
    message.is_some()
}

fn ephemeral(_: &Someone, bytes: &[u8]) -> bool {
    let read = plain(bytes, limits::EPHEMERAL_MAX, Ephemeral::decode, |read| read.encode().to_vec());
    if let Some(Ephemeral::Signal { signals, .. }) = &read {
        assert!(signals.as_slice().len() <= limits::SIGNALS_MAX);
        assert!(signals.as_slice().iter().all(Signal::is_within_limits));
    }
    read.is_some()
}

fn link_frame(_: &Someone, bytes: &[u8]) -> bool {
    plain(bytes, limits::LINK_FRAME_MAX, LinkFrame::decode, LinkFrame::encode).is_some()
}

fn invite_link(_: &Someone, bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else { return false };
    let Ok(link) = InviteLink::parse(text, ORIGIN) else { return false };
    let written = link.format(ORIGIN);
    let again = InviteLink::parse(&written, ORIGIN).expect("what was written can be read");
    assert_eq!((again.secret.to_bytes(), again.account), (link.secret.to_bytes(), link.account));
    // Whatever stood around it, the fragment itself has one form.
    let fragment = written.split_once('#').map(|(_, fragment)| fragment.to_owned());
    assert!(fragment.is_some_and(|fragment| text.contains(&fragment)));
    true
}

fn numbers() -> &'static (SafetyNumber, SafetyNumber) {
    static NUMBERS: OnceLock<(SafetyNumber, SafetyNumber)> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        let [anna, ben] = [1, 2].map(|seed| Fingerprint::of(Someone::new(seed).list.account()));
        (SafetyNumber::new(anna, ben), SafetyNumber::new(ben, anna))
    })
}

fn safety_number(_: &Someone, bytes: &[u8]) -> bool {
    let (ours, theirs) = numbers();
    let verified = ours.verify_scanned(bytes).is_ok();
    assert_eq!(verified, bytes == theirs.qr());
    verified
}

fn point(_: &Someone, bytes: &[u8]) -> bool {
    let Ok(bytes) = <&[u8; 33]>::try_from(bytes) else { return false };
    let Ok(point) = AccountPublic::from_bytes(bytes) else { return false };
    assert!(point.as_bytes() == bytes && matches!(bytes, [2 | 3, ..]), "one encoding");
    true
}

fn signature(_: &Someone, bytes: &[u8]) -> bool {
    let Ok(bytes) = <&[u8; 64]>::try_from(bytes) else { return false };
    let Ok(signature) = Signature::from_bytes(bytes) else { return false };
    assert_eq!(signature.to_bytes(), *bytes, "one encoding");
    true
}

fn roster_entry(anna: &Someone, bytes: &[u8]) -> bool {
    let Ok(entry) = ReceivedEntry::decode(bytes) else { return false };
    assert!(bytes.len() <= limits::ROSTER_ENTRY_MAX);
    let Ok(verified) = entry.verify(&anna.list, &anna.list) else { return true };
    assert_eq!(entry.verify_history(&anna.list).as_ref(), Ok(&verified));
    assert!(verified.as_bytes() == bytes && verified.hash() == entry.hash());
    let founds = matches!(verified.operation(), Operation::Genesis { .. });
    let again = RosterEntry {
        group: if founds { GroupId::from_bytes([0; 16]) } else { verified.group() },
        epoch: verified.epoch(),
        previous: verified.previous(),
        operation: verified.operation().clone(),
    };
    let device = anna.device().device_id();
    let again = VerifiedEntry::sign(again, &anna.list, device, &anna.signing, &mut rng(10)).unwrap();
    assert_eq!(signed_part(again.as_bytes()), signed_part(bytes), "one encoding");
    true
}

/// The bytes, signed as a roster entry.
fn signed_roster_entry(anna: &Someone, bytes: &[u8]) -> bool {
    let signature = anna.signing.sign_roster_entry(bytes, &mut rng(11));
    roster_entry(anna, &put_together(bytes, signature))
}

fn sender_chain(_: &Someone, bytes: &[u8]) -> bool {
    let encode = |read: &ChainAnnouncement| encode_sender_chain(read).to_vec();
    let read = plain(bytes, limits::SENDER_CHAIN_MAX, decode_sender_chain, encode);
    read.is_some_and(|read| read.next < MAX_MESSAGES)
}

fn backup_entry(_: &Someone, bytes: &[u8]) -> bool {
    let Ok(entry) = BackupEntry::decode(bytes) else { return false };
    assert_eq!(*entry.encode(), bytes, "one encoding");
    true
}

fn body(content: Content) -> Vec<u8> {
    let body = Body {
        message_id: [1; 16],
        sequence: 2,
        previous: [3; 32],
        lamport: 4,
        sent_at: NOW.as_millis(),
        list_version: 1,
        list_hash: [5; 32],
        content,
        delivery: Some(Someone::new(2).delivery.public()),
        token: Some(DeliveryToken::from_bytes(&[7; 32])),
        mailbox: Some(MailboxId::from_bytes([8; 16])),
        era: Some(1),
    };
    Message::Body(body).encode().to_vec()
}

fn contents() -> Vec<Content> {
    let file = FileId::from_bytes([1; 16]);
    let name = || Name::new("Änna".to_owned()).unwrap();
    let token = || DeliveryToken::from_bytes(&[9; 32]);
    let manifest = Manifest {
        version: 1,
        file,
        key: FileKey::from_bytes(&[2; 32]),
        size: 65_537,
        root: Some([3; 32]),
        name: Text::new("naïve.txt".to_owned()).unwrap(),
        mime: Text::new("text/plain".to_owned()).unwrap(),
    };
    let bundle = Opaque::new(vec![1, 2, 3]).unwrap();
    vec![
        Content::Hello { name: name(), mailbox: MailboxId::from_bytes([8; 16]), token: token(), bundle },
        Content::Confirmed { name: name(), token: token() },
        Content::Profile { name: name() },
        Content::Text { text: Text::new("hi 🙂".to_owned()).unwrap() },
        Content::FileOffer(manifest),
        Content::FileAccept { file },
        Content::FileDecline { file },
        Content::FileCancel { file, reason: CancelReason::Corrupt },
        Content::FileRoot { file, root: [4; 32] },
        Content::Devices { lists: List::new(vec![Opaque::new(vec![1, 2, 3]).unwrap()]).unwrap() },
    ]
}

fn signals() -> Vec<Signal> {
    vec![
        Signal::Description { kind: DescriptionKind::Answer, sdp: "v=0".to_owned() },
        Signal::Candidate {
            candidate: "candidate:1".to_owned(),
            mid: Some("0".to_owned()),
            line_index: Some(0),
        },
        Signal::Candidate { candidate: String::new(), mid: None, line_index: None },
    ]
}

pub(super) fn seeds() -> Seeds {
    let anna = Someone::new(1);
    let bundle = anna.bundle().sign(&anna.signing, &mut rng(7));
    let mut many: Vec<ListedDevice> = Vec::new();
    for seed in 0..3 {
        let other = Someone::new(100 + seed);
        let (signing, identity) = (other.signing.public(), other.identity.public());
        many.push(ListedDevice { id: other.device().device_id(), signing, identity });
    }
    let many = DeviceList::sign(&anna.account, 2, *anna.list.hash(), many, &mut rng(8)).unwrap();
    let token = DeliveryToken::from_bytes(&[7; 32]);
    let mailbox = MailboxId::from_bytes([6; 16]);
    let invite = InviteContents::encode(&anna.list, &bundle, anna.one_time.public(), mailbox, token);
    let keys = FirstKeys {
        ephemeral: EphemeralPublic::from_bytes(Someone::new(3).identity.public().as_bytes()).unwrap(),
        spk_id: PreKeyId(1),
        opk_id: Some(PreKeyId(2)),
        invite_id: Some(InviteId::from_bytes([3; 16])),
    };
    let first = FirstPrefix { device_list: anna.list.clone(), keys };
    let bare = FirstKeys { opk_id: None, invite_id: None, ..keys };
    let bare = FirstPrefix { device_list: anna.list.clone(), keys: bare };
    let link =
        InviteLink { secret: InviteSecret::from_bytes(&[0xfb; 32]), account: anna.list.account().hash() };
    let link = link.format(ORIGIN);
    let signed_list = signed_part(anna.list.as_bytes());
    let signed_bundle = signed_part(&bundle);
    let length = u16::try_from(signed_list.len()).unwrap().to_be_bytes();
    let both = [&length[..], &signed_list, &signed_bundle].concat();
    let mut seeds: Vec<(u8, &str, Vec<u8>)> = vec![
        (0, "device-list", anna.list.as_bytes().to_vec()),
        (0, "device-list-of-three", many.as_bytes().to_vec()),
        (1, "device-list-signed", signed_list),
        (1, "device-list-of-three-signed", signed_part(many.as_bytes())),
        (2, "bundle", bundle.clone()),
        (3, "bundle-signed", signed_bundle),
        (4, "invite-contents", invite.to_vec()),
        (5, "invite-contents-signed", both),
        (6, "carried-first", Carried::encode(Some(&first), &[1, 2, 3])),
        (6, "carried-first-bare", Carried::encode(Some(&bare), &[1, 2, 3])),
        (6, "carried", Carried::encode(None, &[1, 2, 3])),
        (7, "acknowledge", {
            let ids = MessageIds::new(vec![[1; 16].into(), [2; 16].into()]).unwrap();
            Message::Acknowledge { ids }.encode().to_vec()
        }),
        (7, "retry", Message::Retry { hash: MessageHash::from_bytes([3; 16]) }.encode().to_vec()),
        (7, "end", Message::End {}.encode().to_vec()),
        (8, "here", Ephemeral::Here {}.encode().to_vec()),
        (8, "signals", {
            let signals = List::new(signals()).unwrap();
            Ephemeral::Signal { attempt: 7, signals }.encode().to_vec()
        }),
        (8, "hang-up", Ephemeral::HangUp { attempt: 7 }.encode().to_vec()),
        (9, "link-carried", LinkFrame::Carried(Opaque::new(vec![1, 2, 3]).unwrap()).encode()),
        (9, "link-ping", LinkFrame::Ping { n: 1 }.encode()),
        (9, "link-pong", LinkFrame::Pong { n: u32::MAX }.encode()),
        (9, "link-file-start", LinkFrame::FileStart { file: FileId::from_bytes([1; 16]) }.encode()),
        (9, "link-file-ready", LinkFrame::FileReady { file: FileId::from_bytes([1; 16]) }.encode()),
        (9, "link-path", LinkFrame::Path { relayed: true }.encode()),
        (10, "invite-link", link.clone().into_bytes()),
        (10, "invite-fragment", link.split_once('#').unwrap().1.as_bytes().to_vec()),
        (11, "safety-number", numbers().1.qr().to_vec()),
        (12, "point", anna.list.account().as_bytes().to_vec()),
        (13, "signature", anna.signing.sign_bundle(b"anything", &mut rng(9)).to_bytes().to_vec()),
    ];
    seeds.extend(of_groups(&anna));
    seeds.extend(of_backups(&anna));
    let names =
        ["hello", "confirmed", "profile", "text", "offer", "accept", "decline", "cancel", "root", "devices"];
    seeds.extend(names.into_iter().zip(contents()).map(|(name, content)| (7, name, body(content))));
    seeds
        .into_iter()
        .map(|(kind, name, bytes)| (name.to_owned(), [&[kind], bytes.as_slice()].concat()))
        .collect()
}

fn of_groups(anna: &Someone) -> Vec<(u8, &'static str, Vec<u8>)> {
    let device = anna.device().device_id();
    let account = *Someone::new(2).list.account();
    let group = GroupId::from_bytes([1; 16]);
    let founded = VerifiedEntry::found(&anna.list, device, &anna.signing, &mut rng(12)).unwrap();
    let mut seeds = vec![
        (14, "genesis", founded.as_bytes().to_vec()),
        (15, "genesis-signed", signed_part(founded.as_bytes())),
    ];
    let previous = RosterHash::from_bytes([2; 32]);
    for (name, operation) in [
        ("add-signed", Operation::Add { account, role: Role::Admin }),
        ("remove-signed", Operation::Remove { account }),
        ("role-signed", Operation::Role { account, role: Role::Owner }),
        ("leave-signed", Operation::Leave {}),
        ("merge-signed", Operation::Merge { other: RosterHash::from_bytes([3; 32]) }),
    ] {
        let entry = RosterEntry { group, epoch: 7, previous, operation };
        let entry = VerifiedEntry::sign(entry, &anna.list, device, &anna.signing, &mut rng(13)).unwrap();
        seeds.push((15, name, signed_part(entry.as_bytes())));
    }
    let announcement = ChainAnnouncement {
        group,
        made: RosterPlace { epoch: 3, hash: previous },
        next: 4,
        key: SenderChainKey::from_bytes(&[5; 32]),
        signing: GroupSigningPublic::from_bytes(anna.identity.public().as_bytes()).unwrap(),
    };
    seeds.push((16, "sender-chain", encode_sender_chain(&announcement).to_vec()));
    seeds
}

fn of_backups(anna: &Someone) -> Vec<(u8, &'static str, Vec<u8>)> {
    let name = || Name::new("Änna".to_owned()).unwrap();
    let account = BackupEntry::Account {
        version: 1,
        key: AccountKey::from_bytes(&anna.account.to_bytes()).unwrap(),
        list: anna.list.clone(),
        name: name(),
        created: 5,
    };
    let contact = BackupEntry::Contact {
        list: Someone::new(2).list,
        name: name(),
        petname: name(),
        verified: true,
        standing: Standing::Confirmed,
        mailbox: MailboxId::from_bytes([6; 16]),
        token: DeliveryToken::from_bytes(&[7; 32]),
    };
    let message = BackupEntry::Message {
        lamport: 1,
        author: anna.list.account().id(),
        sequence: 2,
        message_id: [3; 16],
        sent_at: 4,
        said: Said::Text { text: Text::new("hi".to_owned()).unwrap() },
    };
    [("backup-account", account), ("backup-contact", contact), ("backup-message", message)]
        .into_iter()
        .map(|(name, entry)| (17, name, entry.encode().to_vec()))
        .collect()
}
