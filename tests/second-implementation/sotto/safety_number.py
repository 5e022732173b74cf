"""Safety numbers (section 16)."""

import hashlib

from .device_list import account_id
from .errors import Refused
from .primitives import same, u8

ROUNDS = 5_200
GROUPS = 6
VERSION = 1
FINGERPRINT_LENGTH = 32


def iterated(key: bytes, identifier: bytes, rounds: int = ROUNDS) -> bytes:
    """Signal's iterated hash, version 0: 64 bytes."""
    value = hashlib.sha512(bytes(2) + key + identifier + key).digest()
    for _ in range(rounds - 1):
        value = hashlib.sha512(value + key).digest()
    return value


def fingerprint(aik: bytes) -> bytes:
    """The 32 bytes that stand for an account key."""
    return iterated(aik, account_id(aik))[:FINGERPRINT_LENGTH]


def digits(value: bytes) -> str:
    """Thirty digits: six groups of five bytes, each modulo 100,000."""
    groups = (int.from_bytes(value[5 * i:5 * i + 5], "big") % 100_000 for i in range(GROUPS))
    return "".join(f"{group:05}" for group in groups)


def safety_number(one: bytes, other: bytes) -> str:
    """Sixty digits for two account keys, the same on both sides."""
    return "".join(sorted((digits(fingerprint(one)), digits(fingerprint(other)))))


def qr_payload(own: bytes, theirs: bytes) -> bytes:
    """`version 1 ‖ own fingerprint ‖ theirs`."""
    return u8(VERSION) + fingerprint(own) + fingerprint(theirs)


def compare(scanned: bytes, own: bytes, theirs: bytes) -> None:
    """Refuses a scanned payload that does not show the same two keys, crosswise."""
    if len(scanned) != 1 + 2 * FINGERPRINT_LENGTH:
        raise Refused("malformed", "length of the payload")
    if scanned[0] != VERSION:
        raise Refused("malformed", "version")
    if not same(scanned[1:], fingerprint(theirs) + fingerprint(own)):
        raise Refused("differs")
