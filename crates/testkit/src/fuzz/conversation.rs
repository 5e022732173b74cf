//! Whole conversations: two people with real clients, and a schedule of what they do and what befalls them, two bytes a
//! step. When the trouble is over, what was said has been told exactly once, in one order on both sides, and nothing
//! waits. Where a device lost its state, what was said from then on has been told once and is delivered; and nothing is
//! called delivered that the other side did not get, unless it lost it again.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use sotto_engine::{
    Command, ContactId, Content, Delivery, FileState, Input, LocalFile, MessageView, Standing, Store,
};

use super::Seeds;
use super::input::Choices;
use super::scene::{ANNA, BEN, MINUTE, Scene, heal, nothing_waits};
use crate::disk::Disk;
use crate::network::Network;
use crate::person::CrashAt;
use crate::screen::texts;
use crate::world::{Who, World};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Longest schedule worth playing, in steps.
const STEPS_MAX: usize = 96;
/// Most jumps of days in one schedule, which cost more time than all else.
const NIGHTS_MAX: u32 = 4;

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(Scene::met)
}

/// Texts, and the step in which each was said.
type Said = BTreeMap<String, usize>;

/// What a schedule came to.
#[derive(Clone, Copy, Debug)]
pub struct Played {
    /// Steps that were done.
    pub steps: usize,
    /// Whether a device lost its state, or part of it.
    pub lost_state: bool,
    /// Whether the conversation was ended on purpose.
    pub ended: bool,
    /// How many texts were judged.
    pub texts: usize,
    /// How long it took in the world.
    pub took: Duration,
}

struct Play {
    world: World,
    contacts: [ContactId; 2],
    /// What each has said, as far as it was shown to have been accepted and is still stored, and in which step.
    said: [Said; 2],
    snapshots: [Option<(Disk, Said)>; 2],
    /// The last step in which each lost its state, or part of it.
    lost: [Option<usize>; 2],
    /// The last step in which each lost what it had stored later.
    rolled_back: [Option<usize>; 2],
    /// A conversation was ended on purpose.
    ended: bool,
    nights: u32,
    step: usize,
}

/// Plays one schedule; whether there was one, to its end.
pub fn conversation(data: &[u8]) -> bool {
    let played = play(data);
    played.steps > 0 && !played.ended
}

/// Plays one schedule and judges it.
pub fn play(data: &[u8]) -> Played {
    let mut world = scene().world(2);
    world.network = Network::default();
    let mut play = Play {
        world,
        contacts: scene().contacts,
        said: [Said::new(), Said::new()],
        snapshots: [None, None],
        lost: [None, None],
        rolled_back: [None, None],
        ended: false,
        nights: 0,
        step: 0,
    };
    let begun = play.world.now;
    for who in [ANNA, BEN] {
        play.world.open_page(who);
    }
    play.world.run_for(Duration::from_secs(1));
    let mut choices = Choices::new(data);
    while !choices.is_empty() && play.step < STEPS_MAX {
        let (action, argument) = (choices.u8(), choices.u8());
        play.act(action, argument);
        play.bounds();
        play.step += 1;
    }
    play.judge();
    Played {
        steps: play.step,
        lost_state: play.has_lost_state(),
        ended: play.ended,
        texts: play.said.iter().map(BTreeMap::len).sum(),
        took: Duration::from_millis(play.world.now.0 - begun.0),
    }
}

impl Play {
    fn has_lost_state(&self) -> bool {
        self.lost.iter().any(Option::is_some)
    }

    fn is_open(&self, who: Who) -> bool {
        self.world.people[who].client.is_some()
    }

    fn say(&mut self, who: Who, text: String) {
        let contact = self.contacts[who];
        self.world.command(who, Command::SendText { contact, text: text.clone() });
        // Accepted is what the screen shows; a crash before that loses only the wish.
        let shown = self.world.people[who].screen.texts(contact).iter().any(|(shown, _)| *shown == text);
        if self.is_open(who) && shown {
            self.said[who].insert(text, self.step);
        }
    }

    /// The newest file message with that contact that is in this state.
    fn file(&self, who: Who, state: FileState) -> Option<MessageView> {
        let messages = self.world.people[who].screen.conversation(self.contacts[who]);
        let wanted = |message: &MessageView| match &message.content {
            Content::File(file) => file.state == state && message.mine != (state == FileState::Offered),
            _ => false,
        };
        messages.into_iter().rev().find(wanted)
    }

    fn act(&mut self, action: u8, argument: u8) {
        let who = usize::from(argument % 2);
        let (open, contact) = (self.is_open(who), self.contacts[who]);
        match action % 26 {
            0..=4 if open => {
                let text = format!("{who} says {}", self.step);
                self.say(who, text);
            }
            5 => self.world.run_for(Duration::from_millis(20) * argument.into()),
            6 => self.world.run_for(Duration::from_secs(2) * argument.into()),
            7 if open => self.world.reload(who),
            8 => {
                if open {
                    self.world.close_page(who);
                } else {
                    self.world.open_page(who);
                }
            }
            9 if open => {
                let n = u64::from(argument / 4 % 8);
                let at = if argument & 2 == 0 { CrashAt::BeforePersist(n) } else { CrashAt::AfterPersist(n) };
                self.world.crash(who, at);
            }
            10 if open => {
                let online = !self.world.people[who].online;
                self.world.set_online(who, online);
            }
            11 => self.world.kill_server(),
            12 => self.world.start_server(),
            13 => self.world.break_links(who),
            14 => {
                let networks = [Network::default(), Network::bad(), Network::without_links()];
                self.world.network = networks[usize::from(argument) % 3];
            }
            15 => self.replay(argument, None),
            16 => self.replay(argument / 2, Some(argument)),
            17 => self.snapshot(who, argument),
            18 => self.forget(who),
            19 => self.night(argument),
            20 => {
                let hours = i64::from(argument / 2) % 24 - 12;
                self.world.people[who].clock_skew = hours * 3_600_000;
            }
            21 if open => self.world.input(who, Input::Wake),
            22 if open => self.files(who, argument / 2),
            23 if open => self.world.drop_silently(who),
            24 if open && argument > 250 => {
                self.world.command(who, Command::RemoveContact(contact));
                self.ended = true;
            }
            24 if open => {
                self.world.command(who, Command::SetName(format!("{argument}")));
            }
            25 if open => {
                if let Some(message) = self.world.people[who].screen.conversation(contact).last() {
                    let up_to = message.order;
                    self.world.command(who, Command::MarkRead { contact, up_to });
                }
            }
            _ => {}
        }
    }

    /// An envelope the server took comes again, perhaps altered.
    fn replay(&mut self, which: u8, alter: Option<u8>) {
        let accepted = self.world.server.accepted.len();
        if accepted == 0 {
            return;
        }
        let (mailbox, mut blob) =
            self.world.server.accepted[accepted - 1 - usize::from(which) % accepted].clone();
        if let Some(alter) = alter {
            let place = usize::from(alter) * 31 % blob.len();
            blob[place] ^= 1 | alter;
        }
        self.world.inject(mailbox, blob);
    }

    /// Remembers the disk, or puts it back.
    fn snapshot(&mut self, who: Who, argument: u8) {
        if argument < 128 {
            self.snapshots[who] = Some((self.world.people[who].disk.clone(), self.said[who].clone()));
        } else if let Some((disk, said)) = self.snapshots[who].clone() {
            if self.is_open(who) {
                self.world.close_page(who);
            }
            self.world.people[who].disk = disk;
            self.said[who] = said;
            self.world.open_page(who);
            (self.lost[who], self.rolled_back[who]) = (Some(self.step), Some(self.step));
        }
    }

    /// All sessions are gone.
    fn forget(&mut self, who: Who) {
        if self.is_open(who) {
            self.world.close_page(who);
        }
        self.world.people[who].disk.forget(Store::Session);
        self.world.open_page(who);
        self.lost[who] = Some(self.step);
    }

    /// Days pass with both pages closed: keys are due for renewal.
    fn night(&mut self, argument: u8) {
        self.nights += 1;
        if self.nights > NIGHTS_MAX {
            return;
        }
        for who in [ANNA, BEN] {
            self.world.cancel_crash(who);
            if self.is_open(who) {
                self.world.close_page(who);
            }
        }
        self.world.run_for(DAY * u32::from(1 + argument % 16));
        for who in [ANNA, BEN] {
            if argument & (64 << who) == 0 && !self.is_open(who) {
                self.world.open_page(who);
            }
        }
    }

    fn files(&mut self, who: Who, argument: u8) {
        let contact = self.contacts[who];
        let offered = self.file(who, FileState::Offered).map(|message| message.id);
        let accepted = self.file(who, FileState::Accepted).map(|message| message.id);
        match (argument % 5, offered, accepted) {
            (0, ..) => {
                let (name, mime) = (format!("file {}", self.step), "text/plain".to_owned());
                let (file, size) = (LocalFile(self.step as u64), u64::from(argument));
                self.world.command(who, Command::OfferFile { contact, file, name, size, mime });
            }
            (1 | 2, Some(id), _) => self.world.command(who, Command::AcceptFile(contact, id)),
            (3, Some(id), _) => self.world.command(who, Command::DeclineFile(contact, id)),
            (4, _, Some(id)) => self.world.command(who, Command::CancelFile(contact, id)),
            _ => {}
        }
    }

    /// Whatever happens, nothing grows without bound.
    fn bounds(&self) {
        for person in &self.world.people {
            let count = |store| person.disk.count(store);
            assert!(count(Store::Session) <= 5 && count(Store::Contact) <= 1);
            assert!(count(Store::Outbox) <= STEPS_MAX + 64 && count(Store::Seen) <= 8);
            assert!(count(Store::Invite) <= 1 && count(Store::Transfer) <= 100);
            assert!(count(Store::Account) <= 3 + 400);
        }
        for mailbox in self.world.server.model.mailboxes.values() {
            assert!(mailbox.one_time_left() <= 200);
        }
    }

    fn texts(&mut self, who: Who) -> Vec<(String, Delivery)> {
        texts(&self.world.history(who, self.contacts[who]))
    }

    fn logs(&self) -> [&[&'static str]; 2] {
        [ANNA, BEN].map(|who| self.world.people[who].log.as_slice())
    }

    /// What was said since anybody lost anything has arrived and is called so; what is called so has arrived, unless the
    /// reader lost it again.
    fn judge_deliveries(&self, who: Who, own: &[(String, Delivery)], theirs: &[String]) {
        let since = |lost: Option<usize>, said: usize| lost.is_none_or(|lost| said > lost);
        let lost = self.lost[ANNA].max(self.lost[BEN]);
        for (text, said) in &self.said[who] {
            let state = own.iter().find(|(own, _)| own == text).map(|(_, state)| *state);
            let arrived = theirs.contains(text);
            if since(lost, *said) {
                let logs = self.logs();
                assert!(
                    arrived && state == Some(Delivery::Delivered),
                    "{text}: {arrived}, {state:?}, {logs:?}"
                );
            }
            if since(self.rolled_back[1 - who], *said) {
                assert!(arrived || state != Some(Delivery::Delivered), "{text} is called delivered");
            }
        }
    }

    /// The trouble ends; what was promised is so.
    fn judge(&mut self) {
        for person in &mut self.world.people {
            person.clock_skew = 0;
        }
        heal(&mut self.world);
        if self.ended {
            self.world.run_for(MINUTE * 10);
            return;
        }
        // A word from each that begins the repair of whatever is broken.
        for who in [ANNA, BEN] {
            self.say(who, format!("{who} is back"));
        }
        for patience in [MINUTE * 10, DAY / 8, DAY * 2] {
            let _ = self.world.run_until(patience, nothing_waits);
        }
        for who in [ANNA, BEN] {
            let standing = self.world.people[who].screen.contacts[&self.contacts[who]].standing;
            assert_eq!(standing, Standing::Confirmed);
        }
        assert!(self.has_lost_state() || nothing_waits(&self.world), "still waiting: {:?}", self.logs());
        self.world.run_for(MINUTE);
        let delivery = [self.texts(ANNA), self.texts(BEN)];
        let told = delivery.clone().map(|texts| texts.into_iter().map(|(text, _)| text).collect::<Vec<_>>());
        for who in [ANNA, BEN] {
            let mut count: BTreeMap<&String, usize> = BTreeMap::new();
            told[who].iter().for_each(|text| *count.entry(text).or_default() += 1);
            assert!(count.values().all(|count| *count == 1), "told twice: {:?}", told[who]);
            let back = format!("{who} is back");
            assert!(told[1 - who].contains(&back), "not converged: {told:?} {:?}", self.logs());
            let missing: Vec<_> = self.said[who].keys().filter(|text| !count.contains_key(text)).collect();
            assert!(missing.is_empty(), "forgotten at home: {missing:?}");
            self.judge_deliveries(who, &delivery[who], &told[1 - who]);
        }
        if self.has_lost_state() {
            return;
        }
        assert_eq!(told[ANNA], told[BEN], "both see the same in the same order");
        for who in [ANNA, BEN] {
            let history = self.world.history(who, self.contacts[who]);
            assert!(!history.iter().any(|message| matches!(message.content, Content::Gap { .. })));
            assert!(
                history
                    .iter()
                    .all(|message| { matches!(message.delivery, Delivery::Delivered | Delivery::Incoming) })
            );
        }
    }
}

pub(super) fn seeds() -> Seeds {
    let seeds: [(&str, &[u8]); 13] = [
        ("talk", &[0, 0, 5, 10, 0, 1, 5, 100, 0, 0, 0, 1, 6, 5]),
        ("glare", &[18, 0, 18, 1, 0, 0, 0, 1, 6, 60]),
        ("roll-back", &[17, 0, 0, 0, 0, 1, 6, 30, 17, 128, 0, 1, 0, 0, 6, 60]),
        ("roll-back-twice", &[0, 0, 17, 1, 0, 1, 6, 9, 17, 129, 0, 1, 6, 9, 17, 129, 0, 0, 6, 60]),
        ("rotate", &[0, 0, 19, 8, 0, 1, 6, 5, 19, 15, 0, 0, 6, 5]),
        ("restart", &[0, 0, 7, 0, 0, 1, 7, 1, 5, 20, 0, 0, 7, 0]),
        ("crash", &[9, 0, 0, 0, 5, 100, 9, 7, 0, 1, 6, 4, 9, 6, 0, 0, 6, 4]),
        ("crash-without-link", &[14, 2, 13, 0, 9, 0, 0, 0, 6, 9, 9, 1, 0, 1, 6, 9, 0, 0, 9, 1, 6, 9]),
        ("away", &[8, 1, 0, 0, 0, 0, 6, 20, 8, 1, 0, 1, 6, 20]),
        ("bad-network", &[14, 1, 0, 0, 0, 1, 5, 90, 10, 0, 0, 1, 0, 0, 5, 90, 10, 0, 13, 0, 23, 0]),
        ("replays", &[14, 2, 0, 0, 6, 3, 15, 0, 15, 1, 16, 7, 15, 2, 0, 1, 6, 3, 16, 200]),
        ("server-dies", &[11, 0, 0, 0, 0, 1, 6, 9, 12, 0, 20, 40, 21, 1, 6, 9, 24, 1, 25, 0]),
        ("files", &[22, 0, 6, 2, 22, 3, 6, 5, 22, 1, 6, 2, 22, 6, 22, 0, 6, 2, 22, 11]),
    ];
    seeds.into_iter().map(|(name, steps)| (name.to_owned(), steps.to_vec())).collect()
}
