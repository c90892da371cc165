# SPDX-License-Identifier: ISC
"""A private Postfix under one temporary directory, on a free port of 127.0.0.1. All mail stays deferred, and none leaves:
if Postfix is made to try mail that defer_transports parks, it finds a relayhost on which nobody listens. It asks no
name server, whose answer would bounce mail into a later test. A second directory, in memory, is for the index.

    with PrivatePostfix(long_ids=True) as postfix:
        with postfix.smtp() as client:
            queue_id = client.message("a@b.test", "u@dest.test", content())
        postfix.settled(1)

Needs root and Debian's postfix package. However the test ends (an exception, ^C, SIGTERM, kill -9), Postfix is stopped
and both directories are removed."""
import atexit
import collections
import contextlib
import grp
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import spool
from copies import Copier
from process import has_ended
from smtp import Smtp

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICES = "/usr/share/postfix/master.cf.dist"
DAEMONS = "/usr/lib/postfix/sbin"
COMMANDS = "/usr/sbin"

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {d}/spool
data_directory = {d}/data
command_directory = {commands}
daemon_directory = {daemons}
meta_directory = {d}/etc
mail_owner = postfix
setgid_group = postdrop
myhostname = rig.test
mydomain = rig.test
myorigin = rig.test
mydestination = 
alias_maps = 
alias_database = 
local_recipient_maps = 
inet_interfaces = 127.0.0.1
mynetworks = 0.0.0.0/0, [::]/0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100000
smtpd_hard_error_limit = 100000
smtpd_junk_command_limit = 100000
smtpd_recipient_limit = 2000
in_flow_delay = 0
default_transport = smtp
defer_transports = smtp
relayhost = [127.0.0.1]:1
maillog_file = {d}/maillog
maillog_file_prefixes = {d}
service_throttle_time = 1s
enable_long_queue_ids = {long_ids}
"""


def until(ready, what, timeout=30.0):
    """Polls until ready() is true and returns its value; fails loudly after the timeout. A look costs processor time that
    the awaited may need, so a long wait looks less often."""
    end, pause = time.monotonic() + timeout, 0.01
    while True:
        value = ready()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout:g} s in vain for: {what}")
        time.sleep(pause)
        pause = min(pause * 1.1, 0.05)


def catch(reached, process):
    """Looks without a pause, by which what passes could be missed, until it is reached or the process has ended."""
    end = time.monotonic() + 60
    while not reached() and process.poll() is None:
        if time.monotonic() > end:
            raise TimeoutError("waited 60 s in vain for a process to be at it")


def default_of(parameter):
    """Postfix's built-in default; some paths differ between its versions."""
    return subprocess.run([os.path.join(COMMANDS, "postconf"), "-dh", parameter], check=True, capture_output=True,
                          text=True).stdout.strip()


def memory_directory():
    """A directory in memory, None if there is none. /run is the second choice: test_setup_units puts an empty one over it."""
    with open("/proc/mounts", encoding="utf-8") as file:
        mounts = [line.split()[1:4] for line in file]
    in_memory = {at for at, kind, options in mounts if kind == "tmpfs" and "rw" in options.split(",")}
    return next((path for path in ("/dev/shm", "/run") if path in in_memory), None)


CLAIMS = []


def free_port():
    """A free port outside of the range that the kernel gives to connections. No other rig gets it while this process
    lives: a port may be used long after it was chosen, and mail to another test's Postfix would make that test fail."""
    for port in random.sample(range(10000, 32000), 1000):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0pqpurge-rig-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        CLAIMS.append(claim)
        return port
    raise RuntimeError("no free port")


def milter_words(socket_path, default_action="accept", timeout="10s"):
    return f"{{ unix:{socket_path}, default_action={default_action}, command_timeout={timeout} }}"


class PrivatePostfix:
    """A Postfix instance. main, services: further lines of main.cf (the last of a name wins) and master.cf."""

    def __init__(self, long_ids=False, main="", services=""):
        self.directory = tempfile.mkdtemp(prefix="pqpurge-rig.")
        self.memory = tempfile.mkdtemp(prefix="pqpurge-rig.", dir=memory_directory())
        for path in (self.directory, self.memory):
            os.chmod(path, 0o755)
        self.long_ids = long_ids
        self.port = free_port()
        self.etc = os.path.join(self.directory, "etc")
        self.spool = os.path.join(self.directory, "spool")
        self.maillog = os.path.join(self.directory, "maillog")
        self.main, self.services = main, services
        self.running = False
        self.guard = subprocess.Popen(
            [sys.executable, "-IS", os.path.join(HERE, "guard.py"), self.directory, self.memory],
            stdin=subprocess.PIPE, start_new_session=True)
        atexit.register(self.close)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    # ---- configuration

    def configure(self):
        """Writes the configuration and the directories; does not tell a running Postfix."""
        for name, owner in (("etc", 0), ("spool", 0), ("data", pwd.getpwnam("postfix").pw_uid)):
            path = os.path.join(self.directory, name)
            os.makedirs(path, 0o755, exist_ok=True)
            os.chmod(path, 0o755)
            os.chown(path, owner, -1)
        shutil.copy(os.path.join(default_of("meta_directory"), "postfix-files"), self.etc)
        open(os.path.join(self.etc, "dynamicmaps.cf"), "w", encoding="ascii").close()
        for name in ("postfix-files.d", "dynamicmaps.cf.d"):
            os.makedirs(os.path.join(self.etc, name), exist_ok=True)
        if not os.path.isdir(os.path.join(self.spool, "active")):
            self.make_queue_directories()
        self.write_main_cf()
        self.write_master_cf()
        self.backdate()

    def make_queue_directories(self):
        """Makes the directories of a first start by Postfix's own list, so that starting can skip them."""
        owners = {"root": 0, "$mail_owner": pwd.getpwnam("postfix").pw_uid}
        groups = {"-": 0, "$setgid_group": grp.getgrnam("postdrop").gr_gid}
        with open(os.path.join(self.etc, "postfix-files"), encoding="ascii") as file:
            rows = [line.split(":") for line in file if line.startswith("$queue_directory/")]
        for name, kind, owner, group, mode, *_ in rows:
            if kind == "d":
                path = name.replace("$queue_directory", self.spool)
                os.mkdir(path)
                os.chown(path, owners[owner], groups[group])
                os.chmod(path, int(mode, 8))
        with open(os.path.join(self.spool, "quick-start"), "x", encoding="ascii"):
            pass

    def write_main_cf(self):
        text = MAIN_CF.format(d=self.directory, commands=COMMANDS, daemons=DAEMONS,
                              long_ids="yes" if self.long_ids else "no")
        lines = (line.partition(" = ") for line in (text + self.main).splitlines())
        settings = {name: value for name, _, value in lines}
        with open(os.path.join(self.etc, "main.cf"), "w", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def write_master_cf(self):
        """The shipped services without chroot, smtpd on our port, and no service that needs foreign programs."""
        lines = []
        with open(SERVICES, encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if line[0] in "# \t\n" or words[7] == "pipe":
                    continue
                words[4] = "n"
                if words[0] == "qmgr":
                    words[5] = "5"  # wakes it: a reload may lose the word of new mail, and the default is five minutes
                if words[0] == "smtp" and words[1] == "inet":
                    words = [f"127.0.0.1:{self.port}", "inet", "n", "-", "n", "-", "200", "smtpd"]
                lines.append(" ".join(words) + "\n")
        with open(os.path.join(self.etc, "master.cf"), "w", encoding="utf-8") as file:
            file.write("".join(lines) + self.services)

    def set(self, **settings):
        """Changes main.cf for the commands, which read it anew; running daemons are not told."""
        self.run("postconf", "-e", *[f"{name}={value}" for name, value in settings.items()])
        self.backdate()

    def backdate(self):
        """Postfix's programs wait for two seconds if one of their files was changed just now."""
        for name in ("main.cf", "master.cf"):
            os.utime(os.path.join(self.etc, name), (time.time() - 60,) * 2)

    # ---- life

    def start(self, checked=True):
        """checked: Postfix looks at every file first, and moves and renames those of the queue; that takes half a second."""
        if not os.path.isdir(self.etc):
            self.configure()
        if not checked:
            open(os.path.join(self.spool, "quick-start"), "w", encoding="ascii").close()
        self.run("postfix", "start")
        self.running = True
        until(self.answers, "smtpd's banner")
        return self

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 10) as probe:
                return probe.recv(3) == b"220"
        except ConnectionRefusedError:
            return False

    def master_pid(self):
        try:
            with open(os.path.join(self.spool, "pid/master.pid"), encoding="ascii") as file:
                return int(file.read())
        except (FileNotFoundError, ValueError):
            return None

    def stop(self):
        """Stops Postfix as `postfix stop` does, but without its waits of a second. Its master has then ended."""
        if not self.running:
            return
        pid = self.master_pid()
        self.running = False
        if pid is not None and not has_ended(pid):
            os.kill(pid, signal.SIGTERM)
            until(lambda: has_ended(pid), "master's end")
        end = time.monotonic() + 10  # a stopped program of a test may stay there
        while self.daemons() and time.monotonic() < end:
            time.sleep(0.02)

    def daemons(self):
        """Processes in the queue directory, as all of Postfix's daemons are."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{name}/cwd") == os.path.realpath(self.spool):
                    found.append(int(name))
            except OSError:
                pass  # it has ended
        return found

    def close(self):
        """Stops and removes everything. May be called twice."""
        if not os.path.isdir(self.directory):
            return
        atexit.unregister(self.close)
        self.stop()
        for path in (self.directory, self.memory):
            shutil.rmtree(path, ignore_errors=True)
        self.guard.stdin.close()
        self.guard.wait(30)

    def guarded(self, sign, pid):
        """Tells the guard about a daemon that must not outlive us."""
        self.guard.stdin.write(f"{sign}{pid}\n".encode())
        self.guard.stdin.flush()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    # ---- Postfix's commands

    def run(self, command, *args, check=True, input=None):
        """Runs one of Postfix's commands with -c; returns its completed process, as text."""
        done = subprocess.run([os.path.join(COMMANDS, command), "-c", self.etc, *args],
                              input=input, stdin=None if input is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command} {' '.join(args)}: status {done.returncode}\n{done.stderr}{self.log()[-2000:]}")
        return done

    def queue(self):
        """`postqueue -j`, parsed."""
        return [json.loads(line) for line in self.run("postqueue", "-j").stdout.splitlines()]

    def postsuper(self, *args, ids=()):
        return self.run("postsuper", *args, input="".join(f"{i}\n" for i in ids)).stderr

    def wipe(self):
        """Empties the queue and removes its logs, as `postsuper -d ALL` does, and checks twice that it is empty."""
        until(lambda: not (self.ids() or self.ids()) or self.unlink_all(), "an empty queue")

    def unlink_all(self):
        """Logs first, as postsuper does: a later message may get the same ID."""
        logs = [path for name in ("bounce", "defer", "trace") for path in spool.files(os.path.join(self.spool, name))]
        for path in logs + [path for _, _, path in spool.walk(self.spool)]:
            with contextlib.suppress(FileNotFoundError):  # Postfix moved it; we look again
                os.unlink(path)

    def wake_pickup(self):
        """`postsuper -r` leaves mail to pickup's next round, up to a minute later."""
        with socket.socket(socket.AF_UNIX) as trigger:
            trigger.connect(os.path.join(self.spool, "public/pickup"))
            trigger.sendall(b"W")

    def sendmail(self, sender, recipients, text, *options):
        """Submits a message by sendmail(1)."""
        words = ["/usr/sbin/sendmail", "-C", self.etc, "-f", sender, *options, "--", *recipients]
        text = text if isinstance(text, bytes) else text.encode()
        subprocess.run(words, input=text, check=True)

    def flood(self, sender, count, recipient="u@dest.test", sessions=10, size=500, wait=True):
        """Runs smtp-source; returns a Popen if not wait."""
        words = [os.path.join(COMMANDS, "smtp-source"), "-s", str(sessions), "-m", str(count), "-l", str(size),
                 "-f", sender, "-t", recipient, f"127.0.0.1:{self.port}"]
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if wait and child.wait() != 0:
            raise RuntimeError(f"smtp-source: status {child.returncode}")
        return child

    def copies(self, queue_id, count):
        """Makes count copies of a message once it is deferred; returns their IDs."""
        path = until(lambda: "/deferred/" in (self.find(queue_id) or "") and self.find(queue_id), f"{queue_id} deferred")
        copier = Copier(queue_id, path, self.long_ids)
        return {copier.put(number) for number in range(1, count + 1)}

    def smtp(self, **options):
        return Smtp(self.port, **options)

    # ---- the queue, read independently

    def read(self):
        return spool.read(self.spool)

    def ids(self):
        return spool.ids(self.spool)

    def find(self, queue_id):
        return spool.find(self.spool, queue_id)

    def arrived_earlier(self, queue_id, seconds):
        """Changes the arrival time in the queue file, as if the message had come earlier."""
        with open(self.find(queue_id), "r+b") as file:
            data = file.read()
            at = 2 + data[1]  # after the record of the size
            stamp = data[at + 2:at + 2 + data[at + 1]].partition(b" ")[0]
            earlier = b"%d" % (int(stamp) - seconds)
            if (data[at:at + 1], len(earlier)) != (b"T", len(stamp)):
                raise ValueError(f"{queue_id} has no time of arrival where it was looked for")
            file.seek(at + 2)
            file.write(earlier)

    def settled(self, count=None, timeout=60):
        """Waits until no mail is in transit (maildrop, incoming, active are empty) and the queue holds count messages.
        Looks twice, since one walk may miss a message that moves between deferred and another try."""
        def still():
            found = list(spool.walk(self.spool))
            if any(queue in ("maildrop", "incoming", "active") for queue, _, _ in found):
                return False
            return (count is None or len(found) == count) and found == list(spool.walk(self.spool))
        try:
            until(still, f"a settled queue of {count}", timeout)
        except TimeoutError as error:
            queues = collections.Counter(queue for queue, _, _ in spool.walk(self.spool))
            raise TimeoutError(f"{error}; now: {dict(queues)}; the log's end:\n{self.log()[-4000:]}") from None

    def log(self):
        with open(self.maillog, encoding="utf-8", errors="replace") as file:
            return file.read()
