# SPDX-License-Identifier: ISC
"""The rig alone, without our programs: its view of a queue is Postfix's, and it cleans up however it ends."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import spool
from pqpurge import BUILD, TOP
from rig import HERE, PrivatePostfix, until
from smtp import content

CHILD = """
import os, sys
sys.path.insert(0, sys.argv[1])
from rig import PrivatePostfix
with PrivatePostfix() as postfix:
    print(postfix.directory, postfix.memory, postfix.master_pid(), flush=True)
    os.kill(os.getpid(), int(sys.argv[2]))
    input()
"""


class Reading(unittest.TestCase):
    def check(self, long_ids):
        with PrivatePostfix(long_ids=long_ids) as postfix:
            with postfix.smtp() as client:
                client.xclient(ADDR="192.0.2.7", LOGIN="joe")
                first = client.message("a@B.test", ["x@y.test", "z@y.test"], content("G: c@d.test, \"e, f\" <g@h.test>;"))
            postfix.sendmail("", ["x@y.test"], content())
            postfix.settled(2)
            ours, theirs = postfix.read(), {line["queue_id"]: line for line in postfix.queue()}
            self.assertEqual(set(ours), set(theirs))
            for queue_id, file in ours.items():
                line = theirs[queue_id]
                self.assertEqual((file.sender or "MAILER-DAEMON", file.size, int(file.arrival), file.recipients),
                                 (line["sender"], line["message_size"], line["arrival_time"],
                                  [r["address"] for r in line["recipients"]]))
            file = ours[first]
            self.assertEqual(len(first) < 13, not long_ids)
            self.assertEqual(file.from_addresses, ["c@d.test", "g@h.test"])
            self.assertEqual(file.author_domains, {"b.test", "d.test", "h.test"})
            self.assertEqual((file.attributes["sasl_username"], file.attributes["client_address"]), ("joe", "192.0.2.7"))

    def test_short_ids(self):
        self.check(False)

    def test_long_ids(self):
        self.check(True)

    def test_records_follow_pointers(self):
        data = b"S\x01a" + b"p\x0210" + b"X\x01b" + b"N\x01c" + b"E\x00"
        self.assertEqual(list(spool.records(data)), [("S", b"a"), ("N", b"c"), ("E", b"")])


class Parked(unittest.TestCase):
    """Mail that is tried after all, as by the verb retry, stays deferred: a bounce would come into a later test."""

    def test_forced_try(self):
        with PrivatePostfix() as postfix:
            with postfix.smtp() as client:
                ours = {client.message("a@example.com", "u@dest.test", content()) for _ in range(3)}
            postfix.settled(3)
            for queue_id in ours:
                postfix.run("postqueue", "-i", queue_id)
            tries = {queue_id: f"{queue_id}: to=<u@dest.test>, relay=none" for queue_id in ours}
            until(lambda: all(postfix.log().count(words) == 2 for words in tries.values()), "another try of each")
            postfix.settled(3)
            self.assertEqual(postfix.ids(), ours)
            self.assertNotIn("status=bounced", postfix.log())


class Ending(unittest.TestCase):
    def check(self, number):
        with subprocess.Popen([sys.executable, "-c", CHILD, HERE, str(number)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            *directories, pid = child.stdout.readline().split()
            child.wait(60)
            until(lambda: not any(map(os.path.exists, directories)), "the end of the rig's directories")
            until(lambda: not os.path.exists(f"/proc/{pid}"), "master's end")

    def test_interrupt(self):
        self.check(2)

    def test_kill_9(self):
        self.check(9)

    def test_terminate(self):
        self.check(15)


class Closed(unittest.TestCase):
    """A checkout below a directory that other users cannot enter, as the daemon would have to. That is reported at once,
    not by one failing test after the other."""

    def check(self, directory, *words):
        with tempfile.TemporaryDirectory() as closed:  # 0700
            place = os.path.join(closed, "pqpurge")
            shutil.copytree(os.path.join(TOP, "tests"), os.path.join(place, "tests"),
                            ignore=shutil.ignore_patterns("corpus", "__pycache__"))
            done = subprocess.run([os.path.join(place, "tests", directory, "run"), BUILD, *words], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, cwd=place, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stdout + done.stderr, "0700, such as /root")

    def test_postfix(self):
        self.check("postfix", "test_rig.Reading")

    def test_protocol(self):
        self.check("protocol", "test_life")


class Counting(unittest.TestCase):
    """tests/unit/run says how many tests passed and failed; cmocka names a failed one twice."""
    GOOD = "[       OK ] test_a\n[       OK ] test_b\n"
    BAD = GOOD + ("[  FAILED  ] test_c\n[==========] 3 test(s) run.\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] test_c\n"
                  "\n 1 FAILED TEST(S)\n")

    def program(self, text, status):
        path = os.path.join(self.directory.name, f"test_{len(os.listdir(self.directory.name))}")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\ncat <<'E' >&2\n{text}E\nexit {status}\n")
        os.chmod(path, 0o755)
        return path

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def check(self, programs, passed, failed):
        done = subprocess.run([os.path.join(TOP, "tests/unit/run"), *(self.program(*p) for p in programs)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.stdout.splitlines()[-1], done.returncode != 0),
                         (f"tests/unit: {passed} passed, {failed} failed", failed > 0 or passed == 0))

    def test_good(self):
        self.check([(self.GOOD, 0), (self.GOOD, 0)], 4, 0)

    def test_a_failure_counts_once(self):
        self.check([(self.GOOD, 0), (self.BAD, 1)], 4, 1)

    def test_two_programs_with_a_test_of_one_name(self):
        self.check([(self.BAD, 1), (self.BAD, 1)], 4, 2)

    def test_a_crash_is_a_failure(self):
        self.check([(self.GOOD, 139)], 2, 1)

    def test_nothing_is_no_success(self):
        self.check([], 0, 0)


class Again(unittest.TestCase):
    """The runner gives a wait that ended in vain one more try, and no other failure."""
    SUITE = """
import os, unittest
class A(unittest.TestCase):
    def test_late(self):
        if not os.path.exists("late"):
            os.mkdir("late")
            raise TimeoutError("waited 60 s in vain for: mail")
    def test_wrong(self):
        {wrong}
"""

    def check(self, wrong, last):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "test_it.py"), "w", encoding="ascii") as file:
                file.write(self.SUITE.format(wrong=wrong))
            done = subprocess.run([sys.executable, os.path.join(HERE, "runner.py")], cwd=directory, capture_output=True, text=True,
                                  env=os.environ | {"PYTHONPATH": directory, "SUITE": "it", "JOBS": "2"}, timeout=60, check=False)
        self.assertEqual((done.stdout.splitlines()[-1], done.returncode), (f"it: {last}", 0 if "0 failed" in last else 1))
        return done.stdout

    def test_late(self):
        self.assertIn("once more alone: test_it.A.test_late\n", self.check("pass", "2 passed, 0 failed"))

    def test_late_beside_a_failure(self):
        self.assertNotIn("once more", self.check("self.fail()", "0 passed, 2 failed"))

    def test_late_each_time(self):
        self.check("raise TimeoutError('waited 60 s in vain for: more')", "1 passed, 1 failed")


class AtLength(unittest.TestCase):
    """What is left out is named, and run when asked for."""
    SUITE = """
import unittest
class A(unittest.TestCase):
    def test_short(self):
        pass
class ALongIds(A):
    at_length = True
"""

    def run_it(self, *names):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "test_it.py"), "w", encoding="ascii") as file:
                file.write(self.SUITE)
            done = subprocess.run([sys.executable, os.path.join(HERE, "runner.py"), *names], cwd=directory, capture_output=True,
                                  text=True, env=os.environ | {"PYTHONPATH": directory, "SUITE": "it", "JOBS": "2"}, timeout=60,
                                  check=True)
        return [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("ok")], done.stdout

    def test_left_out(self):
        ran, words = self.run_it()
        self.assertEqual(ran, ["test_it.A.test_short"])
        self.assertIn("it: 1 tests with long queue IDs are left to `make full`\n", words)

    def test_asked_for(self):
        self.assertEqual(self.run_it("--at-length")[0], ["test_it.ALongIds.test_short"])

    def test_by_name(self):
        self.assertEqual(self.run_it("test_it.ALongIds")[0], ["test_it.ALongIds.test_short"])
