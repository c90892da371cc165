# SPDX-License-Identifier: ISC
"""Orders of the fleet, as its agent's account might send them: refusals, orders done once, and the account."""
import concurrent.futures
import fcntl
import json
import os
import signal
import struct
import subprocess
import time

import door
from case import BAD
from door import MEMBER, SILENT, STRANGER, TOKEN, fleet, hold, hook, identity, rules, verb
from pqpurge import USER
from process import descendants, has_ended
from rig import until
from smtp import content
from test_door import DoorCase

AGENT = "news"  # a user that every Debian has
AUTHOR = ("author", BAD)


class FleetCase(DoorCase):
    settings = {"fleet": "service=none", "fleet_user": AGENT, "flood_watch": "act"}

    def setUp(self):
        super().setUp()
        self.bad = set(self.send_many("a@example.com", 4))
        self.rest = set(self.send_many("b@good.test", 2))
        self.all = self.bad | self.rest
        self.postfix.settled(6)

    def fleet(self, payload, **options):
        return self.door.send("daemon", payload, AGENT, ["nogroup"], **options)

    @staticmethod
    def summary(answer):
        return json.loads(answer.out.splitlines()[-1])["summary"]


class Orders(FleetCase):
    def test_done_once(self):
        """The same token again: the results are reported, and nothing more is done, whatever mail came since."""
        answer = self.fleet(fleet("purge", AUTHOR, reason="hacked"))
        self.assertEqual((answer.status, answer.done, self.summary(answer)["deleted"]), (0, 4, 4), answer)
        self.assertEqual(self.postfix.ids(), self.rest)
        batch = self.last()
        self.assertEqual((batch["user"], batch["reason"], batch["done"]), ("fleet:anna", "hacked", 4))
        self.assertEqual(self.pq.account()[-1].get("token"), "fleet:" + TOKEN % 1)
        later = set(self.send_many("a@example.com", 2))
        self.postfix.settled(4)
        for attempt in (2, 1):
            again = self.fleet(fleet("purge", AUTHOR, attempt=attempt))
            summary = self.summary(again)
            self.assertEqual((again.status, again.done, summary["deleted"], summary["batch"], summary["repeated"]),
                             (0, 4, 4, batch["batch"], True), again)
        self.assertEqual(self.postfix.ids(), self.rest | later)
        other = self.fleet(fleet("purge", AUTHOR, token=TOKEN % 2))
        self.assertEqual(other.done, 2, other)

    def test_lookup(self):
        """An order that is over is only looked up: not begun, or with its results."""
        answer = self.fleet(fleet("purge", AUTHOR, lookup=1, attempt=2))
        self.assertEqual((answer.status, answer.out), (3, b""), answer)
        self.assertEqual(self.postfix.ids(), self.all)
        self.fleet(fleet("hold", AUTHOR))
        answer = self.fleet(fleet("hold", AUTHOR, lookup=1, attempt=2))
        self.assertEqual((answer.status, self.summary(answer)["held"]), (0, 4), answer)

    def test_undo_by_token(self):
        """undo releases what the named order held. If that held nothing, there is nothing to release."""
        self.fleet(fleet("hold", AUTHOR))
        self.fleet(fleet("hold", ("author", "good.test"), token=TOKEN % 2))
        self.assertEqual(self.held(), self.all)
        answer = self.fleet(fleet("undo", ("of", TOKEN % 1), token=TOKEN % 3))
        self.assertEqual((answer.status, self.summary(answer)["released"]), (0, 4), answer)
        self.assertEqual(self.held(), self.rest)
        answer = self.fleet(fleet("undo", ("of", TOKEN % 9), token=TOKEN % 4))
        self.assertEqual((answer.status, self.summary(answer)["released"]), (0, 0), answer)

    def test_late(self):
        """An order that is two hours old spares mail that came since."""
        answer = self.fleet(fleet("purge", AUTHOR, age=2 * 3600 * 10 ** 6))
        self.assertEqual((answer.status, self.summary(answer)["matched"]), (0, 0), answer)
        self.assertEqual(self.postfix.ids(), self.all)

    def test_looking(self):
        """Read-only verbs return their lines and sums; the account has nothing of them."""
        answer = self.fleet(fleet("list", AUTHOR))
        self.assertEqual({json.loads(line)["queue_id"] for line in answer.out.splitlines()[:-1]}, self.bad, answer)
        self.assertEqual(self.summary(answer)["lines"], 4)
        answer = self.fleet(fleet("purge", AUTHOR, dry_run=1))
        self.assertEqual((answer.status, self.summary(answer)["would_delete"]), (0, 4), answer)
        health = json.loads(self.fleet(fleet("health", number=0, token=TOKEN % 0)).out)
        self.assertEqual((health["daemon"], health["floods"]), (True, []), health)
        self.assertIsNone(self.last())
        self.assertEqual(self.postfix.ids(), self.all)

    def test_refused_pairs(self):
        """A pair that is invalid or not allowed to the fleet changes nothing."""
        self.assert_refused(fleet("purge", pair) for pair in (
            ("author", "EXAMPLE.com"), ("author", "x.test;id"), ("author", "/example/"), ("subject", "/./"), ("why", "/./"), ("login", "/./"),
            ("subject", "win"), ("save", "/tmp"), ("config", "/tmp/x"),
            ("all", "no"), ("older_s", "1h"), ("id", "../x"), ("id", "-"), ("by", "--help"), ("author", "a\nb"), ("colour", "red")))

    def test_refused(self):
        """An order of another kind, or a broken one, changes nothing. Each refusal takes a second, however many come."""
        orders = [fleet(word, AUTHOR) for word in ("block", "unblock", "setup", "sync", "order", "retry", "log", "", "--help")]
        orders += [fleet("purge", AUTHOR, token=token) for token in ("", "flood:12", "x" * 36, (TOKEN % 1).upper() + "A")]
        orders += [fleet("purge", AUTHOR, by=by) for by in ("", "a b", "a;b", "x" * 64)]
        orders += [fleet("purge", AUTHOR, attempt=0), fleet("purge", AUTHOR, age=-1), fleet("purge", AUTHOR, reason="a\nb"),
                   fleet("purge", AUTHOR, reason="x" * 401), fleet("purge", AUTHOR, lookup=2), fleet("purge", AUTHOR)[:-1],
                   fleet("purge", AUTHOR) + b"\0", fleet("purge"), fleet("purge", ("limit", "5")), struct.pack("<BB", 1, 4),
                   verb("list"), hold("domain", BAD), hook(1, key="x")]
        self.assert_refused(orders)

    def assert_refused(self, orders):
        for order in orders:
            with self.subTest(order=order):
                answer = self.fleet(order)
                self.assertNotIn(answer.status, (0, None), answer)
                self.assertEqual((answer.out, "under way" in answer.words), (b"", False), answer)
        self.assertEqual(self.postfix.ids(), self.all)
        self.assertEqual(self.held(), set())

    def test_others(self):
        """Only fleet_user sends orders of the fleet: not the daemon, a stranger, or an operator."""
        for user in (USER, STRANGER, MEMBER):
            for order in (fleet("purge", AUTHOR), rules("x.test")):
                answer = self.door.send("daemon", order, user, ["nogroup"])
                self.assertEqual((answer.status, answer.refused), (1, 1), (user, answer))
        self.assertEqual(self.postfix.ids(), self.all)


class Places(FleetCase):
    def test_the_daemon_has_its_own(self):
        """The agent's account takes at most half of the places of daemon.sock; the daemon's orders get through
        meanwhile."""
        child = subprocess.Popen(["/usr/bin/python3", "-c", SILENT, self.door.path("daemon"), "30"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, **identity(AGENT, ["nogroup"]))
        self.addCleanup(child.wait)
        self.addCleanup(child.stdout.close)
        self.assertEqual(child.stdout.readline(), b"connected\n")
        answer = self.door.send("daemon", hook(1, key="x"), USER, ["nogroup"])
        self.assertIn("flood_hook", answer.words, answer)
        answers = [child.stdout.readline() for _ in range(30)]
        # How many get a place after others gave theirs up depends on speed.
        self.assertGreaterEqual(sum(b"8 orders of yours are under way" in answer for answer in answers), 1, answers)
        self.assertEqual(self.fleet(fleet("list", AUTHOR)).status, 0)


class Expressions(FleetCase):
    settings = {**FleetCase.settings, "fleet_allow": "purge hold list regex"}

    def test_of_subjects_reasons_and_logins(self):
        """If the host allows expressions, the fleet may use them."""
        ours = self.send("a@example.com", text=content(subject="Win a prize"), LOGIN="joe@web.test")
        self.postfix.settled(7)
        until(lambda: all("delay_reason" in r for e in self.postfix.queue() for r in e["recipients"]), "reasons")
        for pairs in ([("subject", "/^win/i")], [("login", "/@web/")], [("login", "@web.test")], [("why", "/./"), ("subject", "/prize/")]):
            answer = self.fleet(fleet("purge", *pairs, dry_run=1))
            self.assertEqual((answer.status, self.summary(answer)["would_delete"]), (0, 1), answer)
        answer = self.fleet(fleet("purge", ("subject", "/^win/i"), ("why", "/./")))
        self.assertEqual((answer.status, answer.done, self.postfix.ids()), (0, 1, self.all), answer)
        self.assertNotIn(ours, self.postfix.ids())


class Stopped(FleetCase):
    settings = {**FleetCase.settings, "postsuper_jobs": 1}

    def test_gone_on_with(self):
        """A link that goes away stops root between chunks. The next attempt does the rest, and reports the sum of
        both."""
        before = self.queue_many("a@example.com", 3000)
        order = fleet("purge", AUTHOR)
        with subprocess.Popen(["/usr/bin/python3", "-c", door.CLIENT, self.door.path("daemon")], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, **identity(AGENT, ["nogroup"])) as client:
            client.stdin.write(struct.pack("<I", len(order)) + order)
            client.stdin.close()
            until(lambda: len(self.postfix.ids() & before) < 2990, "the first messages to go")
            client.kill()
        until(lambda: self.last() and self.last()["state"] == "unfinished" and "running" not in self.last(), "root to stop")
        left = self.postfix.ids() & before
        self.assertTrue(left, "there was nothing to stop")
        answer = self.fleet(fleet("purge", AUTHOR, attempt=2))
        summary = self.summary(answer)
        self.assertEqual((answer.status, answer.done, summary["deleted"], summary["matched"]), (0, 3004, 3004, 3004), answer)
        self.assertEqual(self.postfix.ids(), self.rest)
        again = self.fleet(fleet("purge", AUTHOR, attempt=3))
        self.assertEqual((again.status, again.done, self.summary(again)["repeated"]), (0, 3004, True), again)


    def test_killed(self):
        """Root's process is killed while its child is at work: no other begins before the child has ended, and
        nothing is lost."""
        before = self.queue_many("a@example.com", 3000)
        order = fleet("purge", AUTHOR)
        client = subprocess.Popen(["/usr/bin/python3", "-c", door.CLIENT, self.door.path("daemon")], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, **identity(AGENT, ["nogroup"]))
        self.addCleanup(client.wait)
        client.stdin.write(struct.pack("<I", len(order)) + order)
        client.stdin.close()
        until(lambda: len(self.postfix.ids() & before) < 2990, "the first messages to go")
        root, = map(int, self.door.children())
        child = descendants(root)[1]
        os.kill(child, signal.SIGSTOP)
        os.kill(root, signal.SIGKILL)
        with open(os.path.join(self.door.directory, "fleet.lock"), "rb") as lock:
            until(lambda: has_ended(root), "root's process to be gone")
            with self.assertRaises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.kill(child, signal.SIGCONT)
        answer = self.fleet(fleet("purge", AUTHOR, attempt=2))
        self.assertEqual((answer.status, answer.done, self.summary(answer)["matched"]), (0, 3004, 3004), answer)
        self.assertEqual(self.postfix.ids(), self.rest)


class Bounds(FleetCase):
    settings = {**FleetCase.settings, "fleet_allow": "purge, list", "fleet_max_messages": 3}

    def test_the_host_has_the_last_word(self):
        """fleet_allow and fleet_max_messages decide, whatever the fleet wants; refusals are in the account."""
        for order, word in ((fleet("hold", AUTHOR), "fleet_allow"), (fleet("purge", AUTHOR, dry_run=1), "4 messages match, and fleet_max_messages is 3"), (fleet("purge", ("author", "/./")), "regex"),
                            (fleet("purge", AUTHOR), "fleet_max_messages"), (rules("x.test"), "block"), (fleet("purge", AUTHOR, ("sweep", "yes")), "fleet_max_messages")):
            answer = self.fleet(order)
            self.assertEqual((answer.status, answer.refused), (1, 1), answer)
            self.assertIn(word, answer.words)
            self.assertEqual(self.last()["state"], "refused")
        self.assertEqual(self.postfix.ids(), self.all)
        answer = self.fleet(fleet("purge", AUTHOR, ("limit", "3"), dry_run=1))
        self.assertEqual((answer.status, self.summary(answer)["would_delete"]), (0, 3), answer)
        answer = self.fleet(fleet("purge", AUTHOR, ("limit", "3")))
        self.assertEqual((answer.status, answer.done), (0, 3), answer)


class Rules(FleetCase):
    def listed(self):
        return {r["pattern"]: r["origin"] for r in self.pq.idx("rules", "--json").lines}

    def test_rules(self):
        """Rules in one or many frames replace or change those of the fleet; an incomplete set changes nothing."""
        frames = rules("a.test", more=1), rules("b.test", "login:joe")
        data = b"".join(struct.pack("<I", len(frame)) + frame for frame in frames)
        self.assertEqual(self.fleet(data, raw=True).status, 0)
        self.assertEqual(self.listed(), {"a.test": "fleet", "b.test": "fleet", "login:joe": "fleet"})
        self.assertNotEqual(self.fleet(rules("c.test", more=1)).status, 0)
        many = rules(*(f"{n}{'x' * 1000}@c.test" for n in range(55)), more=1)
        last = rules("e.test")
        answer = self.fleet((struct.pack("<I", len(many)) + many) * 80 + struct.pack("<I", len(last)) + last, raw=True)
        self.assertNotEqual(answer.status, 0, answer)
        self.assertIn("bytes of rules", answer.words)
        self.assertEqual(self.fleet(rules("a.test", replace=0, action="")).status, 0)
        self.assertEqual(set(self.listed()), {"b.test", "login:joe"})
        answer = self.fleet(rules("/x/", "d.test"))
        self.assertEqual(answer.status, 0, answer)
        self.assertIn("regex", answer.words)
        self.assertEqual(set(self.listed()), {"d.test"})

    def test_a_second_each(self):
        """The agent's account can put rules in force once a second, over any number of connections; none is lost."""
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda n: self.fleet(rules(f"n{n}.test", replace=0)), range(4)))
        self.assertEqual([answer.status for answer in answers], [0] * 4, answers)
        self.assertGreaterEqual(time.monotonic() - began, 2.9)
        self.assertEqual(set(self.listed()), {f"n{n}.test" for n in range(4)})


class NoFleet(FleetCase):
    settings = {"fleet_user": AGENT, "flood_watch": "act"}

    def test_no_fleet(self):
        """A host that is in no fleet takes no orders, even from its agent's account."""
        for order in (fleet("purge", AUTHOR), fleet("health"), rules("x.test")):
            answer = self.fleet(order)
            self.assertEqual((answer.status, answer.refused), (1, 1), answer)
        self.assertEqual(self.postfix.ids(), self.all)
