# SPDX-License-Identifier: ISC
"""`why`: the reasons for which mail waits, from its defer logs, for any amount of mail."""
import collections
import os
import re
import shutil
import subprocess
import sys
import time

from case import BAD, RigCase
from pqpurge import BUILD
from rig import until
from test_emergency import restrictions

# Runs a command and prints on stderr the memory of its largest process, in KiB.
MEASURED = [sys.executable, "-c", "import resource, subprocess, sys\n"
            "status = subprocess.run(sys.argv[1:]).returncode\n"
            "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
            "sys.exit(status)"]


class WhyCase(RigCase):
    main = restrictions(3)

    def why(self, *args, status=0, **options):
        result = self.pq.idx("why", "--json", *args, **options)
        self.assertEqual(result.status, status, f"why {args}: {result}")
        return result

    def defer_log(self, queue_id):
        found = [os.path.join(directory, queue_id) for directory, _, names
                 in os.walk(os.path.join(self.postfix.spool, "defer")) if queue_id in names]
        self.assertEqual(len(found), 1)
        return found[0]

    def reasons(self):
        """The reasons in postqueue -j, one for each recipient that has one."""
        return [r["delay_reason"] for e in self.postfix.queue() for r in e["recipients"] if "delay_reason" in r]

    def logged(self, count):
        """qmgr reports the reason before the message is back in deferred, but a log may follow a moment later."""
        until(lambda: len(self.reasons()) == count, f"{count} reasons")


class Sources(WhyCase):
    def test_both_agree(self):
        self.send_many("a@example.com", 5, ["u@d0.test", "v@d1.test", "w@d2.test"])
        self.send_many("b@good.test", 4, ["u@d0.test"])
        self.postfix.settled(9)
        self.logged(19)
        whole, matches = self.groups(), self.groups("--client", "127.0.0.1")
        self.assertEqual(whole, matches)
        # A FILTER covers the whole message, so its recipients share a reason.
        self.assertEqual([(g["recipients"], g["messages"]) for g in whole], [(15, 5), (4, 4)])
        self.assertEqual([d["recipients"] for d in whole[0]["domains"]], [5, 5, 5])

    def groups(self, *args):
        """The groups without their examples, which depend on the order."""
        result = self.why(*args)
        self.assertEqual((result.summary["messages"], result.summary["recipients"], result.summary["unread"]), (9, 19, 0))
        return [{key: value for key, value in line.items() if key != "example"} for line in result.lines[:-1]]

    def test_what_the_index_does_not_know(self):
        self.pq.stop()
        self.send_many("a@example.com", 3, "u@d0.test")
        self.postfix.settled(3)
        self.logged(3)
        self.assertEqual(self.why().summary["recipients"], 3)
        self.assertEqual(self.why("--all", "--queue", "deferred").summary["recipients"], 3)
        self.assertEqual(self.why(BAD).summary["recipients"], 3)
        shutil.rmtree(self.pq.index)
        self.assertEqual(self.why().summary["recipients"], 3)
        self.assertEqual(self.why(BAD).summary["recipients"], 3)

    def test_what_only_the_queue_file_knows_narrows_both(self):
        held = self.send("a@example.com", "u@d0.test")
        self.send_many("a@example.com", 2, "u@d1.test")
        self.postfix.settled(3)
        self.logged(3)
        self.postfix.postsuper("-h", "-", ids=[held])
        for pattern in ((), (BAD,)):
            self.assertEqual(self.why("--queue", "hold", *pattern).summary["messages"], 1)
            self.assertEqual(self.why("--queue", "deferred", *pattern).summary["messages"], 2)
            self.assertEqual(self.why("--larger", "1M", *pattern).summary["messages"], 0)
            self.assertEqual(self.why("--older", "1h", *pattern).summary["messages"], 0)
            self.assertEqual(self.why("--newer", "1h", *pattern).summary["messages"], 3)

    def test_without_a_reason(self):
        self.send("a@example.com", "u@d0.test")
        self.postfix.settled(1)
        self.logged(1)
        os.unlink(self.defer_log(*self.postfix.ids()))
        for args in ((), (BAD,)):
            summary = self.why(*args).summary
            self.assertEqual((summary["messages"], summary["recipients"], summary["without_reason"]), (1, 0, 1))


class Patience(WhyCase):
    main = restrictions(3) + ("queue_run_delay = 7m\nminimal_backoff_time = 11m\nmaximal_backoff_time = 2h\n"
                              "maximal_queue_lifetime = 3d\nbounce_queue_lifetime = 36h\n")

    def test_of_this_instance(self):
        for wanted in range(1, 3):
            self.send("a@example.com", "u@d0.test")
            self.postfix.settled(wanted)
        self.logged(2)
        files = self.postfix.read()
        for args in ((), (BAD,)):
            summary = self.why(*args).summary
            self.assertEqual([summary[name] for name in (
                "queue_run_delay", "minimal_backoff_time", "maximal_backoff_time", "maximal_queue_lifetime",
                "bounce_queue_lifetime")], [420, 660, 7200, 3 * 86400, 36 * 3600])
            oldest = min(file.arrival for file in files.values())
            self.assertEqual(summary["gives_up"], int(oldest) + 3 * 86400)
            tries = [int(os.stat(self.postfix.find(i)).st_mtime) for i in files]
            self.assertEqual(summary["next_try"], min(tries))
            self.assertGreaterEqual(min(tries), int(oldest) + 660)
            self.assertEqual(summary["due"], 0)
        self.bounces_have_less_time()
        text = self.pq.idx("why").out
        for name, value in (("queue_run_delay", "7m"), ("minimal_backoff_time", "11m"), ("maximal_backoff_time", "2h"),
                            ("maximal_queue_lifetime", "3d"), ("bounce_queue_lifetime", "36h")):
            self.assertRegex(text, rf"(?m)^{name} +{value}$")
        now = time.time()
        for queue_id in files:
            os.utime(self.postfix.find(queue_id), (now - 5, now - 5))
        for args in ((), (BAD,)):
            summary = self.why(*args).summary
            self.assertEqual(summary["due"], 2)
            self.assertNotIn("next_try", summary)


    def bounces_have_less_time(self):
        queue_id = self.send("", "u@d0.test")
        self.postfix.settled(3)
        self.logged(3)
        arrival = self.postfix.read()[queue_id].arrival
        for args in ((), ("--client", "127.0.0.1")):
            self.assertEqual(self.why(*args).summary["gives_up"], int(arrival) + 36 * 3600)
        self.postfix.postsuper("-d", "-", ids=[queue_id])


class Trouble(WhyCase):
    def test_a_log_that_cannot_be_read(self):
        """It is reported and counted; the others are read."""
        ours = self.send_many("a@example.com", 3, "u@d0.test")
        self.postfix.settled(3)
        self.logged(3)
        path = self.defer_log(ours[1])
        os.chown(path, 0, 0)
        result = self.why(BAD, status=2)
        self.assertEqual((result.summary["recipients"], result.summary["unread"]), (2, 1))
        self.assertIn(f"failed to read the defer log of {ours[1]} (Permission denied)", result.err)
        os.unlink(path)
        os.symlink("/etc/shadow", path)
        self.assertIn("symbolic link", self.why(BAD, status=2).err)

    def test_noise_in_a_log(self):
        """It ignores the reasons of another message."""
        ours = self.send_many("a@example.com", 3, "u@d0.test")
        self.postfix.settled(3)
        self.logged(3)
        with open(self.defer_log(ours[1]), "wb") as file:
            file.write(b"\0reason=\x1b[31m\nrecipient=\xff\n" + os.urandom(100000) + b"\n")
        result = self.why(BAD)
        self.assertEqual(result.summary["messages"], 3)
        self.assertEqual(max(line["recipients"] for line in result.lines[:-1]), 2)
        self.assertNotIn("\x1b", result.out)

    def test_ids_that_are_none(self):
        result = self.why("--id", "-", status=2, input="not an id\n")
        self.assertIn("line 1: 'not an id' is not a queue ID", result.err)

    def test_while_postfix_is_down(self):
        self.send("a@example.com", "u@d0.test")
        self.postfix.settled(1)
        self.logged(1)
        self.postfix.stop()
        self.addCleanup(self.postfix.start)
        self.assertEqual(self.why().summary["recipients"], 1)


class Large(WhyCase):
    """The number of different reasons bounds memory."""

    LINES, MOST_KIB = 300000, 64 * 1024

    def test_a_large_log(self):
        ours = self.send("a@example.com", "u@d0.test")
        self.postfix.settled(1)
        self.logged(1)
        kinds = ["one", "two", "three"]
        blocks = [f"recipient=u{n}@d{n % 10}.test\nreason=host mx{n % 9}.test[192.0.2.{n % 250}] said: 450 4.7.1 "
                  f"{kinds[n % 3]}, ticket {n}\n\n" for n in range(3000)]
        with open(self.defer_log(ours), "w", encoding="ascii") as file:
            for _ in range(self.LINES // 3000):
                file.write("".join(blocks))
        result = self.why(prefix=MEASURED, timeout=300)
        groups = {g["reason"].split()[5].rstrip(","): g["recipients"] for g in result.lines[:-1]}
        self.assertEqual(groups, dict.fromkeys(kinds, self.LINES // 3))
        self.assertEqual((result.summary["messages"], result.summary["recipients"]), (1, self.LINES))
        self.assertTrue(all(g["domain_count"] == 10 for g in result.lines[:-1]))
        self.assertLess(int(re.search(r"peak (\d+)", result.err)[1]), self.MOST_KIB)

    def test_a_large_queue(self):
        """Generated, not sent: compared with postqueue's count."""
        self.pq.kill9()
        subprocess.run([os.path.join(BUILD, "tools/make_queue"), self.postfix.spool, "postfix",
                        self.pq.index, "5000", "3", BAD, "0", "20"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["chown", "-R", "nobody", self.pq.index], check=True)
        queue = self.postfix.queue()
        entries = [(e["sender"], r["delay_reason"]) for e in queue for r in e["recipients"] if "delay_reason" in r]
        self.assertEqual((len(queue), len(entries)), (5000, 4950))

        def words(text):
            return re.search(r"4\.7\.1 ([a-z]+),", text)[1]

        for args, wanted in (((), entries), ((BAD,), [e for e in entries if e[0].endswith("@" + BAD)])):
            result = self.why(*args)
            self.assertEqual({words(g["reason"]): g["recipients"] for g in result.lines[:-1]},
                             dict(collections.Counter(words(reason) for _, reason in wanted)))
            self.assertEqual(result.summary["recipients"], len(wanted))
            self.assertEqual(result.summary["without_reason"], result.summary["messages"] - len(wanted))
