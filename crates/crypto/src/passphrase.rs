//! Passphrases: their normal form, what guessing one shall cost, and the key Argon2id (RFC 9106) stretches one to.
//!
//! ```text
//! pk  = Argon2id(UTF-8(NFKC(passphrase)), salt 16, memory m KiB, passes t, 1 lane, 32 bytes)     version 0x13
//! kdf = 0 ‖ zeros 24        no passphrase
//!     | 1 ‖ m u32 ‖ t u32 ‖ salt 16
//! ```

use crate::bytes::{Reader, join};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand_core::CryptoRng;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Longest passphrase, in bytes of UTF-8 before it is normalised.
pub const PASSPHRASE_MAX: usize = 1024;

/// Why a text is no passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// There is nothing in it.
    #[error("empty passphrase")]
    Empty,
    /// Longer than [`PASSPHRASE_MAX`].
    #[error("passphrase longer than 1,024 bytes")]
    TooLong,
}

/// A passphrase in Unicode's normal form NFKC, so that another keyboard's way of writing it is the same. Wiped on drop.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes what a person typed. Case and spaces count.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub fn new(typed: &str) -> Result<Self, PassphraseError> {
        if typed.is_empty() {
            return Err(PassphraseError::Empty);
        }
        if typed.len() > PASSPHRASE_MAX {
            return Err(PassphraseError::TooLong);
        }
        // A string that grew would leave copies behind.
        let mut normal = Zeroizing::new(String::with_capacity(typed.nfkc().map(char::len_utf8).sum()));
        for sign in typed.nfkc() {
            normal.push(sign);
        }
        Ok(Self(normal))
    }
}

impl core::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// Why a stored cost was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// Below the floor: whoever can alter what is stored would make guessing cheap.
    #[error("passphrase protection too weak")]
    TooWeak,
    /// Above the ceiling: stored numbers must not hang the page.
    #[error("passphrase protection too costly for this device")]
    TooCostly,
}

/// What one guess costs: memory and passes over it, within floor and ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory: u32,
    passes: u32,
}

impl Cost {
    /// What is made now: 64 MiB, three passes.
    pub const DEFAULT: Self = Self { memory: 65_536, passes: 3 };
    /// Least memory, in KiB: 19 MiB.
    pub const MEMORY_MIN: u32 = 19_456;
    /// Most memory, in KiB: 256 MiB.
    pub const MEMORY_MAX: u32 = 262_144;
    /// Fewest passes.
    pub const PASSES_MIN: u32 = 2;
    /// Most memory times passes, in KiB: 1 GiB filled in all.
    pub const WORK_MAX: u32 = 1_048_576;

    /// A cost of `memory` KiB and `passes`.
    ///
    /// # Errors
    /// [`CostError`] outside the bounds.
    pub fn new(memory: u32, passes: u32) -> Result<Self, CostError> {
        if memory < Self::MEMORY_MIN || passes < Self::PASSES_MIN {
            return Err(CostError::TooWeak);
        }
        let too_much = memory.checked_mul(passes).is_none_or(|work| work > Self::WORK_MAX);
        if memory > Self::MEMORY_MAX || too_much {
            return Err(CostError::TooCostly);
        }
        Ok(Self { memory, passes })
    }

    /// Memory in KiB.
    pub const fn memory(&self) -> u32 {
        self.memory
    }

    /// Passes over the memory.
    pub const fn passes(&self) -> u32 {
        self.passes
    }
}

/// There is not enough memory to stretch the passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not enough memory for the passphrase")]
pub struct OutOfMemory;

/// How a passphrase is stretched in one place: salt and cost. Not secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    cost: Cost,
    salt: [u8; 16],
}

impl Stretch {
    /// Bytes of the encoded form.
    pub const LENGTH: usize = 24;

    /// A fresh salt at this cost.
    pub fn generate<R: CryptoRng + ?Sized>(cost: Cost, rng: &mut R) -> Self {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        Self { cost, salt }
    }

    /// `m u32 ‖ t u32 ‖ salt`.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        join(&[&self.cost.memory.to_be_bytes(), &self.cost.passes.to_be_bytes(), &self.salt])
    }

    /// Takes what [`Stretch::to_bytes`] gave.
    ///
    /// # Errors
    /// [`CostError`]; no memory has been taken yet.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, CostError> {
        let mut reader = Reader::new(bytes);
        let mut number = || reader.u32().unwrap_or_default();
        let cost = Cost::new(number(), number())?;
        Ok(Self { cost, salt: join(&[reader.rest()]) })
    }

    /// What a guess costs.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// Runs Argon2id: about a second of one processor and [`Cost::memory`] KiB, wiped afterwards.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn run(&self, passphrase: &Passphrase) -> Result<StretchedKey, OutOfMemory> {
        let mut key = Zeroizing::new([0; 32]);
        // All lengths and costs are within Argon2's own bounds, so memory is all that can be missing.
        let Cost { memory, passes } = self.cost;
        let parameters = Params::new(memory, passes, 1, Some(key.len())).map_err(|_| OutOfMemory)?;
        // What the memory holds at the end gives the key, and the library does not wipe what it takes itself.
        let mut blocks = Zeroizing::new(Vec::new());
        blocks.try_reserve_exact(parameters.block_count()).map_err(|_| OutOfMemory)?;
        blocks.resize(parameters.block_count(), Block::new());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into_with_memory(
                passphrase.0.as_bytes(),
                &self.salt,
                key.as_mut_slice(),
                blocks.as_mut_slice(),
            )
            .map_err(|_| OutOfMemory)?;
        Ok(StretchedKey::from_bytes(*self, &key))
    }
}

impl core::fmt::Debug for Stretch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stretch").field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// A passphrase stretched under one salt and cost: `pk`. It remembers which, because it is worth nothing elsewhere.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct StretchedKey {
    #[zeroize(skip)]
    stretch: Stretch,
    key: [u8; 32],
}

impl StretchedKey {
    /// Takes the key back from where it was computed.
    pub fn from_bytes(stretch: Stretch, key: &[u8; 32]) -> Self {
        Self { stretch, key: *key }
    }

    /// The 32 bytes, to hand them over to whoever waits for them; wiped when dropped.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key)
    }

    /// Salt and cost it came from.
    pub const fn stretch(&self) -> &Stretch {
        &self.stretch
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.key
    }
}

impl core::fmt::Debug for StretchedKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StretchedKey").field("stretch", &self.stretch).finish_non_exhaustive()
    }
}

/// Bytes that say whether a passphrase is needed, and its [`Stretch`].
pub(crate) const KDF: usize = 1 + Stretch::LENGTH;

/// Why [`read_kdf`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KdfError {
    Malformed,
    Cost(CostError),
}

/// `kdf ‖ m ‖ t ‖ salt`, all zero without passphrase.
pub(crate) fn write_kdf(stretch: Option<&Stretch>) -> [u8; KDF] {
    match stretch {
        None => [0; KDF],
        Some(stretch) => join(&[&[1], &stretch.to_bytes()]),
    }
}

pub(crate) fn read_kdf(bytes: &[u8; KDF]) -> Result<Option<Stretch>, KdfError> {
    let [kdf, stretch @ ..] = bytes;
    match kdf {
        0 if stretch.iter().all(|byte| *byte == 0) => Ok(None),
        1 => Stretch::from_bytes(stretch).map(Some).map_err(KdfError::Cost),
        _ => Err(KdfError::Malformed),
    }
}
