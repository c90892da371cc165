# SPDX-License-Identifier: ISC
"""postsuper always exits 0. With false ones in its place the report is still true."""
import os
import signal
import stat

from case import BAD, RigCase, both_ids
from pqpurge import preload
from rig import COMMANDS, catch

SILENT = "cat >/dev/null"
LYING = "while read -r id; do echo \"postsuper: $id: removed\" >&2; done; echo 'postsuper: Deleted: 9 messages' >&2"
DYING = f"head -n 2 | {COMMANDS}/postsuper \"$@\"; cat >/dev/null; kill -KILL $$"
FATAL = "echo 'postsuper: fatal: out of everything' >&2; exit 1"
HANGING = "printf x >>{leaps}; trap '' INT; exec sleep 600"


class FalsePostsuper(RigCase):
    def setUp(self):
        super().setUp()
        self.commands = os.path.join(self.pq.home, "commands")
        os.mkdir(self.commands)
        for name in os.listdir(COMMANDS):
            if name.startswith("post") and name != "postsuper":
                os.symlink(os.path.join(COMMANDS, name), os.path.join(self.commands, name))
        self.postfix.set(command_directory=self.commands)
        self.addCleanup(lambda: self.postfix.set(command_directory=COMMANDS))
        self.sent = set(self.send_many("a@example.com", 5))
        self.postfix.settled(5)

    def install(self, script):
        path = os.path.join(self.commands, "postsuper")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, stat.S_IRWXU | 0o055)

    def test_silent(self):
        self.install(SILENT)
        result = self.purge(BAD, status=2)
        self.assertEqual(result.with_result("failed"), self.sent)
        self.assertEqual((result.summary["deleted"], result.summary["failed"]), (0, 5))
        self.assertEqual(self.postfix.ids(), self.sent)

    def test_lying(self):
        self.install(LYING)
        result = self.purge(BAD, status=2)
        self.assertEqual(result.with_result("failed"), self.sent)
        self.assertEqual((result.summary["deleted"], result.summary["failed"]), (0, 5))

    def test_dying(self):
        """It deletes two and is killed; it is started again for the rest."""
        self.install(DYING)
        self.assert_purged(self.sent, BAD)

    def test_dying_at_once(self):
        self.install("kill -KILL $$")
        result = self.purge(BAD, status=2)
        self.assertEqual((result.with_result("failed"), self.postfix.ids()), (self.sent, self.sent))

    def test_fatal(self):
        self.install(FATAL)
        text = self.pq.idx("purge", "-y", BAD)
        self.assertEqual(text.status, 2, text)
        self.assertIn("out of everything", text.out + text.err)
        self.assertEqual(self.postfix.ids(), self.sent)

    def test_missing(self):
        result = self.pq.idx("purge", "-y", BAD)
        self.assertIn(result.status, (1, 2), result)
        self.assertEqual(self.postfix.ids(), self.sent)

    def test_hanging(self):
        """It is given up after a minute of silence, which is reported; nothing waits for it for ever."""
        leaps = os.path.join(self.pq.home, "leaps")
        self.install(HANGING.format(leaps=leaps))
        result = self.purge(BAD, status=2, env={**os.environ, **preload("clock", PQPURGE_CLOCK_LEAPS=leaps)})
        self.assertEqual(result.with_result("failed"), self.sent)
        self.assertIn("silent for too long", result.out)

    def test_works_again(self):
        os.symlink(os.path.join(COMMANDS, "postsuper"), os.path.join(self.commands, "postsuper"))
        self.assert_purged(self.sent, BAD)


@both_ids
class Interrupted(RigCase):
    settings = {"postsuper_jobs": 1}

    def interrupt(self, verb, begun):
        """^C once something was done; returns the command's output, and its batch in `log`."""
        child = self.pq.idx_start(verb, "-y", "--json", BAD, stdout=open(self.pq.home + "/out", "wb"))
        catch(begun, child)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(60), 3)
        with open(self.pq.home + "/out", encoding="utf-8") as file:
            return file.read(), self.pq.idx("log", "--json").lines[-1]

    def test_interrupt_tells_what_was_done(self):
        """^C between chunks: exit 3, the rest untouched; the report is true, and can be undone."""
        before = self.queue_many("a@example.com", 3000)

        _, batch = self.interrupt("hold", lambda: len(self.held()) > 10)
        held = self.held()
        self.assertLess(len(held), 3000, "there was nothing to interrupt")
        self.assertEqual((batch["state"], batch["matched"], batch["done"]), ("unfinished", 3000, len(held)), batch)
        self.assertNotIn("running", batch)
        undone = self.pq.idx("undo", "-y", "--json", str(batch["batch"]))
        self.assertEqual((undone.status, undone.with_result("released"), self.held()), (0, held, set()), undone.err)
        self.assertEqual(self.pq.idx("log", "--json").lines[0]["state"], "undone")

        text, batch = self.interrupt("purge", lambda: len(self.postfix.ids()) < 2990)
        left = self.postfix.ids()
        self.assertTrue(left, "there was nothing to interrupt")
        # A postsuper that works on for 10 s after ^C is killed, perhaps between a deletion and its word about it.
        self.assertLessEqual(batch["gone"], 1, batch)
        self.assertEqual(text.count('"deleted"') - 1 + batch["gone"], len(before - left), text[-500:])
        self.assertEqual((batch["state"], batch["matched"], batch["done"] + batch["gone"]),
                         ("unfinished", 3000, len(before - left)), batch)
