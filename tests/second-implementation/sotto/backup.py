"""Backups (section 22)."""

import re
from dataclasses import dataclass

from . import device_list
from .device_list import ID_LENGTH, account_id
from .errors import Refused
from .files import MOST_BYTES
from .passphrase import SALT_LENGTH, Cost, read_cost
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
    "account": {0: Field("version", Exactly(1, "unknown-version", bits=32)), 1: Field("aik", Fixed(SCALAR_LENGTH)),
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


def plaintext_of(items: list[bytes]) -> bytes:
    """The items, the end, and zeros up to a size that tells little."""
    plaintext = b"".join(u32(len(item)) + item for item in items) + bytes(4)
    return plaintext.ljust(padme(-(-len(plaintext) // CHUNK_LENGTH)) * CHUNK_LENGTH, b"\0")


def seal(head: Head, secret: bytes, plaintext: bytes) -> bytes:
    """The whole backup, of a plaintext of full chunks."""
    key, commit = head.keys(secret)
    full_head = head.bound + head.r + commit
    parts = [plaintext[at:at + CHUNK_LENGTH] for at in range(0, len(plaintext), CHUNK_LENGTH)]
    return full_head + b"".join(gcm_seal(key, _nonce(i, i == len(parts) - 1), part, full_head)
                                for i, part in enumerate(parts))


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


def chunks_in(size: int) -> int:
    """Rule 2 of reading: how many chunks a backup of that size has."""
    count, rest = divmod(size - HEAD_LENGTH, CHUNK_LENGTH + TAG_LENGTH)
    if rest or not 1 <= count <= MOST_CHUNKS or padme(count) != count:
        raise Refused("wrong-length")
    return count


def open_(data: bytes, secret: bytes) -> list[bytes]:
    """The items of a backup whose secret is known: rules 1 to 5 of reading."""
    head = read_head(data)
    count = chunks_in(len(data))
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
        if length > LONGEST_ITEM or at + length > len(plaintext):
            raise Refused("malformed", "an item too long, or no end")
        if length == 0:
            break
        items.append(plaintext[at:at + length])
        at += length
    if any(plaintext[at:]) or padme(-(-at // CHUNK_LENGTH)) != count:
        raise Refused("malformed", "what follows the end")
    return items


def checksum(key: bytes) -> bytes:
    """The last two groups of a recovery key's text."""
    return labelled_hash("recovery-key", key)[:4]


def recovery_text(key: bytes) -> str:
    """The text form of a recovery key: 18 groups of five digits."""
    data = key + checksum(key)
    return " ".join(f"{int.from_bytes(data[i:i + 2], 'big'):05}" for i in range(0, len(data), 2))


def read_recovery_text(text: str) -> bytes:
    """The recovery key of a text form."""
    digits = re.sub("[ \t\r\n-]", "", text)
    if not re.fullmatch(r"[0-9]*", digits, re.ASCII):
        raise Refused("not-a-digit")
    if len(digits) != 90:
        raise Refused("wrong-length")
    groups = [int(digits[i:i + 5]) for i in range(0, 90, 5)]
    if max(groups) > 0xFFFF:
        raise Refused("mistyped", "a group above 65535")
    data = b"".join(group.to_bytes(2, "big") for group in groups)
    if data[32:] != checksum(data[:32]):
        raise Refused("mistyped", "checksum")
    return data[:32]


def read_entry(data: bytes) -> Variant:
    """Reads an entry and verifies what is in it (22.3)."""
    entry = read_signed(ENTRY, data, LONGEST_ITEM)
    fields = entry.fields
    if entry.name == "account":
        try:
            aik = public_of(fields["aik"])
        except Refused:
            raise Refused("bad-key", "no scalar") from None
        if device_list.read(fields["device_list"]).aik != aik:
            raise Refused("wrong-account")
    elif entry.name == "contact":
        device_list.read(fields["device_list"])
    return entry


def read_entries(items: list[bytes]) -> list[Variant]:
    """Reads the items of a backup and checks their order (22.3)."""
    entries = [read_entry(item) for item in items]
    if [entry.name == "account" for entry in entries] != [True] + [False] * (len(entries) - 1):
        raise Refused("account-place")
    own = account_id(public_of(entries[0].fields["aik"]))
    contacts: list[bytes] = []
    before: tuple | None = None
    for entry in entries[1:]:
        if entry.name == "contact":
            _check_contact(entry, own, contacts)
            before = None
        else:
            before = _check_message(entry, own, contacts, before)
    return entries


def _check_contact(entry: Variant, own: bytes, contacts: list[bytes]) -> None:
    contact = device_list.read(entry.fields["device_list"]).account_id
    if contact == own:
        raise Refused("own-account")
    if contacts and contact <= contacts[-1]:
        raise Refused("contact-order")
    if len(contacts) == MOST_CONTACTS:
        raise Refused("too-many-contacts")
    contacts.append(contact)


def _check_message(entry: Variant, own: bytes, contacts: list[bytes], before: tuple | None) -> tuple:
    fields = entry.fields
    if not contacts:
        raise Refused("message-order", "before the first contact")
    if fields["author"] not in (own, contacts[-1]):
        raise Refused("foreign-author")
    place = (fields["lamport"], fields["author"], fields["sequence"])
    if before is not None and place <= before:
        raise Refused("message-order")
    return place
