//! The ratchet sessions with one contact: one sends, replaced ones still receive for a while.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use sotto_crypto::envelope::TagKey;
use sotto_crypto::keys::EphemeralPublic;
use sotto_crypto::ratchet::Session;
use sotto_crypto::x3dh::FirstKeys;
use sotto_crypto::{InviteId, PreKeyId, SessionId};
use sotto_wire::peer::codec;
use zeroize::Zeroizing;

use crate::turn::{Key, Turn};
use crate::{ContactId, RestoreError, Timestamp, policy};

/// A session and what belongs to it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) session: Session,
    /// What first messages carry, until the first answer; only with the side that began.
    pub(crate) first: Option<FirstKeys>,
    /// The key of the sender tag of first messages that answer an invite.
    pub(crate) tag: Option<TagKey>,
    /// When another session took its place.
    replaced: Option<Timestamp>,
    /// Whether this side may have said anything in it.
    pub(crate) sent: bool,
}

/// How it is stored.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Stored {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    state: Vec<u8>,
    #[n(1)]
    first: Option<StoredFirst>,
    #[n(2)]
    #[cbor(with = "codec::option", has_nil)]
    tag: Option<TagKey>,
    #[n(3)]
    replaced: Option<Timestamp>,
    #[n(4)]
    sent: bool,
}

impl Drop for Stored {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.state);
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredFirst {
    #[n(0)]
    #[cbor(with = "codec::item")]
    ephemeral: EphemeralPublic,
    #[n(1)]
    #[cbor(with = "codec::item")]
    spk_id: PreKeyId,
    #[n(2)]
    #[cbor(with = "codec::option", has_nil)]
    opk_id: Option<PreKeyId>,
    #[n(3)]
    #[cbor(with = "codec::option", has_nil)]
    invite_id: Option<InviteId>,
}

impl Held {
    /// A session that we begin.
    pub(crate) fn begun(session: Session, first: FirstKeys, tag: Option<TagKey>) -> Self {
        Self { session, first: Some(first), tag, replaced: None, sent: true }
    }

    /// A session that the contact began.
    pub(crate) fn accepted(session: Session) -> Self {
        Self { session, first: None, tag: None, replaced: None, sent: false }
    }

    pub(crate) fn stored(&self) -> Stored {
        let first = self.first.map(|FirstKeys { ephemeral, spk_id, opk_id, invite_id }| StoredFirst {
            ephemeral,
            spk_id,
            opk_id,
            invite_id,
        });
        let mut state: Zeroizing<Vec<u8>> = self.session.to_bytes();
        let tag = self.tag.as_ref().map(|tag| TagKey::from_bytes(&tag.to_bytes()));
        Stored { state: core::mem::take(&mut *state), first, tag, replaced: self.replaced, sent: self.sent }
    }

    pub(crate) fn restore(mut stored: Stored) -> Result<Self, RestoreError> {
        let session = Session::from_bytes(&stored.state).map_err(|_| RestoreError::Damaged("session"))?;
        let first = stored.first.take().map(|StoredFirst { ephemeral, spk_id, opk_id, invite_id }| {
            FirstKeys { ephemeral, spk_id, opk_id, invite_id }
        });
        Ok(Self { session, first, tag: stored.tag.take(), replaced: stored.replaced, sent: stored.sent })
    }

    /// The first answer came: nothing of the first contact is repeated any more.
    fn answered(&mut self) {
        self.first = None;
        self.tag = None;
    }
}

/// All sessions with one contact.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    held: BTreeMap<SessionId, Held>,
}

impl Sessions {
    pub(crate) fn get(&self, id: SessionId) -> Option<&Held> {
        self.held.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Held> {
        self.held.get_mut(&id)
    }

    /// The one that sends.
    pub(crate) fn current_mut(&mut self) -> Option<&mut Held> {
        self.held.values_mut().find(|held| held.replaced.is_none())
    }

    /// Whether the one that sends was begun by the contact and nothing was said in it yet: then it is as fresh as any.
    pub(crate) fn is_untouched(&mut self) -> bool {
        self.current_mut().is_some_and(|held| held.first.is_none() && !held.sent)
    }

    /// Whether the one that sends was begun here and the contact has not answered in it.
    pub(crate) fn is_unanswered(&mut self) -> bool {
        self.current_mut().is_some_and(|held| held.first.is_some())
    }

    /// The contact cannot use this session: it sends no more.
    pub(crate) fn give_up(&mut self, id: SessionId, contact: ContactId, turn: &mut Turn<'_>) {
        if let Some(held) = self.held.get_mut(&id)
            && held.replaced.is_none()
        {
            held.replaced = Some(turn.now);
            turn.dirty(Key::Session(contact, id));
        }
    }

    /// The one that sends cannot be trusted any more: nothing is sent before there is another, whoever begins it.
    pub(crate) fn give_up_current(&mut self, contact: ContactId, turn: &mut Turn<'_>) {
        if let Some(id) = self.current_mut().map(|held| held.session.id()) {
            self.give_up(id, contact, turn);
        }
    }

    pub(crate) fn restore(&mut self, held: Held) {
        self.held.insert(held.session.id(), held);
    }

    pub(crate) fn ids(&self) -> Vec<SessionId> {
        self.held.keys().copied().collect()
    }

    /// Takes a new session in. The newest sends, except that when both sides began at once the smaller id does; the
    /// other receives only, and none ever sends again.
    pub(crate) fn adopt(&mut self, mut new: Held, contact: ContactId, turn: &mut Turn<'_>) {
        let id = new.session.id();
        if let Some(current) = self.current_mut() {
            let both_began = current.first.is_some() && new.first.is_none();
            let loser = if both_began && current.session.id() < id { &mut new } else { current };
            loser.replaced = Some(turn.now);
            turn.dirty(Key::Session(contact, loser.session.id()));
        }
        self.held.insert(id, new);
        turn.dirty(Key::Session(contact, id));
        self.prune(contact, turn);
    }

    /// A message of the contact opened in this session.
    pub(crate) fn opened(&mut self, id: SessionId) {
        if let Some(held) = self.held.get_mut(&id) {
            held.answered();
        }
    }

    /// Drops replaced sessions that are too many or too old, and old skipped keys.
    pub(crate) fn prune(&mut self, contact: ContactId, turn: &mut Turn<'_>) {
        let now = turn.now;
        let mut replaced: Vec<(Timestamp, SessionId)> =
            self.held.iter().filter_map(|(id, held)| held.replaced.map(|at| (at, *id))).collect();
        replaced.sort_unstable();
        let surplus = replaced.len().saturating_sub(policy::REPLACED_MAX);
        for (place, (at, id)) in replaced.into_iter().enumerate() {
            if place < surplus || now.saturating_since(at) >= policy::KEPT {
                self.held.remove(&id);
                turn.dirty(Key::Session(contact, id));
            }
        }
    }

    /// Forgets skipped keys that nobody will ask for any more.
    pub(crate) fn forget_skipped(&mut self, now: Timestamp) {
        let before = sotto_crypto::Timestamp::from_millis(now.0).saturating_sub(policy::KEPT);
        for held in self.held.values_mut() {
            held.session.forget_skipped_before(before);
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use core::time::Duration;

    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    use sotto_crypto::keys::{
        AccountKey, BundleSigner, DeviceIdentityKey, DevicePublic, DeviceSigningKey, SignedPreKey,
    };
    use sotto_crypto::x3dh::{self, PeerKeys};
    use sotto_crypto::{CryptoRng, DeviceId};

    use super::*;
    use crate::timers::Timers;

    const CONTACT: ContactId = ContactId([1; 16]);

    fn device(rng: &mut dyn CryptoRng) -> (BundleSigner, DeviceIdentityKey) {
        let identity = DeviceIdentityKey::generate(rng);
        let (account, signing) = (AccountKey::generate(rng).public(), DeviceSigningKey::generate(rng));
        let device =
            DevicePublic::new(account, DeviceId::generate(rng), signing.public(), identity.public()).unwrap();
        (device.verify_bundle(b"", &signing.sign_bundle(b"", rng)).unwrap(), identity)
    }

    /// A session begun here with somebody new.
    fn begun(rng: &mut dyn CryptoRng) -> Held {
        let (own, identity) = device(rng);
        let signed_prekey = SignedPreKey::generate(PreKeyId(1), rng).public();
        let peer = PeerKeys::new(device(rng).0, signed_prekey, None);
        let (agreement, first) = x3dh::initiate(own.device(), &identity, &peer, None, rng).unwrap();
        Held::begun(Session::initiate(&agreement, rng), first, None)
    }

    /// One that the contact began, as far as this module can tell.
    fn accepted(rng: &mut dyn CryptoRng) -> Held {
        Held::accepted(begun(rng).session)
    }

    fn days(n: u64) -> Timestamp {
        Timestamp(1_800_000_000_000).saturating_add(Duration::from_secs(n * 24 * 3600))
    }

    fn adopt(sessions: &mut Sessions, held: Held, at: Timestamp, rng: &mut dyn CryptoRng) -> SessionId {
        let id = held.session.id();
        sessions.adopt(held, CONTACT, &mut Turn::new(at, rng, Timers::default()));
        id
    }

    fn current(sessions: &mut Sessions) -> Option<SessionId> {
        sessions.current_mut().map(|held| held.session.id())
    }

    #[test]
    fn the_newest_sends_and_at_most_four_replaced_ones_receive_for_45_days() {
        let rng = &mut ChaCha12Rng::seed_from_u64(1);
        let mut sessions = Sessions::default();
        let ids: Vec<SessionId> = (0..7)
            .map(|day| {
                let held = accepted(rng);
                let id = adopt(&mut sessions, held, days(day), rng);
                assert_eq!(current(&mut sessions), Some(id));
                id
            })
            .collect();
        // Replaced on days 1 to 6: the oldest two had to go.
        let mut kept = ids[2..].to_vec();
        kept.sort_unstable();
        assert_eq!(sessions.ids(), kept);
        for (day, left) in [(6 + 44, 2), (6 + 45, 1), (400, 1)] {
            sessions.prune(CONTACT, &mut Turn::new(days(day), rng, Timers::default()));
            assert_eq!(sessions.ids().len(), left, "day {day}");
            assert_eq!(current(&mut sessions), Some(ids[6]), "the current one has no end");
        }
    }

    #[test]
    fn a_replaced_session_never_sends_again() {
        let rng = &mut ChaCha12Rng::seed_from_u64(2);
        let mut sessions = Sessions::default();
        let (held, newer) = (accepted(rng), accepted(rng));
        let old = adopt(&mut sessions, held, days(0), rng);
        let new = adopt(&mut sessions, newer, days(1), rng);
        // It still receives, and what it receives does not bring it back.
        assert!(sessions.get(old).is_some());
        sessions.opened(old);
        assert_eq!(current(&mut sessions), Some(new));
        // Nor does the end of the one that took its place.
        sessions.give_up(new, CONTACT, &mut Turn::new(days(2), rng, Timers::default()));
        assert_eq!(current(&mut sessions), None);
        sessions.opened(old);
        sessions.opened(new);
        assert_eq!(current(&mut sessions), None);
        // Nor storing and restoring it.
        let mut again = Sessions::default();
        for id in sessions.ids() {
            let stored = sessions.get(id).unwrap().stored();
            again.restore(Held::restore(stored).unwrap());
        }
        assert_eq!((current(&mut again), again.ids().len()), (None, 2));
    }

    #[test]
    fn of_two_begun_at_once_the_smaller_id_sends_and_of_others_the_newest() {
        let rng = &mut ChaCha12Rng::seed_from_u64(3);
        let mut orders = [false; 2];
        for _ in 0..16 {
            let mut sessions = Sessions::default();
            let (mine, theirs) = (begun(rng), accepted(rng));
            let mine = adopt(&mut sessions, mine, days(0), rng);
            let theirs = adopt(&mut sessions, theirs, days(0), rng);
            assert_eq!(current(&mut sessions), Some(mine.min(theirs)));
            assert_eq!(sessions.ids().len(), 2, "both receive");
            orders[usize::from(mine < theirs)] = true;
            // Once mine is answered, theirs is simply newer.
            let mut sessions = Sessions::default();
            let (mine, theirs) = (begun(rng), accepted(rng));
            let mine = adopt(&mut sessions, mine, days(0), rng);
            sessions.opened(mine);
            let theirs = adopt(&mut sessions, theirs, days(0), rng);
            assert_eq!(current(&mut sessions), Some(theirs));
        }
        assert_eq!(orders, [true; 2], "both orders were seen");
    }
}
