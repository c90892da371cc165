# SPDX-License-Identifier: ISC
"""Holding and releasing: mail that is being delivered, mail that is too old, and orders with nothing to do."""
import os
import time

from case import BAD, RigCase, both_ids
from rig import until

# A delivery that lasts until this file exists.
GO = f"/tmp/pqpurge-go.{os.getpid()}"
SLOW = f"slow unix - n n - - pipe\n  user=nobody argv=/bin/sh -c {{until test -e {GO}; do sleep 0.1; done}}\n"


class Running(RigCase):
    main = "smtpd_recipient_restrictions = check_recipient_access inline:{ { slow.test = FILTER slow:x } }\n"
    services = SLOW

    def setUp(self):
        super().setUp()
        self.addCleanup(os.unlink, GO)
        self.addCleanup(lambda: until(lambda: not self.sleeps(), "the delivery's end"))
        self.addCleanup(lambda: open(GO, "w", encoding="ascii").close())
        self.running = self.send("a@example.com", "u@slow.test")
        until(lambda: "/active/" in (self.postfix.find(self.running) or "") and self.sleeps(), "a delivery")
        self.waiting = self.send("a@example.com", "u@dest.test")
        until(lambda: "/deferred/" in (self.postfix.find(self.waiting) or ""), "a deferral")

    @staticmethod
    def sleeps():
        """Not pipe(8), whose arguments have these words, too, but the shell that it started."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                    if file.read().startswith(f"/bin/sh\0-c\0until test -e {GO};"):
                        return True
            except OSError:
                pass
        return False

    def told(self, result, word):
        self.assertEqual(result.with_result(word), {self.running, self.waiting}, result)
        self.assertIs(result.messages[self.running].get("was_active"), True, result)
        self.assertNotIn("was_active", result.messages[self.waiting])

    def test_hold(self):
        result = self.pq.idx("hold", "-y", "--json", BAD)
        self.told(result, "held")
        batch = str(result.summary["batch"])
        self.assertEqual({e["queue_name"] for e in self.postfix.queue()}, {"hold"})
        undone = self.pq.idx("undo", "-y", "--json", batch)
        self.assertEqual(undone.with_result("released"), {self.running, self.waiting}, undone)

    def test_purge(self):
        self.told(self.purge(BAD), "deleted")

    def test_text(self):
        self.assertRegex(self.pq.idx("hold", BAD).out, r"(?m)^ *was active +1 .*may be delivered$")


@both_ids
class Old(RigCase):
    """Older than maximal_queue_lifetime."""

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 2))
        self.postfix.settled(2)
        self.batch = self.pq.idx("hold", "-y", "--json", BAD).summary["batch"]
        last = max(file.arrival for file in self.postfix.read().values())
        self.postfix.set(maximal_queue_lifetime="1s")
        self.addCleanup(self.postfix.set, maximal_queue_lifetime="5d")
        until(lambda: time.time() > last + 2, "two seconds of age")

    def queues(self):
        return {e["queue_name"] for e in self.postfix.queue()}

    def test_release_all_the_same(self):
        result = self.pq.idx("release", "--json", "-y", BAD)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(result.with_result("released"), self.ours)
        self.assertEqual(result.summary["overdue"], 2)

    def test_undo_refuses_as_well(self):
        refused = self.pq.idx("undo", "--json", str(self.batch))
        self.assertEqual(refused.status, 2, refused)
        self.assertEqual(refused.with_result("failed"), self.ours)
        self.assertEqual(self.queues(), {"hold"})
        self.assertEqual(self.pq.idx("undo", "--json", "--requeue", str(self.batch)).with_result("released"), self.ours)

    def test_a_dry_run_says_so(self):
        result = self.pq.idx("release", "-n", "--json", BAD)
        self.assertEqual(result.status, 2, result)
        self.assertEqual(result.with_result("failed"), self.ours)
        self.assertEqual(self.queues(), {"hold"})


class Idle(RigCase):
    def test_nothing_to_do(self):
        self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        released = self.pq.idx("release", BAD)
        self.assertEqual(released.status, 0, released)
        self.assertRegex(released.out, r"(?m)^ *idle +2 +not in the hold queue$")
        self.pq.idx("hold", BAD)
        self.assertRegex(self.pq.idx("hold", BAD).out, r"(?m)^ *idle +2 +in the hold queue already$")
        summary = self.pq.idx("hold", "--json", BAD).summary
        self.assertEqual((summary["matched"], summary["held"], summary["idle"]), (0, 0, 2))
        self.assertIn("Nothing matched.", self.pq.idx("hold", "--older", "1d", BAD).out)
        self.assertIn("Nothing matched.", self.pq.idx("release", "none.test").out)
