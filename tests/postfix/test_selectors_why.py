# SPDX-License-Identifier: ISC
"""--why: the reasons in the defer logs, as postqueue -j has them; and `top --by reason` and `--by uid`."""
import os
import re

from case import BAD, RigCase, both_ids_at_length
from rig import until
from smtp import content
from test_emergency import restrictions
from terminal import Terminal


class WhyCase(RigCase):
    main = restrictions(6)

    def setUp(self):
        super().setUp()
        for n in range(6):
            self.send("a@example.com", [f"u@d{n}.test"])
        # A FILTER covers the whole message: both recipients wait for the last one's reason.
        self.send("b@good.test", ["u@d1.test", "v@d2.test"])
        self.postfix.settled(7)
        self.logged(8)

    def logged(self, count):
        until(lambda: sum("delay_reason" in r for e in self.postfix.queue() for r in e["recipients"]) == count, f"{count} reasons")

    def by(self, text, flags=0):
        """The expected answer, from postqueue -j."""
        return {e["queue_id"] for e in self.postfix.queue() if any(re.search(text, r.get("delay_reason", ""), flags) and "delay_reason" in r
                                                                     for r in e["recipients"])}

    def defer_log(self, queue_id):
        found = [os.path.join(d, queue_id) for d, _, names in os.walk(os.path.join(self.postfix.spool, "defer")) if queue_id in names]
        return found[0] if found else None

    def write_log(self, queue_id, *reasons):
        """Writes the log as bounce(8) would."""
        path = self.defer_log(queue_id)
        with open(path, "wb") as file:
            for n, reason in enumerate(reasons):
                file.write(b"recipient=u%d@d0.test\noffset=99\nstatus=4.3.2\naction=delayed\nreason=" % n + reason + b"\n\n")


@both_ids_at_length
class Why(WhyCase):
    def assert_all(self):
        reasons = sorted({r["delay_reason"] for e in self.postfix.queue() for r in e["recipients"]})
        self.assertGreater(len(reasons), 3)
        for text in [re.escape(reason).replace("/", r"\/") for reason in reasons] + ["timed out", "mailbox full", "TRY AGAIN", r"said: 45[02] 4\.", ".", "^$", "no such words"]:
            self.assert_selects(self.by(text), "--why", f"/{text}/")
            self.assert_selects(self.by(text, re.IGNORECASE) & self.bad, BAD, "--why", f"/{text}/i", "--queue", "deferred", "--newer", "1h")
        one, two = (re.escape(reason).replace("/", r"\/") for reason in reasons[:2])
        self.assert_selects(self.by(one) | self.by(two), "--why", f"/{one}/", "--why", f"/{two}/")
        self.assert_selects(set(), "good.example", "--why", "/./")
        self.assert_selects(set(), "--why", "/./", "--subject", "/no such/")
        self.assert_selects(self.by("."), "--why", "/./", "--subject", "/^test$/")

    def test_with_and_without_the_index(self):
        self.bad = {e["queue_id"] for e in self.postfix.queue() if e["sender"] == "a@example.com"}
        self.assert_all()
        self.pq.stop()
        self.assert_all()
        self.pq.forget()
        self.assert_all()

    def test_as_why_has_it(self):
        """`why` on a selection by --why has the reasons of postqueue -j, and no further message."""
        for text in ("mailbox full", "timed out", "."):
            result = self.pq.idx("why", "--json", "--why", f"/{text}/")
            queue = [e for e in self.postfix.queue() if e["queue_id"] in self.by(text)]
            self.assertEqual(result.summary["messages"], len(queue))
            self.assertEqual(result.summary["recipients"], sum("delay_reason" in r for e in queue for r in e["recipients"]))
            for line in result.lines[:-1]:
                self.assertRegex(line["example"]["delay_reason"], text)

    def test_verbs(self):
        text = re.escape(self.reason_of(0)).replace("/", r"\/")
        ours, words = self.by(self.regex(0)), ["--why", f"/{text}/"]
        self.assertTrue(ours and ours < self.by("."))
        self.assertEqual(set(self.pq.listed(*words)), ours)
        self.assertEqual(sum(line["count"] for line in self.pq.idx("top", "--json", *words).lines), len(ours))
        self.assertEqual(self.pq.idx("hold", "-y", "--json", *words).with_result("held"), ours)
        self.assertEqual(self.by(self.regex(0)), ours)
        self.assert_selects(ours, *words, "--queue", "hold")
        self.assertEqual(self.pq.idx("release", "-y", "--json", *words).with_result("released"), ours)
        self.assert_purged(ours, *words)
        rest = self.by(".")
        self.assertEqual(set(self.pq.idx("retry", "-n", "--json", "--why", "/./").messages), rest)
        self.assert_purged(rest, "--why", "/./", "--sweep")

    def reason_of(self, domain):
        return next(r["delay_reason"] for e in self.postfix.queue() for r in e["recipients"] if r["address"] == f"u@d{domain}.test")

    def regex(self, domain):
        return re.escape(self.reason_of(domain))


class WhyChanges(WhyCase):
    """The log is read again just before the action: mail whose log changed is left alone."""

    def test_between_the_question_and_the_answer(self):
        before = self.by(".")
        changed = min(before)
        other = max(before)
        terminal = Terminal(self.pq.words("purge", "--why", "/./"))
        terminal.read_until("[y/N]")
        self.write_log(changed, b"")
        os.unlink(self.defer_log(other))
        self.assertEqual(terminal.answer("y"), 0, terminal.text)
        self.assertEqual(self.postfix.ids(), {changed, other}, terminal.text)

    def test_nobody_is_asked(self):
        """By the index alone, without the catch-up."""
        before = self.by(".")
        self.assertEqual(self.pq.idx("sync").status, 0)
        changed = min(before)
        self.write_log(changed, b"all is well")
        self.assert_purged(before - {changed}, "--why", "/timed out|said/")


class WhyHostile(WhyCase):
    def test_bytes(self):
        ids = sorted(self.by("."))
        for queue_id, reason in zip(ids, (b"evil\x1b[31mreason", b"evil\xffreason", "evil\u202ereason".encode(), b"evil reason",
                                          "evil für reason".encode(), b"evil" + b"\0" + b"reason", b"harmless")):
            self.write_log(queue_id, b"first", reason)
        for expected, text in (([0], r"^evil\?\[31mreason$"), ([1, 2], r"^evil\?reason$"), ([3], "^evil reason$"), ([4], "für")):
            result = self.pq.idx("purge", "-n", "--json", "--why", f"/{text}/")
            self.assertEqual(result.with_result("would-delete"), {ids[n] for n in expected}, result)
            # The line with a NUL is cut there, so its message is undecided.
            self.assertEqual((result.status, result.summary["undecided"]), (2, 1), result)

    def test_long(self):
        ids = sorted(self.by("."))
        for queue_id in ids:
            self.write_log(queue_id, b"x")
        self.write_log(ids[0], b"evil " + b"y" * 100000)
        self.write_log(ids[1], b"y" * 100000 + b" evil")
        self.write_log(ids[2], b"y" * 4000 + b" evil")
        self.write_log(ids[3], b"y" * 100000, b"evil")
        self.write_log(ids[4], *[b"other %d" % n for n in range(100001)], b"evil")
        with open(self.defer_log(ids[5]), "wb") as file:
            file.write(os.urandom(200000))
        result = self.pq.idx("purge", "-y", "--json", "--why", "/evil/")
        self.assertEqual((result.status, result.summary["undecided"]), (2, 2), result)
        self.assertEqual(result.with_result("deleted"), {ids[0], ids[2], ids[3]})
        self.assertIn("2 messages have a subject or reasons that could not be read whole; left alone", result.err)

    def test_unreadable(self):
        ids = sorted(self.by("."))
        os.chown(self.defer_log(ids[0]), 0, 0)
        os.chmod(self.defer_log(ids[0]), 0o600)
        result = self.pq.idx("purge", "-y", "--json", "--why", "/./")
        self.assertEqual((result.status, result.summary["undecided"]), (2, 1), result)
        self.assertEqual(self.postfix.ids(), {ids[0]})

    def test_costly(self):
        ids = sorted(self.by("."))
        for queue_id in ids:
            self.write_log(queue_id, b"aaa")
        self.write_log(ids[0], b"a" * 1000 + b"!")
        result = self.pq.idx("purge", "-y", "--json", "--why", "/^(a+)+$/")
        self.assertEqual((result.status, result.summary["limits"]), (2, 1), result)
        self.assertEqual(self.postfix.ids(), {ids[0]})


class TopBy(WhyCase):
    """`top --by reason` and `--by uid`, compared with postqueue -j and the queue files."""

    def top(self, *args, status=0):
        result = self.pq.idx("top", "--json", *args)
        self.assertEqual(result.status, status, result)
        return {line["group"]: line["count"] for line in result.lines}

    def test_reason(self):
        """Each group has as many messages as postqueue reports; folded reasons are those of `why`."""
        self.pq.kill9()
        self.postfix.copies(min(self.by("mailbox full")), 20)
        for args in ([], [BAD], ["--why", "/mailbox full/"]):
            groups = self.top("--by", "reason", *args)
            why = {line["reason"]: line["messages"] for line in self.pq.idx("why", "--json", *args).lines[:-1]}
            self.assertEqual({name: count for name, count in groups.items() if name}, why)
        groups = self.top("--by", "reason")
        self.assertEqual(sum(count for name, count in groups.items() if "mailbox full" in name), len(self.by("mailbox full")))
        self.assertEqual(groups.get("", 0), len(self.postfix.ids() - self.by(".")))
        self.assertIn("mailbox full", self.pq.idx("top", "--by", "reason").out)

    def test_a_log_that_cannot_be_read(self):
        ours = min(self.by("."))
        os.chown(self.defer_log(ours), 0, 0)
        os.chmod(self.defer_log(ours), 0o600)
        result = self.pq.idx("top", "--json", "--by", "reason")
        self.assertEqual(result.status, 2, result)
        self.assertIn(f"failed to read the defer log of {ours}", result.err)
        self.assertEqual(sum(line["count"] for line in result.lines), 7)

    def test_hostile(self):
        ours = min(self.by("."))
        self.write_log(ours, b"\x1b[31mevil\xff" + b"x" * 100000, *[b"kind %s here" % bytes([97 + n % 26, 97 + n // 26]) for n in range(500)])
        result = self.pq.idx("top", "--by", "reason")
        self.assertEqual(result.status, 0, result)
        self.assertNotIn("\x1b", result.out)
        self.assertGreater(len(self.top("--by", "reason")), 3)

    def test_uid(self):
        self.postfix.sendmail("a@example.com", ["u@dest.test"], content())
        self.postfix.sendmail("a@example.com", ["u@dest.test"], content())
        self.postfix.settled(9)
        local = {i for i, f in self.postfix.read().items() if not f.attributes.get("log_client_address")}
        self.assertEqual(self.top("--by", "uid"), {"": 7, "root": len(local)} if len(local) == 2 else None)
        self.assertEqual(self.top("--by", "uid", "--uid", "root"), {"root": 2})
        self.assertRegex(self.pq.idx("top", "--by", "uid").out, r"(?m)^USER\t|^root\t")
        self.assertEqual(self.pq.idx("top", "--by", "nothing").status, 1)
