//! What attackers can do, and what only somebody outside the world can see.

use sotto_engine::Client;

use crate::world::{Who, World};

/// What attackers and tests see from outside.
impl World {
    /// Puts an envelope into a mailbox, as a server that plays tricks does.
    pub fn inject(&mut self, mailbox: sotto_crypto::MailboxId, blob: Vec<u8>) {
        self.server.inject(mailbox, blob);
        self.flush_server();
    }

    /// Forgets that invites were used, as a server that plays tricks does.
    pub fn reopen_invites(&mut self) {
        for invite in self.server.model.invites.values_mut() {
            invite.reopen();
        }
    }

    /// The device's connection is gone, and neither its browser nor the server says so.
    pub fn drop_silently(&mut self, who: Who) {
        if let Some(connection) = self.people[who].connection.take() {
            self.server.disconnect(connection);
        }
    }

    /// Somebody with a token sends something short-lived.
    pub fn inject_ephemeral(&mut self, mailbox: sotto_crypto::MailboxId, blob: Vec<u8>) {
        self.server.pass_on(mailbox, blob);
        self.flush_server();
    }

    /// Whether a crash that was asked for has not come.
    #[must_use]
    pub fn is_crash_pending(&self, who: Who) -> bool {
        self.people[who].crash.is_some()
    }

    /// The crash that was asked for will not come.
    pub fn cancel_crash(&mut self, who: Who) {
        self.people[who].crash = None;
    }

    /// How many links were ever asked for.
    #[must_use]
    pub fn links_ever_opened(&self) -> u64 {
        self.people.iter().map(|person| person.links_opened).sum()
    }

    /// Everybody's device list, as an omniscient attacker knows them.
    #[must_use]
    pub fn device_lists(&self) -> Vec<sotto_wire::peer::DeviceList> {
        self.people
            .iter()
            .filter_map(|person| person.client.as_ref())
            .map(Client::device_list)
            .cloned()
            .collect()
    }
}
