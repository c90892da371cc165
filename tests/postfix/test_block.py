# SPDX-License-Identifier: ISC
"""Blocking: in force from the next MAIL FROM on, for exactly the named mail, and over at its end."""
import signal
import time

from case import RigCase, both_ids_at_length
from rig import until
from smtp import Refused, content

BAD = "bad.example"


class BlockCase(RigCase):
    def setUp(self):
        super().setUp()
        self.client = self.postfix.smtp()
        self.addCleanup(self.client.__exit__)

    def block(self, *args, verb="block"):
        result = self.pq.idx(verb, "-y", *args)
        self.assertEqual(result.status, 0, f"{verb} {args}: {result}")

    def answer(self, sender, author="n@good.test", client=None):
        """The answer to a message on the connection that stays open: the first refusal, or 250."""
        client = client or self.client
        try:
            client.message(sender, "u@dest.test", content(author))
        except Refused as refused:
            client.command("RSET")
            return f"{refused.code} {refused.text}"
        return "250"

    def assert_refused(self, sender, author="n@good.test", start="550 5.7.1"):
        answer = self.answer(sender, author)
        self.assertTrue(answer.startswith(start), f"{sender!r}: {answer}")
        return answer

    def assert_passes(self, *senders):
        for sender in senders:
            self.assertEqual(self.answer(sender), "250", sender)


class Frozen(BlockCase):
    """The command does not wait long for a frozen daemon, and says what that means."""

    def test_block(self):
        self.pq.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.pq.process.send_signal, signal.SIGCONT)
        for verb in "block", "unblock":
            began = time.monotonic()
            result = self.pq.idx(verb, "-y", BAD)
            self.assertLess(time.monotonic() - began, 20, result)
            self.assertEqual(result.status, 2, result)
            self.assertIn("does not answer", result.err)


class ByCommand(BlockCase):
    def test_open_connection(self):
        self.assert_passes("a@bad.example")
        self.block(BAD)
        reply = self.client.mail("a@bad.example")
        self.assertEqual((reply[0], reply[1][:5]), (550, "5.7.1"), "MAIL itself is refused")
        self.assert_passes("a@good.test")
        self.assert_refused("B@BAD.Example")

    def test_others_pass(self):
        self.block(BAD)
        self.assert_passes("a@verybad.example", "a@sub.bad.example", "a@bad.example.evil.test", "a@bad.exampl", "",
                           "bad.example@good.test", '"a@bad.example"@good.test')
        self.assertEqual(self.answer("a@good.test", '"x@bad.example" <y@good.test>'), "250")

    def test_subdomains_alone(self):
        self.block(".bad.example")
        self.assert_passes("a@bad.example", "a@verybad.example")
        self.assert_refused("a@sub.bad.example")
        self.assert_refused("a@deep.sub.bad.example")

    def test_with_subdomains(self):
        self.block("--subdomains", BAD)
        self.assert_refused("a@bad.example")
        self.assert_refused("a@sub.bad.example")
        self.assert_passes("a@verybad.example")

    def test_address(self):
        self.block("joe@bad.example")
        self.assert_refused("joe@bad.example")
        self.assert_passes("anna@bad.example")

    def test_null_sender(self):
        self.block("<>")
        self.assert_refused("")
        self.assert_passes("a@good.test")

    def test_expression(self):
        self.block("/^spam[0-9]+@/")
        self.assert_refused("spam17@good.test")
        self.assert_passes("spammer@good.test")

    def test_header_from(self):
        """The envelope does not show it; the message is refused at its end."""
        self.block(BAD)
        self.client.expect(2, self.client.mail("a@good.test"))
        self.client.expect(2, self.client.rcpt("u@dest.test"))
        reply = self.client.data(content("Boss <b@bad.example>"))
        self.assertEqual((reply[0], reply[1][:5]), (550, "5.7.1"))
        self.assert_refused("a@good.test", "one@good.test, two@BAD.example")
        self.assert_refused("a@good.test", "All: one@good.test, two@bad.example;")
        self.assertEqual(self.postfix.ids(), set())

    def test_mail_in_flight(self):
        """Blocked between MAIL and end of message."""
        self.client.expect(2, self.client.mail("a@bad.example"))
        self.client.expect(2, self.client.rcpt("u@dest.test"))
        self.client.expect(3, self.client.command("DATA"))
        self.block(BAD)
        reply = self.client.finish(content("n@good.test"))
        self.assertEqual((reply[0], reply[1][:5]), (550, "5.7.1"))

    def test_for_a_while(self):
        began = time.monotonic()
        self.block("--for", "5s", BAD)
        self.assert_refused("a@bad.example")
        until(lambda: self.answer("a@bad.example") == "250", "the end of the block")
        self.assertGreater(time.monotonic() - began, 4.9)

    def test_unblock(self):
        self.block(BAD)
        self.assert_refused("a@bad.example")
        self.block(BAD, verb="unblock")
        self.assert_passes("a@bad.example")

    def test_text(self):
        self.block("--text", "100% unwanted here", BAD)
        self.assertEqual(self.assert_refused("a@bad.example"), "550 5.7.1 100% unwanted here")

    def test_text_with_a_status_code(self):
        self.block("--text", "5.7.26 not authenticated", BAD)
        self.assertEqual(self.assert_refused("a@bad.example", start="550"), "550 5.7.26 not authenticated")

    def test_defer(self):
        self.block("--action", "DEFER", BAD)
        self.assert_refused("a@bad.example", start="451 4.7.1")

    def test_hold(self):
        self.block("--action", "HOLD", BAD)
        self.assert_passes("a@bad.example", "a@good.test")
        until(lambda: sorted(f.queue for f in self.postfix.read().values()) == ["deferred", "hold"], "one message in hold")
        held = {i for i, f in self.postfix.read().items() if f.queue == "hold"}
        self.assertEqual(set(self.pq.listed(BAD)), held, "held mail is recorded")

    def test_discard(self):
        self.block("--action", "DISCARD", BAD)
        with self.postfix.smtp() as client:
            client.expect(2, client.mail("a@bad.example"))
            client.expect(2, client.rcpt("u@dest.test"))
            client.expect(2, client.data(content()))
        self.assert_passes("a@good.test")
        self.postfix.settled(1)

    def test_discard_waits_for_the_end(self):
        """A DISCARD at MAIL would bring the mail back through cleanup as mail from sendmail(1): counted twice,
        without its header."""
        self.block("--action", "DISCARD", BAD)
        with self.postfix.smtp() as client:
            queue_id = client.message("a@bad.example", "u@dest.test", content())
        lines = [line for line in self.pq.log().splitlines() if "discarded" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(queue_id, lines[0])
        self.assertIn("client=127.0.0.1", lines[0])
        (rule,) = self.pq.idx("rules", "--json").lines
        self.assertEqual(rule["hits"], 1)
        self.block("worse.example")
        with self.postfix.smtp() as client, self.assertRaises(Refused) as refused:
            client.message("a@bad.example", "u@dest.test", content("b@worse.example"))
        self.assertEqual(refused.exception.code, 550, "REJECT is the stricter one")

    def test_warn(self):
        self.block("--action", "WARN", "--text", "just so you know", BAD)
        self.assert_passes("a@bad.example")
        self.assertIn("just so you know", self.pq.log())

    def test_ok_outranks(self):
        self.block(".bad.example")
        self.block("--action", "OK", "good.bad.example")
        self.assert_passes("a@good.bad.example")
        self.assert_refused("a@other.bad.example")

    def test_login_and_client(self):
        self.block("login:joe")
        self.block("client:192.0.2.0/24")
        for attributes, refused in (({"LOGIN": "joe"}, True), ({"LOGIN": "joey"}, False), ({"ADDR": "192.0.2.9"}, True),
                                    ({"ADDR": "192.0.3.9"}, False)):
            with self.postfix.smtp() as client:
                client.xclient(**attributes)
                self.assertEqual(self.answer("a@good.test", client=client) != "250", refused, attributes)

    def test_survives_a_restart(self):
        self.block("--for", "1h", BAD)
        self.pq.kill9()
        self.pq.start()
        with self.postfix.smtp() as client:
            self.assertTrue(self.answer("a@bad.example", client=client).startswith("550 5.7.1"))

    def test_set_while_the_daemon_is_down(self):
        self.pq.kill9()
        self.pq.idx("block", "-y", BAD)
        self.pq.start()
        with self.postfix.smtp() as client:
            self.assertTrue(self.answer("a@bad.example", client=client).startswith("550 5.7.1"))

    def test_rules_lists_and_tests(self):
        self.block("--for", "1h", "--reason", "ticket 4711", BAD)
        self.assert_refused("a@bad.example")
        listed = self.pq.idx("rules")
        self.assertEqual(listed.status, 0, listed)
        self.assertIn(BAD, listed.out)
        self.assertIn("REJECT", listed.out)
        decided = self.pq.idx("rules", "--test", "a@bad.example")
        self.assertIn(BAD, decided.out, decided)
        self.assertIn("REJECT", decided.out)
        self.assertNotIn("REJECT", self.pq.idx("rules", "--test", "a@good.test").out)

    def test_sendmail_is_held(self):
        """A refusal of local mail would bounce to the outside."""
        self.block(BAD)
        self.postfix.sendmail("a@bad.example", ["u@dest.test"], content())
        self.postfix.sendmail("a@good.test", ["u@dest.test"], content())
        until(lambda: sorted(f.queue for f in self.postfix.read().values()) == ["deferred", "hold"], "one message in hold")
        held = [f for f in self.postfix.read().values() if f.queue == "hold"]
        self.assertEqual([f.sender for f in held], ["a@bad.example"])

    def test_sendmail_is_held_for_its_header(self):
        self.block("--action", "DEFER", BAD)
        self.postfix.sendmail("a@good.test", ["u@dest.test"], content("b@bad.example"))
        until(lambda: [f.queue for f in self.postfix.read().values()] == ["hold"], "the message in hold")


class ByFile(BlockCase):
    def load(self, text):
        self.pq.write_rules(text)
        self.pq.reload()

    def becomes(self, sender, start):
        until(lambda: self.answer(sender).startswith(start), f"{sender} answered {start}")

    def test_reload_by_signal(self):
        self.load("bad.example REJECT not here\n")
        self.becomes("a@bad.example", "550 5.7.1 not here")
        self.load("# nothing\n")
        self.becomes("a@bad.example", "250")

    def test_reload_by_change(self):
        self.pq.write_rules("bad.example REJECT\n")
        self.becomes("a@bad.example", "550 5.7.1")

    def test_broken_file_keeps_the_old(self):
        self.load("bad.example REJECT\n")
        self.becomes("a@bad.example", "550 5.7.1")
        self.load("bad.example REJECT\nother.example EXPLODE\n")
        until(lambda: f"{self.pq.rules}:2" in self.pq.log(), "a complaint in the log")
        self.assert_refused("a@bad.example")
        self.load("other.example DEFER\n")
        self.becomes("a@other.example", "451 4.7.1")
        self.assert_passes("a@bad.example")

    def test_most_specific_first(self):
        self.load(".example.com REJECT\ngood.example.com OK\nboss@example.com OK\nexample.com REJECT\n"
                  "/^root@/ REJECT no root\nclient:192.0.2.7 OK\n")
        self.becomes("a@example.com", "550 5.7.1")
        self.assert_refused("a@x.example.com")
        self.assert_refused("a@x.good.example.com")
        self.assert_refused("root@good.test", start="550 5.7.1 no root")
        self.assert_passes("a@good.example.com", "boss@example.com", "BOSS@Example.com", "a@other.test")
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.7")
            self.assertEqual(self.answer("a@example.com", client=client), "250")

    def test_ok_for_the_envelope_does_not_excuse_the_header(self):
        self.load("boss@example.com OK\nbad.example REJECT\n")
        self.becomes("a@bad.example", "550 5.7.1")
        self.assert_refused("boss@example.com", "x@bad.example")

    def test_strictest_header_wins(self):
        self.load("hold.example HOLD\nbad.example REJECT\n")
        self.becomes("a@bad.example", "550 5.7.1")
        self.assert_refused("a@good.test", "x@hold.example, y@bad.example, z@good.test")

    def test_command_outranks_the_file(self):
        self.load("bad.example OK\n")
        self.becomes("a@bad.example", "250")
        self.block(BAD)
        self.assert_refused("a@bad.example")


@both_ids_at_length
class PurgeAndBlock(BlockCase):
    def test_block_then_purge(self):
        ours, other = set(self.send_many("a@bad.example", 5)), self.send("a@good.test")
        self.postfix.settled(6)
        self.assert_purged(ours, "--block=1h", BAD)
        self.assert_refused("a@bad.example")
        self.assert_passes("b@good.test")
        self.assertIn(other, self.postfix.ids())

    def test_until_unblocked(self):
        """--block without an age; an OK rule that lets some of the mail pass is reported."""
        self.pq.write_rules(f"boss@{BAD} OK\n")
        ours = set(self.send_many(f"a@{BAD}", 3))
        self.postfix.settled(3)
        result = self.purge("--block", BAD)
        self.assertEqual(result.with_result("deleted"), ours)
        self.assertIn(f"boss@{BAD}", result.err)
        rule, = (line for line in self.pq.idx("rules", "--json").lines if line["origin"] == "command")
        self.assertEqual((rule["pattern"], rule["action"], rule.get("expires")), (BAD, "REJECT", None), rule)
        self.assert_refused(f"a@{BAD}")
        self.assertEqual(self.pq.idx("unblock", BAD).status, 0)
        self.assert_passes(f"a@{BAD}")

    def test_selectors_name_what_is_blocked(self):
        self.send("a@web.test", LOGIN="joe")
        self.postfix.settled(1)
        self.purge("--block=1h", "--login", "joe")
        self.assert_passes("a@web.test")
        with self.postfix.smtp() as client:
            client.xclient(LOGIN="joe")
            self.assertTrue(self.answer("a@web.test", client=client).startswith("550 5.7.1"))

    def test_dry_run_blocks_nothing(self):
        self.send("a@bad.example")
        self.postfix.settled(1)
        self.assertEqual(self.pq.idx("purge", "-n", "--block=1h", BAD).status, 0)
        self.assert_passes("a@bad.example")
