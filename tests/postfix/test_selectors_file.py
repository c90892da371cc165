# SPDX-License-Identifier: ISC
"""Selectors that the index cannot answer alone: the queue file, or its defer log, decides."""
from case import BAD, RigCase, both_ids
from smtp import content


def boxes(count, *others):
    return ", ".join([f"u{n}@d{n}.test" for n in range(count)] + list(others))


@both_ids
class CutFrom(RigCase):
    """More header From mailboxes than are recorded: the file decides, also where nobody is asked."""

    def send_two(self):
        """The one that is not meant, and the one that is."""
        ids = [self.send("a@good.test", text=content(boxes(70, *last))) for last in ([], ["b@" + BAD])]
        self.postfix.settled(2)
        return ids

    def test_from_the_index(self):
        other, ours = self.send_two()
        self.assert_purged({ours}, BAD)
        self.assert_selects(set(), "--from", BAD)
        self.assert_selects({other}, "--from", "d69.test")

    def test_unheard(self):
        self.pq.kill9()
        other, ours = self.send_two()
        self.pq.start()
        self.assert_purged({ours}, "--from", BAD)
        self.assertEqual(self.postfix.ids(), {other})

    def test_without_an_index(self):
        other, ours = self.send_two()
        self.pq.stop()
        self.pq.forget()
        self.assert_purged({ours}, BAD)
        self.assertEqual(self.postfix.ids(), {other})
