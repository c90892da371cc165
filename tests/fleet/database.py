# SPDX-License-Identifier: ISC
"""A private PostgreSQL on a free port of 127.0.0.1, with TLS and its own authority, run by an unprivileged user.

    server = Server().start()
    server.client("mx1")          a directory with that name's key and certificate
    server.psql("f1", "mx1", "SELECT 1")

Roles belong to the server, so each test has its own database (`database()`), and the roles stay. However the test ends,
the server is killed and its directory removed."""
import atexit
import glob
import grp
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

from pqpurge import BUILD
from rig import HERE as RIG, free_port, until

LINK = os.path.join(BUILD, "pqpurge-link")
BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[4]))[-1]
USER = "postgres"  # Debian's package makes it
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}

CONF = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{d}/socket'
ssl = on
ssl_cert_file = '{d}/keys/localhost/postgresql.crt'
ssl_key_file = '{d}/keys/localhost/postgresql.key'
ssl_ca_file = '{d}/keys/root.crt'
max_connections = {connections}
shared_buffers = 32MB
fsync = {fsync}
logging_collector = off
log_connections = on
hot_standby = on
wal_level = replica
max_wal_senders = 3
"""
HBA = """
local all,replication postgres trust
hostssl {databases} +pqpurge_host 127.0.0.1/32 cert map=fleet
hostssl {databases} +pqpurge_operator 127.0.0.1/32 cert map=fleet
hostssl {databases} +pqpurge_reader 127.0.0.1/32 cert map=fleet
"""
DATABASES = ",".join(f"fleet{number}" for number in range(1, 121))
IDENT = "fleet /^([a-z0-9][a-z0-9.-]*)$ \\1\n"


def run(*words, **options):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def as_user(user, *words):
    """The words of a command as that user, killed when we die."""
    return ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups", "--pdeathsig=KILL", *words]


class Keys:
    """An authority, and a directory for each name: postgresql.key, postgresql.crt, root.crt."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, 0o755)
        self.make("root", "-x509", name="an authority")

    def path(self, name, file):
        return os.path.join(self.directory, name, file)

    def make(self, which, *words, name=None):
        os.makedirs(os.path.join(self.directory, which), 0o755)
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch", "-days", "2",
            "-subj", f"/CN={name or which}", "-keyout", self.path(which, "postgresql.key"),
            "-out", self.path(which, "postgresql.crt"), *words)
        if which == "root":
            shutil.copy(self.path(which, "postgresql.crt"), os.path.join(self.directory, "root.crt"))

    def client(self, name, owner="root", authority=None):
        """The directory of this name; its key belongs to owner."""
        if not os.path.isdir(os.path.join(self.directory, name)):
            ca = (authority or self).path("root", "postgresql")
            self.make(name, "-x509", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-addext",
                      "subjectAltName=DNS:" + name + (",IP:127.0.0.1" if name == "localhost" else ""))
        os.chmod(self.path(name, "postgresql.key"), 0o600)
        shutil.chown(self.path(name, "postgresql.key"), owner)
        return os.path.join(self.directory, name)


class Server:
    """One PostgreSQL. of: a running server for which this one is a standby."""

    def __init__(self, connections=60, of=None, fsync="off"):
        self.directory = tempfile.mkdtemp(prefix="pqpurge-fleet.")
        os.chmod(self.directory, 0o755)
        self.port, self.connections, self.fsync = free_port(), connections, fsync
        self.data, self.socket = (os.path.join(self.directory, name) for name in ("data", "socket"))
        self.process, self.names = None, itertools.count(1)
        self.guard = subprocess.Popen([sys.executable, "-IS", os.path.join(RIG, "guard.py"), self.directory, self.directory],
                                      stdin=subprocess.PIPE, start_new_session=True)
        atexit.register(self.close)
        for path in (self.data, self.socket):
            os.mkdir(path, 0o700 if path == self.data else 0o755)
            shutil.chown(path, USER)
        self.keys = of.keys if of else Keys(os.path.join(self.directory, "keys"))
        key = os.path.join(self.keys.client("localhost"), "postgresql.key")
        os.chown(key, 0, grp.getgrnam(USER).gr_gid)
        os.chmod(key, 0o640)
        self.fill(of)

    def fill(self, of):
        if of:
            run(*as_user(USER, os.path.join(BIN, "pg_basebackup"), "-h", of.socket, "-p", str(of.port), "-U", "postgres", "-R", "-D",
                         self.data), cwd="/")
        else:
            run(*as_user(USER, os.path.join(BIN, "initdb"), "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
                         "-A", "trust", "--no-sync"), cwd="/")
        conf = CONF.format(d=self.directory, port=self.port, connections=self.connections, fsync=self.fsync)
        for name, text in (("postgresql.conf", conf.replace(self.directory + "/keys", self.keys.directory)), ("pg_hba.conf", HBA.format(databases=DATABASES)),
                           ("pg_ident.conf", IDENT)):
            with open(os.path.join(self.data, name), "w", encoding="ascii") as file:
                file.write(text)

    # ---- life

    def start(self):
        self.log = open(os.path.join(self.directory, "log"), "ab")
        self.process = subprocess.Popen(as_user(USER, os.path.join(BIN, "postgres"), "-D", self.data), stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, cwd="/")
        self.tell_guard("+")
        until(self.answers, "PostgreSQL", 120)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended with {self.process.returncode}\n{self.words()}")
        return subprocess.run([os.path.join(BIN, "pg_isready"), "-q", "-h", self.socket, "-p", str(self.port)],
                              check=False).returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: at once, in order. SIGQUIT: like a crash."""
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(120)
        self.tell_guard("-")
        self.process = None
        self.log.close()

    def pause(self):
        """Like a machine that hangs: connections stay open, nothing answers."""
        self.signal_all(signal.SIGSTOP)

    def resume(self):
        self.signal_all(signal.SIGCONT)

    def signal_all(self, number):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            children = [int(pid) for pid in file.read().split()]
        for pid in [self.process.pid, *children]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def promote(self):
        run(*as_user(USER, os.path.join(BIN, "pg_ctl"), "promote", "-w", "-D", self.data), cwd="/")

    def close(self):
        if not os.path.isdir(self.directory):
            return
        atexit.unregister(self.close)
        if self.process:
            self.resume()
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.guard.stdin.close()
        self.guard.wait(30)

    def tell_guard(self, sign):
        self.guard.stdin.write(f"{sign}{self.process.pid}\n".encode())
        self.guard.stdin.flush()

    def words(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    # ---- asking

    def database(self):
        """Makes a new, empty database; returns its name."""
        name = f"fleet{next(self.names)}"
        self.admin("postgres", f"CREATE DATABASE {name}")
        return name

    def local(self, database):
        """The conninfo of the superuser."""
        return f"host={self.socket} port={self.port} dbname={database} user=postgres"

    def remote(self, database, name, owner="root", others=""):
        """The conninfo for the holder of that name's certificate; others: further servers' ports, "5433,5434"."""
        keys = self.keys.client(name, owner)
        count = 1 + len(others.split(",")) if others else 1
        return (f"host={','.join(['localhost'] * count)} hostaddr={','.join(['127.0.0.1'] * count)} "
                f"port={self.port}{',' + others if others else ''} dbname={database} user={name} "
                f"sslmode=verify-full sslrootcert={self.keys.directory}/root.crt "
                f"sslcert={keys}/postgresql.crt sslkey={keys}/postgresql.key")

    def ask(self, conninfo, sql):
        """Runs psql: rows without a head, fields separated by '|'."""
        # Debian's psql in /usr/bin is a wrapper in Perl, which takes six times as long.
        words = [os.path.join(BIN, "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-d", conninfo, "-c", sql]
        return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=120)

    def admin(self, database, sql):
        """The result as the superuser: a list of lines."""
        done = self.ask(self.local(database), sql)
        if done.returncode != 0:
            raise RuntimeError(f"{sql}\n{done.stderr}")
        return done.stdout.splitlines()
