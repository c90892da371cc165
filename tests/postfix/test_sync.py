# SPDX-License-Identifier: ISC
"""sync: the index follows the queue. A row goes when its message left, and never before."""
import json
import os
import signal
import subprocess
import sys

from case import BAD, RigCase, both_ids_at_length
from pqpurge import BUILD, TOP, preload
from process import descendants, kill_all, open_files
from rig import until
from smtp import content

UNIT = os.path.join(TOP, "conf/pqpurge-sync.service")


class SyncCase(RigCase):
    def sync(self, *args, status=0, **options):
        result = self.pq.idx("sync", "--json", *args, **options)
        self.assertEqual(result.status, status, f"sync {args}: {result}")
        self.assertEqual(len(result.lines), 1, result)
        return result.lines[0]["sync"]

    def rows(self):
        """{queue ID: record} of the index, read by a separate tool."""
        out = subprocess.run([os.path.join(BUILD, "tools/index_dump"), self.pq.index],
                             check=True, capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in out.splitlines()]
        return {line["queue_id"]: line for line in lines if "queue_id" in line}


@both_ids_at_length
class Leaving(SyncCase):
    def test_rows_follow_the_queue(self):
        ids = self.send_many("a@example.com", 100)
        self.postfix.settled(100)
        self.postfix.postsuper("-d", "-", ids=ids[:90])
        dry = self.sync("-n")
        self.assertEqual((dry["would_drop"], len(self.rows())), (90, 100))
        done = self.sync()
        self.assertEqual((done["rows"], done["queued"], done["dropped"], done["added"]), (100, 10, 90, 0))
        self.assertEqual(set(self.rows()), self.postfix.ids())
        self.assert_purged(ids[90:], BAD)

    def test_without_a_daemon(self):
        ids = self.send_many("a@example.com", 20)
        self.postfix.settled(20)
        self.postfix.postsuper("-d", "-", ids=ids[:15])
        self.pq.stop()
        self.assertEqual(self.sync()["dropped"], 15)
        self.assertEqual(set(self.rows()), set(ids[15:]))

    def test_with_what_its_unit_leaves_it(self):
        """The rights in conf/pqpurge-sync.service are enough."""
        ids = self.send_many("a@example.com", 4)
        self.postfix.settled(4)
        self.postfix.postsuper("-d", "-", ids=ids[:3])
        with open(UNIT, encoding="ascii") as file:
            line, = (line for line in file if line.startswith("CapabilityBoundingSet="))
        kept = ",".join("+" + word.lower().removeprefix("cap_") for word in line.partition("=")[2].split())
        prefix = ["setpriv", "--bounding-set", "-all," + kept, "--no-new-privs"]
        done = self.pq.idx("sync", "--json", prefix=prefix)
        self.assertEqual((done.status, done.lines[0]["sync"]["dropped"]), (0, 3), done)

    def test_held_and_requeued_mail_keeps_its_row(self):
        held, requeued = self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        self.postfix.postsuper("-h", held)
        self.postfix.stop()
        try:
            # As postsuper -r does it; pickup(8) is not there to take it up.
            os.rename(self.postfix.find(requeued), os.path.join(self.postfix.spool, "maildrop", requeued))
            self.assertEqual(self.sync()["dropped"], 0)
            self.assertEqual(set(self.rows()), {held, requeued})
        finally:
            self.postfix.start()
        self.postfix.settled(2)

    def test_new_ids(self):
        """postsuper -r gives old mail a new ID, which no milter sees."""
        old = set(self.send_many("a@example.com", 5))
        self.postfix.settled(5)
        self.postfix.postsuper("-r", "ALL")
        self.postfix.wake_pickup()
        self.postfix.settled(5)
        new = self.postfix.ids()
        self.assertFalse(old & new)
        done = self.sync()
        self.assertEqual((done["dropped"], done["added"]), (5, 5))
        self.assertEqual(set(self.rows()), new)
        self.assertEqual({row["origin"] for row in self.rows().values()}, {"queue"})
        self.assert_purged(new, BAD)

    def test_file_that_is_another_message(self):
        """Another message has a row's ID: then the row describes that message."""
        ours, other = self.send("a@example.com"), self.send("b@good.test")
        self.postfix.settled(2)
        path = self.postfix.find(ours)
        self.postfix.postsuper("-d", ours)
        os.rename(self.postfix.find(other), path)
        done = self.sync()
        self.assertEqual((done["queued"], done["dropped"]), (1, 1), done)
        self.assertEqual(set(self.rows()), {ours})
        self.assertEqual(self.purge(BAD).messages, {})
        self.assert_purged({ours}, "--sender", "b@good.test")


@both_ids_at_length
class Adding(SyncCase):
    def test_what_came_while_the_daemon_was_down(self):
        known = self.send("a@example.com")
        self.pq.stop()
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.77", PORT="4711", LOGIN="joe")
            missed = client.message("B@Example.COM", ["u@dest.test", "v@dest.test"],
                                    content("Boss <boss@example.com>", extra="Message-ID: <m1@example.com>\n"))
        self.postfix.settled(2)
        self.pq.start()
        dry = self.sync("-n")
        self.assertEqual((dry["would_add"], set(self.rows())), (1, {known}))
        self.assertEqual(self.sync()["added"], 1)
        self.assertEqual((self.sync()["added"], set(self.rows())), (0, {known, missed}))
        listed = self.pq.listed("--id", missed)[missed]
        self.assertEqual(listed["sender"], "B@example.com")
        self.assertEqual(listed["from"], ["boss@example.com"])
        self.assertEqual([r["address"] for r in listed["recipients"]], ["u@dest.test", "v@dest.test"])
        self.assertEqual((listed["client"], listed["login"], listed["message_id"]),
                         ("192.0.2.77", "joe", "<m1@example.com>"))
        for option, value in (("--login", "joe"), ("--client", "192.0.2.0/24"), ("--message-id", "m1@example.com"),
                              ("--recipient", "v@dest.test"), ("--from", "boss@example.com")):
            result = self.assert_selects({missed}, option, value)
            self.assertEqual(result.summary["from_queue"], 0, "it is in the index now")
        self.assert_purged({known, missed}, BAD)

    def test_text(self):
        self.pq.stop()
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.pq.start()
        self.assertRegex(self.pq.idx("sync", "-n").out, r"(?m)\b3\b")
        self.assertEqual(self.pq.idx("sync", "-q").out, "")
        self.assertEqual(len(self.rows()), 3)


@both_ids_at_length
class Churn(SyncCase):
    """Mail passes through. Rows that left are kept for an hour, for mail that a content filter gives back; then the
    file stops growing."""

    main = "default_transport = discard\n"
    starts_daemon = False

    def test_file_does_not_grow(self):
        sizes = []
        for hour in range(8):
            clock = preload("clock", PQPURGE_CLOCK_AHEAD=str(hour * 3700))
            self.pq.start(clock)
            self.postfix.flood("spam@example.com", 200, sessions=8)
            self.postfix.settled(0)
            self.sync(env={**os.environ, **clock})
            self.assertEqual(self.rows(), {})
            self.pq.stop()
            sizes.append(self.pq.index_bytes())
        # Rows of eight hours would take almost three times as much as those of one.
        self.assertLess(max(sizes), 2 * sizes[0], f"index.mdb: {sizes}")


class SlowWalk(SyncCase):
    """A queue whose names take long to read: mail in the index is deleted meanwhile, and nothing is left out."""

    def setUp(self):
        super().setUp()
        self.hang = os.path.join(self.pq.home, "hang")
        self.slow = {**os.environ, **preload("names", PQPURGE_NAMES_HANG=self.hang)}
        self.addCleanup(self.let_go)
        self.pq.stop()
        self.missed = set(self.send_many("a@example.com", 2))
        self.pq.start()
        self.known = set(self.send_many("a@example.com", 3))
        self.postfix.settled(5)
        self.command = self.purge_slowly()

    def let_go(self):
        if os.path.exists(self.hang):
            os.unlink(self.hang)

    def purge_slowly(self):
        """A purge that has deleted the mail in the index while the names are not read yet."""
        open(self.hang, "w", encoding="ascii").close()
        command = self.pq.idx_start("purge", "-y", "--json", BAD, env=self.slow, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(command.communicate)
        self.addCleanup(self.let_go)
        until(lambda: self.postfix.ids() == self.missed or command.poll() is not None, "the deletion")
        self.assertEqual((command.poll(), self.postfix.ids()), (None, self.missed))
        return command

    def summary(self, status):
        out, err = self.command.communicate(timeout=60)
        self.assertEqual(self.command.returncode, status, out + err)
        return json.loads(out.splitlines()[-1])["summary"]

    def test_complete(self):
        self.let_go()
        summary = self.summary(0)
        self.assertEqual((summary["deleted"], summary["from_queue"], self.postfix.ids()), (5, 2, set()), summary)

    def test_interrupted(self):
        """Nobody has to wait: it reports the deletions, and that it did not look for the rest."""
        self.command.send_signal(signal.SIGINT)
        summary = self.summary(3)
        self.assertEqual((summary["deleted"], self.postfix.ids()), (3, self.missed), summary)


class Moves(SyncCase):
    """Messages that move while the queue is read."""

    def test_released_behind_the_reader(self):
        """Mail that is not in the index moves from hold to deferred when deferred has been read and hold is next."""
        self.pq.stop()
        ours = self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.postfix.postsuper("-h", "-", ids=ours)
        hang, hold = os.path.join(self.pq.home, "hang"), os.path.join(self.postfix.spool, "hold")
        open(hang, "w", encoding="ascii").close()
        self.addCleanup(lambda: os.path.exists(hang) and os.unlink(hang))
        command = self.pq.idx_start(
            "purge", "-y", "--json", BAD, env={**os.environ, **preload("names", PQPURGE_NAMES_HANG=hang, PQPURGE_NAMES_OF="hold")},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(kill_all, command)
        until(lambda: any(hold in open_files(pid) for pid in descendants(command.pid)), "a reader of hold")
        self.postfix.postsuper("-H", "-", ids=ours)
        self.assertFalse(os.listdir(hold))
        os.unlink(hang)
        out, err = command.communicate(timeout=60)
        self.assertEqual((command.returncode, self.postfix.ids()), (0, set()), out + err)


class Interrupted(SyncCase):
    """In the middle of its reading."""

    def check(self, number):
        self.send("a@example.com")
        self.postfix.settled(1)
        hang = os.path.join(self.pq.home, "hang")
        open(hang, "w", encoding="ascii").close()
        slow = {**os.environ, **preload("names", PQPURGE_NAMES_HANG=hang)}
        command = self.pq.idx_start("sync", "--json", env=slow, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(command.communicate)
        self.addCleanup(os.unlink, hang)
        until(lambda: len(descendants(command.pid)) > 2, "a child of its child")
        command.send_signal(number)
        out, err = command.communicate(timeout=60)
        self.assertEqual((command.returncode, out), (3, ""), err)
        self.assertTrue(err.strip())

    def test_interrupt(self):
        self.check(signal.SIGINT)

    def test_terminate(self):
        self.check(signal.SIGTERM)


del SyncCase  # it has no tests of its own
if __name__ == "__main__":
    sys.exit("run me by tests/postfix/run")
