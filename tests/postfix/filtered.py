# SPDX-License-Identifier: ISC
"""The base of tests behind a content filter: who first sent the mail, and under which ID it waits now."""
import functools
import sys

from case import RigCase, both_ids
from filter import Filter
from rig import free_port, until
from smtp import Smtp, content

JOE, ANN = {"ADDR": "192.0.2.7", "LOGIN": "joe"}, {"ADDR": "192.0.2.8", "LOGIN": "ann"}


@functools.lru_cache(maxsize=None)
def shared_filter(port, back, xforward, address):
    """Postfix keeps connections to the filter between tests, so it lives as long as Postfix."""
    return Filter(port, back, xforward, address)


def wired(cls):
    """Gives a class and its twin for long IDs their own ports and the services of FILTER_README: the smtpd of main.cf
    (wiring), one behind the filter (options: behind), and one beside it (options: beside)."""
    both_ids(cls)
    for target in (cls, getattr(sys.modules[cls.__module__], cls.__name__ + "LongIds")):
        target.port, target.back, target.side = (free_port() for _ in range(3))
        target.main = cls.wiring.format(port=target.port) + "smtpd_authorized_xforward_hosts = 0.0.0.0/0\n" + cls.more
        target.services = (
            "scan unix - - n - 10 smtp -o disable_dns_lookups=yes -o smtp_send_xforward_command=yes\n"
            f"127.0.0.1:{target.back} inet n - n - 10 smtpd -o content_filter= -o smtpd_proxy_filter= {cls.behind}\n"
            f"127.0.0.1:{target.side} inet n - n - 10 smtpd {cls.beside.format(port=target.port)}\n")
    return cls


class Filtered(RigCase):
    wiring, more = "content_filter = scan:[127.0.0.1]:{port}\n", ""
    behind, beside = "", "-o content_filter= -o smtpd_proxy_filter="
    xforward, address = False, None

    def setUp(self):
        super().setUp()
        self.filter = self.shared_filter()
        self.filter.passed.clear()

    def shared_filter(self):
        return shared_filter(self.port, self.back, self.xforward, self.address)

    def through(self, count=1, text=None, recipients="u@dest.test", **client):
        """Sends messages through the filter; returns {first ID: second ID}, in order."""
        found = {}
        for _ in range(count):
            done = len(self.filter.passed)
            first = self.send("a@good.test", recipients, text, **client)
            until(lambda: len(self.filter.passed) > done, "a message through the filter")
            found[first] = self.filter.passed[-1]
        self.postfix.settled()
        return found

    def send_beside(self, sender, recipients="u@dest.test", text=None, **xclient):
        """Sends one message to the smtpd beside the filter; returns its queue ID."""
        with Smtp(self.side) as client:
            client.xclient(**xclient)
            return client.message(sender, recipients, content() if text is None else text)

    def requeue(self, ids):
        """Runs `postsuper -r` and waits for its effect; returns the new IDs."""
        others = self.postfix.ids() - set(ids)
        self.postfix.postsuper("-r", "-", ids=ids)
        self.postfix.wake_pickup()
        until(lambda: len(self.postfix.ids() - others - set(ids)) == len(ids), "new IDs")
        self.postfix.settled()
        return self.postfix.ids() - others

    def assert_unknown(self, count, *args):
        """Nothing is touched, and count messages are reported as undecidable."""
        before = self.postfix.ids()
        result = self.purge(*args, status=2)
        self.assertEqual(self.postfix.ids(), before, result)
        self.assertEqual((result.summary["matched"], result.summary["unjoined"]), (0, count), result)
        return result
