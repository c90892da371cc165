# SPDX-License-Identifier: ISC
"""An index made to harm its reader: pages that lead to each other, counts that lie, records that are none. No process of
root's reads it; a child does, within bounds, and the queue answers for what it cannot."""
import os
import random
import struct
import sys
import time

from case import BAD, RigCase
from rig import HERE

PAGE = 4096
BRANCH, LEAF, OVERFLOW = 1, 2, 4


class Crafted(RigCase):
    settings = {"index_map_size": "64M"}

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 10))
        self.others = set(self.send_many("a@good.test", 10))
        self.queue_many("bulk@good.test", 1500)
        self.postfix.settled(1520)

    def pages(self, data, flag):
        """Offsets of pages with that flag, behind the two meta pages."""
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
        """Changes the file with the daemon down; every verb that reads it ends within bounds, and the answer is complete."""
        self.pq.stop()
        with open(self.pq.index_file, "rb") as file:
            data = bytearray(file.read())
        change(data)
        with open(self.pq.index_file, "r+b") as file:
            file.write(data)
        used = os.path.join(self.pq.home, "used")
        for verb, *args in (("list", "--json", BAD), ("top", "--json"), ("sync",), ("status",), ("purge", "-y", "--json", BAD)):
            began = time.monotonic()
            result = self.pq.idx(verb, *args, prefix=[sys.executable, "-IS", os.path.join(HERE, "measure.py"), used])
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
        """A tree of one leaf, met again and again."""
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
        """Each value is on overflow pages, as many as there are numbers."""
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
        """So many that a record is hit in any case. One byte of a key may hide a row: so may a daemon that lies."""
        chance = random.Random(2)
        def change(data):
            for _ in range(len(data) // 100):
                data[chance.randrange(2 * PAGE, len(data))] = chance.randrange(256)
        self.craft(change)

    def test_sparse(self):
        """A file that says it has a terabyte of pages."""
        def change(data):
            for meta in (0, PAGE):
                struct.pack_into("<Q", data, meta + 16 + 16, 1 << 40)
        self.craft(change)


class UnderTheDaemon(RigCase):
    def test_random_bytes_while_it_runs(self):
        """The daemon may be confused, or end and start again; the queue is not, and mail flows."""
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
