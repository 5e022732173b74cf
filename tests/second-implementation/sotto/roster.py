"""Rosters (sections 21.1 to 21.5)."""

from dataclasses import dataclass, field
from typing import Any

from . import signatures, signed
from .device_list import ID_LENGTH, Device, DeviceList
from .errors import Refused
from .primitives import labelled_hash
from .schema import Choice, Choices, Exactly, Field, Fixed, Integer, Point, Structure, Variant

LIMIT = 512
ROLES = ("member", "admin", "owner")
LAST_EPOCH = 4_095
OWNERS_ONLY_FROM = 3_072
MOST_MEMBERS = 128
MOST_IN_BRANCH = 4_095
NO_HASH = bytes(32)
NO_GROUP = bytes(16)

OPERATION = Choice({
    "genesis": {0: Field("salt", Fixed(32))},
    "add": {0: Field("aik", Point()), 1: Field("role", Choices(ROLES))},
    "remove": {0: Field("aik", Point())},
    "role": {0: Field("aik", Point()), 1: Field("role", Choices(ROLES))},
    "leave": {},
    "merge": {0: Field("other", Fixed(32))},
})

ENTRY = Structure({
    0: Field("version", Exactly(1, "unknown-version")),
    1: Field("group_id", Fixed(ID_LENGTH)),
    2: Field("epoch", Integer(32)),
    3: Field("previous", Fixed(32)),
    4: Field("actor", Point()),
    5: Field("device_id", Fixed(ID_LENGTH)),
    6: Field("list_hash", Fixed(32)),
    7: Field("operation", OPERATION),
})


@dataclass(frozen=True)
class Entry:
    """An entry whose signature was verified."""

    group_id: bytes
    epoch: int
    previous: bytes
    actor: bytes
    operation: Variant
    hash: bytes

    @property
    def other(self) -> bytes | None:
        """The second parent of a merge."""
        return self.operation.fields["other"] if self.operation.name == "merge" else None


def write(fields: dict[str, Any], dsk_private: bytes, extra: bytes) -> bytes:
    """Writes and signs an entry."""
    inner = ENTRY.write(fields)
    return signed.wrap(inner, signatures.sign(dsk_private, "roster-entry", inner, extra))


def verify(data: bytes, named: DeviceList, newest: DeviceList | None = None, history: bool = False) -> Entry:
    """Reads an entry and verifies it, in the order of 21.2.

    `named` is the list that the entry should name; `newest` the newest of the actor's that is known, if it is another.
    """
    fields, inner, signature = signed.unwrap(ENTRY, data, LIMIT)
    zeros = (fields["group_id"] == NO_GROUP, fields["epoch"] == 0, fields["previous"] == NO_HASH)
    if fields["operation"].name == "genesis":
        if not all(zeros):
            raise Refused("malformed", "a genesis in the middle")
    elif fields["epoch"] == 0:
        raise Refused("malformed", "epoch 0 of what is no genesis")
    if named.hash != fields["list_hash"]:
        raise Refused("other-list", "not the one it names")
    if named.aik != fields["actor"]:
        raise Refused("wrong-account")
    device = named.device(fields["device_id"])
    if device is None:
        raise Refused("unlisted-device")
    if not history:
        _check_today(device, named, newest or named)
    signed.verify(device.dsk, "roster-entry", inner, signature)
    own_group = labelled_hash("group-id", inner)[:16]
    group_id = own_group if fields["operation"].name == "genesis" else fields["group_id"]
    return Entry(group_id, fields["epoch"], fields["previous"], fields["actor"], fields["operation"],
                 labelled_hash("roster-hash", inner))


def list_named_by(data: bytes) -> bytes:
    """The hash of the list that an entry names: the only thing used of it before it is verified."""
    return signed.unwrap(ENTRY, data, LIMIT)[0]["list_hash"]


def _check_today(device: Device, named: DeviceList, known: DeviceList) -> None:
    """Step 4: the device stands in the newest list with the same key."""
    newest = max(known, named, key=lambda listed: listed.list_version)
    if newest.list_version == named.list_version and newest.hash != named.hash:
        raise Refused("other-list", "two lists of one version")
    today = newest.device(device.device_id)
    if today is None or today.dsk != device.dsk:
        raise Refused("device-gone")


@dataclass(frozen=True)
class Member:
    """A member: its role and the epoch of the entry that added it last."""

    role: str
    since: int


@dataclass(frozen=True)
class State:
    """What belongs to an entry: the members by AIK, and `R`."""

    epoch: int
    members: dict[bytes, Member]
    removal: int = 0

    def role(self, aik: bytes) -> str | None:
        """The role of an account, if it is a member."""
        member = self.members.get(aik)
        return member.role if member else None

    def only_owner(self, aik: bytes) -> bool:
        """Whether that account is the only owner."""
        return [key for key, member in self.members.items() if member.role == "owner"] == [aik]


def _authorise(state: State, entry: Entry) -> None:
    """The table of 21.4, but for merges."""
    name, fields = entry.operation.name, entry.operation.fields
    actor, target = state.role(entry.actor), fields.get("aik")
    if name != "leave" and entry.epoch >= OWNERS_ONLY_FROM and actor != "owner":
        raise Refused("owners-only")
    if name == "add":
        if actor == "member" or actor == "admin" and fields["role"] != "member":
            raise Refused("not-allowed")
        if target in state.members:
            raise Refused("already-member")
        if len(state.members) >= MOST_MEMBERS:
            raise Refused("group-full")
    elif name == "remove":
        if target == entry.actor or actor == "member":
            raise Refused("not-allowed")
        if target not in state.members:
            raise Refused("no-such-member")
        if actor == "admin" and state.role(target) != "member":
            raise Refused("not-allowed")
    elif name == "role":
        if actor != "owner":
            raise Refused("not-allowed")
        if target not in state.members:
            raise Refused("no-such-member")
        if state.role(target) == fields["role"]:
            raise Refused("same-role")
        if state.only_owner(target):
            raise Refused("last-owner")
    elif name == "leave" and state.only_owner(entry.actor):
        raise Refused("last-owner")


def _following(state: State, entry: Entry) -> State:
    """The state of an entry that is not a merge (21.3 steps 4 to 7, 21.4)."""
    if entry.epoch != state.epoch + 1:
        raise Refused("wrong-epoch")
    if entry.epoch > LAST_EPOCH:
        raise Refused("log-full")
    if entry.actor not in state.members:
        raise Refused("not-member")
    _authorise(state, entry)
    name, fields = entry.operation.name, entry.operation.fields
    members, removal = dict(state.members), state.removal
    if name == "add":
        members[fields["aik"]] = Member(fields["role"], entry.epoch)
    elif name == "role":
        members[fields["aik"]] = Member(fields["role"], members[fields["aik"]].since)
    else:
        del members[fields["aik"] if name == "remove" else entry.actor]
        removal = entry.epoch
    return State(entry.epoch, members, removal)


def _merged(one: State, other: State, entry: Entry) -> State:
    """The state of a merge (21.5)."""
    if entry.epoch != max(one.epoch, other.epoch) + 1:
        raise Refused("wrong-epoch")
    if entry.epoch > LAST_EPOCH:
        raise Refused("log-full")
    if entry.actor not in one.members:
        raise Refused("not-member")
    if one.role(entry.actor) != "owner" or other.role(entry.actor) != "owner":
        raise Refused("not-allowed")
    members = {}
    for aik in one.members.keys() & other.members.keys():
        here, there = one.members[aik], other.members[aik]
        role = min(here.role, there.role, key=ROLES.index)
        members[aik] = Member(role, max(here.since, there.since))
    return State(entry.epoch, members, entry.epoch)


@dataclass
class Roster:
    """A reader's view of a group: the states on its path, and the epochs of all that is known, through merges too."""

    group_id: bytes
    head: bytes
    path: dict[bytes, State]
    known: dict[bytes, int]
    splits: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    @classmethod
    def begin(cls, genesis: Entry, wanted: bytes | None = None) -> "Roster":
        """Begins with a verified genesis, of a certain group where one is expected."""
        if genesis.operation.name != "genesis" or wanted is not None and genesis.group_id != wanted:
            raise Refused("wrong-group")
        state = State(0, {genesis.actor: Member("owner", 0)})
        return cls(genesis.group_id, genesis.hash, {genesis.hash: state}, {genesis.hash: 0})

    @property
    def state(self) -> State:
        """The state at the head."""
        return self.path[self.head]

    def apply(self, entry: Entry, branch: list[Entry] | None = None) -> bool:
        """Applies a verified entry (21.3); a merge comes with its branch (21.5). Says whether it was new."""
        if entry.hash in self.known:
            return False
        self._check_group(entry)
        parents = [parent for parent in (entry.previous, entry.other) if parent is not None]
        if self.head not in parents or len(set(parents)) != len(parents):
            late = any(parent in self.known for parent in parents)
            raise Refused("sibling" if late else "unknown-previous")
        if entry.other is None:
            self._advance(entry, _following(self.state, entry), {})
        else:
            self._merge(entry, branch or [])
        return True

    def _check_group(self, entry: Entry) -> None:
        if entry.group_id != self.group_id or entry.operation.name == "genesis":
            raise Refused("wrong-group")

    def _merge(self, entry: Entry, branch: list[Entry]) -> None:
        if entry.actor not in self.state.members:
            raise Refused("not-member")
        if self.state.role(entry.actor) != "owner":
            raise Refused("not-allowed")
        if len(branch) > MOST_IN_BRANCH:
            raise Refused("log-full")
        states = dict(self.path)
        parents: dict[bytes, set[bytes]] = {}
        for before in branch:
            if before.hash in self.path:
                continue
            self._check_group(before)
            states[before.hash] = _state_in(states, before)
            parents[before.hash] = {before.previous, before.other or before.previous}
        state = _state_in(states, entry)
        found: dict[bytes, int] = {}
        following = {entry.other if entry.previous == self.head else entry.previous}
        while following:
            found |= {name: states[name].epoch for name in following}
            following = {parent for name in following for parent in parents.get(name, ())} - found.keys()
        self._advance(entry, state, found)

    def _advance(self, entry: Entry, state: State, beside: dict[bytes, int]) -> None:
        gone = self.state.members.keys() - state.members.keys()
        self.path[entry.hash] = state
        self.known |= {entry.hash: entry.epoch} | beside
        self.head = entry.hash
        for aik, (epoch, name) in list(self.splits.items()):
            if aik in gone or self.knows(epoch, name):
                del self.splits[aik]

    def knows(self, epoch: int, name: bytes) -> bool:
        """Whether a place in the log is known (21.5)."""
        return self.known.get(name) == epoch

    def standing(self, epoch: int, name: bytes) -> str:
        """How a place in the log looks: `known`, `ahead` or `split` (21.5)."""
        if self.knows(epoch, name):
            return "known"
        return "ahead" if epoch > self.state.epoch else "split"

    def trace(self, name: bytes, entries: list[Entry]) -> str:
        """Looks into a place held as ahead, with the entries that lead to it: still `ahead`, or `split` (21.5)."""
        fetched = {entry.hash: entry for entry in entries}
        following, seen, missing = {name}, set(), False
        while following:
            seen |= following
            parents: set[bytes] = set()
            for hash_ in following - self.known.keys():
                entry = fetched.get(hash_)
                if entry is None:
                    missing = True
                else:
                    parents |= {entry.previous, entry.other or entry.previous}
            following = parents - seen
        return "ahead" if self.head in seen or missing else "split"

    def place(self, account: bytes, epoch: int, name: bytes) -> None:
        """Looks at a place that a current member names: known, or held as `ahead` or `split` (21.5)."""
        standing = self.standing(epoch, name)
        if standing == "ahead":
            raise Refused("ahead")
        if standing == "split":
            self.splits.setdefault(account, (epoch, name))
        if account in self.splits:
            raise Refused("split")


def _state_in(states: dict[bytes, State], entry: Entry) -> State:
    """The state of an entry over the states of its parents."""
    if entry.other == entry.previous:
        raise Refused("sibling")
    missing = [parent for parent in (entry.previous, entry.other) if parent is not None and parent not in states]
    if missing:
        raise Refused("unknown-previous")
    if entry.other is None:
        return _following(states[entry.previous], entry)
    return _merged(states[entry.previous], states[entry.other], entry)
