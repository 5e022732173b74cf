//! Randomness that can be told afterwards: from a seed, with every draw noted under the name of what it is for.

use core::convert::Infallible;
use std::collections::VecDeque;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::{Value, json};

use super::form::{hex, unhex};
use super::primitives::sha256;

/// A generator of one case. What is drawn must have been announced.
#[derive(Debug)]
pub struct Recorder {
    inner: ChaCha12Rng,
    announced: VecDeque<String>,
    drawn: Vec<Value>,
}

impl Recorder {
    /// The generator of one case: another name is another seed, so that a new case disturbs no other.
    pub(super) fn new(structure: &str, case: &str) -> Self {
        let seed = sha256(&[b"sotto vectors\0", structure.as_bytes(), b"\0", case.as_bytes()]);
        Self { inner: ChaCha12Rng::from_seed(seed), announced: VecDeque::new(), drawn: Vec::new() }
    }

    /// Names the next draws, in their order.
    pub(super) fn announce<'a>(&mut self, purposes: impl IntoIterator<Item = &'a str>) {
        assert!(self.announced.is_empty(), "announced and not drawn: {:?}", self.announced);
        self.announced.extend(purposes.into_iter().map(str::to_owned));
    }

    /// Everything drawn so far, in order: `{"for", "bytes"}` each.
    pub(super) fn take(&mut self) -> Value {
        assert!(self.announced.is_empty(), "announced and not drawn: {:?}", self.announced);
        Value::Array(core::mem::take(&mut self.drawn))
    }

    /// Puts back what was taken, in place of what was drawn since and told elsewhere.
    pub(super) fn restore(&mut self, drawn: Value) {
        assert!(self.drawn.is_empty(), "drawn since and told nowhere: {:?}", self.drawn);
        self.drawn = drawn.as_array().expect("draws").clone();
    }

    /// The last 32 bytes drawn for this, as the big-endian scalar that the library makes of them.
    pub(super) fn scalar(&self, purpose: &str) -> [u8; 32] {
        let drawn = self.drawn.iter().rev().find(|draw| draw["for"] == purpose).expect("drawn for this");
        let mut bytes = unhex(drawn["bytes"].as_str().expect("hexadecimal digits"));
        bytes.reverse();
        bytes.try_into().expect("32 bytes")
    }

    fn note(&mut self, bytes: &[u8]) {
        let purpose = self.announced.pop_front().expect("something was drawn that nobody announced");
        self.drawn.push(json!({ "for": purpose, "bytes": hex(bytes) }));
    }
}

impl TryRng for Recorder {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let number = self.inner.try_next_u32()?;
        self.note(&number.to_be_bytes());
        Ok(number)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let number = self.inner.try_next_u64()?;
        self.note(&number.to_be_bytes());
        Ok(number)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.inner.try_fill_bytes(bytes)?;
        self.note(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Recorder {}
