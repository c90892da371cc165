# SPDX-License-Identifier: ISC
"""Ending a flood that goes on: block, purge and sweep in one command, while the flooders stay and other mail flows."""
import os
import select
import subprocess
import threading

from case import RigCase, both_ids
from pqpurge import BUILD
from rig import until
from smtp import Refused, content

BAD = "bad.example"


class Senders:
    """Threads with a connection each that send until told to stop, whatever they are answered."""

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


@both_ids
class Flood(RigCase):
    def test_twenty_sessions_that_go_on(self):
        bad, good = Senders(self.postfix, 20, f"spam@{BAD}"), Senders(self.postfix, 4, "a@good.test")
        self.addCleanup(bad.stop)
        self.addCleanup(good.stop)
        until(lambda: len(bad.accepted) > 1000 and len(good.accepted) > 100, "a flood", 60)
        result = self.pq.idx("purge", "--block=1h", "--sweep", "-y", "--json", BAD)
        self.assertEqual(result.status, 0, result.err or result.out[-1000:])
        left = {i for i, file in self.postfix.read().items() if file.ready and file.sender.endswith("@" + BAD)}
        self.assertEqual(left, set(), "mail of the domain is still there when the command returns")
        answered = len(bad.refused)
        until(lambda: len(bad.refused) > answered + 200, "the flooders going on")
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


class SlowDisk(RigCase):
    """Commits take their time: what was judged before the block has no row yet when the block is in force."""

    starts_daemon = False
    settings = {"commit_timeout": "60s"}

    def setUp(self):
        super().setUp()
        self.shim = os.path.join(self.pq.home, "shim")
        os.mkdir(self.shim)
        self.pq.start({"LD_PRELOAD": os.path.join(BUILD, "shim/stall.so"), "PQPURGE_SHIM_DIR": self.shim})

    def disk(self, what, on=True):
        path = os.path.join(self.shim, what)
        if on:
            open(path, "w", encoding="ascii").close()
        else:
            os.unlink(path)

    def asked(self):
        """Whether a command has reached the daemon."""
        with open("/proc/net/unix", encoding="ascii", errors="replace") as file:
            rows = [line.split() for line in file]
        return any(row[-1] == os.path.join(self.pq.index, "control.sock") and row[5] == "03" for row in rows)

    def start_purge(self, domain):
        command = self.pq.idx_start("purge", "--block=1h", "--sweep", "-y", "--json", domain, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        self.addCleanup(command.stdout.close)
        self.addCleanup(command.stderr.close)
        return command

    def caught(self, client, domain):
        """Blocks, purges and sweeps while a message ends. Whether it was judged before the rule and still waited for the disk
        when the rule was in force; if so, no trace of it may be left."""
        client.expect(2, client.mail(f"spam@{domain}"))
        client.expect(2, client.rcpt("u@dest.test"))
        client.expect(3, client.command("DATA"))
        self.disk("delay")
        command = self.start_purge(domain)
        until(self.asked, "the command at the daemon")
        client.send(*content().split("\n"), ".")
        self.assertIn(b"REJECT", command.stderr.readline())
        self.disk("hang")
        self.disk("delay", False)
        waits = not select.select([client.socket], [], [], 0.3)[0]
        until(lambda: command.poll() is not None or not waits or self.asked(), "the command waiting for what is in flight")
        self.disk("hang", False)
        out, err = command.communicate(timeout=60)
        accepted = client.reply()[0] == 250
        self.assertEqual(command.returncode, 0, f"{out} {err} {self.pq.log()}")
        left = {i for i, file in self.postfix.read().items() if file.ready}
        self.assertEqual(left, set(), f"mail of the domain is still there when the command returns: {out} {self.pq.log()}")
        return waits and accepted

    def test_judged_while_the_rule_is_saved(self):
        with self.postfix.smtp() as client:
            self.assertTrue(any(self.caught(client, f"turn{turn}.{BAD}") for turn in range(20)), "no message came in time")
