//! What the screen shows, kept by id and patched by events.

mod apply;
mod chat;
mod client;
mod contacts;
mod drafts;
mod heard;
mod held;
mod keeping;
mod navigator;
mod notices;
mod room;
mod transfers;

use leptos::prelude::*;
use sotto_browser::PickedFile;
use sotto_engine::{
    CardView, ContactId, Damage, Examination, InviteView, Linking, Profile, ServerStatus, Settings,
};

pub use apply::apply;
pub use chat::{Chat, Message, MessageStoreFields};
pub use client::{Client, Halt, Phase};
pub use contacts::{Contact, ContactStoreFields, Contacts};
pub use drafts::Drafts;
pub use heard::{Heard, Said};
pub use held::Held;
pub use keeping::Keeping;
pub use navigator::{Navigator, Place};
pub use notices::{NoticeKind, Notices};
pub use room::Room;
pub use transfers::Transfers;

/// Everything, handed to components as one context value. Cheap to copy: it holds signals.
#[derive(Clone, Copy)]
pub struct State {
    /// How far the start got.
    pub phase: RwSignal<Phase>,
    /// Oneself.
    pub profile: RwSignal<Profile>,
    /// What the user has set.
    pub settings: RwSignal<Settings>,
    /// Whether links can be made.
    pub linking: RwSignal<Linking>,
    /// The way to a contact, as it was last examined.
    pub examined: RwSignal<Option<Examination>>,
    /// The connection to the server.
    pub server: RwSignal<ServerStatus>,
    /// Everybody one talks to.
    pub contacts: Contacts,
    /// Open invites, newest first.
    pub invites: RwSignal<Vec<InviteView>>,
    /// The link that is being looked at.
    pub card: RwSignal<Option<CardView>>,
    /// That link, to try again; `None` once it was used.
    pub card_link: RwSignal<Option<String>>,
    /// The link with which the page was opened, until it is looked at.
    pub arrived: RwSignal<Option<String>>,
    /// The conversation on the screen.
    pub chat: Chat,
    /// The safety number last computed.
    pub safety: RwSignal<Option<Safety>>,
    /// Files on their way.
    pub transfers: Transfers,
    /// What is stored and could not be read, until it was taken note of.
    pub damage: RwSignal<Vec<Damage>>,
    /// The room there is for storing.
    pub room: Room,
    /// What is said once.
    pub notices: Notices,
    /// What is spoken to those who listen to the screen.
    pub heard: Heard,
    /// What is being written.
    pub drafts: Drafts,
    /// Files for whoever comes by a link.
    pub held: Held,
    /// Picked files that wait for a last word before they are sent.
    pub outgoing: RwSignal<Option<Outgoing>, LocalStorage>,
    /// Which suggestions were answered.
    pub keeping: Keeping,
    /// Where on the screen.
    pub navigator: Navigator,
    /// The running client.
    pub client: Client,
}

/// Picked files, and for whom.
#[derive(Clone)]
pub struct Outgoing {
    /// For whom.
    pub contact: ContactId,
    /// The files.
    pub files: Vec<PickedFile>,
}

/// A safety number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safety {
    /// With whom.
    pub contact: ContactId,
    /// Groups of five digits.
    pub digits: String,
    /// What the QR code carries.
    pub qr: Vec<u8>,
}

impl State {
    /// Nothing yet.
    pub fn new() -> Self {
        let contacts = Contacts::default();
        Self {
            phase: RwSignal::new(Phase::Starting),
            profile: RwSignal::default(),
            settings: RwSignal::default(),
            linking: RwSignal::new(Linking::Possible),
            examined: RwSignal::default(),
            server: RwSignal::new(ServerStatus::Connecting),
            contacts,
            invites: RwSignal::default(),
            card: RwSignal::default(),
            card_link: RwSignal::default(),
            arrived: RwSignal::default(),
            chat: Chat::new(),
            safety: RwSignal::default(),
            transfers: Transfers::default(),
            damage: RwSignal::default(),
            room: Room::default(),
            notices: Notices::default(),
            heard: Heard::default(),
            drafts: Drafts::default(),
            held: Held::default(),
            outgoing: RwSignal::new_local(None),
            keeping: Keeping::new(),
            navigator: Navigator::new(contacts),
            client: Client::default(),
        }
    }
}

/// The context every component finds.
pub fn use_state() -> State {
    expect_context::<State>()
}
