"""ECDSA with a hedged nonce and low s (sections 1.1 and 1.3)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .errors import Refused
from .points import ORDER, point, private_key, scalar
from .primitives import hmac, label, sha256

SIGNATURE_LENGTH = 64
EXTRA_LENGTH = 32


def sign(private: bytes, kind: str, data: bytes, extra: bytes) -> bytes:
    """Signs `label(kind) ‖ data`; `extra` are the 32 random bytes mixed into the nonce."""
    digest = sha256(label(kind, data))
    key = scalar(private)
    hashed = int.from_bytes(digest, "big") % ORDER
    for nonce in _nonces(private, hashed.to_bytes(32, "big"), extra):
        r = private_key(nonce.to_bytes(32, "big")).public_key().public_numbers().x % ORDER
        s = pow(nonce, -1, ORDER) * (hashed + r * key) % ORDER
        if r and s:
            return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")
    raise AssertionError("unreachable")


def _nonces(private: bytes, hashed: bytes, extra: bytes):
    """RFC 6979 §3.2 with §3.6: `extra` is appended in steps d and f."""
    key, value = bytes(32), b"\1" * 32
    for step in (b"\0", b"\1"):
        key = hmac(key, value + step + private + hashed + extra)
        value = hmac(key, value)
    while True:
        value = hmac(key, value)
        nonce = int.from_bytes(value, "big")
        if 0 < nonce < ORDER:
            yield nonce
        key = hmac(key, value + b"\0")
        value = hmac(key, value)


def verify(public: bytes, kind: str, data: bytes, signature: bytes) -> None:
    """Refuses a signature that is not 64 bytes, not in range, not low, or not by that key."""
    if len(signature) != SIGNATURE_LENGTH:
        raise Refused("malformed", "length of the signature")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise Refused("out-of-range")
    if s > ORDER // 2:
        raise Refused("high-s")
    try:
        point(public).verify(encode_dss_signature(r, s), label(kind, data), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refused("invalid", "not by this key") from None
