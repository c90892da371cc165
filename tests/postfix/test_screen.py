# SPDX-License-Identifier: ISC
"""`screen` in a real terminal, key by key: it shows the true state, and acts as the verbs do."""
import os
import pwd
import re
import signal
import subprocess

from case import BAD, RigCase
from door import MEMBER, OPERATORS, STRANGER, Door, identity, verb
from pane import Pane
from process import descendants, is_stopped
from pqpurge import preload
from rig import until
from smtp import content

KEYS = "Enter open"  # in the last line, for groups


class ScreenCase(RigCase):
    """Three of example.com to d1 by joe (who writes his name in two ways), one of good.test to d2, each from its own client."""

    columns, rows = 80, 24
    environment = {}

    def setUp(self):
        super().setUp()
        self.bad = [self.send("a@example.com", "u@d1.test", content("boss@brand.test"), ADDR="192.0.2.7", LOGIN=login)
                    for login in ("joe", "JOE", "joe")]
        self.good = self.send("b@good.test", "v@d2.test", content("b@good.test"), ADDR="192.0.2.8", LOGIN="anna")
        self.postfix.settled(4)
        self.pane = self.open_pane()

    def open_pane(self):
        pane = Pane(self.postfix, self.columns, self.rows, **self.environment)
        self.addCleanup(pane.close)
        return pane

    def start(self, *shown, options=()):
        self.pane.run(self.pq.words("screen", *options))
        return self.pane.shows(KEYS, *(shown or (BAD, "caught up")))

    def stopped(self):
        return [pid for pid in descendants(self.pane.pid) if is_stopped(pid)]

    def start_with_a_catchup_that_stops(self):
        """Everything that needs the queue waits until go_on()."""
        for name, value in preload("stop", PQPURGE_STOP_USER=str(pwd.getpwnam("postfix").pw_uid)).items():
            self.pane.type(f"export {name}={value}")
            self.pane.keys("Enter")
        self.start()
        until(self.stopped, "the reader of a catch-up to be stopped")

    def go_on(self):
        for pid in self.stopped():
            os.kill(pid, signal.SIGCONT)

    def groups(self, text=None):
        """{name: count} on the screen."""
        found = {}
        for line in (text or self.pane.text()).splitlines()[3:]:
            words = re.match(r"(\S+) +(\d+) +[0-9.]+%", line)
            if words:
                found[words[1]] = int(words[2])
        return found

    def shows_groups(self, wanted):
        self.pane.until(lambda text: self.groups(text) == wanted, f"the groups {wanted}")

    def asks(self, *parts):
        """Waits for these texts and a question in the last line: earlier ones may still be visible above it."""
        def holds(text):
            return text.rstrip().endswith("[y/N]") and all(part in text.replace("\n", "") for part in parts)
        self.pane.until(holds, f"a question after {parts}")


class Groups(ScreenCase):
    def test_each_way(self):
        self.start()
        for key, wanted in (("f", {"brand.test": 3, "good.test": 1}), ("r", {"d1.test": 3, "d2.test": 1}), ("l", {"joe": 3, "anna": 1}),
                            ("c", {"192.0.2.7": 3, "192.0.2.8": 1}), ("d", {BAD: 3, "good.test": 1})):
            self.pane.keys(key)
            self.shows_groups(wanted)

    def test_changes_are_seen(self):
        """Arrivals and departures show without a key."""
        text = self.start()
        self.assertIn("4 messages", text)
        more = self.send("c@third.test", "u@d1.test")
        self.shows_groups({BAD: 3, "good.test": 1, "third.test": 1})
        self.postfix.settled(5)
        self.postfix.postsuper("-d", "-", ids=[more, self.good])
        self.shows_groups({BAD: 3})  # at the next catch-up

    def test_counts_are_top_s(self):
        """A larger queue, partly missing from the index."""
        self.queue_many("x@many.test", 300)
        self.pq.stop()
        self.send("y@past.test", "u@d1.test")
        self.pq.start()
        self.start("many.test")
        for key, by in ("d", "sender"), ("r", "recipient"), ("c", "client"):
            self.pane.keys(key)
            top = {line["group"] or "(local)": line["count"] for line in self.pq.idx("top", "--json", "--by", by).lines}
            self.shows_groups(top)

    def test_filter(self):
        self.start()
        self.pane.keys("/")
        self.pane.shows("Esc: all")
        self.pane.type("GOOD")
        self.pane.shows("/GOOD")
        self.pane.keys("Enter")
        self.shows_groups({"good.test": 1})
        self.pane.shows("only names with 'GOOD'")
        self.pane.keys("Escape")
        self.shows_groups({BAD: 3, "good.test": 1})

    def test_filter_is_no_command(self):
        """q, p and h are text there; Esc ends it."""
        self.start()
        self.pane.keys("/")
        self.pane.type("qph")
        self.pane.shows("/qph")
        self.pane.keys("Escape")
        self.shows_groups({BAD: 3, "good.test": 1})
        self.assertEqual(self.postfix.ids(), {*self.bad, self.good})

    def test_keys(self):
        self.start()
        self.pane.keys("?")
        self.pane.shows("Groups", "by the domain of the envelope sender")
        self.pane.keys("p")  # no effect there
        self.pane.keys("Escape")
        self.pane.shows(KEYS, BAD)

    def test_quit(self):
        self.start()
        self.pane.keys("q")
        self.pane.until(lambda text: KEYS not in text and "ready$" in text, "the shell")

    def test_repaint(self):
        self.start()
        with open(self.pane.told("pane_tty"), "w", encoding="ascii") as terminal:
            terminal.write("\033[Hrubbish" * 20)
        self.pane.shows("rubbish")
        self.pane.keys("C-l")
        self.pane.until(lambda text: "rubbish" not in text and BAD in text, "what was there")


class Lists(ScreenCase):
    """Moving in lists that are longer than the terminal."""

    def setUp(self):
        super().setUp()
        for n in range(40):
            self.send(f"a@n{n:02}.test", "u@d1.test")
        self.postfix.settled(44)

    def first(self):
        return self.pane.text().splitlines()[3].split()[0]

    def test_moving(self):
        self.start()
        for key, wanted in (("NPage", "good.test"), ("End", "n20.test"), ("Up", "n20.test"), ("PPage", "n18.test"), ("Home", BAD),
                            ("Space", "good.test"), ("k", "good.test"), ("j", "good.test")):
            self.pane.keys(key)
            self.pane.until(lambda _, wanted=wanted: self.first() == wanted, f"{wanted} on top after {key}")


class Messages(ScreenCase):
    def test_open_and_back(self):
        self.start()
        self.pane.keys("Enter")
        text = self.pane.shows("SENDER", *self.bad)
        self.assertNotIn(self.good, text)
        self.assertIn("deferred", text)
        self.assertIn("3 messages", text)
        self.pane.keys("Enter")
        self.pane.shows("proof", "same", "boss@brand.test")
        self.pane.keys("Escape")
        self.pane.shows("SENDER", *self.bad)
        self.pane.keys("Left")
        self.pane.shows(KEYS)

    def test_right_opens(self):
        self.start()
        self.pane.keys("Down", "Right")
        text = self.pane.shows("SENDER", self.good)
        self.assertNotIn(self.bad[0], text)

    def test_why(self):
        self.start()
        self.pane.keys("w")
        text = self.pane.shows("deferred recipients", "deferred transport")
        self.assertRegex(text, r"\n +3 +deferred transport")
        self.pane.keys("Escape")
        self.pane.shows(KEYS)

    def test_left_while_it_loads(self):
        """Messages loaded for one group are not shown for the next, which no option names."""
        self.send("c@good.test")  # without a login
        self.start_with_a_catchup_that_stops()
        self.pane.keys("l")
        self.shows_groups({"joe": 3, "anna": 1, "(none)": 1})
        self.pane.keys("Enter")
        self.pane.shows("SENDER")  # the list waits for the catch-up
        self.pane.keys("Escape")
        self.pane.shows(KEYS)
        names = list(self.groups())
        self.assertNotEqual(names[0], "(none)")
        self.pane.keys(*["Down"] * names.index("(none)"), "Enter")
        self.pane.shows("No option can name exactly this")

        def is_alone():
            self.go_on()
            return len(descendants(self.pane.pid)) <= 3
        until(is_alone, "nobody but tmux, the shell and the screen")
        self.pane.keys("?")
        self.pane.shows("Moving")
        self.pane.keys("Escape")
        text = self.pane.until(lambda text: "SENDER" in text, "the messages again")
        for name in (*self.bad, self.good):
            self.assertNotIn(name, text)

    def test_left_messages_go(self):
        """A message that left is gone at the next catch-up."""
        self.start()
        self.pane.keys("Enter")
        self.pane.shows("SENDER", *self.bad)
        self.postfix.postsuper("-d", self.bad[1])
        self.pane.until(lambda text: self.bad[1] not in text and self.bad[0] in text, "one less")


class Acts(ScreenCase):
    """The verb gets the terminal: it shows and asks."""

    def answer(self, line):
        self.pane.type(line)
        self.pane.keys("Enter")

    def leave_verb(self):
        self.pane.until(lambda text: text.rstrip().endswith("Enter: back to the screen."), "the end of the verb")
        self.pane.keys("Enter")

    def back(self):
        self.leave_verb()
        self.pane.until(lambda text: "back to the screen" not in text and KEYS in text, "the screen")

    def test_hold_and_undo(self):
        self.start()
        self.pane.keys("h")
        self.asks(f"hold --sender={BAD}", "3 messages to hold", "Hold these 3 messages? [y/N]")
        self.assertEqual(self.held(), set(), "not before the answer")
        self.answer("y")
        self.pane.shows("Held 3 messages")
        self.assertEqual(self.held(), set(self.bad))
        self.back()
        self.pane.keys("u")
        self.asks("undo 1", "Release these 3 messages? [y/N]")
        self.assertEqual(self.held(), set(self.bad))
        self.answer("y")
        self.pane.shows("Released 3 messages")
        self.assertEqual(self.held(), set())
        self.back()
        self.pane.keys("u")  # now the last batch is that of the undo
        self.pane.shows("The last batch, 2, is 'undo'")
        self.assertEqual([line["verb"] for line in self.log()], ["hold", "undo"])

    def log(self):
        return self.pq.idx("log", "--json").lines

    def test_purge(self):
        self.start()
        self.pane.keys("p")
        self.asks("3 messages to delete", "Delete these 3 messages? [y/N]")
        self.assertEqual(self.postfix.ids(), {*self.bad, self.good})
        self.answer("y")
        self.pane.shows("Deleted 3 messages")
        self.assertEqual(self.postfix.ids(), {self.good})
        self.back()
        self.shows_groups({"good.test": 1})
        self.pane.keys("u")
        self.pane.shows("only a hold can be undone")

    def test_undo_of_what_stands(self):
        """An order with nothing to release ends after a yes, and not before."""
        for number, words in enumerate((("purge", "none.test"), ("hold", "--sender", "none.test")), 1):
            self.assertEqual(self.pq.idx(*words, "-y", "--for", "10m").status, 0)
            self.assertEqual(self.log()[-1]["state"], "standing")
            if number == 1:
                self.start()
            for answer, state in ("n", "standing"), ("y", "done"):
                self.pane.keys("u")
                self.asks(f"Order {number} of root", "End this order? [y/N]")
                self.assertEqual(self.states()[number], "standing")
                self.answer(answer)
                self.back()
                self.assertEqual(self.states()[number], state)

    def states(self):
        return {line["batch"]: line["state"] for line in self.log()}

    def test_no(self):
        self.start()
        for key, question in ("p", "Delete these 3 messages?"), ("h", "Hold these 3 messages?"), ("b", "Block this?"):
            self.pane.keys(key)
            self.asks(question)
            self.answer("n")
            self.back()
        self.assertEqual(self.postfix.ids(), {*self.bad, self.good})
        self.assertEqual(self.held(), set())
        self.assertEqual(self.pq.idx("rules", "--json").lines, [])
        self.assertEqual(self.log(), [])

    def test_typed_ahead(self):
        """Text typed before the question does not answer it."""
        self.start_with_a_catchup_that_stops()
        self.pane.keys("p")
        self.pane.shows(f"purge --sender={BAD}")
        self.answer("y")
        # Progress may overwrite its echo.
        until(lambda: self.pane.unread() == len("y\n"), "the terminal to have what was typed")

        def asks(text):
            self.go_on()
            return text.rstrip().endswith("[y/N]")
        self.pane.until(asks, "the question without an answer")
        self.answer("n")
        self.back()
        self.assertEqual(self.postfix.ids(), {*self.bad, self.good})
        self.assertEqual(self.log(), [])

    def test_interrupted_at_the_question(self):
        """^C ends the verb, not the screen."""
        self.start()
        self.pane.keys("p")
        self.asks("Delete these 3 messages?")
        self.pane.keys("C-c")
        self.pane.shows("othing was touched")
        self.back()
        self.shows_groups({BAD: 3, "good.test": 1})
        self.assertEqual(self.postfix.ids(), {*self.bad, self.good})

    def test_block(self):
        self.start()
        self.pane.keys("b")
        self.asks(f"Would set {BAD} REJECT", "Block this? [y/N]")
        self.assertEqual(self.pq.idx("rules", "--json").lines, [])
        self.answer("y")
        self.pane.shows(f"{BAD}: REJECT")
        (rule,) = self.pq.idx("rules", "--json").lines
        self.assertEqual((rule["pattern"], rule["action"]), (BAD, "REJECT"))
        self.back()

    def test_block_login(self):
        self.start()
        self.pane.keys("l")
        self.shows_groups({"joe": 3, "anna": 1})
        self.pane.keys("b")
        self.asks("Would set login:joe REJECT", "Block this? [y/N]")
        self.answer("y")
        self.pane.shows("login:joe: REJECT")
        self.back()

    def test_dry_run(self):
        self.start(options=["-n"])
        for key, shown in ("p", "3 messages to delete"), ("h", "3 messages to hold"), ("b", f"Would set {BAD} REJECT"):
            self.pane.keys(key)
            self.pane.until(lambda text, shown=shown: shown in text.replace("\n", ""), shown)
            self.pane.until(lambda text: text.rstrip().endswith(("[y/N]", "screen.")), "the end of the verb")
            self.assertNotIn("[y/N]", self.pane.text())
            self.back()
        self.assertEqual((self.postfix.ids(), self.held()), ({*self.bad, self.good}, set()))
        self.assertEqual((self.log(), self.pq.idx("rules", "--json").lines), ([], []))

    def test_block_recipient_is_refused(self):
        self.start()
        self.pane.keys("r")
        self.shows_groups({"d1.test": 3, "d2.test": 1})
        self.pane.keys("b")
        self.pane.shows("not by its recipient")
        self.assertEqual(self.pq.idx("rules", "--json").lines, [])

    def test_one_message(self):
        self.start()
        self.pane.keys("Enter")
        self.pane.shows("SENDER", *self.bad)
        self.pane.keys("Down")
        self.pane.keys("h")
        self.asks(f"hold --id={self.bad[1]}", "Hold this 1 message? [y/N]")
        self.answer("y")
        self.pane.shows("Held 1 message")
        self.assertEqual(self.held(), {self.bad[1]})
        self.pane.shows("Enter: back to the screen")
        self.pane.keys("Enter")
        self.pane.shows("SENDER", *self.bad)
        self.pane.keys("p")
        self.asks(f"purge --id={self.bad[1]}", "Delete this 1 message?")
        self.answer("y")
        self.pane.shows("Deleted 1 message")
        self.assertEqual(self.postfix.ids(), {self.bad[0], self.bad[2], self.good})

    def test_open_text_is_read_anew(self):
        """What stands open is not the state from before the verb."""
        self.start()
        self.pane.keys("Enter")
        self.pane.shows("SENDER", *self.bad)
        self.pane.keys("Enter")
        self.pane.until(lambda text: re.search(r"queue name +deferred", text), "the message")
        self.pane.keys("h")
        self.asks(f"hold --id={self.bad[0]}", "Hold this 1 message? [y/N]")
        self.answer("y")
        self.leave_verb()
        self.pane.until(lambda text: re.search(r"queue name +hold", text), "the message in hold")
        self.pane.keys("p")
        self.asks(f"purge --id={self.bad[0]}", "Delete this 1 message?")
        self.answer("y")
        self.leave_verb()
        self.pane.until(lambda text: re.search(r"proof +gone", text), "no message")

    def test_client(self):
        self.start()
        self.pane.keys("c")
        self.shows_groups({"192.0.2.7": 3, "192.0.2.8": 1})
        self.pane.keys("Down")
        self.pane.keys("p")
        self.asks("purge --client=192.0.2.8", "Delete this 1 message?")
        self.answer("y")
        self.pane.shows("Deleted 1 message")
        self.assertEqual(self.postfix.ids(), set(self.bad))


class Nameless(RigCase):
    """Groups that no option names are not acted on."""

    def test_refused(self):
        self.send("a@example.com", LOGIN="/.*/")
        self.send("a@example.com", LOGIN="@good.test")
        self.send("a@example.com")
        self.postfix.settled(3)
        pane = Pane(self.postfix)
        self.addCleanup(pane.close)
        pane.run(self.pq.words("screen"))
        pane.shows(BAD, "caught up")
        pane.keys("l")
        pane.shows("/.*/", "@good.test", "(none)")
        for _ in range(3):
            for key in "h", "p", "b", "w":
                pane.keys(key)
                pane.shows("No option can name exactly this.")
                pane.keys("Escape")
                pane.until(lambda text: "No option" not in text and KEYS in text, "the groups")
            pane.keys("Down")
        self.assertEqual(len(self.postfix.ids()), 3)
        self.assertEqual(self.pq.idx("rules", "--json").lines, [])


class WithoutTheDaemon(ScreenCase):
    def test_top_counts(self):
        self.pq.stop()
        self.start(BAD, "counted by top", "no daemon is running")
        self.shows_groups({BAD: 3, "good.test": 1})
        self.pane.keys("r")
        self.shows_groups({"d1.test": 3, "d2.test": 1})
        self.pq.start()
        self.pane.until(lambda text: "caught up" in text and "no daemon" not in text, "the daemon's counts")
        self.pq.kill9()
        self.pane.shows("counted by top", "no daemon is running")

    def test_filter(self):
        self.pq.stop()
        self.start(BAD, "counted by top")
        self.pane.keys("/")
        self.pane.type("good")
        self.pane.keys("Enter")
        self.shows_groups({"good.test": 1})


class Members(ScreenCase):
    """A user who is not root looks and acts through the order door, within operator_allow."""

    settings = {"operator_group": OPERATORS, "operator_allow": "top list hold log undo"}
    prefix = ("/usr/bin/setpriv", f"--reuid={MEMBER}", f"--regid={MEMBER}", f"--groups={OPERATORS}")

    def setUp(self):
        super().setUp()
        self.door = Door(self.pq).open()
        self.addCleanup(self.door.close)

    def test_member(self):
        self.pane.run([*self.prefix, *self.pq.words("screen")])
        self.pane.shows(KEYS, BAD, "counted by top")
        self.shows_groups({BAD: 3, "good.test": 1})
        self.pane.keys("h")
        self.asks("3 messages to hold", "Hold what was shown? [y/N]")
        self.pane.type("y")
        self.pane.keys("Enter")
        self.pane.shows("Enter: back to the screen")
        self.assertEqual(self.held(), set(self.bad))
        self.assertEqual(self.pq.idx("log", "--json").lines[-1]["user"], MEMBER)
        self.pane.keys("Enter")
        self.pane.shows(KEYS)
        self.pane.keys("p")  # not allowed
        self.pane.shows("may not purge", "Enter: back to the screen")
        self.assertEqual(self.postfix.ids(), {*self.bad, self.good})

    def test_others_are_refused(self):
        """Before the terminal is touched."""
        result = subprocess.run(self.pq.words("screen"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                check=False, **identity(STRANGER))
        self.assertEqual(result.returncode, 1, result)
        self.assertNotIn("\033", result.stdout)
        self.assertTrue(result.stderr)

    def test_the_door_does_not_run_it(self):
        self.assertIn("only root may use", self.door.send("operator", verb("screen"), MEMBER, [OPERATORS]).words)
