# SPDX-License-Identifier: ISC
"""Received headers are text that any sender can write. A sender who forges another login's first pass, or has its own
removed, does not get that login: --login never selects another's mail, and reports the number of messages that it
cannot judge."""
import sys

from filtered import ANN, JOE, Filtered, wired
from smtp import content

STRANGER = {"ADDR": "203.0.113.5"}
MESSAGE_ID = "Message-ID: <m1@good.test>\n"


def forged(first):
    """The header that joe's first pass would have written, and his Message-ID."""
    return (f"Received: from client.test (unknown [192.0.2.7])\n\t(Authenticated sender: joe)\n"
            f"\tby rig.test (Postfix) with ESMTPA id {first}\n"
            f"\tfor <u@dest.test>; Mon, 23 Nov 2026 18:49:21 +0000 (UTC)\n" + content(extra=MESSAGE_ID))


class Forging(Filtered):
    def joes(self):
        """Sends one message of joe's; returns its first and its second ID."""
        (pair,) = self.through(1, content(extra=MESSAGE_ID), **JOE).items()
        return pair


class Headers:
    """Forged headers below the one that this host wrote at the first pass have no effect."""

    def test_by_a_remote_sender(self):
        first, second = self.joes()
        self.through(2, forged(first), **STRANGER)
        self.assert_purged({second}, "--login", "joe")

    def test_by_another_login(self):
        first, second = self.joes()
        ann = self.through(2, forged(first), **ANN)
        self.assert_purged({second}, "--login", "joe")
        self.assert_purged(ann.values(), "--login", "ann")

    def test_beside_the_filter(self):
        """Mail of a remote client that no filter gave back is no second pass."""
        first, second = self.joes()
        self.send_beside("a@good.test", text=forged(first), **STRANGER)
        self.send_beside("a@good.test", text=forged(first), **ANN)
        self.postfix.settled()
        self.assert_purged({second}, "--login", "joe")

    def test_client(self):
        first, second = self.joes()
        self.through(2, forged(first), **STRANGER)
        self.send_beside("a@good.test", text=forged(first), **STRANGER)
        self.postfix.settled()
        self.assert_purged({second}, "--client", "192.0.2.7")

    def test_first_id_of_mail_that_still_waits(self):
        """joe's own mail bypassed the filter and waits under the forged ID."""
        waits = self.send_beside("a@good.test", text=content(extra=MESSAGE_ID), **JOE)
        self.through(2, forged(waits), **STRANGER)
        self.assert_purged({waits}, "--login", "joe")

    def test_after_the_index_was_removed(self):
        first, second = self.joes()
        stranger = self.through(2, forged(first), **STRANGER)
        self.pq.kill9()
        self.pq.forget()
        self.pq.start()
        result = self.pq.idx("purge", "-y", "--json", "--login", "joe")
        self.assertLessEqual(set(stranger.values()), self.postfix.ids(), result)
        self.assertIn(result.status, (0, 2), result)
        if second in self.postfix.ids():
            self.assertEqual(result.status, 2, f"it cannot know, and says so: {result}")


@wired
class ByReceived(Headers, Forging):
    pass


@wired
class ByXforward(Headers, Forging):
    xforward = True


@wired
class OfAnotherName(Forging):
    """The smtpd that first took the mail has a name of its own in master.cf. A line below, by the usual name, is forged."""

    wiring, beside = "", "-o content_filter=scan:[127.0.0.1]:{port} -o myhostname=mx2.test"

    def send(self, *args, **options):
        return self.send_beside(*args, **options)

    def test_login(self):
        _, second = self.joes()
        ann = self.through(2, forged("4dFVrw75plz1p3V6"), **ANN)
        self.assert_purged({second}, "--login", "joe")
        self.assert_purged(ann.values(), "--login", "ann")


@wired
class ShownLogin(Headers, Forging):
    more = "smtpd_sasl_authenticated_header = yes\n"


@wired
class Removed(Forging):
    """header_checks drop the first pass's header, as advice on privacy has it; a client's forged one stays."""

    more = ("smtpd_sasl_authenticated_header = yes\nheader_checks = regexp:{ "
            "{ /^Received:.*Authenticated sender.*192\\.0\\.2\\.[0-9]+.*by rig\\.test/ IGNORE } "
            "{ /^Received:.*Authenticated sender: (ann|joe)\\).*ESMTPA id [0-9A-Za-z]+$/ IGNORE } "
            "{ /^Received:.*\\[192\\.0\\.2\\.[0-9]+\\]\\).*for <u@dest\\.test>; [A-Z][a-z][a-z], *[0-9]+ [A-Z][a-z]+ 20[0-9][0-9] "
            "[0-9:]+ .0000 \\(UTC\\)$/ IGNORE } }\n")
class Removing(Forging):
    """header_checks drop the first pass's header if the client had logged in, as advice on privacy has it. A client's
    forged header of another style stays, and is then the topmost."""

    more = "header_checks = regexp:{ { /^Received:.*with ESMTPA/ IGNORE } }\n"

    def forged(self, first):
        return forged(first).replace("\t(Authenticated sender: joe)\n", "").replace("ESMTPA", "ESMTP")


@wired
class Removed(Removing):
    def test_nobodys(self):
        self.through(2, **JOE)
        self.through(3, **ANN)
        self.assert_unknown(5, "--login", "joe")
        self.assert_unknown(5, "--client", "192.0.2.7")

    def test_told_in_text(self):
        self.through(2, **JOE)
        result = self.pq.idx("purge", "-y", "--login", "joe")
        self.assertEqual(result.status, 2, result)
        self.assertRegex(result.out + result.err, r"(?m)^2 back from a content filter")

    def test_patterns_need_no_login(self):
        joe = self.through(2, **JOE)
        result = self.assert_purged(joe.values(), "good.test")
        self.assertEqual(result.summary["unjoined"], 0, "nothing had to be known of it")

    def test_not_reinjected(self):
        """Mail that did not come back from a filter names its own sender."""
        ours = self.send_beside("a@good.test", **JOE)
        self.postfix.settled()
        result = self.assert_purged({ours}, "--login", "joe")
        self.assertEqual(result.summary["unjoined"], 0, result)

    def forge(self, text, sender="a@good.test", recipients="u@dest.test"):
        """Sends another login's mail with forged headers through the filter, beside joe's; neither can be known."""
        self.through(1, content(extra=MESSAGE_ID), **JOE)
        with self.postfix.smtp() as client:
            client.xclient(**ANN)
            client.message(sender, recipients, text)
        self.postfix.settled(2)
        self.assert_unknown(2, "--login", "joe")

    def first(self):
        """An ID under which joe's mail came in before."""
        (first,) = self.through(1, content(extra=MESSAGE_ID), **JOE)
        self.postfix.wipe()
        return first

    def test_forged_header(self):
        self.forge(self.forged(self.first()).replace("m1@", "m2@"))

    def test_forged_header_of_another_client(self):
        self.forge(self.forged(self.first()).replace("192.0.2.7", "192.0.2.8"))

    def test_forged_header_with_another_sender(self):
        self.forge(self.forged(self.first()), sender="b@good.test")

    def test_forged_header_with_another_recipient(self):
        self.forge(self.forged(self.first()), recipients=["u@dest.test", "v@dest.test"])

    def test_all_forged(self):
        """The forger knows joe's queue ID, address, Message-ID and recipients."""
        self.forge(self.forged(self.first()))


@wired
class RemovedAndForwarded(Removing):
    """Then log_ident still names the first pass."""

    xforward = True

    def test_login(self):
        (joe,) = self.through(1, content(extra=MESSAGE_ID), **JOE).items()
        ann = self.through(2, self.forged(joe[0]), **ANN)
        self.assert_purged({joe[1]}, "--login", "joe")
        self.assert_purged(ann.values(), "--login", "ann")


class Proxied(Forging):
    """A filter before the queue: the first smtpd queues nothing, so there is no first ID. The milter, which sees the
    second ID, only knows the filter as client."""

    wiring = "smtpd_proxy_filter = 127.0.0.1:{port}\n"

    def whose(self, count):
        """Messages of joe's, and as many of ann's with forged headers; both as sets of IDs."""
        joe = set(self.through(count, content(extra=MESSAGE_ID), **JOE).values())
        return joe, set(self.through(count, forged(min(joe)), **ANN).values())


@wired
class Proxy(Proxied):
    def test_login(self):
        self.whose(2)
        self.assert_unknown(4, "--login", "joe")


@wired
class ProxyShowsLogin(Proxied):
    """The first smtpd's header has the login. It has no ID, but is above everything that a client can write."""

    more = "smtpd_sasl_authenticated_header = yes\n"

    def test_login(self):
        joe, ann = self.whose(2)
        result = self.pq.idx("purge", "-y", "--json", "--login", "joe")
        self.assertLessEqual(ann, self.postfix.ids(), result)
        self.assertEqual(result.with_result("deleted"), joe, result)

    def test_client(self):
        joe, ann = self.whose(2)
        result = self.pq.idx("purge", "-y", "--json", "--client", "192.0.2.7")
        self.assertLessEqual(ann, self.postfix.ids(), result)
        self.assertEqual(result.with_result("deleted"), joe, result)


@wired
class ProxyForwards(Proxied):
    """XFORWARD names the client, not the login."""

    xforward = True

    def test_client(self):
        joe, _ = self.whose(2)
        self.assert_purged(joe, "--client", "192.0.2.7")

    def test_login(self):
        self.whose(2)
        self.assert_unknown(4, "--login", "joe")


if __name__ == "__main__":
    sys.exit("run me by tests/postfix/run")
