//! Roster entries as bytes: read and verified, and one refused for each rule.

use sotto_wire::peer::{DeviceList, ReceivedEntry, VerifiedEntry};

use super::form::{Case, Cases, Rule, hex};
use super::members::{Member, signed_bytes};
use super::{cbor, primitives};

/// What an entry is verified with.
struct With<'a> {
    named: &'a DeviceList,
    newest: Option<&'a DeviceList>,
}

/// Reads and verifies bytes, and tells them.
fn verify(case: &mut Case, bytes: &[u8], with: &With<'_>) -> Result<VerifiedEntry, String> {
    case.given("entry", hex(bytes));
    case.given("named", hex(with.named.as_bytes()));
    match with.newest {
        Some(newest) if newest == with.named => {}
        Some(newest) => case.given("newest", hex(newest.as_bytes())),
        None => case.given("history", true),
    }
    let received = ReceivedEntry::decode(bytes).map_err(|error| error.rule())?;
    let verified = match with.newest {
        Some(newest) => received.verify(with.named, newest),
        None => received.verify_history(with.named),
    };
    verified.map_err(|error| error.rule())
}

/// A rule that was found out already.
#[derive(Debug)]
struct Found(String);

impl Rule for Found {
    fn rule(&self) -> String {
        self.0.clone()
    }
}

type Fields = Vec<(u64, Vec<u8>)>;

/// What fills a case, given anna and bea, and the rule to come.
type Act<'a> = dyn Fn(&mut Case, &Member, &Member, Option<&'static str>) + 'a;

/// The fields of an entry by which a member leaves.
fn fields(member: &Member) -> Fields {
    vec![
        (0, cbor::uint(1)),
        (1, cbor::bytes(&[1; 16])),
        (2, cbor::uint(7)),
        (3, cbor::bytes(&[2; 32])),
        (4, cbor::bytes(member.public().as_bytes())),
        (5, cbor::bytes(member.device().device_id().as_bytes())),
        (6, cbor::bytes(member.list.hash())),
        (7, cbor::list(&[cbor::uint(4), cbor::map(&[])])),
    ]
}

/// An entry with altered fields, properly signed.
fn altered(cases: &mut Cases, name: &str, rule: &'static str, alter: impl FnOnce(Fields) -> Vec<u8>) {
    cases.case(&format!("entry: {name}"), |case| {
        let anna = Member::draw(case, "anna");
        let signed = alter(fields(&anna));
        let signature = anna.signing.sign_roster_entry(&signed, case.random(["signature"])).to_bytes();
        let with = With { named: &anna.list, newest: Some(&anna.list) };
        let outcome = verify(case, &cbor::signed(&signed, &signature), &with);
        case.refused(rule, outcome.map_err(Found));
    });
}

fn replaced(cases: &mut Cases, name: &str, rule: &'static str, key: u64, value: Vec<u8>) {
    altered(cases, name, rule, |fields| cbor::map(&cbor::with(&fields, key, value)));
}

pub(super) fn entries(cases: &mut Cases) {
    let operation = |number, fields: &[(u64, Vec<u8>)]| cbor::list(&[cbor::uint(number), cbor::map(fields)]);
    replaced(cases, "of another version", "unknown-version", 0, cbor::uint(2));
    replaced(cases, "a group id of 15 bytes", "out-of-bounds", 1, cbor::bytes(&[1; 15]));
    replaced(cases, "an epoch beyond u32", "malformed", 2, cbor::uint(1 << 32));
    replaced(cases, "epoch 0 without genesis", "malformed", 2, cbor::uint(0));
    replaced(cases, "an actor beginning with 05", "bad-key", 4, {
        let mut point =
            *sotto_crypto::keys::AccountKey::from_bytes(&[7; 32]).expect("a scalar").public().as_bytes();
        point[0] = 5;
        cbor::bytes(&point)
    });
    replaced(cases, "an unknown operation", "unknown-type", 7, operation(6, &[]));
    let target = cbor::bytes(
        sotto_crypto::keys::AccountKey::from_bytes(&[7; 32]).expect("a scalar").public().as_bytes(),
    );
    replaced(
        cases,
        "an unknown role",
        "unknown-type",
        7,
        operation(1, &[(0, target.clone()), (1, cbor::uint(3))]),
    );
    replaced(cases, "an operation without its target", "malformed", 7, operation(2, &[]));
    replaced(cases, "a genesis in the middle", "malformed", 7, operation(0, &[(0, cbor::bytes(&[3; 32]))]));
    replaced(cases, "an operation's unknown field", "unknown-field", 7, operation(4, &[(0, cbor::uint(0))]));
    altered(cases, "an unknown field", "unknown-field", |mut fields| {
        fields.push((8, cbor::uint(0)));
        cbor::map(&fields)
    });
    altered(cases, "a field less", "malformed", |mut fields| {
        fields.pop();
        cbor::map(&fields)
    });
    altered(cases, "a field twice", "not-deterministic", |mut fields| {
        fields.insert(1, (0, cbor::uint(1)));
        cbor::map(&fields)
    });
    altered(cases, "fields out of order", "not-deterministic", |mut fields| {
        fields.swap(1, 2);
        cbor::map(&fields)
    });
    altered(cases, "an integer too long", "not-deterministic", |fields| {
        cbor::map(&cbor::with(&fields, 2, vec![0x18, 7]))
    });
    altered(cases, "something behind it", "malformed", |fields| [cbor::map(&fields), vec![0]].concat());
    altered(cases, "larger than an entry", "too-large", |fields| {
        cbor::map(&cbor::with(&fields, 1, cbor::bytes(&[1; 400])))
    });
    lists_and_signatures(cases);
}

fn lists_and_signatures(cases: &mut Cases) {
    let leave = |member: &Member| cbor::map(&fields(member));
    let second = |case: &mut Case, anna: &Member, devices: &[&Member]| {
        let devices = devices.iter().map(|member| member.listed()).collect();
        let rng = case.random(["second device list signature"]);
        DeviceList::sign(&anna.account, 2, *anna.list.hash(), devices, rng).expect("a list")
    };
    let judge = |case: &mut Case, rule: Option<&'static str>, bytes: &[u8], with: &With<'_>| {
        let outcome = verify(case, bytes, with);
        match rule {
            Some(rule) => case.refused(rule, outcome.map_err(Found)),
            None => {
                let hash = primitives::hash("roster-hash", &[&signed_bytes(bytes)]);
                assert_eq!(*outcome.expect("verified").hash().as_bytes(), hash);
                case.expect("hash", hex(hash));
            }
        }
    };
    let mut one = |name: &str, rule, act: &Act<'_>| {
        cases.case(&format!("entry: {name}"), |case| {
            let (anna, bea) = (Member::draw(case, "anna"), Member::draw(case, "bea"));
            act(case, &anna, &bea, rule);
        });
    };
    let good = |case: &mut Case, by: &Member, signed: &[u8]| {
        cbor::signed(signed, &by.signing.sign_roster_entry(signed, case.random(["signature"])).to_bytes())
    };
    one("of a device in the newest list", None, &|case, anna, bea, rule| {
        let newest = second(case, anna, &[anna, bea]);
        let entry = good(case, anna, &leave(anna));
        judge(case, rule, &entry, &With { named: &anna.list, newest: Some(&newest) });
    });
    one("of a device that is gone", Some("device-gone"), &|case, anna, bea, rule| {
        let newest = second(case, anna, &[bea]);
        let entry = good(case, anna, &leave(anna));
        judge(case, rule, &entry, &With { named: &anna.list, newest: Some(&newest) });
    });
    one("of a device whose key is another now", Some("device-gone"), &|case, anna, bea, rule| {
        let id = anna.device().device_id();
        let devices = vec![sotto_wire::peer::ListedDevice { id, ..bea.listed() }];
        let rng = case.random(["second device list signature"]);
        let newest = DeviceList::sign(&anna.account, 2, *anna.list.hash(), devices, rng).expect("a list");
        let entry = good(case, anna, &leave(anna));
        judge(case, rule, &entry, &With { named: &anna.list, newest: Some(&newest) });
    });
    one("history, of a device that is gone", None, &|case, anna, _, rule| {
        let entry = good(case, anna, &leave(anna));
        judge(case, rule, &entry, &With { named: &anna.list, newest: None });
    });
    one("with another list than it names", Some("other-list"), &|case, anna, bea, rule| {
        let newest = second(case, anna, &[anna, bea]);
        let entry = good(case, anna, &leave(anna));
        judge(case, rule, &entry, &With { named: &newest, newest: Some(&newest) });
    });
    one("two lists of one version", Some("other-list"), &|case, anna, bea, rule| {
        let devices = vec![bea.listed()];
        let rng = case.random(["rival device list signature"]);
        let rival = DeviceList::sign(&anna.account, 1, [0; 32], devices, rng).expect("a list");
        let entry = good(case, anna, &leave(anna));
        judge(case, rule, &entry, &With { named: &anna.list, newest: Some(&rival) });
    });
    one("in another's name", Some("wrong-account"), &|case, anna, bea, rule| {
        let actor = cbor::bytes(anna.public().as_bytes());
        let entry = good(case, bea, &cbor::map(&cbor::with(&fields(bea), 4, actor)));
        judge(case, rule, &entry, &With { named: &bea.list, newest: Some(&bea.list) });
    });
    one("of a device that is not listed", Some("unlisted-device"), &|case, anna, bea, rule| {
        let device = cbor::bytes(bea.device().device_id().as_bytes());
        let entry = good(case, anna, &cbor::map(&cbor::with(&fields(anna), 5, device)));
        judge(case, rule, &entry, &With { named: &anna.list, newest: Some(&anna.list) });
    });
    one("signed by another", Some("bad-signature"), &|case, anna, bea, rule| {
        let entry = good(case, bea, &leave(anna));
        judge(case, rule, &entry, &With { named: &anna.list, newest: Some(&anna.list) });
    });
    one("signed as a bundle", Some("bad-signature"), &|case, anna, _, rule| {
        let signed = leave(anna);
        let signature = anna.signing.sign_bundle(&signed, case.random(["signature"])).to_bytes();
        let entry = cbor::signed(&signed, &signature);
        judge(case, rule, &entry, &With { named: &anna.list, newest: Some(&anna.list) });
    });
    one("a signature of zeros", Some("bad-signature"), &|case, anna, _, rule| {
        let entry = cbor::signed(&leave(anna), &[0; 64]);
        judge(case, rule, &entry, &With { named: &anna.list, newest: Some(&anna.list) });
    });
    one("cut short", Some("malformed"), &|case, anna, _, rule| {
        let entry = good(case, anna, &leave(anna));
        judge(case, rule, &entry[..entry.len() - 1], &With { named: &anna.list, newest: None });
    });
}
