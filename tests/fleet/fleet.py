# SPDX-License-Identifier: ISC
"""Hosts of a fleet: private Postfixes, each with our milter, the order door and the agent, and one private PostgreSQL.

    fleet = Fleet(server)
    mx1 = fleet.join("mx1")          Postfix, daemon, door and agent run
    fleet.operator()                 `pqpurge-link operator` as an operator
    fleet.idx("purge", "--fleet", ...)   the command, as an operator on a machine without Postfix"""
import functools
import grp
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from case import content
from database import LINK, Server
from door import Door
from link import Operator
from pqpurge import COMMAND, Pqpurge, Result, wire
from rig import PrivatePostfix, until
from smtp import Refused


def until_told(ready, what, story, timeout=90.0):
    """As until; a failure prints story(). Most of what is asked here starts a program and a PostgreSQL process, so it is
    asked less often the longer it takes."""
    pause = 0.01

    def is_ready():
        nonlocal pause
        value = ready()
        if not value:
            time.sleep(pause)
            pause = min(2 * pause, 0.2)
        return value

    try:
        return until(is_ready, what, timeout)
    except TimeoutError as trouble:
        raise TimeoutError(f"{trouble}\n{story()}") from None


AGENT = "news"  # a user that every Debian has
LONG = 90.0     # a generous limit for what takes a second


@functools.lru_cache(maxsize=None)
def shared_server():
    return Server().start()


class Postfixes:
    """Starting Postfix takes seconds, so a later test reuses those of an earlier one."""

    free, count = [], 0

    @classmethod
    def take(cls):
        if cls.free:
            return cls.free.pop()
        postfix = PrivatePostfix()
        wire(postfix)
        return postfix.start()

    @classmethod
    def give(cls, postfix):
        postfix.wipe()
        cls.free.append(postfix)


class Host:
    """One host: name is its name in the fleet. postfix: a running rig."""

    def __init__(self, fleet, name, settings):
        self.fleet, self.name = fleet, name
        self.postfix = Postfixes.take()
        self.pq = Pqpurge(self.postfix, fleet=fleet.conninfo(name), fleet_name=name, fleet_user=AGENT, **settings)
        self.door, self.agent = Door(self.pq), None
        self.agent_log = os.path.join(self.pq.home, "agent.log")

    def start(self, agent=True):
        self.pq.start()
        self.door.open()
        return self.start_agent() if agent else self

    def start_agent(self, log=None, conf=None):
        """Starts pqpurge-link agent as its own user."""
        with open(log or self.agent_log, "ab") as out:
            self.agent = subprocess.Popen([LINK, "-c", conf or self.pq.conf, "agent"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          cwd="/", env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, **agent_identity())
        self.postfix.guarded("+", self.agent.pid)
        return self

    def stop_agent(self, how=signal.SIGTERM):
        """Stops it; returns its exit status."""
        if self.agent is None:
            return None
        self.agent.send_signal(signal.SIGCONT)
        self.agent.send_signal(how)
        status = self.agent.wait(60)
        self.postfix.guarded("-", self.agent.pid)
        self.agent = None
        return status

    def close(self):
        self.stop_agent(signal.SIGKILL)
        self.door.close()
        self.pq.kill9()
        Postfixes.give(self.postfix)

    def log(self):
        with open(self.agent_log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def joined(self, times=1):
        """Waits until the agent has said hello that many times."""
        until_told(lambda: self.log().count("fleet: joined as") >= times, f"{self.name} to join", self.log)
        return self

    # ---- mail

    def fill(self, sender, count, wait=True):
        with self.postfix.smtp() as client:
            ids = {client.message(sender, "u@dest.test", content()) for _ in range(count)}
        if wait:
            self.postfix.settled()
        return ids

    def refuses(self, sender):
        """Whether smtpd now refuses that sender's mail."""
        with self.postfix.smtp() as client:
            try:
                client.message(sender, "u@dest.test", content())
            except Refused:
                return True
        return False

    def senders(self):
        """{sender: messages} from `postqueue -j`."""
        found = {}
        for line in self.postfix.queue():
            found[line["sender"]] = found.get(line["sender"], 0) + 1
        return found


def agent_identity():
    """subprocess's arguments to run as the agent's user, as its unit does: in the group of daemon.sock."""
    try:
        door = grp.getgrnam("pqpurge-order").gr_gid
    except KeyError:
        door = pwd.getpwnam("nobody").pw_gid
    return {"user": AGENT, "group": pwd.getpwnam(AGENT).pw_gid, "extra_groups": [door]}


class Fleet:
    """A fleet with its own database."""

    def __init__(self, server, others=""):
        self.server, self.others, self.hosts = server, others, {}
        self.database = server.database()
        self.home = tempfile.mkdtemp(dir=server.directory)
        with Operator(server.local(self.database)) as admin:
            admin.ask("init")
            admin.ask("add", name="anna", **{"as": "operator"})
            admin.ask("add", name="bob", **{"as": "operator"})

    def conninfo(self, name, owner=AGENT):
        return self.server.remote(self.database, name, owner, self.others)

    def add(self, *names, tags=None):
        with Operator(self.server.local(self.database)) as admin:
            for name in names:
                admin.ask("add", name=name, **({"tags": tags} if tags else {}))

    def host(self, name, **settings):
        """A host that is added but does not run yet."""
        self.add(name)
        self.hosts[name] = Host(self, name, settings)
        return self.hosts[name]

    def join(self, *names, **settings):
        hosts = [self.host(name, **settings).start() for name in names]
        for host in hosts:
            host.joined()
        return hosts if len(hosts) > 1 else hosts[0]

    def operator(self, name="anna"):
        return Operator(self.conninfo(name, "root"))

    def words(self, *args, name="anna"):
        """The command's words for that operator, without Postfix: the configuration has only the fleet."""
        conf = os.path.join(self.home, name + ".conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(f'fleet = "{self.conninfo(name, "root")}"\n')
        return [COMMAND, "-c", conf, *args]

    def idx(self, *args, name="anna", timeout=120, **options):
        return Result(subprocess.run(self.words(*args, name=name), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True, timeout=timeout, check=False, **options))

    def admin(self, sql):
        return self.server.admin(self.database, sql)

    def states(self, order):
        """{host: state} of an order."""
        return dict(line.split("|") for line in self.admin(f"SELECT host, state FROM pqpurge.fleet_result WHERE order_id = {order}"))

    def until_states(self, order, expected):
        """Waits until the order has these states."""
        until_told(lambda: self.states(order) == expected, f"{expected} of order {order}",
                   lambda: f"{self.states(order)}\n{self.story()}")

    def story(self):
        return "".join(f"--- {name}\n{host.log()}" for name, host in self.hosts.items() if os.path.exists(host.agent_log))

    def close(self):
        for host in self.hosts.values():
            host.close()
        shutil.rmtree(self.home, ignore_errors=True)


class FleetCase(unittest.TestCase):
    """self.fleet, empty."""

    maxDiff = None

    def setUp(self):
        self.server = shared_server()
        if self.server.process is None:
            self.server.start()
        self.fleet = Fleet(self.server)
        self.addCleanup(self.fleet.close)

    def until(self, ready, what):
        return until_told(ready, what, self.fleet.story)
