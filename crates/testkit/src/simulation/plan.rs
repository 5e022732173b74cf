//! What happens in a scenario, all of it drawn from one number before anything happens.

use core::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::Rng;

use crate::network::{Network, Party};
use crate::person::CrashAt;
use crate::world::Who;

/// A contact of somebody, by place among its contacts.
pub type Friend = usize;

/// One step. What cannot be done just then is left out.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Time passes.
    Pause(Duration),
    /// A text is written.
    Say(Who, Friend),
    /// Several texts at once.
    Burst(Who, Friend, u8),
    /// The page is loaded again.
    Reload(Who),
    /// The page is closed, or opened.
    Toggle(Who),
    /// The device will crash.
    Crash(Who, CrashAt),
    /// The network goes, or comes.
    Online(Who),
    /// The server is killed.
    KillServer,
    /// It is started.
    StartServer,
    /// Its operator makes a backup.
    BackUp,
    /// Its operator restores the backup.
    GoBack,
    /// Its reaper runs.
    Reap,
    /// All one-time prekeys but a few have been fetched.
    FewPreKeys,
    /// All links of somebody break.
    BreakLinks(Who),
    /// The browser says that the page is seen again.
    Wake(Who),
    /// The socket is dead, and nobody says so.
    DropSilently(Who),
    /// The network becomes another.
    Network(usize),
    /// Nothing gets from one to the other any more.
    Cut(Party, Party),
    /// Everything does again.
    Mend,
    /// A lid is closed.
    Sleep(Who),
    /// It is opened.
    WakeUp(Who),
    /// Storage takes so long from now on.
    SlowStore(Who, Duration),
    /// There is no room any more.
    DiskFull(Who),
    /// There is, and the page is opened again if it had stopped.
    Room(Who),
    /// A clock is so many milliseconds wrong from now on.
    Clock(Who, i64),
    /// An envelope the server took comes again.
    Replay(u64),
    /// A file is offered.
    Offer(Who, Friend),
    /// The newest offer is taken.
    Accept(Who, Friend),
    /// It is declined.
    Decline(Who, Friend),
    /// The newest file is stopped.
    Cancel(Who, Friend),
    /// Everything was seen.
    MarkRead(Who, Friend),
    /// Another name.
    Rename(Who),
    /// An invite is made.
    Invite(Who),
    /// The newest invite of somebody is used by somebody else.
    UseInvite(Who, Who),
    /// Whoever came is confirmed.
    Confirm(Who),
    /// An invite is withdrawn.
    Revoke(Who),
    /// A contact is removed.
    Remove(Who, Friend),
    /// So many days pass; pages whose bits are set are open again behind them.
    Away(u32, u8),
    /// What is stored is copied.
    Snapshot(Who),
    /// The copy is put back.
    Restore(Who),
}

/// A scenario.
#[derive(Clone)]
pub struct Plan {
    /// Its number.
    pub seed: u64,
    /// How many people.
    pub people: usize,
    /// What happens.
    pub steps: Vec<Step>,
}

impl core::fmt::Debug for Plan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        writeln!(f, "{} people", self.people)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))
    }
}

/// Kinds of trouble. A scenario has some of them, so that what is promised without the others is promised strictly.
struct Kinds {
    rollback: bool,
    server_rollback: bool,
    endings: bool,
    clocks: bool,
    days: bool,
}

/// The networks of a scenario.
pub(super) fn networks() -> [Network; 5] {
    [Network::default(), Network::bad(), Network::confused(), Network::overloaded(), Network::without_links()]
}

/// The longest absence, in days: keys that were replaced are kept for 45.
const DAYS_MAX: u64 = 60;

struct Draw(ChaCha12Rng);

impl Draw {
    fn below(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below
    }

    fn of_hundred(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pause(&mut self) -> Duration {
        let most = match self.below(10) {
            0..=4 => 300,
            5..=7 => 5_000,
            8 => 60_000,
            _ => 900_000,
        };
        Duration::from_millis(self.below(most))
    }

    fn party(&mut self, people: usize) -> Party {
        match self.below(people as u64 + 1) as usize {
            0 => Party::Server,
            place => Party::Person(place - 1),
        }
    }

    /// Hours or years, either way.
    fn skew(&mut self) -> i64 {
        let (hour, year) = (3_600_000, 365 * 24 * 3_600_000);
        let ahead = match self.below(6) {
            0 => 0,
            1..=3 => self.below(48) as i64 * hour,
            4 => self.below(60) as i64 * 24 * hour,
            _ => (1 + self.below(10) as i64) * year,
        };
        if self.of_hundred(50) { ahead } else { -ahead }
    }

    fn crash(&mut self) -> CrashAt {
        let n = self.below(6);
        match self.below(3) {
            0 => CrashAt::BeforePersist(n),
            1 => CrashAt::AfterPersist(n),
            _ => CrashAt::BeforeOutput(self.below(24)),
        }
    }
}

impl Plan {
    /// The scenario of this number.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw(ChaCha12Rng::seed_from_u64(seed ^ 0x5077_0051));
        let people = match draw.below(10) {
            0..=3 => 2,
            4..=6 => 3,
            7 | 8 => 4,
            _ => 5,
        };
        let kinds = Kinds {
            rollback: draw.of_hundred(15),
            server_rollback: draw.of_hundred(15),
            endings: draw.of_hundred(20),
            clocks: draw.of_hundred(30),
            days: draw.of_hundred(30),
        };
        let length = 15 + draw.below(35);
        let mut steps = Vec::new();
        for _ in 0..length {
            steps.push(step(&mut draw, people, &kinds));
            if draw.of_hundred(60) {
                steps.push(Step::Pause(draw.pause()));
            }
        }
        Self { seed, people, steps }
    }

    /// Only these of its steps.
    #[must_use]
    pub fn only(&self, steps: &[usize]) -> Self {
        let steps = steps.iter().filter_map(|place| self.steps.get(*place)).copied().collect();
        Self { steps, ..*self }
    }
}

/// One of the troubles that only some scenarios have.
fn trouble(draw: &mut Draw, people: usize, kinds: &Kinds) -> Option<Step> {
    let who = draw.below(people as u64) as Who;
    let friend = draw.below(4) as Friend;
    let mut steps = Vec::new();
    if kinds.clocks {
        steps.push(Step::Clock(who, draw.skew()));
    }
    if kinds.days {
        steps.push(Step::Away(1 + draw.below(DAYS_MAX) as u32, draw.below(32) as u8));
        if draw.of_hundred(20) {
            steps.push(Step::FewPreKeys);
        }
    }
    if kinds.server_rollback {
        steps.extend([Step::BackUp, Step::GoBack]);
    }
    if kinds.rollback {
        steps.extend([Step::Snapshot(who), Step::Restore(who)]);
    }
    if kinds.endings {
        let invitee = draw.below(people as u64) as Who;
        steps.extend([Step::Remove(who, friend), Step::Invite(who), Step::UseInvite(who, invitee)]);
        steps.extend([Step::Confirm(who), Step::Revoke(who)]);
    }
    let place = draw.below(steps.len().max(1) as u64) as usize;
    steps.get(place).copied()
}

fn step(draw: &mut Draw, people: usize, kinds: &Kinds) -> Step {
    let who = draw.below(people as u64) as Who;
    let friend = draw.below(4) as Friend;
    if draw.of_hundred(15)
        && let Some(step) = trouble(draw, people, kinds)
    {
        return step;
    }
    match draw.below(96) {
        0..=32 => Step::Say(who, friend),
        33..=35 => Step::Burst(who, friend, 2 + draw.below(12) as u8),
        36..=39 => Step::Reload(who),
        40..=44 => Step::Toggle(who),
        45..=50 => Step::Crash(who, draw.crash()),
        51 | 52 => Step::Online(who),
        53 | 54 => Step::KillServer,
        55..=57 => Step::StartServer,
        58 => Step::Reap,
        59 => Step::Wake(who),
        60 => Step::BreakLinks(who),
        61 => Step::Wake(who),
        62 => Step::DropSilently(who),
        63..=67 => Step::Network(draw.below(networks().len() as u64) as usize),
        68..=71 => Step::Cut(draw.party(people), draw.party(people)),
        72..=74 => Step::Mend,
        75 | 76 => Step::Sleep(who),
        77..=79 => Step::WakeUp(who),
        80 => Step::SlowStore(who, Duration::from_millis(draw.below(3) * draw.below(2_000))),
        81 => Step::DiskFull(who),
        82 | 83 => Step::Room(who),
        84 | 85 => Step::Replay(draw.below(40)),
        86 | 87 => Step::Offer(who, friend),
        88 | 89 => Step::Accept(who, friend),
        90 => Step::Decline(who, friend),
        91 => Step::Cancel(who, friend),
        92 => Step::MarkRead(who, friend),
        93 => Step::Rename(who),
        94 => Step::Invite(who),
        _ => Step::UseInvite(who, draw.below(people as u64) as Who),
    }
}
