//! Plays a scenario.

use core::time::Duration;

use sotto_engine::{
    CardView, Command, ContactId, Content, Event, FileState, Input, LocalFile, MessageView, Standing, Store,
};

use super::plan::{Friend, Plan, Step, networks};
use super::town::Town;
use super::witness::Witness;
use crate::disk::Disk;
use crate::network::Network;
use crate::server::ServerStore;
use crate::world::{Who, World};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// After how much time at the latest everything has arrived, once all trouble has ended: a message that only an older
/// copy of the server's database knew is put there again after a day, and a refused token tried again after an hour.
const PATIENCE: [Duration; 4] = [MINUTE, Duration::from_secs(600), HOUR, Duration::from_secs(30 * 3600)];

/// What was played.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Scenarios.
    pub scenarios: u64,
    /// Time that passed in them.
    pub simulated: Duration,
    /// Texts that were accepted.
    pub messages: u64,
}

impl core::fmt::Display for Figures {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { scenarios, simulated, messages } = self;
        write!(
            f,
            "scenarios {scenarios}, simulated hours {}, messages {messages}",
            simulated.as_secs() / 3600
        )
    }
}

impl core::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.scenarios += other.scenarios;
        self.simulated += other.simulated;
        self.messages += other.messages;
    }
}

struct Play {
    world: World,
    witness: Witness,
    friends: Vec<Vec<Who>>,
    ids: Vec<ContactId>,
    snapshots: Vec<Option<Disk>>,
    links: Vec<Option<String>>,
    steps: u64,
    /// What was said after all trouble, where it has to arrive.
    last_words: Vec<String>,
}

pub(super) fn play(plan: &Plan, store: Option<Box<dyn ServerStore>>) -> Figures {
    let (world, friends, ids) = match store {
        None => {
            let town = Town::of(plan.people);
            (town.world(plan.seed), town.friends.clone(), town.ids.clone())
        }
        Some(_) => {
            let (town, world) = Town::found(plan.people, store);
            (world, town.friends, town.ids)
        }
    };
    let start = world.now;
    let witness = Witness::new(&ids);
    let snapshots = vec![None; plan.people];
    let links = vec![None; plan.people];
    let mut play = Play { world, witness, friends, ids, snapshots, links, steps: 0, last_words: Vec::new() };
    play.world.network = Network::default();
    play.world.watch();
    for who in 0..plan.people {
        play.world.open_page(who);
    }
    play.pass(Duration::from_secs(1));
    for step in &plan.steps {
        play.steps += 1;
        play.act(*step);
        play.look();
    }
    play.end();
    let simulated = play.world.now.saturating_since(start);
    Figures { scenarios: 1, simulated, messages: play.witness.messages }
}

/// Nothing that others can make grow is beyond its bound, and the witness agrees with what is shown.
fn watch(world: &mut World, witness: &mut Witness) {
    let mut seen = Vec::new();
    for (who, event) in world.take_watched() {
        witness.sees(who, &event);
        seen.push(who);
    }
    seen.dedup();
    for who in seen {
        for bounded in world.people[who].client.iter().flat_map(sotto_engine::Client::bounded) {
            assert!(bounded.size <= bounded.most, "{who}: {bounded:?}");
        }
    }
}

impl Play {
    fn pass(&mut self, time: Duration) {
        let Self { world, witness, .. } = self;
        world.run_watched(time, |world| watch(world, witness));
    }

    /// What has to be so at any time.
    fn look(&mut self) {
        watch(&mut self.world, &mut self.witness);
        if let Some(hidden) = self.witness.hidden_gap() {
            panic!("{hidden}");
        }
        for who in 0..self.world.people.len() {
            let waiting = self.world.people[who].disk.count(Store::Outbox);
            let under_way = self.witness.under_way(who);
            assert!(under_way <= waiting, "{who} has stored {waiting} of {under_way} that are under way");
        }
    }

    fn is_open(&self, who: Who) -> bool {
        self.world.people[who].client.is_some()
    }

    /// Whom a step means: a friend, as the other knows it.
    fn friend(&self, who: Who, friend: Friend) -> (Who, ContactId) {
        let friends = &self.friends[who];
        let other = friends[friend % friends.len()];
        (other, self.ids[other])
    }

    fn command(&mut self, who: Who, command: Command) {
        self.world.command(who, command);
        watch(&mut self.world, &mut self.witness);
    }

    /// Whether somebody has a contact on its screen.
    fn knows(&self, who: Who, contact: ContactId) -> bool {
        self.world.people[who].screen.contacts.contains_key(&contact)
    }

    fn say(&mut self, who: Who, friend: Friend) -> Option<String> {
        let (other, contact) = self.friend(who, friend);
        if !self.is_open(who) || !self.knows(who, contact) {
            return None;
        }
        let text = self.witness.writes(who, other);
        self.command(who, Command::SendText { contact, text: text.clone() });
        Some(text)
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::Pause(time) => self.pass(time),
            Step::Say(who, friend) => drop(self.say(who, friend)),
            Step::Burst(who, friend, count) => (0..count).for_each(|_| drop(self.say(who, friend))),
            Step::Offer(who, friend) => self.offer(who, friend),
            Step::Accept(who, friend) => self.on_file(who, friend, FileState::Offered, Command::AcceptFile),
            Step::Decline(who, friend) => self.on_file(who, friend, FileState::Offered, Command::DeclineFile),
            Step::Cancel(who, friend) => self.on_file(who, friend, FileState::Accepted, Command::CancelFile),
            Step::MarkRead(who, friend) => {
                let (_, contact) = self.friend(who, friend);
                if let Some(last) = self.world.people[who].screen.conversation(contact).last() {
                    let up_to = last.order;
                    self.command(who, Command::MarkRead { contact, up_to });
                }
            }
            Step::Rename(who) => {
                let name = format!("name {}", self.steps);
                self.command(who, Command::SetName(name));
            }
            Step::Remove(who, friend) => {
                let (other, contact) = self.friend(who, friend);
                if self.is_open(who) {
                    self.witness.forgets(who, other);
                    self.witness.forgets(other, who);
                    self.command(who, Command::RemoveContact(contact));
                }
            }
            Step::Invite(_) | Step::UseInvite(..) | Step::Confirm(_) | Step::Revoke(_) => self.meet(step),
            Step::Snapshot(who) => self.snapshots[who] = Some(self.world.people[who].disk.clone()),
            Step::Restore(who) => self.restore(who),
            Step::Away(days, open) => self.away(days, open),
            other => self.befall(other),
        }
    }

    /// What happens to devices, network and server.
    fn befall(&mut self, step: Step) {
        let world = &mut self.world;
        let open = |world: &World, who: Who| world.people[who].client.is_some();
        match step {
            Step::Reload(who) if open(world, who) => world.reload(who),
            Step::Toggle(who) if open(world, who) => world.close_page(who),
            Step::Toggle(who) => world.open_page(who),
            Step::Crash(who, at) if open(world, who) => world.crash(who, at),
            Step::Online(who) => {
                let online = !world.people[who].online;
                world.set_online(who, online);
            }
            Step::KillServer => world.kill_server(),
            Step::StartServer => world.start_server(),
            Step::BackUp => world.server.store().back_up(),
            Step::GoBack if world.server.store().go_back() => {
                world.kill_server();
                world.start_server();
            }
            Step::Reap => {
                let now = world.now.0 / 1000;
                world.server.reap(now);
            }
            Step::FewPreKeys => world.server.leave_one_time(3),
            Step::BreakLinks(who) => world.break_links(who),
            Step::Wake(who) => world.input(who, Input::Wake),
            Step::DropSilently(who) => world.drop_silently(who),
            Step::Network(which) => world.network = networks()[which],
            Step::Cut(from, to) if from != to => world.cut(from, to),
            Step::Mend => world.mend(),
            Step::Sleep(who) => world.sleep(who),
            Step::WakeUp(who) => world.wake_up(who),
            Step::SlowStore(who, time) => world.people[who].slow_store = time,
            Step::DiskFull(who) => world.people[who].disk_full = true,
            Step::Room(who) => {
                world.people[who].disk_full = false;
                if world.people[who].stopped {
                    world.open_page(who);
                }
            }
            Step::Clock(who, skew) => world.people[who].clock_skew = skew,
            Step::Replay(which) => {
                let accepted = world.server.accepted.len() as u64;
                if world.server.other.is_none() && accepted > 0 {
                    let place = accepted - 1 - which % accepted;
                    let (mailbox, blob) = world.server.accepted[place as usize].clone();
                    world.inject(mailbox, blob);
                }
            }
            _ => {}
        }
    }

    fn offer(&mut self, who: Who, friend: Friend) {
        let (_, contact) = self.friend(who, friend);
        let (name, mime) = (format!("file {}", self.steps), "text/plain".to_owned());
        let (file, size) = (LocalFile(self.steps), self.steps * 1000);
        self.command(who, Command::OfferFile { contact, file, name, size, mime });
    }

    /// Does something with the newest file in this state.
    fn on_file(
        &mut self,
        who: Who,
        friend: Friend,
        state: FileState,
        make: fn(ContactId, sotto_engine::MessageId) -> Command,
    ) {
        let (_, contact) = self.friend(who, friend);
        let messages = self.world.people[who].screen.conversation(contact);
        let found = messages.into_iter().rev().find(|message| match &message.content {
            Content::File(file) => file.state == state,
            _ => false,
        });
        if let Some(message) = found {
            self.command(who, make(contact, message.id));
        }
    }

    /// Invites: made, used, confirmed, withdrawn.
    fn meet(&mut self, step: Step) {
        match step {
            Step::Invite(who) => {
                self.command(who, Command::CreateInvite);
                let invites = &self.world.people[who].screen.invites;
                self.links[who] = invites.values().last().map(|invite| invite.link.clone());
            }
            Step::Revoke(who) => {
                let last = self.world.people[who].screen.invites.keys().last().copied();
                if let Some(id) = last {
                    self.command(who, Command::RevokeInvite(id));
                }
            }
            Step::UseInvite(inviter, invitee) => {
                let Some(link) = self.links[inviter].clone().filter(|_| inviter != invitee) else { return };
                self.command(invitee, Command::LookAtInvite(link));
                self.pass(Duration::from_secs(5));
                if matches!(self.world.people[invitee].screen.card, Some(CardView::Open { .. })) {
                    if !self.friends[inviter].contains(&invitee) {
                        self.friends[inviter].push(invitee);
                        self.friends[invitee].push(inviter);
                    }
                    // Who meets again begins anew: what was under way is said again, or is over.
                    self.witness.forgets(inviter, invitee);
                    self.witness.forgets(invitee, inviter);
                    self.command(invitee, Command::AcceptInvite { name: format!("person {invitee}") });
                }
            }
            Step::Confirm(who) => {
                let contacts = &self.world.people[who].screen.contacts;
                let came = contacts.values().find(|contact| contact.standing == Standing::AwaitingOurs);
                if let Some(id) = came.map(|contact| contact.id) {
                    self.command(who, Command::ConfirmContact(id));
                }
            }
            _ => {}
        }
    }

    fn restore(&mut self, who: Who) {
        let Some(disk) = self.snapshots[who].clone() else { return };
        self.witness.fate.shake(who);
        if self.is_open(who) {
            self.world.close_page(who);
        }
        self.world.people[who].disk = disk;
        self.world.open_page(who);
    }

    fn away(&mut self, days: u32, open: u8) {
        for who in 0..self.world.people.len() {
            self.world.cancel_crash(who);
        }
        // Crashed pages come back after a second.
        self.pass(Duration::from_secs(2));
        for who in 0..self.world.people.len() {
            if self.is_open(who) {
                self.world.close_page(who);
            }
        }
        self.pass(DAY * days);
        let now = self.world.now.0 / 1000;
        self.world.server.reap(now);
        for who in 0..self.world.people.len() {
            if open & (1 << who) != 0 {
                self.world.open_page(who);
            }
        }
    }

    /// All trouble ends.
    fn heal(&mut self) {
        self.world.network = Network::default();
        self.world.start_server();
        self.world.mend();
        for who in 0..self.world.people.len() {
            self.world.cancel_crash(who);
            let person = &mut self.world.people[who];
            person.online = true;
            (person.disk_full, person.slow_store, person.clock_skew) = (false, Duration::ZERO, 0);
            self.world.wake_up(who);
        }
        // Crashed pages come back after a second.
        self.pass(Duration::from_secs(4));
        for who in 0..self.world.people.len() {
            if !self.is_open(who) {
                self.world.open_page(who);
            }
            self.world.input(who, Input::Online(true));
            watch(&mut self.world, &mut self.witness);
        }
    }

    /// All trouble ends, everybody says something, and after a while everything is as promised.
    fn end(&mut self) {
        self.heal();
        self.pass(MINUTE);
        for who in 0..self.world.people.len() {
            for friend in 0..self.friends[who].len() {
                let (other, contact) = self.friend(who, friend);
                let both = self.knows(who, contact) && !self.witness.fate.is_ended(who, other);
                let text = self.say(who, friend);
                self.last_words.extend(text.filter(|_| both));
            }
        }
        for patience in PATIENCE {
            let until = self.world.now.saturating_add(patience);
            while self.world.now < until && !self.nothing_waits() {
                let pause = if patience > HOUR { MINUTE * 10 } else { Duration::from_secs(2) };
                self.pass(pause);
            }
        }
        // What was the last acknowledged, and roots of files.
        self.pass(MINUTE);
        self.look();
        for who in 0..self.world.people.len() {
            for friend in 0..self.friends[who].len() {
                let (other, contact) = self.friend(who, friend);
                if !self.knows(who, contact) {
                    continue;
                }
                let history = self.history(who, contact);
                if let Err(why) = self.witness.judge(who, other, &history) {
                    panic!("{why}\n{}", self.logs());
                }
            }
        }
        for text in &self.last_words {
            assert!(self.witness.is_told(text), "{text:?} was never shown\n{}", self.logs());
        }
    }

    /// The ends of everybody's logs.
    fn logs(&self) -> String {
        let of = |(who, person): (Who, &crate::person::Person)| {
            let from = person.log.len().saturating_sub(12);
            format!("log of {who}: {:?}\n", &person.log[from..])
        };
        self.world.people.iter().enumerate().map(of).collect()
    }

    /// Whether everything between devices that lost nothing has arrived, and between others what was said at last.
    fn nothing_waits(&self) -> bool {
        (0..self.world.people.len()).all(|who| self.witness.under_way(who) == 0)
            && !self.witness.shows_gaps()
            && self.last_words.iter().all(|text| self.witness.is_told(text))
    }

    fn history(&mut self, who: Who, contact: ContactId) -> Vec<MessageView> {
        let history = self.world.history(who, contact);
        for (who, event) in self.world.take_watched() {
            if !matches!(event, Event::History { .. }) {
                self.witness.sees(who, &event);
            }
        }
        history
    }
}
