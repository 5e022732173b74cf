"""roster.json and sender_keys.json."""

import copy
from typing import Any

from sotto import device_list, roster as rosters, sender_chain as chains, signed
from sotto.device_list import Device, DeviceList
from sotto.errors import Refused
from sotto.keys import key_pair
from sotto.points import generate, public_of
from sotto.roster import ENTRY, ROLES, Entry, Roster
from sotto.schema import read_signed
from sotto.sender_chain import Place, Receiver, SendingChain, chain_step, message_keys

from .case import Case, Draws, octets
from .people import shown


class Somebody:
    """A member: account key, device signing key, device list."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.listed: DeviceList = device_list.read(bytes.fromhex(data["device_list"]))
        self.device: Device = self.listed.device(bytes.fromhex(data["device_id"]))
        self.dsk_private = bytes.fromhex(data["DSK"]["private"])
        if (self.device.dsk, self.device.aik) != (public_of(self.dsk_private), bytes.fromhex(data["AIK"]["public"])):
            raise ValueError("keys that are not in the list")


class People:
    """All who are given in a case."""

    def __init__(self, case: Case, names: tuple[str, ...]) -> None:
        self._people = {name: Somebody(case[name]) for name in names if name in case}

    def __getitem__(self, name: str) -> Somebody:
        return self._people[name]

    def verified(self, data: str) -> Entry:
        """An entry, verified with the list it names."""
        entry = bytes.fromhex(data)
        named = rosters.list_named_by(entry)
        listed = next(somebody.listed for somebody in self._people.values() if somebody.listed.hash == named)
        return rosters.verify(entry, listed)

    def signed_again(self, told: dict[str, Any]) -> dict[str, Any]:
        """An entry as a vector tells it, read, verified, encoded and signed anew."""
        inner = signed.unwrap(ENTRY, bytes.fromhex(told["entry"]), rosters.LIMIT)[1]
        fields = read_signed(ENTRY, inner, rosters.LIMIT)
        draws = Draws(told["random"])
        if fields["operation"].name == "genesis" and fields["operation"].fields["salt"] != draws.next("salt"):
            raise AssertionError("another salt")
        entry = rosters.write(fields, self[told["by"]].dsk_private, draws.next("signature"))
        return told | {"entry": entry.hex(), "hash": self.verified(told["entry"]).hash.hex()}


NAMES = ("anna", "bea", "cid", "dora", "emil")


def roster(case: Case) -> dict[str, Any]:
    """A log that several readers follow, or one entry."""
    if "entry" in case:
        newest = device_list.read(case.bytes("newest")) if "newest" in case else None
        history = "history" in case and case["history"]
        named = device_list.read(case.bytes("named"))
        return {"hash": rosters.verify(case.bytes("entry"), named, newest, history).hash.hex()}
    people = People(case, NAMES)
    told = case.expect["entries"]
    entries = {name: people.verified(entry["entry"]) for name, entry in told.items()}
    readers: dict[str, Roster] = {}
    return {"entries": {name: people.signed_again(entry) for name, entry in told.items()},
            "steps": [_step(step, readers, entries) for step in case.expect["steps"]]}


def _step(step: dict[str, Any], readers: dict[str, Roster], entries: dict[str, Entry]) -> dict[str, Any]:
    done = {name: step[name] for name in ("at", "do", "entry", "branch", "from", "epoch", "roster_hash", "entries")
            if name in step}
    at = step["at"]
    if step["do"] == "copy":
        readers[at] = copy.deepcopy(readers[step["from"]])
        return done
    if step["do"] == "place":
        return done | {"standing": readers[at].standing(step["epoch"], bytes.fromhex(step["roster_hash"]))}
    if step["do"] == "trace":
        found = [entries[name] for name in step["entries"]]
        return done | {"standing": readers[at].trace(bytes.fromhex(step["roster_hash"]), found)}
    entry = entries[step["entry"]]
    try:
        if step["do"] == "begin":
            readers[at] = Roster.begin(entry)
        else:
            before = copy.deepcopy(readers[at])
            if not readers[at].apply(entry, [entries[name] for name in step.get("branch", ())]):
                return done | {"known": True}
    except Refused as refusal:
        if step["do"] == "apply" and readers[at] != before:
            raise AssertionError("a refusal changed the roster") from None
        return done | {"refused": refusal.rule}
    state = readers[at].state
    if readers[at].head != entry.hash:
        raise AssertionError("another head")
    members = [[device_list.account_id(aik).hex(), ROLES.index(member.role), member.since]
               for aik, member in state.members.items()]
    return done | {"members": sorted(members), "R": state.removal}


def sender_keys(case: Case) -> dict[str, Any]:
    """A talk in steps, or one announcement."""
    if "announcement" in case:
        fields = chains.read_announcement(case.bytes("announcement"))
        return {"group_id": fields["group_id"].hex(), "epoch": fields["epoch"],
                "roster_hash": fields["roster_hash"].hex(), "n": fields["n"], "CK": fields["ck"].hex(),
                "GSK": fields["gsk"].hex()}
    people = People(case, NAMES)
    log = case["log"]
    if [people.signed_again(told) for told in log] != log:
        raise AssertionError("other entries")
    talkers = {name: Talker(name, people, [told["entry"] for told in log]) for name in NAMES if name in case}
    return {"steps": [talkers[step["by"]].do(step) for step in case.expect["steps"]]}


class Talker:
    """One device in a group."""

    def __init__(self, name: str, people: People, log: list[str]) -> None:
        self._people = people
        self._own = people[name]
        genesis, *following = [people.verified(entry) for entry in log]
        self._receiver = Receiver(Roster.begin(genesis))
        for entry in following:
            self._receiver.roster.apply(entry)
        self._sending: SendingChain | None = None

    @property
    def _roster(self) -> Roster:
        return self._receiver.roster

    def do(self, step: dict[str, Any]) -> dict[str, Any]:
        """Does a step again."""
        told = {name: step[name] for name in ("by", "do", "now", "from", "announcement", "message", "entry", "branch",
                                              "count", "random", "plaintext") if name in step}
        before = copy.deepcopy((self._receiver.chains, self._sending, self._roster.path))
        try:
            return told | getattr(self, "_" + step["do"])(step)
        except Refused as refusal:
            if (self._receiver.chains, self._sending, self._roster.path) != before:
                raise AssertionError("a refusal changed the state") from None
            splits = self._splits() if refusal.rule == "split" else {}
            return told | {"refused": refusal.rule} | splits

    def _splits(self) -> dict[str, Any]:
        """The splits recorded: account, epoch, roster hash."""
        return {"splits": sorted([device_list.account_id(aik).hex(), epoch, name.hex()]
                                 for aik, (epoch, name) in self._roster.splits.items())}

    def _rotate(self, step: dict[str, Any]) -> dict[str, Any]:
        draws = Draws(step["random"])
        gsk = key_pair(generate(lambda _: draws.next("GSK")))
        place = Place(self._roster.state.epoch, self._roster.head)
        self._sending = SendingChain(self._roster.group_id, self._own.listed.account_id, self._own.device.device_id,
                                     gsk.private, draws.next("CK"), place, step["now"])
        self._receiver.own_gsk = gsk.public
        return {"GSK": shown(gsk), "CK": self._sending.ck.hex(), "chain_id": self._sending.id.hex()}

    def _announce(self, _: dict[str, Any]) -> dict[str, Any]:
        chain = self._sending
        return {"n": chain.n, "CK": chain.ck.hex(), "announcement": chain.announce().hex()}

    def _take(self, step: dict[str, Any]) -> dict[str, Any]:
        sender = self._people[step["from"]].device
        name, new = self._receiver.take_announcement(octets(step["announcement"]), sender)
        return {"chain_id": name.hex()} if new else {"known": True}

    def _ready(self, now: int) -> SendingChain:
        """The chain for the next message (21.8)."""
        if self._own.device.aik not in self._roster.state.members:
            raise Refused("not-member")
        if self._sending is None or self._sending.must_rotate(self._roster, now):
            raise Refused("rotation-due")
        return self._sending

    def _seal(self, step: dict[str, Any]) -> dict[str, Any]:
        chain = self._ready(step["now"])
        draws = Draws(step["random"])
        place = Place(self._roster.state.epoch, self._roster.head)
        mk, _ = chain_step(chain.ck)
        r, n = draws.next("r"), chain.n
        message = chain.seal(octets(step["plaintext"]), place, r, draws.next("signature"))
        key, nonce, commit = message_keys(mk, r, chain.group_id, chain.id, n)
        return {"epoch": place.epoch, "roster_hash": place.roster_hash.hex(), "n": n, "mk": mk.hex(), "key": key.hex(),
                "nonce": nonce.hex(), "commit": commit.hex(), "message": message.hex()}

    def _lose(self, step: dict[str, Any]) -> dict[str, Any]:
        place = Place(self._roster.state.epoch, self._roster.head)
        for _ in range(step["count"]):
            self._ready(step["now"]).seal(b"", place, bytes(16), bytes(32))
        return {}

    def _open(self, step: dict[str, Any]) -> dict[str, Any]:
        sender = self._people[step["from"]].device
        return {"plaintext": self._receiver.open(octets(step["message"]), sender, step["now"]).hex()}

    def _apply(self, step: dict[str, Any]) -> dict[str, Any]:
        branch = [self._people.verified(entry) for entry in step.get("branch", ())]
        self._roster.apply(self._people.verified(step["entry"]), branch)
        self._receiver.follow()
        return self._splits()
