# SPDX-License-Identifier: ISC
"""A content filter as in Postfix's FILTER_README: takes mail over SMTP, marks it, and gives it back to another smtpd. It
behaves like amavis: it adds its own Received header on top and keeps all others. With xforward it passes on the first
client's XFORWARD."""
import re
import socketserver
import threading

from rig import until
from smtp import Smtp

PICKED_UP = re.compile(r"pickup\[\d+\]: (\w+): uid=")

RECEIVED = ("Received: from rig.test ([127.0.0.1])\r\n\tby localhost (filter.test [127.0.0.1]) (amavisd-new, port 10024)\r\n"
            "\twith ESMTP id 0-filter-0 for <u@dest.test>;\r\n\tMon, 23 Nov 2026 18:49:21 +0000 (UTC)\r\n"
            "X-Filtered: yes\r\n")


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def greet(self):
        if self.server.xforward:
            self.say("250-filter.test\r\n250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")
        else:
            self.say("250 filter.test")

    def content(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def handle(self):
        sender, recipients, forward = "", [], []
        self.say("220 filter.test ESMTP")
        while line := self.rfile.readline():
            words = line.decode().strip()
            verb = words[:4].upper()
            if verb == "EHLO":
                self.greet()
                continue
            if verb == "XFOR":
                forward.append(words)
            elif verb == "MAIL":
                sender, recipients = words.partition("<")[2].partition(">")[0], []
            elif verb == "RCPT":
                recipients.append(words.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                self.say("354 go on")
                self.say("250 2.0.0 Ok: queued as " + self.server.give_back(sender, recipients, forward, self.content()))
                forward = []
                continue
            self.say("221 bye" if verb == "QUIT" else "250 filter.test")
            if verb == "QUIT":
                return


class Filter(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1:port, gives back to 127.0.0.1:back. passed: the queue IDs that mail got there. address: the
    host on which it seems to run (the smtpd behind it must accept XCLIENT)."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port, back, xforward=False, address=None):
        self.back, self.xforward, self.address, self.passed = back, xforward, address, []
        super().__init__(("127.0.0.1", port), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def give_back(self, sender, recipients, forward, content):
        """Returns the new queue ID. The filter answers with the verdict of the smtpd behind it."""
        with Smtp(self.back) as client:
            if self.address:
                client.xclient(ADDR=self.address, NAME="filter.test")
            for line in forward:
                client.expect(2, client.command(line))
            self.passed.append(client.message(sender, recipients, RECEIVED.encode() + content))
            return self.passed[-1]


class SendmailFilter(Filter):
    """Gives mail back by sendmail(1), as the simple filter of FILTER_README does: it adds no header and forwards nothing.
    postfix: the rig whose sendmail it calls."""

    def __init__(self, port, postfix):
        self.postfix = postfix
        super().__init__(port, None)

    def taken(self):
        """The queue IDs of the mail that pickup has taken up so far."""
        return PICKED_UP.findall(self.postfix.log())

    def give_back(self, sender, recipients, _, content):
        before = len(self.taken())
        self.postfix.sendmail(sender, recipients, content, "-G", "-i")
        self.passed.append(until(lambda: self.taken()[before:], "mail that pickup takes up")[0])
        return self.passed[-1]
