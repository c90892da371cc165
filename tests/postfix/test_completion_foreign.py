# SPDX-License-Identifier: ISC
"""Root presses TAB, and strangers chose the names in the index. None of their words may be expanded, run or offered:
neither by our command with a real bash and a real zsh, nor by a command that prints anything at all."""
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import unittest

from case import RigCase
from smtp import content
from test_completion import BASH, ZSH, Shell

# `fire` is the tests' own command, which leaves a file behind.
WORDS = [
    "`fire`", "a`fire`", "`fire`.example", "$(fire)", "a$(fire).example", "${HOME}", "${x:-$(fire)}", "$HOME", "$((1+$(fire)))",
    "a[$(fire)]", "<(fire)", "=(fire)", "*", "*.example", "?", "*(e:fire:)", "~", "~root", "{a,b}.example", ";fire", "a;fire;", "&fire",
    "a|fire", "'fire'", "a'b", "\"fire\"", "a\"b", "\\`fire\\`", "a fire", " fire", "a\nfire", "\nfire", "a\n`fire`\n$(fire)", "a\tb",
    "!!", "#a", "%1", "a:b", "-n", "--yes", "-n.example", "--config=$(fire)", "\x1b[31m.example", "\u00fc.example", "\u202ea.example",
]
# The words after "pqpurge-idx ": every place where something is completed, and some where nothing is.
PLACES = [
    "", "-n ", "purge ", "hold ", "release ", "retry ", "list ", "top ", "why ", "block ", "unblock ", "undo ", "show ", "log ", "rules ",
    "--sender ", "list --sender ", "list --sender=", "hold --from ", "hold --from=", "list --login ", "list --id ", "list --queue ",
    "list --queue=", "top --by ", "block --action ", "block --reason ", "purge --older ", "purge --block=", "list -", "list --",
    "fleet ", "fleet add --as ", "top --fleet=", "top --fleet=a,", "purge -y -- ", "unblock -y ", "undo -y ", "nonsense ", "list x@",
]
# A place for each kind of what is offered.
KINDS = ["", "list ", "list --sender ", "hold --from=", "unblock ", "undo ", "top --by ", "list --", "show "]
# Words that root may have typed. They run when root presses Return, but not at TAB.
TYPED = ["`fire`", "$(fire)", "a`fire`", "\"$(fire)", "\"`fire`", "${x:-$(fire)}", "<(fire)", ";fire;", "$((1+$(fire)))", "a[$(fire)]"]
FILES = ["a`fire`", "b$(fire)", "c;fire;", "d fire", "e'fire'", "f\"fire\"", "g\nfire", "h*", "i~root", "j${HOME}", "k&fire", "l#a", "m\\n",
         "n|fire", "o<(fire)", "p{a,b}", "q=a", "r:b", "s\tb", "t$HOME", "v[fire]"]
FIXED = set("""purge hold release retry list floods show top why block unblock rules sync status setup log undo fleet metrics report screen maildrop incoming active
    deferred sender from recipient login client uid reason REJECT DEFER HOLD DISCARD OK WARN 10m 1h 24h 7d hosts orders order cancel init add
    retire host operator reader""".split())
NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*\Z")
OPTION = re.compile(r"--[a-z][a-z-]*\Z")


class Trapped:
    """A shell whose PATH begins with the test's directory, which has `fire` in it. names: the words that may be
    offered, besides FIXED."""

    thorough = PLACES  # where every word is tried; elsewhere the first two are
    # The beginning of a word at such a place.
    begun = ("", "a", "g", "\\$", "$", "~", "*", "\"", "'", "\"a", "-")

    def set_trap(self):
        self.home = tempfile.mkdtemp(prefix="pqpurge-completion.")
        self.addCleanup(shutil.rmtree, self.home)
        self.commands = os.path.join(self.home, "commands")
        self.fired = os.path.join(self.home, "fired")
        os.mkdir(self.commands)
        self.write_command("fire", f"id -un >>{self.fired}\necho fired.example\n")

    def write_command(self, name, text):
        path = os.path.join(self.commands, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    def start_shell(self, conf):
        self.shell = Shell(*self.shell_words, self.home, conf, before=self.commands)
        self.addCleanup(self.shell.end)

    def harm(self, typed):
        """The faults so far: a list of sentences."""
        if not os.path.exists(self.fired):
            return []
        with open(self.fired, encoding="utf-8") as file:
            users = file.read().split()
        os.unlink(self.fired)
        return [f"{typed!r}: a foreign command ran {len(users)} times as {users[:1]}"]

    def tab(self, typed):
        """The faults at TAB after this text."""
        line, offered = self.shell.complete(typed)
        wrong = self.harm(typed)
        for word in sorted(offered - self.names - FIXED):
            if not OPTION.match(word):
                wrong.append(f"{typed!r}: {word!r} was offered")
        if not re.match(r"[\w.-]*[\"']? ?\Z", line[len(typed):]):  # an open quote is closed
            wrong.append(f"{typed!r} became {line!r}")
        return wrong

    def assert_harmless(self, lines):
        wrong = [one for line in lines for one in self.tab("pqpurge-idx " + line)]
        self.judge(wrong)

    def assert_not_run(self, lines):
        wrong = []
        for line in lines:
            self.shell.complete("pqpurge-idx " + line)
            wrong += self.harm("pqpurge-idx " + line)
        self.judge(wrong)

    def judge(self, wrong):
        if wrong:
            wrong.sort(key=lambda one: "command ran" not in one)
            ran = sum("command ran" in one for one in wrong)
            self.fail("\n".join([f"{len(wrong)} things went wrong, and {ran} times commands ran:", *wrong[:40]]))

    def lines(self, words):
        return [place + word for place in PLACES for word in (words if place in self.thorough else words[:2])]

    def test_every_place(self):
        self.assert_harmless(self.lines(self.begun))

    def test_what_root_types(self):
        """The word that is being completed is not run, either."""
        self.assert_not_run(self.lines(TYPED))


class Filled(RigCase):
    """An index, filled by sendmail(1), by SMTP and by the command."""

    foreign = WORDS

    def setUp(self):
        super().setUp()
        for word in self.foreign:
            self.submit("a@" + word)
            self.send("a@good.test", text=content(f"x <a@{word}>"))
            self.send("a@good.test", LOGIN="".join(f"+{byte:02X}" for byte in word.encode()))
        self.send("a@ok-1.example_x.test")
        self.postfix.settled(3 * len(self.foreign) + 1)
        for word in self.foreign:
            self.pq.idx("block", "-y", "--reason=" + word, "--", "login:" + word)
        self.set_rules(*(rule for word in self.foreign for rule in (
            (word, word), ("a@" + word, word), ("login:@" + word, word), (f"/{word}/", word))))
        self.pq.idx("block", "-y", "--", "spam.test")
        for word in self.foreign[::5]:
            self.pq.idx("hold", "-y", "--reason=" + word, "ok-1.example_x.test")
            self.pq.idx("release", "-y", "ok-1.example_x.test")
        self.listed = {name for m in self.pq.listed("--all").values() for name in [m["sender"], *m["from"]]}
        self.subjects = {rule["pattern"] for rule in self.pq.idx("rules", "--json").lines}
        self.names = {name.rpartition("@")[2] for name in self.listed} | self.subjects | set(map(str, range(1, 1000)))
        self.names = {name for name in self.names if NAME.match(name)}
        self.assert_filled()

    def assert_filled(self):
        """Otherwise the tests would prove nothing."""
        for word in {"`fire`", "a`fire`", "`fire`.example", "*", "~root", "a'b", "--yes", "-n.example", "#a"} & set(self.foreign):
            self.assertIn("a@" + word, self.listed)
        for word in {"`fire`", "$(fire)", "${x:-$(fire)}", "*", "'fire'", "a;fire;", "a|fire"} & set(self.foreign):
            self.assertIn("login:" + word, self.subjects)
        self.assertGreater(len(self.subjects), 2 * len(self.foreign))
        self.assertEqual(len(self.pq.idx("log", "--json").lines), 2 * len(self.foreign[::5]))

    def set_rules(self, *rules):
        """Asks the daemon itself, since a `block` for each would take long. rules are pairs of subject and reason; some
        are refused."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(60)
            control.connect(os.path.join(self.pq.index, "control.sock"))
            answers = control.makefile("rb")
            for subject, reason in rules:
                rule = {"do": "rule-set", "pattern": subject, "action": "REJECT", "author": "root", "reason": reason}
                control.sendall(json.dumps(rule).encode() + b"\n")
                self.assertRegex(answers.readline(), rb'\A{"(ok|error)":')

    def submit(self, sender):
        """sendmail(1) warns about some senders, but takes them."""
        words = ["/usr/sbin/sendmail", "-C", self.postfix.etc, "-f", sender, "--", "u@dest.test"]
        subprocess.run(words, input=b"Subject: x\n\nx\n", stderr=subprocess.DEVNULL, check=True)


class Verb(Filled):
    def test_the_verb(self):
        """The command's output alone is harmless, whatever the shell does with it."""
        for kind in ("domains", "rules", "batches", "log"):
            for prefix in ("", "a", "-", "`", "$", "*", "~", "--"):
                result = self.pq.idx("complete", kind, "--", prefix)
                self.assertEqual((result.status, result.err), (0, ""), f"{kind} {prefix!r}: {result}")
                for line in result.out.splitlines():
                    self.assertRegex(line, r"[0-9]+\Z" if kind in ("batches", "log") else NAME, f"{kind} {prefix!r}: {result}")
                    self.assertIn(line, self.names, f"{kind} {prefix!r}: {result}")
                    self.assertTrue(line.startswith(prefix), f"{kind} {prefix!r}: {result}")


class Index(Trapped):
    """Our command and a real index, shared by all tests, since it takes long to fill. AnyCommand tries every word at every
    place with the same files of the shells."""

    thorough = KINDS
    test_every_place = test_what_root_types = None

    def setUp(self):
        super().setUp()
        self.set_trap()
        self.start_shell(self.pq.conf)

    def test_what_is_offered(self):
        for part in (Trapped.test_every_place, Trapped.test_what_root_types, Index.good_names_are_still_offered):
            with self.subTest(part.__name__):
                part(self)

    def good_names_are_still_offered(self):
        for typed, wanted in (("list ok", "list ok-1.example_x.test"), ("unblock sp", "unblock spam.test"),
                              ("hold --from goo", "hold --from good.test"), ("undo -y 1", "undo -y 1")):
            line, offered = self.shell.complete("pqpurge-idx " + typed)
            self.assertEqual(line.rstrip(), "pqpurge-idx " + wanted, f"offered: {offered}")


class AnyCommand(Trapped):
    """A command that prints anything: the shells' own files let nothing through."""

    not_entered = ""  # initials of directories that the shell alone cannot complete

    def setUp(self):
        super().setUp()
        self.set_trap()
        self.args = os.path.join(self.home, "args")
        self.help = "".join([
            "Verbs:\n  list       show `fire` $(fire) ${HOME} * [a]:b\n",
            *(f"  {word}  text\n  a{word}  text\n" for word in WORDS),
            "\nOptions:\n  -n, --dry-run   `fire` $(fire)\n      --json`fire`   text\n",
            *(f"      {word}  text\n      --a{word}  text\n" for word in WORDS)])
        self.assert_said(self.say(WORDS + ["a" + word for word in WORDS] + ["good.test", "17"]), "complete", "domains")
        self.assert_said(self.help, "list", "--help")
        self.start_shell("/nonexistent")

    def say(self, words):
        """The command prints these words. It starts no process, for it runs a thousand times."""
        text = "".join(word + "\n" for word in words)
        self.write_command("pqpurge-idx", f"""case "$*" in
complete*) printf %s {shlex.quote(text)} ;;
*--help) printf %s {shlex.quote(self.help)} ;;
*) printf '%s\\0' "$@" >>{self.args} ;;
esac
""")
        self.names = {line for line in text.split("\n") if NAME.match(line)}
        return text

    def assert_said(self, text, *args):
        done = subprocess.run([os.path.join(self.commands, "pqpurge-idx"), *args], stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, text.encode())

    def run_line(self, typed):
        """The arguments that the command gets after TAB and Return; none: it was not run."""
        self.shell.enter("pqpurge-idx " + typed)
        if not os.path.exists(self.args):
            return []
        with open(self.args, encoding="utf-8") as file:
            args = file.read().split("\0")[:-1]
        os.unlink(self.args)
        return args

    def test_return(self):
        """Each word alone, so that it would be put into the line; then the line is run."""
        wrong = []
        for word in WORDS:
            self.say(["zz" + word])
            for typed in ("list zz", "list --sender zz", "unblock zz", "undo zz"):
                self.run_line(typed)
                wrong += self.harm(f"{typed!r}, offered {word!r}")
        self.judge(wrong)

    def test_names_of_files(self):
        """Root may name any file, and others choose names of files, too: the name reaches the command unchanged."""
        for top, option, end in (("files", "-c", ""), ("dirs", "--save", "/inner")):
            wrong = []
            for name in FILES:
                path = os.path.join(self.shell.home, top, name)
                os.makedirs(os.path.join(path, "inner") if end else os.path.dirname(path), exist_ok=True)
                if not end:
                    open(path, "w", encoding="utf-8").close()
            for name in FILES:
                if end and name[0] in self.not_entered:
                    continue
                typed = f"list {option} {top}/{name[0]}"
                args = self.run_line(typed + ("\tin" if end else ""))
                wrong += self.harm(typed)
                if [word.rstrip("/") for word in args] != ["list", option, f"{top}/{name}{end}"]:
                    wrong.append(f"{typed!r} became {args}")
            self.judge(wrong)


# After these, zsh offers its own parameters and the names of users.
ZSH_BEGUN = tuple(word for word in Trapped.begun if word not in ("$", "~"))


class BashIndex(Index, Filled):
    shell_words = BASH


class BashIndexOfOne(BashIndex):
    """One word alone, so that an open quote in another one does not get in its way."""

    foreign = ["`fire`"]


class ZshIndex(Index, Filled):
    shell_words, begun = ZSH, ZSH_BEGUN


class BashAnyCommand(AnyCommand, unittest.TestCase):
    shell_words = BASH

    def test_typed_names_of_files(self):
        """zsh itself expands these at TAB wherever it completes file names."""
        self.assert_not_run(f"list {option}{typed}/" for option in ("-c ", "--config=", "--save ", "--save=") for typed in TYPED)


class ZshAnyCommand(AnyCommand, unittest.TestCase):
    shell_words, begun, not_entered = ZSH, ZSH_BEGUN, "gms"
