# SPDX-License-Identifier: ISC
"""--with-bounces: bounces and delay notices of the mail, told apart from all others by their own files."""
from case import BAD, RigCase, both_ids_at_length
from rig import until
from smtp import content


@both_ids_at_length
class Bounces(RigCase):
    """Mail to unknown users bounces on this host; the bounces wait for the forged sender's server."""

    main = "mydestination = here.test\nnotify_classes = bounce\n"

    def bounce(self, sender, count=1):
        """Causes bounces and waits for them; returns their IDs."""
        before = self.postfix.ids()
        for _ in range(count):
            self.send(sender, "nobody-of-that-name@here.test", content(sender))
        def made():
            files = self.postfix.read().items()
            found = {i for i, file in files if i not in before and file.sender == "" and file.ready
                     and file.recipients == [sender]}
            return found if len(found) == count else None
        ids = until(made, f"{count} bounces to {sender}")
        self.postfix.settled()
        return ids

    def forged(self, recipient, login=None):
        """A bounce over SMTP, with everything in it that a client can write."""
        with self.postfix.smtp() as client:
            text = ("Received: by rig.test (Postfix)\n\tid 3Pt2mN2VXxznjll; Mon, 23 Nov 2026 18:49:21 +0000 (UTC)\n"
                    "Date: Mon, 23 Nov 2026 18:49:21 +0000 (UTC)\n"
                    "From: Mail Delivery System <MAILER-DAEMON@rig.test>\n"
                    f"Subject: Undelivered Mail Returned to Sender\nTo: {recipient}\nAuto-Submitted: auto-replied\n"
                    "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n"
                    "\tboundary=\"6A326A73701.1795459757/rig.test\"\n\nThis is a MIME-encapsulated message.\n")
            return client.message("", recipient, text)

    def test_exactly_the_bounces(self):
        ours = self.bounce("a@example.com", 3)
        others = self.bounce("a@good.test", 2) | self.bounce("a@sub.example.com")
        forged = self.forged("a@example.com")
        self.postfix.sendmail("<>", ["a@example.com"], "Subject: local null sender\n\nx\n")
        mail = set(self.send_many("a@example.com", 2))
        self.postfix.settled()
        before = self.postfix.ids()
        self.assert_selects(mail, BAD)
        dry = self.assert_selects(mail | ours, "--with-bounces", BAD)
        self.assertEqual(dry.summary["bounces"], 3)
        text = self.pq.idx("-n", "--with-bounces", BAD)
        self.assertRegex(text.out, r"(?m)^ *bounces +3 ")
        result = self.assert_purged(mail | ours, "--with-bounces", BAD)
        self.assertEqual({i for i, line in result.messages.items() if line.get("bounce")}, ours)
        self.assertEqual((result.summary["bounces"], result.summary["deleted"]), (3, 5))
        self.assertEqual(self.postfix.ids(), before - mail - ours)
        self.assertLessEqual(others | {forged}, self.postfix.ids())

    def test_by_sender(self):
        ours, other = self.bounce("a@example.com"), self.bounce("b@example.com")
        self.assert_selects(ours, "--with-bounces", "--sender", "a@example.com")
        self.assert_selects(ours | other, "--with-bounces", "--sender", "/@example\\.com$/")

    def test_bounces_after_a_catch_up(self):
        ours = self.bounce("a@example.com")
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assert_selects(ours, "--with-bounces", BAD)
        self.assert_purged(ours, "--with-bounces", BAD)

    def test_what_it_cannot_go_with(self):
        for args in (["--all"], ["--login", "joe", BAD], ["--client", "192.0.2.1", BAD], ["--recipient", BAD],
                     ["--id", "3Pt2mN2VXxznjll", BAD], ["--from", BAD]):
            result = self.pq.idx("purge", "-y", "--with-bounces", *args)
            self.assertEqual(result.status, 1, f"{args}: {result}")


class BouncesThatAMilterSees(Bounces):
    main = Bounces.main + "internal_mail_filter_classes = bounce, notify\n"

    def test_bounces_after_a_catch_up(self):
        """Nothing is missing from the index: they have rows, with an empty sender."""
        ours = self.bounce("a@example.com")
        self.assertLessEqual(ours, set(self.pq.idx("list", "--json", "--index-only", "<>").messages))
        self.assertEqual(self.pq.idx("sync", "--json").lines[0]["sync"]["added"], 0)
        self.assert_purged(ours, "--with-bounces", BAD)


class DelayNotices(RigCase):
    main = "delay_warning_time = 1s\nqueue_run_delay = 1s\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n"

    def test_delay_notice(self):
        ours = self.send("a@example.com")
        def warned():
            found = [i for i, file in self.postfix.read().items() if file.sender == "" and file.ready]
            return set(found) or None
        notices = until(warned, "a delay notice", 60)
        self.postfix.settled()
        self.assert_purged(notices | {ours}, "--with-bounces", BAD)
