//! Records at rest: one byte of schema version and a CBOR value.

use minicbor::{Decode, Encode};
use sotto_wire::peer::codec;
use zeroize::Zeroizing;

use crate::{Change, Record, RestoreError, Store};

/// Version of all schemas of this crate: raised with every kind of record, and every variant of a value in one, that an
/// earlier version does not know. Version 1 kept accepted sessions elsewhere and was not bounded when written; 2 knew no
/// drafts and nothing of damage.
const SCHEMA: u8 = 3;

/// Longest record worth reading, in bytes: the longest that version 1 could make of itself, with room to spare.
const READ_MAX: usize = 4 * 1024 * 1024;

pub(crate) fn put<T: Encode<()>>(store: Store, key: Vec<u8>, value: &T) -> Change {
    let encoded = Zeroizing::new(codec::encode(value));
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len().saturating_add(1)));
    bytes.push(SCHEMA);
    bytes.extend_from_slice(&encoded);
    Change::Put(Record { store, key, value: bytes })
}

/// Puts the value, or deletes the record if there is none.
pub(crate) fn put_or_delete<T: Encode<()>>(store: Store, key: Vec<u8>, value: Option<&T>) -> Change {
    match value {
        Some(value) => put(store, key, value),
        None => Change::Delete { store, key },
    }
}

pub(crate) fn read<'b, T: Decode<'b, ()>>(record: &'b Record) -> Result<T, RestoreError> {
    let name = record.store.name();
    match record.value.split_first() {
        Some((1..=SCHEMA, rest)) => codec::decode(rest, READ_MAX).map_err(|_| RestoreError::Damaged(name)),
        Some((&version, _)) if version > SCHEMA => Err(RestoreError::Newer(name)),
        _ => Err(RestoreError::Damaged(name)),
    }
}

/// Joins the parts of a key.
pub(crate) fn key(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::SCHEMA;
    use crate::turn::Key;
    use crate::{
        Content, DamagedPart, Delivery, FileFailure, FileState, Milestone, Standing, invite, outbox,
    };

    /// How many variants there are; does not compile unless all are named.
    macro_rules! count {
        ($type:ty: $($variant:pat),+) => {{
            let _all = |value: &$type| match value { $($variant => {})+ };
            [$(stringify!($variant)),+].len()
        }};
    }

    /// A kind or variant that an earlier version would stumble over is none of its schema. Who adds one raises
    /// [`SCHEMA`] in the same commit, unless the number here was raised since the last release.
    #[test]
    fn kinds_of_records_and_variants_in_them_are_those_of_this_schema() {
        let kinds = count!(Key: Key::Identity, Key::PreKeys, Key::OneTime(_), Key::Accepted(_), Key::Cursor,
            Key::Settings, Key::Contact(_), Key::Session(..), Key::Invite(_), Key::Acceptance(_), Key::Outbox(..),
            Key::Farewell(_), Key::Seen(..), Key::Transfer(_), Key::Damage);
        let standings = count!(Standing: Standing::AwaitingTheirs, Standing::AwaitingOurs, Standing::Confirmed,
            Standing::Ended);
        let contents = count!(Content: Content::Text(_), Content::File(_), Content::Gap { .. },
            Content::Milestone(_), Content::Unreadable);
        let milestones = count!(Milestone: Milestone::CameByOurLink, Milestone::CameByTheirLink,
            Milestone::Confirmed, Milestone::Ended, Milestone::DevicesChanged, Milestone::Newer);
        let deliveries = count!(Delivery: Delivery::Incoming, Delivery::Waiting, Delivery::Sent,
            Delivery::Delivered, Delivery::Undeliverable);
        let files = count!(FileState: FileState::Offered, FileState::Accepted, FileState::Transferring,
            FileState::Verified, FileState::Declined, FileState::Cancelled { .. }, FileState::Failed(_),
            FileState::Deleted);
        let failures = count!(FileFailure: FileFailure::Interrupted, FileFailure::Unreadable,
            FileFailure::NoSpace, FileFailure::Corrupt, FileFailure::DeviceFailed);
        let invites = count!(invite::Stage: invite::Stage::Open { .. }, invite::Stage::Used { .. },
            invite::Stage::Revoked {});
        let stages = count!(outbox::Stage: outbox::Stage::Waiting, outbox::Stage::Channel { .. },
            outbox::Stage::Stored { .. });
        let parts = count!(DamagedPart: DamagedPart::Contact, DamagedPart::Session, DamagedPart::Waiting,
            DamagedPart::Draft, DamagedPart::Link, DamagedPart::File, DamagedPart::Keys, DamagedPart::Notes);
        let values = [standings, contents, milestones, deliveries, files, failures, invites, stages, parts];
        // With the draft beside a contact there is one kind more.
        assert_eq!((SCHEMA, kinds + 1, values), (3, 16, [4, 5, 6, 5, 8, 5, 3, 3, 8]));
    }
}
