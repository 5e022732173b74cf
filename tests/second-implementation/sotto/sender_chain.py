"""Sender chains and group messages (sections 21.6 to 21.8)."""

import copy
from dataclasses import dataclass, field
from typing import Any

from . import signatures, signed
from .device_list import ID_LENGTH, Device, account_id
from .errors import Refused
from .points import public_of
from .primitives import NONCE_LENGTH, TAG_LENGTH, gcm_open, gcm_seal, hkdf, hmac, label, labelled_hash, same, u8, u32
from .ratchet import SKIPPED_AGE
from .roster import Roster
from .schema import Exactly, Field, Fixed, Integer, Point, Structure, read_plain

ANNOUNCEMENT_LIMIT = 256
LENGTH = 100
LIFE = 7 * 24 * 60 * 60 * 1000
VERSION = 1
HEADER_LENGTH = 121
PLAINTEXT_LIMIT = 61_440
LEAST = HEADER_LENGTH + TAG_LENGTH + signatures.SIGNATURE_LENGTH
MOST = LEAST + PLAINTEXT_LIMIT
MOST_CHAINS = 3
MOST_GONE = 64

ANNOUNCEMENT = Structure({
    0: Field("version", Exactly(1, "unknown-version")),
    1: Field("group_id", Fixed(ID_LENGTH)),
    2: Field("epoch", Integer(32)),
    3: Field("roster_hash", Fixed(32)),
    4: Field("n", Integer(32, most=LENGTH - 1)),
    5: Field("ck", Fixed(32)),
    6: Field("gsk", Point()),
})


def read_announcement(data: bytes) -> dict[str, Any]:
    """Step 1 of taking an announcement."""
    return read_plain(ANNOUNCEMENT, data, ANNOUNCEMENT_LIMIT)


def chain_id(group_id: bytes, account: bytes, device_id: bytes, gsk: bytes) -> bytes:
    """Binds group, account, device and key."""
    return labelled_hash("sender-chain", group_id + account + device_id + gsk)[:16]


def chain_step(ck: bytes) -> tuple[bytes, bytes]:
    """The message key and CK′."""
    return hmac(ck, b"\1"), hmac(ck, b"\2")


def message_keys(mk: bytes, r: bytes, group_id: bytes, chain: bytes, n: int) -> tuple[bytes, bytes, bytes]:
    """Key, nonce and commit of one message."""
    out = hkdf(r, mk, label("sender-message", group_id + chain + u32(n)), 76)
    return out[:32], out[32:32 + NONCE_LENGTH], out[44:]


@dataclass(frozen=True)
class Place:
    """A place in the log."""

    epoch: int
    roster_hash: bytes


@dataclass(frozen=True)
class Header:
    """The first 121 bytes of a group message."""

    group_id: bytes
    place: Place
    chain_id: bytes
    n: int
    r: bytes
    commit: bytes

    def write(self) -> bytes:
        """The header as it is sent, authenticated and signed."""
        return (u8(VERSION) + self.group_id + u32(self.place.epoch) + self.place.roster_hash + self.chain_id
                + u32(self.n) + self.r + self.commit)


def read_header(data: bytes) -> Header:
    """The header of a message of a good length."""
    if not LEAST <= len(data) <= MOST or data[0] != VERSION:
        raise Refused("malformed", "length or version")
    place = Place(int.from_bytes(data[17:21], "big"), data[21:53])
    return Header(data[1:17], place, data[53:69], int.from_bytes(data[69:73], "big"), data[73:89], data[89:121])


@dataclass
class SendingChain:
    """The own chain of a device in a group."""

    group_id: bytes
    account: bytes
    device_id: bytes
    gsk_private: bytes
    ck: bytes
    place: Place
    made: int
    n: int = 0

    @property
    def gsk(self) -> bytes:
        """The public half of the signing key."""
        return public_of(self.gsk_private)

    @property
    def id(self) -> bytes:
        """The chain id."""
        return chain_id(self.group_id, self.account, self.device_id, self.gsk)

    def announce(self) -> bytes:
        """The announcement at the present position."""
        return ANNOUNCEMENT.write({"version": 1, "group_id": self.group_id, "epoch": self.place.epoch,
                                   "roster_hash": self.place.roster_hash, "n": self.n, "ck": self.ck, "gsk": self.gsk})

    def must_rotate(self, roster: Roster, now: int) -> bool:
        """The first two rules of 21.8; the others are the device's to see."""
        return self.n >= LENGTH or now - self.made >= LIFE or roster.state.removal > self.place.epoch

    def seal(self, plaintext: bytes, place: Place, r: bytes, extra: bytes) -> bytes:
        """Seals a group message at a place; `r` and `extra` are the random bytes, in this order."""
        if len(plaintext) > PLAINTEXT_LIMIT:
            raise Refused("too-large")
        if self.n >= LENGTH:
            raise Refused("exhausted")
        mk, self.ck = chain_step(self.ck)
        key, nonce, commit = message_keys(mk, r, self.group_id, self.id, self.n)
        header = Header(self.group_id, place, self.id, self.n, r, commit).write()
        self.n += 1
        sealed = header + gcm_seal(key, nonce, plaintext, header)
        return sealed + signatures.sign(self.gsk_private, "group-message", sealed, extra)


@dataclass
class ReceivingChain:
    """A chain of another device."""

    id: bytes
    gsk: bytes
    place: Place
    ck: bytes
    next: int
    skipped: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def take(self, n: int, now: int) -> bytes:
        """The message key of a number; moves the chain on or uses a skipped key up."""
        if n < self.next:
            if n not in self.skipped:
                raise Refused("key-gone")
            return self.skipped.pop(n)[0]
        while self.next < n:
            mk, self.ck = chain_step(self.ck)
            self.skipped[self.next] = (mk, now)
            self.next += 1
        mk, self.ck = chain_step(self.ck)
        self.next += 1
        return mk

    def forget_before(self, now: int) -> None:
        """Forgets skipped keys older than 45 days."""
        self.skipped = {n: kept for n, kept in self.skipped.items() if kept[1] >= now - SKIPPED_AGE}


@dataclass
class Receiver:
    """The chains that a device keeps of the other devices in a group."""

    roster: Roster
    own_gsk: bytes | None = None
    chains: dict[tuple[bytes, bytes], list[ReceivingChain]] = field(default_factory=dict)
    gone: dict[tuple[bytes, bytes], list[bytes]] = field(default_factory=dict)

    def take_announcement(self, data: bytes, sender: Device) -> tuple[bytes, bool]:
        """Takes an announcement, in the order of 21.6. The chain's id, and whether it was new."""
        fields = read_announcement(data)
        self._check_group(fields["group_id"], sender)
        place = Place(fields["epoch"], fields["roster_hash"])
        self.roster.place(sender.aik, place.epoch, place.roster_hash)
        state = self.roster.state
        if place.epoch < state.members[sender.aik].since:
            raise Refused("not-member")
        if place.epoch < state.removal:
            raise Refused("stale")
        self._check_gsk(fields["gsk"], sender)
        name = chain_id(self.roster.group_id, account_id(sender.aik), sender.device_id, fields["gsk"])
        kept = self.chains.setdefault((sender.aik, sender.device_id), [])
        gone = self.gone.setdefault((sender.aik, sender.device_id), [])
        new = name not in gone and not any(chain.id == name for chain in kept)
        if new:
            kept.append(ReceivingChain(name, fields["gsk"], place, fields["ck"], fields["n"]))
            gone.extend(chain.id for chain in kept[:-MOST_CHAINS])
            del kept[:-MOST_CHAINS], gone[:-MOST_GONE]
        return name, new

    def _check_group(self, group_id: bytes, sender: Device) -> None:
        if group_id != self.roster.group_id:
            raise Refused("wrong-group")
        if sender.aik not in self.roster.state.members:
            raise Refused("not-member")

    def _check_gsk(self, gsk: bytes, sender: Device) -> None:
        others = (chain.gsk for device, chains in self.chains.items() for chain in chains
                  if device != (sender.aik, sender.device_id))
        if gsk in (sender.aik, sender.dsk, sender.dik, self.own_gsk) or gsk in others:
            raise Refused("reused-key")

    def open(self, data: bytes, sender: Device, now: int) -> bytes:
        """Opens a group message, in the order of 21.7."""
        header = read_header(data)
        self._check_group(header.group_id, sender)
        kept = self.chains.get((sender.aik, sender.device_id), [])
        chain = next((chain for chain in kept if chain.id == header.chain_id), None)
        if chain is None:
            raise Refused("unknown-chain")
        if header.n >= LENGTH:
            raise Refused("too-far-ahead")
        sealed, signature = data[:-signatures.SIGNATURE_LENGTH], data[-signatures.SIGNATURE_LENGTH:]
        signed.verify(chain.gsk, "group-message", sealed, signature)
        self.roster.place(sender.aik, header.place.epoch, header.place.roster_hash)
        if header.place.epoch < chain.place.epoch:
            raise Refused("back-dated")
        if chain.place.epoch < self.roster.state.removal <= header.place.epoch:
            raise Refused("not-rotated")
        moved = copy.deepcopy(chain)
        key, nonce, commit = message_keys(moved.take(header.n, now), header.r, header.group_id, chain.id, header.n)
        if not same(commit, header.commit):
            raise Refused("bad-commit")
        try:
            plaintext = gcm_open(key, nonce, sealed[HEADER_LENGTH:], header.write())
        except Refused:
            raise Refused("bad-tag") from None
        kept[kept.index(chain)] = moved
        return plaintext

    def follow(self) -> None:
        """Deletes what is kept of accounts that are no longer members (21.8)."""
        self.chains, self.gone = ({device: chains for device, chains in kept.items()
                                   if device[0] in self.roster.state.members}
                                  for kept in (self.chains, self.gone))
