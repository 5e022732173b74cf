//! Reading the files: nothing here knows how they were made.

use std::fs;

use serde_json::Value;
use sotto_testkit::vectors::directory;
use sotto_testkit::vectors::form::{Rule, unhex};

/// A case as it stands in a file.
pub struct Given(Value);

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
