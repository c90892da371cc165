# SPDX-License-Identifier: ISC
"""The hashing of queues into directories is the one on disk, whatever main.cf says: somebody changes hash_queue_depth or
hash_queue_names, reloads or not, and waiting mail stays where it was."""
import os

import spool
from case import BAD, RigCase, both_ids
from rig import until

DEFAULTS = {"hash_queue_depth": "1", "hash_queue_names": "deferred, defer"}
ALL_QUEUES = "incoming, active, deferred, hold, defer"


class LayoutCase(RigCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.restore)

    def restore(self):
        """Moves the files to where this Postfix looks for them, if any are left."""
        self.postfix.set(**DEFAULTS)
        self.postfix.run("postsuper", "-s")

    def fill(self, bad=25, good=5):
        """Queues mail of the domain, and of others."""
        ours, others = set(self.send_many("a@example.com", bad)), set(self.send_many("a@good.test", good))
        self.postfix.settled(bad + good)
        return ours, others

    def depths(self, queue="deferred"):
        """The numbers of directories between a queue and its files."""
        root = os.path.join(self.postfix.spool, queue)
        return {path.removeprefix(root).count("/") - 1 for name in self.postfix.ids()
                if (path := self.postfix.find(name)).startswith(root + "/")}

    def dropped(self):
        result = self.pq.idx("sync", "--json")
        self.assertEqual(result.status, 0, result)
        return result.lines[0]["sync"]["dropped"]


class Changed:
    """main.cf was edited, and no program was told."""

    changes = {}

    def change(self):
        self.postfix.set(**self.changes)

    def test_purge(self):
        ours, others = self.fill()
        self.change()
        result = self.assert_purged(ours, BAD)
        self.assertEqual((result.summary["gone"], self.postfix.ids()), (0, others), result)

    def test_purge_after_a_catch_up(self):
        ours, _ = self.fill()
        self.pq.idx("sync")
        self.change()
        self.assert_purged(ours, BAD)

    def test_sync_drops_nothing(self):
        ours, _ = self.fill(10)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.change()
        self.assertEqual(self.dropped(), 0)
        self.assertEqual(set(self.pq.listed(BAD)), ours)
        self.assert_purged(ours, BAD)

    def test_unknown_to_the_index(self):
        self.pq.stop()
        ours, _ = self.fill(10)
        self.pq.start()
        self.change()
        self.assertEqual(self.assert_purged(ours, BAD).summary["from_queue"], 10)

    def test_list_and_top(self):
        ours, others = self.fill(10)
        self.change()
        self.assertEqual(set(self.pq.listed()), ours | others)
        top = {line["group"]: line["count"] for line in self.pq.idx("top", "--json").lines}
        self.assertEqual((top.get(BAD), top.get("good.test")), (10, 5))

    def test_hold_and_release(self):
        ours, others = self.fill(10)
        self.change()
        held = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual((held.status, held.with_result("held")), (0, ours), held)
        self.assertEqual({i for i, file in self.postfix.read().items() if file.queue == "hold"}, ours)
        back = self.pq.idx("release", "-y", "--json", BAD)
        self.assertEqual((back.status, back.with_result("released")), (0, ours), back)
        self.assertEqual({file.queue for file in self.postfix.read().values()}, {"deferred"})
        self.assertEqual(self.postfix.ids(), ours | others)

    def held_before(self):
        """The domain's mail is held, then main.cf is edited; (IDs, batch)."""
        ours, _ = self.fill(10)
        held = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual((held.status, held.with_result("held")), (0, ours), held)
        self.change()
        return ours, str(held.summary["batch"])

    def test_undo_of_what_was_held_before(self):
        ours, batch = self.held_before()
        back = self.pq.idx("undo", "-y", "--json", batch)
        self.assertEqual((back.status, back.with_result("released")), (0, ours), back)
        self.assertEqual({file.queue for file in self.postfix.read().values()}, {"deferred"})

    def test_purge_of_what_was_held_before(self):
        ours, _ = self.held_before()
        self.assert_purged(ours, BAD)

    def test_without_an_index(self):
        ours, _ = self.fill(10)
        self.change()
        self.pq.kill9()
        self.pq.forget()
        self.assert_purged(ours, BAD)


@both_ids
class Deeper(Changed, LayoutCase):
    changes = {"hash_queue_depth": "2"}


@both_ids
class MuchDeeper(Changed, LayoutCase):
    changes = {"hash_queue_depth": "4"}


@both_ids
class NoLongerHashed(Changed, LayoutCase):
    changes = {"hash_queue_names": "incoming"}


@both_ids
class AllHashed(Changed, LayoutCase):
    changes = {"hash_queue_names": ALL_QUEUES}


@both_ids
class AllHashedDeeper(Changed, LayoutCase):
    changes = {"hash_queue_names": ALL_QUEUES, "hash_queue_depth": "2"}


@both_ids
class Rehashed(LayoutCase):
    """Its own rig: `postfix reload` moves the files in the background, and moving them back needs another one."""

    changes = {"hash_queue_depth": "2"}
    main = "hash_queue_depth = 1\n"

    def setUp(self):
        super().setUp()
        self.addCleanup(self.settle_back)

    def settle_back(self):
        self.postfix.set(**DEFAULTS)
        self.postfix.run("postfix", "reload")
        until(lambda: self.depths() <= {1}, "the files' way back")

    def reload(self):
        self.postfix.set(**self.changes)
        self.postfix.run("postfix", "reload")

    def test_purge_at_once(self):
        """Files are at both depths, and move."""
        ours, others = self.queue_many("a@example.com", 1500), self.queue_many("a@good.test", 200)
        self.postfix.settled(1700)
        self.reload()
        self.assert_purged(ours, BAD)

    def test_purge_when_done(self):
        ours, _ = self.fill()
        self.reload()
        until(lambda: self.depths() == {2}, "the deeper layout")
        self.assert_purged(ours, BAD)

    def test_both_depths(self):
        """Half of it had moved when something stopped."""
        ours, others = self.fill(20, 4)
        for queue_id in sorted(ours)[::2]:
            path = self.postfix.find(queue_id)
            place = os.path.join(os.path.dirname(path), spool.hash_digits(queue_id)[1])
            if not os.path.isdir(place):
                os.mkdir(place, 0o700)
                os.chown(place, os.stat(path).st_uid, -1)
            os.rename(path, os.path.join(place, queue_id))
        self.assertEqual(self.depths(), {1, 2})
        self.assertEqual(set(self.pq.listed()), ours | others)
        self.assertEqual(self.dropped(), 0)
        self.assert_purged(ours, BAD)


@both_ids
class RehashedToFlat(Rehashed):
    changes = {"hash_queue_names": "incoming"}

    def test_purge_when_done(self):
        ours, _ = self.fill()
        self.reload()
        until(lambda: self.depths() == {0}, "the flat layout")
        self.assert_purged(ours, BAD)


@both_ids
class Odd(LayoutCase):
    def test_directories_that_are_no_part_of_a_layout(self):
        """A directory with a name of two characters under a queue holds no queue files, whatever is in it."""
        ours, _ = self.fill(5)
        place = os.path.join(self.postfix.spool, "deferred", "lost+found")
        os.mkdir(place, 0o700)
        self.addCleanup(os.rmdir, place)
        self.assert_purged(ours, BAD)
