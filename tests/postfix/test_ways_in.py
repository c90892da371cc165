# SPDX-License-Identifier: ISC
"""Every way in which mail reaches Postfix: what the milter sees is recorded, and found again."""
import os
import random
import socket

from case import BAD, RigCase, both_ids_at_length
from rig import free_port, until
from smtp import Refused, Smtp, content, queue_id

PORTS = {long_ids: (free_port(), free_port()) for long_ids in (False, True)}  # of the class Clients and its twin


class SmtpFrom(Smtp):
    """A connection to any address and port; first is sent before anything else."""

    def __init__(self, host, port, first=""):
        self.host, self.first = host, first
        super().__init__(port)

    def connect(self, port, timeout):
        made = socket.create_connection((self.host, port), timeout)
        made.sendall(self.first.encode())
        return made


@both_ids_at_length
class Envelope(RigCase):
    """Addresses that MAIL FROM accepts. The queue file's own sender shows how Postfix reads them."""

    def check(self, sender, domain, *options, pattern=None):
        ours = self.send(sender, "u@dest.test", content("n@good.test"), *options)
        other = self.send("a@good.test")
        self.postfix.settled(2)
        stored = self.postfix.read()[ours].sender
        self.assertEqual(stored.rpartition("@")[2].lower(), domain, f"Postfix reads {sender!r} as {stored!r}")
        self.assert_purged({ours}, pattern or domain)
        self.assertEqual(self.postfix.ids(), {other})

    def test_plain(self):
        self.check("a@example.com", BAD)

    def test_with_options(self):
        self.check("a@example.com", BAD, "SIZE=500", "BODY=8BITMIME")

    def test_source_route(self):
        self.check("@relay.test,@other.test:a@example.com", BAD)

    def test_quoted_local_part(self):
        self.check('"a@good.test"@example.com', BAD)

    def test_quoted_local_part_of_another(self):
        self.check('"a@example.com"@evil.test', "evil.test")

    def test_bang_path(self):
        self.check("example.com!user", BAD)

    def test_percent_hack(self):
        self.check("user%example.com", BAD)

    def test_trailing_dot(self):
        self.check("a@example.com.", BAD)

    def test_domain_literal(self):
        self.check("a@[192.0.2.1]", "[192.0.2.1]")

    def test_without_domain(self):
        self.check("justme", "rig.test")

    def test_no_brackets(self):
        with self.postfix.smtp() as client:
            client.expect(2, client.command("MAIL FROM:a@example.com"))
            client.expect(2, client.rcpt("u@dest.test"))
            ours = queue_id(client.expect(2, client.data(content())))
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)

    def test_u_label(self):
        self.check("jürgen@bücher.test", "bücher.test", "SMTPUTF8", pattern="bücher.test")

    def test_u_label_by_a_label(self):
        self.check("a@BÜCHER.test", "bücher.test", "SMTPUTF8", pattern="xn--bcher-kva.test")

    def test_a_label_by_u_label(self):
        self.check("a@xn--bcher-kva.test", "xn--bcher-kva.test", pattern="Bücher.test")

    def test_null_sender(self):
        ours, other = self.send("", text=content("x@good.test")), self.send("a@good.test")
        self.postfix.settled(2)
        self.assert_purged({ours}, "<>")
        self.assertEqual(self.postfix.ids(), {other})


class Generated(RigCase):
    """Random senders made of characters that are special in addresses: our reading of the domain compared with that
    of the queue file."""

    PIECES = ("a", "user", "example.com", "Sub.Example.COM", "x.test", "@", "@", "@", "%", "!", ":", ",", '"q r"', '"a@b.test"',
              '"\\""', "(c)", "(a@b.test)", ".", "..", "[192.0.2.1]", "[IPv6:2001:db8::1]", "-", "_", "+", "\\@", " ", "x--y",
              "rig.test", "@relay.test:", "=", "/", "'", "<", ">", ";")

    def senders(self, chance, count):
        for _ in range(count):
            yield "".join(chance.choice(self.PIECES) for _ in range(chance.randrange(1, 7)))

    def test_domains(self):
        seed = int(os.environ.get("SEED", "1"))
        taken = {}
        with self.postfix.smtp() as client:
            for sender in self.senders(random.Random(seed), 800):
                try:
                    taken[client.message(sender, "u@dest.test", "Subject: x\n\nx\n")] = sender
                except Refused:
                    client.command("RSET")
        self.assertGreater(len(taken), 50)
        self.postfix.settled(len(taken))
        said = {i: line["sender"] for i, line in self.pq.listed().items()}
        self.assertEqual(set(said), set(taken))
        wrong = {}
        for queue_id_, file in self.postfix.read().items():
            # Postfix keeps a blank at the end of a quoted string; no domain has one.
            theirs = file.sender.rpartition("@")[2].lower().strip().removesuffix(".")
            ours = said[queue_id_].rpartition("@")
            # "user@" has no domain for either, and a quoted local part may contain an @.
            if (ours[2] if ours[1] and not ours[2].endswith('"') else "") != theirs:
                wrong[taken[queue_id_]] = (said[queue_id_], file.sender)
        self.assertEqual(wrong, {}, f"SEED={seed}: sender: (what we say, what Postfix stored)")


@both_ids_at_length
class Submission(RigCase):
    """sendmail(1)."""

    def submit(self, sender, *recipients, text=None):
        before = self.postfix.ids()
        self.postfix.sendmail(sender, recipients or ["u@dest.test"], text or content())
        self.postfix.settled(len(before) + 1)
        return (self.postfix.ids() - before).pop()

    def test_sender(self):
        ours, other = self.submit("a@example.com"), self.submit("a@good.test")
        self.assertNotIn("client", self.pq.listed(BAD)[ours])
        self.assert_purged({ours}, BAD)
        self.assertEqual(self.postfix.ids(), {other})

    def test_header_from(self):
        ours = self.submit("a@good.test", text=content("boss@example.com"))
        self.submit("a@good.test")
        self.assert_purged({ours}, BAD)

    def test_null_sender(self):
        ours, other = self.submit("<>"), self.submit("a@good.test")
        self.assert_purged({ours}, "<>")
        self.assertEqual(self.postfix.ids(), {other})

    def test_recipients(self):
        ours = self.submit("a@good.test", "one@dest.test", "two@example.com")
        result = self.assert_purged({ours}, "--recipient", BAD)
        self.assertEqual(result.messages[ours]["other_recipients"], 1)

    def test_sender_without_domain(self):
        ours = self.submit("www-data")
        self.assertEqual(self.postfix.read()[ours].sender, "www-data@rig.test")
        self.assert_purged({ours}, "--sender", "rig.test")

    def test_after_a_wait_in_maildrop(self):
        """Submitted while Postfix is down: the queue file is much younger than the submission."""
        self.postfix.stop()
        self.postfix.sendmail("a@example.com", ["u@dest.test"], content())
        self.postfix.start()
        self.postfix.settled(1)
        self.assert_purged(self.postfix.ids(), BAD)


@both_ids_at_length
class Content(RigCase):
    def test_1000_recipients(self):
        recipients = [f"r{n}@dest.test" for n in range(1000)]
        ours = self.send("a@example.com", recipients)
        self.postfix.settled(1)
        self.assertEqual(sorted(r["address"] for r in self.pq.listed(BAD)[ours]["recipients"]), sorted(recipients))
        self.assert_selects({ours}, "--recipient", "r999@dest.test")
        self.assert_purged({ours}, BAD)

    def test_100_kilobyte_header(self):
        """In two fields, and in one, of which Postfix keeps 60,000 bytes if there are milters."""
        half = "X-Long: " + "\n ".join("z" * 900 for _ in range(55)) + "\n"
        whole = half + half.replace("X-Long:", "")
        with self.postfix.smtp() as client:
            ours = client.message("a@good.test", "u@dest.test", half + half + content("a@example.com"))
            cut = client.message("a@good.test", "u@dest.test", whole + content("a@example.com"))
            after = client.message("a@example.com", "u@dest.test", content())
        self.postfix.settled(3)
        files = self.postfix.read()
        self.assertGreater(len(files[ours].content), 95000)
        self.assertGreater(len(files[cut].content), 55000)
        self.assert_purged({ours, cut, after}, BAD)

    def test_no_header(self):
        ours = self.send("a@example.com", "u@dest.test", "\nno header at all\n")
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)

    def test_empty(self):
        ours = self.send("a@example.com", "u@dest.test", "\n")
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)

    def test_several_from_fields(self):
        ours = self.send("a@good.test", "u@dest.test", "From: x@good.test\nfrom: y@example.com\n\nx\n")
        self.send("a@good.test", "u@dest.test", "From: x@good.test\nX-From: y@example.com\n\nx\n")
        self.postfix.settled(2)
        self.assert_purged({ours}, BAD)

    def test_folded_from(self):
        ours = self.send("a@good.test", "u@dest.test", 'From: "A\n B" (c (d))\n <y@example.com>\n\nx\n')
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)

    def test_u_label_in_the_header(self):
        ours = self.send("a@good.test", "u@dest.test", content("Jürgen <j@bücher.test>"), "SMTPUTF8")
        self.postfix.settled(1)
        self.assert_purged({ours}, "xn--bcher-kva.test")


@both_ids_at_length
class Clients(RigCase):
    """Whatever client is named: the recorded address and port are those in the queue file, which they prove."""

    main = "inet_interfaces = all\ninet_protocols = all\nsmtpd_authorized_xforward_hosts = 127.0.0.0/8\n"

    def setUp(self):
        self.ipv6_port, self.proxy_port = PORTS[self.long_ids]
        self.services = (f"[::1]:{self.ipv6_port} inet n - n - 10 smtpd\n"
                         f"127.0.0.1:{self.proxy_port} inet n - n - 10 smtpd\n -o smtpd_upstream_proxy_protocol=haproxy\n")
        super().setUp()

    def check(self, client, address=None, port=None, shown_as=None):
        """address and port: None means the connection's own."""
        with client:
            own = client.socket.getsockname()
            ours = client.message("a@example.com", "u@dest.test", content())
        other = self.send("a@good.test")
        self.postfix.settled(2)
        file, shown = self.postfix.read()[ours].attributes, self.pq.idx("show", "--json", ours).lines[0]
        address, port = address or own[0], own[1] if port is None else port
        self.assertEqual((file["client_address"], file["client_port"]), (address, str(port or "unknown")))
        self.assertEqual((shown["client"], shown.get("client_port", 0)), shown_as or (address, port))
        self.assert_selects({ours}, BAD, "--client", shown["client"])
        self.assertEqual(self.assert_purged({ours}, BAD).summary["from_queue"], 0)
        self.assertEqual(self.postfix.ids(), {other})

    def as_client(self, **attributes):
        client = self.postfix.smtp()
        client.xclient(**attributes)
        return client

    def test_ipv4(self):
        self.check(self.postfix.smtp())

    def test_ipv6(self):
        self.check(SmtpFrom("::1", self.ipv6_port))

    def test_proxy_protocol(self):
        words = "PROXY TCP4 192.0.2.7 192.0.2.8 4711 25\r\n"
        self.check(SmtpFrom("127.0.0.1", self.proxy_port, words), "192.0.2.7", 4711)

    def test_xclient_address(self):
        """The port stays the connection's own."""
        self.check(self.as_client(ADDR="192.0.2.1"), "192.0.2.1")

    def test_xclient_address_and_port(self):
        self.check(self.as_client(ADDR="IPV6:2001:db8::1", PORT="1234"), "2001:db8::1", 1234)

    def test_xclient_mapped_address(self):
        self.check(self.as_client(ADDR="IPV6:::ffff:192.0.2.1", PORT="1234"), "192.0.2.1", 1234)

    def test_xclient_without_port(self):
        self.check(self.as_client(ADDR="192.0.2.1", PORT="[UNAVAILABLE]"), "192.0.2.1", 0)

    def test_xforward(self):
        """It says where the mail came from, and does not change the connection's client."""
        client = self.postfix.smtp()
        client.expect(2, client.command("XFORWARD NAME=x.test ADDR=192.0.2.99 PORT=999"))
        self.check(client, shown_as=("192.0.2.99", 0))


@both_ids_at_length
class Conversation(RigCase):
    """The order of a client's commands."""

    def test_rset(self):
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@example.com"))
            client.expect(2, client.rcpt("lost@dest.test"))
            client.expect(2, client.command("RSET"))
            other = client.message("a@good.test", "u@dest.test", content())
        self.postfix.settled(1)
        self.assertEqual(self.pq.listed(BAD), {})
        self.assertEqual([r["address"] for r in self.pq.listed("good.test")[other]["recipients"]], ["u@dest.test"])

    def test_many_messages_on_one_connection(self):
        ours, other = [], []
        with self.postfix.smtp() as client:
            for n in range(50):
                ours.append(client.message(f"a{n}@example.com", f"r{n}@dest.test", content("x@y.test")))
                other.append(client.message(f"b{n}@good.test", [f"s{n}@dest.test", f"t{n}@dest.test"], content()))
        self.postfix.settled(100)
        listed = self.pq.listed("--all")
        for n in range(50):
            for queue_id, sender, recipients in ((ours[n], f"a{n}@example.com", [f"r{n}@dest.test"]),
                                                 (other[n], f"b{n}@good.test", [f"s{n}@dest.test", f"t{n}@dest.test"])):
                line = listed[queue_id]
                self.assertEqual((line["sender"], [r["address"] for r in line["recipients"]]), (sender, recipients))
        self.assert_purged(ours, BAD)

    def test_pipelining(self):
        with self.postfix.smtp() as client:
            ours = [client.pipelined("a@example.com", "u@dest.test", content()) for _ in range(20)]
            other = [client.pipelined("a@good.test", "u@dest.test", content()) for _ in range(20)]
        self.postfix.settled(40)
        self.assert_purged(ours, BAD)
        self.assertEqual(self.postfix.ids(), set(other))

    def test_bdat(self):
        body = content().replace("\n", "\r\n").encode()
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@example.com"))
            client.expect(2, client.rcpt("u@dest.test"))
            client.socket.sendall(b"BDAT %d LAST\r\n" % len(body) + body)
            ours = queue_id(client.expect(2, client.reply()))
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)

    def test_refused_recipient(self):
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@example.com"))
            client.expect(5, client.command("RCPT TO:<not an address at all>"))
            client.expect(2, client.rcpt("u@dest.test"))
            ours = queue_id(client.expect(2, client.data(content())))
        self.postfix.settled(1)
        self.assertEqual([r["address"] for r in self.pq.listed(BAD)[ours]["recipients"]], ["u@dest.test"])

    def test_abrupt_close(self):
        """Clients that vanish after RCPT or in the middle of the data leave nothing behind, and the daemon goes on."""
        for words in ((), ("DATA", "From: a@example.com", "", "half a line")):
            client = self.postfix.smtp()
            client.mail("a@example.com")
            client.rcpt("u@dest.test")
            client.send(*words)
            client.socket.shutdown(socket.SHUT_RDWR)
            client.drop()
        ours = self.send("b@example.com")
        until(lambda: self.postfix.ids() == {ours}, "the end of the aborted messages")
        self.assertEqual(set(self.pq.listed(BAD)), {ours})


@both_ids_at_length
class Unseen(RigCase):
    """Mail that no milter sees is found all the same."""

    def test_while_the_daemon_was_down(self):
        seen = self.send("a@example.com")
        self.pq.kill9()
        unseen = {self.send("a@example.com"), self.send("a@good.test", text=content("b@example.com"))}
        other = self.send("a@good.test")
        self.pq.start()
        self.postfix.settled(4)
        result = self.assert_purged({seen} | unseen, BAD)
        self.assertEqual(result.summary["from_queue"], 2, result)
        self.assertEqual(self.postfix.ids(), {other})

    def test_requeued(self):
        """postsuper -r gives a new queue ID and shows it to no milter."""
        old = self.send("a@example.com")
        self.postfix.settled(1)
        self.postfix.postsuper("-r", old)
        self.postfix.run("postkick", "public", "pickup", "W", check=False)
        until(lambda: self.postfix.ids() - {old}, "the requeued message", 90)
        self.postfix.settled(1)
        self.assertEqual(self.assert_purged(self.postfix.ids(), BAD).summary["from_queue"], 1)
