//! Files: offered, accepted, on their way, verified.
//!
//! A transfer that ends early is over for good: a file's key is never used for a second pass, the sender offers the
//! file again under a new id and key. So nothing has to be durable about leaves and chunks.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use sotto_crypto::file::{FileKey, FilePass};
use sotto_wire::peer::{CancelReason, TransferTag, codec};

use crate::{
    ContactId, Content, Delivery, FileFailure, FileId, FileState, FileView, LocalFile, MessageId,
    MessageOrder, MessageView, Timestamp, TransferFailure,
};

/// One file: one record, until it is over, or as long as it is kept here.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Transfer {
    #[n(0)]
    pub(crate) contact: ContactId,
    #[n(1)]
    pub(crate) message: MessageId,
    #[n(2)]
    pub(crate) order: MessageOrder,
    #[n(3)]
    pub(crate) sent_at: Timestamp,
    #[n(4)]
    pub(crate) delivery: Delivery,
    #[n(5)]
    pub(crate) view: FileView,
    #[n(6)]
    #[cbor(with = "codec::item")]
    pub(crate) key: FileKey,
    /// Root of what this device sent, or has on its disk.
    #[n(7)]
    pub(crate) own_root: Option<sotto_wire::FixedBytes<32>>,
    /// Root the other side names.
    #[n(8)]
    pub(crate) their_root: Option<sotto_wire::FixedBytes<32>>,
    /// The picked file, in this run only.
    #[cbor(skip)]
    pub(crate) local: Option<LocalFile>,
    /// What seals it, in this run only and until it is its turn: one file is sealed once.
    #[cbor(skip)]
    pub(crate) pass: Option<FilePass>,
}

impl core::fmt::Debug for Transfer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Transfer").field("state", &self.view.state).finish_non_exhaustive()
    }
}

impl Transfer {
    pub(crate) fn is_mine(&self) -> bool {
        self.delivery != Delivery::Incoming
    }

    /// The key, for whoever opens chunks.
    pub(crate) fn key(&self) -> FileKey {
        FileKey::from_bytes(&self.key.to_bytes())
    }

    pub(crate) fn message_view(&self) -> MessageView {
        MessageView {
            id: self.message,
            order: self.order,
            mine: self.is_mine(),
            sent_at: self.sent_at,
            content: Content::File(self.view.clone()),
            delivery: self.delivery,
        }
    }

    /// Whether nothing more will happen to it on its way.
    pub(crate) fn is_over(&self) -> bool {
        is_over(self.view.state)
    }

    /// Whether its record is still of use.
    pub(crate) fn is_needed(&self) -> bool {
        if !self.is_over() {
            return true;
        }
        if self.is_mine() {
            matches!(self.delivery, Delivery::Waiting | Delivery::Sent)
        } else {
            self.view.state == FileState::Verified
        }
    }

    /// Whether both sides name the same root; `None` while one of them is not known.
    pub(crate) fn roots_agree(&self) -> Option<bool> {
        Some(self.own_root? == self.their_root?)
    }
}

fn is_over(state: FileState) -> bool {
    match state {
        FileState::Offered | FileState::Accepted | FileState::Transferring => false,
        FileState::Verified
        | FileState::Declined
        | FileState::Cancelled { .. }
        | FileState::Failed(_)
        | FileState::Deleted => true,
    }
}

/// All files that are known here.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    pub(crate) by_file: BTreeMap<FileId, Transfer>,
    /// Whose turn it is to be sent, for each contact.
    pub(crate) sending: BTreeMap<ContactId, FileId>,
}

impl Transfers {
    pub(crate) fn find(&self, contact: ContactId, message: MessageId) -> Option<FileId> {
        self.by_file
            .iter()
            .find(|(_, transfer)| transfer.contact == contact && transfer.message == message)
            .map(|(file, _)| *file)
    }

    /// How many are offered or on their way with a contact.
    pub(crate) fn open_with(&self, contact: ContactId) -> usize {
        self.by_file.values().filter(|transfer| transfer.contact == contact && !transfer.is_over()).count()
    }

    /// The next of our files that the contact has accepted and that can still be read.
    pub(crate) fn next_to_send(&self, contact: ContactId) -> Option<FileId> {
        if self.sending.contains_key(&contact) {
            return None;
        }
        self.by_file
            .iter()
            .filter(|(_, transfer)| {
                transfer.contact == contact
                    && transfer.is_mine()
                    && transfer.view.state == FileState::Accepted
                    && transfer.local.is_some()
            })
            .min_by_key(|(_, transfer)| transfer.order)
            .map(|(file, _)| *file)
    }

    /// Whether another file that is not over begins with the same four bytes, which name it on the file channel.
    pub(crate) fn collides(&self, file: FileId) -> bool {
        let tag = |file: FileId| TransferTag::of(sotto_crypto::FileId::from_bytes(file.0));
        self.by_file.iter().any(|(known, transfer)| !transfer.is_over() && tag(*known) == tag(file))
    }
}

/// What the other side is told.
pub(crate) fn reason(failure: TransferFailure) -> CancelReason {
    match failure {
        TransferFailure::Unreadable => CancelReason::Unreadable,
        TransferFailure::NoSpace => CancelReason::NoSpace,
        TransferFailure::Storage => CancelReason::DeviceFailed,
        TransferFailure::Corrupt => CancelReason::Corrupt,
        TransferFailure::LinkLost => CancelReason::Interrupted,
    }
}

/// What the screen is told.
pub(crate) fn state(reason: CancelReason, by_me: bool) -> FileState {
    match reason {
        CancelReason::Stopped => FileState::Cancelled { by_me },
        CancelReason::Interrupted => FileState::Failed(FileFailure::Interrupted),
        CancelReason::Unreadable => FileState::Failed(FileFailure::Unreadable),
        CancelReason::NoSpace => FileState::Failed(FileFailure::NoSpace),
        CancelReason::Corrupt => FileState::Failed(FileFailure::Corrupt),
        CancelReason::DeviceFailed => FileState::Failed(FileFailure::DeviceFailed),
    }
}
