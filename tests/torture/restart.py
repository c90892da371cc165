#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""restart.py SECONDS: the daemon is started and stopped for that long, on a private Postfix, while list, sync, status and
purge run beside it. A process that opens the index while another closes it must wait, and neither fail nor lose a row:
each message that came in while the daemon was ready is in the index, before the daemon stops and after. Prints its
figures."""
import collections
import os
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../postfix"))

from pqpurge import Pqpurge, wire  # noqa: E402
from rig import PrivatePostfix  # noqa: E402
from smtp import content  # noqa: E402

PATIENCE = 60  # seconds that a command may take on a busy machine; a hang takes longer
EACH = 4       # messages of each kind while the daemon is up
KEPT_MAX = 200  # messages that stay in the queue
STAYS, GOES = "stays.test", "goes.test"
VERBS = (("list", "--json"), ("sync",), ("status", "--json"), ("purge", "-y", "--json", GOES))
WRONG = ("Invalid argument", "EINVAL", "set aside", "could not be recorded", "Sanitizer")


class Restart:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds
        self.ran, self.trouble, self.starts, self.sent = collections.Counter(), [], 0, 0
        self.postfix = PrivatePostfix()
        wire(self.postfix)
        self.pq = Pqpurge(self.postfix)
        self.postfix.start()

    def close(self):
        self.pq.kill9()
        self.postfix.close()

    def judge(self, words, result):
        """status finds no daemon half of the time."""
        allowed = (0, 2) if words[0] == "status" else (0,)
        if result.status not in allowed or any(word in result.out + result.err for word in WRONG):
            self.trouble.append(f"{' '.join(words)}: {result}")

    def idx(self, *words):
        result = self.pq.idx(*words, timeout=PATIENCE)
        self.ran[words[0]] += 1
        self.judge(words, result)
        return result

    def commands(self, words):
        try:
            while time.monotonic() < self.end and not self.trouble:
                self.idx(*words)
        except subprocess.TimeoutExpired:
            self.trouble.append(f"{' '.join(words)}: no end after {PATIENCE} s")
        except Exception:  # noqa: B902
            self.trouble.append(traceback.format_exc())

    def indexed(self):
        return set(self.idx("list", "--json", "--index-only", STAYS).messages)

    def expect(self, ids, when):
        missing = ids - self.indexed()
        if missing:
            self.trouble.append(f"{when}, {len(missing)} of {len(ids)} rows are missing: {sorted(missing)[:5]}")

    def cycle(self, kept):
        """One life of the daemon; adds to the messages that must be in the index."""
        self.pq.start()
        self.starts += 1
        with self.postfix.smtp() as client:
            for _ in range(EACH):
                kept.add(client.message(f"a@{STAYS}", "u@dest.test", content()))
                client.message(f"a@{GOES}", "u@dest.test", content())
        self.sent += 2 * EACH
        self.expect(kept, "while the daemon runs")
        if len(kept) > KEPT_MAX:
            self.idx("purge", "-y", "--json", STAYS)
            kept.clear()
        if self.pq.stop() != 0:
            self.trouble.append("the daemon did not end well")
        self.expect(kept, "after the daemon stopped")

    def run(self):
        threads = [threading.Thread(target=self.commands, args=(words,), daemon=True) for words in VERBS]
        for thread in threads:
            thread.start()
        kept = set()
        while time.monotonic() < self.end and not self.trouble:
            self.cycle(kept)
        for thread in threads:
            thread.join(2 * PATIENCE)
        self.trouble += [f"the log: {line}" for line in self.pq.log().splitlines() if any(word in line for word in WRONG)]
        self.postfix.settled()
        if not self.trouble:
            self.idx("sync")
            here, told = self.postfix.ids(), set(self.pq.listed("--index-only"))
            if here != told:
                self.trouble.append(f"at the end {len(here - told)} rows are missing, {len(told - here)} too many")


def main():
    restart = Restart(float(sys.argv[1]))
    try:
        restart.run()
    except Exception:  # noqa: B902
        restart.trouble.append(traceback.format_exc())
    finally:
        log = restart.pq.log()[-3000:] if os.path.exists(restart.pq.logfile) else ""
        restart.close()
    ran = ", ".join(f"{count} {verb}" for verb, count in sorted(restart.ran.items()))
    if restart.trouble:
        sys.exit("restart: " + "\n".join(restart.trouble[:5]) + f"\n{log}\nafter {restart.starts} starts, {ran}")
    print(f"{restart.starts} starts beside {ran}; {restart.sent} messages, no row lost")


main()
