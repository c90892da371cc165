# SPDX-License-Identifier: ISC
"""Mail given back by a content filter waits under a second queue ID and comes from the filter. --login and --client still
mean its first sender and client."""
import functools
import os
import sys

from filter import SendmailFilter
from filtered import ANN, JOE, Filtered, wired
from pqpurge import preload
from smtp import content

OTHER_HOST = "198.51.100.25"


class Known:
    """The first pass is known: by its own Received header, or by log_ident."""

    def mixed(self):
        """Three messages of joe's, two of ann's, one without login."""
        joe, ann = self.through(3, **JOE), self.through(2, **ANN)
        self.through(1, ADDR="192.0.2.9")
        return joe, ann

    def test_login(self):
        joe, _ = self.mixed()
        result = self.assert_purged(joe.values(), "--login", "joe")
        self.assertEqual((result.summary["joined"], result.summary["unjoined"]), (3, 0), result)

    def test_client(self):
        _, ann = self.mixed()
        self.assert_purged(ann.values(), "--client", "192.0.2.8")

    def test_login_that_nobody_has(self):
        self.mixed()
        self.assert_selects(set(), "--login", "jo")

    def test_both_narrow(self):
        joe, _ = self.mixed()
        self.assert_selects(set(), "--login", "joe", "--client", "192.0.2.8")
        self.assert_selects(joe.values(), "--login", "joe", "--client", "192.0.2.0/24")

    def test_list(self):
        joe, _ = self.mixed()
        listed = self.pq.listed("--login", "joe")
        self.assertEqual({m["first_queue_id"]: i for i, m in listed.items()}, joe)
        self.assertEqual({(m["login"], m["client"]) for m in listed.values()}, {("joe", "192.0.2.7")})

    def test_top(self):
        self.mixed()
        lines = self.pq.idx("top", "--json", "--by", "login").lines
        self.assertEqual({line["group"]: line["count"] for line in lines if line["group"] in ("joe", "ann")},
                         {"joe": 3, "ann": 2})

    def test_after_a_catch_up(self):
        joe, _ = self.mixed()
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assert_purged(joe.values(), "--login", "joe")

    def test_without_a_daemon(self):
        joe, _ = self.mixed()
        self.pq.kill9()
        self.assert_purged(joe.values(), "--login", "joe")

    def test_same_message_id(self):
        """Two logins may send one Message-ID; each message is joined with its own first pass."""
        text = content(extra="Message-ID: <same@good.test>\n")
        joe, ann = self.through(2, text, **JOE), self.through(2, text, **ANN)
        self.assert_purged(joe.values(), "--login", "joe")
        self.assert_purged(ann.values(), "--login", "ann")

    def test_several_recipients(self):
        joe = self.through(1, recipients=["u@dest.test", "v@dest.test", "w@else.test"], **JOE)
        self.through(1, recipients=["u@dest.test", "v@dest.test"], **ANN)
        self.assert_purged(joe.values(), "--login", "joe")

    def test_requeued(self):
        """`postsuper -r` gives it another ID and a further Received header; with content_filter it is filtered
        again."""
        joe, ann = self.through(2, **JOE), self.through(2, **ANN)
        self.requeue({*joe.values(), *ann.values()})
        # By the header of the first pass; a client cannot write above it.
        whose = {i: "joe" if b"192.0.2.7" in f.content else "ann" for i, f in self.postfix.read().items()}
        result = self.pq.idx("purge", "-y", "--json", "--login", "joe")
        deleted = result.with_result("deleted")
        self.assertLessEqual({whose[i] for i in deleted}, {"joe"}, result)
        left = {i for i, name in whose.items() if name == "joe"} - deleted
        self.assertEqual(result.status, 2 if left else 0, "all, or it says that it cannot know")
        self.assertGreaterEqual(result.summary["unjoined"], len(left), result)


@wired
class ByReceived(Known, Filtered):
    """The filter forwards nothing, as amavis does by default."""


@wired
class ByXforward(Known, Filtered):
    xforward = True


@wired
class Unseen(Known, Filtered):
    """FILTER_README's example has no_milters behind the filter."""

    behind = "-o receive_override_options=no_milters"


@functools.lru_cache(maxsize=None)
def shared_sendmail_filter(port, postfix):
    return SendmailFilter(port, postfix)


@wired
class BySendmail(Known, Filtered):
    """The simple filter of FILTER_README gives mail back by sendmail(1): it comes from a local user, without a header of
    the filter between this host's headers."""

    wiring, beside = "", "-o content_filter=scan:[127.0.0.1]:{port}"

    def shared_filter(self):
        return shared_sendmail_filter(self.port, self.postfix)

    def send(self, *args, **options):
        return self.send_beside(*args, **options)


@wired
class OfAnotherName(Known, Filtered):
    """The smtpd that first took the mail has a name of its own in master.cf."""

    wiring, beside = "", "-o content_filter=scan:[127.0.0.1]:{port} -o myhostname=mx2.test"

    def send(self, *args, **options):
        return self.send_beside(*args, **options)


@wired
class OnAnotherHost(Known, Filtered):
    """The filter runs on a host in own_networks."""

    address = OTHER_HOST
    settings = {"own_networks": "198.51.100.0/24"}


@wired
class ByAnInterface(Known, Filtered):
    """The filter comes back by an address of this host that is not loopback."""

    address = OTHER_HOST

    def setUp(self):
        super().setUp()
        environment = {**os.environ, **preload("interfaces", PQPURGE_INTERFACE=OTHER_HOST)}
        self.pq.idx = functools.partial(self.pq.idx, env=environment)


@wired
class OnAStrangersHost(Filtered):
    """Mail from a host that is not configured as ours belongs to that host, whatever its headers say."""

    address = OTHER_HOST

    def test_login(self):
        self.through(2, **JOE)
        before = self.postfix.ids()
        result = self.pq.idx("purge", "-y", "--json", "--login", "joe")
        self.assertEqual((self.postfix.ids(), result.summary["matched"]), (before, 0), result)

    def test_client(self):
        joe = self.through(2, **JOE)
        self.assert_purged(joe.values(), "--client", OTHER_HOST)


@wired
class Requeued(Filtered):
    """pickup(8) does not filter again, so a requeued message has three Received headers of this host."""

    wiring, beside = "", "-o content_filter=scan:[127.0.0.1]:{port}"

    def send(self, *args, **options):
        return self.send_beside(*args, **options)

    def test_login(self):
        joe, ann = self.through(2, **JOE), self.through(2, **ANN)
        self.requeue({*joe.values(), *ann.values()})
        ours = {i for i, file in self.postfix.read().items() if b"192.0.2.7" in file.content}
        self.assertEqual(len(ours), 2)
        self.assert_purged(ours, "--login", "joe")


if __name__ == "__main__":
    sys.exit("run me by tests/postfix/run")
