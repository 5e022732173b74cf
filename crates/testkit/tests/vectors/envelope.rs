//! Envelopes as their receiver reads them.

use sotto_crypto::EnvelopeId;
use sotto_crypto::envelope::{self, Address, EnvelopeError, SealedEnvelope, Sender, TagKey};

use crate::given::{Draws, Given, each};
use crate::people::{Person, invite};

fn opened(case: &Given, blob: &[u8]) -> Result<(Sender, Vec<u8>), EnvelopeError> {
    let (a, b) = (Person::of(case, "A"), Person::of(case, "B"));
    let key = invite(case).map_or_else(|| TagKey::between(&b.identity, a.device.identity()), |s| s.tag_key());
    SealedEnvelope::parse(blob)?.open(b.mailbox, &b.delivery)?.verify(&key)
}

#[test]
fn the_receiver_opens_them_or_refuses() {
    each("envelope", "", |case| {
        let path = if case.has("/refused") { "/given/blob" } else { "/expect/blob" };
        if case.at(path).is_object() {
            return;
        }
        let blob = case.bytes(path);
        if let Some((sender, carried)) = case.judge(opened(case, &blob)) {
            assert_eq!(carried, case.filled("/given/carried"));
            assert_eq!(*sender.account.as_bytes(), case.array("/given/A/account_id"));
            assert_eq!(*sender.device.as_bytes(), case.array("/given/A/device_id"));
            assert_eq!(*EnvelopeId::of(&blob).as_bytes(), case.array("/expect/envelope_id"));
        }
    });
}

#[test]
fn the_sender_seals_the_same_bytes() {
    each("envelope", "", |case| {
        if case.has("/refused") {
            return;
        }
        let (a, b) = (Person::of(case, "A"), Person::of(case, "B"));
        let key =
            invite(case).map_or_else(|| TagKey::between(&a.identity, &b.identity.public()), |s| s.tag_key());
        assert_eq!(*key.to_bytes(), case.array("/expect/tag_key"));
        let to = Address { mailbox: b.mailbox, delivery_key: b.delivery.public() };
        let sender = Sender { account: a.device.account().id(), device: a.device.device_id() };
        let mut draws = Draws::of(case, "/random", "HPKE");
        let blob = envelope::seal(&to, sender, &key, &case.filled("/given/carried"), &mut draws).unwrap();
        assert_eq!(blob.len(), case.number("/expect/size") as usize);
        assert_eq!(*EnvelopeId::of(&blob).as_bytes(), case.array("/expect/envelope_id"));
        let opened = opened(case, &blob).unwrap();
        assert_eq!(opened.1, case.filled("/given/carried"));
    });
}
