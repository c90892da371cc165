# SPDX-License-Identifier: ISC
"""The command with --fleet, run by an operator on a machine without Postfix."""
import json
import os
import signal
import subprocess
import time

from fleet import Fleet, FleetCase
from pqpurge import COMMAND
from terminal import Terminal

BAD, GOOD = "a@example.com", "b@good.test"


def lines_of(result):
    return {line["host"]: line for line in result.lines[:-1]}


class Purge(FleetCase):
    def test_three_hosts(self):
        """One command deletes a domain's mail on three hosts: a line for each host, the sums, exit 0, in two
        seconds."""
        hosts = self.fleet.join("mx1", "mx2", "mx3")
        counts = {}
        for number, host in enumerate(hosts, 1):
            host.fill(GOOD, 2)
            counts[host.name] = len(host.fill(BAD, 4 * number))
        began = time.monotonic()
        done = self.fleet.idx("purge", "--fleet", "--json", "-y", "--reason", "hacked account", "example.com")
        print(f"purge --fleet on three hosts: {time.monotonic() - began:.2f} s")
        self.assertEqual(done.status, 0, done)
        lines = lines_of(done)
        self.assertEqual({name: (line["state"], line["exit"], line["attempt"], line["summary"]["deleted"])
                          for name, line in lines.items()}, {name: ("done", 0, 1, n) for name, n in counts.items()})
        summary = done.lines[-1]["summary"]
        self.assertEqual((summary["hosts"], summary["done"], summary["absent"], summary["failed"], summary["matched"], summary["deleted"]),
                         (3, 3, 0, 0, 24, 24))
        self.assertEqual(summary["order"], lines["mx1"]["order"])
        for host in hosts:
            self.assertEqual(host.senders(), {GOOD: 2})
            batch = host.pq.idx("log", "--json").lines[-1]
            self.assertEqual((batch["user"], batch["reason"], batch["done"]), ("fleet:anna", "hacked account", counts[host.name]))

    def test_dry_run(self):
        """A dry run reports each host's matches and touches nothing."""
        hosts = self.fleet.join("mx1", "mx2")
        for host in hosts:
            host.fill(BAD, 3)
        done = self.fleet.idx("purge", "--fleet", "--json", "-n", "example.com")
        self.assertEqual((done.status, done.lines[-1]["summary"]["would_delete"]), (0, 6), done)
        done = self.fleet.idx("purge", "--fleet", "-n", "example.com")
        self.assertIn("mx1\tdone\twould delete 3\t", done.out)
        self.assertIn("Would delete 6 messages on 2 of 2 hosts. Nothing was touched.\n", done.out)
        for host in hosts:
            self.assertEqual(host.senders(), {BAD: 3})

    def test_absent_host(self):
        """An absent host: exit 4, the order waits for it, and is done when it returns. The output says so."""
        here, away = self.fleet.join("mx1", "mx2")
        for host in (here, away):
            host.fill(BAD, 3)
        away.stop_agent()
        self.fleet.admin("UPDATE pqpurge.fleet_host SET seen_at = seen_at - interval '5 minutes' WHERE name = 'mx2'")
        done = self.fleet.idx("purge", "--fleet", "-y", "--block=2h", "example.com")
        self.assertEqual(done.status, 4, done)
        self.assertIn("mx1\tdone\tdeleted 3", done.out)
        self.assertIn("mx2\tabsent", done.out)
        self.assertIn("Deleted 3 messages on 1 of 2 hosts", done.out)
        self.assertIn("waits for mx2", done.out)
        self.assertIn("in force on 1 of 2 hosts", done.out)
        self.assertTrue(here.refuses(BAD))
        self.assertFalse(away.refuses("x@other.test"))
        self.assertEqual(away.senders().get(BAD), 3)
        away.start_agent()
        self.until(lambda: BAD not in away.senders(), "the absent host to do it")
        self.until(lambda: away.refuses(BAD), "the rule")

    def test_named_hosts_and_tags(self):
        """--host takes names and tags; an unknown name places nothing."""
        mx1, mx2, out = self.fleet.join("mx1", "mx2", "out1")
        self.fleet.add("out1", tags=["edge"])
        for host in (mx1, mx2, out):
            host.fill(BAD, 2)
        done = self.fleet.idx("purge", "--host", "mx1,nohost", "-y", "example.com")
        self.assertEqual(done.status, 1, done)
        self.assertIn("nohost", done.err)
        self.assertEqual(self.fleet.admin("SELECT count(*) FROM pqpurge.fleet_order"), ["0"])
        self.assertEqual(self.fleet.idx("purge", "--host", "@nowhere", "-y", "example.com").status, 1)
        done = self.fleet.idx("purge", "--host", "mx1,@edge", "-y", "--json", "example.com")
        self.assertEqual((done.status, set(lines_of(done))), (0, {"mx1", "out1"}), done)
        self.assertEqual([h.senders() for h in (mx1, mx2, out)], [{}, {BAD: 2}, {}])

    def test_hold_and_undo(self):
        """undo --fleet N releases what that order held, and nothing else in hold."""
        hosts = self.fleet.join("mx1", "mx2")
        for host in hosts:
            host.fill(GOOD, 1)
            host.pq.idx("hold", "-y", "good.test")
            host.fill(BAD, 3)
        held = self.fleet.idx("hold", "--fleet", "-y", "--json", "example.com")
        self.assertEqual((held.status, held.lines[-1]["summary"]["held"]), (0, 6), held)
        number = str(held.lines[-1]["summary"]["order"])
        undone = self.fleet.idx("undo", "--fleet", "-y", "--json", number)
        self.assertEqual((undone.status, undone.lines[-1]["summary"]["released"]), (0, 6), undone)
        for host in hosts:
            self.assertEqual({m["queue_name"] for m in host.postfix.queue() if m["sender"] == GOOD}, {"hold"})
            self.assertNotIn("hold", {m["queue_name"] for m in host.postfix.queue() if m["sender"] == BAD})

    def test_undo_asks_only_the_hosts_of_the_order(self):
        """A host that never got the order may be absent, or allow no undo: that is no failure of the undo."""
        here = self.fleet.join("mx1")
        self.fleet.join("mx2", fleet_allow="hold")
        here.fill(BAD, 3)
        held = self.fleet.idx("hold", "--fleet", "-y", "--json", "--host", "mx1", "example.com")
        order = str(held.lines[-1]["summary"]["order"])
        undone = self.fleet.idx("undo", "--fleet", "-y", "--json", order)
        self.assertEqual((undone.status, set(lines_of(undone)), undone.lines[-1]["summary"]["released"]), (0, {"mx1"}, 3), undone)
        self.fleet.admin("SELECT pqpurge.fleet_retire_host('mx1')")
        undone = self.fleet.idx("undo", "--fleet", "-y", order)
        self.assertEqual(undone.status, 1, undone)
        self.assertIn("the hosts of the order are retired", undone.err)

    def test_release(self):
        """release --fleet releases mail of our holds on each host; mail held by others stays."""
        hosts = self.fleet.join("mx1", "mx2")
        for host in hosts:
            host.fill(BAD, 2)
        self.assertEqual(self.fleet.idx("hold", "--fleet", "-y", "example.com").status, 0)
        done = self.fleet.idx("release", "--fleet", "-y", "--json", "example.com")
        self.assertEqual((done.status, done.lines[-1]["summary"]["released"]), (0, 4), done)
        for host in hosts:
            self.assertNotIn("hold", {m["queue_name"] for m in host.postfix.queue()})

    def test_wait_and_expire(self):
        """--wait also waits for an absent host, which returns; --expire limits the time for one that does not."""
        here, away = self.fleet.join("mx1", "mx2")
        for host in (here, away):
            host.fill(BAD, 2)
        away.stop_agent()
        self.fleet.admin("UPDATE pqpurge.fleet_host SET seen_at = seen_at - interval '5 minutes' WHERE name = 'mx2'")
        done = self.fleet.idx("purge", "--host", "mx2", "-y", "--expire", "2h", "nobody.test")
        self.assertEqual(done.status, 4, done)
        self.assertEqual(self.fleet.admin("SELECT expires_at - placed_at < interval '2 hours 1 second' FROM pqpurge.fleet_order"), ["t"])
        words = self.fleet.words("purge", "--fleet", "-y", "--json", "--wait", "10m", "example.com")
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as command:
            self.until(lambda: BAD not in here.senders(), "the present host to do it")
            away.start_agent()
            out = command.communicate(timeout=120)[0]
        self.assertEqual(command.returncode, 0, out)
        self.assertEqual(json.loads(out.splitlines()[-1])["summary"]["deleted"], 4)

    def test_refused_by_one_host(self):
        """A host that does not allow it: its words, exit 2; the others did it."""
        self.fleet.join("mx1")
        strict = self.fleet.join("mx2", fleet_allow="list")
        for host in self.fleet.hosts.values():
            host.fill(BAD, 2)
        done = self.fleet.idx("purge", "--fleet", "-y", "--json", "example.com")
        lines = lines_of(done)
        self.assertEqual((done.status, lines["mx1"]["state"], lines["mx2"]["state"]), (2, "done", "refused"), done)
        self.assertIn("fleet_allow", lines["mx2"]["words"])
        self.assertEqual(strict.senders(), {BAD: 2})

    def test_interrupted(self):
        """^C leaves the order standing and says how to end it; cancel ends it."""
        self.fleet.join("mx1").stop_agent()
        words = self.fleet.words("purge", "--fleet", "-y", "example.com")
        command = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # The order is in the table before the command knows it; then the command looks at its results.
        self.until(lambda: self.fleet.admin("SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                                            "query LIKE '%fleet_result r JOIN fleet_host%'") != ["0"], "a look at the order")
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=60)
        order = self.fleet.admin("SELECT id FROM pqpurge.fleet_order")[0]
        self.assertEqual(command.returncode, 3, err)
        self.assertIn(f"pqpurge-idx fleet cancel {order}", err)
        self.assertEqual(self.fleet.states(order), {"mx1": "pending"})
        done = self.fleet.idx("fleet", "cancel", order, "--reason", "no")
        self.assertEqual(done.status, 0, done)
        self.assertEqual(self.fleet.states(order), {"mx1": "cancelled"})

    def test_what_does_not_go(self):
        """Options about this machine are refused with --fleet; nothing is placed."""
        for words in (["--save", "/tmp/x", "example.com"], ["--for", "1h", "example.com"], ["--id", "-"], []):
            done = self.fleet.idx("purge", "--fleet", "-y", *words)
            self.assertEqual(done.status, 1, (words, done))
        self.assertEqual(self.fleet.admin("SELECT count(*) FROM pqpurge.fleet_order"), ["0"])


class Look(FleetCase):
    def test_list_top_why_status(self):
        """list names each message's host; top and why are summed; status reports each host."""
        hosts = self.fleet.join("mx1", "mx2")
        ids = {}
        for number, host in enumerate(hosts, 1):
            ids[host.name] = host.fill(BAD, 2 * number)
            host.fill(GOOD, 1)
        listed = self.fleet.idx("list", "--fleet", "--json", "example.com")
        self.assertEqual(listed.status, 0, listed)
        self.assertEqual({name: {line["queue_id"] for line in listed.lines if line["host"] == name} for name in ids}, ids)
        top = self.fleet.idx("top", "--fleet", "--json")
        self.assertEqual([(g["group"], g["count"], g["hosts"], sum(g["ages"])) for g in top.lines],
                         [("example.com", 6, 2, 6), ("good.test", 2, 2, 2)], top)
        self.assertAlmostEqual(top.lines[0]["share"], 0.75, 3)
        self.assertEqual(len(self.fleet.idx("top", "--fleet", "--json", "--limit", "1").lines), 1)
        why = self.fleet.idx("why", "--fleet", "--json")
        self.assertEqual((why.status, sum(g["recipients"] for g in why.lines), {g["hosts"] for g in why.lines}), (0, 8, {2}), why)
        for line in why.lines:
            example = line["example"]
            self.assertEqual((example["address"], line["domains"][0]["domain"], bool(example["delay_reason"])), ("u@dest.test", "dest.test", True))
            self.assertIn(example["queue_id"], {m["queue_id"] for m in self.fleet.hosts[example["host"]].postfix.queue()})
        self.assertRegex(self.fleet.idx("why", "--fleet").out, r"e\.g\. on mx[12] ")
        self.assertIn("Nothing is deferred", self.fleet.idx("why", "--fleet", "nobody.test").out)
        status = self.fleet.idx("status", "--fleet", "--json")
        self.assertEqual(set(lines_of(status)), {"mx1", "mx2"}, status)
        self.assertTrue(all("findings" in line["summary"] for line in lines_of(status).values()), status)
        text = self.fleet.idx("list", "--fleet", "example.com")
        self.assertEqual(len([line for line in text.out.splitlines() if line.startswith("mx")]), 6, text)


class Status(FleetCase):
    def found(self, host):
        """A host's local status: {id: finding} about the fleet's link, and the exit status without other findings."""
        status = host.pq.idx("status", "--json").lines[-1]["status"]
        return {finding["id"]: finding for finding in status["findings"] if finding["id"].startswith("fleet")}

    def test_link_of_a_host(self):
        """An agent that never joined and one that has been silent are faults; a joined one is not."""
        host = self.fleet.host("mx1").start(agent=False)
        found = self.found(host)["fleet_away"]
        self.assertEqual(found["level"], "fault", found)
        self.assertIn("has not joined", found["text"])
        host.start_agent()
        self.until(lambda: not self.found(host), "a status without fault")
        link = host.pq.idx("status", "--json").lines[-1]["status"]["fleet"]
        self.assertEqual((link["name"], abs(link["seen"] - time.time()) < 3600), ("mx1", True), link)
        self.assertRegex(host.pq.idx("status").out, r"Fleet +mx1\n  last joined +20\d\d-")
        host.stop_agent()
        os.utime(os.path.join(host.door.directory, "fleet.seen"), (time.time() - 3600,) * 2)
        self.assertIn("was last joined 1h", self.found(host)["fleet_away"]["text"])

    def test_where_only_operators_work(self):
        """`fleet` is set there, too, and fleet_allow is empty: no fault. The fleet's own status is that of its
        hosts."""
        self.fleet.join("mx1")
        station = self.fleet.host("station", fleet_allow="").start(agent=False)
        self.assertEqual(self.found(station), {})
        self.fleet.admin("SELECT pqpurge.fleet_retire_host('station')")
        status = self.fleet.idx("status", "--fleet", "--json")
        self.assertEqual(set(lines_of(status)), {"mx1"}, status)
        self.assertNotIn("fleet_away", status.out)


class Rules(FleetCase):
    def test_block_and_unblock(self):
        """A rule of the fleet is in force everywhere at once, listed with its origin, and outranked by the command's
        own."""
        mx1, mx2 = self.fleet.join("mx1", "mx2")
        done = self.fleet.idx("block", "--fleet", "--for", "2h", "--reason", "ticket 17", "example.com")
        self.assertEqual(done.status, 0, done)
        self.assertIn("in force on 2 of 2 hosts", done.out)
        self.assertTrue(mx1.refuses(BAD) and mx2.refuses(BAD))
        rule = [r for r in mx1.pq.idx("rules", "--json").lines if r["pattern"] == "example.com"][0]
        self.assertEqual((rule["origin"], rule["author"], rule["reason"], rule["action"]), ("fleet", "anna", "ticket 17", "REJECT"))
        local = mx1.pq.idx("unblock", "example.com")
        self.assertIn("unblock --fleet example.com", local.out)
        self.assertTrue(mx1.refuses(BAD))
        mx1.pq.idx("block", "--action", "OK", "example.com")
        self.assertFalse(mx1.refuses(BAD))
        done = self.fleet.idx("unblock", "--fleet", "--json", "example.com")
        self.assertEqual((done.status, done.lines[0]["result"], done.lines[0]["in_force"]), (0, "removed", 2), done)
        self.assertFalse(mx2.refuses(BAD))
        again = self.fleet.idx("unblock", "--fleet", "example.com")
        self.assertEqual((again.status, again.out), (0, "'block --fleet' has set no rule for example.com.\n"), again)

    def test_unblock_is_the_first(self):
        """In a fleet that never had a rule, hosts learn of one that is taken back as soon."""
        self.fleet.join("mx1")
        done = self.fleet.idx("unblock", "--fleet", "--json", "example.com")
        self.assertEqual((done.status, done.lines[0]["result"], done.lines[0]["in_force"]), (0, "absent", 1), done)

    def test_kept_without_the_daemon(self):
        """Rules come while no daemon runs, and are there when it starts."""
        host = self.fleet.join("mx1")
        host.pq.stop()
        self.assertEqual(self.fleet.idx("block", "--fleet", "--for", "2h", "example.com").status, 0)
        rules = {r["pattern"]: r["origin"] for r in host.pq.idx("rules", "--json").lines}
        self.assertEqual(rules.get("example.com"), "fleet")
        host.pq.start()
        self.until(lambda: host.refuses(BAD), "the rule in force")


class Sites(FleetCase):
    """--fleet=east,west: two databases, each with its own hosts, orders and rules."""

    def setUp(self):
        super().setUp()
        self.west = Fleet(self.server)
        self.addCleanup(self.west.close)
        self.services = os.path.join(self.fleet.home, "services")
        with open(self.services, "w", encoding="ascii") as file:
            for name, fleet in (("east", self.fleet), ("west", self.west)):
                file.write(f"[{name}]\n" + "\n".join(fleet.conninfo("anna", "root").split()) + "\n")

    def idx(self, *args):
        return self.fleet.idx(*args, env={**os.environ, "PGSERVICEFILE": self.services})

    def join(self):
        hosts = [self.fleet.join("mx1"), self.west.join("mx1"), self.west.join("mx2")]
        for host in hosts:
            host.fill(BAD, 2)
        return hosts

    def count(self, table="fleet_order"):
        return [int(fleet.admin(f"SELECT count(*) FROM pqpurge.{table}")[0]) for fleet in (self.fleet, self.west)]

    def test_both(self):
        """One command places an order in each. A line for each host names its fleet, the sums cover both; then a
        rule for both."""
        hosts = self.join()
        done = self.idx("purge", "--fleet=east,west", "-y", "--json", "example.com")
        self.assertEqual(done.status, 0, done)
        summary = done.lines[-1]["summary"]
        self.assertEqual((summary["hosts"], summary["done"], summary["deleted"]), (3, 3, 6), done)
        self.assertEqual(sorted((line["fleet"], line["host"], line["order"] == summary["orders"][line["fleet"]])
                                for line in done.lines[:-1]), [("east", "mx1", True), ("west", "mx1", True), ("west", "mx2", True)])
        self.assertEqual([host.senders() for host in hosts], [{}, {}, {}])
        done = self.idx("block", "--fleet=east,west", "--for", "1h", "example.com")
        self.assertEqual(done.status, 0, done)
        self.assertIn("in force on 3 of 3 hosts", done.out)
        self.assertEqual([host.refuses(BAD) for host in hosts], [True] * 3)
        done = self.idx("purge", "--fleet=west,east", "-n", "example.com")
        self.assertIn("east/mx1\tdone", done.out)
        self.assertEqual(self.idx("unblock", "--fleet=west", "example.com").status, 0)
        self.assertEqual([host.refuses(BAD) for host in hosts], [True, False, False])

    def test_looks(self):
        """list, top and status of both."""
        self.join()
        listed = self.idx("list", "--fleet=east,west", "--json")
        self.assertEqual(sorted((line["fleet"], line["host"]) for line in listed.lines),
                         sorted([("east", "mx1"), ("west", "mx1"), ("west", "mx2")] * 2), listed)
        top = self.idx("top", "--fleet=east,west", "--json")
        self.assertEqual([(g["group"], g["count"], g["hosts"]) for g in top.lines], [("example.com", 6, 3)], top)
        self.assertIn("west/mx2", self.idx("status", "--fleet=east,west").out)

    def test_named_hosts(self):
        """--host takes names in any of them. A fleet without a named host gets no order; an unknown name places
        nothing."""
        hosts = self.join()
        for names in ("mx9", "mx2,mx9", "@none"):
            self.assertEqual(self.idx("purge", "--fleet=east,west", "--host", names, "-y", "example.com").status, 1, names)
        self.assertEqual(self.count(), [0, 0])
        done = self.idx("purge", "--fleet=east,west", "--host", "mx2", "-y", "--json", "example.com")
        self.assertEqual((done.status, done.lines[-1]["summary"]["hosts"], self.count()), (0, 1, [0, 1]), done)
        self.assertEqual([host.senders() for host in hosts], [{BAD: 2}, {BAD: 2}, {}])
        done = self.idx("purge", "--fleet=east,west", "--host", "mx1", "-y", "--json", "example.com")
        self.assertEqual((done.status, done.lines[-1]["summary"]["deleted"]), (0, 4), done)

    def test_one_of_them_fails(self):
        """If one cannot be reached, nothing is placed. If one refuses, the other does it, and the exit status is 2."""
        hosts = self.join()
        for names in ("east,nowhere", "nowhere", ",", "", "east;west", "a=b"):
            done = self.idx("purge", "--fleet=" + names, "-y", "example.com")
            self.assertEqual((done.status, self.count()), (1, [0, 0]), (names, done))
        self.west.admin("REVOKE EXECUTE ON FUNCTION pqpurge.fleet_place FROM pqpurge_operator")
        done = self.idx("purge", "--fleet=west,east", "-y", "--json", "example.com")
        self.assertEqual((done.status, done.lines[-1]["summary"]["deleted"], self.count()), (2, 2, [1, 0]), done)
        self.assertIn("the fleet west", done.err)
        self.assertEqual([host.senders() for host in hosts], [{}, {BAD: 2}, {BAD: 2}])

    def test_numbers(self):
        """An order's number belongs to its fleet, so a command that takes one is for one fleet."""
        self.west.add("mx1")
        self.fleet.add("mx1")
        self.assertEqual(self.idx("hold", "--fleet=west,east", "-y", "example.com").status, 4)
        order = self.west.admin("SELECT id FROM pqpurge.fleet_order")[0]
        for words in (("undo", "-y", order), ("fleet", "cancel", order), ("fleet", "hosts")):
            done = self.idx(*words, "--fleet=east,west")
            self.assertEqual(done.status, 1, done)
            self.assertIn("one fleet at a time", done.err)
        self.assertEqual(self.idx("fleet", "cancel", order, "--fleet=west").status, 0)
        self.assertEqual((self.fleet.states(self.fleet.admin("SELECT id FROM pqpurge.fleet_order")[0]), self.west.states(order)),
                         ({"mx1": "pending"}, {"mx1": "cancelled"}))


class Admin(FleetCase):
    def test_hosts_and_orders(self):
        host = self.fleet.join("mx1")
        host.fill(BAD, 3)
        self.fleet.add("mx9", tags=["edge"])
        self.fleet.idx("purge", "--host", "mx1", "-y", "--reason", "why not", "example.com")
        self.until(lambda: "version" in self.hosts()["mx1"] and self.hosts()["mx1"]["version"], "its health")
        hosts = self.hosts()
        self.assertEqual((hosts["mx1"]["state"], hosts["mx9"]["state"], hosts["mx9"]["tags"]), ("present", "new", ["edge"]))
        orders = self.fleet.idx("fleet", "orders", "--json").lines
        self.assertEqual((len(orders), orders[0]["verb"], orders[0]["placed_by"], orders[0]["reason"]), (1, "purge", "anna", "why not"))
        number = str(orders[0]["order"])
        one = self.fleet.idx("fleet", "order", number, "--json")
        self.assertEqual((one.status, one.lines[0]["summary"]["deleted"]), (0, 3), one)
        for words in (["hosts"], ["orders"], ["order", number]):
            done = self.fleet.idx("fleet", *words)
            self.assertIn("mx1" if words[0] != "orders" else "purge", done.out, done)
        for words in ([], ["nothing"], ["order"], ["order", "x"], ["order", "999999"], ["hosts", "mx1"], ["cancel", "0"]):
            self.assertEqual(self.fleet.idx("fleet", *words).status, 1, words)

    def test_manage(self):
        """init makes the tables once and prints the lines for pg_hba.conf; add and retire let hosts and people in and out;
        operators may not."""
        conf = os.path.join(self.fleet.home, "admin.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(f'fleet = "{self.server.local(self.server.database())}"\n')

        def admin(*words):
            done = subprocess.run([COMMAND, "-c", conf, "fleet", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=120, check=False)
            return done.returncode, done.stdout + done.stderr
        status, told = admin("init")
        self.assertEqual(status, 0, told)
        for words in ("1 migration applied", "hostssl", "+pqpurge_host", "cert map=", "pg_ident.conf"):
            self.assertIn(words, told)
        self.assertIn("0 migrations applied", admin("init")[1])
        self.assertEqual(admin("add", "mx1", "--tag", "edge,core"), (0, "mx1 may connect, with a certificate whose CN is mx1.\n"))
        self.assertEqual(admin("add", "kim", "--as", "operator")[0], 0)
        for words in (("add",), ("add", "Not A Name"), ("add", "x", "--as", "king"), ("retire", "nobody"), ("add", "a", "b")):
            self.assertNotEqual(admin(*words)[0], 0, words)
        host = json.loads(admin("hosts", "--json")[1].splitlines()[0])
        self.assertEqual((host["name"], host["state"], host["tags"]), ("mx1", "new", ["edge", "core"]))
        self.assertEqual(admin("retire", "mx1")[0], 0)
        self.assertEqual(json.loads(admin("hosts", "--json")[1].splitlines()[0])["state"], "retired")
        for words in (("init",), ("add", "mx7"), ("retire", "mx1")):
            self.assertNotEqual(self.fleet.idx("fleet", *words).status, 0, words)

    def hosts(self):
        return {line["name"]: line for line in self.fleet.idx("fleet", "hosts", "--json").lines}

    def test_hostile_words(self):
        """Text from the database controls no terminal."""
        self.fleet.join("mx1")
        self.fleet.admin("UPDATE pqpurge.fleet_host SET health = json_build_object('trouble', E'\\x1b[2Jred\\u202e', 'floods', "
                         "json_build_array(json_build_object('kind', E'\\x1bk', 'key', E'a\\x07b', 'recipients', 5)))")
        done = self.fleet.idx("fleet", "hosts")
        self.assertNotIn("\x1b", done.out + done.err)
        self.assertNotIn("\x07", done.out + done.err)

    def test_one_login_on_many_hosts(self):
        self.fleet.add("mx1", "mx2")
        self.fleet.admin("UPDATE pqpurge.fleet_host SET seen_at = clock_timestamp(), health = json_build_object('version', '1', 'floods', "
                         "json_build_array(json_build_object('kind', 'login', 'key', 'joe', 'since', 1790000000, 'recipients', 900)))")
        done = self.fleet.idx("fleet", "hosts")
        self.assertIn("login joe floods on 2 hosts: 1800 recipients in all", done.err)
        self.assertEqual(done.err.count("joe"), 1)

    def test_no_database(self):
        """Without a database: exit 1 and the reason, at once."""
        conf = os.path.join(self.fleet.home, "none.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write('fleet = "host=/nonexistent dbname=x sslmode=verify-full"\n')
        words = self.fleet.words("fleet", "hosts")
        words[2] = conf
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done)
        self.assertIn("fleet", done.stderr)


class Question(FleetCase):
    """On a terminal a dry run comes first, and the answer must be the number of hosts."""

    def ask(self, *words):
        terminal = Terminal(self.fleet.words(*words))
        terminal.read_until("[type the number of hosts]", 60)
        return terminal

    def setUp(self):
        super().setUp()
        self.mx1, self.mx2 = self.fleet.join("mx1", "mx2")
        for host in (self.mx1, self.mx2):
            host.fill(BAD, 3)

    def placed(self):
        return self.fleet.admin("SELECT verb, dry_run FROM pqpurge.fleet_order ORDER BY id")

    def test_no(self):
        for answer in ("", "y", "6", "1"):
            terminal = self.ask("purge", "--fleet", "example.com")
            self.assertIn("6 messages on 2 hosts: mx1 3, mx2 3.", terminal.text)
            self.assertEqual(terminal.answer(answer), 3, terminal.text)
        self.assertEqual(self.placed(), ["purge|t"] * 4)
        self.assertEqual([h.senders() for h in (self.mx1, self.mx2)], [{BAD: 3}] * 2)

    def test_yes(self):
        self.mx2.stop_agent()
        self.fleet.admin("UPDATE pqpurge.fleet_host SET seen_at = seen_at - interval '4 minutes' WHERE name = 'mx2'")
        terminal = self.ask("purge", "--fleet", "--block=2h", "example.com")
        self.assertIn("mx2 was last seen 4m ago", terminal.text)
        self.assertIn("and on mx2 what came before now?", terminal.text)
        self.assertEqual(terminal.answer("2"), 4, terminal.text)
        self.assertIn("Deleted", terminal.text)
        self.assertRegex(terminal.text, r"HOST +STATE +RESULT")
        self.assertTrue(self.mx1.refuses(BAD))

    def test_nothing_matches(self):
        terminal = Terminal(self.fleet.words("purge", "--fleet", "nobody.test"))
        terminal.read_until(None, 60)
        self.assertIn("0 messages on 0 hosts", terminal.text)
        self.assertEqual(self.placed(), ["purge|t"])
