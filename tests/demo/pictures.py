# SPDX-License-Identifier: ISC
"""pictures.py BUILD DIRECTORY: draws DIRECTORY/report.png, the report of `pqpurge-idx report` on the demo's flood, with
Chromium.

The flood is the demo's, on a private Postfix, with arrival times spread over three quarters of an hour. A part is
deleted, a part held, and some mail comes late. Needs root, for postsuper."""
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "postfix")]
sys.dont_write_bytecode = True

import demo  # noqa: E402
import chromium  # noqa: E402
import pqpurge  # noqa: E402
import rig  # noqa: E402
from smtp import content  # noqa: E402

WIDTH, HEIGHT = 900, 1960
MOST = 200_000  # bytes of a picture at most
REASON = "hacked account, its owner was called"


def backdate(postfix):
    """The flood swells, while the other mail comes evenly."""
    chance = random.Random(17)
    for queue_id, file in sorted(postfix.read().items()):
        ago = chance.triangular(300, 2700, 700) if demo.BAD in file.author_domains else chance.uniform(300, 2700)
        postfix.arrived_earlier(queue_id, int(ago))


def run(*words):
    """In the form that people type, since the account keeps the words."""
    done = subprocess.run(["pqpurge-idx", *words], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"pictures: {words}: {done}")


def make_incident(postfix, ours):
    ours.start()
    total = demo.fill(postfix)
    postfix.settled(total, timeout=120)
    ours.stop()
    backdate(postfix)
    ours.forget()  # the milter's records have other times
    ours.start()
    run("purge", "-y", "--limit", "520", "--reason", REASON, demo.BAD)
    run("hold", "-y", "--reason", "the newest are looked at first", demo.BAD)
    with postfix.smtp() as client:
        for _ in range(30):
            client.message("sales@example.com", "victim@dest.test", content("sales@example.com"))
    postfix.settled(total - 520 + 30, timeout=120)


def draw(page, picture):
    with chromium.started() as browser:
        image = browser.show(page, WIDTH, HEIGHT).screenshot()
    if len(image) > MOST:
        sys.exit(f"pictures: {picture} would have {len(image)} bytes, {MOST} are allowed")
    with open(picture, "wb") as file:
        file.write(image)
    print(f"{picture}: {len(image)} bytes")


def main():
    if os.geteuid() != 0:
        sys.exit("pictures: needs root, because postsuper does: sudo make docs-pictures")
    postfix = rig.PrivatePostfix(long_ids=True)
    pqpurge.wire(postfix)
    with postfix:
        ours = pqpurge.Pqpurge(postfix)
        os.environ.update(MAIL_CONFIG=postfix.etc, PQPURGE_CONF=ours.conf, PATH=pqpurge.BUILD + ":" + os.environ["PATH"])
        try:
            make_incident(postfix, ours)
            page = os.path.join(ours.home, "report.html")
            run("report", "-o", page, demo.BAD)
            draw(page, os.path.join(os.path.abspath(sys.argv[2]), "report.png"))
        finally:
            ours.kill9()


main()
