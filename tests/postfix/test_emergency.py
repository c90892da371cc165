# SPDX-License-Identifier: ISC
"""An emergency, played through: who fills the queue, why it waits, hold it, change one's mind, save it, empty it."""
import collections
import json
import os
import re
import subprocess
import time

from case import BAD, RigCase, both_ids_at_length
from pqpurge import COMMAND, TOP
from smtp import content
from terminal import Terminal

# Each domain's mail is deferred for its own kind of reason, with varying numbers and addresses.
REASONS = {
    "timeout": "connect to mx{n}.d{n}.test[192.0.2.{n}]:25: Connection timed out",
    "full": "host mx.full.test[192.0.2.{n}] said: 452 4.2.2 <user{n}@d{n}.test>: mailbox full, ticket 77{n}ABC{n}",
    "grey": "host mx.grey.test[2001:db8::{n}] said: 450 4.7.1 try again in {n} seconds",
}


def restrictions(count):
    """Mail for d0.test, d1.test, ... goes to retry(8), each with its reason. In transport_maps, smtpd would refuse
    it."""
    kinds = sorted(REASONS)
    rows = []
    for n in range(count):
        text = REASONS[kinds[n % len(kinds)]].format(n=n)
        rows.append(f"{{ d{n}.test = FILTER retry:4.3.2 {text} }}")
    return "smtpd_recipient_restrictions = check_recipient_access inline:{ " + ", ".join(rows) + " }\n"


def queue_files(postfix):
    """{queue ID: (bytes, mtime)} of all queue files, in any queue."""
    found = {}
    for queue in ("maildrop", "incoming", "active", "deferred", "hold"):
        for directory, _, names in os.walk(os.path.join(postfix.spool, queue)):
            for name in names:
                path = os.path.join(directory, name)
                with open(path, "rb") as file:
                    found[name] = (file.read(), os.stat(path).st_mtime_ns)
    return found


class Session(RigCase):
    """10,000 messages of 200 domains, one of which floods."""

    DOMAINS, FLOOD, EACH = 200, 4025, 25
    main = restrictions(29) + "minimal_backoff_time = 1000s\nmaximal_backoff_time = 2000s\n"
    total = FLOOD + (DOMAINS - 1) * EACH + 1000

    def fill(self):
        self.queue_many("spam@" + BAD, self.FLOOD, "u@d0.test", known=False)
        for n in range(1, self.DOMAINS):
            self.queue_many(f"a@sender{n}.test", self.EACH + (1000 if n == 7 else 0), f"u@d{n % 30}.test", known=False)
        self.postfix.settled(self.total)
        self.assertEqual(self.pq.idx("sync").status, 0)

    def test_session(self):
        self.fill()
        self.assertEqual(self.total, 10000)
        self.top_names_the_flood()
        self.why_agrees_with_postqueue()
        self.hold_and_undo()

    # ---- top

    def top_names_the_flood(self):
        result = self.pq.idx("top", "--json")
        self.assertEqual(result.status, 0, result)
        groups = result.lines
        self.assertEqual(len(groups), self.DOMAINS)
        first = groups[0]
        self.assertEqual((first["group"], first["count"]), (BAD, self.FLOOD))
        self.assertAlmostEqual(first["share"], self.FLOOD / self.total, places=4)
        self.assertEqual((groups[1]["group"], groups[1]["count"]), ("sender7.test", self.EACH + 1000))
        self.assertEqual(sum(group["count"] for group in groups), self.total)
        for group in groups:
            self.assertEqual(sum(group["ages"]), group["count"])
            self.assertEqual(len(group["ages"]), 10)
            self.assertLessEqual(group["oldest"], group["newest"])
        queue = self.postfix.queue()
        senders = collections.Counter(entry["sender"].rpartition("@")[2] for entry in queue)
        self.assertEqual({group["group"]: group["count"] for group in groups}, dict(senders))
        recipients = collections.Counter(entry["recipients"][0]["address"].rpartition("@")[2] for entry in queue)
        by = self.pq.idx("top", "--json", "--by=recipient").lines
        self.assertEqual({group["group"]: group["count"] for group in by}, dict(recipients))
        client = self.pq.idx("top", "--json", "--by", "client").lines
        self.assertEqual([(group["group"], group["count"]) for group in client], [("127.0.0.1", self.total)])
        plain = self.pq.idx("top", "--limit", "3")
        rows = [line.split("\t") for line in plain.out.splitlines()]
        self.assertEqual([(row[0], row[1]) for row in rows[:2]], [(BAD, str(self.FLOOD)), ("sender7.test", "1025")])
        self.assertEqual(len(rows), 3)
        narrowed = self.pq.idx("top", "--json", "--by", "recipient", BAD).lines
        self.assertEqual([(group["group"], group["count"]) for group in narrowed], [("d0.test", self.FLOOD)])

    # ---- why

    def why_agrees_with_postqueue(self):
        ours = [entry for entry in self.postfix.queue() if entry["sender"].endswith("@" + BAD)]
        reasons = [recipient["delay_reason"] for entry in ours for recipient in entry["recipients"]]
        self.assertEqual(len(reasons), self.FLOOD)
        lines = self.pq.idx("why", "--json", BAD).lines
        self.assertEqual(len(lines), 2, lines)
        self.assertEqual(lines[0]["recipients"], self.FLOOD)
        self.assertIn(lines[0]["example"]["delay_reason"], set(reasons))
        self.assertEqual(lines[0]["domains"], [{"domain": "d0.test", "recipients": self.FLOOD}])

        entries = [r for entry in self.postfix.queue() for r in entry["recipients"] if "delay_reason" in r]
        self.assertGreater(len(entries), 9000)
        result = self.pq.idx("why", "--json")
        self.assertEqual(result.status, 0, result)
        groups, summary = result.lines[:-1], result.summary
        self.assertEqual(summary["recipients"], len(entries))
        self.assertEqual(summary["messages"], self.total)
        self.assertEqual(sum(group["recipients"] for group in groups), len(entries))
        self.assertEqual((summary["minimal_backoff_time"], summary["maximal_backoff_time"]), (1000, 2000))
        self.assertEqual((summary["queue_run_delay"], summary["maximal_queue_lifetime"]), (300, 5 * 86400))
        self.assertGreater(summary["next_try"], time.time() - 60)
        # Three kinds of reasons; the rest of the domains all wait for the deferred transport.
        kinds = collections.Counter(
            "timeout" if "timed out" in r["delay_reason"] else "full" if "mailbox full" in r["delay_reason"]
            else "grey" if "try again in" in r["delay_reason"] else "other" for r in entries)
        self.assertEqual({
            "timeout" if "timed out" in g["reason"] else "full" if "mailbox full" in g["reason"]
            else "grey" if "try again in" in g["reason"] else "other": g["recipients"] for g in groups}, dict(kinds))
        self.assertEqual(len(groups), len(kinds))
        for group in groups:
            self.assertNotRegex(group["reason"].replace("452 4.2.2", "").replace("450 4.7.1", ""), r"[0-9]")
        text = self.pq.idx("why", BAD)
        self.assertEqual(text.status, 0, text)
        for word in ("queue_run_delay", "1000s", "2000s", "maximal_queue_lifetime", "d0.test"):
            self.assertIn(word, text.out)

    # ---- hold, undo, log

    def hold_and_undo(self):
        before = queue_files(self.postfix)
        environment = {**os.environ, "SUDO_USER": "anna"}
        held = self.pq.idx("hold", "-y", "--json", "--reason", "ticket 4711", BAD, env=environment)
        self.assertEqual(held.status, 0, held)
        self.assertEqual(held.summary["held"], self.FLOOD)
        batch = held.summary["batch"]
        self.assertEqual(sum(e["queue_name"] == "hold" for e in self.postfix.queue()), self.FLOOD)
        undone = self.pq.idx("undo", "-y", "--json", str(batch), env=environment)
        self.assertEqual(undone.status, 0, undone)
        self.assertEqual(undone.summary["released"], self.FLOOD)
        self.assertEqual({line["sender"] for line in undone.messages.values()}, {"spam@" + BAD})
        self.assertFalse([e for e in self.postfix.queue() if e["queue_name"] == "hold"])
        self.assertEqual(queue_files(self.postfix), before, "the queue is as it was, byte for byte")
        log = self.pq.idx("log", "--json").lines
        self.assertEqual([(b["verb"], b["done"], b["user"]) for b in log],
                         [("hold", self.FLOOD, "anna"), ("undo", self.FLOOD, "anna")])
        self.assertEqual(log[0]["reason"], "ticket 4711")
        self.assertIn(f"undo -y --json {batch}", log[1]["command"])
        self.assertLess(abs(log[1]["time"] - time.time()), 60)
        again = self.pq.idx("undo", "-y", "--json", str(batch))
        self.assertEqual((again.status, again.summary["released"]), (0, 0), again)
        self.assertIn("undone already", again.err)


class EmptyTheQueue(RigCase):
    """purge --all --queue deferred: only the number of messages counts as a yes."""

    def setUp(self):
        super().setUp()
        self.deferred = set(self.send_many("a@example.com", 12) + self.send_many("b@good.test", 3))
        self.held = set(self.send_many("c@held.test", 2))
        self.postfix.settled(17)
        self.postfix.postsuper("-h", "-", ids=self.held)

    def ask(self, answer):
        terminal = Terminal(self.pq.words("purge", "--all", "--queue", "deferred"))
        terminal.read_until("?")
        self.assertIn("15", terminal.text)
        return terminal.answer(answer), terminal.text

    def test_yes_is_no_answer(self):
        for answer in ("y", "yes", "", "14", "150"):
            self.ask(answer)
            self.assertEqual(self.postfix.ids(), self.deferred | self.held)

    def test_the_number(self):
        status, text = self.ask("15")
        self.assertEqual(status, 0, text)
        self.assertEqual(self.postfix.ids(), self.held)

    def test_without_a_terminal(self):
        self.assertEqual(self.pq.idx("purge", "--all", "--queue", "deferred").status, 1)
        self.assertEqual(self.postfix.ids(), self.deferred | self.held)
        self.assert_purged(self.deferred, "--all", "--queue", "deferred")


@both_ids_at_length
class Combined(RigCase):
    """Selectors together: different kinds narrow, two of a kind are alternatives."""

    def corpus(self):
        self.send("a@example.com", "x@d1.test", ADDR="192.0.2.7", LOGIN="joe")
        self.send("a@example.com", "x@d2.test", ADDR="192.0.2.200", LOGIN="joe")
        self.send("a@example.com", ["x@d1.test", "y@d2.test"], ADDR="192.0.2.9", LOGIN="anna")
        self.send("b@good.test", "x@d1.test", text=content("a@example.com", body=("z" * 76 + "\n") * 500),
                  ADDR="192.0.2.7", LOGIN="joe")
        self.send("c9@flood.test", "x@d1.test", ADDR="IPV6:2001:db8::7")
        self.send("c10@flood.test", "x@d1.test", ADDR="IPV6:2001:db8:1::7")
        self.postfix.settled(6)
        return self.postfix.read()

    def test_together(self):
        files = self.corpus()

        def ids(condition):
            found = {i for i, file in files.items() if condition(file)}
            self.assertTrue(0 < len(found) < len(files))
            return found

        def client(file):
            return file.attributes["client_address"]

        def login(file):
            return file.attributes.get("sasl_username")

        self.assert_selects(ids(lambda f: login(f) == "joe" and client(f).startswith("192.0.2.") and
                                int(client(f).rpartition(".")[2]) < 128), "--login", "joe", "--client", "192.0.2.0/25")
        self.assert_selects(ids(lambda f: BAD in f.author_domains and f.size > 20000), BAD, "--larger", "20k")
        self.assert_selects(ids(lambda f: client(f) == "2001:db8::7" or client(f) == "192.0.2.9"),
                            "--client", "2001:db8::/48", "--client=192.0.2.9")
        self.assert_selects(ids(lambda f: f.sender == "c10@flood.test"), "/^c[0-9]+@flood/", "--client", "2001:db8:1::/48")
        self.assert_selects(ids(lambda f: BAD in f.author_domains and login(f) == "anna"),
                            BAD, "--recipient", "d2.test", "--login", "anna", "--newer", "1h")
        self.assert_selects(set(), BAD, "--older", "1h")
        message_ids = {f.message["message-id"].strip(): i for i, f in files.items()}
        some = sorted(message_ids)[:2]
        self.assert_selects({message_ids[m] for m in some}, "--message-id", some[0], "--message-id", some[1])
        self.assert_selects(ids(lambda f: f.sender == "a@example.com" and login(f) == "joe"),
                            *(word for i in sorted(files)[:6] for word in ("--id", i)), "--sender", BAD, "--login", "joe")

    def test_dirty_ids(self):
        files = self.corpus()
        some = sorted(files)[:3]
        unknown = "4dFVrw0000z1"
        text = f"  {some[0]}\r\n{some[1]}*\n\n\t{some[2]}!  \n{some[0]}\n{unknown}\nnot an id\n../../etc/passwd\nä\n"
        result = self.pq.idx("purge", "-n", "--json", "--id", "-", input=text)
        self.assertEqual(result.status, 2, result)
        self.assertEqual(result.with_result("would-delete"), set(some))
        self.assertEqual(result.messages[unknown]["result"], "gone")
        for line in (7, 8, 9):
            self.assertRegex(result.err, rf"line {line}\b", result)
        self.assertNotRegex(result.err, r"line [1-6]\b", result)


class Speech(RigCase):
    """Every error says what failed, on what, why, and what to do; every screen fits."""

    def test_help_of_each_verb(self):
        whole = subprocess.run([COMMAND, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
        verbs = re.findall(r"^  ([a-z]+) +\S", whole.partition("Verbs:")[2].partition("\n\n")[0], re.M)
        self.assertIn("top", verbs)
        self.assertNotIn("complete", verbs)
        for verb in verbs:
            text = subprocess.run([COMMAND, verb, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
            self.assertIn(f"usage: pqpurge-idx {verb}", text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_screens_fit(self):
        self.send("a@" + "very-long-label." * 10 + "example.com", "u@" + "other-long-label." * 10 + "test",
                  text=content('"\x1b[31mRed" <x@evil.test>', extra="Subject: \x1b]0;title\x07\n"))
        self.send("a@example.com")
        self.postfix.settled(2)
        for columns in ("80", "200"):
            for words in (("top",), ("why",), ("list",), ("log",), ("top", "--by", "recipient"), ("purge", "-n", "--all")):
                with self.subTest(columns=columns, words=words):
                    text = self.on_terminal(columns, *words)
                    self.assertNotIn("\x1b]", text)
                    self.assertNotIn("\x07", text)
                    for line in re.sub(r"\x1b\[[0-9;]*m|\r", "", text).splitlines():
                        line = line.rpartition("\x1b[K")[2]  # after the line of progress
                        self.assertLessEqual(len(line), int(columns), line)

    def on_terminal(self, columns, *words):
        terminal = Terminal(["/usr/bin/env", f"COLUMNS={columns}", "TERM=xterm", "NO_COLOR=", *self.pq.words(*words)])
        terminal.read_until(None)
        os.waitpid(terminal.pid, 0)
        return terminal.text

    def test_no_color(self):
        self.send("a@example.com")
        self.postfix.settled(1)
        self.assertIn("\x1b[", self.on_terminal("80", "top"))
        plain = Terminal(["/usr/bin/env", "TERM=xterm", "NO_COLOR=1", *self.pq.words("top")])
        self.assertNotRegex(plain.read_until(None), r"\x1b\[[0-9;]*m")
        os.waitpid(plain.pid, 0)

    def test_watch_draws_again(self):
        self.send("a@example.com")
        self.postfix.settled(1)
        terminal = Terminal(["/usr/bin/env", "TERM=xterm", *self.pq.words("top", "--watch")])
        terminal.read_until("example.com")
        self.send_many("b@late.test", 3)
        terminal.read_until("late.test")
        self.assertRegex(terminal.text, r"\+\d+\.\d/s")
        heads = re.findall(r"^.*messages? .* in \d+ groups?, .*$", terminal.text.replace("\r", ""), re.M)
        self.assertTrue(heads)
        # Some of the 80 columns are left for larger numbers.
        self.assertLessEqual(max(len(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", head)) for head in heads), 66, heads)
        os.write(terminal.master, b"\x03")
        terminal.read_until(None)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]), 0)
        self.assertEqual(self.pq.idx("top", "--watch").status, 1)

    def test_the_question_shows_samples(self):
        self.send("a@example.com", ["u@d1.test", "v@d2.test"], text=content("boss@example.com", extra=""))
        self.send_many("a@example.com", 4)
        self.send("x@good.test", text=content("y@example.com"))
        self.postfix.settled(6)
        terminal = Terminal(self.pq.words("purge", BAD))
        terminal.read_until("?")
        terminal.answer("n")
        self.assertRegex(terminal.text, r"by envelope +5\b")
        self.assertRegex(terminal.text, r"by From only +1\b")
        self.assertEqual(len(re.findall(r"^  From: ", terminal.text.replace("\r", ""), re.M)), 3, terminal.text)
        self.assertIn("u@d1.test", terminal.text)

    def test_completion(self):
        self.send("a@example.com")
        self.send("a@sub.example.org")
        self.send("a@good.test")
        self.postfix.settled(3)
        self.pq.idx("block", "spam.test")
        self.assertEqual(set(self.pq.idx("complete", "domains").out.split()) & {BAD, "sub.example.org", "good.test"},
                         {BAD, "sub.example.org", "good.test"})
        self.assertEqual(self.pq.idx("complete", "domains", "exam").out.split(), [BAD])
        self.assertEqual(self.pq.idx("complete", "rules").out.split(), ["spam.test"])
        self.assertEqual(self.bash("pqpurge-idx unblock sp"), ["spam.test"])
        self.assertEqual(self.bash("pqpurge-idx hold exa"), [BAD])
        self.assertEqual(self.bash("pqpurge-idx to"), ["top"])
        self.assertIn("--save", self.bash("pqpurge-idx purge --sa"))
        self.assertEqual(self.bash("pqpurge-idx top --by=cl"), ["client"])
        self.assertEqual(self.bash("pqpurge-idx hold --queue def"), ["deferred"])

    def bash(self, line):
        """Bash's offers for the last word of line."""
        script = os.path.join(TOP, "conf/completion/pqpurge-idx.bash")
        program = f"""
            source {script}
            COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
            COMP_LINE={json.dumps(line)}; COMP_POINT=${{#COMP_LINE}}
            read -ra raw <<< "${{COMP_LINE//=/ = }}"; COMP_WORDS=("${{raw[@]}}")
            COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
            _pqpurge_idx
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        environment = {**os.environ, "PQPURGE_CONF": self.pq.conf, "PATH": os.path.dirname(COMMAND) + ":" + os.environ["PATH"]}
        done = subprocess.run(["bash", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment, check=True)
        return done.stdout.split()
