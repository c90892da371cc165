# SPDX-License-Identifier: ISC
"""Recipients that aliases expand, that always_bcc adds, and that are delivered meanwhile: --recipient finds both forms;
--only and other_recipients count those for whom the message still waits."""
from case import BAD, RigCase, both_ids_at_length
from rig import until


class RecipientCase(RigCase):
    def addresses(self, queue_id):
        """The waiting recipients in the queue file."""
        return sorted(self.postfix.read()[queue_id].recipients)

    def listed_recipients(self, queue_id):
        return {r["address"]: r for r in self.pq.listed("--id", queue_id)[queue_id]["recipients"]}


@both_ids_at_length
class Alias(RecipientCase):
    """A virtual alias to a freemail address outside."""

    main = "virtual_alias_maps = inline:{ sales@dest.test=joe@bigmail.test }\n"

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@good.test", 3, "sales@dest.test"))
        self.other = self.send("a@good.test", "u@dest.test")
        self.postfix.settled(4)
        self.assertEqual({tuple(self.addresses(i)) for i in self.ours}, {("joe@bigmail.test",)})

    def test_as_queued(self):
        self.assert_purged(self.ours, "--recipient", "bigmail.test")

    def test_as_given(self):
        self.assert_purged(self.ours, "--recipient", "sales@dest.test")

    def test_given_domain(self):
        self.assert_selects(self.ours | {self.other}, "--recipient", "dest.test")

    def test_only(self):
        self.assert_selects(self.ours, "--recipient", "bigmail.test", "--only")
        self.assert_selects({self.other}, "--recipient", "dest.test", "--only")

    def test_after_the_index_was_removed(self):
        """The file keeps the recipient from before the alias."""
        self.pq.stop()
        self.pq.forget()
        self.assert_selects(self.ours, "--recipient", "bigmail.test")
        self.assert_selects(self.ours, "--recipient", "sales@dest.test")

    def test_list(self):
        line = self.listed_recipients(min(self.ours))
        self.assertEqual(line["sales@dest.test"]["queued_address"], ["joe@bigmail.test"])
        self.assertNotIn("queued_address", self.listed_recipients(self.other)["u@dest.test"])

    def test_top(self):
        self.pq.idx("sync")
        top = {line["group"]: line["count"] for line in self.pq.idx("top", "--json", "--by", "recipient").lines}
        self.assertEqual((top.get("bigmail.test"), top.get("dest.test")), (3, 1), top)


@both_ids_at_length
class Expanded(RecipientCase):
    """One alias, several recipients."""

    main = "virtual_alias_maps = inline:{ { all@dest.test = x@one.test y@two.test z@two.test } }\n"

    def setUp(self):
        super().setUp()
        self.ours = self.send("a@good.test", "all@dest.test")
        self.postfix.settled(1)
        self.assertEqual(self.addresses(self.ours), ["x@one.test", "y@two.test", "z@two.test"])

    def test_list(self):
        line = self.listed_recipients(self.ours)
        self.assertEqual(sorted(line["all@dest.test"]["queued_address"]), self.addresses(self.ours))

    def test_other_recipients(self):
        result = self.purge("--recipient", "one.test")
        self.assertEqual(result.messages[self.ours]["other_recipients"], 2, result)

    def test_only(self):
        self.assert_selects(set(), "--recipient", "one.test", "--only")
        self.assert_selects({self.ours}, "--recipient", "one.test", "--recipient", "two.test", "--only")
        self.assert_selects({self.ours}, "--recipient", "/@(one|two)\\.test$/", "--only")

    def test_given_alone(self):
        self.assert_purged({self.ours}, "--recipient", "all@dest.test")


@both_ids_at_length
class Added(RecipientCase):
    main = "always_bcc = archive@bcc.test\n"

    def setUp(self):
        super().setUp()
        self.ours = self.send("a@good.test", "u@dest.test")
        self.postfix.settled(1)
        self.assertEqual(self.addresses(self.ours), ["archive@bcc.test", "u@dest.test"])

    def test_found(self):
        self.assert_purged({self.ours}, "--recipient", "bcc.test")

    def test_only(self):
        """It also waits for another one, whom nobody named at RCPT."""
        self.assert_selects(set(), "--recipient", "dest.test", "--only")
        self.assert_selects({self.ours}, "--recipient", "dest.test", "--recipient", "bcc.test", "--only")

    def test_only_after_a_catch_up(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.test_only()

    def test_other_recipients(self):
        dry = self.pq.idx("purge", "-n", "--json", "--recipient", "dest.test")
        self.assertEqual(dry.messages[self.ours]["other_recipients"], 1, dry)
        result = self.purge("--recipient", "dest.test")
        self.assertEqual(result.messages[self.ours]["other_recipients"], 1, result)

    def test_list(self):
        line = self.listed_recipients(self.ours)
        self.assertEqual(line["archive@bcc.test"].get("added"), True)
        self.assertNotIn("added", line["u@dest.test"])


@both_ids_at_length
class Redirected(RecipientCase):
    """REDIRECT of access(5) or header_checks(5): mailq shows where the mail goes, too."""

    main = "smtpd_sender_restrictions = check_sender_access inline:{ { a@example.com = REDIRECT new@moved.test } }\n"

    def setUp(self):
        super().setUp()
        self.ours = self.send("a@example.com", ["u@dest.test", "v@dest.test"])
        self.other = self.send("a@good.test")
        self.postfix.settled(2)
        self.shown = {r["address"] for line in self.postfix.queue() if line["queue_id"] == self.ours for r in line["recipients"]}
        self.assertIn("new@moved.test", self.shown)

    def test_list(self):
        self.assertEqual(set(self.listed_recipients(self.ours)), self.shown)

    def test_only(self):
        self.assert_selects({self.other}, "--recipient", "dest.test", "--only")

    def test_purge(self):
        self.assert_purged({self.ours}, "--recipient", "moved.test")


@both_ids_at_length
class SenderBcc(RecipientCase):
    main = "sender_bcc_maps = inline:{ a@example.com=boss@bcc.test }\n"

    def test_only(self):
        ours, other = self.send("a@example.com"), self.send("a@good.test")
        self.postfix.settled(2)
        self.assert_selects({ours}, "--recipient", "bcc.test")
        self.assert_selects({other}, "--recipient", "dest.test", "--only")
        self.assert_purged({ours}, BAD)

    def test_client(self):
        """cleanup(8) writes the added recipient before the client."""
        ours = self.send("a@example.com", ADDR="192.0.2.7", LOGIN="joe")
        self.send("a@example.com", ADDR="192.0.2.8")
        self.postfix.settled(2)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assert_selects({ours}, "--client", "192.0.2.7")
        listed = self.pq.listed("--login", "joe")[ours]
        self.assertEqual((listed["client"], [r["address"] for r in listed["recipients"] if not r.get("added")]),
                         ("192.0.2.7", ["u@dest.test"]))
        self.pq.stop()
        self.pq.forget()
        self.assert_purged({ours}, "--client", "192.0.2.7")


@both_ids_at_length
class RecipientBcc(RecipientCase):
    """Another user gets a copy of the mail to one recipient."""

    main = "recipient_bcc_maps = inline:{ u@dest.test=boss@bcc.test }\n"

    def test_only(self):
        ours, other = self.send("a@example.com"), self.send("a@example.com", "v@dest.test")
        self.postfix.settled(2)
        self.assertEqual(self.addresses(ours), ["boss@bcc.test", "u@dest.test"])
        self.assert_selects({other}, "--recipient", "dest.test", "--only")
        self.assert_selects({ours, other}, "--recipient", "/@(dest|bcc)\\.test$/", "--only")
        self.assert_purged({ours}, "--recipient", "bcc.test")


@both_ids_at_length
class Canonical(RecipientCase):
    """Rewritten without an alias: the file has only the new form, and the original as DSN has it."""

    main = "recipient_canonical_maps = inline:{ old@dest.test=new@moved.test }\n"

    def test_both_forms(self):
        ours, other = self.send("a@example.com", "old@dest.test"), self.send("a@example.com")
        self.postfix.settled(2)
        self.assertEqual(self.addresses(ours), ["new@moved.test"])
        for address in "moved.test", "new@moved.test", "old@dest.test":
            self.assert_selects({ours}, "--recipient", address)
        self.assert_selects({other}, "--recipient", "dest.test", "--only")
        self.assert_selects({ours}, "--recipient", "moved.test", "--only")
        self.pq.stop()
        self.pq.forget()
        self.assert_purged({ours}, "--recipient", "moved.test")


@both_ids_at_length
class Done(RecipientCase):
    """Some recipients are delivered; the message waits for the rest."""

    main = "transport_maps = inline:{ gone.test=discard: }\n"

    def setUp(self):
        super().setUp()
        self.ours = self.send("a@good.test", ["x@gone.test", "u@dest.test"])
        until(lambda: self.addresses(self.ours) == ["u@dest.test"], "a delivery")
        self.postfix.settled(1)
        self.assertEqual(self.postfix.read()[self.ours].done, ["x@gone.test"])

    def test_only(self):
        self.assert_selects({self.ours}, "--recipient", "dest.test", "--only")

    def test_other_recipients(self):
        result = self.purge("--recipient", "dest.test")
        self.assertEqual(result.messages[self.ours].get("other_recipients", 0), 0, result)

    def test_after_a_catch_up(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.test_only()

    def test_after_the_index_was_removed(self):
        self.pq.stop()
        self.pq.forget()
        self.test_only()


@both_ids_at_length
class DoneMeanwhile(RecipientCase):
    """The row was read while all recipients waited; then some were delivered."""

    main = "transport_maps = inline:{ later.test=smtp: }\n"

    def test_only(self):
        ours = self.send("a@good.test", ["x@later.test", "u@dest.test"])
        self.postfix.settled(1)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assert_selects(set(), "--recipient", "dest.test", "--only")
        # As a delivery writes it: the record's type.
        path = self.postfix.find(ours)
        with open(path, "r+b") as file:
            data = file.read()
            file.seek(data.index(b"R\x0cx@later.test"))
            file.write(b"D")
        self.assertEqual(self.addresses(ours), ["u@dest.test"])
        self.assert_selects({ours}, "--recipient", "dest.test", "--only")
        self.assert_purged({ours}, "--recipient", "dest.test", "--only")


@both_ids_at_length
class Many(RecipientCase):
    """More than a row keeps."""

    settings = {"max_recipients": 5}
    main = "always_bcc = archive@bcc.test\n"

    def test_behind_the_cut(self):
        ours = self.send("a@good.test", [f"u{n}@d{n}.test" for n in range(20)])
        other = self.send("a@good.test", [f"u{n}@d{n}.test" for n in range(10)])
        self.postfix.settled(2)
        self.assert_selects({ours}, "--recipient", "d19.test")
        self.assert_selects({ours, other}, "--recipient", "d7.test")
        self.assert_selects({ours, other}, "--recipient", "bcc.test")
        self.assert_selects({ours, other}, "--recipient", "/@(d[0-9]+|bcc)\\.test$/", "--only")
        self.assert_selects({other}, "--recipient", "/@(d[0-9]|bcc)\\.test$/", "--only")
        self.assert_purged({ours}, "--recipient", "d19.test")


@both_ids_at_length
class DoneSince(RecipientCase):
    """Some are delivered after the index has read the file."""

    def test_other_recipients(self):
        ours = self.send("a@good.test", ["x@gone.test", "u@dest.test"])
        self.postfix.settled(1)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.addCleanup(self.postfix.run, "postfix", "reload")
        self.addCleanup(self.postfix.set, transport_maps="")
        self.postfix.set(transport_maps="inline:{ gone.test=discard: { dest.test = retry:4.3.2 later } }")
        self.postfix.run("postfix", "reload")
        self.postfix.run("postqueue", "-i", ours)
        until(lambda: self.addresses(ours) == ["u@dest.test"], "a delivery")
        self.postfix.settled(1)
        result = self.purge("--recipient", "dest.test")
        self.assertEqual(result.messages[ours].get("other_recipients", 0), 0, result)
