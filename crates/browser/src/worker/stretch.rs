//! Stretching passphrases, which takes about a second of a processor and 64 MiB.

use sotto_crypto::passphrase::{OutOfMemory, Passphrase, PassphraseError, Stretch};

use crate::transfer::{StretchJob, StretchReport, StretchedBytes};

/// The key of a passphrase, or why there is none.
pub(super) fn stretch(job: &StretchJob) -> StretchReport {
    let passphrase = match Passphrase::new(&job.typed) {
        Ok(passphrase) => passphrase,
        Err(PassphraseError::Empty) => return StretchReport::Empty,
        Err(PassphraseError::TooLong) => return StretchReport::TooLong,
    };
    // The page has checked the cost: it made it, or read it from a slot table.
    let Ok(stretch) = Stretch::from_bytes(&job.stretch) else { return StretchReport::OutOfMemory };
    match stretch.run(&passphrase) {
        Ok(key) => StretchReport::Key(StretchedBytes { key: *key.to_bytes() }),
        Err(OutOfMemory) => StretchReport::OutOfMemory,
    }
}
