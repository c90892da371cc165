# SPDX-License-Identifier: ISC
"""metrics: numbers for Prometheus. They are right on real mail, whatever is down and whoever sent it, and a real
Prometheus reads them through a real node_exporter."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

from case import BAD, RigCase, both_ids_at_length
from pqpurge import TOP
from rig import free_port, until
from smtp import content

RULES = os.path.join(TOP, "conf/prometheus/pqpurge.rules.yml")
ALERTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "alerts.test.yml")
UNIT = os.path.join(TOP, "conf/pqpurge-metrics.service")
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?\d+)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"')
QUEUES = {"maildrop", "incoming", "active", "deferred", "hold"}
KINDS = {"login", "local", "sender", "client", "domain", "xdomain", "bounce"}


def need(*tools):
    """Without these tools the tests fail, since a skipped test proves nothing."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise AssertionError(f"missing: {' '.join(missing)} ('tests/deps.sh test' installs what is needed)")


def unescaped(text):
    return re.sub(r'\\(.)', lambda found: "\n" if found[1] == "n" else found[1], text)


def parsed(text):
    """{name: {label values in the order of their names: value}}; fails on a line in another format."""
    found, typed = {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            typed = line.split()[2]
            found[typed] = {}
        if line.startswith("# "):
            continue
        match = SAMPLE.fullmatch(line)
        if not match or match[1] != typed:
            raise AssertionError(f"no sample of {typed}: {line!r}")
        labels = tuple(unescaped(value) for _, value in sorted(LABEL.findall(match[2] or "")))
        if labels in found[typed]:
            raise AssertionError(f"twice: {line!r}")
        found[typed][labels] = int(match[3])
    return found


class MetricsCase(RigCase):
    settings = {"flood_watch": "warn"}

    @classmethod
    def setUpClass(cls):
        need("promtool")

    def text(self, *args, status=0, **options):
        """The output of metrics, which promtool accepts."""
        result = self.pq.idx("metrics", *args, **options)
        self.assertEqual(result.status, status, result)
        checked = subprocess.run(["promtool", "check", "metrics"], input=result.out, capture_output=True, text=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""), result.out)
        return result.out

    def metrics(self, *args, **options):
        return parsed(self.text(*args, **options))

    def one(self, name, *labels):
        return self.metrics()[name][tuple(labels)]


class Rules(unittest.TestCase):
    """The alerts: promtool's check, and their text for invented series."""

    def setUp(self):
        need("promtool")
        self.directory = tempfile.mkdtemp(prefix="pqpurge-rules.")
        self.addCleanup(shutil.rmtree, self.directory)

    def promtool(self, *words):
        return subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)

    def test_of_rules(self):
        with open(ALERTS, encoding="utf-8") as file:
            text = file.read().replace("RULES", RULES)
        path = os.path.join(self.directory, "test.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = self.promtool("test", "rules", path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_check(self):
        done = self.promtool("check", "rules", RULES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert(self):
        """Each one is tested, says what to type, and uses no label in that: labels may be strangers' words."""
        with open(RULES, encoding="utf-8") as file:
            rules = file.read().split("- alert: ")[1:]
        with open(ALERTS, encoding="utf-8") as file:
            tests = file.read()
        self.assertGreaterEqual(len(rules), 5)
        for rule in rules:
            name = rule.split()[0]
            typed, = re.findall(r'^ +type: "(.*)"$', rule, re.MULTILINE)
            self.assertNotIn("{{", typed, name)
            self.assertRegex(typed, r"\b(pqpurge-idx|systemctl) [a-z]", name)
            fires = re.search(rf"alertname: {name}\n +exp_alerts:", tests)
            self.assertTrue(fires, f"no test in which {name} fires")
            self.assertIn(f"alertname: {name}}}", tests, f"no test in which {name} is silent")


@both_ids_at_length
class Mail(MetricsCase):
    def test_nothing_yet(self):
        """Each name of the contract is there from the first day, at 0, so that Prometheus sees the first rise."""
        self.pq.idx("sync")
        found = self.metrics()
        self.assertEqual(found["pqpurge_queue_messages"], {(queue,): 0 for queue in QUEUES})
        self.assertEqual(found["pqpurge_floods_open"], {(kind,): 0 for kind in KINDS})
        self.assertEqual(found["pqpurge_refused_total"], {(action,): 0 for action in ("reject", "defer", "discard", "hold")})
        results = {("deleted", "purge"), ("held", "hold"), ("released", "release"), ("released", "undo"), ("retried", "retry")}
        self.assertLessEqual(results, set(found["pqpurge_batch_messages_total"]))
        self.assertEqual(set(found["pqpurge_batch_messages_total"].values()), {0})
        for name, value in {"pqpurge_up": 1, "pqpurge_postfix_up": 1, "pqpurge_accepted_total": 0, "pqpurge_index_rows": 0, "pqpurge_rules": 0,
                            "pqpurge_queue_oldest_seconds": 0, "pqpurge_rules_applied": 1, "pqpurge_queue_readable": 1}.items():
            self.assertEqual(found[name], {(): value}, name)
        self.assertAlmostEqual(found["pqpurge_last_sync_timestamp_seconds"][()], time.time(), delta=60)
        self.assertEqual(found["pqpurge_queue_domain_messages"], {})

    def test_queue_and_answers(self):
        held = self.send_many("b@good.test", 2)
        self.send_many("a@example.com", 5)
        self.send("")
        self.postfix.settled(8)
        self.postfix.postsuper("-h", "-", ids=held)
        for words in (["block", "bad.test"], ["block", "--action", "DEFER", "slow.test"], ["block", "--action", "HOLD", "odd.test"],
                      ["block", "--action", "DISCARD", "lost.test"]):
            self.assertEqual(self.pq.idx(*words).status, 0)
        with self.postfix.smtp() as client:
            for sender, code in (("x@bad.test", 550), ("y@bad.test", 550), ("x@slow.test", 451)):
                self.assertEqual(client.mail(sender)[0], code)
                client.command("RSET")
        self.send("x@odd.test")
        self.send("x@lost.test")
        self.postfix.settled(9)
        found = self.metrics()
        by_queue = dict.fromkeys(QUEUES, 0)
        for message in self.postfix.queue():
            by_queue[message["queue_name"]] += 1
        self.assertEqual((by_queue["hold"], by_queue["deferred"]), (3, 6))
        self.assertEqual(found["pqpurge_queue_messages"], {(queue,): n for queue, n in by_queue.items()})
        self.assertEqual(found["pqpurge_queue_domain_messages"], {(BAD,): 5, ("good.test",): 2, ("<>",): 1, ("odd.test",): 1})
        self.assertEqual(found["pqpurge_refused_total"], {("reject",): 2, ("defer",): 1, ("discard",): 1, ("hold",): 1})
        self.assertEqual(found["pqpurge_accepted_total"], {(): 9})
        self.assertEqual(found["pqpurge_rules"], {(): 4})

    def test_oldest(self):
        queue_id = self.send("a@example.com")
        self.send("b@good.test")
        self.postfix.settled(2)
        arrival = {m["queue_id"]: m["arrival_time"] for m in self.postfix.queue()}[queue_id]
        age = time.time() - arrival
        self.assertAlmostEqual(self.one("pqpurge_queue_oldest_seconds"), age, delta=60)

    def test_maildrop(self):
        """Mail in maildrop counts, although only its submitter may read it."""
        self.postfix.stop()
        try:
            self.postfix.sendmail("a@example.com", ["u@dest.test"], "Subject: x\n\nx\n")
            self.assertEqual(self.one("pqpurge_queue_messages", "maildrop"), 1)
        finally:
            self.postfix.start()
        self.postfix.settled(1)

    def test_most_mail_first(self):
        for n in range(13):
            self.send_many(f"a@d{n}.test", 2 if n < 9 else 1)
        self.postfix.settled(22)
        found = self.metrics()["pqpurge_queue_domain_messages"]
        self.assertEqual(len(found), 10)
        self.assertEqual({name for name, n in found.items() if n == 2}, {(f"d{n}.test",) for n in range(9)})

    def test_batches(self):
        """From the account: no restart and no loss of the index lowers them."""
        self.send_many("a@example.com", 4)
        self.send_many("b@good.test", 3)
        self.postfix.settled(7)
        self.purge(BAD)
        self.assertEqual(self.pq.idx("hold", "-y", "good.test").status, 0)
        batch = self.pq.account()[-1]["end"]
        self.assertEqual(self.pq.idx("undo", "-y", str(batch)).status, 0)
        done = {("deleted", "purge"): 4, ("held", "hold"): 3, ("released", "undo"): 3}
        for end in (None, self.pq.stop, self.pq.forget, self.pq.start):
            if end:
                end()
            found = self.metrics()
            self.assertEqual({k: v for k, v in found["pqpurge_batch_messages_total"].items() if v}, done, end)
            self.assertEqual({k: v for k, v in found["pqpurge_batches_total"].items() if v}, {("purge",): 1, ("hold",): 1, ("undo",): 1})

    def test_json(self):
        self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        result = self.pq.idx("metrics", "--json")
        self.assertEqual(result.status, 0, result)
        lines = {(line["name"], *(v for _, v in sorted(line["labels"].items()))): line["value"] for line in result.lines}
        self.assertEqual(lines["pqpurge_queue_domain_messages", BAD], 2)
        self.assertEqual(lines["pqpurge_queue_messages", "deferred"], 2)
        names = {(name, *labels) for name, samples in self.metrics().items() for labels in samples}
        self.assertEqual(set(lines), names)


class Floods(MetricsCase):
    def test_open_and_over(self):
        with self.postfix.smtp() as client:
            client.xclient(LOGIN="joe", ADDR="198.51.100.7")
            for _ in range(101):
                client.message("joe@example.com", "u@dest.test", content())
        until(lambda: self.pq.idx("floods", "--json").lines, "an incident")
        self.assertEqual(self.metrics()["pqpurge_floods_open"], {(kind,): int(kind == "login") for kind in KINDS})
        self.assertEqual(self.pq.idx("floods", "--normal", "1").status, 0)
        self.assertEqual(set(self.metrics()["pqpurge_floods_open"].values()), {0})


class Troubles(MetricsCase):
    """A failed part is reported. Unknown numbers are left out, and the rest is there."""

    def setUp(self):
        super().setUp()
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.assertEqual(self.pq.idx("sync").status, 0)

    def assert_queue(self, found):
        self.assertEqual(found["pqpurge_queue_messages"][("deferred",)], 3)
        self.assertEqual(found["pqpurge_queue_domain_messages"], {(BAD,): 3})

    def test_daemon_down(self):
        for end in self.pq.stop, self.pq.start, self.pq.kill9:
            end()
            found = self.metrics()
            up = self.pq.process is not None
            self.assertEqual(found["pqpurge_up"], {(): int(up)})
            self.assertEqual(found["pqpurge_rules_applied"], {(): int(up)})
            self.assertEqual("pqpurge_accepted_total" in found, up)
            self.assertEqual("pqpurge_floods_open" in found, up)
            self.assertEqual(found["pqpurge_index_rows"], {(): 3})
            self.assert_queue(found)

    def test_daemon_silent(self):
        os.kill(self.pq.process.pid, signal.SIGSTOP)
        try:
            found = self.metrics()
        finally:
            os.kill(self.pq.process.pid, signal.SIGCONT)
        self.assertEqual(found["pqpurge_up"], {(): 0})
        self.assertNotIn("pqpurge_index_rows", found)
        self.assert_queue(found)

    def test_counters_begin_again(self):
        self.assertEqual(self.one("pqpurge_accepted_total"), 3)
        self.pq.stop()
        self.pq.start()
        self.assertEqual(self.one("pqpurge_accepted_total"), 0)
        self.send("a@example.com")
        self.assertEqual(self.one("pqpurge_accepted_total"), 1)

    def test_no_index(self):
        self.pq.stop()
        shutil.rmtree(self.pq.index)
        found = self.metrics()
        self.assertNotIn("pqpurge_index_rows", found)
        self.assertNotIn("pqpurge_last_sync_timestamp_seconds", found)
        self.assert_queue(found)

    def test_no_account(self):
        self.pq.stop()
        shutil.rmtree(self.pq.state)
        found = self.metrics()
        self.assertEqual(set(found["pqpurge_batch_messages_total"].values()), {0})
        self.assert_queue(found)

    def test_postfix_down(self):
        self.postfix.stop()
        try:
            found = self.metrics()
        finally:
            self.postfix.start()
        self.assertEqual(found["pqpurge_postfix_up"], {(): 0})
        self.assertGreaterEqual(found["pqpurge_findings"][("fault",)], 1)
        self.assert_queue(found)

    def test_queue_not_there(self):
        """A spool that is not mounted is not an empty one."""
        deferred = os.path.join(self.postfix.spool, "deferred")
        self.postfix.stop()
        try:
            os.rename(deferred, deferred + ".away")
            result = self.pq.idx("metrics")
            found = parsed(result.out)
        finally:
            os.rename(deferred + ".away", deferred)
            self.postfix.start()
        self.assertEqual(result.status, 2, result)
        self.assertIn("queue could not be read", result.err)
        self.assertEqual(found["pqpurge_queue_readable"], {(): 0})
        self.assertNotIn("pqpurge_queue_messages", found)
        self.assertEqual(found["pqpurge_up"], {(): 1})

    def test_unreadable_file(self):
        path = self.postfix.find(sorted(self.postfix.ids())[0])
        with open(path, "r+b") as file:
            file.write(b"?" * 16)
        self.pq.stop()
        self.pq.forget()
        self.assertEqual(self.one("pqpurge_queue_unreadable"), 1)

    def test_rules_file_wrong(self):
        self.pq.write_rules("nonsense of a rule\n")
        self.pq.reload()
        until(lambda: self.metrics()["pqpurge_rules_applied"] == {(): 0}, "rules that are not applied")

    def test_past_the_milter(self):
        self.postfix.set(smtpd_milters="")
        self.addCleanup(self.postfix.configure)
        found = self.metrics()
        self.assertEqual((found["pqpurge_up"], found["pqpurge_rules_applied"]), ({(): 1}, {(): 0}))

    def test_it_only_looks(self):
        """Its own catch-up would hide that there is no other. It does not tell the index what it read."""
        before = self.metrics()["pqpurge_last_sync_timestamp_seconds"]
        self.pq.stop()
        self.send_many("c@unseen.test", 2)
        self.postfix.settled(5)
        self.pq.start()
        for _ in range(2):
            found = self.metrics()
            self.assertEqual(found["pqpurge_queue_domain_messages"], {(BAD,): 3, ("unseen.test",): 2})
            self.assertEqual(found["pqpurge_index_rows"], {(): 3})
            self.assertEqual(found["pqpurge_last_sync_timestamp_seconds"], before)
        self.assertEqual(self.pq.idx("sync", "--json").lines[0]["sync"]["added"], 2)

    def test_with_what_its_unit_leaves_it(self):
        with open(UNIT, encoding="ascii") as file:
            line, = (line for line in file if line.startswith("CapabilityBoundingSet="))
        kept = ",".join("+" + word.lower().removeprefix("cap_") for word in line.partition("=")[2].split())
        prefix = ["setpriv", "--bounding-set", "-all," + kept, "--no-new-privs"]
        for owner in 0, 65534:
            directory = tempfile.mkdtemp(dir=self.pq.home)
            os.chown(directory, owner, owner)
            path = os.path.join(directory, "pqpurge.prom")
            result = self.pq.idx("metrics", "--quiet", "-o", path, prefix=prefix)
            self.assertEqual((result.status, result.out, result.err), (0, "", ""))
            with open(path, encoding="utf-8") as file:
                found = parsed(file.read())
            self.assertEqual(found["pqpurge_postfix_up"], {(): 1})
            self.assert_queue(found)


class File(MetricsCase):
    """-o FILE."""

    def setUp(self):
        super().setUp()
        self.directory = tempfile.mkdtemp(dir=self.pq.home)
        self.path = os.path.join(self.directory, "pqpurge.prom")

    def write(self, path=None, status=0):
        result = self.pq.idx("metrics", "-o", path or self.path)
        self.assertEqual(result.status, status, result)
        self.assertEqual(result.out, "", result)
        return result.err

    def test_replaced(self):
        for _ in range(2):
            self.write()
            info = os.stat(self.path)
            self.assertEqual((info.st_mode & 0o7777, info.st_uid), (0o644, 0))
            self.assertEqual(os.listdir(self.directory), ["pqpurge.prom"])
        with open(self.path, encoding="utf-8") as file:
            self.assertEqual(parsed(file.read())["pqpurge_up"], {(): 1})

    def test_whole_for_every_reader(self):
        """A reader always sees a whole file: its last line is always of the same metric."""
        self.send("a@example.com")
        self.postfix.settled(1)
        self.write()
        over, broken, reads = threading.Event(), [], [0]

        def read():
            while not over.is_set():
                with open(self.path, encoding="utf-8") as file:
                    text = file.read()
                reads[0] += 1
                if not text.endswith('pqpurge_queue_domain_messages{domain="example.com"} 1\n'):
                    broken.append(text)
        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(10):
            self.write()
        over.set()
        reader.join()
        self.assertEqual(broken, [])
        self.assertGreater(reads[0], 10)

    def test_a_link_of_a_stranger(self):
        """In a stranger's directory a link, as the file or on the way, leads root nowhere."""
        os.chown(self.directory, 65534, 65534)
        victim = os.path.join(self.pq.home, "victim")
        os.mkdir(victim)
        with open(os.path.join(victim, "kept"), "w", encoding="ascii") as file:
            file.write("kept")
        os.symlink(os.path.join(victim, "kept"), self.path)
        os.symlink(victim, os.path.join(self.directory, "way"))
        self.assertIn("not a regular file", self.write(status=1))
        self.assertIn("symbolic link", self.write(os.path.join(self.directory, "way", "new.prom"), 1))
        self.assertEqual(os.listdir(victim), ["kept"])
        with open(os.path.join(victim, "kept"), encoding="ascii") as file:
            self.assertEqual(file.read(), "kept")

    def test_nowhere(self):
        nowhere = os.path.join(self.directory, "none")
        self.assertRegex(self.write(nowhere + "/x.prom", 1), f"its directory, '{nowhere}'.*No such file")
        self.assertEqual(os.listdir(self.directory), [])

    def test_dry_run(self):
        result = self.pq.idx("metrics", "-n", "-o", self.path)
        self.assertEqual((result.status, os.listdir(self.directory)), (0, []), result)
        self.assertIn("would be written", result.out)


class Hostile(MetricsCase):
    """Names that strangers chose, in queue files. There is no index that could help."""

    def rewrite(self, queue_id, new, old=b"0123456789abcdef0123.test"):
        """Writes other bytes for the sender's domain in all its places; the file's length stays."""
        self.assertEqual(len(new), len(old))
        path = self.postfix.find(queue_id)
        with open(path, "r+b") as file:
            data = file.read()
            self.assertIn(old, data)
            file.seek(0)
            file.write(data.replace(old, new))

    def test_labels(self):
        hostile = [b'a"b\\c"} 1 pqpurge_up 0#.te', b"new\nline_pqpurge_up{} 5.te", b"\xff\xfe\x80invalid_utf8.tes", b"\x1b]0;title\x07escape_co.t",
                   b"\xe2\x80\xae\xe2\x80\x8bright_to_left.t", b"back\\slash\\n\\\\end_here.t"]
        ids = [self.send("a@0123456789abcdef0123.test") for _ in hostile]
        plain = self.send("a@good.test")
        self.postfix.settled(len(ids) + 1)
        self.pq.stop()
        self.pq.forget()
        for queue_id, bad in zip(ids, hostile):
            self.rewrite(queue_id, (bad + b".........................")[:25])
        self.assertIn(plain, self.postfix.ids())
        found = self.metrics()
        self.assertEqual(found["pqpurge_up"], {(): 0})
        self.assertEqual(sum(found["pqpurge_queue_domain_messages"].values()), len(hostile) + 1, found)
        self.assertEqual(found["pqpurge_queue_domain_messages"][("good.test",)], 1)
        for line in self.text().splitlines():
            for bad in "\x1b\x07\u202e\u200b\ufffd":
                self.assertNotIn(bad, line)

    def test_names_that_look_alike(self):
        """Two samples with one name would make the collector refuse all, so names that look alike are counted
        together."""
        ids = [self.send("a@0123456789abcdef0123.test") for _ in range(3)]
        self.postfix.settled(3)
        self.pq.stop()
        self.pq.forget()
        for queue_id, byte in zip(ids, b"\xf1\xf2\xf3"):
            self.rewrite(queue_id, b"0123456789" + bytes([byte]) + b"bcdef0123.test")
        self.assertEqual(self.metrics()["pqpurge_queue_domain_messages"], {("0123456789?bcdef0123.test",): 3})


class Served:
    """A program on a port of 127.0.0.1, until the test's end."""

    def __init__(self, case, *words):
        self.log = tempfile.TemporaryFile(dir=case.pq.home)
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        case.postfix.guarded("+", self.process.pid)
        case.addCleanup(self.end, case)

    def end(self, case):
        self.process.kill()
        self.process.wait()
        case.postfix.guarded("-", self.process.pid)
        self.log.close()

    def fetch(self, url):
        """None while it does not answer."""
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"it ended: {self.log.read().decode(errors='replace')[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            return None


class Prometheus(MetricsCase):
    """A real Prometheus scrapes a real node_exporter, and is queried by PromQL."""

    @classmethod
    def setUpClass(cls):
        need("promtool", "prometheus", "prometheus-node-exporter")

    def setUp(self):
        super().setUp()
        self.directory = tempfile.mkdtemp(dir=self.pq.home)
        os.chmod(self.directory, 0o755)
        self.path = os.path.join(self.directory, "pqpurge.prom")
        exporter, self.port = free_port(), free_port()
        # Not the user who writes the file, as on a real host.
        self.exporter = Served(self, "setpriv", "--reuid=nobody", "--clear-groups", "prometheus-node-exporter", "--collector.disable-defaults",
                               "--collector.textfile", f"--collector.textfile.directory={self.directory}",
                               f"--web.listen-address=127.0.0.1:{exporter}")
        until(lambda: self.exporter.fetch(f"http://127.0.0.1:{exporter}/metrics"), "node_exporter")
        conf = os.path.join(self.pq.home, "prometheus.yml")
        with open(conf, "w", encoding="utf-8") as file:
            json.dump({"global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"}, "rule_files": [RULES],
                       "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}]}, file)
        self.server = Served(self, "prometheus", f"--config.file={conf}", f"--storage.tsdb.path={os.path.join(self.pq.home, 'tsdb')}",
                             f"--web.listen-address=127.0.0.1:{self.port}")

    def ask(self, query):
        """The values of an instant query: {labels without instance, job and name: value}; None while there is no
        answer."""
        text = self.server.fetch(f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        if text is None:
            return None
        answer = json.loads(text)
        self.assertEqual(answer["status"], "success", answer)
        return {tuple(v for k, v in sorted(row["metric"].items()) if k not in ("instance", "job", "__name__")): float(row["value"][1])
                for row in answer["data"]["result"]}

    def await_answer(self, query, want):
        last = [None]

        def right():
            last[0] = self.ask(query)
            return last[0] == want
        try:
            until(right, query, 60)
        except TimeoutError:
            self.fail(f"{query}: {last[0]}, not {want}")

    def write(self):
        self.assertEqual(self.pq.idx("metrics", "-o", self.path).status, 0)

    def test_promql(self):
        self.send_many("a@example.com", 5)
        self.send_many('"b\\"x"@good.test', 2)
        self.postfix.settled(7)
        self.write()
        self.await_answer('pqpurge_queue_messages{queue="deferred"}', {("deferred",): 7})
        self.await_answer("topk(1, pqpurge_queue_domain_messages)", {(BAD,): 5})
        self.await_answer("sum(pqpurge_queue_domain_messages)", {(): 7})
        self.await_answer('max_over_time(node_textfile_scrape_error[1m])', {(): 0})
        self.await_answer("pqpurge_accepted_total", {(): 7})

        # A daemon that begins again at 0 is a reset; its later counts are added.
        self.pq.stop()
        self.pq.start()
        self.send_many("a@example.com", 3)
        self.write()
        self.await_answer("pqpurge_accepted_total", {(): 3})
        self.await_answer("resets(pqpurge_accepted_total[5m])", {(): 1})

        # The account continues.
        self.purge(BAD)
        self.write()
        self.await_answer('pqpurge_batch_messages_total{result="deleted"}', {("deleted", "purge"): 8})
        self.await_answer("sum(resets(pqpurge_batch_messages_total[5m]))", {(): 0})
        self.await_answer("count(ALERTS) or vector(0)", {(): 0})

        # When it is down, that is reported.
        self.pq.stop()
        self.write()
        self.await_answer("pqpurge_up", {(): 0})
        self.await_answer('ALERTS{alertname="PqpurgeDaemonDown"}', {("PqpurgeDaemonDown", "pending", "critical"): 1})
        self.await_answer("pqpurge_accepted_total", {})
