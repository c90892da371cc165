# SPDX-License-Identifier: ISC
"""The daemon under test, in its own directory: configuration, start, stop, its log, its index."""
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import milter_client

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("PQPURGE_BUILD", os.path.join(HERE, "../../build")))
MILTER = os.path.join(BUILD, "pqpurge-milter")
DUMP = os.path.join(BUILD, "tools/index_dump")
SHIM = os.path.join(BUILD, "shim/stall.so")
MILTERTEST = shutil.which("miltertest")
# libmilter never joins its threads.
TSAN = "suppressions=%s report_thread_leaks=0" % os.path.join(HERE, "tsan.supp")
USER = "nobody"
SANITIZED = any(name in os.path.basename(BUILD) for name in ("asan", "tsan"))
# enum message_flag
CUT_RECIPIENTS, CUT_FROM, HELD = 1 << 1, 1 << 3, 1 << 6


def until(what, seconds=20):
    """Waits for a condition and returns its value; None after the timeout."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.01)
    return None


class Daemon:
    """One configuration and the process that runs with it."""

    def __init__(self, **settings):
        self.home = tempfile.mkdtemp(prefix="pqp.")
        os.chmod(self.home, 0o755)
        self.index = os.path.join(self.home, "index")
        self.state = os.path.join(self.home, "state")
        self.socket = os.path.join(self.home, "s/milter.sock")
        self.rules_file = os.path.join(self.home, "rules")
        self.log_file = os.path.join(self.home, "log")
        self.shim_dir = os.path.join(self.home, "shim")
        os.mkdir(self.shim_dir, 0o755)
        self.settings = dict(socket="unix:" + self.socket, user=USER, index_directory=self.index,
                             state_directory=self.state, index_map_size="64M", rules_file=self.rules_file, log="stderr",
                             socket_group="postfix")
        self.settings.update(settings)
        self.process = None
        self.write_config()

    def write_config(self):
        def word(value):
            if isinstance(value, bool):
                return "true" if value else "false"
            return '"%s"' % value if isinstance(value, str) else str(value)
        with open(self.config_file, "w") as f:
            for key, value in self.settings.items():
                f.write("%s = %s\n" % (key, word(value)))

    @property
    def config_file(self):
        return os.path.join(self.home, "pqpurge.conf")

    # ---- its life

    def launch(self, *options, shim=False, pass_fds=(), **more):
        # The shim is preloaded before the sanitizer's own library.
        env = dict(os.environ, TSAN_OPTIONS=TSAN, ASAN_OPTIONS="verify_asan_link_order=0", **more)
        if shim:
            env.update(LD_PRELOAD=SHIM, PQPURGE_SHIM_DIR=self.shim_dir, PQPURGE_SHIM_UNDER=self.state)
        log = open(self.log_file, "ab")
        return subprocess.Popen([MILTER, "-c", self.config_file, *options], stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log, env=env, pass_fds=pass_fds)

    def start(self, *options, shim=False, pass_fds=()):
        """Starts it and waits for READY=1."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            path = os.path.join(self.home, "notify")
            if os.path.exists(path):
                os.unlink(path)
            ready.bind(path)
            os.chmod(path, 0o666)
            ready.settimeout(0.1)
            self.process = self.launch("-v", *options, shim=shim, pass_fds=pass_fds, NOTIFY_SOCKET=path)
            for _ in range(300):
                try:
                    if b"READY=1" in ready.recv(4096):
                        return self
                except socket.timeout:
                    pass
                if self.process.poll() is not None:
                    break
        raise AssertionError("the daemon did not become ready:\n" + self.log)

    def run(self, *options):
        """Runs it to its end, to which it must come without help; (status, output)."""
        done = subprocess.run([MILTER, "-c", self.config_file, *options], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return done.returncode, done.stdout.decode()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(30)
        self.process = None
        return status

    def destroy(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- its output

    @property
    def log(self):
        with open(self.log_file, "rb") as f:
            return f.read().decode(errors="replace")

    def wait_log(self, text, seconds=20):
        if not until(lambda: text in self.log, seconds):
            raise AssertionError("not in the log: %r\n%s" % (text, self.log[-4000:]))

    def client(self, **more):
        return milter_client.Client(self.socket, **more)

    def rules(self, text):
        """Replaces the rules file as an editor does."""
        with open(self.rules_file + ".new", "w") as f:
            f.write(text)
        os.chmod(self.rules_file + ".new", 0o644)
        os.rename(self.rules_file + ".new", self.rules_file)

    def shim(self, what, on=True):
        path = os.path.join(self.shim_dir, what)
        if on:
            open(path, "w").close()
        else:
            os.unlink(path)

    def dump(self):
        done = subprocess.run([DUMP, self.index], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        if done.returncode or done.stderr:
            raise AssertionError("index_dump: " + done.stderr.decode())
        return [json.loads(line) for line in done.stdout.splitlines()]

    def messages(self):
        """{queue ID: record}"""
        return {r["queue_id"]: r for r in self.dump()}

    # ---- the control socket

    def control(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(20)
        s.connect(os.path.join(self.index, "control.sock"))
        return s

    def ask(self, what, **members):
        """Sends one request on its own connection; returns the answer."""
        with self.control() as s:
            return ask(s, what, **members)[0]

    def status(self):
        return self.ask("status")

    def hits(self):
        """{pattern: hits} of the rules in force"""
        return {r["pattern"]: r["hits"] for r in self.ask("rules")["rules"]}


def ask(connection, what, body=None, **members):
    """(the answer, and the content of its memory file or None); skips lines that say that it is at work."""
    line = json.dumps(dict(do=what, **members)).encode() + b"\n"
    if body is None:
        connection.sendall(line)
    else:
        socket.send_fds(connection, [line], [body])
    return receive(connection)


def receive(connection):
    while True:
        line, file = receive_line(connection)
        if "working" not in line:
            return line, file


def receive_line(connection):
    got, file = b"", None
    while not got.endswith(b"\n"):
        part, fds, _, _ = socket.recv_fds(connection, 1, 1)
        if not part:
            raise milter_client.Closed()
        got += part
        for fd in fds:
            with os.fdopen(fd, "rb") as f:
                file = f.read()
    return json.loads(got), file


def sealed(content):
    """A memory file as the protocol requires; the caller closes it."""
    fd = os.memfd_create("body", os.MFD_ALLOW_SEALING)
    os.write(fd, content)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL)
    return fd


class DaemonCase(unittest.TestCase):
    """A test with its own daemon, whose log is shown on failure."""
    settings = {}

    def setUp(self):
        self.daemon = Daemon(**self.settings)

    def tearDown(self):
        try:
            if self.daemon.process and self.daemon.process.poll() is None:
                self.assertEqual(0, self.daemon.stop(), self.daemon.log)
            log = self.daemon.log if os.path.exists(self.daemon.log_file) else ""
            self.assertNotIn("Sanitizer", log, log[-6000:])
        finally:
            self.daemon.destroy()
