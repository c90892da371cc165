# SPDX-License-Identifier: ISC
"""A raw client of the policy protocol: smtpd's requests, and what smtpd would never send."""
import socket

import milter_client

USUAL = dict(request="smtpd_access_policy", protocol_state="RCPT", protocol_name="ESMTP", client_address="192.0.2.7",
             client_name="client.example", client_port="2525", reverse_client_name="client.example", server_address="192.0.2.1",
             server_port="25", helo_name="client.example", sender="a@example.com", recipient="b@example.net", recipient_count="0",
             queue_id="", instance="1.1.1.1", size="0", etrn_domain="", stress="", sasl_method="", sasl_username="",
             sasl_sender="", policy_context="")


def request(**attributes):
    return "".join("%s=%s\n" % pair for pair in dict(USUAL, **attributes).items()).encode() + b"\n"


class PolicyClient:
    """One connection, as one smtpd process keeps it."""

    def __init__(self, address, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.rest = b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def receive(self):
        """The next answer's action."""
        while b"\n\n" not in self.rest:
            try:
                part = self.socket.recv(65536)
            except ConnectionError:
                part = b""
            if not part:
                raise milter_client.Closed()
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n\n")
        assert line.startswith(b"action=") and b"\n" not in line, line
        return line[7:].decode()

    def ask(self, **attributes):
        self.socket.sendall(request(**attributes))
        return self.receive()

    def message(self, queue_id, instance=None, recipients=("b@example.net",), **attributes):
        """Sends all requests of one message, as if every recipient were accepted; returns the actions."""
        common = dict(attributes, instance=instance or "1.1.1.%x" % (hash(queue_id) & 0xFFFFFF))
        actions = [self.ask(recipient=r, queue_id=queue_id if n else "", **common) for n, r in enumerate(recipients)]
        return actions + [self.ask(protocol_state="END-OF-MESSAGE", queue_id=queue_id, recipient_count=str(len(recipients)),
                                   recipient=recipients[0] if len(recipients) == 1 else "", **common)]
