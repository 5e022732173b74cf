"""Envelopes (section 7)."""

from dataclasses import dataclass

from . import hpke
from .device_list import ID_LENGTH
from .errors import Refused
from .points import ecdh, uncompressed_point
from .primitives import SUITE, hkdf, hmac, label, same, u8, u16, u32

VERSION = 1
SIZES = (1_024, 4_096, 16_384, 65_536)
FIXED_PART = 1 + 2 + 4
OVERHEAD = 140
CARRIED_LIMIT = 64_512
TAG_LENGTH = 16
INFO = label("envelope", u8(VERSION) + u16(SUITE))


@dataclass(frozen=True)
class Content:
    """What an envelope holds: claims, until the tag is verified."""

    account_id: bytes
    device_id: bytes
    tag: bytes
    carried: bytes


def dik_tag_key(own_dik_private: bytes, their_dik: bytes) -> bytes:
    """The tag key of everything but first messages that answer an invite."""
    return hkdf(b"", ecdh(own_dik_private, their_dik), label("envelope-tag"), 32)


def sender_tag(tag_key: bytes, mailbox: bytes, dk_id: int, account_id: bytes, device_id: bytes,
               carried: bytes) -> bytes:
    """The sender tag, 16 bytes."""
    return hmac(tag_key, mailbox + u32(dk_id) + account_id + device_id + carried)[:TAG_LENGTH]


def size_class(carried_length: int) -> int:
    """The smallest class, 0 to 3, that holds a carried of that length."""
    return next(number for number, size in enumerate(SIZES) if carried_length + OVERHEAD <= size)


def aad(mailbox: bytes, dk_id: int, number: int) -> bytes:
    """What HPKE authenticates: mailbox, number of the delivery key, class of size."""
    return mailbox + u32(dk_id) + u8(number)


def seal(content: Content, mailbox: bytes, dk_id: int, dk: bytes, ephemeral_ikm: bytes) -> bytes:
    """Seals an envelope to a delivery key; the ephemeral key is derived from 32 random bytes."""
    if len(content.carried) > CARRIED_LIMIT:
        raise Refused("too-large")
    number = size_class(len(content.carried))
    padding = bytes(SIZES[number] - OVERHEAD - len(content.carried))
    plaintext = (content.account_id + content.device_id + content.tag + u32(len(content.carried))
                 + content.carried + padding)
    enc, sealed = hpke.seal(dk, hpke.derive_key_pair(ephemeral_ikm), INFO, aad(mailbox, dk_id, number), plaintext)
    return u8(VERSION) + u16(SUITE) + u32(dk_id) + enc + sealed


def delivery_key_number(blob: bytes) -> int:
    """Checks size, version and suite; says which delivery key opens the envelope."""
    if len(blob) not in SIZES:
        raise Refused("malformed", "size of the envelope")
    if blob[:3] != u8(VERSION) + u16(SUITE):
        raise Refused("malformed", "version or suite")
    return int.from_bytes(blob[3:FIXED_PART], "big")


def open_(blob: bytes, mailbox: bytes, dk_id: int, dk_private: bytes, own_account: bytes) -> Content:
    """Opens an envelope; the caller verifies the tag with `check_tag`."""
    if delivery_key_number(blob) != dk_id:
        raise Refused("other-key")
    number = SIZES.index(len(blob))
    enc, sealed = blob[FIXED_PART:FIXED_PART + hpke.ENC_LENGTH], blob[FIXED_PART + hpke.ENC_LENGTH:]
    try:
        uncompressed_point(enc)
    except Refused:
        raise Refused("malformed", "enc") from None
    plaintext = hpke.open_(dk_private, enc, INFO, aad(mailbox, dk_id, number), sealed)
    account, device, tag = plaintext[:16], plaintext[16:32], plaintext[32:48]
    length, rest = int.from_bytes(plaintext[48:52], "big"), plaintext[52:]
    if length > min(len(rest), CARRIED_LIMIT) or size_class(length) != number:
        raise Refused("malformed", "length of what is carried")
    if any(rest[length:]):
        raise Refused("malformed", "padding that is not zero")
    if account == own_account:
        raise Refused("own-account")
    return Content(account, device, tag, rest[:length])


def check_tag(content: Content, tag_key: bytes, mailbox: bytes, dk_id: int) -> None:
    """Refuses a wrong sender tag."""
    wanted = sender_tag(tag_key, mailbox, dk_id, content.account_id, content.device_id, content.carried)
    if not same(wanted, content.tag):
        raise Refused("bad-sender")


assert OVERHEAD == FIXED_PART + hpke.ENC_LENGTH + 2 * ID_LENGTH + TAG_LENGTH + 4 + 16
