# SPDX-License-Identifier: ISC
"""Strangers' text controls no terminal and deceives no eye, wherever the command prints it: hostile bytes in every
such place."""
import os
import subprocess

from case import BAD, RigCase
from rig import until
from test_emergency import restrictions
from terminal import Terminal

# A terminal's title, a bell, C1's CSI, right to left, no width. A byte that is not UTF-8 goes where Postfix accepts it.
HOSTILE = "\x1b]0;owned\x07\u009b31m\u202e\u200b".encode()
BROKEN = HOSTILE + b"\xff\xc0\x80"
# Must never be printed, as text or as JSON.
FORBIDDEN = (b"\x1b]", b"\x07", "\u009b".encode(), "\u202e".encode(), "\u200b".encode(), b"\xff", b"\xc0")


def xtext(text):
    return "".join(chr(byte) if 33 <= byte <= 126 and byte not in b"+=" else f"+{byte:02X}" for byte in text)


class Foreign(RigCase):
    main = restrictions(1)
    settings = {"record_subject": True}

    def setUp(self):
        super().setUp()
        text = (b"From: \"boss " + BROKEN + b"\" <\"xfrom" + HOSTILE + b"\"@example.com>\n"
                b"Subject: xsubject" + BROKEN + b"\nMessage-ID: <xmessageid" + BROKEN + b"@x>\n\nbody\n")
        with self.postfix.smtp() as client:
            # Postfix does not accept such a NAME.
            client.xclient(ADDR="192.0.2.7", LOGIN=xtext(b"xlogin" + HOSTILE), HELO=xtext(b"xhelo" + HOSTILE))
            self.queue_id = client.message(b'"xsender' + HOSTILE + b'"@example.com', b'"xrecipient' + HOSTILE + b'"@d0.test', text)
        self.postfix.settled(1)
        self.defer_log = self.await_defer_log(self.queue_id)
        self.said = b""

    def judge(self, words, out):
        for bad in FORBIDDEN:
            self.assertNotIn(bad, out, f"{words} let {bad!r} through: {out!r}")
        out.decode("utf-8")
        self.said += out

    def run_words(self, *words, status=(0,), input=None):
        """On pipes; both outputs are checked."""
        result = subprocess.run(self.pq.words(*words), stdin=None if input else subprocess.DEVNULL, input=input, capture_output=True,
                                timeout=120, check=False)
        self.judge(words, result.stdout + b"\n" + result.stderr)
        self.assertIn(result.returncode, status, result)

    def run_on_terminal(self, *words):
        terminal = Terminal(["/usr/bin/env", "TERM=xterm", "LC_ALL=C.UTF-8", *self.pq.words(*words)])
        terminal.read_until(None)
        os.waitpid(terminal.pid, 0)
        os.close(terminal.master)
        self.judge(words, terminal.text.encode())

    def assert_told(self, *tags):
        """The planted text reached the output; otherwise this proves nothing."""
        for tag in tags:
            self.assertIn(tag, self.said, "it is not told anywhere")

    def test_of_a_message(self):
        looking = (["list", BAD], ["show", self.queue_id], ["why", BAD], ["purge", "-n", BAD], ["hold", "-n", BAD], ["sync"], ["status"],
                   *(["top", "--by", by] for by in ("sender", "from", "recipient", "login", "client")))
        with open(self.defer_log, "wb") as file:
            file.write(b"recipient=xdeferred" + BROKEN + b"@d0.test\nreason=xreason" + BROKEN + b"\n\n")
        for words in looking:
            self.run_words(*words)
            self.run_words(*words, "--json")
            self.run_on_terminal(*words)
        self.pq.kill9()
        self.pq.forget()
        self.run_words("report")
        for words in looking[:4]:
            self.run_words(*words)
        self.assert_told(b"xsender", b"xfrom", b"xrecipient", b"xlogin", b"xsubject", b"xmessageid", b"xreason", b"xdeferred")

    def test_the_question(self):
        terminal = Terminal(self.pq.words("purge", BAD))
        terminal.read_until("[y/N]")
        self.assertEqual(terminal.answer("n"), 3, terminal.text)
        self.judge("purge", terminal.text.encode())
        self.assert_told(b"xsubject", b"xfrom", b"xsender", b"xrecipient")

    def test_of_the_account(self):
        """A reason and a command line chosen by a user with the right to sudo."""
        self.run_words("hold", "-y", b"--reason=xwhy" + BROKEN, BAD)
        self.run_words("undo", "-y", b"--reason=xback" + BROKEN, "1")
        for words in (["log"], ["log", "--json"], ["report", "--batch", "1"]):
            self.run_words(*words)
            self.run_on_terminal(*words)
        self.assert_told(b"xwhy", b"xback")

    def test_of_rules(self):
        self.run_words("block", "-y", b"--reason=xcause" + HOSTILE, b"login:xblocked" + HOSTILE, status=(0, 1))
        self.run_words("block", "-y", b"--reason=xcause" + HOSTILE, "bad.test")
        self.run_words("block", "-y", b"--text=xtext" + BROKEN, "worse.test", status=(1,))
        self.run_words("block", "-y", b"/xexpression" + BROKEN + b"(/", status=(1,))
        for words in (["rules"], ["rules", "--json"], ["rules", "--test", b"xtested" + BROKEN + b"@bad.test"]):
            self.run_words(*words)
        self.run_on_terminal("rules")
        with open(self.pq.rules, "wb") as file:
            file.write(b"xpattern" + BROKEN + b"@bad.test REJECT xline" + BROKEN + b"\n")
        self.pq.reload()
        until(lambda: b"rules_file" in subprocess.run(self.pq.words("status", "--json"), capture_output=True, check=False).stdout,
              "a wrong rules file is told")
        self.run_words("status", status=(2,))
        self.run_words("rules", status=(1,))
        self.assert_told(b"xcause", b"xblocked")

    def test_of_the_command_line(self):
        """Words that a script may have passed on unseen come back in an error."""
        for words in ([b"xverb" + BROKEN], ["purge", b"xpattern" + BROKEN], ["purge", b"--xoption" + BROKEN], ["show", b"xid" + BROKEN],
                      ["purge", "--older", b"xage" + BROKEN, BAD], ["purge", "--queue", b"xqueue" + BROKEN, BAD],
                      ["purge", "--save", b"/nowhere/xsave" + BROKEN, "-y", BAD], ["purge", "--client", b"xclient" + BROKEN],
                      ["undo", b"xbatch" + BROKEN], ["top", "--by", b"xby" + BROKEN], ["block", "--action", b"xaction" + BROKEN, BAD]):
            self.run_words(*words, status=(1, 2))
        self.run_words("purge", "-n", "--id", "-", input=b"xstdin" + BROKEN + b"\n", status=(2,))
        self.assert_told(b"xverb", b"xpattern", b"xoption", b"xid", b"xage", b"xqueue", b"xsave", b"xclient", b"xbatch", b"xby", b"xaction",
                         b"xstdin")
