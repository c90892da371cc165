# SPDX-License-Identifier: ISC
"""status: what it says of daemon, index and queue, and each setting of Postfix through which mail goes by."""
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
        """The object of `status --json`; the exit status must fit what it says, and be the expected one."""
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
        self.assertEqual((told["index"]["rows"], told["unindexed"], told["gaps"]), (len(sent), 0, []))
        self.assertLessEqual(told["coverage_since"], told["index"]["oldest"])
        text = self.pq.idx("status")
        self.assertEqual(text.status, 0, text)
        for words in ("running since", "3 messages", "complete since", "0 messages not in the index", "Nothing is wrong"):
            self.assertIn(words, text.out)
        for line in text.out.splitlines():
            self.assertTrue(len(line) <= 80 or "type:" in line or self.postfix.directory in line, line)

    def test_index_is_given_its_instance(self):
        self.assertEqual(self.pq.idx("list").status, 0)
        other = Pqpurge(shared_postfix(True, "", "", "accept"))
        self.addCleanup(other.postfix.wipe)
        other.settings["index_directory"] = self.pq.index
        other.write_conf()
        for verb in (["list"], ["purge", "-y", BAD], ["hold", "-y", BAD], ["purge", "-n", BAD], ["show", "ABCDEF12345"],
                     ["block", "-y", BAD]):
            result = other.idx(*verb)
            self.assertEqual(result.status, 1, f"{verb}: {result}")
            self.assertIn("about the Postfix queue", result.err, verb)
        self.assertEqual(self.pq.idx("list").status, 0, "the right one still works")
        result = other.idx("status", "--json")
        self.assertIn("instance", {f["id"] for f in result.lines[0]["status"]["findings"]}, result)
        self.assertEqual(result.status, 2, result)

    def test_changed_hostname_is_warned_of(self):
        queue_id = self.send("a@example.com")
        self.assertEqual(self.pq.idx("list").status, 0)
        self.postfix.set(myhostname="renamed.test")
        self.addCleanup(self.postfix.set, myhostname="rig.test")
        self.assertIn("renamed", self.findings("note"))
        result = self.pq.idx("purge", "-y", BAD)
        self.assertEqual(result.status, 0, result)
        self.assertIn("renamed.test", result.err)
        self.assertNotIn(queue_id, self.postfix.ids())
        self.assertNotIn("renamed.test", self.pq.idx("list").err, "told once, then remembered")

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
        """Neither recorded nor blocked until they end: said while the daemon is down and after it came back, and only then."""
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
        lost = set(self.send_many("a@example.com", 3))
        self.postfix.settled(5)
        told = self.status(status=2)
        self.assertFalse(told["daemon"]["running"])
        self.assertEqual([g["to"] for g in told["gaps"]], [None], "a gap without an end")
        self.assertEqual((told["unindexed"], told["unindexed_in_gaps"]), (3, 3))
        self.assertLessEqual({"daemon_down", "unindexed"}, self.findings())
        result = self.pq.idx("list", BAD)
        self.assertEqual(len(result.err.splitlines()), 1, result)
        self.assertRegex(result.err, r"^3 messages in the queue are not in the index \(arrived .*not running.*--scan")
        summary = self.purge(BAD).summary
        self.assertEqual((summary["deleted"], summary["unindexed"]), (len(before), 3))
        self.assertEqual(len(summary["coverage_gaps"]), 1, summary)
        self.assertEqual(self.postfix.ids(), lost)

    def test_restart_leaves_a_gap(self):
        self.pq.stop()
        self.send("a@example.com")
        self.pq.start()
        self.postfix.settled(1)
        told = self.status(status=2)
        (gap,) = told["gaps"]
        self.assertLessEqual(gap["from"], told["unindexed_oldest"])
        self.assertLessEqual(told["unindexed_newest"], gap["to"])
        listed = self.pq.idx("list", "--json")
        self.assertEqual(listed.lines, [], "each line of a list is a message")
        self.assertRegex(listed.err, r"^1 message in the queue is not in the index \(arrived .*not running.*--scan")
        self.assertEqual(self.pq.idx("list", "--json", "-q").err, "")
        summary = self.pq.idx("purge", "-n", "--json", "--all").summary
        self.assertEqual((summary["unindexed"], len(summary["coverage_gaps"])), (1, 1))
        self.postfix.wipe()
        self.assertEqual(self.pq.idx("list", "--json").err, "", "nothing is missing any more")
        self.assertEqual(len(self.status(status=0)["gaps"]), 1, "what is past is told and is no fault")

    def test_gap_after_kill9_begins_at_the_last_sign(self):
        self.pq.kill9()
        sign = os.stat(os.path.join(self.pq.index, "run")).st_mtime
        self.send("a@example.com")
        self.assertEqual([g["from"] for g in self.status()["gaps"]], [int(sign)])
        self.pq.start()
        (gap,) = self.status()["gaps"]
        self.assertEqual(gap["from"], int(sign))
        self.assertIn("in order", gap["reason"])
        self.assertEqual(self.status()["unindexed_in_gaps"], 1)

    def test_no_heartbeat_commits(self):
        """An idle daemon touches its run file, and writes nothing."""
        run, data = (os.path.join(self.pq.index, name) for name in ("run", "data.mdb"))
        begun = os.stat(data).st_mtime_ns
        self.send("a@example.com")
        until(lambda: os.stat(data).st_mtime_ns != begun and time.time_ns() - os.stat(data).st_mtime_ns > 10 ** 9,
              "the journal's row in the store")
        touched, written = os.stat(run).st_mtime_ns, os.stat(data).st_mtime_ns
        until(lambda: os.stat(run).st_mtime_ns != touched, "a sign of life", 15)
        self.assertEqual(os.stat(data).st_mtime_ns, written)

    def test_stopped(self):
        self.pq.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.pq.process.send_signal, signal.SIGCONT)
        told = self.status(status=2)
        self.assertEqual((told["daemon"]["running"], told["daemon"]["answers"]), (True, False))
        self.assertIn("daemon_silent", {f["id"] for f in told["findings"]})

    def test_control_socket_gone(self):
        """Looked at before the daemon, which looks each second, has made it anew."""
        self.pq.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.pq.process.send_signal, signal.SIGCONT)
        os.unlink(os.path.join(self.pq.index, "control.sock"))
        self.assertIn("daemon_silent", self.findings())

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

    def test_damaged_index(self):
        self.send("a@example.com")
        self.pq.stop()
        with open(os.path.join(self.pq.index, "data.mdb"), "r+b") as file:
            file.write(b"\xa5" * 8192)
        self.assertIn("index_unreadable", self.findings())


class Bounces(StatusCase):
    main = "transport_maps = inline:{bounce.test=error:5.1.1_no}\n"

    def test_are_no_fault(self):
        for _ in range(2):
            self.postfix.sendmail("a@example.com", ["u@bounce.test"], "Subject: x\n\nx\n")
        until(lambda: len(self.postfix.log().split("sender non-delivery notification")) > 2, "two bounces")
        self.postfix.settled(2)
        told = self.status(status=0)
        self.assertEqual((told["unindexed"], told["unindexed_bounces"]), (2, 2))
        result = self.pq.idx("list")
        self.assertRegex(result.err, r"^2 messages in the queue are not in the index \(.*2 are bounces")


class Bypassed(StatusCase):
    """Mail that came over SMTP although no milter saw its end is told apart from what Postfix passes on itself."""

    main = ("mydestination = here.test\nalias_maps = inline:{fwd=u@dest.test}\n"
            "header_checks = regexp:{{/^X-Spam: yes/ REDIRECT spam@dest.test}}\n")

    def assert_told(self, unindexed, bypassed):
        told = self.status(status=2)  # for REDIRECT
        self.assertEqual((told["unindexed"], told["unindexed_bypassed"], told["unindexed_bounces"], told["unindexed_in_gaps"]),
                         (unindexed, bypassed, 0, 0), told["findings"])
        return {f["id"] for f in told["findings"]}

    def test_redirected(self):
        self.send("a@example.com", text="Subject: x\nX-Spam: yes\n\nx\n")
        self.postfix.settled(1)
        found = self.assert_told(1, 1)
        self.assertIn("bypassed", found)
        self.assertNotIn("unindexed_other", found)

    def test_session_that_outlived_the_daemon(self):
        with self.postfix.smtp() as client:
            client.message("a@example.com", "u@dest.test", content())
            self.pq.stop()
            client.message("a@example.com", "u@dest.test", content())
            self.pq.start()
            client.message("a@example.com", "u@dest.test", content())
        self.postfix.settled(3)
        told = self.status()
        self.assertEqual((told["unindexed"], told["unindexed_in_gaps"], told["unindexed_bypassed"]), (2, 1, 1), told["gaps"])

    def test_requeued(self):
        old = self.send("a@example.com")
        self.postfix.settled(1)
        self.postfix.postsuper("-r", "ALL")
        self.postfix.wake_pickup()
        until(lambda: self.postfix.ids() not in ({old}, set()), "a new queue ID")
        self.postfix.settled(1)
        self.assertIn("unindexed_other", self.assert_told(1, 0))

    def test_forwarded(self):
        self.send("a@example.com", "fwd@here.test")
        until(lambda: any(file.recipients == ["u@dest.test"] for file in self.postfix.read().values()), "the forwarded mail")
        self.postfix.settled(1)
        found = self.assert_told(1, 0)
        self.assertIn("unindexed_other", found)
        self.assertNotIn("bypassed", found)


class Misconfigured(StatusCase):
    """Each wrong setting is named, with what to type; that, typed, puts it right."""

    def setUp(self):
        super().setUp()
        for name in ("main.cf", "master.cf"):
            path = os.path.join(self.postfix.etc, name)
            shutil.copy(path, path + ".saved")
            self.addCleanup(os.rename, path + ".saved", path)
        self.words = milter_words(socket_path(self.postfix))

    def assert_named(self, finding, *, cured=True):
        """status names it, and what it says to type cures it."""
        found = [f for f in self.status(status=2)["findings"] if f["id"] == finding]
        self.assertTrue(found, f"{finding} is not among {self.status()['findings']}")
        for one in found:
            self.assertTrue(one["text"] and one["command"], one)
            self.assertIn(one["command"], self.pq.idx("status").out)
            if cured:
                subprocess.run(one["command"], shell=True, check=True, capture_output=True, timeout=60)
        if cured:
            self.assertNotIn(finding, self.findings(), found)

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
        self.assert_named("no_milters")
        self.master("-P", f"{self.service()}/receive_override_options=no_milters")
        self.assert_named("no_milters")
        self.postfix.set(receive_override_options="no_milters")
        self.assert_named("no_milters")

    def test_reinjection_without_milters(self):
        with open(os.path.join(self.postfix.etc, "master.cf"), "a", encoding="utf-8") as file:
            file.write("127.0.0.1:10025 inet n - n - 10 smtpd\n"
                       "  -o content_filter=\n  -o receive_override_options=no_header_body_checks,no_milters\n")
        self.assert_named("no_milters")

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
        self.assert_named("proxy_filter")

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
        self.assert_named("command_timeout")

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
    """What status says to type where some services are chrooted and some are not: a path relative to the queue."""

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
