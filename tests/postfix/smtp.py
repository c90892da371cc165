# SPDX-License-Identifier: ISC
"""A small SMTP client that hides nothing: the test writes every command and sees every reply, in bytes if it wants."""
import re
import socket

QUEUED = re.compile(r"queued as (\S+)")


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


class Refused(Exception):
    """A reply that the caller did not expect."""

    def __init__(self, code, text):
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


class Smtp:
    """One connection. Usable as a context manager; leaving it says QUIT."""

    def __init__(self, port, helo="client.test", timeout=60):
        self.socket = self.connect(port, timeout)
        self.stream = self.socket.makefile("rb")
        self.helo = helo
        self.expect(2, self.reply())
        self.ehlo()

    def connect(self, port, timeout):
        return socket.create_connection(("127.0.0.1", port), timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.command("QUIT")
        except OSError:
            pass
        self.drop()

    def drop(self):
        """Closes the connection without QUIT."""
        self.stream.close()
        self.socket.close()

    def reply(self):
        lines = []
        while True:
            line = self.stream.readline()
            if not line:
                raise ConnectionError("the server closed the connection")
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            lines.append(text[4:])
            if text[3:4] != "-":
                return int(text[:3]), "\n".join(lines)

    def send(self, *lines):
        self.socket.sendall(b"".join(as_bytes(line) + b"\r\n" for line in lines))

    def command(self, line):
        self.send(line)
        return self.reply()

    @staticmethod
    def expect(kind, reply):
        if reply[0] // 100 != kind:
            raise Refused(*reply)
        return reply

    def ehlo(self):
        self.expect(2, self.command("EHLO " + self.helo))

    def xclient(self, **attributes):
        """Becomes another client (needs smtpd_authorized_xclient_hosts): ADDR=, LOGIN=, PORT= ..."""
        words = " ".join(f"{name}={value}" for name, value in attributes.items())
        self.expect(2, self.command("XCLIENT " + words))
        self.ehlo()

    def mail(self, sender, *options):
        """MAIL FROM; sender is the text between the angle brackets."""
        return self.command(b" ".join([b"MAIL FROM:<" + as_bytes(sender) + b">", *map(as_bytes, options)]))

    def rcpt(self, recipient):
        return self.command(b"RCPT TO:<" + as_bytes(recipient) + b">")

    def data(self, content):
        """Sends DATA with content (LF or CRLF line ends; dots are stuffed); returns the final reply."""
        self.expect(3, self.command("DATA"))
        return self.finish(content)

    def finish(self, content):
        lines = as_bytes(content).replace(b"\r\n", b"\n").split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        self.send(*[b"." + line if line.startswith(b".") else line for line in lines], b".")
        return self.reply()

    def message(self, sender, recipients, content, *options):
        """Sends one whole message; returns its queue ID. Raises Refused at the first refusal."""
        if isinstance(recipients, (str, bytes)):
            recipients = [recipients]
        self.expect(2, self.mail(sender, *options))
        for recipient in recipients:
            self.expect(2, self.rcpt(recipient))
        return queue_id(self.expect(2, self.data(content)))

    def pipelined(self, sender, recipient, content):
        """Sends one whole message with MAIL, RCPT and DATA in one write; returns its queue ID."""
        self.send(f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA")
        for kind in (2, 2, 3):
            self.expect(kind, self.reply())
        return queue_id(self.expect(2, self.finish(content)))


def queue_id(reply):
    found = QUEUED.search(reply[1])
    if not found:
        raise Refused(*reply)
    return found.group(1)


def content(author="someone@else.test", subject="test", body="Hello.\n", extra=""):
    """A plain message. extra: further header lines, each with its line end."""
    return f"From: {author}\nTo: u@dest.test\nSubject: {subject}\n{extra}\n{body}"
