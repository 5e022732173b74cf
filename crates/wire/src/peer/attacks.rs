//! What somebody who knows the formats tries with them.

use minicbor::Encoder;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::file::FileKey;
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeliveryPublic, DeviceIdentityKey, DevicePublic, DeviceSigningKey, SignedPreKey,
    SignedPreKeyPublic,
};
use sotto_crypto::{DeliveryKeyId, DeviceId, FileId, MailboxId, MessageHash, PreKeyId, Timestamp};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::server::List;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const ORIGIN: &str = "https://sotto.example";

struct Person {
    rng: ChaCha12Rng,
    account: AccountKey,
    signing: DeviceSigningKey,
    identity: DeviceIdentityKey,
    id: DeviceId,
}

impl Person {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let account = AccountKey::generate(&mut rng);
        let signing = DeviceSigningKey::generate(&mut rng);
        let identity = DeviceIdentityKey::generate(&mut rng);
        let id = DeviceId::generate(&mut rng);
        Self { rng, account, signing, identity, id }
    }

    fn listed(&self) -> ListedDevice {
        ListedDevice { id: self.id, signing: self.signing.public(), identity: self.identity.public() }
    }

    fn device(&self) -> DevicePublic {
        let (signing, identity) = (self.signing.public(), self.identity.public());
        DevicePublic::new(self.account.public(), self.id, signing, identity).unwrap()
    }

    fn list(&mut self, version: u32, devices: Vec<ListedDevice>) -> Result<DeviceList, PeerError> {
        DeviceList::sign(&self.account, version, [0; 32], devices, &mut self.rng)
    }

    fn own_list(&mut self) -> DeviceList {
        let devices = vec![self.listed()];
        self.list(1, devices).unwrap()
    }

    fn bundle(&mut self) -> UnsignedBundle {
        UnsignedBundle {
            device: self.device(),
            signed_prekey: SignedPreKey::generate(PreKeyId(1), &mut self.rng).public(),
            delivery: DeliveryKey::generate(DeliveryKeyId(1), &mut self.rng).public(),
            created: NOW,
        }
    }

    fn sign(&mut self, bundle: &UnsignedBundle) -> Vec<u8> {
        bundle.sign(&self.signing, &mut self.rng)
    }
}

/// Key 0 and 1 of the map around something signed.
fn taken_apart(encoded: &[u8]) -> (Vec<u8>, [u8; 64]) {
    let mut decoder = minicbor::Decoder::new(encoded);
    assert_eq!(decoder.map().unwrap(), Some(2));
    assert_eq!(decoder.u8().unwrap(), 0);
    let signed = decoder.bytes().unwrap().to_vec();
    assert_eq!(decoder.u8().unwrap(), 1);
    (signed, decoder.bytes().unwrap().try_into().unwrap())
}

fn put_together(signed: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).unwrap().u8(0).unwrap().bytes(signed).unwrap().u8(1).unwrap().bytes(signature).unwrap();
    encoder.into_writer()
}

#[test]
fn signed_bytes_have_one_encoding() {
    let mut alice = Person::new(1);
    let (signed, _) = taken_apart(alice.own_list().as_bytes());
    assert_eq!(signed[..3], [0xa6, 0x00, 0x01]);
    let unknown_key = [&[0xa7], &signed[1..], &[0x06, 0x00]].concat();
    let twice = [&[0xa7], &signed[1..3], &signed[1..]].concat();
    let long_integer = [&signed[..2], &[0x18, 0x01], &signed[3..]].concat();
    let indefinite = [&[0xbf], &signed[1..], &[0xff]].concat();
    for (bytes, rule) in [
        (unknown_key, PeerError::UnknownField),
        (twice, PeerError::NotDeterministic),
        (long_integer, PeerError::NotDeterministic),
        (indefinite, PeerError::NotDeterministic),
    ] {
        let signature = alice.account.sign_device_list(&bytes, &mut alice.rng).to_bytes();
        let list = DeviceList::decode(&put_together(&bytes, &signature));
        assert_eq!(list, Err(rule), "{:02x?}", &bytes[..4]);
    }
    let trailing = [&signed[..], &[0]].concat();
    let signature = alice.account.sign_device_list(&trailing, &mut alice.rng).to_bytes();
    assert_eq!(DeviceList::decode(&put_together(&trailing, &signature)), Err(PeerError::Malformed));
}

#[test]
fn a_device_list_has_no_key_or_device_twice() {
    let mut alice = Person::new(1);
    let (first, second) = (alice.listed(), Person::new(2).listed());
    assert!(alice.list(1, vec![first.clone(), second.clone()]).is_ok());
    assert_eq!(alice.list(0, vec![first.clone()]), Err(PeerError::OutOfBounds));
    assert_eq!(alice.list(1, Vec::new()), Err(PeerError::OutOfBounds));
    assert_eq!(alice.list(1, vec![first.clone(); 9]), Err(PeerError::OutOfBounds));
    let crossed = second.signing.as_bytes();
    let crossed = sotto_crypto::keys::DeviceIdentityPublic::from_bytes(crossed).unwrap();
    let own = sotto_crypto::keys::DeviceSigningPublic::from_bytes(alice.account.public().as_bytes()).unwrap();
    for repeated in [
        ListedDevice { id: first.id, ..second.clone() },
        ListedDevice { signing: first.signing, ..second.clone() },
        ListedDevice { identity: first.identity, ..second.clone() },
        ListedDevice { identity: crossed, ..second.clone() },
        ListedDevice { signing: own, ..second },
    ] {
        assert_eq!(alice.list(1, vec![first.clone(), repeated]), Err(PeerError::ReusedKey));
    }
}

#[test]
fn a_bundle_counts_with_its_list_and_in_its_time() {
    let (mut alice, mut mallory) = (Person::new(1), Person::new(2));
    let list = alice.own_list();
    let bundle = alice.bundle();
    let bytes = alice.sign(&bundle);
    assert!(Bundle::decode(&bytes, &list, NOW).is_ok());
    assert_eq!(Bundle::decode(&bytes, &mallory.own_list(), NOW), Err(PeerError::UnlistedDevice));
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(Bundle::decode(&altered, &list, NOW).is_err(), "bit {bit}");
    }

    // Alice's device with Mallory's keys; Alice's bundle signed by Mallory.
    let device = DevicePublic::new(
        alice.account.public(),
        alice.id,
        mallory.signing.public(),
        mallory.identity.public(),
    );
    let swapped = mallory.sign(&UnsignedBundle { device: device.unwrap(), ..bundle });
    assert_eq!(Bundle::decode(&swapped, &list, NOW), Err(PeerError::UnlistedDevice));
    assert_eq!(Bundle::decode(&mallory.sign(&bundle), &list, NOW), Err(PeerError::BadSignature));

    let later = |days: u64, millis: u64| NOW.as_millis() + days * 24 * 3600 * 1000 + millis;
    let at = |millis| Bundle::decode(&bytes, &list, Timestamp::from_millis(millis)).err();
    assert_eq!(at(later(31, 0)), None);
    assert_eq!(at(later(31, 1)), Some(PeerError::Expired));
    assert_eq!(at(NOW.as_millis() - 24 * 3600 * 1000), None);
    assert_eq!(at(NOW.as_millis() - 24 * 3600 * 1000 - 1), Some(PeerError::Expired));
}

#[test]
fn no_key_of_a_bundle_serves_twice() {
    let mut alice = Person::new(1);
    let list = alice.own_list();
    let bundle = alice.bundle();
    let identity = alice.identity.public();
    let signed = |key: &[u8; 33]| SignedPreKeyPublic::from_bytes(PreKeyId(1), key).unwrap();
    let delivery = |key: &[u8; 33]| DeliveryPublic::from_bytes(DeliveryKeyId(1), key).unwrap();
    for reused in [
        UnsignedBundle { delivery: delivery(bundle.signed_prekey.as_bytes()), ..bundle },
        UnsignedBundle { delivery: delivery(identity.as_bytes()), ..bundle },
        UnsignedBundle { signed_prekey: signed(alice.signing.public().as_bytes()), ..bundle },
        UnsignedBundle { signed_prekey: signed(alice.account.public().as_bytes()), ..bundle },
    ] {
        let bytes = alice.sign(&reused);
        assert_eq!(Bundle::decode(&bytes, &list, NOW), Err(PeerError::ReusedKey));
    }
}

#[test]
fn links_are_whole_and_lead_here() {
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    let link = InviteLink {
        secret: InviteSecret::generate(&mut rng),
        account: Person::new(1).account.public().hash(),
    };
    let text = link.format(ORIGIN);
    let fragment = text.split_once('#').unwrap().1;
    assert_eq!(fragment.len(), "v1.".len() + 86);
    for good in [text.clone(), format!(" {text}\n"), fragment.to_owned(), format!("#{fragment}")] {
        let read = InviteLink::parse(&good, ORIGIN).unwrap();
        assert_eq!((read.secret.id(), read.account), (link.secret.id(), link.account), "{good}");
    }
    for cut in 0..text.len() {
        assert!(InviteLink::parse(&text[..cut], ORIGIN).is_err(), "{cut}");
    }
    let parse = |text: String| InviteLink::parse(&text, ORIGIN).err();
    let elsewhere = |host: &str| Some(LinkError::OtherServer { host: host.to_owned() });
    assert_eq!(parse(link.format("https://other.example")), elsewhere("other.example"));
    assert_eq!(parse(link.format("http://sotto.example")), elsewhere("sotto.example"));
    assert_eq!(parse(link.format("https://sotto.example:8443")), elsewhere("sotto.example:8443"));
    assert_eq!(
        parse(link.format("https://sotto.example@evil.example")),
        elsewhere("sotto.example@evil.example")
    );
    assert_eq!(parse(text.replace("#v1.", "#v2.")), Some(LinkError::NewerVersion));
    for bad in ["#v0.", "#v.", "#1.", "#v1", "#v1..", "#vv1.", "#v1000."] {
        assert_eq!(parse(text.replace("#v1.", bad)), Some(LinkError::Malformed), "{bad}");
    }
    assert_eq!(parse(text.replace("/i#", "/j#")), Some(LinkError::Malformed));
    assert_eq!(parse(format!("{text}A")), Some(LinkError::Malformed));
    assert_eq!(parse(format!("{text}=")), Some(LinkError::Malformed));
    assert_eq!(parse("A".repeat(limits::LINK_MAX + 1)), Some(LinkError::Malformed));
    // 64 bytes are 86 letters, the last of which carries two bits: other letters there would be other links to the
    // same secret.
    let last = text.pop_last();
    let others = ('A'..='Z').filter(|letter| *letter != last.1 && !"AQgw".contains(*letter));
    assert!(others.map(|letter| format!("{}{letter}", last.0)).all(|text| parse(text).is_some()));
}

trait PopLast {
    fn pop_last(&self) -> (&str, char);
}

impl PopLast for String {
    fn pop_last(&self) -> (&str, char) {
        let last = self.chars().last().unwrap();
        (&self[..self.len() - 1], last)
    }
}

fn manifest() -> Manifest {
    Manifest {
        version: 1,
        file: FileId::from_bytes([4; 16]),
        key: FileKey::from_bytes(&[0xcc; 32]),
        size: limits::FILE_SIZE_MAX,
        root: None,
        name: Text::new("canary.txt".to_owned()).unwrap(),
        mime: Text::default(),
    }
}

fn body(content: Content) -> Body {
    Body {
        message_id: [1; 16],
        sequence: 1,
        previous: [0; 32],
        lamport: 1,
        sent_at: NOW.as_millis(),
        list_version: 1,
        list_hash: [2; 32],
        content,
        delivery: None,
        token: None,
        mailbox: Some(MailboxId::from_bytes([5; 16])),
        era: None,
    }
}

fn messages() -> Vec<Vec<u8>> {
    let text = Content::Text { text: Text::new("canary".to_owned()).unwrap() };
    let ids = MessageIds::new(vec![[9; 16].into(); limits::ACKNOWLEDGE_MAX]).unwrap();
    [
        Message::Body(body(text)),
        Message::Body(body(Content::FileOffer(manifest()))),
        Message::Acknowledge { ids },
        Message::Retry { hash: MessageHash::of(b"lost") },
        Message::End {},
    ]
    .iter()
    .map(|message| message.encode().to_vec())
    .collect()
}

#[test]
fn nothing_longer_than_its_field_comes_in() {
    let longest = |text: &str, max| text.repeat(max);
    assert!(Text::<4>::new("äö".to_owned()).is_ok());
    assert!(Text::<3>::new("äö".to_owned()).is_err());
    let text = Content::Text { text: Text::new(longest("x", limits::TEXT_MAX)).unwrap() };
    let encoded = Message::Body(body(text)).encode();
    assert!(encoded.len() <= limits::MESSAGE_MAX);
    assert!(Message::decode(&encoded).is_ok());
    // One more letter: the length in front of the text is 19 e0 00.
    let at = encoded.windows(3).position(|head| head == [0x79, 0xe0, 0x00]).unwrap();
    let mut longer = encoded.to_vec();
    longer[at + 2] = 1;
    longer.insert(at + 3, b'x');
    assert_eq!(Message::decode(&longer).err(), Some(PeerError::OutOfBounds));

    let mut offer = Message::Body(body(Content::FileOffer(manifest()))).encode().to_vec();
    let size = limits::FILE_SIZE_MAX.to_be_bytes();
    let at = offer.windows(8).position(|bytes| bytes == size).unwrap();
    offer[at + 7] = 1;
    assert_eq!(Message::decode(&offer).err(), Some(PeerError::OutOfBounds));

    // [1, {0: [2⁶³ items]}], and 257 of 256.
    let huge = [0x82, 0x01, 0xa1, 0x00, 0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(Message::decode(&huge).err(), Some(PeerError::OutOfBounds));
    assert!(MessageIds::new(vec![[0; 16].into(); limits::ACKNOWLEDGE_MAX + 1]).is_err());
    assert_eq!(Message::decode(&[0x82, 0x18, 0x63, 0xa0]).err(), Some(PeerError::UnknownType));
    assert_eq!(Message::decode(&vec![0; limits::MESSAGE_MAX + 1]).err(), Some(PeerError::TooLarge));
}

#[test]
fn absent_fields_are_left_out_and_may_be_null() {
    assert_eq!(*Message::End {}.encode(), [0x82, 0x03, 0xa0]);
    let signal = Signal::Candidate { candidate: "c".to_owned(), mid: None, line_index: None };
    let signals = List::new(vec![signal.clone()]).unwrap();
    let bytes = Ephemeral::Signal { attempt: 1, signals: signals.clone() }.encode();
    assert_eq!(*bytes, [0x82, 0x01, 0xa2, 0x00, 0x01, 0x01, 0x81, 0x82, 0x01, 0xa1, 0x00, 0x61, b'c']);
    let with_null =
        [0x82, 0x01, 0xa2, 0x00, 0x01, 0x01, 0x81, 0x82, 0x01, 0xa2, 0x00, 0x61, b'c', 0x01, 0xf6];
    assert_eq!(Ephemeral::decode(&with_null), Ok(Ephemeral::Signal { attempt: 1, signals }));
}

#[test]
fn secrets_and_what_people_say_do_not_appear_in_debug_output() {
    let alice = Person::new(1);
    let link =
        InviteLink { secret: InviteSecret::from_bytes(&[0xcc; 32]), account: alice.account.public().hash() };
    let sdp = "canary".to_owned();
    let printed = [
        format!("{:?}", Message::decode(&messages()[0]).unwrap()),
        format!("{:?}", Message::decode(&messages()[1]).unwrap()),
        format!("{link:?}"),
        format!("{:?}", Signal::Description { kind: DescriptionKind::Offer, sdp: sdp.clone() }),
        format!("{:?}", Signal::Candidate { candidate: sdp.clone(), mid: Some(sdp), line_index: None }),
    ];
    let account = format!("{}, ", alice.account.public().hash().as_bytes()[0]);
    for text in printed {
        assert!(!text.contains("canary") && !text.contains("204, 204") && !text.contains(&account), "{text}");
    }
}
