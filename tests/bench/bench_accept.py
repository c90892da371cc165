# SPDX-License-Identifier: ISC
"""The cost of accepting a message: with no filter, a null milter that asks for the same events, our milter, and our
policy front."""
import contextlib
import glob
import os
import random
import socket
import statistics
import subprocess
import time

from common import ROUNDS, Pqpurge, PrivatePostfix, cpu_of_tree, descendants, end, keep, program, show, stop, table
from rig import free_port, until

MESSAGES = int(os.environ.get("MESSAGES", "3000"))
BLOCK = 250
PROBES = int(os.environ.get("PROBES", "1000"))
EACH_SESSION = 50
PACE = float(os.environ.get("PACE", "0"))  # seconds between two messages
CONNECTIONS, EACH = 20, int(os.environ.get("EACH", "1000"))
RULES = int(os.environ.get("RULES", "100000"))

# The discard transport throws mail away. The queue stays short and inodes are reused at once, which costs the index
# most.
DISCARD = "default_transport = discard\ndefer_transports =\n"


class Null:
    """A filter that does nothing: a milter, or a policy service."""

    def __init__(self, directory, name="null.sock", what="null_milter", kind="unix:"):
        self.socket = os.path.join(directory, name)
        self.process = subprocess.Popen([program("bench/" + what), kind + self.socket], stdin=subprocess.DEVNULL)
        until(lambda: os.path.exists(self.socket), "the null milter")
        os.chmod(self.socket, 0o777)

    def close(self):
        end(self.process, self.socket)


class Ours:
    """Our daemon, with its own index and socket."""

    def __init__(self, postfix, name, rules="", **settings):
        self.socket = os.path.join(postfix.directory, name + ".sock")
        os.makedirs(postfix.spool, exist_ok=True)
        self.installed = Pqpurge(postfix, socket="unix:" + self.socket, index_map_size="256M", **settings)
        os.chmod(postfix.directory, 0o777)
        self.installed.write_rules(rules)
        self.installed.start()
        os.chmod(self.socket, 0o777)
        self.process = self.installed.process

    def close(self):
        stop(self.installed, self.socket)


# ---- the milter alone

def load(milter, connections=CONNECTIONS, each=EACH, pause=0):
    """Microseconds of the milter's CPU for each message; messages a second; median and 99th percentile at MAIL and
    at the end."""
    before = cpu_of_tree(milter.process.pid)
    out = subprocess.run([program("bench/milter_load"), milter.socket, str(connections), str(each), str(pause)],
                         check=True, capture_output=True, text=True).stdout
    count, took, *waits = (int(word) for word in out.split())
    return (1e6 * (cpu_of_tree(milter.process.pid) - before) / count, 1e6 * count / took, *waits)


def compare(name, title, milters, base, **how):
    measures = [("CPU a message", "us", 1), ("messages a second", "", 0), ("wait at MAIL, median", "us", 0),
                ("wait at MAIL, 99th percentile", "us", 0), ("wait at end of message, median", "us", 0),
                ("wait at end of message, 99th percentile", "us", 0)]
    got = {way: [] for way in milters}
    for milter in milters.values():
        load(milter, 2, 100)
    for _ in range(ROUNDS):
        for way, milter in milters.items():
            got[way].append(load(milter, **how))
    for number, (measure, unit, digits) in enumerate(measures):
        table(f"{name}-{number}", f"{title}: {measure}",
              {way: [values[number] for values in rounds] for way, rounds in got.items()}, unit, digits, base)


def with_milters(work):
    """Calls work with a configured Postfix in whose directory daemons can run; removes everything afterwards."""
    postfix = PrivatePostfix()
    try:
        postfix.configure()
        work(postfix)
    finally:
        postfix.close()


def bench_milter(_):
    """The daemon's own work, without Postfix: at full load, and at a pace at which nobody waits for others."""
    def work(postfix):
        milters = {"null milter": Null(postfix.directory), "pqpurge": Ours(postfix, "ours")}
        compare("milter", f"the milter alone, {CONNECTIONS} connections at full load", milters, 0)
        compare("milter-slow", "the milter alone, 4 connections, a message each 20 ms", milters, 0,
                connections=4, each=max(EACH // 10, 20), pause=20000)
        for milter in milters.values():
            milter.close()
    with_milters(work)


def bench_flood(_):
    """The cost of the flood watch: alone (bench_flood.c), and in the daemon."""
    out = subprocess.run([program("bench/bench_flood")], stdin=subprocess.DEVNULL, check=True, capture_output=True, text=True)
    print("\n" + out.stdout.splitlines()[-1], flush=True)

    def work(postfix):
        milters = {f"flood watch {how}": Ours(postfix, how, flood_watch=how) for how in ("off", "warn")}
        compare("flood", "the milter alone", milters, 0)
        for milter in milters.values():
            milter.close()
    with_milters(work)


def some_rules():
    """A hundred thousand rules of all kinds that are looked up; none matches the load's mail."""
    forms = ["blocked{0}.example REJECT", ".parent{0}.example REJECT", "user{0}@many.example DEFER",
             "login:account{0} REJECT", "client:198.51.{1}.{2} REJECT"]
    return "".join(forms[n % 5].format(n, n // 5 // 256 % 256, n // 5 % 256) + "\n"
                   for n in range(RULES) if n % 5 != 4 or n < 5 * 65536)


def bench_rules(_):
    """The load with a hundred thousand rules and with none."""
    def work(postfix):
        milters = {"no rules": Ours(postfix, "none"), f"{RULES} rules": Ours(postfix, "many", rules=some_rules())}
        compare("rules", "the milter alone", milters, 0)
        for milter in milters.values():
            milter.close()
    with_milters(work)


def bench_load(_):
    """Seconds of CPU to read and check a rules file of a hundred thousand domains, and an empty one."""
    def work(postfix):
        ways = {"no rules": "", f"{RULES} domains": "".join(f"d{n}.example REJECT\n" for n in range(RULES))}
        pq = Pqpurge(postfix)
        got = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, rules in ways.items():
                pq.write_rules(rules)
                before = os.times().children_user + os.times().children_system
                subprocess.run([program("pqpurge-milter"), "-n", "-c", pq.conf], check=True, stdout=subprocess.DEVNULL)
                got[way].append(os.times().children_user + os.times().children_system - before)
        table("load", f"{RULES} domain rules loaded: CPU", got, base=None)
    with_milters(work)


# ---- with Postfix

WAYS = {"no milter": None, "no milter, again": None, "null milter": "null.sock", "null milter, again": "again.sock",
        "pqpurge": "ours.sock", "null policy service": "nothing.sock", "pqpurge, policy front": "policy.sock"}
BASE, FREE, NOTHING, POLICY = "null milter", "no milter", "null policy service", "pqpurge, policy front"


def running(postfix, milter):
    """Seconds of CPU of all of Postfix and the milter. The kernel counts the threads of a living process in nanoseconds;
    no process of Postfix ends here (max_use)."""
    roots = [postfix.master_pid()] + ([milter.process.pid] if milter else [])
    total = 0
    for pid in (each for root in roots for each in descendants(root)):
        for task in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            with contextlib.suppress(OSError), open(task, encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total / 1e9


def flood(postfix, port, milter, count):
    """Milliseconds of CPU for each message."""
    before = running(postfix, milter)
    subprocess.run(["/usr/sbin/smtp-source", "-s", "10", "-m", str(count), "-l", "2000", "-f", "a@bad.example",
                    "-t", "u@dest.test", f"127.0.0.1:{port}"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    postfix.settled(0)
    return 1000 * (running(postfix, milter) - before) / count


class Session:
    """One SMTP session by hand, since smtplib costs as much as what is measured."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer()
        self.ask(b"EHLO client.example\r\n")

    def answer(self):
        said = b""
        while not said.endswith(b"\r\n") or said.split(b"\r\n")[-2][3:4] == b"-":
            said += self.socket.recv(4096)
        return said

    def ask(self, words):
        self.socket.sendall(words)
        return self.answer()

    def message(self, number):
        """Microseconds from the final dot to 250."""
        self.ask(b"MAIL FROM:<a%d@bad.example>\r\n" % number)
        self.ask(b"RCPT TO:<u@dest.example>\r\n")
        self.ask(b"DATA\r\n")
        begin = time.monotonic_ns()
        said = self.ask(b"From: a@bad.example\r\nSubject: x\r\n\r\nx\r\n.\r\n")
        taken = (time.monotonic_ns() - begin) / 1000
        assert said.startswith(b"250"), said
        return taken

    def close(self):
        self.socket.sendall(b"QUIT\r\n")
        self.socket.close()


def latency(ports, messages):
    """{way: microseconds from the final dot to 250 of each message}. Each way has a session, and they take turns with a
    message in random order, so that other load meets all alike. Sessions are renewed now and then, since smtpds differ.
    The first two messages of a session are not counted."""
    waits = {way: [] for way in ports}
    for _ in range(0, messages, EACH_SESSION):
        sessions = {way: Session(port) for way, port in ports.items()}
        for number in range(EACH_SESSION + 2):
            for way in random.sample(list(ports), len(ports)):
                time.sleep(PACE)
                taken = sessions[way].message(number)
                if number >= 2:
                    waits[way].append(taken)
        for session in sessions.values():
            session.close()
    return waits


def middle(numbers):
    """(median, the ends of its 95 % confidence interval)."""
    ordered, half = sorted(numbers), round(0.98 * len(numbers) ** 0.5)
    at = len(ordered) // 2
    return ordered[at], ordered[max(at - half, 0)], ordered[min(at + half, len(ordered) - 1)]


def tell_pairs(name, title, waits, unit, beside=BASE):
    """Each way's median, and the median of its differences to the other way (beside) in the same turn, by message or
    block."""
    show(f"{title} ({len(waits[beside])} of each way; ratio to: {beside})")
    base, rows = statistics.median(waits[beside]), []
    for way, taken in waits.items():
        median = statistics.median(taken)
        more, least, most = middle([a - b for a, b in zip(taken, waits[beside])])
        rows.append((way, median, more, least, most, median / base))
        print(f"  {way:20} median {median:8.3f} {unit}   ratio {median / base:.3f}   in pairs {more:+.3f} ({least:+.3f} to {most:+.3f})",
              flush=True)
    keep(name, ("way", "median", "more", "least", "most", "ratio"), rows)


def options_of(way, path):
    """The smtpd options that name the filter."""
    if way in (NOTHING, POLICY):
        ask = f"check_policy_service {{ unix:{path}, default_action=DUNNO }}"
        return (f"-o smtpd_milters= -o {{ smtpd_recipient_restrictions = {ask}, permit_mynetworks, reject }} "
                f"-o {{ smtpd_end_of_data_restrictions = {ask} }}")
    return f"-o smtpd_milters={'unix:' + path if path else ''}"


def with_ports(postfix, sockets):
    """Adds an smtpd for each way, {way: its filter's socket or None}, before Postfix starts; returns their ports."""
    ports = {way: free_port() for way in sockets}
    postfix.services += "".join(f"127.0.0.1:{ports[way]} inet n - n - 200 smtpd {options_of(way, path)}\n"
                                for way, path in sockets.items())
    return ports


def filter_of(postfix, way, name):
    """The filter's process, or None."""
    if not name:
        return None
    if way == POLICY:
        path = os.path.join(postfix.directory, name)
        ours = Ours(postfix, "beside", policy_socket="unix:" + path)
        os.chmod(path, 0o777)
        return ours
    if way == NOTHING:
        return Null(postfix.directory, name, "null_policy", "")
    return Ours(postfix, "ours") if way == "pqpurge" else Null(postfix.directory, name)


def bench_accept(_):
    """Postfix and the milter together, by turns. The null milter takes part twice: the difference between its two results
    is the resolution of this run."""
    postfix = PrivatePostfix(main=DISCARD + "max_use = 1000000\n")
    milters = {}
    try:
        ports = with_ports(postfix, {way: name and os.path.join(postfix.directory, name) for way, name in WAYS.items()})
        postfix.start()
        for way, name in WAYS.items():
            milters[way] = filter_of(postfix, way, name)
        for milter in (each for way, each in milters.items() if each and way != NOTHING):
            load(milter, 20, EACH)  # index and flood watch are no longer empty
        for way, port in ports.items():
            flood(postfix, port, milters[way], BLOCK)
        cpu = {way: [] for way in ports}
        for _ in range(0, MESSAGES, BLOCK):
            for way in random.sample(list(ports), len(ports)):
                cpu[way].append(flood(postfix, ports[way], milters[way], BLOCK))
        title = f"accepted by Postfix, blocks of {BLOCK}: CPU a message, Postfix and filter"
        tell_pairs("accept-cpu", title, cpu, "ms")
        tell_pairs("accept-cpu-free", title, cpu, "ms", FREE)
        latency(ports, EACH_SESSION)
        tell_pairs("accept-latency", "accepted by Postfix: from the final dot to 250", latency(ports, PROBES), "us")
    finally:
        for milter in filter(None, milters.values()):
            milter.close()
        postfix.close()
