# SPDX-License-Identifier: ISC
"""A spool restored from a backup has new inodes, and perhaps a new directory. The files themselves say what they are:
nothing is unproven, nothing is gone, and a catch-up mends the rows."""
import os
import pathlib
import shutil
import subprocess

import spool
from case import BAD, RigCase, both_ids


def copy_tree(source, target):
    subprocess.run(["cp", "-a", source + "/.", target], check=True)


def renew(path):
    """Gives the file another inode, which none of its neighbours had before."""
    shutil.copy2(path, path + ".new")
    info = os.stat(path)
    os.chown(path + ".new", info.st_uid, info.st_gid)
    os.rename(path + ".new", path)


class RestoreCase(RigCase):
    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 12))
        self.others = set(self.send_many("a@good.test", 3))
        self.postfix.settled(15)
        # postsuper 3.7 cannot log to a file while Postfix is down.
        self.postfix.set(maillog_file="")
        self.addCleanup(self.postfix.set, maillog_file=self.postfix.maillog)
        self.addCleanup(self.start_postfix, checked=False)

    def start_postfix(self, checked=True):
        if not self.postfix.running:
            os.chmod(self.postfix.maillog, 0o666)
            self.postfix.start(checked)

    def stopped(self, work):
        """Does work while Postfix is down."""
        self.postfix.stop()
        work()

    def renew_files(self):
        """All files get new inodes, each while all the old ones are still in use."""
        paths = [self.postfix.find(i) for i in self.ours | self.others]
        copies = [shutil.copy2(path, path + ".new") for path in paths]
        for path, copy in zip(paths, copies, strict=True):
            info = os.stat(path)
            os.chown(copy, info.st_uid, info.st_gid)
        for path, copy in zip(paths, copies, strict=True):
            os.rename(copy, path)

    def swap_files(self):
        """Each file gets the inode of another message, of the domain or of others by turns."""
        ours, others = sorted(self.ours), sorted(self.others)
        names = [name for n in range(3) for name in (*ours[4 * n:4 * n + 4], others[n])]
        paths = [self.postfix.find(name) for name in names]
        contents = [pathlib.Path(path).read_bytes() for path in paths]
        times = [os.stat(path) for path in paths]
        for path in paths:
            os.rename(path, path + ".old")
        for path, content, time, other in zip(paths, contents, times, paths[1:] + paths[:1], strict=True):
            pathlib.Path(other + ".old").write_bytes(content)
            os.rename(other + ".old", path)
            os.utime(path, ns=(time.st_atime_ns, time.st_mtime_ns))

    def forget_times(self):
        """As `cp -r` or rsync without -t leave the files: changed just now."""
        for queue_id in self.ours | self.others:
            os.utime(self.postfix.find(queue_id))

    def flatten(self):
        """The backup comes from a host that did not hash this queue."""
        for queue_id in self.ours | self.others:
            path = self.postfix.find(queue_id)
            os.rename(path, os.path.join(self.postfix.spool, "deferred", queue_id))

    def replace_directory(self):
        """The whole spool becomes another directory. No backup copies sockets."""
        old = self.postfix.spool + ".old"
        os.rename(self.postfix.spool, old)
        self.addCleanup(shutil.rmtree, old)
        os.mkdir(self.postfix.spool, 0o755)
        copy_tree(old, self.postfix.spool)

    def senders(self):
        return {i: file.sender for i, file in self.postfix.read().items()}


class Restored:
    """Acted on before Postfix starts, so under the old names."""

    def test_purge(self):
        self.stopped(self.restore)
        result = self.assert_purged(self.ours, BAD)
        self.assertEqual((result.summary["unproven"], result.summary["changed"]), (0, 0), result)

    def test_purge_after_a_catch_up(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.stopped(self.restore)
        self.assert_purged(self.ours, BAD)

    def test_sync_heals(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.stopped(self.restore)
        done = self.pq.idx("sync", "--json")
        self.assertEqual(done.status, 0, done)
        self.assertEqual(set(self.pq.listed("--index-only", BAD)), self.ours)
        again = self.pq.idx("sync", "--json").lines[0]["sync"]
        self.assertEqual((again["read"], again["dropped"]), (0, 0), "nothing is left to read")
        self.assert_purged(self.ours, BAD)

    def test_dry_run_and_list(self):
        self.stopped(self.restore)
        self.assert_selects(self.ours, BAD)
        self.assertEqual(set(self.pq.listed(BAD)), self.ours)

    def test_hold(self):
        self.stopped(self.restore)
        result = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("held")), (0, self.ours), result)

    def test_after_the_start(self):
        """Postfix gives a new short ID where file and name differ."""
        self.stopped(self.restore)
        self.start_postfix()
        self.postfix.settled(15)
        ours = {i for i, sender in self.senders().items() if sender == "a@example.com"}
        self.assertEqual((len(ours), ours == self.ours), (12, self.long_ids))
        result = self.assert_purged(ours, BAD)
        self.assertEqual((result.summary["unproven"], result.summary["changed"]), (0, 0), result)

    def test_without_an_index(self):
        self.stopped(self.restore)
        self.pq.stop()
        self.pq.forget()
        self.assert_purged(self.ours, BAD)


@both_ids
class NewInodes(Restored, RestoreCase):
    def restore(self):
        self.renew_files()


@both_ids
class Swapped(Restored, RestoreCase):
    """The same inodes, each now with another message, as after an rsync --delete into the old directories."""

    def restore(self):
        self.swap_files()


@both_ids
class Copied(Restored, RestoreCase):
    """From a host with another hashing, and by a tool that keeps no times."""

    def restore(self):
        self.renew_files()
        self.forget_times()
        self.flatten()


@both_ids
class NewDirectory(Restored, RestoreCase):
    """The queue directory's own inode changes, too."""

    def restore(self):
        self.replace_directory()

    def test_undo(self):
        """A backup leaves out what Postfix makes anew when it starts: no trace of it is there, but the held mail is."""
        held = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual(held.with_result("held"), self.ours, held)
        self.stopped(self.restore)
        for name in "pid", "public", "private":
            for path in spool.files(os.path.join(self.postfix.spool, name)):
                os.unlink(path)
        result = self.pq.idx("undo", "-y", "--json", str(held.summary["batch"]))
        self.assertEqual((result.status, result.with_result("released")), (0, self.ours), result)


@both_ids
class Mixed(RestoreCase):
    def test_some_files(self):
        for queue_id in sorted(self.ours)[:6]:
            renew(self.postfix.find(queue_id))
        self.assert_purged(self.ours, BAD)

    def test_some_are_lost(self):
        """Mail missing from the backup is gone; the rest is there."""
        self.assertEqual(self.pq.idx("sync").status, 0)
        lost = set(sorted(self.ours)[:4])
        def restore():
            self.replace_directory()
            for queue_id in lost:
                os.unlink(self.postfix.find(queue_id))
        self.stopped(restore)
        self.assert_purged(self.ours - lost, BAD)

    def test_by_id(self):
        self.stopped(self.renew_files)
        one = min(self.ours)
        self.assert_purged({one}, "--id", one)

    def test_by_client_and_header(self):
        """Facts that only the file has now."""
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.7", LOGIN="joe")
            special = client.message("a@good.test", "u@dest.test", "From: boss@brand.test\nSubject: x\n\nx\n")
        self.postfix.settled(16)
        path = self.postfix.find(special)
        renew(path)
        for args in (["brand.test"], ["--login", "joe"], ["--client", "192.0.2.7"], ["--recipient", "dest.test", "brand.test"]):
            self.assert_selects({special}, *args)
        self.assert_purged({special}, "--login", "joe")


@both_ids
class OverTheLiveQueue(RestoreCase):
    """Mail moved on after the backup, which is then laid over the queue: two files have one ID."""

    def restore(self, *moved):
        """Puts a copy of each message, as it was before it moved, beside the one that did."""
        deferred, backup = (os.path.join(self.postfix.directory, name) for name in ("spool/deferred", "backup"))
        os.mkdir(backup)
        self.addCleanup(shutil.rmtree, backup)
        copy_tree(deferred, backup)
        self.assertEqual(self.pq.idx("hold", "-y", *moved).status, 0)
        for letter in os.listdir(backup):
            copy_tree(os.path.join(backup, letter), os.path.join(deferred, letter))
        return [path for _, queue_id, path in spool.walk(self.postfix.spool) if queue_id in self.ours]

    def assert_all_purged(self, *args):
        result = self.assert_purged(self.ours, *args)
        self.assertEqual((result.summary["unproven"], result.summary["changed"]), (0, 0), result)

    def test_purge(self):
        self.assertEqual(len(self.restore(BAD)), 24)
        self.assert_all_purged(BAD)

    def test_purge_after_a_catch_up(self):
        self.assertEqual(len(self.restore(BAD)), 24)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assert_all_purged(BAD)

    def test_without_an_index(self):
        self.assertEqual(len(self.restore(BAD)), 24)
        self.pq.stop()
        self.pq.forget()
        self.assert_all_purged(BAD)

    def test_one_queue_alone(self):
        """What was asked for is done; a copy in another queue was not asked for."""
        self.restore(BAD)
        result = self.purge("--queue", "deferred", BAD)
        self.assertEqual(result.with_result("deleted"), self.ours, result)
        self.assertEqual(self.lying(), {("hold", queue_id) for queue_id in self.ours})

    def lying(self):
        """Where our files lie."""
        return {(queue, queue_id) for queue, queue_id, _ in spool.walk(self.postfix.spool) if queue_id in self.ours}

    def after_a_restore(self, how):
        """The index knows the held file, the one in deferred, or nothing."""
        self.restore(BAD)
        if how == "reread":
            self.pq.stop()
            self.pq.forget()
            self.pq.start()
            self.assertEqual(self.pq.idx("sync").status, 0)
        if how == "none":
            self.pq.stop()
            self.pq.forget()

    def check_hold(self, how):
        self.after_a_restore(how)
        listed = self.pq.idx("list", "--json", "--queue", "hold", BAD)
        self.assertEqual({(m["queue_id"], m["queue_name"]) for m in listed.messages.values()}, {(i, "hold") for i in self.ours}, listed)
        result = self.purge("--queue", "hold", BAD)
        self.assertEqual(result.with_result("deleted"), self.ours, result)
        self.assertEqual(self.lying(), {("deferred", queue_id) for queue_id in self.ours})

    def test_hold_alone(self):
        self.check_hold("held")

    def test_hold_alone_after_it_was_read_again(self):
        self.check_hold("reread")

    def test_hold_alone_without_an_index(self):
        self.check_hold("none")

    def check_released(self, how, *words):
        """Nothing of ours stays in hold behind a copy."""
        self.after_a_restore(how)
        result = self.pq.idx(*words, "--json")
        self.assertEqual((result.status, result.with_result("released")), (0, self.ours), result)
        self.assertNotIn("hold", {queue for queue, _ in self.lying()})

    def test_undo(self):
        self.check_released("held", "undo", "-y", "1")

    def test_undo_after_it_was_read_again(self):
        self.check_released("reread", "undo", "-y", "1")

    def test_undo_without_an_index(self):
        self.check_released("none", "undo", "-y", "1")

    def test_release(self):
        self.check_released("held", "release", "-y", BAD)

    def test_release_after_it_was_read_again(self):
        self.check_released("reread", "release", "-y", BAD)

    def test_release_without_an_index(self):
        self.check_released("none", "release", "-y", BAD)

    def test_requeue(self):
        """The held file becomes new mail; the copy stays where it is."""
        self.check_released("held", "release", "-y", "--requeue", BAD)
        self.assertLessEqual({("deferred", queue_id) for queue_id in self.ours}, self.lying())
