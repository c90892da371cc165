# SPDX-License-Identifier: ISC
"""Behind a content filter mail has a second queue ID, under which it waits."""
import functools
import os
import sys

from case import BAD, RigCase
from filter import Filter
from pqpurge import preload
from rig import free_port, until

FILTER, BACK, BLIND_FILTER, BLIND_BACK = (free_port() for _ in range(4))


@functools.lru_cache(maxsize=None)
def shared_filter(port, back):
    """Postfix keeps connections to the filter between tests, so it lives as long as Postfix."""
    return Filter(port, back)


def services(back, options=""):
    return (f"scan unix - - n - 10 smtp -o disable_dns_lookups=yes\n"
            f"127.0.0.1:{back} inet n - n - 10 smtpd -o content_filter= {options}\n")


class Filtered(RigCase):
    """The milter is listed in main.cf, so it sees mail at both smtpds."""

    port, back = FILTER, BACK
    main = f"content_filter = scan:[127.0.0.1]:{FILTER}\n"
    services = services(BACK)
    unheard = 0  # how many of BAD's five messages no milter sees

    def setUp(self):
        super().setUp()
        self.filter = shared_filter(self.port, self.back)
        self.filter.passed.clear()

    def send_through(self):
        """Mail of BAD and of others: the IDs under which the former waits, and all first IDs."""
        first = self.send_many("a@example.com", 5) + self.send_many("a@good.test", 3)
        until(lambda: len(self.filter.passed) == 8, "8 messages through the filter")
        self.postfix.settled(8)
        files = self.postfix.read()
        self.assertEqual(set(files), set(self.filter.passed))
        self.assertFalse(set(files) & set(first))
        return {i for i, file in files.items() if file.sender == "a@example.com"}, set(first)

    def test_purged_under_the_second_id(self):
        ours, _ = self.send_through()
        self.assertEqual(len(ours), 5)
        result = self.assert_purged(ours, BAD)
        self.assertEqual(result.summary["from_queue"], self.unheard)

    def test_first_ids_leave_the_index(self):
        _, first = self.send_through()
        done = self.pq.idx("sync", "--json", env={**os.environ, **preload("clock", PQPURGE_CLOCK_AHEAD="120")})
        self.assertEqual(done.status, 0, done)
        known = {i for i in first if self.pq.idx("show", "--json", i).lines[0]["in_index"]}
        self.assertEqual(known, set())
        self.assertEqual(done.lines[0]["sync"]["added"], 8 if self.unheard else 0, done)


class FilteredUnseen(Filtered):
    """With no_milters behind the filter, as in FILTER_README's example, the daemon is blind; the command is not."""

    port, back = BLIND_FILTER, BLIND_BACK
    main = f"content_filter = scan:[127.0.0.1]:{BLIND_FILTER}\n"
    services = services(BLIND_BACK, "-o receive_override_options=no_milters")
    unheard = 5


if __name__ == "__main__":
    sys.exit("run me by tests/postfix/run")
