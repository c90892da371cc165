# SPDX-License-Identifier: ISC
"""Completion in the shells: a real zsh and a real bash on a terminal, verbs and options from --help, names from the
index."""
import os
import re
import select
import shutil
import signal
import tempfile

from case import BAD, RigCase
from pqpurge import COMMAND, TOP
from rig import until
from terminal import Terminal

SCRIPTS = os.path.join(TOP, "conf/completion")

# TAB completes; ^X^T writes the resulting line and a last line to a file, and empties it. The offers are written to a file,
# too. None of this starts a process: there are thousands of TABs.
ZSHRC = """
PROMPT='> ' LISTMAX=10000
unsetopt beep auto_menu
fpath=(%(scripts)s $fpath)
autoload -Uz compinit
compinit -u -d $ZDOTDIR/dump
compadd() {
    local -a hits
    if [[ ${@[1,(i)(-|--)]} != *-[OAD]\\ * ]]; then
        builtin compadd -A hits "$@"
        (($#hits)) && print -rl -- $hits >>$ZDOTDIR/offered
    fi
    builtin compadd "$@"
}
hand-over() {
    print -rl -- $BUFFER END >$ZDOTDIR/line
    BUFFER=
}
zle -N hand-over
bindkey '^I' complete-word
bindkey '^X^T' hand-over
: >$ZDOTDIR/ready
"""
# complete lists the offers at the second TAB; readline's own command shows what it would insert.
BASHRC = """
PS1='> '
bind 'set bell-style none' 'set completion-query-items 0' 'set page-completions off'
source %(scripts)s/pqpurge-idx.bash
_hand_over() {
    printf '%%s\\n' "$READLINE_LINE" END >$ZDOTDIR/line
    READLINE_LINE=
}
_recorded() {
    _pqpurge_idx "$@"
    printf '%%s\\n' "${COMPREPLY[@]}" >>$ZDOTDIR/offered
}
complete -F _recorded pqpurge-idx
bind -x '"\\C-x\\C-t": _hand_over'
: >$ZDOTDIR/ready
"""


ZSH = ["zsh", "-d", "-i"], (".zshrc", ZSHRC)
BASH = ["bash", "--noprofile", "-i"], (".bashrc", BASHRC)


class Shell:
    """An interactive shell that knows our completion and nothing of the user's. before: a directory whose commands
    come before ours."""

    def __init__(self, words, rc, home, conf, before=""):
        self.home = tempfile.mkdtemp(prefix="shell.", dir=home)
        with open(os.path.join(self.home, rc[0]), "w", encoding="utf-8") as file:
            file.write(rc[1] % {"scripts": SCRIPTS})
        path = (before + ":" if before else "") + os.path.dirname(COMMAND) + ":/usr/sbin:/usr/bin:/sbin:/bin"
        self.terminal = Terminal(["/usr/bin/env", "-C", self.home, "-i", f"PATH={path}", "TERM=xterm", "LC_ALL=C.UTF-8",
                                  f"HOME={self.home}", f"ZDOTDIR={self.home}", f"PQPURGE_CONF={conf}", *words])
        self.wait("ready")

    def wait(self, name, end=""):
        """Waits until the shell has made that file with that end; returns its output meanwhile."""
        def made():
            while select.select([self.terminal.master], [], [], 0)[0]:
                self.terminal.text += os.read(self.terminal.master, 4096).decode("utf-8", "replace")
            try:
                with open(os.path.join(self.home, name), "rb") as file:
                    return file.read().endswith(end.encode())
            except FileNotFoundError:
                return False
        until(made, f"{name} of the shell")

    def take(self, name):
        path = os.path.join(self.home, name)
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        os.unlink(path)
        return [line for line in lines if line]

    def complete(self, text):
        """(the line after TAB, the offers)."""
        os.write(self.terminal.master, text.encode() + b"\t\x18\x14")
        self.wait("line", "\nEND\n")
        return self.take("line")[0], set(self.take("offered"))

    def enter(self, text):
        """TAB, then Return: the shell runs the resulting line."""
        os.write(self.terminal.master, text.encode() + b"\t\n: >$ZDOTDIR/done\n")
        self.wait("done")
        self.take("done")

    def end(self):
        os.kill(self.terminal.pid, signal.SIGKILL)
        os.waitpid(self.terminal.pid, 0)
        os.close(self.terminal.master)


class ShellCase:
    """The same for each shell."""

    def setUp(self):
        super().setUp()
        self.send("a@example.com")
        self.send("a@sub.example.org")
        self.send("a@good.test")
        self.postfix.settled(3)
        self.assertEqual(self.pq.idx("block", "spam.test").status, 0)
        self.assertEqual(self.pq.idx("hold", "-y", "good.test").status, 0)
        self.shell = self.start_shell()
        self.addCleanup(self.shell.end)

    def assert_line(self, typed, wanted):
        line, offered = self.shell.complete(typed)
        self.assertEqual(line.rstrip(), wanted, f"offered: {offered}; the terminal: {self.shell.terminal.text!r}")

    def assert_offers(self, typed, wanted):
        line, offered = self.shell.complete(typed)
        self.assertTrue(set(wanted) <= offered, f"{typed!r} became {line!r}, offered: {offered}; {self.shell.terminal.text!r}")
        return offered

    def test_verbs(self):
        self.assert_line("pqpurge-idx stat", "pqpurge-idx status")
        self.assert_line("pqpurge-idx unb", "pqpurge-idx unblock")
        offered = self.assert_offers("pqpurge-idx ", ["purge", "hold", "release", "undo", "log", "top", "screen", "why", "setup"])
        self.assertNotIn("complete", offered, "it is no verb for people")

    def test_options(self):
        self.assert_line("pqpurge-idx purge --sa", "pqpurge-idx purge --save")
        self.assert_line("pqpurge-idx top --wat", "pqpurge-idx top --watch")
        offered = self.assert_offers("pqpurge-idx release --", ["--foreign", "--requeue", "--queue", "--dry-run"])
        self.assertNotIn("--sweep", offered, "that is purge's")
        self.assert_line("pqpurge-idx --subd", "pqpurge-idx --subdomains")

    def test_values(self):
        self.assert_line("pqpurge-idx hold --queue def", "pqpurge-idx hold --queue deferred")
        self.assert_line("pqpurge-idx top --by=cl", "pqpurge-idx top --by=client")
        self.assert_line("pqpurge-idx block --action DEF", "pqpurge-idx block --action DEFER")
        self.assert_line("pqpurge-idx list --sender exa", "pqpurge-idx list --sender example.com")
        self.assert_line("pqpurge-idx fleet ca", "pqpurge-idx fleet cancel")
        self.assert_line("pqpurge-idx fleet add mx1 --as op", "pqpurge-idx fleet add mx1 --as operator")
        self.assert_line("pqpurge-idx report --batch ", "pqpurge-idx report --batch 1")
        os.mkdir(os.path.join(self.shell.home, "evidence"))
        self.assert_line("pqpurge-idx report -o evi", "pqpurge-idx report -o evidence/")
        self.assert_line(f"pqpurge-idx purge --save {self.shell.home}/evi", f"pqpurge-idx purge --save {self.shell.home}/evidence/")

    def test_fleets(self):
        """They are libpq services; a list of them is one word; without '=' no name follows."""
        with open(os.path.join(self.shell.home, ".pg_service.conf"), "w", encoding="ascii") as file:
            file.write("[east]\nhost=a.test\n# [north]\n[west]\nhost=b.test\n[w`fire`]\n")
        self.assert_line("pqpurge-idx purge --fleet=ea", "pqpurge-idx purge --fleet=east")
        self.assert_line("pqpurge-idx top --fleet=east,we", "pqpurge-idx top --fleet=east,west")
        self.assert_line("pqpurge-idx list --fleet ea", "pqpurge-idx list --fleet ea")
        self.assertEqual(self.shell.complete("pqpurge-idx list --fleet=")[1] - {"east", "west"}, set())

    def test_names_from_the_index(self):
        self.assert_line("pqpurge-idx exam", "pqpurge-idx " + BAD)
        self.assert_line("pqpurge-idx hold su", "pqpurge-idx hold sub.example.org")
        self.assert_line("pqpurge-idx why -n good", "pqpurge-idx why -n good.test")
        self.assert_line("pqpurge-idx unblock sp", "pqpurge-idx unblock spam.test")
        self.assert_line("pqpurge-idx undo ", "pqpurge-idx undo 1")
        for verb in self.verbs_of_patterns():
            self.assert_line(f"pqpurge-idx {verb} exam", f"pqpurge-idx {verb} {BAD}")
        self.assertEqual(self.assert_offers("pqpurge-idx list ", [BAD]), {BAD, "sub.example.org", "good.test", "else.test"})

    def verbs_of_patterns(self):
        """Every verb whose usage has patterns; those of unblock are rules."""
        verbs = re.findall(r"^  ([a-z]+) ", self.pq.idx("--help").out, re.M)
        taking = [verb for verb in verbs if "PATTERN...]" in self.pq.idx(verb, "--help").out.splitlines()[0]]
        self.assertIn("purge", taking)
        return [*taking, "block"]

    def test_without_an_index(self):
        """No output, rather than an error in the middle of the line."""
        self.pq.stop()
        shutil.rmtree(self.pq.index)
        self.assertEqual(self.shell.complete("pqpurge-idx hold exa"), ("pqpurge-idx hold exa", set()))
        self.assertNotIn("pqpurge-idx:", self.shell.terminal.text)
        self.assert_line("pqpurge-idx stat", "pqpurge-idx status")


class Zsh(ShellCase, RigCase):
    def start_shell(self):
        return Shell(*ZSH, self.pq.home, self.pq.conf)


class Bash(ShellCase, RigCase):
    def start_shell(self):
        return Shell(*BASH, self.pq.home, self.pq.conf)
