# SPDX-License-Identifier: ISC
"""Ending a flood in progress: block, purge and sweep in one command, while the flooders stay connected and other
mail flows."""
import os
import select
import subprocess
import threading

from case import RigCase, both_ids_at_length
from pqpurge import preload
from rig import until
from smtp import Refused, content

BAD = "bad.example"


class Senders:
    """Threads, each with its connection, that send until they are stopped, whatever the answers."""

    def __init__(self, postfix, count, sender):
        self.accepted, self.refused, self.broken = [], [], []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(postfix, sender)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, postfix, sender):
        try:
            with postfix.smtp() as client:
                while not self.stopping.is_set():
                    self.one(client, sender)
        except (OSError, ConnectionError) as error:
            self.broken.append(error)

    def one(self, client, sender):
        try:
            self.accepted.append(client.message(sender, "u@dest.test", content("n@else.test")))
        except Refused as refused:
            self.refused.append(refused)
            client.command("RSET")

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)


@both_ids_at_length
class Flood(RigCase):
    def test_twenty_sessions_that_go_on(self):
        bad, good = Senders(self.postfix, 20, f"spam@{BAD}"), Senders(self.postfix, 4, "a@good.test")
        self.addCleanup(bad.stop)
        self.addCleanup(good.stop)
        until(lambda: len(bad.accepted) > 1000 and len(good.accepted) > 100, "a flood", 300)
        result = self.pq.idx("purge", "--block=1h", "--sweep", "-y", "--json", BAD)
        self.assertEqual(result.status, 0, result.err or result.out[-1000:])
        left = {i for i, file in self.postfix.read().items() if file.ready and file.sender.endswith("@" + BAD)}
        self.assertEqual(left, set(), "mail of the domain is still there when the command returns")
        answered = len(bad.refused)
        until(lambda: len(bad.refused) > answered + 200, "the flooders going on", 120)
        bad.stop()
        good.stop()
        self.assertEqual(bad.broken + good.broken, [])
        self.assertEqual({(r.code, r.text) for r in bad.refused}, {(550, "5.7.1 Not accepted by local policy")})
        self.assertEqual(good.refused, [])
        self.postfix.settled(len(good.accepted))
        self.assertEqual(self.postfix.ids(), set(good.accepted))
        self.assertEqual(result.with_result("deleted"), set(bad.accepted))
        self.assertEqual(result.summary["deleted"], len(bad.accepted))

    def test_late_end_of_message(self):
        """A message in flight while the domain is blocked and purged never arrives."""
        with self.postfix.smtp() as client:
            client.expect(2, client.mail(f"spam@{BAD}"))
            client.expect(2, client.rcpt("u@dest.test"))
            client.expect(3, client.command("DATA"))
            result = self.pq.idx("purge", "--block=1h", "--sweep", "-y", BAD)
            self.assertEqual(result.status, 0, result)
            self.assertEqual(client.finish(content())[0], 550)
        until(lambda: not self.postfix.ids(), "an empty queue")


class InFlight(RigCase):
    """Mail judged before the block may have no row yet when the block is in force: its thread hangs in the index."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.pq.start(preload("stall", PQPURGE_SHIM_DIR=self.pq.home, PQPURGE_SHIM_UNDER=self.pq.index))
        self.hang = os.path.join(self.pq.home, "hang")
        open(self.hang, "w", encoding="ascii").close()
        self.addCleanup(lambda: os.path.exists(self.hang) and os.unlink(self.hang))

    def start_purge(self):
        command = self.pq.idx_start("purge", "--block=1h", "--sweep", "-y", "--json", BAD, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        self.addCleanup(command.stdout.close)
        self.addCleanup(command.stderr.close)
        return command

    def test_is_waited_for(self):
        with self.postfix.smtp() as client:
            client.expect(2, client.mail(f"spam@{BAD}"))
            for number in range(100):  # too many for a slot (lib/index/pending), so its row is made before the answer
                client.expect(2, client.rcpt(f"u{number:060}@dest.test"))
            client.expect(3, client.command("DATA"))
            client.send(*content().split("\n"), ".")
            self.assertFalse(select.select([client.socket], [], [], 1)[0], "it does not wait: is the shim at work?")
            command = self.start_purge()
            self.assertIn(b"REJECT", command.stderr.readline())
            with self.assertRaises(subprocess.TimeoutExpired):
                command.wait(1)
            os.unlink(self.hang)
            self.assertEqual(client.reply()[0], 250, "it was judged before")
            out, err = command.communicate(timeout=60)
        self.assertEqual(command.returncode, 0, f"{out} {err} {self.pq.log()}")
        left = {i for i, file in self.postfix.read().items() if file.ready}
        self.assertEqual(left, set(), f"mail of the domain is still there when the command returns: {out} {self.pq.log()}")
