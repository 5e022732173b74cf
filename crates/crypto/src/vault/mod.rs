//! Encryption at rest: a random vault key, sealed records under it, and the slots it lies in.

mod record;
mod slot;
mod table;

use crate::kdf::hkdf;
use crate::label::Purpose;
use crate::secret::secrets;

pub use record::{RECORD_OVERHEAD, RecordPlace, StoreCipher, VaultError};
pub use slot::Role;
pub use table::{OpenTable, SLOTS, SlotError, SlotTable};

secrets! {
    /// The key of everything stored on this device.
    VaultKey;
}

impl VaultKey {
    /// The keys of one store; stores are named in the program, not by users.
    pub fn store(&self, store: &str) -> StoreCipher {
        let derive = |purpose| hkdf::<32>(&[], &[&self.0], purpose, &[store.as_bytes()]);
        StoreCipher::new(store, &derive(Purpose::VAULT_STORE), derive(Purpose::VAULT_NAMES))
    }
}
