# SPDX-License-Identifier: ISC
"""Who opens what, by strace -f: only mail_owner opens queue files, only their owner opens index and account, and while the
daemon runs no command opens the index. Only Postfix's own commands are executed."""
import os
import pwd
import re
import shutil

from case import BAD, RigCase
from pqpurge import TOP, USER
from rig import until
from spool import QUEUES

LOGS = ("bounce", "defer", "trace")  # Postfix's notes on a message, with strangers' words
CALL = re.compile(r"^(\d+) +(\w+)\((.*?)(\) += +(-?\d+)| <unfinished)")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>.*= +(-?\d+)")
TRACED = "open,openat,openat2,execve,setuid,setreuid,setresuid,fork,vfork,clone,clone3"


class Trace:
    """The result of `strace -f`: (uid, path) of every file opened, and the programs executed."""

    def __init__(self, text):
        self.opened, self.executed, uids, started = [], [], {}, {}
        for line in text.splitlines():
            found = CALL.match(line)
            if found and found.group(5) is None:
                started[found.group(1)] = found.group(3)
                if found.group(2).startswith("open"):
                    self.opened.append((uids.get(found.group(1), 0), self.path(found.group(3))))
                continue
            resumed = RESUMED.match(line)
            if found:
                pid, call, words, value = found.group(1), found.group(2), found.group(3), int(found.group(5))
            elif resumed:
                pid, call, value = resumed.group(1), resumed.group(2), int(resumed.group(3))
                words = started.get(pid, "")
                if call.startswith("open"):
                    continue
            else:
                continue
            if call.startswith("open"):
                self.opened.append((uids.get(pid, 0), self.path(words)))
            elif call == "execve" and value == 0:
                self.executed.append(self.path(words))
            elif call.startswith("set") and value == 0:
                uids[pid] = int(re.findall(r"-?\d+", words)[-1])
            elif call in ("fork", "vfork", "clone", "clone3") and value > 0:
                uids.setdefault(str(value), uids.get(pid, 0))

    @staticmethod
    def path(words):
        found = re.search(r'"((?:[^"\\]|\\.)*)"', words)
        return found.group(1) if found else ""


class Traced(RigCase):
    def trace(self, *args, status=(0,)):
        path = os.path.join(self.pq.home, "trace")
        result = self.pq.idx(*args, prefix=(shutil.which("strace"), "-f", "-qq", "-o", path, "-e", "trace=" + TRACED))
        self.assertIn(result.status, status, result)
        with open(path, encoding="utf-8", errors="replace") as file:
            return Trace(file.read())

    def setUp(self):
        super().setUp()
        self.ours = self.send_many("a@example.com", 5)
        self.other = self.send_many("a@good.test", 5)
        self.postfix.settled(10)

    def check(self, *args, status=(0,), must_open=True):
        """must_open: at least queue files and, without a daemon, the index must be seen opened."""
        trace = self.trace(*args, status=status)
        owner, indexer = pwd.getpwnam("postfix").pw_uid, pwd.getpwnam(USER).pw_uid
        spool = re.compile(rf"(^|/)({'|'.join(QUEUES + LOGS)})(/|$)")
        files = [(uid, path) for uid, path in trace.opened if spool.search(path) or
                 os.path.basename(path) in self.ours + self.other]
        self.assertTrue(files or not must_open, "the trace shows no queue file being opened: is it read rightly?")
        self.assertLessEqual({uid for uid, _ in files}, {owner}, files)
        index = [(uid, path) for uid, path in trace.opened if os.path.basename(path).startswith("index.mdb")]
        if self.pq.process:
            self.assertEqual(index, [], "two have the index open")
        else:
            self.assertTrue(index or not must_open, "the trace shows no index being opened")
        theirs = index + [(uid, path) for uid, path in trace.opened if path.startswith((self.pq.index + "/", self.pq.state + "/"))
                          or path in ("lock", "log", "log.lock", "rules", "hits")]
        self.assertLessEqual({uid for uid, _ in theirs}, {indexer}, theirs)
        names = {os.path.basename(path) for path in trace.executed} - {"pqpurge-idx"}
        known = {"postconf", "postsuper", "postqueue"}
        if args[0] in ("status", "metrics"):
            known |= {"postfix", "postfix-script", "master", "postlog", "sed"}  # `postfix status`
        if args[0] == "fleet":
            known |= {"pqpurge-link"}  # it speaks to the database
        self.assertLessEqual(names, known, trace.executed)
        return trace


class Strace(Traced):
    def test_purge(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        trace = self.check("purge", "-y", BAD)
        self.assertEqual(self.postfix.ids(), set(self.other))
        self.assertIn("postsuper", {os.path.basename(path) for path in trace.executed})
        opened = {os.path.basename(path) for _, path in trace.opened}
        self.assertFalse(opened & set(self.other), "a purge opens only the files of what it means, and those not read yet")

    def test_without_the_daemon(self):
        self.pq.stop()
        for words in ("list", "--json", BAD), ("top",), ("why", BAD), ("purge", "-n", BAD), ("hold", "-y", BAD):
            with self.subTest(words):
                self.check(*words)
        for words in ("undo", "-y", "1"), ("sync",), ("status",), ("log",), ("rules",), ("block", "-y", "x.test"):
            with self.subTest(words):
                self.check(*words, status=(0, 2), must_open=False)
        self.check("purge", "-y", BAD)
        self.assertEqual(self.postfix.ids(), set(self.other))

    def test_other_verbs(self):
        """Every message is read as mail_owner, and the index as its owner. No verb is left out."""
        first = self.ours[0]
        readers = (("hold", "-y", BAD), ("show", first), ("release", "-y", BAD), ("list", "--json", BAD), ("why", BAD),
                   ("top", "--by", "recipient"), ("purge", "-n", BAD), ("purge", "-n", "--older", "0s", BAD),
                   ("purge", "-n", "--larger", "1", BAD), ("hold", "-y", "--id", first), ("undo", "-y", "3"), ("report", "--batch", "1"), ("report", BAD))
        others = (("why",), ("sync",), ("status",), ("log",), ("rules",), ("rules", "--test", "a@" + BAD),
                  ("block", "-y", "x.test"), ("unblock", "-y", "x.test"), ("complete", "domains", "exa"), ("complete", "rules"),
                  ("complete", "batches"), ("complete", "log"), ("setup", "-n"), ("retry", "-y", BAD), ("floods",), ("metrics",))
        for words in readers:
            with self.subTest(words):
                self.check(*words)
        for words in others:
            with self.subTest(words):
                self.check(*words, status=(0, 2), must_open=False)
        self.check("fleet", "hosts", status=(1,), must_open=False)  # there is no fleet here
        with open(os.path.join(TOP, "purge/verbs.c"), encoding="ascii") as file:
            verbs = set(re.findall(r'(?m)^\s*\{"(\w+)", "', file.read()))
        # `order` runs one of these verbs in a child; test_door.py has it. screen needs a terminal; test_screen.py has
        # it.
        self.assertEqual(verbs, {words[0] for words in readers + others} | {"purge", "order", "fleet", "screen"})

    def test_what_the_index_does_not_know(self):
        """Then whole messages are read, whoever sent them."""
        self.assertEqual(self.pq.stop(), 0)
        self.ours += self.send_many("a@example.com", 3)
        self.pq.start()
        self.postfix.settled(13)
        self.check("purge", "-n", BAD)
        self.check("purge", "-y", "--limit", "1", BAD)
        self.check("sync", must_open=False)
        self.assertEqual(len(self.pq.listed(BAD)), 7)

    def test_save(self):
        """Content is read and written as mail_owner, and others cannot read it."""
        directory = os.path.join(self.pq.home, "saved")
        self.check("purge", "-y", "--save", directory, BAD)
        saved = os.listdir(directory)
        self.assertEqual(len(saved), len(self.ours), saved)
        for name in saved:
            st = os.stat(os.path.join(directory, name))
            self.assertEqual((st.st_uid, st.st_mode & 0o077), (pwd.getpwnam("postfix").pw_uid, 0), name)
        self.assertEqual(os.stat(directory).st_mode & 0o007, 0)

    def test_list(self):
        trace = self.check("list", "--json", BAD)
        self.assertNotIn("postsuper", {os.path.basename(path) for path in trace.executed})


class StraceBounces(Traced):
    main = "mydestination = here.test\nnotify_classes = bounce\n"

    def test_with_bounces(self):
        self.send("a@example.com", "nobody-of-that-name@here.test")
        until(lambda: [i for i, file in self.postfix.read().items() if file.recipients == ["a@example.com"]], "the bounce")
        self.postfix.settled()
        self.ours = [i for i, file in self.postfix.read().items() if BAD in file.author_domains or
                     file.recipients == ["a@example.com"]]
        left = self.postfix.ids() - set(self.ours)
        self.assertEqual(len(self.ours), 6)
        self.check("purge", "-y", "--with-bounces", BAD)
        self.assertEqual(self.postfix.ids(), left)
