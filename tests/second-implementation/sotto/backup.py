"""Backups (section 22)."""

import re
from dataclasses import dataclass
from typing import Any

from . import device_list
from .device_list import ID_LENGTH, account_id
from .errors import Refused
from .files import MOST_BYTES
from .passphrase import SALT_LENGTH, Cost, read_cost, stretch
from .points import SCALAR_LENGTH, public_of
from .primitives import TAG_LENGTH, gcm_open, gcm_seal, hkdf, label, labelled_hash, same, u8, u32
from .schema import (Bool, Bytes, Choice, Choices, Exactly, Field, Fixed, Integer, Text, Variant, read_signed)

MAGIC = b"SOTB"
VERSION = 1
RECOVERY_KEY, ARGON2ID = 0, 1
HEAD_LENGTH = 78
BOUND_LENGTH = 30
R_LENGTH = 16
CHUNK_LENGTH = 65_536
MOST_CHUNKS = 65_536
LONGEST_ITEM = 61_440
MOST_CONTACTS = 1_000

ID = Fixed(ID_LENGTH)
NAME = Text(128)

WHAT = Choice({
    "text": {0: Field("text", Text(57_344))},
    "file": {0: Field("name", Text(1_024)), 1: Field("size", Integer(64, most=MOST_BYTES)),
             2: Field("media_type", Text(255))},
    "missing": {0: Field("count", Integer(64))},
    "milestone": {0: Field("kind", Choices(("came_by_ours", "came_by_theirs", "confirmed", "ended")))},
})

ENTRY = Choice({
    "account": {0: Field("version", Exactly(1, "newer-version", bits=32)), 1: Field("aik", Fixed(SCALAR_LENGTH)),
                2: Field("device_list", Bytes(device_list.LIMIT)), 3: Field("name", NAME),
                4: Field("created", Integer(64))},
    "contact": {0: Field("device_list", Bytes(device_list.LIMIT)), 1: Field("name", NAME), 2: Field("own_name", NAME),
                3: Field("verified", Bool()),
                4: Field("standing", Choices(("awaiting_theirs", "awaiting_ours", "confirmed", "ended"))),
                5: Field("mailbox", ID), 6: Field("token", Fixed(32))},
    "message": {0: Field("lamport", Integer(64)), 1: Field("author", ID), 2: Field("sequence", Integer(64)),
                3: Field("id", ID), 4: Field("sent_at", Integer(64)), 5: Field("what", WHAT)},
})


@dataclass(frozen=True)
class Head:
    """The head without its commit: neither cost nor salt with a recovery key."""

    cost: Cost | None
    r: bytes
    salt: bytes = bytes(SALT_LENGTH)

    @property
    def bound(self) -> bytes:
        """`head[..30]`."""
        kdf, cost = (RECOVERY_KEY, bytes(8)) if self.cost is None else (ARGON2ID, self.cost.write())
        return MAGIC + u8(VERSION) + u8(kdf) + cost + self.salt

    def secret(self, passphrase: str) -> bytes:
        """The secret of a backup under a passphrase."""
        if self.cost is None:
            raise ValueError("this backup has a recovery key")
        return stretch(passphrase, self.salt, self.cost)

    def keys(self, secret: bytes) -> tuple[bytes, bytes]:
        """K and commit."""
        out = hkdf(self.r, secret, label("backup", self.bound), 64)
        return out[:32], out[32:]


def padme(number: int) -> int:
    """Padmé: the size that a size is padded to."""
    if number < 2:
        return number
    exponent = number.bit_length() - 1
    step = 1 << exponent - exponent.bit_length()
    return -(-number // step) * step


def _nonce(index: int, last: bool) -> bytes:
    return bytes(7) + u32(index) + u8(last)


def seal(head: Head, secret: bytes, items: list[bytes]) -> bytes:
    """The whole backup."""
    plaintext = b"".join(u32(len(item)) + item for item in items) + bytes(4)
    count = padme(-(-len(plaintext) // CHUNK_LENGTH))
    plaintext = plaintext.ljust(count * CHUNK_LENGTH, b"\0")
    key, commit = head.keys(secret)
    full_head = head.bound + head.r + commit
    chunks = (gcm_seal(key, _nonce(i, i == count - 1), plaintext[i * CHUNK_LENGTH:(i + 1) * CHUNK_LENGTH], full_head)
              for i in range(count))
    return full_head + b"".join(chunks)


def read_head(data: bytes) -> Head:
    """Rule 1 of reading."""
    if data[:4] != MAGIC:
        raise Refused("not-a-backup", "magic")
    if len(data) > 4 and data[4] != VERSION:
        raise Refused("newer-version")
    if len(data) < HEAD_LENGTH or data[5] not in (RECOVERY_KEY, ARGON2ID):
        raise Refused("not-a-backup", "head")
    salt, r = data[14:BOUND_LENGTH], data[BOUND_LENGTH:BOUND_LENGTH + R_LENGTH]
    if data[5] == RECOVERY_KEY:
        if any(data[6:BOUND_LENGTH]):
            raise Refused("not-a-backup", "a cost or salt with a recovery key")
        return Head(None, r)
    cost = read_cost(data[6:14])
    cost.check()
    return Head(cost, r, salt)


def open_(data: bytes, secret: bytes) -> list[bytes]:
    """The items of a backup whose secret is known: rules 1 to 5 of reading."""
    head = read_head(data)
    count, rest = divmod(len(data) - HEAD_LENGTH, CHUNK_LENGTH + TAG_LENGTH)
    if rest or not 1 <= count <= MOST_CHUNKS or padme(count) != count:
        raise Refused("wrong-length")
    key, commit = head.keys(secret)
    if not same(commit, data[BOUND_LENGTH + R_LENGTH:HEAD_LENGTH]):
        raise Refused("wrong-key")
    plaintext = b""
    for i in range(count):
        at = HEAD_LENGTH + i * (CHUNK_LENGTH + TAG_LENGTH)
        sealed = data[at:at + CHUNK_LENGTH + TAG_LENGTH]
        try:
            plaintext += gcm_open(key, _nonce(i, i == count - 1), sealed, data[:HEAD_LENGTH])
        except Refused:
            raise Refused("bad-chunk") from None
    return _items(plaintext, count)


def _items(plaintext: bytes, count: int) -> list[bytes]:
    items, at = [], 0
    while True:
        length = int.from_bytes(plaintext[at:at + 4], "big")
        at += 4
        if at > len(plaintext) or length > LONGEST_ITEM or at + length > len(plaintext):
            raise Refused("malformed", "an item too long, or no end")
        if length == 0:
            break
        items.append(plaintext[at:at + length])
        at += length
    if any(plaintext[at:]) or padme(-(-at // CHUNK_LENGTH)) != count:
        raise Refused("malformed", "what follows the end")
    return items


def recovery_text(key: bytes) -> str:
    """The text form of a recovery key: 18 groups of five digits."""
    data = key + labelled_hash("recovery-key", key)[:4]
    return " ".join(f"{int.from_bytes(data[i:i + 2], 'big'):05}" for i in range(0, len(data), 2))


def read_recovery_text(text: str) -> bytes:
    """The recovery key of a text form."""
    digits = re.sub("[ \t\r\n-]", "", text)
    if not re.fullmatch("[0-9]*", digits):
        raise Refused("not-a-digit")
    if len(digits) != 90:
        raise Refused("wrong-length")
    groups = [int(digits[i:i + 5]) for i in range(0, 90, 5)]
    if max(groups) > 0xFFFF:
        raise Refused("mistyped", "a group above 65535")
    data = b"".join(group.to_bytes(2, "big") for group in groups)
    if data != data[:32] + labelled_hash("recovery-key", data[:32])[:4]:
        raise Refused("mistyped", "checksum")
    return data[:32]


def read_entries(items: list[bytes]) -> list[Variant]:
    """Reads the items as entries and checks their order (22.3)."""
    entries = [read_signed(ENTRY, item, LONGEST_ITEM) for item in items]
    if not entries or entries[0].name != "account":
        raise Refused("order", "the first is not an account")
    own = _account(entries[0].fields)
    contact: bytes | None = None
    contacts = 0
    before: tuple | None = None
    for entry in entries[1:]:
        if entry.name == "contact":
            following = device_list.read(entry.fields["device_list"]).account_id
            contacts += 1
            if following == own or contact is not None and following <= contact or contacts > MOST_CONTACTS:
                raise Refused("order", "of contacts")
            contact, before = following, None
        elif entry.name == "message" and contact is not None:
            place = _place(entry.fields)
            if entry.fields["author"] not in (own, contact) or before is not None and place <= before:
                raise Refused("order", "of messages")
            before = place
        else:
            raise Refused("order", "a second account, or a message before a contact")
    return entries


def _account(fields: dict[str, Any]) -> bytes:
    aik = public_of(fields["aik"])
    if device_list.read(fields["device_list"]).aik != aik:
        raise Refused("device-list", "not of the account key")
    return account_id(aik)


def _place(fields: dict[str, Any]) -> tuple[int, bytes, int]:
    return fields["lamport"], fields["author"], fields["sequence"]
