# SPDX-License-Identifier: ISC
"""The index bounds itself: full map, full or read-only disk, a reader that does not let go. Mail flows on in any case,
what is missing is told, and all is well again without a restart."""
import os
import subprocess

from case import BAD, RigCase
from pqpurge import BUILD, USER
from rig import until

HOLD_READER = os.path.join(BUILD, "tools/hold_reader")


class SpaceCase(RigCase):
    settings = {"index_map_size": "16M"}
    sent = 0

    def bulky(self):
        """A message that takes about 40 kB in the index: 64 header From mailboxes with domains as long as may be."""
        self.sent += 1
        label = f"{self.sent:07d}" + "x" * 50
        boxes = ",\n ".join(f"a@{n:02d}{label}.{label}.{label}.{label}.example" for n in range(64))
        return f"From: {boxes}\nSubject: x\n\nx\n"

    def send_bulky(self, count):
        """Their queue IDs in order."""
        with self.postfix.smtp() as client:
            return [client.message("a@example.com", "u@dest.test", self.bulky()) for _ in range(count)]

    def status(self):
        result = self.pq.idx("status", "--json")
        self.assertIn(result.status, (0, 2), result)
        return result.lines[0]["status"]

    def findings(self):
        return {f["id"]: f for f in self.status()["findings"]}

    def used(self):
        return self.status()["index"]["map_used_percent"]

    def recording(self):
        """Sends a message of the domain; whether the index has it."""
        return self.send("a@example.com") in self.pq.listed(BAD)

    def assert_gaps_tell_all(self):
        """What the daemon lost is in the gaps, all of which are over, and in the count of what is missing."""
        self.postfix.settled()
        told = self.status()
        gaps = [g for g in told["gaps"] if g["count"]]
        self.assertNotIn(None, [g["to"] for g in gaps], told["gaps"])
        self.assertEqual(sum(g["count"] for g in gaps), told["daemon"]["lost"], told["gaps"])
        inside = set(self.pq.listed(BAD))
        self.assertEqual(told["unindexed"], len(self.postfix.ids() - inside))

    def mount(self, size):
        """A file system of its own under the index; the daemon is down meanwhile."""
        self.pq.kill9()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", self.pq.index],
                              check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"cannot mount a tmpfs here: {done.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.pq.index], check=False)
        self.addCleanup(self.pq.kill9)
        self.pq.make_directories()

    def fill(self):
        path = os.path.join(self.pq.index, "junk")
        with open(path, "wb", buffering=0) as file:
            for size in (65536, 4096):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass
        return path


class FullMap(SpaceCase):
    def told_and_listed(self):
        """Status and list of one state; None where rows went in between."""
        told, listed = self.status(), self.pq.listed(BAD)
        return (told, listed) if self.status()["daemon"]["pruned"] == told["daemon"]["pruned"] else None

    def test_the_oldest_go(self):
        first = self.send_bulky(20)
        began = self.status()["coverage_since"]
        highest, last = 0, []
        for _ in range(12):
            last = self.send_bulky(50)
            highest = max(highest, self.used())
        self.assertLess(highest, 90, "from 80 % on rows go")
        told, listed = until(self.told_and_listed, "a list with no row dropped meanwhile")
        self.assertGreater(told["daemon"]["pruned"], 0)
        self.assertEqual(told["daemon"]["lost"], 0, "no message is lost meanwhile")
        self.assertEqual(self.pq.log().count("index is nearly full"), 1, "logged once")
        self.assertLessEqual(set(last), set(listed), "the newest are there")
        self.assertFalse(set(first) & set(listed), "the oldest are not")
        self.assertGreaterEqual(told["coverage_since"], began, "coverage moves forward")
        self.assertEqual(told["unindexed"], len(self.postfix.ids()) - len(listed))
        self.assertLessEqual(told["coverage_since"], min(m["arrival_time"] for m in listed.values()) + 1)
        self.assertGreaterEqual(told["coverage_since"] + 1, told["unindexed_newest"])


class Reader(SpaceCase):
    def hold(self):
        self.assertTrue(os.path.exists(HOLD_READER), f"{HOLD_READER} is missing (make programs-for-tests)")
        reader = subprocess.Popen([HOLD_READER, self.pq.index], stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=USER)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        self.assertEqual(reader.stdout.readline(), b"reading\n")
        return reader

    def full(self):
        self.send_bulky(10)
        found = self.findings()
        return found if {"gap_open", "reader_lags"} <= set(found) else None

    def test_is_named_and_makes_nothing_go(self):
        while self.used() < 70:
            self.send_bulky(20)
        self.assertEqual(self.status()["daemon"]["pruned"], 0)
        rows = self.status()["index"]["rows"]
        reader = self.hold()
        self.send("a@example.com")
        until(lambda: "reader_lags" in self.findings(), "a reader that is known to lag")
        found = until(self.full, "a full map, and who is to blame for it", 60)
        self.assertIn(str(reader.pid), found["reader_lags"]["text"])
        self.assertIn(f"process {reader.pid} reads", self.pq.log())
        told = self.status()
        self.assertEqual(told["daemon"]["pruned"], 0, "nothing is dropped in vain")
        self.assertGreaterEqual(told["index"]["rows"], rows)
        self.assertGreater(told["daemon"]["lost"], 0, "the map is full of what the reader sees")
        self.assertRegex(found["gap_open"]["text"], r"not recorded \(the index is full")
        self.assertIsNone(self.pq.process.poll())
        reader.kill()
        reader.wait()
        until(self.recording, "recording again", 20)
        until(lambda: "reader_lags" not in self.findings() and "gap_open" not in self.findings(), "the end of the gap")
        self.assert_gaps_tell_all()


class FullDisk(SpaceCase):
    settings = {"index_map_size": "64M"}

    def test_small_disk(self):
        """A disk with less room than the index likes to keep: what fits is kept."""
        self.mount("8m")
        self.pq.start()
        sent = self.send_many("a@example.com", 50)
        until(lambda: set(sent) == set(self.pq.listed(BAD)), "all are there", 5)
        for _ in range(10):
            self.send_bulky(40)
        told = self.status()
        self.assertEqual(told["daemon"]["lost"], 0, told)
        self.assertGreater(told["daemon"]["pruned"], 0)
        self.assertGreater(told["index"]["rows"], 50)

    def test_told_by_status_and_purge(self):
        self.mount("1m")
        self.pq.start()
        before = self.send_many("a@example.com", 5)
        until(lambda: set(before) == set(self.pq.listed(BAD)), "all are there", 5)
        junk = self.fill()
        lost = self.send_bulky(10)
        self.postfix.settled(15)
        self.assertIsNone(self.pq.process.poll(), self.pq.log())
        told = self.status()
        self.assertGreater(told["daemon"]["lost"], 0, self.pq.log())
        self.assertIn("no space left", told["gaps"][-1]["reason"])
        if told["gaps"][-1]["to"] is None:  # there may be room for the few bytes that say so
            found = {f["id"]: f for f in told["findings"]}
            self.assertRegex(found["gap_open"]["text"], r"since 20\d\d-.*not recorded \(.*no space left")
        result = self.pq.idx("purge", "-y", BAD)
        self.assertRegex(result.err, r"\d+ messages in the queue are not in the index \(arrived 20.*no space left.*--scan")
        self.assertLessEqual(self.postfix.ids(), set(lost))
        os.unlink(junk)
        until(self.recording, "recording again", 20)
        until(lambda: "gap_open" not in self.findings(), "the end of the gap")
        self.assert_gaps_tell_all()

    def test_what_was_lost_is_found(self):
        """Of 500 messages that came with no room for them: as many as are missing are told, and a scan finds the domain's."""
        self.mount("1m")
        self.pq.start()
        self.fill()
        self.postfix.flood("a@example.com", 200)
        self.postfix.flood("a@good.test", 300)
        self.postfix.settled(500)
        files = self.postfix.read()
        missing = set(files) - set(self.pq.listed())
        self.assertGreater(len(missing), 100, "hardly anything was lost: is the disk full?")
        ours = {i for i, file in files.items() if BAD in file.author_domains}
        text = self.pq.idx("purge", "-n", "--scan", BAD)
        self.assertIn(f"{len(missing)} messages in the queue are not in the index (arrived 20", text.err)
        told = self.assert_selects(ours, "--scan", BAD).summary
        self.assertEqual((told["unindexed"], told["unindexed_in_gaps"]), (len(missing), len(missing)), told)
        self.purge("--scan", BAD, status=2)  # for want of room for its account
        self.assertEqual(self.postfix.ids(), set(files) - ours)

    def test_read_only_at_start(self):
        self.mount("48m")
        self.pq.start()
        before = self.send("a@example.com")
        self.pq.stop()
        subprocess.run(["mount", "-o", "remount,ro", self.pq.index], check=True)
        self.pq.start()
        self.assertTrue(self.send("a@example.com"), "mail flows")
        found = self.findings()
        self.assertTrue({"daemon_silent", "daemon_down", "not_recording"} & set(found), found)
        subprocess.run(["mount", "-o", "remount,rw", self.pq.index], check=True)
        until(self.recording, "recording again", 20)
        self.assertIn(before, self.pq.listed(BAD))
        told = self.status()
        self.assertEqual(told["unindexed"], told["unindexed_in_gaps"])
        self.assertGreaterEqual(told["unindexed"], 1)
        self.assert_gaps_tell_all()
