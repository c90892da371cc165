# SPDX-License-Identifier: ISC
"""The base of the tests: a shared private Postfix, and for each test a fresh index, a fresh daemon and an empty
queue."""
import concurrent.futures
import functools
import os
import sys
import time
import unittest

from pqpurge import Pqpurge, wire
from rig import PrivatePostfix, until
from smtp import content

BAD = "example.com"


def sized(short, full):
    """A size: the full one if PQPURGE_FULL is set, as by `make torture`."""
    return full if os.environ.get("PQPURGE_FULL") else short


def side_by_side(call, items, jobs=3):
    """Calls call for each item, a few at a time; raises the first exception. For work that mostly waits."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(call, items))


@functools.lru_cache(maxsize=None)
def shared_postfix(long_ids, main, services, default_action):
    """Starting Postfix takes two seconds, so tests that need the same one share it. It ends with the process."""
    postfix = PrivatePostfix(long_ids=long_ids, main=main, services=services)
    wire(postfix, default_action=default_action)
    return postfix.start()


def both_ids(cls):
    """Runs a test class twice: with short and with long queue IDs."""
    name = cls.__name__ + "LongIds"
    twin = type(name, (cls,), {"long_ids": True, "__module__": cls.__module__})
    setattr(sys.modules[cls.__module__], name, twin)
    return cls


def both_ids_at_length(cls):
    """The same where the form of the IDs hardly matters: the runner leaves the twin to `make full`."""
    both_ids(cls)
    getattr(sys.modules[cls.__module__], cls.__name__ + "LongIds").at_length = True
    return cls


def known_defect(words):
    """Marks a test that shows a known defect. It runs, reports the defect on stderr each time, and fails once it
    passes."""
    def mark(test):
        @functools.wraps(test)
        def run(self):
            print(f"KNOWN DEFECT: {self.id()}: {words}", file=sys.stderr, flush=True)
            test(self)
        return unittest.expectedFailure(run)
    return mark


class RigCase(unittest.TestCase):
    """self.postfix runs with our milter; self.pq is an installation whose daemon is up."""

    long_ids = False
    main, services, default_action = "", "", "accept"
    settings = {}
    starts_daemon = True
    maxDiff = None

    def setUp(self):
        self.postfix = shared_postfix(self.long_ids, self.main, self.services, self.default_action)
        self.addCleanup(self.postfix.wipe)
        self.pq = Pqpurge(self.postfix, **self.settings)
        self.addCleanup(self.pq.kill9)
        if self.starts_daemon:
            self.pq.start()

    # ---- sending

    def send(self, sender, recipients="u@dest.test", text=None, *options, **xclient):
        """Sends one message over its own connection; returns its queue ID."""
        with self.postfix.smtp() as client:
            if xclient:
                client.xclient(**xclient)
            return client.message(sender, recipients, content() if text is None else text, *options)

    def send_many(self, sender, count, recipients="u@dest.test", text=None):
        """Sends count messages over one connection; returns their queue IDs in order."""
        with self.postfix.smtp() as client:
            return [client.message(sender, recipients, content() if text is None else text) for _ in range(count)]

    def queue_many(self, sender, count, recipient="u@dest.test", known=True):
        """Puts count messages into the queue: one is sent, the others are its copies. Returns their queue IDs. known: the
        index has rows of all."""
        first = self.send(sender, recipient, content(sender))
        filled = {first} | self.postfix.copies(first, count - 1)
        if known:
            self.assertEqual(self.pq.idx("sync").status, 0)
        return filled

    # ---- looking

    def held(self):
        """The queue IDs in hold."""
        return {name for _, _, files in os.walk(os.path.join(self.postfix.spool, "hold")) for name in files}

    def await_defer_log(self, queue_id):
        """The path of the message's log, once bounce(8) has made it."""
        def find():
            for directory, _, names in os.walk(os.path.join(self.postfix.spool, "defer")):
                if queue_id in names:
                    return os.path.join(directory, queue_id)
            return None
        return until(find, "a defer log")

    # ---- judging

    def in_time(self, *args, seconds=20):
        """Runs the command, which must end within that time; returns its Result."""
        began = time.monotonic()
        result = self.pq.idx(*args)
        self.assertLess(time.monotonic() - began, seconds, f"{args}: {result}")
        return result

    def purge(self, *args, status=0, **options):
        """Runs `purge -y --json`; returns its Result. The exit status must be the expected one."""
        result = self.pq.idx("purge", "-y", "--json", *args, **options)
        self.assertEqual(result.status, status, f"purge {args}: {result}")
        return result

    def assert_purged(self, expected, *args, **options):
        """A purge deletes exactly the expected messages, reports so, and leaves every other message in the queue."""
        expected, before = set(expected), self.postfix.ids()
        result = self.purge(*args, **options)
        self.assertEqual(self.postfix.ids(), before - expected, f"purge {args} left this queue; it said: {result}")
        self.assertEqual(result.with_result("deleted"), expected, f"purge {args}")
        self.assertEqual(result.summary["deleted"], len(expected), f"purge {args}: {result}")
        return result

    def assert_selects(self, expected, *args):
        """A dry run with these arguments selects exactly the expected messages, and touches nothing."""
        before = self.postfix.ids()
        result = self.pq.idx("purge", "-n", "--json", *args)
        self.assertEqual(result.status, 0, f"purge -n {args}: {result}")
        self.assertEqual(result.with_result("would-delete"), set(expected), f"purge -n {args}: {result}")
        self.assertEqual(result.summary["would_delete"], len(set(expected)), f"purge -n {args}: {result}")
        self.assertEqual(self.postfix.ids(), before, f"purge -n {args} touched the queue")
        return result
