//! The vault: a record opens at its place, and nowhere else.

use crate::common::rng;
use sotto_crypto::vault::{RECORD_OVERHEAD, RecordPlace, VaultError, VaultKey};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PLACE: RecordPlace<'_> = RecordPlace { key: b"key", schema: 1, revision: 5 };

#[test]
fn a_record_opens_at_its_place_only() {
    let rng = &mut rng(1);
    let key = VaultKey::generate(rng);
    let store = key.store("messages");
    let sealed = store.seal(&PLACE, b"content", rng);
    assert_eq!(sealed.len(), 7 + RECORD_OVERHEAD);
    assert_eq!(*store.open(&PLACE, &sealed).unwrap(), b"content");
    let again = VaultKey::from_bytes(&key.to_bytes()).store("messages");
    assert_eq!(*again.open(&PLACE, &sealed).unwrap(), b"content");

    for place in [
        RecordPlace { key: b"kez", ..PLACE },
        RecordPlace { key: b"key\0", ..PLACE },
        RecordPlace { schema: 2, ..PLACE },
        RecordPlace { revision: 4, ..PLACE },
    ] {
        assert_eq!(store.open(&place, &sealed).unwrap_err(), VaultError::BadTag, "{place:?}");
    }
    assert_eq!(key.store("contacts").open(&PLACE, &sealed).unwrap_err(), VaultError::BadTag);
    assert_eq!(
        VaultKey::generate(rng).store("messages").open(&PLACE, &sealed).unwrap_err(),
        VaultError::BadTag
    );
    assert_ne!(store.seal(&PLACE, b"content", rng), sealed, "random nonces");
}

#[test]
fn altered_records_are_refused() {
    let rng = &mut rng(2);
    let store = VaultKey::generate(rng).store("messages");
    let sealed = store.seal(&PLACE, b"", rng);
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let error = if bit < 8 { VaultError::Malformed } else { VaultError::BadTag };
        assert_eq!(store.open(&PLACE, &altered).unwrap_err(), error, "bit {bit}");
    }
    for length in 0..RECORD_OVERHEAD {
        assert_eq!(store.open(&PLACE, &sealed[..length]).unwrap_err(), VaultError::Malformed);
    }
}

#[test]
fn names_hide_keys_and_differ_between_stores() {
    let key = VaultKey::from_bytes(&[1; 32]);
    let (messages, contacts) = (key.store("messages"), key.store("contacts"));
    assert_eq!(messages.name(b"alice"), messages.name(b"alice"));
    assert_ne!(messages.name(b"alice"), messages.name(b"bob"));
    assert_ne!(messages.name(b"alice"), contacts.name(b"alice"));
}
