# SPDX-License-Identifier: ISC
"""The output of block, unblock and rules; rules for local mail; expressions that cost too much."""
from case import RigCase
from rig import until
from smtp import Refused, content

BAD = "bad.example"


class Words(RigCase):
    main = "mydestination = here.test\n"

    def idx(self, *args, status=0):
        result = self.pq.idx(*args)
        self.assertEqual(result.status, status, f"{args}: {result}")
        return result

    def rules(self):
        return {line["pattern"]: line for line in self.idx("rules", "--json").lines}

    def test_update_is_said(self):
        self.assertNotIn("there was a rule", self.idx("block", BAD).out)
        self.assertIn("there was a rule", self.idx("block", "--for", "1h", "--reason", "r", BAD).out)
        result = self.idx("block", "--json", "--action", "HOLD", BAD, "new.example").lines
        self.assertEqual([(line["pattern"], line["result"]) for line in result], [(BAD, "updated"), ("new.example", "added")])
        rules = self.rules()
        self.assertEqual(set(rules), {BAD, "new.example"})
        self.assertEqual((rules[BAD]["action"], "expires" in rules[BAD]), ("HOLD", False), "the last one counts, whole")

    def test_unblock(self):
        self.idx("block", BAD)
        self.assertIn("has set no rule", self.idx("unblock", "other.example").out)
        result = self.idx("unblock", "--json", BAD, "other.example").lines
        self.assertEqual([(line["pattern"], line["result"]) for line in result], [(BAD, "removed"), ("other.example", "absent")])
        self.assertEqual(self.rules(), {})

    def test_typo(self):
        """An error with its place; nothing is set, not even the correct part."""
        for words, told in ((("/^(spam/",), "at byte"), (("bad..example",), "bad..example"), (("*.bad.example",), "*"),
                            (("client:192.0.2.1/24",), "client"), (("/spam/x",), "/spam/x"), ((BAD, "/[/"), "at byte")):
            result = self.idx("block", *words, status=1)
            self.assertIn(told, result.err, words)
            self.assertIn(words[-1], result.err)
        self.assertIn("REJCT", self.idx("block", "--action", "REJCT", BAD, status=1).err)
        self.idx("block", "--text", "4.7.1 does not fit", BAD, status=1)
        self.idx("block", "--for", "soon", BAD, status=1)
        self.idx("block", status=1)
        self.assertEqual(self.rules(), {})

    def test_own_domains_ask_first(self):
        for pattern in ("here.test", "rig.test", ".test", "<>", "/./", "HERE.test."):
            self.assertIn("--yes", self.idx("block", pattern, status=1).err, pattern)
            self.assertIn("--yes", self.idx("purge", "--block", pattern, status=1).err, pattern)
        self.assertEqual(self.rules(), {})
        for pattern in ("there.test", "a@here.test", ".here.test", "/nobody/"):
            self.idx("block", pattern)
        self.idx("block", "--action", "OK", "here.test")
        self.idx("block", "--yes", "rig.test")

    def test_ok_that_outranks_is_told(self):
        self.pq.write_rules(f"client:192.0.2.0/24 OK\nboss@{BAD} OK\nother.example OK\n")
        self.idx("block", "--action", "OK", f"chef@{BAD}")
        told = self.idx("block", BAD).err
        for words in (f"boss@{BAD}", f"chef@{BAD}", "client:192.0.2.0/24", f"{self.pq.rules}:2", "command"):
            self.assertIn(words, told)
        self.assertNotIn("other.example", told)
        self.assertEqual(self.idx("block", "unrelated.test").err.count("OK"), 1, "the client's alone")

    def test_expired_is_not_listed(self):
        self.idx("block", "--for", "1s", BAD)
        self.idx("block", "--for", "1h", "later.example")
        until(lambda: set(self.rules()) == {"later.example"}, "the end of the rule")
        until(lambda: self.idx("status", "--json").lines[0]["status"]["rules"]["in_force"] == 1, "its removal")

    def test_which_rule_decides(self):
        self.pq.write_rules(f".example OK\n{BAD} DEFER 4.7.1 wait\nclient:192.0.2.0/24 WARN look\nlogin:joe HOLD\n/^x@/ DISCARD\n")
        for words, action, rule in (((f"a@{BAD}",), "DEFER", BAD), (("a@sub.example",), "OK", ".example"),
                                    (("x@other.test",), "DISCARD", "/^x@/"), (("a@other.test",), None, None),
                                    ((f"a@{BAD}", "--login", "joe"), "HOLD", "login:joe")):
            line, = self.idx("rules", "--json", "--test", *words).lines
            self.assertEqual((line["action"], line.get("rule", {}).get("pattern")), (action, rule), words)
        line, = self.idx("rules", "--json", "--test", f"a@{BAD}", "--client", "192.0.2.9").lines
        self.assertEqual((line["action"], line["warned"]["pattern"], line["rule"]["line"]), ("DEFER", "client:192.0.2.0/24", 2))
        self.idx("block", BAD)
        line, = self.idx("rules", "--json", "--test", f"a@{BAD}").lines
        self.assertEqual((line["action"], line["rule"]["origin"]), ("REJECT", "command"))

    def test_domain_is_no_address(self):
        """As a local part of this host it would pass, which says nothing about the domain."""
        self.assertEqual(self.pq.idx("block", BAD).status, 0)
        self.assertIn(f"user@{BAD}", self.idx("rules", "--test", BAD, status=1).err)
        self.assertIn("REJECT", self.idx("rules", "--test", f"user@{BAD}").out)

    def test_wrong_file_is_told(self):
        self.pq.write_rules(f"{BAD} REJECT\n")
        self.pq.reload()
        until(lambda: "rules reloaded" in self.pq.log(), "the reload")
        self.pq.write_rules(f"{BAD} REJECT\nwhat is this\n")
        until(lambda: f"{self.pq.rules}:2" in self.pq.log(), "the complaint in the log")
        self.assertIn(f"{self.pq.rules}:2", self.idx("rules", status=1).err)
        for words in ((), ("--json",)):
            asked = self.idx("rules", "--test", f"a@{BAD}", *words, status=1)
            self.assertEqual(asked.out, "", "the daemon refuses it, so no answer is the only right one")
            self.assertIn(f"{self.pq.rules}:2", asked.err)
        self.assertIn(f"{self.pq.rules}:2", self.idx("status", status=2).out)
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail(f"a@{BAD}")[0], 550)


class Local(RigCase):
    """Mail from sendmail(1) is held instead of refused, and nobody outside hears of it."""

    def test_each_action(self):
        actions = ("REJECT", "DEFER", "HOLD", "DISCARD", "WARN", "OK")
        before = len(self.postfix.log())
        self.pq.write_rules("".join(f"{action.lower()}.example {action} text of {action}\n" for action in actions))
        self.pq.reload()
        until(lambda: "rules reloaded" in self.pq.log(), "the reload")
        for action in actions:
            self.postfix.sendmail(f"a@{action.lower()}.example", ["u@dest.test"], content())
            self.postfix.sendmail("a@good.test", ["u@dest.test"], content(f"b@{action.lower()}.example"))
        self.postfix.settled(2 * len(actions) - 2)
        files = self.postfix.read()
        where = {action: sorted(f.queue for i, f in files.items() if self.is_of(i, f, action)) for action in actions}
        self.assertEqual(where, {"REJECT": ["hold"] * 2, "DEFER": ["hold"] * 2, "HOLD": ["hold"] * 2, "DISCARD": [],
                                 "WARN": ["deferred"] * 2, "OK": ["deferred"] * 2})
        log = self.postfix.log()[before:]
        self.assertNotIn("milter configuration error", log)
        self.assertNotIn("postfix/bounce", log)
        self.assertEqual({f.sender for f in files.values()} - {f"a@{a.lower()}.example" for a in actions}, {"a@good.test"})
        for action in actions[:5]:
            self.assertIn(f"text of {action}", self.pq.log(), "the log has the rule's text")
        self.assertEqual(self.hits(), {f"{action.lower()}.example": 2 for action in actions})
        held = {i for i, f in files.items() if f.queue == "hold"}
        result = self.pq.idx("purge", "-y", "--json", "reject.example", "defer.example", "hold.example")
        self.assertEqual(result.with_result("deleted"), held, "what is held is recorded and can be purged")

    def is_of(self, queue_id, file, action):
        domain = f"{action.lower()}.example"
        return file.sender.endswith("@" + domain) or queue_id in self.pq.listed("--from", domain)

    def hits(self):
        until(lambda: all(n == 2 for n in self.pq.hits().values()), "the hits")
        return self.pq.hits()


class Costly(RigCase):
    def test_hostile_senders(self):
        """An expression that would take for ever counts as no match and is reported with its line; the next rule is
        tried."""
        self.pq.write_rules("# one\n/^(a+)+$/ REJECT never\n/^a+@bad/ REJECT next\n")
        self.pq.reload()
        until(lambda: "rules reloaded" in self.pq.log(), "the reload")
        refused = 0
        with self.postfix.smtp() as client:
            for _ in range(50):
                try:
                    client.message("a" * 64 + f"@{BAD}", "u@dest.test", content())
                except Refused as reply:
                    self.assertEqual(reply.text, "5.7.1 next")
                    refused += 1
        self.assertEqual(refused, 50)
        told = f"{self.pq.rules}:2: expression '/^(a+)+$/' hit its match limit"
        until(lambda: told in self.pq.log(), "the expression in the log")
        status = self.pq.idx("status").out
        self.assertIn("an expression was too costly 50 times", status.replace("\n", " "))
