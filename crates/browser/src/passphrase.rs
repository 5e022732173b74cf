//! Setting, changing and removing the passphrases of the vault.

use sotto_crypto::vault::{SlotError, VaultKey};

use crate::{
    js,
    storage::{ChangeError, DECOY_DATABASE, StorageError, Unlocked, delete_database},
    transfer::WorkerHandle,
};

/// Why a passphrase opens nothing, or was not set. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// It opens no vault of this device.
    #[error("wrong passphrase")]
    Wrong,
    /// There is nothing in it.
    #[error("empty passphrase")]
    Empty,
    /// Longer than 1,024 bytes.
    #[error("passphrase too long")]
    TooLong,
    /// It opens the other vault of this device already.
    #[error("passphrase in use")]
    Taken,
    /// The decoy was opened; only who opened the main vault may do this.
    #[error("not in the main vault")]
    NotMain,
    /// A duress passphrase needs a passphrase beside it.
    #[error("no passphrase is set")]
    NoPassphrase,
    /// This device has not enough memory to stretch it.
    #[error("not enough memory")]
    OutOfMemory,
    /// The worker that stretches it does not run.
    #[error("the worker does not run")]
    NoWorker,
    /// The change could not be stored.
    #[error("storing failed")]
    StorageFailed,
    /// The client has stopped.
    #[error("the client has stopped")]
    Stopped,
}

impl From<ChangeError> for PassphraseError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Slot(SlotError::NoSlot) => Self::Wrong,
            ChangeError::Slot(SlotError::Taken) => Self::Taken,
            ChangeError::Slot(SlotError::NotMain) => Self::NotMain,
            ChangeError::Slot(SlotError::NoPassphrase) => Self::NoPassphrase,
            ChangeError::Slot(_) => Self::StorageFailed,
            ChangeError::Storage(StorageError::Gone | StorageError::Superseded) => Self::Stopped,
            ChangeError::Storage(_) => Self::StorageFailed,
        }
    }
}

/// Sets or changes the passphrase of the vault that is open.
pub(crate) async fn set(
    keyring: &Unlocked,
    worker: &WorkerHandle,
    typed: &str,
) -> Result<(), PassphraseError> {
    let stretch = keyring.look(|table| table.stretch_for_new(&mut js::rng())).await;
    let key = worker.stretch(&stretch, typed).await?;
    Ok(keyring.change(|table| table.set_passphrase(&key, &mut js::rng())).await?)
}

/// Takes all passphrases away, and the decoy with its own.
pub(crate) async fn remove(keyring: &Unlocked) -> Result<(), PassphraseError> {
    forget_decoy(keyring).await?;
    Ok(keyring.change(|table| table.remove_passphrases(&mut js::rng())).await?)
}

/// Sets or changes the duress passphrase, which opens a new, empty decoy.
pub(crate) async fn set_duress(
    keyring: &Unlocked,
    worker: &WorkerHandle,
    typed: &str,
) -> Result<(), PassphraseError> {
    let stretch = keyring.look(|table| table.stretch_for_new(&mut js::rng())).await;
    let key = worker.stretch(&stretch, typed).await?;
    let decoy = VaultKey::generate(&mut js::rng());
    // Whether it may be set is known before the old decoy goes.
    keyring
        .look(|table| table.duplicate().set_duress(&key, &decoy, &mut js::rng()))
        .await
        .map_err(ChangeError::from)?;
    forget_decoy(keyring).await?;
    Ok(keyring.change(|table| table.set_duress(&key, &decoy, &mut js::rng())).await?)
}

/// Takes the duress passphrase away, and the decoy with it.
pub(crate) async fn remove_duress(keyring: &Unlocked) -> Result<(), PassphraseError> {
    forget_decoy(keyring).await?;
    Ok(keyring.change(|table| table.remove_duress(&mut js::rng())).await?)
}

/// Deletes the decoy's records before its key goes, so that there are never records without key.
async fn forget_decoy(keyring: &Unlocked) -> Result<(), PassphraseError> {
    if keyring.role() != sotto_crypto::vault::Role::Main {
        return Err(PassphraseError::NotMain);
    }
    Ok(delete_database(DECOY_DATABASE).await.map_err(ChangeError::from)?)
}
