//! Reading the files: nothing here knows how they were made.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fs;

use rand_core::{TryCryptoRng, TryRng};

use serde_json::Value;
use sotto_testkit::vectors::directory;
use sotto_testkit::vectors::form::{Rule, unhex};

/// A case, or a part of one, as it stands in a file.
#[derive(Clone)]
pub struct Given(pub Value);

/// Draws what a case says was drawn.
pub struct Draws(VecDeque<Vec<u8>>);

impl Draws {
    /// The draws under this path for purposes that begin so.
    pub fn of(given: &Given, path: &str, purpose: &str) -> Self {
        let draws = given.at(path).as_array().unwrap().iter();
        let draws = draws.filter(|draw| draw["for"].as_str().unwrap().starts_with(purpose));
        Self(draws.map(|draw| unhex(draw["bytes"].as_str().unwrap())).collect())
    }

    /// These and then those.
    pub fn and(mut self, mut others: Self) -> Self {
        self.0.append(&mut others.0);
        self
    }

    /// The last so many of these.
    pub fn only(mut self, count: usize) -> Self {
        self.0.drain(..self.0.len() - count);
        self
    }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("nothing draws numbers")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("nothing draws numbers")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0.pop_front().expect("something was drawn that the file does not tell"));
        Ok(())
    }
}

impl TryCryptoRng for Draws {}

impl Drop for Draws {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0.is_empty(), "the file tells draws that nothing drew");
    }
}

/// Calls `check` with every case of a file whose name begins with `prefix`, and says which one failed.
pub fn each(structure: &str, prefix: &str, mut check: impl FnMut(&Given)) {
    let text = fs::read_to_string(directory().join(format!("{structure}.json"))).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(cases) = file["cases"].take() else { panic!("{structure}: no cases") };
    let mut checked = 0;
    for case in cases.into_iter().map(Given).filter(|case| case.name().starts_with(prefix)) {
        println!("{structure}: {}", case.name());
        check(&case);
        checked += 1;
    }
    assert!(checked > 0, "{structure}: no case begins with {prefix}");
}

impl Given {
    pub fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    /// The value at a path like `/given/A/DIK/public`.
    pub fn at(&self, path: &str) -> &Value {
        self.0.pointer(path).unwrap_or_else(|| panic!("{}: nothing at {path}", self.name()))
    }

    pub fn has(&self, path: &str) -> bool {
        self.0.pointer(path).is_some_and(|value| !value.is_null())
    }

    pub fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap()
    }

    pub fn bytes(&self, path: &str) -> Vec<u8> {
        unhex(self.text(path))
    }

    pub fn array<const N: usize>(&self, path: &str) -> [u8; N] {
        self.bytes(path).try_into().unwrap()
    }

    pub fn number(&self, path: &str) -> u32 {
        self.at(path).as_u64().unwrap().try_into().unwrap()
    }

    /// Bytes in any of the forms that stand for them.
    pub fn filled(&self, path: &str) -> Vec<u8> {
        let value = self.at(path);
        let Some(length) = value["length"].as_u64() else { return self.bytes(path) };
        let length = usize::try_from(length).unwrap();
        if value["formula"] == "i mod 251" {
            return (0..length).map(|place| (place % 251) as u8).collect();
        }
        let mut bytes = unhex(value["prefix"].as_str().unwrap());
        bytes.resize(length.max(bytes.len()), 0);
        bytes
    }

    /// Something came out as the case says: expected if it is accepted, by its rule if it is refused.
    pub fn judge<T>(&self, outcome: Result<T, impl Rule>) -> Option<T> {
        let refused = self.0.get("refused").and_then(Value::as_str);
        match (outcome, refused) {
            (Ok(value), None) => Some(value),
            (Err(error), Some(rule)) => {
                assert_eq!(error.rule(), rule, "{}", self.name());
                None
            }
            (Ok(_), Some(rule)) => panic!("{}: accepted, against {rule}", self.name()),
            (Err(error), None) => panic!("{}: refused by {}", self.name(), error.rule()),
        }
    }
}
