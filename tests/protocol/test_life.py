# SPDX-License-Identifier: ISC
"""Start, stop, reload, and being killed."""
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import milter_client as mc
from daemon import MILTER, DaemonCase, until
from milter_client import queue_id


class Start(DaemonCase):
    def test_check_only(self):
        self.assertEqual((0, "configuration OK\n"), self.daemon.run("-n"))
        self.assertFalse(os.path.exists(self.daemon.index))
        self.daemon.rules("ok.example REJECT\nbad.example REJCT\n")
        status, text = self.daemon.run("-n")
        self.assertEqual(1, status)
        self.assertTrue(text.startswith(self.daemon.rules_file + ":2:"), text)

    def test_check_needs_no_root(self):
        done = subprocess.run([MILTER, "-c", self.daemon.config_file, "-n"], stdout=subprocess.PIPE, user="nobody",
                              group="nogroup", extra_groups=[])
        self.assertEqual((0, b"configuration OK\n"), (done.returncode, done.stdout))

    def test_wrong_settings(self):
        for key, value in (("socket", "unix:relative"), ("socket", "unix:/" + "x" * 107), ("socket", "carrier:pigeon"),
                           ("socket", "inet:port"), ("commit", "sync"), ("own_networks", "10.0.0.1/8"), ("no_such_key", "1")):
            self.daemon.settings[key] = value
            self.daemon.write_config()
            for options in (["-n"], []):
                status, text = self.daemon.run(*options)
                self.assertEqual(1, status, (key, value))
                self.assertTrue(text.strip(), (key, value))
            del self.daemon.settings[key]

    def test_unknown_option(self):
        status, text = self.daemon.run("-x")
        self.assertEqual(1, status)
        self.assertIn("usage: pqpurge-milter", text)

    def test_help(self):
        for option in ("-h", "--help"):
            done = subprocess.run([MILTER, option], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual((0, b""), (done.returncode, done.stderr))
            self.assertTrue(done.stdout.startswith(b"usage: pqpurge-milter "), done.stdout)

    def test_version(self):
        status, text = self.daemon.run("-V")
        self.assertEqual(0, status)
        self.assertRegex(text, r"^pqpurge-milter \d+\.\d+\.\d+\n$")

    def test_wrong_rules_keep_it_from_starting(self):
        self.daemon.rules("bad.example REJCT\n")
        status, text = self.daemon.run()
        self.assertEqual(1, status)
        self.assertIn(self.daemon.rules_file + ":1:", text)

    def test_rules_that_its_user_cannot_read(self):
        self.daemon.rules("bad.example REJECT\n")
        os.chmod(self.daemon.rules_file, 0o600)
        status, text = self.daemon.run()
        self.assertEqual(1, status)
        self.assertIn(self.daemon.rules_file, text)

    def test_unknown_user_and_group(self):
        for key in ("user", "socket_group"):
            kept = self.daemon.settings[key]
            self.daemon.settings[key] = "no-such-name"
            self.daemon.write_config()
            status, text = self.daemon.run()
            self.assertEqual(1, status)
            self.assertIn("no-such-name", text)
            self.daemon.settings[key] = kept

    def test_modes_and_owners(self):
        self.daemon.start()
        self.assertEqual(0o140660, os.stat(self.daemon.socket).st_mode)
        self.assertEqual(0o040750, os.stat(os.path.dirname(self.daemon.socket)).st_mode)
        self.assertEqual(0o040750, os.stat(self.daemon.index).st_mode)
        self.assertEqual(0o040700, os.stat(self.daemon.state).st_mode)
        self.assertEqual(0o140600, os.stat(os.path.join(self.daemon.index, "control.sock")).st_mode)
        with open("/proc/%d/status" % self.daemon.process.pid) as f:
            uids = re.search(r"^Uid:\t(\d+)\t(\d+)\t(\d+)\t(\d+)", f.read(), re.M).groups()
        self.assertEqual(1, len(set(uids)))
        self.assertNotEqual("0", uids[0])
        for directory, names in ((self.daemon.index, {"index.mdb", "lock"}), (self.daemon.state, {"lock"})):
            self.assertLessEqual(names, set(os.listdir(directory)))
            for name in os.listdir(directory):
                st = os.stat(os.path.join(directory, name))
                self.assertEqual((int(uids[0]), 0o600), (st.st_uid, st.st_mode & 0o777), name)

    def test_empty_directories_of_root_are_taken_over(self):
        """As mkdir(1) leaves them; a directory that is not empty keeps its owner."""
        for directory in (self.daemon.index, self.daemon.state):
            os.mkdir(directory, 0o755)
        self.daemon.start()
        self.assertTrue(self.daemon.status()["recording"])
        for directory in (self.daemon.index, self.daemon.state):
            self.assertNotEqual(0, os.stat(directory).st_uid)

    def test_lock_that_is_no_plain_file(self):
        """The directory belongs to the daemon's user: root writes through no link in it."""
        target = os.path.join(self.daemon.home, "target")
        with open(target, "w", encoding="ascii") as f:
            f.write("mine")
        for make in (os.symlink, os.link):
            os.mkdir(self.daemon.state)
            shutil.chown(self.daemon.state, "nobody", "nogroup")
            make(target, os.path.join(self.daemon.state, "lock"))
            if make is os.symlink:
                self.daemon.start()  # without a lock of its own
                self.daemon.stop()
            else:
                self.assertEqual(1, self.daemon.run()[0])
            with open(target, encoding="ascii") as f:
                self.assertEqual(("mine", 0), (f.read(), os.stat(target).st_uid))
            shutil.rmtree(self.daemon.state)

    def test_second_daemon_on_one_state_directory(self):
        self.daemon.start()
        self.daemon.settings["socket"] = "unix:" + self.daemon.home + "/s/other.sock"
        self.daemon.settings["index_directory"] = self.daemon.home + "/other"
        self.daemon.write_config()
        status, text = self.daemon.run()
        self.assertEqual(1, status)
        self.assertIn("process %d" % self.daemon.process.pid, text)
        self.still_served()

    def test_second_daemon_on_one_index_directory(self):
        """By mistake. It serves mail without an index, and takes neither index nor control socket from the first
        one."""
        self.daemon.start()
        first = self.daemon.process
        try:
            self.daemon.settings["socket"] = "unix:" + self.daemon.home + "/s/other.sock"
            self.daemon.settings["state_directory"] = self.daemon.home + "/other"
            self.daemon.write_config()
            self.daemon.socket, self.daemon.process = self.daemon.home + "/s/other.sock", None
            self.daemon.start()
            self.still_served()
            self.assertEqual(first.pid, self.daemon.status()["pid"])
            self.assertIn("in use by pid %d" % first.pid, self.daemon.log)
            self.assertEqual(0, self.daemon.stop())
            self.assertEqual([first.pid, True], [self.daemon.status()[k] for k in ("pid", "recording")])
        finally:
            self.daemon.process = first

    def test_second_daemon_on_one_socket(self):
        self.daemon.start()
        self.daemon.settings["index_directory"] = self.daemon.home + "/other"
        self.daemon.settings["state_directory"] = self.daemon.home + "/other-state"
        self.daemon.write_config()
        status, text = self.daemon.run()
        self.assertEqual(1, status)
        self.assertIn(self.daemon.socket, text)
        self.still_served()

    def test_socket_from_systemd(self):
        """fd:N, which Debian's libmilter supports: the daemon neither makes nor removes the path."""
        os.mkdir(os.path.dirname(self.daemon.socket))
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.daemon.socket)
            listening.listen(16)
            self.daemon.settings["socket"] = "fd:%d" % listening.fileno()
            self.daemon.write_config()
            self.daemon.start(pass_fds=[listening.fileno()])
            self.still_served()
            self.assertEqual(0, self.daemon.stop())
            self.assertTrue(os.path.exists(self.daemon.socket))

    def still_served(self):
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.CONTINUE, c.message(queue_id(1))[0])

    def test_index_that_cannot_be_opened(self):
        """It starts all the same: mail flows, and the log says what is wrong."""
        os.mkdir(self.daemon.index, 0o700)
        with open(os.path.join(self.daemon.index, "other"), "w", encoding="ascii"):
            pass  # an empty one would be given to nobody
        self.daemon.start()  # root's directory, in which nobody cannot write
        self.assertIn("read it from the queue", self.daemon.log)
        self.still_served()
        shutil.chown(self.daemon.index, "nobody", "nogroup")
        self.daemon.wait_log("is open again")
        self.assertTrue(until(lambda: os.path.exists(os.path.join(self.daemon.index, "control.sock"))))
        self.assertEqual([1, 0], [self.daemon.status()[k] for k in ("lost", "recorded")])
        self.still_served()
        self.assertIn(queue_id(1), self.daemon.messages())

    def test_damaged_index_is_set_aside(self):
        self.daemon.start()
        self.still_served()
        self.daemon.stop()
        with open(os.path.join(self.daemon.index, "index.mdb"), "r+b") as f:
            f.write(b"\xff" * 8192)
        self.daemon.start()
        self.still_served()
        self.assertIn("set aside", self.daemon.log)
        self.assertIn("index.mdb.bad", os.listdir(self.daemon.index))
        self.assertIn(queue_id(1), self.daemon.messages())

    def hold_lock(self):
        """Takes the index's lock as a command does."""
        fd = os.open(os.path.join(self.daemon.index, "lock"), os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX)
        return fd

    def test_start_waits_for_a_command(self):
        """A command that is done within the second costs no message its row."""
        self.daemon.start()
        self.daemon.stop()
        for _ in range(3):
            fd = self.hold_lock()
            threading.Timer(0.4, os.close, (fd,)).start()
            self.daemon.start()  # waits for READY
            self.assertTrue(self.daemon.status()["recording"])
            self.still_served()
            self.assertEqual(0, self.daemon.status()["lost"])
            self.daemon.stop()

    def test_start_beside_a_command_that_stays(self):
        """READY with its rules after a second; the index follows as soon as it is free."""
        self.daemon.rules("bad.example REJECT\n")
        self.daemon.start()
        self.daemon.stop()
        fd = self.hold_lock()
        began = time.monotonic()
        self.daemon.start()
        self.assertLess(time.monotonic() - began, 20)
        with self.daemon.client() as c:
            c.connect()
            self.assertEqual(mc.REPLY, c.mail("<a@bad.example>")[0])
        self.still_served()
        self.assertEqual([False, 1], [self.daemon.status()[k] for k in ("recording", "lost")])
        self.assertIn("index", self.daemon.status()["last_error"])
        os.close(fd)
        began = time.monotonic()
        self.assertTrue(until(lambda: self.daemon.status()["recording"]))
        self.assertLess(time.monotonic() - began, 10)

class Stop(DaemonCase):
    def test_each_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.daemon.start()
            self.assertEqual(0, self.daemon.stop(number))
            self.assertFalse(os.path.exists(self.daemon.socket))
            self.assertFalse(os.path.exists(os.path.join(self.daemon.index, "control.sock")))

    def test_idle(self):
        """At once, although no connection comes: libmilter alone checks every five seconds, the first time five seconds
        after its start. A busy machine may be slow, but not each time."""
        took = []
        while len(took) < 5 and (not took or took[-1] > 3):
            self.daemon.start()
            began = time.monotonic()
            self.assertEqual(0, self.daemon.stop())
            took.append(time.monotonic() - began)
        self.assertLess(took[-1], 3, took)

    def flood(self, answered, sessions=20, first=0):
        """Sessions that send until they are cut off; answered gets each ID whose end of message was answered."""
        def session(n):
            k = 0
            try:
                with self.daemon.client() as c:
                    c.connect()
                    while True:
                        i = queue_id(first + n * 100000 + k)
                        if c.message(i, "<u@flood.example>")[0] == mc.CONTINUE:
                            answered.append(i)
                        k += 1
            except (OSError, mc.Closed):
                pass

        threads = [threading.Thread(target=session, args=(n,)) for n in range(sessions)]
        for t in threads:
            t.start()
        return threads

    def test_under_load(self):
        answered = []
        self.daemon.start()
        threads = self.flood(answered)
        self.assertTrue(until(lambda: len(answered) > 200))
        self.assertEqual(0, self.daemon.stop())
        for t in threads:
            t.join(30)
        self.assertEqual(set(), set(answered) - set(self.daemon.messages()))

    def test_killed_under_load(self):
        """Recorded before accepted: answered messages are in the index, kill after kill."""
        answered = []
        for _ in range(5):
            before = len(answered)
            self.daemon.start()
            threads = self.flood(answered, first=len(answered))
            self.assertTrue(until(lambda: len(answered) > before + 200))
            self.daemon.process.kill()
            self.daemon.process.wait()
            self.daemon.process = None
            for t in threads:
                t.join(30)
            self.assertEqual(set(), set(answered) - set(self.daemon.messages()))
        self.daemon.start()
        self.assertEqual(set(), set(answered) - set(self.daemon.messages()))
        self.assertNotIn("set aside", self.daemon.log)


class Reload(DaemonCase):
    def refused(self, sender):
        with self.daemon.client() as c:
            c.connect()
            return c.mail(sender)[0] == mc.REPLY

    def test_by_signal_and_by_itself(self):
        self.daemon.start()
        self.assertFalse(self.refused("<a@new.example>"))
        for n, number in enumerate((signal.SIGUSR1, signal.SIGHUP)):
            self.daemon.rules("new%d.example REJECT\n" % n)
            self.daemon.process.send_signal(number)
            self.assertTrue(until(lambda: self.refused("<a@new%d.example>" % n)))
        self.daemon.rules("new.example REJECT\n")
        self.assertTrue(until(lambda: self.refused("<a@new.example>")))
        self.daemon.rules("")
        self.assertTrue(until(lambda: not self.refused("<a@new.example>")))

    def test_a_burst_of_signals(self):
        """None of them reaches libmilter, which would stop at a SIGHUP."""
        self.daemon.start()
        for _ in range(2000):
            self.daemon.process.send_signal(signal.SIGHUP)
            self.daemon.process.send_signal(signal.SIGUSR1)
        self.daemon.rules("new.example REJECT\n")
        self.assertTrue(until(lambda: self.refused("<a@new.example>")))
        self.assertIsNone(self.daemon.process.poll())
        began = time.monotonic()
        self.assertEqual(0, self.daemon.stop())
        self.assertLess(time.monotonic() - began, 10)

    def test_signals_while_stopped(self):
        self.daemon.start()
        for _ in range(20):
            for number in (signal.SIGSTOP, signal.SIGHUP, signal.SIGUSR1, signal.SIGCONT):
                self.daemon.process.send_signal(number)
        self.daemon.rules("new.example REJECT\n")
        self.assertTrue(until(lambda: self.refused("<a@new.example>")))

    def test_wrong_file_keeps_the_old_rules(self):
        self.daemon.rules("old.example REJECT\n")
        self.daemon.start()
        self.daemon.rules("new.example REJECT\nwhat is this\n")
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.daemon.wait_log(self.daemon.rules_file + ":2:")
        self.assertTrue(self.refused("<a@old.example>"))
        self.assertFalse(self.refused("<a@new.example>"))
        self.assertIn(":2:", self.daemon.status()["rules_error"])
        self.daemon.rules("new.example REJECT\n")
        self.assertTrue(until(lambda: self.refused("<a@new.example>")))
        self.assertNotIn("rules_error", self.daemon.status())
