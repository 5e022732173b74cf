//! The order of a backup's entries: the same rules for who writes one and who reads one, in constant memory.

use sotto_crypto::AccountId;
use zeroize::Zeroizing;

use super::BackupEntry;
use crate::peer::PeerError;

/// Most contacts in a backup.
pub const CONTACTS_MAX: u32 = 1_000;

/// Why an entry has no place in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The entry itself is refused.
    #[error(transparent)]
    Entry(#[from] PeerError),
    /// The account is not the first entry, or not the only one, or there is none.
    #[error("a backup begins with its account")]
    AccountPlace,
    /// Contacts are not in ascending order, or one comes twice.
    #[error("contacts of a backup out of order")]
    ContactOrder,
    /// The account is a contact of its own.
    #[error("a backup's account is no contact")]
    OwnAccount,
    /// More contacts than [`CONTACTS_MAX`].
    #[error("too many contacts in a backup")]
    TooManyContacts,
    /// A message before the first contact, or not after the one before it.
    #[error("messages of a backup out of order")]
    MessageOrder,
    /// A message that neither the owner nor the contact wrote.
    #[error("message of a stranger in a backup")]
    ForeignAuthor,
}

/// Where a message stands in its conversation.
type Place = (u64, AccountId, u64);

/// How far a backup's content has come, for writing and for reading it.
#[derive(Debug, Default)]
pub struct BackupContent {
    owner: Option<AccountId>,
    contacts: u32,
    contact: Option<AccountId>,
    message: Option<Place>,
}

impl BackupContent {
    /// At the beginning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of the next entry.
    ///
    /// # Errors
    /// [`ContentError`] for an entry that does not belong here; it can be gone on with others.
    pub fn write(&mut self, entry: &BackupEntry) -> Result<Zeroizing<Vec<u8>>, ContentError> {
        self.place(entry)?;
        Ok(entry.encode())
    }

    /// The next entry.
    ///
    /// # Errors
    /// [`ContentError`]; what was read before stays as it is.
    pub fn read(&mut self, item: &[u8]) -> Result<BackupEntry, ContentError> {
        let entry = BackupEntry::decode(item)?;
        self.place(&entry)?;
        Ok(entry)
    }

    /// After the last entry: whether there was an account at all.
    ///
    /// # Errors
    /// [`ContentError::AccountPlace`].
    pub fn finish(self) -> Result<(), ContentError> {
        self.owner.map(drop).ok_or(ContentError::AccountPlace)
    }

    fn place(&mut self, entry: &BackupEntry) -> Result<(), ContentError> {
        match (entry, self.owner) {
            (BackupEntry::Account { key, .. }, None) => self.owner = Some(key.public().id()),
            (BackupEntry::Account { .. }, Some(_)) | (_, None) => return Err(ContentError::AccountPlace),
            (BackupEntry::Contact { list, .. }, Some(owner)) => {
                let contact = list.account().id();
                if contact == owner {
                    return Err(ContentError::OwnAccount);
                }
                if self.contact.is_some_and(|before| contact <= before) {
                    return Err(ContentError::ContactOrder);
                }
                if self.contacts >= CONTACTS_MAX {
                    return Err(ContentError::TooManyContacts);
                }
                self.contacts = self.contacts.saturating_add(1);
                self.contact = Some(contact);
                self.message = None;
            }
            (BackupEntry::Message { lamport, author, sequence, .. }, Some(owner)) => {
                let contact = self.contact.ok_or(ContentError::MessageOrder)?;
                if *author != owner && *author != contact {
                    return Err(ContentError::ForeignAuthor);
                }
                let place = (*lamport, *author, *sequence);
                if self.message.is_some_and(|before| place <= before) {
                    return Err(ContentError::MessageOrder);
                }
                self.message = Some(place);
            }
        }
        Ok(())
    }
}
