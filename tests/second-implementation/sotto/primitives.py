"""Primitives and labels (sections 1.1 and 1.2)."""

import hashlib
import hmac as _hmac
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import Refused

SUITE = 1
"""The only cipher suite of version 1 (1.1)."""

TAG_LENGTH = 16
NONCE_LENGTH = 12

Randomness = Callable[[int], bytes]
"""Gives that many random bytes. Vectors give a stand-in that repeats what was recorded."""

system_randomness: Randomness = os.urandom


def u8(number: int) -> bytes:
    """One byte."""
    return number.to_bytes(1, "big")


def u16(number: int) -> bytes:
    """Two bytes, big-endian."""
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    """Four bytes, big-endian."""
    return number.to_bytes(4, "big")


def u64(number: int) -> bytes:
    """Eight bytes, big-endian."""
    return number.to_bytes(8, "big")


def label(purpose: str, context: bytes = b"") -> bytes:
    """`"sotto/v1/" ‖ purpose ‖ 00 ‖ context` (1.2)."""
    return b"sotto/v1/" + purpose.encode("ascii") + b"\0" + context


def sha256(data: bytes) -> bytes:
    """SHA-256, FIPS 180-4."""
    return hashlib.sha256(data).digest()


def labelled_hash(purpose: str, data: bytes) -> bytes:
    """`H(purpose, data)` of 1.2."""
    return sha256(label(purpose) + data)


def hmac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256, RFC 2104."""
    return _hmac.digest(key, data, "sha256")


def hkdf_extract(salt: bytes, ikm: bytes) -> bytes:
    """HKDF-Extract, RFC 5869 §2.2."""
    return hmac(salt or bytes(32), ikm)


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand, RFC 5869 §2.3."""
    blocks, block = b"", b""
    counter = 1
    while len(blocks) < length:
        block = hmac(prk, block + info + u8(counter))
        blocks += block
        counter += 1
    return blocks[:length]


def hkdf(salt: bytes, ikm: bytes, info: bytes, length: int) -> bytes:
    """`HKDF(salt, ikm, info, n)` of 1.1."""
    return hkdf_expand(hkdf_extract(salt, ikm), info, length)


def gcm_seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """AES-256-GCM: ciphertext ‖ tag."""
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def gcm_open(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Opens ciphertext ‖ tag, or refuses."""
    if len(sealed) < TAG_LENGTH:
        raise Refused("bad-tag", "shorter than a tag")
    try:
        return AESGCM(key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise Refused("bad-tag") from None


def same(one: bytes, other: bytes) -> bool:
    """Comparison in constant time."""
    return _hmac.compare_digest(one, other)
