# SPDX-License-Identifier: ISC
"""Senders that Postfix rewrites behind the milter: a selector matches what mailq shows, and also what the client
said."""
from case import BAD, RigCase, both_ids_at_length
from smtp import content


class Rewritten(RigCase):
    """The envelope sender is given as one and queued as another; neither selects others' mail."""

    given, queued = "a@example.com", None
    header = "someone@else.test"

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many(self.given, 4, text=content(self.header)))
        self.others = set(self.send_many("a@good.test", 2))
        self.postfix.settled(6)
        self.assertEqual({f.sender for f in self.postfix.read().values() if f.queue_id in self.ours}, {self.queued},
                         "does this Postfix rewrite?")

    @staticmethod
    def domain(address):
        return address.rpartition("@")[2]


class Forms:
    def test_as_given(self):
        self.assert_purged(self.ours, self.domain(self.given))

    def test_as_queued(self):
        self.assert_purged(self.ours, self.domain(self.queued))

    def test_after_a_catch_up(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        for address in self.given, self.queued:
            self.assert_selects(self.ours, self.domain(address))
            self.assert_selects(self.ours, "--sender", address)
        self.assert_purged(self.ours, self.domain(self.queued))

    def test_by_address_and_expression(self):
        for address in self.given, self.queued:
            self.assert_selects(self.ours, address)
            self.assert_selects(self.ours, "--sender", self.domain(address))
            self.assert_selects(self.ours, "/@" + self.domain(address).replace(".", "\\.") + "$/")

    def test_without_a_daemon(self):
        self.pq.kill9()
        for address in self.given, self.queued:
            self.assert_selects(self.ours, self.domain(address))

    def test_after_the_index_was_removed(self):
        """The client's form is then lost; the queue's is there."""
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        self.assert_selects(set(), self.domain(self.given))
        self.assert_purged(self.ours, self.domain(self.queued))

    def test_list(self):
        listed = self.pq.listed(self.domain(self.queued))
        self.assertEqual(set(listed), self.ours)
        self.assertEqual({(m["sender"], m["queued_sender"]) for m in listed.values()}, {(self.given, self.queued)})
        self.assertNotIn("queued_sender", str(self.pq.listed("good.test")))

    def test_list_text(self):
        self.assertIn(self.queued, self.pq.idx("list", self.domain(self.given)).out)

    def test_top(self):
        """Groups are those of the queue."""
        self.pq.idx("sync")
        top = {line["group"]: line["count"] for line in self.pq.idx("top", "--json").lines}
        self.assertEqual(top.get(self.domain(self.queued)), 4, top)

    def test_preview_tells_by_what(self):
        """In postqueue's output nothing is of this domain; the preview says why it matches."""
        text = self.pq.idx("purge", "-n", self.domain(self.given)).out
        self.assertIn(self.queued, text)


@both_ids_at_length
class Srs(Forms, Rewritten):
    """postsrsd's way: sender_canonical_maps for envelope senders alone."""

    queued = "SRS0=HHH=TT=example.com=a@rig.test"
    main = ("sender_canonical_classes = envelope_sender\n"
            "sender_canonical_maps = regexp:{ { /^(.*)@(example\\.com)$$/ SRS0=HHH=TT=$$2=$$1@rig.test } }\n")


@both_ids_at_length
class Canonical(Forms, Rewritten):
    queued = "new@rewritten.test"
    main = "sender_canonical_maps = inline:{a@example.com=new@rewritten.test}\n"


@both_ids_at_length
class WithBcc(Forms, Rewritten):
    """sender_bcc_maps put a recipient before the client into the file; the file is the recorded message all the same."""

    queued = "new@rewritten.test"
    main = Canonical.main + "sender_bcc_maps = static:boss@bcc.test\n"


@both_ids_at_length
class Masqueraded(Forms, Rewritten):
    given, queued = "a@www.example.com", "a@example.com"
    main = "masquerade_domains = example.com\n"

    def test_domain_alone(self):
        """Given under a subdomain, queued under the domain: each form matches that domain alone."""
        self.assert_selects(self.ours, "www.example.com")
        self.assert_selects(self.ours, "example.com")
        self.assert_selects(self.ours, ".example.com")
        self.assert_selects(set(), "w.example.com")


@both_ids_at_length
class Header(RigCase):
    """canonical_maps covers header From, too. cleanup(8) rewrites it before the milter sees it, so there is one
    form."""

    main = "canonical_maps = inline:{boss@example.com=chief@brand.test}\nlocal_header_rewrite_clients = static:all\n"

    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@good.test", 3, text=content("Boss <boss@example.com>")))
        self.other = self.send("a@good.test")
        self.postfix.settled(4)
        self.assertEqual({a for i in self.ours for a in self.postfix.read()[i].from_addresses}, {"chief@brand.test"})

    def test_purge(self):
        self.assert_selects(set(), BAD)
        self.assert_purged(self.ours, "brand.test")

    def test_from_option(self):
        for address in "chief@brand.test", "brand.test":
            self.assert_selects(self.ours, "--from", address)

    def test_after_the_index_was_removed(self):
        self.pq.stop()
        self.pq.forget()
        self.assert_purged(self.ours, "brand.test")


@both_ids_at_length
class HeaderMasqueraded(RigCase):
    main = "masquerade_domains = example.com\nlocal_header_rewrite_clients = static:all\n"

    def test_purge(self):
        ours = self.send("a@good.test", text=content("Boss <boss@host.example.com>"))
        self.send("a@good.test")
        self.postfix.settled(2)
        self.assertEqual(self.postfix.read()[ours].from_addresses, ["boss@example.com"])
        self.assert_purged({ours}, "example.com")


@both_ids_at_length
class Unqualified(RigCase):
    """Postfix appends $myorigin."""

    main = "append_at_myorigin = yes\n"

    def test_both_forms(self):
        ours = self.send("justme")
        self.send("a@good.test")
        self.postfix.settled(2)
        self.assertEqual(self.postfix.read()[ours].sender, "justme@rig.test")
        self.assert_selects({ours}, "--sender", "justme@rig.test")
        self.assert_purged({ours}, "rig.test")


@both_ids_at_length
class Local(RigCase):
    """Mail of sendmail(1) is rewritten before the milter sees it, so there is one form."""

    main = "sender_canonical_maps = inline:{a@example.com=new@rewritten.test}\n"

    def test_purge(self):
        self.postfix.sendmail("a@example.com", ["u@dest.test"], content())
        self.postfix.settled(1)
        ours = self.postfix.ids()
        self.assert_selects(set(), BAD)
        self.assert_purged(ours, "rewritten.test")
