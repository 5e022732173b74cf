//! Sender chains: what opens, once, for whom, and what is refused without a trace.

use crate::common::{NOW, rng};
use rand_core::Rng;
use sotto_crypto::keys::GroupSigningKey;
use sotto_crypto::sender_key::{
    ChainAnnouncement, ChainOwner, GROUP_MESSAGE_OVERHEAD, GroupMessage, MAX_BODY, MAX_MESSAGES,
    ReceivingChain, RosterPlace, SenderChainKey, SenderKeyError, SendingChain,
};
use sotto_crypto::{AccountId, DeviceId, GroupId, RosterHash, Timestamp};
use std::collections::HashSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HEADER: usize = 121;
const PLACE: RosterPlace = RosterPlace { epoch: 3, hash: RosterHash::from_bytes([3; 32]) };
const LATER: RosterPlace = RosterPlace { epoch: 4, hash: RosterHash::from_bytes([4; 32]) };

fn owner(account: u8) -> ChainOwner {
    ChainOwner {
        group: GroupId::from_bytes([1; 16]),
        account: AccountId::from_bytes([account; 16]),
        device: DeviceId::from_bytes([9; 16]),
    }
}

fn chain(seed: u64) -> SendingChain {
    SendingChain::generate(owner(2), PLACE, &mut rng(seed))
}

fn reader(chain: &SendingChain) -> ReceivingChain {
    ReceivingChain::new(*chain.owner(), chain.announcement().unwrap()).unwrap()
}

fn open(chain: &mut ReceivingChain, message: &[u8], now: Timestamp) -> Result<Vec<u8>, SenderKeyError> {
    let signed = chain.verify(GroupMessage::parse(message)?)?;
    chain.open(&signed, now)
}

/// What must be refused must leave no trace.
fn refused(chain: &mut ReceivingChain, message: &[u8]) -> SenderKeyError {
    let before = chain.to_bytes();
    let error = open(chain, message, NOW).unwrap_err();
    assert_eq!(*chain.to_bytes(), *before, "{error:?} changed the chain");
    error
}

/// Signs a message anew as the chain's owner can.
fn signed_again(chain: &SendingChain, mut message: Vec<u8>) -> Vec<u8> {
    let secret: [u8; 32] = chain.to_bytes()[85..117].try_into().unwrap();
    let key = GroupSigningKey::from_bytes(&secret).unwrap();
    assert_eq!(key.public(), chain.signing());
    message.truncate(message.len() - 64);
    let signature = key.sign_group_message(&message, &mut rng(77));
    message.extend(signature.to_bytes());
    message
}

#[test]
fn messages_open_in_any_order_and_once() {
    let mut alice = chain(1);
    let (mut bob, mut carol) = (reader(&alice), reader(&alice));
    let rng = &mut rng(2);
    let texts: Vec<Vec<u8>> = (0..6_u8).map(|n| vec![n; usize::from(n)]).collect();
    let messages: Vec<Vec<u8>> = texts.iter().map(|text| alice.seal(LATER, text, rng).unwrap()).collect();
    for (text, message) in texts.iter().zip(&messages) {
        assert_eq!(message.len(), text.len() + GROUP_MESSAGE_OVERHEAD);
        assert_eq!(open(&mut bob, message, NOW).as_ref(), Ok(text));
        let signed = bob.verify(GroupMessage::parse(message).unwrap()).unwrap();
        assert_eq!((signed.place(), signed.number()), (LATER, u32::try_from(text.len()).unwrap()));
    }
    for place in [3, 0, 5, 1, 4, 2] {
        assert_eq!(open(&mut carol, &messages[place], NOW).as_ref(), Ok(&texts[place]));
    }
    for message in &messages {
        assert_eq!(refused(&mut bob, message), SenderKeyError::KeyGone);
        assert_eq!(refused(&mut carol, message), SenderKeyError::KeyGone);
    }
}

#[test]
fn whoever_comes_later_reads_from_there_on() {
    let mut alice = chain(1);
    let rng = &mut rng(2);
    let before = alice.seal(PLACE, b"before", rng).unwrap();
    let mut late = reader(&alice);
    let after = alice.seal(PLACE, b"after", rng).unwrap();
    assert_eq!(refused(&mut late, &before), SenderKeyError::KeyGone);
    assert_eq!(open(&mut late, &after, NOW).unwrap(), b"after");
}

#[test]
fn a_chain_has_a_hundred_messages() {
    let mut alice = chain(1);
    let mut bob = reader(&alice);
    let rng = &mut rng(2);
    let messages: Vec<_> = (0..MAX_MESSAGES).map(|_| alice.seal(PLACE, b"m", rng).unwrap()).collect();
    let state = alice.to_bytes();
    assert_eq!(alice.seal(PLACE, b"m", rng), Err(SenderKeyError::Exhausted));
    assert_eq!(alice.announcement().unwrap_err(), SenderKeyError::Exhausted);
    assert_eq!(*alice.to_bytes(), *state);
    // The last one first: all others are skipped, and open from storage too.
    assert!(open(&mut bob, &messages[99], NOW).is_ok());
    let mut bob = ReceivingChain::from_bytes(&bob.to_bytes()).unwrap();
    for message in messages[..99].iter().rev() {
        assert!(open(&mut bob, message, NOW).is_ok());
    }
    // A number that no chain reaches is refused before its signature is looked at.
    let mut beyond = messages[99].clone();
    beyond[69..73].copy_from_slice(&MAX_MESSAGES.to_be_bytes());
    assert_eq!(refused(&mut bob, &signed_again(&alice, beyond)), SenderKeyError::TooFarAhead);
    let mut announcement = chain(3).announcement().unwrap();
    announcement.next = MAX_MESSAGES;
    let taken = ReceivingChain::new(owner(2), announcement);
    assert_eq!(taken.unwrap_err(), SenderKeyError::TooFarAhead);
}

#[test]
fn any_changed_bit_is_refused() {
    let mut alice = chain(1);
    let mut bob = reader(&alice);
    let message = alice.seal(PLACE, b"hello", &mut rng(2)).unwrap();
    for bit in 0..message.len() * 8 {
        let mut altered = message.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let error = refused(&mut bob, &altered);
        let expected = match bit / 8 {
            0 => SenderKeyError::Malformed,
            1..=16 | 53..=68 => SenderKeyError::WrongChain,
            69..=71 => SenderKeyError::TooFarAhead,
            72 if altered[72] >= 100 => SenderKeyError::TooFarAhead,
            _ => SenderKeyError::BadSignature,
        };
        assert_eq!(error, expected, "bit {bit}");
    }
    for cut in 0..message.len() {
        assert!(open(&mut bob, &message[..cut], NOW).is_err(), "{cut}");
    }
    for cut in 0..GROUP_MESSAGE_OVERHEAD {
        assert_eq!(GroupMessage::parse(&message[..cut]).unwrap_err(), SenderKeyError::Malformed);
    }
    assert_eq!(refused(&mut bob, &[message.as_slice(), &[0]].concat()), SenderKeyError::BadSignature);
    assert_eq!(open(&mut bob, &message, NOW).unwrap(), b"hello");
}

#[test]
fn what_the_owner_itself_alters_is_refused_too() {
    let mut alice = chain(1);
    let (mut bob, mut carol) = (reader(&alice), reader(&alice));
    let message = alice.seal(PLACE, b"hello", &mut rng(2)).unwrap();
    // To Carol it comes late: its key is a skipped one.
    let next = alice.seal(PLACE, b"next", &mut rng(3)).unwrap();
    open(&mut carol, &next, NOW).unwrap();
    for (place, expected) in [
        (17, SenderKeyError::BadTag),
        (21, SenderKeyError::BadTag),
        (73, SenderKeyError::BadCommit),
        (89, SenderKeyError::BadCommit),
        (HEADER - 1, SenderKeyError::BadCommit),
        (HEADER, SenderKeyError::BadTag),
        (message.len() - 65, SenderKeyError::BadTag),
    ] {
        let mut altered = message.clone();
        altered[place] ^= 1;
        let altered = signed_again(&alice, altered);
        assert_eq!(refused(&mut bob, &altered), expected, "byte {place}");
        assert_eq!(refused(&mut carol, &altered), expected, "byte {place}, late");
    }
    let mut renumbered = message.clone();
    renumbered[72] ^= 1;
    assert_eq!(refused(&mut bob, &signed_again(&alice, renumbered)), SenderKeyError::BadCommit);
    let message = signed_again(&alice, message);
    assert_eq!(open(&mut bob, &message, NOW).unwrap(), b"hello");
    assert_eq!(open(&mut carol, &message, NOW).unwrap(), b"hello");
}

#[test]
fn one_message_says_one_thing_to_all() {
    let mut alice = chain(1);
    let mut bob = reader(&alice);
    let announcement = ChainAnnouncement { key: SenderChainKey::generate(&mut rng(5)), ..announce(&alice) };
    let mut carol = ReceivingChain::new(owner(2), announcement).unwrap();
    let message = alice.seal(PLACE, b"hello", &mut rng(2)).unwrap();
    assert_eq!(open(&mut bob, &message, NOW).unwrap(), b"hello");
    assert_eq!(refused(&mut carol, &message), SenderKeyError::BadCommit);
}

fn announce(chain: &SendingChain) -> ChainAnnouncement {
    chain.announcement().unwrap()
}

#[test]
fn a_chain_is_its_devices_own() {
    let mut alice = chain(1);
    let mut bob = reader(&alice);
    let message = alice.seal(PLACE, b"hello", &mut rng(2)).unwrap();
    // Whoever else announces the same keys has announced another chain.
    for (group, account, device) in [(1, 7, 9), (1, 2, 8), (5, 2, 9)] {
        let other = ChainOwner {
            group: GroupId::from_bytes([group; 16]),
            account: AccountId::from_bytes([account; 16]),
            device: DeviceId::from_bytes([device; 16]),
        };
        let announced = ChainAnnouncement { group: other.group, ..announce(&alice) };
        let mut theirs = ReceivingChain::new(other, announced).unwrap();
        assert_ne!(theirs.id(), alice.id());
        assert_eq!(refused(&mut theirs, &message), SenderKeyError::WrongChain);
    }
    let elsewhere = ChainOwner { group: GroupId::from_bytes([5; 16]), ..owner(2) };
    assert_eq!(ReceivingChain::new(elsewhere, announce(&alice)).unwrap_err(), SenderKeyError::WrongChain);
    // A reader knows the chain key and still cannot speak: all but the signature is right here.
    let mut state = alice.to_bytes();
    let mallory = GroupSigningKey::generate(&mut rng(3));
    state[85..117].copy_from_slice(mallory.to_bytes().as_slice());
    let mut forger = SendingChain::from_bytes(&state).unwrap();
    let mut forged = forger.seal(PLACE, b"forged", &mut rng(4)).unwrap();
    assert_eq!(refused(&mut bob, &forged), SenderKeyError::WrongChain);
    forged[53..69].copy_from_slice(alice.id().as_bytes());
    assert_eq!(refused(&mut bob, &signed_again(&forger, forged)), SenderKeyError::BadSignature);
    // One chain's verification is worth nothing to another.
    let mut other = reader(&chain(6));
    let signed = bob.verify(GroupMessage::parse(&message).unwrap()).unwrap();
    assert_eq!(other.open(&signed, NOW), Err(SenderKeyError::WrongChain));
}

#[test]
fn a_rolled_back_chain_repeats_no_key() {
    let mut alice = chain(1);
    let mut copy = SendingChain::from_bytes(&alice.to_bytes()).unwrap();
    let first = alice.seal(PLACE, &[0; 64], &mut rng(2)).unwrap();
    let second = copy.seal(PLACE, &[0; 64], &mut rng(3)).unwrap();
    assert_eq!(first[..73], second[..73]);
    assert_ne!(first[HEADER..HEADER + 64], second[HEADER..HEADER + 64]);
    let mut bob = reader(&chain(1));
    assert!(open(&mut bob, &second, NOW).is_ok());
    assert_eq!(refused(&mut bob, &first), SenderKeyError::KeyGone);
}

#[test]
fn nothing_longer_than_a_body() {
    let mut alice = chain(1);
    let mut bob = reader(&alice);
    let state = alice.to_bytes();
    let sealed = alice.seal(PLACE, &vec![0; MAX_BODY + 1], &mut rng(2));
    assert_eq!(sealed, Err(SenderKeyError::TooLong));
    assert_eq!(*alice.to_bytes(), *state);
    let longest = alice.seal(PLACE, &vec![7; MAX_BODY], &mut rng(2)).unwrap();
    assert_eq!(longest.len(), 61_641);
    assert_eq!(refused(&mut bob, &[longest.as_slice(), &[0]].concat()), SenderKeyError::Malformed);
    assert_eq!(open(&mut bob, &longest, NOW).unwrap(), vec![7; MAX_BODY]);
}

#[test]
fn old_skipped_keys_are_forgotten() {
    let mut alice = chain(1);
    let mut bob = reader(&alice);
    let rng = &mut rng(2);
    let messages: Vec<_> = (0..4).map(|_| alice.seal(PLACE, b"m", rng).unwrap()).collect();
    let later = Timestamp::from_millis(NOW.as_millis() + 1);
    open(&mut bob, &messages[1], NOW).unwrap();
    open(&mut bob, &messages[3], later).unwrap();
    bob.forget_skipped_before(later);
    assert_eq!(refused(&mut bob, &messages[0]), SenderKeyError::KeyGone);
    assert!(open(&mut bob, &messages[2], later).is_ok());
}

#[test]
fn states_survive_storage_and_nothing_else_is_read() {
    let mut alice = chain(1);
    let mut bob = reader(&alice);
    let rng = &mut rng(2);
    let messages: Vec<_> = (0..3).map(|_| alice.seal(PLACE, b"m", rng).unwrap()).collect();
    open(&mut bob, &messages[2], NOW).unwrap();
    let (ours, theirs) = (alice.to_bytes(), bob.to_bytes());
    let stored = SendingChain::from_bytes(&ours).unwrap();
    assert_eq!((stored.id(), stored.made(), stored.next()), (alice.id(), PLACE, 3));
    assert_eq!(*stored.to_bytes(), *ours);
    assert_eq!(*ReceivingChain::from_bytes(&theirs).unwrap().to_bytes(), *theirs);
    for cut in 0..ours.len() {
        assert!(SendingChain::from_bytes(&ours[..cut]).is_err(), "{cut}");
    }
    for cut in 0..theirs.len() {
        assert!(ReceivingChain::from_bytes(&theirs[..cut]).is_err(), "{cut}");
    }
    let changed = |bytes: &[u8], place: usize, value: u8| {
        let mut bytes = bytes.to_vec();
        bytes[place] = value;
        bytes
    };
    assert!(SendingChain::from_bytes(&[ours.as_slice(), &[0]].concat()).is_err());
    assert!(SendingChain::from_bytes(&changed(&ours, 0, 2)).is_err());
    assert!(SendingChain::from_bytes(&changed(&ours, ours.len() - 1, 101)).is_err());
    assert!(ReceivingChain::from_bytes(&[theirs.as_slice(), &[0]].concat()).is_err());
    assert!(ReceivingChain::from_bytes(&changed(&theirs, 0, 2)).is_err());
    assert!(ReceivingChain::from_bytes(&changed(&theirs, 85, 5)).is_err());
    // Two skipped keys, 44 bytes each, of numbers 0 and 1: neither twice, nor of messages to come.
    let first = theirs.len() - 88;
    assert_eq!(theirs[first - 1], 2);
    assert!(ReceivingChain::from_bytes(&changed(&theirs, first + 3, 1)).is_err());
    assert!(ReceivingChain::from_bytes(&changed(&theirs, first + 44 + 3, 3)).is_err());
}

#[test]
fn secrets_are_not_printed() {
    let alice = chain(1);
    let announcement = announce(&alice);
    let secret = format!("{:?}", announcement.key.to_bytes().as_slice());
    for printed in [format!("{alice:?}"), format!("{announcement:?}"), format!("{:?}", reader(&alice))] {
        assert!(!printed.contains(secret.trim_matches(['[', ']'])), "{printed}");
        assert!(printed.len() < 400, "{printed}");
    }
}

/// Any schedule of loss, duplication, reordering, corruption, storage and late readers, against the simplest model: a
/// message opens if the reader was told of the chain before it was sealed and has not opened it yet.
#[test]
fn schedules_agree_with_the_model() {
    struct Reader {
        chain: ReceivingChain,
        from: usize,
        opened: HashSet<usize>,
    }
    for seed in 0..24 {
        let rng = &mut rng(1_000 + seed);
        let mut alice = chain(seed);
        let mut sealed: Vec<Vec<u8>> = Vec::new();
        let new = |alice: &SendingChain, from| Reader { chain: reader(alice), from, opened: HashSet::new() };
        let mut readers = vec![new(&alice, 0)];
        for _ in 0..160 {
            let pick = usize::try_from(rng.next_u32()).unwrap();
            match pick % 8 {
                0 | 1 if alice.next() < MAX_MESSAGES => {
                    sealed.push(alice.seal(PLACE, &sealed.len().to_be_bytes(), rng).unwrap());
                }
                2 if readers.len() < 4 && alice.next() < MAX_MESSAGES => {
                    readers.push(new(&alice, sealed.len()));
                }
                3 => alice = SendingChain::from_bytes(&alice.to_bytes()).unwrap(),
                _ if sealed.is_empty() => {}
                what => {
                    let at = (pick / 8) % readers.len();
                    let reader = &mut readers[at];
                    let n = (pick / 64) % sealed.len();
                    let mut message = sealed[n].clone();
                    if what == 7 {
                        let bit = (pick / 4096) % (message.len() * 8);
                        message[bit / 8] ^= 1 << (bit % 8);
                    }
                    if what != 7 && n >= reader.from && reader.opened.insert(n) {
                        let opened = open(&mut reader.chain, &message, NOW);
                        assert_eq!(opened.as_deref(), Ok(n.to_be_bytes().as_slice()), "seed {seed}");
                    } else {
                        refused(&mut reader.chain, &message);
                    }
                    reader.chain = ReceivingChain::from_bytes(&reader.chain.to_bytes()).unwrap();
                }
            }
        }
        for reader in &mut readers {
            for n in (reader.from..sealed.len()).filter(|n| !reader.opened.contains(n)) {
                assert!(open(&mut reader.chain, &sealed[n], NOW).is_ok(), "seed {seed}, message {n}");
            }
        }
    }
}
