//! Test vectors for implementations in other languages: what lies in `docs/vectors/`.
//!
//! A module makes the cases of one structure; [`STRUCTURES`] lists them. To add one: write
//! `fn fill(cases: &mut Cases)`, draw only through [`Case::random`], say what is [`given`](Case::given) and what to
//! [`expect`](Case::expect) or [`refused`](Case::refused), list it below, run `cargo xtask vectors`, and add a test that
//! reads the file back without this module (`tests/vectors/`).

mod backup;
mod backup_content;
mod bundle;
pub mod cbor;
mod conversation;
mod device_list;
mod device_list_succession;
mod envelope;
mod file;
mod file_frame;
pub mod form;
mod invite;
mod labels;
mod members;
mod messages;
mod messages_refused;
mod people;
mod points;
pub mod primitives;
mod random;
mod ratchet;
mod recovery_key;
mod roster;
mod roster_entries;
mod safety_number;
mod sender_chains;
mod sender_keys;
mod server;
mod signatures;
mod vault_record;
mod vault_slot;
mod x3dh;

use std::path::{Path, PathBuf};

pub use form::{Case, Cases, Rule, Structure};
pub use people::Person;
pub use random::Recorder;
use sotto_crypto::Timestamp;

/// The version of the protocol all these are of: the one that stands in everything signed.
pub const PROTOCOL: u8 = sotto_wire::peer::limits::VERSION;

/// The time of every case that needs one and names no other.
pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Every file, in the order in which they build on one another.
pub const STRUCTURES: &[Structure] = &[
    labels::LABELS,
    points::POINTS,
    signatures::SIGNATURES,
    device_list::DEVICE_LIST,
    device_list_succession::DEVICE_LIST_SUCCESSION,
    bundle::BUNDLE,
    invite::INVITE,
    x3dh::X3DH,
    ratchet::RATCHET,
    envelope::ENVELOPE,
    messages::MESSAGES,
    file::FILE,
    file_frame::FILE_FRAME,
    safety_number::SAFETY_NUMBER,
    server::SERVER,
    roster::ROSTER,
    sender_keys::SENDER_KEYS,
    vault_record::VAULT_RECORD,
    vault_slot::VAULT_SLOT,
    recovery_key::RECOVERY_KEY,
    backup::BACKUP,
    backup_content::BACKUP_CONTENT,
];

/// `docs/vectors/vN`.
#[must_use]
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors").join(format!("v{PROTOCOL}"))
}

/// The file whose presence says that this version was released: its vectors never change again.
pub const RELEASED: &str = "RELEASED";
