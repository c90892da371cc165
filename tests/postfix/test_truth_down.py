# SPDX-License-Identifier: ISC
"""Postfix stopped, the daemon stopped, frozen or hung: that is reported, and the queue is still answered for."""
import os
import signal

from case import BAD, RigCase, both_ids_at_length


class DownCase(RigCase):
    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 10))
        self.other = self.send("a@good.test")
        self.postfix.settled(11)

    def findings(self):
        result = self.pq.idx("status", "--json")
        self.assertEqual(result.status, 2, result)
        return result.lines[0]["status"]

    def assert_told(self, words):
        text = self.pq.idx("status")
        self.assertEqual(text.status, 2, text)
        self.assertRegex(text.out + text.err, words)
        self.assertNotIn("Nothing is wrong", text.out)


@both_ids_at_length
class PostfixStopped(DownCase):
    def setUp(self):
        super().setUp()
        # postsuper 3.7 cannot log to a file while Postfix is down.
        self.postfix.set(maillog_file="")
        self.addCleanup(self.start_postfix)
        self.postfix.stop()

    def start_postfix(self):
        self.postfix.set(maillog_file=self.postfix.maillog)
        self.postfix.start(checked=False)

    def test_status(self):
        self.assert_told(r"(?i)postfix .*(not running|does not run|is down|stopped)")
        self.findings()

    def test_purge(self):
        self.assert_purged(self.ours, BAD)

    def test_hold(self):
        result = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("held")), (0, self.ours), result)

    def test_with_the_daemon_down_as_well(self):
        self.pq.kill9()
        self.pq.forget()
        self.assert_purged(self.ours, BAD)


@both_ids_at_length
class Refused(DownCase):
    """Postfix refuses such a main.cf: its daemons run on, but `postfix status` fails."""

    def setUp(self):
        super().setUp()
        self.kept = os.path.join(self.postfix.etc, "main.cf")
        with open(self.kept, encoding="utf-8") as file:
            self.addCleanup(self.write, file.read())

    def write(self, text):
        with open(self.kept, "w", encoding="utf-8") as file:
            file.write(text)

    def check(self, line, words):
        with open(self.kept, "a", encoding="utf-8") as file:
            file.write(line + "\n")
        self.assert_told(words)
        result = self.pq.idx("status")
        self.assertNotIn("does not run", result.out, "master runs")
        self.assertIn("Postfix refuses its configuration", result.out)
        self.assertEqual(set(self.pq.listed(BAD)), self.ours)

    def test_an_empty_value(self):
        self.check("hash_queue_names =", r"(?s)fatal:.*hash_queue_names")

    def test_no_number(self):
        self.check("default_process_limit = many", r"(?s)fatal:.*default_process_limit")


class Running(DownCase):
    def test_status(self):
        result = self.pq.idx("status")
        self.assertEqual(result.status, 0, result)
        self.assertIn("Nothing is wrong", result.out)


class Frozen(DownCase):
    """SIGSTOP: it keeps its socket and its lock, and does not answer."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.thaw)
        self.pq.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        if self.pq.process:
            self.pq.process.send_signal(signal.SIGCONT)

    def test_status(self):
        self.assert_told(r"(?i)(daemon|pqpurge-milter).*(answer|respond|silent)")

    def test_purge(self):
        result = self.in_time("purge", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("deleted"), self.postfix.ids()), (0, self.ours, {self.other}), result)
        self.assertRegex(result.err, r"(?i)daemon|pqpurge-milter", "it says why it took longer")

    def test_list_and_top(self):
        self.assertEqual(set(self.in_time("list", "--json", BAD).messages), self.ours)
        top = {line["group"]: line["count"] for line in self.in_time("top", "--json").lines}
        self.assertEqual(top, {BAD: 10, "good.test": 1})

    def test_block(self):
        """A rule that the daemon does not take is not in force, and the command does not claim so."""
        result = self.in_time("block", "-y", BAD)
        self.assertIn(result.status, (1, 2), result)

    def test_then_all_is_well(self):
        self.assertEqual(self.in_time("purge", "-y", BAD).status, 0)
        self.thaw()
        self.assertEqual(self.pq.idx("sync").status, 0)
        last = self.send("a@example.com")
        self.postfix.settled(2)
        self.assert_purged({last}, BAD)


class FrozenLongIds(Frozen):
    long_ids = True


@both_ids_at_length
class DaemonStopped(DownCase):
    def test_status(self):
        self.pq.stop()
        self.assert_told(r"(?i)(daemon|pqpurge-milter).*(not running|does not run|is down|stopped)")

    def test_purge(self):
        self.pq.stop()
        self.assert_purged(self.ours, BAD)

    def test_no_index_to_be_had(self):
        """It runs, but cannot open its index, which is not the same as not running."""
        self.pq.stop()
        self.pq.forget()
        os.chmod(self.pq.index, 0o500)
        os.chown(self.pq.index, 0, 0)
        self.addCleanup(self.pq.make_directories)
        try:
            self.pq.start()
        except RuntimeError:
            return  # it may refuse to start, and then says so
        text = self.pq.idx("status")
        self.assertEqual(text.status, 2, text)
        self.assertIn("index", text.out + text.err)
        self.assertNotRegex(text.out + text.err, r"(?i)daemon.*not running")
        self.assertEqual(self.pq.idx("list", "--json", BAD).status, 0)
