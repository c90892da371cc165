# SPDX-License-Identifier: ISC
"""--login @DOMAIN and /pcre/: for each message's login, and for that of its first pass behind a content filter."""
import re

from case import BAD, RigCase, both_ids_at_length
from filtered import Filtered, wired
from rig import until
from smtp import Refused

LOGINS = ("joe", "Joe", "joe@web.test", "ANN@WEB.test", "joe@sub.web.test", "joe@badweb.test", "a@web.test@other.test", "web.test",
          "j+40oe=x@web.test")


def domain_of(login):
    return login.rpartition("@")[2].lower() if "@" in login else None


@both_ids_at_length
class Patterns(RigCase):
    def setUp(self):
        super().setUp()
        for login in LOGINS:
            self.send("a@example.com", LOGIN=login)
        self.send("a@example.com")
        self.postfix.settled(len(LOGINS) + 1)
        self.files = self.postfix.read()

    def by(self, rule):
        """The messages for whose login in the queue file rule holds."""
        return {i for i, f in self.files.items() if f.attributes.get("sasl_username") and rule(f.attributes["sasl_username"])}

    def assert_all(self):
        for domain in ("web.test", "WEB.test", "sub.web.test", "badweb.test", "other.test", "test"):
            self.assert_selects(self.by(lambda l, d=domain.lower(): domain_of(l) == d), "--login", "@" + domain)
        for text in ("^joe$", "^joe", "web", "@", r"^\w+@web\.test$", "x"):
            expected = self.by(lambda l, t=text: re.search(t, l, re.IGNORECASE))
            self.assert_selects(expected, "--login", f"/{text}/")
            self.assert_selects(expected, BAD, "--login", f"/{text}/", "--login", f"/{text}/i", "--newer", "1h")
        self.assert_selects(self.by(lambda l: l.lower() == "joe" or domain_of(l) == "web.test"), "--login", "joe", "--login", "@web.test")
        self.assert_selects(set(), "good.test", "--login", "/./")

    def test_with_and_without_the_index(self):
        self.assertEqual(len(self.by(lambda l: True)), len(LOGINS))
        self.assert_all()
        self.pq.stop()
        self.pq.forget()
        self.assert_all()

    def test_exact(self):
        self.pq.settings["login_case"] = "exact"
        self.pq.write_conf()
        for text in ("^joe$", "^Joe$", "web"):
            self.assert_selects(self.by(lambda l, t=text: re.search(t, l)), "--login", f"/{text}/")
        self.assert_selects(self.by(lambda l: re.search("^joe$", l, re.IGNORECASE)), "--login", "/^joe$/i")
        self.assert_selects(self.by(lambda l: domain_of(l) == "web.test"), "--login", "@Web.TEST")

    def test_purge_and_the_other_verbs(self):
        web = self.by(lambda l: domain_of(l) == "web.test")
        self.assertEqual(set(self.pq.listed("--login", "@web.test")), web)
        top = self.pq.idx("top", "--json", "--by", "login", "--login", "@web.test").lines
        self.assertEqual(sum(line["count"] for line in top), len(web))
        result = self.pq.idx("hold", "-y", "--json", "--login", "@web.test")
        self.assertEqual(result.with_result("held"), web)
        self.assertEqual(self.pq.idx("release", "-y", "--json", "--login", "/@web/").with_result("released"), web)
        self.assert_purged(web, "--login", "@web.test")
        self.assert_purged(self.by(lambda l: l.lower() == "joe"), "--login", "/^joe$/")

    def test_nonsense(self):
        for text, words in (("@", "empty"), ("@.web.test", "not a domain"), ("@a@web.test", "not a domain"), ("/(/", "parenthes"), ("/a", "not closed")):
            result = self.pq.idx("purge", "-y", "--login", text)
            self.assertEqual(result.status, 1, result)
            self.assertRegex(result.err, words)
        self.assertEqual(self.pq.idx("rules", "--test", "a@web.test", "--login", "@web.test").status, 1)

    def test_blocked_and_standing(self):
        """The rule refuses what a purge by the same login pattern deletes."""
        web, joe = self.by(lambda l: domain_of(l) == "web.test"), self.by(lambda l: l.lower() == "joe")
        self.assertEqual(self.purge("--block=1h", "--login", "@Web.test").with_result("deleted"), web)
        self.assertEqual(self.purge("--for", "1h", "--login", "/^joe$/").with_result("deleted"), joe)
        for login in ("new@WEB.test", "JOE"):
            with self.assertRaises(Refused):
                self.send("a@good.test", LOGIN=login)
        self.send("a@good.test", LOGIN="joey")
        rules = {line["pattern"] for line in self.pq.idx("rules", "--json").lines}
        self.assertLessEqual({"login:@web.test"}, rules)


class Standing(RigCase):
    def test_carried_out_again(self):
        """Mail that came in past the rule is deleted by the next catch-up."""
        self.purge("--for", "1h", "--login", "@web.test")
        self.pq.kill9()
        ours = self.send("a@good.test", LOGIN="joe@web.test")
        other = self.send("a@good.test", LOGIN="joe@badweb.test")
        self.postfix.settled(2)
        self.pq.start()
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assertEqual(self.postfix.ids(), {other}, ours)


@wired
class BehindAFilter(Filtered):
    """The login is that of the first pass."""

    def test_patterns(self):
        joe = self.through(2, ADDR="192.0.2.7", LOGIN="joe@web.test")
        ann = self.through(1, ADDR="192.0.2.8", LOGIN="ann@other.test")
        self.through(1, ADDR="192.0.2.9")
        until(lambda: len(self.postfix.ids()) == 4, "four messages")
        for args in (["--login", "@web.test"], ["--login", "/^joe@/"], ["--login", "@web.test", "--client", "192.0.2.7"]):
            self.assert_selects(joe.values(), *args)
        self.assert_selects(set(), "--login", "@badweb.test")
        self.assert_selects(set(), "--login", "@web.test", "--client", "192.0.2.8")
        result = self.assert_purged(list(joe.values()) + list(ann.values()), "--login", "/./")
        self.assertEqual(result.summary["joined"], 3, result)

    def test_without_the_first_row(self):
        """The first pass's Received names no login: nothing is deleted in doubt."""
        self.through(1, ADDR="192.0.2.7", LOGIN="joe@web.test")
        self.pq.stop()
        self.pq.forget()
        self.assert_unknown(1, "--login", "@web.test")
        self.assert_unknown(1, "--login", "/^joe/")


class OfRules(RigCase):
    """The same patterns in the rules file."""

    def test_domain_and_expression(self):
        self.pq.write_rules("login:@web.test REJECT no web\nlogin:/^joe[0-9]+$/ REJECT no joes\n")
        self.pq.reload()
        for login in ("x@WEB.test", "joe17", "JOE1"):
            with self.assertRaises(Refused, msg=login):
                self.send("a@good.test", LOGIN=login)
        for login in ("x@sub.web.test", "x@badweb.test", "joe", "joe1x", "web.test"):
            self.send("a@good.test", LOGIN=login)
