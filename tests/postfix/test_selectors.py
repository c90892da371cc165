# SPDX-License-Identifier: ISC
"""Each selector on real mail. The right answer is computed from the queue files, not from what was sent."""
import ipaddress
import os
import pwd

from case import BAD, RigCase, both_ids_at_length
from copies import STEP, Copier
from smtp import content

HOUR = 3600 * 1000000 // STEP  # in steps between two copies


def domain(address):
    return address.rpartition("@")[2].lower()


@both_ids_at_length
class Selectors(RigCase):
    def corpus(self):
        """A dozen messages that differ in everything; {queue ID: QueueFile}."""
        self.send("a@example.com", ["one@dest.test", "two@other.test"], text=content("a@example.com"))
        self.send("A.B@example.com", "one@dest.test", text=content("ceo@boss.test"))
        self.send("a@good.test", "Two@other.test", text=content("x@example.com"))
        self.send("spam1@flood.test", text=content("Spam@Flood.test"))
        self.send("spam22@flood.test", text=content("x@good.test", body="x" * 70 + "\n"))
        self.send("", "one@dest.test", text=content("bounce@good.test"))
        self.send("big@good.test", text=content("big@good.test", body=("y" * 76 + "\n") * 800))
        self.send("joe@web.test", ADDR="192.0.2.7", LOGIN="joe")
        self.send("joe@web.test", ADDR="192.0.2.130", LOGIN="joe@web.test")
        self.send("v6@web.test", ADDR="IPV6:2001:db8::1", LOGIN="anna")
        self.send("v6@web.test", ADDR="IPV6:2001:db9::1")
        self.postfix.settled(11)
        return self.postfix.read()

    def by(self, files, condition):
        """The IDs for which condition(file) holds; it must be some, but not all."""
        found = {i for i, file in files.items() if condition(file)}
        self.assertTrue(0 < len(found) < len(files), "the corpus does not tell this selector apart")
        return found

    def test_sender(self):
        files = self.corpus()
        self.assert_selects(self.by(files, lambda f: f.sender == "a@example.com"), "--sender", "A@Example.com")
        self.assert_selects(self.by(files, lambda f: domain(f.sender) == BAD), "--sender", BAD)
        self.assert_selects(self.by(files, lambda f: f.sender == ""), "--sender", "<>")
        self.assert_selects(self.by(files, lambda f: f.sender in ("", "a@good.test")),
                            "--sender", "<>", "--sender=a@good.test")

    def test_from(self):
        files = self.corpus()
        self.assert_selects(self.by(files, lambda f: BAD in map(domain, f.from_addresses)), "--from", BAD)
        self.assert_selects(self.by(files, lambda f: "ceo@boss.test" in f.from_addresses), "--from", "ceo@boss.test")

    def test_patterns(self):
        files = self.corpus()
        self.assert_selects(self.by(files, lambda f: BAD in f.author_domains), BAD)
        self.assert_selects(self.by(files, lambda f: f.sender == ""), "<>")
        self.assert_selects(self.by(files, lambda f: f.sender.startswith("spam")), "/^spam[0-9]+@/")
        self.assert_selects(self.by(files, lambda f: f.sender.startswith("spam")), "/^SPAM[0-9]/i")
        self.assert_selects(self.by(files, lambda f: f.author_domains & {BAD, "flood.test"}), BAD, "flood.test")
        self.assert_selects(self.by(files, lambda f: "spam@flood.test" in [a.lower() for a in f.from_addresses]),
                            "SPAM@flood.test")

    def test_recipient(self):
        files = self.corpus()
        self.assert_selects(self.by(files, lambda f: "other.test" in map(domain, f.recipients)),
                            "--recipient", "other.test")
        self.assert_selects(self.by(files, lambda f: "two@other.test" in [r.lower() for r in f.recipients]),
                            "--recipient", "two@other.test")
        self.assert_selects(self.by(files, lambda f: set(map(domain, f.recipients)) == {"other.test"}),
                            "--recipient", "other.test", "--only")

    def test_login(self):
        files = self.corpus()
        self.assert_selects(self.by(files, lambda f: f.attributes.get("sasl_username") == "joe"), "--login", "joe")
        self.assert_selects(
            self.by(files, lambda f: f.attributes.get("sasl_username") in ("anna", "joe@web.test")),
            "--login", "joe@web.test", "--login", "anna")

    def test_client(self):
        files = self.corpus()
        for network in ("192.0.2.7", "192.0.2.0/25", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32", "2001:db8::/31"):
            inside = ipaddress.ip_network(network)
            self.assert_selects(
                self.by(files, lambda f: ipaddress.ip_address(f.attributes["client_address"]) in inside),
                "--client", network)

    def test_message_id(self):
        files = self.corpus()
        queue_id, file = sorted(files.items())[0]
        message_id = file.message["message-id"].strip()
        self.assert_selects({queue_id}, "--message-id", message_id)
        self.assert_selects({queue_id}, "--message-id", message_id.strip("<>"))

    def test_message_id_of_the_client(self):
        queue_id = self.send("a@good.test", text=content(extra="Message-ID: <Very.Own+1@client.test>\n"))
        self.send("a@good.test", text=content(extra="Message-ID: <Very.Own+12@client.test>\n"))
        self.postfix.settled(2)
        self.assert_selects({queue_id}, "--message-id", "<Very.Own+1@client.test>")

    def test_larger(self):
        files = self.corpus()
        self.assert_selects(self.by(files, lambda f: f.size > 20 * 1024), "--larger", "20k")
        self.assert_selects(self.by(files, lambda f: f.size > 20 * 1024), "--larger", "20480")
        self.assert_selects(set(), "--larger", "1M")

    def test_queue(self):
        files = self.corpus()
        held = sorted(files)[:4]
        self.postfix.postsuper("-h", "-", ids=held)
        self.assert_selects(held, "--queue", "hold")
        self.assert_selects(set(files) - set(held), "--queue=deferred")
        self.assert_selects(files, "--queue", "hold,deferred")

    def test_older_and_newer(self):
        """Some came an hour ago. The index and the files alone give the same answer."""
        new = self.send_many("a@good.test", 2)
        self.postfix.settled(2)
        copier = Copier(new[0], self.postfix.find(new[0]), self.long_ids)
        old = {copier.put(number) for number in (HOUR, HOUR + 1)}
        for _ in "files", "index":
            self.assert_selects(old, "--older", "30m")
            self.assert_selects(new, "--newer", "30m")
            self.assert_selects(old.union(new), "--newer", "2h")
            self.assert_selects(set(), "--older", "1d")
            self.assertEqual(self.pq.idx("sync").status, 0)

    def test_limit_is_the_oldest(self):
        ids = self.send_many("a@example.com", 8)
        self.postfix.settled(8)
        self.assert_selects(ids[:3], BAD, "--limit", "3")
        self.assert_purged(ids[:3], BAD, "--limit", "3")
        self.assert_purged(ids[3:5], BAD, "--limit=2")

    def test_all(self):
        files = self.corpus()
        self.assert_selects(files, "--all")
        self.assert_purged(files, "--all")

    def test_kinds_narrow(self):
        files = self.corpus()
        self.assert_selects(
            self.by(files, lambda f: BAD in f.author_domains and "other.test" in map(domain, f.recipients)),
            BAD, "--recipient", "other.test")
        self.assert_selects(set(), "--login", "joe", "--client", "192.0.2.130")

    def test_options_anywhere(self):
        files = self.corpus()
        expected = self.by(files, lambda f: BAD in f.author_domains)
        self.assert_selects(expected, "--", BAD)
        result = self.pq.idx("purge", BAD, "--json", "-n")
        self.assertEqual(result.with_result("would-delete"), expected, result)


@both_ids_at_length
class Ids(RigCase):
    def test_ids(self):
        ids = self.send_many("a@good.test", 5)
        self.postfix.settled(5)
        self.assert_selects(ids[:1], "--id", ids[0])
        self.assert_selects(ids[:2], "--id", ids[0], "--id", ids[1])
        self.assert_purged(ids[:2], "--id", ids[0], "--id", ids[1])

    def test_dirty_input(self):
        """Real input of pipes: CRs, blanks, duplicates, postqueue's marks. Only complete, well-formed IDs count."""
        ids = self.send_many("a@good.test", 6)
        self.postfix.settled(6)
        glued, path = ids[4] + ids[5], "../../" + ids[5]
        lines = f"{ids[0]}\r\n\n  {ids[1]}  \n{ids[1]}\n{ids[2]}\nALL\n{glued}\n{path}\n*\n{ids[5][:-1]}\n"
        result = self.pq.idx("purge", "-y", "--json", "--id", "-", input=lines)
        self.assertIn(result.status, (0, 1, 2), result)
        self.assertLessEqual(set(ids[3:]), self.postfix.ids(), f"deleted too much: {result}")
        if result.status == 1:
            self.assertEqual(self.postfix.ids(), set(ids), "a refused input must touch nothing")
        else:
            self.assertEqual(self.postfix.ids(), set(ids[3:]), result)

    def test_clean_input(self):
        ids = self.send_many("a@good.test", 4)
        self.postfix.settled(4)
        lines = f"{ids[0]}\r\n\n  {ids[1]}  \n{ids[1]}\n{ids[2]}"
        self.assert_purged(ids[:3], "--id", "-", input=lines)

    def test_gone_is_told_when_asked_for(self):
        first, second = self.send_many("a@good.test", 2)
        self.postfix.settled(2)
        self.postfix.postsuper("-d", first)
        result = self.purge("--id", first, "--id", second)
        self.assertEqual(result.with_result("gone"), {first}, result)
        self.assertEqual(result.with_result("deleted"), {second}, result)
        self.assertEqual((result.summary["gone"], result.summary["deleted"]), (1, 1))

    def test_not_in_the_index(self):
        """Mail that no milter saw is handled if all selectors match it, and left out otherwise."""
        self.pq.stop()
        missed = self.send("a@good.test")
        self.postfix.settled(1)
        self.pq.start()
        for args in [BAD], ["--from", BAD], ["--queue", "hold"], ["--older", "1d"]:
            result = self.purge("--id", missed, *args)
            self.assertEqual((result.messages, result.summary["matched"]), ({}, 0), (args, result))
        for args in [], ["good.test"], ["--sender", "a@good.test"], ["--queue", "incoming,active,deferred"]:
            self.assert_selects({missed}, "--id", missed, *args)
        self.assert_purged({missed}, "--id", missed)

    def test_gone_is_counted_only_for_patterns(self):
        """A catch-up has seen one in the queue; nobody saw the other wait."""
        first, second = self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        self.assertEqual(self.pq.idx("sync").status, 0)
        unseen = self.send("a@example.com")
        self.postfix.settled(3)
        self.postfix.postsuper("-d", "-", ids=[first, unseen])
        result = self.purge(BAD)
        self.assertEqual(set(result.messages), {second}, result)
        self.assertEqual((result.summary["gone"], result.summary["deleted"]), (1, 1))

    def test_case_is_not_folded(self):
        queue_id = self.send("a@good.test")
        self.postfix.settled(1)
        self.pq.idx("purge", "-y", "--id", queue_id.swapcase())
        self.assertEqual(self.postfix.ids(), {queue_id})


class Uid(RigCase):
    """--uid: submitted with sendmail(1) by this user."""

    def setUp(self):
        super().setUp()
        self.remote = self.send("a@example.com")
        self.postfix.sendmail("a@example.com", ["u@dest.test"], content())
        self.postfix.settled(2)
        (self.roots,) = self.postfix.ids() - {self.remote}
        # pickup(8) takes the owner of the file in maildrop as the submitter.
        self.postfix.stop()
        self.addCleanup(lambda: self.postfix.run("postfix", "status", check=False).returncode and self.postfix.start())
        self.postfix.sendmail("b@example.com", ["u@dest.test"], content())
        maildrop = os.path.join(self.postfix.spool, "maildrop")
        for name in os.listdir(maildrop):
            os.chown(os.path.join(maildrop, name), pwd.getpwnam("nobody").pw_uid, -1)
        self.postfix.start()
        self.postfix.settled(3)
        (self.nobodys,) = self.postfix.ids() - {self.remote, self.roots}

    def test_alone_and_with_others(self):
        uid = str(pwd.getpwnam("nobody").pw_uid)
        for expected, args in (({self.nobodys}, ["--uid", "nobody"]), ({self.nobodys}, ["--uid", uid]), ({self.roots}, ["--uid", "root"]),
                               ({self.roots, self.nobodys}, ["--uid", "root", "--uid", "nobody"]), (set(), ["--uid", "daemon"]),
                               ({self.roots}, [BAD, "--uid", "0", "--sender", "a@example.com"]), (set(), ["good.test", "--uid", "root"]),
                               (set(), ["--uid", "root", "--client", "127.0.0.1"]), (set(), ["--uid", "root", "--older", "1h"])):
            self.assert_selects(expected, *args)
        self.assertEqual(self.pq.listed("--uid", "nobody")[self.nobodys]["user"], "nobody")

    def test_purge(self):
        self.assert_purged({self.nobodys}, "--uid", "nobody")
        self.pq.stop()
        self.pq.forget()
        self.assert_purged({self.roots}, "--uid", "root")
        self.assertEqual(self.postfix.ids(), {self.remote})


@both_ids_at_length
class List(RigCase):
    """list --json: names and forms of `postqueue -j`, where it has them."""

    def test_fields(self):
        queue_id = self.send("a@example.com", ["one@dest.test", "two@dest.test"],
                             text=content("Boss <b@example.com>, c@good.test", extra="Message-ID: <m1@client.test>\n"),
                             ADDR="192.0.2.7", LOGIN="joe")
        self.postfix.settled(1)
        ours = self.pq.listed(BAD)[queue_id]
        theirs = {line["queue_id"]: line for line in self.postfix.queue()}[queue_id]
        for key in ("queue_id", "queue_name", "arrival_time", "sender", "message_size"):
            self.assertEqual(ours[key], theirs[key], key)
        self.assertEqual([r["address"] for r in ours["recipients"]], [r["address"] for r in theirs["recipients"]])
        self.assertEqual(ours["from"], ["b@example.com", "c@good.test"])
        self.assertEqual((ours["client"], ours["login"]), ("192.0.2.7", "joe"))
        self.assertEqual(ours["message_id"].strip("<>"), "m1@client.test")

    def test_what_is_unknown_is_absent(self):
        queue_id = self.send("a@example.com")
        self.postfix.settled(1)
        self.assertNotIn("login", self.pq.listed(BAD)[queue_id])

    def test_only_what_is_in_the_queue(self):
        first, second = self.send_many("a@example.com", 2)
        self.postfix.settled(2)
        self.postfix.postsuper("-d", first)
        self.assertEqual(set(self.pq.listed(BAD)), {second})


@both_ids_at_length
class CutRecipients(RigCase):
    """Recipients beyond max_recipients are not in the index: the queue file decides."""

    main = "virtual_alias_maps = inline:{r4@dest.test=elsewhere@alias.test}\n"
    settings = {"max_recipients": 3}

    def setUp(self):
        super().setUp()
        self.many = self.send("a@example.com", [f"r{n}@dest.test" for n in range(6)])
        self.mixed = self.send("a@example.com", [f"r{n}@dest.test" for n in range(5)] + ["last@other.test"])
        self.few = self.send("a@example.com", ["r0@dest.test", "r1@dest.test"])
        self.postfix.settled(3)

    def test_past_the_recorded(self):
        self.assert_selects({self.many}, "--recipient", "r5@dest.test")
        self.assert_selects(set(), "--recipient", "r6@dest.test")
        result = self.assert_purged({self.mixed}, "--recipient", "other.test")
        self.assertEqual(result.messages[self.mixed]["other_recipients"], 5, result)

    def test_by_the_address_before_the_alias(self):
        self.assert_selects({self.many, self.mixed}, "--recipient", "r4@dest.test")

    def test_only(self):
        """As queued: r4 waits for the alias."""
        self.assert_selects({self.few}, "--recipient", "dest.test", "--only")
        self.assert_selects({self.many, self.few}, "--recipient", "dest.test", "--recipient", "alias.test", "--only")

    def test_with_an_author(self):
        self.assert_selects({self.mixed}, BAD, "--recipient", "other.test")
        self.assert_selects(set(), "good.test", "--recipient", "other.test")

    def test_unheard(self):
        """Mail that is not in the index at all is read in the same way."""
        self.pq.kill9()
        unseen = self.send("a@example.com", [f"r{n}@dest.test" for n in range(4)] + ["last@other.test"])
        self.pq.start()
        self.postfix.settled(4)
        self.assert_selects({self.mixed, unseen}, "--recipient", "other.test")

    def test_list(self):
        self.assertEqual(set(self.pq.listed("--recipient", "other.test")), {self.mixed})
