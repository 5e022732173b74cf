//! A contact's device list, followed version by version: what is named is waited for, what splits is told.

use sotto_wire::peer::{DeviceList, Succession, limits};
use sotto_wire::server::{List, Opaque};

use super::Client;
use crate::turn::{Key, Turn};
use crate::{ContactId, Content, Delivery, Devices, MessageId, MessageView, Milestone};

/// Lists as they are announced.
pub(super) type Announced = List<Opaque<1, { limits::DEVICE_LIST_MAX }>, { limits::DEVICE_LISTS_MAX }>;

impl Client {
    /// Whether a contact's devices are known, so that something may be sent to it.
    pub(super) fn knows_devices(&self, id: ContactId) -> bool {
        self.contacts.get(&id).is_some_and(|contact| contact.devices() == Devices::Known)
    }

    /// A contact names the list it has: a newer one is waited for before anything more is sent.
    pub(super) fn list_named(&mut self, id: ContactId, version: u32, hash: &[u8; 32], turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        match contact.list.names(version, hash) {
            Succession::Same | Succession::Next => {}
            Succession::Earlier => turn.log("devices: their author names an earlier list"),
            Succession::Ahead => {
                if contact.named_list.is_none_or(|named| named < version) {
                    contact.named_list = Some(version);
                    turn.log("devices: their author names a list that is not here yet");
                    turn.touch(id);
                    self.close_link(id, turn);
                }
            }
            Succession::Split => self.lists_split(id, turn),
        }
    }

    /// A contact announces its newer lists: those that follow the held one take its place, one after the other.
    pub(super) fn lists_announced(&mut self, id: ContactId, lists: &Announced, turn: &mut Turn<'_>) {
        for bytes in lists.as_slice() {
            match DeviceList::decode(bytes.as_bytes()) {
                Ok(list) => self.list_came(id, list, turn),
                Err(_) => turn.log("devices: a list that is malformed or not signed"),
            }
        }
    }

    /// A list of a contact's.
    pub(super) fn list_came(&mut self, id: ContactId, list: DeviceList, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        match list.after(&contact.list) {
            Err(_) => turn.log("devices: another account's list"),
            Ok(Succession::Same | Succession::Earlier) => {}
            Ok(Succession::Ahead) => turn.log("devices: a list before this one is missing"),
            Ok(Succession::Split) => self.lists_split(id, turn),
            Ok(Succession::Next) => {
                contact.list = list;
                let gone = contact.device().is_none();
                let view = MessageView {
                    id: MessageId(turn.random()),
                    order: contact.conversation.local(id.0),
                    mine: false,
                    sent_at: turn.now,
                    content: Content::Milestone(Milestone::DevicesChanged),
                    delivery: Delivery::Incoming,
                };
                self.show(id, view, turn);
                if gone {
                    self.close_link(id, turn);
                } else {
                    self.want_link(id, turn);
                }
            }
        }
    }

    fn lists_split(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        turn.log("devices: two lists of one version");
        if contact.split.is_none() {
            contact.split = Some(turn.now);
            turn.dirty(Key::Contact(id));
            turn.touch(id);
            self.close_link(id, turn);
        }
    }
}
