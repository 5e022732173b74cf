//! Records at rest: one byte of schema version and a CBOR value.

use minicbor::{Decode, Encode};
use sotto_wire::peer::codec;
use zeroize::Zeroizing;

use crate::{Change, Record, RestoreError, Store};

/// Version of all schemas of this crate. Version 1 kept accepted sessions elsewhere and was not bounded when written.
const SCHEMA: u8 = 2;

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
