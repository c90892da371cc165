# SPDX-License-Identifier: ISC
"""Purges, compared with other ways to the same result, and by the size of the index."""
import os
import statistics
import subprocess
import tempfile

from common import BAD, COUNT, ROUNDS, cpu_seconds, keep, program, seconds, show, stop, table

SIZES = [int(s) for s in os.environ.get("SIZES", "10000 100000 1000000 10000000").split()]


def pqpurge(_, pq, __, *args):
    done = subprocess.run(pq.words("purge", "-y", "--json", *args, BAD), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done


def unread(bench, pq, ids):
    """The window rule proves the matches, and the other files are read beside the deletions."""
    pqpurge(bench, pq, ids)


def bare(bench, _, ids):
    bench.shell(f"postsuper -c {bench.postfix.etc} -d -", ids)


def jq_pipe(bench, _, __):
    bench.shell(f"postqueue -c {bench.postfix.etc} -j | jq -r 'select(.sender|endswith(\"@{BAD}\"))|.queue_id' | "
                f"postsuper -c {bench.postfix.etc} -d -")


def mailq_awk(bench, _, __):
    bench.shell(f"mailq -C {bench.postfix.etc} | awk '/^[0-9A-F]/ && $7 ~ /@{BAD}$/ {{sub(/[*!]$/, \"\", $1); print $1}}' | "
                f"postsuper -c {bench.postfix.etc} -d -")


def seed_script(bench, _, __):
    bench.shell(f"find {bench.postfix.spool}/deferred -type f -exec grep -l {BAD} {{}} \\; | "
                f"sed 's|.*/||' | xargs -r -n1 postsuper -c {bench.postfix.etc} -d")


def compare(bench, name, title, ways, count, every):
    """Each way deletes the same share of the same queue; ratios are to the second way."""
    times, cpu = {way: [] for way, _ in ways}, {way: [] for way, _ in ways}
    for _ in range(ROUNDS):
        for way, work in ways:
            pq, ids = bench.fresh(count, every)
            if work is pqpurge:
                assert pq.idx("sync", timeout=600).status == 0
            before = cpu_seconds()
            times[way].append(seconds(lambda: work(bench, pq, ids)))
            cpu[way].append(cpu_seconds() - before)
            stop(pq)
            assert bench.left() == count - len(ids.split()), (way, bench.left())
    table(name, title, times, base=1)
    table(name + "-cpu", title + ": CPU, with postsuper", cpu, base=1)


def bench_purge(bench):
    compare(bench, "purge", f"{COUNT // 5} of {COUNT} deferred", [
        ("pqpurge-idx -y, after a sync", pqpurge), ("bare postsuper -d - (IDs given)", bare),
        ("pqpurge-idx -y, no file read before", unread),
        ("postqueue -j | jq | postsuper -d -", jq_pipe), ("mailq | awk | postsuper -d -", mailq_awk)], COUNT, 5)


def bench_seed(bench):
    compare(bench, "seed", "400 of 2000 deferred", [
        ("pqpurge-idx -y", pqpurge), ("find, grep -l, xargs -n1 postsuper", seed_script)], 2000, 5)


def bench_look(bench):
    """The cost of looking at a queue: microseconds of CPU for each name, and MiB of the largest child."""
    rows = []
    for count in (10000, 100000, 300000):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
            os.chmod(place, 0o755)
            out = subprocess.run([program("bench/bench_spool"), os.path.join(place, "spool"), "postfix", str(count)],
                                 check=True, capture_output=True, text=True).stdout
        lines = [line.split("\t") for line in out.splitlines()]
        for what in dict.fromkeys(line[0] for line in lines):
            each = [int(line[3]) / count for line in lines if line[0] == what]
            child = max(int(line[4]) for line in lines if line[0] == what) / 1024
            rows.append((what, count, statistics.median(each), min(each), max(each), child))
            print(f"  {what:14} {count:9} names: median {rows[-1][2]:.2f} us ({min(each):.2f} to {max(each):.2f})"
                  f"   {child:.1f} MiB", flush=True)
    keep("look", ("what", "names", "median", "least", "most", "child"), rows)


def bench_history(bench):
    """The purge of 2,000 of 10,000 messages, with more and more other rows in one index."""
    show("2000 of 10000 deferred, with other rows in the index")
    pq, before, rows = None, 0, []
    for extra in [0, *SIZES]:
        taken = []
        for _ in range(ROUNDS):
            pq, _ids = bench.fresh(10000, 5, extra - before, pq)
            before = extra
            taken.append(seconds(lambda: pqpurge(bench, pq, None)))
            stop(pq)
        rows.append((extra, statistics.median(taken), min(taken), max(taken)))
        print(f"  {extra:9} other rows: median {rows[-1][1]:.3f} s ({rows[-1][2]:.3f} to {rows[-1][3]:.3f})", flush=True)
    keep("history", ("rows", "median", "least", "most"), rows)


def bench_growth(bench):
    """The purge of a fifth of a growing queue, and bare postsuper on the same IDs."""
    show("a fifth of the queue goes")
    rows = []
    for count in [size for size in SIZES if size <= 4 * COUNT]:
        times = {"purge": [], "bare": []}
        for _ in range(ROUNDS):
            for way, work in (("purge", pqpurge), ("bare", bare)):
                pq, ids = bench.fresh(count, 5)
                times[way].append(seconds(lambda: work(bench, pq, ids)))
                stop(pq)
        rows.append((count, statistics.median(times["purge"]), statistics.median(times["bare"])))
        print(f"  {count:9} queued: pqpurge-idx {rows[-1][1]:.3f} s, bare postsuper {rows[-1][2]:.3f} s", flush=True)
    keep("growth", ("queued", "pqpurge", "bare"), rows)
