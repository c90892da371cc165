# SPDX-License-Identifier: ISC
"""Ten thousand messages of every origin (fewer without `make torture`): a third came before the install, a third while the
daemon was stopped, a third through it. Bounces, forwards, requeued, held and local mail are among them. Without any
option, list, top, why and purge agree with a reading of the queue files that shares no code with ours."""
import collections
import os
import random

from case import BAD, RigCase, both_ids_at_length, sized
from rig import until
from smtp import content

MESSAGES = sized(300, 10000)
OTHERS = ["good.test", "badexample.com", "example.com.evil.test", "mail.example.com", "b.test", "xn--bcher-kva.test"]


class HistoryCase(RigCase):
    """mydestination bounces mail to unknown users on this host, and forwards one user's."""

    starts_daemon = False
    main = ("mydestination = here.test\nnotify_classes = bounce\nalias_maps = inline:{ fwd=out@forwarded.test }\n"
            "virtual_alias_maps = inline:{ sales@dest.test=joe@bigmail.test }\n"
            "sender_canonical_maps = inline:{ old@b.test=new@example.com, hidden@example.com=shown@b.test }\n"
            "sender_canonical_classes = envelope_sender\nrecipient_delimiter = +\n")
    settings = {"index_map_size": "64M"}

    def setUp(self):
        super().setUp()
        self.chance = random.Random(int(os.environ.get("SEED", "7")))

    # ---- mail

    def one(self, client):
        chance = self.chance
        sender = f"{chance.choice(['a', 'b', 'old', 'hidden'])}@{chance.choice([BAD, *OTHERS])}"
        author = sender if chance.random() < 0.7 else f"x@{chance.choice([BAD, *OTHERS])}"
        if chance.random() < 0.05:
            author = f"One <a@good.test>, Two <b@{BAD}>"
        recipients = [f"u{chance.randrange(50)}@{chance.choice(['dest.test', 'other.test'])}" for _ in range(chance.choice([1, 1, 1, 3]))]
        if chance.random() < 0.05:
            recipients = ["sales@dest.test"]
        client.message("" if chance.random() < 0.02 else sender, recipients, content(author, body="x" * chance.randrange(400)))

    def plain(self, count):
        with self.postfix.smtp() as client:
            client.xclient(ADDR=f"192.0.2.{self.chance.randrange(1, 9)}", LOGIN=self.chance.choice(["joe", "ann"]))
            for _ in range(count):
                self.one(client)

    def odd(self):
        """Mail by other ways: bounces to both kinds of sender, forwards, sendmail(1), requeued mail."""
        with self.postfix.smtp() as client:
            for n in range(30):
                client.message(f"b{n}@{self.chance.choice([BAD, *OTHERS])}", "nobody-of-that-name@here.test", content())
                client.message(f"f{n}@{self.chance.choice([BAD, *OTHERS])}", "fwd@here.test", content())
        for n in range(10):
            self.postfix.sendmail(f"l{n}@{self.chance.choice([BAD, 'good.test'])}", ["u@dest.test"], content())
        self.postfix.settled(timeout=120)
        some = self.chance.sample(sorted(self.postfix.ids()), 60)
        self.postfix.postsuper("-r", "-", ids=some[:30])
        self.postfix.wake_pickup()
        until(lambda: not self.postfix.ids() & set(some[:30]), "new IDs of requeued mail", 120)
        self.postfix.postsuper("-h", "-", ids=some[30:])
        self.postfix.settled(timeout=120)

    def third(self):
        share = MESSAGES // 3
        for first in range(0, share, 200):
            self.plain(min(200, share - first))
        self.odd()

    def fill(self):
        """Before the install; while the daemon is stopped; through it. Only for the last third the milter knows the sender
        before a rewrite."""
        self.third()
        self.pq.start()
        self.pq.stop()
        self.third()
        before = self.postfix.ids()
        self.pq.start()
        self.third()
        self.through = self.postfix.ids() - before
        self.files = self.postfix.read()

    # ---- the second opinion

    def meant(self):
        return {i for i, file in self.files.items() if BAD in file.author_domains}


@both_ids_at_length
class History(HistoryCase):
    def compare(self):
        """Runs the looking verbs, one after the other, and then a purge."""
        listed = self.pq.listed()
        self.assertEqual(set(listed), set(self.files))
        for queue_id, file in self.files.items():
            line = listed[queue_id]
            self.assertEqual(line.get("queued_sender", line["sender"]), file.sender or "MAILER-DAEMON", queue_id)
            self.assertEqual((line["queue_name"], line["arrival_time"], line["message_size"]),
                             (file.queue, int(file.arrival), file.size), queue_id)
            waits = sorted(a for r in line["recipients"] for a in r.get("queued_address", [r["address"]]))
            self.assertEqual(waits, sorted(file.recipients), queue_id)
        senders = collections.Counter(f.sender.rpartition("@")[2].lower() or "<>" for f in self.files.values())
        self.assertEqual(self.top("sender"), senders)
        recipients = collections.Counter(d for f in self.files.values() for d in f.recipient_domains)
        self.assertEqual(self.top("recipient"), recipients)
        client = collections.Counter(f.client for f in self.files.values() if f.client)
        told = self.top("client")
        self.assertEqual({k: v for k, v in told.items() if k.startswith("192.0.2.")},
                         {k: v for k, v in client.items() if k.startswith("192.0.2.")})

    def top(self, by):
        result = self.pq.idx("top", "--json", "--by", by, "--limit", "1000")
        self.assertEqual(result.status, 0, result)
        return {line["group"]: line["count"] for line in result.lines}

    def test_looked_at_first(self):
        """With no index at all, then without the rows of the last third, then once more after a purge."""
        self.fill()
        self.assertGreater(len(self.files), MESSAGES * 0.95)
        self.pq.kill9()
        self.compare()
        self.pq.forget()
        self.compare()
        ours = self.meant()
        self.assert_selects(ours, BAD)
        self.pq.start()
        self.assertEqual(set(self.pq.listed(BAD)), ours)
        result = self.purge(BAD)
        self.assertEqual((self.postfix.ids(), result.with_result("deleted")), (set(self.files) - ours, ours), result.summary)
        self.assertEqual((result.summary["gone"], result.summary["unproven"], result.summary["unreadable"]), (0, 0, 0))
        self.assertEqual(self.purge(BAD).summary["matched"], 0)
        self.files = self.postfix.read()
        self.compare()

    def test_purged_at_once(self):
        """The purge is the first command. For some of the last third the milter saw the sender before a rewrite."""
        self.fill()
        ours = self.meant()
        hidden = {i for i in self.through if self.files[i].sender == "shown@b.test"}
        result = self.purge(BAD)
        deleted = set(self.files) - self.postfix.ids()
        self.assertEqual(deleted, result.with_result("deleted"))
        self.assertLessEqual(ours, deleted)
        self.assertLessEqual(deleted - ours, hidden)
        self.assertGreater(result.summary["from_queue"], len(ours) // 2)
        self.files = self.postfix.read()
        self.compare()
