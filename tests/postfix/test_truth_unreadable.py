# SPDX-License-Identifier: ISC
"""An unreadable part of the queue does not keep the rest from being handled. It is named, nothing in it is called gone,
and the exit status is 2, since zero would mean zero."""
import os
import pathlib
import stat

from case import BAD, RigCase, both_ids_at_length
from pqpurge import preload
from smtp import content


class UnreadableCase(RigCase):
    def setUp(self):
        super().setUp()
        self.others = set(self.send_many("a@good.test", 5))
        self.ours = set()
        # A directory under deferred may take all mail of a sixteenth of a second.
        while len(self.ours) < 40 or len({self.directory(i) for i in self.ours}) < 2:
            self.ours |= set(self.send_many("a@example.com", 20))
            self.postfix.settled(len(self.ours | self.others))

    def directory(self, queue_id):
        return os.path.dirname(self.postfix.find(queue_id))

    def lock(self, path, mode=0):
        old = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, mode)
        self.addCleanup(os.chmod, path, old)
        return lambda: os.chmod(path, old)

    def half(self):
        """A directory under deferred, and which of our messages are in it."""
        path = self.directory(min(self.ours))
        return path, {i for i in self.ours if self.directory(i) == path}


@both_ids_at_length
class Directory(UnreadableCase):
    def check(self, *before):
        for args in before:
            self.pq.idx(*args)
        path, inside = self.half()
        self.assertTrue(inside and inside < self.ours)
        name = os.path.relpath(path, self.postfix.spool)
        unlock = self.lock(path)
        result = self.purge(BAD, status=2)
        self.assertEqual(result.with_result("deleted"), self.ours - inside, result)
        self.assertEqual((result.summary["gone"], result.summary["unreadable"] > 0), (0, True), result)
        self.assertIn(name, result.err, "the directory is named")
        unlock()
        self.assertEqual(self.postfix.ids(), inside | self.others)
        self.assert_purged(inside, BAD)

    def test_purge(self):
        self.check()

    def test_purge_after_a_catch_up(self):
        self.check(["sync"])

    def test_purge_with_no_daemon(self):
        self.pq.stop()
        self.check()

    def test_purge_with_no_index(self):
        self.pq.stop()
        self.pq.forget()
        self.check()

    def test_not_executable(self):
        """Names can be listed, but files not opened."""
        path, inside = self.half()
        unlock = self.lock(path, 0o600)
        result = self.purge(BAD, status=2)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (self.ours - inside, 0), result)
        self.assertIn(os.path.relpath(path, self.postfix.spool), result.err)
        unlock()
        self.assert_purged(inside, BAD)

    def test_looking_verbs(self):
        path, inside = self.half()
        name = os.path.relpath(path, self.postfix.spool)
        self.lock(path)
        for args in ("list", "--json", BAD), ("top", "--json"), ("purge", "-n", "--json", BAD), ("why", "--json"):
            result = self.pq.idx(*args)
            self.assertEqual(result.status, 2, f"{args}: {result}")
            self.assertIn(name, result.err, args)
        self.assertLessEqual(self.ours - inside, set(self.pq.idx("list", "--json", BAD).messages))

    def test_sync(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        path, _ = self.half()
        unlock = self.lock(path)
        result = self.pq.idx("sync", "--json")
        self.assertEqual((result.status, result.lines[0]["sync"]["dropped"]), (2, 0), result)
        self.assertIn(os.path.relpath(path, self.postfix.spool), result.err)
        unlock()
        self.assertEqual(set(self.pq.listed("--index-only", BAD)), self.ours, "no row was dropped")

    def test_hold(self):
        path, inside = self.half()
        self.lock(path)
        result = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("held")), (2, self.ours - inside), result)

    def test_of_root(self):
        """It belongs to another user, as after a restore by root."""
        path, inside = self.half()
        info = os.stat(path)
        self.addCleanup(os.chown, path, info.st_uid, info.st_gid)
        os.chown(path, 0, 0)
        result = self.purge(BAD, status=2)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (self.ours - inside, 0), result)
        os.chown(path, info.st_uid, info.st_gid)
        self.assert_purged(inside, BAD)


@both_ids_at_length
class Queue(UnreadableCase):
    def test_whole_queue(self):
        """deferred itself; mail in hold is handled."""
        held = set(sorted(self.ours)[:7])
        self.postfix.postsuper("-h", "-", ids=held)
        unlock = self.lock(os.path.join(self.postfix.spool, "deferred"))
        result = self.purge(BAD, status=2)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (held, 0), result)
        self.assertIn("deferred", result.err)
        unlock()
        self.assert_purged(self.ours - held, BAD)

    def test_empty_queue(self):
        """hold, which is empty, but nobody can know that."""
        self.lock(os.path.join(self.postfix.spool, "hold"))
        result = self.purge(BAD, status=2)
        self.assertEqual(result.with_result("deleted"), self.ours, result)
        self.assertIn("hold", result.err)


@both_ids_at_length
class File(UnreadableCase):
    def test_mode(self):
        """A queue file of mode 0700 of another owner; mail_owner cannot open it."""
        broken = min(self.ours)
        path = self.postfix.find(broken)
        os.chown(path, 0, 0)
        result = self.purge(BAD, status=2)
        self.assertEqual(result.with_result("deleted"), self.ours - {broken}, result)
        self.assertIn(broken, result.err + result.out)

    def test_mode_was_lost(self):
        """As after a restore, or by Postfix's mark of a corrupt file: mailq does not show it, but it is not said to be no
        mail, whether the index knows it or not. For a minute it may be one that arrives."""
        later = {"env": {**os.environ, **preload("clock", PQPURGE_CLOCK_AHEAD="100")}}
        broken = min(self.ours)
        path = self.postfix.find(broken)
        looks = [("list", "--json", BAD), ("top", "--json"), ("why", "--json"), ("purge", "-n", "--json", BAD),
                 ("hold", "-n", "--json", "--id", broken)]
        for known, mode in (True, 0o600), (True, 0o400), (False, 0o400), (False, 0o600):
            if not known:
                self.pq.stop()
                self.pq.forget()
                self.pq.start()
            os.chmod(path, mode)
            for args in looks if known else (*looks, ("sync",)):
                with self.subTest(mode=mode, known=known, args=args):
                    result = self.pq.idx(*args, **later)
                    self.assertEqual(result.status, 2, result)
                    self.assertIn("mode is not 0700", result.err + result.out)
                    self.assertIn(broken, result.err + result.out)
            os.chmod(path, 0o700)
            self.assertEqual(self.pq.idx("sync").status, 0)
        os.chmod(path, 0o600)
        result = self.purge(BAD, status=2, **later)
        self.assertEqual((result.with_result("deleted"), result.with_result("failed")), (self.ours - {broken}, {broken}), result)
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        result = self.purge(BAD)
        self.assertEqual((result.summary["matched"], result.summary["arriving"]), (0, 1), result)
        result = self.purge(BAD, status=2, **later)
        self.assertEqual((result.summary["matched"], result.summary["unreadable"]), (0, 1), result)
        os.chmod(path, 0o700)
        self.assert_purged({broken}, BAD)

    def test_damaged(self):
        """Its records are invalid. With a row its inode proves it; without one it cannot be read."""
        broken = min(self.ours)
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        path = self.postfix.find(broken)
        with open(path, "r+b") as file:
            file.write(b"XXXX")
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        result = self.purge(BAD, status=2)
        self.assertEqual(result.with_result("deleted"), self.ours - {broken}, result)
        self.assertEqual(result.summary["unreadable"], 1, result)
        self.assertIn(broken, result.err)

    def test_cut_short(self):
        broken = min(self.ours)
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        path = self.postfix.find(broken)
        os.truncate(path, 40)
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        result = self.purge(BAD, status=2)
        self.assertEqual((result.with_result("deleted"), result.summary["unreadable"]), (self.ours - {broken}, 1), result)
        self.assertIn(broken, result.err)

    def test_cut_short_in_the_header(self):
        """What the header would say further down is not known."""
        broken = self.send("a@good.test", text=content("x@example.com", extra="X-Last: here\n"))
        self.postfix.settled()
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        path = self.postfix.find(broken)
        data = pathlib.Path(path).read_bytes()
        os.truncate(path, data.index(b"From: x@example.com") - 2)
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        result = self.purge(BAD, status=2)
        self.assertEqual((result.with_result("deleted"), result.summary["undecided"]), (self.ours, 1), result)

    def test_many_header_lines(self):
        lines = "".join(f"X-{n}: y\n" for n in range(30000))
        ours = self.send("a@good.test", text=f"{lines}From: x@example.com\n\nbody\n")
        self.postfix.settled()
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        self.assert_purged(self.ours | {ours}, BAD)


@both_ids_at_length
class Shown(RigCase):
    """`show` of a message that no walk hands out does not say that it is gone."""

    def show(self, queue_id, *args, status=0):
        result = self.pq.idx("show", "--json", queue_id, *args)
        self.assertEqual(result.status, status, result)
        return result.lines[0]["proof"]

    def test_states(self):
        queue_id = self.send("a@example.com")
        self.postfix.settled(1)
        path = self.postfix.find(queue_id)
        self.pq.stop()
        self.pq.forget()
        self.assertEqual(self.show(queue_id), "same")
        self.pq.forget()
        with open(path, "r+b") as file:
            file.write(b"no record")
        self.assertEqual(self.show(queue_id, status=2), "unreadable")
        os.chmod(path, 0o600)
        self.assertEqual(self.show(queue_id), "arriving")
        os.chmod(path, 0o700)
        maildrop = os.path.join(self.postfix.spool, "maildrop", queue_id)
        self.postfix.stop()  # pickup(8) would take it
        self.addCleanup(self.postfix.start)
        os.rename(path, maildrop)
        self.assertEqual(self.show(queue_id), "arriving")
        os.unlink(maildrop)
        self.assertEqual(self.show(queue_id), "gone")

    def test_index_only(self):
        queue_id = self.send("a@example.com")
        self.postfix.settled(1)
        self.assertEqual(self.show(queue_id, "--index-only"), "unknown")
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        self.assertEqual(self.show(queue_id, "--index-only"), "unknown", "the queue was not asked")


class Misplaced(UnreadableCase):
    """A file outside the directory of its hash: qmgr lists it, but postsuper does not find it. It is named, and
    never skipped."""

    def test_it_is_named(self):
        path, inside = self.half()
        moved, elsewhere = min(inside), os.path.join(os.path.dirname(path), "F" if path[-1] != "F" else "E")
        os.makedirs(elsewhere, exist_ok=True)
        os.chown(elsewhere, os.stat(path).st_uid, -1)
        os.rename(os.path.join(path, moved), os.path.join(elsewhere, moved))
        self.addCleanup(os.unlink, os.path.join(elsewhere, moved))
        for args in ("list", "--json", BAD), ("purge", "-y", "--json", BAD):
            result = self.pq.idx(*args)
            self.assertEqual(result.status, 2, result)
            self.assertIn(moved, result.err)
            self.assertIn("wrong directory", result.err)
        self.assertEqual(self.postfix.ids(), self.others | {moved})
