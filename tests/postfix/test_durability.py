# SPDX-License-Identifier: ISC
"""commit = sync: whatever was answered 250 is in the index, however the daemon dies."""
import os
import threading
import time

from case import BAD, RigCase, both_ids
from rig import until
from smtp import content


class Sessions:
    """Parallel SMTP sessions that send as fast as they can and keep the queue IDs of what was answered 250."""

    def __init__(self, postfix, count, sender=f"a@{BAD}"):
        self.answered, self.stopping = [], threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(postfix, sender)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def send(self, postfix, sender):
        with postfix.smtp() as client:
            while not self.stopping.is_set():
                self.answered.append(client.message(sender, "u@dest.test", content()))

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)


@both_ids
class Kill9(RigCase):
    def test_in_the_middle_of_a_flood(self):
        sessions = Sessions(self.postfix, 8)
        self.addCleanup(sessions.stop)
        until(lambda: len(sessions.answered) > 300, "300 messages")
        before = list(sessions.answered)
        self.pq.kill9()
        until(lambda: len(sessions.answered) > len(before) + 100, "mail going on without the daemon")
        sessions.stop()
        self.postfix.settled(len(sessions.answered))
        missing = set(before) - set(self.pq.listed(BAD))
        self.assertFalse(missing, f"answered 250 before the kill, not in the index: {missing}")
        self.pq.start()
        result = self.purge(BAD)
        self.assertLessEqual(set(before), result.with_result("deleted"))
        left = self.postfix.ids()
        self.assertEqual(result.summary["unindexed"], len(left), "what came without the daemon is counted")

    def test_again_and_again(self):
        """Three kills and starts; a daemon that takes over a dead one's socket and lock."""
        known = []
        for _ in range(3):
            known += self.send_many("a@example.com", 20)
            self.pq.kill9()
            self.pq.start()
        self.postfix.settled(60)
        self.assert_purged(known, BAD)

    def test_stop_in_order_loses_nothing(self):
        known = self.send_many("a@example.com", 50)
        began = time.monotonic()
        self.assertEqual(self.pq.stop(), 0, self.pq.log())
        self.assertLess(time.monotonic() - began, 12)
        self.postfix.settled(50)
        self.assertEqual(set(self.pq.listed(BAD)), set(known))
        self.pq.start()
        self.assert_purged(known, BAD)

    def test_purge_without_the_daemon(self):
        known = self.send_many("a@example.com", 10)
        other = self.send("a@good.test")
        self.postfix.settled(11)
        self.pq.kill9()
        self.assert_purged(known, BAD)
        self.assertEqual(self.postfix.ids(), {other})


class AsyncKilled(RigCase):
    settings = {"commit": "async", "commit_delay": "10s"}

    def test_what_is_lost_lies_in_the_gap(self):
        """What was answered and not yet written when the run file was touched is lost with the daemon; the gap has it."""
        run = os.path.join(self.pq.index, "run")
        later = os.stat(run).st_ctime + 5  # past those of the start: when it was touched, whatever time it was given
        until(lambda: self.send("a@example.com") and os.stat(run).st_ctime > later, "the next sign of life")
        self.pq.kill9()
        self.postfix.settled()
        missing = self.postfix.ids() - set(self.pq.listed(BAD))
        self.assertTrue(missing, "nothing was lost")
        self.pq.start()
        told = self.pq.idx("status", "--json").lines[0]["status"]
        self.assertEqual((told["unindexed"], told["unindexed_in_gaps"]), (len(missing), len(missing)), told["gaps"])


@both_ids
class Async(RigCase):
    settings = {"commit": "async", "commit_delay": "50ms"}

    def test_within_commit_delay(self):
        known = self.send_many("a@example.com", 100)
        self.postfix.settled(100)
        until(lambda: set(self.pq.listed(BAD)) == set(known), "all rows committed", 5)
        self.assert_purged(known, BAD)

    def test_stop_in_order_loses_nothing(self):
        known = self.send_many("a@example.com", 100)
        self.assertEqual(self.pq.stop(), 0, self.pq.log())
        self.postfix.settled(100)
        self.assertEqual(set(self.pq.listed(BAD)), set(known))
