//! Rosters and groups played again from their files: every entry, chain and message made to the same bytes, and taken
//! or refused by every reader as the file says.

use std::collections::BTreeMap;

use serde_json::Value;
use sotto_crypto::keys::{AccountKey, DeviceSigningKey};
use sotto_crypto::sender_key::RosterPlace;
use sotto_crypto::{AccountId, DeviceId, RosterHash, Timestamp};
use sotto_engine::group::{Announced, Applied, Group, GroupError, Roster, Standing};
use sotto_testkit::vectors::form::Rule;
use sotto_wire::peer::{
    DeviceList, Operation, ReceivedEntry, Role, RosterEntry, VerifiedEntry, decode_sender_chain,
    encode_sender_chain,
};

use crate::given::{Draws, Given, each};

struct Member {
    signing: DeviceSigningKey,
    device: DeviceId,
    list: DeviceList,
}

fn members(case: &Given) -> BTreeMap<String, Member> {
    let given = case.at("/given").as_object().unwrap();
    let names = given.iter().filter(|(_, value)| value.is_object()).map(|(name, _)| name);
    names
        .map(|name| {
            let at = |field: &str| format!("/given/{name}/{field}");
            let account = AccountKey::from_bytes(&case.array(&at("AIK/private"))).unwrap();
            let signing = DeviceSigningKey::from_bytes(&case.array(&at("DSK/private"))).unwrap();
            let list = DeviceList::decode(&case.bytes(&at("device_list"))).unwrap();
            let device = DeviceId::from_bytes(case.array(&at("device_id")));
            assert_eq!(*list.account(), account.public());
            assert_eq!(*list.device(device).unwrap().signing(), signing.public());
            (name.clone(), Member { signing, device, list })
        })
        .collect()
}

fn role(number: u32) -> Role {
    [Role::Member, Role::Admin, Role::Owner][number as usize]
}

/// Signs an entry again as it is told, and reads and verifies what comes of it.
fn entry(members: &BTreeMap<String, Member>, told: &Given) -> VerifiedEntry {
    let Member { signing, device, list } = &members[told.text("/by")];
    let received = ReceivedEntry::decode(&told.bytes("/entry")).unwrap();
    let verified = received.verify(list, list).unwrap();
    assert_eq!(*verified.hash().as_bytes(), told.array("/hash"));
    let genesis = matches!(verified.operation(), Operation::Genesis { .. });
    let again = if genesis {
        VerifiedEntry::found(list, *device, signing, &mut Draws::of(told, "/random", ""))
    } else {
        let entry = RosterEntry {
            group: verified.group(),
            epoch: verified.epoch(),
            previous: verified.previous(),
            operation: verified.operation().clone(),
        };
        VerifiedEntry::sign(entry, list, *device, signing, &mut Draws::of(told, "/random", ""))
    };
    assert_eq!(again.unwrap().as_bytes(), verified.as_bytes());
    verified
}

fn place(step: &Given) -> RosterPlace {
    RosterPlace { epoch: step.number("/epoch"), hash: RosterHash::from_bytes(step.array("/roster_hash")) }
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map(|items| items.iter().map(|item| item.as_str().unwrap()).collect())
        .unwrap_or_default()
}

#[test]
fn logs() {
    each("roster", "log: ", |case| {
        let members = members(case);
        let told = case.at("/expect/entries").as_object().unwrap();
        let entries: BTreeMap<&str, VerifiedEntry> =
            told.iter().map(|(name, told)| (name.as_str(), entry(&members, &Given(told.clone())))).collect();
        let mut readers: BTreeMap<String, Roster> = BTreeMap::new();
        for (number, step) in case.at("/expect/steps").as_array().unwrap().iter().enumerate() {
            let step = Given(step.clone());
            println!("  step {number}: {} at {}", step.text("/do"), step.text("/at"));
            let at = step.text("/at").to_owned();
            match step.text("/do") {
                "begin" => {
                    let roster = Roster::begin(&entries[step.text("/entry")], None).unwrap();
                    readers.insert(at.clone(), roster);
                    outcome(&readers[&at], &entries, &step);
                }
                "copy" => {
                    readers.insert(at, readers[step.text("/from")].clone());
                }
                "place" | "trace" => {
                    let looked = strings(step.0.get("entries").unwrap_or(&Value::Null));
                    let looked: Vec<_> = looked.into_iter().map(|name| entries[name].clone()).collect();
                    let standing = match readers[&at].trace(place(&step), &looked) {
                        Standing::Known => "known",
                        Standing::Ahead => "ahead",
                        Standing::Split => "split",
                    };
                    assert_eq!(standing, step.text("/standing"));
                }
                "apply" => {
                    let roster = readers.get_mut(&at).unwrap();
                    let before = roster.clone();
                    let branch = strings(step.0.get("branch").unwrap_or(&Value::Null));
                    let branch: Vec<_> = branch.into_iter().map(|name| entries[name].clone()).collect();
                    let applied = roster.merge(&entries[step.text("/entry")], &branch);
                    match step.judge(applied) {
                        Some(Applied::New) => outcome(&readers[&at], &entries, &step),
                        Some(Applied::Known) => {
                            assert!(step.has("/known"));
                            assert_eq!(readers[&at], before);
                        }
                        None => assert_eq!(readers[&at], before),
                    }
                }
                other => panic!("{other}"),
            }
        }
    });
}

fn outcome(roster: &Roster, entries: &BTreeMap<&str, VerifiedEntry>, step: &Given) {
    let head = &entries[step.text("/entry")];
    assert_eq!(roster.head(), RosterPlace { epoch: head.epoch(), hash: head.hash() });
    assert_eq!(roster.members().last_removal(), step.number("/R"));
    let told = step.at("/members").as_array().unwrap();
    assert_eq!(roster.members().len(), told.len());
    for ((id, member), told) in roster.members().iter().zip(told) {
        let told = Given(told.clone());
        assert_eq!(*id.as_bytes(), told.array("/0"));
        assert_eq!((member.role(), member.since()), (role(told.number("/1")), told.number("/2")));
    }
}

/// A rule that was found out already.
struct Found(String);

impl Rule for Found {
    fn rule(&self) -> String {
        self.0.clone()
    }
}

#[test]
fn entries() {
    each("roster", "entry: ", |case| {
        let named = DeviceList::decode(&case.bytes("/given/named")).unwrap();
        let newest = if case.has("/given/newest") { "/given/newest" } else { "/given/named" };
        let newest = DeviceList::decode(&case.bytes(newest)).unwrap();
        let outcome = ReceivedEntry::decode(&case.bytes("/given/entry")).map_err(|error| Found(error.rule()));
        let outcome = outcome.and_then(|received| {
            let verified = match case.has("/given/history") {
                true => received.verify_history(&named),
                false => received.verify(&named, &newest),
            };
            verified.map_err(|error| Found(error.rule()))
        });
        if let Some(entry) = case.judge(outcome) {
            assert_eq!(*entry.hash().as_bytes(), case.array("/expect/hash"));
        }
    });
}

#[test]
fn announcements() {
    each("sender_keys", "announcement: ", |case| {
        let bytes = case.bytes("/given/announcement");
        let Some(read) = case.judge(decode_sender_chain(&bytes)) else { return };
        assert_eq!(*read.group.as_bytes(), case.array("/expect/group_id"));
        assert_eq!(read.made, place(&Given(case.at("/expect").clone())));
        assert_eq!(read.next, case.number("/expect/n"));
        assert_eq!(*read.key.to_bytes(), case.array("/expect/CK"));
        assert_eq!(*read.signing.as_bytes(), case.array("/expect/GSK"));
    });
}

fn rule_of(error: GroupError) -> Found {
    Found(match error {
        GroupError::Chain(error) => error.rule(),
        other => other.rule(),
    })
}

fn state(group: &Group) -> (Roster, Vec<Vec<u8>>) {
    let own = group.own_chain().map(|chain| chain.to_bytes().to_vec());
    let chains = group.chains().map(|chain| chain.to_bytes().to_vec());
    (group.roster().clone(), own.into_iter().chain(chains).collect())
}

#[test]
fn talks() {
    each("sender_keys", "talk: ", |case| {
        let members = members(case);
        let log = case.at("/given/log").as_array().unwrap();
        let mut log = log.iter().map(|told| entry(&members, &Given(told.clone())));
        let mut roster = Roster::begin(&log.next().unwrap(), None).unwrap();
        log.for_each(|entry| assert_eq!(roster.apply(&entry), Ok(Applied::New)));
        let mut groups: BTreeMap<String, Group> = members
            .iter()
            .map(|(name, member)| {
                (name.clone(), Group::new(roster.clone(), member.list.account().id(), member.device))
            })
            .collect();
        for (number, step) in case.at("/expect/steps").as_array().unwrap().iter().enumerate() {
            let step = Given(step.clone());
            println!("  step {number}: {} by {}", step.text("/do"), step.text("/by"));
            act(&members, groups.get_mut(step.text("/by")).unwrap(), &step);
        }
    });
}

fn act(members: &BTreeMap<String, Member>, group: &mut Group, step: &Given) {
    let now = Timestamp::from_millis(step.at("/now").as_u64().unwrap());
    let from = || members[step.text("/from")].list.devices()[0];
    let unchanged = |group: &Group, before: (Roster, Vec<Vec<u8>>)| {
        if step.text("/refused") == "split" {
            splits(group, step);
        } else {
            assert!(state(group) == before, "a refusal changed the group");
        }
    };
    match step.text("/do") {
        "rotate" => {
            group.rotate(now, &mut Draws::of(step, "/random", "")).unwrap();
            let chain = group.own_chain().unwrap();
            assert_eq!(*chain.id().as_bytes(), step.array("/chain_id"));
            assert_eq!(*chain.signing().as_bytes(), step.array("/GSK/public"));
            assert_eq!(*chain.announcement().unwrap().key.to_bytes(), step.array("/CK"));
        }
        "announce" => {
            let own = members[step.text("/by")].list.devices()[0];
            let announcement = group.announcement(&own, now).unwrap();
            assert_eq!(announcement.next, step.number("/n"));
            assert_eq!(*encode_sender_chain(&announcement), step.bytes("/announcement"));
        }
        "take" => {
            let before = state(group);
            let announcement = decode_sender_chain(&step.bytes("/announcement")).unwrap();
            match step.judge(group.take_chain(&from(), announcement).map_err(rule_of)) {
                Some(Announced::New(id)) => assert_eq!(*id.as_bytes(), step.array("/chain_id")),
                Some(Announced::Known(_)) => {
                    assert!(step.has("/known"));
                    assert!(state(group) == before);
                }
                None => unchanged(group, before),
            }
        }
        "seal" => {
            let before = state(group);
            let mut draws = match step.has("/refused") {
                true => Draws::of(&Given(serde_json::json!({ "random": [] })), "/random", ""),
                false => Draws::of(step, "/random", ""),
            };
            let sealed = group.seal(&step.bytes("/plaintext"), now, &mut draws);
            match step.judge(sealed.map_err(rule_of)) {
                Some(message) => assert_eq!(message, step.bytes("/message")),
                None => unchanged(group, before),
            }
        }
        "lose" => {
            let mut any = <rand_chacha::ChaCha12Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(9);
            for _ in 0..step.number("/count") {
                group.seal(b"", now, &mut any).unwrap();
            }
        }
        "open" => {
            let before = state(group);
            match step.judge(group.open(&from(), &step.filled("/message"), now).map_err(rule_of)) {
                Some(plaintext) => assert_eq!(plaintext, step.bytes("/plaintext")),
                None => unchanged(group, before),
            }
        }
        "apply" => {
            let read = |digits: &str| {
                let bytes = sotto_testkit::vectors::form::unhex(digits);
                let received = ReceivedEntry::decode(&bytes).unwrap();
                let list = members.values().map(|member| &member.list);
                let list = list.into_iter().find(|list| list.hash() == received.list_hash()).unwrap();
                received.verify(list, list).unwrap()
            };
            let branch: Vec<_> =
                strings(step.0.get("branch").unwrap_or(&Value::Null)).into_iter().map(read).collect();
            assert_eq!(group.merge(&read(step.text("/entry")), &branch), Ok(Applied::New));
            splits(group, step);
        }
        other => panic!("{other}"),
    }
}

fn splits(group: &Group, step: &Given) {
    let told = step.at("/splits").as_array().unwrap().iter().map(|told| Given(told.clone()));
    let told = told.map(|told| {
        let hash = RosterHash::from_bytes(told.array("/2"));
        (AccountId::from_bytes(told.array("/0")), RosterPlace { epoch: told.number("/1"), hash })
    });
    assert_eq!(group.roster().splits().collect::<Vec<_>>(), told.collect::<Vec<_>>());
}
