# SPDX-License-Identifier: ISC
"""A client that may connect to the milter's socket can say anything about any message. It cannot hide a message, and
cannot get other people's mail deleted."""
import os
import struct
import sys

from case import BAD, RigCase, both_ids
from pqpurge import TOP, socket_path

sys.path.append(os.path.join(TOP, "tests/protocol"))
import milter_client  # noqa: E402
from milter_client import terminated  # noqa: E402

INNOCENT = "From: boss@good.test\nSubject: innocent\n\nx\n"


class Milter(RigCase):
    """A client of the socket that is not Postfix. family: that of the address it claims."""

    def connect(self, family):
        client = milter_client.Client(socket_path(self.postfix))
        self.addCleanup(client.close)
        if family == "U":
            client.send(b"C", b"x\0U")
        elif family == "local":
            client.macros(b"C", i="ABCDE12345")
            client.send(b"C", b"localhost\0004" + struct.pack(">H", 0) + b"127.0.0.1\0")
        else:
            client.send(b"C", b"[127.0.0.1]\0004" + struct.pack(">H", 0) + b"127.0.0.1\0")
        return client

    def claim(self, client, sender, victim, wait, recipient="<u@dest.test>"):
        """Says MAIL, then calls wait, then claims that the queue ID returned by wait is this sender's message."""
        client.send(b"D", b"M" + terminated("{client_addr}", "127.0.0.1"))
        client.send(b"M", terminated(f"<{sender}>"))
        client.reply()
        queue_id = wait() if victim is None else victim
        client.send(b"R", terminated(recipient))
        client.macros(b"E", i=queue_id)
        client.send(b"E")
        client.reply()
        return queue_id


class WideWindow:
    family = "U"

    def innocent(self):
        return self.send("boss@good.test", text=INNOCENT)

    def guilty(self):
        return self.send("a@example.com")

    def test_innocent_mail_is_not_deleted(self):
        client = self.connect(self.family)
        innocent = self.claim(client, f"x@{BAD}", None, self.innocent)
        guilty = self.guilty()
        self.postfix.settled(2)
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), ({guilty}, {innocent}), result)

    def test_innocent_mail_after_a_catch_up(self):
        client = self.connect(self.family)
        innocent = self.claim(client, f"x@{BAD}", None, self.innocent)
        self.postfix.settled(1)
        self.pq.idx("sync")
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (set(), {innocent}), result)

    def test_innocent_mail_with_the_daemon_stopped(self):
        client = self.connect(self.family)
        innocent = self.claim(client, f"x@{BAD}", None, self.innocent)
        self.postfix.settled(1)
        self.pq.kill9()
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (set(), {innocent}), result)

    def test_guilty_mail_is_not_hidden(self):
        """The row names another sender; the file names the true one."""
        client = self.connect(self.family)
        guilty = self.claim(client, "x@good.test", None, self.guilty)
        self.postfix.settled(1)
        self.assert_purged({guilty}, BAD)

    def test_guilty_mail_is_not_hidden_afterwards(self):
        """Postfix's own session was recorded before the claim."""
        guilty = self.guilty()
        self.postfix.settled(1)
        self.claim(self.connect(self.family), "x@good.test", guilty, None)
        self.assert_purged({guilty}, BAD)

    def test_guilty_mail_is_not_hidden_after_a_catch_up(self):
        guilty = self.guilty()
        self.postfix.settled(1)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.claim(self.connect(self.family), "x@good.test", guilty, None)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assert_purged({guilty}, BAD)

    def test_innocent_mail_claimed_afterwards(self):
        innocent = self.innocent()
        self.postfix.settled(1)
        self.claim(self.connect(self.family), f"x@{BAD}", innocent, None)
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (set(), {innocent}), result)

    def test_claimed_by_recipient(self):
        innocent = self.claim(self.connect(self.family), "x@good.test", None, self.innocent, "<ceo@victim.test>")
        self.postfix.settled(1)
        result = self.pq.idx("purge", "-y", "--json", "--recipient", "victim.test")
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (set(), {innocent}), result)


@both_ids
class UnknownFamily(WideWindow, Milter):
    pass


@both_ids
class NoPort(WideWindow, Milter):
    family = "inet"


@both_ids
class AsSendmail(WideWindow, Milter):
    """Local mail has wider windows: its arrival is cleanup's time, in whole seconds."""

    family = "local"


@both_ids
class ForgedLogin(Milter):
    def test_login(self):
        """A claimed login for mail whose file names another."""
        with self.postfix.smtp() as smtp:
            smtp.xclient(ADDR="192.0.2.7", LOGIN="joe")
            joes = smtp.message("a@good.test", "u@dest.test", INNOCENT)
        self.postfix.settled(1)
        client = self.connect("inet")
        client.macros(b"M", auth_authen="ann")
        self.claim(client, "a@good.test", joes, None)
        result = self.pq.idx("purge", "-y", "--json", "--login", "ann")
        self.assertEqual((result.with_result("deleted"), self.postfix.ids()), (set(), {joes}), result)
        self.assert_purged({joes}, "--login", "joe")
