use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::file::FileKey;
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DeviceSigningKey, EphemeralPublic, OneTimePreKey,
    SignedPreKey,
};
use sotto_crypto::x3dh::FirstKeys;
use sotto_crypto::{
    DeliveryKeyId, DeliveryToken, DeviceId, FileId, InviteId, MailboxId, MessageHash, PreKeyId, Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use zeroize::Zeroizing;

use super::*;
use crate::server::{List, Opaque};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Someone {
    account: AccountKey,
    signing: DeviceSigningKey,
    listed: ListedDevice,
    list: DeviceList,
    rng: ChaCha12Rng,
}

fn someone(seed: u64) -> Someone {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let account = AccountKey::generate(&mut rng);
    let signing = DeviceSigningKey::generate(&mut rng);
    let identity = DeviceIdentityKey::generate(&mut rng).public();
    let listed = ListedDevice { id: DeviceId::generate(&mut rng), signing: signing.public(), identity };
    let list = DeviceList::sign(&account, 1, [0; 32], vec![listed.clone()], &mut rng).unwrap();
    Someone { account, signing, listed, list, rng }
}

impl Someone {
    fn bundle(&mut self, created: Timestamp) -> (UnsignedBundle, Vec<u8>) {
        let bundle = UnsignedBundle {
            device: self.list.devices()[0],
            signed_prekey: SignedPreKey::generate(PreKeyId(3), &mut self.rng).public(),
            delivery: DeliveryKey::generate(DeliveryKeyId(4), &mut self.rng).public(),
            created,
        };
        let bytes = bundle.sign(&self.signing, &mut self.rng);
        (bundle, bytes)
    }

    fn contents(&mut self) -> Zeroizing<Vec<u8>> {
        let (_, bundle) = self.bundle(NOW);
        let one_time = OneTimePreKey::generate(PreKeyId(9), &mut self.rng).public();
        let mailbox = MailboxId::from_bytes([6; 16]);
        InviteContents::encode(&self.list, &bundle, one_time, mailbox, DeliveryToken::from_bytes(&[7; 32]))
    }
}

fn body(content: Content) -> Message {
    let mut rng = ChaCha12Rng::seed_from_u64(5);
    Message::Body(Body {
        message_id: [1; 16],
        sequence: 2,
        previous: [3; 32],
        lamport: 4,
        sent_at: 1_800_000_000_000,
        list_version: 1,
        list_hash: [5; 32],
        content,
        delivery: Some(DeliveryKey::generate(DeliveryKeyId(6), &mut rng).public()),
        token: Some(DeliveryToken::from_bytes(&[7; 32])),
        mailbox: Some(MailboxId::from_bytes([8; 16])),
        era: Some(1),
    })
}

fn manifest() -> Manifest {
    Manifest {
        version: 1,
        file: FileId::from_bytes([1; 16]),
        key: FileKey::from_bytes(&[2; 32]),
        size: 65_537,
        root: Some([3; 32]),
        name: Text::new("naïve.txt".to_owned()).unwrap(),
        mime: Text::new("text/plain".to_owned()).unwrap(),
    }
}

fn messages() -> Vec<(&'static str, Message)> {
    let file = FileId::from_bytes([1; 16]);
    let name = || Name::new("Änna".to_owned()).unwrap();
    let token = || DeliveryToken::from_bytes(&[9; 32]);
    let mailbox = MailboxId::from_bytes([8; 16]);
    let bundle = Opaque::new(vec![1, 2, 3]).unwrap();
    vec![
        ("hello", body(Content::Hello { name: name(), mailbox, token: token(), bundle })),
        ("confirmed", body(Content::Confirmed { name: name(), token: token() })),
        ("profile", body(Content::Profile { name: name() })),
        ("text", body(Content::Text { text: Text::new("hi 🙂".to_owned()).unwrap() })),
        ("file-offer", body(Content::FileOffer(manifest()))),
        ("file-accept", body(Content::FileAccept { file })),
        ("file-decline", body(Content::FileDecline { file })),
        ("file-cancel", body(Content::FileCancel { file, reason: CancelReason::Corrupt })),
        ("file-root", body(Content::FileRoot { file, root: [4; 32] })),
        (
            "acknowledge",
            Message::Acknowledge { ids: MessageIds::new(vec![[1; 16].into(), [2; 16].into()]).unwrap() },
        ),
        ("retry", Message::Retry { hash: MessageHash::from_bytes([3; 16]) }),
        ("end", Message::End {}),
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

fn ephemerals() -> Vec<(&'static str, Ephemeral)> {
    vec![
        ("here", Ephemeral::Here {}),
        ("signal", Ephemeral::Signal { attempt: 7, signals: List::new(signals()).unwrap() }),
        ("hang-up", Ephemeral::HangUp { attempt: 7 }),
    ]
}

fn frames() -> Vec<(&'static str, LinkFrame)> {
    let file = FileId::from_bytes([1; 16]);
    vec![
        ("link-carried", LinkFrame::Carried(Opaque::new(vec![1, 2, 3]).unwrap())),
        ("link-ping", LinkFrame::Ping { n: 1 }),
        ("link-pong", LinkFrame::Pong { n: 1 }),
        ("link-file-start", LinkFrame::FileStart { file }),
        ("link-file-ready", LinkFrame::FileReady { file }),
    ]
}

fn first_keys() -> FirstKeys {
    FirstKeys {
        ephemeral: EphemeralPublic::from_bytes(someone(3).listed.identity.as_bytes()).unwrap(),
        spk_id: PreKeyId(1),
        opk_id: Some(PreKeyId(2)),
        invite_id: Some(InviteId::from_bytes([3; 16])),
    }
}

fn everything() -> Vec<(&'static str, Vec<u8>)> {
    let mut anna = someone(1);
    let mut all = vec![("device-list", anna.list.as_bytes().to_vec())];
    all.push(("bundle", anna.bundle(NOW).1));
    all.push(("invite-contents", anna.contents().to_vec()));
    let first = FirstPrefix { device_list: anna.list.clone(), keys: first_keys() };
    all.push(("carried-first", Carried::encode(Some(&first), &[1, 2, 3])));
    all.push(("carried", Carried::encode(None, &[1, 2, 3])));
    all.extend(messages().into_iter().map(|(name, message)| (name, message.encode().to_vec())));
    all.extend(ephemerals().into_iter().map(|(name, ephemeral)| (name, ephemeral.encode().to_vec())));
    all.extend(frames().into_iter().map(|(name, frame)| (name, frame.encode())));
    all
}

/// Every decoder, on bytes that may be anything.
fn decode_all(bytes: &[u8]) -> [bool; 7] {
    let list = someone(1).list;
    [
        DeviceList::decode(bytes).is_ok(),
        Bundle::decode(bytes, &list, NOW).is_ok(),
        InviteContents::decode(bytes, &list.account().hash(), NOW).is_ok(),
        Carried::decode(bytes).is_ok(),
        Message::decode(bytes).is_ok(),
        Ephemeral::decode(bytes).is_ok(),
        LinkFrame::decode(bytes).is_ok(),
    ]
}

/// A body whose content has a type that this version does not know.
fn said_by_a_newer_version() -> Vec<u8> {
    let text = Text::new("hi".to_owned()).unwrap();
    let mut bytes = body(Content::Text { text }).encode().to_vec();
    let content = [0x82, 3, 0xa1, 0, 0x62, b'h', b'i'];
    let place = bytes.windows(content.len()).position(|window| window == content).unwrap();
    bytes[place + 1] = 23;
    bytes
}

#[test]
fn what_a_newer_version_says_is_read_but_for_its_content() {
    let bytes = said_by_a_newer_version();
    assert!(matches!(Message::decode(&bytes), Err(PeerError::UnknownType)));
    let read = Message::decode_newer(&bytes).unwrap();
    assert_eq!((read.message_id, read.sequence, read.previous, read.lamport), ([1; 16], 2, [3; 32], 4));
    assert_eq!((read.list_version, read.list_hash, read.era), (1, [5; 32], Some(1)));
    for end in 0..bytes.len() {
        assert!(Message::decode_newer(&bytes[..end]).is_err(), "cut to {end}");
    }
    assert!(Message::decode_newer(&[bytes.as_slice(), &[0]].concat()).is_err(), "extended");
    let padding = vec![0; limits::MESSAGE_MAX];
    assert!(Message::decode_newer(&[bytes, padding].concat()).is_err(), "too long");
    for (name, message) in messages() {
        let is_body = matches!(message, Message::Body(_));
        assert_eq!(Message::decode_newer(&message.encode()).is_ok(), is_body, "{name}");
    }
}

#[test]
fn what_is_cut_or_longer_is_refused() {
    for (name, bytes) in everything() {
        assert!(decode_all(&bytes).contains(&true), "{name} reads");
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(!decode_all(&longer).contains(&true), "{name} with one byte more");
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            assert!(!decode_all(&bytes[..cut]).contains(&true), "{name} cut at {cut}");
        }
    }
}

#[test]
fn messages_come_back_as_they_were() {
    for (name, message) in messages() {
        let bytes = message.encode();
        assert_eq!(Message::decode(&bytes).unwrap().encode(), bytes, "{name}");
    }
    for (name, ephemeral) in ephemerals() {
        assert_eq!(Ephemeral::decode(&ephemeral.encode()), Ok(ephemeral), "{name}");
    }
    for (name, frame) in frames() {
        assert_eq!(LinkFrame::decode(&frame.encode()), Ok(frame), "{name}");
    }
    let first = FirstPrefix { device_list: someone(1).list, keys: first_keys() };
    let carried = Carried { first: Some(first.clone()), ratchet: vec![1, 2] };
    assert_eq!(Carried::decode(&Carried::encode(Some(&first), &[1, 2])), Ok(carried));
}

#[test]
fn any_flipped_bit_of_something_signed_is_refused() {
    let mut anna = someone(1);
    let (_, bundle) = anna.bundle(NOW);
    let list = anna.list.as_bytes().to_vec();
    for place in 0..list.len() {
        let mut altered = list.clone();
        altered[place] ^= 1 << (place % 8);
        assert!(DeviceList::decode(&altered).is_err(), "device list, byte {place}");
    }
    for place in 0..bundle.len() {
        let mut altered = bundle.clone();
        altered[place] ^= 1 << (place % 8);
        assert!(Bundle::decode(&altered, &anna.list, NOW).is_err(), "bundle, byte {place}");
    }
}

/// Signs these bytes as a device list, whatever they are.
fn signed_list(someone: &mut Someone, signed: Vec<u8>) -> Vec<u8> {
    let signature = someone.account.sign_device_list(&signed, &mut someone.rng).to_bytes();
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.map(2).unwrap().u8(0).unwrap().bytes(&signed).unwrap().u8(1).unwrap().bytes(&signature).unwrap();
    encoder.into_writer()
}

/// The signed bytes inside a device list.
fn inside(list: &DeviceList) -> Vec<u8> {
    let bytes = list.as_bytes();
    let start = if bytes[2] == 0x58 { 4 } else { 5 };
    bytes[start..bytes.len() - 67].to_vec()
}

#[test]
fn signed_structures_are_deterministic_and_know_all_their_keys() {
    let mut anna = someone(1);
    let signed = inside(&anna.list);
    assert_eq!(signed[0], 0xa6, "a map of six");
    let same = signed_list(&mut anna, signed.clone());
    assert!(DeviceList::decode(&same).is_ok());
    // A seventh key.
    let mut unknown = signed.clone();
    unknown[0] = 0xa7;
    unknown.extend_from_slice(&[0x18, 99, 0x00]);
    let unknown = signed_list(&mut anna, unknown);
    assert_eq!(DeviceList::decode(&unknown), Err(PeerError::UnknownField));
    // The version in two bytes instead of one.
    let mut long = signed.clone();
    long.splice(2..3, [0x18, 0x01]);
    let long = signed_list(&mut anna, long);
    assert_eq!(DeviceList::decode(&long), Err(PeerError::NotDeterministic));
    let mut newer = signed;
    newer[2] = 0x02;
    let newer = signed_list(&mut anna, newer);
    assert_eq!(DeviceList::decode(&newer), Err(PeerError::UnknownVersion));
}

#[test]
fn plain_structures_ignore_unknown_keys() {
    let mut bytes = Ephemeral::Here {}.encode().to_vec();
    // [0, {}] becomes [0, {99: 1}].
    assert_eq!(bytes.pop(), Some(0xa0));
    bytes.extend_from_slice(&[0xa1, 0x18, 99, 0x01]);
    assert_eq!(Ephemeral::decode(&bytes), Ok(Ephemeral::Here {}));
    assert_eq!(Ephemeral::decode(&[0x82, 0x18, 99, 0xa0]), Err(PeerError::UnknownType));
    assert!(matches!(Message::decode(&[0x82, 0x18, 99, 0xa0]), Err(PeerError::UnknownType)));
    assert_eq!(LinkFrame::decode(&[0x82, 0x18, 99, 0xa0]), Err(PeerError::UnknownType));
}

#[test]
fn a_list_with_repeated_keys_or_no_or_too_many_devices_is_refused() {
    let mut anna = someone(1);
    let listed = anna.listed.clone();
    let twice = DeviceList::sign(&anna.account, 2, [0; 32], vec![listed.clone(); 2], &mut anna.rng);
    assert_eq!(twice.err(), Some(PeerError::ReusedKey));
    let identity = sotto_crypto::keys::DeviceIdentityPublic::from_bytes(listed.signing.as_bytes()).unwrap();
    let both = ListedDevice { identity, ..listed.clone() };
    let both = DeviceList::sign(&anna.account, 2, [0; 32], vec![both], &mut anna.rng);
    assert_eq!(both.err(), Some(PeerError::ReusedKey));
    let none = DeviceList::sign(&anna.account, 2, [0; 32], Vec::new(), &mut anna.rng);
    assert_eq!(none.err(), Some(PeerError::OutOfBounds));
    let many = vec![listed; limits::DEVICES_MAX + 1];
    let many = DeviceList::sign(&anna.account, 2, [0; 32], many, &mut anna.rng);
    assert_eq!(many.err(), Some(PeerError::OutOfBounds));
}

#[test]
fn bundles_count_for_30_days_and_only_for_a_listed_device() {
    let mut anna = someone(1);
    let (bundle, bytes) = anna.bundle(NOW);
    let read = Bundle::decode(&bytes, &anna.list, NOW).unwrap();
    assert_eq!((*read.device(), *read.signed_prekey()), (bundle.device, bundle.signed_prekey));
    assert_eq!((*read.delivery(), read.created()), (bundle.delivery, bundle.created));
    let late = NOW.saturating_add(limits::BUNDLE_LIFETIME);
    assert!(Bundle::decode(&bytes, &anna.list, late.saturating_add(limits::CLOCK_SKEW)).is_ok());
    let expired = late.saturating_add(limits::CLOCK_SKEW * 2);
    assert_eq!(Bundle::decode(&bytes, &anna.list, expired), Err(PeerError::Expired));
    let before = NOW.saturating_sub(limits::CLOCK_SKEW * 2);
    assert_eq!(Bundle::decode(&bytes, &anna.list, before), Err(PeerError::Expired));
    assert_eq!(Bundle::decode(&bytes, &someone(2).list, NOW), Err(PeerError::UnlistedDevice));
}

#[test]
fn invite_contents_of_another_account_are_refused() {
    let mut anna = someone(1);
    let contents = anna.contents();
    let account = anna.list.account().hash();
    assert!(InviteContents::decode(&contents, &account, NOW).is_ok());
    let other = someone(2).list.account().hash();
    assert_eq!(InviteContents::decode(&contents, &other, NOW).err(), Some(PeerError::WrongAccount));
}

#[test]
fn a_prefix_whose_flags_lie_is_refused() {
    let keys = FirstKeys { opk_id: None, invite_id: None, ..first_keys() };
    let first = FirstPrefix { device_list: someone(1).list, keys };
    let mut bytes = Carried::encode(Some(&first), &[1, 2, 3]);
    // Key 6 of the prefix comes last: 06 00, before the ratchet message 01 43 010203.
    let place = bytes.len() - 6;
    assert_eq!(bytes[place - 1..], [0x06, 0x00, 0x01, 0x43, 1, 2, 3]);
    bytes[place] = 1;
    assert_eq!(Carried::decode(&bytes), Err(PeerError::Malformed));
}

#[test]
fn bounds_are_kept() {
    let long = Text::<4>::new("12345".to_owned());
    assert_eq!(long.err(), Some(PeerError::OutOfBounds));
    let manifest = Manifest { size: limits::FILE_SIZE_MAX + 1, ..manifest() };
    let bytes = body(Content::FileOffer(manifest)).encode();
    assert!(matches!(Message::decode(&bytes), Err(PeerError::OutOfBounds)));
    let sdp = "x".repeat(limits::SDP_MAX + 1);
    let large = Signal::Description { kind: DescriptionKind::Offer, sdp };
    assert!(!large.is_within_limits());
    let large = Ephemeral::Signal { attempt: 1, signals: List::new(vec![large]).unwrap() };
    assert_eq!(Ephemeral::decode(&large.encode()), Err(PeerError::OutOfBounds));
    assert!(matches!(Message::decode(&vec![0; limits::MESSAGE_MAX + 1]), Err(PeerError::TooLarge)));
    assert_eq!(LinkFrame::decode(&vec![0; limits::LINK_FRAME_MAX + 1]), Err(PeerError::TooLarge));
    // A list that announces more than it may hold, without holding it.
    assert!(matches!(
        Message::decode(&[0x82, 0x01, 0xa1, 0x00, 0x9a, 0xff, 0xff, 0xff, 0xff]),
        Err(PeerError::OutOfBounds)
    ));
}

#[test]
fn the_largest_text_fits_an_envelope() {
    let text = "x".repeat(limits::TEXT_MAX);
    let message = body(Content::Text { text: Text::new(text).unwrap() }).encode();
    assert!(message.len() <= limits::MESSAGE_MAX);
    let mut anna = someone(1);
    let devices: Vec<ListedDevice> = (100..108).map(|seed| someone(seed).listed).collect();
    let device_list = DeviceList::sign(&anna.account, 2, [0; 32], devices, &mut anna.rng).unwrap();
    let first = FirstPrefix { device_list, keys: first_keys() };
    let ratchet = vec![0; limits::MESSAGE_MAX + sotto_crypto::ratchet::MESSAGE_OVERHEAD];
    let carried = Carried::encode(Some(&first), &ratchet);
    assert!(carried.len() <= limits::CARRIED_MAX, "{}", carried.len());
    assert!(sotto_crypto::envelope::EnvelopeClass::for_message(carried.len()).is_some());
    assert!(LinkFrame::Carried(Opaque::new(carried).unwrap()).encode().len() <= limits::LINK_FRAME_MAX);
}

#[test]
fn noise_is_refused_without_a_panic() {
    use rand_chacha::rand_core::Rng;
    let mut rng = ChaCha12Rng::seed_from_u64(9);
    let samples = everything();
    for round in 0..300_usize {
        let (_, sample) = &samples[round % samples.len()];
        let mut bytes = sample.clone();
        for _ in 0..1 + rng.next_u32() % 4 {
            let [high, low, byte, _] = rng.next_u32().to_be_bytes();
            let place = usize::from(u16::from_be_bytes([high, low])) % bytes.len();
            bytes[place] = byte;
        }
        let _ = decode_all(&bytes);
    }
}

mod link {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const ORIGIN: &str = "https://sotto.example";

    fn link() -> InviteLink {
        let account = someone(1).list.account().hash();
        InviteLink { secret: InviteSecret::from_bytes(&[0xfb; 32]), account }
    }

    #[test]
    fn a_link_comes_back_as_it_was() {
        let text = link().format(ORIGIN);
        assert!(text.starts_with("https://sotto.example/i#v1.-_v7"));
        let fragment = text.split_once('#').map(|(_, fragment)| fragment.to_owned()).unwrap();
        for text in [text.as_str(), &fragment, &format!("#{fragment}"), &format!("  {text}\n")] {
            let parsed = InviteLink::parse(text, ORIGIN).unwrap();
            assert_eq!(parsed.account, link().account);
            assert_eq!(parsed.secret.to_bytes().as_slice(), [0xfb; 32]);
        }
        assert!(InviteLink::parse(&text.replace("https://sotto", "HTTPS://Sotto"), ORIGIN).is_ok());
        assert!(InviteLink::parse(&text.replace("/i#", "/i/#"), ORIGIN).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = link().format(ORIGIN);
        let error = |text: &str| InviteLink::parse(text, ORIGIN).err();
        assert_eq!(error(&text[..text.len() - 1]), Some(LinkError::Malformed));
        assert_eq!(error(&format!("{text}A")), Some(LinkError::Malformed));
        assert_eq!(error(&text.replace("#v1.", "#v1")), Some(LinkError::Malformed));
        assert_eq!(error(&text.replace("/i#", "/x#")), Some(LinkError::Malformed));
        assert_eq!(error(&text.replace("https:", "ftp:")), Some(LinkError::Malformed));
        assert_eq!(error(&text.replace('-', "+")), Some(LinkError::Malformed));
        assert_eq!(error(""), Some(LinkError::Malformed));
        assert_eq!(error("#"), Some(LinkError::Malformed));
        assert_eq!(error(&"x".repeat(limits::LINK_MAX + 1)), Some(LinkError::Malformed));
        assert_eq!(error(&text.replace("#v1.", "#v0.")), Some(LinkError::Malformed));
        assert_eq!(error(&text.replace("#v1.", "#v2.")), Some(LinkError::NewerVersion));
        let other = |host: &str| Some(LinkError::OtherServer { host: host.to_owned() });
        assert_eq!(error(&text.replace("sotto.example", "evil.example")), other("evil.example"));
        assert_eq!(error(&text.replace("sotto.example", "sotto.example:8443")), other("sotto.example:8443"));
        assert_eq!(error(&text.replace("https:", "http:")), other("sotto.example"));
    }
}
