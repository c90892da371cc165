# SPDX-License-Identifier: ISC
"""`screen` and terminals: sizes, locales, no colours, signals; however it ends, the terminal is as before."""
import os
import re
import signal

from case import BAD
from pane import Pane
from process import descendants, is_stopped, name_of
from rig import until
from smtp import content
from test_hostile_text import FORBIDDEN, HOSTILE, xtext
from test_screen import KEYS, ScreenCase
from terminal import Terminal

COLOURS = re.compile(r"\033\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])[0-9;]*m")


def command_of(pane, name="pqpurge-idx"):
    """The process ID of the command that runs in the pane."""
    shell = int(pane.told("pane_pid"))
    return next((pid for pid in descendants(shell)[1:] if name_of(pid) == name[:15]), None)


class Sizes(ScreenCase):
    def lines(self):
        return self.pane.text().splitlines()

    def test_80x24(self):
        text = self.start()
        lines = text.splitlines()
        self.assertEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)
        for word in "COUNT", "SHARE", "RATE", "OLD", "AGES", "LAST 10MIN":
            self.assertIn(word, lines[2])
        for key in "d", "Enter", "w", "/", "h", "p", "b", "u", "?", "q":
            self.assertIn(key, lines[23].split(), "all keys are told")
        self.assertIn("caught up", lines[0])

    def test_resize(self):
        self.start()
        for columns, rows in ((120, 40), (40, 10), (20, 5), (10, 2), (1, 1), (80, 24)):
            self.pane.resize(columns, rows)
            self.pane.until(lambda text, rows=rows: len(text.splitlines()) == rows, f"{rows} lines")
            if rows > 4:
                self.pane.until(lambda text, rows=rows: text.splitlines()[rows - 1].startswith("d f r l c"[:self.fits(text)]),
                                "the keys in the last line")
            if columns == 120:
                self.pane.shows("SIZE", "NEW")
        self.shows_groups({BAD: 3, "good.test": 1})
        self.pane.keys("q")
        self.pane.shows("ready$")

    @staticmethod
    def fits(text):
        return min(9, max(map(len, text.splitlines())))

    def test_resize_while_a_verb_asks(self):
        """The screen comes back in the new size."""
        self.start()
        self.pane.keys("p")
        self.pane.shows("Delete these 3 messages?")
        self.pane.resize(110, 30)
        self.pane.type("n")
        self.pane.keys("Enter")
        self.pane.shows("Enter: back to the screen")
        self.pane.keys("Enter")
        self.pane.until(lambda text: "SIZE" in text and len(text.splitlines()) == 30 and
                        text.splitlines()[29].startswith("d f r l c"), "the screen in 110x30")


class Plain(ScreenCase):
    def test_colours(self):
        """Three quarters of all: red, if there are colours."""
        self.pane.resize(110, 24)
        self.start()
        self.pane.until(lambda _: COLOURS.search(self.pane.styled()), "colours")

    def test_no_color(self):
        for environment in {"NO_COLOR": "1"}, {"TERM": "vt100"}:
            pane = Pane(self.postfix, 110, 24, **environment)
            self.addCleanup(pane.close)
            pane.run(self.pq.words("screen"))
            pane.shows(KEYS, BAD, "caught up")
            self.assertIsNone(COLOURS.search(pane.styled()), pane.styled())
            self.assertRegex(pane.styled(), r"\033\[[0-9;]*7m", "the cursor is seen all the same")
            pane.keys("Down", "Enter")
            pane.shows("SENDER", self.good)
            pane.keys("Left")
            pane.shows(KEYS, BAD)

    def test_locales(self):
        for locale, utf8 in (("C.UTF-8", True), ("C", False), ("POSIX", False)):
            pane = Pane(self.postfix, LC_ALL=locale)
            self.addCleanup(pane.close)
            pane.run(self.pq.words("screen"))
            text = pane.shows(KEYS, BAD, "caught up")
            self.assertEqual(text.isascii(), not utf8, text)
            self.assertEqual("█" in text, utf8, text)

    def test_dumb(self):
        """A terminal that cannot be drawn on is an error, and nothing more."""
        for term in "dumb", "no-such-terminal":
            self.pane.type(f"TERM={term} ")
            self.pane.run(self.pq.words("screen"))
            self.pane.shows(f"(TERM is '{term}')", "ready$")

    def test_no_terminal(self):
        result = self.pq.idx("screen")
        self.assertEqual((result.status, result.out), (1, ""), result)
        self.assertIn("needs a terminal", result.err)


class Ends(ScreenCase):
    """Each way to end: the terminal's modes, cursor and other screen are as before."""

    def assert_restored(self):
        self.pane.until(lambda _: self.pane.told("alternate_on") == "0", "the first screen")
        self.pane.shows("ready$")
        self.pane.until(lambda _: self.pane.told("cursor_flag") == "1", "the cursor")
        # The shell sets its own modes while it reads a line, so a program reports them.
        self.pane.run(["sh", "-c", "stty -g > " + self.pq.home + "/stty"])
        until(lambda: self.read_stty(), "the modes", 120)
        self.assertEqual(self.read_stty(), self.wanted)
        self.pane.keys("C-l")

    def read_stty(self):
        try:
            with open(self.pq.home + "/stty", encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def run_it(self):
        if os.path.exists(self.pq.home + "/stty"):
            os.unlink(self.pq.home + "/stty")
        self.pane.run(["sh", "-c", "stty -g > " + self.pq.home + "/stty"])
        self.wanted = until(lambda: self.read_stty(), "the modes", 120)
        os.unlink(self.pq.home + "/stty")
        self.pane.keys("C-l")
        self.pane.type("clear; " + " ".join(self.pq.words("screen")) + "; echo status=$?")
        self.pane.keys("Enter")
        self.pane.shows(KEYS, BAD)
        self.assertEqual(self.pane.told("alternate_on"), "1")

    def test_quit(self):
        self.run_it()
        self.pane.keys("q")
        self.pane.shows("status=0")
        self.assert_restored()

    def test_interrupt(self):
        self.run_it()
        self.pane.keys("C-c")
        self.pane.shows("ready$")
        self.assert_restored()

    def test_signals(self):
        """Also ^\\ and the signals of a crash, such as abort(3) after a failed assertion."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS):
            self.run_it()
            os.kill(until(lambda: command_of(self.pane), "the command", 120), number)
            self.pane.shows("status=")
            self.assert_restored()
            self.pane.run(["clear"])

    def test_stop_and_go_on(self):
        self.run_it()
        self.pane.keys("C-z")
        self.pane.shows("Stopped", "ready$")
        self.assertEqual(self.pane.told("alternate_on"), "0")
        self.pane.type("fg")
        self.pane.keys("Enter")
        self.pane.shows(KEYS, BAD)
        self.pane.keys("r")
        self.shows_groups({"d1.test": 3, "d2.test": 1})
        self.pane.keys("q")
        self.assert_restored()

    def test_stop_at_a_question(self):
        """Verb and screen stop, and go on."""
        self.run_it()
        pid = until(lambda: command_of(self.pane), "the command", 120)
        self.pane.keys("p")
        self.pane.shows("Delete these 3 messages?")
        self.pane.keys("C-z")
        self.pane.shows("Stopped", "ready$")
        self.pane.type("fg")
        self.pane.keys("Enter")
        # The shell sets the terminal's modes before it continues a job.
        until(lambda: not is_stopped(pid), "the screen to go on", 120)
        self.pane.type("n")
        self.pane.keys("Enter")
        self.pane.shows("othing was touched", "Enter: back to the screen")
        self.pane.keys("Enter")
        self.pane.shows(KEYS, BAD)
        self.pane.keys("q")
        self.assert_restored()
        self.assertEqual(self.postfix.ids(), {*self.bad, self.good})

    def test_hang_up(self):
        """With the terminal gone, the command and all its children end."""
        self.run_it()
        pid = until(lambda: command_of(self.pane), "the command", 120)
        self.pane.close()
        until(lambda: not os.path.exists(f"/proc/{pid}"), "its end", 120)


class Hostile(ScreenCase):
    """A stranger's words on every line control no terminal."""

    def setUp(self):
        super().setUp()
        for n in range(25):
            text = b"From: \"boss " + HOSTILE + b"\" <\"x" + HOSTILE + b"\"@from%d%s.test>\nSubject: x\n\nbody\n" % (n, HOSTILE)
            with self.postfix.smtp() as client:
                client.xclient(ADDR="192.0.2.7", LOGIN=xtext(b"x%d" % n + HOSTILE))
                client.message(b'"x' + HOSTILE + b'"@n%d.test' % n, b'"x' + HOSTILE + b'"@d%d.test' % n, text)
        self.postfix.settled(29)

    def test_on_every_line(self):
        self.start("n0.test")
        title = self.pane.told("pane_title")
        for keys, shown in ((["f"], "from"), (["r"], "d1.test"), (["l"], "x0"), (["d"], "n0.test"), (["End"], "n9.test"),
                            (["Enter"], "deferred"), (["Enter"], "proof"), (["Escape"], "deferred"), (["Escape"], KEYS),
                            (["w"], "deferred")):
            self.pane.keys(*keys)
            text = self.pane.shows(shown)
            self.assertLessEqual(max(map(len, text.splitlines())), 80)
            for bad in "\u009b", "\u202e", "\u200b":
                self.assertNotIn(bad, text)
        self.assertEqual(self.pane.told("pane_title"), title)

    def test_bytes(self):
        """The terminal's input, byte by byte."""
        terminal = Terminal(["/usr/bin/env", "TERM=xterm", "LC_ALL=C.UTF-8", *self.pq.words("screen")])
        terminal.read_until("n0.test")
        for key, shown in ((b"l", "x1?"), (b"f", "from1"), (b"r", "d1.test"), (b"d", "n1.test"), (b"j\n", "deferred"), (b"\n", "proof")):
            os.write(terminal.master, key)
            self.see(terminal, shown)
        terminal.text = ""
        os.write(terminal.master, b"q")
        self.judge(terminal.read_until(None))
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]), 0)
        os.close(terminal.master)

    def see(self, terminal, shown):
        """Has everything redrawn until it is there: ncurses draws only differences."""
        def drawn():
            terminal.text = ""
            os.write(terminal.master, b"\x0c")
            self.judge(terminal.read_until("q quit" if shown == "proof" else "? q"))
            return shown in terminal.text
        until(drawn, shown, 120)

    def judge(self, text):
        for bad in FORBIDDEN:
            self.assertNotIn(bad, text.encode())


class Watch(ScreenCase):
    """`top --watch`, the plain form."""

    def test_watch(self):
        self.pane.run(self.pq.words("top", "--watch"))
        self.pane.shows("4 messages", BAD, "/s")
        self.send("c@third.test", "u@d1.test", content("c@third.test"))
        self.pane.shows("5 messages", "third.test")
        self.pq.stop()
        self.postfix.postsuper("-d", "-", ids=self.bad)
        self.pane.until(lambda text: BAD not in text and "2 messages" in text, "a selection without the daemon")
        self.pane.keys("C-c")
        self.pane.shows("ready$")
