//! Rosters: entries, what they do to a log, splits and merges, and what is refused.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sotto_crypto::sender_key::RosterPlace;
use sotto_crypto::{GroupId, RosterHash};
use sotto_engine::group::{Applied, Roster, RosterError, Standing};
use sotto_wire::peer::{Operation, Role, RosterEntry, VerifiedEntry};

use super::form::{Case, Cases, Rule, Structure, hex};
use super::members::{Member, number};

pub(super) const ROSTER: Structure = Structure {
    name: "roster",
    sections: "21.1 to 21.5",
    about: "`log: …`: the people under `given` sign the `entries`, each told with its draws (a genesis draws its salt \
            first) and its hash: read it, verify it, encode and sign it again; several readers, each with a path of its own, take them in `steps`: `begin` with a genesis, \
            `copy` another reader, `apply` an entry, of a merge with its `branch`. Then the head is that entry and \
            the `members` are these (account id, role, since) with this `R`; or the entry was `known`; or it is \
            `refused`, and nothing has changed. `place` asks how a place looks, `trace` the same with entries \
            to look into. \
            `entry: …`: bytes to read, and to verify with the list that the entry names (`named`) and the newest one \
            known (`newest`, if it is not the same), or as `history`. Not among the cases, because they would be long: 128 \
            members, epochs from 3,072 on.",
    fill,
};

/// A log while it is written, and its readers.
struct Log<'a> {
    case: &'a mut Case,
    people: BTreeMap<&'static str, Member>,
    entries: BTreeMap<String, VerifiedEntry>,
    told: Map<String, Value>,
    readers: BTreeMap<&'static str, Roster>,
    steps: Vec<Value>,
}

fn log(cases: &mut Cases, name: &str, people: &[&'static str], write: impl FnOnce(&mut Log<'_>)) {
    cases.case(&format!("log: {name}"), |case| {
        let people: BTreeMap<&str, Member> =
            people.iter().map(|name| (*name, Member::draw(case, name))).collect();
        for (name, person) in &people {
            case.given(name, person.json());
        }
        let (entries, told, readers) = Default::default();
        let mut log = Log { case, people, entries, told, readers, steps: Vec::new() };
        write(&mut log);
        let (told, steps) = (core::mem::take(&mut log.told), core::mem::take(&mut log.steps));
        case.expect("entries", told);
        case.expect("steps", steps);
    });
}

impl Log<'_> {
    fn add(&self, who: &str, role: Role) -> Operation {
        Operation::Add { account: self.people[who].public(), role }
    }

    fn remove(&self, who: &str) -> Operation {
        Operation::Remove { account: self.people[who].public() }
    }

    fn role(&self, who: &str, role: Role) -> Operation {
        Operation::Role { account: self.people[who].public(), role }
    }

    fn tell(&mut self, name: &str, (entry, told): (VerifiedEntry, Value)) {
        assert!(self.told.insert(name.to_owned(), told).is_none(), "two entries are called {name}");
        self.entries.insert(name.to_owned(), entry);
    }

    fn found(&mut self, name: &str, by: &'static str, at: &'static str) {
        let founded = self.people[by].found(self.case, by);
        self.tell(name, founded);
        let genesis = &self.entries[name];
        let roster = Roster::begin(genesis, Some(genesis.group())).expect("a genesis");
        self.readers.insert(at, roster);
        let mut step = json!({ "at": at, "do": "begin", "entry": name });
        self.outcome(&mut step, at);
        self.steps.push(step);
    }

    fn sign(&mut self, name: &str, by: &str, entry: RosterEntry) {
        let signed = self.people[by].sign(self.case, by, entry);
        self.tell(name, signed);
    }

    /// Somebody signs what comes next for a reader, who takes it.
    fn act(&mut self, name: &str, by: &str, at: &'static str, operation: Operation) {
        self.sign(name, by, self.readers[at].next(operation));
        self.apply(at, name, &[]);
    }

    /// Somebody signs what comes next for a reader, who refuses it.
    fn refuse_act(&mut self, by: &str, at: &'static str, operation: Operation, rule: &str) {
        let name = format!("refused {}", self.told.len());
        self.sign(&name, by, self.readers[at].next(operation));
        self.refuse(at, &name, &[], rule);
    }

    fn copy(&mut self, from: &'static str, to: &'static str) {
        self.readers.insert(to, self.readers[from].clone());
        self.steps.push(json!({ "at": to, "do": "copy", "from": from }));
    }

    fn try_apply(&mut self, at: &str, name: &str, branch: &[&str]) -> Result<Applied, RosterError> {
        let branch: Vec<VerifiedEntry> = branch.iter().map(|name| self.entries[*name].clone()).collect();
        let roster = self.readers.get_mut(at).expect("a reader");
        let before = roster.clone();
        let applied = roster.merge(&self.entries[name], &branch);
        assert!(applied == Ok(Applied::New) || *roster == before, "nothing was to change");
        applied
    }

    fn step(at: &str, name: &str, branch: &[&str]) -> Value {
        let mut step = json!({ "at": at, "do": "apply", "entry": name });
        if !branch.is_empty() {
            step["branch"] = branch.iter().copied().collect();
        }
        step
    }

    fn apply(&mut self, at: &'static str, name: &str, branch: &[&str]) {
        let applied = self.try_apply(at, name, branch).expect("accepted");
        let mut step = Self::step(at, name, branch);
        match applied {
            Applied::New => self.outcome(&mut step, at),
            Applied::Known => step["known"] = true.into(),
        }
        self.steps.push(step);
    }

    fn outcome(&self, step: &mut Value, at: &str) {
        let members = self.readers[at].members();
        step["members"] = members
            .iter()
            .map(|(id, member)| json!([hex(id.as_bytes()), number(member.role()), member.since()]))
            .collect();
        step["R"] = members.last_removal().into();
    }

    fn refuse(&mut self, at: &'static str, name: &str, branch: &[&str], rule: &str) {
        let error = self.try_apply(at, name, branch).expect_err("refused");
        assert_eq!(error.rule(), rule, "{name}");
        let mut step = Self::step(at, name, branch);
        step["refused"] = rule.into();
        self.steps.push(step);
    }

    fn place(&mut self, at: &'static str, place: RosterPlace, standing: Standing) {
        assert_eq!(self.readers[at].standing(place), standing);
        self.steps.push(json!({
            "at": at,
            "do": "place",
            "epoch": place.epoch,
            "roster_hash": hex(place.hash.as_bytes()),
            "standing": told(standing),
        }));
    }

    /// The same, with entries to look into.
    fn trace(&mut self, at: &'static str, name: &str, entries: &[&str], standing: Standing) {
        let place = self.of(name);
        let known: Vec<VerifiedEntry> = entries.iter().map(|name| self.entries[*name].clone()).collect();
        assert_eq!(self.readers[at].trace(place, &known), standing);
        self.steps.push(json!({
            "at": at,
            "do": "trace",
            "epoch": place.epoch,
            "roster_hash": hex(place.hash.as_bytes()),
            "entries": entries,
            "standing": told(standing),
        }));
    }

    fn of(&self, name: &str) -> RosterPlace {
        RosterPlace { epoch: self.entries[name].epoch(), hash: self.entries[name].hash() }
    }
}

fn told(standing: Standing) -> &'static str {
    match standing {
        Standing::Known => "known",
        Standing::Ahead => "ahead",
        Standing::Split => "split",
    }
}

fn fill(cases: &mut Cases) {
    log(cases, "genesis, adds, role changes, removals, leaving", &["anna", "bea", "cid", "dora"], |log| {
        log.found("genesis", "anna", "reader");
        log.act("add bea", "anna", "reader", log.add("bea", Role::Admin));
        log.act("add cid", "bea", "reader", log.add("cid", Role::Member));
        log.act("promote cid", "anna", "reader", log.role("cid", Role::Admin));
        log.act("add dora", "cid", "reader", log.add("dora", Role::Member));
        log.act("remove dora", "bea", "reader", log.remove("dora"));
        log.act("bea leaves", "bea", "reader", Operation::Leave {});
        log.act("dora comes back", "cid", "reader", log.add("dora", Role::Member));
        log.act("cid becomes owner", "anna", "reader", log.role("cid", Role::Owner));
        log.act("anna becomes member", "cid", "reader", log.role("anna", Role::Member));
        log.act("remove anna", "cid", "reader", log.remove("anna"));
    });
    log(cases, "refused entries", &["anna", "bea", "cid", "dora", "emil"], refused_entries);
    log(cases, "siblings and gaps", &["anna", "bea", "cid", "dora"], |log| {
        log.found("genesis", "anna", "left");
        log.act("add bea", "anna", "left", log.add("bea", Role::Admin));
        log.copy("left", "right");
        log.sign("add cid", "anna", log.readers["left"].next(log.add("cid", Role::Member)));
        log.sign("add dora", "bea", log.readers["left"].next(log.add("dora", Role::Member)));
        log.apply("left", "add cid", &[]);
        log.refuse("left", "add dora", &[], "sibling");
        log.act("remove cid", "bea", "left", log.remove("cid"));
        log.apply("left", "add cid", &[]);
        log.apply("left", "genesis", &[]);
        log.refuse("right", "remove cid", &[], "unknown-previous");
        log.apply("right", "add dora", &[]);
        log.refuse("right", "add cid", &[], "sibling");
        log.refuse("right", "remove cid", &[], "unknown-previous");
    });
    log(cases, "a split and its merge", &["anna", "bea", "cid", "dora", "emil"], split_and_merge);
    log(cases, "three branches", &["anna", "bea", "cid", "dora", "emil"], |log| {
        split(log);
        log.copy("left", "third");
        log.act("bea becomes owner", "anna", "third", log.role("bea", Role::Owner));
        log.act("remove dora", "bea", "left", log.remove("dora"));
        let other = log.of("remove dora");
        log.sign("merge", "anna", log.readers["right"].next_merge(other));
        log.apply("right", "merge", &["add emil", "remove dora"]);
        let other = log.of("bea becomes owner");
        log.sign("second merge", "anna", log.readers["right"].next_merge(other));
        log.refuse("right", "second merge", &["bea becomes owner"], "unknown-previous");
        log.apply("right", "second merge", &["add emil", "bea becomes owner"]);
        log.apply("left", "merge", &["cid becomes member"]);
        log.apply("left", "second merge", &["bea becomes owner"]);
        log.apply("third", "second merge", &["cid becomes member", "remove dora", "merge"]);
        for at in ["left", "right", "third"] {
            for name in ["add emil", "remove dora", "cid becomes member", "bea becomes owner", "merge"] {
                log.place(at, log.of(name), Standing::Known);
            }
        }
    });
    log(cases, "who came back on one side", &["anna", "bea", "cid"], |log| {
        log.found("genesis", "anna", "left");
        log.act("add bea", "anna", "left", log.add("bea", Role::Admin));
        log.act("add cid", "anna", "left", log.add("cid", Role::Member));
        log.copy("left", "right");
        log.act("remove cid", "bea", "left", log.remove("cid"));
        log.act("cid comes back", "bea", "left", log.add("cid", Role::Member));
        log.act("bea becomes member", "anna", "right", log.role("bea", Role::Member));
        let other = log.of("cid comes back");
        log.sign("merge", "anna", log.readers["right"].next_merge(other));
        log.apply("right", "merge", &["remove cid", "cid comes back"]);
        log.apply("left", "merge", &["bea becomes member"]);
    });
    log(cases, "refused merges", &["anna", "bea", "cid", "dora", "emil"], refused_merges);
    super::roster_entries::entries(cases);
}

fn refused_entries(log: &mut Log<'_>) {
    log.found("genesis", "anna", "reader");
    log.refuse_act("anna", "reader", Operation::Leave {}, "last-owner");
    log.act("add bea", "anna", "reader", log.add("bea", Role::Admin));
    log.act("add cid", "anna", "reader", log.add("cid", Role::Member));
    for (by, operation, rule) in [
        ("emil", log.add("dora", Role::Member), "not-member"),
        ("emil", Operation::Leave {}, "not-member"),
        ("cid", log.add("dora", Role::Member), "not-allowed"),
        ("cid", log.remove("bea"), "not-allowed"),
        ("bea", log.add("dora", Role::Admin), "not-allowed"),
        ("bea", log.remove("anna"), "not-allowed"),
        ("bea", log.role("cid", Role::Admin), "not-allowed"),
        ("bea", log.remove("bea"), "not-allowed"),
        ("anna", log.remove("anna"), "not-allowed"),
        ("anna", log.add("cid", Role::Owner), "already-member"),
        ("anna", log.remove("dora"), "no-such-member"),
        ("anna", log.role("dora", Role::Admin), "no-such-member"),
        ("anna", log.role("bea", Role::Admin), "same-role"),
        ("anna", log.role("anna", Role::Member), "last-owner"),
    ] {
        log.refuse_act(by, "reader", operation, rule);
    }
    let good = log.readers["reader"].next(log.add("dora", Role::Member));
    let elsewhere = GroupId::from_bytes([1; 16]);
    let nowhere = RosterHash::from_bytes([1; 32]);
    for (name, entry, rule) in [
        ("an epoch too much", RosterEntry { epoch: 4, ..good.clone() }, "wrong-epoch"),
        ("an epoch too little", RosterEntry { epoch: 2, ..good.clone() }, "wrong-epoch"),
        ("the last epoch of all", RosterEntry { epoch: u32::MAX, ..good.clone() }, "wrong-epoch"),
        ("of another group", RosterEntry { group: elsewhere, ..good.clone() }, "wrong-group"),
        ("after nothing", RosterEntry { previous: nowhere, ..good.clone() }, "unknown-previous"),
    ] {
        log.sign(name, "anna", entry);
        log.refuse("reader", name, &[], rule);
    }
    let another = log.people["anna"].found(log.case, "anna");
    log.tell("another genesis", another);
    log.refuse("reader", "another genesis", &[], "wrong-group");
    log.sign("add dora", "anna", good);
    log.apply("reader", "add dora", &[]);
}

/// On the left an admin adds somebody, on the right the owner makes the other admin a plain member.
fn split(log: &mut Log<'_>) {
    log.found("genesis", "anna", "left");
    log.act("add bea", "anna", "left", log.add("bea", Role::Admin));
    log.act("add cid", "anna", "left", log.add("cid", Role::Admin));
    log.act("add dora", "anna", "left", log.add("dora", Role::Member));
    log.copy("left", "right");
    log.act("add emil", "bea", "left", log.add("emil", Role::Member));
    log.act("cid becomes member", "anna", "right", log.role("cid", Role::Member));
}

fn split_and_merge(log: &mut Log<'_>) {
    split(log);
    log.act("remove dora", "bea", "left", log.remove("dora"));
    log.place("right", log.of("remove dora"), Standing::Ahead);
    log.trace("right", "remove dora", &["remove dora"], Standing::Ahead);
    log.trace("right", "remove dora", &["add emil", "remove dora"], Standing::Split);
    log.place("right", log.of("add emil"), Standing::Split);
    log.place("left", log.of("cid becomes member"), Standing::Split);
    log.place("left", log.of("add bea"), Standing::Known);
    let misplaced = RosterPlace { epoch: 2, ..log.of("add bea") };
    log.place("left", misplaced, Standing::Split);
    let other = log.of("remove dora");
    log.sign("merge", "anna", log.readers["right"].next_merge(other));
    log.trace("right", "merge", &["merge", "add emil", "remove dora"], Standing::Ahead);
    log.refuse("right", "merge", &[], "unknown-previous");
    log.refuse("right", "merge", &["add emil"], "unknown-previous");
    log.apply("right", "merge", &["genesis", "add emil", "remove dora"]);
    log.apply("left", "merge", &["cid becomes member"]);
    log.apply("left", "merge", &[]);
    log.place("right", log.of("add emil"), Standing::Known);
    log.place("left", log.of("cid becomes member"), Standing::Known);
    log.act("emil again", "bea", "left", log.add("emil", Role::Member));
    log.apply("right", "emil again", &[]);
}

fn refused_merges(log: &mut Log<'_>) {
    split(log);
    let (left, right) = (log.of("add emil"), log.of("cid becomes member"));
    let good = log.readers["right"].next_merge(left);
    for (name, by, rule) in
        [("a merge by an admin", "bea", "not-allowed"), ("a merge by somebody else", "emil", "not-member")]
    {
        log.sign(name, by, good.clone());
        log.refuse("right", name, &["add emil"], rule);
        log.refuse("right", name, &[], rule);
    }
    let itself = Operation::Merge { other: right.hash };
    let fork = log.of("add dora");
    for (name, entry, rule) in [
        ("an epoch too much", RosterEntry { epoch: 6, ..good.clone() }, "wrong-epoch"),
        ("with itself", RosterEntry { operation: itself, ..good.clone() }, "sibling"),
        ("from too early", RosterEntry { previous: fork.hash, ..good.clone() }, "sibling"),
        (
            "from nowhere",
            RosterEntry { previous: RosterHash::from_bytes([1; 32]), ..good.clone() },
            "unknown-previous",
        ),
    ] {
        log.sign(name, "anna", entry);
        log.refuse("right", name, &["add emil"], rule);
    }
    // A branch whose entries are not all valid.
    let after_fork =
        |operation| RosterEntry { group: good.group, epoch: fork.epoch + 1, previous: fork.hash, operation };
    for (name, by, entry, rule) in [
        ("cid makes an owner", "cid", after_fork(log.add("emil", Role::Owner)), "not-allowed"),
        ("emil adds himself", "emil", after_fork(log.add("emil", Role::Member)), "not-member"),
        (
            "cid leaves another group",
            "cid",
            RosterEntry { group: GroupId::from_bytes([1; 16]), ..after_fork(Operation::Leave {}) },
            "wrong-group",
        ),
        ("anna merges with the fork", "anna", after_fork(Operation::Merge { other: fork.hash }), "sibling"),
        (
            "cid leaves twice as fast",
            "cid",
            RosterEntry { epoch: fork.epoch + 2, ..after_fork(Operation::Leave {}) },
            "wrong-epoch",
        ),
    ] {
        log.sign(name, by, entry);
        let other = log.of(name);
        let merge = format!("merge, {name}");
        log.sign(&merge, "anna", log.readers["right"].next_merge(other));
        log.refuse("right", &merge, &[name], rule);
    }
    // An owner on the reader's side who is none on the other.
    log.copy("left", "third");
    log.act("bea becomes owner", "anna", "third", log.role("bea", Role::Owner));
    log.act("anna becomes admin", "bea", "third", log.role("anna", Role::Admin));
    let other = log.of("anna becomes admin");
    log.sign("a merge by a former owner", "anna", log.readers["right"].next_merge(other));
    let branch = ["add emil", "bea becomes owner", "anna becomes admin"];
    log.refuse("right", "a merge by a former owner", &branch, "not-allowed");
    log.refuse("third", "a merge by a former owner", &["cid becomes member"], "not-allowed");
    log.sign("merge", "anna", good);
    log.apply("right", "merge", &["add emil"]);
}
