# SPDX-License-Identifier: ISC
"""Purging a domain out of a mixed flood: exactly the right messages, by an independent reading of the queue."""
import os
import re

from case import BAD, RigCase, both_ids
from rig import until
from smtp import content

INNOCENT = [
    # sender, recipient, header From, body
    ("a@badexample.com", "u@dest.test", "a@badexample.com", "x"),
    ("a@example.com.evil.test", "u@dest.test", "a@example.com.evil.test", "x"),
    ("a@sub.example.com", "u@dest.test", "a@sub.example.com", "x"),
    ("a@example.co", "u@dest.test", "a@xample.com", "x"),
    ("a@good.test", "victim@example.com", "a@good.test", "x"),
    ("a@good.test", "u@dest.test", "a@good.test", "From: a@example.com\nsee example.com"),
    ("example.com@good.test", "u@dest.test", '"boss@example.com" <a@good.test>', "x"),
    ("a@good.test", "u@dest.test", "a@good.test (boss@example.com)", "x"),
    ("", "u@dest.test", "MAILER-DAEMON@good.test", "x"),
]
GUILTY = [
    ("a@example.com", "u@dest.test", "a@example.com", "x"),
    ("B@EXAMPLE.Com", "u@dest.test", "a@good.test", "x"),
    ("a@good.test", "u@dest.test", "Boss <boss@Example.COM>", "x"),
    ("a@good.test", "u@dest.test", "All: one@good.test, two@example.com;", "x"),
    ("a@good.test", "u@dest.test", "one@good.test, two@example.com", "x"),
    ("", "u@dest.test", "forged@example.com", "x"),
    ("a@example.com", "u@dest.test", "a@good.test", "x"),
]


@both_ids
class Flood(RigCase):
    def send_cases(self, cases):
        with self.postfix.smtp() as client:
            return {client.message(sender, rcpt, content(author, body=body + "\n")): (sender, author)
                    for sender, rcpt, author, body in cases}

    def test_mixed_flood(self):
        self.postfix.flood("spam@example.com", 300)
        self.postfix.flood("news@badexample.com", 100)
        self.postfix.flood("ham@good.test", 100, recipient="someone@example.com")
        guilty, innocent = self.send_cases(GUILTY), self.send_cases(INNOCENT)
        self.postfix.settled(500 + len(GUILTY) + len(INNOCENT))
        files = self.postfix.read()
        expected = {i for i, file in files.items() if BAD in file.author_domains}
        self.assertEqual(len(expected), 300 + len(GUILTY))
        self.assertLessEqual(set(guilty), expected)
        self.assertFalse(set(innocent) & expected)
        result = self.assert_purged(expected, BAD)
        self.assertEqual({k: result.summary[k] for k in ("matched", "deleted", "gone", "changed", "failed", "from_queue")},
                         {"matched": len(expected), "deleted": len(expected), "gone": 0, "changed": 0, "failed": 0,
                          "from_queue": 0})
        for queue_id, line in result.messages.items():
            self.assertEqual(line["sender"].lower(), (files[queue_id].sender or "MAILER-DAEMON").lower())
        again = self.purge(BAD)
        self.assertEqual((again.summary["deleted"], again.messages), (0, {}))

    def test_subdomains(self):
        cases = [("a@example.com",), ("a@x.example.com",), ("a@y.x.example.com",), ("a@badexample.com",)]
        own, sub, deep, other = [self.send(sender, text=content("n@good.test")) for sender, in cases]
        self.postfix.settled(4)
        self.assert_selects({own}, "example.com")
        self.assert_selects({sub, deep}, ".example.com")
        self.assert_selects({own, sub, deep}, "--subdomains", "example.com")
        self.assert_selects({own, sub, deep}, "example.com", ".example.com")
        self.assert_purged({own, sub, deep}, "example.com", "--subdomains")
        self.assertEqual(self.postfix.ids(), {other})

    def test_upper_case_and_dot_in_the_pattern(self):
        ours = self.send("a@example.com")
        self.send("a@good.test")
        self.postfix.settled(2)
        self.assert_selects({ours}, "EXAMPLE.Com.")

    def test_in_every_queue(self):
        """Mail in hold goes as well as deferred mail."""
        ours = set(self.send_many("a@example.com", 6))
        self.postfix.settled(6)
        held = sorted(ours)[:3]
        self.postfix.postsuper("-h", "-", ids=held)
        result = self.assert_purged(ours, BAD)
        self.assertEqual(result.summary["deleted"], 6)

    def test_dry_run(self):
        ours = set(self.send_many("a@example.com", 5))
        self.send_many("a@good.test", 3)
        self.postfix.settled(8)
        result = self.assert_selects(ours, BAD)
        self.assertNotIn("batch", result.summary)
        self.assertEqual(result.summary["matched"], 5)
        text = self.pq.idx("-n", BAD)
        self.assertEqual(text.status, 0, text)
        self.assertEqual(len(self.postfix.ids()), 8)

    def test_no_verb_is_purge(self):
        ours = set(self.send_many("a@example.com", 3))
        other = self.send("a@good.test")
        self.postfix.settled(4)
        result = self.pq.idx(BAD)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.postfix.ids(), {other})
        self.assertTrue(ours)

    def test_preview_tells_header_only_matches(self):
        self.send_many("a@example.com", 3)
        self.send("a@good.test", text=content("b@example.com"))
        self.postfix.settled(4)
        text = self.pq.idx("-n", BAD)
        self.assertRegex(text.out + text.err, r"(?i)envelope")
        self.assertRegex(text.out + text.err, r"(?i)from")


@both_ids
class Recipients(RigCase):
    def setUp(self):
        super().setUp()
        others = [f"r{n}@dest.test" for n in range(9)]
        self.shared = self.send("a@good.test", ["one@example.com", *others])
        self.alone = self.send("a@good.test", ["one@example.com", "two@example.com"])
        self.other = self.send("a@example.com", others)
        self.postfix.settled(3)

    def test_other_recipients_are_told(self):
        result = self.assert_selects({self.shared, self.alone}, "--recipient", BAD)
        self.assertEqual(result.messages[self.shared]["other_recipients"], 9)
        self.assertEqual(result.messages[self.alone].get("other_recipients", 0), 0)
        text = self.pq.idx("purge", "-n", "--recipient", BAD)
        self.assertRegex(text.out + text.err, r"\b9\b")
        self.assertRegex(text.out + text.err, r"(?i)other")

    def test_purge_by_recipient(self):
        result = self.assert_purged({self.shared, self.alone}, "--recipient", BAD)
        self.assertEqual(result.messages[self.shared]["other_recipients"], 9)

    def test_only(self):
        self.assert_purged({self.alone}, "--recipient", BAD, "--only")


@both_ids
class FewInodes(RigCase):
    """Mail that passes through a small queue leaves few rows: at most sixteen for an inode that is reused."""

    main = "default_transport = discard\n"

    def inodes_since(self, place, count):
        """The inodes of count messages, from their queue IDs in the log; None if some are missing."""
        with open(self.postfix.maillog, encoding="utf-8", errors="replace") as log:
            log.seek(place)
            ids = re.findall(r" postfix/cleanup\[\d+\]: (\w+): message-id=", log.read())
        return {i.rpartition("z")[2] if self.long_ids else i[5:] for i in ids} if len(ids) >= count else None

    def rows(self):
        return self.pq.idx("status", "--json").lines[0]["status"]["index"]["rows"]

    def test_rows_for_each_inode(self):
        """None was ever seen in the queue, so none is called gone."""
        begun = os.path.getsize(self.postfix.maillog)
        self.postfix.flood("spam@example.com", 1200, sessions=4)
        self.postfix.settled(0)
        inodes = until(lambda: self.inodes_since(begun, 1200), "the log of all")
        self.assertLess(len(inodes), 800, "this file system hardly uses inodes again: it shows nothing")
        self.assertIn(self.rows(), range(len(inodes), 16 * len(inodes) + 1))
        result = self.purge(BAD)
        self.assertEqual((result.summary["deleted"], result.summary["gone"]), (0, 0))
        self.assertEqual(self.rows(), 0)
