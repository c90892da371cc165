# SPDX-License-Identifier: ISC
"""A raw milter client: Postfix's side of the protocol byte by byte, and what Postfix would never send."""
import socket
import struct

# Actions and steps as Postfix 3.7 offers them.
ACTIONS = 0x1FF
QUARANTINE = 0x20
NOCONNECT, NOHELO, NOMAIL, NORCPT, NOBODY, NOHDRS, NOEOH = (1 << n for n in range(7))
NR_HDR, NOUNKNOWN, NODATA, SKIP, RCPT_REJ, NR_CONN = (1 << n for n in range(7, 13))
NR_HELO, NR_MAIL, NR_RCPT, NR_DATA, NR_UNKN, NR_EOH, NR_BODY, HDR_LEADSPC = (1 << n for n in range(13, 21))
STEPS = (1 << 21) - 1

CONTINUE, REJECT, TEMPFAIL, DISCARD, ACCEPT = b"c", b"r", b"t", b"d", b"a"
REPLY, HOLD = b"y", b"q"


def terminated(*texts):
    return b"".join((t if isinstance(t, bytes) else t.encode()) + b"\0" for t in texts)


class Closed(Exception):
    """The filter closed the connection."""


class Client:
    """One connection to the filter."""

    def __init__(self, path, timeout=20, steps=STEPS, actions=ACTIONS, negotiate=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.steps, self.actions, self.lists = 0, 0, {}
        if negotiate:
            self.negotiate(steps, actions)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- packets

    def send(self, command, data=b""):
        self.socket.sendall(struct.pack(">I", len(data) + 1) + command + data)

    def take(self, length):
        got = b""
        while len(got) < length:
            try:
                part = self.socket.recv(length - len(got))
            except ConnectionError:
                part = b""
            if not part:
                raise Closed()
            got += part
        return got

    def receive(self):
        length, = struct.unpack(">I", self.take(4))
        packet = self.take(length)
        return packet[:1], packet[1:]

    def reply(self):
        """The final reply to one event, and what came before it: (reply, text, [modifications])."""
        before = []
        while True:
            command, data = self.receive()
            if command in (CONTINUE, REJECT, TEMPFAIL, DISCARD, ACCEPT, REPLY):
                return command, data.rstrip(b"\0").decode(), before
            before.append((command, data))

    def silent(self, seconds=0.05):
        """True if the filter sends nothing for a moment."""
        self.socket.settimeout(seconds)
        try:
            return not self.socket.recv(1)
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(20)

    # ---- events

    def negotiate(self, steps=STEPS, actions=ACTIONS):
        self.send(b"O", struct.pack(">III", 6, actions, steps))
        command, data = self.receive()
        assert command == b"O", command
        _, self.actions, self.steps = struct.unpack(">III", data[:12])
        rest = data[12:]
        while len(rest) > 4:
            stage, = struct.unpack(">I", rest[:4])
            text, _, rest = rest[4:].partition(b"\0")
            self.lists[stage] = text.decode()

    def macros(self, command, **values):
        names = (("{%s}" % n if len(n) > 1 else n, v) for n, v in values.items())
        self.send(b"D", command + terminated(*(x for pair in names for x in pair)))

    def answer(self, silent_step):
        """CONTINUE at once if no reply was negotiated for the step."""
        return (CONTINUE, "", []) if self.steps & silent_step else self.reply()

    def connect(self, host="client.example", address="192.0.2.7", port=2525, local=None):
        if local:
            self.macros(b"C", i=local)
        family = b"6" if ":" in address else b"4"
        self.send(b"C", terminated(host) + family + struct.pack(">H", port) + terminated(address))
        return self.answer(NR_CONN)

    def mail(self, sender="<a@example.com>", login=None, *arguments):
        if login:
            self.macros(b"M", auth_authen=login)
        self.send(b"M", terminated(sender, *arguments))
        return self.reply()

    def rcpt(self, recipient="<b@example.net>", queue_id=None):
        """queue_id: of the file that Postfix has open by then."""
        self.macros(b"R", **({"i": queue_id} if queue_id else {}))
        self.send(b"R", terminated(recipient))
        return self.answer(NR_RCPT)

    def data(self, queue_id):
        """Postfix sends a step's macros even if the step is skipped; here it has none of those asked for."""
        self.macros(b"T", **({"i": queue_id} if "i" in self.lists.get(4, "i").split() else {"client_addr": "192.0.2.7"}))

    def header(self, name, value):
        self.send(b"L", terminated(name, value))
        return self.answer(NR_HDR)

    def end(self, queue_id="0123456789A", login=None):
        values = {}
        if queue_id:
            values["i"] = queue_id
        if login:
            values["auth_authen"] = login
        self.macros(b"E", **values)
        if not self.steps & NOEOH:
            self.send(b"N")
            self.reply()
        self.send(b"E")
        return self.reply()

    def abort(self):
        self.send(b"A")

    def quit(self):
        self.send(b"Q")

    def message(self, queue_id, sender="<a@example.com>", recipients=("<b@example.net>",), headers=(), login=None):
        """Sends a whole message; returns the final reply."""
        answer = self.mail(sender, login)
        if answer[0] != CONTINUE:
            return answer
        for n, recipient in enumerate(recipients):
            self.rcpt(recipient, queue_id if n else None)
        if queue_id:
            self.data(queue_id)
        for name, value in headers:
            self.header(name, value)
        return self.end(queue_id, login)


def queue_id(number):
    """A short queue ID for this number alone, with its own inode."""
    return "%05X%X" % (number % 1000000, 4096 + number)
