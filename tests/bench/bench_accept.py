# SPDX-License-Identifier: ISC
"""What a message costs while it is accepted: no milter, a null milter that asks for the same events, ours."""
import os
import smtplib
import statistics
import subprocess
import tempfile
import time

from common import ROUNDS, Pqpurge, PrivatePostfix, cpu_of_tree, end, program, stop, table
from rig import free_port, milter_words, until
from smtp import content

MESSAGES = int(os.environ.get("MESSAGES", "3000"))
PROBES = int(os.environ.get("PROBES", "200"))
PACE = 0.005  # seconds between two messages
CONNECTIONS, EACH = 20, int(os.environ.get("EACH", "1000"))
RULES = int(os.environ.get("RULES", "100000"))

# Mail is thrown away by the discard transport: the queue stays short, and inodes are used again at once, which is the
# index's dearest case.
DISCARD = "default_transport = discard\ndefer_transports =\n"


class Null:
    """The milter that does nothing."""

    def __init__(self, directory):
        self.socket = os.path.join(directory, "null.sock")
        self.process = subprocess.Popen([program("bench/null_milter"), "unix:" + self.socket], stdin=subprocess.DEVNULL)
        until(lambda: os.path.exists(self.socket), "the null milter")
        os.chmod(self.socket, 0o777)

    def close(self):
        end(self.process, self.socket)


class Ours:
    """A daemon of its own, with its own index and socket."""

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
    """Microseconds of the milter's CPU a message; messages a second; median and 99th percentile at MAIL and at the end."""
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
    """Calls work(directory's Postfix, not started) where daemons can live; removes all afterwards."""
    postfix = PrivatePostfix()
    try:
        postfix.configure()
        work(postfix)
    finally:
        postfix.close()


def bench_milter(_):
    """The daemon's own work, without Postfix: at full load, and at a pace where nobody waits for others."""
    def work(postfix):
        milters = {"null milter": Null(postfix.directory), "pqpurge": Ours(postfix, "ours")}
        compare("milter", f"the milter alone, {CONNECTIONS} connections at full load", milters, 0)
        compare("milter-slow", "the milter alone, 4 connections, a message each 20 ms", milters, 0,
                connections=4, each=max(EACH // 10, 20), pause=20000)
        for milter in milters.values():
            milter.close()
    with_milters(work)


def bench_flood(_):
    """What the flood watch costs: by itself (bench_flood.c), and as a part of the daemon."""
    out = subprocess.run([program("bench/bench_flood")], stdin=subprocess.DEVNULL, check=True, capture_output=True, text=True)
    print("\n" + out.stdout.splitlines()[-1], flush=True)

    def work(postfix):
        milters = {f"flood watch {how}": Ours(postfix, how, flood_watch=how) for how in ("off", "warn")}
        compare("flood", "the milter alone", milters, 0)
        for milter in milters.values():
            milter.close()
    with_milters(work)


def some_rules():
    """A hundred thousand of all kinds that are looked up; none of them means the mail of the load."""
    forms = ["blocked{0}.example REJECT", ".parent{0}.example REJECT", "user{0}@many.example DEFER",
             "login:account{0} REJECT", "client:198.51.{1}.{2} REJECT"]
    return "".join(forms[n % 5].format(n, n // 5 // 256 % 256, n // 5 % 256) + "\n"
                   for n in range(RULES) if n % 5 != 4 or n < 5 * 65536)


def bench_rules(_):
    """The same with a hundred thousand rules and with none."""
    def work(postfix):
        milters = {"no rules": Ours(postfix, "none"), f"{RULES} rules": Ours(postfix, "many", rules=some_rules())}
        compare("rules", "the milter alone", milters, 0)
        for milter in milters.values():
            milter.close()
    with_milters(work)


def bench_load(_):
    """Seconds of CPU to read and check a rules file of a hundred thousand domains, against an empty one."""
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

def flood(postfix, milter):
    """Milliseconds of CPU a message, of all of Postfix and of the milter."""
    roots = [postfix.master_pid()] + ([milter.process.pid] if milter else [])
    before = sum(cpu_of_tree(pid) for pid in roots)
    postfix.flood("a@bad.example", MESSAGES, size=2000)
    postfix.settled(0)
    return 1000 * (sum(cpu_of_tree(pid) for pid in roots) - before) / MESSAGES


def latency(ports):
    """Milliseconds from the final dot to 250, {way: the median}: a session for each way, and a message in each in turn, so
    that what else the machine does meets all of them alike."""
    waits = {way: [] for way in ports}
    clients = {way: smtplib.SMTP("127.0.0.1", port) for way, port in ports.items()}
    for client in clients.values():
        client.ehlo()
    for number in range(PROBES):
        for way, client in clients.items():
            time.sleep(PACE)
            client.mail(f"a{number}@bad.example")
            client.rcpt("u@dest.example")
            client.docmd("DATA")
            begin = time.monotonic()
            client.send(b"From: a@bad.example\r\nSubject: x\r\n\r\nx\r\n.\r\n")
            code, _ = client.getreply()
            waits[way].append(time.monotonic() - begin)
            assert code == 250, code
    for client in clients.values():
        client.quit()
    return {way: 1000 * statistics.median(taken) for way, taken in waits.items()}


def wire_to(postfix, milter):
    """Changes the milter of a running Postfix; returns when smtpd says it has taken it: a new process has."""
    words = milter_words(milter.socket) if milter else ""
    postfix.set(smtpd_milters=words, non_smtpd_milters=words)
    postfix.run("postfix", "reload")
    with postfix.smtp() as client:
        client.message("warm@bad.example", "u@dest.example", content())
    postfix.settled(0)


def with_ports(postfix, sockets):
    """One smtpd more for each way, {way: its milter's socket or None}, before Postfix starts; returns their ports."""
    ports = {way: free_port() for way in sockets}
    postfix.services += "".join(
        f"127.0.0.1:{ports[way]} inet n - n - 200 smtpd -o smtpd_milters={'unix:' + path if path else ''}\n"
        for way, path in sockets.items())
    return ports


def bench_accept(_):
    """Postfix and the milter together, in turns."""
    postfix = PrivatePostfix(main=DISCARD)
    names = {"no milter": None, "null milter": "null.sock", "pqpurge": "ours.sock"}
    milters = {}
    try:
        ports = with_ports(postfix, {way: name and os.path.join(postfix.directory, name) for way, name in names.items()})
        postfix.start()
        milters = {"no milter": None, "null milter": Null(postfix.directory), "pqpurge": Ours(postfix, "ours")}
        cpu, wait = {way: [] for way in milters}, {way: [] for way in milters}
        for _ in range(ROUNDS):
            for way, milter in milters.items():
                wire_to(postfix, milter)
                cpu[way].append(flood(postfix, milter))
            for way, median in latency(ports).items():
                wait[way].append(median)
        table("accept-cpu", f"accepted by Postfix, {MESSAGES} messages: CPU a message, Postfix and milter", cpu, "ms", 3, 1)
        table("accept-latency", "accepted by Postfix: from the final dot to 250, median of a session", wait, "ms", 3, 1)
    finally:
        for milter in milters.values():
            if milter:
                milter.close()
        postfix.close()
