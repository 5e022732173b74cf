//! One slot of the vault: sealed with a construction that commits to its key, or random.

use super::VaultKey;
use crate::aead::{Cipher, NONCE, TAG};
use crate::bytes::{Reader, join};
use crate::kdf::{hkdf, split};
use crate::label::Purpose;
use rand_core::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// Bytes of a slot.
pub(super) const SLOT: usize = SALT + COMMIT + CONTENT + TAG;
/// Bytes of the table's head, to which every slot is bound.
pub(super) const HEAD: usize = 26;

const SALT: usize = 16;
const COMMIT: usize = 32;
const CONTENT: usize = 33;

/// Which vault a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person's own.
    Main,
    /// The one a duress passphrase opens.
    Decoy,
}

impl Role {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Main => 1,
            Self::Decoy => 2,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Main),
            2 => Some(Self::Decoy),
            _ => None,
        }
    }
}

/// Where a slot stands: what its key and its associated data are bound to.
pub(super) struct Place<'a> {
    pub(super) head: &'a [u8; HEAD],
    pub(super) number: u8,
}

/// A slot, used or not.
#[derive(Clone)]
pub(super) struct Slot([u8; SLOT]);

/// What came of trying a slot with a key, before anybody looks whether it fits.
pub(super) struct Tried<'a> {
    slot: &'a Slot,
    key: Zeroizing<[u8; 32]>,
    pub(super) fits: Choice,
}

impl Slot {
    pub(super) const fn from_bytes(bytes: [u8; SLOT]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; SLOT] {
        &self.0
    }

    /// An unused slot.
    pub(super) fn random<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut slot = Self([0; SLOT]);
        rng.fill_bytes(&mut slot.0);
        slot
    }

    pub(super) fn seal<R: CryptoRng + ?Sized>(
        place: &Place<'_>,
        key: &[u8; 32],
        role: Role,
        vault: &VaultKey,
        rng: &mut R,
    ) -> Self {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let (key, commit) = derive(place, key, &salt);
        let mut content = Zeroizing::new(join::<CONTENT>(&[&[role.to_byte()], vault.0.as_slice()]));
        // The key is of this one sealing, so the nonce need not be.
        let tag = Cipher::new(&key).seal(&[0; NONCE], &associated(place), content.as_mut_slice());
        Self(join(&[&salt, commit.as_slice(), content.as_slice(), &tag]))
    }

    /// Derives the slot's key and compares the commitment. The same work for every slot and key.
    pub(super) fn try_with(&self, place: &Place<'_>, key: &[u8; 32]) -> Tried<'_> {
        let (salt, commit, ..) = self.parts();
        let (key, expected) = derive(place, key, &salt);
        Tried { slot: self, key, fits: expected.ct_eq(&commit) }
    }

    fn parts(&self) -> ([u8; SALT], [u8; COMMIT], [u8; CONTENT], [u8; TAG]) {
        let mut reader = Reader::new(&self.0);
        // The lengths add up, so each part is there.
        let salt = reader.array().copied().unwrap_or([0; SALT]);
        let commit = reader.array().copied().unwrap_or([0; COMMIT]);
        let content = reader.array().copied().unwrap_or([0; CONTENT]);
        (salt, commit, content, join(&[reader.rest()]))
    }
}

impl Tried<'_> {
    /// Opens a slot that fits; `None` when it was altered or holds nothing this program knows.
    pub(super) fn open(&self, place: &Place<'_>) -> Option<(Role, VaultKey)> {
        let (_, _, content, tag) = self.slot.parts();
        let mut content = Zeroizing::new(content);
        Cipher::new(&self.key).open(&[0; NONCE], &associated(place), content.as_mut_slice(), &tag).ok()?;
        let (role, vault) = content.split_first_chunk::<1>()?;
        let [role] = *role;
        Some((Role::from_byte(role)?, VaultKey::from_bytes(vault.first_chunk()?)))
    }
}

fn derive(
    place: &Place<'_>,
    key: &[u8; 32],
    salt: &[u8; SALT],
) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; COMMIT]>) {
    split::<64, 32, COMMIT>(&hkdf(salt, &[key], Purpose::VAULT_SLOT, &[&associated(place)]))
}

fn associated(place: &Place<'_>) -> [u8; HEAD + 1] {
    join(&[place.head, &[place.number]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aead::BadTag;
    use crate::testing::collide;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const PLACE: Place<'_> = Place { head: &[1; HEAD], number: 2 };

    fn opens(slot: &Slot, key: &[u8; 32]) -> Option<(Role, [u8; 32])> {
        let tried = slot.try_with(&PLACE, key);
        let opened = tried.open(&PLACE).filter(|_| tried.fits.into());
        opened.map(|(role, vault)| (role, *vault.to_bytes()))
    }

    /// AES-GCM alone would open this slot under both keys; the commitment lets one of them pass.
    #[test]
    fn a_slot_made_for_two_keys_opens_under_one_at_most() {
        let (first, second) = ([1; 32], [2; 32]);
        let salt = [3; SALT];
        let ((first_key, first_commit), (second_key, second_commit)) =
            (derive(&PLACE, &first, &salt), derive(&PLACE, &second, &salt));
        let associated = associated(&PLACE);
        let sealed = collide(&first_key, &second_key, &associated, CONTENT);
        let (content, tag) = sealed.split_last_chunk::<TAG>().unwrap();
        for key in [&first_key, &second_key] {
            let mut text = content.to_vec();
            let opened = Cipher::new(key).open(&[0; NONCE], &associated, &mut text, tag);
            assert_eq!(opened, Ok::<(), BadTag>(()), "both tags verify");
        }
        for (commit, fits, other) in [(first_commit, first, second), (second_commit, second, first)] {
            let slot = Slot(join(&[&salt, commit.as_slice(), content, tag]));
            assert!(bool::from(slot.try_with(&PLACE, &fits).fits));
            assert!(!bool::from(slot.try_with(&PLACE, &other).fits));
            assert_eq!(opens(&slot, &other), None);
        }
    }

    #[test]
    fn a_role_of_no_meaning_does_not_open() {
        let (key, commit) = derive(&PLACE, &[1; 32], &[3; SALT]);
        for role in [0, 1, 2, 3, 255] {
            let mut content = join::<CONTENT>(&[&[role], &[9; 32]]);
            let tag = Cipher::new(&key).seal(&[0; NONCE], &associated(&PLACE), &mut content);
            let slot = Slot(join(&[&[3; SALT], commit.as_slice(), &content, &tag]));
            let expected = Role::from_byte(role).map(|role| (role, [9; 32]));
            assert_eq!(opens(&slot, &[1; 32]), expected, "{role}");
            assert_eq!(expected.is_some(), role == 1 || role == 2);
        }
    }
}
