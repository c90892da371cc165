# SPDX-License-Identifier: ISC
"""`retry`: Postfix is asked to retry matches. The queue shows the effect, since postqueue -i always exits 0."""
import os

from case import BAD, RigCase
from rig import until
from test_emergency import restrictions
from terminal import Terminal


class RetryCase(RigCase):
    # Postfix retries nothing without being asked while a test runs.
    main = restrictions(1) + "queue_run_delay = 1h\nminimal_backoff_time = 1h\nmaximal_backoff_time = 1h\n"

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 3, "u@d0.test"))
        self.other = self.send("b@good.test", "u@d0.test")
        self.postfix.settled(4)
        self.before = self.times()

    def times(self):
        """{queue ID: time of the last change of its file}; the time of the next try may stay the same, as it has
        whole seconds."""
        return {i: os.stat(self.postfix.find(i)).st_ctime_ns for i in self.postfix.ids()}

    def retry(self, *args, status=0):
        result = self.pq.idx("retry", "-y", "--json", *args)
        self.assertEqual(result.status, status, result)
        return result

    def tries(self, queue_id):
        return sum(f"{queue_id}: to=<" in line for line in self.postfix.log().splitlines())


class Retry(RetryCase):
    def test_those_that_match(self):
        first = {i: self.tries(i) for i in (*self.ours, self.other)}
        result = self.retry(BAD)
        self.assertEqual((result.with_result("retried"), result.summary["matched"], result.summary["retried"]), (self.ours, 3, 3), result)
        until(lambda: all(self.tries(i) > first[i] for i in self.ours), "another try of each")
        self.postfix.settled(4)
        self.assertEqual(self.tries(self.other), first[self.other])
        self.assertEqual({i for i, time in self.times().items() if time != self.before[i]}, self.ours)

    def test_what_is_delivered_has_left(self):
        queue_id = self.send("c@example.com", "u@dest.test")
        self.postfix.settled(5)
        before = self.postfix.run("postconf", "-h", "default_transport").stdout.strip()
        self.postfix.set(default_transport="discard:")
        self.postfix.run("postfix", "reload")
        self.addCleanup(self.postfix.run, "postfix", "reload")
        self.addCleanup(self.postfix.set, default_transport=before)
        result = self.retry("--sender", "c@example.com")
        self.assertEqual(result.with_result("retried"), {queue_id}, result)
        until(lambda: queue_id not in self.postfix.ids(), "its delivery")

    def test_held_mail_stays(self):
        held = min(self.ours)
        self.postfix.postsuper("-h", "-", ids=[held])
        for words, done in (["-n"], "would-retry"), ([], "retried"):
            result = self.retry(*words, BAD, status=2)
            self.assertEqual((result.with_result(done), result.with_result("failed")), (self.ours - {held}, {held}))
            self.assertEqual((result.summary["matched"], result.summary[done.replace("-", "_")], result.summary["failed"]), (3, 2, 1))
            self.assertIn("hold", result.messages[held]["reason"])
        self.assertIn(os.sep + "hold" + os.sep, self.postfix.find(held))
        terminal = Terminal(self.pq.words("retry", BAD))
        terminal.read_until("[y/N]")
        self.assertIn("Retry these 2 messages?", terminal.text, "what cannot be retried is not asked about")
        self.assertEqual(terminal.answer("n"), 3, terminal.text)

    def test_a_dry_run_touches_nothing(self):
        result = self.retry("-n", BAD)
        self.assertEqual((result.with_result("would-retry"), result.summary["would_retry"]), (self.ours, 3))
        self.assertEqual(self.times(), self.before)

    def test_it_asks(self):
        terminal = Terminal(self.pq.words("retry", BAD))
        terminal.read_until("[y/N]")
        self.assertRegex(terminal.text, r"3 messages to retry")
        self.assertEqual(terminal.answer("n"), 3, terminal.text)
        self.assertEqual(self.times(), self.before)
        terminal = Terminal(self.pq.words("retry", BAD))
        terminal.read_until("[y/N]")
        self.assertEqual(terminal.answer("y"), 0, terminal.text)
        self.assertIn("Retried 3 messages", terminal.text)

    def test_nothing_named_is_nothing_done(self):
        for args in ([], ["--all"], ["--limit", "5"]):
            result = self.pq.idx("retry", *args)
            self.assertEqual(result.status, 1, result)
        self.assertEqual(self.times(), self.before)
        self.assertEqual(self.retry("nowhere.test").summary["matched"], 0)

    def test_it_is_on_the_account(self):
        """The account has who asked and the result; there is nothing to undo."""
        result = self.retry("--reason", "ticket 7", BAD)
        line = self.pq.idx("log", "--json").lines[0]
        self.assertEqual((line["batch"], line["verb"], line["matched"], line["done"], line["state"], line["reason"]),
                         (result.summary["batch"], "retry", 3, 3, "done", "ticket 7"), line)
        refused = self.pq.idx("undo", "-y", str(line["batch"]))
        self.assertEqual(refused.status, 1, refused)
        self.assertIn("only a 'hold' can be undone", refused.err)

    def test_nothing_is_accounted_where_nothing_is_done(self):
        self.retry("-n", BAD)
        self.retry("nowhere.test")
        self.assertEqual(self.pq.idx("log", "--json").lines, [])

    def test_while_postfix_is_down(self):
        """Nobody takes it up, which is reported."""
        self.postfix.stop()
        self.addCleanup(self.postfix.start)
        result = self.retry("--id", min(self.ours), status=2)
        self.assertEqual(result.with_result("failed"), {min(self.ours)}, result)


class AnotherLayout(RetryCase):
    """Its own Postfix: flush(8) keeps the setting from its start."""
    main = RetryCase.main + "# of its own\n"

    def test_another_layout(self):
        """main.cf says that the files are deeper, and nobody has moved them."""
        self.postfix.set(hash_queue_depth="2")
        result = self.retry(BAD, status=2)
        self.assertEqual(result.with_result("failed"), self.ours)
        for line in result.messages.values():
            self.assertIn("hash_queue_depth", line["reason"])
