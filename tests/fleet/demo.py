# SPDX-License-Identifier: ISC
"""demo.py [BUILD]: one order for a fleet of three private Postfixes, one of which is away, and a fourth that joins later;
with a private PostgreSQL with TLS and client certificates on loopback. Nothing leaves this machine. Needs root, for
postsuper.

Postfix's own `postqueue -j` on each host proves the effect on the mail; the last line is the verdict."""
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "postfix"))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
os.environ["PQPURGE_BUILD"] = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")

from database import Server  # noqa: E402  (after PQPURGE_BUILD is set)
from fleet import Fleet  # noqa: E402
from rig import until  # noqa: E402

BAD, DOMAIN = "sales@example.com", "example.com"
GOOD = ("ann@badexample.com", "ann@mail.example.com", "daily@news.test")
FLOOD = 300
PATIENCE = 120.0


def say(text):
    print(f"\n# {text}", flush=True)


def show(fleet, *words, status=(0,)):
    """Prints a command as anna types it, then its output; returns whether its exit status was expected."""
    print("$ " + shlex.join(("pqpurge-idx", *words)), flush=True)
    done = fleet.idx(*words)
    print(done.out + done.err, end="", flush=True)
    if done.status != 0:
        print(f"(exit status {done.status})", flush=True)
    return done.status in status


def queues(*hosts):
    """Each Postfix's queue by sender; {host: {sender: messages}}."""
    found = {}
    for host in hosts:
        found[host.name] = host.senders()
        told = ", ".join(f"{count} {sender}" for sender, count in sorted(found[host.name].items()))
        print(f"{host.name}$ postqueue -j    # counted by sender\n  {told or 'empty'}", flush=True)
    return found


def fill(host):
    host.postfix.flood(BAD, FLOOD, size=200)
    for number, sender in enumerate(GOOD, 1):
        host.fill(sender, 5 * number, wait=False)
    host.postfix.settled(FLOOD + 30, timeout=PATIENCE)


def is_clean(found):
    """Exactly the bad ones are gone."""
    return all(senders == {sender: 5 * number for number, sender in enumerate(GOOD, 1)} for senders in found.values())


def knock(host):
    refused = host.refuses(BAD)
    print(f"{host.name}: MAIL FROM:<{BAD}> {'is refused' if refused else 'IS ACCEPTED'}", flush=True)
    return refused


def tell_story(server, fleet):
    say("Three hosts join; each has its own certificate, and a Postfix with milter, order door and agent")
    mx1, mx2, mx3 = fleet.join("mx1", "mx2", "mx3")
    good = show(fleet, "fleet", "hosts")
    say(f"An account of {DOMAIN} is hacked: {FLOOD} messages on each, among look-alikes and innocent mail. mx3 stops")
    for host in (mx1, mx2, mx3):
        fill(host)
    mx3.stop_agent()
    mx3.door.close()
    # Skips the minute after which a silent host counts as absent.
    fleet.admin("UPDATE pqpurge.fleet_host SET seen_at = seen_at - interval '4 minutes' WHERE name = 'mx3'")
    queues(mx1, mx2, mx3)

    say("One order: delete this everywhere, and refuse it for two hours")
    good &= show(fleet, "purge", "--fleet", "--block=2h", "-y", "--reason", "hacked account", DOMAIN, status=(4,))
    good &= is_clean(queues(mx1, mx2)) and mx3.senders().get(BAD) == FLOOD
    good &= knock(mx1) and knock(mx2)

    say("mx3 returns, and does it")
    mx3.door.open()
    mx3.start_agent()
    until(lambda: mx3.senders().get(BAD) is None, "mx3 to do it\n" + fleet.story(), PATIENCE)
    good &= is_clean(queues(mx1, mx2, mx3))
    good &= knock(mx3)
    good &= show(fleet, "fleet", "orders")

    say("A fourth host joins later, and knows the rule")
    mx4 = fleet.join("mx4")
    until(lambda: mx4.refuses(BAD) or mx4.postfix.wipe(), "mx4 to know the rule\n" + fleet.story(), PATIENCE)
    good &= knock(mx4)

    say("The database stops: mail flows, rules stay. It starts: orders go on")
    server.stop()
    good &= all([knock(host) for host in (mx1, mx2, mx3, mx4)])
    mx4.fill("left@other.test", 7)
    server.start()
    for host in (mx1, mx2, mx3, mx4):
        host.joined(3 if host is mx3 else 2)
    good &= show(fleet, "purge", "--fleet", "-y", "other.test")
    good &= queues(mx1, mx2, mx3, mx4)["mx4"] == {}
    say("The rule is taken back everywhere")
    good &= show(fleet, "unblock", "--fleet", "-y", DOMAIN)
    until(lambda: not any(host.refuses(BAD) for host in (mx1, mx2, mx3, mx4)), "the rule to go", PATIENCE)
    good &= show(fleet, "fleet", "hosts")
    return good


def main():
    if os.geteuid() != 0:
        sys.exit("fleet-demo: needs root, because postsuper does: sudo make fleet-demo")
    if subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", "test", "-x", os.environ["PQPURGE_BUILD"]], check=False).returncode:
        sys.exit("fleet-demo: other users must be able to reach the build directory")
    server = Server()
    fleet = None
    try:
        fleet = Fleet(server.start())
        good = tell_story(server, fleet)
    finally:
        if fleet:
            fleet.close()
        server.close()
    print("\nfleet-demo: " + ("all of it is as it should be" if good else "FAILED"), flush=True)
    sys.exit(0 if good else 1)


main()
