# SPDX-License-Identifier: ISC
"""A terminal of tmux with a shell in it: typing, and what it shows."""
import fcntl
import os
import shlex
import struct
import subprocess
import tempfile
import termios

from rig import until

PROMPT = "ready$ "


class Pane:
    """Its own tmux server, which close() ends. environment: of the programs in it."""

    def __init__(self, postfix, columns=80, rows=24, **environment):
        self.postfix = postfix
        self.socket = os.path.join(tempfile.mkdtemp(dir=postfix.directory), "tmux")
        environment = {"LC_ALL": "C.UTF-8", "TERM": "screen-256color", "PS1": PROMPT, **environment}
        settings = [f"{key}={value}" for key, value in environment.items()]
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "/usr/bin/env", "-u", "NO_COLOR", "-u", "COLUMNS",
                  *settings, "/bin/bash", "--norc", "--noprofile")
        self.pid = int(self.tmux("display-message", "-p", "#{pid}"))
        postfix.guarded("+", self.pid)
        self.until(lambda text: text.startswith(PROMPT.rstrip()), "a prompt")

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, capture_output=True)
        self.postfix.guarded("-", self.pid)

    def tmux(self, *args):
        # UTF-8 in any locale of the tests; without the user's configuration.
        return subprocess.run(["tmux", "-u", "-f", "/dev/null", "-S", self.socket, *args], check=True, capture_output=True,
                              text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout

    # ---- typing

    def keys(self, *names):
        """Keys by tmux's names: "d", "Enter", "C-c", "PPage"."""
        self.tmux("send-keys", *names)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def run(self, words):
        """A command line for the shell."""
        self.type(shlex.join(words))
        self.keys("Enter")

    def unread(self):
        """How many bytes of whole lines were typed that no program has read yet."""
        terminal = os.open(self.told("pane_tty"), os.O_RDONLY | os.O_NOCTTY)
        try:
            return struct.unpack("i", fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)))[0]
        finally:
            os.close(terminal)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    # ---- looking

    def text(self):
        return self.tmux("capture-pane", "-p")

    def styled(self):
        """The text with its escape sequences."""
        return self.tmux("capture-pane", "-p", "-e")

    def told(self, name):
        """One of tmux's variables: "alternate_on", "pane_title"."""
        return self.tmux("display-message", "-p", "#{" + name + "}").rstrip("\n")

    def until(self, holds, what, timeout=120):
        """Waits until holds(text) is true; returns the text."""
        seen = ""

        def look():
            nonlocal seen
            seen = self.text()
            return holds(seen)
        try:
            until(look, what, timeout)
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}; the terminal shows:\n{seen}") from None
        return seen

    def shows(self, *parts, timeout=120):
        """Waits for all texts, which may be broken across lines; returns the screen's text."""
        return self.until(lambda text: all(part in text or part in text.replace("\n", "") for part in parts), f"{parts}", timeout)
