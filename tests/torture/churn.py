#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""churn.py SECONDS: mail passes through a private Postfix for that long. Floods come in; nine of ten messages are
delivered to smtp-sink on loopback; sync runs beside and after them. After each flood the rows must be exactly the
queue's names. Then the remaining mail is deleted, and the index file must stay about as large as after the first
rounds. Prints its figures."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../postfix"))

from pqpurge import Pqpurge, preload, wire  # noqa: E402
from rig import COMMANDS, PrivatePostfix, free_port, until  # noqa: E402

FLOOD, STAYS = 450, 50  # messages of one round
SESSIONS = 10
DOMAINS = 20  # of senders, by turns
FIRST_ROUNDS, ROUNDS_MIN = 3, 6
# The random variation of the greatest number of rows, on a busy machine. Without sync each round would add as much
# again.
GROWTH = 2
EMPTY = 128 << 10  # bytes in use of an index without rows
HOUR = 3700 * 1000000  # microseconds; rows that left are kept for an hour, for mail that a content filter gives back
MAIN = """\
relayhost = [127.0.0.1]:{sink}
defer_transports = lmtp
transport_maps = inline:{{stay.test=lmtp:[127.0.0.1]:1}}
smtp_destination_concurrency_limit = 50
"""


def check(condition, *words):
    if not condition:
        raise SystemExit("churn: " + " ".join(str(w) for w in words))


class Churn:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds
        self.sizes, self.used_bytes, self.passed, self.dropped, self.syncs = [], [], 0, 0, []
        sink = free_port()
        self.postfix = PrivatePostfix(main=MAIN.format(sink=sink))
        self.sink = subprocess.Popen([os.path.join(COMMANDS, "smtp-sink"), "-u", "nobody", f"127.0.0.1:{sink}", "1000"],
                                     stdout=subprocess.DEVNULL)
        self.postfix.guarded("+", self.sink.pid)
        wire(self.postfix)
        self.pq = Pqpurge(self.postfix)
        self.clock = os.path.join(self.pq.home, "clock")
        self.postfix.start()
        self.pq.start(preload("fault", PQPURGE_CLOCK=self.clock))

    def close(self):
        self.pq.kill9()
        self.sink.kill()
        self.sink.wait()
        self.postfix.guarded("-", self.sink.pid)
        self.postfix.close()

    def sync(self):
        began = time.monotonic()
        done = self.pq.idx("sync", "--json")
        check(done.status == 0, done)
        self.syncs.append(time.monotonic() - began)
        said = done.lines[0]["sync"]
        self.dropped += said["dropped"]
        return said

    def hour_passes(self):
        """Advances the daemon's clock, so that it drops rows that left; nothing arrives meanwhile."""
        with open(self.clock, "w", encoding="ascii") as file:
            file.write(str(HOUR))
        least = until(self.is_dropped, "the end of rows of what left")
        os.unlink(self.clock)
        return least

    def is_dropped(self):
        """The bytes in use, once they no longer shrink."""
        before = self.used()
        time.sleep(1.5)  # it checks each second
        return self.used() == before and before

    def used(self):
        return self.pq.idx("status", "--json").lines[0]["status"]["index"]["used_bytes"]

    def flood(self, sender):
        """Sends both kinds side by side, with sync beside them until they are through."""
        sources = [self.postfix.flood(sender, FLOOD, "u@dest.test", SESSIONS, wait=False),
                   self.postfix.flood(sender, STAYS, "u@stay.test", 2, wait=False)]
        while any(source.poll() is None for source in sources):
            self.sync()
        check(all(source.wait() == 0 for source in sources), "smtp-source failed")
        self.passed += FLOOD + STAYS

    def round(self, number):
        sender = f"a@d{number % DOMAINS}.example"
        self.flood(sender)
        self.postfix.settled(STAYS, timeout=120)
        self.sync()
        said = self.sync()
        queue, listed = self.postfix.ids(), set(self.pq.listed("--all"))
        check((said["rows"], said["queued"], said["added"]) == (STAYS, STAYS, 0), f"round {number}:", said)
        check(listed == queue, f"round {number}: rows and queue differ by", sorted(listed ^ queue)[:10])
        selected = self.pq.idx("purge", "-n", "--json", sender)
        check(selected.status == 0 and selected.summary["would_delete"] == STAYS, f"round {number}:", selected)
        self.postfix.postsuper("-d", "-", ids=sorted(queue))  # a purge would leave its traces in the index
        check(not self.postfix.ids(), f"round {number}: not all of it was deleted")
        self.sync()
        self.used_bytes.append(self.hour_passes())
        self.sizes.append(self.pq.index_bytes())

    def run(self):
        began = time.monotonic()
        while time.monotonic() < self.end or len(self.sizes) < ROUNDS_MIN:
            self.round(len(self.sizes))
        until(lambda: self.sync()["rows"] == 0, "an index as empty as the queue")
        first, highest = max(self.sizes[:FIRST_ROUNDS]), max(self.sizes)
        check(highest <= GROWTH * first, f"the index grew: {self.sizes}")
        most = max(self.used_bytes)
        check(most <= EMPTY, f"rows of what left stay: {self.used_bytes}")
        took = time.monotonic() - began
        print(f"{len(self.sizes)} rounds in {took:.0f} s, {self.passed} messages ({self.passed / took:.0f}/s), "
              f"{len(self.syncs)} syncs (slowest {max(self.syncs):.2f} s) dropped {self.dropped} rows; "
              f"index.mdb {first // 1024} KiB after {FIRST_ROUNDS} rounds, {highest // 1024} KiB from round "
              f"{self.sizes.index(highest) + 1} on")


def main():
    churn = Churn(float(sys.argv[1]))
    try:
        churn.run()
    finally:
        churn.close()


main()
