# SPDX-License-Identifier: ISC
"""The policy front alone: smtpd's requests, what smtpd would never send, and both fronts at once."""
import os
import resource
import select
import signal
import socket
import stat
import threading
import time

import milter_client as mc
from daemon import CUT_RECIPIENTS, HELD, DaemonCase, until
from milter_client import queue_id
from policy_client import PolicyClient, request

MAX = 4096  # POLICY_CONNECTIONS_MAX
NO = "550 5.7.1 Not accepted by local policy"


class PolicyCase(DaemonCase):
    """With a policy socket beside the milter's."""
    more = {}

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.daemon.home, "s/policy.sock")
        self.daemon.settings.update(dict(policy_socket="unix:" + self.path), **self.more)
        self.daemon.write_config()

    def client(self, **more):
        return PolicyClient(self.path, **more)

    def status(self, key):
        return self.daemon.status()[key]


class Messages(PolicyCase):
    more = {"origin": "origin.example"}

    def setUp(self):
        super().setUp()
        self.daemon.rules("bad.example REJECT\nheld.example HOLD\nsink.example DISCARD\nslow.example DEFER\n"
                          "login:joe REJECT 5.7.2 no\nclient:198.51.100.0/24 REJECT\n<> DEFER\n")
        self.daemon.start()

    def test_all_fields(self):
        now = time.time()
        instance = "3f1.%x.%x.0" % (int(now) - 5, 123456)
        with self.client() as c:
            self.assertEqual(["DUNNO"] * 3, c.message(queue_id(1), instance, ["b@example.net", "C@Example.net"], sender="User@Example.COM.",
                                                      client_address="2001:db8::7", client_port="4711", sasl_username="Ann"))
        m = self.daemon.messages()[queue_id(1)]
        self.assertEqual(["User@example.com", [], ["b@example.net", "C@example.net"]], [m["sender"], m["from"], m["recipients"]])
        self.assertEqual(["2001:db8::7", 4711, "Ann"], [m["client"], m["client_port"], m["login"]])
        self.assertEqual(["smtpd", 0, 2], [m["origin"], m["flags"], m["recipient_count"]])
        self.assertEqual((int(now) - 5) * 1000000 + 123456, m["mail_time"])

    def test_rules(self):
        cases = [(dict(sender="a@bad.example"), NO, NO, None), (dict(sender="a@held.example"), "DUNNO", "HOLD held by pqpurge", HELD),
                 (dict(sender="a@sink.example"), "DUNNO", "DISCARD discarded by pqpurge", None),
                 (dict(sasl_username="joe"), "550 5.7.2 no", "550 5.7.2 no", None),
                 (dict(client_address="198.51.100.9"), NO, NO, None), (dict(sender="x@fine.example"), "DUNNO", "DUNNO", 0)]
        with self.client() as c:
            for n, (attributes, rcpt, end, _) in enumerate(cases):
                self.assertEqual([rcpt, end], c.message(queue_id(n), **attributes), attributes)
            self.assertTrue(c.ask(sender="").startswith("451 4.7.1 "))
        got = self.daemon.messages()
        self.assertEqual([flags for *_, flags in cases], [got.get(queue_id(n), {}).get("flags") for n in range(len(cases))])
        self.assertEqual(1, self.daemon.hits()["bad.example"])

    def test_rules_meanwhile(self):
        """A rule of the command, and one of the file."""
        with self.client() as c:
            self.assertEqual("DUNNO", c.ask(sender="a@late.example"))
            self.assertTrue(self.daemon.ask("rule-set", pattern="late.example", action="REJECT")["ok"])
            self.assertEqual(NO, c.ask(sender="a@late.example", protocol_state="END-OF-MESSAGE", queue_id=queue_id(1)))
            self.assertEqual("DUNNO", c.ask(sender="a@later.example", instance="1.1.1.2"))
            self.daemon.rules("later.example REJECT\n")
            self.assertTrue(self.daemon.ask("reload")["ok"])
            self.assertEqual(NO, c.ask(sender="a@later.example", instance="1.1.1.2", protocol_state="DATA"))

    def test_over_several_connections(self):
        """smtpd connects anew after smtpd_policy_service_max_ttl."""
        for n, recipient in enumerate(("r1@x.example", "r2@x.example")):
            with self.client() as c:
                self.assertEqual("DUNNO", c.ask(recipient=recipient, queue_id=queue_id(1) if n else ""))
        with self.client() as c:
            self.assertEqual("DUNNO", c.ask(protocol_state="END-OF-MESSAGE", queue_id=queue_id(1), recipient="", recipient_count="2"))
        self.assertEqual(["r1@x.example", "r2@x.example"], self.daemon.messages()[queue_id(1)]["recipients"])

    def test_the_end_alone(self):
        """smtpd_end_of_data_restrictions without smtpd_recipient_restrictions."""
        with self.client() as c:
            self.assertEqual("DUNNO", c.ask(protocol_state="END-OF-MESSAGE", queue_id=queue_id(1), recipient="", recipient_count="2"))
            self.assertEqual("DUNNO", c.ask(protocol_state="END-OF-MESSAGE", queue_id=queue_id(2), recipient_count="1", instance="1.1.1.2"))
        got = self.daemon.messages()
        self.assertEqual([2, [], CUT_RECIPIENTS], [got[queue_id(1)][k] for k in ("recipient_count", "recipients", "flags")])
        self.assertEqual([1, ["b@example.net"], 0], [got[queue_id(2)][k] for k in ("recipient_count", "recipients", "flags")])

    def test_both_fronts(self):
        """The milter records and counts. The policy front leaves alone the messages that the milter handles, and no
        others."""
        with self.daemon.client() as m, self.client() as c:
            m.macros(b"C", daemon_addr="192.0.2.1", daemon_port="25")
            m.send(b"C", mc.terminated("client.example") + b"4" + b"\x09\xdd" + mc.terminated("192.0.2.7"))
            m.answer(mc.NR_CONN)
            m.mail("<a@held.example>")
            self.assertEqual("DUNNO", c.ask(sender="a@held.example"))
            m.rcpt("<b@example.net>")
            m.data(queue_id(1))
            self.assertEqual("DUNNO", c.ask(sender="a@held.example", protocol_state="END-OF-MESSAGE", queue_id=queue_id(1), recipient_count="1"))
            m.header("From", "f@held.example")
            m.header("Message-ID", "<1@x>")
            self.assertEqual((mc.CONTINUE, "", [(b"q", b"held by pqpurge\0")]), m.end(queue_id(1)))
            # Another of our ports with the same client: not the milter's.
            self.assertEqual(["DUNNO", "HOLD held by pqpurge"], c.message(queue_id(2), sender="a@held.example", server_port="587"))
            # Another filter refused the milter's next message, with which Postfix does not go on.
            self.assertEqual(["DUNNO", "HOLD held by pqpurge"], c.message(queue_id(3), sender="a@held.example"))
            m.mail("<a@held.example>")
            self.assertEqual("DUNNO", c.ask(sender="a@bad.example", instance="1.1.1.9"))
            m.abort()
            self.assertTrue(until(lambda: c.ask(sender="a@bad.example", instance="1.1.1.9") == NO))
        got = self.daemon.messages()
        self.assertEqual({queue_id(n): HELD for n in (1, 2, 3)}, {i: r["flags"] for i, r in got.items()})
        self.assertEqual([["f@held.example"], "<1@x>"], [got[queue_id(1)]["from"], got[queue_id(1)]["message_id"]])
        self.assertEqual(3, self.daemon.hits()["held.example"])
        self.assertEqual(3, len(self.daemon.dump()))

    def test_milter_that_hung_up(self):
        """Postfix gave up on the milter: the policy front takes over."""
        with self.client() as c:
            with self.daemon.client() as m:
                m.macros(b"C", daemon_addr="192.0.2.1", daemon_port="25")
                m.send(b"C", mc.terminated("client.example") + b"4" + b"\x09\xdd" + mc.terminated("192.0.2.7"))
                m.answer(mc.NR_CONN)
                m.mail("<a@bad2.example>")
                self.assertEqual("DUNNO", c.ask(sender="a@bad.example"))
            self.assertTrue(until(lambda: c.ask(sender="a@bad.example") == NO))


class Floods(PolicyCase):
    def test_counted_once(self):
        """A login's recipients, by each front alone and by both; the detector's window has the count."""
        with open(self.daemon.config_file, "a") as f:
            f.write('flood_watch = warn\nflood login {\n count = {"5/10m", "500/1h", "600/1d"}\n}\n')
        self.daemon.start()
        with self.daemon.client() as m, self.client() as c:
            m.macros(b"C", daemon_addr="192.0.2.1", daemon_port="25")
            m.send(b"C", mc.terminated("client.example") + b"4" + b"\x09\xdd" + mc.terminated("192.0.2.7"))
            m.answer(mc.NR_CONN)
            for n in range(4):
                m.mail("<a@x.example>", "joe")
                c.ask(sender="a@x.example", sasl_username="joe", instance="1.1.1.%x" % n)
                m.rcpt()
                c.ask(sender="a@x.example", sasl_username="joe", instance="1.1.1.%x" % n, protocol_state="END-OF-MESSAGE",
                      queue_id=queue_id(n), recipient_count="1")
                self.assertEqual(mc.CONTINUE, m.end(queue_id(n), "joe")[0])
            self.assertEqual([], self.daemon.ask("floods")["floods"])
            c.message(queue_id(10), instance="2.1.1.1", sender="a@x.example", sasl_username="joe", recipients=["r1@x", "r2@x"], server_port="26")
        found = until(lambda: self.daemon.ask("floods")["floods"])
        self.assertTrue(found, self.daemon.log)
        self.assertEqual(["login", "joe", 6, 5], [found[0][k] for k in ("kind", "key", "recipients", "messages")])


class Abuse(PolicyCase):
    """Whatever comes, the next request is answered."""

    def setUp(self):
        super().setUp()
        self.daemon.start()

    def tearDown(self):
        with self.client() as c:
            self.assertEqual(["DUNNO", "DUNNO"], c.message(queue_id(999999), "2.2.2.2"))
        self.assertIn(queue_id(999999), self.daemon.messages())
        super().tearDown()

    def refused(self, data):
        with self.client() as c:
            try:
                c.socket.sendall(data)
            except ConnectionError:
                return
            self.assertRaises(mc.Closed, c.receive)

    def test_garbage(self):
        for data in (b"GET / HTTP/1.0\r\n\r\n", b"\n", b"\0\n", b"request\n\n", b"request=junk\n\n", b"=\n\n", b"sender=a\0b\n\n",
                     request().replace(b"smtpd_access_policy", b"smtpd_access_Policy"), request().replace(b"\n", b"\r\n"),
                     b"sender=" + b"x" * 9000 + b"\n", b"sender=" + b"x" * 100000, b"a=\n" * 201, (b"a=" + b"x" * 1000 + b"\n") * 40,
                     bytes(range(256)) * 200):
            self.refused(data)
        self.daemon.wait_log("hung up on a peer of the policy socket")
        self.assertEqual(1, self.daemon.log.count("hung up on a peer"))  # at most once a minute
        self.assertEqual({}, self.daemon.messages())

    def test_unknown_attributes(self):
        data = b"new_in_postfix_5=yes\nsize\x7f=\n" + request(protocol_state="END-OF-MESSAGE", queue_id=queue_id(1), recipient_count="1")
        with self.client() as c:
            c.socket.sendall(data)
            self.assertEqual("DUNNO", c.receive())
        self.assertIn(queue_id(1), self.daemon.messages())

    def test_hang_ups(self):
        whole = request()
        for length in (0, 1, 7, 100, len(whole) - 1, len(whole)):
            self.client().socket.close()
            with self.client() as c:
                c.socket.sendall(whole[:length])
        self.assertTrue(until(lambda: self.status("policy_connections") == 0))

    def test_half_closed(self):
        with self.client() as c:
            c.socket.sendall(request())
            c.socket.shutdown(socket.SHUT_WR)
            self.assertEqual("DUNNO", c.receive())
            self.assertRaises(mc.Closed, c.receive)

    def test_byte_by_byte(self):
        with self.client() as c:
            for byte in request():
                c.socket.sendall(bytes([byte]))
            self.assertEqual("DUNNO", c.receive())

    def test_many_at_once(self):
        """Requests that come together are answered one by one, in order."""
        with self.client() as c:
            data = b"".join(request(sender="a@bad.example" if n % 2 else "a@x.example", instance="1.1.1.%x" % n) for n in range(200))
            self.daemon.ask("rule-set", pattern="bad.example", action="REJECT")
            sender = threading.Thread(target=c.socket.sendall, args=(data,))
            sender.start()
            self.assertEqual(["DUNNO", NO] * 100, [c.receive() for _ in range(200)])
            sender.join()

    def test_peer_that_does_not_read(self):
        with self.client() as c:
            c.socket.settimeout(60)
            try:
                while True:
                    c.socket.sendall(request() * 100)
            except ConnectionError:
                pass
        self.daemon.wait_log("it does not read")

    def test_slow_peers(self):
        """They cost no thread and delay nobody. After 10 s they are gone; idle ones are not."""
        threads = lambda: len(os.listdir("/proc/%d/task" % self.daemon.process.pid))
        before = threads()
        slow = [self.client(timeout=120) for _ in range(300)]
        idle = self.client()
        self.assertEqual("DUNNO", idle.ask())
        for c in slow:
            c.socket.sendall(b"request=smtpd_acc")
        with self.client() as c:
            self.assertEqual("DUNNO", c.ask())
        self.assertTrue(until(lambda: self.status("policy_connections") >= 301))
        self.assertLess(threads() - before, 30)  # libmilter's and the control server's threads come and go
        for c in slow:
            self.assertRaises(mc.Closed, c.receive)
            c.close()
        self.assertEqual("DUNNO", idle.ask(instance="1.1.1.2"))
        idle.close()
        self.daemon.wait_log("it did not send the rest of a request")

    def test_dripping(self):
        """A byte now and then does not extend the time."""
        with self.client() as c:
            c.socket.setblocking(False)

            def closed():
                try:
                    c.socket.send(b"a")
                    return c.socket.recv(1) == b""
                except BlockingIOError:
                    return False
                except ConnectionError:
                    return True
            self.assertTrue(until(closed, 120))

    def test_fifty_clients(self):
        failures = []

        def smtpd(n):
            try:
                with self.client(timeout=60) as c:
                    for k in range(20):
                        number = n * 20 + k
                        got = c.message(queue_id(number), "%x.1.1.%x" % (n, k), ["r%d@x.example" % number], sender="u%d@d.example" % number)
                        if got != ["DUNNO", "DUNNO"]:
                            failures.append(got)
            except Exception as e:  # pylint: disable=broad-except
                failures.append(e)
        threads = [threading.Thread(target=smtpd, args=(n,)) for n in range(50)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([], failures)
        got = self.daemon.messages()
        self.assertEqual(1000, len(got))
        for n in (0, 500, 999):
            self.assertEqual(["u%d@d.example" % n, ["r%d@x.example" % n]], [got[queue_id(n)]["sender"], got[queue_id(n)]["recipients"]])

    def test_one_instance_by_many(self):
        """No smtpd does so: the record may be anything, but nothing breaks."""
        def peer():
            with self.client(timeout=60) as c:
                for n in range(200):
                    c.ask(recipient="r%d@x" % n)
                    c.ask(protocol_state="END-OF-MESSAGE", queue_id=queue_id(n % 7), recipient_count="1")
        threads = [threading.Thread(target=peer) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


class Connections(PolicyCase):
    def test_more_than_the_cap(self):
        """The idlest are closed for new ones; nobody who asks is turned away."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, [limit if limit == resource.RLIM_INFINITY else max(limit, 3 * MAX) for limit in limits])
        self.daemon.start()
        idle = []
        for n in range(MAX + 500):
            idle.append(self.client())
            if n % 64 == 0:  # so that the backlog never fills up
                self.assertEqual("DUNNO", idle[-1].ask(instance="1.1.1.%x" % n))
        last = self.client()
        self.assertEqual("DUNNO", last.ask(instance="1.1.2.1"))
        self.assertTrue(until(lambda: self.status("policy_connections") <= MAX + 64))
        self.assertEqual("DUNNO", last.ask(instance="1.1.2.2"))
        ready = select.poll()
        for c in idle:
            ready.register(c.socket, select.POLLIN | select.POLLHUP)
        self.assertTrue(until(lambda: len(ready.poll(0)) >= 400))
        for c in idle + [last]:
            c.close()
        self.assertTrue(until(lambda: self.status("policy_connections") == 0))


class Life(PolicyCase):
    def test_socket(self):
        """Group and mode like the milter's; removed at the end; not taken from a live process."""
        self.daemon.start()
        here, there = os.stat(self.path), os.stat(self.daemon.socket)
        self.assertEqual([there.st_mode, there.st_uid, there.st_gid], [here.st_mode, here.st_uid, here.st_gid])
        self.assertEqual(0o660, stat.S_IMODE(here.st_mode))
        self.assertIn(self.path, self.daemon.log)
        self.assertEqual("unix:" + self.path, self.status("policy_socket"))
        self.daemon.stop()
        self.assertFalse(os.path.exists(self.path))

    def test_stale_and_heard(self):
        os.mkdir(os.path.dirname(self.path), 0o755)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path)
            s.listen()
            status, output = self.daemon.run()
            self.assertEqual((1, True), (status, "another process listens on '%s'" % self.path in output), output)
            self.assertFalse(os.path.exists(self.daemon.socket))
        self.daemon.start()  # the socket of a dead process is replaced
        with self.client() as c:
            self.assertEqual("DUNNO", c.ask())

    def test_inet(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.daemon.settings["policy_socket"] = "inet:%d@127.0.0.1" % port
        self.daemon.write_config()
        self.daemon.start()
        with PolicyClient(("127.0.0.1", port)) as c:
            self.assertEqual("DUNNO", c.ask())

    def test_given_descriptor(self):
        with socket.socket(socket.AF_UNIX) as s:
            path = os.path.join(self.daemon.home, "given.sock")
            s.bind(path)
            s.listen()
            self.daemon.settings["policy_socket"] = "fd:%d" % s.fileno()
            self.daemon.write_config()
            self.daemon.start(pass_fds=(s.fileno(),))
        with PolicyClient(path) as c:
            self.assertEqual("DUNNO", c.ask())
        self.daemon.stop()
        self.assertTrue(os.path.exists(path))

    def test_wrong_sockets(self):
        for value, words in (("fd:77", "is not a listening socket"), ("tcp:1", "neither unix:"), ("inet:1@no.such.invalid", "failed to open"),
                             (self.daemon.settings["socket"], "must be another than socket")):
            self.daemon.settings["policy_socket"] = value
            self.daemon.write_config()
            status, output = self.daemon.run()
            self.assertEqual((1, True), (status, words in output), output)

    def test_stop_under_load(self):
        """Answered messages are in the index; clients without an answer know."""
        self.daemon.start()
        answered, ready = [], threading.Barrier(9)

        def smtpd(n):
            try:
                with self.client(timeout=60) as c:
                    for k in range(100000):
                        c.ask(instance="%x.1.1.%x" % (n, k), protocol_state="END-OF-MESSAGE", queue_id=queue_id(n * 100000 + k), recipient_count="1")
                        answered.append(queue_id(n * 100000 + k))
                        if k == 20:
                            ready.wait(60)
            except (mc.Closed, ConnectionError):
                pass
        threads = [threading.Thread(target=smtpd, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        ready.wait(60)
        self.assertEqual(0, self.daemon.stop())
        for t in threads:
            t.join()
        self.assertEqual(set(), set(answered) - set(self.daemon.messages()))

    def test_killed(self):
        self.daemon.start()
        with self.client() as c:
            self.assertEqual(["DUNNO", "DUNNO"], c.message(queue_id(1)))
            self.daemon.stop(signal.SIGKILL)
        self.assertIn(queue_id(1), self.daemon.messages())
        self.daemon.start()
        with self.client() as c:
            self.assertEqual(["DUNNO", "DUNNO"], c.message(queue_id(2)))

    def test_without(self):
        self.daemon.settings["policy_socket"] = ""
        self.daemon.write_config()
        self.daemon.start()
        self.assertNotIn("policy_requests", self.daemon.status())
        self.assertFalse(os.path.exists(self.path))
