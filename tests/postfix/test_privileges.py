# SPDX-License-Identifier: ISC
"""The way of words from outside, and the rights that are passed on: children keep no descriptor that is not theirs,
nothing of root's is left in the daemon's directories, and sudo gives no more than it says."""
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile

from case import BAD, RigCase
from pqpurge import COMMAND, USER, preload
from rig import COMMANDS, until
from test_stopped import descendants, is_stopped, kill_all



class RootsFiles(RigCase):
    def owners(self):
        return {name: os.lstat(os.path.join(place, name)).st_uid for place in (self.pq.index, self.pq.state)
                for name in os.listdir(place)}

    def check(self):
        user = pwd.getpwnam(USER).pw_uid
        self.assertEqual({n: u for n, u in self.owners().items() if u != user}, {})

    def run_all(self):
        some = sorted(self.postfix.ids())[0]
        for words in (("list", BAD), ("hold", "-y", BAD), ("release", "-y", BAD), ("block", "-y", "x.example"),
                      ("unblock", "-y", "x.example"), ("sync",), ("status",), ("rules",),
                      ("rules", "--test", "a@" + BAD), ("log",), ("show", some), ("top",), ("why", BAD), ("why",), ("report",),
                      ("setup", "-n"), ("complete", "domains"), ("purge", "-n", BAD),
                      ("purge", "-n", "--with-bounces", BAD),
                      ("hold", "-y", "--id", some), ("undo", "-y", "3"), ("report", "--batch", "3"),
                      ("purge", "-y", "--save", os.path.join(self.pq.home, "saved"), "--limit", "1", BAD),
                      ("purge", "-y", BAD)):
            with self.subTest(words):
                result = self.pq.idx(*words)
                self.assertIn(result.status, (0, 2), result)
                self.check()

    def test_with_the_daemon(self):
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.run_all()

    def test_without_the_daemon(self):
        """Then the command writes, but still not as root."""
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.assertEqual(self.pq.stop(), 0)
        self.run_all()
        self.pq.start()
        self.check()

    def test_nothing_there_yet(self):
        """A command that is the first to look makes nothing that the daemon could not open."""
        self.assertEqual(self.pq.stop(), 0)
        for place in self.pq.index, self.pq.state:
            shutil.rmtree(place)
        self.pq.make_directories()
        for words in (("list", BAD), ("status",), ("purge", "-y", BAD), ("block", "-y", "x.example")):
            self.pq.idx(*words)
            self.check()
        self.pq.start()
        self.check()


class PlantedFile(RigCase):
    """The owner of index and state replaces his files by links to a file of root's."""

    VERBS = (("list", BAD), ("block", "-y", "x.example"), ("status",), ("top",), ("log",), ("rules",), ("sync",), ("purge", "-y", BAD))

    def setUp(self):
        super().setUp()
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.assertEqual(self.pq.stop(), 0)
        self.victim = os.path.join(self.postfix.directory, "victim")
        with open(self.victim, "w", encoding="ascii") as file:
            file.write("root's own words\n")

    def plant(self, place, *names):
        for name in names:
            path = os.path.join(place, name)
            if os.path.exists(path):
                os.unlink(path)
            os.symlink(self.victim, path)

    def check(self):
        for words in self.VERBS:
            with self.subTest(words):
                result = self.pq.idx(*words)
                self.assertIn(result.status, (0, 1, 2), result)
                self.assertNotIn("root's own", result.out + result.err, result)
                with open(self.victim, encoding="ascii") as file:
                    self.assertEqual(file.read(), "root's own words\n")
        self.assertEqual(self.postfix.ids(), set(), "mail is deleted all the same")
        st = os.stat(self.victim)
        self.assertEqual((st.st_uid, st.st_mode & 0o777), (0, self.mode))

    def test_links_in_the_index(self):
        for self.mode in 0o600, 0o666:
            os.chmod(self.victim, self.mode)
            self.plant(self.pq.index, "index.mdb", "index.mdb-lock", "lock", "pending", "control.sock")
            self.check()
            self.send("a@example.com")
            self.postfix.settled(1)

    def test_links_in_the_state(self):
        for self.mode in 0o600, 0o666:
            os.chmod(self.victim, self.mode)
            self.plant(self.pq.state, "log", "log.lock", "log.new", "lock", "rules", "rules.new", "hits")
            self.check()
            self.send("a@example.com")
            self.postfix.settled(1)

    def test_files_of_roots(self):
        """Files of root's, as an administrator may leave them."""
        self.mode = 0o644
        os.chmod(self.victim, self.mode)
        for name in os.listdir(self.pq.index):
            os.chown(os.path.join(self.pq.index, name), 0, 0)
        self.check()


class Surroundings(RigCase):
    """The environment that the command inherits from its caller."""

    def setUp(self):
        super().setUp()
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)

    def test_ignored_children(self):
        """With SIGCHLD ignored, no child could be waited for."""
        result = self.purge(BAD, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual((result.summary["deleted"], self.postfix.ids()), (3, set()), result)

    def test_blocked_signals(self):
        result = self.purge(BAD, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))
        self.assertEqual((result.summary["deleted"], self.postfix.ids()), (3, set()), result)

    def test_environment(self):
        """PATH and Postfix's variables lead nowhere."""
        result = self.purge(BAD, env={"PATH": "/nonexistent", "MAIL_CONFIG": "/nonexistent", "MAIL_DEBUG": "1",
                                      "POSTLOG_SERVICE": "x", "TZ": "/nonexistent"})
        self.assertEqual((result.summary["deleted"], self.postfix.ids()), (3, set()), result)

    def test_no_room_for_files(self):
        """`ulimit -f`: a limit that is too small is named, and no message is called gone or deleted."""
        before = self.postfix.ids()
        for words in (("list", BAD), ("purge", "-y", BAD), ("sync",)):
            done = subprocess.run(["prlimit", "--fsize=0", *self.pq.words(*words)], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertIn(done.returncode, (1, 2), (words, done))
            self.assertRegex(done.stderr, r"(?i)file size limit|file too large", words)
            self.assertNotIn("gone", done.stdout)
        self.assertEqual(self.postfix.ids(), before)

    def test_full_output(self):
        """The work was done, but nobody got the report: no success."""
        for words in (("list", BAD), ("list", "--json", BAD), ("status",), ("purge", "-n", BAD), ("purge", "-y", BAD)):
            with self.subTest(words), open("/dev/full", "wb") as full:
                done = subprocess.run(self.pq.words(*words), stdin=subprocess.DEVNULL, stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stderr.count("could not be written"), 1, done.stderr)
        self.assertEqual(self.postfix.ids(), set())

    def test_reader_left(self):
        """As with `| head`: no success, but nobody needs to hear of it."""
        for words in (("list", BAD), ("list", "--json", BAD), ("top",), ("why",), ("show", min(self.postfix.ids())), ("status",)):
            with self.subTest(words):
                reader, writer = os.pipe()
                os.close(reader)
                done = subprocess.run(self.pq.words(*words), stdin=subprocess.DEVNULL, stdout=writer,
                                      stderr=subprocess.PIPE, text=True, timeout=60, check=False)
                os.close(writer)
                self.assertEqual((done.returncode, done.stderr), (2, ""))

    def test_closed_output(self):
        done = subprocess.run(self.pq.words("purge", "-y", BAD), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, timeout=60, check=False, preexec_fn=lambda: os.close(1))
        self.assertEqual((done.returncode, self.postfix.ids()), (2, set()), done.stderr)
        self.assertIn("could not be written", done.stderr)


class Sudo(RigCase):
    """root by sudo(8), for a user whom a sudoers rule lets add -c. The file names programs, so it must be root's."""
    AS = ({"SUDO_UID": "1000"}, {"DOAS_USER": "joe"}, {"PKEXEC_UID": "1000"})

    def setUp(self):
        super().setUp()
        with open(self.pq.conf, encoding="utf-8") as file:
            self.text = file.read()

    def place(self, *, owner=0, mode=0o644, above=0o755, above_owner=0):
        """A directory with a configuration in it; returns its path."""
        directory = tempfile.mkdtemp(dir=self.pq.home)
        path = os.path.join(directory, "pqpurge.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.text)
        os.chown(path, owner, 0)
        os.chmod(path, mode)
        os.chown(directory, above_owner, 0)
        os.chmod(directory, above)
        return path

    def run_with(self, path, environment, by_option=True):
        environment = {"PATH": os.environ["PATH"], **environment, **({} if by_option else {"PQPURGE_CONF": path})}
        words = [COMMAND, *(["-c", path] if by_option else []), "list", "--json"]
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=60, check=False)

    def check(self, path, taken):
        for environment in self.AS:
            for by_option in True, False:
                done = self.run_with(path, environment, by_option)
                self.assertEqual(done.returncode, 0 if taken else 1, (environment, by_option, done))
                if not taken:
                    self.assertIn("must belong to root", done.stderr)

    def test_roots(self):
        self.check(self.place(), True)

    def test_somebodys(self):
        self.check(self.place(owner=1000), False)

    def test_writable(self):
        self.check(self.place(mode=0o666), False)
        self.check(self.place(mode=0o664), False)

    def test_where_others_write(self):
        self.check(self.place(above=0o777), False)
        self.check(self.place(above_owner=1000), False)

    def test_a_link(self):
        """The link's target counts, and nobody may be able to change the link."""
        for path, taken in ((self.place(owner=1000), False), (self.place(), True)):
            link = os.path.join(tempfile.mkdtemp(dir=self.pq.home), "link.conf")
            os.symlink(path, link)
            self.check(link, taken)

    def test_a_pipe(self):
        """/dev/stdin, or a descriptor of the caller's."""
        reader, writer = os.pipe()
        os.fchown(reader, 1000, 0)
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        done = subprocess.run([COMMAND, "-c", f"/dev/fd/{reader}", "list"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "SUDO_UID": "1000"}, pass_fds=[reader], timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done)

    def test_root_itself(self):
        path = self.place(owner=1000)
        for environment in {}, {"SUDO_UID": "0"}, {"SUDO_UID": ""}, {"DOAS_USER": "root"}:
            self.assertEqual(self.run_with(path, environment).returncode, 0, environment)


class Descriptors(RigCase):
    """Descriptors that the caller left open stay with the command itself."""

    def setUp(self):
        super().setUp()
        self.send_many("a@example.com", 5)
        self.postfix.settled(5)
        self.read, self.write = os.pipe()
        self.addCleanup(os.close, self.read)
        self.addCleanup(os.close, self.write)
        self.foreign = os.readlink(f"/proc/self/fd/{self.write}")

    def files_of(self, pid):
        found = {}
        for number in os.listdir(f"/proc/{pid}/fd"):
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
        return found

    def test_reader(self):
        """Of the index, while no daemon runs."""
        self.assertEqual(self.pq.stop(), 0)
        child = subprocess.Popen(self.pq.words("list", "--json", BAD), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, pass_fds=(self.read, self.write),
                                 env={**os.environ, **preload("stop", PQPURGE_STOP_AT="2")})
        self.addCleanup(kill_all, child)
        stopped = until(lambda: [p for p in descendants(child.pid) if is_stopped(p)], "the reader in its transaction")
        files = self.files_of(stopped[0])
        self.assertNotIn(self.foreign, files.values())
        self.assertIn(self.foreign, self.files_of(child.pid).values(), "the test looks at the wrong thing")
        allowed = re.compile(rf"/dev/null|/memfd:|pipe:|{self.pq.index}(/lock|/index\.mdb(-lock)?)?$")
        self.assertEqual([f for f in files.values() if not allowed.match(f)], [])
        with open(f"/proc/{stopped[0]}/status", encoding="ascii") as file:
            words = dict(line.split(":", 1) for line in file)
        user = pwd.getpwnam(USER)
        self.assertEqual(set(words["Uid"].split()), {str(user.pw_uid)})
        self.assertEqual((set(words["Gid"].split()), words["Groups"].split()), ({str(user.pw_gid)}, []))
        os.kill(stopped[0], signal.SIGCONT)

    def test_queue_reader(self):
        """Whichever verb reads the queue; it is mail_owner for good, in no other group."""
        owner, queue_id = pwd.getpwnam("postfix"), sorted(self.postfix.ids())[0]
        allowed = re.compile(rf"/dev/null|/memfd:|pipe:|socket:|{re.escape(self.postfix.spool)}(/.*)?|{self.pq.home}/saved")
        for words in (("list", "--json", BAD), ("show", queue_id), ("why", BAD), ("top", "--by", "recipient"), ("sync",),
                      ("purge", "-n", BAD), ("purge", "-y", "--save", os.path.join(self.pq.home, "saved"), BAD)):
            with self.subTest(words):
                child = subprocess.Popen(self.pq.words(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, pass_fds=(self.read, self.write),
                                         env={**os.environ, **preload("stop", PQPURGE_STOP_USER=str(owner.pw_uid))})
                self.addCleanup(kill_all, child)
                stopped = until(lambda: child.poll() is not None or [p for p in descendants(child.pid) if is_stopped(p)],
                                "a reader of the queue")
                self.assertNotEqual(stopped, True, "no child opened anything as mail_owner")
                files = self.files_of(stopped[0])
                self.assertEqual([f for f in files.values() if f == self.foreign or not allowed.match(f)], [], files)
                with open(f"/proc/{stopped[0]}/status", encoding="ascii") as file:
                    status = dict(line.split(":", 1) for line in file)
                self.assertEqual(set(status["Uid"].split()), {str(owner.pw_uid)})
                self.assertEqual((set(status["Gid"].split()), status["Groups"].split()), ({str(owner.pw_gid)}, []))
                kill_all(child)

    def test_postfix_commands(self):
        """postconf and postsuper get 0, 1 and 2."""
        commands = os.path.join(self.pq.home, "commands")
        os.mkdir(commands)
        seen = os.path.join(self.pq.home, "seen")
        for name in os.listdir(COMMANDS):
            if name.startswith("post"):
                path = os.path.join(commands, name)
                with open(path, "w", encoding="ascii") as file:
                    file.write(f"#!/bin/dash\nls -l /proc/$$/fd >>{seen}\nexec {COMMANDS}/{name} \"$@\"\n")
                os.chmod(path, stat.S_IRWXU | 0o055)
        self.postfix.set(command_directory=commands)
        self.addCleanup(lambda: self.postfix.set(command_directory=COMMANDS))
        done = subprocess.run(self.pq.words("purge", "-y", BAD), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, pass_fds=(self.read, self.write), timeout=60, check=False)
        self.assertEqual(done.returncode, 0)
        with open(seen, encoding="utf-8") as file:
            lines = [line for line in file if " -> " in line]
        self.assertTrue(lines)
        self.assertNotIn(self.foreign, "".join(lines))
        # The shell has its script and its saved descriptors open, from 10 on.
        numbers = {int(line.split(" -> ")[0].split()[-1]) for line in lines} - {10, 11}
        self.assertLessEqual(numbers, {0, 1, 2}, lines)


class HostileWords(RigCase):
    """Shell characters, newlines, ALL, -d and .. have no effect but their meaning as words."""

    words = ("ALL", "-d", "--", "..", "../..", "../../etc/passwd", "/etc/passwd", "$(touch {x})", "`touch {x}`", ";touch {x};",
             "a.example;touch {x}", "a.example\nALL", "ALL\n", "\nALL\n-d", "*", "?", "*.example.com", "%s%n.example",
             "a.example\0ALL".split("\0")[0], "\x1b[31m.example", "|touch {x}", "-", "--all", "-r", "x" * 300, "@", "a@", "\xff.example")
    options = ((), ("--sender",), ("--from",), ("--recipient",), ("--id",), ("--login",), ("--client",), ("--message-id",),
               ("--queue",), ("--reason",))

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 3)) | {self.send("a@good.test")}
        self.postfix.settled(4)
        self.x = os.path.join(self.pq.home, "x")
        self.argv = os.path.join(self.pq.home, "argv")
        commands = os.path.join(self.pq.home, "commands")
        os.mkdir(commands)
        for name in os.listdir(COMMANDS):
            if name.startswith("post") and name != "postsuper":
                os.symlink(os.path.join(COMMANDS, name), os.path.join(commands, name))
        with open(os.path.join(commands, "postsuper"), "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\nfor word; do printf '%s\\n' \"argument $word\"; done >>{self.argv}\n"
                       f"tee -a {self.argv} | {COMMANDS}/postsuper \"$@\"\n")
        os.chmod(os.path.join(commands, "postsuper"), stat.S_IRWXU | 0o055)
        self.postfix.set(command_directory=commands)
        self.addCleanup(lambda: self.postfix.set(command_directory=COMMANDS))

    def check(self, *args, input=None):
        result = self.pq.idx(*args, input=input)
        self.assertIn(result.status, (0, 1, 2), (args, result))
        self.assertFalse(os.path.exists(self.x), args)
        self.assertEqual(self.postfix.ids(), self.ours, (args, result))
        self.assertNotIn("\x1b", result.out + result.err, args)

    def test_everywhere(self):
        for word in self.words:
            word = word.replace("{x}", self.x)
            for option in self.options:
                if word == "--all" and not option:
                    continue  # it means what it says
                if option == ("--reason",):
                    self.check("purge", "-y", "--reason", word, "nothing.example")
                else:
                    self.check("purge", "-y", *option, word)
        self.check("purge", "-y", "--id", "-", input="ALL\n-d\n../../x\n$(touch %s)\n\n \n" % self.x)
        if os.path.exists(self.argv):
            with open(self.argv, encoding="utf-8") as file:
                self.fail("postsuper was run: " + file.read())

    def test_every_verb(self):
        """The worst words in other verbs."""
        for word in ("ALL", "-d", "..", "../../etc/passwd", "$(touch {x})", "`touch {x}`", "a.example\nALL", "\nALL\n-d", "*",
                     "%s%n.example", "\x1b[31m.example"):
            word = word.replace("{x}", self.x)
            for verb in ("hold", "release", "list", "show", "top", "why", "block", "unblock", "undo", "log", "sync",
                         "complete", "status"):
                self.check(verb, "-y", "--", word)
            self.check("rules", "--test", word)
            self.check("complete", "domains", "--", word)
            self.check("block", "-y", "--reason", word, "--text", word, "nothing.example")
        if os.path.exists(self.argv):
            with open(self.argv, encoding="utf-8") as file:
                self.fail("postsuper was run: " + file.read())

    def test_names_in_the_queue(self):
        """Files named like options and commands are in the queue, with mail of the domain in them."""
        one = sorted(self.ours - {i for i, f in self.postfix.read().items() if f.sender != "a@example.com"})[0]
        path = self.postfix.find(one)
        names = ("ALL", "-d", "--", "$(touch x)", ";touch x", "A\nALL", "A B", "*", "\x1b[31m")
        for name in names:
            shutil.copy2(path, os.path.join(self.postfix.spool, "deferred", name))
            os.chown(os.path.join(self.postfix.spool, "deferred", name), pwd.getpwnam("postfix").pw_uid, -1)
            self.addCleanup(lambda n=name: os.unlink(os.path.join(self.postfix.spool, "deferred", n)))
        real = {i for i, f in self.postfix.read().items() if i in self.ours and f.sender == "a@example.com"}
        for words in (("list", BAD), ("sync",), ("purge", "-n", BAD), ("status",)):
            result = self.pq.idx(*words)
            self.assertIn(result.status, (0, 2), result)
            self.assertNotIn("\x1b", result.out + result.err)
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual(result.with_result("deleted"), real, result)
        with open(self.argv, encoding="utf-8") as file:
            given = {line for line in file.read().splitlines() if not line.startswith("argument ")}
        self.assertLessEqual(given, real)
        self.assertLessEqual(set(names), self.postfix.ids())

    def test_what_postsuper_gets(self):
        """It gets our options, `-` and a queue; on its input queue IDs, one a line, and nothing else."""
        result = self.pq.idx("purge", "-y", "--reason", "$(touch %s)\nALL" % self.x, "--json", BAD, "$(x).example")
        self.assertIn(result.status, (0, 1))
        if result.status == 1:
            result = self.pq.idx("purge", "-y", "--reason", "$(touch %s)" % self.x, "--json", BAD)
        self.assertEqual(len(result.with_result("deleted")), 3, result)
        with open(self.argv, encoding="utf-8") as file:
            lines = file.read().splitlines()
        arguments = [line[9:] for line in lines if line.startswith("argument ")]
        self.assertLessEqual(set(arguments), {"-c", self.postfix.etc, "-d", "-", "deferred", "hold"})
        self.assertEqual({line for line in lines if not line.startswith("argument ")}, result.with_result("deleted"))
        self.assertFalse(os.path.exists(self.x))
