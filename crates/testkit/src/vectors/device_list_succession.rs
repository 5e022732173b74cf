//! How a device list, shown or only named, stands to the one that is held.

use serde_json::json;
use sotto_crypto::keys::AccountKey;
use sotto_wire::peer::{DeviceList, ListedDevice, Succession};

use super::form::{Case, Cases, Structure, hex};
use super::people::Person;

pub(super) const DEVICE_LIST_SUCCESSION: Structure = Structure {
    name: "device_list_succession",
    sections: "10.2, 3.1",
    about: "A device list is `held`; another is shown (`list`), or only named by its version and hash (`named`, as a \
            body does). `standing` is what it is to the one that is held: same, next, earlier, ahead or split. A list of \
            another account is refused.",
    fill,
};

/// A's lists of one, two and one device, each after the one before; and those that are none of them.
struct Lists {
    first: DeviceList,
    second: DeviceList,
    third: DeviceList,
    /// Another second one after the first.
    other_second: DeviceList,
    /// A second one that names another first one.
    of_another_first: DeviceList,
    /// A second one in which the first device has other keys.
    changed: DeviceList,
    /// The second one, signed again.
    again: DeviceList,
    /// Second of somebody else, who names A's first.
    foreign: DeviceList,
}

fn lists(case: &mut Case) -> Lists {
    let [a, b, c] = ["A", "second device", "third device"].map(|name| Person::draw(case, name));
    let mut sign = |account: &AccountKey, version, previous, devices: Vec<ListedDevice>| {
        let rng = case.random(["signature"]);
        DeviceList::sign(account, version, previous, devices, rng).expect("a list")
    };
    let both = || vec![a.listed(), b.listed()];
    let first = sign(&a.account, 1, [0; 32], vec![a.listed()]);
    let second = sign(&a.account, 2, *first.hash(), both());
    let changed = vec![ListedDevice { id: a.device_id, ..c.listed() }];
    Lists {
        third: sign(&a.account, 3, *second.hash(), vec![b.listed()]),
        other_second: sign(&a.account, 2, *first.hash(), vec![a.listed(), c.listed()]),
        of_another_first: sign(&a.account, 2, [7; 32], both()),
        changed: sign(&a.account, 2, *first.hash(), changed),
        again: sign(&a.account, 2, *first.hash(), both()),
        foreign: sign(&b.account, 2, *first.hash(), vec![c.listed()]),
        first,
        second,
    }
}

fn word(succession: Succession) -> &'static str {
    match succession {
        Succession::Same => "same",
        Succession::Next => "next",
        Succession::Earlier => "earlier",
        Succession::Ahead => "ahead",
        Succession::Split => "split",
    }
}

type Pick = fn(&Lists) -> &DeviceList;

fn shown(cases: &mut Cases, name: &str, held: Pick, list: Pick, standing: &str) {
    cases.case(name, |case| {
        let lists = lists(case);
        let (held, list) = (held(&lists), list(&lists));
        case.given("held", hex(held.as_bytes()));
        case.given("list", hex(list.as_bytes()));
        match list.after(held) {
            Ok(succession) => {
                assert_eq!(word(succession), standing);
                case.expect("standing", standing);
            }
            Err(error) => case.refused("wrong-account", Err::<Succession, _>(error)),
        }
    });
}

fn named(cases: &mut Cases, name: &str, held: Pick, version: u32, hash: [u8; 32], standing: &str) {
    cases.case(&format!("named: {name}"), |case| {
        let lists = lists(case);
        let held = held(&lists);
        let hash = match hash {
            [0, ..] => *held.hash(),
            [1, ..] => *held.previous(),
            other => other,
        };
        case.given("held", hex(held.as_bytes()));
        case.given("named", json!({ "version": version, "hash": hex(hash) }));
        assert_eq!(word(held.names(version, &hash)), standing);
        case.expect("standing", standing);
    });
}

/// In place of a hash: that of the held list, that of the one before it, another.
const OWN: [u8; 32] = [0; 32];
const BEFORE: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [9; 32];

fn fill(cases: &mut Cases) {
    shown(cases, "the same", |lists| &lists.second, |lists| &lists.second, "same");
    shown(cases, "the same, signed again", |lists| &lists.second, |lists| &lists.again, "same");
    shown(cases, "the next", |lists| &lists.first, |lists| &lists.second, "next");
    shown(cases, "the next, without a device", |lists| &lists.second, |lists| &lists.third, "next");
    shown(cases, "one before", |lists| &lists.second, |lists| &lists.first, "earlier");
    shown(cases, "two before", |lists| &lists.third, |lists| &lists.first, "earlier");
    shown(cases, "two further", |lists| &lists.first, |lists| &lists.third, "ahead");
    shown(cases, "of one version, another", |lists| &lists.second, |lists| &lists.other_second, "split");
    shown(cases, "one before, another", |lists| &lists.third, |lists| &lists.other_second, "split");
    shown(
        cases,
        "the next, after another before",
        |lists| &lists.first,
        |lists| &lists.of_another_first,
        "split",
    );
    shown(cases, "the next of another one", |lists| &lists.other_second, |lists| &lists.third, "split");
    shown(cases, "the next, with other keys", |lists| &lists.first, |lists| &lists.changed, "split");
    shown(cases, "of another account", |lists| &lists.first, |lists| &lists.foreign, "");
    named(cases, "the same", |lists| &lists.second, 2, OWN, "same");
    named(cases, "of one version, another", |lists| &lists.second, 2, OTHER, "split");
    named(cases, "one before", |lists| &lists.second, 1, BEFORE, "earlier");
    named(cases, "one before, another", |lists| &lists.second, 1, OTHER, "split");
    named(cases, "two before, of which nothing is known", |lists| &lists.third, 1, OTHER, "earlier");
    named(cases, "one further is never next", |lists| &lists.second, 3, OTHER, "ahead");
    named(cases, "the last there can be", |lists| &lists.second, u32::MAX, OTHER, "ahead");
    named(cases, "version 0 before the first", |lists| &lists.first, 0, BEFORE, "earlier");
    named(cases, "version 0 of another hash", |lists| &lists.first, 0, OTHER, "split");
}
