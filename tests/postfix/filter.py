# SPDX-License-Identifier: ISC
"""A content filter as in Postfix's FILTER_README: takes mail over SMTP, marks it, and gives it back to another smtpd."""
import socketserver
import threading

from smtp import Smtp


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def content(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def give_back(self, sender, recipients, content):
        """The verdict of the smtpd behind the filter is the filter's."""
        with Smtp(self.server.back) as client:
            self.server.passed.append(client.message(sender, recipients, b"X-Filtered: yes\r\n" + content))

    def handle(self):
        sender, recipients = "", []
        self.say("220 filter.test")
        while line := self.rfile.readline():
            words = line.decode().strip()
            verb = words[:4].upper()
            if verb == "MAIL":
                sender, recipients = words.partition("<")[2].partition(">")[0], []
            elif verb == "RCPT":
                recipients.append(words.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                self.say("354 go on")
                self.give_back(sender, recipients, self.content())
            self.say("221 bye" if verb == "QUIT" else "250 filter.test")
            if verb == "QUIT":
                return


class Filter(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1:port, gives back to 127.0.0.1:back. passed: the queue IDs that mail got there."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port, back):
        self.back, self.passed = back, []
        super().__init__(("127.0.0.1", port), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()
