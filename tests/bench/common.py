# SPDX-License-Identifier: ISC
"""Shared by the measurements: a private Postfix, a queue with its index, time and CPU, tables of medians."""
import os
import platform
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("PQPURGE_BUILD", os.path.join(TOP, "build")))
RESULTS = os.environ.get("RESULTS", os.path.join(BUILD, "bench-results"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
# A purge is measured on this many messages, of which every fifth goes.
COUNT = int(os.environ.get("COUNT", "100000"))
BAD = "bad.example"
TICK = os.sysconf("SC_CLK_TCK")
sys.path.insert(0, os.path.join(TOP, "tests/postfix"))

from pqpurge import Pqpurge, socket_path, wire  # noqa: E402
from rig import PrivatePostfix  # noqa: E402

# The queue manager scans the deferred queue only every ten hours.
QUIET = "queue_run_delay = 36000s\nminimal_backoff_time = 36000s\nmaximal_backoff_time = 36000s\n"


def program(name):
    return os.path.join(BUILD, name)


def machine():
    """One line about this machine and its load."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    kind = subprocess.run(["stat", "-f", "-c", "%T", "/var/tmp"], capture_output=True, text=True, check=False).stdout.strip()
    return (f"{model}, {os.cpu_count()} processors, Linux {platform.release()}, {kind}, "
            f"load average {os.getloadavg()[0]:.1f}")


# ---- time and CPU

def seconds(work):
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def _stat(pid):
    """(parent, seconds of CPU of a process and of the children that it waited for); None: the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(words[1]), sum(int(w) for w in words[11:15]) / TICK


def descendants(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = file.read().split()
    except (FileNotFoundError, ProcessLookupError):
        children = []
    return [pid, *(each for child in children for each in descendants(int(child)))]


def cpu_of_tree(root):
    """Seconds of CPU of a process and all its descendants, living or waited for."""
    found = {int(name): _stat(name) for name in os.listdir("/proc") if name.isdigit()}
    found = {pid: stat for pid, stat in found.items() if stat}
    total, wanted = 0.0, [root]
    while wanted:
        pid = wanted.pop()
        if pid in found:
            total += found[pid][1]
            wanted += [child for child, stat in found.items() if stat[0] == pid]
    return total


def cpu_seconds():
    """Seconds of CPU of all children that were waited for, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(work, daemon):
    """(seconds, seconds of CPU of work's commands, of the daemon)."""
    command, before = cpu_seconds(), cpu_of_tree(daemon)
    taken = seconds(work)
    return taken, cpu_seconds() - command, cpu_of_tree(daemon) - before


# ---- results

def show(title):
    print(f"\n{title}", flush=True)


def table(name, title, ways, unit="s", digits=3, base=0):
    """ways: {way: [a number for each round]}. Prints and keeps medians, and the ratio of each to the one at index base
    (None: no ratios)."""
    show(f"{title} ({len(next(iter(ways.values())))} rounds)")
    divisor = statistics.median(list(ways.values())[base]) if base is not None else 0
    rows = []
    for way, numbers in ways.items():
        median = statistics.median(numbers)
        ratio = median / divisor if divisor else float("nan")
        said = f"   ratio {ratio:.3f}" if divisor else ""
        print(f"  {way:40} {median:10.{digits}f} {unit} ({min(numbers):.{digits}f} to {max(numbers):.{digits}f}){said}",
              flush=True)
        rows.append((way, median, min(numbers), max(numbers), ratio))
    keep(name, ("way", "median", "least", "most", "ratio"), rows)


def keep(name, head, rows):
    """Writes rows for the plots."""
    os.makedirs(RESULTS, exist_ok=True)
    with open(os.path.join(RESULTS, name + ".tsv"), "w", encoding="utf-8") as file:
        for row in [head, *rows]:
            file.write("\t".join(f"{x:.6g}" if isinstance(x, float) else str(x) for x in row) + "\n")


# ---- a queue

class Bench:
    """One private Postfix, started at its first use, and indexes that are made anew for every round."""

    def __init__(self):
        self._postfix = None

    @property
    def postfix(self):
        if self._postfix is None:
            self._postfix = PrivatePostfix(main=QUIET)
            wire(self._postfix)
            self._postfix.start()
        return self._postfix

    def close(self):
        if self._postfix is not None:
            self._postfix.close()
            self._postfix = None

    def fresh(self, count, every, extra=0, pq=None):
        """A queue of count messages, every every-th of BAD, in a new index (or one more in pq's) with extra other rows.
        Returns the running installation and the matching IDs."""
        self.shell(f"find {self.postfix.spool}/deferred -type f -delete")
        pq = pq or Pqpurge(self.postfix, index_map_size="8G")
        out = subprocess.run([program("tools/make_queue"), self.postfix.spool, "postfix", pq.index,
                              str(count), str(every), BAD, str(extra)], check=True, capture_output=True, text=True)
        self.shell(f"chown -R nobody {pq.index}; sync")
        pq.start()
        return pq, out.stdout

    def history(self, pq, rows):
        """Adds rows of mail that is in no queue to the index of a stopped installation."""
        subprocess.run([program("tools/make_queue"), self.postfix.spool, "postfix", pq.index, "0", "1", BAD, str(rows)],
                       check=True, stdout=subprocess.DEVNULL)
        self.shell(f"chown -R nobody {pq.index}")

    def shell(self, text, ids=""):
        subprocess.run(["sh", "-c", text], check=True, input=ids, text=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def left(self):
        return sum(len(files) for _, _, files in os.walk(os.path.join(self.postfix.spool, "deferred")))


def end(process, path, number=signal.SIGTERM):
    """Ends a milter. libmilter checks for its stop when a connection comes, or every 5 s, so this makes connections. Now
    and then it hangs instead (milter/daemon.c), against which the null milter does nothing."""
    process.send_signal(number)
    last = time.monotonic() + 20
    while process.poll() is None:
        if time.monotonic() > last:
            process.kill()
        with socket.socket(socket.AF_UNIX) as nudge:
            nudge.setblocking(False)
            nudge.connect_ex(path)
        time.sleep(0.02)


def stop(pq, path=None):
    """Ends a daemon quickly and in order."""
    if pq.process is not None:
        end(pq.process, path or socket_path(pq.postfix))
        pq.stop()
