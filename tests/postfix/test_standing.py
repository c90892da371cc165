# SPDX-License-Identifier: ISC
"""Orders that stay in force: refused at the door, carried out again by each catch-up, ended by undo, unblock and time, and
kept where only root can make one."""
import json
import os
import pwd
import signal
import subprocess

from case import BAD, RigCase
from pqpurge import USER, preload
from process import descendants, is_stopped, kill_all
from rig import until
from smtp import Refused


class Standing(RigCase):
    def setUp(self):
        super().setUp()
        self.good = set(self.send_many("b@good.test", 2))

    def sync(self, status=0):
        result = self.pq.idx("sync", "--json")
        self.assertEqual(result.status, status, result)
        return result

    def past_the_door(self, count=2):
        """Mail that the milter does not see, since its daemon is off. Returns the queue IDs."""
        self.pq.stop()
        ids = set(self.send_many("a@example.com", count))
        self.pq.start()
        return ids

    def begin(self, verb="purge", *words, age="10m"):
        result = self.pq.idx(verb, "-y", "--json", "--for", age, *(words or (BAD,)))
        self.assertEqual(result.status, 0, result)
        return result.summary["batch"]

    def state(self, batch):
        return {line["batch"]: line["state"] for line in self.pq.idx("log", "--json").lines}[batch]

    def standing_rules(self):
        return {line["pattern"]: line.get("standing") for line in self.pq.idx("rules", "--json").lines}

    def test_purge(self):
        self.send_many("a@example.com", 3)
        batch = self.begin()
        self.assertEqual(self.postfix.ids(), self.good)
        self.assertEqual(self.state(batch), "standing")
        self.assertEqual(self.standing_rules(), {BAD: batch})
        self.assertIn(f"order {batch} ", self.pq.idx("status").out)
        self.assertRaises(Refused, self.send, "a@example.com")
        late = self.past_the_door()
        self.assertEqual(self.postfix.ids(), self.good | late)
        lines = self.sync().lines
        self.assertEqual(self.postfix.ids(), self.good)
        told = [line["standing"] for line in lines if "standing" in line]
        self.assertEqual([(line["order"], line["deleted"]) for line in told], [(batch, 2)])
        again = [line for line in self.pq.idx("log", "--json").lines if line["batch"] == told[0]["batch"]][0]
        self.assertEqual((again["done"], again["verb"], again["state"]), (2, "purge", "done"))

        result = self.pq.idx("undo", str(batch))
        self.assertEqual(result.status, 0, result)
        self.assertIn("no longer in force", result.out)
        self.assertEqual(self.state(batch), "done")
        self.assertEqual(self.standing_rules(), {})
        stays = self.past_the_door() | {self.send("a@example.com")}
        self.sync()
        self.assertEqual(self.postfix.ids(), self.good | stays)

    def test_nothing_yet(self):
        """Nothing in the queue matches, but the order stands."""
        batch = self.begin()
        self.assertTrue(batch)
        self.past_the_door()
        self.sync()
        self.assertEqual(self.postfix.ids(), self.good)

    def test_without_the_account(self):
        """The account may be lost: root's directory says which orders stand, and log and rules show them."""
        batch = self.begin()
        os.unlink(os.path.join(self.pq.state, "log"))
        self.past_the_door()
        self.assertEqual(self.state(batch), "standing")
        self.sync()
        self.assertEqual(self.postfix.ids(), self.good)

    def test_hold(self):
        """undo releases what the order held, at first and later."""
        first = set(self.send_many("a@example.com", 2))
        batch = self.begin("hold", "--sender", BAD)
        self.assertEqual(self.held(), first)
        late = self.past_the_door()
        self.sync()
        self.assertEqual(self.held(), first | late)
        at_the_door = {self.send("a@example.com")}
        self.assertEqual(self.held(), first | late | at_the_door)
        result = self.pq.idx("undo", "-y", str(batch))
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.held(), at_the_door)
        self.assertIn("release --foreign", result.out)
        self.past_the_door()
        self.sync()
        self.assertEqual(self.held(), at_the_door)

    def test_undone_with_a_wrong_number(self):
        """No order ends, and nothing is released."""
        self.send_many("a@example.com", 3)
        orders = [self.begin("hold"), self.begin("purge", "other.test")]
        held = self.held()
        result = self.pq.idx("undo", "-y", *map(str, orders), "99")
        self.assertEqual((result.status, result.out), (1, ""), result)
        self.assertIn("there is no batch 99", result.err)
        self.assertEqual([self.state(order) for order in orders], ["standing", "standing"])
        self.assertEqual((len(held), self.held()), (3, held))
        self.assertEqual(self.pq.idx("undo", "-y", *map(str, orders)).status, 0)
        self.assertEqual((self.held(), self.standing_rules()), (set(), {}))

    def test_undone_while_it_runs(self):
        """A catch-up that carries the order out stops when undo ends it: mail that it had not reached stays."""
        batch = self.begin()
        stays = self.past_the_door(3)
        sync = self.pq.idx_start("sync", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={
            **os.environ, **preload("stop", PQPURGE_STOP_USER=str(pwd.getpwnam("postfix").pw_uid))})
        self.addCleanup(kill_all, sync)
        self.addCleanup(sync.stdout.close)
        self.addCleanup(sync.stderr.close)

        def stopped():
            return [pid for pid in descendants(sync.pid) if is_stopped(pid)]
        reader = until(stopped, "the reader of the queue to be stopped")
        os.kill(reader[0], signal.SIGCONT)
        prover = until(lambda: [pid for pid in stopped() if pid not in reader], "the prover of what is to be deleted to be stopped")
        result = self.pq.idx("undo", str(batch))
        self.assertEqual(result.status, 0, result)
        os.kill(prover[0], signal.SIGCONT)
        out, err = sync.communicate(timeout=60)
        self.assertEqual((sync.returncode, err), (0, b""), out)
        self.assertEqual(self.postfix.ids(), self.good | stays)
        self.assertEqual(self.state(batch), "done")

    def test_unblock(self):
        self.begin()
        result = self.pq.idx("unblock", BAD)
        self.assertIn("no longer in force", result.out)
        stays = self.past_the_door()
        self.sync()
        self.assertEqual(self.postfix.ids(), self.good | stays)

    def test_two_orders(self):
        """The rule stays as long as one of the orders needs it."""
        first, second = self.begin(), self.begin("purge", BAD, "other.example")
        self.pq.idx("undo", str(first))
        self.assertEqual(self.standing_rules(), {BAD: second, "other.example": second})
        self.past_the_door()
        self.sync()
        self.assertEqual(self.postfix.ids(), self.good)

    def test_expired(self):
        self.begin(age="1s")
        until(lambda: self.standing_rules() == {}, "the order to expire")
        stays = self.past_the_door()
        self.sync()
        self.assertEqual(self.postfix.ids(), self.good | stays)
        self.assertEqual(os.listdir(self.pq.settings["standing_directory"]), [])

    def test_what_cannot_stand(self):
        for words in (("--all",), ("--recipient", BAD), ("--id", "ABC123"), ("--older", "1h", BAD), ("--newer", "1h", BAD),
                      ("--limit", "3", BAD), ("--block", BAD), ("--sender", "a@b.test", "--login", "joe"),
                      ("--queue", "hold", BAD), ("--larger", "1M", BAD)):
            result = self.pq.idx("purge", "-y", "--for", "10m", *words)
            self.assertEqual(result.status, 1, result)
        self.assertFalse(os.path.exists(self.pq.settings["standing_directory"]))
        self.assertEqual(self.standing_rules(), {})

    def forge(self, directory):
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "7"), "w", encoding="ascii") as file:
            json.dump({"verb": "purge", "until": 2 ** 60, "uid": 0, "user": "root", "command": "", "reason": "",
                       "selector": {"author": [{"text": "good.test"}], "all": True}, "rules": [], "batches": [],
                       "state_directory": self.pq.state}, file)

    def test_forged(self):
        """The daemon's account cannot make one, neither in its own directories nor by taking over ours."""
        for directory in (self.pq.state, os.path.join(self.pq.state, "standing"), self.pq.index):
            self.forge(directory)
        with open(os.path.join(self.pq.state, "log"), "a", encoding="ascii") as file:
            file.write('{"begin":7,"verb":"purge","until":9999999999999999,"standing":true,"selector":"good.test"}\n{"end":7}\n')
        self.sync()
        self.assertEqual(self.postfix.ids(), self.good)
        self.forge(self.pq.settings["standing_directory"])
        os.chown(self.pq.settings["standing_directory"], pwd.getpwnam(USER).pw_uid, -1)
        self.assertIn("must belong to root", self.sync(status=2).err)
        self.assertEqual(self.postfix.ids(), self.good)

    def test_another_instance(self):
        """An instance that shares the directory by mistake carries nothing out."""
        self.begin()
        self.past_the_door()
        ours = os.path.join(self.pq.home, "ours.conf")
        with open(self.pq.conf, encoding="utf-8") as file, open(ours, "w", encoding="utf-8") as other:
            other.write(file.read().replace(f'state_directory = "{self.pq.state}"', f'state_directory = "{self.pq.home}/other"'))
        before = self.postfix.ids()
        self.pq.stop()
        self.assertEqual(self.pq.idx("-c", ours, "sync").status, 0)
        self.assertEqual(self.postfix.ids(), before)

    def test_damaged(self):
        """A broken file is reported, and stops nothing else."""
        self.begin()
        directory = self.pq.settings["standing_directory"]
        for name, text in (("8", "{"), ("9", '{"verb":"release","until":99999999999999999,"selector":{"all":true}}'),
                           ("10", '{"verb":"purge","until":99999999999999999,"selector":{"all":true}}')):
            with open(os.path.join(directory, name), "w", encoding="ascii") as file:
                file.write(text)
        self.past_the_door()
        self.assertIn("is invalid", self.sync(status=2).err)
        self.assertEqual(self.postfix.ids(), self.good)
