# SPDX-License-Identifier: ISC
"""The index alone, with ten thousand to a million rows; and memory."""
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from common import BAD, descendants, keep, program, show, stop
from bench_accept import EACH, Ours, load, some_rules, with_milters

SIZES = [int(s) for s in os.environ.get("SIZES", "10000 100000 1000000").split()]
THREADS = 20  # that record at the same time
BESIDE = int(os.environ.get("BESIDE", 5))  # seconds of commits beside everything else


def run(*words):
    """Runs bench_index; returns its lines: [(name, count, seconds, seconds of CPU)]."""
    out = subprocess.run([program("bench/bench_index"), *map(str, words)], check=True, capture_output=True, text=True).stdout
    return [(name, int(count), int(took) / 1e6, int(cpu) / 1e6)
            for name, count, took, cpu, *_ in (line.split("\t") for line in out.splitlines())]


def beside(directory):
    """Commits, and in microseconds: the median, the 99.9th percentile, the longest."""
    out = subprocess.run([program("bench/bench_index"), "beside", directory, "200", str(BESIDE)],
                         check=True, capture_output=True, text=True).stdout
    return [int(word) for word in out.split("\t")[1:5]]


def rate(lines, name):
    """Microseconds of CPU for each row, over all lines of that name."""
    of = [line for line in lines if line[0] == name]
    return sum(line[3] for line in of) / sum(line[1] for line in of) * 1e6


def medians(lines):
    return {name: (next(line[1] for line in lines if line[0] == name),
                   1000 * statistics.median(line[2] for line in lines if line[0] == name))
            for name in dict.fromkeys(line[0] for line in lines)}


def grow(directory, size, before):
    """Grows the index from before to size rows and measures it; {what: number}."""
    part = (size - before) // 2
    row = {"rows": size}
    for name, threads in (("one", 1), ("many", THREADS)):
        lines = run("fill", directory, before, part, threads)
        before += part
        row[f"commit-{name}"] = rate(lines, "fill") - rate(lines, "make")
    row["bytes"] = lines[-1][2] * 1e6 / lines[-1][1]
    asked = medians(run("ask", directory))
    row.update({name: ms for name, (_, ms) in asked.items()})
    row["matches"] = asked["domain"][0]
    count = min(size, 100000)
    row["complete"] = rate(run("read", directory, 0, count), "complete")
    return row


def bench_index(_):
    """On a tmpfs, its intended place: rows recorded one in a commit, asked for, completed by a catch-up, dropped."""
    show("the index by itself: microseconds of CPU a commit and a row, milliseconds asked")
    memory = tempfile.mkdtemp(prefix="bench-index.", dir="/dev/shm")
    rows, before = [], 0
    try:
        for size in SIZES:
            row = grow(memory, size, before)
            before = size
            rows.append(row)
            print("  " + ", ".join(f"{key} {value:.{0 if value >= 100 else 1}f}" for key, value in row.items()), flush=True)
        count, middle, most, longest = beside(memory)
        print(f"  200 sessions beside finds, names, updates, drops: {count} commits, half of them within {middle} us,"
              f" 999 of 1,000 within {most / 1000:.1f} ms, the longest {longest / 1000:.1f} ms")
        dropped = run("leave", memory, before // 2, before // 4)
        print(f"  dropped as left: {rate(dropped, 'leave'):.1f} us of CPU a row")
    finally:
        shutil.rmtree(memory)
    keep("index", rows[0].keys(), [row.values() for row in rows])


# ---- memory

def resident(pid):
    """MiB resident of a process: (without the index's map, the map)."""
    total = mapped = 0
    inside = False
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        for line in file:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                inside = line.rstrip().endswith("index.mdb")
            elif line.startswith("Rss:"):
                kib = int(line.split()[1])
                total += kib
                mapped += kib if inside else 0
    return (total - mapped) / 1024, mapped / 1024


def numbers(path):
    """{name: KiB} from a file of /proc with such lines; {} if the process is gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return {words[0][:-1]: int(words[1]) for words in map(str.split, file) if words[-1] == "kB"}
    except (FileNotFoundError, ProcessLookupError):
        return {}


def drain(master):
    """Reads a terminal until no process has it open."""
    try:
        while os.read(master, 65536):
            pass
    except OSError:
        os.close(master)


def peak(words, terminal=False):
    """MiB of a command, sampled every few milliseconds: its largest process without mapped files (the index, programs);
    all together, with shared memory divided; and the largest with mapped files, by the kernel's own count."""
    master, slave = os.openpty() if terminal else (-1, subprocess.DEVNULL)
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.DEVNULL)
    if terminal:
        os.close(slave)
        threading.Thread(target=drain, args=(master,)).start()
    largest = together = 0
    while True:
        pid, _, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        family = descendants(process.pid)
        for status in (numbers(f"/proc/{each}/status") for each in family):
            largest = max(largest, status.get("RssAnon", 0) + status.get("RssShmem", 0))
        parts = [numbers(f"/proc/{each}/smaps_rollup") for each in family]
        together = max(together, sum(part.get("Pss_Anon", 0) + part.get("Pss_Shmem", 0) for part in parts))
        time.sleep(0.003)
    process.returncode = 0
    return largest / 1024, together / 1024, usage.ru_maxrss / 1024


def memory_of_daemon(tell):
    def daemons(postfix):
        for name, rules in (("none", ""), ("many", some_rules())):
            ours = Ours(postfix, name, rules=rules)
            for connections in (20, 200):
                load(ours, connections, max(20 * EACH // connections, 1))
                tell(f"daemon, {len(rules.splitlines())} rules, after {connections} connections: besides the map, the map",
                     *resident(ours.process.pid))
            ours.close()
    with_milters(daemons)


def memory_of_command(bench, tell):
    every = ["--json", "--all"]
    print("  command: its largest process besides files that it maps, all its processes, the largest with these files")
    pq, _ = bench.fresh(100000, 5)
    tell("list --json of 100,000", *peak(pq.words("list", *every)))
    tell("list of 100,000 on a terminal", *peak(pq.words("list", "--all"), terminal=True))
    tell("purge -n --json of 100,000", *peak(pq.words("purge", "-n", *every)))
    tell("purge --json of 100,000", *peak(pq.words("purge", "-y", *every)))
    stop(pq)
    pq, _ = bench.fresh(100000, 5, 900000)
    tell("list --json of 20,000 of 100,000, a million rows", *peak(pq.words("list", "--json", BAD)))
    tell("list --json of a million rows, 100,000 in the queue", *peak(pq.words("list", *every)))
    tell("purge --json of 20,000 of 100,000, a million rows", *peak(pq.words("purge", "-y", "--json", BAD)))
    stop(pq)


def bench_memory(bench):
    """The daemon after a load, with and without rules; the command on large selections."""
    show("resident memory")
    rows = []

    def tell(what, *sizes):
        rows.append((what, *sizes))
        print(f"  {what:52} " + ", ".join(f"{size:.1f} MiB" for size in sizes), flush=True)

    memory_of_daemon(tell)
    memory_of_command(bench, tell)
    keep("memory", ("what", "one", "two", "three"), [(*row, "")[:4] for row in rows])
