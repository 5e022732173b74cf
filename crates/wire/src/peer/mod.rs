//! What two clients say to each other: signed key material, the invite, what envelopes and links carry, and the
//! plaintexts inside the ratchet.

mod bundle;
mod carried;
pub mod codec;
mod content;
mod device_list;
mod ephemeral;
mod error;
mod file_frame;
mod invite;
pub mod limits;
mod link;
mod message;
mod roster;
mod sender_chain;
mod signal;
mod signed;

pub use bundle::{Bundle, UnsignedBundle};
pub use carried::{Carried, FirstPrefix};
pub use codec::Text;
pub use content::{CancelReason, Content, Manifest, Name};
pub use device_list::{DeviceList, ListedDevice, Succession};
pub use ephemeral::Ephemeral;
pub use error::PeerError;
pub use file_frame::{FileFrame, FileFrameError, FileFrameKind, TransferTag};
pub use invite::{InviteContents, InviteLink, LinkError};
pub use link::LinkFrame;
pub use message::{Body, Message, MessageIds, Newer};
pub use roster::{EntryError, Operation, ReceivedEntry, Role, RosterEntry, VerifiedEntry};
pub use sender_chain::{decode_sender_chain, encode_sender_chain};
pub use signal::{DescriptionKind, Signal};

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod group_attacks;
#[cfg(test)]
mod tests;
