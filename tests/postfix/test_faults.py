# SPDX-License-Identifier: ISC
"""The command interrupted, run twice, and with Postfix going away meanwhile: only selected mail is gone, and it is
reported."""
import os
import pwd
import random
import re
import shutil
import signal
import subprocess
import time

from case import BAD, RigCase
from pqpurge import preload
from rig import until
from smtp import QUEUED, content
from test_stopped import kill_all

KILLS = int(os.environ.get("PQPURGE_ROUNDS", "3"))  # tests/torture/run sets more


class Purging(RigCase):
    def fill(self, count=400, others=20):
        self.others = set(self.send_many("a@good.test", others))
        self.ours = self.queue_many("a@example.com", count)
        self.postfix.settled(count + others)

    def out(self):
        return os.path.join(self.pq.home, "out")

    def start_purge(self, *args, prefix=()):
        with open(self.out(), "wb") as out:
            return self.pq.idx_start("purge", "-y", "--json", *args, BAD, prefix=prefix, stdout=out, stderr=subprocess.STDOUT)

    def end_it(self):
        """After any event, another purge finishes the work, and others' mail is all there."""
        result = self.purge(BAD)
        self.assertEqual(self.postfix.ids(), self.others, result.summary)


class Interrupted(Purging):
    def killed_at_many_moments(self, number):
        self.fill()
        began = time.monotonic()
        self.pq.idx("purge", "-n", "--json", BAD)
        whole = 2 * (time.monotonic() - began) + 0.2
        for n in range(KILLS):
            child = self.start_purge()
            time.sleep(whole * random.random() * (n + 1) / KILLS)
            if child.poll() is None:
                child.send_signal(number)
            status = child.wait(60)
            until(lambda: not subprocess.run(["pgrep", "-f", f"postsuper.*{self.postfix.etc}"], stdout=subprocess.DEVNULL,
                                             check=False).returncode == 0, "the end of its children")
            left = self.postfix.ids()
            self.assertLessEqual(self.others, left)
            if number == signal.SIGINT:
                self.assertIn(status, (0, 3, -signal.SIGINT))
            if left == self.others:
                self.queue_many("a@example.com", 200)
                self.postfix.settled()
        self.end_it()

    def test_sigkill(self):
        self.killed_at_many_moments(signal.SIGKILL)

    def test_sigint(self):
        self.killed_at_many_moments(signal.SIGINT)

    def test_all_of_it_killed(self):
        """With its children, including postsuper."""
        self.fill()
        for _ in range(min(KILLS, 20)):
            child = self.start_purge()
            time.sleep(random.random() * 0.3)
            kill_all(child)
            self.assertLessEqual(self.others, self.postfix.ids())
        self.end_it()


class EveryStep(Purging):
    """A signal at each call in turn that is a step: files and sockets made, children started, fed and waited for, answers
    read, words written. All runs but the last few find the purge at a different place."""

    CALLS = "openat,pipe2,memfd_create,clone,clone3,vfork,fork,connect,sendto,recvfrom,write,poll,ppoll,wait4,kill"
    POINTS = 24

    def strace(self, *options):
        return (shutil.which("strace"), "-qq", "-o", os.path.join(self.pq.home, "trace"), *options)

    def refill(self):
        if self.postfix.ids() == self.others:
            self.send_many("a@example.com", 6)
            self.postfix.settled(6 + len(self.others))

    def steps(self):
        """Some of the calls in a whole purge, spread evenly, as (name, number among those of that name)."""
        self.start_purge(prefix=self.strace("-e", "trace=" + self.CALLS)).wait(60)
        with open(os.path.join(self.pq.home, "trace"), encoding="utf-8", errors="replace") as file:
            names = [line.partition("(")[0] for line in file]
        found = [(name, n + 1) for name in self.CALLS.split(",") for n in range(names.count(name))]
        self.assertGreater(len(found), self.POINTS)
        return found[::len(found) // self.POINTS]

    def told(self):
        with open(self.out(), encoding="utf-8") as file:
            return set(re.findall(r'"queue_id":"(\w+)"[^\n]*"result":"deleted"', file.read()))

    def at_every_step(self, name):
        self.others = set(self.send_many("a@good.test", 4))
        self.refill()
        ends = set()
        for at in self.steps():
            self.refill()
            before = self.postfix.ids()
            child = self.start_purge(prefix=self.strace("-e", f"inject={at[0]}:signal={name}:when={at[1]}"))
            status = child.wait(60)
            until(lambda: subprocess.run(["pgrep", "-f", f"postsuper.*{self.postfix.etc}"], stdout=subprocess.DEVNULL,
                                         check=False).returncode != 0, "the end of its children")
            gone = before - self.postfix.ids()
            self.assertFalse(gone & self.others, f"{at}")
            ends.add(status)
            if name == "SIGINT" and status in (0, 3):
                self.assertEqual(self.told(), gone, f"{at}: what was told is not what happened")
        self.end_it()
        return ends

    def test_interrupt(self):
        """Before anything has begun, the signal may simply kill it."""
        self.assertLessEqual({3}, self.at_every_step("SIGINT"))

    def test_kill(self):
        self.assertLessEqual({-signal.SIGKILL}, self.at_every_step("SIGKILL"))


class Together(Purging):
    def test_two_purges(self):
        self.fill(1000)
        children = [self.pq.idx_start("purge", "-y", "--json", BAD, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        texts = [child.communicate(timeout=120)[0] for child in children]
        self.assertEqual([child.returncode for child in children], [0, 0], [t[-300:] for t in texts])
        self.assertEqual(self.postfix.ids(), self.others)
        deleted = [{line.split('"')[3] for line in text.splitlines() if '"deleted"' in line and "queue_id" in line}
                   for text in texts]
        self.assertEqual(deleted[0] | deleted[1], self.ours, "each is told by one of them")
        self.assertFalse(deleted[0] & deleted[1], "and by one only")

    def test_under_a_flood(self):
        """Mail of the domain keeps coming: a sweep after its end leaves nothing, and nothing else goes."""
        self.fill(300)
        flood = self.postfix.flood("a@example.com", 800, wait=False)
        try:
            for _ in range(3):
                self.purge(BAD)
                self.assertLessEqual(self.others, self.postfix.ids())
        finally:
            flood.wait(120)
        self.postfix.settled()
        self.end_it()

    def test_purge_while_sync_while_flood(self):
        """All at once, again and again: others' mail stays, no row of present mail is lost, and the end is clean."""
        self.fill(300)
        flood = self.postfix.flood("a@example.com", 800, wait=False)
        try:
            for _ in range(3):
                syncs = [self.pq.idx_start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                         for words in (("sync", "--json"), ("sync", "--json"))]
                purge = self.pq.idx("purge", "-y", "--json", BAD)
                self.assertIn(purge.status, (0, 2), purge)
                for sync in syncs:
                    text = sync.communicate(timeout=120)[0]
                    self.assertIn(sync.returncode, (0, 2), text)
                self.assertLessEqual(self.others, self.postfix.ids())
        finally:
            flood.wait(120)
        self.postfix.settled()
        self.assertLessEqual(self.postfix.ids(), set(self.pq.listed("--index-only")), "what is in the queue is in the index")
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assertEqual(set(self.pq.listed("--index-only")), self.postfix.ids(), "and nothing else")
        self.end_it()


class WithoutPostfix(Purging):
    def tearDown(self):
        if not self.postfix.running:
            self.postfix.start()
        super().tearDown()

    def test_stopped_meanwhile(self):
        self.fill(1000)
        # Postfix 3.7.11's postsuper cannot open the maillog_file of a stopped Postfix unless it owns it.
        os.chown(self.postfix.maillog, pwd.getpwnam("postfix").pw_uid, -1)
        child = self.start_purge()
        self.postfix.stop()
        status = child.wait(120)
        with open(self.out(), encoding="utf-8") as file:
            said = file.read()
        self.assertEqual(status, 0, said[-3000:])
        self.assertEqual(self.postfix.ids(), self.others)
        self.postfix.start()
        self.assertEqual(self.postfix.ids(), self.others)

    def test_restarted_meanwhile(self):
        """The start renames and cleans files and moves mail from active: still exactly the selected mail goes."""
        self.fill(1000)
        child = self.start_purge()
        self.postfix.stop()
        self.postfix.start()
        self.assertIn(child.wait(120), (0, 2))
        self.postfix.settled()
        self.assertLessEqual(self.others, self.postfix.ids())
        self.end_it()


class Clock(RigCase):
    """The daemon's clock is set while mail comes."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.clock = os.path.join(self.pq.home, "clock")
        self.set(0)
        self.pq.start(preload("fault", PQPURGE_CLOCK=self.clock))

    def set(self, seconds):
        with open(self.clock + ".new", "w", encoding="ascii") as file:
            file.write(str(seconds * 1000000))
        os.rename(self.clock + ".new", self.clock)

    def stepped(self, seconds, sender="a@example.com"):
        """A message between whose MAIL and RCPT the clock is set."""
        with self.postfix.smtp() as client:
            client.mail(sender)
            self.set(seconds)
            client.rcpt("u@dest.test")
            return QUEUED.search(client.data(content())[1]).group(1)

    def test_during_a_message(self):
        """T then proves nothing; client, port and sender do."""
        ours = {self.stepped(s) for s in (3600, -3600, 86400, 0)}
        other = self.send("a@good.test")
        self.postfix.settled(5)
        self.assert_purged(ours, BAD)
        self.assertEqual(self.postfix.ids(), {other})

    def test_between_messages(self):
        """A daemon whose clock differs from Postfix's proves nothing; the files themselves match, and others' do
        not."""
        before = set(self.send_many("a@example.com", 3))
        self.set(7200)
        wrong = set(self.send_many("a@example.com", 3))
        self.send_many("a@good.test", 3)
        self.set(0)
        after = set(self.send_many("a@example.com", 3))
        self.postfix.settled(12)
        result = self.assert_purged(before | wrong | after, BAD)
        self.assertEqual({i for i, line in result.messages.items() if line.get("from_queue")}, wrong, result)
