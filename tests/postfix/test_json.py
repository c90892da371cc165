# SPDX-License-Identifier: ISC
"""Every field of the command's JSON, by name and type, as the manual promises it to programs."""
import os
import time

from case import BAD, RigCase, both_ids
from smtp import content

LIST = {"queue_id": str, "queue_name": str, "arrival_time": int, "sender": str, "from": list, "recipients": list, "client": str,
        "login": str, "message_id": str, "message_size": int}
COUNTS = ("matched", "gone", "changed", "unproven", "failed", "from_queue", "joined", "unjoined", "unreadable")
DONE = {"purge": ("deleted", "would_delete", "deleted", "would-delete"), "hold": ("held", "would_hold", "held", "would-hold"),
        "release": ("released", "would_release", "released", "would-release")}
LOG = {"batch": int, "time": int, "user": str, "uid": int, "verb": str, "command": str, "reason": str, "matched": int, "done": int,
       "gone": int, "changed": int, "failed": int, "state": str}
TOP = {"group": str, "count": int, "share": (int, float), "bytes": int, "oldest": int, "newest": int, "ages": list}
RULES = {"pattern": str, "action": str, "origin": str, "hits": int, "set_time": int, "expires": int, "author": str, "reason": str}


class JsonCase(RigCase):
    def assert_fields(self, fields, line, optional=()):
        self.assertLessEqual(set(fields) - set(optional), set(line), line)
        for name in set(fields) & set(line):
            self.assertIsInstance(line[name], fields[name], f"{name} in {line}")
            self.assertNotIsInstance(line[name], bool, f"{name} in {line}")


@both_ids
class List(JsonCase):
    main = "sender_canonical_maps = inline:{a@example.com=new@rewritten.test}\nalways_bcc = archive@bcc.test\n"

    def setUp(self):
        super().setUp()
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.7", LOGIN="joe")
            self.ours = client.message("a@example.com", ["u@dest.test", "v@dest.test"], content(
                "One <one@head.test>, Two <two@head.test>", extra="Message-ID: <m1@good.test>\n"))
        self.postfix.settled(1)

    def line(self):
        return self.pq.listed(BAD)[self.ours]

    def test_every_field(self):
        line = self.line()
        self.assert_fields(LIST, line)
        self.assertEqual((line["queue_id"], line["sender"], line["from"], line["client"], line["login"], line["message_id"]),
                         (self.ours, "a@example.com", ["one@head.test", "two@head.test"], "192.0.2.7", "joe", "<m1@good.test>"))
        self.assertEqual(line["queued_sender"], "new@rewritten.test")
        self.assertEqual({r["address"]: r.get("added") for r in line["recipients"]},
                         {"u@dest.test": None, "v@dest.test": None, "archive@bcc.test": True})

    def test_as_postqueue_has_them(self):
        ours, (theirs,) = self.line(), self.postfix.queue()
        for name in "queue_id", "queue_name", "arrival_time", "message_size":
            self.assertEqual(ours[name], theirs[name], name)
        self.assertEqual({r["address"] for r in ours["recipients"]}, {r["address"] for r in theirs["recipients"]})
        self.assertEqual(ours["queued_sender"], theirs["sender"])

    def test_absent_when_unknown(self):
        with self.postfix.smtp() as client:
            other = client.message("b@good.test", "u@dest.test", "Subject: x\n\nx\n")
        self.postfix.settled(2)
        line = self.pq.listed("good.test")[other]
        for name in "login", "queued_sender", "first_queue_id", "uid", "user":
            self.assertNotIn(name, line)

    def test_no_summary(self):
        self.assertEqual([set(line) & {"summary"} for line in self.pq.idx("list", "--json", BAD).lines], [set()])
        self.assertEqual(self.pq.idx("list", "--json", "none.test").out, "")

    def test_after_the_index_was_removed(self):
        """The fields that the queue file keeps."""
        self.pq.stop()
        self.pq.forget()
        line = self.pq.listed("rewritten.test")[self.ours]
        self.assert_fields(LIST, line)
        self.assertEqual((line["sender"], line["from"], line["client"], line["login"], line["message_id"]),
                         ("new@rewritten.test", ["one@head.test", "two@head.test"], "192.0.2.7", "joe", "<m1@good.test>"))


@both_ids
class Local(JsonCase):
    def test_uid_and_user(self):
        self.postfix.sendmail("a@example.com", ["u@dest.test"], content())
        self.postfix.settled(1)
        for _ in range(2):
            (line,) = self.pq.listed(BAD).values()
            self.assertEqual((line["uid"], line["user"]), (os.getuid(), "root"))
            self.assertNotIn("client", line)
            self.assertEqual(self.pq.idx("sync").status, 0)


@both_ids
class Summary(JsonCase):
    def fill(self):
        ours = set(self.send_many("a@example.com", 3))
        self.postfix.settled()
        return ours

    def check(self, verb, *args):
        """Runs the verb dry and for real: the lines and the summary, which comes last. Returns the dry run's."""
        key, dry_key, word, dry_word = DONE[verb]
        ours = self.ours
        dry = self.pq.idx(verb, "-n", "--json", *args, BAD)
        self.assertEqual((dry.status, dry.with_result(dry_word)), (0, ours), dry)
        self.assert_fields(dict.fromkeys((*COUNTS, dry_key), int), dry.summary)
        self.assertEqual((dry.summary["matched"], dry.summary[dry_key], "batch" in dry.summary), (3, 3, False), dry)
        done = self.pq.idx(verb, "-y", "--json", *args, BAD)
        self.assertEqual((done.status, done.with_result(word)), (0, ours), done)
        self.assert_fields(dict.fromkeys((*COUNTS, key, "batch"), int), done.summary)
        self.assertEqual((done.summary["matched"], done.summary[key]), (3, 3), done)
        self.assertGreater(done.summary["batch"], 0)
        for name in ("unindexed", "coverage_gaps", "unindexed_oldest"):
            self.assertNotIn(name, done.summary)
        for line in done.messages.values():
            self.assertEqual((line["sender"], line["result"]), ("a@example.com", word))
        self.assertEqual(set(done.lines[-1]), {"summary"})
        return dry.summary

    def test_purge(self):
        self.ours = self.fill()
        self.check("purge")

    def test_hold_and_release(self):
        self.ours = self.fill()
        self.check("hold")
        self.check("release")

    def test_nothing_matched(self):
        for verb, (key, *_) in DONE.items():
            result = self.pq.idx(verb, "-y", "--json", "none.test")
            self.assertEqual((result.status, len(result.lines)), (0, 1), result)
            self.assert_fields(dict.fromkeys((*COUNTS, key), int), result.summary)
            self.assertEqual((result.summary["matched"], result.summary[key]), (0, 0))

    def test_from_queue(self):
        self.pq.stop()
        self.ours = self.fill()
        self.pq.start()
        self.assertEqual(self.check("purge")["from_queue"], 3)

    def test_gone(self):
        """A catch-up saw it, and then somebody else removed it."""
        ours = self.fill()
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.postfix.postsuper("-d", "-", ids=ours)
        result = self.purge(BAD)
        self.assertEqual((result.summary["gone"], result.summary["matched"], result.messages), (3, 0, {}), result)
        self.assertEqual(self.purge(BAD).summary["gone"], 0, "the rows went with it")

    def test_gone_by_id(self):
        """Gone messages are listed if their IDs were asked for."""
        one = min(self.fill())
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.postfix.postsuper("-d", one)
        self.assertEqual(self.purge("--id", one).with_result("gone"), {one})

    def test_never_seen_is_not_gone(self):
        """Delivered within moments: nobody ever saw it wait."""
        ours = self.fill()
        self.postfix.postsuper("-d", "-", ids=ours)
        self.assertEqual(self.purge(BAD).summary["gone"], 0)


class Log(JsonCase):
    def test_every_field(self):
        before = int(time.time())
        for verb in ("hold", "release", "purge"):
            if verb == "hold":
                self.send("a@example.com")
                self.postfix.settled(1)
            self.assertEqual(self.pq.idx(verb, "-y", "--reason", "ticket 4711", BAD).status, 0)
        lines = sorted(self.pq.idx("log", "--json").lines, key=lambda line: line["batch"])
        self.assertEqual([line["verb"] for line in lines], ["hold", "release", "purge"])
        for line in lines:
            self.assert_fields(LOG, line)
            self.assertEqual((line["matched"], line["done"], line["gone"], line["changed"], line["failed"]), (1, 1, 0, 0, 0))
            self.assertEqual((line["uid"], line["reason"], line["state"]), (0, "ticket 4711", "done"))
            self.assertTrue(before <= line["time"] <= time.time(), line)
            self.assertIn(BAD, line["command"])
            self.assertNotIn("unindexed", line)

    def test_undone(self):
        self.send("a@example.com")
        self.postfix.settled(1)
        batch = self.pq.idx("hold", "-y", "--json", BAD).summary["batch"]
        self.assertEqual(self.pq.idx("undo", "-y", str(batch)).status, 0)
        states = {line["batch"]: line["state"] for line in self.pq.idx("log", "--json").lines}
        self.assertEqual(states[batch], "undone")


class Others(JsonCase):
    def test_top(self):
        self.send_many("a@example.com", 3)
        self.send("a@good.test")
        self.postfix.settled(4)
        for by in "sender", "from", "recipient", "login", "client":
            for line in self.pq.idx("top", "--json", "--by", by).lines:
                self.assert_fields(TOP, line)
        lines = self.pq.idx("top", "--json").lines
        self.assertEqual([(line["group"], line["count"]) for line in lines], [(BAD, 3), ("good.test", 1)])

    def test_rules(self):
        self.pq.write_rules("file.test REJECT\n")
        self.pq.reload()
        self.assertEqual(self.pq.idx("block", "-y", "--for", "1h", "--reason", "why", BAD).status, 0)
        lines = {line["pattern"]: line for line in self.pq.idx("rules", "--json").lines}
        self.assert_fields(RULES, lines[BAD])
        self.assertEqual(lines[BAD]["reason"], "why")
        self.assertAlmostEqual(lines[BAD]["expires"], time.time() + 3600, delta=60)
        self.assert_fields(RULES, lines["file.test"], optional=("set_time", "expires", "author", "reason"))

    def test_sync(self):
        self.send("a@example.com")
        self.postfix.settled(1)
        (line,) = self.pq.idx("sync", "--json").lines
        self.assert_fields(dict.fromkeys(("queued", "rows", "read", "added", "dropped", "unreadable"), int), line["sync"])
        (dry,) = self.pq.idx("sync", "-n", "--json").lines
        self.assert_fields(dict.fromkeys(("queued", "rows", "unreadable"), int), dry["sync"])
