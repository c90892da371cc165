# SPDX-License-Identifier: ISC
"""The disk of the index or of the state is full, fails, or goes: mail flows on, a purge is complete, and recording resumes
without help."""
import errno
import os
import shutil
import subprocess
import time

from case import BAD, RigCase
from pqpurge import preload
from rig import until



class Disk(RigCase):
    """Ten messages are recorded, then something happens."""

    def setUp(self):
        super().setUp()
        self.before = set(self.send_many("a@example.com", 10))

    def timed(self, count, sender):
        """The seconds that count messages took on one connection."""
        began = time.monotonic()
        self.send_many(sender, count)
        return time.monotonic() - began

    def recording(self):
        """Sends a message of the domain; returns whether the index has it."""
        queue_id = self.send("a@example.com")
        result = self.pq.idx("list", "--json", "--index-only", BAD)
        return result.status == 0 and queue_id in result.messages

    def purge_all(self):
        """Purges the domain, to which the whole queue belongs; returns the summary. Does not check the account."""
        self.postfix.settled()
        ours = self.postfix.ids()
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (ours, set()), result)
        self.assertLessEqual(self.before, ours)
        return result

    def assert_complete(self):
        result = self.purge_all()
        self.assertEqual(result.status, 0, result)
        return result.summary

    def mount(self, place, size="48m"):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", place], check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"cannot mount a tmpfs here: {done.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", place], check=False)
        self.addCleanup(self.pq.kill9)
        self.pq.make_directories()

    def fill(self, place):
        path = os.path.join(place, "junk")
        with open(path, "wb", buffering=0) as file:
            for size in (65536, 4096):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass
        return path


class DirectoryGone(Disk):
    def test_removed(self):
        shutil.rmtree(self.pq.index)
        self.assertLess(self.timed(20, "a@example.com"), 20 * 1 + 5)
        self.pq.make_directories()
        until(self.recording, "recording again")
        self.assertGreaterEqual(self.assert_complete()["from_queue"], 30)

    def test_replaced(self):
        os.rename(self.pq.index, self.pq.index + ".old")
        self.pq.make_directories()
        until(self.recording, "recording in the new directory")
        self.assert_complete()


class IndexDisk(Disk):
    """The index on a small file system of its own."""

    def setUp(self):
        RigCase.setUp(self)
        self.pq.kill9()
        self.mount(self.pq.index)
        self.pq.start()
        self.before = set(self.send_many("a@example.com", 10))

    def test_full(self):
        junk = self.fill(self.pq.index)
        self.send_many("a@example.com", 300)
        self.assertIsNone(self.pq.process.poll(), self.pq.log())
        self.postfix.settled(310)
        self.assertEqual(set(self.pq.listed(BAD)), self.postfix.ids())
        self.assert_complete()
        os.unlink(junk)
        until(self.recording, "recording again")

    def test_hardly_any_room(self):
        """No row fits."""
        self.pq.stop()
        os.unlink(self.pq.index_file)
        self.fill(self.pq.index)
        self.pq.start()
        self.send_many("a@example.com", 20)
        self.assert_complete()

    def test_block_on_it(self):
        """Rules are not part of the index."""
        self.fill(self.pq.index)
        result = self.pq.idx("purge", "-y", "--block=1h", "--json", BAD)
        self.assertEqual((result.status, self.postfix.ids()), (0, set()), result)
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("a@example.com")[0], 550)

    def test_read_only_at_start(self):
        self.pq.stop()
        subprocess.run(["mount", "-o", "remount,ro", self.pq.index], check=True)
        self.pq.start()
        self.send_many("a@example.com", 5)
        told = self.pq.idx("status", "--json")
        self.assertEqual(told.status, 2, told)
        self.postfix.settled()
        self.assertEqual(set(self.pq.listed(BAD)), self.postfix.ids())
        subprocess.run(["mount", "-o", "remount,rw", self.pq.index], check=True)
        until(self.recording, "recording again", 20)
        self.assert_complete()


class StateDisk(Disk):
    """The state on a full file system of its own, as after the flood that the purge should end."""

    def setUp(self):
        RigCase.setUp(self)
        self.pq.kill9()
        self.mount(self.pq.state, "1m")
        self.pq.start()
        self.before = set(self.send_many("a@example.com", 10))
        self.junk = self.fill(self.pq.state)

    def test_purge(self):
        result = self.purge_all()
        self.assertEqual((result.status, result.summary["batch"]), (2, None), result)
        self.assertIn("No space left", result.summary["trouble"] + result.err)
        os.unlink(self.junk)
        self.before = set(self.send_many("a@example.com", 10))
        self.assert_complete()

    def test_purge_and_block(self):
        result = self.pq.idx("purge", "-y", "--block=1h", BAD)
        self.assertEqual((result.status, self.postfix.ids()), (2, set()), result)
        self.assertIn("No space left", result.out + result.err, result)
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("a@example.com")[0], 550)

    def test_block(self):
        """In force in memory, not saved, and the command says so."""
        result = self.pq.idx("block", "-y", "--json", BAD)
        self.assertEqual(result.status, 2, result)
        self.assertEqual((result.lines[0]["in_force"], result.lines[0]["saved"]), (True, False), result)
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("a@example.com")[0], 550)

    def test_hold(self):
        """It says that undo will not know of the hold."""
        self.postfix.settled()
        result = self.pq.idx("hold", "-y", BAD)
        self.assertEqual({file.queue for file in self.postfix.read().values()}, {"hold"}, result)
        self.assertEqual(result.status, 2, result)
        self.assertIn("undo", result.out + result.err, result)

    def test_index_full_as_well(self):
        self.pq.kill9()
        self.mount(self.pq.index, "1m")
        self.pq.start()
        self.fill(self.pq.index)
        self.send_many("a@example.com", 20)
        result = self.purge_all()
        self.assertEqual(result.status, 2, result)


class StateReadOnly(Disk):
    def setUp(self):
        RigCase.setUp(self)
        self.pq.kill9()
        self.mount(self.pq.state, "1m")
        self.pq.start()
        self.before = set(self.send_many("a@example.com", 10))
        self.pq.kill9()
        subprocess.run(["mount", "-o", "remount,ro", self.pq.state], check=True)

    def test_purge(self):
        self.pq.start()
        result = self.purge_all()
        self.assertEqual((result.status, result.summary["batch"]), (2, None), result)

    def test_purge_without_the_daemon(self):
        self.assertEqual(self.purge_all().status, 2)


class StateMissing(Disk):
    def test_purge(self):
        shutil.rmtree(self.pq.state)
        self.assertEqual(self.purge_all().status, 2)


class ReadOnly(Disk):
    """A disk for the index that becomes read-only, as ext4 does after an error."""

    def setUp(self):
        RigCase.setUp(self)
        self.pq.kill9()
        self.image = os.path.join(self.pq.home, "disk")
        with open(self.image, "wb") as file:
            file.truncate(256 << 20)
        self.run_tool("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,nodiscard", self.image)
        self.mount_image()
        self.addCleanup(subprocess.run, ["umount", "-l", self.pq.index], check=False, capture_output=True)
        self.addCleanup(self.pq.kill9)
        self.pq.start()
        self.before = set(self.send_many("a@example.com", 10))

    def run_tool(self, *words, good=(0,)):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, good, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def mount_image(self):
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
        told = self.pq.idx("status", "--json")
        self.assertEqual(told.status, 2, told)
        self.assertIn("not_recording", {f["id"] for f in told.lines[0]["status"]["findings"]}, told)
        self.postfix.settled()
        self.assertEqual(set(self.pq.listed(BAD)), self.postfix.ids())
        self.assert_complete()
        self.run_tool("umount", "-l", self.pq.index)
        # Once the daemon has let go of the old disk, nothing holds it.
        until(lambda: self.run_tool("losetup", "-j", self.image) == "", "the daemon's leaving the disk")
        self.run_tool("e2fsck", "-fy", self.image, good=(0, 1))
        self.mount_image()
        until(self.recording, "recording again")
        self.assertEqual(self.pq.process.pid, daemon, "without a restart")
        self.assertIsNone(self.pq.process.poll())


class FailingWrites(Disk):
    """A shim refuses the daemon's writes."""

    starts_daemon = False

    def setUp(self):
        RigCase.setUp(self)
        self.pq.start(environment=preload("stall", PQPURGE_SHIM_DIR=self.pq.home))
        self.before = set(self.send_many("a@example.com", 10))
        self.switch = os.path.join(self.pq.home, "enospc")
        open(self.switch, "w", encoding="ascii").close()

    def test_they_fail(self):
        self.assertLess(self.timed(20, "a@example.com"), 20 * 1 + 5)
        self.assertIsNone(self.pq.process.poll(), self.pq.log())
        self.assertRegex(self.pq.log(), "not recorded")
        os.unlink(self.switch)
        until(self.recording, "recording again")
        self.assertGreater(self.assert_complete()["from_queue"], 0)

    def test_purge_meanwhile(self):
        self.send_many("a@example.com", 20)
        self.assert_complete()


class SlowAccount(Disk):
    """Each write of the account takes longer than a proof may be old."""

    def test_purge(self):
        open(os.path.join(self.pq.home, "delay"), "w", encoding="ascii").close()
        others = set(self.send_many("a@good.test", 3))
        self.postfix.settled()
        slow = preload("stall", PQPURGE_SHIM_DIR=self.pq.home, PQPURGE_SHIM_UNDER=self.pq.state)
        result = self.purge(BAD, env={**os.environ, **slow})
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (self.before, others), result)
        lines = self.pq.account()
        self.assertEqual([set(line["ids"].split()[::2]) for line in lines if "chunk" in line], [self.before], lines)
        self.assertEqual([line["done"] for line in self.pq.idx("log", "--json").lines], [10])


del Disk  # it has no tests of its own
