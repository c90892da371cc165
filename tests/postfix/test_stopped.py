# SPDX-License-Identifier: ISC
"""Nothing the command does, and no way in which it can be stopped, makes mail wait or the index grow."""
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import termios
import time

from case import BAD, RigCase
from rig import until

PIPE_SIZE = 4096


def descendants(pid):
    """pid and all processes below it."""
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task") if os.path.exists(f"/proc/{pid}/task") else ():
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                children = file.read().split()
        except FileNotFoundError:
            continue
        for child in children:
            found += descendants(int(child))
    return found


def kill_all(child):
    """Ends a command of ours and its children, stopped or not."""
    for pid in descendants(child.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    child.wait(30)


class StoppedCommand(RigCase):
    """However the command is stopped, mail goes on at full speed, everything is recorded, and the index does not grow for it."""

    def setUp(self):
        super().setUp()
        self.sent = set(self.send_many("a@example.com", 300))
        self.postfix.settled(300)
        self.usual = min(self.churn(), self.churn())
        self.bytes = self.pq.index_bytes()

    def timed(self, count, sender="a@good.test"):
        """Seconds that count messages took on one connection."""
        began = time.monotonic()
        self.send_many(sender, count)
        return time.monotonic() - began

    def churn(self):
        """Mail that comes and goes, so that the index is rewritten; seconds it took."""
        took = self.timed(100)
        self.postfix.settled()
        self.postfix.postsuper("-d", "-", ids=[i for i, file in self.postfix.read().items() if file.sender == "a@good.test"])
        return took

    def assert_mail_flows(self, what):
        took = self.churn()
        self.assertLess(took, 3 * self.usual + 0.5, f"{what}: mail is slow")
        self.assertLess(self.pq.index_bytes() - self.bytes, 1 << 20, f"{what}: the index grows")

    def assert_nothing_lost(self):
        new = set(self.send_many("b@good.test", 5))
        self.postfix.settled()
        self.assertEqual(set(self.pq.listed("--sender", "b@good.test")), new)
        self.assertEqual(set(self.pq.listed(BAD)), self.sent)

    def test_output_held_by_a_full_pipe(self):
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        child = self.pq.idx_start("list", "--json", BAD, stdout=writing)
        os.close(writing)

        def is_full():
            answer = fcntl.ioctl(reading, termios.FIONREAD, struct.pack("i", 0))
            return struct.unpack("i", answer)[0] > PIPE_SIZE - 1024
        until(is_full, "a full pipe")
        for _ in range(3):
            self.assert_mail_flows("output held")
        with open(reading, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual((child.wait(30), len(lines)), (0, 300))
        self.assert_nothing_lost()

    def stop_at(self, number, *args):
        """Starts the command so that each of its processes stops itself at its system call with this number."""
        trace = os.path.join(self.pq.home, "trace")
        open(trace, "w", encoding="ascii").close()
        child = self.pq.idx_start(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, prefix=(
            shutil.which("strace"), "-f", "-qq", "-o", trace, "-e", f"inject=all:signal=SIGSTOP:when={number}"))
        self.addCleanup(kill_all, child)

        def has_stopped():
            with open(trace, encoding="utf-8", errors="replace") as file:
                return "--- stopped by SIGSTOP ---" in file.read()
        until(lambda: child.poll() is not None or has_stopped(), f"{args} stopped at {number}")
        return child

    def stop_everywhere(self, args, numbers):
        stopped = 0
        for number in numbers:
            child = self.stop_at(number, *args)
            if child.poll() is None:
                stopped += 1
                self.assert_mail_flows(f"{args} stopped at call {number}")
                self.assertEqual(self.pq.idx("block", "-y", "--for", "1s", "other.test", timeout=20).status, 0,
                                 f"another command waits for {args} stopped at call {number}")
            kill_all(child)
        self.assertGreater(stopped, len(numbers) // 2, "the command ended before it could be stopped: choose other numbers")
        self.assert_nothing_lost()

    def test_list_stopped(self):
        self.stop_everywhere(("list", "--json", BAD), (8, 30, 50, 70, 85, 100, 120, 150, 200))

    def test_block_stopped(self):
        self.stop_everywhere(("block", "-y", "x.test"), (8, 40, 70, 85, 100, 110, 120))

    def test_purge_stopped(self):
        self.stop_everywhere(("purge", "-n", BAD), (20, 60, 90, 110, 130, 180))
