# SPDX-License-Identifier: ISC
"""However a sender writes the domain, a block refuses it at the door and a purge finds it, with and without the index.
Another domain, or no sender, passes and stays. The unit tests have the whole table of pqpurge-rules(5); here a Postfix
is in between."""
from case import RigCase
from smtp import Refused

BAD = "bad.example"
MANY = ", ".join(f"f{n}@ok.test" for n in range(64))

# Header fields, with their kind.
OURS = {
    "65th mailbox": f"From: {MANY},\n ceo@bad.example",
    "3000th mailbox": "From: " + ",\n ".join(f"f{n}@ok.test" for n in range(2999)) + ",\n ceo@bad.example",
    "second From": "From: a@ok.test\nFrom: ceo@bad.example",
    "third From, after 64": f"From: {MANY}\nSubject: x\nFROM: b@ok.test\nfrom: ceo@bad.example",
    "U+200D": "From: ceo@ba\u200dd.example",
    "U+200C": "From: ceo@bad.ex\u200cample",
    "U+200B": "From: ceo@bad.example\u200b",
    "U+00AD": "From: ceo@b\u00adad.example",
    "U+FEFF": "From: <\ufeffceo@\ufeffbad.example>",
    "U+2060": "From: ceo@bad\u2060.example",
    "U+00A0 behind": "From: ceo@bad.example\u00a0",
    "U+00A0 behind, in brackets": "From: Boss <ceo@bad.example\u00a0>",
    "U+3000 behind": "From: ceo@bad.example\u3000",
    "U+2003 behind": "From: ceo@bad.example\u2003\u2003",
    "two dots": "From: ceo@bad.example..",
    "a dot, in brackets": "From: <ceo@bad.example.>",
    "upper case": "From: CEO@BAD.EXAMPLE",
    "full width": "From: ceo@\uff42\uff41\uff44.example",
    "ideographic stop": "From: ceo@bad\u3002example",
    "folded": "From:\n\tceo@bad.example",
    "folded inside": "From: ceo\n @\n bad\n .\n example",
    "group": "From: Desk: a@ok.test, ceo@bad.example;",
    "comment": "From: ceo@bad(a@ok.test).example (b@ok.test)",
    "route": "From: <@relay.test,@other.test:ceo@bad.example>",
    "quoted local part": "From: \"a@ok.test\"@bad.example",
    "quoted display name": "From: \"a@ok.test\" <ceo@bad.example>",
    "display name with an address": "From: a@ok.test via Desk <ceo@bad.example>",
    "unclosed": "From: \"ceo@bad.example",
}
OTHERS = {
    "subdomain": "From: ceo@sub.bad.example",
    "domain above": "From: ceo@example",
    "ends alike": "From: ceo@notbad.example",
    "homograph": "From: ceo@b\u0430d.example",
    "literal": "From: ceo@[bad.example]",
    "display name": "From: ceo@infected.test via bad.example <a@ok.test>",
    "address as display name": "From: ceo@bad.example via Desk <tickets@desk.test>",
    "quoted address as display name": "From: \"ceo@bad.example\" <a@ok.test>",
    "encoded address as display name": "From: =?utf-8?q?ceo=40bad.example?= <a@ok.test>",
    "comment": "From: a@ok.test (ceo@bad.example)",
    "local part": "From: \"ceo@bad.example\"@ok.test",
    "Sender": "From: a@ok.test\nSender: ceo@bad.example",
    "Reply-To": "From: a@ok.test\nReply-To: ceo@bad.example",
    "Resent-From": "From: a@ok.test\nResent-From: ceo@bad.example",
    "subject": "From: a@ok.test\nSubject: From: ceo@bad.example",
    "body": "From: a@ok.test\n\nFrom: ceo@bad.example",
}
# MAIL FROM, with SMTPUTF8.
OUR_SENDERS = ["ceo@bad.example", "CEO@Bad.EXAMPLE", "ceo@ba\u200dd.example", "ceo@b\u00adad.example", "ceo@bad\ufeff.example",
               "ceo@\uff42\uff41\uff44.example", "ceo@bad\u3002example", "@relay.test:ceo@bad.example", "ceo@bad.example\u00a0"]
OTHER_SENDERS = ["ceo@sub.bad.example", "ceo@notbad.example", "ceo@b\u0430d.example", "ceo@[127.0.0.1]",
                 "SRS0=hhh=tt=bad.example=ceo@ok.test", "list+u=bad.example@ok.test"]


class Evasions(RigCase):
    # The header as it came: Postfix rewrites that of its own clients, with at most 10,240 tokens.
    main = "smtputf8_enable = yes\nlocal_header_rewrite_clients =\n"

    def setUp(self):
        super().setUp()
        self.client = self.postfix.smtp()
        self.addCleanup(self.client.__exit__)

    def answer(self, sender, header="From: a@ok.test"):
        """The queue ID; None: our rule refused; "": Postfix itself does not accept the sender."""
        try:
            return self.client.message(sender, "u@dest.test", f"{header}\nTo: u@dest.test\n\nHello.\n", "SMTPUTF8")
        except Refused as refused:
            self.client.command("RSET")
            if "blocked" in refused.text or "5.7.1" in refused.text:
                return None
            self.assertIn(refused.code, (501, 553), refused)
            return ""

    def everything(self):
        """[(name, whether it belongs to the domain, sender, header)]"""
        return [*((f"From, {name}", ours, "n@ok.test", header)
                  for ours, fields in ((True, OURS), (False, OTHERS)) for name, header in fields.items()),
                *((f"MAIL FROM {sender!a}", ours, sender, "From: a@ok.test")
                  for ours, senders in ((True, OUR_SENDERS), (False, OTHER_SENDERS)) for sender in senders)]

    def send_all(self):
        """{queue ID: (name, whether it belongs to the domain)} of the waiting mail."""
        sent = {}
        for name, ours, sender, header in self.everything():
            queue_id = self.answer(sender, header)
            self.assertIsNotNone(queue_id, name)
            if queue_id:
                sent[queue_id] = (name, ours)
        self.postfix.settled(len(sent))
        self.assertGreater(len(sent), len(OURS) + len(OTHERS) + 4)
        return sent

    def check(self, sent, found):
        self.assertEqual(sorted(sent[i][0] for i in found), sorted(name for name, ours in sent.values() if ours))

    def test_purge(self):
        sent = self.send_all()
        self.check(sent, self.pq.listed(BAD))
        result = self.purge(BAD)
        self.check(sent, result.with_result("deleted"))
        self.assertEqual(self.postfix.ids(), {i for i, (_, ours) in sent.items() if not ours})

    def test_without_an_index(self):
        """The queue files alone give the same answer."""
        sent = self.send_all()
        self.pq.kill9()
        self.pq.forget()
        self.check(sent, self.pq.listed(BAD))

    def test_at_the_door(self):
        self.assertEqual(self.pq.idx("block", "-y", BAD).status, 0)
        wrong = [name for name, ours, sender, header in self.everything()
                 if (answer := self.answer(sender, header)) != "" and (answer is None) != ours]
        self.assertEqual(wrong, [])


class Logins(RigCase):
    """login_case: by default a login in another case is the same one."""
    CASES = ("joe", "JOE", "Joe")

    def check(self, same):
        sent = {login: self.send("a@ok.test", ADDR="192.0.2.9", LOGIN=login) for login in self.CASES}
        self.postfix.settled(3)
        self.assertEqual(set(self.pq.listed("--login", "Joe")), set(sent.values()) if same else {sent["Joe"]})
        self.assertEqual(self.pq.idx("block", "-y", "login:Joe").status, 0)
        refused = set()
        for login in self.CASES:
            try:
                self.send("a@ok.test", ADDR="192.0.2.9", LOGIN=login)
            except Refused:
                refused.add(login)
        self.assertEqual(refused, set(self.CASES) if same else {"Joe"})

    def test_ignored(self):
        self.check(True)


class ExactLogins(Logins):
    settings = {"login_case": "exact"}

    def test_ignored(self):
        self.check(False)
