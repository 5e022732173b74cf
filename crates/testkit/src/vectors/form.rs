//! The form of the files: one per structure, cases in it, each with its randomness, what is given, and what must come
//! of it. `docs/vectors/README.md` explains it to those who use them.

use core::fmt::Debug;

use serde_json::{Map, Value, json};

use super::random::Recorder;

/// One file of vectors.
#[derive(Clone, Copy, Debug)]
pub struct Structure {
    /// Name of the file, without its ending.
    pub name: &'static str,
    /// Sections of `docs/protocol.md`.
    pub sections: &'static str,
    /// What the cases show and how to use them, in sentences.
    pub about: &'static str,
    /// Makes the cases.
    pub fill: fn(&mut Cases),
}

impl Structure {
    /// The content of the file.
    ///
    /// # Panics
    /// When a case does not come out as it says it does.
    #[must_use]
    pub fn render(&self) -> String {
        let mut cases = Cases { structure: self.name, done: Vec::new() };
        (self.fill)(&mut cases);
        let file = json!({
            "protocol": super::PROTOCOL,
            "structure": self.name,
            "sections": self.sections,
            "about": self.about,
            "cases": cases.done,
        });
        let mut text = String::new();
        write(&file, 0, &mut text);
        text.push('\n');
        text
    }
}

/// The cases of a structure.
#[derive(Debug)]
pub struct Cases {
    structure: &'static str,
    done: Vec<Value>,
}

impl Cases {
    /// Adds a case; its name must be new in this file.
    pub fn case(&mut self, name: &str, fill: impl FnOnce(&mut Case)) {
        assert!(self.done.iter().all(|case| case["name"] != name), "two cases are called {name}");
        let mut case = Case {
            random: Recorder::new(self.structure, name),
            given: Map::new(),
            expect: Map::new(),
            refused: None,
        };
        fill(&mut case);
        let mut told = Map::new();
        told.insert("name".to_owned(), name.into());
        told.insert("random".to_owned(), case.random.take());
        told.insert("given".to_owned(), case.given.into());
        match case.refused {
            Some(rule) => told.insert("refused".to_owned(), rule.into()),
            None => told.insert("expect".to_owned(), case.expect.into()),
        };
        self.done.push(told.into());
    }
}

/// One case while it is made.
#[derive(Debug)]
pub struct Case {
    random: Recorder,
    given: Map<String, Value>,
    expect: Map<String, Value>,
    refused: Option<&'static str>,
}

impl Case {
    /// Randomness for exactly these draws, in this order. Fewer or more stop the generator: every draw has a name.
    pub fn random<'a>(&mut self, purposes: impl IntoIterator<Item = &'a str>) -> &mut Recorder {
        self.random.announce(purposes);
        &mut self.random
    }

    /// The private scalar that was drawn last for this.
    #[must_use]
    pub fn scalar(&self, purpose: &str) -> [u8; 32] {
        self.random.scalar(purpose)
    }

    /// Everything drawn since the last time, for a step that tells its own randomness.
    pub fn drawn(&mut self) -> Value {
        self.random.take()
    }

    /// Puts back what [`Case::drawn`] took, to be told by the case after all.
    pub fn restore(&mut self, drawn: Value) {
        self.random.restore(drawn);
    }

    /// A text that was given, by its path.
    #[must_use]
    pub fn given_text(&self, path: &str) -> &str {
        let (key, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        self.given[key].pointer(&format!("/{rest}")).and_then(Value::as_str).expect("given")
    }

    /// Something the case begins with.
    pub fn given(&mut self, key: &str, value: impl Into<Value>) {
        let before = self.given.insert(key.to_owned(), value.into());
        assert!(before.is_none(), "given twice: {key}");
    }

    /// Something that must come of it.
    pub fn expect(&mut self, key: &str, value: impl Into<Value>) {
        let before = self.expect.insert(key.to_owned(), value.into());
        assert!(before.is_none(), "expected twice: {key}");
    }

    /// What is given must be refused, by this rule; `outcome` is what our own implementation says.
    pub fn refused<T: Debug>(&mut self, rule: &'static str, outcome: Result<T, impl Rule>) {
        match outcome {
            Err(error) => assert_eq!(error.rule(), rule),
            Ok(value) => panic!("accepted, though {rule} should refuse it: {value:?}"),
        }
        self.refused = Some(rule);
    }
}

/// The name of a rule in the vectors, for an error of ours.
pub trait Rule {
    /// Lower case, words joined by hyphens.
    fn rule(&self) -> String;
}

/// The name of a variant is the name of the rule.
impl<E: core::error::Error + Debug> Rule for E {
    fn rule(&self) -> String {
        let variant = format!("{self:?}");
        let name = variant.split(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default();
        let mut rule = String::new();
        for sign in name.chars() {
            if sign.is_uppercase() && !rule.is_empty() {
                rule.push('-');
            }
            rule.extend(sign.to_lowercase());
        }
        rule
    }
}

/// What is short and has no parts that have parts stands in one line.
const LINE: usize = 200;

fn write(value: &Value, depth: usize, text: &mut String) {
    let is_flat = |value: &Value| !value.is_array() && !value.is_object();
    let parts: Vec<(Option<&String>, &Value)> = match value {
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (Some(key), value)).collect(),
        _ => Vec::new(),
    };
    let line = value.to_string();
    if parts.is_empty() || (parts.iter().all(|(_, part)| is_flat(part)) && line.len() <= LINE) {
        text.push_str(&line);
        return;
    }
    let [open, close] = if value.is_array() { ['[', ']'] } else { ['{', '}'] };
    text.push(open);
    for (place, (key, part)) in parts.iter().enumerate() {
        text.push_str(if place == 0 { "\n" } else { ",\n" });
        text.extend(core::iter::repeat_n(' ', depth + 1));
        if let Some(key) = key {
            text.push_str(&format!("{}: ", Value::from(key.as_str())));
        }
        write(part, depth + 1, text);
    }
    text.push('\n');
    text.extend(core::iter::repeat_n(' ', depth));
    text.push(close);
}

/// Bytes as a file tells them: long ones by their hash.
#[must_use]
pub fn long(bytes: &[u8]) -> Value {
    if bytes.len() <= 1 << 13 {
        return hex(bytes).into();
    }
    json!({ "length": bytes.len(), "sha256": hex(super::primitives::sha256(&[bytes])) })
}

/// `length` bytes, counting up to 250 and from 0 again.
#[must_use]
pub fn counting(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// Those bytes as a file tells them.
#[must_use]
pub fn counting_json(length: usize) -> Value {
    json!({ "length": length, "formula": "i mod 251" })
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hexadecimal digits as bytes.
///
/// # Panics
/// For anything else.
#[must_use]
pub fn unhex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2) && digits.is_ascii(), "not whole bytes in hexadecimal");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}
