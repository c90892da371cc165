# SPDX-License-Identifier: ISC
"""A milter that lets all mail pass and counts it, in the protocol's own bytes: a filter of somebody else, in a list beside ours."""
import socketserver
import struct
import threading

NO_BODY, NO_HEADERS, NO_END_OF_HEADERS = 0x10, 0x20, 0x40
SILENT = b"DAK"  # macros, abort, and a new connection: no reply


class Session(socketserver.StreamRequestHandler):
    def packet(self):
        head = self.rfile.read(4)
        return self.rfile.read(struct.unpack("!I", head)[0]) if len(head) == 4 else b""

    def say(self, payload):
        self.wfile.write(struct.pack("!I", len(payload)) + payload)

    def handle(self):
        while (packet := self.packet()) and packet[:1] != b"Q":
            if packet[:1] == b"O":
                self.say(b"O" + struct.pack("!III", 6, 0, NO_BODY | NO_HEADERS | NO_END_OF_HEADERS))
                continue
            if packet[:1] == b"M":
                self.server.mails += 1
            if packet[:1] not in SILENT:
                self.say(b"c")


class NullMilter(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1:port. mails: how many MAIL commands it was asked about."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port):
        self.mails = 0
        super().__init__(("127.0.0.1", port), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()
