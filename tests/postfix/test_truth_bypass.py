# SPDX-License-Identifier: ISC
"""Mail that bypasses every milter is found all the same, and a block reports where rules are not applied."""
from case import BAD, RigCase, both_ids_at_length

OTHER = "inet:127.0.0.1:1"


class BypassCase(RigCase):
    def setUp(self):
        super().setUp()
        self.ours = set(self.send_many("a@example.com", 6))
        self.others = set(self.send_many("a@good.test", 2))
        self.postfix.settled(8)


class Bypassed:
    """parameter: the setting in main.cf that leads past the milter."""

    parameter = None

    def test_purge(self):
        self.assertEqual(self.assert_purged(self.ours, BAD).summary["from_queue"], 6)

    def test_list_and_top(self):
        self.assertEqual(set(self.pq.listed()), self.ours | self.others)
        top = {line["group"]: line["count"] for line in self.pq.idx("top", "--json").lines}
        self.assertEqual(top, {BAD: 6, "good.test": 2})

    def test_block_says_so(self):
        result = self.pq.idx("block", "-y", BAD)
        self.assertIn(self.parameter, result.out + result.err)
        with self.postfix.smtp() as client:
            self.assertEqual(client.mail("a@example.com")[0], 250, "is it bypassed here?")

    def test_purge_with_block_says_so(self):
        result = self.pq.idx("purge", "-y", "--block=1h", BAD)
        self.assertIn(self.parameter, result.out + result.err)
        self.assertEqual(self.postfix.ids(), self.others)

    def test_status_says_so(self):
        result = self.pq.idx("status")
        self.assertEqual(result.status, 2, result)
        self.assertIn(self.parameter, result.out + result.err)


@both_ids_at_length
class Maps(Bypassed, BypassCase):
    """smtpd_milter_maps names another list for all clients."""

    parameter = "smtpd_milter_maps"
    main = f"smtpd_milter_maps = cidr:{{ {{ 0.0.0.0/0 {OTHER} }} }}\nmilter_default_action = accept\n"


@both_ids_at_length
class MapsDisable(Bypassed, BypassCase):
    parameter = "smtpd_milter_maps"
    main = "smtpd_milter_maps = cidr:{ { 127.0.0.0/8 DISABLE } }\n"


@both_ids_at_length
class Override(Bypassed, BypassCase):
    """An override of the only smtpd, as for mail that comes back from a filter."""

    parameter = "no_milters"
    main = "receive_override_options = no_milters\n"
