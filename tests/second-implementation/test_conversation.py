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
from typing import Any, Protocol

from sotto import device_list
from sotto.errors import Refused
from sotto.peer import Peer

NOW = 1_800_000_000_000
ORIGIN = "https://sotto.example"
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


class World:
    """Two sides that have made their accounts."""

    def __init__(self, chance: random.Random, sides: list[Side]) -> None:
        self.chance = chance
        self.sides = sides
        self.accounts = [side.do({"do": "new", "seed": chance.randbytes(32).hex(), "now": NOW}) for side in sides]

    def invite(self, inviter: int) -> None:
        """The other side answers an invite and says something first."""
        made = self.sides[inviter].do({"do": "invite", "origin": ORIGIN, "name": "Zoë"})
        begun = self.sides[1 - inviter].do({"do": "begin", "origin": ORIGIN} | made)
        if begun["name"] != "Zoë":
            raise AssertionError("the card shows another name")

    def begin(self, initiator: int, with_opk: bool) -> str:
        """A session with a bundle: its id."""
        responder = self.sides[1 - initiator]
        account = self.accounts[1 - initiator]
        request = {"do": "begin", "device_list": account["device_list"], "bundle": account["bundle"],
                   "mailbox": account["mailbox"]}
        if with_opk:
            request["opk"] = responder.do({"do": "opk"})
        return self.sides[initiator].do(request)["session_id"]


class Schedule:
    """Says things in both directions and delivers them late, twice, damaged, in another order, or never."""

    def __init__(self, test: unittest.TestCase, world: World) -> None:
        self.test = test
        self.world = world
        self.under_way: list[list[tuple[str, Any]]] = [[], []]
        self.opened: list[list[str]] = [[], []]
        self.said = 0

    def say(self, side: int) -> tuple[str, str | int]:
        """Says a text or whispers: the blob, and what must be heard on the other side."""
        if self.world.chance.random() < 0.3:
            attempt = self.world.chance.getrandbits(53)
            return self.world.sides[side].do({"do": "whisper", "attempt": attempt})["blob"], attempt
        return self.say_text(side)

    def say_text(self, side: int) -> tuple[str, str]:
        """Says a text of some size."""
        self.said += 1
        text = f"{self.said}: " + "ü" * self.world.chance.choice((0, 40, 400, 2_000, 20_000))
        return self.world.sides[side].do({"do": "say", "text": text})["blob"], text

    def hear(self, side: int, blob: str, wanted: Any) -> dict[str, Any]:
        """Hears what was said, word for word."""
        heard = self.world.sides[side].do({"do": "hear", "blob": blob})
        self.test.assertEqual(heard["attempt" if isinstance(wanted, int) else "text"], wanted)
        self.test.assertIsNot(heard.get("previous_fits"), False)
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
            self.refuse(side, self.damaged(chance.choice(waiting)[0]))
        elif fate < 0.3 and self.opened[side]:
            self.refuse(side, chance.choice(self.opened[side]))
        else:
            blob, wanted = waiting.pop(chance.randrange(len(waiting)) if chance.random() < 0.4 else 0)
            self.deliver(side, blob, wanted)

    def deliver(self, side: int, blob: str, wanted: Any) -> None:
        """Delivers. An overtaken whisper, and it alone, may be refused."""
        try:
            self.hear(side, blob, wanted)
        except Refused:
            if not isinstance(wanted, int):
                raise
            self.refuse(side, blob)
        self.opened[side].append(blob)

    def run(self, steps: int) -> None:
        """So many steps, and then everything that is left."""
        for _ in range(steps):
            self.step()
        for side in (0, 1):
            for blob, wanted in self.under_way[side]:
                self.deliver(side, blob, wanted)
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
        """The initiator says something first, the other answers: from here either may begin."""
        schedule = Schedule(self, world)
        heard = schedule.hear(1 - initiator, *schedule.say_text(initiator))
        self.assertTrue(heard["begun"])
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
                    begun = world.begin(initiator, with_opk)
                    heard = schedule.hear(1 - initiator, *schedule.say_text(initiator))
                    self.assertEqual((heard["begun"], heard["session_id"]), (True, begun))
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
                    self.assertTrue(schedule.hear(1 - side, *said[side])["begun"])
                for side in (0, 1):
                    heard = schedule.hear(1 - side, *schedule.say(side))
                    self.assertEqual((heard["begun"], heard["session_id"]), (False, min(begun)))
                schedule.run(30)

    def test_strangers_need_to_meet(self) -> None:
        for with_opk in (True, False):
            for initiator in (0, 1):
                with self.subTest(with_opk=with_opk, initiator=initiator):
                    world = self.world(25 + initiator)
                    schedule = Schedule(self, world)
                    world.begin(initiator, with_opk)
                    schedule.refuse(1 - initiator, schedule.say_text(initiator)[0])
                    account = world.accounts[initiator]
                    met = {name: account[name] for name in ("device_list", "bundle", "mailbox")}
                    world.sides[1 - initiator].do({"do": "meet"} | met)
                    whisper = world.sides[initiator].do({"do": "whisper", "attempt": 1})["blob"]
                    schedule.refuse(1 - initiator, whisper)
                    self.assertTrue(schedule.hear(1 - initiator, *schedule.say_text(initiator))["begun"])
                    schedule.run(20)

    def test_a_first_message_makes_one_session_only(self) -> None:
        world = self.world(29)
        world.invite(0)
        schedule = self.first_words(world, 1)
        world.begin(1, with_opk=False)
        first, text = schedule.say_text(1)
        schedule.hear(0, first, text)
        for _ in range(6):
            world.begin(1, with_opk=False)
            self.assertTrue(schedule.hear(0, *schedule.say_text(1))["begun"])
        schedule.refuse(0, first)

    def test_an_invite_serves_once(self) -> None:
        world = self.world(30)
        made = world.sides[0].do({"do": "invite", "origin": ORIGIN, "name": "Zoë"})
        schedule = Schedule(self, world)
        world.sides[1].do({"do": "begin", "origin": ORIGIN} | made)
        schedule.hear(0, *schedule.say_text(1))
        world.sides[1].do({"do": "begin", "origin": ORIGIN} | made)
        schedule.refuse(0, schedule.say_text(1)[0])

    def test_skips_up_to_a_thousand(self) -> None:
        world = self.world(31)
        world.invite(0)
        schedule = self.first_words(world, 1)
        said = [world.sides[1].do({"do": "say", "text": str(n)})["blob"] for n in range(1_002)]
        schedule.refuse(0, said[1_001])
        schedule.hear(0, said[1_000], "1000")
        schedule.hear(0, said[0], "0")
        schedule.hear(0, said[1_001], "1001")

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
