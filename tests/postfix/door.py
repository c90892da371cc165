# SPDX-License-Identifier: ISC
"""The order door from outside: `order --listen` for a rig, and a client that writes its frames by hand, as any user."""
import grp
import os
import pwd
import struct
import subprocess
import time

HOLD, HOOK, VERB, FLEET, RULES = 1, 2, 3, 4, 5
KEYS = {"login": 1, "local": 2, "sender": 3, "client": 4, "domain": 5}
BEGIN, UPDATE, END = 1, 2, 3
FRAME_MAX = 64 << 10
DAY = 86400

OPERATORS = "operator"  # a group that every Debian has
MEMBER, STRANGER = "games", "bin"


def text(value):
    data = value.encode() + b"\0"
    return struct.pack("<I", len(data)) + data


def hold(key, value, since=None, until_=None, most=1000, token="flood:12", reason="test", code=None):
    until_ = time.time() + 60 if until_ is None else until_
    since = until_ - 3600 if since is None else since
    return (struct.pack("<BBBIqq", 1, HOLD, KEYS[key] if code is None else code, most, int(since * 1e6), int(until_ * 1e6))
            + text(value) + text(token) + text(reason))


def hook(event, **fields):
    out = struct.pack("<BBBI", 1, HOOK, event, len(fields))
    for name, value in fields.items():
        out += text(name)
        if isinstance(value, int):
            out += struct.pack("<Bq", 2, value)
        elif isinstance(value, str):
            out += b"\1" + text(value)
        else:
            out += struct.pack("<BI", 3, len(value)) + b"".join(map(text, value))
    return out


def verb(*words, answered=0, columns=0):
    return struct.pack("<BBBII", 1, VERB, answered, columns, len(words)) + b"".join(map(text, words))


TOKEN = "00000000-0000-4000-8000-0000000000%02d"


def fleet(verb_="purge", *pairs, token=TOKEN % 1, attempt=1, lookup=0, dry_run=0, age=0, by="anna", reason="", number=1):
    return (struct.pack("<BBQ", 1, FLEET, number) + text(token) + struct.pack("<IBB", attempt, lookup, dry_run) + text(verb_)
            + struct.pack("<q", age) + text(by) + text(reason) + struct.pack("<I", len(pairs))
            + b"".join(text(key) + text(value) for key, value in pairs))


def rules(*subjects, replace=1, more=0, action="REJECT", left=0):
    return (struct.pack("<BBBBI", 1, RULES, replace, more, len(subjects))
            + b"".join(text(s) + text(action) + text("") + text("") + text("anna") + struct.pack("<q", left) for s in subjects))


FLEET_ORDER = fleet("purge", ("author", "example.com"))


class Answer:
    """Root's answer: the verb's output, and its end. status None: the connection was closed without an answer."""

    def __init__(self, data):
        self.out = self.err = b""
        self.status = self.refused = self.batch = self.matched = self.done = self.failed = None
        self.words = self.flood = ""
        while len(data) >= 4:
            size, = struct.unpack_from("<I", data)
            kind, body, data = data[4], data[5:4 + size], data[4 + size:]
            if kind == 1:
                self.out += body
            elif kind == 2:
                self.err += body
            elif kind == 3:
                self.status, self.refused, self.batch, self.matched, self.done, self.failed = struct.unpack_from("<BBQQQQ", body)
                self.words = body[38:].rstrip(b"\0").decode()
            elif kind == 5:
                self.flood = body.decode()

    def __repr__(self):
        return f"status {self.status} words '{self.words}' done {self.done}\n{self.out.decode()}\n{self.err.decode()}"


# Runs as another user, whom the kernel then reports: connects to argv[1], sends stdin, and prints the answer.
CLIENT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
try:
    s.connect(sys.argv[1])
except OSError as e:
    sys.exit(f"connect: {e}")
try:
    s.sendall(sys.stdin.buffer.read())
except (BrokenPipeError, ConnectionResetError):
    pass
out = sys.stdout.buffer
try:
    while True:
        data = s.recv(65536)
        if not data:
            break
        out.write(data)
except ConnectionResetError:
    pass
"""


# Connects argv[2] times to argv[1], sends nothing, and prints the answer to each connection.
SILENT = """
import socket, sys
all = []
for _ in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sys.argv[1])
    all.append(s)
print("connected", flush=True)
for s in all:
    answer = b""
    try:
        while data := s.recv(65536):
            answer += data
    except ConnectionResetError:
        pass
    print(answer, flush=True)
"""


class Door:
    """`pqpurge-idx order --listen` of an installation."""

    def __init__(self, pq):
        self.pq, self.process = pq, None
        self.directory = pq.settings["order_directory"]

    def open(self, environment=None):
        self.process = subprocess.Popen(self.pq.words("order", "--listen"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.pq.postfix.guarded("+", self.process.pid)
        line = self.process.stdout.readline()
        if not line.startswith("Listening"):
            raise RuntimeError(f"order --listen: {line}{self.process.stderr.read()}")
        return self

    def close(self):
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()
        self.process.stderr.close()
        self.pq.postfix.guarded("-", self.process.pid)
        self.process = None

    def path(self, name):
        return os.path.join(self.directory, name + ".sock")

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return file.read().split()

    def send(self, name, payload, user, groups=(), raw=False):
        """Sends one frame as user; returns the Answer. PermissionError: the socket does not let that user in."""
        data = payload if raw else struct.pack("<I", len(payload)) + payload
        done = subprocess.run(["/usr/bin/python3", "-c", CLIENT, self.path(name)], input=data, capture_output=True, timeout=120,
                              check=False, **identity(user, groups))
        if done.returncode != 0:
            raise PermissionError(done.stderr.decode())
        return Answer(done.stdout)


def identity(user, groups=()):
    """subprocess.run's arguments to run as that user, in these groups alone."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": [grp.getgrnam(g).gr_gid for g in groups]}
