#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""passing.py synced SECONDS | unsynced MESSAGES | postfix MESSAGES: mail passes through a queue of QUEUE messages. The
first two carry more than a whole Postfix could on a small machine: passing.c plays Postfix's part, while daemon,
command and Postfix's configuration are real.

synced: RATE messages a second, and `pqpurge-idx sync`, EVERY seconds after the last one. A row of a message that had
left when the last sync began is a fault, and so is a message in the queue without a row.

unsynced: as fast as possible, without sync, on each kind of file system. Each inode that mail has had may have at most
INODE_ROWS rows, and on an ext4 of its own the inodes are as many as there were messages at one time.

postfix: the same with a real Postfix, whose log names the inodes: QUEUE messages are deferred, MESSAGES are delivered
at once.

ON is the spool's place: disk, tmpfs or a word of MAKERS, of which unsynced takes several. The index is in $TMPDIR. ON,
QUEUE, RATE and EVERY come from the environment.

Progress goes to stderr, the verdict to stdout. Mounts vanish with the mount namespace, for which tests/torture/run
calls unshare(1)."""
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../postfix"))

from pqpurge import BUILD, Pqpurge, socket_path, wire  # noqa: E402
from rig import PrivatePostfix  # noqa: E402
from spool import walk  # noqa: E402

QUEUE = int(os.environ.get("QUEUE", "1000"))
RATE = int(os.environ.get("RATE", "1000"))
SESSIONS = 20
EVERY_MAX = 60  # as in pqpurge-sync.timer
LINES = 60  # of progress
ROW, REST = 1 << 10, 256 << 10  # bytes of pages in use: a row with its keys, pages half full; and everything else
# How much the file may grow after its first rounds: pages that a reader still sees are not reused, and on a busy
# machine a reader is slow. Pages that were never reused would exceed this after a minute.
GROWTH = 16 << 20
SYNCS_MIN = 3
NEAR = 1.1  # times the most files at once: the inodes that an ext4 with a journal may have used
INODE_ROWS = 16  # as index/rows/entry.h says
FLOOD = 10000  # messages between two checks
# The queue layout of passing.c.
LAYOUT = {"hash_queue_names": "deferred, defer", "hash_queue_depth": "1", "enable_long_queue_ids": "no"}


def check(condition, *words):
    if not condition:
        raise SystemExit("passing: " + " ".join(str(w) for w in words))


def tell(*words):
    print(*words, file=sys.stderr, flush=True)


# ---- the spool's place

MAKERS = {"ext4": "mkfs.ext4 -q -E nodiscard", "ext4-nojournal": "mkfs.ext4 -q -E nodiscard -O ^has_journal",
          "xfs": "mkfs.xfs -q", "btrfs": "mkfs.btrfs -q"}


def put_spool(kind, directory):
    """Puts the spool on its own file system; disk: in $TMPDIR, where others make files, too."""
    if kind == "tmpfs":
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory], check=True)
    elif kind != "disk":
        image = directory + ".image"
        with open(image, "wb") as file:
            file.truncate(1 << 30)
        subprocess.run([*MAKERS[kind].split(), image], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image, directory], check=True)


# ---- known facts

class Count:
    """The counts of passing.c. most: at one time."""

    def __init__(self, line):
        self.begun, self.answered, self.left, self.most, self.inodes = map(int, line.split())
        self.queue = self.answered - self.left


class Look:
    """The index, between two counts."""

    def __init__(self, passing):
        self.before = passing.count()
        said = passing.index()
        self.rows, self.used = said["rows"], said["used_bytes"]
        file = os.stat(os.path.join(passing.pq.index, "index.mdb"))
        self.size, self.disk = file.st_size, file.st_blocks * 512  # ever written; also of those set aside
        self.after = passing.count()


class Spool:
    """A configured Postfix that does not run, its spool on such a file system, and the daemon."""

    def __init__(self, spool, main=""):
        self.spool = spool
        self.postfix = PrivatePostfix(main=main)
        wire(self.postfix)
        self.postfix.configure()
        put_spool(spool, self.postfix.spool)
        self.postfix.run("postfix", "check")  # makes the queue's directories
        for name, value in LAYOUT.items():
            check(self.postfix.run("postconf", "-h", name).stdout.strip() == value, name, "is not", value)
        self.pq = Pqpurge(self.postfix, index_map_size="1G")  # never so full that old rows must go
        self.pq.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pq.kill9()
        self.postfix.stop()
        if os.path.ismount(self.postfix.spool):
            subprocess.run(["umount", "-l", self.postfix.spool], check=False)
        self.postfix.close()

    def index(self):
        return self.pq.idx("status", "--json").lines[0]["status"]["index"]


class Passing(Spool):
    """passing.c at work in it."""

    def __init__(self, spool, rate):
        super().__init__(spool)
        self.program = subprocess.Popen(
            [os.path.join(BUILD, "torture/passing"), self.postfix.spool, "postfix", socket_path(self.postfix),
             str(QUEUE), str(rate), str(SESSIONS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __exit__(self, *failure):
        self.program.kill()
        self.program.wait()
        super().__exit__(*failure)

    def command(self, words):
        self.program.stdin.write(words + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        check(line, "passing.c has ended")
        return Count(line)

    def count(self):
        return self.command("count")

    def through(self, messages):
        """Lets that many come in, and waits until the last one is in the queue."""
        wanted = self.count().begun + messages
        self.command(f"go {messages}")
        while self.count().answered < wanted:
            time.sleep(0.1)

    def sync(self, *options):
        done = self.pq.idx("sync", "--json", *options)
        check(done.status == 0, done)
        said = done.lines[0]["sync"]
        return said

    def agree(self):
        """While nothing comes or goes: after a sync rows and queue have the same messages."""
        self.command("hold")
        self.sync()
        queue, rows = self.postfix.ids(), set(self.pq.listed("--all"))
        check(len(queue) == QUEUE, "the queue holds", len(queue))
        check(rows == queue, "rows and queue differ by", sorted(rows ^ queue)[:10])
        check(self.sync()["rows"] == QUEUE, "there are rows beside those of the queue")


# ---- with sync

class Synced(Passing):
    """seconds of mail. looks: (when, what, whether a sync had just ended)."""

    def __init__(self, spool, seconds, every):
        super().__init__(spool, RATE)
        self.seconds, self.every = seconds, every
        self.left, self.syncs, self.slowest, self.looks = 0, 0, 0, []

    def sync_beside(self):
        before, began = self.count(), time.monotonic()
        self.sync()
        self.left, self.syncs = before.left, self.syncs + 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def look(self, synced):
        """Each message that is in the queue all the time has a row, and none that left before the last sync has one. But
        rows are kept for an hour more if a filter's mail could need them, which takes room."""
        at, now = Look(self), time.monotonic() - self.began
        least, most = at.before.answered - at.after.left, at.after.begun - self.left
        check(least <= at.rows <= most, at.rows, "rows, which can be", least, "to", most)
        check(at.used <= REST + ROW * at.after.begun, at.used, "bytes of pages in use for", at.after.begun, "messages")
        self.looks.append((now, at, synced))
        tell(f"{now:5.0f} s {at.after.answered:7} messages {at.after.answered / now:5.0f}/s  queue {at.after.queue:5}  "
             f"rows {at.rows:6}  pages in use {at.used >> 10:6} of {at.size >> 10:6} KiB ({at.disk >> 10} on disk)"
             f"{'  synced' if synced else ''}")

    def churn(self):
        self.began = time.monotonic()
        end, due = self.began + self.seconds, self.began + self.every
        step = max(1, self.seconds / LINES)
        self.command(f"go {10 ** 12}")
        while time.monotonic() < end or self.syncs < SYNCS_MIN:
            time.sleep(max(0, min(step, due - time.monotonic())))
            synced = time.monotonic() >= due
            if synced:
                self.sync_beside()
                due = time.monotonic() + self.every
            self.look(synced)
        took, passed = time.monotonic() - self.began, self.command("hold").answered
        return f"{passed} messages in {took:.0f} s ({passed / took:.0f}/s)"

    def verdict(self, passed):
        rows = [at.rows for _, at, _ in self.looks]
        ends = [(when, at) for when, at, synced in self.looks if synced]
        after = [at.rows for _, at in ends]
        early = [at for when, at, _ in self.looks if when <= max(self.seconds / 5, ends[1][0])][-1]
        last = self.looks[-1][1]
        grown = ROW * (last.after.begun - early.after.begun)  # of mail that left in the last hour
        check(last.size <= early.size + grown + GROWTH, f"the index file grew from {early.size} to {last.size} bytes")
        return (f"{passed} through a queue of {QUEUE} on {self.spool}: at most {max(rows)} rows, after each of {self.syncs} "
                f"syncs (slowest {self.slowest:.2f} s) {min(after)} to {max(after)}; index.mdb "
                f"{early.size >> 10} KiB ({early.disk >> 10} on disk) after a fifth of the time, {last.size >> 10} KiB "
                f"({last.disk >> 10}) at the end; load average {os.getloadavg()[0]:.1f}")


def synced(seconds):
    every = float(os.environ.get("EVERY", min(EVERY_MAX, seconds / 10)))
    with Synced(os.environ.get("ON", "disk"), seconds, every) as passing:
        passed = passing.churn()
        passing.agree()
        print(passing.verdict(passed))


# ---- without

def check_rows(spool, rows, messages, inodes, most):
    """A newcomer replaces no row, since nobody has read its file; but only a bounded number of rows is kept for an
    inode."""
    check(inodes <= rows <= min(messages, INODE_ROWS * inodes), rows, "rows of", messages, "messages on", inodes, "inodes")
    check(spool != "ext4" or inodes <= NEAR * most, inodes, "inodes, and at most", most, "messages at one time")


def unsynced(messages):
    told = []
    for spool in os.environ.get("ON", "disk ext4 tmpfs").split():
        with Passing(spool, 0) as passing:
            began = time.monotonic()
            passing.through(messages)
            took, at = time.monotonic() - began, Look(passing)
            tell(f"{spool}: {messages} messages, {messages / took:.0f}/s, at most {at.after.most} at one time: {at.rows} rows of "
                 f"{at.after.inodes} inodes, pages in use {at.used >> 10} KiB")
            check_rows(spool, at.rows, at.after.begun, at.after.inodes, at.after.most)
            passing.agree()
            told.append(f"{at.rows} on {spool}")
    print(f"{messages} messages through a queue of {QUEUE} without sync, rows: {', '.join(told)}")


class Delivering(Spool):
    """A real Postfix that keeps mail to stay.test and delivers the rest to discard(8)."""

    MAIN = "transport_maps = inline:{dest.test=discard:}\n"
    ARRIVED = re.compile(r" postfix/cleanup\[\d+\]: [0-9A-F]{5}([0-9A-F]+): message-id=")

    def __init__(self, spool):
        super().__init__(spool, self.MAIN)
        self.inodes, self.read, self.most = set(), 0, 0

    def fill(self):
        self.postfix.start()
        self.flood(QUEUE, "u@stay.test")

    def flood(self, messages, recipient):
        child = self.postfix.flood("a@example.com", messages, recipient, SESSIONS, wait=False)
        while child.poll() is None:
            self.most = max(self.most, sum(1 for _ in walk(self.postfix.spool)))
            time.sleep(0.02)
        check(child.returncode == 0, "smtp-source failed")
        self.postfix.settled(QUEUE, timeout=600)
        with open(self.postfix.maillog, encoding="utf-8", errors="replace") as log:
            log.seek(self.read)
            self.inodes.update(int(inode, 16) for inode in self.ARRIVED.findall(log.read()))
            self.read = log.tell()


def real(messages):
    with Delivering(os.environ.get("ON", "ext4")) as postfix:
        postfix.fill()
        began, sent = time.monotonic(), 0
        while sent < messages:
            postfix.flood(min(FLOOD, messages - sent), "u@dest.test")
            sent += min(FLOOD, messages - sent)
            rows, inodes = postfix.index()["rows"], len(postfix.inodes)
            told = (f"{sent} messages, {sent / (time.monotonic() - began):.0f}/s, through a real Postfix beside {QUEUE} "
                    f"deferred, without sync, on {postfix.spool}: {rows} rows of {inodes} inodes; at most {postfix.most} "
                    "messages were seen at one time")
            tell(told)
            # Between two looks at the queue each session may have had one more there, and cleanup(8) another one.
            check_rows(postfix.spool, rows, sent + QUEUE, inodes, postfix.most + 2 * SESSIONS)
        print(told)


MODES = {"synced": synced, "unsynced": unsynced, "postfix": real}
MODES[sys.argv[1]](int(sys.argv[2]))
