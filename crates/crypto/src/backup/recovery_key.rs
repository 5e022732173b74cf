//! The recovery key and its text form: groups of five digits, as those of the safety number, with a checksum.

use crate::label::Purpose;
use crate::secret::secrets;
use core::fmt::Write;
use zeroize::Zeroizing;

/// Groups of the text form: sixteen of the key, two of the checksum.
const GROUPS: usize = 18;
/// Digits of a group.
const DIGITS: usize = 5;
const CHECKSUM: usize = 4;

/// Why a text is not a recovery key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryKeyError {
    /// There is something else than digits, spaces, line breaks and hyphens.
    #[error("a recovery key consists of digits")]
    NotADigit,
    /// More or fewer digits than a recovery key has.
    #[error("a recovery key has 90 digits")]
    WrongLength,
    /// A group of five digits is above 65,535 or the checksum is another.
    #[error("mistyped recovery key")]
    Mistyped,
}

secrets! {
    /// What opens a backup: 256 random bits, kept by a person.
    RecoveryKey;
}

impl RecoveryKey {
    /// The text form: 18 groups of five digits, separated by spaces. Wiped when dropped.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(GROUPS.saturating_mul(DIGITS.saturating_add(1))));
        for pair in self.0.chunks(2).chain(self.checksum().chunks(2)) {
            if !text.is_empty() {
                text.push(' ');
            }
            let group = pair.iter().fold(0, |group, byte| group << 8 | u32::from(*byte));
            // Writing to a string cannot fail.
            let _ = write!(*text, "{group:05}");
        }
        text
    }

    /// Takes what a person typed.
    ///
    /// # Errors
    /// [`RecoveryKeyError`].
    pub fn from_text(typed: &str) -> Result<Self, RecoveryKeyError> {
        let digits = || typed.chars().filter(|sign| !matches!(sign, ' ' | '\t' | '\n' | '\r' | '-'));
        if !digits().all(|sign| sign.is_ascii_digit()) {
            return Err(RecoveryKeyError::NotADigit);
        }
        if digits().count() != GROUPS * DIGITS {
            return Err(RecoveryKeyError::WrongLength);
        }
        let mut digits = digits().filter_map(|sign| sign.to_digit(10));
        let mut pair = || {
            let group = digits.by_ref().take(DIGITS).fold(0, |group, digit| group * 10 + digit);
            u16::try_from(group).map(u16::to_be_bytes).map_err(|_| RecoveryKeyError::Mistyped)
        };
        let mut key = Self([0; 32]);
        let mut checksum = [0; CHECKSUM];
        for place in key.0.chunks_mut(2).chain(checksum.chunks_mut(2)) {
            place.copy_from_slice(&pair()?);
        }
        if key.checksum() == checksum { Ok(key) } else { Err(RecoveryKeyError::Mistyped) }
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn checksum(&self) -> [u8; CHECKSUM] {
        crate::bytes::join(&[&Purpose::RECOVERY_KEY.hash(&[&self.0])])
    }
}
