//! Recovery keys as people write them down.

use sotto_crypto::backup::RecoveryKey;

use super::form::{Cases, Structure, hex};
use super::primitives::hash;

pub(super) const RECOVERY_KEY: Structure = Structure {
    name: "recovery_key",
    sections: "22.2",
    about: "The text form of a key, and texts that are read: `text` gives `key` or is refused.",
    fill,
};

fn fill(cases: &mut Cases) {
    cases.case("a key", |case| {
        let key = RecoveryKey::generate(case.random(["recovery key"]));
        case.given("key", hex(key.to_bytes().as_slice()));
        case.expect("checksum", hex(&hash("recovery-key", &[key.to_bytes().as_slice()])[..4]));
        case.expect("text", key.to_text().as_str());
    });
    for (name, bytes) in [("all zero", [0; 32]), ("all ones", [255; 32])] {
        cases.case(name, |case| {
            let key = RecoveryKey::from_bytes(&bytes);
            case.given("key", hex(bytes));
            case.expect("checksum", hex(&hash("recovery-key", &[&bytes])[..4]));
            case.expect("text", key.to_text().as_str());
        });
    }
    let text =
        RecoveryKey::from_bytes(&core::array::from_fn(|at| u8::try_from(at * 7).expect("a byte"))).to_text();
    let swapped = {
        let mut groups: Vec<&str> = text.split(' ').collect();
        groups.swap(3, 4);
        groups.join(" ")
    };
    for (name, typed) in [
        ("read without spaces", text.replace(' ', "")),
        ("read with hyphens", text.replace(' ', "-")),
        ("read in lines", text.replacen(' ', "\r\n", 9)),
        ("read with tabs and spaces around", format!("\t {}\n", text.as_str())),
    ] {
        cases.case(name, |case| {
            let key = RecoveryKey::from_text(&typed).expect("the key");
            case.given("text", typed.as_str());
            case.expect("key", hex(key.to_bytes().as_slice()));
        });
    }
    for (name, typed, rule) in [
        ("nothing", String::new(), "wrong-length"),
        ("a digit too few", text[..106].to_owned(), "wrong-length"),
        ("a digit too many", format!("{}0", text.as_str()), "wrong-length"),
        ("a letter", text.replacen('0', "O", 1), "not-a-digit"),
        ("a letter, and too short", "x".to_owned(), "not-a-digit"),
        ("digits of another script", text.replacen('0', "\u{660}", 1), "not-a-digit"),
        ("a no-break space", text.replacen(' ', "\u{a0}", 1), "not-a-digit"),
        ("a group above 65535", format!("65536{}", &text[5..]), "mistyped"),
        ("a group above 65535 in the checksum", format!("{}99999", &text[..102]), "mistyped"),
        ("two groups swapped", swapped, "mistyped"),
        ("another checksum", format!("{}00000", &text[..102]), "mistyped"),
    ] {
        cases.case(name, |case| {
            case.given("text", typed.as_str());
            case.refused(rule, RecoveryKey::from_text(&typed));
        });
    }
}
