# SPDX-License-Identifier: ISC
"""Other people's milters, in the protocol's own bytes, for lists that also name ours: one passes all mail and counts it,
one changes it."""
import socketserver
import struct
import threading

NO_BODY, NO_HEADERS, NO_END_OF_HEADERS = 0x10, 0x20, 0x40
SILENT = b"DAK"  # macros, abort, and a new connection: no reply
ADD_RECIPIENTS, DELETE_RECIPIENTS, CHANGE_HEADERS, CHANGE_SENDER = 0x04, 0x08, 0x10, 0x40


class Session(socketserver.StreamRequestHandler):
    def packet(self):
        head = self.rfile.read(4)
        return self.rfile.read(struct.unpack("!I", head)[0]) if len(head) == 4 else b""

    def say(self, payload):
        self.wfile.write(struct.pack("!I", len(payload)) + payload)

    def handle(self):
        sender = b""
        while (packet := self.packet()) and packet[:1] != b"Q":
            if packet[:1] == b"O":
                self.say(b"O" + struct.pack("!III", 6, self.server.actions, NO_BODY | NO_HEADERS | NO_END_OF_HEADERS))
                continue
            if packet[:1] == b"M":
                self.server.mails += 1
                sender = packet[1:].partition(b"\0")[0]
            if packet[:1] == b"E":
                for change in self.server.changes(sender):
                    self.say(change)
            if packet[:1] not in SILENT:
                self.say(b"c")


class NullMilter(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1:port. mails: the number of MAIL commands that it saw."""

    allow_reuse_address = True
    daemon_threads = True
    actions = 0

    def __init__(self, port):
        self.mails = 0
        super().__init__(("127.0.0.1", port), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def changes(self, _):
        return ()


class Editor(NullMilter):
    """Changes some senders' mail at its end. edits: {sender: results of sender(), recipient() and so on}."""

    actions = ADD_RECIPIENTS | DELETE_RECIPIENTS | CHANGE_HEADERS | CHANGE_SENDER

    def __init__(self, port):
        self.edits = {}
        super().__init__(port)

    def changes(self, sender):
        return self.edits.get(sender.decode().strip("<>"), ())

    @staticmethod
    def sender(address):
        return f"e<{address}>\0".encode()

    @staticmethod
    def add_recipient(address):
        return f"+<{address}>\0".encode()

    @staticmethod
    def delete_recipient(address):
        return f"-<{address}>\0".encode()

    @staticmethod
    def header(name, value):
        """The first header of that name."""
        return b"m" + struct.pack("!I", 1) + f"{name}\0{value}\0".encode()
