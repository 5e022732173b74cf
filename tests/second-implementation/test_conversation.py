"""Whole conversations, between two of this implementation and between this one and another.

The other one is a program that answers requests as `sotto.peer` does: one JSON object a line. Its path stands in the
environment variable SOTTO_PEER.
"""

import json
import os
import random
import subprocess
import unittest
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sotto import device_list
from sotto.errors import Refused
from sotto.peer import Peer

NOW = 1_800_000_000_000
ORIGIN = "https://sotto.example"
TEXT_SIZES = (0, 0, 40, 400, 400, 2_000, 20_000)
FILE_SIZES = (0, 1, 65_535, 65_536, 65_537, 200_000)

held: dict[str, int] = {}
exchanged = {"opened": 0, "refused": 0}


def tearDownModule() -> None:
    """Says how many conversations were held."""
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(held.items()))
    print(f"\nconversations held: {sum(held.values())} ({counts}); messages opened: {exchanged['opened']}, "
          f"refused without a trace: {exchanged['refused']}", flush=True)


class Side(Protocol):
    """Something that holds one side of a conversation."""

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answers a request, or refuses it."""


class Remote:
    """Another implementation, over a pipe."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answers one request, or refuses it."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]

    def close(self) -> None:
        """Ends the program by ending its input."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@dataclass(frozen=True)
class Said:
    """What was said: the envelope, what must be heard, and where it stands by the model."""

    blob: str
    wanted: str | int
    session: str
    key: int
    x: int | None


@dataclass
class Half:
    """What one side knows of a session: its own newest key, the peer's keys in order, the last x under each."""

    exists: bool
    own: int = 0
    answered: bool = False
    x: int = 0
    received: list[int] = field(default_factory=list)
    last: dict[int, int] = field(default_factory=dict)


class Model:
    """A reference model of sections 6.2 to 6.4 and 10, without keys: which session sends, and what must open."""

    def __init__(self) -> None:
        self._halves: dict[str, list[Half]] = {}
        self._sends: list[str] = ["", ""]
        self._unanswered: list[str | None] = [None, None]
        self._keys = 0

    def begin(self, initiator: int, session: str) -> None:
        """A session was begun; the other side does not know it yet."""
        self._halves[session] = [Half(exists=side == initiator) for side in (0, 1)]
        self._sends[initiator] = self._unanswered[initiator] = session

    def said(self, side: int, blob: str, wanted: str | int) -> Said:
        """Something was said: under a fresh key where the peer's newest is not answered."""
        session = self._sends[side]
        half = self._halves[session][side]
        if not half.answered:
            self._keys += 1
            half.own, half.x, half.answered = self._keys, 0, True
        x = half.x if isinstance(wanted, int) else None
        half.x += x is not None
        return Said(blob, wanted, session, half.own, x)

    def must_open(self, side: int, said: Said) -> bool:
        """Whether what has not been heard yet must open; what need not must be refused."""
        half = self._halves[said.session][side]
        if said.x is None:
            return True
        if not half.exists or said.key in half.received[:-2]:
            return False
        return said.x > half.last.get(said.key, -1)

    def heard(self, side: int, said: Said, begun: bool) -> None:
        """It opened."""
        half = self._halves[said.session][side]
        if begun:
            own, half.exists = self._sends[side], True
            glare = own and self._unanswered[side] == own
            self._sends[side] = min(own, said.session) if glare else said.session
        if self._unanswered[side] == said.session:
            self._unanswered[side] = None
        if said.key not in half.received:
            half.received.append(said.key)
            half.answered = False
        if said.x is not None:
            half.last[said.key] = said.x

    def is_new(self, side: int, session: str) -> bool:
        """Whether that side does not know the session."""
        return not self._halves[session][side].exists


class World:
    """Two sides that have made their accounts."""

    def __init__(self, chance: random.Random, sides: list[Side]) -> None:
        self.chance = chance
        self.sides = sides
        self.model = Model()
        self.accounts = [side.do({"do": "new", "seed": chance.randbytes(32).hex(), "now": NOW}) for side in sides]

    def invite(self, inviter: int) -> dict[str, Any]:
        """The other side answers an invite; what the inviter made."""
        made = self.sides[inviter].do({"do": "invite", "origin": ORIGIN, "name": "Zoë"})
        self.answer(1 - inviter, made)
        return made

    def answer(self, invitee: int, made: dict[str, Any]) -> None:
        """Begins a session by an invite."""
        begun = self.sides[invitee].do({"do": "begin", "origin": ORIGIN} | made)
        if begun["name"] != "Zoë":
            raise AssertionError("the card shows another name")
        self.model.begin(invitee, begun["session_id"])

    def begin(self, initiator: int, with_opk: bool) -> str:
        """A session with a bundle: its id."""
        responder = self.sides[1 - initiator]
        account = self.accounts[1 - initiator]
        request = {"do": "begin", "device_list": account["device_list"], "bundle": account["bundle"],
                   "mailbox": account["mailbox"]}
        if with_opk:
            request["opk"] = responder.do({"do": "opk"})
        session = self.sides[initiator].do(request)["session_id"]
        self.model.begin(initiator, session)
        return session


class Schedule:
    """Says things in both directions and delivers them late, twice, damaged, in another order, or never."""

    def __init__(self, test: unittest.TestCase, world: World) -> None:
        self.test = test
        self.world = world
        self.under_way: list[list[Said]] = [[], []]
        self.opened: list[list[str]] = [[], []]
        self.count = 0

    def say(self, side: int) -> Said:
        """Says a text or whispers."""
        return self.whisper(side) if self.world.chance.random() < 0.4 else self.say_text(side)

    def say_text(self, side: int, short: bool = False) -> Said:
        """Says a text of some size."""
        self.count += 1
        text = f"{self.count}: " + "ü" * (0 if short else self.world.chance.choice(TEXT_SIZES))
        blob = self.world.sides[side].do({"do": "say", "text": text})["blob"]
        return self.world.model.said(side, blob, text)

    def whisper(self, side: int) -> Said:
        """Says something ephemeral."""
        attempt = self.world.chance.getrandbits(53)
        blob = self.world.sides[side].do({"do": "whisper", "attempt": attempt})["blob"]
        return self.world.model.said(side, blob, attempt)

    def hear(self, side: int, said: Said) -> dict[str, Any]:
        """Hears what was said, word for word, in the session in which it was said."""
        heard = self.world.sides[side].do({"do": "hear", "blob": said.blob})
        begun = self.world.model.is_new(side, said.session)
        self.test.assertEqual((heard["session_id"], heard["begun"]), (said.session, begun))
        self.test.assertEqual(heard["text" if said.x is None else "attempt"], said.wanted)
        self.test.assertIsNot(heard.get("previous_fits"), False)
        self.world.model.heard(side, said, begun)
        exchanged["opened"] += 1
        return heard

    def refuse(self, side: int, blob: str) -> None:
        """Refuses, and is afterwards what it was before."""
        before = self.world.sides[side].do({"do": "state"})
        with self.test.assertRaises(Refused):
            self.world.sides[side].do({"do": "hear", "blob": blob})
        self.test.assertEqual(self.world.sides[side].do({"do": "state"}), before)
        exchanged["refused"] += 1

    def damaged(self, blob: str) -> str:
        """The blob with one bit changed."""
        data = bytearray.fromhex(blob)
        data[self.world.chance.randrange(len(data))] ^= 1 << self.world.chance.randrange(8)
        return data.hex()

    def step(self) -> None:
        """One thing happens."""
        chance, side = self.world.chance, self.world.chance.randrange(2)
        waiting = self.under_way[side]
        if chance.random() < 0.5 or not waiting:
            self.under_way[1 - side].append(self.say(side))
            return
        fate = chance.random()
        if fate < 0.1:
            waiting.pop(chance.randrange(len(waiting)))
        elif fate < 0.2:
            self.refuse(side, self.damaged(chance.choice(waiting).blob))
        elif fate < 0.3 and self.opened[side]:
            self.refuse(side, chance.choice(self.opened[side]))
        else:
            self.deliver(side, waiting.pop(chance.randrange(len(waiting)) if chance.random() < 0.4 else 0))

    def deliver(self, side: int, said: Said) -> None:
        """Delivers: what must open opens, and what must not is refused."""
        if self.world.model.must_open(side, said):
            self.hear(side, said)
            self.opened[side].append(said.blob)
        else:
            self.refuse(side, said.blob)

    def run(self, steps: int) -> None:
        """So many steps, and then everything that is left."""
        for _ in range(steps):
            self.step()
        for side in (0, 1):
            for said in self.under_way[side]:
                self.deliver(side, said)
            self.under_way[side] = []


class Conversations:
    """What two sides must be able to do, whoever they are."""

    kind: str
    makers: tuple[Callable[[random.Random], Side], Callable[[random.Random], Side]]

    def world(self, seed: int) -> World:
        """Two new sides, everything random from one seed."""
        held[self.kind] = held.get(self.kind, 0) + 1
        chance = random.Random(seed)
        return World(chance, [make(chance) for make in self.makers])

    def first_words(self, world: World, initiator: int) -> Schedule:
        """The initiator says something first, and is heard."""
        schedule = Schedule(self, world)
        self.assertTrue(schedule.hear(1 - initiator, schedule.say_text(initiator))["begun"])
        return schedule

    def test_by_invite_with_loss_and_disorder(self) -> None:
        for seed in range(6):
            with self.subTest(seed=seed):
                world = self.world(seed)
                world.invite(seed % 2)
                self.first_words(world, 1 - seed % 2).run(120)

    def test_further_sessions(self) -> None:
        for with_opk in (True, False):
            for initiator in (0, 1):
                with self.subTest(with_opk=with_opk, initiator=initiator):
                    world = self.world(10 + initiator)
                    world.invite(0)
                    schedule = self.first_words(world, 1)
                    schedule.run(10)
                    world.begin(initiator, with_opk)
                    self.assertTrue(schedule.hear(1 - initiator, schedule.say_text(initiator))["begun"])
                    schedule.run(40)

    def test_both_begin_at_once(self) -> None:
        for seed in range(20, 24):
            with self.subTest(seed=seed):
                world = self.world(seed)
                world.invite(0)
                schedule = self.first_words(world, 1)
                schedule.run(6)
                begun = [world.begin(side, with_opk=True) for side in (0, 1)]
                said = [schedule.say_text(side) for side in (0, 1)]
                for side in (0, 1):
                    self.assertTrue(schedule.hear(1 - side, said[side])["begun"])
                for side in (0, 1):
                    heard = schedule.hear(1 - side, schedule.say(side))
                    self.assertEqual((heard["begun"], heard["session_id"]), (False, min(begun)))
                schedule.run(30)

    def test_strangers_need_to_meet(self) -> None:
        for with_opk in (True, False):
            for initiator in (0, 1):
                with self.subTest(with_opk=with_opk, initiator=initiator):
                    world = self.world(25 + initiator)
                    schedule = Schedule(self, world)
                    world.begin(initiator, with_opk)
                    schedule.refuse(1 - initiator, schedule.say_text(initiator).blob)
                    account = world.accounts[initiator]
                    met = {name: account[name] for name in ("device_list", "bundle", "mailbox")}
                    world.sides[1 - initiator].do({"do": "meet"} | met)
                    schedule.deliver(1 - initiator, schedule.whisper(initiator))
                    self.assertTrue(schedule.hear(1 - initiator, schedule.say_text(initiator))["begun"])
                    schedule.run(20)

    def test_a_first_message_makes_one_session_only(self) -> None:
        world = self.world(29)
        world.invite(0)
        schedule = self.first_words(world, 1)
        world.begin(1, with_opk=False)
        first = schedule.say_text(1)
        schedule.hear(0, first)
        for _ in range(6):
            world.begin(1, with_opk=False)
            self.assertTrue(schedule.hear(0, schedule.say_text(1))["begun"])
        schedule.refuse(0, first.blob)

    def test_an_invite_serves_once(self) -> None:
        world = self.world(30)
        made = world.invite(0)
        schedule = self.first_words(world, 1)
        world.answer(1, made)
        schedule.refuse(0, schedule.say_text(1).blob)

    def test_skips_up_to_a_thousand(self) -> None:
        world = self.world(31)
        world.invite(0)
        schedule = self.first_words(world, 1)
        said = [schedule.say_text(1, short=True) for _ in range(1_002)]
        schedule.refuse(0, said[1_001].blob)
        for number in (1_000, 0, 1_001):
            schedule.hear(0, said[number])

    def test_ephemeral_messages_of_the_chain_before_still_open(self) -> None:
        world = self.world(32)
        world.invite(0)
        schedule = self.first_words(world, 1)
        rounds = []
        for _ in range(3):
            rounds.append([schedule.whisper(1) for _ in range(3)])
            schedule.hear(0, rounds[-1][0])
            schedule.hear(1, schedule.whisper(0))
        for age, opens in ((1, True), (2, True), (0, False)):
            self.assertEqual(world.model.must_open(0, rounds[age][2]), opens)
            schedule.deliver(0, rounds[age][2])
            schedule.refuse(0, rounds[age][1].blob)

    def test_files(self) -> None:
        world = self.world(40)
        for size in FILE_SIZES:
            for sender in (0, 1):
                content = world.chance.randbytes(size).hex()
                sent = world.sides[sender].do({"do": "send_file", "content": content, "name": "notes.txt"})
                receiver = world.sides[1 - sender]
                got = receiver.do({"do": "receive_file"} | sent)
                self.assertEqual(got["content"], content)
                damaged = [bytes.fromhex(sent["chunks"][0]).translate(bytes(range(255, -1, -1))).hex()]
                for wrong in (sent | {"chunks": damaged + sent["chunks"][1:]}, sent | {"chunks": sent["chunks"][:-1]},
                              sent | {"root": bytes(32).hex()}):
                    with self.assertRaises(Refused):
                        receiver.do({"do": "receive_file"} | wrong)

    def test_safety_numbers(self) -> None:
        world = self.world(50)
        accounts = [aik(account["device_list"]) for account in world.accounts]
        shown = [world.sides[side].do({"do": "safety_number", "account": accounts[1 - side]}) for side in (0, 1)]
        self.assertEqual(shown[0]["digits"], shown[1]["digits"])
        for side in (0, 1):
            scan = {"do": "scan", "account": accounts[1 - side]}
            world.sides[side].do(scan | {"qr": shown[1 - side]["qr"]})
            with self.assertRaises(Refused):
                world.sides[side].do(scan | {"qr": shown[side]["qr"]})


def aik(listed: str) -> str:
    """The account key of a device list."""
    return device_list.read(bytes.fromhex(listed)).aik.hex()


def own(chance: random.Random) -> Side:
    """A side of this implementation."""
    return Peer(chance.randbytes)


class AmongItself(Conversations, unittest.TestCase):
    """Python with Python."""

    kind = "python with python"
    makers = (own, own)


@unittest.skipUnless("SOTTO_PEER" in os.environ, "SOTTO_PEER names no program to talk to")
class WithAnother(Conversations, unittest.TestCase):
    """Python with the program under test; either begins, invites and answers."""

    kind = "python with the other implementation"

    def setUp(self) -> None:
        self.makers = (own, self.other)

    def other(self, chance: random.Random) -> Side:
        """A side of the other implementation."""
        remote = Remote(os.environ["SOTTO_PEER"])
        self.addCleanup(remote.close)
        return remote


if __name__ == "__main__":
    unittest.main()
