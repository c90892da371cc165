# SPDX-License-Identifier: ISC
"""`report`: one HTML file with the numbers of log, list, top and why. It runs nothing and fetches nothing, whatever a
stranger wrote, and it names what is no longer known."""
import json
import os
import stat
import subprocess
import tempfile
import threading

import chromium
from case import BAD, RigCase
from door import OPERATORS, Door, fleet
from page import Page
from rig import until
from smtp import content
from test_door import DoorCase
from test_emergency import restrictions
from test_floodwatch import FloodCase
from test_hostile_text import xtext
from test_truth_killed import COUNT, KilledCase

EVIL = "x\"'><script>alert(1)</script><img src=http://evil.test/x onerror=alert(2)><!--"


class Reporting:
    """A parsed report; each is checked to refer to nothing and run nothing."""

    def page(self, *words, status=0):
        result = self.pq.idx("report", *words)
        self.assertEqual(result.status, status, result)
        page = Page(result.out)
        self.assertEqual(page.faults, [], words)
        return page

    def log(self):
        return {line["batch"]: line for line in self.pq.idx("log", "--json").lines}

    def top(self, by, *words):
        return {line["group"]: line["count"] for line in self.pq.idx("top", "--json", "--by", by, *words).lines}

    def assert_acts(self, page, *numbers):
        """The actions are those in log."""
        log, rows = self.log(), page.rows("acts")
        self.assertEqual([int(row["Batch"]) for row in rows], sorted(numbers))
        for row in rows:
            batch = log[int(row["Batch"])]
            self.assertEqual(row["Verb"], batch["verb"])
            self.assertTrue(row["By"].startswith(batch["user"]), row)
            self.assertIn(f"{batch['matched']} matched, {batch['done']} done", row["Result"])
            self.assertIn(batch["command"], row["Command"])
            self.assertIn(batch["reason"], row["Command"])

    def assert_left(self, page, *words):
        """The rest is what list and top find with these selectors."""
        left = self.pq.listed(*words)
        self.assertEqual(page.tiles["in the queue now"], len(left))
        for by, table, none in (("sender", "senders", "(none)"), ("login", "logins", "(no login)"), ("client", "clients", "(local)"),
                                ("recipient", "recipients", "(none)")):
            self.assertEqual(page.counts(table, "In the queue now"), {name or none: n for name, n in self.top(by, *words).items()}, by)
        why = {line["reason"]: line["recipients"] for line in self.pq.idx("why", "--json", *words).lines if "reason" in line}
        self.assertEqual(page.counts("reasons", "In the queue now"), why)
        for name in {line["queue_name"] for line in left.values()}:
            self.assertIn(f"{sum(line['queue_name'] == name for line in left.values())} in {name}", page.text["left"])


class Finished(Reporting, RigCase):
    main = restrictions(1)

    def setUp(self):
        super().setUp()
        for login, client, sender, recipient, count in (
                ("joe", "192.0.2.7", "a@example.com", "u@d0.test", 12), ("Joe", "192.0.2.8", "b@example.com", ["u@d1.test", "v@d2.test"], 5),
                ("ann", "192.0.2.9", "a@good.test", "u@d0.test", 4)):
            with self.postfix.smtp() as client_:
                client_.xclient(LOGIN=login, ADDR=client)
                for _ in range(count):
                    client_.message(sender, recipient, content(sender))
        self.postfix.settled(21)
        until(self.reasons, "every message was tried")

    def reasons(self):
        lines = self.pq.idx("why", "--json").lines
        return lines[-1]["summary"].get("recipients") == 26 and not lines[-1]["summary"].get("without_reason")

    def test_of_the_queue(self):
        """Before any action: the whole queue, and a part of it."""
        page = self.page()
        self.assert_left(page)
        self.assertEqual(page.fates(), {"deleted": 0, "held": 0, "released": 0, "waiting": 21})
        self.assertEqual(page.drawn(), {"waiting": 21})
        self.assertEqual(page.rows("acts"), [])
        page = self.page("--login", "joe", BAD)
        self.assert_left(page, "--login", "joe", BAD)
        self.assertEqual((page.title, page.tiles), (f"Mail in the queue: --login=joe {BAD}", {"in the queue now": 17}))

    def test_of_a_purge(self):
        """The numbers are those from before the purge; nothing is left."""
        before = {by: self.top(by, BAD) for by in ("sender", "login", "client")}
        self.assertEqual(before["login"], {"joe": 17}, "as --login takes them")
        self.purge("--reason", "hacked account", BAD)
        self.send("late@example.com")
        self.postfix.settled(5)
        page = self.page("--batch", "1")
        self.assert_acts(page, 1)
        self.assert_left(page, BAD)
        self.assertEqual(page.title, "Batch 1: purge, 17 messages")
        self.assertEqual(page.tiles, {"deleted": 17, "in the queue now": 1})
        for by, table in (("sender", "senders"), ("login", "logins"), ("client", "clients")):
            self.assertEqual(page.counts(table, "Deleted"), before[by])
        self.assertEqual(page.counts("recipients", "Deleted"), {"d0.test": 12, "d1.test": 5, "d2.test": 5})
        self.assertEqual(sum(page.counts("reasons", "Deleted").values()), 22)
        self.assertEqual(page.fates(), {"deleted": 17, "held": 0, "released": 0, "waiting": 1})
        self.assertEqual(page.drawn(), {"deleted": 17, "waiting": 1})
        self.assertIn("1 arrived after the first batch had begun", page.text["left"])
        self.assertNotIn("unknown", page.text)
        for selectors in ((), (BAD,), ("--sender", "good.test")):
            self.assert_left(self.page("--batch", "1", *selectors), *(selectors or (BAD,)))
        page = self.page(BAD)
        self.assert_acts(page, 1)
        self.assertEqual(page.title, f"Incident: {BAD}")
        self.assertEqual(page.rows("rules"), [])
        self.assertEqual(self.pq.idx("block", "--for", "1h", "--reason", EVIL, BAD).status, 0)
        (row,), (rule,) = self.page("--batch", "1").rows("rules"), self.pq.idx("rules", "--json").lines
        self.assertEqual((row["Pattern"], row["Action"], row["By"], row["Reason"]),
                         (rule["pattern"], rule["action"], rule["author"], rule["reason"]))
        self.assertEqual(row["Reason"], EVIL)
        self.assert_acts(self.page("--login", "joe", BAD))

    def test_dates_have_a_zone(self):
        self.purge(BAD)
        page = Page(self.pq.idx("report", "--batch", "1", env={**os.environ, "TZ": "Asia/Kolkata"}).out)
        self.assertEqual(page.faults, [])
        self.assertRegex(page.rows("acts")[0]["Time"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d IST$")
        self.assertRegex(page.source, r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0530">')

    def test_held_and_undone(self):
        self.assertEqual(self.pq.idx("hold", "-y", BAD).status, 0)
        page = self.page("--batch", "1")
        self.assert_acts(page, 1)
        self.assert_left(page, BAD)
        self.assertEqual(page.drawn(), {"held": 17}, "held mail is in the queue, and counts once")
        self.assertEqual(self.pq.idx("undo", "-y", "1").status, 0)
        self.postfix.settled(21)
        for number in ("1", "2"):
            page = self.page("--batch", number)
            self.assert_acts(page, 1, 2)
            self.assert_left(page, BAD)
            self.assertEqual(page.drawn(), {"released": 17})
            self.assertIn("undone", page.rows("acts")[0]["Result"])
            self.assertIn("Undoes batch 1", page.rows("acts")[1]["Command"])

    def test_selections_that_are_not_taken(self):
        """An expression, a blank, a list of IDs: the report says so, and takes them from the command line."""
        for number, (words, also) in enumerate((("/@example\\.com$/", {}), ("--login=joe smith", {}), ("--id=-", {"input": "4A1B2C3D4E\n"})), 1):
            self.assertEqual(self.pq.idx("hold", "-y", words, "--reason", "x", **also).status, 0)
            if number not in self.log():  # nothing matched
                self.write_account({"begin": number, "time": 1700000000000000, "uid": 0, "user": "root", "verb": "hold", "command": "x",
                                    "reason": "", "selector": words.replace("joe smith", "'joe smith'"), "token": ""},
                                   {"end": number, "matched": 0, "done": 0})
            page = self.page("--batch", str(number))
            self.assertNotIn("in the queue now", page.tiles)
            self.assertIn("Unknown: ", page.text["left"])
            self.assert_left(self.page("--batch", str(number), BAD), BAD)

    def write_account(self, *lines):
        path = os.path.join(self.pq.state, "log")
        with open(path, "a", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        os.chown(path, os.stat(self.pq.state).st_uid, -1)
        os.chmod(path, 0o600)

    def test_lost(self):
        """Facts that the account has lost are named as such; a lost batch is an error."""
        batch = {"time": 1700000000000000, "uid": 0, "user": "root", "verb": "purge", "command": "pqpurge-idx purge x.test",
                 "reason": "", "selector": "x.test", "token": ""}
        self.write_account({"begin": 40, **batch}, {"end": 40, "matched": 700, "done": 700}, {"kept": 999}, {"begin": 41, **batch},
                           {"facts": 41, "arrivals": [{"time": 1699999980, "count": 5}], "senders": [{"is": "x.test", "count": 4}],
                            "other_senders": 3}, {"end": 41, "matched": 7, "done": 7})
        page = self.page("--batch", "40")
        self.assertIn("was rewritten", page.text["unknown"])
        self.assertIn("The time of arrival of 700 more messages is unknown", page.text["when"])
        self.assertEqual((page.tiles["deleted"], page.counts("senders", "Deleted")), (700, {}))
        page = self.page("--batch", "41")
        self.assertEqual((page.fates()["deleted"], page.counts("senders", "Deleted")), (5, {"x.test": 4, "all others": 3}))
        self.assertIn("of 2 more messages is", page.text["when"])
        for number, words in ((39, "no longer has batch 39"), (42, "there is no batch 42")):
            result = self.pq.idx("report", "--batch", str(number))
            self.assertEqual((result.status, result.out), (1, ""), result)
            self.assertIn(words, result.err)

    def test_usage(self):
        for words in (("--batch", "0"), ("--batch", "x"), ("--batch", "1", "--json"), ("7",), ("--flood", "9")):
            result = self.pq.idx("report", *words)
            self.assertEqual((result.status, result.out), (1, ""), result)

    def test_without_the_daemon(self):
        self.purge(BAD)
        self.pq.stop()
        page = self.page("--batch", "1")
        self.assertEqual(page.tiles, {"deleted": 17, "in the queue now": 0})


class Killed(Reporting, KilledCase):
    def test_told(self):
        """A killed purge: its deletions are in the picture, the rest waits, and unknown facts are named."""
        self.kill_when(lambda: self.count("deferred") < COUNT - 180, "purge", "-y", BAD)
        left = self.postfix.ids() & self.ours
        self.assertTrue(0 < len(left) < COUNT, "not in the middle")
        page = self.page("--batch", "1")
        self.assert_acts(page, 1)
        self.assertEqual(page.tiles["in the queue now"], len(left))
        self.assertEqual(page.fates(), {"deleted": COUNT - len(left), "held": 0, "released": 0, "waiting": len(left)})
        self.assertIn("was interrupted before its senders", page.text["unknown"])
        self.assertIn("interrupted", page.rows("acts")[0]["Result"])
        self.assertEqual(page.counts("senders", "In the queue now"), {BAD: len(left)})


class Noted(Reporting, FloodCase):
    """The flood watch warns, and nobody acts."""

    def test_told(self):
        other = self.send("joe@example.com", LOGIN="jim", ADDR="198.51.100.7")
        self.flood(101)
        incident = self.opened()
        self.postfix.settled(102)
        page = self.page("--flood", "1")
        self.assert_left(page, "--flood", "1")
        self.assertEqual(page.title, "Flood 1: login joe")
        self.assertEqual(page.tiles, {"recipients in the flood": incident["recipients"], "in the queue now": 101})
        self.assertIn("only reported it", page.text["flood"])
        self.assertIn("No message was touched", page.text["done"])
        self.assert_purged(self.postfix.ids() - {other}, "--flood", "1")
        page = self.page("--flood", "1")
        self.assert_acts(page, 1)
        self.assertEqual((page.drawn(), page.counts("logins", "Deleted")), ({"deleted": 101}, {"joe": 101}))
        self.assertIn("marked the flood as bad", page.text["flood"])


class ActedOn(Reporting, FloodCase):
    settings = {"flood_watch": "act"}
    starts_daemon = False

    def setUp(self):
        super().setUp()
        with open(self.pq.conf, "a", encoding="utf-8") as file:
            file.write("flood login {\n  held = true\n}\n")
        self.addCleanup(Door(self.pq).open().close)
        self.pq.start()

    def test_told(self):
        """The daemon held the mail, root deleted some and released the others: each message is reported once."""
        bad = self.flood(210)
        until(lambda: self.held() >= set(bad), "all is held", 60)
        until(lambda: self.incidents()[0]["held"], "what was held before")
        page = self.page("--flood", "1")
        self.assertEqual(page.tiles["in the queue now"], 210)
        self.assertIn("set a rule for it: HOLD", page.text["flood"])
        self.assertIn("the flood watch, flood 1", page.rows("acts")[0]["By"])
        number = page.rows("acts")[0]["Batch"]
        by_batch = self.page("--batch", number)
        self.assertIn("set a rule for it", by_batch.text["flood"])
        self.assertEqual(by_batch.tiles["in the queue now"], 210)
        self.assertEqual(page.fates()["held"], self.log()[int(number)]["done"])
        self.purge("--flood", "1", "--limit", "150")
        result = self.pq.idx("floods", "--normal", "1")
        self.assertEqual(result.status, 0, result)
        self.postfix.settled(60)
        page = self.page("--flood", "1")
        fates = page.fates()
        self.assertEqual((fates["deleted"], fates["held"], fates["released"] + fates["waiting"]), (150, 0, 60), page.rows("acts"))
        self.assertEqual({row["Verb"] for row in page.rows("acts")}, {"hold", "purge", "release"})
        self.assert_left(page, "--flood", "1")


class OfTheFleet(Reporting, DoorCase):
    settings = {"fleet": "service=none", "fleet_user": "news", "operator_group": OPERATORS, "operator_allow": "report"}

    def test_origin(self):
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        answer = self.door.send("daemon", fleet("purge", ("author", BAD), reason="hacked"), "news", ["nogroup"])
        self.assertEqual((answer.status, answer.done), (0, 3), answer)
        page = self.page("--batch", "1")
        self.assertRegex(page.rows("acts")[0]["By"], r"^fleet:anna.*fleet order 00000000-0000-4000-8000-000000000001$")
        self.assertEqual(page.tiles["deleted"], 3)

    def test_operators(self):
        """An operator may have the report, but no file of root's."""
        self.send_many("a@example.com", 3)
        self.postfix.settled(3)
        self.purge(BAD)
        answer = self.member("report", "--batch", "1")
        page = Page(answer.out)
        self.assertEqual((answer.status, page.faults, page.tiles["deleted"]), (0, [], 3), answer)
        path = os.path.join(self.pq.home, "out.html")
        answer = self.member("report", "--batch", "1", "--output=" + path)
        self.assertNotEqual(answer.status, 0, answer)
        self.assertFalse(os.path.exists(path))


class Hostile(Reporting, RigCase):
    """Strangers' words in every place that a report shows."""
    main = restrictions(1)
    settings = {"record_subject": True}

    def setUp(self):
        super().setUp()
        text = f"From: <a@example.com>\r\nSubject: {EVIL}\r\n\r\nx\r\n"
        with self.postfix.smtp() as client:
            client.xclient(ADDR="192.0.2.7", LOGIN=xtext(EVIL.encode() + "\u202e\x1b]0;x\x07".encode()), HELO=xtext(EVIL.encode()))
            self.queue_id = client.message(b'"' + EVIL.replace('"', "").encode() + b'"@example.com', "u@d0.test", text)
        self.postfix.settled(1)
        self.defer_log = self.await_defer_log(self.queue_id)
        with open(self.defer_log, "w", encoding="utf-8") as file:
            file.write(f"recipient=u@d0.test\nreason={EVIL}\n\n")

    def test_stays_text(self):
        """Page checks that there is no tag, attribute or comment but ours."""
        page = self.page()
        self.assertTrue(any("<script>alert(1)</script>" in name for name in page.counts("logins", "In the queue now")))
        self.assertTrue(any("<script>" in name for name in page.counts("reasons", "In the queue now")), page.counts("reasons", "In the queue now"))
        page = self.page("--login", EVIL)
        self.assertIn(EVIL, page.title)
        result = self.pq.idx("hold", "-y", "--reason", EVIL, BAD)
        self.assertEqual(result.status, 0, result)
        page = self.page("--batch", "1")
        self.assertIn(EVIL, page.rows("acts")[0]["Command"])
        self.assertNotIn("\u202e", page.source)
        for table in ("logins", "reasons"):
            self.assertTrue(any("<script>" in name for name in page.counts(table, "Held")), page.tables)

    def test_of_the_daemons_account(self):
        """Lines that no command of ours wrote."""
        path = os.path.join(self.pq.state, "log")
        with open(path, "w", encoding="utf-8") as file:
            for line in ({"begin": 1, "time": 2 ** 62, "uid": 2 ** 40, "user": EVIL, "verb": EVIL, "command": EVIL, "reason": EVIL,
                          "selector": EVIL, "token": "fleet:" + EVIL, "undoes": [1, 2 ** 62]},
                         {"facts": 1, "arrivals": [{"time": 2 ** 62, "count": 2 ** 62}, {"time": 60, "count": 2 ** 62}],
                          **{key: [{"is": EVIL, "count": 2 ** 62}] * 70 for key in ("senders", "recipients", "logins", "clients", "reasons")}},
                         {"end": 1, "matched": 2 ** 62, "done": 2 ** 62}):
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        os.chown(path, os.stat(self.pq.state).st_uid, -1)
        page = self.page("--batch", "1")
        self.assertIn("Unknown: ", page.text["left"])
        self.assertIn(EVIL, page.title)


class File(Reporting, RigCase):
    """-o FILE."""

    def setUp(self):
        super().setUp()
        self.send("a@example.com")
        self.postfix.settled(1)
        # Below a directory that only root can write.
        self.place = tempfile.mkdtemp(prefix="pqpurge-report.", dir="/run")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.place], check=True)
        self.path = os.path.join(self.place, "out.html")

    def test_written(self):
        result = self.pq.idx("report", "-n", "-o", self.path)
        self.assertEqual((result.status, os.listdir(self.place)), (0, []), "a dry run writes nothing")
        self.assertIn("would be written", result.out)
        for umask in (0o000, 0o077):
            result = self.pq.idx("report", "-o", self.path, umask=umask)
            self.assertEqual((result.status, result.err), (0, ""), result)
            self.assertIn(self.path, result.out)
            info = os.stat(self.path)
            self.assertEqual((stat.S_IMODE(info.st_mode), info.st_uid), (0o600, 0))
            with open(self.path, encoding="utf-8") as file:
                page = Page(file.read())
            self.assertEqual((page.faults, page.tiles), ([], {"in the queue now": 1}))
        self.assertEqual(os.listdir(self.place), ["out.html"], "what was there is replaced, and nothing lies beside it")
        self.assertEqual(self.pq.idx("report", "-q", "--output", self.path).out, "")

    def test_standard_output(self):
        """'-' is no file of that name."""
        for name in "-o", "--output":
            result = self.pq.idx("report", name, "-")
            self.assertEqual((result.status, Page(result.out).faults), (0, []), result)
        self.assertFalse(os.path.exists("-"))

    def test_left_alone(self):
        """A link, a device, a directory, a place that does not exist."""
        kept = os.path.join(self.place, "kept")
        with open(kept, "w", encoding="utf-8") as file:
            file.write("x")
        os.symlink(kept, os.path.join(self.place, "link"))
        os.mkfifo(os.path.join(self.place, "pipe"))
        os.mkdir(os.path.join(self.place, "directory"))
        for name in ("link", "pipe", "directory", "none/x"):
            result = self.pq.idx("report", "-o", os.path.join(self.place, name))
            self.assertIn(result.status, (1, 2), result)
            self.assertNotEqual(result.err, "")
        self.assertEqual(result.status, 1, result)
        self.assertRegex(result.err, f"its directory, '{self.place}/none'.*No such file")
        with open(kept, encoding="utf-8") as file:
            self.assertEqual(file.read(), "x")
        self.assertEqual(sorted(os.listdir(self.place)), ["directory", "kept", "link", "pipe"])

    def test_a_reader_that_goes(self):
        """A pipe that nobody reads: an error, not silence."""
        read, write = os.pipe()
        os.close(read)
        result = subprocess.run(self.pq.words("report"), stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE, check=False,
                                timeout=120)
        os.close(write)
        self.assertEqual(result.returncode, 2, result)


class Browser(Reporting, RigCase):
    """A real Chromium shows the report, fetches nothing, and has no complaint: on a phone, in the dark, on paper."""
    main = restrictions(1)

    def setUp(self):
        super().setUp()
        threads = [threading.Thread(target=self.send_many, args=(sender, count, "u@d0.test", content(sender)))
                   for sender, count in (("a@example.com", 60), ("b@good.test", 25), ("c@example.com", 40))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.postfix.settled(125)
        self.purge("--reason", EVIL, "--limit", "70", BAD)
        self.assertEqual(self.pq.idx("hold", "-y", BAD).status, 0)
        self.directory = tempfile.mkdtemp(prefix="pqpurge-browser.")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory], check=True)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def judge(self, browser, path):
        browser.screenshot()  # by now it has made its complaints
        self.assertEqual((browser.requests, browser.complaints), (["file://" + path], []))

    def test_shown(self):
        page = self.page(BAD)
        self.assertEqual([page.counts("logins", column) for column in ("Deleted", "Held", "In the queue now")],
                         [{"(no login)": n} for n in (70, 30, 30)])
        path = self.write("report.html", page.source)
        blank = self.write("blank.html", "<!DOCTYPE html><title>x</title>")
        evil = self.write("evil.html", '<!DOCTYPE html><img src="http://evil.test/x.png"><script>console.log("x")</script>')
        with chromium.started() as browser:
            empty = len(browser.show(blank).screenshot())
            browser.show(evil)
            self.assertIn("http://evil.test/x.png", browser.requests, "the judge sees a request")
            self.assertTrue(browser.complaints, "the judge sees the console")

            self.judge(browser.show(path), path)
            self.assertGreater(len(browser.screenshot()), 5 * empty, "something is to be seen")
            light = browser.evaluate("getComputedStyle(document.body).backgroundColor")
            self.assertEqual(light, "rgb(255, 255, 255)", "the style is in force")
            drawn = browser.evaluate("[...document.querySelectorAll('rect')].filter(r => r.getBoundingClientRect().height > 0).length")
            self.assertEqual(drawn, browser.evaluate("document.querySelectorAll('rect').length"))
            self.assertGreater(drawn, 1)
            self.assertIn(EVIL, browser.evaluate("document.getElementById('acts').textContent"))
            self.assertEqual(browser.evaluate("document.scripts.length + document.images.length + document.links.length"), 0)

            self.judge(browser.show(path, dark=True), path)
            self.assertNotEqual(browser.evaluate("getComputedStyle(document.body).backgroundColor"), light)
            self.judge(browser.show(path, width=360, height=640, mobile=True), path)
            self.assertLessEqual(browser.evaluate("document.documentElement.scrollWidth"), 360, "no sideways scrolling on a phone")
            pdf = browser.show(path).pdf()
            self.assertTrue(pdf.startswith(b"%PDF-"))
            self.assertRegex(pdf, rb"/MediaBox \[0 0 59[45][.\d]* 84[12][.\d]*\]", "A4")
