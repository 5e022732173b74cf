//! Secrets are gone from the heap once the structures and encodings that held them are dropped: `sotto-crypto`'s test of
//! the same name, for what travels and what is backed up.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests, and the helpers beside them")]
#![allow(unsafe_code, reason = "only an allocator sees what is freed, and to be one is unsafe")]

#[allow(dead_code, reason = "shared with another crate's tests")]
#[path = "../../crypto/tests/wiped/watch.rs"]
mod watch;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::file::FileKey;
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey, SignedPreKey,
};
use sotto_crypto::sender_key::{ChainOwner, RosterPlace, SendingChain};
use sotto_crypto::{
    AccountId, DeliveryKeyId, DeliveryToken, DeviceId, FileId, GroupId, MailboxId, PreKeyId, RosterHash,
    Timestamp,
};
use sotto_wire::backup::{BackupEntry, Standing};
use sotto_wire::peer::{
    Body, Content, DeviceList, InviteContents, InviteLink, ListedDevice, Manifest, Message, Name, Text,
    UnsignedBundle, decode_sender_chain, encode_sender_chain,
};
use sotto_wire::server::Opaque;
use watch::{Announcing, Watch, Watching};
use zeroize::Zeroizing;

#[global_allocator]
static ALLOCATOR: Watching = Watching;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const ORIGIN: &str = "https://sotto.example";
const FILE_KEY: [u8; 32] =
    *b"\x17\x5e\xa9\x41\xc3\x8d\x72\xf6\x0b\x9a\x64\xd1\x38\xe7\x2c\xb5zq7-vx9-kw3-jp5x";

fn rng(watch: &Watch, seed: u64) -> Announcing<'_> {
    Announcing(watch, ChaCha12Rng::seed_from_u64(seed))
}

fn name() -> Name {
    Name::new("name".to_owned()).unwrap()
}

fn body(content: Content, token: DeliveryToken) -> Message {
    Message::Body(Body {
        message_id: [1; 16],
        sequence: 2,
        previous: [3; 32],
        lamport: 4,
        sent_at: 5,
        list_version: 1,
        list_hash: [6; 32],
        content,
        delivery: None,
        token: Some(token),
        mailbox: Some(MailboxId::from_bytes([8; 16])),
        era: None,
    })
}

#[test]
fn bodies_with_tokens_and_file_keys() {
    let watch = Watch::begin();
    let rng = &mut rng(&watch, 1);
    watch.secret(&FILE_KEY);
    let hello = Content::Hello {
        name: name(),
        mailbox: MailboxId::from_bytes([8; 16]),
        token: DeliveryToken::generate(rng),
        bundle: Opaque::new(vec![7; 900]).unwrap(),
    };
    let offer = Content::FileOffer(Manifest {
        version: 1,
        file: FileId::from_bytes([1; 16]),
        key: FileKey::from_bytes(&FILE_KEY),
        size: 1,
        root: None,
        name: Text::new("file".to_owned()).unwrap(),
        mime: Text::new("text/plain".to_owned()).unwrap(),
    });
    for content in [hello, offer] {
        let message = Box::new(body(content, DeliveryToken::generate(rng)));
        let bytes = message.encode();
        let again = Box::new(Message::decode(&bytes).unwrap());
        assert_eq!(again.encode(), bytes);
        // Cut, it gets as far as the secrets and fails behind them.
        assert!(Message::decode(&bytes[..bytes.len() - 1]).is_err());
        drop((message, again, bytes));
    }
    watch.nothing_left();
}

struct Owner {
    account: AccountKey,
    signing: DeviceSigningKey,
    device: DevicePublic,
    list: DeviceList,
}

impl Owner {
    fn new(rng: &mut Announcing<'_>) -> Self {
        let account = AccountKey::generate(rng);
        let (signing, identity) = (DeviceSigningKey::generate(rng), DeviceIdentityKey::generate(rng));
        let id = DeviceId::from_bytes([1; 16]);
        let device = DevicePublic::new(account.public(), id, signing.public(), identity.public()).unwrap();
        let listed = ListedDevice { id, signing: signing.public(), identity: identity.public() };
        let list = DeviceList::sign(&account, 1, [0; 32], vec![listed], rng).unwrap();
        Self { account, signing, device, list }
    }
}

#[test]
fn invites() {
    let watch = Watch::begin();
    let rng = &mut rng(&watch, 2);
    let Owner { account, signing, device, list } = Owner::new(rng);
    let bundle = UnsignedBundle {
        device,
        signed_prekey: SignedPreKey::generate(PreKeyId(1), rng).public(),
        delivery: DeliveryKey::generate(DeliveryKeyId(1), rng).public(),
        created: NOW,
    };
    let one_time = OneTimePreKey::generate(PreKeyId(2), rng).public();
    let signed = bundle.sign(&signing, rng);
    let mailbox = MailboxId::from_bytes([6; 16]);
    let contents = InviteContents::encode(&list, &signed, one_time, mailbox, DeliveryToken::generate(rng));
    let secret = InviteSecret::generate(rng);
    let sealed = secret.seal_bundle(&contents, rng).unwrap();
    drop(contents);
    let opened = secret.open_bundle(&sealed).unwrap();
    drop(Box::new(InviteContents::decode(&opened, &account.public().hash(), NOW).unwrap()));
    drop(opened);

    let link = Box::new(InviteLink { secret, account: account.public().hash() });
    let text = Zeroizing::new(link.format(ORIGIN));
    watch.secret(&text.as_bytes()[text.len() - 80..]);
    drop(Zeroizing::new(link.format(ORIGIN)));
    drop(Box::new(InviteLink::parse(&text, ORIGIN).unwrap()));
    drop((link, text));
    watch.nothing_left();
}

#[test]
fn sender_chains() {
    let watch = Watch::begin();
    let rng = &mut rng(&watch, 3);
    let owner = ChainOwner {
        group: GroupId::from_bytes([1; 16]),
        account: AccountId::from_bytes([2; 16]),
        device: DeviceId::from_bytes([3; 16]),
    };
    let place = RosterPlace { epoch: 1, hash: RosterHash::from_bytes([4; 32]) };
    let announcement = Box::new(SendingChain::generate(owner, place, rng).announcement().unwrap());
    let bytes = encode_sender_chain(&announcement);
    drop(Box::new(decode_sender_chain(&bytes).unwrap()));
    drop((announcement, bytes));
    watch.nothing_left();
}

#[test]
fn backups() {
    let watch = Watch::begin();
    let rng = &mut rng(&watch, 4);
    let Owner { account, list, .. } = Owner::new(rng);
    let other = Owner::new(rng);
    let account = BackupEntry::Account { version: 1, key: account, list, name: name(), created: 5 };
    let contact = BackupEntry::Contact {
        list: other.list,
        name: name(),
        petname: name(),
        verified: true,
        standing: Standing::Confirmed,
        mailbox: MailboxId::from_bytes([6; 16]),
        token: DeliveryToken::generate(rng),
    };
    drop(other.account);
    for entry in [Box::new(account), Box::new(contact)] {
        let bytes = entry.encode();
        drop(Box::new(BackupEntry::decode(&bytes).unwrap()));
        assert!(BackupEntry::decode(&bytes[..bytes.len() - 1]).is_err());
        drop((entry, bytes));
    }
    watch.nothing_left();
}
