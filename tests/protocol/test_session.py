# SPDX-License-Identifier: ISC
"""Postfix's usual behaviour, and its rarer kinds."""
import os
import time

import milter_client as mc
from daemon import CUT_FROM, CUT_RECIPIENTS, HELD, SANITIZED, DaemonCase
from milter_client import queue_id


class Negotiation(DaemonCase):
    def test_asks_for_two_answers_a_message(self):
        self.daemon.start()
        with self.daemon.client() as c:
            self.assertEqual(mc.QUARANTINE, c.actions)
            want = mc.NOHELO | mc.NODATA | mc.NOUNKNOWN | mc.NOEOH | mc.NOBODY
            want |= mc.NR_CONN | mc.NR_RCPT | mc.NR_HDR | mc.HDR_LEADSPC
            self.assertEqual(want, c.steps)

    def test_asks_for_its_macros(self):
        self.daemon.start()
        with self.daemon.client() as c:
            self.assertEqual({0: "i {daemon_addr} {daemon_port}", 2: "{auth_authen} {client_addr}", 3: "i", 4: "{client_addr}",
                              5: "i {auth_authen} {client_addr}"}, c.lists)

    def test_never_more_than_offered(self):
        self.daemon.start()
        for offered in (mc.NR_RCPT, mc.NOEOH, mc.NOEOH | mc.NODATA, mc.NOBODY | mc.NR_HDR):
            with self.daemon.client(steps=offered, actions=0) as c:
                self.assertEqual(0, c.steps & ~offered)
                self.assertEqual(0, c.actions)

    def test_no_eoh_skip_without_data_skip(self):
        """libmilter would never answer the end of a message without header."""
        self.daemon.start()
        with self.daemon.client(steps=mc.STEPS & ~mc.NODATA) as c:
            self.assertEqual(0, c.steps & mc.NOEOH)

    def test_twice(self):
        self.daemon.start()
        with self.daemon.client(timeout=1) as c:
            try:
                c.negotiate()
            except (mc.Closed, TimeoutError):
                pass  # libmilter accepts no second one
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(2))[0])


class Messages(DaemonCase):
    settings = {"origin": "origin.example", "record_subject": True}

    def setUp(self):
        super().setUp()
        self.daemon.start()

    def test_all_fields(self):
        before = int(time.time() * 1e6) - 1
        with self.daemon.client() as c:
            c.connect(address="2001:db8::7", port=4711)
            answer = c.message(queue_id(1), "<User@Example.COM.>", ["<b@example.net>", "<C@Example.net>"],
                               [("From", " Ann <ann@one.example>,\n Bob <bob@two.example>"), ("from", "eve@three.example"),
                                ("Message-ID", " <m1@example.com>"), ("Subject", " two\n words"), ("Message-ID", "<no>")],
                               login="Ann")
        self.assertEqual((mc.CONTINUE, "", []), answer)
        m = self.daemon.messages()[queue_id(1)]
        self.assertEqual("User@example.com", m["sender"])
        self.assertEqual(["ann@one.example", "bob@two.example", "eve@three.example"], m["from"])
        self.assertEqual(["b@example.net", "C@example.net"], m["recipients"])
        self.assertEqual(["2001:db8::7", 4711], [m["client"], m["client_port"]])
        self.assertEqual(["Ann", "<m1@example.com>", "two words"], [m["login"], m["message_id"], m["subject"]])
        self.assertEqual(["smtpd", 0, 2], [m["origin"], m["flags"], m["recipient_count"]])
        times = [before, m["connect_time"], m["mail_time"], m["rcpt_time"], m["end_time"], int(time.time() * 1e6) + 1]
        self.assertEqual(sorted(times), times)

    def test_senders(self):
        cases = [("<>", ""), ("", ""), ("<@a,@b:x@c.example>", "x@c.example"), ("bare@c.example", "bare@c.example"),
                 ("<root>", "root@origin.example"), ('<"a b@c"@d.example>', "a b@c@d.example")]
        with self.daemon.client() as c:
            c.connect()
            for n, (sender, _) in enumerate(cases):
                self.assertEqual(mc.CONTINUE, c.message(queue_id(n), sender)[0], sender)
        got = self.daemon.messages()
        self.assertEqual([want for _, want in cases], [got[queue_id(n)]["sender"] for n in range(len(cases))])

    def test_mail_without_argument(self):
        with self.daemon.client() as c:
            c.connect()
            c.send(b"M", b"")
            try:
                c.reply()
                c.rcpt()
                c.end(queue_id(1))
            except mc.Closed:
                pass  # libmilter refuses the packet itself
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(2))[0])

    def test_sendmail(self):
        """Macro i at CONNECT identifies it; 127.0.0.1 may also be webmail."""
        with self.daemon.client() as c:
            c.connect("localhost", "127.0.0.1", 0, local=queue_id(1))
            c.message(queue_id(1), "root")
        with self.daemon.client() as c:
            c.connect("localhost", "127.0.0.1", 999)
            c.message(queue_id(2), "root")
        got = self.daemon.messages()
        self.assertEqual(["sendmail", ""], [got[queue_id(1)]["origin"], got[queue_id(1)]["client"]])
        self.assertEqual(["smtpd", "127.0.0.1"], [got[queue_id(2)]["origin"], got[queue_id(2)]["client"]])

    def test_without_header(self):
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(1))[0])
        self.assertEqual([], self.daemon.messages()[queue_id(1)]["from"])

    def test_without_header_and_skips(self):
        """An MTA that can skip almost nothing: nearly every event is sent and answered."""
        with self.daemon.client(steps=mc.SKIP) as c:
            c.connect()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(1))[0])
        self.assertIn(queue_id(1), self.daemon.messages())

    def test_two_messages_do_not_mix(self):
        with self.daemon.client() as c:
            c.connect()
            c.message(queue_id(1), "<a@one.example>", ["<x@x.example>", "<y@x.example>"],
                      [("From", "f@one.example"), ("Message-ID", "<1>")], login="one")
            c.message(queue_id(2), "<a@two.example>", ["<z@x.example>"])
        second = self.daemon.messages()[queue_id(2)]
        self.assertEqual([[], ["z@x.example"], 1, ""],
                         [second["from"], second["recipients"], second["recipient_count"], second["message_id"]])

    def test_rset(self):
        with self.daemon.client() as c:
            c.connect()
            c.mail("<a@one.example>")
            c.rcpt("<x@x.example>")
            c.header("From", "f@one.example")
            c.abort()
            c.message(queue_id(1), "<a@two.example>", ["<z@x.example>"])
        got = self.daemon.messages()
        self.assertEqual([queue_id(1)], list(got))
        self.assertEqual(["a@two.example", []], [got[queue_id(1)]["sender"], got[queue_id(1)]["from"]])

    def test_next_file_without_mail(self):
        """smtpd_end_of_data_restrictions refuse a message, and the client goes on with RCPT. Postfix before 3.12 silently
        makes a new queue file, and sends its first recipient with the previous file's macro."""
        first, second, third = queue_id(1), queue_id(2), queue_id(3)
        with self.daemon.client() as c:
            c.connect()
            c.mail("<a@one.example>")
            c.rcpt("<r1@x.example>")
            c.rcpt("<r2@x.example>", first)
            c.data(first)
            c.rcpt("<r3@x.example>", first)  # refused; from here on there is another file
            c.rcpt("<r4@x.example>", second)
            c.data(second)
            c.header("From", "b@two.example")
            self.assertEqual(mc.CONTINUE, c.end(second)[0])
            c.abort()
            c.message(third, "<a@three.example>", ["<r5@x.example>", "<r6@x.example>"])
        got = self.daemon.messages()
        self.assertEqual([second, third], sorted(got))
        self.assertEqual(["a@one.example", ["r3@x.example", "r4@x.example"], 2, ["b@two.example"]],
                         [got[second][k] for k in ("sender", "recipients", "recipient_count", "from")])
        self.assertEqual(["r5@x.example", "r6@x.example"], got[third]["recipients"])

    def test_next_file_with_one_recipient(self):
        with self.daemon.client() as c:
            c.connect()
            c.mail("<a@one.example>")
            c.rcpt("<r1@x.example>")
            c.data(queue_id(1))
            c.rcpt("<r2@x.example>", queue_id(1))
            c.data(queue_id(2))
            self.assertEqual(mc.CONTINUE, c.end(queue_id(2))[0])
        self.assertEqual({queue_id(2): ["r2@x.example"]}, {i: m["recipients"] for i, m in self.daemon.messages().items()})

    def test_without_queue_id(self):
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.CONTINUE, c.message(None)[0])
            self.assertEqual(mc.CONTINUE, c.message("no such id!")[0])
            self.assertEqual(mc.CONTINUE, c.message(queue_id(1))[0])
        self.assertEqual([queue_id(1)], list(self.daemon.messages()))
        self.assertEqual([2, 2, 1], [self.daemon.status()[k] for k in ("without_id", "lost", "recorded")])
        self.assertEqual(1, self.daemon.log.count("not recorded"), "once a minute")

    def test_large_header(self):
        """libmilter's own limit of 64 KiB would end the session."""
        with self.daemon.client() as c:
            c.connect()
            answer = c.message(queue_id(1), headers=[("X-Long", "x" * 104500),
                                                     ("From", ",".join("a%d@f.example" % n for n in range(6000)))])
            self.assertEqual(mc.CONTINUE, answer[0])
        m = self.daemon.messages()[queue_id(1)]
        self.assertEqual([64, CUT_FROM], [len(m["from"]), m["flags"]])

    def test_header_of_one_name_repeated(self):
        """Megabytes of From cost no more than reading them: the same name is not brought to A-labels twice."""
        def spent():
            with open("/proc/%d/stat" % self.daemon.process.pid, encoding="ascii") as f:
                return sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")
        value = "a@b\u00fccher.example, " * 170000  # 3.9 MB
        with self.daemon.client() as c:
            c.connect()
            before = spent()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(1), headers=[("From", value), ("From", value)])[0])
        self.assertLess(spent() - before, 10 if SANITIZED else 1)
        self.assertEqual(["a@xn--bcher-kva.example"], self.daemon.messages()[queue_id(1)]["from"])

    def test_thousand_recipients(self):
        with self.daemon.client() as c:
            c.connect()
            c.message(queue_id(1), recipients=["<r%d@x.example>" % n for n in range(1003)])
        m = self.daemon.messages()[queue_id(1)]
        self.assertEqual([1003, 1000, CUT_RECIPIENTS], [m["recipient_count"], len(m["recipients"]), m["flags"]])
        self.assertIn(f"{queue_id(1)}: recorded in part: 1000 of 1003 recipients", self.daemon.log)

    def test_silent_steps_get_no_answer(self):
        with self.daemon.client() as c:
            c.connect()
            self.assertTrue(c.silent())
            c.mail()
            c.rcpt()
            c.header("From", "a@b.example")
            self.assertTrue(c.silent())


class Rules(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon.rules("bad.example REJECT not here\nslow.example DEFER\nhold.example HOLD\nsink.example DISCARD\n"
                          "warn.example WARN noted\nlogin:mallory REJECT\nclient:198.51.100.0/24 REJECT 100% no\n")
        self.daemon.start()

    def ask(self, sender, address="192.0.2.7", local=None, **more):
        with self.daemon.client() as c:
            c.connect(address=address, local=local)
            return c.message(queue_id(1), sender, **more)

    def test_at_mail(self):
        self.assertEqual((mc.REPLY, "550 5.7.1 not here", []), self.ask("<a@bad.example>"))
        self.assertEqual(mc.REPLY, self.ask("<a@slow.example>")[0])
        self.assertTrue(self.ask("<a@slow.example>")[1].startswith("451 4.7.1 "))
        self.assertTrue(self.ask("<a@fine.example>", login="mallory")[1].startswith("550 5.7.1 "))
        self.assertEqual((mc.REPLY, "550 5.7.1 100% no", []),
                         tuple(x.replace("%%", "%") if isinstance(x, str) else x
                               for x in self.ask("<a@fine.example>", address="198.51.100.9")))
        self.assertEqual({}, self.daemon.messages())

    def test_by_header(self):
        head = [("From", "x@fine.example, y@bad.example")]
        self.assertEqual((mc.REPLY, "550 5.7.1 not here", []), self.ask("<a@fine.example>", headers=head))
        self.assertEqual({}, self.daemon.messages())

    def test_by_header_past_what_is_recorded(self):
        """The 65th mailbox, and one in a field after 64: 64 are recorded, all are looked up."""
        many = ",".join("u%d@fine%d.example" % (n, n) for n in range(64))
        for head in ([("From", many + ", y@bad.example")], [("From", many), ("From", "y@bad.example")],
                     [("From", many), ("Subject", "x"), ("from", many + ",y@BAD.example," + many)]):
            self.assertEqual((mc.REPLY, "550 5.7.1 not here", []), self.ask("<a@fine.example>", headers=head))
        self.assertEqual(mc.CONTINUE, self.ask("<a@fine.example>", headers=[("From", many + ", y@good.example")])[0])

    def test_discard(self):
        self.assertEqual((mc.DISCARD, "", []), self.ask("<a@sink.example>"))
        self.assertEqual({}, self.daemon.messages())

    def test_hold(self):
        answer = self.ask("<a@hold.example>")
        self.assertEqual([mc.CONTINUE, [mc.HOLD]], [answer[0], [m[0] for m in answer[2]]])
        self.assertEqual(HELD, self.daemon.messages()[queue_id(1)]["flags"])

    def test_local_mail_is_held_instead(self):
        answer = self.ask("<a@bad.example>", local=queue_id(1))
        self.assertEqual([mc.CONTINUE, [mc.HOLD]], [answer[0], [m[0] for m in answer[2]]])
        self.assertEqual(HELD, self.daemon.messages()[queue_id(1)]["flags"])
        self.assertIn("not here", self.daemon.log)

    def test_hold_that_is_impossible_defers(self):
        with self.daemon.client(actions=0) as c:
            c.connect()
            self.assertEqual(mc.TEMPFAIL, c.message(queue_id(1), "<a@hold.example>")[0])

    def test_warn_passes(self):
        self.assertEqual(mc.CONTINUE, self.ask("<a@warn.example>")[0])
        self.assertIn("noted", self.daemon.log)

    def test_session_goes_on_after_a_refusal(self):
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.REPLY, c.message(queue_id(1), "<a@bad.example>")[0])
            self.assertEqual(mc.CONTINUE, c.message(queue_id(2), "<a@fine.example>")[0])
            self.assertEqual(mc.REPLY, c.message(queue_id(3), "<a@bad.example>")[0])
        self.assertEqual([queue_id(2)], list(self.daemon.messages()))

    def test_rule_set_after_mail_counts_at_the_end(self):
        with self.daemon.client() as c:
            c.connect()
            c.mail("<a@fine.example>")
            c.rcpt()
            self.daemon.rules("fine.example REJECT too late\n")
            self.daemon.wait_log("rules reloaded")
            self.assertEqual((mc.REPLY, "550 5.7.1 too late", []), c.end(queue_id(1)))

    def test_no_client_text_in_the_reply(self):
        self.daemon.rules("/evil/ REJECT\n")
        self.daemon.wait_log("rules reloaded")
        answer = self.ask("<evil%s%n\x1b[31m@x.example>")
        self.assertEqual(mc.REPLY, answer[0])
        self.assertNotIn("evil", answer[1])
        self.assertNotIn("\x1b", self.daemon.log)
