# SPDX-License-Identifier: ISC
"""The control protocol: its answers, and mail never waits, whatever its clients do."""
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time

import milter_client as mc
from daemon import DaemonCase, ask, receive, receive_line, sealed, until
from milter_client import queue_id

MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../milter/pqpurge-milter.8")


class Control(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()

    def message_is_quick(self, number):
        with self.daemon.client() as c:
            c.connect()
            began = time.monotonic()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(number))[0])
            self.assertLess(time.monotonic() - began, 10)

    @staticmethod
    def dropped(s):
        try:
            return s.recv(1) == b""
        except ConnectionResetError:
            return True

    @staticmethod
    def body(selector=""):
        """A body without a selector: a blob of no bytes."""
        return sealed(struct.pack("<I", len(selector)) + selector.encode())


class Answers(Control):
    def test_status(self):
        self.message_is_quick(1)
        status = self.daemon.status()
        self.assertEqual(self.daemon.process.pid, status["pid"])
        self.assertEqual([True, True, 0, 1, 1, True, ""],
                         [status[k] for k in ("ok", "recording", "lost", "recorded", "rows", "rules_saved", "queue_directory")])

    def test_manual_names_each_member_of_status(self):
        with open(MANUAL, encoding="utf-8") as f:
            told = set(re.findall(r"\w+", " ".join(re.findall(r"^\.It Li (.*)$", f.read(), re.M))))
        self.assertEqual(set(), set(self.daemon.status()) - told - {"ok"})

    def test_example_of_the_manual(self):
        """The manual's Python example, run unchanged except for the path."""
        with open(MANUAL, encoding="utf-8") as f:
            example = f.read().split("With Python", 1)[1].split(".Bd -literal -offset indent\n", 1)[1].split(".Ed", 1)[0]
        example = example.replace("\\e", "\\").replace("/run/pqpurge", self.daemon.index)
        done = subprocess.run([sys.executable, "-c", example], stdout=subprocess.PIPE, check=True)
        self.assertIn(b"'ok': True", done.stdout)
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.REPLY, c.mail("<a@bad.example>")[0])

    def test_half_closed_client(self):
        """As with `echo ... | socat - UNIX:...`: nothing more comes, and the client waits for the answer."""
        for what in (b'{"do":"status"}\n', b'{"do":"count"}\n', b'{"do":"settle"}\n'):
            with self.daemon.control() as s:
                s.sendall(what)
                s.shutdown(socket.SHUT_WR)
                self.assertTrue(receive(s)[0]["ok"])

    def test_several_requests_on_one_connection(self):
        with self.daemon.control() as s:
            for what in ("status", "rules", "count", "settle", "status"):
                self.assertTrue(ask(s, what)[0]["ok"], what)

    def test_requests_that_come_together(self):
        with self.daemon.control() as s:
            s.sendall(b"".join(json.dumps({"do": w}).encode() + b"\n" for w in ("rules", "status", "count", "settle")))
            answers = [receive(s)[0] for _ in range(4)]
        self.assertEqual([True] * 4, [a["ok"] for a in answers])
        self.assertEqual(["rules", "pid", "rows"], [k for k, a in zip(("rules", "pid", "rows"), answers) if k in a])

    def test_rule_is_in_force_when_the_answer_comes(self):
        for n in range(20):
            answer = self.daemon.ask("rule-set", pattern="bad%d.example" % n, action="REJECT")
            self.assertEqual([True, False, True], [answer[k] for k in ("ok", "was_there", "saved")])
            with self.daemon.client() as c:
                c.connect()
                self.assertEqual(mc.REPLY, c.mail("<a@bad%d.example>" % n)[0])
        self.assertEqual({"bad%d.example" % n for n in range(20)}, set(self.daemon.hits()))

    def test_rule_unset_of_what_is_not_there(self):
        answer = self.daemon.ask("rule-unset", pattern="nobody.example")
        self.assertEqual([True, False], [answer["ok"], answer["was_there"]])

    def test_rules_outlive_the_index_and_the_daemon(self):
        self.daemon.ask("rule-set", pattern="bad.example", action="REJECT")
        self.daemon.process.kill()
        self.daemon.process.wait()
        os.unlink(os.path.join(self.daemon.index, "index.mdb"))
        self.daemon.start()
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.REPLY, c.mail("<a@bad.example>")[0])

    def test_settle(self):
        """It waits for the messages at their end, and not for later ones."""
        with self.daemon.client() as c:
            c.connect()
            for n in range(200):
                self.assertEqual(mc.CONTINUE, c.message(queue_id(n))[0])
                if n % 50 == 0:
                    self.assertTrue(self.daemon.ask("settle")["ok"])
                    self.assertEqual(n + 1, self.daemon.status()["rows"])

    def test_reload(self):
        self.daemon.rules("new.example REJECT\n")
        self.assertTrue(self.daemon.ask("reload")["ok"])
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.REPLY, c.mail("<a@new.example>")[0])

    def test_select_and_names(self):
        for n in range(3):
            self.message_is_quick(n)
        with self.daemon.control() as s:
            body = self.body('{"all":true}')
            answer, rows = ask(s, "select", body)
            os.close(body)
            self.assertEqual([True, len(rows)], [answer["ok"], answer["bytes"]])
            self.assertEqual(3, struct.unpack("<Q", rows[:8])[0])
            for n in range(3):
                self.assertIn(queue_id(n).encode(), rows)
            answer, names = ask(s, "names")
        self.assertEqual([len(names), ""], [answer["bytes"], answer["queue_directory"]])
        self.assertEqual((0, 0, 3), struct.unpack("<QQQ", names[:24]))
        self.assertEqual(24 + 3 * 16, len(names))

    def test_working_is_said_first(self):
        with self.daemon.control() as s:
            s.sendall(b'{"do":"names"}\n')
            self.assertEqual(({"working": True}, None), receive_line(s))
            self.assertTrue(receive_line(s)[0]["ok"])


class Refusals(Control):
    def test_nonsense_gets_an_error(self):
        lines = [b"", b"{}", b"[]", b"null", b"what?", b'{"do":', b'{"do":1}', b'{"do":"dance"}', b'{"do":"rule-set"}',
                 b'{"do":"rule-set","pattern":"a b","action":"REJECT"}', b'{"do":"rule-unset"}', b'{"do":"select"}',
                 b'{"do":"update"}', b"\xff\xfe", b"\0", b'{"do":"status","do":"status"}', b"[" * 1000]
        with self.daemon.control() as s:
            for line in lines:
                s.sendall(line + b"\n")
                answer = receive(s)[0]
                self.assertTrue(answer["error"] and answer["text"], line)
                self.assertNotIn("ok", answer)
            self.assertTrue(ask(s, "status")[0]["ok"])
        self.message_is_quick(1)

    def test_bodies(self):
        """A body that is not sealed, no memory file, or invalid is refused; the daemon does not map it."""
        open_memory = os.memfd_create("open", os.MFD_ALLOW_SEALING)
        os.write(open_memory, b"\0\0\0\0")
        bodies = [open_memory, os.open("/dev/zero", os.O_RDONLY), os.open(self.daemon.config_file, os.O_RDONLY),
                  sealed(b""), sealed(b"\xff\xff\xff\xff"), sealed(b"\x05\0\0\0what?")]
        for n, body in enumerate(bodies):
            with self.daemon.control() as s:
                answer = ask(s, "select", body)[0]
                self.assertIn("error", answer, n)
            os.close(body)
        self.assertEqual(True, self.daemon.status()["recording"])

    def test_descriptors_do_not_pile_up(self):
        def files():
            return len(os.listdir("/proc/%d/fd" % self.daemon.process.pid))
        self.daemon.status()
        before = files()
        for n in range(60):
            with self.daemon.control() as s:
                body = self.body()
                try:  # with a request that takes none, with half a line, more than one
                    socket.send_fds(s, [[b'{"do":"status"}\n', b'{"do":', b'{"do":"names"}\n'][n % 3]], [body] * (1 + n % 2))
                    if n % 3 != 1:
                        s.recv(1)
                except (ConnectionError, OSError):
                    pass
                os.close(body)
        self.assertTrue(until(lambda: files() <= before), files())

    def test_line_past_the_limit(self):
        with self.daemon.control() as s:
            try:
                s.sendall(b" " * (64 << 10) + b"x")
            except ConnectionError:
                pass
            self.assertTrue(self.dropped(s))
        self.message_is_quick(1)

    def test_strangers_are_turned_away(self):
        """The directory is closed to them. Even past that, only root and the owner are served."""
        os.chmod(self.daemon.index, 0o755)
        os.chmod(os.path.join(self.daemon.index, "control.sock"), 0o666)
        script = ("import socket,sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                  "try:\n s.sendall(b'{\"do\":\"status\"}\\n')\n print(len(s.recv(1)))\n"
                  "except (BrokenPipeError, ConnectionResetError):\n print(0)\n")
        done = subprocess.run([sys.executable, "-c", script, os.path.join(self.daemon.index, "control.sock")],
                              user="daemon", group="daemon", extra_groups=[], stdout=subprocess.PIPE)
        self.assertEqual(b"0\n", done.stdout)
        self.assertTrue(self.daemon.status()["recording"])


class Patience(Control):
    def test_clients_that_stop(self):
        """Half a line, no reading, silence: each is dropped in time, and others are served meanwhile."""
        stopped = []
        for n in range(15):
            s = self.daemon.control()
            if n % 3 == 0:
                s.sendall(b'{"do":"sta')
            elif n % 3 == 1:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                s.sendall(b'{"do":"names"}\n')
            stopped.append(s)
        self.message_is_quick(1)
        self.assertTrue(self.daemon.status()["recording"])
        for s in stopped[::3]:
            s.settimeout(15)
            self.assertTrue(self.dropped(s))
        for s in stopped:
            s.close()

    def test_client_that_never_reads(self):
        """Unread answers are not kept: at some answer its buffer is full, and it is dropped."""
        with self.daemon.control() as s:
            s.settimeout(10)
            with self.assertRaises(OSError):
                for _ in range(100000):
                    s.sendall(b'{"do":"status"}\n')
        self.message_is_quick(1)

    def test_client_that_goes_before_its_answer(self):
        for _ in range(50):
            with self.daemon.control() as s:
                s.sendall(b'{"do":"names"}\n')
        self.assertTrue(until(lambda: self.daemon.status()["recording"]))
        self.message_is_quick(1)

    def test_more_clients_than_places(self):
        crowd = [self.daemon.control() for _ in range(16)]
        self.message_is_quick(1)
        for s in crowd:
            s.close()
        self.assertTrue(until(lambda: self.daemon.status()["recording"]))

    def test_socket_comes_back(self):
        path = os.path.join(self.daemon.index, "control.sock")
        os.unlink(path)
        self.assertTrue(until(lambda: os.path.exists(path)))

        def answers():
            try:
                return self.daemon.status()["recording"]
            except ConnectionRefusedError:  # bound, and not listened on yet
                return False
        self.assertTrue(until(answers))


class Disk(DaemonCase):
    """The disk of state_directory hangs: rules wait for it, nothing else does."""

    def test_state_directory_hangs(self):
        self.daemon.start(shim=True)
        self.daemon.shim("hang")
        try:
            with self.daemon.control() as waiting:
                waiting.sendall(b'{"do":"rule-set","pattern":"bad.example","action":"REJECT"}\n')
                with self.daemon.client() as c:
                    c.connect()
                    self.assertTrue(until(lambda: c.mail("<a@bad.example>")[0] == mc.REPLY), "in force at once")
                    for n in range(50):
                        began = time.monotonic()
                        self.assertEqual(mc.CONTINUE, c.message(queue_id(n))[0])
                        self.assertLess(time.monotonic() - began, 10)
                began = time.monotonic()
                self.assertEqual(50, self.daemon.status()["rows"])
                self.assertEqual(50, self.daemon.ask("count")["rows"])
                self.assertLess(time.monotonic() - began, 10)
                self.daemon.shim("hang", False)
                self.assertTrue(receive(waiting)[0]["saved"])
        finally:
            if os.path.exists(os.path.join(self.daemon.shim_dir, "hang")):
                self.daemon.shim("hang", False)
