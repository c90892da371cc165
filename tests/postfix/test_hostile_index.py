# SPDX-License-Identifier: ISC
"""An index made to harm its reader: pages in a circle, false counts, invalid records. No process of root's reads it. A
child does, within bounds, and the queue answers for what it cannot read. Also an index changed by accident."""
import ctypes
import os
import random
import struct
import time

from case import BAD, RigCase
from pqpurge import MEASURE

PAGE = 4096
BRANCH, LEAF, OVERFLOW = 1, 2, 4
BLOCK = 128 << 10
SUM_AT = 70  # offset in the lock file


def sum_of(data):
    """As in lib/index/store/data_file.h."""
    xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    xxh3.restype, xxh3.argtypes = ctypes.c_uint64, (ctypes.c_char_p, ctypes.c_size_t)
    total, at = 0, 0
    while True:
        block = bytes(data[at:at + BLOCK])
        total, at = xxh3(total.to_bytes(8, "little") + block, 8 + len(block)), at + BLOCK
        if len(block) < BLOCK:
            return total


def note_sum(pq, number):
    """Writes that sum into the lock file; 0: it was not closed."""
    with open(os.path.join(pq.index, "lock"), "r+b") as file:
        file.seek(SUM_AT)
        was = int(file.read(16), 16)
        file.seek(SUM_AT)
        file.write(b"%016x" % number)
    return was


class Crafted(RigCase):
    """An attacker can also write the matching sum."""
    settings = {"index_map_size": "64M"}

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 10))
        self.others = set(self.send_many("a@good.test", 10))
        self.queue_many("bulk@good.test", 1500)
        self.postfix.settled(1520)

    def sum_noted(self, data):
        return sum_of(data)

    def pages(self, data, flag):
        """Offsets of the pages with that flag, after the two meta pages."""
        for at in range(2 * PAGE, len(data), PAGE):
            if struct.unpack_from("<H", data, at + 10)[0] & flag:
                yield at

    def nodes(self, data, at):
        """Offsets of a page's nodes."""
        lower = struct.unpack_from("<H", data, at + 12)[0]
        for n in range(min(max(lower - 16, 0) // 2, 2000)):
            node = at + struct.unpack_from("<H", data, at + 16 + 2 * n)[0]
            if node + 8 <= at + PAGE:
                yield node

    def craft(self, change):
        """Changes the file while the daemon is down. Every verb that reads it ends within bounds, and the answer is
        complete."""
        self.pq.stop()
        with open(self.pq.index_file, "rb") as file:
            data = bytearray(file.read())
        was = sum_of(data)
        change(data)
        with open(self.pq.index_file, "r+b") as file:
            file.write(data)
        self.assertEqual(note_sum(self.pq, self.sum_noted(data)), was)
        used = os.path.join(self.pq.home, "used")
        for verb, *args in (("list", "--json", BAD), ("top", "--json"), ("sync",), ("status",), ("purge", "-y", "--json", BAD)):
            began = time.monotonic()
            result = self.pq.idx(verb, *args, prefix=[MEASURE, used])
            self.assertLess(time.monotonic() - began, 20, f"{verb}: {result}")
            with open(used, encoding="ascii") as file:
                self.assertLess(int(file.read()), 160 << 20, verb)
            self.assertIn(result.status, (0, 2), f"{verb}: {result}")
            if verb == "list":
                self.assertEqual(set(result.messages), self.ours, result)
        self.assertEqual(result.with_result("deleted"), self.ours, result)
        self.assertEqual(len(self.postfix.ids()), 1510)
        self.pq.start()

    def test_branches_that_lead_to_themselves(self):
        def change(data):
            for at in self.pages(data, BRANCH):
                for node in self.nodes(data, at):
                    struct.pack_into("<HHH", data, node, (at // PAGE) & 0xFFFF, at // PAGE >> 16, 0)
        self.craft(change)

    def test_branches_that_lead_to_each_other(self):
        def change(data):
            places = [at // PAGE for at in self.pages(data, BRANCH)]
            for number, at in enumerate(self.pages(data, BRANCH)):
                for node in self.nodes(data, at):
                    there = places[(number + 1) % len(places)]
                    struct.pack_into("<HHH", data, node, there & 0xFFFF, there >> 16, 0)
        self.craft(change)

    def test_branches_that_lead_to_one_leaf(self):
        """A tree with one leaf that is met again and again."""
        def change(data):
            leaf = max(self.pages(data, LEAF)) // PAGE
            for at in self.pages(data, BRANCH):
                for node in self.nodes(data, at):
                    struct.pack_into("<HHH", data, node, leaf & 0xFFFF, leaf >> 16, 0)
        self.craft(change)

    def test_values_of_all_sizes(self):
        def change(data):
            for at in self.pages(data, LEAF):
                for node in self.nodes(data, at):
                    struct.pack_into("<HH", data, node, 0xFFFF, 0x7FFF)
        self.craft(change)

    def test_values_far_away(self):
        """Each value is on overflow pages, as many as the numbers allow."""
        def change(data):
            for at in self.pages(data, LEAF):
                for node in self.nodes(data, at):
                    struct.pack_into("<HHH", data, node, 0xFFFF, 0x3FFF, 1)
        self.craft(change)

    def test_records_of_noise(self):
        def change(data):
            chance = random.Random(1)
            for at in self.pages(data, LEAF):
                for node in self.nodes(data, at):
                    low, high, _, key = struct.unpack_from("<HHHH", data, node)
                    start, size = node + 8 + key, low | high << 16
                    if start + size <= at + PAGE:
                        data[start:start + size] = chance.randbytes(size)
        self.craft(change)

    def test_random_bytes(self):
        """Enough bytes to hit a record in any case. One byte of a key, with a matching sum, may hide a row; so may a
        lying daemon."""
        chance = random.Random(2)
        def change(data):
            for _ in range(len(data) // 100):
                data[chance.randrange(2 * PAGE, len(data))] = chance.randrange(256)
        self.craft(change)

    def test_sparse(self):
        """A file whose header claims a terabyte of pages."""
        def change(data):
            for meta in (0, PAGE):
                struct.pack_into("<Q", data, meta + 16 + 16, 1 << 40)
        self.craft(change)


class CraftedAndNotClosed(Crafted):
    def sum_noted(self, data):
        return 0


class Accident(RigCase):
    """One byte changes while nobody has the index open. In a key it would hide a message, since a catch-up believes
    the rows."""

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 40))
        self.send_many("a@good.test", 40)
        self.postfix.settled(80)
        self.assertEqual(set(self.pq.listed(BAD)), self.ours)  # now all files are read
        self.pq.stop()
        with open(self.pq.index_file, "rb") as file:
            self.sound = file.read()
        self.sum = note_sum(self.pq, 0)

    def change(self, at, number):
        """Changes the byte at that offset, in an index closed with that sum."""
        data = bytearray(self.sound)
        data[at] ^= 1 << at % 8
        with open(self.pq.index_file, "r+b") as file:
            file.truncate(0)
            file.write(data)
        note_sum(self.pq, number)

    def places(self, chance):
        """Offsets in the author keys of our mail, and anywhere."""
        key, found = b"com.example.\0", []
        at = self.sound.find(key)
        while at >= 0:
            found.append(at)
            at = self.sound.find(key, at + 1)
        self.assertGreaterEqual(len(found), len(self.ours))
        for _ in range(8):
            yield chance.choice(found) + chance.randrange(len(key) + 8)
            yield chance.randrange(len(self.sound))

    def check(self, number):
        for at in self.places(random.Random(4)):
            self.change(at, number)
            self.assertEqual(set(self.pq.listed(BAD)), self.ours, f"a byte at {at}")

    def test_after_it_was_closed(self):
        self.check(self.sum)

    def test_after_its_owner_was_killed(self):
        self.check(0)


class UnderTheDaemon(RigCase):
    def test_random_bytes_while_it_runs(self):
        """The daemon may be confused, or end and start again. The queue is not, and mail flows."""
        ours = set(self.send_many("a@example.com", 10))
        other = self.send("a@good.test")
        self.postfix.settled(11)
        chance = random.Random(3)
        with open(self.pq.index_file, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            for _ in range(200):
                file.seek(chance.randrange(2 * PAGE, size))
                file.write(chance.randbytes(4))
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (ours, {other}), result)
        self.assertTrue(self.send("a@good.test"), "mail flows")
