"""What lies on a disk, where no vector says it: edges of costs, passphrases and backups (15, 22)."""

import unittest
from collections.abc import Callable
from unittest import mock

from sotto import backup, keys, vault
from sotto.errors import Refused
from sotto.passphrase import Cost, password
from sotto.primitives import gcm_open, system_randomness
from sotto.schema import Variant
from sotto.vault import Head, new_table, set_duress, unwrap, wrap


class Storage(unittest.TestCase):
    """Sections 15.2, 15.3 and 22."""

    def refuses(self, rule: str, act: Callable[[], object]) -> None:
        """Is refused by that rule."""
        with self.assertRaises(Refused) as caught:
            act()
        self.assertEqual(caught.exception.rule, rule)

    def test_costs(self) -> None:
        for memory, passes in ((19_456, 2), (262_144, 4), (65_536, 3), (65_536, 16), (19_456, 53)):
            Cost(memory, passes).check()
        for rule, memory, passes in (("too-weak", 19_455, 2), ("too-weak", 19_456, 1), ("too-costly", 262_145, 2),
                                     ("too-costly", 61_681, 17), ("too-costly", 19_456, 54)):
            self.refuses(rule, Cost(memory, passes).check)

    def test_lengths_of_passphrases_before_they_are_normalised(self) -> None:
        self.assertEqual(len(password("x" * 1_024)), 1_024)
        self.assertEqual(len(password("\ufdfa" * 341)), 341 * 33)
        self.refuses("too-long", lambda: password("ü" * 512 + "x"))

    def test_without_a_passphrase_there_is_no_duress_passphrase(self) -> None:
        table = new_table(Head(None), vault.NO_PK, bytes(32), system_randomness)
        self.refuses("no-passphrase", lambda: set_duress(table, vault.NO_PK, bytes([1]) * 32, bytes(32),
                                                         system_randomness))

    def test_the_outer_layer_of_the_table(self) -> None:
        nonce, key, table = bytes(12), bytes([1]) * 32, bytes(vault.TABLE_LENGTH)
        wrapped = wrap(key, "vault-slots", table, nonce)
        self.assertEqual(len(wrapped), 442)
        self.assertEqual(gcm_open(key, nonce, wrapped[12:], b"sotto/v1/vault-slots\0"), table)
        self.assertEqual(unwrap(key, "vault-slots", wrapped), table)
        self.refuses("bad-tag", lambda: unwrap(key, "vault-wrap", wrapped))

    def test_sizes_of_backups(self) -> None:
        sizes = [count for count in range(1, 65_537) if backup.padme(count) == count]
        self.assertEqual((len(sizes), sizes[:12]), (172, [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16]))
        self.assertEqual(backup.chunks_in(78 + 65_536 * 65_552), 65_536)
        self.assertEqual(backup.padme(67_584), 67_584)
        self.refuses("wrong-length", lambda: backup.chunks_in(78 + 67_584 * 65_552))

    def test_contacts_are_counted(self) -> None:
        people = sorted((keys.make(system_randomness, 0) for _ in range(4)),
                        key=lambda person: keys.account_id(person.aik.public))
        own = people.pop()
        entries = [backup.ENTRY.write(Variant("account", {"version": 1, "aik": own.aik.private, "name": "",
                                                          "device_list": own.device_list, "created": 0}))]
        entries += [backup.ENTRY.write(Variant("contact", {
            "device_list": person.device_list, "name": "", "own_name": "", "verified": False, "standing": "confirmed",
            "mailbox": bytes(16), "token": bytes(32)})) for person in people]
        with mock.patch.object(backup, "MOST_CONTACTS", 3):
            self.assertEqual(len(backup.read_entries(entries)), 4)
        with mock.patch.object(backup, "MOST_CONTACTS", 2):
            self.refuses("too-many-contacts", lambda: backup.read_entries(entries))


if __name__ == "__main__":
    unittest.main()
