# SPDX-License-Identifier: ISC
"""Children of the command run as other users, who may stop them, and may hold locks for ever: ^C and SIGTERM always end the
command, and what waits has a deadline."""
import os
import signal
import subprocess
import sys
import threading
import time


from case import BAD, RigCase
from pqpurge import USER
from rig import until

LOCKER = """
import fcntl, os, pwd, signal, sys
user = pwd.getpwnam(sys.argv.pop(1))
os.setgroups([]), os.setgid(user.pw_gid), os.setuid(user.pw_uid)
for path in sys.argv[1:]:
    made = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(made, fcntl.LOCK_EX)
print("locked", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def children(pid):
    """All processes below pid that are not of its user, the nearest first."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            found.append((int(name), parent, os.stat(f"/proc/{name}").st_uid))
        except (FileNotFoundError, ProcessLookupError):
            continue
    below, out = {pid}, []
    for _ in range(4):
        for child, parent, uid in found:
            if parent in below and child not in below:
                below.add(child)
                out.append((child, uid))
    return out


class ChildCase(RigCase):
    settings = {"postsuper_jobs": 1}
    COUNT = 1500

    def setUp(self):
        super().setUp()
        self.postfix.flood("a@example.com", self.COUNT)
        self.postfix.settled(self.COUNT)

    def stop_children(self, command):
        """Stops whatever child of another user the command starts, as that user could, until the command ends."""
        stopped = set()

        def hunt():
            while command.poll() is None:
                for child, uid in children(command.pid):
                    if uid and child not in stopped:
                        try:
                            os.kill(child, signal.SIGSTOP)
                            stopped.add(child)
                        except ProcessLookupError:
                            pass
        threading.Thread(target=hunt).start()
        until(lambda: stopped or command.poll() is not None, "a child to stop")
        return stopped

    def start_and_stop(self, *args):
        """A command with a stopped child, and its stopped children. A child may be too quick; then another try is made."""
        for _ in range(50):
            command = self.pq.idx_start(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(lambda c=command: c.poll() is None and c.kill())
            stopped = self.stop_children(command)
            if stopped and command.poll() is None:
                return command, stopped
        self.fail(f"no child of {args} was there long enough")

    def ends(self, number, *args):
        command, stopped = self.start_and_stop(*args)
        command.send_signal(number)
        # postsuper may end its chunk in order, and the account's writer its line; neither for ever.
        until(lambda: command.poll() is not None, f"the end of {args} after signal {number}", 40)
        self.assertIn(command.returncode, (1, 2, 3, -number), args)
        for child in stopped:
            self.assertFalse(os.path.exists(f"/proc/{child}") and not self.is_dead(child), "a stopped child outlives its parent")
        for child in stopped:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass

    @staticmethod
    def is_dead(pid):
        """Gone, or a zombie that init will fetch, or about to be killed."""
        def gone():
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                    return file.read().rpartition(")")[2].split()[0] in "ZX"
            except FileNotFoundError:
                return True
        try:
            return until(gone, "its end", 5)
        except TimeoutError:
            return False


class Stopped(ChildCase):
    def test_interrupt(self):
        for args in ("list", BAD), ("purge", "-y", BAD), ("sync",), ("top",):
            with self.subTest(args=args):
                self.ends(signal.SIGINT, *args)

    def test_terminate(self):
        for args in ("list", BAD), ("hold", "-y", BAD), ("why",):
            with self.subTest(args=args):
                self.ends(signal.SIGTERM, *args)


class Locked(RigCase):
    """A process of the daemon's user holds each lock there is, and is stopped."""

    def lock(self, *paths):
        locker = subprocess.Popen([sys.executable, "-c", LOCKER, USER, *paths],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(locker.stdout.close)
        self.addCleanup(locker.wait)
        self.addCleanup(locker.kill)
        self.postfix.guarded("+", locker.pid)
        self.assertEqual(locker.stdout.readline(), b"locked\n")

    def fill(self):
        ours, other = set(self.send_many("a@example.com", 5)), self.send("a@good.test")
        self.postfix.settled(6)
        return ours, other

    def in_time(self, *args, seconds=20):
        began = time.monotonic()
        result = self.pq.idx(*args)
        self.assertLess(time.monotonic() - began, seconds, f"{args}: {result}")
        return result

    def test_index(self):
        """The index's lock: the queue answers, and it says so."""
        ours, other = self.fill()
        self.pq.kill9()
        self.lock(os.path.join(self.pq.index, "lock"))
        listed = self.in_time("list", "--json")
        self.assertEqual((listed.status, set(listed.messages)), (0, ours | {other}), listed)
        result = self.in_time("purge", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("deleted"), self.postfix.ids()), (0, ours, {other}), result)
        self.assertTrue(result.err.strip(), "it says why it is slower")

    def test_state(self):
        """All files of the state: mail is deleted all the same, and what could not be written is told."""
        ours, other = self.fill()
        self.pq.kill9()
        self.lock(*(os.path.join(self.pq.state, name) for name in ("lock", "log", "rules", "hits")))
        result = self.in_time("purge", "-y", "--json", BAD)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (ours, {other}), result)
        for args in ("rules",), ("log",), ("status",), ("block", "-y", BAD):
            self.assertIn(self.in_time(*args).status, (0, 1, 2), args)

    def test_state_while_the_daemon_runs(self):
        ours, other = self.fill()
        self.lock(*(os.path.join(self.pq.state, name) for name in ("log", "rules", "hits")))
        result = self.in_time("purge", "-y", "--json", BAD)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (ours, {other}), result)
        self.assertIn(self.in_time("block", "-y", BAD).status, (0, 2))

    def test_interrupt_while_it_waits(self):
        self.fill()
        self.pq.kill9()
        self.lock(os.path.join(self.pq.index, "lock"), *(os.path.join(self.pq.state, n) for n in ("lock", "log")))
        for number in signal.SIGINT, signal.SIGTERM:
            command = self.pq.idx_start("purge", "-y", BAD, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            command.send_signal(number)
            until(lambda c=command: c.poll() is not None, "its end", 10)
