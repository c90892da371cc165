# SPDX-License-Identifier: ISC
"""`top`: the present queue, grouped in each way, and recent arrivals."""
import os
import subprocess

from case import BAD, RigCase
from pqpurge import BUILD
from smtp import content
from terminal import Terminal


class Top(RigCase):
    def groups(self, *args, status=0):
        result = self.pq.idx("top", "--json", *args)
        self.assertEqual(result.status, status, f"top {args}: {result}")
        return {line["group"]: line["count"] for line in result.lines}

    def test_each_way(self):
        for n in range(3):
            self.send("a@example.com", ["x@d1.test", "y@d2.test"], text=content("boss@example.com"), ADDR="192.0.2.7",
                      LOGIN="joe")
        self.send("", "x@d1.test", text=content("b@good.test"), ADDR="IPV6:2001:db8::7")
        self.send("b@Good.TEST", "x@d1.test", text="Subject: none\n\n", ADDR="192.0.2.9", LOGIN="evil+1B[31m")
        self.postfix.sendmail("c@local.test", ["x@d2.test"], content("c@local.test"))
        self.postfix.settled(6)
        self.assertEqual(self.groups(), {BAD: 3, "<>": 1, "good.test": 1, "local.test": 1})
        self.assertEqual(self.groups("--by", "from"), {BAD: 3, "good.test": 2, "local.test": 1})
        self.assertEqual(self.groups("--by=recipient"), {"d1.test": 5, "d2.test": 4})
        # Postfix itself has removed the control character.
        self.assertEqual(self.groups("--by", "login"), {"joe": 3, "evil?[31m": 1, "": 2})
        self.assertEqual(self.groups("--by", "client"), {"192.0.2.7": 3, "2001:db8::7": 1, "192.0.2.9": 1, "": 1})
        self.assertEqual(self.groups("--by", "client", "--login", "joe"), {"192.0.2.7": 3})

    def test_logins_as_they_are_compared(self):
        """By login_case: what --login takes together is counted together."""
        for login in "joe", "Joe", "JIM":
            self.send("a@example.com", LOGIN=login)
        self.postfix.settled(3)
        self.assertEqual(self.groups("--by", "login"), {"joe": 2, "jim": 1})
        self.assertEqual(len(self.pq.listed("--login", "joe")), 2)
        self.pq.stop()
        self.pq.settings["login_case"] = "exact"
        self.pq.write_conf()
        self.pq.start()
        self.assertEqual(self.groups("--by", "login"), {"joe": 1, "Joe": 1, "JIM": 1})
        self.assertEqual(len(self.pq.listed("--login", "joe")), 1)

    def test_only_what_is_in_the_queue(self):
        ours = self.send_many("a@example.com", 3)
        self.send("b@good.test")
        self.postfix.settled(4)
        self.postfix.postsuper("-d", "-", ids=ours[:2])
        self.assertEqual(self.groups(), {BAD: 1, "good.test": 1})
        self.postfix.postsuper("-d", "ALL")
        self.assertEqual(self.groups(), {})

    def test_lately(self):
        """Two hundred from an hour ago, three from now."""
        self.pq.kill9()
        subprocess.run([os.path.join(BUILD, "tools/make_queue"), self.postfix.spool, "postfix", self.pq.index, "200", "2",
                        "old.test"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["chown", "-R", "nobody", self.pq.index], check=True)
        self.pq.start()
        self.send_many("a@example.com", 3)
        self.assertEqual(self.groups("--since", "10m"), {BAD: 3})
        self.assertEqual(self.groups("--since", "2h", BAD, "old.test"), {BAD: 3, "old.test": 100})
        self.assertEqual(self.groups("--older", "10m", "old.test"), {"old.test": 100})
        (old,) = self.pq.idx("top", "--json", "old.test").lines
        self.assertEqual(old["ages"], [0, 0, 0, 0, 100, 0, 0, 0, 0, 0], "up to 80 minutes")
        self.assertEqual(old["share"], 1)

    def test_a_pipe_gets_plain_columns(self):
        self.send_many("a@example.com", 3)
        self.send("b@good.test")
        self.postfix.settled(4)
        result = self.pq.idx("top")
        rows = [line.split("\t") for line in result.out.splitlines()]
        self.assertEqual([row[:3] for row in rows], [[BAD, "3", "75.0%"], ["good.test", "1", "25.0%"]])
        self.assertEqual([len(row) for row in rows], [16, 16])
        self.assertEqual([row[6:] for row in rows], [["3"] + ["0"] * 9, ["1"] + ["0"] * 9])
        files = self.postfix.read()
        self.assertEqual(rows[0][3], str(sum(file.size for file in files.values() if file.sender == "a@example.com")))
        self.assertEqual(result.err, "")

    def test_on_a_terminal(self):
        """A table has the 20 largest groups. JSON has all, as everywhere."""
        with self.postfix.smtp() as client:
            for n in range(21):
                client.message(f"a@d{n}.test", "u@dest.test", content())
        self.postfix.settled(21)
        for words, want, count in (("", "1 more group", 1), ("--json", '{"group":', 21)):
            terminal = Terminal(self.pq.words("top", *words.split()))
            self.assertEqual((terminal.answer(""), terminal.text.count(want)), (0, count), terminal.text)

    def test_what_the_index_does_not_know(self):
        self.pq.stop()
        self.send("a@example.com")
        self.postfix.settled(1)
        self.assertEqual(self.groups(), {BAD: 1})
