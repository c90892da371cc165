# SPDX-License-Identifier: ISC
"""A spool that is not mounted is no empty queue. Beneath its mount point may be nothing, a skeleton of directories or a
forgotten file, but it is another place: the command says so, exits 1, and the index keeps every row."""
import os
import shutil

from case import BAD, RigCase, both_ids_at_length
from rig import until

DIRECTORIES = ("maildrop", "incoming", "active", "deferred", "hold", "defer", "bounce", "corrupt", "pid", "public", "private")


class Unmounted(RigCase):
    """For the command, something else is mounted over the spool."""

    def beneath(self, script=""):
        """The prefix for a command that finds a tmpfs in place of the spool, prepared by a shell script."""
        words = f'mount -t tmpfs -o mode=0755 t "{self.postfix.spool}" && cd "{self.postfix.spool}" && {{ {script or ":"}; }}'
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", words + ' && cd / && exec "$@"', "sh"]

    skeleton = " && ".join(f"install -d -m 0700 -o postfix {name}" for name in DIRECTORIES)

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 20))
        self.others = set(self.send_many("a@good.test", 3))
        self.postfix.settled(23)

    def assert_refused(self, prefix, *args):
        result = self.pq.idx(*args, prefix=prefix)
        self.assertEqual(result.status, 1, f"{args}: {result}")
        self.assertIn("mounted", result.err, f"{args}: {result}")
        self.assertNotRegex(result.out, r"Nothing matched|\bgone\b", f"{args}: {result}")
        return result

    def check(self, script):
        prefix = self.beneath(script)
        for args in (("list", BAD), ("purge", "-n", BAD), ("purge", "-y", BAD), ("hold", "-y", BAD), ("top",), ("why",),
                     ("sync",), ("sync", "-n"), ("purge", "-y", "--json", "--all")):
            self.assert_refused(prefix, *args)
        self.assertEqual(set(self.pq.listed("--index-only")), self.ours | self.others, "the rows are all there")
        self.assertEqual(self.assert_purged(self.ours, BAD).summary["gone"], 0)

    def sync(self):
        result = self.pq.idx("sync")
        self.assertEqual(result.status, 0, result)


class Cases:
    def test_empty(self):
        self.check("")

    def test_skeleton(self):
        self.check(self.skeleton)

    def test_stray_file(self):
        """Among the directories is a file that is no message of ours; it looks like one, and the selection matches
        it."""
        stray = os.path.join(self.pq.home, "stray")
        shutil.copy(self.postfix.find(min(self.ours)), stray)
        name = "4jcldJ4xhtz1bgHn" if self.long_ids else "ABCDE1234F"
        self.check(f"{self.skeleton} && install -D -m 0700 -o postfix {stray} deferred/{name[0]}/{name}")

    def test_stray_file_of_another_kind(self):
        self.check(self.skeleton + " && touch deferred/README && install -d deferred/A deferred/lost+found")


@both_ids_at_length
class Known(Cases, Unmounted):
    """A catch-up ran before."""

    def setUp(self):
        super().setUp()
        self.sync()

    def test_status(self):
        result = self.pq.idx("status", prefix=self.beneath(self.skeleton))
        self.assertEqual(result.status, 2, result)
        self.assertIn("mounted", result.out + result.err)

    def test_index_only(self):
        """It looks at no queue."""
        result = self.pq.idx("list", "--json", "--index-only", BAD, prefix=self.beneath(self.skeleton))
        self.assertEqual((result.status, set(result.messages)), (0, self.ours), result)

    def test_without_a_daemon(self):
        self.pq.stop()
        self.check(self.skeleton)

    def test_undo(self):
        """Mail of a hold batch has not left because the queue is missing."""
        held = self.pq.idx("hold", "-y", "--json", BAD)
        for args in (("undo", "-n", "1"), ("undo", "-y", "1")):
            self.assert_refused(self.beneath(self.skeleton), *args)
        self.assertEqual(set(self.pq.listed("--index-only")), self.ours | self.others, "the rows are all there")
        result = self.pq.idx("undo", "-y", "--json", str(held.summary["batch"]))
        self.assertEqual((result.status, result.with_result("released")), (0, self.ours), result)

    def test_some_of_it_lies_there(self):
        """A copy of half of the queue elsewhere: mail in it is handled, and nothing is said of the rest."""
        half = sorted(self.ours)[:10]
        copies = os.path.join(self.pq.home, "copies")
        for queue_id in half:
            path = self.postfix.find(queue_id)
            place = os.path.join(copies, os.path.relpath(path, self.postfix.spool))
            os.makedirs(os.path.dirname(place), exist_ok=True)
            shutil.copy2(path, place)
        script = f"{self.skeleton} && cp -r --preserve=mode,timestamps {copies}/. . && chown -R postfix deferred"
        result = self.pq.idx("purge", "-n", "--json", BAD, prefix=self.beneath(script))
        self.assertEqual((result.with_result("would-delete"), result.summary["gone"]), (set(half), 0), result)
        result = self.pq.idx("purge", "-y", "--json", BAD, prefix=self.beneath(script))
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (set(half), 0), result)
        self.assertEqual(self.assert_purged(self.ours, BAD).summary["gone"], 0)


@both_ids_at_length
class New(Cases, Unmounted):
    """No catch-up has seen the queue yet: there is only what the milter recorded."""


@both_ids_at_length
class Missing(Unmounted):
    def test_missing(self):
        """Even the mount point is missing, so Postfix's directory is just empty."""
        self.sync()
        away = self.postfix.spool + ".away"
        os.rename(self.postfix.spool, away)
        try:
            for args in (("list", BAD), ("purge", "-y", BAD), ("sync",)):
                result = self.pq.idx(*args)
                self.assertEqual(result.status, 1, f"{args}: {result}")
            os.mkdir(self.postfix.spool)
            for args in (("list", BAD), ("purge", "-y", BAD), ("sync",)):
                self.assert_refused([], *args)
            os.rmdir(self.postfix.spool)
        finally:
            os.rename(away, self.postfix.spool)
        self.assertEqual(self.assert_purged(self.ours, BAD).summary["gone"], 0)

    def test_index_removed(self):
        """Without a row that says otherwise, an empty queue is empty."""
        self.sync()
        self.pq.stop()
        self.pq.forget()
        result = self.pq.idx("purge", "-y", "--json", BAD, prefix=self.beneath(self.skeleton))
        self.assertEqual((result.status, result.summary["matched"]), (0, 0), result)
        self.assert_purged(self.ours, BAD)

    def test_undo_without_an_index(self):
        """The account knows that there was mail."""
        held = self.pq.idx("hold", "-y", "--json", BAD)
        self.pq.stop()
        self.pq.forget()
        for script in "", self.skeleton:
            for args in (("undo", "-n", "1"), ("undo", "-y", "1"), ("undo", "-y", "--json", "1")):
                self.assert_refused(self.beneath(script), *args)
        self.assertEqual(self.pq.idx("log", "--json").lines[0]["state"], "done")
        result = self.pq.idx("undo", "-y", "--json", str(held.summary["batch"]))
        self.assertEqual((result.status, result.with_result("released")), (0, self.ours), result)

    def test_undo_with_an_empty_index(self):
        """A daemon that has restarted has no row, and knows no place."""
        held = self.pq.idx("hold", "-y", "--json", BAD)
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        self.assert_refused(self.beneath(self.skeleton), "undo", "-y", "1")
        result = self.pq.idx("undo", "-y", "--json", str(held.summary["batch"]))
        self.assertEqual((result.status, result.with_result("released")), (0, self.ours), result)

    def test_replaced_on_purpose(self):
        """The words say what to do if the queue directory really is a new one: remove the index."""
        self.sync()
        refused = self.assert_refused(self.beneath(self.skeleton), "list")
        self.assertIn("index.mdb", refused.err)
        self.pq.forget()
        until(lambda: os.path.exists(self.pq.index_file), "a new index")
        result = self.pq.idx("list", prefix=self.beneath(self.skeleton))
        self.assertEqual(result.status, 0, result)
