# SPDX-License-Identifier: ISC
"""Our two programs, installed for a rig: a configuration, the daemon's life, the command's runs."""
import json
import os
import pwd
import signal
import socket
import subprocess
import tempfile

from rig import HERE, milter_words, until

TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.path.join(TOP, os.environ.get("PQPURGE_BUILD", "build")))
MILTER = os.path.join(BUILD, "pqpurge-milter")
COMMAND = os.path.join(BUILD, "pqpurge-idx")
MEASURE = os.path.join(BUILD, "tools/measure")  # a prefix: MEASURE FILE COMMAND...
USER = "nobody"


def preload(name, **settings):
    """The environment for a shim of tests/shim. Fails if the file is missing, since ld.so would go on without it and the
    test would wait in vain."""
    path = os.path.join(BUILD, f"shim/{name}.so")
    if not os.path.exists(path):
        raise RuntimeError(f"{path} is missing (make programs-for-tests)")
    return {"LD_PRELOAD": path, **settings}


def wire(postfix, **options):
    """Puts our milter into a rig's configuration, before the rig starts."""
    words = milter_words(socket_path(postfix), **options)
    postfix.main += f"smtpd_milters = {words}\nnon_smtpd_milters = {words}\n"


def socket_path(postfix):
    return os.path.join(postfix.spool, "pqpurge/milter.sock")


class Result:
    """The output and status of one run of the command."""

    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __str__(self):
        return f"status {self.status}\n--- stdout\n{self.out}--- stderr\n{self.err}"

    @property
    def lines(self):
        """Its JSON objects; fails if a line is none."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def messages(self):
        """{queue ID: object}, without the summary."""
        return {line["queue_id"]: line for line in self.lines if "queue_id" in line}

    @property
    def summary(self):
        """The summary, which must be the last line."""
        return self.lines[-1]["summary"]

    def with_result(self, word):
        return {i for i, line in self.messages.items() if line["result"] == word}


class Pqpurge:
    """One configuration with its own index, in memory, and its own state. settings: keys of pqpurge.conf, as Python
    values."""

    def __init__(self, postfix, **settings):
        self.postfix = postfix
        self.home = tempfile.mkdtemp(prefix="pqpurge.", dir=postfix.directory)
        os.chmod(self.home, 0o755)
        self.conf = os.path.join(self.home, "pqpurge.conf")
        self.index = os.path.join(tempfile.mkdtemp(dir=postfix.memory), "index")
        os.chmod(os.path.dirname(self.index), 0o755)
        self.state = os.path.join(self.home, "state")
        self.rules = os.path.join(self.home, "rules")
        self.logfile = os.path.join(self.home, "log")
        self.process = None
        self.settings = {
            "socket": "unix:" + socket_path(postfix), "socket_group": "postfix", "user": USER,
            "index_directory": self.index, "index_map_size": "64M", "state_directory": self.state, "rules_file": self.rules,
            "postfix_config_directory": postfix.etc, "log": "stderr", "origin": "rig.test",
            "order_directory": os.path.join(self.home, "order"), "standing_directory": os.path.join(self.home, "standing"),
            **settings}
        self.make_directories()
        self.write_conf()

    def make_directories(self):
        owner = pwd.getpwnam(USER)
        for path in (self.index, self.state):
            os.makedirs(path, 0o700, exist_ok=True)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        sockets = os.path.dirname(socket_path(self.postfix))
        os.makedirs(sockets, exist_ok=True)
        os.chown(sockets, owner.pw_uid, pwd.getpwnam("postfix").pw_gid)
        os.chmod(sockets, 0o2750)

    def write_conf(self):
        def literal(value):
            if isinstance(value, bool):
                return "true" if value else "false"
            return f'"{value}"' if isinstance(value, str) else str(value)
        with open(self.conf, "w", encoding="utf-8") as file:
            for key, value in self.settings.items():
                file.write(f"{key} = {literal(value)}\n")

    def write_rules(self, text):
        """Replaces the rules file in one step, as an editor does."""
        with open(self.rules + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.rules + ".new", self.rules)

    # ---- the daemon

    def start(self, environment=None, prefix=()):
        """Starts pqpurge-milter; returns when it says READY=1."""
        path = os.path.join(self.home, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            if os.path.exists(path):
                os.unlink(path)
            notify.bind(path)
            os.chmod(path, 0o777)
            notify.settimeout(0.05)
            with open(self.logfile, "ab") as log:
                self.process = subprocess.Popen(
                    [*prefix, MILTER, "-c", self.conf], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**os.environ, "NOTIFY_SOCKET": path, **(environment or {})})
            self.postfix.guarded("+", self.process.pid)
            until(lambda: self._said_ready(notify), "READY=1 of pqpurge-milter")
        return self

    def _said_ready(self, notify):
        if self.process.poll() is not None:
            raise RuntimeError(f"pqpurge-milter ended with {self.process.returncode}\n{self.log()}")
        try:
            return b"READY=1" in notify.recv(4096).split(b"\n")
        except TimeoutError:
            return False

    def stop(self):
        """Sends SIGTERM; returns the exit status."""
        return self._end(signal.SIGTERM)

    def kill9(self):
        return self._end(signal.SIGKILL)

    def _end(self, number):
        if self.process is None:
            return None
        self.process.send_signal(number)
        until(lambda: self.process.poll() is not None, "pqpurge-milter's end")
        status = self.process.returncode
        self.postfix.guarded("-", self.process.pid)
        self.process = None
        return status

    def reload(self):
        """Returns when the rules file was read."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(60)
            control.connect(os.path.join(self.index, "control.sock"))
            control.sendall(b'{"do":"reload"}\n')
            control.recv(4096)

    def log(self):
        with open(self.logfile, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def index_file(self):
        return os.path.join(self.index, "index.mdb")

    def index_bytes(self):
        """The size of the index's file."""
        return os.stat(self.index_file).st_size

    def forget(self):
        """Removes the index's files; the daemon may be running."""
        for name in (self.index_file, self.index_file + "-lock"):
            if os.path.exists(name):
                os.unlink(name)

    def account(self):
        """The account on disk: its JSON objects, without a last line that was cut off."""
        try:
            with open(os.path.join(self.state, "log"), encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []

    # ---- the command

    def words(self, *args, prefix=()):
        return [*prefix, COMMAND, "-c", self.conf, *args]

    def idx(self, *args, input=None, prefix=(), timeout=120, **options):
        """Runs pqpurge-idx without any terminal. options: subprocess.run's (user=, env=)."""
        stdin = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        return Result(subprocess.run(self.words(*args, prefix=prefix), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True, timeout=timeout, check=False, **stdin, **options))

    def idx_start(self, *args, prefix=(), **options):
        """Starts pqpurge-idx; returns a Popen."""
        return subprocess.Popen(self.words(*args, prefix=prefix), stdin=subprocess.DEVNULL, **options)

    def listed(self, *args):
        """{queue ID: object} of `list --json`."""
        result = self.idx("list", "--json", *args)
        if result.status != 0:
            raise AssertionError(f"list {args}: {result}")
        return result.messages

    def hits(self):
        """{pattern: hits} of `rules --json`."""
        return {line["pattern"]: line["hits"] for line in self.idx("rules", "--json").lines}
