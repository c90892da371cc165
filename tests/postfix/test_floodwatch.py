# SPDX-License-Identifier: ISC
"""The flood watch on a real Postfix: an abused account among a newsletter and ordinary mail."""
import gzip
import json
import os
import threading
import time

from case import RigCase
from door import Door
from pqpurge import USER
from rig import until

HOOK = """#!/bin/sh
cat >"{home}/hook.$1.$PQPURGE_FLOOD_ID.$$"
"""


class FloodCase(RigCase):
    def setUp(self):
        """What came before the watch's ten minutes began anew counts for less, so no test begins shortly before that."""
        until(lambda: time.time() % 600 < 555, "the next ten minutes", 100)
        super().setUp()

    def flood(self, count, login="joe", address="198.51.100.7", sender="joe@example.com"):
        """Sends count messages of one login over one connection; returns their IDs."""
        with self.postfix.smtp() as client:
            client.xclient(LOGIN=login, ADDR=address)
            return [client.message(sender, "u@dest.test", f"From: {sender}\r\nSubject: {n}\r\n\r\nx\r\n") for n in range(count)]

    def incidents(self, *words):
        return self.pq.idx("floods", "--json", *words).lines

    def opened(self):
        return until(self.incidents, "an incident")[0]

    def logged(self, words):
        return [line for line in self.pq.log().splitlines() if words in line]

    def files(self, directory="deferred"):
        """{queue ID: bytes} of a queue."""
        found = {}
        for path, _, names in os.walk(os.path.join(self.postfix.spool, directory)):
            for name in names:
                with open(os.path.join(path, name), "rb") as file:
                    found[name] = file.read()
        return found

    def write_log(self, login, count):
        """Writes a mail log in which login sent count messages within a minute, three days ago."""
        path = os.path.join(self.pq.home, login + ".log")
        at = time.strftime("%Y-%m-%dT%H:%M:", time.localtime(time.time() - 3 * 86400))
        with open(path, "w", encoding="ascii") as file:
            for n in range(count):
                stamp, queue_id = f"{at}{n * 60 // count:02} mx postfix/", f"A0000{n + 4096:X}"
                file.write(f"{stamp}smtpd[7]: {queue_id}: client=x[198.51.100.7], sasl_method=PLAIN, sasl_username={login}\n"
                           f"{stamp}cleanup[7]: {queue_id}: message-id=<{login}{n}@example.com>\n"
                           f"{stamp}qmgr[7]: {queue_id}: from=<{login}@example.com>, size=400, nrcpt=1 (queue active)\n")
        return path


class Warns(FloodCase):
    """The default: a flood is reported, and nothing else is done."""

    def test_warned_at_the_limit(self):
        self.flood(100)
        ordinary = self.send("a@example.com")
        self.assertEqual(self.incidents(), [])
        self.flood(1)
        i = self.opened()
        self.assertEqual((i["id"], i["kind"], i["key"], i["signal"], i["limit"], i["action"], i["held"]),
                         (1, "login", "joe", "10m", 100, "WARN", 0))
        self.assertEqual((i["recipients"], i["messages"]), (101, 101))
        self.assertNotIn("until", i)
        self.assertEqual(i["clients"], ["198.51.100.7"])
        line = until(lambda: self.logged("flood 1 begins"), "its line")[0]
        self.assertIn("flood 1 begins: login joe: 101 recipients, 101 messages in 10 min, limit 100, usual 0; 1 network, "
                      "1 sender, 0 queued; pqpurge-idx floods 1", line)
        self.assertEqual(self.held(), set())
        self.assertIn(ordinary, self.postfix.ids())
        self.assertEqual(self.pq.idx("rules", "--json").lines, [])
        self.assertIn("joe", self.pq.idx("floods", "1").out)
        self.assertIn("flood 1 is open: login joe", self.pq.idx("status").out)
        self.postfix.settled(102)
        marked = {line["group"]: line.get("flood") for line in self.pq.idx("top", "--json", "--by", "login").lines}
        self.assertEqual(marked, {"joe": 1, "": None})

    def test_selects(self):
        """--flood selects the key's mail since its window began, and nothing of others."""
        other = self.send("joe@example.com", LOGIN="jim", ADDR="198.51.100.7")
        bad = set(self.flood(101))
        self.opened()
        self.postfix.settled(102)
        self.assertEqual(set(self.pq.idx("list", "--json", "--flood", "1").messages), bad)
        self.assertEqual(self.pq.idx("purge", "-y", "--flood", "2").status, 1)
        self.assert_purged(bad, "--flood", "1")
        self.assertEqual(self.postfix.ids(), {other})

    def test_bad_and_normal(self):
        self.flood(101)
        self.opened()
        told = {"id": 1, "kind": "login", "key": "joe", "mark": "bad"}
        for words, result in (["-n"], "would-mark"), ([], "marked"):
            self.assertNotIn("mark", self.incidents()[0])
            self.assertEqual(self.pq.idx("floods", "--bad", "1", "--json", *words).lines, [{**told, "result": result}])
        self.assertEqual(self.incidents()[0]["mark"], "bad")
        result = self.pq.idx("floods", "--normal", "1", "--json")
        self.assertEqual((result.status, result.lines[0]), (0, {**told, "mark": "normal", "result": "marked"}), result)
        self.assertEqual(result.summary["released"], 0)
        self.assertEqual(self.incidents(), [])
        i = self.incidents("--all")[0]
        self.assertEqual((i["mark"], "until" in i), ("normal", True))
        self.flood(150)  # learned: it would take more than 3 times 101
        self.assertEqual(self.incidents(), [])
        self.assertEqual(self.pq.idx("floods", "--normal", "7").status, 1)

    def test_bounces_to_tags(self):
        """Bounces to one user's many tags are one flood, and --flood selects them all."""
        other = self.send("", "us@dest.test", ADDR="198.51.100.7")
        with self.postfix.smtp() as client:
            client.xclient(ADDR="198.51.100.7")
            bad = {client.message("", f"u+{n}@dest.test", "Subject: x\n\nx\n") for n in range(51)}
        i = self.opened()
        self.assertEqual((i["kind"], i["key"], i["messages"]), ("bounce", "u@dest.test", 51))
        self.postfix.settled(52)
        self.assert_purged(bad, "--flood", "1")
        self.assertEqual(self.postfix.ids(), {other})

    def test_survives_a_restart(self):
        self.flood(101)
        self.opened()
        for end in (self.pq.stop, self.pq.kill9):
            if end == self.pq.kill9:  # the file is written some seconds after an incident changed
                until(lambda: "joe" in self.state_file(), "the file of floods", 60)
            end()
            self.pq.start()
            self.assertEqual([i["key"] for i in self.incidents()], ["joe"])
        self.flood(101, login="jim")
        self.assertEqual(sorted(i["id"] for i in until(lambda: len(self.incidents()) > 1 and self.incidents(), "two")), [1, 2])

    def state_file(self):
        try:
            with open(os.path.join(self.pq.state, "floods"), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def test_hostile_names(self):
        """A login with odd bytes and a long one: printed scrubbed, and nobody else is selected."""
        self.flood(101, login="/.*/")
        self.assertEqual(self.opened()["key"], "/.*/")
        result = self.pq.idx("purge", "-y", "--flood", "1")
        self.assertEqual(result.status, 1, result)
        self.assertEqual(len(self.postfix.ids()), 101)


    def test_named_is_bad(self):
        """A purge, hold or block of an open incident's key marks it as bad, so nothing of it is learned. Others stay
        as they are."""
        for n, words in enumerate((("purge", "-y", "--login", "a0"), ("hold", "--login", "A1"), ("block", "login:a2"),
                                   ("purge", "-y", "--flood", "4"), ("purge", "-y", "--login", "a4", "--block"))):
            with self.subTest(words=words):
                self.flood(101, login=f"a{n}", sender=f"joe@a{n}.example")
                until(lambda: len(self.incidents("--all")) == n + 1, "an incident")
                for others in (("purge", "-n", "--login", f"a{n}"), ("list", "--login", f"a{n}"), ("purge", "-y", "joe@example.net"),
                               ("block", f"a{n}@example.com", "--for", "1s"), ("block", f"login:a{n}", "--action", "WARN"),
                               ("unblock", f"login:a{n}"), ("block", "-n", f"login:a{n}")):
                    self.assertEqual(self.pq.idx(*others).status, 0, others)
                self.assertNotIn("mark", self.incidents(str(n + 1))[0])
                result = self.pq.idx(*words)
                self.assertEqual(result.status, 0, result)
                self.assertIn("marked as bad", result.out)
                self.assertEqual(self.incidents(str(n + 1))[0]["mark"], "bad")

    def test_learned_while_it_runs(self):
        """floods --learn tells a running daemon the usual volumes; open incidents and bad marks stay."""
        log = self.write_log("news", 600)
        self.flood(101, login="spam")
        self.opened()
        self.assertEqual(self.pq.idx("floods", "--bad", "1").status, 0)
        result = self.pq.idx("floods", "--learn", "-n", log)
        self.assertEqual((result.status, result.out.splitlines()[-1]), (0, "Would learn of 1 key."), result)
        self.assertNotIn('"news"', self.state_file())
        result = self.pq.idx("floods", "--learn", log, self.write_log("spam", 600))
        self.assertEqual(result.status, 0, result)
        self.assertIn("usual: login   news  600 in 10 min", result.out)
        self.flood(250, login="news", sender="news@example.com")
        self.flood(101, login="jim")
        until(lambda: len(self.incidents()) > 1, "the second incident")
        self.assertEqual({(i["key"], i.get("mark")) for i in self.incidents()}, {("spam", "bad"), ("jim", None)})
        until(lambda: '"news"' in self.state_file(), "the file of floods", 60)
        self.pq.stop()
        self.pq.start()
        self.flood(1000, login="news", sender="news@example.com")
        self.assertEqual(len(self.incidents()), 2)


class Late(FloodCase):
    """Mail that came while no daemon ran, found in the queue by the first catch-up."""
    starts_daemon = False

    def backdate(self, ids, seconds):
        for queue_id in ids:
            self.postfix.arrived_earlier(queue_id, seconds)

    def sync(self):
        self.assertEqual(self.pq.idx("sync").status, 0)

    def test_before_it_ran(self):
        self.flood(150)
        self.flood(60, login="jim")
        self.postfix.settled(210)
        self.pq.start()
        self.sync()
        i = self.opened()
        self.assertEqual((i["kind"], i["key"], i["signal"], i["messages"]), ("login", "joe", "10m", 150))
        self.flood(40, login="jim")
        self.sync()
        self.assertEqual([i["key"] for i in self.incidents()], ["joe"])
        # Once: neither later catch-ups nor another daemon count it again, even if the index was lost.
        for end in (self.pq.stop, lambda: (self.pq.stop(), self.pq.forget())):
            end()
            self.pq.start()
            self.sync()
            self.sync()
            self.assertEqual([(i["key"], i["messages"]) for i in self.incidents()], [("joe", 150)])
        self.flood(1, login="jim")
        until(lambda: len(self.incidents()) == 2, "the second incident")
        self.assertEqual({i["key"]: i["messages"] for i in self.incidents()}, {"joe": 150, "jim": 101})

    def test_old_mail_waits(self):
        """60 messages that have waited for twenty minutes are no notable rate, but none of them was delivered."""
        self.flood(60)
        few = self.flood(15, login="jim")
        self.postfix.settled(75)
        self.backdate(self.postfix.ids() - set(few), 1200)
        self.pq.start()
        self.sync()
        i = self.opened()
        self.assertEqual((i["kind"], i["key"], i["signal"]), ("login", "joe", "undelivered"))
        self.assertEqual(len(self.incidents()), 1)


class Logs(FloodCase):
    starts_daemon = False

    def test_files_as_they_lie_about(self):
        """floods --try reads a rotated log that is empty, and one that begins with the NULs of a crash; a damaged one is
        an error."""
        log = self.write_log("joe", 150)
        with open(log, "rb") as file:
            text = file.read()
        for name, data, messages in (("crash", b"\0" * 100 + b"\n" + text, 150), ("line", b"\0" * 100 + text, 149),
                                     ("empty.gz", gzip.compress(b""), 0), ("some.gz", gzip.compress(text), 150), ("none", b"", 0),
                                     ("cut.gz", gzip.compress(text)[:-20], None), ("other", b"hello\n", None)):
            with self.subTest(name=name):
                path = os.path.join(self.pq.home, name)
                with open(path, "wb") as file:
                    file.write(data)
                result = self.pq.idx("floods", "--try", "--json", path)
                self.assertEqual(result.status, 1 if messages is None else 0, result)
                if messages is not None:
                    self.assertEqual((result.summary["fired"], result.summary["messages"]), (1 if messages else 0, messages))


class Exempt(FloodCase):
    settings = {"flood_exempt": "login:joe"}

    def test_exempt(self):
        self.flood(150)
        self.flood(101, login="jim")
        self.assertEqual(self.opened()["key"], "jim")
        self.assertEqual(len(self.incidents()), 1)


class Off(FloodCase):
    settings = {"flood_watch": "off"}

    def test_off(self):
        self.flood(150)
        self.assertEqual(self.incidents("--all"), [])


class Acts(FloodCase):
    """flood_watch = act, with the order door and a hook."""
    settings = {"flood_watch": "act", "hook_user": "nobody"}
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.pq.home, "hooks")
        os.mkdir(self.home)
        os.chmod(self.home, 0o777)
        program = os.path.join(self.pq.home, "hook")
        with open(program, "w", encoding="utf-8") as file:
            file.write(HOOK.format(home=self.home))
        os.chmod(program, 0o755)
        self.pq.settings["flood_hook"] = program
        self.pq.write_conf()
        with open(self.pq.conf, "a", encoding="utf-8") as file:
            file.write("flood login {\n  held = true\n}\n")
        door = Door(self.pq).open()
        self.addCleanup(door.close)
        self.pq.start()

    def hooks(self, event):
        """The hook's stdin in each of its runs."""
        found = []
        for name in sorted(os.listdir(self.home)):
            if name.startswith(f"hook.{event}."):
                with open(os.path.join(self.home, name), encoding="utf-8") as file:
                    text = file.read()
                if text.endswith("}\n") or text.endswith("}"):
                    found.append(json.loads(text))
        return found

    def sessions(self, count, login, senders, each):
        """Starts count sessions of login, each of which sends `each` messages. Returns queue IDs in the order of
        acceptance."""
        accepted, jobs = [], []

        def run(number):
            with self.postfix.smtp() as client:
                client.xclient(LOGIN=login or "[UNAVAILABLE]", ADDR=f"198.51.100.{7 + number}")
                for n in range(each):
                    sender = senders[n % len(senders)]
                    accepted.append((client.message(sender, "u@dest.test", f"From: {sender}\r\nSubject: {n}\r\n\r\nx\r\n"),
                                     time.monotonic()))
        for number in range(count):
            jobs.append(threading.Thread(target=run, args=(number,)))
            jobs[-1].start()
        return accepted, jobs

    def test_six_hundred(self):
        """A login sends 600 messages among a newsletter and ordinary mail. It is warned about at once, and held at twice
        the limit, including earlier mail; the rest is untouched. The hook runs once at begin and at end, and floods
        --normal puts all back."""
        learned = self.pq.idx("floods", "--learn", self.write_log("news@example.com", 400))
        self.assertEqual(learned.status, 0, learned)
        told = []

        def watch():  # notes the times of the first line and the first rule
            told.append((until(lambda: self.logged("flood 1 begins"), "the warning", 120)[0], time.monotonic()))
            told.append((until(lambda: self.pq.idx("rules", "--json").lines, "the rule", 120)[0], time.monotonic()))
        watcher = threading.Thread(target=watch)
        watcher.start()
        letters, jobs = self.sessions(1, "news@example.com", ["news@example.com"], 300)
        ordinary, more = self.sessions(2, "jim", ["jim@example.com"], 30)
        local, others = self.sessions(1, "", ["a@other.test", "b@other.test"], 40)
        flood, flooders = self.sessions(3, "joe", ["joe@example.com"], 200)
        for thread in jobs + more + others + flooders + [watcher]:
            thread.join(180)
            self.assertFalse(thread.is_alive())
        self.assertEqual([len(x) for x in (letters, ordinary, local, flood)], [300, 60, 40, 600])
        self.assertEqual(len(told), 2)
        (line, warned), (rule, in_force) = told
        self.assertRegex(line, r"flood 1 begins: login joe: [1-6]\d\d recipients, [1-6]\d\d messages in 10 min, limit 100, usual 0; ")
        self.assertEqual((rule["pattern"], rule["action"]), ("login:joe", "HOLD"))
        self.assertLessEqual(rule["expires"] - rule["set_time"], 3600)
        times = sorted(at for _, at in flood)
        self.assertLess(warned - times[100], 15, "warned within seconds of the 101st")
        self.assertLess(in_force - times[200], 15, "in force within seconds of the 201st")

        bad = {queue_id for queue_id, _ in flood}
        rest = {queue_id for queue_id, _ in letters + ordinary + local}
        until(lambda: self.held() >= bad, "all of the flood is held", 60)
        self.postfix.settled(1000)
        self.assertEqual(self.held(), bad)
        held = self.files("hold")
        untouched = self.files()
        self.assertEqual(set(untouched), rest)
        i = until(lambda: self.incidents()[0]["held"] and self.incidents(), "what was held before")
        self.assertEqual([(x["key"], x["action"], x["messages"], x["recipients"]) for x in i], [("joe", "HOLD", 600, 600)])
        batch = [line for line in self.pq.idx("log", "--json").lines if line["verb"] == "hold"]
        self.assertEqual([(line["user"], line["done"]) for line in batch], [(USER, i[0]["held"])])
        self.assertGreaterEqual(i[0]["held"], 200, "all that the window accepted before the rule")
        begin = until(lambda: self.hooks("begin"), "the hook")[0]
        self.assertEqual((begin["id"], begin["kind"], begin["key"], begin["limit"], begin["action"]), (1, "login", "joe", 100, "WARN"))
        self.assertLessEqual(set(begin["clients"]), {f"198.51.100.{n}" for n in (7, 8, 9)})
        self.assertTrue(set(begin["queue_ids"]) <= bad and begin["queue_ids"])

        result = self.pq.idx("floods", "--normal", "1")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.held(), set())
        self.assertEqual(self.pq.idx("rules", "--json").lines, [])
        self.assertEqual(self.incidents(), [])
        end = until(lambda: self.hooks("end"), "the hook at the end")[0]
        self.assertEqual((end["id"], end["messages"]), (1, 600))
        self.postfix.settled(1000)
        now = self.files()
        self.assertEqual(set(now), bad | rest)
        self.assertEqual({name: now[name] for name in rest}, untouched, "the rest was never touched")
        self.assertEqual({name: now[name] for name in bad}, held, "back byte for byte")
        self.pq.stop()
        self.assertEqual((len(self.hooks("begin")), len(self.hooks("end"))), (1, 1))

    def letter(self, login, recipients):
        """Sends one message of login to that many recipients; returns its ID."""
        with self.postfix.smtp() as client:
            client.xclient(LOGIN=login, ADDR="198.51.100.7")
            return client.message(login + "@example.com", [f"u{n}@dest.test" for n in range(recipients)], "Subject: x\n\nx\n")

    def test_tenfold_at_once(self):
        """A flood begins, passes the limit for an action and grows tenfold within a second: its rule stays known."""
        for n, login in enumerate(("joe", "jim", "jane"), 1):
            sent = {self.letter(login, count) for count in (110, 999)}
            until(lambda: self.logged(f"flood {n} grows"), "the growth", 60)
            i = until(lambda: [i for i in self.incidents(str(n)) if i["held"]], "what was held before", 60)[0]
            self.assertEqual((i["key"], i["action"], i["held"]), (login, "HOLD", 2))
            self.assertGreater(i["expires"], time.time())
            self.assertEqual(self.pq.idx("floods", "--normal", str(n)).status, 0)
            self.assertEqual((self.pq.idx("rules", "--json").lines, self.held() & sent), ([], set()))
        until(lambda: len(self.hooks("end")) == 3, "the hook at the ends", 60)
        self.assertEqual([(i["action"], i["held"]) for i in self.hooks("end") + self.incidents("--all")], [("HOLD", 2)] * 6)
        self.assertEqual({told["expires"] for told in self.hooks("begin")}, {0})

    def restart_with(self, change, without="joe"):
        """Stops the daemon, takes a login's rule away, lets change() edit flood 1 in the daemon's file, and starts it."""
        self.pq.stop()
        self.assertEqual(self.pq.idx("unblock", "login:" + without).status, 0)
        path = os.path.join(self.pq.state, "floods")
        with open(path, encoding="utf-8") as file:
            lines = [line for line in map(json.loads, file) if "id" in line or "kind" not in line]
        change(next(line for line in lines if line.get("id") == 1))
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        self.pq.start()

    def joes_rule(self):
        return [(r["pattern"], r["action"]) for r in self.pq.idx("rules", "--json").lines]

    def test_again(self):
        """A flood that passed the limit for an action goes on after a pause: what its window accepted is held, too."""
        self.flood(201)
        until(lambda: self.incidents()[0]["held"], "what was held before", 60)

        def ended(flood):  # two hours ago
            flood.update({name: flood[name] - 7200 * 1000000 for name in ("since", "last", "window")})
            flood.update(until=flood["last"], open=0, expires=0)
        self.restart_with(ended)
        sent = set(self.flood(101))
        until(lambda: self.logged("flood 1 goes on"), "the flood that goes on", 60)
        until(lambda: sent <= self.held(), "what was accepted before the rule", 60)
        self.assertEqual(self.joes_rule(), [("login:joe", "HOLD")])

    def test_rule_that_expired_meanwhile(self):
        """A flood that is open when the daemon comes back gets its rule again if that expired while the daemon was down."""
        self.flood(201)
        until(lambda: self.incidents()[0]["held"], "what was held before", 60)
        self.restart_with(lambda flood: flood.update(expires=flood["since"]))
        until(lambda: self.joes_rule() == [("login:joe", "HOLD")], "the rule", 60)

    def test_rule_that_expired_before_acting_was_switched_off(self):
        self.flood(201)
        until(lambda: self.incidents()[0]["held"], "what was held before", 60)

        def change(flood):
            flood.update(expires=flood["since"])
            self.pq.settings["flood_watch"] = "warn"
            self.pq.write_conf()
        self.restart_with(change)
        until(lambda: not self.incidents()[0].get("expires"), "the flood to be without a rule", 60)
        self.assertEqual(self.joes_rule(), [])

    def test_rule_is_not_renewed_once_acting_is_switched_off(self):
        """The rule of flood 1 would be renewed by now. That of flood 2 is gone, which is noticed after it."""
        for number, login in (1, "joe"), (2, "jim"):
            self.flood(201, login)
            until(lambda: self.incidents(str(number))[0]["held"], "what was held before", 60)
        soon = int(time.time()) + 600

        def change(flood):
            flood.update(expires=soon * 1000000)
            self.pq.settings["flood_watch"] = "warn"
            self.pq.write_conf()
        self.restart_with(change, without="jim")
        until(lambda: self.logged("flood 2: its rule was removed"), "a look at the rules", 60)
        self.assertEqual(self.incidents("1")[0]["expires"], soon)
        self.assertEqual(self.joes_rule(), [("login:joe", "HOLD")])

    def test_an_ok_rule_stops_it(self):
        self.pq.write_rules("login:joe OK\n")
        self.pq.reload()
        self.flood(210)
        self.opened()
        until(lambda: self.logged("an OK rule lets its mail pass"), "the words about the OK rule")
        self.assertEqual([r["action"] for r in self.pq.idx("rules", "--json").lines], ["OK"])
        self.assertEqual(self.held(), set())

    def test_unblocked_stays_unblocked(self):
        self.flood(201)
        until(lambda: self.pq.idx("rules", "--json").lines, "the rule")
        self.assertEqual(self.pq.idx("unblock", "login:joe").status, 0)
        until(lambda: self.logged("is not set again"), "the words about it", 60)
        self.flood(5)
        self.assertEqual(self.pq.idx("rules", "--json").lines, [])
