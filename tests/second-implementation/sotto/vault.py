"""Records at rest and the slot table (sections 15.1 and 15.3)."""

from dataclasses import dataclass

from .errors import Refused
from .passphrase import SALT_LENGTH, Cost, read_cost
from .primitives import (NONCE_LENGTH, TAG_LENGTH, Randomness, gcm_open, gcm_seal, hkdf, hmac, label, same, u8, u32,
                         u64)

VERSION = 1
SCHEMA = 1
REVISION = 0

NO_PASSPHRASE, ARGON2ID = 0, 1
HEAD_LENGTH = 26
SLOTS = 4
SLOT_LENGTH = 97
TABLE_LENGTH = HEAD_LENGTH + SLOTS * SLOT_LENGTH
R_LENGTH, COMMIT_LENGTH = 16, 32
MAIN, DECOY = 1, 2
NO_PK = bytes(32)
"""What stands for `pk` in a table without passphrase."""


def store_key(vault_key: bytes, store: str) -> bytes:
    """The key of one store's records."""
    return hkdf(b"", vault_key, label("vault-store", store.encode()), 32)


@dataclass(frozen=True)
class Place:
    """Where a record lies: it opens nowhere else."""

    store: str
    key: bytes
    schema: int = SCHEMA
    revision: int = REVISION

    @property
    def aad(self) -> bytes:
        """Store name, key, schema and revision, each preceded by its length."""
        parts = (self.store.encode(), self.key, u32(self.schema), u64(self.revision))
        return b"".join(u32(len(part)) + part for part in parts)


def seal_record(vault_key: bytes, place: Place, plaintext: bytes, nonce: bytes) -> bytes:
    """`version 1 ‖ nonce 12 ‖ ciphertext ‖ tag 16`."""
    return u8(VERSION) + nonce + gcm_seal(store_key(vault_key, place.store), nonce, plaintext, place.aad)


def open_record(vault_key: bytes, place: Place, record: bytes) -> bytes:
    """The plaintext of a record, or a refusal."""
    if len(record) < 1 + NONCE_LENGTH + TAG_LENGTH or record[0] != VERSION:
        raise Refused("malformed", "length or version of the record")
    nonce, sealed = record[1:1 + NONCE_LENGTH], record[1 + NONCE_LENGTH:]
    return gcm_open(store_key(vault_key, place.store), nonce, sealed, place.aad)


def record_name(vault_key: bytes, place: Place) -> bytes:
    """The name under which storage learns nothing (20)."""
    return hmac(hkdf(b"", vault_key, label("vault-names", place.store.encode()), 32), place.key)[:16]


def wrap(wrapping_key: bytes, purpose: str, content: bytes, nonce: bytes) -> bytes:
    """What lies in the store `keyring`: `nonce 12 ‖ GCM ciphertext ‖ tag 16`, AAD the label."""
    return nonce + gcm_seal(wrapping_key, nonce, content, label(purpose))


def unwrap(wrapping_key: bytes, purpose: str, wrapped: bytes) -> bytes:
    """The content of what `wrap` made."""
    return gcm_open(wrapping_key, wrapped[:NONCE_LENGTH], wrapped[NONCE_LENGTH:], label(purpose))


@dataclass(frozen=True)
class Head:
    """The first 26 bytes of a slot table; no cost and no salt without a passphrase."""

    cost: Cost | None
    salt: bytes = bytes(SALT_LENGTH)

    def write(self) -> bytes:
        """The head as it is stored and bound into every slot."""
        if self.cost is None:
            return u8(VERSION) + u8(NO_PASSPHRASE) + bytes(HEAD_LENGTH - 2)
        return u8(VERSION) + u8(ARGON2ID) + self.cost.write() + self.salt


@dataclass(frozen=True)
class Opened:
    """What a slot gave."""

    slot: int
    role: int
    vault_key: bytes


def slot_key(head: bytes, index: int, r: bytes, pk: bytes) -> tuple[bytes, bytes]:
    """K and commit of a slot."""
    out = hkdf(r, pk, label("vault-slot", head + u8(index)), 64)
    return out[:32], out[32:]


def seal_slot(head: bytes, index: int, pk: bytes, role: int, vault_key: bytes, r: bytes) -> bytes:
    """A used slot, 97 bytes."""
    key, commit = slot_key(head, index, r, pk)
    return r + commit + gcm_seal(key, bytes(NONCE_LENGTH), u8(role) + vault_key, head + u8(index))


def read_table(table: bytes) -> tuple[Head, list[bytes]]:
    """Rule 1 of reading: the head and the four slots."""
    if not table:
        raise Refused("malformed", "empty")
    if table[0] != VERSION:
        raise Refused("newer-version")
    if len(table) != TABLE_LENGTH or table[1] not in (NO_PASSPHRASE, ARGON2ID):
        raise Refused("malformed", "length or kdf")
    slots = [table[at:at + SLOT_LENGTH] for at in range(HEAD_LENGTH, TABLE_LENGTH, SLOT_LENGTH)]
    if table[1] == NO_PASSPHRASE:
        if any(table[2:HEAD_LENGTH]):
            raise Refused("malformed", "a cost or salt without a passphrase")
        return Head(None), slots
    cost = read_cost(table[2:10])
    cost.check()
    return Head(cost, table[10:HEAD_LENGTH]), slots


def open_table(table: bytes, pk: bytes) -> Opened:
    """Rules 1 to 4 of reading, with `pk`."""
    head, slots = read_table(table)
    keys = [slot_key(head.write(), index, slot[:R_LENGTH], pk) for index, slot in enumerate(slots)]
    fitting = [index for index, (_, commit) in enumerate(keys)
               if same(commit, slots[index][R_LENGTH:R_LENGTH + COMMIT_LENGTH])]
    if not fitting:
        raise Refused("no-slot")
    if len(fitting) > 1:
        raise Refused("damaged", "more than one slot")
    index = fitting[0]
    try:
        plaintext = gcm_open(keys[index][0], bytes(NONCE_LENGTH), slots[index][R_LENGTH + COMMIT_LENGTH:],
                             head.write() + u8(index))
    except Refused:
        raise Refused("damaged", "tag of the slot") from None
    role, vault_key = plaintext[0], plaintext[1:]
    if role not in (MAIN, DECOY) or head.cost is None and role != MAIN:
        raise Refused("damaged", "role")
    return Opened(index, role, vault_key)


def new_table(head: Head, pk: bytes, vault_key: bytes, randomness: Randomness) -> bytes:
    """A new table: four random slots, of which one, chosen at random, becomes the main vault's."""
    slots = [randomness(SLOT_LENGTH) for _ in range(SLOTS)]
    number = randomness(1)[0] % SLOTS
    slots[number] = seal_slot(head.write(), number, pk, MAIN, vault_key, randomness(R_LENGTH))
    return head.write() + b"".join(slots)


def _with_slot(table: bytes, number: int, slot: bytes) -> bytes:
    at = HEAD_LENGTH + number * SLOT_LENGTH
    return table[:at] + slot + table[at + SLOT_LENGTH:]


def _check_free(table: bytes, pk: bytes, but: int | None) -> None:
    """Refuses a passphrase that opens a slot already, but for one that is written anew with it."""
    try:
        number = open_table(table, pk).slot
    except Refused as refusal:
        if refusal.rule == "no-slot":
            return
        raise
    if number != but:
        raise Refused("taken")


def change_passphrase(table: bytes, pk: bytes, new_pk: bytes, randomness: Randomness) -> bytes:
    """Seals the slot that `pk` opens anew, under the same head."""
    opened = open_table(table, pk)
    _check_free(table, new_pk, opened.slot)
    slot = seal_slot(table[:HEAD_LENGTH], opened.slot, new_pk, opened.role, opened.vault_key, randomness(R_LENGTH))
    return _with_slot(table, opened.slot, slot)


def _open_main(table: bytes, pk: bytes) -> Opened:
    """Only who opened the main vault may go on."""
    opened = open_table(table, pk)
    if opened.role != MAIN:
        raise Refused("not-main")
    return opened


def set_duress(table: bytes, pk: bytes, duress_pk: bytes, decoy_key: bytes, randomness: Randomness) -> bytes:
    """Writes the decoy's slot, the one after the main vault's."""
    opened = _open_main(table, pk)
    if read_table(table)[0].cost is None:
        raise Refused("no-passphrase")
    number = (opened.slot + 1) % SLOTS
    _check_free(table, duress_pk, number)
    slot = seal_slot(table[:HEAD_LENGTH], number, duress_pk, DECOY, decoy_key, randomness(R_LENGTH))
    return _with_slot(table, number, slot)


def remove_duress(table: bytes, pk: bytes, randomness: Randomness) -> bytes:
    """Writes random bytes where the decoy's slot is."""
    opened = _open_main(table, pk)
    return _with_slot(table, (opened.slot + 1) % SLOTS, randomness(SLOT_LENGTH))


def remove_passphrases(table: bytes, pk: bytes, randomness: Randomness) -> bytes:
    """A new table without passphrase; the decoy is lost."""
    return new_table(Head(None), NO_PK, _open_main(table, pk).vault_key, randomness)
