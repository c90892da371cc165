# SPDX-License-Identifier: ISC
"""Two instances of Postfix whose main.cf, copied, names one daemon: the index has the mail of both. Each command handles
its own queue, finds all of it, and calls nothing of the other's gone."""
import functools
import os
import unittest

from case import BAD
from pqpurge import Pqpurge, socket_path
from rig import PrivatePostfix, milter_words
from smtp import content


@functools.lru_cache(maxsize=None)
def shared_pair(long_ids):
    """Both name the socket in the first one's spool."""
    first, second = (PrivatePostfix(long_ids=long_ids) for _ in range(2))
    words = milter_words(socket_path(first))
    for postfix in (first, second):
        postfix.main += f"smtpd_milters = {words}\nnon_smtpd_milters = {words}\n"
        postfix.start()
    return first, second


class Shared(unittest.TestCase):
    """self.first has the daemon; self.second only names its socket."""

    long_ids = False
    maxDiff = None

    def setUp(self):
        self.first, self.second = shared_pair(self.long_ids)
        for postfix in (self.first, self.second):
            self.addCleanup(postfix.wipe)
        self.pq = Pqpurge(self.first)
        self.addCleanup(self.pq.kill9)
        self.pq.start()
        self.here = self.send(self.first, 20)
        self.there = self.send(self.second, 15)

    def send(self, postfix, count):
        with postfix.smtp() as client:
            sent = {client.message(f"a@{BAD}", "u@dest.test", content()) for _ in range(count)}
            client.message("a@good.test", "u@dest.test", content())
        postfix.settled(count + 1)
        return sent

    def other(self):
        """Runs the command with a configuration for the second instance and the same index."""
        pq = Pqpurge.__new__(Pqpurge)
        pq.__dict__.update(self.pq.__dict__)
        pq.conf = os.path.join(self.pq.home, "second.conf")
        pq.settings = {**self.pq.settings, "postfix_config_directory": self.second.etc}
        pq.write_conf()
        return pq

    def purge(self, pq, *args):
        result = pq.idx("purge", "-y", "--json", *args)
        self.assertEqual(result.status, 0, result)
        return result

    def test_purge_here_then_there(self):
        result = self.purge(self.pq, BAD)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (self.here, 0), result)
        self.assertLessEqual(self.there, self.second.ids())
        result = self.purge(self.other(), BAD)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (self.there, 0), result)
        self.assertEqual((len(self.first.ids()), len(self.second.ids())), (1, 1))

    def test_purge_there_then_here(self):
        result = self.purge(self.other(), BAD)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (self.there, 0), result)
        result = self.purge(self.pq, BAD)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (self.here, 0), result)

    def test_again_and_again(self):
        """Alternating catch-ups of both drop nothing of the other's."""
        other = self.other()
        for pq, ids in ((self.pq, self.here), (other, self.there), (self.pq, self.here)):
            self.assertEqual(pq.idx("sync").status, 0)
            self.assertEqual(set(pq.listed(BAD)), ids)
        dry = self.pq.idx("purge", "-n", "--json", BAD)
        self.assertEqual((dry.with_result("would-delete"), dry.summary["gone"]), (self.here, 0), dry)
        dry = other.idx("purge", "-n", "--json", BAD)
        self.assertEqual((dry.with_result("would-delete"), dry.summary["gone"]), (self.there, 0), dry)

    def test_list_and_top(self):
        for pq, ids in ((self.pq, self.here), (self.other(), self.there)):
            self.assertEqual(set(pq.listed(BAD)), ids)
            top = {line["group"]: line["count"] for line in pq.idx("top", "--json").lines}
            self.assertEqual(top, {BAD: len(ids), "good.test": 1})

    def test_by_id(self):
        """An ID of the other's queue is not in this one."""
        result = self.purge(self.pq, "--id", min(self.there))
        self.assertEqual(result.with_result("deleted"), set(), result)
        self.assertLessEqual(self.there, self.second.ids())

    def test_the_other_without_a_daemon(self):
        self.pq.stop()
        result = self.purge(self.other(), BAD)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (self.there, 0), result)
        result = self.purge(self.pq, BAD)
        self.assertEqual((result.with_result("deleted"), result.summary["gone"]), (self.here, 0), result)

    def name_second(self):
        self.first.set(multi_instance_directories=self.second.etc, multi_instance_enable="yes")
        self.addCleanup(self.first.set, multi_instance_directories="", multi_instance_enable="no")

    def test_status_tells_of_it(self):
        self.name_second()
        result = self.pq.idx("status")
        self.assertIn(self.second.etc, result.out + result.err)

    def test_status_is_silent_of_one_with_its_own(self):
        words = milter_words(socket_path(self.first))
        self.second.set(smtpd_milters="", non_smtpd_milters="")
        self.addCleanup(self.second.set, smtpd_milters=words, non_smtpd_milters=words)
        self.name_second()
        result = self.pq.idx("status")
        self.assertNotIn(self.second.etc, result.out + result.err)


class SharedLongIds(Shared):
    long_ids = True
