//! Choices taken from a fuzzer's bytes.

/// Reads choices from the front; when the bytes are used up, every choice is zero.
pub(super) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_be_bytes([self.u8(), self.u8(), self.u8(), self.u8()])
    }

    /// A number below `below`, which is not zero.
    pub(super) fn below(&mut self, below: usize) -> usize {
        usize::from(self.u16()) % below
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Alters bytes as the choices say: any number of them, by a difference that is not zero; or cuts them, or adds to them.
/// Gives `false` if that left them as they were.
pub(super) fn alter(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) -> bool {
    let before = bytes.clone();
    for _ in 0..8 {
        if choices.is_empty() {
            break;
        }
        match choices.u8() {
            0 => bytes.truncate(choices.below(bytes.len().max(1))),
            1 => bytes.push(choices.u8()),
            2 if !bytes.is_empty() => {
                // The end of a message is as interesting as its beginning.
                let place = bytes.len() - 1 - choices.below(bytes.len().min(64));
                bytes[place] ^= choices.u8();
            }
            _ if !bytes.is_empty() => {
                let place = choices.below(bytes.len());
                bytes[place] ^= choices.u8();
            }
            _ => {}
        }
    }
    *bytes != before
}
