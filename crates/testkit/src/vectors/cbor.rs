//! CBOR put together item by item, to make what our encoders never would.

/// A head of this major type, in the shortest form.
fn head(major: u8, value: u64) -> Vec<u8> {
    let major = major << 5;
    match value {
        0..=23 => vec![major | u8::try_from(value).expect("small")],
        24..=0xff => vec![major | 24, u8::try_from(value).expect("a byte")],
        0x100..=0xffff => {
            [&[major | 25], u16::try_from(value).expect("two bytes").to_be_bytes().as_slice()].concat()
        }
        0x1_0000..=0xffff_ffff => {
            [&[major | 26], u32::try_from(value).expect("four bytes").to_be_bytes().as_slice()].concat()
        }
        _ => [&[major | 27], value.to_be_bytes().as_slice()].concat(),
    }
}

fn length(items: usize) -> u64 {
    u64::try_from(items).expect("a length")
}

/// An unsigned integer.
#[must_use]
pub fn uint(value: u64) -> Vec<u8> {
    head(0, value)
}

/// A byte string.
#[must_use]
pub fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, length(value.len())), value.to_vec()].concat()
}

/// A list of items.
#[must_use]
pub fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, length(items.len())), items.concat()].concat()
}

/// A map as written, in the order given.
#[must_use]
pub fn map(fields: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut encoded = head(5, length(fields.len()));
    for (key, value) in fields {
        encoded.extend_from_slice(&uint(*key));
        encoded.extend_from_slice(value);
    }
    encoded
}

/// The same with one field's value replaced.
#[must_use]
pub fn with(fields: &[(u64, Vec<u8>)], key: u64, value: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
    let replaced =
        |(there, old): &(u64, Vec<u8>)| (*there, if *there == key { value.clone() } else { old.clone() });
    fields.iter().map(replaced).collect()
}

/// `{0: signed (bytes), 1: signature (bytes)}`, which section 3 puts around everything signed.
#[must_use]
pub fn signed(inner: &[u8], signature: &[u8]) -> Vec<u8> {
    map(&[(0, bytes(inner)), (1, bytes(signature))])
}

/// A text.
#[must_use]
pub fn text(value: &str) -> Vec<u8> {
    [head(3, length(value.len())), value.as_bytes().to_vec()].concat()
}
