# SPDX-License-Identifier: ISC
"""The index is a cache: removed, damaged, outdated, never made, or taken away in the middle of a purge, the answer
is complete."""
import json
import os
import shutil
import signal
import subprocess

import spool
from case import BAD, RigCase, both_ids_at_length
from pqpurge import preload
from process import descendants, is_stopped, kill_all
from rig import catch, until
from test_identity import overwrite
from terminal import Terminal


class IndexCase(RigCase):
    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 30))
        self.others = set(self.send_many("a@good.test", 5))
        self.postfix.settled(35)

    def assert_complete(self):
        self.assertEqual(set(self.pq.listed()), self.ours | self.others)
        self.assert_selects(self.ours, BAD)
        top = {line["group"]: line["count"] for line in self.pq.idx("top", "--json").lines}
        self.assertEqual(top, {BAD: len(self.ours), "good.test": len(self.others)})
        result = self.assert_purged(self.ours, BAD)
        self.assertEqual((result.summary["gone"], result.summary["unproven"], result.summary["unreadable"]), (0, 0, 0), result)
        return result

    def overwrite(self, offset, data):
        with open(self.pq.index_file, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def indexed(self):
        return set(self.pq.idx("list", "--json", "--index-only").messages)


@both_ids_at_length
class Removed(IndexCase):
    def test_while_the_daemon_runs(self):
        self.pq.forget()
        self.assert_complete()

    def test_while_it_is_down(self):
        self.pq.stop()
        self.pq.forget()
        self.assert_complete()

    def test_told_where_it_came_from(self):
        self.pq.stop()
        self.pq.forget()
        self.assertEqual(self.assert_purged(self.ours, BAD).summary["from_queue"], 30)

    def test_then_a_start(self):
        self.pq.stop()
        self.pq.forget()
        self.pq.start()
        self.assert_complete()

    def test_recorded_again(self):
        """The daemon takes the new file within a second, without a restart."""
        daemon = self.pq.process.pid
        self.pq.forget()
        until(lambda: os.path.exists(self.pq.index_file), "a new index")
        last = self.send("a@example.com")
        self.assertIn(last, self.indexed())
        self.assertEqual(self.pq.process.pid, daemon)
        self.ours.add(last)
        self.postfix.settled(36)
        self.assert_complete()

    def test_directory_while_the_daemon_runs(self):
        shutil.rmtree(self.pq.index)
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("deleted")), (0, self.ours), result)
        self.assertTrue(result.err, "it says that there is no index")

    def test_directory_comes_back(self):
        shutil.rmtree(self.pq.index)
        self.send_many("a@good.test", 1)
        self.pq.make_directories()
        until(lambda: os.path.exists(self.pq.index_file), "a new index")
        last = self.send("a@example.com")
        self.assertIn(last, self.indexed())

    def test_directory_never_made(self):
        """No daemon, no directory: the queue answers, and one line says so."""
        self.pq.stop()
        shutil.rmtree(self.pq.index)
        result = self.pq.idx("list", "--json", BAD)
        self.assertEqual((result.status, set(result.messages)), (0, self.ours), result)
        self.assertEqual(len(result.err.splitlines()), 1, result)
        result = self.purge(BAD)
        self.assertEqual(result.with_result("deleted"), self.ours, result)

    def test_after_a_catch_up(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.pq.forget()
        self.assert_complete()

    def test_rules_survive(self):
        self.assertEqual(self.pq.idx("block", "-y", "blocked.test").status, 0)
        self.pq.kill9()
        self.pq.forget()
        self.pq.start()
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("a@blocked.test")[0], 550)

    def test_account_survives(self):
        one = min(self.ours)
        self.assertEqual(self.pq.idx("hold", "-y", "--id", one).status, 0)
        batch = self.pq.idx("log", "--json").lines[0]["batch"]
        self.pq.kill9()
        self.pq.forget()
        undone = self.pq.idx("undo", "-y", "--json", str(batch))
        self.assertEqual((undone.status, undone.with_result("released")), (0, {one}), undone)


@both_ids_at_length
class Damaged(IndexCase):
    """A file that is not, or no longer, an index is set aside and built anew."""

    def damage_and_start(self, damage):
        self.pq.kill9()
        damage()
        self.pq.start()
        self.assert_complete()
        self.assertIsNone(self.pq.process.poll(), self.pq.log())

    def test_meta_pages(self):
        self.damage_and_start(lambda: self.overwrite(0, b"\xa5" * 8192))
        self.assertTrue(os.path.exists(self.pq.index_file + ".bad"))

    def test_all_but_meta_pages(self):
        size = os.stat(self.pq.index_file).st_size
        self.damage_and_start(lambda: self.overwrite(8192, b"\xa5" * (size - 8192)))

    def test_cut_short(self):
        self.damage_and_start(lambda: os.truncate(self.pq.index_file, 8192))

    def test_cut_to_a_byte(self):
        self.damage_and_start(lambda: os.truncate(self.pq.index_file, 1))

    def test_empty_file(self):
        self.damage_and_start(lambda: os.truncate(self.pq.index_file, 0))

    def test_another_file(self):
        self.damage_and_start(lambda: shutil.copyfile("/etc/services", self.pq.index_file))

    def test_directory_in_its_place(self):
        def damage():
            self.pq.forget()
            os.mkdir(self.pq.index_file)
        self.pq.kill9()
        damage()
        self.pq.start()
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("deleted")), (0, self.ours), result)

    def test_without_a_daemon(self):
        self.pq.kill9()
        self.overwrite(0, b"\xa5" * 8192)
        self.assert_complete()

    def test_under_the_running_daemon(self):
        """Whatever the daemon then answers, the queue decides."""
        self.overwrite(0, b"\xa5" * os.stat(self.pq.index_file).st_size)
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("deleted")), (0, self.ours), result)


@both_ids_at_length
class Stale(IndexCase):
    def test_copy_of_yesterday(self):
        """An older index comes back: rows of messages that left are dropped, and missing ones are read."""
        old = set(self.send_many("old@example.com", 4))
        self.postfix.settled(39)
        self.pq.stop()
        copy = os.path.join(self.pq.home, "copy")
        shutil.copy2(self.pq.index_file, copy)
        owner = os.stat(self.pq.index_file)
        self.pq.start()
        self.assertEqual(self.purge("old@example.com").with_result("deleted"), old)
        self.ours |= set(self.send_many("a@example.com", 6))
        self.postfix.settled(41)
        self.pq.stop()
        self.pq.forget()
        shutil.copy2(copy, self.pq.index_file)
        os.chown(self.pq.index_file, owner.st_uid, owner.st_gid)
        self.pq.start()
        self.assert_complete()

    def test_another_queues(self):
        """The index of a queue that had the same IDs for other mail."""
        one, other = sorted(self.ours)[0], sorted(self.others)[0]
        self.pq.kill9()
        overwrite(self.postfix, one, other)
        self.pq.start()
        self.ours.discard(one)
        result = self.pq.idx("purge", "-y", "--json", BAD)
        self.assertEqual(result.with_result("deleted"), self.ours, result)
        self.assertIn(one, self.postfix.ids())


@both_ids_at_length
class Absent(RigCase):
    """The daemon was off."""

    def check(self, stop, count=300):
        before = set(self.send_many("a@example.com", 5))
        stop()
        for sender in "a@example.com", "a@good.test":
            self.queue_many(sender, count, known=False)
        self.postfix.settled(2 * count + 5)
        ours = {i for i, file in self.postfix.read().items() if file.sender == "a@example.com"}
        self.assertEqual((len(ours), before <= ours), (count + 5, True))
        return ours

    def test_stopped(self):
        self.assert_purged(self.check(self.pq.stop), BAD)

    def test_killed_and_started(self):
        ours = self.check(self.pq.kill9)
        self.pq.start()
        result = self.assert_purged(ours, BAD)
        self.assertEqual(result.summary["from_queue"], 300)

    def test_list_says_nothing_of_gaps(self):
        ours = self.check(self.pq.stop)
        self.pq.start()
        listed = self.pq.idx("list", "--json", BAD)
        self.assertEqual((listed.status, set(listed.messages), listed.err), (0, ours, ""))


@both_ids_at_length
class NeverInstalled(RigCase):
    starts_daemon = False

    def test_first_command_ever(self):
        """The first purge finds mail from before the install."""
        ours, other = set(self.send_many("a@example.com", 10)), self.send("a@good.test")
        self.postfix.settled(11)
        self.pq.start()
        result = self.assert_purged(ours, BAD)
        self.assertEqual((result.summary["from_queue"], self.postfix.ids()), (10, {other}))

    def test_from_queue_only_once(self):
        """A catch-up keeps what it read."""
        ours = set(self.send_many("a@example.com", 10))
        self.postfix.settled(10)
        self.pq.start()
        done = self.pq.idx("sync", "--json").lines[0]["sync"]
        self.assertEqual((done["added"], done["queued"]), (10, 10), done)
        again = self.pq.idx("sync", "--json").lines[0]["sync"]
        self.assertEqual((again["added"], again["read"]), (0, 0), again)
        self.assertEqual(self.assert_purged(ours, BAD).summary["from_queue"], 0)


@both_ids_at_length
class MidPurge(RigCase):
    """Something happens to the index during a purge."""

    settings = {"postsuper_jobs": 1}
    COUNT = 1500

    def setUp(self):
        super().setUp()
        self.others = set(self.send_many("a@good.test", 20))
        self.queue_many("a@example.com", self.COUNT)
        self.postfix.settled(self.COUNT + 20)

    def waiting(self):
        """The number of messages that are neither gone nor held."""
        return sum(queue != "hold" for queue, _, _ in spool.walk(self.postfix.spool))

    def run_and(self, happening, *words):
        command = self.pq.idx_start(*words, "-y", "--json", BAD, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        catch(lambda: self.waiting() < self.COUNT - 50, command)
        self.assertIsNone(command.poll(), "it was done before anything could happen")
        happening()
        out, err = command.communicate(timeout=120)
        self.assertEqual(command.returncode, 0, out[-2000:] + err)
        return out.splitlines()

    def purge_and(self, happening):
        lines = self.run_and(happening, "purge")
        left = {name: file for name, file in self.postfix.read().items() if name not in self.others}
        told = [line for line in lines if "summary" in line or any(name in line for name in left)]
        told += [f"{name} of <{file.sender}> in {file.queue}, arrived {file.arrival}" for name, file in left.items()]
        told += [line for line in self.postfix.log().splitlines() if any(name in line for name in left)]
        self.assertEqual(self.postfix.ids(), self.others, "\n".join(told))

    def test_index_removed(self):
        self.purge_and(self.pq.forget)

    def test_directory_removed(self):
        self.purge_and(lambda: shutil.rmtree(self.pq.index))

    def test_daemon_killed(self):
        self.purge_and(self.pq.kill9)

    def test_daemon_killed_and_started(self):
        self.purge_and(lambda: (self.pq.kill9(), self.pq.start()))

    def test_daemon_frozen(self):
        self.addCleanup(lambda: self.pq.process and self.pq.process.send_signal(signal.SIGCONT))
        self.purge_and(lambda: self.pq.process.send_signal(signal.SIGSTOP))

    def test_index_damaged(self):
        self.purge_and(lambda: os.truncate(self.pq.index_file, 0))

    def test_index_removed_with_no_daemon(self):
        self.pq.stop()
        self.purge_and(self.pq.forget)

    def test_daemon_stopped_and_index_removed(self):
        self.purge_and(lambda: (self.pq.stop(), self.pq.forget()))

    def test_index_removed_in_mid_hold(self):
        """The account has what was held, not the index."""
        ours = self.postfix.ids() - self.others
        self.run_and(self.pq.forget, "hold")
        self.assertEqual({i for i, file in self.postfix.read().items() if file.queue == "hold"}, ours)
        result = self.pq.idx("release", "-y", "--json", BAD)
        self.assertEqual((result.status, result.with_result("released")), (0, ours))

    def test_index_removed_at_the_question(self):
        terminal = Terminal(self.pq.words("purge", BAD))
        terminal.read_until("?")
        self.pq.forget()
        self.assertEqual(terminal.answer("y"), 0, terminal.text)
        self.assertEqual(self.postfix.ids(), self.others)


@both_ids_at_length
class ReadBySomebodyElse(RigCase):
    """Mail that one command left to the index, since another had read it meanwhile; then the index stops answering."""

    def start(self, *words):
        """Starts a command, which has selected, and stops before it asks for the names in the index; its next
        children stop, too."""
        command = self.pq.idx_start(*words, "--json", BAD, env={**os.environ, **preload("child", PQPURGE_STOP_CHILD="2")},
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(kill_all, command)
        return command, self.next_child(command)

    @staticmethod
    def next_child(command, pid=None):
        """Lets its stopped child go on until another one is stopped. Returns that one, or None: the command has
        ended."""
        def others():
            return [child for child in descendants(command.pid) if is_stopped(child) and child != pid]
        if pid:
            os.kill(pid, signal.SIGCONT)
        until(lambda: command.poll() is not None or others(), "another child that is stopped")
        return (others() or [None])[0]

    def check(self, happening, *words):
        known = set(self.send_many("a@example.com", 3))
        self.pq.stop()
        late = set(self.send_many("a@example.com", 2))
        self.pq.start()
        self.postfix.settled(5)
        command, asker = self.start(*words)
        self.assertEqual(self.pq.idx("sync").status, 0)
        child = self.next_child(command, asker)
        happening()
        while child:
            child = self.next_child(command, child)
        out, err = command.communicate(timeout=60)
        self.assertEqual(command.returncode, 0, out + err)
        self.assertEqual({json.loads(line).get("queue_id") for line in out.splitlines()} - {None}, known | late, err)
        self.assertIn("only the queue files were read", err)

    def freeze(self):
        self.addCleanup(lambda: self.pq.process and self.pq.process.send_signal(signal.SIGCONT))
        self.pq.process.send_signal(signal.SIGSTOP)

    def test_frozen(self):
        self.check(self.freeze, "purge", "-n")

    def test_directory_removed(self):
        self.check(lambda: (self.pq.kill9(), shutil.rmtree(self.pq.index)), "list")


@both_ids_at_length
class Thousands(RigCase):
    """2,000 are queued, and the index goes."""

    def check(self, *steps):
        ours = self.queue_many("a@example.com", 900)
        self.queue_many("a@good.test", 1100)
        self.postfix.settled(2000)
        for step in steps:
            step()
        result = self.purge(BAD)
        self.assertEqual((result.with_result("deleted"), len(self.postfix.ids())), (ours, 1100), result.summary)

    def test_removed_while_the_daemon_runs(self):
        self.check(self.pq.forget)

    def test_removed_while_it_is_down(self):
        self.check(self.pq.stop, self.pq.forget)

    def test_removed_and_started(self):
        self.check(self.pq.kill9, self.pq.forget, self.pq.start)
