# SPDX-License-Identifier: ISC
"""Input that no MTA sends: the daemon lives on and serves the next session."""
import os
import socket
import struct
import threading

import milter_client as mc
from daemon import SANITIZED, DaemonCase
from milter_client import queue_id


class Abuse(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()

    def tearDown(self):
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(999999))[0])
        self.assertIn(queue_id(999999), self.daemon.messages())
        super().tearDown()

    def test_port_probe(self):
        for _ in range(20):
            self.daemon.client(negotiate=False).close()

    def test_closed_after_negotiation(self):
        self.daemon.client().close()

    def test_end_of_file_inside_a_packet(self):
        for part in (b"\0", b"\0\0\0\x20", b"\0\0\0\x20M<a@b"):
            with self.daemon.client() as c:
                c.connect()
                c.socket.sendall(part)

    def test_dropped_in_the_middle(self):
        for stage in range(4):
            with self.daemon.client() as c:
                c.connect()
                c.mail()
                if stage > 0:
                    c.rcpt()
                if stage > 1:
                    c.header("From", "a@b.example")
                if stage > 2:
                    c.macros(b"E", i=queue_id(stage))
        self.assertEqual({}, self.daemon.messages())

    def test_packet_past_the_limit(self):
        with self.daemon.client() as c:
            c.connect()
            c.socket.sendall(struct.pack(">I", 0x7FFFFFFF) + b"L")
            self.assertRaises(mc.Closed, c.receive)

    def test_garbage(self):
        with self.daemon.client(negotiate=False) as c:
            c.socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertRaises(mc.Closed, c.receive)

    def test_end_without_mail(self):
        with self.daemon.client() as c:
            c.connect()
            c.macros(b"E", i=queue_id(1))
            c.send(b"E")
            c.silent()
        self.assertEqual({}, self.daemon.messages())

    def processor_time(self):
        with open("/proc/%d/stat" % self.daemon.process.pid, encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_megabytes_of_from(self):
        """10 MB of header From: one international mailbox again and again, two by turns, or new ones. The cost is that of
        reading them, not of looking each up."""
        self.daemon.rules("bad.example REJECT\n")
        for first in ("x@b\u00fccher.example, ", "x@b\u00fccher.example, y@b\u00e4cher.example, ", None):
            with self.daemon.client() as c:
                c.connect()
                c.mail()
                c.rcpt()
                before = self.processor_time()
                for part in range(200):
                    names = first * (50000 // len(first)) if first else "".join("x@b\u00fc%d.example, " % n for n in range(part * 2500, part * 2500 + 2500))
                    c.header("From", names + "z@ok.example")
                self.assertEqual(mc.CONTINUE, c.end(queue_id(5))[0])
                self.assertLess(self.processor_time() - before, 30 if SANITIZED else 3, first)

    def test_recipient_before_mail(self):
        with self.daemon.client() as c:
            c.connect()
            c.rcpt("<early@x.example>")
            c.silent()

    def test_header_packet_without_value(self):
        with self.daemon.client() as c:
            c.connect()
            c.mail()
            c.rcpt()
            c.send(b"L", b"From\0")
            c.silent()

    def test_unknown_family(self):
        with self.daemon.client() as c:
            c.send(b"C", b"somewhere\0U")
            self.assertEqual(mc.CONTINUE, c.message(queue_id(1))[0])
        self.assertEqual("", self.daemon.messages()[queue_id(1)]["client"])

    def test_two_hundred_sessions_at_once(self):
        failures = []

        def session(n):
            try:
                with self.daemon.client(timeout=60) as c:
                    c.connect(port=1000 + n)
                    for k in range(5):
                        number = n * 5 + k
                        answer = c.message(queue_id(number), "<u%d@d%d.example>" % (number, n), ["<r%d@x.example>" % number])
                        if answer[0] != mc.CONTINUE:
                            failures.append((number, answer))
            except (OSError, mc.Closed, AssertionError) as e:
                failures.append((n, repr(e)))

        threads = [threading.Thread(target=session, args=(n,)) for n in range(200)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([], failures)
        got = self.daemon.messages()
        self.assertEqual(1000, len(got))
        for number in range(1000):
            m = got[queue_id(number)]
            self.assertEqual(("u%d@d%d.example" % (number, number // 5), ["r%d@x.example" % number], 1000 + number // 5),
                             (m["sender"], m["recipients"], m["client_port"]))

    def test_idle_sessions_do_not_hinder(self):
        idle = []
        for _ in range(300):
            c = self.daemon.client()
            c.connect()
            idle.append(c)
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(1))[0])
        for c in idle:
            c.close()


class Reset(DaemonCase):
    def test_connection_reset(self):
        """Closed with unread data: the daemon gets ECONNRESET, not end of file."""
        self.daemon.settings["socket"] = "inet:%d@127.0.0.1" % self.port()
        self.daemon.write_config()
        self.daemon.start()
        port = int(self.daemon.settings["socket"].split(":")[1].split("@")[0])
        for _ in range(5):
            s = socket.create_connection(("127.0.0.1", port))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.sendall(struct.pack(">I", 13) + b"O" + struct.pack(">III", 6, mc.ACTIONS, mc.STEPS))
            s.close()
        self.assertTrue(self.daemon.status()["recording"])

    @staticmethod
    def port():
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]
