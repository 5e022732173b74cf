"""Records at rest (section 15)."""

from .errors import Refused
from .primitives import NONCE_LENGTH, TAG_LENGTH, gcm_open, gcm_seal, hkdf, hmac, label, u8, u32, u64

VERSION = 1
SCHEMA = 1
REVISION = 0


def store_key(vault_key: bytes, store: str) -> bytes:
    """The key of one store's records."""
    return hkdf(b"", vault_key, label("vault-store", store.encode()), 32)


def _aad(store: str, key: bytes) -> bytes:
    parts = (store.encode(), key, u32(SCHEMA), u64(REVISION))
    return b"".join(u32(len(part)) + part for part in parts)


def seal_record(vault_key: bytes, store: str, key: bytes, plaintext: bytes, nonce: bytes) -> bytes:
    """`version 1 ‖ nonce 12 ‖ ciphertext ‖ tag 16`."""
    return u8(VERSION) + nonce + gcm_seal(store_key(vault_key, store), nonce, plaintext, _aad(store, key))


def open_record(vault_key: bytes, store: str, key: bytes, record: bytes) -> bytes:
    """The plaintext of a record, or a refusal."""
    if len(record) < 1 + NONCE_LENGTH + TAG_LENGTH:
        raise Refused("malformed", "too short")
    if record[0] != VERSION:
        raise Refused("version")
    nonce, sealed = record[1:1 + NONCE_LENGTH], record[1 + NONCE_LENGTH:]
    return gcm_open(store_key(vault_key, store), nonce, sealed, _aad(store, key))


def wrap_vault_key(wrapping_key: bytes, vault_key: bytes, nonce: bytes) -> bytes:
    """The vault key under the browser's key: `nonce 12 ‖ GCM ciphertext and tag`."""
    return nonce + gcm_seal(wrapping_key, nonce, vault_key, label("vault-wrap"))


def unwrap_vault_key(wrapping_key: bytes, wrapped: bytes) -> bytes:
    """The vault key, or a refusal."""
    return gcm_open(wrapping_key, wrapped[:NONCE_LENGTH], wrapped[NONCE_LENGTH:], label("vault-wrap"))


def record_name(vault_key: bytes, key: bytes) -> bytes:
    """The name under which storage learns nothing (20)."""
    return hmac(hkdf(b"", vault_key, label("vault-names"), 32), key)[:16]
