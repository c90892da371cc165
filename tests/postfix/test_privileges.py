# SPDX-License-Identifier: ISC
"""strace -f of the command: queue files are opened by nobody but mail_owner, the index by nobody but its owner, and nothing
but Postfix's own commands is executed."""
import os
import pwd
import re
import shutil

from case import BAD, RigCase
from pqpurge import USER
from spool import QUEUES

CALL = re.compile(r"^(\d+) +(\w+)\((.*?)(\) += +(-?\d+)| <unfinished)")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>.*= +(-?\d+)")
TRACED = "open,openat,execve,setuid,setreuid,setresuid,fork,vfork,clone,clone3"


class Trace:
    """What `strace -f` saw: (uid, path) of every file opened, the programs executed."""

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


class Strace(RigCase):
    def trace(self, *args):
        path = os.path.join(self.pq.home, "trace")
        result = self.pq.idx(*args, prefix=(shutil.which("strace"), "-f", "-qq", "-o", path, "-e", "trace=" + TRACED))
        self.assertEqual(result.status, 0, result)
        with open(path, encoding="utf-8", errors="replace") as file:
            return Trace(file.read())

    def setUp(self):
        super().setUp()
        self.ours = self.send_many("a@example.com", 5)
        self.other = self.send_many("a@good.test", 5)
        self.postfix.settled(10)

    def check(self, *args):
        trace = self.trace(*args)
        owner, indexer = pwd.getpwnam("postfix").pw_uid, pwd.getpwnam(USER).pw_uid
        spool = re.compile(rf"(^|/)({'|'.join(QUEUES)})(/|$)")
        files = [(uid, path) for uid, path in trace.opened if spool.search(path) or
                 os.path.basename(path) in self.ours + self.other]
        self.assertTrue(files, "the trace shows no queue file being opened: is it read rightly?")
        self.assertEqual({uid for uid, _ in files}, {owner}, files)
        index = [(uid, path) for uid, path in trace.opened if path.endswith((".mdb", "/lock"))]
        self.assertTrue(index, "the trace shows no index being opened")
        self.assertEqual({uid for uid, _ in index}, {indexer}, index)
        names = {os.path.basename(path) for path in trace.executed} - {"pqpurge-idx"}
        self.assertLessEqual(names, {"postconf", "postsuper", "postqueue"}, trace.executed)
        return trace

    def test_purge(self):
        trace = self.check("purge", "-y", BAD)
        self.assertEqual(self.postfix.ids(), set(self.other))
        self.assertIn("postsuper", {os.path.basename(path) for path in trace.executed})
        opened = {os.path.basename(path) for _, path in trace.opened}
        self.assertFalse(opened & set(self.other), "a purge opens only the files of what it means")

    def test_list(self):
        trace = self.check("list", "--json", BAD)
        self.assertNotIn("postsuper", {os.path.basename(path) for path in trace.executed})
