# SPDX-License-Identifier: ISC
"""The rig itself, without our programs: what it says of a queue is what Postfix says, and it cleans up however it ends."""
import os
import subprocess
import sys
import unittest

import spool
from rig import HERE, PrivatePostfix, until
from smtp import content

CHILD = """
import os, sys
sys.path.insert(0, sys.argv[1])
from rig import PrivatePostfix
with PrivatePostfix() as postfix:
    print(postfix.directory, postfix.memory, postfix.master_pid(), flush=True)
    os.kill(os.getpid(), int(sys.argv[2]))
    input()
"""


class Reading(unittest.TestCase):
    def check(self, long_ids):
        with PrivatePostfix(long_ids=long_ids) as postfix:
            with postfix.smtp() as client:
                client.xclient(ADDR="192.0.2.7", LOGIN="joe")
                first = client.message("a@B.test", ["x@y.test", "z@y.test"], content("G: c@d.test, \"e, f\" <g@h.test>;"))
            postfix.sendmail("", ["x@y.test"], content())
            postfix.settled(2)
            ours, theirs = postfix.read(), {line["queue_id"]: line for line in postfix.queue()}
            self.assertEqual(set(ours), set(theirs))
            for queue_id, file in ours.items():
                line = theirs[queue_id]
                self.assertEqual((file.sender or "MAILER-DAEMON", file.size, int(file.arrival), file.recipients),
                                 (line["sender"], line["message_size"], line["arrival_time"],
                                  [r["address"] for r in line["recipients"]]))
            file = ours[first]
            self.assertEqual(len(first) < 13, not long_ids)
            self.assertEqual(file.from_addresses, ["c@d.test", "g@h.test"])
            self.assertEqual(file.author_domains, {"b.test", "d.test", "h.test"})
            self.assertEqual((file.attributes["sasl_username"], file.attributes["client_address"]), ("joe", "192.0.2.7"))

    def test_short_ids(self):
        self.check(False)

    def test_long_ids(self):
        self.check(True)

    def test_records_follow_pointers(self):
        data = b"S\x01a" + b"p\x0210" + b"X\x01b" + b"N\x01c" + b"E\x00"
        self.assertEqual(list(spool.records(data)), [("S", b"a"), ("N", b"c"), ("E", b"")])


class Ending(unittest.TestCase):
    def check(self, number):
        with subprocess.Popen([sys.executable, "-c", CHILD, HERE, str(number)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            *directories, pid = child.stdout.readline().split()
            child.wait(60)
            until(lambda: not any(map(os.path.exists, directories)), "the end of the rig's directories")
            until(lambda: not os.path.exists(f"/proc/{pid}"), "master's end")

    def test_interrupt(self):
        self.check(2)

    def test_kill_9(self):
        self.check(9)

    def test_terminate(self):
        self.check(15)
