# SPDX-License-Identifier: ISC
"""Whatever the command does, and however it is stopped, mail does not wait and the index does not grow."""
import fcntl
import os
import shutil
import struct
import subprocess
import termios
import time

from case import BAD, RigCase
from pqpurge import preload
from process import descendants, is_stopped, kill_all
from rig import until

PIPE_SIZE = 4096


class StoppedCommand(RigCase):
    """However the command is stopped, mail goes on at full speed, everything is recorded, and the index does not
    grow."""

    def setUp(self):
        super().setUp()
        self.sent = self.queue_many("a@example.com", 300)
        self.usual = min(self.churn(), self.churn())
        self.bytes = self.pq.index_bytes()

    def churn(self):
        """Mail that comes and goes, so that the index is rewritten; returns the seconds that the arrivals took."""
        began = time.monotonic()
        ids = self.send_many("a@good.test", 50)
        took = time.monotonic() - began
        self.postfix.settled()
        self.postfix.postsuper("-d", "-", ids=ids)
        return took

    def assert_mail_flows(self, what, grows=False):
        took = self.churn()
        self.assertLess(took, 3 * self.usual + 10, f"{what}: mail is slow")
        if not grows:
            self.assertLess(self.pq.index_bytes() - self.bytes, 1 << 20, f"{what}: the index grows")

    def assert_nothing_lost(self):
        new = set(self.send_many("b@good.test", 5))
        self.postfix.settled()
        self.assertEqual(set(self.pq.listed("--sender", "b@good.test")), new)
        self.assertEqual(set(self.pq.listed(BAD)), self.sent)

    def assert_others_are_served(self, what):
        result = self.pq.idx("block", "-y", "--for", "1s", "other.test", timeout=20)
        self.assertEqual(result.status, 0, f"another command waits: {what}: {result}")

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

    # ---- stopped at a system call

    def stop_at(self, point, *args):
        """Starts the command under strace, which stops each of its processes at point: "CALLS:when=N", and the
        files."""
        calls, paths = point
        trace = os.path.join(self.pq.home, "trace")
        open(trace, "w", encoding="ascii").close()
        words = [word for path in paths for word in ("-P", os.path.join(self.pq.index, path))]
        inject = "inject=" + calls.replace(":", ":signal=SIGSTOP:")
        child = self.pq.idx_start(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  prefix=(shutil.which("strace"), "-f", "-qq", "-o", trace, *words, "-e", inject))
        self.addCleanup(kill_all, child)

        def has_stopped():
            with open(trace, encoding="utf-8", errors="replace") as file:
                return "--- stopped by SIGSTOP ---" in file.read()
        until(lambda: child.poll() is not None or has_stopped(), f"{args} stopped at {point}")
        return child

    def stop_everywhere(self, args, points):
        stopped = 0
        for point in points:
            child = self.stop_at(point, *args)
            if child.poll() is None:
                stopped += 1
                self.assert_mail_flows(f"{args} stopped at {point}")
                self.assert_others_are_served(f"{args} stopped at {point}")
            kill_all(child)
        self.assertGreater(stopped, len(points) / 2, f"{args} ends before most of {points}")
        self.assert_nothing_lost()

    def test_stopped_while_it_asks(self):
        """At the control socket, for a selection, names, an update; no snapshot of the index is held for it."""
        points = ("connect:when=1", "sendmsg:when=1", "recvmsg:when=1", "recvmsg:when=2")  # the last one only for an answer in two parts
        self.stop_everywhere(("list", "--json", BAD), [(point, ()) for point in points])

    def test_stopped_while_it_orders(self):
        self.stop_everywhere(("block", "-y", "x.test"), [(f"{call}:when=1", ()) for call in ("connect", "sendmsg", "recvmsg")])

    def test_stopped_anywhere(self):
        """While it loads, waits for its children, and writes."""
        self.stop_everywhere(("purge", "-n", BAD), [(f"all:when={n}", ()) for n in (20, 170, 200, 230, 260, 290)])

    # ---- stopped with the index in its hands

    def test_stopped_in_its_transaction(self):
        """The worst place: no daemon runs, and the command owns the index. A starting daemon does not wait for it
        for ever."""
        self.pq.stop()
        environment = {**os.environ, **preload("stop", PQPURGE_STOP_AT="100")}
        child = self.pq.idx_start("list", "--json", BAD, stdout=subprocess.DEVNULL, env=environment)
        self.addCleanup(kill_all, child)
        until(lambda: any(map(is_stopped, descendants(child.pid))), "the reader stopped")
        began = time.monotonic()
        self.pq.start()
        self.assertLess(time.monotonic() - began, 20, "READY waits for the command")
        for _ in range(3):
            self.assert_mail_flows("reader stopped in its transaction")
        self.assert_others_are_served("reader stopped in its transaction")
        self.assertEqual(set(self.pq.listed(BAD)), self.sent, "the queue answers meanwhile")
        kill_all(child)
        until(lambda: self.send("c@good.test") in self.pq.idx("list", "--json", "--index-only").out, "recording again")
        self.assert_nothing_lost()
