# SPDX-License-Identifier: ISC
"""The command's children run as other users, who may stop them and hold locks for ever. Still, ^C and SIGTERM always end
the command, and every wait has a deadline."""
import os
import signal
import subprocess
import sys

from case import BAD, RigCase, side_by_side
from pqpurge import USER, preload
from process import descendants, has_ended, is_stopped
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


def stopped_below(pid):
    return list(filter(is_stopped, descendants(pid)))


class ChildCase(RigCase):
    """The shim stops the command's children once they have become other users: from the first one on, then from the second
    one on, and so on, until the command has no more of them."""
    settings = {"postsuper_jobs": 1}
    COUNT = 20
    # A shell without job control starts '&' jobs like this.
    IGNORING = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
    # Seconds until the end. Usually it comes at once, but in an acting verb postsuper may finish its chunk (10 s), and
    # the account's writer its line (3 s).
    LOOKS, ACTS = 20, 40

    def setUp(self):
        super().setUp()
        self.send_many("a@example.com", self.COUNT)
        self.postfix.settled(self.COUNT)

    def start_and_stop(self, first, *args, prefix=()):
        """A command and its stopped children; none if it ends with fewer than first of them."""
        command = self.pq.idx_start(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, prefix=prefix,
                                    env={**os.environ, **preload("child", PQPURGE_STOP_CHILD=str(first))})
        self.addCleanup(lambda: command.poll() is None and command.kill())
        until(lambda: command.poll() is not None or stopped_below(command.pid), f"a stopped child of {args}")
        return command, stopped_below(command.pid)

    def each_ends(self, number, *args, seconds=LOOKS, prefix=()):
        """For each of its children, stopped in turn."""
        first = 1
        while self.ends(number, first, *args, seconds=seconds, prefix=prefix):
            first += 1
        self.assertGreater(first, 1, f"no child of {args} was stopped")

    def ends(self, number, first, *args, seconds, prefix):
        """False: it has fewer than first children."""
        command, stopped = self.start_and_stop(first, *args, prefix=prefix)
        if not stopped:
            self.assertIn(command.wait(60), (0, 2), args)
            return False
        command.send_signal(number)
        until(lambda: command.poll() is not None, f"the end of {args}, child {first}, after signal {number}", seconds)
        # If its work in the queue was done, it may have succeeded: only the index's last row was missing.
        self.assertIn(command.returncode, (0, 1, 2, 3, -number) if self.is_done(args[0]) else (1, 2, 3, -number), args)
        for child in stopped:
            self.assertTrue(self.is_dead(child), "a stopped child outlives its parent")
        for child in stopped:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return True

    def is_done(self, verb):
        """Whether it has nothing left to do."""
        places = {queue_id: self.postfix.find(queue_id) for queue_id in self.postfix.ids()}
        held = {queue_id for queue_id, path in places.items() if path and "/hold/" in path}
        return {"purge": not places, "hold": held == set(places), "release": not held}.get(verb, False)

    @staticmethod
    def is_dead(pid):
        """Gone, or a zombie that init will reap, or about to be killed."""
        try:
            return until(lambda: has_ended(pid), "its end")
        except TimeoutError:
            return False


class Stopped(ChildCase):
    def looking_ends(self, number, prefix=()):
        """Each verb that touches no mail."""
        some = min(self.postfix.ids())
        side_by_side(lambda args: self.each_ends(number, *args, prefix=prefix),
                     [("list", BAD), ("sync",), ("top",), ("why",), ("show", some), ("status",), ("rules",), ("log",),
                      ("floods",), ("report", BAD), ("purge", "-n", BAD)])

    def acting_ends(self, number, *args):
        self.each_ends(number, *args, seconds=self.ACTS)

    def test_interrupt(self):
        self.looking_ends(signal.SIGINT)

    def test_terminate(self):
        self.looking_ends(signal.SIGTERM)

    def test_interrupt_that_was_ignored(self):
        self.looking_ends(signal.SIGINT, self.IGNORING)

    def test_block(self):
        self.acting_ends(signal.SIGINT, "block", "-y", BAD)
        self.acting_ends(signal.SIGTERM, "unblock", "-y", BAD)

    def test_purge(self):
        self.acting_ends(signal.SIGINT, "purge", "-y", BAD)

    def test_hold_and_release(self):
        self.acting_ends(signal.SIGTERM, "hold", "-y", BAD)
        self.acting_ends(signal.SIGINT, "release", "-y", BAD)

    def test_retry(self):
        self.acting_ends(signal.SIGINT, "retry", "-y", BAD)


class Locked(RigCase):
    """A process of the daemon's user holds every lock, and is stopped."""

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

    def test_index(self):
        """The index's lock: the queue answers, and the command says so."""
        ours, other = self.fill()
        self.pq.kill9()
        self.lock(os.path.join(self.pq.index, "lock"))
        listed = self.in_time("list", "--json")
        self.assertEqual((listed.status, set(listed.messages)), (0, ours | {other}), listed)
        result = self.in_time("purge", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("deleted"), self.postfix.ids()), (0, ours, {other}), result)
        self.assertTrue(result.err.strip(), "it says why it is slower")

    def test_state(self):
        """All files of the state: mail is deleted all the same, and unwritten files are reported."""
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
            until(lambda c=command: c.poll() is not None, "its end", 20)
