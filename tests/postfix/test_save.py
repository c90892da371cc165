# SPDX-License-Identifier: ISC
"""purge --save: each message as it is, in a directory that nobody else can write."""
import os
import pwd
import subprocess
import tempfile

from case import BAD, RigCase, both_ids_at_length
from smtp import content


@both_ids_at_length
class Save(RigCase):
    settings = {"record_subject": True}

    def directory(self, mode=0o700, owner="postfix"):
        path = tempfile.mkdtemp(prefix="save.", dir=self.postfix.directory)
        os.chown(path, pwd.getpwnam(owner).pw_uid, -1)
        os.chmod(path, mode)
        return path

    def test_each_message_as_it_is(self):
        texts = ["From: a@example.com\nSubject: one\n\nHello\n", "From: a@example.com\n\n" + "x" * 5000 + "\n.dot\n",
                 "From: a@example.com\nSubject: none\n\n", content("a@example.com", body="\u00e4\u00f6\n" * 3000)]
        ours = [self.send("a@example.com", text=text) for text in texts]
        other = self.send("a@good.test")
        self.postfix.settled(5)
        files = self.postfix.read()
        contents = {i: self.postcat(i) for i in ours}
        target = os.path.join(self.postfix.directory, f"new.{self.id()}")
        result = self.purge("--save", target, BAD)
        self.assertEqual(result.with_result("deleted"), set(ours))
        self.assertEqual(self.postfix.ids(), {other})
        self.assertEqual(set(os.listdir(target)), {i + ".eml" for i in ours})
        self.assertEqual(os.stat(target).st_mode & 0o7777, 0o700)
        for queue_id in ours:
            path = os.path.join(target, queue_id + ".eml")
            status = os.stat(path)
            self.assertEqual(status.st_mode & 0o7777, 0o600)
            self.assertEqual(pwd.getpwuid(status.st_uid).pw_name, "postfix")
            self.assertAlmostEqual(status.st_mtime, files[queue_id].arrival, places=3)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), contents[queue_id])

    def postcat(self, queue_id):
        """Header and body as shown by Postfix's own tool."""
        words = ["/usr/sbin/postcat", "-c", self.postfix.etc, "-hbq", queue_id]
        return subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout

    def test_a_full_disk_deletes_nothing(self):
        ours = set(self.send_many("a@example.com", 20, text=content("a@example.com", body="x" * 70 + "\n" * 2000)))
        self.postfix.settled(20)
        target = self.directory()
        small = ["mount", "-t", "tmpfs", "-o", f"size=20k,uid={pwd.getpwnam('postfix').pw_uid},mode=700", "none", target]
        if subprocess.run(small, stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", target], check=True)
        result = self.purge("--save", target, BAD, status=2)
        self.assertEqual(self.postfix.ids(), ours, result)
        self.assertEqual(result.with_result("failed"), ours)
        self.assertEqual(result.summary["deleted"], 0)
        self.assertIn("No space left", result.messages[min(ours)]["reason"])
        self.assertIn("nothing was deleted", result.err)
        self.assertEqual([name for name in os.listdir(target) if not name.endswith(".eml")], [])

    def test_not_where_others_write(self):
        ours = {self.send("a@example.com")}
        self.postfix.settled(1)
        used = self.directory(owner="root")
        open(os.path.join(used, "other"), "w", encoding="ascii").close()
        for target in (self.directory(mode=0o777), self.directory(mode=0o777, owner="root"), used,
                       self.directory(owner="nobody"), "/dev/null"):
            result = self.pq.idx("purge", "-y", "--save", target, BAD)
            self.assertEqual(result.status, 1, result)
            self.assertEqual(self.postfix.ids(), ours)

    def test_an_empty_directory_of_roots(self):
        """As `--save $(mktemp -d)` names it; then a second purge into it."""
        target = self.directory(owner="root")
        for count in (1, 2):
            ours = {self.send("a@example.com")}
            self.postfix.settled(1)
            self.assert_purged(ours, BAD, "--save", target)
            self.assertEqual(len(os.listdir(target)), count)

    def test_an_older_file_stays(self):
        target = self.directory()
        ours = self.send("a@example.com")
        self.postfix.settled(1)
        older = os.path.join(target, ours + ".eml")
        with open(older, "w", encoding="ascii") as file:
            file.write("another message\n")
        self.assert_purged({ours}, BAD, "--save", target)
        with open(older, encoding="ascii") as file:
            self.assertEqual(file.read(), "another message\n")
        self.assertEqual(len(os.listdir(target)), 2)

    def test_through_a_closed_parent(self):
        """Root names a directory that mail_owner could not reach by itself."""
        closed = self.directory(owner="root")
        ours = {self.send("a@example.com")}
        self.postfix.settled(1)
        self.assert_purged(ours, BAD, "--save", os.path.join(closed, "mail"))
        self.assertEqual(len(os.listdir(os.path.join(closed, "mail"))), 1)
