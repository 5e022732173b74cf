//! The slot table: four slots of which nobody sees how many are used.
//!
//! ```text
//! table = version 1 ‖ kdf 1 ‖ m u32 ‖ t u32 ‖ salt 16 ‖ 4 × slot 97
//! slot  = r 16 ‖ commit 32 ‖ AES-256-GCM(K, nonce 0, AAD = head ‖ number, role ‖ vault key) ‖ tag 16, or 97 random bytes
//! K ‖ commit = HKDF(salt = r, ikm = pk, info = label ‖ head ‖ number)
//! ```

use super::slot::{HEAD, Place, Role, SLOT, Slot};
use super::{VaultKey, slot::Tried};
use crate::bytes::{Reader, join};
use crate::passphrase::{Cost, CostError, KdfError, Stretch, StretchedKey, read_kdf, write_kdf};
use rand_core::CryptoRng;
use subtle::Choice;

/// Slots of a table, always.
pub const SLOTS: usize = 4;

const VERSION: u8 = 1;
/// The key of slots when there is no passphrase.
const NO_PASSPHRASE: [u8; 32] = [0; 32];

/// Why a slot table was refused, did not open, or was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// Not a slot table.
    #[error("malformed slot table")]
    Malformed,
    /// Written by a newer version.
    #[error("slot table of a newer version")]
    NewerVersion,
    /// A guess costs less than the floor.
    #[error("passphrase protection too weak")]
    TooWeak,
    /// A guess costs more than the ceiling.
    #[error("passphrase protection too costly for this device")]
    TooCostly,
    /// The passphrase is wrong, or its slot was altered or moved.
    #[error("no slot opens")]
    NoSlot,
    /// A slot that commits to this key does not open, holds nothing known, or there are two of them.
    #[error("damaged slot table")]
    Damaged,
    /// It takes a passphrase to open this table.
    #[error("the vault is locked by a passphrase")]
    Locked,
    /// The key was stretched under another table's salt or cost.
    #[error("the key was stretched for another slot table")]
    OtherStretch,
    /// The passphrase opens another slot already.
    #[error("the passphrase is in use")]
    Taken,
    /// Only who opened the main vault may do this.
    #[error("not the main vault")]
    NotMain,
    /// A duress passphrase needs a passphrase beside it.
    #[error("no passphrase is set")]
    NoPassphrase,
}

impl From<KdfError> for SlotError {
    fn from(error: KdfError) -> Self {
        match error {
            KdfError::Malformed => Self::Malformed,
            KdfError::Cost(CostError::TooWeak) => Self::TooWeak,
            KdfError::Cost(CostError::TooCostly) => Self::TooCostly,
        }
    }
}

/// A slot table as it is stored, locked.
#[derive(Clone)]
pub struct SlotTable {
    stretch: Option<Stretch>,
    slots: [Slot; SLOTS],
}

impl SlotTable {
    /// Bytes of a table.
    pub const LENGTH: usize = HEAD + SLOTS * SLOT;

    /// Reads a table.
    ///
    /// # Errors
    /// [`SlotError::NewerVersion`], [`SlotError::Malformed`], [`SlotError::TooWeak`], [`SlotError::TooCostly`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SlotError> {
        match bytes {
            [] => return Err(SlotError::Malformed),
            [VERSION, ..] => {}
            _ => return Err(SlotError::NewerVersion),
        }
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().map_err(|_| SlotError::Malformed)?;
        let mut reader = Reader::new(bytes);
        let (_, kdf) = (reader.u8(), reader.array().ok_or(SlotError::Malformed)?);
        let stretch = read_kdf(kdf)?;
        let mut slot = || reader.array().copied().map(Slot::from_bytes).ok_or(SlotError::Malformed);
        Ok(Self { stretch, slots: [slot()?, slot()?, slot()?, slot()?] })
    }

    /// The bytes to store.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let [a, b, c, d] = &self.slots;
        join(&[&self.head(), a.as_bytes(), b.as_bytes(), c.as_bytes(), d.as_bytes()])
    }

    /// How the passphrase is to be stretched; `None` when there is none, and nothing to compute.
    pub const fn stretch(&self) -> Option<&Stretch> {
        self.stretch.as_ref()
    }

    /// Opens a table without passphrase.
    ///
    /// # Errors
    /// [`SlotError::Locked`] when it takes a passphrase; [`SlotError::NoSlot`], [`SlotError::Damaged`].
    pub fn open_without_passphrase(self) -> Result<OpenTable, SlotError> {
        if self.stretch.is_some() {
            return Err(SlotError::Locked);
        }
        let opened = self.open_with(&NO_PASSPHRASE)?;
        if opened.role == Role::Main { Ok(opened) } else { Err(SlotError::Damaged) }
    }

    /// Opens the vault that this passphrase is for.
    ///
    /// # Errors
    /// [`SlotError::NoSlot`] for a wrong passphrase; [`SlotError::OtherStretch`], [`SlotError::Damaged`].
    pub fn open(&self, key: &StretchedKey) -> Result<OpenTable, SlotError> {
        if self.stretch.as_ref() != Some(key.stretch()) {
            return Err(SlotError::OtherStretch);
        }
        self.clone().open_with(key.as_bytes())
    }

    fn open_with(self, key: &[u8; 32]) -> Result<OpenTable, SlotError> {
        let head = self.head();
        // Every slot is tried, whichever fits, so that time does not tell which.
        let tried: Vec<(u8, Tried<'_>)> = (0..)
            .zip(&self.slots)
            .map(|(number, slot)| (number, slot.try_with(&Place { head: &head, number }, key)))
            .collect();
        let mut fitting = tried.iter().filter(|(_, tried)| tried.fits.into());
        let (number, slot) = fitting.next().ok_or(SlotError::NoSlot)?;
        if fitting.next().is_some() {
            return Err(SlotError::Damaged);
        }
        let number = *number;
        let (role, vault) = slot.open(&Place { head: &head, number }).ok_or(SlotError::Damaged)?;
        drop(tried);
        Ok(OpenTable { table: self, number, role, vault })
    }

    /// A table with the main vault in a slot chosen at random.
    fn with_main<R: CryptoRng + ?Sized>(
        stretch: Option<Stretch>,
        key: &[u8; 32],
        vault: &VaultKey,
        rng: &mut R,
    ) -> (Self, u8) {
        let slots = core::array::from_fn(|_| Slot::random(rng));
        let mut table = Self { stretch, slots };
        let mut choice = [0];
        rng.fill_bytes(&mut choice);
        let [choice] = choice;
        let number = choice % 4;
        table.seal(number, key, Role::Main, vault, rng);
        (table, number)
    }

    fn seal<R: CryptoRng + ?Sized>(
        &mut self,
        number: u8,
        key: &[u8; 32],
        role: Role,
        vault: &VaultKey,
        rng: &mut R,
    ) {
        let slot = Slot::seal(&Place { head: &self.head(), number }, key, role, vault, rng);
        self.put(number, slot);
    }

    fn put(&mut self, number: u8, slot: Slot) {
        if let Some(place) = self.slots.get_mut(usize::from(number)) {
            *place = slot;
        }
    }

    /// Whether a slot other than this one opens with a key.
    fn is_taken(&self, key: &[u8; 32], except: u8) -> bool {
        let head = self.head();
        let taken = (0..).zip(&self.slots).filter(|(number, _)| *number != except);
        taken
            .map(|(number, slot)| slot.try_with(&Place { head: &head, number }, key).fits)
            .fold(Choice::from(0), |any, fits| any | fits)
            .into()
    }

    fn head(&self) -> [u8; HEAD] {
        join(&[&[VERSION], &write_kdf(self.stretch.as_ref())])
    }
}

impl core::fmt::Debug for SlotTable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SlotTable").field("stretch", &self.stretch).finish_non_exhaustive()
    }
}

/// A table one slot of which has been opened: the vault in it, and what its owner may change.
///
/// Every change is to be stored, whole, under a new wrapping key.
#[derive(Debug)]
pub struct OpenTable {
    table: SlotTable,
    number: u8,
    role: Role,
    vault: VaultKey,
}

impl OpenTable {
    /// A new table around a vault, without passphrase.
    pub fn new<R: CryptoRng + ?Sized>(vault: VaultKey, rng: &mut R) -> Self {
        let (table, number) = SlotTable::with_main(None, &NO_PASSPHRASE, &vault, rng);
        Self { table, number, role: Role::Main, vault }
    }

    /// Which vault was opened.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The vault that was opened.
    pub const fn vault(&self) -> &VaultKey {
        &self.vault
    }

    /// The table, to be stored.
    pub const fn table(&self) -> &SlotTable {
        &self.table
    }

    /// The same once more: a change is made on it, stored, and only then takes the place of this one.
    pub fn duplicate(&self) -> Self {
        let vault = VaultKey::from_bytes(&self.vault.to_bytes());
        Self { table: self.table.clone(), number: self.number, role: self.role, vault }
    }

    /// How a passphrase that is to be set here must be stretched: as all others of the table, or under a fresh salt
    /// when it is the first.
    pub fn stretch_for_new<R: CryptoRng + ?Sized>(&self, rng: &mut R) -> Stretch {
        self.table.stretch.unwrap_or_else(|| Stretch::generate(Cost::DEFAULT, rng))
    }

    /// Sets or changes the passphrase of the vault that was opened. The first one makes a new table.
    ///
    /// # Errors
    /// [`SlotError::Taken`], [`SlotError::OtherStretch`]; nothing is changed then.
    pub fn set_passphrase<R: CryptoRng + ?Sized>(
        &mut self,
        key: &StretchedKey,
        rng: &mut R,
    ) -> Result<(), SlotError> {
        if self.table.stretch.is_none() {
            (self.table, self.number) =
                SlotTable::with_main(Some(*key.stretch()), key.as_bytes(), &self.vault, rng);
            return Ok(());
        }
        self.check_free(key, self.number)?;
        self.table.seal(self.number, key.as_bytes(), self.role, &self.vault, rng);
        Ok(())
    }

    /// Takes all passphrases away; a decoy is lost with its own.
    ///
    /// # Errors
    /// [`SlotError::NotMain`]; nothing is changed then.
    pub fn remove_passphrases<R: CryptoRng + ?Sized>(&mut self, rng: &mut R) -> Result<(), SlotError> {
        self.check_main()?;
        (self.table, self.number) = SlotTable::with_main(None, &NO_PASSPHRASE, &self.vault, rng);
        Ok(())
    }

    /// Sets or replaces the duress passphrase, which opens this decoy.
    ///
    /// # Errors
    /// [`SlotError::NotMain`], [`SlotError::NoPassphrase`], [`SlotError::Taken`], [`SlotError::OtherStretch`]; nothing
    /// is changed then.
    pub fn set_duress<R: CryptoRng + ?Sized>(
        &mut self,
        key: &StretchedKey,
        decoy: &VaultKey,
        rng: &mut R,
    ) -> Result<(), SlotError> {
        self.check_main()?;
        if self.table.stretch.is_none() {
            return Err(SlotError::NoPassphrase);
        }
        let number = self.duress_number();
        self.check_free(key, number)?;
        self.table.seal(number, key.as_bytes(), Role::Decoy, decoy, rng);
        Ok(())
    }

    /// Takes the duress passphrase away, if there is one.
    ///
    /// # Errors
    /// [`SlotError::NotMain`]; nothing is changed then.
    pub fn remove_duress<R: CryptoRng + ?Sized>(&mut self, rng: &mut R) -> Result<(), SlotError> {
        self.check_main()?;
        self.table.put(self.duress_number(), Slot::random(rng));
        Ok(())
    }

    /// The slot after the main vault's, so that nothing has to say which slots are used.
    const fn duress_number(&self) -> u8 {
        self.number.wrapping_add(1) % 4
    }

    fn check_main(&self) -> Result<(), SlotError> {
        if self.role == Role::Main { Ok(()) } else { Err(SlotError::NotMain) }
    }

    fn check_free(&self, key: &StretchedKey, number: u8) -> Result<(), SlotError> {
        if self.table.stretch.as_ref() != Some(key.stretch()) {
            return Err(SlotError::OtherStretch);
        }
        if self.table.is_taken(key.as_bytes(), number) { Err(SlotError::Taken) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Tables that nothing here writes: somebody who has the keys and another program.
    #[test]
    fn what_no_owner_writes_is_damaged() {
        let rng = &mut ChaCha12Rng::seed_from_u64(1);
        let vault = VaultKey::from_bytes(&[7; 32]);
        let stretch = Stretch::generate(Cost::DEFAULT, rng);
        let key = StretchedKey::from_bytes(stretch, &[1; 32]);
        let (mut twice, number) = SlotTable::with_main(Some(stretch), key.as_bytes(), &vault, rng);
        assert!(twice.open(&key).is_ok());
        twice.seal((number + 2) % 4, key.as_bytes(), Role::Decoy, &vault, rng);
        assert_eq!(twice.open(&key).err(), Some(SlotError::Damaged), "two slots for one passphrase");

        let (mut plain, number) = SlotTable::with_main(None, &NO_PASSPHRASE, &vault, rng);
        assert!(plain.clone().open_without_passphrase().is_ok());
        plain.seal(number, &NO_PASSPHRASE, Role::Decoy, &vault, rng);
        assert_eq!(plain.open_without_passphrase().err(), Some(SlotError::Damaged), "a decoy in the open");
    }
}
