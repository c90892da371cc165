# SPDX-License-Identifier: ISC
"""Every message that was answered 250 is in the index, however the daemon dies."""
import threading
import time

from case import BAD, RigCase, both_ids
from rig import until
from smtp import content


class Sessions:
    """Parallel SMTP sessions that send as fast as they can and keep the queue IDs of messages answered 250."""

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


class Kill9Case(RigCase):
    def indexed(self, *args):
        """The messages in the index alone; the queue is not asked."""
        result = self.pq.idx("list", "--json", "--index-only", *args)
        self.assertEqual(result.status, 0, result)
        return set(result.messages)


@both_ids
class Kill9(Kill9Case):
    def test_in_the_middle_of_a_flood(self):
        sessions = Sessions(self.postfix, 8)
        self.addCleanup(sessions.stop)
        until(lambda: len(sessions.answered) > 300, "300 messages")
        before = set(sessions.answered)
        self.pq.kill9()
        until(lambda: len(sessions.answered) > len(before) + 100, "mail going on without the daemon")
        sessions.stop()
        self.postfix.settled(len(sessions.answered))
        missing = before - self.indexed(BAD)
        self.assertFalse(missing, f"answered 250 before the kill, not in the index: {missing}")
        self.pq.start()
        result = self.assert_purged(sessions.answered, BAD)
        unheard = {i for i, line in result.messages.items() if line.get("from_queue")}
        self.assertFalse(unheard & before)
        self.assertGreater(len(unheard), 0, "nothing came without the daemon")

    def test_again_and_again(self):
        """Three kills and starts: a daemon takes over a dead one's socket and lock."""
        known = []
        for _ in range(3):
            known += self.send_many("a@example.com", 20)
            self.pq.kill9()
            self.pq.start()
        self.postfix.settled(60)
        self.assertEqual(self.indexed(BAD), set(known))
        self.assertEqual(self.assert_purged(known, BAD).summary["from_queue"], 0)

    def test_stop_in_order_loses_nothing(self):
        known = self.send_many("a@example.com", 50)
        began = time.monotonic()
        self.assertEqual(self.pq.stop(), 0, self.pq.log())
        self.assertLess(time.monotonic() - began, 20)
        self.postfix.settled(50)
        self.assertEqual(self.indexed(BAD), set(known))
        self.pq.start()
        self.assert_purged(known, BAD)

    def test_purge_without_the_daemon(self):
        known = self.send_many("a@example.com", 10)
        other = self.send("a@good.test")
        self.postfix.settled(11)
        self.pq.kill9()
        self.assert_purged(known, BAD)
        self.assertEqual(self.postfix.ids(), {other})


@both_ids
class RightAfterTheAnswer(Kill9Case):
    def setUp(self):
        super().setUp()
        self.other = self.send("a@good.test")
        self.sent = set(self.send_many("a@example.com", 5))

    def test_listed(self):
        self.assertEqual(self.indexed(BAD), self.sent)

    def test_counted(self):
        self.assertEqual(self.pq.idx("status", "--json").lines[0]["status"]["index"]["rows"], 6)

    def test_killed(self):
        self.pq.kill9()
        self.assertEqual(self.indexed(BAD), self.sent)
        self.postfix.settled(6)
        self.assert_purged(self.sent, BAD)
        self.assertEqual(self.indexed(BAD), set())
        self.pq.start()
        self.assertEqual(self.indexed(), {self.other}, "what was dropped does not come back with the daemon")

    def test_killed_again_and_again(self):
        for _ in range(5):
            self.pq.kill9()
            self.pq.start()
            self.sent |= set(self.send_many("a@example.com", 3))
        self.pq.kill9()
        self.assertEqual(self.indexed(BAD), self.sent)


del Kill9Case  # it has no tests of its own
