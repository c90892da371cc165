# SPDX-License-Identifier: ISC
"""The policy front on a real Postfix: alone, beside the milter, behind submission, and while the daemon is down."""
import functools
import json
import os
import random
import signal
import socket
import subprocess

import sasl
from case import BAD, RigCase, both_ids
from pqpurge import BUILD, wire
from rig import PrivatePostfix, free_port, until
from smtp import Refused, Smtp, content, queue_id

DUMP = os.path.join(BUILD, "tools/index_dump")
LINE = "check_policy_service { unix:pqpurge/policy.sock, default_action=DUNNO }"
LISTS = f"pqpurge = {LINE}\nsmtpd_end_of_data_restrictions = $pqpurge\n"
FIRST = LISTS + "smtpd_recipient_restrictions = $pqpurge, permit_mynetworks, reject\n"
NO = "Not accepted by local policy"
SUBMISSION = free_port()
SUBMISSION_SERVICE = f"""\
127.0.0.1:{SUBMISSION} inet n - n - 20 smtpd
  -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=sasl.sock -o syslog_name=postfix/submission
  -o {{ smtpd_recipient_restrictions = $pqpurge, permit_sasl_authenticated, reject }}
  -o {{ smtpd_relay_restrictions = permit_sasl_authenticated, reject }}
"""


@functools.lru_cache(maxsize=None)
def policy_postfix(long_ids, main, services, with_milter):
    postfix = PrivatePostfix(long_ids=long_ids, main=main, services=services)
    if with_milter:
        wire(postfix)
    return postfix.start()


class PolicyCase(RigCase):
    main, with_milter = FIRST, False

    def setUp(self):
        from unittest import mock
        with mock.patch("case.shared_postfix", lambda long_ids, main, services, _: policy_postfix(long_ids, main, services, self.with_milter)):
            self.settings = {"policy_socket": "unix:" + os.path.join(self.directory(), "pqpurge/policy.sock"), **self.settings}
            super().setUp()

    def directory(self):
        return policy_postfix(self.long_ids, self.main, self.services, self.with_milter).spool

    def rows(self):
        """{queue ID: record} of the index as it is; two rows with one ID fail."""
        done = subprocess.run([DUMP, self.pq.index], stdout=subprocess.PIPE, check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        found = {row["queue_id"]: row for row in rows}
        self.assertEqual(len(rows), len(found), rows)
        return found

    def block(self, *args):
        result = self.pq.idx("block", "-y", *args)
        self.assertEqual(result.status, 0, result)

    def ask(self, **request):
        """Sends a request of the control protocol."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(os.path.join(self.pq.index, "control.sock"))
            control.sendall(json.dumps(request).encode() + b"\n")
            with control.makefile() as answers:
                return json.loads(answers.readline())

    def hits(self, pattern):
        return next(rule["hits"] for rule in self.ask(do="rules")["rules"] if rule["pattern"] == pattern)

    def refused(self, call, code, words, *args, **options):
        """The call must be refused; returns the whole reply."""
        with self.assertRaises(Refused) as caught:
            call(*args, **options)
        self.assertEqual((caught.exception.code, words in caught.exception.text), (code, True), str(caught.exception))
        return caught.exception.text


@both_ids
class Alone(PolicyCase):
    """No milter anywhere."""

    def test_recorded(self):
        """Before any catch-up: envelope, client, login, and the exact arrival time of the file."""
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.7", PORT="4711", LOGIN="joe")
            ours = client.message("Some.User@Example.COM", ["u@dest.test", "V@dest.test"], content())
        row = self.rows()[ours]
        self.postfix.settled(1)
        file = self.postfix.read()[ours]
        self.assertEqual(["Some.User@example.com", ["u@dest.test", "V@dest.test"], 2], [row["sender"], row["recipients"], row["recipient_count"]])
        self.assertEqual(["192.0.2.7", 4711, "joe", "smtpd", 0, []], [row[k] for k in ("client", "client_port", "login", "origin", "flags", "from")])
        self.assertEqual(round(file.arrival * 1e6), row["mail_time"])
        self.assertEqual(row["rcpt_time"], row["mail_time"], "so that no other time proves it")
        self.assertGreaterEqual(row["end_time"], row["rcpt_time"])

    def test_purge_is_exact(self):
        ours = set(self.send_many("a@example.com", 5)) | {self.send("b@Example.Com", ["x@one.test", "y@two.test"])}
        others = set(self.send_many("a@badexample.com", 3)) | {self.send("a@example.com.evil.test"), self.send("", text=content("n@good.test"))}
        self.assertEqual(ours | others, set(self.rows()))
        self.postfix.settled(len(ours | others))
        result = self.assert_purged(ours, BAD)
        self.assertEqual(0, result.summary["from_queue"], "the index knew them")

    def test_by_login_client_recipient(self):
        joes = {self.send("a@x.test", LOGIN="joe"), self.send("b@x.test", ["u@dest.test", "w@other.test"], LOGIN="JOE")}
        far = {self.send("a@x.test", ADDR="192.0.2.9"), self.send("a@x.test", ADDR="IPV6:2001:db8::9")}
        plain = self.send("a@x.test")
        self.postfix.settled(5)
        self.assert_selects(joes, "--login", "joe")
        self.assert_selects(far, "--client", "192.0.2.0/24", "--client", "2001:db8::/32")
        self.assert_purged(joes, "--login", "joe")
        self.assert_purged(far, "--client", "192.0.2.9", "--client", "2001:db8::9")
        self.assertEqual({plain}, self.postfix.ids())

    def test_header_from(self):
        """The front does not see it; each verb's catch-up reads it from the file."""
        ours, other = self.send("a@good.test", text=content("Boss <b@example.com>")), self.send("a@good.test")
        self.assertEqual([], self.rows()[ours]["from"])
        self.postfix.settled(2)
        self.assert_purged({ours}, BAD)
        self.assertEqual({other}, self.postfix.ids())

    def test_several_in_one_connection(self):
        """RSET, a message without an accepted recipient, and one after the other."""
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@lost.test"))
            client.expect(2, client.rcpt("lost@dest.test"))
            client.command("RSET")
            first = client.message("a@one.test", ["r1@dest.test", "r2@dest.test"], content())
            second = client.message("a@two.test", "r3@dest.test", content())
            client.expect(2, client.mail("a@gone.test"))
            client.expect(2, client.rcpt("gone@dest.test"))
            client.expect(3, client.command("DATA"))
            client.drop()
        rows = self.rows()
        self.assertEqual({first: ("a@one.test", ["r1@dest.test", "r2@dest.test"]), second: ("a@two.test", ["r3@dest.test"])},
                         {i: (row["sender"], row["recipients"]) for i, row in rows.items()})

    def test_pipelined_and_bdat(self):
        with self.postfix.smtp() as client:
            first = client.pipelined("a@one.test", "u@dest.test", content())
            body = content().replace("\n", "\r\n")
            client.expect(2, client.mail("a@two.test"))
            client.expect(2, client.rcpt("u@dest.test"))
            client.socket.sendall(f"BDAT {len(body)} LAST\r\n{body}".encode())
            second = queue_id(client.expect(2, client.reply()))
        self.assertEqual({first, second}, set(self.rows()))

    def test_sendmail_is_found(self):
        """It never passes here; the catch-up finds it."""
        self.postfix.sendmail("a@example.com", ["u@dest.test"], content())
        self.postfix.settled(1)
        self.assertEqual({}, self.rows())
        self.assert_purged(self.postfix.ids(), BAD)

    def test_while_the_daemon_is_down(self):
        """default_action=DUNNO: mail is accepted, and found later."""
        self.send("a@good.test")
        self.pq.stop()
        ours = self.send("a@example.com")
        self.pq.start()
        late = self.send("a@example.com")
        self.assertEqual({late}, set(self.rows()) - self.postfix.ids() | {late})
        self.assertNotIn(ours, self.rows())
        self.postfix.settled(3)
        self.assert_purged({ours, late}, BAD)

    def test_daemon_restarts_in_a_session(self):
        """Unlike with a milter, the session goes on with the new daemon."""
        with self.postfix.smtp() as client:
            client.message("a@one.test", "u@dest.test", content())
            self.pq.stop()
            self.pq.start()
            self.block("bad.example")
            self.refused(client.message, 550, NO, "a@bad.example", "u@dest.test", content())
            client.command("RSET")
            second = client.message("a@two.test", "u@dest.test", content())
        self.assertIn(second, self.rows())

    def test_daemon_that_hangs_between_the_two_calls(self):
        """Killed between RCPT and the end: the message is accepted, and read from the queue."""
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@example.com"))
            client.expect(2, client.rcpt("u@dest.test"))
            self.pq.kill9()
            ours = queue_id(client.expect(2, client.data(content())))
        self.pq.start()
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)

    def test_reused_id_is_not_hit(self):
        """The row of a message that left does not stand for another file."""
        ours = self.send("a@example.com")
        self.postfix.settled(1)
        path = self.postfix.find(ours)
        with open(path, "rb") as file:
            data = file.read()
        row = self.rows()[ours]
        arrival = row["mail_time"] + 1
        was = f"{row['mail_time'] // 1000000} {row['mail_time'] % 1000000}".encode()
        now = f"{arrival // 1000000} {arrival % 1000000}".encode()
        if len(was) != len(now):
            arrival = row["mail_time"] - 1
            now = f"{arrival // 1000000} {arrival % 1000000}".encode()
        self.assertIn(was, data)
        changed = data.replace(was, now).replace(b"a@example.com", b"a@exampl2.com")
        with open(path, "r+b") as file:  # the same inode and name; only the microsecond differs
            file.write(changed)
        self.assert_purged(set(), BAD)
        self.assertEqual({ours}, self.postfix.ids())


class Rules(PolicyCase):
    def test_sender(self):
        self.block("bad.example")
        text = self.refused(self.send, 550, NO, "a@Bad.Example")
        self.assertTrue(text.startswith("5.7.1 "), text)
        self.assertNotIn("bad.example", text.lower().replace("a@bad.example", ""))
        self.send("a@verybad.example")
        self.assertEqual(1, self.hits("bad.example"))

    def test_login_and_client(self):
        self.block("login:joe")
        self.block("client:192.0.2.0/24")
        self.refused(self.send, 550, NO, "a@good.test", LOGIN="Joe")
        self.refused(self.send, 550, NO, "a@good.test", ADDR="192.0.2.3")
        self.send("a@good.test", LOGIN="anna", ADDR="198.51.100.1")

    def test_null_sender(self):
        self.block("--action", "DEFER", "<>")
        self.refused(self.send, 451, "4.7.1", "")
        self.send("a@good.test")

    def test_text(self):
        self.block("--text", "5.7.26 100% unwanted $here ${x}", "bad.example")
        self.assertIn("5.7.26 <u@dest.test>: Recipient address rejected: 100% unwanted $here ${x}",
                      self.refused(self.send, 550, "unwanted", "a@bad.example"))

    def test_each_recipient_is_one_hit(self):
        self.block("bad.example")
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@bad.example"))
            self.assertEqual([550] * 5, [client.rcpt(f"u{n}@dest.test")[0] for n in range(5)])
        self.assertEqual(1, self.hits("bad.example"))
        self.assertEqual(1, self.pq.log().count("rejected at RCPT"))

    def test_hold(self):
        self.block("--action", "HOLD", "held.example")
        ours, other = self.send("a@held.example"), self.send("a@good.test")
        until(lambda: sorted(f.queue for f in self.postfix.read().values()) == ["deferred", "hold"], "one message in hold")
        self.assertEqual("hold", self.postfix.read()[ours].queue)
        self.assertEqual(1, self.hits("held.example"))
        self.assertEqual({ours, other}, set(self.rows()))
        self.assert_purged({ours}, "held.example")

    def test_counted_for_monitors(self):
        for action, domain in (("REJECT", "bad.example"), ("DEFER", "slow.example"), ("HOLD", "held.example"), ("DISCARD", "lost.example")):
            self.block("--action", action, domain)
        self.refused(self.send, 550, NO, "a@bad.example")
        self.refused(self.send, 451, "4.7.1", "a@slow.example")
        for domain in "held.example", "lost.example", "good.test", "good.test":
            self.send("a@" + domain)
        status = self.ask(do="status")
        self.assertEqual({"reject": 1, "defer": 1, "hold": 1, "discard": 1}, status["refused"])
        self.assertEqual(3, status["accepted"])

    def test_discard(self):
        self.block("--action", "DISCARD", "sink.example")
        self.send("a@sink.example")
        self.assertEqual({}, self.rows())
        until(lambda: not self.postfix.ids(), "cleanup to remove what was discarded")
        self.assertIn("discarded by pqpurge", self.postfix.log())

    def test_rule_meanwhile(self):
        """A rule set between RCPT and the end: by the command, the file, the fleet, or an order of a flood."""
        def by_file(domain):
            self.pq.write_rules(f"{domain} REJECT\n")
            self.assertTrue(self.ask(do="reload")["ok"])

        def by_fleet(domain):
            self.assertTrue(self.ask(do="rule-fleet", replace=True, rules=[{"subject": domain, "action": "REJECT"}]).get("ok"))
        for domain, rule in (("one.example", self.block), ("two.example", by_file), ("three.example", by_fleet)):
            with self.postfix.smtp() as client:
                client.expect(2, client.mail("a@" + domain))
                client.expect(2, client.rcpt("u@dest.test"))
                client.expect(3, client.command("DATA"))
                rule(domain)
                code, text = client.finish(content())
                self.assertEqual((550, True), (code, NO in text), text)
                client.command("RSET")
                client.expect(2, client.mail("a@" + domain))
                self.assertEqual(550, client.rcpt("u@dest.test")[0])
        self.assertEqual({}, self.rows())
        until(lambda: not self.postfix.ids(), "cleanup to remove what was refused")

    def test_goes_on_without_mail(self):
        """After such a refusal Postfix before 3.12 accepts RCPT and DATA without a new MAIL: that message counts by
        itself."""
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@late.example"))
            for recipient in "u@dest.test", "v@dest.test":
                client.expect(2, client.rcpt(recipient))
            client.expect(3, client.command("DATA"))
            self.block("late.example")
            self.assertEqual(550, client.finish(content())[0])
            self.assertEqual(0, self.pq.idx("unblock", "-y", "late.example").status)
            if client.rcpt("w@dest.test")[0] != 250:
                return  # this Postfix requires MAIL
            ours = queue_id(client.expect(2, client.data(content())))
        self.assertEqual({ours: []}, {i: row["recipients"] for i, row in self.rows().items()},
                         "Postfix counts the first one's recipients, too, so the file alone knows them")
        self.postfix.settled(1)
        self.assert_selects(set(), "--recipient", "u@dest.test")
        self.assert_selects({ours}, "--recipient", "w@dest.test")
        self.assert_purged({ours}, "late.example")

    def test_unblock(self):
        self.block("bad.example")
        self.refused(self.send, 550, NO, "a@bad.example")
        self.assertEqual(0, self.pq.idx("unblock", "-y", "bad.example").status)
        self.send("a@bad.example")

    def test_no_reject_for_header_from(self):
        """As documented: mail that the milter would refuse by its header passes."""
        self.block("bad.example")
        self.send("a@good.test", text=content("b@bad.example"))


class Recipients(PolicyCase):
    """Other restrictions refuse some of them."""

    main = LISTS + ("smtpd_recipient_restrictions = $pqpurge, check_recipient_access "
                    "inline:{no@dest.test=REJECT, never@dest.test=REJECT}, permit_mynetworks, reject\n")

    def check(self, given, accepted, listed):
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@example.com"))
            for recipient in given:
                client.rcpt(recipient)
            ours = queue_id(client.expect(2, client.data(content())))
        row = self.rows()[ours]
        self.assertEqual([len(accepted), listed], [row["recipient_count"], row["recipients"]])
        self.postfix.settled(1)
        self.assertEqual(sorted(accepted), sorted(self.postfix.read()[ours].recipients))
        for recipient in given:
            self.assert_selects({ours} if recipient in accepted else set(), "--recipient", recipient)
        self.assert_selects({ours}, "--recipient", "dest.test", "--only")
        self.assert_purged({ours}, "--recipient", accepted[0])

    def test_all(self):
        self.check(["r1@dest.test", "r2@dest.test"], ["r1@dest.test", "r2@dest.test"], ["r1@dest.test", "r2@dest.test"])

    def test_one_of_two(self):
        self.check(["no@dest.test", "r1@dest.test"], ["r1@dest.test"], ["r1@dest.test"])

    def test_two_of_four(self):
        """Only the file knows which."""
        self.check(["no@dest.test", "r1@dest.test", "never@dest.test", "r2@dest.test"], ["r1@dest.test", "r2@dest.test"], [])


class Senders(PolicyCase):
    """Random addresses that MAIL FROM accepts: our reading compared with the queue file's."""

    PIECES = ("a", "user", "example.com", "Sub.Example.COM", "x.test", "@", "@", "@", "%", "!", ":", ",", '"q r"', '"a@b.test"',
              '"\\""', "(c)", ".", "[192.0.2.1]", "-", "_", "\\@", " ", "rig.test", "@relay.test:", "'", "<", ">", ";")

    def test_domains(self):
        seed = int(os.environ.get("SEED", "1"))
        chance, taken = random.Random(seed), {}
        with self.postfix.smtp() as client:
            for _ in range(600):
                sender = "".join(chance.choice(self.PIECES) for _ in range(chance.randrange(1, 7)))
                try:
                    taken[client.message(sender, "u@dest.test", "Subject: x\n\nx\n")] = sender
                except Refused:
                    client.command("RSET")
        self.assertGreater(len(taken), 40)
        rows = self.rows()
        self.assertEqual(set(rows), set(taken))
        self.postfix.settled(len(taken))
        wrong = {}
        for id_, file in self.postfix.read().items():
            theirs = file.sender.rpartition("@")[2].lower().strip().removesuffix(".")
            ours = rows[id_]["sender"].rpartition("@")
            if (ours[2] if ours[1] and not ours[2].endswith('"') else "") != theirs:
                wrong[taken[id_]] = (rows[id_]["sender"], file.sender)
        self.assertEqual(wrong, {}, f"SEED={seed}: sender: (what we say, what Postfix stored)")


@both_ids
class Both(PolicyCase):
    """Both fronts at once: one row, one hit, one message for the flood watch."""

    with_milter = True
    settings = {"flood_watch": "warn"}

    def test_one_row(self):
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.7", PORT="4711", LOGIN="joe", DESTADDR="192.0.2.1", DESTPORT="25")
            ours = [client.message("a@example.com", ["u@dest.test", "v@dest.test"], content("b@header.test")) for _ in range(3)]
        rows = self.rows()
        self.assertEqual(set(ours), set(rows))
        self.assertEqual([["b@header.test"]] * 3, [row["from"] for row in rows.values()], "the milter's row")
        status = self.ask(do="status")
        self.assertEqual([9, 9, 3], [status[key] for key in ("policy_requests", "policy_passed", "recorded")])
        self.postfix.settled(3)
        self.assert_purged(ours, BAD)

    def test_one_row_of_plain_connections(self):
        ours = [self.send("a@example.com"), self.send("", text=content("a@example.com"))]
        self.assertEqual(set(ours), set(self.rows()))
        self.assertEqual(2, self.ask(do="status")["recorded"])
        self.postfix.settled(2)
        self.assert_purged(ours, BAD)

    def test_one_hit(self):
        self.block("--action", "HOLD", "held.example")
        self.block("bad.example")
        self.send("a@held.example")
        self.refused(self.send, 550, NO, "a@bad.example")
        self.refused(self.send, 550, NO, "a@good.test", text=content("x@bad.example"))
        self.assertEqual([1, 2], [self.hits("held.example"), self.hits("bad.example")])
        self.assertEqual(1, self.pq.log().count("held at end of message"))

    def test_many_at_once(self):
        self.postfix.flood("a@example.com", 200, sessions=20)
        self.assertEqual(200, len(self.rows()))
        self.assertEqual([200, 400], [self.ask(do="status")[k] for k in ("recorded", "policy_passed")])
        self.postfix.settled(200)
        self.assert_purged(self.postfix.ids(), BAD)


class Submission(PolicyCase):
    """A service with its own SASL and restrictions."""

    services = SUBMISSION_SERVICE

    def setUp(self):
        super().setUp()
        server = sasl.serve(os.path.join(self.postfix.spool, "sasl.sock"))
        self.addCleanup(os.unlink, os.path.join(self.postfix.spool, "sasl.sock"))
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def login(self, user):
        client = Smtp(SUBMISSION)
        self.addCleanup(client.drop)
        client.expect(2, client.command(sasl.plain(user)))
        return client

    def test_login(self):
        ours = self.login("joe").message("a@x.test", "u@dest.test", content())
        other = self.login("anna").message("a@x.test", "u@dest.test", content())
        self.assertEqual(["joe", "anna"], [self.rows()[i]["login"] for i in (ours, other)])
        self.postfix.settled(2)
        self.assertEqual("joe", self.postfix.read()[ours].attributes["sasl_username"])
        self.assert_purged({ours}, "--login", "joe")

    def test_block(self):
        self.block("login:joe")
        client = self.login("joe")
        self.refused(client.message, 550, NO, "a@x.test", "u@dest.test", content())
        self.login("anna").message("a@x.test", "u@dest.test", content())

    def test_flood(self):
        """The flood watch counts mail that comes this way."""
        self.pq.stop()
        with open(self.pq.conf, "a", encoding="utf-8") as file:
            file.write('flood login {\n count = {"5/10m", "500/1h", "600/1d"}\n}\n')
        self.pq.start()
        client = self.login("joe")
        for n in range(3):
            client.message("a@x.test", ["u@dest.test", f"v{n}@dest.test"], content())
        found = until(lambda: self.ask(do="floods")["floods"], "a flood")
        self.assertEqual(["login", "joe", 6, 3], [found[0][key] for key in ("kind", "key", "recipients", "messages")])

    def test_without_a_login(self):
        client = Smtp(SUBMISSION)
        self.addCleanup(client.drop)
        self.refused(client.message, 554, "Access denied", "a@x.test", "u@dest.test", content())
        self.assertEqual({}, self.rows())


class EndAlone(PolicyCase):
    """smtpd_end_of_data_restrictions without the other list."""

    main = LISTS

    def test_recorded_and_refused(self):
        one, two = self.send("a@example.com"), self.send("a@example.com", ["u@dest.test", "v@dest.test"])
        rows = self.rows()
        self.assertEqual([["u@dest.test"], []], [rows[one]["recipients"], rows[two]["recipients"]])
        self.block("bad.example")
        self.refused(self.send, 550, NO, "a@bad.example")
        self.postfix.settled(2)
        self.assert_selects({two}, "--recipient", "v@dest.test")
        self.assert_purged({one, two}, BAD)


class RecipientsAlone(PolicyCase):
    """smtpd_recipient_restrictions without the other list: refuses, records nothing."""

    main = f"smtpd_recipient_restrictions = {LINE}, permit_mynetworks, reject\n"

    def test_refused_and_found(self):
        self.block("bad.example")
        self.refused(self.send, 550, NO, "a@bad.example")
        ours = self.send("a@example.com")
        self.assertEqual({}, self.rows())
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)


class Status(PolicyCase):
    """status about the lists. The rig's are right, and a look is enough, so nothing is reloaded."""

    def findings(self):
        result = self.pq.idx("status", "--json")
        found = {f["id"]: f for f in result.lines[0]["status"]["findings"]}
        faults = {i for i, f in found.items() if f["level"] == "fault"}
        self.assertEqual(2 if faults else 0, result.status, result)
        return faults, found

    def changed(self, **settings):
        before = {name: self.postfix.run("postconf", "-h", name).stdout.strip() for name in settings}
        self.postfix.set(**settings)
        try:
            return self.findings()
        finally:
            self.postfix.set(**before)

    def test_right(self):
        faults, found = self.findings()
        self.assertEqual((set(), True), (faults, "policy_envelope" in found), found)
        self.assertIn("header From", self.pq.idx("block", "-y", "bad.example").err)

    def test_missing(self):
        faults, found = self.changed(smtpd_recipient_restrictions="permit_mynetworks", smtpd_end_of_data_restrictions="", smtpd_milters="inet:127.0.0.1:1")
        self.assertEqual({"not_set_up"}, faults, found)

    def test_missing_beside_the_milter(self):
        words = "{ unix:pqpurge/milter.sock, default_action=accept, command_timeout=10s }"
        faults, found = self.changed(smtpd_recipient_restrictions="permit_mynetworks", smtpd_end_of_data_restrictions="",
                                     smtpd_milters=words, non_smtpd_milters=words)
        self.assertEqual({"policy_missing"}, faults, found)
        self.assertIn("no check_policy_service", found["policy_missing"]["text"])

    def test_not_first(self):
        faults, found = self.changed(smtpd_recipient_restrictions="permit_mynetworks, $pqpurge")
        self.assertEqual({"policy_not_first"}, faults, found)
        self.assertIn("permit_mynetworks", found["policy_not_first"]["text"])

    def test_half_and_default_action(self):
        faults, found = self.changed(smtpd_recipient_restrictions="check_policy_service unix:pqpurge/policy.sock, reject", smtpd_end_of_data_restrictions="")
        self.assertEqual({"policy_half", "policy_default_action"}, faults, found)

    def test_leads_elsewhere(self):
        faults, found = self.changed(pqpurge="check_policy_service { unix:/nowhere/pqpurge/policy.sock, default_action=DUNNO }")
        self.assertEqual({"policy_unreachable"}, faults, found)

    def test_socket_is_gone(self):
        os.unlink(os.path.join(self.postfix.spool, "pqpurge/policy.sock"))
        self.assertIn("socket_missing", self.findings()[0])


class Frozen(PolicyCase):
    """A daemon that hangs: Postfix waits for the timeout in the braces, and accepts the mail."""

    main = FIRST.replace("DUNNO }", "DUNNO, timeout=1s }")

    def test_mail_passes(self):
        self.pq.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.pq.process.send_signal, signal.SIGCONT)
        ours = self.send("a@example.com")
        self.pq.process.send_signal(signal.SIGCONT)
        self.postfix.settled(1)
        self.assert_purged({ours}, BAD)


class Twice(PolicyCase):
    """Named twice in a list, and asked before MAIL is answered."""

    main = (f"pqpurge = {LINE}\nsmtpd_recipient_restrictions = $pqpurge, permit_mynetworks, reject\nsmtpd_delay_reject = no\n"
            "smtpd_sender_restrictions = $pqpurge\nsmtpd_client_restrictions = $pqpurge\nsmtpd_data_restrictions = $pqpurge\n"
            "smtpd_end_of_data_restrictions = $pqpurge, $pqpurge\n")

    def test_one_row(self):
        self.block("bad.example")
        with self.postfix.smtp() as client:
            self.assertEqual(550, client.mail("a@bad.example")[0])
            ours = client.message("a@example.com", ["u@dest.test", "v@dest.test"], content())
        self.assertEqual({ours: ["u@dest.test", "v@dest.test"]}, {i: row["recipients"] for i, row in self.rows().items()})
        status = self.ask(do="status")
        self.assertEqual((1, 1, 1), (status["recorded"], status["accepted"], status["refused"]["reject"]))
        self.assertEqual(1, self.hits("bad.example"))
