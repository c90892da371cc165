# SPDX-License-Identifier: ISC
"""If the index alone cannot answer, the queue file or its defer log decides; selectors of all kinds together."""
import random
import re

from case import BAD, RigCase, both_ids_at_length
from smtp import content
from test_selectors_subject import word
from test_selectors_why import WhyCase
from terminal import Terminal


def boxes(count, *others):
    return ", ".join([f"u{n}@d{n}.test" for n in range(count)] + list(others))


@both_ids_at_length
class CutFrom(RigCase):
    """With more header From mailboxes than are recorded, the file decides, even without a question."""

    def send_two(self):
        """One that does not match, and one that does."""
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


@both_ids_at_length
class Gone(RigCase):
    """Nobody can say whether mail that left would have matched, unless its ID was asked for, or a look had seen it."""

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


@both_ids_at_length
class Combined(WhyCase):
    """Random selectors of every kind together, compared with the queue files and postqueue -j."""

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
        """For each kind its words, and their meaning for a queue file. Two of a kind are alternatives."""
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
        """A purge with such selectors leaves exactly the rest."""
        expected = {i for i, f in self.files.items() if any("Invoice" in s for s in f.subjects) and any("mailbox" in r for r in self.reasons[i])}
        self.assertTrue(expected)
        self.assert_purged(expected, "--subject", "/Invoice/", "--why", "/mailbox/", "--all")
