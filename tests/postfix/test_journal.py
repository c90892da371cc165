# SPDX-License-Identifier: ISC
"""What was answered is in the index at once, whatever becomes of the daemon before its store has taken it."""
import os
import signal

from case import BAD, RigCase, both_ids
from rig import until


@both_ids
class RightAfterTheAnswer(RigCase):
    """The store takes records each second; these tests are faster, or stop the daemon before it does."""

    def setUp(self):
        super().setUp()
        self.other = self.send("a@good.test")
        self.sent = set(self.send_many("a@example.com", 5))

    def status(self):
        (told,) = self.pq.idx("status", "--json").lines
        return told["status"]

    def test_listed(self):
        self.assertEqual(set(self.pq.listed(BAD)), self.sent)

    def test_counted(self):
        self.assertEqual(self.status()["index"]["rows"], 6)

    def test_daemon_stopped(self):
        self.pq.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.pq.process.send_signal, signal.SIGCONT)
        self.assertEqual(set(self.pq.listed(BAD)), self.sent)

    def test_daemon_killed(self):
        self.pq.kill9()
        self.assertEqual(set(self.pq.listed(BAD)), self.sent)
        self.postfix.settled(6)
        self.assert_purged(self.sent, BAD)
        self.assertEqual(self.pq.listed(BAD), {})
        self.pq.start()
        self.assertEqual(self.pq.listed(BAD), {}, "what was dropped does not come back with the journal")
        self.assertIn(self.other, self.pq.listed("good.test"))

    def test_daemon_killed_again_and_again(self):
        for _ in range(5):
            self.pq.kill9()
            self.pq.start()
            self.sent |= set(self.send_many("a@example.com", 3))
        self.pq.kill9()
        self.assertEqual(set(self.pq.listed(BAD)), self.sent)

    def test_journal_removed(self):
        """Then the store takes rows at once; a second later there is a journal again."""
        path = os.path.join(self.pq.index, "journal")
        os.unlink(path)
        self.sent |= set(self.send_many("a@example.com", 3))
        self.assertEqual(set(self.pq.listed(BAD)), self.sent)
        until(lambda: os.path.exists(path), "a new journal")
        self.sent |= set(self.send_many("a@example.com", 3))
        self.assertEqual(set(self.pq.listed(BAD)), self.sent)
        self.assertEqual(self.status()["gaps"], [])

    def test_store_lost(self):
        """What the store had not taken yet outlives the store."""
        self.pq.process.send_signal(signal.SIGSTOP)
        self.pq.kill9()
        with open(os.path.join(self.pq.index, "data.mdb"), "r+b") as file:
            file.write(b"\xa5" * 8192)
        self.pq.start()
        self.assertLessEqual(self.sent, set(self.pq.listed(BAD)))

    def test_whose_it_is(self):
        st, data = (os.stat(os.path.join(self.pq.index, name)) for name in ("journal", "data.mdb"))
        self.assertEqual((st.st_uid, st.st_mode & 0o777), (data.st_uid, 0o600))
