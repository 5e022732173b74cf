"""Bounds of the ratchet (6.3), of CBOR (1.4) and of what is said (19), one step on either side."""

import unittest
from collections.abc import Callable
from typing import Any

from sotto import cbor, messages
from sotto.cbor import Reader
from sotto.device_list import Device
from sotto.errors import Refused
from sotto.keys import make
from sotto.points import generate
from sotto.primitives import system_randomness
from sotto.ratchet import LAST_NUMBER, SKIPPED_AGE, Session
from sotto.schema import Variant
from sotto.x3dh import First, OwnDevice, Prekeys, initiate, respond

NOW = 1_800_000_000_000


def sessions() -> tuple[Session, Session]:
    """Both sides of a new session."""
    a, b = make(system_randomness, NOW), make(system_randomness, NOW)
    prekeys, ek = Prekeys(b.spk_id, b.spk.public), generate(system_randomness)
    mine = initiate(OwnDevice(a.entry, a.dik.private), b.entry, prekeys, None, ek)
    first = Session.initiator(mine, b.spk.public, generate(system_randomness))
    return first, Session.responder(mine, b.spk.private)


class Ratchet(unittest.TestCase):
    """Section 6.3."""

    def setUp(self) -> None:
        self.a, self.b = sessions()

    def say(self, count: int) -> list[bytes]:
        """So many messages of A."""
        return [self.a.seal(b"", system_randomness) for _ in range(count)]

    def refuses(self, rule: str, session: Session, message: bytes) -> None:
        """Refuses by that rule."""
        with self.assertRaises(Refused) as caught:
            session.open(message, NOW)
        self.assertEqual(caught.exception.rule, rule)

    def test_the_oldest_of_two_thousand_skipped_keys_goes(self) -> None:
        said = self.say(2_004)
        for number in (1_000, 2_001):
            self.b.open(said[number], NOW)
        self.assertEqual(len(self.b.skipped), 2_000)
        self.b.open(said[2_003], NOW)
        self.refuses("key-gone", self.b, said[0])
        self.b.open(said[1], NOW)

    def test_skipped_keys_are_kept_for_45_days(self) -> None:
        said = self.say(3)
        self.b.open(said[2], NOW)
        self.b.forget_before(NOW + SKIPPED_AGE)
        self.b.open(said[0], NOW)
        self.b.forget_before(NOW + SKIPPED_AGE + 1)
        self.refuses("key-gone", self.b, said[1])

    def test_four_chains_before_the_current_are_remembered(self) -> None:
        opened = []
        for _ in range(6):
            opened.append(self.a.seal(b"", system_randomness))
            self.b.open(opened[-1], NOW)
            self.a.open(self.b.seal(b"", system_randomness), NOW)
        for message in opened[1:]:
            self.refuses("key-gone", self.b, message)
        self.refuses("bad-tag", self.b, opened[0])

    def test_the_last_number_is_malformed(self) -> None:
        message = bytearray(self.say(1)[0])
        message[55:59] = LAST_NUMBER.to_bytes(4, "big")
        self.refuses("malformed", self.b, bytes(message))


class OwnKeys(unittest.TestCase):
    """Section 5."""

    def test_own_keys_as_the_account_key_of_the_peer(self) -> None:
        a, b = make(system_randomness, NOW), make(system_randomness, NOW)
        prekeys = Prekeys(b.spk_id, b.spk.public)
        for stolen in (a.dsk.public, a.dik.public):
            peer = Device(stolen, b.device_id, b.dsk.public, b.dik.public)
            with self.assertRaises(Refused) as caught:
                initiate(OwnDevice(a.entry, a.dik.private), peer, prekeys, None, generate(system_randomness))
            self.assertEqual(caught.exception.rule, "own-keys")
            with self.assertRaises(Refused) as caught:
                respond(OwnDevice(a.entry, a.dik.private), peer, Prekeys(a.spk_id, a.spk.public), None,
                        First(b.spk.public, a.spk_id), a.spk.private, None)
            self.assertEqual(caught.exception.rule, "own-keys")


class Cbor(unittest.TestCase):
    """Section 1.4."""

    def rule(self, data: str) -> str | None:
        """The rule that refuses these bytes, if one does."""
        try:
            reader = Reader(bytes.fromhex(data))
            reader.skip()
            reader.end()
        except Refused as refusal:
            return refusal.rule
        return None

    def test_what_occurs(self) -> None:
        for good in ("00", "17", "1818", "190100", "1a00010000", "1b0000000100000000", "40", "60", "80", "a0", "f4",
                     "f5", "f6", "a200000100", "81" * 8 + "00", "81" * 7 + "80"):
            self.assertIsNone(self.rule(good), good)

    def test_what_does_not(self) -> None:
        for bad in ("1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "5801ff", "9f00ff", "bf00ff", "5f40ff",
                    "20", "c100", "f7", "f0", "f800", "f90000", "fb0000000000000000", "1c", "a200000000", "a201000000",
                    "a16000", "a12000", "81" * 9 + "00", "81" * 8 + "80", "a1001817", "a1820000"):
            self.assertEqual(self.rule(bad), "not-deterministic", bad)

    def test_what_ends_early_or_late(self) -> None:
        for bad in ("", "18", "41", "61", "8100" + "00", "82" + "00", "a100", "a1"):
            self.assertEqual(self.rule(bad), "malformed", bad)

    def test_heads_are_the_shortest(self) -> None:
        for number in (0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**64 - 1):
            self.assertEqual(Reader(cbor.head(cbor.UNSIGNED, number)).unsigned(64), number)


class Limits(unittest.TestCase):
    """Section 19, and `null` (1.4)."""

    def refused(self, read: Callable[[bytes], Any], data: bytes) -> str | None:
        """The rule that refuses these bytes, if one does."""
        try:
            read(data)
        except Refused as refusal:
            return refusal.rule
        return None

    def body(self, name: str, fields: dict[str, Any]) -> bytes:
        """A message with that content."""
        return messages.MESSAGE.write(Variant("Body", {"body": {
            "message_id": bytes(16), "sequence": 1, "previous": bytes(32), "lamport": 1, "sent_at": NOW,
            "list_version": 1, "list_hash": bytes(32), "content": Variant(name, fields)}}))

    def offer(self, **changed: Any) -> bytes:
        """A message that offers a file."""
        manifest = {"version": 1, "file_id": bytes(16), "file_key": bytes(32), "size": 1, "name": "", "media_type": ""}
        return self.body("File offer", {"manifest": manifest | changed})

    def test_the_longest_is_taken_and_one_more_is_not(self) -> None:
        def description(length: int) -> bytes:
            signal = Variant("Description", {"kind": "offer", "sdp": "s" * length})
            return messages.EPHEMERAL.write(Variant("Signals", {"attempt": 1, "signals": [signal]}))

        message, ephemeral = messages.read_message, messages.read_ephemeral
        for read, limit, write in (
            (message, 128, lambda most: self.body("Profile", {"name": "n" * most})),
            (message, 57_344, lambda most: self.body("Text", {"text": "t" * most})),
            (message, 2**38, lambda most: self.offer(size=most)),
            (message, 1_024, lambda most: self.offer(name="n" * most)),
            (message, 255, lambda most: self.offer(media_type="m" * most)),
            (ephemeral, 16_384, description),
        ):
            self.assertIsNone(self.refused(read, write(limit)))
            self.assertEqual(self.refused(read, write(limit + 1)), "out-of-bounds")

    def test_null_stands_for_an_absent_field_in_plain_structures_only(self) -> None:
        self.assertEqual(messages.read_carried(bytes.fromhex("a200f60140")), {"ratchet_message": b""})
        self.assertEqual(self.refused(messages.read_carried, bytes.fromhex("a101f6")), "malformed")


if __name__ == "__main__":
    unittest.main()
