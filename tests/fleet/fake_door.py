# SPDX-License-Identifier: ISC
"""Root's order door under the test's control: listens at daemon.sock, keeps what the agent sent, and answers as the test
says. With it an agent needs no Postfix."""
import os
import socket
import struct
import threading

FLEET, RULES = 4, 5
SAYS, COMPLAINS, ENDS, PROGRESS = 1, 2, 3, 4
HEALTH = b'{"version":"0","daemon":true,"queued":1}'


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def text(self):
        size = self.take("I")
        self.at += size
        return self.data[self.at - size:self.at - 1].decode()


def read_fleet(r):
    order = {"number": r.take("Q"), "token": r.text(), "attempt": r.take("I"), "lookup": r.take("B"), "dry_run": r.take("B"),
             "verb": r.text(), "age": r.take("q"), "placed_by": r.text(), "reason": r.text()}
    order["pairs"] = [(r.text(), r.text()) for _ in range(r.take("I"))]
    return order


def read_rules(r):
    rules = {"replace": r.take("B"), "more": r.take("B")}
    rules["rules"] = [{**{name: r.text() for name in ("subject", "action", "text", "reason", "set_by")}, "left": r.take("q")}
                      for _ in range(r.take("I"))]
    return rules


def answer(kind, body):
    return struct.pack("<IB", len(body) + 1, kind) + body


def end(status=0, refused=False, batch=0, matched=0, done=0, failed=0, words=""):
    text = words.encode() + b"\0"
    return answer(ENDS, struct.pack("<BBQQQQI", status, refused, batch, matched, done, failed, len(text)) + text)


def progress(done, total):
    return answer(PROGRESS, struct.pack("<QQ", done, total))


class FakeDoor:
    """on_order(order, connection): called in a thread; sends answers. By default each order is done at once."""

    def __init__(self, directory):
        self.orders, self.rules, self.health = [], [], 0
        self.on_order = lambda order, connection: connection.sendall(end())
        self.rules_end = end()
        os.makedirs(directory, 0o755, exist_ok=True)
        path = os.path.join(directory, "daemon.sock")
        if os.path.exists(path):
            os.unlink(path)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    @staticmethod
    def frame(connection):
        head = connection.recv(4, socket.MSG_WAITALL)
        return connection.recv(struct.unpack("<I", head)[0], socket.MSG_WAITALL)

    def talk(self, connection):
        with connection:
            try:
                self.answer(connection)
            except (OSError, struct.error):
                pass  # the agent was killed

    def answer(self, connection):
        data = self.frame(connection)
        reader = Reader(data[2:])
        if data[1] == RULES:
            whole = read_rules(reader)
            while whole["more"]:
                more = read_rules(Reader(self.frame(connection)[2:]))
                whole["rules"] += more["rules"]
                whole["more"] = more["more"]
            self.rules.append(whole)
            connection.sendall(self.rules_end)
            return
        order = read_fleet(reader)
        if order["verb"] == "health":
            self.health += 1
            connection.sendall(answer(SAYS, HEALTH) + end())
            return
        self.orders.append(order)
        self.on_order(order, connection)

    def close(self):
        self.socket.close()
