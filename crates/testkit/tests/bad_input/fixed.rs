//! Every structure of fixed layout: cut at every length, extended, and every byte altered. Whatever opens it says which rule
//! refuses it, and is afterwards as it was.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::backup::{BackupHead, BackupSealer, RecoveryKey};
use sotto_crypto::envelope::{self, Address, SealedEnvelope, Sender, TagKey};
use sotto_crypto::file::{FileOpener, FilePass, FileSealer};
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{AccountPublic, DeliveryKey, SignedPreKey, SignedPreKeyPublic};
use sotto_crypto::passphrase::{Cost, Stretch, StretchedKey};
use sotto_crypto::ratchet::{MessageKind, Preview, Session};
use sotto_crypto::safety_number::{Fingerprint, SafetyNumber};
use sotto_crypto::sender_key::{ChainOwner, GroupMessage, ReceivingChain, RosterPlace, SendingChain};
use sotto_crypto::vault::{OpenTable, RecordPlace, SlotTable, VaultKey};
use sotto_crypto::x3dh::{self, PeerKeys, ResponderKeys};
use sotto_crypto::{DeliveryKeyId, FileId, GroupId, MailboxId, PreKeyId, RosterHash, Signature};

use sotto_engine::group::{Group, Roster};
use sotto_wire::peer::{FileFrame, FileFrameKind, TransferTag, VerifiedEntry};

use crate::structures::{NOW, Person, person, rule};

type Rules = &'static [&'static str];
type Open = Box<dyn Fn(&[u8]) -> Result<(), String>>;

struct Fixed {
    name: &'static str,
    valid: Vec<u8>,
    open: Open,
    /// What may be said of it cut to so many bytes, and extended.
    cut: fn(usize) -> Rules,
    longer: Rules,
    /// What may be said when this byte is altered; nothing for bytes that may be anything.
    altered: fn(usize) -> Rules,
}

fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

fn envelope_to(ben: &Person) -> Fixed {
    let anna = person(1);
    let delivery = DeliveryKey::generate(DeliveryKeyId(4), &mut rng(10));
    let mailbox = MailboxId::from_bytes([5; 16]);
    let sender = Sender { account: anna.list.account().id(), device: anna.list.devices()[0].device_id() };
    let tag = TagKey::between(&anna.identity, &ben.identity.public());
    let to = Address { mailbox, delivery_key: delivery.public() };
    let valid = envelope::seal(&to, sender, &tag, b"message", &mut rng(11)).unwrap();
    let open = move |bytes: &[u8]| {
        let sealed = SealedEnvelope::parse(bytes).map_err(rule)?;
        let opened = sealed.open(mailbox, &delivery).map_err(rule)?;
        opened.verify(&tag).map(drop).map_err(rule)
    };
    Fixed {
        name: "envelope",
        valid,
        open: Box::new(open),
        cut: |_| &["Malformed"],
        longer: &["Malformed"],
        altered: |byte| match byte {
            // Version, suite, first byte of `enc`.
            0..3 | 7 => &["Malformed"],
            3..7 => &["OtherKey"],
            // A point that is not on the curve, or another one.
            8..72 => &["Malformed", "BadTag"],
            _ => &["BadTag"],
        },
    }
}

fn boxes() -> [Fixed; 2] {
    let secret = || InviteSecret::from_bytes(&[0xfb; 32]);
    let name = secret().seal_name(b"Anna", &mut rng(12)).unwrap();
    let bundle = secret().seal_bundle(b"bundle", &mut rng(13)).unwrap();
    let of = |name, valid, open: Open| Fixed {
        name,
        valid,
        open,
        cut: |_| &["Malformed"],
        longer: &["Malformed"],
        altered: |_| &["BadTag"],
    };
    [
        of("name card", name, Box::new(move |bytes| secret().open_name(bytes).map(drop).map_err(rule))),
        of("bundle box", bundle, Box::new(move |bytes| secret().open_bundle(bytes).map(drop).map_err(rule))),
    ]
}

fn peer_keys(ben: &Person, signed_prekey: SignedPreKeyPublic) -> PeerKeys {
    let signature = ben.signing.sign_bundle(b"bundle", &mut rng(13));
    let signer = ben.list.devices()[0].verify_bundle(b"bundle", &signature).unwrap();
    PeerKeys::new(signer, signed_prekey, None)
}

/// Anna's session after Ben answered, and what is on its way to her: a message with one missing before it, an ephemeral
/// one, and one whose key was skipped.
fn session() -> (Vec<u8>, [Vec<u8>; 3], Vec<u8>, SignedPreKey) {
    let (anna, ben) = (person(1), person(2));
    let signed_prekey = SignedPreKey::generate(PreKeyId(3), &mut rng(14));
    let peer = peer_keys(&ben, signed_prekey.public());
    let device = &anna.list.devices()[0];
    let (agreement, keys) = x3dh::initiate(device, &anna.identity, &peer, None, &mut rng(15)).unwrap();
    let mut ours = Session::initiate(&agreement, &mut rng(16));
    let first = ours.seal(b"first", &mut rng(17)).unwrap();
    let responder = ResponderKeys {
        device: &ben.list.devices()[0],
        identity: &ben.identity,
        signed_prekey: &signed_prekey,
        one_time_prekey: None,
        invite: None,
    };
    let agreement = x3dh::respond(&responder, device, &keys).unwrap();
    let (mut theirs, _) = Session::respond(&agreement, &first, NOW).unwrap();
    let fresh = &mut rng(18);
    ours.open(&theirs.seal(b"answer", fresh).unwrap(), NOW).unwrap();
    let late = theirs.seal(b"late", fresh).unwrap();
    ours.open(&theirs.seal(b"in time", fresh).unwrap(), NOW).unwrap();
    theirs.seal(b"missing", fresh).unwrap();
    let message = theirs.seal(b"message", fresh).unwrap();
    let waiting = [message, theirs.seal_ephemeral(b"here", fresh).unwrap(), late];
    (ours.to_bytes().to_vec(), waiting, first, signed_prekey)
}

/// Opens either kind; an error leaves the session byte-identical.
fn open_message(state: &[u8], message: &[u8]) -> Result<(), String> {
    let mut session = Session::from_bytes(state).unwrap();
    let opened = match Preview::of(message).map(|preview| preview.kind) {
        Ok(MessageKind::Ephemeral) => session.open_ephemeral(message, NOW),
        _ => session.open(message, NOW),
    };
    if opened.is_err() {
        assert_eq!(*session.to_bytes(), state, "a refused message changed the state");
    }
    opened.map(drop).map_err(rule)
}

fn ratchet() -> [Fixed; 4] {
    let (state, [message, ephemeral, late], ..) = session();
    let open = |state: &[u8]| {
        let state = state.to_vec();
        Box::new(move |bytes: &[u8]| open_message(&state, bytes))
    };
    let cut = |length: usize| -> Rules { if length < 75 + 16 { &["Malformed"] } else { &["BadTag"] } };
    [
        Fixed {
            name: "ratchet message",
            valid: message,
            open: open(&state),
            cut,
            longer: &["BadTag"],
            altered: |byte| match byte {
                0 => &["Malformed"],
                // Another type is unknown, or an ephemeral message that does not open.
                1 => &["Malformed", "BadTag"],
                2..18 => &["WrongSession"],
                // No point, or another ratchet key, before which `pn` counts.
                18..51 => &["Malformed", "BadTag"],
                51..55 => &["BadTag"],
                55..59 => &["TooFarAhead", "KeyGone", "BadTag"],
                _ => &["BadTag"],
            },
        },
        Fixed {
            name: "ephemeral message",
            valid: ephemeral,
            open: open(&state),
            cut,
            longer: &["BadTag"],
            altered: |byte| match byte {
                0 => &["Malformed"],
                // Another type is unknown, or a message whose key is gone.
                1 => &["Malformed", "KeyGone"],
                2..18 => &["WrongSession"],
                18..51 => &["Malformed", "BadTag"],
                _ => &["BadTag"],
            },
        },
        Fixed {
            name: "late ratchet message",
            valid: late,
            open: open(&state),
            cut,
            longer: &["BadTag"],
            altered: |byte| match byte {
                0 => &["Malformed"],
                1 => &["Malformed", "KeyGone", "BadTag"],
                2..18 => &["WrongSession"],
                18..51 => &["Malformed", "BadTag"],
                // Another number: its key is gone, or further than one may jump.
                55..59 => &["TooFarAhead", "KeyGone", "BadTag"],
                _ => &["BadTag"],
            },
        },
        Fixed {
            name: "session at rest",
            valid: state,
            open: Box::new(|bytes| Session::from_bytes(bytes).map(drop).map_err(rule)),
            cut: |_| &["StateError"],
            longer: &["StateError"],
            altered: |byte| if byte == 0 { &["StateError"] } else { &[] },
        },
    ]
}

fn sender_chains() -> [Fixed; 3] {
    let device = person(1).list.devices()[0];
    let owner = ChainOwner {
        group: GroupId::from_bytes([1; 16]),
        account: device.account().id(),
        device: device.device_id(),
    };
    let place = RosterPlace { epoch: 2, hash: RosterHash::from_bytes([3; 32]) };
    let mut sending = SendingChain::generate(owner, place, &mut rng(19));
    let receiving = ReceivingChain::new(owner, sending.announcement().unwrap()).unwrap();
    let message = sending.seal(place, b"message", &mut rng(20)).unwrap();
    let state = receiving.to_bytes().to_vec();
    let open = {
        let state = state.clone();
        move |bytes: &[u8]| {
            let mut chain = ReceivingChain::from_bytes(&state).unwrap();
            let opened = GroupMessage::parse(bytes)
                .and_then(|message| chain.verify(message))
                .and_then(|message| chain.open(&message, NOW));
            if opened.is_err() {
                assert_eq!(*chain.to_bytes(), *state, "a refused message changed the state");
            }
            opened.map(drop).map_err(rule)
        }
    };
    [
        Fixed {
            name: "group message",
            valid: message,
            open: Box::new(open),
            cut: |length| if length < 121 + 16 + 64 { &["Malformed"] } else { &["BadSignature"] },
            longer: &["BadSignature"],
            altered: |byte| match byte {
                0 => &["Malformed"],
                // Group and chain.
                1..17 | 53..69 => &["WrongChain"],
                69..73 => &["TooFarAhead", "BadSignature"],
                _ => &["BadSignature"],
            },
        },
        Fixed {
            name: "sending chain at rest",
            valid: sending.to_bytes().to_vec(),
            open: Box::new(|bytes| SendingChain::from_bytes(bytes).map(drop).map_err(rule)),
            cut: |_| &["StateError"],
            longer: &["StateError"],
            altered: |byte| if byte == 0 { &["StateError"] } else { &[] },
        },
        Fixed {
            name: "receiving chain at rest",
            valid: state,
            open: Box::new(|bytes| ReceivingChain::from_bytes(bytes).map(drop).map_err(rule)),
            cut: |_| &["StateError"],
            longer: &["StateError"],
            altered: |byte| if byte == 0 { &["StateError"] } else { &[] },
        },
    ]
}

/// A group with a chain of its own, as it is stored.
fn group() -> Fixed {
    let anna = person(1);
    let device = anna.list.devices()[0].device_id();
    let founded = VerifiedEntry::found(&anna.list, device, &anna.signing, &mut rng(22)).unwrap();
    let roster = Roster::begin(&founded, None).unwrap();
    let mut group = Group::new(roster, anna.list.account().id(), device);
    group.rotate(NOW, &mut rng(23)).unwrap();
    Fixed {
        name: "group at rest",
        valid: group.to_bytes().to_vec(),
        open: Box::new(|bytes| Group::from_bytes(bytes).map(drop).map_err(rule)),
        cut: |_| &["StateError"],
        longer: &["StateError"],
        // The map, its first key, the version.
        altered: |byte| if byte < 3 { &["StateError"] } else { &[] },
    }
}

/// Credit on a link's file channel.
fn file_frame() -> Fixed {
    let transfer = TransferTag::of(FileId::from_bytes([7; 16]));
    let read = |bytes: &[u8]| {
        let read = FileFrame::read(bytes, bytes.len()).map(drop);
        read.map_err(|error| rule(error).split('(').next().unwrap_or_default().to_owned())
    };
    Fixed {
        name: "file frame",
        valid: FileFrame { transfer, kind: FileFrameKind::Credit { chunks: 17 } }.to_bytes().to_vec(),
        open: Box::new(read),
        cut: |_| &["Short"],
        longer: &["Malformed"],
        altered: |byte| match byte {
            // Data, or a cancel that says more.
            4..8 => &["Malformed"],
            8 => &["OutOfBounds"],
            _ => &[],
        },
    }
}

fn file_chunk() -> Fixed {
    let pass = FilePass::generate(5, &mut rng(21)).unwrap();
    let key = pass.key();
    let mut sealer = FileSealer::start(pass);
    let mut chunk = [b"bytes", [0; 16].as_slice()].concat();
    sealer.seal_next(&mut chunk).unwrap();
    let opener = FileOpener::new(*sealer.header(), &key);
    let open = move |bytes: &[u8]| {
        let mut buffer = bytes.to_vec();
        let opened = opener.open(0, &mut buffer).map(drop).map_err(rule);
        assert!(opened.is_ok() || buffer == bytes, "a refused chunk was changed");
        opened
    };
    Fixed {
        name: "file chunk",
        valid: chunk,
        open: Box::new(open),
        cut: |_| &["WrongLength"],
        longer: &["WrongLength"],
        altered: |_| &["BadChunk"],
    }
}

fn vault() -> [Fixed; 2] {
    let cipher = VaultKey::from_bytes(&[1; 32]).store("store");
    let place = || RecordPlace { key: b"key", schema: 1, revision: 0 };
    let record = cipher.seal(&place(), b"content", &mut rng(22));
    let stretch = Stretch::generate(Cost::new(19_456, 2).unwrap(), &mut rng(23));
    let key = || StretchedKey::from_bytes(stretch, &[4; 32]);
    let mut open = OpenTable::new(VaultKey::from_bytes(&[1; 32]), &mut rng(24));
    open.set_passphrase(&key(), &mut rng(25)).unwrap();
    let table = open.table().to_bytes().to_vec();
    let main = table.clone();
    let opened = StretchedKey::from_bytes(stretch, &[4; 32]);
    // Which of the four slots is used is random; the others may hold anything.
    let used = (0..4).find(|number| {
        let mut without = main.clone();
        let slot = (main.len() - 26) / 4;
        let start = 26 + number * slot;
        without[start..start + slot].iter_mut().for_each(|byte| *byte ^= 1);
        SlotTable::from_bytes(&without).unwrap().open(&key()).is_err()
    });
    let used = used.expect("one slot opens");
    let slot = (main.len() - 26) / 4;
    let in_use = 26 + used * slot..26 + (used + 1) * slot;
    let open_table = move |bytes: &[u8]| {
        let read = SlotTable::from_bytes(bytes).map_err(rule)?;
        match read.open(&opened) {
            // A slot that is not used says nothing to anybody.
            Ok(_) if bytes[in_use.clone()] == main[in_use.clone()] && bytes != main => {
                Err("Unused".to_owned())
            }
            other => other.map(drop).map_err(rule),
        }
    };
    [
        Fixed {
            name: "vault record",
            valid: record,
            open: Box::new(move |bytes| cipher.open(&place(), bytes).map(drop).map_err(rule)),
            cut: |length| if length < 1 + 12 + 16 { &["Malformed"] } else { &["BadTag"] },
            longer: &["BadTag"],
            altered: |byte| if byte == 0 { &["Malformed"] } else { &["BadTag"] },
        },
        Fixed {
            name: "slot table",
            valid: table,
            open: Box::new(open_table),
            cut: |_| &["Malformed"],
            longer: &["Malformed"],
            altered: |byte| match byte {
                0 => &["NewerVersion"],
                1..26 => &["Malformed", "TooWeak", "TooCostly", "OtherStretch"],
                _ => &["NoSlot", "Damaged", "Unused"],
            },
        },
    ]
}

fn backups() -> [Fixed; 2] {
    let key = RecoveryKey::generate(&mut rng(26));
    let other = RecoveryKey::from_text(&key.to_text()).unwrap();
    let mut sealer = BackupSealer::with_recovery_key(&key, &mut rng(27));
    let head = sealer.head().to_vec();
    assert_eq!(sealer.push(b"item").unwrap(), None);
    let chunks: Vec<Vec<u8>> = sealer.finish().collect();
    assert_eq!(chunks.len(), 1);
    let open_head = move |bytes: &[u8]| {
        let head = BackupHead::from_bytes(bytes).map_err(rule)?;
        head.open_with_recovery_key(&key).map(drop).map_err(rule)
    };
    let whole = head.clone();
    let open_chunk = move |bytes: &[u8]| {
        let head = BackupHead::from_bytes(&whole).map_err(rule)?;
        head.open_with_recovery_key(&other).map_err(rule)?.open_last(bytes).map(drop).map_err(rule)
    };
    [
        Fixed {
            name: "backup head",
            valid: head,
            open: Box::new(open_head),
            cut: |_| &["NotABackup"],
            longer: &["NotABackup"],
            altered: |byte| match byte {
                0..4 => &["NotABackup"],
                4 => &["NewerVersion"],
                5..30 => &["NotABackup", "TooWeak", "TooCostly", "WrongKey"],
                _ => &["WrongKey"],
            },
        },
        Fixed {
            name: "backup chunk",
            valid: chunks[0].clone(),
            open: Box::new(open_chunk),
            cut: |_| &["WrongLength"],
            longer: &["WrongLength"],
            altered: |_| &["BadChunk"],
        },
    ]
}

fn public_bytes() -> [Fixed; 3] {
    let anna = person(1);
    let [ours, theirs] = [1, 2].map(|seed| Fingerprint::of(person(seed).list.account()));
    let number = SafetyNumber::new(ours, theirs);
    let code = SafetyNumber::new(theirs, ours).qr().to_vec();
    let point = anna.list.account().as_bytes().to_vec();
    let signature = anna.signing.sign_bundle(b"bytes", &mut rng(28)).to_bytes().to_vec();
    let key = anna.signing.public();
    let verify = move |bytes: &[u8]| {
        let bytes = bytes.try_into().map_err(|_| "Length".to_owned())?;
        let signature = Signature::from_bytes(bytes).map_err(rule)?;
        key.verify_bundle(b"bytes", &signature).map_err(rule)
    };
    let expected = *anna.list.account();
    let read = move |bytes: &[u8]| {
        let bytes = bytes.try_into().map_err(|_| "Length".to_owned())?;
        match AccountPublic::from_bytes(bytes) {
            Ok(read) if read != expected => Err("OtherPoint".to_owned()),
            other => other.map(drop).map_err(rule),
        }
    };
    [
        Fixed {
            name: "safety number code",
            valid: code,
            open: Box::new(move |bytes| number.verify_scanned(bytes).map_err(rule)),
            cut: |_| &["Malformed"],
            longer: &["Malformed"],
            altered: |byte| if byte == 0 { &["Malformed"] } else { &["Differs"] },
        },
        Fixed {
            name: "point",
            valid: point,
            open: Box::new(read),
            cut: |_| &["Length"],
            longer: &["Length"],
            altered: |_| &["BadPoint", "OtherPoint"],
        },
        Fixed {
            name: "signature",
            valid: signature,
            open: Box::new(verify),
            cut: |_| &["Length"],
            longer: &["Length"],
            altered: |_| &["OutOfRange", "HighS", "Invalid"],
        },
    ]
}

fn all() -> Vec<Fixed> {
    let mut all = vec![envelope_to(&person(2)), file_chunk()];
    all.extend(boxes());
    all.extend(ratchet());
    all.extend(sender_chains());
    all.extend([group(), file_frame()]);
    all.extend(vault());
    all.extend(backups());
    all.extend(public_bytes());
    all
}

#[test]
fn every_fixed_layout_cut_extended_or_altered_is_refused_by_a_rule() {
    for Fixed { name, valid, open, cut, longer, altered } in all() {
        assert_eq!(open(&valid), Ok(()), "{name}");
        let mut tried = 0;
        let mut refused = |what: &str, bytes: &[u8], rules: Rules| {
            tried += 1;
            let rule = open(bytes).expect_err(&format!("{name}: {what} was accepted"));
            assert!(rules.contains(&rule.as_str()), "{name}: {what}: {rule}");
        };
        // Of something large, a part of the places; of all else, every one.
        let step = 1 + valid.len() / 300;
        for length in (0..valid.len()).step_by(step) {
            refused(&format!("cut to {length}"), &valid[..length], cut(length));
        }
        for more in [&[0][..], &[0xff; 16], &valid] {
            refused("extended", &[&valid, more].concat(), longer);
        }
        for byte in (0..valid.len()).step_by(step) {
            for flip in [1, 0x80, 0xff] {
                if altered(byte).is_empty() {
                    continue;
                }
                let mut bytes = valid.clone();
                bytes[byte] ^= flip;
                refused(&format!("byte {byte} altered by {flip:02x}"), &bytes, altered(byte));
            }
        }
        println!("{name}: {tried} inputs");
    }
}

/// A first message that does not open makes no session.
#[test]
fn there_is_no_session_of_a_bad_first_message() {
    let (anna, ben) = (person(1), person(2));
    let (_, _, first, signed_prekey) = session();
    let peer = peer_keys(&ben, signed_prekey.public());
    let device = &anna.list.devices()[0];
    // The same randomness gives the same ephemeral key, so this is the responder's agreement.
    let (_, keys) = x3dh::initiate(device, &anna.identity, &peer, None, &mut rng(15)).unwrap();
    let responder = ResponderKeys {
        device: &ben.list.devices()[0],
        identity: &ben.identity,
        signed_prekey: &signed_prekey,
        one_time_prekey: None,
        invite: None,
    };
    let agreement = x3dh::respond(&responder, device, &keys).unwrap();
    assert!(Session::respond(&agreement, &first, NOW).is_ok());
    for byte in 0..first.len() {
        let mut bytes = first.clone();
        bytes[byte] ^= 1;
        assert!(Session::respond(&agreement, &bytes, NOW).is_err(), "byte {byte}");
        assert!(Session::respond(&agreement, &first[..byte], NOW).is_err(), "cut to {byte}");
    }
}
