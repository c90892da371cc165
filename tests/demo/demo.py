# SPDX-License-Identifier: ISC
"""demo.py [BUILD]: the main job, shown on a private Postfix under a temporary directory. Nothing leaves this machine.

pqpurge-milter indexes a flood of one domain among other mail as it arrives; pqpurge-idx purges it, and from then on it
is refused. Postfix's own `postqueue -j` proves that exactly the right messages went. Needs root, for postsuper."""
import collections
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "postfix"))
sys.dont_write_bytecode = True
os.environ["PQPURGE_BUILD"] = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")

import pqpurge  # noqa: E402  (after PQPURGE_BUILD is set)
import rig  # noqa: E402
from smtp import content  # noqa: E402

BAD = "example.com"
MAIL = [
    # sender, recipient, header From (None: as the envelope), messages
    ("sales@example.com", "victim@dest.test", None, 600),
    ("Support@Example.COM", "victim@dest.test", None, 150),
    ("list@news.test", "victim@dest.test", "Your bank <service@example.com>", 50),
    ("ann@badexample.com", "bob@dest.test", None, 40),
    ("ann@example.com.evil.test", "bob@dest.test", None, 40),
    ("ann@mail.example.com", "bob@dest.test", None, 40),
    ("customer@good.test", "info@example.com", None, 80),
    ("daily@news.test", "bob@dest.test", None, 100),
]


def say(text):
    print(f"\n# {text}", flush=True)


def show(*words):
    """Prints a command as typed, then its output; returns its exit status."""
    print("$ " + shlex.join(words), flush=True)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    print(done.stdout, end="", flush=True)
    if done.returncode != 0:
        print(f"(exit status {done.returncode})", flush=True)
    return done.returncode


def fill(postfix):
    """Sends the mixed flood; returns the number of messages."""
    with postfix.smtp() as client:
        for sender, recipient, author, count in MAIL:
            for _ in range(count):
                client.message(sender, recipient, content(author or sender, subject="offer", body="Text.\n"))
            print(f"{count:5}  MAIL FROM:<{sender}>  From: {author or sender}  RCPT TO:<{recipient}>", flush=True)
    return sum(count for _, _, _, count in MAIL)


def queue_table(postfix):
    """Postfix's own list of the queue, counted by the envelope sender's domain."""
    print("$ postqueue -j    # counted by the domain of \"sender\"", flush=True)
    lines = postfix.queue()
    counts = collections.Counter(line["sender"].rpartition("@")[2].lower() for line in lines)
    for domain, count in counts.most_common():
        print(f"{count:5}  {domain}")
    print(f"{len(lines):5}  in all", flush=True)
    return {line["queue_id"] for line in lines}


def prove(before, after, files):
    """Compares two answers of postqueue -j with the queue files from before; true if exactly the right messages
    went."""
    meant = {queue_id for queue_id, file in files.items() if BAD in file.author_domains}
    gone = before - after
    print(f"{len(meant)} queue files had {BAD} as domain of envelope sender or header From")
    print(f"{len(gone)} messages left the queue: {len(gone & meant)} of those, {len(gone - meant)} others")
    print(f"{len(after)} messages remain: {len(after & meant)} of those, {len(after - meant)} others")
    return gone == meant and len(meant) > 0


def converse(client, sender):
    """Says MAIL FROM on a connection that was open all the time; returns the reply's code."""
    code, text = client.mail(sender)
    print(f"> MAIL FROM:<{sender}>\n< {code} {text}", flush=True)
    client.command("RSET")
    return code


def tell_story(postfix, ours):
    say("pqpurge-milter records mail as a private Postfix accepts it")
    print(f"$ postconf smtpd_milters\nsmtpd_milters = {rig.milter_words(pqpurge.socket_path(postfix))}")
    say(f"A hacked account of {BAD} floods the queue, among look-alikes and innocent mail")
    postfix.settled(fill(postfix), timeout=120)
    files, before = postfix.read(), queue_table(postfix)

    say("What would go? A dry run touches nothing")
    good = show("pqpurge-idx", "-n", BAD) == 0
    good &= postfix.ids() == before

    say("Delete exactly that")
    good &= show("pqpurge-idx", "purge", "--reason", "hacked account", BAD) == 0
    say("What Postfix says now")
    good &= prove(before, queue_table(postfix), files)

    say("Refuse the domain for an hour. A client that is already connected hears of it at its next message")
    with postfix.smtp() as client:
        good &= converse(client, f"sales@{BAD}") == 250
        good &= show("pqpurge-idx", "block", "--for", "1h", "--reason", "hacked account", BAD) == 0
        good &= converse(client, f"sales@{BAD}") == 550
        good &= converse(client, f"ann@bad{BAD}") == 250
    good &= show("pqpurge-idx", "rules") == 0
    say("What was done is on record")
    good &= show("pqpurge-idx", "log") == 0
    return good


def main():
    if os.geteuid() != 0:
        sys.exit("demo: needs root, because postsuper does: sudo make demo")
    for program in (pqpurge.MILTER, pqpurge.COMMAND):
        if not os.access(program, os.X_OK):
            sys.exit(f"demo: {program} is missing: run make first")
    postfix = rig.PrivatePostfix(long_ids=True)
    pqpurge.wire(postfix)
    try:
        with postfix:
            ours = pqpurge.Pqpurge(postfix)
            os.environ.update(MAIL_CONFIG=postfix.etc, PQPURGE_CONF=ours.conf,
                              PATH=pqpurge.BUILD + ":" + os.environ["PATH"])
            ours.start()
            try:
                good = tell_story(postfix, ours)
            finally:
                ours.kill9()
    except KeyboardInterrupt:
        sys.exit("\ndemo: interrupted; Postfix stopped, everything removed")
    say("Postfix stopped, everything removed")
    print("exactly the right messages went" if good else "SOMETHING WENT WRONG, see above", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
