//! Devices: pages that are opened, closed and killed, storage that is slow or full, sleep, clocks.
//!
//! A client is driven here as in the browser: one input at a time, its outputs strictly in order, nothing behind a
//! `Persist` before that is done, and inputs wait meanwhile.

use core::time::Duration;

use sotto_engine::{
    Change, Changes, Client, Config, ContactId, Event, Input, LinkAction, MessageView, Output, Record,
    Request, RestoreError, SocketAction, SocketEvent, Store, Timestamp,
};

use super::{Happening, ORIGIN, Who, World};
use crate::person::{CrashAt, Item};

/// Longest time between two looks at the clock.
const MAX_TIMER: Duration = Duration::from_secs(3600);

impl World {
    /// Opens the page: the client is restored from what is stored.
    pub fn open_page(&mut self, who: Who) {
        self.try_open_page(who).expect("what was stored can be restored");
    }

    /// Opens the page if what is stored can be restored.
    ///
    /// # Errors
    /// Those of [`Client::restore`]; the page stays closed.
    pub fn try_open_page(&mut self, who: Who) -> Result<(), RestoreError> {
        let now = self.people[who].clock(self.now);
        let person = &mut self.people[who];
        assert!(person.client.is_none(), "the page is open already");
        person.run += 1;
        (person.stopped, person.asleep) = (false, false);
        let config = Config { origin: ORIGIN.to_owned(), webrtc: person.webrtc };
        let records: Vec<Record> = person.disk.loaded_at_start();
        person.client = Some(Client::restore(records, config, now, &mut person.rng)?);
        person.screen.ready = false;
        person.left = false;
        self.carry_out(who);
        Ok(())
    }

    /// Closes the page, or kills it: what was not stored is gone.
    pub fn close_page(&mut self, who: Who) {
        let person = &mut self.people[who];
        person.client = None;
        person.run += 1;
        person.socket += 1;
        person.asleep = false;
        (person.storing, person.alarm) = (None, None);
        person.waiting.clear();
        person.expected.clear();
        self.hang_up(who);
        self.break_links(who);
        self.flush_server();
    }

    /// Closes the page and opens it again.
    pub fn reload(&mut self, who: Who) {
        if self.people[who].client.is_some() {
            self.close_page(who);
        }
        self.open_page(who);
    }

    /// The device will crash, and its page be opened again a second later.
    pub fn crash(&mut self, who: Who, at: CrashAt) {
        self.people[who].crash = Some(at);
    }

    pub(super) fn crashed(&mut self, who: Who) {
        self.people[who].crash = None;
        self.close_page(who);
        let run = self.people[who].run;
        self.schedule(self.now.saturating_add(Duration::from_secs(1)), Happening::Start { who, run });
    }

    /// The lid is closed: nothing is heard and no timer rings until [`World::wake_up`].
    pub fn sleep(&mut self, who: Who) {
        if self.people[who].client.is_some() {
            self.people[who].asleep = true;
        }
    }

    /// The lid is opened: what came meanwhile is heard, and the browser says that the page is seen again.
    pub fn wake_up(&mut self, who: Who) {
        if core::mem::take(&mut self.people[who].asleep) {
            if self.people[who].storing.is_some() {
                let run = self.people[who].run;
                self.schedule(self.now, Happening::Stored { who, run });
            }
            self.go_on(who);
            self.input(who, Input::Wake);
        }
    }

    /// The device loses or gets back its network, and its browser says so.
    pub fn set_online(&mut self, who: Who, online: bool) {
        self.people[who].online = online;
        if !online {
            if self.people[who].connection.is_some() {
                self.hang_up(who);
                let socket = self.people[who].socket;
                self.item(who, Item::Socket(socket, SocketEvent::Closed { code: 1006 }));
            }
            self.break_links(who);
        }
        self.input(who, Input::Online(online));
    }

    /// Gives a client an input now, or as soon as it has time.
    pub fn input(&mut self, who: Who, input: Input) {
        self.item(who, Item::Input(input));
    }

    pub(super) fn item(&mut self, who: Who, item: Item) {
        if self.people[who].client.is_none() {
            return;
        }
        self.people[who].waiting.push_back(item);
        self.go_on(who);
    }

    /// Lets a client deal with what waits for it, unless it is busy.
    fn go_on(&mut self, who: Who) {
        loop {
            let now = self.people[who].clock(self.now);
            let person = &mut self.people[who];
            let Some(client) = &mut person.client else { return };
            if person.asleep || person.storing.is_some() {
                return;
            }
            let Some(item) = person.waiting.pop_front() else { return };
            let input = match item {
                Item::Input(input) => input,
                Item::Socket(number, event) if number == person.socket => {
                    if matches!(event, SocketEvent::Closed { .. }) {
                        person.connection = None;
                        person.socket += 1;
                    }
                    Input::Socket(event)
                }
                Item::Socket(..) => continue,
                Item::Timer if client.next_timeout().is_some_and(|at| at <= now) => Input::Timeout,
                Item::Timer => {
                    self.arm(who);
                    continue;
                }
            };
            person.left = false;
            client.handle(input, now, &mut person.rng);
            self.carry_out(who);
        }
    }

    /// Schedules an input for a client in its present run.
    pub(super) fn tell(&mut self, who: Who, input: Input) {
        self.tell_at(self.now, who, input);
    }

    pub(super) fn tell_later(&mut self, who: Who, input: Input) {
        let at = self.after_delay();
        self.tell_at(at, who, input);
    }

    pub(super) fn tell_at(&mut self, at: Timestamp, who: Who, input: Input) {
        let run = self.people[who].run;
        self.schedule(at, Happening::Input { who, run, item: Item::Input(input) });
    }

    /// Sets the timer for what the client waits for. Timers go by no clock that can be set.
    fn arm(&mut self, who: Who) {
        let now = self.people[who].clock(self.now);
        let person = &mut self.people[who];
        let next = person.client.as_ref().and_then(Client::next_timeout);
        if person.alarm.map(|(at, _)| at) != next {
            person.alarm =
                next.map(|at| (at, self.now.saturating_add(at.saturating_since(now).min(MAX_TIMER))));
        }
    }

    /// Carries out everything a client wants, in order, until it has to wait for its storage.
    fn carry_out(&mut self, who: Who) {
        while let Some(output) = self.people[who].client.as_mut().and_then(Client::poll) {
            if let Some(CrashAt::BeforeOutput(n)) = self.people[who].crash {
                if n == 0 {
                    self.crashed(who);
                    return;
                }
                self.people[who].crash = Some(CrashAt::BeforeOutput(n - 1));
            }
            self.people[who].left |= leaves(&output);
            match output {
                Output::Persist(changes) => {
                    assert!(!changes.is_empty(), "nothing to store");
                    assert!(!self.people[who].left, "something left the device before its state was stored");
                    let person = &mut self.people[who];
                    person.persists += 1;
                    person.storing = Some(changes);
                    if !person.slow_store.is_zero() {
                        let run = person.run;
                        let took = self.up_to(self.people[who].slow_store);
                        self.schedule(self.now.saturating_add(took), Happening::Stored { who, run });
                        return;
                    }
                    if !self.persist(who) {
                        return;
                    }
                }
                Output::Socket(action) => self.socket(who, action),
                Output::Link(link, action) => self.link(who, link, action),
                Output::Transfer(file, action) => self.transfer(who, file, action),
                Output::Request(id, request) => self.request(who, id, request),
                Output::Event(event) => self.show(who, event),
                Output::Log(line) => self.people[who].log.push(line),
            }
        }
        self.arm(who);
    }

    fn show(&mut self, who: Who, event: Event) {
        if let Some(watched) = &mut self.watched {
            watched.push((who, event.clone()));
        }
        self.people[who].screen.apply(event);
    }

    /// Stores what is to be stored. `false` if the client does not go on.
    fn persist(&mut self, who: Who) -> bool {
        let person = &mut self.people[who];
        let Some(changes): Option<Changes> = person.storing.take() else { return false };
        match person.crash {
            Some(CrashAt::BeforePersist(0)) => {
                self.crashed(who);
                return false;
            }
            Some(CrashAt::AfterPersist(0)) => {
                self.store(who, changes);
                self.crashed(who);
                return false;
            }
            Some(CrashAt::BeforePersist(n)) => person.crash = Some(CrashAt::BeforePersist(n - 1)),
            Some(CrashAt::AfterPersist(n)) => person.crash = Some(CrashAt::AfterPersist(n - 1)),
            Some(CrashAt::BeforeOutput(_)) | None => {}
        }
        if person.disk_full {
            // The driver ends the run: what comes behind is never done.
            self.close_page(who);
            self.people[who].stopped = true;
            return false;
        }
        self.store(who, changes);
        true
    }

    /// Stores changes. What of them the history will show is watched here: a crash may come before the screen shows it.
    fn store(&mut self, who: Who, changes: Changes) {
        if let Some(watched) = &mut self.watched {
            watched.extend(changes.iter().filter_map(message).map(|event| (who, event)));
        }
        self.people[who].disk.apply(changes);
    }

    /// The storage is done with what it was given.
    pub(super) fn stored(&mut self, who: Who) {
        // A device that sleeps hears of it when it wakes up.
        if !self.people[who].asleep && self.persist(who) {
            self.carry_out(who);
            self.go_on(who);
        }
    }
}

/// The message that a change stores, as the screen would show it.
fn message(change: &Change) -> Option<Event> {
    let Change::Put(Record { store: Store::Message, key, value }) = change else { return None };
    let (contact, _) = key.split_first_chunk::<16>().expect("begins with the contact");
    let (_, encoded) = value.split_first().expect("begins with the version");
    let view: MessageView = minicbor::decode(encoded).expect("was encoded");
    Some(Event::Message(ContactId(*contact), view))
}

/// Whether this carries something away from the device.
fn leaves(output: &Output) -> bool {
    matches!(
        output,
        Output::Socket(SocketAction::Send(_))
            | Output::Link(_, LinkAction::Send(_))
            | Output::Request(_, Request::Post { .. })
    )
}
