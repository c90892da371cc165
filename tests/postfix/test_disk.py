# SPDX-License-Identifier: ISC
"""The index's disk fails in one way or another: mail flows on, gaps are told, and recording resumes by itself."""
import errno
import os
import shutil
import subprocess
import time

from case import BAD, RigCase
from pqpurge import BUILD
from rig import until

SHIM = os.path.join(BUILD, "shim/stall.so")


class Disk(RigCase):
    """Ten messages are recorded, then something happens."""

    settings = {"commit_timeout": "1s"}

    def setUp(self):
        super().setUp()
        self.before = set(self.send_many("a@example.com", 10))

    def timed(self, count, sender):
        """Seconds that count messages took on one connection."""
        began = time.monotonic()
        self.send_many(sender, count)
        return time.monotonic() - began

    def recording(self):
        """Sends a message of the domain; its ID if the index has it, else None."""
        queue_id = self.send("a@example.com")
        return queue_id if queue_id in self.pq.listed(BAD) else None

    def assert_gap_told(self, *, missing):
        """What is missing is counted, and the log says that there was a gap."""
        self.assertRegex(self.pq.log(), r"(?i)gap|not recorded|without a record")
        result = self.pq.idx("purge", "-n", "--json", BAD)
        self.assertEqual(result.summary["unindexed"], missing, result.summary)

    def account(self):
        """How many messages of the domain are in the queue but not in the index."""
        self.postfix.settled()
        inside = {i for i, file in self.postfix.read().items() if BAD in file.author_domains}
        return len(inside - set(self.pq.listed(BAD)))


class DirectoryGone(Disk):
    def test_removed(self):
        shutil.rmtree(self.pq.index)
        self.assertLess(self.timed(20, "a@example.com"), 20 * 1 + 5)
        self.pq.make_directories()
        until(lambda: self.pq.idx("list", BAD).status == 0 and self.recording(), "recording again", 15)
        missing = self.account()
        self.assertGreaterEqual(missing, 10)
        self.assertEqual(self.pq.idx("purge", "-n", "--json", BAD).summary["unindexed"], missing)

    def test_replaced(self):
        os.rename(self.pq.index, self.pq.index + ".old")
        self.pq.make_directories()
        until(lambda: self.pq.idx("list", BAD).status == 0 and self.recording(), "recording in the new directory", 15)

    def test_unreadable_index_at_start(self):
        self.pq.stop()  # after a kill the journal would have the last second's
        path = os.path.join(self.pq.index, "data.mdb")
        with open(path, "r+b") as file:
            file.write(b"\xa5" * 8192)
        self.pq.start()
        until(lambda: self.pq.idx("list", BAD).status == 0 and self.recording(), "recording in a fresh index", 15)
        self.assertEqual(self.pq.idx("purge", "-n", "--json", BAD).summary["unindexed"], 10)
        self.assertTrue([name for name in os.listdir(self.pq.index) if "damaged" in name], "the old file is kept aside")


class FullDisk(Disk):
    """The index on a small file system of its own."""

    def setUp(self):
        RigCase.setUp(self)
        self.pq.kill9()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=0755", "tmpfs", self.pq.index], check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"cannot mount a tmpfs here: {done.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.pq.index], check=False)
        self.addCleanup(self.pq.kill9)
        self.pq.make_directories()
        self.pq.start()
        self.before = set(self.send_many("a@example.com", 10))

    def fill(self):
        path = os.path.join(self.pq.index, "junk")
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 65536)
            except OSError:
                pass
        return path

    def test_full(self):
        junk = self.fill()
        sent = set(self.send_many("a@example.com", 300))
        self.assertIsNone(self.pq.process.poll(), self.pq.log())
        self.postfix.settled(310)
        missing = self.account()
        result = self.pq.idx("purge", "-n", "--json", BAD)
        self.assertEqual(result.summary["unindexed"], missing, "complete, or said so")
        os.unlink(junk)
        until(self.recording, "recording again", 15)
        self.assertTrue(sent)

    def test_purge_and_block_on_a_full_disk(self):
        self.fill()
        result = self.pq.idx("purge", "-y", "--block=1h", "--json", BAD)
        self.assertIn(result.status, (0, 2), result)
        self.assertEqual(self.postfix.ids(), set())
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("a@example.com")[0], 550)


class ReadOnly(Disk):
    """A disk of its own that becomes read-only under the open index, as ext4 does by itself when it meets an error."""

    def setUp(self):
        RigCase.setUp(self)
        self.pq.kill9()
        self.image = os.path.join(self.pq.home, "disk")
        with open(self.image, "wb") as file:
            file.truncate(256 << 20)
        self.run_tool("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,nodiscard", self.image)
        self.mount()
        self.addCleanup(subprocess.run, ["umount", "-l", self.pq.index], check=False, capture_output=True)
        self.addCleanup(self.pq.kill9)
        self.pq.start()
        self.before = set(self.send_many("a@example.com", 10))

    def run_tool(self, *words, good=(0,)):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, good, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def mount(self):
        self.run_tool("mount", "-o", "loop,errors=remount-ro", self.image, self.pq.index)
        self.pq.make_directories()

    def turn_read_only(self):
        device = os.path.basename(self.run_tool("findmnt", "-n", "-o", "SOURCE", self.pq.index))
        with open(f"/sys/fs/ext4/{device}/trigger_fs_error", "w", encoding="ascii") as file:
            file.write("a test asks for it")
        with self.assertRaises(OSError) as refused:
            open(os.path.join(self.pq.index, "probe"), "wb").close()
        self.assertEqual(refused.exception.errno, errno.EROFS)

    def test_under_an_open_index(self):
        daemon = self.pq.process.pid
        self.turn_read_only()
        self.assertLess(self.timed(20, "a@example.com"), 20 * 1 + 5, "mail flows")
        self.assertLessEqual(self.before, set(self.pq.listed(BAD)), "what is there can be read")
        told = self.pq.idx("status", "--json")
        self.assertEqual(told.status, 2, told)
        self.assertTrue({"gap_open", "not_recording"} & {f["id"] for f in told.lines[0]["status"]["findings"]}, told)
        result = self.pq.idx("purge", "-y", "--json", "--id", min(self.before))
        self.assertEqual(result.summary["deleted"], 1, "a purge needs no index write")
        self.run_tool("umount", "-l", self.pq.index)
        # Nothing holds the old disk once the daemon has let go of it.
        until(lambda: self.run_tool("losetup", "-j", self.image) == "", "the daemon's leaving the disk", 15)
        self.run_tool("e2fsck", "-fy", self.image, good=(0, 1))
        self.mount()
        until(lambda: self.pq.idx("list", BAD).status == 0 and self.recording(), "recording again", 15)
        self.assertEqual(self.pq.process.pid, daemon, "without a restart")
        self.assertIsNone(self.pq.process.poll())
        self.assertLess(self.before - {min(self.before)}, set(self.pq.listed(BAD)))
        self.assert_gap_told(missing=self.account())


class Shimmed(Disk):
    """The daemon's writes are held or refused by a shim."""

    starts_daemon = False

    def setUp(self):
        RigCase.setUp(self)
        self.assertTrue(os.path.exists(SHIM), f"{SHIM} is missing (make programs-for-tests)")
        self.pq.start(environment={"LD_PRELOAD": SHIM, "PQPURGE_SHIM_DIR": self.pq.home})
        self.before = set(self.send_many("a@example.com", 10))

    def switch(self, name, on=True):
        path = os.path.join(self.pq.home, name)
        if on:
            open(path, "w", encoding="ascii").close()
        else:
            os.unlink(path)


class FailingCommits(Shimmed):
    def test_commits_hang(self):
        """One message waits for commit_timeout, those after it not at all; recording resumes by itself."""
        self.switch("hang")
        first = self.timed(1, "a@example.com")
        self.assertLess(first, 1 + 1.5)
        self.assertGreater(first, 0.5, "the first message does not wait: is the shim at work?")
        self.assertLess(self.timed(20, "a@example.com"), 5)
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("a@good.test")[0], 250)
        self.switch("hang", False)
        until(self.recording, "recording again", 15)
        self.assert_gap_told(missing=self.account())

    def test_commits_fail(self):
        self.switch("enospc")
        self.assertLess(self.timed(20, "a@example.com"), 10)
        self.assertIsNone(self.pq.process.poll(), self.pq.log())
        self.switch("enospc", False)
        until(self.recording, "recording again", 15)
        missing = self.account()
        self.assertGreater(missing, 0)
        self.assert_gap_told(missing=missing)

    def test_block_while_commits_fail(self):
        """In force in memory, not saved, and the command says so."""
        self.switch("enospc")
        result = self.pq.idx("block", "-y", BAD)
        self.assertEqual(result.status, 2, result)
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("a@example.com")[0], 550)


class Tempfail(Shimmed):
    settings = {"commit_timeout": "1s", "on_index_error": "tempfail"}

    def test_commits_hang(self):
        self.switch("hang")
        with self.postfix.smtp() as client:
            client.mail("a@example.com")
            client.rcpt("u@dest.test")
            self.assertEqual(client.data("From: a@example.com\n\nx\n")[0] // 100, 4)
        self.switch("hang", False)
        until(self.try_recording, "recording again", 15)

    def try_recording(self):
        with self.postfix.smtp() as client:
            client.mail("a@example.com")
            client.rcpt("u@dest.test")
            return client.data("From: a@example.com\n\nx\n")[0] == 250
