//! Groups: groups and sender chains at rest, and messages as they come, and schedules of people who change the roster, split, merge and
//! speak, of whom some sign what they may not. The first byte chooses which.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sotto_crypto::keys::DevicePublic;
use sotto_crypto::sender_key::{
    ChainOwner, GroupMessage, ReceivingChain, RosterPlace, SenderKeyError, SendingChain,
};
use sotto_crypto::{AccountId, GroupId, RosterHash};
use sotto_engine::group::{Applied, Group, GroupError, MEMBERS_MAX, Roster};
use sotto_wire::peer::{Operation, ReceivedEntry, Role, RosterEntry, VerifiedEntry};

use super::Seeds;
use super::input::{Choices, alter};
use super::someone::{NOW, Someone, rng};

/// Plays one input.
pub fn group(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    let choices = Choices::new(bytes);
    match kind {
        0 => sending_at_rest(bytes),
        1 => receiving_at_rest(bytes),
        2 => receiving_at_rest_altered(choices),
        3 => received(bytes),
        4 => altered(choices),
        5 => schedule(choices),
        6 => group_at_rest(bytes),
        7 => group_at_rest_altered(choices),
        _ => false,
    }
}

const PLACE: RosterPlace = RosterPlace { epoch: 2, hash: RosterHash::from_bytes([3; 32]) };

/// A chain on both sides, some messages in, of which the reader missed some; and messages on their way.
struct Scene {
    sending: Vec<u8>,
    receiving: Vec<u8>,
    waiting: [Vec<u8>; 2],
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let people = people();
        let device = people[0].device();
        let owner = ChainOwner {
            group: GroupId::from_bytes([1; 16]),
            account: device.account().id(),
            device: device.device_id(),
        };
        let fresh = &mut rng(30);
        let mut sending = SendingChain::generate(owner, PLACE, fresh);
        let mut receiving = ReceivingChain::new(owner, sending.announcement().unwrap()).unwrap();
        let mut missed = Vec::new();
        for number in 0..6_u8 {
            let message = sending.seal(PLACE, &[number], fresh).unwrap();
            if number % 2 == 0 {
                missed = message;
            } else {
                let read = receiving.verify(GroupMessage::parse(&message).unwrap()).unwrap();
                receiving.open(&read, NOW).unwrap();
            }
        }
        let next = sending.seal(PLACE, b"next", fresh).unwrap();
        let (sending, receiving) = (sending.to_bytes().to_vec(), receiving.to_bytes().to_vec());
        Scene { sending, receiving, waiting: [missed, next] }
    })
}

fn sending_at_rest(bytes: &[u8]) -> bool {
    let Ok(mut chain) = SendingChain::from_bytes(bytes) else { return false };
    assert_eq!(*chain.to_bytes(), bytes, "one encoding");
    let before = chain.next();
    match chain.seal(PLACE, b"text", &mut rng(31)) {
        Ok(_) => assert_eq!(chain.next(), before + 1),
        Err(error) => assert!(error == SenderKeyError::Exhausted && *chain.to_bytes() == *bytes),
    }
    true
}

fn receiving_at_rest(bytes: &[u8]) -> bool {
    let Ok(mut chain) = ReceivingChain::from_bytes(bytes) else { return false };
    assert_eq!(*chain.to_bytes(), bytes, "one encoding");
    for message in &scene().waiting {
        let _ = open(&mut chain, message);
    }
    chain.forget_skipped_before(NOW);
    assert!(chain.to_bytes().len() < 8_000);
    true
}

fn receiving_at_rest_altered(mut choices: Choices<'_>) -> bool {
    let mut state = scene().receiving.clone();
    alter(&mut state, &mut choices);
    receiving_at_rest(&state)
}

/// Verifies and opens; if it is refused, the state is as before.
fn open(chain: &mut ReceivingChain, message: &[u8]) -> Result<Vec<u8>, SenderKeyError> {
    let before = chain.to_bytes();
    let opened = GroupMessage::parse(message)
        .and_then(|message| chain.verify(message))
        .and_then(|message| chain.open(&message, NOW));
    assert_eq!(opened.is_err(), *before == *chain.to_bytes(), "state changes exactly if a message opens");
    opened
}

fn received(bytes: &[u8]) -> bool {
    let scene = scene();
    let mut chain = ReceivingChain::from_bytes(&scene.receiving).unwrap();
    let opened = open(&mut chain, bytes).is_ok();
    assert_eq!(opened, scene.waiting.iter().any(|known| known == bytes), "a forged message opened");
    opened
}

fn altered(mut choices: Choices<'_>) -> bool {
    let scene = scene();
    let mut chain = ReceivingChain::from_bytes(&scene.receiving).unwrap();
    let message = &scene.waiting[usize::from(choices.u8() % 2)];
    let mut forged = message.clone();
    let changed = alter(&mut forged, &mut choices);
    assert_eq!(open(&mut chain, &forged).is_err(), changed);
    if changed {
        assert!(open(&mut chain, message).is_ok(), "a forgery stood in its way");
    }
    assert_eq!(open(&mut chain, message), Err(SenderKeyError::KeyGone));
    !changed
}

const PEOPLE: usize = 4;

fn people() -> &'static [Someone; PEOPLE] {
    static ALL: OnceLock<[Someone; PEOPLE]> = OnceLock::new();
    ALL.get_or_init(|| [40, 41, 42, 43].map(Someone::new))
}

/// What one of them has: a view of the group, once it was let in, and the entries it accepted.
struct View {
    group: Group,
    entries: Vec<VerifiedEntry>,
}

/// Something said, with who said it and who had its chain then.
struct Said {
    by: usize,
    number: u32,
    bytes: Vec<u8>,
}

struct Play {
    views: [Option<View>; PEOPLE],
    /// Every entry that was signed, with what its signer knew then.
    signed: Vec<(VerifiedEntry, Vec<VerifiedEntry>)>,
    said: Vec<Said>,
    opened: BTreeMap<(usize, u32), u32>,
    now: sotto_crypto::Timestamp,
}

/// A group at rest: its founder's, with two others, a chain of its own, one of theirs with a skipped key, a member that
/// was taken out, and one that is seen to have gone elsewhere.
fn stored() -> &'static [u8] {
    static STORED: OnceLock<Vec<u8>> = OnceLock::new();
    STORED.get_or_init(|| {
        let [anna, ben, cleo, dora] = people();
        let fresh = &mut rng(52);
        let sign = |by: &Someone, entry: RosterEntry| {
            let device = by.device().device_id();
            VerifiedEntry::sign(entry, &by.list, device, &by.signing, &mut rng(53)).unwrap()
        };
        let device = anna.device().device_id();
        let genesis = VerifiedEntry::found(&anna.list, device, &anna.signing, fresh).unwrap();
        let mut group = view_of(Roster::begin(&genesis, None).unwrap(), 0);
        for (person, role) in [(ben, Role::Member), (cleo, Role::Owner), (dora, Role::Member)] {
            let account = *person.list.account();
            let entry = sign(anna, group.roster().next(Operation::Add { account, role }));
            group.apply(&entry).unwrap();
        }
        let before = group.roster().clone();
        let remove = group.roster().next(Operation::Remove { account: *dora.list.account() });
        group.apply(&sign(anna, remove)).unwrap();
        group.rotate(NOW, fresh).unwrap();
        group.seal(b"said", NOW, fresh).unwrap();

        let mut theirs = view_of(group.roster().clone(), 1);
        theirs.rotate(NOW, fresh).unwrap();
        group.take_chain(ben.device(), theirs.announcement(anna.device(), NOW).unwrap()).unwrap();
        let messages = [(); 2].map(|()| theirs.seal(b"text", NOW, fresh).unwrap());
        group.open(ben.device(), &messages[1], NOW).unwrap();

        let mut elsewhere = view_of(before, 2);
        let account = *ben.list.account();
        let entry = elsewhere.roster().next(Operation::Role { account, role: Role::Admin });
        elsewhere.apply(&sign(cleo, entry)).unwrap();
        elsewhere.rotate(NOW, fresh).unwrap();
        let announced = elsewhere.announcement(anna.device(), NOW).unwrap();
        assert_eq!(group.take_chain(cleo.device(), announced), Err(GroupError::Split));
        group.to_bytes().to_vec()
    })
}

/// Any bytes as a group at rest: one encoding, and whatever it says, it goes on.
fn group_at_rest(bytes: &[u8]) -> bool {
    let Ok(mut group) = Group::from_bytes(bytes) else { return false };
    assert_eq!(*group.to_bytes(), bytes, "one encoding");
    assert!(group.roster().members().len() <= MEMBERS_MAX);
    assert!(group.chains().all(|chain| group.roster().members().get(chain.owner().account).is_some()));
    let fresh = &mut rng(54);
    if group.rotate(NOW, fresh).is_ok() {
        let _ = group.seal(b"text", NOW, fresh).unwrap();
    }
    let next = group.roster().next(Operation::Leave {});
    for person in people() {
        let device = person.device().device_id();
        let entry = VerifiedEntry::sign(next.clone(), &person.list, device, &person.signing, fresh).unwrap();
        let _ = group.apply(&entry);
    }
    assert!(Group::from_bytes(&group.to_bytes()).is_ok(), "what is held can be stored");
    true
}

fn group_at_rest_altered(mut choices: Choices<'_>) -> bool {
    let mut state = stored().to_vec();
    let changed = alter(&mut state, &mut choices);
    group_at_rest(&state) && !changed
}

const STEPS_MAX: usize = 80;

/// Four people and one group.
fn schedule(mut choices: Choices<'_>) -> bool {
    let founder = &people()[0];
    let genesis =
        VerifiedEntry::found(&founder.list, founder.device().device_id(), &founder.signing, &mut rng(50));
    let genesis = genesis.unwrap();
    let roster = Roster::begin(&genesis, None).unwrap();
    let view = View { group: view_of(roster, 0), entries: vec![genesis.clone()] };
    let mut play = Play {
        views: [Some(view), None, None, None],
        signed: vec![(genesis, Vec::new())],
        said: Vec::new(),
        opened: BTreeMap::new(),
        now: NOW,
    };
    let fresh = &mut rng(51);
    let mut steps = 0;
    while !choices.is_empty() && steps < STEPS_MAX {
        let (action, argument) = (choices.u8(), choices.u8());
        let (who, other) = (usize::from(argument % 4), usize::from(argument / 4 % 4));
        match action % 10 {
            0 | 1 => play.sign(who, other, argument / 16, fresh),
            2 | 3 => play.deliver(who, usize::from(argument / 4)),
            4 => play.forge(who, other, &mut choices, fresh),
            5 => play.announce(who, other, fresh),
            6 => play.say(who, fresh),
            7 => play.hear(who, usize::from(argument / 4), None),
            8 => play.hear(who, usize::from(argument / 4), Some(choices.below(4_000))),
            _ => {
                play.now =
                    play.now.saturating_add(core::time::Duration::from_secs(3_600 * u64::from(argument)));
                for view in play.views.iter_mut().flatten() {
                    view.group.forget_old_keys(play.now);
                }
            }
        }
        play.check();
        steps += 1;
    }
    steps > 0
}

fn view_of(roster: Roster, who: usize) -> Group {
    let device = people()[who].device();
    Group::new(roster, device.account().id(), device.device_id())
}

impl Play {
    fn account(who: usize) -> AccountId {
        people()[who].list.account().id()
    }

    /// Signs what its own roster has as next, valid or not, takes it itself if it can, and lets others have it.
    fn sign(&mut self, who: usize, other: usize, what: u8, rng: &mut rand_chacha::ChaCha12Rng) {
        let Some(view) = &self.views[who] else { return };
        let account = *people()[other].list.account();
        let roster = view.group.roster();
        let role = [Role::Member, Role::Admin, Role::Owner][usize::from(what / 4) % 3];
        let entry = match what % 8 {
            0..=2 => roster.next(Operation::Add { account, role }),
            3 => roster.next(Operation::Remove { account }),
            4 | 5 => roster.next(Operation::Role { account, role }),
            6 => roster.next(Operation::Leave {}),
            _ => {
                let Some(theirs) = &self.views[other] else { return };
                roster.next_merge(theirs.group.roster().head())
            }
        };
        self.put_out(who, entry, rng);
    }

    fn put_out(&mut self, who: usize, entry: RosterEntry, rng: &mut rand_chacha::ChaCha12Rng) {
        let by = &people()[who];
        let signed = VerifiedEntry::sign(entry, &by.list, by.device().device_id(), &by.signing, rng);
        let signed = signed.expect("the list has the device");
        let read = ReceivedEntry::decode(signed.as_bytes()).expect("what was signed can be read");
        assert_eq!(read.verify(&by.list, &by.list).as_ref(), Ok(&signed));
        // What anybody knows may lead to it.
        let known = self.views.iter().flatten().flat_map(|view| view.entries.iter().cloned()).collect();
        self.signed.push((signed, known));
        self.deliver(who, self.signed.len() - 1);
    }

    /// An entry reaches somebody. Who is added by one gets everything before it too.
    fn deliver(&mut self, to: usize, which: usize) {
        let (entry, branch) = &self.signed[which % self.signed.len()];
        let by = people().iter().find(|person| person.list.account() == entry.actor()).expect("one of them");
        let adds = matches!(entry.operation(), Operation::Add { account, .. }
            if account.id() == Self::account(to));
        if self.views[to].is_none() && adds {
            self.views[to] = self.let_in(to, by, entry);
            return;
        }
        let Some(view) = &mut self.views[to] else { return };
        let before = view.group.roster().clone();
        match view.group.merge(entry, branch) {
            Ok(Applied::New) => {
                assert_eq!(
                    view.group.roster().head(),
                    RosterPlace { epoch: entry.epoch(), hash: entry.hash() }
                );
                if let Operation::Merge { .. } = entry.operation() {
                    for known in branch {
                        if !view.entries.contains(known) {
                            view.entries.push(known.clone());
                        }
                    }
                }
                view.entries.push(entry.clone());
            }
            Ok(Applied::Known) | Err(_) => {
                assert!(before == *view.group.roster(), "a refused entry changed the roster")
            }
        }
    }

    /// Whoever is added follows the path of whoever adds it.
    fn let_in(&self, who: usize, by: &Someone, entry: &VerifiedEntry) -> Option<View> {
        let adder = people().iter().position(|person| person.list == by.list)?;
        let theirs = self.views[adder].as_ref()?;
        let mut entries: Vec<VerifiedEntry> = Vec::new();
        let mut roster: Option<Roster> = None;
        for place in theirs.group.roster().path() {
            let next = theirs.entries.iter().find(|known| known.hash() == place.hash)?;
            match &mut roster {
                None => roster = Some(Roster::begin(next, Some(theirs.group.roster().group())).ok()?),
                Some(roster) => {
                    roster.merge(next, &theirs.entries).expect("whoever follows a path comes to the same");
                }
            }
            entries.push(next.clone());
            if place.hash == entry.hash() {
                break;
            }
        }
        let group = view_of(roster?, who);
        group.roster().members().get(Self::account(who))?;
        Some(View { group, entries: theirs.entries.clone() })
    }

    /// An entry by one of them with any place and operation.
    fn forge(
        &mut self,
        who: usize,
        other: usize,
        choices: &mut Choices<'_>,
        rng: &mut rand_chacha::ChaCha12Rng,
    ) {
        let Some(view) = &self.views[other] else { return };
        let roster = view.group.roster();
        let account = *people()[usize::from(choices.u8() % 4)].list.account();
        let role = [Role::Member, Role::Admin, Role::Owner][usize::from(choices.u8()) % 3];
        let some = |choices: &mut Choices<'_>| self.signed[choices.below(self.signed.len())].0.hash();
        let operation = match choices.u8() % 6 {
            0 => Operation::Add { account, role },
            1 => Operation::Remove { account },
            2 => Operation::Role { account, role },
            3 => Operation::Leave {},
            _ => Operation::Merge { other: some(choices) },
        };
        let previous = if choices.u8().is_multiple_of(2) { roster.head().hash } else { some(choices) };
        let epoch = roster.head().epoch.saturating_add(u32::from(choices.u8() % 4));
        let group = roster.group();
        self.put_out(who, RosterEntry { group, epoch: epoch.max(1), previous, operation }, rng);
        let newest = self.signed.len() - 1;
        self.deliver(other, newest);
    }

    /// A chain is begun if one is due, and announced to somebody.
    fn announce(&mut self, from: usize, to: usize, rng: &mut rand_chacha::ChaCha12Rng) {
        let now = self.now;
        let Some(view) = &mut self.views[from] else { return };
        if view.group.is_rotation_due(now) && view.group.rotate(now, rng).is_err() {
            assert!(view.group.roster().members().get(Self::account(from)).is_none());
            return;
        }
        let Ok(announcement) = view.group.announcement(people()[to].device(), now) else {
            assert!(view.group.roster().members().get(Self::account(to)).is_none());
            return;
        };
        let bytes = sotto_wire::peer::encode_sender_chain(&announcement);
        let announcement = sotto_wire::peer::decode_sender_chain(&bytes).expect("it can be read");
        let sender: &DevicePublic = people()[from].device();
        if from == to {
            return;
        }
        let Some(view) = &mut self.views[to] else { return };
        let member = view.group.roster().members().get(Self::account(from)).is_some();
        let taken = view.group.take_chain(sender, announcement);
        assert!(taken.is_err() || member, "a chain of somebody who does not belong");
    }

    fn say(&mut self, who: usize, rng: &mut rand_chacha::ChaCha12Rng) {
        let now = self.now;
        let Some(view) = &mut self.views[who] else { return };
        let number = u32::try_from(self.said.len()).unwrap();
        match view.group.seal(&number.to_be_bytes(), now, rng) {
            Ok(bytes) => self.said.push(Said { by: who, number, bytes }),
            Err(error) => assert!(matches!(error, GroupError::RotationDue | GroupError::NotMember)),
        }
    }

    fn hear(&mut self, who: usize, which: usize, flip: Option<usize>) {
        if self.said.is_empty() {
            return;
        }
        let Said { by, number, bytes } = &self.said[which % self.said.len()];
        let mut bytes = bytes.clone();
        if let Some(bit) = flip {
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        let now = self.now;
        let Some(view) = &mut self.views[who] else { return };
        let states = |group: &Group| group.chains().map(|chain| chain.to_bytes()).collect::<Vec<_>>();
        let before = states(&view.group);
        match view.group.open(people()[*by].device(), &bytes, now) {
            Ok(text) => {
                assert!(flip.is_none(), "an altered message opened");
                assert_eq!(text, number.to_be_bytes());
                assert!(view.group.roster().members().get(Self::account(*by)).is_some());
                let times = self.opened.entry((who, *number)).or_default();
                *times += 1;
                assert_eq!(*times, 1, "opened twice");
            }
            Err(_) => assert_eq!(before, states(&view.group), "a refused message changed a chain"),
        }
        // As somebody else's it opens for nobody.
        let another = people()[(by + 1) % PEOPLE].device();
        assert!(view.group.open(another, &bytes, now).is_err());
    }

    /// Wherever two stand at one entry, they agree; and nobody keeps chains of those who do not belong.
    fn check(&self) {
        for view in self.views.iter().flatten() {
            let roster = view.group.roster();
            let members = roster.members();
            assert!((1..=MEMBERS_MAX).contains(&members.len()));
            assert!(
                members.iter().any(|(_, member)| member.role() == Role::Owner),
                "there is always an owner"
            );
            assert!(members.last_removal() <= roster.head().epoch);
            assert!(members.iter().all(|(_, member)| member.since() <= roster.head().epoch));
            assert!(view.group.chains().all(|chain| members.get(chain.owner().account).is_some()));
            let epochs: Vec<u32> = roster.path().map(|place| place.epoch).collect();
            assert!(epochs.is_sorted_by(|a, b| a < b));
            assert!(roster.splits().all(|(account, _)| members.get(account).is_some()));
            for other in self.views.iter().flatten() {
                let theirs = other.group.roster();
                if theirs.head() == roster.head() {
                    assert_eq!(theirs.members(), members, "one head, one membership");
                }
            }
        }
    }
}

pub(super) fn seeds() -> Seeds {
    let scene = scene();
    let mut seeds: Seeds = vec![
        ("sending".to_owned(), [&[0], scene.sending.as_slice()].concat()),
        ("receiving".to_owned(), [&[1], scene.receiving.as_slice()].concat()),
        ("receiving-unchanged".to_owned(), vec![2]),
        ("missed".to_owned(), [&[3], scene.waiting[0].as_slice()].concat()),
        ("next".to_owned(), [&[3], scene.waiting[1].as_slice()].concat()),
        ("unchanged".to_owned(), vec![4, 1]),
    ];
    for (name, at) in [("number", 72), ("commit", 100), ("ciphertext", 121), ("signature", 150)] {
        for which in 0..2 {
            seeds.push((format!("refused-{name}-{which}"), vec![4, which, 3, 0, at, 1]));
        }
    }
    seeds.push(("group".to_owned(), [&[6], stored()].concat()));
    seeds.push(("group-unchanged".to_owned(), vec![7]));
    for (name, at) in [("version", 2), ("account", 6), ("roster", 90)] {
        seeds.push((format!("refused-group-{name}"), vec![7, 3, 0, at, 1]));
    }
    // sign: argument = who + 4·other + 16·what; deliver: who + 4·which
    let schedules: [(&str, &[u8]); 5] = [
        (
            "talk",
            &[0, 4, 2, 5, 0, 8, 2, 9, 2, 10, 5, 4, 5, 8, 6, 0, 7, 1, 7, 2, 5, 1, 6, 1, 7, 4, 8, 6, 0, 9],
        ),
        ("owners", &[0, 4 + 128, 2, 5, 0, 8 + 64, 2, 10, 0, 1 + 48, 2, 12, 0, 4 + 192, 0, 97]),
        ("split", &[0, 4 + 128, 2, 5, 0, 8, 0, 13, 2, 9, 2, 12, 5, 1, 6, 1, 7, 0, 0, 4 + 112, 2, 17]),
        ("removed", &[0, 4, 2, 5, 5, 4, 6, 0, 0, 4 + 48, 6, 0, 5, 4, 6, 0, 7, 1, 7, 5, 9, 200, 5, 4]),
        ("forged", &[0, 4, 2, 5, 4, 1, 1, 0, 0, 0, 1, 4, 1, 0, 0, 4, 0, 0, 1, 0, 0]),
    ];
    seeds.extend(schedules.map(|(name, steps)| (format!("schedule-{name}"), [&[5], steps].concat())));
    seeds
}
