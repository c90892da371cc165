# SPDX-License-Identifier: ISC
"""Runs the tests (all, or those named) and ends with one line that says how many passed and how many failed."""
import sys
import time
import unittest


class Report(unittest.TextTestResult):
    """One line a test with its time; counts successes, which unittest itself does not. A skipped test is a failed one."""

    passed = 0

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        super().stopTest(test)
        self.stream.write(f"        {time.monotonic() - self.began:.1f} s\n")
        self.stream.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main():
    loader = unittest.TestLoader()
    names = sys.argv[1:]
    tests = loader.loadTestsFromNames(names) if names else loader.discover(".", "test_*.py")
    result = unittest.TextTestRunner(sys.stdout, descriptions=False, verbosity=2, resultclass=Report).run(tests)
    failed = len({test.id() for test, _ in result.failures + result.errors + result.skipped})
    print(f"tests/postfix: {result.passed} passed, {failed} failed", flush=True)
    sys.exit(0 if failed == 0 and result.passed > 0 else 1)


main()
