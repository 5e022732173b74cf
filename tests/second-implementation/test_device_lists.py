"""Device lists followed version by version (10.2)."""

import unittest
from typing import Any

from sotto import device_list, keys
from sotto.device_list import DeviceList, standing, standing_of_name
from sotto.errors import Refused
from sotto.primitives import system_randomness

NOW = 1_800_000_000_000


class Succession(unittest.TestCase):
    """Section 10.2."""

    def setUp(self) -> None:
        self.owner = keys.make(system_randomness, NOW)
        self.second = keys.make(system_randomness, NOW)
        self.first = device_list.read(self.owner.device_list)
        self.held = self.following(self.first)

    def following(self, before: DeviceList, **changed: Any) -> DeviceList:
        """A list behind another."""
        fields = before.fields | {"list_version": before.list_version + 1, "previous": before.hash} | changed
        return device_list.read(device_list.write(fields, self.owner.aik.private, system_randomness(32)))

    def entry(self, device_id: bytes) -> dict[str, bytes]:
        """A device with the second's keys."""
        return {"device_id": device_id, "dsk": self.second.dsk.public, "dik": self.second.dik.public}

    def test_how_a_list_stands_to_the_held_one(self) -> None:
        more = [*self.held.fields["devices"], self.entry(self.second.device_id)]
        gone, exchanged = [self.entry(self.second.device_id)], [self.entry(self.owner.device_id)]
        after = self.following(self.held)
        for wanted, other in (
            ("same", self.held),
            ("split", self.following(self.first, devices=more)),
            ("earlier", self.first),
            ("split", self.following(self.first, list_version=1, devices=more)),
            ("next", after),
            ("next", self.following(self.held, devices=more)),
            ("next", self.following(self.held, devices=gone)),
            ("split", self.following(self.held, devices=exchanged)),
            ("split", self.following(self.held, previous=bytes(32))),
            ("ahead", self.following(after)),
        ):
            self.assertEqual(standing(self.held, other), wanted)
        self.assertEqual(standing(self.following(after), self.held), "earlier")
        self.assertEqual(standing(self.following(self.following(after)), self.following(self.first, devices=more)),
                         "earlier")
        with self.assertRaises(Refused) as caught:
            standing(self.held, device_list.read(self.second.device_list))
        self.assertEqual(caught.exception.rule, "wrong-account")

    def test_what_is_named_is_never_next(self) -> None:
        for wanted, version, name in (("same", 2, self.held.hash), ("split", 2, bytes(32)),
                                      ("earlier", 1, self.first.hash), ("split", 1, bytes(32)), ("ahead", 3, bytes(32)), ("ahead", 9, bytes(32))):
            self.assertEqual(standing_of_name(self.held, version, name), wanted)


if __name__ == "__main__":
    unittest.main()
