//! What a backup says: one account, its contacts, their history. Section 22.3.
//!
//! An entry is read strictly: encoded anew it must be the bytes that were read. With no field for device keys, sessions,
//! prekeys, sender keys, or messages that expire or may be seen once, none of them can be in a backup.

mod content;
mod entry;

pub use content::{BackupContent, CONTACTS_MAX, ContentError};
pub use entry::{BackupEntry, Milestone, Said, Standing};

#[cfg(test)]
mod tests;
