# SPDX-License-Identifier: ISC
"""The records of what was done: who asked, and how often each rule was hit."""
import os
import time

from case import BAD, RigCase
from rig import until
from smtp import Refused


class Account(RigCase):
    def batches(self):
        result = self.pq.idx("log", "--json")
        self.assertEqual(result.status, 0, result)
        return result.lines

    def test_who_asked(self):
        """The user's name, or that of the user who called sudo; never the environment's."""
        plain = {k: v for k, v in os.environ.items() if k not in ("SUDO_USER", "LOGNAME", "USER")}
        for number, (extra, user) in enumerate((({}, "root"), ({"LOGNAME": "mallory"}, "root"),
                                                ({"SUDO_USER": "anna"}, "anna")), 1):
            self.send("a@example.com")
            self.postfix.settled(1)
            self.purge(BAD, env={**plain, **extra})
            batch = self.batches()[-1]
            self.assertEqual((batch["batch"], batch["user"], batch["uid"]), (number, user, 0), extra)

    def test_whole(self):
        """Every field of a batch: the action, the reason, the words, the numbers, and the rules that were set."""
        ours = self.send_many("a@example.com", 4)
        self.send("b@good.test")
        self.postfix.settled(5)
        self.assertEqual(self.pq.idx("sync").status, 0)  # only what it saw can be gone
        self.postfix.postsuper("-d", "-", ids=ours[:1])
        began = int(time.time())
        self.purge("--block=1h", "--subdomains", "--reason", "ticket 4711", BAD)
        self.pq.idx("purge", "-n", BAD)
        (batch,) = self.batches()
        self.assertTrue(began <= batch.pop("time") <= time.time())
        self.assertIn(f"purge -y --json --block=1h --subdomains --reason ticket 4711 {BAD}", batch.pop("command"))
        batch.pop("user")
        self.assertEqual(batch, {"batch": 1, "uid": 0, "verb": "purge", "reason": "ticket 4711", "matched": 3, "done": 3,
                                 "gone": 1, "changed": 0, "failed": 0, "rules_set": 2, "state": "done"})

    def test_moved_away(self):
        """By hand or logrotate: numbers go on, so that nobody undoes another batch than is meant."""
        for number in 1, 2, 3, 4:
            self.send("a@example.com")
            self.postfix.settled(1)
            self.assertEqual(self.purge(BAD).summary["batch"], number)
            if number % 2 == 0:
                os.rename(os.path.join(self.pq.state, "log"), os.path.join(self.pq.state, f"log.{number}"))
                self.assertEqual(self.batches(), [])
        self.send("a@example.com")
        self.postfix.settled(1)
        self.assertEqual(self.pq.idx("hold", "-y", "--json", BAD).summary["batch"], 5)
        result = self.pq.idx("undo", "-y", "1")
        self.assertEqual(result.status, 1, result)
        self.assertIn("there is no batch 1", result.err)
        self.assertEqual(self.pq.idx("undo", "-y", "5").status, 0)
        self.assertEqual(self.held(), set())

    def test_limit_is_the_latest(self):
        for number in range(1, 5):
            self.send("a@example.com")
            self.postfix.settled(1)
            self.purge(BAD, "--reason", f"the {number}.")
            self.assertEqual([b["batch"] for b in self.batches()], list(range(1, number + 1)))
        limited = self.pq.idx("log", "--json", "--limit", "2").lines
        self.assertEqual([(b["batch"], b["reason"]) for b in limited], [(3, "the 3."), (4, "the 4.")])

    def test_hits(self):
        """Hits of the command's rules and of the file's; a restart keeps them."""
        self.pq.write_rules("file.example REJECT\nquiet.example REJECT\n")
        self.pq.reload()
        self.assertEqual(self.pq.idx("block", "command.example").status, 0)

        def refused(sender):
            try:
                self.send(sender)
            except Refused:
                return True
            return False
        until(lambda: refused("a@file.example"), "the file's rule in force")
        for _ in range(2):
            self.assertTrue(refused("a@command.example"))

        want = {"file.example": 1, "quiet.example": 0, "command.example": 2}
        self.assertEqual(self.pq.hits(), want, "what was refused a moment ago counts")
        self.assertEqual(self.pq.stop(), 0)
        self.pq.start()
        self.assertEqual(self.pq.hits(), want)
