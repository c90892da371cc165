# SPDX-License-Identifier: ISC
"""--subject: the decoded subject, as the queue file has it now."""
import base64
import re

from case import BAD, RigCase, both_ids_at_length
from smtp import content


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


@both_ids_at_length
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
        """By Python's reading of the queue files. An expression matches bytes."""
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
        """Controls become a blank, invalid UTF-8 a question mark, and invisible characters nothing."""
        ids = [self.subject(value) for value in (
            b"in\x1b[31mvoice\x07", b"inv\xffoice", "in\u200bvo\u00adice".encode(), "in\u00a0voice".encode(), b"=?utf-8?Q?in=00voice=FF?=",
            b"=?utf-8?B?" + base64.b64encode("in\u202evoice".encode()) + b"?=")]
        self.postfix.settled(len(ids))
        for expected, text in (([0], r"^in \[31mvoice$"), ([1], r"^inv\?oice$"), ([2, 5], "^invoice$"), ([3], "^in voice$"), ([4], r"^in voice\?$")):
            self.assert_selects({ids[n] for n in expected}, "--subject", f"/{text}/")

    def test_long(self):
        """A subject that is too long matches only if the rest cannot matter; otherwise it is left alone, and
        reported."""
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
        """The first ten Subject fields are examined."""
        fields = b"".join(b"Subject: s%d\n" % n for n in range(1, 30))
        queue_id = self.subject(b"s0", fields)
        self.postfix.settled(1)
        self.assert_selects({queue_id}, "--subject", "/^s9$/")
        result = self.pq.idx("purge", "-y", "--json", "--subject", "/^s10$/")
        self.assertEqual((result.status, result.summary["undecided"]), (2, 1), result)
        self.assertEqual(self.postfix.ids(), {queue_id})

    def test_costly(self):
        """An expression that reaches its match limit deletes nothing."""
        ours = self.subject(b"a" * 1000 + b"!")
        other = self.subject(b"aaa")
        self.postfix.settled(2)
        result = self.pq.idx("purge", "-y", "--json", "--subject", "/^(a+)+$/")
        self.assertEqual((result.status, result.summary["limits"]), (2, 1), result)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), ({other}, {ours}))

    def test_lines_longer_than_a_record(self):
        """With line_length_limit raised, the part of a record beyond our limit is missing."""
        self.postfix.set(line_length_limit="20000")
        self.addCleanup(self.postfix.set, line_length_limit="2048")
        ids = [self.subject(b"x" * 5000 + b" invoice"), self.subject(b"short invoice")]
        self.postfix.settled(2)
        result = self.pq.idx("purge", "-y", "--json", "--subject", "/invoice/")
        self.assertEqual((result.status, result.with_result("deleted"), self.postfix.ids()), (2, {ids[1]}, {ids[0]}), result)


class Rewritten(RigCase):
    """The subject is that of the queue file as it is now, not the client's."""

    main = "header_checks = regexp:{{/^Subject: draft (.*)/ REPLACE Subject: final $$1}}\n"

    def test_header_checks(self):
        ours = self.send("a@example.com", text=content(subject="draft invoice"))
        self.postfix.settled(1)
        self.assertEqual(self.postfix.read()[ours].subjects, ["final invoice"])
        self.assert_selects(set(), "--subject", "/draft/")
        self.assert_selects({ours}, "--subject", "/^final invoice$/")
