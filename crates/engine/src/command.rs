//! What the user can want.

use crate::{ContactId, FileId, InviteId, LocalFile, MessageId, MessageOrder};

/// One wish of the user. A wish that cannot be granted is answered by an
/// [`Event::Notice`](crate::Event::Notice) that says why.
#[derive(Clone)]
pub enum Command {
    /// Set one's own name, shown on invites made from now on and to contacts.
    SetName(String),

    /// Hide this device's network address from contacts, or not. Links that stand are made anew at once.
    SetRelayOnly(bool),
    /// Say what is known of the way to a contact. Answered by `Event::Examined`.
    Examine(ContactId),

    /// Make an invite link. Answered by `Event::InviteCreated`.
    CreateInvite,
    /// Make an invite unusable and forget it.
    RevokeInvite(InviteId),
    /// Look at the card behind a link, without using it up: a whole URL or just its fragment. Answered by
    /// `Event::Card`.
    LookAtInvite(String),
    /// Use the link last looked at, under this name. Answered by `Event::Card` until the conversation stands.
    AcceptInvite {
        /// One's own name.
        name: String,
    },

    /// Confirm that the one who came by an invite is the one who was meant.
    ConfirmContact(ContactId),
    /// Remove a contact, its sessions and its history from this device; its delivery token is revoked.
    RemoveContact(ContactId),
    /// Give a contact a name of one's own choosing; empty for the name it gave itself.
    RenameContact {
        /// Whom.
        contact: ContactId,
        /// The new name.
        name: String,
    },

    /// Send a text. Its draft goes with it; a text that cannot be sent is answered by `Event::TextReturned`.
    SendText {
        /// To whom.
        contact: ContactId,
        /// What; white space around it is removed.
        text: String,
    },
    /// Keep what is being written for the next run, sealed as everything.
    KeepDraft {
        /// To whom.
        contact: ContactId,
        /// All that is written so far; empty for nothing. What is longer than 64 KiB is cut there.
        text: String,
    },
    /// Read a page of history. Answered by `Event::History`.
    LoadHistory {
        /// Of which conversation.
        contact: ContactId,
        /// Only what is older than this.
        before: Option<MessageOrder>,
        /// At most so many.
        limit: u32,
    },
    /// Everything up to here has been seen.
    MarkRead {
        /// In which conversation.
        contact: ContactId,
        /// The newest message seen.
        up_to: MessageOrder,
    },

    /// Offer a file.
    OfferFile {
        /// To whom.
        contact: ContactId,
        /// The picked file.
        file: LocalFile,
        /// Its name.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// Its media type, may be empty.
        mime: String,
    },
    /// Accept an offered file.
    AcceptFile(ContactId, MessageId),
    /// Decline an offered file.
    DeclineFile(ContactId, MessageId),
    /// Stop a transfer or withdraw an offer.
    CancelFile(ContactId, MessageId),
    /// Open a received and verified file, to look at it or to save it. Answered by `TransferAction::Open`, or by
    /// `Notice::FileGone`.
    OpenFile(ContactId, FileId),
    /// Delete a received file from this device.
    DeleteFile(ContactId, FileId),

    /// What could not be read was taken note of. Answered by an empty `Event::Damage`.
    DismissDamage,

    /// Compute the safety number. Answered by `Event::SafetyNumber`.
    ShowSafetyNumber(ContactId),
    /// Compare with what was scanned from the other screen. Answered by `Event::SafetyNumberCompared`.
    CompareSafetyNumber {
        /// Whose screen it was.
        contact: ContactId,
        /// The bytes of the QR code.
        scanned: Vec<u8>,
    },
    /// Say whether the safety numbers were compared and equal.
    SetVerified {
        /// Whose.
        contact: ContactId,
        /// Equal or not (any more).
        verified: bool,
    },
}

impl core::fmt::Debug for Command {
    /// Only what kind of wish it is: the rest is what people say, and secrets of links.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::SetName(_) => "SetName(..)",
            Self::SetRelayOnly(_) => "SetRelayOnly(..)",
            Self::Examine(_) => "Examine(..)",
            Self::CreateInvite => "CreateInvite",
            Self::RevokeInvite(_) => "RevokeInvite(..)",
            Self::LookAtInvite(_) => "LookAtInvite(..)",
            Self::AcceptInvite { .. } => "AcceptInvite { .. }",
            Self::ConfirmContact(_) => "ConfirmContact(..)",
            Self::RemoveContact(_) => "RemoveContact(..)",
            Self::RenameContact { .. } => "RenameContact { .. }",
            Self::SendText { .. } => "SendText { .. }",
            Self::KeepDraft { .. } => "KeepDraft { .. }",
            Self::LoadHistory { .. } => "LoadHistory { .. }",
            Self::MarkRead { .. } => "MarkRead { .. }",
            Self::OfferFile { .. } => "OfferFile { .. }",
            Self::AcceptFile(..) => "AcceptFile(..)",
            Self::DeclineFile(..) => "DeclineFile(..)",
            Self::CancelFile(..) => "CancelFile(..)",
            Self::OpenFile(..) => "OpenFile(..)",
            Self::DeleteFile(..) => "DeleteFile(..)",
            Self::DismissDamage => "DismissDamage",
            Self::ShowSafetyNumber(_) => "ShowSafetyNumber(..)",
            Self::CompareSafetyNumber { .. } => "CompareSafetyNumber { .. }",
            Self::SetVerified { .. } => "SetVerified { .. }",
        })
    }
}
