//! Who we are: account, device, mailbox, prekeys.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use sotto_crypto::envelope::Sender;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey, SignedPreKey,
};
use sotto_crypto::{CryptoRng, DeliveryKeyId, DeviceId, MailboxId, PreKeyId, SessionId};
use sotto_wire::peer::codec;
use sotto_wire::peer::{DeviceList, ListedDevice, PeerError, UnsignedBundle};

use crate::accepted::{Accepted, BegunBefore};
use crate::turn::{Key, Turn};
use crate::{ContactId, Timestamp, policy};

/// The long-lived keys and what belongs to them: one record.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Identity {
    #[n(0)]
    #[cbor(with = "codec::item")]
    pub(crate) key: AccountKey,
    #[n(1)]
    #[cbor(with = "codec::item")]
    pub(crate) signing: DeviceSigningKey,
    #[n(2)]
    #[cbor(with = "codec::item")]
    pub(crate) identity: DeviceIdentityKey,
    #[n(3)]
    #[cbor(with = "codec::item")]
    pub(crate) mailbox: MailboxId,
    #[n(4)]
    #[cbor(with = "codec::item")]
    pub(crate) list: DeviceList,
    #[n(5)]
    pub(crate) name: String,
}

/// A private key with the times that decide when it may go.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Aged<K: codec::Item> {
    #[n(0)]
    #[cbor(with = "codec::item")]
    pub(crate) key: K,
    /// When a newer one took its place, in milliseconds since 1970.
    #[n(1)]
    replaced: Option<u64>,
    /// Whether the mailbox was empty once when that was long enough ago.
    #[n(2)]
    drained: bool,
}

/// Signed prekeys, delivery keys and the bundle: one record. One-time prekeys have records of their own.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PreKeys {
    #[n(0)]
    signed: Vec<Aged<SignedPreKey>>,
    #[n(1)]
    delivery: Vec<Aged<DeliveryKey>>,
    /// The last number of a one-time prekey, those of invites included.
    #[n(2)]
    next_one_time: u32,
    /// The signed bundle of the newest keys.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) bundle: Vec<u8>,
    /// When it was made, in milliseconds since 1970.
    #[n(4)]
    created: u64,
    /// Whether the server has it.
    #[n(5)]
    pub(crate) published: bool,
    /// Only in records of schema 1.
    #[n(6)]
    pub(crate) accepted_before: Option<Vec<BegunBefore>>,
    /// Hashes of tokens that the server is still to be told to refuse.
    #[n(7)]
    pub(crate) revoking: Vec<sotto_wire::FixedBytes<32>>,
}

/// Who we are.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) identity: Identity,
    pub(crate) prekeys: PreKeys,
    pub(crate) one_time: BTreeMap<u32, OneTimePreKey>,
    pub(crate) accepted: BTreeMap<ContactId, Accepted>,
    /// The highest sequence of the mailbox that was ever acknowledged.
    pub(crate) acknowledged: u64,
    device: DevicePublic,
}

impl Account {
    /// Makes a new account with one device.
    pub(crate) fn create(rng: &mut dyn CryptoRng, now: Timestamp) -> Result<Self, PeerError> {
        let key = AccountKey::generate(rng);
        let signing = DeviceSigningKey::generate(rng);
        let identity = DeviceIdentityKey::generate(rng);
        let listed = ListedDevice {
            id: DeviceId::generate(rng),
            signing: signing.public(),
            identity: identity.public(),
        };
        let list = DeviceList::sign(&key, 1, [0; 32], vec![listed], rng)?;
        let identity =
            Identity { key, signing, identity, mailbox: MailboxId::generate(rng), list, name: String::new() };
        let mut account = Self::restore(identity, PreKeys::default(), BTreeMap::new(), BTreeMap::new(), 0)?;
        account.rotate(rng, now, number_at(now));
        Ok(account)
    }

    pub(crate) fn restore(
        identity: Identity,
        prekeys: PreKeys,
        one_time: BTreeMap<u32, OneTimePreKey>,
        accepted: BTreeMap<ContactId, Accepted>,
        acknowledged: u64,
    ) -> Result<Self, PeerError> {
        let own = identity.signing.public();
        let device = identity.list.devices().iter().find(|device| *device.signing() == own);
        let device = *device.ok_or(PeerError::UnlistedDevice)?;
        Ok(Self { identity, prekeys, one_time, accepted, acknowledged, device })
    }

    pub(crate) fn id(&self) -> ContactId {
        ContactId(*self.device.account().id().as_bytes())
    }

    pub(crate) fn device(&self) -> &DevicePublic {
        &self.device
    }

    pub(crate) fn sender(&self) -> Sender {
        Sender { account: self.device.account().id(), device: self.device.device_id() }
    }

    /// The newest delivery key.
    pub(crate) fn delivery(&self) -> Option<&DeliveryKey> {
        self.prekeys.delivery.last().map(|aged| &aged.key)
    }

    pub(crate) fn delivery_of(&self, id: DeliveryKeyId) -> Option<&DeliveryKey> {
        self.prekeys.delivery.iter().map(|aged| &aged.key).find(|key| key.id() == id)
    }

    pub(crate) fn signed_of(&self, id: PreKeyId) -> Option<&SignedPreKey> {
        self.prekeys.signed.iter().map(|aged| &aged.key).find(|key| key.id() == id)
    }

    /// A one-time prekey under the next number, not kept here.
    pub(crate) fn make_one_time(&mut self, turn: &mut Turn<'_>) -> OneTimePreKey {
        // The count may be lost while keys are left.
        let last = self.one_time.last_key_value().map_or(0, |(id, _)| *id).max(self.prekeys.next_one_time);
        self.prekeys.next_one_time = next_number(last, number_at(turn.now));
        turn.dirty(Key::PreKeys);
        OneTimePreKey::generate(PreKeyId(self.prekeys.next_one_time), turn.rng)
    }

    /// Makes a batch of one-time prekeys to publish.
    pub(crate) fn refill(&mut self, turn: &mut Turn<'_>) -> Vec<u32> {
        let mut made = Vec::new();
        for _ in 0..policy::ONE_TIME_BATCH {
            let key = self.make_one_time(turn);
            let id = key.id().0;
            self.one_time.insert(id, key);
            turn.dirty(Key::OneTime(id));
            made.push(id);
        }
        while self.one_time.len() > policy::ONE_TIME_MAX {
            if let Some((id, _)) = self.one_time.pop_first() {
                turn.dirty(Key::OneTime(id));
            }
        }
        made
    }

    /// Remembers that a contact began this session. `false` if it did before. Who begins too many loses the oldest, so
    /// that nobody can use up what others need.
    pub(crate) fn accept_session(
        &mut self,
        id: SessionId,
        contact: ContactId,
        signed_prekey: PreKeyId,
        turn: &mut Turn<'_>,
    ) -> bool {
        if self.was_accepted(id, contact) {
            return false;
        }
        self.accepted.entry(contact).or_default().insert(id, signed_prekey);
        turn.dirty(Key::Accepted(contact));
        if self.accepted.len() > policy::ACCEPTED_CONTACTS_MAX {
            let others = self.accepted.iter().filter(|(other, _)| **other != contact);
            if let Some(oldest) =
                others.min_by_key(|(_, accepted)| accepted.newest()).map(|(other, _)| *other)
            {
                self.accepted.remove(&oldest);
                turn.dirty(Key::Accepted(oldest));
            }
        }
        true
    }

    pub(crate) fn was_accepted(&self, id: SessionId, contact: ContactId) -> bool {
        self.accepted.get(&contact).is_some_and(|accepted| accepted.contains(id))
    }

    /// Gives the sessions that schema 1 kept with the prekeys a record for each contact.
    pub(crate) fn migrate(&mut self, turn: &mut Turn<'_>) {
        let Some(before) = self.prekeys.accepted_before.take() else { return };
        for BegunBefore { id, signed_prekey, contact } in before {
            self.accept_session(id, contact, PreKeyId(signed_prekey), turn);
        }
        turn.dirty(Key::PreKeys);
    }

    /// Remembers to tell the server that a token is not valid any more.
    pub(crate) fn revoke(&mut self, hash: [u8; 32], turn: &mut Turn<'_>) {
        self.prekeys.revoking.push(hash.into());
        if self.prekeys.revoking.len() > policy::REVOKING_MAX {
            self.prekeys.revoking.remove(0);
        }
        turn.dirty(Key::PreKeys);
    }

    /// The mailbox has been empty: what was sealed to keys replaced long enough before that has arrived.
    pub(crate) fn drained(&mut self, turn: &mut Turn<'_>) {
        let mut changed = false;
        let signed = self.prekeys.signed.iter_mut().map(|aged| (aged.replaced, &mut aged.drained));
        let delivery = self.prekeys.delivery.iter_mut().map(|aged| (aged.replaced, &mut aged.drained));
        for (replaced, drained) in signed.chain(delivery) {
            let old = replaced.is_some_and(|at| turn.now.saturating_since(Timestamp(at)) >= policy::KEPT);
            if old && !*drained {
                *drained = true;
                changed = true;
            }
        }
        if changed {
            turn.dirty(Key::PreKeys);
        }
    }

    /// A contact that knows only delivery keys below this number is told the newest. The number of a key is the second
    /// in which it was made; no contact is told that it has the newest already.
    pub(crate) fn due_to_be_told(&self, now: Timestamp) -> u32 {
        let oldest = (now.0 / 1000).saturating_sub(policy::TOLD_AGAIN.as_secs());
        let newest = self.delivery().map_or(0, |key| key.id().0);
        newest.min(u32::try_from(oldest).unwrap_or(u32::MAX))
    }

    /// Renews keys that are due and deletes those that are not needed any more.
    pub(crate) fn look_after_keys(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let created = Timestamp(self.prekeys.created);
        // A bundle from the future, made while the clock was wrong, is refused by everybody.
        let ahead = created.saturating_since(now) >= sotto_wire::peer::limits::CLOCK_SKEW;
        if ahead || now.saturating_since(created) >= policy::ROTATION {
            self.rotate(turn.rng, now, number_at(now));
            turn.dirty(Key::PreKeys);
        }
        let before = (self.prekeys.signed.len(), self.prekeys.delivery.len());
        self.prekeys.signed.retain(Aged::is_needed);
        self.prekeys.delivery.retain(Aged::is_needed);
        if before != (self.prekeys.signed.len(), self.prekeys.delivery.len()) {
            turn.dirty(Key::PreKeys);
        }
        let signed = &self.prekeys.signed;
        self.accepted.retain(|contact, accepted| {
            if accepted.forget(|number| signed.iter().any(|aged| aged.key.id().0 == number)) {
                turn.dirty(Key::Accepted(*contact));
            }
            !accepted.is_empty()
        });
    }

    /// Renews keys that contacts may hold for older than some that were lost with the state: those were made under a clock
    /// that may have been ahead, and only a higher number counts as newer. At most once a day: a server can claim a
    /// roll-back as often as it likes.
    pub(crate) fn renew_after_roll_back(&mut self, turn: &mut Turn<'_>) {
        let skew = sotto_wire::peer::limits::CLOCK_SKEW;
        let highest_lost = number_at(turn.now.saturating_add(skew));
        if self.delivery().is_some_and(|key| key.id().0 > highest_lost) {
            return;
        }
        self.rotate(turn.rng, turn.now, number_at(turn.now.saturating_add(skew.saturating_mul(2))));
        turn.dirty(Key::PreKeys);
    }

    fn rotate(&mut self, rng: &mut dyn CryptoRng, now: Timestamp, number: u32) {
        let prekeys = &mut self.prekeys;
        let signed_id = next_number(prekeys.signed.last().map_or(0, |aged| aged.key.id().0), number);
        let delivery_id = next_number(prekeys.delivery.last().map_or(0, |aged| aged.key.id().0), number);
        let signed = SignedPreKey::generate(PreKeyId(signed_id), rng);
        let delivery = DeliveryKey::generate(DeliveryKeyId(delivery_id), rng);
        let bundle = UnsignedBundle {
            device: self.device,
            signed_prekey: signed.public(),
            delivery: delivery.public(),
            created: sotto_crypto::Timestamp::from_millis(now.0),
        };
        prekeys.bundle = bundle.sign(&self.identity.signing, rng);
        prekeys.created = now.0;
        prekeys.published = false;
        if let Some(last) = prekeys.signed.last_mut() {
            last.replaced = Some(now.0);
        }
        if let Some(last) = prekeys.delivery.last_mut() {
            last.replaced = Some(now.0);
        }
        prekeys.signed.push(Aged { key: signed, replaced: None, drained: false });
        prekeys.delivery.push(Aged { key: delivery, replaced: None, drained: false });
        // A server that never says that the mailbox is empty would have them kept for ever.
        let surplus = |count: usize| count.saturating_sub(policy::AGED_KEYS_MAX);
        prekeys.signed.drain(..surplus(prekeys.signed.len()));
        prekeys.delivery.drain(..surplus(prekeys.delivery.len()));
    }
}

/// The number of the next key: the second in which it is made, or one more than the last. Counting alone would give a
/// number to two keys on a device that was rolled back.
fn next_number(last: u32, at_least: u32) -> u32 {
    last.saturating_add(1).max(at_least)
}

/// The number of a key that is made now.
pub(crate) fn number_at(now: Timestamp) -> u32 {
    u32::try_from(now.0 / 1000).unwrap_or(0)
}

/// Whether the older of two delivery keys of one device may be deleted there by the time at which the newer was made.
pub(crate) fn has_outlived(older: DeliveryKeyId, newer: DeliveryKeyId) -> bool {
    u64::from(newer.0.saturating_sub(older.0)) >= policy::KEPT.as_secs()
}

impl<K: codec::Item> Aged<K> {
    fn is_needed(&self) -> bool {
        self.replaced.is_none() || !self.drained
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timers::Timers;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn replaced_keys_are_kept_for_45_days_and_until_the_mailbox_was_empty() {
        let rng = &mut ChaCha12Rng::seed_from_u64(2);
        let at = |days: u64| Timestamp(1_800_000_000_000 + days * 24 * 3600 * 1000);
        let mut account = Account::create(rng, at(0)).unwrap();
        let mut later = |account: &mut Account, days, empty: bool| {
            let mut turn = Turn::new(at(days), rng, Timers::default());
            if empty {
                account.drained(&mut turn);
            }
            account.look_after_keys(&mut turn);
            (account.prekeys.signed.len(), account.prekeys.delivery.len())
        };
        let (first, delivery) = (account.prekeys.signed[0].key.id(), account.delivery().unwrap().id());
        assert_eq!(later(&mut account, 6, false), (1, 1), "not a week old");
        assert_eq!(later(&mut account, 7, false), (2, 2));
        assert!(account.signed_of(first).is_some() && account.delivery_of(delivery).is_some());
        assert_ne!(account.delivery().unwrap().id(), delivery);
        assert!(!account.prekeys.published, "the new bundle is given to the server");
        // The mailbox was not empty since: kept however long it takes, and nothing but age would not do either.
        assert_eq!(later(&mut account, 7 + 60, false), (3, 3));
        assert!(account.signed_of(first).is_some() && account.delivery_of(delivery).is_some());
        assert_eq!(later(&mut account, 7 + 60, true), (2, 2), "the first is gone");
        assert!(account.signed_of(first).is_none() && account.delivery_of(delivery).is_none());
        // The second was replaced on that day: it stays for 45 days, though the mailbox was empty, and after that until
        // it was empty again.
        assert_eq!(later(&mut account, 7 + 60 + 1, true), (2, 2));
        assert_eq!(later(&mut account, 7 + 60 + 44, true), (3, 3));
        assert_eq!(later(&mut account, 7 + 60 + 45, false), (3, 3));
        assert_eq!(later(&mut account, 7 + 60 + 45, true), (2, 2));
    }

    #[test]
    fn accepted_sessions_are_remembered_as_long_as_their_signed_prekey_exists() {
        let rng = &mut ChaCha12Rng::seed_from_u64(3);
        let at = |days: u64| Timestamp(1_800_000_000_000 + days * 24 * 3600 * 1000);
        let mut account = Account::create(rng, at(0)).unwrap();
        let signed = account.prekeys.signed[0].key.id();
        let session = SessionId::from_bytes([9; 16]);
        let mut turn = Turn::new(at(1), rng, Timers::default());
        assert!(account.accept_session(session, ContactId([1; 16]), signed, &mut turn));
        for (days, remembered) in [(8, true), (52, true), (53, false)] {
            let mut turn = Turn::new(at(days), rng, Timers::default());
            account.drained(&mut turn);
            account.look_after_keys(&mut turn);
            assert_eq!(account.was_accepted(session, ContactId([1; 16])), remembered, "{days}");
            assert_eq!(account.signed_of(signed).is_some(), remembered, "{days}");
        }
    }

    #[test]
    fn who_begins_sessions_without_end_uses_up_its_own_place_only() {
        let rng = &mut ChaCha12Rng::seed_from_u64(1);
        let mut account = Account::create(rng, Timestamp(0)).unwrap();
        let mut turn = Turn::new(Timestamp(0), rng, Timers::default());
        let (mallory, ben) = (ContactId([1; 16]), ContactId([2; 16]));
        let session = |n: usize| SessionId::from_bytes(u128::try_from(n).unwrap().to_be_bytes());
        let mut accept = |n, contact| account.accept_session(session(n), contact, PreKeyId(1), &mut turn);
        assert!(accept(0, ben));
        for n in 1..=policy::ACCEPTED_MAX + 1 {
            assert!(accept(n, mallory));
        }
        assert!(!accept(0, ben) && !accept(2, mallory), "these are remembered");
        assert!(accept(1, mallory), "the oldest is not");
    }
}
