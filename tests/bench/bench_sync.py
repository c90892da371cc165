# SPDX-License-Identifier: ISC
"""The cost of catching up with the queue: sync, by size of queue and index; and purges without an index."""
import os
import statistics

from common import BAD, COUNT, ROUNDS, cpu_seconds, keep, measured, seconds, show, stop, table
from bench_store import peak

STALE = int(os.environ.get("STALE", "900000"))  # rows of mail that left
QUEUES = [int(s) for s in os.environ.get("QUEUES", "100000 300000").split()]
OTHERS = [int(s) for s in os.environ.get("OTHERS", "1000 10000 100000 300000").split()]
LOST = int(os.environ.get("LOST", "20000"))


def sync(pq, *args):
    """(the output of sync, seconds, seconds of CPU of the command, of the daemon)."""
    said = {}

    def work():
        done = pq.idx("sync", "--json", *args, timeout=600)
        assert done.status == 0, done
        said.update(done.lines[0]["sync"])
    return (said, *measured(work, pq.process.pid))


def remove_index(pq):
    os.unlink(os.path.join(pq.index, "index.mdb"))


def bench_sync(bench):
    """Files read for the first time, nothing to do, the index made anew, rows of mail that left."""
    show("sync: seconds that passed, CPU of the command, CPU of the daemon")
    rows = []

    def tell(what, queued, told):
        said, *taken = told
        rows.append((what, queued, *taken))
        counts = ", ".join(f"{key} {said[key]}" for key in ("read", "added", "dropped", "would_drop") if said.get(key))
        print(f"  {queued:7} queued, {what:38} " + " ".join(f"{number:7.3f}" for number in taken) + f"   {counts}", flush=True)

    for count in QUEUES:
        pq, _ = bench.fresh(count, 5)
        tell("all rows there, no file read", count, sync(pq))
        for _ in range(ROUNDS):
            tell("nothing to do", count, sync(pq))
        stop(pq)
        remove_index(pq)
        pq.start()
        tell("index.mdb removed", count, sync(pq))
        stop(pq)
    for are_read in (True, False):
        pq, _ = bench.fresh(QUEUES[0], 5)
        if are_read:
            sync(pq)
        stop(pq)
        bench.history(pq, STALE)
        pq.start()
        if are_read:
            tell(f"{STALE} stale rows, -n", QUEUES[0], sync(pq, "-n"))
        tell(f"{STALE} stale rows" + ("" if are_read else ", no file read"), QUEUES[0], sync(pq))
        stop(pq)
    keep("sync", ("what", "queued", "seconds", "command", "daemon"), rows)


def purge(pq):
    done = pq.idx("purge", "-y", "--json", BAD, timeout=600)
    assert done.status == 0, done


def bench_lost(bench):
    """The next purge after `rm index.mdb`, with the daemon running and stopped."""
    ways = {"index there, all read": [], "removed, daemon running": [], "removed, daemon stopped": []}
    for _ in range(ROUNDS):
        for number, times in enumerate(ways.values()):
            pq, ids = bench.fresh(LOST, 5)
            sync(pq)
            if number == 2:
                stop(pq)
            if number > 0:
                remove_index(pq)
            times.append(seconds(lambda: purge(pq)))
            assert bench.left() == LOST - len(ids.split())
            stop(pq)
    table("lost", f"purge of {LOST // 5} of {LOST}", ways)


def bench_beside(bench):
    """500 messages go beside more and more others, all read before: the cost of a queued name."""
    show("purge of 500 beside others: seconds, CPU of the command with postsuper, MiB of its largest process and of all")
    rows = []
    for others in OTHERS:
        taken = []
        for _ in range(ROUNDS):
            pq, _ids = bench.fresh(others + 500, (others + 500) // 500)
            sync(pq)
            taken.append((seconds_and_cpu(pq)))
            stop(pq)
        pq, _ids = bench.fresh(others + 500, (others + 500) // 500)
        sync(pq)
        memory = peak(pq.words("purge", "-y", "--json", BAD))
        stop(pq)
        passed, cpu = (statistics.median(each) for each in zip(*taken))
        rows.append((others, passed, cpu, *memory[:2]))
        print(f"  {others:7} others: {passed:.3f} s, CPU {cpu:.3f} s, {memory[0]:.1f} MiB, {memory[1]:.1f} MiB", flush=True)
    if len(rows) > 1:
        names = rows[-1][0] - rows[0][0]
        print(f"  a queued name: {1e6 * (rows[-1][2] - rows[0][2]) / names:.2f} us of CPU")
    keep("beside", ("others", "seconds", "cpu", "largest", "all"), rows)


def seconds_and_cpu(pq):
    passed, command, _daemon = measured(lambda: purge(pq), pq.process.pid)
    return passed, command


def bench_why(bench):
    """Memory of verbs that look at a fifth of a long queue, or at all of it: MiB of the largest process and of all."""
    show("memory of looking: MiB of the largest process, of all")
    rows = []
    for queued in OTHERS[-1:]:
        pq, _ids = bench.fresh(queued, 5)
        sync(pq)
        for words in (["why"], ["why", BAD], ["top"], ["list", "--json", BAD]):
            memory, said = peak(pq.words(*words)), " ".join(words)
            rows.append((said, queued, *memory[:2]))
            print(f"  {queued:7} queued, {said:24} {memory[0]:.1f} MiB, {memory[1]:.1f} MiB", flush=True)
        stop(pq)
    keep("why", ("verb", "queued", "largest", "all"), rows)


def bench_list(bench):
    """list of COUNT matches, after a sync."""
    pq, _ = bench.fresh(COUNT, 1)
    sync(pq)
    ways = {}
    for _ in range(ROUNDS):
        for way, words in (("list --json", ["--json"]), ("list --json --index-only", ["--json", "--index-only"]), ("list", [])):
            before = cpu_seconds()
            ways.setdefault(way, []).append(seconds(lambda: pq.idx("list", *words, BAD, timeout=600)))
            ways.setdefault(way + ", CPU of the command", []).append(cpu_seconds() - before)
    stop(pq)
    table("list", f"list of {COUNT} of {COUNT} queued", ways, base=None)
