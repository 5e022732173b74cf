//! What arrives, from the envelope or the link down to the plaintext. Nothing changes before the tag is verified and
//! the message has opened; what does not belong here gets a line in the log and no other reaction.

use sotto_crypto::envelope::{SealedEnvelope, Sender};
use sotto_crypto::ratchet::{MessageKind, Preview, RatchetError, Session};
use sotto_crypto::x3dh::{self, ResponderKeys};
use sotto_crypto::{MessageHash, SessionId};
use sotto_wire::peer::{Carried, Content as Said, Ephemeral, FirstPrefix, Message};

use super::Client;
use super::say::pairwise;
use crate::contact::Contact;
use crate::conversation::{Conversation, Stated};
use crate::invite::{Invite, Stage};
use crate::session::Held;
use crate::turn::{Key, Turn};
use crate::{ContactId, Event, InviteId, MessageId, Notice, Standing};

/// How something arrived, which is how it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    Mailbox,
    Link,
}

/// Who sent something, by its verified tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct From {
    sender: Sender,
    contact: ContactId,
    /// The invite of ours that the tag belongs to.
    invite: Option<InviteId>,
}

/// Why an envelope or a link's message was refused: a line for the log.
type Refusal = &'static str;

impl Client {
    /// An envelope came out of the mailbox, or straight from a sender.
    pub(super) fn envelope(&mut self, blob: &[u8], turn: &mut Turn<'_>) {
        let result = self.open_envelope(blob);
        match result {
            Ok((from, carried)) => self.arrived(from, carried, Via::Mailbox, turn),
            Err(refusal) => turn.log(refusal),
        }
    }

    fn open_envelope(&mut self, blob: &[u8]) -> Result<(From, Carried), Refusal> {
        let sealed = SealedEnvelope::parse(blob).map_err(|_| "envelope: malformed")?;
        let key = self.account.delivery_of(sealed.key_id()).ok_or("envelope: unknown delivery key")?;
        let opened =
            sealed.open(self.account.identity.mailbox, key).map_err(|_| "envelope: does not open")?;
        let sender = opened.claimed_sender();
        if sender.account == self.account.sender().account {
            return Err("envelope: claims to be our own");
        }
        let carried =
            Carried::decode(opened.unverified_message()).map_err(|_| "envelope: malformed content")?;
        let contact = ContactId(*sender.account.as_bytes());
        if let Some(first) = &carried.first
            && (first.device_list.account().id() != sender.account
                || first.device_list.device(sender.device).is_none())
        {
            return Err("envelope: its sender is not in its device list");
        }
        let invite = carried.first.as_ref().and_then(|first| first.keys.invite_id);
        let invite = invite.map(|id| InviteId(*id.as_bytes()));
        match invite {
            Some(id) => {
                let tag = match &self.invites.get(&id).ok_or("envelope: unknown invite")?.stage {
                    Stage::Open { secret, .. } => &secret.tag_key(),
                    Stage::Used { tag, .. } => tag,
                    Stage::Revoked {} => return Err("envelope: for a withdrawn invite"),
                };
                opened.verify(tag).map_err(|_| "envelope: wrong tag for its invite")?;
            }
            None => {
                let known = self.contacts.get(&contact).ok_or("envelope: unknown sender")?;
                if known.device != sender.device {
                    return Err("envelope: unknown device of a contact");
                }
                let lane = self.lanes.entry(contact).or_default();
                let tag =
                    pairwise(lane, &self.account, known).ok_or("envelope: unknown device of a contact")?;
                opened.verify(tag).map_err(|_| "envelope: wrong tag")?;
            }
        }
        Ok((From { sender, contact, invite }, carried))
    }

    /// A message came over a contact's link.
    pub(super) fn carried_by_link(&mut self, contact: ContactId, bytes: &[u8], turn: &mut Turn<'_>) {
        let Some(known) = self.contacts.get(&contact) else { return };
        let sender = Sender { account: known.list.account().id(), device: known.device };
        match Carried::decode(bytes) {
            Ok(carried) => {
                let other = carried.first.as_ref().is_some_and(|first| {
                    first.device_list.account() != known.list.account() || first.keys.invite_id.is_some()
                });
                if other {
                    turn.log("link: a first message that is not the contact's");
                } else {
                    self.arrived(From { sender, contact, invite: None }, carried, Via::Link, turn);
                }
            }
            Err(_) => turn.log("link: malformed message"),
        }
    }

    fn arrived(&mut self, from: From, carried: Carried, via: Via, turn: &mut Turn<'_>) {
        let Ok(preview) = Preview::of(&carried.ratchet) else {
            turn.log("message: malformed");
            return;
        };
        // Who comes by a used invite shows only that it has the link.
        let device = self.contacts.get(&from.contact).and_then(Contact::device);
        let known = device.is_some_and(|device| device.device_id() == from.sender.device)
            && self
                .sessions
                .get(&from.contact)
                .is_some_and(|sessions| sessions.get(preview.session_id).is_some());
        match (preview.kind, known) {
            (MessageKind::Ephemeral, true) => {
                self.open_ephemeral(from.contact, preview.session_id, &carried, turn);
            }
            (MessageKind::Ephemeral, false) => turn.log("ephemeral message: unknown session"),
            (MessageKind::Message, _) => {
                let hash = MessageHash::of(&carried.ratchet);
                let seen = self.seen.get(&from.contact).and_then(|seen| seen.get(hash));
                if let Some(id) = seen {
                    turn.log("message: known already");
                    if let Some(id) = id {
                        self.owe(from.contact, id.0, via, turn);
                    }
                } else if known {
                    self.open(from.contact, preview.session_id, &carried, hash, via, turn);
                } else if let Some(first) = &carried.first {
                    self.begun_by_other(from, first, &carried.ratchet, hash, via, turn);
                } else {
                    self.undecryptable(from.contact, hash, turn);
                }
            }
        }
    }

    /// A contact sends more than is looked at: the user is told once a run, since only the user can end it.
    pub(super) fn floods(&mut self, contact: ContactId, turn: &mut Turn<'_>) {
        if self.lanes.entry(contact).or_default().passing.tell() {
            turn.log("flood: a contact sends more than is looked at");
            turn.event(Event::Notice(Notice::Flooding(contact)));
        }
    }

    fn open_ephemeral(
        &mut self,
        contact: ContactId,
        session: SessionId,
        carried: &Carried,
        turn: &mut Turn<'_>,
    ) {
        let now = turn.now_crypto();
        let Some(sessions) = self.sessions.get_mut(&contact) else { return };
        let Some(held) = sessions.get_mut(session) else { return };
        let passing = &mut self.lanes.entry(contact).or_default().passing;
        if !passing.is_looked_into(turn.now) {
            return;
        }
        let plaintext = match held.session.open_ephemeral(&carried.ratchet, now) {
            Ok(plaintext) => plaintext,
            // That costs nothing.
            Err(RatchetError::KeyGone) => {
                turn.log("ephemeral message: its number was used");
                return;
            }
            Err(_) => {
                turn.log("ephemeral message: does not open");
                passing.was_in_vain(turn.now);
                return;
            }
        };
        sessions.opened(session);
        turn.dirty(Key::Session(contact, session));
        if !passing.opened(turn.now) {
            self.floods(contact, turn);
            return;
        }
        match Ephemeral::decode(&plaintext) {
            Ok(ephemeral) => {
                self.ephemeral(contact, ephemeral, turn);
                self.heard(contact, turn);
            }
            Err(_) => turn.log("ephemeral message: malformed content"),
        }
    }

    fn open(
        &mut self,
        contact: ContactId,
        session: SessionId,
        carried: &Carried,
        hash: MessageHash,
        via: Via,
        turn: &mut Turn<'_>,
    ) {
        let now = turn.now_crypto();
        let Some(sessions) = self.sessions.get_mut(&contact) else { return };
        let Some(held) = sessions.get_mut(session) else { return };
        match held.session.open(&carried.ratchet, now) {
            Ok(plaintext) => {
                sessions.opened(session);
                turn.dirty(Key::Session(contact, session));
                let plaintext = zeroize::Zeroizing::new(plaintext);
                self.message(contact, &plaintext, hash, via, turn);
                self.heard_by(contact, via, turn);
            }
            Err(RatchetError::Malformed | RatchetError::WrongSession) => turn.log("message: malformed"),
            // Its tag, or DTLS, says that it is the contact's: one of both has lost its state.
            Err(_) => self.undecryptable(contact, hash, turn),
        }
    }

    /// A message with a valid tag cannot be decrypted: it is asked for again, seldom, in a fresh session.
    fn undecryptable(&mut self, id: ContactId, hash: MessageHash, turn: &mut Turn<'_>) {
        turn.log("message: cannot be decrypted");
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        let hash = (*hash.as_bytes()).into();
        if contact.standing == Standing::Ended
            || contact.ask_again.len() >= crate::policy::ASK_AGAIN_MAX
            || contact.ask_again.contains(&hash)
        {
            return;
        }
        contact.ask_again.push(hash);
        if contact.ask_again.len() == 1 {
            turn.event(Event::Notice(Notice::Undecryptable(id)));
        }
        turn.touch(id);
    }

    /// A first message: the other side began a session.
    fn begun_by_other(
        &mut self,
        from: From,
        first: &FirstPrefix,
        ratchet: &[u8],
        hash: MessageHash,
        via: Via,
        turn: &mut Turn<'_>,
    ) {
        let result = self.respond(from, first, ratchet, turn.now_crypto());
        let (session, plaintext) = match result {
            Ok(begun) => begun,
            Err(refusal) => {
                turn.log(refusal);
                match from.invite {
                    Some(invite) => self.used_twice(invite, ratchet, turn),
                    // A contact that cannot be understood in its session would go on in it for ever.
                    None => self.undecryptable(from.contact, hash, turn),
                }
                return;
            }
        };
        let plaintext = zeroize::Zeroizing::new(plaintext);
        let accepted = match from.invite {
            Some(invite) => self.came(from, invite, first, session, &plaintext, hash, via, turn),
            None => {
                if let Some(id) = first.keys.opk_id
                    && self.account.one_time.remove(&id.0).is_some()
                {
                    turn.dirty(Key::OneTime(id.0));
                }
                if self.keep_session(from.contact, session, first, turn) {
                    self.list_came(from.contact, first.device_list.clone(), turn);
                    self.message(from.contact, &plaintext, hash, via, turn);
                    Ok(())
                } else {
                    Err("first message: its session cannot be kept")
                }
            }
        };
        match accepted {
            Ok(()) => self.heard_by(from.contact, via, turn),
            Err(refusal) => turn.log(refusal),
        }
    }

    /// What comes out of the mailbox says that its sender is there only once all that was kept before has come.
    fn heard_by(&mut self, contact: ContactId, via: Via, turn: &mut Turn<'_>) {
        if via == Via::Mailbox && self.socket.drained {
            self.heard(contact, turn);
            self.talks(contact, turn);
        }
    }

    /// Whoever has a used link comes by it in another session than the first. The user is told once of a link:
    /// whoever has it could say so without end.
    fn used_twice(&mut self, id: InviteId, ratchet: &[u8], turn: &mut Turn<'_>) {
        let named = Preview::of(ratchet).map(|preview| preview.session_id);
        let stage = self.invites.get_mut(&id).map(|invite| &mut invite.stage);
        if let Some(Stage::Used { session, told, .. }) = stage
            && named != Ok(*session)
            && told.is_none()
        {
            *told = Some(turn.now);
            turn.dirty(Key::Invite(id));
            turn.event(Event::Notice(Notice::InviteUsedTwice));
        }
    }

    /// Runs X3DH and opens the first message. Changes nothing.
    fn respond(
        &self,
        from: From,
        first: &FirstPrefix,
        ratchet: &[u8],
        now: sotto_crypto::Timestamp,
    ) -> Result<(Session, Vec<u8>), Refusal> {
        let signed =
            self.account.signed_of(first.keys.spk_id).ok_or("first message: unknown signed prekey")?;
        let device = first.device_list.device(from.sender.device).ok_or("first message: unlisted device")?;
        let credential;
        let (one_time, invite) = match from.invite {
            Some(id) => match &self.invites.get(&id).ok_or("first message: unknown invite")?.stage {
                Stage::Open { secret, one_time, .. } => {
                    credential = secret.credential();
                    (Some(one_time), Some(&credential))
                }
                Stage::Used { .. } => return Err("first message: its invite has been used"),
                Stage::Revoked {} => return Err("first message: its invite was withdrawn"),
            },
            None => {
                let known = self.contacts.get(&from.contact).ok_or("first message: unknown sender")?;
                // It may bring the next list, in which this device stands as it did.
                if known.standing == Standing::Ended || known.device() != Some(device) {
                    return Err("first message: not from the contact's device");
                }
                let one_time = match first.keys.opk_id {
                    Some(id) => Some(
                        self.account
                            .one_time
                            .get(&id.0)
                            .ok_or("first message: its one-time prekey is gone")?,
                    ),
                    None => None,
                };
                (one_time, None)
            }
        };
        let keys = ResponderKeys {
            device: self.account.device(),
            identity: &self.account.identity.identity,
            signed_prekey: signed,
            one_time_prekey: one_time,
            invite,
        };
        let agreement = x3dh::respond(&keys, device, &first.keys).map_err(|_| "first message: wrong keys")?;
        if self.account.was_accepted(agreement.session_id(), from.contact) {
            return Err("first message: its session was begun before");
        }
        Session::respond(&agreement, ratchet, now).map_err(|_| "first message: does not open")
    }

    /// Keeps a session that the other side began. `false` if it was begun before.
    pub(super) fn keep_session(
        &mut self,
        contact: ContactId,
        session: Session,
        first: &FirstPrefix,
        turn: &mut Turn<'_>,
    ) -> bool {
        if !self.account.accept_session(session.id(), contact, first.keys.spk_id, turn) {
            return false;
        }
        self.sessions.entry(contact).or_default().adopt(Held::accepted(session), contact, turn);
        if let Some(known) = self.contacts.get_mut(&contact) {
            known.needs_fresh = false;
            turn.touch(contact);
        }
        true
    }

    /// Somebody came by an invite of ours: the first valid message makes the contact and uses the invite up.
    #[expect(clippy::too_many_arguments, reason = "everything about one first message, used once")]
    fn came(
        &mut self,
        from: From,
        invite: InviteId,
        first: &FirstPrefix,
        session: Session,
        plaintext: &[u8],
        hash: MessageHash,
        via: Via,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let Ok(Message::Body(body)) = Message::decode(plaintext) else {
            return Err("first message: malformed content");
        };
        let Said::Hello { name, mailbox, token, bundle } = &body.content else {
            return Err("first message: not a greeting");
        };
        let bundle =
            sotto_wire::peer::Bundle::decode(bundle.as_bytes(), &first.device_list, turn.now_crypto())
                .map_err(|_| "first message: bad bundle")?;
        if bundle.device().device_id() != from.sender.device {
            return Err("first message: bundle of another device");
        }
        let held = self.contacts.get(&from.contact);
        if held.is_some_and(|held| !held.may_be_met_under(&first.device_list)) {
            return Err(
                "first message: an earlier device list than the one held or named, or another of its version",
            );
        }
        let is_new = held.is_none();
        let mut conversation = match held {
            Some(held) => held.conversation.clone(),
            None => Conversation::begun(turn.now),
        };
        conversation.restart();
        let stated = Stated::of(&conversation, from.contact, &body, plaintext);
        if conversation.clone().place(stated, MessageId([0; 16])).is_err() {
            return Err("first message: out of place");
        }
        if is_new && self.contacts.len() >= crate::policy::CONTACTS_MAX {
            turn.event(Event::Notice(Notice::TooManyContacts { limit: crate::policy::CONTACTS_MAX }));
            return Err("first message: too many contacts");
        }
        // The conversation that was begun by a link of theirs is this one now.
        self.stands(from.contact, turn);
        // Somebody who comes again is to be confirmed again before there are addresses.
        self.close_link(from.contact, turn);
        let token = sotto_crypto::DeliveryToken::from_bytes(&token.to_bytes());
        let name = crate::text::clean_name(name.as_str());
        let (mailbox, session_id) = (*mailbox, session.id());
        if self.damage.found(from.contact) {
            turn.dirty(Key::Damage);
        }
        let contact = self.contacts.remove(&from.contact);
        self.forget_talk(from.contact, contact.is_some(), turn);
        let mut contact = contact.unwrap_or_else(|| Contact {
            list: first.device_list.clone(),
            device: from.sender.device,
            mailbox,
            token: sotto_crypto::DeliveryToken::from_bytes(&token.to_bytes()),
            delivery: *bundle.delivery(),
            name: String::new(),
            petname: String::new(),
            standing: Standing::AwaitingOurs,
            verified: false,
            issued: Vec::new(),
            conversation: Conversation::default(),
            delivery_told: 0,
            asked_at: None,
            ask_again: Vec::new(),
            needs_fresh: false,
            owed: Vec::new(),
            refused: None,
            named_list: None,
            split: None,
            came_by: None,
        });
        contact.conversation = conversation;
        contact.delivery_told = self.invites.get(&invite).map_or(0, Invite::delivery_told);
        contact.list = first.device_list.clone();
        contact.device = from.sender.device;
        contact.mailbox = mailbox;
        contact.token = token;
        contact.refused = None;
        contact.named_list = None;
        contact.split = None;
        contact.came_by = Some(invite);
        contact.delivery = *bundle.delivery();
        contact.name = name;
        contact.standing = Standing::AwaitingOurs;
        self.contacts.insert(from.contact, contact);
        if !self.keep_session(from.contact, session, first, turn) {
            self.contacts.remove(&from.contact);
            return Err("first message: its session was begun before");
        }
        self.use_up(invite, from.contact, session_id, turn);
        turn.touch(from.contact);
        self.body(from.contact, body.map(Some), plaintext, hash, via, turn);
        Ok(())
    }
}
