//! CBOR as a tree, written as the protocol writes it, or bent in one place.

use minicbor::Decoder;
use minicbor::data::Type;

/// The kinds of items structures have.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Uint(u64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Item>),
    Map(Vec<(u64, Item)>),
    Bool(bool),
    Null,
}

impl Item {
    pub fn read(bytes: &[u8]) -> Self {
        let mut decoder = Decoder::new(bytes);
        let item = Self::take(&mut decoder);
        assert_eq!(decoder.position(), bytes.len(), "one item");
        item
    }

    fn take(d: &mut Decoder<'_>) -> Self {
        match d.datatype().unwrap() {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => Self::Uint(d.u64().unwrap()),
            Type::Bytes => Self::Bytes(d.bytes().unwrap().to_vec()),
            Type::String => Self::Text(d.str().unwrap().to_owned()),
            Type::Bool => Self::Bool(d.bool().unwrap()),
            Type::Null => d.null().map(|()| Self::Null).unwrap(),
            Type::Array => {
                let count = d.array().unwrap().unwrap();
                Self::List((0..count).map(|_| Self::take(d)).collect())
            }
            Type::Map => {
                let count = d.map().unwrap().unwrap();
                Self::Map((0..count).map(|_| (d.u64().unwrap(), Self::take(d))).collect())
            }
            other => panic!("no structure has {other}"),
        }
    }

    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Uint(value) => head(0, *value, 0, out),
            Self::Bytes(bytes) => {
                head(2, bytes.len() as u64, 0, out);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                head(3, text.len() as u64, 0, out);
                out.extend_from_slice(text.as_bytes());
            }
            Self::List(items) => {
                head(4, items.len() as u64, 0, out);
                items.iter().for_each(|item| item.put(out));
            }
            Self::Map(entries) => {
                head(5, entries.len() as u64, 0, out);
                for (key, item) in entries {
                    head(0, *key, 0, out);
                    item.put(out);
                }
            }
            Self::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
            Self::Null => out.push(0xf6),
        }
    }

    /// How many items it is made of, itself included.
    pub fn count(&self) -> usize {
        1 + match self {
            Self::List(items) => items.iter().map(Self::count).sum(),
            Self::Map(entries) => entries.iter().map(|(_, item)| item.count()).sum(),
            _ => 0,
        }
    }

    /// The item at a place in the order of writing.
    pub fn at(&self, place: usize) -> &Self {
        if place == 0 {
            return self;
        }
        let children: Vec<&Self> = match self {
            Self::List(items) => items.iter().collect(),
            Self::Map(entries) => entries.iter().map(|(_, item)| item).collect(),
            _ => Vec::new(),
        };
        let mut place = place - 1;
        for child in children {
            if place < child.count() {
                return child.at(place);
            }
            place -= child.count();
        }
        panic!("no such item")
    }

    /// The whole, with other bytes in place of one item.
    pub fn write_with(&self, place: usize, replaced: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.put_with(&mut (Some(place), replaced), &mut out);
        out
    }

    fn put_with(&self, target: &mut (Option<usize>, &[u8]), out: &mut Vec<u8>) {
        if target.0 == Some(0) {
            target.0 = None;
            out.extend_from_slice(target.1);
            return;
        }
        target.0 = target.0.map(|place| place - 1);
        match self {
            Self::List(items) => {
                head(4, items.len() as u64, 0, out);
                items.iter().for_each(|item| item.put_with(target, out));
            }
            Self::Map(entries) => {
                head(5, entries.len() as u64, 0, out);
                for (key, item) in entries {
                    head(0, *key, 0, out);
                    item.put_with(target, out);
                }
            }
            _ => self.put(out),
        }
    }
}

/// A head (RFC 8949 §3), so many sizes longer than the shortest.
pub fn head(major: u8, argument: u64, longer: usize, out: &mut Vec<u8>) {
    let needed = match argument {
        0..24 => 0,
        24..0x100 => 1,
        0x100..0x1_0000 => 2,
        0x1_0000..0x1_0000_0000 => 3,
        _ => 4,
    };
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match needed + longer {
        0 => out.push(major | argument as u8),
        1 => out.extend_from_slice(&[major | 24, bytes[7]]),
        2 => out.extend_from_slice(&[&[major | 25], &bytes[6..]].concat()),
        3 => out.extend_from_slice(&[&[major | 26], &bytes[4..]].concat()),
        _ => out.extend_from_slice(&[&[major | 27], &bytes[..]].concat()),
    }
}

/// The item with a head of that much longer than the shortest; `None` if there is none so long.
pub fn long_head(item: &Item, longer: usize) -> Option<Vec<u8>> {
    let (major, argument) = match item {
        Item::Uint(value) => (0, *value),
        Item::Bytes(bytes) => (2, bytes.len() as u64),
        Item::Text(text) => (3, text.len() as u64),
        Item::List(items) => (4, items.len() as u64),
        Item::Map(entries) => (5, entries.len() as u64),
        Item::Bool(_) | Item::Null => return None,
    };
    let (mut short, mut long) = (Vec::new(), Vec::new());
    head(major, argument, 0, &mut short);
    head(major, argument, longer, &mut long);
    let rest = item.write()[short.len()..].to_vec();
    (long.len() > short.len() && longer + usize::from(short.len() > 1) <= 4).then(|| [long, rest].concat())
}

/// The item with a length that is not said in advance.
pub fn indefinite(item: &Item) -> Option<Vec<u8>> {
    let whole = item.write();
    let inside = |items: Vec<u8>, first: u8| Some([&[first], items.as_slice(), &[0xff]].concat());
    match item {
        Item::Bytes(_) => inside(whole, 0x5f),
        Item::Text(_) => inside(whole, 0x7f),
        Item::List(items) => inside(items.iter().flat_map(Item::write).collect(), 0x9f),
        Item::Map(entries) => {
            let entry = |(key, item): &(u64, Item)| [Item::Uint(*key).write(), item.write()].concat();
            inside(entries.iter().flat_map(entry).collect(), 0xbf)
        }
        _ => None,
    }
}
