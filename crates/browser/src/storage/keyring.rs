//! The slot table of the vault, wrapped by a key of the browser: what opens the records of this device.

use std::rc::Rc;

use futures_util::lock::Mutex;
use js_sys::Uint8Array;
use sotto_crypto::{
    Purpose,
    passphrase::{Stretch, StretchedKey},
    vault::{OpenTable, Role, SlotError, SlotTable, VaultKey},
};
use sotto_engine::Store;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::CryptoKey;

use super::{Database, KeyRange, RecordStore, StorageError, wrapping};
use crate::js;

/// In the keyring: the non-extractable AES-GCM key.
const WRAPPING_KEY: &str = "wrapping-key";
/// In the keyring: the wrapped slot table.
const SLOTS: &str = "slots";
/// In the keyring of the first version: the wrapped vault key, in place of slots.
const VAULT: &str = "vault";

/// What is in a database's keyring.
#[derive(Debug)]
pub(crate) enum Keyring {
    /// No passphrase is set.
    Open(Unlocked),
    /// It takes a passphrase.
    Locked(Locked),
}

impl Keyring {
    /// Reads the keyring, or makes one if nothing was ever stored.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when something is stored but its keys are gone or do not open.
    pub(crate) async fn open(database: &Rc<Database>) -> Result<Self, StorageError> {
        let wrapping: Option<CryptoKey> = database.keyring(WRAPPING_KEY).await?.dyn_into().ok();
        let slots: Option<Uint8Array> = database.keyring(SLOTS).await?.dyn_into().ok();
        let vault: Option<Uint8Array> = database.keyring(VAULT).await?.dyn_into().ok();
        let made = match (wrapping, slots, vault) {
            (Some(wrapping), Some(slots), None) => {
                let table = wrapping::unwrap(&wrapping, Purpose::VAULT_SLOTS, &slots.to_vec()).await?;
                let table = SlotTable::from_bytes(&table)?;
                let Some(stretch) = table.stretch().copied() else {
                    let table = table.open_without_passphrase()?;
                    return Ok(Self::Open(Unlocked::new(database, table)));
                };
                return Ok(Self::Locked(Locked { database: Rc::clone(database), table, stretch }));
            }
            (Some(wrapping), None, Some(vault)) => {
                let vault = wrapping::unwrap(&wrapping, Purpose::VAULT_WRAP, &vault.to_vec()).await?;
                let vault = vault.as_slice().try_into().map_err(|_| StorageError::Damaged)?;
                VaultKey::from_bytes(vault)
            }
            (None, None, None) if is_fresh(database).await? => VaultKey::generate(&mut js::rng()),
            _ => return Err(StorageError::Damaged),
        };
        let table = OpenTable::new(made, &mut js::rng());
        save(database, table.table()).await?;
        Ok(Self::Open(Unlocked::new(database, table)))
    }
}

/// A keyring that waits for its passphrase.
#[derive(Debug)]
pub(crate) struct Locked {
    database: Rc<Database>,
    table: SlotTable,
    stretch: Stretch,
}

impl Locked {
    /// How the passphrase is to be stretched.
    pub(crate) const fn stretch(&self) -> &Stretch {
        &self.stretch
    }

    /// Opens the vault of this passphrase.
    ///
    /// # Errors
    /// [`SlotError::NoSlot`] for a wrong one; it can be tried again.
    pub(crate) fn unlock(&self, key: &StretchedKey) -> Result<Unlocked, SlotError> {
        Ok(Unlocked::new(&self.database, self.table.open(key)?))
    }
}

/// Why the slots were not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangeError {
    /// What the table says.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// What storage says.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A keyring that is open.
#[derive(Debug)]
pub(crate) struct Unlocked {
    database: Rc<Database>,
    role: Role,
    /// One change at a time.
    table: Mutex<OpenTable>,
}

impl Unlocked {
    fn new(database: &Rc<Database>, table: OpenTable) -> Self {
        Self { database: Rc::clone(database), role: table.role(), table: Mutex::new(table) }
    }

    /// Which vault was opened.
    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    /// Looks at the open table.
    pub(crate) async fn look<T>(&self, look: impl FnOnce(&OpenTable) -> T) -> T {
        look(&*self.table.lock().await)
    }

    /// Changes the slots, on disk and then here.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing is changed then.
    pub(crate) async fn change(
        &self,
        change: impl FnOnce(&mut OpenTable) -> Result<(), SlotError>,
    ) -> Result<(), ChangeError> {
        let mut table = self.table.lock().await;
        let mut changed = table.duplicate();
        change(&mut changed)?;
        save(&self.database, changed.table()).await?;
        *table = changed;
        Ok(())
    }
}

/// Stores a table under a wrapping key of its own, and forgets all others.
async fn save(database: &Database, table: &SlotTable) -> Result<(), StorageError> {
    let wrapping = wrapping::generate().await?;
    let wrapped = wrapping::wrap(&wrapping, Purpose::VAULT_SLOTS, &table.to_bytes()).await?;
    let values = [(WRAPPING_KEY, wrapping.into()), (SLOTS, wrapped.into()), (VAULT, JsValue::UNDEFINED)];
    database.set_keyring(&values).await
}

/// Deletes the keys, after which no record can be read.
///
/// # Errors
/// [`StorageError`].
pub(crate) async fn wipe(database: &Database) -> Result<(), StorageError> {
    database.set_keyring(&[WRAPPING_KEY, SLOTS, VAULT].map(|name| (name, JsValue::UNDEFINED))).await
}

async fn is_fresh(database: &Database) -> Result<bool, StorageError> {
    for store in Store::ALL {
        if !database.read(store, KeyRange::all(), Some(1)).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a stored table can be wrong in.
impl From<SlotError> for StorageError {
    fn from(error: SlotError) -> Self {
        if error == SlotError::NewerVersion { Self::Newer } else { Self::Damaged }
    }
}
