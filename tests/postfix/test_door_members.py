# SPDX-License-Identifier: ISC
"""Members of operator_group at the door: the verb does what they were shown, ^C reaches it, and no member fills the
door."""
import os
import pwd
import signal
import socket
import struct
import subprocess
import sys

from case import BAD
from door import MEMBER, OPERATORS, SILENT, STRANGER, identity
from pqpurge import USER, preload
from process import descendants, is_stopped
from rig import HERE, until
from test_door import DoorCase
from terminal import Terminal


class Shown(DoorCase):
    """A captured daemon that names another sender once its first answer was shown."""

    settings = {**DoorCase.settings, "operator_allow": "list hold release floods"}

    def setUp(self):
        super().setUp()
        self.joe = {self.send("a@example.com", LOGIN="joe", ADDR="198.51.100.7") for _ in range(2)}
        self.jim = {self.send("b@example.com", LOGIN="jim", ADDR="198.51.100.7") for _ in range(3)}
        self.postfix.settled(5)
        self.pq.kill9()
        hostile = subprocess.Popen([sys.executable, os.path.join(HERE, "hostile.py"), USER, self.pq.index, "two_faces"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(hostile.stdout.close)
        self.addCleanup(hostile.wait)
        self.addCleanup(hostile.kill)
        self.postfix.guarded("+", hostile.pid)
        self.assertEqual(hostile.stdout.readline(), b"ready\n")

    def ask(self, *words, question, prefix=("/usr/bin/setpriv", f"--reuid={MEMBER}", f"--regid={MEMBER}", f"--groups={OPERATORS}")):
        terminal = Terminal([*prefix, *self.pq.words(*words)])
        terminal.read_until(question)
        self.assertEqual(terminal.answer("y"), 0, terminal.text)
        return terminal.text

    def test_member(self):
        text = self.ask("hold", "--flood", "1", question="Hold what was shown?")
        self.assertRegex(text, r"\b2 messages\b")
        self.assertEqual(self.held(), self.joe)
        self.assertIn("login:1:0:joe", self.last()["command"])

    def test_root(self):
        self.ask("hold", "--flood", "1", question="Hold these 2 messages?", prefix=("/usr/bin/env",))
        self.assertEqual(self.held(), self.joe)

    def test_normal(self):
        """floods --normal releases the mail that was looked up before, and shows it."""
        self.postfix.postsuper("-h", "-", ids=self.joe | self.jim)
        self.ask("floods", "--normal", "1", question="Release", prefix=("/usr/bin/env",))
        self.assertEqual(self.held(), self.jim | self.joe, "nothing of this was held by us")


class Interrupted(DoorCase):
    def test_reaches_the_verb(self):
        """^C at the member's side ends the verb that root runs, which reports its results; nothing was held."""
        self.pq.stop()
        ids = set(self.send_many("a@example.com", 3))  # past the index: they must be read
        self.postfix.settled(3)
        self.pq.start()
        self.door.close()
        self.door.open(preload("stop", PQPURGE_STOP_USER=str(pwd.getpwnam("postfix").pw_uid)))
        member = self.pq.idx_start("hold", BAD, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **identity(MEMBER, [OPERATORS]))
        self.addCleanup(member.stdout.close)
        self.addCleanup(member.stderr.close)
        until(lambda: any(is_stopped(pid) for pid in descendants(self.door.process.pid)), "a reader to be stopped")
        member.send_signal(signal.SIGINT)
        out, err = member.communicate(timeout=60)
        self.assertEqual(member.returncode, 3, out + err)
        until(lambda: not self.door.children(), "the end of the verb")
        self.assertEqual(self.held(), set())
        self.assertEqual(self.postfix.ids(), ids)


class Places(DoorCase):
    def silent(self, count, user):
        child = subprocess.Popen(["/usr/bin/python3", "-c", SILENT, self.door.path("operator"), str(count)], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, **identity(user, [OPERATORS]))
        self.addCleanup(child.wait)
        self.addCleanup(child.stdout.close)
        self.assertEqual(child.stdout.readline(), b"connected\n")
        return child

    def test_each_has_some(self):
        """One member gets a few places at most: their further orders are refused at once, and others get through."""
        child = self.silent(30, MEMBER)
        self.assertEqual(self.pq.idx("list", **identity(STRANGER, [OPERATORS])).status, 0)
        answers = [child.stdout.readline() for _ in range(30)]
        crowded = [answer for answer in answers if b"orders of yours are under way" in answer]
        # How many get a place after others gave theirs up depends on speed.
        self.assertGreaterEqual(len(crowded), 1, answers)
        self.assertGreaterEqual(sum(b"no order came" in answer for answer in answers), 1, answers)
        self.assertEqual(self.pq.account(), [])
        self.assertEqual(self.member("list").status, 0)

    def test_not_roots_directory(self):
        """Locks are made only in root's own directory, whatever unit hands the connection over."""
        self.door.close()
        os.makedirs(self.door.directory, exist_ok=True)
        os.chmod(self.door.directory, 0o777)
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        with ours, theirs:
            payload = struct.pack("<BBB", 1, 2, 1) + struct.pack("<I", 0)
            ours.sendall(struct.pack("<I", len(payload)) + payload)
            hook = os.path.join(self.pq.home, "hook")
            with open(hook, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n")
            os.chmod(hook, 0o755)
            self.pq.settings["flood_hook"] = hook
            self.pq.write_conf()
            subprocess.run(self.pq.words("order"), stdin=theirs, check=False, timeout=60)
            self.assertIn(b"must belong to root", ours.recv(65536))
        self.assertEqual(os.listdir(self.door.directory), [])
