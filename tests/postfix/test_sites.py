# SPDX-License-Identifier: ISC
"""Configurations of common mail systems (sites/README): setup, mail through every service, status with the commands that
it names, removal. Foreign filters are asked as often afterwards as before."""
import os
import re
import socket
import subprocess
import sys
import unittest

from filter import Filter
from null_milter import NullMilter
from pqpurge import Pqpurge
from rig import PrivatePostfix, free_port, until
from smtp import Refused, Smtp, content

SITES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sites")
BAD, GOOD = "bad.example", "good.test"


class At(Smtp):
    """A connection to a service at some address: port is (address, port)."""

    def connect(self, port, timeout):
        return socket.create_connection(port, timeout)


class SitePostfix(PrivatePostfix):
    """The rig with a site's files in place of its own smtpd. The site's services replace the rig's."""

    def __init__(self, site, port):
        def fill(name):
            with open(os.path.join(SITES, site, name), encoding="utf-8") as file:
                return re.sub(r"@(\w+)@", lambda found: str(port(found[1])), file.read())
        super().__init__(main=fill("main.cf"), services=fill("master.cf"))
        self.entry = ("127.0.0.2", port("smtp"))

    def write_main_cf(self):
        """The site's lines as they are."""
        site, self.main = self.main, ""
        super().write_main_cf()
        self.main = site
        with open(os.path.join(self.etc, "main.cf"), "a", encoding="utf-8") as file:
            file.write(site)

    def write_master_cf(self):
        super().write_master_cf()
        path = os.path.join(self.etc, "master.cf")
        own = {tuple(line.split()[:2]) for line in self.services.splitlines() if line[:1] not in ("#", " ", "")}
        with open(path, encoding="utf-8") as file:
            lines = file.read().removesuffix(self.services).splitlines(True)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line for line in lines if tuple(line.split()[:2]) not in own and f":{self.port} inet" not in line)
            file.write(self.services)

    def answers(self):
        try:
            with At(self.entry):
                return True
        except (ConnectionError, Refused):
            return False


class Service:
    """A service that accepts mail. name: as in status; filter: the port of the content filter for its mail."""

    def __init__(self, at, name, next_port):
        host, _, port = at.rpartition(":")
        self.address, self.name, self.next_port = (host.strip("[]"), int(port)), name, next_port


class SiteCase(unittest.TestCase):
    site = None
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.ports = {}
        cls.postfix = SitePostfix(cls.site, cls.port)
        cls.addClassCleanup(cls.postfix.close)
        text = cls.postfix.main + cls.postfix.services
        milters = {int(port) for port in re.findall(r"^.*milters ?=.*$", text, re.MULTILINE)
                   for port in re.findall(r"inet:[\w.]+:(\d+)", port)}
        cls.milters = {port: NullMilter(port) for port in milters}
        cls.backs = {cls.port(filter_): cls.port(back)
                     for filter_, back in re.findall(r"# (\w+) gives back to (\w+)", cls.postfix.services)}
        cls.filters = [Filter(port, back, xforward=True) for port, back in cls.backs.items()]
        cls.postfix.start()
        cls.services = cls.find_services()
        cls.files = {name: os.path.join(cls.postfix.etc, name) for name in ("main.cf", "master.cf")}

    @classmethod
    def port(cls, name):
        return cls.ports.setdefault(name, free_port())

    @classmethod
    def find_services(cls):
        """Those that listen; behind postscreen it is the service smtpd/pass that status names."""
        everywhere = cls.postfix.run("postconf", "-h", "content_filter").stdout
        found = []
        for line in cls.postfix.run("postconf", "-M").stdout.splitlines():
            words = line.split()
            if words[1] != "inet" or words[7] not in ("smtpd", "postscreen"):
                continue
            own = re.search(r"content_filter=(\S*)", line)
            port = re.search(r":(\d+)$", own[1] if own else everywhere.strip())
            found.append(Service(words[0], "smtpd/pass" if words[7] == "postscreen" else words[0] + "/inet",
                                 port and int(port[1])))
        return found

    def setUp(self):
        self.pq = Pqpurge(self.postfix)
        self.addCleanup(self.pq.kill9)
        self.addCleanup(self.postfix.wipe)

    # ---- mail

    def last_service(self, service):
        """The service that queues mail from service, after all filters."""
        while service.next_port:
            port = self.backs.get(service.next_port, service.next_port)
            (service,) = [other for other in self.services if other.address[1] == port]
        return service

    def asked(self):
        return {port: milter.mails for port, milter in self.milters.items()}

    def send_everywhere(self):
        """Sends one message through each service and one by sendmail(1), and counts the questions to each milter. Returns
        {last service: IDs} of the mail that waits."""
        before, waiting = self.asked(), {}
        for service in self.services:
            had = self.postfix.ids()
            with At(service.address) as client:
                client.message(f"a@{GOOD}", "u@dest.test", content())
            until(lambda: self.postfix.ids() - had, "the message in the queue")
            self.postfix.settled(len(had) + 1)
            waiting.setdefault(self.last_service(service).name, set()).update(self.postfix.ids() - had)
        self.postfix.sendmail(f"a@{GOOD}", ["u@dest.test"], content())
        self.postfix.settled(len(self.services) + 1)
        return {port: count - before[port] for port, count in self.asked().items()}, waiting

    def refuses(self, service):
        with At(service.address) as client:
            return client.mail(f"x@{BAD}")[0] == 550

    # ---- the command's words

    def status(self):
        (line,) = self.pq.idx("status", "--json").lines
        return line["status"]["findings"]

    def said_of(self, service):
        """The findings of status about this service, or about all."""
        own = [f["text"] for f in self.status() if " of " + service.name + " " in f["text"]]
        return own or [f["text"] for f in self.status() if f["id"] in ("milter_missing", "no_milters") and "/" not in f["text"]]

    def members(self, name):
        """A list of milters with references expanded, each member by its endpoint."""
        value = self.postfix.run("postconf", "-xh", name).stdout
        return re.findall(r"(?:inet|unix):[^ ,}]+", value)

    def read(self):
        """Postfix's files, byte by byte."""
        found = {}
        for name, path in self.files.items():
            with open(path, "rb") as file:
                found[name] = file.read()
        return found

    def write(self, files):
        for name, path in self.files.items():
            with open(path, "wb") as file:
                file.write(files[name])
        self.postfix.run("postfix", "reload")

    # ---- the test

    def assert_set_up(self, lists):
        result = self.pq.idx("setup", "-y")
        self.assertNotIn("unfinished", result.err, result)
        for name, others in lists.items():
            ours, *rest = self.members(name)
            self.assertTrue(ours.endswith("pqpurge/milter.sock"), ours)
            self.assertEqual(rest, others, "the others stay, and in order")

    def assert_used(self, asked):
        """Each service refuses blocked mail and records what it queues, or status says that it does not."""
        self.assertEqual(self.pq.idx("block", "-y", BAD).status, 0)
        counts, waiting = self.send_everywhere()
        self.assertEqual(counts, asked, "another filter was asked more or less often than before")
        indexed = set(self.pq.listed("--index-only"))
        for service in self.services:
            if not self.refuses(service):
                self.assertTrue(self.said_of(service), f"{service.name} lets blocked mail in, and status is silent: {self.status()}")
            unknown = waiting.get(service.name, set()) - indexed
            if unknown:
                self.assertTrue(self.said_of(service), f"{service.name} records nothing, and status is silent: {self.status()}")
        everything = set().union(*waiting.values())
        self.assertLessEqual(everything, set(self.pq.listed(GOOD)), "it is found by reading the queue, in any case")
        self.assertEqual(self.pq.idx("purge", "-y", GOOD).status, 0)
        self.assertFalse(self.postfix.ids() & everything)

    def assert_advice(self, asked):
        """The commands in status drop no filter, and once they change anything no fault of that kind is left."""
        files = self.read()
        for finding in self.status():
            if finding["command"].startswith("postconf"):
                subprocess.run(finding["command"], shell=True, check=True, capture_output=True, timeout=60)
        left = [f for f in self.status() if f["level"] == "fault"]
        self.assertFalse([f for f in left if f["id"] not in ("no_milters", "proxy_filter")], left)
        self.postfix.run("postfix", "reload")
        counts, _ = self.send_everywhere()
        self.assertEqual(counts, asked, "the advice dropped a filter")
        self.postfix.wipe()
        self.write(files)

    def test_life(self):
        before, lists = self.read(), {name: self.members(name) for name in ("smtpd_milters", "non_smtpd_milters")}
        asked, _ = self.send_everywhere()
        self.assertTrue(all(asked.values()), "a milter that is never asked proves nothing")
        self.postfix.wipe()
        self.assert_set_up(lists)
        self.pq.start()
        self.assert_used(asked)
        self.assert_advice(asked)
        self.assertEqual(self.pq.stop(), 0)
        self.assertEqual(self.pq.idx("setup", "--remove", "-y").status, 0)
        self.assertEqual(self.read(), before, "the removal leaves a trace")
        self.assertEqual(self.send_everywhere()[0], asked)


def make_cases():
    """A class for each site, so that several can be tested side by side."""
    for site in sorted(os.listdir(SITES)):
        if os.path.isdir(os.path.join(SITES, site)):
            name = "".join(word.capitalize() for word in site.split("-"))
            setattr(sys.modules[__name__], name, type(name, (SiteCase,), {"site": site, "__module__": __name__}))


make_cases()


def load_tests(loader, _tests, _pattern):
    """Only the sites' classes: their base has no site."""
    classes = [c for c in vars(sys.modules[__name__]).values() if isinstance(c, type) and issubclass(c, SiteCase) and c.site]
    return unittest.TestSuite(loader.loadTestsFromTestCase(c) for c in classes)
