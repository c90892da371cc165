# SPDX-License-Identifier: ISC
"""sync against the size of queue and index."""
import os
import statistics
import time

ROUNDS = int(os.environ.get("ROUNDS", "3"))
HISTORY = int(os.environ.get("HISTORY", "900000"))  # rows of mail that left


def timed(pq, *args):
    begin = time.monotonic()
    done = pq.idx("sync", "--json", *args, timeout=600)
    taken = time.monotonic() - begin
    assert done.status == 0, done
    return taken, done.lines[0]["sync"]


def bench_sync(bench):
    """100,000 queued with their rows; the same with HISTORY rows of mail that left; and --prove, and --scan."""
    print("\nsync of a queue of 100,000")
    for extra in (0, HISTORY):
        pq, _ = bench.fresh(100000, 5, extra)
        if extra:
            taken, said = timed(pq, "-n")
            print(f"  {said['rows']:9} rows, would drop {said['would_drop']:7}: {taken:.3f} s")
            taken, said = timed(pq)
            print(f"  {said['rows']:9} rows, dropped    {said['dropped']:7}: {taken:.3f} s")
        for words in ([], ["--prove"]):
            times = [timed(pq, *words)[0] for _ in range(ROUNDS)]
            print(f"  {100000:9} rows, nothing to do   {' '.join(words):8}: median {statistics.median(times):.3f} s")
        begin = time.monotonic()
        assert pq.idx("list", "--scan", "--json", "nobody.example", timeout=600).status == 0
        print(f"  list --scan, all of it in the index: {time.monotonic() - begin:.3f} s")
        pq.stop()
    pq, _ = bench.fresh(100000, 5)
    pq.stop()
    for name in os.listdir(pq.index):
        if name != "control.sock":
            os.unlink(os.path.join(pq.index, name))
    pq.start()
    begin = time.monotonic()
    assert pq.idx("list", "--scan", "--json", "nobody.example", timeout=600).status == 0
    print(f"  list --scan, none of it in the index: {time.monotonic() - begin:.3f} s")
    taken, said = timed(pq, "--add")
    print(f"  --add of {said['added']}: {taken:.3f} s")
    pq.stop()
