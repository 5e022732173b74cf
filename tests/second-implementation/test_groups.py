"""Groups among themselves: a roster that grows, splits and is merged, and chains that follow it (21)."""

import random
import unittest
from typing import Any

from sotto import device_list, keys, roster
from sotto.device_list import DeviceList, account_id
from sotto.errors import Refused
from sotto.keys import OwnKeys
from sotto.points import generate
from sotto.primitives import system_randomness
from sotto.ratchet import SKIPPED_AGE
from sotto.roster import NO_GROUP, NO_HASH, Entry, Member, Roster, State
from sotto.schema import Variant
from sotto.sender_chain import LENGTH, Place, Receiver, SendingChain

NOW = 1_800_000_000_000


class Group:
    """Accounts, and entries they sign."""

    def __init__(self, count: int) -> None:
        self.people = [keys.make(system_randomness, NOW) for _ in range(count)]
        self.genesis = self.sign(self.people[0], None, "genesis", salt=bytes(32))

    def sign(self, actor: OwnKeys, log: Roster | None, operation: str, **fields: Any) -> Entry:
        """An entry on the head of a log, verified as whoever receives it would."""
        return roster.verify(self.written(actor, log, operation, **fields), device_list.read(actor.device_list))

    def written(self, actor: OwnKeys, log: Roster | None, operation: str, **fields: Any) -> bytes:
        """An entry on the head of a log."""
        return roster.write({
            "version": 1, "group_id": log.group_id if log else NO_GROUP,
            "epoch": log.state.epoch + 1 if log else 0, "previous": log.head if log else NO_HASH,
            "actor": actor.aik.public, "device_id": actor.device_id,
            "list_hash": device_list.read(actor.device_list).hash, "operation": Variant(operation, fields),
        }, actor.dsk.private, system_randomness(32))

    def log(self) -> Roster:
        """A new reader's log, with all people in it: the second an admin, the third an owner too."""
        log = Roster.begin(self.genesis)
        for entry in self.adding:
            log.apply(entry)
        return log

    @property
    def adding(self) -> list[Entry]:
        """The entries that add everybody; made once."""
        if not hasattr(self, "_adding"):
            log, self._adding = Roster.begin(self.genesis), []
            for person, role in zip(self.people[1:], ["admin", "owner"] + ["member"] * len(self.people)):
                self._adding.append(self.sign(self.people[0], log, "add", aik=person.aik.public, role=role))
                log.apply(self._adding[-1])
        return self._adding


def chain_of(person: OwnKeys, log: Roster) -> SendingChain:
    """A new chain."""
    return SendingChain(log.group_id, account_id(person.aik.public), person.device_id, generate(system_randomness),
                        system_randomness(32), Place(log.state.epoch, log.head), NOW)


def say(chain: SendingChain, log: Roster, text: str) -> bytes:
    """A message at the head of a log."""
    return chain.seal(text.encode(), Place(log.state.epoch, log.head), system_randomness(16), system_randomness(32))


class Rosters(unittest.TestCase):
    """Sections 21.3 to 21.5."""

    def setUp(self) -> None:
        self.group = Group(5)
        self.founder, self.admin, self.owner, self.member, self.other = self.group.people
        self.log = self.group.log()

    def refuses(self, rule: str, log: Roster, entry: Entry, branch: list[Entry] | None = None) -> None:
        """Refuses by that rule, and the log is what it was."""
        head, known = log.head, dict(log.known)
        with self.assertRaises(Refused) as caught:
            log.apply(entry, branch)
        self.assertEqual((caught.exception.rule, log.head, log.known), (rule, head, known))

    def test_who_may_do_what(self) -> None:
        stranger = keys.make(system_randomness, NOW).aik.public
        attempts = [
            ("not-allowed", self.member, "add", {"aik": stranger, "role": "member"}),
            ("not-allowed", self.admin, "add", {"aik": stranger, "role": "admin"}),
            ("already-member", self.admin, "add", {"aik": self.member.aik.public, "role": "member"}),
            ("not-allowed", self.admin, "remove", {"aik": self.owner.aik.public}),
            ("not-allowed", self.admin, "remove", {"aik": self.admin.aik.public}),
            ("not-allowed", self.member, "remove", {"aik": self.other.aik.public}),
            ("no-such-member", self.founder, "remove", {"aik": stranger}),
            ("not-allowed", self.admin, "role", {"aik": self.member.aik.public, "role": "admin"}),
            ("same-role", self.founder, "role", {"aik": self.member.aik.public, "role": "member"}),
        ]
        for rule, actor, operation, fields in attempts:
            with self.subTest(rule=rule, operation=operation):
                self.refuses(rule, self.log, self.group.sign(actor, self.log, operation, **fields))
        self.log.apply(self.group.sign(self.owner, self.log, "leave"))
        self.refuses("last-owner", self.log, self.group.sign(self.founder, self.log, "leave"))
        demoting = self.group.sign(self.founder, self.log, "role", aik=self.founder.aik.public, role="member")
        self.refuses("last-owner", self.log, demoting)
        self.refuses("not-member", self.log, self.group.sign(self.owner, self.log, "leave"))

    def test_both_branches_come_to_one_state(self) -> None:
        here, there = self.group.log(), self.group.log()
        branches: list[list[Entry]] = [[], []]
        for log, branch, steps in (
            (here, branches[0], [("remove", {"aik": self.other.aik.public}),
                                 ("role", {"aik": self.admin.aik.public, "role": "owner"})]),
            (there, branches[1], [("role", {"aik": self.other.aik.public, "role": "admin"}),
                                  ("add", {"aik": keys.make(system_randomness, NOW).aik.public, "role": "member"}),
                                  ("role", {"aik": self.member.aik.public, "role": "admin"})]),
        ):
            for operation, fields in steps:
                branch.append(self.group.sign(self.founder, log, operation, **fields))
                log.apply(branch[-1])
        self.refuses("sibling", here, branches[1][0])
        self.refuses("unknown-previous", here, branches[1][2])
        here.splits[self.member.aik.public] = (there.state.epoch, there.head)
        merge = self.merge(self.founder, here, there)
        self.refuses("unknown-previous", here, merge, branches[1][1:])
        self.refuses("not-allowed", here, self.merge(self.admin, here, there), branches[1])
        here.apply(merge, branches[1])
        there.apply(merge, branches[0])
        self.assertEqual(here.state, there.state)
        self.assertEqual(here.known, there.known)
        self.assertEqual(here.splits, {})
        roles = [here.state.role(person.aik.public) for person in self.group.people]
        self.assertEqual(roles, ["owner", "admin", "owner", "member", None])
        self.assertEqual(here.state.removal, here.state.epoch)

    def test_a_merge_knows_everything_the_other_head_stands_on(self) -> None:
        logs = [self.group.log() for _ in range(3)]
        entries = []
        for log, person in zip(logs, (self.admin, self.member, self.other)):
            entries.append(self.group.sign(self.founder, log, "remove", aik=person.aik.public))
            log.apply(entries[-1])
        inner = self.group.sign(self.founder, logs[1], "merge", other=logs[2].head)
        logs[1].apply(inner, [entries[2]])
        outer = self.group.sign(self.founder, logs[1], "merge", other=logs[0].head)
        aside = self.group.sign(self.founder, logs[2], "leave")
        self.refuses("unknown-previous", logs[0], outer, [entries[1], inner])
        self.refuses("unknown-previous", logs[0], outer, [entries[1], entries[2]])
        logs[0].apply(outer, [entries[1], entries[2], aside, inner])
        for entry in (*entries, inner, outer):
            self.assertEqual(logs[0].standing(entry.epoch, entry.hash), "known")
        self.assertEqual(logs[0].standing(aside.epoch, aside.hash), "split")
        self.assertEqual(logs[0].standing(inner.epoch + 1, inner.hash), "split")
        self.assertEqual(logs[0].state.members.keys(), {self.founder.aik.public, self.owner.aik.public})

    def test_a_branch_is_looked_at_only_for_an_owner_and_in_its_bounds(self) -> None:
        here, there = self.group.log(), self.group.log()
        step = self.group.sign(self.founder, there, "remove", aik=self.other.aik.public)
        here.apply(self.group.sign(self.founder, here, "remove", aik=self.member.aik.public))
        there.apply(step)
        self.refuses("not-allowed", here, self.merge(self.admin, here, there), [])
        merge = self.merge(self.founder, here, there)
        self.refuses("log-full", here, merge, [step] * 4_096)
        foreign = Group(2)
        self.refuses("wrong-group", here, merge, [foreign.adding[0], step])
        looped = self.group.sign(self.founder, there, "merge", other=there.head)
        self.refuses("sibling", here, merge, [step, looped])

    def test_the_greater_since_counts(self) -> None:
        here, there = self.group.log(), self.group.log()
        branch = []
        for operation, fields in (("remove", {}), ("add", {"role": "member"})):
            branch.append(self.group.sign(self.founder, there, operation, aik=self.other.aik.public, **fields))
            there.apply(branch[-1])
        steps = []
        for role in ("owner", "admin", "member"):
            steps.append(self.group.sign(self.founder, here, "role", aik=self.admin.aik.public, role=role))
            here.apply(steps[-1])
        merge = self.merge(self.founder, here, there)
        here.apply(merge, branch)
        there.apply(merge, steps)
        for log in (here, there):
            self.assertEqual(log.state.members[self.other.aik.public].since, branch[1].epoch)

    def test_the_first_split_stays_until_its_account_goes(self) -> None:
        account = self.other.aik.public
        for name in (bytes(32), bytes([1]) * 32):
            with self.assertRaises(Refused) as caught:
                self.log.place(account, 1, name)
            self.assertEqual(caught.exception.rule, "split")
        self.assertEqual(self.log.splits, {account: (1, bytes(32))})
        with self.assertRaises(Refused):
            self.log.place(account, self.log.state.epoch, self.log.head)
        self.log.apply(self.group.sign(self.founder, self.log, "remove", aik=account))
        self.assertEqual(self.log.splits, {})

    def at(self, epoch: int, more: int = 0) -> Roster:
        """The log as if it had come to that epoch, with so many members more."""
        log = self.group.log()
        members = dict(log.state.members) | {bytes([2, n]) * 16: Member("member", 1) for n in range(more)}
        log.path[log.head] = State(epoch, members)
        return log

    def test_the_last_quarter_is_the_owners_and_the_log_ends(self) -> None:
        stranger = {"aik": keys.make(system_randomness, NOW).aik.public, "role": "member"}
        log = self.at(3_070)
        log.apply(self.group.sign(self.admin, log, "add", **stranger))
        log = self.at(3_071)
        self.refuses("owners-only", log, self.group.sign(self.admin, log, "add", **stranger))
        log.apply(self.group.sign(self.member, log, "leave"))
        log.apply(self.group.sign(self.owner, log, "add", **stranger))
        log = self.at(4_094)
        log.apply(self.group.sign(self.owner, log, "add", **stranger))
        self.refuses("log-full", log, self.group.sign(self.owner, log, "leave"))

    def test_a_group_has_128_members(self) -> None:
        strangers = [keys.make(system_randomness, NOW).aik.public for _ in range(2)]
        log = self.at(10, more=122)
        log.apply(self.group.sign(self.admin, log, "add", aik=strangers[0], role="member"))
        self.assertEqual(len(log.state.members), 128)
        self.refuses("group-full", log, self.group.sign(self.admin, log, "add", aik=strangers[1], role="member"))

    def test_beginning_with_another_group(self) -> None:
        self.assertEqual(Roster.begin(self.group.genesis, self.log.group_id).head, self.group.genesis.hash)
        for entry, wanted in ((self.group.genesis, bytes(16)), (self.group.adding[0], None)):
            with self.assertRaises(Refused) as caught:
                Roster.begin(entry, wanted)
            self.assertEqual(caught.exception.rule, "wrong-group")

    def test_a_device_with_another_key_today(self) -> None:
        named = device_list.read(self.founder.device_list)
        today = DeviceList(named.fields | {"list_version": 2, "devices": [
            {"device_id": self.founder.device_id, "dsk": self.other.dsk.public, "dik": self.founder.dik.public}]},
            bytes(32))
        signed = self.group.written(self.founder, self.log, "leave")
        roster.verify(signed, named, today, history=True)
        with self.assertRaises(Refused) as caught:
            roster.verify(signed, named, today)
        self.assertEqual(caught.exception.rule, "device-gone")

    def merge(self, actor: OwnKeys, here: Roster, there: Roster) -> Entry:
        """A merge of two heads."""
        on = here if here.state.epoch >= there.state.epoch else there
        return self.group.sign(actor, on, "merge", other=(there if on is here else here).head)


class Chains(unittest.TestCase):
    """Sections 21.6 to 21.8."""

    def setUp(self) -> None:
        self.group = Group(4)
        self.log = self.group.log()
        self.author = self.group.people[3]
        self.chain = chain_of(self.author, self.log)
        self.receiver = Receiver(self.group.log())
        self.receiver.take_announcement(self.chain.announce(), self.author.entry)

    def refuses(self, rule: str, message: bytes, sender: OwnKeys | None = None) -> None:
        """Refuses by that rule, and the chains are what they were."""
        before = repr(self.receiver.chains)
        with self.assertRaises(Refused) as caught:
            self.receiver.open(message, (sender or self.author).entry, NOW)
        self.assertEqual((caught.exception.rule, repr(self.receiver.chains)), (rule, before))

    def test_all_hundred_messages_in_any_order(self) -> None:
        said = [(f"{n}", say(self.chain, self.log, f"{n}")) for n in range(LENGTH)]
        self.assertTrue(self.chain.must_rotate(self.log, NOW))
        random.Random(1).shuffle(said)
        for text, message in said:
            self.assertEqual(self.receiver.open(message, self.author.entry, NOW), text.encode())
        for _, message in said:
            self.refuses("key-gone", message)

    def test_nobody_else_speaks_for_the_author(self) -> None:
        message = say(self.chain, self.log, "mine")
        self.refuses("unknown-chain", message, self.group.people[1])
        for at in (120, 130, len(message) - 1):
            damaged = bytearray(message)
            damaged[at] ^= 1
            self.refuses("bad-signature", bytes(damaged))
        with self.assertRaises(Refused) as caught:
            self.receiver.take_announcement(self.chain.announce(), self.group.people[1].entry)
        self.assertEqual(caught.exception.rule, "reused-key")

    def test_a_removal_rotates_and_deletes(self) -> None:
        early = say(self.chain, self.log, "before")
        removal = self.group.sign(self.group.people[0], self.log, "remove", aik=self.group.people[1].aik.public)
        self.log.apply(removal)
        self.assertTrue(self.chain.must_rotate(self.log, NOW))
        self.refuses("ahead", say(self.chain, self.log, "too early"))
        self.receiver.roster.apply(removal)
        self.receiver.follow()
        self.refuses("not-rotated", say(self.chain, self.log, "under the old chain"))
        self.assertEqual(self.receiver.open(early, self.author.entry, NOW), b"before")
        with self.assertRaises(Refused) as caught:
            self.receiver.take_announcement(self.chain.announce(), self.author.entry)
        self.assertEqual(caught.exception.rule, "stale")
        fresh = chain_of(self.author, self.log)
        self.receiver.take_announcement(fresh.announce(), self.author.entry)
        self.assertEqual(self.receiver.open(say(fresh, self.log, "after"), self.author.entry, NOW), b"after")
        leaving = self.group.sign(self.author, self.log, "leave")
        self.receiver.roster.apply(leaving)
        self.receiver.follow()
        self.refuses("not-member", say(fresh, self.log, "gone"))
        self.assertEqual(self.receiver.chains, {})

    def test_a_newcomer_reads_nothing_from_before(self) -> None:
        early = say(self.chain, self.log, "before")
        newcomer = Receiver(self.group.log())
        newcomer.take_announcement(self.chain.announce(), self.author.entry)
        late = say(self.chain, self.log, "after")
        self.assertEqual(newcomer.open(late, self.author.entry, NOW), b"after")
        with self.assertRaises(Refused) as caught:
            newcomer.open(early, self.author.entry, NOW)
        self.assertEqual(caught.exception.rule, "key-gone")

    def test_a_fourth_chain_replaces_the_first(self) -> None:
        message = say(self.chain, self.log, "first chain")
        for _ in range(3):
            self.receiver.take_announcement(chain_of(self.author, self.log).announce(), self.author.entry)
        self.refuses("unknown-chain", message)

    def test_three_chains_are_kept(self) -> None:
        message = say(self.chain, self.log, "first chain")
        for _ in range(2):
            self.receiver.take_announcement(chain_of(self.author, self.log).announce(), self.author.entry)
        self.assertEqual(self.receiver.open(message, self.author.entry, NOW), b"first chain")

    def test_skipped_keys_are_kept_for_45_days(self) -> None:
        said = [say(self.chain, self.log, f"{n}") for n in range(3)]
        self.receiver.open(said[2], self.author.entry, NOW)
        chain = self.receiver.chains[self.author.aik.public, self.author.device_id][0]
        chain.forget_before(NOW + SKIPPED_AGE)
        self.assertEqual(chain.skipped.keys(), {0, 1})
        chain.forget_before(NOW + SKIPPED_AGE + 1)
        self.assertEqual(chain.skipped, {})


if __name__ == "__main__":
    unittest.main()
