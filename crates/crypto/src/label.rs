//! Domain separation: every derived key, hash and signature is bound to one purpose.
//!
//! `label = "sotto/v1/" ‖ purpose ‖ 00 ‖ context`. Purposes contain no zero byte, so no label is a prefix of
//! another purpose's label. They are all listed here, once, because no key may have two purposes.

use sha2::{Digest, Sha256};

const PREFIX: &[u8] = b"sotto/v1/";

/// What a key, hash or signature is for. The constants of this type are the whole list of protocol version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose(&'static str);

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Purpose {
            $($(#[$doc])* pub const $name: Purpose = Purpose($text);)*

            /// Every purpose of protocol version 1.
            pub const ALL: &'static [Purpose] = &[$(Purpose::$name),*];
        }
    };
}

purposes! {
    /// Hash giving [`crate::AccountId`].
    ACCOUNT_ID = "account-id";
    /// Hash of the inviter's account key inside an invite link.
    INVITE_ACCOUNT = "invite-account";
    /// Signature type: device list, by the account key.
    DEVICE_LIST = "device-list";
    /// Hash chaining one device list to the next (`prev_hash`, and the list hash carried by bodies).
    DEVICE_LIST_HASH = "device-list-hash";
    /// Signature type: prekey bundle, by the device signing key.
    BUNDLE = "bundle";
    /// Signature type: answer to a server's challenge, by the device signing key.
    SERVER_CHALLENGE = "server-challenge";
    /// Hash of a device's previous message body.
    BODY_HASH = "body-hash";
    /// Transcript hash `th` of X3DH.
    X3DH_TRANSCRIPT = "x3dh-transcript";
    /// Key derivation of X3DH's `SK`.
    X3DH_SECRET = "x3dh-secret";
    /// Hash of `th` giving the session id.
    SESSION_ID = "session-id";
    /// Root step of the Double Ratchet.
    RATCHET_ROOT = "ratchet-root";
    /// Key and nonce of one ratchet message.
    RATCHET_MESSAGE = "ratchet-message";
    /// Key and nonce of one ephemeral message.
    RATCHET_EPHEMERAL = "ratchet-ephemeral";
    /// HPKE `info` of envelopes.
    ENVELOPE = "envelope";
    /// Key of the sender tag between two device identity keys.
    ENVELOPE_TAG = "envelope-tag";
    /// Invite id, from the link's secret.
    INVITE_ID = "invite-id";
    /// Key of the invite's bundle box.
    INVITE_ENC = "invite-enc";
    /// Key of the invite's name card.
    INVITE_NAME = "invite-name";
    /// Pre-shared key for X3DH, from the link's secret.
    INVITE_PSK = "invite-psk";
    /// Key of the sender tag of a first message that answers an invite.
    INVITE_TAG = "invite-tag";
    /// Stored hash of the secret that revokes an invite.
    INVITE_OWNER = "invite-owner";
    /// Chunk key and commitment of a file.
    FILE = "file";
    /// Encryption key of one store of the vault.
    VAULT_STORE = "vault-store";
    /// Key hiding the names of records of one store of the vault.
    VAULT_NAMES = "vault-names";
    /// Associated data of the outer layer around a bare vault key, as the first version stored it.
    VAULT_WRAP = "vault-wrap";
    /// Associated data of the outer layer around the slot table.
    VAULT_SLOTS = "vault-slots";
    /// Key and commitment of one slot of the vault.
    VAULT_SLOT = "vault-slot";
    /// Chunk key and commitment of a backup.
    BACKUP = "backup";
    /// Checksum of a recovery key's text form.
    RECOVERY_KEY = "recovery-key";
    /// Stored hash of a delivery token.
    DELIVERY_TOKEN = "delivery-token";
    /// Hash of a roster's genesis giving the group id.
    GROUP_ID = "group-id";
    /// Signature type: roster entry, by the device signing key.
    ROSTER_ENTRY = "roster-entry";
    /// Hash chaining one roster entry to the next.
    ROSTER_HASH = "roster-hash";
    /// Hash giving the id of a sender chain.
    SENDER_CHAIN = "sender-chain";
    /// Key, nonce and commitment of one group message.
    SENDER_MESSAGE = "sender-message";
    /// Signature type: group message, by the chain's group signing key.
    GROUP_MESSAGE = "group-message";
}

impl Purpose {
    /// `"sotto/v1/" ‖ purpose ‖ 00 ‖ context`, the parts of the context joined as they are: parts of variable
    /// length must carry their own length.
    pub fn label(self, context: &[&[u8]]) -> Vec<u8> {
        let length = PREFIX.len() + self.0.len() + 1 + context.iter().map(|part| part.len()).sum::<usize>();
        let mut label = Vec::with_capacity(length);
        label.extend_from_slice(PREFIX);
        label.extend_from_slice(self.0.as_bytes());
        label.push(0);
        for part in context {
            label.extend_from_slice(part);
        }
        label
    }

    /// `SHA-256(label ‖ parts)`.
    pub fn hash(self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new().chain_update(PREFIX).chain_update(self.0).chain_update([0]);
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_label_is_prefix_purpose_zero_context() {
        assert_eq!(Purpose::BUNDLE.label(&[b"ab", b"c"]), b"sotto/v1/bundle\0abc");
        assert_eq!(
            Purpose::BUNDLE.hash(&[b"abc"]),
            <[u8; 32]>::from(Sha256::digest(b"sotto/v1/bundle\0abc"))
        );
    }

    #[test]
    fn purposes_differ_and_contain_no_zero() {
        for (index, purpose) in Purpose::ALL.iter().enumerate() {
            assert!(!purpose.0.is_empty() && purpose.0.is_ascii() && !purpose.0.contains('\0'));
            assert!(!Purpose::ALL[..index].contains(purpose), "{purpose:?} twice");
        }
    }
}
