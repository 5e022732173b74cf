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
        let mut text = serde_json::to_string_pretty(&file).expect("values only");
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

    /// Everything drawn since the last time, for a step that tells its own randomness.
    pub fn drawn(&mut self) -> Value {
        self.random.take()
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
