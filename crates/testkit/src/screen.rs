//! What a person sees: the events applied, as a screen applies them.

use std::collections::BTreeMap;

use sotto_engine::{
    CardView, Comparison, ContactId, ContactView, Content, Damage, Delivery, Event, Examination, FileId,
    InviteId, InviteView, Linking, MessageId, MessageView, Notice, Profile, ServerStatus, Settings,
};

/// Everything that was shown.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    /// Whether `Ready` came.
    pub ready: bool,
    /// Oneself.
    pub profile: Profile,
    /// What the user has set.
    pub settings: Settings,
    /// Whether links can be made.
    pub linking: Option<Linking>,
    /// The last examination of a way.
    pub examination: Option<Examination>,
    /// Contacts.
    pub contacts: BTreeMap<ContactId, ContactView>,
    /// Invites.
    pub invites: BTreeMap<InviteId, InviteView>,
    /// The last card.
    pub card: Option<CardView>,
    /// Messages shown in this run.
    pub messages: BTreeMap<ContactId, BTreeMap<MessageId, MessageView>>,
    /// The last page of history.
    pub history: Option<(ContactId, Vec<MessageView>, bool)>,
    /// The connection to the server.
    pub server: Option<ServerStatus>,
    /// What was being written when the page was opened, and what was not taken since.
    pub drafts: BTreeMap<ContactId, String>,
    /// What could not be read and was not taken note of.
    pub damage: Vec<Damage>,
    /// Notices.
    pub notices: Vec<Notice>,
    /// Progress of files.
    pub progress: BTreeMap<FileId, u64>,
    /// The last safety number.
    pub safety_number: Option<(String, Vec<u8>)>,
    /// The last comparison.
    pub comparison: Option<Comparison>,
}

impl Screen {
    /// Applies one event.
    pub fn apply(&mut self, event: Event) {
        assert!(self.ready || matches!(event, Event::Ready { .. }), "Ready is the first event");
        match event {
            Event::Ready { profile, contacts, invites, drafts } => {
                *self = Self { ready: true, profile, drafts, ..Self::default() };
                self.contacts = contacts.into_iter().map(|contact| (contact.id, contact)).collect();
                self.invites = invites.into_iter().map(|invite| (invite.id, invite)).collect();
            }
            Event::Profile(profile) => self.profile = profile,
            Event::Settings(settings) => self.settings = settings,
            Event::Linking(linking) => self.linking = Some(linking),
            Event::Examined(examination) => self.examination = Some(examination),
            Event::Server(status) => self.server = Some(status),
            Event::Contact(contact) => {
                self.contacts.insert(contact.id, contact);
            }
            Event::ContactRemoved(id) => {
                self.contacts.remove(&id);
                self.messages.remove(&id);
            }
            Event::InviteCreated(invite) | Event::Invite(invite) => {
                self.invites.insert(invite.id, invite);
            }
            Event::InviteRemoved(id) => {
                self.invites.remove(&id);
            }
            Event::Card(card) => self.card = Some(card),
            Event::History { contact, messages, more } => self.history = Some((contact, messages, more)),
            Event::Message(contact, message) => {
                let messages = self.messages.entry(contact).or_default();
                if message.content == (Content::Gap { missing: 0 }) {
                    messages.remove(&message.id);
                } else {
                    messages.insert(message.id, message);
                }
            }
            Event::TextReturned { contact, text } => {
                self.drafts.insert(contact, text);
            }
            Event::Progress { file, done } => {
                self.progress.insert(file, done);
            }
            Event::SafetyNumber { digits, qr, .. } => self.safety_number = Some((digits, qr)),
            Event::SafetyNumberCompared { outcome, .. } => self.comparison = Some(outcome),
            Event::Damage(damage) => self.damage = damage,
            Event::Notice(notice) => self.notices.push(notice),
        }
    }

    /// The messages with a contact in the order of the screen.
    #[must_use]
    pub fn conversation(&self, contact: ContactId) -> Vec<MessageView> {
        let mut messages: Vec<MessageView> =
            self.messages.get(&contact).into_iter().flatten().map(|(_, message)| message.clone()).collect();
        messages.sort_by_key(|message| message.order);
        messages
    }

    /// Texts with a contact, in the order of the screen.
    #[must_use]
    pub fn texts(&self, contact: ContactId) -> Vec<(String, Delivery)> {
        texts(&self.conversation(contact))
    }
}

/// The texts among messages.
#[must_use]
pub fn texts(messages: &[MessageView]) -> Vec<(String, Delivery)> {
    messages
        .iter()
        .filter_map(|message| match &message.content {
            Content::Text(text) => Some((text.clone(), message.delivery)),
            _ => None,
        })
        .collect()
}
