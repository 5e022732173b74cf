//! The values the screen shows.

use minicbor::{Decode, Encode};

use crate::{ContactId, FileId, InviteId, LinkPath, MessageId, Timestamp};

/// Oneself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The name others see; empty until it was given.
    pub name: String,
}

/// A contact as the list and the head of the conversation show it.
#[derive(Clone, PartialEq)]
pub struct ContactView {
    /// Who.
    pub id: ContactId,
    /// The name to show: one's own choice for it, else what it calls itself, without bidi controls.
    pub name: String,
    /// Whether it may already be talked to.
    pub standing: Standing,
    /// Whether safety numbers were compared.
    pub verified: bool,
    /// Where messages go now.
    pub route: Route,
    /// How, while that is over a data channel.
    pub path: Option<LinkPath>,
    /// The newest message.
    pub last: Option<MessageView>,
    /// How many messages came since the last that was seen.
    pub unread: u32,
    /// The newest message seen, for the "New messages" line.
    pub read_up_to: Option<MessageOrder>,
    /// Whether the server refuses the token by which we write to it: it was withdrawn, or the server has lost it. What
    /// is written waits on this device and is tried again, seldom; another token or a link ends this.
    pub refused: bool,
    /// What is known of its devices.
    pub devices: Devices,
    /// The invite of ours by which it came last; `None` if we came by its link.
    pub came_by: Option<InviteId>,
}

/// What is known of a contact's devices. Unless they are known, nothing is sent to it and what is written waits here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Devices {
    /// Its newest device list is held.
    Known,
    /// It has named a newer list that has not arrived yet.
    Awaited,
    /// There are two lists of one version: somebody may use its account key to come in between.
    Split,
    /// The device that was talked with is not one of its devices any more.
    Gone,
}

/// Whether a contact may already be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Standing {
    /// We used its link; it has not confirmed us yet. Texts can be sent.
    #[n(0)]
    AwaitingTheirs,
    /// It came by our link and waits to be confirmed. Nothing can be sent before that.
    #[n(1)]
    AwaitingOurs,
    /// Confirmed on both sides.
    #[n(2)]
    Confirmed,
    /// It ended the conversation or our token was revoked: nothing more can be delivered.
    #[n(3)]
    Ended,
}

/// Where messages to a contact go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Over a data channel, browser to browser.
    Direct,
    /// Over a data channel through a TURN server.
    Relayed,
    /// Through the server's open sockets or mailbox; a data channel is being tried for the first time since the last sign
    /// of life.
    Connecting,
    /// Through the server, to a contact that was heard lately: no channel could be made.
    Server,
    /// Into the contact's mailbox on the server: nothing was heard from it lately.
    Away,
    /// Nowhere: this device is not connected; messages wait here.
    Waiting,
}

/// A place in a conversation. Ordered as the screen orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct MessageOrder {
    /// Lamport time.
    #[n(0)]
    pub lamport: u64,
    /// Account id of the author, to break ties.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub author: [u8; 16],
    /// The author's own counter.
    #[n(2)]
    pub sequence: u64,
}

impl MessageOrder {
    /// Before every message.
    pub const START: Self = Self { lamport: 0, author: [0; 16], sequence: 0 };
}

/// A message as the conversation shows it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct MessageView {
    /// Which.
    #[n(0)]
    pub id: MessageId,
    /// Where it stands.
    #[n(1)]
    pub order: MessageOrder,
    /// Whether oneself wrote it.
    #[n(2)]
    pub mine: bool,
    /// When its author says it was sent.
    #[n(3)]
    pub sent_at: Timestamp,
    /// What it says.
    #[n(4)]
    pub content: Content,
    /// How far it got.
    #[n(5)]
    pub delivery: Delivery,
}

/// What a message says.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub enum Content {
    /// A text, as written.
    #[n(0)]
    Text(#[n(0)] String),
    /// A file.
    #[n(1)]
    File(#[n(0)] FileView),
    /// Messages of this author are missing here, and may still come.
    #[n(2)]
    Gap {
        /// How many; 0 when all have come since, so that there is nothing to show any more.
        #[n(0)]
        missing: u64,
    },
    /// Something happened in the conversation itself.
    #[n(3)]
    Milestone(#[n(0)] Milestone),
    /// A message is stored here and cannot be read; never stored itself.
    #[n(4)]
    Unreadable,
}

/// Things that happen in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Milestone {
    /// The contact came by our link.
    #[n(0)]
    CameByOurLink,
    /// We came by the contact's link.
    #[n(1)]
    CameByTheirLink,
    /// The inviter confirmed the invitee.
    #[n(2)]
    Confirmed,
    /// The contact ended the conversation.
    #[n(3)]
    Ended,
    /// The contact has another list of devices.
    #[n(4)]
    DevicesChanged,
    /// The contact said something that only a newer version of Sotto can read.
    #[n(5)]
    Newer,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Delivery {
    /// It came from the contact.
    #[n(0)]
    Incoming,
    /// On this device, waiting for a connection.
    #[n(1)]
    Waiting,
    /// The server has accepted it, or it went over the data channel.
    #[n(2)]
    Sent,
    /// The contact's device has acknowledged it.
    #[n(3)]
    Delivered,
    /// It cannot be delivered any more: the contact's token for us is gone.
    #[n(4)]
    Undeliverable,
}

/// A file as the conversation shows it.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct FileView {
    /// Which.
    #[n(0)]
    pub id: FileId,
    /// Its name, without bidi controls, path separators and control characters.
    #[n(1)]
    pub name: String,
    /// Its size in bytes.
    #[n(2)]
    pub size: u64,
    /// Its media type as the sender named it, may be empty.
    #[n(3)]
    pub mime: String,
    /// How far it got.
    #[n(4)]
    pub state: FileState,
}

/// How far a file got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub enum FileState {
    /// Offered; the receiver has not decided.
    #[n(0)]
    Offered,
    /// Accepted, waiting for a direct connection or its turn.
    #[n(1)]
    Accepted,
    /// On its way; `Event::Progress` says how far.
    #[n(2)]
    Transferring,
    /// All there, on the receiver's disk, and its root compared: whole and unaltered.
    #[n(3)]
    Verified,
    /// The receiver declined.
    #[n(4)]
    Declined,
    /// One side stopped it.
    #[n(5)]
    Cancelled {
        /// Whether oneself did.
        #[n(0)]
        by_me: bool,
    },
    /// It ended early; it has to be sent again.
    #[n(6)]
    Failed(#[n(0)] FileFailure),
    /// Verified once, deleted from this device since.
    #[n(7)]
    Deleted,
}

/// Why a transfer ended early, as the screen explains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum FileFailure {
    /// The connection broke, or a page was closed or reloaded.
    #[n(0)]
    Interrupted,
    /// The sender's file changed or cannot be read any more.
    #[n(1)]
    Unreadable,
    /// The receiver's device has no room.
    #[n(2)]
    NoSpace,
    /// What arrived is not what was sent.
    #[n(3)]
    Corrupt,
    /// One of the two devices cannot go on: its storage refuses, or what moves files there has stopped.
    #[n(4)]
    DeviceFailed,
}

/// An invite of ours.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteView {
    /// Which.
    pub id: InviteId,
    /// The link to share. A secret: whoever has it can come.
    pub link: String,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// Whether the server has it, so that it works.
    pub ready: bool,
}

/// The card behind a link that is being looked at.
#[derive(Clone, PartialEq, Eq)]
pub enum CardView {
    /// Asking the server.
    Looking,
    /// It can be accepted.
    Open {
        /// What the inviter calls itself, without bidi controls; may be empty.
        name: String,
    },
    /// It was accepted; the bundle is being fetched or the first message being made.
    Accepting {
        /// What the inviter calls itself.
        name: String,
    },
    /// The conversation stands.
    Accepted(ContactId),
    /// It leads to someone who is a contact already.
    AlreadyContact(ContactId),
    /// It cannot be used.
    Refused(CardRefusal),
}

/// Why a link cannot be used.
#[derive(Clone, PartialEq, Eq)]
pub enum CardRefusal {
    /// Not a link of Sotto: cut off, mistyped or altered.
    Malformed,
    /// Made by a newer version of Sotto.
    NewerVersion,
    /// It belongs to another server.
    OtherServer {
        /// Host of that server.
        host: String,
    },
    /// Somebody has used it already.
    Used,
    /// Expired, withdrawn, or it never existed.
    Gone,
    /// It belongs to a contact, and to an earlier list of its devices than is known of: a device that was taken out may
    /// have made it.
    OldDevices,
    /// It is one's own.
    Own,
    /// What the server gave does not fit the link: it was altered, there or on its way.
    Tampered,
    /// The server cannot be reached now; it can be tried again.
    Unreachable,
    /// The server asks to wait before trying again.
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
}
