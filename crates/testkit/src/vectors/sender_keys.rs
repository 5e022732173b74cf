//! Sender keys: groups that talk, rotate, remove and split, and what is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sotto_crypto::Timestamp;
use sotto_crypto::keys::{GroupSigningKey, GroupSigningPublic};
use sotto_crypto::sender_key::{ChainAnnouncement, MAX_MESSAGES, RosterPlace, SenderChainKey};
use sotto_engine::group::{Announced, CHAIN_LIFETIME, Group, GroupError, Roster};
use sotto_wire::peer::{Operation, Role, VerifiedEntry, decode_sender_chain, encode_sender_chain};

use super::NOW;
use super::form::{Case, Cases, Rule, Structure, hex, long};
use super::members::Member;
use super::primitives::{hash, hkdf, hmac, open};

pub(super) const SENDER_KEYS: Structure = Structure {
    name: "sender_keys",
    sections: "21.6 to 21.8",
    about: "`talk: …`: anna (owner), bea (admin) and cid (member) begin with the entries of `log`. In `steps`, each by \
            one of them at the time `now`: `rotate` makes a chain (the draws are its GSK and CK); `announce` tells it \
            as it is then; `take` takes an announcement that came `from` a member, or refuses it, or `known`; `seal` \
            gives `message` with every key on the way, or is refused with rotation-due or not-member; `lose` seals \
            that many messages that never arrive; `open` has the plaintext or is refused; `apply` takes an entry (of a \
            merge with its `branch`). What is refused changes nothing, but that a split is recorded: \
            `splits` are account, epoch and roster hash of each. \
            `announcement: …`: bytes to read.",
    fill,
};

/// A group while it talks.
struct Talk<'a> {
    case: &'a mut Case,
    people: BTreeMap<&'static str, Member>,
    groups: BTreeMap<&'static str, Group>,
    /// The log without what single people do in the steps.
    roster: Roster,
    gsk: BTreeMap<&'static str, [u8; 32]>,
    now: Timestamp,
    steps: Vec<Value>,
}

fn rule_of(error: GroupError) -> String {
    match error {
        GroupError::Chain(error) => error.rule(),
        other => other.rule(),
    }
}

/// Everything a group holds, to compare.
fn state(group: &Group) -> (Roster, Vec<Vec<u8>>) {
    let own = group.own_chain().map(|chain| chain.to_bytes().to_vec());
    (
        group.roster().clone(),
        own.into_iter().chain(group.chains().map(|chain| chain.to_bytes().to_vec())).collect(),
    )
}

fn talk(cases: &mut Cases, name: &str, act: impl FnOnce(&mut Talk<'_>)) {
    cases.case(&format!("talk: {name}"), |case| {
        let names = ["anna", "bea", "cid"];
        let people: BTreeMap<&str, Member> =
            names.iter().map(|name| (*name, Member::draw(case, name))).collect();
        for (name, person) in &people {
            case.given(name, person.json());
        }
        let (genesis, told) = people["anna"].found(case, "anna");
        let mut roster = Roster::begin(&genesis, None).expect("a genesis");
        let mut log = vec![told];
        for (name, role) in [("bea", Role::Admin), ("cid", Role::Member)] {
            let operation = Operation::Add { account: people[name].public(), role };
            let (entry, told) = people["anna"].sign(case, "anna", roster.next(operation));
            roster.apply(&entry).expect("applied");
            log.push(told);
        }
        case.given("log", log);
        let group =
            |person: &Member| Group::new(roster.clone(), person.public().id(), person.device().device_id());
        let groups = people.iter().map(|(name, person)| (*name, group(person))).collect();
        let before = case.drawn();
        let mut talk =
            Talk { case, people, groups, roster, gsk: BTreeMap::new(), now: NOW, steps: Vec::new() };
        act(&mut talk);
        let steps = core::mem::take(&mut talk.steps);
        case.restore(before);
        case.expect("steps", steps);
    });
}

impl Talk<'_> {
    fn group(&mut self, who: &str) -> &mut Group {
        self.groups.get_mut(who).expect("one of them")
    }

    fn step(&mut self, by: &str, what: &str, mut step: Map<String, Value>) {
        step.insert("by".to_owned(), by.into());
        step.insert("do".to_owned(), what.into());
        step.insert("now".to_owned(), self.now.as_millis().into());
        self.steps.push(step.into());
    }

    fn rotate(&mut self, by: &'static str) {
        let now = self.now;
        let group = self.groups.get_mut(by).expect("one of them");
        group.rotate(now, self.case.random(["GSK", "CK"])).expect("a member");
        let gsk = self.case.scalar("GSK");
        let chain = group.own_chain().expect("a chain");
        let owner = chain.owner();
        let signing = chain.signing();
        let parts: [&[u8]; 4] =
            [owner.group.as_bytes(), owner.account.as_bytes(), owner.device.as_bytes(), signing.as_bytes()];
        let id = hash("sender-chain", &parts);
        assert_eq!(*chain.id().as_bytes(), id[..16]);
        let mut step = Map::new();
        step.insert("GSK".to_owned(), super::people::pair(gsk, chain.signing().as_bytes()));
        step.insert(
            "CK".to_owned(),
            hex(chain.announcement().expect("new").key.to_bytes().as_slice()).into(),
        );
        step.insert("chain_id".to_owned(), hex(&id[..16]).into());
        step.insert("random".to_owned(), self.case.drawn());
        self.gsk.insert(by, gsk);
        self.step(by, "rotate", step);
    }

    fn announce(&mut self, by: &'static str) -> Vec<u8> {
        let own = self.people[by].device();
        let announcement = self.groups[by].announcement(&own, self.now).expect("a chain");
        let bytes = encode_sender_chain(&announcement).to_vec();
        let mut step = Map::new();
        step.insert("n".to_owned(), announcement.next.into());
        step.insert("CK".to_owned(), hex(announcement.key.to_bytes().as_slice()).into());
        step.insert("announcement".to_owned(), hex(&bytes).into());
        self.step(by, "announce", step);
        bytes
    }

    fn take_as(&mut self, by: &'static str, from: &'static str, bytes: &[u8], rule: Option<&str>) {
        let device = self.people[from].device();
        let before = state(&self.groups[by]);
        let taken = self.group(by).take_chain(&device, decode_sender_chain(bytes).expect("an announcement"));
        let mut step = Map::new();
        step.insert("from".to_owned(), from.into());
        step.insert("announcement".to_owned(), hex(bytes).into());
        match (taken, rule) {
            (Ok(Announced::New(id)), None) => {
                step.insert("chain_id".to_owned(), hex(id.as_bytes()).into());
            }
            (Ok(Announced::Known(_)), None) => {
                step.insert("known".to_owned(), true.into());
            }
            (Err(error), Some(rule)) => {
                assert_eq!(rule_of(error), rule);
                assert!(rule == "split" || state(&self.groups[by]) == before, "{rule} changed something");
                step.insert("refused".to_owned(), rule.into());
                if rule == "split" {
                    step.insert("splits".to_owned(), self.splits(by));
                }
            }
            (outcome, rule) => panic!("{outcome:?}, and not {rule:?}"),
        }
        self.step(by, "take", step);
    }

    fn take(&mut self, by: &'static str, from: &'static str, bytes: &[u8]) {
        self.take_as(by, from, bytes, None);
    }

    fn refuse_chain(&mut self, by: &'static str, from: &'static str, bytes: &[u8], rule: &str) {
        self.take_as(by, from, bytes, Some(rule));
    }

    /// Makes a chain and tells the others.
    fn begin(&mut self, by: &'static str, others: &[&'static str]) {
        self.rotate(by);
        let told = self.announce(by);
        for other in others {
            self.take(other, by, &told);
        }
    }

    fn seal(&mut self, by: &'static str, plaintext: &[u8]) -> Vec<u8> {
        let now = self.now;
        let group = self.groups.get_mut(by).expect("one of them");
        let place = group.roster().head();
        let before = group.own_chain().expect("a chain").announcement().expect("a chain");
        let chain = group.own_chain().expect("a chain").id();
        let message = group.seal(plaintext, now, self.case.random(["r", "signature"])).expect("sealed");
        let mk = hmac(before.key.to_bytes().as_slice(), &[&[1]]);
        let n = before.next.to_be_bytes();
        let context: [&[u8]; 3] = [before.group.as_bytes(), chain.as_bytes(), &n];
        let material: [u8; 76] = hkdf(&message[73..89], &mk, "sender-message", &context);
        assert_eq!(message[89..121], material[44..]);
        let end = message.len() - 64;
        let opened = open(&material[..32], &material[32..44], &message[121..end], &message[..121]);
        assert_eq!(opened, plaintext);
        let mut step = Map::new();
        step.insert("epoch".to_owned(), place.epoch.into());
        step.insert("roster_hash".to_owned(), hex(place.hash.as_bytes()).into());
        step.insert("n".to_owned(), before.next.into());
        step.insert("plaintext".to_owned(), hex(plaintext).into());
        step.insert("random".to_owned(), self.case.drawn());
        step.insert("mk".to_owned(), hex(mk).into());
        step.insert("key".to_owned(), hex(&material[..32]).into());
        step.insert("nonce".to_owned(), hex(&material[32..44]).into());
        step.insert("commit".to_owned(), hex(&material[44..]).into());
        step.insert("message".to_owned(), hex(&message).into());
        self.step(by, "seal", step);
        message
    }

    fn refuse_seal(&mut self, by: &'static str, rule: &str) {
        let now = self.now;
        let group = self.groups.get_mut(by).expect("one of them");
        let error = group.seal(b"refused", now, self.case.random([])).expect_err("refused");
        assert_eq!(rule_of(error), rule);
        let mut step = Map::new();
        step.insert("plaintext".to_owned(), hex(b"refused").into());
        step.insert("refused".to_owned(), rule.into());
        self.step(by, "seal", step);
    }

    /// Seals messages that never arrive.
    fn lose(&mut self, by: &'static str, count: u32) {
        let now = self.now;
        let mut rng = <rand_chacha::ChaCha12Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(0);
        for _ in 0..count {
            self.group(by).seal(b"lost", now, &mut rng).expect("sealed");
        }
        self.step(by, "lose", Map::from_iter([("count".to_owned(), count.into())]));
    }

    fn open_as(&mut self, by: &'static str, from: &'static str, message: &[u8], rule: Option<&str>) {
        let device = self.people[from].device();
        let now = self.now;
        let before = state(&self.groups[by]);
        let opened = self.group(by).open(&device, message, now);
        let mut step = Map::new();
        step.insert("from".to_owned(), from.into());
        let prefix = json!({ "prefix": hex(&message[..message.len().min(300)]), "length": message.len() });
        let told = if message.len() > 300 { prefix } else { hex(message).into() };
        step.insert("message".to_owned(), told);
        match (opened, rule) {
            (Ok(plaintext), None) => {
                step.insert("plaintext".to_owned(), hex(plaintext).into());
            }
            (Err(error), Some(rule)) => {
                assert_eq!(rule_of(error), rule);
                assert!(rule == "split" || state(&self.groups[by]) == before, "{rule} changed something");
                step.insert("refused".to_owned(), rule.into());
                if rule == "split" {
                    step.insert("splits".to_owned(), self.splits(by));
                }
            }
            (outcome, rule) => panic!("{:?}, and not {rule:?}", outcome.map(|bytes| long(&bytes))),
        }
        self.step(by, "open", step);
    }

    fn open(&mut self, by: &'static str, from: &'static str, message: &[u8]) {
        self.open_as(by, from, message, None);
    }

    fn refuse(&mut self, by: &'static str, from: &'static str, message: &[u8], rule: &str) {
        self.open_as(by, from, message, Some(rule));
    }

    /// Somebody signs an entry after a roster, which takes it.
    fn entry(&mut self, by: &str, operation: Operation) -> VerifiedEntry {
        let (entry, _) = self.people[by].sign(self.case, by, self.roster.next(operation));
        self.roster.apply(&entry).expect("valid");
        let _ = self.case.drawn();
        entry
    }

    fn apply(&mut self, by: &'static str, entry: &VerifiedEntry) {
        self.merge(by, entry, &[]);
    }

    fn merge(&mut self, by: &'static str, entry: &VerifiedEntry, branch: &[&VerifiedEntry]) {
        let entries: Vec<VerifiedEntry> = branch.iter().map(|entry| (*entry).clone()).collect();
        self.group(by).merge(entry, &entries).expect("valid");
        let mut step = Map::from_iter([("entry".to_owned(), hex(entry.as_bytes()).into())]);
        if !branch.is_empty() {
            let branch: Vec<String> = branch.iter().map(|entry| hex(entry.as_bytes())).collect();
            step.insert("branch".to_owned(), branch.into());
        }
        step.insert("splits".to_owned(), self.splits(by));
        self.step(by, "apply", step);
    }

    /// Account, epoch and roster hash of each split that somebody's group has recorded.
    fn splits(&self, of: &str) -> Value {
        let split = |(account, place): (sotto_crypto::AccountId, RosterPlace)| {
            json!([hex(account.as_bytes()), place.epoch, hex(place.hash.as_bytes())])
        };
        self.groups[of].roster().splits().map(split).collect()
    }

    /// Signs a message anew, as its author can.
    fn signed_again(&mut self, by: &str, mut message: Vec<u8>) -> Vec<u8> {
        let key = GroupSigningKey::from_bytes(&self.gsk[by]).expect("a key");
        message.truncate(message.len() - 64);
        let signature = key.sign_group_message(&message, self.case.random(["signature"]));
        let _ = self.case.drawn();
        message.extend(signature.to_bytes());
        message
    }
}

fn numbered(text: &str, number: u8) -> Vec<u8> {
    [text.as_bytes(), &[b'0' + number]].concat()
}

fn fill(cases: &mut Cases) {
    talk(cases, "skipped keys, and a reader who comes later", |talk| {
        talk.begin("anna", &["bea"]);
        let sent: Vec<_> = (0..3).map(|n| talk.seal("anna", &numbered("message ", n))).collect();
        talk.open("bea", "anna", &sent[2]);
        talk.open("bea", "anna", &sent[0]);
        let later = talk.announce("anna");
        talk.take("cid", "anna", &later);
        talk.refuse("cid", "anna", &sent[1], "key-gone");
        let empty = talk.seal("anna", b"");
        let last = talk.seal("anna", b"last");
        talk.open("cid", "anna", &last);
        talk.open("cid", "anna", &empty);
        talk.open("bea", "anna", &last);
        talk.refuse("bea", "anna", &last, "key-gone");
        // Announced again, a chain stays where it is.
        talk.take("bea", "anna", &later);
        talk.open("bea", "anna", &sent[1]);
        talk.refuse("bea", "anna", &sent[1], "key-gone");
        talk.open("bea", "anna", &empty);
        talk.begin("bea", &["anna", "cid"]);
        let answer = talk.seal("bea", b"answer");
        talk.open("anna", "bea", &answer);
        talk.open("cid", "bea", &answer);
    });
    talk(cases, "rotation by count and by time", |talk| {
        talk.refuse_seal("anna", "rotation-due");
        talk.begin("anna", &["bea"]);
        let first = talk.seal("anna", b"first");
        talk.lose("anna", MAX_MESSAGES - 2);
        let last = talk.seal("anna", b"the hundredth");
        talk.refuse_seal("anna", "rotation-due");
        talk.open("bea", "anna", &last);
        talk.begin("anna", &["bea"]);
        let second = talk.seal("anna", b"second chain");
        talk.open("bea", "anna", &second);
        talk.open("bea", "anna", &first);
        let missed = talk.seal("anna", b"of the second chain, late");
        talk.now = NOW.saturating_add(CHAIN_LIFETIME - Duration::from_millis(1));
        let late = talk.seal("anna", b"a millisecond early");
        talk.open("bea", "anna", &late);
        talk.now = NOW.saturating_add(CHAIN_LIFETIME);
        talk.refuse_seal("anna", "rotation-due");
        // The fourth chain replaces the first.
        talk.begin("anna", &["bea"]);
        talk.begin("anna", &["bea"]);
        talk.refuse("bea", "anna", &first, "unknown-chain");
        talk.open("bea", "anna", &missed);
        let fourth = talk.seal("anna", b"fourth chain");
        talk.open("bea", "anna", &fourth);
    });
    talk(cases, "a removal", removal);
    talk(cases, "whoever comes back, and whoever comes anew", |talk| {
        talk.begin("cid", &["anna"]);
        let before = talk.announce("cid");
        let said = talk.seal("cid", b"before");
        for operation in [
            Operation::Remove { account: talk.people["cid"].public() },
            Operation::Add { account: talk.people["cid"].public(), role: Role::Member },
        ] {
            let entry = talk.entry("bea", operation);
            talk.apply("anna", &entry);
            talk.apply("cid", &entry);
        }
        talk.refuse("anna", "cid", &said, "unknown-chain");
        talk.refuse_chain("anna", "cid", &before, "not-member");
        talk.refuse_seal("cid", "rotation-due");
        talk.begin("cid", &["anna"]);
        let back = talk.seal("cid", b"back");
        talk.open("anna", "cid", &back);
        // Bea has not heard of it.
        talk.refuse("bea", "cid", &back, "unknown-chain");
        let told = talk.announce("cid");
        talk.refuse_chain("bea", "cid", &told, "ahead");
    });
    talk(cases, "refused messages", refused_messages);
    talk(cases, "somebody else's chain", somebody_elses);
    talk(cases, "ahead, split and merged", split);
    talk(cases, "a split that ends with a removal", |talk| {
        talk.begin("cid", &["anna"]);
        let message = talk.seal("cid", b"x");
        for change in [1, 2] {
            let mut lie = message.clone();
            lie[21] ^= change;
            let lie = talk.signed_again("cid", lie);
            talk.refuse("anna", "cid", &lie, "split");
        }
        talk.refuse("anna", "cid", &message, "split");
        let removal = talk.entry("bea", Operation::Remove { account: talk.people["cid"].public() });
        talk.apply("anna", &removal);
    });
    super::sender_chains::announcements(cases);
}

fn removal(talk: &mut Talk<'_>) {
    talk.begin("anna", &["bea", "cid"]);
    talk.begin("bea", &["anna", "cid"]);
    talk.begin("cid", &["anna", "bea"]);
    let from_cid = talk.seal("cid", b"from cid");
    let cids_chain = talk.announce("cid");
    let under_way = talk.seal("bea", b"under way");
    let old_chain = talk.announce("bea");
    let removal = talk.entry("anna", Operation::Remove { account: talk.people["cid"].public() });
    talk.apply("anna", &removal);
    talk.refuse_seal("anna", "rotation-due");
    talk.refuse("anna", "cid", &from_cid, "not-member");
    talk.refuse_chain("anna", "cid", &cids_chain, "not-member");
    talk.refuse_chain("anna", "bea", &old_chain, "stale");
    talk.open("anna", "bea", &under_way);
    // A chain that goes on after its owner has heard of the removal.
    let mut unrotated = talk.seal("bea", b"not rotated");
    unrotated[17..21].copy_from_slice(&removal.epoch().to_be_bytes());
    unrotated[21..53].copy_from_slice(removal.hash().as_bytes());
    let unrotated = talk.signed_again("bea", unrotated);
    talk.refuse("anna", "bea", &unrotated, "not-rotated");
    talk.apply("bea", &removal);
    talk.begin("anna", &["bea"]);
    let without = talk.seal("anna", b"without cid");
    talk.open("bea", "anna", &without);
    talk.refuse("cid", "anna", &without, "unknown-chain");
    talk.apply("cid", &removal);
    talk.refuse_seal("cid", "not-member");
}

fn refused_messages(talk: &mut Talk<'_>) {
    talk.begin("anna", &["bea"]);
    let message = talk.seal("anna", b"hello");
    let alter = |place: usize| {
        let mut altered = message.clone();
        altered[place] ^= 1;
        altered
    };
    for (place, rule) in [
        (0, "malformed"),      // version
        (1, "wrong-group"),    // group id
        (17, "bad-signature"), // epoch
        (21, "bad-signature"), // roster hash
        (53, "unknown-chain"), // chain id
        (69, "too-far-ahead"), // n
        (72, "bad-signature"),
        (73, "bad-signature"),  // r
        (89, "bad-signature"),  // commit
        (121, "bad-signature"), // ciphertext
        (message.len() - 65, "bad-signature"),
        (message.len() - 64, "bad-signature"),
        (message.len() - 1, "bad-signature"),
    ] {
        talk.refuse("bea", "anna", &alter(place), rule);
    }
    // What only its author can alter.
    for (place, rule) in [
        (72, "bad-commit"),
        (73, "bad-commit"),
        (89, "bad-commit"),
        (120, "bad-commit"),
        (121, "bad-tag"),
        (message.len() - 65, "bad-tag"),
    ] {
        let altered = talk.signed_again("anna", alter(place));
        talk.refuse("bea", "anna", &altered, rule);
    }
    let mut back_dated = message.clone();
    let earlier = talk.roster.path().nth(1).expect("an entry");
    back_dated[17..21].copy_from_slice(&earlier.epoch.to_be_bytes());
    back_dated[21..53].copy_from_slice(earlier.hash.as_bytes());
    let back_dated = talk.signed_again("anna", back_dated);
    talk.refuse("bea", "anna", &back_dated, "back-dated");
    let mut ahead = message.clone();
    ahead[20] += 1;
    let ahead = talk.signed_again("anna", ahead);
    talk.refuse("bea", "anna", &ahead, "ahead");
    talk.refuse("bea", "anna", &message[..200], "malformed");
    talk.refuse("bea", "anna", &message[..message.len() - 1], "bad-signature");
    talk.refuse("bea", "anna", &[&message[..], &[0]].concat(), "bad-signature");
    let mut too_long = message[..200].to_vec();
    too_long.resize(61_642, 0);
    talk.refuse("bea", "anna", &too_long, "malformed");
    talk.refuse("bea", "cid", &message, "unknown-chain");
    // The same where the key is a skipped one: it must not be used up.
    let after = talk.seal("anna", b"after it");
    talk.open("bea", "anna", &after);
    for (place, rule) in [(89, "bad-commit"), (121, "bad-tag")] {
        let altered = talk.signed_again("anna", alter(place));
        talk.refuse("bea", "anna", &altered, rule);
    }
    talk.open("bea", "anna", &message);
    talk.refuse("bea", "anna", &message, "key-gone");
    // The wrong chain key: what anna tells cid is not what she tells bea.
    let announcement = decode_sender_chain(&talk.announce("anna")).expect("an announcement");
    let other = ChainAnnouncement { key: SenderChainKey::from_bytes(&[7; 32]), ..announcement };
    talk.take("cid", "anna", &encode_sender_chain(&other));
    let next = talk.seal("anna", b"to all");
    talk.open("bea", "anna", &next);
    talk.refuse("cid", "anna", &next, "bad-commit");
}

fn somebody_elses(talk: &mut Talk<'_>) {
    talk.begin("anna", &["bea"]);
    let annas = talk.announce("anna");
    talk.refuse_chain("bea", "cid", &annas, "reused-key");
    talk.refuse_chain("anna", "cid", &annas, "reused-key");
    // To cid, who does not know anna's chain, it is one of bea's, of which there is no message.
    talk.take("cid", "bea", &annas);
    let message = talk.seal("anna", b"hello");
    talk.refuse("cid", "bea", &message, "unknown-chain");
    talk.refuse("cid", "anna", &message, "unknown-chain");
    for key in ["AIK", "DSK", "DIK"] {
        let device = talk.people["anna"].device();
        let point = match key {
            "AIK" => *device.account().as_bytes(),
            "DSK" => *device.signing().as_bytes(),
            _ => *device.identity().as_bytes(),
        };
        let signing = GroupSigningPublic::from_bytes(&point).expect("a point");
        let announcement = decode_sender_chain(&annas).expect("an announcement");
        let reused = encode_sender_chain(&ChainAnnouncement { signing, ..announcement });
        talk.refuse_chain("bea", "anna", &reused, "reused-key");
    }
    // A reader who signs with a key of its own under anna's chain id.
    talk.rotate("bea");
    let mut forged = talk.seal("bea", b"forged");
    forged[53..69].copy_from_slice(&message[53..69]);
    let forged = talk.signed_again("bea", forged);
    talk.open("bea", "anna", &message);
    talk.refuse("bea", "anna", &forged, "bad-signature");
    let mut foreign = decode_sender_chain(&annas).expect("an announcement");
    foreign.group = sotto_crypto::GroupId::from_bytes([1; 16]);
    talk.refuse_chain("bea", "anna", &encode_sender_chain(&foreign), "wrong-group");
}

fn split(talk: &mut Talk<'_>) {
    talk.begin("bea", &["anna", "cid"]);
    let common = talk.seal("bea", b"before the split");
    // Anna makes cid an admin; bea, who has not heard of it, makes an entry that cid hears of first.
    let fork = talk.roster.clone();
    let on_annas =
        talk.entry("anna", Operation::Role { account: talk.people["cid"].public(), role: Role::Admin });
    let annas = core::mem::replace(&mut talk.roster, fork);
    let extra = sotto_crypto::keys::AccountKey::from_bytes(&[7; 32]).expect("a scalar").public();
    let on_beas = talk.entry("bea", Operation::Add { account: extra, role: Role::Member });
    let beas = core::mem::replace(&mut talk.roster, annas);
    talk.apply("bea", &on_beas);
    let said = talk.seal("bea", b"after the split");
    talk.refuse("anna", "bea", &said, "ahead");
    talk.apply("anna", &on_annas);
    talk.apply("cid", &on_beas);
    talk.open("cid", "bea", &said);
    talk.refuse("anna", "bea", &said, "split");
    // From now on everything of bea's is held, also what names a place that is known.
    talk.refuse("anna", "bea", &common, "split");
    talk.rotate("cid");
    let cids = talk.announce("cid");
    talk.refuse_chain("anna", "cid", &cids, "split");
    talk.rotate("anna");
    let annas = talk.announce("anna");
    talk.refuse_chain("bea", "anna", &annas, "split");
    let other: RosterPlace = beas.head();
    let (merge, _) = talk.people["anna"].sign(talk.case, "anna", talk.roster.next_merge(other));
    let _ = talk.case.drawn();
    talk.merge("anna", &merge, &[&on_beas]);
    talk.merge("bea", &merge, &[&on_annas]);
    talk.merge("cid", &merge, &[&on_annas]);
    talk.open("anna", "bea", &said);
    talk.open("anna", "bea", &common);
    talk.refuse_chain("anna", "cid", &cids, "stale");
    talk.refuse_seal("bea", "rotation-due");
    talk.begin("cid", &["anna", "bea"]);
    let again = talk.seal("cid", b"together");
    talk.open("anna", "cid", &again);
    talk.open("bea", "cid", &again);
}
