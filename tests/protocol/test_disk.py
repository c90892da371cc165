# SPDX-License-Identifier: ISC
"""The index failing: mail goes on, the gap is known, recording resumes by itself."""
import os
import shutil
import time

import milter_client as mc
from daemon import DaemonCase, until
from milter_client import queue_id


class Disk(DaemonCase):
    settings = {"commit_timeout": "300ms"}

    def setUp(self):
        super().setUp()
        self.daemon.start(shim=True)

    def tearDown(self):
        for what in os.listdir(self.daemon.shim_dir):
            self.daemon.shim(what, False)
        super().tearDown()

    def send(self, number, want=mc.CONTINUE):
        """One message in a session of its own; seconds that its end took."""
        with self.daemon.client() as c:
            c.connect()
            c.mail("<u%d@x.example>" % number)
            c.rcpt()
            began = time.monotonic()
            self.assertEqual(want, c.end(queue_id(number))[0])
            return time.monotonic() - began

    def resumed(self, number):
        def recorded():
            self.send(number)
            return queue_id(number) in self.daemon.messages()
        self.assertTrue(until(recorded), self.daemon.log)
        self.assertTrue(until(lambda: self.daemon.coverage("gap")), self.daemon.log)

    def test_commit_hangs(self):
        self.send(1)
        self.daemon.shim("hang")
        took = self.send(2)
        self.assertGreater(took, 0.25)
        self.assertLess(took, 1.5)
        for n in range(3, 30):  # nobody waits while it is known to hang
            self.assertLess(self.send(n), 0.2)
        self.assertEqual("yes", self.daemon.status()["stalled"])
        self.daemon.shim("hang", False)
        self.assertTrue(until(lambda: self.daemon.status()["stalled"] == "no"))
        self.resumed(100)
        gap = self.daemon.coverage("gap")
        self.assertEqual([27], [g["count"] for g in gap])  # the one that hung reached the index after all
        self.assertIn("commit_timeout", gap[0]["reason"])
        got = self.daemon.messages()
        self.assertIn(queue_id(2), got)
        self.assertLessEqual(gap[0]["from"], got[queue_id(2)]["mail_time"])
        self.assertEqual(1, self.daemon.log.count("mail goes on unrecorded"))

    def test_commit_is_late(self):
        """Who waited for it gave up, and then it succeeded: nothing is missing, and nothing is said to be."""
        self.send(1)
        before = self.daemon.coverage("gap")
        self.daemon.shim("hang")
        self.assertGreater(self.send(2), 0.25)
        self.daemon.shim("hang", False)
        self.daemon.wait_log("what came late is in it")
        self.send(3)
        self.assertEqual(before, self.daemon.coverage("gap"))
        self.assertLessEqual({queue_id(2), queue_id(3)}, set(self.daemon.messages()))
        self.assertNotIn("are not in it", self.daemon.log)

    def test_disk_full(self):
        self.send(1)
        self.daemon.shim("enospc")
        for n in range(2, 12):
            self.assertLess(self.send(n), 0.3)
        self.daemon.shim("enospc", False)
        self.resumed(100)
        self.assertEqual(10, sum(g["count"] for g in self.daemon.coverage("gap")))
        self.assertEqual(1, self.daemon.log.count("mail goes on unrecorded"))
        self.assertEqual(1, self.daemon.log.count("index is written again"))

    def test_slow_disk_is_no_gap(self):
        self.daemon.stop()
        self.daemon.settings["commit_timeout"] = "10s"
        self.daemon.write_config()
        self.daemon.start(shim=True)
        self.daemon.shim("delay")
        self.assertGreater(self.send(1), 0.29)
        self.daemon.shim("delay", False)
        self.send(2)
        self.assertEqual(["the daemon was not running"], [g["reason"] for g in self.daemon.coverage("gap")])
        self.assertEqual(2, len(self.daemon.messages()))

    def test_stop_during_a_hang(self):
        self.send(1)
        self.daemon.shim("hang")
        self.send(2)
        began = time.monotonic()
        self.assertEqual(0, self.daemon.stop())
        self.assertLess(time.monotonic() - began, 17)


class Tempfail(DaemonCase):
    settings = {"commit_timeout": "300ms", "on_index_error": "tempfail"}

    def test_message_is_deferred(self):
        self.daemon.start(shim=True)
        self.daemon.shim("enospc")
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.TEMPFAIL, c.message(queue_id(1))[0])
            self.daemon.shim("enospc", False)
            self.assertTrue(until(lambda: c.message(queue_id(2))[0] == mc.CONTINUE))
        self.assertIn(queue_id(2), self.daemon.messages())


class Directory(DaemonCase):
    def record(self, number):
        with self.daemon.client() as c:
            c.connect()
            c.message(queue_id(number))
        try:
            return queue_id(number) in self.daemon.messages()
        except AssertionError:  # no index there yet
            return False

    def test_removed_and_recreated(self):
        self.daemon.start()
        self.assertTrue(self.record(1))
        shutil.rmtree(self.daemon.index)
        os.mkdir(self.daemon.index, 0o700)
        shutil.chown(self.daemon.index, "nobody", "nogroup")
        self.assertTrue(until(lambda: self.record(2)), self.daemon.log)
        self.assertTrue(until(lambda: os.path.exists(os.path.join(self.daemon.index, "control.sock"))))
        self.assertTrue(until(lambda: self.daemon.status()["recording"] == "yes"))

    def test_no_answer_claims_what_is_not_there(self):
        """Commits into a removed directory succeed; the first message after it must be counted as lost."""
        self.daemon.start()
        self.assertTrue(self.record(1))
        shutil.rmtree(self.daemon.index)
        with self.daemon.client() as c:
            c.connect()
            c.message(queue_id(2))
        self.daemon.wait_log("not recorded")
