# SPDX-License-Identifier: ISC
"""A step of more than a second shows a line on the terminal, ticks while it waits, and leaves nothing behind. On a real
terminal, with the command's children stopped, so that a step takes as long as the test needs."""
import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import termios

from case import BAD, RigCase
from pqpurge import BUILD
from process import descendants, is_stopped
from rig import until
from terminal import Terminal

SHIM = os.path.join(BUILD, "shim/child.so")
LINE = re.compile(r"\r((?:asking|reading|proving|deleting|holding|releasing|saving|beginning|ending|adding|waiting)[^\r\x1b]*)\x1b\[K")


def screen(text):
    """The lines that a terminal finally shows for the command's output."""
    lines, column = [""], 0
    for part in re.findall(r"\r|\n|\x1b\[K|\x1b\[[0-9;]*m|.", text, re.DOTALL):
        if part == "\r":
            column = 0
        elif part == "\n":
            lines.append("")
            column = 0
        elif part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif not part.startswith("\x1b["):
            lines[-1] = lines[-1][:column].ljust(column) + part + lines[-1][column + 1:]
            column += 1
    return lines


class Stopped(Terminal):
    """The command on a terminal; its children stop, from the first-th one on. out: a descriptor for stdout."""

    def __init__(self, words, first=1, term="xterm", columns=80, out=None):
        prefix = ["/usr/bin/env", f"TERM={term}", "LC_ALL=C.UTF-8", f"LD_PRELOAD={SHIM}", f"PQPURGE_STOP_CHILD={first}"]
        if out is not None:
            os.set_inheritable(out, True)
            prefix = ["/bin/bash", "-c", f'exec "$@" >&{out}', "bash", *prefix]
        super().__init__(prefix + words)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.ended = False

    def read_some(self, seconds=0.05):
        if not self.ended and select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            self.ended = not data
            self.text += data.decode("utf-8", "replace")
        return self.text

    def stopped(self):
        return list(filter(is_stopped, descendants(self.pid)))

    def go_on(self):
        for pid in self.stopped():
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def await_line(self, pattern):
        """False: the command ended without one."""
        until(lambda: self.ended or re.search(pattern, self.read_some()), f"a line like {pattern!r} in {self.text!r}", 60)
        return not self.ended

    def finish(self):
        """Lets all go on; returns the exit status."""
        def over():
            self.go_on()
            self.read_some()
            return self.ended
        until(over, f"the end; so far {self.text!r}", 60)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.master)
        return status


class ProgressCase(RigCase):
    COUNT = 5

    def setUp(self):
        super().setUp()
        self.assertTrue(os.path.exists(SHIM), f"{SHIM} is missing (make programs-for-tests)")
        self.send_many("a@example.com", self.COUNT)
        self.postfix.settled(self.COUNT)
        self.assertEqual(self.pq.idx("sync").status, 0)  # files already read are proven anew

    def open(self, *args, **options):
        return Stopped(self.pq.words(*args), **options)

    def assert_clean(self, text):
        """No line is left, nor the end of one."""
        for line in screen(text):
            self.assertNotRegex(line, r"(asking|reading|proving|ing the account|adding up)", repr(text))


class Lines(ProgressCase):
    def each(self, *args):
        """Stops each child of the command in turn, until there is a line for it. Returns the words of all lines."""
        terminal, shown = self.open(*args), set()
        while True:
            until(lambda: terminal.read_some() is not None and (terminal.ended or terminal.stopped()), f"a child of {args}", 60)
            stopped = terminal.stopped()
            if not stopped:
                break
            seen = len(terminal.text)
            until(lambda: LINE.search(terminal.read_some(), seen) or not set(stopped) & set(terminal.stopped()), f"a line of {args}", 60)
            found = LINE.search(terminal.text, seen)
            self.assertTrue(found, f"{args} waited in silence: {terminal.text!r}")
            shown.add(re.sub(r"[, ]+\d.*", "", found[1]))
            terminal.go_on()
            until(lambda: not set(stopped) & set(terminal.stopped()), "they go on")
        self.assertIn(terminal.finish(), (0, 2), terminal.text)
        self.assert_clean(terminal.text)
        return shown

    def test_looking(self):
        for verb in "list", "why", "top":
            self.assertGreaterEqual(self.each(verb, BAD), {"asking the index", "reading the queue", "proving"}, verb)

    def test_numbers(self):
        shown = self.each("metrics", "-o", os.path.join(self.pq.home, "x.prom"))
        self.assertGreaterEqual(shown, {"asking the daemon and Postfix", "reading the account", "asking the index", "reading the queue", "proving"})

    def test_status(self):
        self.assertEqual(self.each("status"), {"asking the daemon and Postfix"})

    def test_sync_and_log(self):
        self.assertGreaterEqual(self.each("log"), {"reading the account"})
        self.assertGreaterEqual(self.each("sync", "-n"), {"reading the queue"})

    def test_report(self):
        self.assertEqual(self.pq.idx("hold", "-y", BAD).status, 0)
        shown = self.each("report", "--batch", "1", "-o", os.path.join(self.pq.home, "x.html"))
        self.assertGreaterEqual(shown, {"reading the account", "asking the index", "reading the queue", "proving"})

    def test_dry_runs(self):
        self.assertEqual(self.pq.idx("hold", "-y", BAD).status, 0)
        self.assertGreaterEqual(self.each("purge", "-n", BAD), {"asking the index", "reading the queue", "proving", "reading some of them"})
        self.assertGreaterEqual(self.each("undo", "-n", "1"), {"reading the account", "reading the queue", "proving"})

    def test_logs(self):
        path = os.path.join(self.pq.home, "mail.log")
        with open(path, "w", encoding="ascii") as file:
            for n in range(1000):
                file.write(f"Nov 20 10:00:{n % 60:02} mx postfix/qmgr[1]: {n:05X}AB: from=<a@b.test>, size=1, nrcpt=1 (queue active)\n")
        terminal = self.open("floods", "--try", path)
        self.assertTrue(terminal.await_line("reading the logs"))
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assert_clean(terminal.text)
        self.assertIn("Would have fired", "\n".join(screen(terminal.text)))


class Drawing(ProgressCase):
    def test_it_ticks(self):
        """With nothing to count it shows seconds, even while the command itself only waits."""
        terminal = self.open("list", BAD)
        self.assertTrue(terminal.await_line(r"asking the index, 1 s"))
        self.assertTrue(terminal.await_line(r"asking the index, [2-9] s"))
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertIn("a@example.com", "\n".join(screen(terminal.text)))

    def test_few_times_a_second(self):
        terminal = self.open("list", BAD)
        self.assertTrue(terminal.await_line(r"asking the index, 2 s"))
        shown = LINE.findall(terminal.text)
        self.assertLessEqual(shown.count("asking the index, 1 s"), 6, shown)
        terminal.finish()

    def test_narrow(self):
        terminal = self.open("list", BAD, columns=12)
        self.assertTrue(terminal.await_line(r"\rasking the "))
        self.assertTrue(terminal.await_line(r"(\rasking the \x1b\[K){3}"))
        self.assertLess(max(map(len, LINE.findall(terminal.text))), 12)
        terminal.finish()

    def test_nowhere_else(self):
        """No line where it is not wanted or the terminal is unfit. Another terminal shows one, so there was time."""
        silent = [self.open("list", "-q", BAD), self.open("list", BAD, term="dumb")]
        pipe = self.pq.idx_start("list", "--json", BAD, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env={**os.environ, "LD_PRELOAD": SHIM, "PQPURGE_STOP_CHILD": "1", "TERM": "xterm"})
        until(lambda: all(t.stopped() for t in silent) and list(filter(is_stopped, descendants(pipe.pid))), "stopped children")
        clock = self.open("list", BAD)
        self.assertTrue(clock.await_line(LINE))
        clock.finish()
        for terminal in silent:
            self.assertEqual(terminal.finish(), 0, terminal.text)
            self.assertNotRegex(terminal.text, LINE)

        def over():
            for pid in filter(is_stopped, descendants(pipe.pid)):
                os.kill(pid, signal.SIGCONT)
            return pipe.poll() is not None
        until(over, "the end")
        out, err = pipe.communicate()
        self.assertEqual((len(out.splitlines()), err), (self.COUNT, b""))
        for line in out.splitlines():
            json.loads(line)

    def test_json_beside_it(self):
        """Output to another place stays intact while the terminal has its line."""
        reader, writer = os.pipe()
        terminal = self.open("list", "--json", BAD, out=writer)
        os.close(writer)
        self.assertTrue(terminal.await_line(LINE))
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertEqual(screen(terminal.text), [""])
        with open(reader, encoding="utf-8") as file:
            self.assertEqual([json.loads(line)["sender"] for line in file], ["a@example.com"] * self.COUNT)

    def test_problems_come_on_a_line_of_their_own(self):
        """The index does not answer, which is reported in place of the line."""
        os.kill(self.pq.process.pid, signal.SIGSTOP)
        try:
            terminal = self.open("list", BAD, first=10000)
            status = terminal.finish()
        finally:
            os.kill(self.pq.process.pid, signal.SIGCONT)
        self.assertEqual(status, 0, terminal.text)
        self.assertRegex(terminal.text, LINE)
        said = [line for line in screen(terminal.text) if "pqpurge-idx: " in line]
        self.assertTrue(said and all(line.startswith("pqpurge-idx: ") for line in said), terminal.text)
        self.assert_clean(terminal.text)


class Interrupted(ProgressCase):
    def test_looking(self):
        """A verb that the signal ends removes its line first."""
        for number, key in (signal.SIGINT, b"\x03"), (signal.SIGQUIT, b"\x1c"), (signal.SIGTERM, None), (signal.SIGHUP, None):
            for verb in "list", "top":
                terminal = self.open(verb, BAD)
                self.assertTrue(terminal.await_line(LINE))
                if key:
                    os.write(terminal.master, key)
                else:
                    os.kill(terminal.pid, number)
                self.assertEqual(terminal.finish(), -number, terminal.text)
                self.assertEqual(screen(terminal.text), [""], (verb, number, terminal.text))

    def test_acting(self):
        """A verb that catches the signal reports the result; nothing was touched."""
        before = self.postfix.ids()
        terminal = self.open("purge", "-y", BAD)
        self.assertTrue(terminal.await_line(LINE))
        os.write(terminal.master, b"\x03")
        self.assertIn(terminal.finish(), (2, 3), terminal.text)
        self.assert_clean(terminal.text)
        self.assertEqual(self.postfix.ids(), before)

    def test_the_question_stands_alone(self):
        terminal = self.open("purge", BAD)
        self.assertTrue(terminal.await_line(LINE))

        def asked():
            terminal.go_on()
            return "[y/N]" in terminal.read_some()
        until(asked, "the question", 60)
        self.assertRegex(screen(terminal.text)[-1], r"^Delete these 5 messages\? \[y/N\] $")
        os.write(terminal.master, b"n\n")
        self.assertEqual(terminal.finish(), 3, terminal.text)
        self.assert_clean(terminal.text)
