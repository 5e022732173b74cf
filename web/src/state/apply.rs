//! Events, applied to what the screen shows.

use leptos::prelude::*;
use sotto_browser::{DriverEvent, StartError, screen};
use sotto_engine::{
    CardView, ContactId, Content, Delivery, Event, FileState, MessageView, Notice, ServerStatus, Standing,
};

use super::{ContactStoreFields, Halt, NoticeKind, Phase, Place, Safety, Said, State};

/// Applies one event. Applying it twice changes nothing more.
pub fn apply(state: State, event: DriverEvent) {
    match event {
        DriverEvent::Engine(event) => engine(state, event),
        DriverEvent::TakenOver => halt(state, Halt::TakenOver),
        DriverEvent::Stopped(reason) => halt(state, Halt::Stopped(reason)),
        DriverEvent::StorageFull(full) => {
            // Nothing is on the screen yet: the page says it instead, and gives way when there is room.
            let starting = state.phase.with_untracked(|phase| *phase == Phase::Starting);
            if full && starting {
                state.phase.set(Phase::Halted(Halt::NotStarted(StartError::StorageFull)));
            }
            state.room.is_full(state.client, full);
        }
        // Which files move is known from their messages.
        DriverEvent::TransferActive(_) => {}
    }
}

/// Stops the client and shows the page that says why.
pub fn halt(state: State, why: Halt) {
    drop(state.client.take());
    state.phase.set(Phase::Halted(why));
}

fn engine(state: State, event: Event) {
    match event {
        Event::Ready { profile, contacts, invites, drafts } => {
            state.profile.set(profile);
            state.drafts.restore(drafts);
            for contact in contacts {
                if let Some(last) = &contact.last {
                    state.heard.is_new(contact.id, last.order);
                }
                state.contacts.put(contact);
            }
            state.invites.set(invites);
            state.invites.update(|invites| invites.reverse());
            state.navigator.restore();
            state.phase.set(Phase::Running);
            state.room.look(state.client);
        }
        Event::Profile(profile) => state.profile.set(profile),
        Event::Settings(settings) => state.settings.set(settings),
        Event::Linking(linking) => state.linking.set(linking),
        Event::Examined(examination) => state.examined.set(Some(examination)),
        Event::Server(ServerStatus::Displaced) => halt(state, Halt::Displaced),
        Event::Server(status) => state.server.set(status),
        Event::Contact(view) => contact(state, view),
        Event::ContactRemoved(id) => {
            state.navigator.forget(id);
            if let Some(invite) = state.contacts.get(id).and_then(|known| known.came_by().get_untracked()) {
                state.held.take(invite);
            }
            state.drafts.remove(id);
            state.contacts.remove(id);
        }
        Event::InviteCreated(view) => {
            let id = view.id;
            state.held.answered(Some(id));
            put_invite(state, view);
            state.navigator.go(Place::Invite(id));
        }
        Event::Invite(view) => put_invite(state, view),
        // Its page stays: whoever used it comes in a moment, and else it says that the link is gone.
        Event::InviteRemoved(id) => state.invites.update(|invites| invites.retain(|invite| invite.id != id)),
        Event::Card(view) => card(state, view),
        Event::History { contact, messages, more } => state.chat.add_page(contact, messages, more),
        Event::Message(contact, view) => message(state, contact, view),
        Event::Progress { file, done } => state.transfers.record(file, done, screen::now()),
        Event::SafetyNumber { contact, digits, qr } => state.safety.set(Some(Safety { contact, digits, qr })),
        // Scanning is not offered yet, so nothing was compared.
        Event::SafetyNumberCompared { .. } => {}
        Event::TextReturned { contact, text } => {
            state.room.settled(contact, &text);
            state.drafts.give_back(state.client, contact, text);
        }
        Event::Damage(damage) => state.damage.set(damage),
        Event::Notice(notice) => {
            if matches!(notice, Notice::TooManyInvites { .. }) {
                state.held.answered(None);
            }
            state.notices.say(NoticeKind::Engine(notice));
        }
    }
}

fn put_invite(state: State, view: sotto_engine::InviteView) {
    state.invites.update(|invites| match invites.iter_mut().find(|invite| invite.id == view.id) {
        Some(known) => *known = view,
        None => invites.insert(0, view),
    });
}

fn contact(state: State, view: sotto_engine::ContactView) {
    let (id, standing) = (view.id, view.standing);
    let new = state.contacts.put(view);
    // Whoever comes while one looks at a link of one's own came by it.
    if new && standing == Standing::AwaitingOurs && matches!(state.navigator.here(), Place::Invite(_)) {
        state.navigator.go(Place::Chat(id));
    }
    if new {
        state.navigator.remember();
    }
}

fn card(state: State, view: CardView) {
    match view {
        CardView::Accepted(contact) => {
            state.chat.make_fresh();
            state.card.set(None);
            state.card_link.set(None);
            state.navigator.go(Place::Chat(contact));
        }
        CardView::AlreadyContact(contact) => {
            state.card.set(None);
            state.card_link.set(None);
            let name =
                state.contacts.get(contact).map(|known| known.name().get_untracked()).unwrap_or_default();
            state.notices.say(NoticeKind::AlreadyContact(name));
            state.navigator.go(Place::Chat(contact));
        }
        other => state.card.set(Some(other)),
    }
}

fn message(state: State, contact: ContactId, view: MessageView) {
    state.transfers.learn(&view);
    match &view.content {
        Content::Text(text) if view.mine => state.room.settled(contact, text),
        Content::File(file) if matches!(file.state, FileState::Verified | FileState::Deleted) => {
            state.room.look(state.client);
        }
        _ => {}
    }
    if view.delivery == Delivery::Incoming && state.heard.is_new(contact, view.order) {
        let said = match &view.content {
            Content::Text(text) => Some(Said::Text(text.clone())),
            Content::File(file) => Some(Said::File(file.name.clone())),
            Content::Gap { .. } | Content::Milestone(_) | Content::Unreadable => None,
        };
        if let Some(said) = said {
            state.heard.announce(contact, said);
        }
    }
    state.chat.put(contact, view);
}
