//! What somebody who knows the formats of groups tries with them.

use minicbor::Encoder;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::keys::{AccountKey, DeviceIdentityKey, DeviceSigningKey};
use sotto_crypto::sender_key::{ChainOwner, RosterPlace, SendingChain};
use sotto_crypto::{DeviceId, GroupId, Purpose, RosterHash};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

struct Person {
    rng: ChaCha12Rng,
    account: AccountKey,
    signing: DeviceSigningKey,
    listed: ListedDevice,
    list: DeviceList,
}

fn person(seed: u64) -> Person {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let account = AccountKey::generate(&mut rng);
    let signing = DeviceSigningKey::generate(&mut rng);
    let identity = DeviceIdentityKey::generate(&mut rng).public();
    let listed = ListedDevice { id: DeviceId::generate(&mut rng), signing: signing.public(), identity };
    let list = DeviceList::sign(&account, 1, [0; 32], vec![listed.clone()], &mut rng).unwrap();
    Person { rng, account, signing, listed, list }
}

impl Person {
    fn found(&mut self) -> VerifiedEntry {
        VerifiedEntry::found(&self.list, self.listed.id, &self.signing, &mut self.rng).unwrap()
    }

    fn entry(&mut self, operation: Operation) -> VerifiedEntry {
        let genesis = self.found();
        let entry = RosterEntry { group: genesis.group(), epoch: 1, previous: genesis.hash(), operation };
        VerifiedEntry::sign(entry, &self.list, self.listed.id, &self.signing, &mut self.rng).unwrap()
    }

    /// Signs any bytes as if they were an entry.
    fn signed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let signature = self.signing.sign_roster_entry(bytes, &mut self.rng).to_bytes();
        put_together(bytes, &signature)
    }
}

fn taken_apart(encoded: &[u8]) -> (Vec<u8>, [u8; 64]) {
    let mut decoder = minicbor::Decoder::new(encoded);
    assert_eq!((decoder.map().unwrap(), decoder.u8().unwrap()), (Some(2), 0));
    let signed = decoder.bytes().unwrap().to_vec();
    assert_eq!(decoder.u8().unwrap(), 1);
    (signed, decoder.bytes().unwrap().try_into().unwrap())
}

fn put_together(signed: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).unwrap().u8(0).unwrap().bytes(signed).unwrap().u8(1).unwrap().bytes(signature).unwrap();
    encoder.into_writer()
}

fn operations() -> Vec<Operation> {
    let account = person(9).account.public();
    vec![
        Operation::Add { account, role: Role::Admin },
        Operation::Remove { account },
        Operation::Role { account, role: Role::Owner },
        Operation::Leave {},
        Operation::Merge { other: RosterHash::from_bytes([7; 32]) },
    ]
}

fn decode(bytes: &[u8]) -> Result<ReceivedEntry, PeerError> {
    ReceivedEntry::decode(bytes)
}

#[test]
fn entries_come_back_as_they_were_signed() {
    let mut anna = person(1);
    let genesis = anna.found();
    assert_ne!(genesis.hash(), anna.found().hash(), "two groups are never one");
    let received = decode(genesis.as_bytes()).unwrap();
    assert_eq!(received.verify(&anna.list, &anna.list).as_ref(), Ok(&genesis));
    let (signed, _) = taken_apart(genesis.as_bytes());
    assert_eq!(*genesis.hash().as_bytes(), Purpose::ROSTER_HASH.hash(&[&signed]));
    assert_eq!(genesis.group().as_bytes()[..], Purpose::GROUP_ID.hash(&[&signed])[..16]);
    for operation in operations() {
        let entry = anna.entry(operation.clone());
        assert!(entry.as_bytes().len() <= limits::ROSTER_ENTRY_MAX / 2 + 64, "room to spare");
        let received = decode(entry.as_bytes()).unwrap();
        assert_eq!(
            (received.claimed_actor(), received.list_hash()),
            (&anna.account.public(), anna.list.hash())
        );
        assert_eq!(received.hash(), entry.hash());
        let verified = received.verify(&anna.list, &anna.list).unwrap();
        assert_eq!((&verified, verified.operation()), (&entry, &operation));
    }
}

#[test]
fn every_bit_of_an_entry_counts() {
    let mut anna = person(1);
    for bytes in [anna.found().as_bytes().to_vec(), anna.entry(operations().remove(0)).as_bytes().to_vec()] {
        let verify =
            |bytes: &[u8]| decode(bytes).is_ok_and(|entry| entry.verify(&anna.list, &anna.list).is_ok());
        assert!(verify(&bytes));
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&altered), "bit {bit}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]).err(), Some(PeerError::Malformed), "{cut}");
        }
        let extended = [bytes.as_slice(), &[0]].concat();
        assert_eq!(decode(&extended).err(), Some(PeerError::Malformed));
    }
}

#[test]
fn signed_entries_have_one_form() {
    let mut anna = person(1);
    let (signed, _) = taken_apart(anna.entry(Operation::Leave {}).as_bytes());
    assert_eq!((signed[..3].to_vec(), signed.last()), (vec![0xa8, 0, 1], Some(&0xa0)));
    let mut refused = |bytes: Vec<u8>, rule| {
        assert_eq!(decode(&anna.signed(&bytes)).err(), Some(rule), "{:02x?}", &bytes[..4]);
    };
    let with = |place: usize, value: u8| {
        let mut bytes = signed.clone();
        bytes[place] = value;
        bytes
    };
    // Unknown keys, a key twice, an integer written too long, an open end, something behind the end, another version.
    refused([&[0xa9], &signed[1..], &[0x08, 0x00]].concat(), PeerError::UnknownField);
    refused([&[0xa9], &signed[1..3], &signed[1..]].concat(), PeerError::NotDeterministic);
    refused([&signed[..2], &[0x18, 0x01], &signed[3..]].concat(), PeerError::NotDeterministic);
    refused([&[0xbf], &signed[1..], &[0xff]].concat(), PeerError::NotDeterministic);
    refused([signed.as_slice(), &[0]].concat(), PeerError::Malformed);
    refused([&[0xa7], &signed[1..signed.len() - 3]].concat(), PeerError::Malformed);
    refused(with(2, 2), PeerError::UnknownVersion);
    // [4, {}]: an unknown operation; the group id one byte short; a point of another form.
    refused(with(signed.len() - 2, 6), PeerError::UnknownType);
    assert_eq!(signed[3..5], [0x01, 0x50]);
    refused([&signed[..4], &[0x4f], &signed[6..]].concat(), PeerError::OutOfBounds);
    let at = signed.windows(2).position(|head| head == [0x58, 0x21]).unwrap();
    refused(with(at + 2, 5), PeerError::BadKey);
    // A role of another version; a field of an operation too much.
    let (add, _) = taken_apart(anna.entry(operations().remove(0)).as_bytes());
    let mut other_role = add.clone();
    *other_role.last_mut().unwrap() = 3;
    assert_eq!(decode(&anna.signed(&other_role)).err(), Some(PeerError::UnknownType));
    let leave = [&signed[..signed.len() - 1], &[0xa1, 0x00, 0x00]].concat();
    assert_eq!(decode(&anna.signed(&leave)).err(), Some(PeerError::UnknownField));
    let long = vec![0; limits::ROSTER_ENTRY_MAX + 1];
    assert_eq!(decode(&long).err(), Some(PeerError::TooLarge));
}

#[test]
fn a_genesis_is_the_first_and_nothing_else_is() {
    let mut anna = person(1);
    let zero = (GroupId::from_bytes([0; 16]), RosterHash::from_bytes([0; 32]));
    let (group, previous) = (GroupId::from_bytes([1; 16]), RosterHash::from_bytes([1; 32]));
    let genesis = || Operation::Genesis { salt: [5; 32].into() };
    for (group, epoch, previous, operation) in [
        (group, 0, zero.1, genesis()),
        (zero.0, 1, zero.1, genesis()),
        (zero.0, 0, previous, genesis()),
        (group, 0, previous, Operation::Leave {}),
    ] {
        let entry = RosterEntry { group, epoch, previous, operation };
        let entry =
            VerifiedEntry::sign(entry, &anna.list, anna.listed.id, &anna.signing, &mut anna.rng).unwrap();
        assert_eq!(decode(entry.as_bytes()).err(), Some(PeerError::Malformed));
    }
}

#[test]
fn an_entry_is_its_actors_device() {
    let (mut anna, mut bea) = (person(1), person(2));
    let entry = anna.entry(Operation::Leave {});
    let received = decode(entry.as_bytes()).unwrap();
    assert_eq!(received.verify(&bea.list, &bea.list), Err(EntryError::OtherList));
    assert_eq!(received.verify(&anna.list, &bea.list), Err(EntryError::WrongAccount));

    // Anna's name over Bea's list, device and signature.
    let (signed, _) = taken_apart(bea.entry(Operation::Leave {}).as_bytes());
    let (old, new) = (*bea.account.public().as_bytes(), *anna.account.public().as_bytes());
    let at = signed.windows(33).position(|bytes| bytes == old).unwrap();
    let renamed = [&signed[..at], &new, &signed[at + 33..]].concat();
    let renamed = decode(&bea.signed(&renamed)).unwrap();
    assert_eq!(renamed.claimed_actor(), &anna.account.public());
    assert_eq!(renamed.verify(&bea.list, &bea.list), Err(EntryError::WrongAccount));

    // Another's signature, another device, another type of signature, a high s.
    let (signed, signature) = taken_apart(entry.as_bytes());
    let verify = |bytes: &[u8]| decode(bytes).unwrap().verify(&anna.list, &anna.list).err();
    assert_eq!(verify(&bea.signed(&signed)), Some(EntryError::BadSignature));
    let bundle = anna.signing.sign_bundle(&signed, &mut anna.rng).to_bytes();
    assert_eq!(verify(&put_together(&signed, &bundle)), Some(EntryError::BadSignature));
    assert_eq!(verify(&put_together(&signed, &[0; 64])), Some(EntryError::BadSignature));
    let mut high = signature;
    high[32] |= 0x80;
    assert_eq!(verify(&put_together(&signed, &high)), Some(EntryError::BadSignature));
    let at = signed.windows(16).position(|bytes| bytes == anna.listed.id.as_bytes()).unwrap();
    let other = [&signed[..at], bea.listed.id.as_bytes(), &signed[at + 16..]].concat();
    let other = decode(&anna.signed(&other)).unwrap();
    assert_eq!(other.verify(&anna.list, &anna.list), Err(EntryError::UnlistedDevice));
    let entry = RosterEntry {
        group: entry.group(),
        epoch: 1,
        previous: entry.previous(),
        operation: Operation::Leave {},
    };
    let by_another = VerifiedEntry::sign(entry, &anna.list, anna.listed.id, &bea.signing, &mut anna.rng);
    assert_eq!(by_another, Err(EntryError::BadSignature));
}

#[test]
fn a_device_that_is_gone_signs_nothing_new() {
    let (mut anna, bea) = (person(1), person(2));
    let entry = decode(anna.entry(Operation::Leave {}).as_bytes()).unwrap();
    let sign = |anna: &mut Person, version, devices| {
        DeviceList::sign(&anna.account, version, *anna.list.hash(), devices, &mut anna.rng).unwrap()
    };
    let stays = vec![anna.listed.clone(), bea.listed.clone()];
    let with_another = sign(&mut anna, 2, stays);
    let gone = sign(&mut anna, 2, vec![bea.listed.clone()]);
    let renewed = ListedDevice { id: anna.listed.id, ..bea.listed.clone() };
    let renewed = sign(&mut anna, 2, vec![renewed]);
    let rival = sign(&mut anna, 1, vec![bea.listed.clone()]);
    assert!(entry.verify(&anna.list, &with_another).is_ok());
    assert_eq!(entry.verify(&anna.list, &gone), Err(EntryError::DeviceGone));
    assert_eq!(entry.verify(&anna.list, &renewed), Err(EntryError::DeviceGone));
    assert_eq!(entry.verify(&anna.list, &rival), Err(EntryError::OtherList));
    assert!(entry.verify_history(&anna.list).is_ok());
    // The list named may be newer than any known so far.
    let listed = anna.list.clone();
    anna.list = with_another.clone();
    let newer = decode(anna.entry(Operation::Leave {}).as_bytes()).unwrap();
    assert!(newer.verify(&with_another, &listed).is_ok());
}

fn announced() -> (SendingChain, Vec<u8>) {
    let owner = ChainOwner {
        group: GroupId::from_bytes([1; 16]),
        account: person(1).account.public().id(),
        device: person(1).listed.id,
    };
    let made = RosterPlace { epoch: 7, hash: RosterHash::from_bytes([2; 32]) };
    let chain = SendingChain::generate(owner, made, &mut ChaCha12Rng::seed_from_u64(4));
    let bytes = encode_sender_chain(&chain.announcement().unwrap()).to_vec();
    (chain, bytes)
}

#[test]
fn announcements_come_back_as_they_were() {
    let (chain, bytes) = announced();
    assert!(bytes.len() < 150);
    let read = decode_sender_chain(&bytes).unwrap();
    assert_eq!((read.made, read.next, read.signing), (chain.made(), 0, chain.signing()));
    assert_eq!(read.key.to_bytes(), chain.announcement().unwrap().key.to_bytes());
    assert!(format!("{read:?}").contains("SenderChainKey(..)"));
}

#[test]
fn announcements_have_one_form() {
    let (_, bytes) = announced();
    let refused =
        |bytes: &[u8], rule| assert_eq!(decode_sender_chain(bytes).err(), Some(rule), "{bytes:02x?}");
    assert_eq!(bytes[..3], [0xa7, 0, 1]);
    for cut in 0..bytes.len() {
        refused(&bytes[..cut], PeerError::Malformed);
    }
    refused(&[bytes.as_slice(), &[0]].concat(), PeerError::Malformed);
    let with = |place: usize, value: u8| {
        let mut altered = bytes.clone();
        altered[place] = value;
        altered
    };
    refused(&with(2, 2), PeerError::UnknownVersion);
    let key = bytes.len() - 33;
    refused(&with(key, 5), PeerError::BadKey);
    refused(&with(key, 4), PeerError::BadKey);
    // n: key 4 and a short integer in front of key 5.
    let n = bytes.windows(3).position(|part| part == [0x04, 0x00, 0x05]).unwrap() + 1;
    assert!(decode_sender_chain(&[&bytes[..n], &[0x18, 99], &bytes[n + 1..]].concat()).is_ok());
    refused(&[&bytes[..n], &[0x18, 100], &bytes[n + 1..]].concat(), PeerError::OutOfBounds);
    refused(&[&bytes[..n], &[0x18, 0], &bytes[n + 1..]].concat(), PeerError::NotDeterministic);
    refused(&[&[0xa8], &bytes[1..3], &bytes[1..]].concat(), PeerError::NotDeterministic);
    refused(&[&[0xbf], &bytes[1..], &[0xff]].concat(), PeerError::NotDeterministic);
    refused(&[&bytes[..4], &[0x4f], &bytes[6..]].concat(), PeerError::OutOfBounds);
    refused(&[&[0xa6], &bytes[1..bytes.len() - 36]].concat(), PeerError::Malformed);
    refused(&vec![0; limits::SENDER_CHAIN_MAX + 1], PeerError::TooLarge);
    // Inside a session keys of later versions are passed over.
    assert!(decode_sender_chain(&[&[0xa8], &bytes[1..], &[0x07, 0x00]].concat()).is_ok());
    // Anything else either reads as another announcement or is refused.
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = decode_sender_chain(&altered) {
            assert_eq!(*encode_sender_chain(&read), altered, "bit {bit}");
        }
    }
}
