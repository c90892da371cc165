# SPDX-License-Identifier: ISC
"""A command on a pseudo terminal."""
import os
import pty
import select
import signal
import time


class Terminal:
    """The command on a pseudo terminal; all its output is one text."""

    def __init__(self, words):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
                signal.signal(number, signal.SIG_DFL)  # nohup(1) may have started the tests
            os.execv(words[0], words)
        self.text = ""

    def read_until(self, word, timeout=30):
        """Everything up to word; for word None, everything until the command's end."""
        end = time.monotonic() + timeout
        while word is None or word not in self.text:
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"no {word!r} in {self.text!r}")
            try:
                data = os.read(self.master, 4096)
            except OSError:
                data = b""
            if not data:
                return self.text
            self.text += data.decode("utf-8", "replace")
        return self.text

    def answer(self, line):
        """Types line and waits for the command's end; returns its exit status."""
        os.write(self.master, line.encode() + b"\n")
        self.read_until(None)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.master)
        return status
