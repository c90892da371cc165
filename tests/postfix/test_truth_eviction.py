# SPDX-License-Identifier: ISC
"""Large mail displaces other mail's rows in the index: an attacker's bulky or numerous recipients. The purge is still
complete, and status reports the displacement."""
import os
import subprocess

from case import BAD, RigCase, both_ids_at_length


class EvictionCase(RigCase):
    settings = {"index_map_size": "4M"}
    sent = 0

    def bulky(self):
        """A message that takes about 40 kB in the index: 64 header From mailboxes with domains of the greatest
        length."""
        self.sent += 1
        label = f"{self.sent:07d}" + "x" * 50
        boxes = ",\n ".join(f"a@{n:02d}{label}.{label}.{label}.{label}.example" for n in range(64))
        return f"From: {boxes}\nSubject: x\n\nx\n"

    def indexed(self, *args):
        return set(self.pq.listed("--index-only", *args))

    def status(self):
        result = self.pq.idx("status", "--json")
        self.assertIn(result.status, (0, 2), result)
        return result.lines[0]["status"]

    def push_out(self, ours):
        """Sends bulky mail until rows of our mail are missing."""
        with self.postfix.smtp() as client:
            for _ in range(20):
                for _ in range(25):
                    client.message("fat@good.test", "u@dest.test", self.bulky())
                if ours - self.indexed(BAD):
                    break
        self.assertTrue(ours - self.indexed(BAD), "nothing was pushed out")
        self.postfix.settled()


@both_ids_at_length
class Evicted(EvictionCase):
    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 30))
        self.postfix.settled(30)

    def test_purge(self):
        self.push_out(self.ours)
        result = self.assert_purged(self.ours, BAD)
        self.assertGreater(result.summary["from_queue"], 0, result)

    def test_purge_after_a_catch_up(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.push_out(self.ours)
        self.assertEqual(self.assert_purged(self.ours, BAD).summary["gone"], 0)

    def test_list(self):
        self.push_out(self.ours)
        self.assertEqual(set(self.pq.listed(BAD)), self.ours)

    def test_catch_up_does_not_end_it(self):
        """A queue that does not fit is read as far as needed, each time."""
        self.push_out(self.ours)
        for _ in range(2):
            self.assertEqual(self.pq.idx("sync").status, 0)
        self.assert_purged(self.ours, BAD)
        self.assertEqual(set(self.pq.listed()), self.postfix.ids())

    def test_status_tells(self):
        self.push_out(self.ours)
        told = self.status()
        self.assertGreater(told["index"]["evicted"], 0, told)
        text = self.pq.idx("status")
        self.assertRegex(text.out, r"oldest rows (were )?dropped")
        self.assertNotIn("local(8)", text.out)
        self.assertIn("index_map_size", text.out + text.err)

    def test_mail_flows(self):
        self.push_out(self.ours)
        self.assertIsNone(self.pq.process.poll())
        last = self.send("a@example.com")
        self.assertIn(last, self.indexed(BAD), "the newest are there")


@both_ids_at_length
class FatRecipients(EvictionCase):
    """1,000 recipients of 500 bytes each: RCPT costs the sender little."""

    main = "smtpd_recipient_limit = 2000\n"

    def test_purge(self):
        ours = set(self.send_many("a@example.com", 30))
        self.postfix.settled(30)
        with self.postfix.smtp() as client:
            for number in range(40):
                if number % 4 == 3 and not ours <= self.indexed(BAD):
                    break
                client.expect(2, client.mail("x@ok.test"))
                client.send(*(b"RCPT TO:<" + b"r" * 500 + b"%d@dest.test>" % n for n in range(1000)))
                for _ in range(1000):
                    client.reply()
                client.expect(2, client.data("Subject: x\n\nx\n"))
        self.postfix.settled()
        self.assertFalse(ours <= self.indexed(BAD), "nothing was pushed out")
        self.assert_purged(ours, BAD)


@both_ids_at_length
class Small(EvictionCase):
    """A file system with almost no room: half of the free space bounds the index."""

    def test_purge(self):
        self.pq.kill9()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0755", "tmpfs", self.pq.index], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.pq.index], check=False)
        self.addCleanup(self.pq.kill9)
        self.pq.make_directories()
        self.pq.start()
        ours = set(self.send_many("a@example.com", 30))
        self.postfix.settled(30)
        self.push_out(ours)
        self.assertLess(os.stat(self.pq.index_file).st_size, 3 << 20)
        self.assert_purged(ours, BAD)
