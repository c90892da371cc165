# SPDX-License-Identifier: ISC
"""Taking back: undo of a hold, release of held mail, and mail that is too old for it."""
import os
import time

from case import BAD, RigCase, both_ids
from rig import until


@both_ids
class Undo(RigCase):
    def hold(self, *args):
        result = self.pq.idx("hold", "-y", "--json", *args)
        self.assertEqual(result.status, 0, result)
        return result.summary["batch"]

    def in_hold(self):
        return {e["queue_id"] for e in self.postfix.queue() if e["queue_name"] == "hold"}

    def test_only_what_is_still_there_and_still_the_same(self):
        ours = self.send_many("a@example.com", 6)
        other = self.send("b@good.test")
        self.postfix.settled(7)
        batch = self.hold(BAD)
        self.postfix.postsuper("-d", "-", ids=ours[:1])
        self.postfix.postsuper("-H", "-", ids=ours[1:2])
        # Another message under the ID of one that was held.
        self.postfix.postsuper("-h", "-", ids=[other])
        hold = os.path.join(self.postfix.spool, "hold")
        os.rename(os.path.join(hold, other), os.path.join(hold, ours[2]))
        result = self.pq.idx("undo", "-y", "--json", str(batch))
        self.assertEqual(result.status, 0, result)
        self.assertEqual(result.with_result("released"), set(ours[3:]))
        self.assertEqual(result.messages[ours[2]]["result"], "changed")
        self.assertEqual(self.in_hold(), {ours[2]})

    def test_without_rows(self):
        """Only the account says what was held; the index may have forgotten the messages, or never known them."""
        ours = set(self.send_many("a@example.com", 3))
        self.postfix.settled(3)
        batch = self.hold(BAD)
        self.send_many("a@example.com", 2)
        self.postfix.settled(5)
        self.postfix.postsuper("-h", "ALL")
        self.pq.forget()
        result = self.pq.idx("undo", "-y", "--json", str(batch))
        self.assertEqual(result.with_result("released"), ours, result)

    def test_a_later_hold_keeps_its_own(self):
        ours = set(self.send_many("a@example.com", 2))
        self.postfix.settled(2)
        first = self.hold(BAD)
        self.assertEqual(self.pq.idx("undo", "-y", str(first)).status, 0)
        second = self.hold(BAD)
        result = self.pq.idx("undo", "-y", "--json", str(first))
        self.assertEqual((result.status, result.summary["released"]), (0, 0), result)
        self.assertIn("later batch", result.err)
        self.assertEqual(self.in_hold(), ours)
        self.assertEqual(self.pq.idx("undo", "-y", "--json", str(second)).with_result("released"), ours)

    def test_refused(self):
        self.send("a@example.com")
        self.postfix.settled(1)
        purged = self.purge(BAD).summary["batch"]
        for word, told in ((str(purged), "cannot come back"), ("999", "no batch 999"), ("x", "not a batch number")):
            result = self.pq.idx("undo", "-y", word)
            self.assertEqual(result.status, 1, result)
            self.assertIn(told, result.err)
        self.assertEqual(self.pq.idx("undo").status, 1)


@both_ids
class Release(RigCase):
    def test_past_its_lifetime(self):
        ours = set(self.send_many("a@example.com", 2))
        self.postfix.settled(2)
        self.pq.idx("hold", "-y", BAD)
        self.postfix.set(maximal_queue_lifetime="1s")
        self.addCleanup(self.postfix.set, maximal_queue_lifetime="5d")
        last = max(file.arrival for file in self.postfix.read().values())
        until(lambda: time.time() > last + 2, "two seconds of age")
        refused = self.pq.idx("release", "--json", BAD)
        self.assertEqual(refused.status, 2, refused)
        self.assertEqual(refused.with_result("failed"), ours)
        self.assertIn("--requeue", refused.messages[min(ours)]["reason"])
        self.assertEqual({e["queue_name"] for e in self.postfix.queue()}, {"hold"})
        requeued = self.pq.idx("release", "--json", "--requeue", BAD)
        self.assertEqual(requeued.status, 0, requeued)
        self.assertEqual(requeued.with_result("released"), ours)
        self.postfix.sendmail("a@good.test", ["u@dest.test"], "Subject: wakes pickup\n\n")
        self.postfix.settled(3)
        self.assertFalse(self.postfix.ids() & ours, "new mail has new queue IDs")

    def test_held_by_a_rule_is_told(self):
        self.assertEqual(self.pq.idx("block", "--action", "HOLD", BAD).status, 0)
        ours = self.send("a@example.com")
        until(lambda: self.postfix.queue(), "the message")
        left = self.pq.idx("release", "--json", BAD)
        self.assertEqual(left.summary["released"], 0, left)
        released = self.pq.idx("release", "--json", "--foreign", BAD)
        self.assertEqual(released.with_result("released"), {ours}, released)
        self.assertEqual(released.summary["unscanned"], 1, released)
