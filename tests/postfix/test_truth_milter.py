# SPDX-License-Identifier: ISC
"""Another milter, asked after ours, changes the message: its sender, recipients, or header. A selector matches what mailq
shows, and also what the client said."""
import functools
import sys

from case import BAD, RigCase, both_ids_at_length
from null_milter import Editor
from rig import free_port
from smtp import Smtp, content
from test_truth_senders import Forms, Rewritten

EDITED = "a@example.com"


@functools.lru_cache(maxsize=None)
def shared_editor(port):
    return Editor(port)


def edited(cls):
    """Gives a class and its twin for long IDs an smtpd that asks our milter first, and then an editor."""
    both_ids_at_length(cls)
    for target in (cls, getattr(sys.modules[cls.__module__], cls.__name__ + "LongIds")):
        target.side, target.port = free_port(), free_port()
        target.services = (f"127.0.0.1:{target.side} inet n - n - 10 smtpd -o {{ smtpd_milters = "
                           f"{{ unix:pqpurge/milter.sock, default_action=accept }}, inet:127.0.0.1:{target.port} }}\n")
    return cls


class EditedCase(RigCase):
    """edits: the changes to the mail of EDITED."""

    edits = ()

    def setUp(self):
        shared_editor(self.port).edits = {EDITED: self.edits}
        super().setUp()

    def send_many(self, sender, count, recipients="u@dest.test", text=None):
        with Smtp(self.side) as client:
            return [client.message(sender, recipients, content() if text is None else text) for _ in range(count)]


@edited
class Sender(Forms, EditedCase, Rewritten):
    given, queued = EDITED, "new@rewritten.test"
    edits = (Editor.sender(queued),)


@edited
class NullSender(EditedCase):
    edits = (Editor.sender(""),)

    def test_purge(self):
        ours, other = set(self.send_many(EDITED, 3)), set(self.send_many("a@good.test", 1))
        self.postfix.settled(4)
        self.assertEqual({self.postfix.read()[i].sender for i in ours}, {""})
        self.assert_selects(other, "good.test")
        self.assert_selects(ours, "<>")
        self.assert_purged(ours, BAD)


class ChangedCase(EditedCase):
    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many(EDITED, 3, ["u@dest.test", "v@else.test"]))
        self.others = set(self.send_many("a@good.test", 2, ["u@dest.test", "v@else.test"]))
        self.postfix.settled(5)


@edited
class Recipients(ChangedCase):
    """One added, one removed."""

    edits = (Editor.add_recipient("archive@bcc.test"), Editor.delete_recipient("v@else.test"))

    def setUp(self):
        super().setUp()
        files = self.postfix.read()
        self.assertEqual({tuple(sorted(files[i].recipients)) for i in self.ours}, {("archive@bcc.test", "u@dest.test")})

    def check(self):
        self.assert_selects(self.ours, "--recipient", "bcc.test")
        self.assert_selects(self.ours | self.others, "--recipient", "dest.test")
        self.assert_selects(set(), "--recipient", "dest.test", "--only")
        self.assert_selects(self.ours, "--recipient", "dest.test", "--recipient", "bcc.test", "--only")
        self.assert_selects(self.others, "--recipient", "dest.test", "--recipient", "else.test", "--only")

    def test_at_once(self):
        self.check()
        self.assert_purged(self.ours, "--recipient", "bcc.test")

    def test_after_a_catch_up(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.check()

    def test_after_the_index_was_removed(self):
        self.pq.stop()
        self.pq.forget()
        self.check()
        self.assert_selects(self.others, "--recipient", "else.test")

    def test_other_recipients(self):
        result = self.pq.idx("purge", "-n", "--json", "--recipient", "dest.test")
        self.assertEqual({line["other_recipients"] for line in result.messages.values()}, {1}, result)


@edited
class HeaderFrom(ChangedCase):
    edits = (Editor.header("From", "Boss <boss@brand.test>"),)

    def setUp(self):
        super().setUp()
        files = self.postfix.read()
        self.assertEqual({tuple(files[i].from_addresses) for i in self.ours}, {("boss@brand.test",)})

    def test_at_once(self):
        self.assert_selects(self.ours, "--from", "boss@brand.test")
        self.assert_purged(self.ours, "brand.test")

    def test_as_given(self):
        self.assert_selects(self.ours | self.others, "--from", "else.test")

    def test_after_a_catch_up(self):
        self.assertEqual(self.pq.idx("sync").status, 0)
        self.assert_selects(self.ours | self.others, "--from", "else.test")
        self.assert_purged(self.ours, "brand.test")

    def test_after_the_index_was_removed(self):
        self.pq.stop()
        self.pq.forget()
        self.assert_selects(self.others, "--from", "else.test")
        self.assert_purged(self.ours, "brand.test")
