//! Invites of ours: made, given to the server, withdrawn, used up, expired.

use sotto_crypto::invite::InviteSecret;
use sotto_crypto::{DeliveryToken, SessionId};
use sotto_wire::peer::{InviteContents, InviteLink};
use sotto_wire::server::{CreateInvite, Message as _, Opaque, OwnerSecret, RevokeInvite, path};

use super::deliver::Answer;
use super::{Asked, Client};
use crate::contact::Issued;
use crate::invite::{Invite, Stage, copy};
use crate::timers::Timer;
use crate::turn::{Key, Turn};
use crate::{ContactId, Event, InviteId, InviteView, Notice, Request, Response, Timestamp, policy};

/// Longest answer worth reading, in bytes.
const ANSWER_MAX: usize = 512;

impl Client {
    pub(super) fn create_invite(&mut self, turn: &mut Turn<'_>) {
        if self.invites.values().filter(|invite| invite.is_offered(turn.now)).count() >= policy::INVITES_MAX {
            turn.event(Event::Notice(Notice::TooManyInvites { limit: policy::INVITES_MAX }));
            return;
        }
        let secret = InviteSecret::generate(turn.rng);
        let token = DeliveryToken::generate(turn.rng);
        let one_time = self.account.make_one_time(turn);
        let identity = &self.account.identity;
        let contents = InviteContents::encode(
            &identity.list,
            &self.account.prekeys.bundle,
            one_time.public(),
            identity.mailbox,
            DeliveryToken::from_bytes(&token.to_bytes()),
        );
        let card = secret.seal_name(identity.name.as_bytes(), turn.rng);
        let bundle = secret.seal_bundle(&contents, turn.rng);
        let (Ok(card), Ok(bundle)) = (card, bundle) else {
            turn.log("invite: its contents do not fit");
            return;
        };
        let id = InviteId(*secret.id().as_bytes());
        let invite = Invite {
            id,
            stage: Stage::Open { secret, one_time, card, bundle },
            token: Some(Issued { token, registered: false }),
            owner_secret: OwnerSecret::from_bytes(turn.random()),
            expires_at: turn.now.saturating_add(policy::INVITE_LIFETIME),
            uploaded: false,
            failures: 0,
            asking: false,
            ended: false,
        };
        let view = self.invite_view(&invite);
        self.invites.insert(id, invite);
        turn.dirty(Key::Invite(id));
        turn.output(crate::Output::Event(match view {
            Some(view) => Event::InviteCreated(view),
            None => return,
        }));
        self.watch_expiry(turn);
        self.ask_server(turn);
        self.attend_invite(id, turn);
    }

    pub(super) fn invite_view(&self, invite: &Invite) -> Option<InviteView> {
        let account = self.account.device().account().hash();
        invite.view(|secret| InviteLink { secret: copy(secret), account }.format(&self.config.origin))
    }

    pub(super) fn show_invite(&mut self, id: InviteId, turn: &mut Turn<'_>) {
        if let Some(view) = self.invites.get(&id).and_then(|invite| self.invite_view(invite)) {
            turn.event(Event::Invite(view));
        }
    }

    /// Gives an invite to the server, or takes it back there.
    pub(super) fn attend_invite(&mut self, id: InviteId, turn: &mut Turn<'_>) {
        let Some(invite) = self.invites.get_mut(&id) else { return };
        if invite.asking || !self.socket.is_open() {
            return;
        }
        let (asked, path, body) = match &invite.stage {
            // Nobody can redeem it before its token opens the mailbox.
            Stage::Open { card, bundle, .. }
                if !invite.uploaded
                    && invite.is_offered(turn.now)
                    && invite.token.as_ref().is_some_and(|token| token.registered) =>
            {
                let (Ok(card), Ok(bundle)) = (Opaque::new(card.clone()), Opaque::new(bundle.clone())) else {
                    return;
                };
                let request = CreateInvite {
                    invite_id: sotto_crypto::InviteId::from_bytes(id.0),
                    owner_hash: invite.owner_secret.hash(),
                    expires_at: invite.expires_at.0 / 1000,
                    card,
                    bundle,
                };
                (Asked::UploadInvite(id), path::INVITES, request.encode())
            }
            Stage::Revoked {} => {
                let request = RevokeInvite {
                    invite_id: sotto_crypto::InviteId::from_bytes(id.0),
                    owner_secret: OwnerSecret::from_bytes(*invite.owner_secret.expose()),
                };
                (Asked::RevokeInvite(id), path::INVITE_REVOKE, request.encode())
            }
            Stage::Open { .. } | Stage::Used { .. } => return,
        };
        invite.asking = true;
        self.request(asked, Request::Post { path, body, limit: ANSWER_MAX }, turn);
    }

    fn invite_again(&mut self, id: InviteId, turn: &mut Turn<'_>) {
        let Some(invite) = self.invites.get_mut(&id) else { return };
        let failures = invite.failures;
        invite.failures = failures.saturating_add(1);
        let at = turn.backoff(failures.saturating_add(2), policy::BACKOFF_FIRST, policy::BACKOFF_MAX);
        turn.timers.set(Timer::Invite(id), at);
    }

    pub(super) fn invite_uploaded(&mut self, id: InviteId, response: &Response, turn: &mut Turn<'_>) {
        let Some(invite) = self.invites.get_mut(&id) else { return };
        invite.asking = false;
        match Answer::of(response) {
            Answer::Accepted => {
                invite.uploaded = true;
                invite.failures = 0;
                turn.dirty(Key::Invite(id));
                self.show_invite(id, turn);
                // It may have been withdrawn while it was on its way.
                self.attend_invite(id, turn);
            }
            _ => self.invite_again(id, turn),
        }
    }

    /// The user wants an invite to work no more.
    pub(super) fn revoke_invite(&mut self, id: InviteId, turn: &mut Turn<'_>) {
        if self.withdraw(id, turn) {
            turn.event(Event::InviteRemoved(id));
            self.ask_server(turn);
            self.attend_invite(id, turn);
        }
    }

    /// `false` if there is nothing to withdraw.
    fn withdraw(&mut self, id: InviteId, turn: &mut Turn<'_>) -> bool {
        let Some(invite) = self.invites.get_mut(&id).filter(|invite| invite.is_open()) else { return false };
        let maybe_there = invite.uploaded || invite.asking;
        invite.stage = Stage::Revoked {};
        let token = invite.token.take();
        if !maybe_there {
            self.invites.remove(&id);
        }
        turn.dirty(Key::Invite(id));
        if let Some(token) = token {
            self.account.revoke(token.hash(), turn);
        }
        true
    }

    /// The keys in the links that were handed out are gone: whoever used one could not be understood. How many
    /// could still be used.
    pub(super) fn withdraw_invites(&mut self, turn: &mut Turn<'_>) -> usize {
        let offered = self.invites.values().filter(|invite| invite.is_offered(turn.now)).count();
        let open = self.invites.values().filter(|invite| invite.is_open());
        for id in open.map(|invite| invite.id).collect::<Vec<InviteId>>() {
            self.withdraw(id, turn);
        }
        offered
    }

    pub(super) fn invite_revoked(&mut self, id: InviteId, response: &Response, turn: &mut Turn<'_>) {
        let Some(invite) = self.invites.get_mut(&id) else { return };
        invite.asking = false;
        let status = if let Response::Http { status, .. } = response { *status } else { 0 };
        // Used (409) or gone (410): there is nothing to take back any more.
        if Answer::of(response) == Answer::Accepted || matches!(status, 409 | 410) {
            self.invites.remove(&id);
            turn.dirty(Key::Invite(id));
        } else {
            self.invite_again(id, turn);
        }
    }

    /// The first valid message of somebody who came by an invite: its pre-shared key and one-time prekey go in the
    /// transaction that stores the session; its token becomes the contact's.
    pub(super) fn use_up(
        &mut self,
        id: InviteId,
        contact: ContactId,
        session: SessionId,
        turn: &mut Turn<'_>,
    ) {
        let Some(invite) = self.invites.get_mut(&id) else { return };
        let Stage::Open { secret, .. } = &invite.stage else { return };
        invite.stage = Stage::Used { tag: secret.tag_key(), session, told: None };
        let token = invite.token.take();
        turn.dirty(Key::Invite(id));
        turn.event(Event::InviteRemoved(id));
        if let (Some(token), Some(contact)) = (token, self.contacts.get_mut(&contact)) {
            let surplus = contact.issue(token);
            if let Some(surplus) = surplus {
                self.account.revoke(surplus.hash(), turn);
            }
        }
        let used: Vec<(Timestamp, InviteId)> = self
            .invites
            .values()
            .filter(|invite| matches!(invite.stage, Stage::Used { .. }))
            .map(|invite| (invite.expires_at, invite.id))
            .collect();
        if used.len() > policy::USED_INVITES_MAX
            && let Some((_, oldest)) = used.into_iter().min()
        {
            self.invites.remove(&oldest);
            turn.dirty(Key::Invite(oldest));
        }
    }

    /// Takes expired invites off the screen. Who used one in time may still be on the way, so nothing is forgotten.
    pub(super) fn expire_invites(&mut self, turn: &mut Turn<'_>) {
        for invite in self.invites.values_mut() {
            if invite.is_open() && !invite.is_offered(turn.now) && !invite.ended {
                invite.ended = true;
                turn.event(Event::InviteRemoved(invite.id));
            }
        }
        self.watch_expiry(turn);
    }

    /// The mailbox has been empty: whoever used an invite before it expired has arrived.
    pub(super) fn forget_invites(&mut self, turn: &mut Turn<'_>) {
        let over = |invite: &Invite| invite.expires_at.saturating_add(policy::INVITE_GRACE) <= turn.now;
        let expired: Vec<InviteId> =
            self.invites.values().filter(|invite| over(invite)).map(|invite| invite.id).collect();
        for id in expired {
            let Some(mut invite) = self.invites.remove(&id) else { continue };
            turn.dirty(Key::Invite(id));
            if let Some(token) = invite.token.take() {
                self.account.revoke(token.hash(), turn);
            }
        }
    }

    fn watch_expiry(&mut self, turn: &mut Turn<'_>) {
        let next = self.invites.values().map(|invite| invite.expires_at).filter(|at| *at > turn.now).min();
        if let Some(next) = next {
            turn.timers.set(Timer::InviteExpiry, next);
        }
    }
}
