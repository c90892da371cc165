# SPDX-License-Identifier: ISC
"""Rules are replaced hundreds of times (PQPURGE_FULL: a thousand) while mail comes in. Every message gets the right
verdict, and the daemon frees what it replaced."""
import os
import re
import signal
import threading

import milter_client as mc
from daemon import MILTER, DaemonCase, until
from milter_client import queue_id

RELOADS, CLIENTS, RULES = 1000 if os.environ.get("PQPURGE_FULL") else 300, 4, 300
ROUNDS = 8        # messages of each client during one replacement; the index must keep all rows
WRONG_EVERY = 10  # every so many reloads one with a wrong file
WARM = 100        # reloads before memory and descriptors are first measured


def sanitized():
    with open(MILTER, "rb") as f:
        program = f.read()
    return any(name in program for name in (b"__asan_init", b"__tsan_init"))


# Rules leaked at each reload would be ten times the first limit. The second only shows that there is an end, since
# sanitizers keep freed memory.
GROWTH_MAX = (400 if sanitized() else 16) << 20


class Sender(threading.Thread):
    """One connection, message after message: good, refused at MAIL, held, refused for its header."""

    def __init__(self, daemon, number):
        super().__init__()
        self.daemon_under_test, self.number = daemon, number
        self.stopping = threading.Event()
        self.may = threading.Semaphore(0)
        self.passed, self.refused, self.held, self.wrong = [], 0, 0, []

    def run(self):
        try:
            with self.daemon_under_test.client() as client:
                client.connect()
                while not self.wrong:
                    self.may.acquire()
                    if self.stopping.is_set():
                        break
                    self.round(client)
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(repr(error))

    def expect(self, answer, reply, text=""):
        if answer[0] != reply or not answer[1].startswith(text):
            self.wrong.append(answer)

    def round(self, client):
        number = self.number + CLIENTS * len(self.passed)
        self.expect(client.message(queue_id(number), "<a@fine.example>", headers=[("From", "b@fine.example")]), mc.CONTINUE)
        self.passed.append(queue_id(number))
        self.expect(client.message(queue_id(1), "<a@bad.example>"), mc.REPLY, "550 5.7.1 go away")
        self.expect(client.message(queue_id(1), "<a@fine.example>", headers=[("From", "x <b@bad.example>")]), mc.REPLY,
                    "550 5.7.1 go away")
        self.refused += 2
        number = self.number + CLIENTS * len(self.passed)
        answer = client.message(queue_id(number), "<a@held.example>")
        self.expect(answer, mc.CONTINUE)
        self.held += [m[0] for m in answer[2]] == [mc.HOLD]
        self.passed.append(queue_id(number))


class Thousand(DaemonCase):
    def text(self, turn):
        """Never the same file twice. All of them have the senders' rules, and one rule that no reload removes."""
        lines = ["d%d.n%d.example REJECT\n" % (n, turn) for n in range(RULES)]
        lines.insert(turn % RULES, "bad.example REJECT go away\n")
        lines.insert(turn % 7, "held.example HOLD\n")
        lines.append("/^(a|b)+@n%d/ REJECT\n" % turn)
        return "".join(lines) + ("what is this\n" if turn % WRONG_EVERY == 0 else "")

    def size(self):
        """(resident bytes of anonymous memory, open descriptors)"""
        of = "/proc/%d/" % self.daemon.process.pid
        with open(of + "status") as f:
            rss = int(re.search(r"^RssAnon:\s+(\d+) kB", f.read(), re.M).group(1)) << 10
        return rss, len(os.listdir(of + "fd"))

    def reload(self, turn):
        """Returns once the log says that the file was taken, or was not; the daemon may read it once more without
        being asked."""
        before = self.reloads, self.refusals
        self.daemon.rules(self.text(turn))
        self.daemon.process.send_signal(signal.SIGUSR1)
        if turn % WRONG_EVERY == 0:
            self.follow(lambda: self.refusals > before[1])
        else:
            self.follow(lambda: self.reloads > before[0])

    def follow(self, done):
        """Reads on in the log until done."""
        def look():
            for line in self.lines:
                self.reloads += "rules reloaded" in line
                self.refusals += "stay in force" in line
            return done()
        self.assertTrue(until(look), "no reload was seen: " + self.daemon.log[-2000:])

    def test_under_load(self):
        self.reloads = self.refusals = 0
        self.daemon.rules(self.text(1))
        self.daemon.start()
        self.lines = open(self.daemon.log_file, errors="replace")
        self.addCleanup(self.lines.close)
        senders = [Sender(self.daemon, n) for n in range(CLIENTS)]
        for sender in senders:
            sender.start()
        before = None
        for turn in range(1, RELOADS + 1):
            for sender in senders:
                sender.may.release(ROUNDS)
            self.reload(turn)
            if turn == WARM:
                before = self.size()
        after = self.size()
        for sender in senders:
            sender.stopping.set()
            sender.may.release()
        for sender in senders:
            sender.join(60)
        self.assertEqual([[]] * CLIENTS, [sender.wrong for sender in senders])
        self.assertGreaterEqual(self.reloads + self.refusals, RELOADS)
        self.assertEqual(self.refusals, self.daemon.log.count("%s:%d: " % (self.daemon.rules_file, RULES + 4)))
        passed = [i for sender in senders for i in sender.passed]
        self.assertGreater(len(passed), RELOADS, "that was no load")
        self.assertEqual(sum(sender.held for sender in senders), len(passed) // 2)
        self.assertEqual(before[1], after[1], "descriptors")
        self.assertLess(after[0] - before[0], GROWTH_MAX)
        self.assertEqual(RULES + 3, self.daemon.status()["rules"])
        hits = self.daemon.hits()
        self.assertEqual([sum(s.refused for s in senders), len(passed) // 2],
                         [hits[k] for k in ("bad.example", "held.example")])
        self.assertEqual(0, self.daemon.stop())
        self.assertEqual(set(passed), set(self.daemon.messages()))
        self.daemon.rules(self.text(1))  # the last one was wrong
        self.daemon.start()
        again = self.daemon.hits()
        self.assertEqual([hits[k] for k in ("bad.example", "held.example")], [again[k] for k in ("bad.example", "held.example")])
