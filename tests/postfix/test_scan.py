# SPDX-License-Identifier: ISC
"""--scan and --with-bounces: mail that no milter saw, found in its queue files by the same patterns and the same proof."""
import os
import sys
import time

from case import BAD, RigCase, both_ids
from rig import until
from smtp import content


@both_ids
class Scan(RigCase):
    def send_mix(self):
        """What stands in queue files, half of it of BAD; the IDs of that half and of the other."""
        with self.postfix.smtp() as client:
            bad = {client.message(*m) for m in (
                ("a@example.com", "u@dest.test", content("a@example.com")),
                ("A@EXAMPLE.Com", ["u@dest.test", "v@dest.test"], content("a@good.test")),
                ("a@good.test", "u@dest.test", content("Boss <boss@Example.COM>")),
                ("", "u@dest.test", content("All: one@good.test,\n\ttwo@example.com;")),
                ("a@good.test", "u@dest.test", "Subject: x\nFROM : three@example.com\n\nx\n"),
                ("a@good.test", "u@dest.test", content("a@good.test", extra="From: b@example.com\n")))}
            good = {client.message(*m) for m in (
                ("a@badexample.com", "u@dest.test", content("a@badexample.com")),
                ("a@sub.example.com", "u@dest.test", content("a@good.test")),
                ("a@good.test", "victim@example.com", content("a@good.test")),
                ("a@good.test", "u@dest.test", content("a@good.test", body="From: a@example.com\n")),
                ("a@good.test", "u@dest.test", "Subject: x\n\nFrom: a@example.com\n"),
                ("", "u@example.com", content("MAILER-DAEMON@rig.test")))}
        self.postfix.settled(len(bad) + len(good))
        return bad, good

    def missed_mix(self, stop):
        stop()
        bad, good = self.send_mix()
        self.pq.start()
        return bad, good

    def check_missed(self, stop):
        bad, good = self.missed_mix(stop)
        blind = self.purge(BAD)
        self.assertEqual((blind.summary["deleted"], blind.summary["unindexed"]), (0, len(bad | good)))
        self.assert_selects(bad, "--scan", BAD)
        self.assertEqual(set(self.pq.listed("--scan", BAD)), bad)
        result = self.assert_purged(bad, "--scan", BAD)
        self.assertEqual({line["origin"] for line in result.messages.values()}, {"scan"})
        self.assertEqual(result.summary["unindexed"], len(good))

    def test_daemon_stopped(self):
        self.check_missed(self.pq.stop)

    def test_daemon_killed(self):
        self.check_missed(self.pq.kill9)

    def test_half_of_it_indexed(self):
        indexed, _ = self.send_mix()
        self.pq.kill9()
        with self.postfix.smtp() as client:
            missed = {client.message("b@example.com", "u@dest.test", content()) for _ in range(3)}
        self.pq.start()
        self.postfix.settled(15)
        result = self.assert_purged(indexed | missed, "--scan", "--sweep", BAD)
        self.assertEqual({i for i, line in result.messages.items() if "origin" in line}, missed)
        self.assertEqual(result.summary["scanned"], 3)

    def test_selectors(self):
        self.pq.stop()
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.77", LOGIN="joe")
            ours = client.message("a@good.test", ["u@dest.test", "x@victim.test"],
                                  content("a@good.test", extra="Message-ID: <m7@good.test>\n"))
        other = self.send("a@good.test")
        self.postfix.settled(2)
        self.pq.start()
        for args in (["--login", "joe"], ["--client", "192.0.2.77"], ["--message-id", "m7@good.test"],
                     ["--recipient", "victim.test"], ["--id", ours]):
            result = self.assert_selects({ours}, "--scan", *args)
            self.assertEqual(result.summary["matched"], 1, result)
        self.assertEqual(self.pq.listed("--scan", "--recipient", "victim.test")[ours]["client"], "192.0.2.77")
        self.assert_selects({ours, other}, "--scan", "--sender", "good.test", "--newer", "1h")
        self.assert_selects(set(), "--scan", "--sender", "good.test", "--queue", "hold")
        self.assertEqual(set(self.pq.listed("--scan")), {ours, other})

    def test_hold_and_release(self):
        self.pq.stop()
        ours = set(self.send_many("a@example.com", 3))
        self.postfix.settled(3)
        self.pq.start()
        held = self.pq.idx("hold", "-y", "--json", "--scan", BAD)
        self.assertEqual((held.status, held.summary["held"]), (0, 3), held)
        self.assertEqual({file.queue for file in self.postfix.read().values()}, {"hold"})
        back = self.pq.idx("release", "-y", "--json", "--scan", BAD)
        self.assertEqual((back.status, back.summary["released"]), (0, 3), back)
        self.assertEqual(back.with_result("released"), ours)

    def test_text(self):
        self.pq.stop()
        self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        self.pq.start()
        text = self.pq.idx("-n", "--scan", BAD)
        self.assertEqual(text.status, 0, text)
        self.assertIn("2 of these are not in the index", text.out)

    def test_damaged_file(self):
        """What cannot be read is told, and everything else is found."""
        self.pq.stop()
        ours, broken = self.send("a@example.com"), self.send("a@example.com")
        self.postfix.settled(2)
        with open(self.postfix.find(broken), "r+b") as file:
            file.write(b"XXXX")
        self.pq.start()
        result = self.purge("--scan", BAD, status=2)
        self.assertEqual(result.with_result("deleted"), {ours}, result)
        self.assertIn("could not be read", result.summary["trouble"])
        os.unlink(self.postfix.find(broken))


class FiveHundred(RigCase):
    """What came while nothing was recorded: told with its number and time, and found."""

    def check(self, stop):
        stop()
        self.postfix.flood("a@example.com", 200)
        self.postfix.flood("a@good.test", 300)
        self.postfix.settled(500)
        self.pq.start()
        files = self.postfix.read()
        text = self.pq.idx("purge", "-y", BAD)
        self.assertEqual(text.status, 0, text)
        self.assertRegex(text.err, r"(?m)^500 messages in the queue are not in the index \(arrived 20\d\d-.*--scan")
        self.assertEqual(self.postfix.ids(), set(files))
        self.assertRegex(self.pq.idx("list", BAD).err, r"(?m)^500 messages in the queue are not in the index")
        dry = self.pq.idx("purge", "-n", "--json", BAD).summary
        self.assertEqual((dry["unindexed"], dry["unindexed_in_gaps"]), (500, 500), dry)
        self.assertEqual((dry["unindexed_oldest"], dry["unindexed_newest"]),
                         (int(min(f.arrival for f in files.values())), int(max(f.arrival for f in files.values()))))
        self.assertEqual(len(dry["coverage_gaps"]), 1, dry)
        ours = {i for i, file in files.items() if BAD in file.author_domains}
        self.assertEqual(len(ours), 200)
        self.assertEqual(self.assert_purged(ours, "--scan", BAD).summary["unindexed"], 300)

    def test_daemon_stopped(self):
        self.check(self.pq.stop)

    def test_daemon_killed(self):
        self.check(self.pq.kill9)


@both_ids
class LocalMail(RigCase):
    """sendmail(1) mail: recorded through non_smtpd_milters, proven by create_time; and where no milter saw it yet."""

    def submit(self, sender, **options):
        self.postfix.sendmail(sender, ["u@dest.test"], f"From: {sender}\nSubject: x\n\nx\n", **options)

    def test_purged_like_other_mail(self):
        for _ in range(3):
            self.submit("a@example.com")
        self.submit("a@good.test")
        self.postfix.settled(4)
        files = self.postfix.read()
        ours = {i for i, file in files.items() if file.sender == "a@example.com"}
        self.assertEqual(len(ours), 3)
        result = self.assert_purged(ours, BAD)
        self.assertEqual(result.summary["unindexed"], 0)

    def in_maildrop(self, *senders):
        """Submits with no Postfix running; {sender: queue ID in maildrop}."""
        self.postfix.stop()
        self.addCleanup(self.start_postfix)
        for sender in senders:
            self.submit(sender)
        return {file.sender: i for i, file in self.postfix.read().items() if file.queue == "maildrop"}

    def start_postfix(self):
        if not self.postfix.running:
            self.postfix.start()
            self.postfix.settled()

    def test_long_stay_in_maildrop(self):
        self.in_maildrop("a@example.com", "a@good.test")
        time.sleep(2.5)  # the arrival lies further back than create_time is rounded
        self.postfix.start()
        self.postfix.settled(2)
        ours = {i for i, file in self.postfix.read().items() if file.sender == "a@example.com"}
        self.assert_purged(ours, BAD)

    def test_maildrop_is_scanned(self):
        there = self.in_maildrop("a@example.com", "a@good.test")
        self.assertEqual(len(there), 2)
        self.assert_selects(set(), BAD)
        self.assert_selects({there["a@example.com"]}, "--scan", BAD)
        self.assert_selects({there["a@example.com"]}, "--scan", "--queue", "maildrop", BAD)
        self.assert_selects(set(), "--scan", "--queue", "incoming,active,deferred,hold", BAD)
        line = self.pq.listed("--scan", "--queue", "maildrop", BAD)[there["a@example.com"]]
        self.assertEqual((line["queue_name"], line["sender"], line["user"]), ("maildrop", "a@example.com", os.getuid()))
        self.postfix.set(maillog_file="")  # postsuper 3.7 cannot log to a file while Postfix is down
        try:
            result = self.purge("--scan", BAD)
        finally:
            self.postfix.set(maillog_file=self.postfix.maillog)
        self.assertEqual(result.with_result("deleted"), {there["a@example.com"]}, result)
        self.assertEqual(self.postfix.ids(), {there["a@good.test"]})

    def test_submitting_user_is_shown(self):
        self.pq.stop()
        self.submit("a@example.com")
        remote = self.send("a@example.com", text="Received: by rig.test (Postfix, from userid 4711)\n\tid 1\n\nx\n")
        self.postfix.settled(2)
        self.pq.start()
        listed = self.pq.listed("--scan", BAD)
        local, = set(listed) - {remote}
        self.assertEqual(listed[local]["user"], os.getuid())
        self.assertNotIn("user", listed[remote], "a client's header says nothing")


@both_ids
class Bounces(RigCase):
    """Mail to unknown users bounces on this host; the bounces wait in the queue for the forged sender's server."""

    main = "mydestination = here.test\nnotify_classes = bounce\n"

    def bounce(self, sender, count=1):
        """Causes bounces and waits for them; their IDs."""
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
        """A bounce that came over SMTP, with everything in it that a client can write."""
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
        self.assertIn("3 of these are bounces or delay notices", text.out)
        result = self.assert_purged(mail | ours, "--with-bounces", BAD)
        self.assertEqual({i for i, line in result.messages.items() if line.get("bounce")}, ours)
        self.assertEqual((result.summary["bounces"], result.summary["deleted"]), (3, 5))
        self.assertEqual(self.postfix.ids(), before - mail - ours)
        self.assertLessEqual(others | {forged}, self.postfix.ids())

    def test_by_sender(self):
        ours, other = self.bounce("a@example.com"), self.bounce("b@example.com")
        self.assert_selects(ours, "--with-bounces", "--sender", "a@example.com")
        self.assert_selects(ours | other, "--with-bounces", "--sender", "/@example\\.com$/")

    def test_bounces_that_sync_added(self):
        ours = self.bounce("a@example.com")
        self.assertEqual(self.pq.idx("sync", "--add").status, 0)
        self.assert_selects(ours, "--with-bounces", BAD)
        self.assert_purged(ours, "--with-bounces", BAD)

    def test_what_it_cannot_go_with(self):
        for args in (["--all"], ["--login", "joe", BAD], ["--client", "192.0.2.1", BAD], ["--recipient", BAD],
                     ["--id", "3Pt2mN2VXxznjll", BAD], ["--from", BAD]):
            result = self.pq.idx("purge", "-y", "--with-bounces", *args)
            self.assertEqual(result.status, 1, f"{args}: {result}")


class BouncesThatAMilterSees(Bounces):
    main = Bounces.main + "internal_mail_filter_classes = bounce, notify\n"

    def test_bounces_that_sync_added(self):
        """There is nothing to add: they have rows, whose sender is nobody."""
        ours = self.bounce("a@example.com")
        self.assertLessEqual(ours, set(self.pq.listed("<>")))
        self.assertEqual(self.pq.idx("sync", "--add", "--json").lines[0]["sync"]["added"], 0)
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


if __name__ == "__main__":
    sys.exit("run me by tests/postfix/run")
