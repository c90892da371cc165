# SPDX-License-Identifier: ISC
"""No room for the index: a full map, a full tmpfs, a directory that goes away. Mail goes on. A message that is not
recorded is counted, and is still in the queue."""
import os
import shutil
import subprocess
import time

import milter_client as mc
from daemon import DaemonCase, until
from milter_client import queue_id

RECIPIENTS = ["<%s%d@x.example>" % ("r" * 40, n) for n in range(100)]  # about 5 kB for each row


class Full(DaemonCase):
    def send(self, first, count, recipients=("<b@example.net>",)):
        """Sends messages in one session; returns the time of the slowest end."""
        slowest = 0
        with self.daemon.client() as c:
            c.connect()
            for n in range(first, first + count):
                c.mail("<u%d@x.example>" % n)
                for recipient in recipients:
                    c.rcpt(recipient)
                began = time.monotonic()
                self.assertEqual(mc.CONTINUE, c.end(queue_id(n))[0])
                slowest = max(slowest, time.monotonic() - began)
        return slowest


class Map(Full):
    settings = {"index_map_size": "1M"}

    def test_oldest_rows_make_room(self):
        self.daemon.start()
        slowest = self.send(0, 1000, RECIPIENTS)
        self.assertLess(slowest, 0.5)
        status = self.daemon.status()
        self.assertEqual([0, 1000], [status["lost"], status["recorded"]])
        self.assertGreater(status["pruned"], 0)
        self.assertGreater(status["pruned_time"], status["started"] - 1)
        self.assertLessEqual(status["file_bytes"], 1 << 20)
        got = self.daemon.messages()
        self.assertIn(queue_id(999), got)
        self.assertNotIn(queue_id(0), got)
        kept = sorted(n for n in range(1000) if queue_id(n) in got)
        self.assertEqual(list(range(kept[0], 1000)), kept, "the oldest go first")
        self.assertNotIn("not recorded", self.daemon.log)


class Tmpfs(Full):
    """index_directory is a tmpfs of 4 MiB, which others fill."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.daemon.index)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0750,uid=nobody,gid=nogroup", "none", self.daemon.index],
                       check=True)

    def tearDown(self):
        try:
            super().tearDown()
        finally:
            subprocess.run(["umount", "-l", self.daemon.index], check=False)
            shutil.rmtree(self.daemon.home, ignore_errors=True)

    def fill(self):
        path = os.path.join(self.daemon.index, "fat")
        with open(path, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        return path

    def test_half_of_what_is_free_is_taken(self):
        self.daemon.start()
        self.send(0, 1000, RECIPIENTS)
        status = self.daemon.status()
        self.assertEqual([0, 1000], [status["lost"], status["recorded"]])
        self.assertLessEqual(status["file_bytes"], 2 << 20)

    def test_full_of_others(self):
        """Rows still take the room of older ones. Messages without room are counted, and recording resumes once
        there is room."""
        self.daemon.start()
        self.send(0, 50)
        fat = self.fill()
        self.assertLess(self.send(50, 300, RECIPIENTS), 0.5)
        status = self.daemon.status()
        self.assertEqual(350, status["lost"] + status["recorded"])
        os.unlink(fat)
        self.send(350, 50)
        self.assertTrue(until(lambda: self.daemon.status()["recording"]))
        got = self.daemon.messages()
        self.assertLessEqual({queue_id(n) for n in range(350, 400)}, set(got))
        self.assertLessEqual(self.daemon.log.count("not recorded"), 2)
        self.assertIsNone(self.daemon.process.poll())

    def test_full_before_the_start(self):
        """Without an index rules and mail work, the log says why, and the index comes when there is room."""
        self.daemon.rules("bad.example REJECT\n")
        fat = self.fill()
        self.daemon.start()
        self.send(0, 20)
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.REPLY, c.mail("<a@bad.example>")[0])
        os.unlink(fat)
        self.assertTrue(until(lambda: os.path.exists(os.path.join(self.daemon.index, "control.sock"))))
        self.assertTrue(until(lambda: self.daemon.status()["recording"]), self.daemon.log)
        self.send(100, 5)
        self.assertLessEqual({queue_id(n) for n in range(100, 105)}, set(self.daemon.messages()))


class Directory(Full):
    def recorded(self, number):
        self.send(number, 1)
        try:
            return queue_id(number) in self.daemon.messages()
        except (AssertionError, OSError):  # no index there yet
            return False

    def test_removed_and_recreated(self):
        self.daemon.start()
        self.assertTrue(self.recorded(1))
        shutil.rmtree(self.daemon.index)
        os.mkdir(self.daemon.index, 0o700)
        shutil.chown(self.daemon.index, "nobody", "nogroup")
        self.assertTrue(until(lambda: self.recorded(2)), self.daemon.log)
        self.assertTrue(self.daemon.status()["recording"])

    def test_file_removed(self):
        """`rm index.mdb` while it runs: a new one within a second or two, and no session uses a closed one."""
        self.daemon.start()
        for n in range(3):
            self.assertTrue(self.recorded(10 * n))
            os.unlink(os.path.join(self.daemon.index, "index.mdb"))
            self.assertTrue(until(lambda: os.path.exists(os.path.join(self.daemon.index, "index.mdb"))), self.daemon.log)
            self.assertTrue(until(lambda: self.recorded(10 * n + 1)), self.daemon.log)
        self.assertIsNone(self.daemon.process.poll())

    def test_removed_under_load(self):
        path = os.path.join(self.daemon.index, "index.mdb")
        self.daemon.start()
        for n in range(0, 3000, 500):
            os.unlink(path)
            self.assertLess(self.send(n, 500), 1)
            self.assertTrue(until(lambda: os.path.exists(path) and self.daemon.status()["recording"]))
        status = self.daemon.status()
        self.assertEqual(3000, status["lost"] + status["recorded"])
