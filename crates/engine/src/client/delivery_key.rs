//! The delivery key of a contact that was heard of too long ago: it may be gone at the contact, and what is sealed to it is
//! read by nobody. Contacts tell a new one in what they say; two who were both away for long could tell each other
//! nothing any more. The server holds the contact's newest bundle, which the contact's device has signed.

use sotto_crypto::DeliveryKeyId;
use sotto_crypto::keys::DeliveryPublic;
use sotto_wire::peer::Bundle;
use sotto_wire::server::{FetchedPreKeys, Message as _};

use super::{Asked, Client};
use crate::account::{has_outlived, number_at};
use crate::outbox::Stage;
use crate::turn::{Key, Turn};
use crate::{ContactId, Response, policy};

impl Client {
    /// Asks for the newest bundle of a contact to whom something is to be said, if the key known may be gone; now and
    /// then, as long as it stays unknown.
    pub(super) fn look_up_delivery_key(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get(&id) else { return };
        let oldest_that_lives = DeliveryKeyId(number_at(turn.now));
        if !has_outlived(contact.delivery.id(), oldest_that_lives) {
            return;
        }
        let waits = !contact.owed.is_empty() || self.outbox.get(&id).is_some_and(|queue| !queue.is_empty());
        let lane = self.lanes.entry(id).or_default();
        let lately = lane
            .looked_up
            .is_some_and(|at| at <= turn.now && turn.now.saturating_since(at) < policy::DELIVERY_KEY_LOOK_UP);
        if !waits || lately || !self.socket.is_open() {
            return;
        }
        lane.looked_up = Some(turn.now);
        self.fetch_prekeys(id, Asked::DeliveryKey(id), turn);
    }

    /// The contact has another delivery key, as its device has signed or said. If the one known may be gone there, what
    /// was sealed to it is put there again.
    pub(super) fn another_delivery_key(&mut self, id: ContactId, key: DeliveryPublic, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        let known = contact.delivery.id();
        if key.id() <= known {
            return;
        }
        contact.delivery = key;
        turn.dirty(Key::Contact(id));
        if has_outlived(known, key.id()) || has_outlived(known, DeliveryKeyId(number_at(turn.now))) {
            self.say_waiting_again(id, turn);
        }
    }

    /// The bundle came: what was sealed to a key that is gone is sealed to the new one.
    pub(super) fn delivery_key_came(&mut self, id: ContactId, response: &Response, turn: &mut Turn<'_>) {
        let Response::Http { status: 200, body, .. } = response else { return };
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        let bundle = FetchedPreKeys::decode(body).ok().and_then(|fetched| {
            Bundle::decode(fetched.bundle.as_bytes(), &contact.list, turn.now_crypto()).ok()
        });
        let Some(bundle) = bundle.filter(|bundle| Some(bundle.device()) == contact.device()) else {
            turn.log("prekeys: no bundle of this contact");
            return;
        };
        if bundle.delivery().id() <= contact.delivery.id() {
            return;
        }
        contact.delivery = *bundle.delivery();
        turn.dirty(Key::Contact(id));
        let places: Vec<u64> = self.outbox.get(&id).into_iter().flatten().map(|(place, _)| *place).collect();
        for place in places {
            self.set_stage(id, place, Stage::Waiting, turn);
        }
        turn.pump.insert(id);
    }
}
