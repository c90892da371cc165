# SPDX-License-Identifier: ISC
"""The index apart from everything else, at sizes from ten thousand to ten million rows; and memory."""
import os
import re
import shutil
import statistics
import subprocess
import tempfile

from common import BAD, BUILD, keep, program, show, stop
from bench_accept import EACH, Ours, load, some_rules, with_milters

SIZES = [int(s) for s in os.environ.get("SIZES", "10000 100000 1000000 10000000").split()]
SAMPLE = 5000  # rows taken in at each size in synced batches


def run(*words):
    """Lines of bench_index: [(name, count, seconds, seconds of CPU)]."""
    out = subprocess.run([program("bench/bench_index"), *map(str, words)], check=True, capture_output=True, text=True).stdout
    return [(name, int(count), int(took) / 1e6, int(cpu) / 1e6)
            for name, count, took, cpu in (line.split("\t") for line in out.splitlines())]


def rate(lines):
    """Rows a second over all of a fill's lines."""
    fills = [line for line in lines if line[0] == "fill"]
    return sum(line[1] for line in fills) / sum(line[2] for line in fills)


def medians(lines):
    return {name: (next(line[1] for line in lines if line[0] == name),
                   1000 * statistics.median(line[2] for line in lines if line[0] == name))
            for name in dict.fromkeys(line[0] for line in lines)}


def grow(directory, size, before):
    """Brings the index from before to size rows and measures it; {what: number}."""
    bulk = rate(run("fill", directory, before, size - SAMPLE - before, 5000))
    synced = run("fill", directory, size - SAMPLE, SAMPLE, 50)
    row = {"rows": size, "bulk": bulk, "synced": rate(synced)}
    row["bytes"] = synced[-1][2] * 1e6 / size
    asked = medians(run("ask", directory))
    row.update({name: ms for name, (_, ms) in asked.items()})
    row["matches"] = asked["domain"][0]
    count = min(size, 100000)
    row["compare"] = medians(run("compare", directory, count))["compare"][1]
    row["compared"] = count
    return row


def bench_index(_):
    """On the disk of BUILD; rows taken in unsynced are measured on a tmpfs, where syncing costs nothing."""
    show("the index by itself: rows a second taken in, milliseconds asked")
    disk = tempfile.mkdtemp(prefix="bench-index.", dir=BUILD)
    memory = tempfile.mkdtemp(prefix="bench-index.", dir="/dev/shm")
    rows, before = [], 0
    try:
        for size in SIZES:
            row = grow(os.path.join(disk, "i"), size, before)
            row["unsynced"] = rate(run("fill", os.path.join(memory, "i"), before, size - before, 50))
            before = size
            rows.append(row)
            print("  " + ", ".join(f"{key} {value:.{0 if value >= 100 else 1}f}" for key, value in row.items()), flush=True)
        dropped = run("prune", os.path.join(disk, "i"), min(before // 2, 200000))[-1]
        print(f"  oldest rows dropped: {dropped[1] / dropped[2]:.0f} a second")
    finally:
        shutil.rmtree(disk)
        shutil.rmtree(memory)
    keep("index", rows[0].keys(), [row.values() for row in rows])


# ---- memory

def resident(pid):
    """MiB resident of a process: (besides the map of the index, the map)."""
    total = mapped = 0
    inside = False
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        for line in file:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                inside = line.rstrip().endswith("data.mdb")
            elif line.startswith("Rss:"):
                kib = int(line.split()[1])
                total += kib
                mapped += kib if inside else 0
    return (total - mapped) / 1024, mapped / 1024


def peak(words):
    """MiB that the largest process of a command had resident."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return usage.ru_maxrss / 1024


def bench_memory(bench):
    """The daemon after a load, with and without rules; the command on large selections."""
    show("resident memory")
    rows = []

    def tell(what, *numbers):
        rows.append((what, *numbers))
        print(f"  {what:52} " + ", ".join(f"{number:.1f} MiB" for number in numbers), flush=True)

    def daemons(postfix):
        for name, rules in (("none", ""), ("many", some_rules())):
            ours = Ours(postfix, name, rules=rules)
            for connections in (20, 200):
                load(ours, connections, max(20 * EACH // connections, 1))
                tell(f"daemon, {len(rules.splitlines())} rules, after {connections} connections: besides the map, the map",
                     *resident(ours.process.pid))
            ours.close()
    with_milters(daemons)
    pq, _ = bench.fresh(100000, 5, 900000)
    for what, words in (("list of 20,000 of 100,000, a million rows", ["list", "--json", BAD]),
                        ("list of 100,000", ["list", "--json", "--all"]),
                        ("purge of 20,000 of 100,000, a million rows", ["purge", "-y", "--json", BAD])):
        tell("command, largest process, " + what, peak(pq.words(*words)))
    stop(pq)
    keep("memory", ("what", "besides", "map"), [(*row, "")[:3] for row in rows])
