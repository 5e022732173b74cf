//! What may be printed of values that hold what people say, call themselves, or keep secret: everything but that. A
//! panic's message and a test's output are logs too.

use core::fmt::{Debug, Formatter, Result};

use crate::{
    CardRefusal, CardView, ContactView, Content, Event, FileView, IceServer, InviteView, LinkAction,
    LinkEvent, Profile, Request, Response, SocketAction, SocketEvent,
};

/// Prints how long something is.
struct Length(usize);

impl Debug for Length {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "<{} bytes>", self.0)
    }
}

fn hidden(text: &str) -> Length {
    Length(text.len())
}

/// What names people and holds keys, and is kept inside: nothing of it but what it is.
macro_rules! unprinted {
    ($($name:ty, $shown:literal;)*) => {$(
        impl Debug for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> Result {
                f.write_str(concat!($shown, "(..)"))
            }
        }
    )*};
}

unprinted! {
    crate::account::Identity, "Identity";
    crate::contact::Contact, "Contact";
    crate::invite::Acceptance, "Acceptance";
    crate::invite::Looked, "Looked";
}

impl Debug for Profile {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Profile").field("name", &hidden(&self.name)).finish()
    }
}

impl Debug for ContactView {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self {
            id,
            name,
            standing,
            verified,
            route,
            path,
            last,
            unread,
            read_up_to,
            refused,
            devices,
            came_by,
        } = self;
        f.debug_struct("ContactView")
            .field("id", id)
            .field("name", &hidden(name))
            .field("standing", standing)
            .field("verified", verified)
            .field("route", route)
            .field("path", path)
            .field("last", last)
            .field("unread", unread)
            .field("read_up_to", read_up_to)
            .field("refused", refused)
            .field("devices", devices)
            .field("came_by", came_by)
            .finish()
    }
}

impl Debug for Content {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(&hidden(text)).finish(),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Gap { missing } => f.debug_struct("Gap").field("missing", missing).finish(),
            Self::Milestone(milestone) => f.debug_tuple("Milestone").field(milestone).finish(),
            Self::Unreadable => f.write_str("Unreadable"),
        }
    }
}

impl Debug for FileView {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { id, name, size, mime, state } = self;
        f.debug_struct("FileView")
            .field("id", id)
            .field("name", &hidden(name))
            .field("size", size)
            .field("mime", &hidden(mime))
            .field("state", state)
            .finish()
    }
}

impl Debug for InviteView {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { id, link, expires_at, ready } = self;
        f.debug_struct("InviteView")
            .field("id", id)
            .field("link", &hidden(link))
            .field("expires_at", expires_at)
            .field("ready", ready)
            .finish()
    }
}

impl Debug for CardView {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Looking => f.write_str("Looking"),
            Self::Open { name } => f.debug_struct("Open").field("name", &hidden(name)).finish(),
            Self::Accepting { name } => f.debug_struct("Accepting").field("name", &hidden(name)).finish(),
            Self::Accepted(contact) => f.debug_tuple("Accepted").field(contact).finish(),
            Self::AlreadyContact(contact) => f.debug_tuple("AlreadyContact").field(contact).finish(),
            Self::Refused(refusal) => f.debug_tuple("Refused").field(refusal).finish(),
        }
    }
}

impl Debug for CardRefusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Malformed => f.write_str("Malformed"),
            Self::NewerVersion => f.write_str("NewerVersion"),
            Self::OtherServer { host } => f.debug_struct("OtherServer").field("host", &hidden(host)).finish(),
            Self::Used => f.write_str("Used"),
            Self::Gone => f.write_str("Gone"),
            Self::OldDevices => f.write_str("OldDevices"),
            Self::Own => f.write_str("Own"),
            Self::Tampered => f.write_str("Tampered"),
            Self::Unreachable => f.write_str("Unreachable"),
            Self::TooMany { retry_after } => {
                f.debug_struct("TooMany").field("retry_after", retry_after).finish()
            }
        }
    }
}

impl Debug for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Ready { profile, contacts, invites, drafts } => f
                .debug_struct("Ready")
                .field("profile", profile)
                .field("contacts", contacts)
                .field("invites", invites)
                .field("drafts", &drafts.len())
                .finish(),
            Self::Profile(profile) => profile.fmt(f),
            Self::Settings(settings) => settings.fmt(f),
            Self::Linking(linking) => f.debug_tuple("Linking").field(linking).finish(),
            Self::Examined(examination) => examination.fmt(f),
            Self::Server(status) => f.debug_tuple("Server").field(status).finish(),
            Self::Contact(contact) => contact.fmt(f),
            Self::ContactRemoved(contact) => f.debug_tuple("ContactRemoved").field(contact).finish(),
            Self::InviteCreated(invite) => f.debug_tuple("InviteCreated").field(invite).finish(),
            Self::Invite(invite) => invite.fmt(f),
            Self::InviteRemoved(invite) => f.debug_tuple("InviteRemoved").field(invite).finish(),
            Self::Card(card) => f.debug_tuple("Card").field(card).finish(),
            Self::History { contact, messages, more } => f
                .debug_struct("History")
                .field("contact", contact)
                .field("messages", messages)
                .field("more", more)
                .finish(),
            Self::Message(contact, message) => {
                f.debug_tuple("Message").field(contact).field(message).finish()
            }
            Self::TextReturned { contact, text } => {
                f.debug_struct("TextReturned").field("contact", contact).field("text", &hidden(text)).finish()
            }
            Self::Progress { file, done } => {
                f.debug_struct("Progress").field("file", file).field("done", done).finish()
            }
            Self::SafetyNumber { contact, .. } => {
                f.debug_struct("SafetyNumber").field("contact", contact).finish_non_exhaustive()
            }
            Self::SafetyNumberCompared { contact, outcome } => f
                .debug_struct("SafetyNumberCompared")
                .field("contact", contact)
                .field("outcome", outcome)
                .finish(),
            Self::Damage(damage) => f.debug_tuple("Damage").field(damage).finish(),
            Self::Notice(notice) => f.debug_tuple("Notice").field(notice).finish(),
        }
    }
}

impl Debug for SocketEvent {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Opened => f.write_str("Opened"),
            Self::Message(bytes) => f.debug_tuple("Message").field(&Length(bytes.len())).finish(),
            Self::Closed { code } => f.debug_struct("Closed").field("code", code).finish(),
        }
    }
}

impl Debug for SocketAction {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Open => f.write_str("Open"),
            Self::Send(bytes) => f.debug_tuple("Send").field(&Length(bytes.len())).finish(),
            Self::Close => f.write_str("Close"),
        }
    }
}

impl Debug for LinkEvent {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Signal(signal) => f.debug_tuple("Signal").field(signal).finish(),
            Self::Opened => f.write_str("Opened"),
            Self::Connected => f.write_str("Connected"),
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Disconnected => f.write_str("Disconnected"),
            Self::Failed => f.write_str("Failed"),
            Self::Examined(figures) => f.debug_tuple("Examined").field(figures).finish(),
            Self::Message(bytes) => f.debug_tuple("Message").field(&Length(bytes.len())).finish(),
            Self::Closed => f.write_str("Closed"),
        }
    }
}

impl Debug for LinkAction {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Open { polite, initiate, ice_servers, relay_only } => f
                .debug_struct("Open")
                .field("polite", polite)
                .field("initiate", initiate)
                .field("ice_servers", ice_servers)
                .field("relay_only", relay_only)
                .finish(),
            Self::Restart { ice_servers } => {
                f.debug_struct("Restart").field("ice_servers", ice_servers).finish()
            }
            Self::Examine => f.write_str("Examine"),
            Self::Signal(signal) => f.debug_tuple("Signal").field(signal).finish(),
            Self::Send(bytes) => f.debug_tuple("Send").field(&Length(bytes.len())).finish(),
            Self::Close => f.write_str("Close"),
        }
    }
}

impl Debug for IceServer {
    /// Without the credential.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

impl Debug for Request {
    /// A body holds a delivery token, an invite's id, or an owner secret.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Post { path, body, limit } => f
                .debug_struct("Post")
                .field("path", path)
                .field("body", &Length(body.len()))
                .field("limit", limit)
                .finish(),
            Self::Read { store, limit, .. } => {
                f.debug_struct("Read").field("store", store).field("limit", limit).finish_non_exhaustive()
            }
        }
    }
}

impl Debug for Response {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Http { status, retry_after, body } => f
                .debug_struct("Http")
                .field("status", status)
                .field("retry_after", retry_after)
                .field("body", &Length(body.len()))
                .finish(),
            Self::Unreachable => f.write_str("Unreachable"),
            Self::Records(records) => f.debug_tuple("Records").field(records).finish(),
            Self::StorageFailed => f.write_str("StorageFailed"),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::invite::{Invite, Stage};
    use crate::{
        ContactId, Delivery, FileId, FileState, InviteId, MessageId, MessageOrder, MessageView, Route,
        Standing, Timestamp,
    };

    #[test]
    fn nothing_that_people_say_or_keep_secret_is_printed() {
        const SECRET: &str = "canary";
        let secret = || SECRET.to_owned();
        let file = FileView {
            id: FileId([1; 16]),
            name: secret(),
            size: 1,
            mime: secret(),
            state: FileState::Offered,
        };
        let message = |content| MessageView {
            id: MessageId([2; 16]),
            order: MessageOrder { lamport: 1, author: [3; 16], sequence: 1 },
            mine: true,
            sent_at: Timestamp(1),
            content,
            delivery: Delivery::Waiting,
        };
        let id = ContactId([4; 16]);
        let contact = ContactView {
            id,
            name: secret(),
            standing: Standing::Confirmed,
            verified: false,
            route: Route::Away,
            path: None,
            last: Some(message(Content::Text(secret()))),
            unread: 0,
            read_up_to: None,
            refused: false,
            devices: crate::Devices::Known,
            came_by: None,
        };
        let invite =
            InviteView { id: InviteId([5; 16]), link: secret(), expires_at: Timestamp(1), ready: true };
        let bytes = SECRET.as_bytes();
        let ice = IceServer { urls: Vec::new(), credential: Some((secret(), secret())) };
        let open =
            LinkAction::Open { polite: true, initiate: true, ice_servers: vec![ice], relay_only: false };
        let mut owner_secret = [0; 32];
        owner_secret[..SECRET.len()].copy_from_slice(bytes);
        let withdrawn = Invite {
            id: InviteId([5; 16]),
            stage: Stage::Revoked {},
            token: None,
            owner_secret: sotto_wire::server::OwnerSecret::from_bytes(owner_secret),
            expires_at: Timestamp(1),
            uploaded: true,
            failures: 0,
            asking: false,
            ended: false,
        };
        let printed = [
            format!("{:?}", Event::Contact(contact.clone())),
            format!(
                "{:?}",
                Event::Ready {
                    profile: Profile { name: secret() },
                    contacts: vec![contact],
                    invites: vec![invite.clone()],
                    drafts: [(id, secret())].into(),
                }
            ),
            format!("{:?}", Event::InviteCreated(invite)),
            format!("{:?}", Event::Message(id, message(Content::File(file)))),
            format!("{:?}", Event::TextReturned { contact: id, text: secret() }),
            format!("{:?}", Event::Card(CardView::Open { name: secret() })),
            format!("{:?}", Event::Card(CardView::Accepting { name: secret() })),
            format!("{:?}", CardView::Refused(CardRefusal::OtherServer { host: secret() })),
            format!("{:?}", Event::SafetyNumber { contact: id, digits: secret(), qr: bytes.to_vec() }),
            format!("{:?}", SocketEvent::Message(bytes.to_vec())),
            format!("{:?}", SocketAction::Send(bytes.to_vec())),
            format!("{:?}", LinkEvent::Message(bytes.to_vec())),
            format!("{:?}", LinkAction::Send(bytes.to_vec())),
            format!("{open:?}"),
            format!("{:?}", Request::Post { path: "/v1/envelopes", body: bytes.to_vec(), limit: 1 }),
            format!("{:?}", Response::Http { status: 200, retry_after: None, body: bytes.to_vec() }),
            format!("{:?}", crate::Command::SetName(secret())),
            format!("{:?}", withdrawn),
        ];
        for printed in printed {
            assert!(!printed.contains(SECRET) && !printed.contains("99, 97, 110"), "{printed}");
        }
    }
}
