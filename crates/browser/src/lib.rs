//! The adapters between the engine and a browser: WebRTC, WebSocket, IndexedDB, OPFS; the driver.
//!
//! The page knows [`Sotto`] and the small services beside it; the dedicated worker's whole main is
//! [`worker::run`].

mod client;
mod download;
mod driver;
mod http;
mod inbox;
mod js;
mod link;
mod notify;
mod opfs;
mod passphrase;
mod picked;
mod qr;
mod site;
mod socket;
mod storage;
mod surroundings;
mod tab_lock;
#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests;
mod transfer;
mod wake_lock;

pub mod page;
pub mod screen;
pub mod worker;

pub use client::{
    DriverEvent, Options, SaveError, SaveOutcome, Sotto, StartError, StopReason, StorageEstimate, WipeError,
    wipe,
};
pub use passphrase::PassphraseError;
pub use picked::{HandedFiles, PickedFile, dropped_files, pasted_files, picked_files};
pub use qr::{QrError, QrImage, qr_path};
pub use sotto_crypto::vault::Role as VaultRole;
