# SPDX-License-Identifier: ISC
"""The command's contract, word for word: exit statuses, refusals, the JSON summary."""
import grp
import json
import os
import re
import subprocess
import tempfile
import unittest

from case import BAD, RigCase
from pqpurge import BUILD, MILTER, TOP

SUMMARY = {"matched", "deleted", "gone", "changed", "unproven", "failed", "from_queue", "joined", "unjoined", "unreadable",
           "batch"}
KEYS = {"socket", "socket_group", "socket_mode", "policy_socket", "user", "index_directory", "state_directory", "index_map_size", "rules_file",
        "postfix_config_directory", "postsuper_jobs", "log", "login_case", "own_networks", "record_subject", "max_recipients",
        "policy_socket", "origin", "order_directory", "standing_directory", "operator_group", "operator_allow", "hook_user",
        "fleet", "fleet_name", "fleet_user", "fleet_allow", "fleet_max_messages",
        "flood_watch", "flood_exempt", "flood_hook"}
SHIPPED = os.path.join(TOP, "conf/pqpurge.conf")


class Refusals(RigCase):
    """A command line that is not understood changes nothing and exits 1."""

    def setUp(self):
        super().setUp()
        self.sent = set(self.send_many("a@example.com", 3))
        self.postfix.settled(3)

    def refused(self, *args, **options):
        result = self.pq.idx(*args, **options)
        self.assertEqual(result.status, 1, f"{args}: {result}")
        self.assertEqual(self.postfix.ids(), self.sent, f"{args} changed the queue")
        self.assertTrue(result.err.strip(), f"{args}: nothing said on stderr")
        return result

    def test_unknown_verb(self):
        self.assertIn("purge", self.refused("purg", "example.com").err)

    def test_mistyped_verb(self):
        self.assertIn("list", self.refused("lst").err)
        self.refused("lst", "-y")
        self.refused("purgee", "-y", "--all")

    def test_words_of_habit(self):
        """Words of other commands or of our rules are answered with the right words."""
        for words, answer in ((("help",), "'--help'"), (("example.com", "list"), "the verb comes first"),
                              (("purge", "-y", "login:joe"), "--login joe"),
                              (("purge", "-y", "login:joe@example.com"), "--login joe@example.com"),
                              (("purge", "-y", "client:192.0.2.0/24"), "--client 192.0.2.0/24")):
            self.assertIn(answer, self.refused(*words).err, words)

    def test_no_pattern(self):
        for verb in ("purge", "hold", "release"):
            self.refused(verb)
            self.refused(verb, "-y")
        self.refused("-y")

    def test_all_without_a_terminal_needs_yes(self):
        self.refused("purge", "--all")

    def test_unknown_option(self):
        self.refused("purge", "--no-such-option", BAD)

    def test_bad_values(self):
        for words in (("--older", "tomorrow"), ("--larger", "big"), ("--client", "300.1.1.1"), ("--client", "192.0.2.0/40"),
                      ("--queue", "nowhere"), ("--limit", "-1"), ("--limit", "x")):
            self.refused("purge", "-y", BAD, *words)

    def test_bad_pattern(self):
        self.refused("purge", "-y", "/unclosed(/")

    def test_bad_pattern_among_good_ones(self):
        self.refused("purge", "-y", BAD, "/unclosed(/")

    def test_only_without_recipient(self):
        self.refused("purge", "-y", BAD, "--only")

    def test_block_with_recipient(self):
        self.refused("purge", "-y", "--block", "--recipient", BAD)

    def test_fleet_words(self):
        """A wrong word is reported as such, even if no database can be reached."""
        for words, answer in (((), "hosts, orders"), (("host",), "hosts, orders"), (("order",), "number of one order"),
                              (("order", "x"), "number of one order"), (("cancel", "1", "2"), "no word '2'"), (("add",), "one name"),
                              (("hosts", "mx1"), "no word 'mx1'")):
            self.assertIn(answer, self.refused("fleet", *words).err, words)
        for option in "--wait", "--expire":
            self.assertIn("--fleet", self.refused("purge", "-y", BAD, option, "1m").err)

    def test_not_root(self):
        self.refused("purge", "-y", BAD, user="nobody", extra_groups=[], group="nogroup")

    def test_gone_options(self):
        """Options of the first edition delete nothing by mistake."""
        for words in ("purge", "-y", "--scan", BAD), ("list", "--scan"), ("sync", "--add"), ("sync", "--prove"):
            self.refused(*words)

    def test_no_configuration(self):
        self.pq.conf = "/nonexistent/pqpurge.conf"
        self.refused("purge", "-y", BAD)

    def test_bad_configuration(self):
        with open(self.pq.conf, "a", encoding="ascii") as file:
            file.write('no_such_key = "x"\n')
        line = sum(1 for _ in open(self.pq.conf, encoding="ascii"))
        self.assertIn(f"{self.pq.conf}:{line}:", self.refused("purge", "-y", BAD).err)


class Summary(RigCase):
    def test_purge(self):
        sent = self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        result = self.purge(BAD, "--reason", "ticket 4711")
        self.assertLessEqual(SUMMARY, set(result.summary))
        batch = result.summary.pop("batch")
        self.assertGreater(batch, 0)
        self.assertEqual({k: result.summary[k] for k in SUMMARY - {"batch"}},
                         {**dict.fromkeys(SUMMARY - {"batch"}, 0), "matched": 3, "deleted": 3})
        self.assertEqual(set(result.lines[-1]), {"summary"})
        self.assertEqual(set(result.messages), set(sent))
        log = self.pq.idx("log")
        self.assertEqual(log.status, 0, log)
        self.assertRegex(log.out, rf"\b{batch}\b")
        self.assertIn("ticket 4711", log.out)

    def test_nothing_matched(self):
        result = self.purge("nobody.test")
        self.assertEqual(len(result.lines), 1, result)
        self.assertLessEqual(SUMMARY - {"batch"}, set(result.summary))
        self.assertEqual(result.summary["matched"], 0)

    def test_nothing_matched_text(self):
        result = self.pq.idx("purge", "-y", "nobody.test")
        self.assertEqual(result.status, 0, result)

    def test_dry_run(self):
        self.send("a@example.com")
        self.postfix.settled(1)
        summary = self.pq.idx("purge", "-n", "--json", BAD).summary
        self.assertEqual((summary["would_delete"], summary["matched"]), (1, 1))
        self.assertNotIn("batch", summary)

    def test_hold_and_release(self):
        sent, other = set(self.send_many("a@example.com", 3)), self.send("a@good.test")
        self.postfix.settled(4)
        dry = self.pq.idx("hold", "-n", "--json", BAD)
        self.assertEqual((dry.with_result("would-hold"), dry.summary["would_hold"]), (sent, 3), dry)
        held = self.pq.idx("hold", "-y", "--json", BAD)
        self.assertEqual((held.status, held.with_result("held"), held.summary["held"]), (0, sent, 3), held)
        self.assertEqual({f.queue_id for f in self.postfix.read().values() if f.queue == "hold"}, sent)
        dry = self.pq.idx("release", "-n", "--json", BAD)
        self.assertEqual((dry.with_result("would-release"), dry.summary["would_release"]), (sent, 3), dry)
        released = self.pq.idx("release", "-y", "--json", BAD)
        self.assertEqual((released.status, released.with_result("released"), released.summary["released"]),
                         (0, sent, 3), released)
        self.assertFalse([f for f in self.postfix.read().values() if f.queue == "hold"])
        self.assertEqual(self.postfix.ids(), sent | {other})

    def test_limit_is_the_oldest(self):
        """The limit counts messages with something to do: those held already do not count."""
        ids = self.send_many("a@example.com", 4)
        self.postfix.settled(4)
        for held in ids[:2], ids[2:]:
            result = self.pq.idx("hold", "-y", "--json", "--limit", "2", BAD)
            self.assertEqual((result.status, result.with_result("held")), (0, set(held)), result)
        result = self.pq.idx("release", "-y", "--json", "--limit", "3", BAD)
        self.assertEqual((result.status, result.with_result("released")), (0, set(ids[:3])), result)

    def test_release_leaves_what_others_hold(self):
        ours, theirs = self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        self.postfix.postsuper("-h", theirs)
        self.assertEqual(self.pq.idx("hold", "-y", "--id", ours).status, 0)
        self.pq.idx("release", "-y", BAD)
        self.assertEqual({f.queue_id for f in self.postfix.read().values() if f.queue == "hold"}, {theirs})
        result = self.pq.idx("release", "-y", "--foreign", BAD)
        self.assertEqual(result.status, 0, result)
        self.assertFalse([f for f in self.postfix.read().values() if f.queue == "hold"])

    def test_every_line_is_json(self):
        self.send('"q\\"uote"@example.com', text=self.odd_content())
        self.postfix.settled(1)
        for words in (("list", "--json", BAD), ("rules", "--json"), ("purge", "-y", "--json", BAD), ("log", "--json")):
            for line in self.pq.idx(*words).out.splitlines():
                self.assertIsInstance(json.loads(line), dict, words)

    @staticmethod
    def odd_content():
        return b'From: "\xff\xfe\x1b[31m" <a@example.com>\nMessage-ID: <\xe9"\\@x>\nSubject: \x07\n\nx\n'

    def test_control_characters_do_not_reach_the_terminal(self):
        self.send("a@example.com", text=self.odd_content())
        self.postfix.settled(1)
        for words in (("list", BAD), ("show", *self.postfix.ids()), ("purge", "-n", BAD)):
            self.assertNotRegex(self.pq.idx(*words).out, r"[\x00-\x08\x0b-\x1f\x7f]", words)


class Verbs(RigCase):

    def test_show(self):
        queue_id = self.send("a@example.com", ["u@dest.test"])
        self.postfix.settled(1)
        result = self.pq.idx("show", queue_id)
        self.assertEqual(result.status, 0, result)
        for word in (queue_id, "a@example.com", "u@dest.test", "deferred", "127.0.0.1"):
            self.assertIn(word, result.out)

    def test_help_and_version(self):
        self.assertRegex(self.pq.idx("--help").out, r"(?i)usage")


class Install(unittest.TestCase):
    """`make install`: the places of files, and a configuration stays as its admin left it."""

    def install(self, root, *words):
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        subprocess.run(["make", "-s", "-C", TOP, "BUILD=" + os.path.relpath(BUILD, TOP), "DESTDIR=" + root, *words],
                       check=True, env=environment, stdout=subprocess.DEVNULL)

    def test_install_and_uninstall(self):
        with tempfile.TemporaryDirectory() as root:
            self.install(root, "install")
            configured = ["etc/pqpurge/pqpurge.conf", "etc/pqpurge/rules"]
            programs = ["usr/local/sbin/pqpurge-milter", "usr/local/sbin/pqpurge-idx"]
            manuals = [f"usr/local/share/man/man{page[-1]}/{page}" for page in (
                "pqpurge-milter.8", "pqpurge-idx.8", "pqpurge.conf.5", "pqpurge-rules.5")]
            unit = "usr/local/lib/systemd/system/pqpurge-milter.service"
            for path in configured + programs + manuals + [unit]:
                self.assertTrue(os.path.isfile(os.path.join(root, path)), path)
            for path in programs:
                self.assertTrue(os.access(os.path.join(root, path), os.X_OK), path)
            with open(os.path.join(root, unit), encoding="ascii") as file:
                self.assertIn("ExecStart=/usr/local/sbin/pqpurge-milter", file.read())
            for path in configured:
                with open(os.path.join(root, path), "w", encoding="ascii") as file:
                    file.write("# mine\n")
            self.install(root, "install")
            self.install(root, "uninstall")
            for path in configured:
                with open(os.path.join(root, path), encoding="ascii") as file:
                    self.assertEqual(file.read(), "# mine\n", path)
            left = [os.path.join(at, name) for at, _, names in os.walk(root) for name in names]
            self.assertEqual(set(left), {os.path.join(root, path) for path in configured})

    def test_prefix(self):
        with tempfile.TemporaryDirectory() as root:
            self.install(root, "install", "PREFIX=/usr")
            self.assertTrue(os.access(os.path.join(root, "usr/sbin/pqpurge-idx"), os.X_OK))
            self.assertTrue(os.path.isfile(os.path.join(root, "usr/share/man/man8/pqpurge-idx.8")))
            self.assertFalse(os.path.exists(os.path.join(root, "usr/local")))


class Configuration(RigCase):
    starts_daemon = False

    def milter(self, *args):
        return subprocess.run([MILTER, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def test_check(self):
        done = self.milter("-n", "-c", self.pq.conf)
        self.assertEqual((done.returncode, "configuration OK" in done.stdout + done.stderr), (0, True), done)

    def test_shipped_configuration(self):
        done = self.milter("-n", "-c", SHIPPED)
        self.assertEqual((done.returncode, "configuration OK" in done.stdout + done.stderr), (0, True), done)

    def test_shipped_configuration_names_every_key(self):
        with open(SHIPPED, encoding="utf-8") as file:
            shipped = set(re.findall(r"(?m)^#?([a-z_]+) = ", file.read()))
        self.assertEqual(shipped, KEYS)

    def test_shipped_values_are_the_defaults(self):
        """Every key without its comment sign is accepted, too."""
        with open(SHIPPED, encoding="utf-8") as file:
            text = re.sub(r"(?m)^#([a-z_]+ = )", r"\1", file.read())
        path = os.path.join(self.pq.home, "full.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = self.milter("-n", "-c", path)
        self.assertEqual(done.returncode, 0, done)

    def test_bad_values(self):
        for line in ("no_such_key = 1", 'commit = "sync"', 'login_case = "some"', 'own_networks = "300.1.1.1"', "max_recipients = 0", 'index_map_size = "1"',
                     'commit_timeout = "1s"', 'on_index_error = "accept"', 'state_directory = "here"', "socket_mode = 99999", 'user = "a', 'socket = "tcp:1"', "origin =",
                     'user = "no-such-user"', 'socket_group = "no-such-group"', 'rules_file = "rules"'):
            path = os.path.join(self.pq.home, "bad.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write("# first line\n" + line + "\n")
            done = self.milter("-n", "-c", path)
            self.assertEqual(done.returncode, 1, (line, done))
            self.assertIn(f"{path}:2:", done.stdout + done.stderr, line)

    def test_bad_rules(self):
        self.pq.write_rules("good.example REJECT\nbad.example EXPLODE\n")
        done = self.milter("-n", "-c", self.pq.conf)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(f"{self.pq.rules}:2:", done.stdout + done.stderr)

    def test_start_fails_on_a_bad_configuration(self):
        self.pq.settings["login_case"] = "sometimes"
        self.pq.write_conf()
        done = self.milter("-c", self.pq.conf)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(self.pq.conf, done.stderr)

    def test_socket(self):
        """Postfix's group may use it, others may not."""
        self.pq.start()
        info = os.stat(self.pq.settings["socket"].partition(":")[2])
        self.assertEqual(oct(info.st_mode & 0o777), "0o660")
        self.assertEqual(grp.getgrgid(info.st_gid).gr_name, "postfix")

    def test_runs_as_user(self):
        self.pq.start()
        with open(f"/proc/{self.pq.process.pid}/status", encoding="ascii") as file:
            status = file.read()
        self.assertRegex(status, r"Uid:\s+65534\s+65534\s+65534\s+65534")
        self.assertRegex(status, r"CapEff:\s+0+\n")

    def test_index_directory_made_by_root(self):
        """An empty directory as `mkdir` leaves it is given to the user; one in use keeps its owner."""
        os.rmdir(self.pq.index)
        os.mkdir(self.pq.index)
        self.pq.start()
        ours = self.send("a@example.com")
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)
        self.assertEqual(self.pq.stop(), 0, self.pq.log())
        os.chown(self.pq.index, 0, 0)
        self.pq.start()
        self.assertEqual(os.stat(self.pq.index).st_uid, 0)

    def test_without_root(self):
        """As its unit starts it: never root, in group postfix, the socket's directory setgid."""
        self.pq.start(prefix=("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=postfix"))
        info = os.stat(self.pq.settings["socket"].partition(":")[2])
        self.assertEqual((oct(info.st_mode & 0o777), grp.getgrgid(info.st_gid).gr_name), ("0o660", "postfix"))
        ours = self.send("a@example.com")
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)
        self.assertEqual(self.pq.stop(), 0, self.pq.log())
