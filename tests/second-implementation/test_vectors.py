"""Replays every file of docs/vectors: what a case gives must give, byte for byte, what it expects, or be refused."""

import unittest

from replays import REPLAYS
from replays.case import Case, cases, structures
from sotto.errors import Refused

replayed: dict[str, int] = {}


def tearDownModule() -> None:
    """Says how many cases were replayed."""
    counts = ", ".join(f"{structure} {count}" for structure, count in sorted(replayed.items()))
    print(f"\nvector cases replayed: {sum(replayed.values())} ({counts})", flush=True)


class Vectors(unittest.TestCase):
    """docs/vectors."""

    def test_every_file_has_its_replay_and_every_replay_its_file(self) -> None:
        self.assertEqual(structures(), set(REPLAYS))

    def test_every_case(self) -> None:
        for structure in sorted(REPLAYS.keys() & structures()):
            replayed[structure] = 0
            for case in cases(structure):
                with self.subTest(structure=structure, case=case.name):
                    self.replay(structure, case)
                    replayed[structure] += 1

    def replay(self, structure: str, case: Case) -> None:
        """Runs one case."""
        if case.refused is not None:
            with self.assertRaises(Refused) as caught:
                REPLAYS[structure](case)
            self.assertEqual(caught.exception.rule, case.refused)
        else:
            self.assertEqual(REPLAYS[structure](case), case.expect)
            self.assertEqual(case.unused, set(), "given and not looked at")


if __name__ == "__main__":
    unittest.main()
