# SPDX-License-Identifier: ISC
"""Complete without any option: mail that no milter saw is found in its queue files by the same patterns, selectors
and verbs."""
import os
import time

from case import BAD, RigCase, both_ids_at_length
from rig import until
from smtp import content


@both_ids_at_length
class Unheard(RigCase):
    def send_mix(self):
        """Mail that is only in queue files, half of it of BAD; the IDs of that half and of the other."""
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

    def check_missed(self, stop, *steps):
        stop()
        bad, good = self.send_mix()
        for step in steps:
            step()
        result = self.assert_selects(bad, BAD)
        self.assertEqual(result.summary["from_queue"], len(bad), "a dry run keeps nothing")
        self.assertEqual(set(self.pq.listed(BAD)), bad)
        self.assert_purged(bad, BAD)
        self.assertEqual(set(self.pq.listed()), good)

    def test_while_the_daemon_is_down(self):
        self.check_missed(self.pq.stop)

    def test_daemon_stopped(self):
        self.check_missed(self.pq.stop, self.pq.start)

    def test_daemon_killed(self):
        self.check_missed(self.pq.kill9, self.pq.start)

    def test_purged_at_once(self):
        """The purge is the first command."""
        self.pq.stop()
        bad, _ = self.send_mix()
        self.pq.start()
        result = self.assert_purged(bad, BAD)
        self.assertEqual({line.get("from_queue") for line in result.messages.values()}, {True}, result)
        self.assertEqual(result.summary["from_queue"], len(bad))

    def test_half_of_it_indexed(self):
        indexed, _ = self.send_mix()
        self.pq.kill9()
        with self.postfix.smtp() as client:
            missed = {client.message("b@example.com", "u@dest.test", content()) for _ in range(3)}
        self.pq.start()
        self.postfix.settled(15)
        result = self.assert_purged(indexed | missed, "--sweep", BAD)
        self.assertEqual({i for i, line in result.messages.items() if line.get("from_queue")}, missed)
        self.assertEqual(result.summary["from_queue"], 3)

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
            result = self.assert_selects({ours}, *args)
            self.assertEqual(result.summary["matched"], 1, result)
        self.assertEqual(self.pq.listed("--recipient", "victim.test")[ours]["client"], "192.0.2.77")
        self.assert_selects({ours, other}, "--sender", "good.test", "--newer", "1h")
        self.assert_selects(set(), "--sender", "good.test", "--queue", "hold")
        self.assertEqual(set(self.pq.listed()), {ours, other})

    def test_hold_and_release(self):
        self.pq.stop()
        ours = set(self.send_many("a@example.com", 3))
        self.postfix.settled(3)
        self.pq.start()
        held = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual((held.status, held.summary["held"], held.summary["from_queue"]), (0, 3, 3), held)
        self.assertEqual({file.queue for file in self.postfix.read().values()}, {"hold"})
        back = self.pq.idx("release", "-y", "--json", BAD)
        self.assertEqual((back.status, back.summary["released"]), (0, 3), back)
        self.assertEqual(back.with_result("released"), ours)

    def test_text(self):
        self.pq.stop()
        self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        self.pq.start()
        text = self.pq.idx("-n", BAD)
        self.assertEqual(text.status, 0, text)
        self.assertRegex(text.out, r"(?m)^ *from queue +2 ")

    def test_damaged_file(self):
        """What cannot be read is reported, and everything else is found."""
        self.pq.stop()
        ours, broken = self.send("a@example.com"), self.send("a@example.com")
        self.postfix.settled(2)
        with open(self.postfix.find(broken), "r+b") as file:
            file.write(b"XXXX")
        self.pq.start()
        result = self.purge(BAD, status=2)
        self.assertEqual((result.with_result("deleted"), result.summary["unreadable"]), ({ours}, 1), result)
        self.assertIn(broken, result.err)
        os.unlink(self.postfix.find(broken))


@both_ids_at_length
class LocalMail(RigCase):
    """sendmail(1) mail: recorded through non_smtpd_milters, proven by create_time; also where no milter has seen it."""

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
        self.assertEqual(self.assert_purged(ours, BAD).summary["from_queue"], 0)

    def in_maildrop(self, *senders):
        """Submits while Postfix is down; {sender: queue ID in maildrop}."""
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
        last = max(file.arrival for file in self.postfix.read().values())
        until(lambda: time.time() > last + 2.5, "an arrival further back than create_time is rounded")
        self.postfix.start()
        self.postfix.settled(2)
        ours = {i for i, file in self.postfix.read().items() if file.sender == "a@example.com"}
        self.assert_purged(ours, BAD)

    def test_maildrop_is_counted_apart(self):
        """Only its submitter can read it there, so it is left alone but reported."""
        there = set(self.in_maildrop("a@example.com", "a@good.test").values())
        self.assertEqual(len(there), 2)
        for args in [BAD], ["--queue", "maildrop", BAD], ["--all"]:
            result = self.purge(*args)
            self.assertEqual((result.summary["matched"], result.summary["maildrop"]), (0, 2), (args, result))
        self.assertIn("in maildrop", self.pq.idx("-n", BAD).out)
        self.assertEqual(self.pq.idx("sync", "--json").lines[0]["sync"]["maildrop"], 2)
        self.assertEqual(self.postfix.ids(), there)

    def test_submitting_user_is_shown(self):
        self.pq.stop()
        self.submit("a@example.com")
        remote = self.send("a@example.com", text="Received: by rig.test (Postfix, from userid 4711)\n\tid 1\n\nx\n")
        self.postfix.settled(2)
        self.pq.start()
        listed = self.pq.listed(BAD)
        local, = set(listed) - {remote}
        self.assertEqual((listed[local]["uid"], listed[local]["user"]), (0, "root"))
        self.assertFalse({"uid", "user"} & set(listed[remote]), "a client's header says nothing")
