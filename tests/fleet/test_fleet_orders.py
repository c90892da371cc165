# SPDX-License-Identifier: ISC
"""Orders: each is done once on every host, by those present and by those that come back."""
import concurrent.futures
import os
import subprocess
import time

from database import LINK
from fleet import AGENT, FleetCase, agent_identity
from pqpurge import COMMAND, MILTER
from link import Refused
from rig import until

BAD, GOOD = "a@example.com", "b@good.test"
PURGE = {"author": ["example.com"]}


class Orders(FleetCase):
    def test_three_hosts(self):
        """One order deletes exactly a domain's mail on three hosts; every result has its host's numbers."""
        hosts = self.fleet.join("mx1", "mx2", "mx3")
        counts = {}
        for number, host in enumerate(hosts, 1):
            host.fill(GOOD, 3)
            counts[host.name] = len(host.fill(BAD, 5 * number))
        with self.fleet.operator() as anna:
            began = time.monotonic()
            order = anna.place("purge", spec=PURGE, reason="hacked account")
            self.fleet.until_states(order, {"mx1": "done", "mx2": "done", "mx3": "done"})
            print(f"order to the last of three results: {time.monotonic() - began:.2f} s")
            results = anna.results(order)
            for host in hosts:
                result = results[host.name]
                self.assertEqual((result["summary"]["deleted"], result["exit"], result["attempt"]), (counts[host.name], 0, 1))
                self.assertEqual(host.senders(), {GOOD: 3})
                batch = host.pq.idx("log", "--json").lines[-1]
                self.assertEqual((batch["batch"], batch["done"]), (result["batch"], counts[host.name]))
                self.assertIn("anna", batch["user"])
            story = anna.ask("order", order=order)
            self.assertEqual((story["placed_by"], story["states"], story["reason"]), ("anna", {"done": 3}, "hacked account"))
            self.assertEqual(sorted(e["kind"] for e in story["events"]), ["done"] * 3 + ["place"])

    def test_dry_run_and_list(self):
        """A dry run touches nothing; the output of list comes as lines."""
        host = self.fleet.join("mx1")
        ids = host.fill(BAD, 4)
        host.fill(GOOD, 2)
        with self.fleet.operator() as anna:
            order = anna.place("purge", spec=PURGE, dry_run=True)
            self.fleet.until_states(order, {"mx1": "done"})
            self.assertEqual(anna.results(order)["mx1"]["summary"]["would_delete"], 4)
            self.assertEqual(host.senders(), {BAD: 4, GOOD: 2})
            order = anna.place("list", spec=PURGE)
            self.fleet.until_states(order, {"mx1": "done"})
            part = anna.ask("parts", order=order, host="mx1", part=0)
            self.assertEqual({line["queue_id"] for line in part["lines"]}, ids)
            self.assertTrue(part["last"])

    def test_absent_host(self):
        here, away = self.fleet.join("mx1"), self.fleet.host("mx2").start(agent=False)
        for host in (here, away):
            host.fill(BAD, 3)
        with self.fleet.operator() as anna:
            order = anna.place("purge", spec=PURGE)
            self.fleet.until_states(order, {"mx1": "done", "mx2": "pending"})
            self.assertEqual(away.senders(), {BAD: 3})
            away.start_agent()
            self.fleet.until_states(order, {"mx1": "done", "mx2": "done"})
            self.assertEqual(away.senders(), {})
            self.assertEqual(anna.results(order)["mx2"]["summary"]["deleted"], 3)

    def test_late_order_spares_newer_mail(self):
        """Mail that came after the order stays, whenever the host carries it out."""
        host = self.fleet.host("mx1").start(agent=False)
        host.fill(BAD, 3)
        with self.fleet.operator() as anna:
            order = anna.place("purge", spec=PURGE)
            self.fleet.admin(f"UPDATE pqpurge.fleet_order SET placed_at = placed_at - interval '2 hours' WHERE id = {order}")
            host.start_agent()
            self.fleet.until_states(order, {"mx1": "done"})
            self.assertEqual(anna.results(order)["mx1"]["summary"]["matched"], 0)
            self.assertEqual(host.senders(), {BAD: 3})
            order = anna.place("purge", spec=PURGE)
            self.fleet.until_states(order, {"mx1": "done"})
            self.assertEqual(host.senders(), {})

    def test_expired_and_cancelled(self):
        """An order that expired, or was cancelled before it began, is not carried out."""
        host = self.fleet.host("mx1").start(agent=False)
        host.fill(BAD, 3)
        with self.fleet.operator() as anna:
            over = anna.place("purge", spec=PURGE, expire_s=1)
            back = anna.place("purge", spec=PURGE)
            self.assertEqual(anna.ask("cancel", order=back, reason="no"), {"cancelled": 1, "running": 0})
            self.until(lambda: anna.results(over)["mx1"]["state"] == "expired", "the order to expire")
            host.start_agent().joined()
            last = anna.place("status")
            self.until(lambda: self.fleet.states(last)["mx1"] not in ("pending", "running"), "the status")
            self.assertEqual(host.senders(), {BAD: 3})
            self.assertEqual((anna.results(over)["mx1"]["state"], anna.results(back)["mx1"]["state"]), ("expired", "cancelled"))
            with self.assertRaises(Refused):
                anna.ask("cancel", order=back)

    def test_two_operators_at_once(self):
        """Simultaneous orders of two operators are each done once on each host."""
        self.fleet.join("mx1", "mx2")

        def place_all(name):
            with self.fleet.operator(name) as operator:
                return [operator.place("purge", spec=PURGE, rules=[{"subject": f"{name}{n}.test", "action": "REJECT"}], rules_for_s=600)
                        for n in range(8)]

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            orders = sum(pool.map(place_all, ("anna", "bob")), [])
        self.assertEqual(len(set(orders)), 16)
        for order in orders:
            self.fleet.until_states(order, {"mx1": "done", "mx2": "done"})
        self.assertEqual(self.fleet.admin("SELECT count(*), max(attempt) FROM pqpurge.fleet_result"), ["32|1"])
        for host in self.fleet.hosts.values():
            self.until(lambda: len(rules_of(host)) == 16, "sixteen rules")

    def test_same_token_is_one_order(self):
        """An operator who asks again after a lost answer gets the same order."""
        self.fleet.join("mx1")
        token = "00000000-0000-4000-8000-000000000001"
        with self.fleet.operator() as anna:
            self.assertEqual(anna.place("purge", token=token, spec=PURGE), anna.place("purge", token=token, spec=PURGE))

    def test_refused(self):
        """A host refuses what it does not know or allow, and says why; nothing is touched."""
        host = self.fleet.join("mx1", fleet_allow="purge list", fleet_max_messages=2)
        host.fill(BAD, 3)
        with self.fleet.operator() as anna:
            for verb, spec, words in (("purge", {**PURGE, "colour": "red"}, "colour"), ("purge", {**PURGE, "v": 2}, "version 2"),
                                      ("hold", PURGE, "fleet_allow"), ("purge", {"author": ["x.test;id"]}, "x.test;id"),
                                      ("purge", {"author": {"a": 1}}, "author"), ("purge", {"author": ["/example/"]}, "regex"),
                                      ("purge", {"save": "/tmp/x"}, "save"), ("purge", PURGE, "fleet_max_messages")):
                with self.subTest(verb=verb, spec=spec):
                    order = anna.place(verb, spec=spec)
                    self.until(lambda: self.fleet.states(order)["mx1"] not in ("pending", "running"), "an end")
                    result = anna.results(order)["mx1"]
                    self.assertEqual(result["state"], "refused", result)
                    self.assertIn(words, result["words"])
            order = anna.place("purge", spec=PURGE, rules=[{"subject": "x.test", "action": "REJECT"}], rules_for_s=60)
            self.fleet.until_states(order, {"mx1": "refused"})
        self.assertEqual(host.senders(), {BAD: 3})
        self.assertEqual(rules_of(host), {})


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def rules_of(host):
    """{pattern: origin} of `rules --json`."""
    return {line["pattern"]: line["origin"] for line in host.pq.idx("rules", "--json").lines}


class Crashes(FleetCase):
    def lock(self):
        """Keeps reports from being taken while it is open."""
        lock = subprocess.Popen(["psql", "-XAtq", "-d", self.server.local(self.fleet.database)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        lock.stdin.write("BEGIN; LOCK TABLE pqpurge.fleet_event IN EXCLUSIVE MODE; SELECT 'locked';\n")
        lock.stdin.flush()
        self.assertEqual(lock.stdout.readline(), "locked\n")
        self.addCleanup(lock.stdout.close)
        return lock

    def test_killed_between_purge_and_report(self):
        """Its successor reports the result; nothing is counted twice, and nothing is lost."""
        host = self.fleet.host("mx1").start(agent=False)
        host.fill(BAD, 6)
        with self.fleet.operator() as anna:
            order = anna.place("purge", spec=PURGE)
            lock = self.lock()
            host.start_agent()
            self.until(lambda: any("end" in line for line in host.pq.account()), "the purge")
            self.assertEqual(host.senders(), {})
            newer = host.fill(BAD, 2)
            host.stop_agent(9)
            self.fleet.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mx1'")
            self.until(lambda: self.fleet.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'mx1'") == ["0"], "its end")
            lock.communicate("ROLLBACK;\n", 60)
            self.assertEqual(self.fleet.states(order), {"mx1": "running"})
            host.start_agent()
            self.fleet.until_states(order, {"mx1": "done"})
            result = anna.results(order)["mx1"]
            self.assertEqual((result["attempt"], result["summary"]["deleted"], result["summary"]["matched"]), (2, 6, 6))
            self.assertEqual(host.postfix.ids(), newer)
            self.assertEqual(sum("begin" in line for line in host.pq.account()), 1)

    def test_database_restarts_before_the_report(self):
        """The report is kept until it can be delivered."""
        host = self.fleet.host("mx1").start(agent=False)
        host.fill(BAD, 3)
        with self.fleet.operator() as anna:
            order = anna.place("purge", spec=PURGE)
        lock = self.lock()
        host.start_agent()
        self.until(lambda: any("end" in line for line in host.pq.account()), "the purge")
        self.server.stop()
        lock.communicate()
        self.server.start()
        self.fleet.until_states(order, {"mx1": "done"})
        with self.fleet.operator() as anna:
            self.assertEqual((anna.results(order)["mx1"]["attempt"], anna.results(order)["mx1"]["summary"]["deleted"]), (1, 3))

    def test_order_is_over_before_the_successor_comes(self):
        """An order that began and was then cancelled is reported with its result so far; no more is done."""
        host = self.fleet.host("mx1").start(agent=False)
        with self.fleet.operator() as anna:
            order = anna.place("purge", spec=PURGE)
            self.server.ask(self.fleet.conninfo("mx1"), "SELECT pqpurge.fleet_claim(epoch) FROM pqpurge.fleet_hello('dead')")
            self.assertEqual(anna.ask("cancel", order=order), {"cancelled": 0, "running": 1})
            host.fill(BAD, 2)
            host.start_agent()
            self.until(lambda: self.fleet.states(order)["mx1"] not in ("pending", "running"), "an end")
            self.assertEqual(self.fleet.states(order), {"mx1": "interrupted"})
            self.assertEqual(host.senders(), {BAD: 2})

    def test_clone(self):
        """Of two agents with one certificate the later one has the name; the other waits, and takes it when that one
        is silent."""
        host = self.fleet.join("mx1")
        first, host.agent = host.agent, None
        clone_log = host.agent_log + ".clone"
        try:
            host.start_agent(log=clone_log)
            self.until(lambda: "joined as" in read(clone_log), "the clone to join")
            epoch = self.fleet.admin("SELECT epoch FROM pqpurge.fleet_host")
            with self.fleet.operator() as anna:
                order = anna.place("purge", spec=PURGE)
                self.fleet.until_states(order, {"mx1": "done"})
            self.until(lambda: "another agent has taken" in host.log(), "the first to notice")
            self.assertEqual(self.fleet.admin("SELECT epoch FROM pqpurge.fleet_host"), epoch)
            self.assertEqual(self.fleet.admin("SELECT max(attempt) FROM pqpurge.fleet_result"), ["1"])
            self.assertNotIn("another agent", read(clone_log))
            host.stop_agent(9)
            self.fleet.admin("UPDATE pqpurge.fleet_host SET seen_at = seen_at - interval '2 minutes'")
            self.until(lambda: host.log().count("joined as") == 2, "the first to take the name again")
        finally:
            host.stop_agent(9)
            host.agent = first

    def test_terminated(self):
        """SIGTERM ends the agent in order, also without a database."""
        host = self.fleet.join("mx1")
        self.assertEqual(host.stop_agent(), 0)
        self.server.stop()
        host.start_agent()
        self.until(lambda: "rules stay in force" in host.log(), "an agent without a database")
        self.assertEqual(host.stop_agent(), 0)
        self.server.start()


class Away(FleetCase):
    def work_locally(self, host):
        """Mail comes in, the fleet's rule refuses, a purge purges, whatever happens to the database."""
        host.fill(GOOD, 2)
        self.assertTrue(host.refuses("x@blocked.test"))
        host.fill("c@local.test", 3)
        done = host.pq.idx("purge", "-y", "--json", "local.test")
        self.assertEqual((done.status, done.summary["deleted"]), (0, 3), done)
        self.assertEqual(host.pq.idx("block", "-y", "here.test").status, 0)
        self.assertTrue(host.refuses("x@here.test"))
        self.assertEqual(host.pq.idx("unblock", "-y", "here.test").status, 0)
        host.postfix.wipe()

    def test_database_stopped(self):
        """An absent database delays neither mail, nor a local purge, nor a rule. The fleet's rules stay; then all
        goes on."""
        host = self.fleet.join("mx1")
        with self.fleet.operator() as anna:
            anna.ask("rule", subject="blocked.test", action="REJECT", for_s=3600)
        self.until(lambda: host.refuses("x@blocked.test"), "the rule")
        host.postfix.wipe()
        for stop, start in ((self.server.stop, self.server.start), (self.server.pause, self.server.resume)):
            stop()
            self.work_locally(host)
            self.until(lambda: "rules stay in force" in host.log().split("joined as")[-1], "the agent to notice")
            self.work_locally(host)
            start()
            joined = host.log().count("joined as")
            self.until(lambda: host.log().count("joined as") >= max(joined, 2), "the agent to join again")
            host.fill(BAD, 2)
            with self.fleet.operator() as anna:
                order = anna.place("purge", spec=PURGE)
                self.fleet.until_states(order, {"mx1": "done"})
            self.assertEqual(host.senders(), {})

    def test_daemon_restarts_without_the_database(self):
        """The fleet's rules outlive the daemon."""
        host = self.fleet.join("mx1")
        with self.fleet.operator() as anna:
            anna.ask("rule", subject="blocked.test", action="REJECT", for_s=3600)
        self.until(lambda: host.refuses("x@blocked.test"), "the rule")
        self.server.stop()
        host.pq.stop()
        host.pq.start()
        self.assertTrue(host.refuses("x@blocked.test"))
        self.server.start()


class Programs(FleetCase):
    def test_what_they_link(self):
        """Only pqpurge-link is linked with PostgreSQL; root's programs are not."""
        for program, expected in ((COMMAND, False), (MILTER, False), (LINK, True)):
            libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
            self.assertEqual("libpq" in libraries, expected, program)
            if not expected:
                self.assertNotIn("libssl", libraries)
                self.assertNotIn("libldap", libraries)

    def test_link_alone(self):
        for words, status in ((["-V"], 0), (["--help"], 0), ([], 1), (["nothing"], 1), (["-c", "/nonexistent", "agent"], 1)):
            done = subprocess.run([LINK, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, status, words)

    def test_operator_protocol(self):
        """Each input gets exactly one answer line."""
        with self.fleet.operator() as anna:
            for line in ("\nx", "x", "[]", "{}", '{"do":1}', '{"do":"nothing"}', '{"do":"place"}', '{"do":"results","order":"x"}',
                         '{"do":"cancel","order":99}', '{"do":"parts","order":1,"host":"x","part":1e3}', '{"do":"hosts"}{"do":"hosts"}'):
                self.assertEqual(anna.send(line).get("error") is not None, True, line)
            self.assertEqual(anna.ask("hosts")["hosts"], [])
        self.assertTrue(os.access(LINK, os.X_OK) and AGENT and agent_identity() and until)
