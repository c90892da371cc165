# SPDX-License-Identifier: ISC
"""A SASL server with Dovecot's protocol, for smtpd_sasl_type = dovecot. It accepts PLAIN with the password "secret"
for any user."""
import base64
import os
import pwd
import socketserver
import threading


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00\nDONE\n")
        for line in self.rfile:
            words = line.decode().rstrip("\n").split("\t")
            if words[0] != "AUTH":
                continue
            response = next(w for w in words if w.startswith("resp="))[5:]
            _, user, password = base64.b64decode(response).decode().split("\0")
            answer = f"OK\t{words[1]}\tuser={user}\n" if password == "secret" else f"FAIL\t{words[1]}\tuser={user}\n"
            self.wfile.write(answer.encode())


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def serve(path):
    """Starts to serve there; returns the server, to be shut down."""
    server = Server(path, Handler)
    os.chown(path, pwd.getpwnam("postfix").pw_uid, -1)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def plain(user, password="secret"):
    """The command that logs in."""
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode()
