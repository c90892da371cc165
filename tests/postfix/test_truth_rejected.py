# SPDX-License-Identifier: ISC
"""smtpd_end_of_data_restrictions refuse a message, and the client goes on with RCPT and DATA without a MAIL. Postfix
before 3.12-20260805 accepts that without telling the milter of an end. The second message must be judged and recorded
with its own data."""
import contextlib

from case import BAD, RigCase, both_ids_at_length
from smtp import content, queue_id


@both_ids_at_length
class Going(RigCase):
    main = "smtpd_end_of_data_restrictions = check_recipient_access inline:{ no@dest.test=REJECT }\n"

    @contextlib.contextmanager
    def refused_once(self, sender="a@example.com", text=None):
        """A connection whose first message was refused at its end."""
        with self.postfix.smtp() as client:
            client.expect(2, client.mail(sender))
            client.expect(2, client.rcpt("no@dest.test"))
            self.assertEqual(client.data(text or content("first@head.test"))[0] // 100, 5)
            yield client

    def second(self, client, text=None, recipients=("yes@dest.test",)):
        """Goes on without MAIL; returns the queue ID, or None if this Postfix does not accept that."""
        for recipient in recipients:
            if client.rcpt(recipient)[0] // 100 != 2:
                return None
        return queue_id(client.expect(2, client.data(text or content("second@head.test"))))

    def test_recorded_with_its_own(self):
        with self.refused_once() as client:
            ours = self.second(client)
        self.postfix.settled(1 if ours else 0)
        listed = self.pq.listed()
        self.assertEqual(set(listed), {ours} if ours else set())
        if ours:
            line, file = listed[ours], self.postfix.read()[ours]
            self.assertEqual([r["address"] for r in line["recipients"]], ["yes@dest.test"])
            self.assertEqual((line["sender"], line["from"]), (file.sender, ["second@head.test"]))

    def test_purge(self):
        with self.refused_once() as client:
            ours = self.second(client)
        other = self.send("a@good.test")
        self.postfix.settled()
        if not ours:
            return
        self.assert_selects(set(), "first@head.test")
        self.assert_selects(set(), "--recipient", "no@dest.test")
        self.assert_selects({ours}, "--recipient", "yes@dest.test")
        self.assert_selects({ours}, "--recipient", "yes@dest.test", "--only")
        self.assert_purged({ours}, "head.test")
        self.assertEqual(self.postfix.ids(), {other})

    def test_by_sender(self):
        """The sender in the queue file."""
        with self.refused_once() as client:
            ours = self.second(client)
        self.postfix.settled()
        if ours:
            self.assert_purged({ours}, self.postfix.read()[ours].sender.rpartition("@")[2])

    def test_judged(self):
        """A rule for its header From applies to the second message."""
        self.pq.idx("block", "-y", "blocked.test")
        with self.refused_once() as client:
            if client.rcpt("yes@dest.test")[0] == 250:
                self.assertEqual(client.data(content("a@blocked.test"))[0], 550)
        self.postfix.settled(0)

    def test_rule_of_the_first_does_not_hold_for_the_second(self):
        self.pq.idx("block", "-y", "first.test")
        with self.refused_once(text=content("a@first.test")) as client:
            ours = self.second(client)
        self.postfix.settled(1 if ours else 0)

    def test_blocked_in_between(self):
        with self.refused_once() as client:
            self.pq.idx("block", "-y", BAD)
            if client.rcpt("yes@dest.test")[0] == 250:
                self.assertEqual(client.data(content())[0], 550)
        self.postfix.settled(0)

    def test_a_third(self):
        with self.refused_once() as client:
            second = self.second(client)
            third = client.message("c@third.test", "three@dest.test", content("third@head.test"))
        self.postfix.settled()
        self.assertEqual([r["address"] for r in self.pq.listed("third.test")[third]["recipients"]], ["three@dest.test"])
        self.assert_purged({third}, "third.test")
        self.assertEqual(self.postfix.ids(), {second} - {None})

    def test_many_recipients(self):
        with self.refused_once() as client:
            ours = self.second(client, recipients=[f"u{n}@d{n}.test" for n in range(5)])
        self.postfix.settled()
        if ours:
            self.assertEqual([r["address"] for r in self.pq.listed()[ours]["recipients"]], [f"u{n}@d{n}.test" for n in range(5)])
