# SPDX-License-Identifier: ISC
"""On a terminal the command shows the effect and asks; a refusal touches nothing."""
import json
import os
import tempfile

from case import BAD, RigCase
from terminal import Terminal


class Question(RigCase):
    def setUp(self):
        super().setUp()
        self.sent = set(self.send_many("a@example.com", 7))
        self.other = self.send("a@good.test")
        self.postfix.settled(8)

    def ask(self, *args):
        terminal = Terminal(self.pq.words(*args))
        terminal.read_until("?")
        self.assertRegex(terminal.text, r"\b7\b", "the question says how many")
        return terminal

    def test_no(self):
        terminal = self.ask("purge", BAD)
        terminal.answer("n")
        self.assertEqual(self.postfix.ids(), self.sent | {self.other}, terminal.text)

    def test_no_as_json(self):
        """A program that reads the output gets its last line whatever the answer is."""
        terminal = self.ask("purge", "--json", BAD)
        self.assertEqual(terminal.answer("n"), 3, terminal.text)
        lines = [json.loads(line) for line in terminal.text.splitlines() if line.startswith("{")]
        self.assertEqual(len(lines), 1, terminal.text)
        summary = lines[0]["summary"]
        self.assertEqual((summary["matched"], summary["deleted"], summary["untouched"], summary["batch"]), (7, 0, 7, 0))
        self.assertEqual(self.postfix.ids(), self.sent | {self.other}, terminal.text)

    def test_interrupt(self):
        """^C at the question is no answer."""
        terminal = self.ask("purge", BAD)
        os.write(terminal.master, b"\x03")
        terminal.read_until(None)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]), 3, terminal.text)
        self.assertIn("othing was touched", terminal.text)
        self.assertEqual(self.postfix.ids(), self.sent | {self.other}, terminal.text)

    def test_save_touches_nothing_before_yes(self):
        """Neither an existing directory nor a new one, however the question ends."""
        for end in ("n", "", "\x03"):
            for there in True, False:
                path = os.path.join(tempfile.mkdtemp(dir=self.pq.home), "mail")
                if there:
                    os.mkdir(path, 0o700)
                before = os.stat(path) if there else None
                terminal = self.ask("purge", "--save", path, BAD)
                terminal.answer(end)
                self.assertEqual(os.path.exists(path), there, (end, terminal.text))
                if there:
                    after = os.stat(path)
                    self.assertEqual((after.st_uid, after.st_gid, after.st_mode, after.st_ctime_ns),
                                     (before.st_uid, before.st_gid, before.st_mode, before.st_ctime_ns))
        self.assertEqual(self.postfix.ids(), self.sent | {self.other})

    def test_save_of_a_dry_run(self):
        path = os.path.join(self.pq.home, "mail")
        self.assertEqual(self.pq.idx("purge", "-n", "--save", path, BAD).status, 0)
        self.assertFalse(os.path.exists(path))

    def test_just_return(self):
        terminal = self.ask(BAD)
        terminal.answer("")
        self.assertEqual(self.postfix.ids(), self.sent | {self.other}, terminal.text)

    def test_yes(self):
        terminal = self.ask("purge", BAD)
        self.assertEqual(terminal.answer("y"), 0, terminal.text)
        self.assertEqual(self.postfix.ids(), {self.other}, terminal.text)

    def test_other_recipients(self):
        """Deleting a message for one recipient deletes it for the others; the question says so."""
        ours = self.send("a@good.test", ["x@one.test", "y@two.test", "z@two.test"])
        self.postfix.settled(9)
        terminal = Terminal(self.pq.words("purge", "--recipient", "one.test"))
        self.assertIn("Delete this 1 message, also for 2 other recipients?", terminal.read_until("?"))
        terminal.answer("n")
        self.assertIn(ours, self.postfix.ids())

    def test_dash_y_does_not_ask(self):
        terminal = Terminal(self.pq.words("purge", "-y", BAD))
        self.assertNotIn("?", terminal.read_until(None))
        self.assertEqual(self.postfix.ids(), {self.other})
        os.waitpid(terminal.pid, 0)

    def test_null_sender_block_asks(self):
        terminal = Terminal(self.pq.words("block", "<>"))
        terminal.read_until("?")
        terminal.answer("n")
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("")[0], 250, terminal.text)
