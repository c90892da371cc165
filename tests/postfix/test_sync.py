# SPDX-License-Identifier: ISC
"""sync: the index follows the queue. A row goes when its message left, and never while it is there."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from case import BAD, RigCase, both_ids
from pqpurge import BUILD, TOP
from rig import until
from smtp import content

UNIT = os.path.join(TOP, "conf/pqpurge-sync.service")


class SyncCase(RigCase):
    def sync(self, *args, status=0):
        result = self.pq.idx("sync", "--json", *args)
        self.assertEqual(result.status, status, f"sync {args}: {result}")
        self.assertEqual(len(result.lines), 1, result)
        return result.lines[0]["sync"]

    def rows(self):
        """{queue ID: record} of the index, read by a tool of its own."""
        out = subprocess.run([os.path.join(BUILD, "tools/index_dump"), self.pq.index],
                             check=True, capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in out.splitlines()]
        return {line["queue_id"]: line for line in lines if "queue_id" in line}


@both_ids
class Leaving(SyncCase):
    def test_rows_follow_the_queue(self):
        ids = self.send_many("a@example.com", 100)
        self.postfix.settled(100)
        self.postfix.postsuper("-d", "-", ids=ids[:90])
        dry = self.sync("-n")
        self.assertEqual((dry["would_drop"], len(self.rows())), (90, 100))
        done = self.sync()
        self.assertEqual((done["rows"], done["queued"], done["dropped"], done["unindexed"]), (100, 10, 90, 0))
        self.assertEqual(set(self.rows()), self.postfix.ids())
        self.assert_purged(ids[90:], BAD)

    def test_without_a_daemon(self):
        ids = self.send_many("a@example.com", 20)
        self.postfix.settled(20)
        self.postfix.postsuper("-d", "-", ids=ids[:15])
        self.pq.stop()
        self.assertEqual(self.sync()["dropped"], 15)
        self.assertEqual(set(self.rows()), set(ids[15:]))

    def test_unmounted_spool(self):
        """An empty mount point is no empty queue: the rows stay, and the command says what is wrong."""
        ids = self.send_many("a@example.com", 5)
        self.postfix.settled(5)
        os.rename(self.postfix.spool, self.postfix.spool + ".away")
        os.mkdir(self.postfix.spool)
        try:
            for words in ("sync",), ("purge", "-y", BAD), ("purge", "-n", BAD), ("list", BAD), ("status",):
                result = self.pq.idx(*words)
                self.assertEqual(result.status, 2 if words == ("status",) else 1, (words, result))
                self.assertIn("mounted?", result.out + result.err, (words, result))
                self.assertEqual(set(self.rows()), set(ids), words)
        finally:
            os.rmdir(self.postfix.spool)
            os.rename(self.postfix.spool + ".away", self.postfix.spool)
        self.assert_purged(ids, BAD)

    def test_with_what_its_unit_leaves_it(self):
        """The rights of conf/pqpurge-sync.service are enough."""
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
            # What postsuper -r does; pickup(8) is not there to take it on.
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
        done = self.sync("--add")
        self.assertEqual((done["dropped"], done["unindexed"], done["added"]), (5, 5, 5))
        self.assertEqual(set(self.rows()), new)
        self.assertEqual({row["origin"] for row in self.rows().values()}, {"scan"})
        self.assert_purged(new, BAD)

    def test_renamed_at_start(self):
        """A file with another inode than its name says, as after a restore, gets a new ID when Postfix starts; a long ID stays,
        and is proof of nothing then."""
        copied, kept = self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        self.postfix.stop()
        path = self.postfix.find(copied)
        info = os.stat(path)
        shutil.copy2(path, path + ".new")
        os.chown(path + ".new", info.st_uid, info.st_gid)
        os.rename(path + ".new", path)
        os.chmod(self.postfix.maillog, 0o666)  # postsuper 3.7.11 has no postlogd yet, and writes as mail_owner
        self.postfix.start()
        self.postfix.settled(2)
        new = self.postfix.ids()
        if self.long_ids:
            self.assertEqual(new, {copied, kept})
            result = self.pq.idx("purge", "-y", "--json", BAD)
            self.assertEqual((result.with_result("deleted"), result.with_result("changed")), ({kept}, set()), result)
            self.assertEqual(self.postfix.ids(), {copied})
            self.postfix.postsuper("-r", copied)
            self.postfix.wake_pickup()
            until(lambda: self.postfix.ids() not in ({copied}, set()), "an ID of its own")
            self.postfix.settled(1)
            self.assertEqual(self.sync("--add")["added"], 1)
            self.assert_purged(self.postfix.ids(), BAD)
            return
        self.assertNotIn(copied, new)
        done = self.sync("--add")
        self.assertEqual((done["dropped"], done["unindexed"], done["added"]), (1, 1, 1))
        self.assertEqual(set(self.rows()), new)
        self.assert_purged(new, BAD)
        self.assertIn(kept, new)

    def test_file_that_is_another_message(self):
        """Under the ID of a row lies another message: --prove drops the row and leaves the file."""
        ours, other = self.send("a@example.com"), self.send("b@good.test")
        self.postfix.settled(2)
        path = self.postfix.find(ours)
        self.postfix.postsuper("-d", ours)
        os.rename(self.postfix.find(other), path)
        done = self.sync("--prove")
        self.assertEqual((done["dropped"], done["replaced"], done["unindexed"]), (2, 1, 1))
        self.assertEqual((self.rows(), self.postfix.ids()), ({}, {ours}))


@both_ids
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
        self.assertEqual(self.sync()["unindexed"], 1)
        dry = self.sync("-n", "--add")
        self.assertEqual((dry["would_add"], set(self.rows())), (1, {known}))
        self.assertEqual(self.sync("--add")["added"], 1)
        self.assertEqual(self.sync("--add")["unindexed"], 0)
        listed = self.pq.listed("--id", missed)[missed]
        self.assertEqual(listed["sender"], "B@example.com")
        self.assertEqual(listed["from"], ["boss@example.com"])
        self.assertEqual([r["address"] for r in listed["recipients"]], ["u@dest.test", "v@dest.test"])
        self.assertEqual((listed["client"], listed["login"], listed["message_id"]),
                         ("192.0.2.77", "joe", "<m1@example.com>"))
        for option, value in (("--login", "joe"), ("--client", "192.0.2.0/24"), ("--message-id", "m1@example.com"),
                              ("--recipient", "v@dest.test"), ("--from", "boss@example.com")):
            self.assert_selects({missed}, option, value)
        self.assert_purged({known, missed}, BAD)

    def test_text(self):
        self.pq.stop()
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.pq.start()
        text = self.pq.idx("sync")
        self.assertEqual(text.status, 0, text)
        self.assertIn("3 messages in the queue are not in the index", text.out)
        self.assertEqual(self.pq.idx("sync", "-q").out, "")
        self.assertIn("Added 3", self.pq.idx("sync", "--add").out)


@both_ids
class Churn(SyncCase):
    """Mail passes through; the index stays as large as the queue and its file stops growing."""

    main = "default_transport = discard\n"

    def test_file_does_not_grow(self):
        sizes = []
        for _ in range(12):
            self.postfix.flood("spam@example.com", 200, sessions=8)
            self.postfix.settled(0)
            self.sync()
            self.assertEqual(self.rows(), {})
            sizes.append(self.pq.index_bytes())
        # LMDB ends up with 26 to 30 pages; 2,400 rows that stayed would take some 160 more.
        self.assertLess(max(sizes), 48 * 4096, f"data.mdb: {sizes}")


class LastCount(SyncCase):
    """A count that takes more than a second is that of the last sync, as long as no gap came since."""

    def setUp(self):
        super().setUp()
        self.hang = os.path.join(self.pq.home, "hang")
        self.slow = {**os.environ, "LD_PRELOAD": os.path.join(BUILD, "shim/names.so"), "PQPURGE_NAMES_HANG": self.hang}
        self.addCleanup(self.let_go)
        self.pq.stop()
        self.missed = self.send_many("a@example.com", 2)
        self.pq.start()
        self.began = int(time.time())

    def hold_up(self):
        open(self.hang, "w", encoding="ascii").close()

    def let_go(self):
        if os.path.exists(self.hang):
            os.unlink(self.hang)

    def test_count_of_the_last_sync(self):
        self.sync()
        counted = int(time.time())
        ours = set(self.send_many("a@example.com", 3))
        self.postfix.settled(5)
        self.hold_up()
        texts = [self.pq.idx(*words, env=self.slow).err for words in (("list", "--json"), ("purge", "-n", BAD))]
        result = self.pq.idx("purge", "-y", "--json", BAD, env=self.slow)
        self.let_go()
        self.assertEqual((result.status, result.with_result("deleted")), (0, ours), result)
        summary = result.summary
        self.assertEqual((summary["unindexed"], self.began <= summary["unindexed_as_of"] <= counted), (2, True), summary)
        for text in texts:
            self.assertRegex(text, r"2 messages .* not in the index \(counted by sync at 20")
        exact = self.purge(BAD).summary
        self.assertEqual((exact["unindexed"], "unindexed_as_of" in exact), (2, False), exact)

    def waits(self, *args):
        """A purge that deletes, and then waits for the exact count as long as that is held up."""
        before = self.postfix.ids()
        self.hold_up()
        command = self.pq.idx_start("purge", "-y", "--json", *args, BAD, env=self.slow, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(command.communicate)
        self.addCleanup(self.let_go)
        until(lambda: self.postfix.ids() < before or command.poll() is not None, "the deletion")
        with self.assertRaises(subprocess.TimeoutExpired):
            command.wait(2)
        return command

    def exact(self, command):
        self.let_go()
        out, err = command.communicate(timeout=60)
        summary = json.loads(out.splitlines()[-1])["summary"]
        self.assertEqual((command.returncode, summary["unindexed"], "unindexed_as_of" in summary),
                         (0, 2, False), out + err)

    def test_no_sync_yet(self):
        self.send("a@example.com")
        self.postfix.settled(3)
        self.exact(self.waits())

    def test_a_gap_since(self):
        self.sync()
        self.send("a@example.com")
        self.postfix.settled(3)
        self.pq.stop()
        self.pq.start()
        self.exact(self.waits())

    def test_interrupted(self):
        """Nobody has to wait: what was deleted is told, and that the rest was not counted."""
        self.send("a@example.com")
        self.postfix.settled(3)
        command = self.waits()
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=60)
        summary = json.loads(out.splitlines()[-1])["summary"]
        self.assertEqual((command.returncode, summary["deleted"], summary["unindexed"]), (0, 1, None), out + err)


del SyncCase  # it has no tests of its own
if __name__ == "__main__":
    sys.exit("run me by tests/postfix/run")
