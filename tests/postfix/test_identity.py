# SPDX-License-Identifier: ISC
"""A reused queue ID is never hit: another message's file under a recorded ID is left alone."""
import os
import shutil
import subprocess

import spool
from case import BAD, RigCase, both_ids
from pqpurge import BUILD, USER
from smtp import content, queue_id


def overwrite(postfix, first, second):
    """Puts the message second into the file of first: under its queue ID and on its inode."""
    with open(postfix.find(second), "rb") as source:
        mail = source.read()
    with open(postfix.find(first), "r+b") as target:
        target.truncate()
        target.write(mail)
    postfix.postsuper("-d", second)


@both_ids
class ReusedId(RigCase):
    def reuse(self, first, second):
        """Gives the file of second the queue ID of first, which is deleted, as when Postfix reuses an inode."""
        self.postfix.settled()
        path = self.postfix.find(first)
        self.postfix.postsuper("-d", first)
        self.assertIsNone(self.postfix.find(first))
        os.rename(self.postfix.find(second), path)
        self.assertIn(first, {line["queue_id"] for line in self.postfix.queue()})

    def test_of_another_sender(self):
        ours, other = self.send("a@example.com"), self.send("a@good.test")
        self.reuse(ours, other)
        result = self.purge(BAD)
        self.assertEqual(self.postfix.ids(), {ours})
        self.assertEqual(result.with_result("changed"), {ours}, result)
        self.assertEqual((result.summary["deleted"], result.summary["changed"]), (0, 1), result)

    def test_of_another_sender_dry(self):
        ours, other = self.send("a@example.com"), self.send("a@good.test")
        self.reuse(ours, other)
        result = self.pq.idx("purge", "-n", "--json", BAD)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(result.with_result("changed"), {ours}, result)
        self.assertEqual(result.summary["would_delete"], 0, result)

    def test_of_the_same_sender(self):
        """It is not the recorded message, but it matches by itself."""
        ours, other = self.send("a@example.com"), self.send("a@example.com")
        self.reuse(ours, other)
        for how, word in ("-n", "would-delete"), ("-y", "deleted"):
            result = self.pq.idx("purge", how, "--json", BAD)
            self.assertEqual((result.status, result.with_result(word)), (0, {ours}), result)
            self.assertEqual(result.summary["unproven"], 0, result)
        self.assertEqual(self.postfix.ids(), set())

    def test_of_the_same_domain(self):
        """Only the file's own sender counts."""
        ours, other = self.send("a@example.com"), self.send("b@example.com")
        self.postfix.settled()
        overwrite(self.postfix, ours, other)
        result = self.purge("a@example.com")
        self.assertEqual(result.with_result("changed"), {ours}, result)
        self.assertEqual(self.postfix.ids(), {ours})
        self.assert_purged({ours}, BAD)

    def test_selected_by_id(self):
        """An ID means the message that has it now, and the other selectors must match that one."""
        ours, other = self.send("a@example.com"), self.send("a@good.test")
        self.reuse(ours, other)
        result = self.purge("--id", ours, BAD)
        self.assertEqual((result.with_result("changed"), self.postfix.ids()), ({ours}, {ours}), result)
        result = self.purge("--id", ours, "--sender", "a@example.com")
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (set(), {ours}), result)
        self.assertEqual(self.assert_purged({ours}, "--id", ours).messages[ours]["sender"], "a@good.test")

    def test_among_others(self):
        """One changed message does not keep the others from being deleted."""
        ours, other = self.send("a@example.com"), self.send("a@good.test")
        rest = set(self.send_many("b@example.com", 4))
        self.reuse(ours, other)
        result = self.purge(BAD)
        self.assertEqual(self.postfix.ids(), {ours})
        self.assertEqual(result.with_result("deleted"), rest, result)


class TenThousand(RigCase):
    """A generated queue with its index, a message every 1.3 ms, every second one of the domain. Then each of those IDs
    gets the next message's file: half of them by a rename, half in place, so that the inode is the ID's own."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        made = subprocess.run([os.path.join(BUILD, "tools/make_queue"), self.postfix.spool, "postfix", self.pq.index, "20000",
                               "2", BAD], check=True, capture_output=True, text=True)
        self.ours = made.stdout.split()
        for name in os.listdir(self.pq.index):
            shutil.chown(os.path.join(self.pq.index, name), USER)
        self.pq.start()

    def paths(self):
        return {queue_id: path for _, queue_id, path in spool.walk(self.postfix.spool)}

    def reuse_all(self):
        """{queue ID: bytes of the file that it names now}."""
        paths, files = self.paths(), {}
        others = sorted(set(paths) - set(self.ours))
        for number, (queue_id, other) in enumerate(zip(self.ours, others, strict=True)):
            path, spare = paths[queue_id], paths[other]
            with open(spare, "rb") as file:
                files[queue_id] = file.read()
            if number % 2:
                with open(path, "r+b") as file:
                    file.truncate()
                    file.write(files[queue_id])
                os.unlink(spare)
            else:
                os.rename(spare, path)
        return files

    def test_none_is_deleted(self):
        self.assertEqual(len(self.ours), 10000)
        self.assertEqual(len(self.pq.listed(BAD)), 10000, "each of them is proven before")
        files = self.reuse_all()
        result = self.purge(BAD)
        self.assertEqual((result.summary["deleted"], result.summary["changed"]), (0, 10000), result.summary)
        self.assertEqual(result.with_result("changed"), set(self.ours))
        paths = self.paths()
        self.assertEqual(set(paths), set(files))
        for queue_id, content in files.items():
            with open(paths[queue_id], "rb") as file:
                self.assertEqual(file.read(), content, queue_id)
        again = self.pq.idx("purge", "-n", "--json", BAD).summary
        self.assertEqual((again["matched"], again["changed"]), (0, 0), "the catch-up beside it put the rows right")


@both_ids
class WithinTheWindow(RigCase):
    """Other mail on the same inode under the same ID, arrived between the recorded one's MAIL and RCPT: T cannot
    tell."""

    def check(self, sender, result, submit, *args, status=0):
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.9")
            client.expect(2, client.mail("a@example.com"))
            submit(sender)
            client.expect(2, client.rcpt("u@dest.test"))
            ours = queue_id(client.expect(2, client.data(content())))
        self.postfix.settled(2)
        other = (self.postfix.ids() - {ours}).pop()
        overwrite(self.postfix, ours, other)
        said = self.purge(BAD, *args, status=status)
        self.assertEqual(self.postfix.ids(), {ours}, said)
        self.assertEqual(said.with_result(result), {ours}, said)
        self.assert_purged({ours}, "--sender", sender)

    def submit(self, sender):
        self.postfix.sendmail(sender, ["u@dest.test"], content())
        self.postfix.settled(1)

    def test_of_another_client(self):
        self.check("a@good.test", "changed", self.send)

    def test_of_another_client_by_the_same_sender(self):
        """It matches by itself once all selectors are true of it."""
        self.check("a@example.com", "unproven", self.send, "--client", "192.0.2.9", status=2)

    def test_by_sendmail(self):
        self.check("a@good.test", "changed", self.submit)


@both_ids
class Rewriting(RigCase):
    main = "sender_canonical_maps = inline:{a@example.com=new@rewritten.test}\n"

    def test_rewritten_sender_is_no_change(self):
        """A file whose sender differs from the one in MAIL FROM is still the recorded message."""
        ours = self.send("a@example.com")
        self.postfix.settled(1)
        self.assertEqual(self.postfix.read()[ours].sender, "new@rewritten.test")
        self.assert_purged({ours}, BAD)
