# SPDX-License-Identifier: ISC
"""The agent alone, with the test's own door: what it hands to root, what it makes of root's answers, and how often it lets
itself be woken."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

from database import LINK
from fake_door import COMPLAINS, SAYS, FakeDoor, answer, end, progress
from fleet import AGENT, FleetCase, agent_identity, until_told
from rig import until


class AgentCase(FleetCase):
    """An agent named mx1, and self.door."""

    starts = True

    def setUp(self):
        super().setUp()
        self.fleet.add("mx1")
        self.home = tempfile.mkdtemp(dir=self.server.directory)
        os.chmod(self.home, 0o755)
        self.door = FakeDoor(os.path.join(self.home, "order"))
        self.addCleanup(self.door.close)
        self.agents = []
        self.addCleanup(self.end_all)
        if self.starts:
            self.agent = self.start()
            self.joined()

    def start(self, **settings):
        conf = os.path.join(self.home, "conf")
        values = {"fleet": self.fleet.conninfo("mx1"), "fleet_name": "mx1", "fleet_user": AGENT, "log": "stderr",
                  "order_directory": os.path.join(self.home, "order"), **settings}
        with open(conf, "w", encoding="utf-8") as file:
            file.writelines(f'{key} = "{value}"\n' for key, value in values.items())
        with open(os.path.join(self.home, "log"), "ab") as log:
            process = subprocess.Popen([LINK, "-c", conf, "agent"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                       env={k: v for k, v in os.environ.items() if k == "PATH" or k.endswith("SAN_OPTIONS")}, **agent_identity())
        self.agents.append(process)
        return process

    def end_all(self):
        for process in self.agents:
            process.kill()
            process.wait()

    def log(self):
        with open(os.path.join(self.home, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def until(self, ready, what):
        return until_told(ready, what, self.log)

    def joined(self, times=1):
        self.until(lambda: self.log().count("joined as mx1") >= times, "the agent to join")

    def ended(self, anna, order):
        self.until(lambda: self.fleet.states(order)["mx1"] not in ("pending", "running"), "the order's end")
        return anna.results(order)["mx1"]


class Handed(AgentCase):
    def test_order(self):
        """Root gets the order as it was placed: its pairs, age, user and reason; and no more than that."""
        with self.fleet.operator() as anna:
            spec = {"author": ["example.com", "example.org"], "older_s": 60, "sweep": True, "only": False, "login": "o'joe \u00e4"}
            order = anna.place("purge", spec=spec, reason="why \u202e not", dry_run=True)
            result = self.ended(anna, order)
            self.assertEqual(result["state"], "done", result)
        got = self.door.orders[0]
        self.assertEqual(got.pop("pairs"), [("author", "example.com"), ("author", "example.org"), ("older_s", "60"), ("sweep", "yes"),
                                            ("login", "o'joe \u00e4")])
        self.assertTrue(0 <= got.pop("age") < 60e6)
        self.assertRegex(got.pop("token"), "^[0-9a-f-]{36}$")
        self.assertEqual(got, {"number": order, "attempt": 1, "lookup": 0, "dry_run": 1, "verb": "purge", "placed_by": "anna",
                               "reason": "why ? not"})

    def test_rules(self):
        """All rules after a connect, then changes; more than a frame holds; a rule that root would refuse does not
        hold back the others."""
        self.until(lambda: self.door.rules, "the first rules")
        self.assertEqual(self.door.rules[0], {"replace": 1, "more": 0, "rules": []})
        with self.fleet.operator() as anna:
            anna.ask("rule", subject="a.test", action="REJECT", text="550 5.7.1 no", reason="r", for_s=3600)
            self.until(lambda: len(self.door.rules) > 1, "a rule")
            rule = self.door.rules[1]["rules"][0]
            self.assertTrue(3500e6 < rule.pop("left") <= 3600e6)
            self.assertEqual((self.door.rules[1]["replace"], rule),
                             (0, {"subject": "a.test", "action": "REJECT", "text": "550 5.7.1 no", "reason": "r", "set_by": "anna"}))
            anna.ask("rule", subject="a.test", action=None)
            self.until(lambda: len(self.door.rules) > 2, "the rule to be taken back")
            self.assertEqual([(r["subject"], r["action"]) for r in self.door.rules[2]["rules"]], [("a.test", "")])
        self.fleet.admin("SELECT pqpurge.fleet_set_rule('d' || n || '.test', 'REJECT', repeat('x', 390), '', NULL) FROM "
                         "generate_series(1, 3000) n")
        self.fleet.admin("UPDATE pqpurge.fleet_rule SET subject = 'not a subject \u202e' WHERE subject = 'd7.test'")
        self.agent.kill()
        self.agent.wait()
        self.start()
        self.until(lambda: self.door.rules[-1]["replace"] and len(self.door.rules[-1]["rules"]) > 1, "all rules")
        self.assertEqual({r["subject"] for r in self.door.rules[-1]["rules"]}, {f"d{n}.test" for n in range(1, 3001) if n != 7})

        def behind():
            with self.fleet.operator() as anna:
                return anna.ask("hosts")["hosts"][0]["rules_behind"]
        self.until(lambda: behind() == 0, "the database to know")

    def test_order_waits_for_its_rules(self):
        """An order with a rule begins once the rule is in force."""
        with self.fleet.operator() as anna:
            order = anna.place("purge", rules=[{"subject": "a.test", "action": "REJECT"}], rules_for_s=60)
            seen = []
            self.door.on_order = lambda o, c: (seen.append([r["subject"] for p in self.door.rules for r in p["rules"]]),
                                               c.sendall(end()))
            if self.door.orders:  # it was quicker than this line
                seen.append([r["subject"] for p in self.door.rules for r in p["rules"]])
            self.assertEqual(self.ended(anna, order)["state"], "done")
        self.assertEqual(seen[0], ["a.test"])

    def test_rules_that_root_refuses(self):
        """Then an order that needs one is refused, and the database knows that no rule is in force."""
        self.door.rules_end = end(1, True, words="fleet_allow has no 'block'")
        with self.fleet.operator() as anna:
            order = anna.place("purge", rules=[{"subject": "a.test", "action": "REJECT"}], rules_for_s=60)
            result = self.ended(anna, order)
            self.assertEqual(result["state"], "refused")
            self.assertIn("block", result["words"])
            self.assertEqual(self.door.orders, [])
            self.assertEqual(anna.ask("hosts")["hosts"][0]["rules_behind"], 1)


class Answers(AgentCase):
    def test_hostile(self):
        """Whatever root's process answers, there is one true result, and the next order is done."""
        junk = os.urandom(3000)
        answers = [
            ("failed", b""), ("failed", junk), ("failed", answer(SAYS, b'{"summary":{"matched":1}}\n')),
            ("failed", b"\xff\xff\xff\xff" + junk), ("failed", answer(9, b"x")),
            ("done", answer(SAYS, b"\x00\x1b[2J\n\xff\n{\n") + end()), ("done", answer(SAYS, b'{"summary":7}\n') + end()),
            ("done", answer(SAYS, b'{"summary":{"a":"\\u0000"}}\n') + end()),
            ("done", answer(SAYS, b'{"summary":{"x":"' + b"y" * 64000 + b'"}}\n') + end()),
            ("partly", answer(COMPLAINS, b"one\ntwo \x1b[31m\n") + end(2, done=3)),
        ]
        with self.fleet.operator() as anna:
            for expected, data in answers:
                self.door.on_order = lambda order, connection, data=data: connection.sendall(data)
                result = self.ended(anna, anna.place("purge"))
                self.assertEqual(result["state"], expected, data[:60])
                self.assertNotIn("\x1b", json.dumps(result, ensure_ascii=False))
            self.assertEqual(result["words"], "two ?[31m")

    def test_lost_answer(self):
        """If root's process dies in the middle it is asked once more, by an attempt that first looks into the
        account."""
        def die_once(order, connection):
            if order["attempt"] > 1:
                connection.sendall(answer(SAYS, b'{"summary":{"matched":5,"deleted":5}}\n') + end(done=5))
            else:
                connection.sendall(answer(SAYS, b'{"summary":{"matched":1}}\n') + progress(3, 5))
        self.door.on_order = die_once
        with self.fleet.operator() as anna:
            result = self.ended(anna, anna.place("purge"))
        self.assertEqual((result["state"], result["attempt"], result["summary"]), ("done", 1, {"matched": 5, "deleted": 5}))
        self.assertEqual([order["attempt"] for order in self.door.orders], [1, 2])

    def test_lines(self):
        """A list comes in parts, complete and in order."""
        lines = [json.dumps({"queue_id": f"{n:X}", "x": "y" * 500}) for n in range(1500)]
        text = "\n".join(lines + ['{"summary":{"matched":1500}}', ""]).encode()

        def send(_, connection):
            for at in range(0, len(text), 60000):
                connection.sendall(answer(SAYS, text[at:at + 60000]))
            connection.sendall(end())
        self.door.on_order = send
        with self.fleet.operator() as anna:
            order = anna.place("list")
            self.assertEqual(self.ended(anna, order)["summary"], {"matched": 1500})
            got, part = [], 0
            while True:
                page = anna.ask("parts", order=order, host="mx1", part=part)
                got += page["lines"]
                part += 1
                if page["last"]:
                    break
            self.assertEqual(got, [json.loads(line) for line in lines])
            self.assertGreater(part, 2)

    def test_progress_and_cancel(self):
        """A running order's progress is reported. A cancel stops it as ^C does, and its result is reported."""
        def run(_, connection):
            connection.sendall(progress(10, 100))
            connection.settimeout(90)
            self.assertEqual(connection.recv(1), b"")  # the agent closed its side: stop
            connection.sendall(end(3, done=40, matched=100, batch=5))
        self.door.on_order = run
        with self.fleet.operator() as anna:
            order = anna.place("purge")
            self.until(lambda: anna.results(order)["mx1"]["progress"] == 10, "progress")
            self.assertEqual(anna.results(order)["mx1"]["total"], 100)
            self.assertEqual(anna.ask("cancel", order=order), {"cancelled": 0, "running": 1})
            result = self.ended(anna, order)
            self.assertEqual((result["state"], result["batch"], result["exit"]), ("interrupted", 5, 3))

    def test_beats_while_an_order_runs(self):
        """A long order stops neither heartbeats, nor rules, nor the next connection; its result is reported under
        its own attempt."""
        release = os.path.join(self.home, "release")

        def run(_, connection):
            until(lambda: os.path.exists(release), "the test", 120)
            connection.sendall(answer(SAYS, b'{"summary":{"matched":7}}\n') + end())
        self.door.on_order = run
        with self.fleet.operator() as anna:
            order = anna.place("purge")
            self.until(lambda: self.door.orders, "the order")
            anna.ask("rule", subject="a.test", action="REJECT", for_s=60)
            self.until(lambda: any(p["rules"] for p in self.door.rules), "the rule")
        self.server.stop()
        self.until(lambda: "orders wait" in self.log(), "the agent to notice")
        self.server.start()
        self.joined(2)
        with open(release, "w", encoding="ascii"):
            pass
        with self.fleet.operator() as anna:
            result = self.ended(anna, order)
            self.assertEqual((result["state"], result["attempt"], result["summary"]), ("done", 1, {"matched": 7}))
        self.assertEqual(len(self.door.orders), 1)


class Woken(AgentCase):
    def test_notifications(self):
        """A host that wakes the others as fast as it can costs them at most five looks a second; orders still get
        through."""
        self.fleet.add("mx2")
        for name in ("mx2", "mx1"):  # we count mx1's
            self.assertEqual(self.server.ask(self.fleet.conninfo(name), "SELECT 1").returncode, 0)
        before = self.calls()
        began = time.monotonic()
        with subprocess.Popen(["psql", "-XAtq", "-d", self.fleet.conninfo("mx2")], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, text=True) as flood:
            for n in range(4000):
                flood.stdin.write(f"NOTIFY pqpurge, '{'or'[n % 2]}{n}';\n")
            flood.stdin.close()
            flood.wait()
        took = time.monotonic() - began
        self.assertLessEqual(self.calls() - before, 5 * took * 4 + 20, f"in {took:.1f} s")
        with self.fleet.operator() as anna:
            self.assertEqual(self.ended(anna, anna.place("purge"))["state"], "done")

    def calls(self):
        """The number of mx1's questions so far: its session's transactions, seen by their system calls, which /proc
        counts."""
        with open(f"/proc/{self.agent.pid}/io", encoding="ascii") as file:
            return int(dict(line.split(": ") for line in file.read().splitlines())["syscw"])

    def test_log(self):
        """The database controls how much happens, but not how much is logged: lines left out are counted."""
        began = time.monotonic()
        self.fleet.admin("SELECT pqpurge.fleet_place(gen_random_uuid(), 'purge', false, '{\"v\":2}', '', '1 day', NULL, NULL, NULL) "
                         "FROM generate_series(1, 200)")
        self.until(lambda: self.fleet.admin("SELECT count(*) FROM pqpurge.fleet_result WHERE state = 'refused'") == ["200"], "all refusals")
        self.assertLessEqual(self.log().count("fleet: order"), 60 + (time.monotonic() - began) / 2 + 1)
        self.until(self.placed_line, "a line that says how many were left out")

    def placed_line(self):
        with self.fleet.operator() as anna:
            self.ended(anna, anna.place("purge"))
        return "lines were left out" in self.log()

    def test_door_is_missing(self):
        """Without a door the host is present and reports its trouble; an order fails with words."""
        self.door.close()
        os.unlink(os.path.join(self.home, "order", "daemon.sock"))
        with self.fleet.operator() as anna:
            result = self.ended(anna, anna.place("purge"))
            self.assertEqual(result["state"], "failed")
            self.assertIn("order door", result["words"])
            self.agent.send_signal(signal.SIGTERM)
            self.assertEqual(self.agent.wait(60), 0)
            self.start()
            self.until(lambda: (anna.ask("hosts")["hosts"][0]["health"] or {}).get("trouble"), "words about the door")

    def test_somebody_else_listens(self):
        """An agent gives its orders only to root."""
        self.door.close()
        path = os.path.join(self.home, "order", "daemon.sock")
        os.unlink(path)
        os.chmod(os.path.dirname(path), 0o777)
        code = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen(9)\nprint('up',flush=True)\n"
                "while True:\n c=s.accept()[0]\n print(len(c.recv(9)),flush=True)\n")
        with subprocess.Popen(["python3", "-c", code, path], stdout=subprocess.PIPE, text=True, user="games") as other:
            try:
                self.assertEqual(other.stdout.readline(), "up\n")
                os.chmod(path, 0o666)
                with self.fleet.operator() as anna:
                    result = self.ended(anna, anna.place("purge"))
                self.assertEqual(result["state"], "failed")
                self.assertIn("root", result["words"])
                self.assertEqual(other.stdout.readline(), "0\n")
            finally:
                other.kill()


class Begins(AgentCase):
    starts = False

    def test_configuration(self):
        """A configuration error ends it at once, with words."""
        for settings, words in (({"fleet": ""}, "in no fleet"), ({"fleet_name": "x" * 64}, "63 bytes"),):
            process = self.start(**settings)
            self.assertEqual(process.wait(60), 1)
            self.assertIn(words, self.log())

    def test_session_is_warm(self):
        """A session plans the statements of an order before the first one comes, and leaves nothing behind."""
        self.fleet.admin(f"ALTER DATABASE {self.fleet.database} SET track_functions = 'all'")
        self.start()
        self.joined()

        def calls():
            return dict(line.split("|") for line in self.fleet.admin("SELECT funcname, calls FROM pg_stat_user_functions"))
        for name in ("fleet_rules", "fleet_claim", "fleet_report"):
            self.until(lambda name=name: int(calls().get(name, 0)) > 0, f"a call of {name}")
        self.assertEqual(self.fleet.admin("SELECT count(*) FROM pqpurge.fleet_event WHERE kind = 'done'"), ["0"])
        self.assertNotIn("refuse", self.log())

    def test_goes_on_trying(self):
        """Without a certificate, with an unknown name, without a server: it waits, logs why once, and joins when it
        can."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(9)
            self.start(fleet=f"host=localhost hostaddr=127.0.0.1 port={silent.getsockname()[1]} dbname=x sslrootcert=/nonexistent")
            self.until(lambda: "orders wait" in self.log(), "words")
        self.end_all()
        # a role belongs to all databases of the server, so no other test has one of this name
        self.start(fleet=self.fleet.conninfo("newcomer"), fleet_name="newcomer")
        self.until(lambda: "no pg_hba.conf entry" in self.log() or "authentication failed" in self.log(), "words")
        self.fleet.add("newcomer")
        self.until(lambda: "joined as newcomer" in self.log(), "the newcomer to join")
