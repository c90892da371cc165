# SPDX-License-Identifier: ISC
"""The cost of a redraw of `screen`: CPU of the command with its children, and of the daemon."""
import os
import pty
import select
import threading
import time

from common import keep, measured, show, stop

MESSAGES = [int(s) for s in os.environ.get("SCREENS", "300000").split()]
SYNCS = int(os.environ.get("SYNCS", "3"))  # catch-ups during the measurement, one every ten seconds


def watch(pq, lasting):
    """Runs `screen` on a terminal of 80x24 for that many seconds."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
        words = pq.words("screen")
        os.execv(words[0], words)
    end = time.monotonic() + lasting
    while time.monotonic() < end:
        if select.select([master], [], [], 0.2)[0] and not os.read(master, 65536):
            break
    os.write(master, b"q")
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: read(master), b"")])
    drain.start()
    os.waitpid(pid, 0)
    os.close(master)
    drain.join()


def read(master):
    try:
        return os.read(master, 65536)
    except OSError:
        return b""


def bench_screen(bench):
    """A redraw every two seconds. The cost of the catch-ups is subtracted; it ends well before another one would
    begin."""
    lasting = 10 * SYNCS - 2
    show(f"screen: milliseconds of CPU a redraw, {lasting // 2} redraws")
    rows = []
    for count in MESSAGES:
        pq, _ = bench.fresh(count, 5)
        pq.idx("sync", timeout=600)
        first = measured(lambda: watch(pq, 1), pq.process.pid)[1:]
        sync = [measured(lambda: pq.idx("sync", "--quiet", timeout=600), pq.process.pid)[1:] for _ in range(5)]
        sync = [sorted(side)[2] for side in zip(*sync)]
        taken = measured(lambda: watch(pq, lasting), pq.process.pid)[1:]
        each = [1000 * (all_ - SYNCS * one) / (lasting // 2) for all_, one in zip(taken, sync)]
        rows.append((count, *each, *(1000 * one for one in sync), *(1000 * one for one in first)))
        print(f"  {count:7} queued: command {each[0]:6.1f}, daemon {each[1]:6.1f}; a catch-up {1000 * sync[0]:6.1f} and "
              f"{1000 * sync[1]:6.1f}; the first look with one catch-up {1000 * first[0]:6.1f} and {1000 * first[1]:6.1f}", flush=True)
        stop(pq)
    keep("screen", ("queued", "command", "daemon", "sync_command", "sync_daemon", "first_command", "first_daemon"), rows)
