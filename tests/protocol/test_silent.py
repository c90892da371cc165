# SPDX-License-Identifier: ISC
"""Clients that keep their connection open and say nothing after a message. Its row is made when they go on, so whoever
asks before, and whatever kills the daemon, finds it all the same."""
import contextlib
import os

import milter_client as mc
from daemon import DaemonCase
from milter_client import queue_id

SLOTS = 64  # lib/index/pending/slots.h


class Silent(DaemonCase):
    def setUp(self):
        super().setUp()
        self.clients = contextlib.ExitStack()
        self.addCleanup(self.clients.close)

    def send(self, number, **more):
        """A message by a client that then is silent."""
        client = self.clients.enter_context(self.daemon.client())
        client.connect()
        answer = client.message(queue_id(number), headers=[("From", " Ann <ann@one.example>,\n Bob <bob@two.example>")], **more)
        self.assertEqual(mc.CONTINUE, answer[0])
        return client

    def kill(self):
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.daemon.process = None

    def assert_recorded(self, count):
        messages = self.daemon.messages()
        self.assertEqual({queue_id(n) for n in range(count)}, set(messages))
        for message in messages.values():
            self.assertEqual(["ann@one.example", "bob@two.example"], message["from"])

    def test_found(self):
        self.daemon.start()
        for number in range(3):
            self.send(number)
        self.assert_recorded(3)
        self.assertEqual([3, 3, 0], [self.daemon.status()[k] for k in ("recorded", "rows", "lost")])

    def test_killed(self):
        """By a command while no daemon runs, and by the next daemon."""
        self.daemon.start()
        self.send(0)
        self.send(1)
        self.kill()
        self.assert_recorded(2)
        self.daemon.start()
        self.send(2)
        self.kill()
        self.daemon.start()
        self.assert_recorded(3)
        self.assertNotIn("set aside", self.daemon.log)

    def test_more_than_slots(self):
        self.daemon.start()
        for number in range(2 * SLOTS):
            self.send(number)
        self.kill()
        self.assert_recorded(2 * SLOTS)

    def test_stopped(self):
        self.daemon.start()
        self.send(0)
        self.assertEqual(0, self.daemon.stop())
        self.assertFalse(os.path.exists(os.path.join(self.daemon.index, "pending")))
        self.assert_recorded(1)

    def test_flood_is_seen(self):
        """Nobody asks, and no client goes on."""
        with open(self.daemon.config_file, "a", encoding="ascii") as f:
            f.write('flood_watch = warn\nflood login {\n count = {"5/10m", "500/1h", "600/1d"}\n}\n')
        self.daemon.start()
        for number in range(6):
            self.send(number, login="joe")
        self.daemon.wait_log("flood 1 begins: login joe: 6 recipients")

    def test_file_of_another(self):
        """What a killed daemon left is set aside if it cannot be read; the index stays."""
        self.daemon.start()
        self.send(0)
        self.assert_recorded(1)
        self.kill()
        path = os.path.join(self.daemon.index, "pending")
        with open(path, "wb") as f:
            f.write(b"x" * SLOTS * 4096)
        self.daemon.start()
        self.assertTrue(os.path.exists(path + ".bad"))
        self.assertIn("set aside", self.daemon.log)
        self.send(1)
        self.assert_recorded(2)
