# SPDX-License-Identifier: ISC
"""Orders to root from others: the daemon's user can cause holds and nothing else, operators can do what the configuration
lists, strangers nothing. The account has all orders and refusals."""
import json
import os
import pwd
import socket
import struct
import time

import door
from case import BAD, RigCase
from door import MEMBER, OPERATORS, STRANGER, Door, hold, identity, verb
from pqpurge import USER
from rig import until
from smtp import content
from terminal import Terminal


class DoorCase(RigCase):
    settings = {"operator_group": OPERATORS, "flood_watch": "act"}

    held_kinds = ("login", "local", "sender", "client", "domain")

    def setUp(self):
        super().setUp()
        with open(self.pq.conf, "a", encoding="ascii") as file:
            for kind in self.held_kinds:
                file.write(f"flood {kind} {{ held = true force = true }}\n")
        self.door = Door(self.pq).open()
        self.addCleanup(self.door.close)

    def daemon(self, payload, **options):
        return self.door.send("daemon", payload, USER, **options)

    def member(self, *words, **options):
        """Runs the command as a member of the operators' group."""
        return self.pq.idx(*words, **identity(MEMBER, [OPERATORS]), **options)

    def last(self, state=None):
        """The account's last batch, as `log` shows it."""
        lines = [line for line in self.pq.idx("log", "--json").lines if state in (None, line["state"])]
        return lines[-1] if lines else None


class TheDaemon(DoorCase):
    """An order of the daemon's account can do no more than hold one key's mail."""

    def setUp(self):
        super().setUp()
        self.bad = set(self.send_many("a@example.com", 4))
        self.joe = {self.send("joe@good.test", LOGIN="joe", ADDR="198.51.100.7") for _ in range(3)}
        self.rest = set(self.send_many("b@good.test", 2))
        self.all = self.bad | self.joe | self.rest
        self.postfix.settled(9)

    def test_holds(self):
        """Each key holds its own mail; the account has the daemon's name and the token."""
        for key, value, expected in (("login", "joe", self.joe), ("client", "198.51.100.7", self.joe),
                                     ("client", "198.51.100.0/24", self.joe), ("sender", "b@good.test", self.rest),
                                     ("local", "a@example.com", self.bad), ("domain", "example.com", self.bad)):
            with self.subTest(key=key, value=value):
                answer = self.daemon(hold(key, value))
                self.assertEqual((answer.status, answer.done), (0, len(expected)), answer)
                self.assertEqual(self.held(), expected)
                batch = self.last()
                self.assertEqual((batch["user"], batch["verb"], batch["batch"], batch["done"]),
                                 (USER, "hold", answer.batch, len(expected)))
                self.assertEqual(self.pq.account()[-1]["end"], answer.batch)
                self.assertEqual(self.pq.idx("undo", "-y", str(answer.batch)).status, 0)
                self.assertEqual(self.held(), set())
        self.assertEqual(self.postfix.ids(), self.all)

    def test_window_and_cap(self):
        """Mail outside the window stays, and no more than the cap is held: the oldest."""
        now = time.time()
        self.assertEqual(self.daemon(hold("domain", "example.com", now - 7200, now - 3600)).done, 0)
        self.assertEqual(self.daemon(hold("domain", "example.com", most=2)).done, 2)
        self.assertEqual(len(self.held()), 2)
        self.assertLess(self.held(), self.bad)

    def test_nothing_else(self):
        """Every other order of the daemon's account is refused or invalid; the queue stays as it is, on both
        sockets."""
        wide = time.time() + 60
        orders = [verb(*words) for words in (
            ("purge", "-y", BAD), ("hold", BAD), ("release", "--all", "-y"), ("list",), ("block", BAD), ("unblock", BAD),
            ("undo", "1"), ("status",), ("sync",), ("setup", "-y"), ("order", "--listen"), ("log",))]
        orders += [door.FLEET_ORDER, bytes((1, 0)), bytes((1, 5)), bytes((2, 1)), b"", b"\0" * 40, b"{\"verb\":\"purge\"}"]
        orders += [hold("sender", value) for value in ("/./", "/.*/i", "<>", "example.com", ".example.com", "A@example.com")]
        orders += [hold("login", value) for value in ("/./", "@good.test", "", "joe\n")]
        orders += [hold("domain", value) for value in (".example.com", "/./", "EXAMPLE.com", "a@example.com", "*", "")]
        orders += [hold("client", value) for value in ("good.test", "198.51.100.7/24", "/./", "")]
        orders += [hold("domain", BAD, wide - door.DAY - 1, wide), hold("domain", BAD, wide, wide - 1),
                   hold("client", "0.0.0.0/0"), hold("client", "198.51.0.0/16"), hold("client", "::/0"),
                   hold("domain", BAD, most=0), hold("domain", BAD, most=2 ** 32 - 1), hold("domain", BAD, token="a b"),
                   hold("domain", BAD, code=0), hold("domain", BAD, code=6), hold("domain", BAD) + b"\0",
                   hold("domain", BAD)[:-1]]
        for order in orders:
            with self.subTest(order=order):
                answer = self.daemon(order)
                self.assertNotEqual(answer.status, 0, answer)
                self.assertTrue(answer.words)
                self.assertEqual(answer.out + answer.err, b"")
        self.assertRaises(PermissionError, self.door.send, "operator", verb("list"), USER)
        os.chmod(self.door.path("operator"), 0o666)
        self.assertIn("may not", self.door.send("operator", verb("list"), USER, [OPERATORS]).words)
        self.assertEqual(self.postfix.ids(), self.all)
        self.assertEqual(self.held(), set())
        refused = [line for line in self.pq.idx("log", "--json").lines if line["state"] == "refused"]
        self.assertEqual([line["verb"] for line in refused], [
            "purge", "hold", "release", "list", "block", "unblock", "undo", "status", "sync", "setup", "order", "log", "fleet",
            "list"])
        self.assertEqual({line["user"] for line in refused}, {USER})

    def test_its_own_configuration(self):
        """Root's configuration names the daemon's user: another user's frames are refused."""
        os.chmod(self.door.path("daemon"), 0o666)
        answer = self.door.send("daemon", hold("domain", BAD), STRANGER)
        self.assertEqual(answer.status, 1, answer)
        self.assertEqual(self.held(), set())
        self.assertEqual((self.last()["user"], self.last()["state"]), (STRANGER, "refused"))


class Operators(DoorCase):
    """Members of operator_group run the verbs of operator_allow with the ordinary command."""

    def setUp(self):
        super().setUp()
        self.bad = set(self.send_many("a@example.com", 3))
        self.good = set(self.send_many("b@good.test", 2))
        self.postfix.settled(5)

    def test_holds_and_releases(self):
        result = self.member("hold", "--reason", "helpdesk 12", BAD)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.held(), self.bad)
        batch = self.last()
        self.assertEqual((batch["user"], batch["verb"], batch["done"], batch["reason"]), (MEMBER, "hold", 3, "helpdesk 12"))
        self.assertNotEqual(batch["uid"], 0)
        result = self.member("release", "--json", BAD)
        self.assertEqual((result.status, result.summary["released"]), (0, 3), result)
        self.assertEqual(self.held(), set())

    def test_question(self):
        """On a terminal a member sees the effect, and is asked; a no touches nothing."""
        for answer, status, held in (("n", 3, set()), ("y", 0, self.bad)):
            terminal = Terminal(["/usr/bin/setpriv", f"--reuid={MEMBER}", f"--regid={MEMBER}", f"--groups={OPERATORS}",
                                 *self.pq.words("hold", BAD)])
            terminal.read_until("Hold what was shown?")
            self.assertRegex(terminal.text, r"\b3 messages\b")
            self.assertEqual(self.held(), set())
            self.assertEqual(terminal.answer(answer), status, terminal.text)
            self.assertEqual(self.held(), held)

    def test_terminal(self):
        """On a terminal the output is a terminal's, a table; on a pipe a pipe's."""
        terminal = Terminal(["/usr/bin/setpriv", f"--reuid={MEMBER}", f"--regid={MEMBER}", f"--groups={OPERATORS}",
                             *self.pq.words("top")])
        self.assertEqual(terminal.answer(""), 0, terminal.text)
        self.assertIn("example.com", terminal.text)
        self.assertNotIn("\t", terminal.text)
        self.assertIn("\t", self.member("top").out)

    def test_looks(self):
        self.assertEqual(set(self.member("list", "--json", BAD).messages), self.bad)
        self.assertIn("example.com", self.member("top").out)
        self.assertEqual(self.member("why").status, 0)

    @staticmethod
    def with_a_place(call):
        """A refused order keeps its place for a second, and a member has few places."""
        answers = []

        def tried():
            answers.append(call())
            return "are under way" not in f"{answers[-1]}"
        until(tried, "a place", 60)
        return answers[-1]

    def test_refused(self):
        """Verbs that are not listed and options that name files are refused, and the queue stays."""
        ids = self.postfix.ids()
        for words in (("purge", "-y", BAD), ("block", BAD), ("unblock", BAD), ("undo", "1"), ("sync",), ("setup", "-y"),
                      ("order", "--listen"), ("hold", "/./"), ("list", "--sender=/./"), ("hold", "--id", "-"),
                      ("hold", "--subject", "/./"), ("list", "--why=/./"), ("hold", "-y", "--login", "/./"),
                      ("purge", "--save", "/tmp/x", BAD)):
            with self.subTest(words=words):
                result = self.with_a_place(lambda words=words: self.member(*words))
                self.assertEqual(result.status, 1, result)
                self.assertRegex(result.err, "may not|only root may use|must be run by root")
        self.assertEqual(self.postfix.ids(), ids)
        self.assertEqual(self.held(), set())
        self.assertFalse(os.path.exists("/tmp/x"))
        refused = self.last("refused")
        self.assertEqual((refused["user"], refused["verb"]), (MEMBER, "purge"))
        self.assertIn("--save", refused["command"])

    def test_raw_words(self):
        """A client that makes its own frames does not get past root's parser either."""
        for words in (("hold", "-c/tmp/x", BAD), ("hold", "--config=/tmp/x", BAD), ("list", "--save=/tmp/x"),
                      ("top", "--watch"), ("hold", "--sender", "/./"), ("list", "--login=/./"), ("complete", "domains")):
            answer = self.with_a_place(lambda words=words: self.door.send("operator", verb(*words), MEMBER, [OPERATORS]))
            self.assertEqual(answer.status, 1, (words, answer))
        answer = self.with_a_place(lambda: self.door.send("operator", verb("hold", "--help"), MEMBER, [OPERATORS]))
        self.assertIn(b"usage", answer.out)
        self.assertEqual(self.held(), set())

    def test_status(self):
        """If the configuration needs a door that is missing, or whose process died, status names it and the command to
        type."""
        self.assertNotIn("root gets no orders of", self.pq.idx("status").out)
        for end in self.door.process.kill, self.door.close:
            end()
            self.door.process and self.door.process.wait(60)
            result = self.pq.idx("status")
            self.assertEqual(result.status, 2, result)
            self.assertIn("root gets no orders of the members of operator_group", result.out)
            self.assertIn("order --listen", result.out)
            self.door.open()

    def test_strangers(self):
        """Not a member: the socket does not let others in, and if it did, root would refuse."""
        result = self.pq.idx("list", **identity(STRANGER))
        self.assertEqual(result.status, 1)
        self.assertIn("must be run by root", result.err)
        os.chmod(self.door.path("operator"), 0o666)
        for words in (("list",), ("hold", BAD), ("purge", "-y", BAD)):
            result = self.pq.idx(*words, **identity(STRANGER))
            self.assertEqual(result.status, 1, result)
            self.assertIn("may not", result.err)
        self.assertEqual(self.held(), set())
        self.assertEqual((self.last()["user"], self.last()["verb"], self.last()["state"]), (STRANGER, "purge", "refused"))

    def test_not_roots_door(self):
        """A listener that does not belong to root gets no order."""
        self.door.close()
        nobody = pwd.getpwnam(USER)
        place = os.path.join(self.pq.home, "fake")
        os.mkdir(place)
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
        with socket.socket(socket.AF_UNIX) as fake:
            os.seteuid(nobody.pw_uid)
            try:
                fake.bind(os.path.join(place, "fake.sock"))
                fake.listen(1)
            finally:
                os.seteuid(0)
            os.chmod(os.path.join(place, "fake.sock"), 0o666)
            os.rename(os.path.join(place, "fake.sock"), self.door.path("operator"))
            result = self.member("list")
        self.assertEqual(result.status, 2, result)
        self.assertIn("not belong to root", result.err)


class Allowed(DoorCase):
    """operator_allow gives more: purge, expressions, rules."""

    settings = {"operator_group": OPERATORS, "operator_allow": "purge, hold undo block retry regex"}

    def test_undo_of_what_stands(self):
        """With nothing to release, the order still ends, after a yes."""
        for words in ("purge", "none.test"), ("hold", "--sender", "none.test"):
            self.assertEqual(self.pq.idx(*words, "-y", "--for", "10m").status, 0)
            number = self.last()["batch"]
            for answer, status, state in ("n", 3, "standing"), ("y", 0, "done"):
                terminal = Terminal(["/usr/bin/setpriv", f"--reuid={MEMBER}", f"--regid={MEMBER}", f"--groups={OPERATORS}",
                                     *self.pq.words("undo", str(number))])
                terminal.read_until("Undo what was shown?")
                self.assertIn(f"Order {number} of root", terminal.text)
                self.assertEqual(terminal.answer(answer), status, terminal.text)
                states = {line["batch"]: line["state"] for line in self.pq.idx("log", "--json").lines}
                self.assertEqual(states[number], state)

    def test_purge(self):
        bad = set(self.send_many("a@example.com", 3))
        good = set(self.send_many("b@good.test", 2))
        self.postfix.settled(5)
        result = self.member("purge", "-y", "--json", "--block=1h", "/@example\\.com$/")
        self.assertEqual((result.status, result.summary["deleted"]), (0, len(bad)), result)
        self.assertEqual(self.postfix.ids(), good)
        self.assertIn("example", self.pq.idx("rules").out)
        self.assertEqual(self.member("list").status, 1)

    def test_what_will_fail(self):
        """A match that cannot be acted on does not keep the others from it."""
        held, _ = self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        self.postfix.postsuper("-h", "-", ids=[held])
        terminal = Terminal(["/usr/bin/setpriv", f"--reuid={MEMBER}", f"--regid={MEMBER}", f"--groups={OPERATORS}",
                             *self.pq.words("retry", BAD)])
        terminal.read_until("Retry what was shown?")
        self.assertEqual(terminal.answer("y"), 2, terminal.text)
        batch = self.last()
        self.assertEqual((batch["verb"], batch["done"], batch["failed"]), ("retry", 1, 1), batch)

    def test_expressions(self):
        """Subjects, reasons and logins are selected by expressions, which `regex` allows."""
        ours = self.send("a@example.com", text=content(subject="Win a prize"), LOGIN="joe@web.test")
        other = self.send("a@example.com", text=content(subject="Minutes"), LOGIN="ann@good.test")
        self.postfix.settled(2)
        until(lambda: all("delay_reason" in r for e in self.postfix.queue() for r in e["recipients"]), "reasons")
        for words in (["--subject", "/^win/i"], ["--login=/@web/"], ["--login", "@web.test"], ["--why", "/deferred|./", "--subject=/prize/"]):
            result = self.member("purge", "-n", "--json", *words)
            self.assertEqual((result.status, result.with_result("would-delete")), (0, {ours}), result)
        result = self.member("hold", "-y", "--json", "--why", "/./", "--subject", "/Minutes/")
        self.assertEqual((result.status, self.held()), (0, {other}), result)


class Floods(DoorCase):
    """The effect of strangers on the door itself is bounded."""

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(self.door.path("operator"))
        self.addCleanup(s.close)
        return s

    def test_slow_frames(self):
        """A frame that is not complete after two seconds is dropped, however it drips."""
        began = time.monotonic()
        client = self.connect()
        client.sendall(struct.pack("<I", 100) + b"\1")
        with client.makefile("rb") as answer:
            self.assertIn(b"no order came", answer.read())
        self.assertLess(time.monotonic() - began, 20)

    def test_huge_frames(self):
        for size in (door.FRAME_MAX + 1, 2 ** 32 - 1):
            answer = self.door.send("operator", struct.pack("<I", size) + b"x" * 100000, "root", raw=True)
            self.assertEqual(answer.status, 2, answer)

    def test_many_connections(self):
        """At most sixteen processes run and the others wait; orders get through again once the silent ones are
        dropped."""
        silent = [self.connect() for _ in range(40)]
        until(lambda: len(self.door.children()) >= 16, "the door to be full")
        self.assertEqual(len(self.door.children()), 16)
        for s in silent:
            s.close()
        self.assertEqual(self.member("list").status, 0)

    def test_one_door_is_not_the_other(self):
        """Operators cannot shut the daemon out."""
        for _ in range(30):
            self.connect()
        self.assertEqual(self.daemon(hold("domain", BAD)).status, 0)

    def test_stopped(self):
        """SIGTERM removes the sockets and ends the listener."""
        self.door.process.terminate()
        self.assertEqual(self.door.process.wait(60), 0)
        self.assertFalse(os.path.exists(self.door.path("operator")))
        self.assertEqual(self.pq.idx("list", **identity(MEMBER, [OPERATORS])).status, 1)


class Hook(DoorCase):
    """flood_hook runs as hook_user, with the daemon's words as JSON and in its environment, and with nothing else of
    ours."""

    script = """#!/bin/sh
exec >>{out} 2>&1
echo "event=$1"
id -u
id -G
env
cat
echo
ls -l /proc/self/fd | wc -l
"""

    def setUp(self):
        RigCase.setUp(self)
        self.out = os.path.join(self.pq.home, "hook.out")
        self.hook = os.path.join(self.pq.home, "hook")
        self.write_hook(self.script.format(out=self.out))
        open(self.out, "w", encoding="ascii").close()
        os.chmod(self.out, 0o666)
        self.pq.settings.update(flood_hook=self.hook, hook_user=STRANGER)
        self.pq.write_conf()
        self.door = Door(self.pq).open()
        self.addCleanup(self.door.close)

    def write_hook(self, text):
        with open(self.hook, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.hook, 0o755)

    def run_hook(self, event=door.BEGIN, **fields):
        return self.daemon(door.hook(event, **fields))

    def said(self):
        with open(self.out, encoding="utf-8") as file:
            return file.read()

    def test_runs(self):
        answer = self.run_hook(door.UPDATE, id=12, key="login:joe; rm -rf /", clients=["192.0.2.1", "192.0.2.2"])
        self.assertEqual(answer.status, 0, answer)
        lines = self.said().splitlines()
        self.assertEqual(lines[0], "event=update")
        self.assertEqual(lines[1], str(pwd.getpwnam(STRANGER).pw_uid))
        self.assertNotIn("0", lines[2].split())
        variables = {line.partition("=")[0] for line in lines[3:] if "=" in line and not line.startswith("{")}
        self.assertEqual(variables - {"PWD", "SHLVL", "_", "OLDPWD"},
                         {"PATH", "LANG", "PQPURGE_FLOOD_ID", "PQPURGE_FLOOD_KEY", "PQPURGE_FLOOD_CLIENTS"})
        self.assertIn("PQPURGE_FLOOD_CLIENTS=192.0.2.1 192.0.2.2", lines)
        told = json.loads(next(line for line in lines if line.startswith("{")))
        self.assertEqual(told, {"id": 12, "key": "login:joe; rm -rf /", "clients": ["192.0.2.1", "192.0.2.2"]})
        self.assertLessEqual(int(lines[-1]), 6)  # 0, 1, 2, the directory itself, and "total"

    def test_fails(self):
        self.write_hook("#!/bin/sh\necho no mail today >&2\nexit 3\n")
        answer = self.run_hook()
        self.assertEqual(answer.status, 2, answer)
        self.assertIn("no mail today", answer.words)

    def test_nobody_elses_program(self):
        """A program that others may write is not run, and a hostile field changes nothing."""
        os.chmod(self.hook, 0o777)
        self.assertIn("must belong to root", self.run_hook().words)
        os.chmod(self.hook, 0o755)
        os.chown(self.hook, pwd.getpwnam(USER).pw_uid, -1)
        self.assertIn("must belong to root", self.run_hook().words)
        os.chown(self.hook, 0, 0)
        for fields in ({"LD_PRELOAD": "/tmp/x"}, {"key": "a\nb"}, {"a b": "c"}, {"": "c"}):
            self.assertNotEqual(self.run_hook(**fields).status, 0, fields)
        self.assertEqual(self.said(), "")

    def test_not_root(self):
        """With such a setting nothing runs: not the hook, behind a door that was open already, and not the door."""
        self.pq.settings["hook_user"] = "root"
        self.pq.write_conf()
        self.assertIsNone(self.run_hook().status)
        self.door.close()
        self.assertRaisesRegex(RuntimeError, "hook_user must not be root", self.door.open)
        self.door.close()
        self.assertEqual(self.said(), "")


class Held(DoorCase):
    held_kinds = ("login",)

    def test_root_says_which(self):
        """Unless the configuration says `held`, the daemon's account holds nothing."""
        self.send_many("a@example.com", 2)
        self.assertIn("this is not held", self.daemon(hold("domain", BAD)).words)
        self.assertEqual(self.held(), set())
        self.assertEqual(self.daemon(hold("login", "joe")).status, 0)


class NoActing(DoorCase):
    settings = {"flood_watch": "warn"}

    def test_root_says_whether(self):
        """Without flood_watch = act the daemon's account causes nothing, whatever it sends."""
        self.send_many("a@example.com", 2)
        self.assertIn("flood_watch is not 'act'", self.daemon(hold("domain", BAD)).words)
        self.assertIn("no flood_hook", self.daemon(door.hook(door.BEGIN, id=1)).words)
        self.assertEqual(self.held(), set())
