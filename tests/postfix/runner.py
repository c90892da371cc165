# SPDX-License-Identifier: ISC
"""Runs the tests (all, or those named) and ends with one line that says how many passed and how many failed.

A test mostly waits, so several processes work side by side, each with its own private Postfixes. Each free process gets
the next class: the tests of a class stay together and in order. JOBS in the environment is the number of processes
(default: three for each processor, and a few more for those that only wait); with JOBS=1 all run one after the other.
A test whose wait ended in vain may only tell of a loaded machine: one or two are run once more, alone, and named.

    runner.py [NAME...]      what people and make call
    runner.py --at-length    the classes that are left out if nothing is named (case.py)
    runner.py --worker       such a process: a line of test names in, a line of JSON out for each test, and an empty one"""
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

JOBS = int(os.environ.get("JOBS") or 3 * len(os.sched_getaffinity(0)))
SUITE = os.environ.get("SUITE", "tests/postfix")
# These need hardly any processor: each has a process of its own beside the others.
WAITING = ("test_hostile_daemon.Answers", "test_setup.Life", "test_setup_units.Units", "test_hostile_daemon.Patience")
IN_VAIN = "TimeoutError: waited"  # rig.until()
AGAIN_AT_MOST = 2
AT_LENGTH = "--at-length"
# These take longest, so they begin first.
FIRST = ("test_status.Misconfigured", "test_hostile_child.Stopped", "test_setup.Asking", "test_setup.Places",
         "test_truth_index.MidPurgeLongIds", "test_truth_index.MidPurge", "test_stopped.StoppedCommand",
         "test_completion_foreign.ZshIndex", "test_hostile_daemon.Files", "test_floodwatch.Acts",
         "test_completion_foreign.BashIndex", "test_emergency.Session", "test_floodwatch.Warns",
         "test_truth_eviction.EvictedLongIds", "test_door.Operators", "test_completion_foreign.ZshAnyCommand",
         "test_status.Daemon", "test_truth_history.History", "test_truth_history.HistoryLongIds", "test_sites.Mailcow",
         "test_hostile_index.Crafted")


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def classes(names):
    """The tests by class, as lists of names."""
    loader = unittest.TestLoader()
    found, left_out, at_length = {}, 0, names == [AT_LENGTH]
    by_name = names and not at_length
    for test in flat(loader.loadTestsFromNames(names) if by_name else loader.discover(".", "test_*.py")):
        if by_name or getattr(test, "at_length", False) == at_length:
            found.setdefault(test.id().rpartition(".")[0], []).append(test.id())
        else:
            left_out += 1
    if left_out and not at_length:
        print(f"{SUITE}: {left_out} tests with long queue IDs are left to `make full`", flush=True)
    print("".join(loader.errors), end="", flush=True)  # modules that cannot be imported; they fail below
    return [found[name] for name in sorted(found, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))]


# ---- a worker

class Report(unittest.TestResult):
    """Prints a line of JSON for each test. A skipped test counts as failed."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def startTest(self, test):
        super().startTest(test)
        self.began, self.before = time.monotonic(), self.troubles()

    def troubles(self):
        """The failures that unittest reports, also of subtests and of setUpClass."""
        return len(self.failures) + len(self.errors) + len(self.skipped) + len(self.unexpectedSuccesses)

    def stopTest(self, test):
        super().stopTest(test)
        told = self.failures + self.errors + [(t, f"skipped: {reason}") for t, reason in self.skipped]
        text = "".join(f"{t.id()}\n{words}\n" for t, words in told)
        self.tell(test.id(), time.monotonic() - self.began, self.troubles() == self.before, text)
        self.failures, self.errors, self.skipped, self.unexpectedSuccesses = [], [], [], []

    def tell(self, name, took, passed, text):
        self.out.write(json.dumps({"test": name, "seconds": took, "passed": passed, "text": text}) + "\n")
        self.out.flush()

    def tell_rest(self):
        """Reports failures outside of a test: setUpClass, an import."""
        for where, words in self.failures + self.errors + self.skipped:
            self.tell(where.id(), 0.0, False, words)


def work():
    """stdout is only for the reports; what a test prints goes to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        report = Report(out)
        unittest.TestLoader().loadTestsFromNames(line.split()).run(report)
        report.tell_rest()
        out.write("\n")
        out.flush()


# ---- the distributor

class Course:
    """The classes still to run, and the results so far."""

    def __init__(self, todo):
        self.waiting = [[names] for names in todo if names[0].rpartition(".")[0] in WAITING] if JOBS > 1 else []
        self.todo = [names for names in todo if [names] not in self.waiting]
        self.lock = threading.Lock()
        self.workers, self.passed, self.failed, self.reported, self.in_vain = [], 0, set(), set(), set()

    def threads(self):
        todos = self.waiting + [self.todo] * min(JOBS, len(self.todo))
        return [threading.Thread(target=self.run, args=(todo,)) for todo in todos]

    def next(self, todo):
        with self.lock:
            return todo.pop(0) if todo else None

    def take(self, report):
        with self.lock:
            self.reported.add(report["test"])
            if report["passed"]:
                self.passed += 1
            else:
                self.failed.add(report["test"])
                if IN_VAIN in report["text"]:
                    self.in_vain.add(report["test"])
            print(f"{'ok' if report['passed'] else 'FAILED':6} {report['seconds']:6.1f} s  {report['test']}", flush=True)
            if report["text"]:
                print(report["text"], flush=True)

    def start_worker(self):
        with self.lock:
            self.workers.append(subprocess.Popen([sys.executable, os.path.abspath(__file__), "--worker"],
                                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            return self.workers[-1]

    def run_class(self, worker, names):
        """False: the worker died of it. Tests that it did not report have failed."""
        missing = set(names)
        try:
            worker.stdin.write(" ".join(names) + "\n")
            worker.stdin.flush()
        except BrokenPipeError:
            pass  # reported below
        while (line := worker.stdout.readline()).strip():
            try:
                report = json.loads(line)
            except ValueError:  # it died in the middle of a line
                line = ""
                break
            missing.discard(report["test"])
            self.take(report)
        for name in sorted(missing):
            self.take({"test": name, "seconds": 0.0, "passed": False, "text": "did not run, or not to its end"})
        return line != ""

    def run(self, todo):
        """Gives classes to one worker, one after the other, until none is left."""
        names = self.next(todo)
        while names:
            worker = self.start_worker()
            while names and self.run_class(worker, names):
                names = self.next(todo)
            names = self.next(todo) if names else None
            with contextlib.suppress(BrokenPipeError):
                worker.stdin.close()
            worker.wait()

    def again(self):
        """Runs the tests that failed by a wait once more, alone, if these few are all that failed."""
        late = sorted(self.failed)
        if JOBS == 1 or not late or len(late) > AGAIN_AT_MOST or self.in_vain != self.failed:
            return
        print("waited in vain, once more alone:", *late, flush=True)
        self.failed.clear()
        self.run([[name] for name in late])

    def end(self):
        """However we end, the workers end in order, so that they take down their Postfixes."""
        for todo in [self.todo, *self.waiting]:
            todo.clear()
        for worker in self.workers:
            worker.terminate()


def main():
    todo = classes(sys.argv[1:])
    wanted = {name for names in todo for name in names}
    course = Course(todo)
    threads = course.threads()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        course.again()
    except BaseException:
        course.end()
        raise
    course.failed |= wanted - course.reported
    for name in sorted(course.failed):
        print(f"failed: {name}")
    print(f"{SUITE}: {course.passed} passed, {len(course.failed)} failed", flush=True)
    sys.exit(0 if not course.failed and course.passed > 0 else 1)


work() if sys.argv[1:] == ["--worker"] else main()
