# SPDX-License-Identifier: ISC
"""The control socket: whatever its clients do, mail is not kept waiting."""
import os
import socket
import struct
import subprocess
import sys
import time

import milter_client as mc
from daemon import DaemonCase, parse_status, status_request, take, until
from milter_client import queue_id


class Control(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()

    def message_is_quick(self, number):
        with self.daemon.client() as c:
            c.connect()
            began = time.monotonic()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(number))[0])
            self.assertLess(time.monotonic() - began, 2)

    def test_status(self):
        self.message_is_quick(1)
        status = self.daemon.status()
        self.assertEqual(str(self.daemon.process.pid), status["pid"])
        self.assertEqual(["yes", "0", "1", "yes"],
                         [status[k] for k in ("recording", "lost", "recorded", "rules_saved")])

    def test_several_requests_on_one_connection(self):
        with self.daemon.control() as s:
            for _ in range(5):
                s.sendall(status_request())
                length, = struct.unpack("<I", take(s, 4))
                self.assertEqual("yes", parse_status(take(s, length))["recording"])

    def test_rule_unset_of_what_is_not_there(self):
        subject = b"nobody.example\0"
        payload = struct.pack("<HHI", 1, 7, len(subject)) + subject
        with self.daemon.control() as s:
            s.sendall(struct.pack("<I", len(payload)) + payload)
            length, = struct.unpack("<I", take(s, 4))
            _, code, value, saved = struct.unpack("<HiQB", take(s, length)[:15])
        self.assertEqual((0, 0, 1), (code, value, saved))

    def test_nonsense_gets_an_error(self):
        for payload in (b"", b"\0", struct.pack("<HH", 1, 99), struct.pack("<HH", 9, 1), struct.pack("<HHI", 1, 6, 7)):
            with self.daemon.control() as s:
                s.sendall(struct.pack("<I", len(payload)) + payload)
                length, = struct.unpack("<I", take(s, 4))
                code, = struct.unpack("<i", take(s, length)[2:6])
                self.assertLess(code, 0, payload)
        self.message_is_quick(1)

    def test_frame_past_the_limit(self):
        with self.daemon.control() as s:
            s.sendall(struct.pack("<I", (4 << 20) + 1) + b"x")
            self.assertTrue(self.dropped(s))

    @staticmethod
    def dropped(s):
        try:
            return s.recv(1) == b""
        except ConnectionResetError:
            return True

    def test_strangers_are_turned_away(self):
        """The directory is 0700; even past that, only root and the owner are heard."""
        os.chmod(self.daemon.index, 0o755)
        os.chmod(os.path.join(self.daemon.index, "control.sock"), 0o666)
        script = ("import socket,sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                  "try:\n s.sendall(bytes.fromhex(sys.argv[2]))\n print(len(s.recv(1)))\n"
                  "except (BrokenPipeError, ConnectionResetError):\n print(0)\n")
        done = subprocess.run([sys.executable, "-c", script, os.path.join(self.daemon.index, "control.sock"),
                               status_request().hex()], user="daemon", group="daemon", extra_groups=[],
                              stdout=subprocess.PIPE)
        self.assertEqual(b"0\n", done.stdout)
        self.assertEqual("yes", self.daemon.status()["recording"])

    def test_clients_that_stop(self):
        """Half a frame, no reading, silence: each is dropped in time, and others are served meanwhile."""
        stopped = []
        for n in range(15):
            s = self.daemon.control()
            if n % 3 == 0:
                s.sendall(struct.pack("<I", 1000) + b"half")
            elif n % 3 == 1:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                s.sendall(status_request())
            stopped.append(s)
        self.message_is_quick(1)
        self.assertEqual("yes", self.daemon.status()["recording"])
        for s in stopped[::3]:
            s.settimeout(15)
            self.assertTrue(self.dropped(s))
        for s in stopped:
            s.close()

    def test_more_clients_than_places(self):
        crowd = [self.daemon.control() for _ in range(16)]
        self.message_is_quick(1)
        for s in crowd:
            s.close()
        self.assertTrue(until(lambda: self.daemon.status()["recording"] == "yes"))

    def test_socket_comes_back(self):
        path = os.path.join(self.daemon.index, "control.sock")
        os.unlink(path)
        self.assertTrue(until(lambda: os.path.exists(path)))
        self.assertEqual("yes", self.daemon.status()["recording"])
