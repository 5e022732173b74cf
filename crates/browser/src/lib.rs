//! The adapters between the engine and a browser: WebRTC, WebSocket, IndexedDB, OPFS; the driver.
//!
//! The page knows [`Sotto`] and the small services beside it; the dedicated worker's whole main is
//! [`worker::run`].

mod client;
mod js;
mod picked;
mod qr;

pub mod page;
pub mod worker;

pub use client::{
    DriverEvent, Options, SaveError, SaveOutcome, Sotto, StartError, StopReason, StorageEstimate, WipeError,
};
pub use picked::{PickedFile, dropped_files, pasted_files, picked_files};
pub use qr::{QrError, QrImage, qr_path};
