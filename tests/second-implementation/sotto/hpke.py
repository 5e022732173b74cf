"""HPKE, base mode, for the one suite of section 1.1 (RFC 9180)."""

from .points import ORDER, ecdh, private_key, point, compressed, uncompressed, uncompressed_point
from .primitives import NONCE_LENGTH, gcm_open, gcm_seal, hkdf_expand, hkdf_extract, u8, u16

KEM, KDF, AEAD = 0x0010, 0x0001, 0x0002
KEM_SUITE = b"KEM" + u16(KEM)
HPKE_SUITE = b"HPKE" + u16(KEM) + u16(KDF) + u16(AEAD)
MODE_BASE = u8(0)
ENC_LENGTH = 65
KEY_LENGTH = 32


def _labelled_extract(suite: bytes, salt: bytes, name: bytes, ikm: bytes) -> bytes:
    return hkdf_extract(salt, b"HPKE-v1" + suite + name + ikm)


def _labelled_expand(suite: bytes, prk: bytes, name: bytes, info: bytes, length: int) -> bytes:
    return hkdf_expand(prk, u16(length) + b"HPKE-v1" + suite + name + info, length)


def derive_key_pair(ikm: bytes) -> bytes:
    """`DeriveKeyPair` of RFC 9180 §7.1.3: the private scalar."""
    prk = _labelled_extract(KEM_SUITE, b"", b"dkp_prk", ikm)
    for counter in range(256):
        candidate = _labelled_expand(KEM_SUITE, prk, b"candidate", u8(counter), 32)
        if 0 < int.from_bytes(candidate, "big") < ORDER:
            return candidate
    raise ValueError("DeriveKeyPair found no scalar")


def _shared_secret(dh: bytes, enc: bytes, recipient: bytes) -> bytes:
    """`ExtractAndExpand` of RFC 9180 §4.1; both points uncompressed."""
    prk = _labelled_extract(KEM_SUITE, b"", b"eae_prk", dh)
    return _labelled_expand(KEM_SUITE, prk, b"shared_secret", enc + recipient, 32)


def _key_schedule(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and base nonce of RFC 9180 §5.1, mode base."""
    psk_id_hash = _labelled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    info_hash = _labelled_extract(HPKE_SUITE, b"", b"info_hash", info)
    context = MODE_BASE + psk_id_hash + info_hash
    secret = _labelled_extract(HPKE_SUITE, shared_secret, b"secret", b"")
    key = _labelled_expand(HPKE_SUITE, secret, b"key", context, KEY_LENGTH)
    nonce = _labelled_expand(HPKE_SUITE, secret, b"base_nonce", context, NONCE_LENGTH)
    return key, nonce


def seal(recipient: bytes, ephemeral: bytes, info: bytes, aad: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
    """Single-shot seal to a compressed point with a given ephemeral scalar: `enc`, ciphertext ‖ tag."""
    enc = uncompressed(private_key(ephemeral).public_key())
    secret = _shared_secret(ecdh(ephemeral, recipient), enc, uncompressed(point(recipient)))
    key, nonce = _key_schedule(secret, info)
    return enc, gcm_seal(key, nonce, plaintext, aad)


def open_(private: bytes, enc: bytes, info: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Single-shot open; refuses a bad `enc` and whatever does not verify."""
    ephemeral = compressed(uncompressed_point(enc))
    recipient = uncompressed(private_key(private).public_key())
    key, nonce = _key_schedule(_shared_secret(ecdh(private, ephemeral), enc, recipient), info)
    return gcm_open(key, nonce, sealed, aad)
