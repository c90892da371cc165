# SPDX-License-Identifier: ISC
"""status: its findings on daemon, index and queue, and on each setting of Postfix that lets mail bypass the milter."""
import os
import re
import shutil
import signal
import time
import subprocess

from case import BAD, RigCase, shared_postfix
from pqpurge import COMMAND, Pqpurge, socket_path
from rig import milter_words, until
from smtp import content


class StatusCase(RigCase):
    def status(self, *args, status=None):
        """The object of `status --json`. The exit status must fit its findings, and be the expected one."""
        result = self.pq.idx("status", "--json", *args)
        self.assertIn(result.status, (0, 2), result)
        (line,) = result.lines
        told = line["status"]
        faults = [f["id"] for f in told["findings"] if f["level"] == "fault"]
        self.assertEqual(result.status, 2 if faults else 0, result)
        self.assertEqual(told["ok"], not faults)
        if status is not None:
            self.assertEqual(result.status, status, result)
        return told

    def findings(self, level="fault"):
        return {f["id"] for f in self.status()["findings"] if f["level"] == level}


class Plain(StatusCase):
    def test_all_is_well(self):
        sent = self.send_many("a@example.com", 3)
        told = self.status(status=0)
        self.assertTrue(told["daemon"]["running"] and told["daemon"]["recording"])
        self.assertEqual(told["daemon"]["pid"], self.pq.process.pid)
        self.assertEqual((told["index"]["rows"], told["index"]["caught_up"]), (len(sent), None))
        text = self.pq.idx("status")
        self.assertEqual(text.status, 0, text)
        for words in (r"Daemon +running", r" since +\d{4}-", r" recorded +3\b", r" rows +3\b", r" catch-up +none yet", "Nothing is wrong"):
            self.assertRegex(text.out, words)
        for line in text.out.splitlines():
            self.assertTrue(len(line) <= 80 or "type:" in line or self.postfix.directory in line, line)

    def test_after_a_catch_up(self):
        before = int(time.time())
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assertIn(self.status(status=0)["index"]["caught_up"], range(before, int(time.time()) + 1))
        self.assertRegex(self.pq.idx("status").out, r" catch-up +\d{4}-")

    def test_index_of_another_instance(self):
        """Each verb answers from its own queue; status says that the index is another's."""
        self.send("a@example.com")
        self.assertEqual(self.pq.idx("sync").status, 0)
        other = Pqpurge(shared_postfix(True, "", "", "accept"))
        self.addCleanup(other.postfix.wipe)
        other.settings["index_directory"] = self.pq.index
        other.write_conf()
        self.assertIn("instance", {f["id"] for f in other.idx("status", "--json").lines[0]["status"]["findings"]})
        self.assertNotIn("instance", self.findings("note"))

    def test_changed_hostname_is_told(self):
        queue_id = self.send("a@example.com")
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.postfix.set(myhostname="renamed.test")
        self.addCleanup(self.postfix.set, myhostname="rig.test")
        self.assertIn("renamed", self.findings("note"))
        self.assert_purged({queue_id}, BAD)
        self.send("a@example.com")
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assertNotIn("renamed", self.findings("note"), "until the next catch-up")

    def test_rules(self):
        self.pq.write_rules("bad.test REJECT\n")
        self.pq.reload()
        until(lambda: self.status()["rules"]["in_force"] == 1, "one rule in force")
        self.pq.idx("block", "-y", BAD)
        self.assertEqual(self.status(status=0)["rules"]["in_force"], 2)
        self.pq.write_rules("bad.test REJECT\nworse.test SHOOT\n")
        self.pq.reload()
        until(lambda: self.status()["rules"]["error"], "an error in the rules file")
        told = self.status(status=2)
        self.assertIn(":2:", told["rules"]["error"])
        (check,) = [f["command"] for f in told["findings"] if f["id"] == "rules_file"]
        named = subprocess.run([COMMAND, "status", "--json"], env={**os.environ, "PQPURGE_CONF": self.pq.conf},
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertIn(f'"command":"{check}"', named.stdout, "the milter knows nothing of PQPURGE_CONF")
        self.assertIn(self.pq.conf, check)
        self.assertEqual(told["rules"]["in_force"], 2, "the old rules hold")


class Daemon(StatusCase):
    def test_sessions_that_outlive_the_daemon(self):
        """Their mail is neither recorded nor blocked until they end: reported while the daemon is down and after its
        return, and only then."""
        said = re.compile(r"SMTP sessions .*neither\s+recorded\s+nor\s+blocked\s+until\s+they\s+end", re.DOTALL)
        with self.postfix.smtp() as client:
            client.message("a@example.com", "u@dest.test", content())
            self.assertNotRegex(self.pq.idx("status").out, said)
            self.pq.stop()
            self.assertRegex(self.pq.idx("status").out, said)
            self.pq.start()
            self.assertRegex(self.pq.idx("status").out, said)

    def test_down(self):
        before = self.send_many("a@example.com", 2)
        self.pq.stop()
        missed = self.send_many("a@example.com", 3)
        self.postfix.settled(5)
        told = self.status(status=2)
        self.assertFalse(told["daemon"]["running"])
        self.assertEqual(self.findings(), {"daemon_down"})
        listed = self.pq.idx("list", "--json", BAD)
        self.assertEqual((listed.status, set(listed.messages), listed.err), (0, {*before, *missed}, ""), listed)
        self.assert_purged([*before, *missed], BAD)

    def test_no_systemctl_where_systemd_does_not_run(self):
        """The commands that status names work here: after the daemon's end, its freeze, and with a door that nobody
        opened."""
        if os.path.isdir("/run/systemd/system"):
            self.skipTest("systemd runs here")
        with open(self.pq.conf, "a", encoding="ascii") as file:
            file.write('operator_group = "operator"\nfleet = "service=pqpurge"\n')
        self.pq.process.send_signal(signal.SIGSTOP)
        frozen = self.pq.idx("status")
        self.pq.process.send_signal(signal.SIGCONT)
        self.pq.stop()
        for text in frozen.out, self.pq.idx("status").out:
            self.assertIn("type: ", text)
            self.assertNotIn("systemctl", text)
            self.assertIn("pqpurge-milter -c ", text)
            self.assertIn("order --listen", text)
            self.assertIn(f"pqpurge-link -c {self.pq.conf} agent", text)
        floods = self.pq.idx("floods").err
        self.assertIn("pqpurge-idx status", floods)
        self.assertNotIn("systemctl", floods)

    def test_restart_leaves_nothing_to_tell(self):
        self.pq.stop()
        self.send("a@example.com")
        self.pq.start()
        self.postfix.settled(1)
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assertEqual(self.status(status=0)["index"]["rows"], 1)

    def test_idle_daemon_writes_nothing(self):
        self.send("a@example.com")
        self.status()  # which counts rows: the message's is made by now
        written = os.stat(self.pq.index_file).st_mtime_ns
        until(lambda: time.time_ns() > written + 3 * 10 ** 9, "three idle seconds")
        self.assertEqual(os.stat(self.pq.index_file).st_mtime_ns, written)

    def test_stopped(self):
        self.pq.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.pq.process.send_signal, signal.SIGCONT)
        told = self.status(status=2)
        self.assertEqual((told["daemon"]["running"], told["daemon"]["answers"]), (True, False))
        self.assertIn("daemon_silent", {f["id"] for f in told["findings"]})

    def test_control_socket_gone(self):
        """Read before the daemon, which checks each second, has made it anew."""
        self.pq.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.pq.process.send_signal, signal.SIGCONT)
        os.unlink(os.path.join(self.pq.index, "control.sock"))
        self.assertIn("daemon_silent", self.findings())

    def test_control_socket_on_its_way(self):
        """The directory was replaced: the daemon makes its socket anew, and status waits for that."""
        for _ in range(3):
            away = self.pq.index + ".away"
            owner = os.stat(self.pq.index)
            os.rename(self.pq.index, away)
            os.mkdir(self.pq.index, 0o750)
            os.chown(self.pq.index, owner.st_uid, owner.st_gid)
            told = self.pq.idx("status")
            self.assertNotRegex(told.out, "no daemon|kill -9|cannot be reached", told)
            shutil.rmtree(away)

    def test_milter_socket_gone(self):
        path = socket_path(self.postfix)
        os.rename(path, path + ".gone")
        self.assertIn("socket_missing", self.findings())
        os.rename(path + ".gone", path)
        os.chmod(path, 0o600)
        self.assertIn("socket_denied", self.findings())
        os.chmod(path, 0o660)
        self.assertEqual(self.findings(), set())

    def test_no_index(self):
        self.pq.stop()
        shutil.rmtree(self.pq.index)
        self.assertLessEqual({"index_missing", "daemon_down"}, self.findings())


class Bounces(StatusCase):
    main = "transport_maps = inline:{bounce.test=error:5.1.1_no}\n"

    def test_are_no_fault(self):
        for _ in range(2):
            self.postfix.sendmail("a@example.com", ["u@bounce.test"], "Subject: x\n\nx\n")
        until(lambda: len(self.postfix.log().split("sender non-delivery notification")) > 2, "two bounces")
        self.postfix.settled(2)
        self.assertEqual(set(self.pq.listed("<>")), self.postfix.ids())
        self.assertEqual(self.status(status=0)["index"]["rows"], 2)


class PassedOn(StatusCase):
    """Mail that Postfix passes on without the milter is found like other mail, and is no finding of status."""

    main = ("mydestination = here.test\nalias_maps = inline:{fwd=u@dest.test}\n"
            "header_checks = regexp:{{/^X-Spam: yes/ REDIRECT spam@dest.test}}\n")

    def assert_found(self, missed, *others):
        """missed: those that the milter did not see."""
        self.postfix.settled(len(missed) + len(others))
        self.assertEqual(self.findings() - {"redirect"}, set())
        result = self.assert_purged({*missed, *others}, BAD)
        self.assertEqual({i for i, line in result.messages.items() if line.get("from_queue")}, set(missed), result)

    def test_redirected(self):
        """Here the rules do not see the header, which is reported."""
        self.assert_found([self.send("a@example.com", text="Subject: x\nX-Spam: yes\n\nx\n")])
        self.assertIn("redirect", self.findings())

    def test_session_that_outlived_the_daemon(self):
        with self.postfix.smtp() as client:
            first = client.message("a@example.com", "u@dest.test", content())
            self.pq.stop()
            missed = [client.message("a@example.com", "u@dest.test", content())]
            self.pq.start()
            missed.append(client.message("a@example.com", "u@dest.test", content()))
        self.assert_found(missed, first)

    def test_requeued(self):
        old = self.send("a@example.com")
        self.postfix.settled(1)
        self.postfix.postsuper("-r", "ALL")
        self.postfix.wake_pickup()
        until(lambda: self.postfix.ids() not in ({old}, set()), "a new queue ID")
        self.postfix.settled(1)
        self.assert_found(self.postfix.ids())

    def test_forwarded(self):
        self.send("a@example.com", "fwd@here.test")
        until(lambda: any(file.recipients == ["u@dest.test"] for file in self.postfix.read().values()), "the forwarded mail")
        self.postfix.settled(1)
        self.assert_found(self.postfix.ids())


class Misconfigured(StatusCase):
    """Each wrong setting is named with a command to type, which corrects it or, if only its owner can know what to
    do, shows it."""

    def setUp(self):
        super().setUp()
        for name in ("main.cf", "master.cf"):
            path = os.path.join(self.postfix.etc, name)
            shutil.copy(path, path + ".saved")
            self.addCleanup(os.rename, path + ".saved", path)
        self.words = milter_words(socket_path(self.postfix))

    def assert_named(self, finding, *, cured=True, level="fault"):
        """status names it, and the command that it names cures it."""
        found = [f for f in self.status(status=2 if level == "fault" else 0)["findings"] if f["id"] == finding]
        self.assertTrue(found, f"{finding} is not among {self.status()['findings']}")
        for one in found:
            self.assertTrue(one["text"] and one["command"], one)
            self.assertEqual(one["level"], level)
            self.assertIn(one["command"], self.pq.idx("status").out)
            subprocess.run(one["command"], shell=True, check=True, capture_output=True, timeout=60)
        self.assertEqual(finding in self.findings(level), not cured, found)

    def master(self, *args):
        self.postfix.run("postconf", *args)

    def service(self):
        return f"127.0.0.1:{self.postfix.port}/inet"

    def test_not_named(self):
        for name in ("smtpd_milters", "non_smtpd_milters"):
            self.postfix.set(**{name: ""})
            self.assert_named("milter_missing")

    def test_not_first(self):
        self.postfix.set(smtpd_milters="inet:127.0.0.1:9, " + self.words)
        self.assert_named("milter_not_first")
        value = self.postfix.run("postconf", "-h", "smtpd_milters").stdout
        self.assertIn("inet:127.0.0.1:9", value, "the other milter stays")

    def test_another_list_of_a_service(self):
        self.master("-P", f"{self.service()}/smtpd_milters=")
        self.assert_named("milter_missing")

    def test_no_milters(self):
        self.master("-P", f"{self.service()}/receive_override_options=no_milters,no_address_mappings")
        self.assert_named("no_milters", cured=False)
        self.master("-X", "-P", f"{self.service()}/receive_override_options")
        self.assertEqual(self.findings(), set())
        self.postfix.set(receive_override_options="no_milters")
        self.assert_named("no_milters", cured=False)

    def test_reinjection_without_milters(self):
        with open(os.path.join(self.postfix.etc, "master.cf"), "a", encoding="utf-8") as file:
            file.write("127.0.0.1:10025 inet n - n - 10 smtpd\n"
                       "  -o content_filter=\n  -o receive_override_options=no_header_body_checks,no_milters\n")
        self.assert_named("no_milters", cured=False, level="note")

    def test_redirect(self):
        path = os.path.join(self.postfix.etc, "header_checks")
        with open(path, "w", encoding="utf-8") as file:
            file.write("# REDIRECT in a comment\n/^Subject: please redirect me/ WARN\n/^X-Spam: yes/\n  redirect spam@rig.test\n")
        self.postfix.set(header_checks="regexp:" + path)
        self.assert_named("redirect", cured=False)
        with open(path, "w", encoding="utf-8") as file:
            file.write("/^Subject: please REDIRECT me/ WARN\n")
        self.assertEqual(self.findings(), set())
        os.chmod(path, 0o600)
        self.assertIn("redirect", self.findings("note"), "what cannot be looked at is told")
        self.postfix.set(header_checks="", body_checks="pcre:{{/x/ REDIRECT a@rig.test}}")
        self.assertIn("redirect", self.findings())

    def test_proxy_filter(self):
        self.postfix.set(smtpd_proxy_filter="127.0.0.1:9")
        self.assert_named("proxy_filter", cured=False)

    def test_milter_maps(self):
        path = os.path.join(self.postfix.etc, "milter_maps")
        with open(path, "w", encoding="utf-8") as file:
            file.write("127.0.0.0/8 DISABLE\n")
        self.postfix.set(smtpd_milter_maps="cidr:" + path)
        self.assert_named("milter_maps", cured=False)

    def test_default_action(self):
        self.postfix.set(smtpd_milters="unix:" + socket_path(self.postfix))
        self.assert_named("default_action")
        self.postfix.set(non_smtpd_milters=milter_words(socket_path(self.postfix), default_action="reject"))
        self.assert_named("default_action")

    def test_command_timeout(self):
        self.postfix.set(smtpd_milters=f"{{ unix:{socket_path(self.postfix)}, default_action=accept }}")
        self.assert_named("command_timeout")
        self.postfix.set(smtpd_milters=milter_words(socket_path(self.postfix), timeout="3s"))
        self.assertEqual(self.findings(), set())

    def test_socket_activation(self):
        """The daemon under systemd's socket; status looks at its settings, not at the daemon."""
        self.pq.settings["socket"] = "fd:3"
        self.pq.write_conf()
        self.postfix.set(smtpd_milters="unix:" + socket_path(self.postfix))
        self.assertIn("socket_activation", self.findings())
        self.postfix.set(smtpd_milters=self.words)
        self.assertEqual(self.findings(), set())

    def test_short_ids(self):
        self.assertIn("short_ids", self.findings("note"))
        self.postfix.set(enable_long_queue_ids="yes")
        self.assertNotIn("short_ids", self.findings("note"))

    def test_chroot(self):
        self.master("-F", f"{self.service()}/chroot=y")
        self.assert_named("socket_unreachable")
        self.master("-F", "cleanup/unix/chroot=y")
        self.assert_named("socket_unreachable")

    def test_socket_outside_the_chroot(self):
        self.pq.stop()
        self.pq.settings["socket"] = "unix:" + os.path.join(self.pq.index, "milter.sock")
        self.pq.write_conf()
        self.pq.start()
        os.chmod(self.pq.index, 0o755)
        words = milter_words(os.path.join(self.pq.index, "milter.sock"))
        self.postfix.set(smtpd_milters=words, non_smtpd_milters=words)
        self.assertEqual(self.findings(), set())
        self.master("-F", f"{self.service()}/chroot=y")
        self.assert_named("socket_unreachable")


class RelativePath(StatusCase):
    """The command that status names if some services are chrooted and some are not: a path relative to the queue."""

    def test_mail_is_recorded(self):
        words = milter_words("pqpurge/milter.sock")
        self.postfix.set(smtpd_milters=words, non_smtpd_milters=words)
        own = milter_words(socket_path(self.postfix))
        self.addCleanup(self.postfix.run, "postfix", "reload")
        self.addCleanup(self.postfix.set, smtpd_milters=own, non_smtpd_milters=own)
        self.postfix.run("postconf", "-F", f"127.0.0.1:{self.postfix.port}/inet/chroot=y")
        self.addCleanup(self.postfix.run, "postconf", "-F", f"127.0.0.1:{self.postfix.port}/inet/chroot=n")
        self.postfix.run("postfix", "reload")
        self.assertEqual(self.findings(), set())
        until(lambda: self.send("a@example.com") in self.pq.listed(BAD), "mail recorded through the chroot")
        self.postfix.sendmail("b@example.com", ["u@dest.test"], "Subject: local\n\nx\n")
        until(lambda: any(m["sender"] == "b@example.com" for m in self.pq.listed(BAD).values()), "local mail recorded")
