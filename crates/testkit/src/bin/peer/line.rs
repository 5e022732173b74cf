//! Lines and their fields.

use serde_json::Value;
use sotto_testkit::vectors::form::{Rule, unhex};

/// Why a line was not done: the rule that what it brought broke. Nothing has changed.
#[derive(Debug)]
pub struct Refusal(pub String);

/// What a line is answered with.
pub type Answer = Result<Value, Refusal>;

impl Refusal {
    pub fn of(rule: &str) -> Self {
        Self(rule.to_owned())
    }
}

impl<E: Rule> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.rule())
    }
}

/// A line that was read.
pub struct Line(pub Value);

impl Line {
    fn field(&self, name: &str) -> Result<&Value, Refusal> {
        self.0.get(name).ok_or_else(|| Refusal(format!("no field {name}")))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.field(name)?.as_str().ok_or_else(|| Refusal(format!("{name} is no text")))
    }

    pub fn number(&self, name: &str) -> Result<u64, Refusal> {
        self.field(name)?.as_u64().ok_or_else(|| Refusal(format!("{name} is no number")))
    }

    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        Ok(unhex(self.text(name)?))
    }

    pub fn array<const N: usize>(&self, name: &str) -> Result<[u8; N], Refusal> {
        self.bytes(name)?.try_into().map_err(|_| Refusal::of("malformed"))
    }

    /// The field's own fields.
    pub fn inside(&self, name: &str) -> Result<Line, Refusal> {
        self.field(name).map(|value| Line(value.clone()))
    }

    /// A list of bytes.
    pub fn list(&self, name: &str) -> Result<Vec<Vec<u8>>, Refusal> {
        let items = self.field(name)?.as_array().ok_or_else(|| Refusal(format!("{name} is no list")))?;
        Ok(items.iter().map(|item| unhex(item.as_str().unwrap_or_default())).collect())
    }
}
