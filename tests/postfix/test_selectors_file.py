# SPDX-License-Identifier: ISC
"""Selectors that the index cannot answer alone: the queue file, or its defer log, decides."""
import base64
import os
import random
import re

from case import BAD, RigCase, both_ids
from rig import until
from smtp import content
from test_emergency import restrictions
from test_terminal import Terminal


def boxes(count, *others):
    return ", ".join([f"u{n}@d{n}.test" for n in range(count)] + list(others))


@both_ids
class CutFrom(RigCase):
    """More header From mailboxes than are recorded: the file decides, also where nobody is asked."""

    def send_two(self):
        """The one that is not meant, and the one that is."""
        ids = [self.send("a@good.test", text=content(boxes(70, *last))) for last in ([], ["b@" + BAD])]
        self.postfix.settled(2)
        return ids

    def test_from_the_index(self):
        other, ours = self.send_two()
        self.assert_purged({ours}, BAD)
        self.assert_selects(set(), "--from", BAD)
        self.assert_selects({other}, "--from", "d69.test")

    def test_unheard(self):
        self.pq.kill9()
        other, ours = self.send_two()
        self.pq.start()
        self.assert_purged({ours}, "--from", BAD)
        self.assertEqual(self.postfix.ids(), {other})

    def test_without_an_index(self):
        other, ours = self.send_two()
        self.pq.stop()
        self.pq.forget()
        self.assert_purged({ours}, BAD)
        self.assertEqual(self.postfix.ids(), {other})


def word(text, charset="utf-8", encoding="b"):
    octets = text.encode(charset)
    if encoding == "b":
        return f"=?{charset}?B?{base64.b64encode(octets).decode()}?="
    return f"=?{charset}?Q?" + "".join(f"={byte:02X}" for byte in octets) + "?="


SUBJECTS = (
    "Invoice 4711", "invoice", "Your  invoice\tis  due", "no bill", "Re: Invoice\n 4711\n\tfolded", word("Invoice für Jürgen"),
    word("Invoice für Jürgen", "iso-8859-1", "q"), word("Счёт 4711", "koi8-r"), word("Счёт 4711", "windows-1251", "q"),
    word("請求書 invoice", "iso-2022-jp"), word("发票 invoice", "gb2312"), word("Inv") + " " + word("oice 47") + "\n " + word("11", encoding="q"),
    "A " + word("half") + " told " + word("story", encoding="q"), "=?utf-8?B?broken", "=?utf-8?X?nothing?=", "=?x-nothing?Q?Invoice?=", "Invoice / 4711")
EXPRESSIONS = (
    "Invoice", "^Invoice 4711$", "invoice", "^Your invoice is due$", "für", "^Invoice für Jürgen$", "Счёт 4711", "発|請求書", "发票",
    "^A half told story$", "broken", "x-nothing", "^$", ".", "Invoice 4711 folded", r"Invoice \/ 4711", "nothing at all")


@both_ids
class Subject(RigCase):
    def setUp(self):
        super().setUp()
        for subject in SUBJECTS:
            self.send("a@example.com", text=content(subject=subject))
        self.send("a@example.com", text="From: a@example.com\n\nbody\n")
        self.send("a@example.com", text="From: a@example.com\nSubject: one\nSubject: Invoice two\n\nSubject: three\n")
        self.postfix.settled(len(SUBJECTS) + 2)
        self.files = self.postfix.read()

    def by(self, text, flags=0):
        """By Python's reading of the queue files. An expression is of bytes."""
        rule = re.compile(text.encode(), flags)
        return {i for i, f in self.files.items() if any(rule.search(subject.encode()) for subject in f.subjects)}

    def assert_all(self):
        for text in EXPRESSIONS:
            self.assert_selects(self.by(text), "--subject", f"/{text}/")
            self.assert_selects(self.by(text, re.IGNORECASE), BAD, "--subject", f"/{text}/i", "--newer", "1h", "--recipient", "dest.test")
        self.assert_selects(self.by("^inv") | self.by("folded"), "--subject", "/^inv/", "--subject", "/folded/")
        self.assert_selects(set(), "good.test", "--subject", "/./")
        self.assert_selects(set(), "--all", "--subject", "/./", "--queue", "hold")

    def test_with_and_without_the_index(self):
        self.assertEqual(len(self.by("Invoice") - self.by("4711")) > 2, True)
        self.assert_all()
        self.pq.stop()
        self.assert_all()
        self.pq.forget()
        self.assert_all()

    def test_verbs(self):
        ours = self.by("für")
        self.assertEqual(len(ours), 2)
        words = ["--subject", "/für/"]
        self.assertEqual(set(self.pq.listed(*words)), ours)
        self.assertEqual([line["count"] for line in self.pq.idx("top", "--json", *words).lines], [2])
        self.assertEqual(self.pq.idx("why", "--json", *words).summary["messages"], 2)
        self.assertEqual(self.pq.idx("hold", "-y", "--json", *words).with_result("held"), ours)
        self.assert_selects(ours, *words, "--queue", "hold")
        self.assertEqual(self.pq.idx("release", "-y", "--json", *words).with_result("released"), ours)
        self.assert_purged(ours, *words)
        first = min(self.by("4711"), key=lambda i: self.files[i].arrival)
        self.assert_purged({first}, "--subject", "/4711/", "--limit", "1")
        self.assert_purged(self.by("4711") - {first} - ours, BAD, "--subject", "/4711/", "--sweep")
        half = self.by("half")
        self.assertEqual(set(self.pq.idx("retry", "-y", "--json", "--subject", "/half/").messages), half)

    def test_refused(self):
        for args in (["--subject", "Invoice"], ["--subject", "/(/"], ["--why", "refused"], ["--subject", "/a/", "--for", "1h", BAD],
                     ["--subject", "/a/", "--with-bounces", BAD], ["--subject", "/a/", "--block"]):
            result = self.pq.idx("purge", "-y", *args)
            self.assertEqual(result.status, 1, result)
        self.assertEqual(self.pq.idx("list", "--index-only", "--subject", "/a/").status, 1)
        self.assertEqual(self.postfix.ids(), set(self.files))


class HostileSubject(RigCase):
    main = "line_length_limit = 2048\nheader_size_limit = 102400\n"

    def subject(self, value, more=b""):
        return self.send("a@example.com", text=b"From: a@example.com\nSubject: " + value + b"\n" + more + b"\nbody\n")

    def test_bytes(self):
        """Controls are a blank, what is no UTF-8 is a question mark, what is not shown is not there."""
        ids = [self.subject(value) for value in (
            b"in\x1b[31mvoice\x07", b"inv\xffoice", "in\u200bvo\u00adice".encode(), "in\u00a0voice".encode(), b"=?utf-8?Q?in=00voice=FF?=",
            b"=?utf-8?B?" + base64.b64encode("in\u202evoice".encode()) + b"?=")]
        self.postfix.settled(len(ids))
        for expected, text in (([0], r"^in \[31mvoice$"), ([1], r"^inv\?oice$"), ([2, 5], "^invoice$"), ([3], "^in voice$"), ([4], r"^in voice\?$")):
            self.assert_selects({ids[n] for n in expected}, "--subject", f"/{text}/")

    def test_long(self):
        """A subject that is too long is meant only if what follows cannot matter; else it is left alone, and told."""
        ids = [self.subject(b"invoice " + b"x" * 100000), self.subject(b"x" * 100000 + b" invoice"), self.subject(b"x " * 2000 + b"invoice"),
               self.subject(b"\n ".join([b"x" * 900] * 100)), self.subject(b"short invoice")]
        self.postfix.settled(len(ids))
        result = self.pq.idx("purge", "-y", "--json", "--subject", "/invoice/")
        self.assertEqual((result.status, result.summary["undecided"]), (2, 2), result)
        self.assertEqual(result.with_result("deleted"), {ids[0], ids[2], ids[4]})
        self.assertEqual(self.postfix.ids(), {ids[1], ids[3]})
        self.assertIn("2 messages have a subject or reasons that could not be read whole; left alone", result.err)
        result = self.pq.idx("purge", "-y", "--json", "--subject", "/^invoice/")
        self.assertEqual((result.status, result.summary["matched"]), (2, 0), result)
        self.assertEqual(self.postfix.ids(), {ids[1], ids[3]})

    def test_many_fields(self):
        """The first ten Subject fields are looked at."""
        fields = b"".join(b"Subject: s%d\n" % n for n in range(1, 30))
        queue_id = self.subject(b"s0", fields)
        self.postfix.settled(1)
        self.assert_selects({queue_id}, "--subject", "/^s9$/")
        result = self.pq.idx("purge", "-y", "--json", "--subject", "/^s10$/")
        self.assertEqual((result.status, result.summary["undecided"]), (2, 1), result)
        self.assertEqual(self.postfix.ids(), {queue_id})

    def test_costly(self):
        """An expression that hits its match limit deletes nothing."""
        ours = self.subject(b"a" * 1000 + b"!")
        other = self.subject(b"aaa")
        self.postfix.settled(2)
        result = self.pq.idx("purge", "-y", "--json", "--subject", "/^(a+)+$/")
        self.assertEqual((result.status, result.summary["limits"]), (2, 1), result)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), ({other}, {ours}))

    def test_lines_longer_than_a_record(self):
        """line_length_limit was raised: what a record is longer than we read is missing."""
        self.postfix.set(line_length_limit="20000")
        self.addCleanup(self.postfix.set, line_length_limit="2048")
        ids = [self.subject(b"x" * 5000 + b" invoice"), self.subject(b"short invoice")]
        self.postfix.settled(2)
        result = self.pq.idx("purge", "-y", "--json", "--subject", "/invoice/")
        self.assertEqual((result.status, result.with_result("deleted"), self.postfix.ids()), (2, {ids[1]}, {ids[0]}), result)


class WhyCase(RigCase):
    main = restrictions(6)

    def setUp(self):
        super().setUp()
        for n in range(6):
            self.send("a@example.com", [f"u@d{n}.test"])
        # A FILTER is the whole message's: both recipients wait for the reason of the last.
        self.send("b@good.test", ["u@d1.test", "v@d2.test"])
        self.postfix.settled(7)
        self.logged(8)

    def logged(self, count):
        until(lambda: sum("delay_reason" in r for e in self.postfix.queue() for r in e["recipients"]) == count, f"{count} reasons")

    def by(self, text, flags=0):
        """By postqueue -j."""
        return {e["queue_id"] for e in self.postfix.queue() if any(re.search(text, r.get("delay_reason", ""), flags) and "delay_reason" in r
                                                                     for r in e["recipients"])}

    def defer_log(self, queue_id):
        found = [os.path.join(d, queue_id) for d, _, names in os.walk(os.path.join(self.postfix.spool, "defer")) if queue_id in names]
        return found[0] if found else None

    def write_log(self, queue_id, *reasons):
        """As bounce(8) would."""
        path = self.defer_log(queue_id)
        with open(path, "wb") as file:
            for n, reason in enumerate(reasons):
                file.write(b"recipient=u%d@d0.test\noffset=99\nstatus=4.3.2\naction=delayed\nreason=" % n + reason + b"\n\n")


@both_ids
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
        """`why` of what --why selects has the reasons of postqueue -j, and no message more."""
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
    """The log is read once more right before: what changed meanwhile is left alone."""

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
        """By the index alone, beside the catch-up."""
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
            # A NUL ends a line that goes on.
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
    """`top --by reason` and `--by uid`, against postqueue -j and the queue files."""

    def top(self, *args, status=0):
        result = self.pq.idx("top", "--json", *args)
        self.assertEqual(result.status, status, result)
        return {line["group"]: line["count"] for line in result.lines}

    def test_reason(self):
        """Each group has as many messages as postqueue says; folded reasons are those of `why`."""
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


@both_ids
class Gone(RigCase):
    """Of what left nobody can say whether it was meant, unless its ID was asked for, or a look had seen it."""

    def test_gone(self):
        ours = self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.postfix.postsuper("-d", ours[0])
        for args in (["--subject", "/test/"], ["--why", "/./"], [BAD, "--subject", "/other/"]):
            self.assertEqual(self.pq.idx("purge", "-n", "--json", *args).summary["gone"], 0, args)
        self.assertEqual(self.purge("--subject", "/other/").summary["gone"], 0)
        self.assertEqual(self.purge("--subject", "/test/", "--id", ours[0]).with_result("gone"), {ours[0]})

    def test_gone_after_the_question(self):
        ours = self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        terminal = Terminal(self.pq.words("purge", "--json", "--subject", "/test/"))
        terminal.read_until("[y/N]")
        self.postfix.postsuper("-d", ours[0])
        self.assertEqual(terminal.answer("y"), 0, terminal.text)
        self.assertIn('"deleted":2,"gone":1', terminal.text)
        self.assertEqual(self.postfix.ids(), set())


@both_ids
class Combined(WhyCase):
    """Selectors of every kind together, drawn by lot, against the queue files and postqueue -j."""

    SUBJECTS = ("Invoice 1", word("Rechnung für Sie"), "no bill")

    def setUp(self):
        super().setUp()
        for n in range(18):
            options = {"LOGIN": ("joe@web.test", "ann@other.test")[n % 2]} if n % 3 else {}
            self.send(("a@example.com", "b@good.test", "c@sub.example.com")[n % 3], f"u@d{n % 5}.test",
                      content(("x@good.test", "y@example.com")[n % 4 == 0], subject=self.SUBJECTS[n * 7 % 3]), ADDR=f"192.0.2.{n}", **options)
        for _ in range(2):
            self.postfix.sendmail("a@example.com", ["u@d1.test"], content(subject="Invoice 2"))
        self.postfix.settled(27)
        self.postfix.postsuper("-h", "-", ids=sorted(self.postfix.ids())[::4])
        self.files = self.postfix.read()
        self.reasons = {e["queue_id"]: [r["delay_reason"] for r in e["recipients"] if "delay_reason" in r] for e in self.postfix.queue()}

    def kinds(self):
        """For each kind its words, and what they mean of a queue file; one of a kind is an alternative to another."""
        def domain(name):
            return [name], lambda f: name in f.author_domains

        def login(text, rule):
            return ["--login", text], lambda f: rule(f.attributes.get("sasl_username", ""))

        def subject(text):
            return ["--subject", f"/{text}/"], lambda f: any(re.search(text.encode(), s.encode()) for s in f.subjects)

        def why(text):
            return ["--why", f"/{text}/"], lambda f: any(re.search(text, r) for r in self.reasons[f.queue_id])

        def queue(name):
            return ["--queue", name], lambda f: f.queue == name

        def recipient(name):
            return ["--recipient", name], lambda f: name in f.recipient_domains

        return [[domain("example.com"), domain("good.test"), domain("sub.example.com")],
                [login("@web.test", lambda l: l.endswith("@web.test")), login("/^ann/", lambda l: l.startswith("ann"))],
                [subject("Invoice"), subject("^Rechnung für"), subject("[0-9]$")],
                [why("timed out"), why("mailbox full"), why(r"d3\.test|try again")],
                [queue("hold"), queue("deferred")], [recipient("d1.test"), recipient("d3.test")],
                [(["--uid", "root"], lambda f: "log_client_address" not in f.attributes)]]

    def test_by_lot(self):
        draw, seen = random.Random(17), set()
        for _ in range(60):
            asked = [draw.sample(kind, draw.randint(1, len(kind))) for kind in draw.sample(self.kinds(), draw.choice((1, 2, 2, 3)))]
            words = [w for kind in asked for one, _ in kind for w in one]
            expected = {i for i, f in self.files.items() if all(any(rule(f) for _, rule in kind) for kind in asked)}
            self.assert_selects(expected, *words)
            seen.add(len(expected))
        self.assertGreater(len(seen), 5, "too little was told apart")

    def test_to_the_end(self):
        """A purge of such a lot leaves exactly the rest."""
        expected = {i for i, f in self.files.items() if any("Invoice" in s for s in f.subjects) and any("mailbox" in r for r in self.reasons[i])}
        self.assertTrue(expected)
        self.assert_purged(expected, "--subject", "/Invoice/", "--why", "/mailbox/", "--all")


class Rewritten(RigCase):
    """The subject is that of the queue file as it is now, not the client's."""

    main = "header_checks = regexp:{{/^Subject: draft (.*)/ REPLACE Subject: final $$1}}\n"

    def test_header_checks(self):
        ours = self.send("a@example.com", text=content(subject="draft invoice"))
        self.postfix.settled(1)
        self.assertEqual(self.postfix.read()[ours].subjects, ["final invoice"])
        self.assert_selects(set(), "--subject", "/draft/")
        self.assert_selects({ours}, "--subject", "/^final invoice$/")
