//! What the screen is told.

use std::collections::BTreeMap;

use crate::{
    CardView, ContactId, ContactView, Damage, Examination, FileId, InviteId, InviteView, Linking,
    MessageView, Profile, Settings,
};

/// One change of what is to be seen. Ids say what changed; values are whole, so applying one twice is harmless.
#[derive(Clone, PartialEq)]
pub enum Event {
    /// The first event of a run: everything but the histories.
    Ready {
        /// Oneself.
        profile: Profile,
        /// All contacts.
        contacts: Vec<ContactView>,
        /// All invites not yet used.
        invites: Vec<InviteView>,
        /// What was being written to contacts.
        drafts: BTreeMap<ContactId, String>,
    },
    /// Oneself changed.
    Profile(Profile),
    /// What the user has set; follows `Ready`, and each change.
    Settings(Settings),
    /// Whether links can be made; follows `Ready`, and each change.
    Linking(Linking),
    /// What is known of the way to a contact now.
    Examined(Examination),
    /// The connection to the server changed.
    Server(ServerStatus),
    /// A contact is new or changed.
    Contact(ContactView),
    /// A contact is gone.
    ContactRemoved(ContactId),
    /// An invite was made. It can be shared before the server has it, and does not work before `InviteView::ready`.
    InviteCreated(InviteView),
    /// An invite changed.
    Invite(InviteView),
    /// An invite was used, revoked or has expired.
    InviteRemoved(InviteId),
    /// The card of the link that is being looked at.
    Card(CardView),
    /// A page of history, in ascending order.
    History {
        /// Of which conversation.
        contact: ContactId,
        /// The messages, oldest first.
        messages: Vec<MessageView>,
        /// Whether there are older ones.
        more: bool,
    },
    /// A message is new or changed.
    Message(ContactId, MessageView),
    /// A text that was to be sent was not taken. The notice before it says why, unless the contact's standing does.
    TextReturned {
        /// To whom.
        contact: ContactId,
        /// All of it.
        text: String,
    },
    /// How far a transfer is; not stored.
    Progress {
        /// Which file.
        file: FileId,
        /// Plaintext bytes on the receiver's disk.
        done: u64,
    },
    /// The safety number of a contact and oneself.
    SafetyNumber {
        /// Of which contact.
        contact: ContactId,
        /// Twelve groups of five digits, separated by spaces.
        digits: String,
        /// What the QR code carries.
        qr: Vec<u8>,
    },
    /// What was scanned was compared.
    SafetyNumberCompared {
        /// With which contact.
        contact: ContactId,
        /// Whether it matched.
        outcome: Comparison,
    },
    /// What is stored and could not be read: all that was not taken note of yet, also in earlier runs.
    Damage(Vec<Damage>),
    /// Something the user should know, once.
    Notice(Notice),
}

/// The state of the connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerStatus {
    /// Connected and authenticated.
    Connected,
    /// Not connected yet, or not any more; trying.
    Connecting,
    /// Not connected, and trying again was in vain; it goes on.
    Unreachable,
    /// The browser says that there is no network.
    Offline,
    /// The server refused this device's authentication; messages wait.
    Refused,
    /// Another connection of this same device took over; this client has stopped.
    Displaced,
}

/// The outcome of comparing a scanned safety number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal: the contact is now verified.
    Match,
    /// A safety number, but not ours: someone may sit between, or it is another person's.
    Mismatch,
    /// Not a safety number of this version.
    Unreadable,
}

/// Something to be said once. The screen has the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The text is longer than a message may be, in bytes.
    TextTooLong {
        /// The longest allowed, in UTF-8 bytes.
        limit: usize,
    },
    /// The name is longer than allowed, in bytes.
    NameTooLong {
        /// The longest allowed, in UTF-8 bytes.
        limit: usize,
    },
    /// The file has more than 2²² chunks.
    FileTooLarge,
    /// The file is not on this device (any more).
    FileGone(FileId),
    /// So many files are offered or on their way with this contact already.
    TooManyFiles(ContactId),
    /// So many invites are open already.
    TooManyInvites {
        /// The most allowed.
        limit: usize,
    },
    /// So many contacts exist already.
    TooManyContacts {
        /// The most allowed.
        limit: usize,
    },
    /// So many messages wait for this contact already.
    TooManyWaiting(ContactId),
    /// A link of ours was used by a second person, who was refused.
    InviteUsedTwice,
    /// The contact's mailbox is full; messages wait on this device.
    MailboxFull(ContactId),
    /// A message came that could not be decrypted; it has been asked for again.
    Undecryptable(ContactId),
    /// The contact sends without end: what is beyond a measure is not looked at. Removing it ends that.
    Flooding(ContactId),
    /// The history could not be read from this device's storage.
    HistoryUnreadable(ContactId),
}
