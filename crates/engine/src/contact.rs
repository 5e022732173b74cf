//! Whom we know, and how to reach them.

use minicbor::{Decode, Encode};
use sotto_crypto::envelope::Address;
use sotto_crypto::keys::{DeliveryPublic, DevicePublic};
use sotto_crypto::{DeliveryToken, DeviceId, MailboxId};
use sotto_wire::FixedBytes;
use sotto_wire::peer::{DeviceList, Succession, codec};

use crate::conversation::Conversation;
use crate::{ContactId, ContactView, Devices, InviteId, Route, Standing, Timestamp, policy};

/// A token by which a contact writes to our mailbox.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Issued {
    #[n(0)]
    #[cbor(with = "codec::item")]
    pub(crate) token: DeliveryToken,
    /// Whether our server knows it.
    #[n(1)]
    pub(crate) registered: bool,
}

impl Issued {
    pub(crate) fn hash(&self) -> [u8; 32] {
        *self.token.hash().as_bytes()
    }
}

/// One contact: one record.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Contact {
    #[n(0)]
    #[cbor(with = "codec::item")]
    pub(crate) list: DeviceList,
    /// Its device that we talk to.
    #[n(1)]
    #[cbor(with = "codec::item")]
    pub(crate) device: DeviceId,
    #[n(2)]
    #[cbor(with = "codec::item")]
    pub(crate) mailbox: MailboxId,
    /// By which we write to it.
    #[n(3)]
    #[cbor(with = "codec::item")]
    pub(crate) token: DeliveryToken,
    #[n(4)]
    #[cbor(with = "codec::item")]
    pub(crate) delivery: DeliveryPublic,
    /// What it calls itself.
    #[n(5)]
    pub(crate) name: String,
    /// What we call it; empty for its own name.
    #[n(6)]
    pub(crate) petname: String,
    #[n(7)]
    pub(crate) standing: Standing,
    #[n(8)]
    pub(crate) verified: bool,
    /// By which it writes to us; the last is the one it has been told newest.
    #[n(9)]
    pub(crate) issued: Vec<Issued>,
    #[n(10)]
    pub(crate) conversation: Conversation,
    /// The delivery key of ours it was told last.
    #[n(11)]
    pub(crate) delivery_told: u32,
    /// When it was last asked to say something again, in milliseconds since 1970.
    #[n(12)]
    pub(crate) asked_at: Option<u64>,
    /// What it is still to be asked to say again.
    #[n(13)]
    pub(crate) ask_again: Vec<FixedBytes<16>>,
    /// Our state was rolled back: nothing is sent before a fresh session stands.
    #[n(14)]
    pub(crate) needs_fresh: bool,
    /// Messages that came through the mailbox and are to be acknowledged there.
    #[n(15)]
    pub(crate) owed: Vec<FixedBytes<16>>,
    /// Since when the server refuses the token by which we write to it.
    #[n(16)]
    pub(crate) refused: Option<Timestamp>,
    /// The newest version of its device list that was named; nothing is sent before that is held.
    #[n(17)]
    pub(crate) named_list: Option<u32>,
    /// When two lists of one version were seen; nothing is sent any more.
    #[n(18)]
    pub(crate) split: Option<Timestamp>,
    /// The invite of ours by which it came last.
    #[n(19)]
    pub(crate) came_by: Option<InviteId>,
}

impl Contact {
    pub(crate) fn id(&self) -> ContactId {
        ContactId(*self.list.account().id().as_bytes())
    }

    pub(crate) fn device(&self) -> Option<&DevicePublic> {
        self.list.device(self.device)
    }

    pub(crate) fn address(&self) -> Address {
        Address { mailbox: self.mailbox, delivery_key: self.delivery }
    }

    /// What is known of its devices.
    pub(crate) fn devices(&self) -> Devices {
        if self.split.is_some() {
            Devices::Split
        } else if self.device().is_none() {
            Devices::Gone
        } else if self.named_list.is_some_and(|named| named > self.list.version()) {
            Devices::Awaited
        } else {
            Devices::Known
        }
    }

    /// Whether nothing can be sent to it any more, perhaps never again until both meet anew.
    pub(crate) fn is_lost(&self) -> bool {
        self.standing == Standing::Ended || self.refused.is_some() || self.devices() != Devices::Known
    }

    /// Whether it may be met anew under this list: under an earlier one than is held or was named, devices that were
    /// taken out would come back; under another one of a version that is held, only if two are known of already.
    pub(crate) fn may_be_met_under(&self, list: &DeviceList) -> bool {
        if self.named_list.is_some_and(|named| list.version() < named) {
            return false;
        }
        match list.after(&self.list) {
            Ok(Succession::Same | Succession::Next | Succession::Ahead) => true,
            Ok(Succession::Split) => self.split.is_some(),
            Ok(Succession::Earlier) | Err(_) => false,
        }
    }

    /// Whether texts and files may be sent to it.
    pub(crate) fn may_be_written_to(&self) -> bool {
        matches!(self.standing, Standing::AwaitingTheirs | Standing::Confirmed)
    }

    /// Whether the token it was told newest opens our mailbox already, so that it can answer.
    pub(crate) fn can_answer(&self) -> bool {
        self.issued.last().is_some_and(|issued| issued.registered)
    }

    /// Gives it another token. The oldest, if it has too many, is to be revoked.
    #[must_use]
    pub(crate) fn issue(&mut self, token: Issued) -> Option<Issued> {
        self.issued.push(token);
        (self.issued.len() > policy::ISSUED_MAX).then(|| self.issued.remove(0))
    }

    pub(crate) fn owe(&mut self, message_id: [u8; 16]) {
        let id = FixedBytes::from(message_id);
        if !self.owed.contains(&id) {
            self.owed.push(id);
        }
        if self.owed.len() > policy::OWED_MAX {
            self.owed.remove(0);
        }
    }

    pub(crate) fn may_ask_again(&self, now: Timestamp) -> bool {
        // A time in the future was told by a clock that was wrong.
        let passed = |at| Timestamp(at) > now || now.saturating_since(Timestamp(at)) >= policy::RETRY_EVERY;
        self.asked_at.is_none_or(passed)
    }

    pub(crate) fn view(&self, route: Route) -> ContactView {
        let name = if self.petname.is_empty() { &self.name } else { &self.petname };
        ContactView {
            id: self.id(),
            name: name.clone(),
            standing: self.standing,
            verified: self.verified,
            route,
            path: None,
            last: self.conversation.last.clone(),
            unread: u32::try_from(self.conversation.unread.len()).unwrap_or(u32::MAX),
            read_up_to: self.conversation.read_up_to,
            refused: self.refused.is_some() && self.standing != Standing::Ended,
            devices: self.devices(),
            came_by: self.came_by,
        }
    }
}
