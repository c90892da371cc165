# SPDX-License-Identifier: ISC
"""Two instances of Postfix, made, listed and started by postmulti(1), each with a configuration, a daemon and an
index."""
import os
import shutil
import subprocess
import unittest

from case import BAD
from pqpurge import Pqpurge, wire
from rig import PrivatePostfix, until
from smtp import content

NAME = "postfix-out"
# postmulti accepts only /etc/postfix as the first instance, so the rig's directory is mounted there for it.
IN_PLACE = 'mount --bind "$1" /etc/postfix && shift && exec "$@"'
SECOND = f"multi_instance_name = {NAME}\nmulti_instance_group = mta\nmulti_instance_enable = yes\n"


class Postmulti(unittest.TestCase):
    def setUp(self):
        self.first = PrivatePostfix()
        self.addCleanup(self.first.close)
        self.second = PrivatePostfix(main=SECOND)
        self.addCleanup(self.second.close)
        wire(self.first)
        wire(self.second)
        self.first.configure()
        for name in ("main.cf.proto", "master.cf.proto"):
            shutil.copy(os.path.join("/etc/postfix", name), self.first.etc)
        self.make_instances()
        self.start()
        self.pqs = [Pqpurge(postfix) for postfix in (self.first, self.second)]
        for pq in self.pqs:
            self.addCleanup(pq.kill9)
            pq.start()

    def postmulti(self, *words):
        done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", IN_PLACE, "sh", self.first.etc, "postmulti",
                               *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"postmulti {words}: {done.stdout}{done.stderr}")
        return done.stdout

    def make_instances(self):
        place = self.second.directory
        self.postmulti("-e", "init")
        self.postmulti("-I", NAME, "-G", "mta", "-e", "create", f"config_directory={place}/etc",
                       f"queue_directory={place}/spool", f"data_directory={place}/data")
        listed = [line.split() for line in self.postmulti("-l").splitlines()]
        self.assertEqual([(words[0], words[-1]) for words in listed], [("-", "/etc/postfix"), (NAME, self.second.etc)])
        self.second.configure()  # our configuration in place of the shipped one
        # For cleaning up, the rig stops each instance alone, which postmulti's wrapper would refuse.
        self.first.set(multi_instance_wrapper="")

    def start(self):
        self.first.running = self.second.running = True
        self.postmulti("-p", "start")
        for postfix in (self.first, self.second):
            until(postfix.answers, "smtpd's banner")
        self.assertEqual({line.split()[0] for line in self.postmulti("-l").splitlines()}, {"-", NAME})

    def send(self, postfix, count):
        with postfix.smtp() as client:
            sent = {client.message(f"a@{BAD}", "u@dest.test", content()) for _ in range(count)}
        postfix.settled(count)
        return sent

    def test_each_has_its_own(self):
        sent = [self.send(self.first, 5), self.send(self.second, 7)]
        for pq, ids in zip(self.pqs, sent, strict=True):
            self.assertEqual(set(pq.listed(BAD)), ids)
            told = pq.idx("status", "--json").lines[0]["status"]
            self.assertEqual([f for f in told["findings"] if f["level"] == "fault"], [])
        done = self.pqs[1].idx("purge", "-y", "--json", BAD)
        self.assertEqual((done.status, done.with_result("deleted")), (0, sent[1]), done)
        self.assertEqual((self.first.ids(), self.second.ids()), (sent[0], set()))
        self.pqs[1].idx("block", "-y", BAD)
        with self.first.smtp() as first, self.second.smtp() as second:
            self.assertEqual((first.mail(f"a@{BAD}")[0], second.mail(f"a@{BAD}")[0]), (250, 550))
