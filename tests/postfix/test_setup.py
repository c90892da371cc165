# SPDX-License-Identifier: ISC
"""`setup` on a private Postfix: what it writes, mail is then recorded, and `--remove` leaves no trace."""
import glob
import grp
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import unittest

from pqpurge import MILTER, Pqpurge, socket_path
from rig import PrivatePostfix, until
from smtp import content
from terminal import Terminal

OTHER = "{ inet:127.0.0.1:1, default_action=accept }"
# A list over several lines with a comment in it: postconf -e would not write it like this.
MAIN = f"""\
# before
smtpd_milters =
   inet:127.0.0.1:2,
# within
   {OTHER}
milter_default_action = accept
"""
CONF_HEAD = '# settings\n  # origin = "none"\n'


def member(path):
    return f"{{ unix:{path}, default_action=accept, command_timeout=10s }}"


class SetupCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.postfix = PrivatePostfix().start()
        cls.addClassCleanup(cls.postfix.close)
        cls.main_cf = os.path.join(cls.postfix.etc, "main.cf")
        cls.master_cf = os.path.join(cls.postfix.etc, "master.cf")
        with open(cls.main_cf, encoding="utf-8") as file:
            cls.bare = file.read()

    def setUp(self):
        """Settings, but no directories, which setup makes."""
        self.pq = Pqpurge(self.postfix, origin="")
        self.addCleanup(self.pq.kill9)
        os.rmdir(self.pq.index)
        os.rmdir(self.pq.state)
        self.sockets = os.path.dirname(socket_path(self.postfix))
        shutil.rmtree(self.sockets)
        self.addCleanup(shutil.rmtree, self.sockets, ignore_errors=True)
        self.undo = self.pq.conf + ".undo"
        with open(self.pq.conf, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("origin")]
        self.write(self.pq.conf, CONF_HEAD + "".join(lines))
        self.write(self.main_cf, self.bare + MAIN)
        self.addCleanup(self.postfix.wipe)

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def milters(self, name="smtpd_milters"):
        return self.postfix.run("postconf", "-h", name).stdout.strip()

    def setup(self, *args, status=0):
        result = self.pq.idx("setup", *args)
        self.assertEqual(result.status, status, f"setup {args}: {result}")
        return result

    def traces(self):
        """Everything that setup may touch, byte by byte."""
        files = {path: self.read(path) for path in (self.main_cf, self.master_cf, self.pq.conf)}
        return files, os.path.exists(self.sockets), os.path.exists(self.undo)

    def send(self, sender):
        with self.postfix.smtp() as client:
            return client.message(sender, "u@dest.test", content())


class Before(SetupCase):
    """Nothing was set up: status has one finding."""

    def check(self):
        (line,) = self.pq.idx("status", "--json").lines
        (finding,) = [f for f in line["status"]["findings"] if f["level"] == "fault"]
        self.assertEqual(finding["id"], "not_set_up")
        self.assertEqual(finding["command"].split()[-1], "setup")
        text = self.pq.idx("status")
        self.assertEqual((text.status, text.out.count("type:")), (2, 1), text)
        self.assertNotIn("systemctl", text.out)

    def test_installed(self):
        self.check()

    def test_other_milters_are_there(self):
        self.write(self.main_cf, self.bare + "smtpd_milters = inet:127.0.0.1:2, unix:/other.sock\n"
                   "smtpd_proxy_filter = 127.0.0.1:10025\nreceive_override_options = no_milters\n")
        self.check()


class Life(SetupCase):
    def test_whole(self):
        before = self.traces()
        # Exit status 2: all is written, and status finds that no daemon runs.
        result = self.setup("-y", status=2)
        ours = member(socket_path(self.postfix))
        self.assertEqual(self.milters(), f"{ours}, inet:127.0.0.1:2, {OTHER}")
        self.assertEqual(self.milters("non_smtpd_milters"), ours)
        self.assertIn('\norigin = "rig.test"\n', self.read(self.pq.conf))
        self.assertIn("+smtpd_milters = " + ours, result.out)
        self.assertIn("-smtpd_milters = inet:127.0.0.1:2", result.out)
        self.assertEqual(oct(os.stat(self.sockets).st_mode), "0o42750")
        self.assertEqual([oct(os.stat(place).st_mode) for place in (self.pq.index, self.pq.state)], ["0o40750", "0o40700"])
        self.assertEqual(oct(os.stat(self.undo).st_mode), "0o40700")

        self.pq.start()
        done = self.traces()
        self.assertIn("Everything is done already", self.setup("-y").out)
        self.assertEqual(self.traces(), done, "a second setup changes nothing")
        # Postfix was reloaded, so the milter is in force.
        queue_id = self.send("a@bad.test")
        self.postfix.sendmail("b@bad.test", ["u@dest.test"], content())
        self.postfix.settled(2)
        self.assertEqual(len(self.pq.listed("bad.test")), 2)
        self.assertIn(queue_id, self.pq.listed("a@bad.test"))

        self.assertEqual(self.pq.stop(), 0)
        removal = self.setup("--remove", "-y")
        self.assertEqual(self.traces(), before, removal.out)
        self.assertTrue(os.path.exists(os.path.join(self.pq.index, "index.mdb")), "the index stays")
        self.assertTrue(os.listdir(self.pq.state), "and so does the state")
        for place in self.pq.index, self.pq.state:
            self.assertRegex(removal.out, rf"rm -r [^\n]*{place}\b")
        self.assertIn("Everything is done already", self.setup("--remove", "-y").out)

    def test_while_the_daemon_runs(self):
        before = self.traces()
        self.setup("-y", status=2)
        self.pq.start()
        result = self.setup("--remove", "-y", status=2)
        self.assertIn("stop the daemon first", result.err)
        self.assertEqual(self.traces()[0], before[0], "the rest is undone")
        self.assertEqual(self.pq.stop(), 0)
        self.assertNotIn("changed meanwhile", self.setup("--remove", "-y").out)
        self.assertEqual(self.traces(), before)

    def test_set_up_again_after_half_a_removal(self):
        before = self.traces()
        self.setup("-y", status=2)
        self.pq.start()
        self.setup("--remove", "-y", status=2)
        self.setup("-y")
        self.assertEqual(self.pq.stop(), 0)
        self.setup("--remove", "-y")
        self.assertEqual(self.traces(), before)

    def test_killed_daemon(self):
        """The socket that it left is removed with its directory."""
        before = self.traces()
        self.setup("-y", status=2)
        self.pq.start()
        self.pq.kill9()
        self.assertTrue(os.path.exists(socket_path(self.postfix)))
        self.setup("--remove", "-y")
        self.assertEqual(self.traces(), before)

    def test_admin_edits_between(self):
        """What somebody else changed meanwhile stays as they left it."""
        self.setup("-y", status=2)
        self.postfix.run("postconf", "-e", f"smtpd_milters = inet:127.0.0.1:3, {self.milters()}")
        self.write(self.main_cf, self.read(self.main_cf) + "# mine\nmaximal_queue_lifetime = 3d\n")
        self.write(self.pq.conf, self.read(self.pq.conf).replace("rig.test", "other.test"))
        result = self.setup("--remove", "-y")
        self.assertEqual(self.milters(), f"inet:127.0.0.1:3, inet:127.0.0.1:2, {OTHER}")
        self.assertIn("# mine\nmaximal_queue_lifetime = 3d\n", self.read(self.main_cf))
        self.assertNotIn("non_smtpd_milters", self.read(self.main_cf))
        self.assertIn('origin = "other.test"', self.read(self.pq.conf))
        self.assertIn("was changed meanwhile", result.out)
        self.assertFalse(os.path.exists(self.undo))

    def test_other_lines_edited_between(self):
        """If the lists are as setup left them, their old values come back."""
        self.setup("-y", status=2)
        self.write(self.main_cf, self.read(self.main_cf) + "# mine\n")
        self.setup("--remove", "-y")
        self.assertEqual(self.milters(), f"inet:127.0.0.1:2, {OTHER}")
        self.assertNotIn("non_smtpd_milters", self.read(self.main_cf))
        self.assertIn("# mine\n", self.read(self.main_cf))

    def test_set_up_again_after_an_edit(self):
        """A filter was put before the daemon; setup moves the daemon back to the front; removal keeps the filter."""
        self.setup("-y", status=2)
        self.postfix.run("postconf", "-e", f"smtpd_milters = inet:127.0.0.1:3, {self.milters()}")
        self.setup("-y", status=2)
        ours = member(socket_path(self.postfix))
        self.assertEqual(self.milters(), f"{ours}, inet:127.0.0.1:3, inet:127.0.0.1:2, {OTHER}")
        self.setup("--remove", "-y")
        self.assertEqual(self.milters(), f"inet:127.0.0.1:3, inet:127.0.0.1:2, {OTHER}")
        self.assertNotIn("milter.sock", self.read(self.main_cf))

    def test_reference(self):
        self.write(self.main_cf, self.bare + f"smtpd_milters = {OTHER}\nnon_smtpd_milters = $smtpd_milters\n")
        before = self.traces()
        result = self.setup("-y", status=2)
        self.assertEqual(self.milters("non_smtpd_milters"), "$smtpd_milters", "it names us already")
        self.assertNotIn("+non_smtpd_milters", result.out)
        self.setup("--remove", "-y")
        self.assertEqual(self.traces(), before)

    def test_no_newline_at_the_end(self):
        """Of a comment or of a setting; what setup adds begins a line of its own."""
        for last in "# end", "smtpd_milters =\n  inet:127.0.0.1:2,\n  inet:127.0.0.1:3":
            with self.subTest(last=last):
                self.write(self.main_cf, self.bare + last)
                before = self.traces()
                self.setup("-y", status=2)
                for name in "smtpd_milters", "non_smtpd_milters":
                    self.assertIn("milter.sock", self.milters(name))
                self.setup("--remove", "-y")
                self.assertEqual(self.traces(), before)

    def test_the_file_itself_stays(self):
        """A link stays a link; owner, group and mode are kept, unlike with postconf -e."""
        elsewhere = os.path.join(self.pq.home, "main.cf")
        os.rename(self.main_cf, elsewhere)
        self.addCleanup(self.write, self.main_cf, self.bare)
        self.addCleanup(os.unlink, self.main_cf)
        os.symlink(elsewhere, self.main_cf)
        group = grp.getgrnam("postfix").gr_gid
        os.chown(elsewhere, 0, group)
        os.chmod(elsewhere, 0o640)
        before = self.traces(), sorted(os.listdir(self.postfix.etc))
        for args in (("-y",), ("--remove", "-y")):
            self.pq.idx("setup", *args)
            self.assertEqual(os.readlink(self.main_cf), elsewhere)
            status = os.stat(elsewhere)
            self.assertEqual((status.st_uid, status.st_gid, oct(status.st_mode)), (0, group, "0o100640"), args)
            self.assertEqual("milter.sock" in self.milters(), args == ("-y",))
        self.assertEqual((self.traces(), sorted(os.listdir(self.postfix.etc))), before)

    def test_edited_between_the_file_itself_stays(self):
        os.chmod(self.main_cf, 0o640)
        self.addCleanup(os.chmod, self.main_cf, 0o644)
        self.setup("-y", status=2)
        self.write(self.main_cf, self.read(self.main_cf) + "# mine\n")
        self.setup("--remove", "-y")
        self.assertEqual(oct(os.stat(self.main_cf).st_mode), "0o100640")
        self.assertIn("# mine\n", self.read(self.main_cf))

    def test_after_a_write_that_failed(self):
        """Nothing can be renamed onto a mount. The next try counts as the first."""
        before = self.traces()
        subprocess.run(["mount", "--bind", self.main_cf, self.main_cf], check=True)
        try:
            self.assertIn("unfinished", self.setup("-y", status=2).err)
        finally:
            subprocess.run(["umount", self.main_cf], check=True)
        self.assertEqual(self.read(self.main_cf), before[0][self.main_cf])
        self.setup("-y", status=2)
        self.assertIn("milter.sock", self.milters())
        self.setup("--remove", "-y")
        self.assertEqual(self.traces(), before)

    def test_record_of_somebody_else(self):
        self.setup("-y", status=2)
        os.chmod(self.undo, 0o777)
        now = self.traces()
        self.assertIn("not trusted", self.setup("--remove", "-y", status=1).err)
        self.assertEqual(self.traces(), now)


class Asking(SetupCase):
    def test_nobody_to_ask(self):
        before = self.traces()
        result = self.setup(status=1)
        self.assertIn("-y", result.err)
        self.assertEqual(self.traces(), before)

    def test_dry_run(self):
        before = self.traces()
        self.assertIn("+smtpd_milters", self.setup("-n").out)
        self.assertEqual(self.traces(), before)

    def test_json(self):
        lines = [json.loads(line) for line in self.setup("-n", "--json").out.splitlines()]
        steps = {(line["step"], line["subject"]): line for line in lines if "step" in line}
        self.assertEqual({line["result"] for line in steps.values()}, {"would-do"})
        self.assertEqual(steps["list", "smtpd_milters"]["before"], f"inet:127.0.0.1:2, {OTHER}")
        self.assertLessEqual({("make_directory", self.pq.index), ("make_directory", self.pq.state)}, set(steps))

    def answer(self, line):
        terminal = Terminal(self.pq.words("setup"))
        terminal.read_until("?")
        self.assertIn("+smtpd_milters", terminal.text, "it shows first")
        return terminal.answer(line)

    def test_no(self):
        before = self.traces()
        self.assertEqual(self.answer("n"), 3)
        self.assertEqual(self.traces(), before)

    def copies(self):
        """Private directories with a copy of this main.cf."""
        found = []
        for directory in glob.glob("/run/pqpurge-postfix.*"):
            try:
                found += [directory] if self.bare in self.read(os.path.join(directory, "main.cf")) else []
            except FileNotFoundError:
                pass
        return found

    def test_interrupt(self):
        """It ends by the signal, but does not leave its copy of main.cf, which may hold secrets."""
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            with self.subTest(number=number):
                # nohup(1) may have started the tests.
                words = self.pq.words("setup", "-n", prefix=["env", "--default-signal=HUP"])
                child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                self.addCleanup(child.wait)
                self.addCleanup(child.kill)
                until(lambda: self.copies() or child.poll() is not None, "a copy of main.cf")
                child.send_signal(number)
                self.assertEqual(child.wait(60), -number)
                self.assertEqual(self.copies(), [])

    def test_yes(self):
        self.assertEqual(self.answer("y"), 2)
        self.assertIn("milter.sock", self.milters())


class Places(SetupCase):
    """The socket's path as its clients see it."""

    def chroot(self, **services):
        master = self.read(self.master_cf)
        self.addCleanup(self.write, self.master_cf, master)
        for service, flag in services.items():
            kind = "inet" if service == "smtp" else "unix"
            name = f"127.0.0.1:{self.postfix.port}" if service == "smtp" else service
            self.postfix.run("postconf", "-F", f"{name}/{kind}/chroot={flag}")

    def planned(self):
        lines = [json.loads(line) for line in self.setup("-n", "--json").out.splitlines()]
        return [line["after"].split(",")[0] for line in lines if line.get("step") == "list"]

    def test_chroot(self):
        self.chroot(smtp="y", cleanup="y")
        self.assertEqual(self.planned(), ["{ unix:/pqpurge/milter.sock"] * 2)

    def test_no_chroot(self):
        self.assertEqual(self.planned(), ["{ unix:" + socket_path(self.postfix)] * 2)

    def test_mixed(self):
        self.chroot(smtp="y")
        self.assertEqual(self.planned(), ["{ unix:pqpurge/milter.sock"] * 2)

    def test_out_of_reach(self):
        self.chroot(smtp="y")
        self.pq.settings["socket"] = f"unix:{self.pq.home}/milter.sock"
        self.pq.write_conf()
        self.assertIn("cannot reach", self.setup("-n", status=1).err)

    def test_foreign_directory(self):
        os.mkdir(self.pq.index)
        self.assertIn("chown", self.setup("-n", status=1).err)

    def test_unclosed_brace(self):
        self.write(self.main_cf, self.bare + "smtpd_milters = { inet:127.0.0.1:2\n")
        self.assertIn("braces", self.setup("-y", status=1).err)


# Not with a shell: dash has only one-digit descriptors, and a long run of tests has more open.
HAND_OVER = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"


class Activation(SetupCase):
    """socket = "fd:3": another process made the socket and hands it over, as systemd does."""

    def test_recorded(self):
        self.setup("-y", status=2)
        self.pq.make_directories()
        path = socket_path(self.postfix)
        self.pq.settings["socket"] = "fd:3"
        self.pq.write_conf()
        with socket.socket(socket.AF_UNIX) as listener:
            # SocketMode=0660 of our unit: by the umask. The owner stays root, the group is the directory's.
            umask = os.umask(0o777 & ~0o660)
            listener.bind(path)
            os.umask(umask)
            st = os.stat(path)
            self.assertEqual((st.st_uid, grp.getgrgid(st.st_gid).gr_name, st.st_mode & 0o777), (0, "postfix", 0o660))
            listener.listen()
            with open(self.pq.logfile, "ab") as log:
                self.pq.process = subprocess.Popen(
                    [sys.executable, "-c", HAND_OVER, str(listener.fileno()), MILTER, "-c", self.pq.conf],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[listener.fileno()])
        self.postfix.guarded("+", self.pq.process.pid)
        until(lambda: "ready" in self.pq.log() or self.pq.process.poll() is not None, "the daemon's word that it is ready")
        self.assertIn("ready", self.pq.log())
        queue_id = self.send("a@bad.test")
        self.postfix.settled(1)
        self.assertIn(queue_id, self.pq.listed("bad.test"))
        self.assertEqual(self.pq.stop(), 0)
        self.assertTrue(os.path.exists(path), "the socket is not the daemon's to remove")
