# SPDX-License-Identifier: ISC
"""The same protocol by another implementation: OpenDKIM's miltertest."""
import os
import subprocess

from daemon import HERE, MILTERTEST, DaemonCase


class Miltertest(DaemonCase):
    def test_session(self):
        self.daemon.rules("refused.example REJECT\n")
        self.daemon.start()
        done = subprocess.run([MILTERTEST, "-w", "-D", "SOCKET=unix:" + self.daemon.socket, "-s",
                               os.path.join(HERE, "session.lua")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=60)
        self.assertEqual((0, b""), (done.returncode, done.stdout))
        got = self.daemon.messages()
        self.assertEqual(["AAAAA1001", "AAAAA1002", "AAAAA1004"], sorted(got))
        self.assertEqual(["three@lua.example", ["ann@header.example"], "<AAAAA1004@lua>"],
                         [got["AAAAA1004"][k] for k in ("sender", "from", "message_id")])
