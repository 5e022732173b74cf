//! Deterministically encoded CBOR (RFC 8949 §4.2.1), of the kinds of items this protocol uses.
//!
//! Checked once over the whole input beside decoding it, so that one value has one encoding and a key cannot stand
//! twice, also where nothing is signed and under keys that are ignored.

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

/// Deepest nesting of lists and maps.
const MAX_DEPTH: u8 = 8;

/// Why an input was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Not well-formed CBOR, cut short, or with bytes after its end.
    Malformed,
    /// Well-formed, but not deterministic, too deep, or with kinds of items that no structure has.
    NotDeterministic,
}

impl From<Error> for Flaw {
    fn from(_: Error) -> Self {
        Self::Malformed
    }
}

/// Accepts exactly one item: unsigned integers, byte strings, texts, lists, maps under rising unsigned keys, booleans
/// and null, all with shortest heads and definite lengths.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Flaw> {
    let mut decoder = Decoder::new(bytes);
    item(&mut decoder, MAX_DEPTH)?;
    if decoder.position() == bytes.len() { Ok(()) } else { Err(Flaw::Malformed) }
}

fn item(d: &mut Decoder<'_>, depth: u8) -> Result<(), Flaw> {
    let start = d.position();
    match d.datatype()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => unsigned(d).map(drop),
        Type::Bytes => {
            let length = d.bytes()?.len();
            shortest(length.try_into().map_err(|_| Flaw::Malformed)?, d.position() - start - length)
        }
        Type::String => {
            let length = d.str()?.len();
            shortest(length.try_into().map_err(|_| Flaw::Malformed)?, d.position() - start - length)
        }
        Type::Array => {
            let count = d.array()?.ok_or(Flaw::NotDeterministic)?;
            shortest(count, d.position() - start)?;
            let depth = depth.checked_sub(1).ok_or(Flaw::NotDeterministic)?;
            (0..count).try_for_each(|_| item(d, depth))
        }
        Type::Map => {
            let count = d.map()?.ok_or(Flaw::NotDeterministic)?;
            shortest(count, d.position() - start)?;
            let depth = depth.checked_sub(1).ok_or(Flaw::NotDeterministic)?;
            let mut last = None;
            (0..count).try_for_each(|_| {
                let key = key(d)?;
                if last.is_some_and(|last| key <= last) {
                    return Err(Flaw::NotDeterministic);
                }
                last = Some(key);
                item(d, depth)
            })
        }
        Type::Bool => Ok(d.bool().map(drop)?),
        Type::Null => Ok(d.null()?),
        _ => Err(Flaw::NotDeterministic),
    }
}

fn key(d: &mut Decoder<'_>) -> Result<u64, Flaw> {
    match d.datatype()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => unsigned(d),
        _ => Err(Flaw::NotDeterministic),
    }
}

fn unsigned(d: &mut Decoder<'_>) -> Result<u64, Flaw> {
    let start = d.position();
    let value = d.u64()?;
    shortest(value, d.position() - start)?;
    Ok(value)
}

/// Whether a head of `length` bytes is the shortest that holds `argument` (RFC 8949 §3).
fn shortest(argument: u64, length: usize) -> Result<(), Flaw> {
    let needed = match argument {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    };
    if length == needed { Ok(()) } else { Err(Flaw::NotDeterministic) }
}

#[cfg(test)]
mod tests {
    use super::{Flaw, MAX_DEPTH, check};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_the_protocol_writes_is_accepted() {
        let accepted: [&[u8]; 11] = [
            &[0x17],
            &[0x18, 24],
            &[0x19, 1, 0],
            &[0x1a, 0, 1, 0, 0],
            &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0],
            &[0x41, 0xff],
            &[0x61, b'a'],
            &[0x82, 1, 2],
            &[0xa2, 0, 0xf4, 24 - 1, 0xf5],
            &[0xa2, 23, 0, 0x18, 24, 0xf6],
            &[0xa0],
        ];
        for bytes in accepted {
            assert_eq!(check(bytes), Ok(()), "{bytes:02x?}");
        }
    }

    #[test]
    fn other_encodings_of_the_same_values_are_refused() {
        let refused: [(&str, &[u8]); 19] = [
            ("long integer", &[0x18, 23]),
            ("long integer", &[0x19, 0, 0xff]),
            ("long integer", &[0x1a, 0, 0, 0xff, 0xff]),
            ("long integer", &[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
            ("long length of bytes", &[0x58, 1, 0]),
            ("long length of text", &[0x78, 1, b'a']),
            ("long length of a list", &[0x98, 1, 0]),
            ("long length of a map", &[0xb8, 1, 0, 0]),
            ("long key", &[0xa1, 0x18, 0, 0]),
            ("indefinite bytes", &[0x5f, 0x41, 0, 0xff]),
            ("indefinite text", &[0x7f, 0x61, b'a', 0xff]),
            ("indefinite list", &[0x9f, 0, 0xff]),
            ("indefinite map", &[0xbf, 0, 0, 0xff]),
            ("key twice", &[0xa2, 1, 0, 1, 0]),
            ("falling keys", &[0xa2, 2, 0, 1, 0]),
            ("negative key", &[0xa1, 0x20, 0]),
            ("text as key", &[0xa1, 0x61, b'a', 0]),
            ("tag", &[0xc0, 0]),
            ("float", &[0xf9, 0, 0]),
        ];
        for (flaw, bytes) in refused {
            assert_eq!(check(bytes), Err(Flaw::NotDeterministic), "{flaw}");
        }
    }

    #[test]
    fn a_flaw_is_found_at_every_depth_that_is_allowed() {
        let nested = |depth: u8, inside: &[u8]| [vec![0x81; depth.into()], inside.to_vec()].concat();
        assert_eq!(check(&nested(MAX_DEPTH, &[0])), Ok(()));
        assert_eq!(check(&nested(MAX_DEPTH, &[0x18, 0])), Err(Flaw::NotDeterministic));
        assert_eq!(check(&nested(MAX_DEPTH + 1, &[0])), Err(Flaw::NotDeterministic));
        assert_eq!(check(&nested(255, &[0])), Err(Flaw::NotDeterministic));
    }

    #[test]
    fn what_is_not_one_whole_item_is_malformed() {
        let malformed: [&[u8]; 8] = [
            &[],
            &[0, 0],
            &[0x18],
            &[0x42, 0],
            &[0x61, 0xff],
            &[0x82, 0],
            &[0xa1, 0],
            // A list of 2⁶⁴−1 items.
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ];
        for bytes in malformed {
            assert_eq!(check(bytes), Err(Flaw::Malformed), "{bytes:02x?}");
        }
    }
}
