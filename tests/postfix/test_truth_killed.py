# SPDX-License-Identifier: ISC
"""kill -9 of the command in the middle of its work, as by the OOM killer. The account was begun before the first message
was touched and has what was done, undo works, and the next command takes the work up."""
import os
import subprocess
import threading

from case import BAD, RigCase, both_ids_at_length
from rig import catch, until

COUNT = 1500


class KilledCase(RigCase):
    settings = {"postsuper_jobs": 1}

    def setUp(self):
        super().setUp()
        self.others = set(self.send_many("a@good.test", 20))
        self.ours = self.queue_many("a@example.com", COUNT)
        self.postfix.settled(COUNT + 20)

    def count(self, queue):
        return sum(len(names) for _, _, names in os.walk(os.path.join(self.postfix.spool, queue)))

    def kill_when(self, reached, *args):
        """Starts the command and kills it, without its children, once this much is done."""
        with open(os.path.join(self.pq.home, "out"), "wb") as out:
            command = self.pq.idx_start(*args, stdout=out, stderr=subprocess.STDOUT)
        catch(reached, command)
        self.assertIsNone(command.poll(), "it was done before it could be killed")
        self.kill(command)

    def kill(self, command):
        command.kill()
        command.wait()
        theirs = f"postsuper.*{self.postfix.etc}|pqpurge-idx.*{self.pq.conf}"
        until(lambda: subprocess.run(["pgrep", "-f", theirs], stdout=subprocess.DEVNULL, check=False).returncode != 0,
              "the end of its children")

    def log(self):
        """The batches, the newest first."""
        result = self.pq.idx("log", "--json")
        self.assertEqual(result.status, 0, result)
        return sorted(result.lines, key=lambda batch: -batch["batch"])


@both_ids_at_length
class Hold(KilledCase):
    def setUp(self):
        super().setUp()
        self.kill_when(lambda: self.count("hold") > 200, "hold", "-y", "--reason", "night", BAD)
        self.in_hold = self.held()
        self.assertTrue(0 < len(self.in_hold) < COUNT, "not in the middle")

    def test_account(self):
        (batch,) = self.log()
        self.assertEqual((batch["state"], batch["verb"], batch["reason"], batch["uid"]), ("unfinished", "hold", "night", 0))
        self.assertEqual(batch["done"], len(self.in_hold), batch)
        text = self.pq.idx("log")
        self.assertIn("unfinished", text.out)

    def test_undo(self):
        (batch,) = self.log()
        result = self.pq.idx("undo", "-y", "--json", str(batch["batch"]))
        self.assertEqual((result.status, result.with_result("released")), (0, self.in_hold), result)
        self.assertEqual((self.held(), self.postfix.ids()), (set(), self.ours | self.others))
        after = {b["batch"]: b for b in self.log()}[batch["batch"]]
        self.assertEqual((after["state"], after["done"]), ("undone", len(self.in_hold)), "what it had done stays on record")

    def test_release(self):
        """Mail that the killed command held is ours to release."""
        result = self.pq.idx("release", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("released")), (0, self.in_hold), result)

    def test_second_hold_adopts(self):
        """One undo takes back the work of both."""
        (first,) = self.log()
        result = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual((result.status, self.held()), (0, self.ours), result)
        batch = result.summary["batch"]
        undone = self.pq.idx("undo", "-y", "--json", str(batch))
        self.assertEqual((undone.status, self.held()), (0, set()), undone)
        self.assertNotIn("unfinished", {b["state"] for b in self.log()}, first)

    def test_hold_of_something_else_does_not(self):
        result = self.pq.idx("hold", "-y", "--json", "good.test")
        self.assertEqual(result.status, 0, result)
        undone = self.pq.idx("undo", "-y", "--json", str(result.summary["batch"]))
        self.assertEqual(undone.with_result("released"), self.others, undone)
        self.assertEqual(self.held(), self.in_hold)

    def test_others_hands_stay(self):
        """Mail that somebody held by hand is not part of it."""
        self.postfix.postsuper("-h", "-", ids=self.others)
        result = self.pq.idx("undo", "-y", "--json", str(self.log()[0]["batch"]))
        self.assertEqual((result.status, self.held()), (0, self.others), result)


@both_ids_at_length
class Purge(KilledCase):
    def setUp(self):
        super().setUp()
        self.kill_when(lambda: self.count("deferred") < COUNT - 200, "purge", "-y", "--reason", "night", BAD)
        self.left = self.postfix.ids() - self.others
        self.assertTrue(0 < len(self.left) < COUNT, "not in the middle")

    def test_account(self):
        (batch,) = self.log()
        self.assertEqual((batch["state"], batch["verb"], batch["reason"]), ("unfinished", "purge", "night"))
        self.assertEqual(batch["done"], COUNT - len(self.left), batch)

    def test_purge_again(self):
        self.assert_purged(self.left, BAD)
        last, first = self.log()
        self.assertEqual((last["state"], last["done"]), ("done", len(self.left)))
        self.assertEqual(first["done"], COUNT - len(self.left))

    def test_undo_says_that_it_cannot(self):
        result = self.pq.idx("undo", "-y", str(self.log()[0]["batch"]))
        self.assertEqual(result.status, 1, result)


@both_ids_at_length
class Release(KilledCase):
    def test_release_again(self):
        held = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual(held.summary["held"], COUNT, held.summary)
        self.kill_when(lambda: self.count("hold") < COUNT - 200, "release", "-y", BAD)
        again = self.pq.idx("release", "-y", "--json", BAD)
        self.assertEqual((again.status, self.held()), (0, set()), again.summary)
        self.assertEqual(self.postfix.ids(), self.ours | self.others)


@both_ids_at_length
class AtAnyMoment(KilledCase):
    """Kills at one moment after another: the account never claims what was not done, nor lacks what was."""

    def test_hold(self):
        for n in range(8):
            after = threading.Event()
            command = self.pq.idx_start("hold", "-y", BAD, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            after.wait(0.05 * n)
            self.kill(command)
            held = self.held()
            done = sum(b["done"] for b in self.log() if b["verb"] == "hold" and b["state"] in ("unfinished", "done"))
            self.assertEqual(done, len(held), f"kill {n}: {self.log()}")
            while left := [b["batch"] for b in self.log()
                           if b["verb"] == "hold" and b["done"] and b["state"] != "undone"]:
                undone = self.pq.idx("undo", "-y", str(left[0]))
                self.assertEqual(undone.status, 0, f"kill {n}: {undone}")
            self.assertEqual(self.held(), set(), f"kill {n}")


@both_ids_at_length
class Account(RigCase):
    """state_directory/log as a file."""

    def test_begun_before_anything_is_touched(self):
        ours = self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.purge(BAD, "--reason", "why not")
        lines = self.pq.account()
        kinds = [next(iter(line)) for line in lines]
        self.assertEqual((kinds[0], kinds[-1]), ("begin", "end"), lines)
        chunk = next(line for line in lines if "chunk" in line)
        self.assertEqual(set(chunk["ids"].split()[::2]), set(ours))
        self.assertEqual((lines[0]["verb"], lines[0]["reason"]), ("purge", "why not"))

    def test_whose_it_is(self):
        self.send("a@example.com")
        self.postfix.settled(1)
        self.purge(BAD)
        info, directory = os.stat(os.path.join(self.pq.state, "log")), os.stat(self.pq.state)
        self.assertEqual((info.st_uid, info.st_mode & 0o777), (directory.st_uid, 0o600))

    def test_last_line_cut_off(self):
        """As after a crash of the machine: the rest is reported, and the next batch is complete."""
        self.send("a@example.com")
        self.postfix.settled(1)
        first = self.purge(BAD).summary["batch"]
        with open(os.path.join(self.pq.state, "log"), "ab") as file:
            file.write(b'{"begin":99,"time":17')
        self.assertEqual([b["batch"] for b in self.pq.idx("log", "--json").lines], [first])
        self.send("a@example.com")
        self.postfix.settled(1)
        second = self.purge(BAD).summary["batch"]
        self.assertGreater(second, first)
        self.assertEqual({b["batch"] for b in self.pq.idx("log", "--json").lines}, {first, second})

    def test_numbers_are_not_used_again(self):
        numbers = []
        for _ in range(3):
            self.send("a@example.com")
            self.postfix.settled(1)
            numbers.append(self.purge(BAD).summary["batch"])
            self.pq.kill9()
            self.pq.forget()
            self.pq.start()
        self.assertEqual(numbers, sorted(set(numbers)))
