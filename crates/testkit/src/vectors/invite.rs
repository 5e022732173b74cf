//! Invites: the link, what its secret gives, both boxes, and what of each is refused.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use serde_json::json;
use sotto_crypto::DeliveryToken;
use sotto_crypto::invite::InviteSecret;
use sotto_wire::peer::{InviteContents, InviteLink, LinkError};

use super::NOW;
use super::form::{Case, Cases, Structure, hex};
use super::people::Person;
use super::primitives::{hash, hkdf};

pub(super) const INVITE: Structure = Structure {
    name: "invite",
    sections: "4",
    about: "B's invite with the link secret `s`, the `name` on its card and `token`, a delivery token. Cases that begin \
            with `link` read a link on a page of `origin`; with `card`, `box` or `contents`, what is behind the link.",
    fill,
};

const ORIGIN: &str = "https://sotto.example";

/// Everything of an invite.
struct Made {
    b: Person,
    s: InviteSecret,
    contents: Vec<u8>,
    card: Vec<u8>,
    sealed: Vec<u8>,
    link: String,
}

fn make(case: &mut Case, name: &str) -> Made {
    let b = Person::new(case, "B");
    let s = InviteSecret::generate(case.random(["s"]));
    let token = DeliveryToken::generate(case.random(["token"]));
    let list = b.list(case);
    let bundle = super::bundle::bundle(case, &b);
    case.given("s", hex(s.to_bytes().as_slice()));
    case.given("token", hex(token.to_bytes().as_slice()));
    case.given("name", name);
    case.given("origin", ORIGIN);
    case.given("now", NOW.as_millis());
    case.given("device_list", hex(list.as_bytes()));
    case.given("bundle", hex(&bundle));
    let contents =
        InviteContents::encode(&list, &bundle, b.one_time_prekey.public(), b.mailbox, token).to_vec();
    let card = s.seal_name(name.as_bytes(), case.random(["nonce of the card"])).expect("fits");
    let sealed = s.seal_bundle(&contents, case.random(["nonce of the box"])).expect("fits");
    let account = b.account.public().hash();
    let link = InviteLink { secret: InviteSecret::from_bytes(&s.to_bytes()), account }.format(ORIGIN);
    Made { b, s, contents, card, sealed, link }
}

fn fill(cases: &mut Cases) {
    for (name, called) in
        [("of Ben", "Ben"), ("of somebody whose name is not ASCII", "Änna 🙂"), ("without a name", "")]
    {
        cases.case(name, |case| {
            let made = make(case, called);
            let secret = made.s.to_bytes();
            let derive = |purpose: &str| hex(hkdf::<32>(&[], secret.as_slice(), purpose, &[]));
            case.expect("invite_id", hex(hkdf::<16>(&[], secret.as_slice(), "invite-id", &[])));
            for purpose in ["invite-name", "invite-enc", "invite-psk", "invite-tag"] {
                case.expect(&purpose.replace('-', "_"), derive(purpose));
            }
            assert_eq!(made.s.id().as_bytes(), &hkdf::<16>(&[], secret.as_slice(), "invite-id", &[]));
            case.expect("account_hash", hex(hash("invite-account", &[made.b.account.public().as_bytes()])));
            case.expect("link", made.link.as_str());
            case.expect("card", hex(&made.card));
            case.expect("contents", hex(&made.contents));
            case.expect("box", hex(&made.sealed));
        });
    }
    links(cases);
    cards(cases);
    boxes(cases);
}

fn links(cases: &mut Cases) {
    let mut link = |name: &str, rule: Option<&'static str>, alter: &dyn Fn(&str) -> String| {
        cases.case(&format!("link: {name}"), |case| {
            let account = Person::draw(case, "B").account.public().hash();
            let s = InviteSecret::generate(case.random(["s"]));
            let (secret, hash) = (hex(s.to_bytes().as_slice()), hex(account.as_bytes()));
            let text = alter(&InviteLink { secret: s, account }.format(ORIGIN));
            case.given("origin", ORIGIN);
            case.given("link", text.as_str());
            let read: Result<InviteLink, LinkError> = InviteLink::parse(&text, ORIGIN);
            match rule {
                Some(rule) => case.refused(rule, read),
                None => {
                    let read = read.expect("a link");
                    assert_eq!(hex(read.secret.to_bytes().as_slice()), secret);
                    case.expect("s", secret);
                    case.expect("account_hash", hash);
                }
            }
        });
    };
    let fragment = |text: &str| text.split_once('#').expect("a fragment").1.to_owned();
    link("whole", None, &str::to_owned);
    link("the fragment alone", None, &fragment);
    link("the fragment with its sign", None, &|text| format!("#{}", fragment(text)));
    link("space around it", None, &|text| format!(" {text}\n"));
    link("host in capitals", None, &|text| text.replace("https://sotto", "HTTPS://SOTTO"));
    link("a slash behind the path", None, &|text| text.replace("/i#", "/i/#"));
    link("a query", Some("malformed"), &|text| text.replace("/i#", "/i?x#"));
    link("a name before the host", Some("other-server"), &|text| text.replace("://", "://a@"));
    link("the usual port written out", Some("other-server"), &|text| {
        text.replace("example/", "example:443/")
    });
    link("version without a number", Some("malformed"), &|text| text.replace("#v1.", "#v."));
    link("version in capitals", Some("malformed"), &|text| text.replace("#v1.", "#V1."));
    link("empty", Some("malformed"), &|_| String::new());
    link("a character too few", Some("malformed"), &|text| text[..text.len() - 1].to_owned());
    link("a character too many", Some("malformed"), &|text| format!("{text}A"));
    link("padding", Some("malformed"), &|text| format!("{text}=="));
    link("last bits that are not zero", Some("malformed"), &|text| {
        // 86 characters carry 516 bits, 4 more than 64 bytes have.
        let last = text.chars().last().expect("a character");
        let next = char::from_u32(u32::from(last) + 1).expect("a character");
        format!("{}{next}", &text[..text.len() - 1])
    });
    link("a character of another alphabet", Some("malformed"), &|text| {
        let (before, secret) = text.split_once("#v1.").expect("a fragment");
        format!("{before}#v1.+{}", &secret[1..])
    });
    link("longer than 2,048 bytes", Some("malformed"), &|text| format!("{text}{}", "A".repeat(2_048)));
    link("version 0", Some("malformed"), &|text| text.replace("#v1.", "#v0."));
    link("version 2", Some("newer-version"), &|text| text.replace("#v1.", "#v2."));
    link("another path", Some("malformed"), &|text| text.replace("/i#", "/x#"));
    link("another host", Some("other-server"), &|text| text.replace("sotto.example", "evil.example"));
    link("another port", Some("other-server"), &|text| text.replace("sotto.example", "sotto.example:8443"));
    link("another scheme", Some("other-server"), &|text| text.replace("https:", "http:"));
}

/// Seals a box's inside of any form.
fn seal(case: &mut Case, s: &InviteSecret, purpose: &str, inside: &[u8]) -> Vec<u8> {
    let mut nonce = [0; 12];
    rand_core::Rng::fill_bytes(case.random(["nonce"]), &mut nonce);
    let key: [u8; 32] = hkdf(&[], s.to_bytes().as_slice(), purpose, &[]);
    let id: [u8; 16] = hkdf(&[], s.to_bytes().as_slice(), "invite-id", &[]);
    let cipher = Aes256Gcm::new_from_slice(&key).expect("32 bytes");
    let sealed = cipher.encrypt(&nonce.into(), Payload { msg: inside, aad: &id }).expect("sealed");
    [nonce.as_slice(), &sealed].concat()
}

fn inside(content: &[u8], size: usize) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("fits").to_be_bytes();
    let mut inside = [length.as_slice(), content].concat();
    inside.resize(size - 28, 0);
    inside
}

fn cards(cases: &mut Cases) {
    let mut card = |name: &str, rule: &'static str, make: &dyn Fn(&mut Case, &InviteSecret) -> Vec<u8>| {
        cases.case(&format!("card: {name}"), |case| {
            let s = InviteSecret::generate(case.random(["s"]));
            case.given("s", hex(s.to_bytes().as_slice()));
            let card = make(case, &s);
            case.given("card", hex(&card));
            case.refused(rule, s.open_name(&card));
        });
    };
    let good = |case: &mut Case, s: &InviteSecret| s.seal_name(b"Ben", case.random(["nonce"])).expect("fits");
    card("a byte too short", "malformed", &|case, s| good(case, s)[..255].to_vec());
    card("a byte too long", "malformed", &|case, s| [good(case, s), vec![0]].concat());
    for (name, place) in [("a bit of the nonce", 0), ("a bit of the text", 12), ("a bit of the tag", 255)] {
        card(name, "bad-tag", &|case, s| {
            let mut card = good(case, s);
            card[place] ^= 1;
            card
        });
    }
    card("of another link", "bad-tag", &|case, _| {
        let other = InviteSecret::generate(case.random(["another s"]));
        good(case, &other)
    });
    card("sealed under the key of the box", "bad-tag", &|case, s| {
        seal(case, s, "invite-enc", &inside(b"Ben", 256))
    });
    card("padding that is not zero", "malformed", &|case, s| {
        let mut inside = inside(b"Ben", 256);
        inside[227] = 1;
        seal(case, s, "invite-name", &inside)
    });
    card("a length beyond the box", "malformed", &|case, s| {
        let mut inside = inside(b"Ben", 256);
        inside[..2].copy_from_slice(&227_u16.to_be_bytes());
        seal(case, s, "invite-name", &inside)
    });
}

fn boxes(cases: &mut Cases) {
    cases.case("contents: of another account than the link's", |case| {
        let made = make(case, "Ben");
        let other = Person::draw(case, "other").account.public().hash();
        case.given("account_hash", hex(other.as_bytes()));
        case.given("contents", hex(&made.contents));
        case.refused("wrong-account", InviteContents::decode(&made.contents, &other, NOW));
    });
    for (name, rule, place) in [
        ("contents: a bit of the device list", "bad-signature", 50),
        ("contents: the last byte of the bundle", "bad-signature", 0),
    ] {
        cases.case(name, |case| {
            let made = make(case, "Ben");
            let mut contents = made.contents.clone();
            // Behind the bundle: 02 82 18 64 58 21 and 33 bytes, 03 50 and 16, 04 58 20 and 32.
            let place = if place == 0 { contents.len() - 39 - 18 - 35 - 1 } else { place + 60 };
            contents[place] ^= 1;
            let account = made.b.account.public().hash();
            case.given("account_hash", hex(account.as_bytes()));
            case.given("contents", hex(&contents));
            case.refused(rule, InviteContents::decode(&contents, &account, NOW));
        });
    }
    cases.case("box: a bit of it", |case| {
        let made = make(case, "Ben");
        let mut sealed = made.sealed;
        sealed[2_000] ^= 1;
        case.given("box", json!(hex(&sealed)));
        case.refused("bad-tag", made.s.open_bundle(&sealed));
    });
}
