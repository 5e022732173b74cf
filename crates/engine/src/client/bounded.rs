//! Everything that others can make grow, beside its bound.

use std::collections::BTreeMap;

use sotto_wire::server::limits as server;

use super::Client;
use crate::{ContactId, policy};

/// One thing a client holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// What it is.
    pub what: &'static str,
    /// How much of it there is, the most with one contact where each has its own.
    pub size: usize,
    /// The most there may be.
    pub most: usize,
}

/// The longest of what each contact has.
fn longest<T>(each: &BTreeMap<ContactId, T>, length: impl Fn(&T) -> usize) -> usize {
    each.values().map(length).max().unwrap_or(0)
}

impl Client {
    /// How much there is of everything that contacts, strangers or the server can make grow, and the most there may be:
    /// for simulations, which hold both against each other after every input.
    #[must_use]
    pub fn bounded(&self) -> Vec<Bounded> {
        let contacts = self.contacts.len();
        let conversations = |length: fn(&crate::contact::Contact) -> usize| longest(&self.contacts, length);
        let open_invites = self.invites.values().filter(|invite| invite.is_open()).count();
        let files = self.contacts.keys().map(|contact| self.transfers.open_with(*contact)).max().unwrap_or(0);
        let rows = [
            ("contacts", contacts, policy::CONTACTS_MAX),
            ("used and withdrawn invites", self.invites.len() - open_invites, policy::USED_INVITES_MAX),
            ("links being used", self.acceptances.len(), policy::ACCEPTANCES_MAX),
            ("farewells", self.farewells.len(), policy::FAREWELLS_MAX),
            ("messages waiting for a contact", longest(&self.outbox, BTreeMap::len), policy::ANSWERS_MAX),
            (
                "sessions with a contact",
                longest(&self.sessions, |of| of.ids().len()),
                1 + policy::REPLACED_MAX,
            ),
            ("segments of hashes", longest(&self.seen, |of| of.numbers().len()), policy::SEEN_SEGMENTS_MAX),
            ("acknowledgements owed", conversations(|of| of.owed.len()), policy::OWED_MAX),
            (
                "acknowledgements owed on a link",
                longest(&self.lanes, |lane| lane.link_owed.len()),
                policy::OWED_MAX,
            ),
            ("tokens issued to a contact", conversations(|of| of.issued.len()), policy::ISSUED_MAX),
            ("messages to ask for", conversations(|of| of.ask_again.len()), policy::ASK_AGAIN_MAX),
            ("unread messages", conversations(|of| of.conversation.unread.len()), policy::UNREAD_MAX),
            ("runs of missing messages", conversations(|of| of.conversation.gap_runs()), policy::GAPS_MAX),
            ("files under way with a contact", files, policy::TRANSFERS_MAX),
            ("files", self.transfers.by_file.len(), policy::FILES_KEPT_MAX),
            ("links", self.links.count(), policy::LINKS_MAX),
            ("signals", self.links.most_signals(), policy::SIGNALS_WAITING_MAX),
            ("one-time prekeys", self.account.one_time.len(), policy::ONE_TIME_MAX),
            ("tokens to revoke", self.account.prekeys.revoking.len(), policy::REVOKING_MAX),
            ("sequences to acknowledge", self.socket.received.len(), server::ACKNOWLEDGE_MAX),
            ("contacts to tell of", self.here.len(), policy::HERE_MAX),
        ];
        rows.into_iter().map(|(what, size, most)| Bounded { what, size, most }).collect()
    }
}
