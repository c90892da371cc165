# SPDX-License-Identifier: ISC
"""The daemon's account was taken over. Whatever it answers, at any speed, and whatever it leaves in its directories: each
verb ends in time, with little memory, and touches nothing that does not match."""
import json
import os
import re
import subprocess
import sys
import time

import door as order_door
from case import BAD, RigCase, side_by_side, sized
from door import MEMBER, OPERATORS, identity
from hostile import WAYS
from pqpurge import MEASURE, Result, USER
from rig import HERE
from smtp import content
from terminal import Terminal

MEMORY = 100 << 20
SECONDS = 20
# Ways that delay an answer for as long as a working daemon may.
PATIENT = {"works_on", "endless_lines"}
# Needs a real daemon beside it.
PROXIES = {"redirects"}
# A well-formed answer may hide rows. All other ways give no valid answer, so the queue is read.
LIARS = {"no_rows"}

# The arguments of each verb. A verb in --help without an entry here fails the test.
VERBS = {"list": ["--json", "--all"], "show": ["{id}"], "top": ["--json"], "why": ["--json"], "rules": ["--json"],
         "log": ["--json"], "status": ["--json"], "sync": ["--json"], "setup": ["-n"], "floods": ["--json"], "report": ["--all"],
         "metrics": [], "screen": [],
         "fleet": ["hosts", "--json"], "order": [],
         "block": ["-y", "x.test"], "unblock": ["-y", "x.test"],
         "undo": ["-y", "7"], "hold": ["-y", "--json", BAD], "release": ["-y", "--json", BAD], "retry": ["-y", "--json", BAD],
         "purge": ["-y", "--json", BAD]}
# These touch no mail, so they run side by side.
LOOKING = ["list", "show", "top", "why", "report", "metrics", "screen", "rules", "log", "status", "sync", "setup", "floods", "fleet", "order"]


def on_terminal(words, seconds):
    """Runs a full screen, and quits it as soon as it listens. Other tests judge its output; here it has neither out
    nor err."""
    terminal = Terminal(["/usr/bin/env", "TERM=xterm", *words])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.write(terminal.master, b"q")
            terminal.read_until(None, timeout=1)
            break
        except TimeoutError:
            continue
        except OSError:
            break
    os.close(terminal.master)
    return Result(subprocess.CompletedProcess(words, os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]), "", ""))


class HostileCase(RigCase):
    starts_daemon = False
    # `retry` tries even mail that defer_transports parks; none of it may leave.
    main = "smtpd_recipient_restrictions = check_recipient_access inline:{ { dest.test = FILTER retry:4.3.2 parked } }\n"

    def setUp(self):
        super().setUp()
        self.pq.start()
        self.ours = set(self.send_many("a@example.com", 4))
        self.others = set(self.send_many("a@good.test", 4))
        self.postfix.settled(8)

    def take_over(self, way):
        """The daemon ends, and another process of its user takes its place."""
        self.pq.kill9()
        self.play(USER, way)

    def play(self, user, way):
        hostile = subprocess.Popen([sys.executable, os.path.join(HERE, "hostile.py"), user, self.pq.index, way],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(hostile.stdout.close)
        self.addCleanup(hostile.wait)
        self.addCleanup(hostile.kill)
        self.postfix.guarded("+", hostile.pid)
        self.assertEqual(hostile.stdout.readline(), b"ready\n")

    def run_command(self, verb, prefix, seconds):
        words = [word.replace("{id}", min(self.others)) for word in VERBS[verb]]
        if verb == "screen":
            return on_terminal([*prefix, *self.pq.words(verb, *words)], seconds)
        return self.pq.idx(verb, *words, prefix=prefix, timeout=seconds)

    def run_verb(self, verb, seconds=SECONDS):
        """Runs one verb within its bounds; returns its result."""
        used = os.path.join(self.pq.home, "used-" + verb)
        began = time.monotonic()
        result = self.run_command(verb, [MEASURE, used], seconds + 60)
        took = time.monotonic() - began
        self.assertLess(took, seconds, f"{verb} took {took:.1f} s: {result}")
        with open(used, encoding="ascii") as file:
            self.assertLess(int(file.read()), MEMORY, f"memory of {verb}")
        self.assertIn(result.status, (0, 1, 2), f"{verb}: {result}")
        self.assertNotRegex(result.out + result.err, r"[\x00-\x08\x0b-\x1f\x7f\u202e\u200b]", verb)
        self.assertLessEqual(self.others, self.postfix.ids(), f"{verb}: {result}")
        self.assertFalse({i for i in self.others if "/hold/" in self.postfix.find(i)}, f"{verb}: {result}")
        return result

    def every_verb(self, complete=True, seconds=SECONDS):
        before = self.postfix.ids()
        results = side_by_side(lambda verb: self.run_verb(verb, seconds), LOOKING)
        if complete:
            self.assertEqual(set(results[0].messages), self.ours | self.others, results[0])
        for verb in sorted(VERBS.keys() - LOOKING, key=list(VERBS).index):
            result = self.run_verb(verb, seconds)
            if verb == "retry":
                self.postfix.settled(8)
            if verb == "purge" and complete:
                self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (self.ours, self.others), result)
            elif verb != "purge":
                self.assertEqual(self.postfix.ids(), before, f"{verb}: {result}")


class Answers(HostileCase):
    def test_verbs_are_all_here(self):
        text = self.pq.idx("--help").out.partition("Verbs:")[2].partition("\n\n")[0]
        self.assertEqual(set(re.findall(r"(?m)^  ([a-z]+)", text)) - set(VERBS), set())


def answers(way):
    def test(self):
        self.take_over(way)
        self.every_verb(way not in LIARS)
    test.__doc__ = WAYS[way].__doc__
    return test


for _way in sorted(set(WAYS) - PATIENT - PROXIES):
    setattr(Answers, "test_" + _way, answers(_way))


class Door(HostileCase):
    """The order door: root works for a member of operator_group, and asks the hostile daemon meanwhile."""
    settings = {"operator_group": OPERATORS}

    def setUp(self):
        super().setUp()
        self.door = order_door.Door(self.pq).open()
        self.addCleanup(self.door.close)

    def member(self, *words, seconds=SECONDS):
        began = time.monotonic()
        result = self.pq.idx(*words, **identity(MEMBER, [OPERATORS]))
        self.assertLess(time.monotonic() - began, seconds, f"{words}: {result}")
        self.assertNotRegex(result.out + result.err, r"[\x00-\x08\x0b-\x1f\x7f\u202e\u200b]", words)
        return result

    def check(self, way):
        self.take_over(way)
        everything = self.ours | self.others
        listed = self.member("list", "--json")
        self.assertEqual(listed.status, 0, listed)
        if way not in LIARS:
            self.assertEqual(set(listed.messages), everything, listed)
        self.assertIn(self.member("hold", "-y", "--flood", "7").status, (1, 2))
        self.assertEqual(self.held(), set(), "no flood is known")
        result = self.member("hold", "-y", "--json", BAD)
        self.assertLessEqual(self.held(), self.ours, result)
        if way not in LIARS:
            self.assertEqual(self.held(), self.ours, result)
        self.assertEqual(self.postfix.ids(), everything)


for _way in ("silent", "closes", "noise", "deep", "numbers", "error_of_control", "huge", "random_rows", "no_rows", "many_files"):
    setattr(Door, "test_" + _way, lambda self, way=_way: self.check(way))


class Patience(HostileCase):
    """A daemon may take long for work that it has begun, but the command does not wait for ever."""

    def check(self, way):
        self.take_over(way)
        result = self.run_verb("purge", 150)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (self.ours, self.others), result)

    def test_works_on(self):
        self.check("works_on")

    def test_endless_lines(self):
        self.check("endless_lines")


class Redirected(HostileCase):
    """A daemon that gives perfect answers with the rows of other mail."""

    def setUp(self):
        super().setUp()
        self.named = set(self.send_many("a@good-x.test", 4, text=content("a@good-x.test")))
        self.postfix.settled(12)
        os.rename(os.path.join(self.pq.index, "control.sock"), os.path.join(self.pq.index, "control.real"))
        self.play(USER, "redirects")

    def check(self, *args):
        result = self.pq.idx("purge", "-y", "--json", *args)
        self.assertLessEqual(self.named | self.others, self.postfix.ids(), result)

    def test_by_domain(self):
        self.check(BAD)

    def test_by_sender(self):
        self.check("--sender", BAD)

    def test_after_a_catch_up(self):
        self.assertIn(self.pq.idx("sync").status, (0, 2))
        self.check(BAD)


class Files(HostileCase):
    """Files that the account leaves in its directories, with no daemon running."""

    def leave(self, directory, name, *words):
        """Replaces a file as the daemon's user."""
        self.pq.kill9()
        path = os.path.join(directory, name)
        script = 'rm -rf "$0"; ' + " ".join(words)
        subprocess.run(["sh", "-c", script, path], user=USER, group="nogroup", extra_groups=[], check=True)
        return path

    def every_place(self, *words):
        """Replaces each file of both directories in turn."""
        for directory, name in ((self.pq.index, "index.mdb"), (self.pq.index, "index.mdb-lock"), (self.pq.index, "lock"),
                                (self.pq.index, "control.sock"), (self.pq.index, "pending"), (self.pq.state, "rules"),
                                (self.pq.state, "hits"), (self.pq.state, "log"), (self.pq.state, "lock")):
            self.leave(directory, name, *words)
            with self.subTest(place=name, directory=os.path.basename(directory)):
                side_by_side(self.run_verb, ("list", "rules", "log", "status", "sync"))
                self.run_verb("block")
                self.run_verb("purge")
                self.assertEqual(self.postfix.ids(), self.others)
            subprocess.run(["rm", "-rf", os.path.join(directory, name)], check=True)
            self.ours = set(self.send_many("a@example.com", 4))
            self.postfix.settled(8)

    def test_fifo(self):
        self.every_place("mkfifo", '"$0"')

    def test_directory(self):
        self.every_place("mkdir", '"$0"')

    def test_link_to_a_secret(self):
        """The secret is not shown, and its file stays as it is."""
        secret = os.path.join(self.pq.home, "secret")
        with open(secret, "w", encoding="ascii") as file:
            file.write("secret.test REJECT\n")
        os.chmod(secret, 0o600)
        self.every_place("ln", "-s", secret, '"$0"')
        with open(secret, encoding="ascii") as file:
            self.assertEqual(file.read(), "secret.test REJECT\n")
        self.assertNotIn("secret.test", self.pq.idx("rules").out)

    def test_link_to_nowhere(self):
        self.every_place("ln", "-s", "/nonexistent/x", '"$0"')

    def test_large(self):
        """A sparse file of 100 GiB."""
        self.every_place("truncate", "-s", "100G", '"$0"')

    def test_one_long_line(self):
        self.every_place("head", "-c", sized("6000000", "50000000"), "/dev/zero", "|", "tr", r"'\0'", "x", ">", '"$0"')

    def test_noise(self):
        self.every_place("head", "-c", sized("5000000", "20000000"), "/dev/urandom", ">", '"$0"')

    def test_device(self):
        self.every_place("ln", "-s", "/dev/zero", '"$0"')


class Account(HostileCase):
    """Lines in the account that no command of ours wrote."""

    def write_log(self, *lines):
        path = os.path.join(self.pq.state, "log")
        with open(path, "a", encoding="utf-8") as file:
            for line in lines:
                file.write((line if isinstance(line, str) else json.dumps(line, separators=(",", ":"))) + "\n")
        os.chown(path, os.stat(self.pq.state).st_uid, -1)

    def begin(self, **fields):
        return {"begin": 7, "time": 1700000000000000, "uid": 0, "user": "root", "verb": "hold", "command": "x", "reason": "",
                "selector": "", "token": "", "undoes": [], **fields}

    def test_undo_of_what_was_never_held(self):
        """A forged batch names mail that others hold: at worst undo may release it, but never delete it."""
        self.postfix.postsuper("-h", "-", ids=self.others)
        ids = " ".join(f"{i} {int(self.postfix.read()[i].arrival * 1e6)}" for i in self.others)
        self.write_log(self.begin(), {"chunk": 7, "part": 1, "ids": ids}, {"done": 7, "part": 1},
                       {"end": 7, "matched": 4, "done": 4})
        result = self.pq.idx("undo", "-y", "7")
        self.assertIn(result.status, (0, 1, 2), result)
        self.assertLessEqual(self.others, self.postfix.ids())

    def test_ids_that_are_none(self):
        self.write_log(self.begin(), {"chunk": 7, "part": 1, "ids": "../../etc/passwd 1 ALL 2 -d 3 A;B 4 " + "F" * 300 + " 5"},
                       {"done": 7, "part": 1}, {"end": 7, "matched": 5, "done": 5})
        for args in (["undo", "-y", "7"], ["log"], ["log", "--json"]):
            self.assertIn(self.pq.idx(*args).status, (0, 1, 2), args)
        self.assertEqual(self.postfix.ids(), self.ours | self.others)

    def test_words_for_a_terminal(self):
        self.write_log(self.begin(user="\x1b[31mroot", command="\x1b]0;x\x07\u202e", reason="\u200b\x9b2J\n\n\r"), {"end": 7})
        for args in (["log"], ["log", "--json"], ["undo", "-y", "7"]):
            result = self.pq.idx(*args)
            self.assertNotRegex(result.out + result.err, r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", args)

    def test_fields_of_wrong_types(self):
        self.write_log(self.begin(begin="7", uid=-1, time="now"), self.begin(begin=-7), self.begin(begin=1 << 63), {"begin": []},
                       {"end": {}}, {"chunk": 7, "ids": 5}, {"done": None}, [], "7", "{", "null", '{"begin":8' + "}" * 100)
        self.run_verb("log")
        self.assertEqual(self.run_verb("purge").with_result("deleted"), self.ours)
        numbers = [line["batch"] for line in self.pq.idx("log", "--json").lines]
        self.assertEqual(len(numbers), len(set(numbers)))

    def test_very_many_lines(self):
        line = json.dumps(self.begin()) + "\n"
        path = os.path.join(self.pq.state, "log")
        with open(path, "w", encoding="ascii") as file:
            for _ in range(sized(10, 50)):
                file.write(line * 10000)
        os.chown(path, os.stat(self.pq.state).st_uid, -1)
        for verb in "log", "purge":
            self.run_verb(verb)
        self.assertEqual(self.postfix.ids(), self.others)


class Answered(HostileCase):
    def test_socket_of_another_user(self):
        """Another user listens there, not even the daemon's."""
        self.pq.kill9()
        os.chmod(self.pq.index, 0o777)
        self.addCleanup(os.chmod, self.pq.index, 0o700)
        self.play("daemon", "no_rows")
        self.every_verb()
