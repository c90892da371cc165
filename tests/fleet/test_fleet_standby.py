# SPDX-License-Identifier: ISC
"""The database's machine dies. A standby, which followed it by real streaming replication, takes over."""
import signal
import subprocess
import unittest

from database import Server
from fleet import LONG, Fleet
from link import Operator
from rig import until

BAD = "a@example.com"
PURGE = {"author": ["example.com"]}


class Standby(unittest.TestCase):
    def test_promoted(self):
        """Hosts find the new primary without help. Rules stay in force, no acknowledged order is lost, none is done
        twice."""
        primary = Server().start()
        self.addCleanup(primary.close)
        standby = Server(of=primary).start()
        self.addCleanup(standby.close)
        fleet = Fleet(primary, others=str(standby.port))
        self.addCleanup(fleet.close)
        primary.admin("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.admin("postgres", "SELECT pg_reload_conf()")
        until(lambda: primary.admin("postgres", "SELECT sync_state FROM pg_stat_replication") == ["sync"], "a synchronous standby", LONG)

        here, away = fleet.join("mx1", "mx2")
        away.stop_agent()
        for host in (here, away):
            host.fill(BAD, 4)
        with fleet.operator() as anna:
            order = anna.place("purge", spec=PURGE, rules=[{"subject": "example.com", "action": "REJECT"}], rules_for_s=3600)
            fleet.until_states(order, {"mx1": "done", "mx2": "pending"})
        primary.stop(signal.SIGQUIT)
        self.assertTrue(here.refuses(BAD))
        self.assertEqual(here.pq.idx("purge", "-y", "nothing.test").status, 0)

        standby.promote()
        fleet.server = standby  # the test asks there
        here.joined(2)
        away.start_agent()
        fleet.until_states(order, {"mx1": "done", "mx2": "done"})
        self.assertEqual(fleet.admin("SELECT host, attempt FROM pqpurge.fleet_result ORDER BY host"), ["mx1|1", "mx2|1"])
        self.assertTrue(away.refuses(BAD))
        self.assertEqual((here.senders(), away.senders()), ({}, {}))
        fleet.server = primary  # its conninfo names both
        with fleet.operator() as anna:
            fleet.server = standby
            here.fill("b@other.test", 2)
            order = anna.place("purge", spec={"author": ["other.test"]})
            fleet.until_states(order, {"mx1": "done", "mx2": "done"})
        self.assertEqual(here.senders(), {})


class Builder(unittest.TestCase):
    """A role that may make roles and owns the database is enough to set a fleet up and to look after it."""

    def server(self):
        """A server, its database, and the conninfo of such a role."""
        server = Server().start()
        self.addCleanup(server.close)
        name = server.database()
        server.admin("postgres", "CREATE ROLE postgres2 LOGIN CREATEROLE")
        server.admin("postgres", f"ALTER DATABASE {name} OWNER TO postgres2")
        with open(server.data + "/pg_hba.conf", "a", encoding="ascii") as file:
            file.write("local all postgres2 trust\n")
        server.admin("postgres", "SELECT pg_reload_conf()")
        conninfo = server.local(name).replace("user=postgres", "user=postgres2")
        until(lambda: server.ask(conninfo, "SELECT 1").returncode == 0, "the new role", LONG)
        return server, name, conninfo

    def test_init(self):
        """Missing rights are reported."""
        server, name, conninfo = self.server()
        with Operator(conninfo) as admin:
            answer = admin.ask("init")
            self.assertEqual(answer["applied"], [1])
            self.assertTrue(any("lo_creat" in words for words in answer["warnings"]), answer)
            admin.ask("add", name="mx1")
            admin.ask("add", name="anna", **{"as": "operator"})
        with Operator(server.remote(name, "anna")) as anna:
            anna.place("purge", spec=PURGE)
        done = server.ask(server.remote(name, "mx1"), "SELECT epoch FROM pqpurge.fleet_hello('x')")
        self.assertEqual(done.stdout.strip(), "1", done.stderr)

    def hold(self, conninfo, *statements):
        """A session that has carried out these statements, and stays."""
        held = subprocess.Popen(["psql", "-XAtq", "-d", conninfo], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        self.addCleanup(held.communicate)
        held.stdin.write("".join(f"{statement};\n" for statement in (*statements, "SELECT 'in'")))
        held.stdin.flush()
        self.assertEqual(held.stdout.readline(), "in\n")
        return held

    def test_retire(self):
        """The host's sessions end, even if it keeps its role locked; no right stays behind."""
        server, name, conninfo = self.server()
        locks = ("SET idle_in_transaction_session_timeout = 0", "BEGIN", "ALTER ROLE mx2 PASSWORD 'x'")
        with Operator(conninfo) as admin:
            admin.ask("init")
            for host, statements in (("mx1", ()), ("mx2", locks)):
                admin.ask("add", name=host)
                before = server.admin(name, "SELECT * FROM pg_auth_members ORDER BY 1, 2, 3")
                self.hold(server.remote(name, host), *statements)
                self.assertEqual(admin.ask("retire", name=host), {"ended": 1})
                self.assertEqual(server.admin(name, "SELECT * FROM pg_auth_members ORDER BY 1, 2, 3"), before)
                self.assertNotEqual(server.ask(server.remote(name, host), "SELECT 1").returncode, 0)
        self.assertEqual(server.admin(name, "SELECT count(*) FROM pqpurge.fleet_host WHERE retired_at IS NULL"), ["0"])
