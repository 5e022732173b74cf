//! Device lists, bundles and invites as their readers see them.

use sotto_crypto::keys::AccountHash;
use sotto_crypto::{DeliveryToken, Timestamp};
use sotto_wire::peer::{Bundle, DeviceList, InviteContents, InviteLink};

use crate::given::{Draws, each};
use crate::people::{Person, invite};

const ORIGIN: &str = "https://sotto.example";

#[test]
fn device_lists() {
    each("device_list", "", |case| {
        let path = if case.has("/refused") { "/given/device_list" } else { "/expect/device_list" };
        let encoded = case.bytes(path);
        let Some(list) = case.judge(DeviceList::decode(&encoded)) else { return };
        assert_eq!(*list.hash(), case.array("/expect/hash"));
        assert_eq!(list.as_bytes(), encoded);
        if !case.has("/given/devices") {
            return;
        }
        assert_eq!(list.version(), case.number("/given/version"));
        assert_eq!(*list.previous(), case.array("/given/previous"));
        assert_eq!(*list.account().as_bytes(), case.array("/given/A/AIK/public"));
        assert_eq!(list.devices().len(), case.at("/given/devices").as_array().unwrap().len());
        for (place, device) in list.devices().iter().enumerate() {
            let at = |field: &str| format!("/given/devices/{place}/{field}");
            assert_eq!(*device.device_id().as_bytes(), case.array(&at("id")));
            assert_eq!(*device.signing().as_bytes(), case.array(&at("DSK")));
            assert_eq!(*device.identity().as_bytes(), case.array(&at("DIK")));
        }
        if case.has("/given/before") {
            let before = DeviceList::decode(&case.bytes("/given/before")).unwrap();
            assert_eq!(list.previous(), before.hash());
        }
    });
}

/// How lists, shown or named, stand to the held one.
#[test]
fn successions() {
    each("device_list_succession", "", |case| {
        let held = DeviceList::decode(&case.bytes("/given/held")).unwrap();
        let standing = if case.has("/given/named") {
            held.names(case.number("/given/named/version"), &case.array("/given/named/hash"))
        } else {
            let list = DeviceList::decode(&case.bytes("/given/list")).unwrap();
            let Some(standing) = case.judge(list.after(&held)) else { return };
            standing
        };
        assert_eq!(format!("{standing:?}").to_lowercase(), case.text("/expect/standing"));
    });
}

#[test]
fn bundles() {
    each("bundle", "", |case| {
        let list = DeviceList::decode(&case.bytes("/given/device_list")).unwrap();
        let now = Timestamp::from_millis(case.at("/given/now").as_u64().unwrap());
        let path = if case.has("/refused") { "/given/bundle" } else { "/expect/bundle" };
        let Some(bundle) = case.judge(Bundle::decode(&case.bytes(path), &list, now)) else { return };
        let a = Person::of(case, "A");
        assert_eq!(*bundle.device(), a.device);
        assert_eq!(*bundle.signed_prekey(), a.signed_prekey.public());
        assert_eq!(*bundle.delivery(), a.delivery.public());
        assert_eq!(bundle.created().as_millis(), case.at("/given/created").as_u64().unwrap());
        assert_eq!(bundle.created().as_millis(), case.at("/expect/created").as_u64().unwrap());
    });
}

/// The invitee's way: link, card, box, contents.
#[test]
fn invites() {
    each("invite", "of", |case| {
        let b = Person::of(case, "B");
        let link = InviteLink::parse(case.text("/expect/link"), ORIGIN).unwrap();
        assert_eq!(*link.secret.to_bytes(), case.array("/given/s"));
        assert_eq!(*link.account.as_bytes(), case.array("/expect/account_hash"));
        assert_eq!(*link.secret.id().as_bytes(), case.array("/expect/invite_id"));
        assert_eq!(*link.secret.tag_key().to_bytes(), case.array("/expect/invite_tag"));
        let name = link.secret.open_name(&case.bytes("/expect/card")).unwrap();
        assert_eq!(name.as_slice(), case.text("/given/name").as_bytes());
        let contents = link.secret.open_bundle(&case.bytes("/expect/box")).unwrap();
        assert_eq!(contents.as_slice(), case.bytes("/expect/contents"));
        let now = Timestamp::from_millis(case.at("/given/now").as_u64().unwrap());
        let read = InviteContents::decode(&contents, &link.account, now).unwrap();
        assert_eq!(read.device_list.as_bytes(), case.bytes("/given/device_list"));
        assert_eq!(*read.bundle.device(), b.device);
        assert_eq!(read.one_time, b.one_time_prekey.public());
        assert_eq!(read.mailbox, b.mailbox);
        assert_eq!(*read.token.to_bytes(), case.array("/given/token"));
    });
}

/// The inviter's way, drawing what was drawn.
#[test]
fn invites_are_sealed_to_the_same_bytes() {
    each("invite", "of", |case| {
        let b = Person::of(case, "B");
        let s = invite(case).unwrap();
        let list = DeviceList::decode(&case.bytes("/given/device_list")).unwrap();
        let token = DeliveryToken::from_bytes(&case.array("/given/token"));
        let bundle = case.bytes("/given/bundle");
        let contents = InviteContents::encode(&list, &bundle, b.one_time_prekey.public(), b.mailbox, token);
        assert_eq!(contents.as_slice(), case.bytes("/expect/contents"));
        let mut draws = Draws::of(case, "/random", "nonce of the card");
        assert_eq!(
            s.seal_name(case.text("/given/name").as_bytes(), &mut draws).unwrap(),
            case.bytes("/expect/card")
        );
        let mut draws = Draws::of(case, "/random", "nonce of the box");
        assert_eq!(s.seal_bundle(&contents, &mut draws).unwrap(), case.bytes("/expect/box"));
        let link = InviteLink { secret: s, account: b.device.account().hash() };
        assert_eq!(link.format(case.text("/given/origin")), case.text("/expect/link"));
    });
}

#[test]
fn links() {
    each("invite", "link:", |case| {
        let read = InviteLink::parse(case.text("/given/link"), case.text("/given/origin"));
        if let Some(link) = case.judge(read) {
            assert_eq!(*link.secret.to_bytes(), case.array("/expect/s"));
            assert_eq!(*link.account.as_bytes(), case.array("/expect/account_hash"));
        }
    });
}

#[test]
fn boxes_that_are_refused() {
    each("invite", "card:", |case| {
        assert!(case.judge(invite(case).unwrap().open_name(&case.bytes("/given/card"))).is_none());
    });
    each("invite", "box:", |case| {
        assert!(case.judge(invite(case).unwrap().open_bundle(&case.bytes("/given/box"))).is_none());
    });
    each("invite", "contents:", |case| {
        let account = AccountHash::from_bytes(case.array("/given/account_hash"));
        let now = Timestamp::from_millis(case.at("/given/now").as_u64().unwrap());
        let contents = case.bytes("/given/contents");
        assert!(case.judge(InviteContents::decode(&contents, &account, now)).is_none());
    });
}
