# SPDX-License-Identifier: ISC
"""Rights in the database: a table of attempts by a host, an operator, a reader and strangers. Each must fail for the
reason beside it, and the fleet's data must be unchanged."""
import functools
import json
import os
import subprocess
import unittest

from database import Keys, Server
from link import Operator, Refused


@functools.lru_cache(maxsize=None)
def shared_server():
    return Server().start()


DENIED, FILE, ROLE, TYPE = "42501", "42501", "42501", "42704"

# (user, statement, SQLSTATE). mx1 and mx2 are hosts, order 1 is for both, order 2 for mx2 alone; "{epoch}" is mx1's.
ATTACKS = [
    # A host writes no table, not even its own rows.
    ("mx1", "INSERT INTO pqpurge.fleet_order (expires_at, verb, spec, token) VALUES (now(), 'purge', '{{\"v\":1}}', gen_random_uuid())",
     DENIED),
    ("mx1", "UPDATE pqpurge.fleet_order SET spec = '{{\"v\":1}}'", DENIED),
    ("mx1", "DELETE FROM pqpurge.fleet_order", DENIED),
    ("mx1", "TRUNCATE pqpurge.fleet_order CASCADE", DENIED),
    ("mx1", "UPDATE pqpurge.fleet_result SET state = 'done' WHERE host = 'mx1'", DENIED),
    ("mx1", "SELECT * FROM pqpurge.fleet_result FOR UPDATE", DENIED),
    ("mx1", "INSERT INTO pqpurge.fleet_rule (subject, version, action) VALUES ('gmail.com', 99, 'REJECT')", DENIED),
    ("mx1", "UPDATE pqpurge.fleet SET rule_version = 0", DENIED),
    ("mx1", "UPDATE pqpurge.fleet_host SET epoch = 99", DENIED),
    ("mx1", "INSERT INTO pqpurge.fleet_version (version) VALUES (9)", DENIED),
    ("mx1", "INSERT INTO pqpurge.fleet_event (kind) VALUES ('x')", DENIED),
    ("mx1", "BEGIN; LOCK TABLE pqpurge.fleet_order IN EXCLUSIVE MODE", DENIED),
    ("mx1", "COPY pqpurge.fleet_rule FROM STDIN", DENIED),
    # It reads neither addresses nor the account.
    ("mx1", "SELECT * FROM pqpurge.fleet_part", DENIED),
    ("mx1", "SELECT * FROM pqpurge.fleet_event", DENIED),
    # It is no operator, and cannot call internal functions.
    ("mx1", "SELECT pqpurge.fleet_set_rule('gmail.com', 'REJECT', '', '', '1 day')", DENIED),
    ("mx1", "SELECT pqpurge.fleet_place(gen_random_uuid(), 'purge', false, '{{\"v\":1}}', '', '1 day', NULL, NULL, NULL)", DENIED),
    ("mx1", "SELECT pqpurge.fleet_cancel(1, 'x')", DENIED),
    ("mx1", "SELECT pqpurge.fleet_trim()", DENIED),
    ("mx1", "SELECT pqpurge.put_rule('gmail.com', 'REJECT', '', '', '1 day')", DENIED),
    ("mx1", "SELECT pqpurge.normal_subject('a.test')", DENIED),
    ("mx1", "SELECT pqpurge.own_host(1)", DENIED),
    ("mx1", "SELECT pqpurge.fleet_add_host('mx9', NULL)", DENIED),
    ("mx1", "SELECT pqpurge.fleet_add_person('mx9', 'pqpurge_operator')", DENIED),
    ("mx1", "SELECT pqpurge.fleet_bar('mx2')", DENIED),
    ("mx1", "SELECT pqpurge.fleet_retire_host('mx2')", DENIED),
    # It reports for no other host or order.
    ("mx1", "SELECT pqpurge.fleet_report({epoch}, 2, 1, 'done', 0, 1, '{{}}', '')", "FL004"),
    ("mx1", "SELECT pqpurge.fleet_progress({epoch}, 2, 1, 1, 1)", "FL003"),
    ("mx1", "SELECT pqpurge.fleet_add_part({epoch}, 2, 1, 0, '[]')", "FL003"),
    ("mx1", "SELECT pqpurge.fleet_report({epoch}, 1, 9, 'done', 0, 1, '{{}}', '')", "FL003"),
    ("mx1", "SELECT pqpurge.fleet_report({epoch}, 1, 1, 'cancelled', 0, 1, '{{}}', '')", "FL003"),
    ("mx1", "SELECT * FROM pqpurge.fleet_claim({epoch} - 1)", "FL002"),
    ("mx1", "SELECT * FROM pqpurge.fleet_beat({epoch} + 1, 0, NULL)", "FL002"),
    ("mx1", "SELECT * FROM pqpurge.fleet_claim(NULL)", "FL002"),
    ("mx1", "SELECT pqpurge.fleet_report({epoch}, 1, NULL, 'done', 0, 1, '{{}}', '')", "FL003"),
    ("mx1", "SELECT pqpurge.fleet_report({epoch}, 1, 1, NULL, 0, 1, '{{}}', '')", "FL003"),
    # It cannot fill the table of hosts either.
    ("mx1", "SELECT * FROM pqpurge.fleet_beat({epoch}, 0, to_json(repeat('x', 5000)))", "23514"),
    ("mx1", "SELECT pqpurge.fleet_add_part({epoch}, 1, 1, 99, '[]')", "23514"),
    ("mx1", "SELECT pqpurge.fleet_add_part({epoch}, 1, 1, 0, to_json(repeat('x', 300000)))", "23514"),
    # It takes no other role, and gives itself no rights.
    ("mx1", "SET ROLE pqpurge_operator", ROLE),
    ("mx1", "SET ROLE mx2", ROLE),
    ("mx1", "SET ROLE pqpurge_owner", ROLE),
    ("mx1", "SET SESSION AUTHORIZATION mx2", ROLE),
    ("mx1", "SELECT set_config('role', 'mx2', false)", ROLE),
    ("mx1", "SELECT set_config('session_authorization', 'postgres', false)", ROLE),
    ("mx1", "ALTER ROLE mx1 CONNECTION LIMIT -1", DENIED),
    ("mx1", "ALTER ROLE mx1 IN DATABASE {database} SET temp_file_limit = -1", DENIED),
    ("mx1", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'", DENIED),
    ("mx1", "GRANT pqpurge_operator TO mx1", DENIED),
    ("mx1", "ALTER ROLE mx1 SUPERUSER", DENIED),
    ("mx1", "ALTER ROLE mx2 PASSWORD 'x'", DENIED),
    ("mx1", "CREATE ROLE mx9 LOGIN", DENIED),
    ("mx1", "ALTER TABLE pqpurge.fleet_order DISABLE ROW LEVEL SECURITY", DENIED),
    ("mx1", "CREATE POLICY mine ON pqpurge.fleet_order USING (true)", DENIED),
    ("mx1", "SET row_security = off; SELECT * FROM pqpurge.fleet_order", DENIED),
    # It leaves nothing behind in the database, and reads no files.
    ("mx1", "CREATE TABLE pqpurge.mine (a int)", DENIED),
    ("mx1", "CREATE TABLE public.mine (a int)", DENIED),
    ("mx1", "CREATE TEMP TABLE mine (a int)", DENIED),
    ("mx1", "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", DENIED),
    ("mx1", "CREATE SCHEMA mine", DENIED),
    ("mx1", "CREATE DATABASE mine", DENIED),
    ("mx1", "CREATE EXTENSION dblink SCHEMA pqpurge", DENIED),
    ("mx1", "CREATE FUNCTION public.mine() RETURNS int LANGUAGE c AS 'libc.so.6', 'system'", DENIED),
    ("mx1", "SELECT lo_create(0)", DENIED),
    ("mx1", "SELECT lo_from_bytea(0, 'x')", DENIED),
    ("mx1", "SELECT lo_creat(-1)", DENIED),
    # It cannot fill the server's lock table either.
    ("mx1", "SELECT pg_advisory_lock(g) FROM generate_series(1, 1000000) g", DENIED),
    ("mx1", "SELECT pg_try_advisory_xact_lock_shared(7077, 1)", DENIED),
    ("anna", "SELECT pg_advisory_xact_lock(7077, 1)", DENIED),
    ("mx1", "SELECT pg_read_file('/etc/passwd')", FILE),
    ("mx1", "SELECT pg_ls_dir('/')", FILE),
    ("mx1", "COPY (SELECT 1) TO '/tmp/pqpurge-attack'", FILE),
    ("mx1", "COPY (SELECT 1) TO PROGRAM 'true'", FILE),
    ("mx1", "SELECT * FROM pg_authid", DENIED),
    ("mx1", "SELECT pg_reload_conf()", DENIED),
    ("mx1", "ALTER SYSTEM SET fsync = off", DENIED),
    ("mx1", "SET temp_file_limit = -1", DENIED),
    ("mx1", "SET session_replication_role = replica", DENIED),
    # An operator changes no table by hand, reports for no host, and adds none.
    ("anna", "UPDATE pqpurge.fleet_order SET placed_by = 'bob'", DENIED),
    ("anna", "DELETE FROM pqpurge.fleet_event", DENIED),
    ("anna", "INSERT INTO pqpurge.fleet_event (kind, actor) VALUES ('x', 'bob')", DENIED),
    ("anna", "INSERT INTO pqpurge.fleet_host (name) VALUES ('mx9')", DENIED),
    ("anna", "SELECT pqpurge.fleet_add_host('mx9', NULL)", DENIED),
    ("anna", "SELECT pqpurge.fleet_report(1, 1, 1, 'done', 0, 1, '{{}}', '')", DENIED),
    ("anna", "SELECT * FROM pqpurge.fleet_hello('x')", DENIED),
    ("anna", "SELECT pqpurge.fleet_place('{token}', 'exec', false, '{{\"v\":1}}', '', '1 day', NULL, NULL, NULL)", "23514"),
    ("anna", "SELECT pqpurge.fleet_place('{token}', 'purge', false, '[]', '', '1 day', NULL, NULL, NULL)", "23514"),
    ("anna", "SELECT pqpurge.fleet_place('{token}', 'purge', false, '{{}}', '', '1 day', NULL, NULL, NULL)", "23514"),
    ("anna", "SELECT pqpurge.fleet_place('{token}', 'purge', false, '{{\"v\":1}}', '', '10 years', NULL, NULL, NULL)", "FL006"),
    ("anna", "SELECT pqpurge.fleet_place('{token}', 'purge', false, '{{\"v\":1}}', E'a\\nb', '1 day', NULL, NULL, NULL)", "23514"),
    ("anna", "SELECT pqpurge.fleet_place('{token}', 'purge', false, '{{\"v\":1}}', '', '1 day', '{{mx1,mx7}}', NULL, NULL)", "FL005"),
    ("anna", "SELECT pqpurge.fleet_set_rule(E'a\\nb', 'REJECT', '', '', '1 day')", "23514"),
    ("anna", "SELECT pqpurge.fleet_set_rule('a.test', 'EXEC', '', '', '1 day')", "23514"),
    ("anna", "SELECT pqpurge.fleet_set_rule('a.test', 'REJECT', E'x\\r\\n250 ok', '', '1 day')", "23514"),
    ("anna", "SET ROLE pqpurge_owner", ROLE),
    # A reader reads, but no addresses.
    ("rita", "SELECT * FROM pqpurge.fleet_part", DENIED),
    ("rita", "SELECT pqpurge.fleet_place('{token}', 'list', true, '{{\"v\":1}}', '', '1 day', NULL, NULL, NULL)", DENIED),
    ("rita", "SELECT pqpurge.fleet_set_rule('a.test', 'REJECT', '', '', '1 day')", DENIED),
    ("rita", "SELECT pqpurge.fleet_cancel(1, '')", DENIED),
    ("rita", "SELECT pqpurge.fleet_trim()", DENIED),
]

PICTURE = """SELECT json_agg(t) FROM (
  SELECT 'order', to_json(o)::text FROM pqpurge.fleet_order o UNION ALL SELECT 'result', to_json(r)::text FROM pqpurge.fleet_result r
  UNION ALL SELECT 'rule', to_json(r)::text FROM pqpurge.fleet_rule r UNION ALL SELECT 'event', to_json(e)::text FROM pqpurge.fleet_event e
  UNION ALL SELECT 'part', to_json(p)::text FROM pqpurge.fleet_part p
  UNION ALL SELECT 'host', name || epoch FROM pqpurge.fleet_host ORDER BY 1, 2) t"""


class Rights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = shared_server()
        cls.name = cls.server.database()
        with Operator(cls.server.local(cls.name)) as admin:
            admin.ask("init")
            for host in ("mx1", "mx2"):
                admin.ask("add", name=host)
            admin.ask("add", name="anna", **{"as": "operator"})
            admin.ask("add", name="rita", **{"as": "reader"})
        cls.epoch = int(cls.host("mx1", "SELECT epoch FROM pqpurge.fleet_hello('test')").stdout)
        with Operator(cls.server.remote(cls.name, "anna")) as anna:
            anna.place("purge")
            anna.place("list", hosts=["mx2"])
            anna.ask("rule", subject="bad.test", action="REJECT", for_s=3600)
        cls.host("mx1", f"SELECT * FROM pqpurge.fleet_claim({cls.epoch})")

    @classmethod
    def host(cls, name, sql):
        return cls.server.ask(cls.server.remote(cls.name, name), sql)

    def test_attacks(self):
        before = self.server.admin(self.name, PICTURE)
        for who, sql, state in ATTACKS:
            sql = sql.format(epoch=self.epoch, database=self.name, token="00000000-0000-4000-8000-0000000000aa")
            with self.subTest(who=who, sql=sql):
                done = self.host(who, sql)
                self.assertNotEqual(done.returncode, 0, "it went through")
                self.assertIn(state + ":", done.stderr)
        self.assertEqual(self.server.admin(self.name, PICTURE), before)
        self.assertFalse(os.path.exists("/tmp/pqpurge-attack"))

    def test_one_spelling(self):
        """A rule has one row, however an operator writes it; login names and expressions stay as they are."""
        for given, kept in (("Example.COM", "example.com"), ("Joe@Example.com", "joe@example.com"), (".X.test", ".x.test"), ("<>", "<>"),
                            ("client:2001:DB8::0/32", "client:2001:db8::/32"), ("client:192.0.2.1/32", "client:192.0.2.1"),
                            ("client:192.0.2.1", "client:192.0.2.1"), ("login:Joe", "login:Joe"), ("login:@X.test", "login:@x.test"),
                            ("/Ab/i", "/Ab/i"), ("login:/Ab/", "login:/Ab/"), ("b\u00fccher.test", None), ("client:nothing", None)):
            with self.subTest(given=given), Operator(self.server.remote(self.name, "anna")) as anna:
                if kept is None:
                    self.assertRaises(Refused, anna.ask, "rule", subject=given, action="HOLD")
                    continue
                anna.ask("rule", subject=given, action="HOLD")
                self.assertIn(kept, [rule["subject"] for rule in anna.ask("rules")["rules"]])
                anna.ask("rule", subject=kept, action=None)
                self.assertEqual({rule["subject"] for rule in anna.ask("rules")["rules"]}, {"bad.test"})

    def test_host_sees_its_own(self):
        """Of orders, results and hosts a host sees only its own rows, whatever it asks."""
        for sql, expected in (("SELECT id FROM pqpurge.fleet_order", "1"), ("SELECT DISTINCT host FROM pqpurge.fleet_result", "mx1"),
                              ("SELECT name FROM pqpurge.fleet_host", "mx1"),
                              ("SELECT name FROM pqpurge.fleet_host WHERE 1 / (length(name) - 3) IS NULL OR name > ''", "")):
            self.assertEqual(self.host("mx1", sql).stdout.strip(), expected, sql)
        self.assertEqual(self.host("mx1", "SELECT subject FROM pqpurge.fleet_rules(0)").stdout.strip(), "bad.test")

    def test_open_transaction_of_a_host(self):
        """A host that keeps its claim's transaction open stops neither a cancel nor another order."""
        order = None
        with Operator(self.server.remote(self.name, "anna")) as anna:
            order = anna.place("status", hosts=["mx1"])
            held = subprocess.Popen(["psql", "-XAtq", "-d", self.server.remote(self.name, "mx1")], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True)
            held.stdin.write("SET idle_in_transaction_session_timeout = 0;\nBEGIN;\n"
                             f"SELECT order_id FROM pqpurge.fleet_claim({self.epoch});\n")
            held.stdin.flush()
            self.assertEqual(held.stdout.readline().strip(), str(order))
            self.assertEqual(anna.ask("cancel", order=order), {"cancelled": 0, "running": 1})
            anna.ask("place", token="00000000-0000-4000-8000-0000000000bb", verb="status", spec={"v": 1}, expire_s=60)
            held.stdin.write("ROLLBACK;\n")
            held.stdin.close()
            held.wait(60)
            held.stdout.close()
            self.assertEqual(anna.results(order)["mx1"]["state"], "cancelled")

    def test_strangers(self):
        """Only the certificate lets in, only under its own name, and only over TLS to the right server."""
        other = Keys(os.path.join(self.server.directory, "others"))
        stolen = os.path.join(other.client("mx1"), "postgresql")
        good = self.server.remote(self.name, "mx1")
        keys = self.server.keys.directory
        for what, conninfo in (
                ("another's name", self.server.remote(self.name, "mx2") + " user=mx1"),
                ("the superuser", good + " user=postgres"),
                ("a certificate for postgres", self.server.remote(self.name, "postgres") + " user=postgres"),
                ("no certificate", f"host=localhost port={self.server.port} dbname={self.name} user=mx1 sslmode=verify-full "
                                   f"sslrootcert={keys}/root.crt sslcert=/nonexistent sslkey=/nonexistent"),
                ("another authority", good.replace(f"{keys}/mx1/postgresql", stolen)),
                ("no TLS", good.replace("verify-full", "disable")),
                ("another server's name", good.replace("host=localhost", "host=elsewhere")),
                ("another database", good.replace(f"dbname={self.name}", "dbname=postgres"))):
            with self.subTest(what=what):
                self.assertNotEqual(self.server.ask(conninfo, "SELECT 1").returncode, 0, "it got in")
        self.assertEqual(self.server.ask(good, "SELECT 1").returncode, 0)

    def test_less_than_full_verification(self):
        """pqpurge-link does not speak to a server that it has not verified."""
        good = self.server.remote(self.name, "anna")
        for mode in ("disable", "allow", "prefer", "require", "verify-ca"):
            with self.assertRaises(Refused) as caught:
                Operator(good.replace("verify-full", mode))
            self.assertIn(mode, caught.exception.text)
        with self.assertRaises(Refused):
            Operator(good.replace("host=localhost", "host=elsewhere"))
        with self.assertRaises(Refused) as caught:
            Operator(good + " user=mx1")
        self.assertIn("certificate", caught.exception.text)

    def test_bounds_of_the_operators_side(self):
        """Whatever a database sends, root's command does not use all memory for it, and no key is left in a core
        file."""
        with Operator(self.server.remote(self.name, "anna")) as anna:
            with open(f"/proc/{anna.process.pid}/limits", encoding="ascii") as file:
                limits = {line[:26].strip(): line[26:].split()[:2] for line in file}
            self.assertEqual(limits["Max core file size"], ["0", "0"])
            self.assertNotIn("unlimited", limits["Max address space"])
            with self.assertRaises(Refused):
                anna.ask("results", order=10 ** 9)

    def test_key_that_others_can_read(self):
        key = os.path.join(self.server.keys.client("keyless"), "postgresql.key")
        conninfo = self.server.remote(self.name, "keyless")
        os.chmod(key, 0o644)
        with self.assertRaises(Refused) as caught:
            Operator(conninfo + " user=anna")
        self.assertIn("private key file", caught.exception.text)

    def test_retired(self):
        """A retired host is disconnected at once, and gets in again only after it is added again."""
        with Operator(self.server.local(self.name)) as admin:
            admin.ask("add", name="mx3", tags=["edge"])
            held = subprocess.Popen(["psql", "-XAtq", "-d", self.server.remote(self.name, "mx3")], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            held.stdin.write("SELECT 'in';\n")
            held.stdin.flush()
            self.assertEqual(held.stdout.readline(), "in\n")
            self.assertEqual(admin.ask("retire", name="mx3"), {"ended": 1})
            self.assertIn("terminating", held.communicate("SELECT 'in';\n", 60)[1])
            self.assertNotEqual(self.host("mx3", "SELECT 1").returncode, 0)
            self.assertEqual(admin.ask("tags", tags=["edge"]), {"hosts": []})
            admin.ask("add", name="mx3")
            self.assertEqual(self.host("mx3", "SELECT 1").returncode, 0)
            self.assertEqual(admin.ask("tags", tags=["edge"]), {"hosts": ["mx3"]})
            admin.ask("retire", name="mx3")
            with self.assertRaises(Refused):
                admin.ask("retire", name="mx99")

    def test_retired_while_it_holds_its_role(self):
        """A stolen host cannot keep itself from being retired."""
        with Operator(self.server.local(self.name)) as admin:
            admin.ask("add", name="mx4")
            held = subprocess.Popen(["psql", "-XAtq", "-d", self.server.remote(self.name, "mx4")], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            held.stdin.write("SET idle_in_transaction_session_timeout = 0;\nBEGIN;\nALTER ROLE mx4 PASSWORD 'x';\nSELECT 'in';\n")
            held.stdin.flush()
            self.assertEqual(held.stdout.readline(), "in\n")
            self.assertEqual(admin.ask("retire", name="mx4"), {"ended": 1})
            self.assertIn("terminating", held.communicate("SELECT 'in';\n", 60)[1])
            self.assertNotEqual(self.host("mx4", "SELECT 1").returncode, 0)

    def test_roles_that_are_something_else(self):
        """`add` gives no rights to a role that has others."""
        with Operator(self.server.local(self.name)) as admin:
            for name in ("postgres", "anna", "Mx1", "a b", "", "-x", "x" * 64, "pqpurge_owner", "x;drop"):
                with self.assertRaises(Refused) as caught:
                    admin.ask("add", name=name)
                self.assertEqual(caught.exception.state, "FL007", name)

    def test_init(self):
        """A second init changes nothing, and simultaneous ones take turns."""
        name = self.server.database()
        with Operator(self.server.local(name)) as one, Operator(self.server.local(name)) as other:
            self.assertEqual(one.greeting["version"], 0)
            for process in (one, other):
                process.process.stdin.write('{"do":"init"}\n')
                process.process.stdin.flush()
            answers = [json.loads(process.process.stdout.readline()) for process in (one, other)]
        self.assertEqual(sorted(answer["applied"] for answer in answers), [[], [1]])
        self.assertEqual({answer["version"] for answer in answers}, {1})
