//! Every type that holds a secret prints none of it and cannot be cloned. That it is wiped is `tests/wiped`'s matter.

use crate::common::{NOW, Person, rng, sessions};
use rand_core::Rng;
use sotto_crypto::backup::{BackupHead, BackupOpener, BackupSealer, BackupTail, RecoveryKey};
use sotto_crypto::envelope::{self, Address, SealedEnvelope, Sender, TagKey, UnverifiedEnvelope};
use sotto_crypto::file::{FileKey, FileOpener, FilePass, FileSealer};
use sotto_crypto::invite::{InviteCredential, InviteSecret};
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DeviceSigningKey, GroupSigningKey, OneTimePreKey,
    SignedPreKey,
};
use sotto_crypto::passphrase::{Cost, Passphrase, Stretch, StretchedKey};
use sotto_crypto::ratchet::Session;
use sotto_crypto::sender_key::{
    ChainAnnouncement, ChainOwner, ReceivingChain, RosterPlace, SenderChainKey, SendingChain,
};
use sotto_crypto::vault::{OpenTable, StoreCipher, VaultKey};
use sotto_crypto::x3dh::{self, InitiatorAgreement, ResponderAgreement};
use sotto_crypto::{
    AccountId, DeliveryKeyId, DeliveryToken, DeviceId, GroupId, MailboxId, PreKeyId, RosterHash,
};
use std::fmt::Debug;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The list, and for each type that it is not `Clone`: if it were, two implementations of `Ambiguous` would fit and
/// this would not compile.
macro_rules! secret_types {
    ($($name:ident)*) => {
        const SECRET_TYPES: &[&str] = &[$(stringify!($name)),*];

        $(const _: fn() = || {
            trait Ambiguous<Which> {
                fn is_not_clone() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Cloneable;
            impl<T: ?Sized + Clone> Ambiguous<Cloneable> for T {}
            let _ = <$name as Ambiguous<_>>::is_not_clone;
        };)*
    };
}

secret_types! {
    AccountKey BackupOpener BackupSealer BackupTail ChainAnnouncement DeliveryKey DeliveryToken
    DeviceIdentityKey DeviceSigningKey FileKey FileOpener FilePass FileSealer GroupSigningKey InitiatorAgreement
    InviteCredential InviteSecret OneTimePreKey OpenTable Passphrase ReceivingChain RecoveryKey ResponderAgreement SenderChainKey SendingChain Session SignedPreKey
    StoreCipher StretchedKey TagKey UnverifiedEnvelope VaultKey
}

/// A secret that is told from anything else.
const SECRET: [u8; 32] = *b"\x17\x5e\xa9\x41\xc3\x8d\x72\xf6\x0b\x9a\x64\xd1\x38\xe7\x2c\xb5zq7-vx9-kw3-jp5x";

/// Secrets do not show in what `value` prints: as text, in hexadecimal, or as numbers.
#[track_caller]
fn redacted(value: &impl Debug, name: &str, secrets: &[&[u8]]) {
    assert!(SECRET_TYPES.contains(&name), "{name} is not in the list");
    let printed = format!("{value:?} {value:#?}");
    for part in secrets.iter().flat_map(|secret| secret.windows(4)) {
        assert!(!shows(&printed, part), "{name}: {printed}");
    }
}

/// Whether `printed` has these bytes as text, in hexadecimal, together or apart, or as numbers.
fn shows(printed: &str, part: &[u8]) -> bool {
    let printed: String = printed.to_lowercase().split_whitespace().collect();
    let written =
        |one: fn(&u8) -> String, between: &str| part.iter().map(one).collect::<Vec<_>>().join(between);
    let hexadecimal = |byte: &u8| format!("{byte:02x}");
    printed.contains(&written(hexadecimal, ""))
        || printed.contains(&written(|byte| format!("{byte:x}"), ","))
        || printed.contains(&written(u8::to_string, ","))
        || str::from_utf8(part).is_ok_and(|text| !text.contains(' ') && printed.contains(text))
}

macro_rules! redacted {
    ($type:ident, $value:expr, $($secret:expr),*) => {
        let value: &$type = $value;
        redacted(value, stringify!($type), &[$(&$secret[..]),*]);
    };
}

#[test]
fn keys_print_nothing_secret() {
    redacted!(AccountKey, &AccountKey::from_bytes(&SECRET).unwrap(), SECRET);
    redacted!(DeviceSigningKey, &DeviceSigningKey::from_bytes(&SECRET).unwrap(), SECRET);
    redacted!(GroupSigningKey, &GroupSigningKey::from_bytes(&SECRET).unwrap(), SECRET);
    redacted!(DeviceIdentityKey, &DeviceIdentityKey::from_bytes(&SECRET).unwrap(), SECRET);
    redacted!(SignedPreKey, &SignedPreKey::from_bytes(PreKeyId(1), &SECRET).unwrap(), SECRET);
    redacted!(OneTimePreKey, &OneTimePreKey::from_bytes(PreKeyId(1), &SECRET).unwrap(), SECRET);
    redacted!(DeliveryKey, &DeliveryKey::from_bytes(DeliveryKeyId(1), &SECRET).unwrap(), SECRET);
    redacted!(TagKey, &TagKey::from_bytes(&SECRET), SECRET);
    redacted!(DeliveryToken, &DeliveryToken::from_bytes(&SECRET), SECRET);
    redacted!(FileKey, &FileKey::from_bytes(&SECRET), SECRET);
    redacted!(VaultKey, &VaultKey::from_bytes(&SECRET), SECRET);
    redacted!(RecoveryKey, &RecoveryKey::from_bytes(&SECRET), SECRET);
    redacted!(SenderChainKey, &SenderChainKey::from_bytes(&SECRET), SECRET);
    redacted!(StoreCipher, &VaultKey::from_bytes(&SECRET).store("contacts"), SECRET);

    let link = InviteSecret::from_bytes(&SECRET);
    redacted!(InviteSecret, &link, SECRET);
    redacted!(InviteCredential, &link.credential(), SECRET, link.tag_key().to_bytes());

    redacted!(Passphrase, &Passphrase::new("zq7-vx9-kw3-jp5x").unwrap(), b"zq7-vx9-kw3-jp5x");
    let stretch = Stretch::generate(Cost::DEFAULT, &mut rng(1));
    redacted!(StretchedKey, &StretchedKey::from_bytes(stretch, &SECRET), SECRET);
    let mut open = OpenTable::new(VaultKey::from_bytes(&SECRET), &mut rng(2));
    redacted!(OpenTable, &open, SECRET);
    let stretch = open.stretch_for_new(&mut rng(3));
    open.set_passphrase(&StretchedKey::from_bytes(stretch, &SECRET), &mut rng(4)).unwrap();
    redacted!(OpenTable, &open, SECRET);
}

#[test]
fn states_print_nothing_secret() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (agreement, first) = alice.initiate(&bob.bundle(true), None, 3);
    let session = Session::initiate(&agreement, &mut rng(4));
    // The initiator's state begins with th, RK and its ratchet key.
    let state = session.to_bytes();
    redacted!(InitiatorAgreement, &agreement, state[1..33], alice.identity.to_bytes());
    let theirs = x3dh::respond(&bob.responder_keys(true, None), &alice.device, &first).unwrap();
    redacted!(ResponderAgreement, &theirs, state[1..33], bob.signed_prekey.to_bytes());
    redacted!(Session, &session, state[1..97]);
    let (mut ours, mut theirs) = sessions(5);
    let first = ours.seal(&SECRET, &mut rng(6)).unwrap();
    let second = ours.seal(&SECRET, &mut rng(7)).unwrap();
    theirs.open(&second, NOW).unwrap();
    drop(first);
    redacted!(Session, &theirs, SECRET, theirs.to_bytes()[1..97]);

    let mailbox = MailboxId::from_bytes([7; 16]);
    let delivery = DeliveryKey::generate(DeliveryKeyId(1), &mut rng(8));
    let address = Address { mailbox, delivery_key: delivery.public() };
    let sender = Sender { account: alice.account.public().id(), device: alice.device.device_id() };
    let tag_key = TagKey::between(&alice.identity, &bob.identity.public());
    let blob = envelope::seal(&address, sender, &tag_key, &SECRET, &mut rng(9)).unwrap();
    let opened = SealedEnvelope::parse(&blob).unwrap().open(mailbox, &delivery).unwrap();
    redacted!(UnverifiedEnvelope, &opened, SECRET);

    let pass = FilePass::generate(1, &mut rng(10)).unwrap();
    let key = pass.key();
    redacted!(FilePass, &pass, key.to_bytes());
    let sealer = FileSealer::start(pass);
    redacted!(FileSealer, &sealer, key.to_bytes());
    redacted!(FileOpener, &FileOpener::new(*sealer.header(), &key), key.to_bytes());
}

#[test]
fn chains_and_backups_print_nothing_secret() {
    let owner = ChainOwner {
        group: GroupId::from_bytes([1; 16]),
        account: AccountId::from_bytes([2; 16]),
        device: DeviceId::from_bytes([3; 16]),
    };
    let place = RosterPlace { epoch: 1, hash: RosterHash::from_bytes([4; 32]) };
    let mut sending = SendingChain::generate(owner, place, &mut rng(1));
    let announcement = sending.announcement().unwrap();
    let key = announcement.key.to_bytes();
    redacted!(ChainAnnouncement, &announcement, key);
    sending.seal(place, &SECRET, &mut rng(2)).unwrap();
    redacted!(
        SendingChain,
        &sending,
        key,
        sending.announcement().unwrap().key.to_bytes(),
        sending.to_bytes()[85..149]
    );
    redacted!(ReceivingChain, &ReceivingChain::new(owner, announcement).unwrap(), key);

    let recovery = RecoveryKey::from_bytes(&SECRET);
    let mut sealer = BackupSealer::with_recovery_key(&recovery, &mut rng(3));
    assert_eq!(sealer.push(&SECRET).unwrap(), None);
    redacted!(BackupSealer, &sealer, SECRET);
    let head = BackupHead::from_bytes(sealer.head()).unwrap();
    let mut tail = sealer.finish();
    redacted!(BackupTail, &tail, SECRET);
    let mut opener = head.open_with_recovery_key(&recovery).unwrap();
    redacted!(BackupOpener, &opener, SECRET);
    drop((tail.next(), opener.open(&[0; 10])));
    redacted!(BackupOpener, &opener, SECRET);
}

#[test]
fn a_secret_that_shows_is_noticed() {
    #[derive(Debug)]
    #[allow(dead_code, reason = "only printed")]
    struct Shows<T>(T);
    for shown in [
        format!("{:?}", Shows(SECRET)),
        format!("{:x?}", Shows(&SECRET[..])),
        SECRET.iter().map(|byte| format!("{byte:02X}")).collect(),
        String::from_utf8_lossy(&SECRET[16..]).into_owned(),
    ] {
        assert!(SECRET.windows(4).any(|part| shows(&shown, part)), "{shown}");
    }
    let mut other = [0; 32];
    rng(1).fill_bytes(&mut other);
    assert!(!SECRET.windows(4).any(|part| shows(&format!("{other:?} {other:x?}"), part)));
}

/// What has a secret inside stands in the list above: types the macros for keys and secrets make, and those whose
/// fields wipe themselves.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_list_is_whole() {
    fn sources(directory: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                sources(&entry, found);
            } else {
                found.push(std::fs::read_to_string(entry).unwrap());
            }
        }
    }
    const HOLDS: [&str; 9] = [
        "ZeroizeOnDrop",
        "Zeroizing<",
        "KeyPair",
        "Cipher",
        "ChainKey",
        "SigningKey,",
        "FileKey",
        "MessageSecret",
        "VaultKey",
    ];
    let mut files = Vec::new();
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);

    let mut holding = Vec::new();
    for file in &files {
        for declaration in ["pub struct ", "pub enum "] {
            for (place, _) in file.match_indices(declaration) {
                // From the derives to the end of the declaration; those of macros are named where they are used.
                let before = &file[file[..place].rfind("\n\n").unwrap_or(0)..place];
                let after = &file[place..];
                let after = &after[..after
                    .find("\n}")
                    .unwrap_or(after.len())
                    .min(after.find(";\n").unwrap_or(after.len()))];
                let name: String =
                    after[declaration.len()..].chars().take_while(|sign| sign.is_alphanumeric()).collect();
                if !name.is_empty() && HOLDS.iter().any(|word| before.contains(word) || after.contains(word))
                {
                    holding.push(name);
                }
            }
        }
        for block in file.split("\nsecrets! {").skip(1) {
            let lines = block.split("\n}").next().unwrap().lines();
            holding.extend(lines.filter_map(|line| line.trim().strip_suffix(';')).map(str::to_owned));
        }
        for block in file.split("\nnumbered_key! {").skip(1) {
            let mut names = block.lines().map(str::trim).filter(|line| line.ends_with(','));
            holding.extend(names.next().map(|name| name.trim_end_matches(',').to_owned()));
        }
    }
    holding.retain(|name| !SECRET_TYPES.contains(&name.as_str()));
    assert!(holding.is_empty(), "{holding:?} hold secrets and are not in the list");
}
